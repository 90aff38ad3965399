"""The embedded store: loading, counting, plain values, answers in every format, limits."""

from __future__ import annotations

import json
from pathlib import Path

import pyoxigraph
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.errors import EngineUnavailable, InvalidName, QueryError, QuerySyntaxError, QueryTooLarge, TurtleError
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE
from cbdgraph.store import GRAPH_TYPES, RESULT_TYPES, Limits
from cbdgraph.store.embedded import Store, dump_path
from cbdgraph.store.written import count_rows

EX = "http://example.org/"


@pytest.fixture
def store() -> Store:
    store = Store.memory()
    store.load_text(f'<{EX}a> <{EX}p> "one"@en, 2, <{EX}b>, "plain" .', "turtle", f"{EX}g")
    return store


def test_built_store_has_each_triple_once_in_the_default_graph(tmp_path: Path) -> None:
    line = f'<{EX}a> <{EX}p> "1" .'
    counts = Store.build(
        tmp_path / "s", graphs={f"{EX}g1": [line], f"{EX}g2": [line, f'<{EX}a> <{EX}p> "2" .\n']}, union_default=True
    )
    assert counts == {"": 2, f"{EX}g1": 1, f"{EX}g2": 2}
    store = Store.open_read_only(tmp_path / "s")
    assert store.counts() == counts
    assert len(store.select("SELECT * { ?s ?p ?o }").rows) == 2
    assert store.dump() == sorted(store.dump())
    assert len(store.dump()) == 5


def test_files_keep_their_graphs(tmp_path: Path) -> None:
    (tmp_path / "a.trig").write_text(f"<{EX}g> {{ <{EX}a> <{EX}p> 1 }}", encoding="utf-8")
    (tmp_path / "b.ttl").write_text(f"<{EX}a> <{EX}p> 2 .", encoding="utf-8")
    counts = Store.build(tmp_path / "s", [tmp_path / "a.trig", tmp_path / "b.ttl"], union_default=False)
    assert counts == {"": 1, f"{EX}g": 1}


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ttl"
    bad.write_text("\n\nnonsense", encoding="utf-8")
    with pytest.raises(TurtleError, match=r"bad\.ttl") as caught:
        Store.build(tmp_path / "s", [bad], union_default=False)
    assert caught.value.line == 3
    with pytest.raises(TurtleError, match=r"missing\.ttl"):
        Store.build(tmp_path / "s2", [tmp_path / "missing.ttl"], union_default=False)
    with pytest.raises(TurtleError, match="ending"):
        Store.build(tmp_path / "s3", [tmp_path / "x.doc"], union_default=False)
    with pytest.raises(EngineUnavailable):
        Store.build(tmp_path, union_default=False)
    with pytest.raises(EngineUnavailable):
        Store.open_read_only(tmp_path / "nowhere")


def test_values(store: Store) -> None:
    table = store.select(f"SELECT ?o ?none {{ GRAPH ?g {{ <{EX}a> ?p ?o }} OPTIONAL {{ ?o <{EX}q> ?none }} }}")
    assert table.columns == ("o", "none")
    assert {row["o"] for row in table.rows} == {
        Text("one", language="en"),
        Text("2", datatype=Iri("http://www.w3.org/2001/XMLSchema#integer")),
        Iri(f"{EX}b"),
        Text("plain"),
    }
    assert all("none" not in row for row in table.rows)
    assert store.ask(f"ASK {{ GRAPH <{EX}g> {{ ?s ?p 2 }} }}")


def test_construct_is_sorted_and_inserts_back(store: Store) -> None:
    lines = store.construct("CONSTRUCT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }")
    assert lines == sorted(lines)
    assert len(lines) == 4
    store.insert(f"{EX}copy", lines)
    assert store.counts() == {"": 0, f"{EX}copy": 4, f"{EX}g": 4}


@pytest.mark.parametrize("media_type", RESULT_TYPES)
def test_rows_are_counted_in_every_format(media_type: str) -> None:
    store = Store.memory()
    hostile = ["},{", '"}},{"', "<result>", "\\n\\r\n", 'a\r\n"b",', "\\", '\\"', "\t", "\n", "", ":[]"]
    for index, value in enumerate(hostile):
        store.insert("", [f"<{EX}{index}> <{EX}p> {Text(value)} ."])
    for limit in range(len(hostile) + 1):
        answer = store.answer(f"SELECT ?s ?o ?u {{ ?s ?p ?o }} LIMIT {limit}", media_type, Limits())
        assert answer.rows == limit, answer.content
        assert answer.complete
    empty_rows = store.answer("SELECT ?nothing { ?s ?p ?o }", media_type, Limits())
    assert empty_rows.rows == len(hostile)
    triple_terms = store.answer("SELECT ?t { ?s ?p ?o BIND(TRIPLE(?s, ?p, ?o) AS ?t) }", media_type, Limits())
    assert triple_terms.rows == len(hostile)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), max_size=5))
