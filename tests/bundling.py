"""What the pages load, built for tests: the sources of web/ in, a folder web/ in a build folder out."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

WEB = ROOT / "web"
NODE_MARKS = [
    pytest.mark.slow,
    pytest.mark.node,
    pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="Node is not here"),
]


def build_web(build: Path) -> Path:
    """Bundle the sources as they are now into `build`/web; packages are installed once for each lock file."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = ROOT / "build" / "npm" / lock
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "installed").exists():
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(WEB / name, folder)
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        end = subprocess.run(npm, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        assert end.returncode == 0, end.stderr
        (folder / "installed").touch()
    work = build / "web-sources"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(WEB, work, ignore=shutil.ignore_patterns("node_modules"))
    (work / "node_modules").symlink_to(folder / "node_modules")
    end = subprocess.run(
        ["node", "build.mjs", str(build / "web")], cwd=work, capture_output=True, text=True, check=False, timeout=120
    )
    assert end.returncode == 0, end.stderr
    return build / "web"
