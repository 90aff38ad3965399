"""What each query of the mix costs in the engine alone: pyoxigraph in this process, in memory and on disk.

`python -m bench engine [--write]`
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import pyoxigraph as ox

from bench.graphs import find_graph
from bench.load import quantile
from bench.mix import MIX, NTRIPLES, Query, make_aggregates, make_queries, read_values
from bench.tables import format_table, milliseconds, ratio, write_section

_CYCLES = 40


def main() -> None:
    sections = []
    for name in ("real", "million"):
        graph = find_graph(name)
        queries = list(islice(make_queries(read_values(graph.file)), _CYCLES * len(MIX)))
        queries += [Query(each.name, each.text, each.accept) for each in make_aggregates() for _ in range(3)]
        folder = Path(tempfile.mkdtemp(prefix="cbdgraph-bench-"))
        try:
            stores, loaded = {}, {}
            for kind in ("memory", "disk"):
                start = time.perf_counter()
                stores[kind] = _load(graph.file, folder / "store" if kind == "disk" else None)
                loaded[kind] = time.perf_counter() - start
            times: dict[str, dict[str, list[float]]] = {kind: {} for kind in stores}
            sizes: dict[str, list[int]] = {}
            for query in queries:
                for kind, store in stores.items():
                    start = time.perf_counter()
                    size = _answer(store, query)
                    times[kind].setdefault(query.template, []).append(time.perf_counter() - start)
                    sizes.setdefault(query.template, []).append(size)
        finally:
            shutil.rmtree(folder)
        rows = []
        for template, each in times["memory"].items():
            memory, disk = quantile(each, 0.5), quantile(times["disk"][template], 0.5)
            mean = sum(sizes[template]) / len(sizes[template])
            rows.append((template, milliseconds(memory), milliseconds(disk), ratio(disk, memory), f"{mean:,.0f}"))
        seconds = ", ".join(f"{kind} {value:.2f} s" for kind, value in loaded.items())
        head = f"{graph.triples:,} triples; loaded: {seconds}."
        sections.append(f"{head}\n\n{format_table(('query', 'memory ms', 'disk ms', 'memory is', 'bytes'), rows)}")
        print(f"\n{sections[-1]}", flush=True)
    if "--write" in sys.argv:
        write_section("bench engine", "\n\n".join(sections))


def _load(file: Path, place: Path | None) -> ox.Store:
    store = ox.Store() if place is None else ox.Store(str(place))
    store.bulk_load(path=str(file), format=ox.RdfFormat.N_TRIPLES)
    if place is None:
        return store
    store.optimize()
    store.flush()
    del store
    return ox.Store.read_only(str(place))


def _answer(store: ox.Store, query: Query) -> int:
    result = store.query(query.text)
    if query.accept == NTRIPLES:
        assert isinstance(result, ox.QueryTriples)
        return len(result.serialize(format=ox.RdfFormat.N_TRIPLES) or b"")
    assert isinstance(result, ox.QuerySolutions | ox.QueryBoolean)
    return len(result.serialize(format=ox.QueryResultsFormat.JSON) or b"")
