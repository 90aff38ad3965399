"""The guard: what is refused however it is written, what must not be, and that it never sees less than the engine."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cbdgraph.errors import QueryError, QueryRefused, QuerySyntaxError
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from cbdgraph.store.guard import MAX_DEPTH, _check_plain, _check_tokens, check_query, decode, read_tokens

SERVICES = [
    "SELECT * { SERVICE <http://x/> { ?s ?p ?o } }",
    "SELECT * { service <http://x/> { ?s ?p ?o } }",
    "SELECT * { SeRvIcE SILENT <http://x/> { ?s ?p ?o } }",
    "SELECT * {SERVICE<http://x/>{?s ?p ?o}}",
    "SELECT * {SERVICEsilent<http://x/>{?s ?p ?o}}",
    "SELECT * { SERVICE # <- no comment hides it\n <http://x/> {} }",
    "SELECT * { # }\n SERVICE ?x {} }",
    "SELECT * { \\u0053ERVICE <http://x/> {} }",
    "SELECT * { S\\U00000045RVICE <http://x/> {} }",
    "SELECT * { ?s ?p 'x' . SERVICE <http://x/> {} }",
    'SELECT * { ?s ?p """x"y""" SERVICE <http://x/> {} }',
    "SELECT * { ?s ?p 'it\\'s' . SERVICE <http://x/> {} }",
    # The engine knows no end of a keyword.
    "SELECT * { ?s ?p trueSERVICE<http://x/>{} }",
    "SELECT * { ?s ?p 1SERVICE<http://x/>{} }",
    "PREFIX : <http://x/> SELECT * { SERVICE:y { ?s ?p ?o } }",
    "PREFIX : <http://x/> SELECT * { ?s ?p trueSERVICE:y#\n{ ?s ?p ?o } }",
    "PREFIX service: <http://x/> SELECT * { SERVICE service:y { ?s ?p ?o } }",
    "SELECT * { FILTER EXISTS { SERVICE <http://x/> {} } }",
    "ASK { { SELECT * { SERVICE <http://x/> {} } } }",
]
# Texts in which `<` is an IRI to one reader and a comparison to another: refused, for whatever reason.
TWO_READINGS = [
    "SELECT * { FILTER(?a<'>')SERVICE:x{?s ?p ?o. FILTER(?o='')} #'\n}",
    "SELECT * {FILTER(?a<?b)SERVICE:x#>\n{}}",
    "SELECT * { FILTER(?a<1#>'''\n)SERVICE:x{} #'''\n }",
]
ALLOWED = [
    "SELECT * { ?service ?SERVICE $service }",
    "PREFIX service: <http://x/service#> SELECT * { ?s service:service service:x }",
    "PREFIX service: <http://x/> SELECT * { GRAPH service:x { ?s ?p ?o } }",
    "SELECT * { ?s <http://example.org/service/x> 'SERVICE <http://x/> {}' }",
    'SELECT * { ?s ?p """ SERVICE \n <http://x/> { """ }',
    "SELECT * { ?s ?p ?o } # SERVICE <http://x/> {}",
    "SELECT * { _:service ?p 'x'@service }",
    "PREFIX ex: <http://x/> SELECT * { ?s ex:service ex:a.service }",
    "SELECT * { ?s ?p ?o FILTER(?a < 3 && ?b>4) FILTER(?a<abs(?b)&&?c>?d) }",
    "BASE <http://x/> SELECT * { <#a> <#b>/<#c> (<d> <e>) }",
    "SELECT?s{?s?p?o}",
    "select (count(*) as ?insert) where { ?load ?delete ?clear }",
]


@pytest.mark.parametrize("query", SERVICES)
def test_service_is_refused(query: str) -> None:
    with pytest.raises(QueryRefused) as caught:
        check_query(query)
    assert caught.value.feature == "SERVICE"


@pytest.mark.parametrize("query", TWO_READINGS)
def test_two_readings_are_refused(query: str) -> None:
    with pytest.raises(QuerySyntaxError):
        check_query(query)


