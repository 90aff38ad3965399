"""Releases: same input same bytes, atomic switch, crash, pruning, two builds at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from cbdgraph.errors import BuildError
from cbdgraph.namespaces import ABOUT
from cbdgraph.store.canonical import canonical_lines, hash_lines
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Manifest, Release, build_lock, current_release, publish

EX = "http://example.org/"


def _publish(build: Path, *values: int, keep: int = 3, input_hash: str = "i") -> Release:
    graphs = {f"{EX}g{value % 2}": [f'<{EX}a> <{EX}p> "{value}" .'] for value in values}
    with build_lock(build):
        return publish(build, graphs, input_hash=input_hash, keep=keep)


def test_publish_and_read_back(tmp_path: Path) -> None:
    assert current_release(tmp_path) is None
    release = _publish(tmp_path, 1, 2)
    assert current_release(tmp_path) == release
    assert release.manifest.counts.total == 2
    assert release.manifest.graphs == {f"{EX}g0": 1, f"{EX}g1": 1}
    assert Manifest.from_json(release.manifest.to_json()) == release.manifest
    assert release.graph_path.read_text().count("\n") == 2
    assert Store.open_read_only(release.store_path).counts()[""] == 2


def test_same_input_same_bytes(tmp_path: Path) -> None:
    one, two = _publish(tmp_path / "a", 1, 2), _publish(tmp_path / "b", 2, 1)
    for name in ("manifest.json", "graph.nq"):
        assert (one.path / name).read_bytes() == (two.path / name).read_bytes()


def test_same_data_from_other_input_is_not_written_again(tmp_path: Path) -> None:
    first = _publish(tmp_path, 1)
    inode = first.store_path.stat().st_ino
    again = _publish(tmp_path, 1, input_hash="other")
    assert again.path == first.path
    assert again.store_path.stat().st_ino == inode
    found = current_release(tmp_path)
    assert found is not None
    assert found.manifest.input_hash == "other"


def test_pruning_spares_what_is_served(tmp_path: Path) -> None:
    first = _publish(tmp_path, 1)
    held = first.hold()
    try:
        for value in range(2, 6):
            _publish(tmp_path, value, keep=2)
        assert first.store_path.exists()
        assert len(list((tmp_path / "releases").iterdir())) == 3
    finally:
        os.close(held)
    latest = _publish(tmp_path, 9, keep=1)
    assert [path.resolve() for path in (tmp_path / "releases").iterdir()] == [latest.path]


def test_a_broken_line_leaves_the_old_release(tmp_path: Path) -> None:
    release = _publish(tmp_path, 1)
    with build_lock(tmp_path), pytest.raises(BuildError):
        publish(tmp_path, {f"{EX}g": ["nonsense"]}, input_hash="")
    assert current_release(tmp_path) == release


def _die_in_the_middle(build: Path) -> None:
    with build_lock(build):
        partial = build / "releases" / "dead.partial"
        partial.mkdir(parents=True)
        (partial / "graph.nq").write_text("half")
        time.sleep(60)


def test_a_killed_build_leaves_the_old_release_and_no_lock(tmp_path: Path) -> None:
    release = _publish(tmp_path, 1)
    process = multiprocessing.get_context("spawn").Process(target=_die_in_the_middle, args=(tmp_path,))
    process.start()
    partial = tmp_path / "releases" / "dead.partial" / "graph.nq"
    deadline = time.monotonic() + 20
    while not partial.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    process.close()
    assert current_release(tmp_path) == release
    newer = _publish(tmp_path, 2)
    assert current_release(tmp_path) == newer
    assert not partial.exists()


def test_a_torn_manifest_is_no_release(tmp_path: Path) -> None:
    release = _publish(tmp_path, 1)
    (release.path / "manifest.json").write_text("{")
    assert current_release(tmp_path) is None


def test_the_store_answers_what_the_hashes_say(release: Release, graph: Store) -> None:
    """Every number is spelled in the store as in the files and in the change log."""
    quads = [line for line in graph.dump() if not any(f"<{about}> ." in line for about in ABOUT)]
    default = graph.construct("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }")
    unnamed = set(default)
    named = canonical_lines([quad for quad in quads if quad not in unnamed])
    assert hash_lines(canonical_lines(default)) == release.manifest.triples_hash
    assert hash_lines(named) == release.manifest.data_hash
