"""/feed/resource: all that the last release says of one resource, and nothing else: an IRI in, its statements out.

What the resource's own address answers is made to be read: it has names of others besides, and at the address of a
named graph its content. Here stands what the change log holds, so that a copy that is kept by it is exact.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName, ParameterError
from cbdgraph.history import Event, History
from cbdgraph.model import Iri
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import etag, respond, served_of
from cbdgraph.server.feed_formats import OFFER, arrange, write
from cbdgraph.server.feeds import history_of, modified, unchanged
from cbdgraph.server.graphs import ascii_of
from cbdgraph.server.negotiate import HTML, choose_either
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer

router = Router()

PATH: Final = "/feed/resource"
_ECHOED: Final = 300  # characters of an IRI that an error repeats


@router.get(
    PATH,
    summary="What the last release says of one resource",
    responses={**offer(OFFER), 303: {"description": "the way to its page, for browsers"}},
    openapi_extra={
        "parameters": [
            {
                "name": "iri",
                "in": "query",
                "required": True,
                "schema": {"type": "string", "format": "iri"},
                "example": "https://w3id.org/cbdgraph/decision/cop/11/16",
                "description": "the resource, as the feeds name it",
            }
        ]
    },
)
async def get_content(request: Request) -> Response:
    """Its statements with the blank nodes that hang on it, in their graphs where the format has graphs."""
    history, iri = history_of(request), request.query_params.get("iri", "")
    shown = choose_either(request.query_params.get("format"), request.headers.get("accept", ""), OFFER)
    try:
        Iri(iri)
    except InvalidName as error:
        raise ParameterError("iri", f"expected a full IRI, not {iri[:_ECHOED]!r}") from error
    event = history.last(iri)
    if event is None:
        raise Problem("not-found", f"no release describes {iri[:_ECHOED]}", {"suggestions": ["/feed"]})
    if event.change == "withdrawn":
        extra = {"reason": event.reason, "suggestions": [address(other) for other in event.replacements]}
        raise Problem("gone", f"{iri[:_ECHOED]} was withdrawn in release {event.release}: {event.reason}", extra)
    if shown == HTML:
        return Response(status_code=303, headers={"Location": address(iri), "Vary": "Accept"})
    tag = etag(served_of(request), PATH, shown, event.version)
    if known := unchanged(request, tag):
        return known
    content = await asyncio.to_thread(_write, history, event, shown)
    return respond(content, shown, tag, {"Link": f'<{ascii_of(iri)}>; rel="canonical"', **modified(event.when)})


def address_of_content(iri: str, format_name: str) -> str:
    """Where this service answers with all that is said of a resource, as a path.

    >>> address_of_content("https://w3id.org/cbdgraph/ontology#Term", "nt")
    '/feed/resource?iri=https%3A%2F%2Fw3id.org%2Fcbdgraph%2Fontology%23Term&format=nt'
    """
    return f"{PATH}?{urlencode({'iri': iri, 'format': format_name})}"


def _write(history: History, event: Event, shown: str) -> bytes:
    return write(arrange(history.content(event), shown), shown)
