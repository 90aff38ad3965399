"""Worker processes and their parent, seen from the service: orders and queries in, answers out; decides nothing.

`Nursery` is the one process that reads the graph and forks; `Worker` one that it forked, with a socket of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Self, cast

from cbdgraph.errors import EngineUnavailable
from cbdgraph.store.frames import CONTROL, LENGTHS, Order, join_frame, parse_header
from cbdgraph.store.launch import Launched

_START_SECONDS: Final = 30.0
_LOAD_SECONDS: Final = 600.0
_END_SECONDS: Final = 0.5
_LONGEST_MESSAGE: Final = 64 * 1024


class Nursery:
    """The parent of the workers; `ready` is done when it has read the graph, `gone` when it has ended."""

    def __init__(self, launched: Launched) -> None:
        self._process, self._control = launched.process, launched.control
        loop = asyncio.get_running_loop()
        self.isolation: dict[str, str] = {}
        self._isolated: asyncio.Future[None] = loop.create_future()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.gone = asyncio.Event()
        self._forks: deque[asyncio.Future[int]] = deque()
        self._codes: dict[int, asyncio.Future[int]] = {}
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, launched: Launched) -> Self:
        """Hear how it is isolated; the graph is read meanwhile. `EngineUnavailable` if it dies."""
        nursery = cls(launched)
        nursery._listener = asyncio.create_task(nursery._listen())
        try:
            async with asyncio.timeout(_START_SECONDS):
                await nursery._isolated
        except (EngineUnavailable, TimeoutError) as error:
            raise EngineUnavailable(f"no worker can be started: {await nursery.close()}") from error
        except asyncio.CancelledError:
            await nursery.close()
            raise
        return nursery

    async def fork(self) -> Worker:
        """Another worker; `EngineUnavailable` if there is none to be had."""
        async with asyncio.timeout(_LOAD_SECONDS):
            await asyncio.shield(self.ready)
        ours, theirs = socket.socketpair()
        said, says = os.pipe()
        os.set_blocking(said, False)
        pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._forks.append(pid)
        try:
            socket.send_fds(self._control, [CONTROL.pack(Order.FORK, 0)], [theirs.fileno(), says])
        except OSError as error:
            self._forks.remove(pid)
            ours.close()
            os.close(said)
            raise EngineUnavailable("the parent of the workers has ended", 1) from error
        finally:
            theirs.close()
            os.close(says)
        ours.setblocking(False)
        channel = await _Channel.open(ours)
        try:
            worker = Worker(self, await asyncio.shield(pid), channel, said)
        except BaseException:
            await channel.close()
            os.close(said)
            raise
        try:
            header, _ = await channel.receive()
        except BaseException as error:
            worker.kill()
            message = (await worker.end())[1]
            if isinstance(error, ConnectionError):
                raise EngineUnavailable(f"no worker can be started: {message}") from error
            raise
        self.isolation = {**self.isolation, **header}
        return worker

    def order(self, kind: bytes, pid: int) -> None:
        """Tell it to kill a worker or to lower its priority; nothing happens if it has ended."""
        with suppress(OSError):
            self._control.send(CONTROL.pack(kind, pid))

    async def code_of(self, pid: int) -> int:
        """How a worker ended, as `subprocess` tells it: minus the signal, or the exit code."""
        if self.gone.is_set() and pid not in self._codes:
            return 0
        return await self._codes.setdefault(pid, asyncio.get_running_loop().create_future())

    def forget(self, pid: int) -> None:
        """The end of this worker interests nobody any more."""
        self._codes.pop(pid, None)

    async def close(self) -> str:
        """End it, and with it every worker; gives the last line of what it wrote as errors."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            _, message = await asyncio.to_thread(self._process.communicate, timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:  # it is reading the graph
            self._process.kill()
            _, message = await asyncio.to_thread(self._process.communicate)
        if self._listener is not None:
            await self._listener
        lines = message.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no answer"

    async def _listen(self) -> None:
        """What it says, until it ends."""
        # The socket of the reader is another than the one that sends descriptors, which asyncio cannot.
        reader, writer = await asyncio.open_connection(sock=self._control.dup())
        try:
            while line := await reader.readline():
                self._hear(json.loads(line))
        except (ConnectionError, ValueError):
            pass
        finally:
            self.gone.set()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._control.close()
            error = EngineUnavailable("the parent of the workers has ended", 1)
            waiting: tuple[asyncio.Future[Any], ...] = (self._isolated, self.ready, *self._forks)
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # perhaps nobody waits
            for code in self._codes.values():
                if not code.done():
                    code.set_result(0)

    def _hear(self, said: Mapping[str, Any]) -> None:
        match said:
            case {"isolation": dict(isolation)}:
                self.isolation = isolation
                self._isolated.set_result(None)
            case {"ready": True}:
                self.ready.set_result(None)
            case {"forked": int(pid)}:
                self._codes.setdefault(pid, asyncio.get_running_loop().create_future())
                fork = self._forks.popleft()
                if not fork.done():
                    fork.set_result(pid)
            case {"ended": int(pid), "code": int(code)}:
                ended = self._codes.setdefault(pid, asyncio.get_running_loop().create_future())
                if not ended.done():
                    ended.set_result(code)


