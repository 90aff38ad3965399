"""Releases on disk: N-Triples lines per graph in, a finished directory and an atomic switch out; never changes one.

    build/releases/<name>/
        manifest.json    what it is: hashes, counts, graphs; no clock, so the same input gives the same
        graph.nq         the dataset in canonical N-Quads (RDFC-1.0); the data hash is over these bytes
        store/           the RocksDB directory that the service opens read-only
        store.nq         what is in it, for workers that hold it in memory
        changes.*        the change log up to here, see `history`
        dump/            files for download, see `dumps`
    build/current -> releases/<name>    replaced in one step, when everything above is on disk
    build/releases/<name>.partial/      what a build that died left; the next one removes it

Data that are exactly those of a release of the change log are that release; others are called by its number and the
beginning of their hash. Older releases are made again from the log. A server holds a shared lock on what it serves,
so that pruning never takes it away.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

from cbdgraph.changelog import Log, join_resources, split_resources
from cbdgraph.errors import BuildError, EngineUnavailable
from cbdgraph.history import describe_log, write_history
from cbdgraph.namespaces import ABOUT, CHANGES, MADE
from cbdgraph.quads import make_quad, split_graphs
from cbdgraph.store.canonical import canonical_lines, hash_lines
from cbdgraph.store.embedded import Store, dump_path

_PARTIAL: Final = ".partial"


@dataclass(frozen=True, slots=True)
class Counts:
    """Triples: asserted, inferred, and each once in all graphs together."""

    asserted: int
    inferred: int
    total: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is; `graphs` are triples by graph IRI, hashes are SHA-256 in hexadecimal.

    `data_hash` is over the canonical N-Quads of the dataset, `triples_hash` over the canonical N-Triples of the
    default graph. `issued` is when the release was issued, of data that are none when the one before was. `older`
    are the folders of the older releases that can be asked for, by number, the newest first.
    """

    release: str
    data_hash: str
    input_hash: str
    counts: Counts
    graphs: Mapping[str, int] = field(default_factory=dict)
    built_with: Mapping[str, str] = field(default_factory=dict)
    triples_hash: str = ""
    issued: str = ""
    is_release: bool = False
    older: Mapping[str, str] = field(default_factory=dict)

    @property
    def triples(self) -> int:
        """All that the store holds: what is in the named graphs, and once more in the default graph."""
        return self.counts.total + sum(self.graphs.values())

    def to_json(self) -> str:
        """The text of manifest.json."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read manifest.json; `ValueError` or `KeyError` or `TypeError` if it is not one."""
        fields: dict[str, Any] = json.loads(text)
        return cls(**{**fields, "counts": Counts(**fields["counts"])})


