"""A load generator: bytes of requests in, counts and latencies out; knows HTTP/1.1 only as far as measuring needs it.

One process, eight connections that are kept open, one request at a time on each; requests are bytes made beforehand.
An answer counts when it has status 200 and is whole by its Content-Length or its chunks. Everything else is a
failure: another status, a connection that ends early, an answer that has not come when the time is over.
"""

from __future__ import annotations

import gc
import math
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

HOST: Final = "127.0.0.1"
_MANY: Final = 1 << 18


def make_request(path: str, query: str, accept: str) -> bytes:
    """A query by GET, as the SPARQL protocol has it."""
    lines = (
        f"GET {path}?query={quote(query, safe='')} HTTP/1.1",
        f"Host: {HOST}",
        f"Accept: {accept}",
        "User-Agent: cbdgraph-bench",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


@dataclass(slots=True)
class Load:
    """What came of a run. `latencies` are seconds, by the place of the request in the list that was sent."""

    seconds: float = 0.0
    latencies: list[tuple[int, float]] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    bytes: int = 0

    @property
    def answers(self) -> int:
        return len(self.latencies)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def rate(self) -> float:
        """Whole answers for each second."""
        return self.answers / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """The latency in seconds that `share` of the answers do not exceed; NaN if there are none."""
        return quantile([seconds for _, seconds in self.latencies], share)

    def fail(self, reason: str) -> None:
        self.failures[reason] = self.failures.get(reason, 0) + 1


def quantile(values: Sequence[float], share: float) -> float:
    """The value at `share` of the sorted list, by nearest rank.

    >>> quantile([3.0, 1.0, 2.0], 0.5), quantile([1.0], 0.99)
    (2.0, 1.0)
    """
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Short(Exception):
    """The other side does not speak as expected."""


class Connection:
    """One socket and the answer that is being read from it."""

    __slots__ = ("_at", "_body", "_buffer", "_close", "_left", "_port", "_status", "index", "sent", "socket")

    def __init__(self, port: int) -> None:
        self._port = port
        self.socket: socket.socket | None = None
        self._buffer = bytearray()
        self.index, self.sent = -1, 0.0
        self._reset()

    def _reset(self) -> None:
        self._status, self._left, self._at, self._body = 0, -2, 0, 0
        self._close = False

    def send(self, index: int, request: bytes) -> socket.socket:
        """Send a request; opens a connection first where there is none."""
        self._reset()
        self._buffer.clear()
        self.index = index
        self.sent = time.perf_counter()
        if self.socket is None:
            self.socket = socket.create_connection((HOST, self._port), timeout=10)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        return self.socket

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def read(self) -> tuple[int, int] | None:
        """Status and bytes of the body when the answer is whole, None before; `Short` if it never will be."""
        assert self.socket is not None
        piece = self.socket.recv(_MANY)
        if not piece:
            if self._left == -1:  # neither length nor chunks: it ends with the connection
                self.close()
                return self._status, len(self._buffer) - self._at
            raise Short("connection ended early" if self._buffer else "connection closed")
        self._buffer += piece
        if self._left == -2 and not self._read_head():
            return None
        if self._left >= 0:
            if len(self._buffer) - self._at < self._left:
                return None
            return self._end(self._left)
        if self._left == -3 and self._read_chunks():
            return self._end(self._body)
        return None

    def _end(self, size: int) -> tuple[int, int]:
        if self._close:
            self.close()
        return self._status, size

    def _read_head(self) -> bool:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not buffer.startswith(b"HTTP/1."):
            raise Short("not HTTP")
        head = bytes(buffer[:end]).lower() + b"\r\n"
        self._status, self._at = int(head[9:12]), end + 4
        self._close = b"\r\nconnection: close" in head or head.startswith(b"http/1.0")
        place = head.find(b"\r\ncontent-length:")
        if b"\r\ntransfer-encoding: chunked" in head:
            self._left = -3
        elif place >= 0:
            self._left = int(head[place + 17 : head.index(b"\r\n", place + 17)])
        else:
            self._left = -1
        return True

    def _read_chunks(self) -> bool:
        """Go over the chunks that have come; true when the last one has."""
        buffer = self._buffer
        while True:
            line = buffer.find(b"\r\n", self._at)
            if line < 0:
                return False
            size = int(buffer[self._at : line].partition(b";")[0], 16)
            if len(buffer) < line + size + 4:
                return False
            if not size:
                return True  # none of these servers sends trailers
            self._body += size
            self._at = line + size + 4


def run_load(
    port: int,
    requests: Sequence[bytes],
    *,
    seconds: float,
    connections: int = 8,
    grace: float = 5.0,
    repeat: bool = False,
) -> Load:
    """Send `requests` in order, over and over with `repeat`; none after `seconds`, and wait `grace` for the rest."""
    load = Load()
    poll = select.epoll()
    busy: dict[int, Connection] = {}
    idle = [Connection(port) for _ in range(connections)]
    position, total = 0, len(requests)
    collecting = gc.isenabled()
    gc.disable()
    start = last = time.perf_counter()
    deadline = start + seconds

    def send(connection: Connection) -> None:
        """The next request, if there is one and time for it."""
        nonlocal position
        while time.perf_counter() < deadline and (repeat or position < total):
            fresh = connection.socket is None
            index = position % total
            position += 1
            try:
                opened = connection.send(index, requests[index])
            except OSError as error:
                connection.close()
                load.fail(type(error).__name__)
                continue
            if fresh:
                poll.register(opened.fileno(), select.EPOLLIN)
            busy[opened.fileno()] = connection
            return

    try:
        for connection in idle:
            send(connection)
        while busy:
            left = deadline + grace - time.perf_counter()
            events = poll.poll(max(left, 0))
            if left <= 0 and not events:
                break
            for descriptor, _ in events:
                connection = busy[descriptor]
                try:
                    answer = connection.read()
                except (Short, OSError, ValueError) as error:
                    connection.close()
                    load.fail(str(error) if isinstance(error, Short) else type(error).__name__)
                else:
                    if answer is None:
                        continue
                    last = time.perf_counter()
                    if answer[0] == 200:
                        load.latencies.append((connection.index, last - connection.sent))
                        load.bytes += answer[1]
                    else:
                        load.fail(f"status {answer[0]}")
                del busy[descriptor]
                send(connection)
        for _ in busy:
            load.fail(f"no answer in {seconds + grace:g} s")
            last = max(last, time.perf_counter())
    finally:
        for connection in {*idle, *busy.values()}:
            connection.close()
        poll.close()
        if collecting:
            gc.enable()
    load.seconds = last - start
    return load


def ask(port: int, request: bytes, seconds: float = 60.0) -> tuple[int, bytes, str]:
    """One request on a connection of its own: status, body, media type; `OSError` if nobody answers."""
    import http.client

    target = request.split(b" ", 2)[1].decode()
    accept = request.split(b"Accept: ", 1)[1].split(b"\r\n", 1)[0].decode()
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request("GET", target, headers={"Accept": accept})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("content-type", "")
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
