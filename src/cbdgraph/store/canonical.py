"""Canonical form of datasets (RDFC-1.0): lines of N-Quads in, the same dataset in its one canonical spelling out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import pyoxigraph as ox

from cbdgraph.errors import TurtleError


def canonical_lines(quads: Sequence[str]) -> tuple[str, ...]:
    """The dataset's canonical N-Quads, sorted, each line once; `TurtleError` for what is not N-Quads.

    >>> canonical_lines(['_:b <x:p> "\\\\u00e9" .', '_:a <x:p> "e" .'])
    ('_:c14n0 <x:p> "e" .', '_:c14n1 <x:p> "é" .')
    """
    try:
        dataset = ox.Dataset(ox.parse("\n".join(quads) + "\n", format=ox.RdfFormat.N_QUADS))
    except SyntaxError as error:
        raise TurtleError("N-Quads", str(error), error.lineno or 0) from error
    if any("_:" in quad for quad in quads):
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    content = ox.serialize(dataset, format=ox.RdfFormat.N_QUADS) or b""
    # Lines of bytes: as text a literal may hold signs that end a line too, such as U+2028.
    return tuple(sorted(line.decode() for line in content.splitlines()))


def normal_graphs(graphs: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """N-Triples lines by graph IRI with each number and time as the engine writes it, sorted, each once.

    The engine keeps the value of a number and not its spelling; so that what it answers is what files and hashes say,
    they all have its spelling, which is that of XML Schema.

    >>> normal_graphs({"x:g": ['<x:a> <x:p> "8.0"^^<http://www.w3.org/2001/XMLSchema#decimal> .']})
    {'x:g': ['<x:a> <x:p> "8"^^<http://www.w3.org/2001/XMLSchema#decimal> .']}
    """
    normal = {}
    for graph, lines in graphs.items():
        store = ox.Store()
        try:
            store.extend(ox.parse("\n".join(lines) + "\n", format=ox.RdfFormat.N_TRIPLES))
        except SyntaxError as error:
            raise TurtleError(graph, str(error), error.lineno or 0) from error
        normal[graph] = sorted({f"{quad.triple} ." for quad in store})
    return normal


def hash_lines(lines: Iterable[str]) -> str:
    """SHA-256 of canonical lines, in hexadecimal: the canonical hash of the dataset."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
