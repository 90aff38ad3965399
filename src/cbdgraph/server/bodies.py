"""What a request brings: its body, forms and query strings in, bytes, texts and pairs out; knows no route."""

from __future__ import annotations

import asyncio
from binascii import a2b_qp
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from cbdgraph.server.answers import settings_of
from cbdgraph.server.problems import Problem

FORM: Final = "application/x-www-form-urlencoded"

_PARAMETERS_AT_MOST: Final = 200
_DIGITS: Final = 18  # of a length that a machine can count to


def read_media_type(request: Request) -> tuple[str, str]:
    """The media type of the body in lower case, and its charset, `utf-8` where none is named."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return media_type.strip().lower(), value.strip().strip('"').lower().replace("utf8", "utf-8")
    return media_type.strip().lower(), "utf-8"


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; `Problem` if it has over `limit` bytes, or is not whole when a query would be ended."""
    settings = settings_of(request)
    body = b""
    too_large = Problem(
        "body-too-large", f"a request may have {limit} bytes here", {"limit": "bytes", "value": limit}
    )
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and (len(stated) > _DIGITS or int(stated) > limit):
        raise too_large
    try:
        async with asyncio.timeout(settings.query_seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        detail = f"the body was not whole after {settings.query_seconds:g} seconds"
        raise Problem("request-timeout", detail, headers={"Connection": "close"}) from None
    return body


def read_utf8(data: bytes, what: str) -> str:
    """A body as text; `Problem` that names `what` it is if that is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("bad-request", f"the {what} is not UTF-8") from error


def read_pairs(data: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string or form (URL Standard, section 5.1); `Problem` if they are not UTF-8."""
    pieces = data.split(b"&", _PARAMETERS_AT_MOST)
    if len(pieces) > _PARAMETERS_AT_MOST or not data.isascii():
        raise Problem("bad-request", "the parameters are not percent-encoded UTF-8, or too many")
    try:
        split = (piece.partition(b"=") for piece in pieces if piece)
        return [(_unquote(name), _unquote(value)) for name, _, value in split]
    except UnicodeDecodeError as error:
        raise Problem("bad-request", "the parameters are not percent-encoded UTF-8, or too many") from error


def _unquote(data: bytes) -> str:
    """A value without its percent-encoding; a sign that encodes nothing stays.

    The standard library takes them apart one by one. Quoted-printable, which it reads in C, is the same with another
    sign, and shorter by two for each that was decoded.
    """
    data = data.replace(b"+", b" ")
    if b"\n" in data or b"\r" in data:  # which it would take for its own
        return unquote_to_bytes(data).decode()
    found = a2b_qp(data.replace(b"=", b"=3D").replace(b"%", b"="))
    if len(found) != len(data) - 2 * data.count(b"%"):
        found = unquote_to_bytes(data)
    return found.decode()
