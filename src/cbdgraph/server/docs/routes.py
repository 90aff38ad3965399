"""/docs/: the ontology as a release uses it, and the guides, for people; settings and an engine in, pages out.

An IRI of the ontology leads a browser here, `ontology#Paragraph` to `/docs/ontology#Paragraph`; RDF stays at the IRI.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.namespaces import BASE, LANGUAGES, ONTOLOGY, PREFIXES
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import etag, not_modified, respond, served_of, settings_of
from cbdgraph.server.docs.diagram import draw, find_lanes, size
from cbdgraph.server.docs.documented import Vocabulary
from cbdgraph.server.docs.guides import Guide, introduce, read_guides, render
from cbdgraph.server.docs.vocabulary import load_vocabulary
from cbdgraph.server.examples import LANGUAGE_NAMES
from cbdgraph.server.known import known_iris
from cbdgraph.server.lists import LISTS
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import HTML, JSON, NotAcceptable, choose, choose_either, choose_language
from cbdgraph.server.problems import Problem
from cbdgraph.server.resources import OFFER, get_resource
from cbdgraph.server.routes import Router, offer

router = Router()

SVG: Final = "image/svg+xml"
MARKDOWN: Final = "text/markdown"
# The table of the contract: what there is, how its IRI is made, one that the graph describes.
PATTERNS: Final = (
    ("ontology term", "ontology#<Name>", "ontology"),
    ("shape", "shapes#<Class>Shape, shapes#<Class>-<property>", "shapes"),
    ("body", "body/<slug>", "body/cop"),
    ("meeting", "meeting/<body>/<session>", "meeting/cop/11"),
    ("decision", "decision/<body>/<session>/<number>", "decision/cop/11/16"),
    ("recommendation", "recommendation/<body>/<session>/<number>", "recommendation/sbstta/15/2"),
    (
        "part of a text",
        "…/<level>/<label> repeated, outermost first",
        "decision/cop/7/5/appendix/3/section/d/para/10",
    ),
    ("document", "document/<slug of its symbol or title>", "document/cop-11-inf-19"),
    ("issue", "issue/<slug>", "issue/forest-biodiversity"),
    ("target set", "target/<set>", "target/aichi"),
    ("target", "target/<set>/<number>", "target/aichi/15"),
    ("strategic goal", "goal/aichi/<a-e>", "goal/aichi/d"),
    ("objective", "objective/<set>/<number>", "objective/gspc-2010/1"),
    (
        "citation",
        "<citing part>/citation/<number>",
        "document/sbstta-17-ecosystem-restoration/annex/1/row/3/citation/2",
    ),
    ("term", "term/<slug>", "term/ecosystem-restoration"),
    (
        "definition",
        "term/<slug>/definition/<slug of source>",
        "term/ecosystem-restoration/definition/ipbes-ldr",
    ),
    ("named graph", "graph/<path of the file without extension>", "graph/decisions/cop-10"),
)
_ONTOLOGY: Final = ONTOLOGY.rstrip("#")
_FIRST: Final = (
    "model",
    "sparql",
    "identifiers",
    "citations",
    "explain",
    "feeds",
)  # for who comes for the first time
_LANG: Final = {
    "name": "lang",
    "in": "query",
    "schema": {"type": "string", "enum": [*LANGUAGES, "all"]},
    "description": "the language of names, where there are any",
}
_FORMAT: Final = {"name": "format", "in": "query", "schema": {"type": "string", "enum": ["html"]}}


@router.get("/docs", summary="The documentation", responses=offer((JSON, HTML)))
async def list_docs(request: Request) -> Response:
    """What there is to read: the ontology, the guides, the interface."""
    served, html = served_of(request), pages.wants_html(request)
    guides = await _read(request)
    tag = etag(served, "docs", html, *(guide.text for guide in guides.values()))
    if known := not_modified(request, tag):
        return known
    entries = await asyncio.to_thread(lambda: {name: introduce(guide) for name, guide in guides.items()})
    if not html:
        document = {
            "ontology": "/docs/ontology",
            "openapi": "/openapi.json",
            "guides": [
                {"name": name, "title": title, "path": f"/docs/{name}"} for name, (title, _) in entries.items()
            ],
        }
        return pages.respond_json(document, tag)
    first = {name: entries.pop(name) for name in _FIRST if name in entries}
    decisions = {name: entry for name, entry in entries.items() if name.startswith("decisions/")}
    others = {name: entry for name, entry in entries.items() if name not in decisions}
    page = pages.render(
        "docs.html",
        first=first,
        others=others,
        decisions=decisions,
        lists=LISTS,
        has_ontology=await _has_ontology(served),
        has_codes="codes" in served.queries,
    )
    return pages.respond(page, tag)


@router.get(
    "/docs/ontology",
    summary="The ontology for people",
    responses={**offer((HTML,)), 303: {"description": "the way to the ontology in RDF, where that is accepted"}},
    openapi_extra={"parameters": [_LANG, _FORMAT]},
)
async def show_ontology(request: Request) -> Response:
    """Classes, properties, rules, vocabularies, with how the release uses them; RDF is at /ontology."""
    served = served_of(request)
    graphs = tuple(name for name in OFFER if name not in {HTML, JSON})
    if choose_either(request.query_params.get("format"), request.headers.get("accept", ""), (HTML, *graphs)) != HTML:
        return Response(status_code=303, headers={"Location": "/ontology", "Vary": "Accept"})
    language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    vary = "Accept, Accept-Language"
    await _check_ontology(served)
    tag = etag(served, "ontology", language, *(query.text for query in served.queries.values()))
    if known := not_modified(request, tag, vary):
        return known
    vocabulary = await _load(request, language)
    page = await asyncio.to_thread(_render_ontology, vocabulary, language, served.release)
    return pages.respond(page, tag, {"Vary": vary})


@router.get(
    "/docs/ontology.svg",
    summary="The ontology as a drawing",
    responses=offer((SVG,)),
    openapi_extra={"parameters": [_LANG]},
)
async def draw_ontology(request: Request) -> Response:
    """Classes and object properties; the table at /docs/ontology#diagram-table says the same."""
    language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    vary = "Accept-Language"
    await _check_ontology(served_of(request))
    tag = etag(served_of(request), "drawing", language)
    if known := not_modified(request, tag, vary):
        return known
    drawing = draw(await _load(request, language))
    return respond(drawing.encode(), SVG, tag, {"Vary": vary, "Content-Security-Policy": pages.CSP})


