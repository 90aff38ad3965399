"""Inference engines on the same triples: seconds, and whether they draw the conclusions that the graph serves.

The engines do different amounts of work: owlrl and reasonable run all of OWL 2 RL, ours only the rules that have
axioms here and a use. A ratio is only given where the compared conclusions are the same.
"""

from __future__ import annotations

import logging
import multiprocessing
import queue
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from rdflib import Graph, URIRef

from cbdgraph.namespaces import expand
from cbdgraph.queries import read_queries
from cbdgraph.rdf.catalog import find_sources, read_sources
from cbdgraph.rdf.reason import ONTOLOGY_GRAPH, check_ontology, infer
from cbdgraph.rdf.turtle import Triple, format_ntriple, parse_turtle
from cbdgraph.store.embedded import Store

ROOT: Final = Path(__file__).resolve().parent.parent
LIMIT: Final = 60  # seconds for one engine on one graph

# The properties whose conclusions are served; types come out of every engine, and of some far more of them.
COMPARED: Final = frozenset(
    expand(f"cbd:{name}") for name in ("isPartOf", "cites", "citedBy", "onIssue", "addressesTarget", "carriesOut")
)
Lines = dict[str, list[str]]


class RdflibStore:
    """rdflib's own SPARQL behind the protocol of `infer`."""

    def __init__(self) -> None:
        from rdflib import Dataset

        self.dataset = Dataset()

    def insert(self, graph: str, ntriples: Iterable[str]) -> None:
        target = self.dataset.graph(URIRef(graph)) if graph else self.dataset.default_graph
        target.parse(data="\n".join(ntriples) + "\n", format="nt")

    def construct(self, query: str) -> list[str]:
        result = self.dataset.query(query)
        return sorted({format_ntriple(triple) for triple in result})  # type: ignore[arg-type]


def run_ours(lines: Lines) -> set[str]:
    found = infer(Store.memory(), read_queries(ROOT / "ontology" / "rules"), lines)
    return {line for each in found.triples.values() for line in each}


def run_rdflib(lines: Lines) -> set[str]:
    found = infer(RdflibStore(), read_queries(ROOT / "ontology" / "rules"), lines)
    return {line for each in found.triples.values() for line in each}


def run_owlrl(lines: Lines) -> set[str]:
    import owlrl

    graph = Graph().parse(data="\n".join(line for each in lines.values() for line in each), format="nt")
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    return {format_ntriple(triple) for triple in graph}


def run_reasonable(lines: Lines) -> set[str]:
    import reasonable

    with tempfile.NamedTemporaryFile("w", suffix=".ttl", encoding="utf-8") as file:
        file.write("\n".join(line for each in lines.values() for line in each) + "\n")
        file.flush()
        reasoner = reasonable.PyReasoner()
        reasoner.load_file(file.name)
        return {format_ntriple(triple) for triple in reasoner.reason()}


ENGINES: Final[dict[str, Callable[[Lines], set[str]]]] = {
    "our rules on Oxigraph": run_ours,
    "reasonable": run_reasonable,
    "our rules on rdflib": run_rdflib,
    "owlrl": run_owlrl,
}


def real_graph() -> Lines:
    """Everything that is asserted and not a shape."""
    sources = [source for source in find_sources(ROOT) if not source.is_shapes]
    return {name: [format_ntriple(t) for t in file.triples] for name, file in read_sources(sources).items()}


def synthetic_graph(decisions: int) -> Lines:
    """The ontology with `decisions` decisions of ten parts each, cited, under issues, naming targets."""
    text = ["@base <https://w3id.org/cbdgraph/> . @prefix cbd: <https://w3id.org/cbdgraph/ontology#> ."]
    for n in range(1, decisions + 1):
        root = f"decision/cop/{n % 16 + 1}/{n}"
        text.append(f"<{root}> a cbd:Decision .")
        for p in range(1, 6):
            para, item = f"{root}/para/{p}", f"{root}/para/{p}/item/a"
            text.append(f"<{para}> a cbd:Paragraph ; cbd:parent <{root}> ; cbd:level <level/para> .")
            text.append(f"<{item}> a cbd:Element ; cbd:parent <{para}> ; cbd:level <level/item> .")
        row = f"document/note/annex/1/row/{n % 24}"
        text.append(
            f"<document/note/citation/{n}> a cbd:Citation ; cbd:citingPart <{row}> ; cbd:issue <issue/{n % 24}> ; "
            f"cbd:citedPart <{root}/para/{n % 5 + 1}/item/a> ."
        )
        text.append(
            f"<{root}/para/1/citation/1> a cbd:TargetReference ; cbd:citingPart <{root}/para/1> ; "
            f"cbd:citedTarget <target/aichi/{n % 20 + 1}> ."
        )
    triples: tuple[Triple, ...] = parse_turtle("\n".join(text)).triples
    return {ONTOLOGY_GRAPH: real_graph()[ONTOLOGY_GRAPH], "x:data": [format_ntriple(triple) for triple in triples]}


def _work(name: str, lines: Lines, answer: Any) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    start = time.perf_counter()
    found = ENGINES[name](lines)
    seconds = time.perf_counter() - start
    asserted = {line for each in lines.values() for line in each}
    answer.put((seconds, len(found - asserted), frozenset(_compared(found - asserted))))


def _compared(lines: Iterable[str]) -> set[str]:
    return {line for line in lines if line.split(" ", 2)[1][1:-1] in COMPARED and "_:" not in line}


def measure(name: str, lines: Lines) -> tuple[float, int, frozenset[str]] | None:
    """Seconds, number of conclusions and the compared ones; None if it takes too long. In a process of its own."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=_work, args=(name, lines, answer))
    process.start()
    try:
        found: tuple[float, int, frozenset[str]] = answer.get(timeout=LIMIT)
    except queue.Empty:
        return None
    finally:
        process.kill()
        process.join()
    return found


def main() -> None:
    graphs = {
        "the real graph": real_graph(),
        "synthetic": synthetic_graph(1000),
        "synthetic, large": synthetic_graph(10_000),
    }
    for title, lines in graphs.items():
        print(f"{title}: {sum(map(len, lines.values())):,} triples")
        ours: tuple[float, int, frozenset[str]] | None = None
        for name in ENGINES:
            if title == "synthetic, large" and name in {"owlrl", "our rules on rdflib"}:
                continue
            found = measure(name, lines)
            if found is None:
                print(f"  {name:<24} over {LIMIT} s")
                continue
            seconds, count, compared = found
            ours = ours or found
            same = (
                "same"
                if compared == ours[2]
                else f"{len(ours[2] - compared):,} missing, {len(compared - ours[2]):,} more"
            )
            ratio = f"{seconds / ours[0]:7.1f}x" if compared == ours[2] else "       -"
            print(
                f"  {name:<24} {seconds:8.2f} s {ratio}  {count:>8,} conclusions; of the served properties: {same}",
                flush=True,
            )
    everything = [
        triple
        for source in read_sources([s for s in find_sources(ROOT) if not s.is_shapes]).values()
        for triple in source.triples
    ]
    found_by_hermit = check_ontology(everything)
    print(f"HermiT, consistency of the real graph: {found_by_hermit.seconds:.1f} s {found_by_hermit.skipped}")
