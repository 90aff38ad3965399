"""The Graph Store Protocol's reading half over real HTTP: indirect and direct, formats, what is refused, limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.server.graphs import _quad, _wrap
from tests.test_server_running import facts, make_release, make_root, problem, running
from tests.test_server_running import service as service

TARGETS = f"{GRAPHS}targets"
HTML = {"Accept": "text/html,*/*;q=0.8"}


def statements(response: httpx.Response) -> set[str]:
    """What a response holds, blank nodes left out."""
    assert response.status_code == 200, response.text
    media_type = response.headers["content-type"].partition(";")[0]
    return {
        str(quad) for quad in pyoxigraph.parse(response.content, pyoxigraph.RdfFormat.from_media_type(media_type))
    }


@pytest.mark.parametrize("name", [TARGETS, "graph/targets", "/graph/targets", "targets"])
@pytest.mark.parametrize(
    "accept", ["", "text/turtle", "application/n-triples", "application/rdf+xml", "application/*"]
)
def test_a_named_graph(service: httpx.Client, name: str, accept: str) -> None:
    response = service.get("/graph-store", params={"graph": name}, headers={"Accept": accept})
    assert len(statements(response)) == len(facts()[TARGETS])
    assert response.headers["cbdgraph-complete"] == "true"
    assert response.headers["cbdgraph-release"]
    assert response.headers["link"] == f'<{TARGETS}>; rel="canonical"'
    assert response.headers["vary"] == "Accept"


def test_the_default_graph(service: httpx.Client) -> None:
    everything = {triple for lines in facts().values() for triple in lines}
    for path in ("/graph-store?default", "/graph-store?default=", "/graph-store/?default&format=nt"):
        response = service.get(path)
        assert len(statements(response)) == len(everything)
        assert "link" not in response.headers


@pytest.mark.parametrize("path", ["/graph-store?graph=targets&format=", "/graph/targets?format=", "/graph/targets."])
def test_formats_and_both_ways_agree(service: httpx.Client, path: str) -> None:
    triples = statements(service.get("/graph/targets.nt"))
    for name in ("ttl", "nt", "rdf", "jsonld"):
        assert statements(service.get(f"{path}{name}")) == triples, name
    if "=" in path:
        for name in ("nq", "trig"):
            quads = statements(service.get(f"{path}{name}"))
            assert {quad.replace(f" <{TARGETS}>", "") for quad in quads} == triples
            assert all(f" <{TARGETS}>" in quad for quad in quads), "the triples stand in the graph"
        assert service.get(f"{path}json").json()


def test_a_browser_gets_the_page_at_the_graph_and_rdf_at_the_store(service: httpx.Client) -> None:
    page = service.get("/graph/targets", headers=HTML)
    assert page.headers["content-type"].startswith("text/html")
    assert f"This is a named graph of {len(facts()[TARGETS])} triples" in page.text
    assert 'href="/graph/targets?format=ttl"' in page.text
    assert "DESCRIBE" in page.text
    assert service.get("/graph-store?graph=targets", headers=HTML).headers["content-type"].startswith("text/turtle")


@pytest.mark.parametrize("path", ["/graph-store?graph=targets", "/graph-store?default", "/graph/targets"])
def test_validators_and_head(service: httpx.Client, path: str) -> None:
    got, head = service.get(path), service.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))
    again = service.get(path, headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = service.get(path, headers={"Accept": "application/n-triples"})
    assert other.headers["etag"] != got.headers["etag"]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", "bad-request"),
        ("?graph=targets&default", "bad-request"),
        ("?graph=targets&graph=issues", "bad-request"),
        ("?default&default", "bad-request"),
        ("?default=yes", "bad-request"),
        ("?graph=not an IRI", "bad-request"),
        ("?graph=x:%3E%20%7D", "bad-request"),
        ("?graph=", "not-found"),
        ("?graph=target", "not-found"),
        ("?graph=http://elsewhere.example/", "not-found"),
        ("?graph=file:///etc/passwd", "not-found"),
        ("?graph=" + "x" * 5000, "not-found"),
        ("?graph=targets&format=csv", "not-acceptable"),
        ("?graph=targets&format=xlsx", "not-acceptable"),
    ],
)
def test_what_is_refused(service: httpx.Client, query: str, kind: str) -> None:
    document = problem(service.get(f"/graph-store{query}"), kind)
    if query == "?graph=target":
        assert document["suggestions"][0] == TARGETS
        assert service.get("/graph-store", params={"graph": TARGETS}).status_code == 200
    assert len(document["detail"]) < 700
    problem(service.get("/graph-store?default", headers={"Accept": "image/png"}), "not-acceptable")


@pytest.mark.parametrize(
    "path", ["/graph-store?graph=targets", "/graph-store?default", "/graph/targets", "/graph/new"]
)
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_is_written(service: httpx.Client, method: str, path: str) -> None:
    response = service.request(method, path, content="<x:a> <x:b> 1 .", headers={"Content-Type": "text/turtle"})
    assert "read-only" in problem(response, "method")["detail"]
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


def test_suggestions_are_links_for_browsers(service: httpx.Client) -> None:
    page = service.get("/graph-store?graph=target", headers=HTML)
    assert page.status_code == 404
    assert 'href="/graph-store?graph=https%3A%2F%2Fw3id.org%2Fcbdgraph%2Fgraph%2Ftargets"' in page.text


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service that answers with at most 100 rows."""
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root, workers=1, max_rows=100) as client:
        yield client


