"""The SPARQL 1.1 Protocol over real HTTP: operations, graphs, negotiation, errors; two other clients' view."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import httpx
import pyoxigraph
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from SPARQLWrapper import JSON, N3, POST, SPARQLWrapper

from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.server.problems import Problem
from cbdgraph.server.sparql import _pairs
from tests.test_server_running import facts, problem
from tests.test_server_running import service as service

ASK = "ASK { ?s ?p ?o }"
SELECT = "SELECT ?s ?o { ?s ?p ?o } ORDER BY ?s ?o LIMIT 2"
CONSTRUCT = f"CONSTRUCT WHERE {{ <{BASE}target/aichi/15> ?p ?o }}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DIRECT = {"Content-Type": "application/sparql-query"}
TARGETS = f"{GRAPHS}targets"


def count(service: httpx.Client, **parameters: Any) -> int:
    response = service.get(
        "/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "format": "csv", **parameters}
    )
    assert response.status_code == 200, response.text
    return int(response.text.split()[1])


def test_three_ways_to_ask(service: httpx.Client) -> None:
    for query in (ASK, SELECT, f"{ASK} # %20 + \u00fc \u4e2d"):
        answers = [
            service.get("/sparql", params={"query": query}),
            service.post("/sparql", data={"query": query}),
            service.post("/sparql", content=query.encode(), headers=DIRECT),
            service.post(
                "/sparql/",
                content=query.encode(),
                headers={"Content-Type": DIRECT["Content-Type"] + ";charset=UTF-8"},
            ),
        ]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1


def test_form_bodies_are_decoded_once(service: httpx.Client) -> None:
    query = 'SELECT ("%20+" AS ?x) {}'
    rows = service.post("/sparql", data={"query": query}).json()["results"]["bindings"]
    assert rows[0]["x"]["value"] == "%20+"


def test_graphs_of_the_protocol(service: httpx.Client) -> None:
    everything = sum(map(len, facts().values()))
    assert count(service) == everything
    in_graph = len(facts()[TARGETS])
    assert count(service, **{"default-graph-uri": TARGETS}) == in_graph
    assert count(service, **{"named-graph-uri": TARGETS}) == 0
    query = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
    assert count(service, query=query) == everything
    assert count(service, query=query, **{"named-graph-uri": TARGETS}) == in_graph
    assert count(service, query=query, **{"default-graph-uri": TARGETS}) == 0
    assert count(service, query=f"SELECT (COUNT(*) AS ?n) FROM <{TARGETS}> {{ ?s ?p ?o }}") == in_graph
    overridden = f"SELECT (COUNT(*) AS ?n) FROM <{GRAPHS}numbers> {{ ?s ?p ?o }}"
    assert count(service, query=overridden, **{"default-graph-uri": TARGETS}) == in_graph
    for body in (
        {"content": urlencode({"query": ASK, "default-graph-uri": TARGETS}), "headers": FORM},
        {"content": ASK, "headers": DIRECT, "params": {"default-graph-uri": TARGETS}},
    ):
        assert service.post("/sparql", **body).json()["boolean"] is True  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"method": "GET", "params": [("query", ASK), ("query", ASK)]}, "bad-request"),
        ({"method": "GET", "params": {"default-graph-uri": TARGETS}}, "bad-request"),
        ({"method": "POST", "content": b""}, "media-type"),
        ({"method": "POST", "content": b"", "headers": FORM}, "bad-request"),
        ({"method": "POST", "content": ASK, "headers": {"Content-Type": "text/plain"}}, "media-type"),
        (
            {
                "method": "POST",
                "content": ASK,
                "headers": {"Content-Type": "application/sparql-query; charset=utf-16"},
            },
            "media-type",
        ),
        ({"method": "POST", "content": b"ASK { ?s ?p '\xff' }", "headers": DIRECT}, "bad-request"),
        ({"method": "POST", "content": b"query=%ff", "headers": FORM}, "bad-request"),
        ({"method": "POST", "content": ASK, "headers": DIRECT, "params": {"query": ASK}}, "bad-request"),
        ({"method": "POST", "data": {"update": "CLEAR ALL"}}, "refused"),
        (
            {"method": "POST", "content": "CLEAR ALL", "headers": {"Content-Type": "application/sparql-update"}},
            "refused",
        ),
        ({"method": "GET", "params": {"update": "CLEAR ALL"}}, "refused"),
        ({"method": "GET", "params": {"query": "CLEAR ALL"}}, "refused"),
        ({"method": "GET", "params": {"query": "ASK { SERVICE <http://e/> {} }"}}, "refused"),
        ({"method": "GET", "params": {"query": "ASK FROM <http://e/> {}"}}, "refused"),
        ({"method": "GET", "params": {"query": ASK, "default-graph-uri": "file:///etc/passwd"}}, "refused"),
        ({"method": "GET", "params": {"query": ASK, "named-graph-uri": "not an IRI"}}, "refused"),
        ({"method": "GET", "params": {"query": "ASK {"}}, "syntax"),
        ({"method": "GET", "params": {"query": ""}}, "syntax"),
        ({"method": "GET", "params": {"query": "SELECT (<http://e/f>() AS ?x) {}"}}, "refused"),
        ({"method": "GET", "params": {"query": ASK, "format": "pdf"}}, "not-acceptable"),
        ({"method": "GET", "params": {"query": ASK}, "headers": {"Accept": "image/png"}}, "not-acceptable"),
        ({"method": "POST", "content": b"x" * 300_000, "headers": DIRECT}, "body-too-large"),
        ({"method": "DELETE"}, "method"),
    ],
)
def test_what_is_refused(service: httpx.Client, request_: dict[str, Any], kind: str) -> None:
    problem(service.request(url="/sparql", **request_), kind)


def test_syntax_errors_tell_the_place(service: httpx.Client) -> None:
    document = problem(service.get("/sparql", params={"query": "SELECT * {\n  ?s ?o }"}), "syntax")
    assert (document["line"], document["column"]) == (2, 3)
    assert "subject, predicate and object" in document["detail"]
    document = problem(service.get("/sparql", params={"query": "SELECT * {\n  ?s cbd:b 'x:y' }"}), "syntax")
    assert (document["line"], document["column"]) == (2, 6)
    assert "PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>" in document["detail"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/sparql-results+json"),
        ("*/*", "application/sparql-results+json"),
        ("application/json", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.5, application/sparql-results+xml", "application/sparql-results+xml"),
        ("text/tab-separated-values, text/csv;q=0.9", "text/tab-separated-values"),
        ("application/xml;q=0.1", "application/xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/turtle, */*;q=0.1", "application/sparql-results+json"),
        ("*/*, application/sparql-results+json;q=0", "application/sparql-results+xml"),
        ("application/sparql-results+json;charset=utf-8;q=1", "application/sparql-results+json"),
    ],
)
@pytest.mark.parametrize("query", [SELECT, ASK])
def test_negotiation_of_tables(service: httpx.Client, query: str, accept: str, expected: str) -> None:
    response = service.get("/sparql", params={"query": query}, headers={"Accept": accept})
    assert response.headers["content-type"].partition(";")[0] == expected
    assert response.headers["vary"] == "Accept"
    assert response.headers["cbdgraph-complete"] == "true"


@pytest.mark.parametrize(
    ("accept", "name", "expected"),
    [
        ("", "", "text/turtle"),
        ("application/*;q=0.5, text/turtle;q=0.4", "", "application/n-triples"),
        ("application/rdf+xml", "", "application/rdf+xml"),
        ("application/json", "", "application/json"),
        ("", "jsonld", "application/ld+json"),
        ("text/csv", "nt", "application/n-triples"),
        ("", "xml", "application/rdf+xml"),
        ("", "nq", "application/n-quads"),
        ("", "trig", "application/trig"),
        ("text/html", "", "text/html"),
    ],
)
def test_negotiation_of_graphs(service: httpx.Client, accept: str, name: str, expected: str) -> None:
    parameters = {"query": CONSTRUCT, **({"format": name} if name else {})}
    response = service.get("/sparql", params=parameters, headers={"Accept": accept})
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type == expected
    if media_type not in {"text/html", "application/json"}:
        rdf_format = pyoxigraph.RdfFormat.from_media_type(media_type)
        assert len(list(pyoxigraph.parse(response.content, rdf_format))) == 5


def test_formats_agree(service: httpx.Client) -> None:
    def get(name: str) -> httpx.Response:
        return service.get("/sparql", params={"query": SELECT, "format": name})

    values = [{k: v["value"] for k, v in row.items()} for row in get("json").json()["results"]["bindings"]]
    assert list(csv.DictReader(io.StringIO(get("csv").text))) == values
    assert get("tsv").text.startswith("?s\t?o\n")
    assert get("xml").text.count("<result>") == len(values) == 2


def test_all_columns_come_in_alphabetical_order(service: httpx.Client) -> None:
    for query in (
        "SELECT * { ?s ?p ?o }",
        "SELECT * { { ?o ?p ?s } UNION { ?s ?o ?p } }",
        "SELECT ?o ?p ?s { ?s ?p ?o }",
    ):
        assert service.get("/sparql", params={"query": query, "format": "csv"}).text.startswith("o,p,s\r\n")
    named = service.get("/sparql", params={"query": "SELECT ?s ?o ?p { ?s ?p ?o }", "format": "csv"})
    assert named.text.startswith("s,o,p\r\n"), "named columns come as they are named"


def test_description_and_editor(service: httpx.Client) -> None:
    described = service.get("/sparql")
    assert described.headers["content-type"] == "text/turtle; charset=utf-8"
    triples = list(pyoxigraph.parse(described.content, pyoxigraph.RdfFormat.TURTLE))
    assert any(triple.predicate.value.endswith("#endpoint") for triple in triples)
    for graph in facts():
        assert graph in described.text
    assert list(pyoxigraph.parse(service.get("/sparql?format=nt").content, pyoxigraph.RdfFormat.N_TRIPLES))
    editor = service.get("/sparql", headers={"Accept": "text/html,*/*;q=0.8"})
    assert "<textarea" in editor.text
    assert "<script" not in editor.text
    problem(service.get("/sparql", headers={"Accept": "image/png"}), "not-acceptable")


def test_results_for_browsers_are_escaped(service: httpx.Client) -> None:
    query = "SELECT ?x { VALUES ?x { '<img src=x onerror=alert(1)>' <javascript:alert(1)> } }"
    page = service.get("/sparql", params={"query": query, "format": "html"}).text
    assert "<img" not in page
    assert "&lt;img" in page
    assert 'href="javascript:' not in page
    graph = service.get(
        "/sparql", params={"query": "CONSTRUCT { <x:a> <x:b> '<b>' } WHERE {}", "format": "html"}
    ).text
    assert "&#34;&lt;b&gt;&#34;" in graph
    assert '<p class="answer">yes</p>' in service.get("/sparql", params={"query": ASK, "format": "html"}).text


def test_sparqlwrapper(service: httpx.Client) -> None:
    client = SPARQLWrapper(f"{service.base_url}/sparql")
    client.setReturnFormat(JSON)
    for method in ("GET", POST):
        client.setMethod(method)
        client.setQuery(
            f"SELECT ?label {{ <{BASE}target/aichi/15> <http://www.w3.org/2000/01/rdf-schema#label> ?label }}"
        )
        result: Any = client.query().convert()
        assert len(result["results"]["bindings"]) == 2
    client.setQuery(CONSTRUCT)
    client.setReturnFormat(N3)
    graph: Any = client.query().convert()
    assert b"Target fifteen" in graph


def test_same_question_same_bytes(service: httpx.Client) -> None:
    for query in ("SELECT * { ?s ?p ?o }", CONSTRUCT):
        assert len({service.get("/sparql", params={"query": query}).content for _ in range(5)}) == 1


def test_json_errors_are_ascii(service: httpx.Client) -> None:
    response = service.get("/sparql", params={"query": "SELECT \u4e2d"})
    json.loads(response.content.decode("ascii"))


@given(
    st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("%=+ \t\r\nA0")), max_size=30),
    st.booleans(),
)
@example("a%\nb", False)
@example("100%", False)
@example("%zz=%4", False)
@example("trailing %20 \r\n", False)
def test_percent_encoding_is_read_as_the_standard_library_does(text: str, whole: bool) -> None:
    written = quote_plus(text) if whole else text.encode("ascii", "ignore").decode().replace("&", "").replace(";", "")
    expected = parse_qsl("query=" + written, keep_blank_values=True, separator="&")
    try:
        assert _pairs(b"query=" + written.encode()) == expected
    except Problem:
        assert "\ufffd" in expected[0][1]  # bytes that are not UTF-8
