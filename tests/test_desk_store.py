"""The desk's file: nothing is lost or changed, nobody overwrites anybody, and what cannot be used says so."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cbdgraph.desk import ROLES, STATES, Desk, Draft, Entry, Reviewer
from cbdgraph.desk.export import COLUMNS, describe, write_csv, write_json, write_lines
from cbdgraph.desk.file import SCHEMA
from cbdgraph.desk.merge import merge
from cbdgraph.errors import DeskConflict, DeskError, DeskRefused
from cbdgraph.namespaces import BASE
from cbdgraph.store.convert import convert

TERM = f"{BASE}term/ecosystem-restoration"
DEFINITION = f"{TERM}/definition/ipbes-ldr"


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 25, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


def draft(based_on: int, state: str = "proposed", **others: Any) -> Draft:
    values = {"subject": DEFINITION, "language": "en", "comment": "why", "suggestion": "", **others}
    return Draft(state=state, based_on=based_on, release="0.2.0", content="c0", **values)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Desk:
    return Desk.create(tmp_path / "desk" / "desk.sqlite", clock)


@pytest.fixture
def ana(desk: Desk) -> Reviewer:
    return desk.access.invite("Ana", "editor")[0]


@pytest.fixture
def bo(desk: Desk) -> Reviewer:
    return desk.access.invite("Bo", "reviewer")[0]


# Reviews.


def test_a_review_is_there_with_all_that_it_says(desk: Desk, ana: Reviewer) -> None:
    entry = desk.record(draft(0, "in-review", comment=" two\r\nlines ", suggestion="e\u0301tat"), ana)
    assert (entry.version, entry.comment, entry.suggestion) == (1, "two\nlines", "\u00e9tat")
    assert (entry.reviewer, entry.time, entry.release) == ("Ana", "2026-11-25T10:00:00Z", "0.2.0")
    assert desk.history(DEFINITION) == desk.history(DEFINITION, "en") == (entry,) == tuple(desk.entries())
    assert desk.history(DEFINITION, "fr") == ()
    assert desk.find(entry.uid) == entry
    assert desk.states()[DEFINITION, "en"] == entry.now
    assert Desk.open(desk.file.path).states() == desk.states()
    assert desk.find_faults() == []


def test_states_and_revision_follow_what_another_process_writes(desk: Desk, ana: Reviewer) -> None:
    assert (desk.revision, dict(desk.states())) == (0, {})
    other = Desk.open(desk.file.path)
    other.record(draft(0), ana)
    assert desk.revision == 1
    first = desk.states()
    assert first[DEFINITION, "en"].state == "proposed"
    assert desk.states() is first, "read again although nothing was added"
    other.record(draft(1, "disputed"), ana)
    assert desk.states()[DEFINITION, "en"].is_disputed
    assert not first[DEFINITION, "en"].is_disputed


def test_who_is_late_is_told_what_the_other_wrote_and_nothing_is_recorded(
    desk: Desk, ana: Reviewer, bo: Reviewer
) -> None:
    theirs = desk.record(draft(0, "approved", comment="good"), ana)
    with pytest.raises(DeskConflict) as caught:
        desk.record(draft(0, "disputed", comment="bad"), bo)
    assert (caught.value.based_on, caught.value.version, caught.value.entry) == (0, 1, theirs)
    assert desk.history(DEFINITION) == (theirs,)
    with pytest.raises(DeskConflict):
        desk.record(draft(7, "disputed", comment="ahead of everybody"), bo)
    mine = desk.record(draft(1, "disputed", comment="bad"), bo)
    assert [entry.comment for entry in desk.history(DEFINITION)] == ["good", "bad"]
    assert mine.previous == theirs.hash


def test_who_sends_the_same_twice_records_it_once(desk: Desk, ana: Reviewer, bo: Reviewer) -> None:
    first = desk.record(draft(0, comment="once"), ana)
    assert desk.record(draft(0, comment="once"), ana) == first
    with pytest.raises(DeskConflict):
        desk.record(draft(0, comment="once"), bo)
    assert desk.revision == 1


def test_languages_and_subjects_have_versions_of_their_own(desk: Desk, ana: Reviewer) -> None:
    for language in ("en", "fr", "mul"):
        assert desk.record(draft(0, language=language), ana).version == 1
    assert desk.record(draft(0, subject=TERM), ana).version == 1
    assert desk.record(draft(1, language="fr"), ana).version == 2
    assert [entry.id for entry in desk.entries()] == [1, 2, 3, 4, 5]
    assert desk.newest(2, 1) == (5, (desk.history(TERM)[0], desk.history(DEFINITION, "mul")[0]))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", STATES)
def test_who_may_record_what(desk: Desk, role: str, state: str) -> None:
    reviewer, _ = desk.access.invite("Somebody", role)
    may = {"reader": (), "reviewer": ("proposed", "in-review", "disputed"), "editor": tuple(STATES)}[role]
    assert reviewer.states == may
    if state in may:
        assert desk.record(draft(0, state), reviewer).state == state
        return
    with pytest.raises(DeskRefused) as caught:
        desk.record(draft(0, state), reviewer)
    assert not caught.value.allowed
    assert desk.revision == 0


def test_who_may_not_approve_comments_on_what_is_approved_and_changes_nothing(
    desk: Desk, ana: Reviewer, bo: Reviewer
) -> None:
    desk.record(draft(0, "approved", suggestion="this wording"), ana)
    for suggestion in ("another wording", ""):
        with pytest.raises(DeskRefused):
            desk.record(draft(1, "approved", suggestion=suggestion), bo)
    assert desk.record(draft(1, "approved", suggestion="this wording", comment="good"), bo).version == 2


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("subject", {"subject": "http://example.org/x"}),
        ("subject", {"subject": f"{BASE}decision/cop/11/16"}),
        ("subject", {"subject": f"{TERM}/a b"}),
        ("subject", {"subject": TERM + "x" * 500}),
        ("language", {"language": "de"}),
        ("language", {"language": ""}),
        ("state", {"state": "agreed"}),
        ("comment", {"comment": "x" * 4001}),
        ("comment", {"comment": "a\x00b"}),
        ("comment", {"comment": "\ud800"}),
        ("comment", {"comment": "\u202eabc"}),
        ("suggestion", {"suggestion": "x" * 4001}),
        ("comment", {"state": "disputed", "comment": " "}),
        ("version", {"based_on": -1}),
    ],
)
def test_what_cannot_be_recorded_is_named(desk: Desk, ana: Reviewer, field: str, change: dict[str, Any]) -> None:
    values: dict[str, Any] = {"based_on": 0, **change}
    with pytest.raises(DeskRefused) as caught:
        desk.record(draft(values.pop("based_on"), **values), ana)
    assert caught.value.field == field
    assert desk.revision == 0


def test_what_was_seen(desk: Desk, ana: Reviewer, bo: Reviewer) -> None:
    assert desk.seen(ana) == {}
    desk.record(draft(0), ana)
    assert desk.seen(ana)[DEFINITION, "en"].version == 1, "who wrote it has seen it"
    desk.mark_seen(bo, [(DEFINITION, "en", "c0", 1), (TERM, "mul", "c1", 0)])
    assert desk.seen(bo).keys() == {(DEFINITION, "en"), (TERM, "mul")}
    desk.mark_seen(bo, [(DEFINITION, "en", "c2", 0)])
    assert (desk.seen(bo)[DEFINITION, "en"].content, desk.seen(bo)[DEFINITION, "en"].version) == ("c2", 1)


# The file only grows, and shows when somebody changed it.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET comment = 'x'",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries",
        "INSERT INTO entries SELECT id + 9, uid || 'x', subject, language, version, state, comment, suggestion, "
        "reviewer, time, release, content, origin, origin_version, parallel, hash, hash || 'x' FROM entries",
    ],
)
def test_the_file_itself_refuses_to_change_an_entry(desk: Desk, ana: Reviewer, statement: str) -> None:
    desk.record(draft(0), ana)
    before = tuple(desk.entries())
    with sqlite3.connect(desk.file.path) as stranger, pytest.raises(sqlite3.IntegrityError):
        stranger.execute(statement)
    stranger.close()
    assert tuple(desk.entries()) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET comment = 'changed' WHERE id = 2",
        "UPDATE entries SET reviewer = 'Bo' WHERE id = 2",
        "UPDATE entries SET parallel = 1 WHERE id = 2",
        "DELETE FROM entries WHERE id = 2",
        "UPDATE entries SET version = 9 WHERE id = 3",
    ],
)
def test_tampering_shows(desk: Desk, ana: Reviewer, change: str) -> None:
    for version in range(3):
        desk.record(draft(version, comment=f"c{version}"), ana)
    assert desk.find_faults() == []
    with sqlite3.connect(desk.file.path) as stranger:
        for (name,) in stranger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            stranger.execute(f"DROP TRIGGER {name}")
        stranger.execute(change)
    stranger.close()
    assert desk.find_faults()


def test_a_desk_that_was_cut_off_shows_by_the_hash_that_was_kept(desk: Desk, ana: Reviewer) -> None:
    for version in range(3):
        desk.record(draft(version, comment=f"c{version}"), ana)
    kept = write_json(desk.head, desk.entries())
    assert kept["hash"] == desk.head.hash == tuple(desk.entries())[-1].hash
    with sqlite3.connect(desk.file.path) as stranger:
        stranger.execute("DROP TRIGGER entries_stay")
        stranger.execute("DELETE FROM entries WHERE id = 3")
    stranger.close()
    assert desk.find_faults() == []
    assert desk.head.hash != kept["hash"]


# Many at once.


def test_ten_threads_at_once_lose_nothing(desk: Desk) -> None:
    conflicts, recorded = [], []

    def work(number: int) -> None:
        reviewer, _ = desk.access.invite(f"Reviewer {number}", "reviewer")
        own = Desk.open(desk.file.path) if number % 2 else desk  # as another process has it
        for n in range(12):
            while True:
                version = len(own.history(DEFINITION, "en"))
                try:
                    recorded.append(own.record(draft(version, comment=f"{number} {n}"), reviewer))
                    break
                except DeskConflict:
                    conflicts.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    history = desk.history(DEFINITION, "en")
    assert [entry.version for entry in history] == list(range(1, 121))
    assert {entry.comment for entry in history} == {f"{number} {n}" for number in range(10) for n in range(12)}
    assert sorted(recorded, key=lambda entry: entry.version) == list(history)
    assert conflicts, "nobody met anybody: this tested nothing"
    assert desk.find_faults() == []


class TwoReviewers(RuleBasedStateMachine):
    """Two reviewers who look and write as they like: a model of what may be lost, which is nothing."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk.create(Path(self.folder.name) / "desk.sqlite")
        self.people = [self.desk.access.invite(name, "editor")[0] for name in ("Ana", "Bo")]
        self.looked = [0, 0]
        self.model: list[tuple[str, str]] = []

    @rule(who=st.integers(0, 1))
    def look(self, who: int) -> None:
        self.looked[who] = len(self.desk.history(DEFINITION, "en"))

    @rule(who=st.integers(0, 1), comment=st.text("ab", max_size=2))
    def write(self, who: int, comment: str) -> None:
        name, version = self.people[who].name, self.looked[who]
        repeats = len(self.model) == version + 1 and self.model[-1] == (name, comment)
        if version != len(self.model) and not repeats:
            with pytest.raises(DeskConflict) as caught:
                self.desk.record(draft(version, comment=comment), self.people[who])
            assert caught.value.version == len(self.model)
            return
        entry = self.desk.record(draft(version, comment=comment), self.people[who])
        if not repeats:
            self.model.append((name, comment))
        assert entry.version == len(self.model)

    @invariant()
    def everything_is_there(self) -> None:
        if hasattr(self, "model"):
            assert [(e.reviewer, e.comment) for e in self.desk.history(DEFINITION, "en")] == self.model

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            assert self.desk.find_faults() == []
            self.desk.close()
            self.folder.cleanup()


