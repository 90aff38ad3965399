"""Rows about SHACL shapes in; what they ask, of which classes and how often, in words out. Checks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cbdgraph.namespaces import expand
from cbdgraph.server.docs.triples import Graph, Row
from cbdgraph.server.statements import Term

# What a shape asks of values, in words before the value; what is not here needs more than its value.
_CONDITIONS: Final = {
    expand(name): words
    for name, words in {
        "sh:datatype": "of datatype",
        "sh:class": "an instance of",
        "sh:node": "of the form",
        "sh:hasValue": "one of them is",
        "sh:pattern": "matches",
        "sh:minLength": "length from",
        "sh:maxLength": "length to",
        "sh:minInclusive": "from",
        "sh:maxInclusive": "to",
        "sh:minExclusive": "above",
        "sh:maxExclusive": "below",
    }.items()
}


_NODE_KINDS: Final = {
    expand("sh:IRI"): "an IRI",
    expand("sh:Literal"): "a literal",
    expand("sh:BlankNode"): "a blank node",
}
_MANY: Final = 5  # classes from which on a shape is shown once for all of them


@dataclass(frozen=True, slots=True)
class Rule:
    """What a shape asks: of which classes, of which property ("" for the resource itself), how often, of its values.

    `conditions` are words with the term that ends them, if any.
    """

    shape: str
    classes: tuple[str, ...]
    path: str
    often: str
    conditions: tuple[tuple[str, Term | None], ...]
    severity: str
    message: str

    @property
    def is_shared(self) -> bool:
        """Whether it holds for so many classes that it is not shown with each."""
        return len(self.classes) >= _MANY


def read_rules(rows: Iterable[Row]) -> Iterator[Rule]:
    """The rules of shapes, in order of their names."""
    graph = Graph(rows)
    kinds = {iri: graph.iris(iri, "rdf:type") for iri in graph.triples}
    owners: dict[str, set[str]] = {}
    for iri, types in kinds.items():
        if expand("sh:NodeShape") in types:
            for rule in (iri, *graph.iris(iri, "sh:property")):
                owners.setdefault(rule, set()).update(graph.iris(iri, "sh:targetClass"))
    for iri in sorted(iri for iri in owners if not iri.startswith("_:")):
        message = graph.text(iri, "sh:message", "en")
        if message is None:
            continue
        least, most = graph.first(iri, "sh:minCount"), graph.first(iri, "sh:maxCount")
        yield Rule(
            iri,
            tuple(sorted(owners[iri])),
            graph.first(iri, "sh:path"),
            _often(least, most),
            tuple(_conditions(graph, iri)),
            graph.first(iri, "sh:severity").rpartition("#")[2].lower(),
            message.text,
        )


def _often(least: str, most: str) -> str:
    """How often a property may be there.

    >>> _often("1", "1"), _often("1", ""), _often("", "1"), _often("", "")
    ('exactly 1', 'at least 1', 'at most 1', '')
    """
    if least and least == most:
        return f"exactly {least}"
    if least not in {"", "0"} and most:
        return f"{least} to {most}"
    if least not in {"", "0"}:
        return f"at least {least}"
    return f"at most {most}" if most else ""


def _conditions(graph: Graph, iri: str) -> Iterator[tuple[str, Term | None]]:
    for predicate, values in sorted(graph.triples[iri].items()):
        if predicate in _CONDITIONS:
            yield from ((_CONDITIONS[predicate], value) for value in values)
        elif predicate == expand("sh:nodeKind"):
            if expand("sh:class") not in graph.triples[iri]:  # whose instances have IRIs
                yield from ((_NODE_KINDS.get(value["value"], "a node"), None) for value in values)
        elif predicate == expand("sh:uniqueLang"):
            yield "once in each language", None
        elif predicate == expand("sh:languageIn"):
            tags = [tag["value"] for node in values for tag in graph.members(node["value"])]
            yield f"in {', '.join(tags)}", None
        elif predicate == expand("sh:or"):
            yield "in one of several forms", None
