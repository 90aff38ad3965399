"""Who cites a resource and for what: rows about citations in, one line for each out. Runs no query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cbdgraph.iris import natural
from cbdgraph.namespaces import expand
from cbdgraph.queries import prologue
from cbdgraph.server.statements import Term

LARGEST: Final = 100  # citations that a page lists
_CITED: Final = ("cbd:citedPart", "cbd:citedTarget")
_TOLD: Final = (*_CITED, "cbd:citingPart", "cbd:issue", "cbd:quote", "cbd:partQuote", "cbd:certainty")
_ISSUE: Final = expand("cbd:issue")
# What points to a resource that is cited, or whose parts are; to an issue for which something is cited.
_SIGNS: Final = frozenset((*map(expand, _CITED), expand("cbd:isPartOf"), _ISSUE))

# Values are bound as terms at the mark, never pasted as text.
QUERY: Final = f"""{prologue(("cbd",))}
SELECT ?citation ?property ?value
WHERE {{
  {{ SELECT DISTINCT ?citation WHERE {{
    {{ ?citation cbd:citedPart @IRI@ }}
    UNION {{ ?part cbd:isPartOf @IRI@ . ?citation cbd:citedPart ?part }}
    UNION {{ ?citation cbd:citedTarget @IRI@ }}
    UNION {{ ?citation cbd:issue @IRI@ }}
  }} ORDER BY ?citation LIMIT {LARGEST + 1} }}
  ?citation ?property ?value .
  FILTER(?property IN ({", ".join(_TOLD)}))
}}"""


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation: its IRI, what it cites, where it stands, for which issue, in which words, how certain; None unsaid.

    All are terms of SPARQL JSON; the words are those that name this very part, where they are told apart.
    """

    iri: str
    cited: Term | None
    place: Term | None
    issue: Term | None
    words: Term | None
    certainty: Term | None

    @property
    def nodes(self) -> list[str]:
        """The IRIs that it names."""
        terms = (self.cited, self.place, self.issue, self.certainty)
        return [term["value"] for term in terms if term and term["type"] == "uri"]


def is_likely(properties: Iterable[str]) -> bool:
    """Whether what points to a resource by these properties may be, or lead to, citations."""
    return not _SIGNS.isdisjoint(properties)


def read_citations(rows: Iterable[Mapping[str, Any]], iri: str) -> list[Cited]:
    """The citations of rows as `QUERY` has them, in natural order of the places where they stand.

    Where one cites several things, the resource itself is what it cites, if that is among them.
    """
    found: dict[str, dict[str, Term]] = {}
    for row in rows:
        values, name = found.setdefault(row["citation"]["value"], {}), row["property"]["value"]
        if name not in values or row["value"]["value"] == iri:
            values[name] = row["value"]
    citations = []
    for iri, values in found.items():
        said = {name: values.get(expand(name)) for name in _TOLD}
        citations.append(
            Cited(
                iri,
                said["cbd:citedPart"] or said["cbd:citedTarget"],
                said["cbd:citingPart"],
                said["cbd:issue"],
                said["cbd:partQuote"] or said["cbd:quote"],
                said["cbd:certainty"],
            )
        )
    return sorted(citations, key=lambda each: natural(each.iri))
