"""Hints on a pattern that has no solution: its terms in, what the graph has in their place out; changes no query.

Small queries of our own with the terms bound look for what is like them; others, made of the user's own patterns,
look at the solutions that there were before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, expand
from cbdgraph.server.known import find_near
from cbdgraph.server.near import (
    LONGEST,
    Hint,
    Names,
    Term,
    clip,
    close,
    is_iri,
    most_like,
    split,
    term_of,
    variants,
)
from cbdgraph.server.probes import Prober, anywhere
from cbdgraph.server.sampled import Context, Sampler, given, variables
from cbdgraph.store.guard import Token
from cbdgraph.store.patterns import Element

_TYPE: Final = expand("rdf:type")
_MOST_TERMS: Final = 12  # of one pattern that are looked up
_MOST_NAMES: Final = 3000  # properties or classes that a name is compared with
_SAMPLE: Final = 500
_MOST_SHOWN: Final = 25
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*\Z")
_LANGUAGE_WORDS: Final = frozenset({"LANG", "LANGMATCHES"})


class Hinter:
    """Looks for hints with a prober."""

    def __init__(self, prober: Prober) -> None:
        self._prober, self._source = prober, prober.source
        self._names = Names(prober.source.prefixes)
        self._sampler = Sampler(prober)
        self._vocabulary: dict[str, list[str]] = {}

    async def of(self, element: Element, context: Context) -> tuple[list[Hint], bool | None]:
        """Hints on an element that no solution of those before survives, and whether it has solutions alone."""
        alone = None
        if element.kind not in {"filter", "minus", "bind", "optional"}:
            alone = await self._prober.ask(f"{context.shell}{element.text}{context.closing}")
        hints = await self._of_terms(element, context.seen)
        if element.kind == "filter":
            hints += await self._sampler.of_filter(element, context)
        elif element.kind == "values":
            hints += await self._sampler.of_values(element, context)
        elif not hints and len(element.runs) == 3:
            hints += await self._of_triple(element, context)
        if not hints or element.kind == "triple":
            hints += await self._of_graphs(element, context)
        if alone and not hints:
            hints.append(Hint("no-join", "Alone it has solutions, but none that goes with those before it."))
        return hints, alone

    async def of_graph_name(self, element: Element) -> list[Hint]:
        """Whether the graph that GRAPH names is there."""
        start = element.runs[0][0]
        hints = []
        for written, term in self._source.terms(start + 1, element.groups[0].opening):
            graphs = self._prober.served.graphs
            if isinstance(term, Iri) and term.value not in graphs:
                near = close(term.value, sorted(graphs))
                says = f"There is no graph {clip(written)}; each file of the data is one, as /version lists them."
                hints.append(Hint("unknown-graph", says, written, self._names.near(near)))
        return hints

    async def of_tokens(self, tokens: Sequence[Token]) -> list[Hint]:
        """Hints on IRIs by themselves, which may be of any kind."""
        found = []
        for token in tokens[-_MOST_TERMS:]:
            iri = self._source.iri(token)
            if iri and not token.text.endswith(":"):
                found += await self._of_iri(clip(token.text), iri, "thing")
        return found

    # -- the terms themselves

    async def _of_terms(self, element: Element, before: Sequence[Element]) -> list[Hint]:
        hints: list[Hint] = []
        for text, term, role in self._roles(element, before)[:_MOST_TERMS]:
            written = clip(text)
            if isinstance(term, Iri):
                hints += await self._of_iri(written, term.value, role)
            elif element.kind == "triple" and len(element.runs) == 3:
                hints += await self._of_literal(written, term, self._property(element))
        return hints

    def _roles(self, element: Element, before: Sequence[Element]) -> list[tuple[str, Term, str]]:
        """The constants of an element, with those that VALUES or BIND before it gave to its variables."""
        if len(element.runs) != 3:
            groups = element.groups if element.kind in {"optional", "graph", "group", "union", "select"} else ()
            if groups:
                return []
            return [(*found, "thing") for run in element.runs for found in self._source.terms(*run)]
        subject, predicate, value = element.runs
        found = [(written, term, "property") for written, term in self._source.terms(*predicate)]
        kind = "class" if self._property(element) == _TYPE else "thing"
        for run, role in ((subject, "thing"), (value, kind)):
            token = self._source.tokens[run[0]]
            if token.kind == "variable":
                found += [(*each, role) for each in given(self._source, token.text[1:], before)]
            else:
                found += [(*each, role) for each in self._source.terms(*run)]
        return [entry for entry in found if entry[1] != Iri(_TYPE)]

    def _property(self, element: Element) -> str:
        """The IRI of a triple's predicate; "" for a variable or a path."""
        start, end = element.runs[1]
        terms = list(self._source.terms(start, end))
        return str(terms[0][1].value) if end - start == 1 and terms else ""

    async def _of_iri(self, written: str, iri: str, role: str) -> list[Hint]:
        """Whether the graph knows an IRI in its role: a property, a class or any thing."""
        try:
            term = str(Iri(iri))
        except InvalidName:
            return []
        uses = {
            "property": f"?s {term} ?o",
            "class": f"?s a {term}",
            "thing": f"{{ {term} ?p ?o }} UNION {{ ?s ?p {term} }} UNION {{ ?s {term} ?o }}",
        }
        if await self._prober.is_there(anywhere(uses[role])) is not False:
            return []
        if role != "thing" and await self._prober.is_there(anywhere(uses["thing"])):
            others = await self._near_names(iri, role)
            use = "no statement has it as its property" if role == "property" else "nothing is of it as a class"
            return [Hint("unused", f"The graph knows {written}, but {use}.", written, self._names.near(others))]
        others = [other for other in variants(written, iri) if await self._is_known(other, uses, role, term)]
        if others:
            says = f"The graph does not know {written}, which is <{clip(iri)}>; it knows <{others[0]}>."
            return [Hint("namespace", says, written, self._names.near(others))]
        near = await self._near_names(iri, role)
        says = f"The graph has no {'IRI' if role == 'thing' else role} {written}."
        return [Hint(f"unknown-{'resource' if role == 'thing' else role}", says, written, self._names.near(near))]

    async def _is_known(self, iri: str, uses: Mapping[str, str], role: str, term: str) -> bool:
        return bool(await self._prober.is_there(anywhere(uses[role].replace(term, str(Iri(iri))))))

    async def _near_names(self, iri: str, role: str) -> list[str]:
        """What the graph has that is written most like an IRI, in its role."""
        if role == "thing":
            if iri.startswith(BASE) and self._prober.left > 0:
                try:
                    async with asyncio.timeout(self._prober.left):
                        return await find_near(self._prober.served, iri)
                except TimeoutError:
                    return []
            space = Text(split(iri)[0])
            things = f"{anywhere('?t ?p ?o')} FILTER(isIRI(?t) && STRSTARTS(STR(?t), {space}))"
            rows = await self._prober.look_up(f"SELECT DISTINCT ?t {{ {things} }} LIMIT {_SAMPLE}")
            names = [row["t"]["value"] for row in rows or ()]
        else:
            names = await self._all_names(role)
        return await asyncio.to_thread(most_like, iri, names)

    async def _all_names(self, role: str) -> list[str]:
        if role not in self._vocabulary:
            pattern = anywhere("?s ?t ?o" if role == "property" else "?s a ?t")
            rows = await self._prober.look_up(f"SELECT DISTINCT ?t {{ {pattern} }} LIMIT {_MOST_NAMES}")
            self._vocabulary[role] = [row["t"]["value"] for row in rows or () if row["t"]["type"] == "uri"]
        return self._vocabulary[role]

    async def _of_literal(self, written: str, text: Text, name: str) -> list[Hint]:
        """Whether a literal stands as the value of a property, or of any where `name` is ""; else what does."""
        if len(text.value) > LONGEST:
            return []
        predicate = str(Iri(name)) if name and is_iri(name) else "?p"
        if await self._prober.is_there(anywhere(f"?s {predicate} {text}")) is not False:
            return []
        values = anywhere(f"?s {predicate} ?v")
        same = f"FILTER(isLiteral(?v) && LCASE(STR(?v)) = LCASE({Text(text.value)}))"
        rows = await self._prober.look_up(f"SELECT DISTINCT ?v {{ {values} {same} }} LIMIT 20")
        if not rows:
            short = f"FILTER(isLiteral(?v) && STRLEN(STR(?v)) <= {LONGEST})"
            rows = await self._prober.look_up(f"SELECT DISTINCT ?v {{ {values} {short} }} LIMIT {_MOST_NAMES}")
        if not rows:
            return [] if rows is None else await self._of_no_literals(written, predicate)
        return await self._sampler.compare(written, text, [term for row in rows if (term := term_of(row["v"]))])

    async def _of_no_literals(self, written: str, predicate: str) -> list[Hint]:
        rows = await self._prober.look_up(f"SELECT DISTINCT ?v {{ {anywhere(f'?s {predicate} ?v')} }} LIMIT 3")
        near = [term for row in rows or () if (term := term_of(row["v"]))]
        if not near:
            return []
        says = f"{written} is a text, and the values of this property are IRIs."
        return [Hint("not-a-literal", says, written, self._names.near(near))]

    # -- the pattern among the others

    async def _of_triple(self, element: Element, context: Context) -> list[Hint]:
        """Terms are all known: do the things before have the property, in this direction, with these values?"""
        subject, predicate, value = (self._source.slice(*run) for run in element.runs)
        name, hints = self._property(element), []
        if value[0] not in "\"'0123456789+-.[(" and predicate[0] != "?":
            turned = f"{value} {predicate} {subject}"
            if await self._prober.ask(context.put(turned)):
                says = f"The other way round it has solutions: {clip(turned)}"
                hints.append(Hint("direction", says, predicate))
        if (
            not name
            or name == _TYPE
            or subject[0] not in "?$"
            or subject[1:] not in variables(self._source, context.seen)
        ):
            return hints + (await self._of_value(element, name) if name else [])
        other = self._prober.fresh("other")
        if await self._prober.ask(context.put(f"{subject} {predicate} {other}")):
            rows = await self._prober.select(
                f"SELECT DISTINCT {other}", context.put(f"{subject} {predicate} {other}"), "LIMIT 5"
            )
            near = [term for row in rows or () if (term := term_of(row[other[1:]]))]
            says = f"{subject} has {predicate} before this, but with other values than {clip(value)}."
            return [*hints, Hint("other-values", says, clip(value), self._names.near(near))]
        return [*hints, *await self._of_subject(subject, predicate, name, context)]

    async def _of_subject(self, subject: str, predicate: str, name: str, context: Context) -> list[Hint]:
        """None of the things before has the property: what are they, what do they have, and what else has it?"""
        things = f"{{ SELECT DISTINCT {subject} {{ {context.put('')} }} LIMIT {_SAMPLE} }}"
        kind, prop, count = (self._prober.fresh(word) for word in ("kind", "property", "count"))
        own = await self._prober.select(
            f"SELECT {kind} (COUNT(*) AS {count})",
            f"{things} {subject} a {kind}",
            f"GROUP BY {kind} ORDER BY DESC({count}) {kind} LIMIT 5",
        )
        has = await self._prober.select(
            f"SELECT DISTINCT {prop}", f"{things} {subject} {prop} {count}", f"ORDER BY {prop} LIMIT 60"
        )
        of = await self._prober.look_up(
            f"SELECT ?c (COUNT(*) AS ?n) {{ {{ SELECT DISTINCT ?s {{ {anywhere(f'?s {Iri(name)} ?o')} }} "
            f"LIMIT {_SAMPLE} }} {anywhere('?s a ?c')} }} GROUP BY ?c ORDER BY DESC(?n) ?c LIMIT 5"
        )
        says = f"None of what {subject} is before this has {predicate}."
        if own:
            says += f" It is {self._names.list(row[kind[1:]]['value'] for row in own)};"
        if of:
            says += f" what has {predicate} is {self._names.list(row['c']['value'] for row in of)}."
        names = [row[prop[1:]]["value"] for row in has or ()]
        near = await asyncio.to_thread(most_like, name, names)
        near += [other for other in names if other not in near]
        if near:
            says += " It has these properties, those first that are written alike:"
        return [Hint("not-on-these", says.replace(";  ", "; "), predicate, self._names.near(near[:_MOST_SHOWN]))]

    async def _of_value(self, element: Element, name: str) -> list[Hint]:
        """A constant that is known, but is no value of the property."""
        terms = list(self._source.terms(*element.runs[2]))
        if len(terms) != 1 or not isinstance(terms[0][1], Iri) or not is_iri(name):
            return []
        written, term = terms[0]
        if await self._prober.is_there(anywhere(f"?s {Iri(name)} {term}")) is not False:
            return []
        rows = await self._prober.look_up(f"SELECT DISTINCT ?p {{ {anywhere(f'?s ?p {term}')} }} LIMIT 10")
        near = [row["p"]["value"] for row in rows or ()]
        says = f"{clip(written)} is no value of {clip(self._source.slice(*element.runs[1]))}"
        says += "; it is one of these properties:" if near else ", nor of any other property."
        return [Hint("not-a-value", says, written, self._names.near(near))]

    async def _of_graphs(self, element: Element, context: Context) -> list[Hint]:
        """Whether other graphs than those asked hold the pattern."""
        in_graph = "GRAPH" in context.opening.upper()
        chosen = self._prober.dataset or self._prober.default_graphs is not None
        graph = self._prober.fresh("graph")
        body = f"GRAPH {graph} {{ {element.text} }}"
        if element.kind not in {"triple", "other"}:
            return []
        prologue = self._source.prologue
        rows = await self._prober.look_up(f"{prologue}\nSELECT DISTINCT {graph} {{ {body} }} LIMIT 10")
        near = sorted(row[graph[1:]]["value"] for row in rows or ())
        if near and (in_graph or chosen or not await self._prober.ask(element.text)):
            says = (
                "These graphs hold this pattern, and the one asked does not, or not what is before it; without GRAPH "
                "and FROM all are asked at once."
            )
            if not in_graph and not chosen:
                says = "The default graph does not hold this pattern, and these do: GRAPH ?graph { … } asks them."
            return [Hint("other-graph", says, "", self._names.near(near))]
        return []
