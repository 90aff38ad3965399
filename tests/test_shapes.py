"""Every example in tests/shapes/ is a test: `fail-<shape>.ttl` has faults of that shape only, `pass-*.ttl` none."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pyshacl
import pytest
from rdflib import RDF, SH, Graph, Literal, URIRef
from rdflib.term import Node

from cbdgraph.namespaces import SHAPES
from cbdgraph.rdf.validate import ValidationReport, read_shapes, validate_graph
from tests.conftest import read_graph

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent / "shapes"
FAILING = sorted(EXAMPLES.glob("*Shape/fail-*.ttl"))
PASSING = sorted(EXAMPLES.glob("*Shape/pass-*.ttl"))
SEVERITIES: dict[Node, str] = {SH.Violation: "violation", SH.Warning: "warning", SH.Info: "info"}


@cache
def shapes() -> Graph:
    return read_shapes(ROOT / "ontology" / "shapes")


@cache
def context() -> Graph:
    return read_graph(ROOT / "ontology/cbd.ttl", ROOT / "ontology/vocabularies.ttl", EXAMPLES / "context.ttl")


def validate(path: Path) -> ValidationReport:
    return validate_graph(read_graph(path), shapes(), context=context())


def reporting_shapes() -> list[URIRef]:
    """Property shapes, and node shapes that themselves say something about their subjects."""
    found = {*shapes().subjects(RDF.type, SH.PropertyShape), *shapes().subjects(SH.message)}
    return sorted(shape for shape in found if isinstance(shape, URIRef))


@pytest.mark.parametrize("path", FAILING, ids=lambda path: path.stem)
def test_failing_example_meets_exactly_its_shape(path: Path) -> None:
    shape = URIRef(SHAPES + path.stem.removeprefix("fail-"))
    report = validate(path)
    assert {problem.rule for problem in report.problems} == {str(shape)}
    severity = shapes().value(shape, SH.severity)
    assert severity is not None
    assert {problem.severity for problem in report.problems} == {SEVERITIES[severity]}
    for problem in report.problems:
        assert problem.message
        assert problem.remedy.startswith(str(shapes().value(shape, SH.message)))


@pytest.mark.parametrize("path", PASSING, ids=lambda path: path.stem)
def test_passing_example_has_no_problem(path: Path) -> None:
    report = validate(path)
    assert report.problems == ()
    assert report.conforms
    assert report.focus_nodes > 0


@pytest.mark.parametrize("shape", reporting_shapes(), ids=lambda shape: shape.removeprefix(SHAPES))
def test_shape_is_complete(shape: URIRef) -> None:
    name = shape.removeprefix(SHAPES)
    assert shape.startswith(SHAPES)
    assert f"fail-{name}" in {path.stem for path in FAILING}
    assert len(set(shapes().objects(shape, SH.severity)) & SEVERITIES.keys()) == 1
    messages = list(shapes().objects(shape, SH.message))
    assert len(messages) == 1
    assert isinstance(messages[0], Literal)
    assert messages[0].language == "en"
    assert len(messages[0]) > 20
    if (shape, RDF.type, SH.PropertyShape) in shapes():
        assert len(list(shapes().objects(shape, SH.path))) == 1
        assert len(list(shapes().objects(shape, SH.name))) == 1
        owners = list(shapes().subjects(SH.property, shape))
        assert len(owners) == 1
        assert re.fullmatch(r"[A-Z]\w+-\w+", name)
        assert owners[0] == URIRef(f"{SHAPES}{name.partition('-')[0]}Shape")


def test_every_node_shape_has_a_passing_example() -> None:
    aiming: set[Node] = {*shapes().subjects(SH.targetClass), *shapes().subjects(SH.targetSubjectsOf)}
    assert {str(shape).removeprefix(SHAPES) for shape in aiming} == {path.parent.name for path in PASSING}


def test_every_class_that_carries_data_has_a_shape() -> None:
    ontology = read_graph(ROOT / "ontology/cbd.ttl")
    classes = {
        str(name).partition("#")[2]
        for name in ontology.subjects(RDF.type, URIRef("http://www.w3.org/2002/07/owl#Class"))
        if "cbdgraph/ontology#" in str(name)
    }
    targets = {str(target).partition("#")[2] for target in shapes().objects(None, SH.targetClass)}
    assert classes <= targets


def test_shapes_hold_no_blank_node_but_lists() -> None:
    for subject in set(shapes().subjects()):
        if not isinstance(subject, URIRef):
            assert (subject, RDF.first, None) in shapes()


@pytest.mark.slow
def test_shapes_are_shacl() -> None:
    conforms, _, text = pyshacl.validate(Graph(), shacl_graph=shapes(), meta_shacl=True)
    assert conforms, text
