"""The forms in which the Convention's papers number their parts: the beginning of a paragraph in, a mark out.

The words are in `words/<language>.toml`. All languages are looked for at once, as a paper may quote another language.
Which of the things that a mark may mean it does mean, `outline` decides from what stands around it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from cbdgraph.documents.numerals import digits_of, han_of, letter_labels, roman_label, roman_of
from cbdgraph.documents.pieces import is_rtl
from cbdgraph.errors import InvalidName
from cbdgraph.locators import LEVELS

BULLETS: Final = "•·▪◦●○■□‣➢➤✓–—−-*\uf0b7\uf0a7\uf0d8\uf0fc"
SYMBOL: Final = re.compile(r"(?<![A-Za-z0-9/])(?:[IVX]{1,6}|[0-9]{1,2})\s?/\s?[0-9]{1,2}(?![A-Za-z0-9/])")
"""The number of a decision: what tells a cell of decisions from the name of an issue."""

ENDS_SENTENCE: Final = re.compile(r"[.。;；!?！？؛؟…:：][\"'”’»)）\]]*\s*\Z")
ENDS_ITEM: Final = re.compile(r"[;؛；]\s*[^\W\d_]{1,3}\Z")
_PAPER_SYMBOL: Final = re.compile(r"(?:UNEP/)?CBD/[A-Z]")
_DATE: Final = re.compile(r"(?<![\d-])\d{1,2}(?!\d)")
_YEAR: Final = re.compile(r"(?<![\d-])(?:19|20)\d\d(?![\d-])")

_PARA: Final = re.compile(r"(\d{1,3})(?:\s?[.．、](?![\d.])|\s?[-–](?=\s))\s*")
_DOTTED: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3}){1,4})\.?(?=[\s、])\s*")
_CLOSED: Final = re.compile(r"[(（\[]\s?([^\W_]{1,4}ـ?)\s?[)）\]](?![,.;)\]，。；、،؛])\s*|[‘'](\d{1,2})[’']\s*")
_HALF: Final = re.compile(r"([^\W_]{1,4}ـ?)\s?[)）](?=\s|[^\W\d_])\s*")
_LETTER_DOT: Final = re.compile(r"([a-z]|[ivx]{1,5})\.(?=\s)\s*")
_ARABIC_DASH: Final = re.compile(r"([\u0621-\u064a]ـ?)\s?[-–](?=\s)\s*")
_CAPITAL: Final = re.compile(r"([A-ZА-Я]|[IVX]{1,6})\s?[.．](?!\S?[.．])\s*(?=\S)")
_HAN_SECTION: Final = re.compile(r"([一二三四五六七八九十]{1,3})\s?[、.．]\s*(?=\S)")
_LABEL: Final = r"(?P<label>[IVXivx]{1,6}|[A-Za-zА-Яа-я]|\d{1,3}(?:\.\d{1,3}){0,3}|[一二三四五六七八九十]{1,3})"
_VOWEL_SIGNS: Final = re.compile("[\u064b-\u0652]")
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a paragraph begins with: `form` of the mark, what it may stand for, as printed, and where text begins.

    Each of `readings` is a style ("letter", "roman", "number") and a label in that style.
    """

    form: str
    readings: tuple[tuple[str, str], ...]
    printed: str
    end: int

    @property
    def label(self) -> str:
        """The first label, empty if there is none."""
        return self.readings[0][1] if self.readings else ""


