"""A report in; text, CSV, JSON, SARIF and lines of N-Triples out; the same report, the same bytes, and no clock.

The RDF is a SHACL validation report, one result for each open finding, and a measurement of the Data Quality
Vocabulary (https://www.w3.org/TR/vocab-dqv/) for each check: how many findings are open, also where that is none.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, PREFIXES, expand
from cbdgraph.quads import make_triple
from cbdgraph.quality.checks import GROUPS, QSKOS, QUALITY, SEVERITIES, Check, Finding, Report, Result
from cbdgraph.quality.vocabulary import Detail
from cbdgraph.reports import Problem, Rule, Severity, ValidationReport, format_sarif, format_term

DQV: Final = "http://www.w3.org/ns/dqv#"
WRITTEN_PREFIXES: Final = MappingProxyType({**PREFIXES, "dqv": DQV, "quality": QUALITY + "#"})
COLUMNS: Final = (
    "check",
    "severity",
    "group",
    "resource",
    "label",
    "language",
    "term",
    "details",
    "meaning",
    "remedy",
    "needs_source",
    "file",
    "line",
    "accepted",
)
_SHACL: Final[Mapping[str, Severity]] = {"error": "violation", "warning": "warning", "note": "info"}
_SHOWN: Final = 20  # findings of one check in a text, as many as a person reads


def format_detail(detail: Detail) -> str:
    """A detail as a person writes it in a file of this project.

    >>> format_detail(Text("loss", "en")), format_detail(Iri("https://w3id.org/cbdgraph/term/loss"))
    ('"loss"@en', '<term/loss>')
    """
    if isinstance(detail, Iri):
        return format_term(detail.value)
    return str(detail) if detail.language else detail.value


def _details(finding: Finding) -> str:
    return ", ".join(map(format_detail, finding.details))


# --- for people


def format_text(report: Report, *, shown: int = _SHOWN) -> str:
    """By check what was found, where it stands and what to do; of many findings the first, and how many there are."""
    lines: list[str] = []
    for result in report.results:
        check = result.check
        lines.append(f"{check.title} [{check.name}] {check.severity}: {result.outcome}")
        if not result.findings:
            continue
        source = " Only a source can settle it." if check.needs_source else ""
        lines += [f"  {check.meaning}", f"  {check.remedy}{source}"]
        for finding in result.findings[:shown]:
            place = (
                f"{finding.file}:{finding.line}: " if finding.line else f"{finding.file}: " if finding.file else ""
            )
            details = f": {_details(finding)}" if finding.details else ""
            lines.append(f"    {place}{format_term(finding.resource)} “{finding.label.value}”{details}")
            if finding.accepted:
                lines.append(f"      accepted: {finding.accepted}")
        if len(result.findings) > shown:
            lines.append(f"    … and {len(result.findings) - shown:,} more; --check {check.name} shows all")
        lines.append("")
    counts = report.counts()
    named = ", ".join(f"{counts[name]:,} {name}{'s' if counts[name] != 1 else ''}" for name in SEVERITIES)
    return "\n".join([*lines, f"Open: {named}; {counts['accepted']:,} accepted."]) + "\n"


def format_csv(report: Report) -> str:
    """One row for each finding; several details stand in one cell, between semicolons."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in report.findings:
        check = finding.check
        writer.writerow(
            [
                check.name,
                check.severity,
                check.group,
                finding.resource,
                finding.label.value,
                finding.label.language,
                finding.term,
                "; ".join(map(format_detail, finding.details)),
                check.meaning,
                check.remedy,
                "yes" if check.needs_source else "no",
                finding.file,
                finding.line or "",
                finding.accepted,
            ]
        )
    return out.getvalue()


# --- for programs


