"""Cutting a release: a checkout, a number and a time in; the change log with one more release, and its build, out.

What is released is what `cbdgraph build` makes of the files, compared with the release before resource by resource.
No clock is read: number and time come from the tag of the commit, or are given.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cbdgraph.changelog import (
    FOLDER,
    TIME_FORMAT,
    Log,
    LoggedRelease,
    UnexplainedWithdrawal,
    compare,
    parse_number,
    read_log,
    read_withdrawals,
    replace_file,
    split_resources,
    write_release,
)
from cbdgraph.errors import BuildError, InvalidName
from cbdgraph.iris import mint
from cbdgraph.model import Text
from cbdgraph.namespaces import ABOUT, BASE, GRAPHS, PREFIXES, WITHDRAWN
from cbdgraph.pipeline import Report, Show, build, make_graphs, say_nothing
from cbdgraph.rdf.turtle import read_turtle, rewrite
from cbdgraph.settings import Settings
from cbdgraph.store.canonical import canonical_lines, hash_lines
from cbdgraph.store.releases import Release, join_graphs, release_lock

_RELEASES: Final = Path("data/turtle/releases.ttl")
_WITHDRAWN: Final = Path("data/turtle/withdrawn.ttl")
_FILES: Final = (_RELEASES, _WITHDRAWN)
_TAG: Final = re.compile(r"v(?P<number>[0-9]+\.[0-9]+\.[0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class Tag:
    """What a release is called and when it was issued (UTC, as `TIME_FORMAT` writes it)."""

    number: str
    issued: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What a new release says, and where it is; `path` and `built` are None if it was only looked at."""

    release: LoggedRelease
    path: Path | None = None
    built: Release | None = None


def find_tag(root: Path) -> Tag | None:
    """The release tag (`v0.2.0`) of the commit that is checked out; None if it has none, or there is no git."""
    form = "--format=%(refname:short) %(creatordate:iso-strict)"
    command = ["git", "for-each-ref", "--points-at=HEAD", form, "refs/tags"]
    try:
        ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    tags = [
        Tag(match["number"], parse_time(when))
        for name, _, when in (line.partition(" ") for line in ran.stdout.splitlines())
        if (match := _TAG.match(name))
    ]
    return max(tags, key=lambda tag: parse_number(tag.number), default=None)


def parse_time(text: str) -> str:
    """A day, or a time with its zone, as the log writes it: UTC in whole seconds; `InvalidName` for anything else.

    >>> parse_time("2026-11-25"), parse_time("2026-11-25T10:30:00+02:00")
    ('2026-11-25T00:00:00Z', '2026-11-25T08:30:00Z')
    """
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return f"{date.fromisoformat(text)}T00:00:00Z"
        when = datetime.fromisoformat(text)
        utc = when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidName("time", text, "expected a day such as 2026-11-25, or 2026-11-25T10:30:00Z") from error
    if when.tzinfo is None:
        raise InvalidName("time", text, "a time needs its zone, such as 2026-11-25T10:30:00Z")
    return utc.strftime(TIME_FORMAT)


def cut_release(
    settings: Settings,
    tag: Tag,
    report: Report = say_nothing,
    *,
    withdraw: str = "",
    dry: bool = False,
    show: Show = say_nothing,
) -> Cut:
    """Add a release to the log and build it; with `dry` only say what it would be, and write nothing.

    `withdraw` is the reason for everything that is gone and of which data/turtle/withdrawn.ttl does not tell; it is
    written there. `BuildError` if the number or time is not after the last, or the data are those of the last;
    `UnexplainedWithdrawal` if something is gone and nothing says why; `DataFaults` if the data are not good.
    """
    with release_lock(settings.build_path):
        log = read_log(settings.root / FOLDER)
        _check_follows(tag, log.last)
        try:
            with TemporaryDirectory() as folder:
                copy = replace(settings, root=_copy(settings.root, Path(folder)))
                _add_release(copy.root / _RELEASES, tag)
                release = _compare(copy, tag, log, report, show, withdraw)
                files = {name: (copy.root / name).read_bytes() for name in _FILES if (copy.root / name).exists()}
        except OSError as error:
            raise BuildError(f"there is no room to work in: {error.strerror}") from error
        return Cut(release) if dry else _write(settings, release, files, report, show)


