"""The formats of RDF that feeds are written in: lines of N-Quads in, a document, with or without graphs, out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cbdgraph.namespaces import PREFIXES
from cbdgraph.server.negotiate import HTML, JSON
from cbdgraph.store.convert import convert

TYPES: Final = (
    "text/turtle",
    "application/n-triples",
    "application/n-quads",
    "application/trig",
    "application/ld+json",
)
OFFER: Final = (*TYPES, JSON, HTML)
ALIASES: Final = {JSON: "application/ld+json"}
SUFFIXES: Final = {"Turtle": "ttl", "N-Triples": "nt", "N-Quads": "nq", "TriG": "trig", "JSON-LD": "jsonld"}
NAMESPACES: Final = {**PREFIXES, "ldes": "https://w3id.org/ldes#", "tree": "https://w3id.org/tree#"}

_DATASETS: Final = ("application/n-quads", "application/trig", "application/ld+json")


def holds_graphs(shown: str) -> bool:
    """Whether a format says in which graph a statement stands."""
    return ALIASES.get(shown, shown) in _DATASETS


def arrange(quads: Iterable[str], shown: str) -> list[str]:
    """Quads as a format can hold them: graph by graph, or each statement once and without its graph.

    >>> arrange(["<x:a> <x:b> <x:c> <x:h> .", "<x:a> <x:b> <x:c> <x:g> ."], "text/turtle")
    ['<x:a> <x:b> <x:c> .']
    """
    if holds_graphs(shown):
        return sorted(quads, key=lambda line: line.rsplit(" ", 2)[1])
    return list(dict.fromkeys(line.rsplit(" ", 2)[0] + " ." for line in quads))


def write(lines: Iterable[str], shown: str) -> bytes:
    """Lines that are arranged, in the format."""
    return convert(lines, ALIASES.get(shown, shown), NAMESPACES)
