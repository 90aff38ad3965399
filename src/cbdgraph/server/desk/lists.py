"""/desk/worklist and /desk/history: a query in, a page of either as JSON or for people out; records nothing."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.desk import TONGUES, Desk, Guest
from cbdgraph.desk.export import describe
from cbdgraph.desk.reviews import check_language
from cbdgraph.errors import ParameterError
from cbdgraph.server.answers import served_of
from cbdgraph.server.desk.api import respond
from cbdgraph.server.desk.described import LANG, in_query
from cbdgraph.server.desk.frame import ask_in, respond_page
from cbdgraph.server.desk.guests import admit
from cbdgraph.server.desk.matters import KINDS, Matters, matters_of
from cbdgraph.server.desk.opened import require_desk
from cbdgraph.server.desk.worklist import FILTERS, PAGE, Worklist, make_worklist
from cbdgraph.server.negotiate import HTML, JSON
from cbdgraph.server.pages import is_for_browser
from cbdgraph.server.paging import read_number
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer

router = Router()

OFFER: Final = (JSON, HTML)
_PAGE: Final = in_query("page", {"type": "integer", "minimum": 1}, f"of {PAGE} entries")


@router.get(
    "/desk/worklist",
    summary="What waits for you",
    responses=offer(OFFER),
    openapi_extra={
        "parameters": [
            in_query("filter", {"type": "string", "enum": list(FILTERS)}, "which items; unseen if left out"),
            LANG,
            in_query("term", {"type": "string"}, "the slug of one term"),
            _PAGE,
        ],
    },
)
async def show_worklist(request: Request) -> Response:
    """What you have not seen, what changed since you looked, what is disputed, or everything."""
    desk = await require_desk(request)
    html = is_for_browser(request, OFFER)
    guest = await ask_in(request, desk) if html else await admit(request, desk)
    if isinstance(guest, Response):
        return guest
    matters = await matters_of(request)
    worklist = await _read_worklist(request, desk, guest, matters)
    if not html:
        return respond(
            {
                "filter": worklist.filter,
                "counts": worklist.counts,
                "page": worklist.number,
                "pages": worklist.last,
                "release": served_of(request).release,
                "items": [item.describe() for item in worklist.items],
            }
        )
    query = {
        name: value for name, value in request.query_params.items() if name in {"filter", "lang", "term"} and value
    }
    return respond_page(
        request,
        "desk_worklist.html",
        guest,
        worklist=worklist,
        filters=[(name, says, _address({**query, "filter": name})) for name, says in FILTERS.items()],
        kinds=KINDS,
        language=query.get("lang", ""),
        term=query.get("term", ""),
        tongues=TONGUES,
        names=sorted(
            ((iri.rpartition("/")[2], name) for iri, name in matters.names.items()), key=lambda p: p[1].value
        ),
        of_term=matters.names,
        turns=_turn(worklist.number, worklist.last, query),
    )


@router.get(
    "/desk/history",
    summary="Every review, the newest first",
    responses=offer(OFFER),
    openapi_extra={"parameters": [_PAGE]},
)
async def show_history(request: Request) -> Response:
    """All entries, by everybody, a page at a time."""
    desk = await require_desk(request)
    html = is_for_browser(request, OFFER)
    guest = await ask_in(request, desk) if html else await admit(request, desk)
    if isinstance(guest, Response):
        return guest
    number = read_number(request.query_params.get("page") or "1")
    total, entries = await asyncio.to_thread(desk.newest, PAGE, (number - 1) * PAGE)
    last = max(-(-total // PAGE), 1)
    if number > last:
        raise Problem("not-found", f"there is no page {number}: the history fills {last}")
    if not html:
        reviews = [describe(entry) for entry in entries]
        return respond({"total": total, "page": number, "pages": last, "reviews": reviews})
    matters = await matters_of(request)
    shown = [(entry, matters.all.get(entry.key), matters.name_of(entry.subject)) for entry in entries]
    turns = _turn(number, last, {}, "/desk/history")
    return respond_page(request, "desk_history.html", guest, shown=shown, total=total, number=number, turns=turns)


async def _read_worklist(request: Request, desk: Desk, guest: Guest, matters: Matters) -> Worklist:
    query = request.query_params
    shown, language, slug = query.get("filter") or "unseen", query.get("lang", ""), query.get("term", "")
    if shown not in FILTERS:
        raise ParameterError("filter", f"expected one of {', '.join(FILTERS)}")
    if language:
        check_language(language)
    term = matters.terminology.find(slug) if slug else None
    if slug and (term is None or term.iri not in matters.by_term):
        raise ParameterError("term", "the graph has no such term; give its slug, as in ecosystem-restoration")
    number = read_number(request.query_params.get("page") or "1")

    def work_out() -> Worklist:
        states, seen = desk.states(), desk.seen(guest.reviewer)
        wanted = term.iri if term else ""
        return make_worklist(matters, states, seen, shown=shown, language=language, term=wanted, number=number)

    worklist = await asyncio.to_thread(work_out)
    if worklist.number > worklist.last:
        raise Problem("not-found", f"there is no page {number}: the list fills {worklist.last}")
    return worklist


def _turn(number: int, last: int, query: dict[str, str], path: str = "/desk/worklist") -> dict[str, str]:
    """Where the pages beside this one are."""
    near = {"Previous": number - 1, "Next": number + 1}
    return {name: _address({**query, "page": str(n)}, path) for name, n in near.items() if 1 <= n <= last}


def _address(query: dict[str, str], path: str = "/desk/worklist") -> str:
    return f"{path}?{urlencode(query)}"
