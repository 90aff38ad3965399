"""Tokens of symbols such as UNEP/CBD/COP/11/INF/17 in, documents, decisions or tracking codes out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.citations.tokens import Token
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint, mint_slug
from cbdgraph.locators import Locator, Step
from cbdgraph.symbols import Symbol, format_roman

_ADOPTED: Final = re.compile(
    r"(?:UNEP/)?CBD/(?P<body>COP|BS|CP|NP|SBSTTA|SBI|WG8J|WGRI)/(?:(?:COP[-/]?)?MOP/)?(?:DEC|REC)/"
    r"(?P<session>[0-9]{1,2}|[IVX]{1,6})/(?P<number>[0-9]{1,3}|[IVX]{1,6})\Z",
    re.IGNORECASE,
)
# CBD/COP/11/16.05.04: session, decision, then section and paragraph, item, sub-item; 01 is item a in the older form.
_TRACKING: Final = re.compile(
    r"CBD/COP/(?P<session>[0-9]{2})/(?P<number>[0-9]{2})"
    r"(?:[./](?P<section>[A-Z])?(?P<para>[0-9]{2,3})(?:\.(?P<item>[0-9]{2}|[a-z])(?:\.(?P<subitem>0[1-9]|[123][0-9]|[ivx]+))?)?)?\Z"
)
_SPANISH: Final = re.compile(r"^((?:UNEP/)?)CDB/", re.IGNORECASE)  # some Spanish papers print CDB
_TAIL: Final = re.compile(r"(?:/(?:Add|Rev|Corr)\.?[0-9]{1,2})+\Z", re.IGNORECASE)
_BODY: Final = {"bs": "cp-mop", "cp": "cp-mop", "np": "np-mop"}
_LAST_WITH_UNEP: Final = 13  # documents dropped the UNEP before the thirteenth meeting was over
_LONGEST_LIST: Final = 60


@dataclass(frozen=True, slots=True)
class Document:
    """One cited document: its IRI, symbol and the words that name it; `doubt` when it can mean something else."""

    iri: str
    symbol: str
    start: int
    end: int
    doubt: str = ""


def parse_adopted(text: str) -> Symbol | None:
    """The decision or recommendation of a symbol with DEC or REC in it, None for other symbols.

    >>> parse_adopted("UNEP/CBD/COP/DEC/XI/16")
    Symbol(body='cop', session=11, number=16)
    """
    match = _ADOPTED.match(text)
    if match is None:
        return None
    body = match["body"].lower()
    try:
        return Symbol.parse(f"{_BODY.get(body, body)}/{match['session']}/{match['number']}")
    except InvalidName:
        return None


def parse_tracking(text: str) -> tuple[Symbol, Locator, str] | None:
    """Decision, place and doubt of a code of the Secretariat's decision tracking tool, None for anything else.

    >>> symbol, locator, _ = parse_tracking("CBD/COP/11/16.05.04")
    >>> symbol.short, str(locator)
    ('XI/16', 'para/5/item/d')
    """
    match = _TRACKING.match(text)
    if match is None:
        return None
    session, number = int(match["session"]), int(match["number"])
    doubt = ""
    if not match["para"] and session > _LAST_WITH_UNEP:
        doubt = "it can also be the symbol of a document of that meeting"
    if not session or not number or (match["para"] and not int(match["para"])):
        return None
    steps = []
    if match["section"]:
        steps.append(Step("section", match["section"].lower()))
    if match["para"]:
        steps.append(Step("para", str(int(match["para"]))))
    if item := match["item"]:
        steps.append(
            Step(
                "item", item if item.isalpha() else chr(ord("a") + max(int(item), 1) - 1) if int(item) <= 26 else item
            )
        )
    if subitem := match["subitem"]:
        steps.append(Step("subitem", subitem if subitem.isalpha() else format_roman(int(subitem)).lower()))
    return Symbol("cop", session, number), Locator(tuple(steps)), doubt


def read_documents(tokens: Sequence[Token], i: int, listed_before: bool) -> tuple[list[Document], int]:
    """The documents named from token `i` on, with the numbers listed after the first, and the place after them."""
    token = tokens[i]
    text = _SPANISH.sub(r"\1CBD/", token.text.rstrip(".-"))
    base, _, last = text.rpartition("/")
    ends = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,4})", last)
    names = [last]
    if ends and 0 < int(ends[2]) - int(ends[1]) <= _LONGEST_LIST:
        names = [str(number) for number in range(int(ends[1]), int(ends[2]) + 1)]
    end = token.start + len(token.text.rstrip(".-"))
    found = [_document(f"{base}/{name}", token.start, end) for name in names]
    k = i + 1
    more: list[Document] = []
    j = k
    while last.isdigit() and j < len(tokens) and len(more) < _LONGEST_LIST and end == token.end:
        n = j
        while n < len(tokens) and n < j + 2 and tokens[n].kind in {"SEP", "AND"}:
            n += 1
        if n == j or n >= len(tokens) or tokens[n].kind != "NUM" or not tokens[n].text.isdigit():
            break
        more.append(_document(f"{base}/{tokens[n].text}", tokens[n].start, tokens[n].end))
        j = n + 1
    found += _tails(tokens, i, text, end)
    if len(found) > len(names):
        return found, i + 2 * (len(found) - len(names)) + 1
    closed = j
    while closed < len(tokens) and closed < j + 2 and tokens[closed].kind in {"HAO", "DOCNOUN"}:
        closed += 1
    if more and not (listed_before or (closed > j and tokens[closed - 1].kind == "DOCNOUN")):
        more, closed = [], k
    return [*found, *more], closed


def _tails(tokens: Sequence[Token], i: int, text: str, end: int) -> list[Document]:
    """The documents of "CBD/SBI/3/5 and Add.1": the same symbol with other tails."""
    out: list[Document] = []
    whole = _TAIL.sub("", text)
    k = i + 1
    while end == tokens[i].end and k + 1 < len(tokens) and len(out) < _LONGEST_LIST:
        if tokens[k].kind not in {"SEP", "AND"} or tokens[k + 1].kind != "TAIL":
            break
        tail = tokens[k + 1]
        out.append(_document(f"{whole}/{tail.value}", tail.start, tail.end))
        k += 2
    return out


def _document(symbol: str, start: int, end: int) -> Document:
    return Document(mint(f"document/{mint_slug(symbol)}"), re.sub(r"\s", "", symbol), start, end)
