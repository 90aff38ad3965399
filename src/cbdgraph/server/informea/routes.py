"""/informea: what harvesters of InforMEA and its partners ask by OData in, decisions and meetings out; read-only.

A subset of OData 2, 3 and 4: what is asked beyond it is a problem that says what, never a wrong answer. The address
tells how an answer is written (`/informea/v3/Decisions`), else $format or Accept, else the headers of OData 4; who
tells nothing gets what the toolkit of InforMEA writes. See docs/informea.md.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint
from cbdgraph.namespaces import BASE
from cbdgraph.server.answers import etag, live_of, not_modified, respond, served_of
from cbdgraph.server.bodies import read_pairs
from cbdgraph.server.informea import as_atom, as_json
from cbdgraph.server.informea.as_json import Frame
from cbdgraph.server.informea.model import DIALECTS, KEY, SETS, Dialect, EntitySet, find_set, write_metadata
from cbdgraph.server.informea.odata import ODataError, Order, Record, Unsupported
from cbdgraph.server.informea.options import Options, next_query, parse_options, select
from cbdgraph.server.informea.records import Records, read_records
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import JSON, NotAcceptable, choose
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer
from cbdgraph.symbols import Symbol

router = Router()

_ATOM: Final = "application/atom+xml"
_XML: Final = "application/xml"
_SERVICE: Final = "application/atomsvc+xml"
_TEXT: Final = "text/plain"
OFFER: Final = (_ATOM, _XML, JSON)
_FORMATS: Final = {"json": JSON, "xml": _XML, "atom": _ATOM}
_VARY: Final = "Accept, OData-Version, OData-MaxVersion"
# Parameters of application/json that only version 4 has.
_OF_VERSION_4: Final = re.compile(r"odata\.(?:metadata|streaming)|[; ](?:metadata|ieee754compatible)=", re.I)
_VERSION_4: Final = re.compile(r"[4-9]\.", re.ASCII)
_HEADERS: Final[dict[Dialect, dict[str, str]]] = {
    "v2": {"DataServiceVersion": "2.0"},
    "v3": {"DataServiceVersion": "3.0"},
    "v4": {"OData-Version": "4.0"},
}
# A set, the key of a record in it, and what of that is meant.
_ADDRESS: Final = re.compile(
    r"(?P<set>[A-Za-z][A-Za-z0-9]*)"
    r"(?:\((?:id=)?(?:(?:guid)?'(?P<quoted>(?:[^']|'')*)'|(?P<bare>[^'()=]+))\))?"
    r"(?:/(?P<rest>.*))?",
    re.ASCII | re.DOTALL,
)
_ORDER: Final = (Order("updated"),)
_RELEASES: Final = 2  # whose records are at hand
_MERGED: Final = BASE.replace("//", "/")  # as some servers on the way leave an IRI in a path
_ECHOED: Final = 100  # characters of a request that an error repeats
_PARAMETERS: Final = [
    {"name": name, "in": "query", "schema": schema, "description": meaning}
    for name, schema, meaning in (
        ("$filter", {"type": "string", "example": "updated gt 2026-01-01T00:00:00Z"}, "which records"),
        ("$orderby", {"type": "string", "example": "updated desc,id"}, "in which order; `updated` if none is named"),
        ("$top", {"type": "integer", "minimum": 0, "maximum": 999_999_999}, "how many at most"),
        ("$skip", {"type": "integer", "minimum": 0, "maximum": 999_999_999}, "how many to pass over"),
        ("$count", {"type": "boolean"}, "whether to say how many there are"),
        ("$select", {"type": "string", "example": "id,number"}, "which fields"),
        ("$format", {"type": "string", "enum": sorted(_FORMATS)}, "the format; wins over Accept"),
    )
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request is for: how to answer, the service's own address, and the path under it."""

    dialect: Dialect
    shown: str
    root: str
    path: str


