"""The words that citations are made of, by language: a TOML file in, an immutable table out; knows no structure."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from cbdgraph.citations.composed import compose
from cbdgraph.errors import InvalidName
from cbdgraph.locators import LEVELS
from cbdgraph.symbols import BODIES

# What each list of `[particles]` makes of its words; a key that is not here is a slip in the file.
_PARTICLES: Final = {
    "ordinal": "ORD",
    "number_sign": "HAO",
    "and": "AND",
    "to": "TO",
    "to_of": "TO",
    "of": "OF",
    "whose": "OF",
    "its": "FILL",
    "thereof": "FILL",
    "see": "SEE",
    "filler": "FILL",
    "including": "INCL",
    "about": "ABOUT",
    "related": "RELATED",
    "same": "SAME",
    "same_if_placed": "SAMEIF",
    "reflected": "REFLECTED",
    "treaty_word": "TREATY",
    "other_treaty": "FOREIGN",
    "foreign": "FOREIGN",
    "elsewhere": "ELSEWHERE",
    "respectively": "RESP",
    "from": "FROM",
    "again": "AGAIN",
    "stop": "OTHER",
}


# Treaties whose articles are cited: key of `[treaties]` -> slug of the document.
TREATIES: Final = {
    "convention": "convention-on-biological-diversity",
    "cartagena-protocol": "cartagena-protocol",
    "nagoya-protocol": "nagoya-protocol",
}
# Target sets; a name of `[sets]` may end in "?" (it can mean others too) or hold a level ("aichi target").
SETS: Final = ("aichi", "gspc", "gspc-2010", "gspc-2002", "kmgbf")


@dataclass(frozen=True, slots=True)
class Word:
    """One word or phrase: the kind of token it makes and what that token means (a level, a body, a noun).

    A `generic` word stands for several levels; a `held` one means "of …" by its own form, as a genitive does.
    `form` is "plural" or "owned" ("its annex" in one word) where that tells how parts belong together.
    """

    kind: str
    value: str
    generic: bool = False
    held: bool = False
    form: str = ""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All words of a language, by their folded form, and the few ways in which languages order citations."""

    language: str
    words_have_spaces: bool
    reversible: bool
    holder_first: bool
    body_first: bool
    numerals: str
    letters: str
    printed_letters: str
    letters_sure: bool
    ordinals: bool
    scripts: str
    frequent: frozenset[str]
    words: Mapping[str, Word]
    proclitics: Mapping[str, Word]
    needs_usage: frozenset[str]
    spelled: Mapping[str, str]
    forms: Mapping[str, str]

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Lexicon:
        """A lexicon from the tables of its file; `InvalidName` for a level, body or key that does not exist."""
        words: dict[str, Word] = {}
        held = frozenset(map(fold, table["genitive"]))
        forms = {fold(text): form for form in ("plural", "owned") for text in table[form]}

        def add(texts: Iterable[str], kind: str, value: str, generic: bool = False) -> None:
            for text in texts:
                word = fold(text)
                words[word] = Word(kind, value, generic, word in held, forms.get(word, ""))

        for key, texts in table["particles"].items():
            add(texts, _PARTICLES[_one_of(key, _PARTICLES, "lexicon key")], key)
        for noun, texts in table["nouns"].items():
            add(texts, "DOCNOUN" if noun.startswith("document") else "NOUN", noun)
        for body, texts in table["bodies"].items():
            add(texts, "BODY", _one_of(body, BODIES, "body"))
        for treaty, texts in table["treaties"].items():
            add(texts, "CONV", _one_of(treaty, TREATIES, "treaty"))
        for key, texts in table["sets"].items():
            _one_of(key.split()[0].rstrip("?"), SETS, "target set")
            add(texts, "SET", key)
        for key, kind in (("label_before", "POST"), ("label_after", "PRE")):
            for level, texts in table[key].items():
                add(texts, kind, _one_of(level, LEVELS, "level"))
        for text, level in table["generic"].items():
            add([text], "PRE", _one_of(level, LEVELS, "level"), generic=True)
        for text, label in table["spelled"].items():
            add([text], "NUM" if label.isdigit() else "LETTER", label)
        return cls(
            language=table["language"],
            words_have_spaces=table["words_have_spaces"],
            reversible=table["reversible"],
            holder_first=table["holder_first"],
            body_first=table["body_first"],
            numerals=table["numerals"],
            letters=plain(table["letters"]),
            printed_letters=table["letters"],
            letters_sure=table["letters_sure"],
            ordinals=table["ordinals"],
            scripts=table["scripts"],
            frequent=frozenset(map(fold, table["frequent"])),
            words=MappingProxyType(words),
            proclitics=MappingProxyType(
                {
                    fold(sign): Word(_PARTICLES[_one_of(key, _PARTICLES, "lexicon key")], key)
                    for sign, key in table["proclitics"].items()
                }
            ),
            needs_usage=frozenset(map(fold, table["needs_usage"]["words"])),
            spelled=MappingProxyType(table["spelled"]),
            forms=MappingProxyType(table["format"]),
        )

    def number_of(self, numeral: str) -> int:
        """The value of a numeral written in this language's own digits, 0 when it is none.

        >>> [load_lexicon("zh").number_of(numeral) for numeral in ("三", "十二", "二十", "段")]
        [3, 12, 20, 0]
        """
        if not numeral or not set(numeral) <= set(self.numerals):
            return 0
        values = [self.numerals.index(sign) + 1 for sign in numeral]
        match values:
            case [one]:
                return one
            case [10, ones] if ones < 10:
                return 10 + ones
            case [tens, 10] if tens < 10:
                return tens * 10
            case [tens, 10, ones] if tens < 10 and ones < 10:
                return tens * 10 + ones
        return 0


