"""The parts of the benchmark: graphs that are the same everywhere, queries that parse, a count that is right."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pyoxigraph as ox
import pytest
from bench.graphs import generate
from bench.load import Load, make_request, run_load
from bench.mix import MIX, make_aggregates, make_queries, read_values
from bench.tables import format_table

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntru\r\n1;x=y\r\ne\r\n0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\ntrue"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\ntrue"
UNTIL_END = b"HTTP/1.0 200 OK\r\n\r\ntrue"


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return list(generate(2))


@pytest.fixture(scope="module")
def file(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "generated.nt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_generated_graph_is_the_same_every_time(lines: list[str]) -> None:
    assert sha256("".join(lines).encode()).digest() == sha256("".join(generate(2)).encode()).digest()
    assert len(set(lines)) == len(lines)
    assert lines[: len(lines) // 3] == list(islice(generate(1), len(lines) // 3))


def test_generated_graph_parses_and_every_query_finds_something(lines: list[str], file: Path) -> None:
    store = ox.Store()
    store.bulk_load(path=str(file), format=ox.RdfFormat.N_TRIPLES)
    assert len(store) == len(lines)
    found = dict.fromkeys((template.name for template in MIX), 0)
    for query in islice(make_queries(read_values(file)), 300):
        result = store.query(query.text)
        found[query.template] += bool(result) if isinstance(result, ox.QueryBoolean) else len(list(result))
    assert all(found.values()), found
    for template in make_aggregates():
        result = store.query(template.text)
        assert isinstance(result, ox.QuerySolutions)
        assert list(result), template.name


def test_no_text_is_given_out_twice(file: Path) -> None:
    assert len(MIX) == 10
    values = read_values(file)
    texts = [query.text for query in islice(make_queries(values), 3000)]
    assert len(set(texts)) == len(texts)
    assert set(texts).isdisjoint(query.text for query in islice(make_queries(values, start=300), 3000))


@contextmanager
def answering(answers: Sequence[bytes], closing: bool) -> Iterator[int]:
    """A server that gives each request the next answer, over and over; with `closing` it ends every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        count = iter(range(10**6))

        def talk(connection: socket.socket) -> None:
            with connection:
                while connection.recv(4096):
                    connection.sendall(answers[next(count) % len(answers)])
                    if closing:
                        return

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def load(answers: Sequence[bytes], requests: int, *, closing: bool = False, connections: int = 2) -> Load:
    request = make_request("/sparql", "ASK {}", "*/*")
    with answering(answers, closing) as port:
        return run_load(port, [request] * requests, seconds=5, connections=connections, grace=0.2)


def test_whole_answers_are_counted() -> None:
    found = load([OK, CHUNKED], 20)
    assert (found.answers, found.failed, found.bytes) == (20, 0, 80)
    assert sorted(index for index, _ in found.latencies) == list(range(20))
    assert 0 < found.quantile(0.5) <= found.quantile(0.99)


def test_connections_that_the_server_ends_are_opened_again() -> None:
    assert load([LAST], 6, closing=True).answers == 6
    assert load([UNTIL_END], 6, closing=True).answers == 6


def test_failures_are_counted_by_their_reason() -> None:
    found = load([OK, BUSY], 10, connections=1)
    assert (found.answers, found.failures) == (5, {"status 503": 5})
    found = load([SHORT], 4, closing=True)
    assert (found.answers, found.failures) == (0, {"connection ended early": 4})


def test_an_answer_that_does_not_come_is_a_failure() -> None:
    request = make_request("/sparql", "ASK {}", "*/*")
    with answering([SHORT], False) as port:
        found = run_load(port, [request] * 10, seconds=0.1, connections=3, grace=0.1)
    assert (found.answers, found.failed) == (0, 3)


def test_tables_are_in_line() -> None:
    assert {len(line) for line in format_table(("a", "b"), [("words", "1"), ("w", "1,000")]).splitlines()} == {17}
