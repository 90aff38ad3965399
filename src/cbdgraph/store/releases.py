"""Releases on disk: N-Triples lines per graph in, a finished directory and an atomic switch out; never changes one.

    build/releases/<id>/manifest.json   what it is: hashes, counts, graphs; no clock, so the same input gives the same
    build/releases/<id>/graph.nq        every named graph, sorted; the data hash is over these bytes
    build/releases/<id>/store/          the RocksDB directory that the service opens read-only
    build/releases/<id>/store.nq        what is in it, for workers that hold it in memory
    build/current -> releases/<id>      replaced in one step, when everything above is on disk
    build/releases/<id>.partial/        what a build that died left; the next one removes it

A server holds a shared lock on the release it serves, so that pruning never takes it away.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from cbdgraph.errors import BuildError
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
    """What a release is; `graphs` are triples by graph IRI, hashes are SHA-256 in hexadecimal."""

    release: str
    data_hash: str
    input_hash: str
    counts: Counts
    graphs: Mapping[str, int] = field(default_factory=dict)
    built_with: Mapping[str, str] = field(default_factory=dict)

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


@contextmanager
def build_lock(build: Path) -> Iterator[None]:
    """Waits until no other build runs on this directory; a build that dies lets go of it."""
    build.mkdir(parents=True, exist_ok=True)
    with (build / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _remove_partial(build / "releases")
        yield


def publish(
    build: Path,
    graphs: Mapping[str, Iterable[str]],
    *,
    input_hash: str,
    asserted: int,
    inferred: int,
    built_with: Mapping[str, str] | None = None,
    number: str = "",
    keep: int = 3,
) -> Release:
    """Write a release and switch `build/current` to it; call it inside `build_lock`.

    `graphs` are N-Triples lines by graph IRI, in any order. A release is named by the beginning of its data hash,
    after its `number` if it has one; `keep` is how many stay besides those in use. Content that is there already is
    not written again.
    """
    lines = {name: sorted({line.rstrip("\n") for line in graph}) for name, graph in graphs.items()}
    content = "".join(f"{quad}\n" for quad in sorted(_quads(lines))).encode()
    data_hash = hashlib.sha256(content).hexdigest()
    name = "-".join(filter(None, (number, data_hash[:12])))
    releases = build / "releases"
    final, partial = releases / name, releases / (name + _PARTIAL)
    known = _read(final)
    if known is not None and known.manifest.data_hash == data_hash:
        total = known.manifest.counts.total
    elif known is not None:
        raise BuildError(f"there is a release {name!r} already, with other data")
    else:
        shutil.rmtree(final, ignore_errors=True)  # what is not whole
        partial.mkdir(parents=True)
        total = Store.build(partial / "store", graphs=lines, union_default=True)[""]
        (partial / "graph.nq").write_bytes(content)
        _sync(partial / "graph.nq")
        _sync(dump_path(partial / "store"))
    manifest = Manifest(
        name,
        data_hash,
        input_hash,
        Counts(asserted, inferred, total),
        {graph: len(triples) for graph, triples in sorted(lines.items())},
        dict(built_with or {}),
    )
    _write_manifest(final if known else partial, manifest)
    if not known:
        partial.rename(final)
        _sync(releases)
    _switch(build, final)
    _prune(releases, final, keep)
    return Release(final.resolve(), manifest)


def _quads(graphs: Mapping[str, list[str]]) -> Iterator[str]:
    for graph, triples in graphs.items():
        for triple in triples:
            if not triple.endswith("."):
                raise BuildError(f"graph {graph!r} holds a line that is not N-Triples: {triple[:80]!r}")
            yield f"{triple[:-1].rstrip()} <{graph}> ."


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


def _prune(releases: Path, current: Path, keep: int) -> None:
    others = [path for path in releases.iterdir() if path.is_dir() and path.name != current.name]
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
