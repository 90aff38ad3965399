"""The file of a desk: a path in, connections and transactions out; knows tables, and nothing of what is in them.

SQLite in WAL mode with `synchronous=FULL`: what a transaction wrote is on the disk when it ends, so that whatever
ends the program after that loses nothing. One connection reads and one writes, each for one thread at a time; other
processes may do the same beside this one.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from cbdgraph.errors import DeskError

APPLICATION: Final = 0x43424431  # "CBD1": says in the file's head whose it is
SCHEMA: Final = 1
_WAIT_SECONDS: Final = 10.0  # for another process that writes
_FIRST_LINE: Final = b"SQLite format 3\0"
_TABLES: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE reviewers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    folded TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('reader', 'reviewer', 'editor')),
    added TEXT NOT NULL,
    disabled TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    reviewer INTEGER NOT NULL REFERENCES reviewers,
    hash BLOB NOT NULL UNIQUE,
    label TEXT NOT NULL,
    created TEXT NOT NULL,
    used TEXT NOT NULL DEFAULT '',
    expires TEXT NOT NULL,
    revoked TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    token INTEGER NOT NULL REFERENCES tokens,
    created TEXT NOT NULL,
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    language TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'in-review', 'approved', 'disputed', 'superseded')),
    comment TEXT NOT NULL,
    suggestion TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    time TEXT NOT NULL,
    release TEXT NOT NULL,
    content TEXT NOT NULL,
    origin TEXT NOT NULL,
    origin_version INTEGER NOT NULL,
    parallel INTEGER NOT NULL CHECK (parallel IN (0, 1)),
    previous TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    UNIQUE (subject, language, version)
) STRICT;
CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;
-- Also against INSERT OR REPLACE, which deletes without saying so.
CREATE TRIGGER entries_go_on BEFORE INSERT ON entries
WHEN NEW.version IS NOT 1 + (
        SELECT COALESCE(MAX(version), 0) FROM entries WHERE subject = NEW.subject AND language = NEW.language
    )
    OR NEW.previous IS NOT COALESCE((SELECT hash FROM entries ORDER BY id DESC LIMIT 1), '')
    OR EXISTS (SELECT 1 FROM entries WHERE uid = NEW.uid OR hash = NEW.hash OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END;
CREATE TABLE seen (
    reviewer INTEGER NOT NULL REFERENCES reviewers,
    subject TEXT NOT NULL,
    language TEXT NOT NULL,
    content TEXT NOT NULL,
    version INTEGER NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (reviewer, subject, language)
) STRICT, WITHOUT ROWID;
"""


class DeskFile:
    """An open file; `reading` and `writing` give a connection within a transaction."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self.path = path
        self._reader, self._writer = connect(), connect()
        self._reading, self._writing = threading.RLock(), threading.RLock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open what is there; `DeskError` if it is no desk, or one of a newer program."""
        if not path.is_file():
            raise DeskError("there is no desk yet; it is opened with: cbdgraph desk invite NAME --role editor")
        with _told():
            with path.open("rb") as file:
                head = file.read(len(_FIRST_LINE))
            if head not in {b"", _FIRST_LINE}:
                raise DeskError("the file of the desk is no SQLite file; put a backup in its place")
            with _closing(_connect(path)) as connection:
                if not _check(connection):
                    raise DeskError("the desk was never opened to the end; run: cbdgraph desk invite NAME")
                connection.execute("PRAGMA journal_mode = WAL")  # a backup has no journal
            return cls(path, lambda: _connect(path))

    @classmethod
    def create(cls, path: Path) -> Self:
        """Open what is there, or make a new one, which only its owner may read."""
        with _told():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            if not path.stat().st_size:
                with _closing(_connect(path)) as connection:
                    connection.execute("PRAGMA journal_mode = WAL")
                    _write_tables(connection)
            elif _is_empty(path):
                with _closing(_connect(path)) as connection:
                    _write_tables(connection)
        return cls.open(path)

    def close(self) -> None:
        """Close both connections; the file is whole, with or without this."""
        with self._writing, self._reading:
            for connection in (self._reader, self._writer):
                with suppress(sqlite3.Error):
                    connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the file, whatever is written meanwhile."""
        with self._reading, _told(), _transaction(self._reader, "BEGIN"):
            yield self._reader

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on the disk when this ends, or nothing of it; nobody else writes meanwhile."""
        with self._writing, _told(), _transaction(self._writer, "BEGIN IMMEDIATE"):
            yield self._writer

    def backup(self, target: Path) -> int:
        """A copy of one state, while others go on, and its entries; `DeskError` if the target is there already."""
        if target.exists():
            raise DeskError("the file for the backup is there already; name another")
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with _told():
                os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                with _closing(_connect(self.path)) as source, _closing(_connect(part)) as copy:
                    source.backup(copy)
                    copy.execute("PRAGMA journal_mode = DELETE")  # one file, without others beside it
                    count = int(copy.execute("SELECT COUNT(*) FROM entries").fetchone()[0])
                part.replace(target)
                return count
        finally:
            with suppress(OSError):
                part.unlink()

    def find_damage(self) -> list[str]:
        """What SQLite itself finds wrong with the file."""
        with self._reading, _told():
            found = [str(row[0]) for row in self._reader.execute("PRAGMA integrity_check(20)")]
        return [] if found == ["ok"] else found


