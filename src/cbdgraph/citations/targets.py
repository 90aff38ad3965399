"""Tokens in, the targets and goals of named sets out: "Aichi Targets 5 and 11"; knows no decisions.

The label decides what is meant before the word does, which languages use in different ways: a number is a target,
a letter a goal. Only the plant strategy numbers its objectives too: by Roman numerals, or after another word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.citations.labels import spread_labels
from cbdgraph.citations.parts import PartReader
from cbdgraph.citations.terminals import Terminal
from cbdgraph.citations.tokens import Token
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint
from cbdgraph.symbols import parse_roman

KMGBF: Final = "http://metadata.cbd.int/kmgbf/"  # the Secretariat's own IRIs
# How many targets a set has, and its goals (letters) or objectives (numerals).
_SIZES: Final = {"aichi": (20, "ABCDE"), "gspc-2010": (16, ""), "gspc-2002": (16, ""), "kmgbf": (23, "ABCD")}
_OBJECTIVES: Final = 5
_EDITIONS: Final = ("gspc-2010", "gspc-2002")
_THEMES: Final = frozenset({"goal", "objective", "target"})
_LABELS: Final = frozenset({"NUM", "NUMBIS", "ROMAN", "LETTER", "CJK"})
_LISTS: Final = frozenset({"SEP", "AND", "TO", "DASH", "FILL"})
_LONGEST_BRACKET: Final = 16  # tokens
_FARTHEST: Final = 80  # tokens of a list that stands before the name of its set


@dataclass(frozen=True, slots=True)
class Target:
    """One named target: its IRI (None if the set has no such one), those of other readings, its words, its doubt."""

    iri: str | None
    others: tuple[str, ...]
    start: int
    end: int
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Targets that are named together, by tokens `first` to `last` (exclusive)."""

    first: int
    last: int
    sets: tuple[str, ...]
    targets: tuple[Target, ...]


class TargetReader:
    """Reads the targets of a row of tokens; each token is looked at a bounded number of times."""

    def __init__(self, reader: PartReader) -> None:
        self.tokens, self.reader = reader.tokens, reader

    def find_named(self) -> list[Group]:
        """Targets whose set stands beside them."""
        found: list[Group] = []
        done = 0
        for i, token in enumerate(self.tokens):
            if token.kind != "SET" or i < done:
                continue
            group = self._after(i, done) or self._before(i, done)
            if group is not None:
                found.append(group)
                done = group.last
        return found

    def find_carried(self, taken: Sequence[bool]) -> Iterator[Group]:
        """Targets without a set of their own, after one was named in the same paragraph; `taken` tokens are none."""
        sets: dict[str, None] = {}
        skip = 0
        for i, token in enumerate(self.tokens):
            if token.kind == "BREAK" and "\n" in token.text:
                sets = {}
            if token.kind in {"SET", "TARGETS"}:
                sets |= dict.fromkeys(name.split()[0].rstrip("?") for name in token.value.split(","))
            if i < skip or not sets or taken[i] or not self._is_theme(token):
                continue
            labels, last = self.reader.read_labels(i + 1)
            if not labels or any(taken[i:last]):
                continue
            doubt = f"“{token.text}” names no set; {_name(list(sets)[-1])} was named before"
            if len(sets) > 1:
                doubt = "?" + doubt + ", and so were others"
            targets = self._read(tuple(reversed(sets)), labels, token.value, token.start, doubt)
            if targets:
                skip = last
                yield Group(i, last, tuple(sets), targets)

    def _after(self, i: int, done: int) -> Group | None:
        """ "Aichi Targets 5 and 11", "objectifs d'Aichi 5 et 11": numbers after the name."""
        name, *level = self.tokens[i].value.split()
        first, k = i, i + 1
        if i > done and self._is_theme(self.tokens[i - 1]):
            first, level = i - 1, [self.tokens[i - 1].value]
        skipped = {"FILL", "COLON", "SEP"} | ({"OF"} if self.reader.lexicon.holder_first else set())
        while self.reader.at(k).kind in skipped and k < i + 4:
            k += 1
        if self._is_theme(self.reader.at(k)):
            labels, last = self.reader.read_labels(k + 1)
            level = [self.reader.at(k).value]
            if self.reader.at(k - 1).kind == "SEP" and self.reader.at(last).kind in {"OF", "SET"}:
                return None  # "… of the GSPC, target 4 of the Framework"
        elif level:
            labels, last = self.reader.read_labels(i + 1)
        else:
            return None
        targets = self._read((name,), labels, level[0], self.tokens[first].start, "")
        # "Aichi Targets 5 and 11 and Strategic Goal D"
        while targets and (k := self._past_joint(last)) > last and self._is_theme(self.reader.at(k)):
            more, end = self.reader.read_labels(k + 1)
            if not more or self.reader.at(end).kind in {"OF", "SET"}:
                break
            targets += self._read((name,), more, self.tokens[k].value, self.tokens[k].start, "")
            last = end
        return Group(first, last, (name,), targets) if targets else None

    def _before(self, i: int, done: int) -> Group | None:
        """ "Goal A and Targets 3 and 4 of the Framework": numbers before the name."""
        name = self.tokens[i].value.split()[0]
        end = i
        while end > done and self.tokens[end - 1].kind in {"FILL", "BODY"}:
            end -= 1
        if end > done and (self.tokens[end - 1].kind in {"OF", "SEP"} or self.tokens[end - 1].value == "to_of"):
            end -= 1
        if end > done and self.tokens[end - 1].kind == "OF":
            end -= 1
        end = self._before_brackets(end, done)
        targets: tuple[Target, ...] = ()
        first = i
        while True:
            theme = self._theme_before(end, done)
            if theme < 0:
                break
            labels, last = self.reader.read_labels(theme + 1)
            if not labels or last != end:
                break
            word = self.tokens[theme]
            targets = (*self._read((name,), labels, word.value, word.start, ""), *targets)
            first = end = theme
            while end > done and self.tokens[end - 1].kind in _LISTS:
                end -= 1
        return Group(first, i + 1, (name,), targets) if targets else None

    def _before_brackets(self, end: int, done: int) -> int:
        """The place before what stands in brackets after a number: "Target 3 (30x30) of the Framework"."""
        if end <= done or self.tokens[end - 1].kind != "RP":
            return end
        for k in range(end - 2, max(done, end - _LONGEST_BRACKET), -1):
            if self.tokens[k].kind in {"RP", "BREAK"}:
                break
            if self.tokens[k].kind == "LP":
                return k
        return end

    def _theme_before(self, end: int, done: int) -> int:
        """The level word before a list of labels that ends at `end`; -1 if there is none."""
        k = end - 1
        while k >= max(done, end - _FARTHEST) and (
            self.tokens[k].kind in _LABELS | _LISTS or self.reader.opens_range(k)
        ):
            k -= 1
        return k if k >= done and k < end - 1 and self._is_theme(self.tokens[k]) else -1

    def _past_joint(self, i: int) -> int:
        k = i
        while k < i + 3 and self.reader.at(k).kind in {"AND", "SEP", "FILL", "SEMI"}:
            k += 1
        return k

    def _is_theme(self, token: Token) -> bool:
        return token.kind == "PRE" and token.value in _THEMES

    def _read(
        self, sets: tuple[str, ...], labels: list[Terminal], level: str, start: int, doubt: str
    ) -> tuple[Target, ...]:
        chains: list[list[Terminal]] = []
        ranges: set[int] = set()
        for label in labels:
            if label.type == "LJ":
                if "range" in label.flags:
                    ranges.add(len(chains))
            elif label.type == "LABEL":
                chains.append([label])
        found: list[Target | None] = []
        for first, last, (label, *_), _ in spread_labels(chains, ranges):
            begin = start if not found else first.start
            found.append(_target(sets, label, level, begin, max(last.end, first.end), doubt))
        return tuple(target for target in found if target is not None)


