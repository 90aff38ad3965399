"""What the service and the command line say of citations: a text in; rows, JSON, tables or candidates out.

Asks no graph: which IRIs it describes is told. Imports no server, because the processes that read texts run it too.
"""

from __future__ import annotations

import csv
import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

from cbdgraph.citations import Candidate, Resolution, find_citations, format_citation, guess_language, parse_citation
from cbdgraph.citations import resolve as resolve_citation
from cbdgraph.errors import InvalidName
from cbdgraph.iris import parse_part
from cbdgraph.model import Citation
from cbdgraph.namespaces import BASE
from cbdgraph.server.addresses import address

CERTAINTIES: Final = ("certain", "probable", "ambiguous", "unresolved")
COLUMNS: Final = (
    *("start", "end", "start_utf16", "end_utf16", "quote"),
    *("part_start", "part_end", "part_start_utf16", "part_end_utf16", "part_quote"),
    *("decision", "locator", "iri", "path", "known", "normal", "certainty", "reason", "alternatives"),
)
_OTHERS: Final = 5  # other readings that a page shows
_WIDE: Final = re.compile("[\U00010000-\U0010ffff]")  # two code units of UTF-16 each
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with all its citations; `guessed` if nobody said in which language it is."""

    text: str
    language: str
    guessed: bool
    citations: tuple[Citation, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many citations there are of each certainty."""
        counted = Counter(citation.certainty for citation in self.citations)
        return {certainty: counted[certainty] for certainty in CERTAINTIES}

    @property
    def iris(self) -> list[str]:
        """What is cited, each once, in the order of the text."""
        return list(dict.fromkeys(citation.iri for citation in self.citations if citation.iri is not None))


def read_text(text: str, lang: str | None = None) -> Reading:
    """Every citation of a text; the language is guessed if none is given."""
    language = lang or guess_language(text)
    return Reading(text, language, lang is None, find_citations(text, language))


def make_rows(reading: Reading, known: Container[str] | None) -> Iterator[Row]:
    """The citations as plain values; `known` in each is None where nobody can say what the graph describes."""
    wide = [match.start() for match in _WIDE.finditer(reading.text)]

    def utf16(offset: int) -> int:
        return offset + bisect_left(wide, offset)

    for citation in reading.citations:
        is_known = None if known is None else citation.iri is not None and citation.iri in known
        values = (
            *(citation.start, citation.end, utf16(citation.start), utf16(citation.end), citation.quote),
            *(citation.part_start, citation.part_end, utf16(citation.part_start), utf16(citation.part_end)),
            *(citation.part_quote, citation.decision, citation.locator, citation.iri),
            *(None if citation.iri is None else address(citation.iri), is_known),
            *(citation.normal, citation.certainty, citation.reason, list(citation.alternatives)),
        )
        yield dict(zip(COLUMNS, values, strict=True))


def format_json(reading: Reading, known: Container[str] | None, release: str | None) -> str:
    """The citations as one JSON document, one a line."""
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in make_rows(reading, known))
    counts = json.dumps(reading.counts)
    return (
        f'{{\n "language": "{reading.language}",\n "guessed": {json.dumps(reading.guessed)},\n'
        f' "citations": [{f"{chr(10)}  {rows}{chr(10)} " if rows else ""}],\n "counts": {counts},\n'
        f' "complete": true,\n "release": {json.dumps(release)}\n}}\n'
    )


def format_table(reading: Reading, known: Container[str] | None, separator: str) -> str:
    """The citations as CSV (RFC 4180) or, between tabs, TSV with tabs and line ends in values as \\t, \\n and \\r."""
    columns = (*COLUMNS, "language", "guessed")
    about = {"language": reading.language, "guessed": reading.guessed}
    rows = ([_plain({**row, **about}[name]) for name in columns] for row in make_rows(reading, known))
    if separator == "\t":
        lines = ("\t".join(cell.translate(_ESCAPES) for cell in row) for row in (columns, *rows))
        return "".join(f"{line}\n" for line in lines)
    written = StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows((columns, *rows))
    return written.getvalue()


