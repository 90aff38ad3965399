"""The HTTP service: settings in, an ASGI application or a running server out; must not import rdf or pipeline.

`create_app` and `run` load on first use: the processes that read texts need one module of this package and no server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbdgraph.server.app import create_app, run

__all__ = ["create_app", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("cbdgraph.server.app"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
