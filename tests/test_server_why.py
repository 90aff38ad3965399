"""/why: every inferred statement has reasons that end in asserted ones, and the axioms named are in the ontology."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cbdgraph.errors import ParameterError
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.queries import prologue, read_queries
from cbdgraph.server.rules import Rule
from cbdgraph.server.why import parse_term, read_rules
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_pages import check as check_page
from tests.test_server_running import facts, make_release, make_root, problem, running

RULES = sorted(read_queries(ROOT / "ontology" / "rules"))
INFERRED = f"{GRAPHS}inferred/"
TURTLE = "http://www.w3.org/2001/XMLSchema#"


@pytest.fixture(scope="module")
def real(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.store_path.parents[2], workers=1) as client:
        yield client


def inferred(graph: Store, rule: str = "") -> list[tuple[str, str, str]]:
    """Subject, predicate and object, as /why takes them, of what rules concluded."""
    rows = graph.select(
        f"""SELECT DISTINCT ?s ?p ?o {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(STRSTARTS(STR(?g), "{INFERRED}{rule}")) }}
        ORDER BY ?s ?p ?o"""
    ).rows
    return [(str(row["s"]), str(row["p"]), str(row["o"])) for row in rows]


def ask(client: httpx.Client, *triple: str, **parameters: str) -> dict[str, Any]:
    given = dict(zip(("subject", "predicate", "object"), triple, strict=False))
    response = client.get("/why", params={**given, **parameters})
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def check(graph: Store, statement: dict[str, Any], path: tuple[str, ...] = ()) -> None:
    """That a statement is in the graphs it names, and its reasons in theirs, down to asserted ones."""
    text = statement["turtle"]
    assert text not in path
    for name in statement["graphs"]:
        assert graph.ask(f"{prologue()} ASK {{ GRAPH <{name}> {{ {text} }} }}"), text
    assert statement["graphs"], text
    if statement["status"] == "asserted":
        assert not any(name.startswith(INFERRED) for name in statement["graphs"])
        return
    assert statement["status"] == "inferred", text
    assert statement["derivations"], text
    for derivation in statement["derivations"]:
        for axiom in derivation["axioms"]:
            assert graph.ask(f"{prologue()} ASK {{ GRAPH <{derivation['axiom_graph']}> {{ {axiom} }} }}"), axiom
        assert derivation["premises"]
        for premise in derivation["premises"]:
            check(graph, premise, (*path, text))


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_explains_what_it_gave(real: httpx.Client, graph: Store, rule: str) -> None:
    found = inferred(graph, rule)
    assert found
    document = ask(real, *found[len(found) // 2])
    (statement,) = document["statements"]
    assert statement["rule"]["name"] == rule
    assert statement["ways"] >= len(statement["derivations"]) >= 1
    check(graph, statement)
    if rule.startswith(("cax", "prp")):
        assert all(derivation["axioms"] for derivation in statement["derivations"])
    assert {entry["graph"] for entry in document["graphs"]} >= set(statement["graphs"])


def test_some_of_all_that_is_inferred(real: httpx.Client, graph: Store) -> None:
    for triple in random.Random(11).sample(inferred(graph), 200):
        check(graph, ask(real, *triple)["statements"][0])


@pytest.mark.slow
def test_all_that_is_inferred(real: httpx.Client, graph: Store) -> None:
    for triple in inferred(graph):
        check(graph, ask(real, *triple)["statements"][0])


def test_the_axiom_and_the_premises(real: httpx.Client) -> None:
    (statement,) = ask(real, "decision/cop/11/16", "cbd:onIssue", "issue/ecosystem-restoration")["statements"]
    assert statement["rule"]["axiom_terms"] == ["owl:propertyChainAxiom"]
    (derivation,) = statement["derivations"]
    assert derivation["axioms"] == [
        "cbd:onIssue owl:propertyChainAxiom ( [ owl:inverseOf cbd:citedPart ] cbd:issue ) ."
    ]
    assert derivation["axiom_graph"] == f"{GRAPHS}ontology/cbd"
    citation = f"{BASE}document/sbstta-17-ecosystem-restoration/annex/1/row/1/citation/1"
    assert [premise["subject"] for premise in derivation["premises"]] == [citation, citation]
    assert derivation["premises"][0]["sources"] == [{"source": citation.removesuffix("/citation/1")}]


def test_premises_that_are_inferred_are_explained_in_turn(real: httpx.Client) -> None:
    item = "decision/cop/11/16/para/5/item/d"
    (statement,) = ask(real, item, "cbd:isPartOf", "decision/cop/11/16")["statements"]
    rules = [premise["rule"]["name"] for premise in statement["derivations"][0]["premises"]]
    assert (statement["rule"]["name"], rules) == ("prp-trp", ["prp-spo1", "prp-spo1"])


def test_what_is_not_inferred(real: httpx.Client) -> None:
    (asserted,) = ask(real, "decision/cop/11/16", "a", "cbd:Decision")["statements"]
    assert (asserted["status"], asserted["graphs"]) == ("asserted", [f"{GRAPHS}decisions/cop-11"])
    assert asserted["sources"]
    document = ask(real, "decision/cop/11/16", "rdfs:label", '"Decision XI/16"@en')
    assert document["statements"][0]["status"] == "computed"
    assert "made by this project" in document["graphs"][0]["label"]
    absent = ask(real, "decision/cop/11/16", "cbd:symbol", '"XI/17"')
    assert absent["statements"][0]["status"] == "absent"
    assert absent["others"] == ['"XI/16"']


def test_less_than_a_triple(real: httpx.Client) -> None:
    of_resource = ask(real, "decision/cop/11/16")
    assert {statement["status"] for statement in of_resource["statements"]} == {"inferred"}
    of_property = ask(real, "decision/cop/11/16", "cbd:symbol")
    assert [statement["object"]["value"] for statement in of_property["statements"]] == ["XI/16"]
    to_object = ask(real, object="decision/cop/11/16", predicate="cbd:cites")
    assert all(statement["predicate"].endswith("#cites") for statement in to_object["statements"])
    many = ask(real, predicate="rdf:type", object="cbd:Text")
    assert (len(many["statements"]), many["more"]) == (50, True)


def test_the_page_and_the_ways_to_it(real: httpx.Client) -> None:
    response = real.get("/decision/cop/11/16?explain=inferred", headers={"Accept": "text/html"})
    assert response.status_code == 303
    page = real.get(response.headers["location"], headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "prp-spo2" in page.text
    assert "cbd:onIssue owl:propertyChainAxiom ( [ owl:inverseOf cbd:citedPart ] cbd:issue ) ." in page.text
    resource = real.get("/decision/cop/11/16?format=html").text
    links = {part.partition('"')[0].replace("&amp;", "&") for part in resource.split('href="')[1:]}
    whys = sorted(link for link in links if link.startswith("/why?"))
    assert whys
    for link in whys:
        document = real.get(link).json()
        assert document["statements"], link
        assert {statement["status"] for statement in document["statements"]} & {"inferred", "computed"}, link
    check_page(page.text)
    for given in ("", "&subject=decision/cop/11/16&predicate=rdfs:label", "&subject=target/aichi/15&object=%22x%22"):
        check_page(real.get(f"/why?format=html{given}").text)
    problem(real.get("/decision/cop/11/16?explain=all"), "parameter")


def test_etags(real: httpx.Client) -> None:
    first = real.get("/why?subject=decision/cop/11/16")
    again = real.get("/why?subject=decision/cop/11/16", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({}, "parameter"),
        ({"predicate": "cbd:cites"}, "parameter"),
        ({"subject": "decision/cop/11/160"}, "unknown-resource"),
        ({"subject": "decision/cop/11/16", "predicate": "cbd:cite"}, "unknown-resource"),
        ({"subject": '"text"'}, "parameter"),
        ({"subject": "_:b0"}, "parameter"),
        ({"subject": "<a> ?p ?o } DROP ALL {"}, "parameter"),
        ({"subject": "decision/cop/11/16", "object": '"a'}, "parameter"),
        ({"subject": "decision/cop/11/16", "object": '"a"@en-@'}, "parameter"),
        ({"subject": "decision/cop/11/16", "object": '"a" ?x'}, "parameter"),
        ({"subject": "decision/cop/11/16", "object": '"\\U99999999"'}, "parameter"),
        ({"subject": "x" * 9000}, "unknown-resource"),
        ({"subject": "http://[", "object": '"a"'}, "unknown-resource"),
    ],
)
def test_what_cannot_be_read(real: httpx.Client, parameters: dict[str, str], kind: str) -> None:
    problem(real.get("/why", params=parameters), kind)


@pytest.mark.parametrize(
    ("value", "term"),
    [
        ("a/b", Iri(f"{BASE}a/b")),
        ("/a/b", Iri(f"{BASE}a/b")),
        ("<a/b>", Iri(f"{BASE}a/b")),
        ("http://e/a", Iri("http://e/a")),
        ("urn:x:y", Iri("urn:x:y")),
        ("cbd:Decision", Iri(f"{BASE}ontology#Decision")),
        ('"a \\"b\\" \\u00e9\\n"', Text('a "b" \u00e9\n')),
        ('"a"@zh-Hans', Text("a", "zh-Hans")),
        (f'"1"^^<{TURTLE}integer>', Text("1", datatype=Iri(f"{TURTLE}integer"))),
        ('"1"^^xsd:integer', Text("1", datatype=Iri(f"{TURTLE}integer"))),
        (f'"a"^^<{TURTLE}string>', Text("a")),
    ],
)
def test_terms(value: str, term: Iri | Text) -> None:
    assert parse_term("object", value) == term
    if isinstance(term, Text):
        with pytest.raises(ParameterError):
            parse_term("subject", value)


RULE = "#+ summary: {0} from {1}\nPREFIX : <http://e/>\nCONSTRUCT {{ ?x :{0} ?y }} WHERE {{ ?x :{1} ?y }}"


def test_circles_and_markup(tmp_path: Path) -> None:
    """Two properties that follow from each other: the reasons are those that lead to what is asserted."""
    root = make_root(tmp_path)
    folder = root / "ontology" / "rules"
    folder.mkdir(parents=True)
    (folder / "a.rq").write_text(RULE.format("q", "p"), encoding="utf-8")
    (folder / "b.rq").write_text(RULE.format("p", "q"), encoding="utf-8")

    def line(subject: str, name: str, value: str = "<http://e/y>") -> str:
        return f"<{subject}> <http://e/{name}> {value} ."

    markup = '"<script>alert(1)</script>"'
    make_release(
        root,
        {
            f"{GRAPHS}x": [line("http://e/1", "p"), line("http://e/2", "q"), line("http://e/3", "p", markup)],
            f"{INFERRED}a": [line("http://e/1", "q"), line("http://e/9", "q"), line("http://e/3", "q", markup)],
            f"{INFERRED}b": [line("http://e/2", "p"), line("http://e/9", "p")],
            f"{INFERRED}gone": [line("http://e/8", "p")],
        },
    )
    with running(root=root, workers=1) as client:
        for subject, name, why in (("1", "q", "p"), ("2", "p", "q")):
            (statement,) = ask(client, f"http://e/{subject}", f"http://e/{name}")["statements"]
            (premise,) = statement["derivations"][0]["premises"]
            assert (premise["predicate"], premise["status"]) == (f"http://e/{why}", "asserted")
        (statement,) = ask(client, "http://e/9", "http://e/p")["statements"]
        assert "not found" in statement["note"]
        (statement,) = ask(client, "http://e/8", "http://e/p")["statements"]
        assert "no rule file gone.rq" in statement["note"]
        page = client.get("/why", params={"subject": "http://e/3", "format": "html"}).text
        assert "&lt;script&gt;" in page
        assert "<script" not in page


def test_without_rules(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", {})
    (tmp_path / "a.trig").write_text("<http://e/a> <http://e/p> 1 . <http://e/g> { <http://e/a> <http://e/p> 2 }")
    with running(root=root, data=(tmp_path / "a.trig",), workers=1) as client:
        document = ask(client, "http://e/a", "http://e/p")
        assert "Nothing is inferred" in document["note"]
        assert [statement["status"] for statement in document["statements"]] == ["asserted", "asserted"]
        assert [statement["graphs"] for statement in document["statements"]] == [[], ["http://e/g"]]
        assert ask(client, "http://e/a")["statements"] == []
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        assert ask(client, "target/aichi/15", "cbd:number")["statements"][0]["status"] == "asserted"


def test_rules_are_read_from_their_files() -> None:
    rules = read_rules(ROOT / "ontology" / "rules")
    assert sorted(rules) == RULES
    ways = {name: len(rule.ways) for name, rule in rules.items()}
    assert ways == {**dict.fromkeys(RULES, 1), "prp-inv": 2, "prp-spo2": 4}
    for rule in rules.values():
        assert isinstance(rule, Rule)
        for way in rule.ways:
            assert not any("NOT EXISTS" in step.element.text for step in way)
            assert all(step.element.kind in {"triple", "filter"} for step in way)
    assert read_rules(ROOT / "nowhere") == {}
