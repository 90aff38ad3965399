"""The HTTP service: settings in, an ASGI application or a running server out; must not import rdf or pipeline."""

from __future__ import annotations

from cbdgraph.server.app import create_app, run

__all__ = ["create_app", "run"]
