"""Query files: headers, parameters, and values that can never become query text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdflib.plugins.sparql import prepareQuery

from cbdgraph.errors import ParameterError, QuerySyntaxError, UnknownQuery
from cbdgraph.queries import Query, find_query, read_queries

ROOT = Path(__file__).parents[1]
SOURCE = """#+ summary: Things with a name
#+ tags: a, b
#+ parameter name: text, optional, Ann; the name
#+ parameter least: number, optional, 3; the least value
SELECT ?thing (COUNT(?x) AS ?count)
WHERE {
  VALUES ?name { UNDEF }
  VALUES ?least { UNDEF }
  ?thing <urn:name> ?name ; <urn:x> ?x .
}
GROUP BY ?thing
"""


def test_a_header_is_read() -> None:
    query = Query.parse("things", SOURCE)
    assert query.summary == "Things with a name"
    assert query.tags == ("a", "b")
    assert query.columns == ("thing", "count")
    assert [p.name for p in query.parameters] == ["name", "least"]


@given(st.text())
def test_a_value_stays_one_literal_whatever_it_holds(value: str) -> None:
    query = Query.parse("things", SOURCE)
    if not value.strip() or "\x00" in value:
        with pytest.raises(ParameterError):
            query.bind({"name": value})
        return
    bound = query.bind({"name": value})
    head, tail = SOURCE.split("{ UNDEF }", 1)
    assert bound.startswith(head)
    assert bound.endswith(tail)
    assert prepareQuery(bound) is not None


@pytest.mark.parametrize("value", ["1 } DROP ALL", "NaN", "inf", "x", "1e9999999999"])
def test_a_number_must_be_one(value: str) -> None:
    with pytest.raises(ParameterError):
        Query.parse("things", SOURCE).bind({"least": value})


def test_an_unknown_parameter_is_named_with_those_that_exist() -> None:
    with pytest.raises(ParameterError, match="name, least"):
        Query.parse("things", SOURCE).bind({"nme": "x"})


@pytest.mark.parametrize(
    "source",
    [
        "SELECT * WHERE { }",
        "#+ summary\nSELECT * WHERE { }",
        "#+ summary: x\n#+ parameter a: text\nSELECT * WHERE { }",
        "#+ summary: x\n#+ parameter a: text, optional, e; m\nSELECT * WHERE { }",
    ],
)
def test_a_faulty_header_is_refused(source: str) -> None:
    with pytest.raises(QuerySyntaxError):
        Query.parse("faulty", source)


@pytest.mark.parametrize(
    "value", ["XI/16", "cop/11/16", "decision/cop/11/16", "https://w3id.org/cbdgraph/decision/cop/11/16"]
)
def test_a_decision_may_be_given_in_any_usual_form(value: str) -> None:
    query = read_queries(ROOT / "queries" / "named")["citations-of-decision"]
    assert "<https://w3id.org/cbdgraph/decision/cop/11/16>" in query.bind({"decision": value})


@pytest.mark.parametrize("value", ["a> } ; DROP ALL #", "<x>", "a\nb", 'a"b', "{}", "\ud800"])
def test_a_hostile_iri_is_refused(value: str) -> None:
    query = read_queries(ROOT / "queries" / "named")["decisions-on-issue"]
    with pytest.raises(ParameterError):
        query.bind({"issue": value})


def test_a_missing_query_names_its_neighbours() -> None:
    queries = read_queries(ROOT / "queries" / "named")
    with pytest.raises(UnknownQuery, match="decisions-on-issue"):
        find_query(queries, "decision-on-issue")


CONTRACT = {
    "decisions-on-issue": (["issue"], "decision decisionLabel part locator citation"),
    "citations-in-document": (["document"], "citation citingPart issue decision part locator quote certainty"),
    "decision-outline": (["decision"], "part parent level locator position"),
    "citations-of-decision": (["decision"], "citation document citingPart issue part quote"),
    "decisions-addressing-target": (["target"], "decision part source basis"),
    "targets-in-set": (["set"], "target number label goal deadline"),
    "quantified-targets": (["unit", "minimum"], "target comparator value unit ofWhat deadline"),
    "issues-by-meeting": ([], "issue meeting decisions citations"),
    "requests-to-actor": (["actor"], "request part action actor activity"),
    "definitions-of-term": (["term", "lang"], "definition source year place language text verbatim status"),
    "terms-missing-language": (["lang"], "term label"),
    "resources-changed-since": (["since"], "resource change when release"),
}


# More than the contract asks for.
BEYOND = {
    "codes": (["kind"], "code scheme resource"),
    "summaries-with-term": (["term"], "part text locator form summary"),
    "uses-of-term": (["term", "lang"], "use part text locator form language occurrences basis"),
    "compare-definitions": (["definition", "other"], "dimension value saidBy verdict"),
    "definitions-with-feature": (["feature", "term"], "term definition source year place basis"),
    "features-of-term": (["term", "dimension"], "dimension definition year value basis"),
}


def test_named_queries_are_those_of_the_contract() -> None:
    queries = read_queries(ROOT / "queries" / "named")
    described = {name: ([p.name for p in q.parameters], " ".join(q.columns)) for name, q in queries.items()}
    for name, more in BEYOND.items():
        assert described.pop(name) == more
    assert described == CONTRACT


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "2026-02-31",
        "20260101",
        "2026-W01-1",
        "2026-12-01T24:00:00Z",
        "2026-12-01T09:00:00",
        "2026-12-01T09:00:00+00:00",
        "2026-12-01T9:00:00Z",
        "٢٠٢٦-12-01T09:00:00Z",
        "😀",
    ],
)
def test_a_day_or_a_time_must_be_one(value: str) -> None:
    query = read_queries(ROOT / "queries" / "named")["resources-changed-since"]
    with pytest.raises(ParameterError, match="since"):
        query.bind({"since": value})


def test_a_release_may_be_given_by_number_or_whole_name() -> None:
    query = read_queries(ROOT / "queries" / "named")["resources-changed-since"]
    assert query.bind({"since": "0.1.0-0123456789ab"}) == query.bind({"since": "0.1.0"})
    assert '"2026-01-01"' in query.bind({"since": "2026-01-01"})
    assert '"2026-12-01T09:00:00Z"' in query.bind({"since": " 2026-12-01T09:00:00Z "})
    (since,) = query.parameters
    assert query.releases({"since": " 0.1.0-0123456789ab"}) == {since: "0.1.0"}
    assert query.releases({"since": "2026-01-01"}) == query.releases({}) == {}


def test_all_is_no_language_where_one_is_needed() -> None:
    queries = read_queries(ROOT / "queries" / "named")
    with pytest.raises(ParameterError, match="one language"):
        queries["terms-missing-language"].bind({"lang": "all"})
    assert "VALUES ?lang { UNDEF }" in queries["definitions-of-term"].bind({"term": "recovery", "lang": "all"})
