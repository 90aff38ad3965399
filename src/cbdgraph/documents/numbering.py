"""Automatic numbers of a .docx: what Word prints before a paragraph, computed from `numbering.xml` and the styles.

Follows ECMA-376 part 1, 17.9. A list (`w:num`) is an instance of an abstract list; the instances of one abstract list
share their counters, unless an override gives an instance a start of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from cbdgraph.documents.numerals import format_counter
from cbdgraph.documents.package import child_of, is_on, local_name, number_in, value_of

_LEVELS: Final = 9
_PLACE: Final = re.compile(r"%([1-9])")
# Signs of the fonts Symbol and Wingdings are kept in a private range; all of them serve as bullets.
_BULLET: Final = "•"


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a list. It begins anew after a step of level `restart` or above; -1 is any above, 0 never."""

    form: str = "decimal"
    text: str = ""
    start: int = 1
    restart: int = -1
    legal: bool = False
    style: str = ""


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph style says of numbers and headings; -1 where it says nothing."""

    name: str = ""
    based_on: str = ""
    number_id: str = ""
    level: int = -1
    outline: int = -1
    bold: bool = False


@dataclass(slots=True)
class _Counters:
    """The counters of one abstract list; 0 levels deep have not begun."""

    values: list[int] = field(default_factory=lambda: [-1] * _LEVELS)


class Styles:
    """The paragraph styles by identifier."""

    def __init__(self, root: etree._Element | None) -> None:
        self._styles = {value_of_self(style, "styleId"): _read_style(style) for style in _children(root, "style")}

    def chain(self, identifier: str) -> Iterator[Style]:
        """A style and those it is based on, nearest first."""
        seen: set[str] = set()
        while identifier in self._styles and identifier not in seen:
            seen.add(identifier)
            yield self._styles[identifier]
            identifier = self._styles[identifier].based_on

    def identifiers(self, identifier: str) -> Iterator[str]:
        """The identifiers of a style and of those it is based on."""
        yield identifier
        for style in self.chain(identifier):
            if style.based_on:
                yield style.based_on


class Numbering:
    """The lists of a document; gives out numbers in the order in which it is asked."""

    def __init__(self, root: etree._Element | None, styles: Styles) -> None:
        self._styles = styles
        self._abstract = {value_of_self(each, "abstractNumId"): each for each in _children(root, "abstractNum")}
        self._by_style = {value_of(each, "styleLink"): each for each in self._abstract.values()}
        self._lists = {value_of_self(each, "numId"): each for each in _children(root, "num")}
        self._levels: dict[str, tuple[str, tuple[Level, ...]]] = {}
        self._counters: dict[str, _Counters] = {}
        self._started: set[tuple[str, int]] = set()

    def number_of(self, properties: etree._Element | None, style: str) -> tuple[str, int]:
        """The number that Word prints before a paragraph, and its level; empty if it is in no list."""
        number_id, place = self._find_list(properties, style)
        if number_id in ("", "0") or number_id not in self._lists:
            return "", 0
        abstract, levels = self._levels_of(number_id)
        place = min(max(place, 0), _LEVELS - 1)
        values = self._step(number_id, abstract, levels, place)
        level = levels[place]
        if level.form == "bullet":
            return _BULLET, place
        text = _PLACE.sub(lambda found: _print(levels, values, int(found[1]) - 1, level.legal), level.text)
        return text.strip(), place

    def _find_list(self, properties: etree._Element | None, style: str) -> tuple[str, int]:
        """List and level of a paragraph: its own, else those of its style or of what the style is based on."""
        number_id = value_of(properties, "numPr", "numId")
        place = number_in(value_of(properties, "numPr", "ilvl"), -1)
        for each in self._styles.chain(style):
            number_id = number_id or each.number_id
            place = each.level if place < 0 else place
        if place < 0 and number_id in self._lists:
            _, levels = self._levels_of(number_id)
            names = set(self._styles.identifiers(style))
            place = next((at for at, level in enumerate(levels) if level.style and level.style in names), 0)
        return number_id, max(place, 0)

    def _step(self, number_id: str, abstract: str, levels: tuple[Level, ...], place: int) -> list[int]:
        """Count one paragraph at a level; the levels below begin anew."""
        values = self._counters.setdefault(abstract, _Counters()).values
        for at in range(place + 1):
            override = _start_override(self._lists[number_id], at)
            if override >= 0 and (number_id, at) not in self._started:
                self._started.add((number_id, at))
                values[at] = override - 1 if at == place else override
        if values[place] < 0:
            values[place] = levels[place].start - 1
        values[place] += 1
        for at in range(place):
            if values[at] < 0:
                values[at] = levels[at].start
        for at in range(place + 1, _LEVELS):
            restart = levels[at].restart
            if restart == -1 or (restart > 0 and place < restart):
                values[at] = -1
        return values

    def _levels_of(self, number_id: str) -> tuple[str, tuple[Level, ...]]:
        if number_id not in self._levels:
            instance = self._lists[number_id]
            abstract = value_of(instance, "abstractNumId")
            element = self._abstract.get(abstract)
            link = value_of(element, "numStyleLink")
            if link and link in self._by_style:
                element = self._by_style[link]
                abstract = value_of_self(element, "abstractNumId")
            found = {
                number_in(value_of_self(level, "ilvl")): _read_level(level) for level in _children(element, "lvl")
            }
            for override in _children(instance, "lvlOverride"):
                level = child_of(override, "lvl")
                if level is not None:
                    found[number_in(value_of_self(override, "ilvl"))] = _read_level(level)
            self._levels[number_id] = (abstract, tuple(found.get(at, Level()) for at in range(_LEVELS)))
        return self._levels[number_id]


def value_of_self(element: etree._Element | None, key: str) -> str:
    """An attribute of an element itself, in whatever namespace; empty if it has none."""
    for name, value in element.attrib.items() if element is not None else ():
        if str(name).rpartition("}")[2] == key:
            return str(value)
    return ""


def _children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    for child in element if element is not None else ():
        if local_name(child) == name:
            yield child


def _read_level(element: etree._Element) -> Level:
    form = value_of(element, "numFmt")
    if not form:  # newer forms stand in an alternative, with an older one beside it
        form = value_of(element, "AlternateContent", "Fallback", "numFmt", default="decimal")
    return Level(
        form=form,
        text=value_of(element, "lvlText"),
        start=number_in(value_of(element, "start")),
        restart=number_in(value_of(element, "lvlRestart"), -1),
        legal=is_on(element, "isLgl"),
        style=value_of(element, "pStyle"),
    )


def _read_style(element: etree._Element) -> Style:
    return Style(
        name=value_of(element, "name").lower(),
        based_on=value_of(element, "basedOn"),
        number_id=value_of(element, "pPr", "numPr", "numId"),
        level=number_in(value_of(element, "pPr", "numPr", "ilvl"), -1),
        outline=number_in(value_of(element, "pPr", "outlineLvl"), -1),
        bold=is_on(element, "rPr", "b"),
    )


def _start_override(instance: etree._Element, place: int) -> int:
    for override in _children(instance, "lvlOverride"):
        if number_in(value_of_self(override, "ilvl"), -1) == place:
            return number_in(value_of(override, "startOverride"), -1)
    return -1


def _print(levels: tuple[Level, ...], values: list[int], place: int, legal: bool) -> str:
    value = values[place] if values[place] >= 0 else levels[place].start
    return format_counter("decimal" if legal and levels[place].form != "none" else levels[place].form, value)