@router.get("/ontology", include_in_schema=False)
async def get_ontology(request: Request) -> Response:
    """The IRI of the ontology: a browser is led to its documentation, which has an anchor for each term."""
    try:
        is_for_people = not request.query_params and choose(request.headers.get("accept", ""), OFFER) == HTML
    except NotAcceptable:
        is_for_people = False
    if is_for_people and await _has_ontology(served_of(request)):
        return Response(status_code=303, headers={"Location": "/docs/ontology", "Vary": "Accept"})
    return await get_resource(request, "ontology")


@router.get("/docs/{name:path}", summary="A guide", responses=offer((HTML, MARKDOWN)))
async def show_guide(request: Request, name: str) -> Response:
    """A file of docs/ as a page, or as it is written."""
    shown = choose_either(request.query_params.get("format"), request.headers.get("accept", ""), (HTML, MARKDOWN))
    guides = await _read(request)
    guide = guides.get(name)
    if guide is None:
        raise Problem("not-found", f"there is no guide {name[:100]!r}", {"suggestions": ["/docs/"]})
    tag = etag(served_of(request), "guide", name, shown, hashlib.sha256(guide.text.encode()).hexdigest())
    if known := not_modified(request, tag):
        return known
    if shown == MARKDOWN:
        return respond(guide.text, MARKDOWN, tag)
    rendered = await asyncio.to_thread(render, guide, guides)
    page = pages.render("guide.html", guide=guide, title=introduce(guide)[0], rendered=rendered)
    return pages.respond(page, tag)


async def _has_ontology(served: Served) -> bool:
    return _ONTOLOGY in (await known_iris(served) or ())


async def _read(request: Request) -> dict[str, Guide]:
    return await asyncio.to_thread(read_guides, settings_of(request).root)


async def _load(request: Request, language: str) -> Vocabulary:
    vocabulary = await load_vocabulary(served_of(request), language)
    if vocabulary is None:
        raise _no_ontology()
    return vocabulary


async def _check_ontology(served: Served) -> None:
    """`Problem` for data that are known to hold no ontology."""
    known = await known_iris(served)
    if known is not None and _ONTOLOGY not in known:
        raise _no_ontology()


def _no_ontology() -> Problem:
    return Problem(
        "not-found", "the data that are served hold no ontology of cbdgraph", {"suggestions": ["/dataset"]}
    )


def _render_ontology(vocabulary: Vocabulary, language: str, release: str) -> str:
    width, height = size(vocabulary)
    return pages.render(
        "ontology.html",
        vocabulary=vocabulary,
        labels={term.iri: term.label for term in vocabulary.terms},
        sections=(
            ("Classes", "all-classes", vocabulary.of_kind("class")),
            ("Properties between resources", "object-properties", vocabulary.of_kind("object property")),
            ("Properties with texts, numbers and dates", "data-properties", vocabulary.of_kind("data property")),
            ("Kinds of code", "code-datatypes", vocabulary.of_kind("datatype", "term")),
        ),
        lanes=find_lanes(vocabulary),
        width=width,
        height=height,
        address=address,
        patterns=PATTERNS,
        prefixes=PREFIXES,
        base=BASE,
        ontology=ONTOLOGY,
        language=language,
        languages=LANGUAGE_NAMES,
        release=release,
    )
