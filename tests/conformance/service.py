"""The service's verdicts, over HTTP: all tests' data in one service, each test its requests, pass or why not out.

Every data file is a graph of the service under its own IRI, so that a test says by default-graph-uri and
named-graph-uri what it is about. A query file's address is its base; over HTTP the query has none, so BASE is written
in front. A file without a triple cannot be a graph of a service that knows graphs by their triples: it is left out of
the dataset, and where nothing is left, the dataset is one graph that no test looks at.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from xml.etree import ElementTree

import httpx
import pyoxigraph as ox
from rdflib import Graph

from tests.conformance.compare import Result, graphs, read_csv, read_table, tables
from tests.conformance.engine import Verdict, apart, compare, first_line
from tests.conformance.suite import BASE, Case, Suite
from tests.test_server_running import make_root, running

NOTHING: Final = BASE + "nothing"  # a graph for datasets in which there is nothing to find
DEFAULT: Final = "#default"  # ends the IRI of a file's copy for default graphs: its blank nodes are others
_FILLER: Final = ox.NamedNode("urn:x:filler")
_SHORT: Final = 4000  # bytes of a query that is sent by GET too


class Service:
    """A running service that holds the data of all tests."""

    def __init__(self, client: httpx.Client, suite: Suite, known: frozenset[str]) -> None:
        self.client, self._suite, self._known = client, suite, known
        self._asked = 0

    def judge(self, case: Case) -> Verdict:
        """What the service makes of a test."""
        if case.kind == "update":
            return self._update(case)
        if case.kind == "service":
            return _refused(self._ask(case, "application/sparql-results+json"), "SERVICE")
        if case.kind == "evaluation":
            return self._evaluate(case)
        response = self._ask(case, "*/*")
        if case.kind == "positive":
            return Verdict("" if response.status_code == 200 else problem(response))
        is_syntax = response.status_code == 400 and kind_of(response) == "syntax"
        return Verdict("" if is_syntax else f"no syntax error: {problem(response)}")

    def _evaluate(self, case: Case) -> Verdict:
        """Every format that there is for the result; each must hold the expected one."""
        assert case.result is not None
        for media_type in self._formats(case):
            response = self._ask(case, media_type)
            if response.status_code != 200:
                return Verdict(problem(response))
            got = response.headers["content-type"].partition(";")[0]
            if got != media_type:
                return Verdict(f"asked for {media_type}, got {got}")
            try:
                verdict = compare(self._suite, case, read(response.content, media_type))
            except (SyntaxError, ValueError) as error:
                verdict = Verdict(f"cannot be read: {first_line(error)}")
            if not verdict.passed:
                return Verdict(f"{media_type}: {verdict.reason}")
        return Verdict()

    def _formats(self, case: Case) -> Sequence[str]:
        form = self._ask(case, "*/*").headers["content-type"].partition(";")[0]
        return list(graphs()) if form in graphs() else [*tables(), "text/csv"]

    def _ask(self, case: Case, accept: str) -> httpx.Response:
        """One request, by the three ways of the protocol in turn."""
        query = f"BASE <{case.base}>\n{case.text}"
        dataset = self._dataset(case)
        headers = {"Accept": accept}
        self._asked += 1
        if self._asked % 3 == 0 and len(query) < _SHORT:
            return self.client.get("/sparql", params=[("query", query), *dataset], headers=headers)
        if self._asked % 3 == 1:
            body = httpx.QueryParams([("query", query), *dataset])
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return self.client.post("/sparql", content=str(body), headers=headers)
        headers["Content-Type"] = "application/sparql-query"
        return self.client.post("/sparql", params=dataset, content=query.encode(), headers=headers)

    def _dataset(self, case: Case) -> list[tuple[str, str | int | float | bool | None]]:
        if self._suite.named_in_query(case):
            return []  # the protocol's graphs would take the place of those after FROM
        default = [iri for path in case.data if (iri := self._suite.iri(path) + DEFAULT) in self._known]
        named = [iri for iri, _ in case.graphs if iri in self._known]
        if (case.data or case.graphs) and not default and not named:
            named = [NOTHING]
        return [*(("default-graph-uri", iri) for iri in default), *(("named-graph-uri", iri) for iri in named)]

    def _update(self, case: Case) -> Verdict:
        """Refused with a reason, as a body and as a form."""
        text = case.file.read_bytes()
        direct = self.client.post(
            "/sparql", content=text, headers={"Content-Type": "application/sparql-update; charset=utf-8"}
        )
        form = self.client.post("/sparql", data={"update": text.decode("utf-8", "replace")})
        return next((bad for answer in (direct, form) if not (bad := _refused(answer, "update")).passed), Verdict())

    def triples(self) -> int:
        """How many triples are served, to see that nothing was written."""
        query = "SELECT (COUNT(*) AS ?n) { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
        return int(self.client.get("/sparql", params={"query": query, "format": "csv"}).text.split()[1])


def _refused(response: httpx.Response, feature: str) -> Verdict:
    """Passes if the answer says that this is never done here."""
    is_refusal = response.status_code == 403 and kind_of(response) == "refused"
    if is_refusal and str(response.json().get("feature", "")).startswith(feature):
        return Verdict()
    return Verdict(f"not refused: {problem(response)}")


def read(content: bytes, media_type: str) -> Result:
    """An answer as a result."""
    if media_type == "text/csv":
        text = content.decode()
        return text.strip() == "true" if text.strip() in {"true", "false"} else read_csv(content)
    if media_type == "text/tab-separated-values" and content.strip() in {b"true", b"false"}:
        return content.strip() == b"true"
    if media_type.endswith("xml"):
        _check_xml(content)
    if media_type in tables():
        return read_table(content, tables()[media_type])
    if media_type not in {"application/trig", "application/n-quads"}:
        content = _reread(content, media_type)
        media_type = "application/n-triples"
    return frozenset(quad.triple for quad in ox.parse(content, format=graphs()[media_type]))


def _reread(content: bytes, media_type: str) -> bytes:
    """The triples as another reader than the writer's own understands them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, of its reader of JSON-LD
        graph = Graph(bind_namespaces="none").parse(data=content, format=media_type)
        return graph.serialize(format="nt", encoding="utf-8")