@dataclass(frozen=True, slots=True)
class Forms:
    """The words of all languages."""

    headed: Mapping[str, str]
    headed_pattern: re.Pattern[str]
    ordinals: Mapping[str, str]
    sections: Mapping[str, str]
    sections_pattern: re.Pattern[str]
    openings: tuple[str, ...]
    front: tuple[str, ...]
    boilerplate: tuple[str, ...]
    common: Mapping[str, frozenset[str]]

    @classmethod
    def parse(cls, tables: list[Mapping[str, Any]]) -> Forms:
        """The words from the tables of their files; `InvalidName` for a level that does not exist."""
        headed: dict[str, str] = {}
        ordinals: dict[str, str] = {}
        sections: dict[str, str] = {}
        for table in tables:
            for level, words in table["headed"].items():
                if level not in LEVELS:
                    raise InvalidName("level", level, "expected a level of cbdgraph.locators")
                headed.update((fold(word), level) for word in words)
            ordinals.update((fold(word), str(place)) for place, word in enumerate(table["ordinals"], 1))
            sections.update(
                (fold(word), chr(ord("a") + place)) for place, word in enumerate(table["section_letters"])
            )
            sections.update((fold(word), str(place)) for place, word in enumerate(table["section_ordinals"], 1))
        label = _LABEL.replace("|[A-Za-z", f"|{_either(ordinals)}|[A-Za-z")
        return cls(
            headed=MappingProxyType(headed),
            headed_pattern=re.compile(
                rf"(?P<word>{_either(headed)})(?:(?:\s+|(?<=[\u4e00-\u9fff])){label}(?![^\W_]))?\s*(?P<sign>[.．:：–—-]|\Z|\n)\s*",
                re.IGNORECASE,
            ),
            ordinals=MappingProxyType(ordinals),
            sections=MappingProxyType(sections),
            sections_pattern=re.compile(rf"({_either(sections)})\s?[.:–-]\s*(?=\S)"),
            openings=tuple(fold(word) for table in tables for word in table["openings"]),
            front=tuple(fold(word) for table in tables for word in table["front"]),
            boilerplate=tuple(fold(word) for table in tables for word in table["boilerplate"]),
            common=MappingProxyType({table["language"]: frozenset(table["common"]) for table in tables}),
        )

    def find_headed(self, text: str) -> Mark | None:
        """The mark of a heading that begins with the word for a level: "Annex II", "附件二", "المرفق الثاني"."""
        found = self.headed_pattern.match(_with_plain_blanks(text[:120]))
        if found is None:
            return None
        level = self.headed[fold(found["word"])]
        printed = found["label"] or ""
        label = self.ordinals.get(fold(printed)) or _plain_label(printed, level)
        single = level in ("annex", "appendix")
        if (printed and not label) or (not printed and not single):
            return None
        if found["sign"] == "\n" and not single:
            return None
        readings = (("number", label),) if label else ()
        return Mark(level, readings, text[: found.start("sign")].strip(), min(found.end(), len(text)))

    def find_section(self, text: str) -> Mark | None:
        """The mark of a numbered heading: "A.", "IV.", "一、", "باء -"; its text must be as short as a heading is."""
        folded = _with_plain_blanks(text[:40])
        for pattern in (_CAPITAL, _HAN_SECTION, self.sections_pattern):
            found = pattern.match(folded)
            if found is None or not _is_short(text[found.end() :]):
                continue
            printed = found[1]
            if pattern is self.sections_pattern:
                label = self.sections[fold(printed)]
                readings = [("number" if label.isdecimal() else "letter", label)]
            elif pattern is _HAN_SECTION:
                readings = [("number", str(han_of(printed)))] if han_of(printed) > 0 else []
            else:
                readings = [("letter", label) for label in letter_labels(printed) if len(printed) == 1]
                if roman_of(printed) > 0:
                    readings.append(("number", str(roman_of(printed))))
            if readings:
                return Mark("section", tuple(readings), text[: found.end()].strip(), found.end())
        return None

    def find_item(self, text: str) -> Mark | None:
        """The mark of an item or sub-item: "(a)", "a)", "（一）", "(أ)", "‘1’", "a."."""
        head = text[:24]
        for pattern in (_CLOSED, _HALF, _ARABIC_DASH, _LETTER_DOT):
            found = pattern.match(head)
            if found is None:
                continue
            printed = found[1] or found[2]
            readings = [("letter", label) for label in letter_labels(printed)]
            if printed.islower() and roman_of(printed) > 0:
                readings.append(("roman", unicodedata.normalize("NFKC", printed)))
            if 0 < han_of(printed) < 40:
                readings.append(("roman", roman_label(han_of(printed))))
            elif 0 < digits_of(printed) < 40:
                arabic = found.lastindex == 2 or is_rtl(text[:200])
                number = digits_of(printed)
                readings.append(("roman", roman_label(number)) if arabic else ("number", str(number)))
            if readings:
                form = "lettered" if pattern is _LETTER_DOT else "item"
                return Mark(form, tuple(readings), text[: found.end()].strip(), found.end())
        return None

    def find_paragraph(self, text: str) -> Mark | None:
        """The mark of a numbered paragraph: "12.", "12-", "１２．", "1.2"; any decimal digits."""
        if found := _PARA.match(text[:12]):
            return Mark("para", (("number", str(digits_of(found[1]))),), text[: found.end()].strip(), found.end())
        if found := _DOTTED.match(text[:24]):
            label = ".".join(str(int(number)) for number in found[1].split("."))
            return Mark("dotted", (("number", label),), found[0].strip(), found.end())
        return None

    def find_bullet(self, text: str) -> Mark | None:
        """The mark of a bullet: a sign, then a blank."""
        if len(text) > 2 and text[0] in BULLETS and text[1] in " \t\u00a0\u3000":
            return Mark("bullet", (), text[0], len(text) - len(text[1:].lstrip()))
        return None

    def begins_part(self, text: str) -> bool:
        """Whether a line begins with any mark at all."""
        marks = (self.find_paragraph, self.find_item, self.find_headed, self.find_section, self.find_bullet)
        return any(find(text) for find in marks)

    def begins_text(self, text: str) -> bool:
        """Whether a line begins with the mark of a paragraph, item or bullet, which the next line may go on with."""
        return bool(self.find_paragraph(text) or self.find_item(text) or self.find_bullet(text))

    def opens_preamble(self, text: str) -> bool:
        """Whether a line is the one that a decision begins with: "The Conference of the Parties,"."""
        return (
            len(text) < 120 and text.rstrip()[-1:] in (",", "，", "،", "、") and fold(text).startswith(self.openings)
        )

    def is_boilerplate(self, text: str) -> bool:
        """Whether a paragraph is a notice about the printing of the paper."""
        return fold(text[:80]).startswith(self.boilerplate)

    def is_front(self, text: str) -> bool:
        """Whether a line of the title block is a date, a symbol, an agenda item or an author, and not the title."""
        dated = len(text) < 70 and _YEAR.search(text) and _DATE.search(_YEAR.sub("", text))
        return bool(dated or _PAPER_SYMBOL.search(text[:60]) or fold(text[:80]).startswith(self.front))

    def guess_language(self, text: str) -> str:
        """The language that a text is written in, empty when neither script nor common words tell."""
        sample = text[:40_000]
        letters = _WORD.findall(sample)
        size = sum(map(len, letters)) or 1
        for language, low, high in (
            ("zh", "\u4e00", "\u9fff"),
            ("ar", "\u0600", "\u06ff"),
            ("ru", "\u0400", "\u04ff"),
        ):
            if sum(low <= sign <= high for sign in sample) / size > 0.4:
                return language
        words = [word.lower() for word in letters]
        counts = {language: sum(map(common.__contains__, words)) for language, common in self.common.items()}
        best = max(sorted(counts), key=counts.__getitem__)
        return best if counts[best] > len(words) / 25 else ""


