"""The desk: drafts in, entries and states out; nothing that was recorded is ever changed or lost.

A draft names the version that it is based on. When that is not the last one, nothing is recorded, and `DeskConflict`
holds what the other reviewer wrote.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from cbdgraph.desk.access import Access
from cbdgraph.desk.chain import find_breaks, seal
from cbdgraph.desk.file import DeskFile
from cbdgraph.desk.reviews import Draft, Entry, Key, Reviewer, Seen, State, check_allowed
from cbdgraph.errors import DeskConflict, DeskRefused

Clock = Callable[[], datetime]
FILE: Final = "desk.sqlite"
_BATCH: Final = 500
_COLUMNS: Final = (
    "uid, subject, language, version, state, comment, suggestion, reviewer, time, release, content, origin, "
    "origin_version, parallel, previous, hash"
)


def utc_now() -> datetime:
    """The time; a desk has one, unlike a build."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a desk has come: its name, the number of its entries, the hash of the last one ("" for none)."""

    desk: str
    entries: int
    hash: str


class Desk:
    """An open desk; any thread may call it. `access` knows who may come in."""

    def __init__(self, file: DeskFile, now: Clock = utc_now) -> None:
        self._file, self._now = file, now
        self._states: tuple[int, Mapping[Key, State]] = (-1, MappingProxyType({}))
        self.access = Access(file, now)
        with file.reading() as connection:
            self.id = str(connection.execute("SELECT value FROM facts WHERE name = 'id'").fetchone()[0])

    @classmethod
    def open(cls, path: Path, now: Clock = utc_now) -> Self:
        """The desk in a file; `DeskError` if there is none, or none that can be used."""
        return cls(DeskFile.open(path), now)

    @classmethod
    def create(cls, path: Path, now: Clock = utc_now) -> Self:
        """The desk in a file, which is made if it is not there."""
        return cls(DeskFile.create(path), now)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def file(self) -> DeskFile:
        """The file, for a backup or a look at its health."""
        return self._file

    @property
    def revision(self) -> int:
        """A number that grows with every entry, whoever records it."""
        with self._file.reading() as connection:
            return int(connection.execute("SELECT COALESCE(MAX(id), 0) FROM entries").fetchone()[0])

    def states(self) -> Mapping[Key, State]:
        """What stands for each subject and language that has an entry; read again only when one was added."""
        revision, states = self._states
        if self.revision == revision:
            return states
        with self._file.reading() as connection:
            last = connection.execute("SELECT COALESCE(MAX(id), 0) FROM entries").fetchone()[0]
            rows = connection.execute(
                f"SELECT id, {_COLUMNS} FROM entries AS e WHERE version = (SELECT MAX(version) FROM entries AS f "
                "WHERE f.subject = e.subject AND f.language = e.language)"
            ).fetchall()
        states = MappingProxyType({entry.key: entry.now for entry in map(_entry, rows)})
        self._states = (last, states)
        return states

    @property
    def head(self) -> Head:
        """How far it has come."""
        with self._file.reading() as connection:
            count = connection.execute("SELECT COUNT(*) FROM entries").fetchone()[0]
            last = connection.execute("SELECT hash FROM entries ORDER BY id DESC LIMIT 1").fetchone()
        return Head(self.id, count, last[0] if last else "")

    def history(self, subject: str, language: str = "") -> tuple[Entry, ...]:
        """All entries on a subject, in one language or all, in the order in which they were recorded here."""
        with self._file.reading() as connection:
            rows = connection.execute(
                f"SELECT id, {_COLUMNS} FROM entries WHERE subject = ? AND (? = '' OR language = ?) ORDER BY id",
                (subject, language, language),
            ).fetchall()
        return tuple(map(_entry, rows))

    def find(self, uid: str) -> Entry | None:
        """The entry of that name."""
        with self._file.reading() as connection:
            row = connection.execute(f"SELECT id, {_COLUMNS} FROM entries WHERE uid = ?", (uid,)).fetchone()
        return None if row is None else _entry(row)

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the order in which they were recorded here; some at a time, so that others go on."""
        last = 0
        while True:
            with self._file.reading() as connection:
                rows = connection.execute(
                    f"SELECT id, {_COLUMNS} FROM entries WHERE id > ? ORDER BY id LIMIT {_BATCH}", (last,)
                ).fetchall()
            yield from map(_entry, rows)
            if len(rows) < _BATCH:
                return
            last = rows[-1]["id"]

    def newest(self, count: int, skip: int = 0) -> tuple[int, tuple[Entry, ...]]:
        """How many entries there are, and `count` of them, the newest first, behind those that are skipped."""
        with self._file.reading() as connection:
            total = connection.execute("SELECT COUNT(*) FROM entries").fetchone()[0]
            rows = connection.execute(
                f"SELECT id, {_COLUMNS} FROM entries ORDER BY id DESC LIMIT ? OFFSET ?", (count, skip)
            ).fetchall()
        return total, tuple(map(_entry, rows))

    def record(self, draft: Draft, reviewer: Reviewer) -> Entry:
        """The draft as an entry, on the disk; `DeskConflict` if it is based on another version than the last.

        Who sends the same again, not knowing whether it arrived, gets the entry that it became.
        """
        draft = draft.checked()
        with self._file.writing() as connection:
            row = connection.execute("SELECT role, disabled FROM reviewers WHERE id = ?", (reviewer.id,)).fetchone()
            if row is None or row["disabled"]:
                raise DeskRefused("reviewer", "this reviewer has no access any more", allowed=False)
            last = find_last(connection, (draft.subject, draft.language))
            version = last.version if last else 0
            if draft.based_on != version:
                if last is not None and _is_same(draft, last, reviewer):
                    return last
                raise DeskConflict(draft.based_on, version, last)
            check_allowed(row["role"], draft, last)
            entry = Entry(
                0,
                secrets.token_hex(16),
                draft.subject,
                draft.language,
                version + 1,
                draft.state,
                draft.comment,
                draft.suggestion,
                reviewer.name,
                format_time(self._now()),
                draft.release,
                draft.content,
                self.id,
                version + 1,
                False,
                "",
                "",
            )
            entry = append(connection, entry)
            _see(connection, reviewer, draft.subject, draft.language, Seen(draft.content, version + 1, entry.time))
        return entry

    def mark_seen(self, reviewer: Reviewer, items: Iterable[tuple[str, str, str, int]]) -> int:
        """Note that a reviewer saw subjects in languages, what they said (a hash) and up to which version."""
        time, count = format_time(self._now()), 0
        with self._file.writing() as connection:
            for subject, language, content, version in items:
                _see(connection, reviewer, subject, language, Seen(content, version, time))
                count += 1
        return count

    def seen(self, reviewer: Reviewer) -> dict[Key, Seen]:
        """What a reviewer saw last."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT subject, language, content, version, time FROM seen WHERE reviewer = ?", (reviewer.id,)
            ).fetchall()
        return {(row[0], row[1]): Seen(row[2], row[3], row[4]) for row in rows}

    def find_faults(self) -> list[str]:
        """What is wrong with the file or the chain, in words; empty when all is as it was recorded."""
        return [*self._file.find_damage(), *find_breaks(self.entries())]


