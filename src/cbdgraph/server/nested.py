"""Blank nodes as nested values: N-Triples about one resource in, JSON that holds each blank node where it hangs, out.

A list of RDF becomes a list. What hangs in a circle, or deeper than anybody nests, is told by its label alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from cbdgraph.model import Iri
from cbdgraph.namespaces import expand
from cbdgraph.quads import values_of
from cbdgraph.server.statements import short

_DEEPEST: Final = 20
_STATEMENT: Final = re.compile(r"(?P<subject>\S+) <(?P<property>[^<>\s]*)> (?P<object>.+) \.\Z", re.DOTALL)
_FIRST, _REST, _NIL = (expand(f"rdf:{name}") for name in ("first", "rest", "nil"))

Statements = dict[str, list[tuple[str, str]]]  # by subject, as N-Triples writes it: properties with objects


def nest(lines: Iterable[str], iri: str) -> dict[str, list[Any]]:
    """The blank nodes that hang on an IRI, by property.

    >>> nest(["<x:a> <x:p> _:b .", '_:b <x:q> "c" .'], "x:a")
    {'x:p': [{'properties': {'x:q': [{'value': 'c'}]}}]}
    """
    statements: Statements = {}
    for line in lines:
        if match := _STATEMENT.match(line):
            statements.setdefault(match["subject"], []).append((match["property"], match["object"]))
    found: dict[str, list[Any]] = {}
    for name, near in statements.get(f"<{iri}>", ()):
        if near.startswith("_:"):
            found.setdefault(name, []).append(_nest(near, statements, ()))
    return found


def _nest(near: str, statements: Statements, above: tuple[str, ...]) -> dict[str, Any]:
    """One object: a blank node with what hangs on it, or a plain value."""
    if not near.startswith("_:"):
        return _plain(near)
    if near in above or len(above) >= _DEEPEST:
        return {"blank": near.removeprefix("_:")}
    if (items := _read_list(near, statements)) is not None:
        return {"list": [_nest(item, statements, (*above, near)) for item in items]}
    properties: dict[str, list[Any]] = {}
    for name, other in statements.get(near, ()):
        properties.setdefault(short(name), []).append(_nest(other, statements, (*above, near)))
    return {"properties": properties}


def _read_list(near: str, statements: Statements) -> list[str] | None:
    """The items of a well-formed list; None for what is none."""
    items: list[str] = []
    seen: set[str] = set()
    while near != f"<{_NIL}>":
        said = dict(statements.get(near, ()))
        if near in seen or set(said) != {_FIRST, _REST} or len(statements[near]) != len(said):
            return None
        seen.add(near)
        items.append(said[_FIRST])
        near = said[_REST]
    return items


def _plain(near: str) -> dict[str, Any]:
    (value,) = values_of([f"<x:s> <x:p> {near} ."], "x:s", "x:p") or (None,)
    if value is None:
        return {"value": near}  # a triple term, as RDF 1.2 writes it
    if isinstance(value, Iri):
        return {"iri": value.value}
    plain = {"value": value.value}
    if value.language:
        plain["language"] = value.language
    elif value.datatype is not None:
        plain["datatype"] = short(value.datatype.value)
    return plain
