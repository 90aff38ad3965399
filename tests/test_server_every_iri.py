"""Every IRI of the real graph answers: exactly what the graph says about it, whole, and in so many bytes at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import httpx
import pytest
from pyoxigraph import DefaultGraph, RdfFormat, parse
from rdflib import Graph
from rdflib.compare import isomorphic

from cbdgraph.namespaces import BASE
from cbdgraph.server.links import LONGEST, find_alternates
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_running import running

pytestmark = pytest.mark.slow  # some thousand IRIs in several formats

# Bytes of the description of any resource. Named graphs are given whole, and what defines terms with all of them.
MOST = {"text/turtle": 16 * 1024, "text/html": 64 * 1024, "application/json": 24 * 1024}
DEFINING = {f"{BASE}ontology", f"{BASE}shapes"}
MOST_OF_DEFINING = 128 * 1024
MOST_OF_TERM = 100 * 1024  # bytes of a page with many definitions side by side, compared and taken apart


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1, cache_mb=0) as client:
        yield client


@pytest.fixture(scope="module")
def statements(graph: Store) -> dict[str, list[str]]:
    """The default graph as N-Triples by subject, read from a dump and not asked of the engine."""
    found: dict[str, list[str]] = defaultdict(list)
    for quad in parse("\n".join(graph.dump()).encode(), RdfFormat.N_QUADS):
        if quad.graph_name == DefaultGraph():
            found[str(quad.subject)].append(f"{quad.triple} .")
    return found


@pytest.fixture(scope="module")
def iris(statements: dict[str, list[str]]) -> list[str]:
    return sorted(subject[1:-1] for subject in statements if subject.startswith("<"))


def own_of(statements: dict[str, list[str]], subject: str) -> list[str]:
    """The statements of a subject and of the blank nodes that hang on it."""
    waiting, seen, lines = [subject], {subject}, []
    while waiting:
        for line in statements[waiting.pop()]:
            lines.append(line)
            near = line.split(" ", 2)[2].removesuffix(" .")
            if near.startswith("_:") and near not in seen:
                seen.add(near)
                waiting.append(near)
    return lines


def test_the_description_is_exactly_what_the_graph_says(
    service: httpx.Client, statements: dict[str, list[str]], iris: list[str], graph: Store
) -> None:
    assert len(iris) > 2000
    graphs = set(graph.counts())
    with_blanks = 0
    for iri in iris:
        if iri in graphs:
            continue
        response = service.get(find_alternates(iri)["application/n-triples"])
        assert (response.status_code, response.headers["cbdgraph-complete"]) == (200, "true"), iri
        told, said = response.text.removesuffix("\n").split("\n"), own_of(statements, f"<{iri}>")
        if not any("_:" in line for line in said):
            assert sorted(line for line in told if line.startswith(f"<{iri}> ")) == sorted(said), iri
            continue
        with_blanks += 1
        others = {line for line in told if not line.startswith((f"<{iri}> ", "_:"))}
        if iri not in DEFINING:  # whose terms have blank nodes too
            assert isomorphic(_read([line for line in told if line not in others]), _read(said)), iri
    assert with_blanks > 20


def test_a_document_that_defines_terms_tells_all_of_each(
    service: httpx.Client, statements: dict[str, list[str]]
) -> None:
    defined = "<http://www.w3.org/2000/01/rdf-schema#isDefinedBy>"
    for iri in DEFINING:
        terms = [s for s, lines in statements.items() if f"{s} {defined} <{iri}> ." in lines]
        assert len(terms) > 90
        said = [line for subject in (f"<{iri}>", *terms) for line in own_of(statements, subject)]
        told = service.get(find_alternates(iri)["application/n-triples"]).text.removesuffix("\n").split("\n")
        subjects = (*(f"{term} " for term in terms), f"<{iri}> ", "_:")
        assert isomorphic(_read([line for line in told if line.startswith(subjects)]), _read(said))


def _read(lines: list[str]) -> Graph:
    return Graph().parse(data="".join(f"{line}\n" for line in lines), format="nt")


def test_every_iri_has_a_page_and_json_and_none_is_large(
    service: httpx.Client, iris: list[str], graph: Store
) -> None:
    graphs = set(graph.counts())
    for iri in iris:
        alternates = find_alternates(iri)
        for media_type, most in MOST.items():
            response = service.get(alternates[media_type])
            assert response.status_code == 200, (iri, response.text[:300])
            assert len(response.headers["link"]) <= LONGEST
            limit = MOST_OF_DEFINING if iri in DEFINING else most
            if media_type == "text/html" and iri.startswith(f"{BASE}term/"):
                limit = MOST_OF_TERM
            if media_type != "text/turtle" or iri not in graphs:
                assert len(response.content) <= limit, (iri, media_type)
