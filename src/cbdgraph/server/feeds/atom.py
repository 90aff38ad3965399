"""/feed/atom: the change log as an Atom feed (RFC 4287) with an archive (RFC 5005); a history in, entries out.

The feed has the newest changes, and leads to the archive, which has them all: a page of it never changes, but that
the newest one is followed by another with the next release. An entry is a version of a resource; its id is the IRI
of the version. A withdrawal deletes the entries of all versions of the resource that there were (RFC 6721).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import ParameterError
from cbdgraph.history import Event, History
from cbdgraph.iris import mint
from cbdgraph.namespaces import BASE, LANGUAGES, expand
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import CACHE, date_header, not_modified, respond
from cbdgraph.server.description import LICENCE
from cbdgraph.server.feeds.kinds import NAMES, kind_of, kinds_of
from cbdgraph.server.feeds.markup import add, make, write
from cbdgraph.server.feeds.pages import Page, cut_pages, find_page
from cbdgraph.server.feeds.routes import (
    ABOUT,
    FOREVER,
    WORDS,
    address_of_view,
    history_of,
    origin_of,
    written,
)
from cbdgraph.server.graphs import ascii_of
from cbdgraph.server.negotiate import choose_language
from cbdgraph.server.pages import brief
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.statements import short

router = Router()

ATOM: Final = "application/atom+xml"
PATH: Final = "/feed/atom"
NEWEST: Final = 100  # entries of the feed itself

_DOCUMENT: Final = {
    "xmlns": "http://www.w3.org/2005/Atom",
    "xmlns:fh": "http://purl.org/syndication/history/1.0",
    "xmlns:at": "http://purl.org/atompub/tombstones/1.0",
    "xml:lang": "en",
}
# Relations of links: of an entry to its resource, and of a deleted entry to what stands in the place of its resource.
_VERSION_OF: Final = expand("dcterms:isVersionOf")
_REPLACED_BY: Final = expand("dcterms:isReplacedBy")
_CONTENT: Final = {"nt": "application/n-triples", "nq": "application/n-quads"}
_PLACE: Final = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "kind",
        "in": "query",
        "schema": {"type": "string", "enum": list(NAMES)},
        "description": "only resources of this kind; the same names as the sets of OAI-PMH",
    },
    {
        "name": "lang",
        "in": "query",
        "schema": {"type": "string", "enum": [*LANGUAGES, "all"]},
        "description": "the language of titles, English if there is none",
    },
]


@router.get(
    PATH,
    summary="The change log as an Atom feed",
    responses=offer([ATOM]),
    openapi_extra={"parameters": _PARAMETERS},
)
async def get_feed(request: Request) -> Response:
    """The newest changes, the newest first, and the way to the archive of all."""
    history = history_of(request)
    if not history.releases:
        raise Problem("not-found", "there is no release yet, and so no change")
    return await _respond(request, history, None)


@router.get(
    "/feed/atom/{release}/{page}",
    summary="A page of the archive of the Atom feed, which never changes",
    responses=offer([ATOM]),
    openapi_extra={"parameters": _PARAMETERS},
)
async def get_archive(request: Request, release: str, page: str) -> Response:
    """The changes of one release, a part at a time, the newest first."""
    history = history_of(request)
    found = find_page(history, f"{release}/{page}")
    if found is None:
        detail = f"the archive has no page {release[:50]}/{page[:50]}"
        raise Problem("not-found", detail, {"suggestions": [PATH]})
    return await _respond(request, history, found)


@router.get(
    "/feed/version/{name}",
    summary="All that a version of a resource says, and nothing else",
    responses=offer(_CONTENT.values()),
)
async def get_version(request: Request, name: str) -> Response:
    """The statements of an entry, by its place in the log: /feed/version/0.nt, or .nq with the graphs."""
    history = history_of(request)
    number, _, suffix = name.partition(".")
    if suffix not in _CONTENT or not _PLACE.match(number) or int(number) >= len(history.events):
        raise Problem("not-found", f"the log has no version {name[:50]}", {"suggestions": [PATH]})
    event = history.events[int(number)]
    if event.change == "withdrawn":
        extra = {"reason": event.reason, "suggestions": [address(iri) for iri in event.replacements]}
        raise Problem("gone", f"{event.resource} was withdrawn: {event.reason}", extra)
    lines = await asyncio.to_thread(history.content, event)
    if suffix == "nt":
        lines = list(dict.fromkeys(line.rsplit(" ", 2)[0] + " ." for line in lines))
    headers = {"Link": f'<{ascii_of(event.version)}>; rel="canonical"', "Cache-Control": FOREVER}
    content = "".join(f"{line}\n" for line in lines).encode()
    return _send(request, content, _CONTENT[suffix], event.when, headers)


async def _respond(request: Request, history: History, page: Page | None) -> Response:
    """A page of the archive, or the feed itself."""
    kind, language = request.query_params.get("kind", ""), request.query_params.get("lang")
    if kind and kind not in NAMES:
        raise ParameterError("kind", f"expected one of {', '.join(NAMES)}, not {kind[:50]!r}")
    chosen = {name: value for name, value in (("kind", kind), ("lang", language)) if value}
    writer = _Writer(
        history,
        origin_of(request),
        address_of_view(request, PATH),
        kind,
        choose_language(language, ""),
        f"?{urlencode(chosen)}" if chosen else "",
    )
    content = await asyncio.to_thread(writer.write, page)
    when = page.release.when if page else history.releases[-1].when
    is_last = page is None or page.is_newest
    return _send(request, content, f"{ATOM}; charset=utf-8", when, {"Cache-Control": CACHE if is_last else FOREVER})


def _send(request: Request, content: bytes, shown: str, when: datetime, headers: Mapping[str, str]) -> Response:
    """The answer, or 304 if the client has it: the validator is of its bytes, which outlive the release."""
    tag, dated = f'"{hashlib.sha256(content).hexdigest()[:32]}"', date_header(when)
    if known := not_modified(request, tag, dated=dated):
        known.headers["Cache-Control"] = headers["Cache-Control"]
        return known
    return respond(content, shown, tag, {**headers, **dated})


@dataclass(frozen=True, slots=True)
class _Writer:
    """Documents of the feed: of one `kind` ("" for all), with titles in a language, for one who asked at `origin`.

    `current` is the address of the feed itself, `query` what all addresses end in.
    """

    history: History
    origin: str
    current: str
    kind: str
    language: str
    query: str

    def write(self, page: Page | None) -> bytes:
        """A page of the archive, or the feed itself; the newest entries first."""
        pages = cut_pages(self.history)
        here = self.current if page is None else self._address(page)
        root = make("feed", "", _DOCUMENT)
        add(root, "id", mint(PATH.removeprefix("/")) + self.query)
        add(root, "title", f"cbdgraph: what changed{f' in {NAMES[self.kind]}' if self.kind else ''}")
        pending = " What is being worked on since the last release is not here." if self.history.pending else ""
        add(root, "subtitle", ABOUT + (pending if page is None else ""))
        add(root, "updated", written(page.release.when if page else self.history.releases[-1].when))
        author = add(root, "author")
        add(author, "name", "cbdgraph")
        add(author, "uri", BASE)
        add(root, "rights", f"Licence: {LICENCE.value}")
        _link(root, "self", here + (self.query if page is None else ""), ATOM)
        _link(root, "license", LICENCE.value)
        if page is None:
            before = pages[-1:]
        else:
            add(root, "fh:archive")
            _link(root, "current", self.current + self.query, ATOM)
            before = pages[page.index - 2 : page.index - 1] if page.index > 1 else ()
            for following in pages[page.index : page.index + 1]:
                _link(root, "next-archive", self._address(following), ATOM)
        for earlier in before:
            _link(root, "prev-archive", self._address(earlier), ATOM)
        root.extend(self._describe(self._events(page)))
        return write(root)

    def _events(self, page: Page | None) -> list[Event]:
        events = self.history.events if page is None else page.events
        chosen = (event for event in reversed(events) if not self.kind or self.kind in kinds_of(event.classes))
        return list(islice(chosen, NEWEST if page is None else None))

    def _address(self, page: Page) -> str:
        return f"{self.origin}{PATH}/{page.name}{self.query}"

    def _describe(self, events: Sequence[Event]) -> Iterator[Element]:
        """Entries; of a withdrawal a deleted entry for each version that there was."""
        withdrawn = {event.resource for event in events if event.change == "withdrawn"}
        versions: dict[str, list[Event]] = {resource: [] for resource in withdrawn}
        for event in self.history.events if withdrawn else ():
            if event.resource in withdrawn and event.change != "withdrawn":
                versions[event.resource].append(event)
        for event in events:
            if event.change == "withdrawn":
                before = (version for version in versions[event.resource] if version.position < event.position)
                yield from (self._delete(version, event) for version in before)
            else:
                yield self._enter(event)

    def _enter(self, event: Event) -> Element:
        title, language = _title(event, self.language)
        entry = make("entry")
        add(entry, "id", event.version)
        add(entry, "title", title, {"xml:lang": language} if language else {})
        add(entry, "updated", written(event.when))
        add(entry, "published", written(event.when))
        kind = NAMES[kind_of(event.classes)]
        add(entry, "summary", f"{WORDS[event.change].capitalize()} in release {event.release}. Kind: {kind}.")
        add(entry, "category", "", {"term": event.change, "scheme": expand("cbd:change"), "label": event.change})
        for iri in event.classes:
            add(entry, "category", "", {"term": iri, "scheme": expand("rdf:type"), "label": short(iri)})
        _link(entry, "alternate", self.origin + address(event.resource), "text/html")
        _link(entry, "related", event.version, "text/html", f"as of release {event.release}")
        data = f"{self.origin}/feed/version/{event.position}.nt"
        _link(entry, "related", data, _CONTENT["nt"], "all that this version says")
        _link(entry, _VERSION_OF, event.resource)
        return entry

    def _delete(self, version: Event, event: Event) -> Element:
        entry = make("at:deleted-entry", "", {"ref": version.version, "when": written(event.when)})
        add(entry, "at:comment", event.reason, {"xml:lang": "en"})
        _link(entry, _VERSION_OF, event.resource)
        for iri in event.replacements:
            _link(entry, _REPLACED_BY, iri)
        return entry


def _title(event: Event, language: str) -> tuple[str, str]:
    """The best name and its language; of what has no name the end of its IRI."""
    if not event.names:
        return brief(event.resource), ""
    name = event.name(language)
    return name, next((tag for tag in (language, "en", *event.names) if event.names.get(tag) == name), "")


def _link(parent: Element, relation: str, target: str, media_type: str = "", title: str = "") -> None:
    attributes = {"rel": relation, "href": target, "type": media_type, "title": title}
    add(parent, "link", "", {name: value for name, value in attributes.items() if value})
