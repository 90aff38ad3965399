"""A query taken apart: text in, its prologue, dataset, modifiers and the elements of its groups out; runs nothing.

Every part is a run of whole tokens of the text, so that what is put together from parts holds nothing that the query
did not hold. What this cannot read it leaves as one element, and never refuses: the engine alone knows the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, Self

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import expand
from cbdgraph.store.guard import Prologue, Token, decode, read_prologue, read_tokens

Kind = Literal[
    "triple", "filter", "bind", "optional", "minus", "values", "graph", "union", "group", "select", "other"
]

_WITH_GROUP: Final[Mapping[str, Kind]] = {"OPTIONAL": "optional", "MINUS": "minus"}
_MODIFIERS: Final = ("GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "VALUES")
_NUMBER: Final = re.compile(r"[0-9]+\Z|(?P<decimal>[0-9]*\.[0-9]+\Z)|[0-9]*\.?[0-9]+\.?[eE][+-]?[0-9]+\Z")
_ESCAPES: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


class _Unreadable(Exception):
    """What stands here is no element known to this module."""


@dataclass(frozen=True, slots=True)
class Group:
    """A pair of braces, as the places of their tokens."""

    opening: int
    closing: int


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a group. `text` can stand in a group of its own; `start` is where it was written.

    `runs` are the tokens it is made of, from and to: subject, predicate and object of a triple, which shares what it
    does not repeat; else one run. `groups` are the braces in it that hold patterns.
    """

    kind: Kind
    text: str
    start: int
    runs: tuple[tuple[int, int], ...]
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Modifier:
    """A clause behind the pattern: its keyword in capitals, its text, and where it stands."""

    name: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Parts:
    """A query or sub-select: `form` in capitals, `head` up to the dataset, `dataset` clauses, `where`, modifiers.

    `template` is that of a CONSTRUCT which has one.
    """

    form: str
    head: str
    start: int
    dataset: str
    where: Group | None
    modifiers: tuple[Modifier, ...]
    template: Group | None = None

    def modifier(self, name: str) -> Modifier | None:
        """The modifier of that keyword."""
        return next((modifier for modifier in self.modifiers if modifier.name == name), None)


