"""Clients of OAI-PMH and of Atom that keep a copy of the graph: addresses in, the copy's canonical hash out.

They know the standards and what docs/feeds.md says, and nothing else of this service. As a program,
`python -m tests.replaying <address> <folder>` harvests by OAI-PMH, a file for each page, so that it can be killed at
any time and goes on where it was.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import httpx
import pyoxigraph as ox
from lxml import etree
from oaipmh_scythe import Scythe
from oaipmh_scythe.iterator import OAIResponseIterator

from cbdgraph.quads import relabel
from cbdgraph.store.canonical import canonical_lines, hash_lines

OAI = "{http://www.openarchives.org/OAI/2.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}RDF"
ATOM = "{http://www.w3.org/2005/Atom}"
DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
ARCHIVE = "{http://purl.org/syndication/history/1.0}archive"
VERSION_OF = "http://purl.org/dc/terms/isVersionOf"


@dataclass
class Copy:
    """What is said of each resource, as lines of N-Triples or N-Quads."""

    said: dict[str, list[str]] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """The canonical hash of all together; each resource has blank nodes of its own."""
        lines = (relabel(line, f"_:r{n}") for n, said in enumerate(self.said.values()) for line in said)
        return hash_lines(canonical_lines(list(lines)))


@dataclass
class OaiCopy(Copy):
    """A copy that is kept by records in `rdf`; `seen` are their identifiers, and `last` the greatest datestamp."""

    seen: list[str] = field(default_factory=list)
    last: str = ""

    def apply(self, record: Any) -> None:
        """Take a record in, an element of lxml."""
        header = record.find(f"{OAI}header")
        identifier, when = header.findtext(f"{OAI}identifier"), header.findtext(f"{OAI}datestamp")
        self.seen.append(identifier)
        self.last = max(self.last, when)
        if header.get("status") == "deleted":
            assert record.find(f"{OAI}metadata") is None
            self.said.pop(identifier, None)
        else:
            self.said[identifier] = read_rdf(etree.tostring(record.find(f"{OAI}metadata/{RDF}")))


def read_rdf(content: bytes) -> list[str]:
    """The statements of RDF/XML as lines of N-Triples."""
    return [f"{quad.triple} ." for quad in ox.parse(content, format=ox.RdfFormat.RDF_XML)]


def harvest(address: str, copy: OaiCopy, **asked: str) -> None:
    """Take all records of a list in, by a client of OAI-PMH."""
    given: dict[str, Any] = {"metadata_prefix": "rdf", **asked}
    with Scythe(address) as client:
        for record in client.list_records(**given):
            copy.apply(record.xml)


def keep_pages(address: str, folder: Path, pause: float = 0.0) -> None:
    """Harvest into a file for each page, from the last one on where there are some."""
    kept = sorted(folder.glob("*.xml"))
    token = _token(kept[-1]) if kept else None
    if kept and token is None:
        return
    with Scythe(address, iterator=OAIResponseIterator) as client:
        pages = client.list_records(metadata_prefix="rdf", resumption_token=token)
        for number, page in enumerate(pages, len(kept)):
            path = folder / f"{number:06}.xml"
            partial = path.with_suffix(".partial")
            partial.write_bytes(page.http_response.content)  # type: ignore[union-attr]
            partial.replace(path)
            time.sleep(pause)


def read_pages(folder: Path, copy: OaiCopy) -> None:
    """Take the pages in that were kept."""
    for path in sorted(folder.glob("*.xml")):
        for record in etree.parse(path).iter(f"{OAI}record"):
            copy.apply(record)


def _token(path: Path) -> str | None:
    return etree.parse(path).findtext(f".//{OAI}resumptionToken") or None


@dataclass(frozen=True)
class Entry:
    """A version that an Atom feed has told of."""

    iri: str
    updated: str
    resource: str
    data: str


@dataclass
class AtomCopy(Copy):
    """A copy that is kept by a feed with an archive (RFC 5005, section 4.2); `done` are pages of the archive."""

    done: set[str] = field(default_factory=set)
    entries: dict[str, Entry] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)  # versions, and when
    held: dict[str, str] = field(default_factory=dict)  # the version of each resource that is copied

    def follow(self, client: httpx.Client, address: str) -> list[str]:
        """Read the feed and of its archive what is new; the addresses that were read."""
        read = []
        following: str | None = address
        while following is not None and following not in self.done:
            content = client.get(following).raise_for_status().content
            read.append(following)
            root = ElementTree.fromstring(content)
            if root.find(ARCHIVE) is not None:
                self.done.add(following)
            self._take(content, root)
            following = find_link(root, "prev-archive")
        return read

    def fetch(self, client: httpx.Client) -> int:
        """Get what the newest version of each resource says, if it is not held; how many were got."""
        newest: dict[str, Entry] = {}
        for entry in self.entries.values():
            if self.deleted.get(entry.iri, "") >= entry.updated:
                continue
            known = newest.get(entry.resource)
            if known is None or known.updated < entry.updated:
                newest[entry.resource] = entry
        for resource in self.said.keys() - newest.keys():
            del self.said[resource], self.held[resource]
        wanted = [entry for entry in newest.values() if self.held.get(entry.resource) != entry.iri]
        for entry in wanted:
            self.said[entry.resource] = client.get(entry.data).raise_for_status().text.strip().split("\n")
            self.held[entry.resource] = entry.iri
        return len(wanted)

    def _take(self, content: bytes, root: ElementTree.Element) -> None:
        feed = feedparser.parse(content)
        assert not feed.bozo, feed.bozo_exception
        assert len(feed.entries) == len(root.findall(f"{ATOM}entry"))
        for entry in feed.entries:
            links = {(link.rel, link.get("type")): link.href for link in entry.links}
            data = links["related", "application/n-triples"]
            resource = next(link.href for link in entry.links if is_relation(link.rel, VERSION_OF))
            self.entries[entry.id] = Entry(entry.id, entry.updated, resource, data)
        for gone in root.findall(DELETED):
            self.deleted[gone.attrib["ref"]] = max(self.deleted.get(gone.attrib["ref"], ""), gone.attrib["when"])


def find_link(element: ElementTree.Element, relation: str) -> str | None:
    """Where an Atom link of that relation leads, if there is one."""
    return next((link.attrib["href"] for link in links_of(element) if link.attrib["rel"] == relation), None)


def is_relation(given: str, wanted: str) -> bool:
    """Whether two relations are the same, in capitals or not (RFC 8288, section 2.1): feedparser lowers them."""
    return given.lower() == wanted.lower()


def links_of(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The Atom links of an element itself."""
    return iter(element.findall(f"{ATOM}link"))


def each_once(names: Iterable[Hashable]) -> bool:
    """Whether nothing comes twice."""
    found = list(names)
    return len(found) == len(set(found))


def main(address: str, folder: Path) -> None:
    """Harvest slowly."""
    os.nice(5)
    keep_pages(address, folder, pause=0.05)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
