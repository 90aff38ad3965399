"""Asserted triples and rules in, inferred triples by rule out; and what a real OWL reasoner says of the ontology.

The axioms stand once, in ontology/cbd.ttl. The rules of ontology/rules are those of OWL 2 RL in SPARQL and read the
axioms from there. Knows no SPARQL engine: `infer` runs on whatever the caller gives it (docs/decisions/0002).
"""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Protocol

from rdflib import OWL, RDF, RDFS, Graph
from rdflib.term import Node

from cbdgraph.errors import BuildError
from cbdgraph.iris import mint_graph
from cbdgraph.queries import Query
from cbdgraph.rdf.turtle import Triple, format_ntriple

ONTOLOGY_GRAPH: Final = mint_graph("ontology/cbd")
INFERRED: Final = mint_graph("inferred/")

# Chains in chains need few rounds; more than this means a rule that repeats what it has said.
_MOST_ROUNDS: Final = 50


class RuleStore(Protocol):
    """What `infer` needs of a store: lines of N-Triples in, lines of N-Triples out; "" is the default graph."""

    def insert(self, graph: str, ntriples: Iterable[str]) -> None: ...

    def construct(self, query: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Inference:
    """What followed: N-Triples lines by rule, sorted, and how many rounds it took until nothing new came."""

    triples: Mapping[str, tuple[str, ...]]
    rounds: int

    @property
    def count(self) -> int:
        """How many triples were inferred."""
        return sum(map(len, self.triples.values()))


def infer(store: RuleStore, rules: Mapping[str, Query], asserted: Mapping[str, Iterable[str]]) -> Inference:
    """Run the rules until nothing new follows; `asserted` are N-Triples lines by graph IRI, the ontology among them.

    `store` is empty and is left holding everything in its default graph. A triple that is asserted is never inferred;
    one that several rules give counts for the rule that gave it first, in rounds and in order of name.
    """
    for graph, lines in asserted.items():
        kept = list(lines)
        store.insert("", kept)
        if graph == ONTOLOGY_GRAPH:
            store.insert(graph, kept)
    found: dict[str, list[str]] = {name: [] for name in sorted(rules)}
    rounds = 0
    new = True
    while new:
        new = False
        rounds += 1
        if rounds > _MOST_ROUNDS:
            raise BuildError(f"the rules still give something new after {_MOST_ROUNDS} rounds")
        for name in found:
            lines = store.construct(rules[name].text)
            if lines:
                new = True
                store.insert("", lines)
                found[name] += lines
    return Inference({name: tuple(sorted(lines)) for name, lines in found.items()}, rounds)


@dataclass(frozen=True, slots=True)
class OntologyCheck:
    """What the reasoner found: `unsatisfiable` classes and `clashes`, sentences about what contradicts what.

    `skipped` is the reason why it did not run, "" if it did.
    """

    consistent: bool = True
    unsatisfiable: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    skipped: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing speaks against the ontology and the data."""
        return self.consistent and not self.unsatisfiable


def check_ontology(triples: Iterable[Triple], java: str | None = None) -> OntologyCheck:
    """Ask HermiT, through owlready2, whether the triples can all be true and every class can have a member.

    Literals of datatypes that OWL 2 does not have (dates, years, our own codes) are left out of account: shapes
    check them. Without Java, or owlready2, it is skipped.
    """
    java = java or shutil.which("java")
    if java is None:
        return OntologyCheck(skipped="there is no Java on this machine, which the OWL reasoner HermiT needs")
    try:
        import owlready2
    except ImportError:
        return OntologyCheck(skipped="owlready2 is not installed (it comes with: pip install 'cbdgraph[dev]')")
    kept = _what_matters(list(triples))
    start = time.perf_counter()
    owlready2.JAVA_EXE = java
    world = owlready2.World()
    text = "".join(f"{format_ntriple(triple)}\n" for triple in kept)
    ontology = world.get_ontology("https://w3id.org/cbdgraph/ontology")
    ontology.load(fileobj=io.BytesIO(text.encode()))
    consistent, unsatisfiable = True, ()
    try:
        owlready2.sync_reasoner_hermit(world, debug=0, ignore_unsupported_datatypes=True)
        unsatisfiable = tuple(sorted(c.iri for c in world.inconsistent_classes() if c is not owlready2.Nothing))
    except owlready2.OwlReadyInconsistentOntologyError:
        consistent = False
    finally:
        world.close()
    clashes = () if consistent else find_clashes(kept)
    return OntologyCheck(consistent, unsatisfiable, clashes, seconds=time.perf_counter() - start)


def _what_matters(triples: list[Triple]) -> list[Triple]:
    """Without annotations, and without values of datatype properties that may have any number of any values.

    No axiom of ours can make these contradict anything, and without them the reasoner needs half the time.
    """
    kinds: dict[Node, set[Node]] = {}
    for subject, predicate, value in triples:
        if predicate == RDF.type:
            kinds.setdefault(subject, set()).add(value)
    free = {
        name
        for name, kind in kinds.items()
        if OWL.AnnotationProperty in kind or (OWL.DatatypeProperty in kind and OWL.FunctionalProperty not in kind)
    }
    return [triple for triple in triples if triple[1] not in free]


def find_clashes(triples: Iterable[Triple]) -> tuple[str, ...]:
    """Sentences about things that are of two disjoint classes, and by which statements; the usual contradiction.

    The reasoner only says that something is wrong. This looks at types, sub-classes, domains and ranges, no further.
    """
    graph = Graph(bind_namespaces="none")
    for triple in triples:
        graph.add(triple)
    disjoint = set(map(frozenset, graph.subject_objects(OWL.disjointWith)))
    because: dict[Node, dict[Node, str]] = {}
    for thing, kind in graph.subject_objects(RDF.type):
        because.setdefault(thing, {}).setdefault(kind, "it says so")
    for prop, kind in graph.subject_objects(RDFS.domain):
        for thing in graph.subjects(prop):
            because.setdefault(thing, {}).setdefault(kind, f"it has {_short(prop)}")
    for prop, kind in graph.subject_objects(RDFS.range):
        for thing, value in graph.subject_objects(prop):
            because.setdefault(value, {}).setdefault(kind, f"it is {_short(prop)} of <{thing}>")
    clashes = set()
    for thing, kinds in because.items():
        above = {
            each: f"{_short(kind)} because {why}"
            for kind, why in sorted(kinds.items(), key=str)
            for each in graph.transitive_objects(kind, RDFS.subClassOf)
            if each is not None
        }
        for one, other in combinations(sorted(above, key=str), 2):
            if frozenset((one, other)) in disjoint:
                clashes.add(f"<{thing}> is a {above[one]}, and a {above[other]}; nothing can be both")
    return tuple(sorted(clashes))


def _short(term: Node) -> str:
    return str(term).rpartition("#")[2] or str(term)
