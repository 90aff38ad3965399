"""The engine's own verdicts, in this process and without the service: a case in, pass or the reason why not out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from tests.conformance.compare import Result, Text, read_result, read_solutions, same
from tests.conformance.suite import Case, Suite

# ORDER BY over kinds of terms among which SPARQL defines no order; the rows alone are compared.
_NO_ORDER: Final = frozenset({"sparql11/functions/plus-1", "sparql11/functions/plus-2"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is "" for a pass."""

    reason: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason


def judge(suite: Suite, case: Case) -> Verdict:
    """What the engine makes of a test; it is never asked to call another service."""
    if case.kind == "evaluation":
        return _evaluate(suite, case)
    try:
        ox.Store().query(case.text, base_iri=case.base)
    except SyntaxError as error:
        return Verdict(f"a syntax error: {first_line(error)}") if case.kind == "positive" else Verdict()
    except (ValueError, OSError, RuntimeError):
        pass  # it can be read; whether it can be answered is not asked here
    return Verdict("taken for well formed") if case.kind == "negative" else Verdict()


def _evaluate(suite: Suite, case: Case) -> Verdict:
    try:
        found = answer(suite, case)
    except (SyntaxError, ValueError, OSError, RuntimeError) as error:
        return Verdict(f"an error: {first_line(error)}")
    return compare(suite, case, found)


def compare(suite: Suite, case: Case, found: Result) -> Verdict:
    """Whether a result is the one that the test expects."""
    assert case.result is not None, case.name
    expected = read_result(case.result, suite.iri(case.result))
    ordered = "order by" in " ".join(case.text.lower().split()) and case.name not in _NO_ORDER
    if same(expected, found, lax=case.lax, ordered=ordered):
        return Verdict()
    return Verdict(f"another result: expected {shown(expected)}, got {shown(found)}")


def answer(suite: Suite, case: Case) -> Result:
    """The result of a query on a store of its own."""
    store = ox.Store()
    for number, path in enumerate(case.data):
        store.extend(ox.Quad(*each, ox.DefaultGraph()) for each in apart(suite.triples(path), f"d{number}"))
    named = dict(case.graphs)
    if not case.data and not case.graphs:
        named = {iri: file for iri in suite.named_in_query(case) if (file := suite.path(iri))}
    for number, (iri, path) in enumerate(named.items()):
        store.add_graph(ox.NamedNode(iri))
        store.extend(ox.Quad(*each, ox.NamedNode(iri)) for each in apart(suite.triples(path), f"n{number}"))
    found = store.query(case.text, base_iri=case.base)
    if isinstance(found, ox.QueryBoolean):
        return bool(found)
    return frozenset(found) if isinstance(found, ox.QueryTriples) else read_solutions(found)


def apart(triples: Sequence[Any], prefix: str) -> list[tuple[Any, Any, Any]]:
    """The triples of a file with blank nodes of its own, which the prefix makes so."""

    def rename(term: Any) -> Any:
        return ox.BlankNode(f"{prefix}-{term.value}") if isinstance(term, ox.BlankNode) else term

    return [(rename(each.subject), each.predicate, rename(each.object)) for each in triples]


def shown(result: Result) -> str:
    """A result in few words."""
    if isinstance(result, bool):
        return str(result).lower()
    if isinstance(result, frozenset):
        return f"{len(result)} triples"
    kind = "lines" if isinstance(result, Text) else "rows"
    return f"{len(result.rows)} {kind}"


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]
