"""What points to a resource: counted on its page, listed a hundred at a time, in every format; hubs stay small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pyoxigraph
import pytest

from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.server.incoming import PAGE
from tests.test_server_pages import check
from tests.test_server_running import LABEL, TYPE, make_release, make_root, problem, running

HTML = {"Accept": "text/html"}
LEVEL = f"{BASE}ontology#level"
COUNT = 1234
HUB, LIST = "/level/para", "/level/para?incoming=cbd:level"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A level that 1,234 paragraphs have, each with a name in two languages."""
    root = make_root(tmp_path_factory.mktemp("root"))
    hub = f"<{BASE}level/para>"
    parts = [f"<{BASE}decision/cop/1/1/para/{n:04}>" for n in range(COUNT)]
    lines = [f'{hub} <{LABEL}> "paragraph"@en .', f"_:anon <http://example.org/blank> {hub} ."]
    lines.append(f"<{BASE}decision/cop/1/1> <http://example.org/holds> _:anon .")
    for n, part in enumerate(parts):
        lines += [f"{part} <{LEVEL}> {hub} .", f'{part} <{LABEL}> "<{n}>"@en .', f'{part} <{LABEL}> "فقرة {n}"@ar .']
    lines.append(f"<{BASE}decision/cop/1/1> <{TYPE}> <{BASE}ontology#Decision> .")
    make_release(root, {f"{GRAPHS}many": lines})
    with running(root=root, workers=1) as client:
        yield client


def follow(service: httpx.Client, path: str) -> Iterator[httpx.Response]:
    """A page and all that come after it."""
    response = service.get(path)
    yield response
    while "next" in response.links:
        response = service.get(response.links["next"]["url"])
        yield response


def test_pages_hold_everything_once(service: httpx.Client) -> None:
    paths = []
    for number, response in enumerate(follow(service, f"{LIST}&format=json"), 1):
        document = response.json()
        assert (document["count"], document["page"], document["pages"]) == (COUNT, number, 13)
        assert document["property"] == {"iri": LEVEL, "name": "cbd:level", "label": "level"}
        assert len(document["values"]) <= PAGE
        assert set(document["links"]) == set(response.links) - {"alternate"}
        paths += [each["path"] for each in document["values"]]
    assert paths == [f"/decision/cop/1/1/para/{n:04}" for n in range(COUNT)]


@pytest.mark.parametrize("name", ["ttl", "nt", "rdf", "jsonld", "nq", "trig"])
def test_as_rdf(service: httpx.Client, name: str) -> None:
    found: set[str] = set()
    for response in follow(service, f"{LIST}&format={name}"):
        media_type = response.headers["content-type"].partition(";")[0]
        statements = list(pyoxigraph.parse(response.content, pyoxigraph.RdfFormat.from_media_type(media_type)))
        pointing = {str(each.subject) for each in statements if each.predicate.value == LEVEL}
        assert len(statements) == 2 * len(pointing), "each with its English name"
        assert not found & pointing
        found |= pointing
    assert len(found) == COUNT


def test_links_of_a_page(service: httpx.Client) -> None:
    links = {name: link["url"] for name, link in service.get(f"{LIST}&page=2&format=ttl&lang=fr").links.items()}
    for name, number in (("first", 1), ("prev", 1), ("next", 3), ("last", 13)):
        assert links[name] == f"{LIST}&page={number}&format=ttl&lang=fr"
    assert "prev" not in service.get(LIST).links
    assert "next" not in service.get(f"{LIST}&page=13").links


def test_the_page_for_people(service: httpx.Client) -> None:
    page = service.get(f"{LIST}&page=2&lang=ar", headers=HTML)
    assert page.headers["vary"] == "Accept, Accept-Language"
    check(page.text)
    assert '<ol class="entries" start="101">' in page.text
    assert '<bdi lang="ar" dir="rtl">فقرة 100</bdi>' in page.text
    assert "page 2 of 13" in page.text
    assert "&lt;100&gt;" in service.get(f"{LIST}&page=2", headers=HTML).text
    following = unescape(re.findall(r'<a rel="next" href="([^"]*)">', page.text)[0])
    assert service.get(following, headers=HTML).text.count("<li>") == PAGE + 1, "and the way back"


