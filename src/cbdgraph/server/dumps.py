"""/dump/: the files of a release for download; names in, whole files or parts of them out; reads none into memory.

A name is looked up in the index that the build wrote and is never made into a path otherwise, so that nothing else of
the disk can be asked for. The IRI of a distribution (`dataset#dump/<name>`) leads to what is said about it, the
address here to the file.
"""

from __future__ import annotations

import asyncio
import base64
import difflib
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from cbdgraph.namespaces import BASE
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import CACHE, etag, not_modified, served_of, settings_of
from cbdgraph.server.kept import is_held
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import HTML, JSON
from cbdgraph.server.problems import Problem
from cbdgraph.server.ranges import parse_ranges
from cbdgraph.server.routes import Router, offer
from cbdgraph.store.dumps import FOLDER, INDEX, MEDIA_TYPES, SUMS, WHOLE, Dump, read_dumps

router = Router()

GZIP: Final = "application/gzip"
_ECHOED: Final = 200  # characters of a name that an error repeats
_STATUSES: Final = {
    206: "the parts that were asked for",
    304: "the client has this file",
    404: "there is no file of this name",
    416: "the file has none of the bytes that were asked for",
}


def dumps_of(served: Served) -> Mapping[str, Dump]:
    """The files of a release by name; none of a user's own files, or of a release that was built without."""
    return {} if served.folder is None else _read(served.folder)


def issued(served: Served) -> datetime | None:
    """When the release that is served was issued; None for what goes beyond a release, or is a user's own."""
    past = served.history.releases if served.history else ()
    return next((release.when for release in past if release.number == served.release), None)


@router.get("/dump", summary="Files for download", responses=offer((JSON, HTML)))
async def list_dumps(request: Request) -> Response:
    """Every file with its size, its SHA-256 and what it holds, and how to read it."""
    served = served_of(request)
    html = pages.wants_html(request)
    tag = etag(served, "dumps", html)
    dumps = _require(request, served)
    if known := not_modified(request, tag):
        return known
    if html:
        page = pages.render(
            "dumps.html",
            served=served,
            issued=issued(served),
            whole=[dump for dump in dumps.values() if not dump.graph and not dump.table],
            tables=[dump for dump in dumps.values() if dump.table],
            graphs=_by_graph(dumps),
            endings=[ending for ending in MEDIA_TYPES if f"{WHOLE}.{ending}" in dumps],
        )
        return pages.respond(page, tag)
    when = issued(served)
    document = {
        "release": served.release,
        "issued": when.isoformat() if when else None,
        "data_hash": f"sha256:{served.data_hash}",
        "files": [_entry(dump) for dump in dumps.values()],
        "links": {"checksums": f"/dump/{SUMS}", "description": "/dataset", "index": f"/dump/{INDEX}"},
    }
    return pages.respond_json(document, tag)


@router.get(
    "/dump/{name:path}",
    summary="A file for download",
    responses={
        **offer((*dict.fromkeys((*MEDIA_TYPES.values(), GZIP)), "text/plain")),
        **{status: {"description": meaning} for status, meaning in _STATUSES.items()},
    },
)
async def get_dump(request: Request, name: str) -> Response:
    """A file, or by Range a part of it: so that a download that was broken off can go on."""
    served = served_of(request)
    dumps = _require(request, served)
    assert served.folder is not None
    path = served.folder / FOLDER / name
    if name in {SUMS, INDEX}:
        dump = await asyncio.to_thread(_describe, path, "text/plain" if name == SUMS else JSON)
    elif name in dumps:
        dump = dumps[name]
    else:
        raise _unknown(name, dumps)
    headers = _headers(dump, issued(served))
    if _has_it(request, headers):
        kept = {key: value for key, value in headers.items() if not key.startswith("Content-")}
        return Response(status_code=304, headers=kept)
    return _File(path, headers, _wanted(request, dump.bytes, headers))


