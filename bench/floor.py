"""The floor: the server of `cbdgraph serve` with nothing behind it, `python -m bench.floor PORT BYTES`.

It goes through `cbdgraph.server.app.run`, so event loop, parser of HTTP and every other setting are the ones of the
service; only the application is another: it answers everything with the same bytes. No answer of ours can be faster.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import uvicorn

from cbdgraph.server.app import run
from cbdgraph.settings import Settings


def serve(port: int, size: int) -> None:
    """Answer with `size` bytes until interrupted."""
    body = b" " * size
    headers = [(b"content-type", b"application/sparql-results+json"), (b"content-length", str(size).encode())]

    async def constant(scope: Any, _: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])  # uvicorn does without a lifespan then
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    configure = uvicorn.Config

    def configure_constant(_: Any, **settings: Any) -> uvicorn.Config:
        return configure(constant, **settings)

    with patch("uvicorn.Config", configure_constant):
        run(Settings.read(host="127.0.0.1", port=port, data=(Path(),)))  # never opened, and no build is needed


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
