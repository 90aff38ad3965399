"""What the graph knows: an IRI or the values of a named query in; whether it is there, and what is like it, out.

A parameter that names nothing must not look like a resource about which there is nothing to say.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Collection, Mapping
from typing import Final

from cbdgraph.errors import InvalidName, QueryError, QuerySyntaxError, UnknownResource
from cbdgraph.iris import mint, natural
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, WITHDRAWN
from cbdgraph.queries import Query
from cbdgraph.server.addresses import DESCRIBED
from cbdgraph.server.live import Served

_KNOWN: Final = f"""SELECT DISTINCT ?known WHERE {{
  ?known a ?type .
  FILTER(STRSTARTS(STR(?known), "{BASE}") || STRSTARTS(STR(?known), "{DESCRIBED}"))
}}"""
_MENTIONED: Final = "ASK { { @IRI@ ?property ?value } UNION { ?other ?property @IRI@ } }"
_DESCRIBED: Final = "ASK { @IRI@ ?property ?value }"
_WITHDRAWN: Final = f"ASK {{ GRAPH <{WITHDRAWN}> {{ @IRI@ ?property ?value }} }}"
_TELLING: Final = 4  # characters of a name from which on it is likely that a longer name was meant
_SUGGESTED: Final = 5


async def known_iris(served: Served) -> frozenset[str] | None:
    """Our IRIs and the Secretariat's that have a class; None where there are more than one answer may hold."""
    if served.known is None and not served.known_is_too_large:
        try:
            answer = await served.engine.run_query(_KNOWN, media_type="text/csv", trusted=True)
        except QueryError:
            served.known_is_too_large = True
        else:
            served.known = frozenset(answer.content.decode().split("\r\n")[1:-1])
    return served.known


async def check_resources(served: Served, query: Query, values: Mapping[str, str]) -> None:
    """`UnknownResource` for a value that names what the graph never mentions, with values that it knows.

    A release is known if the change log has it.
    """
    for parameter, iri in query.resources(values).items():
        if not await _is_known(served, iri):
            near = [parameter.short_form(name) for name in await find_near(served, iri.value)]
            raise UnknownResource(parameter.name, values[parameter.name].strip(), iri.value, tuple(near))
    numbers = [past.number for past in served.history.releases] if served.history else []
    for parameter, number in query.releases(values).items():
        if numbers and number not in numbers:
            near = numbers[: -_SUGGESTED - 1 : -1]
            raise UnknownResource(
                parameter.name, values[parameter.name].strip(), mint(f"release/{number}"), tuple(near)
            )


async def _is_known(served: Served, iri: Iri) -> bool:
    if iri.value in (await known_iris(served) or ()):
        return True
    query = _MENTIONED.replace("@IRI@", str(iri))
    try:
        answer = await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)
    except QuerySyntaxError:  # no IRI to the engine, so that the graph cannot hold it
        return False
    return answer.boolean


async def is_described(served: Served, iri: str) -> bool:
    """Whether the graph says anything about an IRI."""
    return await _ask(served, _DESCRIBED, iri)


async def is_withdrawn(served: Served, iri: str) -> bool:
    """Whether it says that what had this IRI is withdrawn."""
    return WITHDRAWN in served.graphs and await _ask(served, _WITHDRAWN, iri)


async def _ask(served: Served, question: str, iri: str) -> bool:
    try:
        query = question.replace("@IRI@", str(Iri(iri)))
        answer = await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)
    except (InvalidName, QuerySyntaxError):  # no IRI, so that the graph cannot hold it
        return False
    return answer.boolean


async def find_near(served: Served, iri: str) -> list[str]:
    """The known IRIs most like this one: of the same folder and depth, else of the nearest folder that there is."""
    known = await known_iris(served) or frozenset()
    return await asyncio.to_thread(_near, iri, known)


def _near(iri: str, known: Collection[str]) -> list[str]:
    """See `find_near`.

    >>> base = "https://w3id.org/cbdgraph/"
    >>> known = {base + path for path in ("target/aichi", "target/aichi/1", "target/aichi/15", "target/gspc-2002/1")}
    >>> [name.removeprefix(base) for name in _near(base + "target/aichy/15", known)][0]
    'target/aichi/15'
    """
    # No folder below the deepest that there is can match, and a path of thousands would be tried one by one.
    iri = iri[: max(map(len, known), default=0) + 1]
    folder = iri.rpartition("/")[0]
    while len(folder) >= len(BASE) - 1:
        tails = [name[len(folder) + 1 :] for name in known if name.startswith(folder + "/")]
        wanted = iri[len(folder) + 1 :]
        same = [tail for tail in tails if tail.count("/") == wanted.count("/")]
        children = sorted(same or [tail for tail in tails if "/" not in tail] or tails, key=natural)
        if children:
            # Close matching is slow on many long texts, and this is asked for by whoever mistypes.
            close = difflib.get_close_matches(wanted[:80], children[:500], n=5, cutoff=0.4)
            holding = [tail for tail in children if len(wanted) >= _TELLING and wanted in tail]
            best = list(dict.fromkeys((*holding, *close)))[:5]
            return [f"{folder}/{tail}" for tail in best or children[:5]]
        folder = folder.rpartition("/")[0]
    return []
