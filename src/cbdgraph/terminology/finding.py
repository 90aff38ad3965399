"""Names of terms and a text in, each place where the text uses a term out; knows no documents and no RDF.

The longest name wins, wherever it stands: "ecosystem restoration" is no use of the term restoration. Names that hold
a term's words and mean something else (the Convention on Biological Diversity, 恢复力) take their words away: they
stand in `other-words.toml`. A form that names several terms is one mention with `alternatives`.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from cbdgraph.model import Certainty
from cbdgraph.terminology.stems import LOOSE, NUMBER, SILENT, SMALL, fold, name_keys, word_keys
from cbdgraph.terminology.terms import Terminology

_HAN: Final = "\u3400-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_HAN}]|[^\W_{_HAN}](?:[^\W_{_HAN}]|[{SILENT}])*")
_GAP: Final = "[ \u00a0\u2000-\u200a\u202f\u3000]"
_APOSTROPHE: Final = "['’ʼ＇]"
_HYPHEN: Final = "[-\u2010\u2011－]"
_LINE: Final = rf"\r?\n{_GAP}{{0,40}}"
# What may stand between two words of one name: blanks, one line end, a hyphen or apostrophe.
_JOINT: Final = re.compile(
    rf"{_GAP}{{0,3}}(?:{_LINE})?|{_HYPHEN}(?:{_GAP}?{_LINE})?|{_APOSTROPHE}{_GAP}?|{_GAP}?–{_LINE}"
)
_BRACKETED: Final = re.compile(r"\s*(?:\([^()]*\)|（[^（）]*）)\s*$")
_LOOSE_ROW: Final = 3  # words that come and go, in a row
_NO_LOOSE: Final[frozenset[str]] = frozenset()
_LONGEST_TURNED: Final = 4
_AIM: Final = "目"  # 目的 is a word, and no 目 with 的 behind it


@dataclass(frozen=True, order=True, slots=True)
class Name:
    """A name of a term in one language; `term` is an IRI, empty for words that only look like a term."""

    term: str
    text: str
    language: str
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a text uses a term: `text[start:end] == quote`, whole words as written.

    Where the form names several terms, `term` is the one whose preferred name it is ("probable"), or the first of
    them where none or more than one is ("ambiguous"), and `alternatives` are the others.
    """

    start: int
    end: int
    quote: str
    term: str
    certainty: Certainty = "certain"
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A name as the keys of its words; `names` are all names that are written so.

    `turned` if an English name has its last word first: "restoration of ecosystems".
    """

    words: tuple[frozenset[str], ...]
    names: tuple[Name, ...]
    turned: bool


class _Word(NamedTuple):
    """What is known of a word wherever it stands."""

    keys: frozenset[str]
    loose: bool
    ends: bool  # whether no noun behind it can take it for its own: an English plural
    small: bool  # whether it is one of the English words that no name begins with


class _Token(NamedTuple):
    """A word of a text; `joined` tells whether nothing but a joint stands between it and the word before."""

    start: int
    end: int
    word: _Word
    joined: bool


@dataclass(frozen=True, slots=True)
class _Found:
    first: int
    last: int
    pattern: _Pattern
    length: int


_Written = tuple[tuple[frozenset[str], ...], bool]


class TermFinder:
    """Finds the terms of a vocabulary in texts; made once from their names, then used for any number of texts."""

    def __init__(self, names: Iterable[Name]) -> None:
        written: dict[str, dict[_Written, list[Name]]] = defaultdict(lambda: defaultdict(list))
        for name in (*names, *_other_words()):
            words = tuple(name_keys(word, name.language) for word in _words_of(name))
            if not name.term and name.text.endswith(NUMBER):
                words = (*words, frozenset({NUMBER}))
            if words:
                written[name.language][words, False].append(name)
            if name.language == "en" and name.term and 1 < len(words) <= _LONGEST_TURNED and not _has_small(name):
                written["en"][(words[-1], frozenset({"of"}), *words[:-1]), True].append(name)
        self._first: dict[str, dict[str, list[_Pattern]]] = {}
        self._keys: dict[str, frozenset[str]] = {}
        for language, rows in written.items():
            first: dict[str, list[_Pattern]] = defaultdict(list)
            for (words, turned), same in rows.items():
                pattern = _Pattern(words, tuple(same), turned)
                for key in words[0]:
                    first[key].append(pattern)
            self._first[language] = dict(first)
            self._keys[language] = frozenset(key for words, _ in rows for word in words for key in word)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which names are known, by code."""
        return tuple(sorted(self._first))

    def find(self, text: str, language: str) -> tuple[Mention, ...]:
        """All uses of terms in a text, in its order and without overlap.

        >>> finder = TermFinder([Name("urn:r", "Restoration", "en"), Name("urn:er", "Ecosystem restoration", "en")])
        >>> [(m.quote, m.term) for m in finder.find("Restoration, and ecosystem\\nrestorations.", "en")]
        [('Restoration', 'urn:r'), ('ecosystem\\nrestorations', 'urn:er')]
        """
        patterns = self._first.get(language)
        if not patterns:
            return ()
        tokens = self._tokens(text, language)
        found = sorted(_candidates(tokens, patterns), key=lambda each: (-each.length, each.first, each.last))
        taken = bytearray(len(tokens))
        spans: dict[tuple[int, int], list[Name]] = {}
        for each in found:
            span = (each.first, each.last)
            if span not in spans:
                if any(taken[each.first : each.last + 1]):
                    continue
                taken[each.first : each.last + 1] = b"\1" * (each.last + 1 - each.first)
            spans.setdefault(span, []).extend(each.pattern.names)
        return tuple(
            mention
            for (first, last), names in sorted(spans.items())
            if (mention := _mention(text, tokens[first].start, tokens[last].end, names)) is not None
        )

    def _tokens(self, text: str, language: str) -> list[_Token]:
        known = self._keys[language]
        tokens: list[_Token] = []
        before, done = "", 0
        for match in _WORD.finditer(text):
            word, (start, end) = match[0], match.span()
            gap = text[done:start]
            joined = not gap or gap == " " or _JOINT.fullmatch(gap) is not None
            if joined and "\n" in gap and tokens and _is_broken(before, gap, word):
                whole = before.removesuffix("\u00ad") + word
                if word_keys(whole, language) & known:
                    begun = tokens.pop()
                    word, start, joined = whole, begun.start, begun.joined
            read = _read_word(word, language)
            if read.loose and joined and before == _AIM:
                read = read._replace(loose=False)
            tokens.append(_Token(start, end, read, joined and bool(tokens)))
            before, done = word, end
        return tokens


