"""What a proposal holds: each thing that was found with what becomes of it, and the records; values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from cbdgraph.ingest.reading import Reading
from cbdgraph.ingest.records import Record
from cbdgraph.model import Certainty


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: in which part, its words, what it is read as, how sure, and the reason if less.

    `state` says what becomes of it: "new" (proposed), "recorded" (there already) or "kept" (only reported).
    """

    kind: str
    part: str
    words: str
    meaning: str
    certainty: Certainty
    reason: str
    state: str


@dataclass(slots=True)
class Proposal:
    """What one document adds: records in the order in which they are written, and all that was found in it."""

    reading: Reading
    document: str
    records: list[Record] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
