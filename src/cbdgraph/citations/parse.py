"""One written citation in, its values out: symbols, codes, paths and IRIs as well as the forms of running text."""

from __future__ import annotations

import re
from typing import Final

from cbdgraph.citations.documents import parse_adopted, parse_tracking
from cbdgraph.citations.find import read_citation
from cbdgraph.citations.forms import format_citation
from cbdgraph.citations.lexicon import guess_language, load_lexicon, rank_languages
from cbdgraph.citations.targets import KMGBF
from cbdgraph.citations.tokens import scan
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint, mint_part, parse_part, path_of
from cbdgraph.locators import Locator
from cbdgraph.model import Citation
from cbdgraph.namespaces import BASE
from cbdgraph.symbols import Symbol

_LONGEST: Final = 2000
_IDLE: Final = frozenset(
    {"SEP", "SEMI", "AND", "FILL", "OF", "BODY", "DASH", "COLON", "DOT", "BREAK", "LP", "RP", "CONV", "RESP", "SET"}
)
_PATH: Final = re.compile(r"/?(?:decision|recommendation|document|target|goal|objective)/[a-z0-9./-]+\Z")
_SHORT_PATH: Final = re.compile(
    r"(?:cop|cp-mop|np-mop|sbstta|sbi|wg8j|wgri)/[0-9]{1,2}/[0-9]{1,3}(?:/[a-z0-9./-]+)?\Z"
)


def parse_citation(text: str, lang: str | None = None) -> tuple[Citation, ...]:
    """A text that is one citation, one value for each cited part; `InvalidName` with the reason when it is none.

    Takes what people and machines write: "XI/16 para 5(d)", "第X/29号决定第13段", "UNEP/CBD/COP/DEC/XI/16", "11/16",
    the tracking code "CBD/COP/11/16.05.04", a path of this graph, a full IRI. Without `lang` the text is read in the
    languages of its script, the likeliest first, until one makes sense of it.

    >>> [c.iri for c in parse_citation("XI/16 para 5(d)")]
    ['https://w3id.org/cbdgraph/decision/cop/11/16/para/5/item/d']
    >>> parse_citation("CBD/COP/11/16.05.04")[0].locator
    'para/5/item/d'
    """
    stripped = text.strip()
    if not stripped:
        raise InvalidName("citation", text, "it is empty; write for example XI/16 para 5(d)")
    if len(text) > _LONGEST:
        raise InvalidName("citation", text[:40] + "…", f"it is longer than {_LONGEST} characters; cite one decision")
    if lang is not None:
        load_lexicon(lang)
    named = _named(stripped, text)
    if named is not None:
        return (_as_citation(stripped, text, lang or guess_language(text), *named),)
    failure: InvalidName | None = None
    for language in (lang,) if lang else rank_languages(text):
        try:
            return _read(text, language)
        except InvalidName as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _read(text: str, language: str) -> tuple[Citation, ...]:
    found = read_citation(text, language)
    if all(citation.iri is None for citation in found):
        raise InvalidName("citation", text, _why_not(text, language))
    if rest := _rest(text, language, found):
        raise InvalidName("citation", text, f"{rest!r} is not understood; the rest is {found[0].quote!r}")
    return found


def _as_citation(
    stripped: str, text: str, language: str, symbol: Symbol | None, locator: Locator, iri: str, doubt: str
) -> Citation:
    """What is a name already, as a citation of the whole text."""
    start = text.index(stripped[0])
    try:
        normal = format_citation(iri)
    except InvalidName:
        normal = stripped
    return Citation(
        start=start,
        end=start + len(stripped),
        quote=stripped,
        part_start=start,
        part_end=start + len(stripped),
        part_quote=stripped,
        decision=mint_part(symbol) if symbol else None,
        locator=str(locator),
        iri=iri,
        certainty="probable" if doubt else "certain",
        reason=doubt,
        language=language,
        normal=normal,
    )


def _named(stripped: str, text: str) -> tuple[Symbol | None, Locator, str, str] | None:
    """Forms that are names already: IRI, path, symbol with DEC, tracking code."""
    path = ""
    if stripped.startswith(("http://", "https://", "<")):
        iri = stripped.strip("<>")
        if iri.startswith(KMGBF):
            return None, Locator(), iri, ""
        if not iri.startswith(BASE):
            raise InvalidName("citation", text, f"the IRIs of this graph start with {BASE}")
        path = path_of(iri)
    elif _PATH.match(stripped):
        path = stripped.strip("/")
    elif _SHORT_PATH.match(stripped.lower()):
        symbol = Symbol.parse("/".join(stripped.split("/")[:3]))
        path = "/".join([symbol.path, *stripped.lower().split("/")[3:]])
    if path.startswith("document/"):
        place = "/".join(path.split("/")[2:])
        return None, Locator.parse(place), mint(path), ""
    if path.startswith(("target/", "goal/", "objective/")):
        return None, Locator(), mint(path.rstrip("/")), ""
    if path:
        symbol, locator = parse_part(mint(path.rstrip("/")))
        return symbol, locator, mint_part(symbol, locator), ""
    if (adopted := parse_adopted(stripped)) is not None:
        return adopted, Locator(), mint_part(adopted), ""
    if (code := parse_tracking(stripped)) is not None:
        return code[0], code[1], mint_part(code[0], code[1]), code[2]
    return None


def _rest(text: str, language: str, found: tuple[Citation, ...]) -> str:
    """The first words that belong to no citation and mean something."""
    spans = [(c.start, c.end) for c in found]
    for token in scan(text, load_lexicon(language)):
        if token.kind in _IDLE or any(start <= token.start and token.end <= end for start, end in spans):
            continue
        if token.text.strip("“”\"'«»《》[]()（）{}…!?？！*"):
            return token.text
    return ""


def _why_not(text: str, language: str) -> str:
    """What is missing for a citation."""
    kinds = {token.kind for token in scan(text, load_lexicon(language))}
    if kinds & {"SAME", "SAMEIF"}:
        return "it points back to a decision named elsewhere; name the decision"
    if kinds & {"PRE", "POST"}:
        return "it names a part but no decision; write for example decision XI/16, paragraph 5"
    if "NOUN" in kinds:
        return "the decision has no number; write for example decision XI/16"
    return "no number of a decision is in it; write for example XI/16, 15/4 or UNEP/CBD/COP/DEC/XI/16"
