"""/robots.txt and /sitemap.xml for search engines: a release in, the addresses of its pages out; shows no page.

Addresses are at the host that was asked, since a sitemap may only tell of its own host (sitemaps.org, "Location");
the pages themselves name the IRI as canonical. A sitemap has at most 50,000 addresses: of more, /sitemap.xml is the
index of several, each of which is asked of the engine for itself, so that never all are in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.namespaces import BASE
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import etag, not_modified, respond, served_of, settings_of
from cbdgraph.server.dumps import dumps_of
from cbdgraph.server.live import Served
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router

router = Router()

XML: Final = "application/xml"
_MOST: Final = 50_000  # addresses of one sitemap, by the protocol
_LONGEST: Final = 2_048  # characters of an address, by the protocol
_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_OWN: Final = ("/", "/query/", "/dataset")
# What makes work, or shows again what has an address of its own (RFC 9309; the longest rule that fits wins).
_DISALLOWED: Final = (
    "/sparql",
    "/graph-store",
    "/query/*?",
    "/parse",
    "/resolve",
    "/search",
    "/why",
    "/feed/",
    "/desk/",
    "/release/*/",
    "/*?*format=",
    "/*?*lang=",
    "/*?*release=",
    "/*?*explain=",
)
# An IRI with a fragment is described on the page without it.
_PAGES: Final = f"""SELECT DISTINCT ?page WHERE {{
  ?resource a ?class .
  FILTER(isIRI(?resource) && STRSTARTS(STR(?resource), "{BASE}"))
  BIND(STRBEFORE(CONCAT(STR(?resource), "#"), "#") AS ?page)
}}"""
_COUNT: Final = f"SELECT (COUNT(*) AS ?pages) WHERE {{ {{ {_PAGES} }} }}"
_RESULTS: Final = "application/sparql-results+json"


@router.get("/robots.txt", summary="What crawlers are asked to leave alone", include_in_schema=False)
async def show_robots(request: Request) -> Response:
    """Every page may be read; queries and other forms of the same are left out."""
    lines = ["User-agent: *", "Allow: /", *(f"Disallow: {path}" for path in _DISALLOWED), ""]
    text = "\n".join((*lines, f"Sitemap: {_origin(request)}/sitemap.xml", ""))
    return respond(text, "text/plain", etag(served_of(request), text))


@router.get("/sitemap.xml", summary="The addresses of all pages", include_in_schema=False)
async def show_sitemap(request: Request) -> Response:
    """The addresses with the day of their last change; of very many, the sitemaps that there are."""
    served, origin = served_of(request), _origin(request)
    tag = etag(served, "sitemap", origin, bool(dumps_of(served)))
    if known := not_modified(request, tag):
        return known
    size = _size(request)
    answer = await served.engine.run_query(_COUNT, media_type=_RESULTS, trusted=True)
    count = int(answer.bindings[0]["pages"]["value"])
    if count + len(_own(served)) <= size:
        own = [(path, "") for path in _own(served)]
        return respond(_write(served, origin, (*own, *await _pages(served, size, 0))), XML, tag)
    parts = (count + size - 1) // size
    addresses = (escape(f"{origin}/sitemap/{number}.xml") for number in range(1, parts + 1))
    return respond(_wrap("sitemapindex", (f"<sitemap><loc>{each}</loc></sitemap>" for each in addresses)), XML, tag)


@router.get("/sitemap/{number}.xml", summary="One of several sitemaps", include_in_schema=False)
async def show_part(request: Request, number: str) -> Response:
    """The addresses from so many thousands on."""
    served, origin = served_of(request), _origin(request)
    if not number.isascii() or not number.isdigit() or not 1 <= int(number[:6]) <= 10_000 or number.startswith("0"):
        raise Problem("not-found", "there is no such sitemap", {"suggestions": ["/sitemap.xml"]})
    tag = etag(served, "sitemap", origin, number)
    size = _size(request)
    found = await _pages(served, size, (int(number) - 1) * size)
    if not found:
        raise Problem("not-found", "there is no such sitemap", {"suggestions": ["/sitemap.xml"]})
    return not_modified(request, tag) or respond(_write(served, origin, found), XML, tag)


def _origin(request: Request) -> str:
    return str(request.url.replace(path="", query="", fragment=""))


def _size(request: Request) -> int:
    return min(_MOST, settings_of(request).max_rows)


def _own(served: Served) -> tuple[str, ...]:
    """Pages that are about no resource."""
    return (*_OWN, "/dump/") if dumps_of(served) else _OWN


async def _pages(served: Served, limit: int, offset: int) -> list[tuple[str, str]]:
    """Addresses under this host, each with the IRI that its page is about."""
    query = f"{_PAGES}\nORDER BY ?page\nLIMIT {limit} OFFSET {offset}"
    answer = await served.engine.run_query(query, media_type=_RESULTS, trusted=True)
    iris = [row["page"]["value"] for row in answer.bindings]
    return [(address(iri), iri) for iri in iris if iri != BASE]


def _write(served: Served, origin: str, pages: Iterable[tuple[str, str]]) -> str:
    def entries() -> Iterator[str]:
        for path, iri in pages:
            if len(origin) + len(path) <= _LONGEST:
                when = served.modified(iri) if iri else None
                changed = f"<lastmod>{when.isoformat()}</lastmod>" if when else ""
                yield f"<url><loc>{escape(origin + path)}</loc>{changed}</url>"

    return _wrap("urlset", entries())


def _wrap(name: str, entries: Iterable[str]) -> str:
    lines = "\n".join(entries)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{_NAMESPACE}">\n{lines}\n</{name}>\n'
