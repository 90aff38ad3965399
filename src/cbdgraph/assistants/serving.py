"""`serve`: an address or settings in, a session over standard input and output; writes nothing else there."""

from __future__ import annotations

from contextlib import AsyncExitStack

from cbdgraph.assistants.asking import open_address, open_here
from cbdgraph.assistants.tools import make_server
from cbdgraph.settings import Settings


async def serve(source: str | Settings) -> None:
    """Serve until the assistant leaves: from the service at an address, or from what is built.

    The package takes standard output for itself and leaves standard error in its place, so that no other line of this
    process or its workers can come between two messages.
    """
    async with AsyncExitStack() as stack:
        if isinstance(source, str):
            service = open_address(source)
        else:
            service = await stack.enter_async_context(open_here(source))
        await make_server(service).run_stdio_async()
