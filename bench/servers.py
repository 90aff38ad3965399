"""The servers that are compared: a graph in, a running server on a free port out; measures nothing.

Each is started as its own project says, with its own defaults besides what the graph and the machine ask for: room
in memory, answers as large as ours, our graph as the default one. A peer that is not on this machine is named with
what would bring it; nothing is installed from here besides Python packages and one jar under build/bench/.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.graphs import FOLDER, ROOT, Graph
from bench.load import HOST, ask

FUSEKI: Final = "5.5.0"
_VENV: Final = FOLDER / "venv"
_PACKAGES: Final = ("oxigraph", "rdflib-endpoint", "oxrdflib", "uvicorn")
_VIRTUOSO_GRAPH: Final = "https://w3id.org/cbdgraph/bench"
_START_SECONDS: Final = 600.0


class Missing(Exception):
    """A peer that is not on this machine, and what would bring it."""


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is named, where it answers, and whether it is too slow for rounds side by side with others."""

    name: str
    path: str = "/sparql"
    slow: bool = False

    def prepare(self, graph: Graph, /) -> None:
        """Install and load what can be done before a start; `Missing` where that is not possible."""

    def command(self, graph: Graph, /, port: int) -> list[str]:
        """What starts it in the foreground."""
        raise NotImplementedError

    def version(self) -> str:
        """The version, as the table names it."""
        return ""

    def environment(self) -> Mapping[str, str]:
        """Its environment."""
        return os.environ

    def starts_from(self, _: Graph, /) -> str:
        """What it reads when it is started."""
        return "a database loaded before"


