"""The features of definitions: the scheme is documented as it is, and the matrix of restoration has no holes."""

from __future__ import annotations

import re

import pytest

from cbdgraph.namespaces import BASE
from cbdgraph.store.embedded import Store
from tests.conftest import ROOT

PREFIXES = """PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
REPAIR = (
    *("ecosystem-restoration", "ecological-restoration", "rehabilitation", "reclamation", "remediation", "recovery"),
    *("regeneration", "natural-regeneration", "assisted-natural-regeneration", "active-restoration"),
    *("passive-restoration", "land-restoration", "forest-landscape-restoration", "rewilding", "revegetation"),
    *("reforestation", "afforestation"),
)
LOSS = (
    *("ecosystem-degradation", "degraded-land", "land-degradation", "forest-degradation", "soil-degradation"),
    *(
        "desertification",
        "drought",
        "deforestation",
        "biodiversity-loss",
        "habitat-fragmentation",
        "overexploitation",
    ),
    *("extinction", "eutrophication"),
)
OF_REPAIR = (
    *("nature", "agency", "intent", "means", "starting-state", "aim", "extent", "reference", "scope"),
    "intact-conservation",
)
OF_LOSS = ("nature", "cause", "duration", "scope", "reference")


def _select(graph: Store, query: str) -> list[tuple[str, ...]]:
    answer = graph.select(PREFIXES + query)
    return [tuple(getattr(row[name], "value", "") for name in answer.columns) for row in answer.rows]


def test_the_page_has_every_question_with_its_answers(graph: Store) -> None:
    told = {}
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8").partition("\n## The questions")[2]
    for name, answers in re.findall(r"^\| `([a-z-]+)` \|.*\| (`.+`) \|$", page.partition("\n## ")[0], re.MULTILINE):
        told[name] = set(re.findall(r"`([a-z-]+)`", answers))
    found: dict[str, set[str]] = {}
    for (answer,) in _select(graph, f"SELECT ?answer WHERE {{ ?answer skos:inScheme <{BASE}feature> }}"):
        name, _, value = answer.removeprefix(f"{BASE}feature/").partition("/")
        if name != "not-said":
            found.setdefault(name, set()).update({value} - {""})
    assert told == found


@pytest.mark.parametrize(
    ("term", "dimensions"),
    [*((term, OF_REPAIR) for term in REPAIR), *((term, OF_LOSS) for term in LOSS)],
    ids=[*REPAIR, *LOSS],
)
def test_each_definition_was_examined_under_each_question(
    graph: Store, term: str, dimensions: tuple[str, ...]
) -> None:
    rows = _select(
        graph,
        f"""SELECT ?definition ?dimension WHERE {{
          ?definition cbd:definitionOf <{BASE}term/{term}> .
          OPTIONAL {{ ?feature cbd:featureOf ?definition ; cbd:dimension ?dimension }}
        }}""",
    )
    seen: dict[str, set[str]] = {}
    for definition, dimension in rows:
        seen.setdefault(definition, set()).add(dimension.removeprefix(f"{BASE}feature/"))
    assert seen
    assert {definition: set(dimensions) - have for definition, have in seen.items() if set(dimensions) - have} == {}


def test_each_definition_has_a_nature_and_a_scope(graph: Store) -> None:
    rows = _select(
        graph,
        f"""SELECT ?definition ?dimension WHERE {{
          ?definition a cbd:Definition .
          VALUES ?dimension {{ <{BASE}feature/nature> <{BASE}feature/scope> }}
          FILTER NOT EXISTS {{ ?feature cbd:featureOf ?definition ; cbd:dimension ?dimension }}
        }}""",
    )
    assert [row for row in rows if "/term/baseline/" not in row[0]] == []


def test_what_is_inferred_says_from_what(graph: Store) -> None:
    bare = """SELECT ?feature WHERE {
      ?feature a cbd:Feature ; cbd:basis <https://w3id.org/cbdgraph/basis/inferred> .
      FILTER NOT EXISTS { ?feature skos:editorialNote ?note }
    }"""
    assert _select(graph, bare) == []
    assert len(_select(graph, bare.replace("FILTER NOT EXISTS { ?feature skos:editorialNote ?note }", ""))) > 100


def test_each_definition_has_a_standing_and_a_language(graph: Store) -> None:
    bare = """SELECT ?definition WHERE {
      ?definition a cbd:Definition .
      FILTER NOT EXISTS { ?definition cbd:status ?status ; dcterms:language ?language }
    }"""
    assert _select(graph, bare) == []


def test_what_was_replaced_is_superseded_and_the_other_way_round(graph: Store) -> None:
    superseded = "<https://w3id.org/cbdgraph/definition-status/superseded>"
    replaced = {
        row[0] for row in _select(graph, "SELECT ?old WHERE { ?new a cbd:Definition ; dcterms:replaces ?old }")
    }
    old = {row[0] for row in _select(graph, f"SELECT ?old WHERE {{ ?old cbd:status {superseded} }}")}
    assert replaced == old
    assert replaced
