"""Terms read from a store as plain values; how definitions compare, in Python and by the named query alike."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph

from cbdgraph.namespaces import BASE, LANGUAGES
from cbdgraph.queries import read_queries
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from cbdgraph.terminology.comparison import compare, matrix
from cbdgraph.terminology.reading import STATEMENTS, read_terminology
from cbdgraph.terminology.terms import NOT_SAID, Terminology
from tests.conftest import ROOT

JSON = "application/sparql-results+json"
LIMITS = Limits(seconds=20, rows=1_000_000, bytes=100_000_000)
VOCABULARY = (ROOT / "ontology" / "vocabularies.ttl").read_text(encoding="utf-8")
PREFIXES = f"""
@base <{BASE}> .
@prefix cbd: <{BASE}ontology#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix skosxl: <http://www.w3.org/2008/05/skos-xl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def read(store: Store) -> Terminology:
    return read_terminology(store.answer(STATEMENTS, JSON, LIMITS).bindings)


def read_turtle(text: str) -> Terminology:
    store = Store.memory()
    store.load_text(PREFIXES + text)
    return read(store)


def test_what_the_real_graph_says_is_read(graph: Store) -> None:
    terminology = read(graph)
    term = terminology.find("ecosystem-restoration")
    assert term is not None
    english, chinese = term.preferred("en"), term.preferred("zh")
    assert english is not None
    assert (english.text, english.origin) == ("Ecosystem restoration", "source")
    assert chinese is not None
    assert chinese.text == "生态系统恢复"
    assert {label.language for label in term.labels if label.kind == "preferred"} == set(LANGUAGES)
    (first,) = [each for each in term.definitions if each.slug == "ipbes-ldr"]
    assert first.verbatim is False
    assert first.year == "2018"
    assert first.sources == (BASE + "document/ipbes-glossary-definitions",)
    assert terminology.name(first.sources[0], "fr").value, "its source has a name"
    assert BASE + "term/ecological-restoration" in term.narrower, "the other side of broader"
    assert [each.year for each in term.definitions] == sorted(
        (each.year for each in term.definitions), key=lambda year: year or "9999"
    )


def test_names_that_are_literals_only_are_read_too() -> None:
    terminology = read_turtle(
        '<term/bog> a cbd:Term ; skos:prefLabel "Bog"@en, "Tourbière"@fr ; skos:altLabel "Mire"@en ;'
        " skosxl:prefLabel <term/bog/label/en> .\n"
        '<term/bog/label/en> skosxl:literalForm "Bog"@en ; cbd:labelOrigin <label-origin/source> .'
    )
    term = terminology.find("bog")
    assert term is not None
    assert [(each.text, each.kind, each.origin) for each in term.labels] == [
        ("Bog", "preferred", "source"),
        ("Mire", "alternative", ""),
        ("Tourbière", "preferred", ""),
    ]
    assert term.name("ru").value == "Bog"


def test_the_feature_scheme_is_read_with_its_answers() -> None:
    store = Store.memory()
    store.load_text(VOCABULARY)
    terminology = read(store)
    assert terminology.terms == {}
    agency = next(each for each in terminology.dimensions if each.iri == BASE + "feature/agency")
    assert [value.iri.rpartition("/")[2] for value in agency.values] == ["assisted", "either", "spontaneous"]
    assert agency.name("zh").value == "人的协助"
    assert all(each.meanings["en"].endswith("?") for each in terminology.dimensions), "dimensions are questions"
    assert NOT_SAID not in {each.iri for each in terminology.dimensions}


VALUES = ("assisted", "spontaneous", "either")
ANSWERS = st.one_of(st.none(), st.just(frozenset({"not-said"})), st.frozensets(st.sampled_from(VALUES), min_size=1))


def describe(name: str, answers: Mapping[str, frozenset[str] | None]) -> str:
    """A definition with its answers by dimension."""
    iri = f"term/bog/definition/{name}"
    lines = [f'<{iri}> a cbd:Definition ; cbd:definitionOf <term/bog> ; cbd:wording "{name}"@en .']
    for dimension, values in answers.items():
        for value in sorted(values or ()):
            at = "feature/not-said" if value == "not-said" else f"feature/{dimension}/{value}"
            lines.append(
                f"<{iri}/feature/{dimension}> a cbd:Feature ; cbd:featureOf <{iri}> ;"
                f" cbd:dimension <feature/{dimension}> ; cbd:featureValue <{at}> ; cbd:basis <basis/stated> ."
            )
    return "\n".join(lines)


