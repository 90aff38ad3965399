"""/feed/activity: the change log as Activity Streams 2.0, as Entity Metadata Management 1.0 uses them.

An immutable forward stream, in the words of that specification (appendix B): the oldest page comes first, a page
keeps its activities for ever, and a resource stands in it as often as it changed.
"""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.history import Event
from cbdgraph.model import Iri
from cbdgraph.namespaces import expand
from cbdgraph.server.answers import CACHE, date_header, etag, respond, served_of
from cbdgraph.server.feeds.kinds import CLASSES, kind_of
from cbdgraph.server.feeds.pages import Page, cut_pages
from cbdgraph.server.feeds.routes import (
    ABOUT,
    FOREVER,
    VIEWS,
    address_of_view,
    history_of,
    issued,
    origin_of,
    respond_events,
    respond_list,
    tag_of_page,
    unchanged,
    written,
)
from cbdgraph.server.negotiate import HTML, JSON, choose_either
from cbdgraph.server.pages import brief
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer

router = Router()

ACTIVITY_JSON: Final = "application/activity+json"
STREAMS: Final = "https://www.w3.org/ns/activitystreams"
MANAGEMENT: Final = "https://emm-spec.org/1.0/context.json"
# Before the contexts of the standards, as section 2.2 of Entity Metadata Management asks.
REPLACING: Final = {"isReplacedBy": {"@id": expand("dcterms:isReplacedBy"), "@type": "@id"}}

_VIEW: Final = VIEWS[1]
_LD_JSON: Final = "application/ld+json"
_OFFER: Final = (ACTIVITY_JSON, _LD_JSON, JSON, HTML)
_WORDS: Final = {"Create": "New", "Update": "Changed", "Deprecate": "Replaced", "Delete": "Withdrawn"}
_ENDS: Final = (("Activity Streams", "?format=json"),)
_LINKS: Final = {label: f"{_VIEW.path}{end}" for label, end in _ENDS}
_ECHOED: Final = 50  # characters of an address that an error repeats


@router.get("/feed/activity", summary="The change log as Activity Streams", responses=offer(_OFFER))
async def get_collection(request: Request) -> Response:
    """The ordered collection of all changes, with its first and its last page; a page for browsers."""
    history = history_of(request)
    shown = _choose(request)
    cut = cut_pages(history)
    if shown == HTML:
        return respond_list(request, _VIEW, [(page, f"{_VIEW.path}/{page.index}") for page in cut], _LINKS)
    address = _address(request)
    tag, when = etag(served_of(request), _VIEW.path, shown, address), issued(history)
    if known := unchanged(request, tag, when):
        return known
    document: dict[str, Any] = {
        "@context": [STREAMS, MANAGEMENT],
        "type": "OrderedCollection",
        "id": address,
        "summary": f"What changed in cbdgraph. {ABOUT}",
        "url": f"{origin_of(request)}/dataset",
        "totalItems": len(history.events),
    }
    if cut:
        document["updated"] = written(history.releases[-1].when)
        document["first"] = _refer(address, 1)
        document["last"] = _refer(address, len(cut))
    return _respond(document, shown, tag, date_header(when))


@router.get("/feed/activity/{number}", summary="A page of the activities, the oldest first", responses=offer(_OFFER))
async def get_activities(request: Request, number: str) -> Response:
    """Changes of one release, a part at a time; only the last page changes, when another one follows it."""
    history = history_of(request)
    shown = _choose(request)
    page = next((page for page in cut_pages(history) if str(page.index) == number), None)
    if page is None:
        detail = f"the collection has no page {number[:_ECHOED]}"
        raise Problem("not-found", detail, {"suggestions": [_VIEW.path]})
    if shown == HTML:
        return respond_events(request, _VIEW, page, {label: f"{_VIEW.path}/{number}{end}" for label, end in _ENDS})
    address = _address(request)
    cache = CACHE if page.is_newest else FOREVER
    tag = tag_of_page(request, page, _VIEW.path, shown, address, page.is_newest)
    if known := unchanged(request, tag, page.release.when, cache):
        return known
    document = _describe_page(page, address, origin_of(request))
    return _respond(document, shown, tag, {"Cache-Control": cache, **date_header(page.release.when)})


def _describe_page(page: Page, collection: str, origin: str) -> dict[str, Any]:
    own = f"{collection}/{page.index}"
    is_extended = any(event.replacements for event in page.events)
    return {
        "@context": [*([REPLACING] if is_extended else []), STREAMS, MANAGEMENT],
        "type": "OrderedCollectionPage",
        "id": own,
        "partOf": {"type": "OrderedCollection", "id": collection},
        **({"prev": _refer(collection, page.index - 1)} if page.index > 1 else {}),
        **({} if page.is_newest else {"next": _refer(collection, page.index + 1)}),
        "totalItems": len(page.events),
        "published": written(page.release.when),
        "orderedItems": [describe_event(event, own, origin) for event in page.events],
    }


def describe_event(event: Event, page: str, origin: str) -> dict[str, Any]:
    """An activity: what happened, to which resource, and where to fetch what is said of it from then on.

    A resource with another in its place is deprecated, one without is deleted; neither is described any more.
    """
    when = written(event.when)
    kind = _kind(event)
    thing: dict[str, Any] = {"id": event.resource, "type": _type(event), "updated": when}
    if plain := event.names.get(""):
        thing["name"] = plain
    if names := {language: text for language, text in event.names.items() if language}:
        thing["nameMap"] = names
    if event.replacements:
        thing["isReplacedBy"] = list(event.replacements)
    reason = f". {event.reason}" if event.reason else ""
    activity: dict[str, Any] = {
        "type": kind,
        "id": f"{page}#{event.position}",
        "summary": f"{_WORDS[kind]}: {brief(event.name())}{reason}",
        "published": when,
        "object": thing,
    }
    if event.change != "withdrawn":
        # What the resource's own address answers is made to be read: it has names of others besides, and at the
        # address of a named graph its content. Here is what this very version says, and nothing else.
        content = f"{origin}/feed/version/{event.position}"
        thing["url"] = [
            {"type": "Link", "mediaType": media_type, "href": f"{content}.{suffix}"}
            for suffix, media_type in (("nt", "application/n-triples"), ("nq", "application/n-quads"))
        ]
        activity["result"] = event.version
    return {name: value for name, value in activity.items() if value}


def _kind(event: Event) -> str:
    if event.change == "withdrawn":
        return "Deprecate" if event.replacements else "Delete"
    return "Create" if event.change == "created" else "Update"


def _type(event: Event) -> str:
    """One class, as the specification asks: the one that says most."""
    narrow = [name for name in event.classes if name in CLASSES[kind_of(event.classes)]]
    return (*narrow, *event.classes, "Object")[0]


def _choose(request: Request) -> str:
    return choose_either(request.query_params.get("format"), request.headers.get("accept", ""), _OFFER)


def _address(request: Request) -> str:
    return Iri(address_of_view(request, _VIEW.path)).value


def _refer(collection: str, index: int) -> dict[str, str]:
    return {"type": "OrderedCollectionPage", "id": f"{collection}/{index}"}


def _respond(document: dict[str, Any], shown: str, tag: str, headers: dict[str, str]) -> Response:
    content = json.dumps(document, ensure_ascii=False, indent=1).encode()
    profile = f'; profile="{STREAMS}"' if shown == _LD_JSON else ""
    return respond(content, shown, tag, {"Content-Type": shown + profile, **headers})
