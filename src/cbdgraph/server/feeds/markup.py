"""XML as the feeds write it: names and texts in, elements of the standard library and UTF-8 out; knows no format.

Names are written as they are given, `dc:title` too, so that a document has the prefixes that its readers expect; the
root declares them. What XML 1.0 cannot hold is replaced here, or refused before by `is_xml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element, tostring

_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
# All but what section 2.2 of XML 1.0 calls a character.
_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_xml(text: str) -> bool:
    """Whether an XML document can hold a text as it is.

    >>> is_xml("a\\tb"), is_xml("a\\x01b")
    (True, False)
    """
    return _NO_XML.search(text) is None


def make(
    name: str, text: str = "", attributes: Mapping[str, str] = MappingProxyType({}), children: Iterable[Element] = ()
) -> Element:
    """An element of its own."""
    found = Element(name, {key: _clean(value) for key, value in attributes.items()})
    found.text = _clean(text) or None
    found.extend(children)
    return found


def add(parent: Element, name: str, text: str = "", attributes: Mapping[str, str] = MappingProxyType({})) -> Element:
    """An element at the end of another one."""
    found = make(name, text, attributes)
    parent.append(found)
    return found


def write(root: Element) -> bytes:
    """The document, a line for each child of the root and of its children.

    >>> write(make("a", "1 < 2\\r\\n\\x00", {"xml:lang": "en"})).decode().splitlines()[1:]
    ['<a xml:lang="en">1 &lt; 2&#13;', '�</a>']
    """
    for parent in (root, *root):
        if len(parent):
            parent.text = "\n"
            for child in parent:
                child.tail = "\n"
    # A line end of another system would be read as one of this: section 2.11.
    content: bytes = tostring(root, encoding="utf-8")
    return _DECLARATION + content.replace(b"\r", b"&#13;") + b"\n"


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
