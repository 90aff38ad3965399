"""What the graph says, as records of InforMEA: a release in, decisions and meetings out; writes no format.

Only what is stated: a field of which the graph says nothing is null, or an empty list. What was withdrawn from the
graph stays as a record with the status `deleted`, so that who asks for what was updated is told.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cbdgraph.history import Event, History
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, LANGUAGES, expand
from cbdgraph.quads import values_of
from cbdgraph.queries import prologue
from cbdgraph.server.informea.model import DECISIONS, KEY, MEETINGS, EntitySet
from cbdgraph.server.informea.odata import Record, parse_time
from cbdgraph.server.live import Served

DELETED: Final = "deleted"

# The codes of InforMEA for the treaty that a body serves, and for the kind of its meetings.
_TREATIES: Final = {
    "cop": "cbd",
    "sbstta": "cbd",
    "sbi": "cbd",
    "wg8j": "cbd",
    "wgri": "cbd",
    "cp-mop": "cartagena",
    "np-mop": "nagoya",
}
_IDENTIFIER: Final = Iri(expand("cbd:ClearingHouseIdentifier"))
_MEETING_KINDS: Final = {"cop": "cop", "cp-mop": "mop", "np-mop": "mop"}
_NAMED: Final = {
    "cbd:Decision": (
        *("cbd:symbol", "cbd:number", "cbd:adoptedAt", "cbd:title", "cbd:onIssue"),
        *("rdfs:label", "rdfs:seeAlso"),
    ),
    "cbd:Meeting": (
        *("cbd:meetingOf", "cbd:place", "cbd:startDate", "cbd:endDate"),
        *("skos:prefLabel", "rdfs:label", "rdfs:seeAlso"),
    ),
    "cbd:Issue": ("skos:notation",),
    "cbd:Release": ("dcterms:issued",),
}
_PAIRS: Final = "\n    ".join(f"({owner} {name})" for owner, names in _NAMED.items() for name in ("rdf:type", *names))
_QUERY: Final = f"""{prologue(("cbd", "rdf", "rdfs", "skos", "dcterms"))}
SELECT DISTINCT ?class ?subject ?property ?value
WHERE {{
  VALUES (?class ?property) {{
    {_PAIRS}
  }}
  ?subject a ?class ; ?property ?value .
  FILTER(isIRI(?subject))
}}"""

Statements = Mapping[str, Sequence[Iri | Text]]  # values by prefixed name


@dataclass(frozen=True, slots=True)
class Records:
    """All records of a release, by the name of their set."""

    by_set: Mapping[str, tuple[Record, ...]]

    def find(self, entities: EntitySet, key: str) -> Record | None:
        """The record of a set with this key."""
        return next((record for record in self.by_set[entities.name] if record[KEY] == key), None)


async def read_records(served: Served) -> Records:
    """The records of what is served."""
    answer = await served.engine.run_query(_QUERY, media_type="application/sparql-results+json", trusted=True)
    return await asyncio.to_thread(_make_records, served, answer.bindings)


def _make_records(served: Served, rows: Iterable[Mapping[str, Mapping[str, str]]]) -> Records:
    found: dict[str, dict[str, dict[str, list[Iri | Text]]]] = {name: {} for name in _NAMED}
    names = {expand(name): name for name in ("rdf:type", *_NAMED, *(each for own in _NAMED.values() for each in own))}
    for row in rows:
        of_class = found[names[row["class"]["value"]]]
        values = of_class.setdefault(row["subject"]["value"], defaultdict(list))
        values[names[row["property"]["value"]]].append(_term(row["value"]))
    return Records(_Maker(served, found).make())


class _Maker:
    """Puts records together; `statements` by class and subject."""

    def __init__(self, served: Served, statements: Mapping[str, Mapping[str, Statements]]) -> None:
        self._served, self._history = served, served.history
        self._statements = statements
        self._meetings = statements["cbd:Meeting"]
        self._latest = self._find_latest()

    def make(self) -> dict[str, tuple[Record, ...]]:
        decisions = [self._decision(iri, said) for iri, said in self._statements["cbd:Decision"].items()]
        meetings = [self._meeting(iri, said) for iri, said in self._meetings.items()]
        decisions += self._withdrawn("cbd:Decision", self._decision)
        meetings += self._withdrawn("cbd:Meeting", self._meeting)
        return {DECISIONS.name: tuple(decisions), MEETINGS.name: tuple(meetings)}

    def _decision(self, iri: str, said: Statements, event: Event | None = None) -> Record:
        meeting = _first(said, "cbd:adoptedAt")
        about = self._meetings.get(meeting or "", {})
        issues = sorted(value.value for value in said.get("cbd:onIssue", ()) if isinstance(value, Iri))
        number = _first(said, "cbd:number")
        record = {
            **_empty(DECISIONS),
            KEY: iri,
            "link": _page(said),
            "title": _texts(said, "cbd:title") or _texts(said, "rdfs:label"),
            "type": "decision",
            "number": _first(said, "cbd:symbol"),
            "treaty": _TREATIES.get(_body(about)),
            "published": _day(about, "cbd:endDate"),
            "updated": self._updated(iri, [meeting or "", *(() if event else issues)], event),
            "meetingId": meeting,
            "meetingTitle": _english(about),
            "meetingUrl": _page(about),
            "keywords": tuple(keyword for issue in issues for keyword in self._keywords(issue)),
            "displayOrder": int(number) if number and number.isdecimal() and number.isascii() else None,
        }
        return record if event is None else {**record, "link": None, "keywords": (), **_end(event)}

    def _meeting(self, iri: str, said: Statements, event: Event | None = None) -> Record:
        places = sorted(value.value for value in said.get("cbd:place", ()) if isinstance(value, Text))
        record = {
            **_empty(MEETINGS),
            KEY: iri,
            "treaty": _TREATIES.get(_body(said)),
            "url": _page(said),
            "title": _texts(said, "skos:prefLabel") or _texts(said, "rdfs:label"),
            "start": _day(said, "cbd:startDate"),
            "end": _day(said, "cbd:endDate"),
            "type": _MEETING_KINDS.get(_body(said)),
            "city": "; ".join(places) or None,
            "updated": self._updated(iri, (), event),
        }
        return record if event is None else {**record, "url": None, **_end(event)}

    def _keywords(self, issue: str) -> list[dict[str, str]]:
        """The clearing-house's identifiers of an issue; its own IRI in two where it has none."""
        codes = self._statements["cbd:Issue"].get(issue, {}).get("skos:notation", ())
        terms = sorted(code.value for code in codes if isinstance(code, Text) and code.datatype == _IDENTIFIER)
        folder, slash, slug = issue.rpartition("/")
        found = [{"namespace": _IDENTIFIER.value, "term": term} for term in terms]
        return found or [{"namespace": folder + slash, "term": slug}]

    def _updated(self, iri: str, others: Iterable[str], event: Event | None) -> datetime | None:
        """When anything that the record tells last changed; `event` is the end of a withdrawn one."""
        own = event.when if event else self._served.modified(iri) or self._latest
        times = [own, *map(self._served.modified, others)]
        return max((time for time in times if time is not None), default=None)

    def _find_latest(self) -> datetime | None:
        """When the last release was cut, by the change log, else by what the graph says of its releases."""
        if self._history is not None and self._history.releases:
            return self._history.releases[-1].when
        times = [_day(said, "dcterms:issued") for said in self._statements["cbd:Release"].values()]
        return max((time for time in times if time is not None), default=None)

    def _withdrawn(self, of_class: str, make: Callable[[str, Statements, Event], Record]) -> list[Record]:
        """Records of what the change log says was withdrawn, with what it said of them last."""
        if self._history is None:
            return []
        last = list(_find_withdrawn(self._history, expand(of_class), self._statements[of_class]))
        events = [before for _, before in last]
        found = []
        for (event, _), (_, content) in zip(last, self._history.contents(events), strict=True):
            said = {name: values_of(content, event.resource, expand(name)) for name in _NAMED[of_class]}
            found.append(make(event.resource, said, event))
        return found


