r"""A terminology in, tables for spreadsheets out; `tables_reading` reads them.

Four tables: terms, labels, definitions (a row for each language of a wording), features. IRIs are short: what stands
after the base, or after where the IRIs of a column begin. Several values in a cell stand between ` | `; in them a
sign `|` is `\|`, and `\` is `\\`. A text with a language begins with `[en] ` unless a column of its own has it.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from cbdgraph.exchange.records import FIELDS, Field, Kind, Record, Value, records_of, shorten
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE
from cbdgraph.terminology.terms import Terminology

NAMES: Final[Mapping[str, Kind]] = {
    "terms": "term",
    "labels": "label",
    "definitions": "definition",
    "features": "feature",
}
# The columns that say which thing a row is about, and those that must be filled.
_FIRST: Final[Mapping[Kind, tuple[str, ...]]] = {
    "term": ("term",),
    "label": ("term", "language", "kind", "text"),
    "definition": ("term", "definition", "language", "wording"),
    "feature": ("term", "definition", "dimension", "value"),
}
FROM_ROW: Final = frozenset({"text", "wording", "dimension"})
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    name: (
        *_FIRST[kind],
        *(each for each in FIELDS[kind] if each not in FROM_ROW and each not in _FIRST[kind]),
        *(("iri",) if kind in {"label", "feature"} else ()),
    )
    for name, kind in NAMES.items()
}
MARK: Final = "\ufeff"
# What a spreadsheet takes for a formula, behind any apostrophes: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
TAGGED: Final = re.compile(r"\[([A-Za-z0-9-]*)\] ")


def rows_of(terminology: Terminology) -> dict[str, list[list[str]]]:
    """The rows of each table by its name, without the line of columns."""
    tables: dict[str, list[list[str]]] = {name: [] for name in NAMES}
    names = {kind: name for name, kind in NAMES.items()}
    terms: dict[str, str] = {}
    for record in records_of(terminology):
        if record.kind == "definition":
            terms[record.key] = record.owner
        name = names[record.kind]
        tables[name] += _rows(record, COLUMNS[name], terms.get(record.owner, record.owner))
    return tables


def _rows(record: Record, columns: tuple[str, ...], term: str) -> Iterator[list[str]]:
    said = {name: _cell(field, record.fields.get(name, ())) for name, field in FIELDS[record.kind].items()}
    said["term"] = shorten(record.key if record.kind == "term" else term, "term/")
    match record.kind:
        case "label":
            text = record.texts("text")[0]
            said |= {"language": text.language, "text": text.value, "kind": record.texts("kind")[0].value}
            said["iri"] = shorten(record.key) if record.is_named else ""
        case "definition":
            said["definition"] = _short_definition(record.key, record.owner)
            for text in record.texts("wording"):
                said |= {"language": text.language, "wording": text.value}
                yield [said[name] for name in columns]
            return
        case "feature":
            dimension = said["dimension"]
            said["definition"] = _short_definition(record.owner, term)
            said["iri"] = "" if record.key == feature_iri(record.owner, record.iris("dimension")[0]) else record.key
            said["dimension"] = dimension
    yield [said[name] for name in columns]


def _short_definition(iri: str, term: str) -> str:
    """The last step of a definition's IRI, the whole IRI where it does not begin with that of its term."""
    return shorten(iri, f"{term.removeprefix(BASE)}/definition/") if iri.startswith(f"{term}/definition/") else iri


def feature_iri(definition: str, dimension: str) -> str:
    return f"{definition}/{shorten(dimension)}"


def _cell(field: Field, values: tuple[Value, ...]) -> str:
    written = []
    for value in values:
        if isinstance(value, Iri):
            text = shorten(value.value, field.under)
        elif field.type == "text" and (value.language or TAGGED.match(value.value)):
            text = f"[{value.language}] {value.value}"
        else:
            text = value.value
        written.append(text.replace("\\", "\\\\").replace("|", "\\|") if field.many else text)
    return " | ".join(written)


def write_csv(name: str, rows: Iterable[Sequence[str]]) -> bytes:
    """A table as CSV in UTF-8 with its mark, by which Excel knows it; what would be a formula begins with '."""
    out = io.StringIO(newline="")
    out.write(MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS[name])
    writer.writerows([f"'{text}" if FORMULA.match(text) else text for text in row] for row in rows)
    return out.getvalue().encode()


def write_csv_archive(tables: Mapping[str, Iterable[Sequence[str]]]) -> bytes:
    """All tables in one ZIP archive, without the time of packing: the same tables are the same bytes."""
    with io.BytesIO() as made:
        with zipfile.ZipFile(made, "w") as archive:
            for name, rows in tables.items():
                info = zipfile.ZipInfo(f"{name}.csv")
                archive.writestr(info, write_csv(name, rows), zipfile.ZIP_DEFLATED)
        return made.getvalue()
