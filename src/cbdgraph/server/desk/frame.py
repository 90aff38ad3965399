"""How a page of the desk is made: values in, HTML for one reviewer out, which nothing on the way keeps."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cbdgraph.desk import Desk, Guest
from cbdgraph.desk.reviews import LONGEST_TEXT, STATES
from cbdgraph.server import pages
from cbdgraph.server.answers import served_of
from cbdgraph.server.desk.guests import count_read, form_token, read_cookie, resume

# Where somebody may be led after signing in: only back to a page of the desk.
_INSIDE: Final = re.compile(r"/desk(?:/[A-Za-z0-9./_-]*)?(?:\?[A-Za-z0-9=&._%+-]*)?(?:#[A-Za-z0-9-]*)?\Z")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # With `no-referrer` a browser does not say from which page a form comes.
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Cookie",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def respond_page(
    request: Request, template: str, guest: Guest | None, status: int = 200, secret: str = "", **values: Any
) -> Response:
    """A page; its forms hold the token of the session."""
    cookie = secret or read_cookie(request)
    html = pages.render(
        template,
        guest=guest,
        token=form_token(cookie) if guest and cookie else "",
        release=served_of(request).release,
        states=STATES,
        longest=LONGEST_TEXT,
        **values,
    )
    response = pages.respond(html, "", _HEADERS)
    response.status_code = status
    return response


def read_way(way: str) -> str:
    """The address of a page of the desk, and the start page for any other.

    >>> read_way("/desk/term/habitat#label-en-en"), read_way("//example.org/desk"), read_way("/desk/../sparql")
    ('/desk/term/habitat#label-en-en', '/desk/', '/desk/')
    """
    return way if _INSIDE.match(way) and ".." not in way else "/desk/"


def lead_to(way: str) -> Response:
    """See other: so that a page loaded again sends no form again."""
    return RedirectResponse(read_way(way), 303, {"Cache-Control": "no-store"})


async def ask_in(request: Request, desk: Desk) -> Guest | Response:
    """The reviewer of the session, or the way to the page on which to sign in."""
    guest = await resume(request, desk)
    if guest is not None:
        count_read(request, guest)
        return guest
    query = f"?{request.url.query}" if request.url.query else ""
    way = read_way(request.scope["path"] + query)
    return respond_page(request, "desk_home.html", None, 401, way=way, problem="", there=True)
