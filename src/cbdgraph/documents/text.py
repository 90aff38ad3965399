"""Plain text to pieces: paragraphs, notes and the tables that tabs make. The text itself is kept as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cbdgraph.documents.forms import ENDS_ITEM, ENDS_SENTENCE, SYMBOL, Forms, width_of
from cbdgraph.documents.pieces import Manuscript, Piece, Role

_RULE: Final = re.compile(r"\s*(?:[-_–—=*]\s?){4,}\s*\Z")
_NOTE: Final = re.compile(r"(\*{1,4}|[†‡]+|\ufffd+|[¹²³⁰⁴-⁹]+|\[?\d{1,3}\]?)/?(?=[\s.)])[.)]?\s*")
_SURE_NOTE: Final = re.compile(r"(\*{1,4}\s*\t|\*{1,4}(?=[^\W\d_])|[¹²³⁰⁴-⁹]+)\s*")
_CLOSES: Final = re.compile(r"[，。、；：！？）》”’,.;:!?)\]»،؛؟]")
_MIN_WRAP: Final = 45


@dataclass(frozen=True, slots=True)
class _Line:
    """One line with its place in the text; `blanks` counts the empty lines before it."""

    start: int
    text: str
    blanks: int
    page: int

    @property
    def bare(self) -> str:
        return self.text.strip()

    @property
    def first(self) -> int:
        """Where the line's first sign stands."""
        return self.start + len(self.text) - len(self.text.lstrip())

    @property
    def last(self) -> int:
        """Where the line's last sign ends."""
        return self.start + len(self.text.rstrip())


