"""Older releases: the whole service as it was, by ?release= and by /release/<number>/…."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cutting import DECISION, ISSUE, NEW_TERM, OLD_TERM, ROOT, make_log, publish_log
from tests.test_server_running import running

TITLE = "SELECT ?title { <%s> <https://w3id.org/cbdgraph/ontology#title> ?title }" % DECISION  # noqa: UP031


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    publish_log(folder, make_log(), older=1)
    return folder


@pytest.fixture(scope="module")
def client(build: Path) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=build) as client:
        yield client


def _title(client: httpx.Client, path: str, **values: str) -> str:
    answer = client.get(path, params={"query": TITLE, "format": "csv", **values})
    assert answer.status_code == 200
    return answer.text.splitlines()[1]


def test_both_ways_lead_to_the_release(client: httpx.Client) -> None:
    assert _title(client, "/sparql") == "Ecosystem restoration"
    assert _title(client, "/sparql", release="0.2.0") == "Restoring \\ ecosystems"
    assert _title(client, "/release/0.2.0/sparql") == "Restoring \\ ecosystems"
    assert _title(client, "/release/0.3.0/sparql") == "Ecosystem restoration"
    assert _title(client, "/sparql", release="current") == "Ecosystem restoration"


def test_the_answer_names_its_release_and_may_be_kept(client: httpx.Client) -> None:
    path = "/release/0.2.0/issue/made-for-a-test"
    first = client.get(path, headers={"Accept": "text/turtle"})
    assert (first.status_code, first.headers["cbdgraph-release"]) == (200, "0.2.0")
    again = client.get(path, headers={"Accept": "text/turtle", "If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    now = client.get("/issue/made-for-a-test", headers={"Accept": "text/turtle"})
    assert now.status_code == 410
    assert now.headers["cbdgraph-release"] == "0.3.0"


def test_the_version_of_every_changed_resource_leads_to_what_it_was(client: httpx.Client) -> None:
    for resource in (DECISION, ISSUE, OLD_TERM):
        path = "/release/0.2.0/" + resource.removeprefix("https://w3id.org/cbdgraph/")
        answer = client.get(path, headers={"Accept": "application/n-triples"})
        assert answer.status_code == 200
        assert f"<{resource}> " in answer.text
    assert client.get("/release/0.2.0/" + NEW_TERM.removeprefix("https://w3id.org/cbdgraph/")).status_code == 404


def test_a_named_query_of_a_release_does_not_take_it_for_a_parameter(client: httpx.Client) -> None:
    answer = client.get("/query/definitions-of-term", params={"term": OLD_TERM, "release": "0.2.0", "format": "json"})
    assert answer.status_code == 200
    assert answer.json()["release"] == "0.2.0"


@pytest.mark.parametrize(
    ("number", "status"), [("0.1.0", 410), ("0.9.0", 404), ("x", 404), ("%0d%0a", 404), ("..", 404)]
)
def test_a_release_that_cannot_be_asked_says_which_can(client: httpx.Client, number: str, status: int) -> None:
    answer = client.get(f"/?release={number}", headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert answer.json()["suggestions"] == ["/release/0.3.0/", "/release/0.2.0/"]


def test_a_page_of_an_older_release_says_so(client: httpx.Client) -> None:
    path = DECISION.removeprefix("https://w3id.org/cbdgraph")
    for address, is_older in ((f"/release/0.2.0{path}", True), (path, False), (f"{path}?release=0.2.0", True)):
        page = client.get(address, headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert ("This is what release 0.2.0 said." in page.text) == is_older, address


def test_the_release_itself_is_a_resource(client: httpx.Client) -> None:
    for path in ("/release/0.1.0", "/release/0.1.0/", "/release/0.1.0.ttl"):
        answer = client.get(path, headers={"Accept": "text/turtle"}, follow_redirects=True)
        assert (answer.status_code, answer.headers["cbdgraph-release"]) == (200, "0.3.0"), path


@pytest.mark.parametrize("path", ["/release%2F0.2.0/version", "/release/0.2.0//version", "/release//version"])
def test_odd_paths_break_nothing(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers={"Accept": "application/json"}).status_code < 500
