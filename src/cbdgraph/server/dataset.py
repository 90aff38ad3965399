"""/dataset and /.well-known/void: the description of the data, and that of the service at /sparql, as answers.

What is said stands in `description` and `catalogue`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.namespaces import GRAPHS
from cbdgraph.queries import prologue
from cbdgraph.server import pages
from cbdgraph.server.answers import etag, not_modified, respond, served_of, settings_of
from cbdgraph.server.bundles import bundle_stamp
from cbdgraph.server.catalogue import Built
from cbdgraph.server.description import describe_dataset, describe_service, name_node
from cbdgraph.server.dumps import dumps_of, issued
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import GRAPH_ALIASES, GRAPH_OFFER, HTML, choose_either
from cbdgraph.server.nodes import DATASET, LICENCE, Triple, write
from cbdgraph.server.partitions import Partitions, count_partitions
from cbdgraph.server.routes import Router
from cbdgraph.server.sparql_page import make_editor
from cbdgraph.store import GRAPH_TYPES
from cbdgraph.store.convert import convert
from cbdgraph.store.releases import read_release

router = Router()

_NAMES: Final = f"""{prologue(("rdfs", "dcterms", "void"))}
SELECT ?graph ?label ?says
WHERE {{
  ?graph a void:Dataset ; rdfs:label ?label .
  FILTER(STRSTARTS(STR(?graph), "{GRAPHS}"))
  OPTIONAL {{ ?graph dcterms:description ?says }}
}}
ORDER BY ?graph ?label ?says"""

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "VoID and DCAT", "content": {name: {} for name in (*GRAPH_TYPES, HTML)}},
    406: {"description": "none of the accepted formats is offered", "content": {"application/problem+json": {}}},
}


@router.get("/dataset", summary="What is in the data", responses=_RESPONSES)
async def get_dataset(request: Request) -> Response:
    """VoID: licence, release, graphs, how often each class and property is used; a page for browsers."""
    return await _respond_dataset(request, request.query_params.get("format"))


@router.get("/dataset.{suffix}", include_in_schema=False)
async def get_dataset_as(request: Request, suffix: str) -> Response:
    """The same in the format of the suffix."""
    return await _respond_dataset(request, request.query_params.get("format", suffix))


@router.get("/.well-known/void", summary="What is in the data", responses=_RESPONSES)
async def get_void(request: Request) -> Response:
    """The same as /dataset, where programs look for it."""
    return await _respond_dataset(request, request.query_params.get("format"))


async def respond_service(request: Request, name: str | None) -> Response:
    """The service description in the format `name`, else by Accept; the editor for browsers."""
    served, settings = served_of(request), settings_of(request)
    shown = _choose(request, name)
    endpoint = _endpoint(request)
    texts = [query.text for queries in (served.questions, served.queries) for query in queries.values()]
    tag = etag(served, "service", shown, endpoint, *texts, bundle_stamp("editor") if shown == HTML else "")
    if known := not_modified(request, tag):
        return known
    if shown == HTML:
        return pages.respond(make_editor(served), tag, bundle="editor")
    partitions, built = await partitions_of(served), await _built(served)
    triples = describe_service(settings, endpoint)
    triples += describe_dataset(served, settings, endpoint, partitions, built, in_depth=False)
    return respond(await _format(triples, shown), shown, tag, _link("/.well-known/void", "describedby"))


async def _respond_dataset(request: Request, name: str | None) -> Response:
    served, settings = served_of(request), settings_of(request)
    shown = _choose(request, name)
    endpoint = _endpoint(request)
    tag = etag(served, "dataset", shown, endpoint)
    if known := not_modified(request, tag):
        return known
    partitions, built = await partitions_of(served), await _built(served)
    if shown == HTML:
        return pages.respond(_make_page(served, partitions, built), tag)
    triples = describe_dataset(served, settings, endpoint, partitions, built, in_depth=True)
    return respond(await _format(triples, shown), shown, tag, _link(DATASET.value, "canonical"))


def _choose(request: Request, name: str | None) -> str:
    return choose_either(name, request.headers.get("accept", ""), GRAPH_OFFER, GRAPH_ALIASES)


async def _format(triples: list[Triple], shown: str) -> bytes:
    written = GRAPH_ALIASES.get(shown, shown)
    # Of a thousand graphs there are as many megabytes to be written: other requests need not wait for it.
    return await asyncio.to_thread(lambda: convert(write(triples).split("\n"), written))


async def _built(served: Served) -> Built | None:
    """What is known of a built release; None of a user's own files."""
    if served.folder is None:
        return None
    release = await asyncio.to_thread(read_release, served.folder)
    answer = await served.engine.run_query(_NAMES, media_type="application/sparql-results+json", trusted=True)
    names: dict[str, tuple[str, str]] = {}
    for row in answer.bindings:  # in order, so that of several the same is taken
        names.setdefault(row["graph"]["value"], (row["label"]["value"], row.get("says", {}).get("value", "")))
    past = served.history.releases if served.history else ()
    return Built(
        served.release,
        dumps_of(served),
        release.manifest.input_hash,
        served.built_with,
        tuple(served.graphs),
        past[0].when if past else None,
        issued(served),
        names,
    )


async def partitions_of(served: Served) -> Partitions | None:
    """The counts of the release, which are made when somebody first asks for them."""
    if not served.is_counted:
        served.partitions = await count_partitions(served.engine)
        served.is_counted = True
    return served.partitions


def _make_page(served: Served, partitions: Partitions | None, built: Built | None) -> str:
    classes = properties = []
    if partitions is not None:
        classes = [
            (name, name_node("class", name, index), count)
            for index, (name, count) in enumerate(partitions.classes.items(), 1)
        ]
        properties = [
            (name, name_node("property", name, index), numbers)
            for index, (name, numbers) in enumerate(partitions.properties.items(), 1)
        ]
    return pages.render(
        "dataset.html",
        iri=DATASET.value,
        release=served.release,
        licence=LICENCE.value if built else "",
        dumps=[dump for dump in built.dumps.values() if not dump.graph] if built else [],
        links=sorted(partitions.links.items()) if partitions else [],
        triples=served.engine.facts.default_triples,
        partitions=partitions,
        classes=classes,
        properties=properties,
        graphs=sorted(served.engine.facts.graphs.items()),
    )


def _endpoint(request: Request) -> str:
    return str(request.url.replace(path="/sparql", query="", fragment=""))


def _link(address: str, relation: str) -> dict[str, str]:
    return {"Link": f'<{address}>; rel="{relation}"'}
