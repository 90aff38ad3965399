"""What OAI-PMH says of a resource: an event of the log and the content that it left in, elements of XML out.

Headers, metadata in Dublin Core (section 5 of OAI-PMH 2.0) and in RDF/XML. Reads no request and no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element

from cbdgraph.changelog import TIME_FORMAT
from cbdgraph.history import Event
from cbdgraph.model import Text
from cbdgraph.namespaces import expand
from cbdgraph.quads import values_of
from cbdgraph.server.description import LICENCE
from cbdgraph.server.feeds import rdfxml
from cbdgraph.server.feeds.kinds import kinds_of
from cbdgraph.server.feeds.markup import add, make

DC: Final = "oai_dc"
RDF: Final = "rdf"


@dataclass(frozen=True, slots=True)
class Format:
    """A format of metadata as ListMetadataFormats tells it."""

    prefix: str
    schema: str
    namespace: str


FORMATS: Final = {
    found.prefix: found
    for found in (
        Format(DC, "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/"),
        Format(RDF, "http://www.openarchives.org/OAI/2.0/rdf.xsd", rdfxml.NAMESPACE),
    )
}

# The elements of Dublin Core in the order of the document, and the properties whose values they repeat.
_ELEMENTS: Final = {
    element: tuple(map(expand, names.split()))
    for element, names in {
        "title": "skos:prefLabel rdfs:label dcterms:title cbd:title skosxl:literalForm sh:name",
        "identifier": "cbd:symbol skos:notation",
        "subject": "cbd:onIssue cbd:issue dcterms:subject",
        "description": "cbd:summary dcterms:description skos:definition cbd:wording cbd:quote rdfs:comment "
        "sh:message",
        "date": "dcterms:issued cbd:year cbd:startDate cbd:endDate",
        "source": "dcterms:source prov:wasDerivedFrom",
        "relation": "cbd:parent cbd:isPartOf dcterms:isPartOf cbd:inSet cbd:underGoal cbd:adoptedAt cbd:adoptedIn "
        "cbd:meetingOf cbd:preparedFor cbd:definitionOf cbd:quantityOf cbd:outcomeOf cbd:requestedIn cbd:citingPart "
        "cbd:citedPart cbd:citedTarget cbd:cites cbd:citedBy cbd:addressesTarget skos:inScheme skos:broader "
        "skos:related skos:exactMatch skos:closeMatch skos:relatedMatch dcterms:replaces rdfs:isDefinedBy "
        "rdfs:subClassOf rdfs:subPropertyOf sh:targetClass cbd:webPage rdfs:seeAlso",
        "language": "dcterms:language",
    }.items()
}


def identify(iri: str) -> str:
    """The identifier of a resource: its IRI, as a URI.

    >>> identify("https://w3id.org/cbdgraph/term/é")
    'https://w3id.org/cbdgraph/term/%C3%A9'
    """
    return quote(iri, safe="!#$%&'()*+,/:;=?@[]~")


def make_header(event: Event) -> Element:
    """When a record last changed and in which sets it is; of a withdrawn resource that it is deleted."""
    header = make("header", "", {"status": "deleted"} if event.change == "withdrawn" else {})
    add(header, "identifier", identify(event.resource))
    add(header, "datestamp", event.when.strftime(TIME_FORMAT))
    for kind in kinds_of(event.classes):
        add(header, "setSpec", kind)
    return header


def make_record(event: Event, content: Sequence[str], prefix: str) -> Element:
    """The record of a resource in a format; `UnwritableInXml` if RDF/XML cannot say what is said of it."""
    record = make("record", children=[make_header(event)])
    if event.change != "withdrawn":
        said = describe_core(event, content) if prefix == DC else _describe_rdf(event, content)
        record.append(make("metadata", children=[said]))
    return record


def describe_core(event: Event, content: Sequence[str]) -> Element:
    """A resource in Dublin Core: the values of the properties that have an element for them, each once."""
    said: dict[str, list[tuple[str, str]]] = {name: [] for name in ("title", "identifier", "type", *_ELEMENTS)}
    said["identifier"].append((event.resource, ""))
    said["type"] = [(iri.rpartition("/")[2].rpartition("#")[2], "") for iri in event.classes]
    said["rights"] = [(LICENCE.value, "")]
    for element, properties in _ELEMENTS.items():
        for value in (value for name in properties for value in values_of(content, event.resource, name)):
            said[element].append((value.value, value.language if isinstance(value, Text) else ""))
    said["language"] += [(tag, "") for tag in dict.fromkeys(tag for _, tag in said["title"]) if tag]
    return make_core((element, text, tag) for element, texts in said.items() for text, tag in dict.fromkeys(texts))


def make_core(said: Iterable[tuple[str, str, str]]) -> Element:
    """Dublin Core of elements with their texts and languages, "" for none."""
    found = FORMATS[DC]
    declared = {
        "xmlns:oai_dc": found.namespace,
        "xmlns:dc": "http://purl.org/dc/elements/1.1/",
        "xsi:schemaLocation": f"{found.namespace} {found.schema}",
    }
    root = make("oai_dc:dc", "", declared)
    for element, text, language in said:
        add(root, f"dc:{element}", text, {"xml:lang": language} if language else {})
    return root


def _describe_rdf(event: Event, content: Sequence[str]) -> Element:
    # Blank nodes with names of their own, for those who read a page of records as one document.
    root = rdfxml.describe(content, f"e{event.position}-")
    root.set("xsi:schemaLocation", f"{FORMATS[RDF].namespace} {FORMATS[RDF].schema}")
    return root
