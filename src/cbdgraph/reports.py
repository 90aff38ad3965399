"""Problems found in data in; a report as text, JSON, Turtle, SARIF or JUnit XML out; finds no problem itself.

Standard library only. Same problems, same bytes: no clock, no random names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import groupby
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import quote
from xml.etree import ElementTree

from cbdgraph.model import Text
from cbdgraph.namespaces import BASE, PREFIXES

Severity = Literal["violation", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("violation", "warning", "info")
_RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the data, and what to do about it.

    `file` is the path (or graph IRI) in which the subject stands and `line` where its block begins, from 1, 0 if
    unknown. `subject` is an IRI (`_:b1` for a blank node, empty for a whole file), `path` the IRI of the property,
    `value` the value in N-Triples form; both may be empty. `rule` is the IRI of the shape or check that found it,
    `component` that of the kind of SHACL constraint, empty for checks.
    """

    file: str
    line: int
    subject: str
    path: str
    value: str
    message: str
    remedy: str
    severity: Severity
    rule: str
    component: str = ""

    @property
    def sort_key(self) -> tuple[str, int, str, int, str, str, str]:
        """By place in the data, then the worst first."""
        return (self.file, self.line, self.subject, _RANK[self.severity], self.rule, self.path, self.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule is, whether it found something or not; `iri` as in `Problem.rule`."""

    iri: str
    title: str
    meaning: str
    remedy: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What a validation found: the problems in order, and what was looked at.

    `files` are those checked, `rules` the IRIs of all shapes and checks applied, `focus_nodes` counts the subjects
    that at least one shape looked at, `unmet` are the node shapes that met none.
    """

    problems: tuple[Problem, ...]
    files: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    focus_nodes: int = 0
    unmet: tuple[str, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether the data may be built: no problem of severity violation."""
        return self.count("violation") == 0

    def count(self, severity: Severity) -> int:
        """How many problems are of that severity."""
        return sum(problem.severity == severity for problem in self.problems)

    def joined(self, problems: Iterable[Problem], rules: Iterable[str] = ()) -> ValidationReport:
        """This report with further problems, in order, less those that it tells already.

        A check may find across subjects what a shape found at one: same subject, and same value or property.
        """
        told = {
            (problem.subject, about) for problem in self.problems for about in (problem.value, problem.path) if about
        }
        new = [p for p in problems if (p.subject, p.value) not in told and (p.subject, p.value[1:-1]) not in told]
        return replace(
            self,
            problems=tuple(sorted({*self.problems, *new}, key=lambda problem: problem.sort_key)),
            files=tuple(sorted({*self.files, *(problem.file for problem in new if problem.file)})),
            rules=(*self.rules, *rules),
        )


_LOCAL_NAME: Final = re.compile(r"[A-Za-z_][\w-]*\Z")
_LONGEST_VALUE: Final = 120


def format_term(term: str) -> str:
    """An IRI or a term in N-Triples form as a person writes it in a file of this project.

    >>> format_term("https://w3id.org/cbdgraph/ontology#number"), format_term("<https://w3id.org/cbdgraph/issue/x>")
    ('cbd:number', '<issue/x>')
    >>> format_term('"15"^^<http://www.w3.org/2001/XMLSchema#decimal>')
    '"15"^^xsd:decimal'
    """
    if term.startswith('"'):
        head, mark, datatype = term.rpartition('"^^')
        shown = f'{head}"^^{format_term(datatype)}' if mark else term
        return shown if len(shown) <= _LONGEST_VALUE else shown[: _LONGEST_VALUE - 1] + "…"
    if term.startswith("_:"):
        return term
    iri = term.removeprefix("<").removesuffix(">")
    for prefix, start in PREFIXES.items():
        if iri.startswith(start) and _LOCAL_NAME.match(iri, len(start)):
            return f"{prefix}:{iri[len(start) :]}"
    return f"<{iri.removeprefix(BASE)}>"


# As many faults of one rule in one file as a person needs to see what is wrong.
_SHOWN: Final = 5


def format_text(report: ValidationReport) -> str:
    """For people: by file and subject what is wrong and what to do, then the counts."""
    lines: list[str] = []
    for file, in_file in groupby(report.problems, key=lambda problem: problem.file):
        lines += [file or "(no file)"]
        seen: Counter[str] = Counter()
        last = ""
        for problem in in_file:
            seen[problem.rule] += 1
            if seen[problem.rule] > _SHOWN:
                continue
            if problem.subject != last or not problem.subject:
                place = f"line {problem.line}: " if problem.line else ""
                lines.append(f"  {place}{format_term(problem.subject) if problem.subject else 'the file'}")
                last = problem.subject
            lines += [
                f"    {problem.severity}: {problem.message}",
                f"      {problem.remedy} [{_short(problem.rule)}]",
            ]
        lines += [
            f"  … and {count - _SHOWN} more of [{_short(rule)}]" for rule, count in seen.items() if count > _SHOWN
        ]
        lines.append("")
    unread = {problem.file for problem in report.problems if problem.rule == f"{BASE}checks#syntax"}
    if set(report.files) - unread and not report.focus_nodes:
        lines += [
            "No subject is of a class that the shapes know: give each record its class, such as cbd:Decision.",
            "",
        ]
    if report.unmet:
        lines += [f"These shapes met no subject: {', '.join(map(_short, report.unmet))}.", ""]
    return "\n".join([*lines, _counts(report)]) + "\n"


def format_json(report: ValidationReport) -> str:
    """For programs: every field of the report and its problems, in the report's order."""
    counts = {severity: report.count(severity) for severity in SEVERITIES}
    return _dump({"conforms": report.conforms, "counts": counts, **asdict(report)})


def format_turtle(report: ValidationReport) -> str:
    """A SHACL validation report (SHACL 3.6) in Turtle; results of checks carry no constraint component of SHACL's."""
    results = "".join(f" ;\n    sh:result {_turtle_result(problem)}" for problem in report.problems)
    used = ("cbdsh", "sh", "xsd")
    prefixes = "\n".join(f"@prefix {prefix}: <{PREFIXES[prefix]}> ." for prefix in used)
    conforms = "true" if not report.problems else "false"
    return f"{prefixes}\n\n[] a sh:ValidationReport ;\n    sh:conforms {conforms}{results} .\n"


def _turtle_result(problem: Problem) -> str:
    severity = problem.severity.capitalize()
    pairs = [
        ("sh:focusNode", _turtle_node(problem.subject or problem.file or BASE)),
        ("sh:resultPath", f"<{problem.path}>" if problem.path else ""),
        ("sh:value", problem.value),
        ("sh:resultSeverity", f"sh:{severity}"),
        ("sh:resultMessage", str(Text(f"{problem.message}. {problem.remedy}", language="en"))),
        ("sh:sourceShape", f"<{problem.rule}>"),
        ("sh:sourceConstraintComponent", f"<{_component(problem)}>"),
    ]
    body = " ;\n        ".join(f"{name} {value}" for name, value in pairs if value)
    return f"[\n        a sh:ValidationResult ;\n        {body} ]"


def _turtle_node(name: str) -> str:
    if name.startswith("_:"):
        return name
    return f"<{quote(name, safe=_IRI_SAFE)}>"


def _component(problem: Problem) -> str:
    return problem.component or f"{PREFIXES['sh']}SPARQLConstraintComponent"


_IRI_SAFE: Final = ":/?#[]@!$&'()*+,;=%~"
_SARIF_LEVEL: Final = {"violation": "error", "warning": "warning", "info": "note"}


def format_sarif(
    report: ValidationReport, described: Iterable[Rule] = (), accepted: Mapping[Problem, str] = MappingProxyType({})
) -> str:
    """SARIF 2.1.0, which code hosts and editors show beside the lines of a file.

    Rules that are `described` say what they are although they found nothing; an `accepted` problem is suppressed, and
    its text says why.
    """
    told = {rule.iri: rule for rule in described}
    found = sorted({*report.rules, *told, *(problem.rule for problem in report.problems)})
    first = {problem.rule: problem for problem in reversed(report.problems)}
    rules = []
    for rule in found:
        entry: dict[str, object] = {"id": _short(rule), "name": _short(rule), "helpUri": rule}
        if rule in told:
            entry |= {
                "name": told[rule].title,
                "shortDescription": {"text": told[rule].meaning},
                "help": {"text": told[rule].remedy},
                "defaultConfiguration": {"level": _SARIF_LEVEL[told[rule].severity]},
            }
        elif rule in first:
            entry |= {
                "help": {"text": first[rule].remedy},
                "defaultConfiguration": {"level": _SARIF_LEVEL[first[rule].severity]},
            }
        rules.append(entry)
    index = {rule: number for number, rule in enumerate(found)}
    driver = {
        "name": "cbdgraph",
        "version": version("cbdgraph"),
        "informationUri": BASE,
        "rules": rules,
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [
            _sarif_result(problem, index[problem.rule], accepted.get(problem, "")) for problem in report.problems
        ],
    }
    return _dump({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})


def _sarif_result(problem: Problem, rule: int, accepted: str) -> dict[str, object]:
    location: dict[str, object] = {}
    if problem.file:
        place: dict[str, object] = {"artifactLocation": {"uri": quote(problem.file, safe=_IRI_SAFE)}}
        if problem.line:
            place["region"] = {"startLine": problem.line}
        location["physicalLocation"] = place
    if problem.subject:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.subject, "kind": "resource"}]
    # Without the line, so that a fault keeps its identity when others above it are mended.
    what = "\n".join((problem.file, problem.subject, problem.rule, problem.path, problem.value))
    return {
        "ruleId": _short(problem.rule),
        "ruleIndex": rule,
        "level": _SARIF_LEVEL[problem.severity],
        "message": {"text": f"{_subject(problem)}: {problem.message}. {problem.remedy}"},
        "locations": [location] if location else [],
        "partialFingerprints": {"cbdgraph/v1": hashlib.sha256(what.encode()).hexdigest()},
        **({"suppressions": [{"kind": "external", "justification": accepted}]} if accepted else {}),
    }


