"""The rules: what each axiom makes follow, what must not follow, and that owlrl draws the same conclusions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from rdflib import OWL, RDF, Graph, URIRef
from rdflib.term import Node

from cbdgraph.errors import BuildError
from cbdgraph.namespaces import BASE, ONTOLOGY, PREFIXES, expand
from cbdgraph.queries import Query, read_queries
from cbdgraph.rdf.reason import ONTOLOGY_GRAPH, Inference, infer
from cbdgraph.rdf.turtle import format_ntriple, parse_turtle, read_turtle
from cbdgraph.store.embedded import Store

ROOT = Path(__file__).resolve().parent.parent
RULES = read_queries(ROOT / "ontology" / "rules")
AXIOMS = read_turtle(ROOT / "ontology" / "cbd.ttl").triples

PREFIX_LINES = f"@base <{BASE}> .\n" + "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())

# One document with two rows that cite parts of two decisions, a target named in a paragraph, a request answered.
FIXTURE = """
<document/n> a cbd:Document .
<document/n/row/1> a cbd:Element ; cbd:parent <document/n> .
<document/n/row/2> a cbd:Element ; cbd:parent <document/n> .
<document/n/row/1/citation/1> a cbd:Citation ;
    cbd:citingPart <document/n/row/1> ; cbd:citedPart <decision/cop/1/1/para/1/item/a> ; cbd:issue <issue/forest> .
<document/n/row/2/citation/1> a cbd:Citation ;
    cbd:citingPart <document/n/row/2> ; cbd:citedPart <decision/cop/2/2> ; cbd:issue <issue/marine> .
<issue/forest> a cbd:Issue .
<issue/marine> a cbd:Issue .
<decision/cop/1/1> a cbd:Decision .
<decision/cop/1/1/para/1> a cbd:Paragraph ; cbd:parent <decision/cop/1/1> ;
    cbd:inSection <decision/cop/1/1/section/a> .
<decision/cop/1/1/para/1/item/a> a cbd:Element ; cbd:parent <decision/cop/1/1/para/1> .
<decision/cop/1/1/para/2> a cbd:Paragraph ; cbd:parent <decision/cop/1/1> .
<decision/cop/1/1/section/a> a cbd:Element ; cbd:parent <decision/cop/1/1> .
<decision/cop/2/2> a cbd:Decision .
<decision/cop/1/1/para/1/item/a/citation/1> a cbd:TargetReference ;
    cbd:citingPart <decision/cop/1/1/para/1/item/a> ; cbd:citedTarget <target/aichi/15> .
<target/aichi/15> a cbd:AichiTarget .
<decision/cop/2/2/request/1> a cbd:Request ; cbd:requestedIn <decision/cop/2/2> .
<activity/study> a cbd:Activity ; cbd:respondsTo <decision/cop/2/2/request/1> ; cbd:carriedOutBy <actor/secretary> .
<actor/secretary> a cbd:Actor ;
    skosxl:prefLabel <actor/secretary/label/en> ; skosxl:altLabel <actor/secretary/label/2> .
