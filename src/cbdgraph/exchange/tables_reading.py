"""Tables of a spreadsheet in, records and faults out, each fault with its line or cell; `tables` has their layout."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.exchange.records import (
    FIELDS,
    LABEL_KINDS,
    Fault,
    Field,
    Kind,
    Reading,
    Record,
    Value,
    lengthen,
    shorten,
)
from cbdgraph.exchange.tables import COLUMNS, FORMULA, FROM_ROW, MARK, NAMES, TAGGED, feature_iri
from cbdgraph.exchange.values import read_value
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE

_NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "term": ("term",),
    "label": ("term", "kind", "text"),
    "definition": ("term", "wording"),
    "feature": ("term", "definition", "dimension", "value"),
}
MAX_BYTES: Final = 64 * 2**20
MAX_CELL: Final = 1_000_000
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*\Z")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a file: its text, where it is, and why it cannot be used, "" for one that can."""

    text: str
    place: str
    fault: str = ""


Row = Sequence[Cell]


def read_csv(content: bytes, name: str = "") -> Reading:
    """What one table says; which one its columns tell."""
    rows, faults = _csv_rows(content, name)
    if faults:
        return Reading(faults=tuple(faults))
    table = _table_of([cell.text for cell in rows[0]])
    if not table:
        reason = f"the columns are those of no table; see docs/exchange.md: {', '.join(NAMES)}"
        return Reading(faults=(Fault(rows[0][0].place, reason),))
    return read_tables({table: rows})


def read_csv_archive(content: bytes) -> Reading:
    """What the tables in a ZIP archive say; nothing else may be in it."""
    tables: dict[str, list[Row]] = {}
    faults: list[Fault] = []
    try:
        for name, data in unpack(content, MAX_BYTES):
            stem = name.rpartition("/")[2].removesuffix(".csv")
            if stem not in NAMES or not name.endswith(".csv"):
                faults.append(Fault(name, f"is none of {', '.join(f'{each}.csv' for each in NAMES)}; take it out"))
                continue
            rows, found = _csv_rows(data, f"{stem}.csv")
            faults += found
            if not found:
                tables[stem] = rows
    except ArchiveFault as error:
        return Reading(faults=(error.fault,))
    if faults:
        return Reading(faults=tuple(faults))
    return read_tables(tables)


class ArchiveFault(Exception):
    """An archive that is not opened: `fault` says why. Never leaves this package."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(place, reason)


def unpack(content: bytes, limit: int) -> Iterator[tuple[str, bytes]]:
    """Files of an archive by name; all together have no more than `limit` bytes, whatever the archive says."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > 1000:
                raise ArchiveFault("", "there are more than 1000 files in the archive")
            for member in members:
                if member.is_dir():
                    continue
                if member.flag_bits & 1:
                    raise ArchiveFault(member.filename, "is encrypted; save it without a password")
                with archive.open(member) as file:
                    data = file.read(limit + 1)
                limit -= len(data)
                if limit < 0:
                    raise ArchiveFault(member.filename, "unpacked, the files are over the limit; split them")
                yield member.filename, data
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        OSError,
        NotImplementedError,
        EOFError,
        UnicodeError,
    ) as error:
        raise ArchiveFault("", "the archive is broken; save it again") from error


def _csv_rows(content: bytes, name: str) -> tuple[list[Row], list[Fault]]:
    where = f"{name} " if name else ""
    if len(content) > MAX_BYTES:
        return [], [Fault(name, f"is over {MAX_BYTES // 2**20} MiB; split it")]
    try:
        text = content.decode("utf-8").removeprefix(MARK)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"not UTF-8 at byte {error.start}; save it as CSV UTF-8"
        return [], [Fault(f"{where}line {line}", reason)]
    rows: list[Row] = []
    line = 1
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if any(row):
                place = f"{where}line {line}"
                rows.append(
                    [
                        Cell(
                            cell[1:] if FORMULA.match(cell[1:]) and cell[0] == "'" else cell,
                            place,
                            "it holds a character that no text can hold" if "\0" in cell else "",
                        )
                        for cell in row
                    ]
                )
            line = reader.line_num + 1
    except csv.Error as error:
        return [], [Fault(f"{where}line {line}", f"not CSV: {error}")]
    return (rows, []) if rows else ([], [Fault(name, "is empty")])


def _table_of(columns: Sequence[str]) -> str:
    """The table that has these columns: all that it needs, and none that it does not have."""
    names = {column.strip() for column in columns}
    fitting = [name for name, kind in NAMES.items() if set(_NEEDED[kind]) <= names and names & set(COLUMNS[name])]
    return max(fitting, key=lambda name: len(names & set(COLUMNS[name])), default="")


def read_tables(tables: Mapping[str, Sequence[Row]]) -> Reading:
    """What tables say; the first row of each has its columns."""
    reader = _Reader()
    for name in NAMES:
        if tables.get(name):
            reader.table(name, tables[name])
    return Reading(tuple(reader.records.values()), tuple(reader.faults))


