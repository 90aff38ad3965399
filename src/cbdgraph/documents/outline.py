"""Where each piece of a text stands: pieces in, blocks with locators out; knows forms of marks and no file format.

Two passes. The first reads the marks one after another and keeps, for each piece, the annex, the sections, the
paragraph and the items it stands under. Only then is it known whether paragraphs are numbered throughout a text or
anew in each section, and so what a paragraph is called: `para/6` with its section beside it, or `section/a/para/1`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from cbdgraph.documents.document import Block, Kind
from cbdgraph.documents.forms import ENDS_SENTENCE, Forms, Mark, looks_like_heading
from cbdgraph.documents.naming import Entry, Part, Scope, name_entries
from cbdgraph.documents.numerals import letter_after, roman_label, roman_of
from cbdgraph.documents.pieces import Manuscript, Piece, is_rtl
from cbdgraph.documents.tables import number_rows
from cbdgraph.locators import Locator

# What may stand under what, among headings that begin with a word for their level.
_RANKS: Final = {
    level: rank
    for rank, level in enumerate(
        ("part", "section", "programme-element", "goal", "objective", "target", "activity", "principle", "guideline")
    )
}
_FIRSTS: Final = (("roman", "i"), ("letter", "a"), ("number", "1"))
_MAX_GAP: Final = 10
_MASTHEAD_CELLS: Final = 16


@dataclass(slots=True)
class _Reading:
    """What is open at a place of the text."""

    scope: Scope
    headings: list[tuple[str, Part]] = field(default_factory=list)
    para: Part | None = None
    last_number: int = 0
    fresh_section: bool = True
    items: list[tuple[str, Part]] = field(default_factory=list)
    plain_count: int = 0
    titled: bool = True
    preamble: bool = False
    begun: bool = False

    @property
    def sections(self) -> tuple[Part, ...]:
        return tuple(part for _, part in self.headings)

    def close_para(self) -> None:
        self.para = None
        self.items = []
        self.preamble = False


def outline_pieces(manuscript: Manuscript, text: str, forms: Forms, plain: bool) -> tuple[Block, ...]:
    """The blocks of a text. `plain` says that the format has no headings of its own, so that looks must tell."""
    reader = _Outliner(manuscript, text, forms, plain)
    return reader.read()


class _Outliner:
    """The first pass; one for each document."""

    def __init__(self, manuscript: Manuscript, text: str, forms: Forms, plain: bool) -> None:
        self.manuscript, self.text, self.forms, self.plain = manuscript, text, forms, plain
        self.pieces = number_rows(manuscript.pieces, text)
        self.mastheads = self._find_mastheads()
        self.entries: list[Entry] = []
        self.scopes = [Scope("", "")]
        self.now = _Reading(self.scopes[0])

    def read(self) -> tuple[Block, ...]:
        for piece in self.pieces:
            words = self.text[piece.start : piece.end]
            if piece.role == "page-head" or (piece.role != "cell" and self.forms.is_boilerplate(words)):
                self._add(piece, "page-head", place="none")
            elif piece.role == "footnote":
                self._add(piece, "footnote", place="footnote", number=piece.number)
            elif piece.role == "cell":
                self._add_cell(piece)
            else:
                self._add_text(piece, words)
        return tuple(self._block(*named) for named in name_entries(self.entries, self.scopes, self.manuscript))

    def _add_cell(self, piece: Piece) -> None:
        now = self.now
        if not now.begun and piece.table in self.mastheads:
            self._add(piece, "cell", place="none")
            return
        now.close_para()
        self._add(piece, "cell", place="row")

    def _find_mastheads(self) -> frozenset[int]:
        """The small tables that hold dates, symbols and bodies, as the title block of a paper does."""
        cells: dict[int, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            if piece.table:
                cells[piece.table].append(piece)
        return frozenset(
            table
            for table, held in cells.items()
            if len(held) <= _MASTHEAD_CELLS and any(self.forms.is_front(self.text[c.start : c.end]) for c in held)
        )

    def _add_text(self, piece: Piece, words: str) -> None:
        marked = f"{piece.number} {words}" if piece.number else words
        shift = len(piece.number) + 1 if piece.number else 0
        if mark := self._read_mark(piece, marked):
            self._add_marked(piece, mark, max(mark.end - shift, 0), marked)
        else:
            self._add_unmarked(piece, words)

    def _read_mark(self, piece: Piece, marked: str) -> Mark | None:
        """The mark that a piece begins with, if what stands around it allows it."""
        forms = self.forms
        if mark := forms.find_headed(marked):
            return mark
        if (mark := forms.find_paragraph(marked)) and (piece.number or self._fits(mark, piece)):
            return mark
        if (mark := forms.find_section(marked)) and self._section_label(mark):
            return mark
        if (mark := forms.find_item(marked)) and self._item_fits(mark, piece):
            return mark
        return forms.find_bullet(marked)

    def _fits(self, mark: Mark, piece: Piece) -> bool:
        """Whether a printed number continues the numbers before it, and is not the rest of a broken line."""
        now = self.now
        if mark.form == "dotted":
            return now.para is not None and mark.label.split(".")[0] == now.para.label.split(".")[0]
        number = int(mark.label)
        if number in (now.last_number + 1, 1) or self._continues_list(number):
            return True
        return piece.fresh and now.last_number < number <= now.last_number + _MAX_GAP

    def _continues_list(self, number: int) -> bool:
        """Whether a number continues a numbered list inside a paragraph."""
        return bool(self.now.items) and self.now.items[0] == ("number", Part("item", str(number - 1)))

    def _item_fits(self, mark: Mark, piece: Piece) -> bool:
        """Whether "a." begins an item: only as the first or next of a list."""
        if mark.form == "item" or piece.number:
            return True
        expected = {"a"} | {letter_after(part.label) for _, part in self.now.items}
        return self.now.para is not None and any(label in expected for _, label in mark.readings)

    def _add_marked(self, piece: Piece, mark: Mark, shift: int, marked: str) -> None:
        match mark.form:
            case "annex" | "appendix":
                self._open_scope(piece, mark, marked)
            case "section":
                self._open_section(piece, mark, shift)
            case "para" | "dotted":
                self._open_para(piece, mark, shift)
            case "item" | "lettered":
                self._open_item(piece, mark, shift)
            case "bullet":
                self._add(piece, "bullet", place="bullet", shift=shift, number=mark.printed)
            case level:
                self._open_level(piece, level, mark, shift)

    def _open_scope(self, piece: Piece, mark: Mark, marked: str) -> None:
        scope = Scope(mark.form, mark.label)
        self.scopes.append(scope)
        self.now = _Reading(scope, titled=bool(marked[mark.end :].strip()), begun=True)
        self._add(piece, "heading", number=mark.printed)

    def _open_section(self, piece: Piece, mark: Mark, shift: int) -> None:
        style, label = self._section_label(mark)
        self._push(style, Part("section", label))
        self._add(piece, "heading", shift=shift, number=mark.printed)

    def _section_label(self, mark: Mark) -> tuple[str, str]:
        """The style and label of a numbered heading: I after H is a letter, I at the beginning a numeral."""
        labels = {style: part.label for style, part in self.now.headings}
        for style, label in mark.readings:
            if style == "letter" and label == (letter_after(labels["letter"]) if "letter" in labels else "a"):
                return (style, label)
        return mark.readings[-1]

    def _open_level(self, piece: Piece, level: str, mark: Mark, shift: int) -> None:
        self._push(level, Part(level, mark.label))
        words = self.text[piece.start + shift : piece.end]
        if len(words) > 120 or (words and ENDS_SENTENCE.search(words)):
            self._add(piece, "paragraph", shift=shift, number=mark.printed)
        else:
            self._add(piece, "heading", shift=shift if words else 0, number=mark.printed)

    def _push(self, style: str, part: Part) -> None:
        now = self.now
        styles = [open_style for open_style, _ in now.headings]
        if style in styles:
            del now.headings[styles.index(style) :]
        elif style in _RANKS:
            while now.headings and _RANKS.get(now.headings[-1][0], -1) > _RANKS[style]:
                now.headings.pop()
        now.headings.append((style, part))
        now.close_para()
        now.fresh_section, now.begun, now.titled = True, True, True

    def _open_para(self, piece: Piece, mark: Mark, shift: int) -> None:
        now = self.now
        if piece.role == "heading" and mark.form == "para":
            self._push("decimal", Part("section", mark.label))
            self._add(piece, "heading", shift=shift, number=mark.printed)
            return
        if mark.form == "para":
            number = int(mark.label)
            if self._is_in_list(number):
                now.items = [("number", Part("item", mark.label))]
                self._add(piece, "list-item", place="item", shift=shift, number=mark.printed)
                return
            if number > now.last_number + 1:
                self.manuscript.warn(f"paragraph {number} follows paragraph {now.last_number or 'none'}")
            now.last_number = number
        now.close_para()
        now.para = Part("para", mark.label)
        now.fresh_section, now.begun, now.titled = False, True, True
        self._add(piece, "paragraph", place="para", shift=shift, number=mark.printed)

    def _is_in_list(self, number: int) -> bool:
        """Whether a number belongs to a list inside the open paragraph: one that begins again without a heading."""
        now = self.now
        if now.para is None or number == now.last_number + 1:
            return False
        return self._continues_list(number) or (number <= now.last_number and not now.fresh_section)

    def _open_item(self, piece: Piece, mark: Mark, shift: int) -> None:
        now = self.now
        style, label, depth = self._item_label(mark)
        now.items = [*now.items[:depth], (style, Part("subitem" if depth else "item", label))]
        now.begun = now.titled = True
        self._add(piece, "list-item", place="item", shift=shift, number=mark.printed)

    def _item_label(self, mark: Mark) -> tuple[str, str, int]:
        """Style, label and depth of an item: it continues an open list, or begins one below."""
        now = self.now
        for depth in range(len(now.items) - 1, -1, -1):
            style, part = now.items[depth]
            for reading in mark.readings:
                if reading == (style, _next_label(style, part.label)):
                    return (*reading, depth)
        firsts = [reading for reading in mark.readings if reading in _FIRSTS]
        style, label = firsts[0] if firsts else mark.readings[0]
        styles = [open_style for open_style, _ in now.items]
        return (style, label, styles.index(style) if style in styles else min(len(now.items), 2))

    def _add_unmarked(self, piece: Piece, words: str) -> None:
        now = self.now
        if self.forms.opens_preamble(words) and not now.para and not now.scope.level:
            now.preamble = now.begun = True
            self._add(piece, "paragraph", place="preamble")
        elif self._is_heading(piece, words):
            self._add_heading(piece)
        elif now.preamble:
            self._add(piece, "paragraph", place="preamble")
        elif now.para:
            self._add(piece, "paragraph", place="item" if now.items else "para")
        else:
            if now.begun:
                now.titled = True
            self._add(piece, "paragraph", place="" if now.begun else "none")

    def _is_heading(self, piece: Piece, words: str) -> bool:
        if piece.role in ("heading", "title"):
            return True
        now = self.now
        if not now.begun:
            return False
        if piece.strong and len(words) < 200 and not ENDS_SENTENCE.search(words) and not now.preamble:
            return True
        if not looks_like_heading(words):
            return False
        if not now.titled:
            return True
        return self.plain and bool(now.scope.level) and not now.para and len(words) > 1

    def _add_heading(self, piece: Piece) -> None:
        now = self.now
        if not now.begun:
            self._add(piece, "heading", place="none")
            return
        now.close_para()
        if not now.titled:
            now.titled = True
        elif now.scope.level and all(style == "plain" for style, _ in now.headings):
            now.plain_count += 1
            now.fresh_section = True
            now.headings = [("plain", Part("section", str(now.plain_count), plain=True))]
        self._add(piece, "heading")

    def _add(self, piece: Piece, kind: Kind, *, place: str = "", shift: int = 0, number: str = "") -> None:
        now = self.now
        para = now.para if place in ("para", "item", "bullet") else None
        items = tuple(part for _, part in now.items) if place in ("item", "bullet") else ()
        self.entries.append(
            Entry(piece, kind, now.scope, now.sections, para, items, place, piece.start + shift, number)
        )

    def _block(self, entry: Entry, locator: Locator, section: Locator) -> Block:
        piece = entry.piece
        words = self.text[entry.start : piece.end]
        return Block(
            kind=entry.kind,
            text=words,
            locator=locator,
            start=entry.start,
            end=piece.end,
            number=entry.number,
            section=section,
            page=piece.page,
            row=max(piece.row, 0),
            column=piece.column,
            level=piece.level or max(len(entry.items) - 1, 0),
            rtl=is_rtl(words),
        )


def _next_label(style: str, label: str) -> str:
    if style == "letter":
        return letter_after(label)
    if style == "roman":
        return roman_label(roman_of(label) + 1)
    return str(int(label) + 1)
