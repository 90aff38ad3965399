"""Every check of queries/checks/ finds the fault it is for, on rdflib and on Oxigraph, and nothing in good data."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyoxigraph
import pytest
from rdflib import Graph

from cbdgraph.errors import QuerySyntaxError
from cbdgraph.namespaces import BASE, PREFIXES
from cbdgraph.queries import Query, read_queries
from cbdgraph.rdf.turtle import parse_turtle, read_turtle
from cbdgraph.rdf.validate import CHECKS, run_checks

ROOT = Path(__file__).parents[1]
ALL = read_queries(ROOT / "queries" / "checks")

# Check -> data that has the fault, and the paths of the subjects at fault.
FAULTY: Final[dict[str, tuple[str, set[str]]]] = {
    "act-iri-differs": (
        "<decision/cop/11/16> a cbd:Decision ; cbd:adoptedAt <meeting/cop/11> ; cbd:number 61 .",
        {"decision/cop/11/16"},
    ),
    "broader-than-itself": (
        "<term/a> skos:broader <term/b> . <term/b> skos:broader <term/a> .",
        {"term/a", "term/b"},
    ),
    "citation-of-nothing": (
        '<document/n/citation/1> a cbd:Citation ; cbd:quote "XI/16"@en .',
        {"document/n/citation/1"},
    ),
    "cited-part-not-described": (
        "<document/n/citation/1> cbd:citedPart <decision/cop/11/99> .",
        {"document/n/citation/1"},
    ),
    "dangling-iri": ("<activity/a> dcterms:isPartOf <activity/none> .", {"activity/a"}),
    "decision-number-above-bound": (
        "<decision/cop/11/61> cbd:adoptedAt <meeting/cop/11> ; cbd:number 61 .",
        {"decision/cop/11/61"},
    ),
    "decision-symbol-differs": (
        '<decision/cop/11/16> cbd:adoptedAt <meeting/cop/11> ; cbd:number 16 ; cbd:symbol "IX/16" .',
        {"decision/cop/11/16"},
    ),
    "document-without-name": ("<document/n> a cbd:Document .", {"document/n"}),
    "ends-before-it-starts": (
        '<meeting/cop/11> cbd:startDate "2012-10-19"^^xsd:date ; cbd:endDate "2012-10-08"^^xsd:date .\n'
        '<activity/a> cbd:startDate "2014-12"^^xsd:gYearMonth ; cbd:endDate "2013"^^xsd:gYear .\n'
        '<activity/good> cbd:startDate "2013-11"^^xsd:gYearMonth ; cbd:endDate "2013"^^xsd:gYear .',
        {"meeting/cop/11", "activity/a"},
    ),
    "feature-of-another-dimension": (
        "<d/feature/agency> cbd:dimension <feature/agency> ; cbd:featureValue <feature/aim/services> .\n"
        "<d/feature/aim> cbd:dimension <feature/agency> ; cbd:featureValue <feature/agency/assisted> .\n"
        "<e/feature/agency> cbd:dimension <feature/agency> ;\n"
        "  cbd:featureValue <feature/not-said>, <feature/agency/assisted> .\n"
        "<f/feature/agency> cbd:dimension <feature/agency> ; cbd:featureValue <feature/not-said> .\n"
        "<feature/agency/assisted> skos:broader <feature/agency> .\n"
        "<feature/aim/services> skos:broader <feature/aim> .",
        {"d/feature/agency", "d/feature/aim", "e/feature/agency"},
    ),
    "goal-of-another-set": (
        "<target/gspc-2002/4> cbd:inSet <target/gspc-2002> ; cbd:underGoal <objective/gspc-2010/2> .\n"
        "<objective/gspc-2010/2> cbd:inSet <target/gspc-2010> .",
        {"target/gspc-2002/4"},
    ),
    "iri-not-under-owner": (
        "<citation/1> cbd:citingPart <n/para/1> . <n/para/1/citation/2> cbd:citingPart <n/para/1> .",
        {"citation/1"},
    ),
    "label-of-nothing": ('<issue/a/label/en> a skosxl:Label ; skosxl:literalForm "a"@en .', {"issue/a/label/en"}),
    "label-without-source": (
        '<issue/a/label/en> cbd:labelOrigin <label-origin/source> ; skosxl:literalForm "a"@en .',
        {"issue/a/label/en"},
    ),
    "locator-differs": (
        "<decision/cop/11/16> a cbd:Decision .\n"
        '<decision/cop/11/16/para/5> cbd:parent <decision/cop/11/16> ; cbd:locator "para/6" .',
        {"decision/cop/11/16/para/5"},
    ),
    "meeting-iri-differs": (
        "<meeting/cop/11> cbd:meetingOf <body/cop> ; cbd:session 12 .",
        {"meeting/cop/11"},
    ),
    "missing-language": (
        "<issue/a> a cbd:Issue ; skosxl:prefLabel <issue/a/label/en> .\n"
        '<issue/a/label/en> skosxl:literalForm "a"@en .',
        {"issue/a"},
    ),
    "nameless": ("<activity/a> a cbd:Activity .", {"activity/a"}),
    "notation-used-twice": (
        '<issue/a> skos:notation "CBD-SUBJECT-FOR"^^cbd:ClearingHouseIdentifier .\n'
        '<issue/b> skos:notation "CBD-SUBJECT-FOR"^^cbd:ClearingHouseIdentifier .\n'
        '<level/a> skos:notation "same" . <role/a> skos:notation "same" .',
        {"issue/b"},
    ),
    "number-given-twice": (
        "<decision/cop/11/16> cbd:adoptedAt <meeting/cop/11> ; cbd:number 16 .\n"
        "<decision/cop/11/17> cbd:adoptedAt <meeting/cop/11> ; cbd:number 16 .\n"
        "<meeting/cop/11> cbd:meetingOf <body/cop> ; cbd:session 11 .\n"
        "<meeting/cop/12> cbd:meetingOf <body/cop> ; cbd:session 11 .",
        {"decision/cop/11/17", "meeting/cop/12"},
    ),
    "orphan-part": (
        "<decision/cop/11/16> a cbd:Decision .\n"
        "<decision/cop/11/16/para/1> a cbd:Paragraph ; cbd:parent <decision/cop/11/16> .\n"
        "<x/para/1> a cbd:Paragraph ; cbd:parent <x/annex> . <x/annex> a cbd:Element ; cbd:parent <x/para/1> .\n"
        "<y/para/1> a cbd:Paragraph .",
        {"x/para/1", "x/annex", "y/para/1"},
    ),
    "paragraph-not-typed": (
        "<d/para/1> a cbd:Element ; cbd:level <level/para> . <d/para/2> a cbd:Paragraph ; cbd:level <level/para> .",
        {"d/para/1"},
    ),
    "part-iri-differs": (
        '<d/para/5> cbd:parent <d> ; cbd:level <level/para> ; cbd:partLabel "6" .\n'
        "<d/annex> cbd:parent <d> ; cbd:level <level/annex> .",
        {"d/para/5"},
    ),
    "part-quote-not-in-quote": (
        '<n/citation/1> cbd:quote "第XI/16号决定第5段"@zh ; cbd:partQuote "第 5段"@zh .\n'
        '<n/citation/2> cbd:quote "第XI/16号决定第5段"@zh ; cbd:partQuote "第5段"@zh .',
        {"n/citation/1"},
    ),
    "position-given-twice": (
        "<n/citation/1> cbd:citingPart <n> ; cbd:position 1 . <n/citation/2> cbd:citingPart <n> ; cbd:position 1 .",
        {"n/citation/2"},
    ),
    "quantity-after-deadline": (
        '<target/aichi/15/quantity/1> cbd:quantityOf <target/aichi/15> ; cbd:deadline "2030"^^xsd:gYear .\n'
        '<target/aichi/15> cbd:deadline "2020"^^xsd:gYear .',
        {"target/aichi/15/quantity/1"},
    ),
    "remembered-and-certain": (
        "<n/citation/1> cbd:citingPart <n> ; cbd:basis <basis/remembered> ; cbd:certainty <certainty/certain> .",
        {"n/citation/1"},
    ),
    "request-without-addressee": (
        "<d/request/1> a cbd:Request ; cbd:action <action/urges> .\n"
        "<d/request/2> a cbd:Request ; cbd:action <action/recognizes> .",
        {"d/request/1"},
    ),
    "source-not-described": ("<issue/a> dcterms:source <document/none> .", {"issue/a"}),
    "source-without-place": (
        "<document/n> a cbd:Document . <document/n/para/1> dcterms:source <document/n> .\n"
        '<issue/a> dcterms:source <document/n> . <issue/b> dcterms:source <document/n> ; cbd:sourcePlace "p. 3"@en .',
        {"issue/a"},
    ),
    "symbol-used-twice": (
        '<decision/cop/11/16> a cbd:Decision ; cbd:symbol "XI/16" .\n'
        '<decision/cop/9/16> a cbd:Decision ; cbd:symbol "XI/16" .\n'
        '<recommendation/sbstta/11/16> a cbd:Recommendation ; cbd:symbol "XI/16" .',
        {"decision/cop/9/16"},
    ),
    "target-iri-differs": ("<target/aichi/15> cbd:inSet <target/aichi> ; cbd:number 5 .", {"target/aichi/15"}),
    "two-preferred-labels": (
        "<issue/a> skosxl:prefLabel <issue/a/label/en> , <issue/a/label/en-2> .\n"
        '<issue/a/label/en> skosxl:literalForm "a"@en . <issue/a/label/en-2> skosxl:literalForm "b"@en .',
        {"issue/a"},
    ),
    "uncertain-without-reason": ("<n/citation/1> cbd:certainty <certainty/probable> .", {"n/citation/1"}),
    "unresolved-names-a-part": (
        "<n/citation/1> cbd:certainty <certainty/unresolved> ; cbd:citedPart <d/para/5> .\n"
        "<d/para/5> cbd:parent <d> .",
        {"n/citation/1"},
    ),
    "unsourced": (
        "<issue/a> a cbd:Issue ; cbd:basis <basis/stated> . <release/0.1.0> a cbd:Release .",
        {"issue/a"},
    ),
    "vocabulary-value-incomplete": (
        '<level/a> a skos:Concept ; skos:inScheme <level> ; skos:prefLabel "a"@en ; skos:notation "a" .',
        {"level/a"},
    ),
    "vocabulary-value-unknown": ("<n/citation/1> cbd:certainty <certainty/sure> .", {"n/citation/1"}),
    "without-code": (
        "<target/aichi/15> a cbd:AichiTarget ; cbd:inSet <target/aichi> .\n"
        '<target/aichi/16> a cbd:AichiTarget ; cbd:inSet <target/aichi> ; skos:notation "16" .\n'
        "<target/aichi/17> a cbd:AichiTarget ; cbd:inSet <target/aichi> ;\n"
        '  skos:notation "AICHI-TARGET-17"^^cbd:ClearingHouseIdentifier .\n'
        "<target/gspc-2002/4> a cbd:GspcTarget ; cbd:inSet <target/gspc-2002> .\n"
        "<target/gspc-2010> dcterms:replaces <target/gspc-2002> .\n"
        "<meeting/cop/11> cbd:meetingOf <body/cop> . <meeting/np-mop/1> cbd:meetingOf <body/np-mop> .\n"
        "<decision/cop/11/16> a cbd:Decision ; cbd:adoptedAt <meeting/cop/11> ;\n"
        '  skos:notation "CBD/COP/11/16"^^cbd:TrackingCode .\n'
        "<decision/cop/11/17> a cbd:Decision ; cbd:adoptedAt <meeting/cop/11> ;\n"
        '  skos:notation "UNEP/CBD/COP/DEC/XI/17"^^cbd:DecisionSymbol .\n'
        "<decision/np-mop/1/8> a cbd:Decision ; cbd:adoptedAt <meeting/np-mop/1> .",
        {"target/aichi/15", "target/aichi/16", "decision/cop/11/17"},
    ),
}
PROLOGUE = f"@base <{BASE}> .\n" + "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())


def graph_of(text: str) -> Graph:
    graph = Graph(bind_namespaces="none")
    for triple in parse_turtle(PROLOGUE + text).triples:
        graph.add(triple)
    return graph


def test_every_check_has_a_failing_example() -> None:
    assert FAULTY.keys() == ALL.keys()


@pytest.mark.parametrize("name", ALL)
def test_header_and_columns(name: str) -> None:
    check = ALL[name]
    assert check.columns == ("subject", "detail")
    assert check.fields["severity"] in {"violation", "warning"}
    assert len(check.fields["remedy"]) > 20
    assert check.text.rstrip().endswith("ORDER BY ?subject ?detail")


@pytest.mark.parametrize("name", ALL)
def test_check_finds_its_fault(name: str) -> None:
    text, faulty = FAULTY[name]
    problems = run_checks(graph_of(text), {name: ALL[name]})
    assert {problem.subject for problem in problems} == {BASE + path for path in faulty}
    for problem in problems:
        assert problem.rule == CHECKS + name
        assert problem.severity == ALL[name].fields["severity"]
        assert problem.message.startswith(ALL[name].summary)
        assert problem.remedy == ALL[name].fields["remedy"]


@pytest.mark.parametrize("name", ALL)
def test_check_says_the_same_on_oxigraph(name: str) -> None:
    text, faulty = FAULTY[name]
    store = pyoxigraph.Store()
    store.load((PROLOGUE + text).encode(), format=pyoxigraph.RdfFormat.TURTLE)
    solutions = store.query(ALL[name].text)
    assert isinstance(solutions, pyoxigraph.QuerySolutions)
    found = {str(solution["subject"])[1:-1] for solution in solutions}
    assert found == {BASE + path for path in faulty}


def test_vocabularies_have_no_fault() -> None:
    graph = Graph(bind_namespaces="none")
    for triple in read_turtle(ROOT / "ontology" / "vocabularies.ttl").triples:
        graph.add(triple)
    assert run_checks(graph, ALL) == ()


def test_only_subjects_of_the_data_are_reported() -> None:
    context = graph_of("<issue/old> a cbd:Issue .")
    problems = run_checks(graph_of("<issue/new> a cbd:Issue ."), {"unsourced": ALL["unsourced"]}, context=context)
    assert {problem.subject for problem in problems} == {BASE + "issue/new"}


def test_check_without_severity_is_refused() -> None:
    check = Query.parse("bad", "#+ summary: x\nSELECT ?subject ?detail WHERE { ?subject ?p ?detail }")
    with pytest.raises(QuerySyntaxError, match="severity"):
        run_checks(graph_of("<a> a cbd:Issue ."), {"bad": check})
