"""IRIs of the contract from values, and values from IRIs; the only module that knows how an IRI is spelled.

Symbols, locators and slugs in, plain IRI strings out, and back: `parse_part(mint_part(x)) == x`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.locators import Locator
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.symbols import Symbol, parse_roman

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_PART: Final = re.compile(r"(?P<text>(?:decision|recommendation)/[a-z0-9-]+/[0-9]+/[0-9]+)(?:/(?P<locator>.+))?\Z")

_TRACKED: Final = re.compile(
    r"(?:(?:section/(?P<section>[a-z])/)?para/(?P<para>[0-9]{1,3})"
    r"(?:/item/(?P<item>[a-z])(?:/subitem/(?P<subitem>[ivx]+))?)?)?\Z"
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
