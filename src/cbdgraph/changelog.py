"""The append-only log of changes: what is said about each resource, release by release, in; what changed, and any
release as it was, out. Lines of canonical N-Quads, no RDF library.

A resource is an IRI with every statement about it and the blank nodes that hang on it, so that each statement of the
dataset belongs to exactly one resource. Replaying the log from its beginning gives the dataset of any release:

    data/releases/<number>.jsonl.gz     a head, then one line for each resource that was created, changed, withdrawn

The log is a record, not derived: no later build could make again what an earlier program inferred.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import quote

from cbdgraph.errors import BuildError, InvalidName
from cbdgraph.iris import mint
from cbdgraph.namespaces import BASE, expand
from cbdgraph.quads import relabel, values_of

Change = Literal["created", "changed", "withdrawn"]
CHANGES: Final = ("created", "changed", "withdrawn")
FOLDER: Final = Path("data/releases")
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"

_ENDING: Final = ".jsonl.gz"
_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.(?:0|[1-9][0-9]{0,8})){2}\Z")
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why a resource is no longer described, in English, and what stands in its place."""

    reason: str
    replacements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one resource in a release; `content` is all that is said about it from then on."""

    resource: str
    change: Change
    content: tuple[str, ...] = ()  # sorted lines of canonical N-Quads
    withdrawal: Withdrawal | None = None


@dataclass(frozen=True, slots=True)
class LoggedRelease:
    """One release of the log.

    `issued` is UTC as `TIME_FORMAT` writes it, `data_hash` the SHA-256 of the whole dataset in canonical N-Quads.
    """

    number: str
    issued: str
    data_hash: str
    previous: str
    entries: tuple[Entry, ...]

    @property
    def when(self) -> datetime:
        """`issued` as a datetime with UTC as its zone."""
        return datetime.fromisoformat(self.issued)

    @property
    def sort_key(self) -> tuple[int, ...]:
        """Releases in the order of their numbers."""
        return parse_number(self.number)

    def count(self, change: Change) -> int:
        """How many resources met this change."""
        return sum(entry.change == change for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Log:
    """All releases, the oldest first."""

    releases: tuple[LoggedRelease, ...] = ()

    @property
    def last(self) -> LoggedRelease | None:
        return self.releases[-1] if self.releases else None

    def until(self, number: str) -> Self:
        """The log as it was when that release was cut; `KeyError` for one that is not in it."""
        for index, release in enumerate(self.releases, 1):
            if release.number == number:
                return type(self)(self.releases[:index])
        raise KeyError(number)

    def replay(self) -> dict[str, tuple[str, ...]]:
        """What the last release says, by resource."""
        return replay(entry for release in self.releases for entry in release.entries)


class UnexplainedWithdrawal(BuildError):
    """These `resources` were in the release before and are gone, and nothing says why."""

    def __init__(self, resources: Sequence[str]) -> None:
        shown = ", ".join(resource.removeprefix(BASE) for resource in resources[:5])
        more = f" and {len(resources) - 5:,} more" if len(resources) > 5 else ""
        super().__init__(
            f"no longer described, and nothing says why: {shown}{more}; say it in data/turtle/withdrawn.ttl, or give "
            "one reason for all with --withdraw"
        )
        self.resources = tuple(resources)


def parse_number(text: str) -> tuple[int, int, int]:
    """The parts of a release's number; `InvalidName` for anything else.

    >>> parse_number("0.10.2") > parse_number("0.9.0")
    True
    """
    if not _NUMBER.match(text):
        raise InvalidName("number of a release", text, "expected three numbers, such as 0.2.0")
    major, minor, patch = map(int, text.split("."))
    return major, minor, patch


def mint_version(number: str, resource: str) -> str:
    """The IRI of a resource as it was in a release; it leads to just that.

    >>> mint_version("0.2.0", "https://w3id.org/cbdgraph/ontology#Paragraph")
    'https://w3id.org/cbdgraph/release/0.2.0/ontology#Paragraph'
    >>> mint_version("0.2.0", "http://metadata.cbd.int/kmgbf/target_3")
    'https://w3id.org/cbdgraph/release/0.2.0/describe?iri=http%3A%2F%2Fmetadata.cbd.int%2Fkmgbf%2Ftarget_3'
    """
    if resource.startswith(BASE):
        return mint(f"release/{number}/{resource.removeprefix(BASE)}")
    return mint(f"release/{number}/describe?iri={quote(resource, safe='')}")


def split_resources(
    quads: Iterable[str], canonical: Callable[[Sequence[str]], tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Lines of N-Quads by the resource that they are about, in the order of IRIs.

    `canonical` puts the lines of a resource with blank nodes into canonical form. `BuildError` for a blank node that
    hangs on no resource, or on two.
    """
    about: dict[str, list[str]] = defaultdict(list)
    holders: dict[str, set[str]] = defaultdict(set)
    for line in quads:
        subject, _, rest = line.split(" ", 2)
        about[subject].append(line)
        if rest.startswith("_:"):
            holders[rest.split(" ", 1)[0]].add(subject)
    found: dict[str, list[str]] = {name[1:-1]: lines for name, lines in about.items() if name[0] == "<"}
    blank = set()
    for node, lines in about.items():
        if node.startswith("_:"):
            resource = _owner(node, holders)
            blank.add(resource)
            found[resource].extend(lines)
    return {name: canonical(found[name]) if name in blank else tuple(sorted(found[name])) for name in sorted(found)}


