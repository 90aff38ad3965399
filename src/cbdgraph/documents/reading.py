"""A file to a document: tells its format by its content, reads it, finds its parts. Nothing else touches the disk."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from cbdgraph.documents.document import Block, Document
from cbdgraph.documents.docx import read_docx
from cbdgraph.documents.encoding import decode_bytes
from cbdgraph.documents.forms import Forms, load_forms
from cbdgraph.documents.html import read_html
from cbdgraph.documents.limits import MAX_BLOCKS, MAX_BYTES
from cbdgraph.documents.media import MEDIA_TYPES, find_format
from cbdgraph.documents.outline import outline_pieces
from cbdgraph.documents.pdf import read_pdf
from cbdgraph.documents.pieces import Manuscript
from cbdgraph.documents.text import read_text
from cbdgraph.errors import DocumentError, InvalidName, MissingFile

_NOT_TEXT: Final = "its bytes are not text in any encoding that papers in the six languages use"


def read_document(path: str | Path) -> Document:
    """Read a .txt, .html, .docx or .pdf file; `DocumentError` or `MissingFile` say why one cannot be read."""
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MissingFile(name) from None
    except (OSError, ValueError) as error:
        raise MissingFile(name, getattr(error, "strerror", None) or "it cannot be opened") from error
    return read_bytes(content, name)


def read_bytes(content: bytes, name: str) -> Document:
    """Read a document from its bytes; `name` is what it is called, its ending is only a hint."""
    if len(content) > MAX_BYTES:
        raise DocumentError(name, f"larger than {MAX_BYTES // 2**20} MiB", "split it")
    form, warnings = find_format(content, name)
    forms = load_forms()
    encoding, guessed = "", False
    if form in ("txt", "html"):
        decoded = decode_bytes(content, _declared(content) if form == "html" else "")
        if decoded is None:
            raise DocumentError(name, _NOT_TEXT, "save it as UTF-8")
        encoding, guessed = decoded.encoding, decoded.guessed
        if guessed:
            warnings.append(f"the encoding {encoding} was guessed")
        if decoded.lossy:
            warnings.append("some characters could not be read")
        text, manuscript = read_text(decoded.text, forms) if form == "txt" else read_html(decoded.text, name)
    else:
        text, manuscript = read_docx(content, name) if form == "docx" else read_pdf(content, name)
    if len(manuscript.pieces) > MAX_BLOCKS:
        raise DocumentError(name, f"more than {MAX_BLOCKS} paragraphs", "split it")
    if not manuscript.pieces:
        raise DocumentError(name, "there is no text in it")
    try:
        blocks = outline_pieces(manuscript, text, forms, plain=form == "txt")
    except InvalidName as error:  # such as the ten thousandth row of a table
        raise DocumentError(name, f"a part has a number that no locator has: {error.text}", "split it") from error
    return Document(
        path=name,
        media_type=MEDIA_TYPES[form],
        encoding=encoding,
        encoding_guessed=guessed,
        language_hint=forms.guess_language(text),
        title=_title_of(blocks, manuscript, text, forms),
        text=text,
        blocks=blocks,
        warnings=(*warnings, *manuscript.warnings),
        sha256=hashlib.sha256(content).hexdigest(),
    )


_CHARSET: Final = re.compile(
    rb"""<(?:meta[^>]{0,200}?charset\s*=|\?xml[^>]{0,100}?encoding\s*=)\s*["']?([\w.:-]{2,40})""", re.I
)


def _declared(content: bytes) -> str:
    """The encoding that an HTML page names; as browsers do, latin-1 is taken for windows-1252, gb2312 for gb18030."""
    found = _CHARSET.search(content[:4096])
    name = found[1].decode("ascii").lower() if found else ""
    same = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
    return same.get(name, name)


def _title_of(blocks: tuple[Block, ...], manuscript: Manuscript, text: str, forms: Forms) -> str:
    """The title: what the format calls so, else the first line of the title block that is no date, symbol, author."""
    for piece in manuscript.pieces:
        if piece.role == "title":
            return " ".join(text[piece.start : piece.end].split())
    front: list[Block] = []
    for block in blocks:
        if block.locator and block.kind not in ("page-head", "footnote"):
            break
        if block.kind in ("heading", "paragraph") and not forms.is_front(block.text):
            front.append(block)
    front.sort(key=lambda block: block.kind != "heading")
    return " ".join(front[0].text.split()) if front else ""
