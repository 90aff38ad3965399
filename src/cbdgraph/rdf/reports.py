"""Problems found in data in; a report as text, JSON, Turtle, SARIF or JUnit XML out; finds no problem itself.

Standard library only. Same problems, same bytes: no clock, no random names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from cbdgraph.namespaces import BASE, PREFIXES

Severity = Literal["violation", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("violation", "warning", "info")
_RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the data, and what to do about it.

    `file` is the path (or graph IRI) in which the subject stands and `line` where its block begins, from 1, 0 if
    unknown. `subject` is an IRI (`_:b1` for a blank node, empty for a whole file), `path` the IRI of the property,
    `value` the value in N-Triples form; both may be empty. `rule` is the IRI of the shape or check that found it.
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

    @property
    def sort_key(self) -> tuple[str, int, str, int, str, str, str]:
        """By place in the data, then the worst first."""
        return (self.file, self.line, self.subject, _RANK[self.severity], self.rule, self.path, self.value)


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