def _check_xml(content: bytes) -> None:
    try:
        ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError(f"no well-formed XML: {error}") from error


def kind_of(response: httpx.Response) -> str:
    """The last part of the problem's type, or "" if the answer is none or has no body."""
    if response.headers.get("content-type") != "application/problem+json" or not response.content:
        return ""
    return str(response.json()["type"]).rpartition("/")[2]


def problem(response: httpx.Response) -> str:
    """Status, kind and detail in a line."""
    kind = kind_of(response)
    if not kind:
        return f"{response.status_code} {response.headers.get('content-type', 'without a type')}"
    return f"{response.status_code} {kind}: {first_line(ValueError(response.json()['detail']))}"


@contextmanager
def serving(suite: Suite, cases: Sequence[Case]) -> Iterator[Service]:
    """A service with the data of these tests."""
    with TemporaryDirectory(prefix="w3c-") as folder:
        known = _write(suite, cases, Path(folder) / "tests.nq")
        root = make_root(Path(folder) / "root", {})
        with running(root=root, data=(Path(folder) / "tests.nq",)) as client:
            yield Service(client, suite, known)


def _write(suite: Suite, cases: Sequence[Case], target: Path) -> frozenset[str]:
    """All data as one file of N-Quads; gives the graphs that are in it."""
    files: dict[str, Path | None] = {NOTHING: None}
    for case in cases:
        if case.kind not in {"evaluation", "positive"}:
            continue
        files.update({suite.iri(path) + DEFAULT: path for path in case.data})
        files.update(dict(case.graphs))
        for iri in suite.named_in_query(case):
            files.setdefault(iri, suite.path(iri))
    quads: list[Any] = []
    for number, (iri, path) in enumerate(sorted(files.items())):
        graph = ox.NamedNode(iri)
        if path is None:  # named in a query whose syntax alone is looked at
            quads.append(ox.Quad(_FILLER, _FILLER, _FILLER, graph))
            continue
        quads += [ox.Quad(*each, graph) for each in apart(suite.triples(path), f"f{number}")]
    target.write_bytes(ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b"")
    return frozenset(str(quad.graph_name.value) for quad in quads)
