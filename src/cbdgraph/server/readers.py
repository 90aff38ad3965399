"""Who reads strangers' texts: a text in, what it cites as bytes out; reads none in this process and keeps none.

To find citations is Python that never pauses, so each text has a process to itself while it is read. They start when
the first text comes; one that is over its time or no longer wanted is killed, and another started in its place.
Clients take turns, and none has all processes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from cbdgraph.errors import EngineUnavailable, InvalidName, QueryTimeout
from cbdgraph.server.problems import Problem
from cbdgraph.settings import Settings
from cbdgraph.store.frames import LENGTHS, format_frame, parse_error, parse_header

_PROCESSES: Final = 2
_START_SECONDS: Final = 30.0
_BUFFER: Final = 1024 * 1024
_LOG: Final = logging.getLogger("cbdgraph.server")


@dataclass(frozen=True, slots=True)
class Task:
    """A text, its language (None: to be guessed), and what is wanted of it; see `reading`."""

    text: str
    lang: str | None
    shown: str
    release: str = ""
    names: str = "en"


class Readers:
    """Processes of a service for one kind of task; `close` ends them."""

    def __init__(self, settings: Settings) -> None:
        self._seconds, self._rows, self._bytes = settings.query_seconds, settings.max_rows, settings.max_bytes
        self._queue, self._per_client = settings.queue, settings.per_client
        self._all = [_Reader(settings.worker_memory_mb) for _ in range(_PROCESSES)]
        self._idle = list(self._all)
        self._under_way: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[_Reader]]] = {}  # clients that wait, the next one first
        self._renewals: set[asyncio.Task[None]] = set()
        self._is_ending = False
        self._retry_after = max(1, round(self._seconds / 2))

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The ids of the processes that run."""
        return tuple(reader.pid for reader in self._all if reader.pid)

    @contextmanager
    def admit(self, client: str) -> Iterator[None]:
        """Counts what a client has under way; `Problem` (429) if it is as much as one may have."""
        if self._under_way[client] >= self._per_client:
            raise Problem(
                "too-many",
                f"this address has {self._per_client} texts under way, as many as one may have",
                {"limit": "texts", "value": self._per_client},
                {"Retry-After": str(self._retry_after)},
            )
        self._under_way[client] += 1
        try:
            yield
        finally:
            _count_down(self._under_way, client)

    async def read(self, task: Task, known: Container[str] | None, client: str) -> bytes:
        """The answer to a task; `known` holds what the graph describes, None if nobody can say.

        A cancelled call ends the process. `InvalidName` for what is no citation, `QueryTimeout`, `QueryTooLarge`,
        `EngineUnavailable`.
        """
        limits = {"seconds": self._seconds, "rows": self._rows, "bytes": self._bytes}
        about = {"lang": task.lang, "shown": task.shown, "release": task.release, "names": task.names}
        question = format_frame({**about, **limits}, task.text.encode())
        reader = await self._take(client)
        try:
            await reader.start()
            async with asyncio.timeout(self._seconds):
                header, content = await reader.ask(question)
                if "asks" in header:
                    told = b"" if known is None else bytes(iri in known for iri in json.loads(content))
                    header, content = await reader.ask(format_frame({"tells": known is not None}, told))
            reader.is_amid = False
        except TimeoutError as error:
            raise QueryTimeout(self._seconds) from error
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            if self._is_ending:
                raise EngineUnavailable("the service is ending", 5) from error
            _LOG.warning("a process that read a text ended by itself; another is started")
            raise EngineUnavailable("the process that read this text ended; another is started", 1) from error
        finally:
            self._release(reader, client)
        if "invalid" in header:
            raise InvalidName("citation", task.text, header["invalid"])
        return content

    async def close(self) -> None:
        """End every process; what is being read gets an error."""
        self._is_ending = True
        for waiting in self._waiting.values():
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_exception(EngineUnavailable("the service is ending", 5))
        for reader in self._all:
            reader.kill()
        await asyncio.gather(*self._renewals, return_exceptions=True)
        await asyncio.gather(*(reader.end() for reader in self._all))

    async def _take(self, client: str) -> _Reader:
        """A process for this client, when it is its turn."""
        if self._is_ending:
            raise EngineUnavailable("the service is ending", 5)
        if (reader := self._find_idle(client)) is not None:
            return reader
        if sum(map(len, self._waiting.values())) >= self._queue:
            raise EngineUnavailable("enough texts wait already to be read", self._retry_after)
        waiter: asyncio.Future[_Reader] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(waiter)
        given: _Reader | None = None
        try:
            async with asyncio.timeout(self._seconds):
                given = await waiter
        except TimeoutError as error:
            raise EngineUnavailable("texts of others took too long to be read", self._retry_after) from error
        finally:
            with suppress(KeyError, ValueError):
                self._waiting[client].remove(waiter)
                if not self._waiting[client]:
                    del self._waiting[client]
            # Handed over in the moment in which the call was cancelled: it must not be lost.
            if given is None and waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(waiter.result(), client)
        return given

    def _find_idle(self, client: str) -> _Reader | None:
        """A process that does nothing, if this client may have one now; it is the client's then."""
        if not self._idle or self._running[client] >= _PROCESSES - 1 or self._is_ending:
            return None
        self._running[client] += 1
        return self._idle.pop()

    def _release(self, reader: _Reader, client: str) -> None:
        _count_down(self._running, client)
        if reader.is_amid and not self._is_ending:
            task = asyncio.get_running_loop().create_task(self._renew(reader))
            self._renewals.add(task)
            task.add_done_callback(self._renewals.discard)
        else:
            self._give_back(reader)

    async def _renew(self, reader: _Reader) -> None:
        """Kill what nobody waits for any more; the next text shall not wait for a start."""
        await reader.end()
        if not self._is_ending:
            with suppress(EngineUnavailable):  # who comes next tries again
                await reader.start()
        self._give_back(reader)

    def _give_back(self, reader: _Reader) -> None:
        self._idle.append(reader)
        for client in list(self._waiting):
            waiting = self._waiting[client]
            while waiting and waiting[0].done():  # it has given up
                waiting.popleft()
            if waiting and (found := self._find_idle(client)) is not None:
                waiting.popleft().set_result(found)
                del self._waiting[client]
                if waiting:
                    self._waiting[client] = waiting  # behind all others


