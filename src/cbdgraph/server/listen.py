"""The HTTP server: an application and settings in, a uvicorn server out; knows no route.

What a stranger can do before a request is whole is held here: the head of a request has a size and a time, and there
are only so many connections.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cbdgraph.server import pages, problems
from cbdgraph.settings import Settings

HEAD_BYTES: Final = 64 * 1024  # of a request line with all headers; the address alone has a limit of its own
_RETRY_SECONDS: Final = 5


def make_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves this application."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=make_protocol(settings),
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=max(1, round(settings.header_seconds)),
        timeout_graceful_shutdown=3,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies or None,
    )


class Server(uvicorn.Server):
    """uvicorn that says where it listens, in the words of this service."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
            for line in pages.addresses(f"http://{host}:{port}"):
                sys.stderr.write(f"{line}\n")


def make_protocol(settings: Settings) -> type[HttpToolsProtocol]:
    """uvicorn's protocol with the limits of `settings`."""

    class Protocol(HttpToolsProtocol):
        """One connection; the limits are on what has come of a head that is not whole."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(_Corked(transport, self.loop))  # type: ignore[arg-type]
            self._served_app = self.app
            self._head_size, self._is_in_head = 0, False
            self._timer: asyncio.TimerHandle | None = None
            self._start_timer()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._is_in_head and not self.transport.is_closing():
                self._head_size += len(data)
                if self._head_size > HEAD_BYTES:
                    self._refuse("head-too-large", f"the head of a request may have {HEAD_BYTES} bytes here")
                elif self._timer is None:
                    self._start_timer()

        def on_message_begin(self) -> None:
            self._head_size, self._is_in_head = 0, True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._is_in_head = False
            self._stop_timer()
            self.app = _say_busy if len(self.connections) > settings.connections else self._served_app
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def _start_timer(self) -> None:
            self._timer = self.loop.call_later(settings.header_seconds, self._be_late)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _be_late(self) -> None:
            if self._is_in_head:
                self._refuse("request-timeout", f"the head was not whole after {settings.header_seconds:g} seconds")
            else:
                self.transport.close()  # nothing was asked

        def _refuse(self, kind: str, detail: str) -> None:
            self.transport.write(_whole_response(problems.Problem(kind, detail)))
            self.transport.close()

    return Protocol


class _Corked:
    """A transport that sends at once what is written at once: the head and the body of a response together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces:
            self._transport.write(b"".join(self._pieces))
            self._pieces.clear()


def _whole_response(problem: problems.Problem) -> bytes:
    response = problems.respond(problem)
    lines = [f"HTTP/1.1 {response.status_code} {problems.PROBLEMS[problem.kind].title}".encode()]
    lines += [name + b": " + value for name, value in (*response.raw_headers, (b"connection", b"close"))]
    return b"\r\n".join((*lines, b"", bytes(response.body)))


async def _say_busy(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(_RETRY_SECONDS), "Connection": "close"}
    problem = problems.Problem("unavailable", "there are as many connections as there may be", {}, headers)
    await problems.respond(problem)(scope, receive, send)
