"""A text as a row of tokens: numbers, signs, the words of the lexicon, and "OTHER" for all between; decides nothing.

One pass with one bounded pattern, so the time grows with the length of the text and with nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from cbdgraph.citations.lexicon import Lexicon, fold, load_lexicon

# Full-width forms and odd blanks, one character for one, so that offsets stay those of the text.
_NARROW: Final = {0xFF01 + i: 0x21 + i for i in range(94)} | dict.fromkeys((0x3000, 0xA0, 0x202F, 0x2009), 0x20)

_ROMAN_SIGNS: Final = "IVXivx1l\u2160-\u216b"
# The kinds of tokens that are no words of a language, in the order in which they are tried.
_SIGNS: Final = (
    ("DOC", r"(?<![A-Za-z0-9_/.])(?:(?i:UNEP)\s?/\s?)?(?i:CBD)(?:/[A-Za-z0-9][A-Za-z0-9.\-]{0,19}){1,9}"),
    (
        "SYM",
        rf"(?<![A-Za-z0-9_/.])(?:(?:BS|CP|NP)\s?[-–—/]?\s?)?(?:[{_ROMAN_SIGNS}]{{1,7}}|[0-9]{{1,2}})\s{{0,2}}/\s{{0,2}}"
        r"(?:[0-9]{1,3}|[IVX]{1,6})(?![A-Za-z0-9_/])",
    ),
    ("LONG", r"[0-9]{5,}"),
    ("OTHER", r"[0-9]+(?:[.,][0-9]{1,6}){0,4}\s?[%％]"),
    ("BR", r"\(\s?(?:[ivxIVX]{1,6}|[a-z]|aa|bb|cc|dd|ee|ff|[A-Z]|[0-9]{1,2}|NUMERALS)\s?\)"),
    ("BR", r"(?<![A-Za-z0-9_(])(?:[ivx]{1,5}|[a-z])\)"),
    ("NUMLET", r"(?<![A-Za-z0-9_.])[0-9]{1,3}[a-z](?![A-Za-z0-9])"),
    ("NUM", r"(?<![0-9A-Za-z_.])[0-9]{1,4}(?:\.[0-9]{1,3}){0,4}(?![0-9A-Za-z_])"),
    ("LETNUM", r"(?<![A-Za-z0-9_])[A-Z][0-9]{1,3}(?![A-Za-z0-9_])"),
    ("WORD", "WORD"),
    ("ROMAN", r"(?<![A-Za-z0-9_])[IVX]{1,6}(?![A-Za-z0-9_])"),
    ("LETTER", r"(?<![A-Za-z0-9_])[A-Za-z](?![A-Za-z0-9_'’])"),
    ("CJK", "NUMERALS"),
    ("BREAK", r"\n\s*\n|\|"),
    ("LP", r"\("),
    ("RP", r"\)"),
    ("SEMI", r"[;；]"),
    ("SEP", r"[,、，]"),
    ("DASH", r"[-–—－―‐‑~～]{1,3}"),
    ("DOT", r"[.。．]"),
    ("COLON", r"[:：]"),
    ("SPACE", r"\s+"),
    # A word that the lexicon does not know, and signs that begin nothing: swallowed whole, for speed.
    ("JUNK", r"[A-Za-zÀ-ɏЀ-ӿ]+"),
    ("JUNK", r"[^A-Za-zÀ-ɏЀ-ӿ0-9\sFIRST]+"),
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text from `start` to `end`; `value` is its meaning for words, its plain form for numbers."""

    kind: str
    start: int
    end: int
    text: str
    value: str = ""
    generic: bool = False


def scan(text: str, lexicon: Lexicon) -> tuple[Token, ...]:
    """All tokens of a text but blanks; what no pattern knows is one OTHER token.

    >>> [(t.kind, t.value) for t in scan("第X/29号决定第13段", load_lexicon("zh"))][:4]
    [('ORD', 'ordinal'), ('SYM', 'X/29'), ('HAO', 'number_sign'), ('NOUN', 'decision')]
    """
    return tuple(_scan(text, lexicon))


def _scan(text: str, lexicon: Lexicon) -> Iterator[Token]:
    plain = text.translate(_NARROW)
    end = 0
    for match in _pattern(lexicon.language).finditer(plain):
        kind = _KIND_OF_GROUP[match.lastgroup or ""]
        if kind in {"SPACE", "JUNK"}:
            continue
        if match.start() > end and (other := _other(text, end, match.start())):
            yield other
        end = match.end()
        start, words = match.start(), text[match.start() : end]
        if kind == "WORD":
            word = lexicon.words.get(fold(match[0]))
            if word is None:
                yield Token("OTHER", start, end, words)
            else:
                yield Token(word.kind, start, end, words, word.value, word.generic)
        elif kind == "BR":
            yield Token(kind, start, end, words, match[0].strip("() "))
        elif kind == "SYM":
            yield Token(kind, start, end, words, unicodedata.normalize("NFKC", re.sub(r"\s", "", match[0])))
        else:
            yield Token("OTHER" if kind == "LONG" else kind, start, end, words, match[0])
    if other := _other(text, end, len(text)):
        yield other


def _other(text: str, start: int, end: int) -> Token | None:
    words = text[start:end]
    stripped = words.strip()
    if not stripped:
        return None
    start += len(words) - len(words.lstrip())
    return Token("OTHER", start, start + len(stripped), stripped)


# Group names must be unique in a pattern: the kind and its place in the table.
_KIND_OF_GROUP: Final = {f"{kind}_{place}": kind for place, (kind, _) in enumerate(_SIGNS)}


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """The one pattern of a language: the signs above with the lexicon's words among them, longest word first."""
    lexicon = load_lexicon(language)
    numerals = f"[{lexicon.numerals}]{{1,3}}" if lexicon.numerals else r"(?!)"
    words = sorted({word.translate(_NARROW) for word in lexicon.words}, key=len, reverse=True)
    first = re.escape("".join(sorted({sign for word in words for sign in word[0] + word[0].upper()})))
    parts = {
        "WORD": f"(?=[{first}])(?i:" + "|".join(map(_word, words)) + ")",
        "NUMERALS": numerals,
        "FIRST": first + lexicon.numerals + r"\u2160-\u216b()\[\],;:.|、，；：。．~～‐‑–—－―-",
    }
    groups = []
    for place, (kind, pattern) in enumerate(_SIGNS):
        for name, part in parts.items():
            pattern = pattern.replace(name, part)
        groups.append(f"(?P<{kind}_{place}>{pattern})")
    return re.compile("|".join(groups))


def _word(word: str) -> str:
    """A word as a pattern: any blanks between its parts, and no letter beside it where the script has blanks."""
    body = r"\s{1,3}".join(map(re.escape, word.split()))
    before = r"(?<![A-Za-zÀ-ɏЀ-ӿ0-9_])" if word[0].isalpha() and word[0] < "\u0600" else ""
    after = r"(?![A-Za-zÀ-ɏЀ-ӿ_])" if word[-1].isalpha() and word[-1] < "\u0600" else ""
    return before + body + after
