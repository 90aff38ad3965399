"""Where a term is used: its IRI in, the parts of decisions and documents that use it out, a page at a time.

Asks the named query `uses-of-term`, which tells the same as data; nothing where it is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from cbdgraph.errors import CbdGraphError
from cbdgraph.namespaces import BASE
from cbdgraph.server.live import Served
from cbdgraph.server.names import find_names
from cbdgraph.server.statements import Name, pick
from cbdgraph.server.term_view import Linked

QUERY: Final = "uses-of-term"
PAGE: Final = 40  # parts


@dataclass(frozen=True, slots=True)
class Use:
    """A part that uses the term: its forms as printed with their languages, how often, and whether that is stated."""

    part: Linked
    locator: str
    forms: tuple[Name, ...]
    occurrences: int
    basis: str


@dataclass(frozen=True, slots=True)
class Uses:
    """Some of the parts, by decision or document; counts are of all."""

    groups: tuple[tuple[Linked, tuple[Use, ...]], ...]
    parts: int
    texts: int
    number: int
    last: int
    query: str

    @property
    def turns(self) -> dict[str, int]:
        """The other pages, by what their link says."""
        near = {"Previous": self.number - 1, "Next": self.number + 1}
        return {label: number for label, number in near.items() if 1 <= number <= self.last}


async def find_uses(served: Served, iri: str, number: int, language: str) -> Uses | None:
    """A page of the uses of a term, the last one where there are not so many; None where nobody says of any."""
    query = served.queries.get(QUERY)
    if query is None or not iri.startswith(BASE):
        return None
    try:
        text = query.bind({"term": iri})
    except CbdGraphError:  # no IRI that the query takes: what a stranger's data may hold
        return None
    answer = await served.engine.run_query(text, media_type="application/sparql-results+json", trusted=True)
    found: dict[str, list[dict[str, dict[str, str]]]] = {}
    for row in answer.bindings:
        found.setdefault(row["part"]["value"], []).append(row)
    if not found:
        return None
    last = -(-len(found) // PAGE)
    number = min(number, last)
    parts = list(found.values())
    shown = parts[(number - 1) * PAGE : number * PAGE]
    names = await find_names(
        served, [row[0][key]["value"] for row in shown for key in ("text", "part") if key in row[0]]
    )

    def link(iri: str) -> Linked:
        return Linked(iri, pick(names.get(iri, {}), language) or Name(iri.removeprefix(BASE)))

    groups: dict[str, list[Use]] = {}
    for rows in shown:
        first = rows[0]
        forms = dict.fromkeys((row["form"]["value"], row["form"].get("xml:lang", "")) for row in rows)
        groups.setdefault(first.get("text", first["part"])["value"], []).append(
            Use(
                link(first["part"]["value"]),
                first.get("locator", {}).get("value", ""),
                tuple(Name(form, spoken) for form, spoken in forms),
                max(int(row.get("occurrences", {}).get("value", "1")) for row in rows),
                first.get("basis", {}).get("value", "").rpartition("/")[2],
            )
        )
    texts = {rows[0].get("text", rows[0]["part"])["value"] for rows in parts}
    where = f"/query/{QUERY}?{urlencode({'term': iri.removeprefix(BASE + 'term/')})}"
    return Uses(
        tuple((link(text), tuple(uses)) for text, uses in groups.items()), len(found), len(texts), number, last, where
    )
