"""The SPARQL 1.1 Service Description, VoID and a little DCAT: facts, counts and limits in, triples out.

Writes no format and asks nothing. Every node is an IRI under the base that leads to where it is described: /sparql
for the service and its limits, /dataset for all else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, GRAPHS, PREFIXES, expand
from cbdgraph.server.live import Served
from cbdgraph.server.partitions import LARGEST, Numbers, Partitions
from cbdgraph.server.statements import short
from cbdgraph.settings import Limit, Settings

Triple = tuple[Iri, Iri, Iri | Text]

SERVICE: Final = Iri(BASE + "sparql")
DATASET: Final = Iri(BASE + "dataset")
DEFAULT: Final = Iri(BASE + "dataset#default-graph")
LICENCE: Final = Iri("https://creativecommons.org/licenses/by/4.0/")

_FORMATS: Final = "http://www.w3.org/ns/formats/"
_MEDIA_TYPES: Final = "https://www.iana.org/assignments/media-types/"
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
_STANDARDS: Final = (
    "http://www.w3.org/TR/sparql11-protocol/",
    "http://www.w3.org/TR/sparql11-query/",
    "http://www.w3.org/TR/sparql11-http-rdf-update/",
)


@dataclass(frozen=True, slots=True)
class _Node:
    """Says something about one node; a name of a vocabulary's term stands for its IRI."""

    iri: Iri

    def say(self, name: str, *values: Iri | Text | str | int) -> Iterator[Triple]:
        """A triple for each value; a string is a name, a whole number a literal."""
        for value in values:
            if isinstance(value, int):
                yield self.iri, _term(name), Text(str(value), datatype=_term("xsd:integer"))
            else:
                yield self.iri, _term(name), _term(value) if isinstance(value, str) else value

    def count(self, numbers: Numbers | None) -> Iterator[Triple]:
        """The numbers of VoID, where there are any."""
        if numbers is not None:
            yield from self.say("void:triples", numbers.triples)
            yield from self.say("void:distinctSubjects", numbers.subjects)
            yield from self.say("void:distinctObjects", numbers.objects)


def describe_service(settings: Settings, endpoint: str) -> list[Triple]:
    """The service at the address `endpoint`, and its limits."""
    service = _Node(SERVICE)
    limits = settings.limits
    return [
        *service.say("rdf:type", "sd:Service", "dcat:DataService"),
        *service.say("dcterms:title", Text("The SPARQL endpoint of cbdgraph", language="en")),
        *service.say("sd:endpoint", Iri(endpoint)),
        *service.say("sd:supportedLanguage", "sd:SPARQL11Query"),
        *(() if settings.data else service.say("sd:feature", "sd:UnionDefaultGraph")),
        *service.say("sd:resultFormat", *(Iri(_FORMATS + name) for name in _names_of_formats())),
        *service.say("sd:defaultDataset", DATASET),
        *service.say("dcat:endpointURL", Iri(endpoint)),
        *service.say("dcat:endpointDescription", Iri(BASE + "openapi.json")),
        *service.say("dcat:servesDataset", DATASET),
        *service.say("dcterms:conformsTo", *map(Iri, _STANDARDS)),
        *service.say("rdfs:seeAlso", Iri(BASE + ".well-known/void")),
        *service.say("rdfs:comment", *(Text(comment, language="en") for comment in _comments(settings))),
        *service.say("schema:additionalProperty", *(Iri(f"{SERVICE.value}#limit-{limit.name}") for limit in limits)),
        *(triple for limit in limits for triple in _describe_limit(limit)),
    ]


