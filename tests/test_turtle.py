"""The house format: what is kept, what is refused, and that writing is stable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Literal, URIRef
from rdflib.namespace import RDF, XSD
from rdflib.term import Node

from cbdgraph.errors import TurtleError
from cbdgraph.namespaces import BASE, ONTOLOGY
from cbdgraph.rdf.turtle import format_turtle, parse_turtle, read_turtle, rewrite

MESSY = f"""# What this file is.
# Second line.

# A second paragraph.

@prefix c: <{ONTOLOGY}> .
@prefix d: <{BASE}decision/cop/11/16/> .
<{BASE}decision/cop/11/16/para/5> c:locator "para/5" ; a c:Paragraph .
<{BASE}decision/cop/11/16> <http://purl.org/dc/terms/source> <{BASE}document/b> , <{BASE}document/a> ;
   c:number 16 ; a c:Decision ; c:title "Wiederherstellung"@de , "生态系统恢复"@zh, "Restoration # not a comment"@en .
<{BASE}decision/cop/11/16/para/5> c:parent <{BASE}decision/cop/11/16> ; c:level <{BASE}level/para> .
<http://example.org/x y> a c:Document .
""".replace("x y", "x")

TIDY = """# What this file is.
# Second line.

# A second paragraph.

@base <https://w3id.org/cbdgraph/> .
@prefix cbd: <https://w3id.org/cbdgraph/ontology#> .
@prefix dcterms: <http://purl.org/dc/terms/> .

<decision/cop/11/16/para/5> a cbd:Paragraph ;
    cbd:parent <decision/cop/11/16> ;
    cbd:level <level/para> ;
    cbd:locator "para/5" .

<decision/cop/11/16> a cbd:Decision ;
    cbd:number 16 ;
    cbd:title "Restoration # not a comment"@en, "生态系统恢复"@zh, "Wiederherstellung"@de ;
    dcterms:source <document/a>, <document/b> .