def read_text(text: str, forms: Forms) -> tuple[str, Manuscript]:
    """The text with one kind of line end, and its pieces."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    manuscript = Manuscript(parts=[text], length=len(text))
    _Reader(list(_lines_of(text)), manuscript, forms).read()
    return text, manuscript


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: list[_Line], manuscript: Manuscript, forms: Forms) -> None:
        self.lines, self.manuscript, self.forms = lines, manuscript, forms
        self.wrap = _wrap_width(lines)
        self.tables = 0
        self.notes = 0
        self.in_notes = False

    def read(self) -> None:
        place = 0
        while place < len(self.lines):
            line = self.lines[place]
            if _RULE.match(line.text):
                self.in_notes = True
                place += 1
            elif end := self._find_table(place):
                place = end
            elif note := self._find_note(line):
                place = self._read_note(place, note)
            else:
                self.in_notes = self.in_notes and not line.blanks
                place = self._read_paragraph(place)

    def _find_note(self, line: _Line) -> re.Match[str] | None:
        bare = line.bare
        if found := _SURE_NOTE.match(bare):
            return found
        found = _NOTE.match(bare) if self.in_notes else None
        if found and found[1].strip("[]").isdecimal() and int(found[1].strip("[]")) != self.notes + 1:
            return None
        return found

    def _read_note(self, place: int, found: re.Match[str]) -> int:
        line = self.lines[place]
        mark = found[1].strip()
        if not mark.startswith(("*", "†", "‡")):
            self.notes += 1
        end = place + 1
        while end < len(self.lines) and not self.lines[end].blanks and not self._find_note(self.lines[end]):
            if _RULE.match(self.lines[end].text) or self.forms.begins_part(self.lines[end].bare):
                break
            end += 1
        start = line.first + found.end()
        number = str(self.notes) if mark.startswith("\ufffd") else mark
        self._add(start, self.lines[end - 1].last, "footnote", line.page, number=number)
        self.in_notes = True
        return end

    def _read_paragraph(self, place: int) -> int:
        line = self.lines[place]
        end = place + 1
        goes_on = self.forms.begins_text(line.bare)
        while end < len(self.lines) and self._continues(self.lines[end - 1], self.lines[end], goes_on):
            end += 1
        self._add(line.first, self.lines[end - 1].last, "", line.page, fresh=bool(line.blanks))
        return end

    def _continues(self, before: _Line, line: _Line, goes_on: bool) -> bool:
        """Whether a line goes on with the paragraph of the line before it."""
        if line.blanks or line.text.startswith("\t") or _RULE.match(line.text):
            return False
        if _CLOSES.match(line.bare):
            return True
        if self.forms.find_headed(before.bare):
            return False
        if self.forms.begins_part(line.bare) and self._may_end(before):
            return False
        if self.wrap and width_of(before.bare) > self.wrap * 0.7:
            return True
        return goes_on and not ENDS_SENTENCE.search(before.bare)

    def _may_end(self, line: _Line) -> bool:
        """Whether a paragraph may end with a line: always, unless lines are broken and this one is full."""
        full = self.wrap and width_of(line.bare) > self.wrap * 0.85
        return not full or bool(ENDS_SENTENCE.search(line.bare) or ENDS_ITEM.search(line.bare))

    def _find_table(self, place: int) -> int:
        """Read a table that begins at a line; the line after it, or 0 if none begins here."""
        line = self.lines[place]
        if line.text.startswith("\t") and not self.forms.begins_part(line.bare) and not self.in_notes:
            following = self.lines[place : place + 8]
            if sum(other.text.startswith("\t") and bool(SYMBOL.search(other.text)) for other in following[1:]):
                return self._read_stacked(place)
        return self._read_tabbed(place) if "\t" in line.bare else 0

    def _read_tabbed(self, place: int) -> int:
        """Rows of cells between tabs, at least two rows of as many cells."""
        end = place
        columns = len(self.lines[place].bare.split("\t"))
        while end < len(self.lines) and not (end > place and self.lines[end].blanks):
            bare = self.lines[end].bare
            if len(bare.split("\t")) != columns or self.forms.begins_part(bare) or self._find_note(self.lines[end]):
                break
            end += 1
        if end - place < 2:
            return 0
        self.tables += 1
        for row, line in enumerate(self.lines[place:end], 1):
            start = line.first
            for column, cell in enumerate(line.bare.split("\t"), 1):
                self._add_cell(start, start + len(cell), row, column, line.page)
                start += len(cell) + 1
        return end

    def _read_stacked(self, place: int) -> int:
        """Cells below each other: the name of an issue, then its decisions; the form of the older conversions.

        A cell is one line after a tab; a line without one goes on. Decisions after a gap of two lines, where the row
        has its decisions already, are a row that prints no issue.
        """
        self.tables += 1
        row, filled = 1, 0
        spans: dict[tuple[int, int], list[int]] = {}
        pages: dict[int, int] = {}
        end = place
        while end < len(self.lines):
            line = self.lines[end]
            decides = bool(SYMBOL.search(line.text)) or (not line.text.startswith("\t") and "|" in line.text)
            if not decides and not line.text.startswith("\t"):
                break
            head = not decides and filled == 1 and row == 1
            new_row = (decides and filled >= 2 and line.blanks >= 2) or (not decides and filled >= 1 and not head)
            if new_row:
                row, filled = row + 1, 0
            column = 2 if decides or head else 1
            filled = max(filled, column)
            pages.setdefault(row, line.page)
            spans.setdefault((row, column), [line.first, line.last])[1] = line.last
            end += 1
        for (number, column), (start, stop) in spans.items():
            self._add_cell(start, stop, number, column, pages[number])
        return end

    def _add_cell(self, start: int, end: int, row: int, column: int, page: int) -> None:
        text = self.manuscript.parts[0][start:end]
        start += len(text) - len(text.lstrip())
        end -= len(text) - len(text.rstrip())
        if start < end:
            self.manuscript.pieces.append(
                Piece(start, end, "cell", page=page, table=self.tables, row=row, column=column)
            )

    def _add(self, start: int, end: int, role: Role, page: int, *, number: str = "", fresh: bool = True) -> None:
        if start < end:
            self.manuscript.pieces.append(Piece(start, end, role, number=number, page=page, fresh=fresh))


def _lines_of(text: str) -> Iterator[_Line]:
    """The lines that are not empty; pages are counted where the text has form feeds."""
    start = blanks = 0
    page = 1 if "\f" in text else 0
    for line in text.split("\n"):
        if page:
            page += line.count("\f")
        words = line.replace("\f", " ")
        if not words.strip() and "\t" not in words:
            blanks += 1
        elif words.strip():
            yield _Line(start, words, blanks, page)
            blanks = 0
        start += len(line) + 1


def _wrap_width(lines: list[_Line]) -> int:
    """The width at which a text is broken into lines, 0 when its lines are paragraphs."""
    followed = [
        width_of(line.bare)
        for line, following in pairwise(lines[:2000])
        if not following.blanks and not ENDS_SENTENCE.search(line.bare) and not line.text.startswith("\t")
    ]
    widths = sorted(width for width in followed if width > _MIN_WRAP)
    if len(widths) < 5 or len(widths) < len(followed) / 3:
        return 0
    widest = widths[int(len(widths) * 0.9)]
    return widest if widest <= 160 and sum(width > widest * 0.7 for width in widths) > len(widths) * 0.7 else 0
