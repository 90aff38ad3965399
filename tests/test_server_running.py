"""The running service: home, health, version, problems, envelope, new releases; and the fixture for the others."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from cbdgraph.errors import EngineUnavailable
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.server import create_app, run
from cbdgraph.server.listen import make_config
from cbdgraph.server.problems import PROBLEMS
from cbdgraph.settings import Settings
from cbdgraph.store.releases import Release, build_lock, publish

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
MARKUP = '<script>alert("1")</script> & \u202eright to left'


def facts() -> dict[str, list[str]]:
    """A small graph: two targets, an issue whose label is markup, a decision, and numbers to multiply."""
    target, issue = f"{BASE}target/aichi/", f"{BASE}issue/forest-biodiversity"
    kinds = f"{BASE}ontology#"
    return {
        f"{GRAPHS}targets": [
            *(f"<{target}{n}> <{TYPE}> <{kinds}AichiTarget> ." for n in (5, 15)),
            f'<{target}15> <{LABEL}> "Target fifteen"@en .',
            f'<{target}15> <{kinds}number> "15"^^<http://www.w3.org/2001/XMLSchema#integer> .',
            f'<{target}15> <{LABEL}> "\u76ee\u680715"@zh .',
            f"<{target}15> <{kinds}about> <{issue}> .",
        ],
        f"{GRAPHS}issues": [
            f"<{issue}> <{TYPE}> <{kinds}Issue> .",
            f'<{issue}> <{LABEL}> "{MARKUP}"@en .'.replace('"1"', '\\"1\\"'),
            f"<{issue}> <{kinds}page> <javascript:alert(1)> .",
            f"<{BASE}decision/cop/11/16> <{TYPE}> <{kinds}Decision> .",
        ],
        f"{GRAPHS}numbers": [f'<{BASE}number/{n}> <{kinds}is> "{n}" .' for n in range(300)],
    }


QUERIES = {
    "labels": "#+ summary: Labels of a target\n#+ parameter target: target, required, aichi/15; which target\n"
    "#+ parameter lang: language, optional, en; only this language\n"
    f"SELECT ?label ?number\nWHERE {{\n  VALUES ?target {{ UNDEF }}\n  VALUES ?lang {{ UNDEF }}\n"
    f"  ?target <{LABEL}> ?label ; <{BASE}ontology#number> ?number .\n"
    "  FILTER(!BOUND(?lang) || LANG(?label) = ?lang)\n}\nORDER BY ?label",
    "echo": "#+ summary: Says what it was told\n#+ parameter text: text, optional, hello; any text\n"
    "SELECT ?said\nWHERE {\n  VALUES ?text { UNDEF }\n  BIND(?text AS ?said)\n}",
    "numbers": f"#+ summary: Many rows\nSELECT ?n\nWHERE {{ ?x <{BASE}ontology#is> ?n }}\nORDER BY ?n",
}


def make_root(root: Path, queries: dict[str, str] | None = None) -> Path:
    folder = root / "queries" / "named"
    folder.mkdir(parents=True)
    for name, text in (QUERIES if queries is None else queries).items():
        (folder / f"{name}.rq").write_text(text, encoding="utf-8")
    return root


def make_release(root: Path, graphs: dict[str, list[str]]) -> Release:
    with build_lock(root / "build"):
        return publish(root / "build", graphs, input_hash="")


@contextmanager
def running(**settings: Any) -> Iterator[httpx.Client]:
    """A client of a service on a free port of the loopback, in a thread of its own."""
    table = Settings(port=0, **settings)
    app = create_app(table)
    server = uvicorn.Server(make_config(app, table, app.state.find))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started, "the service did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            client.app = app  # type: ignore[attr-defined]
            yield client
    finally:
        server.should_exit = True
        thread.join(20)


def problem(response: httpx.Response, kind: str) -> dict[str, Any]:
    """The problem document of a response, which must be of that kind and well made."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    document: dict[str, Any] = response.json()
    assert document["type"] == f"{BASE}problem/{kind}", document
    assert document["status"] == response.status_code == PROBLEMS[kind].status
    assert {"title", "detail", "remedy"} <= document.keys()
    assert "Traceback" not in response.text
    assert not re.search(r"/(work|tmp|home|root|usr)/", response.text)
    return document


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root) as client:
        yield client


def test_home(service: httpx.Client) -> None:
    document = service.get("/").json()
    assert document["counts"]["total"] == sum(map(len, facts().values()))
    page = service.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in re.findall(r'(?:href|src)="(/[^"]*)"', page.text):
        assert service.get(path, headers={"Accept": "text/html,*/*;q=0.5"}).status_code in {200, 303}, path
    assert not re.findall(r'(?:href|src)="(?:https?:)?//', page.text), "a page stands without the rest of the web"


def test_health_and_version(service: httpx.Client) -> None:
    assert service.get("/health").json() == {"status": "ok"}
    version = service.get("/version").json()
    assert version["release"] == service.get("/").headers["cbdgraph-release"]
    assert version["data_hash"] == service.get("/sparql").headers["cbdgraph-data"]
    assert set(version["graphs"]) == set(facts())
    assert version["limits"]["rows"] == 100_000
    assert version["isolation"]["network"]


