"""The change log under attack: broken files, names used again, odd texts, canonical form by another tool.

What is expected to fail is a fault that is known; `strict` makes the mark red on the day on which it is mended.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cbdgraph.changelog import (
    Entry,
    Log,
    LoggedRelease,
    Withdrawal,
    compare,
    join_resources,
    read_log,
    replay,
    split_resources,
    write_release,
)
from cbdgraph.errors import BuildError, InvalidName, TurtleError
from cbdgraph.history import History, write_history
from cbdgraph.namespaces import WITHDRAWN, expand
from cbdgraph.quads import relabel
from cbdgraph.releasing import parse_time
from cbdgraph.store.canonical import canonical_lines, hash_lines
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release, build_lock, publish
from tests.conftest import ROOT

State = dict[str, tuple[str, ...]]
CANONICAL = ROOT / "tests/fixtures/canonical"


def _say(*names: str, value: str = "1") -> State:
    return split_resources([f'<{name}> <x:p> "{value}" <x:g> .' for name in names], canonical_lines)


def _log(count: int) -> Log:
    """As many releases, in each of which the one text of the one resource is another."""
    releases: list[LoggedRelease] = []
    before: State = {}
    for number in range(1, count + 1):
        after = _say("x:a", value=str(number))
        lines = canonical_lines(list(join_resources(after)))
        previous = releases[-1].number if releases else ""
        releases.append(
            LoggedRelease(
                f"0.{number}.0",
                f"2026-11-{number:02}T00:00:00Z",
                hash_lines(lines),
                previous,
                compare(before, after, {}),
            )
        )
        before = after
    return Log(tuple(releases))


def _publish(build: Path, log: Log, *, older: int = 0, withdrawn: str = "") -> Release:
    assert log.last is not None
    graphs = {"x:g": [f'<x:a> <x:p> "{len(log.releases)}" .']}
    if withdrawn:
        graphs[WITHDRAWN] = [f'<x:z> <{expand("cbd:withdrawalReason")}> "{withdrawn}"@en .']
    with build_lock(build):
        return publish(build, graphs, input_hash=withdrawn, log=log, older=older)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file of the log with some content."""
    entries = tuple(Entry(f"x:{n}", "created", (f'<x:{n}> <x:p> "{n * 7919}" <x:g> .',)) for n in range(8))
    release = LoggedRelease("0.1.0", "2026-11-22T00:00:00Z", "0" * 64, "", entries)
    return write_release(tmp_path_factory.mktemp("log"), release).read_bytes()


def _read(folder: Path, content: bytes) -> Log:
    (folder / "0.1.0.jsonl.gz").write_bytes(content)
    return read_log(folder)


# -- files of the log


def test_a_file_that_ends_early_is_refused_wherever_it_ends(tmp_path: Path, whole: bytes) -> None:
    for length in range(len(whole)):
        with pytest.raises(BuildError, match=r"0\.1\.0"):
            _read(tmp_path, whole[:length])


def test_one_wrong_bit_is_refused_or_changes_nothing(tmp_path: Path, whole: bytes) -> None:
    good, odd = _read(tmp_path, whole), []
    for place in range(len(whole) * 8):
        content = bytearray(whole)
        content[place // 8] ^= 1 << place % 8
        try:
            assert _read(tmp_path, bytes(content)) == good  # a bit of the head, such as the time that gzip tells
        except BuildError:
            continue
        except Exception as error:
            odd.append(f"{type(error).__name__} at bit {place}: {error}")
    assert odd == []


def _documents(whole: bytes) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(whole).decode().split("\n") if line]


def _pack(documents: list[Any]) -> bytes:
    return gzip.compress("".join(json.dumps(document) + "\n" for document in documents).encode())


@pytest.mark.parametrize(
    "head",
    [
        {"release": "0.2.0"},
        {"release": 1},
        {"release": "1"},
        {"issued": None},
        {"issued": "soon"},
        {"previous": "0.0.1"},
        {"previous": None},
        {"issued": "2026-11-22"},
        {"issued": "2026-11-22T00:00:00+05:00"},
        {"data_hash": None},
        {"data_hash": "abc"},
    ],
    ids=str,
)
def test_a_head_that_is_none_is_refused(tmp_path: Path, whole: bytes, head: dict[str, Any]) -> None:
    first, *entries = _documents(whole)
    with pytest.raises(BuildError):
        _read(tmp_path, _pack([{**first, **head}, *entries]))


@pytest.mark.parametrize(
    "entry",
    [
        {"change": "deleted"},
        {"change": "withdrawn"},
        {"change": []},
        {"resource": 5},
        {"content": "abc"},
        {"content": [1]},
    ],
    ids=str,
)
def test_an_entry_that_is_none_is_refused(tmp_path: Path, whole: bytes, entry: dict[str, Any]) -> None:
    head, first, *others = _documents(whole)
    with pytest.raises(BuildError):
        _read(tmp_path, _pack([head, {**first, **entry}, *others]))


