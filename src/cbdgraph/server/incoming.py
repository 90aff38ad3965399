"""?incoming=: what points to a resource by one property, a hundred at a time; an IRI in, a page, RDF or JSON out.

The description of a resource does not hold this: of a meeting or a level it would be most of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName, ParameterError
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, LANGUAGES, PREFIXES
from cbdgraph.server import concise, pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import date_header, etag, not_modified, respond, served_of
from cbdgraph.server.dumps import issued
from cbdgraph.server.known import is_described
from cbdgraph.server.links import prefix_of, write_links
from cbdgraph.server.live import Served
from cbdgraph.server.names import find_names
from cbdgraph.server.negotiate import GRAPH_ALIASES, HTML, JSON, choose_language
from cbdgraph.server.paging import read_number
from cbdgraph.server.portrait import Rows, select
from cbdgraph.server.problems import Problem
from cbdgraph.server.statements import Names, Term, pick, short, words_of

PAGE: Final = 100
_ECHOED: Final = 100  # characters of a parameter that an error repeats
_LABELS: Final = (("Turtle", "ttl"), ("JSON-LD", "jsonld"), ("JSON", "json"))
_FORMATS: Final = {HTML: "html", "text/turtle": "ttl", "application/ld+json": "jsonld", JSON: "json"}

# Values are bound as terms at the marks, never pasted as text: `str(Iri(…))` cannot leave its angle brackets.
_COUNT: Final = "SELECT (COUNT(*) AS ?count) WHERE { ?near @PROPERTY@ @IRI@ }"
_NEAR: Final = f"SELECT ?near WHERE {{ ?near @PROPERTY@ @IRI@ }} ORDER BY ?near LIMIT {PAGE} OFFSET @OFFSET@"


def address_of(iri: str, name: str, prefix: str = "", **more: str | int) -> str:
    """Where it is listed what points to a resource by a property; `more` are other parameters.

    >>> address_of("https://w3id.org/cbdgraph/issue/x", "https://w3id.org/cbdgraph/ontology#onIssue", page=2)
    '/issue/x?incoming=cbd:onIssue&page=2'
    """
    start = prefix + address(iri).replace("#", "%23")
    return f"{start}{'?' if iri.startswith(BASE) else '&'}{urlencode({'incoming': short(name), **more}, safe=':')}"


async def respond_incoming(request: Request, iri: str, shown: str) -> Response | None:
    """A page of the list that ?incoming= and ?page= name; None if the graph says nothing about the resource."""
    served = served_of(request)
    name, number = (
        _read_property(request.query_params["incoming"]),
        read_number(request.query_params.get("page", "1")),
    )
    query = _COUNT.replace("@PROPERTY@", f"<{name}>").replace("@IRI@", str(Iri(iri)))
    (counted,) = await select(served, query)
    count = int(counted["count"]["value"])
    if not count and iri not in served.graphs and not await is_described(served, iri):
        return None
    last = max(1, -(-count // PAGE))
    if number > last:
        where = address_of(iri, name, prefix_of(request), page=last)
        raise Problem("not-found", f"there is no page {number}, the last one is {last}", {"suggestions": [where]})
    language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    is_rdf = shown not in {HTML, JSON}
    vary = "Accept" if is_rdf else "Accept, Accept-Language"
    tag = etag(served, "incoming", iri, name, number, shown, "" if is_rdf else language)
    dated = date_header(issued(served))
    if known := not_modified(request, tag, vary, dated):
        return known
    query = _NEAR.replace("@PROPERTY@", f"<{name}>").replace("@IRI@", str(Iri(iri)))
    rows = await select(served, query.replace("@OFFSET@", str((number - 1) * PAGE))) if count else []
    given = {each: value for each in ("format", "lang") if (value := request.query_params.get(each))}
    turns = _turn(iri, name, number, last, prefix_of(request), given)
    headers = {"Vary": vary, "Link": _link(iri, name, number, shown, turns, prefix_of(request)), **dated}
    if is_rdf:
        content = await concise.write(await _write_lines(served, iri, name, rows), GRAPH_ALIASES.get(shown, shown))
        return respond(content, shown, tag, headers)
    names = await find_names(served, (iri, name, *(row["near"]["value"] for row in rows)))
    listed = _Listed(iri, name, count, number, last, rows, names, language)
    if shown == JSON:
        return pages.respond_json(_write_document(listed, turns, served.release), tag, headers)
    return pages.respond(_write_page(listed, turns, prefix_of(request), served.release), tag, headers)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A page of the list."""

    iri: str
    property: str
    count: int
    number: int
    last: int
    rows: Rows
    names: Names
    language: str


