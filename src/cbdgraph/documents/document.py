"""What a document is once it is read: its plain text, and blocks that know their place in it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cbdgraph.locators import Locator

_NOWHERE: Final = Locator()

Kind = Literal["heading", "paragraph", "list-item", "cell", "footnote", "page-head", "bullet"]


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, item, heading, cell or note.

    `start` and `end` count characters of `Document.text`; `number` is as printed and not part of `text`. `locator` is
    empty in the title block and for what has no place; `section` is the section of a paragraph that is numbered
    throughout the text. `page` counts from 1, 0 if unknown. `row` and `column` are of cells and count from 1; the
    heads of the columns are row 0. `level` is the depth of a heading or list, from 0.
    """

    kind: Kind
    text: str
    locator: Locator
    start: int
    end: int
    number: str = ""
    section: Locator = _NOWHERE
    page: int = 0
    row: int = 0
    column: int = 0
    level: int = 0
    rtl: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read; `path` and `sha256` name the file, `warnings` what a person should look at.

    `document.text[block.start:block.end] == block.text` for every block. `encoding` is empty for formats that name
    their own; `language_hint` is one of `en fr es ru zh ar`, empty when the words do not tell.
    """

    path: str
    media_type: str
    encoding: str
    encoding_guessed: bool
    language_hint: str
    title: str
    text: str
    blocks: tuple[Block, ...]
    warnings: tuple[str, ...]
    sha256: str
