"""The SPARQL 1.1 Service Description and VoID: facts, counts and limits in, triples out; DCAT is in `catalogue`.

Writes no format and asks nothing. Every node is an IRI under the base that leads to where it is described: /sparql
for the service and its limits, /dataset for all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, GRAPHS, PREFIXES
from cbdgraph.server.catalogue import (
    Built,
    describe_access,
    describe_catalogue,
    describe_publication,
    describe_rights,
)
from cbdgraph.server.live import Served
from cbdgraph.server.nodes import DATASET as DATASET
from cbdgraph.server.nodes import FOAF, IANA, SERVICE, Node, Triple, part, term
from cbdgraph.server.nodes import LICENCE as LICENCE
from cbdgraph.server.partitions import LARGEST, Numbers, Partitions
from cbdgraph.server.statements import short
from cbdgraph.settings import Limit, Settings

DEFAULT: Final = Iri(BASE + "dataset#default-graph")

_FORMATS: Final = "http://www.w3.org/ns/formats/"
_EXTENSION: Final = "http://ldf.fi/void-ext#"
_RESULTS: Final = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
# Of graphs: the name of the format, its media type, what ?format= calls it.
_GRAPHS: Final = (
    ("Turtle", "text/turtle", "ttl"),
    ("N-Triples", "application/n-triples", "nt"),
    ("RDF_XML", "application/rdf+xml", "rdf"),
    ("JSON-LD", "application/ld+json", "jsonld"),
    ("N-Quads", "application/n-quads", "nq"),
    ("TriG", "application/trig", "trig"),
)
_HOST: Final = re.compile(r"[A-Za-z0-9.:-]+")
_STANDARDS: Final = (
    "http://www.w3.org/TR/sparql11-protocol/",
    "http://www.w3.org/TR/sparql11-query/",
    "http://www.w3.org/TR/sparql11-http-rdf-update/",
)


def _count(node: Node, numbers: Numbers | None) -> Iterator[Triple]:
    """The numbers of VoID, where there are any."""
    if numbers is not None:
        yield from node.say("void:triples", numbers.triples)
        yield from node.say("void:distinctSubjects", numbers.subjects)
        yield from node.say("void:distinctObjects", numbers.objects)


def describe_service(settings: Settings, endpoint: str) -> list[Triple]:
    """The service at the address `endpoint`, and its limits."""
    service = Node(SERVICE)
    limits = settings.limits
    return [
        *service.say("rdf:type", "sd:Service"),
        *(describe_access(endpoint) if settings.data else describe_rights(endpoint)),
        *service.say("sd:endpoint", Iri(endpoint)),
        *service.say("sd:supportedLanguage", "sd:SPARQL11Query"),
        *(() if settings.data else service.say("sd:feature", "sd:UnionDefaultGraph")),
        *service.say("sd:resultFormat", *(Iri(_FORMATS + name) for name in _names_of_formats())),
        *service.say("sd:defaultDataset", DATASET),
        *service.say("dcterms:conformsTo", *map(Iri, _STANDARDS)),
        *service.say("rdfs:seeAlso", Iri(BASE + ".well-known/void"), Iri(BASE + ".well-known/sparql-examples")),
        *service.say("rdfs:comment", *(Text(comment, language="en") for comment in _comments(settings))),
        *service.say("schema:additionalProperty", *(Iri(f"{SERVICE.value}#limit-{limit.name}") for limit in limits)),
        *(triple for limit in limits for triple in _describe_limit(limit)),
    ]


def describe_dataset(
    served: Served,
    settings: Settings,
    endpoint: str,
    partitions: Partitions | None,
    built: Built | None,
    *,
    in_depth: bool,
) -> list[Triple]:
    """The dataset and its graphs, and its classes and properties where they were counted.

    `built` is None for a user's own files, of which nothing more is known. `in_depth` adds the catalogue with all
    files, which properties each class has, and of which classes or datatypes their values are.
    """
    dataset, description = Node(DATASET), Node(Iri(BASE + ".well-known/void"))
    united = not settings.data  # the default graph holds all, so that its counts are those of the dataset
    triples = [
        *description.say("rdf:type", "void:DatasetDescription"),
        *description.say(FOAF + "primaryTopic", DATASET),
        *dataset.say("rdf:type", "sd:Dataset", "void:Dataset", "dcat:Dataset"),
        *(_describe_files(dataset) if built is None else describe_publication(built)),
        *(_describe_formats(dataset, built) if built else ()),
        *dataset.say("dcterms:identifier", Text(served.release)),
        *dataset.say("dcat:version", Text(served.release)),
        *dataset.say("void:sparqlEndpoint", Iri(endpoint)),
        *dataset.say("sd:defaultGraph", DEFAULT),
        *Node(DEFAULT).say("rdf:type", "sd:Graph", "void:Dataset"),
        *Node(DEFAULT).say("void:triples", served.engine.facts.default_triples),
    ]
    if partitions is None:
        comment = f"Classes and properties are not counted: the data are over {LARGEST:,} triples, or over a limit."
        triples += dataset.say("rdfs:comment", Text(comment, language="en"))
    else:
        triples += _describe_partitions(dataset if united else Node(DEFAULT), partitions, in_depth)
        triples += _describe_links(partitions.links)
    for index, (name, count) in enumerate(sorted(served.engine.facts.graphs.items()), 1):
        triples += _describe_graph(dataset, name, index, count, partitions)
    if built is not None and in_depth:
        triples += describe_catalogue(built, endpoint)
    return triples


def name_node(kind: str, iri: str, index: int) -> str:
    """A fragment of /dataset for what is said about another IRI.

    >>> name_node("class", "https://w3id.org/cbdgraph/ontology#Decision", 3), name_node("class", "http://e/x", 3)
    ('class/cbd:Decision', 'class/3')
    """
    prefixed = short(iri)
    return f"{kind}/{prefixed if prefixed != iri else index}"


def _describe_files(dataset: Node) -> Iterator[Triple]:
    """Of a user's own files nothing is known."""
    description = "RDF files that somebody serves with cbdgraph, as they are; whoever made them says what they hold."
    yield from dataset.say("dcterms:title", Text("RDF files served with cbdgraph", language="en"))
    yield from dataset.say("dcterms:description", Text(description, language="en"))


