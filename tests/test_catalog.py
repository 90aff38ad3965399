"""Which files make up the graph, their names, and when a build counts as done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rdflib import URIRef

from cbdgraph.errors import TurtleError
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.rdf.catalog import find_sources, graph_of, hash_inputs, quads, read_sources
from cbdgraph.rdf.describe import describe_file

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("ontology/cbd.ttl", "ontology/shapes/a.ttl", "data/turtle/b/c.ttl", "data/turtle/a.ttl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# About {name}.\n\n<{BASE}x> <{BASE}y> <{BASE}z> .\n", encoding="utf-8")
    return tmp_path


def test_sources_in_order_with_their_graphs(project: Path) -> None:
    (project / "data" / "turtle" / ".draft.ttl").write_text("not Turtle", encoding="utf-8")
    sources = find_sources(project)
    assert [source.graph.removeprefix(GRAPHS) for source in sources] == [
        "ontology/cbd",
        "ontology/shapes/a",
        "a",
        "b/c",
    ]
    assert [source.is_data for source in sources] == [False, False, True, True]
    assert [source.is_shapes for source in sources] == [False, True, False, False]
    assert [source.is_formatted for source in sources] == [False, False, True, True]


def test_no_two_files_of_the_project_share_a_graph() -> None:
    graphs = [source.graph for source in find_sources(ROOT)]
    assert len(graphs) == len(set(graphs))
    assert graph_of("data/turtle/decisions/cop-10.ttl") == f"{GRAPHS}decisions/cop-10"


def test_files_are_read_by_graph(project: Path) -> None:
    files = read_sources(find_sources(project))
    assert {graph for graph, _ in quads(files)} == set(files)
    assert files[f"{GRAPHS}a"].path == "data/turtle/a.ttl"
    (project / "data" / "turtle" / "bad.ttl").write_text("<a> <b>", encoding="utf-8")
    with pytest.raises(TurtleError, match=r"data/turtle/bad\.ttl:1"):
        read_sources(find_sources(project))


@pytest.mark.parametrize(
    "name", ["ontology/cbd.ttl", "data/turtle/a.ttl", "ontology/rules/new.rq", "queries/checks/new.rq"]
)
def test_the_hash_changes_with_every_input(project: Path, name: str) -> None:
    before = hash_inputs(project)
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# other\n", encoding="utf-8")
    assert hash_inputs(project) != before


def test_the_hash_looks_at_contents_and_names_only(project: Path) -> None:
    before = hash_inputs(project)
    (project / "data" / "turtle" / "a.ttl").touch()
    (project / "README.md").write_text("x", encoding="utf-8")
    assert hash_inputs(project) == before
    (project / "data" / "turtle" / "a.ttl").rename(project / "data" / "turtle" / "z.ttl")
    assert hash_inputs(project) != before


def test_hashing_needs_no_rdf_library() -> None:
    code = (
        "import sys; from pathlib import Path; from cbdgraph.pipeline import is_current; "
        "from cbdgraph.settings import Settings; is_current(Settings(root=Path(sys.argv[1]))); "
        "print(sorted({'rdflib', 'pyshacl', 'owlready2', 'fastapi'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_file_is_described_by_its_path_and_comment(project: Path) -> None:
    (graph, file), *_ = read_sources(find_sources(project)).items()
    said = {str(value) for subject, _, value in describe_file(graph, file) if subject == URIRef(graph)}
    assert {"ontology/cbd.ttl", "About ontology/cbd.ttl.", "1"} <= said
