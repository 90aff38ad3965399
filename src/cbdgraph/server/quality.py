"""/quality: the release in, the report on its vocabularies out, as a page to work from and as data; asks nobody else.

The checks run once for a release, and the report is kept as long as that is served.
"""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import ParameterError
from cbdgraph.quality import registry
from cbdgraph.quality.checks import GROUPS, QSKOS, SEVERITIES, Check, Finding, Report, Result
from cbdgraph.quality.registry import Accepted
from cbdgraph.quality.writing import (
    WRITTEN_PREFIXES,
    describe,
    format_csv,
    format_report_sarif,
    narrow,
    write_lines,
)
from cbdgraph.server import pages
from cbdgraph.server.answers import etag, not_modified, respond, served_of, settings_of
from cbdgraph.server.links import prefix_of
from cbdgraph.server.live import Served
from cbdgraph.server.negotiate import FORMATS, GRAPHS, HTML, JSON, choose, choose_format
from cbdgraph.server.paging import read_number
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.terms import terminology_of
from cbdgraph.store.convert import convert

router = Router()

SARIF: Final = "application/sarif+json"
OFFER: Final = (JSON, "text/csv", SARIF, *GRAPHS, HTML)
_NAMES: Final = {**FORMATS, "sarif": SARIF}
_LINKED: Final = {"csv": "CSV", "json": "JSON", "sarif": "SARIF", "ttl": "Turtle", "jsonld": "JSON-LD"}
_RESULTS: Final = "application/sparql-results+json"
_FEW: Final = 20  # findings of a check on the page of all checks
PAGE: Final = 200  # on the page of one
_FILTERS: Final = ("check", "severity", "term")

_PARAMETERS: Final = [
    {
        "name": "check",
        "in": "query",
        "schema": {"type": "string"},
        "description": "only this check, by its name such as overlapping-labels",
    },
    {
        "name": "severity",
        "in": "query",
        "schema": {"type": "string", "enum": list(SEVERITIES)},
        "description": "only checks of this severity",
    },
    {
        "name": "term",
        "in": "query",
        "schema": {"type": "string"},
        "description": "only findings on this term, by its name in its address such as ecosystem-restoration",
    },
    {
        "name": "page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "default": 1},
        "description": f"of the page for people with one check: each has {PAGE} findings; data are always whole",
    },
    {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": [name for name, kind in _NAMES.items() if kind in OFFER]},
        "description": "the format; wins over Accept",
    },
]


@router.get(
    "/quality",
    summary="The quality of the vocabulary: what each check found, and what to do",
    responses=offer(OFFER),
    openapi_extra={"parameters": _PARAMETERS},
)
async def show_quality(request: Request) -> Response:
    """The report: HTML for browsers, else JSON, CSV, SARIF or RDF (SHACL and DQV)."""
    return await _respond(request, request.query_params.get("format"))


@router.get("/quality.{suffix}", include_in_schema=False)
async def show_quality_as(request: Request, suffix: str) -> Response:
    """The same in the format of the suffix."""
    return await _respond(request, request.query_params.get("format", suffix))


async def report_of(served: Served, root: Path) -> Report:
    """What all checks find in what is served; the same object until another release is."""
    if served.quality is None:
        checks, accepted = _read(served.stamp, root / registry.FOLDER)
        asked = registry.questions(checks)
        answers = await asyncio.gather(
            *(served.engine.run_query(query, media_type=_RESULTS, trusted=True) for query in asked.values())
        )
        contents = {name: answer.content for name, answer in zip(asked, answers, strict=True)}
        found = await asyncio.to_thread(_assess, checks, accepted, contents)
        if served.quality is None:  # nobody else was faster
            served.quality = found
    return served.quality


@lru_cache(maxsize=3)
def _read(_: str, folder: Path) -> tuple[tuple[Check, ...], tuple[Accepted, ...]]:
    """The checks as they were when the release was first asked for them."""
    return registry.read_checks(folder), registry.read_accepted(folder)


def _assess(checks: tuple[Check, ...], accepted: tuple[Accepted, ...], contents: Mapping[str, bytes]) -> Report:
    answers = {name: json.loads(content)["results"]["bindings"] for name, content in contents.items()}
    return registry.assess(checks, answers, accepted)


