"""Syntax errors: the place is that of the first token that cannot be read, and the words say what to do."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.errors import QueryError, QuerySyntaxError
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from cbdgraph.store.guard import check_query

_NEVER = re.compile(
    r"\b(SERVICE|LATERAL|INSERT|DELETE|LOAD|CLEAR|DROP|CREATE|COPY|MOVE|ADD|WITH|REDUCED|LANGDIR|UNDEF)\b"
)
CASES = [
    # query, column of the token, what the reason tells
    ("SELECT * {?a ?b}", 11, "subject, predicate and object"),
    ("SELECT * {?a ?b }", 11, "subject, predicate and object"),
    ("SELECT * { ?a ?b ?c ?d }", 21, "'.' before the next one"),
    ("SELECT * { ?a ?b ?c . ?d }", 23, "'?d' cannot be read here"),
    ("SELECT ?s { ?s ?p ?o; ?q }", 23, "'?q'"),
    ("SELECT * { MINUS }", 12, "MINUS { … }"),
    ("SELECT * { FILTER }", 12, "FILTER(condition)"),
    ("SELECT * { FILTER(?a = ) }", 24, "missing before it"),
    ("SELECT * { OPTIONAL ?a }", 21, "OPTIONAL { … }"),
    ("SELECT * { VALUES ?a { ?b } }", 24, "no variables"),
    ("SELECT * { BIND(NOPE(?a) AS ?b) }", 17, "no such function"),
    ("SELECT ?x WHERE ?x ?y ?z", 17, "WHERE is followed by"),
    ("SELECT COUNT(?x) {}", 8, "(COUNT(?x) AS ?n)"),
    ("SELECT ?a, ?b { ?a ?p ?b }", 8, "SELECT ?variable"),
    ("SELECT ?a { ?a ?b ?c } LIMIT x", 24, "whole number"),
    ("SELECT ?a { ?a ?b ?c } ORDER ?a", 30, "ORDER BY ?variable"),
    ("SELECT * { ?a ?b ?c } order by desc ?a", 32, "DESC(?variable)"),
    ("SELECT ?a { ?a ?b ?c } GROUP BY", 32, "ends too early"),
    ("SELECT ?a ?c { ?a ?b ?c } GROUP BY ?a", 38, "GROUP BY"),
    ("SELECT * { ?s ?p ?o } garbage", 23, "'garbage'"),
    ("SELECT * { ?s <http://e p> ?o }", 16, "holds no space"),
    ("SELECT * { <http://e/> }", 24, "expected a variable"),
    ("PREFIX a <http://e/> SELECT * {}", 1, "PREFIX name: <IRI>"),
    ("SELECT * { ?s cbd:x ?o }", 15, "begin with PREFIX cbd:"),
    ("SELECT ?s { ?s a Decision }", 18, "cbd:Decision"),
    ("SELECT (COUNT(?s) AS n) { ?s ?p ?o }", 22, "a variable is ?n"),
    ("SELECT ?s { ?s ?p ?o . FILTER(?o > 1 and ?o < 3) }", 38, "write &&"),
    ("ASK", 4, "ASK { … }"),
    ("CONSTRUCT { ?a ?b ?c }", 23, "expected '{'"),
]


@pytest.mark.parametrize(("query", "column", "words"), CASES)
def test_what_to_do(query: str, column: int, words: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        Store.memory().select(query)
    assert (caught.value.line, caught.value.column) == (1, column), caught.value
    assert words in caught.value.reason
    assert not _NEVER.search(caught.value.reason.replace("'LIMIT'", ""))


def test_lines_are_counted() -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        Store.memory().select("SELECT *\n{\n  ?s ?p 'x' .\n  ?s ?p }")
    assert (caught.value.line, caught.value.column) == (4, 3)


def _broken() -> list[tuple[str, str]]:
    rows = []
    for line in (Path(__file__).parent / "lists" / "broken-queries.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            place, _, text = line.partition("\t")
            query = text.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").replace("\\\\", "\\")
            rows.append((place, query))
    return rows


def _ask(query: str) -> None:
    """As the service does: first the guard, then the engine."""
    check_query(query)
    Store.memory().answer(query, "text/csv", Limits())


@pytest.mark.parametrize(("place", "query"), _broken())
def test_the_place_is_where_a_person_would_point(place: str, query: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        _ask(query)
    line, column = caught.value.line, caught.value.column
    lines = query.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1
    assert caught.value.reason
    if place != "?":
        assert f"{line}:{column}" == place, caught.value


_WORDS = "SELECT * { } ?a ?b . FILTER ( ) 'x' 1 LIMIT ORDER BY <http://e/> VALUES ; , BIND AS OPTIONAL UNION"
_PIECES = st.sampled_from(_WORDS.split())


@given(st.lists(_PIECES, max_size=12))
def test_every_error_has_a_place_in_the_query_and_names_nothing_refused(pieces: list[str]) -> None:
    query = "SELECT * { " + " ".join(pieces)
    found = None
    with contextlib.suppress(QueryError):
        try:
            Store.memory().select(query)
        except QuerySyntaxError as error:
            found = error
    if found is not None:
        assert found.line == 1
        assert 1 <= found.column <= len(query) + 1
        assert not _NEVER.search(found.reason), found.reason
