"""`cbdgraph mcp`: arguments in, a session with an assistant; an exit code when it has left."""

from __future__ import annotations

import argparse
import asyncio
from importlib.util import find_spec

from cbdgraph.cli.commands import GOOD, find_root
from cbdgraph.errors import EngineUnavailable


def run_mcp(args: argparse.Namespace) -> int:
    if find_spec("mcp") is None:
        raise EngineUnavailable("the package mcp is not here; run: pip install 'cbdgraph[assistants]'")
    from cbdgraph.assistants.serving import serve
    from cbdgraph.settings import Settings

    # Who names an address needs no checkout.
    asyncio.run(serve(args.url or Settings.read(root=find_root(args.root))))
    return GOOD
