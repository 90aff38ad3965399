"""Tokens in, the decisions and recommendations that they name out, without their parts; knows no levels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cbdgraph.citations.lexicon import Lexicon, fold
from cbdgraph.citations.strangers import is_foreign, owner_before, treaty_of
from cbdgraph.citations.tokens import END, Token
from cbdgraph.errors import InvalidName
from cbdgraph.symbols import Symbol, parse_number

_LAST_SESSION: Final = {"cop": 17, "cp-mop": 12, "np-mop": 6, "sbstta": 28, "sbi": 8, "wg8j": 12, "wgri": 5}
_MOST_NUMBERS: Final = 50  # the tenth meeting, with the most, came to 47
_LATEST_CITED: Final = 16  # the last meeting of which decisions were seen: a number up to it may be a session
_IN_LIST: Final = frozenset({"HAO", "SEP", "AND", "ORD", "SYM", "DASH", "TO"})
_BETWEEN: Final = frozenset({"FILL", "BODY", "ORD", "HAO"})
_JOINTS: Final = frozenset({"SEP", "AND", "SEMI", "ORD", "TO", "DASH", "FILL"})
_PREFIX: Final = re.compile(r"([BСC][SЅ]|[CС][PР]|NP)[-/]?", re.IGNORECASE)
_BODY_OF_PREFIX: Final = {"BS": "cp-mop", "CP": "cp-mop", "NP": "np-mop"}
# Cyrillic letters and other signs that are printed for the Latin ones which they look like.
_SLIPS: Final = str.maketrans("1lХхІіСРВА", "IIXxIiCPBA")
_CYRILLIC: Final = re.compile("[Ѐ-ӿ]")
_CAPITALS: Final = {"А": "a", "В": "b", "С": "c", "Е": "e"}
_RECOMMENDERS: Final = ("sbstta", "sbi", "wg8j", "wgri")
_LONGEST_LIST: Final = 50


@dataclass(frozen=True, slots=True)
class Anchor:
    """A named text: tokens `first` to `last` (exclusive), its symbol, and what speaks against the reading.

    `symbol` is None for words that point back where nothing was named before, and where `document` names the path
    of another text: a treaty or a document. `sections` are the lettered parts named with the number, `also` the
    members of a range that end in this one, `others` the symbols of other readings.
    """

    first: int
    last: int
    symbol: Symbol | None
    doubts: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    bare: bool = False
    placed_only: bool = False
    document: str = ""
    is_treaty: bool = False
    others: tuple[Symbol, ...] = ()
    also: tuple[Symbol, ...] = ()
    guessed: bool = False
    points_back: bool = False


def find_anchors(tokens: Sequence[Token], lexicon: Lexicon, typed: bool = False) -> list[Anchor]:
    """All decisions named in a row of tokens, in order; `typed` accepts a bare number as well."""
    return _Finder(tokens, lexicon, typed).find()


class _Finder:
    def __init__(self, tokens: Sequence[Token], lexicon: Lexicon, typed: bool) -> None:
        self.tokens, self.lexicon, self.typed = tokens, lexicon, typed
        self.anchors: list[Anchor] = []
        self.subject = ""  # the recommending body named last in the sentence: "SBI, in its recommendation 3/5"
        self.named: dict[str, Anchor] = {}  # the anchor named last in the paragraph, by its kind and in all
        self.stranger: str | None = None  # whose Conference of the Parties a sentence begins with; "" if it is ours

    def find(self) -> list[Anchor]:
        after = _nouns_after(self.tokens)
        noun, since, sentence = "", -1, ""
        self.subject = ""
        i = 0
        while i < len(self.tokens):
            token = self.tokens[i]
            if token.kind == "BREAK" and "\n" in token.text:
                self.named = {}  # what points back does so within its paragraph
            if token.kind in {"OTHER", "BREAK", "DOT"} or (token.kind == "NOUN" and token.value != noun):
                noun = ""
            if token.kind in {"BREAK", "DOT"}:
                sentence, self.subject, self.stranger = "", "", None
            if token.kind == "BODY":
                self.subject = token.value if token.value in _RECOMMENDERS else self.subject
                self.stranger = treaty_of(self.tokens, i) if self.stranger is None else ""
            if token.kind == "NOUN":
                noun, since, sentence = token.value, i, token.value
            if token.kind in {"SAME", "SAMEIF"}:
                self._point_back(i)
            elif token.kind == "SYM" and is_foreign(self.tokens, i, self.lexicon):
                self.named = {}  # so that "the same decision" is none of ours
            elif token.kind == "SYM":
                between = self.tokens[max(since + 1, i - 4) : i]
                if self._glued(i):
                    between = between[:-2]  # "recommendation WG8J-11/2"
                direct = since >= 0 and i - since < 5 and all(t.kind in _BETWEEN for t in between)
                # The noun still counts in a list: "decisions 14/8, paragraph 3, and 15/4"; for a Roman number also
                # after other words: "decisions X/2 of 29 October and XI/16".
                listed = bool(self.anchors) and i > 0 and self.tokens[i - 1].kind in _JOINTS
                if listed and not noun and not token.value[0].isdigit():
                    noun = sentence
                # 第X/2号决定: with the number's own signs the noun stands after it, else the noun before it decides.
                signed = self.at(i - 1).kind == "ORD" or self.at(i + 1).kind == "HAO"
                before = noun if direct or listed else ""
                word = (after[i] or before) if signed else (before or after[i])
                anchor = self._anchor(i, word, since if direct else -1)
                if anchor is not None:
                    if stranger := owner_before(self.tokens, anchor.first) or self.stranger:
                        doubt = f"it may be of another body: “{stranger}” is named before it"
                        anchor = replace(anchor, doubts=(*anchor.doubts, doubt))
                    self._add(anchor, i)
                    i = anchor.last
                    continue
            i += 1
        return self._with_bodies()

    def at(self, i: int) -> Token:
        return self.tokens[i] if 0 <= i < len(self.tokens) else END

    def _point_back(self, i: int) -> None:
        """ "The same decision": an anchor with the symbol of the one named last, of its own kind if it says one."""
        token = self.tokens[i]
        kinds = {
            word.value
            for part in fold(token.text).split()
            if (word := self.lexicon.words.get(part)) is not None and word.kind == "NOUN"
        }
        if not self.lexicon.words_have_spaces:
            kinds = {w.value for text, w in self.lexicon.words.items() if w.kind == "NOUN" and text in token.text}
        named = self.named.get(next(iter(kinds)) if len(kinds) == 1 else "any")
        placed_only = token.kind == "SAMEIF"
        if named is None:
            if not placed_only:
                doubt = "no decision was named before"
                self.anchors.append(Anchor(i, i + 1, None, (doubt,), points_back=True))
            return
        doubt = "anaphora: it points back to the decision named last"
        self.anchors.append(
            Anchor(
                i,
                i + 1,
                named.symbol,
                (doubt,),
                named.sections[:1],
                placed_only=placed_only,
                others=named.others,
                points_back=True,
            )
        )

    def _add(self, anchor: Anchor, i: int) -> None:
        before = self.anchors[-1] if self.anchors else None
        if before is not None and before.symbol == anchor.symbol and before.last == i and not before.points_back:
            self.anchors[-1] = replace(before, last=anchor.last)  # "VII/5 VII/5": printed twice
            return
        if before is not None and (members := self._range(before, anchor, i)):
            anchor = replace(anchor, also=members)
        self.anchors.append(anchor)
        assert anchor.symbol is not None
        self.named[anchor.symbol.kind] = self.named["any"] = anchor

    def _range(self, before: Anchor, anchor: Anchor, i: int) -> tuple[Symbol, ...]:
        """The members between the ends of "decisions XII/1 to XII/4"."""
        low, high = before.symbol, anchor.symbol
        if low is None or high is None or (low.body, low.session) != (high.body, high.session):
            return ()
        between = self.tokens[before.last : i]
        if not any(t.kind in {"TO", "DASH"} for t in between) or any(t.kind not in _JOINTS for t in between):
            return ()
        if not 1 < high.number - low.number <= _LONGEST_LIST or before.sections or anchor.sections:
            return ()
        return tuple(Symbol(low.body, low.session, number) for number in range(low.number + 1, high.number))

    def _with_bodies(self) -> list[Anchor]:
        """A body named at either end of a list of recommendations is that of all: "XIX/1 and XIX/2 of SBSTTA"."""
        out = self.anchors
        for places in (range(len(out) - 2, -1, -1), range(1, len(out))):
            for k in places:
                other = out[k + 1] if places.step < 0 else out[k - 1]
                left, right = (out[k], other) if places.step < 0 else (other, out[k])
                symbol, whose = out[k].symbol, other.symbol
                if not out[k].guessed or other.guessed or symbol is None or whose is None or other.points_back:
                    continue
                between = self.tokens[left.last : right.first]
                if self.at(right.first).kind not in {"SYM", "ORD"}:
                    continue  # it has a noun of its own
                if whose.kind == symbol.kind and all(t.kind in _JOINTS | {"BODY", "OF"} for t in between):
                    mended = replace(symbol, body=whose.body)
                    out[k] = replace(out[k], symbol=mended, doubts=out[k].doubts[1:], guessed=False)
        return out

    def _anchor(self, i: int, noun: str, since: int) -> Anchor | None:
        """The number at `i` with its noun, which stands right before it at `since` unless that is -1."""
        direct = since >= 0
        text = self.tokens[i].value
        doubts: list[str] = []
        prefix = _PREFIX.match(text)
        body = _BODY_OF_PREFIX.get(prefix[1].translate(_SLIPS).upper(), "cp-mop") if prefix else ""
        if prefix and _CYRILLIC.search(prefix[0]):
            doubts.append(f"“{prefix[1]}” is written with Cyrillic letters")
        number = text[prefix.end() :] if prefix else text
        if "/" not in number:
            if not direct:
                return None
            doubts.append(f"“{text}” is written with a hyphen")
            number = number.replace("-", "/")
        one, _, two = number.partition("/")
        if not noun and self._glued(i):
            noun = "recommendation" if self._glued(i) in _RECOMMENDERS else "decision"
        bare = not (noun or prefix)
        if bare and not self.typed and (one.isdigit() or one.upper() != one or one == "I" or set(one) & set("1lІі")):
            return None
        try:
            session, item = _number(one, doubts), _number(two, doubts)
        except InvalidName:
            return None
        first, last = i, i + 1
        sections, last = self._sections(last, doubts)
        for kind in ("HAO", "NOUN"):
            if self.at(last).kind == kind and (kind == "HAO" or not direct):
                last += 1
        first = since if direct else self._first(i)
        glued = self._glued(i)
        near = glued or _body_near(self.tokens, i, last)
        if glued and not direct:
            first = i - 2
        elif (
            near and not self.typed and first and self.at(first - 1).kind == "BODY" and self.lexicon.words_have_spaces
        ):
            first -= 1
        guessed = False
        if (noun or "decision") == "recommendation":
            body = near if near in _RECOMMENDERS else self.subject
            if not body:
                # SBSTTA numbered in Roman numerals until its twentieth meeting; SBI never did.
                body = "sbi" if one.isdigit() and session <= 5 else "sbstta"
                guessed = True
                doubts.insert(0, f"no body is named with the recommendation; read as one of {body.upper()}")
        elif not body:
            body = near if near in {"cp-mop", "np-mop"} else "cop"
        if bare and not self.typed:
            if near in _RECOMMENDERS:
                body = near
            if session > _LAST_SESSION["cop"] or item > _MOST_NUMBERS:
                return None
            doubts.append("no noun says whether it is a decision or a recommendation; read as a decision")
        symbol = Symbol(body, session, item)
        others: tuple[Symbol, ...] = ()
        if self.lexicon.reversible and body == "cop" and one.isdigit() and two.isdigit() and not prefix:
            symbol, others, doubt = _either_way(symbol)
            doubts += [doubt] if doubt else []
            if others and bare:
                doubts.append("?no word says what the number is")
        if symbol.session > _LAST_SESSION[body]:
            doubts.append(f"{body.upper()} has had no session {symbol.session}")
        elif symbol.number > _MOST_NUMBERS:
            doubts.append(f"no session adopted as many as {symbol.number}")
        if bare and body == "cop" and not one.isdigit() and symbol.short[0].isdigit():
            doubts.append(
                f"the COP writes this session in Arabic digits, {symbol.short}; {text} may be a recommendation"
            )
        return Anchor(first, last, symbol, tuple(doubts), sections, bare, others=others, guessed=guessed)

    def _glued(self, i: int) -> str:
        """The body that is written onto the number: "SBSTTA-24/2"."""
        body, dash = self.at(i - 2), self.at(i - 1)
        glued = body.end == dash.start and dash.end == self.at(i).start
        return body.value if glued and body.kind == "BODY" and dash.kind == "DASH" else ""

    def _first(self, i: int) -> int:
        """Where the words begin that name a decision with no noun right before it: at its ordinal sign."""
        return i - 1 if self.at(i - 1).kind == "ORD" else i

    def _sections(self, i: int, doubts: list[str]) -> tuple[tuple[str, ...], int]:
        """Capital letters after the number, which are parts of the decision: "VIII/19 B", "VIII/4 A-E"."""
        letters: list[str] = []
        k = i
        while len(letters) < _LONGEST_LIST and (letter := self._letter(k, first=not letters)):
            if letters and self.at(k - 1).kind in {"DASH", "TO"} and letters[-1] < letter:
                letters += [chr(code) for code in range(ord(letters[-1]) + 1, ord(letter))]
            letters.append(letter)
            if not self.tokens[k].text.isascii() and self.tokens[k].text in _CAPITALS:
                doubts.append(f"the letter {self.tokens[k].text} is Cyrillic and read as {letter.upper()}")
            i = k = k + 1
            if self.at(k).kind in {"AND", "SEP", "DASH", "TO"}:
                k += 1
        return tuple(letters), i

    def _letter(self, i: int, first: bool) -> str:
        token, after = self.at(i), self.at(i + 1)
        # The first stands right after the number: a letter further on begins something else.
        if first and token.start - self.at(i - 1).end > 1:
            return ""
        if token.text in _CAPITALS and after.kind in {"SEP", "DOT", "SEMI", "END", "RP", "COLON"}:
            return _CAPITALS[token.text]
        if token.kind not in {"LETTER", "ROMAN"}:
            return ""
        spelled = not token.text.isascii()
        if not spelled and (len(token.text) > 1 or not token.text.isupper()):
            return ""
        begins = after.kind in {"OTHER", "POST", "NUM", "LETTER"}
        return token.value.lower() if self.typed or spelled or not begins else ""


def _either_way(symbol: Symbol) -> tuple[Symbol, tuple[Symbol, ...], str]:
    """A number in a text from right to left, whose two halves may have changed places: reading, other, doubt."""
    if symbol.session == symbol.number:
        return symbol, (), ""
    turned = Symbol(symbol.body, symbol.number, symbol.session)
    if symbol.session > _LAST_SESSION["cop"] and symbol.number <= _LATEST_CITED:
        doubt = f"there was no session {symbol.session}: the two numbers are read the other way round"
        return turned, (), doubt
    if symbol.number <= _LATEST_CITED and symbol.session <= _LATEST_CITED:
        doubt = f"written from right to left the two numbers may have changed places: {turned.short}"
        return symbol, (turned,), doubt
    return symbol, (), ""


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


def _number(text: str, doubts: list[str]) -> int:
    """A number, Roman or Arabic; a 1 or l among Roman numerals is a slip for I, and said to be one."""
    try:
        return parse_number(text)
    except InvalidName:
        mended = text.translate(_SLIPS)
        number = parse_number(mended)
        slip = "Cyrillic letters" if _CYRILLIC.search(text) else "a digit or letter printed for I"
        doubts.append(f"“{text}” is read as {mended}: {slip}")
        return number


def _body_near(tokens: Sequence[Token], first: int, last: int) -> str:
    """The body named right before the number, or right after it with "of"."""
    for i in range(first - 1, max(first - 6, -1), -1):
        if tokens[i].kind == "BODY":
            return tokens[i].value
        if tokens[i].kind not in {"FILL", "OF", "NOUN", "ORD", "HAO"}:
            break
    for i in range(last, min(last + 4, len(tokens))):
        if tokens[i].kind == "BODY":
            return tokens[i].value
        if tokens[i].kind not in {"FILL", "OF"}:
            break
    return ""
