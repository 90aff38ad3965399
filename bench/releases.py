"""Releases side by side: a build with older ones and without, the log's steps beside a plain parse of the same lines,
answers of an older release beside those of the current one.

    python -m bench.releases                    the checkout's own log, to which two releases are added
    python -m bench.releases --triples 1000000  the steps of the log for a made dataset of that size too

The floor of every step is what Oxigraph takes to parse the same statements.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pyoxigraph as ox
import uvicorn

from bench.graphs import ROOT
from bench.tables import format_table, milliseconds, ratio
from cbdgraph.changelog import (
    FOLDER,
    Log,
    LoggedRelease,
    compare,
    join_resources,
    read_log,
    split_resources,
    write_release,
)
from cbdgraph.history import History, describe_log, write_history
from cbdgraph.namespaces import CHANGES
from cbdgraph.quads import split_graphs
from cbdgraph.server import create_app
from cbdgraph.server.listen import make_config
from cbdgraph.settings import Settings
from cbdgraph.store.canonical import canonical_lines, hash_lines
from cbdgraph.store.releases import Release, build_lock, publish

ROUNDS: Final = 5
ASKED: Final = 200
CHANGED: Final = 50  # one resource in so many gets another text
QUERY: Final = "SELECT ?class (COUNT(*) AS ?number) { ?x a ?class } GROUP BY ?class ORDER BY ?class #"

State = dict[str, tuple[str, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--triples", type=int, default=0)
    triples = parser.parse_args().triples
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = read_log(ROOT / FOLDER)
        log = _prolong(_prolong(first))
        lines = list(join_resources(log.replay()))
        head = ("step", "s", "µs a quad", "of a parse")
        print(f"{len(lines):,} quads, {len(log.replay()):,} resources, three releases\n")
        print(format_table(head, _steps(folder, lines, log)) + "\n")
        print(format_table(("a build", "s", "of the first"), _builds(folder, log)) + "\n")
        print(format_table(("an answer, p50 in ms", "current", "older", "older is"), _answers(folder, log)))
    if triples:
        # In a process of its own, so that its memory is its own.
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_measure_made, args=(triples,))
        process.start()
        process.join()


def _prolong(log: Log) -> Log:
    """The log with one more release, in which one resource in `CHANGED` has another text."""
    before, last = log.replay(), log.last
    assert last is not None
    number = f"0.{last.sort_key[1] + 1}.0"
    edited: list[str] = []
    for place, (name, content) in enumerate(before.items()):
        graph = content[0].rpartition(" <")[2]
        extra = [f'<{name}> <x:said> "{number}" <{graph}'] if place % CHANGED == last.sort_key[1] else []
        edited += [*join_resources({name: content}), *extra] if not any("_:" in c for c in content) else []
    edited += join_resources({name: content for name, content in before.items() if any("_:" in c for c in content)})
    quads = canonical_lines(edited)
    entries = compare(before, split_resources(quads, canonical_lines), {})
    issued = f"{2100 + last.sort_key[1]}-01-01T00:00:00Z"
    return Log((*log.releases, LoggedRelease(number, issued, hash_lines(quads), last.number, entries)))


def _graphs(log: Log) -> dict[str, list[str]]:
    return {**split_graphs(join_resources(log.replay())), CHANGES: describe_log(log)}


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _steps(folder: Path, lines: Sequence[str], log: Log, rounds: int = ROUNDS) -> list[list[str]]:
    quads = canonical_lines(lines)
    state = split_resources(quads, canonical_lines)
    history = folder / "history"
    history.mkdir()
    files = iter(range(rounds))

    def write() -> None:
        target = folder / f"log-{next(files)}"
        for release in log.releases:
            write_release(target, release)

    text = "\n".join(lines)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("a plain parse", lambda: ox.Dataset(ox.parse(text, format=ox.RdfFormat.N_QUADS))),
        ("canonical form", lambda: canonical_lines(lines)),
        ("hash of it", lambda: hash_lines(quads)),
        ("by resource", lambda: split_resources(quads, canonical_lines)),
        ("compared with itself", lambda: compare(state, state, {})),
        ("the log is written", write),
        ("the log is read", lambda: read_log(folder / "log-0")),
        ("replayed", log.replay),
        ("history is written", lambda: write_history(history, log, state)),
        ("history is opened", lambda: History.open(history)),
    ]
    best = {name: min(_seconds(run) for _ in range(rounds)) for name, run in steps}
    floor = best["a plain parse"]
    return [[n, f"{s:.3f}", f"{s / len(lines) * 1e6:.2f}", ratio(s, floor)] for n, s in best.items()]


def _builds(folder: Path, log: Log) -> list[list[str]]:
    graphs = _graphs(log)

    def build(older: int, again: bool) -> float:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            if again:
                _publish(Path(name), graphs, log, older)
            return _seconds(lambda: _publish(Path(name), graphs, log, older))

    kinds = [("alone", 0, False), ("with one older", 1, False), ("with two older", 2, False), ("again", 2, True)]
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(3):
        for words, older, again in kinds:
            found[words].append(build(older, again))
    first = min(found["alone"])
    return [[words, f"{min(times):.2f}", ratio(min(times), first)] for words, times in found.items()]


def _publish(build: Path, graphs: dict[str, list[str]], log: Log, older: int) -> Release:
    with build_lock(build):
        return publish(build, graphs, input_hash="", log=log, older=older)


@contextmanager
def _serving(build: Path) -> Iterator[httpx.Client]:
    settings = Settings(root=ROOT, build=build, port=0)
    app = create_app(settings)
    server = uvicorn.Server(make_config(app, settings, app.state.find))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(20)


def _answers(folder: Path, log: Log) -> list[list[str]]:
    """Current and older by turns, one connection."""
    build = folder / "build"
    _publish(build, _graphs(log), log, 1)
    number = log.releases[-2].number
    asked: list[tuple[str, Callable[[int], str]]] = [
        ("a query, new", lambda turn: f"/sparql?format=csv&query={QUERY.replace('#', '%23')}{turn}"),
        ("a query, asked again", lambda _: f"/sparql?format=csv&query={QUERY.replace('#', '%23')}"),
        ("a resource, asked again", lambda _: "/decision/cop/11/16"),
    ]
    rows = []
    with _serving(build) as client:
        opening = _seconds(lambda: client.get(f"/version?release={number}").raise_for_status())
        for words, make in asked:
            times: dict[str, list[float]] = {"": [], number: []}
            for turn in range(ASKED):
                for release, taken in times.items():
                    address = make(turn)
                    mark = "&" if "?" in address else "?"
                    address += f"{mark}release={release}" if release else ""
                    taken.append(_seconds(lambda address=address: client.get(address).raise_for_status()))  # type: ignore[misc]
            current, older = (sorted(taken)[len(taken) // 2] for taken in times.values())
            rows.append([words, milliseconds(current), milliseconds(older), ratio(older, current)])
    rows.append(["the first, which opens it", "–", milliseconds(opening), "–"])
    return rows


def _measure_made(triples: int) -> None:
    """The steps of the log for resources of ten statements each, one blank node in a hundred resources."""
    lines = []
    for number in range(triples // 10):
        graph = f"<http://example.org/graph/{number % 50}>"
        subject = f"<http://example.org/resource/{number}>"
        blank = number % 100 == 0
        for place in range(9 if blank else 10):
            lines.append(f'{subject} <http://example.org/p{place}> "text {number} of {place}"@en {graph} .')
        if blank:
            lines.append(f"{subject} <http://example.org/q> _:b{number} {graph} .")
            lines.append(f'_:b{number} <http://example.org/p> "{number}" {graph} .')
    state = split_resources(canonical_lines(lines), canonical_lines)
    digest = hash_lines(canonical_lines(lines))
    log = Log((LoggedRelease("0.1.0", "2100-01-01T00:00:00Z", digest, "", compare({}, state, {})),))
    with tempfile.TemporaryDirectory() as name:
        rows = _steps(Path(name), lines, log, rounds=1)
        size = (Path(name) / "log-0" / "0.1.0.jsonl.gz").stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{len(lines):,} quads, {len(state):,} resources, one release of {size:.1f} MB; {peak:,.0f} MiB at most\n"
    )
    print(format_table(("step", "s", "µs a quad", "of a parse"), rows))


if __name__ == "__main__":
    main()
