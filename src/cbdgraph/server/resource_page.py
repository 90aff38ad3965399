"""The page of a resource: its IRI and a language in, HTML out; asks the engine, decides nothing about formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, LANGUAGES
from cbdgraph.queries import prologue
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.live import Served
from cbdgraph.server.statements import NAMING, group_values, pick, read_names
from cbdgraph.server.why import address as address_of_reasons

_SHOWN: Final = 10  # of what points here, for each property
_FETCHED: Final = 200  # so that those shown are the first in natural order, where there are not too many
_LONGEST: Final = 2000  # values of the resource itself
_OPEN: Final = 40  # values of one property that stand open; the rest is folded
_DEFINES: Final = "http://www.w3.org/2000/01/rdf-schema#isDefinedBy"

# Values are bound as terms at the marks, never pasted as text: `str(Iri(…))` cannot leave its angle brackets.
_OUTGOING: Final = f"""
SELECT ?property ?near (GROUP_CONCAT(DISTINCT STR(?graph); SEPARATOR=" ") AS ?graphs)
WHERE {{
  {{ SELECT ?property ?near WHERE {{ @IRI@ ?property ?near }} LIMIT {_LONGEST} }}
  OPTIONAL {{ GRAPH ?graph {{ @IRI@ ?property ?near }} }}
}}
GROUP BY ?property ?near"""
_COUNTS: Final = (
    "SELECT ?property (COUNT(*) AS ?count) WHERE { ?near ?property @IRI@ } GROUP BY ?property ORDER BY ?property"
)
_POINTING: Final = (
    f"{{ SELECT ?property ?near {{ VALUES ?property {{ @PROPERTY@ }} ?near ?property @IRI@ }} LIMIT {_FETCHED} }}"
)
_INCOMING: Final = """
SELECT ?property ?near (GROUP_CONCAT(DISTINCT STR(?graph); SEPARATOR=" ") AS ?graphs)
WHERE {
  @PARTS@
  OPTIONAL { GRAPH ?graph { ?near ?property @IRI@ } }
}
GROUP BY ?property ?near"""
_NAMES: Final = f"""
SELECT ?node ?naming ?label
WHERE {{
  VALUES ?naming {{ {" ".join(f"<{name}>" for name in NAMING)} }}
  VALUES ?node {{ @NODES@ }}
  ?node ?naming ?label
}}"""
_ALL: Final = (
    prologue(("rdfs", "skos"))
    + """

SELECT ?resource ?label
WHERE {
  ?resource @PROPERTY@ @IRI@ .
  OPTIONAL { ?resource skos:prefLabel|rdfs:label ?label . FILTER(LANG(?label) = "@LANGUAGE@") }
}
ORDER BY ?resource"""
)


async def make_page(served: Served, iri: str, language: str) -> str:
    """The HTML of a resource that the graph knows; names in `language` where there are any."""
    term = str(Iri(iri))
    outgoing = await _select(served, _OUTGOING.replace("@IRI@", term))
    counted = await _select(served, _COUNTS.replace("@IRI@", term))
    counts = {row["property"]["value"]: int(row["count"]["value"]) for row in counted}
    incoming: list[dict[str, dict[str, str]]] = []
    if properties := list(_terms(counts)):
        parts = " UNION ".join(_POINTING.replace("@PROPERTY@", name) for name in properties)
        incoming = await _select(served, _INCOMING.replace("@PARTS@", parts).replace("@IRI@", term))
    nodes = {iri}
    for row in (*outgoing, *incoming):
        nodes |= {row["property"]["value"], *row.get("graphs", {}).get("value", "").split(" ")}
        if row["near"]["type"] == "uri":
            nodes.add(row["near"]["value"])
    names = read_names(await _select(served, _NAMES.replace("@NODES@", " ".join(_terms(sorted(nodes))))))
    own = names.get(iri, {})
    return pages.render(
        "resource.html",
        iri=iri,
        title=pick(own, language),
        fallback=iri.removeprefix(BASE),
        outgoing=group_values(outgoing, names, language),
        incoming=group_values(incoming, names, language, counts),
        total=sum(counts.values()),
        shown={name: _FETCHED if name == _DEFINES else _SHOWN for name in counts},
        rest={name: _address(name, term, language) for name in counts},
        open=_OPEN,
        why=address_of_reasons,
        path=address(iri),
        joint="?" if iri.startswith(BASE) else "&",
        language=language,
        languages=LANGUAGES,
        release=served.release,
        content=served.engine.facts.graphs[iri] if iri in served.graphs else None,
        description="/sparql?" + urlencode({"query": f"DESCRIBE {term}"}),
    )


def _terms(iris: Iterable[str]) -> Iterable[str]:
    """IRIs as terms; what a stranger's data may hold and the core calls no IRI is left out."""
    for name in iris:
        try:
            yield str(Iri(name))
        except InvalidName:
            continue


def _address(name: str, term: str, language: str) -> str:
    """Where all that points here by a property is listed."""
    query = _ALL.replace("@LANGUAGE@", language).replace("@PROPERTY@", f"<{name}>").replace("@IRI@", term)
    return "/sparql?" + urlencode({"query": query})


async def _select(served: Served, query: str) -> list[dict[str, dict[str, str]]]:
    answer = await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)
    return answer.bindings
