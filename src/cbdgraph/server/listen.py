"""The HTTP server: an application and settings in, a uvicorn server out; knows no route.

What a stranger can do with a connection is held here: the head of a request has a size and a time, what is no HTTP
is answered as every error, a connection on which nothing goes on is closed, one that leaves its answer unread is not
waited for without end, and there are only so many connections.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from cbdgraph.server import pages, problems
from cbdgraph.server.kept import Found
from cbdgraph.settings import HEAD_BYTES, Settings

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

Finder = Callable[[Scope], Found | None]
HEAD_FIELDS: Final = 256  # header fields
_RETRY_SECONDS: Final = 5
_PATIENCE: Final = 4  # times `header_seconds` that a client may take nothing of its answer
_UNREAD: Final = 8  # answers of the largest size that may lie here unread, of all clients together


def make_config(app: ASGIApp, settings: Settings, find: Finder | None = None) -> uvicorn.Config:
    """How uvicorn serves this application; `find` gives a response to a request without asking the application."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=make_protocol(settings, None if settings.proxies else find),  # it does not see what a proxy says
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
        # What is loaded by now stays: to look for garbage in it again and again takes a tenth of the time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
            for line in pages.addresses(f"http://{host}:{port}"):
                sys.stderr.write(f"{line}\n")


