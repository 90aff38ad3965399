"""Frames between the service and its workers: a JSON header and a body of bytes; must not import an engine.

A frame is two big-endian 32-bit lengths, the header as JSON, the body as it is (a query one way, an answer the
other). Errors travel as their class name and the values that make them.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

from cbdgraph.errors import QueryError, QueryRefused, QuerySyntaxError, QueryTimeout, QueryTooLarge

LENGTHS: Final = struct.Struct(">II")


def format_frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    text = json.dumps(header).encode()
    return LENGTHS.pack(len(text), len(body)) + text + body


def format_error(error: QueryError) -> dict[str, Any]:
    """The header that `parse_error` turns into the same error."""
    match error:
        case QuerySyntaxError():
            return {"error": "syntax", "values": [error.reason, error.line, error.column]}
        case QueryRefused():
            return {"error": "refused", "values": [error.feature, error.reason]}
        case QueryTimeout():
            return {"error": "timeout", "values": [error.seconds]}
        case QueryTooLarge():
            return {"error": "large", "values": [error.limit, error.value]}
        case _:
            return {"error": "query", "values": [str(error)]}


def parse_error(header: dict[str, Any]) -> QueryError:
    """The error of a header that `format_error` made.

    >>> parse_error(format_error(QueryTooLarge("rows", 3))).limit
    'rows'
    """
    classes: dict[str, type[QueryError]] = {
        "syntax": QuerySyntaxError,
        "refused": QueryRefused,
        "timeout": QueryTimeout,
        "large": QueryTooLarge,
        "query": QueryError,
    }
    return classes[header["error"]](*header["values"])
