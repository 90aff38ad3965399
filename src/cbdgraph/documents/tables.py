"""Rows of tables: which row is the heads of the columns. Pieces in, the same pieces out with rows counted anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from cbdgraph.documents.forms import SYMBOL
from cbdgraph.documents.pieces import Piece

_HEAD_WIDTH = 80


def number_rows(pieces: Sequence[Piece], text: str) -> list[Piece]:
    """Count the rows of each table from 1, and the heads of its columns as row 0 where they can be told.

    A format may say so itself (row 0). Else the first row is heads if it is short and names no decision while a later
    row does; rows without any text count for nothing.
    """
    tables: dict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if piece.table:
            tables[piece.table].append(piece)
    rows = {table: _rows(cells, text) for table, cells in tables.items()}
    return [replace(piece, row=rows[piece.table][piece.row]) if piece.table else piece for piece in pieces]


def _rows(cells: Sequence[Piece], text: str) -> dict[int, int]:
    printed = sorted({cell.row for cell in cells})
    if printed[0] != 0 and len(printed) > 1:
        first = [text[cell.start : cell.end] for cell in cells if cell.row == printed[0]]
        rest = [text[cell.start : cell.end] for cell in cells if cell.row != printed[0]]
        short = all(len(words) <= _HEAD_WIDTH and not SYMBOL.search(words) for words in first)
        if short and any(map(SYMBOL.search, rest)):
            return {row: place for place, row in enumerate(printed)}
    if printed[0] == 0:
        return {row: place for place, row in enumerate(printed)}
    return {row: place for place, row in enumerate(printed, 1)}
