"""/dump/ over real HTTP: whole files, parts, resumed downloads, validators, what there is not; robots, sitemaps."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import socket
import subprocess
import threading
import urllib.robotparser
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cbdgraph.changelog import join_resources
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.quads import split_graphs
from cbdgraph.queries import read_queries
from cbdgraph.server import crawlers
from cbdgraph.server.ranges import parse_ranges
from cbdgraph.store.dumps import Dump, read_dumps, write_dumps
from cbdgraph.store.releases import Maker, Release, build_lock, publish
from tests.conftest import ROOT
from tests.cutting import make_log, publish_log
from tests.test_server_pages import check
from tests.test_server_running import TYPE, facts, make_release, make_root, problem, running

HTML = {"Accept": "text/html"}
WHOLE = "/dump/cbdgraph.ttl"
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def dumps(release: Release) -> dict[str, Dump]:
    return {dump.name: dump for dump in read_dumps(release.path)}


@pytest.fixture(scope="module")
def whole(release: Release) -> bytes:
    return (release.path / "dump" / "cbdgraph.ttl").read_bytes()


def test_every_file_is_served_as_it_is(service: httpx.Client, dumps: dict[str, Dump], release: Release) -> None:
    types = {
        "ttl": "text/turtle; charset=utf-8",
        "nt.gz": "application/gzip",
        "trig.gz": "application/gzip",
        "jsonld": "application/ld+json",
        "csv": "text/csv; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    for name, dump in dumps.items():
        response = service.get(f"/dump/{name}")
        assert response.status_code == 200
        assert response.content == (release.path / "dump" / name).read_bytes()
        headers = response.headers
        assert headers["content-type"] == types[dump.ending]
        assert headers["content-length"] == str(dump.bytes)
        assert headers["etag"] == f'"{dump.sha256}"', "a strong validator"
        assert headers["accept-ranges"] == "bytes"
        assert headers["content-disposition"] == f'attachment; filename="{name.replace("/", "-")}"'
        assert "content-encoding" not in headers, "the sum is that of what arrives"
        digest = base64.b64decode(headers["repr-digest"].removeprefix("sha-256=:").removesuffix(":"))
        assert digest.hex() == dump.sha256
        assert headers["cbdgraph-release"] == release.manifest.release
    assert gzip.decompress(service.get("/dump/cbdgraph.nt.gz").content).count(b"\n") == dumps["cbdgraph.nt.gz"].rows


def test_sums_and_index(service: httpx.Client, dumps: dict[str, Dump]) -> None:
    sums = service.get("/dump/SHA256SUMS")
    assert sums.headers["content-type"] == "text/plain; charset=utf-8"
    assert sums.text.splitlines() == [f"{dump.sha256}  {name}" for name, dump in dumps.items()]
    assert len(service.get("/dump/index.json").json()["files"]) == len(dumps)
    assert sums.headers["etag"] == f'"{hashlib.sha256(sums.content).hexdigest()}"'


def test_the_list(service: httpx.Client, dumps: dict[str, Dump]) -> None:
    for path in ("/dump/", "/dump"):
        document = service.get(path).json()
        assert {entry["name"] for entry in document["files"]} == dumps.keys()
    entry = next(entry for entry in document["files"] if entry["name"] == "decisions/cop-10.nt.gz")
    assert entry["graph"] == f"{GRAPHS}decisions/cop-10"
    assert (entry["media_type"], entry["compression"]) == ("application/n-triples", "application/gzip")
    assert service.head(entry["address"]).headers["content-length"] == str(entry["bytes"])
    page = service.get("/dump/", headers=HTML)
    check(page.text)
    for name in ("cbdgraph.trig.gz", "citations.xlsx", "decisions/cop-10.ttl", "SHA256SUMS"):
        assert f'href="/dump/{name}"' in page.text
    assert dumps["cbdgraph.ttl"].sha256 in page.text
    assert 'href="/dump/"' in service.get("/", headers=HTML).text
    problem(service.get("/dump/", headers={"Accept": "image/png"}), "not-acceptable")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-99", (0, 99)),
        ("bytes=100-", (100, None)),
        ("bytes=-100", (-100, None)),
        ("Bytes = 5-5", (5, 5)),
        ("bytes=7-999999999", (7, None)),
        ("bytes=-999999999", (0, None)),
        ("bytes=0-4,999999999-", (0, 4)),  # what is beyond the end is passed over
        ("bytes=, 3-4 ,", (3, 4)),
    ],
)
def test_a_part(service: httpx.Client, whole: bytes, asked: str, expected: tuple[int, int | None]) -> None:
    response = service.get(WHOLE, headers={"Range": asked})
    first, last = expected
    part = whole[first:] if last is None else whole[first : last + 1]
    assert (response.status_code, response.content) == (206, part)
    start = len(whole) + first if first < 0 else first
    assert response.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"
    assert response.headers["content-length"] == str(len(part))


def test_several_parts(service: httpx.Client, whole: bytes) -> None:
    response = service.get(WHOLE, headers={"Range": "bytes=50-59, 0-9, -5"})
    assert response.status_code == 206
    kind = response.headers["content-type"]
    assert kind.startswith("multipart/byteranges; boundary=")
    assert response.headers["content-length"] == str(len(response.content))
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + response.content)
    parts = list(message.walk())[1:]
    got = {str(part["Content-Range"]): part.get_payload(decode=True) for part in parts}
    size = len(whole)
    assert got == {
        f"bytes 0-9/{size}": whole[:10],
        f"bytes 50-59/{size}": whole[50:60],
        f"bytes {size - 5}-{size - 1}/{size}": whole[-5:],
    }


@pytest.mark.parametrize(
    "asked",
    [
        *("lines=1-2", "bytes", "bytes=", "bytes=a-b", "bytes=5-3", "bytes=1-2-3", "bytes=+1-2", "bytes=1_0-20"),
        *("bytes=-", "bytes=\u0661-\u0662".encode().decode("latin-1")),
        *(f"bytes={'0-0,' * 40}1-1", f"bytes={'9' * 5000}-"),
    ],
)
def test_what_is_no_range_is_passed_over(service: httpx.Client, whole: bytes, asked: str) -> None:
    response = service.get(WHOLE, headers={b"Range": asked.encode("latin-1")})
    assert (response.status_code, len(response.content)) == (200, len(whole))


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=99999999-99999999,88888888-"])
def test_no_such_bytes(service: httpx.Client, whole: bytes, asked: str) -> None:
    response = service.get(WHOLE, headers={"Range": asked})
    assert problem(response, "range")["bytes"] == len(whole)
    assert response.headers["content-range"] == f"bytes */{len(whole)}"
    check(service.get(WHOLE, headers={"Range": asked, **HTML}).text)


def test_a_part_only_of_the_same_file(service: httpx.Client) -> None:
    tag = service.get(WHOLE).headers["etag"]
    for condition, status in (
        (tag, 206),
        (f"W/{tag}", 200),
        ('"other"', 200),
        ("Wed, 25 Nov 2026 00:00:00 GMT", 200),
        ("", 200),
    ):
        for asked in ("bytes=0-1", "bytes=99999999-"):
            response = service.get(WHOLE, headers={"Range": asked, "If-Range": condition})
            expected = 416 if status == 206 and asked != "bytes=0-1" else status
            assert response.status_code == expected, (condition, asked)


def test_a_client_that_has_it(service: httpx.Client) -> None:
    for path in (WHOLE, "/dump/decisions.csv"):
        tag = service.get(path).headers["etag"]
        for asked in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            response = service.get(path, headers={"If-None-Match": asked, "Range": "bytes=0-1"})
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == tag
            response = service.get(path, headers={"If-None-Match": asked})
            assert (response.status_code, response.content) == (304, b"")
        assert service.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize("path", [WHOLE, "/dump/decisions.csv", "/dump/SHA256SUMS", "/dump/", "/sitemap.xml"])
def test_head_is_get_without_a_body(service: httpx.Client, path: str) -> None:
    # Twice: an answer to HEAD must not be kept for GET, nor the other way round.
    head, got, again = service.head(path), service.get(path), service.head(path)
    assert head.content == again.content == b""
    assert len(got.content) == int(got.headers["content-length"]) > 0
    for name in ("content-type", "content-length", "etag", "accept-ranges", "content-disposition"):
        assert head.headers.get(name) == got.headers.get(name) == again.headers.get(name), name
    assert service.options(path).status_code == 204
    assert service.put(path, content=b"x").status_code == 405


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_a_download_that_was_broken_off_goes_on(service: httpx.Client, whole: bytes, tmp_path: Path) -> None:
    file = tmp_path / "cbdgraph.ttl"
    file.write_bytes(whole[: len(whole) // 3])
    subprocess.run(["curl", "-sSf", "-C", "-", "-o", str(file), f"{service.base_url}{WHOLE}"], check=True)
    assert file.read_bytes() == whole
    end = subprocess.run(
        ["curl", "-sS", "-C", "-", "-o", str(file), "-w", "%{size_download}", f"{service.base_url}{WHOLE}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert file.read_bytes() == whole, "whole already: nothing is added"
    assert int(end.stdout or 0) < 2000
    sums = tmp_path / "SHA256SUMS"
    sums.write_bytes(service.get("/dump/SHA256SUMS").content)
    subprocess.run(["sha256sum", "-c", "--quiet", "--ignore-missing", sums.name], cwd=tmp_path, check=True)


def test_names_that_are_not_in_the_index(service: httpx.Client) -> None:
    document = problem(service.get("/dump/cbdgraf.ttl"), "not-found")
    assert document["suggestions"][0] == WHOLE
    problem(service.get("/dump/" + "x" * 5000), "not-found")
    for name in ("manifest.json", "store/CURRENT", "dump/cbdgraph.ttl", "decisions", "decisions/"):
        assert service.get(f"/dump/{name}").status_code == 404, name
    check(service.get("/dump/<script>", headers=HTML).text)


@pytest.mark.parametrize(
    "path",
    [
        *("/dump/../manifest.json", "/dump/%2e%2e/manifest.json", "/dump/..%2fmanifest.json"),
        *("/dump/%2e%2e%2f%2e%2e%2f", "/dump//etc/passwd", "/dump/%2fetc%2fpasswd", "/dump/cbdgraph.ttl%00"),
        *("/dump/decisions/../cbdgraph.ttl", "/dump/./cbdgraph.ttl", "/dump/%5c..%5cmanifest.json"),
        *("/dump/cbdgraph.ttl/..", "/dump/CBDGRAPH.TTL"),
    ],
)
def test_no_path_leads_out(service: httpx.Client, path: str) -> None:
    """As bytes on a socket: a client library would tidy the path."""
    url = service.base_url
    with socket.create_connection((url.host, url.port), 10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), answer[:200]
    assert b"input_hash" not in answer
    assert b"root:" not in answer


def test_a_client_that_leaves_and_one_that_reads_slowly(service: httpx.Client, whole: bytes) -> None:
    url = service.base_url
    for _ in range(5):
        with socket.create_connection((url.host, url.port), 10) as connection:
            connection.sendall(f"GET {WHOLE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connection.recv(1000)
    assert service.get(WHOLE).content == whole
    assert service.get("/health").status_code == 200


def test_many_download_at_once(service: httpx.Client, whole: bytes) -> None:
    wrong: list[int] = []

    def load(start: int) -> None:
        response = httpx.get(f"{service.base_url}{WHOLE}", headers={"Range": f"bytes={start}-"}, timeout=30)
        if response.content != whole[start:]:
            wrong.append(start)

    threads = [threading.Thread(target=load, args=(start,)) for start in range(0, 100_000, 5000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_there_are_none_of_a_users_own_files_and_of_a_release_without(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    root = make_root(tmp_path / "root", {})
    with running(root=root, data=(tmp_path / "a.ttl",), workers=1) as client:
        for path in ("/dump/", WHOLE, "/dump/SHA256SUMS", "/dump/index.json"):
            document = problem(client.get(path), "not-found")
            assert "user's own files" in document["detail"]
        assert client.get("/robots.txt").status_code == 200
        assert locations(client.get("/sitemap.xml").content) == [
            f"{client.base_url}{path}" for path in ("/", "/query/", "/dataset")
        ]
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        assert "built without" in problem(client.get(WHOLE), "not-found")["detail"]


def _add(folder: Path, graphs: Mapping[str, list[str]]) -> None:
    write_dumps(folder, graphs)


def test_an_older_release_has_files_of_its_own(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", {})
    log = make_log()
    maker = Maker("maker", {}, _add)
    graphs = split_graphs(join_resources(log.replay()))
    with build_lock(root / "build"):
        publish(root / "build", graphs, input_hash="x", maker=maker, log=log, older=2)
    with running(root=root, workers=1) as client:
        new, old = client.get(WHOLE), client.get(f"{WHOLE}?release=0.2.0")
        assert new.headers["last-modified"] == "Tue, 01 Dec 2026 15:30:00 GMT"
        assert old.headers["last-modified"] == "Tue, 01 Dec 2026 09:00:00 GMT"
        assert new.headers["etag"] != old.headers["etag"]
        assert client.get(f"/release/0.2.0{WHOLE}").content == old.content != new.content
        since = {"If-Modified-Since": new.headers["last-modified"]}
        assert client.get(WHOLE, headers=since).status_code == 304
        assert client.get(WHOLE, headers={"If-Modified-Since": old.headers["last-modified"]}).status_code == 200
        for wrong in ("yesterday", "", "Tue, 99 Dec 2026 09:00:00 GMT"):
            assert client.get(WHOLE, headers={"If-Modified-Since": wrong}).status_code == 200
        both = {**since, "If-None-Match": '"x"'}
        assert client.get(WHOLE, headers=both).status_code == 200, "the tag decides"
        dated = {"Range": "bytes=0-1", "If-Range": new.headers["last-modified"]}
        assert client.get(WHOLE, headers=dated).status_code == 206
        assert client.get("/dump/").json()["issued"] == "2026-12-01T15:30:00+00:00"


def test_publish_log_has_none(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", {})
    release = publish_log(root / "build", make_log())
    assert read_dumps(release.path) == ()


@given(st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")), st.integers(0, 1000))
def test_whatever_is_asked_for_lies_within_the_file(header: str, size: int) -> None:
    for asked in (header, f"bytes={header}"):
        for first, last in parse_ranges(asked, size) or ():
            assert 0 <= first <= last < size


def locations(content: bytes) -> list[str]:
    return [str(text) for text in etree.fromstring(content).xpath("//s:loc/text()", namespaces=SITEMAP)]


def test_robots(service: httpx.Client) -> None:
    response = service.get("/robots.txt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"Sitemap: {service.base_url}/sitemap.xml\n" in response.text
    rules = [line.partition(": ")[2] for line in response.text.splitlines() if line.startswith("Disallow")]
    patterns = [re.compile(re.escape(rule).replace(r"\*", ".*")) for rule in rules]

    def allowed(path: str) -> bool:
        return not any(pattern.match(path) for pattern in patterns)

    for path in ("/sparql", "/sparql?query=x", "/graph-store?default", "/query/labels?a=b", "/why?subject=x"):
        assert not allowed(path), path
    for path in ("/decision/cop/11/16?format=ttl", "/release/0.1.0/dataset", "/parse", "/resolve?citation=XI/16"):
        assert not allowed(path), path
    for path in ("/", "/decision/cop/11/16", "/query/", "/query/labels", "/dump/", "/release/0.1.0", "/dataset"):
        assert allowed(path), path
    reader = urllib.robotparser.RobotFileParser()
    reader.parse(response.text.splitlines())
    assert reader.site_maps() == [f"{service.base_url}/sitemap.xml"]


def test_the_sitemap(service: httpx.Client) -> None:
    response = service.get("/sitemap.xml")
    assert response.headers["content-type"] == "application/xml"
    check_sitemap(response.content)
    found = locations(response.content)
    assert len(found) == len(set(found))
    origin = str(service.base_url)
    assert all(address.startswith(f"{origin}/") and "#" not in address for address in found)
    for path in ("/", "/dump/", "/decision/cop/11/16", "/target/aichi/15", "/ontology", "/issue/forest-biodiversity"):
        assert f"{origin}{path}" in found
    for address in found[:: max(1, len(found) // 60)]:
        assert service.get(address, headers=HTML).status_code == 200, address
    changed = etree.fromstring(response.content).xpath("//s:url[s:lastmod]/s:loc/text()", namespaces=SITEMAP)
    assert f"{origin}/decision/cop/11/16" in changed, "the change log tells when"
    again = service.get("/sitemap.xml", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


def check_sitemap(content: bytes) -> None:
    """What the schema of the protocol demands of a sitemap."""
    assert len(content) <= 50 * 1024 * 1024
    root = etree.fromstring(content)
    assert root.tag in {f"{{{SITEMAP['s']}}}{name}" for name in ("urlset", "sitemapindex")}
    assert 1 <= len(root) <= 50_000
    for entry in root:
        assert [etree.QName(child).localname for child in entry] in (["loc"], ["loc", "lastmod"])
        assert len(entry[0].text or "") <= 2048
        for child in entry[1:]:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", child.text or "")


def test_of_very_many_addresses_there_is_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_root(tmp_path / "root", {})
    kind = f"<{BASE}ontology#Term>"
    names = ("a&b", "\u76ee\u6807", "x#1", "x#2", "l" * 3000, *map(str, range(40)))
    odd = [f"<{BASE}term/{name}> <{TYPE}> {kind} ." for name in names]
    make_release(root, {f"{GRAPHS}terms": odd})
    with running(root=root, workers=1) as client:
        check_sitemap(client.get("/sitemap.xml").content)
        expected = locations(client.get("/sitemap.xml").content)
        assert f"{client.base_url}/term/a%26b" in expected
        assert f"{client.base_url}/term/%E7%9B%AE%E6%A0%87" in expected
        assert expected.count(f"{client.base_url}/term/x") == 1
    monkeypatch.setattr(crawlers, "_MOST", 20)
    with running(root=root, workers=1) as client:
        index = client.get("/sitemap.xml").content
        check_sitemap(index)
        parts = locations(index)
        assert len(parts) == 3
        found = []
        for part in parts:
            content = client.get(part).content
            check_sitemap(content)
            assert len(locations(content)) <= 20
            found += locations(content)
        origin = str(client.base_url)
        own = {f"{origin}/", f"{origin}/query/", f"{origin}/dataset"}
        paths = {address.removeprefix(origin) for address in found}
        assert len(found) == len(paths) == 43
        assert own.isdisjoint(found)
        for number in ("4", "0", "01", "x", "-1", "99999999999", "\u0661"):
            problem(client.get(f"/sitemap/{number}.xml"), "not-found")


def test_the_openapi_document_knows_the_files(service: httpx.Client) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    assert "416" in paths["/dump/{name}"]["get"]["responses"]
    assert "text/turtle" in paths["/dump/{name}"]["get"]["responses"]["200"]["content"]


def test_tables_are_there_for_each_query(service: httpx.Client) -> None:
    for name in read_queries(ROOT / "queries" / "tables"):
        assert service.get(f"/dump/{name}.csv").text.startswith("identifier,address,")
        assert service.get(f"/dump/{name}.xlsx").content.startswith(b"PK")
    assert json.loads(service.get("/dump/terms.jsonld").content)
    assert io.BytesIO(service.get("/dump/terms.ttl").content).readline().startswith(b"@prefix")


def test_a_slow_reader_keeps_nobody_waiting(service: httpx.Client) -> None:
    async def read() -> float:
        async with (
            httpx.AsyncClient(base_url=service.base_url, timeout=10) as client,
            client.stream("GET", "/dump/cbdgraph.jsonld") as response,
        ):
            assert response.status_code == 200
            start = asyncio.get_running_loop().time()
            for _ in range(10):
                assert (await client.get("/health")).status_code == 200
            return asyncio.get_running_loop().time() - start

    assert asyncio.run(read()) < 2


def test_head_has_the_headers_of_the_whole_and_reads_no_file(service: httpx.Client) -> None:
    whole = service.get("/dump/cbdgraph.ttl")
    for headers in ({}, {"Range": "bytes=0-9"}):
        head = service.head("/dump/cbdgraph.ttl", headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.headers["etag"] == whole.headers["etag"]
    assert service.get("/dump/cbdgraph.ttl").content == whole.content