def test_json_rows_property(values: list[str]) -> None:
    content = json.dumps(
        {"head": {"vars": ["a"]}, "results": {"bindings": [{"a": {"type": "literal", "value": v}} for v in values]}},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    assert count_rows(content, "application/sparql-results+json") == len(values)


@pytest.mark.parametrize("media_type", RESULT_TYPES)
def test_booleans(store: Store, media_type: str) -> None:
    answer = store.answer("ASK { ?s ?p ?o }", media_type, Limits())
    assert (answer.form, answer.rows) == ("boolean", 1)
    assert b"false" in answer.content


@pytest.mark.parametrize("media_type", GRAPH_TYPES)
def test_graphs(store: Store, media_type: str) -> None:
    query = "CONSTRUCT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }"
    answer = store.answer(query, media_type, Limits())
    assert (answer.form, answer.rows) == ("triples", 4)
    assert answer.content == store.answer(query, media_type, Limits()).content
    assert b"one" in answer.content


def test_limits(store: Store) -> None:
    everything = "SELECT * { GRAPH ?g { ?s ?p ?o } }"
    for limits, name in ((Limits(rows=3), "rows"), (Limits(bytes=20), "bytes")):
        with pytest.raises(QueryTooLarge) as caught:
            store.answer(everything, "text/csv", limits)
        assert caught.value.limit == name
    with pytest.raises(QueryTooLarge):
        store.answer("CONSTRUCT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }", "text/turtle", Limits(rows=3))
    with pytest.raises(QueryError, match="text/turtle"):
        store.answer(everything, "text/turtle", Limits())


def test_protocol_graphs_replace_the_dataset(store: Store) -> None:
    query = "SELECT * { ?s ?p ?o }"
    assert store.answer(query, "text/csv", Limits(), [f"{EX}g"]).rows == 4
    assert store.answer(query, "text/csv", Limits(), None, [f"{EX}g"]).rows == 0
    assert store.answer("SELECT * { GRAPH ?g { ?s ?p ?o } }", "text/csv", Limits(), [f"{EX}g"]).rows == 0


def test_syntax_errors_have_a_place(store: Store) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        store.select("SELECT * {\n  ?s nope:x ?o }")
    assert caught.value.line == 2
    assert caught.value.column == 6
    assert "the prefix 'nope:' is not declared" in caught.value.reason
    with pytest.raises(QueryError, match="extension function"):
        store.select(f"SELECT (<{EX}f>(1) AS ?x) {{}}")


def test_turtle_declares_what_it_uses_in_our_order_and_begins_with_what_was_asked(store: Store) -> None:
    store.load_text(
        f"""@prefix cbd: <{BASE}ontology#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        <{EX}z> a cbd:Term ; skos:prefLabel "dcterms:x <{EX}>", "a \\" owl:b" . cbd:Term a skos:Concept .""",
        "turtle",
        f"{EX}h",
    )
    query = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {{ BIND(<{EX}z> AS ?s) }} UNION {{}} GRAPH ?g {{ ?s ?p ?o }} }}"
    for media_type in ("text/turtle", "application/trig"):
        lines = store.answer(query, media_type, Limits()).content.decode().splitlines()
        prefixes = [line.split()[1] for line in lines if line.startswith("@prefix")]
        assert prefixes == ["cbd:", "skos:"]
        assert lines[2].startswith(f"<{EX}z> a cbd:Term"), "what the query names stands first, its class before all"
    subjects = [
        line.split()[0] for line in store.answer(query, "application/n-triples", Limits()).content.splitlines()
    ]
    assert subjects == sorted(subjects, key=lambda name: (name != f"<{EX}z>".encode(), name))


def test_the_core_refuses_what_the_engine_refuses() -> None:
    """Brackets belong to addresses of version 6, private use to query parts: those the core leaves to the engine."""
    left = {*"[]", *map(chr, range(0xE000, 0xF900))}
    for character in (*map(chr, range(0xD800)), *map(chr, range(0xE000, 0x10000)), "%zz", "%4", "%41"):
        iri = f"{EX}{character}"
        try:
            Iri(iri)
        except InvalidName:
            with pytest.raises(ValueError, match="IRI"):
                pyoxigraph.NamedNode(iri)
        else:
            if character not in left:
                pyoxigraph.NamedNode(iri)


def test_relative_iris_stand_under_the_base() -> None:
    store = Store.memory()
    store.insert("", [f"<{BASE}decision/cop/11/16> <{EX}p> <{EX}o> ."])
    assert store.ask("ASK { <decision/cop/11/16> ?p ?o }")
    assert not store.ask(f"BASE <{EX}> ASK {{ <decision/cop/11/16> ?p ?o }}")


@pytest.mark.parametrize(
    ("query", "media_type", "reason"),
    [
        ("CONSTRUCT { <e:a> <e:b> <<( <e:s> <e:p> <e:o> )>> } {}", "application/ld+json", "JSON-LD"),
        ('SELECT ("a\\u0001b" AS ?x) {}', "application/sparql-results+xml", "U\\+0001"),
        ('CONSTRUCT { <e:a> <e:b> "a\\uFFFEb" } {}', "application/rdf+xml", "U\\+FFFE"),
        ("CONSTRUCT { <e:a> <e:1> 1 } {}", "application/rdf+xml", "<e:1>"),
    ],
)
def test_what_a_format_cannot_say_is_an_error(query: str, media_type: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        Store.memory().answer(query, media_type, Limits())


def test_a_graph_without_a_name_is_served_and_not_listed(tmp_path: Path) -> None:
    (tmp_path / "a.nq").write_text(f"<{EX}a> <{EX}b> <{EX}c> _:g .\n", encoding="utf-8")
    assert Store.build(tmp_path / "s", [tmp_path / "a.nq"], union_default=False) == {"": 0}
    memory = Store.read_into_memory(dump_path(tmp_path / "s"))
    assert memory.ask("ASK { GRAPH ?g { ?s ?p ?o } }")
    # Blank nodes are called the same in memory and on disk.
    name = "SELECT ?g { GRAPH ?g { ?s ?p ?o } }"
    assert memory.select(name) == Store.open_read_only(tmp_path / "s").select(name)
