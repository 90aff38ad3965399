"""/feed/activity: what Activity Streams and Entity Metadata Management ask; a copy kept by it is the graph."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from cbdgraph.changelog import Log
from cbdgraph.history import History
from cbdgraph.namespaces import BASE, expand
from cbdgraph.server.feeds import pages as feed_pages
from cbdgraph.server.feeds.activity import ACTIVITY_JSON, MANAGEMENT, REPLACING, STREAMS
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.cutting import DECISION, ISSUE, NEW_TERM, OLD_TERM, REASON, make_log, publish_log
from tests.harvesting import (
    GONE,
    Followed,
    find_changes,
    find_link,
    get_json,
    keep_resources,
    parse,
    read_resources,
    refer,
)
from tests.test_server_oai import _await, _kill, _start_server, switch
from tests.test_server_running import problem, running

TYPES = {"Create", "Add", "Update", "Deprecate", "Delete", "Remove"}


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Release:
    return publish_log(tmp_path_factory.mktemp("build"), log, older=2)


@pytest.fixture(scope="module")
def service(published: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=published.path.parents[1], workers=1, cache_mb=0) as client:
        yield client


def entry_of(client: httpx.Client, path: str = "/feed/activity") -> str:
    return str(client.base_url.join(path))


def pages_of(client: httpx.Client, path: str = "/feed/activity") -> Iterator[dict[str, Any]]:
    """The pages from the first one on, by their links."""
    following = refer(get_json(client, entry_of(client, path))["first"])
    while following is not None:
        page = get_json(client, following)
        assert page["id"] == following
        yield page
        following = refer(page.get("next"))


def last_page(client: httpx.Client) -> dict[str, Any]:
    return get_json(client, str(refer(get_json(client, entry_of(client))["last"])))


# --- What the standards ask


def test_the_entry_point(service: httpx.Client, log: Log) -> None:
    document = get_json(service, entry_of(service))
    assert document["@context"] == [STREAMS, MANAGEMENT]
    assert document["type"] == "OrderedCollection"
    assert document["id"] == entry_of(service)
    assert document["totalItems"] == sum(len(release.entries) for release in log.releases)
    assert document["updated"] == log.releases[-1].issued
    assert "release" in document["summary"]
    for name in ("first", "last"):
        assert document[name]["type"] == "OrderedCollectionPage"
        assert get_json(service, document[name]["id"])["id"] == document[name]["id"]
    assert service.get(document["url"]).status_code == 200


def test_pages_are_linked_and_ordered(service: httpx.Client, log: Log) -> None:
    entry = get_json(service, entry_of(service))
    pages = list(pages_of(service))
    assert pages[-1]["id"] == refer(entry["last"])
    assert "prev" not in pages[0]
    assert "next" not in pages[-1]
    times = []
    for before, page in pairwise(pages):
        assert refer(page["prev"]) == before["id"]
    for page in pages:
        assert page["@context"][-2:] == [STREAMS, MANAGEMENT]
        assert page["type"] == "OrderedCollectionPage"
        assert page["partOf"] == {"type": "OrderedCollection", "id": entry["id"]}
        assert page["totalItems"] == len(page["orderedItems"]) > 0
        times += [activity["published"] for activity in page["orderedItems"]]
    assert times == sorted(times), "the oldest first, throughout"
    assert Counter(times) == {release.issued: len(release.entries) for release in log.releases}


def test_each_activity_says_what_happened_to_what(service: httpx.Client, log: Log) -> None:
    entries = iter([entry for release in log.releases for entry in release.entries])
    seen = set()
    for page in pages_of(service):
        for activity in page["orderedItems"]:
            entry, thing = next(entries), activity["object"]
            assert activity["type"] in TYPES
            assert activity["id"].startswith(f"{page['id']}#")
            seen.add(activity["id"])
            assert thing["id"] == entry.resource
            assert thing["type"] == "Object" or thing["type"].startswith("http")
            assert thing["updated"] == activity["published"]
            assert datetime.fromisoformat(activity["published"]).utcoffset() is not None
            assert activity["summary"]
            is_gone = activity["type"] in GONE
            assert is_gone == (entry.change == "withdrawn") == ("url" not in thing) == ("result" not in activity)
    assert next(entries, None) is None
    assert len(seen) == sum(len(release.entries) for release in log.releases)


def test_withdrawn_resources_are_deleted_or_deprecated(service: httpx.Client) -> None:
    page = last_page(service)
    assert page["@context"] == [REPLACING, STREAMS, MANAGEMENT], "extensions come first"
    assert REPLACING["isReplacedBy"]["@id"] == expand("dcterms:isReplacedBy")
    activities = {activity["object"]["id"]: activity for activity in page["orderedItems"]}
    assert activities[ISSUE]["type"] == "Delete"
    assert REASON in activities[ISSUE]["summary"]
    assert activities[ISSUE]["object"]["nameMap"]["en"] == "made for a test", "the names that it had"
    assert activities[OLD_TERM]["type"] == "Deprecate"
    assert activities[OLD_TERM]["object"]["isReplacedBy"] == [NEW_TERM]
    assert activities[NEW_TERM]["type"] == "Create"
    assert activities[DECISION]["type"] == "Update"
    assert activities[DECISION]["object"]["type"] == expand("cbd:Decision")
    assert activities[DECISION]["object"]["nameMap"]["fr"] == "Décision XI/16"
    assert activities[DECISION]["result"] == f"{BASE}release/0.3.0/decision/cop/11/16"


# --- HTTP


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", ACTIVITY_JSON),
        ("*/*", ACTIVITY_JSON),
        (ACTIVITY_JSON, ACTIVITY_JSON),
        (f'application/ld+json; profile="{STREAMS}"', f'application/ld+json; profile="{STREAMS}"'),
        ("application/json", "application/json"),
        ("text/html,*/*;q=0.1", "text/html; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("path", ["/feed/activity", "/feed/activity/12", "/feed/activity/"])
def test_formats(service: httpx.Client, path: str, accept: str, expected: str) -> None:
    response = service.get(path, headers={"Accept": accept})
    assert response.headers["content-type"] == expected
    assert "Accept" in response.headers["vary"]
    again = service.get(path, headers={"Accept": accept, "If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pages_are_kept_for_ever_but_the_last(tmp_path: Path, log: Log) -> None:
    forever, soon = "public, max-age=31536000, immutable", "public, max-age=60, must-revalidate"
    publish_log(tmp_path, log.until("0.1.0"), older=0)
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        first, last = client.get("/feed/activity/9"), client.get("/feed/activity/10")
        assert first.headers["cache-control"] == forever
        assert last.headers["cache-control"] == soon
        assert "next" not in last.json()
        switch(client, tmp_path, log)
        again = client.get("/feed/activity/9")
        assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
        followed = client.get("/feed/activity/10", headers={"If-None-Match": last.headers["etag"]})
        assert followed.status_code == 200
        assert followed.headers["cache-control"] == forever
        assert followed.json() == {
            **last.json(),
            "next": {"type": "OrderedCollectionPage", "id": entry_of(client, "/feed/activity/11")},
        }


def test_nobody_is_led_to_another_server(service: httpx.Client) -> None:
    text = service.get("/feed/activity/12", headers={"Host": "data.example:81"}).text
    assert '"id": "http://data.example:81/feed/activity/12"' in text
    assert str(service.base_url.host) not in text


def test_what_there_is_not(service: httpx.Client) -> None:
    for number in ("0", "13", "01", "-1", "1.5", "9" * 9000, "%3Cb%3E"):
        document = problem(service.get(f"/feed/activity/{number}"), "not-found")
        assert document["suggestions"] == ["/feed/activity"]
        assert len(document["detail"]) < 200
    problem(service.get("/feed/activity", headers={"Accept": "image/png"}), "not-acceptable")


def test_pages_for_people(service: httpx.Client) -> None:
    for path in ("/feed/activity", "/feed/activity/12"):
        page = service.get(path, headers={"Accept": "text/html"})
        assert "default-src 'none'" in page.headers["content-security-policy"]
        links = re.findall(r'href="([^"]*)"', page.text)
        assert all(link.startswith("/") or link == "#main" for link in links)
        for link in links:
            if link.startswith("/feed/"):
                assert service.get(link.replace("&amp;", "&")).status_code == 200, link


# --- A copy that is kept by it


@pytest.mark.parametrize("media_type", ["application/n-triples", "application/n-quads"])
def test_replay_is_the_graph(service: httpx.Client, published: Release, media_type: str) -> None:
    copy = Followed(media_type)
    history = History.open(published.path)
    assert copy.follow(service, entry_of(service)) == len(history.events)
    assert copy.fetched == len(list(history.living())), "each resource once"
    manifest = published.manifest
    assert copy.hash == (manifest.triples_hash if media_type == "application/n-triples" else manifest.data_hash)


def test_only_what_changed_since_is_fetched_and_makes_the_same(tmp_path: Path, log: Log) -> None:
    expected = publish_log(tmp_path, log.until("0.1.0"), older=0).manifest.triples_hash
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        copy = Followed()
        for release in log.releases:
            if release.number != "0.1.0":
                expected = switch(client, tmp_path, log.until(release.number))
            copy.fetched = 0
            assert copy.follow(client, entry_of(client)) == len(release.entries)
            assert copy.fetched == sum(entry.change != "withdrawn" for entry in release.entries)
            assert copy.hash == expected
        assert copy.follow(client, entry_of(client)) == 0


@pytest.mark.parametrize("size", [7, 100, pytest.param(1, marks=pytest.mark.slow)])
def test_any_size_of_pages(service: httpx.Client, log: Log, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Sizes of pages change where activities stand, and nothing of what they say."""
    whole, count, last = find_changes(service, entry_of(service), "")
    monkeypatch.setattr(feed_pages, "PAGE", size)
    cut, cut_count, cut_last = find_changes(service, entry_of(service), "")
    assert (count, last) == (cut_count, cut_last)
    for activity in (*whole.values(), *cut.values()):
        del activity["id"]
    assert whole == cut
    newer, count, _ = find_changes(service, entry_of(service), log.releases[0].issued)
    assert count == sum(len(release.entries) for release in log.releases[1:])
    assert newer.keys() == {entry.resource for release in log.releases[1:] for entry in release.entries}


