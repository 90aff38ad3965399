"""What an endpoint says is wrong: status, media type and body of its answer in, an exception of the project out.

Our service answers with problem documents (RFC 9457), whose types are public. Others answer with text: where it names
a line and a column, these are found.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, Final

from cbdgraph.errors import (
    CbdGraphError,
    ClientBusy,
    EndpointError,
    EngineUnavailable,
    ParameterError,
    QueryError,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
    QueryTooLarge,
    UnknownRelease,
)
from cbdgraph.namespaces import BASE

_PROBLEM: Final = "application/problem+json"
# As Jena ("Line 2, column 3"), Oxigraph ("error at 2:3") and rdflib ("line:2, col:3") say it.
_PLACE: Final = re.compile(
    r"\bline\W{0,3}(?P<line>\d{1,9})\W{1,3}col(?:umn)?\W{0,3}(?P<column>\d{1,9})|"
    r"\bat (?P<at>\d{1,9}):(?P<sign>\d{1,9})",
    re.IGNORECASE,
)
_LONGEST: Final = 500  # characters of a text that is not ours
_BUSY: Final = frozenset({429, 503})


def read_fault(endpoint: str, status: int, media_type: str, body: bytes, retry_after: int = 0) -> CbdGraphError:
    """The exception to raise for an answer that is an error.

    >>> read_fault("http://x/sparql", 400, "text/plain", b"error at 2:3: expected WHERE")
    QuerySyntaxError('line 2, column 3: error at 2:3: expected WHERE')
    """
    if media_type == _PROBLEM:
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            return _of_problem(endpoint, status, json.loads(body), retry_after)
    text = " ".join(body.decode("utf-8", "replace").split())
    text = "" if text.startswith("<") else text[:_LONGEST]  # a page for people says nothing in one line
    if status == 400:
        if place := _PLACE.search(text):
            return QuerySyntaxError(text, int(place["line"] or place["at"]), int(place["column"] or place["sign"]))
        return QueryError(f"{endpoint} cannot answer this query{': ' if text else ''}{text}")
    if status in _BUSY:
        return EngineUnavailable(f"{endpoint} cannot answer now ({status})", retry_after)
    if status in {408, 504}:
        return QueryError(f"{endpoint} ended the query at its time limit ({status}); ask for less")
    return EndpointError(endpoint, status, text)


def _of_problem(endpoint: str, status: int, problem: dict[str, Any], retry_after: int) -> CbdGraphError:
    detail = str(problem["detail"])
    match str(problem["type"]).removeprefix(f"{BASE}problem/"):
        case "syntax":
            line, column = int(problem.get("line", 0)), int(problem.get("column", 0))
            return QuerySyntaxError(detail.removeprefix(f"line {line}, column {column}: "), line, column)
        case "refused":
            feature = str(problem["feature"])
            return QueryRefused(feature, detail.removeprefix(f"{feature} is refused: "))
        case "timeout":
            return QueryTimeout(float(problem["value"]))
        case "too-large":
            return QueryTooLarge(str(problem["limit"]), int(problem["value"]))
        case "parameter":
            return ParameterError(str(problem["parameter"]), detail)
        case "too-many":
            return ClientBusy(int(problem["value"]), retry_after)
        case "unavailable":
            return EngineUnavailable(detail, retry_after)
        case "gone" | "not-found" if "/release/" in "".join(problem.get("suggestions", ())):
            known = tuple(str(path).removeprefix("/release/").strip("/") for path in problem["suggestions"])
            asked = re.search(r"\brelease (\S+)", detail)
            return UnknownRelease(asked[1] if asked else "", known, was_there=status == 410)
        case "not-acceptable":
            return QueryError("this query gives another form; select() is for SELECT, construct() for triples")
        case "query" | "body-too-large" | "uri-too-long" | "bad-request":
            return QueryError(f"{detail}; {problem.get('remedy', '')}".rstrip("; "))
    return EndpointError(endpoint, status, detail)
