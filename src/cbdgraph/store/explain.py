"""The engine's syntax error and the query in, an error that a person can act on out; must not run or change a query.

The engine tells what its parser tried last: keywords that nobody needs here, and a place behind them, since it reads
as many characters as a keyword has before it gives up. So the place is set back to the token that could not be read,
and what to do follows from that token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cbdgraph.errors import QueryRefused, QuerySyntaxError
from cbdgraph.namespaces import PREFIXES
from cbdgraph.store.guard import Token, read_tokens, syntax_at

_MESSAGE: Final = re.compile(r"error at (\d+):(\d+): (?:expected )?(?:one of )?(.*)", re.DOTALL)
_CLASS: Final = re.compile(r"\[[^\]]*\](?:\s*\|\s*\[[^\]]*\])*")
_SENTENCE: Final = re.compile(r"[A-Z]\w* \w.*|.* failed")
_PLAINER: Final = {
    "The SELECT contains a variable that is unbound": "with GROUP BY or an aggregate, every other variable of SELECT "
    "must stand in GROUP BY, or in an aggregate such as (SAMPLE(?x) AS ?y)",
    "The SELECT overrides an existing variable using an expression": "the variable after AS must be a new one",
    "IRI parsing failed": "an IRI stands in < > and holds no space",
}
# What an expected sign begins, in words.
_BEGINS: Final = {
    "?": "a variable",
    "$": "a variable",
    "<": "an IRI",
    ":": "an IRI",
    '"': "a text",
    "'": "a text",
    "{": "'{'",
    "}": "'}'",
    "(": "'('",
    ")": "')'",
    ",": "','",
    ".": "'.'",
    ";": "';'",
    "*": "'*'",
}
_PATTERN: Final = (
    "a pattern is subject, predicate and object, with '.' before the next one, ';' before another predicate of the "
    "same subject, ',' before another object"
)
_FORMS: Final = {
    "SELECT": "write SELECT ?variable … WHERE { … }, or SELECT * WHERE { … }",
    "ASK": "write ASK { … }",
    "CONSTRUCT": "write CONSTRUCT { … } WHERE { … }",
    "DESCRIBE": "write DESCRIBE <IRI>, or DESCRIBE ?variable WHERE { … }",
    "WHERE": "WHERE is followed by { … }",
    "FROM": "FROM is followed by the IRI of a graph",
    "PREFIX": "write PREFIX name: <IRI>",
    "BASE": "write BASE <IRI>",
    "LIMIT": "LIMIT is followed by a whole number, and stands after the last '}'",
    "OFFSET": "OFFSET is followed by a whole number, and stands after the last '}'",
    "ORDER": "write ORDER BY ?variable, or ORDER BY DESC(?variable), after the last '}'",
    "GROUP": "write GROUP BY ?variable, after the last '}'",
    "BY": "BY is followed by a variable, or by an expression in parentheses",
    "ASC": "write ASC(?variable)",
    "DESC": "write DESC(?variable)",
    "HAVING": "write HAVING (condition), after GROUP BY",
    "FILTER": "write FILTER(condition)",
    "BIND": "write BIND(expression AS ?variable)",
    "VALUES": "write VALUES ?variable { … } with IRIs, texts or numbers between the braces, no variables",
    "OPTIONAL": "write OPTIONAL { … }",
    "UNION": "write { … } UNION { … }",
    "MINUS": "write MINUS { … }",
    "GRAPH": "write GRAPH ?graph { … }, or GRAPH <IRI> { … }",
    "EXISTS": "write FILTER EXISTS { … }",
    "AS": "AS is followed by a variable, and stands in parentheses: (expression AS ?variable)",
    **dict.fromkeys(
        ("COUNT", "SUM", "AVG", "MIN", "MAX", "SAMPLE", "GROUP_CONCAT"),
        "an aggregate stands in parentheses and has a name: (COUNT(?x) AS ?n)",
    ),
}
# Every word that SPARQL 1.1 has, besides those above (section 19.8); all others are texts or names that lack a sign.
_OTHERS: Final = """
    ABS ADD ALL AVG BNODE BOUND CEIL CLEAR COALESCE CONCAT CONTAINS COPY CREATE DATA DATATYPE DAY DEFAULT DELETE
    DISTINCT DROP ENCODE_FOR_URI FALSE FLOOR HOURS IF IN INSERT INTO IRI ISBLANK ISIRI ISLITERAL ISNUMERIC ISURI LANG
    LANGMATCHES LCASE LOAD MD5 MINUTES MONTH MOVE NAMED NOT NOW RAND REDUCED REGEX REPLACE ROUND SAMETERM SECONDS
    SEPARATOR SERVICE SHA1 SHA256 SHA384 SHA512 SILENT STR STRAFTER STRBEFORE STRDT STRENDS STRLANG STRLEN STRSTARTS
    STRUUID SUBSTR TIMEZONE TO TRUE TZ UCASE UNDEF URI USING UUID WITH YEAR