def format_lines(reading: Reading, known: Container[str] | None) -> str:
    """The citations for a person at a terminal: where, how sure, what was read, what it is, what to know about it."""
    lines = []
    for row in make_rows(reading, known):
        words = " ".join(row["part_quote"].split())
        remarks = [row["reason"], "not in the graph" if row["iri"] and row["known"] is False else ""]
        said = "; ".join(filter(None, remarks))
        place = f"{row['part_start']}-{row['part_end']}"
        lines.append(
            f"{place}\t{row['certainty']}\t{words}\t{row['iri'] or '-'}{f'{chr(9)}{said}' if said else ''}\n"
        )
    return "".join(lines)


def name_of(iri: str, citation: Citation, lang: str) -> str:
    """What is cited, as the Secretariat writes it in a language; as it was read, or its path, where none is known."""
    try:
        return format_citation(iri, lang)
    except InvalidName:
        return (citation.normal if iri == citation.iri else "") or iri.removeprefix(BASE)


def resolve_written(text: str, lang: str | None, known: Container[str] | None) -> Resolution:
    """`resolve`, which for a part of a document that is not known also offers what is known around it."""
    try:
        found = resolve_citation(text, lang, known)
    except InvalidName:
        raise
    except (KeyError, ValueError) as error:  # what looks like the IRI of a target and is none has no name
        raise InvalidName("citation", text, "there is no target or objective of that name") from error
    if found.candidates or known is None:
        return found
    citations = parse_citation(text, lang)
    around = {candidate.iri: candidate for citation in citations for candidate in _around(citation, known)}
    if around:
        return Resolution(text, None, tuple(around.values()), next(iter(around.values())).reason)
    names = ", ".join(dict.fromkeys(citation.normal for citation in citations[:3] if citation.normal))
    read = f"it is read as {names}, of which the graph says nothing" if names else found.reason
    return Resolution(text, None, (), read)


def _around(citation: Citation, known: Container[str]) -> Iterator[Candidate]:
    place = (citation.iri or "").removeprefix(f"{BASE}document/")
    while "/" in place:
        place = place.rpartition("/")[0]
        if (iri := f"{BASE}document/{place}") in known:
            where = place.partition("/")[2] or "the document itself"
            reason = f"{citation.locator} is not in the graph; the nearest part around it is {where}"
            yield Candidate(iri, citation, reason)
            return


def describe_resolution(found: Resolution, lang: str) -> Row:
    """The candidates as plain values, with their names in a language."""
    candidates = [
        {
            "iri": candidate.iri,
            "path": address(candidate.iri),
            "label": name_of(candidate.iri, candidate.citation, lang),
            "certainty": _certainty(candidate),
            "reason": candidate.reason,
            "quote": candidate.citation.quote,
            "part_quote": candidate.citation.part_quote,
            "locator": _locator(candidate),
        }
        for candidate in found.candidates
    ]
    return {"citation": found.text, "iri": found.iri, "reason": found.reason, "candidates": candidates}


def _certainty(candidate: Candidate) -> str:
    """How sure the reading is; what is only near what was read is probable at best."""
    citation = candidate.citation
    is_read = candidate.iri in {citation.iri, *citation.alternatives}
    return "probable" if citation.certainty == "certain" and not is_read else citation.certainty


def _locator(candidate: Candidate) -> str:
    if candidate.iri.startswith(f"{BASE}document/"):
        return candidate.iri.removeprefix(f"{BASE}document/").partition("/")[2]
    try:
        return str(parse_part(candidate.iri)[1])
    except InvalidName:
        return ""  # a target has none


def _plain(value: Any) -> str:
    """A value of a row as the text of a cell.

    >>> [_plain(value) for value in (None, True, 15, ["a", "b"])]
    ['', 'true', '15', 'a b']
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return " ".join(value)
        case _:
            return str(value)


def read_page(reading: Reading, known: Container[str] | None, most: int) -> Mapping[str, Any]:
    """What a page shows: the first `most` citations, with names in the language of the text, and all counts."""
    first = Reading(reading.text, reading.language, reading.guessed, reading.citations[:most])
    rows = [
        {
            **row,
            "label": name_of(citation.iri, citation, reading.language) if citation.iri else "",
            "others": [
                {"path": address(iri), "label": name_of(iri, citation, reading.language)}
                for iri in citation.alternatives[:_OTHERS]
            ],
        }
        for row, citation in zip(make_rows(first, known), first.citations, strict=True)
    ]
    return {
        "language": reading.language,
        "guessed": reading.guessed,
        "citations": rows,
        "counts": reading.counts,
        "total": len(reading.citations),
    }
