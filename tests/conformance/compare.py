"""Results and whether two are one: files and answers of every format in, solutions, a truth or triples out.

Solutions are bags up to the names of blank nodes, sequences where the query orders them, and literals of XML Schema
numbers are compared by value, since the engine keeps no spellings. CSV is compared by text.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

_RS: Final = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_REALS: Final = frozenset({_XSD + "double", _XSD + "float"})
_INTEGERS: Final = frozenset(
    _XSD + name
    for name in (
        *("integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "negativeInteger"),
        *("nonPositiveInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    )
)
_RESULTS: Final = {
    ".srx": ox.QueryResultsFormat.XML,
    ".srj": ox.QueryResultsFormat.JSON,
    ".tsv": ox.QueryResultsFormat.TSV,
}
_GRAPHS: Final = {".ttl": ox.RdfFormat.TURTLE, ".rdf": ox.RdfFormat.RDF_XML, ".nt": ox.RdfFormat.N_TRIPLES}
_BLANK: Final = re.compile(r"_:[\w.-]+")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Solutions:
    """The rows of a SELECT; `variables` is None where a file does not list them."""

    variables: frozenset[str] | None
    rows: tuple[Row, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """The rows of a CSV: blank nodes and texts."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


Result = Solutions | Text | bool | frozenset[Any]


def read_result(path: Path, iri: str) -> Result:
    """The expected result of a test."""
    content = path.read_bytes()
    if path.suffix == ".csv":
        return read_csv(content)
    if path.suffix in _RESULTS:
        return read_table(content, _RESULTS[path.suffix])
    triples = frozenset(quad.triple for quad in ox.parse(content, format=_GRAPHS[path.suffix], base_iri=iri))
    if any(triple.object == ox.NamedNode(_RS + "ResultSet") for triple in triples):
        return _read_result_set(triples)
    return triples


def read_table(content: bytes, result_format: Any) -> Solutions | bool:
    """An answer in JSON, XML or TSV."""
    parsed = ox.parse_query_results(content, format=result_format)
    if isinstance(parsed, ox.QueryBoolean):
        return bool(parsed)
    return read_solutions(parsed)


def read_solutions(found: Any) -> Solutions:
    """What the engine gives."""
    names = [variable.value for variable in found.variables]
    rows = ({name: row[name] for name in names if row[name] is not None} for row in found)
    return Solutions(frozenset(names), tuple(rows))


def read_csv(content: bytes) -> Text:
    """An answer in CSV."""
    header, *rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""))) or [[]]
    # An empty line is an empty cell where there is one column.
    read = [{name: _cell(cell) for name, cell in zip(header, row or [""], strict=False)} for row in rows]
    return Text(tuple(header), tuple(read))


def as_text(solutions: Solutions, header: Sequence[str]) -> Text:
    """Solutions as CSV would show them."""
    rows = [{name: _shown(row[name]) if name in row else ox.Literal("") for name in header} for row in solutions.rows]
    return Text(tuple(header), tuple(rows))