def test_a_file_missing_in_the_middle_or_under_another_name_is_refused(tmp_path: Path) -> None:
    for release in _log(3).releases:
        write_release(tmp_path, release)
    assert read_log(tmp_path) == _log(3)
    middle = tmp_path / "0.2.0.jsonl.gz"
    kept = middle.read_bytes()
    middle.unlink()
    with pytest.raises(BuildError, match=r"0\.3\.0 follows 0\.2\.0"):
        read_log(tmp_path)
    for name in ("0.4.0", "0.02.0", "0.2.0 (1)"):
        other = tmp_path / f"{name}.jsonl.gz"
        other.write_bytes(kept)
        with pytest.raises(BuildError, match=r"holds release 0\.2\.0"):
            read_log(tmp_path)
        other.unlink()


IMPOSSIBLE = [
    ("withdrawn, and never was", [Entry("x:z", "withdrawn", (), Withdrawal("It went."))]),
    ("created twice", [Entry("x:a", "created", ('<x:a> <x:p> "2" <x:g> .',))]),
    ("changed, and never was", [Entry("x:z", "changed", ('<x:z> <x:p> "2" <x:g> .',))]),
    ("twice in one release", [Entry("x:a", "changed", (f'<x:a> <x:p> "{n}" <x:g> .',)) for n in (2, 3)]),
    ("about another resource", [Entry("x:a", "changed", ('<x:b> <x:p> "2" <x:g> .',))]),
]


@pytest.mark.parametrize("entries", [entries for _, entries in IMPOSSIBLE], ids=[name for name, _ in IMPOSSIBLE])
def test_changes_that_cannot_have_happened_are_refused(tmp_path: Path, entries: list[Entry]) -> None:
    log = _log(1)
    after = replay([*log.releases[0].entries, *entries])
    digest = hash_lines(canonical_lines(list(join_resources(after))))
    write_release(tmp_path, log.releases[0])
    write_release(tmp_path, LoggedRelease("0.2.0", "2026-11-02T00:00:00Z", digest, "0.1.0", tuple(entries)))
    with pytest.raises(BuildError):
        read_log(tmp_path)


def test_a_last_release_that_was_edited_stops_the_build(tmp_path: Path) -> None:
    (release,) = _log(1).releases
    edited = Entry("x:a", "created", ('<x:a> <x:p> "edited" <x:g> .',))
    log = Log((LoggedRelease(release.number, release.issued, release.data_hash, "", (edited,)),))
    with pytest.raises(BuildError):
        _publish(tmp_path, log)


# -- names


CIRCLE = {"x:a": Withdrawal("It went.", ("x:b",)), "x:b": Withdrawal("It went.", ("x:a",))}


def test_a_chain_of_replacements_is_taken() -> None:
    chain = {"x:a": Withdrawal("It went.", ("x:b",)), "x:b": Withdrawal("It went too.", ("x:c",))}
    entries = compare(_say("x:a", "x:b"), _say("x:c"), chain)
    assert [(entry.resource, entry.change) for entry in entries] == [
        ("x:a", "withdrawn"),
        ("x:b", "withdrawn"),
        ("x:c", "created"),
    ]


@pytest.mark.parametrize("withdrawals", [CIRCLE, {"x:a": Withdrawal("It went.", ("x:a",)), "x:b": Withdrawal("So.")}])
def test_replacements_in_a_circle_are_refused(withdrawals: dict[str, Withdrawal]) -> None:
    with pytest.raises(BuildError):
        compare(_say("x:a", "x:b"), _say("x:c"), withdrawals)


def test_a_withdrawal_of_what_never_was_is_refused() -> None:
    with pytest.raises(BuildError):
        compare(_say("x:a"), _say("x:a"), {"x:never": Withdrawal("It went.")})


def test_a_withdrawn_name_does_not_come_back_while_its_withdrawal_stands() -> None:
    with pytest.raises(BuildError, match="still described"):
        compare(_say("x:b"), _say("x:a", "x:b"), {"x:a": Withdrawal("It went.")})


def test_a_withdrawn_name_never_comes_back() -> None:
    compare(_say("x:a", "x:b"), _say("x:b"), {"x:a": Withdrawal("It went.")})
    with pytest.raises(BuildError):
        compare(_say("x:b"), _say("x:a", "x:b"), {}, {"x:a"})


