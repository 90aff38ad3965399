"""Content negotiation: Accept header and ?format= in, a media type of those offered out; must not know of SPARQL.

RFC 9110 section 12.5.1: the most specific range that matches gives a type its weight; the highest weight wins, and
weight 0 excludes. Between equals what is named wins over what a star lets through (`application/json, */*`), then
the order of the offer decides. What is not well formed in a header, a weight over 1 too, is passed over as if it were
not there, and a header in which nothing is well formed as if there were none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cbdgraph.errors import ParameterError
from cbdgraph.namespaces import LANGUAGES
from cbdgraph.store import GRAPH_TYPES, RESULT_TYPES

HTML: Final = "text/html"
JSON: Final = "application/json"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# Names for ?format= and file endings. Those in a group of their own differ by what there is to be written.
FORMATS: Final[Mapping[str, str]] = {
    "html": HTML,
    "json": JSON,
    "sparql-json": "application/sparql-results+json",
    "srj": "application/sparql-results+json",
    "xml": "application/sparql-results+xml",
    "srx": "application/sparql-results+xml",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "xlsx": XLSX,
    "ttl": "text/turtle",
    "turtle": "text/turtle",
    "nt": "application/n-triples",
    "ntriples": "application/n-triples",
    "rdf": "application/rdf+xml",
    "rdfxml": "application/rdf+xml",
    "jsonld": "application/ld+json",
    "nq": "application/n-quads",
    "nquads": "application/n-quads",
    "trig": "application/trig",
    # As SPARQLWrapper spells them.
    "n3": "text/turtle",
    "rdf+xml": "application/rdf+xml",
    "json-ld": "application/ld+json",
}

# Other names for what the engine writes; the answer carries the name that was asked for.
RESULT_ALIASES: Final[Mapping[str, str]] = {
    "application/json": "application/sparql-results+json",
    "application/xml": "application/sparql-results+xml",
    "text/xml": "application/sparql-results+xml",
}
GRAPH_ALIASES: Final[Mapping[str, str]] = {
    "application/json": "application/ld+json",
    "application/xml": "application/rdf+xml",
    "text/xml": "application/rdf+xml",
    "application/x-turtle": "text/turtle",
    "application/turtle": "text/turtle",
    "text/n3": "text/turtle",  # Turtle is N3
    "text/rdf+n3": "text/turtle",
    "application/n3": "text/turtle",
    "text/plain": "application/n-triples",  # its name of old, by which rdflib asks for it
}
# Of a longer header the rest is not read: to match quotes takes time.
_LONGEST: Final = 4096
_MOST_QUOTES: Final = 8  # in more they are plain signs: each that is not closed costs a look at the whole rest
# Tables by what parts their cells, and the formats in which a description is written.
TABLES: Final[Mapping[str, str]] = {"text/csv": ",", "text/tab-separated-values": "\t"}
GRAPHS: Final = ("text/turtle", "application/ld+json", "application/rdf+xml", "application/n-triples")
RESULT_OFFER: Final = (*RESULT_TYPES, *RESULT_ALIASES, HTML)
GRAPH_OFFER: Final = (*GRAPH_TYPES, *GRAPH_ALIASES, HTML)


# Section 12.4.2, and as many digits as anybody likes.
_WEIGHT: Final = re.compile(r"0?\.[0-9]+|0\.?|1(?:\.0*)?")
_EVERY: Final = {("charset", "utf-8"), ("charset", "utf8")}  # parameters that all we write has


@dataclass(frozen=True, slots=True)
class _Range:
    main: str
    sub: str
    parameters: frozenset[tuple[str, str]]
    weight: float

    def specificity(self, media_type: str) -> int:
        """How closely the range names the type; -1 if it does not match.

        One with parameters that nothing here has (`text/html;level=1`) stands for the type only where no range names
        the type itself: who asks for a variant gets the type, but who shuns a variant does not shun the type.
        """
        main, _, sub = media_type.partition("/")
        if self.main == "*":
            return 0
        if self.main != main:
            return -1
        if self.sub == "*":
            return 1
        if self.sub != sub:
            return -1
        if self.parameters:
            return 2 if self.weight else -1
        return 3


class NotAcceptable(ValueError):
    """Nothing of `offer` is accepted, or ?format= names none of it."""

    def __init__(self, asked: str, offer: Sequence[str]) -> None:
        super().__init__(f"none of the offered types is among {asked!r}")
        self.asked, self.offer = asked, tuple(offer)


def choose(accept: str, offer: Sequence[str]) -> str:
    """The best type of `offer` for an Accept header; the first one for an empty header.

    Of two ranges that name a type alike the one with the greater weight counts.

    >>> choose("text/csv;q=0.5, application/*", ["text/csv", "application/json"])
    'application/json'
    """
    return _choose(accept[:_LONGEST], tuple(offer))


@lru_cache(maxsize=1024)  # clients say the same again and again
def _choose(accept: str, offer: tuple[str, ...]) -> str:
    ranges = list(_parse(accept))
    if not ranges:
        return offer[0]
    best, best_rank = "", (0.0, -1)
    for media_type in offer:
        matches = [(found, r.weight) for r in ranges if (found := r.specificity(media_type)) >= 0]
        specificity, weight = max(matches, default=(0, 0.0))
        if weight and (weight, specificity) > best_rank:
            best, best_rank = media_type, (weight, specificity)
    if not best:
        raise NotAcceptable(accept, offer)
    return best


def choose_format(name: str, offer: Sequence[str], formats: Mapping[str, str] = FORMATS) -> str:
    """The type that ?format= names, by short name or in full."""
    media_type = formats.get(name.lower(), name.partition(";")[0].strip().lower())
    if media_type == "application/sparql-results+xml" and media_type not in offer:
        media_type = "application/rdf+xml"  # format=xml of a graph
    if media_type not in offer:
        raise NotAcceptable(name, offer)
    return media_type


def choose_either(name: str | None, accept: str, offer: Sequence[str], aliases: Mapping[str, str] = {}) -> str:
    """The type that ?format= names, under the first of its `aliases`, if there is a name; else by Accept."""
    if not name:
        return choose(accept, offer)
    shown = choose_format(name, offer)
    return aliases.get(shown, shown)


def choose_language(name: str | None, accept: str) -> str:
    """The language of names: what ?lang= says, else the best of Accept-Language among the six, else English.

    `ParameterError` for a ?lang= that is none of them; "all" stands for English where only one can be shown.

    >>> choose_language(None, "de, zh-Hans;q=0.8, fr;q=0.9")
    'fr'
    """
    if name is not None:
        if name not in {*LANGUAGES, "all"}:
            raise ParameterError("lang", f"expected one of {', '.join(LANGUAGES)} or all, not {name!r}")
        return name if name in LANGUAGES else "en"
    best, best_weight = "en", 0.0
    for item in accept[:_LONGEST].split(","):
        tag, *parameters = (part.strip().lower() for part in item.split(";"))
        weights = [_weight(part[2:].strip()) for part in parameters if part.startswith("q=")]
        weight, language = (weights or [1.0])[0], tag.partition("-")[0]
        if language in LANGUAGES and weight is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def short_names(offer: Iterable[str]) -> list[str]:
    """The names of ?format= for an offer, one per type."""
    names: dict[str, str] = {}
    for name, media_type in FORMATS.items():
        if media_type in offer:
            names.setdefault(media_type, name)
    return list(names.values())


def _parse(accept: str) -> Iterable[_Range]:
    for item in _split(accept[:_LONGEST], ","):
        head, *rest = [part.strip() for part in _split(item, ";")] or [""]
        main, slash, sub = head.lower().partition("/")
        if not slash or not main or not sub or (main == "*" and sub != "*"):
            continue
        weight: float | None = 1.0
        parameters = set()
        for part in rest:
            name, _, value = part.partition("=")
            if name.strip().lower() == "q":
                weight = _weight(value.strip())
                break  # what follows belongs to Accept, not to the type
            parameters.add((name.strip().lower(), value.strip().strip('"').lower()))
        if weight is not None:
            yield _Range(main, sub, frozenset(parameters - _EVERY), weight)


def _split(text: str, sign: str) -> list[str]:
    """The pieces between signs that do not stand in a quoted string."""
    if text.count('"') > _MOST_QUOTES:
        return text.split(sign)
    return re.findall(rf'(?:[^{sign}"]|"(?:[^"\\]|\\.)*")+', text)


def _weight(text: str) -> float | None:
    """A weight from 0 to 1; None for what is none."""
    return float(text) if _WEIGHT.fullmatch(text) else None
