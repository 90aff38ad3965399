"""The build on a small project: what it publishes, when it is skipped, and that a fault changes nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cbdgraph.errors import BuildError, DataFaults, TurtleError
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.pipeline import build, is_current, validate
from cbdgraph.reports import ValidationReport
from cbdgraph.settings import Settings
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import current_release

ROOT = Path(__file__).resolve().parent.parent

HEAD = f"""@base <{BASE}> .
@prefix cbd: <https://w3id.org/cbdgraph/ontology#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""
GOOD = """
<issue/a> a cbd:Issue ; skos:prefLabel "A"@en .
<decision/cop/1/1> a cbd:Decision ; cbd:symbol "I/1" ; cbd:onIssue <issue/a> .
<decision/cop/1/1/para/2> a cbd:Paragraph ; cbd:parent <decision/cop/1/1> ; cbd:locator "para/2" .
<decision/cop/1/1/para/1> a cbd:Paragraph ; cbd:parent <decision/cop/1/1> ; cbd:locator "para/1" .
"""
SHAPES = """@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix cbd: <https://w3id.org/cbdgraph/ontology#> .
@prefix cbdsh: <https://w3id.org/cbdgraph/shapes#> .
cbdsh:DecisionShape a sh:NodeShape ; sh:targetClass cbd:Decision ; sh:property cbdsh:Decision-symbol .
cbdsh:Decision-symbol a sh:PropertyShape ; sh:path cbd:symbol ; sh:minCount 1 ; sh:message "Give it a symbol." .
"""
CHECK = """#+ summary: A part has no position
#+ severity: violation
#+ remedy: Give it a locator.
PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>

SELECT ?subject ?detail
WHERE {
  ?subject cbd:isPartOf ?detail .
  FILTER NOT EXISTS { ?subject cbd:position ?position }
}
ORDER BY ?subject ?detail
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for folder in ("ontology/shapes", "data/turtle/decisions", "queries/checks", "queries/named"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "ontology" / "rules", tmp_path / "ontology" / "rules")
    shutil.copy(ROOT / "ontology" / "cbd.ttl", tmp_path / "ontology")
    (tmp_path / "ontology/shapes/decision.ttl").write_text(SHAPES, encoding="utf-8")
    (tmp_path / "queries/checks/no-position.rq").write_text(CHECK, encoding="utf-8")
    write(tmp_path, GOOD)
    return Settings(root=tmp_path)


def write(root: Path, turtle: str) -> None:
    (root / "data/turtle/decisions/cop-1.ttl").write_text(HEAD + turtle, encoding="utf-8")


def ask(settings: Settings, pattern: str) -> bool:
    release = current_release(settings.build_path)
    assert release is not None
    prefixes = (
        f"BASE <{BASE}> PREFIX cbd: <{BASE}ontology#> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
        "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> PREFIX prov: <http://www.w3.org/ns/prov#> "
        "PREFIX dcterms: <http://purl.org/dc/terms/> PREFIX owl: <http://www.w3.org/2002/07/owl#> "
    )
    return Store.open_read_only(release.store_path).ask(f"{prefixes} ASK {{ {pattern} }}")


def test_a_build_publishes_what_is_stated_inferred_and_derived(settings: Settings) -> None:
    said: list[str] = []
    built = build(settings, said.append)
    counts = built.release.manifest.counts
    assert not built.skipped
    assert counts.asserted > 600
    assert counts.inferred > 10
    assert sum(built.release.manifest.graphs.values()) == counts.asserted + counts.inferred
    assert [line.split()[0] for line in said] == ["read", "validate", "infer", "derive", "check", "write"]
    assert ask(settings, "GRAPH <graph/decisions/cop-1> { <decision/cop/1/1/para/1> cbd:parent <decision/cop/1/1> }")
    assert ask(
        settings, "GRAPH <graph/inferred/prp-spo1> { <decision/cop/1/1/para/1> cbd:isPartOf <decision/cop/1/1> }"
    )
    assert ask(settings, "GRAPH <graph/derived/positions> { <decision/cop/1/1/para/2> cbd:position 2 }")
    assert ask(settings, 'GRAPH <graph/derived/labels> { <decision/cop/1/1> rdfs:label "Decision I/1"@en }')
    # Without GRAPH everything is there at once.
    assert ask(
        settings, "?part cbd:isPartOf <decision/cop/1/1> ; cbd:position 1 ; rdfs:label ?label ; cbd:locator ?place"
    )


def test_an_inferred_triple_tells_its_axiom_class(settings: Settings) -> None:
    build(settings)
    assert ask(
        settings,
        "GRAPH ?graph { <decision/cop/1/1/para/1> a cbd:Text } GRAPH <graph/catalog> { "
        "?graph skos:notation 'cax-sco' ; dcterms:subject rdfs:subClassOf ; "
        "prov:wasDerivedFrom <graph/ontology/cbd> ; cbd:basis <basis/inferred> }",
    )
    assert ask(
        settings, "GRAPH <graph/catalog> { <graph/decisions/cop-1> rdfs:label 'data/turtle/decisions/cop-1.ttl'@en }"
    )


def test_the_same_input_gives_the_same_bytes(settings: Settings) -> None:
    first = build(settings).release
    bytes_of_first = first.graph_path.read_bytes()
    shutil.rmtree(settings.build_path)
    second = build(settings).release
    assert second.manifest == first.manifest
    assert second.graph_path.read_bytes() == bytes_of_first


def test_an_unchanged_build_is_skipped_and_force_does_it_again(settings: Settings) -> None:
    assert not is_current(settings)
    first = build(settings)
    assert is_current(settings)
    said: list[str] = []
    again = build(settings, said.append)
    assert (again.skipped, said, again.release) == (True, [], first.release)
    assert not build(settings, said.append, force=True).skipped
    assert said
    write(settings.root, GOOD + "<issue/b> a cbd:Issue .")
    assert not is_current(settings)
    assert build(settings).release.manifest.data_hash != first.release.manifest.data_hash


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("<decision/cop/1/2> a cbd:Decision .", DataFaults),  # a shape's fault
        ("<x> a cbd:Element ; cbd:parent <decision/cop/1/1> .", DataFaults),  # a check's, on what is inferred
        ("<x> a cbd:Element", TurtleError),
    ],
)
def test_a_fault_leaves_the_old_release_and_is_shown(settings: Settings, bad: str, error: type[Exception]) -> None:
    first = build(settings).release
    write(settings.root, GOOD + bad)
    shown: list[ValidationReport] = []
    with pytest.raises(error):
        build(settings, show=shown.append)
    assert current_release(settings.build_path) == first
    assert not is_current(settings)
    if error is DataFaults:
        assert [problem.remedy for problem in shown[-1].problems if problem.severity == "violation"]
        assert shown[-1].problems[0].file == "data/turtle/decisions/cop-1.ttl"
        assert shown[-1].problems[0].line == len(HEAD.splitlines()) + len(GOOD.splitlines()) + 1
    write(settings.root, GOOD)
    assert build(settings).skipped


def test_without_data_there_is_nothing_to_build(settings: Settings) -> None:
    (settings.root / "data/turtle/decisions/cop-1.ttl").unlink()
    with pytest.raises(BuildError, match="no Turtle file"):
        build(settings)


def test_a_killed_build_leaves_the_old_release_and_the_next_one_cleans_up(settings: Settings) -> None:
    first = build(settings).release
    write(settings.root, GOOD + "<issue/b> a cbd:Issue .")
    # Killed in the worst place: the new release is half written.
    code = (
        "import sys, time; from pathlib import Path; from cbdgraph import pipeline\n"
        "from cbdgraph.settings import Settings; from cbdgraph.store.embedded import Store\n"
        "build = Store.build.__func__\n"
        "def slow(cls, path, *args, **more):\n"
        "    build(cls, path, *args, **more); print('writing', flush=True); time.sleep(60)\n"
        "Store.build = classmethod(slow); pipeline.build(Settings(root=Path(sys.argv[1])))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(settings.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    releases = settings.build_path / "releases"
    assert list(releases.glob("*.partial"))
    assert current_release(settings.build_path) == first
    second = build(settings)
    assert not second.skipped
    assert not list(releases.glob("*.partial"))
    assert current_release(settings.build_path) == second.release


def test_validate_looks_at_the_project_or_at_files(settings: Settings, tmp_path: Path) -> None:
    assert validate(settings, []).conforms
    mine = tmp_path / "mine.ttl"
    mine.write_text(HEAD + "<decision/cop/1/9> a cbd:Decision .", encoding="utf-8")
    found = validate(settings, [mine])
    assert [problem.remedy.split(".")[0] for problem in found.problems] == ["Give it a symbol"]
    assert found.problems[0].file == str(mine)


def test_graphs_are_named_by_their_files(settings: Settings) -> None:
    graphs = build(settings).release.manifest.graphs
    assert f"{GRAPHS}ontology/shapes/decision" in graphs
    assert f"{GRAPHS}decisions/cop-1" in graphs
    assert f"{GRAPHS}inferred/prp-trp" not in graphs  # nothing followed, so there is no such graph


@pytest.mark.slow
def test_an_unchanged_project_is_seen_as_such_at_once() -> None:
    code = (
        "from pathlib import Path; import sys; from cbdgraph.settings import Settings; "
        "from cbdgraph.pipeline import is_current; is_current(Settings(root=Path(sys.argv[1])))"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(ROOT)], check=True, env=dict(os.environ))
    assert time.perf_counter() - start < 1.5
