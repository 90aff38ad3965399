"""Tokens after (or before) a decision's number in, terminals of its parts out; decides where a mention ends.

Looks only a bounded number of tokens ahead and never reads more than `LONGEST` for one mention, so that no text,
however hostile, takes more than linear time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.citations.lexicon import Lexicon, fold
from cbdgraph.citations.terminals import Terminal
from cbdgraph.citations.tokens import END, Token
from cbdgraph.citations.usage import find_usage
from cbdgraph.symbols import Symbol

LONGEST: Final = 400
_LABELS: Final = frozenset({"NUM", "NUMLET", "LETNUM", "ROMAN", "LETTER", "CJK"})
_ENDS: Final = frozenset({"BREAK", "DOT", "SEMI", "SYM", "SET", "TARGETS", "CONV", "END"})  # of a title or a gap
_LISTS: Final = frozenset({"SEP", "AND", "TO", "DASH"})
_FLAGS: Final = {
    "SEP": "comma",
    "SEMI": "semi",
    "AND": "and",
    "DASH": "dash",
    "INCL": "including",
    "ABOUT": "about",
    "COLON": "path",
    "FILL": "",
    "RESP": "",
    "FROM": "",
}
# Levels that may be named without a number after a decision; the others then are plain words of the text.
_ALONE: Final = frozenset({"annex", "appendix", "preamble", "rationale", "vision", "mission", "case-study"})
_ALONE_AT_END: Final = frozenset({"table", "guidance", "output"})  # "…, annex, table."
_TITLED: Final = frozenset({"annex", "appendix", "section", "part", "programme-element"})
_LATEST_NUMBER: Final = 1899  # higher ones are years
_LONGEST_TITLE: Final = 24  # tokens
_AGAIN: Final = {"2": "bis", "3": "ter", "4": "quater"}
_OPENING, _CLOSING = '«“"《', '»”"》'


@dataclass(frozen=True, slots=True)
class PartReader:
    """Reads parts from a row of tokens; `typed` is for a text that is one citation, where numbers may stand bare."""

    tokens: Sequence[Token]
    lexicon: Lexicon
    symbol: Symbol | None = None
    typed: bool = False

    def at(self, i: int) -> Token:
        """The token at a place, an END token beyond the last."""
        return self.tokens[i] if 0 <= i < len(self.tokens) else END

    def read(self, i: int, stop: int, inside: bool = False, anchored: bool = True) -> tuple[list[Terminal], int]:
        """All parts from `i` on, and the place after the last; `anchored` when they follow a number directly."""
        out: list[Terminal] = []
        stop = min(stop, i + LONGEST)
        i += inside and self.at(i).kind == "SEE"
        while i < stop:
            joint, j = self._joint(i, out)
            first = anchored and not out
            unit, k = self._unit(j, out, joint, first=first, inside=inside)
            if not unit and (gap := self._gap(i, j, out, joint, first)):
                j = gap
                joint |= {"path", "gap"}
                unit, k = self._unit(j, out, joint, first=False, inside=inside)
            if not unit or k > stop or self._is_elsewhere(k):
                break
            if self.at(j).form == "owned" or (k < stop and self.at(k).value == "thereof"):
                joint = joint | {"its"}
                k += self.at(k).value == "thereof"
            if "to" in joint:
                joint = joint - {"to"} | {"range" if out and _level(unit) == _level(out) else "of"}
            if j == i and out and self.at(i).held:
                joint |= {"of"}  # a genitive holds what was named before it
            if j > i or joint:
                kind = "OF" if "of" in joint and out else "J"
                end = self.at(j - 1).end if j > i else self.at(i).start
                out.append(Terminal(kind, self.at(i).start, end, "", flags=frozenset(joint)))
            out += unit
            i = k
        return out, i

    def _joint(self, i: int, out: list[Terminal]) -> tuple[set[str], int]:
        flags: set[str] = set()
        j = i
        while j < i + 6:
            kind = self.at(j).kind
            if kind in _FLAGS:
                flags |= {_FLAGS[kind], "its" if self.at(j).value == "its" else ""}
            elif kind == "OF":
                flags.add("path" if self.lexicon.holder_first else "of")
            elif kind == "TO":
                flags.add("to")
            elif kind == "DOT" and self._goes_on_after_stop(j, out):
                flags.add("semi")
            elif kind == "BODY" and not out:
                pass  # "recommendation 24/2 of SBSTTA, paragraph 3"
            elif kind == "OTHER" and self.at(j).text in {"-", "–"}:
                flags.add("dash")
            else:
                break
            j += 1
        return flags - {""}, j

    def _goes_on_after_stop(self, j: int, out: list[Terminal]) -> bool:
        """A full stop inside a mention: only before a level word that the mention has used, with a number."""
        after = self.at(j + 1)
        return (
            after.kind == "PRE"
            and self.at(j + 2).kind in _LABELS
            and any(t.type == "PRE" and t.text == after.text for t in out)
        )

    def _gap(self, i: int, j: int, out: list[Terminal], joint: set[str], first: bool) -> int:
        """Where parts go on after a title ("附录3 – <title>第D部分") or "is reflected in"; 0 when they do not."""
        if first:
            for k in range(i, i + 8):
                if self.at(k).kind == "REFLECTED":
                    return k + 1
                if self.at(k).kind in _ENDS:
                    break
            return self._past_title(i)
        held = [t for t in out if t.type in {"PRE", "POST"}]
        if not held or held[-1].value not in _TITLED or not (joint & {"dash", "path"} or out[-1].kind == "header"):
            return 0
        begin = self.at(j).start
        for k in range(j, j + 12):
            token = self.at(k)
            if token.kind in _ENDS or token.kind in {"NOUN", "LP"} or token.end - begin > 60:
                return 0
            if k > j and token.kind in {"PRE", "ORD", "LETTER", "NUM"} and self._unit(k, out, {"path"})[0]:
                return k
        return 0

    def _past_title(self, i: int) -> int:
        """Where parts go on after the title, in brackets or with "on …" and a comma; 0 when they do not."""
        k = i
        if self.at(i).kind == "LP" or self.at(i).text[:1] in _OPENING:
            closed = {"RP"} if self.at(i).kind == "LP" else set()
            while (
                k < i + _LONGEST_TITLE and self.at(k).kind not in closed and self.at(k).kind not in {"BREAK", "END"}
            ):
                k += 1
                if not closed and self.at(k - 1).text[-1:] in _CLOSING:
                    break
            k += bool(closed)
        else:
            k += self.at(k).kind == "SEP"
            if self.at(k).kind != "ABOUT":
                return 0
            while k < i + _LONGEST_TITLE and self.at(k).kind not in _ENDS | {"SEP", "LP"}:
                k += 1
            if self.at(k).kind != "SEP":
                return 0
        if k >= i + _LONGEST_TITLE or self.at(k - 1).end - self.at(i).start > 200:
            return 0
        k += self.at(k).kind == "SEP"
        while self.at(k).kind in {"FILL", "OF"}:
            k += 1
        begins = self.at(k).kind in {"PRE", "ORD"} and self.at(k - 1).kind != "ABOUT"
        return k if begins and self._unit(k, [], {"path"})[0] else 0

    def _is_elsewhere(self, i: int) -> bool:
        """Whether the words after a part say that it is of another text: "paragraph 5 of this note"."""
        k = i
        while k < i + 3 and self.at(k).kind in {"OF", "FILL"}:
            k += 1
        return self.at(k).kind == "ELSEWHERE"

    def _unit(
        self, i: int, out: list[Terminal], joint: set[str], first: bool = False, inside: bool = False
    ) -> tuple[list[Terminal], int]:
        """One part at `i` as terminals, and the place after it; nothing when no part stands there."""
        token = self.at(i)
        if token.kind == "PRE":
            return self._pre(i, out)
        if token.kind == "RELATED" and out:
            return [_terminal("RELATED", token)], i + 1
        if token.kind == "LP" and not inside and not joint - {"path"}:
            within, k = self.read(i + 1, i + 60, inside=True, anchored=not out)
            if within and self.at(k).kind == "RP":
                return [_terminal("LP", token), *within, _terminal("RP", self.at(k))], k + 1
            return [], i
        if token.kind == "BR" and "about" in joint and (k := self._titled(i)):
            return [_terminal("LEAD", token, token.value), _terminal("POST", self.at(k), self.at(k).value)], k + 1
        if token.kind in {"CJK", "ROMAN", "LETTER"} and self.at(i + 1).kind == "DOT" and self._in_annex(out):
            head = Terminal("POST", self.at(i + 1).start, self.at(i + 1).end, "", "section", "header")
            number = Terminal("LEAD", token.start, token.end, token.text, self._label(token), self._sort(token))
            return [number, head], i + 2
        if self.lexicon.ordinals and token.kind == "NUM" and not token.text[0].isdigit():
            after = self.at(i + 1)
            if after.kind == "PRE" and not self.read_labels(i + 2)[0]:
                number = Terminal("LEAD", token.start, token.end, token.text, token.value, "NUM")
                return [number, _terminal("POST", after, after.value)], i + 2
        if token.kind == "NUM" and {"comma", "and"} <= joint and self._goes_back(out, apart=True):
            labels, k = self._labels(i, "LABEL")
            if self.at(k).kind != "OTHER":
                return [Terminal("PRE", token.start, token.start, "", "article", "PRE"), *labels], k
        if token.kind == "ORD" or token.kind in _LABELS or token.kind == "BR":
            lead, k = self._labels(i, "LEAD")
            if lead and self.at(k).kind == "POST":
                post = _terminal("POST", self.at(k), self.at(k).value)
                if self.at(k + 1).kind == "AGAIN" and (again := _AGAIN.get(self._label(self.at(k + 2)))):
                    last = lead[-1]  # 第8段之二 is paragraph 8 bis
                    lead[-1] = Terminal(last.type, last.start, last.end, last.text, last.value + again, last.kind)
                    k += 2
                subs, k = self._subs(k + 1)
                return [*lead, post, *subs], k
            if token.kind == "ORD":
                return (lead, k) if any(t.type == "SUB" for t in lead) else ([], i)
            if lead and token.kind in {"NUM", "NUMLET"} and self._bare(i, first, inside, out):
                return lead, k
        if token.kind == "BR" and (first or "including" in joint) and (self.typed or not token.value.isdigit()):
            return self._subs(i)
        return [], i

    def _bare(self, i: int, first: bool, inside: bool, out: list[Terminal]) -> bool:
        """Whether a number without a level word names a part: "XI/16 5(d)", "VI/8 6b", "原则12 (12.5)"."""
        if inside:
            return "." in self.at(i).text and bool(out or self.at(i - 2).kind == "NUM")
        if not first:
            return False
        return self.typed or self.at(i).kind == "NUMLET" or self.at(i + 1).kind == "BR"

    def _goes_back(self, out: list[Terminal], apart: bool) -> bool:
        """Whether a number after ", and" is one of the articles: "Articles 15, paragraph 1, and 16"."""
        words = [place for place, t in enumerate(out) if t.type == "PRE"]
        if len(words) < 1 + apart or out[words[-1 - apart]].value != "article":
            return False
        labels = out[words[-1 - apart] : words[-1] if apart else None]
        return "plural" in labels[0].flags and sum(t.type == "LABEL" for t in labels) == 1

    def _in_annex(self, out: list[Terminal]) -> bool:
        return any(t.type == "PRE" and t.value in {"annex", "appendix"} for t in out)

    def _titled(self, i: int) -> int:
        """ "关于（2）<title>的运行指导": where the level word stands, 0 when there is none near."""
        for k in range(i + 1, i + 7):
            if self.at(k).kind == "POST":
                return k
            if self.at(k).kind not in {"OTHER", "OF", "AND"} or self.at(k).end - self.at(i).end > 40:
                return 0
        return 0

    def _pre(self, i: int, out: list[Terminal]) -> tuple[list[Terminal], int]:
        token = self.at(i)
        word = fold(token.text)
        if word in self.lexicon.needs_usage and (self.symbol is None or find_usage(self.symbol, word) is None):
            return [], i
        head = _terminal("PRE", token, token.value)
        # A table cell may break between the word and its number.
        split = self.at(i + 1).kind == "BREAK" and self.at(i + 2).kind == "NUM" and "|" not in self.at(i + 1).text
        back = token.value in {"para", "item"} and self._goes_back(out, apart=False)
        labels, k = self._labels(i + 2 if split else i + 1, "LABEL", back)
        if labels:
            return [head, *labels], k
        if token.value in _ALONE or (token.value == "output" and any(t.value in {"action", "activity"} for t in out)):
            return [head], i + 1
        if token.value in _ALONE_AT_END and (self.typed or self.at(i + 1).kind in _ENDS | {"SEP", "RP"}):
            return [head], i + 1
        if token.generic and self.at(i + 1).kind == "DASH" and self.at(i + 2).kind == "PRE" and out:
            return [_terminal("COLUMN", token, token.value)], i + 1
        return [], i

    def read_labels(self, i: int) -> tuple[list[Terminal], int]:
        """The labels that stand after a level word at `i - 1`, and the place after the last."""
        return self._labels(i, "LABEL")

    def _labels(self, i: int, kind: str, back: bool = False) -> tuple[list[Terminal], int]:
        """A list of labels, with the bracketed ones inside them; LEAD lists may repeat the ordinal sign.

        It ends before ", and" where what follows that goes `back` to a list begun before.
        """
        lead = kind == "LEAD"
        out: list[Terminal] = []
        k, last = i, ""
        while len(out) < LONGEST:
            ordinal = self.at(k) if lead and self.at(k).kind == "ORD" else None
            at = k + 1 if ordinal or self.opens_range(k) else k
            token = self.at(at)
            if not self._is_label(at, last, lead, bool(ordinal)) or (not lead and self._led(at)):
                break
            if last and (self._is_text(k, at) or (back and {"SEP", "AND"} <= {t.kind for t in self.tokens[i:k]})):
                break
            if last:
                out.append(self._list_joint(i, k))
            start = ordinal.start if ordinal else token.start
            out.append(Terminal(kind, start, token.end, token.text, self._label(token), self._sort(token)))
            last = token.kind
            k = at + 1
            subs, k = self._subs(k, lead=lead)
            out += subs
            i = k
            if subs and subs[-1].type == "SUB" and self.at(k).kind == "POST":
                break
            while k < i + 2 and self.at(k).kind in _LISTS:
                k += 1
            if k == i:
                break
        return out, i

    def opens_range(self, i: int) -> bool:
        """Whether a word is the "from" of a range: الفقرات من 3 إلى 5."""
        return (
            self.at(i).kind in {"OF", "FROM"}
            and self.at(i + 1).kind in _LABELS | {"BR"}
            and self.at(i + 2).kind in {"TO", "DASH"}
            and self.at(i + 3).kind == self.at(i + 1).kind
        )

    def _list_joint(self, i: int, k: int) -> Terminal:
        kinds = {self.at(j).kind for j in range(i, k)}
        flags = frozenset({"range"} if kinds & {"TO", "DASH"} else set())
        return Terminal("LJ", self.at(i).start, self.at(k - 1).end, "", flags=flags)

    def _is_label(self, at: int, last: str, lead: bool, ordinal: bool) -> bool:
        token = self.at(at)
        if token.kind not in _LABELS and token.kind != "BR":
            return False
        if token.kind == "NUM" and token.value.isdigit() and int(token.value) > _LATEST_NUMBER:
            return False
        if token.kind == "CJK" and last and self.at(at + 1).kind == "DOT":
            return False  # "附件二，一. 内容": the head of a section
        if token.kind == "LETTER" and token.text.islower() and lead and not ordinal:
            return False
        if token.kind == "LETTER" and last and token.text.islower():
            return False
        letters, numbers = {"ROMAN", "LETTER"}, {"NUM", "NUMLET", "LETNUM"}
        return not last or any({token.kind, last} <= kinds for kinds in (letters, numbers, {"CJK"}, {"BR"}))

    def _is_text(self, before: int, at: int) -> bool:
        """A number after a comma that belongs to the words after it: "paragraph 5, 14 Parties"."""
        return (
            self.lexicon.words_have_spaces
            and not self.typed
            and self.at(before - 1).kind == "SEP"
            and (self.at(at + 1).kind == "OTHER" or self._is_word(at + 1))
        )

    def _is_word(self, i: int) -> bool:
        """Whether a level word is only a word: the "Parties" of "14 Parties"."""
        return self.at(i).kind == "PRE" and self.at(i + 1).kind not in _LABELS | {"BR"}

    def _led(self, i: int) -> bool:
        """Whether the label at `i` belongs to a level word right after it: the D of "目标2，D部分"."""
        k = i + 1
        while self.at(k).kind == "BR" and k < i + 4:
            k += 1
        return self.at(k).kind == "POST"

    def _subs(self, i: int, lead: bool = False) -> tuple[list[Terminal], int]:
        """Bracketed labels "(a), (b) and (d)" with the joints between them."""
        out: list[Terminal] = []
        k = i
        while len(out) < LONGEST:
            if self.opens_range(k):
                i += k == i
                k += 1
            token = self.at(k)
            if token.kind != "BR" or (not lead and self.at(k + 1).kind == "POST"):
                break
            if k > i:
                out.append(self._list_joint(i, k))
            out.append(Terminal("SUB", token.start, token.end, token.text, self._label(token), self._sort(token)))
            i = k = k + 1
            if self.at(k).kind == "BR":
                continue
            while k < i + 2 and self.at(k).kind in _LISTS:
                k += 1
            if k > i and self.at(k).kind != "BR":
                break
        return out, i

    def _sort(self, token: Token) -> str:
        """The kind of a label; "CJK-BR" and "LOOK-BR" for bracketed ones that may stand for another."""
        if token.kind != "BR":
            return token.kind
        if self.lexicon.number_of(token.value):
            return "CJK-BR"
        if token.value.isdigit() and self.lexicon.letters and self.lexicon.letters_sure:
            return "NUM-BR"
        return "LOOK-BR" if token.generic else "BR"

    def _label(self, token: Token) -> str:
        """A label in plain form; what it means (a Roman numeral, a letter) depends on its level and comes later."""
        text = token.value
        if number := self.lexicon.number_of(text):
            return str(number)
        return ".".join(digits.lstrip("0") or "0" for digits in text.split(".")) if token.kind == "NUM" else text


def _terminal(kind: str, token: Token, value: str = "") -> Terminal:
    flags = frozenset({token.form} if token.form else ())
    return Terminal(kind, token.start, token.end, token.text, value, token.kind, token.generic, flags)


def _level(terminals: Sequence[Terminal]) -> str:
    """The level that was named last among these."""
    return next((t.value for t in reversed(terminals) if t.type in {"PRE", "POST"}), "")
