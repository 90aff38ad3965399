"""ldes-client, the reference client of LDES, over the stream: whole, followed, resumed after a kill, materialized."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from cbdgraph.changelog import FOLDER, Log, read_log
from cbdgraph.server.feeds import pages as feed_pages
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.cutting import make_log, publish_log
from tests.harvesting import CHANGE, TIME, VERSION_OF, Copy, Member, parse
from tests.test_server_oai import _await, _kill, _start_server, switch
from tests.test_server_running import running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.node,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here"),
]
CLIENTS = ROOT / "tests" / "clients"
XSD = "http://www.w3.org/2001/XMLSchema#"


@pytest.fixture(scope="module")
def folder() -> Path:
    """The clients with what they need, installed once for each lock file."""
    lock = (CLIENTS / "package-lock.json").read_bytes()
    folder = ROOT / "build" / "clients" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENTS / name, folder)
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        end = subprocess.run(npm, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        assert end.returncode == 0, end.stderr
        (folder / "installed").touch()
    shutil.copy(CLIENTS / "harvest.mjs", folder)
    return folder


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Release:
    return publish_log(tmp_path_factory.mktemp("build"), log, older=0)


@pytest.fixture(scope="module")
def service(published: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=published.path.parents[1], workers=1, cache_mb=0) as client:
        yield client


class Harvest:
    """Runs of the client that share a file of members and a state."""

    def __init__(self, folder: Path, where: Path, *options: str) -> None:
        self._folder, self._file, self._state, self._options = folder, where / "members", where / "state", options

    def start(self, address: str) -> subprocess.Popen[bytes]:
        command = ["node", "harvest.mjs", address, str(self._file), str(self._state), *self._options]
        return subprocess.Popen(command, cwd=self._folder, stderr=subprocess.DEVNULL)

    def run(self, address: str) -> list[dict[str, str]]:
        """Let a run end well; the members that it has written."""
        before = len(self.lines)
        assert self.start(address).wait(60) == 0
        return self.lines[before:]

    @property
    def lines(self) -> list[dict[str, str]]:
        """All members so far, as the client wrote them; the last may be cut off while it writes."""
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_text(encoding="utf-8").split("\n")[:-1]]

    @property
    def iris(self) -> set[str]:
        """The members so far."""
        return {line["id"] for line in self.lines}

    @property
    def copy(self) -> Copy:
        """The copy that its members make."""
        copy = Copy()
        copy.apply(read_member(line) for line in self.lines)
        return copy


def read_member(line: dict[str, str]) -> Member:
    return Member(ox.NamedNode(line["id"]), tuple(parse(line["quads"], "application/n-quads")))


def address_of(client: httpx.Client) -> str:
    return str(client.base_url.join("/feed/ldes"))


@pytest.mark.parametrize("ordered", ["none", "ascending", "descending"])
def test_a_harvest_is_the_graph(
    folder: Path, tmp_path: Path, service: httpx.Client, published: Release, log: Log, ordered: str
) -> None:
    harvest = Harvest(folder, tmp_path, f"ordered={ordered}")
    lines = harvest.run(address_of(service))
    assert len(lines) == len({line["id"] for line in lines}) == sum(len(release.entries) for release in log.releases)
    assert harvest.copy.hash == published.manifest.data_hash
    times = [line["when"] for line in lines]
    if ordered != "none":
        assert times == sorted(times, reverse=ordered == "descending")


@pytest.mark.parametrize("ending", [".trig", ".jsonld", ".nq"])
def test_each_format_with_graphs(
    folder: Path, tmp_path: Path, service: httpx.Client, published: Release, ending: str
) -> None:
    harvest = Harvest(folder, tmp_path)
    harvest.run(address_of(service) + ending)
    assert harvest.copy.hash == published.manifest.data_hash


@pytest.mark.parametrize("size", [7, 1000])
def test_any_size_of_pages(
    folder: Path,
    tmp_path: Path,
    service: httpx.Client,
    published: Release,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    monkeypatch.setattr(feed_pages, "PAGE", size)
    harvest = Harvest(folder, tmp_path)
    harvest.run(address_of(service))
    assert harvest.copy.hash == published.manifest.data_hash


def test_the_command_prints_the_members(folder: Path, service: httpx.Client, published: Release) -> None:
    """It writes numbers and truths as Turtle does, between members an empty line."""
    command = ["npx", "--no-install", "ldes-client", address_of(service)]
    end = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    copy = Copy()
    for text in end.stdout.split("\n\n"):
        if text.strip():
            quads = tuple(parse(_spell_out(text), "application/n-quads"))
            (iri,) = {q.subject for q in quads if q.predicate == VERSION_OF}
            assert isinstance(iri, ox.NamedNode)
            copy.apply([Member(iri, quads)])
    assert copy.hash == published.manifest.data_hash


def test_it_follows_from_release_to_release(folder: Path, tmp_path: Path, log: Log) -> None:
    build = tmp_path / "build"
    publish_log(build, log.until("0.1.0"), older=0)
    harvest = Harvest(folder, tmp_path)
    with running(root=ROOT, build=build, workers=1) as client:
        for release in log.releases:
            if release.number != "0.1.0":
                switch(client, build, log.until(release.number))
            lines = harvest.run(address_of(client))
            assert {read_member(line).told(VERSION_OF) for line in lines} == {e.resource for e in release.entries}
            assert len(lines) == len(release.entries), "only what is new"
            assert harvest.copy.hash == release.data_hash
        assert harvest.run(address_of(client)) == []


def test_it_polls_while_a_release_comes(folder: Path, tmp_path: Path, log: Log) -> None:
    """One process that stays in step. It may give a member twice, when it asks again before it is done."""
    build = tmp_path / "build"
    publish_log(build, log.until("0.1.0"), older=0)
    harvest = Harvest(folder, tmp_path, "follow=true")
    with running(root=ROOT, build=build, workers=1) as client:
        process = harvest.start(address_of(client))
        try:
            expected = 0
            for release in log.releases:
                if release.number != "0.1.0":
                    switch(client, build, log.until(release.number))
                expected += len(release.entries)
                _await(lambda count=expected: len(harvest.iris) >= count)
                assert len(harvest.iris) == expected
                assert harvest.copy.hash == release.data_hash
        finally:
            process.kill()
            process.wait(10)


def test_after_a_time_it_takes_only_the_pages_of_that_time(
    folder: Path, tmp_path: Path, service: httpx.Client, log: Log
) -> None:
    harvest = Harvest(folder, tmp_path, f"after={log.releases[0].issued}")
    lines = harvest.run(address_of(service))
    assert len(lines) == sum(len(release.entries) for release in log.releases[1:])


def test_it_may_be_killed_and_leaves_nothing_out(
    folder: Path, tmp_path: Path, service: httpx.Client, published: Release, log: Log
) -> None:
    harvest = Harvest(folder, tmp_path)
    for more in (1, 300, 700):
        count = len(harvest.lines)
        process = harvest.start(address_of(service))
        while len(harvest.lines) < count + more and process.poll() is None:
            time.sleep(0.002)
        assert process.poll() is None, "it is killed amid the harvest"
        process.kill()
        process.wait(10)
    total = sum(len(release.entries) for release in log.releases)
    assert len(harvest.iris) < total
    assert len(harvest.run(address_of(service))) < total, "it goes on where it was"
    assert len(harvest.iris) == total
    assert harvest.copy.hash == published.manifest.data_hash


def test_the_server_may_be_killed(folder: Path, tmp_path: Path, log: Log) -> None:
    build = tmp_path / "build"
    expected = publish_log(build, log.until("0.2.0"), older=0).manifest.data_hash
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = f"http://127.0.0.1:{port}/feed/ldes"
    harvest = Harvest(folder, tmp_path)
    server = _start_server(build, port)
    try:
        process = harvest.start(where)
        while not harvest.lines:
            time.sleep(0.002)
        _kill(server)
        process.wait(60)  # however it ends
        assert len(harvest.iris) < sum(len(release.entries) for release in log.releases[:2]), (
            "it was killed amid the harvest"
        )
        server = _start_server(build, port)
        for _ in range(3):  # what was under way first; then the root again
            if not harvest.run(where):
                break
        assert harvest.copy.hash == expected
    finally:
        _kill(server)


def test_materialized_members_are_the_resources(
    folder: Path, tmp_path: Path, service: httpx.Client, published: Release
) -> None:
    """The client's own option: the resource as subject; what stands in no graph tells of the version."""
    newest: dict[str, tuple[str, list[ox.Quad]]] = {}
    for line in Harvest(folder, tmp_path, "materialize=true").run(address_of(service)):
        quads = parse(line["quads"], "application/n-quads")
        told = {q.predicate: q.object for q in quads if q.graph_name == ox.DefaultGraph()}
        assert VERSION_OF not in told
        time_, change = told[TIME], told[CHANGE]
        assert isinstance(time_, ox.Literal)
        assert isinstance(change, ox.Literal)
        said = [q for q in quads if q.graph_name != ox.DefaultGraph()]
        assert (change.value == "withdrawn") == (not said)
        if newest.get(line["id"], ("",))[0] < time_.value:
            newest[line["id"]] = (time_.value, said)
    copy = Copy()
    copy.state.update(newest)
    assert copy.hash == published.manifest.data_hash


