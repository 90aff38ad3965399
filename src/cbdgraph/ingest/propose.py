"""Readings and what is recorded in; the records that are missing, and what a person should look at, out.

A proposal only adds: what the record has already, by whatever number and in whatever words, is left as it is.
"""

from __future__ import annotations

from itertools import groupby
from typing import Final

from rdflib import XSD, Literal

from cbdgraph.citations import format_citation
from cbdgraph.citations.lexicon import TREATIES
from cbdgraph.errors import InvalidName
from cbdgraph.ingest.findings import Finding, Proposal
from cbdgraph.ingest.known import Known, fold
from cbdgraph.ingest.reading import Part, Reading, is_target
from cbdgraph.ingest.records import (
    Block,
    build_adopted,
    build_meeting,
    build_part,
    path_of_record,
    sentence,
    text,
    year,
)
from cbdgraph.ingest.uses import build_use, name_others
from cbdgraph.iris import mint, mint_part, mint_slug, parse_part
from cbdgraph.locators import Locator
from cbdgraph.model import Certainty, Citation
from cbdgraph.namespaces import BASE
from cbdgraph.rdf.catalog import DATA
from cbdgraph.symbols import Symbol
from cbdgraph.terminology.uses import gather_uses

_TREATY_NAMES: Final = {
    "convention-on-biological-diversity": "Convention on Biological Diversity",
    "cartagena-protocol": "Cartagena Protocol on Biosafety",
    "nagoya-protocol": "Nagoya Protocol on Access and Benefit-sharing",
}
_PROPOSED: Final = "Proposed by a program from the words of the text; a person has yet to sum it up."


