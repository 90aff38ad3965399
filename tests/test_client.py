"""`cbdgraph.client` against real services: this one, another engine, and endpoints that misbehave."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zipfile import ZipFile

import httpx
import pandas as pd
import pytest
import rdflib

from cbdgraph.client import Client
from cbdgraph.client.frames import read_table
from cbdgraph.client.texts import named_queries
from cbdgraph.errors import (
    CbdGraphError,
    EndpointError,
    EngineUnavailable,
    IncompleteAnswer,
    ParameterError,
    QueryError,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
    QueryTooLarge,
    UnknownQuery,
    UnknownRelease,
    UnknownResource,
)
from cbdgraph.namespaces import BASE, LANGUAGES
from cbdgraph.queries import read_queries
from cbdgraph.store.releases import Release
from tests.conftest import ROOT, read_graph
from tests.test_server_running import facts, make_release, make_root, running

XSD = "http://www.w3.org/2001/XMLSchema#"
CROSS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def client(service: httpx.Client) -> Client:
    return Client(f"{service.base_url}/sparql".replace("//sparql", "/sparql"))


# --- tables


def test_each_named_query_gives_what_the_service_gives(service: httpx.Client, client: Client) -> None:
    for name, query in named_queries().items():
        values = {parameter.name: parameter.example for parameter in query.parameters if parameter.required}
        frame = client.named(name, languages=False, **values)
        document = service.get(f"/query/{name}", params={**values, "format": "json"}).json()
        assert list(frame.columns) == document["columns"], name
        assert len(frame) == len(document["rows"]), name
        assert frame.attrs["release"] == document["release"]
        assert frame.attrs["complete"] is True
        assert frame.attrs["data_hash"] == service.get("/sparql").headers["cbdgraph-data"]
        assert (frame.attrs["name"], frame.attrs["parameters"]) == (name, values)


def test_columns_have_types(client: Client) -> None:
    targets = client.named("targets-in-set", set="aichi")
    assert list(targets.columns) == ["target", "number", "label", "label@lang", "goal", "deadline"]
    assert [str(kind) for kind in targets.dtypes] == ["string", "Int64", "string", "string", "string", "Int64"]
    assert targets["number"].tolist() == list(range(1, 21))
    assert set(targets["label@lang"]) == {"en"}
    assert targets.attrs["kinds"] == {
        "target": "iri",
        "number": "integer",
        "label": "text",
        "label@lang": "language",
        "goal": "iri",
        "deadline": "integer",
    }
    assert "label@lang" not in client.named("targets-in-set", set="aichi", languages=False)
    changed = client.named("resources-changed-since", since="0.1.0")
    assert str(changed["when"].dtype) == "datetime64[us, UTC]"
    assert str(client.named("definitions-of-term", term="ecosystem-restoration")["verbatim"].dtype) == "boolean"
    figures = client.named("quantified-targets", unit="percent", minimum=15)
    assert str(figures["value"].dtype) == "Float64"
    assert figures["value"].min() >= 15


def terms(*values: tuple[str, str] | None) -> bytes:
    rows: list[dict[str, Any]] = [
        {} if value is None else {"x": {"type": "literal", "value": value[0], "datatype": XSD + value[1]}}
        for value in values
    ]
    return json.dumps({"head": {"vars": ["x"]}, "results": {"bindings": rows}}).encode()


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "last"),
    [
        ([("1", "integer"), None, ("-2", "int")], "Int64", "integer", -2),
        ([("2020", "gYear"), ("1993", "gYear")], "Int64", "integer", 1993),
        ([("1", "integer"), ("2.5", "decimal")], "Float64", "number", 2.5),
        ([("1e3", "double"), ("-INF", "float")], "Float64", "number", float("-inf")),
        ([("true", "boolean"), None, ("0", "boolean")], "boolean", "boolean", False),
        ([("2012-10-19", "date"), None, ("1993-12-29", "date")], "datetime64[s]", "date", pd.Timestamp("1993-12-29")),
        (
            [("2012-10-19T12:00:00+02:00", "dateTime"), ("2012-10-19T12:00:00Z", "dateTime")],
            "datetime64[us, UTC]",
            "time",
            pd.Timestamp("2012-10-19T12:00:00Z"),
        ),
        ([("2012-10-19T12:00:00", "dateTime")], "datetime64[us]", "time", pd.Timestamp("2012-10-19T12:00:00")),
        # What differs in kind, cannot be read or does not fit stays as it was written, all of it.
        ([("2012-10-19T12:00:00", "dateTime"), ("2012-10-19T12:00:00Z", "dateTime")], "string", "text", None),
        ([("1", "integer"), ("true", "boolean")], "string", "text", "true"),
        ([("15", "integer"), ("fifteen", "integer")], "string", "text", "fifteen"),
        ([("1", "integer"), ("123456789012345678901234567890", "integer")], "string", "text", None),
        ([("2012-02-30", "date")], "string", "text", "2012-02-30"),
        ([("2012-10-19Z", "date")], "string", "text", "2012-10-19Z"),
        ([("1_0", "decimal")], "string", "text", "1_0"),
        ([("١٥", "integer")], "string", "text", "١٥"),
        ([("P1D", "duration")], "string", "text", "P1D"),
        ([None, None], "string", "empty", None),
        ([], "string", "empty", None),
    ],
)
def test_what_a_column_becomes(values: list[tuple[str, str] | None], dtype: str, kind: str, last: object) -> None:
    frame, kinds = read_table(terms(*values), languages=True)
    assert str(frame["x"].dtype) == dtype
    assert kinds == {"x": kind}
    assert len(frame) == len(values)
    assert [bool(missing) for missing in frame["x"].isna()] == [value is None for value in values]
    if last is not None:
        assert frame["x"].iloc[-1] == last


def test_a_stated_nan_is_no_gap() -> None:
    frame, _ = read_table(terms(("NaN", "double"), None), languages=True)
    assert repr(frame["x"].tolist()) == "[nan, <NA>]"


def test_iris_blank_nodes_and_languages() -> None:
    rows = [
        {"x": {"type": "uri", "value": "x:a"}, "y": {"type": "literal", "value": "hi", "xml:lang": "en"}},
        {"x": {"type": "bnode", "value": "b0"}, "y": {"type": "literal", "value": "15"}},
    ]
    document = json.dumps({"head": {"vars": ["x", "y"]}, "results": {"bindings": rows}}).encode()
    frame, kinds = read_table(document, languages=True)
    assert frame["x"].tolist() == ["x:a", "_:b0"]
    assert frame["y"].tolist() == ["hi", "15"]
    assert repr(frame["y@lang"].tolist()) == "['en', <NA>]"
    assert kinds == {"x": "mixed", "y": "text", "y@lang": "language"}
    assert list(read_table(document, languages=False)[0].columns) == ["x", "y"]


def test_all_six_languages_come_through(client: Client) -> None:
    query = f"SELECT ?l {{ <{BASE}target/aichi/15> <http://www.w3.org/2004/02/skos/core#prefLabel> ?l }}"
    frame = client.select(query)
    assert set(frame["l@lang"]) == set(LANGUAGES)
    assert frame.attrs["query"] == query
    assert frame.attrs["endpoint"] == client.endpoint
    assert "爱知" in "".join(frame["l"])


# --- values and names


def test_values_of_python(client: Client) -> None:
    iri = rdflib.URIRef(f"{BASE}issue/forest-biodiversity")
    forests = client.named("decisions-on-issue", issue=iri)
    assert len(forests) == len(client.named("decisions-on-issue", issue="forest-biodiversity")) > 0
    assert "VALUES ?minimum { UNDEF }" in client.text("quantified-targets", minimum=None)
    zone = timezone(timedelta(hours=2))
    for value, said in (
        (date(2026, 1, 1), '"2026-01-01"'),
        (datetime(2026, 1, 1, 1, 30, tzinfo=zone), '"2025-12-31T23:30:00Z"'),
        (datetime(2026, 1, 1, tzinfo=UTC), '"2026-01-01T00:00:00Z"'),
    ):
        assert said in client.text("resources-changed-since", since=value)
    for wrong in (datetime(2026, 1, 1), True, ["x"], b"x"):
        with pytest.raises(ParameterError, match="since"):
            client.text("resources-changed-since", since=wrong)


def test_a_value_stays_a_value(client: Client) -> None:
    hostile = 'x" } ?s ?p ?o } # \\'
    frame = client.named("codes", kind=hostile)
    assert frame.empty
    assert list(frame.columns) == ["code", "scheme", "resource"]


def test_the_list_of_queries(client: Client) -> None:
    listed = client.queries()
    assert list(listed["name"]) == sorted(path.stem for path in (ROOT / "queries" / "named").glob("*.rq"))
    row = listed.set_index("name").loc["quantified-targets"]
    assert row["parameters"] == "[unit=percent] [minimum=15]"
    assert row["columns"].split()[0] == "target"


# --- truths and graphs


def test_ask_and_construct(client: Client) -> None:
    assert client.ask("ASK { ?s ?p ?o }")
    assert not client.ask("ASK { ?s <x:none> ?o }")
    graph = client.construct(f"# SELECT\nPREFIX select: <x:>\nDESCRIBE <{BASE}target/aichi/15>")
    assert (rdflib.URIRef(f"{BASE}target/aichi/15"), rdflib.RDF.type, None) in graph
    attributes: dict[str, Any] = graph.attrs  # type: ignore[attr-defined]
    assert attributes["complete"] is True
    assert attributes["release"]


def test_a_long_query_is_posted(client: Client) -> None:
    padding = "# " + "x" * 20_000  # more than the address of a request may have
    frame = client.select(f"SELECT (COUNT(*) AS ?n) {{ ?s ?p ?o }}\n{padding}")
    assert frame["n"].tolist() == client.select("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")["n"].tolist()


def test_a_release_is_pinned(service: httpx.Client, client: Client) -> None:
    pinned = Client(client.endpoint, release="0.1.0")
    count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    old = pinned.select(count)
    assert old.attrs["release"] == "0.1.0"
    assert pinned.select(f"{count} # {'x' * 20_000}").equals(old)  # also of a POST
    assert not client.select(count).equals(old)
    current = service.get("/version").json()["release"]
    assert Client(client.endpoint, release=current).ask("ASK {}")
    with pytest.raises(UnknownRelease) as caught:
        Client(client.endpoint, release="0.0.9").ask("ASK {}")
    assert caught.value.number == "0.0.9"
    assert "0.1.0" in caught.value.known
    assert not caught.value.was_there


# --- what this service refuses


def test_each_error_is_an_exception_with_its_data(client: Client) -> None:
    with pytest.raises(QuerySyntaxError) as syntax:
        client.select("SELECT * {\n  ?s ?o }")
    assert (syntax.value.line, syntax.value.column) == (2, 3)
    assert str(syntax.value).count("line 2") == 1
    with pytest.raises(QueryRefused, match="SERVICE") as refused:
        client.select("SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }")
    assert refused.value.feature == "SERVICE"
    for update in ("DELETE WHERE { ?s ?p ?o }", "DROP ALL", "LOAD <file:///etc/passwd>"):
        with pytest.raises(QueryRefused, match="read-only"):
            client.select(update)
    with pytest.raises(QueryTooLarge) as large:
        client.select("SELECT * { ?a ?b ?c . ?d ?e ?f }")
    assert large.value.limit in {"rows", "bytes"}
    assert isinstance(large.value.value, int)


def test_a_wrong_name_is_no_empty_table(client: Client) -> None:
    with pytest.raises(UnknownResource) as unknown:
        client.named("decisions-on-issue", issue="no-such-issue")
    assert unknown.value.iri == f"{BASE}issue/no-such-issue"
    with pytest.raises(UnknownQuery, match="decisions-on-issue"):
        client.named("decision-on-issue")
    with pytest.raises(ParameterError, match="missing"):
        client.named("decisions-on-issue")
    with pytest.raises(ParameterError, match="no such parameter"):
        client.named("issues-by-meeting", issue="x")


def test_the_other_form_is_told_to_use_the_other_method(client: Client) -> None:
    triples = "CONSTRUCT WHERE { ?s ?p ?o } LIMIT 1"
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: client.select("ASK {}"), "ask"),
        (lambda: client.ask("SELECT * { ?s ?p ?o } LIMIT 1"), "select"),
        (lambda: client.select(triples), "construct"),
        (lambda: client.construct("SELECT * { ?s ?p ?o } LIMIT 1"), "select"),
    ]
    for call, word in wrong:
        with pytest.raises(QueryError, match=word):
            call()


def test_a_query_that_is_ended(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    make_release(root, facts())
    with running(root=root, workers=1, query_seconds=0.5) as service, pytest.raises(QueryTimeout) as caught:
        Client(f"{str(service.base_url).rstrip('/')}/sparql").select(CROSS)
    assert caught.value.seconds == 0.5


def test_who_is_busy_is_asked_again(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    make_release(root, facts())
    with running(root=root, workers=1, queue=0, query_seconds=2.0) as service:
        endpoint = f"{str(service.base_url).rstrip('/')}/sparql"
        blocked = threading.Thread(target=lambda: httpx.post(endpoint, data={"query": CROSS}, timeout=30))
        blocked.start()
        time.sleep(0.5)
        with pytest.raises(EngineUnavailable) as caught:
            Client(endpoint, retries=0).ask("ASK { ?s ?p 1 }")
        assert caught.value.retry_after > 0
        assert not Client(endpoint, retries=5).ask("ASK { ?s ?p 2 }")
        blocked.join(30)


# --- any other endpoint


class Asked(BaseHTTPRequestHandler):
    """A SPARQL 1.1 endpoint over rdflib: another engine, which says nothing of releases, and counts what it hears."""

    graph: rdflib.Graph
    heard: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.heard.append((self.path, dict(self.headers)))
        self.answer(parse_qs(urlsplit(self.path).query)["query"][0])

    def do_POST(self) -> None:
        self.heard.append((self.path, dict(self.headers)))
        assert self.headers["Content-Type"] == "application/sparql-query"
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def answer(self, query: str) -> None:
        try:
            result = self.graph.query(query)
        except Exception as error:  # rdflib's parser raises of many kinds
            return self.give(400, "text/plain", str(error).encode())
        triples = result.type in {"CONSTRUCT", "DESCRIBE"}
        content = result.serialize(format="nt" if triples else "json") or b""
        return self.give(200, "application/n-triples" if triples else "application/sparql-results+json", content)

    def give(self, status: int, media_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/sparql"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_another_engine_gives_the_same_rows(client: Client) -> None:
    class Other(Asked):
        graph = read_graph(*sorted((ROOT / "data" / "turtle" / "targets").glob("*.ttl")))
        heard: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012 - of this test alone

    with listening(Other) as endpoint:
        other = Client(f"{endpoint}?key=a%26b")
        query = f"""SELECT ?target ?number {{ ?target <{BASE}ontology#inSet> <{BASE}target/aichi> ;
            <{BASE}ontology#number> ?number }} ORDER BY ?number"""
        frame = other.select(query)
        assert frame.equals(client.select(query))
        assert frame.attrs["complete"] is None
        assert frame.attrs["release"] is None
        assert other.ask("ASK { ?s ?p ?o }")
        assert len(other.construct(f"DESCRIBE <{BASE}target/aichi/15>")) > 3
        assert other.select(f"{query} # {'x' * 5000}").equals(frame)
        with pytest.raises(UnknownResource):
            other.named("targets-in-set", set="nothing")
        with pytest.raises(QueryError):
            other.select("SELECT * { ?s }")
        with pytest.raises(EndpointError, match="which release"):
            Client(endpoint, release="0.1.0").ask("ASK {}")
    assert len(Other.heard) > 5
    for path, headers in Other.heard:
        assert headers["User-Agent"].startswith("cbdgraph-client/")
        assert "format=" not in path  # which confuses some
        assert "key=a%26b" in path or "release=0.1.0" in path


def saying(status: int, headers: dict[str, str], body: bytes, *, delay: float = 0.0) -> type[BaseHTTPRequestHandler]:
    """An endpoint that always answers so."""

    class Saying(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in (body[i : i + 8] for i in range(0, len(body), 8)):
                try:
                    self.wfile.write(piece)
                except OSError:
                    return  # the client has gone
                time.sleep(delay)

        def log_message(self, *_: object) -> None:
            pass

    return Saying


RESULTS = {"Content-Type": "application/sparql-results+json"}
TWO = terms(("1", "integer"), ("2", "integer"))


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "words"),
    [
        (200, {**RESULTS, "Cbdgraph-Complete": "false"}, TWO, IncompleteAnswer, "only a part"),
        (200, {**RESULTS, "X-SPARQL-MaxRows": "2"}, TWO, IncompleteAnswer, "2 rows at most"),
        (200, {**RESULTS, "X-SQL-State": "S1TAT"}, TWO, IncompleteAnswer, "only a part"),
        (200, {**RESULTS, "Content-Length": "4000"}, TWO, IncompleteAnswer, "broke off"),
        (200, RESULTS, TWO[:-9], QueryError, "no SPARQL JSON"),
        (200, RESULTS, b"[]", QueryError, "no SPARQL JSON"),
        (200, RESULTS, b'{"results": {}}', QueryError, "no SPARQL JSON"),
        (200, {"Content-Type": "text/html"}, b"<p>hello</p>", QueryError, "no SPARQL JSON"),
        (400, {"Content-Type": "text/plain"}, b"Parse error: Line 3, column 7: bad", QuerySyntaxError, "column 7"),
        (400, {"Content-Type": "text/plain"}, b"error at 2:9: expected WHERE", QuerySyntaxError, "line 2, column 9"),
        (400, {"Content-Type": "text/html"}, b"<h1>secret</h1>", QueryError, "cannot answer this query$"),
        (400, {"Content-Type": "application/problem+json"}, b'{"type": 5', QueryError, "cannot answer"),
        (401, {}, b"", EndpointError, "401"),
        (404, {}, b"nothing here", EndpointError, "404: nothing here"),
        (500, {"Content-Type": "text/plain"}, b"x" * 9000, EndpointError, "^.{,700}$"),
        (504, {}, b"", QueryError, "time limit"),
        (302, {"Location": "file:///etc/passwd"}, b"", EndpointError, "302"),
    ],
)
def test_an_endpoint_that_is_wrong(
    status: int, headers: dict[str, str], body: bytes, error: type[CbdGraphError], words: str
) -> None:
    with listening(saying(status, headers, body)) as endpoint, pytest.raises(error, match=words):
        Client(endpoint, timeout=5).select("SELECT * { ?s ?p ?o }")


def test_fewer_rows_than_an_endpoint_may_give_are_all() -> None:
    with listening(saying(200, {**RESULTS, "X-SPARQL-MaxRows": "3"}, TWO)) as endpoint:
        assert len(Client(endpoint).select("SELECT * { ?s ?p ?o }")) == 2


def test_an_answer_that_never_ends() -> None:
    started = time.monotonic()
    with listening(saying(200, RESULTS, b" " * 800, delay=0.1)) as endpoint:
        with pytest.raises(EngineUnavailable, match="in 1 seconds"):
            Client(endpoint, timeout=1).select("SELECT * { ?s ?p ?o }")
        assert time.monotonic() - started < 4
    with listening(saying(200, RESULTS, b" " * 5000)) as endpoint, pytest.raises(QueryTooLarge):
        Client(endpoint, max_bytes=4000).select("SELECT * { ?s ?p ?o }")


def test_retry_after_is_heeded() -> None:
    times: list[float] = []

    class Twice(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            times.append(time.monotonic())
            busy = len(times) < 3
            self.send_response(429 if busy else 200)
            self.send_header("Retry-After" if busy else "Content-Type", "1" if busy else RESULTS["Content-Type"])
            self.end_headers()
            self.wfile.write(b"" if busy else TWO)

        def log_message(self, *_: object) -> None:
            pass

    with listening(Twice) as endpoint:
        assert len(Client(endpoint).select("SELECT * { ?s ?p ?o }")) == 2
    assert len(times) == 3
    assert all(1 <= later - sooner < 3 for sooner, later in pairwise(times))
    with listening(saying(503, {"Retry-After": "3600"}, b"")) as endpoint:
        started = time.monotonic()
        with pytest.raises(EngineUnavailable) as caught:
            Client(endpoint).ask("ASK {}")
        assert caught.value.retry_after == 3600
        assert time.monotonic() - started < 5


def test_nobody_there() -> None:
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        Client("http://127.0.0.1:9/sparql").ask("ASK {}")
    for address in ("file:///etc/passwd", "ftp://x/", "/sparql", ""):
        with pytest.raises(ParameterError, match="endpoint"):
            Client(address)
    with pytest.raises(ParameterError, match="timeout"):
        Client(timeout=0)


# --- the package


def test_importing_the_package_loads_none_of_it() -> None:
    code = (
        "import sys, cbdgraph, cbdgraph.queries; cbdgraph.parse_citation;"
        "sys.exit(any(name in sys.modules for name in ('pandas', 'SPARQLWrapper', 'rdflib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_queries_are_in_the_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", str(ROOT)]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    (wheel,) = tmp_path.glob("cbdgraph-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "there")
    assert read_queries(tmp_path / "there" / "cbdgraph" / "named") == read_queries(ROOT / "queries" / "named")
    code = "import cbdgraph.client.texts as t; print(t.__file__, len(t.named_queries()))"
    end = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "there")},
    )
    assert end.stdout.split() == [
        str(tmp_path / "there" / "cbdgraph" / "client" / "texts.py"),
        str(len(read_queries(ROOT / "queries" / "named"))),
    ]


# --- the page about it


def test_what_the_page_shows_works(client: Client) -> None:
    text = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(block.replace("http://127.0.0.1:8000/sparql", client.endpoint), names)
    assert all(len(names[name]) > 0 for name in ("forests", "targets", "own", "graph"))
    assert names["own"].attrs["complete"] is True
    for name in (name for name in dir(Client) if not name.startswith("_") and name != "endpoint"):
        assert f"`{name}(" in text, name
