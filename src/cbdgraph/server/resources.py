"""Dereferencing: the path of an IRI in, what the graph says about it out; unknown paths get the nearest known ones.

RDF holds the statements about the IRI, of its blank nodes, of the terms it defines, and English labels of what it
points to; of a named graph its whole content. HTML adds what points here, up to a limit that the page states.
"""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName, QuerySyntaxError
from cbdgraph.iris import mint
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, PREFIXES
from cbdgraph.queries import prologue
from cbdgraph.server import pages
from cbdgraph.server.answers import ClientGone, etag, not_modified, respond, served_of, while_connected
from cbdgraph.server.known import find_near
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import FORMATS, GRAPH_ALIASES, HTML, JSON, choose, choose_format
from cbdgraph.server.problems import Problem

router = APIRouter()

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
_SUFFIXES: Final = ("ttl", "jsonld", "rdf", "nt", "json", "html")
_INCOMING: Final = 200
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
_GRAPH: Final = "CONSTRUCT { ?s ?p ?o } WHERE { GRAPH @IRI@ { ?s ?p ?o } }"
_OUTGOING: Final = f"""{_PROLOGUE}
SELECT ?property ?near (SAMPLE(?label) AS ?name)
WHERE {{
  @IRI@ ?property ?near .
  {_LABEL}
}}
GROUP BY ?property ?near ORDER BY ?property ?near LIMIT 2000"""
_POINTING: Final = f"""{_PROLOGUE}
SELECT ?property ?near (SAMPLE(?label) AS ?name)
WHERE {{
  {{ SELECT ?property ?near WHERE {{ ?near ?property @IRI@ }} LIMIT {_INCOMING + 1} }}
  {_LABEL}
}}
GROUP BY ?property ?near ORDER BY ?property ?near"""


@router.get("/{path:path}", summary="What the graph says about an IRI")
async def get_resource(request: Request, path: str) -> Response:
    """Any IRI under the base by its path: HTML for browsers, RDF by Accept, ?format= or a suffix such as .ttl."""
    served = served_of(request)
    try:
        iri, shown = _wanted(request, path)
        Iri(iri)
    except InvalidName as error:
        raise Problem("not-found", f"no IRI is spelled like this: {error.reason}") from error
    tag = etag(served, iri, shown)
    # A suffix may belong to the IRI itself, so that what is there is asked for before a 304 is given.
    query = (_GRAPH if iri in served.graphs else _DESCRIBE).replace("@IRI@", str(Iri(iri)))
    written = "application/n-triples" if shown == HTML else GRAPH_ALIASES.get(shown, shown)
    try:
        answer = await while_connected(request, served.engine.run_query(query, media_type=written, trusted=True))
        if not answer.rows:
            near = await find_near(served, iri)
            detail = f"the graph says nothing about {iri}"
            raise Problem("not-found", detail, {"suggestions": [pages.local(name) for name in near]})
        if known := not_modified(request, tag):
            return known
        if shown == HTML:
            return pages.respond(await _page(served, iri), tag)
    except ClientGone:
        return Response(status_code=499)
    except QuerySyntaxError as error:
        raise Problem("not-found", f"no IRI is spelled like this: {error.reason}") from error
    return respond(answer.content, shown, tag, {"Link": f'<{_ascii(iri)}>; rel="canonical"'})


def _wanted(request: Request, path: str) -> tuple[str, str]:
    """The IRI and the media type; a suffix names the type unless ?format= does."""
    stem, dot, suffix = path.rpartition(".")
    name = request.query_params.get("format")
    if dot and suffix in _SUFFIXES and stem:
        return mint(stem), choose_format(name or suffix, OFFER)
    if name:
        return mint(path), choose_format(name, OFFER)
    return mint(path), choose(request.headers.get("accept", ""), OFFER)


async def _page(served: Served, iri: str) -> str:
    term = str(Iri(iri))
    outgoing = await _select(served, _OUTGOING.replace("@IRI@", term))
    incoming = await _select(served, _POINTING.replace("@IRI@", term))
    names = [row["near"]["value"] for row in outgoing if row["property"]["value"] in _NAMING]
    english = [
        row["near"]["value"]
        for row in outgoing
        if row["property"]["value"] in _NAMING and row["near"].get("xml:lang", "en") == "en"
    ]
    return pages.render(
        "resource.html",
        iri=iri,
        title=next(iter(english or names), iri.removeprefix(BASE)),
        outgoing=[(short(row["property"]["value"]), row) for row in outgoing],
        incoming=[(short(row["property"]["value"]), row) for row in incoming[:_INCOMING]],
        more=len(incoming) > _INCOMING,
        limit=_INCOMING,
        suffixes=[name for name in _SUFFIXES if name != "html" and name in FORMATS],
        path=pages.local(iri),
        release=served.release,
    )


_NAMING: Final = frozenset(
    (PREFIXES["rdfs"] + "label", PREFIXES["skos"] + "prefLabel", PREFIXES["dcterms"] + "title"),
)


def short(iri: str) -> str:
    """An IRI as a prefixed name where the project has a prefix for it.

    >>> short("http://www.w3.org/2004/02/skos/core#prefLabel")
    'skos:prefLabel'
    """
    for prefix, namespace in PREFIXES.items():
        local = iri.removeprefix(namespace)
        if local != iri and local and "/" not in local and "#" not in local:
            return f"{prefix}:{local}"
    return iri


async def _select(served: Served, query: str) -> list[dict[str, Any]]:
    answer = await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)
    rows: list[dict[str, Any]] = json.loads(answer.content)["results"]["bindings"]
    return rows


def _ascii(iri: str) -> str:
    """For a header, which holds no other characters."""
    return "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode()) for c in iri)
