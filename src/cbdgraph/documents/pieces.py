"""What a reader finds in a file, before anything is named: pieces of text with what the layout says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

Role = Literal["", "title", "heading", "cell", "footnote", "page-head"]
"""What the layout says: nothing, the title, a heading, a cell, a footnote, the head or foot of a page."""

# Arabic and Hebrew letters; marks and digits have no direction of their own.
_RTL_LETTERS: Final = re.compile("(?![\\W\\d_])[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text, `start` to `end`.

    `number` is one that the format computes (an automatic list number; for a footnote its mark), which stands in the
    text before `start`. `fresh` is False where the layout does not prove that a new paragraph begins; `strong` is
    text set off as headings are. `table` counts the tables from 1.
    """

    start: int
    end: int
    role: Role = ""
    number: str = ""
    level: int = 0
    page: int = 0
    table: int = 0
    row: int = -1
    column: int = 0
    strong: bool = False
    fresh: bool = True


@dataclass(slots=True)
class Manuscript:
    """Plain text as it is put together piece by piece; the readers write here."""

    parts: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    length: int = 0

    def add(
        self,
        text: str,
        role: Role = "",
        *,
        number: str = "",
        level: int = 0,
        page: int = 0,
        table: int = 0,
        row: int = -1,
        column: int = 0,
        strong: bool = False,
    ) -> None:
        """Write one piece on a line of its own, after its number if it has one; blank text is left out."""
        text = text.strip()
        if not text:
            return
        if number:
            self._write(f"{number} ")
        start = self.length
        self._write(text)
        self.pieces.append(Piece(start, self.length, role, number, level, page, table, row, column, strong))
        self._write("\n")

    def warn(self, warning: str) -> None:
        """Keep a warning, once."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self.parts)

    def _write(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)


def is_rtl(text: str) -> bool:
    """Whether most letters of the text run from right to left.

    >>> is_rtl("المقرر 12/26 (COP)"), is_rtl("décision X/2"), is_rtl("12")
    (True, False, False)
    """
    if text.isascii():
        return False
    right = len(_RTL_LETTERS.findall(text))
    return right > 0 and right * 2 > sum(map(str.isalpha, text))


def is_rtl_letter(sign: str) -> bool:
    """Whether a letter runs from right to left."""
    return _RTL_LETTERS.match(sign) is not None