def format_junit(report: ValidationReport) -> str:
    """JUnit XML: a suite for each file, a case for each of its faults; a file without any is one case that passes.

    JUnit knows no warnings: a violation fails its case, anything less passes and stands in the case's output.
    """
    root = ElementTree.Element("testsuites", name="cbdgraph validate")
    by_file = {file: [p for p in report.problems if p.file == file] for file in report.files}
    by_file |= {p.file: [q for q in report.problems if q.file == p.file] for p in report.problems}
    tests = failed = 0
    for file, problems in sorted(by_file.items()):
        failures = sum(problem.severity == "violation" for problem in problems)
        cases = max(1, len(problems))
        tests, failed = tests + cases, failed + failures
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml(file or "(no file)"),
            tests=str(cases),
            failures=str(failures),
            errors="0",
            skipped="0",
            time="0",
        )
        for problem in problems:
            names = {
                "name": _xml(f"{_subject(problem)} {_short(problem.rule)}"),
                "classname": _xml(file),
                "time": "0",
            }
            case = ElementTree.SubElement(suite, "testcase", names)
            said = _xml(f"{problem.message}. {problem.remedy}")
            place = f"{_xml(file)}:{problem.line}\n" if problem.line else ""
            if problem.severity == "violation":
                kind = {"type": _short(problem.rule), "message": _xml(problem.message)}
                ElementTree.SubElement(case, "failure", kind).text = place + said
            else:
                ElementTree.SubElement(case, "system-out").text = f"{place}{problem.severity}: {said}"
        if not problems:
            ElementTree.SubElement(suite, "testcase", name="no faults", classname=_xml(file), time="0")
    root.set("tests", str(tests))
    root.set("failures", str(failed))
    root.set("errors", "0")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


# What `cbdgraph validate --format` takes.
FORMATS: Final[Mapping[str, Callable[[ValidationReport], str]]] = MappingProxyType(
    {
        "text": format_text,
        "json": format_json,
        "turtle": format_turtle,
        "sarif": format_sarif,
        "junit": format_junit,
    }
)


def _counts(report: ValidationReport) -> str:
    named = (
        (report.count("violation"), "violation"),
        (report.count("warning"), "warning"),
        (report.count("info"), "hint"),
    )
    found = ", ".join(_number(count, word) for count, word in named if count) or "No faults"
    faulty = len({problem.file for problem in report.problems})
    where = f" in {faulty} of {_number(max(faulty, len(report.files)), 'file')}" if faulty else ""
    looked = f"{_number(report.focus_nodes, 'subject')} looked at, {_number(len(report.rules), 'rule')} applied"
    return f"{found}{where}; {looked}."


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _subject(problem: Problem) -> str:
    return format_term(problem.subject) if problem.subject else problem.file


def _short(rule: str) -> str:
    """`Decision-number` for a shape, `orphan-part` for a check: what a person searches for."""
    return rule.rpartition("#")[2] or rule


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _xml(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
