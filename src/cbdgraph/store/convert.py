"""Statements in another format: N-Triples or N-Quads in, any format of RDF out; opens no store and has no limits.

For what the service itself writes, of a size that it chose; strangers' queries are answered by `store.embedded`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pyoxigraph as ox

from cbdgraph.namespaces import PREFIXES
from cbdgraph.store.written import tidy_prefixes

_PREFIXED: Final = (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG)


def convert(lines: Iterable[str], media_type: str, prefixes: Mapping[str, str] = PREFIXES) -> bytes:
    """Lines of N-Quads in the format of the media type, in their order; `ValueError` for a type that is none.

    Where the format holds no named graphs the lines must name none. Turtle and TriG declare the `prefixes` they use.

    >>> convert(['<x:a> <x:b> "c" <x:g> .'], "application/trig", {}).split()
    [b'<x:g>', b'{', b'<x:a>', b'<x:b>', b'"c"', b'.', b'}']
    """
    written = ox.RdfFormat.from_media_type(media_type)
    if written is None:
        raise ValueError(f"{media_type} is no format of RDF")
    text = "".join(f"{line}\n" for line in lines).encode()
    if written == ox.RdfFormat.N_QUADS:
        return text
    is_prefixed = written in _PREFIXED
    statements = ox.parse(text, format=ox.RdfFormat.N_QUADS)
    content = ox.serialize(statements, format=written, prefixes=dict(prefixes) if is_prefixed else None) or b""
    return tidy_prefixes(content) if is_prefixed else content
