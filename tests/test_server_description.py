"""Service description and VoID over real HTTP: formats, counts against the data, nodes that lead somewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pyoxigraph
import pytest

from cbdgraph.namespaces import BASE, GRAPHS, expand
from cbdgraph.server import partitions
from cbdgraph.server.description import LICENCE
from tests.test_server_pages import check
from tests.test_server_running import facts, make_root, running
from tests.test_server_running import service as service

HTML = {"Accept": "text/html,*/*;q=0.8"}
DATASET = f"{BASE}dataset"


def read(response: httpx.Response) -> pyoxigraph.Store:
    """What a response says, as a store."""
    assert response.status_code == 200, response.text
    media_type = response.headers["content-type"].partition(";")[0]
    store = pyoxigraph.Store()
    store.load(response.content, pyoxigraph.RdfFormat.from_media_type(media_type))
    return store


def values(store: pyoxigraph.Store, subject: str, name: str) -> list[str]:
    quads = store.quads_for_pattern(pyoxigraph.NamedNode(subject), pyoxigraph.NamedNode(expand(name)), None)
    return sorted(str(getattr(quad.object, "value", "")) for quad in quads)


def ask(service: httpx.Client, query: str) -> list[dict[str, Any]]:
    response = service.get("/sparql", params={"query": query, "format": "json"})
    rows: list[dict[str, Any]] = response.json()["results"]["bindings"]
    return rows


@pytest.mark.parametrize("path", ["/sparql", "/dataset", "/.well-known/void"])
def test_formats_agree(service: httpx.Client, path: str) -> None:
    wanted = {str(quad.triple) for quad in read(service.get(f"{path}?format=nt"))}
    assert len(wanted) > 100
    for name in ("ttl", "rdf", "jsonld", "nq", "trig"):
        assert {str(quad.triple) for quad in read(service.get(f"{path}?format={name}"))} == wanted, name
    for accept, expected in (
        ("", "text/turtle; charset=utf-8"),
        ("application/ld+json", "application/ld+json"),
        ("application/rdf+xml, text/turtle;q=0.5", "application/rdf+xml"),
        ("application/json", "application/json"),
    ):
        response = service.get(path, headers={"Accept": accept})
        assert response.headers["content-type"] == expected
        assert response.headers["vary"] == "Accept"
        again = service.get(path, headers={"Accept": accept, "If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert service.get(path, headers={"Accept": "image/png"}).status_code == 406


def test_void_is_the_dataset_by_another_address(service: httpx.Client) -> None:
    assert service.get("/.well-known/void").content == service.get("/dataset").content
    assert service.get("/dataset.nt").content == service.get("/dataset?format=nt").content
    assert service.get("/.well-known/void").headers["link"] == f'<{DATASET}>; rel="canonical"'
    assert service.get("/sparql").headers["link"] == '</.well-known/void>; rel="describedby"'


def test_the_service(service: httpx.Client) -> None:
    store, endpoint = read(service.get("/sparql/")), f"{BASE}sparql"
    assert values(store, endpoint, "sd:endpoint") == [f"{service.base_url}/sparql"]
    assert values(store, endpoint, "sd:supportedLanguage") == [expand("sd:SPARQL11Query")]
    assert values(store, endpoint, "sd:feature") == [expand("sd:UnionDefaultGraph")], "no federation"
    assert len(values(store, endpoint, "sd:resultFormat")) == 10
    assert values(store, endpoint, "sd:defaultDataset") == [DATASET]
    limits = {
        values(store, node, "schema:propertyID")[0]: float(values(store, node, "schema:maxValue")[0])
        for node in values(store, endpoint, "schema:additionalProperty")
    }
    told = service.get("/version").json()["limits"]
    assert limits == told
    assert {"seconds", "rows", "bytes", "query_bytes", "url_bytes", "per_client", "connections"} <= limits.keys()
    comments = " ".join(values(store, endpoint, "rdfs:comment"))
    assert "never cut" in comments


def test_graphs_are_listed_with_their_sizes(service: httpx.Client) -> None:
    for path in ("/sparql", "/dataset"):
        store = read(service.get(path))
        sizes = {}
        for named in values(store, DATASET, "sd:namedGraph"):
            graph = values(store, named, "sd:graph")[0]
            sizes[values(store, named, "sd:name")[0]] = int(values(store, graph, "void:triples")[0])
        assert sizes == {name: len(lines) for name, lines in facts().items()}
        assert values(store, f"{DATASET}#default-graph", "void:triples") == [str(sum(sizes.values()))]


def test_counts_are_those_of_the_data(service: httpx.Client) -> None:
    store = read(service.get("/dataset"))
    row = ask(
        service,
        "SELECT (COUNT(*) AS ?triples) (COUNT(DISTINCT ?s) AS ?distinctSubjects) (COUNT(DISTINCT ?o) AS "
        "?distinctObjects) (COUNT(DISTINCT ?p) AS ?properties) (COUNT(DISTINCT ?c) AS ?classes) "
        f"{{ ?s ?p ?o BIND(IF(?p = <{expand('rdf:type')}>, ?o, ?none) AS ?c) }}",
    )[0]
    for name, term in row.items():
        assert values(store, DATASET, f"void:{name}") == [term["value"]], name
    for part in values(store, DATASET, "void:propertyPartition"):
        name = values(store, part, "void:property")[0]
        row = ask(
            service,
            "SELECT (COUNT(*) AS ?triples) (COUNT(DISTINCT ?s) AS ?distinctSubjects) "
            f"(COUNT(DISTINCT ?o) AS ?distinctObjects) {{ ?s <{name}> ?o }}",
        )[0]
        assert {key: term["value"] for key, term in row.items()} == {
            key: values(store, part, f"void:{key}")[0] for key in row
        }
    part = f"{DATASET}#class/cbd:AichiTarget"
    assert values(store, part, "void:entities") == ["2"]
    about = f"{part}/property/cbd:about"
    assert values(store, part, "void:propertyPartition").count(about) == 1
    assert values(store, about, "void:triples") == ["1"]
    assert values(store, f"{about}/class/cbd:Issue", "void:class") == [f"{BASE}ontology#Issue"]
    number = f"{part}/property/cbd:number/datatype/xsd:integer"
    assert any(number in str(quad.subject) for quad in store)


def test_every_node_is_under_the_base_and_leads_to_its_description(service: httpx.Client) -> None:
    for path in ("/sparql", "/dataset"):
        store = read(service.get(path))
        nodes = {str(quad.subject.value) for quad in store if isinstance(quad.subject, pyoxigraph.NamedNode)}
        assert len(nodes) == len({str(quad.subject) for quad in store}), "no blank nodes"
        for node in nodes:
            assert node.startswith(BASE)
        for address in {node.removeprefix(BASE).partition("#")[0] for node in nodes}:
            response = service.get(f"/{address}?format=nt")
            described = {str(quad.subject) for quad in read(response)}
            assert {f"<{node}>" for node in nodes if node.partition("#")[0] == BASE + address} <= described
        for quad in store:
            if quad.predicate.value in {expand("void:dataDump"), expand("dcat:downloadURL")}:
                assert isinstance(quad.object, pyoxigraph.NamedNode)
                assert service.get("/" + quad.object.value.removeprefix(BASE)).status_code == 200


def test_the_publication(service: httpx.Client) -> None:
    store = read(service.get("/dataset"))
    assert values(store, DATASET, "dcterms:license") == [LICENCE.value]
    release = service.get("/version").json()["release"]
    assert values(store, DATASET, "dcterms:identifier") == values(store, DATASET, "dcat:version") == [release]
    assert values(store, DATASET, "dcterms:title")
    assert values(store, DATASET, "void:uriSpace") == [BASE]
    assert f"{BASE}ontology#" in values(store, DATASET, "void:vocabulary")


def test_the_page(service: httpx.Client) -> None:
    for path in ("/dataset", "/.well-known/void", "/dataset.html"):
        page = service.get(path, headers=HTML).text
        check(page)
        assert 'id="class/cbd:AichiTarget"' in page
        assert 'href="/graph/targets"' in page
        assert "CC BY 4.0" in page


def test_files_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ttl").write_text(
        "<http://e/a> a <http://e/C>, [] ; <http://e/p> 1, 'x'@en, [] .", encoding="utf-8"
    )
    (tmp_path / "b.trig").write_text("<http://e/g> { <http://e/a> <http://e/p> 2 }", encoding="utf-8")
    root = make_root(tmp_path / "root", {})
    with running(root=root, data=(tmp_path / "a.ttl", tmp_path / "b.trig"), workers=1) as client:
        store = read(client.get("/dataset"))
        assert values(store, DATASET, "dcterms:license") == [], "nobody said under which"
        assert values(store, f"{DATASET}#default-graph", "void:triples") == ["5"]
        assert values(store, f"{DATASET}#property/1", "void:property")
        assert len(values(store, DATASET, "sd:namedGraph")) == 1
        assert values(read(client.get("/sparql")), f"{BASE}sparql", "sd:feature") == []
        check(client.get("/dataset", headers=HTML).text)
    monkeypatch.setattr(partitions, "LARGEST", 3)
    with running(root=root, data=(tmp_path / "a.ttl",), workers=1) as client:
        store = read(client.get("/dataset"))
        assert "not counted" in values(store, DATASET, "rdfs:comment")[0]
        assert values(store, DATASET, "void:classPartition") == []
        check(client.get("/dataset", headers=HTML).text)


def test_graphs_under_the_base_are_named_by_their_path(service: httpx.Client) -> None:
    store = read(service.get("/dataset"))
    assert values(store, f"{DATASET}#named-graph/targets", "sd:name") == [f"{GRAPHS}targets"]
    assert values(store, f"{DATASET}#graph/targets", "void:dataDump") == [f"{GRAPHS}targets"]