@lru_cache(maxsize=65_536)
def _read_word(word: str, language: str) -> _Word:
    keys = word_keys(word, language)
    loose = fold(word, language) in LOOSE.get(language, _NO_LOOSE)
    english = word.lower() if language == "en" else ""
    return _Word(keys, loose, bool(english) and english not in keys, english in SMALL)


def _has_small(name: Name) -> bool:
    return any(word.lower() in SMALL for word in _WORD.findall(name.text))


def _is_broken(before: str, gap: str, after: str) -> bool:
    """Whether a word goes on in the next line: a hyphen stands before the line end, small letters behind it."""
    return (before.endswith("\u00ad") or not gap[0].isspace()) and after[0].islower()


def _words_of(name: Name) -> Iterator[str]:
    """The words of a name that must be there; what stands in brackets at its end only explains it."""
    text = _BRACKETED.sub("", name.text) or name.text
    loose = LOOSE.get(name.language, _NO_LOOSE)
    words = _WORD.findall(text)
    kept = [
        word
        for at, word in enumerate(words)
        if fold(word, name.language) not in loose or (at and words[at - 1] == _AIM)
    ]
    yield from kept or words


def _candidates(tokens: Sequence[_Token], patterns: dict[str, list[_Pattern]]) -> Iterator[_Found]:
    for at, token in enumerate(tokens):
        seen: set[int] = set()
        for key in token.word.keys:
            for pattern in patterns.get(key, ()):
                last = _match(tokens, at, pattern.words)
                if last is None or id(pattern) in seen or (pattern.turned and not _ends(tokens, last)):
                    continue
                seen.add(id(pattern))  # it may begin with two keys of the word
                length = sum(each.end - each.start for each in tokens[at : last + 1])
                yield _Found(at, last, pattern, length)


def _match(tokens: Sequence[_Token], at: int, words: tuple[frozenset[str], ...]) -> int | None:
    """The last token of a name whose first word stands at a token; None if the name does not go on."""
    for wanted in words[1:]:
        at += 1
        if at >= len(tokens) or not tokens[at].joined:
            return None
        if tokens[at].word.keys.isdisjoint(wanted):
            skipped = 0
            while skipped < _LOOSE_ROW and at < len(tokens) and tokens[at].joined and tokens[at].word.loose:
                at, skipped = at + 1, skipped + 1
            if at >= len(tokens) or not tokens[at].joined or tokens[at].word.keys.isdisjoint(wanted):
                return None
    return at


def _ends(tokens: Sequence[_Token], last: int) -> bool:
    """Whether a turned name ends here: "restoration of ecosystem services" is none of ecosystems."""
    after = tokens[last + 1] if last + 1 < len(tokens) else None
    return tokens[last].word.ends or after is None or not after.joined or after.word.small or after.word.loose


def _mention(text: str, start: int, end: int, names: Sequence[Name]) -> Mention | None:
    """None for words that only look like a term."""
    terms = sorted({name.term for name in names if name.term})
    if not terms:
        return None
    if len(terms) == 1:
        return Mention(start, end, text[start:end], terms[0])
    preferred = sorted({name.term for name in names if name.term and name.preferred})
    certainty: Certainty = "probable" if len(preferred) == 1 else "ambiguous"
    chosen = preferred[0] if len(preferred) == 1 else terms[0]
    others = tuple(term for term in terms if term != chosen)
    return Mention(start, end, text[start:end], chosen, certainty, others)


def names_of(terminology: Terminology) -> Iterator[Name]:
    """The names of all terms of a terminology."""
    for term in terminology.terms.values():
        for label in term.labels:
            yield Name(term.iri, label.text, label.language, label.kind == "preferred")


@cache
def _other_words() -> tuple[Name, ...]:
    table = tomllib.loads(files(__package__).joinpath("other-words.toml").read_text(encoding="utf-8"))
    return tuple(Name("", words, language) for language, row in table.items() for words in row)
