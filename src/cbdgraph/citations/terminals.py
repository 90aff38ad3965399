"""The terminals of the grammar and the parser over them: rows of terminals in, lark trees out; knows no words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark, Tree


@dataclass(frozen=True, slots=True)
class Terminal:
    """One terminal of grammar.lark: the words from `start` to `end` and what they mean.

    `value` is a level for PRE and POST, a label for LABEL, LEAD and SUB; `kind` the sort of label or token;
    `flags` says of a joint whether it is "and", "semi", "range", "path", "including" …
    """

    type: str
    start: int
    end: int
    text: str
    value: str = ""
    kind: str = ""
    generic: bool = False
    flags: frozenset[str] = frozenset()


def parse_terminals(terminals: Sequence[Terminal]) -> Tree[Any] | None:
    """The tree of one mention, its leaves carrying the index of their terminal as `start_pos`; None if it is none."""
    from lark import UnexpectedInput

    try:
        return _parser().parse(terminals)
    except UnexpectedInput:
        return None


@cache
def _parser() -> Lark:
    """Built on first use, because importing lark and building its tables takes longer than all our own modules."""
    from lark import Lark, Token
    from lark.lexer import Lexer

    class Passing(Lexer):
        """Hands on terminals that parts.py and mentions.py have made."""

        def __init__(self, lexer_conf: object) -> None: ...

        def lex(self, lexer_state: Any, parser_state: Any = None) -> Iterator[Token]:  # noqa: ARG002
            for index, terminal in enumerate(lexer_state):
                yield Token(terminal.type, terminal.text, start_pos=index)

    text = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer=Passing)
