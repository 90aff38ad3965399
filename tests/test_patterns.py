"""Queries taken apart: what is put together again from the parts is the same query, whatever the text is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbdgraph.errors import QueryRefused, QuerySyntaxError
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE
from cbdgraph.store.embedded import Store
from cbdgraph.store.patterns import Element, Group, Source, join
from tests.conftest import ROOT

FILES = sorted([*ROOT.glob("queries/*/*.rq"), *ROOT.glob("ontology/rules/*.rq")])
P = "PREFIX : <http://e/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "


def elements(group: str) -> list[tuple[str, str]]:
    source = Source.read(f"{P}SELECT * {{ {group} }}")
    parts = source.parts()
    assert parts is not None
    assert parts.where is not None
    return [(element.kind, element.text) for element in source.elements(parts.where)]


def walk(source: Source, group: Group) -> Iterator[Element]:
    for element in source.elements(group):
        yield element
        for inner in element.groups:
            if element.kind != "select":
                yield from walk(source, inner)
            elif (parts := source.sub_select(inner)) and parts.where:
                yield from walk(source, parts.where)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("?a :b ?c ; :d ?e , ?f . ?g a :C", ["?a :b ?c", "?a :d ?e", "?a :d ?f", "?g a :C"]),
        ("?a :b 'x.y'@en , \"z\"^^xsd:int , 1 , -2.5 , 1e+3 , true;.", None),
        ("?a ^:b/(:c|!(:d|^a))*/:e? ?c", ["?a ^:b/(:c|!(:d|^a))*/:e? ?c"]),
        ("?a :b+ ?c ; :d +5 ; :e .5", ["?a :b+ ?c", "?a :d +5", "?a :e .5"]),
        ("?a :b [ :c ?d ; :e ( 1 2 ) ] ; :f ?g", ["?a :b [ :c ?d ; :e ( 1 2 ) ]", "?a :f ?g"]),
        ("[ :c ?d ] :e ?f ; :g ?h . ( 1 ) :a :b", ["[ :c ?d ] :e ?f ; :g ?h", "( 1 ) :a :b"]),
        ("[] :c ?d ; :e ?f", ["[] :c ?d ; :e ?f"]),
        ("_:x :c ?d ; :e ?f", ["_:x :c ?d", "_:x :e ?f"]),
    ],
)
def test_triples(group: str, expected: list[str] | None) -> None:
    found = elements(group)
    assert {kind for kind, _ in found} == {"triple"}
    texts = [text for _, text in found]
    if expected is None:
        expected = [f"?a :b {value}" for value in ("'x.y'@en", '"z"^^xsd:int', "1", "-2.5", "1e+3", "true")]
    assert texts == expected


def test_what_is_no_triple() -> None:
    group = """?a :b ?c FILTER(?c > 1 && (?a = :x || ?a = :y) && isIRI(?a)) FILTER NOT EXISTS { ?a :z ?w }
      FILTER regex(?c, "x") OPTIONAL { ?a :d ?e } { ?a :f ?g } UNION { ?a :h ?i } UNION { } MINUS { ?a :j ?k }
      VALUES ?l { 1 2 } VALUES (?m ?n) { (1 UNDEF) } BIND(1 + 1 AS ?o) GRAPH ?p { ?a :q ?r }
      { SELECT ?a { ?a :s ?t } } { ?a :u ?v } FILTER(?a = 1 || ?b = 2 && ?c = 3)"""
    kinds = [kind for kind, _ in elements(group)]
    assert kinds == [
        *("triple", "filter", "filter", "filter", "filter", "filter", "optional", "union", "minus", "values"),
        *("values", "bind", "graph", "select", "group", "filter"),
    ]  # fmt: skip
    assert [text for _, text in elements(group)][1:4] == [
        "FILTER(?c > 1)", "FILTER((?a = :x || ?a = :y))", "FILTER(isIRI(?a))"
    ]  # fmt: skip


def test_the_rest_of_a_query() -> None:
    source = Source.read(
        f"{P}SELECT ?a (COUNT(*) AS ?n) FROM :g FROM NAMED <h> WHERE {{ ?a :b ?c }} GROUP BY ?a "
        "HAVING (COUNT(*) > 1) ORDER BY DESC(?n) LIMIT 5 OFFSET 2 VALUES ?a { :x }"
    )
    parts = source.parts()
    assert parts is not None
    assert (parts.form, parts.head, parts.dataset) == (
        "SELECT", "SELECT ?a (COUNT(*) AS ?n)", "FROM :g FROM NAMED <h>"
    )  # fmt: skip
    assert [modifier.text for modifier in parts.modifiers] == [
        "GROUP BY ?a", "HAVING (COUNT(*) > 1)", "ORDER BY DESC(?n)", "LIMIT 5", "OFFSET 2", "VALUES ?a { :x }"
    ]  # fmt: skip
    assert source.prologue == P.strip()
    assert source.prefixes[""] == "http://e/"


def test_terms() -> None:
    source = Source.read(f"BASE <http://b/> {P}ASK {{ ?a :b <c> , 'x\\ty'@en , 5 , '1'^^xsd:int , 'p'^^xsd:string }}")
    parts = source.parts()
    assert parts is not None
    assert parts.where is not None
    terms = [term for element in source.elements(parts.where) for _, term in source.terms(*element.runs[2])]
    number = "http://www.w3.org/2001/XMLSchema#int"
    assert terms == [
        Iri("http://b/c"),
        Text("x\ty", "en"),
        Text("5", datatype=Iri(f"{number}eger")),
        Text("1", datatype=Iri(number)),
        Text("p"),
    ]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_our_own_queries_come_apart_and_together(graph: Store, path: Path) -> None:
    source = Source.read(path.read_text(encoding="utf-8"))
    parts = source.parts()
    assert parts is not None
    assert parts.where is not None
    whole = source.slice(parts.where.opening, parts.where.closing + 1)
    together = join(source.elements(parts.where))
    assert graph.ask(f"{source.prologue} ASK {whole}") == graph.ask(f"{source.prologue} ASK {{ {together} }}")
    for element in walk(source, parts.where):
        assert element.kind != "other", element.text
        for start, end in element.runs:
            assert source.slice(start, end) in source.text
        assert any(token.start == element.start for token in source.tokens_of(element))


WORDS = (
    "?x ?y :p <i> 'a' @en ^^ a 1 + - . ; , ( ) { } [ ] ! | || && ^ / ? * FILTER EXISTS NOT BIND AS VALUES UNDEF "
    "OPTIONAL MINUS UNION GRAPH SELECT WHERE GROUP BY HAVING LIMIT OFFSET FROM NAMED CONSTRUCT ASK DESCRIBE BASE "
    "PREFIX {| |} << >> 1e -1"
)


@given(
    words=st.lists(st.sampled_from(WORDS.split()), max_size=40),
    head=st.sampled_from(["SELECT * {", "ASK {", "", "PREFIX : <i> ASK {"]),
)
@settings(max_examples=500, deadline=None)
def test_no_text_is_too_odd(words: list[str], head: str) -> None:
    try:
        source = Source.read(f"{head} {' '.join(words)} {'}' if head else ''}")
    except (QuerySyntaxError, QueryRefused):
        return
    parts = source.parts()
    if parts is not None and parts.where is not None:
        for element in walk(source, parts.where):
            assert element.text
            assert all(source.slice(*run) in source.text for run in element.runs)
            list(source.terms(*element.runs[0]))


TERMS = st.sampled_from(["?x", "?y", "?z", ":a", ":b", ":c"])
TRIPLE = st.tuples(TERMS, st.sampled_from([":p", ":q", "?v", "^:p", ":p/:q", ":p?"]), TERMS).map(" ".join)
GROUPS: st.SearchStrategy[str] = st.recursive(
    st.lists(TRIPLE, min_size=1, max_size=3).map(" . ".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} OPTIONAL {{ {pair[1]} }}"),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} MINUS {{ {pair[1]} }}"),
        st.tuples(inner, inner).map(lambda pair: f"{{ {pair[0]} }} UNION {{ {pair[1]} }}"),
        st.tuples(inner, TERMS).map(lambda pair: f"FILTER(?x != {pair[1]} && bound(?y)) {pair[0]}"),
        st.tuples(inner, TRIPLE).map(lambda pair: f"{pair[0]} ; :q ?w FILTER EXISTS {{ {pair[1]} }}"),
        inner.map(lambda text: f"{{ SELECT ?x {{ {text} }} }}"),
    ),
    max_leaves=5,
)


@given(group=GROUPS)
@settings(max_examples=200, deadline=None)
def test_a_longer_beginning_has_no_more_solutions(group: str) -> None:
    """What the search for the first killing pattern rests on; and that filters may come last."""
    store = Store.memory()
    store.insert("", [f"<http://e/{s}> <http://e/{p}> <http://e/{o}> ." for s, p, o in ("apb", "bqc", "apa", "cpa")])
    source = Source.read(f"{P} ASK {{ {group} }}")
    parts = source.parts()
    assert parts is not None
    assert parts.where is not None
    try:
        whole = store.ask(source.text)
    except QuerySyntaxError:
        return
    found = source.elements(parts.where)
    steps = [e for e in found if e.kind != "filter"] + [e for e in found if e.kind == "filter"]
    answers = [store.ask(f"{source.prologue} ASK {{ {join(steps[:end])} }}") for end in range(len(steps) + 1)]
    assert answers == sorted(answers, reverse=True)
    assert answers[-1] == whole


def test_relative_iris_are_those_that_the_engine_reads() -> None:
    source = Source.read("PREFIX d: <decision/> SELECT * { <decision/cop/11/16> ?p d:cop }")
    parts = source.parts()
    assert parts is not None
    assert parts.where is not None
    (triple,) = source.elements(parts.where)
    terms = [str(term) for run in triple.runs for _, term in source.terms(*run)]
    assert terms == [f"<{BASE}decision/cop/11/16>", f"<{BASE}decision/cop>"]
