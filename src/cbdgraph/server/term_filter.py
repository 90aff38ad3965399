"""Which terms a request for /terms/ wants: parameters in, a filter out that chooses and orders terms; asks no engine.

A term has a gap in a language in which it has no preferred name, whose preferred name is this project's own wording
and no source's, or in which no definition has a wording.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from starlette.requests import Request

from cbdgraph.desk import STATES, Key, State
from cbdgraph.errors import InvalidName, ParameterError
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, LANGUAGES
from cbdgraph.terminology.comparison import matrix
from cbdgraph.terminology.terms import Term, Terminology

States = Mapping[Key, State]

# What may be missing in a language, in the order in which it is told.
GAPS: Final[Mapping[str, str]] = {
    "name": "no preferred name",
    "source": "no source for the name",
    "definition": "no definition",
}
DISPUTES: Final[Mapping[str, str]] = {
    "features": "definitions that contradict each other in a feature",
    "review": "a name or definition that is disputed at the review desk",
}
SORTS: Final[Mapping[str, str]] = {
    "path": "address",
    "name": "name",
    "definitions": "number of definitions",
    "gaps": "number of gaps",
}
_LONGEST: Final = 200  # characters of a word that is looked for
_NAMES: Final = ("q", "issue", "language", "gaps", "missing", "disputed", "sort")
_BLANKS: Final = re.compile(r"\s+")

PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "q",
        "in": "query",
        "schema": {"type": "string", "maxLength": _LONGEST},
        "example": "restauration",
        "description": "terms with a name, in whatever language, that holds this; capitals and accents do not count",
    },
    {
        "name": "issue",
        "in": "query",
        "schema": {"type": "string"},
        "description": "terms that the work on an issue uses; its slug, path or IRI",
    },
    {
        "name": "language",
        "in": "query",
        "schema": {"type": "string", "enum": list(LANGUAGES)},
        "description": "terms that have a preferred name in this language",
    },
    {
        "name": "gaps",
        "in": "query",
        "schema": {"type": "string", "enum": list(LANGUAGES)},
        "description": "terms to which something is missing in this language",
    },
    {
        "name": "missing",
        "in": "query",
        "schema": {"type": "string", "enum": list(GAPS)},
        "description": "with gaps: what is missing; " + ", ".join(f"{name}: {said}" for name, said in GAPS.items()),
    },
    {
        "name": "disputed",
        "in": "query",
        "schema": {"type": "string", "enum": list(DISPUTES)},
        "description": "; ".join(f"{name}: terms with {said}" for name, said in DISPUTES.items()),
    },
    {
        "name": "sort",
        "in": "query",
        "schema": {"type": "string", "enum": list(SORTS), "default": "path"},
        "description": "by what they are ordered; numbers fall",
    },
]


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted; "" for what does not matter. `issue` is an IRI, `given` are the parameters as sent."""

    q: str = ""
    issue: str = ""
    language: str = ""
    gaps: str = ""
    missing: str = ""
    disputed: str = ""
    sort: str = ""
    given: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, request: Request) -> Self:
        """The filter of a request; `ParameterError` for a value that is none. An empty one is as good as none."""
        values = {name: request.query_params.get(name, "").strip() for name in _NAMES}
        for name, allowed in (
            ("language", LANGUAGES),
            ("gaps", LANGUAGES),
            ("missing", GAPS),
            ("disputed", DISPUTES),
            ("sort", SORTS),
        ):
            if values[name] and values[name] not in allowed:
                raise ParameterError(name, f"expected one of {', '.join(allowed)}, not {values[name][:20]!r}")
        if len(values["q"]) > _LONGEST:
            raise ParameterError("q", f"it may have {_LONGEST} characters")
        if values["missing"] and not values["gaps"]:
            raise ParameterError("missing", "name the language too: gaps=fr")
        given = tuple((name, value) for name, value in values.items() if value)
        return cls(**{**values, "issue": _read_issue(values["issue"])}, given=given)

    @property
    def is_empty(self) -> bool:
        """Whether all terms are wanted, in the order of their addresses."""
        return not any((self.q, self.issue, self.language, self.gaps, self.disputed, self.sort not in {"", "path"}))

    @property
    def needs_desk(self) -> bool:
        """Whether the choice depends on reviews."""
        return self.disputed == "review"

    def choose(self, terminology: Terminology, states: States | None, language: str) -> list[Term]:
        """The terms in their order; `language` is that of the names by which they may be ordered."""
        tests: list[Callable[[Term], bool]] = []
        if self.q:
            tests.append(lambda term: holds(term, fold(self.q)))
        if self.issue:
            tests.append(lambda term: self.issue in term.issues)
        if self.language:
            tests.append(lambda term: term.preferred(self.language) is not None)
        if self.gaps:
            wanted = {self.missing} if self.missing else set(GAPS)
            tests.append(lambda term: not wanted.isdisjoint(find_gaps(term, self.gaps)))
        if self.disputed == "features":
            tests.append(lambda term: is_contradictory(term, terminology))
        if self.disputed == "review":
            disputed = find_disputed(states or {})
            tests.append(lambda term: bool(disputed & subjects_of(term)))
        found = [term for term in terminology.terms.values() if all(test(term) for test in tests)]
        return sort_terms(found, self.sort, language)