def _describe_formats(dataset: Node, built: Built) -> Iterator[Triple]:
    """What is served in which format; as distributions only where there are no files."""
    yield from dataset.say("void:uriSpace", Text(BASE))
    yield from dataset.say("void:feature", *(Iri(_FORMATS + name) for name, _, _ in _GRAPHS))
    if built.dumps:
        return
    yield from dataset.say("void:dataDump", Iri(f"{BASE}graph-store?default&format=nt"))
    for _, media_type, suffix in _GRAPHS[:4]:
        distribution = part(f"distribution/{suffix}")
        yield from dataset.say("dcat:distribution", distribution.iri)
        yield from distribution.say("rdf:type", "dcat:Distribution")
        yield from distribution.say("dcat:accessURL", Iri(f"{BASE}graph-store?default"))
        yield from distribution.say("dcat:downloadURL", Iri(f"{BASE}graph-store?default&format={suffix}"))
        yield from distribution.say("dcat:mediaType", Iri(IANA + media_type))
        yield from distribution.say("dcterms:license", LICENCE)


def _describe_graph(
    dataset: Node, name: str, index: int, count: int, partitions: Partitions | None
) -> Iterator[Triple]:
    try:
        iri = Iri(name)
    except InvalidName:
        return  # a blank node names it, so that nobody can ask for it
    path = name.removeprefix(GRAPHS) if name.startswith(GRAPHS) else str(index)
    graph, named = Node(Iri(f"{DATASET.value}#graph/{path}")), Node(Iri(f"{DATASET.value}#named-graph/{path}"))
    yield from dataset.say("sd:namedGraph", named.iri)
    yield from named.say("rdf:type", "sd:NamedGraph")
    yield from named.say("sd:name", iri)
    yield from named.say("sd:graph", graph.iri)
    yield from dataset.say("void:subset", graph.iri)
    yield from graph.say("rdf:type", "sd:Graph", "void:Dataset")
    numbers = partitions.graphs.get(name) if partitions else None
    yield from _count(graph, numbers) if numbers else graph.say("void:triples", count)
    if name.startswith(GRAPHS):
        yield from graph.say("void:dataDump", iri)