@settings(max_examples=60, deadline=None)
@given(ANSWERS, ANSWERS, ANSWERS, ANSWERS)
def test_the_query_and_the_page_compare_alike(
    one: frozenset[str] | None,
    other: frozenset[str] | None,
    one_aim: frozenset[str] | None,
    other_aim: frozenset[str] | None,
) -> None:
    text = "<term/bog> a cbd:Term .\n" + describe("one", {"agency": one, "aim": one_aim})
    text += "\n" + describe("other", {"agency": other, "aim": other_aim}) + SCHEME
    store = Store.memory()
    store.load_text(PREFIXES + text)
    term = read(store).find("bog")
    assert term is not None
    first, second = term.definitions
    compared = compare(first, second, read(store).dimensions)
    query = read_queries(ROOT / "queries" / "named")["compare-definitions"]
    bound = query.bind({"definition": "bog/definition/one", "other": "bog/definition/other"})
    rows = [{name: term["value"] for name, term in row.items()} for row in store.answer(bound, JSON, LIMITS).bindings]
    assert {row["dimension"]: row["verdict"] for row in rows} == {
        each.dimension.iri: each.verdict for each in compared
    }
    said = {
        (each.dimension.iri, value)
        for each in compared
        for feature in (each.one, each.other)
        if feature is not None
        for value in feature.values
    }
    assert {(row["dimension"], row["value"]) for row in rows} == said
    for each in compared:
        for row in rows:
            if row["dimension"] == each.dimension.iri:
                by_one = each.one is not None and row["value"] in each.one.values
                by_other = each.other is not None and row["value"] in each.other.values
                assert row["saidBy"] == ("both" if by_one and by_other else "definition" if by_one else "other")


SCHEME = "".join(
    f"\n<feature/{dimension}> skos:inScheme <feature> .\n"
    + "".join(
        f"<feature/{dimension}/{v}> skos:inScheme <feature> ; skos:broader <feature/{dimension}> .\n" for v in VALUES
    )
    for dimension in ("agency", "aim")
)


@pytest.mark.parametrize("engine", ["rdflib", "oxigraph"])
def test_two_engines_compare_alike(engine: str) -> None:
    text = PREFIXES + describe("one", {"agency": frozenset({"assisted", "either"}), "aim": frozenset({"not-said"})})
    text += describe("other", {"agency": frozenset({"either"}), "aim": frozenset({"assisted"})})
    query = read_queries(ROOT / "queries" / "named")["compare-definitions"]
    bound = query.bind({"definition": "bog/definition/one", "other": "bog/definition/other"})
    if engine == "rdflib":
        rows = json.loads(Graph().parse(data=text, format="turtle").query(bound).serialize(format="json") or b"")
        rows = rows["results"]["bindings"]
    else:
        store = Store.memory()
        store.load_text(text)
        rows = store.answer(bound, JSON, LIMITS).bindings
    assert [
        (row["value"]["value"].removeprefix(BASE), row["saidBy"]["value"], row["verdict"]["value"]) for row in rows
    ] == [
        ("feature/agency/assisted", "definition", "overlap"),
        ("feature/agency/either", "both", "overlap"),
        ("feature/aim/assisted", "other", "one-silent"),
        ("feature/not-said", "definition", "one-silent"),
    ]


def test_a_matrix_marks_the_rows_in_which_definitions_part() -> None:
    text = "<term/bog> a cbd:Term .\n" + SCHEME
    text += describe("a", {"agency": frozenset({"assisted"}), "aim": frozenset({"either"})})
    text += describe("b", {"agency": frozenset({"spontaneous"}), "aim": frozenset({"not-said"})}) + describe("c", {})
    terminology = read_turtle(text)
    term = terminology.find("bog")
    assert term is not None
    rows = list(matrix(term.definitions, terminology.dimensions))
    assert [row.is_disputed for row in rows] == [True, False]
    assert [[each is None for each in row.features] for row in rows] == [[False, False, True]] * 2
