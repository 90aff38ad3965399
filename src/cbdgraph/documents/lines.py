"""Signs on a page of a PDF to lines of text, and lines to paragraphs; knows places and sizes, no PDF library."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.documents.direction import plain_letters, read_order
from cbdgraph.documents.forms import ENDS_ITEM, ENDS_SENTENCE
from cbdgraph.documents.pieces import is_rtl

_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WORDS: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BROKEN: Final = re.compile(r"([^\W\d_]+)-\Z")
_NEXT: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Glyph:
    """A sign, its box in points from the lower left of the page, the line it stands on, and its size."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text in reading order; raised digits are written as such: "X/2³"."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool
    rtl: bool


def lines_of(glyphs: Iterable[Glyph], mirror: bool) -> list[Line]:
    """The lines of a page or cell from top to bottom."""
    rows: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda each: (-each.base, each.x0)):
        if rows and _same_line(rows[-1], glyph):
            rows[-1].append(glyph)
        else:
            rows.append([glyph])
    lines = (_line_of(row, mirror) for row in rows)
    return [line for line in lines if line.text]


def _same_line(row: list[Glyph], glyph: Glyph) -> bool:
    largest = max(row[-8:], key=lambda each: each.size)
    return abs(largest.base - glyph.base) < 0.45 * max(largest.size, glyph.size)


def _line_of(row: list[Glyph], mirror: bool) -> Line:
    row.sort(key=lambda each: each.x0)
    printed = [glyph for glyph in row if glyph.text.strip()]
    if not printed:
        return Line("", 0, 0, 0, 0, False, False)
    size = Counter(round(glyph.size, 1) for glyph in printed).most_common(1)[0][0]
    size = max(size, max(glyph.size for glyph in printed) * 0.9)
    base = Counter(round(glyph.base, 1) for glyph in printed if glyph.size > size * 0.85).most_common(1)[0][0]
    signs: list[str] = []
    last: Glyph | None = None
    for glyph in row:
        if last is not None:
            if glyph.text == last.text and abs(glyph.x0 - last.x0) < 0.1 * size:
                continue  # bold that is printed twice
            blank = glyph.x0 - last.x1 > 0.17 * size
            if blank and signs[-1] != " " and glyph.text.strip():
                signs.append(" ")
        raised = glyph.size < size * 0.8 and glyph.base > base + 0.12 * size
        text = glyph.text.translate(_RAISED) if raised else plain_letters(glyph.text)
        if text.strip() or (signs and signs[-1] != " "):
            signs.append(text if text.strip() else " ")
        last = glyph
    text = read_order(signs, mirror).strip()
    bold = sum(glyph.bold for glyph in printed) > len(printed) * 0.8
    return Line(text, printed[0].x0, max(each.x1 for each in printed), base, size, bold, is_rtl(text))


class Joiner:
    """Joins the lines of a paragraph; what to do with a hyphen at the end of a line, the words of the text tell."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._words: Counter[str] = Counter()
        broken: list[tuple[str, str]] = []
        before = ""
        for line in lines:
            self._words.update(word.lower() for word in _WORDS.findall(line.text))
            if (first := _BROKEN.search(before)) and (second := _NEXT.match(line.text)):
                broken.append((first[1], second[0]))
            before = line.text
        evidence = sum(self._evidence(first, second) for first, second in broken)
        self._drop_by_default = evidence > 0

    def join(self, lines: Sequence[str]) -> str:
        """One paragraph.

        >>> joiner = Joiner([])
        >>> joiner.join(["décision X/-", "2 et sous-", "régional, 2011-", "2020"])
        'décision X/2 et sous-régional, 2011-2020'
        """
        out = ""
        for line in lines:
            out = self._add(out, line) if out else line
        return out

    def _add(self, before: str, line: str) -> str:
        if before.endswith("\u00ad"):
            return before[:-1] + line
        if before.endswith("/-") and line[:1].isdigit():
            return before[:-1] + line
        if before[-1] == "/" and line[:1].isalnum():
            return before + line
        if before[-1] in "-‐" and before[-2:-1].isalnum() and line[:1].isalnum():
            return before[:-1] + line if self._drops_hyphen(before, line) else before + line
        if before[-1] >= "\u2e80" and line[0] >= "\u2e80":
            return before + line
        return f"{before} {line}"

    def _drops_hyphen(self, before: str, line: str) -> bool:
        first, second = _BROKEN.search(before), _NEXT.match(line)
        if first is None or second is None or not second[0].islower() or not first[1][-1].islower():
            return False
        evidence = self._evidence(first[1], second[0])
        return evidence > 0 if evidence else self._drop_by_default

    def _evidence(self, first: str, second: str) -> int:
        joined, apart = f"{first}{second}".lower(), f"{first}-{second}".lower()
        return (self._words[joined] > 0) - (self._words[apart] > 0)


def ends_paragraph(line: Line, right: float, left: float) -> bool:
    """Whether a line may be the last of its paragraph: it ends a sentence or item, or is short."""
    if ENDS_SENTENCE.search(line.text) or ENDS_ITEM.search(line.text):
        return True
    width = right - left
    return (line.x0 - left if line.rtl else right - line.x1) > 0.12 * width