class _Reader:
    """One process, or the place of one; `is_amid` while it has been asked and not answered."""

    def __init__(self, memory_mb: int) -> None:
        self._memory_mb = memory_mb
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.is_amid = False

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start it if it does not run; `EngineUnavailable` if that cannot be."""
        if self._process is not None and self._process.poll() is None:
            return
        await self.end()
        self.is_amid = True
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "cbdgraph.server.reading", str(self._memory_mb)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # what goes wrong amid a text may quote it
                    start_new_session=True,  # Ctrl-C is for the server, which ends its processes itself
                )
            except OSError as error:
                ours.close()
                raise EngineUnavailable("no process can be started to read texts", 5) from error
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=_BUFFER)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._receive()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError) as error:
            raise EngineUnavailable("no process can be started to read texts", 5) from error
        self.is_amid = False

    async def ask(self, frame: bytes) -> tuple[dict[str, Any], bytes]:
        """What it answers; `ConnectionError` or `IncompleteReadError` if it ends before."""
        assert self._writer is not None
        self.is_amid = True
        self._writer.write(frame)
        await self._writer.drain()
        header, content = await self._receive()
        if "error" in header:
            self.is_amid = False
            raise parse_error(header)
        return header, content

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()

    async def end(self) -> None:
        """Kill it and wait for its end."""
        self.kill()
        process, writer = self._process, self._writer
        self._process = self._reader = self._writer = None
        self.is_amid = False
        if process is not None:
            await asyncio.to_thread(process.wait)
        if writer is not None:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _receive(self) -> tuple[dict[str, Any], bytes]:
        assert self._reader is not None
        header_size, body_size = LENGTHS.unpack(await self._reader.readexactly(LENGTHS.size))
        header = parse_header(await self._reader.readexactly(header_size))
        return header, await self._reader.readexactly(body_size)


def _count_down(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
