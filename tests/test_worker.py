"""Workers: what runs away is killed and its processor free, what dies is replaced, and nothing gets out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cbdgraph.errors import (
    CbdGraphError,
    EngineUnavailable,
    QueryError,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
    QueryTooLarge,
)
from cbdgraph.store import Answer, Engine, Limits
from cbdgraph.store.embedded import Store
from cbdgraph.store.local import LocalEngine
from cbdgraph.store.pool import WorkerPool

pytestmark = pytest.mark.slow  # they wait for queries to be ended

EX = "http://example.org/"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
CROSS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
RUNAWAYS = {
    "cross product": CROSS,
    "nested optional": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c OPTIONAL { ?d ?e ?f OPTIONAL { ?g ?h ?i } } }",
    "path closure": "SELECT (COUNT(*) AS ?n) { ?a (!<x:x>|^!<x:x>)* ?b . ?c (!<x:x>|^!<x:x>)* ?d . ?e (!<x:x>)* ?f }",
    "huge concat": "SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?d))) AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "sort": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?i ?a",
    "distinct": "SELECT (COUNT(DISTINCT CONCAT(STR(?a), STR(?d), STR(?g))) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "replace": "SELECT ("
    + "REPLACE(" * 7
    + "'aaaaaaaaaa'"
    + ", 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" * 7
    + " AS ?x) {}",
    "regex": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(REGEX(CONCAT(STR(?a), STR(?d)), '(e*)*(x*)*!$')) }",
}
DEEP = {
    "parentheses": "SELECT * { FILTER(" + "(" * 10_000 + "1" + ")" * 10_000 + ") }",
    "not": "SELECT * { FILTER(" + "!" * 30_000 + "true) }",
    "union": "SELECT * { " + " UNION ".join(["{}"] * 20_000) + " }",
    "or": "SELECT * { FILTER(" + "||".join(["1=2"] * 30_000) + ") }",
}


@pytest.fixture(scope="module")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "store"
    lines = [f"<{EX}{i}> <{EX}p{i % 7}> <{EX}{i * 7 % 2000}> ." for i in range(2000)]
    Store.build(path, graphs={f"{EX}g": lines}, union_default=True)
    return path


@asynccontextmanager
async def pool(
    store_path: Path, seconds: float = 10.0, workers: int = 1, queue: int = 4
) -> AsyncIterator[WorkerPool]:
    limits = Limits(seconds, 1000, 1024 * 1024)
    workers_pool = WorkerPool(store_path, limits=limits, workers=workers, queue=queue, memory_mb=256)
    await workers_pool.start()
    await workers_pool.ready()
    try:
        yield workers_pool
    finally:
        await workers_pool.close()


def run(test: Callable[[], Awaitable[Any]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(50):
            await test()

    asyncio.run(main())


def gone(pid: int, seconds: float = 3.0) -> bool:
    """Whether the process has ended; a zombie has left the processor too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_answers_and_errors_are_those_of_the_store(store_path: Path) -> None:
    async def test() -> None:
        async with pool(store_path) as workers:
            (pid,) = workers.process_ids
            answer = await workers.run(COUNT, "text/csv")
            assert (answer.content, answer.rows, answer.form) == (b"n\r\n2000\r\n", 1, "solutions")
            assert (await workers.run("SELECT * { ?s ?p ?o }", "text/csv", [])).rows == 0
            with pytest.raises(QuerySyntaxError) as syntax:
                await workers.run("SELECT * {\n ?s }", "text/csv")
            assert syntax.value.line == 2
            with pytest.raises(QueryTooLarge) as rows:
                await workers.run("SELECT * { ?s ?p ?o }", "text/csv")
            assert (rows.value.limit, rows.value.value) == ("rows", 1000)
            with pytest.raises(QueryTooLarge) as size:
                await workers.run("SELECT * { ?s ?p ?o . ?a ?b ?c } LIMIT 100000", "text/csv")
            assert size.value.limit == "bytes"
            with pytest.raises(QueryRefused):
                await workers.run(f"SELECT (<{EX}f>() AS ?x) {{}}", "text/csv")
            assert workers.process_ids == (pid,)  # none of this costs a worker

    run(test)