TestTwoReviewers = TwoReviewers.TestCase
TestTwoReviewers.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


# Who may come in.


def test_a_token_is_kept_only_as_a_hash(desk: Desk) -> None:
    reviewer, token = desk.access.invite("Ana", "editor", label="laptop")
    guest = desk.access.admit(token)
    assert guest is not None
    assert guest.reviewer == reviewer
    secret = desk.access.open_session(guest)
    resumed = desk.access.resume(secret)
    assert resumed is not None
    assert resumed.reviewer == reviewer
    desk.close()
    for file in desk.file.path.parent.iterdir():
        content = file.read_bytes()
        assert token.encode() not in content
        assert token.removeprefix("cbdgraph_").encode() not in content
        assert secret.encode() not in content
    assert desk.file.path.stat().st_mode & 0o077 == 0, "others may read it"
    assert len(token) > 45


@pytest.mark.parametrize(
    "token", ["", "cbdgraph_", "x", "cbdgraph_" + "A" * 43, "\u0000", "é", "\ud800", "x" * 10**6]
)
@pytest.mark.usefixtures("ana")
def test_other_tokens_are_not_known(desk: Desk, token: str) -> None:
    assert desk.access.admit(token) is None
    assert desk.access.resume(token) is None


def test_tokens_and_sessions_end(desk: Desk, clock: Clock) -> None:
    _, token = desk.access.invite("Ana", "editor", days=2)
    guest = desk.access.admit(token)
    assert guest is not None
    secret = desk.access.open_session(guest)
    clock.time += timedelta(hours=11)
    assert desk.access.resume(secret)
    clock.time += timedelta(hours=2)
    assert desk.access.resume(secret) is None
    assert desk.access.admit(token)
    secret = desk.access.open_session(guest)
    clock.time += timedelta(days=2)
    assert desk.access.admit(token) is None
    assert desk.access.resume(secret) is None


