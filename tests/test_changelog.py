"""The change log: each statement of one resource, comparing, replaying, and that nothing goes silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.changelog import (
    FOLDER,
    Entry,
    LoggedRelease,
    UnexplainedWithdrawal,
    Withdrawal,
    compare,
    join_resources,
    read_log,
    replay,
    split_resources,
    write_release,
)
from cbdgraph.errors import BuildError
from cbdgraph.history import History, write_history
from cbdgraph.store.canonical import canonical_lines, hash_lines
from tests.cutting import DECISION, ISSUE, NEW_TERM, OLD_TERM, REASON, ROOT, SHAPE, WITHDRAWALS, make_log

EX = "http://example.org/"


def _split(*quads: str) -> dict[str, tuple[str, ...]]:
    return split_resources(quads, canonical_lines)


def test_every_statement_is_about_one_resource() -> None:
    state = _split(
        "<x:a> <x:p> _:b <x:g> .", "_:b <x:q> _:c <x:g> .", '_:c <x:r> "_:b" <x:g> .', "<x:b> <x:p> <x:a> <x:g> ."
    )
    assert list(state) == ["x:a", "x:b"]
    assert len(state["x:a"]) == 3
    assert sorted(map(len, state.values())) == [1, 3]


@pytest.mark.parametrize(
    "quads",
    [
        ("_:b <x:p> <x:a> <x:g> .",),
        ("<x:a> <x:p> _:b <x:g> .", "<x:b> <x:p> _:b <x:g> .", '_:b <x:p> "1" <x:g> .'),
        ("_:b <x:p> _:c <x:g> .", "_:c <x:p> _:b <x:g> ."),
    ],
)
def test_a_blank_node_of_none_or_two_is_refused(quads: tuple[str, ...]) -> None:
    with pytest.raises(BuildError, match="blank node hangs on"):
        _split(*quads)


def test_other_labels_of_blank_nodes_are_no_change() -> None:
    one = _split("<x:a> <x:p> _:b <x:g> .", '_:b <x:q> "1" <x:g> .')
    two = _split("<x:a> <x:p> _:z9 <x:g> .", '_:z9 <x:q> "1" <x:g> .')
    assert compare(one, two, {}) == ()
    three = _split("<x:a> <x:p> _:z9 <x:g> .", '_:z9 <x:q> "2" <x:g> .')
    assert [entry.change for entry in compare(one, three, {})] == ["changed"]


def test_the_graph_is_part_of_a_statement() -> None:
    assert [
        e.change for e in compare(_split("<x:a> <x:p> <x:b> <x:g> ."), _split("<x:a> <x:p> <x:b> <x:h> ."), {})
    ] == ["changed"]


def test_nothing_goes_silently() -> None:
    before = _split("<x:a> <x:p> <x:b> <x:g> .", "<x:c> <x:p> <x:b> <x:g> .")
    after = _split("<x:c> <x:p> <x:b> <x:g> .")
    with pytest.raises(UnexplainedWithdrawal) as caught:
        compare(before, after, {})
    assert caught.value.resources == ("x:a",)
    (entry,) = compare(before, after, {"x:a": Withdrawal("It was wrong.", ("x:c",))})
    assert (entry.change, entry.withdrawal) == ("withdrawn", Withdrawal("It was wrong.", ("x:c",)))
    with pytest.raises(BuildError, match="still described"):
        compare(before, after, {"x:a": Withdrawal("It was wrong."), "x:c": Withdrawal("It is not.")})
    with pytest.raises(BuildError, match="nothing describes"):
        compare(before, after, {"x:a": Withdrawal("It was wrong.", ("x:z",))})


_STATES = st.dictionaries(
    st.sampled_from([f"x:{letter}" for letter in "abcde"]),
    st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, unique=True),
)


@given(st.lists(_STATES, min_size=1, max_size=6))
def test_replaying_gives_the_last_state(states: list[dict[str, list[str]]]) -> None:
    """Whatever comes, goes and comes back."""
    before: dict[str, tuple[str, ...]] = {}
    entries: list[Entry] = []
    for state in states:
        after = _split(*(f'<{name}> <x:p> "{value}" <x:g> .' for name, values in state.items() for value in values))
        gone = {name: Withdrawal("It went.") for name in before if name not in after}
        entries += compare(before, after, gone)
        before = after
    assert replay(entries) == before


def test_the_log_is_only_added_to(tmp_path: Path) -> None:
    release = LoggedRelease("0.1.0", "2026-11-22T00:00:00Z", "0" * 64, "", ())
    path = write_release(tmp_path, release)
    assert read_log(tmp_path).releases == (release,)
    first = path.read_bytes()
    with pytest.raises(BuildError, match="only ever added to"):
        write_release(tmp_path, release)
    path.unlink()
    assert write_release(tmp_path, release).read_bytes() == first


@pytest.mark.parametrize(
    ("number", "issued", "previous"),
    [
        ("0.2.0", "2026-11-23T00:00:00Z", "0.0.9"),
        ("0.2.0", "2026-11-22T00:00:00Z", "0.1.0"),
    ],
)
def test_a_log_with_a_gap_is_refused(tmp_path: Path, number: str, issued: str, previous: str) -> None:
    write_release(tmp_path, LoggedRelease("0.1.0", "2026-11-22T00:00:00Z", "0" * 64, "", ()))
    write_release(tmp_path, LoggedRelease(number, issued, "0" * 64, previous, ()))
    with pytest.raises(BuildError):
        read_log(tmp_path)


def test_a_broken_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0.1.0.jsonl.gz").write_bytes(b"nonsense")
    with pytest.raises(BuildError, match=r"0\.1\.0"):
        read_log(tmp_path)


def test_the_log_of_this_checkout_gives_the_hashes_it_says() -> None:
    log = read_log(ROOT / FOLDER)
    assert log.releases
    for release in log.releases:
        lines = canonical_lines(list(join_resources(log.until(release.number).replay())))
        assert hash_lines(lines) == release.data_hash


def test_three_releases_hold_all_that_can_happen() -> None:
    first, second, third = make_log().releases
    assert {entry.change for entry in first.entries} == {"created"}
    assert {entry.resource: entry.change for entry in second.entries}[ISSUE] == "created"
    changes = {entry.resource: entry for entry in third.entries}
    assert changes[ISSUE].withdrawal == Withdrawal(REASON)
    assert changes[OLD_TERM].withdrawal == WITHDRAWALS[OLD_TERM]
    assert changes[NEW_TERM].change == "created"
    assert changes[DECISION].change == "changed"


def test_history_tells_what_the_log_says(tmp_path: Path) -> None:
    log = make_log()
    state = log.replay()
    write_history(tmp_path, log, {**state, SHAPE: ("<x:a> <x:p> <x:b> <x:g> .",)})
    history = History.open(tmp_path)
    assert len(history.events) == sum(len(release.entries) for release in log.releases)
    assert [past.number for past in history.releases] == ["0.1.0", "0.2.0", "0.3.0"]
    assert {event.resource: tuple(content) for event, content in history.contents(list(history.living()))} == state
    gone = history.last(OLD_TERM)
    assert gone is not None
    assert (gone.change, gone.replacements, gone.names["en"]) == ("withdrawn", (NEW_TERM,), "Degraded land")
    assert history.content(gone) == []
    assert history.pending == {SHAPE}
    assert history.modified(SHAPE) is None
    assert history.modified(OLD_TERM) is None
    when = history.modified(NEW_TERM)
    assert when is not None
    assert when.isoformat() == "2026-12-01T15:30:00+00:00"
