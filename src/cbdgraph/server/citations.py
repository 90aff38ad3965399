"""/resolve: a written citation in, a redirect to what it means out, or the candidates where that is not certain."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName
from cbdgraph.namespaces import LANGUAGES
from cbdgraph.server import pages
from cbdgraph.server.answers import served_of
from cbdgraph.server.known import known_iris
from cbdgraph.server.negotiate import HTML, JSON
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer

router = Router()


_LONGEST: Final = 1000  # characters of a citation


def _parameter(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    schema = {"type": "string", **schema}
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


@router.get(
    "/resolve",
    summary="What a written citation means",
    responses={**offer((JSON, HTML)), 303: {"description": "the way to what it means, when that is certain"}},
    openapi_extra={
        "parameters": [
            _parameter(
                "citation", "as it is written", required=True, maxLength=_LONGEST, examples=["XI/16 para 5(d)"]
            ),
            _parameter("lang", "language of the citation; guessed if absent", enum=list(LANGUAGES)),
            _parameter("format", "for the candidates", enum=["json", "html"]),
        ]
    },
)
async def get_resolve(request: Request) -> Response:
    """303 to the IRI's address when one reading is certain, 200 with candidates when not, 404 for no citation."""
    from cbdgraph.citations import resolve  # the grammar takes longer to load than the server to start

    citation, lang = request.query_params.get("citation", ""), request.query_params.get("lang")
    if not citation or len(citation) > _LONGEST:
        raise Problem("bad-request", f"citation is a text of 1 to {_LONGEST} characters, such as XI/16 para 5(d)")
    if lang is not None and lang not in LANGUAGES:
        raise Problem("parameter", f"lang is one of {', '.join(LANGUAGES)}, not {lang!r}", {"parameter": "lang"})
    try:
        resolution = resolve(citation, lang, await known_iris(served_of(request)))
    except InvalidName as error:
        raise Problem("unresolved", f"{citation!r}: {error.reason}") from error
    if resolution.iri is not None:
        location = quote(pages.local(resolution.iri), safe="/:%#")
        return Response(status_code=303, headers={"Location": location, "Cache-Control": "no-store"})
    if not resolution.candidates:
        raise Problem("unresolved", f"{citation!r}: {resolution.reason}")
    candidates = [
        {
            "iri": candidate.iri,
            "path": pages.local(candidate.iri),
            "certainty": candidate.citation.certainty,
            "reason": candidate.reason,
        }
        for candidate in resolution.candidates
    ]
    if pages.wants_html(request):
        return pages.respond(
            pages.render("candidates.html", citation=citation, reason=resolution.reason, candidates=candidates)
        )
    return pages.respond_json(
        {"citation": citation, "iri": None, "reason": resolution.reason, "candidates": candidates}
    )
