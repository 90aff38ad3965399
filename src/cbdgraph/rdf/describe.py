"""Names and counts of named graphs in, triples about them out: a file, an axiom class, or made by this project.

So a query can tell where a statement comes from: `GRAPH ?g { … } ?g skos:notation ?rule ; dcterms:subject ?axiom`.
"""

from __future__ import annotations

from typing import Final

from rdflib import RDF, RDFS, Literal, URIRef
from rdflib.namespace import XSD

from cbdgraph.iris import mint
from cbdgraph.namespaces import expand
from cbdgraph.queries import Query
from cbdgraph.rdf.derive import GRAPHS
from cbdgraph.rdf.reason import INFERRED, ONTOLOGY_GRAPH
from cbdgraph.rdf.turtle import Triple, TurtleFile

_BASIS: Final = URIRef(expand("cbd:basis"))
_INFERRED: Final = URIRef(mint("basis/inferred"))
_DESCRIPTION: Final = URIRef(expand("dcterms:description"))
_SUBJECT: Final = URIRef(expand("dcterms:subject"))
_NOTATION: Final = URIRef(expand("skos:notation"))
_DERIVED_FROM: Final = URIRef(expand("prov:wasDerivedFrom"))


def describe_file(graph: str, file: TurtleFile) -> list[Triple]:
    """The graph of a file: its path in the checkout, and what the comment at its top says."""
    triples = _describe(graph, file.path, len(file.triples))
    words = " ".join(line.lstrip("# ").strip() for line in file.comment.splitlines())
    return [*triples, (URIRef(graph), _DESCRIPTION, Literal(words, lang="en"))] if words else triples


def describe_rule(name: str, rule: Query, count: int) -> list[Triple]:
    """The graph of a rule's conclusions: its notation is the rule's name, its subject the kind of axiom it reads."""
    graph = URIRef(INFERRED + name)
    triples = _describe(graph, f"inferred: {rule.summary[0].lower()}{rule.summary[1:]}", count)
    triples += [
        (graph, _DESCRIPTION, Literal(rule.description, lang="en")),
        (graph, _NOTATION, Literal(name)),
        (graph, _BASIS, _INFERRED),
        (graph, _DERIVED_FROM, URIRef(ONTOLOGY_GRAPH)),
    ]
    return [*triples, *((graph, _SUBJECT, URIRef(expand(tag))) for tag in rule.tags)]


def describe_derived(graph: str, count: int) -> list[Triple]:
    """The graph of what this project computed, and says itself; no source does."""
    label, description = GRAPHS[graph]
    return [
        *_describe(graph, label, count),
        (URIRef(graph), _DESCRIPTION, Literal(description, lang="en")),
        (URIRef(graph), _BASIS, _INFERRED),
    ]


def _describe(graph: str, label: str, count: int) -> list[Triple]:
    node = URIRef(graph)
    return [
        (node, RDF.type, URIRef(expand("void:Dataset"))),
        (node, RDFS.label, Literal(label, lang="en")),
        (node, URIRef(expand("void:triples")), Literal(str(count), datatype=XSD.integer, normalize=False)),
    ]