@dataclass(frozen=True, slots=True)
class Source:
    """A query's text with its tokens, the prefixes that it declares, and which bracket closes which."""

    text: str
    tokens: tuple[Token, ...]
    _declared: Prologue
    _closing: Mapping[int, int] = field(repr=False)

    @classmethod
    def read(cls, query: str) -> Self:
        """A query's tokens; `QuerySyntaxError` and `QueryRefused` as `read_tokens`."""
        tokens = tuple(read_tokens(query))
        opened: list[int] = []
        closing: dict[int, int] = {}
        for index, token in enumerate(tokens):
            if token.text in {"(", "{", "[", "{|"} and token.kind in {"sign", "annotation"}:
                opened.append(index)
            elif token.text in {")", "}", "]", "|}"} and token.kind in {"sign", "annotation"}:
                closing[opened.pop()] = index
        return cls(query, tokens, read_prologue(query, tokens), closing)

    @property
    def prologue(self) -> str:
        """The declarations, as they were written."""
        return self.slice(0, self._declared.size)

    @property
    def prefixes(self) -> Mapping[str, str]:
        """The prefixes that it declares."""
        return self._declared.prefixes

    def iri(self, token: Token) -> str:
        """The IRI that a token stands for; "" if its prefix is not declared."""
        return self._declared.iri(token)

    # -- places and texts

    def slice(self, start: int, end: int) -> str:
        """The text of the tokens from `start` to before `end`, as it was written."""
        return self.text[self.tokens[start].start : _end(self.tokens[end - 1])] if start < end else ""

    def line_and_column(self, position: int) -> tuple[int, int]:
        """Both from 1."""
        return self.text.count("\n", 0, position) + 1, position - self.text.rfind("\n", 0, position)

    def tokens_of(self, element: Element) -> list[Token]:
        """The tokens of an element; of a triple with what it does not repeat."""
        return [token for start, end in element.runs for token in self.tokens[start:end]]

    # -- queries

    def parts(self) -> Parts | None:
        """The query's parts; None if it begins as none does."""
        return self._parts(self._declared.size, len(self.tokens))

    def sub_select(self, group: Group) -> Parts | None:
        """The parts of the sub-select that a group holds."""
        return self._parts(group.opening + 1, group.closing)

    def _parts(self, index: int, end: int) -> Parts | None:
        form = self._word(index)
        if index >= end or form not in {"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"}:
            return None
        first, template = index, None
        index += 1
        if form == "CONSTRUCT" and self._is(index, "{"):
            template = Group(index, self._closing[index])
            index = template.closing + 1
        while index < end and self._word(index) not in {"FROM", "WHERE", *_MODIFIERS} and not self._is(index, "{"):
            index = self._closing.get(index, index) + 1
        head, dataset = self.slice(first, index), index
        while index < end and self._word(index) not in {"WHERE", *_MODIFIERS} and not self._is(index, "{"):
            index += 1
        clauses = self.slice(dataset, index)
        index += self._word(index) == "WHERE" and index < end
        where = None
        if index < end and self._is(index, "{"):
            where = Group(index, self._closing[index])
            index = where.closing + 1
        modifiers = []
        while index < end:
            start = index
            index += 1
            while index < end and self._word(index) not in _MODIFIERS:
                index = self._closing.get(index, index) + 1
            modifiers.append(Modifier(self._word(start), self.slice(start, index), self.tokens[start].start))
        return Parts(form, head, self.tokens[first].start, clauses, where, tuple(modifiers), template)

    # -- groups

    def elements(self, group: Group) -> tuple[Element, ...]:
        """The elements of a group in the order in which they are written; dots between them are left out."""
        index = group.opening + 1
        if index < group.closing and self._word(index) == "SELECT":
            return (self._element("select", index, group.closing, (group,)),)
        found: list[Element] = []
        while index < group.closing:
            if self._is(index, "."):
                index += 1
                continue
            try:
                new, after = self._read(index)
                if after > group.closing:
                    raise _Unreadable
            except _Unreadable:
                after = index + 1
                while after < group.closing and not self._is(after, "."):
                    after = self._closing.get(after, after) + 1
                new = [self._element("other", index, after)]
            found += new
            index = after
        return tuple(found)

    def _read(self, index: int) -> tuple[list[Element], int]:
        """The element or elements that begin here, and the token after them."""
        word, kind = self._word(index), self.tokens[index].kind
        if self._is(index, "{"):
            return self._read_braces(index)
        if kind != "word" or word in {"TRUE", "FALSE"} or _is_number(self.tokens[index]):
            return self._read_triples(index)
        if word == "FILTER":
            return self._read_filter(index)
        if word in _WITH_GROUP:
            group = self._group(index + 1)
            return [self._element(_WITH_GROUP[word], index, group.closing + 1, (group,))], group.closing + 1
        if word == "GRAPH":
            group = self._group(index + 2)
            return [self._element("graph", index, group.closing + 1, (group,))], group.closing + 1
        if word == "BIND" and self._is(index + 1, "("):
            end = self._closing[index + 1] + 1
            return [self._element("bind", index, end)], end
        if word == "VALUES":
            names = index + 1
            data = self._group(self._closing.get(names, names) + 1)
            return [self._element("values", index, data.closing + 1)], data.closing + 1
        raise _Unreadable

    def _read_braces(self, index: int) -> tuple[list[Element], int]:
        groups = [self._group(index)]
        while self._word(groups[-1].closing + 1) == "UNION":
            groups.append(self._group(groups[-1].closing + 2))
        end = groups[-1].closing + 1
        first = groups[0].opening + 1
        kind: Kind = "union" if len(groups) > 1 else "select" if self._word(first) == "SELECT" else "group"
        return [self._element(kind, index, end, tuple(groups))], end

    def _read_filter(self, index: int) -> tuple[list[Element], int]:
        after = index + 1
        if self._is(after, "("):
            end = self._closing[after] + 1
            conditions = self._conditions(after + 1, end - 1)
            if len(conditions) > 1:
                return [
                    Element("filter", f"FILTER({self.slice(*run)})", self.tokens[run[0]].start, (run,))
                    for run in conditions
                ], end
            return [self._element("filter", index, end)], end
        negated = self._word(after) == "NOT"
        if self._word(after + negated) == "EXISTS":
            group = self._group(after + negated + 1)
            return [self._element("filter", index, group.closing + 1, (group,))], group.closing + 1
        if not self._is(after + 1, "("):
            raise _Unreadable
        end = self._closing[after + 1] + 1
        return [self._element("filter", index, end)], end

    def _conditions(self, start: int, end: int) -> list[tuple[int, int]]:
        """What && joins at the top of a condition, which may each be asked for alone; the whole where there is ||."""
        ends, index = [], start
        while index < end:
            if self._is(index, "|") and self._is(index + 1, "|"):
                return [(start, end)]
            if self._is(index, "&") and self._is(index + 1, "&"):
                ends.append(index)
                index += 1
            index = self._closing.get(index, index) + 1
        edges = [start - 2, *ends, end]
        runs = [(before + 2, after) for before, after in pairwise(edges)]
        return runs if all(first < last for first, last in runs) else [(start, end)]

    def _read_triples(self, index: int) -> tuple[list[Element], int]:
        """Triples of one subject; one that is [ … ] or ( … ) cannot be repeated, so that they stay together."""
        first, index = index, self._term(index)
        whole = self.tokens[first].text in {"[", "("}
        subject = (first, index)
        found: list[Element] = []
        own = first
        while not self._ends_triples(index):
            predicate = (index, self._verb(index))
            index = predicate[1]
            while True:
                value = (index, self._term(index))
                index = value[1]
                text = " ".join(self.slice(*run) for run in (subject, predicate, value))
                found.append(Element("triple", text, self.tokens[own].start, (subject, predicate, value)))
                if not self._is(index, ","):
                    break
                index += 1
                own = index
            while self._is(index, ";"):
                index += 1
            own = index
            if not self._is(index - 1, ";") and not self._ends_triples(index):
                raise _Unreadable
        if whole:
            return [self._element("triple", first, index)], index
        if not found:
            raise _Unreadable
        return found, index

    def _ends_triples(self, index: int) -> bool:
        token = self._token(index)
        if token.kind == "sign":
            return token.text in {".", "}", "{"}
        return token.kind == "word" and token.text.upper() in {
            *_WITH_GROUP, "FILTER", "GRAPH", "BIND", "VALUES", "UNION"
        }  # fmt: skip

    def _verb(self, index: int) -> int:
        """The token after a variable or a property path."""
        if self._token(index).kind == "variable":
            return index + 1
        while True:
            while self._token(index).text in {"^", "!"} and self._token(index).kind == "sign":
                index += 1
            token = self._token(index)
            if self._is(index, "("):
                index = self._closing[index] + 1
            elif token.kind in {"iri", "name"} or token.text == "a":
                index += 1
            else:
                raise _Unreadable
            if self._token(index).text in {"?", "*", "+"} and not self._begins_number(index):
                index += 1
            if not self._is(index, "/") and not self._is(index, "|"):
                return index
            index += 1

    def _term(self, index: int) -> int:
        """The token after a term, a [ … ] or a ( … )."""
        token = self._token(index)
        if token.kind in {"variable", "iri", "name", "blank"}:
            return index + 1
        if token.kind == "string":
            if self._token(index + 1).kind == "language":
                return index + 2
            if self._is(index + 1, "^") and self._is(index + 2, "^"):
                if self._token(index + 3).kind not in {"iri", "name"}:
                    raise _Unreadable
                return index + 4
            return index + 1
        if self._is(index, "[") or self._is(index, "("):
            return self._closing[index] + 1
        if token.kind == "sign" and self._begins_number(index):
            return self._term(index + 1)
        if token.kind == "word" and (token.text.lower() in {"true", "false"} or _is_number(token)):
            cut = token.text[-1] in "eE" and _is_number(token) and self._begins_number(index + 1)
            return index + 3 if cut else index + 1
        raise _Unreadable

    def _begins_number(self, index: int) -> bool:
        """Whether a sign and the number after it are written as one; the minus of -1 is in its token already."""
        sign, number = self._token(index), self._token(index + 1)
        if sign.text not in {"+", "-", "."} or sign.start + 1 != number.start:
            return False
        return number.text[0].isdigit() or (
            number.text == "." and sign.text != "." and self._begins_number(index + 1)
        )

    # -- terms

    def terms(self, start: int, end: int) -> Iterator[tuple[str, Iri | Text]]:
        """The constants among tokens, each as written and as a term; what cannot be one is left out.

        A prefix that is not declared gives nothing: the engine has refused it already.
        """
        index = start
        while index < end:
            token, after = self.tokens[index], index + 1
            try:
                if token.text != "a" and (token.kind in {"string", "word"} or token.text in {"+", "-"}):
                    after = self._term(index)
                value = self._value(index, after)
            except (_Unreadable, InvalidName):
                value = None
            if value is not None:
                yield self.slice(index, after), value
            index = max(after, index + 1)

    def _value(self, index: int, after: int) -> Iri | Text | None:
        token = self.tokens[index]
        if token.kind in {"iri", "name"}:
            iri = self.iri(token)
            return Iri(iri) if iri else None
        text = self.slice(index, after)
        if token.kind == "string":
            mark = self._token(index + 1) if after > index + 1 else None
            if mark is not None and mark.kind == "language":
                return Text(_unquote(token.text), language=mark.text[1:])
            datatype = self.iri(self.tokens[after - 1]) if mark is not None else ""
            plain = datatype in {"", expand("xsd:string")}
            return Text(_unquote(token.text), datatype=None if plain else Iri(datatype))
        if token.kind == "word" and token.text == "a":
            return Iri(expand("rdf:type"))
        if text.lower() in {"true", "false"}:
            return Text(text.lower(), datatype=Iri(expand("xsd:boolean")))
        if number := _NUMBER.match(text.lstrip("+-")):
            kind = "double" if "e" in text.lower() else "decimal" if number["decimal"] else "integer"
            return Text(text, datatype=Iri(expand(f"xsd:{kind}")))
        return None

    # -- tokens

    def _element(self, kind: Kind, start: int, end: int, groups: tuple[Group, ...] = ()) -> Element:
        return Element(kind, self.slice(start, end), self.tokens[start].start, ((start, end),), groups)

    def _group(self, index: int) -> Group:
        if not self._is(index, "{"):
            raise _Unreadable
        return Group(index, self._closing[index])

    def _token(self, index: int) -> Token:
        return self.tokens[index] if index < len(self.tokens) else Token("end", " ", len(self.text), 0)

    def _word(self, index: int) -> str:
        token = self._token(index)
        return token.text.upper() if token.kind == "word" else ""

    def _is(self, index: int, sign: str) -> bool:
        token = self._token(index)
        return token.text == sign and token.kind == "sign"


def join(elements: Sequence[Element]) -> str:
    """Elements as the inside of a group, in that order."""
    return " .\n".join(element.text for element in elements)


def _is_number(token: Token) -> bool:
    return token.text[0].isdigit() or (token.text[0] == "-" and token.text[1:2].isdigit())


def _end(token: Token) -> int:
    return token.start + len(token.text)


def _unquote(text: str) -> str:
    quotes = 3 if text[:3] in {'"""', "'''"} and len(text) >= 6 else 1
    inner = decode(text[quotes:-quotes])
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), inner, flags=re.DOTALL)
