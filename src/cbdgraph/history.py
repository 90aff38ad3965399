"""The change log as a service reads it: written once beside a release, opened as a light list of events whose
content stays on disk until it is asked for. Standard library only.

    changes.jsonl   the releases, then a line for each event: what, when, which class and names, where its content is
    changes.nq      the content of all events, one after the other
    pending.txt     resources that differ from the last release of the log; empty in a release itself
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from cbdgraph.changelog import Change, Entry, Log, mint_version
from cbdgraph.iris import mint
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import CHANGES, expand
from cbdgraph.quads import values_of

_EVENTS: Final = "changes.jsonl"
_CONTENT: Final = "changes.nq"
_PENDING: Final = "pending.txt"

_NAMING: Final = tuple(map(expand, ("skos:prefLabel", "rdfs:label", "dcterms:title")))
_TYPE: Final = expand("rdf:type")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a resource in a release; `position` counts from 0 over the whole log.

    `classes` are IRIs, `names` texts by language ("" for none): of a withdrawn resource those that it had.
    """

    position: int
    release: str
    when: datetime
    resource: str
    change: Change
    classes: tuple[str, ...]
    names: Mapping[str, str]
    start: int
    length: int
    reason: str = ""
    replacements: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The IRI of the resource as it was from this release on."""
        return mint_version(self.release, self.resource)

    def name(self, language: str = "en") -> str:
        """The best name for a reader of that language; the IRI if there is none."""
        return self.names.get(language) or self.names.get("en") or next(iter(self.names.values()), self.resource)


@dataclass(frozen=True, slots=True)
class Past:
    """A release of the log: number, when it was issued, its canonical hash, and the number of its events."""

    number: str
    when: datetime
    data_hash: str
    events: int


class History:
    """All events of the log, the oldest first; safe to read from any thread."""

    __slots__ = ("_last", "_path", "events", "pending", "releases")

    def __init__(
        self, path: Path, releases: Sequence[Past], events: Sequence[Event], pending: Iterable[str] = ()
    ) -> None:
        self._path = path
        self.releases, self.events = tuple(releases), tuple(events)
        self.pending = frozenset(pending)
        self._last = {event.resource: event for event in self.events}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """What `write_history` wrote; `OSError` or `ValueError` if it is not there or broken."""
        releases: list[Past] = []
        events: list[Event] = []
        with (folder / _EVENTS).open(encoding="utf-8") as file:
            for line in file:
                document = json.loads(line)
                when = datetime.fromisoformat(document.pop("when"))
                if "resource" not in document:
                    releases.append(Past(when=when, **document))
                    continue
                document["classes"], document["replacements"] = (
                    tuple(document["classes"]),
                    tuple(document["replacements"]),
                )
                events.append(Event(position=len(events), when=when, **document))
        pending = (folder / _PENDING).read_text(encoding="utf-8").split("\n")
        return cls(folder / _CONTENT, releases, events, filter(None, pending))

    def last(self, resource: str) -> Event | None:
        """The last that happened to a resource."""
        return self._last.get(resource)

    def living(self) -> Iterator[Event]:
        """The last event of each resource that is still described, in the order of events."""
        return (e for e in self.events if self._last[e.resource] is e and e.change != "withdrawn")

    def content(self, event: Event) -> list[str]:
        """All that is said about the resource from this event on, as lines of canonical N-Quads."""
        with self._path.open("rb") as file:
            file.seek(event.start)
            return _lines(file.read(event.length))

    def contents(self, events: Sequence[Event]) -> Iterator[tuple[Event, list[str]]]:
        """Each event with its content; the file is opened once."""
        with self._path.open("rb") as file:
            for event in events:
                file.seek(event.start)
                yield event, _lines(file.read(event.length))

    def modified(self, resource: str) -> datetime | None:
        """When what is said about a resource last changed; None for what no release says so."""
        event = self._last.get(resource)
        return None if event is None or resource in self.pending or event.change == "withdrawn" else event.when


def write_history(folder: Path, log: Log, state: Mapping[str, Sequence[str]]) -> None:
    """Write the log for a service; `state` is what the data that are served say, by resource."""
    start = 0
    known: dict[str, tuple[list[str], dict[str, str]]] = {}
    with (folder / _EVENTS).open("w", encoding="utf-8") as events, (folder / _CONTENT).open("wb") as contents:
        for release in log.releases:
            head = {
                "number": release.number,
                "when": release.issued,
                "data_hash": release.data_hash,
                "events": len(release.entries),
            }
            events.write(_line(head))
            for entry in release.entries:
                content = "".join(f"{line}\n" for line in entry.content).encode()
                if entry.change != "withdrawn":
                    known[entry.resource] = _describe(entry)
                classes, names = known[entry.resource]
                event: dict[str, Any] = {
                    "release": release.number,
                    "when": release.issued,
                    "resource": entry.resource,
                    "change": entry.change,
                    "classes": classes,
                    "names": names,
                    "start": start,
                    "length": len(content),
                    "reason": entry.withdrawal.reason if entry.withdrawal else "",
                    "replacements": list(entry.withdrawal.replacements) if entry.withdrawal else [],
                }
                events.write(_line(event))
                contents.write(content)
                start += len(content)
    released = log.replay()
    pending = sorted(name for name in {*state, *released} if tuple(state.get(name, ())) != released.get(name, ()))
    (folder / _PENDING).write_text("".join(f"{name}\n" for name in pending), encoding="utf-8")


def describe_log(log: Log) -> list[str]:
    """The log as N-Triples for the graph of changes, so that queries can ask it; without the content."""
    lines = [f'<{CHANGES}> <{expand("rdfs:label")}> "changes from release to release"@en .'] if log.releases else []
    for release in log.releases:
        when = Text(release.issued, datatype=Iri(expand("xsd:dateTime")))
        number = Iri(mint(f"release/{release.number}"))
        for entry in release.entries:
            version = Iri(mint_version(release.number, entry.resource))
            says = [
                ("rdf:type", Iri(expand("cbd:Version"))),
                ("dcterms:isVersionOf", Iri(entry.resource)),
                ("cbd:change", Text(entry.change)),
                ("cbd:inRelease", number),
                ("prov:generatedAtTime", when),
            ]
            if entry.withdrawal:
                says.append(("cbd:withdrawalReason", Text(entry.withdrawal.reason, language="en")))
                says += [("dcterms:isReplacedBy", Iri(name)) for name in entry.withdrawal.replacements]
            lines += [f"{version} <{expand(name)}> {value} ." for name, value in says]
    return lines


def _lines(content: bytes) -> list[str]:
    """As bytes, since a literal may hold signs that end a line of text, such as U+2028."""
    return [line.decode() for line in content.splitlines()]


def _describe(entry: Entry) -> tuple[list[str], dict[str, str]]:
    """Classes, and names by language."""
    classes = [value.value for value in values_of(entry.content, entry.resource, _TYPE)]
    names: dict[str, str] = {}
    for naming in _NAMING:
        for value in values_of(entry.content, entry.resource, naming):
            if isinstance(value, Text):
                names.setdefault(value.language, value.value)
    return classes, names


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"
