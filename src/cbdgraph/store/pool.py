"""Workers for strangers' queries: a query in, an answer or an error out; runs none of it in this process.

Every query has a worker process to itself. One that is over its time, out of memory or no longer wanted is killed,
and another is started in its place: the processor is free at once, whatever the engine was doing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from cbdgraph.errors import CbdGraphError, EngineUnavailable, QueryError, QueryRefused, QueryTimeout, QueryTooLarge
from cbdgraph.store import Answer, Limits
from cbdgraph.store.frames import LENGTHS, format_frame, parse_error

_START_SECONDS: Final = 30.0


@dataclass(slots=True)
class _Worker:
    """One process and what it said about its isolation."""

    process: asyncio.subprocess.Process
    isolation: Mapping[str, str]

    @classmethod
    async def spawn(cls, store_path: Path, memory_mb: int) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "cbdgraph.store.worker",
            str(store_path),
            str(memory_mb),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # One heap per thread would take 64 MiB of address space each.
            env={**os.environ, "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C is for the server, which ends its workers itself
        )
        worker = cls(process, {})
        try:
            async with asyncio.timeout(_START_SECONDS):
                header, _ = await worker._read()
        except (asyncio.IncompleteReadError, TimeoutError) as error:
            worker.kill()
            message = await worker.end()
            reason = message.splitlines()[-1] if message else "no answer"
            raise EngineUnavailable(f"no worker can be started: {reason}") from error
        except asyncio.CancelledError:
            worker.kill()
            await worker.end()
            raise
        worker.isolation = header["isolation"]
        return worker

    async def ask(self, header: dict[str, Any], query: bytes) -> tuple[dict[str, Any], bytes]:
        assert self.process.stdin is not None
        self.process.stdin.write(format_frame(header, query))
        await self.process.stdin.drain()
        return await self._read()

    async def _read(self) -> tuple[dict[str, Any], bytes]:
        assert self.process.stdout is not None
        header_size, body_size = LENGTHS.unpack(await self.process.stdout.readexactly(LENGTHS.size))
        header: dict[str, Any] = json.loads(await self.process.stdout.readexactly(header_size))
        return header, await self.process.stdout.readexactly(body_size)

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()

    async def end(self) -> str:
        """Wait for the end and let go of the pipes; gives what it wrote as errors."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        messages, _ = await asyncio.gather(self.process.stderr.read(), self.process.stdout.read())
        await self.process.wait()
        return messages.decode(errors="replace").strip()


class WorkerPool:
    """`workers` processes on one store directory; at most `queue` queries wait for one."""

    def __init__(self, store_path: Path, *, limits: Limits, workers: int, queue: int, memory_mb: int) -> None:
        self._store_path, self._limits, self._memory_mb = store_path, limits, memory_mb
        self._size, self._queue = workers, queue
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}
        self._waiters: deque[asyncio.Future[_Worker]] = deque()
        self._respawns: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self.isolation: Mapping[str, str] = {}

    async def start(self) -> None:
        """Start the workers; `EngineUnavailable` if they cannot open the store."""
        started = await asyncio.gather(
            *(_Worker.spawn(self._store_path, self._memory_mb) for _ in range(self._size)), return_exceptions=True
        )
        workers = [worker for worker in started if isinstance(worker, _Worker)]
        failures = [error for error in started if isinstance(error, BaseException)]
        if failures:
            await asyncio.gather(*(self._end(worker) for worker in workers))
            raise failures[0]
        self.isolation = workers[0].isolation
        self._idle.extend(workers)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The process ids of all workers, idle ones first."""
        return (*(worker.process.pid for worker in self._idle), *sorted(self._busy))

    async def run(
        self,
        query: str,
        media_type: str,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
    ) -> Answer:
        """The answer of a worker; a cancelled call kills its worker."""
        header = {
            "media_type": media_type,
            "default_graphs": default_graphs,
            "named_graphs": named_graphs,
            "seconds": self._limits.seconds,
            "rows": self._limits.rows,
            "bytes": self._limits.bytes,
        }
        worker = await self._take()
        self._busy[worker.process.pid] = worker
        well = False
        try:
            async with asyncio.timeout(self._limits.seconds):
                reply, content = await worker.ask(header, query.encode())
            well = True
        except TimeoutError as error:
            raise QueryTimeout(self._limits.seconds) from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise self._death(await worker.end(), worker.process.returncode or 0) from error
        finally:
            del self._busy[worker.process.pid]
            if well:
                self._give(worker)
            else:
                self._replace(worker)
        if "error" in reply:
            raise parse_error(reply)
        return Answer(content, media_type, reply["form"], reply["rows"])

    async def close(self) -> None:
        """End every worker, busy or idle; what is running gets an error."""
        self._ending.set()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(EngineUnavailable("the service is ending", 5))
        for worker in self._busy.values():
            worker.kill()
        while self._busy or self._respawns:
            if self._respawns:
                await asyncio.wait(self._respawns)
            await asyncio.sleep(0)
        await asyncio.gather(*(self._end(worker) for worker in self._idle))
        self._idle.clear()

    async def _take(self) -> _Worker:
        if self._ending.is_set():
            raise EngineUnavailable("the service is ending", 5)
        if self._idle:
            return self._idle.pop()
        retry_after = max(1, round(self._limits.seconds / 2))
        if len(self._waiters) >= self._queue:
            raise EngineUnavailable("every worker is busy, and enough queries wait already", retry_after)
        waiter: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        worker: _Worker | None = None
        try:
            async with asyncio.timeout(self._limits.seconds):
                worker = await waiter
        except TimeoutError as error:
            raise EngineUnavailable("every worker was busy for too long", retry_after) from error
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            # Handed over in the moment in which the call was cancelled: it must not be lost.
            if worker is None and waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give(waiter.result())
        return worker

    def _give(self, worker: _Worker) -> None:
        if self._ending.is_set():
            self._replace(worker)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(worker)
                return
        self._idle.append(worker)

    def _replace(self, worker: _Worker) -> None:
        worker.kill()
        task = asyncio.get_running_loop().create_task(self._respawn(worker))
        self._respawns.add(task)
        task.add_done_callback(self._respawns.discard)

    async def _respawn(self, worker: _Worker) -> None:
        await worker.end()
        delay = 0.1
        while not self._ending.is_set():
            try:
                fresh = await _Worker.spawn(self._store_path, self._memory_mb)
            except (EngineUnavailable, OSError):
                with suppress(TimeoutError):  # the machine is out of processes or memory: not for long, one hopes
                    await asyncio.wait_for(self._ending.wait(), delay)
                delay = min(delay * 2, 10.0)
            else:
                self._give(fresh)
                return

    async def _end(self, worker: _Worker) -> None:
        worker.kill()
        await worker.end()

    def _death(self, message: str, code: int) -> CbdGraphError:
        """Why a worker died by itself, from its signal and last words."""
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
