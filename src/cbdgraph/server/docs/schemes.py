"""Rows about concept schemes in; controlled vocabularies with their concepts, and how often each is used, out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cbdgraph.iris import natural
from cbdgraph.namespaces import BASE
from cbdgraph.server.docs.triples import Graph, Row
from cbdgraph.server.statements import Name, Names, pick, short


@dataclass(frozen=True, slots=True)
class Concept:
    """A value of a controlled vocabulary, with how many statements use it."""

    iri: str
    name: Name
    notation: str
    definition: Name | None
    count: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """A controlled vocabulary."""

    iri: str
    name: Name
    definition: Name | None
    concepts: tuple[Concept, ...]

    @property
    def anchor(self) -> str:
        """A fragment that no term of the ontology has: those hold no hyphen."""
        return f"scheme-{self.iri.removeprefix(BASE)}"


def read_schemes(
    described: Iterable[Row], in_schemes: Sequence[Row], used: Iterable[Row], names: Names, language: str
) -> Iterator[Scheme]:
    """The schemes in order of their IRIs: rows that describe them, those of their concepts, and counts of these."""
    graph = Graph(described)
    uses = {row["term"]["value"]: int(row["count"]["value"]) for row in used if "term" in row}
    rows = ({"s": row["concept"], "p": row["p"], "o": row["o"]} for row in in_schemes if "o" in row)
    concepts = Graph(rows)
    members: dict[str, set[str]] = {}
    for row in in_schemes:
        members.setdefault(row["scheme"]["value"], set()).add(row["concept"]["value"])
    for iri in sorted(graph.triples, key=natural):
        yield Scheme(
            iri,
            pick(names.get(iri, {}), language) or Name(short(iri)),
            graph.text(iri, "skos:definition", language),
            tuple(
                Concept(
                    concept,
                    pick(names.get(concept, {}), language) or Name(short(concept)),
                    concepts.first(concept, "skos:notation"),
                    concepts.text(concept, "skos:definition", language),
                    uses.get(concept, 0),
                )
                for concept in sorted(members.get(iri, ()), key=natural)
            ),
        )
