"""The entities that InforMEA's partners exchange, as one table: what a set is called and which fields it has; its
description in the metadata documents of OData 2, 3 and 4 out. Holds no record.

Names and order of the fields are those of version 1.5.6 of the InforMEA specification, as the Secretariat's service
states them; the two at the end of each entity are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal
from xml.etree.ElementTree import Element, tostring

from cbdgraph.server.informea.odata import Kind

# How an answer is written: as the toolkit of InforMEA does, as the Secretariat's feed does, as OData 4 says.
Dialect = Literal["v2", "v3", "v4"]
DIALECTS: Final = ("v2", "v3", "v4")
NAMESPACE: Final = "informea"
CONTAINER: Final = "InforMEAService"
KEY: Final = "id"

_DATA_SERVICES: Final = "http://schemas.microsoft.com/ado/2007/08/dataservices"
# Attributes of a root element; the prefixes are those that harvesters look for.
NAMESPACES: Final = {
    "xmlns": "http://www.w3.org/2005/Atom",
    "xmlns:d": _DATA_SERVICES,
    "xmlns:m": f"{_DATA_SERVICES}/metadata",
}
SCHEME: Final = f"{_DATA_SERVICES}/scheme"
RELATED: Final = f"{_DATA_SERVICES}/related/"
_EDM: Final = {
    "v2": "http://schemas.microsoft.com/ado/2008/09/edm",
    "v3": "http://schemas.microsoft.com/ado/2009/11/edm",
    "v4": "http://docs.oasis-open.org/odata/ns/edm",
}
_EDMX: Final = "http://schemas.microsoft.com/ado/2007/06/edmx"
_EDMX_4: Final = "http://docs.oasis-open.org/odata/ns/edmx"
# What XML 1.0 cannot hold.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Plain:
    """A field with one value; `edm` is its type, without the prefix, in versions 2 and 3."""

    name: str
    edm: str = "String"

    @property
    def kind(self) -> Kind:
        kinds: dict[str, Kind] = {"Int16": "integer", "Int32": "integer", "Double": "number", "DateTime": "time"}
        return kinds.get(self.edm, "string")

    def type_in(self, dialect: Dialect) -> str:
        """The type in full, as that version calls it."""
        return f"Edm.{'DateTimeOffset' if (dialect, self.edm) == ('v4', 'DateTime') else self.edm}"


@dataclass(frozen=True, slots=True)
class Listing:
    """A field with several values of one type; version 2 knows no such fields, and makes each value an entity."""

    name: str
    item: str
    entity: str

    @property
    def kind(self) -> Kind:
        return "list"


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A set of records."""

    name: str
    entity: str
    properties: tuple[Plain | Listing, ...]

    @property
    def fields(self) -> Mapping[str, Kind]:
        """The kinds of all fields by name."""
        return MappingProxyType({each.name: each.kind for each in self.properties})

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The fields with several values."""
        return tuple(each for each in self.properties if isinstance(each, Listing))


# The members of the values of lists.
ITEMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "LocalizableString": ("language", "value"),
        "VocabularyTerm": ("namespace", "term"),
        "File": ("url", "mimeType", "language", "filename"),
    }
)
_OURS: Final = (Plain("withdrawalReason"), Plain("replacedBy"))
DECISIONS: Final = EntitySet(
    "Decisions",
    "Decision",
    (
        Plain("protocolVersion", "Int16"),
        Plain(KEY),
        Plain("link"),
        Listing("title", "LocalizableString", "DecisionTitle"),
        Listing("longTitle", "LocalizableString", "DecisionLongTitle"),
        Listing("summary", "LocalizableString", "DecisionSummary"),
        Plain("type"),
        Plain("status"),
        Plain("number"),
        Plain("treaty"),
        Plain("published", "DateTime"),
        Plain("updated", "DateTime"),
        Plain("meetingId"),
        Plain("meetingTitle"),
        Plain("meetingUrl"),
        Listing("content", "LocalizableString", "DecisionContent"),
        Listing("keywords", "VocabularyTerm", "DecisionKeyword"),
        Plain("displayOrder", "Int32"),
        Listing("files", "File", "DecisionFile"),
        *_OURS,
    ),
)
MEETINGS: Final = EntitySet(
    "Meetings",
    "Meeting",
    (
        Plain("protocolVersion", "Int16"),
        Plain(KEY),
        Plain("treaty"),
        Plain("url"),
        Listing("title", "LocalizableString", "MeetingTitle"),
        Listing("description", "LocalizableString", "MeetingDescription"),
        Plain("start", "DateTime"),
        Plain("end", "DateTime"),
        Plain("repetition"),
        Plain("kind"),
        Plain("type"),
        Plain("access"),
        Plain("status"),
        Plain("imageUrl"),
        Plain("imageCopyright"),
        Plain("location"),
        Plain("city"),
        Plain("country"),
        Plain("latitude", "Double"),
        Plain("longitude", "Double"),
        Plain("updated", "DateTime"),
        *_OURS,
    ),
)
SETS: Final = (DECISIONS, MEETINGS)


def find_set(name: str) -> EntitySet | None:
    """The set of that name, which may begin with a small letter."""
    return next((each for each in SETS if name in {each.name, each.name.lower()}), None)


def make(tag: str, attributes: Mapping[str, str] | None = None, *children: Element | str) -> Element:
    """An element of XML with its children, the last of which may be a text; what XML cannot hold is replaced."""
    element = Element(tag, {name: _clean(value) for name, value in (attributes or {}).items()})
    for child in children:
        if isinstance(child, str):
            element.text = _clean(child)
        else:
            element.append(child)
    return element


def write(root: Element) -> bytes:
    """The document of a root element.

    >>> write(make("a", {"b": '"'}, "<\\x01>"))
    b'<?xml version="1.0" encoding="utf-8"?>\\n<a b="&quot;">&lt;\\xef\\xbf\\xbd&gt;</a>'
    """
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode()


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def write_metadata(dialect: Dialect) -> bytes:
    """What an OData client reads first: which sets there are, and the types of their fields."""
    schema = make("Schema", {"Namespace": NAMESPACE, "xmlns": _EDM[dialect]})
    if dialect != "v2":
        for name, members in ITEMS.items():
            properties = [_property(member, "Edm.String") for member in members]
            schema.append(make("ComplexType", {"Name": name}, *properties))
    for each in SETS:
        schema.extend(_entity_types(each, dialect))
    if dialect == "v2":
        for each in SETS:
            schema.extend(_association(each, listing) for listing in each.listings)
    schema.append(_container(dialect))
    if dialect == "v4":
        services = make("edmx:DataServices", None, schema)
        return write(make("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": _EDMX_4}, services))
    version = {"m:DataServiceVersion": "2.0" if dialect == "v2" else "3.0", "xmlns:m": NAMESPACES["xmlns:m"]}
    services = make("edmx:DataServices", version, schema)
    return write(make("edmx:Edmx", {"Version": "1.0", "xmlns:edmx": _EDMX}, services))


def _entity_types(each: EntitySet, dialect: Dialect) -> list[Element]:
    body: list[Element] = [_key()]
    items: list[Element] = []
    for own in each.properties:
        if isinstance(own, Plain):
            body.append(_property(own.name, own.type_in(dialect), is_nullable=own.name != KEY))
        elif dialect != "v2":
            body.append(_property(own.name, f"Collection({NAMESPACE}.{own.item})", is_nullable=False))
        else:
            # Navigation stands behind all plain properties.
            relation = f"{NAMESPACE}.{each.entity}_{own.entity}"
            roles = {"Name": own.name, "Relationship": relation, "FromRole": each.entity, "ToRole": own.entity}
            items.append(make("NavigationProperty", roles))
    found = [make("EntityType", {"Name": each.entity}, *body, *items)]
    if dialect == "v2":
        for listing in each.listings:
            members = [_property(member, "Edm.String") for member in ITEMS[listing.item]]
            own_key = _property(KEY, "Edm.String", is_nullable=False)
            found.append(make("EntityType", {"Name": listing.entity}, _key(), own_key, *members))
    return found


def _key() -> Element:
    return make("Key", None, make("PropertyRef", {"Name": KEY}))


def _property(name: str, edm: str, *, is_nullable: bool = True) -> Element:
    return make("Property", {"Name": name, "Type": edm, **({} if is_nullable else {"Nullable": "false"})})


def _association(each: EntitySet, listing: Listing) -> Element:
    ends = [
        make("End", {"Role": name, "Type": f"{NAMESPACE}.{name}", "Multiplicity": multiplicity})
        for name, multiplicity in ((each.entity, "1"), (listing.entity, "*"))
    ]
    return make("Association", {"Name": f"{each.entity}_{listing.entity}"}, *ends)


def _container(dialect: Dialect) -> Element:
    container = make("EntityContainer", {"Name": CONTAINER})
    if dialect != "v4":
        container.set("m:IsDefaultEntityContainer", "true")
    names = [(each.name, each.entity) for each in SETS]
    if dialect == "v2":
        names += [(listing.entity, listing.entity) for each in SETS for listing in each.listings]
    for name, entity in names:
        container.append(make("EntitySet", {"Name": name, "EntityType": f"{NAMESPACE}.{entity}"}))
    if dialect == "v2":
        for each in SETS:
            for listing in each.listings:
                relation = f"{each.entity}_{listing.entity}"
                ends = [
                    make("End", {"Role": role, "EntitySet": name})
                    for role, name in ((each.entity, each.name), (listing.entity, listing.entity))
                ]
                names_of = {"Name": f"{relation}Set", "Association": f"{NAMESPACE}.{relation}"}
                container.append(make("AssociationSet", names_of, *ends))
    return container
