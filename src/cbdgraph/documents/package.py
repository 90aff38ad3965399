"""The archive that a .docx is: its files by name, as XML trees, within limits; resolves and fetches nothing."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from lxml import etree

from cbdgraph.documents.limits import MAX_MEMBER_BYTES, MAX_MEMBERS, MAX_RATIO
from cbdgraph.errors import DocumentError

_BROKEN: Final = "the file is broken"
_AGAIN: Final = "open it in Word or LibreOffice and save it again"


class Package:
    """An opened .docx; parts are read when they are asked for."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, UnicodeError) as error:
            raise DocumentError(name, f"{_BROKEN}: its archive cannot be opened", _AGAIN) from error
        members = self._archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise DocumentError(name, f"more than {MAX_MEMBERS} files inside", _AGAIN)
        self._members = {member.filename.lstrip("/"): member for member in members}
        if any(member.flag_bits & 1 for member in members):
            raise DocumentError(name, "it is encrypted", "save it without a password")

    def read_tree(self, part: str) -> etree._Element | None:
        """The root of a part's XML, None if there is no such part."""
        content = self._read(part)
        if content is None:
            return None
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            root = etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise DocumentError(self.name, f"{_BROKEN}: {part} is not XML ({error})", _AGAIN) from error
        if root.getroottree().docinfo.doctype:
            raise DocumentError(self.name, f"{part} declares a document type, which no .docx does", _AGAIN)
        return root

    def main_part(self) -> str:
        """The name of the part that holds the text."""
        for kind, target in self.relations(""):
            if kind == "officeDocument":
                return target
        return "word/document.xml"

    def related(self, part: str, kind: str) -> list[str]:
        """The parts of a kind ("styles", "numbering", "footnotes", "header" …) that belong to a part."""
        return [target for found, target in self.relations(part) if found == kind]

    def relations(self, part: str) -> Iterator[tuple[str, str]]:
        """Kind and name of the parts that a part names; what lies outside the archive is left out."""
        folder, name = posixpath.split(part)
        root = self.read_tree(posixpath.join(folder, "_rels", f"{name}.rels"))
        for relation in root if root is not None else ():
            target = relation.get("Target", "")
            if relation.get("TargetMode") == "External" or not target:
                continue
            path = (
                target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            )
            yield relation.get("Type", "").rpartition("/")[2], path

    def _read(self, part: str) -> bytes | None:
        member = self._members.get(part)
        if member is None:
            return None
        try:
            with self._archive.open(member) as file:
                content = file.read(MAX_MEMBER_BYTES + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            NotImplementedError,
            ValueError,
            RuntimeError,
        ) as error:
            raise DocumentError(self.name, f"{_BROKEN}: {part} cannot be unpacked", _AGAIN) from error
        grown = len(content) - 2**20
        if len(content) > MAX_MEMBER_BYTES or grown > MAX_RATIO * max(member.compress_size, 1):
            raise DocumentError(
                self.name, f"{part} unpacks to far more than it should", "do not open it: it may be a trap"
            )
        return content


def local_name(element: etree._Element) -> str:
    """The name of an element without its namespace, which differs between the two editions of the standard."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child_of(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first element under a path of local names."""
    for name in path:
        if element is None:
            return None
        element = next((child for child in element if local_name(child) == name), None)
    return element


def value_of(element: etree._Element | None, *path: str, key: str = "val", default: str = "") -> str:
    """An attribute, in whatever namespace, of the first element under a path."""
    found = child_of(element, *path)
    if found is None:
        return default
    for name, value in found.attrib.items():
        if str(name).rpartition("}")[2] == key:
            return str(value)
    return default


def is_on(element: etree._Element | None, *path: str) -> bool:
    """Whether a switch such as `w:vanish` is there and not switched off."""
    return child_of(element, *path) is not None and value_of(element, *path) not in ("0", "false", "off", "none")


def number_in(text: str, default: int = 0) -> int:
    """A small number in an attribute, or the default."""
    sign = text[:1] == "-"
    digits = text[1:] if sign else text
    return (
        (-int(digits) if sign else int(digits))
        if digits.isascii() and digits.isdigit() and len(digits) < 8
        else default
    )
