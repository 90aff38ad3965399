"""/decisions/, /issues/ and the other lists: a class in, its resources a hundred at a time out; filters only terms.

A list is in natural order (cop/2 before cop/10) and the same for a whole release. Each entry has what a harvester
needs to decide whether to fetch the resource: IRI, name, classes, codes, how often it is cited, when it last changed.
In RDF a page is a `hydra:PartialCollectionView`; in every format the header `Link` leads to the other pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.iris import natural
from cbdgraph.namespaces import BASE, LANGUAGES, PREFIXES
from cbdgraph.server import pages
from cbdgraph.server.answers import etag, not_modified, respond, served_of
from cbdgraph.server.codes import load_index
from cbdgraph.server.links import prefix_of
from cbdgraph.server.listed import HYDRA, PAGE, Entry, List, Page, describe, write_graph, write_table
from cbdgraph.server.live import Served
from cbdgraph.server.names import find_names
from cbdgraph.server.negotiate import GRAPHS, HTML, JSON, TABLES, choose_either, choose_language, short_names
from cbdgraph.server.paging import read_number
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Handler, Router, offer
from cbdgraph.server.statements import Name, pick
from cbdgraph.server.term_filter import PARAMETERS as FILTERS
from cbdgraph.server.terms_page import choose_terms, write_terms_page
from cbdgraph.store import Answer
from cbdgraph.store.convert import convert

router = Router()

OFFER: Final = (JSON, *TABLES, *GRAPHS, HTML)
_RESULTS: Final = "application/sparql-results+json"
_TERMS: Final = "terms"
_CITED: Final = ("citations", "cbd:citedPart/cbd:isPartOf?")
LISTS: Final = (
    List(
        "decisions",
        "Decisions",
        "Every decision that is described here, with how often it or a part of it is cited.",
        "cbd:Decision",
        *_CITED,
    ),
    List(
        "issues",
        "Issues",
        "Thematic areas and cross-cutting issues, with how many citations stand under each.",
        "cbd:Issue",
        "citations",
        "cbd:issue",
    ),
    List(
        "targets",
        "Targets",
        "The targets of all sets, with how often each is named.",
        "cbd:Target",
        "citations",
        "cbd:citedTarget",
    ),
    List(
        _TERMS,
        "Terms",
        "Terms of conservation and restoration, with how many definitions each has.",
        "cbd:Term",
        "definitions",
        "cbd:definitionOf",
    ),
    List(
        "meetings",
        "Meetings",
        "Meetings of the bodies, with how many texts that are described here each adopted.",
        "cbd:Meeting",
        "adopted",
        "cbd:adoptedAt",
    ),
    List(
        "documents",
        "Documents",
        "Papers, treaties, publications and web pages, with how often each is cited.",
        "cbd:Document",
        *_CITED,
    ),
    List("resources", "Resources", "Everything that has an IRI and of which something is said."),
)


_PARAMETERS: Final = [
    {
        "name": "page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "default": 1},
        "description": f"the number of a page; each has {PAGE} entries, the last one fewer",
    },
    {
        "name": "lang",
        "in": "query",
        "schema": {"type": "string", "enum": [*LANGUAGES, "all"]},
        "description": "the language of names; RDF has them in all languages unless one is asked for",
    },
    {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": short_names(OFFER)},
        "description": "the format; wins over Accept",
    },
]


def _make_handlers(of: List) -> tuple[Handler, Handler]:
    async def list_them(request: Request) -> Response:
        """A page of the list; `Link` leads to the others."""
        return await respond_page(request, of, request.query_params.get("format"))

    async def list_them_as(request: Request, suffix: str) -> Response:
        """The same in the format of the suffix."""
        return await respond_page(request, of, request.query_params.get("format", suffix))

    list_them.__name__, list_them_as.__name__ = f"list_{of.name}", f"list_{of.name}_as"
    return list_them, list_them_as


for _list in LISTS:
    _plain, _suffixed = _make_handlers(_list)
    _described = {"parameters": [*FILTERS, *_PARAMETERS] if _list.name == _TERMS else _PARAMETERS}
    router.get(
        f"/{_list.name}", summary=f"{_list.title}, a page at a time", responses=offer(OFFER), openapi_extra=_described
    )(_plain)
    router.get(f"/{_list.name}.{{suffix}}", include_in_schema=False)(_suffixed)


async def respond_page(request: Request, of: List, name: str | None) -> Response:
    """A page of a list in the format `name`, else by Accept."""
    served, lang = served_of(request), request.query_params.get("lang")
    shown = choose_either(name, request.headers.get("accept", ""), OFFER)
    language = choose_language(lang, request.headers.get("accept-language", ""))
    spoken = lang if shown in GRAPHS else language  # RDF has the names in every language
    vary = "Accept" if shown in GRAPHS else "Accept, Accept-Language"
    number = read_number(request.query_params.get("page", "1"))
    # RDF has one order, whatever a browser would like to read.
    chosen = await choose_terms(request, shown, spoken or "en") if of.name == _TERMS else None
    filters = chosen.filter.given if chosen else ()
    # First, for a page that is not there has no validator.
    page = await make_page(served, of, number, language, chosen.order if chosen else None, filters)
    tag = etag(served, "list", of.name, number, shown, spoken, *(chosen.parts if chosen else ()))
    own = chosen.headers if chosen else {}
    if known := not_modified(request, tag, vary, own):
        return known
    given = dict((*filters, *((key, value) for key, value in (("format", name), ("lang", lang)) if value)))
    links = {relation: _address(request, of, other, given) for relation, other in page.others.items()}
    link = ", ".join(f'<{where}>; rel="{relation}"' for relation, where in links.items())
    headers = {"Vary": vary, "Link": link, **own}
    if shown == HTML and chosen:
        return pages.respond(write_terms_page(request, page, chosen, links, _near(number, page.last)), tag, headers)
    if shown == HTML:
        return pages.respond(_render(request, page, links, language), tag, headers)
    if shown == JSON:
        return pages.respond_json(describe(page, links, language, served.release), tag, headers)
    if shown in TABLES:
        return respond(write_table(page, TABLES[shown]), shown, tag, headers)
    lines = list(write_graph(page, "" if lang in {None, "all"} else language))
    return respond(convert(lines, shown, {**PREFIXES, "hydra": HYDRA}), shown, tag, headers)


async def make_page(
    served: Served,
    of: List,
    number: int,
    language: str,
    order: Sequence[str] | None = None,
    filters: tuple[tuple[str, str], ...] = (),
) -> Page:
    """A page of a list, with names in `language` where there are any; `Problem` if there is no such page.

    `order` are the resources that the `filters` chose, as they are to stand; None for all.
    """
    members = await asyncio.to_thread(read_members, (await _select(served, of.members)).content)
    if order is not None:
        classes_of = dict(members)
        members = tuple((iri, classes_of[iri]) for iri in order if iri in classes_of)
    page = Page(of, number, len(members), ())
    if number > page.last:
        said = f"there is no page {number}: {of.title.lower()} fill {page.last}"
        where = f"/{of.name}/?{urlencode((('page', page.last), *filters))}"
        raise Problem("not-found", said, {"suggestions": [where]})
    shown = members[(number - 1) * PAGE : number * PAGE]
    counts: dict[str, int] = {}
    if of.path:
        counts = {
            row["resource"]["value"]: int(row["count"]["value"])
            for row in (await _select(served, of.counts)).bindings
        }
    codes = (await load_index(served)).by_iri
    names = await find_names(served, (iri for iri, _ in shown))
    entries = (
        Entry(
            iri,
            pick(names.get(iri, {}), language) or Name(iri.removeprefix(BASE)),
            names.get(iri, {}),
            classes,
            codes.get(iri, ()),
            counts.get(iri, 0) if of.path else None,
            _modified(served, iri),
        )
        for iri, classes in shown
    )
    return Page(of, number, len(members), tuple(entries), filters)


@lru_cache(maxsize=2 * len(LISTS))  # of two releases
def read_members(content: bytes) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Resources with their classes in natural order, from an answer in SPARQL JSON; blank nodes are left out."""
    found: dict[str, set[str]] = {}
    for row in Answer(content, _RESULTS, "solutions", 0).bindings:
        if row["resource"]["type"] == "uri":
            classes = found.setdefault(row["resource"]["value"], set())
            if row.get("class", {}).get("type") == "uri":
                classes.add(row["class"]["value"])
    ordered = sorted(found, key=lambda iri: (not iri.startswith(BASE), natural(iri), iri))  # ours first
    return tuple((iri, tuple(sorted(found[iri]))) for iri in ordered)