@pytest.mark.parametrize("name", RUNAWAYS)
def test_runaways_end_and_free_the_processor(store_path: Path, name: str) -> None:
    async def test() -> None:
        async with pool(store_path, seconds=0.4) as workers:
            (pid,) = workers.process_ids
            start = time.monotonic()
            with pytest.raises((QueryTimeout, QueryTooLarge)):
                await workers.run(RUNAWAYS[name], "text/csv")
            assert time.monotonic() - start < 5
            assert gone(pid) or workers.process_ids == (pid,)

    run(test)


@pytest.mark.parametrize("name", DEEP)
def test_what_overflows_the_engine_costs_one_worker(store_path: Path, name: str) -> None:
    async def test() -> None:
        async with pool(store_path) as workers:
            with pytest.raises((QueryRefused, QuerySyntaxError, QueryError)):
                await workers.run(DEEP[name], "text/csv")
            assert (await workers.run(COUNT, "text/csv")).rows == 1

    run(test)


def test_memory(store_path: Path) -> None:
    async def test() -> None:
        async with pool(store_path, seconds=30) as workers:
            with pytest.raises(QueryTooLarge) as caught:
                await workers.run(RUNAWAYS["replace"], "text/csv")
            assert (caught.value.limit, caught.value.value) == ("memory", 256)
            assert (await workers.run(COUNT, "text/csv")).rows == 1

    run(test)


def test_a_cancelled_call_frees_its_worker(store_path: Path) -> None:
    async def test() -> None:
        async with pool(store_path) as workers:
            (pid,) = workers.process_ids
            task = asyncio.create_task(workers.run(CROSS, "text/csv"))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(gone, pid)
            assert (await workers.run(COUNT, "text/csv")).rows == 1

    run(test)


def test_a_killed_worker_is_replaced(store_path: Path) -> None:
    async def test() -> None:
        async with pool(store_path) as workers:
            (pid,) = workers.process_ids
            os.kill(pid, signal.SIGKILL)
            await asyncio.to_thread(gone, pid)
            await asyncio.sleep(0.05)
            assert (await workers.run(COUNT, "text/csv")).rows == 1  # it was idle: nobody need know
            busy = asyncio.create_task(workers.run(CROSS, "text/csv"))
            await asyncio.sleep(0.1)
            os.kill(workers.process_ids[0], signal.SIGKILL)
            with pytest.raises(CbdGraphError):
                await busy
            assert (await workers.run(COUNT, "text/csv")).rows == 1

    run(test)


def test_the_queue_is_bounded_and_waiting_too(store_path: Path) -> None:
    async def test() -> None:
        async with pool(store_path, seconds=1.0, queue=1) as workers:
            first = asyncio.create_task(workers.run(CROSS, "text/csv"))
            await asyncio.sleep(0.05)
            second = asyncio.create_task(workers.run(COUNT, "text/csv"))
            await asyncio.sleep(0.05)
            with pytest.raises(EngineUnavailable) as full:
                await workers.run(COUNT, "text/csv")
            assert full.value.retry_after >= 1
            with pytest.raises(QueryTimeout):
                await first
            with contextlib.suppress(EngineUnavailable):  # the new worker may be slow to come
                assert (await second).rows == 1
            third = asyncio.create_task(workers.run(CROSS, "text/csv"))
            await asyncio.sleep(0.3)
            waiting = asyncio.create_task(workers.run(COUNT, "text/csv"))
            await asyncio.sleep(0.05)
            waiting.cancel()
            third.cancel()
            await asyncio.gather(third, waiting, return_exceptions=True)
            assert (await workers.run(COUNT, "text/csv")).rows == 1

    run(test)


