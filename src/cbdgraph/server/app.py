"""The application and its envelope: settings in, an ASGI application or a running server out; holds no query logic.

The envelope is around every route: HEAD as GET without a body, OPTIONS and CORS, trailing slashes, length of the
address, the headers that name the release, and the last handler, which lets no error out as it is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Final
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cbdgraph.errors import CbdGraphError, EngineUnavailable
from cbdgraph.server import answers, citations, dataset, graphs, named, pages, problems, resources, sparql
from cbdgraph.server.live import Live
from cbdgraph.server.negotiate import JSON, NotAcceptable
from cbdgraph.server.routes import describe_routes, make_routes
from cbdgraph.settings import Settings
from cbdgraph.store.releases import current_release

_LOG: Final = logging.getLogger("cbdgraph.server")
_SUMMARY: Final = "The decisions and targets of the Convention on Biological Diversity as linked data; read-only"
_POST_PATHS: Final = frozenset({"/sparql"})
_METHODS: Final = "GET, HEAD, OPTIONS"
_CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"Cbdgraph-Release, Cbdgraph-Data, Cbdgraph-Complete, Link, ETag, Retry-After",
    ),
    (b"x-content-type-options", b"nosniff"),
)


def create_app(settings: Settings) -> Starlette:
    """The application; its lifespan opens the store and the workers, and ends them.

    With `settings.data` it serves those files in place of the built release.
    """
    live = Live(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await live.open()
        try:
            yield
        finally:
            await live.close()

    # Resources last: they take every path.
    routers = [module.router for module in (pages, sparql, graphs, dataset, named, citations, resources)]
    description: list[bytes] = []

    async def show_description(_: Request) -> Response:
        if not description:
            described = await asyncio.to_thread(describe_routes, routers, "cbdgraph", _SUMMARY, version("cbdgraph"))
            description.append(json.dumps(described, ensure_ascii=False).encode())
        return answers.respond(description[0], JSON)

    app = Starlette(
        routes=[Route("/openapi.json", show_description), *make_routes(routers)],
        lifespan=lifespan,
        exception_handlers={
            problems.Problem: _on_problem,
            CbdGraphError: _on_error,
            NotAcceptable: _on_error,
            HTTPException: _on_http,
        },
    )
    app.router.redirect_slashes = False
    app.state.live = live
    app.add_middleware(Envelope, live=live)
    return app


def run(settings: Settings) -> None:
    """Serve until interrupted, and print the addresses to try; `EngineUnavailable` if there is nothing to serve."""
    if not settings.data and current_release(settings.build_path) is None:
        raise EngineUnavailable("nothing is built yet; run: cbdgraph build")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=64 * 1024,
    )
    with suppress(KeyboardInterrupt):  # the usual end, after uvicorn has closed everything
        _Server(config).run()


class _Server(uvicorn.Server):
    """uvicorn that says where it listens, in the words of this service."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
            for line in pages.addresses(f"http://{host}:{port}"):
                sys.stderr.write(f"{line}\n")


class Envelope:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self._app, self._live = app, live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"].rstrip("/") or "/"
        method: str = scope["method"]
        scope = {**scope, "path": path, "method": "GET" if method == "HEAD" else method}
        served = None
        headers: list[tuple[bytes, bytes]] = [*_CORS]
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                names = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in headers if h[0] not in names)]
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            early = self._early(scope, method, path)
            if early is not None:
                await early(scope, receive, send_with_headers)
                return
            served = self._live.enter()
            headers += [
                (b"cbdgraph-release", served.release.encode()),
                (b"cbdgraph-data", f"sha256:{served.data_hash}".encode()),
            ]
            scope["cbdgraph.served"] = served
            await self._app(scope, receive, send_with_headers)
        except EngineUnavailable as error:
            if not started:
                await problems.respond(problems.problem_of(error))(scope, receive, send_with_headers)
        except Exception:
            _LOG.exception("request failed: %s %s", method, quote(path))
            if not started:
                problem = problems.Problem("internal", "the service met an error that it has no answer for")
                await problems.respond(problem)(scope, receive, send_with_headers)
        finally:
            if served is not None:
                self._live.leave(served)

    def _early(self, scope: Scope, method: str, path: str) -> Response | None:
        """Answers that need no store."""
        limit = self._live.settings.max_url_bytes
        if len(scope["raw_path"]) + len(scope["query_string"]) > limit:
            return problems.respond(problems.Problem("uri-too-long", f"an address may have {limit} bytes here"))
        allowed = f"{_METHODS}, POST" if path in _POST_PATHS else _METHODS
        if method == "OPTIONS":
            return Response(
                status_code=204,
                headers={
                    "Allow": allowed,
                    "Access-Control-Allow-Methods": allowed,
                    "Access-Control-Allow-Headers": "Accept, Content-Type, If-None-Match",
                    "Access-Control-Max-Age": "86400",
                },
            )
        if method not in allowed.split(", "):
            detail = f"{path} answers {allowed}; this service is read-only"
            return problems.respond(problems.Problem("method", detail, {}, {"Allow": allowed}))
        return None


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, problems.Problem)
    return pages.respond_problem(request, error)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CbdGraphError | NotAcceptable)
    return pages.respond_problem(request, problems.problem_of(error))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method"}.get(error.status_code, "bad-request")
    return pages.respond_problem(request, problems.Problem(kind, str(error.detail)))
