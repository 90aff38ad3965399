"""The header Link: what it holds, that a client of FAIR Signposting reads it, that it stays small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cbdgraph.changelog import mint_version
from cbdgraph.namespaces import BASE
from cbdgraph.server.links import ABOUT_PAGE, LONGEST, WRITTEN, find_alternates, write_links
from tests.cutting import DECISION, ROOT, make_log, publish_log
from tests.test_server_running import facts, make_release, make_root, running

signposting = pytest.importorskip("signposting")
LICENCE = "https://creativecommons.org/licenses/by/4.0/"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("three")
    publish_log(folder, make_log(), older=1)
    with running(root=ROOT, build=folder, workers=1) as client:
        yield client


def read(client: httpx.Client, path: str) -> dict[str, list[tuple[str, str | None]]]:
    """What a client of FAIR Signposting finds with HEAD: targets and types by relation."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    origin = str(client.base_url).rstrip("/")
    for each in signposting.find_signposting_http(origin + path).signposts:
        found.setdefault(str(each.rel), []).append((str(each.target).removeprefix(origin), each.type))
    return found


@pytest.mark.parametrize("path", ["/decision/cop/11/16", "/decision/cop/11/16.html", "/decision/cop/11/16.ttl"])
def test_a_client_of_signposting_finds_what_it_looks_for(service: httpx.Client, path: str) -> None:
    found = read(service, path)
    assert found["cite-as"] == [(DECISION, None)]
    assert found["license"] == [(LICENCE, None)]
    assert found["collection"] == [(f"{BASE}dataset", None)]
    described = {("/decision/cop/11/16.ttl", "text/turtle"), ("/decision/cop/11/16.jsonld", "application/ld+json")}
    assert set(found["describedby"]) == described
    kinds = {f"{BASE}ontology#Decision", f"{BASE}ontology#Text"}
    assert {target for target, _ in found["type"]} == kinds | ({ABOUT_PAGE} if path.endswith(".html") else set())
    for where, media_type in found["describedby"]:
        assert service.get(where).headers["content-type"].partition(";")[0] == media_type


def test_what_is_described_leads_back_to_the_thing(service: httpx.Client) -> None:
    links = service.get("/decision/cop/11/16.ttl").links
    assert links["describes"]["url"] == DECISION
    assert "describes" not in service.get("/decision/cop/11/16.html").links


@pytest.mark.parametrize(
    "path", ["/decision/cop/11/16", "/describe?iri=http%3A%2F%2Fmetadata.cbd.int%2Fkmgbf%2Ftarget_2"]
)
def test_every_other_format_is_an_alternate(service: httpx.Client, path: str) -> None:
    joint = "&" if "?" in path else "?"
    for media_type, (_, name) in WRITTEN.items():
        header = service.get(f"{path}{joint}format={name}").headers["link"]
        others = dict(_alternates(header))
        assert set(others) == set(WRITTEN) - {media_type}
        for kind, where in others.items():
            assert service.get(where).headers["content-type"].partition(";")[0] == kind


def _alternates(header: str) -> Iterator[tuple[str, str]]:
    for link in header.split(", "):
        if 'rel="alternate"' in link:
            where, _, kind = link.partition('>; rel="alternate"; type="')
            yield kind.rstrip('"'), where.lstrip("<")


def test_an_older_release_leads_to_itself_and_to_what_is_now(service: httpx.Client) -> None:
    found = read(service, "/release/0.2.0/decision/cop/11/16")
    assert found["cite-as"] == [(mint_version("0.2.0", DECISION), None)]
    response = service.get("/release/0.2.0/decision/cop/11/16")
    assert response.links["canonical"]["url"] == response.links["latest-version"]["url"] == DECISION
    for _, where in _alternates(response.headers["link"]):
        assert where.startswith("/release/0.2.0/")
        assert service.get(where).headers["cbdgraph-release"] == "0.2.0"


def test_kept_answers_have_the_same_links(service: httpx.Client) -> None:
    first, again = (service.get("/body/cop") for _ in range(2))
    assert first.headers["link"] == again.headers["link"]
    assert "Link" in first.headers["access-control-expose-headers"]


def test_no_licence_is_claimed_for_data_of_others(tmp_path: Path) -> None:
    file = tmp_path / "own.nt"
    file.write_text(f'<{BASE}target/aichi/15> <http://example.org/p> "x" .\n', encoding="utf-8")
    with running(root=make_root(tmp_path / "root"), data=(file,), workers=1) as client:
        for accept in ("text/turtle", "text/html"):
            response = client.get("/target/aichi/15", headers={"Accept": accept})
            assert response.status_code == 200
            assert "license" not in response.links
            assert LICENCE not in response.text


def test_a_header_is_never_too_large(tmp_path: Path) -> None:
    """However long an IRI is and however many classes it has; what is left out is at the end."""
    path = "term/" + "x" * 900
    kinds = [
        f"<{BASE}{path}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{BASE}ontology#{'C' * 300}{n}> ."
        for n in range(20)
    ]
    root = make_root(tmp_path)
    make_release(root, {**facts(), f"{BASE}graph/long": kinds})
    with running(root=root, workers=1) as client:
        header = client.get(f"/{path}").headers["link"]
        assert len(header) <= LONGEST
        assert header.startswith(f'<{BASE}{path}>; rel="canonical", <{BASE}{path}>; rel="cite-as", ')
        assert 'rel="license"' in header


def test_addresses_and_their_signs() -> None:
    assert find_alternates(f"{BASE}ontology#Paragraph")["text/turtle"] == "/ontology%23Paragraph.ttl"
    assert find_alternates(f"{BASE}term/caf\u00e9")["text/html"] == "/term/caf%C3%A9.html"
    assert write_links([("http://e/\u00fc", "canonical", "")]) == '<http://e/%C3%BC>; rel="canonical"'
    assert write_links([]) == ""
