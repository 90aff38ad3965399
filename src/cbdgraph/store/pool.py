"""Workers for strangers' queries: a query in, an answer or an error out; runs none of it in this process.

Every query has a worker process to itself. One that is over its time, out of memory or no longer wanted is killed,
and another is forked in its place: the processor is free at once, whatever the engine was doing. Clients take turns:
none may hold all workers while there are several. There are more workers than processors: a query that takes long
gives way, so that the others need not wait for it, and of the others only as many run as there are processors, and
one of each client that has none.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cbdgraph.errors import (
    CbdGraphError,
    ClientBusy,
    EngineUnavailable,
    QueryError,
    QueryRefused,
    QueryTimeout,
    QueryTooLarge,
)
from cbdgraph.store import Answer, Limits
from cbdgraph.store.frames import format_question, parse_error
from cbdgraph.store.launch import Launched, launch
from cbdgraph.store.processes import Nursery, Worker

_LONG_SECONDS: Final = 1.0  # after which a query gives way to others
_AHEAD: Final = 2  # quick queries beyond one for each processor: while an answer is taken, another is worked out
_LOOK_SECONDS: Final = 0.025  # between looks at how long queries take: timers of their own would cost each as much


@dataclass(slots=True)
class _Client:
    """Who asks: the queries that run, and those that wait for a worker."""

    name: str
    running: int = 0
    waiting: deque[asyncio.Future[Worker]] = field(default_factory=deque)


class WorkerPool:
    """`workers` processes on one built store; `queue` queries may wait for one, `per_client` be under way for one.

    `in_memory` is whether they share the graph in memory, or read it from disk; their parent may be `launched`.
    """

    def __init__(
        self,
        store_path: Path,
        *,
        limits: Limits,
        workers: int,
        queue: int,
        memory_mb: int,
        in_memory: bool = True,
        per_client: int = 16,
        launched: Launched | None = None,
    ) -> None:
        self._launched = launched
        self._store_path, self._in_memory, self._memory_mb = store_path, in_memory, memory_mb
        self._limits, self._size, self._queue, self._per_client = limits, workers, queue, per_client
        self._per_client_running = min(max(workers - 1, 1), per_client)
        self._nursery: Nursery | None = None
        self._idle: list[Worker] = []
        self._busy: dict[int, Worker] = {}
        self._clients: dict[str, _Client] = {}
        self._turns: deque[_Client] = deque()  # clients that wait, the next one first
        self._started: dict[Worker, float] = {}  # when each query began
        self._watch: asyncio.Task[None] | None = None
        self._quick = 0  # queries that run and have not given way
        self._quick_at_once = (os.cpu_count() or 1) + _AHEAD
        self._forks: set[asyncio.Task[None]] = set()
        self._restart = asyncio.Lock()
        self._ending = asyncio.Event()
        self._retry_after = max(1, round(limits.seconds / 2))

    async def start(self) -> None:
        """Start the workers, which read the graph meanwhile; `EngineUnavailable` if that cannot even begin."""
        self._nursery = await self._start_nursery()
        for _ in range(self._size):
            self._fork()
        self._watch = asyncio.create_task(self._watch_time())

    async def ready(self) -> None:
        """Wait until every worker has read the graph; `EngineUnavailable` if it cannot be read."""
        assert self._nursery is not None
        await asyncio.shield(self._nursery.ready)
        while self._forks:
            await asyncio.wait(self._forks)

    @property
    def isolation(self) -> Mapping[str, str]:
        """How the workers are held, in words."""
        return self._nursery.isolation if self._nursery else {}

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The process ids of all workers, idle ones first."""
        return (*(worker.pid for worker in self._idle), *sorted(self._busy))

    async def run(
        self,
        query: str,
        media_type: str,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        client: str = "",
    ) -> Answer:
        """The answer of a worker; a cancelled call kills its worker."""
        default = None if default_graphs is None else tuple(default_graphs)
        named = None if named_graphs is None else tuple(named_graphs)
        header = format_question(media_type, default, named, self._limits)
        asker = self._clients.setdefault(client, _Client(client))
        worker = await self._take(asker)
        self._started[worker] = time.monotonic()
        try:
            reply, content = await worker.ask(header, query.encode())
        except ConnectionError as error:
            if worker.is_late:
                raise QueryTimeout(self._limits.seconds) from error
            raise await self._death(worker) from error
        except asyncio.CancelledError:
            worker.kill()
            raise
        finally:
            del self._started[worker]
            self._release(worker, asker)
        if "error" in reply:
            raise parse_error(reply)
        return Answer(content, media_type, reply["form"], reply["rows"])

    async def close(self) -> None:
        """End every worker, busy or idle; what is running gets an error."""
        self._ending.set()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        for client in self._turns:
            for waiter in client.waiting:
                if not waiter.done():
                    waiter.set_exception(EngineUnavailable("the service is ending", 5))
        if self._nursery is not None:
            await self._nursery.close()
        while self._busy or self._forks:
            if self._forks:
                await asyncio.wait(self._forks)
            await asyncio.sleep(0)
        await asyncio.gather(*(worker.end() for worker in self._idle))
        self._idle.clear()

    async def _start_nursery(self) -> Nursery:
        launched, self._launched = self._launched, None
        if launched is not None and not launched.fits(
            self._store_path, in_memory=self._in_memory, memory_mb=self._memory_mb
        ):
            launched.abandon()
            launched = None
        return await Nursery.start(
            launched or launch(self._store_path, in_memory=self._in_memory, memory_mb=self._memory_mb)
        )

    async def _living_nursery(self) -> Nursery:
        async with self._restart:
            assert self._nursery is not None
            if self._nursery.gone.is_set():
                await self._nursery.close()
                self._nursery = await self._start_nursery()
            return self._nursery

    async def _take(self, asker: _Client) -> Worker:
        """A worker for this client, when it is its turn."""
        if (worker := self._find_worker(asker)) is not None:
            return worker
        refusal = self._find_refusal(asker)
        if refusal is not None:
            self._forget(asker)
            raise refusal
        waiter: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        if not asker.waiting:
            self._turns.append(asker)
        asker.waiting.append(waiter)
        given: Worker | None = None
        try:
            async with asyncio.timeout(self._limits.seconds):
                given = await waiter
        except TimeoutError as error:
            raise EngineUnavailable("every worker was busy for too long", self._retry_after) from error
        finally:
            if waiter in asker.waiting:
                asker.waiting.remove(waiter)
                if not asker.waiting:
                    self._turns.remove(asker)
            # Handed over in the moment in which the call was cancelled: it must not be lost.
            if given is None and waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(waiter.result(), asker)
            elif given is None:
                self._forget(asker)
        return given

    def _find_refusal(self, asker: _Client) -> EngineUnavailable | None:
        """Why this client may not even wait."""
        if self._ending.is_set():
            return EngineUnavailable("the service is ending", 5)
        if asker.running + len(asker.waiting) >= self._per_client:
            return ClientBusy(self._per_client, self._retry_after)
        if sum(len(client.waiting) for client in self._turns) >= self._queue:
            return EngineUnavailable("every worker is busy, and enough queries wait already", self._retry_after)
        return None

    def _find_worker(self, asker: _Client) -> Worker | None:
        """An idle worker for this client, if it may have one now; it is busy then."""
        while self._may_run(asker):
            worker = self._idle.pop()
            if worker.is_usable:
                asker.running += 1
                self._quick += 1
                self._busy[worker.pid] = worker
                return worker
            self._replace(worker)  # it has died since
        return None

    def _may_run(self, asker: _Client) -> bool:
        return (
            bool(self._idle)
            and (self._quick < self._quick_at_once or not asker.running)
            and asker.running < self._per_client_running
            and not self._ending.is_set()
        )

    async def _watch_time(self) -> None:
        """Long queries give way: another may run beside them, and goes first. Those that are out of time end."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            for worker, started in self._started.items():
                if now - started >= self._limits.seconds and not worker.is_late:
                    worker.time_out()
                elif now - started >= _LONG_SECONDS and not worker.has_given_way:
                    worker.give_way()
                    self._quick -= 1
            self._hand_over()

    def _release(self, worker: Worker, asker: _Client) -> None:
        """The worker has done what it was asked, or will never do it."""
        del self._busy[worker.pid]
        asker.running -= 1
        if not worker.has_given_way:
            self._quick -= 1
        if worker.is_usable and not self._ending.is_set():
            self._idle.append(worker)
        else:
            self._replace(worker)
        self._forget(asker)
        self._hand_over()

    def _hand_over(self) -> None:
        """Idle workers to those whose turn it is, until there is nobody who may have one."""
        passed_over = 0
        while passed_over < len(self._turns):
            client = self._turns.popleft()
            while client.waiting and client.waiting[0].done():
                client.waiting.popleft()  # it has given up
            passed_over += 1
            if client.waiting and (worker := self._find_worker(client)) is not None:
                client.waiting.popleft().set_result(worker)
                passed_over = 0
            if client.waiting:
                self._turns.append(client)

    def _forget(self, client: _Client) -> None:
        """One that asks nothing now."""
        if not client.running and not client.waiting:
            self._clients.pop(client.name, None)

    def _replace(self, worker: Worker) -> None:
        worker.kill()
        self._fork(worker)

    def _fork(self, instead_of: Worker | None = None) -> None:
        task = asyncio.get_running_loop().create_task(self._give_birth(instead_of))
        self._forks.add(task)
        task.add_done_callback(self._forks.discard)

    async def _give_birth(self, instead_of: Worker | None) -> None:
        if instead_of is not None:
            await instead_of.end()
        delay = 0.1
        while not self._ending.is_set():
            try:
                fresh = await (await self._living_nursery()).fork()
            except (EngineUnavailable, OSError, TimeoutError):
                with suppress(TimeoutError):  # the machine is out of processes or memory: not for long, one hopes
                    await asyncio.wait_for(self._ending.wait(), delay)
                delay = min(delay * 2, 10.0)
            else:
                self._idle.append(fresh)
                self._hand_over()
                return

    async def _death(self, worker: Worker) -> CbdGraphError:
        """Why a worker died by itself, from its signal and last words."""
        code, message = await worker.end()
        if self._ending.is_set():
            return EngineUnavailable("the service is ending", 5)
        if "memory allocation" in message or "bad_alloc" in message or code == -signal.SIGKILL:
            return QueryTooLarge("memory", self._memory_mb)
        if "stack" in message or code in {-signal.SIGSEGV, -signal.SIGBUS}:
            return QueryRefused("nesting", "the query is nested too deeply for the engine")
        if code == -signal.SIGALRM:
            return QueryTimeout(self._limits.seconds)
        if code == -signal.SIGABRT:
            return QueryError("the engine gave up on this query")
        return EngineUnavailable("the worker of this query ended; another is started", 1)
