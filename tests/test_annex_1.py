"""Annex I, made by hand in data/turtle, against what the citation grammar reads in the same words."""

from __future__ import annotations

from collections import defaultdict

from rdflib import RDF, Graph, Namespace

from cbdgraph import find_citations
from cbdgraph.namespaces import BASE, ONTOLOGY
from tests.conftest import ROOT

CBD = Namespace(ONTOLOGY)
FOLDER = ROOT / "data/turtle/documents/sbstta-17-ecosystem-restoration"


def recorded() -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    """By citing part and quoted words: cited part, certainty and the part's own words, in the order of the note."""
    graph = Graph().parse(FOLDER / "annex-1.ttl")
    found: dict[tuple[str, str], list[tuple[int, tuple[str, str, str]]]] = defaultdict(list)
    for citation in graph.subjects(RDF.type, CBD.Citation):
        value = {name: str(graph.value(citation, CBD[name])) for name in ("citingPart", "quote", "citedPart")}
        certainty = str(graph.value(citation, CBD.certainty)).removeprefix(BASE + "certainty/")
        position = int(str(graph.value(citation, CBD.position)))
        part_quote = str(graph.value(citation, CBD.partQuote))
        found[value["citingPart"], value["quote"]].append((position, (value["citedPart"], certainty, part_quote)))
    return {key: [row for _, row in sorted(rows)] for key, rows in found.items()}


def test_the_grammar_reads_each_cell_as_a_person_did() -> None:
    for (_, quote), expected in recorded().items():
        got = [(str(c.iri), c.certainty, c.part_quote) for c in find_citations(quote, "zh")]
        assert got == expected, quote


def test_the_annex_is_complete() -> None:
    cells = recorded()
    decisions = {"/".join(cited.removeprefix(BASE).split("/")[:4]) for rows in cells.values() for cited, _, _ in rows}
    assert len(decisions) == 58
    assert len(cells) == 58
    assert sum(map(len, cells.values())) == 133
    assert len({part for part, _ in cells}) == 23
