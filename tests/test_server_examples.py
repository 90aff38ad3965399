"""The questions as RDF, in SIB's form, and what the editor completes from: as the real release has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from pyshacl import validate
from rdflib import RDF, RDFS, Graph, Literal, Namespace, URIRef

from cbdgraph.namespaces import BASE, PREFIXES
from cbdgraph.queries import read_queries
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_running import problem, running

ADDRESS = "/.well-known/sparql-examples"
SH, EARL = Namespace("http://www.w3.org/ns/shacl#"), Namespace("http://www.w3.org/ns/earl#")
SCHEMA = Namespace("https://schema.org/")
NAMES = {(f, q.name) for f in ("questions", "named") for q in read_queries(ROOT / "queries" / f).values()}
# What SIB's tools ask of an example (sib-swiss/sparql-examples-utils, its tests): one text, comments with a language,
# a target, and keywords spelled so.
SHAPES = """
@prefix : <urn:shapes#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <https://schema.org/> .
@prefix spex: <https://purl.expasy.org/sparql-examples/ontology#> .
:Example a sh:NodeShape ; sh:targetClass sh:SPARQLExecutable ;
  sh:property :text, :comment, :target, :typo, :prefixes .
:text sh:path [ sh:alternativePath ( sh:select sh:ask sh:construct spex:describe ) ] ; sh:minCount 1 ; sh:maxCount 1 .
:comment sh:path rdfs:comment ; sh:minCount 1 ; sh:datatype rdf:langString ; sh:uniqueLang true .
:target sh:path schema:target ; sh:minCount 1 ; sh:nodeKind sh:IRI .
:typo sh:path schema:keyword ; sh:maxCount 0 .
:prefixes sh:path ( sh:prefixes sh:declare ) ; sh:minCount 5 ; sh:class sh:PrefixDeclaration .
"""


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=2) as client:
        yield client


@pytest.fixture(scope="module")
def examples(service: httpx.Client) -> Graph:
    return Graph().parse(data=service.get(ADDRESS).text, format="turtle")


def test_every_question_and_named_query_is_an_example(examples: Graph) -> None:
    found = {str(each).partition("#")[2] for each in examples.subjects(RDF.type, SH.SPARQLExecutable)}
    assert found == {f"{folder.removesuffix('s')}/{name}" for folder, name in NAMES}


def test_examples_have_the_form_of_sib(examples: Graph) -> None:
    shapes = Graph().parse(data=SHAPES, format="turtle")
    conforms, _, report = validate(examples, shacl_graph=shapes, advanced=True)
    assert conforms, report
    lame = Graph().parse(data=f"<urn:x> a <{SH.SPARQLExecutable}> .", format="turtle")
    assert not validate(lame, shacl_graph=shapes, advanced=True)[0], "the shapes can find a fault"


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own reader of JSON-LD uses it
def test_formats_agree(service: httpx.Client, examples: Graph) -> None:
    for name, media_type in (("jsonld", "application/ld+json"), ("rdf", "application/rdf+xml"), ("nt", "nt")):
        for response in (
            service.get(f"{ADDRESS}?format={name}"),
            service.get(f"{ADDRESS}.{name}"),
            *([service.get(ADDRESS, headers={"Accept": media_type})] if "/" in media_type else []),
        ):
            found = Graph().parse(data=response.text, format={"jsonld": "json-ld", "rdf": "xml", "nt": "nt"}[name])
            assert set(found) == set(examples), name
    problem(service.get(ADDRESS, headers={"Accept": "image/png"}), "not-acceptable")
    response = service.get(ADDRESS)
    assert service.get(ADDRESS, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_each_example_runs_as_it_stands_and_says_how_many_rows_it_has(service: httpx.Client, examples: Graph) -> None:
    release = service.get("/version").json()["release"]
    for example in sorted(examples.subjects(RDF.type, SH.SPARQLExecutable), key=str):
        text = str(examples.value(example, SH.select))
        check = examples.value(None, EARL.test, example)
        assert check is not None
        assert examples.value(check, URIRef(PREFIXES["dcat"] + "version")) == Literal(release)
        result = examples.value(check, EARL.result)
        assert examples.value(result, EARL.outcome) == EARL.passed
        answer = service.get("/sparql", params={"query": text, "format": "json"})
        assert answer.status_code == 200, example
        rows = len(answer.json()["results"]["bindings"])
        assert rows == int(str(examples.value(result, SCHEMA.numberOfItems))), example
        assert "#+" not in text, example
        assert str(examples.value(example, SCHEMA.target)) == str(service.base_url.join("/sparql"))


def test_a_value_stands_in_the_text_and_in_the_comment(examples: Graph) -> None:
    example = URIRef(f"{BASE}.well-known/sparql-examples#named/decisions-on-issue")
    assert f"<{BASE}issue/forest-biodiversity>" in str(examples.value(example, SH.select))
    comment = examples.value(example, RDFS.comment)
    assert isinstance(comment, Literal)
    assert comment.language == "en"
    assert comment.endswith("(issue forest-biodiversity)")
    assert examples.value(example, RDFS.seeAlso) == URIRef(f"{BASE}query/decisions-on-issue")


def test_examples_are_no_part_of_the_graph(service: httpx.Client) -> None:
    query = "ASK { GRAPH ?any { ?example a <http://www.w3.org/ns/shacl#SPARQLExecutable> } }"
    assert service.get("/sparql", params={"query": query, "format": "json"}).json()["boolean"] is False


def test_the_service_description_leads_there(service: httpx.Client) -> None:
    graph = Graph().parse(data=service.get("/sparql").text, format="turtle")
    assert (URIRef(f"{BASE}sparql"), RDFS.seeAlso, URIRef(f"{BASE}.well-known/sparql-examples")) in graph


def test_what_is_completed_is_what_there_is(service: httpx.Client) -> None:
    response = service.get("/sparql/completions")
    found = response.json()
    assert found["prefixes"] == dict(PREFIXES)
    classes = {entry["name"]: entry for entry in found["classes"]}
    counted = service.get(
        "/sparql",
        params={
            "query": f"SELECT (COUNT(DISTINCT ?d) AS ?n) {{ ?d a <{classes['cbd:Decision']['iri']}> }}",
            "format": "csv",
        },
    )
    assert classes["cbd:Decision"]["count"] == int(counted.text.split()[1])
    assert classes["cbd:Decision"]["label"] == "decision"
    assert classes["cbd:Decision"]["says"]
    properties = {entry["name"]: entry for entry in found["properties"]}
    assert classes["cbd:Citation"]["iri"] in properties["cbd:citedPart"]["of"]
    ontology = (ROOT / "ontology" / "cbd.ttl").read_text(encoding="utf-8")
    defined = set(re.findall(r"^(cbd:[A-Z]\w*) a owl:Class", ontology, re.MULTILINE))
    assert defined <= classes.keys(), "those too that nothing is yet"
    again = service.get("/sparql/completions", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    problem(service.get("/sparql/completions?format=ttl"), "not-acceptable")


def test_an_older_release_completes_from_its_own(service: httpx.Client) -> None:
    older = service.get("/version").json()["older_releases"]
    assert service.get(f"/sparql/completions?release={older[-1]}").json()["release"] == older[-1]
