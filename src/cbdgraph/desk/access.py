"""Who may come to the desk: names, roles and tokens in, reviewers out; keeps hashes of tokens, never a token.

A token is 256 random bits, so that a plain SHA-256 keeps it as well as a slow hash would: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cbdgraph.desk.file import DeskFile
from cbdgraph.desk.reviews import Reviewer, check_role, tidy, tidy_name
from cbdgraph.errors import DeskRefused

DAYS: Final = 180  # that a token is good for, unless it is said otherwise
LONGEST_DAYS: Final = 3650
SESSION_HOURS: Final = 12
_SESSIONS: Final = 10  # of one token; the oldest goes
_USED_SECONDS: Final = 60.0  # between two notes that a token was used: a note is a write
_PREFIX: Final = "cbdgraph_"  # so that a token left in a file is known for what it is
_LONGEST_SECRET: Final = 200
_WHO: Final = "r.id, r.name, r.role, r.added, r.disabled"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; the token itself nobody knows but whoever has it."""

    id: int
    label: str
    created: str
    used: str
    expires: str
    revoked: str


@dataclass(frozen=True, slots=True)
class Guest:
    """A reviewer who came in, and by which token."""

    reviewer: Reviewer
    token: int


class Access:
    """Reviewers, tokens and sessions of a desk."""

    def __init__(self, file: DeskFile, now: Callable[[], datetime]) -> None:
        self._file, self._now = file, now

    def invite(self, name: str, role: str | None = None, days: int = DAYS, label: str = "") -> tuple[Reviewer, str]:
        """A reviewer with one more token, and that token; who is new gets the role, `reviewer` if none is given."""
        name, label = tidy_name(name), tidy(label, "label")[:100]
        if role is not None:
            check_role(role)
        if not 1 <= days <= LONGEST_DAYS:
            raise DeskRefused("days", f"expected 1 to {LONGEST_DAYS}")
        token, now = _PREFIX + secrets.token_urlsafe(32), self._now()
        with self._file.writing() as connection:
            known = _find(connection, name)
            if known is None:
                connection.execute(
                    "INSERT INTO reviewers (name, folded, role, added) VALUES (?, ?, ?, ?)",
                    (name, name.casefold(), role or "reviewer", _format(now)),
                )
            elif role is not None and role != known.role:
                raise DeskRefused(
                    "role", f"{known.name} is {known.role} already; change it with: cbdgraph desk role NAME {role}"
                )
            elif known.disabled:
                connection.execute("UPDATE reviewers SET disabled = '' WHERE id = ?", (known.id,))
            reviewer = _get(connection, name)
            connection.execute(
                "INSERT INTO tokens (reviewer, hash, label, created, expires) VALUES (?, ?, ?, ?, ?)",
                (reviewer.id, _hash(token), label, _format(now), _format(now + timedelta(days=days))),
            )
        return reviewer, token

    def reviewers(self) -> list[tuple[Reviewer, list[Token]]]:
        """All reviewers with their tokens."""
        with self._file.reading() as connection:
            found = []
            for row in connection.execute(f"SELECT {_WHO} FROM reviewers AS r ORDER BY folded").fetchall():
                tokens = connection.execute(
                    "SELECT id, label, created, used, expires, revoked FROM tokens WHERE reviewer = ? ORDER BY id",
                    (row["id"],),
                )
                found.append((Reviewer(*row), [Token(*token) for token in tokens.fetchall()]))
        return found

    def set_role(self, name: str, role: str) -> Reviewer:
        """Another role for a reviewer; it counts from the next request on."""
        check_role(role)
        with self._file.writing() as connection:
            reviewer = _get(connection, tidy_name(name))
            connection.execute("UPDATE reviewers SET role = ? WHERE id = ?", (role, reviewer.id))
            return _get(connection, reviewer.name)

    def revoke(self, name: str, token: int | None = None) -> int:
        """End one token of a reviewer, or all and the reviewer's access with them; gives how many were ended."""
        now = _format(self._now())
        with self._file.writing() as connection:
            reviewer = _get(connection, tidy_name(name))
            if token is None:
                connection.execute("UPDATE reviewers SET disabled = ? WHERE id = ?", (now, reviewer.id))
            ended = connection.execute(
                "UPDATE tokens SET revoked = ? WHERE reviewer = ? AND revoked = '' AND (? IS NULL OR id = ?)",
                (now, reviewer.id, token, token),
            ).rowcount
            if token is not None and not ended:
                raise DeskRefused("token", f"{reviewer.name} has no token {token} that is in use")
            connection.execute("DELETE FROM sessions WHERE token IN (SELECT id FROM tokens WHERE revoked != '')")
        return ended

    def admit(self, token: str) -> Guest | None:
        """Whose token it is; None for one that is not known, is over, or was revoked."""
        if not token or len(token) > _LONGEST_SECRET:
            return None
        digest, now = _hash(token), self._now()
        with self._file.reading() as connection:
            row = connection.execute(
                f"SELECT {_WHO}, t.id, t.hash, t.used FROM tokens AS t JOIN reviewers AS r ON r.id = t.reviewer "
                "WHERE t.hash = ? AND t.revoked = '' AND t.expires > ? AND r.disabled = ''",
                (digest, _format(now)),
            ).fetchone()
        if row is None or not hmac.compare_digest(row[6], digest):
            return None
        if not row[7] or (now - _parse(row[7])).total_seconds() >= _USED_SECONDS:
            with self._file.writing() as connection:
                connection.execute("UPDATE tokens SET used = ? WHERE id = ?", (_format(now), row[5]))
        return Guest(Reviewer(*row[:5]), row[5])

    def open_session(self, guest: Guest) -> str:
        """The secret of a new session of a browser; of too many the oldest ends."""
        secret, now = secrets.token_urlsafe(32), self._now()
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE expires <= ?", (_format(now),))
            connection.execute(
                "DELETE FROM sessions WHERE hash IN "
                "(SELECT hash FROM sessions WHERE token = ? ORDER BY created DESC, hash LIMIT -1 OFFSET ?)",
                (guest.token, _SESSIONS - 1),
            )
            expires = _format(now + timedelta(hours=SESSION_HOURS))
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?)", (_hash(secret), guest.token, _format(now), expires)
            )
        return secret

    def resume(self, secret: str) -> Guest | None:
        """Whose session it is; None for one that is not known, is over, or whose token is."""
        if not secret or len(secret) > _LONGEST_SECRET:
            return None
        digest, now = _hash(secret), _format(self._now())
        with self._file.reading() as connection:
            row = connection.execute(
                f"SELECT {_WHO}, t.id, s.hash FROM sessions AS s JOIN tokens AS t ON t.id = s.token "
                "JOIN reviewers AS r ON r.id = t.reviewer WHERE s.hash = ? AND s.expires > ? "
                "AND t.revoked = '' AND t.expires > ? AND r.disabled = ''",
                (digest, now, now),
            ).fetchone()
        if row is None or not hmac.compare_digest(row[6], digest):
            return None
        return Guest(Reviewer(*row[:5]), row[5])

    def close_session(self, secret: str) -> None:
        """End a session, if it is one."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE hash = ?", (_hash(secret),))


def _find(connection: sqlite3.Connection, name: str) -> Reviewer | None:
    row = connection.execute(f"SELECT {_WHO} FROM reviewers AS r WHERE folded = ?", (name.casefold(),)).fetchone()
    return None if row is None else Reviewer(*row)


def _get(connection: sqlite3.Connection, name: str) -> Reviewer:
    found = _find(connection, name)
    if found is None:
        raise DeskRefused("name", f"there is no reviewer {name}; see: cbdgraph desk list")
    return found


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _format(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text)
