"""What each part of a text is called, once all of them are known: entries of the outline in, locators out."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.documents.document import Kind
from cbdgraph.documents.numerals import digits_of, roman_of
from cbdgraph.documents.pieces import Manuscript, Piece
from cbdgraph.locators import Locator, Step

_STARS: Final = {"*": "star", "†": "dagger", "‡": "dagger2"}


@dataclass(frozen=True, slots=True)
class Part:
    """A level with its label; `plain` for a heading without a printed number, which is counted."""

    level: str
    label: str
    plain: bool = False


@dataclass(eq=False, slots=True)
class Scope:
    """The body of a text (no level), or one of its annexes or appendices; the label is empty if none is printed."""

    level: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A piece with what it stands under. `place` says which of that makes its locator:

    "none" nothing, "" the section, "preamble", "para", "item", "bullet", "row", "footnote".
    """

    piece: Piece
    kind: Kind
    scope: Scope
    sections: tuple[Part, ...]
    para: Part | None
    items: tuple[Part, ...]
    place: str
    start: int
    number: str


@dataclass(frozen=True, slots=True)
class _Habits:
    """How one scope numbers its parts."""

    marked_sections: bool
    numbers_anew: bool
    tables: dict[tuple[Part, ...], list[int]]


def name_entries(
    entries: Sequence[Entry], scopes: Sequence[Scope], manuscript: Manuscript
) -> Iterator[tuple[Entry, Locator, Locator]]:
    """Each entry with its locator and, where paragraphs are numbered throughout, the section it stands in."""
    bases = _name_scopes(scopes, manuscript)
    by_scope: dict[Scope, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_scope[entry.scope].append(entry)
    habits = {scope: _habits_of(held) for scope, held in by_scope.items()}
    bullets: dict[Locator, int] = defaultdict(int)
    notes = 0
    seen: set[Locator] = set()
    for entry in entries:
        if entry.place == "footnote":
            notes += 1
            locator, section = Locator((Step("footnote", _note_label(entry.number, notes)),)), Locator()
        elif entry.place == "none":
            locator = section = Locator()
        else:
            locator, section = _name(entry, bases[entry.scope], habits[entry.scope], bullets)
        if entry.kind == "footnote" or (entry.number and entry.place in ("para", "item")):
            if locator in seen:
                manuscript.warn(f"{locator} occurs more than once")
            seen.add(locator)
        yield entry, locator, section


def _name(entry: Entry, base: Locator, habits: _Habits, bullets: dict[Locator, int]) -> tuple[Locator, Locator]:
    parts = tuple(part for part in entry.sections if not (part.plain and habits.marked_sections))
    section = _under(base, parts)
    if entry.place == "preamble":
        return base / Step("preamble"), Locator()
    if entry.place == "row":
        tables = habits.tables[entry.sections]
        if len(tables) > 1:
            section = section / Step("table", str(tables.index(entry.piece.table) + 1))
        return (section / Step("row", str(entry.piece.row)) if entry.piece.row else section), Locator()
    if entry.para is None and not entry.items and entry.place != "bullet":
        return section, Locator()
    inside = section
    beside = Locator()
    if entry.para is not None:
        if not habits.numbers_anew:
            inside, beside = base, section if parts else Locator()
        inside = inside / _step(entry.para)
    inside = _under(inside, entry.items)
    if entry.place == "bullet":
        bullets[inside] += 1
        level = "subitem" if inside.level in ("item", "subitem") else "item"
        inside = inside / Step(level, str(bullets[inside]))
    return inside, beside


def _habits_of(entries: Sequence[Entry]) -> _Habits:
    marked = any(not part.plain for entry in entries for part in entry.sections)
    homes: dict[str, tuple[Part, ...]] = {}
    anew = False
    tables: dict[tuple[Part, ...], list[int]] = defaultdict(list)
    for entry in entries:
        if entry.place == "para" and entry.para is not None and entry.number:
            anew = anew or homes.setdefault(entry.para.label, entry.sections) != entry.sections
        if entry.place == "row" and entry.piece.table not in tables[entry.sections]:
            tables[entry.sections].append(entry.piece.table)
    return _Habits(marked, anew, tables)


def _name_scopes(scopes: Sequence[Scope], manuscript: Manuscript) -> dict[Scope, Locator]:
    """The locator of each annex: unlabelled if it is the only one and prints no number, else counted."""
    counts: dict[str, int] = defaultdict(int)
    for scope in scopes:
        counts[scope.level] += 1
    places: dict[str, int] = defaultdict(int)
    names: dict[Scope, Locator] = {}
    for scope in scopes:
        places[scope.level] += 1
        if not scope.level:
            names[scope] = Locator()
            continue
        label = scope.label or (str(places[scope.level]) if counts[scope.level] > 1 else "")
        names[scope] = Locator((Step(scope.level, label),))
        if list(names.values()).count(names[scope]) > 1:
            manuscript.warn(f"{names[scope]} occurs more than once")
    return names


def _under(locator: Locator, parts: Iterable[Part]) -> Locator:
    return Locator((*locator.steps, *map(_step, parts)))


def _step(part: Part) -> Step:
    label = part.label if len(part.label) < 7 or not part.label.isalpha() else str(roman_of(part.label))
    return Step(part.level, label)


def _note_label(printed: str, place: int) -> str:
    """The label of a footnote: its number, "star" for *, "starb" for **; its place if the mark says nothing."""
    mark = unicodedata.normalize("NFKC", printed).strip("()[]./ \t").lower()
    if (number := digits_of(mark)) > 0 and number < 10_000:
        return str(number)
    if mark and set(mark) <= set(_STARS) and len(set(mark)) == 1 and len(mark) < 5:
        return _STARS[mark[0]][:5] + " bcd"[len(mark) - 1].strip()
    return mark if mark.isascii() and mark.isalpha() and len(mark) < 7 else str(place)
