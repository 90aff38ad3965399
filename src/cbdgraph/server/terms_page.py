"""/terms/ for people: a filter and a page of the list in, the table of terms with their gaps out; writes no data.

A row has the names in all six languages, so that what is missing is seen at once, and what is disputed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request

from cbdgraph.namespaces import LANGUAGES
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import served_of
from cbdgraph.server.examples import LANGUAGE_NAMES
from cbdgraph.server.links import prefix_of
from cbdgraph.server.listed import Entry, Page
from cbdgraph.server.negotiate import HTML
from cbdgraph.server.reviewed import Reviewed, find_reviewed
from cbdgraph.server.statements import Name
from cbdgraph.server.term_filter import (
    DISPUTES,
    GAPS,
    SORTS,
    Filter,
    count_states,
    find_gaps,
    is_contradictory,
)
from cbdgraph.server.terms import terminology_of
from cbdgraph.terminology.terms import TERM, Definition, Label, Term, Terminology

_PATH: Final = "/terms/"
_FORMATS: Final = {"csv": "CSV", "json": "JSON", "ttl": "Turtle", "jsonld": "JSON-LD"}
_SOURCES: Final = 6  # definitions that a row names
_NAMED: Final = 60  # terms that the address of a file names
# Files of the exchange of terms, with what a link says.
_EXPORTS: Final = {
    "terms.tbx": "TBX",
    "skos.ttl": "SKOS",
    "skosxl.ttl": "SKOS-XL",
    "terms.xlsx": "Excel",
    "tables.zip": "CSV tables",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a request chose: the filter, the order of what it lets through (None for all), and what that rests on."""

    filter: Filter
    order: tuple[str, ...] | None
    terminology: Terminology | None
    reviewed: Reviewed
    language: str

    @property
    def parts(self) -> tuple[object, ...]:
        """What the validator of the answer covers besides the page."""
        return (self.filter.given, self.language, self.reviewed.stamp)

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says to those who keep answers."""
        return self.reviewed.headers


@dataclass(frozen=True, slots=True)
class _Cell:
    """The name of a term in one language with what is missing there."""

    language: str
    label: Label | None
    gaps: tuple[str, ...]

    @property
    def name(self) -> Name:
        assert self.label is not None
        return Name(self.label.text, self.label.language)


@dataclass(frozen=True, slots=True)
class _Row:
    """A term as the table shows it."""

    entry: Entry
    path: str
    cells: tuple[_Cell, ...]
    definitions: tuple[Definition, ...]
    more: int
    parts: bool
    states: Sequence[tuple[str, int]] = ()


async def choose_terms(request: Request, shown: str, language: str) -> Chosen:
    """What the filters of a request choose, in the order for names in `language`; `ParameterError`."""
    wanted, is_page = Filter.read(request), shown == HTML
    # Data formats show no reviews, so that they change with them only where reviews decide what is chosen.
    reviewed = await find_reviewed(request) if is_page or wanted.needs_desk else Reviewed()
    if wanted.is_empty and not is_page:
        return Chosen(wanted, None, None, reviewed, language)
    terminology = await terminology_of(served_of(request))
    chosen = None
    if not wanted.is_empty:
        chosen = await asyncio.to_thread(wanted.choose, terminology, reviewed.states, language)
    order = None if chosen is None else tuple(term.iri for term in chosen)
    return Chosen(wanted, order, terminology, reviewed, language)


def write_terms_page(
    request: Request, page: Page, chosen: Chosen, links: Mapping[str, str], numbers: Sequence[int]
) -> str:
    """The HTML of a page; `numbers` are those of the pages that it links."""
    terminology, language, prefix = chosen.terminology, chosen.language, prefix_of(request)
    assert terminology is not None

    def where(**changed: object) -> str:
        given = {**dict(chosen.filter.given), "lang": language, **changed}
        return f"{prefix}{_PATH}?{urlencode({key: value for key, value in given.items() if value})}"

    order = (language, *(code for code in LANGUAGES if code != language))
    return pages.render(
        "terms.html",
        page=page,
        links=links,
        rows=_rows(page, terminology, chosen.reviewed, order, prefix),
        order=[(code, LANGUAGE_NAMES[code]) for code in order],
        numbers=[(number, where(page=number, format="html")) for number in numbers],
        languages=[(code, where(lang=code, format="html")) for code in LANGUAGES],
        formats=[(label, where(page=page.number, format=name)) for name, label in _FORMATS.items()],
        fields=_fields(terminology, chosen.filter, language),
        filter=chosen.filter,
        total=len(terminology.terms),
        plain=f"{prefix}{_PATH}?{urlencode({'lang': language})}",
        action=f"{prefix}{_PATH}",
        language=language,
        reviewed=chosen.reviewed,
        is_ours=served_of(request).folder is not None and not prefix,
        exports=list_exports([] if chosen.order is None else chosen.order),
        release=served_of(request).release,
    )


def list_exports(iris: Sequence[str]) -> list[tuple[str, str]]:
    """Where files of some terms are, of all where an address should not name so many; and what a link says."""
    slugs = [iri.removeprefix(TERM) for iri in iris]
    is_named = 0 < len(slugs) <= _NAMED and all(iri.startswith(TERM) for iri in iris)
    ending = f"?{urlencode({'term': ','.join(slugs)}, safe=',')}" if is_named else ""
    return [(f"/terms/export/{name}{ending}", label) for name, label in _EXPORTS.items()]


def _rows(page: Page, terminology: Terminology, reviewed: Reviewed, order: Sequence[str], prefix: str) -> list[_Row]:
    terms = [terminology.terms.get(entry.iri) or Term(entry.iri) for entry in page.entries]
    states = count_states(terms, reviewed.states)
    return [
        _Row(
            entry,
            prefix + address(entry.iri).replace("#", "%23"),
            tuple(_Cell(code, term.preferred(code), find_gaps(term, code)) for code in order),
            term.definitions[:_SOURCES],
            max(0, len(term.definitions) - _SOURCES),
            is_contradictory(term, terminology),
            states.get(term.iri, ()),
        )
        for entry, term in zip(page.entries, terms, strict=True)
    ]


def _fields(terminology: Terminology, wanted: Filter, language: str) -> list[dict[str, Any]]:
    """The fields of the form: name, label, options with words, and what is chosen."""
    issues = {iri for term in terminology.terms.values() for iri in term.issues}
    named = sorted(((iri, terminology.name(iri, language)) for iri in issues), key=lambda each: each[1].value)
    languages = [(code, LANGUAGE_NAMES[code], code) for code in LANGUAGES]
    fields = [
        ("issue", "Issue", "any issue", [(iri, text.value, text.language) for iri, text in named], wanted.issue),
        ("language", "With a name in", "any language", languages, wanted.language),
        ("gaps", "With gaps in", "–", languages, wanted.gaps),
        ("missing", "What is missing", "anything", [(key, said, "") for key, said in GAPS.items()], wanted.missing),
        ("disputed", "Disputed", "–", [(key, _DISPUTED[key], "") for key in DISPUTES], wanted.disputed),
        ("sort", "Order", "", [(key, f"by {said}", "") for key, said in SORTS.items()], wanted.sort or "path"),
    ]
    return [
        {"name": name, "label": label, "any": anything, "options": options, "chosen": chosen}
        for name, label, anything, options, chosen in fields
        if options
    ]


_DISPUTED: Final = {"features": "definitions contradict each other", "review": "disputed at the review desk"}
