"""Requests to the service: a path and parameters in, the whole reply out; the service is here or at an address.

Without an address it is the application itself, in this process and without a port: strangers' queries run in its
workers, as they do behind a port. With one, nothing but that service is ever asked: a redirect elsewhere is an error.
"""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp

from cbdgraph.errors import EngineUnavailable, SettingsError
from cbdgraph.settings import Settings

_SECONDS: Final = 60.0  # longer than a service takes for its slowest query
_LARGEST: Final = 64 * 1024 * 1024  # bytes of a reply
_PIECE: Final = 64 * 1024
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service, whatever its status; names of headers in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def media_type(self) -> str:
        """The media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()


class Service(Protocol):
    """Whoever answers."""

    async def ask(self, path: str, values: Mapping[str, str], accept: str, *, post: bool = False) -> Reply:
        """The reply to a GET, or with `post` to a POST of a form; redirects are not followed."""


@asynccontextmanager
async def open_here(settings: Settings) -> AsyncIterator[Service]:
    """The service of what is built, open as long as the context; `EngineUnavailable` if nothing is."""
    from cbdgraph.server.app import create_app  # loads slowly, and a service at an address needs none of it

    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield _Here(app)


def open_address(url: str) -> Service:
    """The service at an address such as http://127.0.0.1:8000; nothing is asked yet."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError("url", url, "expected the address of a service, such as http://127.0.0.1:8000")
    return _There(url.rstrip("/").removesuffix("/sparql"))


@dataclass(frozen=True, slots=True)
class _Here:
    app: ASGIApp

    async def ask(self, path: str, values: Mapping[str, str], accept: str, *, post: bool = False) -> Reply:
        body = urlencode(values).encode() if post else b""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST" if post else "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"" if post else urlencode(values).encode(),
            "headers": [(b"host", b"localhost"), (b"accept", accept.encode()), *([_TYPE] if post else [])],
            "server": ("localhost", 80),
            "client": ("localhost", 0),
        }
        started: dict[str, Any] = {}
        pieces: list[bytes] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> MutableMapping[str, Any]:
            if not waiting:
                await asyncio.Event().wait()  # the client stays until it has its answer
            return waiting.pop()

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                pieces.append(bytes(message.get("body", b"")))

        await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in started["headers"]}
        return Reply(started["status"], headers, b"".join(pieces))


_TYPE: Final = (b"content-type", _FORM.encode())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class _There:
    url: str

    async def ask(self, path: str, values: Mapping[str, str], accept: str, *, post: bool = False) -> Reply:
        return await asyncio.to_thread(self._ask, path, values, accept, post)

    def _ask(self, path: str, values: Mapping[str, str], accept: str, post: bool) -> Reply:
        pairs = urlencode(values)
        address = f"{self.url}{path}{'' if post or not pairs else f'?{pairs}'}"
        headers = {"Accept": accept, "User-Agent": f"cbdgraph-mcp/{version('cbdgraph')}"}
        if post:
            headers["Content-Type"] = _FORM
        request = urllib.request.Request(address, pairs.encode() if post else None, headers)
        try:
            try:
                response = urllib.request.build_opener(_Stay).open(request, timeout=_SECONDS)
            except urllib.error.HTTPError as error:
                response = error  # an answer all the same
            with response:
                content = response.read(_LARGEST + 1)
                told = response.headers.get("Content-Length", "")
                if len(content) > _LARGEST or (told.isdecimal() and len(content) != int(told)):
                    raise EngineUnavailable(f"the answer of {self.url} broke off, or is over {_LARGEST} bytes")
                named = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status or 0, named, content)
        except urllib.error.URLError as error:
            raise EngineUnavailable(f"{self.url} cannot be reached: {error.reason}") from error
        except (http.client.HTTPException, OSError) as error:
            raise EngineUnavailable(f"{self.url} gave no whole answer: {type(error).__name__}") from error