def fold(text: str) -> str:
    """Lower case, single blanks, no Arabic vowel signs: the form under which words are compared."""
    return " ".join(_VOWEL_SIGNS.sub("", text).lower().split())


def _with_plain_blanks(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u3000", " ")


@cache
def load_forms() -> Forms:
    """The words of all languages, read once."""
    folder = files(__package__).joinpath("words")
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name
    )
    return Forms.parse([tomllib.loads(entry.read_text(encoding="utf-8")) for entry in entries])


def looks_like_heading(text: str) -> bool:
    """Whether a line without a mark has the look of a heading: short, one clause, no end of a sentence.

    >>> looks_like_heading("预期成果："), looks_like_heading("Expected results"), looks_like_heading("It ends here.")
    (True, True, False)
    """
    bare = text.rstrip()
    colon = bare.endswith((":", "："))
    width = width_of(bare)
    if "\n" in bare or not bare or width > (40 if colon else 90):
        return False
    return not re.search(r"[,，;；。،؛]|[.!?](?:\s|\Z)", bare)


def width_of(text: str) -> int:
    """How wide a text is set, in narrow letters; Han characters count twice."""
    if text.isascii():
        return len(text)
    return len(text) + sum(sign >= "\u2e80" for sign in text)


def _is_short(text: str) -> bool:
    return 0 < width_of(text) <= 220 and not re.search(r"[.。;；,，،؛:：]\s*\Z", text)


def _plain_label(printed: str, level: str) -> str:
    if not printed:
        return ""
    if printed[0].isdecimal():
        return ".".join(str(int(number)) for number in printed.split("."))
    if han_of(printed) > 0:
        return str(han_of(printed))
    lettered = level in ("goal", "section", "part") and len(printed) == 1 and printed.upper() not in "IVX"
    if roman_of(printed) > 0 and not lettered:
        return str(roman_of(printed))
    labels = letter_labels(printed)
    if level in ("annex", "appendix", "part") and labels:
        return str(ord(labels[0][0]) - ord("a") + 1)
    return labels[0] if labels else ""


def _either(words: Mapping[str, str]) -> str:
    """A pattern of any of the words, longest first, with any blanks between and any vowel signs on Arabic letters."""
    patterns = []
    for word in sorted(words, key=len, reverse=True):
        signs = (f"{sign}[\u064b-\u0652]*" if "\u0621" <= sign <= "\u064a" else re.escape(sign) for sign in word)
        patterns.append("".join(signs).replace("\\ ", r"\s+"))
    return "|".join(patterns)
