"""/feed/oai: the change log as an OAI-PMH 2.0 repository; a history in, lists of records out.

A record is what the last release says of a resource; its identifier is the IRI of the resource, its datestamp the
time of the release in which it last changed. A list that is given in parts stays that of the release in which it
began, whatever is served meanwhile: nothing is lost and nothing comes twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.changelog import TIME_FORMAT
from cbdgraph.history import Event, History
from cbdgraph.server.answers import respond, settings_of
from cbdgraph.server.bodies import FORM, read_body, read_media_type, read_pairs
from cbdgraph.server.description import LICENCE
from cbdgraph.server.feeds.kinds import CLASSES, NAMES, kinds_of
from cbdgraph.server.feeds.markup import add, make, write
from cbdgraph.server.feeds.oai_records import FORMATS, make_core, make_header, make_record
from cbdgraph.server.feeds.oai_requests import BAD_ARGUMENT, TOKEN, Call, Fault, Refused, parse_call
from cbdgraph.server.feeds.oai_tokens import BadToken, Selection, format_token, parse_token
from cbdgraph.server.feeds.rdfxml import UnwritableInXml
from cbdgraph.server.feeds.routes import address_of_view, history_of
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router

router = Router()

PAGE: Final = 100  # records of one response
# The schema of the protocol wants an address. This one is none: names under .invalid never lead anywhere (RFC 2606).
NO_EMAIL: Final = "not-set@cbdgraph.invalid"
PATH: Final = "/feed/oai"

_NAMESPACE: Final = "http://www.openarchives.org/OAI/2.0/"
_DOCUMENT: Final = {
    "xmlns": _NAMESPACE,
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": f"{_NAMESPACE} {_NAMESPACE}OAI-PMH.xsd",
}
_ABOUT: Final = (
    "Decisions, targets, terms and all else that the graph describes, as its last release does. Records change with "
    "a release only. Identifiers are the IRIs of the resources. A harvester that asks again from the greatest "
    "datestamp that it has, which is included, misses nothing."
)
_RESPONSES: Final = {200: {"description": "OAI-PMH, errors too", "content": {"text/xml": {}}}}


@router.get(
    PATH,
    summary="The change log as an OAI-PMH repository",
    responses=_RESPONSES,
    openapi_extra={
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string"}, "example": example}
            for name, example in (
                ("verb", "ListRecords"),
                ("metadataPrefix", "oai_dc"),
                ("identifier", "https://w3id.org/cbdgraph/decision/cop/11/16"),
                ("from", "2026-12-01"),
                ("until", "2026-12-31"),
                ("set", "decision"),
                (TOKEN, ""),
            )
        ]
    },
)
async def get_oai(request: Request) -> Response:
    """OAI-PMH 2.0: Identify, ListMetadataFormats, ListSets, ListIdentifiers, ListRecords, GetRecord."""
    return await _respond(request, [request.scope["query_string"]])


@router.post(PATH, summary="The same by POST", responses=_RESPONSES)
async def post_oai(request: Request) -> Response:
    """The same with the arguments as a form."""
    media_type, charset = read_media_type(request)
    if media_type != FORM or charset != "utf-8":
        raise Problem("media-type", f"expected a form ({FORM}) in UTF-8", {"offered": [FORM]})
    body = await read_body(request, settings_of(request).max_url_bytes)
    return await _respond(request, [request.scope["query_string"], body])


async def _respond(request: Request, forms: Iterable[bytes]) -> Response:
    history, settings = history_of(request), settings_of(request)
    if not history.releases:
        raise Problem("not-found", "there is no release yet, and so nothing to harvest")
    email = settings.admin_email or NO_EMAIL
    repository = Repository(history, address_of_view(request, PATH), email, PAGE)
    try:
        pairs = [pair for form in forms for pair in read_pairs(form)]
    except Problem as problem:
        refused = Refused([Fault(BAD_ARGUMENT, problem.detail)])
        return _send(repository.refuse(refused))
    return _send(await asyncio.to_thread(repository.answer, pairs))


def _send(root: Element) -> Response:
    root.insert(0, make("responseDate", datetime.now(UTC).strftime(TIME_FORMAT)))
    return respond(write(root), "text/xml")


@dataclass(frozen=True, slots=True)
class Repository:
    """The records of a history as OAI-PMH gives them, at most `page` at once; `base` is its address."""

    history: History
    base: str
    email: str
    page: int

    def answer(self, pairs: list[tuple[str, str]]) -> Element:
        """The response to names and values, but for its date."""
        try:
            call = parse_call(pairs)
            try:
                said = self._say(call)
            except Refused as refused:
                raise Refused(refused.faults, call) from refused
        except Refused as refused:
            return self.refuse(refused)
        return make("OAI-PMH", "", _DOCUMENT, [self._repeat(call), said])

    def refuse(self, refused: Refused) -> Element:
        """The response that says what is wrong."""
        errors = [make("error", fault.text, {"code": fault.code}) for fault in refused.faults]
        return make("OAI-PMH", "", _DOCUMENT, [self._repeat(refused.call), *errors])

    def _repeat(self, call: Call | None) -> Element:
        return make("request", self.base, {"verb": call.verb, **call.arguments} if call else {})

    def _say(self, call: Call) -> Element:
        match call.verb:
            case "Identify":
                return self._identify()
            case "ListMetadataFormats":
                return self._list_formats(call)
            case "ListSets":
                return self._list_sets(call)
            case "GetRecord":
                return self._get_record(call)
            case _:
                return self._list_records(call)

    def _identify(self) -> Element:
        first, last = self.history.releases[0], self.history.releases[-1]
        said = make("Identify")
        for name, text in (
            ("repositoryName", "cbdgraph"),
            ("baseURL", self.base),
            ("protocolVersion", "2.0"),
            ("adminEmail", self.email),
            ("earliestDatestamp", first.when.strftime(TIME_FORMAT)),
            ("deletedRecord", "persistent"),
            ("granularity", "YYYY-MM-DDThh:mm:ssZ"),
        ):
            add(said, name, text)
        pending = " What is being worked on since is not here." if self.history.pending else ""
        core = (
            ("title", "cbdgraph: decisions and targets of the Convention on Biological Diversity", "en"),
            ("description", f"{_ABOUT}{pending}", "en"),
            ("date", last.when.strftime(TIME_FORMAT), ""),
            ("identifier", f"release {last.number}", ""),
            ("rights", LICENCE.value, ""),
        )
        said.append(make("description", children=[make_core(core)]))
        return said

    def _list_formats(self, call: Call) -> Element:
        offered = list(FORMATS)
        if call.get("identifier"):
            event = self._find(call)
            if event.change == "withdrawn":
                raise _refuse("noMetadataFormats", "the resource is withdrawn: nothing is said of it any more")
            offered = [prefix for prefix in FORMATS if self._make(event, self.history.content(event), prefix)]
        said = make("ListMetadataFormats")
        for prefix in offered:
            found = add(said, "metadataFormat")
            add(found, "metadataPrefix", prefix)
            add(found, "schema", FORMATS[prefix].schema)
            add(found, "metadataNamespace", FORMATS[prefix].namespace)
        return said

    def _list_sets(self, call: Call) -> Element:
        if TOKEN in call.arguments:
            raise _refuse("badResumptionToken", "the list of sets is given whole, without a token")
        there = {kind for event in self.history.events for kind in kinds_of(event.classes)}
        said = make("ListSets")
        for kind in NAMES:
            if kind in there:
                found = add(said, "set")
                add(found, "setSpec", kind)
                add(found, "setName", NAMES[kind])
                if CLASSES[kind]:
                    core = make_core(("relation", iri, "") for iri in CLASSES[kind])
                    found.append(make("setDescription", children=[core]))
        return said

    def _get_record(self, call: Call) -> Element:
        faults: list[Fault] = []
        event: Event | None = None
        try:
            event = self._find(call)
        except Refused as refused:
            faults += refused.faults
        if call.get("metadataPrefix") not in FORMATS:
            faults.append(_no_format())
        if faults or event is None:
            raise Refused(faults)
        record = self._make(event, self.history.content(event), call.get("metadataPrefix"))
        if record is None:
            raise _refuse("cannotDisseminateFormat", "RDF/XML cannot say what is said of this resource")
        return make("GetRecord", children=[record])

    def _list_records(self, call: Call) -> Element:
        selection, position = self._select(call)
        events = select_events(self.history, selection)
        if not position and not events:
            raise _refuse("noRecordsMatch", "no record has this set and this time; ListSets gives the sets")
        if position and position >= len(events):
            raise _refuse("badResumptionToken", "the token leads behind the end of its list")
        found: list[Element] = []
        end = position
        for event, content in self.history.contents(events[position:]):
            # A record that the format cannot hold is none of this list: ListMetadataFormats says so of the resource.
            record = self._make(event, content, selection.prefix)
            if record is not None:
                found.append(record if call.verb == "ListRecords" else make_header(event))
            end += 1
            if len(found) == self.page:
                break
        if not found:
            raise _refuse("noRecordsMatch", "the format can hold none of the records of this list")
        said = make(call.verb, children=found)
        if position or end < len(events):
            token = format_token(self.history, selection, end) if end < len(events) else ""
            add(said, TOKEN, token, {"completeListSize": str(len(events)), "cursor": str(position)})
        return said

    def _select(self, call: Call) -> tuple[Selection, int]:
        """What is asked for, and where in the list the response begins."""
        if TOKEN in call.arguments:
            try:
                selection, position = parse_token(self.history, call.get(TOKEN))
            except BadToken as error:
                raise _refuse("badResumptionToken", str(error)) from error
            if selection.verb != call.verb or selection.prefix not in FORMATS:
                raise _refuse("badResumptionToken", f"the token is of another request: {selection.verb}")
            return selection, position
        prefix = call.get("metadataPrefix")
        if prefix not in FORMATS:
            raise Refused([_no_format()])
        release = self.history.releases[-1].number
        return Selection(call.verb, prefix, call.start, call.end, call.get("set"), release), 0

    def _find(self, call: Call) -> Event:
        """The last that happened to the resource that is named, in any spelling of its URI."""
        name = call.get("identifier")
        for iri in (name, unquote(name), unquote(unquote(name))):
            if event := self.history.last(iri):
                return event
        raise _refuse("idDoesNotExist", "no release described this; identifiers are IRIs in full, as lists give them")

    def _make(self, event: Event, content: list[str], prefix: str) -> Element | None:
        """The record; None if the format cannot hold it."""
        try:
            return make_record(event, content, prefix)
        except UnwritableInXml:
            return None


def select_events(history: History, selection: Selection) -> list[Event]:
    """The last event of each resource up to the release, as far as it is selected, in the order of the log."""
    end = 0
    for release in history.releases:
        end += release.events
        if release.number == selection.release:
            break
    events = history.events[:end]
    last = {event.resource: event for event in events}
    first, until = (datetime.fromisoformat(time) if time else None for time in (selection.start, selection.end))
    return [
        event
        for event in events
        if last[event.resource] is event
        and (first is None or event.when >= first)
        and (until is None or event.when <= until)
        and (not selection.kind or selection.kind in kinds_of(event.classes))
    ]


def _no_format() -> Fault:
    return Fault("cannotDisseminateFormat", f"there is no such format; there are: {', '.join(FORMATS)}")


def _refuse(code: str, text: str) -> Refused:
    return Refused([Fault(code, text)])
