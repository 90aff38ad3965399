"""Requests that nobody meant: whatever is sent, the answer is one of those documented, and the service goes on.

The seeds are fixed, so that a run is the same everywhere.
"""

from __future__ import annotations

import re
import socket
import string
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote_from_bytes

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from cbdgraph.server.listen import HEAD_FIELDS
from cbdgraph.server.problems import PROBLEMS
from tests.test_server_running import facts, make_release, make_root, problem, running
from tests.test_sparql_attacks import worker_ids

STATUSES: Final = {200, 204, 303, 304} | {kind.status for kind in PROBLEMS.values()} - {500}
LEAKS: Final = re.compile(rb"Traceback|File \"|/(?:work|tmp|home|root|usr)/|site-packages|0x[0-9a-f]{8}")
HEADER_SECONDS: Final = 1.0
HOST: Final = b"Host: x\r\n"
LAST: Final = HOST + b"Connection: close\r\n"
ASK: Final = b"Content-Type: application/sparql-query\r\n"

fuzzing = settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
often = settings(fuzzing, max_examples=250)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with two workers, which must be the same two, or have been replaced, at the end."""
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root, workers=2, query_seconds=2.0, header_seconds=HEADER_SECONDS) as client:
        yield client
        assert client.get("/health").json() == {"status": "ok"}
        deadline = time.monotonic() + 5
        while len(worker_ids(client)) != 2:
            assert time.monotonic() < deadline, "a worker is lost"
            time.sleep(0.05)


def is_well(response: httpx.Response) -> None:
    """One of the documented statuses; an error is a problem, on a page if that was asked for; nothing leaks."""
    assert response.status_code in STATUSES, response.text
    assert not LEAKS.search(response.content), response.text
    assert response.headers["access-control-allow-origin"] == "*"
    if response.status_code < 400:
        return
    if response.headers["content-type"].startswith("text/html"):
        assert "text/html" in response.request.headers["accept"] or "html" in str(response.request.url)
        return
    kinds = [name for name, kind in PROBLEMS.items() if kind.status == response.status_code]
    problem(response, response.json()["type"].rpartition("/")[2])
    assert response.json()["type"].rpartition("/")[2] in kinds
    if response.status_code in {429, 503}:
        assert int(response.headers["retry-after"]) >= 1


# What the document of the interface says.


@pytest.fixture(scope="module")
def interface(service: httpx.Client) -> Any:
    """The operations of the OpenAPI document."""
    return schemathesis.openapi.from_dict(service.get("/openapi.json").json())


def test_the_document_has_every_operation(interface: Any) -> None:
    assert len(list(interface.get_all_operations())) >= 13


@pytest.mark.slow
def test_what_the_document_allows_is_answered_as_it_says(service: httpx.Client, interface: Any) -> None:
    for found in interface.get_all_operations():
        _ask_as_documented(found.ok(), str(service.base_url).rstrip("/"))


def _ask_as_documented(operation: Any, base: str) -> None:
    checks = [not_a_server_error, status_code_conformance]
    if operation.path != "/sparql":  # its formats are a table of docs/sparql.md
        checks.append(content_type_conformance)

    @fuzzing
    @given(operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call(base_url=base, timeout=30)
        case.validate_response(answer, checks=checks)
        assert answer.status_code in STATUSES
        assert not LEAKS.search(answer.content), answer.text

    ask()


# The protocol, over a client that is well behaved.

PIECES: Final = st.one_of(
    st.sampled_from(
        [
            *(
                b"ASK{}",
                b"SELECT * {?s ?p ?o}",
                b"DESCRIBE <x:y>",
                b"DROP ALL",
                b"SERVICE",
                b"'",
                b"\\u0000",
                b"\x00",
            ),
            *(
                b"\xff",
                b"\xed\xa0\x80",
                b"\xc0\x80",
                b"\xf4\x90\x80\x80",
                "\u202e\ufeff".encode(),
                b"%",
                b"%%%",
                b"+",
            ),
            *(
                b"<script>",
                b"\r\n",
                b"{",
                b"}",
                b"aichi/15",
                b"_:b",
                b"a:b",
                b"1e9999",
                b"-1",
                b"../",
                b"//",
                b"empty",
            ),
        ]
    ),
    st.binary(max_size=12),
)
VALUES: Final = st.lists(PIECES, max_size=4).map(b"".join)
_NAMES: Final = """query default-graph-uri named-graph-uri format explain update graph default lang citation subject
predicate object target text set page limit example iri"""
_PATHS: Final = """/ /health /version /sparql /sparql/ /graph-store /dataset /query /query/labels /query/echo
/query/numbers /resolve /parse /describe /why /target/aichi/15 /problem/syntax /graph/targets /openapi.json
/.well-known/void /dataset.ttl /nope"""
NAMES: Final = st.sampled_from(_NAMES.split())
PATHS: Final = st.sampled_from(_PATHS.split())
ACCEPTS: Final = st.one_of(
    st.sampled_from(["", "*/*", "text/html", "text/csv;q=0", "text/turtle, */*;q=0.1", 'a/b;x="', "q=1;;,,/", "\t"]),
    st.text(string.ascii_letters + ' /*;,=.+-"\\0123456789\u00e9', max_size=40),
)
PAIRS: Final = st.lists(st.tuples(NAMES, VALUES), max_size=6)


def encode(pairs: list[tuple[str, bytes]], raw: bool) -> str:
    """Parameters with every byte escaped, or with some of what must be escaped as it stands."""
    safe = "%+/:;=,'()*!$&" if raw else ""
    return "&".join(f"{name}={quote_from_bytes(value, safe=safe)}" for name, value in pairs)


@often
@given(PATHS, PAIRS, ACCEPTS, st.sampled_from(["GET", "HEAD"]), st.booleans())
def test_any_address(
    service: httpx.Client, path: str, pairs: list[tuple[str, bytes]], accept: str, method: str, raw: bool
) -> None:
    url = httpx.URL(str(service.base_url)).copy_with(
        raw_path=f"{path}?{encode(pairs, raw)}".encode("ascii", "replace")
    )
    response = service.request(method, url, headers={b"Accept": accept.strip().encode()})
    if method == "HEAD":
        assert response.content == b""
        assert response.status_code in STATUSES
    else:
        is_well(response)


@often
@given(
    PAIRS,
    VALUES,
    st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "application/sparql-query",
            "application/sparql-query; charset=utf-8",
            "application/sparql-query;charset=utf-16",
            "application/sparql-update",
            "application/x-www-form-urlencoded; charset=\udcff".encode("utf-8", "surrogateescape"),
            "text/plain",
            "",
            "multipart/form-data; boundary=x",
            ";" * 50,
        ]
    ),
    ACCEPTS,
    st.booleans(),
)
def test_any_body(
    service: httpx.Client, pairs: list[tuple[str, bytes]], body: bytes, kind: str | bytes, accept: str, is_form: bool
) -> None:
    content = encode(pairs, raw=is_form).encode() if is_form else body
    headers = {"Content-Type": kind, "Accept": accept.strip().encode()}
    is_well(service.post("/sparql", content=content, headers=headers))  # type: ignore[arg-type]


CITED: Final = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "decision ",
                    "X/2",
                    "XI/16",
                    "15/4",
                    ", ",
                    "paragraph ",
                    "paragraphs 1-9",
                    "5 (d)",
                    " and ",
                    "; ",
                    "(",
                ),
                *(
                    "第XI/16号决定",
                    "第5段",
                    "(d)",
                    "行动",
                    "المقرر ",
                    "11/16",
                    "، الفقرة ",
                    "решение ",
                    "пункты 1 и 2",
                ),
                *(
                    "Aichi Target 5",
                    "KMGBF target 3",
                    "GSPC ",
                    "Article 8 (j)",
                    " of the Convention",
                    "of its annex ",
                ),
                *(
                    "UNEP/CBD/COP/11/INF/19",
                    "http://metadata.cbd.int/kmgbf/",
                    "https://w3id.org/cbdgraph/",
                    "target/",
                ),
                *(
                    "\U0001f600",
                    "\x00",
                    "\r\n\r\n",
                    "\u202e",
                    "\ufeff",
                    "<b>",
                    "&amp;",
                    '"',
                    "%",
                    "related activities",
                ),
            ]
        ),
        st.text(max_size=8),
    ),
    max_size=20,
).map("".join)


@often
@given(
    CITED,
    st.sampled_from(
        ["", "lang=en", "lang=ar", "lang=xx", "format=csv", "format=tsv&lang=zh", "format=html", "lang=%ff"]
    ),
    st.sampled_from(["text", "json", "form", "bytes"]),
    st.sampled_from(["*/*", "application/json", "text/html", "text/csv"]),
)
def test_any_text(service: httpx.Client, text: str, query: str, kind: str, accept: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "text": {"content": text.encode(), "headers": {"Content-Type": "text/plain"}},
        "json": {"json": {"text": text}},
        "form": {"data": {"text": text}},
        "bytes": {"content": text.encode("utf-16"), "headers": {"Content-Type": "text/plain"}},
    }
    sent = ways[kind]
    sent["headers"] = {**sent.get("headers", {}), "Accept": accept}
    response = service.post(f"/parse?{query}", **sent)
    is_well(response)
    assert response.status_code not in {503, 504}, response.text
    if response.status_code == 200 and response.headers["content-type"] == "application/json":
        for row in response.json()["citations"]:
            assert text[row["start"] : row["end"]] == row["quote"]
            assert text[row["part_start"] : row["part_end"]] == row["part_quote"]
    is_well(service.get("/resolve", params={"citation": text}, headers={"Accept": accept}))


@often
@given(st.lists(st.sampled_from(string.ascii_lowercase + "/.%2eF0\u00e9\u76ee\u202e ~:;@"), max_size=30), ACCEPTS)
def test_any_path(service: httpx.Client, pieces: list[str], accept: str) -> None:
    path = quote_from_bytes("".join(pieces).encode(), safe="/%:;@~.")
    path = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", f"/{path}")
    url = httpx.URL(str(service.base_url)).copy_with(raw_path=path.encode())
    is_well(service.get(url, headers={b"Accept": accept.strip().encode()}))


# HTTP itself, over a socket.


def talk(service: httpx.Client, *pieces: bytes, seconds: float = 5.0) -> bytes:
    """All that comes back on a connection of its own until it is closed, which must be within `seconds`."""
    came = b""
    with socket.create_connection((service.base_url.host, service.base_url.port or 80), timeout=seconds) as stranger:
        try:
            for piece in pieces:
                stranger.sendall(piece)
            while received := stranger.recv(65536):
                came += received
        except ConnectionError:
            pass  # it was closed with some of the request unread
    return came


def read_statuses(came: bytes) -> list[int]:
    """The statuses of all answers, each of which must be whole and well made."""
    statuses = []
    while came:
        head, _, came = came.partition(b"\r\n\r\n")
        assert re.match(rb"HTTP/1\.1 \d{3}", head), head
        status = int(head[9:12])
        if status == 100:
            continue
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length and status not in {204, 304} else 0
        body, came = came[:size], came[size:]
        assert len(body) == size, "an answer that is not whole"
        assert not LEAKS.search(body), body
        assert status in STATUSES, body
        if status >= 400:
            assert b"application/problem+json" in head or b"text/html" in head, head
        statuses.append(status)
    return statuses


HEALTH: Final = b"GET /health HTTP/1.1\r\n"
MALFORMED: Final = {
    "no words": b"\x16\x03\x01\x02\x00\x01\x00" + b"a" * 50 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + LAST + b"\r\n",
    "lower case": b"get / HTTP/1.1\r\n" + LAST + b"\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\n" + LAST + b"\r\n",
    "no host": HEALTH + b"Connection: close\r\n\r\n",
    "two hosts": HEALTH + HOST + LAST + b"\r\n",
    "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + LAST + b"\r\n",
    "absolute without a path": b"GET http://x HTTP/1.1\r\n" + LAST + b"\r\n",
    "NUL in the address": b"GET /\x00 HTTP/1.1\r\n" + LAST + b"\r\n",
    "not ASCII in the address": b"GET /\xc3\xa9 HTTP/1.1\r\n" + LAST + b"\r\n",
    "not ASCII in a parameter": b"GET /sparql?query=\xff HTTP/1.1\r\n" + LAST + b"\r\n",
    "a space before the colon": HEALTH + b"Host : x\r\n\r\n",
    "a header that goes on": HEALTH + HOST + b"X: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /health HTTP/1.1\nHost: x\n\n",
    "bare carriage returns": b"GET /health HTTP/1.1\rHost: x\r\r",
    "NUL in a header": HEALTH + HOST + b"X: a\x00b\r\n\r\n",
    "a header without a name": HEALTH + HOST + b": x\r\n\r\n",
    "two lengths": b"POST /sparql HTTP/1.1\r\n" + HOST + ASK + b"Content-Length: 5\r\nContent-Length: 4\r\n\r\nASK{}",
    "a length below 0": b"POST /sparql HTTP/1.1\r\n" + HOST + ASK + b"Content-Length: -5\r\n\r\nASK{}",
    "a length with a sign": b"POST /sparql HTTP/1.1\r\n" + HOST + ASK + b"Content-Length: +5\r\n\r\nASK{}",
    "a length beyond 64 bit": b"POST /sparql HTTP/1.1\r\n"
    + HOST
    + ASK
    + b"Content-Length: 9"
    + b"9" * 25
    + b"\r\n\r\n",
    "an unknown transfer coding": b"POST /sparql HTTP/1.1\r\n"
    + HOST
    + ASK
    + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": b"POST /sparql HTTP/1.1\r\n"
    + HOST
    + ASK
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nASK{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_http_is_a_problem(service: httpx.Client, name: str) -> None:
    assert read_statuses(talk(service, MALFORMED[name])) == [400]


def test_no_request_is_smuggled_in_another(service: httpx.Client) -> None:
    inner = b"GET /version HTTP/1.1\r\n" + LAST + b"\r\n"
    order = b"Content-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n"
    for lengths in (order, order[::-1]):
        head = b"POST /sparql HTTP/1.1\r\n" + HOST + ASK + b"".join(lengths) + b"\r\n"
        assert read_statuses(talk(service, head + b"0\r\n\r\n" + inner)) == [400]


def test_requests_one_after_the_other_and_all_at_once(service: httpx.Client) -> None:
    one, last = HEALTH + HOST + b"\r\n", HEALTH + LAST + b"\r\n"
    assert read_statuses(talk(service, one * 5 + last)) == [200] * 6
    assert read_statuses(talk(service, *(bytes([byte]) for byte in one + last))) == [200] * 2
    with_body = HEALTH + HOST + b"Content-Length: 5\r\n\r\nASK{}"
    assert read_statuses(talk(service, with_body + last)) == [200] * 2
    many = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\n" + HOST + b"\r\n"
    assert read_statuses(talk(service, many * 50 + last)) == [200] * 51
    mixed = one + b"HTTP? What is that?\r\n\r\n"
    assert read_statuses(talk(service, mixed)) in ([200, 400], [400])


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /health HTTP/1.0\r\n\r\n", 200),
        (b"GET /health\r\n\r\n", 200),  # HTTP/0.9, as far as anybody still knows it
        (b"OPTIONS * HTTP/1.1\r\n" + LAST + b"\r\n", 204),
        (b"TRACE / HTTP/1.1\r\n" + LAST + b"\r\n", 405),
        (b"GET http://other/health HTTP/1.1\r\n" + LAST + b"\r\n", 200),
        (b"GET //health HTTP/1.1\r\n" + LAST + b"\r\n", 404),
        (b"GET //evil.example/ HTTP/1.1\r\nAccept: text/html\r\n" + LAST + b"\r\n", 404),
        (b"GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + LAST + b"\r\n", 404),
        (b"GET /../../../etc/passwd HTTP/1.1\r\n" + LAST + b"\r\n", 404),
        (b"GET /%00 HTTP/1.1\r\n" + LAST + b"\r\n", 404),
        (b"GET /%ff%fe HTTP/1.1\r\n" + LAST + b"\r\n", 404),
        (b"GET /%ed%a0%80 HTTP/1.1\r\nAccept: text/html\r\n" + LAST + b"\r\n", 404),
        (b"GET /sparql?query=%ff HTTP/1.1\r\n" + LAST + b"\r\n", 400),
        (b"GET /sparql?query=ASK%7B%7D&query=ASK%7B%7D HTTP/1.1\r\n" + LAST + b"\r\n", 400),
        (b"GET /?format=%ff HTTP/1.1\r\n" + LAST + b"\r\n", 406),
        (b"GET /health HTTP/1.1\r\nUpgrade: websocket\r\n" + LAST + b"\r\n", 200),
        (b"GET / HTTP/1.1\r\nAccept: \xff\xfe/\xc3\xa9\r\n" + LAST + b"\r\n", 406),
        (b"POST /sparql HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" + ASK + LAST + b"\r\nASK{}", 200),
        (
            b"POST /sparql HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + ASK + LAST + b"\r\n5\r\nASK{}\r\n0\r\n\r\n",
            200,
        ),
        (b"GET /" + b"y" * 30_000 + b" HTTP/1.1\r\n" + LAST + b"\r\n", 414),
        (HEALTH + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + LAST + b"\r\n", 431),
        (HEALTH + b"".join(b"X-%d: y\r\n" % n for n in range(HEAD_FIELDS - 2)) + LAST + b"\r\n", 200),
    ],
    ids=lambda value: str(value)[:60],
)
def test_odd_requests(service: httpx.Client, request_: bytes, status: int) -> None:
    assert read_statuses(talk(service, request_)) == [status]


def test_a_head_that_is_too_large_or_too_late(service: httpx.Client) -> None:
    huge = talk(service, HEALTH + LAST + b"X: " + b"y" * 300_000)
    assert read_statuses(huge) in ([431], [])  # it may be closed before all of it is read
    start = time.monotonic()
    assert read_statuses(talk(service, HEALTH + b"Host")) == [408]
    assert time.monotonic() - start < HEADER_SECONDS + 1
    assert talk(service, b"\r\n") == b""  # nothing was asked, so nothing is said


@pytest.mark.slow
def test_no_connection_stays_without_a_request(service: httpx.Client) -> None:
    """A byte now and then does not keep a connection: not in a head, nor behind an answer."""
    one = HEALTH + HOST + b"\r\n"
    for begin, drop in (
        (b"", b""),
        (HEALTH, b"X: y\r\n"),
        (one, b"\r\n"),
        (HEALTH + HOST + b"Content-Length: 1000\r\n\r\n", b"a"),
        (HEALTH + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
    ):
        start = time.monotonic()
        with socket.create_connection((service.base_url.host, service.base_url.port or 80), timeout=0.1) as stranger:
            stranger.sendall(begin)
            while time.monotonic() - start < 3 * HEADER_SECONDS:
                try:
                    stranger.sendall(drop)
                    if not stranger.recv(65536):
                        break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            else:
                pytest.fail(f"still open after {begin!r}")


HEADS: Final = st.lists(
    st.sampled_from(
        [
            *(
                b"GET ",
                b"POST ",
                b"/sparql",
                b"/",
                b"?query=ASK{}",
                b" HTTP/1.1",
                b"\r\n",
                b"\r\n\r\n",
                b"Host: x\r\n",
            ),
            *(
                b"Content-Length: 5\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Connection: close\r\n",
                b"ASK{}",
                b"5\r\n",
            ),
            *(
                ASK,
                b"0\r\n\r\n",
                b"\x00",
                b"\xff",
                b":",
                b" ",
                b"\t",
                b"Expect: 100-continue\r\n",
                b"Upgrade: h2c\r\n",
            ),
            *(
                b"Accept: text/html\r\n",
                b"X-Forwarded-For: ::1\r\n",
                b"If-None-Match: *\r\n",
                b"OPTIONS * HTTP/1.1\r\n",
            ),
        ]
    ),
    max_size=20,
)


@settings(fuzzing, max_examples=200)
@given(st.booleans(), HEADS)
def test_any_bytes(service: httpx.Client, is_begun: bool, pieces: list[bytes]) -> None:
    data = (b"GET /health HTTP/1.1\r\nHost: x\r\n" if is_begun else b"") + b"".join(pieces)
    with socket.create_connection((service.base_url.host, service.base_url.port or 80), timeout=5) as stranger:
        stranger.sendall(data)
        stranger.shutdown(socket.SHUT_WR)
        came = b""
        try:
            while received := stranger.recv(65536):
                came += received
        except ConnectionError:
            pass
    if came:
        read_statuses(came)
    assert service.get("/health").status_code == 200