class _Reader:
    """Collects records, and where each was said first."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.faults: list[Fault] = []

    def table(self, name: str, rows: Sequence[Row]) -> None:
        """All rows of a table."""
        columns = [cell.text.strip() for cell in rows[0]]
        while columns and not columns[-1]:
            columns.pop()
        kind = NAMES[name]
        problems = [
            *(f"{each!r} is no column of {name}" for each in columns if each not in COLUMNS[name]),
            *(f"the column {each!r} is there twice" for each in sorted({c for c in columns if columns.count(c) > 1})),
            *(f"the column {each!r} is missing" for each in _NEEDED[kind] if each not in columns),
        ]
        if problems:
            known = f"; the columns are {', '.join(COLUMNS[name])}"
            self.faults += [Fault(rows[0][0].place, problem + known) for problem in problems]
            return
        for row in rows[1:]:
            if any(cell.text or cell.fault for cell in row):
                self._row(kind, columns, row)

    def _row(self, kind: Kind, columns: list[str], row: Row) -> None:
        before = len(self.faults)
        for cell in row[len(columns) :]:
            if cell.text:
                self.faults.append(Fault(cell.place, "there are more cells than columns; a quote may be missing"))
        cells = dict(zip(columns, row, strict=False))
        place = row[0].place
        self.faults += [Fault(cell.place, cell.fault) for cell in cells.values() if cell.fault]
        for name in _NEEDED[kind]:
            if not (cells[name].text.strip() if name in cells else ""):
                self.faults.append(Fault(cells[name].place if name in cells else place, f"{name} is empty"))
        if len(self.faults) > before:
            return
        said = {name: cell.text for name, cell in cells.items()}
        fields: dict[str, tuple[Value, ...]] = {}
        for name, field in FIELDS[kind].items():
            if name in cells and name not in FROM_ROW:
                fields[name] = self._values(field, cells[name])
        language = said.get("language", "").strip()
        if language and not _LANGUAGE.match(language):
            self.faults.append(
                Fault(cells["language"].place, f"{language[:40]!r} is no language tag; write en or zh-Hans")
            )
        if kind == "label" and said["kind"].strip() not in LABEL_KINDS:
            self.faults.append(Fault(cells["kind"].place, f"kind is one of {', '.join(LABEL_KINDS)}"))
        try:
            record = self._record(kind, said, fields, language, place) if len(self.faults) == before else None
        except InvalidName as error:
            self.faults.append(Fault(place, f"{error.text[:80]!r}: {error.reason}"))
            return
        if record is not None:
            self._add(record)

    def _record(
        self, kind: Kind, said: Mapping[str, str], fields: dict[str, tuple[Value, ...]], language: str, place: str
    ) -> Record:
        term = Iri(lengthen(said["term"].strip(), "term/")).value
        iri = Iri(lengthen(said["iri"].strip())).value if said.get("iri", "").strip() else ""
        number = len(self.records)
        match kind:
            case "term":
                return Record(kind, term, "", fields, place)
            case "label":
                fields["text"] = (Text(said["text"], language),)
                fields["kind"] = (Text(said["kind"].strip()),)
                return Record(kind, iri or f"#{term}/{number}", term, fields, place)
            case "definition":
                slug = said.get("definition", "").strip()
                key = Iri(lengthen(slug, f"{term.removeprefix(BASE)}/definition/")).value if slug else ""
                fields["wording"] = (Text(said["wording"], language),)
                return Record(kind, key or f"#{term}/definition/{number}", term, fields, place)
            case "feature":
                start = f"{term.removeprefix(BASE)}/definition/"
                definition = Iri(lengthen(said["definition"].strip(), start)).value
                dimension = Iri(lengthen(said["dimension"].strip(), "feature/"))
                fields["dimension"] = (dimension,)
                return Record(kind, iri or feature_iri(definition, dimension.value), definition, fields, place)

    def _add(self, record: Record) -> None:
        known = self.records.get(record.key)
        if known is None:
            self.records[record.key] = record
            return
        if record.kind != "definition" or known.kind != "definition":
            self.faults.append(Fault(record.place, f"{shorten(record.key)} is there already, at {known.place}"))
            return
        spoken = {text.language for text in known.texts("wording")}
        if record.texts("wording")[0].language in spoken:
            reason = f"{shorten(record.key)} has a wording in this language already, at {known.place}"
            self.faults.append(Fault(record.place, reason))
        for name, values in record.fields.items():
            if name != "wording" and values != known.fields.get(name, ()):
                reason = f"{name} is not what it is at {known.place}; rows of one definition say the same"
                self.faults.append(Fault(record.place, reason))
        fields = {**known.fields, "wording": (*known.texts("wording"), *record.texts("wording"))}
        self.records[record.key] = Record(known.kind, known.key, known.owner, fields, known.place)

    def _values(self, field: Field, cell: Cell) -> tuple[Value, ...]:
        values: list[Value] = []
        for text in _split(cell.text) if field.many else [cell.text]:
            if not text or (field.type not in {"text", "words"} and not text.strip()):
                continue
            language = ""
            tagged = TAGGED.match(text) if field.type == "text" else None
            if tagged:
                language, text = tagged[1], text[tagged.end() :]
            value, reason = read_value(field, text, language)
            if value is None:
                self.faults.append(Fault(cell.place, f"{field.name}: {reason}"))
            else:
                values.append(value)
        return tuple(values)


def _split(text: str) -> Iterator[str]:
    r"""The values of a cell.

    >>> list(_split(r"a | b\|c | \\"))
    ['a', 'b|c', '\\']
    """
    if not text:
        return
    value: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            value.append(text[at + 1])
            at += 2
        elif text.startswith(" | ", at):
            yield "".join(value)
            value = []
            at += 3
        else:
            value.append(text[at])
            at += 1
    yield "".join(value)