def _find_withdrawn(history: History, of_class: str, living: Mapping[str, Any]) -> Iterator[tuple[Event, Event]]:
    """Each withdrawal that still holds, and the event before it of the same resource."""
    before: dict[str, Event] = {}
    for event in history.events:
        if event.change != "withdrawn":
            before[event.resource] = event
        elif history.last(event.resource) is event and of_class in event.classes and event.resource not in living:
            yield event, before[event.resource]


def _end(event: Event) -> dict[str, Any]:
    return {
        "status": DELETED,
        "withdrawalReason": event.reason or None,
        "replacedBy": " ".join(event.replacements) or None,
    }


def _empty(entities: EntitySet) -> dict[str, Any]:
    """A record of which nothing is known."""
    return {name: () if kind == "list" else None for name, kind in entities.fields.items()} | {"protocolVersion": 1}


def _term(value: Mapping[str, str]) -> Iri | Text:
    if value["type"] == "uri":
        return Iri(value["value"])
    datatype = Iri(value["datatype"]) if "datatype" in value else None
    return Text(value["value"], value.get("xml:lang", ""), datatype)


def _first(said: Statements, name: str) -> str | None:
    return min((value.value for value in said.get(name, ())), default=None)


def _texts(said: Statements, name: str) -> tuple[dict[str, str], ...]:
    """The texts of a property, in the order in which the service lists languages."""
    order = {language: place for place, language in enumerate(LANGUAGES)}
    texts = [(value.language or "und", value.value) for value in said.get(name, ()) if isinstance(value, Text)]
    texts.sort(key=lambda text: (order.get(text[0], len(order)), *text))
    return tuple({"language": language, "value": value} for language, value in texts)


def _english(said: Statements) -> str | None:
    texts = _texts(said, "skos:prefLabel") or _texts(said, "rdfs:label")
    return next((text["value"] for text in texts if text["language"] == "en"), None)


def _page(said: Statements) -> str | None:
    """The page of the Secretariat, if the graph names one."""
    pages = sorted(value.value for value in said.get("rdfs:seeAlso", ()))
    return next((page for page in pages if page.startswith("https://www.cbd.int/")), None)


def _body(said: Statements) -> str:
    return (_first(said, "cbd:meetingOf") or "").removeprefix(f"{BASE}body/")


def _day(said: Statements, name: str) -> datetime | None:
    """A date or time, which is midnight UTC if it is a date; None if it is none."""
    text = _first(said, name) or ""
    try:
        return parse_time(text[:10]) if len(text) <= 16 else parse_time(text)
    except ValueError:
        return None
