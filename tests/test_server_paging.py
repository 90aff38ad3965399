"""Answers that are too large for one: where a first page is offered, where not, and that the pages are the whole."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.server.paging import first_page, next_page
from tests.test_server_running import facts, make_release, make_root, problem, running

HTML = {"Accept": "text/html,*/*;q=0.8"}
NUMBERS = f"SELECT ?n {{ ?x <{BASE}ontology#is> ?n }} ORDER BY ?n"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?s ?p ?o }",
        "PREFIX limit: <x:> SELECT * { ?s limit:offset ?o } # LIMIT 5",
        "SELECT * { { SELECT * { ?s ?p ?o } LIMIT 5 } VALUES ?s { 'LIMIT' } } ORDER BY DESC(?s)",
        "BASE <x:> SELECT ?limit (COUNT(*) AS ?n) WHERE { ?limit ?p '''OFFSET''' } GROUP BY ?limit HAVING (?n > 1)",
    ],
)
def test_a_first_page(query: str) -> None:
    assert first_page(query, 10) == f"{query}\nLIMIT 10 OFFSET 0"
    assert next_page(query, 10) is None


@pytest.mark.parametrize(
    "query",
    [
        "ASK { ?s ?p ?o }",
        "CONSTRUCT WHERE { ?s ?p ?o }",
        "DESCRIBE <x:a>",
        "SELECT * { ?s ?p ?o } LIMIT 500",
        "SELECT * { ?s ?p ?o } OFFSET 5",
        "SELECT * { ?s ?p ?o } VALUES ?s { <x:a> }",
        "SELECT * { ?s ?p ?o }LIMIT500",  # the engine knows no end of a keyword
        "SELECT * { ?s ?p ?o } \\u004CIMIT 500",
        "SELECT * { ?s ?p ?o",
        "SELECT * { SERVICE <x:> { } }",
        "",
    ],
)
def test_no_first_page(query: str) -> None:
    assert first_page(query, 10) is None


@pytest.mark.parametrize(
    ("query", "rows", "expected"),
    [
        ("SELECT * {} LIMIT 10", 10, "SELECT * {} LIMIT 10 OFFSET 10"),
        ("SELECT * {} limit 10 # all", 10, "SELECT * {} limit 10 OFFSET 10 # all"),
        ("SELECT * {} LIMIT 10 OFFSET 0", 10, "SELECT * {} LIMIT 10 OFFSET 10"),
        ("SELECT * {} OFFSET 25 LIMIT 10", 10, "SELECT * {} OFFSET 35 LIMIT 10"),
        ("SELECT * {} LIMIT 10", 9, None),
        (f"SELECT * {{}} LIMIT 10 OFFSET {'0' * 5000}5", 10, None),
        (f"SELECT * {{}} LIMIT {'0' * 5000}5", 5, None),
        ("SELECT * {} LIMIT 0", 0, None),
        ("SELECT * { { SELECT * {} LIMIT 10 } }", 10, None),
        ("SELECT * {} LIMIT10", 10, None),
        ("SELECT * {} LIMIT 10 VALUES ?x { 1 }", 10, None),
    ],
)
def test_the_next_page(query: str, rows: int, expected: str | None) -> None:
    assert next_page(query, rows) == expected


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service that answers with at most 120 rows."""
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root, workers=1, max_rows=120, max_bytes=50_000) as client:
        yield client


def test_pages_are_the_whole(service: httpx.Client) -> None:
    parameters = {"query": NUMBERS, "format": "csv", "default-graph-uri": f"{GRAPHS}numbers"}
    response = service.get("/sparql", params=parameters)
    document = problem(response, "too-large")
    assert (document["limit"], document["value"], document["complete"]) == ("rows", 120, False)
    assert document["pageRows"] == 120
    assert "Nothing was cut" in document["advice"]
    assert "ORDER BY" not in document["advice"]
    assert response.links["next"]["url"] == document["next"]
    rows, address, requests = [], document["next"], 0
    while address:
        page = service.get(address)
        assert page.status_code == 200
        assert page.headers["cbdgraph-complete"] == "true", "all that this page was asked for"
        rows += [row["n"] for row in csv.DictReader(io.StringIO(page.text))]
        address = page.links.get("next", {}).get("url", "")
        requests += 1
    assert rows == sorted(map(str, range(300)))
    assert requests == 3


def test_without_an_order_the_problem_says_so(service: httpx.Client) -> None:
    document = problem(service.get("/sparql", params={"query": "SELECT * { ?s ?p ?o }"}), "too-large")
    assert "no ORDER BY" in document["advice"]
    posted = problem(service.post("/sparql", data={"query": "SELECT * { ?s ?p ?o }"}), "too-large")
    assert posted["next"] == document["next"]


def test_bytes_are_paged_too(service: httpx.Client) -> None:
    query = "SELECT ?s (CONCAT(STR(?s), '" + "x" * 1000 + "') AS ?long) { ?s ?p ?o } ORDER BY ?s LIMIT 100"
    document = problem(service.get("/sparql", params={"query": query}), "too-large")
    assert (document["limit"], "next" in document) == ("bytes", False), "it has a LIMIT of its own"


@pytest.mark.parametrize(
    "query", ["CONSTRUCT WHERE { ?s ?p ?o }", NUMBERS + " LIMIT 200", NUMBERS + " # " + "x" * 17_000]
)
def test_where_no_page_is_offered(service: httpx.Client, query: str) -> None:
    response = service.post("/sparql", data={"query": query})
    document = problem(response, "too-large")
    assert "next" not in document
    assert "link" not in response.headers


def test_browsers_have_a_link(service: httpx.Client) -> None:
    page = service.get("/sparql", params={"query": NUMBERS, "format": "html"}, headers=HTML)
    assert page.status_code == 413
    link = re.search(r'href="(/sparql\?query=[^"]*)">The first 120 rows', page.text)
    assert link is not None
    assert "120 rows, complete" in service.get(unescape(link[1])).text
    graph = service.get("/graph-store?graph=numbers&format=html", headers=HTML)
    assert graph.status_code == 406


def test_named_queries_lead_to_sparql(service: httpx.Client) -> None:
    for name in ("json", "csv", "xlsx"):
        document = problem(service.get(f"/query/numbers?format={name}"), "too-large")
        page = service.get(document["next"])
        assert page.headers["content-type"].partition(";")[0] == {
            "csv": "text/csv",
        }.get(name, "application/sparql-results+json")
        assert "next" in page.links


def test_the_page_of_a_page_leads_on(service: httpx.Client) -> None:
    page = service.get("/sparql", params={"query": f"{NUMBERS} LIMIT 100", "format": "html"})
    link = re.search(r'<a href="([^"]*)" rel="next">Next page</a>', page.text)
    assert link is not None
    assert "OFFSET+100" in link[1]
    assert service.get(unescape(link[1])).status_code == 200


def test_other_answers_lead_nowhere(service: httpx.Client) -> None:
    for query in (
        f"SELECT * {{ ?s ?p ?o }} LIMIT 5 OFFSET {'0' * 5000}5",
        "ASK {}",
        "SELECT * { ?s ?p ?o } LIMIT 5 OFFSET 4000",
        "DESCRIBE <x:limit>",
    ):
        assert "link" not in service.get("/sparql", params={"query": query}).headers