def test_a_session_ends_with_its_token_and_by_signing_out(desk: Desk) -> None:
    reviewer, token = desk.access.invite("Ana", "editor")
    _, other = desk.access.invite("Ana")
    guest, second = desk.access.admit(token), desk.access.admit(other)
    assert guest is not None
    assert second is not None
    secrets = [desk.access.open_session(guest) for _ in range(2)]
    desk.access.close_session(secrets[0])
    assert desk.access.resume(secrets[0]) is None
    assert desk.access.resume(secrets[1])
    assert desk.access.revoke("ana", guest.token) == 1
    assert desk.access.resume(secrets[1]) is None
    assert desk.access.admit(token) is None
    assert desk.access.admit(other)
    assert desk.access.revoke("Ana") == 1
    assert desk.access.admit(other) is None
    with pytest.raises(DeskRefused):
        desk.record(draft(0), reviewer)
    _, again = desk.access.invite("Ana")
    assert desk.access.admit(again)
    assert desk.access.admit(token) is None
    assert [len(tokens) for _, tokens in desk.access.reviewers()] == [3]


def test_a_browser_that_opens_session_after_session_keeps_the_last_ones(desk: Desk, clock: Clock) -> None:
    guest = desk.access.admit(desk.access.invite("Ana", "editor")[1])
    assert guest is not None
    secrets = []
    for _ in range(15):
        clock.time += timedelta(seconds=1)
        secrets.append(desk.access.open_session(guest))
    assert [secret for secret in secrets if desk.access.resume(secret)] == secrets[5:]


