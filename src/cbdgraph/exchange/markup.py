"""XML as it is exchanged: names and texts in, lines of a document out; bytes in, a tree with its lines out.

Nothing is ever fetched or expanded: a document that declares a type or an entity is refused before its first
element. What XML 1.0 cannot hold is replaced when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from xml.parsers import expat

from cbdgraph.exchange.records import Fault

# All but what section 2.2 of XML 1.0 calls a character.
NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
XML: Final = "http://www.w3.org/XML/1998/namespace"
_ESCAPED: Final = re.compile('[&<>"\r]')
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
_IN_VALUE: Final = {"\n": "&#10;", "\t": "&#9;"}
MAX_BYTES: Final = 128 * 2**20
_MAX_DEPTH: Final = 64


class MarkupFault(Exception):
    """A document that is not read: `fault` says why. Never leaves this package."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(f"line {line}" if line else "", reason)


@dataclass(slots=True)
class Element:
    """An element: the IRI of its namespace, its name, its attributes, where it starts, and what stands in it."""

    namespace: str
    name: str
    attributes: Mapping[str, str]
    line: int
    content: list[Element | str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        return (each for each in self.content if isinstance(each, Element))

    @property
    def text(self) -> str:
        """The text in it and in all elements below it."""
        return "".join(each if isinstance(each, str) else each.text for each in self.content)

    @property
    def language(self) -> str:
        """Its own xml:lang, "" if it has none."""
        return self.attributes.get(f"{XML} lang", "")

    @property
    def place(self) -> str:
        """Where it starts, for people."""
        return f"line {self.line}"


def read_xml(content: bytes) -> Element:
    """The root of a document; `MarkupFault` with the line where it is not XML or holds what is refused."""
    open_elements: list[Element] = []
    roots: list[Element] = []
    parser = _make_parser()

    def start(tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        element = Element(namespace, name, attributes, parser.CurrentLineNumber)
        if len(open_elements) >= _MAX_DEPTH:
            raise MarkupFault(element.line, f"elements stand more than {_MAX_DEPTH} deep in each other")
        (open_elements[-1].content if open_elements else roots).append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def data(text: str) -> None:
        if open_elements:
            open_elements[-1].content.append(text)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    _parse(parser, content)
    return roots[0]


def check_xml(content: bytes) -> None:
    """`MarkupFault` where `read_xml` would refuse a document, but for its depth; keeps nothing of it."""
    _parse(_make_parser(), content)


def _make_parser() -> expat.XMLParserType:
    """A parser that refuses declarations before anything is read of what they declare."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise MarkupFault(
            parser.CurrentLineNumber, "a document type or an entity is declared, and none is ever read; take it out"
        )

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    return parser


def _parse(parser: expat.XMLParserType, content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise MarkupFault(0, f"the file is over {MAX_BYTES // 2**20} MiB; split it")
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise MarkupFault(error.lineno, f"not XML: {expat.ErrorString(error.code)}") from error
    except (LookupError, ValueError) as error:  # an encoding that nobody knows, or that needs several bytes
        raise MarkupFault(1, "the encoding is not one that is read; save the file as UTF-8") from error


def clean(text: str) -> str:
    """A text without what XML cannot hold.

    >>> clean("a\\x01b")
    'a�b'
    """
    return NO_XML.sub("\ufffd", text)


def escape(text: str) -> str:
    r"""A text as it stands in an element.

    >>> escape("1 < 2\r\n")
    '1 &lt; 2&#13;\n'
    """
    # A line end of another system would be read as one of this: section 2.11.
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], clean(text))


def tag(name: str, text: str = "", attributes: Mapping[str, str] = MappingProxyType({})) -> str:
    """An element with a text.

    >>> tag("note", "a & b", {"xml:lang": "en"})
    '<note xml:lang="en">a &amp; b</note>'
    """
    return f"{start_tag(name, attributes)}{escape(text)}</{name}>"


def start_tag(name: str, attributes: Mapping[str, str] = MappingProxyType({})) -> str:
    """The beginning of an element."""
    written = "".join(f' {key}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>"


def _value(text: str) -> str:
    escaped = escape(text)
    return "".join(_IN_VALUE.get(character, character) for character in escaped)
