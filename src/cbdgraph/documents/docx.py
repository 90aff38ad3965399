""".docx to pieces: paragraphs with the numbers that Word prints, tables, notes, heads of pages. Fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from cbdgraph.documents.numbering import Numbering, Styles, value_of_self
from cbdgraph.documents.package import Package, child_of, is_on, local_name, number_in, value_of
from cbdgraph.documents.pieces import Manuscript, Role
from cbdgraph.errors import DocumentError

_SKIPPED: Final = frozenset(
    {"del", "moveFrom", "instrText", "delText", "delInstrText", "pPr", "rPr", "Fallback", "pict"}
)
_HOLDERS: Final = frozenset(
    {"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "AlternateContent", "Choice"}
)
_BREAKS: Final = {"tab": "\t", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(slots=True)
class _Paragraph:
    """One paragraph as it is read."""

    words: list[str] = field(default_factory=list)
    bold: int = 0
    size: int = 0
    pages: int = 0
    boxes: list[etree._Element] = field(default_factory=list)


def read_docx(content: bytes, name: str) -> tuple[str, Manuscript]:
    """The plain text of a .docx, and its pieces; `DocumentError` if the file is broken or over a limit."""
    package = Package(content, name)
    main = package.main_part()
    root = package.read_tree(main)
    body = child_of(root, "body")
    if body is None:
        raise DocumentError(name, "the file is broken: there is no text in it", "open it in Word and save it again")
    reader = _Reader(package, main)
    reader.read_body(body)
    reader.read_notes()
    reader.read_heads()
    return reader.manuscript.text, reader.manuscript


class _Reader:
    """Writes the parts of a package one after another."""

    def __init__(self, package: Package, main: str) -> None:
        self.package, self.main = package, main
        self.manuscript = Manuscript()
        self.styles = Styles(self._tree("styles"))
        self.numbering = Numbering(self._tree("numbering"), self.styles)
        self.page = 1
        self.paged = False
        self.tables = 0
        self.references: list[tuple[str, str, str]] = []

    def read_body(self, body: etree._Element) -> None:
        """The text itself."""
        self.paged = any(local_name(element) == "lastRenderedPageBreak" for element in body.iter(etree.Element))
        for block in _blocks_of(body):
            if local_name(block) == "tbl":
                self._read_table(block)
            else:
                self._read_paragraph(block)

    def read_notes(self) -> None:
        """Footnotes and endnotes in the order in which the text refers to them, numbered as Word does."""
        trees = {kind: self._notes_by_id(kind) for kind in ("footnote", "endnote")}
        counts = {"footnote": 0, "endnote": 0}
        for kind, identifier, mark in self.references:
            if not mark:
                counts[kind] += 1
                mark = str(counts[kind] + (counts["footnote"] if kind == "endnote" else 0))
            note = trees[kind].get(identifier)
            words = "\n".join(self._plain(block) for block in _blocks_of(note)) if note is not None else ""
            words = words.strip().removeprefix(mark).lstrip(" \t\u00a0") if not mark.isdecimal() else words
            self.manuscript.add(words, "footnote", number=mark)

    def read_heads(self) -> None:
        """Heads and feet of pages, each text once."""
        seen: set[str] = set()
        for kind in ("header", "footer"):
            for part in self.package.related(self.main, kind):
                root = self.package.read_tree(part)
                words = " ".join(self._plain(block) for block in _blocks_of(root)) if root is not None else ""
                if words.strip() and words not in seen:
                    seen.add(words)
                    self.manuscript.add(words, "page-head")

    def _read_paragraph(self, element: etree._Element) -> None:
        properties = child_of(element, "pPr")
        style = value_of(properties, "pStyle")
        words = self._words_of(element)
        page = self.page if self.paged else 0
        text = "".join(words.words)
        has_text = bool(text.strip())
        number, level = self.numbering.number_of(properties, style) if has_text or _counts(element) else ("", 0)
        role, depth = self._role_of(properties, style)
        strong = has_text and words.bold >= words.size * 0.8
        self.manuscript.add(text, role, number=number, level=depth or level, page=page, strong=strong)
        self.page += words.pages
        for box in words.boxes:
            for block in _blocks_of(box):
                self.manuscript.add(self._plain(block), page=page)

    def _role_of(self, properties: etree._Element | None, style: str) -> tuple[Role, int]:
        outline = number_in(value_of(properties, "outlineLvl"), -1)
        for each in self.styles.chain(style):
            if each.name == "title":
                return "title", 0
            if outline < 0:
                outline = each.outline
            if outline < 0 and each.name.startswith("heading ") and each.name[8:].isdecimal():
                outline = int(each.name[8:]) - 1
        return ("heading", outline + 1) if 0 <= outline < 9 else ("", 0)

    def _read_table(self, table: etree._Element) -> None:
        self.tables += 1
        rows = list(_inside(table, "tr"))
        heads = next((at for at, row in enumerate(rows) if not is_on(child_of(row, "trPr"), "tblHeader")), 0)
        page = self.page if self.paged else 0
        number = 0
        for at, row in enumerate(rows):
            number = 0 if at < heads else number + 1
            column = 1 + number_in(value_of(row, "trPr", "gridBefore"))
            for cell in _inside(row, "tc"):
                properties = child_of(cell, "tcPr")
                merged = child_of(properties, "vMerge") is not None
                if not merged or value_of(properties, "vMerge") == "restart":
                    words = "\n".join(filter(None, (self._plain(block) for block in _flat_blocks(cell))))
                    self.manuscript.add(words, "cell", page=page, table=self.tables, row=number, column=column)
                column += max(1, min(number_in(value_of(properties, "gridSpan"), 1), 100))

    def _plain(self, element: etree._Element) -> str:
        """A paragraph as text, with its automatic number."""
        words = "".join(self._words_of(element).words).strip()
        properties = child_of(element, "pPr")
        number, _ = self.numbering.number_of(properties, value_of(properties, "pStyle")) if words else ("", 0)
        return f"{number} {words}" if number else words

    def _words_of(self, element: etree._Element) -> _Paragraph:
        paragraph = _Paragraph()
        style = value_of(element, "pPr", "pStyle")
        bold = any(each.bold for each in self.styles.chain(style))
        for run in _runs_of(element, paragraph):
            properties = child_of(run, "rPr")
            if is_on(properties, "vanish"):
                continue
            words = self._run_words(run, paragraph)
            if value_of(properties, "vertAlign") == "superscript" and words.strip().isdecimal():
                words = words.translate(_RAISED)
            paragraph.words.append(words)
            paragraph.size += len(words.strip())
            if is_on(properties, "b") or (bold and child_of(properties, "b") is None):
                paragraph.bold += len(words.strip())
        return paragraph

    def _run_words(self, run: etree._Element, paragraph: _Paragraph) -> str:
        words: list[str] = []
        custom: list[str] | None = None
        for child in run:
            name = local_name(child)
            if name in ("footnoteReference", "endnoteReference"):
                kind = name.removesuffix("Reference")
                follows = value_of_self(child, "customMarkFollows") in ("1", "true", "on")
                custom = [] if follows else None
                if not follows:
                    self.references.append((kind, value_of_self(child, "id"), ""))
                else:
                    mark = "".join(other.text or "" for other in child.itersiblings() if local_name(other) == "t")
                    self.references.append((kind, value_of_self(child, "id"), mark.strip()))
            elif name == "t":
                (words if custom is None else custom).append(child.text or "")
            elif name == "br":
                is_page = value_of_self(child, "type") == "page"
                paragraph.pages += is_page and not self.paged
                words.append(" " if is_page else "\n")
            elif name == "lastRenderedPageBreak":
                paragraph.pages += 1
            elif name == "sym":
                words.append("•")
            else:
                words.append(_BREAKS.get(name, ""))
        return "".join(words)

    def _notes_by_id(self, kind: str) -> dict[str, etree._Element]:
        root = self._tree(f"{kind}s")
        return {
            value_of_self(note, "id"): note
            for note in (root if root is not None else ())
            if value_of_self(note, "type") in ("", "normal")
        }

    def _tree(self, kind: str) -> etree._Element | None:
        parts = self.package.related(self.main, kind)
        return self.package.read_tree(parts[0]) if parts else None


def _blocks_of(holder: etree._Element) -> Iterator[etree._Element]:
    """The paragraphs and tables right inside, through what only wraps them."""
    for child in holder:
        name = local_name(child)
        if name in ("p", "tbl"):
            yield child
        elif name in _HOLDERS:
            yield from _blocks_of(child)


def _flat_blocks(cell: etree._Element) -> Iterator[etree._Element]:
    """The paragraphs of a cell, those of tables inside it too."""
    for block in _blocks_of(cell):
        if local_name(block) == "p":
            yield block
        else:
            for row in _inside(block, "tr"):
                for inner in _inside(row, "tc"):
                    yield from _flat_blocks(inner)


def _inside(holder: etree._Element, name: str) -> Iterator[etree._Element]:
    for child in holder:
        if local_name(child) == name:
            yield child
        elif local_name(child) in _HOLDERS:
            yield from _inside(child, name)


def _runs_of(holder: etree._Element, paragraph: _Paragraph) -> Iterator[etree._Element]:
    """The runs of a paragraph in order, formulas too; text boxes are kept for later."""
    for child in holder:
        name = local_name(child)
        if name == "r":
            paragraph.boxes.extend(_boxes_of(child))
            yield child
        elif name not in _SKIPPED:
            yield from _runs_of(child, paragraph)


def _boxes_of(run: etree._Element) -> Iterator[etree._Element]:
    for element in run.iter(etree.Element):
        if local_name(element) == "txbxContent" and not any(
            local_name(above) in ("Fallback", "txbxContent") for above in element.iterancestors()
        ):
            yield element


def _counts(element: etree._Element) -> bool:
    """Whether an empty paragraph still takes a number: it does in Word, if it is printed at all."""
    return value_of(element, "pPr", "numPr", "numId") not in ("", "0") and not is_on(element, "pPr", "rPr", "vanish")
