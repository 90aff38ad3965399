"""/parse: a text in, its citations out as JSON, a table or a page that marks them; reads, keeps and logs no text."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import ParameterError, QueryTimeout, QueryTooLarge
from cbdgraph.namespaces import LANGUAGES
from cbdgraph.server import pages
from cbdgraph.server.answers import (
    ClientGone,
    client_of,
    etag,
    live_of,
    not_modified,
    respond,
    served_of,
    settings_of,
    while_connected,
)
from cbdgraph.server.bodies import FORM, read_body, read_media_type, read_pairs, read_utf8
from cbdgraph.server.examples import EXAMPLES, LANGUAGE_NAMES
from cbdgraph.server.known import known_iris
from cbdgraph.server.marked import mark
from cbdgraph.server.negotiate import HTML, JSON, choose_either, short_names
from cbdgraph.server.problems import Problem
from cbdgraph.server.readers import Task
from cbdgraph.server.routes import Router, offer

router = Router()

OFFER: Final = (JSON, HTML, "text/csv", "text/tab-separated-values")
_TYPES: Final = ("text/plain", JSON, FORM)
_LARGER: Final = 3  # times its size that a text may take in a form or as JSON, where signs are escaped
_AROUND: Final = 1024  # bytes for what is in the body besides
_REMEDY: Final = "Send text/plain, application/json or application/x-www-form-urlencoded, in UTF-8."
_PIECES: Final = "Send the text in several pieces."

_INTEGER: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string"}
_CITATION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "one cited part; start and end are of the whole mention, part_start and part_end of its words",
    "properties": {
        **dict.fromkeys(("start", "end", "part_start", "part_end"), _INTEGER),
        **dict.fromkeys(("start_utf16", "end_utf16", "part_start_utf16", "part_end_utf16"), _INTEGER),
        **dict.fromkeys(("quote", "part_quote", "locator", "normal", "reason"), _TEXT),
        **{name: {"type": ["string", "null"]} for name in ("decision", "iri", "path")},
        "known": {
            "type": ["boolean", "null"],
            "description": "whether the graph describes it; null if nobody can say",
        },
        "certainty": {"enum": ["certain", "probable", "ambiguous", "unresolved"]},
        "alternatives": {"type": "array", "items": {"type": "string", "format": "iri"}},
    },
}
_DOCUMENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["language", "guessed", "citations", "counts", "complete", "release"],
    "properties": {
        "language": {"enum": list(LANGUAGES)},
        "guessed": {"type": "boolean", "description": "whether the language was guessed from the text"},
        "citations": {"type": "array", "items": _CITATION},
        "counts": {"type": "object", "additionalProperties": _INTEGER},
        "complete": {"const": True},
        "release": _TEXT,
    },
}
_LANG: Final = {"type": "string", "enum": list(LANGUAGES)}
_FORMAT: Final[dict[str, Any]] = {
    "name": "format",
    "in": "query",
    "schema": {"type": "string", "enum": short_names(OFFER)},
    "description": "the format; wins over Accept",
}
_EXAMPLE: Final = "第XI/16号决定第5段(d)"
_FIELDS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": _TEXT, "lang": _LANG},
}


@dataclass(frozen=True, slots=True)
class _Call:
    """A text to be read; `lang` and `format` are None where nothing is said."""

    text: str
    lang: str | None
    format: str | None


@router.get(
    "/parse",
    summary="How to have a text read for citations",
    responses=offer((JSON, HTML)),
    openapi_extra={
        "parameters": [
            {"name": "example", "in": "query", "schema": _LANG, "description": "a language: its example in the form"},
            {**_FORMAT, "schema": {"type": "string", "enum": ["json", "html"]}},
        ]
    },
)
async def get_parse(request: Request) -> Response:
    """A form for browsers; for programs what may be sent, with examples. The text itself is never in an address."""
    served, settings = served_of(request), settings_of(request)
    html, example = pages.wants_html(request), request.query_params.get("example")
    if example is not None and example not in EXAMPLES:
        raise ParameterError("example", f"expected one of {', '.join(EXAMPLES)}, not {example!r}")
    tag = etag(served, "parse", html, example)
    if known := not_modified(request, tag):
        return known
    if html:
        return pages.respond(_render(EXAMPLES.get(example or "", ""), example, None), tag)
    about = {
        "post": {"path": "/parse", "bodies": list(_TYPES), "formats": short_names(OFFER)},
        "languages": list(LANGUAGES),
        "offsets": "characters (Unicode code points); those that end in _utf16 count UTF-16 code units",
        "limits": {"text_bytes": settings.max_text_bytes, "seconds": settings.query_seconds},
        "examples": dict(EXAMPLES),
    }
    return pages.respond_json(about, tag)


@router.post(
    "/parse",
    summary="All citations of a text",
    responses={
        200: {
            "description": "every citation, none left out. Offsets count characters, that is Unicode code points, "
            "from 0; those that end in _utf16 count UTF-16 code units, as JavaScript does",
            "content": {**{name: {} for name in OFFER}, JSON: {"schema": _DOCUMENT}},
        },
        **{
            status: {"description": meaning, "content": {"application/problem+json": {}, HTML: {}}}
            for status, meaning in {
                400: "no text, or not UTF-8",
                406: "none of the accepted formats is offered",
                413: "the text or the answer is over a limit; nothing is ever cut",
                415: "a body of another type",
                429: "this address has too many texts under way",
                503: "enough texts wait already",
                504: "the text took too long and was given up",
            }.items()
        },
    },
    openapi_extra={
        "parameters": [
            {
                "name": "lang",
                "in": "query",
                "schema": _LANG,
                "description": "language of the text; guessed if absent, and the answer says so",
            },
            _FORMAT,
        ],
        "requestBody": {
            "required": True,
            "content": {
                "text/plain": {"schema": _TEXT, "example": _EXAMPLE},
                JSON: {"schema": _FIELDS, "example": {"text": _EXAMPLE, "lang": "zh"}},
                FORM: {"schema": {**_FIELDS, "properties": {**_FIELDS["properties"], "format": _FORMAT["schema"]}}},
            },
        },
    },
)
async def post_parse(request: Request) -> Response:
    """The text is read in a process of its own, at most as long as a query may run, and forgotten."""
    readers, client = live_of(request).readers, client_of(request)
    with readers.admit(client):
        call = await _read_call(request)
        shown = choose_either(call.format, request.headers.get("accept", ""), OFFER)
        served = served_of(request)
        task = Task(call.text, call.lang, "page" if shown == HTML else shown, served.release)
        try:
            content = await while_connected(request, readers.read(task, await known_iris(served), client))
        except ClientGone:
            return Response(status_code=499)
        except QueryTimeout as error:
            detail = f"the text was given up after {error.seconds:g} seconds, the time limit"
            extra = {"limit": "seconds", "value": error.seconds, "remedy": _PIECES}
            raise Problem("timeout", detail, extra) from None
        except QueryTooLarge as error:
            name = {"rows": "citations", "memory": "MiB of memory"}.get(error.limit, error.limit)
            detail = f"the answer takes more than the limit of {error.value} {name}; nothing was cut"
            extra = {"limit": error.limit, "value": error.value, "complete": False, "remedy": _PIECES}
            raise Problem("too-large", detail, extra) from None
    headers = {"Cbdgraph-Complete": "true"}
    if shown == HTML:
        page = await asyncio.to_thread(_render, call.text, call.lang, json.loads(content))
        return pages.respond(page, "", headers)
    return respond(content, shown, "", headers)


async def _read_call(request: Request) -> _Call:
    """The text with what was said of it; `Problem` where it is missing, too long or no text."""
    limit = settings_of(request).max_text_bytes
    media_type, charset = read_media_type(request)
    if media_type not in _TYPES or charset != "utf-8":
        stated = request.headers.get("content-type", "")[:100]
        raise Problem("media-type", f"a body of type {stated!r} is not understood here", {"remedy": _REMEDY})
    room = limit if media_type == "text/plain" else _LARGER * limit + _AROUND
    body = await read_body(request, room)
    said = read_pairs(request.scope["query_string"])
    if media_type == FORM:
        said += read_pairs(body)
    elif media_type == JSON:
        said += _read_json(body)
    else:
        said.append(("text", read_utf8(body, "text")))
    values: dict[str, str] = {}
    for name, value in said:
        if name in {"text", "lang", "format"} and value != values.get(name, value):
            raise Problem("bad-request", f"{name} is given more than once, and not the same")
        values[name] = value
    if "text" not in values:
        raise Problem("bad-request", "there is no text", {"remedy": _REMEDY})
    try:
        size = len(values["text"].encode())
    except UnicodeEncodeError:
        raise Problem("bad-request", "the text has halves of signs in it (surrogates without their pair)") from None
    if size > limit:
        detail = f"a text may have {limit} bytes of UTF-8 here, and this one has {size}"
        extra = {"limit": "bytes", "value": limit, "remedy": _PIECES}
        raise Problem("body-too-large", detail, extra)
    lang = values.get("lang") or None
    if lang is not None and lang not in LANGUAGES:
        raise ParameterError("lang", f"expected one of {', '.join(LANGUAGES)}, not {lang[:40]!r}")
    return _Call(values["text"], lang, values.get("format"))


def _read_json(body: bytes) -> list[tuple[str, str]]:
    try:
        document = json.loads(read_utf8(body, "JSON"))
    except (ValueError, RecursionError):
        raise Problem("bad-request", "the body is no JSON that can be read", {"remedy": _REMEDY}) from None
    fields = document if isinstance(document, dict) else {}
    if not fields or fields.keys() - {"text", "lang"} or not all(isinstance(value, str) for value in fields.values()):
        raise Problem("bad-request", 'expected {"text": "…"} or {"text": "…", "lang": "…"}')
    return list(fields.items())


def _render(text: str, lang: str | None, found: dict[str, Any] | None) -> str:
    return pages.render(
        "parse.html",
        text=text,
        lang=lang or "",
        names=LANGUAGE_NAMES,
        found=found,
        pieces=[] if found is None else mark(text, found["citations"]),
    )
