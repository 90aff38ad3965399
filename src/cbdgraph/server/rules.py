"""A rule of inference read backwards: its file and a conclusion in, queries for its premises out; runs none.

A rule is CONSTRUCT { conclusion } WHERE { axioms in GRAPH <ontology>, premises, and no conclusion yet }. What is in
GRAPH is the axiom, all other triples are premises. A UNION makes as many ways as it has parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Self

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import expand
from cbdgraph.queries import Query
from cbdgraph.server.statements import short
from cbdgraph.store.guard import Token
from cbdgraph.store.patterns import Element, Group, Source

Value = Iri | Text | None  # None is a blank node
Bindings = Mapping[str, Value]

_PREFIXED: Final = re.compile(r"[a-z]+:\w[\w-]*\Z")


@dataclass(frozen=True, slots=True)
class Triple:
    """A triple that can be asked about; it holds no blank node."""

    subject: Iri
    predicate: Iri
    object: Iri | Text

    def __str__(self) -> str:
        return f"{self.subject} {self.predicate} {self.object}"


@dataclass(frozen=True, slots=True)
class Step:
    """An element of a rule's pattern, and the graph in which it must hold; "" for any."""

    graph: str
    element: Element


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule file: what it concludes, and the ways in which it comes to that."""

    name: str
    summary: str
    description: str
    axioms: tuple[str, ...]  # the properties by which axioms of this kind are stated, prefixed
    source: Source
    conclusions: tuple[Element, ...]
    ways: tuple[tuple[Step, ...], ...]

    @classmethod
    def read(cls, query: Query) -> Self | None:
        """The rule of a file; None if it is no CONSTRUCT with a pattern."""
        source = Source.read(query.text)
        parts = source.parts()
        if parts is None or parts.where is None or parts.template is None:
            return None
        conclusions = source.elements(parts.template)
        guards = {_plain(conclusion) for conclusion in conclusions}
        ways = tuple(_ways(source, parts.where, "", guards))
        return cls(query.name, query.summary, query.description, query.tags, source, conclusions, ways)

    def match(self, triple: Triple) -> list[dict[str, Iri | Text]]:
        """Bindings with which a conclusion of the rule is that triple."""
        found = []
        for conclusion in self.conclusions:
            bound: dict[str, Iri | Text] = {}
            values = (triple.subject, triple.predicate, triple.object)
            if len(conclusion.runs) == 3 and all(
                self._binds(run, value, bound) for run, value in zip(conclusion.runs, values, strict=True)
            ):
                found.append(bound)
        return found

    def _binds(self, run: tuple[int, int], value: Iri | Text, bound: dict[str, Iri | Text]) -> bool:
        token = self.source.tokens[run[0]]
        if token.kind == "variable":
            return bound.setdefault(token.text[1:], value) == value
        return [term for _, term in self.source.terms(*run)] == [value]

    def question(self, way: Sequence[Step], bound: Bindings, most: int) -> str:
        """The query for what else must be bound so that the rule concludes; terms stand where variables were."""
        free = sorted(
            {
                token.text[1:]
                for step in way
                for token in self.source.tokens_of(step.element)
                if token.kind == "variable" and token.text[1:] not in bound
            }
        )
        head = f"SELECT DISTINCT {' '.join(f'?{name}' for name in free)}" if free else "SELECT (1 AS ?one)"
        order = f"ORDER BY {' '.join(f'?{name}' for name in free)}" if free else ""
        body = " .\n".join(
            f"GRAPH {step.graph} {{ {self.fill(step.element, bound)} }}"
            if step.graph and step.element.kind == "triple"
            else self.fill(step.element, bound)
            for step in way
        )
        return f"{self.source.prologue}\n{head}\nWHERE {{\n{body}\n}}\n{order} LIMIT {most}"

    def fill(self, element: Element, bound: Bindings, *, prefixed: bool = False) -> str:
        """An element with terms in the place of its variables; with the project's prefixes if that is asked for."""

        def word(token: Token) -> str:
            if token.kind != "variable":
                return token.text
            value = bound.get(token.text[1:])
            if value is None:
                return "[]" if token.text[1:] in bound else token.text
            return write(value) if prefixed else str(value)

        pieces = []
        for start, end in element.runs:
            text, position = "", self.source.tokens[start].start
            for token in self.source.tokens[start:end]:
                text += self.source.text[position : token.start] + word(token)
                position = token.start + len(token.text)
            pieces.append(text)
        filled = " ".join(pieces)
        return f"FILTER({filled})" if element.kind == "filter" and not filled.startswith("FILTER") else filled

    def premise(self, element: Element, bound: Bindings) -> Triple | None:
        """A triple of the pattern with all bound; None where one of its terms is a blank node, a list or a path."""
        values: list[Value] = []
        for run in element.runs:
            token = self.source.tokens[run[0]]
            terms = [term for _, term in self.source.terms(*run)]
            values.append(bound.get(token.text[1:]) if token.kind == "variable" else terms[0] if terms else None)
        if len(values) != 3 or any(end - start > 3 for start, end in element.runs):
            return None
        subject, predicate, value = values
        if not isinstance(subject, Iri) or not isinstance(predicate, Iri) or value is None:
            return None
        return Triple(subject, predicate, value)


def _ways(source: Source, group: Group, graph: str, guards: set[str]) -> list[tuple[Step, ...]]:
    """What a group asks for, once for each choice of the parts of its unions."""
    choices: list[list[tuple[Step, ...]]] = []
    for element in source.elements(group):
        if element.kind == "filter" and element.groups and _is_guard(source, element, guards):
            continue
        if element.kind == "graph":
            inner = element.groups[0]
            name = source.slice(element.runs[0][0] + 1, inner.opening)
            choices.append(_ways(source, inner, name, guards))
        elif element.kind in {"group", "union"}:
            choices.append([way for inner in element.groups for way in _ways(source, inner, graph, guards)])
        else:
            choices.append([(Step(graph, element),)])
    return [tuple(step for steps in choice for step in steps) for choice in product(*choices)]


def _is_guard(source: Source, element: Element, guards: set[str]) -> bool:
    """Whether a FILTER NOT EXISTS only keeps a rule from saying again what is said."""
    inner = [_plain(each) for group in element.groups for each in source.elements(group)]
    return element.text.upper().startswith("FILTER NOT") and bool(inner) and set(inner) <= guards


def _plain(element: Element) -> str:
    return " ".join(element.text.split())


def write(term: Iri | Text) -> str:
    """A term as Turtle under the project's prefixes.

    >>> write(Iri("https://w3id.org/cbdgraph/ontology#cites")), write(Iri("http://e/"))
    ('cbd:cites', '<http://e/>')
    """
    if isinstance(term, Text):
        return str(term)
    if term.value == expand("rdf:type"):
        return "a"
    prefixed = short(term.value)
    return prefixed if _PREFIXED.match(prefixed) else str(term)
