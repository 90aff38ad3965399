"""Requests of OAI-PMH 2.0: arguments as they came in, a call with arguments that may stand in it out; reads no log.

What is wrong is told as the errors of section 3.6, all at once where there are several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cbdgraph.changelog import TIME_FORMAT
from cbdgraph.server.feeds.markup import is_xml

BAD_ARGUMENT: Final = "badArgument"
TOKEN: Final = "resumptionToken"

_LONGEST: Final = 2000  # characters of a value; ours are much shorter
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SECOND: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
# As the schema of responses has them, for a response repeats what was asked.
_SIGNS: Final = r"[A-Za-z0-9\-_.!~*'()]+"
_SIGN: Final = r"[^\s%<>\"{}|\\^`\x00-\x20\x7f-\x9f\[\]#]|%[0-9A-Fa-f]{2}"
_FORMS: Final = {
    "metadataPrefix": re.compile(_SIGNS + r"\Z"),
    "set": re.compile(rf"{_SIGNS}(?::{_SIGNS})*\Z"),
    # A scheme, no sign that no IRI has, no percent sign that encodes nothing, one fragment at most.
    "identifier": re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*(?::|%3[Aa])(?:{_SIGN})+(?:#(?:{_SIGN})*)?\Z"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of the protocol: its code, and in words what is wrong and what would be right."""

    code: str
    text: str


class Refused(Exception):
    """A request that is answered with errors. The response repeats its `call` unless verb or arguments are bad."""

    def __init__(self, faults: Sequence[Fault], call: Call | None = None) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults, self.call = tuple(faults), call


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb must and may be given; a resumption token only alone."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    takes_token: bool = False


_LIST: Final = Verb(("metadataPrefix",), ("from", "until", "set"), takes_token=True)
VERBS: Final[Mapping[str, Verb]] = {
    "Identify": Verb(),
    "ListMetadataFormats": Verb(optional=("identifier",)),
    "ListSets": Verb(takes_token=True),
    "GetRecord": Verb(("identifier", "metadataPrefix")),
    "ListIdentifiers": _LIST,
    "ListRecords": _LIST,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A verb with arguments that it takes; `start` and `end` are the seconds that `from` and `until` stand for."""

    verb: str
    arguments: Mapping[str, str]
    start: str = ""
    end: str = ""

    def get(self, name: str) -> str:
        """An argument, "" if it was not given."""
        return self.arguments.get(name, "")


def parse_call(pairs: Sequence[tuple[str, str]]) -> Call:
    """The call that names and values make; `Refused` for a bad verb or bad arguments.

    >>> parse_call([("verb", "ListRecords"), ("metadataPrefix", "rdf"), ("until", "2026-12-01")]).end
    '2026-12-01T23:59:59Z'
    """
    verbs = [value for name, value in pairs if name == "verb"]
    if len(verbs) != 1 or verbs[0] not in VERBS:
        wrong = "no verb was given" if not verbs else "more than one verb" if len(verbs) > 1 else "no such verb"
        raise Refused([Fault("badVerb", f"{wrong}; there are: {', '.join(VERBS)}")])
    verb, arguments = VERBS[verbs[0]], {name: value for name, value in pairs if name != "verb"}
    found = [*_check_names(verbs[0], verb, pairs), *_check_forms(arguments)]
    start, end = _read_times(arguments, found)
    if found:
        raise Refused([Fault(BAD_ARGUMENT, text) for text in found])
    return Call(verbs[0], arguments, start, end)


def _check_names(name: str, verb: Verb, pairs: Sequence[tuple[str, str]]) -> list[str]:
    names = [key for key, _ in pairs if key != "verb"]
    taken = {*verb.required, *verb.optional, *([TOKEN] if verb.takes_token else [])}
    found = [f"{_show(key)} is given more than once" for key in dict.fromkeys(names) if names.count(key) > 1]
    found += [
        f"{name} takes no {_show(key)}; it takes: {', '.join(sorted(taken)) or 'nothing'}"
        for key in dict.fromkeys(names)
        if key not in taken
    ]
    if TOKEN in taken and TOKEN in names:
        if len(set(names)) > 1:
            found.append(f"{TOKEN} stands alone: all else that is asked is in it")
    else:
        found += [f"{name} needs {key}" for key in verb.required if key not in names]
    return found


def _check_forms(arguments: Mapping[str, str]) -> list[str]:
    found = []
    for name, value in arguments.items():
        form = _FORMS.get(name)
        is_long = len(value) > _LONGEST and name != TOKEN  # a token that is too long is a bad token
        if not is_xml(value) or is_long or (form is not None and not form.match(value)):
            found.append(f"{_show(name)} is not well formed")
    return found


def _read_times(arguments: Mapping[str, str], found: list[str]) -> tuple[str, str]:
    """The first and the last second, both included; what is wrong is added to `found`."""
    times = {"from": "", "until": ""}
    days: set[bool] = set()
    for name, rest in (("from", "T00:00:00Z"), ("until", "T23:59:59Z")):
        if name not in arguments:
            continue
        text = arguments[name]
        is_day = _DAY.match(text) is not None
        days.add(is_day)
        times[name] = text + rest if is_day else text
        if not _is_time(times[name]):
            found.append(f"{name} is no day (2026-12-01) and no second (2026-12-01T09:00:00Z) of the calendar")
            return "", ""
    if len(days) > 1:
        found.append("from and until have not the same granularity: both are days, or both are seconds")
    elif times["from"] and times["until"] and times["from"] > times["until"]:
        found.append("from is later than until")
    return times["from"], times["until"]


def _is_time(text: str) -> bool:
    try:
        return _SECOND.match(text) is not None and bool(datetime.strptime(text, TIME_FORMAT))
    except ValueError:
        return False


def _show(name: str) -> str:
    """A name that a stranger gave, so far as an error repeats it."""
    return ascii(name[:50])[1:-1] if name.isprintable() else "an argument"
