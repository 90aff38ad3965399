"""A terminology in, flat records out, one for each term, label, definition and feature; knows no format.

A record says things field by field, and a field that is said is said in full: what a file does not say stays as it
is, what it says empty is to be empty. Readers make the same records, with the place where each of them stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, expand
from cbdgraph.terminology.terms import Definition, Feature, Label, Term, Terminology

Kind = Literal["term", "label", "definition", "feature"]
Value = Iri | Text
KINDS: Final[tuple[Kind, ...]] = ("term", "label", "definition", "feature")
LABEL_KINDS: Final = ("preferred", "alternative", "hidden")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Field:
    """What a record may say. Its values are of one type: `iri`; `text` with its language; `words`, whose language
    the values of this package do not keep; `plain`, `year` and `flag`. `under` is where its IRIs usually begin."""

    name: str
    iri: str
    type: Literal["iri", "text", "words", "plain", "year", "flag"]
    many: bool = False
    under: str = ""


def _field(name: str, prefixed: str, kind: str, under: str = "", *, many: bool = False) -> Field:
    return Field(name, expand(prefixed), kind, many, under)  # type: ignore[arg-type]


_SOURCED: Final = (
    _field("source", "dcterms:source", "iri", many=True),
    _field("place", "cbd:sourcePlace", "words"),
    _field("basis", "cbd:basis", "iri", "basis/"),
)
_NOTE: Final = _field("note", "skos:editorialNote", "text", many=True)
_MATCHES: Final = tuple(
    _field(f"{kind}Match", f"skos:{kind}Match", "iri", many=True)
    for kind in ("exact", "close", "broad", "narrow", "related")
)
_FIELDS: Final[Mapping[Kind, tuple[Field, ...]]] = {
    "term": (
        _field("broader", "skos:broader", "iri", "term/", many=True),
        _field("related", "skos:related", "iri", "term/", many=True),
        *_MATCHES,
        _field("issue", "dcterms:subject", "iri", "issue/", many=True),
        *_SOURCED,
        _field("scopeNote", "skos:scopeNote", "text", many=True),
        _NOTE,
    ),
    "label": (
        _field("text", "skosxl:literalForm", "text"),
        _field("origin", "cbd:labelOrigin", "iri", "label-origin/"),
        *_SOURCED,
        _NOTE,
    ),
    "definition": (
        _field("wording", "cbd:wording", "text", many=True),
        _field("verbatim", "cbd:verbatim", "flag"),
        _field("year", "cbd:year", "year"),
        *_SOURCED,
        _field("sourceLanguage", "dcterms:language", "plain"),
        _field("status", "cbd:status", "iri", "definition-status/"),
        _field("replaces", "dcterms:replaces", "iri", "term/", many=True),
        _NOTE,
    ),
    "feature": (
        _field("dimension", "cbd:dimension", "iri", "feature/"),
        _field("value", "cbd:featureValue", "iri", "feature/", many=True),
        _SOURCED[2],
        _NOTE,
    ),
}
FIELDS: Final[Mapping[Kind, Mapping[str, Field]]] = {
    kind: {each.name: each for each in fields} for kind, fields in _FIELDS.items()
}
# How a term names its labels, by kind of label.
LABEL_LINKS: Final[Mapping[str, str]] = {
    "preferred": expand("skosxl:prefLabel"),
    "alternative": expand("skosxl:altLabel"),
    "hidden": expand("skosxl:hiddenLabel"),
}


@dataclass(frozen=True, slots=True)
class Record:
    """What is said of one thing. `key` is its IRI; of a thing that a file does not name, a name that begins with #.

    `owner` is the key of the term of a label or definition, and of the definition of a feature. A label's kind is
    the field `kind`. A source that is named by its title is a text in place of an IRI.
    """

    kind: Kind
    key: str
    owner: str = ""
    fields: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    place: str = ""

    @property
    def is_named(self) -> bool:
        """Whether it has an IRI already."""
        return not self.key.startswith("#")

    def texts(self, name: str) -> tuple[Text, ...]:
        """The texts of a field."""
        return tuple(value for value in self.fields.get(name, ()) if isinstance(value, Text))

    def iris(self, name: str) -> tuple[str, ...]:
        """The IRIs of a field."""
        return tuple(value.value for value in self.fields.get(name, ()) if isinstance(value, Iri))


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file is not taken: where (a line, a row, a cell), and what to do about it."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: its records, its faults, and what it says that this graph has no place for.

    `settle` gives what remains of a text that was written in this format: where a format cannot hold a character,
    a text that differs by no more was not changed.
    """

    records: tuple[Record, ...] = ()
    faults: tuple[Fault, ...] = ()
    left_out: tuple[str, ...] = ()
    settle: Callable[[str], str] = _same


