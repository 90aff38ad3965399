"""/terms/compare: two definitions in; the words and the features in which they differ out, as JSON, CSV or a page.

Two wordings are compared in a language that both have. What is compared are definitions of the graph and nothing that
a client sends.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import ParameterError, UnknownResource
from cbdgraph.namespaces import BASE, LANGUAGES
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import etag, not_modified, respond, served_of
from cbdgraph.server.links import prefix_of
from cbdgraph.server.negotiate import HTML, JSON, TABLES, choose_either, choose_language, short_names
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.statements import Name
from cbdgraph.server.term_view import Cell, make_lines, name_of
from cbdgraph.server.terms import terminology_of
from cbdgraph.terminology.comparison import Comparison, Verdict, compare
from cbdgraph.terminology.terms import TERM, Definition, Feature, Term, Terminology
from cbdgraph.terminology.wordings import Difference, Span, compare_wordings

router = Router()

OFFER: Final = (JSON, *TABLES, HTML)
PATH: Final = "/terms/compare"
VERDICTS: Final[dict[Verdict, str]] = {
    "agree": "they agree",
    "overlap": "they agree in part",
    "differ": "they contradict each other",
    "one-silent": "only one says it",
    "both-silent": "neither says it",
    "not-examined": "one was not examined",
}
_SUGGESTED: Final = 5
_ECHOED: Final = 200  # characters of what was sent that an error repeats
_COLUMNS: Final = (
    "kind",
    "name",
    "verdict",
    "one",
    "other",
    "one_start",
    "one_end",
    "other_start",
    "other_end",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two definitions side by side; without a language that both have there is no difference of words."""

    one: Definition
    other: Definition
    language: str
    difference: Difference | None
    features: tuple[Comparison, ...]


@router.get(
    PATH,
    summary="Where two definitions differ, word by word and feature by feature",
    responses=offer(OFFER),
    openapi_extra={
        "parameters": [
            {
                "name": "term",
                "in": "query",
                "schema": {"type": "string"},
                "example": "ecosystem-restoration",
                "description": "the term whose definitions these are; not needed where both are named in full",
            },
            *(
                {
                    "name": name,
                    "in": "query",
                    "required": True,
                    "schema": {"type": "string"},
                    "example": example,
                    "description": f"the {name} definition: the last step of its IRI, the term and that step "
                    "(ecological-restoration/ser-2004), or the IRI",
                }
                for name, example in (("one", "ipbes-ldr"), ("other", "unep-2021"))
            ),
            {
                "name": "lang",
                "in": "query",
                "schema": {"type": "string", "enum": [*LANGUAGES, "all"]},
                "description": "the language of names, and of wordings where both definitions have it",
            },
            {
                "name": "format",
                "in": "query",
                "schema": {"type": "string", "enum": short_names(OFFER)},
                "description": "the format; wins over Accept",
            },
        ]
    },
)
async def compare_definitions(request: Request) -> Response:
    """Steps from the one wording to the other with offsets in characters, and a verdict for each feature."""
    served, query = served_of(request), request.query_params
    shown = choose_either(query.get("format"), request.headers.get("accept", ""), OFFER)
    language = choose_language(query.get("lang"), request.headers.get("accept-language", ""))
    terminology = await terminology_of(served)
    term = find_term(terminology, query.get("term", "").strip())
    one, other = (_find(terminology, term, name, query.get(name, "").strip()) for name in ("one", "other"))
    vary = "Accept, Accept-Language"
    tag = etag(served, PATH, one.iri, other.iri, shown, language)
    if known := not_modified(request, tag, vary):
        return known
    compared = await compare_pair(terminology, one, other, language)
    headers = {"Vary": vary}
    if shown in TABLES:
        return respond(_write_table(compared, TABLES[shown]), shown, tag, headers)
    links = _links(compared, prefix_of(request), language)
    if shown == JSON:
        document = _describe(compared, terminology, language)
        return pages.respond_json({**document, "release": served.release, "links": links}, tag, headers)
    page = pages.render(
        "term_compare.html",
        compared=show_compared(compared, terminology, language, prefix_of(request)),
        links=links,
        release=served.release,
    )
    return pages.respond(page, tag, headers)


