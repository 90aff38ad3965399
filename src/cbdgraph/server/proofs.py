"""Why a statement is in the graph: a triple in, a tree of what it follows from out, down to what files assert.

Follows the rule that made a triple backwards. A triple is never among its own reasons; as every conclusion was drawn
from what was there before, such a tree always exists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cbdgraph.errors import QueryError
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import GRAPHS, expand
from cbdgraph.server.live import Served
from cbdgraph.server.near import term_of
from cbdgraph.server.rules import Bindings, Rule, Triple, Value, write

INFERRED: Final = GRAPHS + "inferred/"
_COMPUTED: Final = (GRAPHS + "derived/", GRAPHS + "catalog")
_DEEPEST: Final = 20
_MOST_QUERIES: Final = 400
_MOST_ROWS: Final = 100  # ways of one rule to one conclusion that are looked at
_MOST_SHOWN: Final = 5  # of them in the answer, for what was asked about
_MOST_SOURCES: Final = 10

_SOURCES: Final = f"""SELECT DISTINCT ?source ?place WHERE {{
  @IRI@ <{expand("dcterms:source")}> ?source .
  OPTIONAL {{ @IRI@ <{expand("cbd:sourcePlace")}> ?place }}
}} ORDER BY ?source ?place LIMIT {_MOST_SOURCES}"""
_DESCRIPTIONS: Final = f"""SELECT ?graph ?label ?description WHERE {{
  VALUES ?graph {{ @GRAPHS@ }}
  OPTIONAL {{ ?graph <{expand("rdfs:label")}> ?label }}
  OPTIONAL {{ ?graph <{expand("dcterms:description")}> ?description }}
}} ORDER BY ?graph ?label ?description"""


@dataclass(frozen=True, slots=True)
class Derivation:
    """One application of a rule: the axioms as Turtle, the graph they are in, and the premises with their reasons."""

    axioms: tuple[str, ...]
    axiom_graph: str
    premises: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A triple with its `status` (asserted, inferred, computed or absent), its graphs and its reasons.

    `ways` counts the applications of the rule that give it, of which `derivations` are some; `note` says why reasons
    are missing. `sources` are what the record of an asserted one names.
    """

    triple: Triple | None
    text: str
    status: str
    graphs: tuple[str, ...]
    rule: Rule | None = None
    derivations: tuple[Derivation, ...] = ()
    ways: int = 0
    sources: tuple[tuple[str, str], ...] = ()
    note: str = ""

    def graphs_of_all(self) -> set[str]:
        """The graphs of the statement and of all its reasons."""
        found = set(self.graphs)
        for derivation in self.derivations:
            found |= {derivation.axiom_graph} - {""}
            for premise in derivation.premises:
                found |= premise.graphs_of_all()
        return found

    def leaves(self) -> list[Statement]:
        """Where the reasons end."""
        inner = [leaf for d in self.derivations for premise in d.premises for leaf in premise.leaves()]
        return inner or [self]

    def document(self) -> dict[str, Any]:
        """For JSON."""
        triple = self.triple
        found: dict[str, Any] = {
            "subject": triple.subject.value if triple else None,
            "predicate": triple.predicate.value if triple else None,
            "object": _term(triple.object) if triple else None,
            "turtle": self.text,
            "status": self.status,
            "graphs": list(self.graphs),
        }
        if self.sources:
            found["sources"] = [
                {"source": source, "place": place} if place else {"source": source} for source, place in self.sources
            ]
        if self.rule:
            found["rule"] = {
                "name": self.rule.name,
                "summary": self.rule.summary,
                "description": self.rule.description,
                "axiom_terms": list(self.rule.axioms),
                "graph": INFERRED + self.rule.name,
            }
            found["ways"] = self.ways
            found["derivations"] = [
                {
                    "axioms": list(derivation.axioms),
                    "axiom_graph": derivation.axiom_graph,
                    "premises": [premise.document() for premise in derivation.premises],
                }
                for derivation in self.derivations
            ]
        if self.note:
            found["note"] = self.note
        return found


