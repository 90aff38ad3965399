"""The ontology as a drawing: its terms in, SVG out. Loads nothing and needs no style sheet or script.

Classes stand in rows, those below another one under it, further in; each object property is a line down the drawing,
with a dot at the classes that have it and an arrowhead at those of its values. So nothing crosses that is not told
apart, however the ontology grows, and the same ontology is the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from cbdgraph.namespaces import ONTOLOGY
from cbdgraph.server.docs.documented import Documented, Vocabulary
from cbdgraph.server.statements import short

_ROW: Final = 26  # pixels, as all here
_LANE: Final = 22
_NAMES: Final = 230  # for the names of classes
_INDENT: Final = 16
_HEAD: Final = 150  # for the names of properties, which lean
_INK, _LINE, _FAINT, _BACK = "#1d2b22", "#0b5d36", "#d8e2da", "#ffffff"
_PEN: Final = f'stroke="{_LINE}" stroke-width="1.5"'
_SUMMARY: Final = (
    "Classes in rows; every object property is a vertical line, with a dot at each class that has it and an "
    "arrowhead at each class of its values. The table of the page says the same."
)


@dataclass(frozen=True, slots=True)
class Lane:
    """An object property with the classes that have it, and those of its values."""

    term: Documented
    origins: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the drawing: a class, and how far in it stands."""

    iri: str
    depth: int


def find_lanes(vocabulary: Vocabulary) -> list[Lane]:
    """The object properties of which one knows what they join: as the ontology says, else as the release has it."""
    lanes = []
    for term in vocabulary.of_kind("object property"):
        origins = term.domains or tuple(use.iri for use in term.used_from)
        targets = term.ranges or tuple(use.iri for use in term.used_to)
        if origins and targets:
            lanes.append(Lane(term, origins, targets))
    return lanes


def find_lines(vocabulary: Vocabulary, lanes: Sequence[Lane]) -> list[Line]:
    """The classes of the ontology as a tree, then those of others that a lane needs."""
    classes = {term.iri: term for term in vocabulary.of_kind("class")}
    lines: list[Line] = []
    seen: set[str] = set()

    def add(iri: str, depth: int) -> None:
        if iri in seen:
            return
        seen.add(iri)
        lines.append(Line(iri, depth))
        for below in classes[iri].below:
            if below in classes:
                add(below, depth + 1)

    for iri, term in classes.items():
        if not any(above in classes for above in term.above):
            add(iri, 0)
    for iri in classes:  # what stands in a circle
        add(iri, 0)
    others = {iri for lane in lanes for iri in (*lane.origins, *lane.targets)} - seen
    return [*lines, *(Line(iri, 0) for iri in sorted(others))]


def draw(vocabulary: Vocabulary) -> str:
    """The drawing as a document of its own; a name in it leads to the term in the documentation."""
    lanes = find_lanes(vocabulary)
    lines = find_lines(vocabulary, lanes)
    rows = {line.iri: number for number, line in enumerate(lines)}
    names = {term.iri: term.label.text for term in vocabulary.terms}
    width, height = size(vocabulary)
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    font = 'font-family="system-ui, sans-serif" font-size="13"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title desc" {font}>',
            f'<title id="title">{escape(vocabulary.title)}: classes and object properties</title>',
            f'<desc id="desc">{escape(_SUMMARY)}</desc>',
            f'<rect width="{width}" height="{height}" fill="{_BACK}"/>',
            *(part for number, line in enumerate(lines) for part in _draw_line(line, number, width, names)),
            *(part for number, lane in enumerate(lanes) for part in _draw_lane(lane, number, rows)),
            "</svg>\n",
        )
    )


def size(vocabulary: Vocabulary) -> tuple[int, int]:
    """Width and height of the drawing."""
    lanes = find_lanes(vocabulary)
    lines = find_lines(vocabulary, lanes)
    return _NAMES + _LANE * len(lanes) + 120, _HEAD + _ROW * len(lines) + 8


def _draw_line(line: Line, number: int, width: int, names: Mapping[str, str]) -> Iterator[str]:
    y = _height(number)
    name = escape(names.get(line.iri) or short(line.iri))
    yield f'<line x1="8" x2="{width - 112}" y1="{y}" y2="{y}" stroke="{_FAINT}"/>'
    yield _link(line.iri, f'<text x="{8 + _INDENT * line.depth}" y="{y - 4}" fill="{_INK}">{name}</text>')


def _draw_lane(lane: Lane, number: int, rows: Mapping[str, int]) -> Iterator[str]:
    x = _NAMES + _LANE * number
    heights = [_height(rows[iri]) for iri in (*lane.origins, *lane.targets)]
    top, end = min(heights), max(heights)
    place = f"translate({x + 4} {_HEAD - 12}) rotate(-50)"
    yield _link(lane.term.iri, f'<text transform="{place}" fill="{_INK}">{escape(lane.term.label.text)}</text>')
    yield f'<line x1="{x}" x2="{x}" y1="{_HEAD - 8}" y2="{top}" stroke="{_FAINT}" stroke-dasharray="2 3"/>'
    yield f'<line x1="{x}" x2="{x}" y1="{top}" y2="{end}" {_PEN}/>'
    for iri in lane.targets:
        y = _height(rows[iri])
        yield f'<path d="M{x - 6} {y - 10} L{x + 6} {y - 10} L{x} {y} Z" fill="{_BACK}" {_PEN}/>'
    for iri in lane.origins:
        yield f'<circle cx="{x}" cy="{_height(rows[iri])}" r="3.5" fill="{_LINE}"/>'


def _height(number: int) -> int:
    return _HEAD + _ROW * (number + 1) - 4


def _link(iri: str, content: str) -> str:
    """A link to the documentation of a term of ours; of others only the name is shown."""
    if not iri.startswith(ONTOLOGY):
        return content
    return f'<a href="/docs/ontology#{escape(iri.removeprefix(ONTOLOGY))}">{content}</a>'