def _owner(node: str, holders: Mapping[str, set[str]]) -> str:
    seen, waiting, owners = {node}, [node], set()
    while waiting:
        for holder in holders.get(waiting.pop(), ()):
            if not holder.startswith("_:"):
                owners.add(holder[1:-1])
            elif holder not in seen:
                seen.add(holder)
                waiting.append(holder)
    if len(owners) != 1:
        which = "on " + " and on ".join(sorted(owners)) if owners else "on no resource"
        raise BuildError(f"a blank node hangs {which}; give it an IRI, so that each statement is about one resource")
    return owners.pop()


def compare(
    before: Mapping[str, Sequence[str]],
    after: Mapping[str, Sequence[str]],
    withdrawals: Mapping[str, Withdrawal],
    gone_before: Collection[str] = (),
) -> tuple[Entry, ...]:
    """What happened to each resource between two releases, in the order of IRIs.

    `gone_before` are the names that releases before withdrew. `UnexplainedWithdrawal` if something is gone of which
    no withdrawal tells; `BuildError` if one tells of what is still there or never was, or names a replacement that is
    not or is itself withdrawn in a circle; or if a name is used again.
    """
    if again := sorted(after.keys() & set(gone_before)):
        raise BuildError(f"{again[0]} was withdrawn, and a name is never used again")
    gone = sorted(before.keys() - after.keys())
    if unexplained := [resource for resource in gone if resource not in withdrawals]:
        raise UnexplainedWithdrawal(unexplained)
    for resource, withdrawal in withdrawals.items():
        if resource in after:
            raise BuildError(f"{resource} is said to be withdrawn, and is still described")
        if resource not in before and resource not in gone_before:
            raise BuildError(f"{resource} is said to be withdrawn, and no release described it")
        for replacement in withdrawal.replacements:
            if replacement not in after and replacement not in withdrawals:
                raise BuildError(f"{resource} is said to be replaced by {replacement}, which nothing describes")
        if _leads_back(resource, withdrawals):
            raise BuildError(f"{resource} is said to be replaced, in the end, by itself")
    found = [Entry(resource, "withdrawn", (), withdrawals[resource]) for resource in gone]
    for resource, content in after.items():
        if resource not in before:
            found.append(Entry(resource, "created", tuple(content)))
        elif tuple(before[resource]) != tuple(content):
            found.append(Entry(resource, "changed", tuple(content)))
    return tuple(sorted(found, key=lambda entry: entry.resource))


def _leads_back(resource: str, withdrawals: Mapping[str, Withdrawal]) -> bool:
    seen: set[str] = set()
    waiting = [resource]
    while waiting:
        for replacement in withdrawals[waiting.pop()].replacements:
            if replacement == resource:
                return True
            if replacement in withdrawals and replacement not in seen:
                seen.add(replacement)
                waiting.append(replacement)
    return False


def read_withdrawals(lines: Iterable[str]) -> dict[str, Withdrawal]:
    """The withdrawals that the lines of the graph of the withdrawn tell of, by resource."""
    by_subject: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        by_subject[line.split(" ", 1)[0][1:-1]].append(line)
    found = {}
    for resource, content in by_subject.items():
        reasons = values_of(content, resource, expand("cbd:withdrawalReason"))
        replacements = values_of(content, resource, expand("dcterms:isReplacedBy"))
        if reasons:
            names = tuple(sorted(value.value for value in replacements))
            found[resource] = Withdrawal(reasons[0].value, names)
    return found


