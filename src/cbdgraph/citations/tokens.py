"""A text as a row of tokens: numbers, signs, the words of the lexicon, and "OTHER" for all between; decides nothing.

One pass with one bounded pattern, so the time grows with the length of the text and with nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from cbdgraph.citations.lexicon import Lexicon, fold, load_lexicon, plain

_ROMAN_SIGNS: Final = "IVXivx1l\u0425\u0445\u0406\u0456\u2160-\u216b"  # with the Cyrillic letters that look the same
_LATIN: Final = "A-Za-zÀ-ɏЀ-ӿ"
_ARABIC: Final = "\u0621-\u064a\u066e-\u06d3"
_TAIL: Final = r"(?:Add|Rev|Corr)\.\s?[0-9]{1,2}(?:/(?:Add|Rev|Corr)\.\s?[0-9]{1,2}){0,3}(?:-[0-9]{1,2}(?![0-9/]))?"
_MARKS: Final = "*†‡⁰¹²³⁴-⁹"  # of footnotes
# The kinds of tokens that are no words of a language, in the order in which they are tried.
_SIGNS: Final = (
    ("DOC", r"(?<![A-Za-z0-9_/.])(?:(?i:UNEP)\s?/\s?)?(?i:CBD|CDB)(?:/[A-Za-z0-9][A-Za-z0-9.\-]{0,19}){1,9}"),
    (
        "SYM",
        rf"(?<![A-Za-zЀ-ӿ0-9_/.])(?:(?:BS|CP|NP|[СC][РP])\s?[-/]?\s?)?(?:[{_ROMAN_SIGNS}]{{1,7}}|[0-9]{{1,2}})\s{{0,2}}/\s{{0,2}}"
        r"(?:[0-9]{1,3}|[IVX]{1,6})(?=[A-Z]?(?![A-Za-z0-9_/]))",
    ),
    ("SYM", r"(?<![A-Za-zЀ-ӿ0-9_/.-])[IVX]{1,6}-[0-9]{1,2}(?![A-Za-z0-9_/.-])"),
    # What a list of documents goes on with: "Add.1-3", "INF/18", "24/3/Add.1".
    (
        "TAIL",
        rf"(?<![A-Za-z]){_TAIL}|(?<![A-Za-z0-9/.])(?:INF/[0-9]{{1,3}}(?:/{_TAIL}|-[0-9]{{1,3}}(?![0-9/]))?|[0-9]{{1,2}}/[0-9]{{1,3}}/{_TAIL})",
    ),
    ("LONG", r"[0-9]{5,}"),
    ("OTHER", r"[0-9]+(?:[.,][0-9]{1,6}){0,4}\s?[%％]"),
    (
        "NUMBIS",
        r"(?<![0-9A-Za-z_])(?<![0-9]\.)[0-9]{1,3}\s?(?i:bis|ter|quater|quinquies|бис|тер|مكررا?)(?![A-Za-zЀ-ӿ\u0621-\u064a])",
    ),
    ("NUMLET", r"(?<![A-Za-z0-9_])(?<![0-9]\.)[0-9]{1,3}[a-z](?![A-Za-z0-9])"),
    ("NUM", r"(?<![0-9A-Za-z_])(?<![0-9]\.)[0-9]{1,4}(?:\.[0-9]{1,3}){0,4}(?![0-9A-Za-z_])"),
    ("BR", r"\(\s?(?:[ivxIVX]{1,6}|[a-z]|aa|bb|cc|dd|ee|ff|[A-Z]|[0-9]{1,2}|NUMERALS|LETTERSـ?)\s?\)"),
    ("BR", r"(?<![A-Za-z0-9_(])(?:[ivx]{1,5}|[a-z])\)"),
    ("BR", r"(?<![\w(])LETTERSـ?\)"),
    ("BR", r"(?<=[0-9]\s)[A-Z]\)|«\s?(?:[a-z]|LETTERS)\s?»|(?:(?<=\))|(?<=\)\s))'[0-9]{1,2}'"),
    ("LETNUM", r"(?<![A-Za-z0-9_])[A-Z][0-9]{1,3}(?![A-Za-z0-9_])"),
    ("WORD", "WORD"),
    ("JOINED", "PROCLITICS"),
    ("ROMAN", r"(?<![A-Za-z0-9_])[IVX]{1,6}(?![A-Za-z0-9_])"),
    ("LETTER", r"(?:(?<![A-Za-z0-9_])|(?<=/[0-9])|(?<=/[0-9][0-9]))[A-Za-z](?![A-Za-z0-9_'’])"),
    ("CJK", "NUMERALS"),
    ("MARK", rf"(?<=\S)(?:[{_MARKS}]{{1,3}}|\(\*{{1,3}}\))|(?:(?<=/[0-9])|(?<=/[0-9][0-9]))\s?\[[0-9]{{1,2}}\]"),
    ("BREAK", r"[^\S\n]*\n\s*\n|\|"),
    ("LP", r"\("),
    ("RP", r"\)"),
    ("SEMI", r"[;]"),
    ("SEP", r"[,、]"),
    ("DASH", r"[-–—－―‐‑~～]{1,3}"),
    ("DOT", r"[.。．]"),
    ("COLON", r"[:]"),
    ("SPACE", r"\s+"),
    # A word that the lexicon does not know, and signs that begin nothing: swallowed whole, for speed.
    ("JUNK", rf"(?:[{_LATIN}]+|[{_ARABIC}]+)[ \t]*"),
    ("JUNK", rf"[^{_LATIN}{_ARABIC}0-9\sFIRST]+"),
)
# The least that stands in every number of a decision or a document.
SYMBOL_SEED: Final = rf"[0-9{_ROMAN_SIGNS}]\s{{0,2}}/\s{{0,2}}[0-9IVX]|(?i:CBD|CDB)/|[IVX]-[0-9]"
_AGAIN: Final = {"бис": "bis", "тер": "ter", "مكرر": "bis", "مكررا": "bis"}
# Cyrillic letters that are typed for the Latin ones that they look like.
_LOOKALIKES: Final = dict(zip("аеосрхуі", "aeocpxyi", strict=True))


class Token(NamedTuple):
    """A piece of text from `start` to `end`; `value` is its meaning for words, its plain form for numbers.

    `generic`, `held` and `form` are those of the word; an item's letter of another script that may be
    misread is `generic`.
    """

    kind: str
    start: int
    end: int
    text: str
    value: str = ""
    generic: bool = False
    held: bool = False
    form: str = ""


END: Final = Token("END", 0, 0, "")  # what stands beyond the last token


def scan(
    text: str, lexicon: Lexicon, start: int = 0, end: int | None = None, signs: str | None = None
) -> tuple[Token, ...]:
    """All tokens of a stretch of text but blanks; what no pattern knows is one OTHER token.

    `signs` is `plain(text)`, where the caller has it already.

    >>> [(t.kind, t.value) for t in scan("第X/29号决定第13段", load_lexicon("zh"))][:4]
    [('ORD', 'ordinal'), ('SYM', 'X/29'), ('HAO', 'number_sign'), ('NOUN', 'decision')]
    """
    end = len(text) if end is None else end
    return tuple(_scan(text[start:end], (signs or plain(text))[start:end], lexicon, start))


def _scan(text: str, signs: str, lexicon: Lexicon, offset: int) -> Iterator[Token]:
    done = depth = closed = 0
    for match in _pattern(lexicon.language).finditer(signs):
        kind = _KIND_OF_GROUP[match.lastgroup or ""]
        if kind in _SKIPPED or match.start() < closed:
            continue
        word = match[0]
        if match.start() > done and (other := _other(text, done, match.start(), offset)):
            yield other
        done = match.end()
        words = text[match.start() : done]
        start, end = match.start() + offset, done + offset
        if kind == "MARK":
            continue  # the mark of a footnote says nothing and parts nothing
        if kind in _DEPTHS:
            depth = max(depth + _DEPTHS[kind], 0) if kind != "BREAK" else 0
        elif kind == "NUMLET" and not depth and signs[done : done + 1] == ")":
            done = closed = done + 1  # "статья 8j)": it closes nothing else
            words, end = text[match.start() : done], end + 1
        if kind == "WORD":
            known = lexicon.words.get(word) or lexicon.words.get(fold(word))
            if known is None or (known.kind == "SET" and known.value.endswith("?") and words.islower()):
                yield Token("OTHER", start, end, words)  # "framework" is no name
            elif _is_letter(word, signs, done):
                yield Token("LETTER", start, end, words, word)
            else:
                yield Token(known.kind, start, end, words, known.value, known.generic, known.held, known.form)
        elif kind == "JOINED":
            known = lexicon.proclitics[word]
            yield Token(known.kind, start, end, words, known.value)
        elif kind == "BR":
            yield _bracketed(lexicon, start, end, words, word.strip("()ـ«»' \n\t"))
        elif kind == "SYM":
            yield Token(kind, start, end, words, unicodedata.normalize("NFKC", re.sub(r"\s", "", word)))
        elif kind == "NUMBIS":
            number, again = re.fullmatch(r"([0-9]+)\s?(.+)", word.lower()).groups()  # type: ignore[union-attr]
            yield Token("NUM", start, end, words, number + _AGAIN.get(again, again))
        else:
            yield Token("OTHER" if kind == "LONG" else kind, start, end, words, word)
    if other := _other(text, done, len(text), offset):
        yield other


def _is_letter(word: str, signs: str, end: int) -> bool:
    """Whether a capital is a label although it is a word too: "VIII/4 A", and not "ANNEXE A LA DECISION"."""
    after = signs[end + 1 : end + 3]
    return len(word) == 1 and word.isascii() and word.isupper() and not (after.isupper() and after.isalpha())


def _bracketed(lexicon: Lexicon, start: int, end: int, words: str, label: str) -> Token:
    """A label in brackets; letters of another script are the Latin ones of the same rank."""
    if label in lexicon.letters:
        latin = _LOOKALIKES.get(label) or chr(ord("a") + lexicon.letters.index(label))
        return Token("BR", start, end, words, latin, not lexicon.letters_sure)
    return Token("BR", start, end, words, label)


def _other(text: str, start: int, end: int, offset: int) -> Token | None:
    words = text[start:end]
    stripped = words.strip()
    if not stripped:
        return None
    start += len(words) - len(words.lstrip()) + offset
    return Token("OTHER", start, start + len(stripped), stripped)


_SKIPPED: Final = frozenset({"SPACE", "JUNK"})
_DEPTHS: Final = {"LP": 1, "RP": -1, "BREAK": 0}
# Group names must be unique in a pattern: the kind and its place in the table.
_KIND_OF_GROUP: Final = {f"{kind}_{place}": kind for place, (kind, _) in enumerate(_SIGNS)}


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """The one pattern of a language: the signs above with the lexicon's words among them, longest word first."""
    lexicon = load_lexicon(language)
    numerals = f"[{lexicon.numerals}]{{1,3}}" if lexicon.numerals else r"(?!)"
    joined = "".join(lexicon.proclitics)
    first = _first(lexicon.words) + joined
    known = words_pattern(lexicon, lexicon.words)
    single = rf"(?<![{_ARABIC}])"
    parts = {
        "WORD": known,
        # A letter that is written together with the next word: the "and" of والمقرر.
        "PROCLITICS": rf"{single}[{joined}](?=[{joined}]?{known})|(?<={single}[{joined}])[{joined}](?={known})"
        if joined
        else r"(?!)",
        "NUMERALS": numerals,
        "LETTERS": f"[{lexicon.letters}]" if lexicon.letters else r"(?!)",
        "FIRST": first + lexicon.numerals + lexicon.letters + _MARKS + r"\u2160-\u216b()\[\],;:.|、。．~～‐‑–—－―-",
    }
    groups = []
    for place, (kind, pattern) in enumerate(_SIGNS):
        for name, part in parts.items():
            pattern = pattern.replace(name, part)
        groups.append(f"(?P<{kind}_{place}>{pattern})")
    # One look tells whether any of the rows that begin with a digit is worth a try.
    kinds = [kind for kind, _ in _SIGNS]
    low, high = kinds.index("LONG"), kinds.index("NUM") + 1
    digits = f"(?=[0-9])(?:{'|'.join(groups[low:high])})"
    return re.compile("|".join([*groups[:low], digits, *groups[high:]]))


