"""Responses that are kept: what a request asks for in, a whole response out; works nothing out.

A response with an ETag is the same bytes for the same request and release. The key holds all of a request that any
handler reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, Self

from starlette.types import Scope

_LISTS: Final = (b"accept", b"accept-language", b"if-none-match")
# What a client of OData 4 says of itself, which shapes an answer of /informea: too few send them to be kept apart.
_SHAPING: Final = frozenset({b"odata-version", b"odata-maxversion"})

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a response of a release depends on, as one text; the validators that the client holds; GET or HEAD."""

    key: bytes
    held: bytes
    is_head: bool
    since: bytes = b""


class Found(NamedTuple):
    """A response as it is sent: status, header lines each with its line end, body."""

    status: int
    lines: bytes
    body: bytes

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header lines taken apart."""
        pairs = (line.partition(b": ") for line in self.lines.split(b"\r\n") if line)
        return [(name, value) for name, _, value in pairs]


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole response of status 200 with an ETag; `lines` are its headers, and those of a 304."""

    lines: bytes
    lines_unmodified: bytes
    body: bytes
    tag: str
    modified: str = ""  # as Last-Modified says it

    @classmethod
    def of(cls, headers: Headers, body: bytes, tag: str) -> Self:
        """Keep what was sent."""
        headers = list(headers)
        # RFC 9110 section 15.4.5: of what describes the answer a 304 says no more than a cache needs.
        unmodified = (header for header in headers if not header[0].startswith(b"content-") and header[0] != b"link")
        modified = next((value.decode("latin-1") for name, value in headers if name == b"last-modified"), "")
        return cls(_join(headers), _join(unmodified), body, tag, modified)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.body) + len(self.lines) + len(self.lines_unmodified)

    def answer(self, asked: Asked) -> Found:
        """The response to one who asks for it."""
        if is_held(asked.held.decode("latin-1"), asked.since.decode("latin-1"), self.tag, self.modified):
            return Found(304, self.lines_unmodified, b"")
        return Found(200, self.lines, b"" if asked.is_head else self.body)


def holds(if_none_match: str, tag: str) -> bool:
    """Whether a client that sends this header has the answer with this validator.

    >>> holds('"a", W/"b"', 'W/"a"')
    True
    """
    held = [value.strip().removeprefix("W/") for value in if_none_match.split(",")]
    return tag.removeprefix("W/") in held or "*" in held


def is_held(if_none_match: str, if_modified_since: str, tag: str, modified: str) -> bool:
    """Whether the client has the answer with this validator and Last-Modified; either may be "".

    RFC 9110 section 13.2.2: where a client names validators, the date that it names too says nothing.

    >>> date = "Sun, 22 Nov 2026 10:00:00 GMT"
    >>> is_held("", date, '"a"', date), is_held('"b"', date, '"a"', date)
    (True, False)
    """
    if if_none_match:
        return bool(tag) and holds(if_none_match, tag)
    if not if_modified_since or not modified:
        return False
    since, when = _read_date(if_modified_since), _read_date(modified)
    return since is not None and when is not None and when <= since


def unite(scope: Scope) -> Scope:
    """The request with every list that was given in several headers in one (RFC 9110 section 5.3).

    So all who read it read the same: handlers take the first of several headers.
    """
    names = [name for name, _ in scope["headers"]]
    several = {name for name in _LISTS if names.count(name) > 1}
    if not several:
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name not in several]
    for name in sorted(several):
        headers.append((name, b",".join(value for other, value in scope["headers"] if other == name)))
    return {**scope, "headers": headers}


def read_asked(scope: Scope) -> Asked | None:
    """What a GET or HEAD asks for; None for other methods."""
    if scope["method"] not in {"GET", "HEAD"}:
        return None
    accept = language = held = b""
    dates: list[bytes] = []
    hosts: list[bytes] = []
    for name, value in scope["headers"]:
        if name == b"accept":
            accept = value
        elif name == b"accept-language":
            language = value
        elif name == b"if-none-match":
            held = value
        elif name == b"if-modified-since":
            dates.append(value)
        elif name == b"host":
            hosts.append(value)
        elif name in _SHAPING:
            return None
        elif name == b"range":
            return None  # a part of a file; only a whole answer is kept
    if len(hosts) != 1:
        return None  # not as it should be: what it is answered with is for nobody else
    address = (scope["scheme"].encode(), hosts[0], scope["raw_path"], scope["query_string"], accept, language)
    since = dates[0] if len(dates) == 1 else b""  # section 13.1.3: of several none counts
    return Asked(b"\n".join(address), held, scope["method"] == "HEAD", since)


def _read_date(text: str) -> datetime | None:
    """A date of HTTP in any of its three forms; None for what is none."""
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _join(headers: Headers) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in headers)
