"""/dataset as DCAT-AP 3, VoID and PROV: the real answer against the rules as shapes, files against what is told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import rdflib
from pyshacl import validate
from rdflib import Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, PROV, RDF, RDFS, SH, VOID, XSD

from cbdgraph.namespaces import ABOUT, BASE, GRAPHS, LANGUAGES, MADE
from cbdgraph.store.dumps import read_dumps
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.cutting import make_log, publish_log
from tests.test_server_pages import check
from tests.test_server_running import make_root, running

RULES = ROOT / "tests" / "fixtures" / "dcat-ap"
DATASET = URIRef(f"{BASE}dataset")
SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")
SCHEMA = rdflib.Namespace("http://schema.org/")


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def told(service: httpx.Client) -> rdflib.Graph:
    """What /dataset says."""
    return rdflib.Graph().parse(data=service.get("/dataset.ttl").text, format="turtle")


@pytest.fixture(scope="module")
def small(told: rdflib.Graph) -> rdflib.Graph:
    """One of each kind out of it, so that a rule is looked at in a moment."""
    graph = rdflib.Graph()
    graphs = {URIRef(f"{DATASET}#graph/terms"), URIRef(f"{DATASET}#graph/catalog")}
    dropped = {*told.subjects(RDF.type, DCAT.Dataset)} - graphs - {DATASET}
    dropped |= {d for node in dropped for d in told.objects(node, DCAT.distribution)}
    dropped |= {c for node in dropped for c in told.objects(node, SPDX.checksum)}
    kinds = {DCAT.Catalog, DCAT.Dataset, DCAT.Distribution, DCAT.DataService, SPDX.Checksum, FOAF.Agent}
    kinds |= {DCTERMS.ProvenanceStatement, PROV.Activity}
    for kind in kinds:
        for subject in set(told.subjects(RDF.type, kind)) - dropped:
            for triple in told.triples((subject, None, None)):
                if triple[2] not in dropped:
                    graph.add(triple)
    return graph


def rules(*names: str) -> rdflib.Graph:
    graph = rdflib.Graph()
    for name in names or ("classes", "vocabularies", "recommended"):
        graph.parse(RULES / f"{name}.ttl")
    return graph


def faults(data: rdflib.Graph, *names: str) -> list[tuple[str, str]]:
    """Node and path of each fault that the shapes find."""
    _, report, _ = validate(data, shacl_graph=rules(*names))
    assert isinstance(report, rdflib.Graph)
    return [
        (str(report.value(fault, SH.focusNode)), str(report.value(fault, SH.resultPath)))
        for fault in report.subjects(RDF.type, SH.ValidationResult)
    ]


def test_the_answer_keeps_every_rule(told: rdflib.Graph) -> None:
    assert faults(told) == []
    for kind in (DCAT.Catalog, DCAT.Dataset, DCAT.Distribution, DCAT.DataService, SPDX.Checksum, FOAF.Agent):
        assert (None, RDF.type, kind) in told, "each shape has something to look at"


def test_each_rule_can_be_broken(small: rdflib.Graph) -> None:
    """What is mandatory is taken away, what there may be one of is doubled, a datatype is changed: each is found."""
    assert faults(small) == []
    shapes = rules()
    tried = 0
    for shape, rule in shapes.subject_objects(SH.property):
        path = shapes.value(rule, SH.path)
        assert isinstance(path, URIRef)
        target = shapes.value(shape, SH.targetClass)
        node = shapes.value(shape, SH.targetNode)
        of, to = shapes.value(shape, SH.targetSubjectsOf), shapes.value(shape, SH.targetObjectsOf)
        focus = {node} if node else set(small.subjects(RDF.type, target)) if target else set()
        focus |= set(small.subjects(of, None)) if of else set()
        focus |= set(small.objects(None, to)) if to else set()
        broken = rdflib.Graph() + small
        one = min(focus, key=str)
        if shapes.value(rule, SH.minCount):
            broken.remove((one, path, None))
        elif shapes.value(rule, SH.maxCount):
            for number in range(2):
                broken.add((one, path, Literal(f"2026-01-0{number + 1}", datatype=XSD.date)))
        else:
            broken.set(
                (one, path, Literal("x") if shapes.value(rule, SH.nodeKind) != SH.Literal else URIRef("urn:x"))
            )
        assert (str(one), str(path)) in faults(broken), f"{rule} of {shape} on {path}"
        tried += 1
    assert tried > 60


def test_each_rule_says_of_which_it_stands_for() -> None:
    shapes = rules()
    for rule in shapes.objects(None, SH.property):
        source = shapes.value(rule, RDFS.seeAlso)
        assert str(source).startswith("https://semiceu.github.io/DCAT-AP/releases/3.0.0#")
    page = (ROOT / "docs" / "dataset.md").read_text(encoding="utf-8")
    assert "dcat:contactPoint" in page
    assert "dcterms:spatial" in page


def test_a_distribution_for_each_file_with_its_size_and_sum(
    told: rdflib.Graph, service: httpx.Client, release: Release
) -> None:
    dumps = {dump.name: dump for dump in read_dumps(release.path)}
    files = set(told.subjects(DCAT.downloadURL, None))
    assert {str(file).removeprefix(f"{DATASET}#dump/") for file in files} == dumps.keys()
    for file in files:
        dump = dumps[str(file).partition("#dump/")[2]]
        assert str(told.value(file, DCAT.byteSize)) == str(dump.bytes)
        checksum = told.value(file, SPDX.checksum)
        assert checksum is not None
        assert str(told.value(checksum, SPDX.checksumValue)) == dump.sha256
        assert (told.value(file, DCAT.compressFormat) is not None) == dump.name.endswith(".gz")
        owner = told.value(None, DCAT.distribution, file)
        assert owner == (URIRef(f"{DATASET}#graph/{dump.stem}") if dump.graph else DATASET)
    for name in ("cbdgraph.ttl", "citations.xlsx", "decisions/cop-10.trig.gz"):
        address = str(told.value(URIRef(f"{DATASET}#dump/{name}"), DCAT.downloadURL)).removeprefix(BASE)
        content = service.get(f"/{address}").content
        assert hashlib.sha256(content).hexdigest() == dumps[name].sha256


def test_the_dataset_in_six_languages(told: rdflib.Graph) -> None:
    for name in (DCTERMS.title, DCTERMS.description, DCAT.keyword):
        assert {value.language for value in told.objects(DATASET, name) if isinstance(value, Literal)} == {*LANGUAGES}
    assert (DATASET, DCAT.contactPoint, None) not in told, "none is known"
    assert (DATASET, DCTERMS.spatial, None) not in told
    assert (DATASET, DCTERMS.temporal, None) not in told


def test_the_graphs_are_parts(told: rdflib.Graph, release: Release) -> None:
    own = {graph.removeprefix(GRAPHS) for graph in release.manifest.graphs.keys() - ABOUT}
    parts = {str(part).removeprefix(f"{DATASET}#graph/") for part in told.objects(DATASET, DCTERMS.hasPart)}
    assert parts == own
    assert {str(part) for part in told.objects(DATASET, VOID.subset)} >= {f"{DATASET}#graph/{name}" for name in own}
    described = told.value(URIRef(f"{DATASET}#graph/actors"), DCTERMS.description)
    assert "note on ecosystem restoration" in str(described), "in the words of its file"


def test_the_build(told: rdflib.Graph, release: Release) -> None:
    build = told.value(DATASET, PROV.wasGeneratedBy)
    assert build is not None
    assert (build, PROV.generated, DATASET) in told
    used = {str(node).removeprefix(f"{DATASET}#graph/") for node in told.objects(build, PROV.used)}
    own = release.manifest.graphs.keys() - ABOUT
    assert used == {g.removeprefix(GRAPHS) for g in own if not g.startswith(MADE)} | {f"{DATASET}#input"}
    sums = [str(value) for value in told.objects(URIRef(f"{DATASET}#input"), SCHEMA.sha256)]
    assert sums == [release.manifest.input_hash]
    labels = {str(told.value(agent, RDFS.label)) for agent in told.objects(build, PROV.wasAssociatedWith)}
    assert labels == {f"{name} {version}" for name, version in release.manifest.built_with.items()}
    assert (None, PROV.startedAtTime, None) not in told
    assert (None, PROV.endedAtTime, None) not in told


def test_linksets_are_counted(told: rdflib.Graph, graph: Store) -> None:
    sets = list(told.subjects(RDF.type, VOID.Linkset))
    assert len(sets) >= 5
    spaces = set()
    for links in sets:
        other = told.value(links, VOID.objectsTarget)
        assert other is not None
        space, predicate = str(told.value(other, VOID.uriSpace)), str(told.value(links, VOID.linkPredicate))
        rows = graph.select(
            f'SELECT ?s {{ ?s <{predicate}> ?o FILTER(isIRI(?o) && STRSTARTS(STR(?o), "{space}")) }}'
        ).rows
        assert str(told.value(links, VOID.triples)) == str(len(rows)) != "0"
        assert (DATASET, VOID.subset, links) in told
        spaces.add(space)
    assert {"http://metadata.cbd.int/", "https://www.cbd.int/"} <= spaces


def test_days_are_those_of_the_release(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", {})
    publish_log(root / "build", make_log())
    with running(root=root, workers=1) as client:
        graph = rdflib.Graph().parse(data=client.get("/dataset.nt").text, format="nt")
        assert [str(value) for value in graph.objects(DATASET, DCTERMS.modified)] == ["2026-12-01T15:30:00+00:00"]
        assert len(list(graph.objects(DATASET, DCTERMS.issued))) == 1
        assert faults(graph, "classes", "vocabularies") == [], "also where there are no files"
        old = rdflib.Graph().parse(data=client.get("/dataset.nt?release=0.2.0").text, format="nt")
        assert [str(value) for value in old.objects(DATASET, DCTERMS.modified)] == ["2026-12-01T09:00:00+00:00"]
        assert [str(value) for value in old.objects(DATASET, URIRef(f"{DCAT}version"))] == ["0.2.0"]


def test_files_of_a_user_are_described_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text(
        "<http://e/a> <http://www.w3.org/2000/01/rdf-schema#seeAlso> <http://h\u00e9/x>, <http://o/y> .",
        encoding="utf-8",
    )
    with running(root=make_root(tmp_path / "root", {}), data=(tmp_path / "a.ttl",), workers=1) as client:
        graph = rdflib.Graph().parse(data=client.get("/dataset.nt").text, format="nt")
        assert faults(graph, "classes", "vocabularies") == []
        for absent in (DCAT.Catalog, PROV.Activity, FOAF.Agent, DCAT.Distribution):
            assert (None, RDF.type, absent) not in graph
        for absent in (DCTERMS.license, DCTERMS.publisher, DCTERMS.issued, DCAT.theme, DCAT.keyword):
            assert (None, absent, None) not in graph
        assert len(list(graph.subjects(RDF.type, VOID.Linkset))) == 2
        page = client.get("/dataset", headers={"Accept": "text/html"}).text
        check(page)
        assert "/dump/" not in page.partition("<main")[2]


def test_the_page_shows_files_and_links(service: httpx.Client) -> None:
    page = service.get("/dataset", headers={"Accept": "text/html"}).text
    check(page)
    assert 'href="/dump/cbdgraph.ttl"' in page
    assert 'id="dump/citations.xlsx"' in page, "the IRI of a distribution leads to its row"
    assert "http://metadata.cbd.int/" in page


def test_every_format_has_the_catalogue(service: httpx.Client) -> None:
    wanted = len(rdflib.Graph().parse(data=service.get("/dataset.nt").text, format="nt"))
    for name, syntax in (("ttl", "turtle"), ("rdf", "xml")):
        graph = rdflib.Graph().parse(data=service.get(f"/dataset.{name}").content, format=syntax)
        assert len(graph) == wanted
