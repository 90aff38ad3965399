"""Plain clients of the feeds: addresses in, a copy of the graph out; they know standards, and not this service.

As a program, `python -m tests.harvesting <address> <folder>` keeps each page of an event stream, or each resource of
a collection of activities, as a file, so that it can be killed at any time and goes on where it was.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox

from cbdgraph.store.canonical import canonical_lines, hash_lines

TREE = "https://w3id.org/tree#"
LDES = "https://w3id.org/ldes#"
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
CBD = "https://w3id.org/cbdgraph/ontology#"
VERSION_OF = ox.NamedNode("http://purl.org/dc/terms/isVersionOf")
CHANGE = ox.NamedNode(CBD + "change")
TIME = ox.NamedNode("http://www.w3.org/ns/prov#generatedAtTime")
# What the log says of a version, which formats without graphs mix with what the graph says.
TOLD = frozenset({VERSION_OF, CHANGE, TIME, ox.NamedNode(CBD + "inRelease")})
VERSION = ox.NamedNode(CBD + "Version")

Subject = ox.NamedNode | ox.BlankNode


@dataclass(frozen=True)
class Member:
    """A version with all its quads; `extract` made them from a page."""

    iri: ox.NamedNode
    quads: tuple[ox.Quad, ...]

    def told(self, predicate: ox.NamedNode) -> str:
        """The one value that the log gives the version for this."""
        values = {q.object for q in self.quads if q.subject == self.iri and q.predicate == predicate}
        assert len(values) == 1, f"{self.iri} has {len(values)} values of {predicate}"
        (value,) = values
        assert isinstance(value, ox.NamedNode | ox.Literal)
        return value.value

    def said(self, with_graphs: bool) -> list[ox.Quad]:
        """What the graph says of the resource, with the resource as subject again."""
        resource = ox.NamedNode(self.told(VERSION_OF))
        return [
            ox.Quad(resource if q.subject == self.iri else q.subject, q.predicate, q.object, q.graph_name)
            for q in self.quads
            if (q.graph_name != ox.DefaultGraph() if with_graphs else not self._is_told(q))
        ]

    def _is_told(self, quad: ox.Quad) -> bool:
        if quad.subject != self.iri:
            return False
        return quad.predicate in TOLD or (quad.predicate == TYPE and quad.object == VERSION)


@dataclass
class Copy:
    """A copy of the graph that is kept by the members of a stream, in whatever order they come."""

    with_graphs: bool = True
    versions: dict[str, ox.NamedNode] = field(default_factory=dict)
    state: dict[str, tuple[str, list[ox.Quad]]] = field(default_factory=dict)

    def apply(self, members: Iterable[Member]) -> int:
        """Take members in; how many of them were new."""
        new = 0
        for member in members:
            if self.versions.get(member.iri.value) is not None:
                continue
            self.versions[member.iri.value] = member.iri
            new += 1
            resource, when = member.told(VERSION_OF), member.told(TIME)
            known = self.state.get(resource)
            if known is not None:
                assert known[0] != when, f"{resource} has two versions of {when}"
            if known is None or known[0] < when:
                is_gone = member.told(CHANGE) == "withdrawn"
                self.state[resource] = (when, [] if is_gone else member.said(self.with_graphs))
        return new

    @property
    def hash(self) -> str:
        """The canonical hash of the copy."""
        quads = [quad for _, said in self.state.values() for quad in said]
        if not self.with_graphs:
            quads = [ox.Quad(q.subject, q.predicate, q.object) for q in quads]
        return hash_lines(canonical_lines([f"{q} ." for q in quads]))


@dataclass(frozen=True)
class Document:
    """A page as it was answered."""

    address: str
    media_type: str
    content: bytes

    @property
    def quads(self) -> list[ox.Quad]:
        """Its statements, in their order."""
        return parse(self.content, self.media_type, self.address)

    def values(self, subject: str, predicate: str) -> list[str]:
        """The values that the page gives something for a property."""
        return [
            q.object.value
            for q in self.quads
            if q.subject == ox.NamedNode(subject) and q.predicate == ox.NamedNode(predicate)
            if isinstance(q.object, ox.NamedNode | ox.Literal)
        ]


def parse(content: bytes | str, media_type: str, base: str | None = None) -> list[ox.Quad]:
    """Statements of any format, with blank nodes that no other document has."""
    written = ox.RdfFormat.from_media_type(media_type)
    assert written is not None, media_type
    return list(ox.parse(content, format=written, base_iri=base, rename_blank_nodes=True))


def fetch(client: httpx.Client, address: str, accept: str = "application/n-quads") -> Document:
    """A page of RDF, as a client gets it that follows addresses."""
    response = client.get(address, headers={"Accept": accept})
    assert response.status_code == 200, f"{address}: {response.status_code} {response.text[:300]}"
    return Document(address, response.headers["content-type"].partition(";")[0], response.content)


def find_relations(document: Document) -> dict[str, list[tuple[str, str]]]:
    """Where the relations of a node lead: for each address the types of its relations with their values."""
    about: dict[object, dict[str, str]] = defaultdict(dict)
    for q in document.quads:
        if isinstance(q.object, ox.NamedNode | ox.Literal):
            about[q.subject][q.predicate.value] = q.object.value
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    own = ox.NamedNode(document.address)
    for q in document.quads:
        if q.subject == own and q.predicate.value == TREE + "relation":
            relation = about[q.object]
            kind = relation[TYPE.value].removeprefix(TREE)
            found[relation[TREE + "node"]].append((kind, relation[TREE + "value"]))
    return found


def extract(quads: Sequence[ox.Quad]) -> list[Member]:
    """The members of a page: the quads about each with the blank nodes that hang on it, in any graph."""
    about: dict[object, list[ox.Quad]] = defaultdict(list)
    for q in quads:
        about[q.subject].append(q)
    members = []
    for q in quads:
        if q.predicate.value != TREE + "member":
            continue
        assert isinstance(q.object, ox.NamedNode)
        found: list[ox.Quad] = []
        waiting: list[Subject] = [q.object]
        seen: set[Subject] = {q.object}
        while waiting:
            for statement in about[waiting.pop()]:
                found.append(statement)
                if isinstance(statement.object, ox.BlankNode) and statement.object not in seen:
                    seen.add(statement.object)
                    waiting.append(statement.object)
        members.append(Member(q.object, tuple(found)))
    return members


def harvest(client: httpx.Client, copy: Copy, done: set[str], root: str, accept: str = "application/n-quads") -> int:
    """Follow a stream from its root to all pages that are not done; how many members were new."""
    new = 0
    for address in find_relations(fetch(client, root, accept)):
        if address not in done:
            new += copy.apply(extract(fetch(client, address, accept).quads))
            done.add(address)
    return new


def keep_pages(client: httpx.Client, root: str, folder: Path, pause: float = 0.0) -> None:
    """Keep each page of a stream as a file, which is there whole or not at all; what is there is not asked again."""
    for address in find_relations(fetch(client, root)):
        path = folder / f"{sha256(address.encode()).hexdigest()}.nq"
        if not path.exists():
            time.sleep(pause)
            partial = path.with_suffix(".partial")
            partial.write_bytes(fetch(client, address).content)
            partial.replace(path)


def read_pages(folder: Path, copy: Copy) -> int:
    """Take the pages that were kept into a copy; how many members they hold."""
    return sum(copy.apply(extract(parse(path.read_bytes(), "application/n-quads"))) for path in folder.glob("*.nq"))


# --- Activity Streams


@dataclass
class Followed:
    """A copy that is kept by activities; `last` is the time of the newest that was taken in.

    Of each resource the newest activity counts; what is not deleted or deprecated is fetched where its activity says.
    """

    media_type: str = "application/n-triples"
    last: str = ""
    said: dict[str, list[ox.Quad]] = field(default_factory=dict)
    fetched: int = 0

    def follow(self, client: httpx.Client, address: str) -> int:
        """Take in what is newer than what was taken in before; how many activities that was."""
        newest, count, last = find_changes(client, address, self.last)
        for resource, activity in newest.items():
            if activity["type"] in GONE:
                self.said.pop(resource, None)
                continue
            response = client.get(find_link(activity, self.media_type)).raise_for_status()
            self.said[resource] = parse(response.content, self.media_type)
            self.fetched += 1
        self.last = last
        return count

    @property
    def hash(self) -> str:
        """The canonical hash of the copy."""
        return hash_lines(canonical_lines([f"{quad} ." for said in self.said.values() for quad in said]))


GONE = frozenset({"Delete", "Deprecate"})
ACTIVITIES = "application/activity+json"


def find_changes(client: httpx.Client, address: str, last: str) -> tuple[dict[str, dict[str, Any]], int, str]:
    """Walk a collection backwards from its last page to what is no newer than `last`.

    The newest activity of each resource, how many there were, and the time of the newest.
    """
    newest: dict[str, dict[str, Any]] = {}
    count, latest = 0, last
    following = refer(get_json(client, address).get("last"))
    while following is not None:
        page = get_json(client, following)
        assert page["type"] == "OrderedCollectionPage"
        for activity in reversed(page["orderedItems"]):
            if activity["published"] <= last:
                return newest, count, latest
            count += 1
            latest = max(latest, activity["published"])
            newest.setdefault(activity["object"]["id"], activity)
        following = refer(page.get("prev"))
    return newest, count, latest


def get_json(client: httpx.Client, address: str) -> dict[str, Any]:
    """A document of Activity Streams."""
    response = client.get(address, headers={"Accept": ACTIVITIES})
    assert response.status_code == 200, f"{address}: {response.status_code}"
    assert response.headers["content-type"] == ACTIVITIES
    document: dict[str, Any] = response.json()
    return document


def refer(value: Any) -> str | None:
    """The address that a page is named by, with its type or without."""
    found: str | None = value["id"] if isinstance(value, dict) else value
    return found


def find_link(activity: dict[str, Any], media_type: str) -> str:
    """Where the object of an activity is had in a media type."""
    (address,) = [link["href"] for link in activity["object"]["url"] if link["mediaType"] == media_type]
    return str(address)


def keep_resources(client: httpx.Client, address: str, folder: Path, pause: float = 0.0) -> None:
    """Keep what is said of each resource as a file; what is there is not asked again, and what is gone is removed."""
    noted = folder / "activities.json"
    known: dict[str, str] = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
    newest, _, _ = find_changes(client, address, max(known.values(), default=""))
    for resource, activity in newest.items():
        known[resource] = activity["published"]
        path = folder / f"{sha256(resource.encode()).hexdigest()}.nt"
        if activity["type"] in GONE:
            path.unlink(missing_ok=True)
            continue
        state = path.with_suffix(".when")
        if path.exists() and state.exists() and state.read_text(encoding="utf-8") == activity["published"]:
            continue
        time.sleep(pause)
        path.write_bytes(client.get(find_link(activity, "application/n-triples")).raise_for_status().content)
        state.write_text(activity["published"], encoding="utf-8")
    partial = noted.with_suffix(".partial")
    partial.write_text(json.dumps(known), encoding="utf-8")
    partial.replace(noted)  # only now is all of it taken in


def read_resources(folder: Path) -> str:
    """The canonical hash of what was kept."""
    quads = [quad for path in folder.glob("*.nt") for quad in parse(path.read_bytes(), "application/n-triples")]
    return hash_lines(canonical_lines([f"{quad} ." for quad in quads]))


def main(address: str, folder: Path) -> None:
    """Keep what a stream or a collection leads to, slowly."""
    folder.mkdir(exist_ok=True)
    with httpx.Client(timeout=30) as client:
        if address.endswith("/activity"):
            keep_resources(client, address, folder, pause=0.002)
        else:
            keep_pages(client, address, folder, pause=0.1)


if __name__ == "__main__":
    os.nice(5)
    main(sys.argv[1], Path(sys.argv[2]))
