"""Pages of a PDF to pieces: heads and notes apart, tables by cell, the rest as paragraphs across pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from cbdgraph.documents.direction import looks_mirrored
from cbdgraph.documents.forms import Forms, looks_like_heading
from cbdgraph.documents.grid import Grid, Rule, grids_of
from cbdgraph.documents.lines import Glyph, Joiner, Line, ends_paragraph, lines_of
from cbdgraph.documents.pieces import Manuscript

_PAGE_NUMBER: Final = re.compile(r"(?:[^\W\d_]{1,10}\.?\s?)?[-–—/|]?\s?\d{1,4}(?:\s?/\s?\d{1,4})?\s?[-–—/|页]?\Z")
_NOTE: Final = re.compile(r"([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}|\*{1,4}|[†‡]|\d{1,3}(?=[\s./)]))[./)]?\s*")
_RAISED: Final = re.compile(r"(?<=[^\s⁰¹²³⁴⁵⁶⁷⁸⁹])\s?([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})")
_LOWERED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@dataclass(slots=True)
class Sheet:
    """One page: its signs and rules, then what they were found to be."""

    number: int
    glyphs: list[Glyph]
    across: list[Rule]
    down: list[Rule]
    lines: list[Line] = field(default_factory=list)
    heads: list[Line] = field(default_factory=list)
    notes: list[Line] = field(default_factory=list)
    tables: list[tuple[Grid, dict[tuple[int, int], list[Glyph]]]] = field(default_factory=list)


def read_sheets(sheets: Sequence[Sheet], forms: Forms) -> Manuscript:
    """The pieces of all pages, in reading order; notes stand at the end."""
    mirror = _finds_mirrored(sheets)
    for sheet in sheets:
        _find_tables(sheet)
        sheet.lines = lines_of(sheet.glyphs, mirror)
    _find_heads(sheets)
    body = _body_size(sheets)
    for sheet in sheets:
        _find_notes(sheet, body)
    writer = _Writer(forms, body, mirror, sheets)
    for sheet in sheets:
        writer.write_sheet(sheet)
    writer.write_notes(sheets)
    return writer.manuscript


def _finds_mirrored(sheets: Sequence[Sheet]) -> bool:
    """Whether brackets in right-to-left text are given as they look: the first of a line is then a closing one."""
    votes = 0
    for sheet in sheets[:20]:
        votes += sum(looks_mirrored(line.text) for line in lines_of(sheet.glyphs, mirror=False) if line.rtl)
    return votes > 0


def _find_tables(sheet: Sheet) -> None:
    for grid in grids_of(sheet.across, sheet.down):
        cells: dict[tuple[int, int], list[Glyph]] = {}
        rest = []
        for glyph in sheet.glyphs:
            if cell := grid.cell_of(glyph):
                cells.setdefault(cell, []).append(glyph)
            else:
                rest.append(glyph)
        if len({column for _, column in cells}) > 1:
            sheet.tables.append((grid, cells))
            sheet.glyphs = rest


def _find_heads(sheets: Sequence[Sheet]) -> None:
    """Take out lines at the top and foot of pages that come again on other pages, and page numbers."""
    counts: Counter[tuple[str, int]] = Counter()
    for sheet in sheets:
        counts.update({_head_key(line) for line in _edges(sheet.lines)})
    for sheet in sheets:
        heads = []
        edges = _edges(sheet.lines)
        for line in edges:
            again = counts[_head_key(line)] >= max(2, len(sheets) * 0.3)
            outermost = line in (sheet.lines[0], sheet.lines[-1])
            if again or (outermost and _PAGE_NUMBER.fullmatch(line.text)):
                heads.append(line)
        sheet.heads = heads
        sheet.lines = [line for line in sheet.lines if line not in heads]


def _edges(lines: list[Line]) -> list[Line]:
    return lines if len(lines) < 7 else [*lines[:3], *lines[-3:]]


def _head_key(line: Line) -> tuple[str, int]:
    return re.sub(r"\d+", "#", line.text), round(line.base / 8)


def _body_size(sheets: Sequence[Sheet]) -> float:
    sizes: Counter[float] = Counter()
    for sheet in sheets:
        for line in sheet.lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 12.0


def _find_notes(sheet: Sheet, body: float) -> None:
    """Take out the notes: below a short rule at the foot of the page, or smaller than the text and with a mark."""
    lines = sheet.lines
    left = min((line.x0 for line in lines), default=0)
    right = max((line.x1 for line in lines), default=0)
    rules = [rule for rule in sheet.across if 20 < rule.high - rule.low < (right - left) * 0.6]
    first = len(lines)
    while first and lines[first - 1].size < body * 0.93:
        first -= 1
    for rule in rules:
        below = next((place for place, line in enumerate(lines) if line.base < rule.place), len(lines))
        if below < len(lines) and _NOTE.match(lines[below].text) and all(line.size <= body for line in lines[below:]):
            first = min(first, below) if first < len(lines) else below
            sheet.lines, sheet.notes = lines[:below], lines[below:]
            return
    marked = next((place for place in range(first, len(lines)) if _NOTE.match(lines[place].text)), len(lines))
    sheet.lines, sheet.notes = lines[:marked], lines[marked:]


class _Writer:
    """Writes page after page; a paragraph that goes on over the page is one."""

    def __init__(self, forms: Forms, body: float, mirror: bool, sheets: Sequence[Sheet]) -> None:
        self.forms, self.body, self.mirror = forms, body, mirror
        self.manuscript = Manuscript()
        self.pitch = _pitch(sheets)
        self.joiner = Joiner(line for sheet in sheets for line in sheet.lines)
        self.open: list[Line] = []
        self.page = 0
        self.tables = 0
        self.columns: tuple[float, ...] = ()
        self.row = 0
        self.heads: set[str] = set()

    def write_sheet(self, sheet: Sheet) -> None:
        """One page without its notes."""
        marks = {found[1].translate(_LOWERED) for line in sheet.notes if (found := _NOTE.match(line.text))}
        for line in sheet.heads:
            if (key := re.sub(r"\d+", "#", line.text)) not in self.heads:
                self.heads.add(key)
                self._flush()
                self.manuscript.add(line.text, "page-head", page=sheet.number)
        left = min((line.x0 for line in sheet.lines), default=0)
        right = max((line.x1 for line in sheet.lines), default=0)
        tables = list(sheet.tables)
        before: Line | None = None
        for line in sheet.lines:
            while tables and tables[0][0].rows[0] > line.base:
                self._write_table(*tables.pop(0), marks, sheet.number)
                before = None
            line = _without_marks(line, marks)
            if not self.open or self._begins(line, before, left, right):
                self._flush()
                self.page = sheet.number
            self.open.append(line)
            self.columns = ()
            before = line
        for grid, cells in tables:
            self._write_table(grid, cells, marks, sheet.number)

    def write_notes(self, sheets: Sequence[Sheet]) -> None:
        """The notes of all pages; one that goes on over the page is one."""
        self._flush()
        mark, page = "", 0
        words: list[str] = []
        for sheet in sheets:
            for line in sheet.notes:
                found = _NOTE.match(line.text)
                if found and _is_next(found[1], mark):
                    self._write_note(words, mark, page)
                    mark, page = found[1].translate(_LOWERED), sheet.number
                    words = [line.text[found.end() :]] if line.text[found.end() :] else []
                else:
                    words.append(line.text)
        self._write_note(words, mark, page)

    def _write_note(self, words: list[str], mark: str, page: int) -> None:
        if words:
            self.manuscript.add(self.joiner.join(words), "footnote", number=mark, page=page)

    def _begins(self, line: Line, before: Line | None, left: float, right: float) -> bool:
        """Whether a line begins a paragraph."""
        last = self.open[-1]
        if abs(line.size - last.size) > 0.08 * self.body or line.bold != last.bold:
            return True
        ended = ends_paragraph(last, right, left)
        if before is None:  # the paragraph may go on from the page before
            return ended or self.forms.begins_part(line.text)
        if before.base - line.base > 1.3 * self.pitch * line.size:
            return True
        if len(self.open) == 1 and self.forms.find_headed(last.text):
            return True
        if ended and self.forms.begins_part(line.text):
            return True
        indent = (before.x1 - line.x1) if line.rtl else (line.x0 - before.x0)
        return ended and abs(indent) > 0.8 * self.body

    def _flush(self) -> None:
        if not self.open:
            return
        words = self.joiner.join([line.text for line in self.open])
        large = self.open[0].size > 1.12 * self.body
        strong = all(line.bold for line in self.open) or large
        role = "heading" if large and looks_like_heading(words) else ""
        self.manuscript.add(words, "heading" if role else "", page=self.page, strong=strong)
        self.open = []

    def _write_table(self, grid: Grid, cells: dict[tuple[int, int], list[Glyph]], marks: set[str], page: int) -> None:
        self._flush()
        same = len(self.columns) == len(grid.columns) and all(
            abs(one - other) < 4 for one, other in zip(self.columns, grid.columns, strict=True)
        )
        if not same:
            self.tables, self.row = self.tables + 1, 0
        self.columns = grid.columns
        texts = {
            cell: self.joiner.join([_without_marks(line, marks).text for line in lines_of(glyphs, self.mirror)])
            for cell, glyphs in sorted(cells.items())
        }
        rtl = sum(_is_rtl_cell(glyphs, self.mirror) for glyphs in cells.values()) > len(cells) / 2
        columns = sorted({column for _, column in texts}, reverse=rtl)
        for _, group in _by_row(texts):
            self.row += 1
            for column in columns:
                self.manuscript.add(
                    group.get(column, ""),
                    "cell",
                    page=page,
                    table=self.tables,
                    row=self.row,
                    column=columns.index(column) + 1,
                )


def _by_row(texts: dict[tuple[int, int], str]) -> Iterator[tuple[int, dict[int, str]]]:
    for row in sorted({row for row, _ in texts}):
        yield row, {column: words for (at, column), words in texts.items() if at == row}


def _is_rtl_cell(glyphs: list[Glyph], mirror: bool) -> bool:
    return any(line.rtl for line in lines_of(glyphs, mirror)[:1])


def _pitch(sheets: Sequence[Sheet]) -> float:
    """The usual distance of lines, in sizes of their letters: the smallest that is common."""
    pairs = [pair for sheet in sheets for pair in pairwise(sheet.lines)]
    gaps = sorted((one.base - other.base) / other.size for one, other in pairs)
    gaps = [gap for gap in gaps if gap > 0.8]
    return min(gaps[len(gaps) // 5], 2.2) if gaps else 1.2


def _without_marks(line: Line, marks: set[str]) -> Line:
    """The line without the marks of this page's notes; other raised digits stay."""
    text = _RAISED.sub(lambda found: "" if found[1].translate(_LOWERED) in marks else found[0], line.text)
    return Line(text, line.x0, line.x1, line.base, line.size, line.bold, line.rtl)


def _is_next(mark: str, before: str) -> bool:
    """Whether a number at the beginning of a line is the next note's mark, and not the text's."""
    mark = mark.translate(_LOWERED)
    if not mark.isdecimal():
        return True
    return not before.isdecimal() or int(mark) == int(before) + 1
