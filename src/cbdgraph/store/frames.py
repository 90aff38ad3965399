"""What the service, the parent of its workers and the workers say to each other; must not import an engine.

A frame between service and worker is two big-endian 32-bit lengths, a header as JSON, a body as it is (a query one
way, an answer the other). Errors travel as their class name and the values that make them. An order to the parent is
a letter and a process id; that to fork carries two descriptors, of the frames and of the standard error. The parent
answers in lines of JSON: `isolation` and `ready` once, `forked` for each such order in turn, `ended` with the `code`
of any worker that has ended.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from cbdgraph.errors import QueryError, QueryRefused, QuerySyntaxError, QueryTimeout, QueryTooLarge
from cbdgraph.store import Limits

Graphs = Sequence[str] | None

_encode: Final = json.JSONEncoder().encode
_decode: Final = json.JSONDecoder().decode
LENGTHS: Final = struct.Struct(">II")
CONTROL: Final = struct.Struct(">cI")
YIELDING: Final = 10  # the niceness of a worker whose query is a long one


class Order:
    """The letters of orders."""

    FORK: Final = b"f"
    KILL: Final = b"k"
    YIELD: Final = b"y"


def format_frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    return join_frame(_encode(header).encode(), body)


def join_frame(header: bytes, body: bytes) -> bytes:
    """A frame of a header that is JSON already."""
    return LENGTHS.pack(len(header), len(body)) + header + body


@lru_cache(maxsize=256)  # most questions have the same
def format_question(media_type: str, default_graphs: Graphs, named_graphs: Graphs, limits: Limits) -> bytes:
    """The header of a query."""
    return _encode(
        {
            "media_type": media_type,
            "default_graphs": default_graphs,
            "named_graphs": named_graphs,
            "limits": [limits.seconds, limits.rows, limits.bytes],
        }
    ).encode()


@lru_cache(maxsize=256)
def parse_question(header: bytes) -> tuple[str, Graphs, Graphs, Limits]:
    """What `format_question` wrote."""
    values = _decode(header.decode())
    return values["media_type"], values["default_graphs"], values["named_graphs"], Limits(*values["limits"])


def parse_header(text: bytes | bytearray) -> dict[str, Any]:
    """The header of a frame."""
    header: dict[str, Any] = _decode(text.decode())
    return header


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
