"""What is being served now: settings in, an open engine per request out; never drops a request for a new release.

The service looks at `build/current` at most once a second. When it points elsewhere, the new release is opened
beside the old one and takes over in one step; the old one is closed when its last request has been answered.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cbdgraph.errors import CbdGraphError, EngineUnavailable, UnknownRelease
from cbdgraph.history import History
from cbdgraph.queries import Query, read_queries
from cbdgraph.server.bundles import Bundles
from cbdgraph.server.kept import Asked, Found, Kept
from cbdgraph.server.partitions import Partitions
from cbdgraph.server.readers import Readers
from cbdgraph.settings import Settings
from cbdgraph.store import RESULT_TYPES, Engine, Limits
from cbdgraph.store.cached import Cache, CachedEngine
from cbdgraph.store.embedded import Store
from cbdgraph.store.launch import Launched
from cbdgraph.store.local import LocalEngine
from cbdgraph.store.releases import Counts, Release, current_release, read_release
from cbdgraph.terminology.terms import Terminology

if TYPE_CHECKING:
    from cbdgraph.quality.checks import Report

_LOOK_SECONDS: Final = 1.0
_PREPARE_SECONDS: Final = 2.0
_IDLE_SECONDS: Final = 300.0  # after which an older release that nobody asks is closed
_LOG: Final = logging.getLogger("cbdgraph.server")


@dataclass(slots=True)
class Served:
    """One release with its open engine, and the named queries and questions that were there when it was opened."""

    release: str
    data_hash: str
    counts: Counts
    engine: Engine
    queries: Mapping[str, Query]
    built_with: Mapping[str, str]
    questions: Mapping[str, Query] = field(default_factory=dict)
    folder: Path | None = None  # of the built release; None for a user's own files
    history: History | None = None  # the change log; None for a user's own files
    older: Mapping[str, str] = field(default_factory=dict)  # folders of the releases before, by number
    issued: str = ""  # when it, or the release that it goes beyond, was issued: UTC, as the change log writes it
    triples_hash: str = ""  # of the default graph in canonical N-Triples
    left: float = 0.0  # when the last request of it ended, by the monotonic clock
    descriptor: int | None = None  # holds the release against pruning
    users: int = 0
    retired: bool = False
    known: frozenset[str] | None = None  # our IRIs that it holds, looked up when first needed
    known_is_too_large: bool = False
    partitions: Partitions | None = None  # of its default graph, counted when first needed
    is_counted: bool = False
    terminology: Terminology | None = None  # read when first needed
    quality: Report | None = None  # of its vocabularies, worked out when first needed
    responses: Cache[Kept] = field(default_factory=lambda: Cache(0))  # by what they depend on
    graphs: frozenset[str] = field(init=False)  # the IRIs of the named graphs
    stamp: str = field(init=False)  # what answers depend on besides the question

    def __post_init__(self) -> None:
        facts = self.engine.facts
        self.graphs = frozenset(filter(None, facts.graphs))
        self.stamp = f"{self.release} {self.data_hash} {facts.engine}"

    def modified(self, iri: str) -> datetime | None:
        """When what is said about a resource last changed, by the change log; None where no release says so."""
        return None if self.history is None else self.history.modified(iri)


def limits_of(settings: Settings) -> Limits:
    """The limits of one answer."""
    return Limits(settings.query_seconds, settings.max_rows, settings.max_bytes)


class Live:
    """Hands out what is served now; `enter` and `leave` count the requests of a release."""

    def __init__(self, settings: Settings, launched: Launched | None = None) -> None:
        self.settings = settings
        self.bundles = Bundles(settings.build_path)
        self.readers = Readers(settings)
        self.resolvers = Readers(settings)  # apart, so that no long text keeps a citation waiting
        self._launched = launched
        self._served: Served | None = None
        self._older: dict[str, asyncio.Task[Served]] = {}  # by number
        self._target = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._folder: Path | None = None

    async def open(self) -> None:
        """Open what there is; `EngineUnavailable` if nothing is built."""
        await asyncio.to_thread(self.bundles.look)
        if self.settings.data:
            self._served = await self._open_files()
        else:
            self._target = self._read_link()
            self._served = await self._open_release()
            self._start(self._watch())
        self._start(self._prepare(self._served))

    async def close(self) -> None:
        """Close everything, whoever still uses it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self.readers.close(), self.resolvers.close())
        for opening in self._older.values():
            with suppress(CbdGraphError, OSError, ValueError):
                await self._close(await opening)
        self._older.clear()
        if self._served is not None:
            await self._close(self._served)
            self._served = None
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, True)

    def find_kept(self, asked: Asked | None) -> Found | None:
        """The response to what is asked, if it is kept."""
        if asked is None or self._served is None:
            return None
        kept = self._served.responses.get(asked.key)
        return None if kept is None else kept.answer(asked)

    @property
    def current(self) -> Served:
        """What is served now, without counting."""
        if self._served is None:
            raise EngineUnavailable("the service is not open", 1)
        return self._served

    def enter(self) -> Served:
        """What is served now, for one request, which ends with `leave`."""
        served = self.current
        served.users += 1
        return served

    async def enter_release(self, number: str) -> Served:
        """An older release, or the one that is served, for one request, which ends with `leave`; `UnknownRelease`."""
        current = self.current
        if number in {current.release, "current"}:
            return self.enter()
        if number not in current.older:
            past = current.history.releases if current.history else ()
            was_there = any(release.number == number for release in past)
            raise UnknownRelease(number, (current.release, *current.older), was_there=was_there)
        opening = self._older.get(number)
        if opening is None:
            folder = self.settings.build_path / "releases" / current.older[number]
            opening = self._older[number] = asyncio.create_task(self._open_older(folder))
        try:
            served = await asyncio.shield(opening)
        except (CbdGraphError, OSError, ValueError) as error:
            if self._older.get(number) is opening:  # and not one that was begun meanwhile
                del self._older[number]
            raise EngineUnavailable(f"release {number} cannot be opened", 1) from error
        served.users += 1
        return served

    def leave(self, served: Served) -> None:
        """The request is answered."""
        served.users -= 1
        served.left = time.monotonic()
        if served.retired and not served.users:
            self._start(self._close(served))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _read_link(self) -> str:
        try:
            return str((self.settings.build_path / "current").readlink())
        except OSError:
            return ""

    async def _watch(self) -> None:
        """Switch soon after a build, whether or not anybody asks."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if await asyncio.to_thread(self.bundles.look):
                opened = [task.result() for task in self._older.values() if task.done() and not task.exception()]
                for served in (self.current, *opened):
                    served.responses.clear()  # pages among them name scripts
            if self._read_link() not in {"", self._target}:
                await self._switch()
            for number, opening in list(self._older.items()):
                if opening.done() and not opening.exception():
                    served = opening.result()
                    if not served.users and time.monotonic() - served.left > _IDLE_SECONDS:
                        del self._older[number]
                        self._start(self._close(served))

    async def _switch(self) -> None:
        target = self._read_link()
        try:
            fresh = await self._open_release()
        except (CbdGraphError, OSError) as error:  # a fault in queries/ too must not end the watch
            _LOG.warning("the new release cannot be opened, the old one stays: %s", error)
        else:
            old, self._served = self._served, fresh
            self._start(self._prepare(fresh))
            if old is not None:
                old.retired = True
                if not old.users:
                    self._start(self._close(old))
            _LOG.info("release %s is served now", fresh.release)
        finally:
            self._target = target

    async def _prepare(self, served: Served) -> None:
        """Work out what everyone asks, one after the other, when the first who came have been answered."""
        if not self.settings.cache_mb:
            return
        await asyncio.sleep(_PREPARE_SECONDS)
        for query in served.queries.values():
            if any(parameter.required for parameter in query.parameters) or served.retired:
                continue
            with suppress(CbdGraphError):  # whoever asks it will be told
                await served.engine.run_query(query.bind({}), media_type=RESULT_TYPES[0], trusted=True)

    async def _close(self, served: Served) -> None:
        await served.engine.close()
        if served.descriptor is not None:
            os.close(served.descriptor)
            served.descriptor = None
        asyncio.get_running_loop().call_later(_LOOK_SECONDS, _give_back_memory)

    async def _open_release(self) -> Served:
        release = current_release(self.settings.build_path)
        if release is None:
            raise EngineUnavailable("nothing is built yet; run: cbdgraph build")
        return await self._open_built(release)

    async def _open_older(self, folder: Path) -> Served:
        """A release that few ask: its store stays on disk, and one worker has to do."""
        served = await self._open_built(await asyncio.to_thread(read_release, folder), is_older=True)
        served.left = time.monotonic()
        return served

    async def _open_built(self, release: Release, *, is_older: bool = False) -> Served:
        descriptor = release.hold()
        try:
            manifest = release.manifest
            # Read first: a fault in them must leave no workers behind.
            queries, questions = self._read_queries()
            history = await asyncio.to_thread(History.open, release.path)
            engine = await self._open_engine(release.store_path, manifest.graphs, manifest.counts.total, is_older)
        except BaseException:
            os.close(descriptor)
            raise
        return Served(
            manifest.release,
            manifest.data_hash,
            manifest.counts,
            engine,
            queries,
            manifest.built_with,
            questions,
            release.path,
            history,
            manifest.older,
            manifest.issued,
            manifest.triples_hash,
            descriptor=descriptor,
            responses=Cache(self._cache_bytes),
        )

    def _read_queries(self) -> tuple[dict[str, Query], dict[str, Query]]:
        return read_queries(self.settings.queries_path), read_queries(self.settings.questions_path)

    async def _open_files(self) -> Served:
        files = self.settings.data
        self._folder = Path(tempfile.mkdtemp(prefix="cbdgraph-"))
        counts = await asyncio.to_thread(Store.build, self._folder / "store", files, union_default=False)
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.read_bytes())
        graphs = {graph: number for graph, number in counts.items() if graph}
        queries = read_queries(self.settings.queries_path)
        engine = await self._open_engine(self._folder / "store", graphs, counts[""])
        total = sum(counts.values())
        data_hash = digest.hexdigest()
        counted = Counts(total, 0, total)
        responses: Cache[Kept] = Cache(self._cache_bytes)
        return Served(f"data-{data_hash[:12]}", data_hash, counted, engine, queries, {}, responses=responses)

    async def _open_engine(
        self, store_path: Path, graphs: Mapping[str, int], default_triples: int, is_older: bool = False
    ) -> Engine:
        launched, self._launched = self._launched, None  # it is for the first
        in_memory = not is_older and self.settings.holds_in_memory(default_triples + sum(graphs.values()))
        engine = await LocalEngine.open(
            store_path,
            graphs=graphs,
            default_triples=default_triples,
            limits=limits_of(self.settings),
            workers=1 if is_older else self.settings.workers,
            queue=self.settings.queue,
            memory_mb=self.settings.worker_memory_mb,
            in_memory=in_memory,
            per_client=self.settings.per_client,
            launched=launched,
        )
        return CachedEngine(engine, self._cache_bytes)

    @property
    def _cache_bytes(self) -> int:
        """Half of what may be kept: one for answers of the engine, one for responses, which share most of it."""
        return self.settings.cache_mb * 1024 * 1024 // 2


def _give_back_memory() -> None:
    """What was kept of a release is many objects in circles, looked for seldom; and glibc keeps what was freed."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
