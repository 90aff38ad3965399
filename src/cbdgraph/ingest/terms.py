"""What a file says about terms and what `data/turtle` records in; the files as they would be, or faults, out.

Reads and compares, and never writes: `files.write_changes` does. What a file does not say stays as it is, and what
it does not name is never taken out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from rdflib import RDF, XSD, Literal, URIRef
from rdflib.term import Node

from cbdgraph.exchange.records import (
    FIELDS,
    LABEL_LINKS,
    Fault,
    Field,
    Kind,
    Reading,
    Record,
    Value,
    records_of,
    shorten,
)
from cbdgraph.ingest.files import FileChange
from cbdgraph.ingest.known import fold
from cbdgraph.ingest.naming import Names
from cbdgraph.ingest.vocabulary import Row, rows_of
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, ONTOLOGY, expand
from cbdgraph.rdf.catalog import find_sources
from cbdgraph.rdf.turtle import Triple, TurtleFile, format_turtle, read_turtle, rewrite
from cbdgraph.terminology.reading import read_terminology
from cbdgraph.terminology.terms import TERM, Terminology

_FOLDER: Final = "data/turtle"
# Where what is new goes, and the comment at the head of that file.
_NEW: Final[Mapping[Kind, tuple[str, str]]] = {
    "term": (f"{_FOLDER}/terms/imported.ttl", "# Terms that came in from files of other tools, with their names."),
    "label": (f"{_FOLDER}/terms/imported.ttl", "# Names of terms that came in from files of other tools."),
    "definition": (f"{_FOLDER}/definitions/imported.ttl", "# Definitions that came in from files of other tools."),
    "feature": (
        f"{_FOLDER}/features/imported.ttl",
        "# Features of definitions that came in from files of other tools.",
    ),
}
_CLASSES: Final = {
    "term": URIRef(ONTOLOGY + "Term"),
    "label": URIRef(expand("skosxl:Label")),
    "definition": URIRef(ONTOLOGY + "Definition"),
    "feature": URIRef(ONTOLOGY + "Feature"),
}
_OWNERS: Final = {
    "definition": URIRef(ONTOLOGY + "definitionOf"),
    "feature": URIRef(ONTOLOGY + "featureOf"),
}
_IN_SCHEME: Final = (URIRef(expand("skos:inScheme")), URIRef(BASE + "term"))
_BOTH_WAYS: Final = frozenset({"related", "exactMatch", "closeMatch", "relatedMatch"})
_TITLE: Final = ONTOLOGY + "title"
_NAMED: Final = frozenset({_TITLE, expand("rdfs:label"), expand("skos:prefLabel")})
_DATATYPES: Final = {"year": XSD.gYear, "flag": XSD.boolean}
_PARTS: Final[Mapping[Kind, re.Pattern[str]]] = {
    "term": re.compile(re.escape(TERM) + r"[a-z0-9]+(?:-[a-z0-9]+)*\Z"),
    "label": re.compile(re.escape(TERM) + r"[a-z0-9-]+/(?:(?:alt-|hidden-)?label)/[A-Za-z0-9-]+(?:/[0-9]+)?\Z"),
    "definition": re.compile(re.escape(TERM) + r"[a-z0-9-]+/definition/[a-z0-9-]+\Z"),
    "feature": re.compile(re.escape(TERM) + r"[a-z0-9-]+/definition/[a-z0-9-]+/feature/[a-z-]+\Z"),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a checkout records: its data files by name, its terminology, what it describes, and what is called how."""

    files: Mapping[str, TurtleFile]
    terminology: Terminology
    subjects: frozenset[str]
    titles: Mapping[str, str]

    @classmethod
    def read(cls, root: Path) -> Self:
        """Read data and vocabularies of a checkout; `TurtleError` for a file that is not Turtle."""
        files: dict[str, TurtleFile] = {}
        rows: list[Row] = []
        for source in find_sources(root):
            if not source.is_shapes:
                file = read_turtle(source.path, source.name)
                rows += rows_of(file.triples)
                if source.is_data:
                    files[source.name] = file
        titles: dict[str, str] = {}
        for row in list(rows):
            subject, name, value = row["subject"]["value"], row["property"]["value"], row["value"]
            if name in _NAMED:
                titles.setdefault(fold(value["value"]), subject)
            if name == _TITLE:  # as the graph concludes
                rows.append({**row, "property": {"value": expand("dcterms:title")}})
        rows += _literal_labels(rows)
        subjects = frozenset(row["subject"]["value"] for row in rows)
        terminology = read_terminology(rows)
        for iri, names in terminology.names.items():
            for each in names.values():
                titles.setdefault(fold(each), iri)
        return cls(files, terminology, subjects, titles)


