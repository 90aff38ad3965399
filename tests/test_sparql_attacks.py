"""Attacks over real HTTP: budgets that really end, others unharmed, nobody called, and the right status for each."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cbdgraph.server.live import Live
from cbdgraph.store.cached import CachedEngine
from cbdgraph.store.local import LocalEngine
from tests.test_server_running import facts, make_release, make_root, problem, running
from tests.test_worker import CROSS, DEEP, RUNAWAYS, gone

pytestmark = pytest.mark.slow  # they wait for queries to be ended

COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with one worker and small limits."""
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    limits: dict[str, Any] = {"query_seconds": 1.0, "max_rows": 100, "max_bytes": 20_000, "max_query_bytes": 400_000}
    with running(root=root, workers=1, queue=1, worker_memory_mb=128, **limits) as client:
        yield client


def ask(client: httpx.Client, query: str, **parameters: str) -> httpx.Response:
    return client.post("/sparql", data={"query": query, **parameters})


def ask_into(client: httpx.Client, query: str, outcome: list[httpx.Response]) -> None:
    outcome.append(ask(client, query))


def works(client: httpx.Client) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if ask(client, COUNT).status_code == 200:
            return True
        time.sleep(0.05)
    return False


def worker_ids(client: httpx.Client) -> tuple[int, ...]:
    live: Live = client.app.state.live  # type: ignore[attr-defined]
    cached = live.current.engine
    assert isinstance(cached, CachedEngine)
    engine = cached.engine
    assert isinstance(engine, LocalEngine)
    return engine.pool.process_ids


def test_a_runaway_is_ended_and_health_stays_quick(small: httpx.Client) -> None:
    assert works(small)
    (pid,) = worker_ids(small)
    outcome: list[httpx.Response] = []
    thread = threading.Thread(target=ask_into, args=(small, CROSS, outcome))
    thread.start()
    times = []
    while thread.is_alive():
        start = time.perf_counter()
        assert small.get("/health").status_code == 200
        times.append(time.perf_counter() - start)
        time.sleep(0.02)
    document = problem(outcome[0], "timeout")
    assert document["limit"] == "seconds"
    assert sorted(times)[len(times) // 2] < 0.1
    assert gone(pid)
    assert works(small)


@pytest.mark.parametrize("name", [*RUNAWAYS, *DEEP])
def test_every_attack_has_its_answer(small: httpx.Client, name: str) -> None:
    assert works(small)
    response = ask(small, {**RUNAWAYS, **DEEP}[name])
    if name != "regex":  # the engine's are linear: it may well answer this one in time
        assert response.status_code in {400, 403, 413, 504}
        assert response.headers["content-type"] == "application/problem+json"
    assert small.get("/health").status_code == 200
    assert small.get("/target/aichi/15").status_code == 200  # our own queries need no worker


def test_rows_and_bytes_are_never_cut(small: httpx.Client) -> None:
    for name in ("json", "csv", "tsv", "xml"):
        assert works(small)
        document = problem(ask(small, "SELECT ?o { ?s ?p ?o } LIMIT 101", format=name), "too-large")
        assert (document["limit"], document["value"], document["complete"]) == ("rows", 100, False)
        assert ask(small, "SELECT ?o { ?s ?p ?o } LIMIT 100", format=name).status_code == 200
    assert problem(ask(small, "CONSTRUCT WHERE { ?s ?p ?o }"), "too-large")["limit"] == "rows"
    long = 'SELECT ("' + "x" * 30_000 + '" AS ?x) {}'
    assert problem(ask(small, long), "too-large")["limit"] == "bytes"
    assert problem(small.get("/query/numbers"), "too-large")["limit"] == "rows"


def test_a_client_that_leaves_frees_its_worker(small: httpx.Client) -> None:
    assert works(small)
    (pid,) = worker_ids(small)
    with pytest.raises(httpx.ReadTimeout):
        small.post("/sparql", data={"query": CROSS}, timeout=0.3)
    assert gone(pid, 0.6)  # before the time limit would have ended it
    assert works(small)


def test_a_killed_worker_is_replaced(small: httpx.Client) -> None:
    assert works(small)
    os.kill(worker_ids(small)[0], signal.SIGKILL)
    assert works(small)


def test_a_full_queue_says_when_to_come_again(small: httpx.Client) -> None:
    async def rush() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=small.base_url, timeout=30) as client:
            calls = [client.post("/sparql", data={"query": f"{CROSS} # {n}"}) for n in range(6)]
            return list(await asyncio.gather(*calls))

    assert works(small)
    answers = asyncio.run(rush())
    assert {answer.status_code for answer in answers} <= {503, 504}
    full = [answer for answer in answers if answer.status_code == 503]
    assert len(full) >= 3
    for answer in full:
        problem(answer, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert works(small)


def test_nobody_is_called(small: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        target = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for query in (
            f"SELECT * {{ SERVICE <{target}> {{ ?s ?p ?o }} }}",
            f"SELECT * {{ SERVICE SILENT <{target}> {{ ?s ?p ?o }} }}",
            f"SELECT * {{ \\u0053ERVICE <{target}> {{ ?s ?p ?o }} }}",
            f"SELECT * {{ ?s ?p trueSERVICE<{target}>{{ ?s ?p ?o }} }}",
            f"PREFIX : <{target}> SELECT * {{ SERVICE:x {{ ?s ?p ?o }} }}",
            f"SELECT * FROM <{target}> {{ ?s ?p ?o }}",
            f"SELECT * FROM NAMED <{target}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
            f"LOAD <{target}>",
            f"INSERT DATA {{ <{target}> <{target}> 1 }}",
        ):
            assert problem(ask(small, query), "refused")
        for parameters in ({"default-graph-uri": target}, {"named-graph-uri": target}):
            assert problem(ask(small, COUNT, **parameters), "refused")
        assert ask(small, f"SELECT * {{ GRAPH <{target}> {{ ?s ?p ?o }} }}").json()["results"]["bindings"] == []
        assert ask(small, f"DESCRIBE <{target}>").status_code == 200
        time.sleep(0.1)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_long_hostile_texts_do_not_stop_the_service(small: httpx.Client) -> None:
    for text in (
        "a.." * 100_000,
        "'" * 300_000,
        "<" * 300_000,
        "\\u0041" * 50_000,
        "SELECT * {" + "?x <a:b> 'c'. " * 20_000,
    ):
        outcome: list[httpx.Response] = []
        thread = threading.Thread(target=ask_into, args=(small, text, outcome))
        thread.start()
        slowest = 0.0
        while thread.is_alive():
            start = time.perf_counter()
            small.get("/health")
            slowest = max(slowest, time.perf_counter() - start)
        assert outcome[0].status_code in {400, 403, 413}
        assert slowest < 1.0


def test_memory(small: httpx.Client) -> None:
    assert works(small)
    response = ask(small, RUNAWAYS["replace"])
    assert response.status_code in {413, 504}  # whichever limit is met first
    assert works(small)


def test_a_body_that_stalls_or_is_too_large_by_its_own_word_is_ended(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    make_release(root, facts())
    head = (
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: %d\r\n\r\nS"
    )
    with running(root=root, query_seconds=0.5) as client:
        for length, status in ((100, b" 408 "), (99_999_999_999, b" 413 ")):
            with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10) as stranger:
                stranger.sendall(head % length)
                assert status in stranger.recv(4096).splitlines()[0]
