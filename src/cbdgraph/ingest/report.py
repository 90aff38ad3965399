"""Proposals in, what a person reads before accepting them out: what was found, how sure, and what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from cbdgraph.ingest.findings import Finding, Proposal
from cbdgraph.ingest.records import path_of_record

_KINDS: Final = {
    "citation": "citations",
    "target": "targets",
    "request": "requests",
    "definition": "definitions",
    "figure": "figures",
    "term": "term uses",
}
_SURE: Final = ("certain", "probable", "ambiguous", "unresolved")
_LONGEST: Final = 90


def format_summary(proposal: Proposal, details: bool = True) -> str:
    """A summary of one document; with `details` every finding that is not certain, and all that stays out."""
    return "\n".join(_lines(proposal, details)) + "\n"


def _lines(proposal: Proposal, details: bool) -> Iterator[str]:
    reading = proposal.reading
    yield f"{reading.name} -> {path_of_record(proposal.document)}"
    guessed = " (guessed)" if reading.language_guessed else ""
    coded = f", {reading.encoding}{' (guessed)' if reading.encoding_guessed else ''}" if reading.encoding else ""
    size = f"{reading.characters:,} characters in {len(reading.parts)} parts"
    yield f"  language {reading.language}{guessed}{coded}; {size}"
    for warning in (*proposal.notes, *reading.warnings):
        yield f"  note: {warning}"
    for kind, name in _KINDS.items():
        rows = [finding for finding in proposal.findings if finding.kind == kind]
        if rows:
            yield f"  {name:<12}{len(rows):>5}: {_counts(rows)}"
    new = Counter(record.subject.removeprefix("https://").split("/")[2] for record in proposal.records)
    if proposal.records:
        kinds = ", ".join(f"{count} under {name}/" for name, count in sorted(new.items()))
        yield f"  new records {len(proposal.records):>5}: {kinds}"
    if details:
        yield from _details(proposal.findings)


def _counts(rows: list[Finding]) -> str:
    sure = Counter(finding.certainty for finding in rows)
    state = Counter(finding.state for finding in rows)
    said = [f"{sure[name]} {name}" for name in _SURE if sure[name]]
    said += [f"{state[name]} {words}" for name, words in _STATES.items() if state[name]]
    return ", ".join(said)


_STATES: Final = {"new": "new", "recorded": "recorded already", "kept": "only reported"}


def _details(findings: Iterable[Finding]) -> Iterator[str]:
    for certainty in _SURE[1:]:
        rows = [finding for finding in findings if finding.certainty == certainty and finding.state != "recorded"]
        if rows:
            yield f"  {certainty}:"
            yield from map(_line, rows)
    rows = [finding for finding in findings if finding.certainty == "certain" and finding.state == "kept"]
    if rows:
        yield "  certain, and not proposed:"
        yield from map(_line, rows)


def _line(finding: Finding) -> str:
    words = " ".join(finding.words.split())
    words = words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
    reason = f" ({finding.reason})" if finding.reason else ""
    return f"    {finding.part or 'head'}: “{words}” -> {finding.meaning}{reason}"


def format_total(proposals: list[Proposal], failed: int) -> str:
    """One line for a whole folder."""
    counts = Counter(finding.kind for proposal in proposals for finding in proposal.findings)
    new = sum(len(proposal.records) for proposal in proposals)
    found = ", ".join(f"{counts[kind]:,} {name}" for kind, name in _KINDS.items() if counts[kind]) or "nothing"
    bad = f"; {failed} could not be read" if failed else ""
    return f"{len(proposals):,} documents read{bad}: {found}; {new:,} new records\n"