class _Unread:
    """Connections whose answers wait to be read; the one of who holds most is given up when it is too much."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[asyncio.Transport, str] = {}  # whose they are; the oldest first

    def add(self, transport: asyncio.Transport, client: str) -> None:
        """The answer on this connection is not read as it is written."""
        self._held[transport] = client
        while len(self._held) > 1:
            sizes = {each: each.get_write_buffer_size() for each in self._held}
            if sum(sizes.values()) <= self._limit:
                return
            holders: Counter[str] = Counter()
            for each, size in sizes.items():
                holders[self._held[each]] += size
            (worst, _), *_ = holders.most_common(1)
            oldest = next(each for each, holder in self._held.items() if holder == worst)
            self.discard(oldest)
            oldest.abort()

    def discard(self, transport: asyncio.Transport) -> None:
        """It has been read, or is given up."""
        self._held.pop(transport, None)


class _Unfit(Exception):
    """Ends the reading of a request; the problem is kept by the protocol."""


def make_protocol(settings: Settings, find: Finder | None = None) -> type[HttpToolsProtocol]:
    """uvicorn's protocol with the limits of `settings`; see `make_config`."""
    unread = _Unread(_UNREAD * settings.max_bytes)

    class Protocol(HttpToolsProtocol):
        """One connection; the limits are on what has come of a head that is not whole."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(_Corked(transport, self.loop))  # type: ignore[arg-type]
            self._served_app = self.app
            self._head_size, self._is_in_head, self._fields = 0, False, 0
            self._problem = problems.Problem("bad-request", "what was sent is no request of HTTP/1.1")
            self._timer: asyncio.TimerHandle | None = None
            self._reader_timer: asyncio.TimerHandle | None = None
            self._unsent = 0
            self._start_timer()

        def data_received(self, data: bytes) -> None:
            was_in_head = self._is_in_head
            super().data_received(data)
            if self.transport.is_closing():
                return
            if self._is_in_head and was_in_head:
                self._head_size += len(data)
                if self._head_size > HEAD_BYTES:
                    self._refuse(_head_too_large())
                    return
            # Whatever comes while nothing is being answered is the beginning of a request, or should be.
            if self._timer is None and (self._is_in_head or not self._is_answering):
                self._start_timer()

        def on_message_begin(self) -> None:
            self._head_size, self._is_in_head, self._fields = 0, True, 0
            super().on_message_begin()

        def on_header(self, name: bytes, value: bytes) -> None:
            if not self._is_in_head:
                return  # behind a body: nobody reads these, and they may be without end
            self._fields += 1
            if self._fields > HEAD_FIELDS:
                self._problem = _head_too_large()
                raise _Unfit
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._is_in_head = False
            self._stop_timer()
            hosts = sum(name == b"host" for name, _ in self.headers)
            if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):  # RFC 9112 section 3.2
                self._problem = problems.Problem("bad-request", f"expected one Host header, and there are {hosts}")
                raise _Unfit
            self.app = _say_busy if len(self.connections) > settings.connections else self._served_app
            super().on_headers_complete()

        def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
            # A task, and headers one by one, take longer than all else of an answer that is there already. While more
            # requests wait behind this one it goes the usual way: each would be answered within the one before.
            found = None
            is_usual = cycle.keep_alive and not self.pipeline and not self.flow.write_paused
            is_usual = is_usual and not cast(_Corked, self.transport).is_full  # its answers may be large, and many
            if find is not None and is_usual and app is self._served_app:
                found = find(cast(Scope, cycle.scope))
            if found is None:
                super()._start_asgi_task(cycle, app)
                return
            lines = b"".join(b"%s: %s\r\n" % header for header in cycle.default_headers)
            self.transport.write(b"".join((STATUS_LINE[found.status], lines, found.lines, b"\r\n", found.body)))
            cycle.response_started = cycle.response_complete = True
            cycle.on_response()

        def send_400_response(self, _: str) -> None:
            if self._is_answering and self.cycle.response_started:
                self.transport.close()  # it would stand amid that answer
            else:
                self._refuse(self._problem)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unsent = self.transport.get_write_buffer_size()
            self._await_reader()
            unread.add(self.transport, self.client[0] if self.client else "")

        def resume_writing(self) -> None:
            super().resume_writing()
            self._forget_reader()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            self._forget_reader()
            super().connection_lost(exc)

        @property
        def _is_answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _start_timer(self) -> None:
            self._timer = self.loop.call_later(settings.header_seconds, self._be_late)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _be_late(self) -> None:
            if self._is_in_head:
                detail = f"the head was not whole after {settings.header_seconds:g} seconds"
                self._refuse(problems.Problem("request-timeout", detail))
            else:
                self.transport.close()  # nothing was asked

        def _await_reader(self) -> None:
            self._reader_timer = self.loop.call_later(_PATIENCE * settings.header_seconds, self._look_at_reader)

        def _look_at_reader(self) -> None:
            size = self.transport.get_write_buffer_size()
            if size >= self._unsent:
                self.transport.abort()
            else:
                self._unsent = size
                self._await_reader()

        def _forget_reader(self) -> None:
            unread.discard(self.transport)
            if self._reader_timer is not None:
                self._reader_timer.cancel()
                self._reader_timer = None

        def _refuse(self, problem: problems.Problem) -> None:
            self.transport.write(_whole_response(problem))
            self.transport.close()

    return Protocol


def _head_too_large() -> problems.Problem:
    detail = f"the head of a request may have {HEAD_BYTES} bytes and {HEAD_FIELDS} fields here"
    return problems.Problem("head-too-large", detail)


class _Corked:
    """A transport that sends at once what is written at once: the head and the body of a response together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether as much waits to be sent at once as may wait when the client does not read."""
        return self._size > HIGH_WATER_LIMIT

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)
        self._size += len(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces:
            if not self._transport.is_closing():  # else nobody is there any more
                self._transport.write(b"".join(self._pieces))
            self._pieces.clear()
            self._size = 0


def _whole_response(problem: problems.Problem) -> bytes:
    response = problems.respond(problem)
    lines = [f"HTTP/1.1 {response.status_code} {problems.PROBLEMS[problem.kind].title}".encode()]
    lines += [name + b": " + value for name, value in (*response.raw_headers, (b"connection", b"close"))]
    return b"\r\n".join((*lines, b"", bytes(response.body)))


async def _say_busy(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(_RETRY_SECONDS), "Connection": "close"}
    problem = problems.Problem("unavailable", "there are as many connections as there may be", {}, headers)
    await problems.respond(problem)(scope, receive, send)
