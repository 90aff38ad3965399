"""?explain= of /sparql: a query that was looked at in, why it is empty as JSON or a page out; finds nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import ParameterError
from cbdgraph.server import pages
from cbdgraph.server.answers import ClientGone, client_of, etag, not_modified, served_of, settings_of, while_connected
from cbdgraph.server.bundles import bundle_stamp
from cbdgraph.server.empty import explain_empty
from cbdgraph.server.negotiate import HTML, JSON, choose_either
from cbdgraph.server.probes import Prober
from cbdgraph.server.sparql_page import make_editor
from cbdgraph.store.guard import Checked
from cbdgraph.store.patterns import Source

_OFFER: Final = (JSON, HTML)


async def respond_explained(
    request: Request,
    explain: str,
    query: str,
    default_graphs: Sequence[str] | None,
    named_graphs: Sequence[str] | None,
    format_name: str | None,
    checked: Checked,
) -> Response:
    """Why the query has no rows, in place of its answer; its own errors are those that it has without ?explain=."""
    if explain != "empty":
        raise ParameterError("explain", f"expected empty, not {explain!r}")
    served = served_of(request)
    shown = choose_either(format_name, request.headers.get("accept", ""), _OFFER)
    page = bundle_stamp("editor") if shown == HTML else ""
    tag = etag(served, "empty", query, default_graphs, named_graphs, shown, page) if checked.repeatable else ""
    if tag and (known := not_modified(request, tag)):
        return known
    source = await asyncio.to_thread(Source.read, query)
    client = client_of(request)
    seconds = settings_of(request).query_seconds
    prober = Prober(served, source, default_graphs, named_graphs, seconds, checked.repeatable, client)
    try:
        explanation = await while_connected(request, explain_empty(prober, checked))
    except ClientGone:
        return Response(status_code=499)
    if explanation.undecided:
        tag = ""  # with more time the answer may be another
    if shown != HTML:
        return pages.respond_json(explanation.document(served.release), tag)
    graphs = [
        *(("default-graph-uri", graph) for graph in default_graphs or ()),
        *(("named-graph-uri", graph) for graph in named_graphs or ()),
    ]
    as_json = "/sparql?" + urlencode([("query", query), *graphs, ("explain", "empty"), ("format", "json")])
    page = make_editor(served, query, graphs, explanation=explanation, as_json=as_json)
    return pages.respond(page, tag, bundle="editor")
