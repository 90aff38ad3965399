"""Tokens in, whether a number is of a body that is none of ours out: "decision VIII/13 of the Basel Convention".

Others number as the Convention does. Where the words beside a number name its body, it is no citation; where another
body is only named before it, the citation is doubtful. Every look goes a bounded number of tokens far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cbdgraph.citations.lexicon import Lexicon
from cbdgraph.citations.tokens import END, Token

# What may stand between a number and the "of" of the body that adopted it: its parts, and others of its list.
_OWN: Final = frozenset(
    {"PRE", "NUM", "NUMLET", "BR", "ROMAN", "LETTER", "SYM", "SEP", "AND", "TO", "DASH", "FILL", "NOUN"}
)
_FARTHEST: Final = 12  # tokens


def is_foreign(tokens: Sequence[Token], i: int, lexicon: Lexicon) -> bool:
    """Whether the number at `i` is of a body that is none of ours: "resolution XI/8", "decision 2/5 of IPBES"."""
    return _has_prefix(tokens, i) or _is_led(tokens, i, lexicon) or _is_followed(tokens, i)


def _has_prefix(tokens: Sequence[Token], i: int) -> bool:
    """ "Decision BC-14/12": nobody here knows whose prefix that is."""
    word, dash = _at(tokens, i - 2), _at(tokens, i - 1)
    if dash.kind != "DASH" or not word.end == dash.start < dash.end == tokens[i].start:
        return False
    return word.kind == "FOREIGN" or (word.kind in {"OTHER", "LETTER"} and word.text[-1].isupper())


def _is_led(tokens: Sequence[Token], i: int, lexicon: Lexicon) -> bool:
    k = i - 1
    while k > i - 3 and _at(tokens, k).kind in {"FILL", "HAO", "ORD"}:
        k -= 1
    while lexicon.body_first and k > i - 6 and _at(tokens, k).kind in {"HAO", "ORD", "NOUN", "BODY"}:
        k -= 1  # "IPBES decision 2/5"
    return _at(tokens, k).kind == "FOREIGN"


def _is_followed(tokens: Sequence[Token], i: int) -> bool:
    k = i + 1
    while k < i + 3 and _at(tokens, k).kind in {"NOUN", "HAO"}:
        k += 1
    if (_at(tokens, k).kind == "FOREIGN" and _at(tokens, k).held) or treaty_of(tokens, k):
        return True  # решение VIII/13 Базельской конвенции
    k = i + 1
    while k < i + _FARTHEST and _at(tokens, k).kind in _OWN:
        k += 1
    # Only "of" tells whose it is: not "in", and not the "to" of "submitted decision XI/5 to the General Assembly".
    if _at(tokens, k).value != "whose" or _at(tokens, k - 1).kind == "AND":
        return False
    end = k + 4
    while k < end and _at(tokens, k).kind in {"OF", "FILL"}:
        k += 1
    return _at(tokens, k).kind == "FOREIGN" or bool(treaty_of(tokens, k))


def treaty_of(tokens: Sequence[Token], i: int) -> str:
    """The treaty of others whose Conference of the Parties the token at `i` names; empty if it is ours, or is none.

    Organizations have none: "the guidance of the Conference of the Parties to the Global Environment Facility".
    """
    if _at(tokens, i).kind != "BODY" or _at(tokens, i).value != "cop":
        return ""
    if _at(tokens, i - 1).value == "other_treaty":
        return _at(tokens, i - 1).text
    k = i + 1
    while k < i + 4 and (_at(tokens, k).kind in {"OF", "FILL"} or _at(tokens, k).value == "to_of"):
        k += 1
    linked = k > i + 1 or _at(tokens, k).held
    return _at(tokens, k).text if linked and _at(tokens, k).value == "other_treaty" else ""


def owner_before(tokens: Sequence[Token], first: int) -> str:
    """The other body that the decision at `first` may be of, by the words before it: "UNEP, in its decision 27/9"."""
    k, owned = first - 1, _at(tokens, first).value == "its"
    while k > first - 5 and _at(tokens, k).kind in {"FILL", "OF", "SEP"}:
        owned = owned or _at(tokens, k).value == "its"
        k -= 1
    return _at(tokens, k).text if owned and _at(tokens, k).kind == "FOREIGN" else ""


def _at(tokens: Sequence[Token], i: int) -> Token:
    return tokens[i] if 0 <= i < len(tokens) else END
