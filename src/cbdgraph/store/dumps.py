"""Files for download: the graphs of a release as N-Triples lines and tables as queries in, a folder of files out.

    dump/cbdgraph.{ttl,nt.gz,trig.gz,jsonld}    the whole: each triple once, but in TriG in its named graph
    dump/<path of graph>.{…}                    each named graph
    dump/<table>.{csv,xlsx}                     what a query of queries/tables answers
    dump/index.json, dump/SHA256SUMS            what there is, how large, and the SHA-256 of each

Graphs about the dataset (`namespaces.ABOUT`) are left out. JSON-LD holds no named graphs: of a file that does, many
tools read nothing but the default graph, without a word. The same data are the same bytes, whatever the order in
which they come, the day, or how blank nodes were called; the bytes of .gz also depend on the zlib of the machine.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import io
import itertools
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

import pyoxigraph as ox

from cbdgraph.errors import BuildError
from cbdgraph.namespaces import ABOUT, GRAPHS, PREFIXES
from cbdgraph.quads import make_quad, split_graphs
from cbdgraph.queries import Query
from cbdgraph.store.canonical import canonical_lines
from cbdgraph.store.embedded import Store
from cbdgraph.store.tables import plain_term, write_csv, write_workbook

FOLDER: Final = "dump"
WHOLE: Final = "cbdgraph"
SUMS: Final = "SHA256SUMS"
INDEX: Final = "index.json"
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "ttl": "text/turtle",
    "nt.gz": "application/n-triples",
    "trig.gz": "application/trig",
    "jsonld": "application/ld+json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_][A-Za-z0-9._~-]*)*")
_TYPE: Final = f"<{PREFIXES['rdf']}type>"
_PIECE: Final = 1 << 16
_LEVEL: Final = 6  # of gzip: 9 takes three times as long for 2 % less


@dataclass(frozen=True, slots=True)
class Dump:
    """One file: `name` is its path in the folder; `rows` are triples, or rows of a table without the head.

    `media_type` is that of the content, also of what is compressed. `graph` is the named graph that it holds, `table`
    the name of the table; both are "" of the whole.
    """

    name: str
    media_type: str
    bytes: int
    sha256: str
    rows: int
    graph: str = ""
    table: str = ""

    @property
    def ending(self) -> str:
        """One of `MEDIA_TYPES`."""
        return next(ending for ending in MEDIA_TYPES if self.name.endswith(f".{ending}"))

    @property
    def stem(self) -> str:
        """The name without the ending."""
        return self.name.removesuffix(f".{self.ending}")

    @property
    def is_compressed(self) -> bool:
        return self.name.endswith(".gz")


def write_dumps(
    release: Path, graphs: Mapping[str, Iterable[str]], tables: Mapping[str, Query] | None = None
) -> tuple[Dump, ...]:
    """Write all files of a release into its folder, whose store stands already, and give them in order of name.

    `graphs` are N-Triples lines by graph IRI. `BuildError` for a graph whose path can be no name of a file.
    """
    own = _settle({name: lines for name, lines in graphs.items() if name not in ABOUT})
    paths = {graph: _path(graph) for graph in own}
    folder = release / FOLDER
    folder.mkdir()
    dumps = [dump for graph, lines in own.items() for dump in _write_graph(folder, paths[graph], graph, lines)]
    dumps += _write_whole(folder, own)
    if tables:
        dumps += _write_tables(folder, Store.open_read_only(release / "store"), tables)
    dumps.sort(key=lambda dump: dump.name)
    sums = "".join(f"{dump.sha256}  {dump.name}\n" for dump in dumps)
    (folder / SUMS).write_text(sums, encoding="utf-8", newline="\n")
    document = json.dumps({"files": [asdict(dump) for dump in dumps]}, indent=1, ensure_ascii=False) + "\n"
    (folder / INDEX).write_text(document, encoding="utf-8", newline="\n")
    return tuple(dumps)


def read_dumps(release: Path) -> tuple[Dump, ...]:
    """What `write_dumps` wrote, in order of name; empty if there is nothing, or it is not whole."""
    try:
        document = json.loads((release / FOLDER / INDEX).read_text(encoding="utf-8"))
        return tuple(Dump(**entry) for entry in document["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _path(graph: str) -> str:
    """The name of a graph's files without the ending.

    >>> _path("https://w3id.org/cbdgraph/graph/decisions/cop-10")
    'decisions/cop-10'
    """
    path = graph.removeprefix(GRAPHS)
    if path in {graph, WHOLE} or not _PATH.fullmatch(path):
        raise BuildError(f"graph {graph!r} cannot be written as a file of its own: its path is no name of a file")
    return path


def _settle(graphs: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The graphs in order of IRI, lines in order, each once; blank nodes have the names of the canonical form."""
    lines = {name: sorted({line.rstrip("\n") for line in graphs[name]}) for name in sorted(graphs)}
    blank = [name for name, graph in lines.items() if any("_:" in line for line in graph)]
    if not blank:
        return lines
    # Other graphs change nothing of the names, so that those of the release's graph.nq come out.
    renamed = split_graphs(canonical_lines([make_quad(line, name) for name in blank for line in lines[name]]))
    return {**lines, **{name: sorted(renamed[name]) for name in blank}}


def _write_graph(folder: Path, path: str, graph: str, lines: list[str]) -> Iterator[Dump]:
    text = "\n".join(lines)
    prefixes = _used(text)
    writers: dict[str, Callable[[IO[bytes]], None]] = {
        "ttl": lambda out: _serialize(_types_first(lines), ox.RdfFormat.TURTLE, out, prefixes),
        "nt.gz": lambda out: _write_lines(lines, out),
        "trig.gz": lambda out: _serialize(
            (make_quad(line, graph) for line in _types_first(lines)), ox.RdfFormat.TRIG, out, prefixes
        ),
        "jsonld": lambda out: _serialize(_types_first(lines), ox.RdfFormat.JSON_LD, out),
    }
    for ending, write in writers.items():
        with _file(folder, f"{path}.{ending}") as out:
            write(out)
        yield out.dump(len(lines), graph=graph)


