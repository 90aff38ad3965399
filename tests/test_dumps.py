"""Dumps: the same data are the same bytes, every format says the same, tables against the data, what is refused."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pyoxigraph as ox
import pytest
import rdflib
from rdflib.plugins.sparql import prepareQuery

from cbdgraph.errors import BuildError
from cbdgraph.namespaces import ABOUT, BASE, GRAPHS, LANGUAGES
from cbdgraph.quads import relabel
from cbdgraph.queries import Query, read_queries
from cbdgraph.store.dumps import MEDIA_TYPES, Dump, read_dumps, write_dumps
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT

TABLES = read_queries(ROOT / "queries" / "tables")
SMALL = {
    f"{GRAPHS}a": [
        "<x:s> <x:p> _:one .",
        '_:one <http://www.w3.org/2000/01/rdf-schema#label> "b:\\n\\"_:one\\" \\\\ \u0627"@ar .',
        "_:one <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <x:C> .",
        "<x:s> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <x:C> .",
    ],
    f"{GRAPHS}b/c": ["<x:s> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <x:C> .", "_:two <x:p> _:two ."],
}


def parse(dump: Dump, folder: Path) -> set[ox.Quad]:
    """What a file of RDF holds."""
    content = (folder / "dump" / dump.name).read_bytes()
    content = gzip.decompress(content) if dump.is_compressed else content
    return set(ox.parse(content, format=ox.RdfFormat.from_media_type(dump.media_type)))


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def table(release: Release, name: str) -> list[dict[str, str]]:
    text = (release.path / "dump" / f"{name}.csv").read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def read_sheet(release: Release, name: str) -> Any:
    return openpyxl.load_workbook(io.BytesIO((release.path / "dump" / f"{name}.xlsx").read_bytes())).active


@pytest.fixture(scope="module")
def dumps(release: Release) -> dict[str, Dump]:
    """The files of the real release by name."""
    return {dump.name: dump for dump in read_dumps(release.path)}


def test_there_are_files_of_the_whole_each_graph_and_each_table(release: Release, dumps: dict[str, Dump]) -> None:
    graphs = {graph.removeprefix(GRAPHS) for graph in release.manifest.graphs.keys() - ABOUT}
    rdf = [ending for ending, kind in MEDIA_TYPES.items() if "csv" not in kind and "sheet" not in kind]
    expected = {f"{stem}.{ending}" for stem in {"cbdgraph", *graphs} for ending in rdf}
    expected |= {f"{name}.{ending}" for name in TABLES for ending in ("csv", "xlsx")}
    assert dumps.keys() == expected
    assert {"decisions/cop-10.ttl", "cbdgraph.nt.gz", "citations.xlsx"} <= dumps.keys()
    on_disk = contents(release.path / "dump").keys() - {"index.json", "SHA256SUMS"}
    assert on_disk == expected


def test_sizes_and_sums_are_those_of_the_files(release: Release, dumps: dict[str, Dump]) -> None:
    folder = release.path / "dump"
    for name, dump in dumps.items():
        content = (folder / name).read_bytes()
        assert (dump.bytes, dump.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    end = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=False)
    assert end.returncode == 0


def test_the_whole_is_the_union_in_trig_the_named_graphs(release: Release, dumps: dict[str, Dump]) -> None:
    quads = set(ox.parse(release.graph_path.read_bytes(), format=ox.RdfFormat.N_QUADS))
    assert parse(dumps["cbdgraph.trig.gz"], release.path) == quads
    assert dumps["cbdgraph.trig.gz"].rows == len(quads)
    union = {ox.Quad(quad.subject, quad.predicate, quad.object) for quad in quads}
    for ending in ("ttl", "nt.gz", "jsonld"):
        assert parse(dumps[f"cbdgraph.{ending}"], release.path) == union, ending
        assert dumps[f"cbdgraph.{ending}"].rows == len(union) == release.manifest.counts.total


def test_each_graph_says_the_same_in_every_format(release: Release, dumps: dict[str, Dump]) -> None:
    quads = set(ox.parse(release.graph_path.read_bytes(), format=ox.RdfFormat.N_QUADS))
    for dump in dumps.values():
        if dump.graph:
            own = {quad for quad in quads if getattr(quad.graph_name, "value", "") == dump.graph}
            if dump.ending != "trig.gz":
                own = {ox.Quad(quad.subject, quad.predicate, quad.object) for quad in own}
            assert parse(dump, release.path) == own, dump.name
            assert dump.rows == len(own)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # rdflib warns of itself when it reads JSON-LD
def test_another_library_reads_the_same(release: Release) -> None:
    folder = release.path / "dump"
    turtle = set(rdflib.Graph().parse(folder / "decisions" / "cop-11.ttl"))
    lines = gzip.decompress((folder / "decisions" / "cop-11.nt.gz").read_bytes()).decode()
    expanded = rdflib.Dataset()
    expanded.parse(data=(folder / "decisions" / "cop-11.jsonld").read_text(encoding="utf-8"), format="json-ld")
    named = rdflib.Dataset()
    named.parse(data=gzip.decompress((folder / "decisions" / "cop-11.trig.gz").read_bytes()), format="trig")
    assert len(turtle) == release.manifest.graphs[f"{GRAPHS}decisions/cop-11"]
    assert set(rdflib.Graph().parse(data=lines, format="nt")) == turtle
    assert {quad[:3] for quad in expanded.quads()} == turtle
    assert set(named.graph(rdflib.URIRef(f"{GRAPHS}decisions/cop-11"))) == turtle


def test_turtle_is_written_for_people(release: Release) -> None:
    text = (release.path / "dump" / "decisions" / "cop-15.ttl").read_text(encoding="utf-8")
    head = [line for line in text.splitlines() if line.startswith("@prefix")]
    assert head[0] == f"@prefix cbd: <{BASE}ontology#> ."
    assert len(head) == len(set(head)) < 10, "those in use, each once"
    assert f"<{BASE}decision/cop/15/4> a cbd:Decision ;\n" in text


def test_the_same_data_are_the_same_bytes_whatever_order_names_and_hash_seed(
    tmp_path: Path, release: Release
) -> None:
    quads = release.graph_path.read_text(encoding="utf-8").splitlines()
    program = (
        "import json, sys, random; from pathlib import Path; from cbdgraph.queries import read_queries;"
        "from cbdgraph.store.dumps import write_dumps;"
        "graphs = json.load(sys.stdin);"
        "write_dumps(Path(sys.argv[1]), graphs, read_queries(Path(sys.argv[2])))"
    )
    made = []
    for seed in (0, 1, 4711):
        graphs: dict[str, list[str]] = {}
        shuffled = random.Random(seed).sample(quads, len(quads))
        for quad in shuffled:
            statement, _, graph = quad.removesuffix("> .").rpartition(" <")
            graphs.setdefault(graph, []).append(f"{statement} .".replace("_:c14n", f"_:{'xyz'[seed % 3]}{seed}n"))
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "store").symlink_to(release.store_path)
        subprocess.run(
            [sys.executable, "-c", program, str(folder), str(ROOT / "queries" / "tables")],
            input=json.dumps(graphs),
            env={**os.environ, "PYTHONHASHSEED": str(seed), "LC_ALL": "C", "TZ": f"Etc/GMT+{seed % 12}"},
            text=True,
            check=True,
        )
        made.append(contents(folder / "dump"))
    assert made[0] == made[1] == made[2] == contents(release.path / "dump")


def test_blank_nodes_are_called_as_in_the_canonical_form(tmp_path: Path) -> None:
    other = {graph: [relabel(line, "_:other") for line in lines[::-1]] for graph, lines in SMALL.items()}
    for name, graphs in (("first", SMALL), ("second", dict(reversed(other.items())))):
        (tmp_path / name).mkdir()
        write_dumps(tmp_path / name, graphs)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    text = gzip.decompress((tmp_path / "first" / "dump" / "a.nt.gz").read_bytes()).decode()
    assert "_:c14n" in text
    assert '"b:\\n\\"_:one\\" \\\\ \u0627"@ar' in text, "what a literal says stays"
    whole = {dump.name: dump.rows for dump in read_dumps(tmp_path / "first") if dump.stem == "cbdgraph"}
    assert whole == {"cbdgraph.ttl": 5, "cbdgraph.nt.gz": 5, "cbdgraph.jsonld": 5, "cbdgraph.trig.gz": 6}


def test_what_is_compressed_tells_no_time_and_no_name(release: Release) -> None:
    head = (release.path / "dump" / "cbdgraph.nt.gz").read_bytes()[:10]
    assert head[3] == 0, "no name"
    assert head[4:8] == b"\0\0\0\0", "no time"


@pytest.mark.parametrize(
    "path", ["../up", "a/../../b", "/root", "a//b", ".hidden", "a b", "cbdgraph", "", "a\nb", "a/"]
)
def test_a_graph_whose_path_is_no_name_of_a_file_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BuildError, match="no name of a file"):
        write_dumps(tmp_path, {GRAPHS + path: ["<x:a> <x:b> <x:c> ."]})
    assert list(tmp_path.iterdir()) == []


def test_graphs_about_the_dataset_and_those_without_triples(tmp_path: Path) -> None:
    write_dumps(tmp_path, {f"{GRAPHS}empty": [], **{graph: ["<x:a> <x:b> <x:c> ."] for graph in ABOUT}})
    dumps = read_dumps(tmp_path)
    assert {dump.stem for dump in dumps} == {"empty", "cbdgraph"}
    assert all(not parse(dump, tmp_path) for dump in dumps)


def test_no_index_is_no_dumps(tmp_path: Path) -> None:
    assert read_dumps(tmp_path) == ()
    (tmp_path / "dump").mkdir()
    for text in ("", "[]", '{"files": [{"name": 1}]}', '{"files": 1}'):
        (tmp_path / "dump" / "index.json").write_text(text, encoding="utf-8")
        assert read_dumps(tmp_path) == ()


@pytest.mark.parametrize("query", TABLES.values(), ids=list(TABLES))
def test_each_table_is_a_query_as_the_others(query: Query, graph: Store) -> None:
    assert prepareQuery(query.text) is not None, "a second engine reads it"
    assert "ORDER BY" in query.text
    assert query.tags
    assert query.columns == graph.select(query.text).columns
    text = (ROOT / "docs" / "dumps.md").read_text(encoding="utf-8")
    section = text.partition(f"### {query.name}\n")[2].partition("\n### ")[0]
    missing = [name for name in query.columns if f"`{name}`" not in section.replace("name_…", "")]
    spelled = {f"{stem}_{language}" for stem in ("name", "title") for language in LANGUAGES}
    assert not set(missing) - spelled, "each column is explained"


@pytest.mark.parametrize(
    ("name", "kind"), [("decisions", "Decision"), ("citations", "Citation"), ("definitions", "Definition")]
)
def test_a_table_has_one_row_for_each_resource(release: Release, graph: Store, name: str, kind: str) -> None:
    found = graph.select(f"SELECT ?s {{ ?s a <{BASE}ontology#{kind}> }}")
    addresses = [row["address"] for row in table(release, name)]
    assert sorted(addresses) == sorted(str(row["s"].value) for row in found.rows)


def test_targets_have_a_row_for_each_figure(release: Release, graph: Store) -> None:
    rows = table(release, "targets")
    found = graph.select(f"SELECT ?s {{ ?s a <{BASE}ontology#Target> }}")
    assert {row["address"] for row in rows} == {str(row["s"].value) for row in found.rows}
    figures = graph.select(f"SELECT ?f {{ ?f <{BASE}ontology#quantityOf> ?t . ?t a <{BASE}ontology#Target> }}")
    assert sorted(row["figure"] for row in rows if row["figure"]) == sorted(str(r["f"].value) for r in figures.rows)
    fifteen = next(row for row in rows if row["identifier"] == "target/aichi/15")
    told = {name: fifteen[name] for name in ("number", "code", "deadline", "comparator", "value", "unit")}
    assert told == {
        "number": "15",
        "code": "AICHI-TARGET-15",
        "deadline": "2020",
        "comparator": "at least",
        "value": "15",
        "unit": "percent",
    }
    assert fifteen["name_zh"].startswith("爱知目标15")
    without = next(row for row in rows if row["identifier"] == "target/aichi/1")
    assert without["value"] == without["figure"] == without["unit"] == ""
    assert {row["identifier"] for row in rows if row["address"] == "http://metadata.cbd.int/kmgbf/target_3"} == {
        "target/kmgbf/3"
    }


def test_a_decision_and_a_citation_as_the_source_has_them(release: Release) -> None:
    decision = next(row for row in table(release, "decisions") if row["symbol"] == "VII/27")
    expected = {
        "identifier": "decision/cop/7/27",
        "name_zh": "第VII/27号决定",
        "title_en": "Mountain biological diversity",
        "title_fr": "",
        "meeting": "COP 7 (Kuala Lumpur, 2004)",
        "trackingCode": "CBD/COP/07/27",
        "fullSymbol": "UNEP/CBD/COP/DEC/VII/27",
        "officialPages": "https://www.cbd.int/decisions/cop/7/27",
        "issues": "Mountain Biodiversity",
    }
    assert {name: decision[name] for name in expected} == expected
    place = "document/sbstta-17-ecosystem-restoration/annex/1/row/7/citation/4"
    citation = next(row for row in table(release, "citations") if row["identifier"] == place)
    expected = {
        "quote": "第VIII/19 B号决定第3段(c)",
        "partQuote": "第3段(c)",
        "symbol": "VIII/19",
        "locator": "section/b/para/3/item/c",
        "issueCode": "CBD-SUBJECT-FOR",
        "certainty": "certain",
        "reason": "",
        "targets": "",
    }
    assert {name: citation[name] for name in expected} == expected


def test_the_workbook_is_the_csv(release: Release) -> None:
    for name in TABLES:
        sheet = read_sheet(release, name)
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        text = (release.path / "dump" / f"{name}.csv").read_bytes().decode()
        expected = list(csv.reader(io.StringIO(text, newline="")))
        shown = [
            ["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in row] for row in rows
        ]
        # A row ends with its last value.
        assert [row + [""] * (len(expected[0]) - len(row)) for row in shown] == expected
    head, first = read_sheet(release, "citations").iter_rows(max_row=2, values_only=True)
    values = dict(zip(head, first, strict=True))
    assert isinstance(values["position"], int), "numbers are numbers"
