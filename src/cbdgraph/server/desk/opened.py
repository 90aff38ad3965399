"""The desk of this service: a request in, its open desk or None out; no page of the graph fails because of it."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Final

from starlette.requests import Request

from cbdgraph.desk import Desk
from cbdgraph.errors import DeskError
from cbdgraph.server.answers import is_older, live_of
from cbdgraph.server.problems import Problem
from cbdgraph.settings import Settings

DESK_POSTS: Final = frozenset(
    f"/desk/{name}" for name in ("reviews", "seen", "sign-in", "sign-out", "record", "mark")
)
_LOG: Final = logging.getLogger("cbdgraph.server")


class OpenDesk:
    """Opens the desk when it is first asked for, and again when another file is in its place (a backup)."""

    def __init__(self, settings: Settings) -> None:
        self._path, self._is_there = settings.desk_path, not settings.data
        self._desk: Desk | None = None
        self._file: tuple[int, int] = (0, 0)
        self._lock = threading.Lock()
        self._complaint = ""

    def find(self) -> Desk | None:
        """The desk; None where none was opened. `DeskError` if it cannot be used."""
        if not self._is_there:
            return None
        try:
            about = self._path.stat()
        except OSError:
            return None
        with self._lock:
            if self._desk is None or self._file != (about.st_dev, about.st_ino):
                opened = Desk.open(self._path)
                self._close()
                self._desk, self._file = opened, (about.st_dev, about.st_ino)
            return self._desk

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()

    def complain(self, error: DeskError) -> None:
        """Say in the log once what is wrong with it."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            _LOG.error("the review desk cannot be used: %s", error)

    def _close(self) -> None:
        if self._desk is not None:
            self._desk.close()
            self._desk = None


def is_desk(path: str) -> bool:
    """Whether an address is one of the desk.

    >>> is_desk("/desk/worklist"), is_desk("/desks"), is_desk("//desk"), is_desk("/release/0.1.0/desk/")
    (True, False, True, True)
    """
    return "desk" in path.split("/")


async def desk_of(request: Request) -> Desk | None:
    """The desk; None where there is none, for older releases, with a user's own files. `DeskError` if broken."""
    if is_older(request):
        return None
    opened: OpenDesk = request.app.state.desk
    return await asyncio.to_thread(opened.find)


async def require_desk(request: Request) -> Desk:
    """The desk; `Problem` that says why there is none."""
    live = live_of(request)
    if is_older(request):
        raise Problem("bad-request", "reviews are about what is current; leave the release out")
    if live.settings.data:
        raise Problem("not-found", "there is no desk here: these are a user's own files, and not the built graph")
    opened: OpenDesk = request.app.state.desk
    try:
        desk = await asyncio.to_thread(opened.find)
    except DeskError as error:
        opened.complain(error)
        raise
    if desk is None:
        detail = "no desk has been opened here; whoever runs the service does that with: cbdgraph desk invite NAME"
        raise Problem("not-found", detail)
    return desk