@pytest.mark.parametrize("query", ALLOWED)
def test_what_only_looks_like_it_is_allowed(query: str) -> None:
    assert check_query(query).form == "solutions"


@pytest.mark.parametrize(
    "query",
    [
        "INSERT DATA { <a> <b> <c> }",
        "PREFIX a: <http://x/> delete where { ?s ?p ?o }",
        "# query\nLOAD <http://x/>",
        "CLEAR ALL",
        "DROP ALL",
        "CREATE GRAPH <http://x/>",
        "COPY DEFAULT TO <http://x/>",
        "MOVE DEFAULT TO <http://x/>",
        "ADD DEFAULT TO <http://x/>",
        "WITH <http://x/> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
    ],
)
def test_updates_are_refused(query: str) -> None:
    with pytest.raises(QueryRefused, match="update"):
        check_query(query)


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("ASK{}", "boolean"),
        ("construct where { ?s ?p ?o }", "triples"),
        ("BASE <http://x/> DESCRIBE <y>", "triples"),
        ("PREFIX select: <http://x/> ASK { ?s select:x ?o }", "boolean"),
    ],
)
def test_forms(query: str, form: str) -> None:
    assert check_query(query).form == form


def test_graphs_are_resolved_and_must_be_known() -> None:
    query = (
        "BASE <http://e/> PREFIX g: <g/> SELECT * FROM <a> FROM NAMED g:b\\-c from g:c FROM NAMED <http://e/\\u0064> "
        "WHERE { ?s ?p 'FROM <no>' . { SELECT * { ?from ?p ?o } } }"
    )
    checked = check_query(query)
    assert checked.default_graphs == ("http://e/a", "http://e/g/c")
    assert checked.named_graphs == ("http://e/g/b-c", "http://e/d")
    known = {*checked.default_graphs, *checked.named_graphs}
    assert check_query(query, known) == checked
    with pytest.raises(QueryRefused, match=r"<http://e/a> .* known: .*<http://e/d>"):
        check_query(query, known - {"http://e/a"})
    for local in ("file:///etc/passwd", "http://127.0.0.1/"):
        with pytest.raises(QueryRefused, match="known: none"):
            check_query(f"SELECT * FROM <{local}> {{ ?s ?p ?o }}", ())


def test_values_that_change_are_noticed() -> None:
    assert check_query("SELECT (NOW() AS ?now) {}").repeatable is False
    assert check_query("SELECT (rand () AS ?x) {}").repeatable is False
    assert check_query("SELECT ?now { ?now ?uuid 'RAND()' }").repeatable is True


