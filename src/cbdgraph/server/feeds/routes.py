"""/feed/: the views of the change log in a list, and what all views share: addresses, validators, caching.

A page of a released release never changes, so that it may be kept for ever; what lists the pages is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.history import History
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import CACHE, date_header, etag, make_tag, not_modified, served_of
from cbdgraph.server.feeds.pages import Page
from cbdgraph.server.links import prefix_of
from cbdgraph.server.negotiate import HTML, JSON, choose_language
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer

router = Router()

FOREVER: Final = "public, max-age=31536000, immutable"
# What every view says of itself.
ABOUT: Final = (
    "Every change of the graph from release to release. Changes come with a release, so that what is being worked on "
    "is not here; and what is here stays."
)
WORDS: Final = {"created": "new", "changed": "changed", "withdrawn": "withdrawn"}


@dataclass(frozen=True, slots=True)
class View:
    """One way to read the log: its address, its name, and for whom it is."""

    path: str
    name: str
    text: str


VIEWS: Final = (
    View(
        "/feed/ldes",
        "Linked Data Event Stream",
        "Every version of every resource in RDF, for programs that keep a copy of the graph and follow it "
        "(LDES 1.0, TREE).",
    ),
    View(
        "/feed/activity",
        "Activity Streams",
        "What happened to which resource, its names, and where to fetch it, for programs that keep names or records "
        "(Activity Streams 2.0, Entity Metadata Management 1.0).",
    ),
    View("/feed/atom", "Atom", "The changes as entries to read, the newest first, for people with a feed reader."),
    View(
        "/feed/oai",
        "OAI-PMH",
        "The records with their dates and deletions, for harvesters of libraries (OAI-PMH 2.0).",
    ),
)


@router.get("/feed", summary="The views of the change log", responses=offer((JSON, HTML)))
async def list_views(request: Request) -> Response:
    """What changed from release to release, in four forms; HTML for browsers, else JSON."""
    served, history = served_of(request), history_of(request)
    html = pages.wants_html(request)
    tag = etag(served, "feeds", html)
    when = issued(history)
    if known := unchanged(request, tag, when):
        return known
    headers = date_header(when)
    if html:
        return pages.respond(
            pages.render("feeds.html", views=VIEWS, about=ABOUT, releases=history.releases), tag, headers
        )
    document = {
        "title": "The change log of cbdgraph",
        "description": ABOUT,
        "releases": [
            {
                "release": past.number,
                "when": past.when.isoformat(),
                "events": past.events,
                "data_hash": past.data_hash,
            }
            for past in history.releases
        ],
        "views": [{"name": view.name, "path": view.path, "description": view.text} for view in VIEWS],
    }
    return pages.respond_json(document, tag, headers)


def history_of(request: Request) -> History:
    """The change log of what is served; a problem where there is none."""
    history = served_of(request).history
    if history is None:
        raise Problem("not-found", "these data have no change log: they are files, and not a release of cbdgraph")
    return history


def origin_of(request: Request) -> str:
    """Scheme and host as the client named them, so that no link leads it elsewhere."""
    return str(request.url.replace(path="", query="", fragment="")).rstrip("/")


def address_of_view(request: Request, path: str) -> str:
    """The address of what lists a view's pages: of an older release, where that was asked, its own."""
    return origin_of(request) + prefix_of(request) + path


def tag_of_page(request: Request, page: Page, *parts: object) -> str:
    """A validator of a page that holds in all later releases too; `parts` say what is written of it."""
    first, last = page.events[0], page.events[-1]
    which = (page.release.data_hash, page.index, first.position, last.position)
    return make_tag(f"{served_of(request).engine.facts.engine} {origin_of(request)}", *which, *parts)


def unchanged(
    request: Request, tag: str, when: datetime | None, cache: str = CACHE, vary: str = "Accept"
) -> Response | None:
    """304 if the client has this answer already, which is from `when`."""
    known = not_modified(request, tag, vary, date_header(when))
    if known is not None:
        known.headers["Cache-Control"] = cache
    return known


def issued(history: History) -> datetime | None:
    """When the last release was issued; None where there is none yet."""
    return history.releases[-1].when if history.releases else None


def written(when: datetime) -> str:
    """A time as XML Schema and RFC 3339 write it.

    >>> from datetime import UTC
    >>> written(datetime(2026, 12, 1, 9, tzinfo=UTC))
    '2026-12-01T09:00:00Z'
    """
    return when.isoformat().replace("+00:00", "Z")


def respond_list(
    request: Request, view: View, places: Sequence[tuple[Page, str]], links: Mapping[str, str]
) -> Response:
    """The pages of a view, each with its address, for a person; `links` are formats: names in, addresses out."""
    tag = etag(served_of(request), view.path, HTML)
    when = issued(history_of(request))
    if known := unchanged(request, tag, when):
        return known
    html = pages.render("feed.html", view=view, about=ABOUT, pages=places, links=links)
    return pages.respond(html, tag, date_header(when))


def respond_events(request: Request, view: View, page: Page, links: Mapping[str, str]) -> Response:
    """A page of a view for a person, who gets names in the language that the request asks for."""
    language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    vary = "Accept, Accept-Language"
    tag = tag_of_page(request, page, view.path, HTML, language)
    if known := unchanged(request, tag, page.release.when, vary=vary):
        return known
    rows = [
        {
            "event": event,
            "name": event.name(language),
            "change": WORDS[event.change],
            "address": address(event.resource if event.change == "withdrawn" else event.version),
            "replacements": [(iri, address(iri)) for iri in event.replacements],
        }
        for event in page.events
    ]
    html = pages.render("feed_page.html", view=view, page=page, rows=rows, links=links)
    return pages.respond(html, tag, {"Vary": vary, **date_header(page.release.when)})
