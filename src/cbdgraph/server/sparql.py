"""/sparql: the query half of the SPARQL 1.1 Protocol; a request in, an answer or a problem out; runs no query itself.

GET, POST of a form and POST of a query; graphs of the protocol; formats by Accept or ?format=; without a query the
service description, or for a browser the editor. Updates are refused: the service is read-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import CbdGraphError, QueryRefused
from cbdgraph.server import pages
from cbdgraph.server.answers import (
    LONG,
    ClientGone,
    check_apart,
    client_of,
    etag,
    not_modified,
    respond,
    served_of,
    settings_of,
    while_connected,
)
from cbdgraph.server.bodies import FORM, read_body, read_media_type, read_pairs, read_utf8
from cbdgraph.server.bundles import bundle_stamp
from cbdgraph.server.dataset import respond_service
from cbdgraph.server.negotiate import (
    FORMATS,
    GRAPH_ALIASES,
    GRAPH_OFFER,
    HTML,
    RESULT_ALIASES,
    RESULT_OFFER,
    choose_either,
)
from cbdgraph.server.paging import link_next, offer_pages
from cbdgraph.server.problems import PROBLEMS, Problem, problem_of
from cbdgraph.server.routes import Router
from cbdgraph.server.sparql_page import EXAMPLE, make_problem, make_results
from cbdgraph.store.guard import Checked, check_graphs

router = Router()

_pairs: Final = read_pairs
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {"name": "query", "in": "query", "schema": {"type": "string"}, "example": EXAMPLE, "description": "SPARQL 1.1"},
    {
        "name": "default-graph-uri",
        "in": "query",
        "schema": {"type": "array", "items": {"type": "string", "format": "iri"}},
        "description": "graphs that make up the default graph, in place of FROM",
    },
    {
        "name": "named-graph-uri",
        "in": "query",
        "schema": {"type": "array", "items": {"type": "string", "format": "iri"}},
        "description": "graphs that GRAPH may name, in place of FROM NAMED",
    },
    {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": sorted(FORMATS)},
        "description": "wins over Accept",
    },
    {
        "name": "explain",
        "in": "query",
        "schema": {"type": "string", "enum": ["empty"]},
        "description": "in place of the answer, why it has no rows: the first pattern that none survives, and hints",
    },
]
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "the whole answer", "content": {name: {} for name in (*RESULT_OFFER, *GRAPH_OFFER)}},
    **{
        status: {"description": meaning, "content": {"application/problem+json": {}}}
        for status, meaning in {
            400: "not SPARQL 1.1, or a malformed request",
            403: "SERVICE, an update or an unknown graph",
            406: "none of the accepted formats is offered",
            413: "the answer or the request is over a limit; nothing is ever cut",
            503: "every worker is busy",
            504: "the query ran over the time limit and was ended",
        }.items()
    },
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            "application/sparql-query": {"schema": {"type": "string"}, "example": EXAMPLE},
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
                "example": {"query": EXAMPLE},
            },
        }
    }
}


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of the protocol; graph lists are None where the request names none."""

    query: str | None
    default_graphs: tuple[str, ...] | None
    named_graphs: tuple[str, ...] | None
    format: str | None
    explain: str | None = None

    @property
    def graphs(self) -> list[tuple[str, str]]:
        """The graph parameters as they came."""
        return [
            *(("default-graph-uri", graph) for graph in self.default_graphs or ()),
            *(("named-graph-uri", graph) for graph in self.named_graphs or ()),
        ]

    @property
    def others(self) -> list[tuple[str, str]]:
        """What a query that goes on from this one has to be asked with."""
        return [*self.graphs, *([("format", self.format)] if self.format else [])]


@router.get("/sparql", summary="Ask", responses=_RESPONSES, openapi_extra={"parameters": _PARAMETERS})
async def get_sparql(request: Request) -> Response:
    """SPARQL 1.1 Protocol, query by GET; without a query the service description, or the editor for browsers."""
    call = _call(_pairs(request.scope["query_string"]), None)
    if call.query is None:
        return await _describe(request, call)
    return await _answer_reader(request, call)


