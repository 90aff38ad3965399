"""Kinds of resources, by which feeds are cut: the classes of a resource in, the names of its kinds out.

A kind within another one has both names, `target` and `target:aichi`: who asks for the first gets the second too.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from cbdgraph.namespaces import expand

OTHER: Final = "other"

# Name, what it is called in English, the classes.
_KINDS: Final = (
    ("decision", "decisions", "cbd:Decision"),
    ("recommendation", "recommendations", "cbd:Recommendation"),
    ("document", "documents", "cbd:Document"),
    ("part", "parts of decisions, recommendations and documents", "cbd:Element"),
    ("part:paragraph", "paragraphs", "cbd:Paragraph"),
    ("issue", "issues", "cbd:Issue"),
    ("target-set", "sets of targets", "cbd:TargetSet"),
    ("goal", "goals and objectives", "cbd:Goal"),
    ("goal:strategic", "strategic goals", "cbd:StrategicGoal"),
    ("goal:objective", "objectives", "cbd:Objective"),
    ("target", "targets", "cbd:Target"),
    ("target:aichi", "Aichi Biodiversity Targets", "cbd:AichiTarget"),
    ("target:gspc", "targets of the Global Strategy for Plant Conservation", "cbd:GspcTarget"),
    ("target:kmgbf", "targets of the Kunming-Montreal Global Biodiversity Framework", "cbd:KmgbfTarget"),
    ("quantity", "quantities in targets", "cbd:QuantitativeElement"),
    ("term", "terms", "cbd:Term"),
    ("definition", "definitions", "cbd:Definition"),
    ("term-use", "uses of terms", "cbd:TermUse"),
    ("citation", "citations", "cbd:Citation"),
    ("citation:target", "citations of targets", "cbd:TargetReference"),
    ("meeting", "meetings", "cbd:Meeting"),
    ("body", "bodies", "cbd:Body"),
    ("actor", "actors", "cbd:Actor"),
    ("request", "requests", "cbd:Request"),
    ("activity", "activities", "cbd:Activity"),
    ("outcome", "outcomes", "cbd:Outcome"),
    ("label", "names with a source of their own", "skosxl:Label"),
    ("concept", "concepts of the vocabularies", "skos:Concept"),
    ("vocabulary", "vocabularies", "skos:ConceptScheme"),
    ("ontology", "the ontology and its terms", "owl:Ontology"),
    ("ontology:class", "classes", "owl:Class"),
    (
        "ontology:property",
        "properties",
        "owl:ObjectProperty owl:DatatypeProperty owl:AnnotationProperty",
    ),
    ("ontology:datatype", "datatypes", "rdfs:Datatype"),
    ("shape", "shapes", "sh:Shape"),
    ("shape:node", "shapes of classes", "sh:NodeShape"),
    ("shape:property", "shapes of properties", "sh:PropertyShape"),
    ("graph", "named graphs", "void:Dataset"),
    ("release", "releases", "cbd:Release"),
    (OTHER, "what is of no other kind", ""),
)
NAMES: Final = MappingProxyType({name: title for name, title, _ in _KINDS})
CLASSES: Final = MappingProxyType({name: tuple(map(expand, classes.split())) for name, _, classes in _KINDS})
_OF: Final = MappingProxyType({iri: name for name, classes in CLASSES.items() for iri in classes})


def kind_of(classes: Iterable[str]) -> str:
    """The one kind that says most of a resource: the narrowest of the first.

    >>> from cbdgraph.namespaces import expand
    >>> kind_of(map(expand, ["skos:Concept", "cbd:Term"])), kind_of(map(expand, ["cbd:Target", "cbd:AichiTarget"]))
    ('term', 'target:aichi')
    """
    first, *others = kinds_of(classes)
    return next((name for name in others if name.startswith(first + ":")), first)


def kinds_of(classes: Iterable[str]) -> tuple[str, ...]:
    """The kinds of a resource of these classes, in the order of the table; never none.

    >>> kinds_of(["https://w3id.org/cbdgraph/ontology#AichiTarget"]), kinds_of(["http://example.org/Class"])
    (('target', 'target:aichi'), ('other',))
    """
    found = {_OF[iri] for iri in classes if iri in _OF}
    found |= {name.partition(":")[0] for name in found}
    return tuple(name for name in NAMES if name in found) or (OTHER,)