def test_roles_count_at_once_and_names_are_one_person_whatever_their_capitals(desk: Desk, bo: Reviewer) -> None:
    desk.access.set_role("BO", "editor")
    assert desk.record(draft(0, "approved"), bo).state == "approved", "the role is that of now, not of the token"
    assert desk.access.invite("bo")[0] == desk.access.set_role("Bo", "editor")
    with pytest.raises(DeskRefused, match="cbdgraph desk role"):
        desk.access.invite("Bo", "reader")
    for name in ("", " ", "x" * 61, "a\u200bb", "a\nb\x00"):
        with pytest.raises(DeskRefused):
            desk.access.invite(name, "reader")
    for name in ("nobody",):
        with pytest.raises(DeskRefused, match="cbdgraph desk list"):
            desk.access.set_role(name, "reader")
        with pytest.raises(DeskRefused):
            desk.access.revoke(name)
    with pytest.raises(DeskRefused):
        desk.access.invite("New", "admin")
    with pytest.raises(DeskRefused):
        desk.access.invite("New", days=0)


# Files that are not as they should be.


def test_no_desk_and_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    with pytest.raises(DeskError, match="cbdgraph desk invite"):
        Desk.open(path)
    path.write_bytes(b"")
    with pytest.raises(DeskError, match="never opened to the end"):
        Desk.open(path)
    path.write_bytes(b"something else" * 1000)
    for use in (Desk.open, Desk.create):
        with pytest.raises(DeskError, match="no SQLite file"):
            use(path)
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE x (y)")
    other.close()
    for use in (Desk.open, Desk.create):
        with pytest.raises(DeskError, match="another program"):
            use(path)


