"""/feed/ldes: the change log as a Linked Data Event Stream (LDES 1.0, TREE); a history in, pages of members out.

A member is a version of a resource. In N-Quads, TriG and JSON-LD what the graph says of the resource stands in its
named graphs, with the version as subject, and what the log says of the version in the default graph: so a client
that takes quads rebuilds the dataset, graphs and all. Turtle and N-Triples hold the same without the graphs.

Members are named under the base; the pages are where the client asked for them, so that it is led to no other server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.history import Event, History
from cbdgraph.iris import mint
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, SHAPES, expand
from cbdgraph.quads import relabel
from cbdgraph.server.answers import date_header, etag, respond, served_of
from cbdgraph.server.description import DATASET, LICENCE
from cbdgraph.server.feeds.formats import NAMESPACES, OFFER, SUFFIXES, TYPES, arrange, write
from cbdgraph.server.feeds.pages import Page, cut_pages, find_page
from cbdgraph.server.feeds.routes import (
    ABOUT,
    FOREVER,
    VIEWS,
    address_of_view,
    history_of,
    issued,
    origin_of,
    respond_events,
    respond_list,
    tag_of_page,
    unchanged,
    written,
)
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import FORMATS, HTML, choose_either
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer

router = Router()

STREAM: Final = BASE + "feed/ldes#stream"  # the same wherever it is served
POLLING_SECONDS: Final = 3600
RULE: Final = (
    "A member is a version of a resource. The newest version of a resource takes the place of those before it; one "
    "that is withdrawn takes the resource away. In N-Quads, TriG and JSON-LD the named graphs hold what is said of "
    "the resource, with the version as subject, and the default graph what is said of the version."
)

_VIEW: Final = VIEWS[0]
# Where the order of statements is that of the document: all of the page first, then member by member.
_PROFILED: Final = TYPES[:4]
_PROFILE: Final = '; profile="https://w3id.org/tree/profile"'
_ECHOED: Final = 50  # characters of an address that an error repeats
_SUFFIXES: Final = (*SUFFIXES.values(), "json", "html")
_SHAPE: Final = SHAPES + "VersionShape"
# The shape with its properties, and the lists of their values.
_SHAPE_QUERY: Final = f"""PREFIX sh: <{expand("sh:")}>
PREFIX rdf: <{expand("rdf:")}>
CONSTRUCT {{ ?node ?says ?what }}
WHERE {{ <{_SHAPE}> (sh:property/(sh:in/rdf:rest*)?)? ?node . ?node ?says ?what }}"""

Value = Iri | Text | str | int | bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """The media type to be written, and how addresses end for a client that named a format: `.nq`, `?format=nq`."""

    shown: str
    ending: str = ""


@router.get("/feed/ldes", summary="The change log as a Linked Data Event Stream", responses=offer(OFFER))
async def get_stream(request: Request) -> Response:
    """The root node: what the stream is, and relations to all pages; a page for browsers."""
    return await _respond_root(request, _wanted(request, ""))


@router.get("/feed/ldes.{suffix}", include_in_schema=False)
async def get_stream_as(request: Request, suffix: str) -> Response:
    """The same in the format of the suffix; links lead to pages in that format."""
    return await _respond_root(request, _wanted(request, suffix))


@router.get(
    "/feed/ldes/{release}/{page}", summary="A page of the stream, which never changes", responses=offer(OFFER)
)
async def get_page(request: Request, release: str, page: str) -> Response:
    """The members of one release, a part at a time, by Accept or with a suffix such as .nq."""
    number, dot, suffix = page.partition(".")
    asked = _wanted(request, suffix)
    history = history_of(request)
    found = find_page(history, f"{release}/{number}")
    if found is None or (dot and not suffix):
        detail = f"the stream has no page {release[:_ECHOED]}/{page[:_ECHOED]}"
        raise Problem("not-found", detail, {"suggestions": [_VIEW.path]})
    if asked.shown == HTML:
        return respond_events(request, _VIEW, found, _links(_path(found)))
    tag = tag_of_page(request, found, _VIEW.path, asked.shown, asked.ending)
    if known := unchanged(request, tag, found.release.when, FOREVER):
        return known
    address = Iri(origin_of(request) + _path(found) + asked.ending)
    content = await asyncio.to_thread(_write_page, history, found, address, asked.shown)
    return _respond(content, asked.shown, tag, {"Cache-Control": FOREVER, **date_header(found.release.when)})


async def _respond_root(request: Request, asked: _Asked) -> Response:
    served, history = served_of(request), history_of(request)
    cut = cut_pages(history)
    if asked.shown == HTML:
        return respond_list(request, _VIEW, [(page, _path(page)) for page in cut], _links(_VIEW.path))
    root = Iri(address_of_view(request, _VIEW.path) + asked.ending)
    tag, when = etag(served, _VIEW.path, asked.shown, root), issued(history)
    if known := unchanged(request, tag, when):
        return known
    shape = await _find_shape(served)
    nodes = [Iri(origin_of(request) + _path(page) + asked.ending) for page in cut]
    lines = [*_describe_stream(history, root, bool(shape)), *shape, *_describe_relations(root, cut, nodes)]
    content = await asyncio.to_thread(write, lines, asked.shown)
    return _respond(content, asked.shown, tag, date_header(when))


def _wanted(request: Request, suffix: str) -> _Asked:
    if suffix and suffix not in _SUFFIXES:
        others = {"suggestions": [f"{_VIEW.path}.{other}" for other in _SUFFIXES]}
        raise Problem("not-found", f"the stream has no format .{suffix[:_ECHOED]}", others)
    name = request.query_params.get("format")
    shown = choose_either(name or suffix, request.headers.get("accept", ""), OFFER)
    if name:
        return _Asked(shown, f"?format={next(short for short, kind in FORMATS.items() if kind == shown)}")
    return _Asked(shown, f".{suffix}" if suffix else "")


def _respond(content: bytes, shown: str, tag: str, headers: dict[str, str]) -> Response:
    charset = "; charset=utf-8" if shown.startswith("text/") else ""
    profile = _PROFILE if shown in _PROFILED else ""
    return respond(content, shown, tag, {"Content-Type": f"{shown}{charset}{profile}", **headers})


def _path(page: Page) -> str:
    return f"{_VIEW.path}/{page.name}"


def _links(path: str) -> dict[str, str]:
    return {label: f"{path}.{suffix}" for label, suffix in SUFFIXES.items()}


async def _find_shape(served: Served) -> list[str]:
    """The shape of a version, which each member has; nothing where the graph that is served has none."""
    answer = await served.engine.run_query(_SHAPE_QUERY, media_type="application/n-triples", trusted=True)
    return [line.decode() for line in answer.content.splitlines()]


def _describe_stream(history: History, root: Iri, has_shape: bool) -> Iterator[str]:
    stream, policy = Iri(STREAM), Iri(f"{BASE}feed/ldes#retention")
    yield from _say(stream, "rdf:type", "ldes:EventStream", "dcat:Dataset")
    yield from _say(stream, "dcterms:title", Text("What changed in cbdgraph, release by release", language="en"))
    yield from _say(stream, "dcterms:description", Text(f"{ABOUT} {RULE}", language="en"))
    yield from _say(stream, "dcterms:license", LICENCE)
    yield from _say(stream, "dcterms:source", DATASET)
    yield from _say(stream, "ldes:timestampPath", "prov:generatedAtTime")
    yield from _say(stream, "ldes:versionOfPath", "dcterms:isVersionOf")
    for kind, word in (("Create", "created"), ("Update", "changed"), ("Delete", "withdrawn")):
        yield from _say(stream, f"ldes:version{kind}Path", "cbd:change")
        yield from _say(stream, f"ldes:version{kind}Object", Text(word))
    yield from _say(stream, "ldes:pollingInterval", POLLING_SECONDS)
    if has_shape:
        yield from _say(stream, "tree:shape", Iri(_SHAPE))
    yield from _say(stream, "tree:view", root)
    yield from _say(stream, "dcat:distribution", root)
    yield from _say(root, "rdf:type", "tree:Node", "ldes:EventSource")
    yield from _say(root, "dcat:accessURL", root)
    yield from _say(root, "dcterms:license", LICENCE)
    if history.releases:
        first, last = history.releases[0], history.releases[-1]
        yield from _say(stream, "dcterms:modified", _time(written(last.when)))
        yield from _say(stream, "dcat:version", Text(last.number))
        yield from _say(root, "ldes:retentionPolicy", policy)
        yield from _say(policy, "rdf:type", "ldes:RetentionPolicy")
        yield from _say(policy, "rdfs:comment", Text("Every member since the first release stays.", language="en"))
        yield from _say(policy, "ldes:startingFrom", _time(written(first.when)))


def _describe_relations(root: Iri, cut: Sequence[Page], nodes: Sequence[Iri]) -> Iterator[str]:
    """Two relations to each page: all its members have one and the same time."""
    for page, node in zip(cut, nodes, strict=True):
        for kind in ("GreaterThanOrEqualTo", "LessThanOrEqualTo"):
            relation = Iri(f"{root.value}#{page.name}/{kind}")
            yield from _say(root, "tree:relation", relation)
            yield from _say(relation, "rdf:type", f"tree:{kind}Relation")
            yield from _say(relation, "tree:node", node)
            yield from _say(relation, "tree:path", "prov:generatedAtTime")
            yield from _say(relation, "tree:value", _time(written(page.release.when)))
            yield from _say(relation, "tree:remainingItems", len(page.events))


def _write_page(history: History, page: Page, address: Iri, shown: str) -> bytes:
    """All of a page; reads the log from disk, so that it wants a thread."""
    lines = [
        *_say(address, "rdf:type", "tree:Node"),
        *_say(address, "ldes:immutable", True),
        *_say(Iri(STREAM), "rdf:type", "ldes:EventStream"),
    ]
    for event, content in history.contents(page.events):
        lines += describe_version(event)
        lines += arrange(list_member(event, content), shown)
    return write(lines, shown)


def describe_version(event: Event) -> list[str]:
    """What the log says of a version, as lines of N-Triples, after the one that makes it a member of the stream."""
    version = Iri(event.version)
    return [
        *_say(Iri(STREAM), "tree:member", version),
        *_say(version, "rdf:type", "cbd:Version"),
        *_say(version, "dcterms:isVersionOf", Iri(event.resource)),
        *_say(version, "cbd:change", Text(event.change)),
        *_say(version, "cbd:inRelease", Iri(mint(f"release/{event.release}"))),
        *_say(version, "prov:generatedAtTime", _time(written(event.when))),
        *(_say(version, "cbd:withdrawalReason", Text(event.reason, language="en")) if event.reason else ()),
        *_say(version, "dcterms:isReplacedBy", *map(Iri, event.replacements)),
    ]


def list_member(event: Event, content: Iterable[str]) -> Iterator[str]:
    """What the graph says of the resource, said of the version, as lines of N-Quads.

    Blank nodes get names that no other member has.
    """
    subject, version, label = f"<{event.resource}> ", f"<{event.version}> ", f"_:m{event.position}"
    for line in content:
        said = version + line[len(subject) :] if line.startswith(subject) else line
        yield relabel(said, label) if "_:" in said else said


def _say(subject: Iri, name: str, *values: Value) -> Iterator[str]:
    """A line for each value; a string is the name of a term, a number or a truth a literal."""
    for value in values:
        match value:
            case bool():
                told: Iri | Text = Text(str(value).lower(), datatype=_term("xsd:boolean"))
            case int():
                told = Text(str(value), datatype=_term("xsd:integer"))
            case str():
                told = _term(value)
            case _:
                told = value
        yield f"{subject} {_term(name)} {told} ."


def _term(name: str) -> Iri:
    prefix, _, local = name.partition(":")
    return Iri(NAMESPACES[prefix] + local)


def _time(text: str) -> Text:
    return Text(text, datatype=_term("xsd:dateTime"))
