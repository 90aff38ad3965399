"""A file in, what it says out: its parts, with citations, requests, figures, definitions and terms; knows no RDF.

A `Reading` depends on nothing but the file, this package and the names of terms that are looked for, so that a folder
can be read by many processes, and what was read is kept as JSON and need not be read again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from cbdgraph.citations import find_citations, guess_language
from cbdgraph.documents import Block, Document, read_document
from cbdgraph.extraction import (
    Definition,
    Quantity,
    Request,
    Span,
    find_definitions,
    find_quantities,
    find_requests,
)
from cbdgraph.model import Citation
from cbdgraph.terminology.finding import Mention, TermFinder

Found = TypeVar("Found", Citation, Request, Quantity, Definition, Mention)
_OFFSETS: Final = ("start", "end", "part_start", "part_end")
_SILENT: Final = frozenset({"page-head"})  # running heads are on every page and say nothing
_LONGEST_LEAD: Final = 80
_STOPS: Final = ("。", ". ", ".\n", "؟", "! ", "\n\n")
_BRACKETS: Final = ("(", "（")
_AROUND: Final = " \t\n|,;:，；：、。."


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a document, by its locator, and what was found in its words.

    Offsets count characters of the document's text. `heading` are the words of its heading, of its first cell for the
    row of a table. `leads` has, for each citation, the words between it and the mention before it inside a cell:
    a table may name a second issue there. `aims` has, for each figure, the IRI of the target whose figure it is,
    empty where none is named beside it. `uses` are the places where it uses a term of those that were looked for.
    """

    locator: str
    kind: str
    section: str
    number: str
    page: int
    heading: str
    citations: tuple[Citation, ...]
    leads: tuple[str, ...]
    requests: tuple[Request, ...]
    quantities: tuple[Quantity, ...]
    aims: tuple[str, ...]
    definitions: tuple[Definition, ...]
    uses: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as it was read; `warnings` are what a person should look at."""

    name: str
    sha256: str
    media_type: str
    encoding: str
    encoding_guessed: bool
    language: str
    language_guessed: bool
    title: str
    characters: int
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]

    def to_json(self) -> str:
        """The reading as JSON, from which `from_json` makes the same again."""
        return json.dumps(asdict(self), ensure_ascii=False, default=str, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The reading that `to_json` wrote."""
        table: dict[str, Any] = json.loads(text)
        parts = tuple(_part(part) for part in table.pop("parts"))
        return cls(**{**table, "warnings": tuple(table["warnings"])}, parts=parts)


def read_file(path: Path, language: str | None = None, terms: TermFinder | None = None) -> Reading:
    """Read a document; `language` is guessed if not given. `MissingFile` or `DocumentError` say what is wrong."""
    return read(read_document(path), language, terms)


def read(document: Document, language: str | None = None, terms: TermFinder | None = None) -> Reading:
    """What a document says, part by part, in the order in which the parts stand in it."""
    named = language or guess_language(document.text)
    blocks: dict[str, list[Block]] = {}
    for block in document.blocks:
        if block.kind not in _SILENT:
            blocks.setdefault(str(block.locator), []).append(block)
    return Reading(
        name=Path(document.path).name,
        sha256=document.sha256,
        media_type=document.media_type,
        encoding=document.encoding,
        encoding_guessed=document.encoding_guessed,
        language=named,
        language_guessed=language is None,
        title=document.title,
        characters=len(document.text),
        warnings=document.warnings,
        parts=tuple(_read_part(locator, row, named, terms) for locator, row in blocks.items()),
    )


def _read_part(locator: str, blocks: list[Block], language: str, terms: TermFinder | None) -> Part:
    citations: list[Citation] = []
    leads: list[str] = []
    requests: list[Request] = []
    quantities: list[Quantity] = []
    aims: list[str] = []
    definitions: list[Definition] = []
    uses: list[Mention] = []
    for block in blocks:
        found = find_citations(block.text, language)
        leads += _leads(block, found)
        citations += [_moved(each, block.start) for each in found]
        if terms is not None:
            uses += [_moved(each, block.start) for each in terms.find(block.text, language)]
        if block.kind in {"heading", "cell"}:
            continue
        requests += [_moved(each, block.start) for each in find_requests(block.text, language)]
        figures = find_quantities(block.text, language)
        aims += [_aim(block.text, figure, found) for figure in figures]
        quantities += [_moved(each, block.start) for each in figures]
        definitions += [_moved(each, block.start) for each in find_definitions(block.text, language)]
    first = blocks[0]
    headings = [block.text for block in blocks if block.kind == "heading" and not block.number]
    if first.kind == "cell":
        headings = [block.text for block in blocks if block.column == 1]
    return Part(
        locator=locator,
        kind=first.kind,
        section=str(first.section),
        number=first.number,
        page=first.page,
        heading=" ".join(headings[0].split()) if headings else "",
        citations=tuple(citations),
        leads=tuple(leads),
        requests=tuple(requests),
        quantities=tuple(quantities),
        aims=tuple(aims),
        definitions=tuple(definitions),
        uses=tuple(uses),
    )


