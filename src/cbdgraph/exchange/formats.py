"""A terminology and the name of a format in, a file out; the one list of formats, for the command and the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.exchange.markup import NO_XML
from cbdgraph.exchange.skos import skos_lines, skosxl_lines
from cbdgraph.exchange.tables import NAMES, rows_of, write_csv, write_csv_archive
from cbdgraph.exchange.tbx import Style, write_tbx
from cbdgraph.exchange.workbook import write_workbook
from cbdgraph.namespaces import BASE
from cbdgraph.store.convert import convert
from cbdgraph.terminology.terms import Terminology

# What is written, in which languages (None: all), and what it is, for a line that says so.
Write = Callable[[Terminology, Sequence[str] | None, str], bytes]

_RDF: Final = {
    "ttl": "text/turtle",
    "rdf": "application/rdf+xml",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
}
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the name of its file, its media type, what it is, and how it is written."""

    file: str
    media_type: str
    title: str
    write: Write


def _tbx(style: Style) -> Write:
    return lambda terminology, _, origin: write_tbx(terminology, style, origin)


def _rdf(media_type: str, *, with_resources: bool) -> Write:
    def write(terminology: Terminology, _: Sequence[str] | None, __: str) -> bytes:
        lines = skosxl_lines(terminology) if with_resources else skos_lines(terminology)
        if media_type == _RDF["rdf"]:
            lines = (NO_XML.sub("\ufffd", line) for line in lines)
        return convert(lines, media_type)

    return write


def _csv(name: str) -> Write:
    return lambda terminology, _, __: write_csv(name, rows_of(terminology)[name])


def _workbook(terminology: Terminology, languages: Sequence[str] | None, origin: str) -> bytes:
    about = (
        f"Terms of {BASE}term{f', {origin}' if origin else ''}\n"
        "Sheets: terms, labels, definitions (a row for each language of a wording), features.\n"
        "Short names stand for IRIs under the base; several values in a cell stand between | and blanks.\n"
        "An empty cell says that there is nothing. A row that is taken out changes nothing.\n"
        "Read it again with: cbdgraph terms import FILE. All of it: docs/exchange.md"
    )
    return write_workbook(rows_of(terminology), languages, about)


FORMATS: Final[Mapping[str, Format]] = {
    "tbx": Format("terms.tbx", "application/x-tbx+xml", "TBX-Basic, style DCA", _tbx("dca")),
    "tbx-2008": Format("terms-2008.tbx", "application/x-tbx+xml", "TBX-Basic of 2008 (martif)", _tbx("2008")),
    "tbx-dct": Format("terms-dct.tbx", "application/x-tbx+xml", "TBX-Basic, style DCT", _tbx("dct")),
    **{
        f"{name}-{ending}": Format(
            f"{name}.{ending}", media_type, f"{title} as {media_type}", _rdf(media_type, with_resources=is_xl)
        )
        for name, title, is_xl in (("skos", "SKOS", False), ("skosxl", "SKOS-XL", True))
        for ending, media_type in _RDF.items()
    },
    "xlsx": Format("terms.xlsx", _XLSX, "an Excel workbook", _workbook),
    "csv": Format(
        "tables.zip",
        "application/zip",
        "the tables as CSV, in one archive",
        lambda terminology, _, __: write_csv_archive(rows_of(terminology)),
    ),
    **{f"{name}-csv": Format(f"{name}.csv", "text/csv", f"the table {name} as CSV", _csv(name)) for name in NAMES},
}
# Other names of formats, as people say them.
ALIASES: Final[Mapping[str, str]] = {
    "tbx-dca": "tbx",
    "skos": "skos-ttl",
    "skosxl": "skosxl-ttl",
    "zip": "csv",
    **{f"{name}.csv": f"{name}-csv" for name in NAMES},
}
FILES: Final[Mapping[str, str]] = {form.file: name for name, form in FORMATS.items()}


def find_format(name: str) -> Format | None:
    """The format of a name, of an alias, or of the name of its file."""
    return FORMATS.get(ALIASES.get(name, FILES.get(name, name)))
