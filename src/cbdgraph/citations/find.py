"""A text and its language in, all citations in it out: chooses the paragraphs that can hold any, and reads those."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from cbdgraph.citations.composed import compose
from cbdgraph.citations.lexicon import Lexicon, load_lexicon, plain
from cbdgraph.citations.mentions import Finder
from cbdgraph.citations.tokens import SYMBOL_SEED, words_pattern
from cbdgraph.model import Citation


def find_citations(text: str, lang: str) -> tuple[Citation, ...]:
    """Every citation of a decision, recommendation, document, article or target, one for each cited part.

    Offsets count characters of `text`. `lang` is one of the languages that have a lexicon, else `InvalidName`.

    >>> [(c.part_quote, c.locator) for c in find_citations("第X/29号决定第13、第71、72段", "zh")]
    [('第13', 'para/13'), ('第71', 'para/71'), ('72段', 'para/72')]
    >>> [c.normal for c in find_citations("au paragraphe 14 de sa décision X/2 et l'objectif 15 d'Aichi", "fr")]
    ['decision X/2, paragraph 14', 'Aichi Biodiversity Target 15']
    """
    lexicon = load_lexicon(lang)
    composed = compose(text)
    signs = plain(composed.text)
    found: list[Citation] = []
    for start, end in _regions(signs, lexicon):
        found += Finder(composed.text, signs, lexicon, start, end).find()
    return tuple(composed.place(citation, text) for citation in found)


_GAP: Final = re.compile(r"\n\s*\n")


@cache
def _seed(language: str) -> re.Pattern[str]:
    """What every citation has: the slash of a number, or one of the words that stand for one."""
    lexicon = load_lexicon(language)
    kinds = {"SAME", "SAMEIF", "CONV", "SET"}
    words = words_pattern(lexicon, [word for word, meaning in lexicon.words.items() if meaning.kind in kinds])
    return re.compile(f"{SYMBOL_SEED}|{words}")


def _regions(text: str, lexicon: Lexicon) -> Iterator[tuple[int, int]]:
    """The paragraphs that can hold citations, each with the one after it: a cell may break inside a mention."""
    seed, start, begun = _seed(lexicon.language), 0, -1
    while start < len(text):
        match = _GAP.search(text, start)
        end = match.end() if match else len(text)
        live = seed.search(text, start, end) is not None
        if live and begun < 0:
            begun = start
        if not live and begun >= 0:
            yield begun, end
            begun = -1
        start = end
    if begun >= 0:
        yield begun, len(text)


def read_citation(text: str, lang: str) -> tuple[Citation, ...]:
    """The same for a text that a person typed as one citation: bare numbers count, "11/16 5(d)"."""
    composed = compose(text)
    finder = Finder(composed.text, plain(composed.text), load_lexicon(lang), 0, len(composed.text), typed=True)
    return tuple(composed.place(citation, text) for citation in finder.find())