def words_pattern(lexicon: Lexicon, words: Iterable[str]) -> str:
    """A pattern that matches the longest of these words of a lexicon, with what they share at the front said once."""
    joined = "".join(lexicon.proclitics)
    root: _Node = {}
    for word in words:
        node = root
        for sign in word:
            node = node.setdefault(sign, {})
        node[""] = {}
    starts = [_before(sign, joined) + _sign(sign) + _rest(node, sign, joined) for sign, node in sorted(root.items())]
    return f"(?=[{_first(root)}])(?i:{'|'.join(starts)})" if starts else "(?!)"


_Node = dict[str, Any]  # a tree of signs; the sign "" ends a word


def _rest(node: _Node, last: str, joined: str) -> str:
    """What may follow a sign inside the words, longer words first, and then the edge of a word."""
    ways = [_sign(sign) + _rest(below, sign, joined) for sign, below in sorted(node.items()) if sign]
    if "" in node:
        ways.append(_after(last, joined))
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


def _sign(sign: str) -> str:
    return r"\s{1,3}" if sign == " " else re.escape(sign)


def _first(words: Iterable[str]) -> str:
    """The signs that words begin with, in both cases, as the inside of a class."""
    return re.escape("".join(sorted({sign for word in words for sign in word[0] + word[0].upper()})))


def _before(sign: str, joined: str) -> str:
    """No letter stands before a word where the script has blanks, but the letters that are written onto the next."""
    if sign.isalpha() and sign < "\u0600":
        return rf"(?<![{_LATIN}0-9_])"
    if not (joined and sign.isalpha()):
        return ""
    single = rf"(?<![{_ARABIC}])"
    return rf"(?:{single}|(?<={single}[{joined}])|(?<={single}[{joined}][{joined}]))"


def _after(sign: str, joined: str) -> str:
    if not sign.isalpha():
        return ""
    return rf"(?![{_LATIN}_])" if sign < "\u0600" else rf"(?![{_ARABIC}])" if joined else ""
