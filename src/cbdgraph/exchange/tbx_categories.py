"""An element of a TBX file in, the data category that it is of out; those of TBX-Basic in all its editions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cbdgraph.exchange.markup import Element
from cbdgraph.exchange.records import FIELDS, Field, Kind
from cbdgraph.exchange.tbx import ABOUT, LANGUAGE, STATUSES, TBX, prefixed

# As published, and as drafts and the first edition of the dialect had it.
CORE: Final = frozenset({TBX, "urn:iso:std:iso:30042:ed-3", "urn:iso:std:iso:30042:ed:3.0"})
_MODULES: Final = re.compile(r"http://www\.tbxinfo\.net/ns/(?:dct/)?(?:min|basic)\Z")
# The data categories of TBX-Basic by their element in style DCA, in all of its editions.
_CATEGORIES: Final[Mapping[str, frozenset[str]]] = {
    "admin": frozenset({"customerSubset", "projectSubset", "source"}),
    "descrip": frozenset({"context", "definition", "subjectField"}),
    "ref": frozenset({"crossReference", "relatedConcept", "relatedTerm"}),
    "xref": frozenset({"externalCrossReference", "xGraphic"}),
    "termNote": frozenset(
        {"administrativeStatus", "grammaticalGender", "geographicalUsage", "partOfSpeech", "termLocation", "termType"}
    ),
    "transac": frozenset({"transactionType"}),
    "transacNote": frozenset({"responsibility"}),
}
_ALL: Final = frozenset[str]().union(*_CATEGORIES.values())
GROUPS: Final = frozenset({"descripGrp", "adminGrp", "transacGrp", "termNoteGrp"})
SECTIONS: Final = frozenset({"langSec", "termSec", "term", "date"})
RELATIONS: Final = {
    prefixed(each.iri): each.name
    for each in FIELDS["term"].values()
    if each.name in {"broader", "related"} or each.name.endswith("Match")
}
KINDS: Final = {status: kind for kind, status in STATUSES.items()} | {"supersededTerm-admn-sts": "hidden"}
_NOTE: Final = re.compile(
    r"(?:(?P<path>\S+) )?(?P<name>[a-z]+:[A-Za-z]+)(?:@(?P<language>[A-Za-z0-9-]+))? = ", re.DOTALL
)
NAMES: Final[Mapping[Kind, Mapping[str, Field]]] = {
    kind: {prefixed(each.iri): each for each in fields.values()} for kind, fields in FIELDS.items()
}
LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*\Z")


@dataclass(frozen=True, slots=True)
class Item:
    """A data category with its text, a note, or a group about a definition; `language` is its own xml:lang."""

    name: str
    element: Element
    language: str = ""

    @property
    def text(self) -> str:
        return self.element.text


def names_definition(group: Element) -> bool:
    return any(category_of(child)[0] == "definition" for child in group)


def category_of(element: Element) -> tuple[str, str]:
    """The data category of an element, or why it has none."""
    if element.namespace in CORE:
        if element.name == "note":
            return "note", ""
        categories = _CATEGORIES.get(element.name)
        if categories is None:
            return "", f"<{element.name}> has no place here in TBX-Basic"
        name = element.attributes.get("type", "")
        known = ", ".join(sorted(categories))
        return name, "" if name in categories else f"{name!r} is no data category of <{element.name}>; known: {known}"
    if _MODULES.match(element.namespace) and element.name in _ALL:
        return element.name, ""
    return "", f"<{element.name}> of {element.namespace!r} is no data category of TBX-Basic"


def read_note(item: Item) -> tuple[tuple[str, str, str], str] | None:
    """Path, property and language of a note that says what has no data category, and its value; None for others."""
    if item.name != "note":
        return None
    text = item.text.lstrip()
    match = _NOTE.match(text)
    if match is None:
        return None
    path, name, code = (match[each] or "" for each in ("path", "name", "language"))
    if name not in {ABOUT, LANGUAGE} and not any(name in names for names in NAMES.values()):
        return None
    if path and name != ABOUT and name not in NAMES["feature"]:
        return None
    return (path, name, code), text[match.end() :]
