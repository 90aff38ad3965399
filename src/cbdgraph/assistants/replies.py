"""What a tool says: a reply of the service in, an answer with release and completeness or a reason out; cuts nothing.

An answer that would fill an assistant's memory is refused, with its size and with how to ask for less.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from mcp.server.mcpserver.exceptions import ToolError

from cbdgraph.assistants.asking import Reply
from cbdgraph.namespaces import BASE
from cbdgraph.store.tables import plain

MAX_ROWS: Final = 200
MAX_CHARACTERS: Final = 40_000
_SUGGESTED: Final = 5


def read_json(reply: Reply) -> dict[str, Any]:
    """The JSON of a good reply; `ToolError` with what the service says is wrong."""
    if reply.status != 200:
        raise fault(reply)
    document = json.loads(reply.content)
    if not isinstance(document, dict):
        raise ToolError("The service answered with something else than an object of JSON.")
    return document


def fault(reply: Reply) -> ToolError:
    """What the service says is wrong, what to do, and what may have been meant, in a line."""
    try:
        problem = json.loads(reply.content)
        detail = str(problem["detail"]).rstrip(".")
        words = [f"{problem['title']}: {detail}{'' if detail.endswith('?') else '.'}"]
        if remedy := problem.get("remedy"):
            words.append(str(remedy))
        if (near := problem.get("suggestions")) and "did you mean" not in detail:
            words.append(f"Suggestions: {', '.join(str(name) for name in near[:_SUGGESTED])}.")
        if wait := reply.headers.get("retry-after"):
            words.append(f"Try again in {wait} s.")
    except (ValueError, KeyError, TypeError):
        return ToolError(f"The service answered with status {reply.status}; is this a cbdgraph service?")
    return ToolError(" ".join(words))


def origin(reply: Reply) -> dict[str, Any]:
    """The release that an answer is from, and whether it is whole; `ToolError` if the service says that it is not."""
    said = reply.headers.get("cbdgraph-complete")
    if said == "false":
        raise ToolError("The service says that its answer is not complete. Ask for less.")
    return {"release": reply.headers.get("cbdgraph-release"), "complete": True if said == "true" else None}


def page(rows: Sequence[Any], offset: int, limit: int | None, narrow: str) -> dict[str, Any]:
    """The rows that were asked for, and how many there are; `ToolError` if they are too many and it is no page."""
    total = len(rows)
    if limit is None and offset == 0 and total > MAX_ROWS:
        raise ToolError(f"The answer has {total} rows, over the {MAX_ROWS} that fit here; nothing was cut. {narrow}")
    end = total if limit is None else offset + limit
    chosen = rows[offset:end]
    if len(chosen) > MAX_ROWS:
        raise ToolError(f"A page has {MAX_ROWS} rows at most. {narrow}")
    return {
        "total_rows": total,
        "rows": chosen,
        **({"offset": offset} if offset else {}),
        **({"next_offset": end} if end < total else {}),
    }


def fit(answer: dict[str, Any], narrow: str) -> dict[str, Any]:
    """The answer, if an assistant can hold it; else `ToolError`."""
    size = len(json.dumps(answer, ensure_ascii=False, indent=2))  # as it is written for the assistant
    if size > MAX_CHARACTERS:
        raise ToolError(
            f"The answer has {size} characters, over the {MAX_CHARACTERS} that fit here; nothing was cut. {narrow}"
        )
    return answer


def plain_row(row: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A solution of SPARQL JSON as plain values; the language of a text stands beside it, under its name and "@lang".

    >>> plain_row({"name": {"type": "literal", "value": "bosque", "xml:lang": "es"}})
    {'name': 'bosque', 'name@lang': 'es'}
    """
    values: dict[str, Any] = {}
    for name, term in row.items():
        values[name] = (
            f"_:{term['value']}" if term["type"] == "bnode" else plain(term["value"], term.get("datatype", ""))
        )
        if "xml:lang" in term:
            values[f"{name}@lang"] = term["xml:lang"]
    return values


def iri_of(location: str) -> str:
    """The IRI that an address of the service is about.

    >>> iri_of("/decision/cop/11/16/para/5/item/d"), iri_of("/describe?iri=http%3A%2F%2Fx%2Fy")
    ('https://w3id.org/cbdgraph/decision/cop/11/16/para/5/item/d', 'http://x/y')
    """
    parts = urlsplit(location)
    if parts.path == "/describe":
        return unquote(parts.query.removeprefix("iri="))
    return BASE + unquote(parts.path).lstrip("/") + (f"#{parts.fragment}" if parts.fragment else "")
