"""Values in, blocks of triples for one resource each out: how a decision, a part, a meeting … is written down.

Builds and never looks anything up; `propose` decides what is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rdflib import RDF, RDFS, XSD, Literal, URIRef
from rdflib.term import Node

from cbdgraph.iris import mint, mint_part
from cbdgraph.locators import Locator
from cbdgraph.namespaces import BASE, ONTOLOGY, expand
from cbdgraph.rdf.turtle import Triple
from cbdgraph.symbols import Symbol

_SOURCE: Final = URIRef(expand("dcterms:source"))
_LANGUAGE: Final = URIRef(expand("dcterms:language"))
_NOTE: Final = URIRef(expand("skos:editorialNote"))
_NAMES: Final = {"rdfs:label": RDFS.label, "dcterms:language": _LANGUAGE, "skos:editorialNote": _NOTE}


@dataclass(frozen=True, slots=True)
class Record:
    """All statements about one resource, and the file inside the checkout into which they go."""

    file: str
    subject: str
    triples: tuple[Triple, ...]


class Block:
    """Collects the statements about one resource in the order in which they are made."""

    def __init__(self, subject: str, kind: str) -> None:
        self.subject = subject
        self.triples: list[Triple] = [(URIRef(subject), RDF.type, URIRef(ONTOLOGY + kind))]

    def add(self, name: str, value: Node | str | int | bool | None) -> Block:
        """One statement; an absolute IRI in a string is a resource, another string a plain literal, None nothing."""
        if value is None or value == "":
            return self
        predicate = _NAMES.get(name) or URIRef(ONTOLOGY + name)
        if isinstance(value, str) and not isinstance(value, Literal | URIRef):
            value = URIRef(value) if value.startswith(("https://", "http://")) else Literal(value)
        elif isinstance(value, bool | int):
            value = Literal(value)
        self.triples.append((URIRef(self.subject), predicate, value))
        return self

    def sourced(self, sources: Iterable[str], basis: str) -> Block:
        """Where it comes from, and whether the source says it or it follows from it."""
        self.triples += [(URIRef(self.subject), _SOURCE, URIRef(source)) for source in dict.fromkeys(sources)]
        return self.add("basis", mint(f"basis/{basis}"))

    def record(self, file: str) -> Record:
        """What was collected."""
        return Record(file, self.subject, tuple(self.triples))


def text(words: str, language: str) -> Literal:
    """Words in a language, with line ends as they are."""
    return Literal(words, lang=language)


def sentence(words: str) -> Literal:
    """Words of this project as an English sentence."""
    words = words[:1].upper() + words[1:]
    return Literal(words if words.endswith(".") else f"{words}.", lang="en")


def year(number: int) -> Literal:
    """A year as RDF writes it."""
    return Literal(str(number), datatype=XSD.gYear)


def build_adopted(symbol: Symbol, source: str, basis: str) -> Block:
    """A decision or recommendation, as far as its number tells."""
    block = Block(mint_part(symbol), symbol.kind.capitalize())
    block.add("adoptedAt", mint(f"meeting/{symbol.body}/{symbol.session}"))
    return block.add("number", symbol.number).add("symbol", symbol.short).sourced([source], basis)


def build_meeting(body: str, session: int, source: str) -> Block:
    """A meeting of which only body and session are known."""
    block = Block(mint(f"meeting/{body}/{session}"), "Meeting").add("meetingOf", mint(f"body/{body}"))
    block.add("session", session)
    return block.add("rdfs:label", text(f"{body.upper()} {session}", "en")).sourced([source], "inferred")


def build_part(holder: str, locator: Locator, source: str, basis: str, section: str = "") -> Block:
    """A part of a text, by its place."""
    step = locator.steps[-1]
    kind = "Paragraph" if step.level == "para" else "Element"
    parent = f"{holder}/{locator.parent}" if locator.parent else holder
    block = Block(f"{holder}/{locator}", kind).add("parent", parent)
    if section:
        block.add("inSection", f"{holder}/{section}")
    block.add("level", mint(f"level/{step.level}")).add("partLabel", step.label)
    return block.add("locator", Literal(str(locator))).sourced([source], basis)


def path_of_record(iri: str) -> str:
    """The path under the base, or the IRI itself where it is not ours."""
    return iri.removeprefix(BASE)
