"""All verdicts and whether they may be so: a suite or none in, findings and their faults out; writes nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.conformance import description, engine, protocol, service
from tests.conformance.engine import Verdict
from tests.conformance.protocol import GRAPH_STORE, PROTOCOL, Outcome, read_cases
from tests.conformance.suite import ROOT, Case, Suite

EXCUSES: Final = ROOT / "tests" / "conformance" / "excuses.toml"
QUERIES: Final = frozenset({"evaluation", "positive", "negative"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A test of files: the engine's verdict where it is asked, and the service's."""

    case: Case
    engine: Verdict | None
    service: Verdict


@dataclass(frozen=True, slots=True)
class Excuse:
    """What may fail and why."""

    of: str
    reason: str
    tests: tuple[str, ...]


@dataclass(slots=True)
class Findings:
    """What was found; `queries` hold the tests of queries, `refusals` those of updates and of SERVICE."""

    requests: Mapping[str, list[Outcome]]
    queries: list[Finding] = field(default_factory=list)
    refusals: list[Finding] = field(default_factory=list)
    not_claimed: list[Case] = field(default_factory=list)
    written: bool = False  # whether an update changed anything

    def failed(self, of: str) -> dict[str, str]:
        """The tests that fail, with what was found; `of` as in an excuse."""
        if of == "engine":
            return {each.case.name: each.engine.reason for each in self.queries if each.engine and each.engine.reason}
        if of == "service":
            found = [each for each in self.queries if each.engine and each.engine.passed != each.service.passed]
            found += [each for each in self.refusals if not each.service.passed]
            return {each.case.name: each.service.reason or "passes, unlike the engine" for each in found}
        return {each.name: each.answer for each in self.requests.get(of, []) if each.verdict == "fail"}


def read_excuses() -> list[Excuse]:
    """The excuses, in the order of their file."""
    rows = tomllib.loads(EXCUSES.read_text(encoding="utf-8"))["excuse"]
    return [Excuse(row["of"], row["reason"], tuple(row["tests"])) for row in rows]


def ask_requests(client: httpx.Client) -> dict[str, list[Outcome]]:
    """The tests that need no files, by the service of `protocol.serving`."""
    return {
        "protocol": [protocol.judge_protocol(client, case) for case in read_cases(PROTOCOL)],
        "graph-store": [protocol.judge_graph_store(client, case) for case in read_cases(GRAPH_STORE)],
        "description": description.judge(client),
    }


def find(suite: Suite) -> Findings:
    """Run everything."""
    with protocol.serving() as client:
        findings = Findings(ask_requests(client))
    cases = suite.cases()
    with service.serving(suite, cases) as running:
        before = running.triples()
        for case in cases:
            if case.kind in QUERIES:
                findings.queries.append(Finding(case, engine.judge(suite, case), running.judge(case)))
            elif case.kind == "entailment":
                findings.not_claimed.append(case)
            else:
                findings.refusals.append(Finding(case, None, running.judge(case)))
        findings.written = running.triples() != before
    return findings


def find_faults(
    findings: Findings, excuses: Iterable[Excuse], *, kinds: Iterable[str], strict: bool = True
) -> list[str]:
    """Failures without an excuse and, if strict, excuses without a failure; of these kinds of excuse."""
    excuses = list(excuses)
    faults = ["an update changed what is served"] if findings.written else []
    for kind in kinds:
        failed = findings.failed(kind)
        excused = {test for excuse in excuses if excuse.of == kind for test in excuse.tests}
        faults += [f"{kind}: {name} fails: {failed[name]}" for name in sorted(failed.keys() - excused)]
        unneeded = sorted(excused - failed.keys()) if strict else []
        faults += [f"{kind}: the excuse for {name} is not needed any more" for name in unneeded]
    return faults
