"""Cutting releases of the real data: number and time given or from the tag, nothing silently gone or half done."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cbdgraph.changelog import FOLDER, UnexplainedWithdrawal, read_log
from cbdgraph.errors import BuildError, InvalidName
from cbdgraph.pipeline import build
from cbdgraph.releasing import Tag, cut_release, find_tag, parse_time
from cbdgraph.settings import Settings
from cbdgraph.store.embedded import Store

ROOT = Path(__file__).parents[1]
GRAPH = "https://w3id.org/cbdgraph/graph/targets/proposed-matches"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for name in ("ontology", "data/turtle", "queries"):
        shutil.copytree(ROOT / name, root / name)
    (root / FOLDER).mkdir()
    shutil.copy(ROOT / FOLDER / "0.1.0.jsonl.gz", root / FOLDER)
    text = (root / "data/turtle/releases.ttl").read_text(encoding="utf-8")
    (root / "data/turtle/releases.ttl").write_text(text.partition("\n<release/0.2.0>")[0], encoding="utf-8")
    return root


def _files(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (root / "data").rglob("*") if path.is_file()}


@pytest.mark.slow
def test_releases_are_cut_one_after_the_other(root: Path) -> None:
    settings = Settings(root=root)
    before = _files(root)
    seen = cut_release(settings, Tag("0.2.0", "2026-12-01T00:00:00Z"), dry=True).release
    assert _files(root) == before
    cut = cut_release(settings, Tag("0.2.0", "2026-12-01T00:00:00Z"))
    assert cut.release == seen
    assert cut.release.count("withdrawn") == 0
    assert cut.built is not None
    manifest = cut.built.manifest
    assert (manifest.release, manifest.is_release, manifest.issued) == ("0.2.0", True, "2026-12-01T00:00:00Z")
    assert manifest.data_hash == cut.release.data_hash
    assert list(manifest.older) == ["0.1.0"]

    with pytest.raises(BuildError, match="but the number"):
        cut_release(settings, Tag("0.3.0", "2026-12-02T00:00:00Z"))
    for number, issued in (("0.2.0", "2026-12-02T00:00:00Z"), ("0.3.0", "2026-12-01T00:00:00Z")):
        with pytest.raises(BuildError, match="after"):
            cut_release(settings, Tag(number, issued))

    # A file goes, and with it a named graph and some statements.
    (root / "data/turtle/targets/proposed-matches.ttl").unlink()
    before = _files(root)
    with pytest.raises(UnexplainedWithdrawal) as caught:
        cut_release(settings, Tag("0.3.0", "2026-12-02T00:00:00Z"))
    assert caught.value.resources == (GRAPH,)
    assert _files(root) == before
    assert build(settings).release.manifest.release.startswith("0.2.0-")
    cut = cut_release(settings, Tag("0.3.0", "2026-12-02T00:00:00Z"), withdraw="The file was emptied.")
    assert {e.resource: e.withdrawal.reason for e in cut.release.entries if e.withdrawal} == {
        GRAPH: "The file was emptied."
    }
    assert cut.built is not None
    assert cut.built.manifest.release == "0.3.0"
    assert [release.number for release in read_log(root / FOLDER).releases] == ["0.1.0", "0.2.0", "0.3.0"]
    store = Store.open_read_only(cut.built.store_path)
    assert store.ask(f"ASK {{ GRAPH <https://w3id.org/cbdgraph/graph/withdrawn> {{ <{GRAPH}> ?p ?o }} }}")
    assert not store.ask(f"ASK {{ <{GRAPH}> ?p ?o }}")
    assert build(settings).skipped


def test_a_log_that_gives_other_data_stops_the_build(root: Path, tmp_path: Path) -> None:
    """The log is checked against its own hashes whenever an older release is made from it."""
    import gzip

    path = root / FOLDER / "0.1.0.jsonl.gz"
    good = path.read_bytes()
    try:
        lines = gzip.decompress(good).decode().splitlines(keepends=True)
        path.write_bytes(gzip.compress("".join(lines[:-1]).encode()))
        with pytest.raises(BuildError, match="does not give release"):
            build(Settings(root=root, build=tmp_path))
    finally:
        path.write_bytes(good)


def test_the_tag_of_the_commit_gives_number_and_time(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        environment = {
            "GIT_AUTHOR_DATE": "2026-12-01T12:00:00+02:00",
            "GIT_COMMITTER_DATE": "2026-12-01T12:00:00+02:00",
            **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
            "PATH": "/usr/bin:/bin",
        }
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, env=environment)

    assert find_tag(tmp_path) is None
    git("init")
    git("commit", "--allow-empty", "-m", "one")
    assert find_tag(tmp_path) is None
    git("tag", "not-a-release")
    git("tag", "-a", "v0.9.0", "-m", "x")
    git("tag", "-a", "v0.10.0", "-m", "x")
    assert find_tag(tmp_path) == Tag("0.10.0", "2026-12-01T10:00:00Z")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-12-01T10:00:00", "2026-1-1"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_time(text)
