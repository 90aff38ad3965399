"""What a person is told about a resource: its IRI and a language in; groups of values, names, place, citations out.

Asks the engine, and writes neither HTML nor JSON: the page and the document are made of the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri
from cbdgraph.namespaces import expand
from cbdgraph.server import citing, concise, hierarchy
from cbdgraph.server.citing import Cited
from cbdgraph.server.live import Served
from cbdgraph.server.names import find_names
from cbdgraph.server.statements import Group, Name, Names, group_values, pick

LONGEST: Final = 2000  # values of the resource itself
SHOWN: Final = 10  # of what points here, for each property
_FETCHED: Final = 200  # so that those shown are the first in natural order, where there are not too many
DEFINES: Final = expand("rdfs:isDefinedBy")
_DEFINED: Final = 1000  # terms that the page of an ontology lists whole, since their IRIs lead to it
_NAMED: Final = 1500  # nodes of which names are asked for
_TYPE: Final = expand("rdf:type")
_RESULTS: Final = "application/sparql-results+json"

# Values are bound as terms at the marks, never pasted as text: `str(Iri(…))` cannot leave its angle brackets.
_OUTGOING: Final = f"""
SELECT ?property ?near (GROUP_CONCAT(DISTINCT STR(?graph); SEPARATOR=" ") AS ?graphs)
WHERE {{
  {{ SELECT ?property ?near WHERE {{ @IRI@ ?property ?near }} LIMIT {LONGEST} }}
  OPTIONAL {{ GRAPH ?graph {{ @IRI@ ?property ?near }} }}
}}
GROUP BY ?property ?near"""
_COUNTS: Final = (
    "SELECT ?property (COUNT(*) AS ?count) WHERE { ?near ?property @IRI@ } GROUP BY ?property ORDER BY ?property"
)
_POINTING: Final = (
    "{ SELECT ?property ?near { VALUES ?property { @PROPERTY@ } ?near ?property @IRI@ } LIMIT @LIMIT@ }"
)
_INCOMING: Final = """
SELECT ?property ?near (GROUP_CONCAT(DISTINCT STR(?graph); SEPARATOR=" ") AS ?graphs)
WHERE {
  @PARTS@
  OPTIONAL { GRAPH ?graph { ?near ?property @IRI@ } }
}
GROUP BY ?property ?near"""

Rows = list[dict[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A resource as people see it; `incoming` groups hold the first of their values, and count all.

    `way` are the IRIs of what holds it, the outermost first; `triples` those in it, if it is a named graph; `own`
    the statements with its blank nodes as N-Triples, if there are such and not only a page is to be made.
    """

    iri: str
    language: str
    names: Names
    classes: tuple[str, ...]
    outgoing: tuple[Group, ...]
    incoming: tuple[Group, ...]
    counts: Mapping[str, int]
    way: tuple[str, ...]
    citations: tuple[Cited, ...] = ()
    triples: int | None = None
    own: tuple[str, ...] = ()
    is_complete: bool = True

    @property
    def labels(self) -> Mapping[str, str]:
        """What it is called, by language; "" for none."""
        return self.names.get(self.iri, {})

    def name(self, iri: str) -> Name | None:
        """What any resource of the portrait is called, in its language where there is such a name."""
        return pick(self.names.get(iri, {}), self.language)


async def draw(served: Served, iri: str, language: str, *, in_full: bool) -> Portrait | None:
    """The portrait of a resource, `in_full` with citations and what points here; None if nothing is said about it."""
    term = str(Iri(iri))
    outgoing, counted, above = await asyncio.gather(
        *(select(served, query.replace("@IRI@", term)) for query in (_OUTGOING, _COUNTS, hierarchy.QUERY))
    )
    counts = {row["property"]["value"]: int(row["count"]["value"]) for row in counted}
    if not outgoing and DEFINES not in counts and iri not in served.graphs:
        return None
    way = hierarchy.find_way(iri, above)
    incoming: Rows = []
    citations: list[Cited] = []
    own: tuple[str, ...] = ()
    if in_full:
        incoming, citations = await asyncio.gather(
            _find_incoming(served, term, counts), _find_citations(served, term, counts)
        )
    elif any(row["near"]["type"] == "bnode" for row in outgoing):
        described = await concise.describe(served, iri)
        own = described.own if described else ()
    names = await find_names(served, _nodes(iri, (*outgoing, *incoming), counts, way, citations))
    return Portrait(
        iri,
        language,
        names,
        tuple(
            row["near"]["value"]
            for row in outgoing
            if row["property"]["value"] == _TYPE and row["near"]["type"] == "uri"
        ),
        tuple(group_values(outgoing, names, language)),
        tuple(group_values(incoming, names, language, counts)),
        counts,
        tuple(way),
        tuple(citations),
        served.engine.facts.graphs[iri] if iri in served.graphs else None,
        own,
        len(outgoing) < LONGEST,
    )


async def select(served: Served, query: str) -> Rows:
    """The solutions of a query of this project's own."""
    answer = await served.engine.run_query(query, media_type=_RESULTS, trusted=True)
    return answer.bindings


def limit_of(name: str) -> int:
    """How many of what points here by a property a page shows."""
    return _DEFINED if name == DEFINES else SHOWN


async def _find_incoming(served: Served, term: str, counts: Mapping[str, int]) -> Rows:
    parts = []
    for name in counts:
        try:
            part = _POINTING.replace("@PROPERTY@", str(Iri(name)))
        except InvalidName:  # what a stranger's data may hold and the core calls no IRI
            continue
        parts.append(part.replace("@LIMIT@", str(max(_FETCHED, limit_of(name)))))
    if not parts:
        return []
    return await select(served, _INCOMING.replace("@PARTS@", " UNION ".join(parts)).replace("@IRI@", term))


async def _find_citations(served: Served, term: str, counts: Mapping[str, int]) -> list[Cited]:
    if not citing.is_likely(counts):
        return []
    return citing.read_citations(await select(served, citing.QUERY.replace("@IRI@", term)), term[1:-1])


def _nodes(
    iri: str, rows: Iterable[Mapping[str, Any]], counts: Iterable[str], way: Iterable[str], citations: Iterable[Cited]
) -> list[str]:
    """Everything of which a name is shown: the resource first, since there is a bound."""
    nodes = {iri: None, **dict.fromkeys(way), **dict.fromkeys(counts)}
    for citation in citations:
        nodes |= dict.fromkeys(citation.nodes)
    for row in rows:
        near = row["near"]
        graphs = row.get("graphs", {}).get("value", "").split(" ")
        nodes |= dict.fromkeys((row["property"]["value"], *filter(None, graphs)))
        if near["type"] == "uri":
            nodes[near["value"]] = None
        elif near.get("datatype", "") and "XMLSchema#" not in near["datatype"]:
            nodes[near["datatype"]] = None
    return list(nodes)[:_NAMED]
