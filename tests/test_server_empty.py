"""?explain=empty: the first pattern that no solution survives, and a hint of each kind; within one time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.queries import prologue
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_pages import check
from tests.test_server_running import facts, make_release, make_root, problem, running

P = prologue()
LINES = P.count("\n") + 2


@pytest.fixture(scope="module")
def real(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.store_path.parents[2], workers=2) as client:
        yield client


def explain(client: httpx.Client, query: str, **parameters: Any) -> dict[str, Any]:
    response = client.get("/sparql", params={"query": f"{P}\n{query}", "explain": "empty", **parameters})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    document: dict[str, Any] = response.json()
    assert document["complete"] is True, document
    return document


def leaf(document: dict[str, Any]) -> dict[str, Any]:
    """The innermost of what kills, where there is one."""
    assert document["empty"] is True, document
    killer: dict[str, Any] = document["killer"]
    while killer["inside"]:
        (killer,) = killer["inside"]
    return killer


@pytest.mark.parametrize(
    ("query", "kind", "text", "before"),
    [
        ("SELECT * { ?d a cbd:Decsion ; cbd:symbol ?s }", "triple", "?d a cbd:Decsion", None),
        ("SELECT * { ?d a cbd:Decision ; cbd:symbol ?s , 'x' . ?d a ?t }", "triple", "?d cbd:symbol 'x'", 60),
        ("SELECT * { ?d a cbd:Decision ; a [ cbd:a ( 1 2 ) ] }", "triple", "?d a [ cbd:a ( 1 2 ) ]", 60),
        ("SELECT * { FILTER(1 = 2) ?d a cbd:Decision }", "filter", "FILTER(1 = 2)", 60),
        ("SELECT * { ?d a cbd:Decision FILTER(true && false) }", "filter", "FILTER(false)", 60),
        (
            "SELECT * { ?d a cbd:Decision FILTER NOT EXISTS { ?d cbd:symbol ?s } }",
            "filter",
            "FILTER NOT EXISTS { ?d cbd:symbol ?s }",
            60,
        ),
        (
            "SELECT * { ?d a cbd:Decision OPTIONAL { ?d cbd:x ?y } ?y a ?z ; cbd:nothing 1 }",
            "triple",
            "?y cbd:nothing 1",
            1001,
        ),
        (
            "SELECT * { ?d a cbd:Decision MINUS { ?d cbd:symbol ?s } ?d ?p ?o }",
            "minus",
            "MINUS { ?d cbd:symbol ?s }",
            60,
        ),
        ("SELECT * { ?d a cbd:Decision VALUES ?d { 1 2 } }", "values", "VALUES ?d { 1 2 }", 60),
        ("SELECT * { ?d a cbd:Decision } VALUES ?d { 1 2 }", "values", "VALUES ?d { 1 2 }", 60),
        ("SELECT * { { { ?d a cbd:Decision . ?d a cbd:Issue } } }", "triple", "?d a cbd:Issue", 60),
        ("SELECT * { { SELECT ?d { ?d a cbd:Decision , cbd:Issue } } }", "triple", "?d a cbd:Issue", 60),
        ("SELECT * { SELECT ?d { ?d a cbd:Decision , cbd:Issue } }", "triple", "?d a cbd:Issue", 60),
        (
            "SELECT * { ?i a cbd:Issue { SELECT ?i { ?i a cbd:Decision } } }",
            "select",
            "{ SELECT ?i { ?i a cbd:Decision } }",
            24,
        ),
        (
            "SELECT ?d { ?d a cbd:Decision } GROUP BY ?d HAVING (COUNT(*) > 9)",
            "having",
            "HAVING (COUNT(*) > 9)",
            60,
        ),
        ("SELECT ?d { ?d a cbd:Decision } OFFSET 60", "offset", "OFFSET 60", 60),
        ("SELECT ?d { ?d a cbd:Decision } LIMIT 0", "limit", "LIMIT 0", 60),
        ("SELECT (COUNT(*) AS ?n) { ?d a cbd:Decsion }", "triple", "?d a cbd:Decsion", None),
        ("ASK { ?d a cbd:Decsion }", "triple", "?d a cbd:Decsion", None),
        ("CONSTRUCT { ?d a ?d } WHERE { ?d a cbd:Decsion }", "triple", "?d a cbd:Decsion", None),
        ("CONSTRUCT WHERE { ?d a cbd:Decsion }", "triple", "?d a cbd:Decsion", None),
        ("CONSTRUCT { 'x' a ?d } WHERE { ?d a cbd:Decision }", "template", "{ 'x' a ?d }", 60),
        ("DESCRIBE ?d WHERE { ?d a cbd:Decsion }", "triple", "?d a cbd:Decsion", None),
        (f"DESCRIBE <{BASE}target/aichi/150>", "describe", f"DESCRIBE <{BASE}target/aichi/150>", None),
    ],
)
def test_the_first_that_kills(real: httpx.Client, query: str, kind: str, text: str, before: int | None) -> None:
    killer = leaf(explain(real, query))
    assert (killer["kind"], killer["text"]) == (kind, text)
    expected = None if before is None else min(before, 1000)
    assert (killer["solutions_before"], killer["solutions_before_are_more"]) == (expected, before == 1001)
    assert killer["line"] == LINES
    if text in query:
        assert killer["column"] == query.index(text) + 1


UNION = "SELECT * { ?d a cbd:Decision { ?d cbd:x ?y } UNION { ?d a ?t . ?d a cbd:Issue } }"


def test_each_part_of_a_union_has_its_own(real: httpx.Client) -> None:
    document = explain(real, UNION)
    assert document["killer"]["kind"] == "union"
    assert [inner["text"] for inner in document["killer"]["inside"]] == ["?d cbd:x ?y", "?d a cbd:Issue"]


HINTS = [
    ("SELECT * { ?d a cbd:Decsion }", "unknown-class", "cbd:Decision"),
    ("SELECT * { ?d a cbd:decision }", "unknown-class", "cbd:Decision"),
    ("SELECT * { ?d cbd:sybol ?s }", "unknown-property", "cbd:symbol"),
    ("SELECT * { ?d cbd:adoptedAt/cbd:sesion ?s }", "unknown-property", "cbd:session"),
    ("SELECT * { ?d <http://purl.org/dc/elements/1.1/source> ?s }", "unknown-property", "dcterms:source"),
    (f"SELECT * {{ <{BASE}target/aichi/150> ?p ?o }}", "unknown-resource", f"<{BASE}target/aichi/15>"),
    (f"SELECT * {{ ?c cbd:issue <{BASE}issue/forest> }}", "unknown-resource", f"<{BASE}issue/forest-biodiversity>"),
    (
        f"SELECT * {{ VALUES ?i {{ <{BASE}issue/forest> }} ?c cbd:issue ?i }}",
        "unknown-resource",
        f"<{BASE}issue/forest-biodiversity>",
    ),
    (
        f"SELECT * {{ BIND(<{BASE}issue/forest> AS ?i) ?c cbd:issue ?i }}",
        "unknown-resource",
        f"<{BASE}issue/forest-biodiversity>",
    ),
    (
        "PREFIX cbd: <http://w3id.org/cbdgraph/ontology#> SELECT * { ?d a cbd:Decision }",
        "namespace",
        f"<{BASE}ontology#Decision>",
    ),
    (
        "PREFIX cbd: <https://w3id.org/cbdgraph/ontology/> SELECT * { ?d cbd:symbol ?s }",
        "namespace",
        f"<{BASE}ontology#symbol>",
    ),
    (
        "PREFIX b: <http://w3id.org/cbdgraph/> SELECT * { <http://w3id.org/cbdgraph/target/aichi/15> ?p ?o }",
        "namespace",
        f"<{BASE}target/aichi/15>",
    ),
    ("SELECT * { ?i skos:prefLabel 'Forest Biodiversity' }", "language-tag", '"Forest Biodiversity"@en'),
    ("SELECT * { ?i skos:prefLabel 'Forest Biodiversity'@fr }", "language-tag", '"Forest Biodiversity"@en'),
    ("SELECT * { ?i skos:prefLabel 'forest biodiversity'@en }", "letters", '"Forest Biodiversity"@en'),
    ("SELECT * { ?i skos:prefLabel 'Forrest Biodiversity'@en }", "unknown-literal", '"Forest Biodiversity"@en'),
    ("SELECT * { ?d cbd:number '16' }", "datatype", '"16"^^<http://www.w3.org/2001/XMLSchema#integer>'),
    ("SELECT * { ?c cbd:issue 'forest' }", "not-a-literal", None),
    (f"SELECT * {{ ?c cbd:issue <{BASE}target/aichi/15> }}", "not-a-value", "cbd:citedTarget"),
    ("SELECT * { ?d a cbd:Decision ; cbd:locator ?l }", "not-on-these", "cbd:symbol"),
    ("SELECT * { ?d a cbd:Decision ; cbd:symbol ?s . ?m a cbd:Meeting ; cbd:adoptedAt ?d }", "direction", None),
    ("SELECT * { ?d a cbd:Decision ; cbd:symbol ?s . ?d cbd:number ?s }", "other-values", None),
    ("SELECT * { ?i a cbd:Issue ; skos:prefLabel ?l FILTER(LANG(?l) = 'de') }", "language-filter", "en"),
    ("SELECT * { ?i a cbd:Issue ; skos:prefLabel ?l FILTER LANGMATCHES(LANG(?l), 'de') }", "language-filter", "en"),
    (
        "SELECT * { ?i a cbd:Issue ; skos:prefLabel ?l FILTER(STR(?l) = 'Forest biodiversity') }",
        "letters",
        '"Forest Biodiversity"@en',
    ),
    (
        "SELECT * { ?i a cbd:Issue ; skos:prefLabel ?l FILTER CONTAINS(?l, 'FOREST') }",
        "letters",
        '"Forest Biodiversity"@en',
    ),
    ("SELECT * { ?d a cbd:Decision ; cbd:symbol ?s FILTER(?s = 'XI/160') }", "values-before", None),
    (
        "SELECT * { ?d cbd:number ?n FILTER(?n > 1000) }",
        "values-before",
        '"1"^^<http://www.w3.org/2001/XMLSchema#integer>',
    ),
    ("SELECT * { ?d a cbd:Decision FILTER EXISTS { ?d cbd:locator ?l } }", "not-on-these", "cbd:symbol"),
    ("SELECT * { ?d a cbd:Decision ; rdfs:label ?label FILTER(?lable = 'x') }", "unbound-variable", "?label"),
    ("SELECT * { ?d a cbd:Decision { { ?d cbd:locator ?l } } }", "not-on-these", "cbd:symbol"),
    ("SELECT * { ?d cbd:symbol ?s { ?d a cbd:Decision FILTER(?s = 'XI/16') } }", "unbound-variable", None),
    (
        f"SELECT * {{ GRAPH <{GRAPHS}targets/aichi> {{ ?d a cbd:Decision }} }}",
        "other-graph",
        f"<{GRAPHS}decisions/cop-11>",
    ),
    (f"SELECT * {{ GRAPH <{GRAPHS}targets/aichy> {{ ?d a ?t }} }}", "unknown-graph", f"<{GRAPHS}targets/aichi>"),
    (
        f"SELECT * FROM <{GRAPHS}targets/aichi> {{ ?d a cbd:Decision }}",
        "other-graph",
        f"<{GRAPHS}decisions/cop-11>",
    ),
    ("SELECT * { ?m a cbd:Meeting . ?i a cbd:Issue . ?m ?p ?i }", "no-join", None),
    ("SELECT * { ?d a skosxl:Labels }", "unknown-class", "skosxl:Label"),
    ("SELECT * { ?s a cbd:symbol }", "unused", None),
    ("SELECT * { ?s cbd:Decision ?o }", "unused", None),
    ("SELECT * { ?d a cbd:Decision . ?i a cbd:Issue ; cbd:x|skos:prefLabel 'x' . }", "unknown-property", None),
]


@pytest.mark.parametrize(
    ("query", "kind", "near"), HINTS, ids=[f"{kind}-{n}" for n, (_, kind, _) in enumerate(HINTS)]
)
def test_hints(real: httpx.Client, query: str, kind: str, near: str | None) -> None:
    hints = {hint["kind"]: hint for hint in leaf(explain(real, query))["hints"]}
    assert kind in hints, hints
    assert hints[kind]["says"]
    if near is not None:
        assert near in {entry["name"] for entry in hints[kind]["near"]}, hints


def test_every_kind_of_hint_is_documented() -> None:
    text = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    for kind in {kind for _, kind, _ in HINTS}:
        assert f"`{kind}`" in text, kind


@pytest.mark.parametrize(
    ("query", "rows", "says"),
    [
        ("SELECT * { ?d a cbd:Decision }", 60, "60 rows"),
        ("SELECT * { ?d a cbd:Decision } LIMIT 1", 1, "1 row."),
        ("ASK { ?d a cbd:Decision }", 1, "yes"),
        ("CONSTRUCT WHERE { ?d a cbd:Decision }", 60, "60 triples"),
        ("SELECT (COUNT(*) AS ?n) { ?d a cbd:Decision }", 1, "1 row"),
        ("SELECT * { ?a ?b ?c . ?d ?e ?f }", None, "over the limit"),
    ],
)
def test_a_query_that_is_not_empty(real: httpx.Client, query: str, rows: int | None, says: str) -> None:
    document = explain(real, query)
    assert (document["empty"], document["rows"], document["killer"]) == (False, rows, None)
    assert says in document["says"].replace(",", "")


def test_three_ways_to_ask_and_the_page(real: httpx.Client) -> None:
    query = f"{P} SELECT * {{ ?d a cbd:Decsion, '<img src=x>' }}"
    got = real.get("/sparql", params={"query": query, "explain": "empty"})
    form = real.post("/sparql", data={"query": query, "explain": "empty"})
    direct = real.post(
        "/sparql",
        params={"explain": "empty"},
        content=query,
        headers={"Content-Type": "application/sparql-query"},
    )
    assert got.json() == form.json() == direct.json()
    assert got.json()["release"] == got.headers["cbdgraph-release"]
    again = real.get(
        "/sparql", params={"query": query, "explain": "empty"}, headers={"If-None-Match": got.headers["etag"]}
    )
    assert again.status_code == 304
    results = real.get("/sparql", params={"query": query}, headers={"Accept": "text/html"}).text
    assert "Why is this empty?" in results
    page = real.get("/sparql", params={"query": query, "explain": "empty"}, headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert '<a href="/ontology#Decision"' in page.text
    assert "<img" not in page.text
    check(page.text)
    check(real.get("/sparql", params={"query": f"{P} {UNION}", "explain": "empty", "format": "html"}).text)
    boolean = real.get("/sparql", params={"query": "ASK { <a:a> <a:b> <a:c> }", "format": "html"}).text
    assert "Why no?" in boolean
    full = real.get("/sparql", params={"query": "ASK { ?s ?p ?o }", "format": "html"}).text
    assert "Why no?" not in full


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELECT * { ?d a cbd:Decision", "syntax"),
        ("SELECT * { ?d a nix:Decision }", "syntax"),
        ("SELECT * { SERVICE <http://e/> { ?s ?p ?o } }", "refused"),
        ("SELECT * { { SERVICE <http://e/> { ?s ?p ?o } } UNION { ?s <a:b> 1 } }", "refused"),
        (f"SELECT * {{ {'(' * 10_000} }}", "refused"),
        (f"SELECT * {{ {'{' * 150} ?s ?p ?o {'}' * 149} }}", "syntax"),
        ("SELECT * FROM <http://e/> { ?s ?p ?o }", "refused"),
        ("SELECT (<http://e/f>(1) AS ?x) { ?s ?p ?o }", "refused"),
        ("CLEAR ALL", "refused"),
    ],
)
def test_what_is_wrong_is_said_as_without(real: httpx.Client, query: str, kind: str) -> None:
    text = query if kind == "syntax" else f"{P}\n{query}"
    plain = problem(real.post("/sparql", data={"query": text}), kind)
    assert problem(real.post("/sparql", data={"query": text, "explain": "empty"}), kind) == plain


def test_other_words_and_formats(real: httpx.Client) -> None:
    problem(real.get("/sparql", params={"query": "ASK {}", "explain": "full"}), "parameter")
    problem(real.get("/sparql", params={"query": "ASK {}", "explain": "empty", "format": "csv"}), "not-acceptable")


def test_deep_and_wide_ones(real: httpx.Client) -> None:
    deep = f"SELECT * {{ {'{ ' * 100} ?d a cbd:Decsion {'} ' * 100} }}"
    assert explain(real, deep)["killer"]["text"].startswith("{ {")
    wide = f"SELECT * {{ ?d a cbd:Decision {' '.join(f'; cbd:symbol ?s{n}' for n in range(40))} ; cbd:nothing 1 }}"
    response = real.post("/sparql", data={"query": f"{P}\n{wide}", "explain": "empty"})
    assert response.json()["killer"]["text"] == "?d cbd:nothing 1"


def test_a_long_text_is_not_said_again(real: httpx.Client) -> None:
    query = f"{P} SELECT * {{ ?i skos:prefLabel '{'x' * 100_000}' , <http://e/{'y' * 50_000}> }}"
    response = real.post("/sparql", data={"query": query, "explain": "empty"})
    assert response.json()["empty"] is True
    assert len(response.content) < 10_000
    many = " ".join(f"'Forest Biodiversity {n}'" for n in range(5000))
    query = f"{P} SELECT * {{ ?i skos:prefLabel ?l VALUES ?l {{ {many} }} }}"
    response = real.post("/sparql", data={"query": query, "explain": "empty"})
    assert response.json()["killer"]["kind"] == "values"


def test_one_time_for_all(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    make_release(root, facts())
    numbers = f"<{BASE}ontology#is>"
    slow = " ".join(f"?x{n} {numbers} ?y{n} ." for n in range(6))
    with running(root=root, workers=1, query_seconds=2.0) as client:
        start = time.monotonic()
        query = f"SELECT * {{ {slow} FILTER(?y0 + ?y1 + ?y2 + ?y3 + ?y4 + ?y5 < 0) }}"
        problem(client.get("/sparql", params={"query": query, "explain": "empty"}), "timeout")
        assert time.monotonic() - start < 6
        # Empty at once, and slow to say why: what could not be found out is said.
        query = f"SELECT * {{ {slow} FILTER(?y0 + ?y1 + ?y2 + ?y3 < 0) . ?x0 <a:b> <a:c> }}"
        start = time.monotonic()
        response = client.get("/sparql", params={"query": query, "explain": "empty"})
        assert time.monotonic() - start < 6
        document = response.json()
        assert document["empty"] is True
        assert document["complete"] or "2 seconds" in document["undecided"]
        if not document["complete"]:
            assert "etag" not in response.headers
        assert client.get("/sparql", params={"query": "ASK {}"}).json()["boolean"] is True


def test_files_of_a_user(tmp_path: Path) -> None:
    (tmp_path / "a.trig").write_text("<http://e/g> { <http://e/a> <http://e/p> 2 }", encoding="utf-8")
    with running(root=make_root(tmp_path / "root", {}), data=(tmp_path / "a.trig",), workers=1) as client:
        killer = leaf(explain(client, "SELECT * { ?s <http://e/p> ?o }"))
        assert killer["hints"][0]["kind"] == "other-graph"
        assert killer["hints"][0]["near"] == [{"term": "<http://e/g>", "name": "<http://e/g>"}]
        killer = leaf(explain(client, "SELECT * { GRAPH ?g { ?s <http://e/q> ?o } }"))
        assert killer["hints"][0]["kind"] == "unknown-property"
