"""A release in, its terminology out; read once for a release and kept as long as that is served."""

from __future__ import annotations

import asyncio

from cbdgraph.server.live import Served
from cbdgraph.store import Answer
from cbdgraph.terminology.reading import STATEMENTS, read_terminology
from cbdgraph.terminology.terms import Terminology

_RESULTS = "application/sparql-results+json"


async def terminology_of(served: Served) -> Terminology:
    """The terms, definitions and features of what is served; the same object until another release is."""
    if served.terminology is None:
        answer = await served.engine.run_query(STATEMENTS, media_type=_RESULTS, trusted=True)
        found = await asyncio.to_thread(_read, answer.content)
        if served.terminology is None:  # nobody else was faster
            served.terminology = found
    return served.terminology


def _read(content: bytes) -> Terminology:
    return read_terminology(Answer(content, _RESULTS, "solutions", 0).bindings)
