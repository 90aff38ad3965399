"""Dereferencing: the path of an IRI in, what the graph says about it out; unknown paths get the nearest known ones.

RDF holds the statements about the IRI, of its blank nodes, of the terms it defines, and English labels of what it
points to (see `concise`); at the address of a named graph its whole content (see `graphs`), while its page, its JSON
and DESCRIBE tell what is said about it. Page and JSON add what points here, by count; `?incoming=` lists it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName, ParameterError, QuerySyntaxError
from cbdgraph.iris import mint
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, LANGUAGES
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import (
    ClientGone,
    date_header,
    etag,
    not_modified,
    respond,
    served_of,
    while_connected,
)
from cbdgraph.server.concise import describe as describe_in_rdf
from cbdgraph.server.concise import write
from cbdgraph.server.dumps import issued
from cbdgraph.server.graphs import respond_graph
from cbdgraph.server.incoming import respond_incoming
from cbdgraph.server.known import is_described
from cbdgraph.server.links import WRITTEN, find_alternates, link_resource, prefix_of, write_links
from cbdgraph.server.negotiate import (
    GRAPH_ALIASES,
    HTML,
    JSON,
    NotAcceptable,
    choose_either,
    choose_format,
    choose_language,
    short_names,
)
from cbdgraph.server.portrait import draw
from cbdgraph.server.problems import Problem
from cbdgraph.server.resource_json import write_document
from cbdgraph.server.resource_page import write_page
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.term_page import CLASS as TERM
from cbdgraph.server.term_page import respond_term
from cbdgraph.server.unknown import find_problem, has_needless_escapes, redirect, respond_unknown, split_suffix

router = Router()

# In the order in which they are given to who likes several alike; the other names of formats come last.
OFFER: Final = (
    "text/turtle",
    "application/ld+json",
    "application/rdf+xml",
    "application/n-triples",
    "application/n-quads",
    "application/trig",
    JSON,
    HTML,
    *(name for name in GRAPH_ALIASES if name != JSON),
)
SHOWN: Final = tuple(WRITTEN)  # under their own names
_ECHOED: Final = 300  # characters of a request's path that an error repeats
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": short_names(SHOWN)},
        "description": "the format; wins over Accept and over the ending of the path",
    },
    {
        "name": "lang",
        "in": "query",
        "schema": {"type": "string", "enum": [*LANGUAGES, "all"]},
        "description": "the language of names in HTML and JSON; RDF has all that there are",
    },
    {
        "name": "incoming",
        "in": "query",
        "schema": {"type": "string"},
        "example": "cbd:onIssue",
        "description": "list, in place of the resource, what points to it by this property",
    },
    {
        "name": "page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "default": 1},
        "description": "the number of a page of what points here",
    },
]
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    **offer(OFFER),
    301: {"description": "the way to the IRI, which was spelled otherwise"},
    303: {"description": "the way to why it holds, with explain=inferred"},
    **{
        status: {"description": meaning, "content": {"application/problem+json": {}, HTML: {}}}
        for status, meaning in {
            404: "nothing is said about this IRI; with what is like it",
            406: "none of the accepted formats is offered; with the addresses of those that are",
            410: "what had this IRI is withdrawn; with the reason and what stands in its place",
        }.items()
    },
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a request asks for: the IRI, in which media type, or why in none; the ending of the path."""

    iri: str
    shown: str
    suffix: str = ""
    refused: NotAcceptable | None = None


@router.get(
    "/describe",
    summary="What the graph says about any IRI",
    responses={**offer(OFFER), 303: {"description": "the way to an IRI under the base"}},
    openapi_extra={
        "parameters": [
            {
                "name": "iri",
                "in": "query",
                "required": True,
                "schema": {"type": "string", "format": "iri"},
                "description": "an IRI of others, which has no path here: http://metadata.cbd.int/kmgbf/target_3",
            },
            *_PARAMETERS,
        ]
    },
)
async def describe(request: Request) -> Response:
    """IRIs of others that the graph describes, as those under the base; nothing is fetched from there."""
    iri = request.query_params.get("iri", "")
    try:
        Iri(iri)
    except InvalidName as error:
        raise ParameterError("iri", f"expected a full IRI, not {iri[:_ECHOED]!r}") from error
    if iri.startswith(BASE):
        return Response(status_code=303, headers={"Location": prefix_of(request) + address(iri), "Vary": "Accept"})
    response = await _respond(request, _choose(request, iri))
    if response is None:
        raise await find_problem(request, iri)
    return response


