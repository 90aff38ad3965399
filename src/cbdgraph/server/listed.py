"""A page of a list as a value, and in each format that is no page for people: entries in, JSON, tables and RDF out.

Asks nothing and knows no route. In RDF a page is a `hydra:PartialCollectionView` of a `hydra:Collection`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, expand
from cbdgraph.quads import make_triple
from cbdgraph.queries import prologue
from cbdgraph.server.addresses import address
from cbdgraph.server.codes import Code
from cbdgraph.server.statements import Name, short

PAGE: Final = 100  # entries
HYDRA: Final = "http://www.w3.org/ns/hydra/core#"
_OF_CLASS: Final = "?resource a @CLASS@ ; a ?class ."
_OF_ALL: Final = "?resource ?property ?value . OPTIONAL { ?resource a ?class }"


@dataclass(frozen=True, slots=True)
class List:
    """One list: its name in the address, of which class it is, what is counted, by which path from there to it."""

    name: str
    title: str
    meaning: str
    class_: str = ""
    counted: str = ""
    path: str = ""

    @property
    def members(self) -> str:
        """The query for the resources with their classes."""
        body = _OF_CLASS.replace("@CLASS@", self.class_) if self.class_ else _OF_ALL
        return f"{prologue(('cbd',))}\n\nSELECT DISTINCT ?resource ?class\nWHERE {{ {body} }}"

    @property
    def counts(self) -> str:
        """The query for how much there is of what is counted."""
        return (
            f"{prologue(('cbd',))}\n\nSELECT ?resource (COUNT(DISTINCT ?counted) AS ?count)\n"
            f"WHERE {{ ?counted {self.path} ?resource }}\nGROUP BY ?resource"
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a list; `count` is None where nothing is counted, `modified` "" where no release says it."""

    iri: str
    name: Name
    names: Mapping[str, str]
    classes: tuple[str, ...]
    codes: tuple[Code, ...]
    count: int | None
    modified: str

    @property
    def path(self) -> str:
        """Where this service describes it."""
        return address(self.iri)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Its classes with their prefixes."""
        return tuple(map(short, self.classes))


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a list; `number` counts from 1, `total` is that of the whole list.

    `filters` are the parameters that chose from the list, and make it another one.
    """

    of: List
    number: int
    total: int
    entries: tuple[Entry, ...]
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def last(self) -> int:
        """The number of the last page; an empty list has one."""
        return max(-(-self.total // PAGE), 1)

    @property
    def others(self) -> dict[str, int]:
        """The pages that a link leads to, by relation."""
        near = {"prev": self.number - 1, "next": self.number + 1}
        inside = {name: number for name, number in near.items() if 1 <= number <= self.last}
        return {"first": 1, **inside, "last": self.last}


def describe(page: Page, links: Mapping[str, str], language: str, release: str) -> dict[str, Any]:
    return {
        "list": page.of.name,
        "title": page.of.title,
        "description": page.of.meaning,
        **({"filters": dict(page.filters)} if page.filters else {}),
        "total": page.total,
        "page": page.number,
        "pages": page.last,
        "language": language,
        "members": [
            {
                "iri": entry.iri,
                "path": entry.path,
                "label": entry.name.text,
                "language": entry.name.language,
                "classes": list(entry.kinds),
                "codes": [{"code": code.text, "scheme": short(code.scheme)} for code in entry.codes],
                **({} if entry.count is None else {page.of.counted: entry.count}),
                "modified": entry.modified or None,
            }
            for entry in page.entries
        ],
        "release": release,
        "links": dict(links),
    }


def write_table(page: Page, sign: str) -> str:
    """The entries as a table with `sign` between the columns."""
    out = io.StringIO()
    counted = [page.of.counted] if page.of.counted else []
    writer = csv.writer(out, delimiter=sign, lineterminator="\r\n")
    writer.writerow(["resource", "label", "language", "classes", "codes", *counted, "modified"])
    for entry in page.entries:
        count = [] if entry.count is None else [entry.count]
        codes = "; ".join(code.text for code in entry.codes)
        row = [entry.iri, entry.name.text, entry.name.language, " ".join(entry.kinds), codes, *count, entry.modified]
        writer.writerow(row)
    return out.getvalue()


def write_graph(page: Page, language: str) -> Iterator[str]:
    """Lines of N-Triples; names in `language` only, "" for all."""
    whole = f"{BASE}{page.of.name}/"
    collection = Iri(f"{whole}?{urlencode(page.filters)}" if page.filters else whole)
    start = collection.value + ("&page=" if page.filters else "?page=")
    view = Iri(f"{start}{page.number}")
    total = Text(str(page.total), datatype=Iri(expand("xsd:integer")))
    yield make_triple(collection, "rdf:type", _hydra("Collection"))
    yield make_triple(collection, "dcterms:title", Text(page.of.title, language="en"))
    yield make_triple(collection, HYDRA + "totalItems", total)
    yield make_triple(collection, HYDRA + "view", view)
    yield make_triple(view, "rdf:type", _hydra("PartialCollectionView"))
    for relation, other in page.others.items():
        name = "previous" if relation == "prev" else relation
        yield make_triple(view, HYDRA + name, Iri(f"{start}{other}"))
    for entry in page.entries:
        if resource := Iri.find(entry.iri):
            yield make_triple(collection, HYDRA + "member", resource)
            yield from _write_entry(resource, entry, language)


def _write_entry(resource: Iri, entry: Entry, language: str) -> Iterator[str]:
    for class_ in map(Iri.find, entry.classes):
        if class_:
            yield make_triple(resource, "rdf:type", class_)
    for spoken, text in entry.names.items():
        if not language or spoken == language:
            yield make_triple(resource, "rdfs:label", Text(text, language=spoken))
    for code in entry.codes:
        yield make_triple(resource, code.predicate, Text(code.text, datatype=Iri.find(code.datatype)))
    if entry.modified:
        yield make_triple(resource, "dcterms:modified", Text(entry.modified, datatype=Iri(expand("xsd:dateTime"))))


def _hydra(name: str) -> Iri:
    return Iri(HYDRA + name)
