"""/terms/export/: the terminology of a release as files for other tools; some terms, some languages, or all.

An export is the same bytes for the same release, so that it has a validator and is kept. `respond_terms` answers for
other addresses that offer the same formats.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import QueryTooLarge
from cbdgraph.exchange.formats import FILES, FORMATS, Format, find_format
from cbdgraph.exchange.selection import check_slugs, read_languages, select_terms
from cbdgraph.server.answers import etag, not_modified, respond, served_of, settings_of
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import JSON
from cbdgraph.server.pages import respond_json
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.terms import terminology_of
from cbdgraph.terminology.terms import TERM, Terminology

router = Router()

# Names, wordings and features in one file; more takes the service seconds, and the command has no such limit.
MOST: Final = 30_000
_MOST_TERMS: Final = 200  # that an address may name
_ECHOED: Final = 100
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "lang",
        "in": "query",
        "schema": {"type": "string", "default": "all"},
        "example": "fr,en",
        "description": "codes of languages with commas, or all",
    },
    {
        "name": "term",
        "in": "query",
        "schema": {"type": "string"},
        "example": "ecosystem-restoration",
        "description": "slugs of terms with commas, or the parameter more than once; all terms if not given",
    },
]


@router.get("/terms/export", summary="Files of the terminology", responses=offer((JSON,)))
async def list_exports(request: Request) -> Response:
    """Every file with its media type and what it is."""
    served = served_of(request)
    tag = etag(served, "exports")
    if known := not_modified(request, tag):
        return known
    files = [
        {
            "name": form.file,
            "address": f"/terms/export/{form.file}",
            "media_type": form.media_type,
            "title": form.title,
        }
        for form in FORMATS.values()
    ]
    return respond_json({"release": served.release, "files": files, "parameters": ["lang", "term"]}, tag)


@router.get(
    "/terms/export/{name}",
    summary="The terminology as a file for another tool",
    responses=offer(dict.fromkeys(form.media_type for form in FORMATS.values())),
    openapi_extra={"parameters": _PARAMETERS},
)
async def export_terms(request: Request, name: str) -> Response:
    """TBX-Basic, SKOS, SKOS-XL, CSV or XLSX; what each holds is told in docs/exchange.md."""
    if name not in FILES:
        near = difflib.get_close_matches(name[:_ECHOED], FILES, n=5, cutoff=0.4)
        suggestions = [f"/terms/export/{each}" for each in near] or ["/terms/export"]
        raise Problem("not-found", f"there is no export {name[:_ECHOED]!r}", {"suggestions": suggestions})
    return await respond_terms(request, name)


async def respond_terms(request: Request, format_name: str, slugs: Sequence[str] | None = None) -> Response:
    """The terms of the release in a format of `exchange.formats`, as a file.

    Which terms is in `slugs`, else in the parameter `term`; which languages in `lang`.
    """
    form = find_format(format_name)
    if form is None:
        detail = f"there is no format {format_name[:_ECHOED]!r}"
        raise Problem("not-found", detail, {"suggestions": ["/terms/export"]})
    served = served_of(request)
    languages = read_languages(request.query_params.get("lang", "all"))
    if slugs is None:
        given = [slug for value in request.query_params.getlist("term") for slug in value.split(",")]
        slugs = tuple(dict.fromkeys(slug.strip().removeprefix(TERM).removeprefix("term/") for slug in given)) or None
    if slugs is not None and len(slugs) > _MOST_TERMS:
        detail = f"an address may name {_MOST_TERMS} terms; leave them out for all"
        raise Problem("parameter", detail, {"parameter": "term"})
    tag = etag(served, "terms", form.file, *(languages or ("all",)), "|", *(slugs or ()))
    if known := not_modified(request, tag, vary="Accept"):
        return known
    terminology = await terminology_of(served)
    check_slugs(terminology, slugs or ())
    content = await asyncio.to_thread(_write, terminology, form, slugs, languages, served)
    limit = settings_of(request).max_bytes
    if len(content) > limit:
        raise QueryTooLarge("bytes", limit)
    headers = {
        "Content-Disposition": f'attachment; filename="{_file_name(form, slugs, languages)}"',
        "Link": '</terms/>; rel="canonical", </terms/export>; rel="index"',
    }
    return respond(content, form.media_type, tag, headers)


def _write(
    terminology: Terminology,
    form: Format,
    slugs: Sequence[str] | None,
    languages: Sequence[str] | None,
    served: Served,
) -> bytes:
    chosen = select_terms(terminology, slugs, languages)
    size = sum(
        1 + len(term.labels) + sum(1 + len(each.features) for each in term.definitions)
        for term in chosen.terms.values()
    )
    if size > MOST:
        raise QueryTooLarge("rows", MOST)
    return form.write(chosen, languages, f"release {served.release}" if served.release else "")


def _file_name(form: Format, slugs: Sequence[str] | None, languages: Sequence[str] | None) -> str:
    """A name that tells what is in it: `terms.tbx`, `terms-fr.tbx`, `ecosystem-restoration.tbx`."""
    stem, dot, ending = form.file.rpartition(".")
    if slugs is not None and len(slugs) == 1 and slugs[0].isascii() and slugs[0].replace("-", "").isalnum():
        stem = f"{slugs[0]}{'' if stem == 'terms' else f'-{stem}'}"
    return "-".join((stem, *(languages or ()))) + dot + ending
