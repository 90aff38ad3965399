"""What a page says to programs that read pages: a portrait in, JSON-LD with words of schema.org out.

It stands in a script element that is no script, so that nothing in it may end that element. The licence is said of
the page, never of what it is about: the texts of the Convention are not this project's to license.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from cbdgraph.namespaces import PREFIXES, expand
from cbdgraph.server.description import DATASET, LICENCE
from cbdgraph.server.portrait import Portrait

_VALUES: Final = 20  # of one property
# As ontology/alignments.ttl has it, and for what SKOS names; whatever else is a Thing.
_KINDS: Final[Mapping[str, str]] = {
    expand(name): kind
    for name, kind in {
        "cbd:Text": "CreativeWork",
        "cbd:Meeting": "Event",
        "cbd:Body": "Organization",
        "skos:Concept": "DefinedTerm",
        "skos:ConceptScheme": "DefinedTermSet",
    }.items()
}
_SAID: Final[Mapping[str, str]] = {
    expand(name): word
    for name, word in {
        "skos:altLabel": "alternateName",
        "cbd:title": "headline",
        "skos:notation": "identifier",
        "skos:definition": "description",
        "cbd:summary": "description",
        "cbd:wording": "text",
        "cbd:startDate": "startDate",
        "cbd:endDate": "endDate",
        "cbd:webPage": "url",
        "skos:exactMatch": "sameAs",
        "dcterms:source": "isBasedOn",
    }.items()
}
# What HTML could take for a tag or a comment, and what JavaScript takes for the end of a line.
_ESCAPES: Final = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&'\u2028\u2029"})


def write_block(portrait: Portrait, *, is_licensed: bool) -> str:
    """The content of the script element; `is_licensed` if these are this project's own data."""
    way = [
        {"@type": "ListItem", "position": number, "name": _name(portrait, iri), "item": iri}
        for number, iri in enumerate((*portrait.way, portrait.iri), 1)
    ]
    page: dict[str, Any] = {
        "@context": {"@vocab": PREFIXES["schema"]},
        "@type": "WebPage",
        "inLanguage": portrait.language,
        "isPartOf": {"@type": "Dataset", "@id": DATASET.value},
        "mainEntity": _describe(portrait),
    }
    if is_licensed:
        page["license"] = {"@id": LICENCE.value}
    if portrait.way:
        page["breadcrumb"] = {"@type": "BreadcrumbList", "itemListElement": way}
    return json.dumps(page, ensure_ascii=False).translate(_ESCAPES)


def _describe(portrait: Portrait) -> dict[str, Any]:
    kinds = [_KINDS[name] for name in portrait.classes if name in _KINDS] or ["Thing"]
    entity: dict[str, Any] = {
        "@id": portrait.iri,
        "@type": [*dict.fromkeys(kinds), *portrait.classes],
        "name": [_text(text, language) for language, text in portrait.labels.items()],
    }
    if portrait.way:
        entity["isPartOf"] = {"@id": portrait.way[-1]}
    for group in portrait.outgoing:
        if word := _SAID.get(group.property):
            values = [_value(value.term) for value in group.values if value.term["type"] != "bnode"]
            entity[word] = [*entity.get(word, ()), *values][:_VALUES]
    return entity


def _value(term: Mapping[str, str]) -> Any:
    if term["type"] == "uri":
        return {"@id": term["value"]}
    if term["type"] == "literal":
        return _text(term["value"], term.get("xml:lang", ""))
    return str(term["value"])  # a triple term


def _text(text: str, language: str) -> Any:
    return {"@value": text, "@language": language} if language else text


def _name(portrait: Portrait, iri: str) -> str:
    name = portrait.name(iri)
    return name.text if name else iri
