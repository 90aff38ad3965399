"""One paragraph in, the definitions that it gives out: the term and the wording; judges neither.

A term stands between quotation signs, or is all that stands between the head of a sentence and "means", "is defined
as" …; the second is only probable, and where languages have articles the wording must then begin with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.extraction.lexicon import Lexicon, load_lexicon
from cbdgraph.extraction.marks import Mark, Span, scan
from cbdgraph.model import Certainty

_LONGEST_TERM: Final = 20  # marks between quotation signs
_BREAKS: Final = frozenset({"comma", "semicolon", "colon", "end", "left", "right"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and how a text defines it.

    `start`, `end` are character offsets of `quote`, the place: from the term (or "on entend par" before it) to the
    end of the wording, which is the end of the sentence. `mark` is what makes it a definition ("means"). `reason`
    says why a reading is less than certain.
    """

    start: int
    end: int
    quote: str
    term: Span
    mark: Span
    wording: Span
    certainty: Certainty
    reason: str
    language: str


def find_definitions(text: str, lang: str) -> tuple[Definition, ...]:
    """All definitions of a paragraph in text order; `InvalidName` for a language without a lexicon.

    >>> [d] = find_definitions('"Habitat" means the place where an organism lives.', "en")
    >>> d.term.quote, d.mark.quote, d.wording.quote
    ('Habitat', 'means', 'the place where an organism lives')
    >>> find_definitions("The means of implementation are by no means sufficient.", "en")
    ()
    """
    lexicon = load_lexicon(lang)
    return tuple(
        definition
        for marks in scan(text, lexicon, lexicon.definitions)
        for clause in _clauses(marks)
        if (definition := _definition(text, clause, lexicon)) is not None
    )


def _clauses(marks: Sequence[Mark]) -> Iterator[Sequence[Mark]]:
    """The clauses of a sentence that semicolons set apart, without the end sign; each may be a definition."""
    begin = 0
    for at, mark in enumerate(marks):
        if mark.kind in {"semicolon", "end"}:
            if at > begin:
                yield marks[begin:at]
            begin = at + 1
    if begin < len(marks):
        yield marks[begin:]


def _definition(text: str, marks: Sequence[Mark], lexicon: Lexicon) -> Definition | None:
    for at, mark in enumerate(marks):
        if mark.kind in {"between", "between_quoted", "open_quoted"} and (term := _quoted_before(marks, at)):
            return _make(text, marks, term[0], term, (at, at + 1), at + 1, lexicon, "")
        if mark.kind == "between" and (term := _bare_before(marks, at, lexicon)):
            return _make(text, marks, term[0], term, (at, at + 1), at + 1, lexicon, _BARE)
        if found := _opened(text, marks, at, lexicon):
            return found
    return None


_BARE: Final = "no quotation signs set the term apart"


def _opened(text: str, marks: Sequence[Mark], at: int, lexicon: Lexicon) -> Definition | None:
    """A definition with words before the term: "on entend par « X » …", with a closing word behind it in some."""
    if marks[at].kind in {"open", "open_quoted"} and (term := _quoted_at(marks, at + 1)):
        after = _past(marks, term[1] + 1)
        closed = after < len(marks) and marks[after].kind == "close"
        if lexicon.opens_alone or marks[at].kind == "open" or closed:
            place = (after, after + 1) if closed else (at, at + 1)
            return _make(text, marks, at, term, place, after + closed, lexicon, "")
    if marks[at].kind == "open":
        for after in range(at + 2, min(at + 2 + lexicon.term_length, len(marks))):
            if marks[after].kind in _BREAKS | {"quote"} or marks[after].key in lexicon.not_terms:
                return None
            if marks[after].kind == "article":
                return _make(text, marks, at, (at + 1, after), (at, at + 1), after, lexicon, _BARE)
    if marks[at].key in lexicon.prepositions:
        if term := _quoted_at(marks, at + 1):
            after, reason = _past(marks, term[1] + 1), ""
        else:
            after = next(
                (
                    place
                    for place in range(at + 1, min(at + 2 + lexicon.term_length, len(marks)))
                    if marks[place].kind in _BREAKS | {"close", "quote"}
                ),
                0,
            )
            term, reason = (at + 1, after), _BARE
            if at + 1 >= after or any(mark.key in lexicon.not_terms for mark in marks[at + 1 : after]):
                return None
        if after < len(marks) and marks[after].kind == "close":
            return _make(text, marks, at, term, (after, after + 1), after + 1, lexicon, reason)
    return None


def _quoted_at(marks: Sequence[Mark], at: int) -> tuple[int, int] | None:
    """The marks between the quotation signs that open at a mark (an article may stand before them)."""
    if at < len(marks) and marks[at].kind == "article":
        at += 1
    if at >= len(marks) or marks[at].kind != "quote":
        return None
    for close in range(at + 2, min(at + 2 + _LONGEST_TERM, len(marks))):
        if marks[close].kind == "quote":
            return at + 1, close
    return None


def _quoted_before(marks: Sequence[Mark], at: int) -> tuple[int, int] | None:
    close = at - 1
    if close >= 0 and marks[close].kind == "comma":
        close -= 1
    if close < 2 or marks[close].kind != "quote":
        return None
    for begin in range(close - 1, max(close - 2 - _LONGEST_TERM, -1), -1):
        if marks[begin].kind == "quote":
            return (begin + 1, close) if begin + 1 < close else None
    return None


def _bare_before(marks: Sequence[Mark], at: int, lexicon: Lexicon) -> tuple[int, int] | None:
    """A term without quotation signs: all from the head of the sentence or from a comma or colon to the mark."""
    begin = at
    while begin and at - begin <= lexicon.term_length and marks[begin - 1].kind in {"other", "article", "sign"}:
        begin -= 1
    words = marks[begin:at]
    if not words or len(words) > lexicon.term_length or (begin and marks[begin - 1].kind not in {"colon", "comma"}):
        return None
    if any(mark.key in lexicon.not_terms for mark in words) or not words[0].key[0].isalpha():
        return None
    if lexicon.has_articles and (at + 1 == len(marks) or marks[at + 1].kind != "article"):
        return None
    begin += words[0].kind == "article"
    return (begin, at) if begin < at else None


def _past(marks: Sequence[Mark], at: int) -> int:
    while at < len(marks) and marks[at].kind in {"comma", "quote"}:
        at += 1
    return at


def _make(
    text: str,
    marks: Sequence[Mark],
    first: int,
    term: tuple[int, int],
    mark: tuple[int, int],
    wording: int,
    lexicon: Lexicon,
    reason: str,
) -> Definition | None:
    while wording < len(marks) and marks[wording].kind in {"comma", "colon"}:
        wording += 1
    if wording >= len(marks):
        return None
    quoted = first and marks[first - 1].kind == "quote"
    start = marks[first - 1].start if quoted else marks[first].start
    whole = Span.cut(text, start, marks[-1].end)
    certainty: Certainty = "probable" if reason else "certain"
    return Definition(
        start=whole.start,
        end=whole.end,
        quote=whole.quote,
        term=Span.cut(text, marks[term[0]].start, marks[term[1] - 1].end),
        mark=Span.cut(text, marks[mark[0]].start, marks[mark[1] - 1].end),
        wording=Span.cut(text, marks[wording].start, marks[-1].end),
        certainty=certainty,
        reason=reason,
        language=lexicon.language,
    )
