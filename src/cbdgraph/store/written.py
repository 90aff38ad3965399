"""What the engine wrote, as bytes in; looked through, counted and tidied; must not import an engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from cbdgraph.errors import QueryError
from cbdgraph.namespaces import PREFIXES

# A text or an IRI is taken whole, so that what it holds is not a name; only a name fills the group.
_QUOTED: Final = re.compile(rb'"[^"]*"')
_TEXT_IN_JSON: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
# No rows, empty rows, terms within terms, and a text that ends as a row does: where none of these is, `"}},{"` stands
# between rows and nowhere else, since a text writes its quotes as \".
_UNUSUAL_IN_JSON: Final = (b":[]", b"{}", b"}}}", b'\\"}},{"')
# What no XML document can hold, however it is written: section 2.2 of XML 1.0.
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_XML_NAME_AT_END: Final = re.compile(r"[^\W\d][\w.\-\u00b7]*\Z")
_NAME_IN_TURTLE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|<[^>]*>|([a-z]+):', re.DOTALL)


def count_rows(content: bytes, media_type: str) -> int:
    """How many solutions a serialised SELECT holds; exact, whatever its literals say.

    The engine's writers are five times faster than a loop over solutions in Python, but do not count.

    >>> count_rows(b'a,b\\r\\n1,"x"\\r\\n', "text/csv")
    1
    """
    if media_type == "text/csv":  # a quoted value may hold line ends: count outside quotes
        return _QUOTED.sub(b"", content).count(b"\r\n") - 1
    if media_type == "text/tab-separated-values":  # literals write line ends as \n
        return content.count(b"\n") - 1
    if media_type == "application/sparql-results+xml":  # text writes < as &lt;
        return content.count(b"<result>")
    if not any(map(content.__contains__, _UNUSUAL_IN_JSON)):
        return content.count(b'"}},{"') + 1
    structure = _TEXT_IN_JSON.sub(b"", content)
    return 0 if structure.endswith(b":[]}}") else structure.count(b"},{") + 1


def check_xml(pieces: Iterable[bytes], predicates: Iterable[str] = ()) -> None:
    """`QueryError` if XML cannot say this: a control character in a text, a predicate that ends in no name.

    >>> check_xml([b"a\\x01b"])
    Traceback (most recent call last):
    cbdgraph.errors.QueryError: XML cannot hold the character U+0001 of this answer; ask for another format
    """
    for piece in pieces:
        if found := _NOT_XML.search(piece):
            number = ord(found[0].decode())
            raise QueryError(f"XML cannot hold the character U+{number:04X} of this answer; ask for another format")
    for predicate in sorted(predicates):
        if not _XML_NAME_AT_END.search(predicate):
            raise QueryError(
                f"RDF/XML cannot write the predicate <{predicate}>, which ends in no name; ask for another format"
            )


def tidy_prefixes(content: bytes) -> bytes:
    """Turtle or TriG of the engine, which declares every prefix in any order, with those in use in the order of ours.

    >>> tidy_prefixes(b'@prefix b: <x:> .\\n@prefix rdf: <y:> .\\n<x:b> rdf:value "b:b" .\\n')
    b'@prefix rdf: <y:> .\\n<x:b> rdf:value "b:b" .\\n'
    """
    head: dict[bytes, bytes] = {}
    start = 0
    while content.startswith(b"@prefix ", start):
        end = content.index(b"\n", start) + 1
        head[content[start:end].split(b":")[0].removeprefix(b"@prefix ")] = content[start:end]
        start = end
    used = {match[1] for match in _NAME_IN_TURTLE.finditer(content, start)}
    declared = (head[name] for prefix in PREFIXES if (name := prefix.encode()) in used and name in head)
    return b"".join((*declared, content[start:]))
