"""Tokens of symbols such as UNEP/CBD/COP/11/INF/17 in, documents, decisions or tracking codes out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
_NUMBERED: Final = re.compile(r"((?:Add|Rev|Corr)\.|)[0-9]{1,4}")
_RANGE: Final = re.compile(r"((?:Add|Rev|Corr)\.|)([0-9]{1,4})-([0-9]{1,4})")
_JOINTS: Final = frozenset({"SEP", "AND", "TO", "DASH"})
_ENDS: Final = frozenset({"DOT", "SEMI", "RP", "BREAK", "COLON"})
_LOOSE: Final = "a number after a document and a comma or “and” is read as another of that series"


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
    """The documents named from token `i` on, with those listed after the first, and the place after them.

    What stands in the list is short: "Add.1-3", "INF/18", "24/3/Add.1", or a bare number. Numbers count after the
    plural of "document" (`listed_before`), before the word, or, less sure, where nothing is counted by them.
    """
    token = tokens[i]
    text = _SPANISH.sub(r"\1CBD/", token.text.rstrip(".-"))
    end = token.start + len(token.text.rstrip(".-"))
    names = _spread(text)
    found = [_document(name, token.start, end) for name in names]
    sure, last, j, previous, loose = len(found), i + 1, i + 1, names[-1], False
    while end == token.end and j < len(tokens) and len(found) < _LONGEST_LIST:
        n = j
        while n < len(tokens) and n < j + 2 and tokens[n].kind in _JOINTS:
            n += 1
        ranged = any(t.kind in {"TO", "DASH"} for t in tokens[j:n])
        names = _listed(previous, tokens[n], ranged) if j < n < len(tokens) else []
        if not names:
            break
        found += [_document(name, tokens[n].start, tokens[n].end) for name in names]
        j, previous, loose = n + 1, names[-1], loose or tokens[n].kind == "NUM"
        if not loose:
            sure, last = len(found), j
    closed = j
    while closed < len(tokens) and closed < j + 2 and tokens[closed].kind in {"HAO", "DOCNOUN"}:
        closed += 1
    if not loose or listed_before or (closed > j and tokens[closed - 1].kind == "DOCNOUN"):
        return found, closed
    if closed == len(tokens) or tokens[closed].kind in _ENDS:
        return [*found[:sure], *(replace(document, doubt=_LOOSE) for document in found[sure:])], closed
    return found[:sure], last


def _listed(previous: str, token: Token, ranged: bool) -> list[str]:
    """The symbols that a member of a list stands for, after the `previous` one; none when it is no member."""
    segments = previous.split("/")
    session = next((place for place, segment in enumerate(segments) if segment.isdigit()), -1)
    head, _, tail = previous.rpartition("/")
    short = re.sub(r"\s", "", token.value)
    if token.kind == "NUM" and (number := _NUMBERED.fullmatch(tail)) and short.isdigit():
        return _spread(f"{head}/{tail}-{short}")[1:] if ranged else [f"{head}/{number[1]}{short}"]
    if ranged or session < 0:
        return []
    if token.kind == "TAIL" and short[0] in "ARC":
        return _spread(f"{_TAIL.sub('', previous)}/{short}")
    if token.kind == "TAIL" and short.startswith("INF"):
        return _spread("/".join([*segments[: session + 1], short]))
    if token.kind in {"TAIL", "SYM"} and short.split("/")[0] == segments[session]:
        return _spread("/".join([*segments[:session], short]))
    return []


def _spread(symbol: str) -> list[str]:
    """The symbols of a range at the end of one, "CBD/SBI/3/5/Add.1-3"; the symbol itself if there is none."""
    head, _, tail = symbol.rpartition("/")
    ends = _RANGE.fullmatch(tail)
    if ends is None or not 0 < int(ends[3]) - int(ends[2]) <= _LONGEST_LIST:
        return [symbol]
    return [f"{head}/{ends[1]}{number}" for number in range(int(ends[2]), int(ends[3]) + 1)]


def _document(symbol: str, start: int, end: int) -> Document:
    return Document(mint(f"document/{mint_slug(symbol)}"), re.sub(r"\s", "", symbol), start, end)