@router.get("/informea", summary="Decisions as InforMEA harvests them", responses=offer((_SERVICE, _XML, JSON)))
async def show_service(request: Request) -> Response:
    """The service document of OData: which sets there are."""
    return await _answer(request, "")


@router.get(
    "/informea/{path:path}",
    summary="Decisions and meetings by OData",
    responses={**offer((*OFFER, _TEXT)), 501: {"description": "what of OData is not spoken here"}},
    openapi_extra={"parameters": _PARAMETERS},
)
async def show_records(request: Request, path: str) -> Response:
    """`Decisions`, `Meetings`, one of them by its key, `$count`, `$metadata`; below `v2`, `v3`, `v4` in its way."""
    return await _answer(request, path)


async def _answer(request: Request, path: str) -> Response:
    pairs = read_pairs(request.scope["query_string"])
    try:
        pinned, _, rest = path.partition("/")
        asked = _read_asked(request, *((pinned, rest) if pinned in DIALECTS else ("", path)), pairs)
        if asked.path in {"", "$metadata"}:
            return _describe(request, asked)
        return await _respond(request, asked, pairs)
    except Unsupported as error:
        raise Problem("not-implemented", str(error), _place(error)) from error
    except ODataError as error:
        raise Problem("parameter", str(error), _place(error)) from error


def _place(error: ODataError) -> dict[str, str | int]:
    return {"parameter": error.option, **({"position": error.position} if error.position else {})}


def _read_asked(request: Request, pinned: str, path: str, pairs: list[tuple[str, str]]) -> _Asked:
    """How to answer; `NotAcceptable` if that cannot be done in any format that is wanted."""
    named = next((value for name, value in pairs if name in {"$format", "format"}), "")
    accept = request.headers.get("accept", "")
    dialect = _choose_dialect(request, pinned, named or accept)
    given = (JSON,) if dialect == "v4" else (_SERVICE, _XML, JSON) if not path else OFFER
    if path == "$metadata":
        shown = _XML  # whatever is accepted: clients ask for JSON with all that they ask
    elif path.endswith("$count"):
        shown = _TEXT
    elif named:
        shown = _FORMATS.get(named.lower(), named.partition(";")[0].strip().lower())
        if shown not in given:
            raise NotAcceptable(named[:_ECHOED], given)
    else:
        shown = choose(accept, given)
    root = f"{_origin(request)}/informea{'/' * bool(pinned)}{pinned}"
    return _Asked(dialect, shown, root, path)


def _choose_dialect(request: Request, pinned: str, formats: str) -> Dialect:
    for dialect in _HEADERS:
        if dialect == pinned:
            return dialect
    if _OF_VERSION_4.search(formats):
        return "v4"
    headers = request.headers
    version = headers.get("odata-maxversion") or headers.get("odata-version") or ""
    return "v4" if _VERSION_4.match(version) else "v2"


def _origin(request: Request) -> str:
    """Where this service is, with the older release that is asked, so that links stay in it."""
    served = served_of(request)
    own = str(request.url.replace(path="", query="", fragment=""))
    return own if live_of(request).current.release == served.release else f"{own}/release/{served.release}"


def _describe(request: Request, asked: _Asked) -> Response:
    """The service document, or the metadata."""
    tag = etag(served_of(request), "informea", asked)
    if known := not_modified(request, tag, _VARY):
        return known
    if asked.path:
        content = write_metadata(asked.dialect)
    elif asked.shown == JSON:
        content = as_json.write_service(asked.dialect, asked.root)
    else:
        content = as_atom.write_service(asked.root)
    return _send(content, asked, tag)


