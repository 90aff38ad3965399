"""What waits for a reviewer: matters, states and what was seen in, items by filter and counts out; asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cbdgraph.desk import TONGUES, Key, Seen, State
from cbdgraph.server.desk.matters import Matter, Matters

FILTERS: Final[Mapping[str, str]] = {
    "unseen": "not looked at yet",
    "changed": "changed since you looked",
    "disputed": "disputed, or said twice at once",
    "all": "everything",
}
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Item:
    """A matter with what stands for it, and what the reviewer has seen of it."""

    matter: Matter
    state: State | None
    seen: Seen | None

    @property
    def version(self) -> int:
        """Of the last entry; 0 while there is none."""
        return self.state.version if self.state else 0

    @property
    def is_changed(self) -> bool:
        """Whether the text, or what is said of it, is not what the reviewer saw."""
        return self.seen is not None and (self.seen.content, self.seen.version) != (self.matter.content, self.version)

    def is_in(self, name: str) -> bool:
        """Whether a filter lets it through."""
        match name:
            case "unseen":
                return self.seen is None
            case "changed":
                return self.is_changed
            case "disputed":
                return self.state is not None and self.state.is_disputed
            case _:
                return True

    def describe(self) -> dict[str, Any]:
        """As JSON has it."""
        state = self.state
        return {
            "subject": self.matter.subject,
            "language": self.matter.language,
            "kind": self.matter.kind,
            "term": self.matter.term,
            "text": self.matter.text,
            "about": self.matter.about,
            "content": self.matter.content,
            "version": self.version,
            "state": state.state if state else None,
            "suggestion": state.suggestion if state else "",
            "parallel": state.parallel if state else False,
            "reviewer": state.reviewer if state else None,
            "time": state.time if state else None,
            "seen": self.seen is not None,
            "changed": self.is_changed,
        }


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page of the items of a filter; `counts` are those of every filter, within language and term."""

    filter: str
    counts: Mapping[str, int]
    number: int
    items: tuple[Item, ...]

    @property
    def total(self) -> int:
        """Of the filter."""
        return self.counts[self.filter]

    @property
    def last(self) -> int:
        """The number of the last page; an empty list has one."""
        return max(-(-self.total // PAGE), 1)


def list_items(matters: Iterable[Matter], states: Mapping[Key, State], seen: Mapping[Key, Seen]) -> tuple[Item, ...]:
    """Each matter with what is said of it."""
    return tuple(Item(matter, states.get(matter.key), seen.get(matter.key)) for matter in matters)


def list_term(matters: Matters, term: str, states: Mapping[Key, State], seen: Mapping[Key, Seen]) -> tuple[Item, ...]:
    """All of a term: what it says, and what was reviewed in a language in which it says nothing."""
    own = list(matters.by_term[term])
    known = {matter.key for matter in own}
    subjects = {matter.subject for matter in own if matter.kind == "definition"}
    reviewed = ((subject, language) for subject in sorted(subjects) for language in sorted(TONGUES))
    own += [matters.find(*key) for key in reviewed if key in states and key not in known]
    return list_items(own, states, seen)


def make_worklist(
    matters: Matters,
    states: Mapping[Key, State],
    seen: Mapping[Key, Seen],
    *,
    shown: str,
    language: str,
    term: str,
    number: int,
) -> Worklist:
    """Page `number` of what the filter `shown` lets through, in one language or all (""), of one term or all ("")."""
    items = [
        item
        for iri in ([term] if term else matters.by_term)
        for item in list_term(matters, iri, states, seen)
        if not language or item.matter.language == language
    ]
    counts = {name: sum(item.is_in(name) for item in items) for name in FILTERS}
    chosen = [item for item in items if item.is_in(shown)]
    return Worklist(shown, counts, number, tuple(chosen[(number - 1) * PAGE : number * PAGE]))
