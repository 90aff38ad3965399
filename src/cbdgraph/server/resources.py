"""Dereferencing: the path of an IRI in, what the graph says about it out; unknown paths get the nearest known ones.

RDF holds the statements about the IRI, of its blank nodes, of the terms it defines, and English labels of what it
points to; at the address of a named graph its whole content (see `graphs`), while its page and DESCRIBE tell what is
said about it. HTML adds what points here, and where the rest of it is listed.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName, ParameterError, QuerySyntaxError
from cbdgraph.iris import mint
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE
from cbdgraph.queries import prologue
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import ClientGone, etag, not_modified, respond, served_of, while_connected
from cbdgraph.server.graphs import ascii_of, respond_graph
from cbdgraph.server.known import find_near
from cbdgraph.server.negotiate import (
    GRAPH_ALIASES,
    HTML,
    JSON,
    choose_either,
    choose_format,
    choose_language,
)
from cbdgraph.server.problems import Problem
from cbdgraph.server.resource_page import make_page
from cbdgraph.server.routes import Router, offer

router = Router()

OFFER: Final = (
    "text/turtle",
    "application/ld+json",
    "application/rdf+xml",
    "application/n-triples",
    "application/n-quads",
    "application/trig",
    JSON,
    HTML,
)
_ECHOED: Final = 300  # characters of a request's path that an error repeats
_SUFFIXES: Final = ("ttl", "jsonld", "rdf", "nt", "json", "html")
_PROLOGUE: Final = prologue(("rdfs", "skos", "dcterms"))
_LABEL: Final = """OPTIONAL {
    VALUES ?naming { rdfs:label skos:prefLabel dcterms:title }
    ?near ?naming ?label .
    FILTER(LANG(?label) IN ("", "en"))
  }"""
# Values are bound as terms at the marks, never pasted as text: `str(Iri(…))` cannot leave its angle brackets.
_DESCRIBE: Final = f"""{_PROLOGUE}
CONSTRUCT {{ ?subject ?property ?near . ?near ?naming ?label . ?blank ?blankProperty ?value }}
WHERE {{
  {{ BIND(@IRI@ AS ?subject) ?subject ?property ?near }}
  UNION {{ ?subject rdfs:isDefinedBy @IRI@ ; ?property ?near }}
  {_LABEL}
  OPTIONAL {{ FILTER(isBlank(?near)) BIND(?near AS ?blank) ?near ?blankProperty ?value }}
}}"""


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
            }
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
        return Response(status_code=303, headers={"Location": address(iri), "Vary": "Accept"})
    shown = choose_either(request.query_params.get("format"), request.headers.get("accept", ""), OFFER)
    return await _respond(request, iri, shown)


@router.get(
    "/{path:path}",
    summary="What the graph says about an IRI",
    responses={**offer(OFFER), 303: {"description": "the way to why it holds, with explain=inferred"}},
)
async def get_resource(request: Request, path: str) -> Response:
    """Any IRI under the base by its path: HTML for browsers, RDF by Accept, ?format= or a suffix such as .ttl."""
    if (explain := request.query_params.get("explain")) is not None:
        return _explain(request, path, explain)
    try:
        iri, shown = _wanted(request, path)
        Iri(iri)
    except InvalidName as error:
        raise Problem("not-found", f"no IRI is spelled like this: {error.reason}") from error
    return await _respond(request, iri, shown)


def _explain(request: Request, path: str, explain: str) -> Response:
    """The way to the reasons of what was inferred of a resource."""
    if explain != "inferred":
        raise ParameterError("explain", f"expected inferred, not {explain[:_ECHOED]!r}")
    given = {name: value for name in ("format",) if (value := request.query_params.get(name))}
    where = "/why?" + urlencode({"subject": mint(path), **given})
    return Response(status_code=303, headers={"Location": where, "Vary": "Accept"})


async def _respond(request: Request, iri: str, shown: str) -> Response:
    """What the graph says about an IRI in the media type `shown`; `Problem` with the nearest known if nothing."""
    served = served_of(request)
    language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    vary = "Accept, Accept-Language" if shown == HTML else "Accept"
    tag = etag(served, iri, shown, language if shown == HTML else "")
    is_graph = iri in served.graphs
    if is_graph and shown != HTML:
        return await respond_graph(request, iri, shown)
    # A suffix may belong to the IRI itself, so that what is there is asked for before a 304 is given.
    query = _DESCRIBE.replace("@IRI@", str(Iri(iri)))
    written = "application/n-triples" if shown == HTML else GRAPH_ALIASES.get(shown, shown)
    try:
        answer = await while_connected(request, served.engine.run_query(query, media_type=written, trusted=True))
        if not answer.rows and not is_graph:
            near = await find_near(served, iri)
            detail = f"the graph says nothing about {iri[:_ECHOED]}{'…' if len(iri) > _ECHOED else ''}"
            raise Problem("not-found", detail, {"suggestions": [address(name) for name in near]})
        if known := not_modified(request, tag, vary):
            return known
        if shown == HTML:
            page = await make_page(served, iri, language)
            return pages.respond(page, tag, {"Vary": vary})
    except ClientGone:
        return Response(status_code=499)
    except QuerySyntaxError as error:
        raise Problem("not-found", f"no IRI is spelled like this: {error.reason}") from error
    headers = {
        "Link": f'<{ascii_of(iri)}>; rel="canonical"',
        "Cbdgraph-Complete": "true" if answer.complete else "false",
    }
    return respond(answer.content, shown, tag, headers)


def _wanted(request: Request, path: str) -> tuple[str, str]:
    """The IRI and the media type; a suffix names the type unless ?format= does."""
    stem, dot, suffix = path.rpartition(".")
    name = request.query_params.get("format")
    if dot and suffix in _SUFFIXES and stem:
        return mint(stem), choose_format(name or suffix, OFFER)
    return mint(path), choose_either(name, request.headers.get("accept", ""), OFFER)
