"""The envelope around every route: a request in, a response out with what all have in common; holds no query logic.

HEAD as GET without a body, OPTIONS and CORS, trailing slashes, length of the address, the headers that name the
release, answers that are kept, and the last handler, which lets no error out as it is.

A response with an ETag is the same bytes for the same request and release, so it is kept and sent again without
asking anybody: the key holds all of a request that any handler reads. One that depends on more (`no-cache`) is not.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_plus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cbdgraph.errors import CbdGraphError, EngineUnavailable, ParameterError, UnknownRelease
from cbdgraph.server import bundles, pages, problems
from cbdgraph.server.desk.opened import DESK_POSTS, is_desk
from cbdgraph.server.kept import Asked, Kept, read_asked, unite
from cbdgraph.server.live import Live, Served
from cbdgraph.server.negotiate import NotAcceptable
from cbdgraph.server.routes import Handler

_LOG: Final = logging.getLogger("cbdgraph.server")
Answered = problems.Problem | CbdGraphError | NotAcceptable
ANSWERED: Final = (problems.Problem, CbdGraphError, NotAcceptable)
_POST_PATHS: Final = frozenset({"/sparql", "/parse", "/feed/oai", *DESK_POSTS})
_RELEASES: Final = "/release/"
ASKED_ANEW: Final = b"no-cache"  # of what depends on more than the release: the review desk
_METHODS: Final = "GET, HEAD, OPTIONS"
_CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"Cbdgraph-Release, Cbdgraph-Data, Cbdgraph-Complete, Link, ETag, Retry-After, "
        b"Accept-Ranges, Content-Range, Content-Disposition, Repr-Digest",
    ),
    (b"x-content-type-options", b"nosniff"),
)


class Envelope:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, live: Live, fixed: Mapping[tuple[str, str], Handler]) -> None:
        self._app, self._live, self._fixed = app, live, fixed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = unite(scope)
        # Under /desk an answer is for one reviewer, and is never kept, whatever its headers say.
        asked = None if is_desk(scope["path"]) or bundles.is_bundle(scope["path"]) else read_asked(scope)
        found = self._live.find_kept(asked)
        if found is None:
            await self._work_out(scope, receive, send, asked)
        else:
            await send({"type": "http.response.start", "status": found.status, "headers": found.headers})
            await send({"type": "http.response.body", "body": found.body})

    async def _work_out(self, scope: Scope, receive: Receive, send: Send, asked: Asked | None) -> None:
        sent = len(scope["raw_path"]) + len(scope["query_string"])
        bundles.BUILT.set(self._live.bundles)
        scope, numbers = _find_release(scope)
        path: str = scope["path"].rstrip("/") or "/"
        method: str = scope["method"]
        scope = {
            **scope,
            "path": path,
            "method": "GET" if method == "HEAD" else method,
            "cbdgraph.is_head": method == "HEAD",
        }
        served: Served | None = None
        response = _Response(method, send)
        try:
            early = self._early(scope, method, path, sent)
            if early is not None:
                await early(scope, receive, response.send)
                return
            release = _choose_release(numbers)
            served = await self._enter(release)
            response.name_release(served)
            pages.OLDER.set(served.release if served is not self._live.current else "")
            scope["cbdgraph.served"] = served
            if release and asked is not None and (kept := served.responses.get(asked.key)):
                found = kept.answer(asked)
                await response.send({"type": "http.response.start", "status": found.status, "headers": found.headers})
                await response.send({"type": "http.response.body", "body": found.body})
                return
            handler = self._fixed.get((scope["method"], path))
            if handler is None:
                await self._app(scope, receive, response.send)
            else:
                await (await _handle(handler, Request(scope, receive)))(scope, receive, response.send)
            if asked is not None and response.kept is not None:
                served.responses.put(asked.key, response.kept, len(asked.key) + response.kept.size)
        except (EngineUnavailable, ParameterError, UnknownRelease) as error:
            if not response.started:
                await respond_error(Request(scope), error)(scope, receive, response.send)
        except ClientDisconnect:
            pass  # amid its request: nobody is there to be answered
        except Exception:
            _LOG.exception("request failed: %s %s", method, quote(path))
            if not response.started:
                problem = problems.Problem("internal", "the service met an error that it has no answer for")
                await problems.respond(problem)(scope, receive, response.send)
        finally:
            if served is not None:
                self._live.leave(served)

    async def _enter(self, release: str) -> Served:
        return await self._live.enter_release(release) if release else self._live.enter()

    def _early(self, scope: Scope, method: str, path: str, sent: int) -> Response | None:
        """Answers that need no store; `sent` are the bytes of the address as it was sent."""
        limit = self._live.settings.max_url_bytes
        if sent > limit:
            problem = problems.Problem("uri-too-long", f"an address may have {limit} bytes here")
            return pages.respond_problem(Request({**scope, "query_string": b""}), problem)
        allowed = f"{_METHODS}, POST" if path in _POST_PATHS else _METHODS
        if method == "OPTIONS":
            return Response(
                status_code=204,
                headers={
                    "Allow": allowed,
                    "Access-Control-Allow-Methods": allowed,
                    # Any header; the star does not stand for Authorization.
                    "Access-Control-Allow-Headers": "*, Accept, Authorization, Content-Type, If-None-Match",
                    "Access-Control-Max-Age": "86400",
                },
            )
        if method not in allowed.split(", "):
            detail = f"{path} answers {allowed}; this service is read-only"
            return pages.respond_problem(Request(scope), problems.Problem("method", detail, {}, {"Allow": allowed}))
        return None


def _find_release(scope: Scope) -> tuple[Scope, list[str]]:
    """The request without the releases that it names, `?release=0.1.0` or `/release/0.1.0/…`, and their numbers."""
    numbers: list[str] = []
    prefix, _, rest = scope["path"].removeprefix(_RELEASES).partition("/")
    if scope["path"].startswith(_RELEASES) and rest:
        numbers.append(prefix)
        scope = {**scope, "path": "/" + rest, "raw_path": quote("/" + rest).encode()}
    query: bytes = scope["query_string"]
    if b"release" not in query and b"%" not in query:
        return scope, numbers
    kept = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if unquote_plus(name.decode("latin-1")) == "release":
            numbers.append(unquote_plus(value.decode("latin-1"), errors="replace"))
        else:
            kept.append(pair)
    return ({**scope, "query_string": b"&".join(kept)} if numbers else scope), numbers


def _choose_release(numbers: list[str]) -> str:
    """The one number, "" for none; `ParameterError` where it is not clear which is meant."""
    if len(set(numbers)) > 1:
        raise ParameterError("release", "more than one is named; name one")
    if "" in numbers:
        raise ParameterError("release", "it is empty; give a number such as 0.1.0, or leave it out")
    return numbers[0] if numbers else ""


async def _handle(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except ANSWERED as error:
        return respond_error(request, error)


def respond_error(request: Request, error: Answered) -> Response:
    """What a request is answered with that met an error with an answer."""
    return pages.respond_problem(
        request, error if isinstance(error, problems.Problem) else problems.problem_of(error)
    )


class _Response:
    """What is sent, with the headers of every response; `kept` when it may be sent to others too."""

    __slots__ = ("_headers", "_in_pieces", "_is_head", "_send", "_start", "kept", "started")

    def __init__(self, method: str, send: Send) -> None:
        self._send, self._is_head = send, method == "HEAD"
        self._headers = [*_CORS]
        self._start: Message = {}
        self._in_pieces = False
        self.started = False
        self.kept: Kept | None = None

    def name_release(self, served: Served) -> None:
        self._headers += [
            (b"cbdgraph-release", served.release.encode()),
            (b"cbdgraph-data", f"sha256:{served.data_hash}".encode()),
        ]

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            names = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(h for h in self._headers if h[0] not in names)]
            self._start = message
        else:
            # What is sent in pieces is a file, and stays on disk.
            if not message.get("more_body") and not self._in_pieces and self._start["status"] == 200:
                sent = dict(self._start["headers"])
                tag = b"" if ASKED_ANEW in sent.get(b"cache-control", b"") else sent.get(b"etag", b"")
                if tag and (message.get("body") or not self._is_head):  # a file is not read for HEAD
                    self.kept = Kept.of(self._start["headers"], message.get("body", b""), tag.decode())
            self._in_pieces = True
            if self._is_head:
                message = {**message, "body": b""}
        await self._send(message)
