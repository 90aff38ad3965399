"""Attacks on a service with its default settings: what each is answered, and what the others feel of it meanwhile.

`python -m bench attacks [--write]`: at once as many runaways as there are workers, each of an address of its own, so
that every worker is busy; then those that are refused or overflow something, one by one. Takes a minute.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.test_worker import DEEP, RUNAWAYS

from bench.graphs import ROOT, find_graph
from bench.load import HOST
from bench.servers import Ours
from bench.tables import format_table, milliseconds, write_section
from bench.watched import Service, is_running, measure_memory, measure_processor, run_service
from cbdgraph.settings import Settings

SECURITY: Final = ROOT / "docs" / "security.md"
_AT_ONCE: Final = Settings().workers  # so that all are busy
_NAMES: Final = {
    "huge concat": "huge GROUP_CONCAT",
    "replace": "nested REPLACE (memory)",
    "regex": "catastrophic regex",
    "parentheses": "10,000 parentheses",
    "not": "30,000 negations",
    "union": "UNION of 20,000 empty groups",
    "or": "30,000 times ||",
}
_MORE: Final = {
    "UNION of 2,500 patterns": "SELECT * { " + " UNION ".join(["{ ?s ?p ?o }"] * 2500) + " }",
    "2,500 OPTIONALs": "SELECT * { " + "OPTIONAL { ?a ?b ?c } " * 2500 + " }",
    "a text of 250,000 quotes": "'" * 250_000,
    "SERVICE": "SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
    "LOAD": "LOAD <http://127.0.0.1/>",
}
_SAMPLE_SECONDS: Final = 0.2


@dataclass(slots=True)
class Attack:
    """One query, and what came of it."""

    name: str
    query: str
    worker: int = 0
    status: int = 0
    seconds: float = 0.0
    ended: float = 0.0
    freed: float = 0.0  # seconds from the answer to the end of the worker
    peak: float = 0.0  # MiB of its own
    health: list[tuple[float, float]] = field(default_factory=list)  # when, seconds


def main() -> None:
    attacks = [Attack(_NAMES.get(name, name), query) for name, query in {**RUNAWAYS, **DEEP, **_MORE}.items()]
    long, short = attacks[: len(RUNAWAYS)], attacks[len(RUNAWAYS) :]
    Ours("cbdgraph").prepare(find_graph("real"))
    rows = []
    with run_service({"proxies": HOST}) as service:
        for start in range(0, len(long), _AT_ONCE):
            rows += _run(service, long[start : start + _AT_ONCE])
        for attack in short:
            rows += _run(service, [attack])
        assert service.ask("/health")[0] == 200
    head = ("attack", "status", "answered after s", "worker gone after ms", "/health p50 ms", "max ms", "worker MiB")
    text = format_table(head, rows)
    print(text, flush=True)
    if "--write" in sys.argv:
        write_section("bench attacks", text, SECURITY)


def _run(service: Service, attacks: Sequence[Attack]) -> list[list[str]]:
    """Some attacks at once, and their rows."""
    threads, waiting = [], set(service.workers)
    before = {worker: measure_processor(worker) for worker in waiting}
    ending = threading.Event()
    health: list[tuple[float, float]] = []
    watch = threading.Thread(target=_watch_health, args=(service, ending, health))
    watch.start()
    started = time.perf_counter()
    for number, attack in enumerate(attacks):
        threads.append(threading.Thread(target=_ask, args=(service, attack, number)))
        threads[-1].start()
        deadline = time.perf_counter() + 1
        while threads[-1].is_alive() and not attack.worker and time.perf_counter() < deadline:
            for worker in waiting:
                if measure_processor(worker) > before[worker] + 0.05:  # that is who works on it
                    attack.worker = worker
            time.sleep(0.02)
        waiting.discard(attack.worker)
    sampled = 0.0
    while any(thread.is_alive() for thread in threads) or any(
        attack.worker and not attack.freed for attack in attacks
    ):
        now = time.perf_counter()
        for attack in attacks:
            if attack.ended and attack.worker and not attack.freed:
                if not is_running(attack.worker):
                    attack.freed = max(now - attack.ended, 0.0001)
                elif now - attack.ended > 1:
                    attack.freed = -1  # it was answered in time, and goes on
        if now - sampled > _SAMPLE_SECONDS:
            sampled = now
            for attack in attacks:
                if attack.worker and not attack.ended:
                    attack.peak = max(attack.peak, measure_memory(attack.worker).own)
        time.sleep(0.002)
    ending.set()
    watch.join()
    for thread in threads:
        thread.join()
    return [_row(attack, started, health) for attack in attacks]


def _ask(service: Service, attack: Attack, number: int) -> None:
    start = time.perf_counter()
    headers = {"Content-Type": "application/sparql-query", "X-Forwarded-For": f"203.0.113.{number}"}
    attack.status, _ = service.ask("/sparql", attack.query.encode(), headers)
    attack.ended = time.perf_counter()
    attack.seconds = attack.ended - start


def _watch_health(service: Service, ending: threading.Event, health: list[tuple[float, float]]) -> None:
    connection = http.client.HTTPConnection(HOST, service.port, timeout=30)
    while not ending.is_set():
        start = time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        health.append((start, time.perf_counter() - start))
        time.sleep(0.005)
    connection.close()


def _row(attack: Attack, started: float, health: list[tuple[float, float]]) -> list[str]:
    felt = [seconds for at, seconds in health if started <= at <= attack.ended] or [s for _, s in health]
    freed = "–" if not attack.worker else "stays" if attack.freed < 0 else milliseconds(attack.freed)
    peak = f"{attack.peak:,.0f}" if attack.peak else "–"
    figures = (f"{attack.seconds:.2f}", freed, milliseconds(statistics.median(felt)), milliseconds(max(felt)), peak)
    return [attack.name, str(attack.status), *figures]
