"""Older releases under attack: hostile numbers on every route, many requests at once while a build switches."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from cbdgraph.changelog import Log
from cbdgraph.server import live
from tests.cutting import DECISION, ROOT, make_log, publish_log
from tests.test_server_running import running

NUMBERS = ("0.1.0", "0.2.0", "0.3.0")
TITLE = f"SELECT ?title {{ <{DECISION}> <https://w3id.org/cbdgraph/ontology#title> ?title }}"
TITLES = {"0.2.0": "Restoring \\ ecosystems"}
ROUTES = (
    "/",
    "/version",
    "/dataset",
    "/.well-known/void",
    "/sparql",
    "/query",
    "/query/citations-of-decision?decision=XI/16",
    "/resolve?citation=XI/16",
    "/decision/cop/11/16",
    "/decision/cop/11/16.ttl",
    "/describe?iri=http://www.w3.org/2004/02/skos/core%23Concept",
    "/graph-store?default",
    "/parse?text=decision+XI/16",
    "/why?subject=https://w3id.org/cbdgraph/decision/cop/11/16",
    "/decisions",
    "/docs",
    "/nothing/here",
)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    assert list(publish_log(folder, make_log(), older=2).manifest.older) == ["0.2.0", "0.1.0"]
    return folder


@pytest.fixture(scope="module")
def client(build: Path) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=build, workers=2) as client:
        yield client


def _release_of(response: httpx.Response) -> str | None:
    assert response.status_code < 500, (response.url, response.text[:300])
    assert "Traceback" not in response.text
    number: str | None = response.headers.get("cbdgraph-release")
    return number


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_route_says_of_which_release_its_answer_is(client: httpx.Client, path: str, number: str) -> None:
    mark = "&" if "?" in path else "?"
    for address in (f"{path}{mark}release={number}", f"/release/{number}{path}"):
        if address == f"/release/{number}/":
            continue  # the resource of that release
        for accept in ("application/json", "text/html", "text/turtle"):
            assert _release_of(client.get(address, headers={"Accept": accept})) == number, address


@pytest.mark.parametrize("number", ["0.2.0", "0.3.0"])
@pytest.mark.parametrize("path", ROUTES)
def test_head_and_304_are_of_the_release(client: httpx.Client, path: str, number: str) -> None:
    mark = "&" if "?" in path else "?"
    address = f"{path}{mark}release={number}"
    for _ in range(2):  # the second is answered from what is kept
        got, head = client.get(address), client.head(address)
        assert (head.status_code, head.content) == (got.status_code, b"")
        for name in ("etag", "content-type", "cbdgraph-release"):
            assert head.headers.get(name) == got.headers.get(name), name
        if "etag" in got.headers:
            again = client.get(address, headers={"If-None-Match": got.headers["etag"]})
            assert (again.status_code, _release_of(again)) == (304, number)


def test_no_validator_of_one_release_holds_for_another(client: httpx.Client) -> None:
    """A client that has 0.1.0 and asks for another is never told that it has that."""
    for path in ("/decision/cop/11/16", f"/sparql?query={quote(TITLE)}", "/", "/dataset"):
        mark = "&" if "?" in path else "?"
        tags = [client.get(f"{path}{mark}release={number}").headers["etag"] for number in NUMBERS]
        assert len(set(tags)) == 3, path
        for number in NUMBERS:
            others = ", ".join(tag for other, tag in zip(NUMBERS, tags, strict=True) if other != number)
            answer = client.get(f"{path}{mark}release={number}", headers={"If-None-Match": others})
            assert (answer.status_code, _release_of(answer)) == (200, number)


HOSTILE = [
    "%00", "%0d%0aSet-Cookie:%20a=b", "..", "../../etc/passwd", "%2e%2e%2f", "%ff%fe", "%F0%9F%92%A9", "%E2%80%AE",
    "0.2.0%20", "%200.2.0", "v0.2.0", "00.2.0", "0.2.0%00", "0.2.0;x", "-1", "1e9", "9" * 4000, "{0}", "%25s", "*",
    "%3Cscript%3Ealert(1)%3C/script%3E", "'%20OR%201=1", "0.3.0-000000000000", "current%00", "CURRENT", "latest",
]  # fmt: skip


@pytest.mark.parametrize("number", HOSTILE, ids=lambda number: number[:20])
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_hostile_number_is_not_found_and_nothing_more(client: httpx.Client, number: str, accept: str) -> None:
    addresses = [f"/version?release={number}", f"/sparql?query=ASK{{}}&release={number}"]
    if "/" not in number and number not in {"..", "%2e%2e%2f"}:
        addresses.append(f"/release/{number}/version")
    for address in addresses:
        answer = client.get(address, headers={"Accept": accept})
        assert answer.status_code == 404, address
        assert _release_of(answer) is None
        assert "set-cookie" not in answer.headers
        assert "<script>alert" not in answer.text or accept == "application/json"
        assert not re.search(r"/(work|tmp|home|root)/", answer.text)


def test_posts_are_answered_from_the_release_of_the_address(client: httpx.Client) -> None:
    for address, number in (("/sparql?release=0.2.0", "0.2.0"), ("/release/0.1.0/sparql", "0.1.0")):
        for form in (
            {"content": TITLE, "headers": {"Content-Type": "application/sparql-query"}},
            {"data": {"query": TITLE}},
        ):
            answer = client.post(address, **form)
            assert (answer.status_code, _release_of(answer)) == (200, number)
            title = answer.json()["results"]["bindings"][0]["title"]["value"]
            assert title == TITLES.get(number, "Ecosystem restoration")
    assert client.post("/sparql?release=0.9.0", data={"query": TITLE}).status_code == 404
    assert client.post("/release/0.2.0/version").status_code == 405


SILENT = [
    ("GET", "/sparql?query=ASK%7B%7D&release=0.2.0&release=0.1.0", None),
    ("GET", "/release/0.2.0/sparql?query=ASK%7B%7D&release=0.1.0", None),
    ("GET", "/sparql?query=ASK%7B%7D&rele%61se=0.2.0", None),
    ("GET", "/sparql?query=ASK%7B%7D&release=", None),
]


@pytest.mark.parametrize(("method", "address", "form"), SILENT, ids=[address for _, address, _ in SILENT])
def test_a_release_that_is_not_clear_is_never_guessed(
    client: httpx.Client, method: str, address: str, form: dict[str, str] | None
) -> None:
    """Either the one that was asked for answers, or the request is refused."""
    answer = client.request(method, address, data=form)
    assert answer.status_code in {400, 404} or ("=0.1.0" not in address and _release_of(answer) == "0.2.0")


def test_the_limit_of_addresses_holds_for_the_number_too(client: httpx.Client) -> None:
    assert client.get("/version?release=" + "9" * 20_000).status_code == 414


def test_an_answer_kept_for_one_release_is_not_given_for_another(client: httpx.Client) -> None:
    """The same address before and after, in every order, from what is kept and from the store."""
    for _ in range(3):
        for number in ("0.3.0", "0.2.0", "0.1.0", "current", "0.2.0"):
            answer = client.get("/sparql", params={"query": TITLE, "format": "csv", "release": number})
            assert answer.text.splitlines()[1] == TITLES.get(number, "Ecosystem restoration")
            assert client.get("/sparql", params={"query": TITLE, "format": "csv"}).text.endswith("restoration\r\n")


# -- a process of its own


@contextmanager
def _serving(build: Path) -> Iterator[tuple[int, str]]:
    """The service as a person starts it: its process, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "CBDGRAPH_ROOT": str(ROOT), "CBDGRAPH_BUILD": str(build), "CBDGRAPH_WORKERS": "2"}
    code = (
        "from cbdgraph.server import live, run; from cbdgraph.settings import Settings\n"
        f"live._IDLE_SECONDS = 2.0; run(Settings.read(port={port}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None
            try:
                httpx.get(f"http://127.0.0.1:{port}/health")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _children(process: int) -> int:
    """How many processes descend from one, by /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found, waiting = 0, [process]
    while waiting:
        parent = waiting.pop()
        children = [child for child, of in parents.items() if of == parent]
        found += len(children)
        waiting += children
    return found


def _memory(process: int) -> int:
    """MiB that a process holds for itself."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("RssAnon:")[2].split()[0]) // 1024


async def _ask_all(url: str, rounds: int, asked: set[str]) -> list[str]:
    """Ask for the title of every release, fifty requests at a time; what was wrong with an answer."""
    wrong = []
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=60)) as client:

        async def ask(number: str, salt: int) -> None:
            values = {"query": f"{TITLE} # {salt % 7}", "format": "csv", **({"release": number} if number else {})}
            answer = await client.get("/sparql", params=values)
            named = answer.headers.get("cbdgraph-release")
            if answer.status_code != 200:
                wrong.append(f"{number}: {answer.status_code} {answer.text[:200]}")
            elif (number and named != number) or (not number and named not in {"0.2.0", "0.3.0"}):
                wrong.append(f"{number} was answered by {named}")
            elif answer.text.splitlines()[1] != TITLES.get(named or "", "Ecosystem restoration"):
                wrong.append(f"{named} says {answer.text!r}")
            asked.add(named or "")

        for turn in range(rounds):
            numbers = ("0.1.0", "0.2.0", "", "", "0.1.0")
            await asyncio.gather(*(ask(numbers[n % 5], turn + n) for n in range(50)))
    return wrong


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_many_ask_all_releases_while_a_build_switches(tmp_path: Path) -> None:
    """Each answer is of the release that it names; afterwards processes and memory are as they were."""
    log = make_log()
    publish_log(tmp_path, Log(log.releases[:2]), older=2)
    with _serving(tmp_path) as (process, url):
        asyncio.run(_ask_all(url, 1, set()))
        time.sleep(5)
        children, memory = _children(process), _memory(process)

        async def ask_and_build() -> list[str]:
            asked: set[str] = set()
            asking = asyncio.create_task(_ask_all(url, 60, asked))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(publish_log, tmp_path, log, older=2)
            wrong = await asking
            while "0.3.0" not in asked:  # the machine was too quick
                wrong += await _ask_all(url, 1, asked)
                await asyncio.sleep(0.5)
            return wrong

        assert asyncio.run(ask_and_build()) == []
        deadline = time.monotonic() + 30
        while _children(process) > children and time.monotonic() < deadline:
            time.sleep(0.5)
        assert _children(process) == children, "workers of older releases, and of the one before, are ended"
        assert _memory(process) < memory + 60


@pytest.mark.slow
def test_an_older_release_is_closed_when_nobody_asks_and_opened_again(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_IDLE_SECONDS", 1.0)
    with running(root=ROOT, build=build, workers=1) as client:
        for _ in range(2):
            assert _release_of(client.get("/version?release=0.1.0")) == "0.1.0"
            opened = client.app.state.live._older  # type: ignore[attr-defined]
            assert list(opened) == ["0.1.0"]
            deadline = time.monotonic() + 15
            while opened:
                assert time.monotonic() < deadline
                time.sleep(0.2)


def test_a_folder_that_is_gone_or_torn_is_said_and_breaks_nothing_else(tmp_path: Path) -> None:
    release = publish_log(tmp_path, make_log(), older=2)
    torn = tmp_path / "releases" / release.manifest.older["0.2.0"]
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        (torn / "changes.jsonl").rename(torn / "away")
        for _ in range(2):
            answer = client.get("/version?release=0.2.0")
            assert answer.status_code == 503
            assert "/tmp" not in answer.text
        assert _release_of(client.get("/version?release=0.1.0")) == "0.1.0"
        (torn / "away").rename(torn / "changes.jsonl")
        assert _release_of(client.get("/version?release=0.2.0")) == "0.2.0"
