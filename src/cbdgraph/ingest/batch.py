"""Many files in, their readings out in the order of their names: read by several processes, kept, and resumable.

What was read is kept as JSON under a name made of the file's content, the language, the names of terms and this
package's own code, so that a run that was stopped goes on where it was, and nothing is read twice. A file that cannot
be read, or whose reader dies, is a `Failure` and stops nobody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from cbdgraph.errors import CbdGraphError, MissingFile
from cbdgraph.ingest.reading import Reading, read_file
from cbdgraph.terminology.finding import Name, TermFinder

# What a folder is searched for; other files in it are named as left out.
SUFFIXES: Final = (".docx", ".htm", ".html", ".pdf", ".txt")
_CODE: Final = ("citations", "documents", "extraction", "ingest", "terminology")


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class _How:
    """How files are read: in which language, None to guess it, and for terms of which names."""

    language: str | None
    names: tuple[Name, ...]


def find_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The documents below a folder, by name, and the files that are none of the formats that are read."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return (
        [path for path in files if path.suffix.lower() in SUFFIXES],
        [path for path in files if path.suffix.lower() not in SUFFIXES],
    )


def read_files(
    paths: Iterable[Path],
    kept: Path,
    language: str | None = None,
    workers: int = 0,
    done: Callable[[], object] = lambda: None,
    names: tuple[Name, ...] = (),
) -> Iterator[Reading | Failure]:
    """Read documents with so many processes (0: one for each core), and give them in the order of `paths`.

    `kept` is the folder of what was read before; `done` is called after each file; `names` are those of the terms
    that are looked for.
    """
    rows = list(paths)
    how = _How(language, names)
    kept.mkdir(parents=True, exist_ok=True)
    found: dict[Path, Reading | Failure] = {}
    missing: list[Path] = []
    for path in rows:
        reading = _find_kept(path, kept, how)
        if reading is None:
            missing.append(path)
        else:
            found[path] = reading
            done()
    for path, result in _read_all(missing, how, workers or os.cpu_count() or 1):
        if isinstance(result, Reading):
            _keep(path, kept, how, result)
        found[path] = result
        done()
    for path in rows:
        yield found[path]


def _read_all(paths: list[Path], how: _How, workers: int) -> Iterator[tuple[Path, Reading | Failure]]:
    """Each file once; those that were under way when a process died are tried again, one at a time."""
    if len(paths) <= 1 or workers == 1:
        for path in paths:
            yield path, _read_one(path, how)
        return
    # Not forked: the parent may hold threads, and a child needs none of what the parent has loaded.
    context = get_context("spawn")
    again: list[Path] = []
    with ProcessPoolExecutor(min(workers, len(paths)), mp_context=context) as pool:
        futures: dict[Future[Reading | Failure], Path] = {pool.submit(_read_one, p, how): p for p in paths}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                again.append(futures[future])
    for path in sorted(again):
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            try:
                yield path, pool.submit(_read_one, path, how).result()
            except BrokenProcessPool:
                yield path, Failure(path, "the process that read it died; it may need more memory than there is")


def _read_one(path: Path, how: _How) -> Reading | Failure:
    try:
        return read_file(path, how.language, _finder(how.names))
    except CbdGraphError as error:
        return Failure(path, str(error).removeprefix(f"{path}: "))


def _find_kept(path: Path, kept: Path, how: _How) -> Reading | None:
    name = _name(path, how)
    if name is None:
        return None
    try:
        reading = Reading.from_json((kept / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None  # not there, or cut off when a run was stopped: it is read again
    return replace(reading, name=path.name)


def _keep(path: Path, kept: Path, how: _How, reading: Reading) -> None:
    name = _name(path, how)
    if name is None:
        return
    part = kept / f"{name}.{os.getpid()}.part"
    with contextlib.suppress(OSError):  # a full disk: the next run reads it again
        part.write_text(reading.to_json(), encoding="utf-8")
        part.replace(kept / name)


def _name(path: Path, how: _How) -> str | None:
    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
    return f"{content[:40]}-{how.language or 'any'}-{_code_hash()}-{_names_hash(how.names)}.json"


@cache
def _names_hash(names: tuple[Name, ...]) -> str:
    rows = "\n".join(f"{name.term} {name.preferred} {name.language} {name.text}" for name in names)
    return hashlib.sha256(rows.encode()).hexdigest()[:16]


@cache
def _finder(names: tuple[Name, ...]) -> TermFinder:
    """One for all files that a process reads."""
    return TermFinder(names)


@cache
def _code_hash() -> str:
    """A hash of the modules and word lists that decide what a reading holds."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for folder in _CODE:
        for path in sorted((package / folder).rglob("*")):
            if path.suffix in {".py", ".toml", ".lark"}:
                digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def check_files(paths: Iterable[Path]) -> None:
    """`MissingFile` for the first that is not there."""
    for path in paths:
        if not path.exists():
            raise MissingFile(str(path))
