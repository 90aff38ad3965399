"""Tables for people: columns and rows of plain values in, CSV or an Excel workbook out; asks no store.

The same rows are the same bytes, whenever and wherever they are written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from cbdgraph.model import Iri, Text

Value = str | int | float | bool

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_NO_TIME: Final = datetime(1980, 1, 1)  # the first that a ZIP archive can tell
_SHEET_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONGEST_CELL: Final = 32_767  # characters, and
_LONGEST_TITLE: Final = 31  # of a sheet, by the limits of Excel


def plain(text: str, datatype: str = "") -> Value:
    """What a literal says as a plain value: numbers and booleans as such, all else, and what is ill-typed, as text.

    >>> plain("15", "http://www.w3.org/2001/XMLSchema#integer"), plain("15")
    (15, '15')
    """
    try:
        match datatype.removeprefix(_XSD):
            case "integer" | "int" | "nonNegativeInteger" | "positiveInteger":
                return int(text)
            case "decimal":
                number = float(text)
                return int(number) if number.is_integer() and "e" not in text else number
            case "boolean":
                return text in {"true", "1"}
    except ValueError:
        pass
    return text


def plain_term(term: Iri | Text | None) -> Value | None:
    """A term as a plain value; an IRI is a text, None stays None."""
    if isinstance(term, Text):
        return plain(term.value, term.datatype.value if term.datatype else "")
    return None if term is None else term.value


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Value | None]]) -> bytes:
    r"""CSV by RFC 4180 in UTF-8 without a mark of the order of bytes; None is empty, booleans are true and false.

    >>> write_csv(["a", "b"], [[1, "x,y"], [True, None]])
    b'a,b\r\n1,"x,y"\r\ntrue,\r\n'
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([str(value).lower() if isinstance(value, bool) else value for value in row] for row in rows)
    return out.getvalue().encode()


def write_workbook(title: str, columns: Sequence[str], rows: Iterable[Sequence[Value | None]]) -> bytes:
    """A workbook with one sheet; what a cell cannot hold becomes a space, or is cut at its limit."""
    from openpyxl import Workbook  # loads slowly, and few ask for it

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:_LONGEST_TITLE])
    sheet.append(list(columns))
    for row in rows:
        sheet.append([make_text_cell(sheet, value) if isinstance(value, str) else value for value in row])
    return save_workbook(book)


def settle_cell(text: str) -> str:
    """What a cell of a workbook can hold of a text."""
    return _SHEET_FORBIDDEN.sub(" ", text)[:_LONGEST_CELL]


def make_text_cell(sheet: Any, text: str) -> Any:
    """A cell of a sheet that is written only; a text that begins with = is no formula."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, settle_cell(text))
    cell.data_type = "s"
    return cell


def save_workbook(book: Any) -> bytes:
    """A workbook of openpyxl without the time of writing and packing: the same tables give the same bytes."""
    from openpyxl.writer.excel import ExcelWriter

    book.properties.created = book.properties.modified = _NO_TIME
    with io.BytesIO() as made, io.BytesIO() as target:
        with ZipFile(made, "w") as archive:
            ExcelWriter(book, archive).save()
        with ZipFile(made) as archive, ZipFile(target, "w") as fixed:
            for name in archive.namelist():
                fixed.writestr(ZipInfo(name), archive.read(name), ZIP_DEFLATED)
        return target.getvalue()
