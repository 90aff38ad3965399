"""/why: a triple, or a part of one, in; whether it is asserted, inferred or computed, and from what, out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName, ParameterError, QuerySyntaxError, UnknownResource
from cbdgraph.iris import mint
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, PREFIXES, expand
from cbdgraph.queries import read_queries
from cbdgraph.server import pages
from cbdgraph.server.answers import ClientGone, etag, not_modified, served_of, settings_of, while_connected
from cbdgraph.server.known import find_near
from cbdgraph.server.live import Served
from cbdgraph.server.near import term_of
from cbdgraph.server.proofs import INFERRED, Prover, Statement
from cbdgraph.server.routes import Router
from cbdgraph.server.rules import Rule, Triple
from cbdgraph.store import Answer

router = Router()

Term = Iri | Text

_MOST: Final = 50  # statements of one answer
_PLACES: Final = ("subject", "predicate", "object")
_LITERAL: Final = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)"(?:@(?P<language>[A-Za-z0-9-]+)|\^\^(?P<datatype>\S+))?\Z', re.DOTALL
)
_ESCAPE: Final = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([tbnrf"\'\\]))')
_ESCAPED: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_MEANING: Final = {
    "subject": "a full IRI, a path under the base or a prefixed name",
    "predicate": "as subject, or a for rdf:type",
    "object": 'as subject, or a literal as N-Triples has it: "text"@en, "1"^^xsd:integer',
}
_EXAMPLE: Final = {"subject": "decision/cop/11/16", "predicate": "cbd:onIssue", "object": ""}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "statements with their status; an inferred one with rule, axiom and premises",
        "content": {"application/json": {}, "text/html": {}},
    },
    400: {"description": "a parameter that cannot be read", "content": {"application/problem+json": {}}},
    404: {"description": "the graph does not know what is named", "content": {"application/problem+json": {}}},
}


@router.get(
    "/why",
    summary="What a statement follows from",
    responses=_RESPONSES,
    openapi_extra={
        "parameters": [
            {
                "name": name,
                "in": "query",
                "schema": {"type": "string"},
                "description": _MEANING[name],
                **({"example": _EXAMPLE[name]} if _EXAMPLE[name] else {}),
            }
            for name in _PLACES
        ]
    },
)
async def get_why(request: Request) -> Response:
    """A whole triple, whether it is there or not; with less than that, the statements that there are of it."""
    served, settings = served_of(request), settings_of(request)
    given = {name: request.query_params[name] for name in _PLACES if request.query_params.get(name, "").strip()}
    html = pages.wants_html(request)
    if not given and html:
        return pages.respond(
            pages.render("why.html", given={}, statements=None, meaning=_MEANING, note="", more=False)
        )
    if "subject" not in given and "object" not in given:
        raise ParameterError("subject", f"it is missing; {_MEANING['subject']}, for example {_EXAMPLE['subject']}")
    terms = {name: parse_term(name, value) for name, value in given.items()}
    folder = settings.root / "ontology" / "rules"
    rules = await asyncio.to_thread(read_rules, folder)
    tag = etag(served, "why", html, *terms.items(), *(rule.source.text for rule in rules.values()))
    if known := not_modified(request, tag):
        return known
    try:
        document, statements = await while_connected(
            request, _explain(served, rules, terms, given, settings.query_seconds)
        )
    except ClientGone:
        return Response(status_code=499)
    if not document["complete"]:
        tag = ""
    if not html:
        return pages.respond_json(document, tag)
    page = pages.render(
        "why.html",
        given=given,
        statements=statements,
        meaning=_MEANING,
        note=document["note"],
        more=document["more"],
        others=document.get("others", []),
        graphs={graph["graph"]: graph for graph in document["graphs"]},
        address=address,
    )
    return pages.respond(page, tag)


async def _explain(
    served: Served, rules: Mapping[str, Rule], terms: Mapping[str, Term], given: Mapping[str, str], seconds: float
) -> tuple[dict[str, Any], list[Statement]]:
    await _check_known(served, terms, given)
    prover = Prover(served, rules, seconds)
    others: list[str] = []
    if len(terms) == 3:
        triples, more = [_triple(terms)], False
    else:
        triples, more = await _find(served, terms)
    statements = [await prover.explain(triple) for triple in triples]
    if len(terms) == 3 and statements[0].status == "absent":
        same, _ = await _find(served, {name: terms[name] for name in ("subject", "predicate")})
        others = [str(triple.object) for triple in same[:10]]
    graphs = sorted(set().union(*(statement.graphs_of_all() for statement in statements)))
    document = {
        "release": served.release,
        "statements": [statement.document() for statement in statements],
        "more": more,
        "graphs": await prover.describe(graphs),
        "note": _note(served),
        "complete": not any("limit" in leaf.note for statement in statements for leaf in statement.leaves()),
    }
    if others:
        document["others"] = others
    return document, statements


def _note(served: Served) -> str:
    if any(graph.startswith(INFERRED) for graph in served.graphs):
        return ""
    return "Nothing is inferred in what is served here: it has no graphs of conclusions, and all of it is as given."


async def _check_known(served: Served, terms: Mapping[str, Term], given: Mapping[str, str]) -> None:
    """`UnknownResource` for an IRI that the graph never mentions."""
    for name, term in terms.items():
        if not isinstance(term, Iri):
            continue
        places = (f"{term} ?p ?o", f"?s {term} ?o", f"?s ?p {term}")
        parts = " UNION ".join(f"{{ {place} }} UNION {{ GRAPH ?g {{ {place} }} }}" for place in places)
        try:
            known = (await _run(served, f"ASK {{ {parts} }}")).boolean
        except QuerySyntaxError:  # no IRI to the engine, so that the graph cannot hold it
            known = False
        if not known:
            near = [other.removeprefix(BASE) for other in await find_near(served, term.value)]
            raise UnknownResource(name, given[name], term.value, tuple(near))


async def _find(served: Served, terms: Mapping[str, Term]) -> tuple[list[Triple], bool]:
    """The statements that fit, all where a property is given, else what was inferred; and whether there are more."""
    pattern = " ".join(str(terms.get(name, f"?{name}")) for name in _PLACES)
    free = " ".join(f"?{name}" for name in _PLACES if name not in terms)
    where = f"{{ {pattern} }} UNION {{ GRAPH ?graph {{ {pattern} }} }}"
    if "predicate" not in terms:
        where = f'GRAPH ?graph {{ {pattern} }} FILTER(STRSTARTS(STR(?graph), "{INFERRED}"))'
    query = f"SELECT DISTINCT {free} WHERE {{ {where} }} ORDER BY {free} LIMIT {_MOST + 1}"
    rows = (await _run(served, query)).bindings
    triples = []
    for row in rows[:_MOST]:
        values = {**terms, **{name: value for name in row if (value := term_of(row[name])) is not None}}
        if len(values) == 3 and isinstance(values["subject"], Iri) and isinstance(values["predicate"], Iri):
            triples.append(_triple(values))
    return triples, len(rows) > _MOST


async def _run(served: Served, query: str) -> Answer:
    return await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)


def _triple(terms: Mapping[str, Term]) -> Triple:
    subject, predicate = terms["subject"], terms["predicate"]
    assert isinstance(subject, Iri)
    assert isinstance(predicate, Iri)
    return Triple(subject, predicate, terms["object"])


def read_rules(folder: Path) -> dict[str, Rule]:
    """The rules of a folder by name; none where there is no such folder."""
    found = {name: Rule.read(query) for name, query in read_queries(folder).items()}
    return {name: rule for name, rule in found.items() if rule is not None}


def parse_term(name: str, value: str) -> Term:
    """The term that a parameter stands for; `ParameterError` says what would be right.

    >>> str(parse_term("subject", "decision/cop/11/16")), str(parse_term("object", '"a"@en'))
    ('<https://w3id.org/cbdgraph/decision/cop/11/16>', '"a"@en')
    """
    value = value.strip()
    try:
        if name == "object" and value.startswith('"'):
            return _literal(value)
        if value.startswith(('"', "_:", "?", "$")):
            raise ParameterError(name, f"expected {_MEANING[name]}, not {value[:80]!r}")
        return _iri(name, value)
    except InvalidName as error:
        raise ParameterError(name, f"{error.reason}; expected {_MEANING[name]}") from error


def _iri(name: str, value: str) -> Iri:
    if value.startswith("<") and value.endswith(">"):
        value = value[1:-1]
    elif value == "a" and name == "predicate":
        return Iri(expand("rdf:type"))
    prefix, colon, _ = value.partition(":")
    if colon and prefix in PREFIXES and not value.startswith(f"{prefix}://"):
        return Iri(expand(value))
    return Iri(value if _SCHEME.match(value) else mint(value.removeprefix("/")))


def _literal(value: str) -> Text:
    match = _LITERAL.match(value)
    if match is None:
        raise InvalidName("literal", value, "the quotation mark is not closed, or more follows it")
    text = _ESCAPE.sub(_unescape, match["text"])
    if match["language"]:
        return Text(text, language=match["language"])
    if not match["datatype"]:
        return Text(text)
    datatype = _iri("object", match["datatype"])
    return Text(text, datatype=None if datatype.value == expand("xsd:string") else datatype)


def _unescape(match: re.Match[str]) -> str:
    if match[3]:
        return _ESCAPED.get(match[3], match[3])
    number = int(match[1] or match[2], 16)
    if number > 0x10FFFF:
        raise InvalidName("literal", match[0], "there is no such character")
    return chr(number)


def address(subject: str = "", predicate: str = "", value: Mapping[str, str] | None = None) -> str:
    """Where a statement is explained: IRIs, and a term of SPARQL JSON, in; "" where it cannot be asked for.

    >>> address("https://w3id.org/cbdgraph/target/aichi/15", "http://e/p")
    '/why?subject=target%2Faichi%2F15&predicate=http%3A%2F%2Fe%2Fp'
    """
    term = term_of(value) if value else None
    if value and term is None:
        return ""
    written = _path(term.value) if isinstance(term, Iri) else str(term or "")
    given = {"subject": _path(subject), "predicate": _path(predicate), "object": written}
    return "/why?" + urlencode({name: text for name, text in given.items() if text})


def _path(iri: str) -> str:
    """An IRI as short as `parse_term` takes it."""
    path = iri.removeprefix(BASE)
    return iri if ":" in path or not path else path
