"""IRIs of the contract from values, and values from IRIs; the only module that knows how an IRI is spelled.

Symbols, locators and slugs in, plain IRI strings out, and back: `parse_part(mint_part(x)) == x`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.locators import LEVELS, Locator, Step
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.symbols import BODIES, Symbol, format_roman, parse_number, parse_roman

_DIGITS: Final = re.compile(r"([0-9]+)")
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_PART: Final = re.compile(r"(?P<text>(?:decision|recommendation)/[a-z0-9-]+/[0-9]+/[0-9]+)(?:/(?P<locator>.+))?\Z")

_TRACKED: Final = re.compile(
    r"(?:(?:section/(?P<section>[a-z])/)?para/(?P<para>[0-9]{1,3})"
    r"(?:/item/(?P<item>[a-z])(?:/subitem/(?P<subitem>[ivx]+))?)?)?\Z"
)

# What `normalize_path` takes apart, and what it may give: nothing longer, and no other characters.
_LONGEST: Final = 500
_NORMAL: Final = re.compile(r"[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?(?:/[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?)*\Z")
_DASHES: Final = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
_DOTS: Final = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")  # they lead elsewhere
_AROUND: Final = "-.,;()[]"  # what people write around a label: (d), 16.
_LEVEL_WORDS: Final = {"paragraph": "para", "sub-item": "subitem"}
# Levels whose labels are numbers, whatever a source prints; of the second ones some have letters.
_ALWAYS_NUMBERED: Final = frozenset({"annex", "appendix", "article", "programme-element"})
_OFTEN_NUMBERED: Final = frozenset({"section", "part"})
_BODY_WORDS: Final = {"cp": "cp-mop", "np": "np-mop"}
_SYMBOL_STARTS: Final = frozenset({"decision", "recommendation", "unep", "cbd", *BODIES, *_BODY_WORDS})
_CODE: Final = re.compile(
    r"(?:unep/)?cbd/cop/(?P<session>[0-9]{1,2})/(?P<number>[0-9]{1,3})"
    r"\.(?P<section>[a-z])?(?P<para>[0-9]{1,3})(?:\.(?P<item>[0-9]{1,2})(?:\.(?P<subitem>[0-9]{1,2}))?)?\Z"
)


def mint(path: str) -> str:
    """The IRI of a path under the base.

    >>> mint("issue/forest-biodiversity")
    'https://w3id.org/cbdgraph/issue/forest-biodiversity'
    """
    return BASE + path


def path_of(iri: str) -> str:
    """The path under the base of one of our IRIs; `InvalidName` for any other."""
    if not iri.startswith(BASE) or iri == BASE:
        raise InvalidName("IRI of this graph", iri, f"it does not start with {BASE}")
    return iri.removeprefix(BASE)


def mint_graph(path: str) -> str:
    """The IRI of the named graph of a file, from its path without the extension."""
    return GRAPHS + path


def mint_part(symbol: Symbol, locator: Locator | None = None) -> str:
    """The IRI of a decision or recommendation, or of a part of it.

    >>> mint_part(Symbol("cop", 7, 5), Locator.parse("appendix/3/section/d/para/10"))
    'https://w3id.org/cbdgraph/decision/cop/7/5/appendix/3/section/d/para/10'
    """
    return mint(f"{symbol.path}/{locator}" if locator else symbol.path)


def parse_part(iri: str) -> tuple[Symbol, Locator]:
    """The symbol and the locator of a decision's or recommendation's IRI; `InvalidName` for any other."""
    match = _PART.match(path_of(iri))
    if match is None:
        raise InvalidName("IRI of a decision or its part", iri, "expected …/decision/<body>/<session>/<number>/…")
    symbol, locator = Symbol.parse(match["text"]), Locator.parse(match["locator"] or "")
    if mint_part(symbol, locator) != iri:
        raise InvalidName("IRI of a decision or its part", iri, f"the usual form is {mint_part(symbol, locator)}")
    return symbol, locator


def tracking_code(symbol: Symbol, locator: Locator | None = None) -> str:
    """The code of the Secretariat's Decision-Tracking Tool; empty for a part that its codes do not reach.

    They reach paragraphs, with or without a lettered section, their lettered items and Roman sub-items.

    >>> tracking_code(Symbol("cop", 11, 16), Locator.parse("para/5/item/d"))
    'CBD/COP/11/16.05.04'
    >>> tracking_code(Symbol("cop", 8, 19), Locator.parse("section/b/para/3/item/c/subitem/ii"))
    'CBD/COP/08/19.B03.03.02'
    """
    match = _TRACKED.match(str(locator or ""))
    if symbol.body != "cop" or match is None:
        return ""
    code = f"CBD/COP/{symbol.session:02}/{symbol.number:02}"
    if match["para"]:
        code += f".{match['section'].upper() if match['section'] else ''}{int(match['para']):02}"
    if match["item"]:
        code += f".{ord(match['item']) - ord('a') + 1:02}"
    if match["subitem"]:
        code += f".{parse_roman(match['subitem']):02}"
    return code


def official_page(symbol: Symbol, locator: Locator | None = None) -> str:
    """The address on which the Secretariat shows a decision, or a paragraph or lettered item of it; empty for others.

    Follows the pattern that addresses seen in sources share; whether a page answers was not tried.

    >>> official_page(Symbol("cop", 10, 2), Locator.parse("para/16/item/e"))
    'https://www.cbd.int/decisions/cop/10/2/16.e'
    """
    match = _TRACKED.match(str(locator or ""))
    if symbol.body != "cop" or match is None or match["section"] or match["subitem"]:
        return ""
    place = f"/{match['para']}" if match["para"] else ""
    return f"https://www.cbd.int/decisions/cop/{symbol.session}/{symbol.number}{place}" + (
        f".{match['item']}" if match["item"] else ""
    )


def mint_slug(text: str) -> str:
    """A slug from a document symbol or an English title.

    >>> mint_slug("UNEP/CBD/COP/11/INF/19"), mint_slug("Indicators & assessment")
    ('cop-11-inf-19', 'indicators-assessment')
    """
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    folded = re.sub(r"^(?:unep/)?cbd/", "", folded)
    slug = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")
    if not _SLUG.match(slug):
        raise InvalidName("slug", text, "it holds no letter or digit that ASCII can keep")
    return slug


def normalize_path(path: str) -> str:
    """The path under the base that was most likely meant by one spelled otherwise; whether it is there nobody knows.

    Takes Roman and padded numbers, capitals, full-width and decomposed characters, spaces, signs around a label,
    doubled slashes, symbols of papers and codes of the Decision-Tracking Tool. What it cannot read stays as it is.
    A normal path is its own normal form.

    >>> normalize_path("Decision/COP/XI/016//para/05/item/(D)"), normalize_path("meeting/cp/VIII")
    ('decision/cop/11/16/para/5/item/d', 'meeting/cp-mop/8')
    >>> normalize_path("CBD/COP/11/16.05.04"), normalize_path("UNEP/CBD/COP/DEC/XI/16/annex/II")
    ('decision/cop/11/16/para/5/item/d', 'decision/cop/11/16/annex/2')
    >>> normalize_path("issue/Forest_Biodiversity."), normalize_path("issue/森林")
    ('issue/forest-biodiversity', 'issue/森林')
    """
    if len(path) > _LONGEST:
        return path
    folded = unicodedata.normalize("NFKD", path)
    folded = "".join(c for c in folded if unicodedata.category(c) not in {"Mn", "Cf"}).translate(_DASHES)
    if _DOTS.search(folded):
        return path
    words = [re.sub(r"[ \t_-]+", "-", word).strip(_AROUND) for word in folded.split("/")]
    words = [word for word in words if word]
    normal = "/".join(_from_code(words) or _from_symbol(words) or _spell(words))
    return normal if _NORMAL.match(normal) else path


def _from_code(words: list[str]) -> list[str] | None:
    """The path of what a code of the Decision-Tracking Tool names; the other way round from `tracking_code`."""
    match = _CODE.match("/".join(words).lower())
    if match is None:
        return None
    try:
        steps = [
            *([Step("section", match["section"])] if match["section"] else ()),
            Step("para", str(int(match["para"]))),
            *([Step("item", chr(ord("a") + int(match["item"]) - 1))] if match["item"] else ()),
            *([Step("subitem", format_roman(int(match["subitem"])).lower())] if match["subitem"] else ()),
        ]
        symbol = Symbol("cop", int(match["session"]), int(match["number"]))
    except InvalidName:
        return None
    return f"{symbol.path}/{Locator(tuple(steps))}".split("/")


def _from_symbol(words: list[str]) -> list[str] | None:
    """The path of a decision or recommendation, or of a part of it, that begins with its symbol."""
    if not words or words[0].lower() not in _SYMBOL_STARTS:
        return None
    for length in range(min(6, len(words)), 2, -1):
        try:
            symbol = Symbol.parse("/".join(words[:length]))
        except InvalidName:
            continue
        return _spell(words[length:], symbol.path.split("/"))
    return None


def _spell(words: list[str], start: list[str] | None = None) -> list[str]:
    """Words of a path in small letters, with Arabic numbers; those in `start` are that already."""
    spelled = list(start or ())
    for word in words:
        small = word.lower()
        if small.isdigit():
            small = small.lstrip("0") or "0"
        elif spelled and spelled[-1] in LEVELS and re.fullmatch(r"[0-9]+(?:\.[0-9]+)+", small):
            small = ".".join(number.lstrip("0") or "0" for number in small.split("."))
        elif _is_numeral(word, spelled):
            small = _in_digits(small)
        elif spelled == ["meeting"]:
            small = _BODY_WORDS.get(small, small)
        elif spelled[:1] != ["graph"]:  # whose paths are names of files
            small = _LEVEL_WORDS.get(small, small)
        spelled.append(small)
    return spelled


def _is_numeral(word: str, before: list[str]) -> bool:
    """Whether a word that may be a Roman numeral is one behind these: `section/i` is a letter, `section/I` is not."""
    level, is_plain = (before[-1] if before else ""), word.isupper() or len(word) > 1
    if level in _ALWAYS_NUMBERED or (level in _OFTEN_NUMBERED and is_plain):
        return True
    if len(before) != 2:
        return False
    return before[0] == "meeting" or (before[0] in {"target", "objective"} and is_plain)


def _in_digits(word: str) -> str:
    """A Roman numeral in digits; any other word as it is."""
    try:
        return str(parse_number(word))
    except InvalidName:
        return word


def natural(text: str) -> list[tuple[bool, int, str]]:
    """A key that sorts numbers in a text by what they count.

    >>> sorted(["target/10", "target/2"], key=natural)
    ['target/2', 'target/10']
    """
    pieces = _DIGITS.split(text)  # every other one is a number
    return [(odd % 2 == 1, int(piece[:4000]) if odd % 2 else 0, piece) for odd, piece in enumerate(pieces)]