def test_an_empty_file_of_a_program_that_was_killed_becomes_a_desk(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    path.write_bytes(b"")
    Desk.create(path).close()
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE x (y)")
        other.execute("DROP TABLE x")
    other.close()
    assert Desk.create(path).revision == 0


def test_a_newer_file_is_left_alone(desk: Desk, ana: Reviewer) -> None:
    desk.record(draft(0), ana)
    desk.close()
    with sqlite3.connect(desk.file.path) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    newer.close()
    before = desk.file.path.read_bytes()
    for use in (Desk.open, Desk.create):
        with pytest.raises(DeskError, match="newer version of cbdgraph"):
            use(desk.file.path)
    assert desk.file.path.read_bytes() == before


def test_a_damaged_file_says_so(desk: Desk, ana: Reviewer) -> None:
    for version in range(60):
        desk.record(draft(version, comment="x" * 2000), ana)
    desk.close()
    path = desk.file.path
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 100] = os.urandom(100)
    path.write_bytes(bytes(content))
    with pytest.raises(DeskError, match="put a backup in its place"):
        Desk.open(path).find_faults()


@pytest.mark.skipif(os.name != "posix", reason="needs permissions of POSIX")
def test_a_folder_that_may_only_be_read() -> None:
    """As another user, for root may write everywhere."""
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from cbdgraph.desk import Desk\nfrom cbdgraph.errors import DeskError\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for use in (Desk.open, Desk.create):\n"
        "    try: use(Path(sys.argv[1]))\n"
        "    except DeskError as error: print(error)\n"
        "    else: print('no error')\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "desk" / "desk.sqlite"
        desk = Desk.create(path)
        desk.access.invite("Ana", "editor")
        desk.close()
        path.chmod(0o444)
        path.parent.chmod(0o555)
        command = [sys.executable, "-c", script, str(path)]
        end = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        path.parent.chmod(0o755)
    lines = end.stdout.splitlines()
    assert len(lines) == 2, end
    for line in lines:
        assert "may only be read" in line or "cannot be opened" in line, line
        assert folder not in line


