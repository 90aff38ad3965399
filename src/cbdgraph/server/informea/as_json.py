"""Records of InforMEA as JSON: a page, a record or a list in, bytes in the dialect that is wanted out.

- `v2`: {"d": {"results": […]}}, lists as {"results": […]}, times as /Date(…)/: as the toolkit of InforMEA writes
- `v3`: the same with plain arrays for lists: as the Secretariat's feed writes
- `v4`: {"@odata.context": …, "value": […]}, plain arrays, times as RFC 3339 has them: OData JSON Format 4.01
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from cbdgraph.server.informea.model import ITEMS, KEY, NAMESPACE, SETS, Dialect, EntitySet, Listing
from cbdgraph.server.informea.odata import Record
from cbdgraph.server.informea.options import Page

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Frame:
    """What all of an answer shares: the set, the dialect, the address of the service, and the fields to show."""

    entities: EntitySet
    dialect: Dialect
    root: str
    names: tuple[str, ...] = ()

    def address(self, record: Record) -> str:
        """Where a record is."""
        return f"{self.root}/{self.entities.name}('{quote(record[KEY].replace(chr(39), chr(39) * 2), safe='')}')"

    def shows(self, name: str) -> bool:
        """Whether a field is asked for."""
        return not self.names or name in self.names

    @property
    def context(self) -> str:
        """Where version 4 describes what is in the answer."""
        chosen = f"({','.join(self.names)})" if self.names else ""
        return f"{self.root}/$metadata#{self.entities.name}{chosen}"


def write_page(frame: Frame, page: Page, following: str = "", *, counts: bool = False) -> bytes:
    """A page of a set; `following` is the address of the next."""
    entities = [_entity(frame, record) for record in page.records]
    if frame.dialect == "v4":
        document: dict[str, Any] = {"@odata.context": frame.context}
        if counts:
            document["@odata.count"] = page.total
        document["value"] = entities
        if following:
            document["@odata.nextLink"] = following
        return _dump(document)
    document = {"results": entities}
    if counts:
        document["__count"] = str(page.total)
    if following:
        document["__next"] = following
    return _dump({"d": document})


def write_entity(frame: Frame, record: Record) -> bytes:
    """One record."""
    entity = _entity(frame, record)
    if frame.dialect == "v4":
        return _dump({"@odata.context": f"{frame.context}/$entity", **entity})
    return _dump({"d": entity})


def write_list(frame: Frame, record: Record, listing: Listing) -> bytes:
    """The values of one list of a record."""
    items = _items(frame, record, listing)
    if frame.dialect == "v4":
        context = f"{frame.root}/$metadata#Collection({NAMESPACE}.{listing.item})"
        return _dump({"@odata.context": context, "value": items})
    return _dump({"d": {"results": items}})


def write_service(dialect: Dialect, root: str) -> bytes:
    """Which sets there are."""
    if dialect == "v4":
        value = [{"name": each.name, "kind": "EntitySet", "url": each.name} for each in SETS]
        return _dump({"@odata.context": f"{root}/$metadata", "value": value})
    return _dump({"d": {"EntitySets": [each.name for each in SETS]}})


def make_item_key(record: Record, listing: Listing, number: int) -> str:
    """The key of a value of a list, which version 2 wants it to have."""
    return f"{record[KEY]}#{listing.name}-{number}"


def _entity(frame: Frame, record: Record) -> dict[str, Any]:
    entity: dict[str, Any] = {}
    if frame.dialect != "v4":
        address = frame.address(record)
        entity["__metadata"] = {"id": address, "uri": address, "type": f"{NAMESPACE}.{frame.entities.entity}"}
    for own in frame.entities.properties:
        if not frame.shows(own.name):
            continue
        if isinstance(own, Listing):
            items = _items(frame, record, own)
            entity[own.name] = {"results": items} if frame.dialect == "v2" else items
        else:
            entity[own.name] = _plain(record[own.name], frame.dialect)
    return entity


def _items(frame: Frame, record: Record, listing: Listing) -> list[dict[str, Any]]:
    values: Sequence[Mapping[str, str]] = record[listing.name]
    if frame.dialect == "v4":
        return [dict(value) for value in values]
    entity = listing.entity if frame.dialect == "v2" else listing.item
    found = []
    for number, value in enumerate(values, 1):
        own_key = {KEY: make_item_key(record, listing, number)} if frame.dialect == "v2" else {}
        members = {name: value.get(name) for name in ITEMS[listing.item]}
        found.append({"__metadata": {"type": f"{NAMESPACE}.{entity}"}, **own_key, **members})
    return found


def _plain(value: object, dialect: Dialect) -> object:
    if not isinstance(value, datetime):
        return value
    if dialect == "v4":
        return value.isoformat().replace("+00:00", "Z")
    return f"/Date({(value - _EPOCH) // timedelta(milliseconds=1)})/"


def _dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace")