class Prover:
    """Finds reasons within `seconds` from now."""

    def __init__(self, served: Served, rules: Mapping[str, Rule], seconds: float) -> None:
        self._served, self._rules = served, rules
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._queries = 0
        self._proved: dict[Triple, Statement] = {}
        self._sources: dict[Iri, tuple[tuple[str, str], ...]] = {}

    async def explain(self, triple: Triple) -> Statement:
        """The triple with its reasons."""
        graphs = (await self._places([triple]))[triple]
        found = await self._statement(triple, graphs, frozenset(), _MOST_SHOWN)
        if found is not None:
            return found
        note = "what it follows from was not found with the rules that are here"
        return Statement(triple, _turtle(triple), "inferred", tuple(graphs or ()), note=note)

    async def describe(self, graphs: Sequence[str]) -> list[dict[str, str]]:
        """What graphs are, in words."""
        if not graphs:
            return []
        terms = " ".join(f"<{graph}>" for graph in graphs)
        rows = await self._select(_DESCRIPTIONS.replace("@GRAPHS@", terms)) or []
        words = {graph: {"graph": graph, "label": "", "description": ""} for graph in graphs}
        for row in rows:
            for name in ("label", "description"):
                known = words[row["graph"]["value"]]
                known[name] = known[name] or row.get(name, {}).get("value", "")
        return list(words.values())

    async def _statement(
        self, triple: Triple, graphs: Sequence[str] | None, path: frozenset[Triple], most: int
    ) -> Statement | None:
        """The triple with up to `most` ways to it; None if all reasons go round in a circle over `path`."""
        text = _turtle(triple)
        if graphs is None:
            return Statement(triple, text, "absent", ())
        asserted = [graph for graph in graphs if not graph.startswith((INFERRED, *_COMPUTED))]
        if asserted or not graphs:
            sources = await self._sources_of(triple.subject)
            return Statement(triple, text, "asserted", tuple(graphs), sources=sources)
        names = [graph.removeprefix(INFERRED) for graph in graphs if graph.startswith(INFERRED)]
        if not names:
            return Statement(triple, text, "computed", tuple(graphs))
        if triple in self._proved:
            return self._proved[triple]
        rule = next((self._rules[name] for name in names if name in self._rules), None)
        if rule is None:
            note = f"there is no rule file {names[0]}.rq here, so that its axiom cannot be told"
            return Statement(triple, text, "inferred", tuple(graphs), note=note)
        if len(path) >= _DEEPEST or self._is_over():
            note = "not followed further: the limit of time, depth or size was reached"
            return Statement(triple, text, "inferred", tuple(graphs), rule, note=note)
        derivations, ways = await self._derivations(rule, triple, path | {triple}, most)
        if not derivations and not self._is_over():
            return None
        note = "" if derivations else "not followed further: the limit of time, depth or size was reached"
        found = Statement(triple, text, "inferred", tuple(graphs), rule, derivations, ways, note=note)
        if derivations:
            self._proved[triple] = found
        return found

    async def _derivations(
        self, rule: Rule, triple: Triple, path: frozenset[Triple], most: int
    ) -> tuple[tuple[Derivation, ...], int]:
        """Applications of a rule that conclude a triple, the simplest first, and how many there are."""
        found: list[tuple[list[tuple[Triple | None, str]], tuple[str, ...], str]] = []
        for bound in rule.match(triple):
            for way in rule.ways:
                rows = await self._select(rule.question(way, bound, _MOST_ROWS))
                for row in rows or []:
                    values: dict[str, Value] = {**bound, **{name: term_of(term) for name, term in row.items()}}
                    found.append(_apply(rule, way, values))
        wanted = {premise for premises, _, _ in found for premise, _ in premises if premise is not None}
        places = await self._places(sorted(wanted, key=str))
        found.sort(key=lambda each: (sum(_is_made(places, premise) for premise, _ in each[0]), str(each[0])))
        derivations: list[Derivation] = []
        for premises, axioms, graph in found:
            if len(derivations) == most:
                break
            if any(premise in path for premise, _ in premises):
                continue
            statements = []
            for premise, text in premises:
                if premise is None:
                    statements.append(Statement(None, text, "asserted", ()))
                elif (each := await self._statement(premise, places[premise], path, 1)) is not None:
                    statements.append(each)
            if len(statements) == len(premises):
                derivations.append(Derivation(axioms, graph, tuple(statements)))
        return tuple(derivations), len(found)

    async def _places(self, triples: Sequence[Triple]) -> dict[Triple, list[str] | None]:
        """The graphs that hold each triple; an empty list for the default graph alone, None for no graph."""
        found: dict[Triple, list[str] | None] = dict.fromkeys(triples)
        for start in range(0, len(triples), 100):
            some = triples[start : start + 100]
            parts = " UNION ".join(
                f"{{ {triple} BIND({n} AS ?n) }} UNION {{ GRAPH ?graph {{ {triple} }} BIND({n} AS ?n) }}"
                for n, triple in enumerate(some)
            )
            for row in await self._select(f"SELECT ?n ?graph WHERE {{ {parts} }} ORDER BY ?n ?graph") or []:
                triple = some[int(row["n"]["value"])]
                graphs = found[triple] or []
                found[triple] = [*graphs, row["graph"]["value"]] if "graph" in row else graphs
        return found

    async def _sources_of(self, subject: Iri) -> tuple[tuple[str, str], ...]:
        if subject not in self._sources:
            rows = await self._select(_SOURCES.replace("@IRI@", str(subject))) or []
            pairs = ((row["source"]["value"], row.get("place", {}).get("value", "")) for row in rows)
            self._sources[subject] = tuple(dict.fromkeys(pairs))
        return self._sources[subject]

    def _is_over(self) -> bool:
        return self._queries >= _MOST_QUERIES or asyncio.get_running_loop().time() >= self._deadline

    async def _select(self, query: str) -> list[dict[str, dict[str, str]]] | None:
        """Rows; None where the limits are reached or the engine cannot answer."""
        self._queries += 1
        if self._is_over():
            return None
        try:
            async with asyncio.timeout_at(self._deadline):
                answer = await self._served.engine.run_query(
                    query, media_type="application/sparql-results+json", trusted=True
                )
        except (TimeoutError, QueryError):
            return None
        return answer.bindings


