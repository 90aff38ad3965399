"""Why a query has no rows: its text in, the first pattern that no solution survives and hints out; rewrites nothing.

A pattern that is longer by one element has no more solutions than before, so that the first that kills them all is
found by halving. Filters hold for their whole group wherever they stand, and are asked for after its patterns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cbdgraph.errors import QueryTooLarge
from cbdgraph.server.hints import Hinter
from cbdgraph.server.near import Hint
from cbdgraph.server.probes import MOST_COUNTED, Prober
from cbdgraph.server.sampled import Context
from cbdgraph.store.guard import Checked, Token
from cbdgraph.store.patterns import Element, Group, Parts, join

_DEEPEST: Final = 12  # groups within groups that are looked into
_BRANCHES: Final = 8  # of a UNION
_AGGREGATES: Final = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX", "SAMPLE", "GROUP_CONCAT"})
_NAMES: Final = {
    "triple": "pattern",
    "filter": "FILTER",
    "bind": "BIND",
    "optional": "OPTIONAL",
    "minus": "MINUS",
    "values": "VALUES",
    "graph": "GRAPH",
    "union": "UNION",
    "group": "group",
    "select": "sub-select",
    "other": "part",
    "having": "HAVING",
    "offset": "OFFSET",
    "limit": "LIMIT",
    "template": "template of CONSTRUCT",
    "describe": "DESCRIBE",
}
_SHOWN: Final = 2000  # characters of a pattern


@dataclass(frozen=True, slots=True)
class Killer:
    """What no solution survives, as the user wrote it; `inside` are those within it, one for each part of a UNION.

    `before` is the number of solutions that there were up to it, at most one more than `MOST_COUNTED`; None where
    it is the first, or could not be counted.
    """

    kind: str
    text: str
    line: int
    column: int
    is_first: bool = False
    before: int | None = None
    alone: bool | None = None
    hints: tuple[Hint, ...] = ()
    inside: tuple[Killer, ...] = ()

    @property
    def name(self) -> str:
        """What it is, in words."""
        return _NAMES[self.kind]

    @property
    def says(self) -> str:
        """One sentence."""
        what = f"The {self.name} at line {self.line}, column {self.column}"
        if self.kind == "template":
            return f"{what} makes no triple of {_counted(self.before)}."
        if self.kind == "describe":
            return f"{what} names nothing that the graph knows."
        if self.is_first:
            return f"{what} comes first, and has no solution."
        if self.kind == "having":
            return f"{what} leaves none of {_counted(self.before).replace('solution', 'group')} before it."
        if self.kind in {"filter", "minus", "offset", "limit"}:
            return f"{what} leaves none of {_counted(self.before)} before it."
        return f"{what} has no solution that goes with {_counted(self.before)} before it."

    @property
    def shown(self) -> str:
        """The text, or the beginning of a long one."""
        return self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"

    def document(self) -> dict[str, Any]:
        """For JSON."""
        more = self.before is not None and self.before > MOST_COUNTED
        return {
            "kind": self.kind,
            "text": self.shown,
            "line": self.line,
            "column": self.column,
            "says": self.says,
            "solutions_before": MOST_COUNTED if more else self.before,
            "solutions_before_are_more": more,
            "alone_has_solutions": self.alone,
            "hints": [hint.document() for hint in self.hints],
            "inside": [killer.document() for killer in self.inside],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a query is empty and why; `rows` is None where there are more than one answer may hold."""

    form: str
    empty: bool
    rows: int | None
    says: str
    killer: Killer | None = None
    undecided: str = ""

    @property
    def leaves(self) -> list[Killer]:
        """The innermost killers."""
        return _leaves(self.killer) if self.killer else []

    def document(self, release: str) -> dict[str, Any]:
        """For JSON."""
        return {
            "release": release,
            "empty": self.empty,
            "rows": self.rows,
            "says": self.says,
            "killer": self.killer.document() if self.killer else None,
            "complete": not self.undecided,
            "undecided": self.undecided,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group stands: what comes before and after its elements in a probe, and its braces without the rest.

    `outer` are the elements before it in the groups around it.
    """

    opening: str = ""
    closing: str = ""
    shell: str = ""
    depth: int = 0
    outer: tuple[Element, ...] = ()

    def within(self, before: Sequence[Element], head: str) -> Place:
        """The place of a group that follows these elements."""
        lead = f"{join(before)} .\n" if before else ""
        return Place(
            f"{self.opening}{lead}{head} ",
            f" }}{self.closing}",
            f"{self.shell}{head} ",
            self.depth + 1,
            (*self.outer, *before),
        )


async def explain_empty(prober: Prober, checked: Checked) -> Explanation:
    """Why the query of the prober has no rows, or that it has some.

    Errors of the query itself are raised as they are for the query alone.
    """
    graph = checked.form == "triples"
    try:
        answer = await prober.served.engine.run_query(
            prober.source.text,
            media_type="application/n-triples" if graph else "application/sparql-results+json",
            default_graphs=prober.default_graphs,
            named_graphs=prober.named_graphs,
            repeatable=prober.repeatable,
            client=prober.client,
        )
    except QueryTooLarge as error:
        return Explanation(checked.form, False, None, f"The query is not empty: {error}.")
    yes = checked.form == "boolean" and answer.boolean
    rows = int(yes) if checked.form == "boolean" else answer.rows
    parts = prober.source.parts()
    if parts is None or (rows and not _is_one_aggregate(prober, parts)):
        return Explanation(checked.form, not rows, rows, _has(checked.form, rows))
    search = _Search(prober, Hinter(prober))
    killer = await search.in_parts(parts, Place())
    if rows and killer is None:
        return Explanation(checked.form, False, rows, _has(checked.form, rows), None, prober.unanswered)
    says = killer.says if killer else "What makes it empty was not found."
    if rows and killer:
        says = f"The row counts over no solution at all. {says}"
    # A probe that could not be asked matters only where the answer is not known without it.
    undecided = prober.unanswered if killer is None or prober.left <= 0 or search.is_vague else ""
    if search.is_vague:
        undecided += "; it may also be a pattern after this one"
    return Explanation(checked.form, True, rows, says, killer, undecided)


class _Search:
    """Finds killers with a prober; `is_vague` tells that one of several may be it."""

    def __init__(self, prober: Prober, hinter: Hinter) -> None:
        self._prober, self._source, self._hinter = prober, prober.source, hinter
        self.is_vague = False

    async def in_parts(self, parts: Parts, place: Place) -> Killer | None:
        """What makes a query or sub-select empty; None if nothing does, or it could not be found out."""
        if parts.where is None:
            line, column = self._source.line_and_column(parts.start)
            hints = await self._hinter.of_tokens(self._tokens(parts.start, parts.head))
            return Killer("describe", parts.head, line, column, True, hints=tuple(hints))
        inner = self._source.slice(parts.where.opening + 1, parts.where.closing)
        is_select = inner[:6].upper() == "SELECT"
        body = self._source.slice(parts.where.opening, parts.where.closing + 1) if is_select else inner
        alive = await self._prober.ask(f"{place.shell}{body}{' }' * place.depth}")
        if alive is None:
            return None
        if not alive:
            shell = Place(place.shell, " }" * place.depth, place.shell, place.depth)
            return await self._in_group(parts.where, shell)
        return await self._in_modifiers(parts, place)

    async def _in_modifiers(self, parts: Parts, place: Place) -> Killer | None:
        assert parts.where is not None
        where = self._source.slice(parts.where.opening, parts.where.closing + 1)
        head = parts.head if parts.form == "SELECT" else "SELECT *"
        kept = ["GROUP"]
        before = f"{{ {head} {where} {_modifiers(parts, kept)} }}"
        for name in ("HAVING", "VALUES", "OFFSET", "LIMIT"):
            modifier = parts.modifier(name)
            if modifier is None:
                continue
            kept.append(name)
            body = f"{{ {head} {where} {_modifiers(parts, kept)} }}"
            if await self._prober.ask(f"{place.shell}{body}{' }' * place.depth}") is False:
                line, column = self._source.line_and_column(modifier.start)
                count = await self._prober.count(f"{place.shell}{before}{' }' * place.depth}")
                hints = await self._hinter.of_tokens(self._tokens(modifier.start, modifier.text))
                return Killer(name.lower(), modifier.text, line, column, before=count, hints=tuple(hints))
            before = body
        if parts.form != "CONSTRUCT":
            return None
        template = parts.template or parts.where
        line, column = self._source.line_and_column(self._source.tokens[template.opening].start)
        text = self._source.slice(template.opening, template.closing + 1)
        return Killer("template", text, line, column, before=await self._prober.count(before))

    def _tokens(self, start: int, text: str) -> list[Token]:
        """The names in a piece of the query."""
        tokens = self._source.tokens
        return [t for t in tokens if start <= t.start < start + len(text) and t.kind in {"iri", "name"}]

    async def _in_group(self, group: Group, place: Place) -> Killer | None:
        """What makes a group empty that is known to be so, where it stands."""
        elements = self._source.elements(group)
        steps = [element for element in elements if element.kind != "filter"]
        steps += [element for element in elements if element.kind == "filter"]
        low, high = 0, len(steps)
        while high - low > 1:
            middle = (low + high) // 2
            alive = await self._prober.ask(f"{place.opening}{join(steps[:middle])}{place.closing}")
            if alive is None:
                self.is_vague = True
                break
            low, high = (middle, high) if alive else (low, middle)
        if not steps:
            return None
        return await self._killer(steps[:low], steps[low], place)

    async def _killer(self, before: Sequence[Element], element: Element, place: Place) -> Killer:
        line, column = self._source.line_and_column(element.start)
        first = not before and place.opening == place.shell
        count = None if first else await self._prober.count(f"{place.opening}{join(before)}{place.closing}")
        hints: list[Hint] = await self._hinter.of_graph_name(element) if element.kind == "graph" else []
        inside: list[Killer] = []
        if place.depth < _DEEPEST and not self.is_vague and not hints:
            inside = await self._inside(before, element, place)
        alone: bool | None = None
        if not inside and not self.is_vague and not hints:
            context = Context(place.opening, place.closing, place.shell, tuple(before), place.outer)
            hints, alone = await self._hinter.of(element, context)
        return Killer(element.kind, element.text, line, column, first, count, alone, tuple(hints), tuple(inside))

    async def _inside(self, before: Sequence[Element], element: Element, place: Place) -> list[Killer]:
        if element.kind == "select":
            parts = self._source.sub_select(element.groups[0])
            found = await self.in_parts(parts, place) if parts else None
            return [found] if found else []
        if element.kind not in {"group", "graph", "union"} and not element.text.upper().startswith("FILTER EXISTS"):
            return []
        killers = []
        for group in element.groups[:_BRANCHES]:
            start = element.runs[0][0] if element.kind == "graph" else group.opening
            head = self._source.slice(start, group.opening + 1)
            inner = place.within(before, head)
            # A pattern of EXISTS sees the solution that it is asked for, and may differ from one that is joined.
            whole = f"{inner.opening}{join(self._source.elements(group))}{inner.closing}"
            if element.kind == "filter" and await self._prober.ask(whole) is not False:
                continue
            found = await self._in_group(group, inner)
            if found:
                killers.append(found)
        return killers


def _modifiers(parts: Parts, names: Sequence[str]) -> str:
    """Modifiers in the order of the grammar."""
    order = ("GROUP", "HAVING", "LIMIT", "OFFSET", "VALUES")
    chosen = [parts.modifier(name) for name in order if name in names]
    return " ".join(modifier.text for modifier in chosen if modifier)


def _is_one_aggregate(prober: Prober, parts: Parts) -> bool:
    """Whether the query has one row whatever there is, as COUNT without GROUP BY."""
    if parts.form != "SELECT" or parts.modifier("GROUP") or parts.where is None:
        return False
    head = prober.source.tokens[: parts.where.opening]
    return any(token.kind == "word" and token.text.upper() in _AGGREGATES for token in head)


def _leaves(killer: Killer) -> list[Killer]:
    return [leaf for inner in killer.inside for leaf in _leaves(inner)] if killer.inside else [killer]


def _has(form: str, rows: int) -> str:
    if form == "boolean":
        return "The query is not empty: its answer is yes." if rows else "The answer is no; why was not found."
    kind = {"solutions": "row", "triples": "triple"}[form]
    return f"The query is not empty: it has {rows:,} {kind}{'' if rows == 1 else 's'}."


def _counted(number: int | None) -> str:
    if number is None:
        return "the solutions"
    if number > MOST_COUNTED:
        return f"the more than {MOST_COUNTED:,} solutions"
    return f"the {number:,} solutions" if number != 1 else "the one solution"
