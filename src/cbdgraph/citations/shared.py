"""Mentions of a list of decisions in, the parts that they share given to each: "paragraph 1 of X/2 and XI/3"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cbdgraph.citations.anchors import Anchor
from cbdgraph.citations.lexicon import Lexicon
from cbdgraph.citations.places import Place
from cbdgraph.citations.tokens import Token

_MOST_SHARED: Final = 500  # citations that one part may give to a list: a text must not grow by multiplying


@dataclass(slots=True)
class Mention:
    """One anchor with the places that it names; `begin` and `end` are its first token and the one after its last."""

    anchor: Anchor
    begin: int
    end: int
    places: tuple[Place, ...] = ()
    has_front: bool = False
    has_tail: bool = False
    # Where the words of a list of decisions begin and end that share their parts: "3 of X/2 and X/3".
    first: int = -1
    last: int = -1
    doubts: list[str] = field(default_factory=list)


def share_parts(mentions: Sequence[Mention], tokens: Sequence[Token], lexicon: Lexicon) -> None:
    """Give the decisions of each list the parts that stand before the first or after the last of them."""
    _share_fronts(mentions, tokens)
    _share_tails(mentions, tokens, lexicon)


def _share_fronts(mentions: Sequence[Mention], tokens: Sequence[Token]) -> None:
    """Parts before a list of decisions are those of each: "paragraph 1 of decisions XI/2 and XI/3"."""
    k = 0
    while k < len(mentions):
        head, n = mentions[k], k + 1
        while (
            n < len(mentions)
            and head.has_front
            and not head.has_tail
            and _goes_on(mentions[n - 1], mentions[n], tokens)
        ):
            n += 1
        row = mentions[k:n]
        if len(row) > 1 and len(head.places) * len(row) <= _MOST_SHARED:
            places = head.places
            before = {t.kind for t in tokens[head.begin : head.anchor.first]}
            after = tokens[row[-1].end : row[-1].end + 2]
            paired = "RESP" in before or any(t.kind == "RESP" for t in after)
            for place, mention in enumerate(row):
                mention.first, mention.last = head.begin, row[-1].end
                mention.places = places[place : place + 1] if paired and len(places) == len(row) else places
                if paired:
                    mention.doubts.append("?" if len(places) != len(row) else "paired by “respectively”")
        k = n


def _share_tails(mentions: Sequence[Mention], tokens: Sequence[Token], lexicon: Lexicon) -> None:
    """Parts after a list are shared where the words say so: "…, respectively", 第X/2号和第XI/3号决定的第3段."""
    k = 0
    while k < len(mentions):
        n = k + 1
        while n < len(mentions) and not (mentions[n - 1].has_front or mentions[n - 1].has_tail):
            if not _goes_on(mentions[n - 1], mentions[n], tokens, tailed=True):
                break
            n += 1
        row, last = mentions[k:n], mentions[n - 1]
        k = n
        if len(row) < 2 or not last.has_tail or any(mention.anchor.also for mention in row):
            continue
        after = tokens[last.anchor.last : last.end + 2]
        paired = any(t.kind == "RESP" for t in after) and len(last.places) == len(row)
        shared = lexicon.holder_first and after[0].kind == "OF" and not any(t.kind == "RESP" for t in after)
        if not (paired or (shared and len(last.places) * len(row) <= _MOST_SHARED)):
            continue
        places = last.places
        for place, mention in enumerate(row):
            mention.first, mention.last = row[0].begin, last.end
            mention.places = places[place : place + 1] if paired else places
            mention.doubts.append("paired by “respectively”" if paired else "read as a part of each decision listed")


def _goes_on(one: Mention, other: Mention, tokens: Sequence[Token], tailed: bool = False) -> bool:
    """Whether the second decision is the next of a list that the first is in."""
    between = {t.kind for t in tokens[one.end : other.begin]}
    return (
        bool(between)
        and between <= {"AND", "SEP", "FILL"}
        and not (other.has_front or other.anchor.points_back or other.anchor.document)
        and (tailed or not other.has_tail)
        and tokens[other.begin].kind in {"SYM", "ORD"}
        and other.anchor.symbol is not None
    )
