"""The ontology under a real OWL reasoner: consistent as it is, and a planted contradiction is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rdflib import OWL, RDF, RDFS, SKOS, URIRef

from cbdgraph.namespaces import BASE, ONTOLOGY, PREFIXES
from cbdgraph.rdf.reason import check_ontology, find_clashes
from cbdgraph.rdf.turtle import Triple, parse_turtle, read_turtle

ROOT = Path(__file__).resolve().parent.parent
AXIOMS = read_turtle(ROOT / "ontology" / "cbd.ttl").triples
PREFIX_LINES = f"@base <{BASE}> .\n" + "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())


def read(turtle: str) -> tuple[Triple, ...]:
    return parse_turtle(PREFIX_LINES + turtle).triples


@pytest.mark.java
@pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java on this machine")
@pytest.mark.filterwarnings("ignore")
class TestHermit:
    def test_the_ontology_is_consistent_and_every_class_can_have_a_member(self) -> None:
        found = check_ontology(AXIOMS)
        assert found.good
        assert (found.skipped, found.unsatisfiable, found.clashes) == ("", (), ())

    @pytest.mark.slow
    def test_dates_and_years_do_not_disturb(self) -> None:
        data = '<x> cbd:startDate "2013-10-14"^^xsd:date ; cbd:year "2013"^^xsd:gYear ; cbd:value 15.0 .'
        assert check_ontology((*AXIOMS, *read(data))).good

    @pytest.mark.parametrize(
        ("data", "thing", "words"),
        [
            ("<x> a cbd:Decision, cbd:Meeting .", "x", ("Decision because it says so", "Meeting because it says so")),
            pytest.param(
                "<x> a cbd:Target . <y> cbd:parent <x> .",
                "x",
                ("Text because it is parent of", "Target because"),
                marks=pytest.mark.slow,
            ),
            pytest.param(
                "<x> a cbd:Issue ; cbd:meetingOf <body/cop> .",
                "x",
                ("Meeting because it has meetingOf", "Issue"),
                marks=pytest.mark.slow,
            ),
        ],
    )
    def test_a_thing_that_is_two_things_is_found(self, data: str, thing: str, words: tuple[str, ...]) -> None:
        found = check_ontology((*AXIOMS, *read(data)))
        assert not found.consistent
        assert len(found.clashes) == 1
        assert found.clashes[0].startswith(f"<{BASE}{thing}> is a ")
        assert all(word in found.clashes[0] for word in words)

    @pytest.mark.slow
    def test_two_values_of_a_functional_property_are_found(self) -> None:
        assert not check_ontology((*AXIOMS, *read("<x> cbd:number 1, 2 ."))).consistent

    @pytest.mark.slow
    def test_a_part_of_itself_is_found(self) -> None:
        assert not check_ontology((*AXIOMS, *read("<x> cbd:parent <x> ."))).consistent

    def test_a_class_that_nothing_can_be_is_found(self) -> None:
        found = check_ontology((*AXIOMS, *read("cbd:Odd a owl:Class ; rdfs:subClassOf cbd:Decision, cbd:Meeting .")))
        assert found.consistent
        assert found.unsatisfiable == (f"{ONTOLOGY}Odd",)
        assert not found.good


def test_without_java_it_is_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = check_ontology(AXIOMS)
    assert found.good
    assert "Java" in found.skipped


def test_clashes_are_found_through_domains_and_disjoint_pairs() -> None:
    pair = read("<g> a cbd:StrategicGoal, cbd:Objective .")
    assert any("nothing can be both" in clash for clash in find_clashes((*AXIOMS, *pair)))
    assert find_clashes((*AXIOMS, *read("<d> a cbd:Decision ."))) == ()


def _terms() -> dict[URIRef, dict[URIRef, list[object]]]:
    terms: dict[URIRef, dict[URIRef, list[object]]] = {}
    for subject, predicate, value in AXIOMS:
        if isinstance(subject, URIRef) and subject.startswith(ONTOLOGY) and isinstance(predicate, URIRef):
            terms.setdefault(subject, {}).setdefault(predicate, []).append(value)
    return terms


@pytest.mark.parametrize("term", sorted(_terms()), ids=lambda term: str(term).removeprefix(ONTOLOGY))
def test_every_term_is_documented_and_named_by_its_kind(term: URIRef) -> None:
    said = _terms()[term]
    name = str(term).removeprefix(ONTOLOGY)
    assert [getattr(label, "language", None) for label in said[RDFS.label]] == ["en"]
    (definition,) = said[SKOS.definition]
    assert str(definition).endswith(".")
    assert said[RDFS.isDefinedBy] == [URIRef(ONTOLOGY.removesuffix("#"))]
    is_property = bool({OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty} & set(said[RDF.type]))
    assert name[0].islower() == is_property
