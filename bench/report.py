"""What was measured on one graph, and how it is told: figures in, Markdown out; starts and asks nothing."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.graphs import Graph
from bench.load import Load, make_request, quantile
from bench.mix import MIX, Query, make_aggregates
from bench.servers import SERVERS, Server
from bench.tables import format_table, milliseconds, rate, ratio

NOT_ASKED = "not asked"


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
    rows: list[str] = field(default_factory=list)  # of the queries that are checked

    @property
    def grace(self) -> float:
        """Seconds for an answer that was asked for in time."""
        return 30.0 if self.server.slow else 60.0

    def requests(self, queries: Sequence[Query]) -> list[bytes]:
        """The bytes that ask this server."""
        return [make_request(self.server.path, query.text, query.accept) for query in queries]

    @property
    def failures(self) -> Counter[str]:
        """How many requests failed, by reason."""
        found: Counter[str] = Counter()
        for load in (*self.cold, *self.alone, *self.cached):
            found.update(load.failures)
        return found


@dataclass(slots=True)
class Measured:
    """One graph: who was measured, who could not be and why, the queries that were checked, seconds of starts."""

    graph: Graph
    checked: Sequence[Query]
    servers: list[Running] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    starts: Mapping[str, Sequence[float]] = field(default_factory=dict)
    busy: float = 0.0  # processors that others used before the first round


def format_report(measured: Measured) -> str:
    """All tables and notes."""
    sections = (_introduce, _mix, _goals, _alone, _aggregates, _starts, _disagreements)
    return "\n\n".join(text for section in sections if (text := section(measured)))


def times_faster(ours: Sequence[Load], theirs: Sequence[Load]) -> float:
    """How many times as many answers each second; rounds are compared one by one, since the machine drifts."""
    if not ours or not theirs:
        return 0.0
    if len(ours) == len(theirs):
        shares = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True) if other.rate]
        return statistics.median(shares) if shares else 0.0
    other = statistics.median(load.rate for load in theirs)
    return statistics.median(load.rate for load in ours) / other if other else 0.0


def _find(measured: Measured, name: str) -> Running | None:
    return next((each for each in measured.servers if each.name == name), None)


def _introduce(measured: Measured) -> str:
    processors = f"{os.cpu_count()} shared cores"
    lines = [f"{measured.graph.triples:,} triples, {processors}. {'; '.join(measured.versions.values())}."]
    if measured.busy > 0.2:
        lines.append(f"The machine was not idle: others used {measured.busy:.1f} of its cores before the start.")
    lines += [f"{name}: {reason}." for name, reason in measured.missing.items()]
    return "\n".join(lines)


def _mix(measured: Measured) -> str:
    ours = _find(measured, "ours")
    rows = []
    for each in measured.servers:
        row = [each.server.name]
        for mine, theirs in ((ours.cold if ours else [], each.cold), (ours.cached if ours else [], each.cached)):
            times = [seconds for load in theirs for _, seconds in load.latencies]
            row += [rate(statistics.median([load.rate for load in theirs] or [0.0]))]
            row += [milliseconds(quantile(times, 0.5)), milliseconds(quantile(times, 0.99))]
            row.append(ratio(times_faster(mine, theirs), 1))
        rows.append([*row, ", ".join(f"{count} {why}" for why, count in each.failures.items()) or "0"])
    head = ("server", "cold req/s", "p50 ms", "p99 ms", "ours is", "cached req/s", "p50 ms", "p99 ms", "ours is")
    return format_table((*head, "failures"), rows)


def _alone(measured: Measured) -> str:
    servers = [each for each in measured.servers if each.name != "floor"]
    rows = []
    for place, template in enumerate(MIX):
        row = [template.name]
        for each in servers:
            times = [s for load in each.alone for index, s in load.latencies if index % len(MIX) == place]
            row.append(milliseconds(quantile(times, 0.5)))
        rows.append(row)
    return "Cold, one connection, p50 in ms:\n\n" + format_table(("query", *(s.server.name for s in servers)), rows)


def _aggregates(measured: Measured) -> str:
    servers = [each for each in measured.servers if each.fresh]
    if not servers:
        return ""
    rows = []
    for template in make_aggregates():
        row = [template.name]
        for each in servers:
            row.append(milliseconds(quantile(each.fresh[template.name], 0.5)))
            row.append(milliseconds(quantile(each.again[template.name], 0.5)))
        rows.append(row)
    head = [f"{each.server.name}, {what}" for each in servers for what in ("new", "again")]
    words = "Aggregates over the whole graph, one connection, p50 in ms, as a new text and asked again:"
    return f"{words}\n\n" + format_table(("query", *head), rows)


def _starts(measured: Measured) -> str:
    rows = []
    for name, seconds in measured.starts.items():
        middle, mine = statistics.median(seconds), measured.starts.get("ours")
        rows.append(
            (
                SERVERS[name].name,
                f"{middle:.2f}",
                ratio(middle, statistics.median(mine)) if mine else "–",
                SERVERS[name].starts_from(measured.graph),
            )
        )
    if not rows:
        return ""
    return "From the command to the first answer:\n\n" + format_table(("server", "s", "ours is", "from"), rows)


def _goals(measured: Measured) -> str:
    """What was aimed at, and what came of it."""
    real = measured.graph.name == "real"
    cold, cached = (_compare(measured, kind) for kind in ("cold", "cached"))
    rdflib = [times for name in ("rdflib-memory", "rdflib-oxigraph") if (times := cold(name))]
    found = [
        ("cold, Oxigraph's server", 1.5 if real else 1.0, cold("oxigraph")),
        ("cached, Oxigraph's server", 6.0, cached("oxigraph")),
        ("cold, the better rdflib-endpoint", 40.0, min(rdflib, default=0.0)),
        ("cached, the floor", 1 / 1.3, cached("floor")),
    ]
    if real:
        found.append(("first answer, the sooner rdflib-endpoint", 3.0, _sooner(measured)))
    else:
        for what in ("fresh", "again"):
            words = f"aggregates {'as a new text' if what == 'fresh' else 'asked again'}, Virtuoso"
            found.append((words, 1.0, _aggregate_share(measured, what)))
    rows = [
        (words, f"{wanted:.2f}x", ratio(times, 1), "yes" if times >= wanted else "no")
        for words, wanted, times in found
        if times
    ]
    return format_table(("ours against", "goal", "measured", "met"), rows) if rows else ""


def _compare(measured: Measured, kind: str) -> Callable[[str], float]:
    def compare(name: str) -> float:
        ours, other = _find(measured, "ours"), _find(measured, name)
        return times_faster(getattr(ours, kind), getattr(other, kind)) if ours and other else 0.0

    return compare


def _sooner(measured: Measured) -> float:
    ours = measured.starts.get("ours")
    others = [statistics.median(s) for name, s in measured.starts.items() if name.startswith("rdflib")]
    return min(others) / statistics.median(ours) if ours and others else 0.0


def _aggregate_share(measured: Measured, what: str) -> float:
    """Virtuoso's time in ours, the geometric mean of the aggregates."""
    ours, other = _find(measured, "ours"), _find(measured, "virtuoso")
    if ours is None or other is None or not ours.fresh:
        return 0.0
    mine, theirs = getattr(ours, what), getattr(other, what)
    return statistics.geometric_mean(
        [statistics.median(theirs[name]) / statistics.median(mine[name]) for name in mine]
    )


def _disagreements(measured: Measured) -> str:
    return "\n".join(_find_disagreements(measured))


def _find_disagreements(measured: Measured) -> Iterator[str]:
    """Which servers do not answer with as many rows as most do."""
    asked = [each for each in measured.servers if each.rows]
    found: dict[str, set[str]] = {}
    for place, query in enumerate(measured.checked):
        common = Counter(each.rows[place] for each in asked).most_common(1)
        for each in asked:
            if each.rows[place] not in {common[0][0], NOT_ASKED}:
                found.setdefault(each.server.name, set()).add(f"{query.template}: {each.rows[place]}")
    if not found:
        yield f"All servers answer the {len(measured.checked)} checked queries with the same number of rows."
    for name, answers in found.items():
        yield f"{name} answers otherwise than most: {', '.join(sorted(answers))}."
