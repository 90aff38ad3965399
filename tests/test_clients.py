"""Many clients over one service: turns, limits of each, priority, a parent of workers that is killed, connections."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from cbdgraph.server.listen import _Unread
from cbdgraph.settings import Settings
from cbdgraph.store.cached import CachedEngine
from cbdgraph.store.frames import YIELDING
from cbdgraph.store.local import LocalEngine
from cbdgraph.store.pool import WorkerPool
from tests.test_server_running import facts, make_release, make_root, problem, running
from tests.test_worker import CROSS, DEEP, RUNAWAYS, gone

pytestmark = pytest.mark.slow  # they wait for queries to be ended

QUICK = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
WORKERS = Settings().workers
ONE, OTHER = "203.0.113.1", "203.0.113.2"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    return root


def pool_of(client: httpx.Client) -> WorkerPool:
    cached = client.app.state.live.current.engine  # type: ignore[attr-defined]
    assert isinstance(cached, CachedEngine)
    assert isinstance(cached.engine, LocalEngine)
    return cached.engine.pool


@contextmanager
def asking(client: httpx.Client) -> Iterator[Callable[..., Future[httpx.Response]]]:
    """A function that asks in a thread of its own as the client of an address; no text twice, lest it be kept."""
    count = iter(range(10**6))

    def ask(query: str, address: str = ONE) -> httpx.Response:
        headers = {"X-Forwarded-For": address}
        return client.post("/sparql", data={"query": f"{query} # {next(count)}"}, headers=headers)

    with ThreadPoolExecutor(64) as threads:
        yield lambda query, address=ONE: threads.submit(ask, query, address)


def until(is_so: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


def busy(pool: WorkerPool) -> list[int]:
    return sorted(pool._busy)


def test_runaways_of_one_address_do_not_keep_another_waiting(root: Path) -> None:
    with running(root=root, proxies="127.0.0.1", query_seconds=4.0) as client, asking(client) as ask:
        ask(QUICK).result()
        runaways = [ask(RUNAWAYS["cross product"], ONE) for _ in range(2 * WORKERS)]
        times = []
        for _ in range(30):
            start = time.monotonic()
            assert ask(QUICK, OTHER).result().status_code == 200
            times.append(time.monotonic() - start)
            time.sleep(0.1)
        assert not any(each.done() for each in runaways[: WORKERS - 1])
        assert len(busy(pool_of(client))) == WORKERS - 1  # one is left for others
        assert max(times) < 0.5, times
        assert {each.result().status_code for each in runaways} <= {504, 503}


def test_the_address_is_that_of_the_connection_unless_a_proxy_is_trusted(root: Path) -> None:
    with running(root=root, query_seconds=1.0, workers=2, per_client=2) as client, asking(client) as ask:
        runaways = [ask(CROSS, f"203.0.113.{number}") for number in range(3)]
        statuses = sorted(each.result().status_code for each in runaways)
        assert statuses[0] == 429  # whatever they say, they are one


def test_one_address_has_only_so_many_queries_under_way(root: Path) -> None:
    with running(root=root, proxies="127.0.0.1", query_seconds=1.5, per_client=2) as client, asking(client) as ask:
        runaways = [ask(CROSS, ONE) for _ in range(2)]
        until(lambda: len(busy(pool_of(client))) == 2)
        start = time.monotonic()
        refused = ask(QUICK, ONE).result()
        assert time.monotonic() - start < 0.5
        assert problem(refused, "too-many")["value"] == 2
        assert int(refused.headers["retry-after"]) >= 1
        assert ask(QUICK, OTHER).result().status_code == 200
        assert client.get("/target/aichi/15", headers={"X-Forwarded-For": ONE}).status_code == 200
        assert [each.result().status_code for each in runaways] == [504, 504]
        assert ask(QUICK, ONE).result().status_code == 200
        assert not pool_of(client)._clients  # nobody is remembered who asks nothing


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="priorities are those of Unix")
def test_a_long_query_gives_way(root: Path) -> None:
    with running(root=root, query_seconds=2.0, workers=1) as client, asking(client) as ask:
        ask(QUICK).result()
        runaway = ask(CROSS)
        until(lambda: busy(pool_of(client)))
        (pid,) = busy(pool_of(client))
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == usual
        until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == YIELDING, 1.6)
        assert runaway.result().status_code == 504
        assert gone(pid)
        assert ask(QUICK).result().status_code == 200
        (other,) = pool_of(client).process_ids
        assert os.getpriority(os.PRIO_PROCESS, other) == usual


@pytest.mark.parametrize("memory_triples", [5_000_000, 0], ids=["memory", "disk"])
def test_the_parent_of_the_workers_is_killed(root: Path, memory_triples: int) -> None:
    with running(root=root, workers=2, memory_triples=memory_triples) as client, asking(client) as ask:
        ask(QUICK).result()
        pool = pool_of(client)
        until(lambda: len(pool.process_ids) == 2)
        before = pool.process_ids
        flying = ask(CROSS)
        until(lambda: busy(pool))
        assert pool._nursery is not None
        os.kill(pool._nursery._process.pid, signal.SIGKILL)
        answer = flying.result()
        assert problem(answer, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/health").status_code == 200
        assert ask(QUICK).result().status_code == 200
        assert all(gone(pid) for pid in before)
        until(lambda: len(pool.process_ids) == 2)
        assert not set(pool.process_ids) & set(before)


@pytest.mark.parametrize("memory_triples", [5_000_000, 0], ids=["memory", "disk"])
def test_all_attacks_at_once_and_health_is_quick(root: Path, memory_triples: int) -> None:
    """With the workers of the defaults; `python -m bench attacks` has the figures with their time too."""
    flat = {
        "flat union": "SELECT * { " + " UNION ".join(["{ ?s ?p ?o }"] * 2500) + " }",
        "flat optional": "SELECT * { " + "OPTIONAL { ?a ?b ?c } " * 2500 + " }",
    }
    limits: dict[str, Any] = {"query_seconds": 2.0, "worker_memory_mb": 256, "memory_triples": memory_triples}
    with running(root=root, proxies="127.0.0.1", **limits) as client, asking(client) as ask:
        ask(QUICK).result()
        attacks = {**RUNAWAYS, **DEEP, **flat}
        answers = {name: ask(query, f"203.0.113.{n}") for n, (name, query) in enumerate(attacks.items())}
        pool, times, most = pool_of(client), [], 0
        while not all(each.done() for each in answers.values()):
            start = time.perf_counter()
            assert client.get("/health").status_code == 200
            times.append(time.perf_counter() - start)
            most = max(most, len(busy(pool)))
            time.sleep(0.01)
        times.sort()
        assert most == WORKERS, "not every worker was busy"
        assert times[len(times) // 2] < 0.1, times
        assert times[len(times) * 99 // 100] < 0.1, times
        for name, each in answers.items():
            answer = each.result()
            if answer.status_code != 200 or name not in {"regex", *flat}:
                assert answer.status_code in {400, 403, 413, 503, 504}, name
                assert answer.headers["content-type"] == "application/problem+json"
        assert ask(QUICK).result().status_code == 200
        until(lambda: len(pool.process_ids) == WORKERS)


def test_connections_have_a_limit(root: Path) -> None:
    with running(root=root, workers=1, connections=3, header_seconds=1.0) as client:
        address = client.base_url.host, client.base_url.port or 80
        idle = [socket.create_connection(address, timeout=5) for _ in range(3)]
        with httpx.Client(base_url=client.base_url) as late:
            time.sleep(0.1)
            answer = late.get("/")
            assert problem(answer, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        for each in idle:
            assert each.recv(1) == b""  # nothing was asked on them
            each.close()
        assert client.get("/").status_code == 200


def test_who_does_not_read_is_not_waited_for(root: Path) -> None:
    query = 'SELECT ?a ("' + "x" * 200 + '" AS ?x) { ?a ?b ?c . ?d ?e ?f } LIMIT 50000'
    request = httpx.Request("GET", "http://x/sparql", params={"query": query}).url.raw_path
    with running(root=root, workers=1, header_seconds=0.2) as client:
        address = client.base_url.host, client.base_url.port or 80
        with socket.create_connection(address, timeout=10) as stranger:
            stranger.sendall(b"GET " + request + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            server = client.app.state.live  # type: ignore[attr-defined]
            until(lambda: not server.current.users)
            time.sleep(2.0)  # without a byte read
            came = 0
            with suppress(ConnectionError):
                while piece := stranger.recv(1 << 20):
                    came += len(piece)
            assert came < 15_000_000  # what had left already
        assert len(client.get("/sparql", params={"query": query}).content) > 15_000_000  # who reads gets all of it


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux says it")
def test_many_large_answers_at_once_are_not_made_before_they_are_read(root: Path) -> None:
    """A packet of requests for what is kept, of a client that reads none of it."""

    def memory() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    query = 'SELECT ?a ("' + "x" * 100 + '" AS ?x) { ?a ?b ?c . ?d ?e ?f } LIMIT 10000'
    target = httpx.Request("GET", "http://x/sparql", params={"query": query}).url.raw_path
    with running(root=root, workers=1) as client:
        size = len(client.get(target.decode()).content)
        assert size > 2_000_000
        address = client.base_url.host, client.base_url.port or 80
        with socket.create_connection(address, timeout=10) as stranger:
            before = memory()
            stranger.sendall((b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n") * 100)
            for _ in range(10):
                time.sleep(0.05)
                assert memory() - before < 20 * size
        assert client.get("/health").status_code == 200


class _Transport:
    def __init__(self, size: int) -> None:
        self.size, self.is_aborted = size, False

    def get_write_buffer_size(self) -> int:
        return self.size

    def abort(self) -> None:
        self.is_aborted = True


def test_unread_answers_have_a_limit_and_who_holds_most_pays() -> None:
    unread = _Unread(100)
    honest, first, second, third = _Transport(40), _Transport(25), _Transport(25), _Transport(25)
    for transport, client in ((honest, "a"), (first, "b"), (second, "b"), (third, "b")):
        unread.add(transport, client)  # type: ignore[arg-type]
    assert [each.is_aborted for each in (honest, first, second, third)] == [False, True, False, False]
    alone = _Unread(100)
    large = _Transport(1000)
    alone.add(large, "a")  # type: ignore[arg-type]
    assert not large.is_aborted
