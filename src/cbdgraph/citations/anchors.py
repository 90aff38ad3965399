"""Tokens in, the decisions and recommendations that they name out, without their parts; knows no levels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.citations.lexicon import Lexicon
from cbdgraph.citations.tokens import Token
from cbdgraph.errors import InvalidName
from cbdgraph.symbols import Symbol, parse_number

_LAST_SESSION: Final = {"cop": 17, "cp-mop": 12, "np-mop": 6, "sbstta": 28, "sbi": 8, "wg8j": 12, "wgri": 5}
_MOST_NUMBERS: Final = 50  # the tenth meeting, with the most, came to 47
_IN_LIST: Final = frozenset({"HAO", "SEP", "AND", "ORD", "SYM", "DASH"})
_BETWEEN: Final = frozenset({"FILL", "BODY", "ORD", "HAO"})
_PREFIX: Final = re.compile(r"(BS|CP|NP)[-–—/]?", re.IGNORECASE)
_BODY_OF_PREFIX: Final = {"BS": "cp-mop", "CP": "cp-mop", "NP": "np-mop"}
_SLIPS: Final = str.maketrans("1l", "II")
_RECOMMENDERS: Final = ("sbstta", "sbi", "wg8j", "wgri")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A named decision: tokens `first` to `last` (exclusive), its symbol, and what speaks against the reading.

    `symbol` is None for words that point back to a decision where none was named before.
    """

    first: int
    last: int
    symbol: Symbol | None
    doubts: tuple[str, ...] = ()
    section: str = ""
    bare: bool = False
    placed_only: bool = False


def find_anchors(tokens: Sequence[Token], lexicon: Lexicon, typed: bool = False) -> list[Anchor]:
    """All decisions named in a row of tokens, in order; `typed` accepts a bare number as well."""
    after = _nouns_after(tokens)
    anchors: list[Anchor] = []
    noun, since = "", -1
    named: Symbol | None = None
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.kind in {"OTHER", "BREAK", "DOT"} or (token.kind == "NOUN" and token.value != noun):
            noun = ""
        if token.kind == "NOUN":
            noun, since = token.value, i
        if token.kind in {"SAME", "SAMEIF"}:
            doubts = (
                ("anaphora: it points back to the decision named last",)
                if named
                else ("no decision was named before",)
            )
            anchors.append(Anchor(i, i + 1, named, doubts, placed_only=token.kind == "SAMEIF"))
        elif token.kind == "SYM":
            direct = (
                since >= 0 and all(t.kind in _BETWEEN for t in tokens[max(since + 1, i - 4) : i]) and i - since < 5
            )
            # The noun still counts in a list: "decisions 14/8, paragraph 3, and 15/4".
            listed = bool(anchors) and i > 0 and tokens[i - 1].kind in {"SEP", "AND", "SEMI", "ORD"}
            # 第X/2号决定: with the number's own signs the noun stands after it, else the noun before it decides.
            signed = tokens[i - 1].kind == "ORD" or (i + 1 < len(tokens) and tokens[i + 1].kind == "HAO")
            before = noun if direct or listed else ""
            word = (after[i] or before) if signed else (before or after[i])
            anchor = _anchor(tokens, i, word, lexicon, typed, direct)
            if anchor is not None:
                if not (anchors and anchors[-1].symbol == anchor.symbol and anchors[-1].last == i):
                    anchors.append(anchor)
                else:
                    same = anchors[-1]  # "VII/5 VII/5": printed twice
                    anchors[-1] = Anchor(same.first, anchor.last, same.symbol, same.doubts, same.section)
                if anchor.symbol and anchor.symbol.kind == "decision":
                    named = anchor.symbol
                i = anchor.last
                continue
        i += 1
    return anchors


def _nouns_after(tokens: Sequence[Token]) -> list[str]:
    """For each token the noun that closes the list it stands in: both numbers of "第IX/16号和第X/33号决定"."""
    out = [""] * len(tokens)
    noun = ""
    for i in range(len(tokens) - 1, -1, -1):
        kind = tokens[i].kind
        if kind == "NOUN":
            noun = tokens[i].value
        elif kind in {"LETTER", "ROMAN"} and i and tokens[i - 1].kind == "SYM":
            pass
        elif kind not in _IN_LIST:
            noun = ""
        # A noun belongs to the numbers before it only where these carry the sign: 第X/2号决定, not "X/2. Decision".
        out[i] = noun if kind == "SYM" else ""
    return out


