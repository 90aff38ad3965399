"""/.well-known/sparql-examples: the questions of queries/ as RDF, in the form in which SIB's tools read examples.

Query files in, triples out: each a `sh:SPARQLExecutable` with its text, its comment, its keywords and its target, and
whether it has rows in this release, as an assertion of EARL. They are no part of the graph: they change with the
program, and what a release says does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import CbdGraphError
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, PREFIXES
from cbdgraph.queries import Query
from cbdgraph.server.answers import etag, not_modified, respond, served_of
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import GRAPH_ALIASES, choose_either
from cbdgraph.server.nodes import DATASET, SERVICE, Node, Triple, english, term, write
from cbdgraph.server.routes import Router, offer
from cbdgraph.store import GRAPH_TYPES
from cbdgraph.store.convert import convert
from cbdgraph.store.guard import check_query

router = Router()

OFFER: Final = (*GRAPH_TYPES, *GRAPH_ALIASES)
DOCUMENT: Final = Iri(BASE + ".well-known/sparql-examples")
_SCHEMA: Final = "https://schema.org/"  # as SIB writes it; the graph itself has http
_EARL: Final = "http://www.w3.org/ns/earl#"
# Of a query's form: its class and the property that holds its text, after SHACL; SIB adds DESCRIBE.
_SPEX: Final = "https://purl.expasy.org/sparql-examples/ontology#"
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "SELECT": ("sh:SPARQLSelectExecutable", "sh:select"),
    "ASK": ("sh:SPARQLAskExecutable", "sh:ask"),
    "CONSTRUCT": ("sh:SPARQLConstructExecutable", "sh:construct"),
    "DESCRIBE": (_SPEX + "SPARQLDescribeExecutable", _SPEX + "describe"),
}
_RESULTS: Final = "application/sparql-results+json"
_PREFIXES: Final = {**PREFIXES, "schema": _SCHEMA, "earl": _EARL, "spex": _SPEX}


@dataclass(frozen=True, slots=True)
class Example:
    """A query as an example: `path` names it in the document; `rows` are those of this release, None if it fails."""

    path: str
    query: Query
    rows: int | None

    @property
    def text(self) -> str:
        """What to ask: the file less its header, with the examples of the parameters that it needs."""
        return read_text(self.query)

    @property
    def comment(self) -> str:
        """The question in a sentence, with the values that stand in it."""
        return comment_of(self.query)


def read_text(query: Query) -> str:
    """A query file's SPARQL less its header, bound to the examples of the parameters that it needs."""
    bound = query.bind(_values(query))
    return "\n".join(line for line in bound.splitlines() if not line.startswith("#+"))


def comment_of(query: Query) -> str:
    """What a query asks, with the values that stand in it: summary and, of parameters, name and example."""
    values = ", ".join(f"{name} {value}" for name, value in _values(query).items())
    return f"{query.summary} ({values})" if values else query.summary


@router.get("/.well-known/sparql-examples", summary="Example queries in RDF", responses=offer(GRAPH_TYPES))
async def show_examples(request: Request) -> Response:
    """The questions and named queries as `sh:SPARQLExecutable`."""
    return await _respond(request, request.query_params.get("format"))


@router.get("/.well-known/sparql-examples.{suffix}", include_in_schema=False)
async def show_examples_as(request: Request, suffix: str) -> Response:
    """The same in the format of the suffix."""
    return await _respond(request, request.query_params.get("format", suffix))


async def _respond(request: Request, name: str | None) -> Response:
    served = served_of(request)
    shown = choose_either(name, request.headers.get("accept", ""), OFFER, GRAPH_ALIASES)
    endpoint = str(request.url.replace(path="/sparql", query="", fragment=""))
    texts = (query.text for queries in (served.questions, served.queries) for query in queries.values())
    tag = etag(served, "examples", shown, endpoint, *texts)
    if known := not_modified(request, tag):
        return known
    examples = await _try_all(served)
    lines = write(describe_examples(examples, served.release, Iri(endpoint))).split("\n")
    written = GRAPH_ALIASES.get(shown, shown)
    return respond(await asyncio.to_thread(convert, lines, written, _PREFIXES), shown, tag)