@pytest.mark.parametrize(
    "text", ["2026-11-25T24:00:00Z", "2026-02-30", "2026-W48-3", "0000-01-01", "2026-11-25T10Z\n"]
)
def test_odd_times_are_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_time(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_times_beyond_the_calendar_are_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_time(text)


# -- texts, IRIs, canonical form


def _cases(name: str) -> Iterator[Any]:
    """Datasets, and the canonical form that rdf-canonize 5.0.0 (npm) gave of each."""
    with (CANONICAL / f"{name}.jsonl").open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def test_blank_nodes_in_all_positions_as_another_tool_has_them() -> None:
    cases = list(_cases("blank-nodes"))
    assert len(cases) == 60
    for case in cases:
        assert list(canonical_lines(case["dataset"])) == case["canonical"]
        renamed = [relabel(line, "_:other") for line in case["dataset"][::-1]]
        assert list(canonical_lines(renamed)) == case["canonical"]


def test_texts_with_separators_of_lines_as_another_tool_has_them() -> None:
    for case in _cases("line-separators"):
        assert list(canonical_lines(case["dataset"])) == case["canonical"]


TEXTS = [
    "plain",
    "\\t\\b\\n\\r\\f\\\"\\'\\\\",
    "\\u0000\\u0001\\u0007\\u000B\\u001C\\u001D\\u001E\\u007F",
    "\U0001f33f \u202eright to left\u202c \u0627\u0644\u0623\u0631\u0636 \ufeff",
    "> <x:g> .",
    "_:c14n0 <x:p> _:b .",
    "e\u0301 \u00e9",  # decomposed and composed are two texts
    "x" * 1_000_000,
    *(f"one{sign}two" for sign in "\x85\u2028\u2029"),
]
TAILS = ["", "@en", "@zh-Hant-TW", "@EN-gb", "^^<http://www.w3.org/2001/XMLSchema#token>"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:20]))
def test_a_text_is_the_same_after_log_replay_and_history(tmp_path: Path, text: str) -> None:
    """With every kind of literal, on a blank node too, in two graphs."""
    said = [
        line
        for number, tail in enumerate(TAILS)
        for graph in ("x:g", "http://example.org/caf\u00e9/%20")
        for line in (
            f'<x:a{number}> <x:p> "{text}"{tail} <{graph}> .',
            f"<x:a{number}> <x:q> _:b{number} <{graph}> .",
            f'_:b{number} <x:p> "{text}"{tail} <{graph}> .',
        )
    ]
    quads = canonical_lines(said)
    assert len(quads) == len(said)
    state = split_resources(quads, canonical_lines)
    release = LoggedRelease("0.1.0", "2026-11-22T00:00:00Z", hash_lines(quads), "", compare({}, state, {}))
    write_release(tmp_path, release)
    log = read_log(tmp_path)
    assert log.replay() == state
    assert hash_lines(canonical_lines(list(join_resources(log.replay())))) == release.data_hash
    write_history(tmp_path, log, state)
    history = History.open(tmp_path)
    assert history.pending == frozenset()
    assert {event.resource: tuple(history.content(event)) for event in history.events} == state


@pytest.mark.parametrize("iri", ["http://e/a b", "http://e/a\\u003Eb", "http://e/a\\u0020b", "", "relative", "x:<"])
def test_an_iri_that_is_none_stops_the_build(tmp_path: Path, iri: str) -> None:
    for graphs in ({iri: ['<x:a> <x:p> "1" .']}, {"x:g": [f'<{iri}> <x:p> "1" .']}):
        with build_lock(tmp_path), pytest.raises((BuildError, TurtleError)):
            publish(tmp_path, graphs, input_hash="")
        assert not (tmp_path / "current").exists()


def test_one_statement_in_two_graphs_is_two_and_counts_once(tmp_path: Path) -> None:
    with build_lock(tmp_path):
        release = publish(tmp_path, {graph: ['<x:a> <x:p> "1" .'] for graph in ("x:g", "x:h")}, input_hash="")
    assert (release.manifest.counts.asserted, release.manifest.counts.total) == (2, 1)
    assert len(release.graph_path.read_text(encoding="utf-8").splitlines()) == 2


# -- builds


OLDER = [(count, older) for count in range(1, 6) for older in range(6)]


@pytest.mark.parametrize(
    ("count", "older"),
    OLDER,
)
def test_as_many_older_releases_as_there_are_and_as_was_said(tmp_path: Path, count: int, older: int) -> None:
    release = _publish(tmp_path, _log(count), older=older)
    assert list(release.manifest.older) == [f"0.{number}.0" for number in range(count - 1, 0, -1)][:older]
    for name, folder in release.manifest.older.items():
        store = Store.open_read_only(tmp_path / "releases" / folder / "store")
        assert store.ask(f'ASK {{ <x:a> <x:p> "{name.split(".")[1]}" }}')


def test_a_reason_that_is_mended_is_served(tmp_path: Path) -> None:
    for reason in ("It was rong.", "It was wrong."):
        release = _publish(tmp_path, _log(1), withdrawn=reason)
        store = Store.open_read_only(release.store_path)
        assert store.ask(f'ASK {{ GRAPH <{WITHDRAWN}> {{ <x:z> ?p "{reason}"@en }} }}'), reason
