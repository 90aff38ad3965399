"""A text and its language in, all citations in it out; joins the steps of this package and mints the IRIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cbdgraph.citations.anchors import Anchor, find_anchors
from cbdgraph.citations.documents import Document, parse_adopted, parse_tracking, read_documents
from cbdgraph.citations.lexicon import Lexicon, load_lexicon
from cbdgraph.citations.parts import LONGEST, PartReader
from cbdgraph.citations.places import Place, read_places
from cbdgraph.citations.terminals import Terminal, parse_terminals
from cbdgraph.citations.tokens import Token, scan
from cbdgraph.iris import mint, mint_part
from cbdgraph.locators import Locator, Step
from cbdgraph.model import Certainty, Citation

CONVENTION: Final = "document/convention-on-biological-diversity"
_FRONT: Final = frozenset(
    {
        "PRE",
        "NUM",
        "NUMLET",
        "LETNUM",
        "ROMAN",
        "LETTER",
        "BR",
        "SEP",
        "AND",
        "TO",
        "DASH",
        "OF",
        "FILL",
        "INCL",
        "RELATED",
    }
)


def find_citations(text: str, lang: str) -> tuple[Citation, ...]:
    """Every citation of a decision, recommendation, document or article of the Convention, one for each cited part.

    Offsets count characters of `text`. `lang` is one of the languages that have a lexicon, else `InvalidName`.

    >>> [(c.part_quote, c.locator) for c in find_citations("第X/29号决定第13、第71、72段", "zh")]
    [('第13', 'para/13'), ('第71', 'para/71'), ('72段', 'para/72')]
    >>> [c.iri for c in find_citations("see paragraph 14 of decision X/2", "en")]
    ['https://w3id.org/cbdgraph/decision/cop/10/2/para/14']
    """
    return _Finder(text, load_lexicon(lang)).find()


def read_citation(text: str, lang: str) -> tuple[Citation, ...]:
    """The same for a text that a person typed as one citation: bare numbers count, "11/16 5(d)"."""
    return _Finder(text, load_lexicon(lang), typed=True).find()


class _Finder:
    """One text with its tokens; every token is read a bounded number of times."""

    def __init__(self, text: str, lexicon: Lexicon, typed: bool = False) -> None:
        self.text, self.lexicon, self.typed = text, lexicon, typed
        self.tokens: Sequence[Token] = scan(text, lexicon)

    def find(self) -> tuple[Citation, ...]:
        found: list[Citation] = []
        done = 0
        anchors = sorted([*self._anchors(), *self._articles()], key=lambda anchor: anchor.first)
        starts = [anchor.first for anchor in anchors]
        for place, anchor in enumerate(anchors):
            if anchor.first < done:
                continue
            stop = starts[place + 1] if place + 1 < len(anchors) else len(self.tokens)
            mention, done = self._mention(anchor, done, stop)
            found += mention
        found += self._documents()
        return tuple(sorted(found, key=lambda c: (c.start, c.part_start)))

    def _anchors(self) -> list[Anchor]:
        anchors = find_anchors(self.tokens, self.lexicon, self.typed)
        for i, token in enumerate(self.tokens):
            if token.kind != "DOC":
                continue
            symbol = parse_adopted(token.text.rstrip(".-"))
            if symbol is not None:
                anchors.append(Anchor(i, i + 1, symbol))
        return anchors

    def _articles(self) -> list[Anchor]:
        """The Convention's own name: an anchor without a symbol, whose parts are articles."""
        out = []
        for i, token in enumerate(self.tokens):
            if token.kind == "CONV" and any(
                t.value == "article" for t in self.tokens[max(0, i - 12) : i + 12] if t.kind in {"PRE", "POST"}
            ):
                out.append(Anchor(i, i + 1, None, (), "convention"))
        return out

    def _mention(self, anchor: Anchor, done: int, stop: int) -> tuple[list[Citation], int]:
        convention = anchor.section == "convention"
        reader = PartReader(self.tokens, self.lexicon, anchor.symbol, self.typed)
        front, begin = self._front(reader, anchor, done)
        stop = self._before_front(anchor, stop)
        tail, end = reader.read(anchor.last, stop)
        if convention:
            front, begin, tail, end = self._only_articles(anchor, front, begin, tail, end)
            if not front and not tail:
                return [], done
        core = [self._core(token) for token in self.tokens[anchor.first : anchor.last]]
        core = [Terminal("CONV", core[0].start, core[-1].end, "")] if convention else core
        if core[0].type == "DOC":
            core = [Terminal("SYM", core[0].start, core[0].end, core[0].text)]
        if core[0].type == "SAMEIF":
            core = [Terminal("SAME", core[0].start, core[0].end, core[0].text)]
        if anchor.placed_only and not front and not tail:
            return [], anchor.last
        places: tuple[Place, ...] = ()
        for front_row, tail_row in ((front, tail), ((), tail), (front, ()), ((), ())):
            row = [*front_row, *core, *tail_row]
            tree = parse_terminals(row)
            if tree is not None:
                places = read_places(tree, row, anchor.symbol)
                begin = begin if front_row else anchor.first
                end = end if tail_row else anchor.last
                break
        first, last = self.tokens[begin].start, self.tokens[end - 1].end
        return [
            self._citation(anchor, place, first, last) for place in places or (Place(Locator(), first, last),)
        ], end

    def _core(self, token: Token) -> Terminal:
        return Terminal(token.kind, token.start, token.end, token.text, token.value)

    def _front(self, reader: PartReader, anchor: Anchor, done: int) -> tuple[list[Terminal], int]:
        """Parts that stand before the decision, "paragraph 14 of decision X/2", and the place of the first."""
        if self.lexicon.holder_first:
            return [], anchor.first
        last = anchor.first
        while last > done and self.tokens[last - 1].kind in {"FILL", "BODY"}:
            last -= 1
        linked = last > done and (self.tokens[last - 1].kind == "OF" or _is_to(self.tokens[last - 1]))
        if not linked:
            return [], anchor.first
        begin = last - 1
        while begin > max(done, last - LONGEST) and self.tokens[begin - 1].kind in _FRONT:
            begin -= 1
        held = begin > 0 and begin == done
        starts = [i for i in range(begin, last - 1) if self.tokens[i].kind == "PRE"]
        if held and starts:
            k = len(starts) - 1
            while k > 0 and self.tokens[starts[k] - 1].kind in {"OF", "FILL", "TO"}:
                k -= 1
            starts = starts[k:]
        for start in starts[:8]:
            rows, end = reader.read(start, last - 1, anchored=False)
            if rows and end == last - 1:
                joint = Terminal("OF", self.tokens[last - 1].start, self.tokens[anchor.first - 1].end, "")
                return [*rows, joint], start
        return [], anchor.first

    def _before_front(self, anchor: Anchor, stop: int) -> int:
        """Where the parts of the next decision begin, when they stand before its number."""
        if self.lexicon.holder_first or stop >= len(self.tokens):
            return stop
        k = stop
        while k > anchor.last and self.tokens[k - 1].kind in {"FILL", "BODY"}:
            k -= 1
        if k <= anchor.last or not (self.tokens[k - 1].kind == "OF" or _is_to(self.tokens[k - 1])):
            return stop
        k -= 1
        for i in range(k - 1, max(anchor.last, k - LONGEST) - 1, -1):
            kind = self.tokens[i].kind
            if kind not in _FRONT:
                return stop
            if kind == "PRE" and self.tokens[i - 1].kind not in {"OF", "TO"}:
                if self.tokens[i - 1].kind == "FILL" and self.tokens[i - 2].kind in {"OF", "TO"}:
                    continue
                return i
        return stop

    def _only_articles(
        self, anchor: Anchor, front: list[Terminal], begin: int, tail: list[Terminal], end: int
    ) -> tuple[list[Terminal], int, list[Terminal], int]:
        """Keep what names articles: a Convention has no paragraphs or annexes that we cite."""
        if not any(t.value == "article" for t in front):
            front, begin = [], anchor.first
        if not any(t.value == "article" for t in tail):
            tail, end = [], anchor.last
        return front, begin, tail, end

    def _citation(self, anchor: Anchor, place: Place, first: int, last: int) -> Citation:
        reasons = [*anchor.doubts, *([place.reason] if place.reason else [])]
        certainty: Certainty = place.certainty
        if anchor.doubts and certainty == "certain":
            certainty = "probable"
        locator = place.locator
        decision: str | None = None
        iri: str | None = None
        if anchor.symbol is not None:
            decision = mint_part(anchor.symbol)
            if anchor.section and place.certainty != "unresolved":
                locator = Locator((Step("section", anchor.section), *locator.steps))
            iri = mint_part(anchor.symbol, locator)
        elif anchor.section == "convention":
            iri = mint(f"{CONVENTION}/{locator}")
        else:
            certainty = "unresolved"
        return Citation(
            start=first,
            end=last,
            quote=self.text[first:last],
            part_start=place.start,
            part_end=place.end,
            part_quote=self.text[place.start : place.end],
            decision=decision,
            locator=str(locator),
            iri=iri,
            certainty=certainty,
            reason="; ".join(dict.fromkeys(reasons)),
            language=self.lexicon.language,
        )

    def _documents(self) -> Iterator[Citation]:
        for i, token in enumerate(self.tokens):
            if token.kind != "DOC" or parse_adopted(token.text.rstrip(".-")):
                continue
            if (code := parse_tracking(token.text.rstrip(".-"))) is not None:
                symbol, locator, doubt = code
                end = token.start + len(token.text.rstrip(".-"))
                anchor = Anchor(i, i + 1, symbol, (doubt,) if doubt else ())
                yield self._citation(anchor, Place(locator, token.start, end), token.start, end)
                continue
            listed = any(t.kind == "DOCNOUN" and t.text.lower().endswith("s") for t in self.tokens[max(0, i - 2) : i])
            documents, last = read_documents(self.tokens, i, listed)
            end = max(documents[-1].end, self.tokens[last - 1].end if last > i + 1 else 0)
            for document in documents:
                yield self._document(document, token.start, end)

    def _document(self, document: Document, start: int, end: int) -> Citation:
        return Citation(
            start=start,
            end=end,
            quote=self.text[start:end],
            part_start=document.start,
            part_end=document.end,
            part_quote=self.text[document.start : document.end],
            decision=None,
            locator="",
            iri=document.iri,
            certainty="probable" if document.doubt else "certain",
            reason=document.doubt,
            language=self.lexicon.language,
        )


def _is_to(token: Token) -> bool:
    """Whether a token is the "to" of "annex II to decision"."""
    return token.kind == "TO" and token.text.lower() == "to"
