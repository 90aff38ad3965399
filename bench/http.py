"""SPARQL over HTTP, side by side: every server on the same graph, one run, rounds in turn; prints the tables.

`python -m bench http [--quick] [--only real|million] [--servers ours,oxigraph] [--write]`
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from bench.graphs import Graph, find_graph
from bench.load import Load, ask, make_request, quantile, run_load
from bench.mix import JSON, MIX, NTRIPLES, Query, Values, make_aggregates, make_queries, read_values
from bench.servers import SERVERS, Floor, Missing, Server, free_port, run_server
from bench.starts import measure_starts
from bench.tables import format_table, milliseconds, rate, ratio, write_section

_CHECKED, _WARM, _REPEATED, _ALONE = (
    number * 10**7 for number in range(1, 5)
)  # series of texts that are not those of the rounds
_CYCLES: Final = 10  # of the mix that are repeated: a hundred texts
_ANSWER_SECONDS: Final = 60.0


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


@dataclass(slots=True)
class Running:
    """A server that has been started, and what was measured on it."""

    name: str
    server: Server
    port: int
    cold: list[Load] = field(default_factory=list)
    alone: list[Load] = field(default_factory=list)  # cold too, on one connection: what a query costs by itself
    cached: list[Load] = field(default_factory=list)
    fresh: dict[str, list[float]] = field(default_factory=dict)
    again: dict[str, list[float]] = field(default_factory=dict)

    def requests(self, queries: Sequence[Query]) -> list[bytes]:
        return [make_request(self.server.path, query.text, query.accept) for query in queries]

    @property
    def failures(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for load in (*self.cold, *self.cached):
            found.update(load.failures)
        return found


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
        return Plan(3, 4.0, 3.0, 10.0, 5, 5, write)
    return Plan(3, 10.0, 4.0, 30.0, 5, 1, write)


class Bench:
    """One graph: checks, rounds, aggregates, starts, tables."""

    def __init__(self, graph: Graph, plan: Plan, names: Sequence[str]) -> None:
        self.graph, self.plan = graph, plan
        self.values: Values = read_values(graph.file)
        self.missing: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.rows: dict[str, list[str]] = {}
        self.done: list[Running] = []
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
        self.done.extend(running)
        for name in self.names:
            if SERVERS[name].slow:
                with ExitStack() as stack:
                    if each := self._start(stack, name, SERVERS[name]):
                        self._round([each], 0, self.plan.slow)
                        self.done.append(each)
        starts = measure_starts(self.graph, self.names, self._first_query(), self.plan.starts, say)
        self._print(starts)

    def _prepare(self, name: str) -> bool:
        server = SERVERS[name]
        say(f"  prepare {server.name}")
        try:
            server.prepare(self.graph)
            self.versions[name] = server.version()
        except Missing as reason:
            self.missing[server.name] = str(reason)
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
            self.missing[server.name] = str(reason)
            say(f"  {reason}")
            return None
        say(f"  {server.name} answers after {seconds:.2f} s")
        running = Running(name, server, port)
        if name == "floor":
            self.versions[name] = server.version()
        else:
            self.rows[name] = [_count_rows(running, query) for query in self._series(_CHECKED, 2)]
        warm = running.requests(self._series(_WARM, 20))
        run_load(port, warm, seconds=self.plan.cold / 2, grace=_ANSWER_SECONDS)
        return running

    def _series(self, start: int, cycles: int) -> list[Query]:
        return list(islice(make_queries(self.values, start=start), cycles * len(MIX)))

    def _first_query(self) -> Query:
        return next(make_queries(self.values))

    def _mean_size(self, running: Running) -> int:
        sizes = [len(ask(running.port, request)[1]) for request in running.requests(self._series(_REPEATED, _CYCLES))]
        return round(statistics.mean(sizes))

    def _round(self, servers: Sequence[Running], number: int, seconds: float) -> None:
        cycles = round(1200 * seconds)
        cold, repeated = self._series(number * cycles, cycles), self._series(_REPEATED, _CYCLES)
        alone = self._series(_ALONE + number * cycles, cycles // 4)
        for each in servers:
            load = run_load(each.port, each.requests(cold), seconds=seconds, grace=_ANSWER_SECONDS)
            each.cold.append(load)
            each.alone.append(
                run_load(each.port, each.requests(alone), seconds=seconds / 2, connections=1, grace=_ANSWER_SECONDS)
            )
            requests = each.requests(repeated)
            if each.server.slow:
                requests = requests[: len(MIX)]
            warm = run_load(each.port, requests, seconds=seconds, grace=_ANSWER_SECONDS)
            if warm.answers < len(requests):
                say(f"  {each.server.name}: {warm.answers} of {len(requests)} texts in the warm-up")
            again = run_load(each.port, requests, seconds=self.plan.cached, grace=_ANSWER_SECONDS, repeat=True)
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
                    found = run_load(
                        each.port, each.requests([fresh]), seconds=60, connections=1, grace=_ANSWER_SECONDS
                    )
                    each.fresh.setdefault(template.name, []).append(found.quantile(0.5))
                    again = run_load(
                        each.port, each.requests([same] * 5), seconds=60, connections=1, grace=_ANSWER_SECONDS
                    )
                    each.again.setdefault(template.name, []).extend(s for _, s in again.latencies[1:])

    def _print(self, starts: dict[str, list[float]]) -> None:
        tables = Tables(self)
        text = "\n\n".join(tables.sections(starts))
        print(f"\n{text}\n", flush=True)
        if self.plan.write:
            write_section(f"bench http {self.graph.name}", text)


class Tables:
    """What a bench has measured, as Markdown."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def sections(self, starts: dict[str, list[float]]) -> Iterator[str]:
        bench = self.bench
        yield f"{bench.graph.triples:,} triples. " + "; ".join(bench.versions.values()) + "."
        for name, reason in bench.missing.items():
            yield f"{name}: {reason}."
        yield self._mix()
        yield self._by_template()
        yield self._aggregates()
        yield self._starts(starts)
        yield "\n".join(self._disagreements())

    def _mix(self) -> str:
        ours = next((each for each in self.bench.done if each.name == "ours"), None)
        rows = []
        for each in self.bench.done:
            row = [each.server.name]
            for mine, theirs in ((ours.cold if ours else [], each.cold), (ours.cached if ours else [], each.cached)):
                speed = statistics.median(load.rate for load in theirs)
                times = [seconds for load in theirs for _, seconds in load.latencies]
                row += [rate(speed), milliseconds(quantile(times, 0.5)), milliseconds(quantile(times, 0.99))]
                row.append(ratio(statistics.median(load.rate for load in mine), speed) if mine else "–")
            rows.append([*row, ", ".join(f"{count} {why}" for why, count in each.failures.items()) or "0"])
        head = ("server", "cold req/s", "p50 ms", "p99 ms", "ours is", "cached req/s", "p50 ms", "p99 ms", "ours is")
        return format_table((*head, "failures"), rows)

    def _by_template(self) -> str:
        servers = [each for each in self.bench.done if each.name != "floor"]
        rows = []
        for place, template in enumerate(MIX):
            row = [template.name]
            for each in servers:
                times = [s for load in each.alone for index, s in load.latencies if index % len(MIX) == place]
                row.append(milliseconds(quantile(times, 0.5)))
            rows.append(row)
        return "Cold, one connection, p50 in ms:\n\n" + format_table(
            ("query", *(each.server.name for each in servers)), rows
        )

    def _aggregates(self) -> str:
        servers = [each for each in self.bench.done if each.fresh]
        rows = []
        for template in make_aggregates():
            row = [template.name]
            for each in servers:
                row.append(milliseconds(quantile(each.fresh[template.name], 0.5)))
                row.append(milliseconds(quantile(each.again[template.name], 0.5)))
            rows.append(row)
        head = [f"{each.server.name}, {what}" for each in servers for what in ("new text", "repeated")]
        return "Aggregates over the whole graph, one connection, p50 in ms:\n\n" + format_table(
            ("query", *head), rows
        )

    def _starts(self, starts: dict[str, list[float]]) -> str:
        ours = statistics.median(starts["ours"]) if starts.get("ours") else 0.0
        rows = []
        for name, seconds in starts.items():
            middle = statistics.median(seconds)
            rows.append((SERVERS[name].name, f"{middle:.2f}", ratio(middle, ours), self._start_note(name)))
        return "From the command to the first answer:\n\n" + format_table(("server", "s", "ours is", "from"), rows)

    def _start_note(self, name: str) -> str:
        if name == "ours":
            return "`make serve`, nothing changed" if self.bench.graph.name == "real" else "the file"
        return "the file" if SERVERS[name].slow else "a database loaded before"

    def _disagreements(self) -> Iterator[str]:
        """Which servers do not answer with as many rows as most do."""
        queries = self.bench._series(_CHECKED, 2)
        found: dict[str, set[str]] = {}
        for place, query in enumerate(queries):
            common = Counter(rows[place] for rows in self.bench.rows.values()).most_common(1)[0][0]
            for name, rows in self.bench.rows.items():
                if rows[place] != common:
                    found.setdefault(name, set()).add(f"{query.template} ({rows[place]}, most {common})")
        if not found:
            yield f"All servers answer the {len(queries)} checked queries with the same number of rows."
        for name, each in found.items():
            yield f"{SERVERS[name].name} answers otherwise than most: {', '.join(sorted(each))}."


def _count_rows(running: Running, query: Query) -> str:
    """Rows, distinct triples or the boolean; or what went wrong."""
    request = make_request(running.server.path, query.text, query.accept)
    try:
        status, body, _ = ask(running.port, request, _ANSWER_SECONDS)
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
