"""The header Link of a resource: its IRI, classes and addresses in; RFC 8288 and FAIR Signposting out.

A header has a size that every proxy lets through: what is least needed is left out of one that would be larger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from starlette.requests import Request

from cbdgraph.changelog import mint_version
from cbdgraph.namespaces import BASE
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import is_older, served_of
from cbdgraph.server.description import DATASET, LICENCE
from cbdgraph.server.graphs import ascii_of
from cbdgraph.server.negotiate import HTML, JSON

LONGEST: Final = 4000  # bytes of one header; half of what proxies usually let through for all
ABOUT_PAGE: Final = "https://schema.org/AboutPage"
# What a resource is written in, with the ending of its address; "" where only ?format= names it.
WRITTEN: Final[Mapping[str, tuple[str, str]]] = {
    HTML: (".html", "html"),
    "text/turtle": (".ttl", "ttl"),
    "application/ld+json": (".jsonld", "jsonld"),
    "application/rdf+xml": (".rdf", "rdf"),
    "application/n-triples": (".nt", "nt"),
    JSON: (".json", "json"),
    "application/n-quads": ("", "nq"),
    "application/trig": ("", "trig"),
}
_METADATA: Final = ("text/turtle", "application/ld+json")  # what describes a resource for a harvester
_CLASSES: Final = 8  # that a header names

Link = tuple[str, str, str]  # target, relation, media type or ""


def prefix_of(request: Request) -> str:
    """What stands before every address of an older release, where one is asked; "" for the release that is served."""
    return f"/release/{served_of(request).release}" if is_older(request) else ""


def find_alternates(iri: str, prefix: str = "") -> dict[str, str]:
    """Where the description of an IRI is found in each format, by media type.

    >>> find_alternates("https://w3id.org/cbdgraph/target/aichi/15")["text/turtle"]
    '/target/aichi/15.ttl'
    >>> find_alternates("http://e/x", "/release/0.1.0")["application/n-quads"]
    '/release/0.1.0/describe?iri=http%3A%2F%2Fe%2Fx&format=nq'
    """
    start = prefix + address(iri)
    if not iri.startswith(BASE):
        return {media_type: f"{start}&format={name}" for media_type, (_, name) in WRITTEN.items()}
    start = start.replace("#", "%23")
    return {
        media_type: f"{start}{ending}" if ending else f"{start}?format={name}"
        for media_type, (ending, name) in WRITTEN.items()
    }


def link_resource(request: Request, iri: str, shown: str, classes: Collection[str]) -> str:
    """The header of a description in the media type `shown`; `classes` are those of the resource."""
    served = served_of(request)
    prefix = prefix_of(request)
    alternates = find_alternates(iri, prefix)
    links: list[Link] = [
        (iri, "canonical", ""),
        (mint_version(served.release, iri) if prefix else iri, "cite-as", ""),
        *([(iri, "latest-version", "")] if prefix else []),
        *([(iri, "describes", "")] if shown != HTML else []),
        (DATASET.value, "collection", ""),
        *(
            [(LICENCE.value, "license", "")] if served.folder is not None else []
        ),  # of a user's own files none is known
        *((alternates[media_type], "describedby", media_type) for media_type in _METADATA),
        *([(ABOUT_PAGE, "type", "")] if shown == HTML else []),
        *((name, "type", "") for name in sorted(classes)[:_CLASSES]),
        *((where, "alternate", media_type) for media_type, where in alternates.items() if media_type != shown),
    ]
    return write_links(links)


def write_links(links: Iterable[Link]) -> str:
    """Links as a header; those behind the last that it has room for are left out.

    >>> write_links([("/x.ttl", "alternate", "text/turtle"), ("http://e/ü", "license", "")])
    '</x.ttl>; rel="alternate"; type="text/turtle", <http://e/%C3%BC>; rel="license"'
    """
    written: list[str] = []
    size = 0
    for target, relation, media_type in links:
        kind = f'; type="{media_type}"' if media_type else ""
        text = f'<{ascii_of(target)}>; rel="{relation}"{kind}'
        size += len(text) + 2
        if size > LONGEST:
            break
        written.append(text)
    return ", ".join(written)