def _describe_partitions(whole: Node, partitions: Partitions, in_depth: bool) -> Iterator[Triple]:
    yield from _count(whole, partitions.whole)
    yield from whole.say("void:entities", partitions.entities)
    yield from whole.say("void:classes", len(partitions.classes))
    yield from whole.say("void:properties", len(partitions.properties))
    used = [*partitions.classes, *partitions.properties]
    vocabularies = [Iri(start) for start in PREFIXES.values() if any(name.startswith(start) for name in used)]
    yield from whole.say("void:vocabulary", *vocabularies)
    for index, (name, numbers) in enumerate(partitions.properties.items(), 1):
        if property_ := Iri.find(name):
            part = Node(Iri(f"{DATASET.value}#{name_node('property', name, index)}"))
            yield from whole.say("void:propertyPartition", part.iri)
            yield from part.say("void:property", property_)
            yield from _count(part, numbers)
    for index, (name, entities) in enumerate(partitions.classes.items(), 1):
        if class_ := Iri.find(name):
            part = Node(Iri(f"{DATASET.value}#{name_node('class', name, index)}"))
            yield from whole.say("void:classPartition", part.iri)
            yield from part.say("void:class", class_)
            yield from part.say("void:entities", entities)
            if in_depth:
                yield from _describe_class(part, name, partitions)


def _describe_links(links: Mapping[tuple[str, str], int]) -> Iterator[Triple]:
    """Links to other datasets, by the space of their IRIs and the predicate."""
    dataset = Node(DATASET)
    for index, ((space, predicate), count) in enumerate(links.items(), 1):
        if property_ := Iri.find(predicate):
            host = space.partition("://")[2].rstrip("/")
            name = host if _HOST.fullmatch(host) else str(index)
            links_, other = part(f"linkset/{name}/{name_node('property', predicate, index)}"), part(f"linked/{name}")
            yield from dataset.say("void:subset", links_.iri)
            yield from links_.say("rdf:type", "void:Linkset")
            yield from links_.say("void:subjectsTarget", DATASET)
            yield from links_.say("void:objectsTarget", other.iri)
            yield from links_.say("void:linkPredicate", property_)
            yield from links_.say("void:triples", count)
            yield from other.say("rdf:type", "void:Dataset")
            yield from other.say("void:uriSpace", Text(space))


def _describe_class(part: Node, name: str, partitions: Partitions) -> Iterator[Triple]:
    """The properties of the members of a class, and what their values are, as editors need it to complete a query."""
    own = [(other, numbers) for (class_, other), numbers in partitions.of_class.items() if class_ == name]
    yield from part.say("void:properties", len(own))
    for index, (other, numbers) in enumerate(own, 1):
        if property_ := Iri.find(other):
            node = Node(Iri(f"{part.iri.value}/{name_node('property', other, index)}"))
            yield from part.say("void:propertyPartition", node.iri)
            yield from node.say("void:property", property_)
            yield from _count(node, numbers)
            yield from _describe_values(node, name, other, partitions)


def _describe_values(node: Node, name: str, other: str, partitions: Partitions) -> Iterator[Triple]:
    for kind, counted, says, of in (
        ("class", partitions.to_class, "void:classPartition", "void:class"),
        ("datatype", partitions.to_datatype, _EXTENSION + "datatypePartition", _EXTENSION + "datatype"),
    ):
        for index, (near, count) in enumerate(counted.get((name, other), ()), 1):
            if value := Iri.find(near):
                part = Node(Iri(f"{node.iri.value}/{name_node(kind, near, index)}"))
                yield from node.say(says, part.iri)
                yield from part.say(of, value)
                yield from part.say("void:triples", count)


def _describe_limit(limit: Limit) -> Iterator[Triple]:
    node, value = Node(Iri(f"{SERVICE.value}#limit-{limit.name}")), limit.value
    number = Text(f"{value:g}", datatype=term("xsd:decimal")) if isinstance(value, float) else int(value)
    beyond = f"at most so many {limit.meaning}; what is beyond is answered with {limit.status}"
    yield from node.say("rdf:type", "schema:PropertyValue")
    yield from node.say("schema:propertyID", Text(limit.name))
    yield from node.say("schema:name", Text(beyond, language="en"))
    yield from node.say("schema:maxValue", number)
    yield from node.say("schema:unitText", Text(limit.unit))


def _comments(settings: Settings) -> tuple[str, ...]:
    return (
        "Read-only; SERVICE, updates and graphs that are not listed here are refused.",
        f"A query is ended after {settings.query_seconds:g} seconds (504).",
        f"An answer has at most {settings.max_rows} rows and {settings.max_bytes} bytes; "
        "one that would be larger is an error (413) and never cut.",
        f"A query has at most {settings.max_query_bytes} bytes (413), "
        f"an address at most {settings.max_url_bytes} (414).",
    )


def _names_of_formats() -> tuple[str, ...]:
    return (*_RESULTS, *(name for name, _, _ in _GRAPHS))
