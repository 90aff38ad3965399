"""PDF to pieces through its text layer; refuses scans and locked files, says what to do. Runs and fetches nothing."""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from pdfminer.converter import PDFLayoutAnalyzer
from pdfminer.layout import LTChar, LTComponent, LTContainer, LTCurve, LTImage, LTLine, LTPage, LTRect
from pdfminer.pdfcolor import PDFColorSpace
from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError, PDFNoValidXRef, PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfminer.pdffont import PDFFont
from pdfminer.pdfinterp import PDFGraphicState, PDFPageInterpreter, PDFResourceManager
from pdfminer.pdfpage import PDFPage
from pdfminer.pdfparser import PDFParser
from pdfminer.psexceptions import PSException
from pdfminer.utils import Matrix, translate_matrix

from cbdgraph.documents.forms import load_forms
from cbdgraph.documents.grid import Rule
from cbdgraph.documents.limits import MAX_GLYPHS, MAX_MEMBER_BYTES, MAX_PAGES
from cbdgraph.documents.lines import Glyph
from cbdgraph.documents.pieces import Manuscript
from cbdgraph.documents.sheets import Sheet, read_sheets
from cbdgraph.errors import DocumentError

logging.getLogger("pdfminer").setLevel(logging.ERROR)  # what it warns of is told by `Document.warnings`

_OCR: Final = "run character recognition first, for example: ocrmypdf"
_AGAIN: Final = "download it again, or print it to a new PDF"
# What the library raises on a broken file besides its own errors: it trusts the types and places that a file states.
_BROKEN: Final = (
    PDFException, PSException, ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError,
    NotImplementedError, OSError, RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
_STREAM: Final = re.compile(rb"stream\r?\n")
_UNMAPPED: Final = re.compile(r"\(cid:\d+\)")


def read_pdf(content: bytes, name: str) -> tuple[str, Manuscript]:
    """The plain text of a PDF, and its pieces; `DocumentError` for scans, locked and broken files."""
    _check_streams(content, name)
    try:
        sheets, images = _read_pages(content, name)
    except (PDFPasswordIncorrect, PDFEncryptionError) as error:
        raise DocumentError(name, "it is encrypted", "save it without a password") from error
    except _BROKEN as error:
        raise DocumentError(name, f"the file is broken ({type(error).__name__})", _AGAIN) from error
    if not sheets:
        raise DocumentError(name, "the file is broken: it has no pages", _AGAIN)
    signs = sum(len(sheet.glyphs) for sheet in sheets)
    if signs < 5 * len(sheets) and (images or not signs):
        raise DocumentError(name, "it is a scan: its pages are images without text", f"{_OCR} {name} text.pdf")
    unmapped = sum(bool(_UNMAPPED.fullmatch(glyph.text)) for sheet in sheets for glyph in sheet.glyphs)
    if unmapped > signs * 0.2:
        raise DocumentError(
            name, "its fonts do not say which letters they print", f"{_OCR} --force-ocr {name} text.pdf"
        )
    manuscript = read_sheets(sheets, load_forms())
    empty = [sheet.number for sheet in sheets if not sheet.glyphs and not sheet.tables]
    if empty:
        pages = ", ".join(map(str, empty[:10]))
        manuscript.warn(f"no text on page{'s' if empty[1:] else ''} {pages}{' …' if empty[10:] else ''}")
    if unmapped:
        manuscript.warn(f"{unmapped} signs could not be read")
    return manuscript.text, manuscript


def _read_pages(content: bytes, name: str) -> tuple[list[Sheet], int]:
    """The signs and rules of every page, and how many images there are."""
    try:
        document = PDFDocument(PDFParser(io.BytesIO(content)))
    except PDFNoValidXRef as error:
        raise DocumentError(name, "the file is broken: its table of contents is missing", _AGAIN) from error
    if not document.is_extractable:
        raise DocumentError(name, "it is locked: its text may not be copied", "ask for a copy that is not")
    manager = PDFResourceManager()
    device = _Device(manager)
    interpreter = PDFPageInterpreter(manager, device)
    sheets: list[Sheet] = []
    images = 0
    for number, page in enumerate(PDFPage.create_pages(document), 1):
        if number > MAX_PAGES:
            raise DocumentError(name, f"more than {MAX_PAGES} pages", "split it")
        interpreter.process_page(page)
        sheet = Sheet(number, [], [], [])
        for component in _components(device.page):
            images += isinstance(component, LTImage)
            _put(component, sheet)
            if len(sheet.glyphs) > MAX_GLYPHS:
                raise DocumentError(name, f"more than {MAX_GLYPHS} signs on page {number}", "split it")
        sheets.append(sheet)
    return sheets, images


class _Device(PDFLayoutAnalyzer):
    """Keeps the page that was drawn last, without the library's own layout analysis."""

    page: LTPage

    def receive_layout(self, ltpage: LTPage) -> None:
        self.page = ltpage

    def render_char(
        self,
        matrix: Matrix,
        font: PDFFont,
        fontsize: float,
        scaling: float,
        rise: float,
        cid: int,
        ncs: PDFColorSpace,
        graphicstate: PDFGraphicState,
    ) -> float:
        """As the library does, but with the rise of raised signs in their matrix, where it can be seen."""
        raised = translate_matrix(matrix, (0, rise))
        return super().render_char(raised, font, fontsize, scaling, 0, cid, ncs, graphicstate)


def _components(holder: LTComponent) -> Iterator[LTComponent]:
    stack = [holder]
    while stack:
        component = stack.pop()
        if isinstance(component, LTContainer):
            stack.extend(reversed(list(component)))
        else:
            yield component


def _put(component: LTComponent, sheet: Sheet) -> None:
    """Keep a sign or a rule; signs that are turned, as watermarks are, are left out."""
    if isinstance(component, LTChar):
        a, b, *_, base = component.matrix
        if abs(b) > abs(a) or not component.get_text():
            return
        bold = "bold" in component.fontname.lower() or "black" in component.fontname.lower()
        text = component.get_text().replace("\u00a0", " ")
        sheet.glyphs.append(Glyph(text, component.x0, component.x1, base, max(component.size, 0.1), bold))
    elif isinstance(component, (LTRect, LTLine, LTCurve)):
        wide, high = component.width, component.height
        if wide < 3 and high > 4:
            sheet.down.append(Rule(component.x0, component.y0, component.y1))
        elif high < 3 and wide > 4:
            sheet.across.append(Rule(component.y0, component.x0, component.x1))
        elif isinstance(component, LTRect):
            sheet.down += [Rule(x, component.y0, component.y1) for x in (component.x0, component.x1)]
            sheet.across += [Rule(y, component.x0, component.x1) for y in (component.y0, component.y1)]


def _check_streams(content: bytes, name: str) -> None:
    """Refuse a file with a stream that unpacks to more than any page needs, before it is unpacked as a whole."""
    for found in _STREAM.finditer(content):
        unpacker = zlib.decompressobj()
        size = 0
        data = content[found.end() : found.end() + 65_536]
        if data[:1] != b"\x78":
            continue
        end = found.end()
        try:
            while data and not unpacker.eof:
                size += len(unpacker.decompress(data, 2**20))
                if size > MAX_MEMBER_BYTES:
                    raise DocumentError(
                        name, "a part unpacks to far more than it should", "do not open it: it may be a trap"
                    )
                if not (data := unpacker.unconsumed_tail):
                    end += 65_536
                    data = content[end : end + 65_536]
        except zlib.error:
            continue
