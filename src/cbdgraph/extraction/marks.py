"""A text as sentences of marks: phrases of a lexicon, numbers, signs, and any other word; decides nothing.

One pass over the units of the text, the longest phrase first, so the time grows with the length of the text alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cbdgraph.extraction.lexicon import Lexicon, Phrases, Word
from cbdgraph.extraction.units import Units, split

_SIGNS: Final = {",": "comma", "、": "comma", ";": "semicolon", ":": "colon", "(": "left", ")": "right"}
_QUOTES: Final = frozenset('"“”«»„‟「」『』')
_ENDS: Final = frozenset("。!?؟\n")
_PLAIN: Final = {kind: Word(kind) for kind in (*_SIGNS.values(), "quote", "end", "sign", "number", "other")}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: `text[start:end] == quote`."""

    start: int
    end: int
    quote: str

    @classmethod
    def cut(cls, text: str, start: int, end: int) -> Span:
        """The piece between two offsets without the blanks around it.

        >>> Span.cut("to act ", 2, 7)
        Span(start=3, end=6, quote='act')
        """
        quote = text[start:end]
        start += len(quote) - len(quote.lstrip())
        quote = quote.strip()
        return cls(start, start + len(quote), quote)


@dataclass(frozen=True, slots=True)
class Mark:
    """A phrase, number, sign or other word from `start` to `end`; `key` is its folded form."""

    word: Word
    key: str
    start: int
    end: int

    @property
    def kind(self) -> str:
        """What the phrase is, or comma, quote, number, other …"""
        return self.word.kind


def scan(text: str, lexicon: Lexicon, phrases: Phrases) -> tuple[tuple[Mark, ...], ...]:
    """The sentences of a text as marks; the sign that ends a sentence is the last mark of it."""
    units = split(text, lexicon.groups, lexicon.decimals, lexicon.prefixes, lexicon.known)
    sentences: list[tuple[Mark, ...]] = []
    sentence: list[Mark] = []
    for mark in _marks(units, lexicon, phrases):
        sentence.append(mark)
        if mark.kind == "end":
            sentences.append(tuple(sentence))
            sentence = []
    return (*sentences, tuple(sentence))


def _marks(units: Units, lexicon: Lexicon, phrases: Phrases) -> Iterator[Mark]:
    keys, starts, ends = units.keys, units.starts, units.ends
    at, count = 0, len(keys)
    while at < count:
        key = keys[at]
        for phrase, word in phrases.get(key, ()):
            after = at + len(phrase)
            if len(phrase) == 1 or keys[at:after] == phrase:
                yield Mark(word, " ".join(phrase), starts[at], ends[after - 1])
                at = after
                break
        else:
            yield Mark(_PLAIN[_plain(units, at, lexicon)], key, starts[at], ends[at])
            at += 1


def _plain(units: Units, at: int, lexicon: Lexicon) -> str:
    key = units.keys[at]
    if key in _SIGNS:
        return _SIGNS[key]
    if key in _ENDS or (key == "." and _ends_sentence(units, at, lexicon)):
        return "end"
    if key in _QUOTES:
        return "quote"
    if key[0].isdecimal():
        return "number"
    return "other" if key[0].isalpha() else "sign"


def _ends_sentence(units: Units, at: int, lexicon: Lexicon) -> bool:
    """Whether a full stop ends a sentence: not after "para." or a paragraph's own number, not inside "Add.2"."""
    if at + 1 == len(units.keys):
        return True
    following = units.text[units.starts[at + 1]]
    if not at or (units.starts[at + 1] == units.ends[at] and following not in "”»\"')"):
        return False
    if units.keys[at - 1] in lexicon.abbreviations or (units.keys[at - 1][0].isdecimal() and _begins(units, at - 1)):
        return False
    return not (lexicon.has_case and following.islower())


def _begins(units: Units, at: int) -> bool:
    """Whether a unit is the first one, or follows the end of a sentence."""
    return at == 0 or units.keys[at - 1] in _ENDS or units.keys[at - 1] == "."