def describe_dataset(
    served: Served, settings: Settings, endpoint: str, partitions: Partitions | None, *, in_depth: bool
) -> list[Triple]:
    """The dataset and its graphs, and its classes and properties where they were counted.

    `in_depth` adds which properties each class has, and of which classes or datatypes their values are.
    """
    dataset, description = _Node(DATASET), _Node(Iri(BASE + ".well-known/void"))
    united = not settings.data  # the default graph holds all, so that its counts are those of the dataset
    triples = [
        *description.say("rdf:type", "void:DatasetDescription"),
        *description.say("http://xmlns.com/foaf/0.1/primaryTopic", DATASET),
        *dataset.say("rdf:type", "sd:Dataset", "void:Dataset", "dcat:Dataset"),
        *_describe_publication(dataset, settings),
        *dataset.say("dcterms:identifier", Text(served.release)),
        *dataset.say("dcat:version", Text(served.release)),
        *dataset.say("void:sparqlEndpoint", Iri(endpoint)),
        *dataset.say("sd:defaultGraph", DEFAULT),
        *_Node(DEFAULT).say("rdf:type", "sd:Graph", "void:Dataset"),
        *_Node(DEFAULT).say("void:triples", served.engine.facts.default_triples),
    ]
    if partitions is None:
        comment = f"Classes and properties are not counted: the data are over {LARGEST:,} triples, or over a limit."
        triples += dataset.say("rdfs:comment", Text(comment, language="en"))
    else:
        triples += _describe_partitions(dataset if united else _Node(DEFAULT), partitions, in_depth)
    for index, (name, count) in enumerate(sorted(served.engine.facts.graphs.items()), 1):
        triples += _describe_graph(dataset, name, index, count, partitions)
    return triples


def write(triples: Iterable[Triple]) -> str:
    """One triple a line, each once, in their order: valid as N-Triples and as Turtle."""
    return "".join(dict.fromkeys(f"{subject} {predicate} {value} .\n" for subject, predicate, value in triples))


def name_node(kind: str, iri: str, index: int) -> str:
    """A fragment of /dataset for what is said about another IRI.

    >>> name_node("class", "https://w3id.org/cbdgraph/ontology#Decision", 3), name_node("class", "http://e/x", 3)
    ('class/cbd:Decision', 'class/3')
    """
    prefixed = short(iri)
    return f"{kind}/{prefixed if prefixed != iri else index}"


def _describe_publication(dataset: _Node, settings: Settings) -> Iterator[Triple]:
    """Who may do what with it; of a user's own files nothing is known."""
    if settings.data:
        yield from dataset.say("dcterms:title", Text("RDF files served with cbdgraph", language="en"))
        return
    title = "Decisions and targets of the Convention on Biological Diversity, as linked data"
    description = (
        "Decisions down to the paragraph, what cites them and for which issue, targets with their figures, requests "
        "and what was done, terms with their definitions; every statement with its source. An independent work: the "
        "adopted texts alone are authoritative."
    )
    yield from dataset.say("dcterms:title", Text(title, language="en"))
    yield from dataset.say("dcterms:description", Text(description, language="en"))
    yield from dataset.say("dcterms:license", LICENCE)
    yield from dataset.say("void:uriSpace", Text(BASE))
    yield from dataset.say("void:feature", *(Iri(_FORMATS + name) for name, _, _ in _GRAPHS))
    yield from dataset.say("void:dataDump", Iri(f"{BASE}graph-store?default&format=nt"))
    for _, media_type, suffix in _GRAPHS[:4]:
        distribution = _Node(Iri(f"{DATASET.value}#distribution/{suffix}"))
        yield from dataset.say("dcat:distribution", distribution.iri)
        yield from distribution.say("rdf:type", "dcat:Distribution")
        yield from distribution.say("dcat:downloadURL", Iri(f"{BASE}graph-store?default&format={suffix}"))
        yield from distribution.say("dcat:mediaType", Iri(_MEDIA_TYPES + media_type))
        yield from distribution.say("dcterms:license", LICENCE)


