"""/desk/reviews, seen, export: tokens and JSON in, reviews as JSON, RDF and tables out; draws no page."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.desk import ROLES, Desk, Draft, Entry, Guest
from cbdgraph.desk.export import EXPORT_PREFIXES, describe, write_csv, write_json, write_lines
from cbdgraph.desk.reviews import check_language
from cbdgraph.errors import DeskConflict, DeskRefused
from cbdgraph.server import answers, pages
from cbdgraph.server.answers import served_of
from cbdgraph.server.bodies import read_body, read_media_type, read_utf8
from cbdgraph.server.desk.described import DRAFT, FIELDS, IF_MATCH, LANG, MOST_SEEN, RECORDED, SEEN, SUBJECT
from cbdgraph.server.desk.guests import LONGEST_BODY, admit, count_write
from cbdgraph.server.desk.matters import Matter, matters_of, read_subject
from cbdgraph.server.desk.opened import require_desk
from cbdgraph.server.desk.worklist import list_items
from cbdgraph.server.negotiate import JSON
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer
from cbdgraph.store.convert import convert

router = Router()

_EXPORTS: Final = {"ttl": "text/turtle", "jsonld": "application/ld+json", "csv": "text/csv", "json": JSON}
_TAG: Final = re.compile(r'"(?:v)?([0-9]{1,9})"\Z')


@router.get(
    "/desk/reviews",
    summary="What was reviewed of a subject",
    responses=offer([JSON]),
    openapi_extra={"parameters": [SUBJECT, LANG]},
)
async def show_reviews(request: Request) -> Response:
    """All entries on a subject, in one language or all, and what stands; the ETag is the version of that language."""
    desk = await require_desk(request)
    await admit(request, desk)
    language = request.query_params.get("lang", "")
    subject = read_subject(request.query_params.get("subject", ""))
    if language:
        check_language(language)
    history = await asyncio.to_thread(desk.history, subject, language)
    matters = await matters_of(request)
    said = [matter for matter in matters.all.values() if matter.subject == subject]
    if not history and not said:
        matters.find(subject, language or "en")  # says what is wrong
    version = history[-1].version if history else 0
    last = {entry.language: entry for entry in history}
    document = {
        "subject": subject,
        "release": served_of(request).release,
        "texts": {matter.language: _text(matter) for matter in said if matter.language == language or not language},
        "states": {tongue: _state(entry) for tongue, entry in last.items()},
        "reviews": [describe(entry) for entry in history],
    }
    return respond(document, headers={"ETag": f'"v{version}"'} if language else {})


@router.post(
    "/desk/reviews",
    summary="Record a review",
    status_code=201,
    responses=RECORDED,
    openapi_extra={"parameters": [IF_MATCH], "requestBody": DRAFT},
)
async def add_review(request: Request) -> Response:
    """A review on the last version; on any other, nothing is recorded and both are in the answer."""
    desk = await require_desk(request)
    guest = await admit(request, desk, cookies=False)
    count_write(request, guest)
    body = await _read_object(request)
    if unknown := body.keys() - FIELDS:
        raise Problem("bad-request", f"there is no member {min(unknown)}; there are {', '.join(sorted(FIELDS))}")
    based_on, is_header = _read_version(request, body)
    matters = await matters_of(request)
    given = {
        name: _string(body, name) for name in ("subject", "language", "state", "comment", "suggestion", "content")
    }
    subject = read_subject(given["subject"])
    check_language(given["language"])
    matter = matters.find(subject, given["language"])
    draft = make_draft(request, matter, given, based_on)
    try:
        entry = await record(desk, guest, matter, draft)
    except DeskConflict as error:
        raise make_conflict(error, draft, matter, "precondition" if is_header else "conflict") from error
    headers = {"Location": f"/desk/review/{entry.uid}", "ETag": f'"v{entry.version}"'}
    return respond(describe(entry), status=201, headers=headers)


@router.post(
    "/desk/seen",
    summary="Note what you have seen",
    responses={200: {"description": "how many were noted", "content": {JSON: {}}}},
    openapi_extra={"requestBody": SEEN},
)
async def mark_seen(request: Request) -> Response:
    """Note that you looked: at what is there now, or at the content and version that you name."""
    desk = await require_desk(request)
    guest = await admit(request, desk, cookies=False)
    count_write(request, guest)
    body = await _read_object(request)
    given = body.get("items")
    if not isinstance(given, list) or len(given) > MOST_SEEN or not all(isinstance(each, dict) for each in given):
        raise Problem("bad-request", f"expected the member items, a list of at most {MOST_SEEN} objects")
    matters, states = await matters_of(request), await asyncio.to_thread(desk.states)
    noted = []
    for each in given:
        language = _string(each, "language")
        check_language(language)
        (item,) = list_items([matters.find(read_subject(_string(each, "subject")), language)], states, {})
        version = each.get("version", item.version)
        content = _string(each, "content") or item.matter.content
        if not isinstance(version, int) or not 0 <= version <= item.version or len(content) > 100:
            raise Problem("bad-request", f"expected a version from 0 to {item.version}, and a short content")
        noted.append((*item.matter.key, content, version))
    return respond({"seen": await asyncio.to_thread(desk.mark_seen, guest.reviewer, noted)})


@router.get(
    "/desk/export.{suffix}",
    summary="All reviews",
    responses=offer(_EXPORTS.values()),
    openapi_extra={
        "parameters": [
            {"name": "suffix", "in": "path", "required": True, "schema": {"type": "string", "enum": list(_EXPORTS)}}
        ],
    },
)
async def export_reviews(request: Request, suffix: str) -> Response:
    """All entries: as Web Annotations with PROV in Turtle or JSON-LD, as CSV, or as JSON; for editors."""
    desk = await require_desk(request)
    guest = await admit(request, desk)
    if suffix not in _EXPORTS:
        raise Problem(
            "not-found", "there is no such format", {"suggestions": [f"/desk/export.{s}" for s in _EXPORTS]}
        )
    require_editor(guest)
    content = await asyncio.to_thread(write_export, desk, suffix)
    name = f'attachment; filename="reviews.{suffix}"'
    return answers.respond(content, _EXPORTS[suffix], "", {"Content-Disposition": name})


@router.get("/desk/review/{uid}", summary="One entry", responses=offer([JSON]))
async def show_review(request: Request, uid: str) -> Response:
    """The entry of that name, as the IRIs in exports have it."""
    desk = await require_desk(request)
    await admit(request, desk)
    entry = await asyncio.to_thread(desk.find, uid[:64])
    if entry is None:
        raise Problem("not-found", "there is no such entry in this desk")
    return respond(describe(entry))


def write_export(desk: Desk, suffix: str) -> bytes:
    """All entries in the format of a suffix."""
    if suffix == "csv":
        return write_csv(desk.entries()).encode()
    if suffix == "json":
        return json.dumps(write_json(desk.head, desk.entries()), ensure_ascii=False, indent=1).encode()
    return convert(write_lines(desk.entries()), _EXPORTS[suffix], EXPORT_PREFIXES)


def require_editor(guest: Guest) -> None:
    """`Problem` for any other role."""
    if guest.reviewer.role != ROLES[-1]:
        raise Problem("forbidden", f"a {guest.reviewer.role} may not export; an editor may")


def make_draft(request: Request, matter: Matter, given: dict[str, str], based_on: int) -> Draft:
    """A draft on a matter, from the fields of a form or the members of a document."""
    return Draft(
        matter.subject,
        matter.language,
        given.get("state", ""),
        given.get("comment", ""),
        given.get("suggestion", ""),
        based_on,
        served_of(request).release,
        given.get("content") or matter.content,
    )


async def record(desk: Desk, guest: Guest, matter: Matter, draft: Draft) -> Entry:
    """Record a draft; `DeskConflict` also if the text itself is not what the reviewer looked at."""
    if draft.content != matter.content:
        states = await asyncio.to_thread(desk.history, draft.subject, draft.language)
        raise DeskConflict(draft.based_on, states[-1].version if states else 0, states[-1] if states else None)
    return await asyncio.to_thread(desk.record, draft, guest.reviewer)


def make_conflict(error: DeskConflict, draft: Draft, matter: Matter, kind: str) -> Problem:
    """Both versions, in one answer."""
    theirs: Entry | None = error.entry
    detail = str(error)
    if draft.content != matter.content:
        detail = "the text is not the one that you looked at: another release is served now; nothing was recorded"
    return Problem(
        kind,
        detail,
        {
            "based_on": error.based_on,
            "version": error.version,
            "text": _text(matter),
            "theirs": describe(theirs) if theirs else None,
            "yours": {
                "subject": draft.subject,
                "language": draft.language,
                "state": draft.state,
                "comment": draft.comment,
                "suggestion": draft.suggestion,
            },
        },
        {"ETag": f'"v{error.version}"'},
    )


def _state(entry: Entry) -> dict[str, Any]:
    now = entry.now
    return {"state": now.state, "version": now.version, "suggestion": now.suggestion, "parallel": now.parallel}


def _text(matter: Matter) -> dict[str, str]:
    return {"text": matter.text, "about": matter.about, "content": matter.content}


def respond(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON for one reviewer, which nothing on the way keeps."""
    response = pages.respond_json(document, "", {"Vary": "Accept, Authorization, Cookie", **(headers or {})})
    response.status_code = status
    return response


