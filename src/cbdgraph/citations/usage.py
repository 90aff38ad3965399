"""What single decisions call their parts: the table `usage.toml` in, levels with their sources out; reads no text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from cbdgraph.citations.lexicon import fold
from cbdgraph.errors import InvalidName
from cbdgraph.locators import LEVELS, Locator
from cbdgraph.symbols import Symbol

_SURE: Final = frozenset({"seen", "indirect", "reading"})


@dataclass(frozen=True, slots=True)
class Usage:
    """The level that one decision gives to one word; `sure` is "seen", "indirect" or "reading"."""

    decision: str
    word: str
    level: str
    source: str
    sure: str
    under: str = ""

    def __post_init__(self) -> None:
        if self.sure not in _SURE:
            raise InvalidName("sureness", self.sure, f"expected one of {', '.join(sorted(_SURE))}")
        if self.level not in LEVELS and self.level not in {"roman", "letter"}:
            raise InvalidName("level", self.level, "expected a level of cbdgraph.locators")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a place in one decision is less than certain: its outermost `level`, numbers over `above`, inner level."""

    decision: str
    level: str
    reason: str
    source: str
    above: int = 0
    inner: str = ""

    def applies_to(self, locator: Locator) -> bool:
        """Whether this doubt is about that place."""
        if not locator or locator.steps[0].level != self.level:
            return False
        label = locator.steps[0].label
        if self.above and not (label.isdigit() and int(label) > self.above):
            return False
        return not self.inner or any(step.level == self.inner for step in locator.steps)


def find_usage(symbol: Symbol, word: str) -> Usage | None:
    """What a decision means by a word, None where the table does not know.

    >>> usage = find_usage(Symbol("cop", 7, 28), "目标")
    >>> usage.level, usage.sure
    ('goal', 'seen')
    """
    return _usages().get((_key(symbol), fold(word)))


def find_doubts(symbol: Symbol, locator: Locator) -> tuple[str, ...]:
    """Why a place in that decision may be another than it seems; empty where nothing is known against it."""
    return tuple(doubt.reason for doubt in _doubts().get(_key(symbol), ()) if doubt.applies_to(locator))


def _key(symbol: Symbol) -> str:
    return f"{symbol.body}/{symbol.session}/{symbol.number}"


@cache
def _usages() -> Mapping[tuple[str, str], Usage]:
    rows = [
        Usage(word=word, **{key: value for key, value in row.items() if key not in {"word", "words"}})
        for row in _tables()["usage"]
        for word in row.get("words", [row.get("word", "")])
    ]
    return MappingProxyType({(row.decision, fold(row.word)): row for row in rows})


@cache
def _doubts() -> Mapping[str, tuple[Doubt, ...]]:
    found: dict[str, tuple[Doubt, ...]] = {}
    for row in _tables()["doubt"]:
        doubt = Doubt(**row)
        found[doubt.decision] = (*found.get(doubt.decision, ()), doubt)
    return MappingProxyType(found)


@cache
def _tables() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(files(__package__).joinpath("usage.toml").read_text(encoding="utf-8"))