class _File(FileResponse):
    """A file that is streamed; of `ranges`, which are known to be right, only those bytes."""

    def __init__(self, path: Path, headers: Mapping[str, str], ranges: str) -> None:
        super().__init__(path, headers=headers, media_type=headers["Content-Type"])
        self._ranges = ranges

    def set_stat_headers(self, stat_result: Any) -> None:
        """Only the size: the day on which the file came to this disk says nothing about the data."""
        self.headers.setdefault("content-length", str(stat_result.st_size))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette refuses other units and the whole of a list that is partly beyond the end, both of which RFC 9110
        # wants passed over; so it is only told of ranges that are read and looked at already.
        headers = [header for header in scope["headers"] if header[0] not in {b"range", b"if-range"}]
        is_head = scope.get("cbdgraph.is_head", False)  # of which a range is no matter: section 14.2
        if self._ranges and not is_head:
            headers.append((b"range", self._ranges.encode()))
        method = "HEAD" if is_head else scope["method"]
        await super().__call__({**scope, "headers": headers, "method": method}, receive, send)


@lru_cache(maxsize=16)  # a release never changes
def _read(release: Path) -> Mapping[str, Dump]:
    return {dump.name: dump for dump in read_dumps(release)}


def _require(request: Request, served: Served) -> Mapping[str, Dump]:
    dumps = dumps_of(served)
    if not dumps:
        own = bool(settings_of(request).data)
        why = "these are a user's own files, served as they are" if own else "this release was built without them"
        detail = f"there are no files for download: {why}"
        raise Problem("not-found", detail, {"suggestions": ["/graph-store?default"]})
    return dumps


def _unknown(name: str, dumps: Mapping[str, Dump]) -> Problem:
    near = difflib.get_close_matches(name[:_ECHOED], dumps, n=5, cutoff=0.5)
    shown = name[:_ECHOED] + ("…" if len(name) > _ECHOED else "")
    suggestions = [address(f"{BASE}dump/{other}") for other in near] or ["/dump/"]
    return Problem("not-found", f"there is no file {shown!r} for download", {"suggestions": suggestions})


def _describe(path: Path, media_type: str) -> Dump:
    """A file that the index does not tell of; it is small."""
    content = path.read_bytes()
    return Dump(path.name, media_type, len(content), hashlib.sha256(content).hexdigest(), content.count(b"\n"))


def _headers(dump: Dump, when: datetime | None) -> dict[str, str]:
    media_type = GZIP if dump.is_compressed else dump.media_type
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    digest = base64.b64encode(bytes.fromhex(dump.sha256)).decode()
    iri = f"{BASE}dump/{dump.name}"
    headers = {
        "Content-Type": media_type + charset,
        "Content-Disposition": f'attachment; filename="{dump.name.replace("/", "-")}"',
        "ETag": f'"{dump.sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",
        "Cache-Control": CACHE,
        "Link": f'<{iri}>; rel="canonical", </dataset>; rel="describedby"',
    }
    return headers | ({"Last-Modified": format_datetime(when.astimezone(UTC), usegmt=True)} if when else {})


def _has_it(request: Request, headers: Mapping[str, str]) -> bool:
    """Whether the client has the file already."""
    held, since = request.headers.get("if-none-match", ""), request.headers.get("if-modified-since", "")
    return is_held(held, since, headers["ETag"], headers.get("Last-Modified", ""))


def _wanted(request: Request, size: int, headers: Mapping[str, str]) -> str:
    """The Range header as Starlette may have it, "" for the whole file; `Problem` if the file has none of it."""
    condition = request.headers.get("if-range")
    if condition is not None and condition not in {headers["ETag"], headers.get("Last-Modified")}:
        return ""  # another file than the client has the beginning of
    ranges = parse_ranges(request.headers.get("range", ""), size)
    if ranges is None:
        return ""
    if not ranges:
        detail = f"the file has {size} bytes, and none of those that were asked for"
        raise Problem("range", detail, {"bytes": size}, {"Content-Range": f"bytes */{size}", "ETag": headers["ETag"]})
    return "bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)


def _entry(dump: Dump) -> dict[str, Any]:
    return {
        "name": dump.name,
        "address": f"/dump/{dump.name}",
        "media_type": dump.media_type,
        "compression": GZIP if dump.is_compressed else None,
        "bytes": dump.bytes,
        "sha256": dump.sha256,
        ("rows" if dump.table else "triples"): dump.rows,
        **({"graph": dump.graph} if dump.graph else {}),
        **({"table": dump.table} if dump.table else {}),
    }


def _by_graph(dumps: Mapping[str, Dump]) -> dict[str, list[Dump]]:
    found: dict[str, list[Dump]] = {}
    for dump in dumps.values():
        if dump.graph:
            found.setdefault(dump.graph, []).append(dump)
    return found
