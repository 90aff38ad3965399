"""Tokens of a stretch of text in, its citations out: joins anchors with their parts, targets and documents.

`find` says which stretches; the steps before this one know words, numbers and structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from cbdgraph.citations.anchors import Anchor, find_anchors
from cbdgraph.citations.documents import Document, parse_adopted, parse_tracking, read_documents
from cbdgraph.citations.forms import format_citation, format_steps
from cbdgraph.citations.lexicon import TREATIES, Lexicon
from cbdgraph.citations.parts import LONGEST, PartReader
from cbdgraph.citations.places import Place, read_places
from cbdgraph.citations.shared import Mention, share_parts
from cbdgraph.citations.targets import Group, Target, TargetReader
from cbdgraph.citations.terminals import Terminal, parse_terminals
from cbdgraph.citations.tokens import Token, scan
from cbdgraph.iris import mint, mint_part, path_of
from cbdgraph.locators import Locator, Step
from cbdgraph.model import Certainty, Citation

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
        "RESP",
        "FROM",
    }
)
_LONGEST_BRACKET: Final = 40  # tokens
_CORE: Final = frozenset({"BODY", "ORD", "NOUN", "SYM", "LETTER", "HAO", "SAME", "CONV"})
_LABELS: Final = frozenset({"NUM", "NUMLET", "LETNUM", "ROMAN", "LETTER", "BR"})


class Finder:
    """One stretch of a text with its tokens; every token is read a bounded number of times."""

    def __init__(self, text: str, signs: str, lexicon: Lexicon, start: int, end: int, typed: bool = False) -> None:
        self.text, self.lexicon, self.typed = text, lexicon, typed
        self.tokens: Sequence[Token] = scan(text, lexicon, start, end, signs)

    def find(self) -> tuple[Citation, ...]:
        found: list[Citation] = [citation for group in self._named_targets() for citation in group]
        done = 0
        taken = [False] * len(self.tokens)
        mentions: list[Mention] = []
        anchors = sorted([*self._anchors(), *self._articles()], key=lambda anchor: anchor.first)
        for place, anchor in enumerate(anchors):
            if anchor.first < done:
                continue
            mention = self._mention(anchor, done, anchors[place + 1] if place + 1 < len(anchors) else None)
            if mention is not None:
                done = mention.end
                taken[mention.begin : done] = [True] * (done - mention.begin)
                mentions.append(mention)
        share_parts(mentions, self.tokens, self.lexicon)
        for mention in mentions:
            found += self._citations(mention)
        found += self._in_brackets(mentions, taken)
        found += self._listed_documents(taken)
        for group in TargetReader(self._reader()).find_carried(taken):
            found += self._targets(group)
        return tuple(sorted(found, key=lambda c: (c.start, c.part_start)))

    def _reader(self, anchor: Anchor | None = None) -> PartReader:
        return PartReader(self.tokens, self.lexicon, anchor.symbol if anchor else None, self.typed)

    def _named_targets(self) -> Iterator[list[Citation]]:
        """Targets with their set beside them, each group of which becomes one token for the steps that follow."""
        groups = TargetReader(self._reader()).find_named()
        tokens: list[Token] = []
        done = 0
        for group in groups:
            yield self._targets(group)
            first, last = self.tokens[group.first], self.tokens[group.last - 1]
            tokens += self.tokens[done : group.first]
            words = self.text[first.start : last.end]
            tokens.append(Token("TARGETS", first.start, last.end, words, ",".join(group.sets)))
            done = group.last
        self.tokens = [*tokens, *self.tokens[done:]] if groups else self.tokens

    def _targets(self, group: Group) -> list[Citation]:
        start, end = self.tokens[group.first].start, self.tokens[group.last - 1].end
        return [self._target(target, start, end) for target in group.targets]

    def _target(self, target: Target, start: int, end: int) -> Citation:
        reason = target.doubt.removeprefix("?")
        certainty: Certainty = "certain"
        if reason:
            certainty = "ambiguous" if target.doubt.startswith("?") else "probable"
        return Citation(
            start=start,
            end=end,
            quote=self.text[start:end],
            part_start=target.start,
            part_end=target.end,
            part_quote=self.text[target.start : target.end],
            decision=None,
            locator="",
            iri=target.iri,
            certainty=certainty if target.iri else "unresolved",
            reason=reason,
            language=self.lexicon.language,
            alternatives=target.others,
            normal=format_citation(target.iri) if target.iri else "",
        )

    def _anchors(self) -> list[Anchor]:
        anchors = find_anchors(self.tokens, self.lexicon, self.typed)
        for i, token in enumerate(self.tokens):
            if token.kind != "DOC":
                continue
            first = i - 1 if i and self.tokens[i - 1].kind in {"DOCNOUN", "NOUN"} else i
            symbol = parse_adopted(token.text.rstrip(".-"))
            if symbol is not None:
                anchors.append(Anchor(first, i + 1, symbol))
            elif parse_tracking(token.text.rstrip(".-")) is None:
                documents, last = self._documents_at(i)
                if len(documents) == 1:
                    path = path_of(documents[0].iri)
                    doubts = (documents[0].doubt,) if documents[0].doubt else ()
                    anchors.append(Anchor(first, max(last, i + 1), None, doubts, document=path))
        return anchors

    def _articles(self) -> list[Anchor]:
        """A treaty's own name: an anchor without a symbol, whose parts are articles."""
        return [
            Anchor(i, i + 1, None, document=f"document/{TREATIES[token.value]}", is_treaty=True)
            for i, token in enumerate(self.tokens)
            if token.kind == "CONV"
            and any(t.value == "article" for t in self.tokens[max(0, i - 12) : i + 12] if t.kind in {"PRE", "POST"})
        ]

    def _mention(self, anchor: Anchor, done: int, following: Anchor | None) -> Mention | None:
        """What one anchor names; None if its words turn out to name nothing."""
        reader = self._reader(anchor)
        front, begin = self._front(reader, anchor, done)
        stop = self._before_front(anchor, following) if following else len(self.tokens)
        tail, end = reader.read(anchor.last, stop)
        if anchor.is_treaty:
            front, begin, tail, end = self._only_articles(anchor, front, begin, tail, end)
        if (anchor.is_treaty or anchor.placed_only) and not front and not tail:
            return None
        core = [self._core(token, anchor) for token in self.tokens[anchor.first : anchor.last]]
        core = [Terminal("CONV", core[0].start, core[-1].end, "")] if anchor.document else core
        mention = Mention(anchor, anchor.first, anchor.last)
        for front_row, tail_row in ((front, tail), ((), tail), (front, ()), ((), ())):
            row = [*front_row, *core, *tail_row]
            tree = parse_terminals(row)
            if tree is not None:
                places = read_places(tree, row, anchor.symbol, bool(anchor.sections))
                mention.places = tuple(
                    place for place in places if place.locator or place.reason or not anchor.is_treaty
                )
                mention.has_front, mention.has_tail = bool(front_row), bool(tail_row)
                mention.begin = begin if front_row else anchor.first
                mention.end = end if tail_row else anchor.last
                break
        return mention

    def _in_brackets(self, mentions: list[Mention], taken: list[bool]) -> Iterator[Citation]:
        """Paragraphs in brackets of their own are those of the decision named last: "… (paragraphs 2 and 5)"."""
        row = [mention for mention in mentions if mention.anchor.symbol is not None]
        place, named = 0, None
        for i, token in enumerate(self.tokens):
            while place < len(row) and row[place].end <= i:
                named, place = row[place].anchor, place + 1
            if token.kind == "BREAK" and "\n" in token.text:
                named = None
            if token.kind != "LP" or taken[i] or named is None:
                continue
            reader = self._reader(named)
            parts, end = reader.read(i + 1, i + _LONGEST_BRACKET, inside=True, anchored=False)
            levels = [each.value for each in parts if each.type in {"PRE", "POST"}]
            tree = parse_terminals(parts) if levels[:1] == ["para"] and reader.at(end).kind == "RP" else None
            if tree is None or any(taken[i : end + 1]):
                continue
            doubt = "in brackets, with no decision beside it: read as of the one named last"
            anchor = replace(named, doubts=(doubt,), also=())
            places = read_places(tree, parts, named.symbol, bool(named.sections))
            yield from self._citations(Mention(anchor, i, end + 1, places))

    def _core(self, token: Token, anchor: Anchor) -> Terminal:
        kind = {"DOC": "SYM", "SAMEIF": "SAME", "DOCNOUN": "NOUN"}.get(token.kind, token.kind)
        if kind not in _CORE:  # letters and joints of "VIII/4 A-E" belong to the anchor
            kind = "LETTER"
        return Terminal("SAME" if anchor.points_back else kind, token.start, token.end, token.text, token.value)

    def _front(self, reader: PartReader, anchor: Anchor, done: int) -> tuple[list[Terminal], int]:
        """Parts that stand before the decision, "paragraph 14 of decision X/2", and the place of the first."""
        last = self._end_of_front(anchor, done)
        if last < 0:
            return [], anchor.first
        begin = last
        while begin > max(done, last - LONGEST) and self.tokens[begin - 1].kind in _FRONT:
            begin -= 1
        starts = [self._with_ordinal(i, begin) for i in range(begin, last) if self.tokens[i].kind == "PRE"]
        if begin == done > 0 and starts:
            k = len(starts) - 1
            # What a treaty is cited by begins with its article: "and Article 26, paragraph 1, of the Protocol".
            while k > 0 and (
                (self.tokens[starts[k]].kind == "PRE" and self._is_held(starts[k]))
                or (anchor.is_treaty and self.tokens[starts[k]].value != "article")
            ):
                k -= 1
            starts = starts[k:]
        for start in starts[:8]:
            rows, end = reader.read(start, last, anchored=False)
            if rows and end == last:
                joint = self.tokens[last].start, self.tokens[anchor.first].start
                return [*rows, Terminal("OF", *joint, "")], start
        return [], anchor.first

    def _with_ordinal(self, i: int, begin: int) -> int:
        """The place of the ordinal before a level word, "premier paragraphe", or of the word itself."""
        before = self.tokens[i - 1] if i > begin else None
        spelled = before is not None and before.kind == "NUM" and not before.text[0].isdigit()
        return i - 1 if spelled and self.lexicon.ordinals else i

    def _end_of_front(self, anchor: Anchor, done: int) -> int:
        """The place after the parts that may stand before a decision, where its "of" begins; -1 without one."""
        if self.lexicon.holder_first:
            return -1
        last = anchor.first
        while last > done and self.tokens[last - 1].kind in {"FILL", "BODY"}:
            last -= 1
        linked = last > done and (self.tokens[last - 1].kind == "OF" or _is_to(self.tokens[last - 1]))
        held = self.tokens[anchor.first].held or anchor.is_treaty or anchor.points_back
        if not linked and not held:
            return -1
        last -= linked
        while last > done and self.tokens[last - 1].kind in ({"SEP", "FILL", "RESP"} if linked else {"FILL"}):
            last -= 1
        return last if last > done else -1

    def _is_held(self, i: int) -> bool:
        """Whether the level word at `i` belongs to one before it: "section B" in "paragraph 4 of section B"."""
        k = i - 1
        while k > 0 and self.tokens[k].kind == "FILL":
            k -= 1
        if self.tokens[k].kind == "OF" or _is_to(self.tokens[k]):
            k -= 1
            while k > 0 and self.tokens[k].kind == "FILL":
                k -= 1
            # "and in paragraph 4" begins anew: nothing stands before its "in".
            return self.tokens[k].kind in _LABELS or self.tokens[k].kind == "PRE"
        return self.tokens[i].held and self.tokens[k].kind in _LABELS

    def _before_front(self, anchor: Anchor, following: Anchor) -> int:
        """Where the parts of the next decision begin, when they stand before its number."""
        stop = following.first
        last = self._end_of_front(following, anchor.last)
        for i in range(last - 1, max(anchor.last, last - LONGEST) - 1, -1):
            kind = self.tokens[i].kind
            if kind not in _FRONT:
                return stop
            # "Article 26, paragraph 1, of the Protocol": what a treaty is cited by begins with its article.
            inner = following.is_treaty and self.tokens[i].value != "article"
            if kind == "PRE" and not inner and not self._is_held(i):
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

    def _citations(self, mention: Mention) -> Iterator[Citation]:
        """One value for each place, in each of the lettered parts, of each decision of a range."""
        anchor = mention.anchor
        begin = mention.begin if mention.first < 0 else mention.first
        end = mention.end if mention.last < 0 else mention.last
        first, last = self.tokens[begin].start, self.tokens[end - 1].end
        own = self.tokens[mention.begin].start, self.tokens[mention.end - 1].end
        if anchor.document and not anchor.is_treaty and not mention.places:
            token = next(t for t in self.tokens[anchor.first : anchor.last] if t.kind == "DOC")
            own = token.start, token.start + len(token.text.rstrip(".-"))
        whole = (Place(Locator(), *own),)
        anchor = replace(anchor, doubts=(*anchor.doubts, *mention.doubts))
        for symbol in anchor.also:
            yield self._citation(replace(anchor, symbol=symbol), whole[0], "", first, last)
        for section in anchor.sections or ("",):
            for place in mention.places or whole:
                yield self._citation(anchor, place, section, first, last)

    def _citation(self, anchor: Anchor, place: Place, section: str, first: int, last: int) -> Citation:
        reasons = [*anchor.doubts, *([place.reason] if place.reason else [])]
        certainty: Certainty = place.certainty
        if anchor.doubts and certainty == "certain":
            certainty = "probable"
        locator = place.locator
        decision: str | None = None
        iri: str | None = None
        others: tuple[str, ...] = ()
        if any(reason.startswith("?") for reason in reasons):
            certainty = "ambiguous"
        if anchor.symbol is not None:
            decision = mint_part(anchor.symbol)
            if section and place.certainty != "unresolved":
                locator = Locator((Step("section", section), *locator.steps))
            iri = mint_part(anchor.symbol, locator)
            others = tuple(mint_part(symbol, locator) for symbol in anchor.others)
        elif anchor.document:
            iri = mint(f"{anchor.document}/{locator}" if locator else anchor.document)
        else:
            certainty = "unresolved"
        quote = self.text[first:last]
        return Citation(
            start=first,
            end=last,
            quote=quote,
            part_start=place.start,
            part_end=place.end,
            part_quote=self.text[place.start : place.end],
            decision=decision,
            locator=str(locator),
            iri=iri,
            certainty=certainty,
            reason="; ".join(dict.fromkeys(reason.removeprefix("?") for reason in reasons)),
            language=self.lexicon.language,
            alternatives=others,
            normal=self._normal(anchor, iri, place),
        )

    def _normal(self, anchor: Anchor, iri: str | None, place: Place) -> str:
        """The citation as it is usually written; a document by its symbol as printed, without blanks."""
        if iri is None:
            return ""
        if anchor.is_treaty and not place.locator:
            return ""  # a treaty as a whole is no citation
        if not anchor.document or anchor.is_treaty:
            return format_citation(iri)
        token = next(t for t in self.tokens[anchor.first : anchor.last] if t.kind == "DOC")
        symbol = re.sub(r"\s", "", token.text.rstrip(".-"))
        return format_steps(symbol, place.locator) if place.locator else symbol

    def _documents_at(self, i: int) -> tuple[list[Document], int]:
        listed = any(t.kind == "DOCNOUN" and t.value == "documents" for t in self.tokens[max(0, i - 2) : i])
        return read_documents(self.tokens, i, listed)

    def _listed_documents(self, taken: list[bool]) -> Iterator[Citation]:
        """Codes of the tracking tool, and documents that are listed: "UNEP/CBD/COP/11/INF/17, 18 and 19"."""
        for i, token in enumerate(self.tokens):
            if token.kind != "DOC" or taken[i]:
                continue
            if (code := parse_tracking(token.text.rstrip(".-"))) is not None:
                symbol, locator, doubt = code
                end = token.start + len(token.text.rstrip(".-"))
                anchor = Anchor(i, i + 1, symbol, (doubt,) if doubt else ())
                yield self._citation(anchor, Place(locator, token.start, end), "", token.start, end)
                continue
            documents, last = self._documents_at(i)
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
            normal=document.symbol,
        )


def _is_to(token: Token) -> bool:
    """Whether a token is the "to" of "annex II to decision"."""
    return token.kind == "TO" and token.value == "to_of"