def _describe_graph(
    dataset: _Node, name: str, index: int, count: int, partitions: Partitions | None
) -> Iterator[Triple]:
    try:
        iri = Iri(name)
    except InvalidName:
        return  # a blank node names it, so that nobody can ask for it
    path = name.removeprefix(GRAPHS) if name.startswith(GRAPHS) else str(index)
    graph, named = _Node(Iri(f"{DATASET.value}#graph/{path}")), _Node(Iri(f"{DATASET.value}#named-graph/{path}"))
    yield from dataset.say("sd:namedGraph", named.iri)
    yield from named.say("rdf:type", "sd:NamedGraph")
    yield from named.say("sd:name", iri)
    yield from named.say("sd:graph", graph.iri)
    yield from dataset.say("void:subset", graph.iri)
    yield from graph.say("rdf:type", "sd:Graph", "void:Dataset")
    numbers = partitions.graphs.get(name) if partitions else None
    yield from graph.count(numbers) if numbers else graph.say("void:triples", count)
    if name.startswith(GRAPHS):
        yield from graph.say("void:dataDump", iri)


def _describe_partitions(whole: _Node, partitions: Partitions, in_depth: bool) -> Iterator[Triple]:
    yield from whole.count(partitions.whole)
    yield from whole.say("void:entities", partitions.entities)
    yield from whole.say("void:classes", len(partitions.classes))
    yield from whole.say("void:properties", len(partitions.properties))
    used = [*partitions.classes, *partitions.properties]
    vocabularies = [Iri(start) for start in PREFIXES.values() if any(name.startswith(start) for name in used)]
    yield from whole.say("void:vocabulary", *vocabularies)
    for index, (name, numbers) in enumerate(partitions.properties.items(), 1):
        if property_ := _iri(name):
            part = _Node(Iri(f"{DATASET.value}#{name_node('property', name, index)}"))
            yield from whole.say("void:propertyPartition", part.iri)
            yield from part.say("void:property", property_)
            yield from part.count(numbers)
    for index, (name, entities) in enumerate(partitions.classes.items(), 1):
        if class_ := _iri(name):
            part = _Node(Iri(f"{DATASET.value}#{name_node('class', name, index)}"))
            yield from whole.say("void:classPartition", part.iri)
            yield from part.say("void:class", class_)
            yield from part.say("void:entities", entities)
            if in_depth:
                yield from _describe_class(part, name, partitions)


def _describe_class(part: _Node, name: str, partitions: Partitions) -> Iterator[Triple]:
    """The properties of the members of a class, and what their values are, as editors need it to complete a query."""
    own = [(other, numbers) for (class_, other), numbers in partitions.of_class.items() if class_ == name]
    yield from part.say("void:properties", len(own))
    for index, (other, numbers) in enumerate(own, 1):
        if property_ := _iri(other):
            node = _Node(Iri(f"{part.iri.value}/{name_node('property', other, index)}"))
            yield from part.say("void:propertyPartition", node.iri)
            yield from node.say("void:property", property_)
            yield from node.count(numbers)
            yield from _describe_values(node, name, other, partitions)


def _describe_values(node: _Node, name: str, other: str, partitions: Partitions) -> Iterator[Triple]:
    for kind, counted, says, of in (
        ("class", partitions.to_class, "void:classPartition", "void:class"),
        ("datatype", partitions.to_datatype, _EXTENSION + "datatypePartition", _EXTENSION + "datatype"),
    ):
        for index, (near, count) in enumerate(counted.get((name, other), ()), 1):
            if value := _iri(near):
                part = _Node(Iri(f"{node.iri.value}/{name_node(kind, near, index)}"))
                yield from node.say(says, part.iri)
                yield from part.say(of, value)
                yield from part.say("void:triples", count)


def _describe_limit(limit: Limit) -> Iterator[Triple]:
    node, value = _Node(Iri(f"{SERVICE.value}#limit-{limit.name}")), limit.value
    number = Text(f"{value:g}", datatype=_term("xsd:decimal")) if isinstance(value, float) else int(value)
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


def _term(name: str) -> Iri:
    return Iri(name) if name.startswith("http") else Iri(expand(name))


def _iri(name: str) -> Iri | None:
    """An IRI of the data; None for what a stranger's data may hold and the core calls none."""
    try:
        return Iri(name)
    except InvalidName:
        return None