async def _respond(request: Request, name: str | None) -> Response:
    """The report, narrowed as asked, in the format `name`, else by Accept."""
    served = served_of(request)
    shown = choose_format(name, OFFER, _NAMES) if name else choose(request.headers.get("accept", ""), OFFER)
    whole = await report_of(served, settings_of(request).root)
    given = {key: value for key in _FILTERS if (value := request.query_params.get(key, ""))}
    report = await _narrow(served, whole, given)
    number = read_number(request.query_params.get("page", "1"))
    if shown == HTML and number > _last(report, given):
        said = f"there is no page {number}: the findings of this check fill {_last(report, given)}"
        raise Problem("not-found", said, {"suggestions": [_address("", {**given, "page": _last(report, given)})]})
    checks, accepted = _read(served.stamp, settings_of(request).root / registry.FOLDER)
    tag = etag(served, "quality", shown, number, sorted(given.items()), hash_of(checks, accepted), prefix_of(request))
    if known := not_modified(request, tag):
        return known
    prefix = prefix_of(request)
    if shown == HTML:
        return pages.respond(_render(served, whole, report, given, number, prefix), tag)
    if shown == JSON:
        links = {label: _address(prefix, {**given, "format": label}) for label in _LINKED}
        return pages.respond_json(describe(report, served.release, links), tag)
    if shown == SARIF:
        return respond(format_report_sarif(report), SARIF, tag)
    if shown == "text/csv":
        return respond(format_csv(report), shown, tag)
    return respond(convert(write_lines(report), shown, WRITTEN_PREFIXES), shown, tag)


def hash_of(checks: tuple[Check, ...], accepted: tuple[Accepted, ...]) -> str:
    """What a report depends on besides the release: the texts of the checks, and what is accepted."""
    texts = [(check.name, check.severity, check.query.text if check.query else "") for check in checks]
    return hashlib.sha256(repr((texts, accepted)).encode()).hexdigest()


async def _narrow(served: Served, report: Report, given: Mapping[str, str]) -> Report:
    """`ParameterError` for a check, severity or term that there is not."""
    checks = [result.check for result in report.results]
    if name := given.get("check"):
        registry.choose(checks, [name])
    severity, term = given.get("severity", ""), given.get("term", "")
    if severity and severity not in SEVERITIES:
        raise ParameterError("severity", f"expected one of {', '.join(SEVERITIES)}, not {severity[:40]!r}")
    if term:
        terms = [each.slug for each in (await terminology_of(served)).terms.values()]
        if term not in terms:
            near = difflib.get_close_matches(term[:120], terms, n=3)
            said = f"did you mean {', '.join(near)}" if near else "expected the last step of its address"
            raise ParameterError("term", f"there is no term {term[:120]!r}; {said}")
    return narrow(report, checks=frozenset({name} if name else ()), severity=severity, term=term)


def _last(report: Report, given: Mapping[str, str]) -> int:
    """The number of the last page: only one check alone has several."""
    return max(-(-sum(len(result.findings) for result in report.results) // PAGE), 1) if "check" in given else 1


def _address(prefix: str, given: Mapping[str, object]) -> str:
    return f"{prefix}/quality" + (f"?{urlencode(given)}" if given else "")


@dataclass(frozen=True, slots=True)
class Section:
    """A check with those of its findings that the page shows, and where all of them are."""

    result: Result
    findings: tuple[Finding, ...]
    all: str


def _render(served: Served, whole: Report, report: Report, given: Mapping[str, str], number: int, prefix: str) -> str:
    start = (number - 1) * PAGE
    ends = slice(start, start + PAGE) if "check" in given else slice(_FEW)
    sections = [
        Section(result, result.findings[ends], _address(prefix, {**given, "check": result.check.name}))
        for result in report.results
    ]
    last = _last(report, given)
    near = {"Previous": number - 1, "Next": number + 1}
    return pages.render(
        "quality.html",
        groups=[(group, [each for each in sections if each.result.check.group == group]) for group in GROUPS],
        counts=report.counts(),
        looked=sum(result.looked_at > 0 for result in report.results),
        given=given,
        checks=[result.check for result in whole.results],
        terms=sorted({finding.term for finding in whole.findings if finding.term} | {given.get("term", "")} - {""}),
        severities=SEVERITIES,
        names=report.names,
        formats=[(label, _address(prefix, {**given, "format": name})) for name, label in _LINKED.items()],
        turns=[
            (label, _address(prefix, {**given, "page": other})) for label, other in near.items() if 1 <= other <= last
        ],
        number=number,
        last=last,
        action=f"{prefix}/quality",
        qskos=QSKOS,
        release=served.release,
    )