def describe(report: Report, release: str, links: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """The report as plain values for JSON: counts, every check with how it ended, every finding."""
    return {
        "release": release,
        "complete": True,
        "counts": report.counts(),
        "checks": [_describe_result(result) for result in report.results],
        "findings": [_describe_finding(finding, report.names) for finding in report.findings],
        "links": dict(links),
    }


def format_json(report: Report, release: str) -> str:
    """`describe` as text."""
    return json.dumps(describe(report, release), ensure_ascii=False, indent=1) + "\n"


def _describe_result(result: Result) -> dict[str, Any]:
    check = result.check
    return {
        "name": check.name,
        "title": check.title,
        "iri": check.iri,
        "group": check.group,
        "severity": check.severity,
        "meaning": check.meaning,
        "remedy": check.remedy,
        "needs_source": check.needs_source,
        "defined_by": QSKOS if check.is_known else None,
        "made_by": "query" if check.query is not None else "function",
        "looked_at": result.looked_at,
        "looks_at": check.looks,
        "open": len(result.open),
        "accepted": len(result.findings) - len(result.open),
        "outcome": result.outcome,
    }


def _describe_finding(finding: Finding, names: Mapping[str, Text]) -> dict[str, Any]:
    return {
        "check": finding.check.name,
        "severity": finding.check.severity,
        "resource": finding.resource,
        "label": finding.label.value,
        "language": finding.label.language,
        "term": finding.term or None,
        "details": [_describe_detail(detail, names) for detail in finding.details],
        "remedy": finding.check.remedy,
        "needs_source": finding.check.needs_source,
        "file": finding.file or None,
        "line": finding.line or None,
        "accepted": finding.accepted or None,
    }


def _describe_detail(detail: Detail, names: Mapping[str, Text]) -> dict[str, str]:
    if isinstance(detail, Iri):
        return {"iri": detail.value, "label": names[detail.value].value if detail.value in names else ""}
    return {"text": detail.value, "language": detail.language}


def format_report_sarif(report: Report) -> str:
    """SARIF 2.1.0 by the writer of validation reports; what is accepted is suppressed, with its reason."""
    rules = [
        Rule(check.iri, check.title, check.meaning, check.remedy, _SHACL[check.severity])
        for check in (result.check for result in report.results)
    ]
    problems = {_problem(finding): finding for finding in report.findings}
    validation = ValidationReport(tuple(problems), files=tuple(sorted({p.file for p in problems if p.file})))
    accepted = {problem: finding.accepted for problem, finding in problems.items() if finding.accepted}
    return format_sarif(validation, rules, accepted)


def _problem(finding: Finding) -> Problem:
    check = finding.check
    about = f"{check.title} ({finding.label.value})"
    return Problem(
        file=finding.file,
        line=finding.line,
        subject=finding.resource,
        path="",
        value=_details(finding),
        message=f"{about}: {_details(finding)}" if finding.details else about,
        remedy=check.remedy,
        severity=_SHACL[check.severity],
        rule=check.iri,
        component=_component(check),
    )


def _component(check: Check) -> str:
    """What found it: SHACL has a name for queries; for our functions there is one of our own."""
    return f"{PREFIXES['sh']}SPARQLConstraintComponent" if check.query is not None else f"{QUALITY}#function"


def write_lines(report: Report) -> Iterator[str]:
    """Lines of N-Triples; open findings only are results, accepted ones are counted in words."""
    whole = Iri(f"{QUALITY}#report")
    is_open = any(result.open for result in report.results)
    yield make_triple(whole, "rdf:type", Iri(expand("sh:ValidationReport")))
    yield make_triple(whole, "sh:conforms", _typed("false" if is_open else "true", "boolean"))
    if accepted := report.counts()["accepted"]:
        said = (
            f"Findings that were accepted, and are no results: {accepted}; CSV and JSON have them with their reasons."
        )
        yield make_triple(whole, "rdfs:comment", Text(said, language="en"))
    for group in GROUPS:
        dimension = Iri(f"{QUALITY}#{group}")
        yield make_triple(dimension, "rdf:type", Iri(DQV + "Dimension"))
        yield make_triple(dimension, "skos:prefLabel", Text(group, language="en"))
    for result in report.results:
        yield from _write_measurement(result)
        for finding in result.open:
            if focus := Iri.find(finding.resource):
                yield from _write_result(whole, focus, finding)


def _write_measurement(result: Result) -> Iterator[str]:
    check = result.check
    metric, measured = Iri(check.iri), Iri(f"{check.iri}-measurement")
    yield make_triple(metric, "rdf:type", Iri(DQV + "Metric"))
    yield make_triple(metric, "skos:prefLabel", Text(check.title, language="en"))
    yield make_triple(metric, "skos:definition", Text(check.meaning, language="en"))
    yield make_triple(metric, DQV + "inDimension", Iri(f"{QUALITY}#{check.group}"))
    yield make_triple(metric, DQV + "expectedDataType", Iri(expand("xsd:integer")))
    if check.is_known:
        yield make_triple(metric, "rdfs:seeAlso", Iri(QSKOS))
    yield make_triple(measured, "rdf:type", Iri(DQV + "QualityMeasurement"))
    yield make_triple(measured, DQV + "isMeasurementOf", metric)
    yield make_triple(measured, DQV + "computedOn", Iri(BASE + "dataset"))
    yield make_triple(measured, DQV + "value", _typed(str(len(result.open)), "integer"))
    yield make_triple(measured, "rdfs:comment", Text(result.outcome, language="en"))


def _write_result(whole: Iri, focus: Iri, finding: Finding) -> Iterator[str]:
    check = finding.check
    number = hashlib.sha256(finding.resource.encode()).hexdigest()[:16]
    result = Iri(f"{check.iri}-{number}")
    message = f"{check.meaning} {check.remedy}"
    yield make_triple(whole, "sh:result", result)
    yield make_triple(result, "rdf:type", Iri(expand("sh:ValidationResult")))
    yield make_triple(result, "sh:focusNode", focus)
    yield make_triple(result, "sh:resultSeverity", Iri(expand(f"sh:{_SHACL[check.severity].capitalize()}")))
    yield make_triple(result, "sh:resultMessage", Text(message, language="en"))
    yield make_triple(result, "sh:sourceShape", Iri(check.iri))
    yield make_triple(result, "sh:sourceConstraintComponent", Iri(_component(check)))
    if len(finding.details) == 1:  # SHACL 3.6.2.5: at most one value
        yield make_triple(result, "sh:value", finding.details[0])
    for detail in finding.details:
        yield make_triple(result, "rdf:value", detail)


def _typed(value: str, name: str) -> Text:
    return Text(value, datatype=Iri(expand(f"xsd:{name}")))


def narrow(report: Report, *, checks: frozenset[str] = frozenset(), severity: str = "", term: str = "") -> Report:
    """The report for some checks, one severity and one term's slug; an empty one narrows nothing."""
    kept = [
        replace(
            result,
            findings=tuple(finding for finding in result.findings if not term or finding.term == term),
        )
        for result in report.results
        if (not checks or result.check.name in checks) and severity in {"", result.check.severity}
    ]
    return Report(tuple(kept), report.names)
