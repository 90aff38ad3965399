"""A word in, the keys by which it is compared out: two inflected forms of one word share a key; knows no terms.

Terms are names of things, so only what inflects names is undone: numbers and cases of nouns and their adjectives, and
what Arabic writes onto a word. Verbs, and words made of a name, are other words: a stemmer that makes one word of
"conservation" and "conservative" finds more and is right less often. Where an ending can be read in two ways a word
has a key for each reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final

# Marks that stand in a text and say nothing here: vowel signs and tatweel, soft hyphens, joiners, directions.
SILENT: Final = "\u00ad\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u2060\ufeff"
# Words that come and go inside a name: "restauration des écosystèmes", "d'un écosystème"; 生态系统的恢复.
LOOSE: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"the", "a", "an", "s"}),
    "fr": frozenset({"de", "du", "des", "d", "l", "la", "le", "les", "un", "une"}),
    "es": frozenset({"de", "del", "la", "las", "el", "los", "un", "una"}),
    "zh": frozenset({"的", "之"}),
}
# English words that end what stands before them.
SMALL: Final = frozenset(
    {
        "a", "also", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "for", "from",
        "had", "has", "have", "if", "in", "into", "is", "it", "may", "must", "not", "of", "on", "or", "shall",
        "should", "that", "the", "their", "these", "this", "those", "through", "to", "under", "was", "were", "when",
        "where", "which", "while", "will", "with",
    }
)  # fmt: skip
NUMBER: Final = "#"  # a key of every number
_LEAST: Final = 3  # letters of a stem
_LONGEST_ACRONYM: Final = 8

_SILENT: Final = re.compile(f"[{SILENT}]")
_LATIN: Final = {ord("œ"): "oe", ord("æ"): "ae", ord("ı"): "i"}
_ARABIC: Final = {ord(sign): "ا" for sign in "أإآٱ"} | {ord("ى"): "ي", ord("ة"): "ه", ord("ؤ"): "و", ord("ئ"): "ي"}


def fold(word: str, language: str) -> str:
    """A word without what writers do differently: case, width, accents, vowel signs, forms of alef.

    >>> fold("ＥＣＯＳＹＳＴÈＭＥ", "fr"), fold("الأنْظِمَة", "ar"), fold("año", "es")
    ('ecosysteme', 'الانظمه', 'año')
    """
    word = unicodedata.normalize("NFKC", word)
    if language == "ar":
        word = word.translate(_ARABIC)
    elif language in {"fr", "es", "en"}:
        word = "".join(_base(sign) for sign in word).translate(_LATIN)
    return _SILENT.sub("", word).lower().replace("ё", "е").translate(_LATIN)


def _base(sign: str) -> str:
    """A Latin letter without its accent; ñ is a letter of its own."""
    if sign < "\xc0" or sign in "ñÑ":
        return sign
    return unicodedata.normalize("NFD", sign)[0]


@lru_cache(maxsize=65_536)
def word_keys(word: str, language: str) -> frozenset[str]:
    """The keys of a word as a text writes it.

    >>> sorted(word_keys("Services", "en")), sorted(word_keys("OECMs", "en"))
    (['service'], ['^OECM', 'oecm'])
    >>> sorted(word_keys("экосистемами", "ru") & word_keys("экосистем", "ru"))
    ['экосистем']
    """
    folded = fold(word, language)
    keys = set(_ENDINGS[language](folded)) if language in _ENDINGS else {folded}
    plain = _SILENT.sub("", unicodedata.normalize("NFKC", word))
    if plain.isdecimal():
        keys.add(NUMBER)
    elif _is_acronym(plain):
        keys.add("^" + plain)
    elif plain.endswith("s") and _is_acronym(plain[:-1]):
        keys.add("^" + plain[:-1])
    return frozenset(keys - {""})


@lru_cache(maxsize=16_384)
def name_keys(word: str, language: str) -> frozenset[str]:
    """The keys of a word in a name: as in a text, but an acronym is only found where it is written as one.

    >>> sorted(name_keys("ABS", "en")), sorted(name_keys("النظم", "ar"))
    (['^ABS'], ['النظم', 'نظم'])
    """
    plain = _SILENT.sub("", unicodedata.normalize("NFKC", word))
    if _is_acronym(plain):
        return frozenset({"^" + plain})
    folded = fold(word, language)
    if language == "ar":
        # A name is not written onto another word; only its own article, and a joint inside it, come off.
        bare = _JOINED_ARTICLE.sub("", folded)
        bases = {folded, bare if len(bare) >= _LEAST - 1 else folded}
        return frozenset({form for base in bases for form in _arabic_numbers(base)})
    return frozenset({*_ENDINGS[language](folded)} if language in _ENDINGS else {folded})


def _is_acronym(word: str) -> bool:
    return 2 <= len(word) <= _LONGEST_ACRONYM and word.isupper() and word.isalpha()


# --- endings, one function for each language


def _english(word: str) -> Iterator[str]:
    word = re.sub("isation(?=s?$)", "ization", word)
    if word.endswith(("sses", "shes", "ches", "xes")):
        yield word[:-2]
    elif word.endswith("ies") and len(word) > 4:
        yield word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > _LEAST:
        yield word[:-1]
    else:
        yield word


def _french(word: str) -> Iterator[str]:
    if word.endswith("eaux") or (word.endswith(("eux", "oux")) and len(word) > _LEAST):
        yield word[:-1]
    elif word.endswith("aux") and len(word) > _LEAST + 1:
        yield word[:-2] + "l"
    elif word.endswith("s") and not word.endswith("ss") and len(word) > _LEAST:
        yield word[:-1]
    else:
        yield word


def _spanish(word: str) -> Iterator[str]:
    yield word
    if word.endswith("s") and len(word) > _LEAST:
        yield word[:-1]  # paisaje-s
        if word.endswith("ces"):
            yield word[:-3] + "z"
        elif word.endswith("es") and len(word) > _LEAST + 1:
            yield word[:-2]  # restauracion-es


# Nouns: the и of -ие and -ия belongs to the stem, so that восстановление is not the participle восстановлен.
_NOUN: Final = (
    *("ами", "ями", "ам", "ям", "ах", "ях", "ов", "ев", "ей", "ой", "ом", "ем", "ью"),
    *("а", "я", "о", "е", "и", "ы", "у", "ю", "ь", "й"),
)
_HARD: Final = ("ыми", "ого", "ому", "ый", "ая", "ое", "ые", "ым", "ых", "ую", "ой", "ом", "ою")
_SOFT: Final = ("ими", "его", "ему", "ий", "ее", "ие", "им", "их", "яя", "юю", "ей", "ем")
_BEFORE_SOFT: Final = ("нн", "к", "г", "х", "ж", "ш", "ч", "щ")
# A vowel that is there in some cases only: земель, участок.
_FLEETING: Final = re.compile("^(.*[бвгджзклмнпрстфхцчшщ])[ео]([бвгджзклмнпрстфхцчшщ])ь?$")


def _russian(word: str) -> Iterator[str]:
    yield word
    for ending in (*_NOUN, *_HARD):
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST:
            yield word[: -len(ending)]
    for ending in _SOFT:
        stem = word.removesuffix(ending)
        if stem != word and stem.endswith(_BEFORE_SOFT) and len(stem) >= _LEAST:
            yield stem
    if (found := _FLEETING.match(word)) and len(word) > _LEAST + 1:
        yield found[1] + found[2]


_JOINED_ARTICLE: Final = re.compile("^[وف]?(?:[بك]?ال|لل)(?=..)")
_POSSESSIVE: Final = ("هما", "ها", "هم", "هن", "نا", "كم", "ه")


def _arabic_numbers(word: str) -> Iterator[str]:
    yield word
    if word.endswith("ات") and len(word) > _LEAST + 1:
        yield word[:-2] + "ه"
        yield word[:-2]


def _arabic(word: str) -> Iterator[str]:
    for base in _arabic_bases(word):
        yield from _arabic_numbers(base)
        for ending in _POSSESSIVE:
            owned = base.removesuffix(ending)
            if owned != base and len(owned) >= _LEAST:
                yield owned
                if owned.endswith("ت"):
                    yield owned[:-1] + "ه"
                yield from _arabic_numbers(owned)
        if base.endswith("ا") and len(base) > _LEAST + 1:
            yield base[:-1]  # the accusative, whose vowel sign is rarely written


def _arabic_bases(word: str) -> Iterator[str]:
    """The word, and what is left without "and", "then", "with", "as", "to" and the article, in their order."""
    yield word
    for joint in ("", "و", "ف"):
        if not word.startswith(joint):
            continue
        rest = word[len(joint) :]
        if rest.startswith("لل") and len(rest) >= _LEAST + 1:
            yield rest[2:]
            yield rest[1:]  # to + a word that begins with ل
        for place in ("", "ب", "ك", "ل"):
            if not rest.startswith(place):
                continue
            inner = rest[len(place) :]
            if len(inner) >= _LEAST:
                yield inner
            if inner.startswith("ال") and len(inner) >= _LEAST + 1:
                yield inner[2:]


_ENDINGS: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "en": _english,
    "fr": _french,
    "es": _spanish,
    "ru": _russian,
    "ar": _arabic,
}
