"""A text as a row of units (words, numbers, signs, single Han characters), each with its place; knows no meaning.

Every unit has a key, the folded form under which a lexicon lists it. Folding is one character for one, so offsets
stay those of the text; Arabic vowel signs and the tatweel stand in the text and not in the key.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from typing import Final

# Full-width forms, odd blanks, apostrophes, dashes; forms of alef, yeh and teh marbuta; Arabic-Indic digits.
_FOLD: Final = (
    {0xFF01 + i: chr(0x21 + i) for i in range(94)}
    | dict.fromkeys((0x3000, 0xA0, 0x202F, 0x2009), " ")
    | {ord(sign): "'" for sign in "’ʼ‘"}
    | {ord(sign): "-" for sign in "‐‑–—―－"}
    | {0x0660 + i: str(i) for i in range(10)}
    | {0x06F0 + i: str(i) for i in range(10)}
    | {ord(sign): "ا" for sign in "أإآ"}
    | {ord("ى"): "ي", ord("ة"): "ه", ord("ё"): "е", ord("İ"): "i", ord("٪"): "%", ord("؛"): ";", ord("،"): ","}
)
_SILENT: Final = "\u0610-\u061a\u0640\u064b-\u065f\u0670\u0300-\u036f\u200e\u200f"
_HAN: Final = "\u3400-\u9fff"


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a text as columns: the key of each and where it starts and ends."""

    text: str
    keys: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def fold(text: str) -> str:
    """The form in which words are compared; as long as the text itself.

    >>> fold("Ｐarties’ الأمانة ١٥٪")
    "parties' الامانه 15%"
    """
    folded = text.translate(_FOLD).lower()
    return folded if len(folded) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def split(text: str, groups: str, decimals: str, prefixes: str = "", known: Set[str] = frozenset()) -> Units:
    """The units of a text; `groups` and `decimals` are the signs that stand inside numbers.

    A word that is not `known` and begins with one of `prefixes` before a word that is, is two units (Arabic "and").

    >>> split("at least 1,500 ha", ", ", ".").keys
    ('at', 'least', '1,500', 'ha')
    >>> split("至少15％", ", ", ".").keys
    ('至', '少', '15', '%')
    """
    folded = fold(text)
    keys: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _pattern(groups, decimals).finditer(folded):
        start, end, key = match.start(), match.end(), match[0]
        if match.lastgroup == "word":
            key = _silence(key)
            if not key:
                continue
            while key not in known and key[:1] and key[0] in prefixes and _leads_on(key, prefixes, known):
                stop = start + 1
                while stop < end and _silence(folded[stop]) == "":
                    stop += 1
                keys.append(key[0])
                starts.append(start)
                ends.append(stop)
                start, key = stop, key[1:]
        elif match.lastgroup == "break":
            key = "\n"
        keys.append(key)
        starts.append(start)
        ends.append(end)
    return Units(text, tuple(keys), tuple(starts), tuple(ends))


def _leads_on(key: str, prefixes: str, known: Set[str]) -> bool:
    """Whether a known word stands behind one or two prefixes."""
    return key[1:] in known or (len(key) > 2 and key[1] in prefixes and key[2:] in known)


def _silence(key: str) -> str:
    return _silent().sub("", key)


@cache
def _silent() -> re.Pattern[str]:
    return re.compile(f"[{_SILENT}]")


@cache
def _pattern(groups: str, decimals: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<number>[0-9]{{1,3}}(?:[{re.escape(groups)}][0-9]{{3}}){{1,5}}(?![0-9])(?:[{re.escape(decimals)}][0-9]{{1,6}})?"
        rf"|[0-9]+(?:[{re.escape(decimals)}][0-9]{{1,6}})?)"
        rf"|(?P<word>[^\W\d_{_HAN}](?:[^\W\d_{_HAN}]|[{_SILENT}])*)"
        r"|(?P<break>\n[ \t\r]{0,40}\n)"
        r"|\S"
    )
