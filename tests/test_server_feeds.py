"""/feed/, the pages that all feeds are cut into, and the formats that they are written in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from cbdgraph.changelog import Log
from cbdgraph.history import Event, History, Past
from cbdgraph.server.feeds.formats import TYPES, holds_graphs
from cbdgraph.server.feeds.pages import cut_pages, find_page
from cbdgraph.server.feeds.routes import VIEWS
from cbdgraph.store.canonical import canonical_lines
from cbdgraph.store.convert import convert
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.cutting import make_log, publish_log
from tests.test_server_running import running

HTML = {"Accept": "text/html,*/*;q=0.1"}


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Release:
    return publish_log(tmp_path_factory.mktemp("build"), log, older=2)


@pytest.fixture(scope="module")
def service(published: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=published.path.parents[1], workers=1) as client:
        yield client


def history_of_sizes(sizes: list[int]) -> History:
    releases: list[Past] = []
    events: list[Event] = []
    for number, size in enumerate(sizes):
        when = datetime(2026, 12, 1 + number, tzinfo=UTC)
        releases.append(Past(f"0.{number}.0", when, "", size))
        for _ in range(size):
            position = len(events)
            events.append(Event(position, f"0.{number}.0", when, f"x:{position}", "created", (), {}, 0, 0))
    return History(Path(), releases, events)


# --- Pages


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("sizes", [[], [0], [1], [7], [8, 0, 3], [6, 1, 14, 2]])
def test_pages_hold_each_event_once_and_never_mix_releases(size: int, sizes: list[int]) -> None:
    history = history_of_sizes(sizes)
    cut = cut_pages(history, size)
    assert [event for page in cut for event in page.events] == list(history.events)
    assert [page.index for page in cut] == list(range(1, len(cut) + 1))
    assert [page.is_newest for page in cut] == [False] * (len(cut) - 1) + [True] * bool(cut)
    for page in cut:
        assert 0 < len(page.events) <= size
        assert {event.release for event in page.events} == {page.release.number}
        assert find_page(history, page.name, size) == page
    assert find_page(history, "0.0.0/99", size) is find_page(history, "0.9.0/1", size) is None


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_release_leaves_the_pages_before_it_as_they_are(size: int) -> None:
    before, after = cut_pages(history_of_sizes([6, 4]), size), cut_pages(history_of_sizes([6, 4, 5]), size)
    assert [(page.name, page.index, page.events) for page in before] == [
        (page.name, page.index, page.events) for page in after[: len(before)]
    ]


def test_a_page_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 events"):
        cut_pages(history_of_sizes([1]), 0)


# --- Formats


@pytest.mark.parametrize("media_type", TYPES)
def test_the_same_statements_in_each_format(media_type: str) -> None:
    lines = [
        '<http://e/a> <http://e/p> "q\\"\\\\ \u202e"@en .',
        "<http://e/a> <http://e/q> _:b .",
        '_:b <http://e/p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .',
    ]
    if holds_graphs(media_type):
        lines.append("<http://e/a> <http://e/p> <http://e/c> <http://e/g> .")
    content = convert(lines, media_type, {"e": "http://e/", "unused": "http://unused/"})
    assert content == convert(lines, media_type, {"e": "http://e/", "unused": "http://unused/"})
    assert b"unused" not in content
    written = ox.RdfFormat.from_media_type(media_type)
    again = [f"{quad} ." for quad in ox.parse(content, format=written)]
    assert canonical_lines(again) == canonical_lines(lines)


def test_what_is_no_format_of_rdf() -> None:
    with pytest.raises(ValueError, match="image/png"):
        convert([], "image/png")


# --- The list


def test_the_views_are_listed(service: httpx.Client, log: Log) -> None:
    for path in ("/feed", "/feed/"):
        document = service.get(path).json()
        assert [view["path"] for view in document["views"]] == [view.path for view in VIEWS]
        assert [release["data_hash"] for release in document["releases"]] == [
            release.data_hash for release in log.releases
        ]
    page = service.get("/feed/", headers=HTML)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for view in VIEWS:
        assert f'href="{view.path}"' in page.text
        assert service.get(view.path).status_code == 200
    for release in log.releases:
        assert release.data_hash in page.text
    assert service.get("/feed", headers={"If-None-Match": service.get("/feed").headers["etag"]}).status_code == 304
