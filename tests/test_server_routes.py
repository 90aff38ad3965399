"""Every route, good and bad: HEAD as GET, trailing slashes, OPTIONS and CORS, errors for browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from cbdgraph.server.problems import PROBLEMS
from tests.test_server_running import facts, make_release, make_root, problem, running

HTML = {"Accept": "text/html,*/*;q=0.8"}
# An address for each route, and what goes wrong on it.
ADDRESSES = {
    "/": ["/", "/?format=html", "/?format=pdf"],
    "/health": ["/health"],
    "/version": ["/version"],
    "/openapi.json": ["/openapi.json"],
    "/static/style.css": ["/static/style.css"],
    "/problem/{kind}": [*(f"/problem/{kind}" for kind in PROBLEMS), "/problem/none"],
    "/sparql": [
        "/sparql",
        "/sparql?query=ASK {}",
        "/sparql?query=SELECT * { ?s ?p ?o } LIMIT 5",
        "/sparql?query=SELECT (NOW() AS ?x) {}&format=csv",
        "/sparql?query=CONSTRUCT WHERE { ?s ?p ?o }&format=nt",
        "/sparql?query=ASK {",
        "/sparql?query=ASK { SERVICE <http://e/> {} }",
        "/sparql?query=ASK {}&query=ASK {}",
        "/sparql?query=SELECT * { ?a ?b ?c . ?d ?e ?f }",
    ],
    "/graph-store": ["/graph-store", "/graph-store?default", "/graph-store?graph=targets", "/graph-store?graph=none"],
    "/dataset": ["/dataset", "/dataset?format=jsonld"],
    "/dataset.{suffix}": ["/dataset.nt", "/dataset.pdf"],
    "/.well-known/void": ["/.well-known/void"],
    "/query": ["/query", "/query/"],
    "/query/{name}": [
        "/query/labels?target=aichi/15",
        "/query/labels?target=aichi/15&format=csv",
        "/query/labels?target=aichi/99",
        "/query/labels",
        "/query/none",
    ],
    "/resolve": [
        "/resolve?citation=XI/16",
        "/resolve?citation=XI/16 para 5",
        "/resolve?citation=nonsense",
        "/resolve",
    ],
    "/{path:path}": [
        "/target/aichi/15",
        "/target/aichi/15.ttl",
        "/graph/targets",
        "/target/aichi/99",
        "/nothing",
        "/%00",
        "/nothing?" + "x" * 17_000,
    ],
}
PATHS = [address for addresses in ADDRESSES.values() for address in addresses]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root, workers=1, max_rows=50_000) as client:
        yield client


def test_every_route_is_walked(service: httpx.Client) -> None:
    routes = {route.path for route in service.app.routes}  # type: ignore[attr-defined]
    # What other modules add has to be walked there.
    assert ADDRESSES.keys() <= routes
    described = service.get("/openapi.json").json()["paths"]
    hidden = {"/openapi.json", "/static/style.css", "/problem/{kind}", "/dataset.{suffix}", "/{path:path}"}
    assert ADDRESSES.keys() - hidden <= described.keys()


@pytest.mark.parametrize("accept", ["", "text/html,*/*;q=0.8"])
@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(service: httpx.Client, path: str, accept: str) -> None:
    got, head = (ask(path, headers={"Accept": accept}) for ask in (service.get, service.head))
    assert head.status_code == got.status_code
    assert head.content == b""
    skipped = {"date", "content-length"} if "NOW()" in path else {"date"}
    assert {name: value for name, value in head.headers.items() if name not in skipped} == {
        name: value for name, value in got.headers.items() if name not in skipped
    }
    assert got.headers["content-length"] == str(len(got.content))
    assert got.status_code == 303 or "Accept" in got.headers["vary"]


@pytest.mark.parametrize("path", PATHS)
def test_a_trailing_slash_changes_nothing(service: httpx.Client, path: str) -> None:
    before, mark, query = path.partition("?")
    got, slashed = service.get(path), service.get(before.rstrip("/") + "/" + mark + query)
    assert slashed.status_code == got.status_code
    assert slashed.headers["content-type"] == got.headers["content-type"] if "content-type" in got.headers else True
    if "NOW()" not in path:
        assert slashed.content == got.content
        assert slashed.headers.get("etag") == got.headers.get("etag")


@pytest.mark.parametrize("path", PATHS)
def test_a_script_of_any_page_may_ask(service: httpx.Client, path: str) -> None:
    preflight = service.options(
        path,
        headers={
            "Origin": "https://notebook.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "accept, x-requested-with, authorization",
        },
    )
    if len(path) > 16_000:
        problem(preflight, "uri-too-long")
        return
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert {"GET", "HEAD", "OPTIONS"} <= set(preflight.headers["allow"].split(", "))
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-methods"] == preflight.headers["allow"]
    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert {"*", "authorization", "content-type"} <= allowed
    got = service.get(path, headers={"Origin": "https://notebook.example"})
    assert got.headers["access-control-allow-origin"] == "*"
    exposed = got.headers["access-control-expose-headers"]
    for name in ("Cbdgraph-Release", "Cbdgraph-Complete", "Link", "ETag"):
        assert name in exposed
    assert got.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
def test_every_error_is_a_problem_and_for_browsers_a_page(service: httpx.Client, path: str) -> None:
    got = service.get(path)
    if got.status_code < 400:
        return
    kind = got.json()["type"].rpartition("/")[2]
    assert problem(got, kind)["remedy"]
    if "format=" in path or re.search(r"\.\w+$", path) or path == "/query/labels":
        return  # what was asked for by name; and a form, which is no error
    page = service.get(path, headers=HTML)
    assert page.status_code == got.status_code
    assert page.headers["content-type"] == "text/html; charset=utf-8", path


@pytest.mark.parametrize("path", ["/", "/sparql", "/target/aichi/15", "/graph-store?default", "/dataset", "/nothing"])
def test_a_browser_that_writes_gets_a_page(service: httpx.Client, path: str) -> None:
    response = service.put(path, headers=HTML)
    assert response.status_code == 405
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "GET" in response.headers["allow"]
    problem(service.put(path), "method")
