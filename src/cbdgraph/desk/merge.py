"""Two desks in, what one lacks appended to it; nothing is changed, and what is known already is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cbdgraph.desk.chain import find_breaks
from cbdgraph.desk.desk import Desk, append, find_last, read_all
from cbdgraph.desk.reviews import Draft, Entry, Key, tidy_name
from cbdgraph.errors import DeskError

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it: entries that were added, those known already, keys on which both had said something."""

    added: tuple[Entry, ...]
    known: int
    parallel: tuple[Key, ...]


def merge(desk: Desk, other: Desk) -> Merged:
    """Append the entries of another desk, in its order, each behind what stands here.

    An entry that was recorded without sight of one that stands here is marked as `parallel`. `DeskError` if the chain
    of the other desk is broken: then nothing is taken. Who reviewed there has no access here.
    """
    theirs = list(other.entries())
    if faults := [*other.file.find_damage(), *find_breaks(theirs)]:
        raise DeskError(f"the other desk is not as it was recorded: {'; '.join(faults[:_SHOWN])}; nothing was merged")
    for entry in theirs:
        _check(entry)
    added: list[Entry] = []
    with desk.file.writing() as connection:
        here = {entry.uid: entry for entry in read_all(connection)}
        ours: dict[Key, set[str]] = defaultdict(set)
        for entry in here.values():
            ours[entry.key].add(entry.uid)
        known_there: dict[Key, set[str]] = defaultdict(set)
        known = 0
        for entry in theirs:
            if entry.uid in here:
                if _said(entry) != _said(here[entry.uid]):
                    raise DeskError(f"entry {entry.uid} says something else in the other desk; nothing was merged")
                known += 1
            else:
                last = find_last(connection, entry.key)
                is_parallel = entry.parallel or bool(ours[entry.key] - known_there[entry.key])
                version = last.version + 1 if last else 1
                added.append(append(connection, replace(entry, version=version, parallel=is_parallel)))
                ours[entry.key].add(entry.uid)
            known_there[entry.key].add(entry.uid)
    return Merged(tuple(added), known, _unsettled(added))


def _check(entry: Entry) -> None:
    """`DeskRefused` for what could not have been recorded: the other file comes from outside."""
    tidy_name(entry.reviewer)
    Draft(
        entry.subject, entry.language, entry.state, entry.comment, entry.suggestion, 0, entry.release, entry.content
    ).checked()


def _said(entry: Entry) -> Entry:
    """An entry without what depends on the desk in which it stands."""
    return replace(entry, id=0, version=0, parallel=False, previous="", hash="")


def _unsettled(added: Sequence[Entry]) -> tuple[Key, ...]:
    last = {entry.key: entry for entry in added}
    return tuple(key for key, entry in last.items() if entry.parallel)