<actor/secretary/label/en> a skosxl:Label ; skosxl:literalForm "Executive Secretary"@en .
<actor/secretary/label/2> a skosxl:Label ; skosxl:literalForm "the Secretary"@en .
<decision/cop/2/2> cbd:titleLabel <decision/cop/2/2/title/en> .
<decision/cop/2/2/title/en> a skosxl:Label ; skosxl:literalForm "A title"@en .
"""


def run(turtle: str) -> Inference:
    data = parse_turtle(PREFIX_LINES + turtle).triples
    asserted = {
        ONTOLOGY_GRAPH: map(format_ntriple, AXIOMS),
        f"{BASE}graph/data": map(format_ntriple, data),
    }
    return infer(Store.memory(), RULES, asserted)


@pytest.fixture(scope="module")
def inference() -> Inference:
    return run(FIXTURE)


def line(subject: str, predicate: str, value: str) -> str:
    def node(text: str) -> str:
        if text.startswith('"'):
            return text
        prefix = text.partition(":")[0]
        return f"<{expand(text) if prefix in PREFIXES and ':' in text else BASE + text}>"

    return f"{node(subject)} {node(predicate)} {node(value)} ."


FOLLOWS = [
    ("cax-sco", "decision/cop/1/1/para/1", "rdf:type", "cbd:Element"),
    ("cax-sco", "decision/cop/1/1/para/1", "rdf:type", "cbd:Text"),
    ("cax-sco", "target/aichi/15", "rdf:type", "cbd:Target"),
    ("cax-sco", "issue/forest", "rdf:type", "skos:Concept"),
    ("cax-sco", "activity/study", "rdf:type", "prov:Activity"),
    ("prp-spo1", "decision/cop/1/1/para/1", "cbd:isPartOf", "decision/cop/1/1"),
    ("prp-spo1", "decision/cop/1/1/para/1", "cbd:isPartOf", "decision/cop/1/1/section/a"),
    ("prp-spo1", "activity/study", "prov:wasAssociatedWith", "actor/secretary"),
    ("prp-trp", "decision/cop/1/1/para/1/item/a", "cbd:isPartOf", "decision/cop/1/1"),
    ("prp-trp", "decision/cop/1/1/para/1/item/a", "cbd:isPartOf", "decision/cop/1/1/section/a"),
    ("prp-spo2", "document/n/row/1", "cbd:cites", "decision/cop/1/1/para/1/item/a"),
    ("prp-inv", "decision/cop/1/1/para/1/item/a", "cbd:citedBy", "document/n/row/1"),
    ("prp-spo2", "decision/cop/1/1/para/1/item/a", "cbd:onIssue", "issue/forest"),
    ("prp-spo2", "decision/cop/1/1", "cbd:onIssue", "issue/forest"),
    ("prp-spo2", "decision/cop/1/1/para/1/item/a", "cbd:addressesTarget", "target/aichi/15"),
    ("prp-spo2", "decision/cop/1/1", "cbd:addressesTarget", "target/aichi/15"),
    ("prp-spo2", "activity/study", "cbd:carriesOut", "decision/cop/2/2"),
    ("skos-s55", "actor/secretary", "skos:prefLabel", '"Executive Secretary"@en'),
    ("skos-s56", "actor/secretary", "skos:altLabel", '"the Secretary"@en'),
    ("cbd-title", "decision/cop/2/2", "cbd:title", '"A title"@en'),
]


@pytest.mark.parametrize(("rule", "subject", "predicate", "value"), FOLLOWS)
def test_what_follows(inference: Inference, rule: str, subject: str, predicate: str, value: str) -> None:
    assert line(subject, predicate, value) in inference.triples[rule]


@pytest.mark.parametrize(
    ("why", "subject", "predicate", "value"),
    [
        ("what is cited does not cite", "decision/cop/1/1/para/1/item/a", "cbd:cites", "document/n/row/1"),
        ("a target that is named does not cite", "target/aichi/15", "cbd:cites", "decision/cop/1/1/para/1/item/a"),
        ("naming a target is not citing a text", "decision/cop/1/1/para/1/item/a", "cbd:cites", "target/aichi/15"),
        ("a text does not cite what its row cites", "document/n", "cbd:cites", "decision/cop/1/1/para/1/item/a"),
        ("nor the whole of what a row cites a part of", "document/n/row/1", "cbd:cites", "decision/cop/1/1"),
        ("parent is direct", "decision/cop/1/1/para/1/item/a", "cbd:parent", "decision/cop/1/1"),
        ("being a part does not run downwards", "decision/cop/1/1", "cbd:isPartOf", "decision/cop/1/1/para/1"),
        ("a sibling addresses nothing", "decision/cop/1/1/para/2", "cbd:addressesTarget", "target/aichi/15"),
        ("nor does the citing document", "document/n", "cbd:addressesTarget", "target/aichi/15"),
        ("nor another decision", "decision/cop/2/2", "cbd:addressesTarget", "target/aichi/15"),
        ("an issue stays with its citation", "decision/cop/2/2", "cbd:onIssue", "issue/forest"),
        ("the citing text is not on the issue", "document/n", "cbd:onIssue", "issue/forest"),
        ("nor the row", "document/n/row/1", "cbd:onIssue", "issue/forest"),
        ("a sibling is not on the issue", "decision/cop/1/1/para/2", "cbd:onIssue", "issue/forest"),
        ("a part is not on the issue of the whole", "decision/cop/1/1/section/a", "cbd:onIssue", "issue/marine"),
        ("a class is not its sub-class", "decision/cop/1/1/section/a", "rdf:type", "cbd:Paragraph"),
        ("who carries out is not a partner", "activity/study", "cbd:partner", "actor/secretary"),
        ("an alternative label is not preferred", "actor/secretary", "skos:prefLabel", '"the Secretary"@en'),
        ("nobody is an owl:Thing", "decision/cop/1/1", "rdf:type", "owl:Thing"),
    ],
)
def test_what_must_not_follow(inference: Inference, why: str, subject: str, predicate: str, value: str) -> None:
    found = {each for lines in inference.triples.values() for each in lines}
    assert line(subject, predicate, value) not in found, why


def test_what_is_asserted_is_not_inferred_again() -> None:
    extra = "<document/n/row/1> cbd:cites <decision/cop/1/1/para/1/item/a> . <target/aichi/15> a cbd:Target ."
    inference = run(FIXTURE + extra)
    assert (
        line("document/n/row/1", "cbd:cites", "decision/cop/1/1/para/1/item/a") not in inference.triples["prp-spo2"]
    )
    assert line("target/aichi/15", "rdf:type", "cbd:Target") not in inference.triples["cax-sco"]
    # What follows from an assertion does so all the same.
    assert line("decision/cop/1/1/para/1/item/a", "cbd:citedBy", "document/n/row/1") in inference.triples["prp-inv"]


def test_each_triple_belongs_to_one_rule(inference: Inference) -> None:
    found = [each for lines in inference.triples.values() for each in lines]
    assert len(found) == len(set(found)) == inference.count
    assert list(inference.triples) == sorted(RULES)
    assert all(list(lines) == sorted(lines) for lines in inference.triples.values())


def test_same_input_same_conclusions(inference: Inference) -> None:
    assert run(FIXTURE) == inference


def test_long_chains_come_to_an_end() -> None:
    parts = "".join(f"<decision/cop/1/1/p{n + 1}> cbd:parent <decision/cop/1/1/p{n}> .\n" for n in range(40))
    found = run(parts).triples
    assert len(found["prp-trp"]) == 40 * 41 / 2 - 40


def test_a_circle_comes_to_an_end() -> None:
    found = run("<a> cbd:isPartOf <b> . <b> cbd:isPartOf <a> .").triples
    assert line("a", "cbd:isPartOf", "a") in found["prp-trp"]


def test_a_rule_that_never_ends_is_stopped() -> None:
    class Endless:
        def insert(self, graph: str, ntriples: Iterable[str]) -> None:
            pass

        def construct(self, query: str) -> list[str]:  # noqa: ARG002
            return ["<x:a> <x:b> <x:c> ."]

    rule = Query.parse("r", "#+ summary: never\nCONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }")
    with pytest.raises(BuildError, match="still give something new"):
        infer(Endless(), {"r": rule}, {})


def chain_ontology(members: str) -> Inference:
    axiom = parse_turtle(PREFIX_LINES + f"cbd:p owl:propertyChainAxiom {members} .").triples
    data = parse_turtle(PREFIX_LINES + "<a> cbd:q <b> . <b> cbd:r <c> . <d> cbd:q <a> . <c> cbd:r <e> .").triples
    asserted = {ONTOLOGY_GRAPH: map(format_ntriple, axiom), "x:data": map(format_ntriple, data)}
    return infer(Store.memory(), RULES, asserted)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ("( cbd:q cbd:r )", [("a", "c")]),
        ("( [ owl:inverseOf cbd:q ] cbd:q )", [("a", "a"), ("b", "b")]),
        ("( cbd:q [ owl:inverseOf cbd:q ] )", [("a", "a"), ("d", "d")]),
        ("( [ owl:inverseOf cbd:r ] [ owl:inverseOf cbd:q ] )", [("c", "a")]),
        ("( cbd:q cbd:q cbd:r )", []),
    ],
)
def test_every_kind_of_chain_of_two(members: str, expected: list[tuple[str, str]]) -> None:
    found = chain_ontology(members).triples["prp-spo2"]
    assert list(found) == sorted(line(a, "cbd:p", b) for a, b in expected)


# Conclusions that are for checking (domains, ranges) or about the ontology itself are not served, so not compared.
COMPARED = {
    *(expand(f"cbd:{name}") for name in ("isPartOf", "cites", "citedBy", "onIssue", "addressesTarget", "carriesOut")),
    expand("prov:wasAssociatedWith"),
}


@pytest.mark.filterwarnings("ignore")
def test_owlrl_draws_the_same_conclusions(inference: Inference) -> None:
    import owlrl

    def names(triples: Iterable[tuple[Node, Node, Node]]) -> set[tuple[Node, Node, Node]]:
        return {t for t in triples if all(isinstance(n, URIRef) for n in t)}

    graph = Graph()
    for triple in (*AXIOMS, *parse_turtle(PREFIX_LINES + FIXTURE).triples):
        graph.add(triple)
    asserted = names(graph)
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    ours = Graph().parse(
        data="\n".join(x for rule, lines in inference.triples.items() if rule[:3] in {"cax", "prp"} for x in lines),
        format="nt",
    )
    closure = names(graph)
    assert names(ours) <= closure, "sound: nothing that owlrl does not conclude"
    theirs = {t for t in closure - asserted if str(t[1]) in COMPARED}
    assert theirs == {t for t in names(ours) if str(t[1]) in COMPARED}, "complete for the properties that are served"
    types = {
        t
        for t in closure - asserted
        if t[1] == RDF.type and str(t[0]).startswith(BASE) and str(t[2]).startswith(ONTOLOGY) and "#" not in str(t[0])
    }
    assert types == {t for t in names(ours) if t[1] == RDF.type and str(t[2]).startswith(ONTOLOGY)}
    assert (URIRef(BASE + "decision/cop/1/1"), RDF.type, OWL.Thing) in closure  # owlrl did run
