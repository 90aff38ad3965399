"""Texts that are meant ill, and the limits of /parse; and that the command line gives what the routes give."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from cbdgraph.cli import main
from cbdgraph.server.cited import read_text
from cbdgraph.server.examples import EXAMPLES
from cbdgraph.server.live import Live
from cbdgraph.server.readers import _PROCESSES
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_citations import PLAIN, ask
from tests.test_server_citations import root as root
from tests.test_server_pages import HTML, check
from tests.test_server_running import problem, running
from tests.test_worker import gone

RANGES = "decision X/2, paragraphs 1-99; " * 8000  # more than one may wait for
SECRET = "Zaphod"


def live(client: httpx.Client) -> Live:
    found: Live = client.app.state.live  # type: ignore[attr-defined]
    return found


def until(is_so: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


def test_the_processes_that_read_load_no_server() -> None:
    code = (
        "import sys, cbdgraph.server.reading\n"
        "print(sorted({'starlette', 'uvicorn', 'pyoxigraph', 'rdflib', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_health_answers_while_texts_are_read(root: Path) -> None:
    with running(root=root, workers=1, query_seconds=3.0, per_client=4) as client, ThreadPoolExecutor(8) as threads:
        assert live(client).readers.process_ids == ()  # nobody has sent a text
        ask(client, "decision X/2")
        post = [threads.submit(client.post, "/parse", content=RANGES.encode(), headers=PLAIN) for _ in range(2)]
        until(lambda: live(client).readers._running)
        times = []
        for _ in range(100):
            start = time.perf_counter()
            assert client.get("/health").status_code == 200
            times.append(time.perf_counter() - start)
            time.sleep(0.005)
        assert not any(each.done() for each in post)
        assert client.get("/target/aichi/15").status_code == 200
        assert client.get("/resolve", params={"citation": "XI/16"}).status_code == 303
        times.sort()
        assert times[50] < 0.1, times
        assert times[-2] < 0.3, times
        assert {each.result().status_code for each in post} <= {504, 503}


def test_a_text_over_its_time_ends_its_process(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), running(root=root, workers=1, query_seconds=0.5) as client:
        ask(client, "decision X/2")
        (pid,) = live(client).readers.process_ids
        response = client.post("/parse", content=f"{SECRET} {RANGES}".encode(), headers=PLAIN)
        document = problem(response, "timeout")
        assert "0.5 seconds" in document["detail"]
        assert "pieces" in document["remedy"]
        until(lambda: gone(pid), 2)
        until(lambda: live(client).readers.process_ids not in {(), (pid,)})  # another has its place already
        ask(client, "decision X/2")
        page = client.post("/parse", content=RANGES.encode(), headers={**PLAIN, **HTML})
        assert page.status_code == 504
        check(page.text)
        assert not live(client).readers._under_way
        last = live(client).readers.process_ids
    assert all(gone(pid) for pid in last)
    assert SECRET not in caplog.text


def test_one_address_has_only_so_many_texts_under_way(root: Path) -> None:
    with running(root=root, workers=1, query_seconds=1.5, per_client=2, proxies="127.0.0.1") as client:

        def post(text: str, address: str) -> httpx.Response:
            return client.post("/parse", content=text.encode(), headers={**PLAIN, "X-Forwarded-For": address})

        ask(client, "decision X/2")
        with ThreadPoolExecutor(4) as threads:
            slow = [threads.submit(post, RANGES, "203.0.113.1") for _ in range(2)]
            until(lambda: sum(live(client).readers._under_way.values()) == 2)
            refused = post("X/2", "203.0.113.1")
            assert problem(refused, "too-many")["value"] == 2
            assert int(refused.headers["retry-after"]) >= 1
            start = time.monotonic()
            assert post("decision X/2", "203.0.113.2").status_code == 200  # who holds one process leaves the other
            assert time.monotonic() - start < 5  # which may have to be started
            assert sorted(each.result().status_code for each in slow) in ([503, 504], [504, 504])


def test_a_full_queue_of_texts_says_when_to_come_again(root: Path) -> None:
    with running(root=root, workers=1, query_seconds=2.0, queue=0, proxies="127.0.0.1") as client:

        def post(text: str, address: str) -> httpx.Response:
            return client.post("/parse", content=text.encode(), headers={**PLAIN, "X-Forwarded-For": address})

        with ThreadPoolExecutor(4) as threads:
            slow = [threads.submit(post, RANGES, f"203.0.113.{number}") for number in range(_PROCESSES)]
            until(lambda: sum(live(client).readers._running.values()) == _PROCESSES)
            refused = post("X/2", "203.0.113.9")
            assert problem(refused, "unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            assert {each.result().status_code for each in slow} == {504}


def has_ended(pid: int) -> bool:
    """Whether a process is dead, though its parent may not have looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_who_leaves_or_dies_frees_a_process(root: Path) -> None:
    with running(root=root, workers=1, query_seconds=20.0) as client:
        ask(client, "decision X/2")
        (pid,) = live(client).readers.process_ids
        with pytest.raises(httpx.ReadTimeout):
            client.post("/parse", content=RANGES.encode(), headers=PLAIN, timeout=0.5)
        until(lambda: gone(pid), 3)
        ask(client, "decision X/2")
        for pid in live(client).readers.process_ids:
            os.kill(pid, signal.SIGKILL)  # while it does nothing
            until(partial(has_ended, pid), 3)
        ask(client, "decision X/2")
        with ThreadPoolExecutor(1) as threads:
            post = threads.submit(client.post, "/parse", content=RANGES.encode(), headers=PLAIN)
            until(lambda: live(client).readers._running)
            time.sleep(0.3)
            for pid in live(client).readers.process_ids:
                os.kill(pid, signal.SIGKILL)
            answer = post.result()
            assert problem(answer, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        ask(client, "decision X/2")


def test_texts_over_a_limit_are_never_cut(root: Path) -> None:
    text = "decision X/2. " * 200
    with running(root=root, workers=1, max_rows=100) as client:
        for headers in (PLAIN, {**PLAIN, "Accept": "text/csv"}):
            document = problem(client.post("/parse", content=text.encode(), headers=headers), "too-large")
            assert (document["limit"], document["value"], document["complete"]) == ("rows", 100, False)
        assert len(ask(client, "decision X/2. " * 100)["citations"]) == 100
    with running(root=root, workers=1, max_bytes=1024, max_text_bytes=5000) as client:
        assert problem(client.post("/parse", content=text.encode(), headers=PLAIN), "too-large")["limit"] == "bytes"
        problem(client.post("/parse", content=text.encode() * 2, headers=PLAIN), "body-too-large")
        assert client.get("/parse").json()["limits"]["text_bytes"] == 5000
    with running(root=root, workers=1, worker_memory_mb=64) as client:
        document = problem(client.post("/parse", content=RANGES.encode(), headers=PLAIN), "too-large")
        assert document["limit"] == "memory"
        ask(client, "decision X/2")


# The command line gives the same.


def test_the_command_gives_what_the_route_gives(
    release: Release, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = release.path.parents[1]
    monkeypatch.setenv("CBDGRAPH_BUILD", str(build))

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["--root", str(ROOT), *arguments])
        return code, capfdbinary.readouterr().out.decode()

    text = "\r\n".join(EXAMPLES.values())
    file = tmp_path / "text.txt"
    file.write_bytes(text.encode())
    written = [
        "KMGBF target 3",
        "GSPC target 4",
        "第XI/16号决定第5段(d)",
        "XI/16 para 99",
        "Article 8(j) of the Convention",
    ]
    with running(root=ROOT, build=build, workers=1) as client:
        for name in ("json", "tsv"):
            response = client.post(f"/parse?lang=en&format={name}", content=text.encode(), headers=PLAIN)
            assert run("parse", str(file), "--lang", "en", "--format", name) == (0, response.text)
        for citation in written:
            response = client.get("/resolve", params={"citation": citation})
            code, out = run("resolve", "--json", citation)
            if response.status_code == 303:
                assert (code, json.loads(out)["candidates"][0]["path"]) == (0, response.headers["location"])
            else:
                assert (code, json.loads(out)) == (1, response.json())
    code, out = run("parse", str(file), "--lang", "zh")
    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [line[3] for line in lines] == [each.iri or "-" for each in read_text(text, "zh").citations]
    assert run("parse", str(tmp_path / "none.txt"))[0] == 2
    file.write_bytes(b"\xff")
    assert run("parse", str(file))[0] == 2
