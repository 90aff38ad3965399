"""A text and the rows of its citations in, the pieces that a page marks out; writes no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Row = Mapping[str, Any]
_WORST: Final = ("certain", "probable", "ambiguous", "unresolved")


@dataclass(frozen=True, slots=True)
class Part:
    """Words of a mention: the numbers, from 1, of the citations that they name, and how sure the least sure is."""

    text: str
    numbers: tuple[int, ...] = ()
    certainty: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text: a mention with its parts, or words that cite nothing, which are one part."""

    parts: tuple[Part, ...]
    is_mention: bool


def mark(text: str, rows: Sequence[Row]) -> list[Piece]:
    """The whole text in pieces; what is within several citations at once is one part of all of them.

    >>> row = {"start": 4, "end": 7, "part_start": 4, "part_end": 7, "certainty": "certain"}
    >>> row |= {"reason": "", "label": "decision X/2"}
    >>> [(piece.parts[0].text, piece.is_mention) for piece in mark("see X/2.", [row])]
    [('see ', False), ('X/2', True), ('.', False)]
    """
    starts: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for number, row in enumerate(rows, 1):
        starts.setdefault(row["part_start"], []).append(number)
        ends.setdefault(row["part_end"], []).append(number)
    places = sorted({*starts, *ends})
    pieces: list[Piece] = []
    done = next_place = 0
    now: list[int] = []
    for start, end in _mentions(rows):
        if done < start:
            pieces.append(Piece((Part(text[done:start]),), False))
        parts: list[Part] = []
        done = start
        while next_place < len(places) and places[next_place] <= end:
            place = places[next_place]
            if done < place:
                parts.append(_part(text[done:place], now, rows))
                done = place
            now = [number for number in now if number not in ends.get(place, ())] + starts.get(place, [])
            next_place += 1
        if done < end:
            parts.append(_part(text[done:end], now, rows))
        pieces.append(Piece(tuple(parts), True))
        done = end
    if done < len(text):
        pieces.append(Piece((Part(text[done:]),), False))
    return pieces


def _mentions(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The spans of whole mentions, those that overlap as one."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted({span for row in rows for span in _spans(row)}):
        if spans and start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], end)
        else:
            spans.append((start, end))
    return spans


def _spans(row: Row) -> tuple[tuple[int, int], tuple[int, int]]:
    return (row["start"], row["end"]), (row["part_start"], row["part_end"])


def _part(text: str, numbers: Sequence[int], rows: Sequence[Row]) -> Part:
    if not numbers:
        return Part(text)
    cited = [rows[number - 1] for number in numbers]
    certainty = max((row["certainty"] for row in cited), key=_WORST.index)
    names = ", ".join(dict.fromkeys(filter(None, (row["label"] for row in cited[:3]))))
    more = f" and {len(cited) - 3} more" if len(cited) > 3 else ""
    reasons = "; ".join(dict.fromkeys(filter(None, (row["reason"] for row in cited))))
    says = f"{names}{more} ({certainty}{f': {reasons}' if reasons else ''})" if names else f"{certainty}: {reasons}"
    return Part(text, tuple(numbers), certainty, says)