def same(expected: Result, found: Result, *, lax: bool = False, ordered: bool = False) -> bool:
    """Whether the result found is the one expected. With `lax`, duplicates may be left out (REDUCED)."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, frozenset) or isinstance(found, frozenset):
        if not isinstance(expected, frozenset) or not isinstance(found, frozenset):
            return False
        return _canonical(expected) == _canonical(found)
    if isinstance(expected, Text) and isinstance(found, Solutions):
        found = as_text(found, expected.header)
    if isinstance(found, Text) and isinstance(expected, Solutions):
        if expected.variables is not None and expected.variables != frozenset(found.header):
            return False
        expected = as_text(expected, found.header)
    if isinstance(expected, Solutions) and isinstance(found, Solutions):
        if None not in {expected.variables, found.variables} and expected.variables != found.variables:
            return False
        ordered = ordered or expected.ordered
    if lax:
        return _lax(expected.rows, found.rows)
    return len(expected.rows) == len(found.rows) and _canonical(_rows(expected.rows, ordered)) == _canonical(
        _rows(found.rows, ordered)
    )


def _lax(expected: Sequence[Row], found: Sequence[Row]) -> bool:
    most, seen = _count(expected), _count(found)
    return most.keys() == seen.keys() and all(seen[row] <= most[row] for row in seen)


def _count(rows: Iterable[Row]) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(tuple(sorted((name, str(_value(term))) for name, term in row.items())) for row in rows)


def _read_result_set(triples: frozenset[Any]) -> Solutions | bool:
    values: dict[tuple[Any, str], list[Any]] = {}
    for triple in triples:
        values.setdefault((triple.subject, triple.predicate.value), []).append(triple.object)
    for (_, predicate), found in values.items():
        if predicate == _RS + "boolean":
            return bool(found[0].value == "true")
    variables = [
        term.value
        for (_, predicate), found in values.items()
        if predicate == _RS + "resultVariable"
        for term in found
    ]
    rows: list[tuple[int, Row]] = []
    solutions = [node for (_, predicate), found in values.items() if predicate == _RS + "solution" for node in found]
    for solution in solutions:
        row = {
            values[binding, _RS + "variable"][0].value: values[binding, _RS + "value"][0]
            for binding in values.get((solution, _RS + "binding"), [])
        }
        index = values.get((solution, _RS + "index"))
        rows.append((int(index[0].value) if index else 0, row))
    rows.sort(key=lambda pair: pair[0])
    ordered = len(rows) > 1 and len({index for index, _ in rows}) == len(rows)
    return Solutions(frozenset(variables), tuple(row for _, row in rows), ordered)


def _rows(rows: Sequence[Row], ordered: bool) -> frozenset[Any]:
    """The rows as a graph, so that one isomorphism does for all: a node a row, which says how often it is there."""
    kept: dict[tuple[tuple[str, str], ...], tuple[int, Row]] = {}
    if ordered:
        kept = {(("", str(index)),): (index, row) for index, row in enumerate(rows)}
    else:
        for row in rows:
            key = tuple(sorted((name, str(_value(term))) for name, term in row.items()))
            kept[key] = (kept.get(key, (0, row))[0] + 1, row)
    triples = set()
    for number, (mark, row) in enumerate(kept.values()):
        node = ox.BlankNode(f"row{number}")
        triples.add(ox.Triple(node, ox.NamedNode("urn:x:row"), ox.Literal(mark)))
        for name, term in row.items():
            triples.add(ox.Triple(node, ox.NamedNode(f"urn:x:value:{name}"), _apart(term)))
    return frozenset(triples)


def _apart(term: Any) -> Any:
    """The term, with a name that no row has if it is a blank node."""
    return ox.BlankNode(f"term-{term.value}") if isinstance(term, ox.BlankNode) else term


def _canonical(triples: frozenset[Any]) -> set[Any]:
    dataset = ox.Dataset(
        ox.Quad(triple.subject, triple.predicate, _value(triple.object), ox.DefaultGraph()) for triple in triples
    )
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return set(dataset)


def _value(term: Any) -> Any:
    """A number in one spelling for each value; every other term as it is."""
    if not isinstance(term, ox.Literal):
        return term
    text, datatype = term.value.strip(), term.datatype.value
    try:
        if datatype in _REALS:
            return ox.Literal(repr(float(text)), datatype=term.datatype)
        if datatype in _INTEGERS:
            return ox.Literal(str(int(text)), datatype=term.datatype)
        if datatype == _XSD + "decimal":
            return ox.Literal(format(Decimal(text).normalize(), "f"), datatype=term.datatype)
    except (ValueError, InvalidOperation):
        return term
    if datatype == _XSD + "boolean":
        return ox.Literal({"1": "true", "0": "false"}.get(text, text), datatype=term.datatype)
    return term


def _cell(cell: str) -> Any:
    return ox.BlankNode(cell[2:]) if _BLANK.fullmatch(cell) else ox.Literal(_number(cell))


def _shown(term: Any) -> Any:
    if isinstance(term, ox.BlankNode):
        return term
    return ox.Literal(_number(str(getattr(_value(term), "value", term))))


def _number(text: str) -> str:
    """Numbers without a type, in one spelling for each value."""
    try:
        return repr(float(text)) if text.strip() == text and text[-1:].isdigit() else text
    except ValueError:
        return text


def tables() -> Mapping[str, Any]:
    """The formats of tables that can be read as terms, by media type."""
    return {
        "application/sparql-results+json": ox.QueryResultsFormat.JSON,
        "application/sparql-results+xml": ox.QueryResultsFormat.XML,
        "text/tab-separated-values": ox.QueryResultsFormat.TSV,
    }


def graphs() -> Mapping[str, Any]:
    """The formats of graphs, by media type."""
    return {
        "text/turtle": ox.RdfFormat.TURTLE,
        "application/n-triples": ox.RdfFormat.N_TRIPLES,
        "application/rdf+xml": ox.RdfFormat.RDF_XML,
        "application/ld+json": ox.RdfFormat.JSON_LD,
        "application/n-quads": ox.RdfFormat.N_QUADS,
        "application/trig": ox.RdfFormat.TRIG,
    }
