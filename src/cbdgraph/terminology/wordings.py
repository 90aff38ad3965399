"""Two wordings in, the words that they share and that only one of them has out; knows no graph and writes no markup.

A word is a run of letters, marks and digits with the apostrophes and hyphens in it; a sign is a word of its own, and
so is each character of Chinese and Japanese, which are written without blanks. Words are compared as they are spelled
(NFC), and offsets count the characters of the wording as it was given.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final, Literal

Operation = Literal["equal", "delete", "insert", "replace"]

LONGEST: Final = 400  # words of one wording that are compared; the time grows with the product of both
_JOINS: Final = frozenset("'\u2019\u02bc-\u2010\u2011\u200c\u200d\u00ad\u0640")  # inside a word
# Han, kana and what goes with them: in blocks that no other script has characters in.
_APART: Final = ((0x2E80, 0x312F), (0x3190, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
_APART_BEYOND: Final = 0x20000


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a wording, `end` excluded, and what they say."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """How one stretch of the first wording becomes one of the other; blanks between words belong to what follows."""

    operation: Operation
    one: Span
    other: Span


@dataclass(frozen=True, slots=True)
class Difference:
    """Two wordings, step by step; `shared` counts the words of both, `words_one` and `words_other` those of each.

    `is_complete` is False where a wording is longer than `LONGEST`: what stands behind it is in no step.
    """

    steps: tuple[Step, ...]
    shared: int
    words_one: int
    words_other: int
    is_complete: bool = True


def find_words(text: str) -> Iterator[Span]:
    """The words of a text in their order; blanks and what cannot be seen belong to none.

    >>> [word.text for word in find_words("l’état d'un éco-système, 生态")]
    ['l’état', "d'un", 'éco-système', ',', '生', '态']
    """
    start = -1  # of the word that is being read
    for at, sign in enumerate(text):
        kind = unicodedata.category(sign)
        if _stands_apart(sign):
            if start >= 0:
                yield Span(start, at, text[start:at])
                start = -1
            yield Span(at, at + 1, sign)
        elif kind[0] in "LMN" or (start >= 0 and sign in _JOINS and _goes_on(text, at + 1)):
            start = at if start < 0 else start
        else:
            if start >= 0:
                yield Span(start, at, text[start:at])
                start = -1
            if kind[0] not in "ZC":
                yield Span(at, at + 1, sign)
    if start >= 0:
        yield Span(start, len(text), text[start:])


@lru_cache(maxsize=256)
def compare_wordings(one: str, other: str) -> Difference:
    """The difference of two wordings in one language.

    >>> found = compare_wordings("the recovery of an ecosystem", "the recovery of land")
    >>> [(step.operation, step.one.text, step.other.text) for step in found.steps]
    [('equal', 'the recovery of', 'the recovery of'), ('replace', ' an ecosystem', ' land')]
    >>> found.shared, found.words_one, found.words_other
    (3, 5, 4)
    """
    first, second = list(find_words(one)), list(find_words(other))
    is_complete = max(len(first), len(second)) <= LONGEST
    words_one, words_other = len(first), len(second)
    first, second = first[:LONGEST], second[:LONGEST]
    spelled, other_spelled = (
        [unicodedata.normalize("NFC", word.text) for word in words] for words in (first, second)
    )
    # Without the junk that difflib takes frequent words for: in a long wording that would be most of them.
    matcher = SequenceMatcher(None, spelled, other_spelled, autojunk=False)
    codes = _join(matcher.get_opcodes(), spelled)
    shared = sum(end - start for operation, start, end, _, _ in codes if operation == "equal")
    return Difference(
        tuple(
            Step(operation, _span(one, first, a, b), _span(other, second, c, d)) for operation, a, b, c, d in codes
        ),
        shared,
        words_one,
        words_other,
        is_complete,
    )


Code = tuple[Operation, int, int, int, int]


def _join(codes: Sequence[Code], words: Sequence[str]) -> list[Code]:
    """The same with what tells nothing taken into the changes around it: a lone comma, or one character of Chinese.

    Else two sentences that have only their commas in common look as if they were cut to pieces.
    """
    joined: list[Code] = []
    for at, (operation, a, b, c, d) in enumerate(codes):
        is_between = 0 < at < len(codes) - 1
        is_telling = operation != "equal" or sum(map(_weight, words[a:b])) > 1
        if joined and joined[-1][0] != "equal" and (operation != "equal" or (is_between and not is_telling)):
            _, a, _, c, _ = joined.pop()
            operation = "replace" if b > a and d > c else "delete" if b > a else "insert"
        joined.append((operation, a, b, c, d))
    return joined


def _weight(word: str) -> int:
    """How much a word tells when it is the same in both: a sign nothing, a character of Chinese less than a word."""
    if _stands_apart(word[0]):
        return 0 if unicodedata.category(word[0])[0] in "PS" else 1
    return 2 if unicodedata.category(word[0])[0] in "LMN" else 0


def _span(text: str, words: Sequence[Span], start: int, end: int) -> Span:
    """The characters of some words with the blanks before the first of them; an empty span where there are none."""
    before = words[start - 1].end if start else 0
    if start == end:
        return Span(before, before, "")
    after = words[end - 1].end
    if end == len(words) < LONGEST:
        after = len(text)  # blanks at the end of all
    return Span(before, after, text[before:after])


def _stands_apart(sign: str) -> bool:
    code = ord(sign)
    return code >= _APART_BEYOND or any(first <= code <= last for first, last in _APART)


def _goes_on(text: str, at: int) -> bool:
    """Whether a letter follows."""
    return at < len(text) and unicodedata.category(text[at])[0] in "LMN" and not _stands_apart(text[at])
