"""SPARQL over HTTP, side by side: every server on the same graph, one run, rounds in turn; prints the tables.

`python -m bench http [--quick] [--only real|million] [--servers ours,oxigraph] [--write]`
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bench.graphs import Graph, find_graph
from bench.load import ask, make_request, run_load
from bench.mix import JSON, MIX, NTRIPLES, Query, Values, make_aggregates, make_queries, read_values
from bench.report import NOT_ASKED, Measured, Running, format_report
from bench.servers import SERVERS, Floor, Missing, Server, free_port, run_server
from bench.starts import measure_starts
from bench.tables import write_section

# Series of texts that are not those of the rounds.
_CHECKED, _WARM, _REPEATED, _ALONE = (number * 10**7 for number in range(1, 5))
_CYCLES: Final = 10  # of the mix that are repeated: a hundred texts
_CHECK_SECONDS: Final = 60.0  # after which a server is asked no more of the checked queries


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often."""

    rounds: int
    cold: float
    cached: float
    slow: float
    aggregates: int
    starts: int
    write: bool


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended then too
    options = _options()
    names = options.servers.split(",") if options.servers else list(SERVERS)
    for name in names:
        if name not in SERVERS:
            raise SystemExit(f"there is no server {name!r}; there are: {', '.join(SERVERS)}")
    for graph_name in [options.only] if options.only else ["real", "million"]:
        plan = _plan(graph_name, options.quick, options.write)
        graph = find_graph(graph_name)
        say(f"{graph.name}: {graph.triples:,} triples")
        Bench(graph, plan, names).run()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench http")
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="short rounds; figures are rough")
    parser.add_argument("--only", choices=("real", "million"), help="one graph")
    parser.add_argument("--servers", help=f"some of {','.join(SERVERS)}")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    return parser.parse_args()


def _plan(graph: str, quick: bool, write: bool) -> Plan:
    if quick:
        return Plan(1, 2.0, 1.0, 3.0, 2, 1, write)
    if graph == "real":
        return Plan(7, 2.0, 1.5, 10.0, 5, 5, write)
    return Plan(5, 8.0, 3.0, 30.0, 3, 1, write)


