"""SPARQL results as pandas tables: SPARQL JSON in, columns of one type each out; asks nothing.

A column has the type of all its values: whole numbers Int64, other numbers Float64, truths boolean, days and times
datetime64, IRIs and texts string. Where values differ in kind, or one cannot be read, the whole column is text as the
endpoint wrote it, so that nothing is lost or guessed. Unbound is NA in all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from cbdgraph.errors import QueryError

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_INTEGERS: Final = frozenset(
    _XSD + name
    for name in (
        "integer",
        "int",
        "long",
        "short",
        "byte",
        "nonNegativeInteger",
        "positiveInteger",
        "nonPositiveInteger",
        "negativeInteger",
        "unsignedInt",
        "unsignedLong",
        "unsignedShort",
        "unsignedByte",
        "gYear",
    )
)
_NUMBERS: Final = frozenset(_XSD + name for name in ("decimal", "double", "float"))
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}\Z")  # what fits 64 bits
_SPECIAL: Final = {"INF": float("inf"), "+INF": float("inf"), "-INF": float("-inf"), "NaN": float("nan")}
LANGUAGE: Final = "@lang"  # no variable of SPARQL can be called so

Term = Mapping[str, str]


def read_table(
    content: bytes, *, languages: bool, columns: Sequence[str] | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table of an answer in SPARQL JSON, and of each column what it holds.

    With `languages` a column that has texts in a language is followed by one with the language tags, called as it is
    with "@lang" behind. `columns` are those to take, in their order; all of the answer if not given.
    """
    document = read_results(content)
    if "results" not in document:
        raise QueryError("this query gives a truth and no table; use ask()")
    names = list(columns or document["head"]["vars"])
    rows: list[Mapping[str, Term]] = document["results"]["bindings"]
    made: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for name in names:
        terms = [row.get(name) for row in rows]
        made[name], kinds[name] = _column(terms)
        if languages and any(term and "xml:lang" in term for term in terms):
            tags = [term.get("xml:lang") if term else None for term in terms]
            made[name + LANGUAGE], kinds[name + LANGUAGE] = pd.array(tags, dtype="string"), "language"
    return pd.DataFrame(made, columns=list(made)), kinds


def read_results(content: bytes) -> dict[str, Any]:
    """A document of SPARQL JSON; `QueryError` for what is none."""
    try:
        document: dict[str, Any] = json.loads(content)
        if "boolean" not in document:
            document["head"]["vars"], document["results"]["bindings"]
    except (ValueError, KeyError, TypeError) as error:
        raise QueryError("the endpoint answered with what is no SPARQL JSON") from error
    return document


def _column(terms: Sequence[Term | None]) -> tuple[Any, str]:
    bound = [term for term in terms if term is not None]
    for kind, holds, make in _TYPES:
        if bound and all(holds(term) for term in bound):
            try:
                return make([term["value"] if term else None for term in terms]), kind
            except (ValueError, OverflowError):
                break
    texts = [_text(term) for term in terms]
    kinds = {term["type"] for term in bound}
    if kinds <= {"uri"}:
        kind = "iri" if kinds else "empty"
    else:
        kind = "text" if kinds <= {"literal", "typed-literal"} else "mixed"
    return pd.array(texts, dtype="string"), kind


def _text(term: Term | None) -> str | None:
    if term is None:
        return None
    return f"_:{term['value']}" if term["type"] == "bnode" else term["value"]


def _has(*datatypes: Iterable[str]) -> Callable[[Term], bool]:
    wanted = frozenset().union(*datatypes)
    return lambda term: term.get("datatype") in wanted


def _integers(texts: list[str | None]) -> Any:
    if not all(text is None or _WHOLE.match(text) for text in texts):
        raise ValueError
    return pd.array([None if text is None else int(text) for text in texts], dtype="Int64")


def _numbers(texts: list[str | None]) -> Any:
    known = np.array([text is not None for text in texts])
    values = np.array([0.0 if text is None else _number(text) for text in texts])
    # With a mask, since a NaN that the graph states is a value, and not the want of one.
    return pd.arrays.FloatingArray(values, ~known)


def _number(text: str) -> float:
    if text in _SPECIAL:
        return _SPECIAL[text]
    if not re.match(r"[+-]?[0-9.]", text) or "_" in text:
        raise ValueError
    return float(text)


def _booleans(texts: list[str | None]) -> Any:
    known = {"true": True, "1": True, "false": False, "0": False}
    if not all(text is None or text in known for text in texts):
        raise ValueError
    return pd.array([None if text is None else known[text] for text in texts], dtype="boolean")


def _days(texts: list[str | None]) -> Any:
    days = [None if text is None else date.fromisoformat(text) for text in texts]
    if any(day is not None and day.isoformat() != text for day, text in zip(days, texts, strict=True)):
        raise ValueError
    return pd.array(np.array(days, dtype="datetime64[s]"))


def _times(texts: list[str | None]) -> Any:
    times = [None if text is None else datetime.fromisoformat(text) for text in texts]
    zoned = {time.tzinfo is not None for time in times if time is not None}
    if len(zoned) != 1:
        raise ValueError  # which of two is earlier cannot be said
    if zoned == {False}:
        return pd.array(np.array(times, dtype="datetime64[us]"))
    plain = [None if time is None else time.astimezone(UTC).replace(tzinfo=None) for time in times]
    return pd.DatetimeIndex(np.array(plain, dtype="datetime64[us]")).tz_localize("UTC").array


_TYPES: Final[tuple[tuple[str, Callable[[Term], bool], Callable[[list[str | None]], Any]], ...]] = (
    ("integer", _has(_INTEGERS), _integers),
    ("number", _has(_INTEGERS, _NUMBERS), _numbers),
    ("boolean", _has([_XSD + "boolean"]), _booleans),
    ("date", _has([_XSD + "date"]), _days),
    ("time", _has([_XSD + "dateTime", _XSD + "dateTimeStamp"]), _times),
)
