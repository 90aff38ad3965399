"""Dereferencing and /resolve: formats, suffixes, suggestions, escaping, certain and uncertain citations."""

from __future__ import annotations

import json

import httpx
import pyoxigraph
import pytest

from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.server.known import _near as known_near
from tests.test_server_running import MARKUP, facts, problem
from tests.test_server_running import service as service

TARGET = "/target/aichi/15"


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        (TARGET, "", "text/turtle"),
        (TARGET, "*/*", "text/turtle"),
        (TARGET, "application/rdf+xml", "application/rdf+xml"),
        (TARGET, "application/ld+json, text/turtle;q=0.9", "application/ld+json"),
        (f"{TARGET}.nt", "text/html", "application/n-triples"),
        (f"{TARGET}.jsonld", "", "application/ld+json"),
        (f"{TARGET}.ttl", "", "text/turtle"),
        (f"{TARGET}.rdf", "", "application/rdf+xml"),
        (f"{TARGET}?format=nq", "", "application/n-quads"),
    ],
)
def test_formats(service: httpx.Client, path: str, accept: str, expected: str) -> None:
    response = service.get(path, headers={"Accept": accept})
    assert response.headers["content-type"].partition(";")[0] == expected
    assert response.headers["link"] == f'<{BASE}target/aichi/15>; rel="canonical"'
    statements = set(pyoxigraph.parse(response.content, pyoxigraph.RdfFormat.from_media_type(expected)))
    # Five of its own, and the label of the issue that it is about.
    assert len(statements) == 6
    assert any(MARKUP in str(getattr(s.object, "value", "")) for s in statements)


def test_json(service: httpx.Client) -> None:
    for path, accept in ((f"{TARGET}.json", ""), (TARGET, "application/json")):
        response = service.get(path, headers={"Accept": accept})
        assert response.headers["content-type"] == "application/json"
        assert json.loads(response.content)


def test_page_is_escaped(service: httpx.Client) -> None:
    page = service.get("/issue/forest-biodiversity", headers={"Accept": "text/html,*/*;q=0.1"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert 'href="javascript:' not in page.text
    assert ">Target fifteen</bdi></a>" in page.text, "what points here has its label"
    assert service.get(f"{TARGET}.html").status_code == 200


def test_a_named_graph_is_its_content(service: httpx.Client) -> None:
    response = service.get("/graph/numbers.nt")
    assert response.text.count("\n") == len(facts()[f"{GRAPHS}numbers"])


@pytest.mark.parametrize(
    "path", ["/target/aichi/155", "/target/aichy/15", "/nothing", "/a b<c>", "/%00", "/%22%7D", "/%7F"]
)
def test_unknown_paths_get_suggestions(service: httpx.Client, path: str) -> None:
    document = problem(service.get(path), "not-found")
    if path.startswith("/target"):
        assert TARGET in document["suggestions"]
        assert all(service.get(suggestion).status_code == 200 for suggestion in document["suggestions"])


def test_not_acceptable(service: httpx.Client) -> None:
    assert "text/turtle" in problem(service.get(TARGET, headers={"Accept": "image/png"}), "not-acceptable")["offered"]


def test_resolve(service: httpx.Client) -> None:
    for citation in ("XI/16", "UNEP/CBD/COP/DEC/XI/16"):
        response = service.get("/resolve", params={"citation": citation})
        assert (response.status_code, response.headers["location"]) == (303, "/decision/cop/11/16")
    document = service.get("/resolve", params={"citation": "XI/16 para 5"}).json()
    assert document["iri"] is None
    assert "/decision/cop/11/16" in [candidate["path"] for candidate in document["candidates"]]
    page = service.get("/resolve", params={"citation": "XI/16 para 5", "format": "html"})
    assert "/decision/cop/11/16" in page.text
    problem(service.get("/resolve", params={"citation": "nonsense <b>"}), "unresolved")
    problem(service.get("/resolve"), "bad-request")
    problem(service.get("/resolve", params={"citation": "x" * 2000}), "bad-request")
    problem(service.get("/resolve", params={"citation": "XI/16", "lang": "xx"}), "parameter")


def test_a_path_of_thousands_of_folders_is_answered_at_once() -> None:
    known = {f"{BASE}decision/cop/{n}/{m}" for n in range(1, 17) for m in range(1, 40)}
    assert len(known_near(f"{BASE}{'a/' * 7000}b", known)) <= 5
    assert known_near(f"{BASE}decision/cop/11/99", known)
