"""A resource as plain JSON for scripts: its portrait in, a document out; asks nothing.

Flat, with prefixed names and without a context to look up: `.properties["cbd:inSet"][0].label`. JSON-LD says the same
as RDF; this says what a person reads on the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cbdgraph.namespaces import PREFIXES
from cbdgraph.server.addresses import address
from cbdgraph.server.description import LICENCE
from cbdgraph.server.incoming import address_of
from cbdgraph.server.links import find_alternates
from cbdgraph.server.live import Served
from cbdgraph.server.nested import nest
from cbdgraph.server.portrait import Portrait
from cbdgraph.server.statements import Name, Value, short, words_of


def write_document(portrait: Portrait, served: Served, prefix: str) -> dict[str, Any]:
    """The document; `prefix` stands before every address of an older release."""
    alternates = find_alternates(portrait.iri, prefix)
    iri, name = portrait.iri, portrait.name
    blanks = nest(portrait.own, iri) if portrait.own else {}
    properties = {
        short(group.property): [
            *(_value(value) for value in group.values if value.term["type"] != "bnode"),
            *blanks.get(group.property, ()),
        ]
        for group in portrait.outgoing
    }
    title = name(iri)
    modified = served.modified(iri)
    document: dict[str, Any] = {
        "iri": iri,
        "path": address(iri),
        "label": title.text if title else None,
        "labels": dict(portrait.labels),
        "types": [_node(each, name(each)) for each in portrait.classes],
        "within": [_node(each, name(each)) for each in portrait.way],
        "properties": properties,
        "incoming": [
            {
                "property": short(each),
                "label": words_of(each, portrait.names),
                "count": count,
                "href": address_of(iri, each, prefix, format="json"),
            }
            for each, count in sorted(portrait.counts.items(), key=lambda item: (-item[1], item[0]))
        ],
        "prefixes": _prefixes((*properties, *map(short, (*portrait.classes, *portrait.counts)))),
        "complete": portrait.is_complete,
        "language": portrait.language,
        "release": served.release,
        "modified": modified.isoformat().replace("+00:00", "Z") if modified else None,
        "license": LICENCE.value if served.folder is not None else None,
        "links": dict(alternates),
    }
    if portrait.triples is not None:  # of a named graph, whose content is RDF
        document["graph"] = {"triples": portrait.triples, "content": alternates["application/n-quads"]}
    return document


def _node(iri: str, name: Name | None) -> dict[str, Any]:
    """Another resource, with where it is described and what it is called."""
    node: dict[str, Any] = {"iri": iri}
    if (prefixed := short(iri)) != iri:
        node["name"] = prefixed
    return {**node, "path": address(iri), "label": name.text if name else None}


def _value(value: Value) -> dict[str, Any]:
    """One value; `inferred` or `computed` name the rules, where it is not stated anywhere."""
    term = value.term
    if term["type"] == "uri":
        written = _node(term["value"], value.name)
    else:
        written = {"value": term["value"]}
        if language := term.get("xml:lang"):
            written["language"] = language
        elif datatype := term.get("datatype"):
            written["datatype"] = short(datatype)
    for origin in value.origins:
        written.setdefault(origin.how, []).append(origin.rule)
    return written


def _prefixes(names: Iterable[str]) -> dict[str, str]:
    """The prefixes of some names, in the order of the project."""
    used = {name.partition(":")[0] for name in names}
    return {prefix: namespace for prefix, namespace in PREFIXES.items() if prefix in used}
