"""Hints from values: what variables had before a FILTER or VALUES that leaves nothing in, how it differs out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.model import Iri, Text
from cbdgraph.server.near import Hint, Names, Near, Term, clip, close, compare, term_of
from cbdgraph.server.probes import Prober
from cbdgraph.store.patterns import Element, Source, join

_SAMPLE: Final = 500  # values of one variable that are looked at
_SAMPLED: Final = 2000  # solutions that they are taken from
_MOST_VARIABLES: Final = 3
_MOST_TERMS: Final = 12
_SHOWN: Final = 5
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*\Z")
_LANGUAGE_WORDS: Final = frozenset({"LANG", "LANGMATCHES"})
_PART_WORDS: Final = frozenset({"CONTAINS", "STRSTARTS", "STRENDS", "REGEX"})
_NUMBERS: Final = ("integer", "decimal", "double")


@dataclass(frozen=True, slots=True)
class Context:
    """What stands before an element in its group, and around that: opening, closing, and the braces alone (`shell`).

    `outer` are the elements before it in the groups around.
    """

    opening: str
    closing: str
    shell: str
    before: tuple[Element, ...]
    outer: tuple[Element, ...]

    @property
    def seen(self) -> tuple[Element, ...]:
        """All that is before it."""
        return (*self.outer, *self.before)

    def put(self, pattern: str) -> str:
        """A pattern in the place of the element."""
        lead = join(self.before)
        return f"{self.opening}{lead}{' . ' if lead and pattern else ''}{pattern}{self.closing}"


class Sampler:
    """Looks at values with a prober."""

    def __init__(self, prober: Prober) -> None:
        self._prober, self._source = prober, prober.source
        self._names = Names(prober.source.prefixes)

    async def of_filter(self, element: Element, context: Context) -> list[Hint]:
        """Variables without a value, languages and texts that no value has, and values that there are."""
        tokens = self._source.tokens_of(element)
        names = list(dict.fromkeys(token.text[1:] for token in tokens if token.kind == "variable"))
        words = {token.text.upper() for token in tokens if token.kind == "word"}
        bound, outside = (variables(self._source, elements) for elements in (context.before, context.outer))
        hints = [] if element.groups else self._of_unbound(names, bound, outside)
        texts = [
            (written, term)
            for run in element.runs
            for written, term in self._source.terms(*run)
            if isinstance(term, Text) and not _is_number(term)
        ][:_MOST_TERMS]
        for name in [name for name in names if name in bound][:_MOST_VARIABLES]:
            values = await self._sample(name, context)
            for written, text in texts:
                if words & _LANGUAGE_WORDS and _LANGUAGE.match(text.value):
                    hints += self._of_language(name, written, text.value, values)
                elif words & _PART_WORDS:
                    hints += self._of_part(name, written, text.value, values)
                else:
                    hints += await self.compare(written, text, values)
            hints += self._of_sample(name, values)
        return list(dict.fromkeys(hints))

    async def of_values(self, element: Element, context: Context) -> list[Hint]:
        """How the terms of VALUES differ from the values that its variables have already."""
        start, end = element.runs[0]
        hints: list[Hint] = []
        bound = variables(self._source, context.before)
        for token in self._source.tokens[start:end]:
            if token.kind != "variable" or token.text[1:] not in bound:
                continue
            values = await self._sample(token.text[1:], context)
            for written, text in given(self._source, token.text[1:], [element])[:_MOST_TERMS]:
                if isinstance(text, Text):
                    hints += await self.compare(written, text, values)
            hints += self._of_sample(token.text[1:], values)
        return hints

    async def compare(self, written: str, text: Text, values: Sequence[Term]) -> list[Hint]:
        """How a literal differs from the literals that there are."""
        found = await asyncio.to_thread(compare, clip(written), text, values)
        return [Hint(found[0], found[1], clip(written), self._names.near(found[2]))] if found else []

    async def _sample(self, name: str, context: Context) -> list[Term]:
        inner = f"{{ SELECT ?{name} {{ {context.put('')} }} LIMIT {_SAMPLED} }}"
        rows = await self._prober.select(f"SELECT DISTINCT ?{name}", inner, f"LIMIT {_SAMPLE}")
        return [term for row in rows or () if name in row and (term := term_of(row[name]))]

    def _of_unbound(self, names: Sequence[str], bound: set[str], outside: set[str]) -> list[Hint]:
        hints = []
        for name in names:
            if name not in bound:
                says = f"Nothing gives ?{name} a value here."
                if name in outside:
                    says = f"?{name} has a value only outside this group, and a FILTER sees its own group alone."
                near = tuple(Near(f"?{other}", f"?{other}") for other in close(name, sorted(bound), 3))
                hints.append(Hint("unbound-variable", says, f"?{name}", near))
        return hints

    def _of_language(self, name: str, written: str, tag: str, values: Sequence[Term]) -> list[Hint]:
        there = sorted({value.language for value in values if isinstance(value, Text)})
        if not values or tag.casefold() in {code.casefold() for code in there}:
            return []
        shown = ", ".join(f'"{code}"' for code in there) or "none, for they are no texts"
        says = f'No value of ?{name} is in the language {written}; their tags are {shown} ("" is for no tag).'
        return [Hint("language-filter", says, written, tuple(Near(code, code) for code in there if code))]

    def _of_part(self, name: str, written: str, text: str, values: Sequence[Term]) -> list[Hint]:
        """Texts that hold the one asked for when case is left out of account."""
        wanted = text.strip("^$").casefold()
        holding = [value for value in values if wanted and wanted in value.value.casefold()][:_SHOWN]
        if not values or not holding:
            return []
        says = f"Values of ?{name} hold {clip(written)}, but not in these letters or not in this place."
        return [Hint("letters", says, clip(written), self._names.near(holding))]

    def _of_sample(self, name: str, values: Sequence[Term]) -> list[Hint]:
        if not values:
            return []
        number = f"{'at least ' if len(values) == _SAMPLE else ''}{len(values)}"
        says = f"Before this ?{name} has {number} value{'' if len(values) == 1 else 's'}, such as:"
        shown = list(values[:_SHOWN])
        if all(isinstance(value, Text) and _is_number(value) for value in values) and len(values) > 1:
            ordered = sorted(values, key=lambda value: float(value.value))
            says, shown = f"Before this ?{name} has {number} values, from and to:", [ordered[0], ordered[-1]]
        return [Hint("values-before", says, f"?{name}", self._names.near(shown))]


def given(source: Source, name: str, before: Sequence[Element]) -> list[tuple[str, Term]]:
    """The terms, with how they are written, that VALUES or BIND gave to a variable, where that can be read off."""
    found: list[tuple[str, Term]] = []
    for element in before:
        start, end = element.runs[0]
        tokens = source.tokens[start:end]
        names = [token.text[1:] for token in tokens if token.kind == "variable"]
        if name not in names:
            continue
        if element.kind == "bind" and names == [name]:
            terms = list(source.terms(start + 1, end))
            found += terms if len(terms) == 1 else []
        elif element.kind == "values" and not any(token.text.upper() == "UNDEF" for token in tokens):
            terms = list(source.terms(start + 1, end))
            found += terms[names.index(name) :: len(names)]
    return found


def variables(source: Source, elements: Sequence[Element]) -> set[str]:
    """The variables that elements may bind."""
    binding = [element for element in elements if element.kind not in {"filter", "minus"}]
    return {token.text[1:] for element in binding for token in source.tokens_of(element) if token.kind == "variable"}


def _is_number(term: Term) -> bool:
    if not isinstance(term, Text) or not isinstance(term.datatype, Iri):
        return False
    try:
        return term.datatype.value.endswith(_NUMBERS) and float(term.value) == float(term.value)
    except ValueError:
        return False
