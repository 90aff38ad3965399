"""The desk when who writes to it is killed: every review that was acknowledged is there, and the chain is whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from cbdgraph.desk import Desk
from tests.test_desk_server import DEFINITION, make_service_root

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs signals of POSIX")]

KILLS = 24
WRITER = """
import sys
from pathlib import Path
from cbdgraph.desk import Desk
from cbdgraph.errors import DeskConflict
from tests.test_desk_store import DEFINITION, draft
desk = Desk.create(Path(sys.argv[1]))
people = [desk.access.invite(name, "editor")[0] for name in ("Ana", "Bo")]
n = 0
while True:
    version = len(desk.history(DEFINITION, "en"))
    entry = desk.record(draft(version, comment=f"{sys.argv[2]} {n} " + "x" * (n * 37 % 3000)), people[n % 2])
    print(entry.uid, entry.hash, flush=True)
    n += 1
"""
SERVER = """
import sys
from pathlib import Path
from cbdgraph.server.app import run
from cbdgraph.settings import Settings
run(Settings(root=Path(sys.argv[1]), port=0, workers=1, desk_writes=100_000))
"""


def test_a_writer_is_killed_at_any_moment(tmp_path: Path) -> None:
    """From its first breath on: also while it makes the file."""
    path, told = tmp_path / "desk" / "desk.sqlite", dict[str, str]()
    chance = random.Random(6)  # a fixed one: a failure comes again
    killed_at_work = 0
    for number in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline() if number % 3 else ""  # else it is killed before it says anything
        time.sleep(chance.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        rest, complaint = process.communicate(timeout=20)
        assert process.returncode == -signal.SIGKILL, complaint
        lines = [line.split() for line in (said + rest).splitlines(keepends=True) if line.endswith("\n")]
        told.update((uid, digest) for uid, digest in lines)
        killed_at_work += bool(lines)
        if path.exists() and told:
            desk = Desk.open(path)
            kept = {entry.uid: entry.hash for entry in desk.entries()}
            assert told.items() <= kept.items(), "a review that was acknowledged is lost"
            assert len(kept) <= len(told) + number + 1, "more than one at a time was not acknowledged"
            desk.close()
    assert killed_at_work > KILLS // 3, "it was seldom killed while it wrote: this tested little"
    desk = Desk.open(path)
    assert desk.find_faults() == []
    versions = [entry.version for entry in desk.history(DEFINITION, "en")]
    assert versions == list(range(1, len(versions) + 1))


def _start(root: Path, log: Path) -> tuple[subprocess.Popen[str], str]:
    """A service in a process of its own, and where it listens."""
    with log.open("w", encoding="utf-8") as written:
        process = subprocess.Popen([sys.executable, "-c", SERVER, str(root)], stderr=written, text=True)
    deadline = time.monotonic() + 30
    while " is served at " not in (said := log.read_text(encoding="utf-8")):
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.05)
    return process, said.partition(" is served at ")[2].split()[0].rstrip("/")


def test_the_service_is_killed_while_it_acknowledges(tmp_path: Path) -> None:
    root = make_service_root(tmp_path)
    desk = Desk.create(root / "desk" / "desk.sqlite")
    _, token = desk.access.invite("Ana", "editor")
    told: set[str] = set()
    chance = random.Random(8)
    for number in range(6):
        process, address = _start(root, tmp_path / f"log-{number}")
        # Amid an answer or between two, as it falls.
        killer = threading.Timer(chance.uniform(0.2, 0.8), process.kill)
        killer.start()
        try:
            with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=10) as client:
                version = len(desk.history(DEFINITION, "en"))
                while True:
                    review = {"subject": DEFINITION, "language": "en", "state": "in-review", "version": version}
                    answer = client.post("/desk/reviews", json={**review, "comment": f"{number} {version}"})
                    assert answer.status_code == 201, answer.text
                    told.add(answer.json()["uid"])
                    version += 1
        except httpx.TransportError:
            pass
        finally:
            killer.join(5)
            process.kill()
            process.wait(20)
        kept = {entry.uid for entry in desk.entries()}
        assert told <= kept, "a review that was answered with 201 is lost"
    assert len(told) > 50
    assert desk.find_faults() == []
