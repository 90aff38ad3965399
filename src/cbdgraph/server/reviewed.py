"""What the desk says, for pages of the graph: a request in, the states of reviews with a validator of them out.

A page that shows reviews depends on more than the release: its ETag covers how far the desk has come, it is not kept
here, and whoever keeps it has to ask first whether it is still true. That holds while no desk is there, too: one may
be opened while the service runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from cbdgraph.desk import Desk, Key, State
from cbdgraph.errors import DeskError
from cbdgraph.server.answers import is_older, live_of
from cbdgraph.server.desk.opened import desk_of


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What stands for each subject and language; `stamp` changes with every review; `is_open` if there is a desk.

    `may_change` is False for an older release and for a user's own files, which nobody reviews here.
    """

    states: Mapping[Key, State] = field(default_factory=dict)
    stamp: str = ""
    is_open: bool = False
    may_change: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What an answer that shows it says to those who keep answers."""
        return {"Cache-Control": "no-cache"} if self.may_change else {}


async def find_reviewed(request: Request) -> Reviewed:
    """What the desk of this service says; a desk that cannot be used says nothing, and the log says why."""
    if is_older(request) or live_of(request).settings.data:
        return Reviewed()
    try:
        desk = await desk_of(request)
        return Reviewed(may_change=True) if desk is None else await asyncio.to_thread(_read, desk)
    except DeskError as error:
        request.app.state.desk.complain(error)
        return Reviewed(may_change=True)


def _read(desk: Desk) -> Reviewed:
    stamp = f"{desk.id} {desk.revision}"  # first: what is recorded meanwhile has a newer one
    return Reviewed(desk.states(), stamp, is_open=True, may_change=True)
