"""/feed/ldes: what LDES and TREE ask of its pages, and that a copy kept by them is the graph, whatever happens."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from cbdgraph.changelog import Log
from cbdgraph.history import History, describe_log
from cbdgraph.namespaces import BASE, SHAPES, expand
from cbdgraph.server.feeds import pages as feed_pages
from cbdgraph.server.feeds.formats import TYPES
from cbdgraph.server.feeds.ldes import STREAM
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.cutting import ISSUE, NEW_TERM, OLD_TERM, REASON, make_log, publish_log
from tests.harvesting import (
    CHANGE,
    LDES,
    TIME,
    TREE,
    TYPE,
    VERSION_OF,
    Copy,
    Document,
    extract,
    fetch,
    find_relations,
    harvest,
    keep_pages,
    read_pages,
)
from tests.test_server_oai import _await, _kill, _start_server, switch
from tests.test_server_running import make_root, problem, running

DATASETS = TYPES[2:]
FOREVER = "public, max-age=31536000, immutable"
HTML = {"Accept": "text/html,*/*;q=0.1"}


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Release:
    return publish_log(tmp_path_factory.mktemp("build"), log, older=2)


@pytest.fixture(scope="module")
def service(published: Release) -> Iterator[httpx.Client]:
    """The service with the last of three releases, and those before; it keeps no answers."""
    with running(root=ROOT, build=published.path.parents[1], workers=1, cache_mb=0) as client:
        yield client


@contextmanager
def serving(build: Path, log: Log) -> Iterator[httpx.Client]:
    """The service with the last release of a log, which may be followed by others."""
    publish_log(build, log, older=0)
    with running(root=ROOT, build=build, workers=1) as client:
        yield client


def root_of(client: httpx.Client, path: str = "/feed/ldes") -> str:
    return str(client.base_url.join(path))


def pages_of(client: httpx.Client, accept: str = "application/n-quads") -> Iterator[Document]:
    for address in find_relations(fetch(client, root_of(client))):
        yield fetch(client, address, accept)


# --- What the standards ask


def test_the_root_says_what_the_stream_is(service: httpx.Client, log: Log) -> None:
    address = root_of(service)
    root = fetch(service, address, "text/turtle")
    for name, values in {
        TYPE.value: [f"{LDES}EventStream", expand("dcat:Dataset")],
        TREE + "view": [address],
        LDES + "timestampPath": [TIME.value],
        LDES + "versionOfPath": [VERSION_OF.value],
        LDES + "versionCreatePath": [CHANGE.value],
        LDES + "versionCreateObject": ["created"],
        LDES + "versionUpdatePath": [CHANGE.value],
        LDES + "versionUpdateObject": ["changed"],
        LDES + "versionDeletePath": [CHANGE.value],
        LDES + "versionDeleteObject": ["withdrawn"],
        LDES + "pollingInterval": ["3600"],
        expand("dcterms:license"): ["https://creativecommons.org/licenses/by/4.0/"],
        expand("dcterms:modified"): [log.releases[-1].issued],
        expand("dcat:distribution"): [address],
    }.items():
        assert root.values(STREAM, name) == values, name
    assert set(root.values(address, TYPE.value)) == {f"{TREE}Node", f"{LDES}EventSource"}
    (policy,) = root.values(address, LDES + "retentionPolicy")
    assert root.values(policy, LDES + "startingFrom") == [log.releases[0].issued]
    assert not extract(root.quads), "members stand on pages that never change"


def test_relations_lead_to_all_pages_and_bound_their_times(service: httpx.Client, log: Log) -> None:
    root = fetch(service, root_of(service))
    nodes = {q.object for q in root.quads if q.predicate.value == TREE + "node"}
    assert all(isinstance(node, ox.NamedNode) for node in nodes)
    for q in root.quads:
        if q.predicate.value == TREE + "relation":
            assert isinstance(q.object, ox.NamedNode)
            for name in ("node", "path", "value", "remainingItems"):
                assert len(root.values(q.object.value, TREE + name)) == 1, name
            assert root.values(q.object.value, TREE + "path") == [TIME.value], "the path of the stream's order"
    times = []
    for address, relations in find_relations(root).items():
        members = extract(fetch(service, address).quads)
        (time,) = {member.told(TIME) for member in members}
        assert sorted(relations) == [
            ("GreaterThanOrEqualToRelation", time),
            ("LessThanOrEqualToRelation", time),
        ]
        remaining = [q.object for q in root.quads if q.predicate.value == TREE + "remainingItems"]
        assert ox.Literal(str(len(members)), datatype=ox.NamedNode(expand("xsd:integer"))) in remaining
        times.append(time)
    assert Counter(times) == {r.issued: -(-len(r.entries) // feed_pages.PAGE) for r in log.releases}
    assert times == sorted(times), "the oldest first"


@pytest.mark.parametrize("accept", TYPES)
def test_members_are_iris_and_conform_to_their_shape(service: httpx.Client, log: Log, accept: str) -> None:
    seen: list[str] = []
    told: set[str] = set()
    for page in pages_of(service, accept):
        assert page.values(page.address, LDES + "immutable") == ["true"]
        for member in extract(page.quads):
            seen.append(member.iri.value)
            assert member.told(VERSION_OF)
            about = [q for q in member.quads if q.subject == member.iri and q.graph_name == ox.DefaultGraph()]
            if accept in DATASETS:
                told |= {f"{q} ." for q in about}
    expected = {
        f"{BASE}release/{release.number}/" for release in log.releases for _ in release.entries
    }  # where they are named
    assert len(seen) == len(set(seen)) == sum(len(release.entries) for release in log.releases)
    assert all(any(iri.startswith(start) for start in expected) for iri in seen)
    if accept in DATASETS:
        assert told == set(describe_log(log)[1:]), "the same as in the graph of changes"


@pytest.mark.parametrize("accept", TYPES[:4])
def test_statements_come_in_the_order_of_the_profile(service: httpx.Client, accept: str) -> None:
    """First what concerns the page, then member by member, each from its `tree:member` on."""
    response = service.get("/feed/ldes/0.1.0/1", headers={"Accept": accept})
    assert response.headers["content-type"].endswith('profile="https://w3id.org/tree/profile"')
    assert response.headers["content-type"].startswith(accept)
    page = Document(root_of(service), accept, response.content)
    groups: list[list[ox.Quad]] = [[]]
    for q in page.quads:
        if q.predicate.value == TREE + "member":
            groups.append([])
        groups[-1].append(q)
    assert not [q for q in groups[0] if "/release/" in str(q.subject)]
    members = {member.iri: member for member in extract(page.quads)}
    assert len(groups) - 1 == len(members) == feed_pages.PAGE
    for first, *rest in groups[1:]:
        assert isinstance(first.object, ox.NamedNode)
        assert set(rest) == set(members[first.object].quads)


def test_withdrawals_are_told_with_reason_and_replacement(service: httpx.Client) -> None:
    (page,) = [page for page in pages_of(service) if "/0.3.0/" in page.address]
    members = {member.told(VERSION_OF): member for member in extract(page.quads)}
    gone, replaced = members[ISSUE], members[OLD_TERM]
    assert gone.told(CHANGE) == replaced.told(CHANGE) == "withdrawn"
    assert gone.said(with_graphs=True) == replaced.said(with_graphs=True) == []
    assert gone.told(ox.NamedNode(expand("cbd:withdrawalReason"))) == REASON
    assert replaced.told(ox.NamedNode(expand("dcterms:isReplacedBy"))) == NEW_TERM


def test_the_shape_of_members_is_told_in_the_root(release: Release) -> None:
    """A client would look for a shape elsewhere that is only named; that of the data as they are now."""
    shape = SHAPES + "VersionShape"
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        root = fetch(client, root_of(client))
        assert root.values(STREAM, TREE + "shape") == [shape]
        assert root.values(shape, TYPE.value) == [expand("sh:NodeShape")]
        paths = {}
        for name in root.values(shape, expand("sh:property")):
            (path,) = root.values(name, expand("sh:path"))
            paths[path] = root.values(name, expand("sh:minCount")) + root.values(name, expand("sh:maxCount"))
        names = (VERSION_OF.value, CHANGE.value, TIME.value, expand("cbd:inRelease"))
        assert paths == {name: ["1", "1"] for name in names}
        words = [q.object for q in root.quads if q.predicate.value == expand("rdf:first")]
        assert {word.value for word in words if isinstance(word, ox.Literal)} == {"created", "changed", "withdrawn"}


# --- HTTP


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("/feed/ldes", "", "text/turtle"),
        ("/feed/ldes/", "application/trig", "application/trig"),
        ("/feed/ldes", "application/json", "application/json"),
        ("/feed/ldes", 'application/n-quads;profile="https://w3id.org/tree/profile"', "application/n-quads"),
        ("/feed/ldes.nt", "text/html", "application/n-triples"),
        ("/feed/ldes?format=jsonld", "", "application/ld+json"),
        ("/feed/ldes/0.2.0/1", "", "text/turtle"),
        ("/feed/ldes/0.2.0/1.nq", "", "application/n-quads"),
        ("/feed/ldes/0.2.0/1.html", "", "text/html"),
        ("/feed/ldes/0.2.0/1?format=nq", "text/html", "application/n-quads"),
    ],
)
def test_formats(service: httpx.Client, path: str, accept: str, expected: str) -> None:
    response = service.get(path, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == expected
    assert "Accept" in response.headers["vary"]


@pytest.mark.parametrize("ending", [".nq", ".ttl", ".jsonld", "?format=trig"])
def test_links_keep_the_format_that_was_named(service: httpx.Client, ending: str) -> None:
    address = root_of(service, f"/feed/ldes{ending}")
    root = fetch(service, address)
    assert root.values(STREAM, TREE + "view") == [address]
    relations = find_relations(root)
    assert relations
    for page in relations:
        assert page.endswith(ending)
    last = fetch(service, page)
    assert last.values(page, TYPE.value) == [TREE + "Node"]


def test_nobody_is_led_to_another_server(service: httpx.Client) -> None:
    for path in ("/feed/ldes.nq", "/feed/ldes/0.2.0/1.nq"):
        named = service.get(path, headers={"Host": "data.example:81"}).text
        assert "<http://data.example:81/feed/ldes" in named
        assert str(service.base_url.host) not in named
    for host in ("a b", "x>y", 'a"', "x{y"):
        response = service.get("/feed/ldes", headers={"Host": host})
        assert response.status_code in {200, 400}
        assert host not in response.text
    root = fetch(service, root_of(service))
    for q in root.quads:
        if q.predicate.value in {TREE + "node", TREE + "view"}:
            assert isinstance(q.object, ox.NamedNode)
            assert q.object.value.startswith(str(service.base_url))


def test_the_root_is_asked_again_and_pages_are_kept_for_ever(service: httpx.Client) -> None:
    root, page = service.get("/feed/ldes"), service.get("/feed/ldes/0.1.0/2")
    assert root.headers["cache-control"] == "public, max-age=60, must-revalidate"
    assert page.headers["last-modified"] == "Sun, 22 Nov 2026 16:17:35 GMT"
    since = {"If-Modified-Since": page.headers["last-modified"]}
    assert service.get("/feed/ldes/0.1.0/2", headers=since).status_code == 304
    assert page.headers["cache-control"] == FOREVER
    for first, path in ((root, "/feed/ldes"), (page, "/feed/ldes/0.1.0/2")):
        again = service.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == first.headers["cache-control"]
        other = service.get(path, headers={"Accept": "application/trig"})
        assert other.headers["etag"] != first.headers["etag"]
        head = service.head(path)
        assert (head.headers["etag"], head.content) == (first.headers["etag"], b"")


def test_a_page_is_the_same_bytes_in_each_later_release(tmp_path: Path, log: Log) -> None:
    with serving(tmp_path, log.until("0.1.0")) as client:
        client.headers["Host"] = "data.example"
        seen: dict[tuple[str, str], tuple[bytes, str]] = {}
        for number in ("0.1.0", "0.2.0", "0.3.0"):
            if number != "0.1.0":
                switch(client, tmp_path, log.until(number))
            for page in ("0.1.0/1", "0.1.0/10", "0.2.0/1"):
                for accept in TYPES:
                    response = client.get(f"/feed/ldes/{page}", headers={"Accept": accept})
                    if page[:5] > number:
                        assert response.status_code == 404
                        continue
                    got = (response.content, response.headers["etag"])
                    assert seen.setdefault((page, accept), got) == got
        assert len(seen) == 15


def test_what_there_is_not(service: httpx.Client) -> None:
    for path in (
        "/feed/ldes/0.1.0/0",
        "/feed/ldes/0.1.0/999",
        "/feed/ldes/0.1.0/01",
        "/feed/ldes/0.1.0/1.",
        "/feed/ldes/0.1.0/" + "9" * 9000,
        "/feed/ldes/0.4.0/1",
        "/feed/ldes/0.1.0/1.exe",
        "/feed/ldes.exe",
        "/feed/ldes/0.1.0/%3Cscript%3E",
    ):
        document = problem(service.get(path), "not-found")
        assert len(document["detail"]) < 300
        for suggestion in document["suggestions"]:
            assert service.get(suggestion).status_code == 200
    problem(service.get("/feed/ldes", headers={"Accept": "image/png"}), "not-acceptable")


def test_pages_for_people(service: httpx.Client) -> None:
    listed = service.get("/feed/ldes", headers=HTML)
    assert listed.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in listed.headers["content-security-policy"]
    for path in re.findall(r'href="(/[^"#]*)"', listed.text):
        assert service.get(path.replace("&amp;", "&"), headers=HTML).status_code == 200, path
    page = service.get("/feed/ldes/0.3.0/1", headers={**HTML, "Accept-Language": "fr"})
    assert page.headers["vary"] == "Accept, Accept-Language"
    assert "Terres dégradées" in page.text
    assert "withdrawn: It was made for a test." in page.text
    assert 'href="/term/land-that-is-degraded"' in page.text
    assert not re.search(r'href="(?!/|#main)', page.text), "no link leads to another server"


def test_files_of_a_user_have_no_stream(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    with running(root=make_root(tmp_path / "root", {}), data=(tmp_path / "a.ttl",), workers=1) as client:
        for path in ("/feed", "/feed/ldes", "/feed/ldes/0.1.0/1", "/feed/activity", "/feed/activity/1"):
            assert "change log" in problem(client.get(path), "not-found")["detail"]


# --- A copy that is kept by it


@pytest.mark.parametrize("accept", TYPES)
def test_replay_is_the_graph(published: Release, service: httpx.Client, accept: str) -> None:
    copy = Copy(with_graphs=accept in DATASETS)
    assert harvest(service, copy, set(), root_of(service), accept) == len(History.open(published.path).events)
    manifest = published.manifest
    assert copy.hash == (manifest.data_hash if accept in DATASETS else manifest.triples_hash)


@pytest.mark.parametrize("number", ["0.1.0", "0.2.0", "0.3.0"])
def test_replay_of_an_older_release_is_that_release(service: httpx.Client, log: Log, number: str) -> None:
    copy = Copy()
    path = "/feed/ldes" if number == "0.3.0" else f"/release/{number}/feed/ldes"
    harvest(service, copy, set(), root_of(service, path))
    assert copy.hash == log.until(number).releases[-1].data_hash


def test_members_may_come_in_any_order(published: Release, service: httpx.Client) -> None:
    copy = Copy()
    for page in reversed(list(pages_of(service))):
        copy.apply(reversed(extract(page.quads)))
    assert copy.hash == published.manifest.data_hash


@pytest.mark.parametrize("size", [7, 100, pytest.param(1, marks=pytest.mark.slow)])
def test_any_size_of_pages(
    service: httpx.Client, published: Release, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(feed_pages, "PAGE", size)
    copy, done = Copy(), set[str]()
    events = History.open(published.path).events
    assert harvest(service, copy, done, root_of(service)) == len(events)
    assert copy.hash == published.manifest.data_hash
    assert len(done) == sum(-(-count // size) for count in Counter(event.release for event in events).values()), (
        "no page holds members of two releases"
    )


def test_only_what_changed_since_is_fetched_and_makes_the_same(tmp_path: Path, log: Log) -> None:
    with serving(tmp_path, log.until("0.1.0")) as client:
        copy, flat = Copy(), Copy(with_graphs=False)
        done, flat_done = set[str](), set[str]()
        for release in log.releases:
            if release.number != "0.1.0":
                before = len(done)
                switch(client, tmp_path, log.until(release.number))
            assert harvest(client, copy, done, root_of(client)) == len(release.entries)
            assert harvest(client, flat, flat_done, root_of(client), "text/turtle") == len(release.entries)
            assert copy.hash == release.data_hash
            assert flat.hash == _triples_hash(client, tmp_path)
            if release.number != "0.1.0":
                assert len(done) == before + 1
        assert harvest(client, copy, done, root_of(client)) == 0


def test_a_release_amid_a_harvest_changes_nothing_of_it(tmp_path: Path, log: Log) -> None:
    with serving(tmp_path, log.until("0.1.0")) as client:
        copy = Copy()
        addresses = list(find_relations(fetch(client, root_of(client))))
        for count, address in enumerate(addresses):
            if count == 4:
                switch(client, tmp_path, log.until("0.2.0"))
            if count == 8:
                switch(client, tmp_path, log)
            copy.apply(extract(fetch(client, address).quads))
        assert copy.hash == log.releases[0].data_hash, "what the root told of is whole"
        harvest(client, copy, set(addresses), root_of(client))
        assert copy.hash == log.releases[2].data_hash


@pytest.mark.slow
def test_client_and_server_may_be_killed_amid_a_harvest(tmp_path: Path, log: Log) -> None:
    build, kept = tmp_path / "build", tmp_path / "kept"
    publish_log(build, log.until("0.2.0"), older=0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = f"http://127.0.0.1:{port}/feed/ldes"
    server, client = _start_server(build, port), _start_client(where, kept)
    try:
        _await(lambda: len(list(kept.glob("*.nq"))) >= 3)
        client.kill()
        client.wait(10)
        amid = len(list(kept.glob("*.nq")))
        client = _start_client(where, kept)
        _await(lambda: len(list(kept.glob("*.nq"))) >= amid + 2)
        _kill(server)
        assert client.wait(30) != 0, "a client without a server ends with an error"
        assert len(list(kept.glob("*.nq"))) < 11, "it was killed before the end"
        publish_log(build, log, older=0)  # and what is served then is another release
        server = _start_server(build, port)
        with httpx.Client() as plain:
            keep_pages(plain, where, kept)
    finally:
        client.kill()
        client.wait(10)
        _kill(server)
    copy = Copy()
    assert read_pages(kept, copy) == sum(len(release.entries) for release in log.releases)
    assert copy.hash == log.releases[2].data_hash


def test_a_working_build_speaks_of_releases_only(release: Release) -> None:
    """The data of the checkout may differ from the last release of its log; the stream leads to that release."""
    history = History.open(release.path)
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        copy = Copy()
        harvest(client, copy, set(), root_of(client))
        assert copy.hash == history.releases[-1].data_hash
        assert (copy.hash == release.manifest.data_hash) == (not history.pending)


def test_a_member_is_what_its_iri_leads_to(service: httpx.Client) -> None:
    """The version of a resource of the last release, as its own address answers, holds all that the member says."""
    (page,) = [page for page in pages_of(service, "application/n-triples") if "/0.3.0/" in page.address]
    for member in extract(page.quads):
        if member.told(CHANGE) == "withdrawn":
            continue
        path = "/" + member.iri.value.removeprefix(BASE)
        answered = fetch(service, root_of(service, path), "application/n-triples").quads
        assert {q.triple for q in member.said(with_graphs=False)} <= {q.triple for q in answered}


def test_the_program_of_the_page_makes_the_graph(tmp_path: Path, service: httpx.Client, published: Release) -> None:
    text = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert "http://127.0.0.1:8000/" in program
    program = program.replace("http://127.0.0.1:8000/", str(service.base_url.join("/")))
    for _ in range(2):  # the second time it has all pages
        end = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert end.stdout.strip() == published.manifest.data_hash
    assert (tmp_path / "copy.nq").read_bytes() == (published.path / "graph.nq").read_bytes()


def _triples_hash(client: httpx.Client, build: Path) -> str:
    """Of the release that is served."""
    text = (build / "current" / "manifest.json").read_text(encoding="utf-8")
    found = re.search(r'"triples_hash": "(\w+)"', text)
    assert found is not None
    assert client.get("/version").json()["release"] in text
    return found[1]


def _start_client(where: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.harvesting", where, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
