"""What `make web` builds: the same bytes each time, small, of packages whose licences go with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cbdgraph.server import bundles
from cbdgraph.server.bundles import Bundles
from tests.bundling import NODE_MARKS, WEB, build_web

pytestmark = NODE_MARKS


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_web(tmp_path_factory.mktemp("build"))


def test_the_same_input_is_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = build_web(tmp_path)
    assert sorted(each.name for each in again.iterdir()) == sorted(each.name for each in built.iterdir())
    for file in built.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes(), file.name


def test_each_entry_is_served_and_small(built: Path) -> None:
    served = Bundles(built.parent)
    assert served.look()
    assert served.entries.keys() == {each.stem for each in (WEB / "src").glob("*.js")}
    for entry, bundle in served.entries.items():
        names = [each.removeprefix(bundles.PREFIX) for each in (bundle.script, bundle.style) if each]
        coded = [served.files[name].coded for name in names]
        assert all(each.keys() == {"br", "gzip"} for each in coded)
        assert sum(len(each["gzip"]) for each in coded) < 400 * 1024, entry


def test_nothing_in_it_loads_from_elsewhere(built: Path) -> None:
    for style in built.glob("*.css"):
        assert not re.search(r"url\(|@import", style.read_text(encoding="utf-8")), style.name
    for script in built.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"\bimport\s*\(|new Function\b", text), script.name


def test_every_package_has_its_licence(built: Path) -> None:
    text = (built / "licenses.txt").read_text(encoding="utf-8")
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name in json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]:
        assert f"{name} {lock[f'node_modules/{name}']['version']}, " in text
    assert "codemirror 5" in text
    assert "esbuild" not in text