def test_nesting() -> None:
    deep = "(" * (MAX_DEPTH - 2) + "1" + ")" * (MAX_DEPTH - 2)
    assert check_query(f"SELECT * {{ FILTER({deep}) }}")
    for number in (MAX_DEPTH, 10_000):
        with pytest.raises(QueryRefused, match="nesting"):
            check_query(f"SELECT * {{ FILTER({'(' * number}1{')' * number}) }}")


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("", 1, 1),
        ("SELECT * {\n  ?s ?p 'x }", 2, 9),
        ("SELECT * { ?s ?p ?o ) }", 1, 21),
        ("SELECT * { ?s ?p ?o", 1, 20),
        ("SELEKT * { ?s ?p ?o }", 1, 1),
        ("PREFIX a <http://x/> SELECT * {}", 1, 1),
        ("SELECT * { ?s ?p \\u0041 }", 1, 18),
        ("SELECT * { ?s ?p '''x }", 1, 18),
    ],
)
def test_syntax_errors_have_a_place(query: str, line: int, column: int) -> None:
    # By its tokens: what is plainly harmless is not read so closely, and the engine's own errors are explained so.
    with pytest.raises(QuerySyntaxError) as caught:
        _check_tokens(query)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "piece",
    [
        "'",
        '"',
        "'''",
        '"""',
        "a.",
        "a..",
        ":",
        "a:.",
        "<",
        "<a",
        "?",
        "\\u0041",
        "\\'",
        "_:a.",
        "@a-",
        "''x",
        "'\\'",
        "(",
    ],
)
def test_time_is_linear(piece: str) -> None:
    query = piece * (120_000 // len(piece))
    start = time.thread_time()
    with contextlib.suppress(QueryError):
        check_query(query)
    assert time.thread_time() - start < 3


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(QueryError):
        for token in read_tokens(text):
            assert text[token.start : token.start + len(token.text)] == token.text
    decode(text)


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port on which nobody may ever call, and the list of those who did."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def listen() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                calls.append(address)
                connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield port, calls
        server.shutdown(socket.SHUT_RDWR)
        thread.join(2)


def test_the_listener_would_notice(listener: tuple[int, list[object]]) -> None:
    port, calls = listener
    with pytest.raises(QueryError):
        Store.memory().answer(f"SELECT * {{ SERVICE <http://127.0.0.1:{port}/> {{}} }}", "text/csv", Limits(2))
    time.sleep(0.05)
    assert calls
    calls.clear()


# What the two readers could quarrel about; @ stands for an address that a listener waits at.
_FRAGMENTS = """SERVICE|SERVICE |service:x|SERVICE:x|:x|<@>|<@>|{|{ ?s ?p ?o }|}|(|)|FILTER(|FILTER(?a|<|>|<'>'|'|"
|.|;|?a|?s ?p |true|1|a:b|a:|\\'|\\u0027|\\u0053|ERVICE|@en|_:b|OPTIONAL|UNION|[|]|''|1.|-|GRAPH |&&|=|BIND(|#|#>
|VALUES ?v {|SILENT|<a#b|(?a<b)|FILTER(?a<'>')|FILTER(?a<?b)|(?a <x)|<x'y>|<x)y>|?s ?p (?a <x:'>)|OPTIONAL{}|AS ?z)
|SERVICE:x{}| |\n"""
_PIECES = st.sampled_from(_FRAGMENTS.split("|"))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_PIECES, max_size=14), st.booleans())
def test_what_passes_never_calls_out(listener: tuple[int, list[object]], pieces: list[str], wrap: bool) -> None:
    """The guard and the engine must not disagree: what the guard lets through opens no connection in the engine."""
    port, calls = listener
    target = f"http://127.0.0.1:{port}/"
    inner = "".join(pieces).replace("@>", f"{target}>")
    tail = f"SERVICE:x{{?s ?p ?o}}{inner}" if wrap else inner
    query = f"PREFIX : <{target}> PREFIX a: <{target}a#> SELECT * {{ {inner if not wrap else inner + tail} }}"
    try:
        check_query(query)
    except QueryError:
        return
    with contextlib.suppress(QueryError):
        Store.memory().answer(query, "text/csv", Limits(2))
    assert not calls, query


_WORDS = st.sampled_from(
    r"""SELECT|select|ASK|DESCRIBE|CONSTRUCT|INSERT|WITH| |\n|# FROM|PREFIX a: <b:>|BASE <b:>|<b:>|*|?x|?from|a:from
FROM|FROM ?x|FROM <g:>|from a:g|FROM NAMED|NAMED|WHERE|{|}|(|)|'|'x'|RAND()|NOW|now()|UUID()|BNODE|SERVICE|\u0046ROM
.|a""".replace("\n", "|").split("|")
)


@settings(max_examples=2000, deadline=None)
@given(st.lists(_WORDS, max_size=12))
def test_the_quick_look_sees_what_the_close_one_sees(words: list[str]) -> None:
    """What passes at a glance is read the same, or not at all, when its tokens are looked at."""
    query = " ".join(words).replace("\\n", "\n")
    plain = _check_plain(query)
    if plain is not None:
        with contextlib.suppress(QuerySyntaxError):
            assert _check_tokens(query) == plain
