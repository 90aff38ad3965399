"""What all answers share: an engine's answer in, a response with validators out; holds no route.

An answer is the same bytes for the same release, query, graphs and media type, so that its ETag is known before it is
worked out, and a client that has it gets 304 without a query.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Coroutine, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from ipaddress import ip_network
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.server.kept import is_held
from cbdgraph.server.live import Live, Served
from cbdgraph.settings import Settings
from cbdgraph.store.guard import Checked, check_query

T = TypeVar("T")

CACHE = "public, max-age=60, must-revalidate"


LONG: Final = 8 * 1024  # characters of a query
_GRACE_SECONDS: Final = 0.02  # most answers are there before anybody could have left


class ClientGone(Exception):
    """The client closed the connection before there was an answer."""


def served_of(request: Request) -> Served:
    """The release that this request is answered from."""
    served: Served = request.scope["cbdgraph.served"]
    return served


def client_of(request: Request) -> str:
    """Who asks: the address, of IPv6 the network that one household has."""
    host = request.client.host if request.client else ""
    return str(ip_network((host, 64), strict=False)) if ":" in host and "%" not in host else host


def settings_of(request: Request) -> Settings:
    """The settings of this service."""
    return live_of(request).settings


def live_of(request: Request) -> Live:
    """The service itself."""
    live: Live = request.app.state.live
    return live


def is_older(request: Request) -> bool:
    """Whether an older release is asked: that which was current when the request came is none."""
    served = served_of(request)
    return served is not live_of(request).current and not served.retired


@cache
def _version() -> str:
    import cbdgraph

    return str(cbdgraph.__version__)  # looking it up takes longer than to open a store


async def check_apart(query: str, graphs: Collection[str]) -> Checked:
    """`check_query`; of a text so long that others would feel it in the event loop, in a thread."""
    return await asyncio.to_thread(check_query, query, graphs) if len(query) > LONG else check_query(query, graphs)


def etag(served: Served, *parts: object) -> str:
    """A validator of what these parts ask of this release, with this version of the program.

    A weak one: blank nodes of a user's own files are called otherwise when the service is started again.
    """
    return make_tag(served.stamp, *parts)


def make_tag(stamp: str, *parts: object) -> str:
    """A weak validator of what these parts ask of that for which `stamp` stands, with this version of the program."""
    digest = hashlib.sha256(f"{_version()} {stamp}".encode())
    for part in parts:
        digest.update(b"\0" + str(part).encode("utf-8", "surrogatepass"))
    return f'W/"{digest.hexdigest()[:32]}"'


def not_modified(
    request: Request, tag: str, vary: str = "Accept", dated: Mapping[str, str] | None = None
) -> Response | None:
    """304 if the client has this answer already; `vary` is that of the answer, `dated` what `date_header` gave."""
    dates = request.headers.getlist("if-modified-since")
    since = dates[0] if len(dates) == 1 else ""
    modified = (dated or {}).get("Last-Modified", "")
    if is_held(request.headers.get("if-none-match", ""), since, tag, modified):
        headers = {"ETag": tag, "Vary": vary, "Cache-Control": CACHE, **(dated or {})}
        return Response(status_code=304, headers=headers)
    return None


def date_header(when: datetime | None) -> dict[str, str]:
    """Last-Modified; none where nobody knows when, or where a release is dated ahead (RFC 9110 section 8.8.2.1).

    >>> date_header(datetime(2024, 2, 29, 10, tzinfo=UTC))
    {'Last-Modified': 'Thu, 29 Feb 2024 10:00:00 GMT'}
    """
    if when is None or when > datetime.now(UTC):
        return {}
    return {"Last-Modified": format_datetime(when.astimezone(UTC), usegmt=True)}


def respond(
    content: bytes | str, media_type: str, tag: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """A response that may be kept if it has a validator; text is UTF-8."""
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    own = {
        "Content-Type": media_type + charset,
        "Vary": "Accept",
        "Cache-Control": CACHE if tag else "no-store",
        **(headers or {}),
    }
    if tag:
        own["ETag"] = tag
    return Response(content, headers=own)


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client goes; then `ClientGone`."""
    this = asyncio.current_task()
    assert this is not None
    watch: asyncio.Task[None] | None = None
    is_gone = False

    def begin() -> None:
        nonlocal watch
        watch = asyncio.create_task(_disconnected(request))
        watch.add_done_callback(end)

    def end(ended: asyncio.Task[None]) -> None:
        nonlocal is_gone
        if not ended.cancelled():
            is_gone = True
            this.cancel()

    timer = asyncio.get_running_loop().call_later(_GRACE_SECONDS, begin)
    try:
        return await work
    except asyncio.CancelledError:
        if not is_gone:
            raise
        this.uncancel()
        raise ClientGone from None
    finally:
        timer.cancel()
        if watch is not None:
            watch.remove_done_callback(end)
            watch.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
