"""The application: settings in, an ASGI application or a running server out; holds no query logic."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import cbdgraph
from cbdgraph.errors import EngineUnavailable
from cbdgraph.server import (
    answers,
    bundles,
    citations,
    codes,
    completions,
    crawlers,
    dataset,
    dumps,
    exchange,
    graphs,
    lists,
    named,
    pages,
    parse,
    prefixes,
    problems,
    quality,
    resources,
    sparql,
    sparql_examples,
    term_compare,
    why,
)
from cbdgraph.server.desk import api as desk_api
from cbdgraph.server.desk import browser as desk_browser
from cbdgraph.server.desk import lists as desk_lists
from cbdgraph.server.desk.opened import OpenDesk
from cbdgraph.server.desk.rates import Rates
from cbdgraph.server.docs import routes as docs
from cbdgraph.server.envelope import ANSWERED, Envelope, respond_error
from cbdgraph.server.feeds import activity, atom, ldes, oai
from cbdgraph.server.feeds import routes as feeds
from cbdgraph.server.informea import routes as informea
from cbdgraph.server.kept import read_asked, unite
from cbdgraph.server.listen import Server, make_config
from cbdgraph.server.live import Live
from cbdgraph.server.negotiate import JSON
from cbdgraph.server.routes import describe_routes, find_fixed, make_routes
from cbdgraph.settings import Settings
from cbdgraph.store.launch import Launched
from cbdgraph.store.releases import current_release

_SUMMARY: Final = "The decisions and targets of the Convention on Biological Diversity as linked data; read-only"


def create_app(settings: Settings, launched: Launched | None = None) -> Starlette:
    """The application; its lifespan opens the store and the workers, and ends them.

    With `settings.data` it serves those files in place of the built release. The parent of the workers may be
    `launched` already.
    """
    live = Live(settings, launched)
    desk = OpenDesk(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await live.open()
        try:
            yield
        finally:
            desk.close()
            await live.close()

    # Resources last: they take every path.
    routers = [
        module.router
        for module in (
            pages,
            bundles,
            sparql,
            completions,
            sparql_examples,
            graphs,
            dataset,
            dumps,
            exchange,
            crawlers,
            named,
            citations,
            parse,
            why,
            codes,
            lists,
            term_compare,
            prefixes,
            quality,
            docs,
            feeds,
            ldes,
            activity,
            atom,
            oai,
            informea,
            desk_api,
            desk_lists,
            desk_browser,
            resources,
        )
    ]
    description: list[bytes] = []

    async def show_description(_: Request) -> Response:
        if not description:
            version = cbdgraph.__version__
            described = await asyncio.to_thread(describe_routes, routers, "cbdgraph", _SUMMARY, version)
            description.append(json.dumps(described, ensure_ascii=False).encode())
        return answers.respond(description[0], JSON)

    app = Starlette(
        routes=[Route("/openapi.json", show_description), *make_routes(routers)],
        lifespan=lifespan,
        exception_handlers={**dict.fromkeys(ANSWERED, _on_error), HTTPException: _on_http},
    )
    app.router.redirect_slashes = False
    app.state.live = live
    app.state.desk, app.state.desk_rates = desk, Rates(settings)
    app.state.find = lambda scope: live.find_kept(read_asked(unite(scope)))
    app.add_middleware(Envelope, live=live, fixed=find_fixed(routers))
    return app


def run(settings: Settings, launched: Launched | None = None) -> None:
    """Serve until interrupted, and print the addresses to try; `EngineUnavailable` if there is nothing to serve."""
    if not settings.data and current_release(settings.build_path) is None:
        raise EngineUnavailable("nothing is built yet; run: cbdgraph build")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if not bundles.is_built(settings.build_path):
        sys.stderr.write(f"{bundles.ADVICE}\n")
    with suppress(KeyboardInterrupt):  # the usual end, after uvicorn has closed everything
        app = create_app(settings, launched)
        Server(make_config(app, settings, app.state.find)).run()


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ANSWERED)
    return respond_error(request, error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method"}.get(error.status_code, "bad-request")
    return pages.respond_problem(request, problems.Problem(kind, str(error.detail)))