def records_of(terminology: Terminology) -> Iterator[Record]:
    """All that a terminology says: each term, its labels, its definitions, and after each of these its features."""
    for term in terminology.terms.values():
        yield from records_of_term(term)


def records_of_term(term: Term) -> Iterator[Record]:
    """What is said of one term, with all fields, the empty ones too."""
    yield Record("term", term.iri, "", _term(term))
    for number, label in enumerate(term.labels):
        yield Record("label", label.iri or f"#{term.iri}/{number}", term.iri, _label(label))
    for definition in term.definitions:
        yield Record("definition", definition.iri, term.iri, _definition(definition))
        for each in definition.features.values():
            yield Record("feature", each.iri, definition.iri, _feature(each))


def _term(term: Term) -> dict[str, tuple[Value, ...]]:
    return {
        "broader": iris(term.broader),
        "related": iris(term.related),
        **{each.name: iris(iri for name, iri in term.matches if name == each.iri) for each in _MATCHES},
        "issue": iris(term.issues),
        **_sourced(term),
        "scopeNote": term.scope_notes,
        "note": term.notes,
    }


def _label(label: Label) -> dict[str, tuple[Value, ...]]:
    return {
        "kind": (Text(label.kind),),
        "text": (Text(label.text, label.language),),
        "origin": _under("label-origin/", label.origin),
        **_sourced(label),
        "note": label.notes,
    }


def _definition(definition: Definition) -> dict[str, tuple[Value, ...]]:
    return {
        "wording": tuple(Text(words, language) for language, words in sorted(definition.wordings.items())),
        "verbatim": () if definition.verbatim is None else (Text("true" if definition.verbatim else "false"),),
        "year": _plain(definition.year),
        **_sourced(definition),
        "sourceLanguage": _plain(definition.language),
        "status": _under("definition-status/", definition.status),
        "replaces": iris(definition.replaces),
        "note": definition.notes,
    }


def _feature(each: Feature) -> dict[str, tuple[Value, ...]]:
    return {
        "dimension": iris((each.dimension,)),
        "value": iris(sorted(each.values)),
        "basis": _under("basis/", each.basis),
        "note": each.notes,
    }


def _sourced(thing: Term | Label | Definition) -> dict[str, tuple[Value, ...]]:
    return {"source": iris(thing.sources), "place": _plain(thing.place), "basis": _under("basis/", thing.basis)}


def iris(values: Iterator[str] | tuple[str, ...] | list[str]) -> tuple[Iri, ...]:
    """IRIs as values."""
    return tuple(Iri(value) for value in values if value)


def _plain(text: str) -> tuple[Text, ...]:
    return (Text(text),) if text else ()


def _under(start: str, step: str) -> tuple[Iri, ...]:
    return (Iri(BASE + start + step),) if step else ()


def shorten(iri: str, under: str = "") -> str:
    """An IRI without what `lengthen` puts back: the base, and where the IRIs of a field usually begin.

    >>> shorten("https://w3id.org/cbdgraph/basis/stated", "basis/"), shorten("https://w3id.org/cbdgraph/document/x")
    ('stated', 'document/x')
    >>> shorten("https://w3id.org/cbdgraph/issue/x", "term/")
    'https://w3id.org/cbdgraph/issue/x'
    """
    rest = iri.removeprefix(BASE + under)
    return iri if rest == iri or not rest or _SCHEME.match(rest) else rest


def lengthen(short: str, under: str = "") -> str:
    """The IRI of what `shorten` gave; a whole IRI as it is.

    >>> lengthen("stated", "basis/"), lengthen("urn:x", "basis/")
    ('https://w3id.org/cbdgraph/basis/stated', 'urn:x')
    """
    return short if _SCHEME.match(short) else BASE + under + short