def find_term(terminology: Terminology, text: str) -> Term | None:
    """The term that a parameter names by slug, path or IRI; None for "". `UnknownResource`."""
    if not text:
        return None
    iri = text if text.startswith(("http://", "https://")) else TERM + text.removeprefix("term/")
    if (found := terminology.terms.get(iri)) is None:
        near = (term.slug for term in terminology.terms.values())
        raise UnknownResource("term", text[:_ECHOED], iri[:_ECHOED], _near(text, near))
    return found


def find_definition(terminology: Terminology, term: Term | None, name: str, text: str) -> Definition:
    """The definition that the parameter `name` names, of that term where it says no other; `UnknownResource`."""
    iri = text
    if not text.startswith(("http://", "https://")):
        words = text.removeprefix("term/").split("/")
        if len(words) == 1 and term is None:
            raise ParameterError(name, f"name the term too: term=…, or {name}=ecological-restoration/ser-2004")
        iri = f"{term.iri if len(words) == 1 and term else TERM + words[0]}/definition/{words[-1]}"
    for each in term.definitions if term else ():
        if each.iri == iri or each.slug == text:
            return each
    for each in terminology.definitions():
        if each.iri == iri:
            return each
    own = [each.slug for each in term.definitions] if term else []
    raise UnknownResource(name, text[:_ECHOED], iri[:_ECHOED], _near(text, own))


def _find(terminology: Terminology, term: Term | None, name: str, text: str) -> Definition:
    if not text:
        raise ParameterError(name, "name a definition, such as ipbes-ldr")
    return find_definition(terminology, term, name, text)