class Ours(Server):
    def command(self, graph: Graph, /, port: int) -> list[str]:
        serve = [sys.executable, "-m", "cbdgraph", "--root", str(ROOT), "serve", "--port", str(port)]
        return serve if graph.name == "real" else [*serve, "--data", str(graph.file)]

    def prepare(self, graph: Graph, /) -> None:
        if graph.name == "real":
            _run([sys.executable, "-m", "cbdgraph", "--root", str(ROOT), "build"])

    def version(self) -> str:
        from importlib.metadata import version
        from importlib.util import find_spec

        under = "pyoxigraph", "uvicorn", "uvloop", "httptools"
        return f"cbdgraph {version('cbdgraph')} on " + ", ".join(
            f"{package} {version(package)}" for package in under if find_spec(package)
        )

    def starts_from(self, graph: Graph, /) -> str:
        return "`make serve`, nothing changed" if graph.name == "real" else "the file"

    def environment(self) -> Mapping[str, str]:
        """This checkout, wherever the package is installed from."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}


class Oxigraph(Server):
    def prepare(self, graph: Graph, /) -> None:
        _make_venv()
        place = self._place(graph)
        if not (place / "loaded").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            store = str(place / "store")
            _run([str(_VENV / "bin" / "oxigraph"), "load", "--location", store, "--file", str(graph.file)])
            _run([str(_VENV / "bin" / "oxigraph"), "optimize", "--location", store])
            (place / "loaded").touch()

    def command(self, graph: Graph, /, port: int) -> list[str]:
        store = str(self._place(graph) / "store")
        program = str(_VENV / "bin" / "oxigraph")
        return [program, "serve-read-only", "--location", store, "--bind", f"{HOST}:{port}", "--timeout-s", "20"]

    def version(self) -> str:
        return f"oxigraph {_installed('oxigraph')} (server, RocksDB, read-only)"

    def _place(self, graph: Graph) -> Path:
        return FOLDER / f"oxigraph-{graph.digest}"


class RdflibEndpoint(Server):
    def prepare(self, _: Graph, /) -> None:
        _make_venv()

    def command(self, graph: Graph, /, port: int) -> list[str]:
        program = [str(_VENV / "bin" / "rdflib-endpoint"), "serve", "--host", HOST, "--port", str(port)]
        store = "Oxigraph" if "Oxigraph" in self.name else "default"
        return [*program, "--store", store, str(graph.file)]

    def version(self) -> str:
        if "Oxigraph" in self.name:
            return f"oxrdflib {_installed('oxrdflib')}"
        return f"rdflib-endpoint {_installed('rdflib-endpoint')}, rdflib {_installed('rdflib')}"

    def starts_from(self, _: Graph, /) -> str:
        return "the file"


class Virtuoso(Server):
    def prepare(self, graph: Graph, /) -> None:
        if not (shutil.which("virtuoso-t") and shutil.which("isql-vt")):
            raise Missing("not installed: apt-get install virtuoso-opensource-7")
        place = self._place(graph)
        if (place / "loaded").exists():
            return
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        port, sql_port = free_port(), free_port()
        self._configure(graph, port, sql_port)
        statements = (
            f"ld_dir('{graph.file.parent}', '{graph.file.name}', '{_VIRTUOSO_GRAPH}');"
            " rdf_loader_run(); checkpoint; select count(*) from DB.DBA.LOAD_LIST where ll_error is not null;"
        )
        with run_server(self, graph, port):
            _run(["isql-vt", f"{HOST}:{sql_port}", "dba", "dba", f"exec={statements}"])
            _run(["isql-vt", f"{HOST}:{sql_port}", "dba", "dba", "exec=shutdown;"], check=False)
        (place / "loaded").touch()

    def command(self, graph: Graph, /, port: int) -> list[str]:
        place = self._place(graph)
        if f"{port}\n" not in (place / "port").read_text(encoding="ascii"):
            self._configure(graph, port, free_port())
        return ["virtuoso-t", "+foreground", "+wait", "+configfile", str(place / "virtuoso.ini")]

    def version(self) -> str:
        answer = subprocess.run(["virtuoso-t", "-?"], capture_output=True, text=True, check=False)
        words = f"{answer.stdout} {answer.stderr}".split()
        number = words[words.index("Version") + 1] if "Version" in words else "?"
        return f"Virtuoso {number}"

    def _place(self, graph: Graph) -> Path:
        return FOLDER / f"virtuoso-{graph.digest}"

    def _configure(self, graph: Graph, port: int, sql_port: int) -> None:
        """Its own defaults, with room for the graph in memory, as its sample file advises for 2 GB."""
        place = self._place(graph)
        files = {"DatabaseFile": "db", "ErrorLogFile": "log", "LockFile": "lck", "TransactionFile": "trx"}
        database = [f"{name} = {place}/virtuoso.{ending}" for name, ending in files.items()]
        temporary = [f"DatabaseFile = {place}/temp.db", f"TransactionFile = {place}/temp.trx"]
        parameters = [
            f"ServerPort = {HOST}:{sql_port}",
            "DisableUnixSocket = 1",
            "CheckpointInterval = 0",
            "SchedulerInterval = 10",
            f"DirsAllowed = {graph.file.parent}",
            "NumberOfBuffers = 170000",
            "MaxDirtyBuffers = 130000",
            "ThreadsPerQuery = 2",
            "AsyncQueueMaxThreads = 2",
            "MaxQueryMem = 2G",
        ]
        http = [
            f"ServerPort = {HOST}:{port}",
            f"ServerRoot = {place}",
            "ServerThreads = 20",
            "MaxClientConnections = 20",
            "MaxKeepAlives = 20",
            "KeepAliveTimeout = 60",
        ]
        sparql = ["ResultSetMaxRows = 100000", f"DefaultGraph = {_VIRTUOSO_GRAPH}", "MaxQueryExecutionTime = 20"]
        sections = {
            "Database": [*database, f"xa_persistent_file = {place}/virtuoso.pxa", "TempStorage = TempDatabase"],
            "TempDatabase": temporary,
            "Parameters": parameters,
            "HTTPServer": http,
            "SPARQL": sparql,
        }
        text = "\n\n".join("\n".join((f"[{name}]", *lines)) for name, lines in sections.items())
        (place / "virtuoso.ini").write_text(text + "\n", encoding="utf-8")
        (place / "port").write_text(f"{port}\n", encoding="ascii")


class Fuseki(Server):
    def prepare(self, graph: Graph, /) -> None:
        if not self._jar().exists():
            if not (shutil.which("mvn") and shutil.which("java")):
                raise Missing("not installed: needs Java 17 and Maven (apt-get install maven)")
            artifact = f"org.apache.jena:jena-fuseki-server:{FUSEKI}"
            _run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={FOLDER}/java"])
        if not shutil.which("java"):
            raise Missing("not installed: needs Java 17")
        place = self._place(graph)
        if not (place / "loaded").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            loader = ["java", "-cp", str(self._jar()), "tdb2.tdbloader", "--loc", str(place / "store")]
            _run([*loader, str(graph.file)])
            (place / "loaded").touch()

    def command(self, graph: Graph, /, port: int) -> list[str]:
        place = self._place(graph)
        program = ["java", "-Xmx4g", "-jar", str(self._jar()), "--localhost", f"--port={port}", "--timeout=20000"]
        return [*program, "--tdb2", f"--loc={place / 'store'}", "/sparql"]

    def version(self) -> str:
        return f"Apache Jena Fuseki {FUSEKI} (TDB2)"

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "FUSEKI_BASE": str(FOLDER / "fuseki")}

    def _jar(self) -> Path:
        return FOLDER / "java" / f"jena-fuseki-server-{FUSEKI}.jar"

    def _place(self, graph: Graph) -> Path:
        return FOLDER / f"fuseki-{graph.digest}"


@dataclass(frozen=True, slots=True)
class Floor(Ours):
    size: int = 4096

    def prepare(self, _: Graph, /) -> None:
        """Nothing: it has no graph."""

    def command(self, _: Graph, /, port: int) -> list[str]:
        return [sys.executable, "-m", "bench.floor", str(port), str(self.size)]

    def version(self) -> str:
        return f"uvicorn as ours, {self.size:,} constant bytes"


SERVERS: Final[Mapping[str, Server]] = {
    "ours": Ours("cbdgraph"),
    "oxigraph": Oxigraph("Oxigraph's server", "/query"),
    "virtuoso": Virtuoso("Virtuoso"),
    "fuseki": Fuseki("Fuseki"),
    "rdflib-oxigraph": RdflibEndpoint("rdflib-endpoint, Oxigraph", "/", slow=True),
    "rdflib-memory": RdflibEndpoint("rdflib-endpoint, Memory", "/", slow=True),
}


@contextmanager
def run_server(server: Server, graph: Graph, port: int, request: bytes = b"") -> Iterator[float]:
    """A running server; the value is the seconds from its start to the first answer. Ended whatever happens."""
    log = FOLDER / f"{server.name.replace(' ', '-').replace(',', '')}.log"
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command(graph, port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=server.environment(),
            cwd=FOLDER,
            start_new_session=True,
        )
    try:
        _wait(server, process, port, request, log)
        yield time.perf_counter() - started
    finally:
        _end(process)


def _wait(server: Server, process: subprocess.Popen[bytes], port: int, request: bytes, log: Path) -> None:
    deadline = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise Missing(f"{server.name} ended at once: {''.join(tail)}")
        try:
            if not request:
                socket.create_connection((HOST, port), timeout=1).close()
                return
            if ask(port, request, seconds=30)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.005)
    raise Missing(f"{server.name} did not answer within {_START_SECONDS:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and those that it started, which are in a session of their own."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _make_venv() -> None:
    if (_VENV / "installed").exists():
        return
    _run([sys.executable, "-m", "venv", str(_VENV)])
    _run([str(_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", *_PACKAGES])
    (_VENV / "installed").touch()


def _installed(package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return _run([str(_VENV / "bin" / "python"), "-c", code]).strip()


def _run(command: list[str], *, check: bool = True) -> str:
    """The output of a command; `Missing` with its last line if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if check and done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[:1]
        raise Missing(f"{Path(command[0]).name} failed: {''.join(words)}")
    return done.stdout