def format_time(when: datetime) -> str:
    """A time in UTC, to the second.

    >>> format_time(datetime(2026, 11, 25, 10, 0, 0, 5, tzinfo=UTC))
    '2026-11-25T10:00:00Z'
    """
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_last(connection: sqlite3.Connection, key: Key) -> Entry | None:
    """The last entry on a subject and language."""
    row = connection.execute(
        f"SELECT id, {_COLUMNS} FROM entries WHERE subject = ? AND language = ? ORDER BY version DESC LIMIT 1", key
    ).fetchone()
    return None if row is None else _entry(row)


def read_all(connection: sqlite3.Connection) -> list[Entry]:
    """Every entry, within a transaction."""
    return list(map(_entry, connection.execute(f"SELECT id, {_COLUMNS} FROM entries ORDER BY id")))


def append(connection: sqlite3.Connection, entry: Entry) -> Entry:
    """The entry as it stands behind all others; its number, its hash and the one before are made here."""
    last = connection.execute("SELECT hash FROM entries ORDER BY id DESC LIMIT 1").fetchone()
    values = (*_values(entry)[:-2], last[0] if last else "")
    sealed = seal(Entry(0, *values, ""))
    places = ", ".join("?" * (len(values) + 1))
    made = connection.execute(f"INSERT INTO entries ({_COLUMNS}) VALUES ({places})", _values(sealed)).lastrowid
    return Entry(made or 0, *_values(sealed))


def _values(entry: Entry) -> tuple[str, str, str, int, str, str, str, str, str, str, str, str, int, bool, str, str]:
    return (
        entry.uid,
        entry.subject,
        entry.language,
        entry.version,
        entry.state,
        entry.comment,
        entry.suggestion,
        entry.reviewer,
        entry.time,
        entry.release,
        entry.content,
        entry.origin,
        entry.origin_version,
        entry.parallel,
        entry.previous,
        entry.hash,
    )


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    return Entry(**{**values, "parallel": bool(values["parallel"])})


def _see(connection: sqlite3.Connection, reviewer: Reviewer, subject: str, language: str, seen: Seen) -> None:
    connection.execute(
        "INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET content = excluded.content, version = MAX(version, excluded.version), time = excluded.time",
        (reviewer.id, subject, language, seen.content, seen.version, seen.time),
    )


def _is_same(draft: Draft, last: Entry, reviewer: Reviewer) -> bool:
    """Whether the last entry is what the draft became when it was sent before."""
    return (
        last.version == draft.based_on + 1
        and last.reviewer == reviewer.name
        and (last.state, last.comment, last.suggestion) == (draft.state, draft.comment, draft.suggestion)
        and last.content == draft.content
    )