@pytest.mark.parametrize("path", ["/graph-store?graph=numbers", "/graph-store?default", "/graph/numbers"])
def test_a_graph_over_the_limit_is_an_error_with_a_way_on(small: httpx.Client, path: str) -> None:
    document = problem(small.get(path), "too-large")
    assert (document["limit"], document["value"], document["complete"]) == ("rows", 100, False)
    assert "nothing is ever cut" in document["detail"]
    found: set[str] = set()
    address = document["next"]
    for page in range(100):
        got = statements(small.get(address.replace("OFFSET+0", f"OFFSET+{100 * page}")))
        found |= got
        if len(got) < 100:
            break
    graphs = facts() if "default" in path else {"": facts()[f"{GRAPHS}numbers"]}
    assert len(found) == len({line for lines in graphs.values() for line in lines})
    assert small.get("/graph/numbers", headers=HTML).status_code == 200


def test_files_of_a_user(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    (tmp_path / "b.trig").write_text(
        f"<http://e/\u00fc> {{ <http://e/a> <http://e/p> 2 }} <{BASE}graph/own> {{ <http://e/a> <http://e/p> 3, 4 }}",
        encoding="utf-8",
    )
    root = make_root(tmp_path / "root", {})
    with running(root=root, data=(tmp_path / "a.ttl", tmp_path / "b.trig"), workers=1) as client:
        for query, count in (("default", 1), ("graph=http://e/\u00fc", 1), ("graph=graph/own", 2)):
            assert len(statements(client.get(f"/graph-store?{query}"))) == count
        assert "%C3%BC" in client.get("/graph-store?graph=http://e/\u00fc").headers["link"]
        assert client.get("/graph/own", headers=HTML).status_code == 200, "nothing is said about it, and it is there"
        assert len(statements(client.get("/graph/own"))) == 2


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(0, 3))
def test_any_text_stays_what_it_is_in_quads(text: str, blank: int) -> None:
    literal = pyoxigraph.Literal(text)
    subject = pyoxigraph.BlankNode("b1") if blank == 1 else pyoxigraph.NamedNode("x:a")
    near = pyoxigraph.BlankNode("b2") if blank == 2 else literal
    triples = [pyoxigraph.Triple(subject, pyoxigraph.NamedNode("x:p"), near)]
    lines = (pyoxigraph.serialize(triples, format=pyoxigraph.RdfFormat.N_TRIPLES) or b"").splitlines(keepends=True)
    turtle = pyoxigraph.serialize(triples, format=pyoxigraph.RdfFormat.TURTLE) or b""
    for content, rdf_format in (
        (b"".join(_quad(line, "x:g") for line in lines), pyoxigraph.RdfFormat.N_QUADS),
        (_wrap(turtle, "x:g"), pyoxigraph.RdfFormat.TRIG),
    ):
        found = list(pyoxigraph.parse(content, rdf_format))
        assert [str(quad.graph_name) for quad in found] == ["<x:g>"]
        assert [quad.object == near or blank == 2 for quad in found] == [True]
