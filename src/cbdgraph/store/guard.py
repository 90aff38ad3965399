"""Looks at a stranger's query before any engine does: text in, its form and graphs out, or a refusal; never runs it.

This is a tokeniser over the terminals of the SPARQL 1.1 grammar (section 19.8), in linear time, not a parser. It must
never see less than the engine: the engine's parser knows no end of a keyword (`trueSERVICE<…>` is `true SERVICE <…>`
to it) and takes `<` for a comparison wherever one can stand, so both readings are weighed here, and a text that
would hide something in either is refused. Codepoint escapes (section 19.2) are read both as they stand and decoded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple
from urllib.parse import urljoin

from cbdgraph.errors import QueryRefused, QuerySyntaxError
from cbdgraph.namespaces import BASE
from cbdgraph.store import Form

MAX_DEPTH: Final = 200  # the engine's parser is recursive: some thousand brackets end its process

_ESCAPE: Final = r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_BASE_CHAR: Final = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME_CHAR: Final = rf"{_BASE_CHAR}_\-0-9\u00b7\u0300-\u036f\u203f-\u2040"
_VARIABLE_CHAR: Final = _NAME_CHAR.replace(r"\-", "")
_PREFIX: Final = rf"(?:[{_BASE_CHAR}](?:[{_NAME_CHAR}.]*[{_NAME_CHAR}])?)?"
_LOCAL_CHAR: Final = rf"[{_NAME_CHAR}:]|%[0-9A-Fa-f]{{2}}|\\[_~.\-!$&'()*+,;=/?#@%]"
_LOCAL: Final = rf"(?:{_LOCAL_CHAR})(?:\.*(?:{_LOCAL_CHAR}))*"
# Possessive and atomic groups keep every alternative linear. A word takes dots in, as a prefix may, so that what was
# tried as a name is not tried again from its middle.
_TOKEN: Final = rf"""
      (?P<space>[\x20\t\r\n]++|\#[^\r\n]*+)
    | (?P<iri><(?>[^<>"{{}}|^`\\\x00-\x20]|{_ESCAPE})*+>)
    | (?P<string>'''(?>'{{0,2}}+(?>[^'\\]|\\.))*+'''|\"\"\"(?>"{{0,2}}+(?>[^"\\]|\\.))*+\"\"\"
        |'(?>[^'\\\n\r]|\\.)*+'|"(?>[^"\\\n\r]|\\.)*+")
    | (?P<language>@[A-Za-z]++(?:-++[A-Za-z0-9]++)*+)
    | (?P<variable>[?$][{_VARIABLE_CHAR}]++)
    | (?P<blank>_:(?>[{_NAME_CHAR}](?>\.*+[{_NAME_CHAR}])*+))
    | (?P<name>(?>{_PREFIX}):(?:{_LOCAL})?+)
    | (?P<word>[{_NAME_CHAR}]++(?:\.++[{_NAME_CHAR}]++)*+)
    | (?P<annotation>\{{\||\|\}})
    | (?P<sign>[(){{}}\[\]]|[<>=!&|^/*+\-.,;?~$@%])
    """
_BACKSLASH: Final = re.compile(_ESCAPE)
_CLOSES: Final = {")": "(", "}": "{", "]": "[", "|}": "{|"}
_SCHEME: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.\-]*://")
_FORMS: Final[dict[str, Form]] = {
    "SELECT": "solutions",
    "ASK": "boolean",
    "CONSTRUCT": "triples",
    "DESCRIBE": "triples",
}
# A text in which none of these stands can hide nothing of what is looked for below: no SERVICE, no graph but those
# served, no value that changes. Before a variable, `from` is the end of a name such as prov:wasDerivedFrom.
_SUSPECT: Final = ("service", "\\u", "rand", "now", "uuid", "bnode")
_FROM: Final = r"from(?![ \t\r\n]*[?$])"
_HEAD: Final = r"""(?ix)
    (?>[\x20\t\r\n]++|\#[^\r\n]*+|(?>PREFIX[\x20\t\r\n]++[^\x00-\x20:<>\#]*+:|BASE)[\x20\t\r\n]*+<[^<>"{}|^`\\\x00-\x20]*+>)*+
    (SELECT|ASK|CONSTRUCT|DESCRIBE)"""
_UPDATES: Final = frozenset(["INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "COPY", "MOVE", "ADD", "WITH"])
_CHANGING: Final = frozenset({"RAND", "NOW", "UUID", "STRUUID", "BNODE"})


class Token(NamedTuple):
    """One terminal; `kind` names its group in the pattern, `depth` the number of brackets open before it."""

    kind: str
    text: str
    start: int
    depth: int


@dataclass(frozen=True, slots=True)
class Prologue:
    """The prefixes and the base that a query declares; `size` is how many tokens that takes."""

    prefixes: Mapping[str, str]
    base: str
    size: int

    def iri(self, token: Token) -> str:
        """The IRI that a token stands for; "" if it is none, or its prefix is not declared."""
        if token.kind == "iri":
            return _resolve(self.base, token.text)
        prefix, colon, local = token.text.partition(":")
        if token.kind != "name" or not colon or prefix not in self.prefixes:
            return ""
        return self.prefixes[prefix] + re.sub(r"\\(.)", r"\1", decode(local))


@dataclass(frozen=True, slots=True)
class Checked:
    """A query that may run: the form of its result, its FROM and FROM NAMED graphs.

    `repeatable` is False if it asks for random values, the time or fresh names, so that no answer may be kept.
    """

    form: Form
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    repeatable: bool


def check_query(query: str, known_graphs: Collection[str] | None = None, base: str = BASE) -> Checked:
    """The form and graphs of a stranger's query.

    `QueryRefused` for SERVICE, an update, an unknown graph (when `known_graphs` is given) or too many brackets;
    `QuerySyntaxError` where the text cannot be read in one way only.
    """
    checked = _check_plain(query) or _check_tokens(query, base)
    if known_graphs is not None:
        check_graphs((*checked.default_graphs, *checked.named_graphs), known_graphs)
    return checked


def _check_plain(query: str) -> Checked | None:
    """What is plainly harmless, told in a tenth of the time; None where the tokens must be looked at."""
    folded = query.casefold()
    if any(map(folded.__contains__, _SUSPECT)) or sum(map(query.count, "([{")) > MAX_DEPTH:
        return None
    from_, head = _plain()
    if "from" in folded and from_.search(folded):
        return None
    form = head.match(query)
    return Checked(_FORMS[form[1].upper()], (), (), repeatable=True) if form else None


def _check_tokens(query: str, base: str = BASE) -> Checked:
    decoded = decode(query)
    if decoded != query:
        _refuse_service(_read_what_is_readable(decoded))
    tokens = list(read_tokens(query))
    _refuse_service(tokens)
    return _read_form(query, tokens, base)


@cache
def _plain() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(_FROM), re.compile(_HEAD)


def check_graphs(graphs: Sequence[str], known_graphs: Collection[str]) -> None:
    """`QueryRefused` for a graph that is not served; nothing is ever fetched in its place."""
    for graph in graphs:
        if graph not in known_graphs:
            known = sorted(known_graphs)
            shown = ", ".join(f"<{name}>" for name in known[:20]) or "none"
            more = f" and {len(known) - 20} more" if len(known) > 20 else ""
            raise QueryRefused(
                "an unknown graph", f"<{graph}> is not served and is not fetched; known: {shown}{more}"
            )


def decode(query: str) -> str:
    """The query with codepoint escapes replaced; one that stands for no character stays.

    >>> decode("\\\\u0053ERVICE")
    'SERVICE'
    """

    def character(match: re.Match[str]) -> str:
        number = int(match[0][2:], 16)
        return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else match[0]

    return _BACKSLASH.sub(character, query)


@cache
def _terminals() -> re.Pattern[str]:
    """The pattern of a token; compiling it takes as long as opening a store, so that a start does not wait for it."""
    return re.compile(_TOKEN, re.VERBOSE | re.DOTALL)


def read_tokens(query: str) -> Iterator[Token]:
    """The terminals of a query, without space and comments; brackets are matched on the way."""
    brackets: list[str] = []
    terminals = _terminals()
    position = 0
    before = ""  # the kind or sign of the token before
    while position < len(query):
        match = terminals.match(query, position)
        if match is None:
            raise syntax_at(query, position, f"{query[position]!r} cannot stand here, or what it begins has no end")
        kind, text = match.lastgroup or "", match[0]
        if text in {"''", '""'} and query.startswith(text[0], position + 2):
            raise syntax_at(query, position, f"a text that begins with {text + text[0]} has no end")
        if kind == "iri" and brackets and brackets[-1] == "(" and _is_operand(before) and not _SCHEME.match(text):
            # Inside parentheses after an operand, `<` may be a comparison: then this is no IRI, and what stands in
            # it is read as tokens. With a quote or # the two readings part for good.
            if "'" in text or "#" in text:
                raise syntax_at(query, position, "'<' may be a comparison or an IRI; put a space after it, or a base")
            if "(" in text or ")" in text:
                kind, text = "sign", "<"
        if kind != "space":
            yield Token(kind, text, position, len(brackets))
            if kind in {"sign", "annotation"}:
                _follow(query, position, text, brackets)
            before = text if kind == "sign" else kind
        position += len(text)
    if brackets:
        raise syntax_at(query, len(query), f"{brackets[-1]!r} is not closed")


def _follow(query: str, position: int, text: str, brackets: list[str]) -> None:
    if text in {"(", "{", "[", "{|"}:
        if len(brackets) >= MAX_DEPTH:
            raise QueryRefused("nesting", f"brackets may be {MAX_DEPTH} deep here")
        brackets.append(text)
    elif text in _CLOSES and (not brackets or brackets.pop() != _CLOSES[text]):
        raise syntax_at(query, position, f"{text!r} closes nothing")


def _is_operand(before: str) -> bool:
    return before in {"variable", "string", "language", "blank", "name", "word", "iri", ")", "]", "}"}


def _read_what_is_readable(query: str) -> list[Token]:
    """The tokens up to where the decoded text cannot be read: the engine reads the text as it stands."""
    tokens: list[Token] = []
    try:
        tokens.extend(read_tokens(query))
    except QuerySyntaxError:
        position = 0
        while position < len(query) and (match := _terminals().match(query, position)):
            tokens.append(Token(match.lastgroup or "", match[0], position, 0))
            position = match.end()
    return [token for token in tokens if token.kind != "space"]


def _refuse_service(tokens: Sequence[Token]) -> None:
    for index, token in enumerate(tokens):
        if "service" not in token.text.lower():
            continue
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        before = tokens[index - 1].text.upper() if index else ""
        # `service:x { … }` is SERVICE with the empty prefix to the engine; `GRAPH service:x { … }` is a graph.
        hidden = (
            token.kind == "name"
            and "service" in token.text.partition(":")[0].lower()
            and following == "{"
            and before not in {"GRAPH", "FROM", "NAMED"}
        )
        if token.kind == "word" or hidden:
            raise QueryRefused(
                "SERVICE", "this service never calls another; run the query there, and join the answers"
            )


def read_prologue(query: str, tokens: Sequence[Token], base: str = BASE) -> Prologue:
    """What a query declares before its form; `QuerySyntaxError` where a declaration lacks something."""
    prefixes: dict[str, str] = {}
    index = 0
    while index < len(tokens) and (word := tokens[index].text.upper()) in {"BASE", "PREFIX", "VERSION"}:
        rest = tokens[index + 1 : index + 3]
        if word == "PREFIX" and [token.kind for token in rest] == ["name", "iri"] and rest[0].text.endswith(":"):
            prefixes[rest[0].text[:-1]] = _resolve(base, rest[1].text)
            index += 3
        elif word == "BASE" and rest and rest[0].kind == "iri":
            base = _resolve(base, rest[0].text)
            index += 2
        elif word == "VERSION" and rest and rest[0].kind == "string":
            index += 2
        else:
            raise syntax_at(query, tokens[index].start, f"{word} is followed by something else than it needs")
    return Prologue(prefixes, base, index)


def _read_form(query: str, tokens: Sequence[Token], base: str) -> Checked:
    prologue = read_prologue(query, tokens, base)
    index = prologue.size
    start = tokens[index].start if index < len(tokens) else len(query)
    word = tokens[index].text.upper() if index < len(tokens) else ""
    if word in _UPDATES:
        raise QueryRefused(f"update ({word})", "this service is read-only")
    form = next((form for name, form in _FORMS.items() if word.startswith(name)), None)
    if form is None:
        raise syntax_at(query, start, "expected SELECT, ASK, CONSTRUCT or DESCRIBE")
    default, named = _read_graphs(tokens[index:], prologue)
    repeatable = not any(
        token.kind == "word" and token.text.upper() in _CHANGING and following.text == "("
        for token, following in pairwise(tokens)
    )
    return Checked(form, tuple(default), tuple(named), repeatable)


def _read_graphs(tokens: Sequence[Token], prologue: Prologue) -> tuple[list[str], list[str]]:
    default: list[str] = []
    named: list[str] = []
    for index, token in enumerate(tokens):
        if token.depth or token.kind != "word" or token.text.upper() not in {"FROM", "FROMNAMED"}:
            continue
        rest = [other for other in tokens[index + 1 : index + 3] if other.text.upper() != "NAMED"]
        is_named = token.text.upper() == "FROMNAMED" or tokens[index + 1 : index + 2] != rest[:1]
        if not rest:
            continue  # the engine's syntax error is the better one
        graph = prologue.iri(rest[0])
        if graph:
            (named if is_named else default).append(graph)
    return default, named


def _resolve(base: str, text: str) -> str:
    iri = decode(text[1:-1])
    return urljoin(base, iri) if base and not re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", iri) else iri


def syntax_at(query: str, position: int, reason: str) -> QuerySyntaxError:
    """A syntax error with the line and column of a character of the query, both from 1."""
    line = query.count("\n", 0, position) + 1
    return QuerySyntaxError(reason, line, position - (query.rfind("\n", 0, position) + 1) + 1)
