"""An hour's requests in a few minutes: mixed load on a service whose memory, descriptors and processes must not grow.

`python -m bench soak [--minutes N] [--write]`: as many requests as come in an hour at ten in a second, of every kind:
new queries and repeated ones, pages, errors, whole graphs, explanations, clients that leave, queries that run away,
workers and their parent killed, another release twice a minute. Prints what there is minute by minute; the exit code
is 1 if memory after the first minute grows by more than a tenth or 20 MiB, or anything else remains.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import shutil
import signal
import socket
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from tests.test_worker import CROSS, RUNAWAYS

from bench.attacks import SECURITY
from bench.graphs import FOLDER, ROOT, find_graph
from bench.load import HOST
from bench.mix import Values, make_queries, read_values
from bench.servers import Ours
from bench.tables import format_table, write_section
from bench.watched import Service, count_descriptors, measure_memory, run_service
from cbdgraph.quads import split_graphs
from cbdgraph.settings import Settings
from cbdgraph.store.releases import build_lock, current_release, publish

_PER_HOUR: Final = 36_000
_THREADS: Final = 8
_SETTINGS: Final = {"proxies": HOST, "query_seconds": "3", "cache_mb": "16"}
_WARM_UP: Final = 60.0
_GROWTH: Final = 0.1
_GROWTH_MIB: Final = 20.0
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_PAGES: Final = (
    *("/", "/version", "/health", "/query/", "/dataset", "/sparql", "/openapi.json", "/target/aichi/15"),
    *("/decision/cop/11/16", "/why?subject=decision/cop/11/16", "/query/targets-in-set?set=aichi"),
    "/resolve?citation=XI/16",
)
_ERRORS: Final = (
    *("/none", "/target/aichi/99", "/query/none", "/?format=none", "/sparql?query=SELECT", "/sparql?query=%ff"),
    *("/resolve?citation=?", "/sparql?query=LOAD%20%3Cx%3A%3E", "/graph-store?graph=none", "/" + "x" * 20_000),
)


@dataclass(slots=True)
class Sample:
    """What the processes take at one time: MiB, numbers."""

    at: float
    service: float
    parent: float
    workers: float
    descriptors: int
    processes: int

    @property
    def total(self) -> float:
        return self.service + self.parent + self.workers


@dataclass(slots=True)
class Soak:
    """A run: what is asked, and what came of it."""

    service: Service
    values: Values
    seconds: float
    statuses: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def passed(self) -> float:
        return time.monotonic() - self.started

    def run(self, switch: Callable[[int], None]) -> None:
        """Everything at once until the time is over."""
        works: list[Callable[[], None]] = [partial(self._ask_much, seed) for seed in range(_THREADS)]
        works += [self._run_away, self._kill, lambda: self._switch(switch)]
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        while self.passed < self.seconds:
            self.samples.append(self._sample())
            time.sleep(0.5)
        for thread in threads:
            thread.join()

    def _sample(self) -> Sample:
        parents, workers = self.service.parents, self.service.workers
        everyone = (self.service.process.pid, *parents, *workers)
        service, parent, worker = (
            sum(measure_memory(pid).share for pid in group) for group in (everyone[:1], parents, workers)
        )
        descriptors = count_descriptors(self.service.process.pid)
        return Sample(self.passed, service, parent, worker, descriptors, len(everyone))

    def _ask_much(self, seed: int) -> None:
        """One client's part of the load, evenly over the time."""
        chance = random.Random(seed)
        queries = make_queries(self.values, start=seed * 10**6)
        repeated = [next(queries) for _ in range(40)]
        mine = round(_PER_HOUR / _THREADS)
        connection = http.client.HTTPConnection(HOST, self.service.port, timeout=30)
        for number in range(mine):
            ahead = number / mine * self.seconds - self.passed
            if ahead > 0:
                time.sleep(ahead)
            elif self.passed > self.seconds:
                return
            dice = chance.random()
            headers = {"X-Forwarded-For": f"198.51.100.{chance.randrange(200)}"}
            if dice < 0.55:
                query = next(queries)
                target, headers["Accept"] = f"/sparql?query={quote(query.text)}", query.accept
            elif dice < 0.75:
                query = chance.choice(repeated)
                target, headers["Accept"] = f"/sparql?query={quote(query.text)}", query.accept
            elif dice < 0.88:
                target, headers["Accept"] = chance.choice(_PAGES), chance.choice(("text/html", "*/*"))
            elif dice < 0.97:
                target, headers["Accept"] = chance.choice(_ERRORS), chance.choice(("text/html", "*/*"))
            elif dice < 0.98:
                target = f"/sparql?explain=empty&query={quote(f'SELECT * {{ ?s <x:{number}> ?o }}')}"
            elif dice < 0.99:
                target = f"/sparql?format=nt&query={quote(f'CONSTRUCT WHERE {{ ?s ?p ?o }} # {seed} {number}')}"
            else:
                self._leave(chance)
                continue
            self._count(connection, target, headers)
        connection.close()

    def _count(self, connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> None:
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            answer.read()
            status = str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status = type(error).__name__
        with self.lock:
            self.statuses[status] += 1

    def _leave(self, chance: random.Random) -> None:
        """A client that asks and does not stay, of three kinds."""
        whole = urlencode({"query": f"{CROSS} # {chance.random()}"}).encode()
        head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        address = f"X-Forwarded-For: 192.0.2.{chance.randrange(200)}\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
        request = head + address + whole
        with suppress(OSError), socket.create_connection((HOST, self.service.port), timeout=5) as connection:
            connection.sendall(request[: chance.choice((10, len(head) + 5, len(request) - 3, len(request)))])
            time.sleep(chance.choice((0.0, 0.01, 0.2)))
        with self.lock:
            self.statuses["left"] += 1

    def _run_away(self) -> None:
        queries = [RUNAWAYS[name] for name in ("cross product", "nested optional", "huge concat", "distinct")]
        for number in count():
            if self.passed > self.seconds - 5:
                return
            body = urlencode({"query": f"{queries[number % len(queries)]} # {number}"}).encode()
            headers = {**_FORM, "X-Forwarded-For": f"203.0.113.{number % 200}"}
            with suppress(OSError, http.client.HTTPException):
                status, _ = self.service.ask("/sparql", body, headers)
                with self.lock:
                    self.statuses[f"{status} of runaways"] += 1

    def _kill(self) -> None:
        """A worker every ten seconds, and in the middle of each minute the parent of them all."""
        for number in count(1):
            while self.passed < number * 10:
                if self.passed > self.seconds - 5:
                    return
                time.sleep(0.1)
            victims = self.service.parents[-1:] if number % 6 == 3 else self.service.workers[-1:]
            for pid in victims:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _switch(self, switch: Callable[[int], None]) -> None:
        for number in count(1):
            while self.passed < number * 30 - 5:
                if self.passed > self.seconds - 10:
                    return
                time.sleep(0.1)
            switch(number % 2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench soak")
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long it takes; three at least")
    parser.add_argument("--write", action="store_true", help="put the table into docs/security.md")
    options = parser.parse_args()
    graph = find_graph("real")
    Ours("cbdgraph").prepare(graph)
    build = FOLDER / "soak"
    shutil.rmtree(build, ignore_errors=True)
    switch = _prepare(build)
    switch(0)
    with run_service({**_SETTINGS, "build": str(build)}) as service:
        soak = Soak(service, read_values(graph.file), options.minutes * 60)
        soak.run(switch)
        time.sleep(8)  # what was under way ends, and a release that was taken over closes
        last = soak._sample()
    text = _format(soak, last)
    print(text, flush=True)
    if options.write:
        write_section("bench soak", text, SECURITY)
    faults = list(_find_faults(soak, last))
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        raise SystemExit(1)


def _prepare(build: Path) -> Callable[[int], None]:
    """Two releases that differ by one triple, and how to switch to either."""
    release = current_release(ROOT / "build")
    assert release is not None
    graphs = split_graphs(release.graph_path.read_text(encoding="utf-8").rstrip("\n").split("\n"))

    def switch(number: int) -> None:
        more = {"https://w3id.org/cbdgraph/graph/soak": [f"<x:soak> <x:number> <x:{number}> ."]}
        with build_lock(build):
            publish(build, {**graphs, **more}, input_hash="")

    return switch


def _by_minute(samples: list[Sample]) -> list[list[Sample]]:
    minutes: dict[int, list[Sample]] = {}
    for sample in samples:
        minutes.setdefault(int(sample.at // 60), []).append(sample)
    return [minute for _, minute in sorted(minutes.items()) if len(minute) > 5]


def _format(soak: Soak, last: Sample) -> str:
    rows = []
    for number, minute in enumerate(_by_minute(soak.samples)):
        rows.append((f"{number + 1}", *_figures(minute)))
    rows.append(("after it", *_figures([last])))
    head = ("minute", "service MiB", "parent MiB", "workers MiB", "all MiB", "at most MiB", "open files", "processes")
    total = sum(soak.statuses.values())
    statuses = ", ".join(f"{name}: {number:,}" for name, number in sorted(soak.statuses.items()))
    return f"{format_table(head, rows)}\n\n{total:,} requests; by status: {statuses}."


def _figures(samples: list[Sample]) -> tuple[str, ...]:
    def middle(values: list[float]) -> str:
        return f"{statistics.median(values):.0f}"

    return (
        middle([sample.service for sample in samples]),
        middle([sample.parent for sample in samples]),
        middle([sample.workers for sample in samples]),
        middle([sample.total for sample in samples]),
        f"{max(sample.total for sample in samples):.0f}",
        middle([sample.descriptors for sample in samples]),
        middle([sample.processes for sample in samples]),
    )


def _find_faults(soak: Soak, last: Sample) -> Iterator[str]:
    minutes = _by_minute([sample for sample in soak.samples if sample.at >= _WARM_UP])
    if len(minutes) < 2:
        yield "it took less than three minutes, so that nothing can be said"
        return
    for name in ("service", "parent", "total"):
        early, late = (statistics.median(getattr(sample, name) for sample in minutes[place]) for place in (0, -1))
        if late - early > min(early * _GROWTH, _GROWTH_MIB):
            yield f"memory ({name}) grew from {early:.0f} to {late:.0f} MiB"
    if last.processes != 2 + Settings().workers:
        yield f"{last.processes} processes remain, and not the service, the parent of the workers and these"
    if last.descriptors > 60:
        yield f"{last.descriptors} descriptors remain"
    strange = {name for name in soak.statuses if name.isdecimal() and name in {"500", "502"}}
    if strange:
        yield f"answers of {', '.join(sorted(strange))}"
