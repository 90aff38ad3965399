"""Where a resource belongs: rows about what holds what in, the way down to it from the outermost, out. Runs no query.

A paragraph stands in a section of an annex of a decision of a meeting of a body; a target under a goal of a set; a
term under a broader one of a scheme; a name is that of what it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cbdgraph.iris import natural
from cbdgraph.namespaces import expand
from cbdgraph.queries import prologue

# What leads from a part to the one thing that holds it; of several of these that a resource has the first counts.
_UP: Final = (
    "cbd:inSection",
    "cbd:parent",
    "cbd:citingPart",
    "cbd:quantityOf",
    "cbd:requestedIn",
    "cbd:outcomeOf",
    "cbd:definitionOf",
    "dcterms:isPartOf",
    "skos:broader",
    "cbd:underGoal",
    "cbd:inSet",
    "cbd:adoptedAt",
    "cbd:preparedFor",
    "cbd:meetingOf",
    "skos:inScheme",
)
_NAMES_OF: Final = ("skosxl:prefLabel", "skosxl:altLabel", "cbd:titleLabel")  # from what has a name to the name
_LONGEST: Final = 15
_ROWS: Final = 200

# Values are bound as terms at the mark, never pasted as text.
QUERY: Final = f"""{prologue(("cbd", "dcterms", "skos", "skosxl"))}
SELECT ?part ?property ?whole
WHERE {{
  {{ @IRI@ ({"|".join(_UP)})* ?part . ?part ?property ?whole . FILTER(?property IN ({", ".join(_UP)})) }}
  UNION {{ ?whole ?property @IRI@ . FILTER(?property IN ({", ".join(_NAMES_OF)})) BIND(@IRI@ AS ?part) }}
}}
LIMIT {_ROWS}"""
_RANK: Final[Mapping[str, int]] = {expand(name): rank for rank, name in enumerate((*_UP, *_NAMES_OF))}


def find_way(iri: str, rows: Iterable[Mapping[str, Mapping[str, str]]]) -> list[str]:
    """The IRIs of all that holds a resource, the outermost first; rows are those of `QUERY`.

    >>> up = "https://w3id.org/cbdgraph/ontology#parent"
    >>> iris = [("x:3", "x:2"), ("x:2", "x:1"), ("x:1", "x:3")]
    >>> find_way("x:3", [{"part": {"value": a}, "property": {"value": up}, "whole": {"value": b}} for a, b in iris])
    ['x:1', 'x:2']
    """
    above: dict[str, tuple[int, list[tuple[bool, int, str]], str]] = {}
    for row in rows:
        part, whole = row["part"]["value"], row["whole"]["value"]
        rank = _RANK.get(row["property"]["value"])
        if rank is None or row["whole"].get("type", "uri") != "uri":
            continue
        found = (rank, natural(whole), whole)
        above[part] = min(above.get(part, found), found)
    way = [iri]
    while way[-1] in above and len(way) <= _LONGEST:
        whole = above[way[-1]][2]
        if whole in way:
            break  # in a circle, which only a stranger's data can hold
        way.append(whole)
    return way[:0:-1]
