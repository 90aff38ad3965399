"""One paragraph in, the figures of targets in it out: comparator, value, unit, of what, by when; judges no target.

A figure is a number with a unit of the scheme `unit/`, or a half. A comparator binds to the figure it stands beside
and to no other; a figure that follows such a one in a list is marked as ambiguous.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Final

from cbdgraph.extraction.lexicon import Lexicon, load_lexicon
from cbdgraph.extraction.marks import Mark, Span, scan
from cbdgraph.model import Certainty

_LONGEST: Final = 40  # marks in the words that say of what
_DIGITS: Final = 15
_NUMBERS: Final = frozenset({"number", "numeral"})
_BOUNDARIES: Final = frozenset({"comma", "semicolon", "colon", "end", "left", "right", "quote"})
_STOPS: Final = _BOUNDARIES | {
    *("of_stop", "before_stop", "by_year", "reset", "comparator", "comparator_both", "comparator_after", "dollar"),
    *("per_year", "unit_before", "halved"),
}
_COMPARATORS: Final = frozenset({"comparator", "comparator_both"})
_AFTERS: Final = frozenset({"comparator_after", "comparator_both"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """One figure, as found in a text.

    `start`, `end` are character offsets of `quote`, the figure with its comparator and unit. `comparator` and `unit`
    are slugs of the schemes of the same names, `value` is in that unit (150 million hectares are 150000000),
    `of_what` the words beside the figure (None where there are none), `deadline` a year named near it. `reason` says
    why a reading is less than certain.
    """

    start: int
    end: int
    quote: str
    comparator: str
    value: Decimal
    unit: str
    of_what: Span | None
    deadline: int | None
    certainty: Certainty
    reason: str
    language: str


@dataclass(frozen=True, slots=True)
class _Figure:
    """A number and its unit: the marks from `first` to before `after`."""

    first: int
    after: int
    values: tuple[Decimal, ...]
    unit: str
    before: bool = False  # of what stands before it: "… is at least halved"


def find_quantities(text: str, lang: str) -> tuple[Quantity, ...]:
    """All figures of a paragraph in text order; `InvalidName` for a language without a lexicon.

    >>> for q in find_quantities("By 2020, at least 15 per cent of degraded ecosystems are restored.", "en"):
    ...     print(q.comparator, q.value, q.unit, q.of_what.quote, q.deadline)
    at-least 15 percent degraded ecosystems 2020
    >>> find_quantities("decision X/2, paragraph 15", "en")
    ()
    """
    lexicon = load_lexicon(lang)
    return tuple(
        quantity for marks in scan(text, lexicon, lexicon.quantities) for quantity in _sentence(text, marks, lexicon)
    )


def _sentence(text: str, marks: Sequence[Mark], lexicon: Lexicon) -> Iterator[Quantity]:
    at, free = 0, 0
    years: deque[tuple[int, int]] | None = None
    bound: tuple[int, str, str] | None = None  # behind the last figure: mark, unit, comparator that stood beside it
    while at < len(marks):
        figure = _figure(marks, at, lexicon)
        if figure is None:
            at += 1
            continue
        if years is None:
            years = deque(_years(marks))
        comparators, first, after = _compare(marks, figure, free, lexicon)
        of_what, stop = _of_what(text, marks, figure, first, after, free)
        deadline = _deadline(marks, years, figure, stop)
        joined = bound is not None and bound[1] == figure.unit and _in_list(marks, bound[0], first)
        for place, value in enumerate(figure.values):
            doubts: list[tuple[Certainty, str]] = []
            if figure.values[1:]:
                comparator = ("at-least", "at-most")[place]
            elif comparators:
                comparator = comparators[0].word.values[0]
                if comparators[0].word.doubtful:
                    words = text[comparators[0].start : comparators[0].end]
                    doubts.append(("probable", f"{words} is read as {comparator}"))
            else:
                comparator = "equal-to"
                if joined and bound is not None and bound[2]:
                    doubts.append(
                        ("ambiguous", f"{bound[2]} stands before an earlier figure and may hold for this one")
                    )
            whole = Span.cut(text, marks[first].start, marks[after - 1].end)
            yield Quantity(
                start=whole.start,
                end=whole.end,
                quote=whole.quote,
                comparator=comparator,
                value=value,
                unit=figure.unit,
                of_what=of_what,
                deadline=deadline,
                certainty=doubts[0][0] if doubts else "certain",
                reason="; ".join(reason for _, reason in doubts),
                language=lexicon.language,
            )
        words = text[comparators[0].start : comparators[0].end] if comparators else ""
        bound = (stop, figure.unit, words or (bound[2] if joined and bound else ""))
        at = free = after


def _figure(marks: Sequence[Mark], at: int, lexicon: Lexicon) -> _Figure | None:
    """The figure whose number begins at a mark."""
    mark = marks[at]
    if mark.kind == "halved":
        return _Figure(at, at + 1, (Decimal(50),), "percent", before=True)
    if mark.kind == "half":
        compared = at > 0 and marks[at - 1].kind in _COMPARATORS
        of = _kind(marks, at + 1) == "of" or (len(mark.key.split()) > 1 and mark.key.split()[-1] == "of")
        return _Figure(at, at + 1, (Decimal(50),), "percent") if compared or of else None
    if mark.kind not in _NUMBERS or (value := _value(mark, lexicon)) is None:
        return None
    if at and marks[at - 1].kind == "unit_before":
        return _Figure(at - 1, at + 1, (value,), marks[at - 1].word.values[0])
    after: int = at + 1
    values: tuple[Decimal, ...] = (value,)
    ranged = after + (_kind(marks, after) == "glue")
    if _kind(marks, ranged) in {"to_range", "by_year"} and _kind(marks, ranged + 1) in _NUMBERS:
        upper = _value(marks[ranged + 1], lexicon)
        if upper is not None and upper > value:
            after, values = ranged + 2, (value, upper)
    if _kind(marks, after) == "factor":
        values = tuple(_times(value, marks[after]) for value in values)
        after += 1
    if (found := _unit(marks, at, after)) is None:
        return None
    unit, after = found
    word = mark.kind == "numeral" and unit in {"species", "person", "workshop"} and not values[1:]
    if word and not (at and marks[at - 1].kind in _COMPARATORS):
        return None  # "two species" is seldom a target
    return _Figure(at - (marks[at - 1].kind == "dollar" if at else 0), after, values, unit)


def _unit(marks: Sequence[Mark], at: int, after: int) -> tuple[str, int] | None:
    """The unit behind (dollars also before) a number, and the mark behind it."""
    if _kind(marks, after) == "dollar" or (at and marks[at - 1].kind == "dollar"):
        after += _kind(marks, after) == "dollar"
        for place in range(after, min(after + 7, len(marks))):
            if marks[place].kind in _BOUNDARIES | _NUMBERS:
                break
            if marks[place].kind == "per_year":
                return "us-dollar-per-year", place + 1 if place == after else after
        for mark in reversed(marks[max(0, at - 10) : at]):
            if mark.kind in _BOUNDARIES | _NUMBERS:
                break
            if mark.kind == "per_year":
                return "us-dollar-per-year", after
        return None
    after += _kind(marks, after) == "glue" and _kind(marks, after + 1) == "unit"
    return (marks[after].word.values[0], after + 1) if _kind(marks, after) == "unit" else None


def _compare(marks: Sequence[Mark], figure: _Figure, free: int, lexicon: Lexicon) -> tuple[list[Mark], int, int]:
    """The comparator of a figure if it has one, and the marks from which and to which its words go."""
    before, gap = figure.first - 1, lexicon.comparator_gap
    while before >= free:
        kind = marks[before].kind
        if kind in _COMPARATORS:
            return [marks[before]], before, figure.after
        if kind == "other" and gap:
            gap -= 1
        elif kind not in {"glue", "of"}:
            break
        before -= 1
    if _kind(marks, figure.after) in _AFTERS and _kind(marks, figure.after + 1) not in _NUMBERS:
        return [marks[figure.after]], figure.first, figure.after + 1
    return [], figure.first, figure.after


def _of_what(
    text: str, marks: Sequence[Mark], figure: _Figure, first: int, after: int, free: int
) -> tuple[Span | None, int]:
    """The words that say of what, and the mark at which they stop."""
    if figure.before:
        last = first
        while last > free and marks[last - 1].kind in {"of_stop", "before_stop", "comparator", "glue"}:
            last -= 1
        begin = _back(marks, last, free)
        if begin == last and _kind(marks, last - 1) == "comma":  # "habitats, including forests, is halved"
            inserted = _back(marks, last - 1, free)
            if inserted < last - 1 and inserted > free and marks[inserted - 1].kind == "comma":
                begin, last = _back(marks, inserted - 1, free), last - 1
        return (Span.cut(text, marks[begin].start, marks[last - 1].end) if begin < last else None), after
    begin = after
    while _kind(marks, begin) in {"of", "per_year", "glue"}:
        begin += 1
    stop = begin
    while stop < len(marks) and stop - begin < _LONGEST and not _stops(marks, stop):
        stop += 1
    return (Span.cut(text, marks[begin].start, marks[stop - 1].end) if begin < stop else None), stop


def _back(marks: Sequence[Mark], at: int, free: int) -> int:
    """Where the words that end before a mark begin."""
    begin = at
    while begin > free and at - begin < _LONGEST and marks[begin - 1].kind not in _STOPS:
        begin -= 1
    return begin


def _stops(marks: Sequence[Mark], at: int) -> bool:
    kind = marks[at].kind
    if kind in _STOPS:
        return True
    if kind not in {"and", "to_range"}:
        return kind == "number" and _kind(marks, at + 1) in {"unit", "factor", "dollar"}
    following = {_kind(marks, at + 1), _kind(marks, at + 2) if _kind(marks, at + 1) in {"glue", "of"} else "and"}
    return bool(following & (_NUMBERS | _COMPARATORS | {"dollar", "unit_before", "halved", "of_stop"}))


def _years(marks: Sequence[Mark]) -> Iterator[tuple[int, int]]:
    """The deadlines of a sentence, each with the mark of its year; (mark, 0) where one ceases to hold ("to date")."""
    for at, mark in enumerate(marks):
        if mark.kind == "reset":
            yield at, 0
        if mark.kind == "number" and len(mark.key) == 4 and mark.key.isdecimal() and "1990" <= mark.key <= "2100":
            by = at > 0 and marks[at - 1].kind == "by_year"
            if by or _kind(marks, at + 1) == "year_after":
                yield at, int(mark.key)


def _deadline(marks: Sequence[Mark], years: deque[tuple[int, int]], figure: _Figure, stop: int) -> int | None:
    """The year right behind a figure, else the last one before it, else the next one after it."""
    while len(years) > 1 and years[1][0] < figure.first:
        years.popleft()
    before = years[0] if years and years[0][0] < figure.first else None
    following = next((year for year in islice(years, 2) if year[0] >= figure.first), None)
    if (
        following
        and following[0] - stop in {0, 1, 2}
        and not any(mark.kind in _BOUNDARIES for mark in marks[stop : following[0]])
    ):
        return following[1] or None
    if before:
        return before[1] or None
    return following[1] or None if following else None


def _value(mark: Mark, lexicon: Lexicon) -> Decimal | None:
    if mark.kind == "numeral":
        return Decimal(mark.word.values[0])
    match = _number(lexicon.groups, lexicon.decimals).fullmatch(mark.key)
    if match is None or len(mark.key) > _DIGITS:
        return None
    whole = re.sub(r"[^0-9]", "", match["whole"])
    return Decimal(f"{whole}.{match['part']}" if match["part"] else whole)


@cache
def _number(groups: str, decimals: str) -> re.Pattern[str]:
    grouped = f"[0-9]{{1,3}}(?:[{re.escape(groups)}][0-9]{{3}})+"
    return re.compile(f"(?P<whole>{grouped}|[0-9]+)(?:[{re.escape(decimals)}](?P<part>[0-9]+))?")


def _times(value: Decimal, factor: Mark) -> Decimal:
    product = value * Decimal(factor.word.values[0])
    return product.quantize(Decimal(1)) if product == product.to_integral_value() else product


def _in_list(marks: Sequence[Mark], at: int, first: int) -> bool:
    """Whether a figure at mark `first` goes on with the list in which the one that ends before mark `at` stands."""
    if _kind(marks, at) == "by_year" and _kind(marks, at + 1) == "number":
        at += 2
    return first - at <= 3 and all(mark.kind in {"and", "glue"} for mark in marks[at:first])


def _kind(marks: Sequence[Mark], at: int) -> str:
    return marks[at].kind if 0 <= at < len(marks) else "end"