def replay(entries: Iterable[Entry]) -> dict[str, tuple[str, ...]]:
    """What is said about each resource after all of these."""
    state: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if entry.change == "withdrawn":
            state.pop(entry.resource, None)
        else:
            state[entry.resource] = entry.content
    return state


def join_resources(state: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """All lines of a dataset, each resource's blank nodes with labels of their own."""
    for index, content in enumerate(state.values()):
        for line in content:
            yield relabel(line, f"_:r{index}") if "_:" in line else line


def read_log(folder: Path) -> Log:
    """Every release in a folder; an empty log if there is none. `BuildError` for one that is broken or missing."""
    releases = sorted(map(read_release, folder.glob(f"*{_ENDING}")), key=lambda release: release.sort_key)
    previous, issued = "", ""
    there: set[str] = set()
    for release in releases:
        _check_follows(release, there)
        if release.previous != previous:
            raise BuildError(f"release {release.number} follows {release.previous or 'none'}, but {previous} is here")
        if release.issued <= issued:
            raise BuildError(f"release {release.number} is not younger than {previous}")
        previous, issued = release.number, release.issued
    return Log(tuple(releases))


def _check_follows(release: LoggedRelease, there: set[str]) -> None:
    """`BuildError` if a change cannot have happened to what was `there`, which is brought up to date."""
    met: set[str] = set()
    for entry in release.entries:
        name = entry.resource
        if name in met or (entry.change == "created") == (name in there):
            raise BuildError(f"release {release.number} cannot have {entry.change} {name} after what was before")
        met.add(name)
        if entry.change == "withdrawn":
            there.discard(name)
        else:
            there.add(name)
        if any(not line.startswith((f"<{name}> ", "_:")) for line in entry.content):
            raise BuildError(f"release {release.number} has content about another resource under {name}")


def read_release(path: Path) -> LoggedRelease:
    """One file of the log; `BuildError` if it is none."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            head, *lines = map(json.loads, file)
        release = LoggedRelease(
            head["release"],
            head["issued"],
            head["data_hash"],
            head["previous"],
            tuple(_entry(line) for line in lines),
        )
        _ = release.sort_key, datetime.strptime(release.issued, TIME_FORMAT)
        if not _HASH.match(release.data_hash):
            raise ValueError(f"{release.data_hash!r} is no hash")
    except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise BuildError(f"{path.name} of the change log cannot be read: {error}") from error
    if path.name != release.number + _ENDING:
        raise BuildError(f"{path.name} of the change log holds release {release.number}")
    return release


def write_release(folder: Path, release: LoggedRelease) -> Path:
    """Add a release to the log; the same bytes for the same release. `BuildError` if it is there already."""
    path = folder / (release.number + _ENDING)
    if path.exists():
        raise BuildError(f"release {release.number} is in the change log already, which is only ever added to")
    folder.mkdir(parents=True, exist_ok=True)
    head = {
        "release": release.number,
        "issued": release.issued,
        "previous": release.previous,
        "data_hash": release.data_hash,
    }
    target = BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as file:
        for line in (head, *map(_document, release.entries)):
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    replace_file(path, target.getvalue())
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or as it was; `BuildError` if it cannot be written."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BuildError(f"{path.name} cannot be written: {error.strerror}") from error


def _document(entry: Entry) -> dict[str, Any]:
    document: dict[str, Any] = {"resource": entry.resource, "change": entry.change}
    if entry.withdrawal is not None:
        document["reason"] = entry.withdrawal.reason
        document["replacements"] = list(entry.withdrawal.replacements)
    else:
        document["content"] = list(entry.content)
    return document


def _entry(document: Mapping[str, Any]) -> Entry:
    change = document["change"]
    if change not in CHANGES:
        raise ValueError(f"{change!r} is no change")
    withdrawal = None
    if change == "withdrawn":
        withdrawal = Withdrawal(document["reason"], tuple(document["replacements"]))
    content = document.get("content", [])
    if not isinstance(document["resource"], str) or not isinstance(content, list):
        raise TypeError("a resource is a text, its content a list")
    if not all(isinstance(line, str) for line in content):
        raise TypeError("content is a list of lines")
    return Entry(document["resource"], change, tuple(content), withdrawal)
