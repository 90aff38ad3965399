"""/graph-store: the SPARQL 1.1 Graph Store HTTP Protocol, its reading half; a graph's name in, its triples out.

`?graph=` and `?default` name a graph indirectly; a named graph under the base is also read at its own address, by
`respond_graph` from `resources`. Nothing is written: the envelope answers all other methods with 405.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName, QueryTooLarge
from cbdgraph.iris import mint, mint_graph
from cbdgraph.model import Iri
from cbdgraph.server.answers import (
    ClientGone,
    etag,
    not_modified,
    respond,
    served_of,
    settings_of,
    while_connected,
)
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import FORMATS, GRAPH_ALIASES, HTML, choose_either
from cbdgraph.server.paging import PAGE, make_address
from cbdgraph.server.problems import Problem, problem_of
from cbdgraph.server.routes import Router
from cbdgraph.store import GRAPH_TYPES

router = Router()

OFFER: Final = (*GRAPH_TYPES, *GRAPH_ALIASES)
_CONTENT: Final = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"
_ECHOED: Final = 300  # characters of a graph's name that an error repeats
# What the engine writes of one graph, in place of a dataset.
_TRIPLES_OF: Final = {"application/n-quads": "application/n-triples", "application/trig": "text/turtle"}
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "graph",
        "in": "query",
        "schema": {"type": "string"},
        "example": "graph/targets/aichi",
        "description": "a named graph, as IRI or as path under the base",
    },
    {
        "name": "default",
        "in": "query",
        "schema": {"type": "string", "enum": [""]},
        "allowEmptyValue": True,
        "description": "the default graph; in place of graph",
    },
    {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": sorted(name for name, kind in FORMATS.items() if kind in OFFER)},
        "description": "wins over Accept",
    },
]
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "the whole graph", "content": {name: {} for name in GRAPH_TYPES}},
    **{
        status: {"description": meaning, "content": {"application/problem+json": {}}}
        for status, meaning in {
            400: "neither graph nor default, both, or one of them more than once",
            404: "no graph has this name",
            406: "none of the accepted formats is offered",
            413: "the graph is over a limit; nothing is ever cut",
        }.items()
    },
}


@router.get("/graph-store", summary="A graph", responses=_RESPONSES, openapi_extra={"parameters": _PARAMETERS})
async def get_graph(request: Request) -> Response:
    """SPARQL 1.1 Graph Store HTTP Protocol, read-only: the triples of a named graph, or of the default graph."""
    served = served_of(request)
    graph = _wanted(request, served)
    shown = choose_either(request.query_params.get("format"), request.headers.get("accept", ""), OFFER, GRAPH_ALIASES)
    return await respond_graph(request, graph, shown)


async def respond_graph(request: Request, graph: str, shown: str) -> Response:
    """All triples of a graph that is served, "" for the default graph, in the media type `shown`, which is no HTML.

    In N-Quads and TriG they stand in the graph, so that a client that reads them has the name too.
    """
    assert shown != HTML
    served = served_of(request)
    tag = etag(served, "graph", graph, shown)
    if known := not_modified(request, tag):
        return known
    written = GRAPH_ALIASES.get(shown, shown)
    try:
        answer = await while_connected(
            request,
            served.engine.run_query(
                _CONTENT,
                media_type=_TRIPLES_OF.get(written, written) if graph else written,
                default_graphs=[graph] if graph else None,
                trusted=True,
            ),
        )
    except ClientGone:
        return Response(status_code=499)
    except QueryTooLarge as error:
        raise _too_large(error, graph, min(PAGE, settings_of(request).max_rows)) from error
    content = answer.content
    if graph and written == "application/n-quads":
        content = b"".join(_quad(line, graph) for line in content.splitlines(keepends=True))
    elif graph and written == "application/trig":
        content = _wrap(content, graph)
    headers = {"Cbdgraph-Complete": "true" if answer.complete else "false"}
    if graph:
        headers["Link"] = f'<{ascii_of(graph)}>; rel="canonical"'
    return respond(content, shown, tag, headers)


def _wanted(request: Request, served: Served) -> str:
    """The IRI of the graph that is asked for, "" for the default graph."""
    names, defaults = request.query_params.getlist("graph"), request.query_params.getlist("default")
    if len(names) + len(defaults) != 1:
        raise Problem("bad-request", "name one graph: ?graph=IRI, or ?default for the default graph")
    if defaults:
        if defaults != [""]:
            raise Problem("bad-request", "default has no value; a named graph is ?graph=IRI")
        return ""
    name = names[0].strip()
    shown = name[:_ECHOED] + ("…" if len(name) > _ECHOED else "")
    forms = [name] if re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", name) else [mint(name.lstrip("/")), mint_graph(name)]
    try:
        known = [form for form in forms if Iri(form).value in served.graphs]
    except InvalidName as error:
        raise Problem("bad-request", f"{shown!r} is no IRI and no path: {error.reason}") from error
    if not name or not known:
        near = difflib.get_close_matches(forms[-1][:_ECHOED], sorted(served.graphs), n=5, cutoff=0.5)
        detail = f"there is no graph {shown!r} here, and none is fetched; those there are: /version"
        raise Problem("not-found", detail, {"parameter": "graph", "suggestions": near})
    return known[0]


def _too_large(error: QueryTooLarge, graph: str, page: int) -> Problem:
    problem = problem_of(error)
    paged = f"{_CONTENT}\nORDER BY ?s ?p ?o\nLIMIT {page} OFFSET 0"
    others = [("default-graph-uri", graph)] if graph else []
    problem.detail = (
        f"the graph is over the limit of {error.value} {error.limit} for one answer, and nothing is ever cut; "
        "page through it with CONSTRUCT at /sparql, as in next"
    )
    problem.extra["next"] = make_address(paged, others)
    return problem


def _quad(line: bytes, graph: str) -> bytes:
    """A line of N-Triples as one of N-Quads.

    >>> _quad(b'<x:a> <x:b> "." .\\n', "x:g")
    b'<x:a> <x:b> "." <x:g> .\\n'
    """
    statement = line.rstrip()
    return statement[:-1].rstrip() + f" <{graph}> .\n".encode() if statement.endswith(b".") else line


def _wrap(turtle: bytes, graph: str) -> bytes:
    """Turtle as TriG in which all stands in a graph; prefixes stay outside.

    >>> _wrap(b'@prefix x: <x:> .\\nx:a x:b x:c .\\n', "x:g")
    b'@prefix x: <x:> .\\n<x:g> {\\nx:a x:b x:c .\\n}\\n'
    """
    lines = turtle.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if not line.startswith(b"@prefix ")), len(lines))
    return b"".join((*lines[:start], f"<{graph}> {{\n".encode(), *lines[start:], b"}\n"))


def ascii_of(iri: str) -> str:
    """An IRI for a header, which holds no other characters."""
    return "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode()) for c in iri)
