"""Nodes of a description: names of terms and plain values in, triples out; knows of no dataset's content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, LANGUAGES, expand

Triple = tuple[Iri, Iri, Iri | Text]

DATASET: Final = Iri(BASE + "dataset")
SERVICE: Final = Iri(BASE + "sparql")
LICENCE: Final = Iri("https://creativecommons.org/licenses/by/4.0/")
IANA: Final = "https://www.iana.org/assignments/media-types/"
FOAF: Final = "http://xmlns.com/foaf/0.1/"


@dataclass(frozen=True, slots=True)
class Node:
    """Says something about one node; a name of a vocabulary's term stands for its IRI."""

    iri: Iri

    def say(self, name: str, *values: Iri | Text | str | int) -> Iterator[Triple]:
        """A triple for each value; a string is a name, a whole number a literal."""
        for value in values:
            if isinstance(value, int):
                yield self.iri, term(name), Text(str(value), datatype=term("xsd:integer"))
            else:
                yield self.iri, term(name), term(value) if isinstance(value, str) else value

    def say_in_each(self, name: str, texts: Iterable[str]) -> Iterator[Triple]:
        """A text in each of the six languages, in their order."""
        for language, text in zip(LANGUAGES, texts, strict=True):
            yield self.iri, term(name), Text(text, language=language)


def part(fragment: str) -> Node:
    """The node that a fragment of /dataset names."""
    return Node(Iri(f"{DATASET.value}#{fragment}"))


def term(name: str) -> Iri:
    """The IRI of a prefixed name, or the IRI itself."""
    return Iri(name) if name.startswith("http") else Iri(expand(name))


def english(text: str) -> Text:
    """A text in English."""
    return Text(text, language="en")


def write(triples: Iterable[Triple]) -> str:
    """One triple a line, each once, those of a subject together: valid as N-Triples and as Turtle."""
    found: dict[Iri, dict[str, None]] = {}
    for subject, predicate, value in triples:
        found.setdefault(subject, {}).setdefault(f"{subject} {predicate} {value} .\n")
    return "".join(line for lines in found.values() for line in lines)
