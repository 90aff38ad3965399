"""Terms, their names, definitions and features as plain values; nothing here reads or writes.

One term has many definitions, each with its source, and they are never merged. A definition is taken apart into
features: in one dimension of the feature scheme, the answers that it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from cbdgraph.model import Text
from cbdgraph.namespaces import BASE

LabelKind = Literal["preferred", "alternative", "hidden"]

TERM: Final = BASE + "term/"
NOT_SAID: Final = BASE + "feature/not-said"


@dataclass(frozen=True, slots=True)
class Label:
    """A name of a term in one language. `origin` is "source", "project" or "" where nothing says; `iri` may be ""."""

    iri: str
    text: str
    language: str
    kind: LabelKind
    origin: str = ""
    sources: tuple[str, ...] = ()
    place: str = ""
    basis: str = ""
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Feature:
    """The answers of one definition in one dimension, as IRIs of the scheme; `basis` is stated or inferred."""

    iri: str
    dimension: str
    values: frozenset[str]
    basis: str = ""
    notes: tuple[Text, ...] = ()

    @property
    def is_silent(self) -> bool:
        """Whether the definition was examined and says nothing."""
        return self.values <= {NOT_SAID}


@dataclass(frozen=True, slots=True)
class Definition:
    """What one source says that a term means. `wordings` by language; `verbatim` is None where nothing says.

    `language` is that of the source's text, `status` and `basis` the last step of their IRI, `year` as written or "".
    """

    iri: str
    term: str
    wordings: Mapping[str, str]
    verbatim: bool | None = None
    year: str = ""
    sources: tuple[str, ...] = ()
    place: str = ""
    language: str = ""
    status: str = ""
    basis: str = ""
    replaces: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()
    features: Mapping[str, Feature] = field(default_factory=dict)  # by dimension

    @property
    def slug(self) -> str:
        """The last step of its IRI, which names the source."""
        return self.iri.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Term:
    """A concept with everything that is known of it; relations are IRIs, `matches` pairs of property and IRI."""

    iri: str
    labels: tuple[Label, ...] = ()
    definitions: tuple[Definition, ...] = ()
    broader: tuple[str, ...] = ()
    narrower: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    matches: tuple[tuple[str, str], ...] = ()
    issues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    place: str = ""
    basis: str = ""
    scope_notes: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def slug(self) -> str:
        """What stands after /term/ in its IRI; the whole IRI for a term that is not ours."""
        return self.iri.removeprefix(TERM)

    def preferred(self, language: str) -> Label | None:
        """The preferred name in a language, if there is one."""
        return next((each for each in self.labels if each.kind == "preferred" and each.language == language), None)

    def name(self, language: str) -> Text:
        """The preferred name in a language, else in English, else in any, else the slug."""
        found = self.preferred(language) or self.preferred("en")
        found = found or next((each for each in self.labels if each.kind == "preferred"), None)
        return Text(found.text, found.language) if found else Text(self.slug)


@dataclass(frozen=True, slots=True)
class Value:
    """An answer that the feature scheme offers, or one of its questions; texts by language."""

    iri: str
    names: Mapping[str, str]
    meanings: Mapping[str, str]

    def name(self, language: str) -> Text:
        """Its name in a language, else in English, else the last step of its IRI."""
        for code in (language, "en"):
            if code in self.names:
                return Text(self.names[code], code)
        return Text(self.iri.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Dimension(Value):
    """A question of the feature scheme with the answers that it offers."""

    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Terminology:
    """All terms by IRI in natural order, the feature scheme, and the names of sources, issues and values by IRI."""

    terms: Mapping[str, Term]
    dimensions: tuple[Dimension, ...]
    names: Mapping[str, Mapping[str, str]]

    def find(self, slug: str) -> Term | None:
        """The term of a slug."""
        return self.terms.get(TERM + slug)

    def definitions(self) -> Iterator[Definition]:
        """The definitions of all terms."""
        for term in self.terms.values():
            yield from term.definitions

    def name(self, iri: str, language: str) -> Text:
        """What something is called: in a language, else in English, else in any, else its path."""
        if iri in self.terms:
            return self.terms[iri].name(language)
        names = self.names.get(iri, {})
        for code in (language, "en", *sorted(names)):
            if code in names:
                return Text(names[code], code)
        return Text(iri.removeprefix(BASE))