def _anchor(tokens: Sequence[Token], i: int, noun: str, lexicon: Lexicon, typed: bool, direct: bool) -> Anchor | None:
    text = tokens[i].value
    doubts: list[str] = []
    prefix = _PREFIX.match(text)
    body = _BODY_OF_PREFIX[prefix[1].upper()] if prefix else ""
    number = text[prefix.end() :] if prefix else text
    one, _, two = number.partition("/")
    bare = not (noun or prefix)
    if bare and not typed and (one.isdigit() or one.upper() != one or one == "I" or set(one) & set("1l")):
        return None
    if one.isdigit() and two.isdigit() and not lexicon.session_first:
        one, two = two, one
    try:
        session, item = _number(one, doubts), _number(two, doubts)
    except InvalidName:
        return None
    first, last = i, i + 1
    section = ""
    if _is_lettered(tokens, last, typed):
        section = tokens[last].text.lower()
        last += 1
    for kind in ("HAO", "NOUN"):
        if last < len(tokens) and tokens[last].kind == kind and (kind == "HAO" or not direct):
            last += 1
    while first and tokens[first - 1].kind in {"ORD", "NOUN", "HAO"} and i - first < 4:
        first -= 1
        if tokens[first].kind == "NOUN":
            break
    if first < i and tokens[first].kind == "NOUN" and not direct:
        first = i - 1 if tokens[i - 1].kind == "ORD" else i
    near = _body_near(tokens, first, last)
    if near and not typed and tokens[max(first - 1, 0)].kind == "BODY" and lexicon.words_have_spaces:
        first -= 1
    kind = noun or "decision"
    if kind == "recommendation":
        body = near if near in _RECOMMENDERS else ""
        if not body:
            body = "sbstta"
            doubts.append("no body is named with the recommendation; read as one of SBSTTA")
    elif not body:
        body = near if near in {"cp-mop", "np-mop"} else "cop"
    if bare and not typed and near in _RECOMMENDERS:
        body = near
    if bare and not typed:
        if session > _LAST_SESSION["cop"] or item > _MOST_NUMBERS:
            return None
        doubts.append("no noun says whether it is a decision or a recommendation; read as a decision")
    if session > _LAST_SESSION.get(body, 17):
        doubts.append(f"{body.upper()} has had no session {session}")
    elif item > _MOST_NUMBERS:
        doubts.append(f"no session adopted as many as {item}")
    symbol = Symbol(body, session, item)
    if body == "cop" and not one.isdigit() and symbol.short[0].isdigit():
        doubts.append(f"the COP writes this session in Arabic digits, {symbol.short}; {text} may be a recommendation")
    return Anchor(first, last, symbol, tuple(doubts), section, bare)


def _number(text: str, doubts: list[str]) -> int:
    """A number, Roman or Arabic; a 1 or l among Roman numerals is a slip for I, and said to be one."""
    try:
        return parse_number(text)
    except InvalidName:
        mended = parse_number(text.translate(_SLIPS))
        doubts.append(f"“{text}” is read as {text.translate(_SLIPS)}: a digit or letter printed for I")
        return mended


def _is_lettered(tokens: Sequence[Token], i: int, typed: bool) -> bool:
    """Whether a capital letter after the number is the part of the decision: "VIII/19 B"."""
    if (
        i >= len(tokens)
        or tokens[i].kind not in {"LETTER", "ROMAN"}
        or len(tokens[i].text) > 1
        or not tokens[i].text.isupper()
    ):
        return False
    if tokens[i].start - tokens[i - 1].end > 1:
        return False
    return typed or i + 1 >= len(tokens) or tokens[i + 1].kind not in {"OTHER", "POST", "NUM", "LETTER"}


def _body_near(tokens: Sequence[Token], first: int, last: int) -> str:
    """The body named right before the number, or right after it with "of"."""
    for i in range(first - 1, max(first - 4, -1), -1):
        if tokens[i].kind == "BODY":
            return tokens[i].value
        if tokens[i].kind not in {"FILL", "OF", "NOUN"}:
            break
    for i in range(last, min(last + 4, len(tokens))):
        if tokens[i].kind == "BODY":
            return tokens[i].value
        if tokens[i].kind not in {"FILL", "OF"}:
            break
    return ""
