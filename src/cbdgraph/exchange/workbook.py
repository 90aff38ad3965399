"""Tables in, an Excel workbook with a sheet for each out; a workbook in, the tables in it and its faults out.

Every cell is a text, so that nothing is a formula and no year becomes a date. Read are texts, whole numbers and
true or false; a formula is refused, and so is an archive that is too large or holds XML with a document type.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cbdgraph.exchange.markup import MarkupFault, check_xml
from cbdgraph.exchange.records import Fault, Reading
from cbdgraph.exchange.tables import COLUMNS, NAMES
from cbdgraph.exchange.tables_reading import ArchiveFault, Cell, Row, read_tables, unpack
from cbdgraph.namespaces import RIGHT_TO_LEFT
from cbdgraph.store.tables import make_text_cell, save_workbook, settle_cell

_ABOUT: Final = "about"
_WIDE: Final = {"text": 40, "wording": 80, "note": 50, "scopeNote": 50, "place": 40, "source": 40, "term": 28}
_NARROW: Final = 18
MAX_BYTES: Final = 64 * 2**20  # unpacked
_MAX_ROWS: Final = 1_000_000
_XML: Final = re.compile(r"\.(?:xml|rels)\Z", re.IGNORECASE)
_LINE_ENDS: Final = re.compile("\r\n?")


def settle(text: str) -> str:
    """What is left of a text that went through a workbook, where a line has one kind of end."""
    return _LINE_ENDS.sub("\n", settle_cell(text))


def write_workbook(
    tables: Mapping[str, Sequence[Sequence[str]]], languages: Sequence[str] | None, about: str
) -> bytes:
    """A workbook; where all languages that were asked for are written from right to left, its sheets are too."""
    from openpyxl import Workbook  # loads slowly, and few ask for it

    book = Workbook(write_only=True)
    turned = bool(languages) and set(languages or ()) <= RIGHT_TO_LEFT
    sheet = book.create_sheet(_ABOUT)
    sheet.column_dimensions["A"].width = 100
    for line in about.splitlines():
        sheet.append([make_text_cell(sheet, line)])
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        sheet.sheet_view.rightToLeft = turned
        sheet.freeze_panes = "B2"
        for number, column in enumerate(COLUMNS[name]):
            sheet.column_dimensions[chr(ord("A") + number)].width = _WIDE.get(column, _NARROW)
        sheet.append([_bold(sheet, column) for column in COLUMNS[name]])
        language = COLUMNS[name].index("language") if "language" in COLUMNS[name] else -1
        for row in rows:
            right = language >= 0 and row[language] in RIGHT_TO_LEFT
            sheet.append([_cell(sheet, text, right=right) if text else None for text in row])
        if rows:
            sheet.auto_filter.ref = f"A1:{chr(ord('A') + len(COLUMNS[name]) - 1)}{len(rows) + 1}"
    return save_workbook(book)


def _bold(sheet: Any, text: str) -> Any:
    from openpyxl.styles import Font

    cell = make_text_cell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, text: str, *, right: bool) -> Any:
    """A text; in a row of a language that is written from right to left it is set so."""
    cell = make_text_cell(sheet, text)
    if right:
        from openpyxl.styles import Alignment

        cell.alignment = Alignment(readingOrder=2)
    return cell


def read_workbook(content: bytes) -> Reading:
    """What the sheets of a workbook say; a sheet that is no table is a fault, but for the one called about."""
    try:
        for name, data in unpack(content, MAX_BYTES):
            if _XML.search(name):
                check_xml(data)
    except ArchiveFault as error:
        return Reading(faults=(error.fault,))
    except MarkupFault as error:
        return Reading(faults=(Fault(f"{name} {error.fault.place}".strip(), error.fault.reason),))
    tables: dict[str, list[Row]] = {}
    faults: list[Fault] = []
    try:
        for name, rows in _sheets(content):
            if name == _ABOUT:
                continue
            if name not in NAMES:
                faults.append(Fault(f"sheet {name}", f"is none of {', '.join(NAMES)}; rename it or take it out"))
            else:
                tables[name] = rows
    except _Broken as error:
        return Reading(faults=(Fault("", f"not a workbook that can be read: {error}"),))
    if not tables and not faults:
        faults.append(Fault("", f"there is no sheet called {', '.join(NAMES)}"))
    if faults:
        return Reading(faults=tuple(faults))
    reading = read_tables(tables)
    return Reading(reading.records, reading.faults, (), settle)


class _Broken(Exception):
    """What openpyxl lets out on a file that is no workbook."""


def _sheets(content: bytes) -> list[tuple[str, list[Row]]]:
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that it does not know, which nobody needs
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
            return [(sheet.title, _rows(sheet)) for sheet in book.worksheets]
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, SyntaxError) as error:
        raise _Broken(str(error)[:200] or type(error).__name__) from error
    except Exception as error:
        if type(error).__module__.startswith("openpyxl"):
            raise _Broken(str(error)[:200]) from error
        raise


def _rows(sheet: Any) -> list[Row]:
    rows: list[Row] = []
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number > _MAX_ROWS:
            raise _Broken(f"sheet {sheet.title} has over {_MAX_ROWS} rows")
        cells = [_read(cell, f"{sheet.title}!{_column(at)}{number}") for at, cell in enumerate(row)]
        while cells and not cells[-1].text and not cells[-1].fault:
            cells.pop()
        if cells:
            rows.append(cells)
    return rows


def _column(at: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(at + 1))


def _read(cell: Any, place: str) -> Cell:
    value = cell.value
    if value is None:
        return Cell("", place)
    if cell.data_type == "f":
        return Cell("", place, "a formula; put its result there as a value")
    if cell.data_type == "e":
        return Cell("", place, f"the error {value!r}; put a text there")
    if isinstance(value, bool):
        return Cell("true" if value else "false", place)
    if isinstance(value, str):
        return Cell(value, place)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return Cell(str(int(value)), place)
    return Cell("", place, f"a {type(value).__name__}, {value}; format the cell as text and write the text")
