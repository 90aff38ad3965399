"""What there is to review: a release's terminology in, a matter for each text in each language out; asks no desk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from starlette.requests import Request

from cbdgraph.desk import WHOLE, Key
from cbdgraph.errors import DeskRefused
from cbdgraph.iris import mint
from cbdgraph.model import Text
from cbdgraph.namespaces import BASE, LANGUAGES, rank_language
from cbdgraph.server.answers import served_of
from cbdgraph.server.statements import direction
from cbdgraph.server.terms import terminology_of
from cbdgraph.terminology.terms import TERM, Definition, Label, Term, Terminology

KINDS: Final[Mapping[str, str]] = {
    "definition": "definition",
    "preferred": "preferred name",
    "alternative": "other name",
    "hidden": "hidden name",
    "missing": "no preferred name yet",
    "term": "the term and its relations",
    "gone": "not in the graph any more",
}


@dataclass(frozen=True, slots=True)
class Matter:
    """One text that can be reviewed: what `subject` says in `language`, "" where it says nothing yet.

    `about` says where the text comes from, in words; `content` is a hash of all that a reviewer looks at.
    """

    subject: str
    language: str
    kind: str
    term: str
    text: str
    about: str
    content: str

    @property
    def key(self) -> Key:
        """As the desk knows it."""
        return (self.subject, self.language)

    @property
    def direction(self) -> str:
        """Which way its text runs."""
        return direction(self.language)

    @property
    def spoken(self) -> str:
        """The language for HTML."""
        return "en" if self.language == WHOLE else self.language

    @property
    def slug(self) -> str:
        """Of its term."""
        return self.term.removeprefix(TERM)

    @property
    def anchor(self) -> str:
        """Its place on the page of its term."""
        steps = self.subject.removeprefix(self.term).strip("/").replace("/", "-") or "term"
        return f"{steps}-{self.language}"


@dataclass(frozen=True, slots=True)
class Matters:
    """All matters of a release by subject and language, and the names of their terms."""

    all: Mapping[Key, Matter]
    by_term: Mapping[str, tuple[Matter, ...]]
    names: Mapping[str, Text]
    terminology: Terminology

    def name_of(self, subject: str) -> Text:
        """The name of the term that a subject belongs to; its path where the graph has no such term any more."""
        slug = subject.removeprefix(TERM).partition("/")[0]
        return self.names.get(TERM + slug) or Text(slug)

    def make_gone(self, subject: str, language: str) -> Matter:
        """What stands for a text that a release took away while somebody wrote about it."""
        slug = subject.removeprefix(TERM).partition("/")[0]
        return Matter(subject, language, "gone", TERM + slug, "", "", hash_content(""))

    def find(self, subject: str, language: str) -> Matter:
        """The matter; of a definition also in a language without a wording. `DeskRefused` if there is none."""
        found = self.all.get((subject, language))
        if found is not None:
            return found
        for code in (*LANGUAGES, WHOLE):
            known = self.all.get((subject, code))
            if known is not None and known.kind == "definition" and language in LANGUAGES:
                return Matter(subject, language, known.kind, known.term, "", known.about, hash_content(""))
            if known is not None:
                raise DeskRefused("language", f"of this there is only {code}")
        raise DeskRefused("subject", "the graph that is served has no such term, label or definition")


async def matters_of(request: Request) -> Matters:
    """What there is to review in the release that is served."""
    return _collect(_Held(await terminology_of(served_of(request))))


def read_subject(text: str) -> str:
    """An IRI, from itself or from its path under the base.

    >>> read_subject("/term/habitat"), read_subject("term/habitat/label/en")
    ('https://w3id.org/cbdgraph/term/habitat', 'https://w3id.org/cbdgraph/term/habitat/label/en')
    """
    return text if text.startswith(BASE) else mint(text.lstrip("/"))


def hash_content(*parts: object) -> str:
    """A hash of what is looked at."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A terminology as a key: one and the same as long as its release is served."""

    terminology: Terminology

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.terminology is other.terminology

    def __hash__(self) -> int:
        return id(self.terminology)


@lru_cache(maxsize=2)
def _collect(held: _Held) -> Matters:
    terminology = held.terminology
    by_term = {
        iri: tuple(_of_term(terminology, term))
        for iri, term in terminology.terms.items()
        if iri.startswith(TERM) and "/" not in term.slug
    }
    found = {matter.key: matter for matters in by_term.values() for matter in matters}
    names = {iri: terminology.terms[iri].name("en") for iri in by_term}
    return Matters(MappingProxyType(found), MappingProxyType(by_term), MappingProxyType(names), terminology)


def _of_term(terminology: Terminology, term: Term) -> Sequence[Matter]:
    found = [
        _definition(terminology, term, definition, language, text)
        for definition in term.definitions
        for language, text in sorted(definition.wordings.items(), key=lambda pair: rank_language(pair[0]))
        if language in LANGUAGES
    ]
    for language in LANGUAGES:
        for label in term.labels:
            if label.language == language and label.iri.startswith(term.iri + "/"):
                found.append(_label(terminology, term, label))
        if term.preferred(language) is None:
            found.append(Matter(term.iri, language, "missing", term.iri, "", "", hash_content("")))
    found.append(_whole(terminology, term))
    return found


def _whole(terminology: Terminology, term: Term) -> Matter:
    relations = {"broader": term.broader, "narrower": term.narrower, "related": term.related}
    said = [
        f"{name}: {', '.join(terminology.name(iri, 'en').value for iri in iris)}"
        for name, iris in relations.items()
        if iris
    ]
    said += [f"{name.rpartition('#')[2]}: {iri}" for name, iri in term.matches]
    text = "\n".join((*said, *(note.value for note in (*term.scope_notes, *term.notes))))
    about = _source(terminology, term.sources, term.place)
    return Matter(term.iri, WHOLE, "term", term.iri, text, about, hash_content(text))


def _definition(terminology: Terminology, term: Term, definition: Definition, language: str, text: str) -> Matter:
    quality = {True: "word for word", False: "in our words", None: ""}[definition.verbatim]
    source = _source(terminology, definition.sources, definition.place)
    about = "; ".join(filter(None, (source, definition.year, definition.status, quality)))
    return Matter(definition.iri, language, "definition", term.iri, text, about, hash_content(text, about))


def _label(terminology: Terminology, term: Term, label: Label) -> Matter:
    origin = {"source": "", "project": "proposed by this project"}.get(label.origin, "of unknown origin")
    about = "; ".join(filter(None, (_source(terminology, label.sources, label.place), origin)))
    content = hash_content(label.text, label.kind, about)
    return Matter(label.iri, label.language, label.kind, term.iri, label.text, about, content)


def _source(terminology: Terminology, sources: Sequence[str], place: str) -> str:
    return ", ".join(filter(None, (*(terminology.name(iri, "en").value for iri in sources), place)))