def test_the_second_wall(store_path: Path) -> None:
    """Without the guard, a worker still reaches nobody; where the system cannot do that, it says so."""

    async def test(port: int, server: socket.socket) -> None:
        async with pool(store_path) as workers:
            if not workers.isolation["network"].startswith("isolated"):
                pytest.skip(workers.isolation["network"])
            with pytest.raises(QueryError):
                await workers.run(f"SELECT * {{ SERVICE <http://127.0.0.1:{port}/> {{}} }}", "text/csv")
            with pytest.raises(BlockingIOError):
                server.accept()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        run(lambda: test(server.getsockname()[1], server))


def test_no_graph_is_fetched(store_path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ttl"
    secret.write_text(f'<{EX}secret> <{EX}p> "told" .', encoding="utf-8")

    async def test() -> None:
        async with pool(store_path) as workers:
            for graph in (secret.as_uri(), "http://127.0.0.1:1/"):
                assert (await workers.run(f"SELECT * FROM <{graph}> {{ ?s ?p ?o }}", "text/csv")).rows == 0

    run(test)


def test_a_store_that_is_none(tmp_path: Path) -> None:
    async def test() -> None:
        for in_memory in (True, False):
            workers = WorkerPool(tmp_path, limits=Limits(), workers=2, queue=1, memory_mb=256, in_memory=in_memory)
            await workers.start()
            with pytest.raises(EngineUnavailable):
                await workers.ready()
            await workers.close()

    run(test)


def test_local_engine(store_path: Path) -> None:
    async def test() -> None:
        engine = await LocalEngine.open(
            store_path,
            graphs={f"{EX}g": 2000},
            default_triples=2000,
            limits=Limits(0.5, 5000),
            workers=1,
            queue=1,
            memory_mb=256,
        )
        assert isinstance(engine, Engine)
        assert engine.facts.default_triples == 2000
        for trusted in (True, False):
            assert (await engine.run_query(COUNT, media_type="text/csv", trusted=trusted)).rows == 1
            with pytest.raises(QuerySyntaxError):
                await engine.run_query("SELECT", media_type="text/csv", trusted=trusted)
        with pytest.raises((QueryTimeout, QueryTooLarge)):
            await engine.run_query("SELECT * { ?a ?b ?c . ?d ?e ?f }", media_type="text/csv", trusted=True)
        await engine.pool.ready()
        (pid,) = engine.pool.process_ids
        await engine.close()
        assert gone(pid)
        with pytest.raises(EngineUnavailable):
            await engine.run_query(COUNT, media_type="text/csv")

    run(test)


def test_a_query_of_ours_that_nobody_waits_for_is_not_begun(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def answer(_: Store, query: str, *__: object) -> Answer:
        begun.append(query)
        time.sleep(0.6)
        return Answer(b"", "text/csv", "solutions", 0)

    async def test() -> None:
        engine = await LocalEngine.open(
            store_path, graphs={}, default_triples=0, limits=Limits(0.3), workers=1, queue=1, memory_mb=256
        )
        monkeypatch.setattr(Store, "answer", answer)
        calls = [engine.run_query(f"{n}", media_type="text/csv", trusted=True) for n in range(20)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, QueryTimeout) for outcome in outcomes)
        await asyncio.sleep(0.8)
        assert len(begun) == 4  # as many as there are threads
        await engine.close()

    run(test)


_PARENT = """
import asyncio, sys
from pathlib import Path
from cbdgraph.store import Limits
from cbdgraph.store.pool import WorkerPool
async def main():
    pool = WorkerPool(Path(sys.argv[1]), limits=Limits(60), workers=2, queue=1, memory_mb=256)
    await pool.start()
    await pool.ready()
    task = asyncio.create_task(pool.run(sys.argv[2], "text/csv"))
    await asyncio.sleep(0.1)
    print(*pool.process_ids, flush=True)
    await task
asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the signal of a parent's death is Linux's")
def test_workers_end_with_a_server_that_is_killed(store_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(store_path), CROSS], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    assert all(gone(pid) for pid in pids)
