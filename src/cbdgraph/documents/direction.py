"""Text in the order in which it is seen to the order in which it is read, for scripts that run from right to left.

A PDF says where each sign stands, so that what a page holds is known in visual order. This turns the Unicode
bidirectional algorithm (UAX 9) around as far as that can be done: rules W2 to W7 and N1, without explicit embeddings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from cbdgraph.documents.pieces import is_rtl_letter

_FORMS: Final = re.compile("[\ufb00-\ufb06\ufb50-\ufdfb\ufe70-\ufefc]")
_MIRRORED: Final = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_OPENERS: Final = frozenset("([{«‹")
_CLOSERS: Final = frozenset(")]}»›")
_SEPARATORS: Final = frozenset("/.,:\u060c\u00a0\u066b\u066c")


def plain_letters(text: str) -> str:
    """Arabic presentation forms and Latin ligatures as the letters they stand for; nothing else is changed.

    >>> plain_letters("ﻻ ﬁn X/2³")
    'لا fin X/2³'
    """
    return _FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def read_order(signs: Sequence[str], mirror: bool) -> str:
    """Signs from left to right, as the text they are; `mirror` if brackets are given as they look, not as they are.

    >>> read_order(list("12/26 ررقملا"), mirror=False)
    'المقرر 12/26'
    >>> read_order(list("COP 11 ررقملا"), mirror=False)
    'المقرر COP 11'
    """
    kinds = [_kind(sign) for sign in signs]
    right, left = kinds.count("R"), kinds.count("L")
    if not right:
        return "".join(signs)
    if right >= left:
        return _right_to_left(signs, kinds, mirror)
    out: list[str] = []
    start = 0
    while start < len(signs):
        if kinds[start] != "R":
            out.append(signs[start])
            start += 1
            continue
        end = start
        for place in range(start, len(signs)):
            if kinds[place] == "L":
                break
            if kinds[place] == "R":
                end = place
        out.append(_right_to_left(signs[start : end + 1], kinds[start : end + 1], mirror))
        start = end + 1
    return "".join(out)


def looks_mirrored(line: str) -> int:
    """1 if the first bracket of a line that runs from right to left closes, -1 if it opens, 0 if there is none."""
    for sign in line:
        if sign in _CLOSERS:
            return 1
        if sign in _OPENERS:
            return -1
    return 0


def _right_to_left(signs: Sequence[str], kinds: Sequence[str], mirror: bool) -> str:
    """Everything turned around, and the numbers and Latin words inside turned back."""
    runs: list[tuple[bool, list[str]]] = []
    place = 0
    while place < len(signs):
        end = _run_end(kinds, signs, place)
        runs.append((end > place, list(signs[place : max(end, place + 1)])))
        place = max(end, place + 1)
    return "".join(
        "".join(run) if forward or not mirror else "".join(run).translate(_MIRRORED)
        for forward, run in reversed(runs)
    )


def _run_end(kinds: Sequence[str], signs: Sequence[str], start: int) -> int:
    """Where the run of Latin letters or digits ends that begins here; `start` if none begins."""
    if kinds[start] == "L":
        end = start
        for place in range(start, len(kinds)):
            if kinds[place] == "R":
                break
            if kinds[place] in "LN":
                end = place
        return end + 1
    if kinds[start] != "N":
        return start
    end = start + 1
    while end < len(kinds):
        if kinds[end] == "N":
            end += 1
        elif signs[end] in _SEPARATORS and end + 1 < len(kinds) and kinds[end + 1] == "N":
            end += 2
        else:
            break
    return end


def _kind(sign: str) -> str:
    first = sign[:1]
    if first.isdecimal():
        return "N"
    if is_rtl_letter(first):
        return "R"
    if first.isalpha():
        return "L"
    return "C" if first in "⁰¹²³⁴⁵⁶⁷⁸⁹" else "S"
