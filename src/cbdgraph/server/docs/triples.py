"""Rows of SPARQL with `s`, `p` and `o` in; the values of a property of a node out. A graph small enough to hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cbdgraph.iris import natural
from cbdgraph.namespaces import expand
from cbdgraph.server.statements import Name, Term, pick

Row = Mapping[str, Term]


class Graph:
    """Triples by subject and predicate; nodes are called as in the answer, which is one."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.triples: dict[str, dict[str, list[Term]]] = {}
        for row in rows:
            found = self.triples.setdefault(row["s"]["value"], {}).setdefault(row["p"]["value"], [])
            if row["o"] not in found:
                found.append(row["o"])

    def values(self, subject: str, name: str) -> list[Term]:
        """The values of a property, which is given by its prefixed name."""
        found = self.triples.get(subject, {}).get(expand(name), [])
        return sorted(found, key=lambda term: (natural(term["value"]), term.get("xml:lang", "")))

    def iris(self, subject: str, name: str) -> tuple[str, ...]:
        """Those of them that are IRIs."""
        return tuple(term["value"] for term in self.values(subject, name) if term["type"] == "uri")

    def nodes(self, subject: str, name: str) -> Iterator[str]:
        """Those of them that are blank nodes."""
        return (term["value"] for term in self.values(subject, name) if term["type"] == "bnode")

    def first(self, subject: str, name: str) -> str:
        """One of them as text; "" for none."""
        return next((term["value"] for term in self.values(subject, name)), "")

    def text(self, subject: str, name: str, language: str) -> Name | None:
        """The value in the language that is liked best."""
        return pick({term.get("xml:lang", ""): term["value"] for term in self.values(subject, name)}, language)

    def texts(self, subject: str, name: str) -> tuple[Name, ...]:
        """All values with their languages."""
        return tuple(Name(term["value"], term.get("xml:lang", "")) for term in self.values(subject, name))

    def members(self, node: str) -> list[Term]:
        """The members of an RDF list."""
        found: list[Term] = []
        seen: set[str] = set()
        while node not in seen and (first := self.values(node, "rdf:first")):
            seen.add(node)
            found.append(first[0])
            node = self.first(node, "rdf:rest")
        return found
