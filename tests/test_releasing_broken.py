"""Cutting a release that is killed, that finds the disk full, that meets another one: all of it happens, or nothing.

The checkout is a small one, with the ontology and the list of releases alone. What is expected to fail is a known
fault.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cbdgraph.changelog import FOLDER, read_log
from cbdgraph.errors import BuildError
from cbdgraph.pipeline import build
from cbdgraph.releasing import Tag, cut_release
from cbdgraph.settings import Settings
from cbdgraph.store.releases import current_release
from tests.conftest import ROOT

RELEASES = Path("data/turtle/releases.ttl")
NUMBER = "0.2.0"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose first release is cut and built, and whose ontology has been changed since."""
    root = tmp_path_factory.mktemp("first") / "checkout"
    for name in ("ontology", "queries"):
        shutil.copytree(ROOT / name, root / name)
    (root / RELEASES).parent.mkdir(parents=True)
    head = (ROOT / RELEASES).read_text(encoding="utf-8").partition("\n<release/")[0]
    (root / RELEASES).write_text(head, encoding="utf-8")
    cut_release(Settings(root=root), Tag("0.1.0", "2026-11-01T00:00:00Z"))
    path = root / "ontology" / "cbd.ttl"
    text = path.read_text(encoding="utf-8")
    changed = text.replace('rdfs:label "citation"@en', 'rdfs:label "mention"@en')
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    return root


@pytest.fixture
def root(first: Path, tmp_path: Path) -> Path:
    return shutil.copytree(first, tmp_path / "checkout", symlinks=True)


def _start(root: Path, *words: str, limit: int = 0) -> subprocess.Popen[str]:
    def prepare() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "cbdgraph", "--root", str(root), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=prepare)


def _cut(root: Path, number: str = NUMBER, day: str = "2026-12-01", limit: int = 0) -> subprocess.Popen[str]:
    return _start(root, "release", number, "--date", day, limit=limit)


def _record(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in (root / "data").rglob("*") if p.is_file()}


def _is_logged(root: Path) -> bool:
    return (root / FOLDER / f"{NUMBER}.jsonl.gz").exists()


def _is_told(root: Path) -> bool:
    return f"release/{NUMBER}>" in (root / RELEASES).read_text(encoding="utf-8")


def _is_begun(root: Path) -> bool:
    return any((root / "build" / "releases").glob("*.partial"))


def _is_current(root: Path) -> bool:
    release = current_release(root / "build")
    return release is not None and release.manifest.release == NUMBER


MOMENTS: Mapping[str, Callable[[Path], bool]] = {
    "the data tell of it": _is_told,
    "the log has it": _is_logged,
    "its build is begun": _is_begun,
    "it is served": _is_current,
}


def _kill_when(root: Path, moment: Callable[[Path], bool]) -> None:
    process = _cut(root)
    deadline = time.monotonic() + 60
    while not moment(root):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("name", MOMENTS)
def test_a_killed_release_is_never_logged_untold(root: Path, name: str) -> None:
    """Two files cannot be renamed at once: between them the data tell of what is not cut, never the reverse."""
    _kill_when(root, MOMENTS[name])
    assert _is_told(root) or not _is_logged(root)


@pytest.mark.parametrize("name", MOMENTS)
def test_after_a_kill_one_command_mends_everything(root: Path, name: str) -> None:
    """The same release again if it was not cut, a build if it was."""
    _kill_when(root, MOMENTS[name])
    assert current_release(root / "build") is not None, "what was served before still is, or what is new"
    settings = Settings(root=root)
    if not _is_logged(root):
        cut_release(settings, Tag(NUMBER, "2026-12-01T00:00:00Z"))
    build(settings)
    assert _is_current(root)
    assert not _is_begun(root)
    assert [release.number for release in read_log(root / FOLDER).releases] == ["0.1.0", NUMBER]
    assert _is_told(root)
    assert build(settings).skipped


def test_what_a_release_left_that_was_not_cut_is_mended(root: Path) -> None:
    """The data tell of it, and the log does not: a build stops, and it may be cut, on another day too."""
    block = f"""
<release/{NUMBER}> a cbd:Release ;
    cbd:symbol "{NUMBER}" ;
    dcterms:issued "2026-12-01"^^xsd:date .
"""
    (root / RELEASES).write_text((root / RELEASES).read_text(encoding="utf-8") + block, encoding="utf-8")
    with pytest.raises(BuildError, match="differ over"):
        build(Settings(root=root))
    cut_release(Settings(root=root), Tag(NUMBER, "2026-12-02T00:00:00Z"))
    assert "2026-12-01" not in (root / RELEASES).read_text(encoding="utf-8")
    assert _is_current(root)


def test_a_killed_build_is_built_again(root: Path) -> None:
    before = current_release(root / "build")
    process = _start(root, "build")
    deadline = time.monotonic() + 60
    while not _is_begun(root):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert current_release(root / "build") == before
    built = build(Settings(root=root))
    assert not built.skipped
    assert built.release.manifest.release.startswith("0.1.0-")
    assert not _is_begun(root)


def test_of_two_at_once_one_is_cut(root: Path) -> None:
    """Whichever comes first; the other is told that there is nothing new."""
    both = [_cut(root, number, day) for number, day in ((NUMBER, "2026-12-01"), ("0.3.0", "2026-12-02"))]
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2], said
    numbers = [release.number for release in read_log(root / FOLDER).releases]
    assert len(numbers) == 2
    text = (root / RELEASES).read_text(encoding="utf-8")
    assert [number for number in ("0.1.0", NUMBER, "0.3.0") if f"release/{number}>" in text] == numbers


@pytest.mark.parametrize(
    "limit",
    [
        100,
        *(1_000, 30_000, 200_000),
    ],
)
def test_when_no_more_can_be_written_nothing_is_cut(root: Path, limit: int) -> None:
    """A limit on the size of a file, which writing meets as it does a full disk."""
    before, served = _record(root), current_release(root / "build")
    process = _cut(root, limit=limit)
    process.communicate()
    assert process.returncode == 2
    assert _record(root) == before
    assert current_release(root / "build") == served
    shutil.rmtree(root / "build")
    cut_release(Settings(root=root), Tag(NUMBER, "2026-12-01T00:00:00Z"))
    assert _is_current(root)


def _edit(root: Path, old: str, new: str) -> None:
    text = (root / RELEASES).read_text(encoding="utf-8")
    assert old in text
    (root / RELEASES).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-11-01", "2025-01-01"),
        ("release/0.1.0> a", "release/0.0.9> a"),
        ('"2026-11-01"^^xsd:date .\n', '"2026-11-01"^^xsd:date .\n\n<release/0.1.1> a cbd:Release ;\n'
         '    cbd:symbol "0.1.1" ;\n    dcterms:issued "2026-11-02"^^xsd:date .\n'),
    ],
    ids=["another day", "not the first", "one that never was cut"],
)  # fmt: skip
def test_data_that_contradict_the_log_stop_the_build(root: Path, old: str, new: str) -> None:
    _edit(root, old, new)
    if "0.0.9" in new:
        _edit(root, '"0.1.0"', '"0.0.9"')
    with pytest.raises(BuildError):
        build(Settings(root=root))
