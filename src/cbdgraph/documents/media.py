"""Which format a file is in, by its first bytes; says what to do with those that are not read."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePath
from typing import Final, Literal

from cbdgraph.errors import DocumentError

Format = Literal["txt", "html", "docx", "pdf"]

MEDIA_TYPES: Final[dict[Format, str]] = {
    "txt": "text/plain",
    "html": "text/html",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}

_ENDINGS: Final[dict[str, Format]] = {
    ".txt": "txt",
    ".text": "txt",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".docx": "docx",
    ".docm": "docx",
    ".pdf": "pdf",
}
_CONVERT: Final = "convert it first, for example with: soffice --headless --convert-to docx"
_OCR: Final = "run character recognition first, for example: ocrmypdf scan.pdf text.pdf"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8", b"BM", b"RIFF")
_HTML: Final = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)


def find_format(content: bytes, name: str) -> tuple[Format, list[str]]:
    """The format of a file and what is odd about it; `DocumentError` for a format that is not read."""
    if not content.strip():
        raise DocumentError(name, "it is empty")
    ending = PurePath(name).suffix.lower()
    found = _find_by_content(content, name, ending)
    expected = _ENDINGS.get(ending)
    if expected == found or (not ending and found == "txt"):
        return found, []
    if expected is None:
        return found, [f"the ending {ending or '(none)'} is not known; the content was read as {found}"]
    return found, [f"the name ends in {ending}, the content is {found}"]


def _find_by_content(content: bytes, name: str, ending: str) -> Format:
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK"):
        return _find_in_zip(content, name)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise DocumentError(name, "it is encrypted", "save it without a password")
        raise DocumentError(name, "the old binary format of Word or Office is not read", f"{_CONVERT} {name}")
    if content.lstrip().startswith(b"{\\rtf"):
        raise DocumentError(name, "RTF is not read", f"{_CONVERT} {name}")
    if content.startswith(_IMAGES):
        raise DocumentError(name, "it is an image", _OCR)
    if ending in (".docx", ".docm"):
        raise DocumentError(name, "it is not a .docx: the file is broken or something else", "save it again in Word")
    if ending == ".pdf":
        raise DocumentError(name, "it is not a PDF: the file is broken or something else", "download it again")
    if _HTML.match(content[:4096].removeprefix(b"\xef\xbb\xbf")) or _ENDINGS.get(ending) == "html":
        return "html"
    return "txt"


def _find_in_zip(content: bytes, name: str) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, UnicodeError) as error:
        raise DocumentError(name, "the file is broken: its archive cannot be opened", "save it again") from error
    if "mimetype" in names:
        raise DocumentError(name, "OpenDocument and EPUB are not read", f"{_CONVERT} {name}")
    if any(member.startswith("word/") for member in names):
        return "docx"
    if any(member.startswith(("xl/", "ppt/")) for member in names):
        raise DocumentError(name, "spreadsheets and slides are not read", "copy their text into a .docx or .txt")
    raise DocumentError(name, "it is an archive, and not a .docx", "unpack it and read what is in it")
