"""Routes with what OpenAPI says about them: handlers in; routes of Starlette, or the OpenAPI document, out.

FastAPI writes that document, and only that: to load it takes longer than all else that a start of the service does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler = Callable[..., Awaitable[Response]]
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "remedy"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "remedy": {"type": "string"},
    },
}
_ERROR: Final = {
    "description": "a problem document (RFC 9457); for a browser a page that says the same",
    "content": {"application/problem+json": {"schema": _PROBLEM}, "text/html": {}},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path; `described` are the arguments of FastAPI's `add_api_route`."""

    method: str
    path: str
    handler: Handler
    described: dict[str, Any]


@dataclass(slots=True)
class Router:
    """The operations of a module, in the order in which they are tried."""

    operations: list[Operation] = field(default_factory=list)

    def get(self, path: str, **described: Any) -> Callable[[Handler], Handler]:
        """Decorates a handler, which takes the request and the path's parameters by name."""
        return self._add("GET", path, described)

    def post(self, path: str, **described: Any) -> Callable[[Handler], Handler]:
        """See `get`."""
        return self._add("POST", path, described)

    def _add(self, method: str, path: str, described: dict[str, Any]) -> Callable[[Handler], Handler]:
        def decorate(handler: Handler) -> Handler:
            self.operations.append(Operation(method, path, handler, described))
            return handler

        return decorate


def make_routes(routers: Iterable[Router]) -> list[Route]:
    """The routes of an application."""
    return [
        Route(operation.path, _endpoint(operation.handler), methods=[operation.method])
        for router in routers
        for operation in router.operations
    ]


def find_fixed(routers: Iterable[Router]) -> dict[tuple[str, str], Handler]:
    """The handlers of paths without parameters by method and path, to be called without looking for a route."""
    return {
        (operation.method, operation.path): operation.handler
        for router in routers
        for operation in router.operations
        if "{" not in operation.path
    }


def offer(media_types: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that answers in any of these."""
    return {200: {"description": "in the format that was asked for", "content": {each: {} for each in media_types}}}


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await handler(request, **request.path_params)

    return endpoint


def describe_routes(routers: Iterable[Router], title: str, summary: str, version: str) -> dict[str, Any]:
    """The OpenAPI document."""
    from fastapi import FastAPI

    app = FastAPI(title=title, summary=summary, version=version)
    for router in routers:
        for operation in router.operations:
            app.add_api_route(operation.path, operation.handler, methods=[operation.method], **operation.described)
    document = app.openapi()
    for operations in document["paths"].values():
        for described in operations.values():
            described["responses"].pop("422", None)  # FastAPI's own, which there is not
            described["responses"]["default"] = _ERROR
    document.pop("components", None)  # those of 422
    return document