def _apply(
    rule: Rule, way: Sequence[Any], values: Bindings
) -> tuple[list[tuple[Triple | None, str]], tuple[str, ...], str]:
    """Premises, axioms and the graph of the axioms of one application of a rule."""
    premises: list[tuple[Triple | None, str]] = []
    axioms, graph = [], ""
    for step in way:
        if step.element.kind != "triple":
            continue
        text = rule.fill(step.element, values, prefixed=True)
        if step.graph:
            axioms.append(f"{text} .")
            graph = step.graph.strip().strip("<>")
        else:
            premises.append((rule.premise(step.element, values), f"{text} ."))
    return premises, tuple(axioms), graph


def _is_made(places: Mapping[Triple, list[str] | None], triple: Triple | None) -> bool:
    """Whether all graphs of a triple are of conclusions."""
    graphs = places.get(triple) if triple else None
    return bool(graphs) and all(graph.startswith(INFERRED) for graph in graphs or ())


def _turtle(triple: Triple) -> str:
    return f"{write(triple.subject)} {write(triple.predicate)} {write(triple.object)} ."


def _term(term: Iri | Text) -> dict[str, str]:
    """A term as SPARQL JSON has it."""
    if isinstance(term, Iri):
        return {"type": "uri", "value": term.value}
    found = {"type": "literal", "value": term.value}
    if term.language:
        found["xml:lang"] = term.language
    if term.datatype:
        found["datatype"] = term.datatype.value
    return found