def _write_whole(folder: Path, graphs: Mapping[str, list[str]]) -> Iterator[Dump]:
    """The whole dataset, which is never held in one piece."""

    def union() -> Iterator[str]:
        return (line for line, _ in itertools.groupby(heapq.merge(*graphs.values())))

    def quads() -> Iterator[str]:
        return (make_quad(line, graph) for graph, lines in graphs.items() for line in _types_first(lines))

    total = sum(1 for _ in union())
    in_use = {name for lines in graphs.values() for name in _used("\n".join(lines))}
    prefixes = {name: start for name, start in PREFIXES.items() if name in in_use}
    with _file(folder, f"{WHOLE}.ttl") as out:
        _serialize(_types_first(union()), ox.RdfFormat.TURTLE, out, prefixes)
    yield out.dump(total)
    with _file(folder, f"{WHOLE}.nt.gz") as out:
        _write_lines(union(), out)
    yield out.dump(total)
    with _file(folder, f"{WHOLE}.trig.gz") as out:
        _serialize(quads(), ox.RdfFormat.TRIG, out, prefixes)
    yield out.dump(sum(map(len, graphs.values())))
    with _file(folder, f"{WHOLE}.jsonld") as out:
        _serialize(_types_first(union()), ox.RdfFormat.JSON_LD, out)
    yield out.dump(total)


def _write_tables(folder: Path, store: Store, tables: Mapping[str, Query]) -> Iterator[Dump]:
    for name, query in tables.items():
        found = store.select(query.text)
        rows = [[plain_term(row.get(column)) for column in query.columns] for row in found.rows]
        contents = {"csv": write_csv(query.columns, rows), "xlsx": write_workbook(name, query.columns, rows)}
        for ending, content in contents.items():
            with _file(folder, f"{name}.{ending}") as out:
                out.write(content)
            yield out.dump(len(rows), table=name)


def _types_first(lines: Iterable[str]) -> Iterator[str]:
    """Lines in order, but what a subject is before all else that is said of it, as a person writes Turtle.

    >>> list(_types_first(["<x:a> <http://a> 1 .", f"<x:a> {_TYPE} <x:C> ."]))[1]
    '<x:a> <http://a> 1 .'
    """
    for _, group in itertools.groupby(lines, key=lambda line: line[: line.index(" ")]):
        yield from sorted(group, key=lambda line: not line.startswith(_TYPE, line.index(" ") + 1))


def _used(text: str) -> dict[str, str]:
    return {name: start for name, start in PREFIXES.items() if f"<{start}" in text}


def _write_lines(lines: Iterable[str], out: IO[bytes]) -> None:
    for some in _batches(lines):
        out.write(some)


def _serialize(
    lines: Iterable[str], written: ox.RdfFormat, out: IO[bytes], prefixes: Mapping[str, str] = MappingProxyType({})
) -> None:
    # The engine declares prefixes in any order: here they stand in that of ours, and its own lines are left out.
    out.write("".join(f"@prefix {name}: <{start}> .\n" for name, start in prefixes.items()).encode())
    target: Any = _Headless(out, len(prefixes))
    source: Any = _Reader(_batches(lines))
    ox.serialize(ox.parse(source, format=ox.RdfFormat.N_QUADS), target, format=written, prefixes=dict(prefixes))


def _batches(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines as pieces of bytes that are large enough to be worth handing on."""
    lines = iter(lines)
    while some := list(itertools.islice(lines, 512)):
        yield ("\n".join(some) + "\n").encode()


class _Reader(io.RawIOBase):
    """Pieces of bytes as a file that the engine reads."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        size = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


class _Headless:
    """A file that passes on what is written to it, but for the first lines."""

    def __init__(self, out: IO[bytes], lines: int) -> None:
        self._out, self._lines = out, lines

    def write(self, piece: bytes) -> int:
        rest = piece
        while self._lines and rest:
            _, end, rest = rest.partition(b"\n")
            self._lines -= len(end)
        self._out.write(rest)
        return len(piece)

    def flush(self) -> None:
        pass


class _Hashed(io.RawIOBase):
    """A file that is counted and hashed while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size, self.digest = file, 0, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.digest.update(piece)
        self.size += len(piece)
        return self.file.write(piece)


class _Out(io.BufferedWriter):
    """A file that is written; `dump` tells of it when it is closed."""

    def __init__(self, name: str, hashed: _Hashed, raw: Any) -> None:
        super().__init__(raw, _PIECE)
        self._name, self._hashed = name, hashed

    def dump(self, rows: int, graph: str = "", table: str = "") -> Dump:
        """What was written."""
        ending = next(ending for ending in MEDIA_TYPES if self._name.endswith(f".{ending}"))
        digest = self._hashed.digest.hexdigest()
        return Dump(self._name, MEDIA_TYPES[ending], self._hashed.size, digest, rows, graph, table)


@contextmanager
def _file(folder: Path, name: str) -> Iterator[_Out]:
    """A new file of the folder, compressed by its ending; on disk at the end."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        hashed = _Hashed(file)
        raw: Any = hashed
        if name.endswith(".gz"):  # without a name and a time in its head
            raw = gzip.GzipFile("", "wb", _LEVEL, hashed, mtime=0)
        with _Out(name, hashed, raw) as out:
            yield out
        file.flush()
        os.fsync(file.fileno())
