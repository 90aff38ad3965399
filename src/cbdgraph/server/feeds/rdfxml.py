"""RDF/XML of one resource: its lines of canonical N-Quads in, an rdf:RDF element out, exactly these statements.

The names of the graphs are left out, which RDF/XML cannot tell. `UnwritableInXml` for what it cannot say at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element

from cbdgraph.errors import CbdGraphError
from cbdgraph.namespaces import PREFIXES
from cbdgraph.server.feeds.markup import add, is_xml, make

NAMESPACE: Final = PREFIXES["rdf"]

_LINE: Final = re.compile(
    r"(?:<(?P<subject>[^>]*)>|_:(?P<node>\S+)) <(?P<predicate>[^>]*)> "
    r'(?:<(?P<iri>[^>]*)>|_:(?P<other>\S+)|"(?P<text>(?:[^"\\]|\\.)*)"(?:@(?P<language>[\w-]+)|\^\^<(?P<type>[^>]*)>)?)'
    r"(?: <[^>]*>)? \.\Z"
)
# What may begin a name and what may go on with it: section 2.3 of XML 1.0.
_FIRST: Final = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_LOCAL: Final = re.compile(f"[{_FIRST}][{_FIRST}0-9.\\-\xb7\u0300-\u036f\u203f\u2040]*\\Z")
# Section 6.1.4 of RDF/XML: these are no property elements, and li is another one.
_RESERVED: Final = frozenset(
    f"{NAMESPACE}{name}"
    for name in {"RDF", "Description", "ID", "about", "nodeID", "resource", "datatype", "parseType", "li"}
    | {"aboutEach", "aboutEachPrefix", "bagID"}
)
_PREFIXES: Final = {namespace: prefix for prefix, namespace in PREFIXES.items()}
# Namespaces in XML, section 3: these have their prefixes already, and no other.
_BOUND: Final = frozenset({"http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"})


class UnwritableInXml(CbdGraphError):
    """RDF/XML has no way to say `statement`."""

    def __init__(self, statement: str) -> None:
        super().__init__(f"RDF/XML cannot say {statement[:300]}")
        self.statement = statement


def describe(content: Iterable[str], label: str) -> Element:
    """An rdf:RDF with a description for each subject; blank nodes are called `label` and their name.

    >>> from cbdgraph.server.feeds.markup import write
    >>> print(write(describe(['<x:a> <x:#p> "caf\\\\u00E9"@fr <x:g> .'], "n")).decode().splitlines()[2])
    <rdf:Description rdf:about="x:a">
    """
    prefixes = {NAMESPACE: "rdf"}
    root = make("rdf:RDF")
    subjects: dict[str, Element] = {}
    for line in content:
        found = _LINE.match(line)
        if found is None or not is_xml(line) or found["predicate"] in _RESERVED:
            raise UnwritableInXml(line)
        subject = found["subject"] or f"_:{found['node']}"
        if subject not in subjects:
            named = found["subject"] is not None
            attributes = {"rdf:about": subject} if named else {"rdf:nodeID": label + found["node"]}
            subjects[subject] = add(root, "rdf:Description", "", attributes)
        _add_value(subjects[subject], _qualify(line, found["predicate"], prefixes), found, label)
    for namespace, prefix in prefixes.items():
        root.set(f"xmlns:{prefix}", namespace)
    return root


def _add_value(parent: Element, name: str, found: re.Match[str], label: str) -> None:
    if found["iri"] is not None:
        add(parent, name, "", {"rdf:resource": found["iri"]})
    elif found["other"]:
        add(parent, name, "", {"rdf:nodeID": label + found["other"]})
    else:
        # Canonical N-Quads escape as JSON does.
        text = json.loads(f'"{found["text"]}"', strict=False)
        if not is_xml(text):
            raise UnwritableInXml(found[0])
        attributes = {"xml:lang": found["language"], "rdf:datatype": found["type"]}
        add(parent, name, text, {key: value for key, value in attributes.items() if value})


def _qualify(line: str, predicate: str, prefixes: dict[str, str]) -> str:
    """The predicate as a qualified name, whose prefix is noted."""
    local = _LOCAL.search(predicate)
    namespace = predicate[: local.start()] if local else ""
    if local is None or not namespace or namespace in _BOUND:
        raise UnwritableInXml(line)
    prefix = prefixes.setdefault(namespace, _PREFIXES.get(namespace) or f"ns{len(prefixes)}")
    return f"{prefix}:{local[0]}"