def _literal_labels(rows: list[Row]) -> Iterator[Row]:
    """Names of issues and others that are resources, as literals, as the graph concludes."""
    forms = {row["subject"]["value"]: row for row in rows if row["property"]["value"] == expand("skosxl:literalForm")}
    for row in rows:
        form = forms.get(row["value"]["value"])
        if form is not None and row["property"]["value"] == expand("skosxl:prefLabel"):
            yield {**row, "property": {"value": expand("skos:prefLabel")}, "value": form["value"]}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an import would do: files that change, faults (then nothing changes), and remarks for people."""

    changes: tuple[FileChange, ...] = ()
    faults: tuple[Fault, ...] = ()
    remarks: tuple[str, ...] = ()


def propose_terms(reading: Reading, vocabulary: Vocabulary, root: Path, source: str = "") -> Proposal:
    """Compare; `source` is the IRI of the document from which all comes that names no source of its own."""
    faults = list(reading.faults)
    remarks = [f"left out, for this graph has no place for it: {each}" for each in reading.left_out]
    names = Names(vocabulary.terminology, vocabulary.titles, source)
    records = names.resolve(reading.records)
    faults += names.faults
    remarks += names.remarks
    comparing = _Comparing(vocabulary, reading.settle)
    faults += comparing.check(records)
    if faults:
        return Proposal((), tuple(faults), tuple(remarks))
    for record in records:
        comparing.take(record)
    counts = comparing.counts
    said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    return Proposal(tuple(comparing.files.changes(root)), (), (*remarks, *((said,) if said else ())))


class _Files:
    """The data files with edits: blocks of triples by subject."""

    def __init__(self, files: Mapping[str, TurtleFile]) -> None:
        self._files = files
        self._blocks: dict[str, dict[Node, list[Triple]]] = {}
        self._heads: dict[str, str] = {}
        self._where: dict[Node, str] = {}
        for name, file in files.items():
            for subject in file.lines:
                self._where.setdefault(subject, name)

    def file_of(self, subject: str) -> str:
        """The file with the block of a resource, "" if there is none."""
        return self._where.get(URIRef(subject), "")

    def values(self, subject: str, name: str) -> list[Node]:
        """The values of a property, from the file with the block."""
        file = self.file_of(subject)
        return [triple[2] for triple in self._block(file, subject) if str(triple[1]) == name] if file else []

    def replace(self, subject: str, name: str, values: Iterable[Node]) -> None:
        """Put these values in place of those that a property has."""
        file = self.file_of(subject)
        kept = [triple for triple in self._block(file, subject) if str(triple[1]) != name]
        added = [(URIRef(subject), URIRef(name), value) for value in values]
        self._edited(file)[URIRef(subject)] = [*kept, *added]

    def add(self, triples: list[Triple], file: str, head: str, behind: str = "") -> None:
        """A new block: behind the last block of `behind` and its labels if that is in this file, else at the end."""
        blocks = self._edited(file)
        self._heads.setdefault(file, head)
        subject = triples[0][0]
        self._where[subject] = file
        order = list(blocks)
        place = len(order)
        if behind:
            own = [at for at, each in enumerate(order) if str(each) == behind or _is_label(str(each), behind)]
            place = own[-1] + 1 if own else place
        if place == len(order):
            blocks[subject] = triples
            return
        rest = [(each, blocks.pop(each)) for each in order[place:]]
        blocks[subject] = triples
        blocks.update(rest)

    def changes(self, root: Path) -> Iterator[FileChange]:
        """The files that differ from what is on disk."""
        for name, blocks in sorted(self._blocks.items()):
            triples = tuple(triple for block in blocks.values() for triple in block)
            old = self._files.get(name)
            if old is None:
                yield FileChange(name, "", format_turtle(triples, self._heads[name], name))
                continue
            before = (root / name).read_text(encoding="utf-8")
            after = rewrite(replace(old, triples=triples))
            if after != before:
                yield FileChange(name, before, after)

    def _edited(self, name: str) -> dict[Node, list[Triple]]:
        if name not in self._blocks:
            blocks: dict[Node, list[Triple]] = {}
            for triple in self._files[name].triples if name in self._files else ():
                blocks.setdefault(triple[0], []).append(triple)
            self._blocks[name] = blocks
        return self._blocks[name]

    def _block(self, name: str, subject: str) -> list[Triple]:
        return self._edited(name).get(URIRef(subject), [])


def _is_label(iri: str, term: str) -> bool:
    step = iri.removeprefix(f"{term}/").partition("/")[0] if iri.startswith(f"{term}/") else ""
    return step == "label" or step.endswith("-label")


class _Comparing:
    """Holds records against what is recorded, and collects edits."""

    def __init__(self, vocabulary: Vocabulary, settle: Callable[[str], str]) -> None:
        self._vocabulary, self._settle = vocabulary, settle
        self.files = _Files(vocabulary.files)
        self.old = {record.key: record for record in records_of(vocabulary.terminology)}
        self.counts: Counter[str] = Counter()
        self._reverse: dict[tuple[str, str], set[str]] = defaultdict(set)
        for record in self.old.values():
            for name in _BOTH_WAYS & record.fields.keys():
                for iri in record.iris(name):
                    self._reverse[iri, name].add(record.key)

    def check(self, records: list[Record]) -> Iterator[Fault]:
        """What a record names and nobody describes, and IRIs that are no IRIs of ours."""
        mine = {record.key for record in records}
        for record in records:
            old = self.old.get(record.key)
            if old is None and not _PARTS[record.kind].match(record.key):
                yield Fault(
                    record.place, f"{shorten(record.key)!r} is no IRI of a {record.kind}; see docs/identifiers.md"
                )
            if old is not None and old.owner != record.owner:
                reason = f"{shorten(record.key)} belongs to {shorten(old.owner)}, not to {shorten(record.owner)}"
                yield Fault(record.place, reason)
            if record.owner and record.owner not in mine and record.owner not in self.old:
                yield Fault(record.place, f"nothing describes {shorten(record.owner)}, to which it belongs")
            before = {value.value for values in old.fields.values() for value in values} if old else set()
            for name, values in record.fields.items():
                for value in values:
                    if not isinstance(value, Iri) or value.value in before:
                        continue
                    if value.value.startswith(BASE) and value.value not in mine | self._vocabulary.subjects:
                        yield Fault(record.place, f"{name}: nothing describes {shorten(value.value)}")

    def take(self, record: Record) -> None:
        """Edit what a record changes; make what it is new."""
        old = self.old.get(record.key)
        if old is None:
            self._create(record)
            return
        changed = False
        if record.kind == "label" and "kind" in record.fields:
            changed |= self._turn(record, old)
        for name, field in FIELDS[record.kind].items():
            if name in record.fields:
                changed |= self._compare(record, old, field)
        if changed:
            self.counts[f"{record.kind}s changed"] += 1

    def _compare(self, record: Record, old: Record, field: Field) -> bool:
        said, before = record.fields[field.name], old.fields.get(field.name, ())
        if field.name == "wording":  # languages of which the file has none stay
            spoken = {text.language for text in record.texts("wording")}
            said = (*said, *(text for text in old.texts("wording") if text.language not in spoken))
        new = {self._norm(value, field): value for value in said}
        held = {self._norm(value, field) for value in before}
        reverse = set()
        if field.name in _BOTH_WAYS:
            reverse = {self._norm(Iri(iri), field) for iri in self._reverse[record.key, field.name]}
        # A relation that goes both ways may be recorded at either end.
        if held <= set(new) <= held | reverse:
            return False
        kept: dict[object, Node] = {}
        for node in self.files.values(record.key, field.iri):
            key = self._norm(_value(node), field)
            if key in new:
                kept[key] = node
        language = next(
            (
                node.language
                for node in self.files.values(record.key, field.iri)
                if isinstance(node, Literal) and node.language
            ),
            "en",
        )
        added = [
            _node(field, value, language) for key, value in new.items() if key not in kept | dict.fromkeys(reverse)
        ]
        self.files.replace(record.key, field.iri, [*kept.values(), *added])
        return True

    def _turn(self, record: Record, old: Record) -> bool:
        """Another kind of label: the term names it by another property."""
        now, before = record.texts("kind")[0].value, old.texts("kind")[0].value
        if now == before:
            return False
        label = URIRef(record.key)
        kept = [node for node in self.files.values(record.owner, LABEL_LINKS[before]) if node != label]
        self.files.replace(record.owner, LABEL_LINKS[before], kept)
        self.files.replace(
            record.owner, LABEL_LINKS[now], [*self.files.values(record.owner, LABEL_LINKS[now]), label]
        )
        return True

    def _create(self, record: Record) -> None:
        subject = URIRef(record.key)
        triples: list[Triple] = [(subject, RDF.type, _CLASSES[record.kind])]
        if record.kind == "term":
            triples.append((subject, *_IN_SCHEME))
        if record.kind in _OWNERS:
            triples.append((subject, _OWNERS[record.kind], URIRef(record.owner)))
        for name, field in FIELDS[record.kind].items():
            triples += [
                (subject, URIRef(field.iri), _node(field, value, "en")) for value in record.fields.get(name, ())
            ]
        file, head = _NEW[record.kind]
        if record.kind == "label":
            file = self.files.file_of(record.owner)
            link = LABEL_LINKS[record.texts("kind")[0].value]
            self.files.replace(record.owner, link, [*self.files.values(record.owner, link), subject])
        self.files.add(triples, file, head, record.owner if record.kind == "label" else "")
        self.counts[f"new {record.kind}s"] += 1

    def _norm(self, value: Value, field: Field) -> object:
        """What two values have in common that are the same in this format."""
        if isinstance(value, Iri):
            return value.value
        if field.type == "flag":
            return value.value in {"true", "1"}
        return self._settle(value.value), value.language if field.type == "text" else ""


def _value(node: Node) -> Value:
    return Text(str(node), node.language or "") if isinstance(node, Literal) else Iri(str(node))


def _node(field: Field, value: Value, language: str) -> Node:
    """A value as it is written; words of a place in the language that is given."""
    if isinstance(value, Iri):
        return URIRef(value.value)
    if field.type in _DATATYPES:
        return Literal(value.value, datatype=_DATATYPES[field.type], normalize=False)
    if field.type == "words":
        return Literal(value.value, lang=language)
    return Literal(value.value, lang=value.language or None)
