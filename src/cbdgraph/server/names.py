"""What resources are called: IRIs in, their labels by language out; decides on no language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri
from cbdgraph.server.live import Served
from cbdgraph.server.statements import NAMING, read_names

# With the properties in VALUES too the engine takes four times as long and more.
_NAMED: Final = " UNION ".join(f"{{ ?node <{name}> ?label BIND(<{name}> AS ?naming) }}" for name in NAMING)
_NAMES: Final = f"""SELECT ?node ?naming ?label
WHERE {{
  VALUES ?node {{ @NODES@ }}
  {_NAMED}
}}"""


async def find_names(served: Served, iris: Iterable[str]) -> dict[str, dict[str, str]]:
    """The labels of resources by IRI and language ("" for none); what has no label is absent.

    IRIs are bound as terms; what a stranger's data may hold and the core calls no IRI is left out.
    """
    terms = []
    for iri in sorted(set(iris)):
        try:
            terms.append(str(Iri(iri)))
        except InvalidName:
            continue
    if not terms:
        return {}
    query = _NAMES.replace("@NODES@", " ".join(terms))
    answer = await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)
    return read_names(answer.bindings)
