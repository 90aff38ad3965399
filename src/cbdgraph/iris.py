"""IRIs of the contract from values, and values from IRIs; the only module that knows how an IRI is spelled.

Symbols, locators and slugs in, plain IRI strings out, and back: `parse_part(mint_part(x)) == x`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.locators import Locator
from cbdgraph.namespaces import BASE, GRAPHS, ONTOLOGY
from cbdgraph.symbols import Symbol

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_PART: Final = re.compile(r"(?P<text>(?:decision|recommendation)/[a-z0-9-]+/[0-9]+/[0-9]+)(?:/(?P<locator>.+))?\Z")


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


def mint_term(name: str) -> str:
    """The IRI of an ontology term."""
    return ONTOLOGY + name


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