async def _respond(request: Request, asked: _Asked, pairs: list[tuple[str, str]]) -> Response:
    entities, key, rest = _read_address(asked.path)
    options = parse_options(pairs, entities.fields, _ORDER, KEY)
    served = served_of(request)
    records = await _records_of(request, served)
    tag = etag(served, "informea", asked, request.scope["query_string"])
    frame = Frame(entities, asked.dialect, asked.root, options.names)
    if key is None:
        if known := not_modified(request, tag, _VARY):
            return known
        return _send(_write_page(frame, asked, records, options, pairs, counts_only=rest == "$count"), asked, tag)
    record = records.find(entities, key)
    if record is None:
        near = [f"/informea/{entities.name}"]
        raise Problem("not-found", f"there is no record {key[:_ECHOED]!r} in {entities.name}", {"suggestions": near})
    if known := not_modified(request, tag, _VARY):
        return known
    return _send(_write_record(frame, asked, record, rest), asked, tag)


def _write_page(
    frame: Frame,
    asked: _Asked,
    records: Records,
    options: Options,
    pairs: list[tuple[str, str]],
    *,
    counts_only: bool,
) -> bytes:
    page = select(records.by_set[frame.entities.name], options, KEY)
    if counts_only:
        return str(page.total).encode()
    query = next_query(pairs, options, page)
    following = f"{asked.root}/{frame.entities.name}?{query}" if query else ""
    if asked.shown == JSON:
        return as_json.write_page(frame, page, following, counts=options.wants_count)
    return as_atom.write_page(frame, page, following, counts=options.wants_count)


def _write_record(frame: Frame, asked: _Asked, record: Record, rest: str) -> bytes:
    is_json = asked.shown == JSON
    if not rest:
        return as_json.write_entity(frame, record) if is_json else as_atom.write_entity(frame, record)
    listing = next((each for each in frame.entities.listings if each.name == rest), None)
    if listing is None:
        raise Unsupported("the address", f"of a record only its lists have addresses, not {rest[:_ECHOED]!r}")
    if is_json:
        return as_json.write_list(frame, record, listing)
    return as_atom.write_list(frame, record, listing)


def _read_address(path: str) -> tuple[EntitySet, str | None, str]:
    """The set, the key of a record, and what stands after it; `Problem` if there is no such set."""
    if path.startswith("$"):
        raise Unsupported("the address", f"{path[:_ECHOED]!r} is not spoken here; there are $metadata and the sets")
    match = _ADDRESS.fullmatch(path)
    entities = find_set(match["set"]) if match else None
    if match is None or entities is None:
        if any(match and match["set"] == listing.entity for each in SETS for listing in each.listings):
            raise Unsupported("the address", "lists are read with the records that they belong to")
        names = [f"/informea/{each.name}" for each in SETS]
        raise Problem("not-found", f"there is no set {path[:_ECHOED]!r} here", {"suggestions": names})
    rest = match["rest"] or ""
    given = match["quoted"].replace("''", "'") if match["quoted"] is not None else match["bare"]
    if given is None:
        if rest not in {"", "$count"}:
            raise Unsupported("the address", f"{rest[:_ECHOED]!r} of a set is not spoken here; there is $count")
        return entities, None, rest
    return entities, _read_key(given), rest


def _read_key(text: str) -> str:
    """The IRI that a key names: the IRI itself, its path, or for a decision its number."""
    if text.startswith((BASE, _MERGED)):
        return BASE + text.removeprefix(BASE).removeprefix(_MERGED)
    try:
        return mint(Symbol.parse(text).path)
    except InvalidName:
        return BASE + text.lstrip("/")


async def _records_of(request: Request, served: Served) -> Records:
    """The records of the release, which are put together when somebody first asks for them."""
    state = request.app.state
    kept: OrderedDict[str, Records] | None = getattr(state, "informea", None)
    if kept is None:
        kept = state.informea = OrderedDict()
    records = kept.get(served.stamp)
    if records is None:
        records = kept[served.stamp] = await read_records(served)
        while len(kept) > _RELEASES:
            kept.popitem(last=False)
    return records


def _send(content: bytes, asked: _Asked, tag: str) -> Response:
    media_type = asked.shown
    if asked.dialect == "v4" and media_type == JSON:
        media_type = f"{JSON};odata.metadata=minimal"
    return respond(content, media_type, tag, {"Vary": _VARY, **_HEADERS[asked.dialect]})