def _read_issue(text: str) -> str:
    """The IRI of an issue from its slug, its path or itself."""
    if not text or text.startswith(("http://", "https://")):
        iri = text
    else:
        iri = BASE + (text if text.startswith("issue/") else f"issue/{text}")
    try:
        return Iri(iri).value if iri else ""
    except InvalidName as error:
        raise ParameterError("issue", f"expected an issue such as forest-biodiversity, not {text[:60]!r}") from error


def sort_terms(terms: Iterable[Term], sort: str, language: str) -> list[Term]:
    """Terms by name (without regard to capitals and accents), by a number that falls, or as they come."""
    keys: dict[str, Callable[[Term], Any]] = {
        "name": lambda term: fold(term.name(language).value),
        "definitions": lambda term: -len(term.definitions),
        "gaps": lambda term: -sum(len(find_gaps(term, code)) for code in LANGUAGES),
    }
    return sorted(terms, key=keys[sort]) if sort in keys else list(terms)


def fold(text: str) -> str:
    """A text as it is compared with a word that somebody typed.

    >>> fold("Restauration  écologique"), fold("الإيكولوجية") == fold("الايكولوجية")
    ('restauration ecologique', True)
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _BLANKS.sub(" ", "".join(sign for sign in plain if unicodedata.category(sign) not in {"Mn", "Cf"})).strip()


def holds(term: Term, folded: str) -> bool:
    """Whether a name of the term, or its slug, holds a folded text."""
    return any(folded in fold(label.text) for label in term.labels) or folded in fold(term.slug)


def find_gaps(term: Term, language: str) -> tuple[str, ...]:
    """What is missing to a term in a language, as keys of `GAPS`."""
    name = term.preferred(language)
    return (
        *(("name",) if name is None else ()),
        *(("source",) if name is not None and name.origin != "source" else ()),
        *(("definition",) if all(language not in each.wordings for each in term.definitions) else ()),
    )


def is_contradictory(term: Term, terminology: Terminology) -> bool:
    """Whether two definitions answer a question of the feature scheme and have no answer in common."""
    return any(row.is_disputed for row in matrix(term.definitions, terminology.dimensions))


def subjects_of(term: Term) -> set[str]:
    """What of a term is reviewed: itself, its names, its definitions, by IRI."""
    return {term.iri, *(label.iri for label in term.labels if label.iri), *(each.iri for each in term.definitions)}


def find_disputed(states: States) -> set[str]:
    """The subjects of which somebody disputes something."""
    return {subject for (subject, _), state in states.items() if state.is_disputed}


def count_states(terms: Iterable[Term], states: States) -> dict[str, list[tuple[str, int]]]:
    """How often each state stands in the reviews of each term that has any, by IRI, in the order of a review."""
    by_subject: dict[str, list[str]] = {}
    for (subject, _), state in states.items():
        by_subject.setdefault(subject, []).append("disputed" if state.is_disputed else state.state)
    counts: dict[str, list[tuple[str, int]]] = {}
    for term in terms if by_subject else ():
        found = Counter(said for subject in subjects_of(term) for said in by_subject.get(subject, ()))
        counts[term.iri] = [(said, found[said]) for said in STATES if found[said]]
    return counts