async def _read_object(request: Request) -> dict[str, Any]:
    if read_media_type(request) != (JSON, "utf-8"):
        raise Problem("media-type", "expected application/json, in UTF-8")
    try:
        body = json.loads(read_utf8(await read_body(request, LONGEST_BODY), "body"))
    except (ValueError, RecursionError) as error:
        raise Problem("bad-request", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Problem("bad-request", "expected an object of JSON")
    return body


def _string(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise DeskRefused(name, "expected a text")
    return value


def _read_version(request: Request, body: dict[str, Any]) -> tuple[int, bool]:
    """On which version a draft is based, and whether a header says so."""
    stated = request.headers.get("if-match")
    version = body.get("version")
    if stated is not None:
        match = _TAG.match(stated.strip())
        if match is None:
            raise Problem("bad-request", 'expected If-Match with one ETag of /desk/reviews, such as "v3"')
        if version is not None and version != int(match[1]):
            raise Problem("bad-request", "If-Match and version do not say the same")
        return int(match[1]), True
    if version is None:
        raise Problem("version-required", "send If-Match with the ETag of /desk/reviews?subject=…&lang=…, or version")
    if not isinstance(version, int) or isinstance(version, bool) or not 0 <= version < 10**9:
        raise Problem("bad-request", "expected version as a number from 0")
    return version, False
