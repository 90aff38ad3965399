"""Every error of the service as one problem document (RFC 9457): an exception in, status and JSON out.

The table `PROBLEMS` is public: each type IRI is served as a page of its own and never changes its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import Response

from cbdgraph.errors import (
    CbdGraphError,
    ClientBusy,
    DeskConflict,
    DeskError,
    DeskRefused,
    EngineUnavailable,
    InvalidName,
    ParameterError,
    QueryError,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
    QueryTooLarge,
    UnknownQuery,
    UnknownRelease,
    UnknownResource,
)
from cbdgraph.iris import mint
from cbdgraph.server.negotiate import NotAcceptable, short_names

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table: status, title, and what to do."""

    status: int
    title: str
    remedy: str


PROBLEMS: Final[Mapping[str, Kind]] = {
    "bad-request": Kind(400, "The request is not well formed", "See /openapi.json for what is expected."),
    "syntax": Kind(400, "The query is not SPARQL 1.1", "Mend the query at the line and column given."),
    "parameter": Kind(400, "A parameter cannot be used", "Give the parameter in the form of the example."),
    "query": Kind(400, "The query cannot be evaluated", "Change the part of the query that the detail names."),
    "refused": Kind(403, "The query asks for what this service never does", "Leave out what the detail names."),
    "unauthorized": Kind(
        401,
        "The review desk does not know who asks",
        "Send a token as Authorization: Bearer …, or sign in.",
    ),
    "forbidden": Kind(403, "This role may not do that", "Ask somebody whose role may; see docs/desk.md."),
    "not-found": Kind(404, "There is nothing at this address", "Try one of the suggestions, or start at /."),
    "unknown-query": Kind(404, "There is no named query of that name", "See /query/ for the list."),
    "unknown-resource": Kind(
        404, "The graph does not know what a parameter names", "Give one of the suggested values."
    ),
    "unresolved": Kind(404, "The citation was not understood", "Write it as in XI/16 para 5(d)."),
    "method": Kind(405, "The method is not allowed here", "Use one of those in the Allow header."),
    "conflict": Kind(
        409, "Somebody recorded a review since", "Nothing is lost: read theirs, then send yours on the last version."
    ),
    "precondition": Kind(
        412, "The version in If-Match is not the last one", "Read the last version, then send yours with its number."
    ),
    "version-required": Kind(
        428, "A review has to say on which version it is based", "Send If-Match, or the member version."
    ),
    "gone": Kind(410, "What was at this address is withdrawn", "Use what stands in its place, if anything does."),
    "not-acceptable": Kind(406, "None of the accepted formats is offered", "Accept one of those listed as offered."),
    "request-timeout": Kind(408, "The request did not arrive in time", "Send the whole body at once."),
    "timeout": Kind(
        504, "What was asked ran over the time limit", "Ask for less, or add LIMIT; the limits are at /version."
    ),
    "too-large": Kind(
        413, "The answer is over a limit", "Nothing was cut: page with ORDER BY, LIMIT and OFFSET, or ask for less."
    ),
    "body-too-large": Kind(413, "The request is over the size limit", "Send less at a time."),
    "range": Kind(416, "The file has no such bytes", "Ask for bytes that it has; its size is in Content-Range."),
    "uri-too-long": Kind(414, "The address is too long", "Send the query by POST."),
    "head-too-large": Kind(431, "The head of the request is too large", "Send fewer or shorter headers."),
    "media-type": Kind(
        415,
        "The body has a type that is not understood",
        "Send application/sparql-query or application/x-www-form-urlencoded, in UTF-8.",
    ),
    "internal": Kind(500, "The service failed", "It is not your fault; the failure is in the service's log."),
    "too-many": Kind(
        429,
        "This address has too much under way",
        "Wait for an answer before asking more, or for Retry-After.",
    ),
    "not-implemented": Kind(
        501, "This part of a protocol is not spoken here", "See the page of the protocol in docs/ for what is."
    ),
    "unavailable": Kind(503, "The service cannot answer now", "Try again after the seconds in Retry-After."),
}


@dataclass(slots=True)
class Problem(Exception):
    """Raised by a handler to answer with a problem; `extra` are members of its own."""

    kind: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


def problem_of(error: CbdGraphError | NotAcceptable) -> Problem:
    """The problem that an error of the project is answered with."""
    match error:
        case QuerySyntaxError():
            place = {"line": error.line, "column": error.column} if error.line else {}
            return Problem("syntax", str(error), place)
        case QueryRefused():
            return Problem("refused", str(error), {"feature": error.feature})
        case QueryTimeout():
            return Problem("timeout", str(error), {"limit": "seconds", "value": error.seconds})
        case QueryTooLarge():
            return Problem("too-large", str(error), {"limit": error.limit, "value": error.value, "complete": False})
        case UnknownResource():
            extra = {"parameter": error.name, "value": error.value, "iri": error.iri, "suggestions": list(error.near)}
            return Problem("unknown-resource", str(error), extra)
        case ParameterError():
            return Problem("parameter", str(error), {"parameter": error.name})
        case UnknownRelease():
            known = [f"/release/{number}/" for number in error.known]
            return Problem("gone" if error.was_there else "not-found", str(error), {"suggestions": known})
        case UnknownQuery():
            return Problem("unknown-query", str(error), {"suggestions": [f"/query/{name}" for name in error.near]})
        case ClientBusy():
            headers = {"Retry-After": str(error.retry_after)}
            return Problem("too-many", str(error), {"limit": "queries", "value": error.limit}, headers)
        case EngineUnavailable():
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            return Problem("unavailable", str(error), {}, headers)
        case InvalidName():
            return Problem("bad-request", str(error))
        case DeskConflict():
            return Problem("conflict", str(error), {"based_on": error.based_on, "version": error.version})
        case DeskRefused():
            return Problem("bad-request" if error.allowed else "forbidden", str(error), {"field": error.field})
        case DeskError():
            return Problem("unavailable", str(error), {}, {"Retry-After": "60"})
        case QueryError():
            return Problem("query", str(error))
        case NotAcceptable():
            extra = {"offered": list(error.offer), "formats": short_names(error.offer)}
            return Problem("not-acceptable", str(error), extra)
        case _:
            return Problem("internal", "the service met an error that it has no answer for")


def respond(problem: Problem) -> Response:
    """The problem as an answer."""
    kind = PROBLEMS[problem.kind]
    document = {
        "type": mint(f"problem/{problem.kind}"),
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "remedy": kind.remedy,
        **problem.extra,
    }
    content = json.dumps(document, ensure_ascii=True, indent=1).encode()
    headers = {"Cache-Control": "no-store", "Vary": "Accept", **problem.headers}
    return Response(content, kind.status, headers, MEDIA_TYPE)
