"""Terms as RDF of any tool in, records and faults out: SKOS and SKOS-XL in Turtle, N-Triples, RDF/XML, JSON-LD.

Fetches nothing: a context of JSON-LD that stands elsewhere and a document type of XML are refused. The service never
reads what strangers send; this is for files that a person has.
"""

from __future__ import annotations

import json
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rdflib import Graph, Literal
from rdflib.term import Node

from cbdgraph.errors import InvalidName, MissingFile, TurtleError
from cbdgraph.exchange.markup import MAX_BYTES, MarkupFault, check_xml
from cbdgraph.exchange.records import Fault, Reading, Record, records_of, shorten
from cbdgraph.exchange.skos import BESIDE
from cbdgraph.exchange.tables_reading import read_csv, read_csv_archive
from cbdgraph.exchange.tbx_reading import read_tbx
from cbdgraph.exchange.workbook import read_workbook
from cbdgraph.model import Text
from cbdgraph.namespaces import BASE, expand
from cbdgraph.rdf.turtle import Triple, parse_turtle
from cbdgraph.terminology.reading import read_terminology

# Formats that are read, by the endings of their files; what a ZIP archive holds is looked at.
READ_FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "tbx": (".tbx", ".tbxm", ".xml"),
    "csv": (".csv", ".zip"),
    "xlsx": (".xlsx", ".xlsm"),
    "ttl": (".ttl",),
    "nt": (".nt",),
    "rdf": (".rdf", ".owl"),
    "jsonld": (".jsonld", ".json"),
}
RDF_FORMATS: Final = {"ttl": "turtle", "nt": "turtle", "rdf": "xml", "jsonld": "json-ld"}
_TYPE: Final = expand("rdf:type")
_CONCEPT: Final = expand("skos:Concept")
_TERM: Final = expand("cbd:Term")
_DEFINITION: Final = expand("skos:definition")
_VALUE: Final = expand("rdf:value")
_FEATURES: Final = BASE + "feature"

Row = dict[str, dict[str, str]]