def _read_property(text: str) -> str:
    """The property that a parameter names, by prefixed name or in full."""
    prefix, _, rest = text.partition(":")
    name = PREFIXES[prefix] + rest if prefix in PREFIXES else text
    try:
        return Iri(name).value
    except InvalidName as error:
        expected = "expected a property, as cbd:onIssue or as a full IRI"
        raise ParameterError("incoming", f"{expected}, not {text[:_ECHOED]!r}") from error


def _turn(iri: str, name: str, number: int, last: int, prefix: str, given: Mapping[str, str]) -> dict[str, str]:
    """Where the other pages are, by their relation to this one."""
    others = {"first": 1, "prev": number - 1, "next": number + 1, "last": last}
    return {
        relation: address_of(iri, name, prefix, page=other, **given)
        for relation, other in others.items()
        if 1 <= other <= last
    }


def _link(iri: str, name: str, number: int, shown: str, turns: Mapping[str, str], prefix: str) -> str:
    links = [(where, relation, "") for relation, where in turns.items()]
    for media_type, short_name in _FORMATS.items():
        if media_type != shown:
            where = address_of(iri, name, prefix, page=number, format=short_name)
            links.append((where, "alternate", media_type))
    return write_links(links)


async def _write_lines(served: Served, iri: str, name: str, rows: Rows) -> tuple[str, ...]:
    """The statements of a page, and English names of what they are about."""
    terms = [
        f"_:{row['near']['value']}" if row["near"]["type"] == "bnode" else f"<{row['near']['value']}>" for row in rows
    ]
    named = []
    for term in terms:
        with suppress(InvalidName):  # what a stranger's data may hold and the core calls no IRI
            named += [str(Iri(term[1:-1]))] if term.startswith("<") else []
    return (*(f"{term} <{name}> <{iri}> ." for term in terms), *await concise.name(served, named))


def _write_document(listed: _Listed, turns: Mapping[str, str], release: str) -> dict[str, Any]:
    def node(term: Term) -> dict[str, Any]:
        if term["type"] == "bnode":
            return {"blank": term["value"]}
        found = pick(listed.names.get(term["value"], {}), listed.language)
        return {"iri": term["value"], "path": address(term["value"]), "label": found.text if found else None}

    return {
        "iri": listed.iri,
        "property": {
            "iri": listed.property,
            "name": short(listed.property),
            "label": words_of(listed.property, listed.names),
        },
        "count": listed.count,
        "page": listed.number,
        "pages": listed.last,
        "values": [node(row["near"]) for row in listed.rows],
        "language": listed.language,
        "release": release,
        "links": dict(turns),
    }


def _write_page(listed: _Listed, turns: Mapping[str, str], prefix: str, release: str) -> str:
    def where(**more: str | int) -> str:
        return address_of(listed.iri, listed.property, prefix, **more)

    return pages.render(
        "incoming.html",
        listed=listed,
        title=pick(listed.names.get(listed.iri, {}), listed.language),
        fallback=listed.iri.removeprefix(BASE),
        words=words_of(listed.property, listed.names),
        entries=[
            (row["near"], pick(listed.names.get(row["near"]["value"], {}), listed.language)) for row in listed.rows
        ],
        first=(listed.number - 1) * PAGE + 1,
        path=prefix + address(listed.iri),
        turns=turns,
        formats=[(label, where(page=listed.number, format=name)) for label, name in _LABELS],
        languages=[(code, where(page=listed.number, format="html", lang=code)) for code in LANGUAGES],
        release=release,
    )
