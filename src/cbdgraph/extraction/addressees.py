"""The marks after (or before) a verb in, the actors that it addresses out; knows no verb and no sentence beyond them.

A list is cut into segments by commas and "and". A segment with an actor of the table is that actor; one with another
noun for actors, or with a name in capitals, is kept as its words; any other is an aside ("in accordance with …").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cbdgraph.extraction.lexicon import Lexicon
from cbdgraph.extraction.marks import Mark

LONGEST: Final = 150  # marks in one list of addressees, asides among them
_SEPARATORS: Final = frozenset({"comma", "and", "including"})
_NOUNS: Final = frozenset({"noun", "asker", "asker_near"})
_LISTED: Final = frozenset({"actor", "noun", "asker", "glue", "adverb", "aside", "quote"})
# Asides and what ends them: "in accordance with …" a comma, "in collaboration with A, B and C" only what is asked.
_ASIDES: Final = {
    "aside_to_comma": frozenset({"comma", "semicolon", "colon", "end", "verb"}),
    "aside_to_what": frozenset({"semicolon", "colon", "end", "verb"}),
}
_SILENT: Final = frozenset(
    {"adverb", "glue", "aside", "quote", "before_infinitive", "what_late", "what_if_infinitive"}
)


@dataclass(slots=True)
class _Segment:
    marks: list[Mark] = field(default_factory=list)
    named: bool = False

    def add(self, mark: Mark) -> None:
        """One more mark of the segment."""
        self.marks.append(mark)
        self.named = self.named or mark.kind in {"actor", "other"} | _NOUNS

    def add_to(self, found: Addressees, lexicon: Lexicon) -> bool:
        """What the segment names goes into `found`; False if it names nobody."""
        plain = [mark for mark in self.marks if mark.kind not in _SILENT]
        if not plain:
            return True
        actors = [mark for mark in plain if mark.kind == "actor"]
        nouns = [mark for mark in plain if mark.kind in _NOUNS]
        first = plain[0]
        if actors and not (nouns and nouns[0].start < actors[0].start):
            actor = actors[0]
            before = [mark for mark in plain if mark.start < actor.start]
            if len(before) > 3:
                return False
            found.add(actor, narrowed=len(plain) > 1)
            found.end = max(found.end, actor.end)
        elif nouns or (first.kind == "other" and lexicon.has_case and found.text[first.start].isupper()):
            found.unknown.append((first.start, plain[-1].end))
            found.end = max(found.end, plain[-1].end)
        else:
            return False
        found.start = min(found.start, first.start)
        return True


@dataclass(slots=True)
class Addressees:
    """Whom a list names: actors of the table, places of other names, and where the list and what follows begin.

    `way` is how the list ends: "what" (then what is asked starts at mark `after`), "verb" (another verb, at mark
    `after`, shares what is asked), or "" where it is no list of addressees. `first` is the mark that begins a list
    which stands before its verb.
    """

    text: str
    actors: list[str] = field(default_factory=list)
    doubts: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    narrowed: list[str] = field(default_factory=list)
    unknown: list[tuple[int, int]] = field(default_factory=list)
    start: int = 1 << 60
    end: int = 0
    first: int = 0
    after: int = 0
    way: str = ""

    def add(self, mark: Mark, narrowed: bool) -> None:
        """One actor, with the doubts that its words leave."""
        self.actors += [actor for actor in mark.word.values if actor not in self.actors]
        words = self.text[mark.start : mark.end]
        if mark.word.doubtful:
            self.doubts.append((words, mark.word.values))
        elif narrowed:
            self.narrowed.append(words)

    def __bool__(self) -> bool:
        return bool(self.actors or self.unknown)


def read_after(text: str, marks: Sequence[Mark], at: int, action: str, lexicon: Lexicon) -> Addressees:
    """The list that begins at mark `at`, right behind a verb for `action`."""
    found, segment = Addressees(text), _Segment()
    stop = min(len(marks), at + LONGEST)
    while at < stop:
        mark = marks[at]
        kind = mark.kind
        if kind == "colon" or _is_what(marks, at, action, lexicon, late=segment.named or bool(found)):
            return _close(found, segment, lexicon, at if kind == "other" else _past_marker(marks, at), "what")
        if kind in {"verb", "end", "semicolon"}:
            way = ""
            if kind == "verb":
                joined = all(mark.kind in _SILENT for mark in segment.marks)
                way = "verb" if joined else "what" if lexicon.list_ends_bare else ""
            return _close(found, segment, lexicon, at, way)
        if kind in _SEPARATORS:
            if segment.marks and not segment.add_to(found, lexicon) and not found:
                return Addressees(text)
            segment = _Segment()
        elif kind in _ASIDES:
            if segment.marks and not segment.add_to(found, lexicon) and not found:
                return Addressees(text)
            segment = _Segment()
            while (
                at + 1 < stop
                and marks[at + 1].kind not in _ASIDES[kind]
                and not _is_what(marks, at + 1, action, lexicon, True)
            ):
                at += 1
        elif lexicon.list_ends_bare and kind not in _LISTED:
            return _close(found, segment, lexicon, at, "what")
        else:
            segment.add(mark)
        at += 1
    return _close(found, segment, lexicon, at, "")


def read_before(text: str, marks: Sequence[Mark], at: int, lexicon: Lexicon) -> Addressees:
    """The list that ends at mark `at`, right before a passive verb or a closing phrase ("向…提出呼吁")."""
    first = at
    while first and at - first < LONGEST // 4:
        kind = marks[first - 1].kind
        if kind not in _SEPARATORS | _NOUNS | _SILENT | {"actor"}:
            break
        first -= 1
    found, segment = Addressees(text), _Segment()
    for mark in marks[first:at]:
        if mark.kind in _SEPARATORS:
            segment.add_to(found, lexicon)
            segment = _Segment()
        else:
            segment.add(mark)
    _close(found, segment, lexicon, at, "what")
    found.first = first
    opened = first > 0 and marks[first - 1].kind == "after_opener"
    free = not first or marks[first - 1].kind in {"sign", "number", "colon", "right", "semicolon"}
    return found if found.actors and (opened or (free and not lexicon.after_needs_opener)) else Addressees(text)


def _is_what(marks: Sequence[Mark], at: int, action: str, lexicon: Lexicon, late: bool) -> bool:
    """Whether what is asked begins at mark `at`: at "that", at "to" before an infinitive, at an infinitive itself."""
    mark = marks[at]
    match mark.kind:
        case "what":
            return True
        case "what_of_requests":
            return action == "requests"
        case "what_late":
            return late
        case "what_if_infinitive":
            after = at + 1
            while after < len(marks) and marks[after].kind in {"before_infinitive", "adverb"}:
                after += 1
            if after == len(marks):
                return False
            if marks[after].kind == "colon":
                return True
            return marks[after].key not in lexicon.not_after_what and _infinitive(marks[after], lexicon)
        case "other":
            return late and lexicon.bare_infinitive and _infinitive(mark, lexicon)
    return False


def _infinitive(mark: Mark, lexicon: Lexicon) -> bool:
    if not mark.key[0].isalpha():
        return False
    return mark.key.endswith(lexicon.infinitives) and not (
        mark.key in lexicon.not_infinitives or mark.key.endswith(lexicon.not_infinitive_endings)
    )


def _past_marker(marks: Sequence[Mark], at: int) -> int:
    """Behind the marker, and behind the colon or comma that may follow it."""
    at += 1
    while at < len(marks) and marks[at].kind in {"colon", "comma"}:
        at += 1
    return at


def _close(found: Addressees, segment: _Segment, lexicon: Lexicon, at: int, way: str) -> Addressees:
    if segment.marks:
        segment.add_to(found, lexicon)
    found.after, found.way = at, way if found else ""
    return found
