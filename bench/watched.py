"""A service of ours and its processes, seen from outside: settings in, memory and descriptors out; needs Linux."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.graphs import FOLDER, ROOT
from bench.load import HOST
from bench.servers import Missing, free_port

_START_SECONDS: Final = 60.0
_PROGRAM: Final = "from cbdgraph.server import run; from cbdgraph.settings import Settings; run(Settings.read())"


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB: proportional share (what is shared is divided among those who share it) and what is its own."""

    share: float
    own: float


@dataclass(frozen=True, slots=True)
class Service:
    """A running service on a port, whose processes are found by their parents."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def parents(self) -> list[int]:
        """The parents of workers: one, or two while a release takes over."""
        return _children(self.process.pid)

    @property
    def workers(self) -> list[int]:
        """All workers."""
        return [worker for parent in self.parents for worker in _children(parent)]

    def ask(
        self, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None, seconds: float = 60.0
    ) -> tuple[int, bytes]:
        """One request on a connection of its own, a POST if there is a body: status and body."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=seconds)
        try:
            connection.request("POST" if body else "GET", target, body or None, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def run_service(settings: Mapping[str, str]) -> Iterator[Service]:
    """A service with these settings, besides the defaults; ended whatever happens."""
    port = free_port()
    own = {f"CBDGRAPH_{name.upper()}": value for name, value in settings.items()}
    usual = {name: value for name, value in os.environ.items() if not name.startswith("CBDGRAPH_")}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "watched.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**usual, "PYTHONPATH": str(ROOT / "src"), "CBDGRAPH_PORT": str(port), **own},
            cwd=ROOT,
        )
    service = Service(process, port)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with suppress(OSError, http.client.HTTPException):
                if service.ask("/sparql?query=ASK%7B%7D")[0] == 200:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise Missing("the service did not start")
            time.sleep(0.05)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measure_memory(pid: int) -> Memory:
    """What a process takes now; nothing if it has ended."""
    share = own = 0
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
            name, size, *_ = line.split()
            if name == "Pss:":
                share += int(size)
            elif name in {"Private_Clean:", "Private_Dirty:"}:
                own += int(size)
    return Memory(share / 1024, own / 1024)


def measure_processor(pid: int) -> float:
    """Seconds that a process has had of a processor; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def count_descriptors(pid: int) -> int:
    """Open files, sockets and pipes of a process."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []
