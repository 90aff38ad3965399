"""The W3C tests of the protocol and of the graph store, which are requests: a list of cases in, outcomes out.

The cases stand in tests/lists/w3c-protocol.toml and w3c-graph-store.toml; both are asked over HTTP.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

import httpx
import pyoxigraph as ox

from cbdgraph.iris import mint
from tests.conformance.compare import graphs, same, tables
from tests.conformance.service import kind_of, problem, read
from tests.conformance.suite import ROOT
from tests.test_server_running import make_root, running

PROTOCOL: Final = ROOT / "tests" / "lists" / "w3c-protocol.toml"
GRAPH_STORE: Final = ROOT / "tests" / "lists" / "w3c-graph-store.toml"
BOOLEANS: Final = ("application/sparql-results+json", "application/sparql-results+xml")
PERSON: Final = mint("graph/person/1")
_DATA: Final = f"""
PREFIX e: <http://example.org/>
e:default e:says "I am in the default graph" .
GRAPH e:g0 {{ e:g0 e:says "nothing of documents" }}
GRAPH e:g1 {{ e:g1 a e:Document }}
GRAPH e:g2 {{ e:g2 a e:Document }}
GRAPH e:g3 {{ e:g3 a e:Document }}
GRAPH <{PERSON}> {{ <{PERSON}> a e:Person ; e:card [ e:name "A. Person" ] }}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A request and what must come back; see the list for the words."""

    name: str
    about: str
    method: str
    expect: str
    path: str = "/sparql"
    address: str = ""
    type: str = ""
    body: str = ""
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back: `verdict` is pass, refused (what a service that only reads never does) or fail."""

    name: str
    about: str
    verdict: str
    answer: str  # status, and kind of problem or media type


def read_cases(path: Path) -> list[Case]:
    """The cases of a list."""
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    return [Case(**row) for row in rows]


@contextmanager
def serving() -> Iterator[httpx.Client]:
    """A service with the graphs that the cases name."""
    with TemporaryDirectory(prefix="w3c-") as folder:
        data = Path(folder) / "graphs.trig"
        data.write_text(_DATA, encoding="utf-8")
        with running(root=make_root(Path(folder) / "root", {}), data=(data,)) as client:
            yield client


def judge_protocol(client: httpx.Client, case: Case) -> Outcome:
    """What the service makes of a case of the protocol."""
    response = _send(client, case, case.path + case.address, case.type)
    return Outcome(case.name, case.about, _judge(response, case.expect), _answer(response))


def judge_graph_store(client: httpx.Client, case: Case) -> Outcome:
    """What the service makes of a case of the graph store."""
    path = case.path.replace("%s", quote(PERSON, safe=""))
    response = _send(client, case, path, case.type or ("text/turtle" if case.body else ""))
    status, verdict = response.status_code, "fail"
    if case.expect in {"person", "default"}:
        name = ox.NamedNode(PERSON) if case.expect == "person" else ox.DefaultGraph()
        expected = frozenset(
            quad.triple for quad in ox.parse(_DATA, format=ox.RdfFormat.TRIG) if quad.graph_name == name
        )
        if status == 200 and same(expected, read(response.content, _media_type(response))):
            verdict = "pass"
    elif case.expect == "405":
        allowed = response.headers.get("allow", "")
        if status == 405 and kind_of(response) == "method" and "GET" in allowed and case.method not in allowed:
            verdict = "refused"
    elif str(status) == case.expect.replace("gone", "404"):
        verdict = "refused" if case.expect == "gone" else "pass"
    return Outcome(case.name, case.about, verdict, _answer(response))


def _send(client: httpx.Client, case: Case, address: str, media_type: str) -> httpx.Response:
    headers = {"Content-Type": media_type} if media_type else {}
    headers["Accept"] = "text/turtle" if case.path != "/sparql" else "*/*"
    content = case.body.encode(case.encoding) if case.body else None
    return client.request(case.method, address, content=content, headers=headers)


def _judge(response: httpx.Response, expect: str) -> str:
    status = response.status_code
    if expect in {"4xx", "refused"}:
        if not 400 <= status < 500 or not kind_of(response):
            return "fail"
        if expect == "4xx":
            return "pass"
        return "refused" if kind_of(response) == "refused" and "read-only" in problem(response) else "fail"
    if not 200 <= status < 300:
        return "fail"
    formats = {"graph": tuple(graphs()), "table": (*tables(), "text/csv")}.get(expect, BOOLEANS)
    if _media_type(response) not in formats:
        return "fail"
    found = read(response.content, _media_type(response))
    return "pass" if expect != "yes" or found is True else "fail"


def _media_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0]


def _answer(response: httpx.Response) -> str:
    return f"{response.status_code} {kind_of(response) or _media_type(response)}".strip()
