"""The quality report: each check has an example in which it finds just what it is for, and one in which nothing."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import jsonschema_rs
import pyoxigraph
import pytest
from rdflib import RDF, SH, Graph, Literal, Namespace, URIRef

from cbdgraph.errors import ParameterError, QuerySyntaxError
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.quality.checks import GROUPS, QUALITY, SEVERITIES, Check, Report, make_check
from cbdgraph.quality.registry import FOLDER, Accepted, assess, choose, questions, read_accepted, read_checks
from cbdgraph.quality.vocabulary import QUESTIONS
from cbdgraph.quality.writing import (
    COLUMNS,
    DQV,
    describe,
    format_csv,
    format_report_sarif,
    format_text,
    narrow,
    write_lines,
)
from cbdgraph.queries import Query
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from tests.conftest import ROOT

CHECKS = read_checks(ROOT / FOLDER)
BY_NAME = {check.name: check for check in CHECKS}
EXAMPLES = ROOT / "tests" / "quality"
NAMES = sorted(BY_NAME)
_FINDS = re.compile(r"^# finds:(.*)$", re.MULTILINE)
_KNOWN = [
    "ambiguous-notation-references",
    "broken-links",
    "cyclic-hierarchical-relations",
    "disconnected-concept-clusters",
    "disjoint-labels-violation",
    "empty-labels",
    "hierarchical-redundancy",
    "http-uri-scheme-violation",
    "incomplete-language-coverage",
    "inconsistent-preferred-labels",
    "mapping-clashes",
    "mapping-relations-misuse",
    "missing-in-links",
    "missing-labels",
    "missing-out-links",
    "no-common-languages",
    "omitted-or-invalid-language-tags",
    "omitted-top-concepts",
    "orphan-concepts",
    "overlapping-labels",
    "reflexive-relations",
    "relation-clashes",
    "solely-transitively-related-concepts",
    "top-concepts-having-broader-concepts",
    "undefined-skos-resources",
    "undocumented-concepts",
    "unidirectionally-related-concepts",
    "unprintable-characters-in-labels",
    "valueless-associative-relations",
]


def ask(store: Store, checks: Iterable[Check] = CHECKS, accepted: tuple[Accepted, ...] = ()) -> Report:
    """The report on a store, by the same way as the command."""
    chosen = tuple(checks)
    limits = Limits(math.inf, sys.maxsize, sys.maxsize)
    answers = {
        name: store.answer(query, "application/sparql-results+json", limits).bindings
        for name, query in questions(chosen).items()
    }
    return assess(chosen, answers, accepted)


def load(text: str) -> Store:
    store = Store.memory()
    store.load_text(text)
    return store


def read_example(name: str, kind: str) -> tuple[str, set[str]]:
    """The data of an example, and the resources that its comment says are found."""
    text = (EXAMPLES / name / f"{kind}.ttl").read_text(encoding="utf-8")
    said = _FINDS.search(text)
    assert said is not None, f"{name}/{kind}.ttl needs a line '# finds: …'"
    return text, {each if ":" in each else BASE + each for each in said[1].split()}


def example(name: str, kind: str = "fail") -> Report:
    return ask(load(read_example(name, kind)[0]), [BY_NAME[name]])


# --- the checks


def test_each_check_has_an_example_of_both_kinds_and_no_example_is_left_over() -> None:
    assert sorted(folder.name for folder in EXAMPLES.iterdir()) == NAMES
    for name in NAMES:
        assert {path.name for path in (EXAMPLES / name).iterdir()} == {"fail.ttl", "pass.ttl"}, name


def test_the_checks_of_qskos_are_all_there_by_their_names() -> None:
    assert sorted(check.name for check in CHECKS if check.is_known) == _KNOWN
    for check in CHECKS:
        assert check.name == re.sub(r"[^a-z0-9]+", "-", check.title.lower()), check.title


@pytest.mark.parametrize("name", NAMES)
def test_a_check_finds_what_it_is_for(name: str) -> None:
    text, expected = read_example(name, "fail")
    (result,) = ask(load(text), [BY_NAME[name]]).results
    assert expected
    assert {finding.resource for finding in result.findings} == expected
    assert result.outcome.startswith(f"{len(expected)} open; looked at ")


@pytest.mark.parametrize("name", NAMES)
def test_a_check_finds_nothing_in_data_without_the_fault_though_it_looks(name: str) -> None:
    text, expected = read_example(name, "pass")
    (result,) = ask(load(text), [BY_NAME[name]]).results
    assert not expected
    assert [finding.resource for finding in result.findings] == []
    assert result.looked_at > 0, "this example shows nothing, for the check has nothing to look at in it"
    assert result.outcome.startswith("found nothing; looked at ")


def test_where_there_is_nothing_to_look_at_each_check_says_so() -> None:
    for result in ask(load("")).results:
        assert (result.looked_at, result.findings) == (0, ())
        assert result.outcome == f"looked at nothing: there are no {result.check.looks}"


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_a_check_says_what_it_means_and_what_to_do(check: Check) -> None:
    assert (check.query is None) != (check.find is None)
    assert check.severity in SEVERITIES
    assert check.group in GROUPS
    for said in (check.meaning, check.remedy):
        assert said[0].isupper()
        assert said.endswith("."), said
        assert 20 < len(said) < 160, said


@pytest.mark.parametrize("check", [each for each in CHECKS if each.query], ids=lambda each: each.name)
def test_a_query_answers_with_the_same_rows_in_rdflib(check: Check) -> None:
    assert check.query is not None
    text, expected = read_example(check.name, "fail")
    rows = Graph().parse(data=text, format="turtle").query(check.query.text)
    assert {str(row["subject"]) for row in rows} == expected  # type: ignore[index,call-overload]


# --- what a finding shows


def test_a_cycle_is_shown_as_the_way_around() -> None:
    ways = {
        f.resource: [str(d).strip("<>").removeprefix(BASE) for d in f.details]
        for f in example("cyclic-hierarchical-relations").findings
    }
    assert ways[BASE + "list/a"] == ["list/a", "list/b", "list/c", "list/a"]
    assert ways[BASE + "list/p"] == ["list/p", "list/q", "list/p"]


def test_a_long_hierarchy_is_no_matter_of_recursion() -> None:
    steps = "\n".join(f"<c/{n}> a skos:Concept ; skos:broader <c/{n + 1}> ." for n in range(5_000))
    head = f"@base <{BASE}> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    store = load(f"{head}{steps}\n<c/5000> a skos:Concept ; skos:broader <c/0> .")
    (result,) = ask(store, [BY_NAME["cyclic-hierarchical-relations"]]).results
    assert len(result.findings[0].details) == 5_002


def test_details_have_their_language_and_the_names_of_what_they_point_to() -> None:
    report = example("overlapping-labels")
    first = next(report.findings)
    assert first.details == (Text("Loss of land", "en"), Iri(BASE + "list/b"))
    assert first.label == Text("Loss of land", "en")
    assert report.names[BASE + "list/b"] == Text("b", "en")
    (finding,) = example("names-without-source").findings
    assert finding.details == (Text("perte", "fr"),)
    (finding,) = example("incomplete-language-coverage").findings
    assert finding.details == (Text("fr"),)
    unprintable = [f.details[0] for f in example("unprintable-characters-in-labels").findings]
    assert unprintable == [Text("wet[U+200B]land", "en"), Text("dry[U+0009]land", "en")]
    (finding,) = example("definition-uses-its-own-term").findings
    assert finding.details == (Text("wetlands", "en"),)
    assert (finding.label, finding.term) == (Text("wetland (x)", "en"), "wetland")


def test_the_same_data_in_any_order_are_the_same_report() -> None:
    text = "\n".join(read_example(name, "fail")[0] for name in NAMES)
    lines = load(text).dump()
    forward, backward = Store.memory(), Store.memory()
    forward.load_text("\n".join(lines), "nquads")
    backward.load_text("\n".join(reversed(lines)), "nquads")
    for write in (format_text, format_csv, format_report_sarif):
        assert write(ask(forward)) == write(ask(backward))
    assert list(write_lines(ask(forward))) == list(write_lines(ask(backward)))


# --- what is accepted, and what is asked for wrongly


def test_an_accepted_finding_is_told_with_its_reason_and_is_not_open() -> None:
    accepted = (("overlapping-labels", "list/*", "They are read under their scheme."),)
    store = load(read_example("overlapping-labels", "fail")[0])
    (result,) = ask(store, [BY_NAME["overlapping-labels"]], accepted).results
    assert len(result.findings) == 2
    assert result.open == ()
    assert result.outcome == "nothing open, 2 accepted; looked at 4 names"
    report = Report((result,), {})
    assert report.counts() == {"error": 0, "warning": 0, "note": 0, "accepted": 2}
    assert "accepted: They are read under their scheme." in format_text(report)
    (run,) = json.loads(format_report_sarif(report))["runs"]
    assert all(each["suppressions"][0]["justification"] for each in run["results"])
    assert not [line for line in write_lines(report) if "ValidationResult>" in line]
    other = (("overlapping-labels", "list/a", "Only this one."), ("empty-labels", "list/b", "Another check."))
    (result,) = ask(store, [BY_NAME["overlapping-labels"]], other).results
    assert [finding.resource for finding in result.open] == [BASE + "list/b"]


def test_every_accepted_finding_of_our_own_data_is_there(graph: Store) -> None:
    found = [(f.check.name, f.resource.removeprefix(BASE)) for f in ask(graph).findings]
    for name, pattern, reason in read_accepted(ROOT / FOLDER):
        fits = [
            path
            for check, path in found
            if check == name and (path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern)
        ]
        assert fits, f"{name} {pattern} is accepted ({reason}), and nothing like it is found: remove the line"


def test_a_table_of_accepted_findings_that_lacks_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "accepted.tsv").write_text("# a comment\n\noverlapping-labels\tlist/a\t\n", encoding="utf-8")
    with pytest.raises(QuerySyntaxError, match="check, resource and reason"):
        read_accepted(tmp_path)


def test_a_query_that_is_no_check_is_refused() -> None:
    query = BY_NAME["missing-labels"].query
    assert query is not None
    for broken in (
        query.text.replace("#+ severity: error", "#+ severity: bad"),
        query.text.replace("#+ remedy:", "#+ other:"),
        query.text.replace("#+ looks: concepts", "#+ looks: everything"),
    ):
        assert broken != query.text
        with pytest.raises(QuerySyntaxError, match="a check of quality needs"):
            make_check(Query.parse("broken", broken))


def test_two_checks_of_one_name_are_refused(tmp_path: Path) -> None:
    query = BY_NAME["missing-labels"].query
    assert query is not None
    (tmp_path / "orphan-concepts.rq").write_text(query.text, encoding="utf-8")
    with pytest.raises(QuerySyntaxError, match="two checks"):
        read_checks(tmp_path)


def test_an_unknown_check_is_told_with_those_most_like_it() -> None:
    assert [check.name for check in choose(CHECKS, ["broken-links"])] == ["broken-links"]
    assert choose(CHECKS, []) == CHECKS
    with pytest.raises(ParameterError, match="did you mean overlapping-labels"):
        choose(CHECKS, ["overlaping-labels"])


# --- the formats


@pytest.fixture(scope="module")
def everything() -> Report:
    """All faults at once."""
    return ask(load("\n".join(read_example(name, "fail")[0] for name in NAMES)))


def test_text_tells_every_check_and_what_to_do(everything: Report) -> None:
    text = format_text(everything)
    for result in everything.results:
        assert f"[{result.check.name}] {result.check.severity}: {result.outcome}" in text
        assert (result.check.remedy in text) == bool(result.findings)
    assert "… and 3 more; --check omitted-or-invalid-language-tags shows all" in format_text(
        narrow(everything, checks=frozenset({"omitted-or-invalid-language-tags"})), shown=1
    )
    assert "… and" not in format_text(everything, shown=10_000)


def test_csv_has_a_row_for_each_finding(everything: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(format_csv(everything))))
    assert len(rows) == len(list(everything.findings)) > 40
    assert tuple(rows[0]) == COLUMNS
    assert {row["check"] for row in rows} == {finding.check.name for finding in everything.findings}
    assert all(row["resource"] and row["remedy"] for row in rows)


def test_json_has_checks_that_found_nothing_too() -> None:
    described = describe(ask(load("")), "0")
    assert {check["name"] for check in described["checks"]} == set(NAMES)
    assert all(check["outcome"].startswith("looked at nothing") for check in described["checks"])
    assert (described["findings"], described["complete"]) == ([], True)


# What SARIF 2.1.0 requires of the objects that are written here (OASIS, sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.28,
# 3.29, 3.30, 3.35, 3.49), as a schema that allows no other members.
_MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "informationUri": {"type": "string", "format": "uri"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "helpUri": {"type": "string", "format": "uri"},
                                                "shortDescription": _MESSAGE,
                                                "help": _MESSAGE,
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "additionalProperties": False,
                                                    "properties": {"level": _LEVEL},
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": _LEVEL,
                                "message": _MESSAGE,
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "properties": {
                                                            "uri": {"type": "string", "format": "uri-reference"}
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1}
                                                        },
                                                    },
                                                },
                                            },
                                            "logicalLocations": {"type": "array", "uniqueItems": True},
                                        },
                                    },
                                },
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                                "suppressions": {
                                    "type": "array",
                                    "uniqueItems": True,
                                    "items": {
                                        "type": "object",
                                        "required": ["kind"],
                                        "properties": {"kind": {"enum": ["inSource", "external"]}},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_sarif_has_what_the_format_requires(everything: Report) -> None:
    log = json.loads(format_report_sarif(everything))
    validator = jsonschema_rs.Draft7Validator(SARIF, validate_formats=True)
    assert [str(error) for error in validator.iter_errors(log)] == []
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == NAMES  # those that found nothing too
    assert len(run["results"]) == len(list(everything.findings))
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert (rule["id"], rule["defaultConfiguration"]["level"]) == (result["ruleId"], result["level"])
    prints = [result["partialFingerprints"]["cbdgraph/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    bad = {**log, "version": "2.0.0"}
    assert not validator.is_valid(bad)


def test_rdf_is_a_validation_report_and_a_measurement_for_each_check(everything: Report) -> None:
    graph = Graph().parse(data="\n".join(write_lines(everything)), format="nt")
    dqv = Namespace(DQV)
    (report,) = graph.subjects(RDF.type, SH.ValidationReport)
    assert list(graph.objects(report, SH.conforms)) == [Literal(False)]
    results = list(graph.objects(report, SH.result))
    assert len(results) == len(list(everything.findings))
    for result in results:
        # SHACL 3.6.2: what each result must have, once.
        for needed in (SH.focusNode, SH.resultSeverity, SH.sourceConstraintComponent, SH.sourceShape):
            assert len(list(graph.objects(result, needed))) == 1
        assert len(list(graph.objects(result, SH.value))) <= 1
    metrics = set(graph.subjects(RDF.type, dqv.Metric))
    assert metrics == {URIRef(f"{QUALITY}#{name}") for name in NAMES}
    for measured in graph.subjects(RDF.type, dqv.QualityMeasurement):
        (metric,) = graph.objects(measured, dqv.isMeasurementOf)
        (value,) = graph.objects(measured, dqv.value)
        assert isinstance(value, Literal)
        assert value.toPython() == len(list(graph.subjects(SH.sourceShape, metric)))
    good = Graph().parse(data="\n".join(write_lines(ask(load("")))), format="nt")
    assert list(good.objects(None, SH.conforms)) == [Literal(True)]
    assert len(set(good.subjects(RDF.type, dqv.QualityMeasurement))) == len(NAMES)


def test_a_report_is_narrowed_to_checks_severities_and_terms(everything: Report) -> None:
    assert [r.check.name for r in narrow(everything, checks=frozenset({"broken-links"})).results] == ["broken-links"]
    for severity in SEVERITIES:
        assert {r.check.severity for r in narrow(everything, severity=severity).results} == {severity}
    assert {f.term for f in narrow(everything, term="wetland").findings} == {"wetland"}
    assert list(narrow(everything).findings) == list(everything.findings)


# --- our own data, and much data


def test_our_own_vocabularies_have_no_error(graph: Store) -> None:
    report = ask(graph)
    assert [f"{f.check.name} {f.resource}" for f in report.findings if f.check.severity == "error"] == []
    files = {finding.file for finding in report.findings}
    assert "" not in files
    assert all((ROOT / file).is_file() for file in files)
    assert all(result.looked_at for result in report.results if result.check.looks == "concepts")


@pytest.mark.slow
def test_a_vocabulary_of_ten_thousand_terms_is_no_matter_of_minutes() -> None:
    times = {}
    for size in (2_500, 10_000):
        store = Store.memory()
        for graph in ("", f"{GRAPHS}terms"):  # as in a built store
            store.insert(graph, _many(size))
        start = time.process_time()
        report = ask(store)
        times[size] = time.process_time() - start
        assert sum(result.check.looks == "terms" and result.looked_at == size for result in report.results) >= 2
        assert report.counts()["error"] == 0
    # Four times the terms; what is quadratic takes sixteen times as long.
    assert times[10_000] < 10 * times[2_500] + 1, times
    assert times[10_000] < 120


def _many(size: int) -> Iterator[str]:
    """Terms in a tree of eight below each, with names in six languages, all alike in part, and two definitions."""
    cbd, skos = f"{BASE}ontology#", "http://www.w3.org/2004/02/skos/core#"
    yield f"<{BASE}term> <{RDF.type}> <{skos}ConceptScheme> ."
    yield f'<{BASE}term> <{skos}prefLabel> "terms"@en .'
    for n in range(size):
        term = f"<{BASE}term/t{n}>"
        yield f"{term} <{RDF.type}> <{cbd}Term> ."
        yield f"{term} <{skos}inScheme> <{BASE}term> ."
        if n:
            yield f"{term} <{skos}broader> <{BASE}term/t{(n - 1) // 8}> ."
        if n > 9:  # and never one that is above it
            yield f"{term} <{skos}related> <{BASE}term/t{n - 1}> ."
        for language in ("en", "fr", "es", "ru", "zh", "ar"):
            yield f'{term} <{skos}prefLabel> "name {n}"@{language} .'
            yield f'{term} <{skos}altLabel> "the same for all"@{language} .'
        for source in ("x", "y"):
            definition = f"<{BASE}term/t{n}/definition/{source}>"
            yield f"{definition} <{RDF.type}> <{cbd}Definition> ."
            yield f"{definition} <{cbd}definitionOf> {term} ."
            yield f'{definition} <{cbd}wording> "What everybody says of everything."@en .'


def test_the_questions_are_answered_by_rows_that_have_what_is_read(graph: Store) -> None:
    for name, query in QUESTIONS.items():
        assert graph.select(query).rows, name


def test_every_query_is_parsed_by_the_engine() -> None:
    for check in CHECKS:
        if check.query is not None:
            pyoxigraph.Store().query(check.query.text)


def test_the_documentation_has_every_check_as_it_is() -> None:
    text = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)`(.*)$", text, re.MULTILINE))
    assert sorted(rows) == NAMES
    for group in GROUPS:
        section = next(part for part in text.split("\n## ") if part.lower().startswith(group))
        assert re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE) == [c.name for c in CHECKS if c.group == group]
    for each in CHECKS:
        known = " (qSKOS)" if each.is_known else ""
        made = "query" if each.query is not None else "function"
        source = " Only a source can settle it." if each.needs_source else ""
        assert rows[each.name] == f"{known} | {each.severity} | {made} | {each.meaning} *{each.remedy}*{source} |"
    assert f"{len(CHECKS)} checks" in text
    assert f"{sum(each.is_known for each in CHECKS)} of them" in text
    for column in COLUMNS:
        assert f"`{column}`" in text
