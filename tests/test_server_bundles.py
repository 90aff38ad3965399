"""Scripts and styles of pages: served by name only, in the coding that is liked, run only where a page loads them."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cbdgraph.server import pages
from cbdgraph.server.bundles import Bundles
from tests.bundling import WEB
from tests.conftest import ROOT
from tests.test_server_running import QUERIES, facts, make_release, make_root, problem, running

HTML = {"Accept": "text/html"}
SCRIPT, STYLE = "editor-AAAAAAAA.js", "editor-BBBBBBBB.css"


def put(build: Path, script: str = SCRIPT, body: str = "export {};\n") -> None:
    """What a build leaves, by hand."""
    folder = build / "web"
    folder.mkdir(exist_ok=True)
    (folder / script).write_text(body, encoding="utf-8")
    (folder / f"{script}.gz").write_bytes(gzip.compress(body.encode(), mtime=0))
    (folder / f"{script}.br").write_bytes(b"brotli " + body.encode())
    (folder / STYLE).write_text("a { color: red; }", encoding="utf-8")
    (folder / "licenses.txt").write_text("a licence", encoding="utf-8")
    manifest = {"editor": {"script": script, "style": STYLE, "bytes": 1}}
    (folder / "manifest.new").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "manifest.new").rename(folder / "manifest.json")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_root(tmp_path / "root", QUERIES)
    make_release(root, facts())
    return root


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = make_root(tmp_path_factory.mktemp("root"), QUERIES)
    make_release(root, facts())
    put(root / "build")
    (root / "build" / "web" / "other-CCCCCCCC.js").write_text("no page says so", encoding="utf-8")
    with running(root=root, workers=1) as client:
        yield client


def test_without_bundles_the_editor_is_plain_and_says_how_to_get_more(root: Path) -> None:
    with running(root=root, workers=1) as client:
        page = client.get("/sparql", headers=HTML)
        assert page.headers["content-security-policy"] == pages.CSP
        assert "<script" not in page.text
        assert "<textarea" in page.text
        assert "make web" in page.text
        problem(client.get(f"/static/bundle/{SCRIPT}"), "not-found")


def test_only_a_page_that_loads_a_script_may_run_one(service: httpx.Client) -> None:
    page = service.get("/sparql", headers=HTML)
    assert re.findall(r'<script[^>]*src="([^"]+)"', page.text) == [f"/static/bundle/{SCRIPT}"]
    assert f'<link rel="stylesheet" href="/static/bundle/{STYLE}">' in page.text
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    for name in ("script-src", "style-src", "connect-src"):
        assert policy[name] == "'self'"
    for path in ("/", "/query", "/version", "/target/aichi/15", "/nothing"):
        assert service.get(path, headers=HTML).headers.get("content-security-policy") in {pages.CSP, None}, path


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", ""),
    ],
)
def test_a_script_comes_in_the_coding_that_is_liked(service: httpx.Client, accepted: str, coding: str) -> None:
    with service.stream("GET", f"/static/bundle/{SCRIPT}", headers={"Accept-Encoding": accepted}) as response:
        body = b"".join(response.iter_raw())
    assert response.headers.get("content-encoding", "") == coding
    plain = b"export {};\n"
    assert body == {"": plain, "gzip": gzip.compress(plain, mtime=0), "br": b"brotli " + plain}[coding]
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["vary"] == "Accept-Encoding"
    again = {"Accept-Encoding": accepted, "If-None-Match": response.headers["etag"]}
    assert service.get(f"/static/bundle/{SCRIPT}", headers=again).status_code == 304


def test_codings_are_not_mixed_up(service: httpx.Client) -> None:
    path, tags = f"/static/bundle/{SCRIPT}", set()
    for accepted in ("gzip", "br", "identity", "gzip"):
        with service.stream("GET", path, headers={"Accept-Encoding": accepted}) as response:
            assert response.headers.get("content-encoding", "identity") == accepted
            tags.add(response.headers["etag"])
    assert len(tags) == 3
    head = service.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(b"export {};\n")


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "other-CCCCCCCC.js",
        f"{SCRIPT}.gz",
        "..%2fmanifest.json",
        "%2e%2e/manifest.json",
        "../../../etc/passwd",
        "editor-AAAAAAAA.js%00",
        "EDITOR-AAAAAAAA.js",
        "",
    ],
)
def test_only_names_of_the_manifest_are_served(service: httpx.Client, name: str) -> None:
    assert service.get(f"/static/bundle/{name}").status_code == 404


def test_licences_go_with_what_is_served(service: httpx.Client) -> None:
    assert service.get("/static/bundle/licenses.txt").text == "a licence"
    assert "/static/bundle/licenses.txt" in service.get("/sparql", headers=HTML).text


def test_another_build_is_seen_and_pages_sent_before_still_work(root: Path) -> None:
    put(root / "build")
    fresh = "editor-DDDDDDDD.js"
    with running(root=root, workers=1) as client:
        before = client.get("/sparql", headers=HTML)
        assert client.get("/sparql", headers=HTML).text == before.text
        put(root / "build", fresh, "export const fresh = 1;\n")
        (root / "build" / "web" / SCRIPT).unlink()
        deadline = time.monotonic() + 10
        while fresh not in client.get("/sparql", headers=HTML).text:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        after = client.get("/sparql", headers={**HTML, "If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert client.get(f"/static/bundle/{fresh}").text == "export const fresh = 1;\n"
        assert client.get(f"/static/bundle/{SCRIPT}").status_code == 200


@pytest.mark.parametrize(
    "manifest",
    [
        "{",
        "[]",
        '{"editor": 1}',
        '{"editor": {"script": "../releases-AAAAAAAA.js"}}',
        '{"editor": {"script": "/etc/passwd"}}',
        '{"editor": {"script": "gone-AAAAAAAA.js"}}',
        '{"editor": {"style": "editor-BBBBBBBB.css"}}',
    ],
)
def test_a_broken_build_is_as_none(tmp_path: Path, manifest: str) -> None:
    put(tmp_path)
    built = Bundles(tmp_path)
    assert built.look()
    assert not built.look()
    (tmp_path / "web" / "manifest.json").write_text(manifest, encoding="utf-8")
    assert built.look()
    assert not built.entries


def test_files_of_old_builds_are_let_go(tmp_path: Path) -> None:
    built = Bundles(tmp_path)
    for letter in "ABCDEFGH":
        put(tmp_path, f"editor-{letter * 8}.js")
        built.look()
    scripts = [name for name in built.files if name.endswith(".js")]
    assert sorted(scripts) == [f"editor-{letter * 8}.js" for letter in "FGH"]


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name
    wanted = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_without_node_make_web_says_what_is_missing(tmp_path: Path) -> None:
    for tool in ("make", "sh", "echo", "awk"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    end = subprocess.run(
        ["make", "web"], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert end.returncode != 0
    assert "needs Node 20" in end.stderr
