"""Resumption tokens of OAI-PMH: where a list goes on in, an opaque text out, and back; keeps nothing.

A token says all that is needed to go on, so that any server with the same log can, before and after a new release. It
is checked against damage and not kept secret: whoever makes one up asks for what anybody may ask for.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass
from typing import Final

from cbdgraph.history import History, Past

_LONGEST: Final = 500  # characters; ours have under 200
_SIGN: Final = ","  # in none of the parts
_DIGEST: Final = 10  # characters
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}\Z")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records a list has: those of `release` with last changes from `start` to `end`, "" for all.

    `verb`, `prefix` and `kind` ("" for all) are those of the request; times are as the log writes them.
    """

    verb: str
    prefix: str
    start: str
    end: str
    kind: str
    release: str


class BadToken(ValueError):
    """No token of ours, or one of a release that the log does not have."""


def format_token(history: History, selection: Selection, position: int) -> str:
    """The token for what of a list begins with the record at `position`, counted from 0."""
    text = _SIGN.join((*astuple(selection), str(position)))
    data = f"{text}{_SIGN}{_digest(text, _find(history, selection.release))}".encode()
    return urlsafe_b64encode(data).decode().rstrip("=")


def parse_token(history: History, token: str) -> tuple[Selection, int]:
    """What `format_token` was given; `BadToken`."""
    if len(token) > _LONGEST or not token.isascii():
        raise BadToken("no token of this service has this form")
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
        *parts, position, digest = data.split(_SIGN)
        selection = Selection(*parts)
    except (ValueError, TypeError) as error:
        raise BadToken("no token of this service has this form") from error
    release = _find(history, selection.release)
    if not _NUMBER.match(position) or digest != _digest(data.rpartition(_SIGN)[0], release):
        raise BadToken("the token is damaged, or of another log")
    if format_token(history, selection, int(position)) != token:  # other spellings of the same bytes
        raise BadToken("the token is damaged")
    return selection, int(position)


def _find(history: History, number: str) -> Past:
    for release in history.releases:
        if release.number == number:
            return release
    raise BadToken("the list began in a release that is not known here; begin anew")


def _digest(text: str, release: Past) -> str:
    return hashlib.sha256(f"{text} {release.data_hash}".encode()).hexdigest()[:_DIGEST]
