"""The page of a resource: its portrait in, HTML out; asks nothing, decides nothing about formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, LANGUAGES, ONTOLOGY, SHAPES, expand
from cbdgraph.queries import prologue
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.citing import LARGEST
from cbdgraph.server.data_block import write_block
from cbdgraph.server.examples import LANGUAGE_NAMES
from cbdgraph.server.incoming import address_of
from cbdgraph.server.links import find_alternates
from cbdgraph.server.portrait import Portrait, limit_of
from cbdgraph.server.statements import Group, Value
from cbdgraph.server.why import address as address_of_reasons

_OPEN: Final = 40  # values of one property that stand open; the rest is folded
_TYPE: Final = expand("rdf:type")
_TITLE: Final = expand("cbd:title")
_ISSUE: Final = expand("cbd:issue")
_DECISION: Final = expand("cbd:Decision")
_DEFINITION: Final = expand("cbd:Definition")
_DEFINITION_OF: Final = expand("cbd:definitionOf")
_FEATURE_OF: Final = expand("cbd:featureOf")
# Parts of the page that stand under a heading of their own.
_ELSEWHERE: Final = frozenset(
    {
        expand("skos:notation"),
        expand("cbd:webPage"),
        expand("rdfs:seeAlso"),
        expand("owl:sameAs"),
        *(expand(f"skos:{kind}Match") for kind in ("exact", "close", "broad", "narrow", "related")),
    }
)
_ORIGIN: Final = frozenset(
    {
        *(expand(f"cbd:{name}") for name in ("sourcePlace", "basis", "labelOrigin")),
        expand("dcterms:source"),
        expand("skos:editorialNote"),
        expand("prov:wasDerivedFrom"),
        expand("rdfs:isDefinedBy"),
    }
)
_SECTIONS: Final = (("", ""), ("elsewhere", "Codes and official pages"), ("origin", "Where this comes from"))
_DOCUMENTED: Final = frozenset(name.rstrip("#") for name in (ONTOLOGY, SHAPES))

# Values are bound as terms at the marks, never pasted as text: `str(Iri(…))` cannot leave its angle brackets.
_ALL: Final = (
    prologue(("rdfs", "skos"))
    + """

SELECT ?resource ?label
WHERE {
  ?resource @PROPERTY@ @IRI@ .
  OPTIONAL { ?resource skos:prefLabel|rdfs:label ?label . FILTER(LANG(?label) = "@LANGUAGE@") }
}
ORDER BY ?resource"""
)


def write_page(portrait: Portrait, release: str, prefix: str, *, is_licensed: bool) -> str:
    """The HTML; `prefix` stands before every address of an older release, `is_licensed` for our own data."""
    return pages.render("resource.html", **gather(portrait, release, prefix, is_licensed=is_licensed))


def gather(portrait: Portrait, release: str, prefix: str, *, is_licensed: bool) -> dict[str, Any]:
    """What the template of a resource needs, and those that go beyond it."""
    iri, term = portrait.iri, str(Iri(portrait.iri))
    path = prefix + address(iri).replace("#", "%23")
    return {
        "iri": iri,
        "title": portrait.name(iri),
        "fallback": iri.removeprefix(BASE),
        "subtitle": next((group.values[0].term for group in portrait.outgoing if group.property == _TITLE), None),
        "portrait": portrait,
        "kinds": [(value.term["value"], value.name) for value in _kinds(portrait.outgoing)],
        "way": [(each, portrait.name(each)) for each in portrait.way],
        "sections": _divide(portrait.outgoing),
        "total": sum(portrait.counts.values()),
        "shown": {name: limit_of(name) for name in portrait.counts},
        "listed": {name: address_of(iri, name, prefix) for name in portrait.counts},
        "queried": {name: _address(name, term, portrait.language) for name in portrait.counts},
        "cited": portrait.citations[:LARGEST],
        "is_issue": _ISSUE in portrait.counts,
        "has_issues": any(each.issue for each in portrait.citations),
        "has_parts": any(each.cited and each.cited["value"] != iri for each in portrait.citations),
        "cited_whole": _address_of_citations(portrait) if len(portrait.citations) > LARGEST else "",
        "open": _OPEN,
        "why": address_of_reasons,
        "path": path,
        "alternates": find_alternates(iri, prefix),
        "joint": "?" if iri.startswith(BASE) else "&",
        "kept": "",  # parameters that a link to another language keeps
        "beside": _beside(portrait, prefix),
        "languages": [(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
        "release": release,
        "is_documented": iri in _DOCUMENTED,
        "description": "/sparql?" + urlencode({"query": f"DESCRIBE {term}"}),
        "block": Markup(write_block(portrait, is_licensed=is_licensed)),  # escaped for where it stands
    }


def _beside(portrait: Portrait, prefix: str) -> dict[str, Any] | None:
    """Of a definition, where it stands beside the others of its term."""
    if _DEFINITION not in portrait.classes:
        return None
    for group in portrait.outgoing:
        if group.property == _DEFINITION_OF and group.values[0].term["type"] == "uri":
            term = group.values[0].term["value"]
            anchor = f"definition-{portrait.iri.rpartition('/')[2]}"
            path = prefix + address(term).replace("#", "%23")
            return {"path": path, "anchor": anchor, "features": _FEATURE_OF in portrait.counts}
    return None


def _kinds(groups: Iterable[Group]) -> list[Value]:
    """The classes that are stated; those that follow from them stand with their reasons."""
    values = [value for group in groups if group.property == _TYPE for value in group.values]
    return [value for value in values if not value.origins and value.term["type"] == "uri"] or values


def _divide(groups: Sequence[Group]) -> list[tuple[str, str, list[Group]]]:
    """The groups by part of the page: anchor, heading, groups; what is empty is left out."""
    parts: dict[str, list[Group]] = {anchor: [] for anchor, _ in _SECTIONS}
    for group in groups:
        anchor = "elsewhere" if group.property in _ELSEWHERE else "origin" if group.property in _ORIGIN else ""
        parts[anchor].append(group)
    return [(anchor, heading, parts[anchor]) for anchor, heading in _SECTIONS if parts[anchor] or not anchor]


def _address_of_citations(portrait: Portrait) -> str:
    """Where more citations are listed than a page holds; those of a decision with those of its parts."""
    if _DECISION in portrait.classes:
        return "/query/citations-of-decision?" + urlencode({"decision": portrait.iri, "format": "html"})
    cited = next((name for name in portrait.counts if name.startswith(ONTOLOGY + "cited")), _ISSUE)
    return address_of(portrait.iri, cited)


def _address(name: str, term: str, language: str) -> str:
    """The query for all that points here by a property; "" for what the core calls no IRI."""
    try:
        query = _ALL.replace("@LANGUAGE@", language).replace("@PROPERTY@", str(Iri(name))).replace("@IRI@", term)
    except InvalidName:
        return ""
    return "/sparql?" + urlencode({"query": query})