class Bench:
    """One graph: checks, rounds, aggregates, starts, tables."""

    def __init__(self, graph: Graph, plan: Plan, names: Sequence[str]) -> None:
        self.graph, self.plan = graph, plan
        self.values: Values = read_values(graph.file)
        self.measured = Measured(graph, self._series(_CHECKED, 2), busy=_measure_others())
        self.names = [name for name in names if self._prepare(name)]

    def run(self) -> None:
        fast = [name for name in self.names if not SERVERS[name].slow]
        with ExitStack() as stack:
            running = [each for name in fast if (each := self._start(stack, name, SERVERS[name]))]
            if running:
                floor = Floor("the floor", size=self._mean_size(running[0]))
                if started := self._start(stack, "floor", floor):
                    running.append(started)
            for number in range(self.plan.rounds):
                say(f"round {number + 1} of {self.plan.rounds}")
                self._round(running, number, self.plan.cold)
            self._aggregates([each for each in running if each.name != "floor"])
        self.measured.servers.extend(running)
        for name in self.names:
            if SERVERS[name].slow:
                with ExitStack() as stack:
                    if each := self._start(stack, name, SERVERS[name]):
                        self._round([each], 0, self.plan.slow)
                        self._check(each)  # afterwards: what it has not finished in time keeps it busy
                        self.measured.servers.append(each)
        self.measured.starts = measure_starts(self.graph, self.names, self._first_query(), self.plan.starts, say)
        text = format_report(self.measured)
        print(f"\n{text}\n", flush=True)
        if self.plan.write:
            write_section(f"bench http {self.graph.name}", text)

    def _prepare(self, name: str) -> bool:
        server = SERVERS[name]
        say(f"  prepare {server.name}")
        try:
            server.prepare(self.graph)
            self.measured.versions[name] = server.version()
        except Missing as reason:
            self.measured.missing[server.name] = str(reason)
            say(f"  {server.name}: {reason}")
            return False
        return True

    def _start(self, stack: ExitStack, name: str, server: Server) -> Running | None:
        """A started server that has answered a query, has been checked and is warm."""
        port = free_port()
        first = self._first_query()
        try:
            seconds = stack.enter_context(
                run_server(server, self.graph, port, make_request(server.path, first.text, first.accept))
            )
        except Missing as reason:
            self.measured.missing[server.name] = str(reason)
            say(f"  {reason}")
            return None
        say(f"  {server.name} answers after {seconds:.2f} s")
        running = Running(name, server, port)
        if name == "floor":
            self.measured.versions[name] = server.version()
        elif not server.slow:
            self._check(running)
        if not server.slow:
            warm = running.requests(self._series(_WARM, 20))
            run_load(port, warm, seconds=self.plan.cold / 2, grace=running.grace)
        return running

    def _check(self, running: Running) -> None:
        """Count the rows of some queries, for as long as there is time."""
        deadline = time.monotonic() + _CHECK_SECONDS
        for query in self.measured.checked:
            asked = time.monotonic() < deadline
            running.rows.append(_count_rows(running, query) if asked else NOT_ASKED)

    def _series(self, start: int, cycles: int) -> list[Query]:
        return list(islice(make_queries(self.values, start=start), cycles * len(MIX)))

    def _first_query(self) -> Query:
        return next(make_queries(self.values))

    def _mean_size(self, running: Running) -> int:
        sizes = [len(ask(running.port, request)[1]) for request in running.requests(self._series(_REPEATED, _CYCLES))]
        return round(statistics.mean(sizes))

    def _round(self, servers: Sequence[Running], number: int, seconds: float) -> None:
        cycles = round((1200 if self.graph.name == "real" else 300) * seconds)
        cold, repeated = self._series(number * cycles, cycles), self._series(_REPEATED, _CYCLES)
        alone = self._series(_ALONE + number * cycles, cycles // 4)
        for each in servers:
            load = run_load(each.port, each.requests(cold), seconds=seconds, grace=each.grace)
            each.cold.append(load)
            if each.server.slow and load.failed:
                say(f"  {each.server.name}: {load.answers} answers, {', '.join(load.failures)}")
                continue  # it is still busy with them
            each.alone.append(
                run_load(each.port, each.requests(alone), seconds=seconds / 2, connections=1, grace=each.grace)
            )
            requests = each.requests(repeated)
            if each.server.slow:
                requests = requests[: len(MIX)]
            warm = run_load(each.port, requests, seconds=seconds, grace=each.grace)
            if warm.answers < len(requests):
                say(f"  {each.server.name}: {warm.answers} of {len(requests)} texts in the warm-up")
            again = run_load(each.port, requests, seconds=self.plan.cached, grace=each.grace, repeat=True)
            each.cached.append(again)
            say(
                f"  {each.server.name:<28} cold {load.rate:9,.1f}/s  cached {again.rate:9,.1f}/s"
                f"  {', '.join((*load.failures, *again.failures))}"
            )

    def _aggregates(self, servers: Sequence[Running]) -> None:
        say("aggregates")
        for number in range(self.plan.aggregates):
            for template in make_aggregates():
                fresh = Query(template.name, f"{template.text}\n# {number}", template.accept)
                same = Query(template.name, template.text, template.accept)
                for each in servers:
                    found = run_load(each.port, each.requests([fresh]), seconds=60, connections=1, grace=each.grace)
                    each.fresh.setdefault(template.name, []).append(found.quantile(0.5))
                    again = run_load(
                        each.port, each.requests([same] * 5), seconds=60, connections=1, grace=each.grace
                    )
                    each.again.setdefault(template.name, []).extend(s for _, s in again.latencies[1:])


def _measure_others() -> float:
    """How many processors are busy now with what is none of ours, over two seconds; 0 where nobody tells."""
    try:
        before = _processor_times()
        time.sleep(2)
        after = _processor_times()
    except OSError:
        return 0.0
    passed = [late - early for early, late in zip(before, after, strict=True)]
    idle = sum(passed[3:5])  # idle and waiting for a disk
    return (os.cpu_count() or 1) * (1 - idle / sum(passed))


def _processor_times() -> list[int]:
    with Path("/proc/stat").open(encoding="ascii") as stream:
        return [int(word) for word in stream.readline().split()[1:9]]


def _count_rows(running: Running, query: Query) -> str:
    """Rows, distinct triples or the boolean; or what went wrong."""
    request = make_request(running.server.path, query.text, query.accept)
    try:
        status, body, _ = ask(running.port, request, running.grace)
    except OSError as error:
        return type(error).__name__
    if status != 200:
        return f"status {status}"
    if query.accept == NTRIPLES:
        return f"{len({line for line in body.splitlines() if line.strip() and not line.startswith(b'#')})} triples"
    assert query.accept == JSON
    answer = json.loads(body)
    return str(answer["boolean"]).lower() if "boolean" in answer else f"{len(answer['results']['bindings'])} rows"


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)