def _connect(path: Path) -> sqlite3.Connection:
    """A connection whose transactions are begun and ended by us."""
    connection = sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_WAIT_SECONDS,
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA journal_size_limit = 4194304")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> bool:
    """Whether it is a whole desk; False for an empty file, `DeskError` for anything else."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if not tables and not application:
        return False
    if application != APPLICATION:
        raise DeskError("the file of the desk is another program's SQLite file; name another folder")
    if schema > SCHEMA:
        raise DeskError(
            f"the desk is of a newer version of cbdgraph (tables of version {schema}, and this one knows {SCHEMA}); "
            "nothing was changed; use that version"
        )
    return True


def _is_empty(path: Path) -> bool:
    with _closing(_connect(path)) as connection:
        return not _check(connection)


def _write_tables(connection: sqlite3.Connection) -> None:
    """All tables in one transaction: a program that is killed amid it leaves an empty file."""
    with _transaction(connection, "BEGIN IMMEDIATE"):
        if _check(connection):
            return  # another process was faster
        for statement in _statements(_TABLES):
            connection.execute(statement)
        connection.execute("INSERT INTO facts VALUES ('id', ?)", (secrets.token_hex(8),))
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _statements(script: str) -> Iterator[str]:
    """Each statement of a script; `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextmanager
def _closing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _told() -> Iterator[None]:
    """Errors of SQLite and of the system in words for a person, without paths."""
    try:
        yield
    except sqlite3.Error as error:
        raise DeskError(_reason(error)) from error
    except OSError as error:
        raise DeskError(f"the file of the desk cannot be used: {error.strerror}") from error


_REASONS: Final[dict[str, str]] = {
    "SQLITE_FULL": "the disk of the desk is full; nothing was recorded; make room and try again",
    "SQLITE_READONLY": "the file of the desk, or its folder, may only be read; nothing was recorded",
    "SQLITE_CANTOPEN": "the file of the desk cannot be opened; its folder must be there, and be writable",
    "SQLITE_BUSY": "another program has held the desk for too long; try again",
    "SQLITE_LOCKED": "another program has held the desk for too long; try again",
    "SQLITE_NOTADB": "the file of the desk is no SQLite file; put a backup in its place",
    "SQLITE_CORRUPT": "the file of the desk is damaged; put a backup in its place",
    "SQLITE_IOERR": "the disk of the desk does not take what is written; nothing was recorded; is it full?",
    "SQLITE_PERM": "the file of the desk may not be read by this user",
}


def _reason(error: sqlite3.Error) -> str:
    name: Any = getattr(error, "sqlite_errorname", "") or ""
    for start, reason in _REASONS.items():
        if name.startswith(start):
            return reason
    return f"the desk failed: {error}"
