"""Statements in another format: lines of N-Quads in, any format of RDF out; opens no store and has no limits.

For what the service itself writes, of a size that it chose; strangers' queries are answered by `store.embedded`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pyoxigraph as ox

from cbdgraph.namespaces import PREFIXES

_PREFIXED: Final = (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG)
_LINES: Final = (ox.RdfFormat.N_TRIPLES, ox.RdfFormat.N_QUADS)


def convert(lines: Iterable[str], media_type: str, prefixes: Mapping[str, str] = PREFIXES) -> bytes:
    """Lines of N-Quads in the format of the media type, in their order; `ValueError` for a type that is none.

    Where the format holds no named graphs the lines must name none. Turtle and TriG declare the `prefixes` they use.

    >>> convert(['<x:a> <x:b> "c" <x:g> .'], "application/trig", {"ex": "x:"}).split()
    [b'@prefix', b'ex:', b'<x:>', b'.', b'ex:g', b'{', b'ex:a', b'ex:b', b'"c"', b'.', b'}']
    """
    written = ox.RdfFormat.from_media_type(media_type)
    if written is None:
        raise ValueError(f"{media_type} is no format of RDF")
    text = "".join(f"{line}\n" for line in lines)
    if written in _LINES:
        return text.encode()
    used = {name: start for name, start in prefixes.items() if f"<{start}" in text} if written in _PREFIXED else None
    content = ox.serialize(ox.parse(text.encode(), format=ox.RdfFormat.N_QUADS), format=written, prefixes=used) or b""
    return _order_prefixes(content) if used else content


def _order_prefixes(content: bytes) -> bytes:
    """The engine declares prefixes in any order; the same statements are to be the same bytes."""
    lines = content.splitlines(keepends=True)
    head = next((n for n, line in enumerate(lines) if not line.startswith(b"@prefix ")), len(lines))
    return b"".join((*sorted(lines[:head]), *lines[head:]))