def _write(
    settings: Settings, release: LoggedRelease, files: Mapping[Path, bytes], report: Report, show: Show
) -> Cut:
    """Everything at once, and all of it back as it was if the build does not give what was compared."""
    paths = {settings.root / name: content for name, content in files.items()}
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    written: Path | None = None
    try:
        for path, content in paths.items():
            if content != before[path]:
                replace_file(path, content)
        written = write_release(settings.root / FOLDER, release)
        built = build(settings, report, show=show).release
        if built.manifest.data_hash != release.data_hash:
            raise BuildError(f"what is built is not what was compared: {built.manifest.data_hash}")
    except BaseException as error:
        _restore(before)
        if written is not None:
            written.unlink()
        if isinstance(error, OSError):
            raise BuildError(f"the release cannot be built: {error.strerror}") from error
        raise
    return Cut(release, written, built)


def _copy(root: Path, folder: Path) -> Path:
    """What a build reads, so that nothing of the checkout is touched before all is known."""
    for name in ("ontology", "queries", "data/turtle"):
        shutil.copytree(root / name, folder / name)
    return folder


def _compare(settings: Settings, tag: Tag, log: Log, report: Report, show: Show, withdraw: str) -> LoggedRelease:
    """What the release would be; what is gone for the reason `withdraw` is written down first."""
    before, previous = log.replay(), log.last
    gone = {entry.resource for release in log.releases for entry in release.entries if entry.change == "withdrawn"}
    while True:
        graphs = make_graphs(settings, report, show)
        own = {name: lines for name, lines in graphs.items() if name not in ABOUT}
        quads = canonical_lines(list(join_graphs(own)))
        withdrawals = read_withdrawals(graphs.get(WITHDRAWN, ()))
        try:
            entries = compare(before, split_resources(quads, canonical_lines), withdrawals, gone)
        except UnexplainedWithdrawal as error:
            if not withdraw:
                raise
            _add_withdrawals(settings.root / _WITHDRAWN, error.resources, withdraw)
            withdraw = ""
            continue
        # What is said of a file's graph, such as its size, follows from what is in it.
        itself = mint(f"release/{tag.number}")
        if all(entry.resource == itself or entry.resource.startswith(GRAPHS) for entry in entries):
            raise BuildError("nothing would differ from the release before but the number")
        return LoggedRelease(tag.number, tag.issued, hash_lines(quads), previous.number if previous else "", entries)


def _check_follows(tag: Tag, last: LoggedRelease | None) -> None:
    number = parse_number(tag.number)
    if last is None:
        return
    if number <= last.sort_key:
        raise BuildError(f"release {tag.number} does not come after {last.number}, the last one in the change log")
    if tag.issued <= last.issued:
        raise BuildError(f"{tag.issued} is not after {last.issued}, when release {last.number} was issued")


def _add_release(path: Path, tag: Tag) -> None:
    """Say in the data that there is this release, on this day; what a release that was not cut left is mended."""
    day = tag.issued.partition("T")[0]
    text = path.read_text(encoding="utf-8") if path.exists() else _head("Releases of this graph.")
    head = rf'(<release/{re.escape(tag.number)}> a cbd:Release ;.*?dcterms:issued ")[0-9-]+'
    said = re.compile(head, re.DOTALL)
    if said.search(text):
        path.write_text(said.sub(rf"\g<1>{day}", text, count=1), encoding="utf-8")
        return
    block = f"""
<release/{tag.number}> a cbd:Release ;
    cbd:symbol "{tag.number}" ;
    dcterms:issued "{day}"^^xsd:date .
"""
    path.write_text(text + block, encoding="utf-8")


def _add_withdrawals(path: Path, resources: Sequence[str], reason: str) -> None:
    comment = "What this graph described once and does not any more, and why. A name is never used again."
    text = path.read_text(encoding="utf-8") if path.exists() else _head(comment)
    said = Text(reason, language="en")
    blocks = [f"\n{_written(name)} a cbd:Withdrawal ;\n    cbd:withdrawalReason {said} .\n" for name in resources]
    path.write_text(text + "".join(blocks), encoding="utf-8")
    path.write_text(rewrite(read_turtle(path, _WITHDRAWN.as_posix())), encoding="utf-8")


def _written(iri: str) -> str:
    """An IRI as the house format writes it."""
    return f"<{iri.removeprefix(BASE)}>"


def _head(comment: str) -> str:
    used = ("cbd", "xsd", "dcterms")
    prefixes = "".join(f"@prefix {name}: <{PREFIXES[name]}> .\n" for name in used)
    return f"# {comment}\n\n@base <{BASE}> .\n{prefixes}"


def _restore(files: Mapping[Path, bytes | None]) -> None:
    for path, content in files.items():
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)