def _target(sets: tuple[str, ...], label: Terminal, level: str, start: int, end: int, doubt: str) -> Target | None:
    names = [other for name in sets for other in (_EDITIONS if name.rstrip("?") == "gspc" else (name.rstrip("?"),))]
    reasons = [doubt] if doubt else []
    if len(sets) == 1:
        if sets[0].endswith("?"):
            reasons.append(f"the name can mean others than {_name(sets[0])}")
        elif sets[0] == "gspc":
            reasons.append("?the edition of the plant strategy is not named: both number their targets alike")
    iris = [iri for name in names if (iri := _mint(name, label, level))]
    if not iris:
        if label.kind == "LETTER" and (label.value.islower() or len(names) > 1):
            return None
        return Target(None, (), start, end, f"{_name(names[0])} has no target or goal {label.value}")
    return Target(iris[0], tuple(iris[1:]), start, end, "; ".join(reasons))


def _mint(name: str, label: Terminal, level: str) -> str:
    """The IRI of a target, goal or objective; empty if the set has none of that label."""
    targets, goals = _SIZES[name]
    value = label.value
    if value.isdigit() and not goals and level != "target":
        return mint(f"objective/{name}/{int(value)}") if 1 <= int(value) <= _OBJECTIVES else ""
    if value.isdigit():
        if not 1 <= int(value) <= targets:
            return ""
        return f"{KMGBF}target_{int(value)}" if name == "kmgbf" else mint(f"target/{name}/{int(value)}")
    if not goals:
        try:
            number = parse_roman(value) if value.isupper() else 0
        except InvalidName:
            return ""
        return mint(f"objective/{name}/{number}") if 1 <= number <= _OBJECTIVES else ""
    # A letter that the lexicon spells (Arabic dal) has no capital.
    letter = value.upper() if value.isupper() or not label.text.isascii() else ""
    if not letter or letter not in goals:
        return ""
    return f"{KMGBF}goal_{letter}" if name == "kmgbf" else mint(f"goal/{name}/{letter.lower()}")


def _name(key: str) -> str:
    name = key.split()[0].rstrip("?")
    return {"aichi": "the Strategic Plan 2011-2020", "kmgbf": "the Kunming-Montreal framework"}.get(
        name, "the plant strategy"
    )
