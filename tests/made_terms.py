"""Terminologies made by Hypothesis, in every script and with every sign that texts may hold; and the formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from cbdgraph.exchange.formats import FORMATS
from cbdgraph.exchange.records import Reading
from cbdgraph.exchange.skos import skosxl_lines
from cbdgraph.exchange.tables_reading import read_csv, read_csv_archive
from cbdgraph.exchange.tbx_reading import read_tbx
from cbdgraph.exchange.workbook import read_workbook
from cbdgraph.ingest.vocabulary import read_vocabulary
from cbdgraph.model import Text
from cbdgraph.namespaces import BASE
from cbdgraph.rdf.turtle import format_turtle, parse_turtle
from cbdgraph.store.convert import convert
from cbdgraph.terminology.terms import TERM, Definition, Feature, Label, LabelKind, Term, Terminology

WHOLE: Final = ("tbx", "tbx-dct", "tbx-2008", "skosxl-ttl", "skosxl-rdf", "skosxl-jsonld", "skosxl-nt", "csv", "xlsx")
SOURCES: Final = tuple(f"{BASE}document/{name}" for name in ("first", "second"))
ISSUES: Final = tuple(f"{BASE}issue/{name}" for name in ("forests", "seas"))
DESCRIBED: Final = (
    *SOURCES,
    *ISSUES,
    *(f"{BASE}{path}" for path in ("basis/stated", "basis/inferred", "label-origin/source", "label-origin/project")),
    *(f"{BASE}definition-status/{name}" for name in ("adopted", "draft")),
    *(f"{BASE}feature/{path}" for path in ("agency", "agency/assisted", "agency/spontaneous", "not-said")),
)
SLUGS: Final = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
LANGUAGES: Final = st.sampled_from(["en", "fr", "es", "ru", "zh", "ar", "zh-Hans", ""])
# Quotes, signs of formats, line ends, signs that turn the direction, other planes, and any letter there is.
WORDS: Final = st.text(
    st.one_of(
        st.sampled_from(
            "\"'`|\\=+-@;,<>&[]{}()%#\n\t \u200f\u202b\u2066\u2069\u0301\u00a0\u2028\U0001f333\U00020000"
        ),
        st.characters(min_codepoint=32, max_codepoint=0x10FFFF, blacklist_categories=("Cs", "Cn", "Cc")),
    ),
    min_size=1,
    max_size=30,
).filter(lambda text: bool(text.strip()))
TEXTS: Final = st.builds(Text, WORDS, LANGUAGES)


def read_format(name: str, content: bytes) -> Reading:
    """What a file in a format that is written says."""
    if name.startswith("tbx"):
        return read_tbx(content)
    if name == "xlsx":
        return read_workbook(content)
    if name.endswith("-csv"):
        return read_csv(content)
    if name == "csv":
        return read_csv_archive(content)
    return read_vocabulary(content, FORMATS[name].file.rpartition(".")[2])


def _unique(values: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


@st.composite
def labels(draw: st.DrawFn, term: str) -> tuple[Label, ...]:
    """Names of a term, at least one."""
    found, spelled = [], set()
    for number in range(draw(st.integers(1, 4))):
        text, language = draw(WORDS), draw(LANGUAGES)
        if (text, language) in spelled:
            continue
        spelled.add((text, language))
        kinds: list[LabelKind] = ["preferred", "alternative", "hidden"]
        found.append(
            Label(
                f"{term}/label/{language or 'und'}/{number + 1}".lower(),
                text,
                language,
                draw(st.sampled_from(kinds)),
                draw(st.sampled_from(["source", "project", ""])),
                _unique(draw(st.lists(st.sampled_from(SOURCES), max_size=2))),
                draw(st.one_of(st.just(""), WORDS)),
                draw(st.sampled_from(["stated", "inferred", ""])),
                tuple(draw(st.lists(TEXTS, max_size=2, unique=True))),
            )
        )
    return tuple(found)


@st.composite
def definitions(draw: st.DrawFn, term: str, slug: str) -> Definition:
    """A definition with wordings in some languages and perhaps a feature."""
    iri = f"{term}/definition/{slug}"
    feature = Feature(
        f"{iri}/feature/agency",
        f"{BASE}feature/agency",
        frozenset(
            draw(st.sets(st.sampled_from([f"{BASE}feature/agency/assisted", f"{BASE}feature/not-said"]), min_size=1))
        ),
        draw(st.sampled_from(["stated", "inferred", ""])),
        tuple(draw(st.lists(TEXTS, max_size=1))),
    )
    return Definition(
        iri=iri,
        term=term,
        wordings=draw(st.dictionaries(LANGUAGES, WORDS, min_size=1, max_size=3)),
        verbatim=draw(st.sampled_from([True, False, None])),
        year=draw(st.one_of(st.just(""), st.integers(1000, 9999).map(str))),
        sources=_unique(draw(st.lists(st.sampled_from(SOURCES), max_size=2))),
        place=draw(st.one_of(st.just(""), WORDS)),
        language=draw(st.sampled_from(["", "en", "fr"])),
        status=draw(st.sampled_from(["", "adopted", "draft"])),
        basis=draw(st.sampled_from(["stated", ""])),
        notes=tuple(draw(st.lists(TEXTS, max_size=2, unique=True))),
        features={feature.dimension: feature} if draw(st.booleans()) else {},
    )


@st.composite
def terminologies(draw: st.DrawFn) -> Terminology:
    """Up to four terms that refer to each other."""
    slugs = draw(st.lists(SLUGS, min_size=1, max_size=4, unique=True))
    terms = {}
    for slug in slugs:
        iri = TERM + slug
        others = [TERM + other for other in slugs if other != slug]
        chosen = st.lists(st.sampled_from(others), max_size=2) if others else st.just([])
        names = draw(st.lists(SLUGS, max_size=2, unique=True))
        terms[iri] = Term(
            iri=iri,
            labels=draw(labels(iri)),
            definitions=tuple(draw(definitions(iri, name)) for name in sorted(names)),
            broader=_unique(draw(chosen)),
            related=_unique(draw(chosen)),
            matches=tuple(
                ("http://www.w3.org/2004/02/skos/core#exactMatch", each)
                for each in draw(st.sampled_from([(), ("http://example.org/é#1",), ("urn:x:1",)]))
            ),
            issues=_unique(draw(st.lists(st.sampled_from(ISSUES), max_size=2))),
            sources=_unique(draw(st.lists(st.sampled_from(SOURCES), max_size=2))),
            place=draw(st.one_of(st.just(""), WORDS)),
            basis=draw(st.sampled_from(["stated", ""])),
            scope_notes=tuple(draw(st.lists(TEXTS, max_size=1))),
            notes=tuple(draw(st.lists(TEXTS, max_size=2, unique=True))),
        )
    return Terminology(terms, (), {ISSUES[0]: {"en": "Forests | and more"}, SOURCES[0]: {"en": "The <first>"}})


def write_checkout(root: Path, terminology: Terminology) -> None:
    """A checkout that records a terminology, in the house format, and describes what it refers to."""
    (root / "ontology").mkdir(parents=True, exist_ok=True)
    folder = root / "data" / "turtle"
    folder.mkdir(parents=True, exist_ok=True)
    lines = list(skosxl_lines(terminology))
    write: Callable[[str, list[str]], object] = lambda name, rows: (folder / name).write_text(  # noqa: E731
        format_turtle(parse_turtle(convert(rows, "text/turtle").decode()).triples), encoding="utf-8"
    )
    write("terms.ttl", lines)
    kind = "http://www.w3.org/2004/02/skos/core#Concept"
    write("described.ttl", [f"<{iri}> a <{kind}> .".replace(" a ", f" <{RDF_TYPE}> ") for iri in DESCRIBED])


RDF_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