def read_file(path: Path, form: str = "") -> Reading:
    """What a file says, in a format of `READ_FORMATS`, or in that of its ending; `MissingFile` for none."""
    form = form or next((name for name, endings in READ_FORMATS.items() if path.suffix.lower() in endings), "")
    if not form:
        known = " ".join(ending for endings in READ_FORMATS.values() for ending in endings)
        raise MissingFile(
            str(path), f"its format is not known by its ending, which may be {known}; name it with --format"
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MissingFile(str(path), f"it is over {MAX_BYTES // 2**20} MiB; split it")
        content = path.read_bytes()
    except OSError as error:
        raise MissingFile(str(path), f"it cannot be read: {error.strerror}") from error
    if form == "tbx":
        return read_tbx(content)
    if form == "xlsx":
        return read_workbook(content)
    if form == "csv":
        return read_csv_archive(content) if content.startswith(b"PK") else read_csv(content)
    return read_vocabulary(content, form)


def read_vocabulary(content: bytes, ending: str) -> Reading:
    """What an RDF file says about terms; `ending` names its format as in `RDF_FORMATS`."""
    try:
        triples, lines = _parse(content, RDF_FORMATS[ending])
    except _NotRead as error:
        return Reading(faults=(error.fault,))
    rows = list(rows_of(triples))
    known = _as_ours(rows)
    try:
        terminology = read_terminology([*rows, *known.rows])
        records = [_placed(record, lines) for record in records_of(terminology)]
    except InvalidName as error:
        return Reading(faults=(Fault("", f"{error.text[:80]!r}: {error.reason}"),))
    if not records:
        return Reading(faults=(Fault("", "there is no skos:Concept and no cbd:Term in it"),))
    return Reading((*records, *known.records))


class _NotRead(Exception):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(place, reason)


def _parse(content: bytes, form: str) -> tuple[Iterable[Triple], dict[str, str]]:
    """The triples, and where each subject stands."""
    if form == "xml":
        try:
            check_xml(content)
        except MarkupFault as error:
            raise _NotRead(error.fault.place, error.fault.reason) from error
    else:
        try:
            text = content.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise _NotRead(f"line {line}", f"not UTF-8 at byte {error.start}; save it as UTF-8") from error
        if form == "turtle":
            try:
                file = parse_turtle(text)
            except TurtleError as error:
                raise _NotRead(f"line {error.line}" if error.line else "", error.reason) from error
            return file.triples, {str(subject): f"line {line}" for subject, line in file.lines.items()}
        _check_json(text)
    graph = Graph(bind_namespaces="none")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # rdflib warns of itself
            graph.parse(data=content, format=form, publicID=BASE)
    except Exception as error:  # rdflib's parsers let out whatever they meet
        line = getattr(error, "getLineNumber", lambda: 0)() or 0
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise _NotRead(f"line {line}" if line else "", f"not RDF that can be read: {reason}") from error
    return sorted(graph), {}


def _check_json(text: str) -> None:
    """JSON, and no context that is to be fetched."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _NotRead(f"line {error.lineno}", f"not JSON: {error.msg}") from error
    except RecursionError as error:
        raise _NotRead("", "values stand too deep in each other") from error
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            context = value.get("@context")
            if "@import" in value or any(isinstance(each, str) for each in _listed(context)):
                raise _NotRead(
                    "", "its @context stands elsewhere, and nothing is fetched; put the context into the file"
                )
            waiting += value.values()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def rows_of(triples: Iterable[Triple]) -> Iterator[Row]:
    """Triples as the bindings of SPARQL JSON that `read_terminology` takes."""
    for subject, name, value in triples:
        yield {"subject": {"value": str(subject)}, "property": {"value": str(name)}, "value": _bound(value)}


def _bound(value: Node) -> dict[str, str]:
    if isinstance(value, Literal):
        return {"type": "literal", "value": str(value), "xml:lang": value.language or ""}
    return {"type": "uri", "value": str(value)}


def _row(subject: str, name: str, value: dict[str, str]) -> Row:
    return {"subject": {"value": subject}, "property": {"value": name}, "value": value}


class _as_ours:  # noqa: N801 (reads as what it gives)
    """What plain SKOS says, in the words of this graph: rows to add, and records of definitions without a name."""

    def __init__(self, rows: list[Row]) -> None:
        said: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            said[row["subject"]["value"]][row["property"]["value"]].append(row["value"])
        self.rows: list[Row] = []
        self.records: list[Record] = []
        for subject, properties in list(said.items()):
            types = {value["value"] for value in properties.get(_TYPE, ())}
            schemes = {value["value"] for value in properties.get(expand("skos:inScheme"), ())}
            if not types & {_CONCEPT, _TERM} or _FEATURES in schemes:
                continue
            if _TERM not in types:
                self.rows.append(_row(subject, _TYPE, {"type": "uri", "value": _TERM}))
            self._definitions(subject, properties.get(_DEFINITION, []), said)

    def _definitions(self, term: str, values: list[dict[str, str]], said: Any) -> None:
        attributed: set[tuple[str, str]] = set()
        for value in values:
            if value["type"] != "uri":
                continue
            iri = value["value"]
            self.rows.append(_row(iri, _TYPE, {"type": "uri", "value": expand("cbd:Definition")}))
            self.rows.append(_row(iri, expand("cbd:definitionOf"), {"type": "uri", "value": term}))
            for text in said[iri].get(_VALUE, ()):
                attributed.add((text["value"], text.get("xml:lang", "")))
                self.rows.append(_row(iri, expand("cbd:wording"), text))
            for name, ours in (("year", "cbd:year"), ("place", "cbd:sourcePlace")):
                self.rows += [_row(iri, expand(ours), each) for each in said[iri].get(BESIDE[name], ())]
        for number, value in enumerate(values):
            words = (value["value"], value.get("xml:lang", ""))
            if value["type"] == "literal" and words not in attributed:
                fields = {"wording": (Text(*words),), "verbatim": (Text("true"),)}
                self.records.append(Record("definition", f"#{term}/definition/{number}", term, fields, shorten(term)))


def _placed(record: Record, lines: dict[str, str]) -> Record:
    """With where it stands, and without what nothing is said about: RDF is silent where it does not know."""
    fields = {name: values for name, values in record.fields.items() if values}
    place = lines.get(record.key) or lines.get(record.owner) or shorten(record.key.removeprefix("#"))
    return replace(record, fields=fields, place=place)
