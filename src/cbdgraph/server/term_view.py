"""A term as its page shows it: values of the terminology in; cards, rows and trees out; writes no HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from cbdgraph.desk import TONGUES, Key, State
from cbdgraph.model import Text
from cbdgraph.namespaces import BASE, LANGUAGES, rank_language
from cbdgraph.server.examples import LANGUAGE_NAMES
from cbdgraph.server.statements import Name, short, words_of
from cbdgraph.server.term_filter import fold
from cbdgraph.terminology.comparison import matrix
from cbdgraph.terminology.terms import Definition, Dimension, Feature, Label, Term, Terminology

By = Literal["date", "source", "language"]

ORDERS: Final[Mapping[By, str]] = {"date": "by date", "source": "by source", "language": "by language"}
_STATUS: Final = BASE + "definition-status/"
_DEPTH: Final = 2  # levels below the term that its tree shows
_LARGEST_TREE: Final = 120  # entries
_RELATIONS: Final = ("broader", "narrower", "related")


@dataclass(frozen=True, slots=True)
class Linked:
    """Something that has an IRI, and what it is called."""

    iri: str
    name: Name


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language with the names that a term has in it, each with the states of its review."""

    code: str
    spoken: str
    labels: tuple[tuple[Label, tuple[Linked, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A definition as it stands beside others. `wordings` are ordered, the page's language first.

    `replaces` and `replaced_by` are other definitions, `states` pairs of language and state of review.
    """

    definition: Definition
    anchor: str
    sources: tuple[Linked, ...]
    wordings: tuple[tuple[str, str], ...]
    language: str
    status: Name | None
    replaces: tuple[str, ...]
    replaced_by: tuple[str, ...]
    states: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Cards under a heading, "" for none; `language` is what the heading names, if it is one."""

    heading: str
    language: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a definition answers in a dimension; a feature of None is one that was not examined."""

    feature: Feature | None
    answers: tuple[Linked, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the features matrix."""

    dimension: Dimension
    name: Name
    meaning: Name | None
    cells: tuple[Cell, ...]
    parts: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A term in the tree of broader and narrower ones; `is_here` for the one whose page it is."""

    term: Linked
    is_here: bool
    branches: tuple[Branch, ...]


def name_of(text: Text) -> Name:
    """A text with its language, as pages show names."""
    return Name(text.value, text.language)


def link(terminology: Terminology, iri: str, language: str) -> Linked:
    """Something by its IRI and its name."""
    return Linked(iri, name_of(terminology.name(iri, language)))


def list_tongues(term: Term, terminology: Terminology, states: Mapping[Key, State], language: str) -> list[Tongue]:
    """The six languages, the page's first, and then any other in which the term has a name."""
    others = dict.fromkeys(label.language for label in term.labels if label.language not in LANGUAGES)
    order = (language, *(code for code in LANGUAGES if code != language), *others)
    return [
        Tongue(
            code,
            LANGUAGE_NAMES.get(code, code),
            tuple(
                (
                    label,
                    tuple(link(terminology, iri, language) for iri in label.sources),
                    tuple(said for _, said in find_states(states, label.iri)),
                )
                for label in term.labels
                if label.language == code
            ),
        )
        for code in order
    ]


def find_states(states: Mapping[Key, State], subject: str) -> tuple[tuple[str, str], ...]:
    """Where the reviews of a subject stand: language and state."""
    found = ((language, states.get((subject, language))) for language in sorted(TONGUES))
    return tuple((language, "disputed" if state.is_disputed else state.state) for language, state in found if state)


def make_cards(term: Term, terminology: Terminology, states: Mapping[Key, State], language: str) -> tuple[Card, ...]:
    """The definitions of a term, the oldest first."""
    followers: dict[str, list[str]] = {}
    for each in term.definitions:
        for replaced in each.replaces:
            followers.setdefault(replaced, []).append(each.iri)
    slugs = Counter(each.slug for each in term.definitions)
    order = (language, *LANGUAGES)
    return tuple(
        Card(
            each,
            f"definition-{each.slug if slugs[each.slug] == 1 else at}",
            tuple(link(terminology, iri, language) for iri in each.sources),
            tuple(sorted(each.wordings.items(), key=lambda item: order.index(item[0]) if item[0] in order else 9)),
            LANGUAGE_NAMES.get(each.language, each.language),
            _status(each, terminology, language),
            each.replaces,
            tuple(followers.get(each.iri, ())),
            find_states(states, each.iri),
        )
        for at, each in enumerate(term.definitions, 1)
    )


def _status(definition: Definition, terminology: Terminology, language: str) -> Name | None:
    if not definition.status:
        return None
    iri = _STATUS + definition.status
    return name_of(terminology.name(iri, language)) if iri in terminology.names else Name(definition.status)


def group_cards(cards: Sequence[Card], by: By, wording: str = "") -> list[Group]:
    """The cards in an order; by language under a heading for each, with the wordings in it. `wording`: only those."""
    if wording:
        cards = [_only(card, wording) for card in cards if wording in dict(card.wordings)]
    if by == "language":
        found = dict.fromkeys(code for card in cards for code, _ in card.wordings)
        order = sorted(found, key=rank_language)
        return [
            Group(
                LANGUAGE_NAMES.get(code, code or "no language"),
                code,
                tuple(_only(card, code, code) for card in cards if code in dict(card.wordings)),
            )
            for code in order
        ]
    if by == "source":
        cards = sorted(cards, key=lambda card: [fold(source.name.text) for source in card.sources[:1]])
    return [Group("", "", tuple(cards))] if cards else []


def _only(card: Card, language: str, suffix: str = "") -> Card:
    """A card with its wording in one language; a definition that stands in several groups has an anchor in each."""
    anchor = f"{card.anchor}-{suffix}" if suffix else card.anchor
    return replace(card, anchor=anchor, wordings=tuple(each for each in card.wordings if each[0] == language))


def make_lines(definitions: Sequence[Definition], dimensions: Iterable[Dimension], language: str) -> list[Line]:
    """The features matrix of some definitions."""
    dimensions = tuple(dimensions)
    names = {value.iri: name_of(value.name(language)) for each in dimensions for value in each.values}

    def show(feature: Feature | None) -> Cell:
        if feature is None or feature.is_silent:
            return Cell(feature, ())
        answers = (Linked(iri, names.get(iri) or Name(iri.rpartition("/")[2])) for iri in sorted(feature.values))
        return Cell(feature, tuple(answers))

    return [
        Line(
            row.dimension,
            name_of(row.dimension.name(language)),
            _meaning(row.dimension, language),
            tuple(map(show, row.features)),
            row.is_disputed,
        )
        for row in matrix(definitions, dimensions)
    ]


def _meaning(dimension: Dimension, language: str) -> Name | None:
    return next(
        (Name(dimension.meanings[code], code) for code in (language, "en") if code in dimension.meanings), None
    )


def list_relations(term: Term, terminology: Terminology, language: str) -> list[tuple[str, tuple[Linked, ...]]]:
    """What a term is related to, in words with what stands there; matches are concepts of others."""
    found: list[tuple[str, tuple[Linked, ...]]] = []
    for name in _RELATIONS:
        iris: tuple[str, ...] = getattr(term, name)
        if iris:
            found.append((name, tuple(link(terminology, iri, language) for iri in iris)))
    for relation in dict.fromkeys(relation for relation, _ in term.matches):
        matched = (
            Linked(iri, _foreign(terminology, iri, language)) for each, iri in term.matches if each == relation
        )
        found.append((words_of(relation, {}), tuple(matched)))
    return found


def _foreign(terminology: Terminology, iri: str, language: str) -> Name:
    """The name of what others describe; their IRI where nobody says one."""
    is_named = iri in terminology.terms or iri in terminology.names
    return name_of(terminology.name(iri, language)) if is_named else Name(short(iri))


def make_tree(term: Term, terminology: Terminology, language: str) -> tuple[Branch, ...]:
    """What is above a term, up to the top, and what is below it; a circle in the data is cut where it closes."""
    left = _LARGEST_TREE
    above: set[str] = set()
    waiting = list(term.broader)
    while waiting and len(above) < _LARGEST_TREE:
        iri = waiting.pop()
        if iri not in above and iri != term.iri:
            above.add(iri)
            waiting += terminology.terms[iri].broader if iri in terminology.terms else ()
    roots = sorted(
        iri for iri in above if iri not in terminology.terms or not set(terminology.terms[iri].broader) & above
    )

    def grow(iri: str, path: tuple[str, ...], depth: int) -> Iterator[Branch]:
        nonlocal left
        if iri in path or left <= 0:
            return
        left -= 1
        known = terminology.terms.get(iri)
        is_above, path = iri in above, (*path, iri)
        below: Iterable[str] = known.narrower if known else ()
        if is_above:
            below = [each for each in below if each in above or each == term.iri]
        elif depth >= _DEPTH:
            below = ()
        deeper = 0 if is_above else depth + 1
        branches = tuple(branch for each in below for branch in grow(each, path, deeper))
        yield Branch(link(terminology, iri, language), iri == term.iri, branches)

    return tuple(branch for iri in (roots or [term.iri]) for branch in grow(iri, (), 0))


def list_wording_languages(term: Term) -> list[str]:
    """The languages in which a term has wordings of definitions."""
    found = {code for each in term.definitions for code in each.wordings if code}
    return sorted(found, key=rank_language)


def near_definitions(term: Term, terminology: Terminology) -> list[tuple[Term, tuple[Definition, ...]]]:
    """The definitions that may be compared with those of a term: its own, and those of terms that are near."""
    near: Callable[[str], Term | None] = terminology.terms.get
    found = [term, *filter(None, map(near, dict.fromkeys((*term.broader, *term.narrower, *term.related))))]
    return [(each, each.definitions) for each in found if each.definitions]
