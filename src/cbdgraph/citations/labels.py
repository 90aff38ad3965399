"""Printed labels in, labels of the contract out: "(c)", "二", "II" by the level they belong to; knows no places."""

from __future__ import annotations

from typing import Final

from cbdgraph.citations.terminals import Terminal
from cbdgraph.citations.usage import find_usage
from cbdgraph.errors import InvalidName
from cbdgraph.symbols import Symbol, format_roman, parse_roman

_LONGEST_RANGE: Final = 200

# Kinds of labels in brackets.
BRACKETED: Final = frozenset({"BR", "CJK-BR", "LOOK-BR", "NUM-BR"})

Chain = tuple[Terminal, Terminal, list[Terminal], str]


def plain_label(level: str, terminal: Terminal, symbol: Symbol | None) -> tuple[str, list[str]]:
    """The label of a step of `level`, and what is doubtful about it; `InvalidName` when it can be none."""
    value, kind = terminal.value, terminal.kind
    if kind == "CJK-BR":
        usage = find_usage(symbol, "(一)") if symbol else None
        number = int(value)
        if usage and usage.level == "letter":
            return chr(ord("a") + number - 1), []
        doubts = [] if usage and usage.sure == "seen" else [_CJK_DOUBT]
        return format_roman(number).lower(), doubts
    if kind == "NUM-BR" and level == "subitem" and 0 < int(value) < 40:
        return format_roman(int(value)).lower(), [
            "a digit in brackets is read as the small Roman numeral of other languages"
        ]
    if kind == "LOOK-BR":
        return value.lower(), [f"the letter in “{terminal.text}” is of another alphabet and read as {value}"]
    if level in {"item", "subitem"}:
        return value.lower(), []
    if kind in {"ROMAN", "BR"} and value.upper() == value and not value.isdigit() and _is_roman(value):
        if level in {"section", "part", "goal", "objective"} and value not in {"I", "II", "III", "IV", "V", "VI"}:
            return value.lower(), []
        return str(parse_roman(value)), []
    if level == "annex" and len(value) == 1 and value.isalpha() and kind == "LETTER":
        return value.lower(), []
    return value.lower(), []


_CJK_DOUBT: Final = "a bracketed Chinese numeral is read as a small Roman one; it may stand for a letter"


def _is_roman(text: str) -> bool:
    try:
        return parse_roman(text) > 0
    except InvalidName:
        return False


def spread_labels(chains: list[list[Terminal]], ranges: set[int]) -> list[Chain]:
    """Each cited label with all labels it stands in: "19 (a), (b)" gives 19 (a) and 19 (b); a range all members.

    The first two members of a row are the first and the last terminal of the words that name it, the last one says
    what is doubtful: of a range that is too long to be spread only the ends are given.
    """
    out: list[Chain] = []
    for place, chain in enumerate(chains):
        labels = chain
        if chain[0].type == "SUB" and out:
            labels = _beside(out[-1][2], chain)
        if place in ranges and out and (members := _between(out[-1][2], labels)):
            first = out[-1][0]
            out[-1] = (first, chain[-1], out[-1][2], out[-1][3])
            out += [(first, chain[-1], [*labels[:-1], member], "") for member in members]
        else:
            doubt = _too_long(out[-1][2], labels) if place in ranges and out else ""
            if doubt:
                out[-1] = (*out[-1][:3], doubt)
            out.append((chain[0], chain[-1], labels, doubt))
    return [_apart(*chain) for chain in out]


def _too_long(before: list[Terminal], after: list[Terminal]) -> str:
    """What is doubtful about the two ends of a range whose members are too many; empty for any other."""
    low, high = before[-1].value, after[-1].value
    if not (low.isdigit() and high.isdigit() and int(high) - int(low) > _LONGEST_RANGE):
        return ""
    return f"the range from {low} to {high} is too long to be spread: only its ends are given"


def article_labels(labels: list[Terminal]) -> list[Terminal]:
    """The labels of an article, "15.7" as article 15 with the paragraph (7)."""
    number, _, rest = labels[0].value.partition(".")
    if not rest:
        return labels
    head = labels[0]
    whole = Terminal(head.type, head.start, head.end, head.text, number, head.kind)
    inner = [Terminal("SUB", head.start, head.end, head.text, part, "BR") for part in rest.split(".")]
    return [whole, *inner, *labels[1:]]


def _apart(first: Terminal, last: Terminal, labels: list[Terminal], doubt: str) -> Chain:
    """ "6b" is number 6 with item b."""
    if labels[0].kind == "NUMLET":
        head = labels[0]
        number = Terminal(head.type, head.start, head.end, head.text, head.value[:-1].lstrip("0"), "NUM")
        letter = Terminal("SUB", head.start, head.end, head.text, head.value[-1], "BR")
        labels = [number, letter, *labels[1:]]
    return first, last, labels, doubt


def _beside(before: list[Terminal], chain: list[Terminal]) -> list[Terminal]:
    """The chain of a label that follows others: "(d)" after "19 (a)" is 19 (d), "(ii)" after "5 (c)(i)" 5 (c)(ii)."""
    bracketed = [place for place, label in enumerate(before) if label.type == "SUB" or label.kind in BRACKETED]
    if not bracketed:
        return [*before, *chain]
    depth = bracketed[-1]
    if len(bracketed) > 1 and not _same_sort(before[depth].value, chain[0].value):
        depth = bracketed[0]
    return [*before[:depth], *chain]


def _same_sort(one: str, other: str) -> bool:
    """Whether two bracketed labels are of one series: both digits, both small Roman, or both neither."""
    return one.isdigit() == other.isdigit() and _is_small_roman(one) == _is_small_roman(other)


def _is_small_roman(label: str) -> bool:
    return set(label) <= set("ivx") and _is_roman(label)


def _between(before: list[Terminal], after: list[Terminal]) -> list[Terminal]:
    """The members of a range after its first; none when the two ends do not belong together."""
    if len(before) != len(after):
        return []
    low, high = before[-1], after[-1]
    for series in (_numbers, _romans, _letters):
        values = series(low.value, high.value)
        if values:
            return [Terminal(high.type, high.start, high.end, high.text, value, high.kind) for value in values]
    return []


def _numbers(low: str, high: str) -> list[str]:
    if not (low.isdigit() and high.isdigit()) or not 0 < int(high) - int(low) <= _LONGEST_RANGE:
        dotted = low.split("."), high.split(".")
        if len(dotted[0]) == len(dotted[1]) == 2 and dotted[0][0] == dotted[1][0]:
            return [f"{dotted[0][0]}.{last}" for last in _numbers(dotted[0][1], dotted[1][1])]
        return []
    return [str(number) for number in range(int(low) + 1, int(high) + 1)]


def _romans(low: str, high: str) -> list[str]:
    if not (_is_small_roman(low.lower()) and _is_small_roman(high.lower())):
        return []
    first, last = parse_roman(low), parse_roman(high)
    return [
        format_roman(number).lower() if low.islower() else format_roman(number)
        for number in range(first + 1, last + 1)
    ]


def _letters(low: str, high: str) -> list[str]:
    if len(low) != 1 or len(high) != 1 or not (low.isalpha() and high.isalpha()) or low.islower() != high.islower():
        return []
    return [chr(code) for code in range(ord(low) + 1, ord(high) + 1)]