def _modified(served: Served, iri: str) -> str:
    when = served.modified(iri)
    return when.isoformat().replace("+00:00", "Z") if when else ""


def _address(request: Request, of: List, number: int, given: Mapping[str, str]) -> str:
    """Where another page is: of an older release, where that was asked, its own."""
    return f"{prefix_of(request)}/{of.name}/?{urlencode({'page': number, **given})}"


def _render(request: Request, page: Page, links: Mapping[str, str], language: str) -> str:
    own = {"format": "html", "lang": language}
    names = {"csv": "CSV", "json": "JSON", "ttl": "Turtle", "jsonld": "JSON-LD"}
    return pages.render(
        "list.html",
        page=page,
        links=links,
        numbers=[(number, _address(request, page.of, number, own)) for number in _near(page.number, page.last)],
        languages=[(code, _address(request, page.of, page.number, {**own, "lang": code})) for code in LANGUAGES],
        formats=[(label, _address(request, page.of, page.number, {"format": name})) for name, label in names.items()],
        lists=LISTS,
        language=language,
        release=served_of(request).release,
    )


def _near(number: int, last: int) -> Sequence[int]:
    """The pages that a page links by number: the first, the last, and those around it.

    >>> _near(5, 30)
    [1, 3, 4, 5, 6, 7, 30]
    """
    return sorted({1, last, *(n for n in range(number - 2, number + 3) if 1 <= n <= last)})


async def _select(served: Served, query: str) -> Answer:
    return await served.engine.run_query(query, media_type=_RESULTS, trusted=True)
