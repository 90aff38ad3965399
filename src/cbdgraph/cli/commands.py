"""One function per command: parsed arguments in, an exit code out; prints, imports only what the command needs."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cbdgraph.errors import EngineUnavailable, MissingFile, ParameterError, SettingsError, TurtleError

if TYPE_CHECKING:
    from cbdgraph.reports import ValidationReport
    from cbdgraph.settings import Settings
    from cbdgraph.store.releases import Release

GOOD: Final = 0
FAULTS: Final = 1
FAILED: Final = 2

# Above this a check takes minutes.
LARGE_FILE: Final = 2_000_000

REPORT_FORMATS: Final = ("text", "json", "turtle", "sarif", "junit")
QUERY_FORMATS: Final = ("csv", "tsv", "json", "xlsx", "sparql-json", "xml")
TABLE_FORMATS: Final = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/sparql-results+json",
    "xml": "application/sparql-results+xml",
}
GRAPH_FORMATS: Final = {
    "ttl": "text/turtle",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "jsonld": "application/ld+json",
}


def find_root(given: str | None) -> Path:
    """The folder that holds `ontology/` and `data/`: as given, else CBDGRAPH_ROOT, else here, else the package's."""
    named = given or os.environ.get("CBDGRAPH_ROOT")
    if named:
        root = path_of(named).resolve()
        if not (root / "ontology").is_dir():
            raise SettingsError("root", named, "there is no folder ontology/ in it")
        return root
    for root in (Path.cwd(), Path(__file__).resolve().parents[3]):
        if (root / "ontology").is_dir():
            return root
    raise SettingsError("root", str(Path.cwd()), "there is no folder ontology/ here; name the checkout with --root")


def _settings(args: argparse.Namespace, **given: Any) -> Settings:
    from cbdgraph.settings import Settings

    return Settings.read(root=find_root(args.root), **given)


def path_of(name: str) -> Path:
    """A file named on the command line, which is read as UTF-8, as the system's own encoding knows it."""
    return Path(os.fsdecode(name.encode("utf-8", "surrogateescape")))


def run_build(args: argparse.Namespace) -> int:
    from cbdgraph.pipeline import build

    built = build(_settings(args), say, force=args.force, show=show_faults)
    counts, name = built.release.manifest.counts, built.release.manifest.release
    state = "nothing changed since" if built.skipped else "built"
    say(f"{state} release {name}: {counts.asserted:,} triples asserted, {counts.inferred:,} inferred or derived")
    return GOOD


def run_validate(args: argparse.Namespace) -> int:
    from cbdgraph import reports
    from cbdgraph.pipeline import validate

    paths = [path_of(name) for name in args.files]
    sizes = {path: path.stat().st_size for path in paths if path.is_file()}
    for path, size in sizes.items():
        if size > LARGE_FILE and not args.large:
            limit = f"{LARGE_FILE / 10**6:.0f} MB"
            raise MissingFile(
                str(path),
                f"it has {size / 10**6:.1f} MB, and over {limit} a check takes minutes; split it, or add --large",
            )
    if sum(sizes.values()) > LARGE_FILE // 10:
        say(f"checking {sum(sizes.values()) / 10**6:.1f} MB of Turtle; a large file takes minutes")
    found = validate(_settings(args), paths, say)
    writers = {
        "text": reports.format_text,
        "json": reports.format_json,
        "turtle": reports.format_turtle,
        "sarif": reports.format_sarif,
        "junit": reports.format_junit,
    }
    sys.stdout.write(writers[args.format](found))
    return GOOD if found.conforms else FAULTS


def show_faults(found: ValidationReport) -> None:
    """What stops a build, in full; of what does not, only that it is there."""
    from dataclasses import replace

    from cbdgraph.reports import format_text

    if not found.conforms:
        stopping = tuple(problem for problem in found.problems if problem.severity == "violation")
        sys.stderr.write(format_text(replace(found, problems=stopping)))
    for shape in found.unmet:
        say(f"  note: nothing in the data is of the kind that {shape} is for")


def run_check_ontology(args: argparse.Namespace) -> int:
    from cbdgraph.pipeline import check_ontology

    found = check_ontology(_settings(args))
    if found.skipped:
        say(f"check-ontology: skipped: {found.skipped}")
        return GOOD
    for name in found.unsatisfiable:
        say(f"check-ontology: nothing can ever be a {name}: its axioms contradict each other")
    if not found.consistent:
        say("check-ontology: ontology and data contradict each other")
    for clash in found.clashes:
        say(f"  {clash}")
    if found.good:
        say(f"check-ontology: consistent, every class can have a member (HermiT, {found.seconds:.1f} s)")
    return GOOD if found.good else FAULTS


def run_serve(args: argparse.Namespace) -> int:
    from cbdgraph.store.releases import current_release

    data = tuple(path_of(name) for name in args.data) or None
    settings = _settings(args, host=args.host, port=args.port, data=data)
    _check_address(settings.host, settings.port)
    if not settings.data:
        from cbdgraph.pipeline import is_current

        if not is_current(settings):
            say("building the graph")
            # In a process of its own: what reasoning and validation take in memory is given back before serving.
            command = [sys.executable, "-m", "cbdgraph", "--root", str(settings.root), "build"]
            code = subprocess.run(command, check=False).returncode
            if code != GOOD and current_release(settings.build_path) is None:
                return FAULTS if code == FAULTS else FAILED
            if code != GOOD:
                say("cbdgraph: the release before is served")
    launched = None
    if not settings.data and (release := current_release(settings.build_path)) is not None:
        from cbdgraph.store.launch import launch

        in_memory = settings.holds_in_memory(release.manifest.triples)
        launched = launch(release.store_path, in_memory=in_memory, memory_mb=settings.worker_memory_mb)
    from cbdgraph.server.app import run

    run(settings, launched)
    return GOOD


