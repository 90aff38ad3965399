"""The words that citations are made of, by language: a TOML file in, an immutable table out; knows no structure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from cbdgraph.errors import InvalidName
from cbdgraph.locators import LEVELS
from cbdgraph.symbols import BODIES

# What each list of `[particles]` makes of its words; a key that is not here is a slip in the file.
_PARTICLES: Final = {
    "ordinal": "ORD",
    "number_sign": "HAO",
    "and": "AND",
    "to": "TO",
    "of": "OF",
    "filler": "FILL",
    "including": "INCL",
    "about": "ABOUT",
    "related": "RELATED",
    "same": "SAME",
    "same_if_placed": "SAMEIF",
    "reflected": "REFLECTED",
    "convention": "CONV",
    "other_treaty": "TREATY",
    "stop": "OTHER",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word or phrase: the kind of token it makes and what that token means (a level, a body, a noun)."""

    kind: str
    value: str
    generic: bool = False


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All words of a language, by their folded form, and the few ways in which languages order citations."""

    language: str
    words_have_spaces: bool
    session_first: bool
    holder_first: bool
    numerals: str
    scripts: str
    words: Mapping[str, Word]
    needs_usage: frozenset[str]

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Lexicon:
        """A lexicon from the tables of its file; `InvalidName` for a level, body or key that does not exist."""
        words: dict[str, Word] = {}

        def add(texts: list[str], kind: str, value: str, generic: bool = False) -> None:
            for text in texts:
                words[fold(text)] = Word(kind, value, generic)

        for key, texts in table["particles"].items():
            if key not in _PARTICLES:
                raise InvalidName("lexicon key", key, f"expected one of {', '.join(_PARTICLES)}")
            add(texts, _PARTICLES[key], key)
        for noun, texts in table["nouns"].items():
            add(texts, "DOCNOUN" if noun == "document" else "NOUN", noun)
        for body, texts in table["bodies"].items():
            if body not in BODIES:
                raise InvalidName("body", body, f"expected one of {', '.join(BODIES)}")
            add(texts, "BODY", body)
        for key, kind in (("label_before", "POST"), ("label_after", "PRE")):
            for level, texts in table[key].items():
                if level not in LEVELS:
                    raise InvalidName("level", level, "expected a level of cbdgraph.locators")
                add(texts, kind, level)
        for text, level in table["generic"].items():
            add([text], "PRE", level, generic=True)
        return cls(
            language=table["language"],
            words_have_spaces=table["words_have_spaces"],
            session_first=table["session_first"],
            holder_first=table["holder_first"],
            numerals=table["numerals"],
            scripts=table["scripts"],
            words=MappingProxyType(words),
            needs_usage=frozenset(map(fold, table["needs_usage"]["words"])),
        )

    def number_of(self, numeral: str) -> int:
        """The value of a numeral written in this language's own digits, 0 when it is none.

        >>> [load_lexicon("zh").number_of(numeral) for numeral in ("三", "十二", "二十", "段")]
        [3, 12, 20, 0]
        """
        if not numeral or not set(numeral) <= set(self.numerals):
            return 0
        values = [self.numerals.index(sign) + 1 for sign in numeral]
        match values:
            case [one]:
                return one
            case [10, ones] if ones < 10:
                return 10 + ones
            case [tens, 10] if tens < 10:
                return tens * 10
            case [tens, 10, ones] if tens < 10 and ones < 10:
                return tens * 10 + ones
        return 0


def fold(text: str) -> str:
    """The form under which a word is looked up: lower case, single blanks."""
    return " ".join(text.lower().split())


def languages() -> tuple[str, ...]:
    """The languages that have a lexicon.

    >>> "en" in languages() and "zh" in languages()
    True
    """
    folder = files(__package__).joinpath("lexicons")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def load_lexicon(language: str) -> Lexicon:
    """The lexicon of a language, read once; `InvalidName` for a language that has none."""
    if language not in languages():
        raise InvalidName("language of citations", language, f"there are lexicons for {', '.join(languages())}")
    text = files(__package__).joinpath("lexicons", f"{language}.toml").read_text(encoding="utf-8")
    return Lexicon.parse(tomllib.loads(text))


def guess_language(text: str) -> str:
    """The language of a short citation from its script; English for one that is only numbers and signs.

    >>> guess_language("第X/29号决定第13段"), guess_language("XI/16 para 5(d)")
    ('zh', 'en')
    """
    counts = {
        language: len(re.findall(f"[{load_lexicon(language).scripts}]", text))
        for language in languages()
        if language != "en"
    }
    best = max(counts, key=lambda language: counts[language], default="en")
    return best if counts.get(best) else "en"