def test_the_resource_counts_and_leads_to_the_list(service: httpx.Client) -> None:
    page = service.get(HUB, headers=HTML).text
    assert "and 1,224 more" in page
    assert f'href="{LIST}">all 1,234</a>' in page
    assert page.count("/decision/cop/1/1/para/") < 40
    document = service.get(f"{HUB}.json").json()
    counts = {each["property"]: each["count"] for each in document["incoming"]}
    assert counts == {"cbd:level": COUNT, "http://example.org/blank": 1}
    for each in document["incoming"]:
        assert service.get(each["href"]).json()["count"] == each["count"]


def test_a_hub_stays_small(service: httpx.Client) -> None:
    for name, limit in (("ttl", 1_000), ("html", 16_000), ("json", 4_000)):
        assert len(service.get(f"{HUB}?format={name}").content) < limit
    for name, limit in (("ttl", 32_000), ("html", 32_000), ("json", 32_000)):
        assert len(service.get(f"{LIST}&format={name}").content) < limit


def test_a_property_may_be_named_in_full_and_what_has_no_name_is_listed(service: httpx.Client) -> None:
    in_full = service.get(HUB, params={"incoming": LEVEL, "format": "json"}).json()
    assert in_full["values"] == service.get(f"{LIST}&format=json").json()["values"]
    (blank,) = service.get(f"{HUB}?incoming=http://example.org/blank&format=json").json()["values"]
    assert set(blank) == {"blank"}
    assert b"_:" in service.get(f"{HUB}?incoming=http://example.org/blank&format=nt").content
    check(service.get(f"{HUB}?incoming=http://example.org/blank", headers=HTML).text)


def test_nothing_may_point_here(service: httpx.Client) -> None:
    for name in ("json", "ttl", "html"):
        response = service.get(f"/decision/cop/1/1?incoming=cbd:cites&format={name}")
        assert response.status_code == 200
        assert "next" not in response.links
    assert service.get("/decision/cop/1/1?incoming=cbd:cites&format=json").json()["values"] == []


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("incoming=", "parameter"),
        ("incoming=level", "parameter"),
        ("incoming=cbd:level>%20<x", "parameter"),
        ("incoming=" + "x" * 3000, "parameter"),
        ("incoming=cbd:level&page=0", "parameter"),
        ("incoming=cbd:level&page=-1", "parameter"),
        ("incoming=cbd:level&page=two", "parameter"),
        ("incoming=cbd:level&page=9999999999", "parameter"),
        ("incoming=cbd:level&page=14", "not-found"),
        ("incoming=cbd:level&lang=xx", "parameter"),
        ("incoming=cbd:level&format=csv", "not-acceptable"),
    ],
)
def test_what_is_refused(service: httpx.Client, query: str, kind: str) -> None:
    document = problem(service.get(f"{HUB}?{query}"), kind)
    assert len(document["detail"]) < 500
    if kind == "not-found":
        assert service.get(document["suggestions"][0]).status_code == 200


def test_of_what_is_not_there_nothing_is_listed(service: httpx.Client) -> None:
    problem(service.get("/level/none?incoming=cbd:level"), "not-found")
    spelled = service.get("/LEVEL/para?incoming=cbd:level&page=2")
    assert (spelled.status_code, spelled.headers["location"]) == (301, f"{LIST}&page=2")


def test_validators(service: httpx.Client) -> None:
    tags = set()
    for path in (LIST, f"{LIST}&page=2", f"{HUB}?incoming=rdf:type", HUB):
        first = service.get(path)
        tags.add(first.headers["etag"])
        for method in ("GET", "HEAD"):
            again = service.request(method, path, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
    assert len(tags) == 4
