"""Records of InforMEA as XML: a page, a record or a list in, Atom in the dialect that is wanted out.

Plain fields stand in `m:properties`. Lists stand there too in version 3; version 2, which knows no lists in a record,
has each as a feed inside a link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element

from cbdgraph.server.informea.as_json import Frame, make_item_key
from cbdgraph.server.informea.model import (
    ITEMS,
    KEY,
    NAMESPACE,
    NAMESPACES,
    RELATED,
    SCHEME,
    SETS,
    Listing,
    Plain,
    make,
    write,
)
from cbdgraph.server.informea.odata import Record
from cbdgraph.server.informea.options import Page

_FEED_TYPE: Final = "application/atom+xml;type=feed"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)  # Atom wants a time where we know none


def write_page(frame: Frame, page: Page, following: str = "", *, counts: bool = False) -> bytes:
    """A page of a set; `following` is the address of the next."""
    updated = max((record["updated"] or _NEVER for record in page.records), default=_NEVER)
    feed = _feed(frame.entities.name, f"{frame.root}/{frame.entities.name}", frame.entities.name, updated)
    feed.attrib |= {**NAMESPACES, "xml:base": f"{frame.root}/"}
    if counts:
        feed.append(make("m:count", None, str(page.total)))
    feed.extend(_entry(frame, record) for record in page.records)
    if following:
        feed.append(make("link", {"rel": "next", "href": following}))
    return write(feed)


def write_entity(frame: Frame, record: Record) -> bytes:
    """One record."""
    entry = _entry(frame, record)
    entry.attrib |= {**NAMESPACES, "xml:base": f"{frame.root}/"}
    return write(entry)


def write_list(frame: Frame, record: Record, listing: Listing) -> bytes:
    """The values of one list of a record."""
    if frame.dialect == "v2":
        feed = _items_feed(frame, record, listing)
        feed.attrib |= {**NAMESPACES, "xml:base": f"{frame.root}/"}
        return write(feed)
    collection = _collection(record, listing)
    collection.attrib |= {name: iri for name, iri in NAMESPACES.items() if name != "xmlns"}
    return write(collection)


def write_service(root: str) -> bytes:
    """Which sets there are."""
    collections = [make("collection", {"href": each.name}, make("atom:title", None, each.name)) for each in SETS]
    attributes = {
        "xmlns": "http://www.w3.org/2007/app",
        "xmlns:atom": NAMESPACES["xmlns"],
        "xml:base": f"{root}/",
    }
    workspace = make("workspace", None, make("atom:title", None, "Default"), *collections)
    return write(make("service", attributes, workspace))


def _feed(title: str, identity: str, link: str, updated: datetime) -> Element:
    return make(
        "feed",
        None,
        make("title", {"type": "text"}, title),
        make("id", None, identity),
        make("updated", None, _stamp(updated)),
        make("link", {"rel": "self", "title": title, "href": link}),
    )


def _entry(frame: Frame, record: Record) -> Element:
    address = frame.address(record)
    own = address.removeprefix(f"{frame.root}/")
    properties = make("m:properties")
    links = [make("link", {"rel": "edit", "title": frame.entities.entity, "href": own})]
    for each in frame.entities.properties:
        if not frame.shows(each.name):
            continue
        if isinstance(each, Plain):
            properties.append(_plain(each, record[each.name]))
        elif frame.dialect == "v2":
            attributes = {"rel": RELATED + each.name, "type": _FEED_TYPE, "title": each.name}
            inline = make("m:inline", None, _items_feed(frame, record, each))
            links.append(make("link", {**attributes, "href": f"{own}/{each.name}"}, inline))
        else:
            properties.append(_collection(record, each))
    return _wrap(frame.entities.entity, address, _name(record), record["updated"] or _NEVER, links, properties)


def _wrap(
    entity: str, identity: str, title: str, updated: datetime, links: Sequence[Element], properties: Element
) -> Element:
    return make(
        "entry",
        None,
        make("id", None, identity),
        make("title", {"type": "text"}, title),
        make("updated", None, _stamp(updated)),
        make("author", None, make("name", None, "cbdgraph")),
        *links,
        make("category", {"term": f"{NAMESPACE}.{entity}", "scheme": SCHEME}),
        make("content", {"type": "application/xml"}, properties),
    )


def _items_feed(frame: Frame, record: Record, listing: Listing) -> Element:
    address, updated = f"{frame.address(record)}/{listing.name}", record["updated"] or _NEVER
    feed = _feed(listing.name, address, address.removeprefix(f"{frame.root}/"), updated)
    values: Sequence[Mapping[str, str]] = record[listing.name]
    for number, value in enumerate(values, 1):
        key = make_item_key(record, listing, number)
        members = [_text(KEY, key), *(_text(name, value.get(name)) for name in ITEMS[listing.item])]
        feed.append(_wrap(listing.entity, key, "", updated, (), make("m:properties", None, *members)))
    return feed


def _collection(record: Record, listing: Listing) -> Element:
    values: Sequence[Mapping[str, str]] = record[listing.name]
    elements = [
        make("d:element", None, *(_text(name, value.get(name)) for name in ITEMS[listing.item])) for value in values
    ]
    return make(f"d:{listing.name}", {"m:type": f"Collection({NAMESPACE}.{listing.item})"}, *elements)


def _plain(own: Plain, value: object) -> Element:
    attributes = {} if own.edm == "String" else {"m:type": f"Edm.{own.edm}"}
    if value is None:
        return make(f"d:{own.name}", {**attributes, "m:null": "true"})
    # Edm.DateTime has no zone; all times are UTC.
    text = value.isoformat().removesuffix("+00:00") if isinstance(value, datetime) else str(value)
    return make(f"d:{own.name}", attributes, text)


def _text(name: str, value: str | None) -> Element:
    return make(f"d:{name}", {"m:null": "true"}) if value is None else make(f"d:{name}", None, value)


def _name(record: Record) -> str:
    titles: Sequence[Mapping[str, str]] = record["title"]
    return next((title["value"] for title in titles if title["language"] == "en"), "")


def _stamp(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