@router.post(
    "/sparql",
    summary="Ask",
    responses=_RESPONSES,
    openapi_extra={"parameters": _PARAMETERS[1:], **_BODY},
)
async def post_sparql(request: Request) -> Response:
    """SPARQL 1.1 Protocol, query by POST: as a form, or as a body of type application/sparql-query."""
    media_type, charset = read_media_type(request)
    if media_type == "application/sparql-update":
        raise QueryRefused("update", "this service is read-only")
    if media_type not in {"application/sparql-query", FORM} or charset != "utf-8":
        raise Problem(
            "media-type", f"a body of type {request.headers.get('content-type', '')!r} is not understood here"
        )
    body = await read_body(request, settings_of(request).max_query_bytes)
    pairs = _pairs(request.scope["query_string"])
    is_form = media_type == FORM
    call = _call([*pairs, *_pairs(body)], None) if is_form else _call(pairs, read_utf8(body, "query"))
    if call.query is None:
        raise Problem("bad-request", "there is no query parameter in the form")
    return await _answer_reader(request, call)


def _call(pairs: Sequence[tuple[str, str]], body: str | None) -> Call:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    queries = [*values.get("query", []), *([] if body is None else [body])]
    if "update" in values:
        raise QueryRefused("update", "this service is read-only")
    if len(queries) > 1:
        raise Problem("bad-request", f"exactly one query is expected, and there are {len(queries)}")
    # SPARQLWrapper names the format twice, by a short name and by media types; the first is the short name.
    formats = values.get("format", [])[:1]
    default, named = values.get("default-graph-uri"), values.get("named-graph-uri")
    return Call(
        query=queries[0] if queries else None,
        default_graphs=None if default is None else tuple(default),
        named_graphs=None if named is None else tuple(named),
        format=formats[0] if formats else None,
        explain=values["explain"][0] if "explain" in values else None,
    )


async def _answer_reader(request: Request, call: Call) -> Response:
    """The answer, or what is wrong: for a browser beside the query in the editor, else as a problem document."""
    try:
        return await _answer(request, call)
    except (CbdGraphError, Problem) as error:
        problem = error if isinstance(error, Problem) else problem_of(error)
        settings = settings_of(request)
        problem = offer_pages(problem, call.query or "", call.others, settings.max_rows, settings.max_url_bytes)
        if not pages.is_for_browser(request, RESULT_OFFER, call.format):
            raise problem from error
        page = make_problem(served_of(request), call.query or "", call.graphs, problem)
        response = pages.respond(page, "", problem.headers, bundle="editor")
        response.status_code = PROBLEMS[problem.kind].status
        return response


async def _answer(request: Request, call: Call) -> Response:
    served, limit = served_of(request), settings_of(request).max_query_bytes
    query = call.query or ""
    size = len(query.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise Problem("body-too-large", f"a query may have {limit} bytes here", {"limit": "bytes", "value": limit})
    graphs = served.graphs
    checked = await check_apart(query, graphs)
    check_graphs((*(call.default_graphs or ()), *(call.named_graphs or ())), graphs)
    if call.explain is not None:
        from cbdgraph.server.explained import respond_explained  # a start does not wait for its modules

        return await respond_explained(
            request, call.explain, query, call.default_graphs, call.named_graphs, call.format, checked
        )
    shown, written = _media_types(request, call, checked)
    page = bundle_stamp("editor") if shown == HTML else ""
    tag = etag(served, query, call.default_graphs, call.named_graphs, shown, page) if checked.repeatable else ""
    if tag and (known := not_modified(request, tag)):
        return known
    work = served.engine.run_query(
        query,
        media_type=written,
        default_graphs=call.default_graphs,
        named_graphs=call.named_graphs,
        repeatable=checked.repeatable,
        client=client_of(request),
    )
    try:
        answer = await while_connected(request, work)
    except ClientGone:
        return Response(status_code=499)
    headers = {"Cbdgraph-Complete": "true" if answer.complete else "false"}
    if answer.form == "solutions" and len(query) <= LONG:
        headers |= link_next(query, answer.rows, call.others, settings_of(request).max_url_bytes)
    if shown == HTML:
        return pages.respond(make_results(served, query, call.graphs, answer), tag, headers, bundle="editor")
    return respond(answer.content, shown, tag, headers)


def _media_types(request: Request, call: Call, checked: Checked) -> tuple[str, str]:
    """The media type of the response, and the one in which the engine writes."""
    graph = checked.form == "triples"
    offer = GRAPH_OFFER if graph else RESULT_OFFER
    aliases = GRAPH_ALIASES if graph else RESULT_ALIASES
    shown = choose_either(call.format, request.headers.get("accept", ""), offer, aliases)
    if shown == HTML:
        return shown, "text/turtle" if graph else "application/sparql-results+json"
    return shown, aliases.get(shown, shown)


async def _describe(request: Request, call: Call) -> Response:
    if call.default_graphs is not None or call.named_graphs is not None:
        raise Problem("bad-request", "there are graphs and no query")
    return await respond_service(request, call.format)