class Worker:
    """One process; `has_given_way` once its query was a long one, `is_late` once that was out of time."""

    __slots__ = ("_channel", "_end", "_errors", "_is_dying", "_nursery", "has_given_way", "is_late", "pid")

    def __init__(self, nursery: Nursery, pid: int, channel: _Channel, errors: int) -> None:
        self._nursery, self.pid, self._channel, self._errors = nursery, pid, channel, errors
        self.has_given_way = self.is_late = self._is_dying = False
        self._end: asyncio.Task[tuple[int, str]] | None = None

    @property
    def is_usable(self) -> bool:
        """Whether another query may be given to it: it lives, and has its full priority."""
        return not (self.has_given_way or self._is_dying or self._channel.is_closed)

    async def ask(self, header: bytes, query: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer to a question; `ConnectionError` if the worker ends before."""
        self._channel.send(join_frame(header, query))
        return await self._channel.receive()

    def give_way(self) -> None:
        """Let the queries of others go first."""
        self.has_given_way = True
        self._nursery.order(Order.YIELD, self.pid)

    def time_out(self) -> None:
        """End it, since its time is over; who waits for an answer hears that the connection is lost."""
        self.is_late = True
        self.kill()
        self._channel.abort()

    def kill(self) -> None:
        """End it, whatever it does."""
        self._is_dying = True
        self._nursery.order(Order.KILL, self.pid)

    async def end(self) -> tuple[int, str]:
        """Wait for its end and let go of it; gives its exit code and what it wrote as errors."""
        if self._end is None:
            self._end = asyncio.create_task(self._wait_for_end())
        return await asyncio.shield(self._end)

    async def _wait_for_end(self) -> tuple[int, str]:
        await self._channel.close()
        code = await self._nursery.code_of(self.pid)
        self._nursery.forget(self.pid)
        try:
            message = os.read(self._errors, _LONGEST_MESSAGE).decode(errors="replace").strip()
        except OSError:
            message = ""
        os.close(self._errors)
        return code, message


class _Channel(asyncio.Protocol):
    """Frames over a socket, one question at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._size = 0  # of the frame that is coming, 0 before its lengths are known
        self._waiting: asyncio.Future[tuple[dict[str, Any], bytes]] | None = None
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, connection: socket.socket) -> Self:
        _, channel = await asyncio.get_running_loop().create_unix_connection(cls, sock=connection)
        return channel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    @property
    def is_closed(self) -> bool:
        return self._closed.done()

    def send(self, frame: bytes) -> None:
        if self.is_closed:
            raise ConnectionResetError
        assert self._transport is not None
        self._transport.write(frame)

    async def receive(self) -> tuple[dict[str, Any], bytes]:
        if self.is_closed:
            raise ConnectionResetError
        self._waiting = asyncio.get_running_loop().create_future()
        self._look()
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._look()

    def _look(self) -> None:
        if self._waiting is None or self._waiting.done():
            return
        if not self._size and len(self._buffer) >= LENGTHS.size:
            self._size = LENGTHS.size + sum(LENGTHS.unpack_from(self._buffer))
        if self._size and len(self._buffer) >= self._size:
            end_of_header = LENGTHS.size + LENGTHS.unpack_from(self._buffer)[0]
            header = parse_header(self._buffer[LENGTHS.size : end_of_header])
            body = bytes(memoryview(self._buffer)[end_of_header : self._size])
            del self._buffer[: self._size]
            self._size = 0
            self._waiting.set_result((header, body))

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set_result(None)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc if isinstance(exc, ConnectionError) else ConnectionResetError())

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            await self._closed