def plain(text: str) -> str:
    """The text with one plain sign for each: full-width forms, odd blanks, dashes and quotes, digits of all scripts.

    Every sign stays one sign, so that offsets are those of the text.

    >>> plain("Ｘ／２　١٥")
    'X/2 15'
    """
    return text.translate(_PLAIN)


def _plain_signs() -> dict[int, int]:
    table = {0xFF01 + i: 0x21 + i for i in range(94)}
    for zero in (0x660, 0x6F0):
        table |= {zero + i: ord("0") + i for i in range(10)}
    table |= dict.fromkeys((0x3000, 0xA0, 0x202F, 0x2009, 0x2007), 0x20)
    folded = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ی": "ي", "ک": "ك"}
    folded |= dict.fromkeys("‐‑‒–—―−", "-") | {"٫": ".", "٬": ",", "،": ",", "؛": ";", "‘": "'", "’": "'", "ʼ": "'"}
    return {code: ord(folded.get(chr(sign), chr(sign))) for code, sign in table.items()} | {
        ord(sign): ord(other) for sign, other in folded.items()
    }


_PLAIN: Final = _plain_signs()


def fold(text: str) -> str:
    """The form under which a word is looked up: plain signs, lower case, single blanks, no stroke (ـ)."""
    return " ".join(plain(text).lower().replace("ـ", "").split())


def _one_of(key: str, known: Collection[str], kind: str) -> str:
    if key not in known:
        raise InvalidName(kind, key, f"expected one of {', '.join(known)}")
    return key


def languages() -> tuple[str, ...]:
    """The languages that have a lexicon.

    >>> "en" in languages() and "zh" in languages()
    True
    """
    folder = files(__package__).joinpath("lexicons")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def load_lexicon(language: str) -> Lexicon:
    """The lexicon of a language, read once; `InvalidName` for a language that has none."""
    if language not in languages():
        raise InvalidName("language of citations", language, f"there are lexicons for {', '.join(languages())}")
    text = files(__package__).joinpath("lexicons", f"{language}.toml").read_text(encoding="utf-8")
    return Lexicon.parse(tomllib.loads(text))


def guess_language(text: str) -> str:
    """The language of a text: by its script, then by the most frequent words of each; English where nothing tells.

    >>> guess_language("第X/29号决定第13段"), guess_language("XI/16 (d)"), guess_language("décision de la COP")
    ('zh', 'en', 'fr')
    """
    return rank_languages(text)[0]


def rank_languages(text: str) -> tuple[str, ...]:
    """The languages that a text can be in, the likeliest first: all of Latin script, or the one of another."""
    sample = text[:_SAMPLE]
    lexicons = [load_lexicon(language) for language in languages()]
    latin = len(_LATIN.findall(sample))
    for lexicon in lexicons:
        # Numbers of decisions are Latin letters in every language, so that another script counts for more.
        if not _LATIN.match(lexicon.scripts) and 4 * len(re.findall(f"[{lexicon.scripts}]", sample)) > latin:
            return (lexicon.language,)
    written = Counter(_WORD.findall(plain(compose(sample).text).lower()))
    scores = {
        lexicon.language: sum(
            written[word] * (2 if word in lexicon.frequent else 1) for word in {*lexicon.frequent, *lexicon.words}
        )
        for lexicon in lexicons
        if _LATIN.match(lexicon.scripts)
    }
    return tuple(sorted(scores, key=lambda language: (-scores[language], language != "en", language)))


_SAMPLE: Final = 20_000
_LATIN: Final = re.compile("[A-Za-z]")
_WORD: Final = re.compile(r"[^\W\d_]+")
