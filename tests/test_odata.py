"""Expressions and options of OData: what is read, what is refused and where, and what a page holds."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbdgraph.server.informea import odata, options
from cbdgraph.server.informea.odata import (
    Kind,
    Malformed,
    ODataError,
    Order,
    Unsupported,
    matches,
    parse_filter,
    parse_order,
)
from cbdgraph.server.informea.options import LARGEST_PAGE, PAGE, next_query, parse_options, select

FIELDS: Final[dict[str, Kind]] = {
    "id": "string",
    "number": "string",
    "order": "integer",
    "latitude": "number",
    "updated": "time",
    "title": "list",
}
NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
RECORD: Final = {"id": "a", "number": "XI/16", "order": 16, "latitude": None, "updated": NOON, "title": ()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("number eq 'XI/16'", True),
        ("'XI/16' eq number", True),
        ("number ne 'XI/16'", False),
        ("number gt 'XI'", True),
        ("updated gt datetime'2026-11-22T11:59:59'", True),
        ("updated gt datetime'2026-11-22T12:00:00'", False),
        ("updated ge datetime'2026-11-22T12:00'", True),
        ("updated lt datetimeoffset'2026-11-22T12:00:00+01:00'", False),
        ("updated ge 2026-11-22T13:00:00+01:00", True),
        ("updated gt 2026-11-22T11:59:59.9999999Z", True),
        ("updated lt 2026-11-22T12:00:00.000001Z", True),
        ("updated gt 2026-11-22", True),
        ("updated gt datetime'2026-11-23'", False),
        ("order eq 16", True),
        ("order eq 16L", True),
        ("order lt 16.5", True),
        ("order gt -1", True),
        ("latitude eq null", True),
        ("latitude ne null", False),
        ("latitude gt 1", False),
        ("latitude le 1.5", False),
        ("not (latitude gt 1)", True),
        ("updated ne null", True),
        ("order eq 1 or order eq 16 and number eq 'x'", False),
        ("(order eq 1 or order eq 16) and number eq 'XI/16'", True),
        ("not order eq 1 and not (order eq 2)", True),
        ("not(order eq 16)", False),
        ("order eq 1 or(order eq 16)", True),
        ("  order   eq\t16 ", True),
        ("number eq 'it''s'", False),
        ("number eq ''", False),
        ("number eq ') or (1 eq 1'", False),
        ("1 eq 1", True),
        ("null eq null", True),
    ],
)
def test_a_condition_is_read_and_met(text: str, expected: bool) -> None:
    assert matches(parse_filter(text, FIELDS), RECORD) is expected


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("   ", 0),
        ("number", 7),
        ("number eq", 10),
        ("number = 'x'", 8),
        ("number eq 'x", 11),
        ("number eq x", 11),
        ("colour eq 'x'", 1),
        ("number eq 'x' number", 15),
        ("number eq 'x' and", 18),
        ("and number eq 'x'", 1),
        ("(number eq 'x'", 15),
        ("number eq 'x')", 14),
        ("number eq 'x' AND order eq 1", 15),
        ("number EQ 'x'", 8),
        ("updated gt '2026-11-22'", 12),
        ("order eq 'x'", 10),
        ("number eq 1", 11),
        ("updated gt datetime'yesterday'", 12),
        ("updated gt 2026-13-01T00:00:00Z", 12),
        ("updated gt 2026-11-22T25:00:00Z", 12),
        ("updated gt 0000-01-01", 12),
        ("updated gt 0001-01-01T00:00:00+23:59", 12),
        ("updated gt 9999-12-31T23:59:59-23:59", 12),
        ("updated gt 2026-11-22T00:00:00 02:00", 32),
        ("order eq " + "9" * 19, 10),
        ("order eq " + "9" * 1900, 10),
        ("order eq ١٦", 10),
        ("order eq １６", 10),
        ("updated gt ٢٠٢٦-11-22", 12),
        ("updated gt datetime'٢٠٢٦-11-22'", 12),
        ("ｎumber eq 'x'", 1),
        ("number eq 'x'; DROP", 14),
        ('number eq "x"', 11),
        ("number\neq 'x'", 7),
        ("number\x00eq 'x'", 7),
        ("number eq 'x'\ud800", 14),
    ],
)
def test_what_is_no_condition_is_refused_at_its_place(text: str, position: int) -> None:
    with pytest.raises(Malformed) as caught:
        parse_filter(text, FIELDS)
    assert (caught.value.option, caught.value.position) == ("$filter", position)


@pytest.mark.parametrize(
    ("text", "word", "position"),
    [
        ("substringof('x',number) eq true", "substringof", 1),
        ("contains(number,'x')", "contains", 1),
        ("startswith(number,'X') and order eq 1", "startswith", 1),
        ("order eq 1 and year(updated) eq 2026", "year", 16),
        ("order add 1 eq 17", "add", 7),
        ("order in (1,2)", "in", 7),
        ("title/any(t:t/language eq 'en')", "title", 1),
        ("title eq 'x'", "title", 1),
        ("title/value eq 'x'", "title", 1),
        ("number eq guid'0066da14-412c-e411-855b-005056856044'", "guid", 11),
        ("order eq true", "true", 10),
        ("latitude eq NaN", "NaN", 13),
        ("cast(order,'Edm.String') eq '1'", "cast", 1),
    ],
)
def test_what_is_more_of_odata_is_named(text: str, word: str, position: int) -> None:
    with pytest.raises(Unsupported, match=word) as caught:
        parse_filter(text, FIELDS)
    assert caught.value.position == position


def test_an_expression_has_limits() -> None:
    deep = odata.DEEPEST
    assert parse_filter("(" * deep + "order eq 1" + ")" * deep, FIELDS)
    assert parse_filter("not " * deep + "order eq 1", FIELDS)
    for text, words in (
        ("(" * (deep + 1) + "order eq 1" + ")" * (deep + 1), "deep"),
        ("(" * 390, "deep"),
        ("not " * 390, "deep"),
        ("(" * 1990, "words"),
        ("not " * 499, "words"),
        ("order eq 1 or " * 100 + "order eq 1", "words"),
        ("number eq '" + "x" * 2000 + "'", "characters"),
    ):
        before = time.perf_counter()
        with pytest.raises(Malformed, match=words):
            parse_filter(text, FIELDS)
        assert time.perf_counter() - before < 0.1
    with pytest.raises(Malformed, match="8 fields"):
        parse_order(",".join(["order"] * 9), FIELDS)


def test_order() -> None:
    assert parse_order("updated desc , order,id asc", FIELDS) == (Order("updated", True), Order("order"), Order("id"))
    for text, position in (
        ("", 0),
        ("updated desc,", 14),
        ("updated down", 9),
        ("colour", 1),
        ("updated desc id", 14),
    ):
        with pytest.raises(Malformed) as caught:
            parse_order(text, FIELDS)
        assert caught.value.position == position, text
    for text in ("title", "tolower(number)", "title/value", "title/$count desc"):
        with pytest.raises(Unsupported):
            parse_order(text, FIELDS)


WORDS: Final = [
    *FIELDS,
    "and",
    "or",
    "not",
    "eq",
    "gt",
    "add",
    "null",
    "(",
    ")",
    "'x'",
    "1",
    "2026-11-22",
    "/",
    ",",
    "'",
]


@settings(max_examples=600, derandomize=True, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)))
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    position, answer = 0, False
    try:
        answer = matches(parse_filter(text, FIELDS), RECORD)
    except ODataError as error:
        position = error.position
    assert 0 <= position <= len(text) + 1
    assert answer in {True, False}


# Options.


def options_of(*pairs: tuple[str, str]) -> options.Options:
    return parse_options(pairs, FIELDS, (Order("updated"),), "id")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("$top", "-1"),
        ("$top", "x"),
        ("$top", ""),
        ("$top", "1.5"),
        ("$top", "+1"),
        ("$top", "1e3"),
        ("$top", "9" * 10),
        ("$top", "9" * 5000),
        ("$top", "٥"),
        ("$skip", "５"),
        ("$skip", "1_0"),
        ("$count", "yes"),
        ("$count", "TRUE"),
        ("$inlinecount", "true"),
        ("$select", "colour"),
        ("$select", "id,,number"),
        ("$select", "x" * 2000),
        ("$expand", "number"),
        ("$expand", "parts"),
        ("$skiptoken", ""),
        ("$skiptoken", "x"),
        ("$skiptoken", "ab cd"),
        ("$skiptoken", "A" * 5000),
        ("", "5"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, value: str) -> None:
    with pytest.raises(Malformed) as caught:
        options_of((name, value))
    assert caught.value.option == (name or "the query string")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("$apply", "aggregate($count as n)"),
        ("$search", "forest"),
        ("$compute", "1 as x"),
        ("$callback", "f"),
        ("$deltatoken", "x"),
        ("$TOP", "1"),
        ("@alias", "1"),
        ("$expand", "title($select=value)"),
        ("$expand", "title/x"),
        ("$expand", "title,$ref"),
        ("$select", "title/value"),
        ("$select", "id,*"),
    ],
)
def test_an_option_that_is_more_of_odata_is_named(name: str, value: str) -> None:
    with pytest.raises(Unsupported) as caught:
        options_of((name, value))
    assert caught.value.option == name


def test_options_are_read() -> None:
    found = options_of(
        ("$top", "20"),
        ("skip", "40"),
        ("$expand", "title"),
        ("$inlinecount", "allpages"),
        ("$select", "id, number,id"),
        ("$format", "json"),
        ("custom", "$top"),
    )
    assert (found.top, found.skip, found.wants_count, found.names, found.shown) == (
        20,
        40,
        True,
        ("id", "number"),
        "json",
    )
    assert found.orders == (Order("updated"),)
    assert options_of(("$select", "*"), ("$expand", "")).names == ()
    for pairs in ((("$top", "1"), ("$top", "1")), (("$top", "1"), ("top", "1"))):
        with pytest.raises(Malformed, match="more than once"):
            options_of(*pairs)


# Pages.


def make_records(count: int) -> list[dict[str, Any]]:
    """Records with equal and missing values, not in order."""
    return [
        {**RECORD, "id": f"r{n * 7919 % count:05}", "order": n % 5 or None, "updated": NOON.replace(minute=n % 3)}
        for n in range(count)
    ]


def read_all(records: list[dict[str, Any]], *pairs: tuple[str, str]) -> list[list[str]]:
    """The keys on each page, from the first to the last."""
    asked, found = list(pairs), []
    while True:
        options = options_of(*asked)
        page = select(records, options, "id")
        found.append([record["id"] for record in page.records])
        if not page.token:
            assert next_query(asked, options, page) == ""
            return found
        query = next_query(asked, options, page)
        asked = [(name, value) for name, value in _split(query)]


def _split(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("order", ["", "order", "order desc", "order desc,updated", "updated desc,order,id desc"])
def test_pages_hold_each_record_once_in_one_order(monkeypatch: pytest.MonkeyPatch, size: int, order: str) -> None:
    monkeypatch.setattr(options, "PAGE", size)
    records = make_records(60)
    pairs = [("$orderby", order)] if order else []
    pages = read_all(records, *pairs)
    keys = [key for page in pages for key in page]
    assert all(len(page) == size for page in pages[:-1])
    assert len(keys) == 60 == len(set(keys))
    backwards = read_all(records[::-1], *pairs)
    assert backwards == pages, "the order does not depend on that of the graph"


def test_top_and_skip() -> None:
    records = make_records(250)
    whole = [key for page in read_all(records) for key in page]
    assert [len(page) for page in read_all(records)] == [PAGE, PAGE, 50]
    assert read_all(records, ("$top", "500")) == [whole], "as many as are asked for, up to a limit"
    assert read_all(records, ("$top", "7"), ("$skip", "40")) == [whole[40:47]]
    assert read_all(records, ("$skip", "249")) == [whole[249:]]
    assert read_all(records, ("$skip", "999999999")) == [[]]
    assert read_all(records, ("$top", "0")) == [[]]
    many = make_records(2500)
    assert [len(page) for page in read_all(many, ("$top", "2400"))] == [LARGEST_PAGE, LARGEST_PAGE, 400]
    kept = read_all(many, ("$skip", "150"))
    assert [len(page) for page in kept][:2] == [PAGE, PAGE], "what is passed over is so once"
    assert sum(map(len, kept)) == 2350
    page = select(records, options_of(("$filter", "order eq 1"), ("$top", "3")), "id")
    assert (len(page.records), page.total, page.token) == (3, 50, "")


def test_what_changes_between_two_pages_moves_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "PAGE", 10)
    records = make_records(60)
    wanted = options_of()
    first = select(records, wanted, "id")
    seen = {record["id"] for record in first.records}
    later = NOON.replace(hour=13)
    # One that was seen and one that was not are changed, one is new.
    changed = {next(iter(seen)), next(record["id"] for record in records if record["id"] not in seen)}
    after = [{**record, "updated": later} if record["id"] in changed else record for record in records]
    after.append({**RECORD, "id": "new", "updated": later})
    asked = _split(next_query([], wanted, first))
    rest = [key for page in read_all(after, *asked) for key in page]
    assert seen | set(rest) == {record["id"] for record in after}
    assert set(rest[-3:]) == changed | {"new"}
    assert len(rest) == len(set(rest))
    assert seen & set(rest) == changed & seen, "again only what is new about it"


def make_token(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["2026-11-22"],
        ["2026-11-22", "a", "b"],
        ["soon", "a"],
        [1, "a"],
        ["2026-11-22", 1],
        ["2026-11-22", ["a"]],
        ["2026-11-22", {}],
        [True, "a"],
        {"a": 1, "b": 2},
        "ab",
        1,
        None,
    ],
)
def test_a_token_of_others_is_refused(values: object) -> None:
    with pytest.raises(Malformed, match="begin again"):
        options_of(("$skiptoken", make_token(values)))


def test_a_deep_token_is_refused() -> None:
    for text in ("[" * 2900, '{"a":' * 500):
        token = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        with pytest.raises(Malformed):
            options_of(("$skiptoken", token))
    with pytest.raises(Malformed):
        options_of(("$skiptoken", make_token(["2026-11-22", "a"])), ("$orderby", "order,updated"))


def test_a_token_may_name_null_and_what_is_gone() -> None:
    records = make_records(20)
    after = options_of(("$skiptoken", make_token([None, "r00003"])), ("$orderby", "order")).after
    assert after == (None, "r00003")
    page = select(records, options_of(("$skiptoken", make_token([None, "zzz"])), ("$orderby", "order")), "id")
    assert [record["order"] for record in page.records] == sorted(r["order"] for r in records if r["order"])


def test_a_filter_over_many_records_takes_little_time() -> None:
    records = make_records(5000)
    text = " or ".join(f"order eq {n}" for n in range(100, 198))
    before = time.perf_counter()
    assert select(records, options_of(("$filter", text)), "id").total == 0
    assert time.perf_counter() - before < 5
