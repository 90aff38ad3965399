"""/feed/atom and resources-changed-since: a copy that is kept by them is the graph, and the feed is a good one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import httpx
import pytest
from lxml import etree

from cbdgraph.changelog import Log
from cbdgraph.namespaces import BASE
from cbdgraph.server.answers import date_header
from cbdgraph.server.feeds import atom
from cbdgraph.server.feeds import pages as feed_pages
from cbdgraph.store.canonical import canonical_lines, hash_lines
from tests.cutting import DECISION, ISSUE, NEW_TERM, OLD_TERM, REASON, ROOT, make_log, publish_log
from tests.replaying import (
    ARCHIVE,
    ATOM,
    DELETED,
    RDF,
    VERSION_OF,
    AtomCopy,
    Copy,
    each_once,
    find_link,
    is_relation,
    links_of,
    read_rdf,
)
from tests.test_server_oai import switch
from tests.test_server_running import problem, running

REPLACED_BY = "http://purl.org/dc/terms/isReplacedBy"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Iterator[httpx.Client]:
    """The service with the last of the three releases."""
    build = tmp_path_factory.mktemp("build")
    publish_log(build, log, older=1)
    with running(root=ROOT, build=build, workers=1) as client:
        yield client


def address(client: httpx.Client, path: str = "/feed/atom") -> str:
    return str(client.base_url.join(path))


def read(client: httpx.Client, path: str, **asked: str) -> ElementTree.Element:
    """A document of the feed, which must be as RFC 4287, RFC 5005 and RFC 6721 want it."""
    response = client.get(path, params=asked or None)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert not feedparser.parse(response.content).bozo
    root = ElementTree.fromstring(response.content)
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        assert re.fullmatch(TIME, element.findtext(f"{ATOM}updated", ""))
        assert re.fullmatch(r"https://\S+", element.findtext(f"{ATOM}id", ""))
        assert each_once(
            (link.attrib["rel"], link.get("type", ""), link.get("title", "")) for link in links_of(element)
        )
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert each_once(entry.findtext(f"{ATOM}id", "") for entry in root.findall(f"{ATOM}entry"))
    for entry in root.findall(f"{ATOM}entry"):
        assert find_link(entry, "alternate"), "an entry without content has an alternate"
    deleted = [(gone.attrib["ref"], gone.attrib["when"]) for gone in root.findall(DELETED)]
    assert each_once(f"{ref} {when}" for ref, when in deleted)
    assert all(re.fullmatch(TIME, when) for _, when in deleted)
    return root


# --- Replay


@pytest.mark.slow
@pytest.mark.parametrize("size", [7, 100])
def test_what_is_followed_is_the_dump_at_each_release(
    tmp_path: Path, log: Log, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "PAGE", size)
    monkeypatch.setattr(atom, "NEWEST", size)
    first = publish_log(tmp_path, log.until("0.1.0"), older=0)
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        copy = AtomCopy()
        assert len(copy.follow(client, address(client))) == -(-len(log.releases[0].entries) // size) + 1
        assert copy.fetch(client) == len(log.releases[0].entries)
        assert copy.hash == first.manifest.triples_hash
        for release in log.releases[1:]:
            expected = switch(client, tmp_path, log.until(release.number))
            assert len(copy.follow(client, address(client))) == 2, "the feed, and one page that is new"
            assert copy.fetch(client) == sum(entry.change != "withdrawn" for entry in release.entries)
            assert copy.hash == expected
    assert set(copy.entries) >= {f"{BASE}release/0.2.0/issue/made-for-a-test"}


@pytest.mark.slow
def test_a_release_switched_amid_the_archive_changes_nothing_of_it(tmp_path: Path, log: Log) -> None:
    first = publish_log(tmp_path, log.until("0.1.0"), older=0)
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        copy, expected = AtomCopy(), ""
        page = find_link(read(client, "/feed/atom"), "prev-archive")
        before: dict[str, bytes] = {}
        while page is not None:
            if len(before) == 2:
                expected = [switch(client, tmp_path, log.until(number)) for number in ("0.2.0", "0.3.0")][-1]
            before[page] = client.get(page).content
            page = find_link(ElementTree.fromstring(before[page]), "prev-archive")
        for place in before:
            copy.follow(client, place)
        copy.fetch(client)
        assert copy.hash == first.manifest.triples_hash
        copy.follow(client, address(client))
        copy.fetch(client)
        assert copy.hash == expected
        # The newest page of a release is followed by another with the next one; no page changes else.
        newest, *others = before
        assert [place for place in others if client.get(place).content != before[place]] == []
        link = re.compile(rb'<link rel="next-archive"[^>]*>\n')
        assert link.sub(b"", client.get(newest).content) == link.sub(b"", before[newest])


def test_a_page_of_one_event_is_enough(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_pages, "PAGE", 1)
    monkeypatch.setattr(atom, "NEWEST", 1)
    publish_log(tmp_path, log, older=0)
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        place, seen = find_link(read(client, "/feed/atom"), "prev-archive"), []
        for _ in range(10):
            assert place is not None
            root = read(client, place)
            seen.append(len(root.findall(f"{ATOM}entry")) + len(root.findall(DELETED)))
            place = find_link(root, "prev-archive")
    assert seen == [1] * 10


@pytest.mark.slow
def test_a_copy_kept_by_the_query_is_the_dump_at_each_release(tmp_path: Path, log: Log) -> None:
    first = publish_log(tmp_path, log.until("0.1.0"), older=0)
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        copy, since = Copy(), "2026-01-01"
        expected = first.manifest.triples_hash
        for release in log.releases:
            if release.previous:
                expected = switch(client, tmp_path, log.until(release.number))
            rows = changed(client, since)
            assert len(rows) >= len(release.entries)
            newest = {row["resource"]: row for row in rows}  # rows come by time
            for row in newest.values():
                if row["change"] == "withdrawn":
                    copy.said.pop(row["resource"], None)
                else:
                    copy.said[row["resource"]] = fetch(client, row["resource"])
            assert copy.hash == expected
            # One harvester goes on with the number of its release, another one with the time that it saw last.
            since = release.number if release.number == "0.1.0" else rows[-1]["when"]


def fetch(client: httpx.Client, resource: str) -> list[str]:
    """All that is said of a resource, and nothing else."""
    asked = {"verb": "GetRecord", "metadataPrefix": "rdf", "identifier": resource}
    root: Any = etree.fromstring(client.get("/feed/oai", params=asked).raise_for_status().content)
    return read_rdf(etree.tostring(root.find(f".//{RDF}")))


def changed(client: httpx.Client, since: str) -> list[dict[str, str]]:
    response = client.get("/query/resources-changed-since", params={"since": since, "format": "csv"})
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text)))


def test_the_query_tells_what_follows(service: httpx.Client, log: Log) -> None:
    second, third = log.releases[1:]
    counts = {since: len(changed(service, since)) for since in ("0.1.0", "0.2.0", "0.3.0", "0.2.0-0123456789ab")}
    both, one = len(second.entries) + len(third.entries), len(third.entries)
    assert counts == {"0.1.0": both, "0.2.0": one, "0.3.0": 0, "0.2.0-0123456789ab": one}
    assert len(changed(service, "2026-12-01")) == len(changed(service, second.issued)) == both
    assert len(changed(service, "2026-12-01T09:00:01Z")) == one
    assert len(changed(service, "2026-12-02")) == 0
    assert len(changed(service, "2026-01-01")) == both + len(log.releases[0].entries)
    rows = changed(service, "0.1.0")
    assert rows == sorted(rows, key=lambda row: (row["when"], row["resource"]))
    told = {(row["resource"], row["release"].rpartition("/")[2]): row["change"] for row in rows}
    assert (told[ISSUE, "0.2.0"], told[ISSUE, "0.3.0"]) == ("created", "withdrawn")
    assert (told[OLD_TERM, "0.3.0"], told[NEW_TERM, "0.3.0"]) == ("withdrawn", "created")
    assert (told[DECISION, "0.2.0"], told[DECISION, "0.3.0"]) == ("changed", "changed")


@pytest.mark.parametrize("since", ["0.9.0", "0.9.0-0123456789ab", "10.100.10"])
def test_a_number_that_is_no_release_is_a_problem(service: httpx.Client, since: str) -> None:
    response = service.get("/query/resources-changed-since", params={"since": since})
    assert problem(response, "unknown-resource")["suggestions"] == ["0.3.0", "0.2.0", "0.1.0"]


# --- The documents


def test_pages_lead_feed_readers_here(service: httpx.Client, tmp_path: Path) -> None:
    link = '<link rel="alternate" type="application/atom+xml" href="/feed/atom"'
    for path in ("/", "/feed/"):
        assert link in service.get(path, headers={"Accept": "text/html"}).text
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    with running(root=ROOT, data=(tmp_path / "a.ttl",), workers=1) as client:
        assert link not in client.get("/", headers={"Accept": "text/html"}).text, "there is no feed"


def test_the_archive_is_a_chain_both_ways(service: httpx.Client) -> None:
    feed = read(service, "/feed/atom")
    assert feed.find(ARCHIVE) is None
    chain: list[str] = []
    place = find_link(feed, "prev-archive")
    while place is not None:
        root = read(service, place)
        assert root.find(ARCHIVE) is not None
        assert root.findtext(f"{ATOM}id") == feed.findtext(f"{ATOM}id")
        assert find_link(root, "self") == place
        assert find_link(root, "current") == address(service)
        assert find_link(root, "next-archive") == (chain[-1] if chain else None)
        chain.append(place)
        place = find_link(root, "prev-archive")
    assert chain[0].endswith("/feed/atom/0.3.0/1")
    assert chain[-1].endswith("/feed/atom/0.1.0/1")
    assert len(chain) == len(feed_pages.cut_pages(service.app.state.live.current.history))  # type: ignore[attr-defined]


def test_an_entry_tells_what_and_where(service: httpx.Client) -> None:
    feed: Any = feedparser.parse(service.get("/feed/atom").content)
    entry = next(found for found in feed.entries if found.id == f"{BASE}release/0.3.0/decision/cop/11/16")
    assert entry.title == "Decision XI/16"
    assert entry.updated == entry.published == "2026-12-01T15:30:00Z"
    assert entry.summary == "Changed in release 0.3.0. Kind: decisions."
    assert {"changed", "https://w3id.org/cbdgraph/ontology#Decision"} <= {tag.term for tag in entry.tags}
    links = {(link.rel, link.get("type")): link.href for link in entry.links}
    assert links["alternate", "text/html"] == address(service, "/decision/cop/11/16")
    assert links["related", "text/html"] == entry.id
    assert any(is_relation(link.rel, VERSION_OF) and link.href == DECISION for link in entry.links)
    page = service.get(links["alternate", "text/html"], headers={"Accept": "text/html"})
    assert page.status_code == 200
    version = service.get(entry.id.removeprefix(BASE.rstrip("/")), headers={"Accept": "text/turtle"})
    assert version.status_code == 200
    assert feed.feed.rights
    assert feed.entries[0].updated >= feed.entries[-1].updated, "the newest first"
    nameless = next(found for found in feed.entries if found.id.endswith("definition/ipbes-core"))
    assert nameless.title == "term/degraded-land/definition/ipbes-core"


def test_a_withdrawal_deletes_every_version(service: httpx.Client) -> None:
    root = read(service, "/feed/atom/0.3.0/1")
    gone = {found.attrib["ref"]: found for found in root.findall(DELETED)}
    assert set(gone) == {f"{BASE}release/0.2.0/issue/made-for-a-test", f"{BASE}release/0.1.0/term/degraded-land"}
    comment = "{http://purl.org/atompub/tombstones/1.0}comment"
    issue, term = gone[f"{BASE}release/0.2.0/issue/made-for-a-test"], gone[f"{BASE}release/0.1.0/term/degraded-land"]
    assert issue.findtext(comment) == REASON
    assert find_link(issue, REPLACED_BY) is None
    assert find_link(issue, VERSION_OF) == ISSUE
    assert find_link(term, REPLACED_BY) == NEW_TERM
    assert find_link(term, VERSION_OF) == OLD_TERM


def test_kinds_and_languages(service: httpx.Client) -> None:
    terms = read(service, "/feed/atom", kind="term", lang="fr")
    entries = terms.findall(f"{ATOM}entry")
    assert entries
    assert all("/term/" in entry.findtext(f"{ATOM}id", "") for entry in entries)
    titles = [title for entry in entries for title in entry.findall(f"{ATOM}title")]
    assert {title.get("{http://www.w3.org/XML/1998/namespace}lang") for title in titles} == {"fr"}
    for relation in ("self", "prev-archive"):
        assert (find_link(terms, relation) or "").endswith("?kind=term&lang=fr")
    page = read(service, find_link(terms, "prev-archive") or "")
    assert (find_link(page, "current") or "").endswith("?kind=term&lang=fr")
    assert len(page.findall(f"{ATOM}entry")) == 1
    assert [found.attrib["ref"] for found in page.findall(DELETED)] == [f"{BASE}release/0.1.0/term/degraded-land"]
    assert terms.findtext(f"{ATOM}id") != read(service, "/feed/atom").findtext(f"{ATOM}id")
    for bad in ({"kind": "<x>"}, {"kind": "term:none"}, {"lang": "de"}):
        problem(service.get("/feed/atom", params=bad), "parameter")


def test_a_version_is_all_that_was_said_with_graphs_or_without(service: httpx.Client, log: Log) -> None:
    history = service.app.state.live.current.history  # type: ignore[attr-defined]
    quads, triples = Copy(), Copy()
    for event in history.living():
        for copy, suffix in ((quads, "nq"), (triples, "nt")):
            response = service.get(f"/feed/version/{event.position}.{suffix}")
            assert response.headers["link"] == f'<{event.version}>; rel="canonical"'
            copy.said[event.resource] = response.text.splitlines()
    assert quads.hash == log.releases[-1].data_hash
    union = {line.rsplit(" ", 2)[0] + " ." for said in quads.said.values() for line in said if "_:" not in line}
    assert union == {line for said in triples.said.values() for line in said if "_:" not in line}
    assert "immutable" in response.headers["cache-control"]
    withdrawn = next(event for event in history.events if event.change == "withdrawn")
    problem(service.get(f"/feed/version/{withdrawn.position}.nt"), "gone")
    assert hash_lines(canonical_lines([])) != quads.hash


def test_answers_that_a_client_has_are_not_sent_again(service: httpx.Client, log: Log) -> None:
    issued = date_header(log.releases[0].when)["Last-Modified"]
    for path in ("/feed/atom", "/feed/atom?kind=issue", "/feed/atom/0.1.0/1", "/feed/version/0.nt"):
        first = service.get(path)
        tag = first.headers["etag"]
        again = service.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == first.headers["cache-control"]
        head = service.head(path)
        assert (head.content, head.headers["etag"]) == (b"", tag)
        if not path.startswith("/feed/atom") or "0.1.0" in path:
            assert first.headers["last-modified"] == issued
            assert service.get(path, headers={"If-Modified-Since": issued}).status_code == 304
        other = {"If-Modified-Since": issued, "If-None-Match": '"x"'}
        assert service.get(path, headers=other).status_code == 200
    # The log of these tests may be dated ahead, and such a date is not told.
    expected = date_header(log.releases[-1].when).get("Last-Modified")
    assert service.get("/feed/atom").headers.get("last-modified") == expected
    assert "immutable" in service.get("/feed/atom/0.1.0/1").headers["cache-control"]
    assert "immutable" not in service.get("/feed/atom/0.3.0/1").headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/feed/atom/0.3.0/0",
        "/feed/atom/0.3.0/2",
        "/feed/atom/0.3.0/01",
        "/feed/atom/0.3.0/-1",
        "/feed/atom/0.3.0/%D9%A1",
        "/feed/atom/0.9.0/1",
        "/feed/atom/0.3.0/" + "9" * 5000,
        "/feed/version/99999999.nt",
        "/feed/version/1.exe",
        "/feed/version/1",
        "/feed/version/-1.nt",
        "/feed/version/01.nt",
        "/feed/version/%D9%A1.nt",
        "/feed/version/" + "9" * 5000 + ".nt",
    ],
    ids=lambda path: path[:30],
)
def test_what_is_not_there(service: httpx.Client, path: str) -> None:
    problem(service.get(path), "not-found")


def test_files_have_no_log(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    with running(root=ROOT, data=(tmp_path / "a.ttl",), workers=1) as client:
        for path in ("/feed/atom", "/feed/atom/0.1.0/1", "/feed/version/0.nt"):
            problem(client.get(path), "not-found")