@router.get(
    "/{path:path}",
    summary="What the graph says about an IRI",
    responses=_RESPONSES,
    openapi_extra={"parameters": _PARAMETERS},
)
async def get_resource(request: Request, path: str) -> Response:
    """Any IRI under the base by its path: HTML for browsers, RDF or JSON by Accept, ?format= or a suffix (.ttl)."""
    if (explain := request.query_params.get("explain")) is not None:
        return _explain(request, path, explain)
    wanted = _read(request, path)
    try:
        Iri(wanted.iri)
    except InvalidName:
        return await respond_unknown(request, path)
    if has_needless_escapes(request.scope["raw_path"]) and await is_described(served_of(request), wanted.iri):
        return redirect(request, wanted.iri, wanted.suffix)
    response = await _respond(request, wanted)
    if response is None and wanted.suffix:  # which may belong to the IRI itself
        response = await _respond(request, _choose(request, mint(path)))
    return response or await respond_unknown(request, path)


def _read(request: Request, path: str) -> _Wanted:
    """What a path asks for; a suffix names the type unless ?format= does."""
    stem, suffix = split_suffix(path)
    if suffix and path.endswith(suffix):
        name = request.query_params.get("format") or suffix.removeprefix(".")
        try:
            return _Wanted(mint(stem), choose_format(name, OFFER), suffix)
        except NotAcceptable as error:
            return _Wanted(mint(stem), "", suffix, error)
    return _choose(request, mint(path))


def _choose(request: Request, iri: str) -> _Wanted:
    """An IRI in the format that ?format= or Accept names."""
    try:
        name, accept = request.query_params.get("format"), request.headers.get("accept", "")
        return _Wanted(iri, choose_either(name, accept, OFFER))
    except NotAcceptable as error:
        return _Wanted(iri, "", "", error)


def _explain(request: Request, path: str, explain: str) -> Response:
    """The way to the reasons of what was inferred of a resource."""
    if explain != "inferred":
        raise ParameterError("explain", f"expected inferred, not {explain[:_ECHOED]!r}")
    given = {name: value for name in ("format",) if (value := request.query_params.get(name))}
    where = "/why?" + urlencode({"subject": mint(path), **given})
    return Response(status_code=303, headers={"Location": where, "Vary": "Accept"})


async def _respond(request: Request, wanted: _Wanted) -> Response | None:
    """What the graph says about an IRI in the media type that is wanted; None if it says nothing."""
    served, iri, shown = served_of(request), wanted.iri, wanted.shown
    try:
        if wanted.refused is not None:
            if iri in served.graphs or await is_described(served, iri):
                raise _not_acceptable(request, iri, wanted.refused)
            return None
        if "incoming" in request.query_params:
            return await while_connected(request, respond_incoming(request, iri, shown))
        if shown in {HTML, JSON}:
            return await while_connected(request, _respond_for_people(request, iri, shown))
        if iri in served.graphs:
            return await respond_graph(request, iri, shown)
        return await while_connected(request, _respond_in_rdf(request, iri, shown))
    except ClientGone:
        return Response(status_code=499)
    except QuerySyntaxError:  # no IRI to the engine, so that the graph cannot hold it
        return None


async def _respond_in_rdf(request: Request, iri: str, shown: str) -> Response | None:
    served = served_of(request)
    # A suffix may belong to the IRI itself, so that what is there is asked for before a 304 is given.
    described = await describe_in_rdf(served, iri)
    if described is None:
        return None
    tag, dated = etag(served, iri, shown), date_header(served.modified(iri))
    if known := not_modified(request, tag, "Accept", dated):
        return known
    headers = {
        "Link": link_resource(request, iri, GRAPH_ALIASES.get(shown, shown), described.classes),
        "Cbdgraph-Complete": "true" if described.is_complete else "false",
        **dated,
    }
    return respond(await write(described.lines, GRAPH_ALIASES.get(shown, shown)), shown, tag, headers)


async def _respond_for_people(request: Request, iri: str, shown: str) -> Response | None:
    """The page, or JSON for scripts: names in one language, and what points here."""
    served = served_of(request)
    language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    portrait = await draw(served, iri, language, in_full=shown == HTML)
    if portrait is None:
        return None
    if shown == HTML and TERM in portrait.classes:
        return await respond_term(request, portrait)
    vary = "Accept, Accept-Language"
    tag = etag(served, iri, shown, language)
    # What points here changes without the resource, so that only the release says when.
    dated = date_header(issued(served))
    if known := not_modified(request, tag, vary, dated):
        return known
    headers = {"Vary": vary, "Link": link_resource(request, iri, shown, portrait.classes), **dated}
    prefix = prefix_of(request)
    if shown == JSON:
        return pages.respond_json(write_document(portrait, served, prefix), tag, headers)
    is_licensed = served.folder is not None  # of a user's own files no licence is known
    return pages.respond(write_page(portrait, served.release, prefix, is_licensed=is_licensed), tag, headers)


def _not_acceptable(request: Request, iri: str, error: NotAcceptable) -> Problem:
    """The problem, with where each format is found."""
    alternates = find_alternates(iri, prefix_of(request))
    extra = {
        "offered": list(alternates),
        "formats": short_names(alternates),
        "alternates": [{"type": media_type, "path": where} for media_type, where in alternates.items()],
    }
    links = write_links((where, "alternate", media_type) for media_type, where in alternates.items())
    return Problem("not-acceptable", str(error), extra, {"Link": links})