@pytest.mark.skipif(os.name != "posix", reason="needs limits of POSIX")
def test_a_full_disk_loses_only_what_was_not_acknowledged(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the system refuses to write, and nothing else happens."""
    path = tmp_path / "desk.sqlite"
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from tests.test_desk_store import draft\n"
        "from cbdgraph.desk import Desk\nfrom cbdgraph.errors import DeskError\n"
        "desk = Desk.create(Path(sys.argv[1])); ana, _ = desk.access.invite('Ana', 'editor')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "for n in range(1000):\n"
        "    try: print('recorded', desk.record(draft(n, comment=str(n) + 'x' * 3000), ana).version, flush=True)\n"
        "    except DeskError as error: print(error); break\n"
        "print('reads', len(desk.history(draft(0).subject)))\n"
    )
    end = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    *recorded, error, reads = end.stdout.splitlines()
    assert 10 < len(recorded) < 900
    assert "nothing was recorded" in error
    assert reads == f"reads {len(recorded)}"
    desk = Desk.open(path)
    assert [entry.version for entry in desk.history(DEFINITION)] == list(range(1, len(recorded) + 1))
    assert desk.find_faults() == []
    ana = desk.access.reviewers()[0][0]
    assert desk.record(draft(len(recorded)), ana).version == len(recorded) + 1, "there is room again"


# Copies, merges, exports.


def test_a_backup_is_whole_while_others_write(desk: Desk, ana: Reviewer, tmp_path: Path) -> None:
    desk.record(draft(0), ana)
    target = tmp_path / "copy.sqlite"
    desk.file.backup(target)
    assert target.stat().st_mode & 0o077 == 0
    desk.record(draft(1), ana)
    assert not list(tmp_path.glob("copy.sqlite-*")), "it is one file"
    copy = Desk.open(target)
    with copy.file.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert tuple(copy.entries()) == tuple(desk.entries())[:1]
    assert copy.find_faults() == []
    with pytest.raises(DeskError, match="already"):
        desk.file.backup(target)
    with pytest.raises(DeskError):
        desk.file.backup(tmp_path / "none" / "copy.sqlite")
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_a_merge_keeps_both_orders_and_marks_what_was_said_twice(
    desk: Desk, ana: Reviewer, bo: Reviewer, tmp_path: Path
) -> None:
    shared = desk.record(draft(0, comment="shared"), ana)
    desk.file.backup(tmp_path / "away.sqlite")
    away = Desk.open(tmp_path / "away.sqlite")
    away.record(draft(1, "disputed", comment="away 2"), bo)
    away.record(draft(2, comment="away 3"), bo)
    away.record(draft(0, language="fr", comment="away only"), bo)
    desk.record(draft(1, "approved", comment="here 2"), ana)
    merged = merge(desk, away)
    assert (len(merged.added), merged.known, merged.parallel) == (3, 1, ((DEFINITION, "en"),))
    history = desk.history(DEFINITION, "en")
    assert [entry.comment for entry in history] == ["shared", "here 2", "away 2", "away 3"]
    assert [entry.parallel for entry in history] == [False, False, True, True]
    assert [entry.origin_version for entry in history] == [1, 2, 2, 3]
    assert desk.states()[DEFINITION, "en"].is_disputed, "somebody has to settle it"
    assert not desk.history(DEFINITION, "fr")[0].parallel
    assert desk.find_faults() == []
    again = merge(desk, away)
    assert (again.added, again.known) == ((), 4)
    # Who settles it has seen both; and the other desk learns of it without a new conflict.
    desk.record(draft(4, "approved", comment="settled"), ana)
    assert not desk.states()[DEFINITION, "en"].is_disputed
    back = merge(away, desk)
    assert [entry.comment for entry in back.added] == ["here 2", "settled"]
    assert not away.states()[DEFINITION, "en"].parallel
    assert away.states()[DEFINITION, "en"].state == "approved"
    assert shared.uid == away.history(DEFINITION, "en")[0].uid


def test_a_merge_takes_nothing_of_a_desk_that_was_tampered_with(desk: Desk, ana: Reviewer, tmp_path: Path) -> None:
    desk.record(draft(0), ana)
    desk.file.backup(tmp_path / "away.sqlite")
    away = Desk.open(tmp_path / "away.sqlite")
    for version in (1, 2):
        away.record(draft(version, comment=f"c{version}"), ana)
    with sqlite3.connect(tmp_path / "away.sqlite") as stranger:
        stranger.execute("DROP TRIGGER entries_stay_as_they_are")
        stranger.execute("UPDATE entries SET state = 'approved' WHERE id = 2")
    stranger.close()
    with pytest.raises(DeskError, match="nothing was merged"):
        merge(desk, away)
    assert desk.revision == 1


def test_who_reviewed_elsewhere_has_no_access_here(desk: Desk, tmp_path: Path) -> None:
    away = Desk.create(tmp_path / "away.sqlite")
    guest, token = away.access.invite("Cem", "editor")
    away.record(draft(0, "approved"), guest)
    merge(desk, away)
    assert desk.history(DEFINITION)[0].reviewer == "Cem"
    assert desk.access.admit(token) is None
    assert desk.access.reviewers() == []


def _some(desk: Desk, ana: Reviewer) -> tuple[Entry, ...]:
    desk.record(draft(0, comment='"quoted"\n\u0628', suggestion="=1+1"), ana)
    desk.record(draft(1, "approved", suggestion="new"), ana)
    desk.record(draft(0, language="mul", comment="the whole"), ana)
    return tuple(desk.entries())


def test_the_export_in_rdf_says_what_was_recorded(desk: Desk, ana: Reviewer) -> None:
    import rdflib

    entries = _some(desk, ana)
    lines = list(write_lines(entries))
    graph = rdflib.Graph().parse(data="\n".join(lines), format="nt")
    assert rdflib.Graph().parse(data=convert(lines, "text/turtle").decode(), format="turtle").isomorphic(graph)
    oa, prov = rdflib.Namespace("http://www.w3.org/ns/oa#"), rdflib.PROV
    reviews = set(graph.subjects(rdflib.RDF.type, oa.Annotation))
    assert reviews == {rdflib.URIRef(describe(entry)["iri"]) for entry in entries}
    for entry in entries:
        review = rdflib.URIRef(describe(entry)["iri"])
        assert graph.value(review, oa.hasTarget) == rdflib.URIRef(entry.subject)
        bodies = {str(graph.value(body, rdflib.RDF.value) or body) for body in graph.objects(review, oa.hasBody)}
        assert bodies == {f"{BASE}desk/state/{entry.state}", *filter(None, (entry.comment, entry.suggestion))}
        motives = set(graph.objects(review, oa.motivatedBy))
        assert (oa.editing in motives) == bool(entry.suggestion)
        agent = graph.value(review, prov.wasAttributedTo)
        assert str(graph.value(agent, rdflib.RDFS.label)) == entry.reviewer
        assert graph.value(review, prov.generatedAtTime) == rdflib.Literal(entry.time, datatype=rdflib.XSD.dateTime)
        assert f"/release/{entry.release}/" in str(graph.value(review, prov.hadPrimarySource))
    assert len(list(graph.triples((None, prov.wasRevisionOf, None)))) == 1
    assert not [node for triple in graph for node in triple if isinstance(node, rdflib.BNode)]


def test_the_export_as_a_table_and_as_json(desk: Desk, ana: Reviewer) -> None:
    import csv
    import io

    entries = _some(desk, ana)
    rows = list(csv.DictReader(io.StringIO(write_csv(entries))))
    assert [row["uid"] for row in rows] == [entry.uid for entry in entries]
    assert rows[0]["comment"] == entries[0].comment
    assert rows[0]["suggestion"] == "'=1+1", "a spreadsheet would work it out"
    assert tuple(rows[0]) == COLUMNS
    document = write_json(desk.head, entries)
    assert [review["hash"] for review in document["reviews"]] == [entry.hash for entry in entries]


@given(comment=st.text(max_size=300), suggestion=st.text(max_size=300))
@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_comes_back_as_it_went_in_or_is_refused(
    desk: Desk, ana: Reviewer, comment: str, suggestion: str
) -> None:
    version = len(desk.history(DEFINITION, "en"))
    try:
        checked = draft(version, comment=comment, suggestion=suggestion).checked()
    except DeskRefused:
        return
    entry = desk.record(checked, ana)
    assert (entry.comment, entry.suggestion) == (checked.comment, checked.suggestion)
    assert desk.history(DEFINITION, "en")[-1] == entry
