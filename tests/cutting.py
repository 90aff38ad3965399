"""Releases for tests: a log of three, made of the real first one, with all that can happen to a resource.

0.1.0   the real first release
0.2.0   a title is changed, an issue is created, a shape with blank nodes is changed
0.3.0   the issue of 0.2.0 is withdrawn, a term gets another IRI, a title is changed back, a graph moves
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cbdgraph.changelog import (
    FOLDER,
    Log,
    LoggedRelease,
    Withdrawal,
    compare,
    join_resources,
    read_log,
    split_resources,
)
from cbdgraph.history import describe_log
from cbdgraph.namespaces import BASE, CHANGES, GRAPHS, ONTOLOGY, SHAPES, WITHDRAWN
from cbdgraph.quads import split_graphs
from cbdgraph.store.canonical import canonical_lines, hash_lines
from cbdgraph.store.releases import Maker, Release, build_lock, publish

ROOT = Path(__file__).parents[1]
ISSUE = BASE + "issue/made-for-a-test"
OLD_TERM, NEW_TERM = BASE + "term/degraded-land", BASE + "term/land-that-is-degraded"
DECISION = BASE + "decision/cop/11/16"
SHAPE = SHAPES + "Concept-altLabel"
REASON = "It was made for a test."
WITHDRAWALS = {
    ISSUE: Withdrawal(REASON),
    OLD_TERM: Withdrawal("It got another IRI.", (NEW_TERM,)),
}

TITLE = '"Ecosystem restoration"@en'
TIMES = {"0.2.0": "2026-12-01T09:00:00Z", "0.3.0": "2026-12-01T15:30:00Z"}  # two on one day

State = Mapping[str, tuple[str, ...]]
Edit = Callable[[list[str]], list[str]]


def make_log() -> Log:
    """The three releases; the first is read from the checkout's own log."""
    log = read_log(ROOT / FOLDER).until("0.1.0")
    for number, edit in (("0.2.0", _second), ("0.3.0", _third)):
        log = _add(log, number, edit)
    return log


def publish_log(build: Path, log: Log, *, older: int = 3, maker: Maker = Maker()) -> Release:  # noqa: B008 - frozen
    """Build the last release of a log, as `cbdgraph build` does when the data are those of it."""
    graphs = split_graphs(join_resources(log.replay()))
    graphs[CHANGES] = describe_log(log)
    gone = {entry.resource for release in log.releases for entry in release.entries if entry.withdrawal}
    graphs[WITHDRAWN] = [line for name in sorted(gone) for line in _tell(name, WITHDRAWALS[name])]
    with build_lock(build):
        input_hash = log.last.number if log.last else ""
        return publish(build, graphs, input_hash=input_hash, maker=maker, log=log, older=older)


def _tell(resource: str, withdrawal: Withdrawal) -> list[str]:
    lines = [
        f"<{resource}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{ONTOLOGY}Withdrawal> .",
        f'<{resource}> <{ONTOLOGY}withdrawalReason> "{withdrawal.reason}"@en .',
    ]
    return [
        *lines,
        *(f"<{resource}> <http://purl.org/dc/terms/isReplacedBy> <{n}> ." for n in withdrawal.replacements),
    ]


def _add(log: Log, number: str, edit: Edit) -> Log:
    before = log.replay()
    quads = canonical_lines(edit(list(join_resources(before))))
    entries = compare(before, split_resources(quads, canonical_lines), WITHDRAWALS if number == "0.3.0" else {})
    assert log.last is not None
    release = LoggedRelease(number, TIMES[number], hash_lines(quads), log.last.number, entries)
    return Log((*log.releases, release))


def _second(quads: list[str]) -> list[str]:
    label = "http://www.w3.org/2000/01/rdf-schema#label"
    made = [
        f"<{ISSUE}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{ONTOLOGY}Issue> <{GRAPHS}issues> .",
        f'<{ISSUE}> <{label}> "made for a test"@en <{GRAPHS}issues> .',
        f'<{ISSUE}> <{label}> "اختبار \\"خاص\\""@ar <{GRAPHS}issues> .',
    ]
    changed = [_retitle(quad, '"Restoring \\\\ ecosystems"@en') for quad in quads]
    return [*(quad.replace('"fr"', '"fr-FR"') if "/shapes/concept" in quad else quad for quad in changed), *made]


def _third(quads: list[str]) -> list[str]:
    kept = [_retitle(quad, TITLE) for quad in quads if not quad.startswith(f"<{ISSUE}>")]
    renamed = [quad.replace(f"<{OLD_TERM}>", f"<{NEW_TERM}>") for quad in kept]
    moved = f"<{GRAPHS}terms>"
    return [
        quad.replace(moved, f"<{GRAPHS}terms/moved>") if quad.endswith(f"{moved} .") and NEW_TERM in quad else quad
        for quad in renamed
    ]


def _retitle(quad: str, title: str) -> str:
    head = f"<{DECISION}> <{ONTOLOGY}title> "
    return f"{head}{title} {quad.rsplit(' ', 2)[1]} ." if quad.startswith(head) else quad