def test_every_problem_has_a_page(service: httpx.Client) -> None:
    for kind, row in PROBLEMS.items():
        assert service.get(f"/problem/{kind}").json()["status"] == row.status
        assert row.remedy in service.get(f"/problem/{kind}?format=html").text.replace("&#39;", "'")
    problem(service.get("/problem/none"), "not-found")


@pytest.mark.parametrize(
    "path", ["/", "/health", "/sparql", "/sparql/", "/query/", "/query", "/target/aichi/15/", "/nope"]
)
def test_head_options_and_methods(service: httpx.Client, path: str) -> None:
    got, head = service.get(path), service.head(path)
    assert head.content == b""
    assert head.status_code == got.status_code
    for name in ("content-type", "content-length", "etag", "cbdgraph-release"):
        assert head.headers.get(name) == got.headers.get(name)
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["x-content-type-options"] == "nosniff"
    options = service.options(path, headers={"Origin": "http://e", "Access-Control-Request-Method": "GET"})
    assert options.status_code == 204
    assert "GET" in options.headers["access-control-allow-methods"]
    assert ("POST" in options.headers["allow"]) == path.startswith("/sparql")
    refused = service.put(path, content=b"x")
    assert problem(refused, "method")
    assert "GET" in refused.headers["allow"]


def test_long_addresses(service: httpx.Client) -> None:
    problem(service.get("/sparql", params={"query": "x" * 20_000}), "uri-too-long")


def test_etags(service: httpx.Client) -> None:
    for path in ("/", "/query/labels?target=aichi/15", "/target/aichi/15", "/sparql?query=ASK{}", "/sparql"):
        first = service.get(path)
        tag = first.headers["etag"]
        assert first.headers["vary"] == "Accept"
        again = service.get(path, headers={"If-None-Match": f'"x", {tag}'})
        assert (again.status_code, again.content) == (304, b"")
        other = service.get(path, headers={"Accept": "text/html"})
        assert other.headers["etag"] != tag
    assert "etag" not in service.get("/sparql?query=SELECT (NOW() AS ?x) {}").headers


def test_openapi(service: httpx.Client) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    assert {"/", "/health", "/version", "/sparql", "/query", "/query/{name}", "/resolve", "/{path}"} <= paths.keys()
    assert "application/sparql-query" in paths["/sparql"]["post"]["requestBody"]["content"]


def test_a_new_release_takes_over_without_a_dropped_request(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    old = make_release(root, facts())
    with running(root=root, workers=1) as client:
        assert client.get("/version").json()["release"] == old.manifest.release
        new = make_release(root, {**facts(), f"{GRAPHS}more": [f'<{BASE}term/x> <{LABEL}> "x" .']})
        seen = set()
        deadline = time.monotonic() + 15
        while new.manifest.release not in seen and time.monotonic() < deadline:
            response = client.get(
                "/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "format": "csv"}
            )
            assert response.status_code == 200
            release = response.headers["cbdgraph-release"]
            expected = {old.manifest.release: old, new.manifest.release: new}[release].manifest.counts.total
            assert response.text == f"n\r\n{expected}\r\n"
            seen.add(release)
        assert new.manifest.release in seen
        assert client.get("/term/x").status_code == 200


def test_a_faulty_query_file_keeps_the_old_release_and_a_good_one_is_taken_later(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    old = make_release(root, facts())
    faulty = root / "queries" / "named" / "faulty.rq"
    with running(root=root, workers=1) as client:
        faulty.write_text("SELECT", encoding="utf-8")
        make_release(root, {**facts(), f"{GRAPHS}more": [f'<{BASE}term/x> <{LABEL}> "x" .']})
        time.sleep(2.5)  # the link is looked at once a second
        assert client.get("/version").json()["release"] == old.manifest.release
        faulty.unlink()
        new = make_release(root, {**facts(), f"{GRAPHS}more": [f'<{BASE}term/y> <{LABEL}> "y" .']})
        deadline = time.monotonic() + 15
        while client.get("/version").json()["release"] != new.manifest.release:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_files_of_a_user(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    (tmp_path / "b.trig").write_text("<http://e/g> { <http://e/a> <http://e/p> 2 }", encoding="utf-8")
    root = make_root(tmp_path / "root", {})
    with running(root=root, data=(tmp_path / "a.ttl", tmp_path / "b.trig"), workers=1) as client:
        for query, rows in (("SELECT ?o { ?s ?p ?o }", "1"), ("SELECT ?o { GRAPH ?g { ?s ?p ?o } }", "2")):
            assert client.get("/sparql", params={"query": query, "format": "csv"}).text == f"o\r\n{rows}\r\n"
        assert client.get("/version").json()["graphs"] == {"http://e/g": 1}
        assert client.get("/query/").json()["queries"] == []


def test_nothing_built(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cbdgraph build"):
        run(Settings(root=tmp_path))


def test_the_threat_model_names_tests_that_exist() -> None:
    tests = Path(__file__).parent
    text = (tests.parent / "docs" / "security.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in tests.glob("test_*.py"))
    for name in re.findall(r"\btest_\w+\.py\b", text):
        assert (tests / name).exists(), name
    for name in re.findall(r"\btest_\w+\b(?!\.py)", text):
        assert f"def {name}(" in source, name
