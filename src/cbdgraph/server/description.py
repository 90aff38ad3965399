"""The SPARQL 1.1 Service Description of this endpoint: facts and limits in, Turtle that is N-Triples too out."""

from __future__ import annotations

from typing import Final

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, expand
from cbdgraph.server.live import Served
from cbdgraph.settings import Settings

_SD: Final = "http://www.w3.org/ns/sparql-service-description#"
_FORMATS: Final = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "N-Triples",
    "RDF_XML",
    "JSON-LD",
    "N-Quads",
    "TriG",
)


def describe_service(served: Served, settings: Settings, endpoint: str) -> str:
    """One triple a line, sorted: valid as Turtle and as N-Triples. The nodes have IRIs, so that they can be cited."""
    service, dataset = Iri(BASE + "sparql"), Iri(BASE + "dataset")
    default = Iri(BASE + "dataset#default-graph")
    rdf_type = Iri(expand("rdf:type"))
    integer = Iri(expand("xsd:integer"))
    triples: list[tuple[Iri, Iri, Iri | Text]] = [
        (service, rdf_type, Iri(_SD + "Service")),
        (service, Iri(_SD + "endpoint"), Iri(endpoint)),
        (service, Iri(_SD + "supportedLanguage"), Iri(_SD + "SPARQL11Query")),
        (service, Iri(_SD + "defaultDataset"), dataset),
        *((service, Iri(_SD + "resultFormat"), Iri(f"http://www.w3.org/ns/formats/{name}")) for name in _FORMATS),
        (dataset, rdf_type, Iri(_SD + "Dataset")),
        (dataset, Iri(_SD + "defaultGraph"), default),
        (dataset, Iri(expand("dcterms:identifier")), Text(served.release)),
        (default, rdf_type, Iri(_SD + "Graph")),
        (default, Iri(expand("void:triples")), Text(str(served.engine.facts.default_triples), datatype=integer)),
        *(
            (service, Iri(expand("rdfs:comment")), Text(comment, language="en"))
            for comment in (
                "Read-only; SERVICE, updates and graphs that are not listed here are refused.",
                f"A query is ended after {settings.query_seconds:g} seconds (504).",
                f"An answer has at most {settings.max_rows} rows and {settings.max_bytes} bytes; "
                "one that would be larger is an error (413) and never cut.",
                f"A query has at most {settings.max_query_bytes} bytes (413), "
                f"an address at most {settings.max_url_bytes} (414).",
            )
        ),
    ]
    if not settings.data:
        triples.append((service, Iri(_SD + "feature"), Iri(_SD + "UnionDefaultGraph")))
    for index, (name, count) in enumerate(sorted(served.engine.facts.graphs.items()), 1):
        graph, named = Iri(f"{BASE}dataset#graph-{index}"), Iri(f"{BASE}dataset#named-graph-{index}")
        triples += [
            (dataset, Iri(_SD + "namedGraph"), named),
            (named, rdf_type, Iri(_SD + "NamedGraph")),
            (named, Iri(_SD + "name"), Iri(name)),
            (named, Iri(_SD + "graph"), graph),
            (graph, rdf_type, Iri(_SD + "Graph")),
            (graph, Iri(expand("void:triples")), Text(str(count), datatype=integer)),
        ]
    return "".join(sorted(f"{subject} {predicate} {value} .\n" for subject, predicate, value in triples))
