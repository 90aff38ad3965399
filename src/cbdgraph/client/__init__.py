"""The graph for scripts: named or own queries in, pandas tables and rdflib graphs out; from any SPARQL 1.1 endpoint.

    from cbdgraph.client import Client

    client = Client("http://127.0.0.1:8000/sparql")
    client.named("decisions-on-issue", issue="forest-biodiversity")

It needs what `pip install 'cbdgraph[client]'` brings. docs/clients.md says more.
"""

from __future__ import annotations

from importlib.util import find_spec

for _module in ("pandas", "SPARQLWrapper"):
    if find_spec(_module) is None:
        raise ImportError(f"cbdgraph.client needs {_module}; run: pip install 'cbdgraph[client]'", name=_module)

from cbdgraph.client.service import ENDPOINT, Client  # noqa: E402 - what it needs is there

__all__ = ["ENDPOINT", "Client"]
