"""/query: the named queries as operations; names and values in, tables in many formats out; pastes no text."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import ParameterError, QuerySyntaxError, QueryTooLarge
from cbdgraph.namespaces import LANGUAGES
from cbdgraph.queries import LANG, Query, find_query
from cbdgraph.server import pages
from cbdgraph.server.answers import (
    ClientGone,
    etag,
    not_modified,
    respond,
    served_of,
    settings_of,
    while_connected,
)
from cbdgraph.server.known import check_resources
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import HTML, JSON, XLSX, choose_either, short_names
from cbdgraph.server.paging import offer_pages
from cbdgraph.server.problems import Problem, problem_of
from cbdgraph.server.routes import Router, offer
from cbdgraph.store import Answer, tables
from cbdgraph.store.tables import Value, write_workbook

router = Router()

OFFER: Final = (
    JSON,
    "application/sparql-results+json",
    "text/csv",
    "text/tab-separated-values",
    XLSX,
    "application/sparql-results+xml",
    HTML,
)
# What every query takes besides its own parameters.
_COMMON: Final = [
    {
        "name": LANG,
        "required": False,
        "values": [*LANGUAGES, "all"],
        "meaning": "a language: of the texts in the rows where the query has this parameter of its own; elsewhere it "
        "may be given too, and the rows are the same for each",
    },
    {"name": "format", "required": False, "values": short_names(OFFER), "meaning": "the format; wins over Accept"},
]
_RESULTS: Final = "application/sparql-results+json"


@router.get("/query", summary="The named queries", responses=offer((JSON, HTML)))
async def list_queries(request: Request) -> Response:
    """Every named query with its parameters, columns and an example that has an answer."""
    served = served_of(request)
    html = pages.wants_html(request)
    tag = etag(served, "queries", html, *(query.text for query in served.queries.values()))
    if known := not_modified(request, tag):
        return known
    entries = [_entry(query) for query in served.queries.values()]
    if html:
        return pages.respond(pages.render("queries.html", queries=entries), tag)
    return pages.respond_json({"queries": entries, "common": _COMMON, "release": served.release}, tag)


@router.get(
    "/query/{name}",
    summary="Run a named query",
    responses=offer(OFFER),
    openapi_extra={
        "parameters": [
            {
                "name": "parameters",
                "in": "query",
                "schema": {"type": "object", "additionalProperties": {"type": "string"}},
                "style": "form",
                "explode": True,
                "example": {"set": "aichi"},
                "description": "the query's own parameters, as listed at /query/",
            },
            {
                "name": LANG,
                "in": "query",
                "schema": {"type": "string", "enum": [*LANGUAGES, "all"]},
                "description": _COMMON[0]["meaning"],
            },
            {
                "name": "format",
                "in": "query",
                "schema": {"type": "string", "enum": _COMMON[1]["values"]},
                "description": _COMMON[1]["meaning"],
            },
        ]
    },
)
async def run_named(request: Request, name: str) -> Response:
    """The rows of a named query: json (plain values), sparql-json, xml, csv, tsv, xlsx, html."""
    served = served_of(request)
    query = find_query(served.queries, name)
    values: dict[str, str] = {}
    for key, value in request.query_params.multi_items():
        if key in values:
            raise ParameterError(key, "it is given more than once")
        values[key] = value
    shown = choose_either(values.pop("format", None), request.headers.get("accept", ""), OFFER)
    if shown == HTML and not values.keys() - {LANG} and any(parameter.required for parameter in query.parameters):
        return pages.respond(pages.render("query.html", query=_entry(query), columns=[], rows=None, values={}))
    text = query.bind(values)
    await check_resources(served, query, values)
    tag = etag(served, text, shown)
    if known := not_modified(request, tag):
        return known
    written = shown if shown.startswith(("text/c", "text/tab", "application/sparql")) else _RESULTS
    try:
        answer = await while_connected(request, served.engine.run_query(text, media_type=written, trusted=True))
    except ClientGone:
        return Response(status_code=499)
    except QuerySyntaxError as error:  # the file itself is SPARQL: tests see to that
        raise Problem("parameter", f"a value cannot stand in a query: {error.reason}") from error
    except QueryTooLarge as error:
        settings = settings_of(request)
        others = [("format", written)]
        raise offer_pages(problem_of(error), text, others, settings.max_rows, settings.max_url_bytes) from error
    headers = {"Cbdgraph-Complete": "true" if answer.complete else "false"}
    if shown == HTML:
        columns, rows = _terms(query, answer)
        page = pages.render("query.html", query=_entry(query), columns=columns, rows=rows, values=values)
        return pages.respond(page, tag, headers)
    if shown == JSON:
        return pages.respond_json(_document(served, query, answer, values), tag, headers)
    if shown == XLSX:
        headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
        return respond(await asyncio.to_thread(_workbook, query, answer), XLSX, tag, headers)
    return respond(answer.content, shown, tag, headers)


def _entry(query: Query) -> dict[str, Any]:
    examples = {parameter.name: parameter.example for parameter in query.parameters if parameter.required}
    return {
        "name": query.name,
        "summary": query.summary,
        "description": query.description,
        "tags": list(query.tags),
        "columns": list(query.columns),
        "parameters": [
            {
                "name": parameter.name,
                "kind": parameter.kind,
                "required": parameter.required,
                "example": parameter.example,
                "meaning": parameter.meaning,
            }
            for parameter in query.parameters
        ],
        "path": f"/query/{query.name}",
        "example": _address(query.name, examples),
        "sparql": query.text,
    }


def _address(name: str, values: dict[str, str]) -> str:
    return f"/query/{name}" + (f"?{urlencode(values)}" if values else "")


def _terms(query: Query, answer: Answer) -> tuple[list[str], list[list[dict[str, str] | None]]]:
    """The columns of the contract and the rows in their order, as terms of SPARQL JSON."""
    document = json.loads(answer.content)
    if "results" not in document:
        raise Problem("query", f"the query {query.name!r} is not a SELECT")
    columns = list(query.columns or document["head"]["vars"])
    return columns, [[row.get(name) for name in columns] for row in document["results"]["bindings"]]


def _document(served: Served, query: Query, answer: Answer, values: dict[str, str]) -> dict[str, Any]:
    columns, rows = _terms(query, answer)
    links = {
        "self": _address(query.name, values),
        **{name: _address(query.name, {**values, "format": name}) for name in ("csv", "tsv", "xlsx", "sparql-json")},
        "queries": "/query/",
    }
    return {
        "query": query.name,
        "columns": columns,
        "rows": [
            {name: plain(term) for name, term in zip(columns, row, strict=True) if term is not None} for row in rows
        ],
        "complete": answer.complete,
        "release": served.release,
        **_language_of(query, values),
        "links": links,
    }


def _language_of(query: Query, values: dict[str, str]) -> dict[str, Any]:
    """What a language that was asked for has to do with the rows."""
    if LANG not in values:
        return {}
    own = any(parameter.name == LANG for parameter in query.parameters)
    return {LANG: {"value": values[LANG].strip(), "effect": "rows" if own else "none"}}


def plain(term: dict[str, Any]) -> Value:
    """A term of SPARQL JSON as a plain JSON value: numbers and booleans as such, all else as its text.

    >>> plain({"type": "literal", "value": "15", "datatype": "http://www.w3.org/2001/XMLSchema#integer"})
    15
    """
    return tables.plain(str(term["value"]), str(term.get("datatype", "")))


def _workbook(query: Query, answer: Answer) -> bytes:
    columns, rows = _terms(query, answer)
    values = [[None if term is None else plain(term) for term in row] for row in rows]
    return write_workbook(query.name, columns, values)
