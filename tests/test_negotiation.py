"""The table of negotiation, asked over HTTP as it is written, and the page of the documentation that shows it."""

from __future__ import annotations

import csv
import http.client
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from cbdgraph.server.negotiate import FORMATS, GRAPH_ALIASES
from cbdgraph.server.resources import OFFER
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_running import running


class Case(NamedTuple):
    """A line of the table."""

    who: str
    accept: str
    path: str
    status: str
    kind: str
    vary: str
    location: str


def read_cases() -> list[Case]:
    lines = (ROOT / "tests" / "lists" / "negotiation.tsv").read_text(encoding="utf-8").splitlines()
    rows = csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)
    assert next(rows) == [*Case._fields[:4], "type", *Case._fields[5:]]
    return [Case(*row) for row in rows]


CASES = read_cases()


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


def ask(service: httpx.Client, method: str, case: Case) -> tuple[int, dict[str, str], bytes]:
    """With exactly the headers of the case: other clients add an Accept of their own."""
    connection = http.client.HTTPConnection(service.base_url.host, service.base_url.port or 80, timeout=30)
    try:
        connection.putrequest(method, case.path)
        for value in [] if case.accept == "-" else case.accept.split("\\n"):
            connection.putheader("Accept", value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.who}" for number, case in enumerate(CASES)])
def test_case(service: httpx.Client, case: Case) -> None:
    for method in ("GET", "HEAD", "GET"):  # the last is answered with what is kept
        status, headers, body = ask(service, method, case)
        assert str(status) == case.status
        if case.kind == "-":
            assert not body
        else:
            charset = "; charset=utf-8" if case.kind.startswith("text/") else ""
            assert headers["content-type"] == case.kind + charset
            assert bool(body) == (method == "GET")
        assert headers.get("vary", "-") == case.vary
        assert headers.get("location", "-") == case.location
        assert ("etag" in headers) == (status == 200)


def test_a_redirect_leads_to_an_answer(service: httpx.Client) -> None:
    for case in CASES:
        if case.location != "-":
            assert service.get(case.location, headers={"Accept": "*/*"}).status_code == 200, case


def test_the_table_is_whole() -> None:
    assert len(CASES) >= 80
    assert {case.kind for case in CASES} >= set(OFFER), "every format and every other name of one"
    named = {case.path.partition("format=")[2] for case in CASES}
    assert named >= {name for name, kind in FORMATS.items() if kind in OFFER} - {
        "ntriples",
        "rdfxml",
        "nquads",
        "n3",
        "rdf+xml",
    }
    assert {case.status for case in CASES} == {"200", "301", "303", "404", "406"}
    assert set(GRAPH_ALIASES) <= set(OFFER)


def render(cases: list[Case]) -> str:
    """The table as Markdown."""

    def code(text: str) -> str:
        return f"`{text}`" if text.strip() and text != "-" else {"-": "–"}.get(text, "(empty)")

    lines = [
        "| who, or which case | Accept | address | status | type | Vary |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        accept = ", then ".join(code(value.replace("|", "\\|")) for value in case.accept.split("\\n"))
        status = case.status + (f" → `{case.location}`" if case.location != "-" else "")
        vary = "–" if case.vary == "-" else case.vary
        lines.append(f"| {case.who} | {accept} | `{case.path}` | {status} | {code(case.kind)} | {vary} |")
    return "\n".join(lines)


def test_the_documentation_shows_the_table() -> None:
    """After a change of the list: print(render(read_cases())) into the page."""
    page = (ROOT / "docs" / "dereferencing.md").read_text(encoding="utf-8")
    assert render(CASES) in page
    assert f"{len(CASES)} cases" in page
