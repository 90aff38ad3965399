"""Numerals of lists and headings: printed words to ASCII labels, and counters to what a word processor prints.

Text and numbers in, text and numbers out; knows no format and no language beyond the digits and letters themselves.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.symbols import parse_roman

ABJAD: Final = "أبجدهوزحطيكلمنسعفصقرشتثخذضظغ"
HIJAI: Final = "أبتثجحخدذرزسشصضطظعغفقكلمنهوي"
CYRILLIC: Final = "абвгдежзиклмнопрстуфхцчшщэюя"
HAN_DIGITS: Final = "一二三四五六七八九"
_LATIN_TWINS: Final = dict(zip("аесорхіv", "aecopxiv", strict=True))
_ROMAN: Final = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def digits_of(text: str) -> int:
    """A number in any decimal digits (12, ١٢, １２), -1 when it is none.

    >>> digits_of("١٢"), digits_of("x")
    (12, -1)
    """
    return int(text) if text.isdecimal() and len(text) < 7 else -1


def han_of(text: str) -> int:
    """A Chinese numeral up to 99, -1 when it is none.

    >>> han_of("三"), han_of("十二"), han_of("二十"), han_of("三十五"), han_of("段")
    (3, 12, 20, 35, -1)
    """
    if text in HAN_DIGITS and len(text) == 1:
        return HAN_DIGITS.index(text) + 1
    tens, ten, ones = text.partition("十")
    if not ten or len(tens) > 1 or len(ones) > 1 or not set(tens + ones) <= set(HAN_DIGITS):
        return -1
    return (HAN_DIGITS.index(tens) + 1 if tens else 1) * 10 + (HAN_DIGITS.index(ones) + 1 if ones else 0)


def roman_of(text: str) -> int:
    """A Roman numeral up to 39 in either case, -1 when it is none."""
    try:
        return parse_roman(unicodedata.normalize("NFKC", text))
    except InvalidName:
        return -1


def letter_after(label: str) -> str:
    """The letter label that follows: b after a, aa after z; empty after what is no letter.

    >>> letter_after("a"), letter_after("z"), letter_after("aa"), letter_after("3")
    ('b', 'aa', 'bb', '')
    """
    if not label.isascii() or not label.isalpha() or len(set(label)) != 1:
        return ""
    return "a" * (len(label) + 1) if label[0] == "z" else chr(ord(label[0]) + 1) * len(label)


def letter_labels(printed: str) -> tuple[str, ...]:
    """What a printed letter may mean as a label, likeliest first: Cyrillic letters have Latin twins.

    >>> letter_labels("b"), letter_labels("ب"), letter_labels("с"), letter_labels("г")
    (('b',), ('b',), ('c', 'q'), ('d',))
    """
    small = printed.lower().replace("ـ", "")
    if small.isascii():
        return (small,) if small.isalpha() and len(set(small)) == 1 and len(small) < 4 else ()
    if len(small) != 1:
        return ()
    for sign in (small, {"ا": "أ", "إ": "أ", "ى": "ي", "ة": "ه"}.get(small, "")):
        if sign and sign in ABJAD:
            return (letter_label(ABJAD.index(sign) + 1),)
    meant = [_LATIN_TWINS[small]] if small in _LATIN_TWINS else []
    if small in CYRILLIC:
        meant.append(letter_label(CYRILLIC.index(small) + 1))
    return tuple(dict.fromkeys(meant))


def letter_label(number: int) -> str:
    """The letter label of a count: a, b … z, aa, bb."""
    repeat, place = divmod(number - 1, 26)
    return chr(ord("a") + place) * (repeat + 1)


def roman_label(number: int) -> str:
    """A count in small Roman numerals.

    >>> roman_label(4), roman_label(49)
    ('iv', 'xlix')
    """
    out = []
    for value, signs in _ROMAN:
        count, number = divmod(number, value)
        out.append(signs * count)
    return "".join(out)


def format_counter(form: str, number: int) -> str:
    """A counter as WordprocessingML's `numFmt` prints it; forms that are not known here in decimal digits.

    >>> [format_counter(form, 3) for form in ("decimal", "lowerLetter", "upperRoman", "arabicAbjad", "arabicAlpha")]
    ['3', 'c', 'III', 'ج', 'ت']
    >>> format_counter("chineseCounting", 21), format_counter("decimalZero", 3), format_counter("none", 3)
    ('二十一', '03', '')
    """
    if form == "none" or number < 0:
        return ""
    if form == "decimalZero":
        return f"{number:02d}"
    if form in ("decimalFullWidth", "decimalFullWidth2"):
        return "".join(chr(ord(digit) + 0xFEE0) for digit in str(number))
    if form in ("hindiNumbers", "hindiArabic"):
        return "".join(chr(ord(digit) + 0x630) for digit in str(number))
    if number == 0 or number > 3999:
        return str(number)
    match form:
        case "lowerLetter":
            return letter_label(number)
        case "upperLetter":
            return letter_label(number).upper()
        case "lowerRoman":
            return roman_label(number)
        case "upperRoman":
            return roman_label(number).upper()
        case "arabicAbjad":
            return _cycle(ABJAD, number)
        case "arabicAlpha":
            return _cycle(HIJAI, number)
        case "russianLower":
            return _cycle(CYRILLIC, number)
        case "russianUpper":
            return _cycle(CYRILLIC, number).upper()
        case "ordinal":
            return f"{number}."
    if form.startswith(("chinese", "japanese", "ideograph", "taiwanese", "korean")) and number < 100:
        return _han(number)
    return str(number)


def _cycle(letters: str, number: int) -> str:
    repeat, place = divmod(number - 1, len(letters))
    return letters[place] * (repeat + 1)


def _han(number: int) -> str:
    tens, ones = divmod(number, 10)
    last = HAN_DIGITS[ones - 1] if ones else ""
    if not tens:
        return last
    return ("" if tens == 1 else HAN_DIGITS[tens - 1]) + "十" + last