def describe_examples(examples: list[Example], release: str, endpoint: Iri) -> Iterator[Triple]:
    """The document, the prefixes, and each example."""
    document = Node(DOCUMENT)
    yield from document.say("rdf:type", "owl:Ontology")
    yield from document.say("dcterms:title", english("Questions to this graph, as SPARQL"))
    yield from document.say("dcterms:license", Iri("https://creativecommons.org/licenses/by/4.0/"))
    yield from document.say("dcterms:subject", DATASET)
    for prefix, namespace in PREFIXES.items():
        node = Node(Iri(f"{BASE}prefixes#{prefix}"))
        yield from document.say("sh:declare", node.iri)
        yield from node.say("rdf:type", "sh:PrefixDeclaration")
        yield from node.say("sh:prefix", Text(prefix))
        yield from node.say("sh:namespace", Text(namespace, datatype=term("xsd:anyURI")))
    for example in examples:
        yield from _describe(example, release, endpoint)


def _describe(example: Example, release: str, endpoint: Iri) -> Iterator[Triple]:
    node = Node(Iri(f"{DOCUMENT.value}#{example.path}"))
    class_, holds = _FORMS[_form(example.text)]
    yield from node.say("rdf:type", "sh:SPARQLExecutable", class_)
    yield from node.say("rdfs:comment", english(example.comment))
    if example.query.description:
        yield from node.say("dcterms:description", english(example.query.description))
    yield from node.say("sh:prefixes", DOCUMENT)
    yield from node.say(holds, Text(example.text))
    yield from node.say(_SCHEMA + "keywords", *(Text(tag) for tag in example.query.tags))
    yield from node.say(_SCHEMA + "target", endpoint)
    if example.path.startswith("named/"):
        yield from node.say("rdfs:seeAlso", Iri(f"{BASE}query/{example.query.name}"))
    passed = example.rows is not None
    check, result = Node(Iri(f"{node.iri.value}/check")), Node(Iri(f"{node.iri.value}/result"))
    yield from check.say("rdf:type", _EARL + "Assertion")
    yield from check.say(_EARL + "assertedBy", SERVICE)
    yield from check.say(_EARL + "test", node.iri)
    yield from check.say(_EARL + "subject", DATASET)
    yield from check.say(_EARL + "mode", _EARL + "automatic")
    yield from check.say(_EARL + "result", result.iri)
    yield from check.say("dcat:version", Text(release))
    yield from result.say("rdf:type", _EARL + "TestResult")
    yield from result.say(_EARL + "outcome", _EARL + ("passed" if passed else "cantTell"))
    if example.rows is not None:
        yield from result.say(_SCHEMA + "numberOfItems", example.rows)


async def _try_all(served: Served) -> list[Example]:
    """Every question and named query with its rows in this release: a second or so for the first who asks."""
    found = [
        (f"{kind}/{query.name}", query)
        for kind, queries in (("question", served.questions), ("named", served.queries))
        for query in queries.values()
    ]
    rows = await asyncio.gather(*(_count(served, query) for _, query in found))
    return [Example(path, query, count) for (path, query), count in zip(found, rows, strict=True)]


async def _count(served: Served, query: Query) -> int | None:
    """Rows of the answer; None where the limits of the service or a fault in the file leave none."""
    text = read_text(query)
    written = _RESULTS if _form(text) in {"SELECT", "ASK"} else "application/n-triples"
    try:
        answer = await served.engine.run_query(text, media_type=written, trusted=True)
    except CbdGraphError:
        return None
    return answer.rows


def _values(query: Query) -> dict[str, Any]:
    return {parameter.name: parameter.example for parameter in query.parameters if parameter.required}


def _form(text: str) -> str:
    """The word with which a query says what it wants."""
    form = check_query(text).form
    if form == "triples":
        return "DESCRIBE" if "DESCRIBE" in text.upper() and "CONSTRUCT" not in text.upper() else "CONSTRUCT"
    return "ASK" if form == "boolean" else "SELECT"