@dataclass(frozen=True, slots=True)
class Release:
    """A finished release: its directory and what its manifest says."""

    path: Path
    manifest: Manifest

    @property
    def store_path(self) -> Path:
        return self.path / "store"

    @property
    def graph_path(self) -> Path:
        return self.path / "graph.nq"

    def hold(self) -> int:
        """A file descriptor whose shared lock keeps the release from being pruned; `os.close` lets go."""
        descriptor = os.open(self.path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor


def current_release(build: Path) -> Release | None:
    """The release that `build/current` points to; None if there is none, or what is there is not whole."""
    try:
        return _read((build / "current").resolve(strict=True))
    except OSError:
        return None


def read_release(folder: Path) -> Release:
    """The release in a folder; `EngineUnavailable` if there is none, or what is there is not whole."""
    release = _read(folder)
    if release is None:
        raise EngineUnavailable(f"there is no whole release in {folder.name!r}")
    return release


@contextmanager
def build_lock(build: Path) -> Iterator[None]:
    """Waits until no other build runs on this directory; a build that dies lets go of it."""
    with _lock(build / ".lock"):
        _remove_partial(build / "releases")
        yield


@contextmanager
def release_lock(build: Path) -> Iterator[None]:
    """Waits until nobody else cuts a release; builds go on meanwhile."""
    with _lock(build / ".release.lock"):
        yield


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class Maker:
    """What makes releases: a hash of the program, so that none is taken for what another program would make; its
    parts by name and version; and what it adds to a release's folder, given its graphs as sorted N-Triples lines.
    """

    hash: str = ""
    built_with: Mapping[str, str] = field(default_factory=dict)
    add: Callable[[Path, Mapping[str, list[str]]], None] = lambda _folder, _graphs: None


def publish(
    build: Path,
    graphs: Mapping[str, Iterable[str]],
    *,
    input_hash: str,
    maker: Maker = Maker(),
    log: Log = Log(),  # noqa: B008 - frozen
    keep: int = 3,
    older: int = 0,
) -> Release:
    """Write a release and switch `build/current` to it; call it inside `build_lock`.

    `graphs` are N-Triples lines by graph IRI, in any order. `keep` is how many builds stay besides those in use, and
    `older` how many of the log's releases before this one can be asked for. What is there already is not written
    again. `BuildError` if the log does not give what it says.
    """
    releases = build / "releases"
    content = _Content.of(graphs)
    last = log.last
    is_release = last is not None and last.data_hash == content.data_hash
    state = split_resources(content.quads, canonical_lines)
    _check_last(log)
    if last is None:
        name = content.data_hash[:12]
    else:
        name = last.number if is_release else f"{last.number}-{content.data_hash[:12]}"
    before = [release for release in log.releases if not (is_release and release is last)]
    folders = {}
    for release in before[max(len(before) - older, 0) :][::-1]:
        folders[release.number] = _write_older(releases, log.until(release.number), input_hash, maker)
    manifest = content.describe(name, input_hash, maker, log)
    final = _write(releases, content, replace(manifest, is_release=is_release, older=folders), maker, log, state)
    _switch(build, final)
    _prune(releases, {final.name, *folders.values()}, keep)
    return Release(final.resolve(), replace(manifest, is_release=is_release, older=folders))


@dataclass(frozen=True, slots=True)
class _Content:
    """The graphs of a release as sorted lines, those of the dataset as canonical quads, and their hashes."""

    graphs: Mapping[str, list[str]]
    quads: tuple[str, ...]
    data_hash: str
    triples_hash: str

    @classmethod
    def of(cls, graphs: Mapping[str, Iterable[str]]) -> Self:
        lines = {name: sorted({line.rstrip("\n") for line in graph}) for name, graph in graphs.items()}
        own = {name: graph for name, graph in lines.items() if name not in ABOUT}
        quads = canonical_lines(list(join_graphs(own)))
        triples = canonical_lines(list({line for graph in own.values() for line in graph}))
        return cls(lines, quads, hash_lines(quads), hash_lines(triples))

    def describe(self, name: str, input_hash: str, maker: Maker, log: Log) -> Manifest:
        own = {graph: len(lines) for graph, lines in self.graphs.items() if graph not in ABOUT}
        made = sum(count for graph, count in own.items() if graph.startswith(MADE))
        total = len({line for graph in own for line in self.graphs[graph]})
        return Manifest(
            name,
            self.data_hash,
            input_hash,
            Counts(sum(own.values()) - made, made, total),
            {graph: len(lines) for graph, lines in sorted(self.graphs.items())},
            dict(maker.built_with),
            self.triples_hash,
            log.last.issued if log.last else "",
        )


def _check_last(log: Log) -> None:
    """`BuildError` if the log does not give its last release; older ones are looked at when they are made."""
    last = log.last
    if last is not None and hash_lines(canonical_lines(list(join_resources(log.replay())))) != last.data_hash:
        raise BuildError(f"the change log does not give release {last.number}, whose hash it says")


def _write_older(releases: Path, log: Log, input_hash: str, maker: Maker) -> str:
    """The folder of the last release of `log`, made from the log unless it is there."""
    last = log.last
    assert last is not None
    changes = describe_log(log)
    folder = releases / _folder_name(last.number, maker, {CHANGES: changes})
    if (found := _read(folder)) is not None and found.manifest.data_hash == last.data_hash:
        return folder.name
    state = log.replay()
    graphs = {**split_graphs(join_resources(state)), CHANGES: changes}
    content = _Content.of(graphs)
    if content.data_hash != last.data_hash:
        raise BuildError(f"the change log does not give release {last.number}: its hash is {content.data_hash}")
    manifest = replace(content.describe(last.number, input_hash, maker, log), is_release=True)
    return _write(releases, content, manifest, maker, log, state).name


def _write(
    releases: Path,
    content: _Content,
    manifest: Manifest,
    maker: Maker,
    log: Log,
    state: Mapping[str, Sequence[str]],
) -> Path:
    """The finished folder of a release; of what is there already only the manifest is written again."""
    final = releases / _folder_name(manifest.release, maker, content.graphs)
    known = _read(final)
    if known is not None and known.manifest.data_hash == manifest.data_hash:
        _write_manifest(final, manifest)
        return final
    if known is not None:
        raise BuildError(f"there is a release {final.name!r} already, with other data")
    shutil.rmtree(final, ignore_errors=True)  # what is not whole
    partial = releases / (final.name + _PARTIAL)
    partial.mkdir(parents=True)
    total = Store.build(partial / "store", graphs=content.graphs, union_default=True, apart=ABOUT)[""]
    assert total == manifest.counts.total
    (partial / "graph.nq").write_text("".join(f"{quad}\n" for quad in content.quads), encoding="utf-8")
    write_history(partial, log, state)
    maker.add(partial, content.graphs)
    for path in (partial / "graph.nq", dump_path(partial / "store")):
        _sync(path)
    _write_manifest(partial, manifest)
    partial.rename(final)
    _sync(releases)
    return final


def _folder_name(release: str, maker: Maker, graphs: Mapping[str, list[str]]) -> str:
    """What is about the dataset is in no hash of it, so that it makes another folder."""
    about = [line for name in sorted(ABOUT & graphs.keys()) for line in sorted(set(graphs[name]))]
    made = hash_lines([maker.hash, *about])[:8] if maker.hash or about else ""
    return "-".join(filter(None, (release, made)))


def join_graphs(graphs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """N-Triples lines by graph as N-Quads; `BuildError` for a line that is neither."""
    for graph, triples in graphs.items():
        for triple in triples:
            if not triple.endswith("."):
                raise BuildError(f"graph {graph!r} holds a line that is not N-Triples: {triple[:80]!r}")
            yield make_quad(triple, graph)


def _read(path: Path) -> Release | None:
    try:
        manifest = Manifest.from_json((path / "manifest.json").read_text(encoding="utf-8"))
        dump_path(path / "store").stat()  # a release of an older version has none, and is built again
        return Release(path, manifest)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    new = folder / "manifest.json.partial"
    new.write_text(manifest.to_json(), encoding="utf-8")
    _sync(new)
    new.replace(folder / "manifest.json")


def _switch(build: Path, release: Path) -> None:
    link = build / ("current" + _PARTIAL)
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / release.name)
    link.replace(build / "current")
    _sync(build)


def _prune(releases: Path, wanted: Collection[str], keep: int) -> None:
    others = [path for path in releases.iterdir() if path.is_dir() and path.name not in wanted]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[max(keep - 1, 0) :]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # a server still answers from it
        else:
            shutil.rmtree(path)
        finally:
            os.close(descriptor)


def _remove_partial(releases: Path) -> None:
    if releases.is_dir():
        for path in releases.glob(f"*{_PARTIAL}"):
            shutil.rmtree(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
