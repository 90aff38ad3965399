"""A written citation and the set of known IRIs in; the one IRI it means, or the candidates in order, out."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from cbdgraph.citations.lexicon import load_lexicon
from cbdgraph.citations.parse import parse_citation
from cbdgraph.citations.tokens import scan
from cbdgraph.iris import mint_part, parse_part
from cbdgraph.locators import Locator, Step
from cbdgraph.model import Citation
from cbdgraph.symbols import Symbol

# The bodies whose recommendations are numbered like decisions, by how often they are cited.
_RECOMMENDERS: Final = ("sbstta", "wgri", "wg8j", "sbi")
# Levels that texts exchange: a generic word may mean any of them.
_THEMES: Final = ("goal", "objective", "target", "activity", "action", "principle")
_ANNEXES: Final = (Step("annex"), Step("annex", "1"), Step("annex", "2"), Step("annex", "3"))


class Candidate(NamedTuple):
    """One thing that the text may mean: its IRI, the citation it comes from, and why it is (or may not be) meant."""

    iri: str
    citation: Citation
    reason: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a written citation means: `iri` when that is certain, and all candidates, the best first."""

    text: str
    iri: str | None
    candidates: tuple[Candidate, ...]
    reason: str


def resolve(text: str, lang: str | None = None, known: Container[str] | None = None) -> Resolution:
    """The IRI of a written citation when there is one certain reading, and else the ranked candidates.

    With `known`, the IRIs that the graph holds, an IRI is certain only if it is among them; the candidates then also
    offer the recommendation of the same number, the same part inside an annex, and the nearest known part around it.
    `InvalidName`, with the reason, for a text that is no citation.

    >>> resolve("XI/16 para 5(d)").iri
    'https://w3id.org/cbdgraph/decision/cop/11/16/para/5/item/d'
    >>> sorted_out = resolve("X1/19 para 3")
    >>> sorted_out.iri, sorted_out.candidates[0].iri
    (None, 'https://w3id.org/cbdgraph/decision/cop/11/19/para/3')
    """
    citations = parse_citation(text, lang)
    candidates: dict[str, Candidate] = {}
    for citation in citations:
        for candidate in _candidates(text, citation, known):
            candidates.setdefault(candidate.iri, candidate)
    ranked = tuple(candidates.values())
    certain = len(ranked) == len(citations) == 1 and citations[0].certainty == "certain"
    if certain and ranked[0].iri == citations[0].iri:
        return Resolution(text, ranked[0].iri, ranked, "")
    if len(citations) > 1:
        reason = f"it cites {len(citations)} parts"
    elif ranked:
        reason = ranked[0].reason or "there is more than one reading"
    else:
        reason = citations[0].reason or "nothing of that number is known"
    return Resolution(text, None, ranked, reason)


def _candidates(text: str, citation: Citation, known: Container[str] | None) -> Iterator[Candidate]:
    if citation.iri is None:
        return
    for iri in (citation.iri, *citation.alternatives):
        if known is None or iri in known:
            yield Candidate(iri, citation, citation.reason)
    if known is None or citation.decision is None:
        return
    symbol, locator = parse_part(citation.iri)
    if symbol.body == "cop" and not _has_noun(text, citation.language):
        for body in _RECOMMENDERS:
            other = Symbol(body, symbol.session, symbol.number)
            if (iri := mint_part(other, locator)) in known:
                yield Candidate(iri, citation, f"without a noun it can be the recommendation of {body.upper()}")
    if citation.iri not in known:
        yield from _near(citation, symbol, locator, known)


def _near(citation: Citation, symbol: Symbol, locator: Locator, known: Container[str]) -> Iterator[Candidate]:
    """Known parts near one that is not known: in an annex, under another level word, and the nearest around it."""
    for other, why in _variants(locator):
        if (iri := mint_part(symbol, other)) in known:
            yield Candidate(iri, citation, f"{locator} is not in the graph; {why}")
    holder = locator
    while holder:
        holder = holder.parent
        if (iri := mint_part(symbol, holder)) in known:
            where = str(holder) or "the decision itself"
            yield Candidate(iri, citation, f"{locator} is not in the graph; the nearest part around it is {where}")
            return


def _variants(locator: Locator) -> Iterator[tuple[Locator, str]]:
    if not locator:
        return
    if locator.steps[0].level not in {"annex", "appendix"}:
        for annex in _ANNEXES:
            yield Locator((annex, *locator.steps)), f"the same part is in {str(annex).replace('/', ' ')}"
    elif len(locator.steps) > 1:
        yield Locator(locator.steps[1:]), "sources name the same part without its annex"
    last = locator.steps[-1]
    if last.level in _THEMES and last.label:
        for level in _THEMES:
            if level != last.level:
                yield Locator((*locator.steps[:-1], Step(level, last.label))), f"there is a {level} of that number"


def _has_noun(text: str, language: str) -> bool:
    """Whether the text itself says which kind of thing it cites."""
    if "decision/" in text or "/DEC/" in text.upper():
        return True
    return any(token.kind in {"NOUN", "DOC"} for token in scan(text, load_lexicon(language)))