def test_the_last_versions_alone_are_the_graph(
    folder: Path, tmp_path: Path, service: httpx.Client, published: Release, log: Log
) -> None:
    harvest = Harvest(folder, tmp_path, "lastVersionOnly=true")
    lines = harvest.run(address_of(service))
    resources = {entry.resource for release in log.releases for entry in release.entries}
    assert len(lines) == len(resources), "each resource once, those that are withdrawn too"
    assert harvest.copy.hash == published.manifest.data_hash


def test_with_the_shape_nothing_is_fetched_elsewhere(folder: Path, tmp_path: Path, release: Release) -> None:
    """The data as they are now have a shape for members; the client extracts by it, from what the pages hold."""
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        harvest = Harvest(folder, tmp_path)
        harvest.run(address_of(client))
        last = read_log(ROOT / FOLDER).last
        assert last is not None
        assert harvest.copy.hash == last.data_hash


def _spell_out(text: str) -> str:
    """Lines of N-Quads of lines in which numbers and truths are short."""

    def spell(match: re.Match[str]) -> str:
        value = match[2]
        kind = "boolean" if value in {"true", "false"} else "integer"
        kind = "double" if "e" in value.lower() and kind == "integer" else "decimal" if "." in value else kind
        return f'{match[1]}"{value}"^^<{XSD}{kind}>{match[3]}'

    return re.sub(r"^(\S+ \S+ )([-+\d.eE]+|true|false)((?: <[^>]*>)? \.)$", spell, text, flags=re.MULTILINE)
