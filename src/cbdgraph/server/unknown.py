"""What is answered where the graph says nothing: a path in; the way to what was meant, or a problem that helps, out.

In this order: the same IRI spelled otherwise (301), what was withdrawn (410), what is like it (404). No way leads to
another server: it is a path of this one, made of what `normalize_path` gives, with the query string as it came.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint, normalize_path
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, WITHDRAWN
from cbdgraph.queries import prologue
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import CACHE, served_of
from cbdgraph.server.known import find_near, is_described, is_withdrawn
from cbdgraph.server.links import WRITTEN, prefix_of, write_links
from cbdgraph.server.live import Served
from cbdgraph.server.problems import Problem

SUFFIXES: Final = tuple(ending for ending, _ in WRITTEN.values() if ending)
_ECHOED: Final = 300  # characters of what was asked that an answer repeats
_REPLACEMENTS: Final = 50
_UNRESERVED: Final = re.compile(rb"[A-Za-z0-9._~/-]\Z")
_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_NOT_IN_HEADERS: Final = re.compile(rb'[^!-~]|[<>"\\]')
_WITHDRAWAL: Final = (
    prologue(("cbd", "dcterms"))
    + f"""
SELECT ?reason ?replacement
WHERE {{
  GRAPH <{WITHDRAWN}> {{
    @IRI@ a cbd:Withdrawal .
    OPTIONAL {{ @IRI@ cbd:withdrawalReason ?reason }}
    OPTIONAL {{ @IRI@ dcterms:isReplacedBy ?replacement }}
  }}
}}
ORDER BY ?replacement ?reason
LIMIT {_REPLACEMENTS}"""
)


def split_suffix(path: str) -> tuple[str, str]:
    """A path without the ending that names a format, and that ending, in small letters; "" if there is none.

    >>> split_suffix("target/aichi/15.TTL"), split_suffix("objective/gspc-2010/1.2")
    (('target/aichi/15', '.ttl'), ('objective/gspc-2010/1.2', ''))
    """
    small = path.lower()
    suffix = next((suffix for suffix in SUFFIXES if small.endswith(suffix) and len(path) > len(suffix)), "")
    return (path.removesuffix(path[-len(suffix) :]), suffix) if suffix else (path, "")


def has_needless_escapes(raw_path: bytes) -> bool:
    """Whether a path escapes what needs no escape, or in small letters (RFC 3986 section 6.2.2).

    >>> has_needless_escapes(b"/target/%61ichi/15"), has_needless_escapes(b"/a%2fb"), has_needless_escapes(b"/%C3%A9")
    (True, True, False)
    """
    if b"%" not in raw_path:
        return False
    found = _ESCAPE.findall(raw_path)
    return any(each != each.upper() or _UNRESERVED.match(unquote_to_bytes(each)) for each in found)


def redirect(request: Request, iri: str, suffix: str) -> Response:
    """The way to the one address of an IRI under the base, for good; suffix and query string are kept."""
    where = (prefix_of(request) + address(iri)).replace("#", "%23") + suffix
    if query := request.scope["query_string"]:
        where += "?" + _NOT_IN_HEADERS.sub(lambda found: b"%%%02X" % found[0][0], query).decode("ascii")
    headers = {"Location": where, "Cache-Control": CACHE, "Link": write_links([(iri, "canonical", "")])}
    return Response(status_code=301, headers=headers)


async def respond_unknown(request: Request, path: str) -> Response:
    """301 to the normal form of a path, if the graph knows that; else raises what `find_problem` finds."""
    served = served_of(request)
    stem, suffix = split_suffix(path)
    for spelled, ending in dict.fromkeys(((stem, suffix), (path, ""))):
        normal = normalize_path(spelled)
        if normal and f"{normal}{ending}" != path:
            iri = mint(normal)
            if await is_described(served, iri) or await is_withdrawn(served, iri):
                return redirect(request, iri, ending)
    raise await find_problem(request, mint(stem))


async def find_problem(request: Request, iri: str) -> Problem:
    """That an IRI is withdrawn, with what replaces it; or that nothing is said about it, with what is like it."""
    served = served_of(request)
    if (withdrawn := await _find_withdrawal(served, iri)) is not None:
        return withdrawn
    try:
        Iri(iri)
    except InvalidName as error:
        return Problem("not-found", f"no IRI is spelled like this: {error.reason}")
    near = await find_near(served, iri)
    detail = f"the graph says nothing about {iri[:_ECHOED]}{'…' if len(iri) > _ECHOED else ''}"
    return Problem("not-found", detail, {"suggestions": [prefix_of(request) + address(name) for name in near]})


async def _find_withdrawal(served: Served, iri: str) -> Problem | None:
    if WITHDRAWN not in served.graphs:
        return None
    try:
        query = _WITHDRAWAL.replace("@IRI@", str(Iri(iri)))
    except InvalidName:
        return None
    answer = await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)
    if not answer.rows:
        return None
    reasons = {
        row["reason"].get("xml:lang", ""): row["reason"]["value"] for row in answer.bindings if "reason" in row
    }
    replacements = dict.fromkeys(row["replacement"]["value"] for row in answer.bindings if "replacement" in row)
    reason = reasons.get("en") or next(iter(reasons.values()), "")
    extra: dict[str, Any] = {
        "iri": iri,
        "reason": reason,
        "replacements": [{"iri": name, "path": address(name)} for name in replacements],
    }
    links = [(name, "successor-version", "") for name in replacements]
    if earlier := _find_earlier(served, iri):
        extra["earlier"] = {"release": earlier, "path": f"/release/{earlier}{address(iri)}"}
        links.append((extra["earlier"]["path"], "predecessor-version", ""))
    headers = {"Link": write_links(links)} if links else {}
    told = iri.removeprefix(BASE)
    return Problem("gone", f"{told} was withdrawn" + (f": {reason}" if reason else ""), extra, headers)


def _find_earlier(served: Served, iri: str) -> str:
    """The last release that had a withdrawn resource, if that can still be asked; else ""."""
    last = served.history.last(iri) if served.history else None
    if served.history is None or last is None:
        return ""
    numbers = [release.number for release in served.history.releases]
    # Withdrawn by what no release holds yet, it stands in the last one.
    before = numbers[: numbers.index(last.release)] if last.change == "withdrawn" else numbers
    return before[-1] if before and before[-1] in served.older else ""
