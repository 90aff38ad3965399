"""Reviews as files: entries in, JSON, CSV and lines of N-Quads out; opens nothing.

In RDF each entry is an annotation (Web Annotation Vocabulary) on its subject, with who made it and when (PROV).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from cbdgraph.changelog import mint_version
from cbdgraph.desk.desk import Head
from cbdgraph.desk.reviews import STATES, WHOLE, Entry
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import PREFIXES, expand
from cbdgraph.quads import make_triple

OA: Final = "http://www.w3.org/ns/oa#"
EXPORT_PREFIXES: Final[Mapping[str, str]] = {**PREFIXES, "oa": OA}
COLUMNS: Final = tuple(name for name in Entry.__slots__ if name not in {"id", "previous"})
_A: Final = expand("rdf:type")
_TIME: Final = expand("xsd:dateTime")
_SPREADSHEET: Final = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins a formula


def mint_review(uid: str) -> str:
    """The IRI of an entry, which a signed-in reader can follow.

    >>> mint_review("0a")
    'https://w3id.org/cbdgraph/desk/review/0a'
    """
    return mint(f"desk/review/{uid}")


def mint_state(state: str) -> str:
    """The IRI of a state of reviews."""
    return mint(f"desk/state/{state}")


def mint_reviewer(name: str) -> str:
    """The IRI of a reviewer: the same name has the same one in every desk."""
    return mint(f"desk/reviewer/{hashlib.sha256(name.casefold().encode()).hexdigest()[:16]}")


def describe(entry: Entry) -> dict[str, Any]:
    """An entry as JSON has it."""
    return {"iri": mint_review(entry.uid), **{name: asdict(entry)[name] for name in COLUMNS}}


def write_json(head: Head, entries: Iterable[Entry]) -> dict[str, Any]:
    """All reviews, with the hash of the last one: keep it, and a shortened desk shows."""
    return {"desk": head.desk, "hash": head.hash, "reviews": [describe(entry) for entry in entries]}


def write_csv(entries: Iterable[Entry]) -> str:
    """All reviews as a table; a text that a spreadsheet would take for a formula is marked as text."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for entry in entries:
        table.writerow([_cell(getattr(entry, name)) for name in COLUMNS])
    return written.getvalue()


def write_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """All reviews as lines of N-Quads."""
    names: dict[str, str] = {}
    states: set[str] = set()
    last: dict[tuple[str, str], str] = {}
    for entry in entries:
        yield from _annotate(entry, last.get(entry.key, ""))
        last[entry.key] = mint_review(entry.uid)
        names[mint_reviewer(entry.reviewer)] = entry.reviewer
        states.add(entry.state)
    for iri, name in names.items():
        yield make_triple(iri, _A, Iri(expand("prov:Agent")))
        yield make_triple(iri, expand("rdfs:label"), Text(name))
    for state in (state for state in STATES if state in states):
        yield make_triple(mint_state(state), _A, Iri(expand("skos:Concept")))
        yield make_triple(mint_state(state), expand("skos:prefLabel"), Text(state.replace("-", " "), "en"))
        yield make_triple(mint_state(state), expand("skos:definition"), Text(STATES[state], "en"))


def _annotate(entry: Entry, before: str) -> Iterator[str]:
    review = mint_review(entry.uid)
    yield make_triple(review, _A, Iri(f"{OA}Annotation"))
    yield make_triple(review, f"{OA}hasTarget", Iri(entry.subject))
    yield make_triple(review, expand("dcterms:language"), Text(entry.language))
    yield make_triple(review, f"{OA}hasBody", Iri(mint_state(entry.state)))
    yield make_triple(review, f"{OA}motivatedBy", Iri(f"{OA}assessing"))
    language = "" if entry.language == WHOLE else entry.language
    # A comment is in a language that nobody asked for; a suggested wording is in that of the review.
    texts = (("comment", entry.comment, "commenting", ""), ("suggestion", entry.suggestion, "editing", language))
    bodies = [
        (f"{review}#{name}", Iri(f"{OA}{purpose}"), Text(text, spoken))
        for name, text, purpose, spoken in texts
        if text
    ]
    for body, purpose, _ in bodies:
        yield make_triple(review, f"{OA}hasBody", Iri(body))
        yield make_triple(review, f"{OA}motivatedBy", purpose)
    yield make_triple(review, expand("prov:wasAttributedTo"), Iri(mint_reviewer(entry.reviewer)))
    yield make_triple(review, expand("prov:generatedAtTime"), Text(entry.time, datatype=Iri(_TIME)))
    yield make_triple(review, expand("prov:hadPrimarySource"), Iri(_version(entry)))
    if before and not entry.parallel:
        yield make_triple(review, expand("prov:wasRevisionOf"), Iri(before))
    yield make_triple(review, expand("schema:version"), Text(str(entry.version)))
    for body, purpose, text in bodies:
        yield make_triple(body, _A, Iri(f"{OA}TextualBody"))
        yield make_triple(body, f"{OA}hasPurpose", purpose)
        yield make_triple(body, expand("rdf:value"), text)


def _version(entry: Entry) -> str:
    """The subject as it was in the release that was looked at."""
    version = mint_version(entry.release, entry.subject)
    try:
        Iri(version)
    except InvalidName:
        return entry.subject
    return version


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_SPREADSHEET) else value
