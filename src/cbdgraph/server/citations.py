"""/resolve: a written citation in, a redirect to what it means out, or the candidates where that is not certain.

A code in place of a citation is looked up in `codes`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName
from cbdgraph.namespaces import LANGUAGES
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import ClientGone, client_of, live_of, served_of, while_connected
from cbdgraph.server.codes import LONGEST as LONGEST_CODE
from cbdgraph.server.codes import resolve_code
from cbdgraph.server.known import known_iris
from cbdgraph.server.negotiate import HTML, JSON, choose_language
from cbdgraph.server.problems import Problem
from cbdgraph.server.readers import Task
from cbdgraph.server.routes import Router, offer

router = Router()


_LONGEST: Final = 1000  # characters of a citation
_EXAMPLES: Final = ("XI/16 para 5(d)", "第XI/16号决定第5段(d)", "المقرر 11/16، الفقرة 5", "KMGBF target 3")
_CODES: Final = ("CBD-SUBJECT-FOR", "CBD/COP/11/16.05.04", "GBF-TARGET-02", "UNEP/CBD/COP/DEC/XI/16")
_CANDIDATE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("path", "label", "reason", "quote", "part_quote", "locator")},
        "iri": {"type": "string", "format": "iri"},
        "certainty": {"enum": ["certain", "probable", "ambiguous", "unresolved"]},
    },
}
_DOCUMENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["iri", "reason", "candidates"],
    "properties": {
        "citation": {"type": "string"},
        "code": {"type": "string"},
        "iri": {"type": "null"},
        "reason": {"type": "string"},
        "candidates": {"type": "array", "items": _CANDIDATE, "description": "the best first"},
    },
}


def _parameter(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    schema = {"type": "string", **schema}
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


@router.get(
    "/resolve",
    summary="What a written citation means, or a code names",
    responses={
        200: {
            "description": "the candidates, where it is not certain what is meant",
            "content": {**offer((JSON, HTML))[200]["content"], JSON: {"schema": _DOCUMENT}},
        },
        303: {"description": "the way to what it means, when that is certain"},
    },
    openapi_extra={
        "parameters": [
            _parameter("citation", "as it is written", maxLength=_LONGEST, examples=list(_EXAMPLES)),
            _parameter(
                "code",
                "in place of a citation: an identifier of the Secretariat",
                maxLength=LONGEST_CODE,
                examples=list(_CODES),
            ),
            _parameter(
                "lang",
                "language of the citation, guessed if absent, and of the names of candidates",
                enum=list(LANGUAGES),
            ),
            _parameter("format", "for the candidates", enum=["json", "html"]),
        ]
    },
)
async def get_resolve(request: Request) -> Response:
    """303 to the IRI's address when one reading is certain, 200 with candidates when not, 404 for no citation."""
    citation, code = request.query_params.get("citation"), request.query_params.get("code")
    lang = request.query_params.get("lang")
    if (citation is None) == (code is None):
        raise Problem(
            "bad-request", "one of citation and code is needed, such as citation=XI/16 or code=GBF-TARGET-02"
        )
    if code is not None:
        return await resolve_code(request, code, choose_language(lang, request.headers.get("accept-language", "")))
    if not citation or len(citation) > _LONGEST:
        raise Problem("bad-request", f"citation is a text of 1 to {_LONGEST} characters, such as XI/16 para 5(d)")
    if lang is not None and lang not in LANGUAGES:
        raise Problem("parameter", f"lang is one of {', '.join(LANGUAGES)}, not {lang!r}", {"parameter": "lang"})
    language = choose_language(lang, request.headers.get("accept-language", ""))
    resolvers, known, client = live_of(request).resolvers, await known_iris(served_of(request)), client_of(request)
    try:
        with resolvers.admit(client):
            task = Task(citation, lang, "candidates", names=language)
            found = json.loads(await while_connected(request, resolvers.read(task, known, client)))
    except ClientGone:
        return Response(status_code=499)
    except InvalidName as error:
        raise Problem("unresolved", f"{citation!r}: {error.reason}", {"citation": citation}) from error
    if found["iri"] is not None:
        return Response(status_code=303, headers={"Location": address(found["iri"]), "Cache-Control": "no-store"})
    if not found["candidates"]:
        raise Problem("unresolved", f"{citation!r}: {found['reason']}", {"citation": citation})
    headers = {"Vary": "Accept, Accept-Language"}
    if pages.wants_html(request):
        return pages.respond(pages.render("candidates.html", found=found, language=language), "", headers)
    return pages.respond_json(found, "", headers)
