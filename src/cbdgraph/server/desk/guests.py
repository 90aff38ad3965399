"""Who asks: a request's token or cookie in, the reviewer out; and how often, from where, by which form.

A program sends its token as `Authorization: Bearer`. A browser has a session: a cookie that no script reads, that no
other site's form brings along, and that only /desk sees. A form of a session holds a token of its own besides, made
from the cookie, and comes from a page of this host.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.desk import Desk, Guest
from cbdgraph.desk.access import SESSION_HOURS
from cbdgraph.server.answers import client_of
from cbdgraph.server.bodies import FORM, read_body, read_media_type, read_pairs
from cbdgraph.server.desk.rates import Rates
from cbdgraph.server.problems import Problem

COOKIE: Final = "cbdgraph-desk"
LONGEST_BODY: Final = 128 * 1024  # bytes: two texts, each sign of which may take twelve
_REALM: Final = 'Bearer realm="cbdgraph desk"'


def unauthorized(detail: str = "a token is needed here, and none is known by what was sent") -> Problem:
    """The same for a token that is wrong, over, revoked, or not there: nobody learns which."""
    return Problem("unauthorized", detail, {}, {"WWW-Authenticate": _REALM})


def rates_of(request: Request) -> Rates:
    """What is counted here."""
    rates: Rates = request.app.state.desk_rates
    return rates


async def admit(request: Request, desk: Desk, *, cookies: bool = True) -> Guest:
    """Whoever asks; `Problem` if that is nobody known. With a token in the header a cookie does not count."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise unauthorized()
        return await admit_token(request, desk, token.strip())
    guest = await resume(request, desk) if cookies else None
    if guest is None:
        raise unauthorized()
    count_read(request, guest)
    return guest


async def admit_token(request: Request, desk: Desk, token: str) -> Guest:
    """Whose token it is. Failures are answered later each time, then with 429; a right one always passes."""
    rates, address = rates_of(request), client_of(request)
    guest = await asyncio.to_thread(desk.access.admit, token)
    if guest is not None:
        count_read(request, guest)
        return guest
    _wait_for(rates.failures.take(address), "this address")
    await asyncio.sleep(rates.slowness(address))
    raise unauthorized()


async def resume(request: Request, desk: Desk) -> Guest | None:
    """Whose session the cookie is; None for none."""
    secret = read_cookie(request)
    return await asyncio.to_thread(desk.access.resume, secret) if secret else None


def count_read(request: Request, guest: Guest) -> None:
    """`Problem` where a token reads more often than it may."""
    _wait_for(rates_of(request).reads.take(f"token {guest.token}"), "this token")


def count_write(request: Request, guest: Guest) -> None:
    """`Problem` where a token, or all of an address, write more often than they may."""
    rates = rates_of(request)
    _wait_for(rates.address.take(client_of(request)), "this address")
    _wait_for(rates.writes.take(f"token {guest.token}"), "this token")


def read_cookie(request: Request) -> str:
    """The secret of the session, "" for none."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def set_cookie(request: Request, response: Response, secret: str) -> None:
    """Give the browser its session, or with "" take it away."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=SESSION_HOURS * 3600 if secret else 0,
        path="/desk",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def form_token(secret: str) -> str:
    """What a form of a session holds, so that no other site can make one."""
    return hmac.new(secret.encode(), b"form of the desk", hashlib.sha256).hexdigest()


def check_origin(request: Request) -> None:
    """`Problem` if another site sent the form; browsers say which, and what is no browser has no cookie to misuse."""
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    is_ours = origin is None or urlsplit(origin).netloc.lower() == host.lower()
    if not is_ours or request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise Problem("forbidden", "the form was not sent from a page of this desk")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form of this site; of a field that stands there twice the last."""
    check_origin(request)
    if read_media_type(request) != (FORM, "utf-8"):
        raise Problem("media-type", f"expected a form: {FORM}")
    return dict(read_pairs(await read_body(request, LONGEST_BODY)))


async def admit_form(request: Request, desk: Desk) -> tuple[Guest, dict[str, str]]:
    """Whose session a form belongs to, and its fields; `Problem` if it is not one of that session's pages."""
    form = await read_form(request)
    guest = await resume(request, desk)
    if guest is None:
        raise unauthorized("the session is over; sign in again in another window, and then send this once more")
    if not hmac.compare_digest(form.get("token", "").encode(), form_token(read_cookie(request)).encode()):
        raise Problem("forbidden", "the form is not one of this session; go back, load the page again, and send it")
    count_write(request, guest)
    return guest, form


def _wait_for(seconds: float, who: str) -> None:
    if seconds:
        wait = max(1, math.ceil(seconds))
        detail = f"{who} has asked the desk too often; come again in {wait} seconds"
        raise Problem("too-many", detail, {"limit": "desk"}, {"Retry-After": str(wait)})
