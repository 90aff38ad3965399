"""A terminology in, its statements as lines of N-Triples out: plain SKOS, or SKOS-XL with everything.

Plain SKOS has names as literals, and each definition twice: as a literal, which every tool shows, and as a resource
with its text in rdf:value and its source beside it (SKOS Reference, section 7.4.2), because a definition here is
always somebody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cbdgraph.exchange.records import FIELDS, LABEL_LINKS, Field, Record, Value, records_of
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, expand
from cbdgraph.quads import make_triple
from cbdgraph.terminology.terms import Terminology

SCHEME: Final = BASE + "term"
# What a term says in plain SKOS too.
_PLAIN: Final = tuple(name for name, field in FIELDS["term"].items() if "/skos/core#" in field.iri)
# What stands beside the text of a definition in plain SKOS: where it comes from, and when it was said.
BESIDE: Final = {
    "year": expand("dcterms:issued"),
    "source": expand("dcterms:source"),
    "place": expand("dcterms:bibliographicCitation"),
}
LITERAL_LABELS: Final = {
    "preferred": expand("skos:prefLabel"),
    "alternative": expand("skos:altLabel"),
    "hidden": expand("skos:hiddenLabel"),
}
_CLASSES: Final = {
    "term": expand("cbd:Term"),
    "label": expand("skosxl:Label"),
    "definition": expand("cbd:Definition"),
    "feature": expand("cbd:Feature"),
}
_TYPE: Final = expand("rdf:type")
_IN_SCHEME: Final = expand("skos:inScheme")
_OWNERS: Final = {"definition": expand("cbd:definitionOf"), "feature": expand("cbd:featureOf")}
_DEFINITION: Final = expand("skos:definition")
_VALUE: Final = expand("rdf:value")
_DATATYPES: Final = {"year": Iri(expand("xsd:gYear")), "flag": Iri(expand("xsd:boolean"))}


def term_of(field: Field, value: Value) -> Value:
    """A value as a term of RDF: with the datatype of its field, and words of a place in English."""
    if isinstance(value, Text):
        if field.type in _DATATYPES:
            return Text(value.value, datatype=_DATATYPES[field.type])
        if field.type == "words":
            return Text(value.value, value.language or "en")
    return value


def skosxl_lines(terminology: Terminology) -> Iterator[str]:
    """Every statement that the records make, with labels as resources."""
    yield make_triple(SCHEME, _TYPE, Iri(expand("skos:ConceptScheme")))
    for record in records_of(terminology):
        if record.kind == "label":
            yield from _label(record)
            if not record.is_named:
                continue
        yield make_triple(record.key, _TYPE, Iri(_CLASSES[record.kind]))
        if record.kind == "term":
            yield make_triple(record.key, _TYPE, Iri(expand("skos:Concept")))
            yield make_triple(record.key, _IN_SCHEME, Iri(SCHEME))
        elif record.kind != "label":
            yield make_triple(record.key, _OWNERS[record.kind], Iri(record.owner))
        for name, field in FIELDS[record.kind].items():
            for value in record.fields.get(name, ()):
                yield make_triple(record.key, field.iri, term_of(field, value))


def skos_lines(terminology: Terminology) -> Iterator[str]:
    """What plain SKOS can hold."""
    yield make_triple(SCHEME, _TYPE, Iri(expand("skos:ConceptScheme")))
    for record in records_of(terminology):
        match record.kind:
            case "term":
                yield make_triple(record.key, _TYPE, Iri(expand("skos:Concept")))
                yield make_triple(record.key, _IN_SCHEME, Iri(SCHEME))
                for name in _PLAIN:
                    for value in record.fields.get(name, ()):
                        yield make_triple(record.key, FIELDS["term"][name].iri, value)
            case "label":
                text = record.texts("text")[0]
                yield make_triple(record.owner, LITERAL_LABELS[record.texts("kind")[0].value], text)
            case "definition":
                yield from _definition(record)
            case "feature":
                pass  # SKOS knows nothing of the kind


def _label(record: Record) -> Iterator[str]:
    kind = record.texts("kind")[0].value
    if record.is_named:
        yield make_triple(record.owner, LABEL_LINKS[kind], Iri(record.key))
    else:
        yield make_triple(record.owner, LITERAL_LABELS[kind], record.texts("text")[0])


def _definition(record: Record) -> Iterator[str]:
    yield make_triple(record.owner, _DEFINITION, Iri(record.key))
    for text in record.texts("wording"):
        yield make_triple(record.owner, _DEFINITION, text)
        yield make_triple(record.key, _VALUE, text)
    for name, iri in BESIDE.items():
        for value in record.fields.get(name, ()):
            yield make_triple(record.key, iri, term_of(FIELDS["definition"][name], value))
