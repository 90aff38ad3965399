"""The engine on this machine: a store directory in, answers out; strangers' queries in workers, our own in threads.

The caller has looked at a stranger's query with `guard.check_query`; the workers are the second wall, not the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from cbdgraph.errors import QueryError, QueryTimeout
from cbdgraph.store import Answer, Facts, Limits
from cbdgraph.store.embedded import ENGINE, Store
from cbdgraph.store.launch import Launched
from cbdgraph.store.pool import WorkerPool

# Our own queries that run at once; one that is over its time keeps its thread until it ends, and no more than these.
_THREADS = 4


class LocalEngine:
    """An `Engine` on a built store directory; nothing may write to the directory while it is open."""

    def __init__(self, store: Store, pool: WorkerPool, facts: Facts, limits: Limits) -> None:
        self._store, self._limits = store, limits
        self.pool = pool
        self._facts = facts
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="cbdgraph-query")

    @classmethod
    async def open(
        cls,
        store_path: Path,
        *,
        graphs: Mapping[str, int],
        default_triples: int,
        limits: Limits,
        workers: int,
        queue: int,
        memory_mb: int,
        in_memory: bool = True,
        per_client: int = 16,
        launched: Launched | None = None,
    ) -> Self:
        """Open the store and start its workers; `EngineUnavailable` if either fails. The counts are the caller's."""
        pool = WorkerPool(
            store_path,
            limits=limits,
            workers=workers,
            queue=queue,
            memory_mb=memory_mb,
            in_memory=in_memory,
            per_client=per_client,
            launched=launched,
        )
        store, _ = await asyncio.gather(asyncio.to_thread(Store.open_read_only, store_path), pool.start())
        place = "one graph in memory" if in_memory else "the graph on disk"
        isolation = {"process": f"{workers} workers, one query each, on {place}"}
        return cls(store, pool, Facts(ENGINE, dict(graphs), default_triples, isolation), limits)

    @property
    def facts(self) -> Facts:
        return replace(self._facts, isolation={**self.pool.isolation, **self._facts.isolation})

    async def run_query(
        self,
        query: str,
        *,
        media_type: str,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        trusted: bool = False,
        repeatable: bool = True,  # noqa: ARG002 - nothing is kept here
        client: str = "",
    ) -> Answer:
        """See `Engine.run_query`."""
        if not trusted:
            return await self.pool.run(query, media_type, default_graphs, named_graphs, client)
        call = partial(self._answer, query, media_type, default_graphs, named_graphs)
        work = asyncio.get_running_loop().run_in_executor(self._threads, call)
        work.add_done_callback(_forget)
        try:
            async with asyncio.timeout(self._limits.seconds):
                outcome = await asyncio.shield(work)
        except TimeoutError as error:
            raise QueryTimeout(self._limits.seconds) from error
        finally:
            work.cancel()  # if it has not begun, nobody waits for it any more
        if isinstance(outcome, QueryError):
            raise outcome
        return outcome

    def _answer(
        self,
        query: str,
        media_type: str,
        default_graphs: Sequence[str] | None,
        named_graphs: Sequence[str] | None,
    ) -> Answer | QueryError:
        """Runs in a thread; an error leaves it without the frames that hold results, which must be dropped here."""
        try:
            return self._store.answer(query, media_type, self._limits, default_graphs, named_graphs)
        except QueryError as error:
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)

    async def close(self) -> None:
        """End the workers; a thread that still runs ends with its query."""
        await self.pool.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _forget(work: asyncio.Future[Answer | QueryError]) -> None:
    """Perhaps nobody waits for this answer any more; asking for its error keeps asyncio from complaining."""
    if not work.cancelled():
        work.exception()