def _check_address(host: str, port: int) -> None:
    """Before anything is built; `SettingsError` where nobody could listen."""
    import errno
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # as the server does, so that a port just left is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise SettingsError("host", host, f"no such address: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError("port", str(port), "another program listens there; choose one with --port") from error
        if error.errno == errno.EACCES:
            raise SettingsError("port", str(port), "not allowed to listen there; choose one over 1023") from error
        raise SettingsError("host", host, f"cannot listen there: {error.strerror}") from error


def _release(settings: Settings) -> Release:
    from cbdgraph.store.releases import current_release

    release = current_release(settings.build_path)
    if release is None:
        raise EngineUnavailable("nothing is built yet; run: cbdgraph build")
    return release


def run_query(args: argparse.Namespace) -> int:
    from cbdgraph.queries import find_query, read_queries

    settings = _settings(args)
    queries = read_queries(settings.queries_path)
    if args.name is None:
        for query in queries.values():
            names = " ".join(f"--{p.name} {p.example}" if p.required else f"[--{p.name} …]" for p in query.parameters)
            sys.stdout.write(f"{query.name} {names}".rstrip() + f"\n    {query.summary}\n")
        return GOOD
    find_query(queries, args.name).bind(args.values)  # says what is wrong in the words of the command line
    if args.format == "xlsx" and args.output is None and sys.stdout.isatty():
        raise ParameterError("format", "a workbook is no text for a terminal; name a file with --output")
    status, content = _ask_service(settings, f"/query/{args.name}", {**args.values, "format": args.format})
    if status != 200:
        import json

        say(f"cbdgraph: {json.loads(content).get('detail', status)}")
        return FAILED
    return _give(content, args.output)


def _ask_service(settings: Settings, path: str, values: Mapping[str, str]) -> tuple[int, bytes]:
    """The service's own answer to a GET, without a port: so that the command and the address never differ."""
    import asyncio
    from urllib.parse import urlencode

    from cbdgraph.server.app import create_app

    _release(settings)
    app = create_app(settings)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": urlencode(values).encode(),
        "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80),
        "client": ("localhost", 0),
    }
    status = 0
    pieces: list[bytes] = []

    async def send(message: Mapping[str, object]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(str(message["status"]))
        else:
            pieces.append(bytes(message.get("body", b"")))  # type: ignore[call-overload]

    async def ask() -> None:
        asked = False
        never = asyncio.Event()

        async def receive() -> Mapping[str, object]:
            nonlocal asked
            if asked:
                await never.wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async with app.router.lifespan_context(app):
            await app(scope, receive, send)  # type: ignore[arg-type]

    asyncio.run(ask())
    return status, b"".join(pieces)


def run_sparql(args: argparse.Namespace) -> int:
    import math

    from cbdgraph.store import Limits
    from cbdgraph.store.embedded import Store
    from cbdgraph.store.guard import check_query

    release = _release(_settings(args))
    text = sys.stdin.read() if args.file == "-" else _read_text(args.file)
    form = check_query(text, release.manifest.graphs).form
    formats = GRAPH_FORMATS if form == "triples" else TABLE_FORMATS
    chosen = args.format or ("ttl" if form == "triples" else "csv")
    if chosen not in formats:
        raise ParameterError("format", f"this query gives {form}; choose one of {', '.join(formats)}")
    # One's own machine and one's own query: only Ctrl-C ends it.
    limits = Limits(math.inf, sys.maxsize, sys.maxsize)
    answer = Store.open_read_only(release.store_path).answer(text, formats[chosen], limits)
    return _give(answer.content, args.output)


def run_fmt(args: argparse.Namespace) -> int:
    import difflib

    from cbdgraph.rdf.catalog import find_sources
    from cbdgraph.rdf.turtle import read_turtle, rewrite

    root = find_root(args.root)
    if args.files:
        missing = [name for name in args.files if not path_of(name).is_file()]
        if missing:
            raise MissingFile(missing[0])
        # A file that the user names is to be formatted, whatever it is.
        files = [(path_of(name), name, True) for name in args.files]
    else:
        files = [(source.path, source.name, source.is_formatted) for source in find_sources(root)]
    changed = faults = 0
    for path, name, wanted in files:
        try:
            file = read_turtle(path, name)
        except TurtleError as error:
            faults += 1
            say(str(error))
            continue
        if not wanted:
            if args.verbose:
                say(f"{name}: read, and left as it is (its blank nodes and comments have no place in this format)")
            continue
        try:
            text = rewrite(file)
        except TurtleError as error:
            faults += 1
            say(str(error))
            continue
        before = path.read_text(encoding="utf-8")
        if text == before:
            continue
        changed += 1
        if not args.check:
            path.write_text(text, encoding="utf-8")
            say(f"{name}: rewritten")
            continue
        say(f"{name}: not in the house format; run: cbdgraph fmt")
        if args.diff:
            lines = difflib.unified_diff(
                before.splitlines(), text.splitlines(), name, f"{name} (formatted)", lineterm=""
            )
            sys.stdout.write("".join(f"{line}\n" for line in lines))
    if args.verbose or (changed and args.check):
        say(f"{len(files)} files read, {changed} {'to change' if args.check else 'changed'}")
    return FAULTS if faults or (args.check and changed) else GOOD


def _read_text(name: str) -> str:
    try:
        return path_of(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise MissingFile(name, f"it cannot be read: {reason}") from error


def _give(content: bytes, output: str | None) -> int:
    if output is not None:
        try:
            path_of(output).write_bytes(content)
        except OSError as error:
            raise MissingFile(output, f"it cannot be written: {error.strerror}") from error
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    return GOOD


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
