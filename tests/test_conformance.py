"""The W3C tests: requests of the protocol always, queries and updates where the tests can be fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pyoxigraph as ox
import pytest

from tests.conformance import description, protocol
from tests.conformance.compare import Solutions, read_csv, read_table, same
from tests.conformance.findings import Findings, ask_requests, find, find_faults, read_excuses
from tests.conformance.protocol import GRAPH_STORE, PROTOCOL, Outcome, read_cases
from tests.conformance.report import DOCUMENT, format_report
from tests.conformance.suite import VARIABLE, NoSuite, open_suite

BLANK = [ox.BlankNode("a"), ox.BlankNode("b")]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with protocol.serving() as running:
        yield running


@pytest.fixture(scope="module")
def requests(client: httpx.Client) -> dict[str, list[Outcome]]:
    return ask_requests(client)


def test_all_cases_of_the_protocol_are_listed() -> None:
    names = [case.name for case in read_cases(PROTOCOL)]
    assert len(names) == len(set(names)) == 34
    assert len([name for name in names if name.startswith("update")]) == 7
    assert len([name for name in names if name.startswith("bad")]) == 14
    names = [case.name for case in read_cases(GRAPH_STORE)]
    assert len(names) == len(set(names)) == 19


def test_protocol_graph_store_and_description(requests: dict[str, list[Outcome]]) -> None:
    assert find_faults(Findings(requests), read_excuses(), kinds=requests) == []
    writes = [each for each in requests["protocol"] if each.name.startswith("update")]
    assert {each.verdict for each in writes} == {"refused"}


def test_nothing_was_written(client: httpx.Client, requests: dict[str, list[Outcome]]) -> None:
    assert requests, "they have been sent"
    count = "SELECT (COUNT(*) AS ?n) { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    assert client.get("/sparql", params={"query": count, "format": "csv"}).text.split() == ["n", "8"]


def test_the_page_lists_every_request(requests: dict[str, list[Outcome]]) -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    for outcomes in requests.values():
        for each in outcomes:
            assert f"| {each.name} | {each.about} | {each.verdict} | {each.answer}." in page, each.name
    for excuse in read_excuses():
        assert excuse.reason in page
        assert all(re.search(rf"[ >]{re.escape(test)}[ <]", page) for test in excuse.tests)


@pytest.mark.slow
def test_queries_and_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    try:
        suite = open_suite()
    except NoSuite as error:
        pytest.skip(f"the W3C tests of queries and updates were NOT run: {error}")
    findings = find(suite)
    assert len(findings.queries) == 729
    assert find_faults(findings, read_excuses(), kinds=("service", "engine")) == []
    assert {each.service.passed for each in findings.refusals} == {True}
    assert DOCUMENT.read_text(encoding="utf-8") == format_report(findings, read_excuses()), (
        "docs/conformance.md is out of step; run: python -m tests.conformance --write"
    )


def test_faults_of_descriptions() -> None:
    sd = "http://www.w3.org/ns/sparql-service-description#"
    text = f"<x:s> a <{sd}Service> ; <{sd}defaultDataset> <x:d> ; <{sd}shape> 1 . <x:d> <{sd}feature> <x:f> ."
    triples = [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]
    assert len(description.find_faults(triples)) == 4


@pytest.mark.parametrize(
    ("one", "other", "ordered", "lax", "expected"),
    [
        ([{"x": 1}, {"x": 2}], [{"x": 2}, {"x": 1}], False, False, True),
        ([{"x": 1}, {"x": 2}], [{"x": 2}, {"x": 1}], True, False, False),
        ([{"x": 1}, {"x": 1}], [{"x": 1}], False, False, False),
        ([{"x": 1}, {"x": 1}], [{"x": 1}], False, True, True),
        ([{"x": 1}], [{"x": 1}, {"x": 1}], False, True, False),
        ([{}], [], False, False, False),
        ([{"x": BLANK[0], "y": BLANK[0]}], [{"x": BLANK[1], "y": BLANK[1]}], False, False, True),
        ([{"x": BLANK[0], "y": BLANK[0]}], [{"x": BLANK[0], "y": BLANK[1]}], False, False, False),
        ([{"x": BLANK[0]}, {"x": BLANK[1]}], [{"x": BLANK[0]}, {"x": BLANK[0]}], False, False, False),
    ],
)
def test_when_results_are_the_same(
    one: list[dict[str, object]], other: list[dict[str, object]], ordered: bool, lax: bool, expected: bool
) -> None:
    def solutions(rows: list[dict[str, object]]) -> Solutions:
        terms = ({name: ox.Literal(v) if isinstance(v, int) else v for name, v in row.items()} for row in rows)
        return Solutions(frozenset({"x", "y"}), tuple(terms))

    assert same(solutions(one), solutions(other), ordered=ordered, lax=lax) is expected


def test_formats_of_the_same_result_are_the_same() -> None:
    table = read_table(b'?a\t?b\n1.0\t_:x\n\t"01"\n', ox.QueryResultsFormat.TSV)
    assert same(table, read_csv(b"a,b\r\n1.00,_:other\r\n,01\r\n"))
    assert not same(table, read_csv(b"a,b\r\n1.00,x\r\n,01\r\n"))
    assert not same(table, True)
    assert not same(table, frozenset())