<http://example.org/x> a cbd:Document .
"""


def test_house_format() -> None:
    assert rewrite(parse_turtle(MESSY)) == TIDY
    assert rewrite(parse_turtle(TIDY)) == TIDY


def test_many_objects_stand_one_a_line_in_natural_order() -> None:
    targets = ", ".join(f"<target/aichi/{n}>" for n in (15, 5, 11, 1, 2, 3, 4, 6, 7, 8))
    text = rewrite(parse_turtle(f"@prefix cbd: <{ONTOLOGY}> . <x> cbd:citedTarget {targets} ."))
    assert "<x> cbd:citedTarget\n        <target/aichi/1>,\n        <target/aichi/2>,\n" in text
    assert text.endswith("        <target/aichi/11>,\n        <target/aichi/15> .\n")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"007"^^xsd:integer', '"007"^^xsd:integer'),
        ("true", "true"),
        ("15.0", "15.0"),
        (".0000001", '".0000001"^^xsd:decimal'),
        ('"15"^^xsd:decimal', '"15"^^xsd:decimal'),
        ('"x"^^xsd:integer', '"x"^^xsd:integer'),
        ('"2013-11"^^xsd:gYearMonth', '"2013-11"^^xsd:gYearMonth'),
        ('"2013-11-05T00:00:00Z"^^xsd:dateTime', '"2013-11-05T00:00:00Z"^^xsd:dateTime'),
        ('"1e3"^^xsd:double', '"1e3"^^xsd:double'),
        ('"x"^^xsd:string', '"x"'),
        ('"x"@zh-Hans', '"x"@zh-Hans'),
        ('"""two\nlines "quoted\\""""', '"two\\nlines \\"quoted\\""'),
    ],
)
def test_literals_keep_their_characters(written: str, expected: str) -> None:
    text = rewrite(parse_turtle(f"@prefix xsd: <{XSD}> . <a> <b> {written} ."))
    assert f"<a> <b> {expected} ." in text


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("<a> <b>\n <c> .\n<d> <e> .", 3, "not Turtle"),
        ("\n<a> foo:b 3 .", 2, "foo:"),
        ('<a> <b> "x', 1, "Quote"),
        ("<a> <b> [ ", 1, "not Turtle"),
        ("@prefix : <x", 1, "not Turtle"),
    ],
)
def test_what_is_not_turtle_is_told_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(TurtleError, match=word) as caught:
        parse_turtle(text, "data/turtle/x.ttl")
    assert (caught.value.path, caught.value.line) == ("data/turtle/x.ttl", line)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("# top\n<a> <b> <c> .\n\n# lost\n<d> <e> <f> .", 4, "editorialNote"),
        ("<a> <b> <c> . # lost", 1, "editorialNote"),
        ('<a> <b> "# [ ( _:x" .\n<a> <c> [ <d> <e> ] .', 2, "IRI"),
        ("<a> <b> <c#d> .\n<a> <c> ( <d> ) .", 2, "IRI"),
        ("<a> <b> <c> .\n_:x <c> <d> .", 2, "IRI"),
    ],
)
def test_what_would_be_lost_is_refused_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(TurtleError, match=word) as caught:
        rewrite(parse_turtle(text, "x.ttl"))
    assert caught.value.line == line


def test_an_empty_list_is_no_blank_node() -> None:
    assert "rdf:nil" in rewrite(parse_turtle("<a> <b> () ."))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TurtleError, match="cannot be read"):
        read_turtle(tmp_path / "none.ttl")
    (tmp_path / "latin.ttl").write_bytes('<a> <b> "é" .'.encode("latin-1"))
    with pytest.raises(TurtleError, match="UTF-8"):
        read_turtle(tmp_path / "latin.ttl", "latin.ttl")


def test_lines_of_subjects() -> None:
    file = parse_turtle(TIDY)
    assert file.lines[URIRef(BASE + "decision/cop/11/16/para/5")] == 10
    assert file.lines[URIRef(BASE + "decision/cop/11/16")] == 15


_PATHS = st.one_of(
    st.sampled_from(["decision/cop/11/16", "ontology#Decision", "ontology#a.b", "ontology#", "ontology#1", "é/中"]),
    st.sampled_from(["a//b", "a/../b", ".", "..", "a/.", "a/", "/a", "a:b", "x?y=1", "x#y", "", "%20"]),
    st.just("~a'()*,;=@!$&+"),
)
_IRIS = st.one_of(
    _PATHS.map(lambda path: URIRef(BASE + path)),
    st.sampled_from(
        ["http://example.org/a", "urn:x:y", "mailto:a@b.c", str(RDF.type), str(XSD.date), "http://e.x"]
    ).map(URIRef),
)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
_LITERALS = st.one_of(
    _TEXTS.map(Literal),
    st.tuples(_TEXTS, st.sampled_from(["en", "fr", "zh", "zh-Hans", "ar"])).map(lambda x: Literal(x[0], lang=x[1])),
    st.tuples(
        st.one_of(
            _TEXTS, st.sampled_from(["15", "-1", "+5", "007", "1.50", ".5", "5.", "1E3", "true", "1", "2013-11"])
        ),
        st.sampled_from([XSD.integer, XSD.decimal, XSD.double, XSD.boolean, XSD.gYear, XSD.date, XSD.string]),
    ).map(lambda x: Literal(x[0], datatype=x[1], normalize=False)),
)
_TRIPLES: st.SearchStrategy[list[tuple[Node, Node, Node]]] = st.lists(
    st.tuples(_IRIS, _IRIS, st.one_of(_IRIS, _LITERALS)), max_size=12
)


def _same(triples: Iterable[tuple[Node, Node, Node]]) -> set[tuple[Node, Node, Node]]:
    """A set that compares characters, languages and datatypes; without blank nodes that is isomorphism."""
    return {(subject, predicate, _plain(value)) for subject, predicate, value in triples}


def _plain(node: Node) -> Node:
    """rdflib tells a plain literal from an xsd:string; RDF 1.1 does not."""
    if isinstance(node, Literal) and node.datatype == XSD.string:
        return Literal(str(node))
    return node


@settings(max_examples=100, deadline=None)
@given(_TRIPLES)
def test_what_is_written_reads_back_the_same_and_writes_the_same(triples: list[tuple[Node, Node, Node]]) -> None:
    text = format_turtle(triples)
    file = parse_turtle(text)
    assert _same(file.triples) == _same(triples)
    assert rewrite(file) == text
    # The order of objects in the source does not show.
    first = {subject: place for place, (subject, _, _) in reversed(list(enumerate(triples)))}
    backwards = list(reversed(triples))
    backwards.sort(key=lambda triple: first[triple[0]])
    assert format_turtle(backwards) == text


def test_a_large_file_is_read_and_written_whole() -> None:
    lines = [
        f'<decision/cop/{n % 16 + 1}/{n}/para/5> a cbd:Paragraph ; cbd:locator "para/5" ; '
        f'cbd:parent <decision/cop/1/{n}> ; cbd:level <level/para> ; rdfs:label "生态 {n}"@zh .'
        for n in range(4000)
    ]
    head = f"@base <{BASE}> . @prefix cbd: <{ONTOLOGY}> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
    file = parse_turtle(head + "\n".join(lines))
    assert len(file.triples) == 20_000
    assert set(parse_turtle(rewrite(file)).triples) == set(file.triples)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("<a> a <b> .\n<a>\n <p> <decision/cop/11/15 16> .\n", 3, "not an IRI"),
        ('<a> a <b> .\n<a> <p> "\\uD800" .\n', 2, "no text can hold"),
        ('<a> <p> "x"^^<a%zz> .\n', 1, "not an IRI"),
        ("<a> <p> <\\uD800> .\n", 1, "not an IRI"),
        ('<?xml version="1.0"?>\n<rdf:RDF/>\n', 1, "is XML and not Turtle"),
    ],
)
def test_terms_that_rdf_does_not_have(text: str, line: int, reason: str) -> None:
    with pytest.raises(TurtleError, match=reason) as caught:
        parse_turtle(text, "x.ttl")
    assert caught.value.line == line


@pytest.mark.parametrize("number", ["1e3", "01", "+7", ".5", "-0", "1.50", "-1.0E-7", "7"])
def test_a_number_keeps_its_characters(number: str) -> None:
    (triple,) = parse_turtle(f"<a> <p> # of 3\n {number} .\n").triples
    assert str(triple[2]) == number
    assert parse_turtle(format_turtle([triple])).triples == (triple,)


def test_line_ends_in_a_literal_are_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.ttl"
    path.write_bytes(b'# "\r\n<a> <p> """one\r\ntwo""" .\r\n<b> <p> "\\\\" .\r\n')
    file = read_turtle(path)
    assert [str(value) for _, _, value in file.triples] == ["one\r\ntwo", "\\"]
    assert file.lines[URIRef(f"{BASE}b")] == 4
    assert parse_turtle(rewrite(file)).triples == file.triples


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.ttl"
    path.write_bytes(b'<a> a <b> .\n<a> <p> "caf\xe9" .\n')
    with pytest.raises(TurtleError, match="save the file as UTF-8") as caught:
        read_turtle(path)
    assert caught.value.line == 2
