"""Ruled tables on a page of a PDF: rules in, cells with their boxes out; knows no PDF library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.documents.lines import Glyph

_NEAR: Final = 2.5
_MAX_RULES: Final = 3000


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight rule: at `place`, from `low` to `high` along it."""

    place: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A ruled table: the places of its columns from left to right and of its rows from top to bottom."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    across: tuple[Rule, ...]
    down: tuple[Rule, ...]

    def cell_of(self, glyph: Glyph) -> tuple[int, int] | None:
        """Row and column, from 0, of the cell a sign stands in; of several joined cells the first."""
        x, y = (glyph.x0 + glyph.x1) / 2, glyph.base + glyph.size * 0.3
        if not (self.columns[0] < x < self.columns[-1] and self.rows[-1] < y < self.rows[0]):
            return None
        column = sum(place < x for place in self.columns) - 1
        row = sum(place > y for place in self.rows) - 1
        while column and not _crosses(self.down, self.columns[column], y):
            column -= 1
        while row and not _crosses(self.across, self.rows[row], x):
            row -= 1
        return row, column


def grids_of(across: Sequence[Rule], down: Sequence[Rule]) -> list[Grid]:
    """The tables that rules make; a box with one column is none."""
    if not down or len(across) + len(down) > _MAX_RULES:
        return []
    rules = [*((False, rule) for rule in across), *((True, rule) for rule in down)]
    group = list(range(len(rules)))

    def find(place: int) -> int:
        while group[place] != place:
            group[place] = group[group[place]]
            place = group[place]
        return place

    for first in range(len(across)):
        for second in range(len(across), len(rules)):
            if _meets(rules[first][1], rules[second][1]):
                group[find(first)] = find(second)
    found = []
    for root in {find(place) for place in range(len(rules))}:
        members = [rules[place] for place in range(len(rules)) if find(place) == root]
        level = tuple(rule for vertical, rule in members if not vertical)
        upright = tuple(rule for vertical, rule in members if vertical)
        columns = _merge(rule.place for rule in upright)
        rows = _merge(rule.place for rule in level)
        if len(columns) > 2 and len(rows) > 1:
            found.append(Grid(tuple(columns), tuple(reversed(rows)), level, upright))
    return sorted(found, key=lambda grid: -grid.rows[0])


def _meets(level: Rule, upright: Rule) -> bool:
    return (
        level.low - _NEAR <= upright.place <= level.high + _NEAR
        and upright.low - _NEAR <= level.place <= upright.high + _NEAR
    )


def _crosses(rules: Sequence[Rule], place: float, at: float) -> bool:
    return any(abs(rule.place - place) < _NEAR and rule.low - _NEAR <= at <= rule.high + _NEAR for rule in rules)


def _merge(places: Iterable[float]) -> list[float]:
    merged: list[float] = []
    for place in sorted(places):
        if not merged or place - merged[-1] > _NEAR:
            merged.append(place)
    return merged