def _leads(block: Block, found: Iterable[Citation]) -> list[str]:
    """The words before each mention in a cell, empty elsewhere and where there are many."""
    out: list[str] = []
    done, lead, mention = 0, "", (-1, -1)
    for citation in found:
        if (citation.start, citation.end) != mention:
            between = block.text[done : citation.start].strip(_AROUND)
            lead = between if block.kind == "cell" and len(between) <= _LONGEST_LEAD else ""
            mention, done = (citation.start, citation.end), citation.end
        out.append(lead)
    return out


def _aim(text: str, figure: Quantity, found: Iterable[Citation]) -> str:
    """The target of a figure, in its sentence: the one named before it, in brackets behind it, or the only one.

    "Target 5 asks to halve …" and "… by 15 per cent (Target 15)".
    """
    begin = max(text.rfind(sign, 0, figure.start) for sign in _STOPS) + 1
    ends = [place for sign in _STOPS if (place := text.find(sign, figure.end)) >= 0]
    end = min(ends, default=len(text))
    targets = [c for c in found if is_target(c) and c.iri and begin <= c.part_start and c.part_end <= end]
    inside = [c for c in targets if text[: c.start].rstrip()[-1:] in _BRACKETS]
    after = [c for c in inside if c.part_start >= figure.end]
    before = [c for c in targets if c.part_end <= figure.start and c not in inside]
    alone = targets[0] if len(targets) == 1 and targets[0] not in inside else None
    chosen = before[-1] if before else after[0] if after else alone
    return chosen.iri or "" if chosen else ""


def is_target(citation: Citation) -> bool:
    """Whether a citation is one of a target, goal or objective."""
    return citation.decision is None and not citation.locator and "/document/" not in (citation.iri or "/document/")


def _moved(found: Found, by: int) -> Found:
    """The same with its offsets moved: from those of a block to those of the document."""
    moved: dict[str, Any] = {}
    for name in _OFFSETS:
        if hasattr(found, name):
            moved[name] = getattr(found, name) + by
    for each in fields(found):
        value = getattr(found, each.name)
        if isinstance(value, Span):
            moved[each.name] = Span(value.start + by, value.end + by, value.quote)
    return replace(found, **moved)


def _part(table: dict[str, Any]) -> Part:
    made = {
        "citations": tuple(_citation(each) for each in table["citations"]),
        "requests": tuple(_request(each) for each in table["requests"]),
        "quantities": tuple(_quantity(each) for each in table["quantities"]),
        "definitions": tuple(_definition(each) for each in table["definitions"]),
        "uses": tuple(Mention(**{**each, "alternatives": tuple(each["alternatives"])}) for each in table["uses"]),
        "leads": tuple(table["leads"]),
        "aims": tuple(table["aims"]),
    }
    return Part(**{**table, **made})


def _citation(table: dict[str, Any]) -> Citation:
    return Citation(**{**table, "alternatives": tuple(table["alternatives"])})


def _request(table: dict[str, Any]) -> Request:
    made = {
        "addressees": tuple(table["addressees"]),
        "unknown_addressees": tuple(table["unknown_addressees"]),
        "verb": Span(**table["verb"]),
        "addressee": Span(**table["addressee"]),
        "what": Span(**table["what"]) if table["what"] else None,
    }
    return Request(**{**table, **made})


def _quantity(table: dict[str, Any]) -> Quantity:
    of_what = Span(**table["of_what"]) if table["of_what"] else None
    return Quantity(**{**table, "value": Decimal(table["value"]), "of_what": of_what})


def _definition(table: dict[str, Any]) -> Definition:
    spans = {name: Span(**table[name]) for name in ("term", "mark", "wording")}
    return Definition(**{**table, **spans})
