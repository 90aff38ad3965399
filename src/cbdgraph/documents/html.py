"""HTML to pieces: headings, paragraphs, lists with their numbers, tables, notes. Fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from cbdgraph.documents.limits import MAX_DEPTH
from cbdgraph.documents.numerals import format_counter
from cbdgraph.documents.pieces import Manuscript, Role
from cbdgraph.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import ParserTarget

    _Listener = ParserTarget[None]
else:
    _Listener = object

_SKIPPED: Final = frozenset(
    ("script", "style", "template", "noscript", "svg", "math", "object", "iframe", "select", "textarea", "nav")
)
_BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
        "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot",
        "th", "thead", "title", "tr", "ul", "caption",
    }
)  # fmt: skip
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_LIST_FORMS: Final = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_NOTE: Final = re.compile(
    r"(?:\b|_)(?:foot|end)?(?:note|fn|ftn|edn)s?(?:\b|_|\d)|doc-(?:foot|end)note", re.IGNORECASE
)
_NOTE_MARK: Final = re.compile(r"\s*[\[(]?(\d{1,3}|[*†‡]{1,4})[\])]?[.\s\u00a0]\s*")
_REFERENCE: Final = re.compile(r"\s*[\[(]?(?:\d{1,3}|[*†‡]{1,4})[\])]?\s*\Z")
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")


@dataclass(slots=True)
class _List:
    """An open list: how it numbers, and the last number."""

    form: str
    count: int


@dataclass(slots=True)
class _Table:
    """An open table; inner tables write into the cell that holds them."""

    number: int
    row: int = 0
    column: int = 0
    heads: bool = True
    in_cell: bool = False


def read_html(text: str, name: str) -> tuple[str, Manuscript]:
    """The plain text of a page, and its pieces; `DocumentError` if its elements are nested too deeply."""
    target = _Target(name)
    # The text is decoded already: what the page says of its encoding must not be heard again.
    parser = etree.HTMLParser(target=target, no_network=True, encoding="utf-8", huge_tree=True)
    data = text.encode("utf-8", "replace").replace(b"\0", b"")
    try:
        for start in range(0, len(data), 2**16):
            parser.feed(data[start : start + 2**16])
        parser.close()
    except etree.XMLSyntaxError:
        target.manuscript.warn("the page is broken; what could be read was read")
    target.flush()
    return target.manuscript.text, target.manuscript


class _Target(_Listener):
    """Hears of elements as they begin and end; keeps only what is open."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.manuscript = Manuscript()
        self.words: list[str] = []
        self.role: Role = ""
        self.level = 0
        self.number = ""
        self.skipped = self.depth = self.bold = self.letters = self.tables = 0
        self.lists: list[_List] = []
        self.open_tables: list[_Table] = []
        self.notes: list[int] = []
        self.raised: list[tuple[int, bool]] = []
        self.in_title = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise DocumentError(self.name, f"elements are nested more than {MAX_DEPTH} deep", "simplify the page")
        if tag in _SKIPPED:
            self.skipped += 1
        if self.skipped:
            return
        if tag in _BLOCKS:
            self.flush()
        names = " ".join(attributes.get(key, "") for key in ("class", "id", "role", "type", "epub:type"))
        if tag in ("p", "div", "li", "aside", "section") and _NOTE.search(names):
            self.notes.append(self.depth)
        if tag in _HEADINGS:
            self.role, self.level = "heading", _HEADINGS[tag]
        elif tag in ("b", "strong"):
            self.bold += 1
        elif tag == "br":
            self.words.append("\v")
        elif tag == "title":
            self.in_title = True
        elif tag == "sup":
            self.raised.append((len(self.words), bool(_NOTE.search(names))))
        elif tag == "a" and self.raised and _NOTE.search(f"{names} {attributes.get('href', '')}"):
            self.raised[-1] = (self.raised[-1][0], True)
        elif tag in ("ol", "ul"):
            form = _LIST_FORMS.get(attributes.get("type", ""), "decimal") if tag == "ol" else "bullet"
            self.lists.append(_List(form, _number(attributes.get("start", "1")) - 1))
        elif tag == "li" and self.lists:
            self._start_item(attributes)
        else:
            self._start_table_part(tag)

    def end(self, tag: str) -> None:
        if tag in _SKIPPED and self.skipped:
            self.skipped -= 1
        elif not self.skipped:
            self._end(tag)
        if self.notes and self.notes[-1] == self.depth:
            self.notes.pop()
        self.depth -= 1

    def _end(self, tag: str) -> None:
        if tag == "sup" and self.raised:
            self._end_raised()
        if tag in _BLOCKS and tag not in ("title", "td", "th"):
            self.flush()
        if tag in ("b", "strong"):
            self.bold -= 1
        elif tag in ("ol", "ul") and self.lists:
            self.lists.pop()
        elif tag == "title":
            self.in_title = False
        elif tag in ("td", "th") and self.open_tables and self.open_tables[-1].in_cell:
            if len(self.open_tables) == 1:
                self._flush_cell(self.open_tables[0])
            self.open_tables[-1].in_cell = False
        elif tag == "table" and self.open_tables:
            self.open_tables.pop()

    def data(self, words: str) -> None:
        if self.skipped or self.in_title:
            return
        if self.bold and words.strip():
            self.letters += len(words.strip())
        self.words.append(words)

    def close(self) -> None:
        self.flush()

    def flush(self) -> None:
        """Write the paragraph that is open."""
        if self.open_tables and self.open_tables[0].in_cell:
            self.words.append("\v")
            return
        words = _plain(self.words)
        strong = bool(words) and self.letters >= len(words) * 0.8
        role, number = self.role, self.number
        if self.notes and words:
            role, words, number = self._note(words, number)
        if words:
            self.manuscript.add(words, role, number=number, level=self.level, strong=strong)
            self.number = ""
        self.words, self.letters, self.role, self.level = [], 0, "", 0

    def _note(self, words: str, number: str) -> tuple[Role, str, str]:
        """A footnote, or the next paragraph of one."""
        found = _NOTE_MARK.match(words)
        mark = number.rstrip(".") or (found[1] if found else "")
        if not mark and self.manuscript.pieces and self.manuscript.pieces[-1].role == "footnote":
            mark = self.manuscript.pieces[-1].number
        return "footnote", words[found.end() :] if found and not number else words, mark

    def _flush_cell(self, table: _Table) -> None:
        words = _plain(self.words)
        row = 0 if table.heads and table.row == 1 else table.row
        self.manuscript.add(words, "cell", table=table.number, row=row, column=table.column)
        self.words, self.letters = [], 0

    def _start_item(self, attributes: Mapping[str, str]) -> None:
        open_list = self.lists[-1]
        if "value" in attributes:
            open_list.count = _number(attributes["value"]) - 1
        open_list.count += 1
        if open_list.form == "bullet":
            self.number = "•"
        elif open_list.form == "decimal":
            self.number = f"{open_list.count}."
        else:
            closed = open_list.form.startswith("lower")
            number = format_counter(open_list.form, open_list.count)
            self.number = f"({number})" if closed else f"{number}."
        if self.open_tables and self.open_tables[0].in_cell:
            self.words.append(f"{self.number} ")
            self.number = ""

    def _start_table_part(self, tag: str) -> None:
        if tag == "table":
            if not self.open_tables:
                self.tables += 1
            self.open_tables.append(_Table(self.tables))
        elif tag == "tr" and self.open_tables:
            table = self.open_tables[-1]
            table.row, table.column = table.row + 1, 0
        elif tag in ("td", "th") and self.open_tables:
            table = self.open_tables[-1]
            table.column, table.in_cell = table.column + 1, True
            table.heads = table.heads and (tag == "th" or table.row > 1)
            if len(self.open_tables) == 1:
                self.words = []

    def _end_raised(self) -> None:
        """What is raised is the mark of a note, and left out; or an exponent, which must not join a number."""
        start, is_note = self.raised.pop()
        words = "".join(self.words[start:])
        if is_note and _REFERENCE.match(words):
            del self.words[start:]
        elif words.strip().isdecimal():
            self.words[start:] = [words.translate(_RAISED)]


def _plain(words: list[str]) -> str:
    """The text between tags as a browser shows it: runs of blanks are one, `<br>` breaks the line."""
    lines = _BLANKS.sub(" ", "".join(words)).split("\v")
    return "\n".join(line.strip(" ") for line in lines if line.strip(" \u00a0"))


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,6}", text.strip()) else 1
