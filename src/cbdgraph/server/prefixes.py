"""/prefixes and /context.jsonld: the one prefix map in the forms in which programs take one; asks no graph."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, PREFIXES, expand
from cbdgraph.queries import prologue
from cbdgraph.server import pages
from cbdgraph.server.answers import etag, not_modified, respond, served_of
from cbdgraph.server.negotiate import HTML, JSON, choose_either
from cbdgraph.server.routes import Router, offer
from cbdgraph.store.convert import convert

router = Router()

JSON_LD: Final = "application/ld+json"
_GRAPHS: Final = ("text/turtle", "application/n-triples", "application/rdf+xml")
OFFER: Final = (JSON, JSON_LD, *_GRAPHS, HTML)
_IRI: Final = Iri(BASE + "prefixes")


@router.get("/prefixes", summary="The prefixes of this graph", responses=offer(OFFER))
async def get_prefixes(request: Request) -> Response:
    """As a JSON object, a JSON-LD context, or declarations of SHACL (`sh:prefixes`) in RDF."""
    return _respond(request, request.query_params.get("format"))


@router.get("/prefixes.{suffix}", include_in_schema=False)
async def get_prefixes_as(request: Request, suffix: str) -> Response:
    """The same in the format of the suffix."""
    return _respond(request, request.query_params.get("format", suffix))


@router.get("/context.jsonld", summary="The prefixes as a JSON-LD context", responses=offer((JSON_LD,)))
async def get_context(request: Request) -> Response:
    """For `"@context": "https://w3id.org/cbdgraph/context.jsonld"`."""
    return _respond(request, JSON_LD)


def _respond(request: Request, name: str | None) -> Response:
    shown = choose_either(name, request.headers.get("accept", ""), OFFER)
    tag = etag(served_of(request), "prefixes", shown)
    if known := not_modified(request, tag):
        return known
    if shown == HTML:
        page = pages.render("prefixes.html", prefixes=PREFIXES, prologue=prologue(), iri=_IRI.value)
        return pages.respond(page, tag)
    if shown == JSON:
        return pages.respond_json(dict(PREFIXES), tag)
    if shown == JSON_LD:
        response = pages.respond_json({"@context": dict(PREFIXES)}, tag)
        response.headers["Content-Type"] = JSON_LD
        return response
    lines = []
    for prefix, namespace in PREFIXES.items():
        node = Iri(f"{_IRI.value}#{prefix}")
        address = Text(namespace, datatype=Iri(expand("xsd:anyURI")))
        lines += [
            f"{_IRI} <{expand('sh:declare')}> {node} .",
            f"{node} <{expand('rdf:type')}> <{expand('sh:PrefixDeclaration')}> .",
            f"{node} <{expand('sh:prefix')}> {Text(prefix)} .",
            f"{node} <{expand('sh:namespace')}> {address} .",
        ]
    return respond(convert(lines, shown), shown, tag)
