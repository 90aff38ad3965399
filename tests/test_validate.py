"""Validation of graphs and of a user's files, and every format of its report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rdflib import RDF, SH, BNode, Dataset, Graph, Literal, URIRef

from cbdgraph.errors import MissingFile, TurtleError
from cbdgraph.namespaces import BASE, PREFIXES, SHAPES
from cbdgraph.queries import read_queries
from cbdgraph.rdf.turtle import parse_turtle
from cbdgraph.rdf.validate import CHECKS, read_shapes, validate_files, validate_graph
from cbdgraph.reports import FORMATS, Problem, ValidationReport, format_junit, format_sarif, format_text
from tests.conftest import read_graph

ROOT = Path(__file__).parents[1]
SHAPES_GRAPH = read_shapes(ROOT / "ontology" / "shapes")
ALL_CHECKS = read_queries(ROOT / "queries" / "checks")
PROLOGUE = f"@base <{BASE}> .\n" + "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
DECISION = """
<decision/cop/11/16> a cbd:Decision ;
    cbd:adoptedAt <meeting/cop/11> ;
    cbd:number 16 ;
    cbd:symbol "XI/16" ;
    dcterms:source <document/example-note/para/1> ;
    cbd:basis <basis/stated> .
"""
START = len(PROLOGUE.splitlines()) + 1


TERMS = read_graph(ROOT / "ontology/cbd.ttl", ROOT / "ontology/vocabularies.ttl")
CONTEXT = TERMS + read_graph(ROOT / "tests/shapes/context.ttl")


def validate(folder: Path, *texts: str) -> ValidationReport:
    paths = [folder / f"own-{number}.ttl" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(PROLOGUE + text, encoding="utf-8")
    return validate_files(paths, SHAPES_GRAPH, context=CONTEXT, checks=ALL_CHECKS)


def test_good_file_has_no_problem(tmp_path: Path) -> None:
    report = validate(tmp_path, DECISION)
    assert report.problems == ()
    assert report.conforms
    assert report.files == (str(tmp_path / "own-0.ttl"),)
    assert report.focus_nodes == 1
    assert CHECKS + "orphan-part" in report.rules
    assert SHAPES + "Decision-number" in report.rules


def test_problem_says_where_what_and_what_to_do(tmp_path: Path) -> None:
    report = validate(tmp_path, DECISION.replace("cbd:number 16", 'cbd:number "XVI"'))
    assert not report.conforms
    problem = next(p for p in report.problems if p.rule == SHAPES + "Decision-number" and "Datatype" in p.component)
    assert (problem.file, problem.line) == (str(tmp_path / "own-0.ttl"), START + 1)
    assert problem.subject == BASE + "decision/cop/11/16"
    assert problem.path == PREFIXES["cbd"] + "number"
    assert problem.value == '"XVI"'
    assert problem.message == "cbd:number XVI is not a right xsd:integer"
    assert problem.remedy.startswith("Give the number once")
    assert problem.severity == "violation"


def test_what_is_missing_is_not_completed_by_the_original(tmp_path: Path) -> None:
    original = CONTEXT + read_text(DECISION)
    path = tmp_path / "copy.ttl"
    path.write_text(PROLOGUE + DECISION.replace("    cbd:number 16 ;\n", ""), encoding="utf-8")
    report = validate_files([path], SHAPES_GRAPH, context=original, checks=ALL_CHECKS)
    assert {problem.message for problem in report.problems} == {"has no cbd:number"}


def test_addition_is_judged_with_what_it_adds_to(tmp_path: Path) -> None:
    path = tmp_path / "more.ttl"
    path.write_text(PROLOGUE + '<decision/cop/11/16> cbd:webPage "www.cbd.int"^^xsd:anyURI .', encoding="utf-8")
    report = validate_files([path], SHAPES_GRAPH, context=CONTEXT + read_text(DECISION))
    assert {problem.rule for problem in report.problems} == {SHAPES + "Record-webPage"}


def read_text(text: str) -> Graph:
    graph = Graph(bind_namespaces="none")
    for triple in parse_turtle(PROLOGUE + text).triples:
        graph.add(triple)
    return graph


def test_broken_file_gives_a_line_and_the_others_are_still_checked(tmp_path: Path) -> None:
    report = validate(tmp_path, "<a> a cbd:Issue\n<b> a cbd:Issue .", DECISION.replace("XI/16", "Decision 16"))
    syntax, shape, *_ = report.problems
    assert (syntax.rule, syntax.file) == (CHECKS + "syntax", str(tmp_path / "own-0.ttl"))
    assert syntax.line in {START, START + 1}
    assert "Turtle" in syntax.remedy
    assert shape.file == str(tmp_path / "own-1.ttl")


def test_missing_file_is_an_error_of_the_call(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no such file"):
        validate_files([tmp_path / "none.ttl"], SHAPES_GRAPH, context=CONTEXT)


def test_misspelt_property_is_named_with_its_neighbour(tmp_path: Path) -> None:
    report = validate(tmp_path, DECISION.replace("cbd:symbol", "cbd:symbl"))
    problem = next(p for p in report.problems if p.rule == CHECKS + "unknown-property")
    assert problem.message == "cbd:symbl is not a property that is known"
    assert problem.remedy.endswith("Did you mean cbd:symbol?")


@pytest.mark.parametrize("term", ["skos:prefLable", "dcterms:sorce", "skosxl:prefLabels", "cbd:nonsense"])
def test_unknown_property_of_a_known_vocabulary(tmp_path: Path, term: str) -> None:
    report = validate(tmp_path, DECISION.replace("    cbd:number", f'    {term} "x" ;\n    cbd:number'))
    assert {problem.rule for problem in report.problems} == {CHECKS + "unknown-property"}


def test_unknown_class_and_other_vocabularies(tmp_path: Path) -> None:
    report = validate(tmp_path, "<a/1> a cbd:Decission .\n<a/2> a <http://example.org/Thing> .")
    problem = next(p for p in report.problems if p.rule == CHECKS + "unknown-class")
    assert problem.remedy.endswith("Did you mean cbd:Decision?")
    assert not [p for p in report.problems if p.subject == BASE + "a/2"]


def test_property_on_the_wrong_class_is_a_warning(tmp_path: Path) -> None:
    report = validate(tmp_path, DECISION.replace("    cbd:number", '    cbd:quote "x"@en ;\n    cbd:number'))
    assert [(problem.rule, problem.severity) for problem in report.problems] == [
        (CHECKS + "misplaced-property", "warning")
    ]
    assert report.conforms


def test_wrong_vocabulary_value_is_told_once_with_its_neighbour(tmp_path: Path) -> None:
    report = validate(tmp_path, DECISION.replace("<basis/stated>", "<basis/statd>"))
    (problem,) = report.problems
    assert problem.rule == SHAPES + "Record-basis"
    assert problem.remedy.endswith("Did you mean <basis/stated>?")


def test_file_without_a_known_class_is_told_so(tmp_path: Path) -> None:
    report = validate(tmp_path, '<http://example.org/a> rdfs:label "a" .')
    assert report.unmet == ()
    assert "No subject is of a class that the shapes know" in format_text(report)


def test_blank_node_is_reported(tmp_path: Path) -> None:
    report = validate(tmp_path, DECISION.replace("<decision/cop/11/16>", "_:d"))
    assert SHAPES + "RecordShape" in {problem.rule for problem in report.problems}
    for write in FORMATS.values():
        assert write(report)


def test_graphs_of_a_dataset_name_their_files() -> None:
    file = parse_turtle(PROLOGUE + DECISION.replace("cbd:number 16", "cbd:number 0"), "data/turtle/one.ttl")
    data = Dataset()
    graph = data.graph(URIRef(BASE + "graph/one"))
    for triple in file.triples:
        graph.add(triple)
    report = validate_graph(data, SHAPES_GRAPH, context=CONTEXT, files={BASE + "graph/one": file})
    (problem,) = report.problems
    assert (problem.file, problem.line) == ("data/turtle/one.ttl", START + 1)
    assert SHAPES + "IssueShape" in report.unmet
    assert SHAPES + "DecisionShape" not in report.unmet
    assert SHAPES + "DayValue" not in report.unmet
    (unknown,) = validate_graph(data, SHAPES_GRAPH, context=CONTEXT).problems
    assert (unknown.file, unknown.line) == (BASE + "graph/one", 0)


def test_faulty_shapes_are_not_blamed_on_the_data(tmp_path: Path) -> None:
    (tmp_path / "bad.ttl").write_text("<a> <b> .")
    with pytest.raises(TurtleError) as caught:
        read_shapes(tmp_path)
    assert caught.value.line == 1


def problem(**given: object) -> Problem:
    base = Problem(
        file="data/turtle/é 1.ttl",
        line=3,
        subject=BASE + "issue/a",
        path=PREFIXES["cbd"] + "number",
        value='"a \\"b\\""@en',
        message="cbd:number is <wrong> & more",
        remedy='Mend "it"\x01.',
        severity="violation",
        rule=SHAPES + "Issue-number",
        component=str(SH.DatatypeConstraintComponent),
    )
    return replace(base, **given)  # type: ignore[arg-type]


REPORT = ValidationReport(
    problems=(
        problem(),
        problem(severity="warning", line=0, value=f"<{BASE}x>"),
        problem(severity="info", subject="", path="", value="", rule=CHECKS + "syntax", component="", file="b.ttl"),
    ),
    files=("b.ttl", "clean.ttl", "data/turtle/é 1.ttl"),
    rules=(SHAPES + "Issue-number", SHAPES + "Issue-unused"),
    focus_nodes=1234,
    unmet=(SHAPES + "TermShape",),
)


def test_text_groups_by_file_and_counts() -> None:
    text = format_text(REPORT)
    assert "data/turtle/é 1.ttl\n  line 3: <issue/a>\n    violation: cbd:number is <wrong> & more\n" in text
    assert "1 violation, 1 warning, 1 hint in 2 of 3 files; 1,234 subjects looked at, 2 rules applied." in text
    assert "These shapes met no subject: TermShape" in text
    assert format_text(ValidationReport(())).startswith("No faults;")


def test_text_is_short_where_a_rule_is_broken_often() -> None:
    many = ValidationReport(tuple(problem(subject=f"{BASE}issue/{number}") for number in range(40)))
    text = format_text(many)
    assert text.count("Mend") == 5
    assert "… and 35 more of [Issue-number]" in text
    assert "40 violations" in text


def test_json_holds_everything() -> None:
    data = json.loads(FORMATS["json"](REPORT))
    assert data["conforms"] is False
    assert data["counts"] == {"violation": 1, "warning": 1, "info": 1}
    assert data["problems"][0]["subject"] == BASE + "issue/a"
    assert data["problems"][0]["remedy"] == REPORT.problems[0].remedy
    assert data["unmet"] == [SHAPES + "TermShape"]


def test_turtle_is_a_shacl_report() -> None:
    graph = Graph().parse(data=FORMATS["turtle"](REPORT), format="turtle")
    (report,) = graph.subjects(RDF.type, SH.ValidationReport)
    assert graph.value(report, SH.conforms) == Literal(False)
    results = list(graph.objects(report, SH.result))
    assert len(results) == 3
    for result in results:
        # SHACL 3.6.2: each of these exactly once.
        for required in (SH.focusNode, SH.resultSeverity, SH.sourceConstraintComponent):
            assert len(list(graph.objects(result, required))) == 1
    severities = {graph.value(result, SH.resultSeverity) for result in results}
    assert severities == {SH.Violation, SH.Warning, SH.Info}
    values = {graph.value(result, SH.value) for result in results}
    assert Literal('a "b"', lang="en") in values
    good = Graph().parse(data=FORMATS["turtle"](ValidationReport(())), format="turtle")
    assert list(good.objects(None, SH.conforms)) == [Literal(True)]
    assert all(isinstance(node, BNode) for node in good.subjects())


def test_sarif_has_what_the_format_requires() -> None:
    log = json.loads(format_sarif(REPORT))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "cbdgraph"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids) == 3
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        assert " " not in uri
        # SARIF 3.30.5: lines count from 1.
        assert location["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
    prints = {result["partialFingerprints"]["cbdgraph/v1"] for result in run["results"]}
    assert len(prints) == 3


def test_junit_counts_agree_with_its_cases() -> None:
    root = ElementTree.fromstring(format_junit(REPORT))
    assert root.tag == "testsuites"
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["b.ttl", "clean.ttl", "data/turtle/é 1.ttl"]
    for suite in suites:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert all(case.get("name") and case.get("classname") for case in cases)
    assert (root.get("tests"), root.get("failures")) == ("4", "1")
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.text == 'data/turtle/é 1.ttl:3\ncbd:number is <wrong> & more. Mend "it"\ufffd.'


def test_same_report_same_bytes(tmp_path: Path) -> None:
    faulty = DECISION.replace("cbd:number 16", 'cbd:number "XVI" ;\n    cbd:quote "x"@en')
    one, two = validate(tmp_path, faulty), validate(tmp_path, faulty)
    for name, write in FORMATS.items():
        assert write(one) == write(two), name


def test_joining_drops_what_a_shape_has_told() -> None:
    report = ValidationReport((problem(),))
    same_value = problem(rule=CHECKS + "a", path="", component="")
    same_path = problem(rule=CHECKS + "b", path="", value=f"<{PREFIXES['cbd']}number>")
    other = problem(rule=CHECKS + "c", path="", value="<http://example.org/>")
    joined = report.joined([same_value, same_path, other], [CHECKS + "c"])
    assert {p.rule for p in joined.problems} == {SHAPES + "Issue-number", CHECKS + "c"}
    assert joined.rules == (CHECKS + "c",)


def test_guide_names_every_format_and_kind_of_rule() -> None:
    guide = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    for name in (*FORMATS, "unknown-property", "unknown-class", "misplaced-property", "checks#syntax"):
        assert f"`{name}`" in guide or f"checks#{name}`" in guide, name


@pytest.mark.parametrize(
    "text",
    ["\n<a> cbd:parent <decision/cop/11/15 16> .\n", '\n<a> cbd:symbol "\\uD800" .\n'],
    ids=["blank", "surrogate"],
)
def test_what_cannot_be_written_is_a_problem_and_other_files_are_checked(tmp_path: Path, text: str) -> None:
    report = validate(tmp_path, text, DECISION.replace('cbd:symbol "XI/16" ;', ""))
    (bad,) = [problem for problem in report.problems if problem.file.endswith("own-0.ttl")]
    assert (bad.line, bad.rule) == (START + 1, CHECKS + "syntax")
    assert bad.remedy.startswith("Write the ")
    assert any(problem.file.endswith("own-1.ttl") for problem in report.problems)


def test_an_unread_file_is_not_said_to_lack_classes(tmp_path: Path) -> None:
    assert "No subject is of a class" not in format_text(validate(tmp_path, "<a> a"))