"""
_WORDS: Final = (*_FORMS, *_OTHERS.split())
_SIGNS: Final = {"AND": "&&", "OR": "||", "IS": "="}


def explain_syntax(query: str, message: str) -> QuerySyntaxError:
    """The engine's `message` about `query`, with the line and column of the first token that could not be read."""
    match = _MESSAGE.match(message)
    if match is None:
        return QuerySyntaxError("this is not SPARQL 1.1")
    try:
        tokens = list(read_tokens(query))
    except QuerySyntaxError as error:
        return error
    except QueryRefused:
        tokens = []
    undeclared = _find_undeclared(query, tokens)
    if undeclared is not None:
        return undeclared
    bare = _find_bare(query, tokens)
    if bare is not None:
        return bare
    signs, words, sentences = _read_expected(match[3])
    place = _offset(query, int(match[1]), int(match[2]))
    if sentences:
        return syntax_at(query, min(place, len(query)), "; ".join(_PLAINER.get(s, s) for s in sentences))
    if words and not signs:
        place -= min(map(len, words))
    index = next((i for i, token in enumerate(tokens) if token.start + len(token.text) > place), len(tokens))
    if index == len(tokens) and not signs and not words:
        return syntax_at(query, len(query), "something before this place cannot be read")
    if index == len(tokens):
        last = tokens[-1].text if tokens else ""
        begins = list(dict.fromkeys(_BEGINS[sign] for sign in signs if sign in _BEGINS))
        wanted = _FORMS.get(last.upper()) or (f"expected {_join(begins)}" if begins else "something is missing")
        return syntax_at(query, len(query), f"the query ends too early; {wanted}")
    token = tokens[index]
    return syntax_at(query, token.start, f"{_shown(token)} cannot be read here; {_advise(tokens, index, signs)}")


def _find_undeclared(query: str, tokens: Sequence[Token]) -> QuerySyntaxError | None:
    """An undeclared prefix is what most often is behind a syntax error, and the engine blames what follows it."""
    declared = {
        after.text for before, after in pairwise(tokens) if before.text.upper() == "PREFIX" and after.kind == "name"
    }
    for token in tokens:
        prefix = token.text.partition(":")[0]
        if token.kind == "name" and f"{prefix}:" not in declared:
            if prefix in {"http", "https"}:
                return syntax_at(query, token.start, _PLAINER["IRI parsing failed"])
            known = PREFIXES.get(prefix, "…")
            reason = f"the prefix '{prefix}:' is not declared; begin with PREFIX {prefix}: <{known}>"
            return syntax_at(query, token.start, reason)
    return None


def _find_bare(query: str, tokens: Sequence[Token]) -> QuerySyntaxError | None:
    """A word that SPARQL does not have: the engine takes it for the beginning of a name, and blames what follows."""
    for index, token in enumerate(tokens):
        word = token.text.upper()
        before = tokens[index - 1].text.upper() if index else ""
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind != "word" or not word[0].isalpha() or following == "(" or before in {"LIMIT", "OFFSET"}:
            continue  # of functions and numbers there is more to say
        if word == "A" or word.startswith(_WORDS):
            continue  # glued to what follows, as in LIMIT5, a word of SPARQL is one to the engine
        name = token.text if len(token.text) <= 40 else "name"
        meant = f"a variable is ?{name}, a text '{name}', an IRI <…> or a name with a prefix, as in cbd:{name}"
        if word in _SIGNS:
            meant = f"write {_SIGNS[word]}"
        return syntax_at(query, token.start, f"{_shown(token)} is no word of SPARQL; {meant}")
    return None


def _read_expected(text: str) -> tuple[list[str], list[str], list[str]]:
    """What the engine expected, as signs, keywords and sentences; its lists of characters are left out.

    >>> _read_expected('"}", LATERAL, Prefix not found, [_]')
    (['}'], ['LATERAL'], ['Prefix not found'])
    """
    names = [name.strip() for name in _CLASS.sub("", text.replace("\n", " ")).split(", ")]
    signs = [name.strip('"').replace("\\", "") or '"' for name in names if name.startswith('"')]
    rest = [name for name in names if name and not name.startswith('"')]
    sentences = [name for name in rest if _SENTENCE.fullmatch(name)]
    return signs, [name for name in rest if re.fullmatch(r"\w+", name)], sentences


def _advise(tokens: Sequence[Token], index: int, signs: Sequence[str]) -> str:
    token, before = tokens[index], tokens[index - 1].text.upper() if index else ""
    word = token.text.upper()
    if token.kind == "word" and word in _FORMS:
        return _FORMS[word]
    if token.kind == "word" and index + 1 < len(tokens) and tokens[index + 1].text == "(":
        return "there is no such function, or what stands in its parentheses is not separated by commas"
    if before in _FORMS and token.kind != "word":
        return _FORMS[before]
    opened = _open_bracket(tokens, index)
    if opened == "{" and any(other.text.upper() == "VALUES" for other in tokens[max(index - 4, 0) : index]):
        return _FORMS["VALUES"]
    if opened == "{" and token.kind in {"variable", "iri", "name", "blank", "string", "word"}:
        return _PATTERN
    if not opened and tokens[0].text.upper() == "SELECT" and not any(t.text == "{" for t in tokens[:index]):
        return "after SELECT come variables with spaces between them, or (expression AS ?variable); then WHERE { … }"
    begins = list(dict.fromkeys(_BEGINS[sign] for sign in signs if sign in _BEGINS))
    if begins:
        return f"expected {_join(begins[:6])}"
    return (
        "something is missing before it" if token.text in {")", "}", "]"} else "leave it out, or mend what is before"
    )


def _open_bracket(tokens: Sequence[Token], index: int) -> str:
    """The bracket that is open before a token; empty for none."""
    depth = tokens[index].depth
    opening = (t.text for t in reversed(tokens[:index]) if t.depth == depth - 1 and t.text in {"{", "(", "[", "{|"})
    return next(opening, "") if depth else ""


def _offset(query: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = query.find("\n", start) + 1
    return start + column - 1


def _shown(token: Token) -> str:
    text = token.text if len(token.text) <= 40 else token.text[:39] + "…"
    return f"'{text}'"


def _join(names: Sequence[str]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
