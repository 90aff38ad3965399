"""Responses that are kept: true for who gets them, gone with their release, nobody's but for who asks the same."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from cbdgraph.namespaces import GRAPHS
from cbdgraph.server.live import Live
from cbdgraph.store.cached import CachedEngine
from tests.test_server_running import LABEL, facts, make_release, make_root, running
from tests.test_sparql_attacks import worker_ids

LABELS = f"SELECT ?label {{ ?thing <{LABEL}> ?label }} ORDER BY ?label"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        yield client


def live_of(client: httpx.Client) -> Live:
    live: Live = client.app.state.live  # type: ignore[attr-defined]
    return live


def kept_by(client: httpx.Client) -> int:
    """How many responses are kept."""
    return len(live_of(client).current.responses)


def speak(client: httpx.Client, *lines: str) -> bytes:
    """A request as it is written here, on a connection of its own."""
    address = client.base_url.host, client.base_url.port or 80
    with socket.create_connection(address, timeout=10) as stranger:
        stranger.sendall("\r\n".join((*lines, "Connection: close", "", "")).encode())
        came = b""
        while received := stranger.recv(65536):
            came += received
    return came


def test_the_same_again_is_the_same_and_needs_no_worker(service: httpx.Client) -> None:
    first = service.get("/sparql", params={"query": LABELS, "format": "csv"})
    before = kept_by(service)
    again = service.get("/sparql", params={"query": LABELS, "format": "csv"})
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert {name: value for name, value in again.headers.items() if name != "date"} == {
        name: value for name, value in first.headers.items() if name != "date"
    }
    assert kept_by(service) == before
    held = {"If-None-Match": first.headers["etag"]}
    for method in ("GET", "HEAD"):
        same = service.request(method, "/sparql", params={"query": LABELS, "format": "csv"}, headers=held)
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == first.headers["etag"]
        assert "content-type" not in same.headers
    other = service.get("/sparql", params={"query": LABELS, "format": "csv"}, headers={"If-None-Match": 'W/"x"'})
    assert other.content == first.content


@pytest.mark.parametrize(
    "query",
    [
        "SELECT (RAND() AS ?x) {}",
        "SELECT (NOW() AS ?x) {}",
        "SELECT (UUID() AS ?x) {}",
        "SELECT (STRUUID() AS ?x) {}",
        "SELECT (r\\u0041nd() AS ?x) {}",
        "SELECT ?x { { SELECT (rand #\n () AS ?x) {} } }",
        "CONSTRUCT { ?s ?p ?x } { ?s ?p 'Target fifteen'@en BIND(RAND() AS ?x) }",
    ],
)
def test_what_changes_is_not_kept(service: httpx.Client, query: str) -> None:
    before = kept_by(service)
    answers = [service.get("/sparql", params={"query": query}) for _ in range(2)]
    for answer in answers:
        if answer.status_code == 400:
            return  # escapes stand for themselves here
        assert answer.status_code == 200
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
    if "NOW" not in query:  # whose clock may stand still for so long
        assert answers[0].content != answers[1].content
    assert kept_by(service) == before


def test_errors_are_not_kept(service: httpx.Client) -> None:
    before = kept_by(service)
    for query in ("SELECT", "SELECT * { SERVICE <x:y> {} }", "SELECT (x:f() AS ?x) {}"):
        assert service.get("/sparql", params={"query": query}).status_code in {400, 403}
    assert service.get("/target/none").status_code == 404
    assert kept_by(service) == before


def test_one_answer_is_never_taken_for_another(service: httpx.Client) -> None:
    """Everything that an answer depends on, in turn, twice, so that what was kept is used too."""
    graph = f"{GRAPHS}targets"
    variants = [
        ("/sparql", {"query": LABELS}, {"Accept": "text/csv"}),
        ("/sparql", {"query": LABELS}, {"Accept": "text/tab-separated-values"}),
        ("/sparql", {"query": LABELS}, {"Accept": "text/html"}),
        ("/sparql", {"query": LABELS}, {}),
        ("/sparql", {"query": LABELS}, {"Accept": "application/sparql-results+json;q=0, */*"}),
        ("/sparql", {"query": LABELS, "format": "csv"}, {"Accept": "text/html"}),
        ("/sparql", {"query": LABELS + " "}, {"Accept": "text/csv"}),
        ("/sparql", {"query": LABELS, "default-graph-uri": graph}, {"Accept": "text/csv"}),
        ("/sparql", {"query": LABELS, "named-graph-uri": graph}, {"Accept": "text/csv"}),
        ("/sparql", {"query": LABELS, "explain": "empty"}, {"Accept": "application/json"}),
        ("/sparql", {}, {"Accept": "text/turtle"}),
        ("/sparql", {}, {"Accept": "text/html"}),
        ("/target/aichi/15", {}, {"Accept": "text/turtle"}),
        ("/target/aichi/15", {}, {"Accept": "text/html"}),
        ("/target/aichi/15", {}, {"Accept": "text/html", "Accept-Language": "zh"}),
        ("/target/aichi/15", {"lang": "zh"}, {"Accept": "text/html"}),
        ("/graph-store", {"default": "", "format": "nt"}, {}),
        ("/graph-store", {"graph": graph, "format": "nt"}, {}),
    ]
    seen = []
    for _ in range(2):
        bodies = []
        for path, parameters, headers in variants:
            answer = service.get(path, params=parameters, headers=headers)
            assert answer.status_code == 200, answer.text
            bodies.append((answer.headers["content-type"], answer.content))
            slash = service.get(f"{path}/", params=parameters, headers=headers)
            assert slash.content == answer.content
            head = service.head(path, params=parameters, headers=headers)
            assert (head.content, head.headers["content-length"]) == (b"", str(len(answer.content)))
        seen.append(bodies)
    assert seen[0] == seen[1]
    shown = [seen[0][n] for n in (0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 16, 17)]
    assert len(set(shown)) == len(shown)


def test_nobody_chooses_for_others_what_they_get(service: httpx.Client) -> None:
    """By sending a header twice, or a Host that is not this one."""
    path = "/sparql?query=SELECT+%28%22twice%22+AS+%3Fx%29+%7B%7D"
    twice = speak(service, f"GET {path} HTTP/1.1", "Host: x", "Accept: text/csv;q=0.1", "Accept: text/html;q=0")
    assert b"content-type: text/csv" in twice
    once = speak(service, f"GET {path} HTTP/1.1", "Host: x", "Accept: text/csv;q=0.1,text/html;q=0")
    assert b"content-type: text/csv" in once
    liked = ("Accept: text/csv;q=0.1", "Accept: text/tab-separated-values")
    assert b"content-type: text/tab-separated-values" in speak(service, f"GET {path} HTTP/1.1", "Host: x", *liked)
    joined = ",".join(line.removeprefix("Accept: ") for line in liked)
    single = speak(service, f"GET {path} HTTP/1.1", "Host: x", f"Accept: {joined}")
    assert b"content-type: text/tab-separated-values" in single

    describe = ("GET /sparql HTTP/1.1", "Accept: text/turtle")
    assert speak(service, *describe, "Host: evil.example", "Host: real.example").startswith(b"HTTP/1.1 400")
    assert b"evil.example" not in speak(service, *describe, "Host: real.example")
    for host in ("evil.example", "real.example", "evil.example"):
        assert f"<http://{host}/sparql>".encode() in speak(service, *describe, f"Host: {host}")
    for host in ("a/><b", "a b", "[", "a@b", "\u00e9"):
        came = speak(service, *describe, f"Host: {host}")
        assert f"<http://{host}/sparql>".encode() not in came
    # Not believed without settings.proxies.
    assert b"<http://real.example/sparql>" in speak(
        service, *describe, "Host: real.example", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example"
    )


def test_what_is_kept_needs_no_worker(service: httpx.Client) -> None:
    kept = service.get("/sparql", params={"query": LABELS})
    os.kill(worker_ids(service)[0], 9)
    assert service.get("/sparql", params={"query": LABELS}).content == kept.content


def test_a_new_release_empties_what_was_kept(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        paths = [
            f"/sparql?{httpx.QueryParams({'query': LABELS, 'format': 'csv'})}",
            "/target/aichi/15",
            "/sparql",
            "/",
        ]
        old = [client.get(path) for path in paths]
        assert all(client.get(path).content == answer.content for path, answer in zip(paths, old, strict=True))
        more = [*facts()[f"{GRAPHS}targets"], f'<https://w3id.org/cbdgraph/target/aichi/15> <{LABEL}> "new"@en .']
        new = make_release(root, {**facts(), f"{GRAPHS}targets": more})
        deadline = time.monotonic() + 15
        while client.get("/version").json()["release"] != new.manifest.release:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for path, answer in zip(paths, old, strict=True):
            now = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert now.status_code == 200, path
            assert now.headers["cbdgraph-release"] == new.manifest.release
            assert now.headers["etag"] != answer.headers["etag"]
        assert "new" in client.get(paths[0]).text


@pytest.mark.parametrize("cache_mb", [0, 1])
def test_memory_for_what_is_kept_is_bounded(tmp_path: Path, cache_mb: int) -> None:
    root = make_root(tmp_path)
    make_release(root, facts())
    with running(root=root, workers=1, cache_mb=cache_mb) as client:
        for number in range(60):
            query = f'SELECT ("{"x" * 30_000}" AS ?x) ({number} AS ?n) {{}}'
            answers = [client.post("/sparql", data={"query": query}).content for _ in range(2)]
            answers.append(client.get("/sparql", params={"query": f"SELECT ({number} AS ?n) {{}}"}).content)
            assert answers[0] == answers[1]
        served = live_of(client).current
        assert isinstance(served.engine, CachedEngine)
        for cache in (served.responses, served.engine._answers):
            assert cache.size <= cache_mb * 1024 * 1024 // 2
        assert (kept_by(client) == 0) == (cache_mb == 0)


def test_what_is_kept_is_sent_the_same_however_it_is_asked(service: httpx.Client) -> None:
    """At once, behind other requests on the same connection, on a connection that ends: by different ways here."""
    target = f"/sparql?{urlencode({'query': LABELS})}"
    service.get(target)
    host, port = service.base_url.host, service.base_url.port or 80

    def exchange(*requests: str) -> bytes:
        with socket.create_connection((host, port), timeout=10) as connection:
            connection.sendall("".join(requests).encode())
            received = b""
            while piece := connection.recv(65536):
                received += piece
        return re.sub(rb"(?i)date: [^\r]*\r\n|connection: close\r\n", b"", received)

    line = f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\n"
    last = exchange(f"{line}Connection: close\r\n\r\n")
    first = exchange(f"{line}\r\n", f"{line}Connection: close\r\n\r\n")
    many = exchange(*[f"{line}\r\n"] * 300, f"{line}Connection: close\r\n\r\n")
    assert last.startswith(b"HTTP/1.1 200 OK\r\n")
    assert first == last * 2
    assert many == last * 301
    tag = re.search(rb"(?i)etag: ([^\r]*)", last)
    assert tag is not None
    held = exchange(f"{line}If-None-Match: {tag[1].decode()}\r\n\r\n", f"HEAD{line[3:]}Connection: close\r\n\r\n")
    assert held.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert held.endswith(last.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