def _near(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those that hold what was typed, or all; some of them."""
    names = list(names)
    return tuple([name for name in names if text.lower() in name] or names)[:_SUGGESTED]


async def compare_pair(terminology: Terminology, one: Definition, other: Definition, language: str) -> Compared:
    """Two definitions compared, in `language` if both have a wording in it."""
    shared = next((code for code in (language, *LANGUAGES, *sorted(one.wordings)) if _both(one, other, code)), "")
    difference = None
    if _both(one, other, shared):
        difference = await asyncio.to_thread(compare_wordings, one.wordings[shared], other.wordings[shared])
    return Compared(one, other, shared, difference, compare(one, other, terminology.dimensions))


def _both(one: Definition, other: Definition, language: str) -> bool:
    return language in one.wordings and language in other.wordings


def _links(compared: Compared, prefix: str, language: str) -> dict[str, str]:
    """The same in each format, and the page of the term."""
    values = {"one": compared.one.iri, "other": compared.other.iri, "lang": language}
    formats = {name: f"{prefix}{PATH}?{urlencode({**values, 'format': name})}" for name in ("json", "csv", "tsv")}
    return {"self": f"{prefix}{PATH}?{urlencode(values)}", **formats, "term": prefix + address(compared.one.term)}


def _describe(compared: Compared, terminology: Terminology, language: str) -> dict[str, Any]:
    difference = compared.difference

    def definition(each: Definition) -> dict[str, Any]:
        return {
            "iri": each.iri,
            "path": address(each.iri),
            "term": each.term,
            "sources": [{"iri": iri, "label": terminology.name(iri, language).value} for iri in each.sources],
            "year": each.year or None,
            "verbatim": each.verbatim,
            "wording": each.wordings.get(compared.language),
        }

    def feature(each: Feature | None, names: dict[str, str]) -> dict[str, Any] | None:
        if each is None:
            return None
        values = [{"iri": iri, "label": names.get(iri)} for iri in sorted(each.values)]
        return {"iri": each.iri, "silent": each.is_silent, "values": values, "basis": each.basis or None}

    return {
        "one": definition(compared.one),
        "other": definition(compared.other),
        "language": compared.language or None,
        "difference": None
        if difference is None
        else {
            "shared": difference.shared,
            "words": {"one": difference.words_one, "other": difference.words_other},
            "complete": difference.is_complete,
            "steps": [
                {"operation": step.operation, "one": _span(step.one), "other": _span(step.other)}
                for step in difference.steps
            ],
        },
        "features": [
            {
                "dimension": each.dimension.iri,
                "label": each.dimension.name(language).value,
                "verdict": each.verdict,
                "one": feature(each.one, _names(each, language)),
                "other": feature(each.other, _names(each, language)),
            }
            for each in compared.features
        ],
    }


def _names(comparison: Comparison, language: str) -> dict[str, str]:
    return {value.iri: value.name(language).value for value in comparison.dimension.values}


def _span(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "text": span.text}


def _write_table(compared: Compared, sign: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sign, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for step in compared.difference.steps if compared.difference else ():
        one, other = step.one, step.other
        writer.writerow(
            ["words", step.operation, "", one.text, other.text, one.start, one.end, other.start, other.end]
        )
    for each in compared.features:
        answers = (
            " ".join(sorted(map(_last, feature.values))) if feature else "" for feature in (each.one, each.other)
        )
        writer.writerow(["feature", each.dimension.iri.removeprefix(BASE), each.verdict, *answers, "", "", "", ""])
    return out.getvalue()


def _last(iri: str) -> str:
    return iri.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Side:
    """A definition as one side of a comparison: its address, what it is called, and its text in pieces.

    A piece is "same", "only" or "left" (not compared), and the text.
    """

    path: str
    name: Name
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A comparison as a page shows it; `steps` tell it in one running text, `lines` feature by feature."""

    language: str
    sides: tuple[Side, Side]
    steps: tuple[tuple[str, str], ...]
    difference: Difference | None
    lines: tuple[tuple[Name, str, Verdict, tuple[Cell, Cell]], ...]


def show_compared(compared: Compared, terminology: Terminology, language: str, prefix: str) -> Shown:
    """What the template needs."""
    both = make_lines((compared.one, compared.other), terminology.dimensions, language)
    lines = {line.dimension.iri: line for line in both}
    return Shown(
        compared.language,
        (_side(compared, 0, prefix), _side(compared, 1, prefix)),
        tuple(_run(compared.difference)) if compared.difference else (),
        compared.difference,
        tuple(
            (
                name_of(each.dimension.name(language)),
                VERDICTS[each.verdict],
                each.verdict,
                (lines[each.dimension.iri].cells[0], lines[each.dimension.iri].cells[1]),
            )
            for each in compared.features
        ),
    )


def _side(compared: Compared, at: int, prefix: str) -> Side:
    definition = (compared.one, compared.other)[at]
    text, difference = definition.wordings.get(compared.language, ""), compared.difference
    spans = [] if difference is None else [(step.operation, (step.one, step.other)[at]) for step in difference.steps]
    pieces = [("same" if operation == "equal" else "only", span.text) for operation, span in spans if span.text]
    rest = text[spans[-1][1].end if spans else 0 :]
    if rest.strip():
        pieces.append(("left", rest))
    return Side(prefix + address(definition.iri), title_of(definition), tuple(pieces))


def _run(difference: Difference) -> Iterator[tuple[str, str]]:
    """The steps as one text: same, gone, new."""
    for step in difference.steps:
        if step.operation == "equal":
            yield "same", step.other.text
            continue
        if step.one.text:
            yield "gone", step.one.text
        if step.other.text:
            yield "new", step.other.text


def title_of(definition: Definition) -> Name:
    """What a definition is called where it stands beside others: the last step of its IRI, and its year.

    Several definitions have one source, and its title is long.
    """
    is_told = not definition.year or definition.slug.endswith(definition.year)
    return Name(definition.slug if is_told else f"{definition.slug} ({definition.year})")
