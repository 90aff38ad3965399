"""/sparql/completions: what an editor offers while somebody types a query; a release in, one JSON document out.

Prefixes, and the classes and properties that the data use or the ontology defines, each with its label, its meaning
and how often it stands in this release; of a property also the classes whose members have it. Made once per release
from the counts of VoID, so that an editor asks nothing while somebody types, and nobody else ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.namespaces import PREFIXES, expand
from cbdgraph.queries import prologue
from cbdgraph.server import pages
from cbdgraph.server.answers import etag, not_modified, served_of
from cbdgraph.server.dataset import partitions_of
from cbdgraph.server.names import find_names
from cbdgraph.server.negotiate import JSON, choose_either
from cbdgraph.server.partitions import Partitions
from cbdgraph.server.portrait import select
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.statements import NAMING, Names, pick, short, words_of

router = Router()

_MOST: Final = 5000  # classes or properties: more is no list that an editor offers
_SHARED: Final = 12  # classes of a property that are named
_LONGEST: Final = 300  # characters of a meaning
_DEFINED: Final = f"""{prologue(("rdf", "rdfs", "owl"))}
SELECT DISTINCT ?kind ?term
WHERE {{
  VALUES (?type ?kind) {{
    (owl:Class "class") (rdfs:Class "class")
    (owl:ObjectProperty "property") (owl:DatatypeProperty "property") (owl:AnnotationProperty "property")
    (rdf:Property "property")
  }}
  ?term a ?type .
  FILTER(isIRI(?term))
}}
LIMIT {_MOST}"""
_MEANINGS: Final = f"""{prologue(("rdf", "rdfs", "owl", "skos"))}
SELECT ?term (MIN(?text) AS ?says)
WHERE {{
  VALUES ?type {{
    owl:Class rdfs:Class owl:ObjectProperty owl:DatatypeProperty owl:AnnotationProperty rdf:Property
  }}
  ?term a ?type ;
    skos:definition ?text .
  FILTER(isIRI(?term) && LANG(?text) = "en")
}}
GROUP BY ?term
LIMIT {_MOST}"""


@router.get("/sparql/completions", summary="What an editor offers while a query is typed", responses=offer((JSON,)))
async def show_completions(request: Request) -> Response:
    """Prefixes, classes and properties of this release, with labels, meanings and counts."""
    served = served_of(request)
    choose_either(request.query_params.get("format"), request.headers.get("accept", ""), (JSON,))
    tag = etag(served, "completions")
    if known := not_modified(request, tag):
        return known
    partitions = await partitions_of(served)
    defined = await select(served, _DEFINED)
    meanings = {
        row["term"]["value"]: row["says"]["value"] for row in await select(served, _MEANINGS) if "says" in row
    }
    classes = _unite(partitions.classes if partitions else (), defined, "class")
    properties = _unite(partitions.properties if partitions else (), defined, "property")
    names = await find_names(served, (*classes, *properties))
    document = {
        "release": served.release,
        "counted": partitions is not None,
        "naming": list(NAMING),
        "prefixes": dict(PREFIXES),
        "classes": [
            _describe(iri, partitions.classes.get(iri, 0) if partitions else None, names, meanings) for iri in classes
        ],
        "properties": [
            {
                **_describe(iri, _triples(partitions, iri), names, meanings),
                "of": _classes_with(partitions, iri) if partitions else [],
            }
            for iri in properties
        ],
    }
    return pages.respond_json(document, tag)


def _unite(counted: Collection[str], defined: list[dict[str, Any]], kind: str) -> list[str]:
    """Those that are used or defined, by name; ours come first in an editor by their count, not by this order."""
    own = (row["term"]["value"] for row in defined if row["kind"]["value"] == kind)
    return sorted({*counted, *own}, key=lambda iri: (short(iri), iri))[:_MOST]


def _describe(iri: str, count: int | None, names: Names, meanings: Mapping[str, str]) -> dict[str, Any]:
    name = pick(names.get(iri, {}), "en")
    says = meanings.get(iri, "")
    return {
        "iri": iri,
        "name": short(iri),
        "label": name.text if name else words_of(iri, {}),
        **({"says": says if len(says) <= _LONGEST else f"{says[:_LONGEST]}…"} if says else {}),
        **({} if count is None else {"count": count}),
    }


def _triples(partitions: Partitions | None, iri: str) -> int | None:
    if partitions is None:
        return None
    numbers = partitions.properties.get(iri)
    return numbers.triples if numbers else 0


def _classes_with(partitions: Partitions, iri: str) -> list[str]:
    """The classes whose members have a property, those first that have it most."""
    if iri == expand("rdf:type"):
        return []
    having = {class_: numbers.triples for (class_, own), numbers in partitions.of_class.items() if own == iri}
    return sorted(having, key=lambda class_: (-having[class_], class_))[:_SHARED]