class Proposer:
    """Proposes for one document after another; what was proposed for one is known to the next."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.subjects: set[str] = set(known.kinds)
        self.cited: set[tuple[str, str]] = {
            (citing, each) for citing, _, _, cited in known.citations for each in cited
        }
        self.numbers: dict[str, int] = dict(known.numbers)
        self.asked: set[tuple[str, str, str]] = set(known.requests)

    def propose(self, reading: Reading, symbol: str = "", document: str = "", again: bool = False) -> Proposal:
        """The proposal for a document: `symbol` or `document` (a slug) name it where its head does not.

        `InvalidName` for a symbol that is none. A file whose content was accepted before proposes nothing, unless
        `again`: what a person took out of the record stays out.
        """
        iri, note = self._name(reading, symbol, document)
        proposal = Proposal(reading, iri)
        if note:
            proposal.notes.append(note)
        if reading.sha256 in self.known.digests and not again:
            proposal.notes.append("this very file was accepted before: nothing is proposed (--again looks once more)")
            return proposal
        _Document(self, proposal, symbol).propose()
        return proposal

    def _name(self, reading: Reading, symbol: str, document: str) -> tuple[str, str]:
        if symbol:
            try:
                return mint_part(Symbol.parse(symbol)), ""
            except InvalidName:
                return mint(f"document/{mint_slug(symbol)}"), ""
        if document:
            return mint(f"document/{mint_slug(document.removeprefix('document/'))}"), ""
        if digest := self.known.digests.get(reading.sha256):
            return digest, ""
        if titled := self.known.titles.get(fold(reading.title)):
            return titled, "known by its title"
        heads = {
            citation.iri: citation.normal
            for part in reading.parts
            if not part.locator
            for citation in part.citations
            if citation.iri and "/CBD/" in f"/{citation.quote.upper()}"
        }
        if len(heads) == 1:
            iri, name = next(iter(heads.items()))
            return iri, f"its symbol, {name}, stands in its head"
        slug = mint_slug(reading.name.rpartition(".")[0] or reading.name)
        return mint(f"document/{slug}"), "it shows no symbol: it is named after its file; --symbol names it"


class _Document:
    """One document on its way to a proposal."""

    def __init__(self, proposer: Proposer, proposal: Proposal, symbol: str) -> None:
        self.all, self.proposal, self.symbol = proposer, proposal, symbol
        self.reading, self.iri = proposal.reading, proposal.document
        self.language = self.reading.language
        self.slug = self.iri.removeprefix(BASE).removeprefix("document/").replace("/", "-")
        self.folder = f"{DATA.as_posix()}/documents/{self.slug}"

    def propose(self) -> None:
        self._document()
        for part in self.reading.parts:
            self._part(part)
        for part in self.reading.parts:
            self._citations(part)
            self._requests(part)
            self._definitions(part)
            self._figures(part)
            self._uses(part)

    # --- records

    def _add(self, block: Block, file: str) -> None:
        if block.subject not in self.all.subjects:
            self.all.subjects.add(block.subject)
            self.proposal.records.append(block.record(file))

    def _next(self, holder: str) -> str:
        number = self.all.numbers.get(holder, 0) + 1
        self.all.numbers[holder] = number
        return f"{holder}/{number}"

    def _place(self, part: Part) -> str:
        return f"{self.iri}/{part.locator}" if part.locator else self.iri

    def _document(self) -> None:
        if self.iri in self.all.subjects:
            return
        if not self.iri.startswith(mint("document/")):
            symbol, _ = parse_part(self.iri)
            self._meeting(symbol, self.iri)
            block = build_adopted(symbol, self.iri, "stated")
        else:
            block = Block(self.iri, "Document").add("symbol", Literal(self.symbol) if self.symbol else None)
        if self.reading.title:
            block.add("title", text(self.reading.title, self.language))
        else:
            block.add("rdfs:label", text(self.reading.name, "en"))
        block.add("dcterms:language", Literal(self.language))
        block.add("contentDigest", Literal(self.reading.sha256))
        block.add("sourcePlace", text("heading", "en"))
        if self.iri.startswith(mint("document/")):
            block.sourced([self.iri], "stated")
        self._add(block, f"{self.folder}/parts.ttl")

    def _part(self, part: Part) -> None:
        """The part and what holds it, as far as they are not recorded."""
        if not part.locator:
            return
        if part.section:
            self._build_parts(Locator.parse(part.section), "")
        self._build_parts(Locator.parse(part.locator), part.section)

    def _build_parts(self, locator: Locator, section: str) -> None:
        for depth in range(1, len(locator.steps) + 1):
            place = Locator(locator.steps[:depth])
            own = section if depth == 1 and place.level == "para" else ""
            self._add(build_part(self.iri, place, f"{self.iri}/{place}", "stated", own), f"{self.folder}/parts.ttl")

    # --- what is cited

    def _ensure(self, iri: str, source: str, certainty: Certainty, symbol: str = "") -> bool:
        """Whether what is cited has a record, which is proposed where it can be made from its name."""
        if iri in self.all.subjects:
            return True
        basis = "stated" if certainty == "certain" else "inferred"
        if iri.startswith((mint("decision/"), mint("recommendation/"))):
            decision, locator = parse_part(iri)
            self._meeting(decision, source)
            folder = "decisions" if decision.kind == "decision" else "recommendations"
            file = f"{DATA.as_posix()}/{folder}/{decision.body}-{decision.session}.ttl"
            self._add(build_adopted(decision, source, basis), file)
            for depth in range(1, len(locator.steps) + 1):
                self._add(build_part(mint_part(decision), Locator(locator.steps[:depth]), source, basis), file)
            return True
        if not iri.startswith(mint("document/")):
            return False  # a target that the graph does not know
        slug, _, place = iri.removeprefix(mint("document/")).partition("/")
        holder = mint(f"document/{slug}")
        block = Block(holder, "Document")
        if slug in TREATIES.values():
            block.add("rdfs:label", text(_TREATY_NAMES[slug], "en"))
        else:
            block.add("symbol", Literal(symbol.split(",")[0]))
        self._add(block.sourced([source], basis), f"{self.folder}/cited.ttl")
        steps = Locator.parse(place).steps
        for depth in range(1, len(steps) + 1):
            self._add(build_part(holder, Locator(steps[:depth]), source, basis), f"{self.folder}/cited.ttl")
        return True

    def _meeting(self, symbol: Symbol, source: str) -> None:
        meeting = build_meeting(symbol.body, symbol.session, source)
        self._add(meeting, f"{DATA.as_posix()}/meetings.ttl")

    # --- citations

    def _citations(self, part: Part) -> None:
        place = self._place(part)
        issue = self.all.known.find_named("Issue", part.heading, self.language) if part.kind == "cell" else None
        here = issue
        rows = list(zip(part.citations, part.leads or [""] * len(part.citations), strict=True))
        for (_, _, aims), group in groupby(rows, key=lambda row: (row[0].start, row[0].end, is_target(row[0]))):
            mention = list(group)
            if lead := mention[0][1]:
                here = self.all.known.find_named("Issue", lead, self.language) or here
            if aims:
                self._target_reference(part, place, [citation for citation, _ in mention])
            else:
                for citation, _ in mention:
                    self._citation(part, place, citation, here)

    def _citation(self, part: Part, place: str, citation: Citation, issue: str | None) -> None:
        cited = citation.iri
        if cited and citation.certainty == "unresolved":
            cited = citation.decision or cited
        state = "recorded"
        if (place, cited or citation.quote) not in self.all.cited:
            self.all.cited.add((place, cited or citation.quote))
            state = (
                "new" if cited is None or self._ensure(cited, place, citation.certainty, citation.normal) else "kept"
            )
        self._found("citation", part, citation.part_quote, citation, state)
        if state != "new":
            return
        number = self._next(f"{place}/citation")
        block = Block(number, "Citation").add("citingPart", place)
        block.add("quote", text(citation.quote, self.language)).add(
            "partQuote", text(citation.part_quote, self.language)
        )
        block.add("citedPart", cited).add("issue", issue)
        self._finish(block, place, citation, int(number.rpartition("/")[2]))

    def _target_reference(self, part: Part, place: str, mention: list[Citation]) -> None:
        missing = []
        for citation in mention:
            iri = citation.iri
            state = "kept" if iri is None or iri not in self.all.subjects else "new"
            if iri and (place, iri) in self.all.cited:
                state = "recorded"
            if state == "new" and iri is not None:
                self.all.cited.add((place, iri))
                missing.append(citation)
            self._found("target", part, citation.part_quote, citation, state)
        if not missing:
            return
        number = self._next(f"{place}/citation")
        worst = max(missing, key=lambda citation: _ORDER.index(citation.certainty))
        block = Block(number, "TargetReference").add("citingPart", place)
        block.add("quote", text(worst.quote, self.language))
        for citation in missing:
            block.add("citedTarget", citation.iri)
        block.add("role", mint("role/mentioned"))
        self._finish(block, place, worst, int(number.rpartition("/")[2]))

    def _finish(self, block: Block, place: str, citation: Citation, position: int) -> None:
        block.add("certainty", mint(f"certainty/{citation.certainty}"))
        if citation.reason:
            block.add("reason", sentence(citation.reason))
        for other in citation.alternatives:
            block.add("otherReading", Literal(other, datatype=XSD.anyURI))
        block.add("position", position).sourced([place], "stated")
        self._add(block, f"{self.folder}/citations.ttl")

    # --- requests, definitions, figures

    def _requests(self, part: Part) -> None:
        for request in part.requests:
            place = self._requesting(part, request.start, request.end)
            known = [slug for slug in request.addressees if mint(f"actor/{slug}") in self.all.subjects]
            decision = place if place == self.iri else "/".join(place.split("/")[:8])
            keys = ((place, request.action, ""), (decision, request.action, " ".join(sorted(known))))
            meaning = f"{request.action} {', '.join([*request.addressees, *request.unknown_addressees])}"
            state = "recorded" if any(key in self.all.asked for key in keys) else "new"
            words = f"{request.verb.quote} … {request.addressee.quote}"
            self.proposal.findings.append(
                Finding("request", part.locator, words, meaning, request.certainty, request.reason, state)
            )
            if state != "new":
                continue
            self.all.asked |= set(keys)
            self._ensure(place, self._place(part), "probable")
            number = self._next(f"{place}/request")
            block = Block(number, "Request").add("requestedIn", place)
            block.add("action", mint(f"action/{request.action}"))
            for slug in known:
                block.add("addressee", mint(f"actor/{slug}"))
            who = ", ".join(slug.replace("-", " ") for slug in known) or "those whom the text names"
            block.add("summary", sentence(f"What is asked of {who} stands in the text"))
            unknown = ", ".join(f"“{name}”" for name in request.unknown_addressees)
            note = f"{_PROPOSED} {f'It also addresses {unknown}. ' if unknown else ''}{request.reason}".strip()
            block.add("skos:editorialNote", sentence(note))
            basis = "stated" if request.certainty == "certain" else "inferred"
            self._add(block.sourced([self._place(part)], basis), f"{self.folder}/requests.ttl")

    def _requesting(self, part: Part, start: int, end: int) -> str:
        """The text that makes a request: a decision its own, a note that reports one the decision named beside it."""
        if not self.iri.startswith(mint("document/")):
            return self._place(part)
        named = [each for each in part.citations if each.decision and each.iri and each.certainty != "unresolved"]
        before = [each for each in named if each.end <= start or each.start < end] or named
        if not before:
            return self._place(part)
        nearest = max(
            before, key=lambda each: (each.start <= start, each.start if each.start <= start else -each.start)
        )
        mention = {each.iri for each in named if (each.start, each.end) == (nearest.start, nearest.end)}
        cited = mention.pop() if len(mention) == 1 else nearest.decision
        assert cited is not None
        return cited

    def _definitions(self, part: Part) -> None:
        for definition in part.definitions:
            term = self.all.known.find_named("Term", definition.term.quote, self.language)
            iri = f"{term}/definition/{self.slug}" if term else ""
            state = "kept" if not term else "recorded" if iri in self.all.subjects else "new"
            reason = definition.reason
            if not term:
                reason = "; ".join(filter(None, (reason, "the vocabulary has no such term: add it first")))
            meaning = term.removeprefix(BASE) if term else "no term"
            self.proposal.findings.append(
                Finding("definition", part.locator, definition.quote, meaning, definition.certainty, reason, state)
            )
            if state != "new" or term is None:
                continue
            block = Block(iri, "Definition").add("definitionOf", term)
            block.add("wording", text(definition.wording.quote, self.language)).add("verbatim", value=True)
            basis = "stated" if definition.certainty == "certain" else "inferred"
            self._add(block.sourced([self._place(part)], basis), f"{self.folder}/definitions.ttl")

    def _figures(self, part: Part) -> None:
        for quantity, aim in zip(part.quantities, part.aims, strict=True):
            target = aim if aim in self.all.subjects else None
            figure = (quantity.comparator, str(quantity.value), quantity.unit)
            known = self.all.known.figures.get(target or "", frozenset())
            state, reason = "kept", quantity.reason
            if target is None:
                reason = reason or "no target is named beside it"
            elif any(figure[1:] == each[1:] for each in known):
                state = "recorded"
            elif quantity.certainty == "certain" and quantity.of_what is not None:
                state = "new"
            meaning = f"{quantity.comparator} {quantity.value} {quantity.unit}"
            if target:
                meaning += f" · {format_citation(target)}"
            self.proposal.findings.append(
                Finding("figure", part.locator, quantity.quote, meaning, quantity.certainty, reason, state)
            )
            if state != "new" or target is None or quantity.of_what is None:
                continue
            holder = target if target.startswith(BASE) else mint(f"target/kmgbf/{target.rpartition('_')[2]}")
            block = Block(self._next(f"{holder}/quantity"), "QuantitativeElement").add("quantityOf", target)
            block.add("comparator", mint(f"comparator/{quantity.comparator}"))
            block.add("value", Literal(str(quantity.value), datatype=XSD.decimal))
            block.add("unit", mint(f"unit/{quantity.unit}"))
            block.add("ofWhat", text(quantity.of_what.quote, self.language))
            block.add("deadline", year(quantity.deadline) if quantity.deadline else None)
            self._add(block.sourced([self._place(part)], "stated"), f"{self.folder}/figures.ttl")

    def _uses(self, part: Part) -> None:
        """The terms that the part uses; a form that may as well name another term is only reported."""
        place = self._place(part)
        for use in gather_uses(part.uses):
            block = build_use(use, place, self.language)
            state = "recorded" if block.subject in self.all.subjects else "new"
            state = "kept" if use.certainty == "ambiguous" else state
            words, meaning = " · ".join(use.forms), f"{path_of_record(use.term)} ({use.count})"
            self.proposal.findings.append(
                Finding("term", part.locator, words, meaning, use.certainty, name_others(use), state)
            )
            if state == "new":
                self._add(block, f"{self.folder}/term-uses.ttl")

    def _found(self, kind: str, part: Part, words: str, citation: Citation, state: str) -> None:
        meaning = citation.normal or "nothing known"
        finding = Finding(kind, part.locator, words, meaning, citation.certainty, citation.reason, state)
        self.proposal.findings.append(finding)


_ORDER: Final = ("certain", "probable", "ambiguous", "unresolved")
