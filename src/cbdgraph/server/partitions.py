"""What is in the default graph, counted by class and property: an engine in, numbers out; writes no RDF.

Counted when first asked for, by a handful of aggregates of which all together take a third of a second for 20,000
triples; kept with the release. A very large graph of a user's own is not counted, and the description says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cbdgraph.errors import QueryError
from cbdgraph.namespaces import BASE
from cbdgraph.queries import prologue
from cbdgraph.store import Engine

LARGEST: Final = 1_000_000  # triples; aggregates over more would hold a thread for long

_NUMBERS: Final = "(COUNT(*) AS ?triples) (COUNT(DISTINCT ?s) AS ?subjects) (COUNT(DISTINCT ?o) AS ?objects)"
_WHOLE: Final = f"SELECT {_NUMBERS} {{ ?s ?p ?o }}"
_ENTITIES: Final = "SELECT (COUNT(DISTINCT ?s) AS ?entities) { ?s a ?class . FILTER(isIRI(?s)) }"
_CLASSES: Final = (
    "SELECT ?class (COUNT(DISTINCT ?s) AS ?entities) { ?s a ?class . FILTER(isIRI(?class)) } GROUP BY ?class"
)
_PROPERTIES: Final = f"SELECT ?p {_NUMBERS} {{ ?s ?p ?o }} GROUP BY ?p"
_OF_CLASS: Final = f"SELECT ?class ?p {_NUMBERS} {{ ?s a ?class ; ?p ?o . FILTER(isIRI(?class)) }} GROUP BY ?class ?p"
_TO_CLASS: Final = """SELECT ?class ?p ?near (COUNT(*) AS ?triples)
{ ?s a ?class ; ?p ?o . ?o a ?near . FILTER(isIRI(?class) && isIRI(?near)) }
GROUP BY ?class ?p ?near"""
_TO_DATATYPE: Final = """SELECT ?class ?p ?near (COUNT(*) AS ?triples)
{ ?s a ?class ; ?p ?o . FILTER(isIRI(?class) && isLiteral(?o)) BIND(DATATYPE(?o) AS ?near) }
GROUP BY ?class ?p ?near"""
_GRAPHS: Final = f"SELECT ?graph {_NUMBERS} {{ GRAPH ?graph {{ ?s ?p ?o }} }} GROUP BY ?graph"
# Predicates that lead from what is described here to what others describe; not what a vocabulary is made of.
_LINKING: Final = "skos:exactMatch skos:closeMatch skos:broadMatch skos:narrowMatch skos:relatedMatch owl:sameAs \
owl:equivalentClass owl:equivalentProperty rdfs:seeAlso cbd:quantityOf"
_LINKS: Final = f"""{prologue(("skos", "owl", "rdfs", "cbd"))}
SELECT ?p ?space (COUNT(*) AS ?triples)
{{
  VALUES ?p {{ {_LINKING} }}
  ?s ?p ?o .
  FILTER(isIRI(?o) && !STRSTARTS(STR(?o), "{BASE}"))
  BIND(REPLACE(STR(?o), "^(https?://[^/?#]+/).*$", "$1") AS ?space)
  FILTER(STRENDS(?space, "/") && STRLEN(?space) < 200)
}}
GROUP BY ?p ?space"""


class Numbers(NamedTuple):
    """Of some triples: how many there are, of how many subjects, with how many objects."""

    triples: int
    subjects: int
    objects: int


@dataclass(frozen=True, slots=True)
class Partitions:
    """Counts of a graph by the IRIs of classes and properties.

    `to_class`, `to_datatype`: of a class and a property, the classes or datatypes of the values, with their triples.
    `links`: by where the IRIs of others begin and by predicate, how many links lead there.
    """

    whole: Numbers
    entities: int
    classes: Mapping[str, int]
    properties: Mapping[str, Numbers]
    of_class: Mapping[tuple[str, str], Numbers] = field(default_factory=dict)
    to_class: Mapping[tuple[str, str], Sequence[tuple[str, int]]] = field(default_factory=dict)
    to_datatype: Mapping[tuple[str, str], Sequence[tuple[str, int]]] = field(default_factory=dict)
    graphs: Mapping[str, Numbers] = field(default_factory=dict)
    links: Mapping[tuple[str, str], int] = field(default_factory=dict)


async def count_partitions(engine: Engine) -> Partitions | None:
    """The counts of the default graph and of each named one; None where they are over what one answer may take."""
    if max((engine.facts.default_triples, *engine.facts.graphs.values())) > LARGEST:
        return None
    try:
        whole = await _select(engine, _WHOLE)
        entities = await _select(engine, _ENTITIES)
        classes = await _select(engine, _CLASSES)
        properties = await _select(engine, _PROPERTIES)
        of_class = await _select(engine, _OF_CLASS)
        to_class = await _select(engine, _TO_CLASS)
        to_datatype = await _select(engine, _TO_DATATYPE)
        graphs = await _select(engine, _GRAPHS)
        links = await _select(engine, _LINKS)
    except QueryError:
        return None
    return Partitions(
        whole=_numbers(whole[0]),
        entities=int(entities[0]["entities"]),
        classes={row["class"]: int(row["entities"]) for row in classes},
        properties={row["p"]: _numbers(row) for row in properties},
        of_class={(row["class"], row["p"]): _numbers(row) for row in of_class},
        to_class=_values(to_class),
        to_datatype=_values(to_datatype),
        graphs={row["graph"]: _numbers(row) for row in graphs},
        links={(row["space"], row["p"]): int(row["triples"]) for row in links},
    )


async def _select(engine: Engine, query: str) -> list[dict[str, str]]:
    answer = await engine.run_query(query, media_type="application/sparql-results+json", trusted=True)
    plain = [{name: term["value"] for name, term in row.items()} for row in answer.bindings]
    return sorted(plain, key=lambda row: [row.get(name, "") for name in ("class", "space", "p", "near", "graph")])


def _values(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], list[tuple[str, int]]]:
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in rows:
        found.setdefault((row["class"], row["p"]), []).append((row["near"], int(row["triples"])))
    return found


def _numbers(row: Mapping[str, str]) -> Numbers:
    return Numbers(int(row["triples"]), int(row["subjects"]), int(row["objects"]))
