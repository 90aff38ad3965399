"""Lines of canonical N-Triples and N-Quads: a line in, its terms, or the line with other names, out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import expand

_OBJECT: Final = re.compile(
    r'<(?P<iri>[^>]*)>|"(?P<text>(?:[^"\\]|\\.)*)"(?:@(?P<language>[\w-]+)|\^\^<(?P<datatype>[^>]*)>)?'
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


def values_of(content: Iterable[str], resource: str, predicate: str) -> list[Iri | Text]:
    """The IRIs and literals that lines of N-Quads give a resource for a predicate, each once.

    >>> values_of(['<x:a> <x:p> "caf\\\\u00E9"@fr <x:g> .'], "x:a", "x:p")
    [Text(value='café', language='fr', datatype=None)]
    """
    head = f"<{resource}> <{predicate}> "
    found: dict[Iri | Text, None] = {}
    for line in content:
        if line.startswith(head) and (match := _OBJECT.match(line, len(head))):
            if match["iri"] is not None:
                found.setdefault(Iri(match["iri"]))
            else:
                datatype = Iri(match["datatype"]) if match["datatype"] else None
                found.setdefault(Text(_ESCAPE.sub(_unescape, match["text"]), match["language"] or "", datatype))
    return list(found)


def make_triple(subject: Iri | str, name: str, value: Iri | Text) -> str:
    """A statement as a line of N-Triples; `name` is the property, with its prefix or in full, `subject` an IRI.

    >>> make_triple("x:a", "rdfs:label", Text("a", "en"))
    '<x:a> <http://www.w3.org/2000/01/rdf-schema#label> "a"@en .'
    """
    whole = name if name.startswith("http") else expand(name)
    return f"{subject if isinstance(subject, Iri) else f'<{subject}>'} <{whole}> {value} ."


def make_quad(triple: str, graph: str) -> str:
    """A line of N-Triples as one of N-Quads.

    >>> make_quad('<x:a> <x:p> "." .', "x:g")
    '<x:a> <x:p> "." <x:g> .'
    """
    return f"{triple.removesuffix('.').rstrip()} <{graph}> ."


def split_graphs(quads: Iterable[str]) -> dict[str, list[str]]:
    """Lines of N-Quads that all stand in named graphs, as lines of N-Triples by graph, in their order.

    >>> split_graphs(['<x:a> <x:p> "<x:h> ." <x:g> .'])
    {'x:g': ['<x:a> <x:p> "<x:h> ." .']}
    """
    found: dict[str, list[str]] = defaultdict(list)
    for quad in quads:
        statement, _, graph = quad.removesuffix("> .").rpartition(" <")
        found[graph].append(f"{statement} .")
    return dict(found)


def relabel(line: str, label: str) -> str:
    """The line with every blank node renamed; what a literal says stays.

    >>> relabel('_:c14n0 <x:p> "_:c14n0" .', "_:r1")
    '_:r1c14n0 <x:p> "_:c14n0" .'
    """
    subject, predicate, rest = line.split(" ", 2)
    if subject.startswith("_:"):
        subject = label + subject[2:]
    if rest.startswith("_:"):
        rest = label + rest[2:]
    return f"{subject} {predicate} {rest}"


def _unescape(match: re.Match[str]) -> str:
    if code := match[1] or match[2]:
        return chr(int(code, 16))
    return _ESCAPED.get(match[3], match[3])
