"""Mentions of terms in one text in, one `Use` for each term out: in which forms, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cbdgraph.model import Certainty
from cbdgraph.terminology.finding import Mention

_BREAK: Final = re.compile(r"\s*\r?\n\s*")
_AFTER_BREAK: Final = re.compile(r"(?<=[-\u2010\u2011\u3400-\u9fff])\s+")


@dataclass(frozen=True, slots=True)
class Use:
    """That a text uses a term: its forms, each once, in the text's order, and how often in all forms together.

    Less than certain if a form names other terms as well, which are `alternatives`.
    """

    term: str
    forms: tuple[str, ...]
    count: int
    certainty: Certainty
    alternatives: tuple[str, ...] = ()


def gather_uses(mentions: Iterable[Mention]) -> tuple[Use, ...]:
    """The uses by term, in the order in which terms come; those of forms that may as well be another's come apart."""
    rows: dict[tuple[str, bool], list[Mention]] = {}
    for mention in mentions:
        rows.setdefault((mention.term, mention.certainty == "ambiguous"), []).append(mention)
    return tuple(_gather(term, ambiguous, same) for (term, ambiguous), same in rows.items())


def _gather(term: str, ambiguous: bool, mentions: list[Mention]) -> Use:
    forms = tuple(dict.fromkeys(form_of(mention.quote) for mention in mentions))
    others = sorted({other for mention in mentions for other in mention.alternatives})
    certainty: Certainty = "ambiguous" if ambiguous else "probable" if others else "certain"
    return Use(term, forms, len(mentions), certainty, tuple(others))


def form_of(quote: str) -> str:
    """A form as printed, without the line ends inside it.

    >>> form_of("ecosystem\\n   restoration"), form_of("生态\\n系统"), form_of("ecosystem-\\nbased")
    ('ecosystem restoration', '生态系统', 'ecosystem-based')
    """
    return _AFTER_BREAK.sub("", _BREAK.sub(" ", quote))