def test_a_release_amid_a_walk_changes_nothing_of_it(tmp_path: Path, log: Log) -> None:
    expected = publish_log(tmp_path, log.until("0.2.0"), older=0).manifest.triples_hash
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        copy = Followed()
        newest, _, copy.last = find_changes(client, entry_of(client), "")
        new = switch(client, tmp_path, log)
        for resource, activity in newest.items():
            response = client.get(find_link(activity, copy.media_type))
            assert response.status_code == 200
            assert "immutable" in response.headers["cache-control"]
            copy.said[resource] = parse(response.content, copy.media_type)
        assert copy.hash == expected, "what the list told of is whole"
        copy.follow(client, entry_of(client))
        assert copy.hash == new


def test_an_entity_is_dereferenced_too(service: httpx.Client) -> None:
    """Who asks the entity itself gets what the activity's link leads to, and more."""
    for activity in last_page(service)["orderedItems"]:
        path = "/" + activity["object"]["id"].removeprefix(BASE)
        response = service.get(path, headers={"Accept": "application/n-triples"})
        if activity["type"] in GONE:
            assert response.status_code == 410
        else:
            said = service.get(find_link(activity, "application/n-triples"))
            whole = {q.triple for q in parse(response.content, "application/n-triples")}
            assert {q.triple for q in parse(said.content, "application/n-triples")} <= whole


@pytest.mark.slow
def test_client_and_server_may_be_killed_amid_a_walk(tmp_path: Path, log: Log) -> None:
    build, kept = tmp_path / "build", tmp_path / "kept"
    publish_log(build, log.until("0.2.0"), older=0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = f"http://127.0.0.1:{port}/feed/activity"
    server, client = _start_server(build, port), _start_client(where, kept)
    try:
        _await(lambda: len(list(kept.glob("*.nt"))) >= 300)
        client.kill()
        client.wait(10)
        amid = len(list(kept.glob("*.nt")))
        client = _start_client(where, kept)
        _await(lambda: len(list(kept.glob("*.nt"))) >= amid + 300)
        _kill(server)
        assert client.wait(30) != 0, "a client without a server ends with an error"
        assert not (kept / "activities.json").exists(), "it was killed before the end"
        expected = publish_log(build, log, older=0).manifest.triples_hash  # what is served then is another release
        server = _start_server(build, port)
        with httpx.Client() as plain:
            keep_resources(plain, where, kept)
    finally:
        client.kill()
        client.wait(10)
        _kill(server)
    assert read_resources(kept) == expected


def _start_client(where: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.harvesting", where, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
