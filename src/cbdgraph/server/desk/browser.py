"""/desk/, its pages and forms: a browser's session in, pages for one reviewer out; needs no script.

What somebody wrote is never thrown away: a review that cannot be recorded as it was sent comes back in its form, with
what stands in its way.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.desk import Desk, Draft, Entry, Guest
from cbdgraph.desk.reviews import check_language, check_subject
from cbdgraph.errors import DeskConflict, DeskError, DeskRefused
from cbdgraph.namespaces import LANGUAGES
from cbdgraph.server.desk.api import make_draft, record
from cbdgraph.server.desk.frame import ask_in, lead_to, read_way, respond_page
from cbdgraph.server.desk.guests import (
    admit_form,
    admit_token,
    count_write,
    form_token,
    read_cookie,
    read_form,
    resume,
    set_cookie,
)
from cbdgraph.server.desk.matters import KINDS, Matter, hash_content, matters_of
from cbdgraph.server.desk.opened import desk_of, require_desk
from cbdgraph.server.desk.worklist import FILTERS, Item, list_term, make_worklist
from cbdgraph.server.examples import LANGUAGE_NAMES
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router
from cbdgraph.terminology.wordings import compare_wordings

router = Router()

_REFUSED: Final = "That token is not known here, or it is over. Ask whoever runs the service for another."


@router.get("/desk", summary="The review desk", include_in_schema=False)
async def show_home(request: Request) -> Response:
    """What the desk is, and the form to sign in; for a reviewer, what waits."""
    try:
        desk = await desk_of(request)
    except DeskError:
        desk = await require_desk(request)
    if desk is None:
        return respond_page(request, "desk_home.html", None, way="/desk/", problem="", there=False)
    guest = await resume(request, desk)
    if guest is None:
        return respond_page(request, "desk_home.html", None, way="/desk/worklist", problem="", there=True)
    matters, known = await matters_of(request), guest

    def count() -> dict[str, int]:
        states, seen = desk.states(), desk.seen(known.reviewer)
        found = make_worklist(matters, states, seen, shown="all", language="", term="", number=1)
        return dict(found.counts)

    counts = await asyncio.to_thread(count)
    return respond_page(request, "desk_home.html", guest, way="", problem="", there=True, counts=counts, says=FILTERS)


@router.post("/desk/sign-in", include_in_schema=False)
async def sign_in(request: Request) -> Response:
    """A token for a session, which lasts some hours or as long as the token."""
    desk = await require_desk(request)
    form = await read_form(request)
    way = read_way(form.get("way", ""))
    try:
        guest = await admit_token(request, desk, form.get("secret", "").strip())
    except Problem as problem:
        if problem.kind != "unauthorized":
            raise
        return respond_page(request, "desk_home.html", None, 401, way=way, problem=_REFUSED, there=True)
    secret = await asyncio.to_thread(desk.access.open_session, guest)
    response = lead_to(way if way != "/desk/" else "/desk/worklist")
    set_cookie(request, response, secret)
    return response


@router.post("/desk/sign-out", include_in_schema=False)
async def sign_out(request: Request) -> Response:
    """End the session, here and in the file."""
    desk = await require_desk(request)
    await admit_form(request, desk)
    await asyncio.to_thread(desk.access.close_session, read_cookie(request))
    response = lead_to("/desk/")
    set_cookie(request, response, "")
    return response


@router.get("/desk/term/{slug}", include_in_schema=False)
async def show_term(request: Request, slug: str) -> Response:
    """All definitions and names of a term with what stands, their history, and a form for each."""
    desk = await require_desk(request)
    guest = await ask_in(request, desk)
    if isinstance(guest, Response):
        return guest
    return await _respond_term(request, desk, guest, slug)


@router.post("/desk/mark", include_in_schema=False)
async def mark(request: Request) -> Response:
    """Note that the reviewer looked at what a page showed."""
    desk = await require_desk(request)
    guest, form = await admit_form(request, desk)
    items = []
    matters = await matters_of(request)
    for line in form.get("items", "").splitlines():
        try:
            subject, language, content, version = line.split(" ")
            items.append((*matters.find(subject, language).key, content[:100], min(int(version), 10**9)))
        except ValueError as error:
            raise Problem("bad-request", "the form does not say what was seen") from error
    await asyncio.to_thread(desk.mark_seen, guest.reviewer, items)
    return lead_to(form.get("way", ""))


@router.post("/desk/record", include_in_schema=False)
async def record_form(request: Request) -> Response:
    """A review from a form; what cannot be recorded comes back with the text that was sent."""
    desk = await require_desk(request)
    form = await read_form(request)
    matters = await matters_of(request)
    subject, _, language = form.get("target", "").partition(" ")
    subject, language = form.get("subject", subject), form.get("language", language)
    guest = await resume(request, desk)
    version = form.get("version", "")
    based_on = int(version) if version.isdecimal() and len(version) < 10 else 0
    try:
        matter = matters.find(subject, language)
    except DeskRefused as error:
        check_subject(subject)
        check_language(language)
        gone = matters.make_gone(subject, language)
        draft = make_draft(request, gone, form, based_on)
        return await _respond_again(request, desk, guest, gone, draft, "refused", 400, str(error))
    draft = make_draft(request, matter, form, based_on)
    if guest is None:
        return await _respond_again(request, desk, None, matter, draft, "session", 401)
    if not hmac.compare_digest(form.get("token", "").encode(), form_token(read_cookie(request)).encode()):
        # Of another session, or of another site: nothing happens before the reviewer has read and sent it here.
        return await _respond_again(request, desk, guest, matter, draft, "token", 403)
    try:
        count_write(request, guest)
        await record(desk, guest, matter, draft)
    except DeskConflict:
        why = "conflict" if draft.content == matter.content else "text"
        return await _respond_again(request, desk, guest, matter, draft, why, 409)
    except DeskRefused as error:
        status = 400 if error.allowed else 403
        return await _respond_again(request, desk, guest, matter, draft, "refused", status, str(error))
    except DeskError as error:
        return await _respond_again(request, desk, guest, matter, draft, "failed", 503, error.reason)
    except Problem as problem:
        response = await _respond_again(request, desk, guest, matter, draft, "failed", 429, problem.detail)
        response.headers.update(problem.headers)
        return response
    return lead_to(f"/desk/term/{matter.slug}#{matter.anchor}")


async def _respond_again(
    request: Request,
    desk: Desk,
    guest: Guest | None,
    matter: Matter,
    draft: Draft,
    why: str,
    status: int,
    detail: str = "",
) -> Response:
    """The review as it was sent, in its form, beside what stands now, and why it was not recorded."""
    history: tuple[Entry, ...] = ()
    if guest is not None and why != "failed":
        history = await asyncio.to_thread(desk.history, matter.subject, matter.language)
    theirs = history[-1] if history else None
    since = [entry for entry in history if entry.version > draft.based_on]
    response = respond_page(
        request,
        "desk_again.html",
        guest,
        status,
        matter=matter,
        draft=replace(draft, based_on=theirs.version if theirs else 0, content=matter.content),
        theirs=theirs if since else None,
        since=since,
        why=why,
        detail=detail,
        kinds=KINDS,
        names=LANGUAGE_NAMES,
        choices=_choices(guest, theirs),
        name=(await matters_of(request)).name_of(matter.term),
    )
    if status == 503:
        response.headers["Retry-After"] = "60"
    return response


async def _respond_term(request: Request, desk: Desk, guest: Guest, slug: str) -> Response:
    matters = await matters_of(request)
    term = matters.terminology.find(slug)
    if term is None or term.iri not in matters.by_term:
        raise Problem("not-found", "the graph that is served has no such term", {"suggestions": ["/desk/worklist"]})
    iri = term.iri

    def read() -> tuple[tuple[Item, ...], dict[str, tuple[Entry, ...]]]:
        items = list_term(matters, iri, desk.states(), desk.seen(guest.reviewer))
        return items, {item.matter.anchor: desk.history(*item.matter.key) for item in items if item.version}

    items, histories = await asyncio.to_thread(read)
    definitions = list(dict.fromkeys(item.matter.subject for item in items if item.matter.kind == "definition"))
    spoken = {item.matter.key for item in items}
    gaps = {
        subject: [language for language in LANGUAGES if (subject, language) not in spoken] for subject in definitions
    }
    return respond_page(
        request,
        "desk_term.html",
        guest,
        term=term,
        name=matters.names[iri],
        groups=_group(items),
        histories=histories,
        differences={item.matter.anchor: _difference(item) for item in items},
        choices={
            item.matter.anchor: _choices(guest, histories.get(item.matter.anchor, (None,))[-1]) for item in items
        },
        looked="\n".join(
            f"{item.matter.subject} {item.matter.language} {item.matter.content} {item.version}" for item in items
        ),
        fresh=sum(item.seen is None or item.is_changed for item in items),
        gaps={subject: languages for subject, languages in gaps.items() if languages},
        content=hash_content(""),
        kinds=KINDS,
        names=LANGUAGE_NAMES,
    )


def _group(items: tuple[Item, ...]) -> list[tuple[str, list[Item]]]:
    """Definitions, names by language, and the term as a whole, each under a heading."""
    definitions = [item for item in items if item.matter.kind == "definition"]
    names = [item for item in items if item.matter.kind not in {"definition", "term"}]
    whole = [item for item in items if item.matter.kind == "term"]
    return [
        (title, group)
        for title, group in (("Definitions", definitions), ("Names", names), ("Relations", whole))
        if group
    ]


def _choices(guest: Guest | None, last: Entry | None) -> list[str]:
    """The states that a form offers: those of the role, and what stands, so that a comment changes nothing."""
    if guest is None:
        return [last.state] if last else ["proposed"]
    own = list(guest.reviewer.states)
    if last is not None and own and last.state not in own:
        own.append(last.state)
    return own


def _difference(item: Item) -> list[dict[str, Any]]:
    """The suggested wording against the text, word by word."""
    if item.state is None or not item.state.suggestion or not item.matter.text:
        return []
    steps = compare_wordings(item.matter.text, item.state.suggestion).steps
    return [{"operation": step.operation, "one": step.one.text, "other": step.other.text} for step in steps]
