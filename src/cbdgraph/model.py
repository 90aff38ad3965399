"""Values that travel between the layers: RDF terms as plain data, and citations; standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, Self

from cbdgraph.errors import InvalidName

Certainty = Literal["certain", "probable", "ambiguous", "unresolved"]

# RFC 3987 section 2.2: what is in none of its classes; private use, which only a query part may hold, is let through.
_IRI_FORBIDDEN: Final = re.compile(
    r'[\x00-\x20<>"{}|^`\\\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufff0-\uffff]|%(?![0-9A-Fa-f]{2})'
)
_IRI_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LITERAL_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*\Z")


@dataclass(frozen=True, slots=True)
class Iri:
    """An absolute IRI; `str()` gives it as SPARQL and Turtle write it. `InvalidName` if it could not stand there."""

    value: str

    def __post_init__(self) -> None:
        if _IRI_FORBIDDEN.search(self.value):
            raise InvalidName("IRI", self.value, "it holds a character that an IRI cannot hold")
        if not _IRI_SCHEME.match(self.value):
            raise InvalidName("IRI", self.value, "it is not absolute")

    def __str__(self) -> str:
        return f"<{self.value}>"

    @classmethod
    def find(cls, text: str) -> Self | None:
        """The IRI that a text is; None for what a stranger's data may hold and this project calls none."""
        try:
            return cls(text)
        except InvalidName:
            return None


@dataclass(frozen=True, slots=True)
class Text:
    """A literal with an optional language or datatype; `str()` gives it as SPARQL and Turtle write it.

    >>> str(Text('a "word"', language="en")), str(Text("15", datatype=Iri("http://www.w3.org/2001/XMLSchema#decimal")))
    ('"a \\\\"word\\\\""@en', '"15"^^<http://www.w3.org/2001/XMLSchema#decimal>')
    """

    value: str
    language: str = ""
    datatype: Iri | None = None

    def __post_init__(self) -> None:
        if re.search(r"[\ud800-\udfff\x00]", self.value):
            raise InvalidName("literal", self.value, "it holds a character that no text can hold")
        if self.language and not _LANGUAGE.match(self.language):
            raise InvalidName("language tag", self.language, "expected a form such as en or zh-Hans")

    def __str__(self) -> str:
        quoted = '"' + "".join(_LITERAL_ESCAPES.get(c, c) for c in self.value) + '"'
        if self.language:
            return f"{quoted}@{self.language}"
        return f"{quoted}^^{self.datatype}" if self.datatype else quoted


@dataclass(frozen=True, slots=True)
class Citation:
    """One cited part, as found in a text.

    `start`, `end` are character offsets of `quote`, the whole mention of one decision with all its parts;
    `part_start`, `part_end` those of the words that name this very part. `decision` and `iri` are None where
    nothing could be resolved, and `reason` then says why; it also says why a reading is less than certain.
    `alternatives` are the IRIs of other readings, where there are any. `normal` is the same citation as the
    Secretariat writes it in English, whatever was printed.
    """

    start: int
    end: int
    quote: str
    part_start: int
    part_end: int
    part_quote: str
    decision: str | None
    locator: str
    iri: str | None
    certainty: Certainty
    reason: str
    language: str
    alternatives: tuple[str, ...] = ()
    normal: str = ""
