"""Numbers and symbols of the Convention's papers as values: "XI/16", "UNEP/CBD/COP/DEC/XI/16", "XV/2".

Text in, immutable values out, and back. Nothing here knows RDF, languages or the web.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, Self

from cbdgraph.errors import InvalidName

Kind = Literal["decision", "recommendation"]

# Bodies that adopt decisions or recommendations: slug -> (kind, what stands in its documents' symbols).
BODIES: Final[dict[str, tuple[Kind, str]]] = {
    "cop": ("decision", "COP"),
    "cp-mop": ("decision", "CP"),
    "np-mop": ("decision", "NP"),
    "sbstta": ("recommendation", "SBSTTA"),
    "sbi": ("recommendation", "SBI"),
    "wg8j": ("recommendation", "WG8J"),
    "wgri": ("recommendation", "WGRI"),
}

# The last session that a body numbered in Roman numerals; later ones are Arabic. For the COP the site's own code
# says so; for the others the change came at the same time, and only how we print a number depends on it.
_LAST_ROMAN: Final = {"cop": 13, "cp-mop": 8, "np-mop": 0, "sbstta": 20, "sbi": 0, "wg8j": 9, "wgri": 5}

_ROMAN_DIGITS: Final = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
_ROMAN: Final = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})\Z")
_LARGEST_ROMAN: Final = 39


def format_roman(number: int) -> str:
    """An Arabic number from 1 to 39 in capital Roman numerals.

    >>> format_roman(14)
    'XIV'
    """
    if not 1 <= number <= _LARGEST_ROMAN:
        raise InvalidName("Roman numeral", str(number), f"only 1 to {_LARGEST_ROMAN} occur here")
    out = []
    for value, digits in _ROMAN_DIGITS:
        count, number = divmod(number, value)
        out.append(digits * count)
    return "".join(out)


def parse_roman(text: str) -> int:
    """A Roman numeral, either case, as a number; only the regular forms up to XXXIX.

    >>> parse_roman("xi"), parse_roman("IX")
    (11, 9)
    """
    upper = text.upper()
    if not upper or not _ROMAN.match(upper):
        raise InvalidName("Roman numeral", text, "expected I to XXXIX in regular form")
    values = {"I": 1, "V": 5, "X": 10}
    total = 0
    for here, after in zip(upper, [*upper[1:], ""], strict=True):
        value = values[here]
        total += -value if after and values[after] > value else value
    return total


def parse_number(text: str) -> int:
    """A session or decision number, Roman or Arabic, padded or not, as a positive number.

    >>> parse_number("07"), parse_number("XI")
    (7, 11)
    """
    if re.fullmatch(r"[0-9]{1,3}", text):
        number = int(text)
        if number < 1:
            raise InvalidName("number", text, "numbering starts at 1")
        return number
    return parse_roman(text)


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """The number of one decision or recommendation: which body, which session, which number.

    >>> Symbol.parse("UNEP/CBD/COP/DEC/XI/16") == Symbol.parse("11/16") == Symbol.parse("cop/11/16")
    True
    >>> Symbol.parse("CBD/COP/DEC/15/4").short
    '15/4'
    """

    body: str
    session: int
    number: int

    def __post_init__(self) -> None:
        if self.body not in BODIES:
            raise InvalidName("symbol", f"{self.body}/{self.session}/{self.number}", f"unknown body {self.body!r}")
        if self.session < 1 or self.number < 1:
            raise InvalidName("symbol", f"{self.session}/{self.number}", "numbering starts at 1")

    @classmethod
    def parse(cls, text: str, body: str = "cop") -> Self:
        """Read a whole symbol; `body` is assumed where the text names none. `InvalidName` if it is not one."""
        folded = unicodedata.normalize("NFKC", text).strip()
        folded = re.sub(r"\s*/\s*", "/", folded)
        match = _SYMBOL.fullmatch(folded)
        if match is None:
            raise InvalidName("symbol", text, "expected a form such as XI/16, 15/4 or UNEP/CBD/COP/DEC/XI/16")
        named = (match["path"] or match["prefix"] or "").lower()
        return cls(
            _BODY_OF_PREFIX.get(named, named) if named else body,
            parse_number(match["session"]),
            parse_number(match["number"]),
        )

    @property
    def kind(self) -> Kind:
        """Whether the body adopts decisions or recommendations."""
        return BODIES[self.body][0]

    @property
    def path(self) -> str:
        """The path of the IRI under the base, `decision/cop/11/16`."""
        return f"{self.kind}/{self.body}/{self.session}/{self.number}"

    @property
    def short(self) -> str:
        """As the Secretariat writes it today: "XI/16" up to the thirteenth session, "15/4" from then on.

        >>> Symbol("cp-mop", 8, 16).short, Symbol("np-mop", 3, 1).short, Symbol("sbstta", 15, 2).short
        ('CP-VIII/16', 'NP-3/1', 'XV/2')
        """
        session = format_roman(self.session) if self.session <= _LAST_ROMAN[self.body] else str(self.session)
        prefix = {"cp-mop": "CP-", "np-mop": "NP-"}.get(self.body, "")
        return f"{prefix}{session}/{self.number}"

    @property
    def document_symbol(self) -> str:
        """The symbol of the paper itself; empty where its form is not known to us, as for the Protocols.

        >>> Symbol("cop", 11, 16).document_symbol, Symbol("cop", 13, 5).document_symbol
        ('UNEP/CBD/COP/DEC/XI/16', 'CBD/COP/DEC/XIII/5')
        """
        if self.body != "cop":
            return ""
        return f"{'UNEP/' if self.session <= _LAST_WITH_UNEP else ''}CBD/COP/DEC/{self.short}"


_LAST_WITH_UNEP: Final = 12
_BODY_OF_PREFIX: Final = {"bs": "cp-mop", "cp": "cp-mop", "np": "np-mop"}
_PART: Final = r"(?:[0-9]{1,3}|[XVIxvi]{1,7})"
_SYMBOL: Final = re.compile(
    r"(?:(?:decision|recommendation)/)?"
    r"(?:"
    r"(?:(?:UNEP/)?CBD/)?(?P<path>COP|CP|NP|CP-MOP|NP-MOP|SBSTTA|SBI|WG8J|WGRI)/(?:(?:COP-)?MOP/)?(?:DEC|REC)?/?"
    r"|(?P<prefix>BS|CP|NP)[-–—/ ]"
    r")?"
    rf"(?P<session>{_PART})/(?P<number>{_PART})",
    re.IGNORECASE,
)
