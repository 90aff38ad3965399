"""The description of one IRI in RDF: its IRI in, statements as N-Triples out, or those in any format.

What a client that copies the graph relies on: the statements whose subject is the IRI, and those of the blank nodes
that hang on it however deep, are all that the default graph has, and never cut. Besides them stand the statements of
the terms that it defines, and as a courtesy English names of what it points to, of which there is a bound. What
points to it is not here (see `incoming`): a hub would be as large as the graph.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri
from cbdgraph.namespaces import expand
from cbdgraph.queries import prologue
from cbdgraph.server.live import Served
from cbdgraph.server.statements import NAMING
from cbdgraph.store.convert import convert
from cbdgraph.store.written import check_xml, tidy_prefixes

_LINES: Final = "application/n-triples"
_NAMED_AT_MOST: Final = 500  # neighbours of which names are told
_LONG: Final = 2000  # statements from which on they are written in a thread
_TYPE: Final = expand("rdf:type")
_END: Final = re.compile(r" <([^<>\s]*)> \.\Z")
_STATEMENT: Final = re.compile(r"(?P<subject>\S+) <(?P<property>[^<>\s]*)> ")
_XML: Final = "application/rdf+xml"

# Values are bound as terms at the marks, never pasted as text: `str(Iri(…))` cannot leave its angle brackets.
_OWN: Final = (
    prologue(("rdfs",))
    + """
DESCRIBE ?subject
WHERE { { BIND(@IRI@ AS ?subject) } UNION { ?subject rdfs:isDefinedBy @IRI@ } }"""
)
# One pattern for each property: with all three in VALUES the engine takes several times as long.
_NAMED: Final = " UNION ".join(f"{{ ?near <{name}> ?name BIND(<{name}> AS ?naming) }}" for name in NAMING)
_NAMES: Final = f"""CONSTRUCT {{ ?near ?naming ?name }}
WHERE {{
  VALUES ?near {{ @NODES@ }}
  {_NAMED}
  FILTER(LANG(?name) IN ("", "en"))
}}"""


@dataclass(frozen=True, slots=True)
class Described:
    """What the graph says about an IRI: lines of N-Triples, of its own and names of what it points to."""

    iri: str
    own: tuple[str, ...]
    names: tuple[str, ...] = ()
    is_complete: bool = True

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, its own first."""
        return (*self.own, *self.names)

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the IRI itself."""
        head = f"<{self.iri}> <{_TYPE}> "
        found = (_END.search(line) for line in self.own if line.startswith(head))
        return tuple(match[1] for match in found if match)


async def describe(served: Served, iri: str) -> Described | None:
    """What the default graph says about an IRI; None if it says nothing. Errors are those of the engine."""
    term = str(Iri(iri))
    answer = await served.engine.run_query(_OWN.replace("@IRI@", term), media_type=_LINES, trusted=True)
    if not answer.rows:
        return None
    own = _split(answer.content)
    return Described(iri, own, await name(served, _neighbours(own)), answer.complete)


async def name(served: Served, terms: Sequence[str]) -> tuple[str, ...]:
    """What the first of some IRIs, as SPARQL writes them, are called in English or in no language, as N-Triples."""
    if not terms:
        return ()
    query = _NAMES.replace("@NODES@", " ".join(terms[:_NAMED_AT_MOST]))
    named = await served.engine.run_query(query, media_type=_LINES, trusted=True)
    return _split(named.content)


async def write(lines: Sequence[str], media_type: str) -> bytes:
    """Lines of N-Triples in a format of RDF; `QueryError` for what XML cannot hold."""
    if len(lines) > _LONG:
        return await asyncio.to_thread(_write, lines, media_type)
    return _write(lines, media_type)


def _write(lines: Sequence[str], media_type: str) -> bytes:
    content = convert(lines, media_type)
    if media_type == _XML:
        matches = map(_STATEMENT.match, lines)
        check_xml([content], {match["property"] for match in matches if match})
    return tidy_prefixes(content) if content.startswith(b"@prefix ") else content


def _split(content: bytes) -> tuple[str, ...]:
    # By line feed alone: a text may hold other characters that Python takes for the end of a line.
    return tuple(content.decode().removesuffix("\n").split("\n")) if content else ()


def _neighbours(lines: Iterable[str]) -> list[str]:
    """The IRIs that statements point to and that are not described here themselves, as terms.

    >>> _neighbours(["<x:a> <x:b> <x:c> .", '<x:a> <x:b> "<x:d> ." .', "<x:e> <x:b> <x:a> ."])
    ['<x:c>']
    """
    lines = list(lines)
    subjects = {line.partition(" ")[0] for line in lines}
    found: dict[str, None] = {}
    for line in lines:
        match = _END.search(line)
        if match is None or f"<{match[1]}>" in subjects:
            continue
        try:
            found.setdefault(str(Iri(match[1])))
        except InvalidName:  # what a stranger's data may hold and the core calls no IRI
            continue
    return list(found)
