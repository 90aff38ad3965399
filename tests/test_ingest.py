"""From a document to the record: the note gives its hand-made Annex I again, and other documents pass the shapes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rdflib.term import Node

from cbdgraph.cli import main
from cbdgraph.errors import InvalidName
from cbdgraph.ingest.batch import Failure, find_files, read_files
from cbdgraph.ingest.files import build_changes
from cbdgraph.ingest.known import Known
from cbdgraph.ingest.propose import Proposer
from cbdgraph.ingest.reading import Reading, read_file
from cbdgraph.ingest.records import Record
from cbdgraph.iris import mint
from cbdgraph.namespaces import BASE, ONTOLOGY
from cbdgraph.pipeline import validate
from cbdgraph.settings import Settings
from tests.conftest import ROOT

NOTE = ROOT.parent / "shared" / "sources" / "sbstta-17-ecosystem-restoration.zh.txt"
EXAMPLES = ROOT / "tests" / "fixtures" / "documents"
FOLDER = "data/turtle/documents/sbstta-17-ecosystem-restoration"
HELD = mint("document/sbstta-17-ecosystem-restoration")
needs_note = pytest.mark.skipif(not NOTE.is_file(), reason="the source note is not here")

Statements = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def note() -> Reading:
    return read_file(NOTE)


@pytest.fixture(scope="module")
def recorded() -> Known:
    return Known.read(ROOT)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a proposal reads and changes."""
    for folder in ("ontology", "data", "queries"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def _statements(triples: Iterator[tuple[Node, Node, Node]] | tuple[tuple[Node, Node, Node], ...]) -> Statements:
    found: Statements = {}
    for subject, predicate, value in triples:
        name = str(predicate).removeprefix(ONTOLOGY)
        found.setdefault(str(subject).removeprefix(BASE), {}).setdefault(name, set()).add(str(value))
    return found


def _of_records(records: list[Record]) -> Statements:
    return _statements(tuple(triple for record in records for triple in record.triples))


# --- the note, against what was made by hand


@needs_note
def test_the_note_gives_annex_1_again(note: Reading, recorded: Known) -> None:
    """All 133 citations of the 23 rows: their numbers, words, parts, issues and how sure they are."""
    annex = f"{FOLDER}/annex-1.ttl"
    without = Known.of({name: file for name, file in recorded.files.items() if name != annex})
    proposal = Proposer(without).propose(note)
    got = {
        subject: values
        for subject, values in _of_records(proposal.records).items()
        if "/annex/1/row/" in subject and "/citation/" in subject
    }
    wanted = _statements(recorded.files[annex].triples)
    assert set(got) == set(wanted)
    differences: dict[str, set[str]] = {}
    for subject, values in wanted.items():
        for name in sorted(
            {*values, *got[subject]} - {"reason", "http://www.w3.org/2004/02/skos/core#editorialNote"}
        ):
            if got[subject].get(name) != values.get(name):
                differences.setdefault(subject.split("/citation/")[0].rpartition("/")[2], set()).add(name)
        assert bool(got[subject].get("reason")) == bool(values.get("reason")), subject
    # Row 3 prints no issue: that its decisions are those on agriculture was inferred from their titles by a person.
    assert differences == {"3": {"issue", "basis"}}


@needs_note
def test_the_note_proposes_nothing_beyond_the_record(note: Reading, recorded: Known) -> None:
    proposal = Proposer(recorded).propose(note)
    assert proposal.document == HELD
    assert proposal.records == []
    assert {finding.state for finding in proposal.findings if finding.kind in {"citation", "target", "request"}} == {
        "recorded"
    }


# What a person read in the note and no rule does: targets without numbers, and a plan named without its decision.
READ_BY_A_PERSON = {
    ("para/2", "所有其他爱知生物多样性目标"),
    ("para/4", "《2011-2020年生物多样性战略计划》"),
    (
        "para/7/item/a",
        "《2011-2020年生物多样性战略计划》（理由、愿景和若干战略目标及具体目标部分，特别是战略目标D和目标14）",
    ),
    ("para/15", "《2011-2020年生物多样性战略计划》的愿景、任务和目标14和15"),
    ("para/24", "以区域为基础的爱知生物多样性目标"),
    ("para/24", "《2011-2020年生物多样性战略计划》"),
    ("annex/2", "基于保护区的爱知生物多样性目标"),
    ("annex/2/section/6/item/3", "目标11"),
}


@needs_note
def test_what_is_recorded_is_found_again(note: Reading, recorded: Known) -> None:
    found = {
        (f"{HELD}/{part.locator}", citation.decision if citation.certainty == "unresolved" else citation.iri)
        for part in note.parts
        for citation in part.citations
    }
    missed = {
        (citing.removeprefix(f"{HELD}/"), quote)
        for citing, quote, _, cited in recorded.citations
        if citing.startswith(HELD) and any((citing, each) not in found for each in cited)
    }
    assert missed == READ_BY_A_PERSON


# --- other documents


@pytest.mark.parametrize(
    ("name", "language", "citations", "targets"),
    [
        ("example-decision.ar.docx", "ar", 8, 2),
        ("example-note.fr.pdf", "fr", 11, 2),
        ("example-note.ru.html", "ru", 9, 2),
    ],
)
@pytest.mark.slow
def test_an_accepted_document_passes_the_shapes_and_is_done(
    name: str, language: str, citations: int, targets: int, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--root", str(checkout), "ingest", str(EXAMPLES / name)]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert f"language {language} (guessed)" in shown.err
    assert not list((checkout / "data").rglob("*example*")), "nothing is written without --accept"
    assert main([*command, "--accept"]) == 0
    written = Known.read(checkout)
    kinds = [kind for iri, kind in written.kinds.items() if "/document/example-" in iri]
    assert (kinds.count("Citation"), kinds.count("TargetReference")) == (citations, targets)
    report = validate(Settings(root=checkout), [])
    assert [problem for problem in report.problems if problem.severity == "violation"] == []
    capsys.readouterr()
    assert main(command) == 0
    again = capsys.readouterr()
    assert again.out == ""
    assert "nothing to propose" in again.err


def test_a_difference_only_adds(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(checkout), "ingest", str(EXAMPLES / "example-note.fr.pdf")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("+<decision/cop/10/2/annex>") for line in lines)
    assert [line for line in lines if line.startswith("-") and not line.startswith("---")] == []
    # The new part stands before the next decision, not at the end of the file.
    place = lines.index("+<decision/cop/10/2/annex> a cbd:Element ;")
    assert any(line.startswith(" <decision/cop/10/4>") for line in lines[place : place + 9])


def test_what_a_person_changed_stays(checkout: Path) -> None:
    """A certainty that was put right, a summary, and a citation that was taken out: none comes back."""
    example = str(EXAMPLES / "example-note.fr.pdf")
    assert main(["--root", str(checkout), "ingest", "--accept", example]) == 0
    path = checkout / "data/turtle/documents/example-note-fr/citations.ttl"
    text = path.read_text(encoding="utf-8")
    blocks = text.split("\n\n")
    edited = "\n\n".join(block for block in blocks if "para/1/citation/2> a" not in block)
    edited = edited.replace("<certainty/probable>", "<certainty/ambiguous>", 1)
    assert edited != text
    path.write_text(edited, encoding="utf-8")
    before = {file: file.read_bytes() for file in (checkout / "data").rglob("*.ttl")}
    assert main(["--root", str(checkout), "ingest", "--accept", example]) == 0
    assert {file: file.read_bytes() for file in (checkout / "data").rglob("*.ttl")} == before


def test_a_symbol_names_a_decision(checkout: Path, tmp_path: Path) -> None:
    """The text of a decision gives that decision's own parts, not a document beside it."""
    file = tmp_path / "dec.txt"
    file.write_text(
        "The Conference of the Parties,\n\nRecalling decision XI/16,\n\n"
        "1. Requests the Executive Secretary to draw up a list;\n\n"
        "2. Invites Parties:\n\n(a) To send their views on Aichi Biodiversity Target 15;\n",
        encoding="utf-8",
    )
    proposal = Proposer(Known.read(checkout)).propose(read_file(file), symbol="CBD/COP/DEC/14/30")
    assert proposal.document == mint("decision/cop/14/30")
    made = _of_records(proposal.records)
    assert made["decision/cop/14/30"]["adoptedAt"] == {mint("meeting/cop/14")}
    assert made["decision/cop/14/30/para/1/request/1"]["addressee"] == {mint("actor/executive-secretary")}
    assert made["decision/cop/14/30/para/1/request/1"]["requestedIn"] == {mint("decision/cop/14/30/para/1")}
    assert "decision/cop/14/30/para/2/item/a/citation/1" in made
    assert made["decision/cop/14/30/preamble/citation/1"]["citedPart"] == {mint("decision/cop/11/16")}


def test_a_report_of_a_request_is_the_decisions_own(recorded: Known, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text(
        "1. In paragraph 4 of decision XII/19, the Conference of the Parties requested the Executive Secretary to "
        "hold a workshop, and invited donors to pay for it.\n",
        encoding="utf-8",
    )
    made = _of_records(Proposer(recorded).propose(read_file(file)).records)
    assert made["decision/cop/12/19/para/4/request/1"]["action"] == {mint("action/requests")}
    assert made["decision/cop/12/19/para/4/request/2"]["action"] == {mint("action/invites")}


def test_definitions_figures_and_other_readings(recorded: Known, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text(
        '1. For this study, "ecosystem restoration" means work that brings a marsh back.\n\n'
        "2. Aichi Biodiversity Target 11 asks for at least 17 per cent of land, and Aichi Biodiversity Target 12 "
        "for at least 40 per cent of all frogs.\n\n"
        "3. Targets 4 and 8 of the Global Strategy for Plant Conservation are near. "
        "In the same decision more is said.\n",
        encoding="utf-8",
    )
    proposal = Proposer(recorded).propose(read_file(file))
    made = _of_records(proposal.records)
    definition = made["term/ecosystem-restoration/definition/note"]
    assert definition["verbatim"] == {"true"}
    assert definition["wording"] == {"work that brings a marsh back"}
    assert definition["http://purl.org/dc/terms/source"] == {mint("document/note/para/1")}
    figures = {finding.meaning: finding.state for finding in proposal.findings if finding.kind == "figure"}
    assert figures == {
        "at-least 17 percent · Aichi Biodiversity Target 11": "recorded",
        "at-least 40 percent · Aichi Biodiversity Target 12": "new",
    }
    plants = made["document/note/para/3/citation/1"]
    assert plants["citedTarget"] == {mint("target/gspc-2010/4"), mint("target/gspc-2010/8")}
    assert plants["certainty"] == {mint("certainty/ambiguous")}
    assert plants["otherReading"] >= {mint("target/gspc-2002/4")}
    lost = made["document/note/para/3/citation/2"]
    assert lost["certainty"] == {mint("certainty/unresolved")}
    assert "citedPart" not in lost
    assert lost["reason"] == {"No decision was named before."}


def test_a_name_that_is_none_is_refused(recorded: Known, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("1. Decision X/2.\n", encoding="utf-8")
    with pytest.raises(InvalidName):
        Proposer(recorded).propose(read_file(file), symbol="…")


def test_readings_survive_as_json() -> None:
    for path in sorted(EXAMPLES.glob("example-*")):
        reading = read_file(path)
        assert Reading.from_json(reading.to_json()) == reading


# --- folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    made.mkdir()
    for number in range(6):
        text = f"{number + 1}. See decision XI/{number + 10}, paragraph {number + 1}.\n"
        (made / f"note-{number}.txt").write_text(text, encoding="utf-8")
    (made / "broken.docx").write_bytes(b"PK\x03\x04 and no more")
    (made / "picture.png").write_bytes(b"\x89PNG")
    shutil.copy(EXAMPLES / "scan.pdf", made / "scan.pdf")
    return made


def test_a_bad_file_stops_nobody(folder: Path, tmp_path: Path) -> None:
    files, others = find_files(folder)
    assert [path.name for path in others] == ["picture.png"]
    results = list(read_files(files, tmp_path / "kept", workers=1))
    failures = {result.path.name: result.reason for result in results if isinstance(result, Failure)}
    assert set(failures) == {"broken.docx", "scan.pdf"}
    assert "ocr" in failures["scan.pdf"].lower()
    assert sum(isinstance(result, Reading) for result in results) == 6


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(folder: Path, tmp_path: Path, recorded: Known) -> None:
    files, _ = find_files(folder)
    texts = []
    for workers in (1, 2):
        proposer = Proposer(recorded)
        results = read_files(files, tmp_path / f"kept-{workers}", workers=workers)
        records = [r for x in results if isinstance(x, Reading) for r in proposer.propose(x).records]
        texts.append([change.after for change in build_changes(recorded.files, records, ROOT)])
    assert texts[0] == texts[1]
    assert texts[0]


def test_what_was_read_is_not_read_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, _ = find_files(folder)
    kept = tmp_path / "kept"
    first = list(read_files(files, kept, workers=1))
    # A run that was stopped has written only some: what is cut off counts as not there.
    torn = sorted(kept.glob("*.json"))[0]
    torn.write_text(torn.read_text(encoding="utf-8")[:100], encoding="utf-8")
    read: list[str] = []

    from cbdgraph.ingest import batch

    def note(path: Path, how: batch._How) -> Reading | Failure:
        read.append(path.name)
        return real(path, how)

    real = batch._read_one
    monkeypatch.setattr(batch, "_read_one", note)
    assert list(read_files(files, kept, workers=1)) == first
    assert len(read) == 3, "the torn one, and those that cannot be read"
    assert {"broken.docx", "scan.pdf"} < set(read)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_reader_that_is_killed_costs_nothing_else(folder: Path, tmp_path: Path) -> None:
    """SIGKILL to the readers of a folder in the middle of their work: the run goes on and is whole."""
    for number in range(12):
        body = "\n\n".join(f"{n}. Decision X/{n % 40 + 1}, paragraph {n}." for n in range(1, 250))
        (folder / f"long-{number}.txt").write_text(body, encoding="utf-8")
    code = (
        "import sys\nfrom pathlib import Path\nfrom cbdgraph.ingest.batch import Failure, find_files, read_files\n"
        "if __name__ == '__main__':\n"
        "    files, _ = find_files(Path(sys.argv[1]))\n"
        "    out = list(read_files(files, Path(sys.argv[2]), workers=2))\n"
        "    print(len(out), sum(isinstance(x, Failure) for x in out))\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code, encoding="utf-8")
    run = subprocess.Popen([sys.executable, str(script), str(folder), str(tmp_path / "kept")], stdout=subprocess.PIPE)
    victim = 0
    for _ in range(600):
        if any((tmp_path / "kept").glob("*.json")):
            children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
            spawned = [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            if spawned:
                victim = spawned[0]
                os.kill(victim, signal.SIGKILL)
                break
        time.sleep(0.02)
    output, _ = run.communicate(timeout=300)
    assert victim
    assert output.decode().split() == ["20", "2"]


def test_the_command_says_what_is_wrong(folder: Path, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--root", str(checkout), "ingest"]
    assert main([*root, "nowhere.docx"]) == 2
    assert "nowhere.docx: there is no such file" in capsys.readouterr().err
    assert main([*root, "--symbol", "X/2", str(folder)]) == 2
    assert "names one document" in capsys.readouterr().err
    assert main([*root, "--summary", "--workers", "1", str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "6 documents read; 2 could not be read: 6 citations" in said.err
    assert "picture.png" in said.err


@needs_note
def test_the_digest_is_that_of_the_file(note: Reading) -> None:
    assert note.sha256 == hashlib.sha256(NOTE.read_bytes()).hexdigest()
    assert json.loads(note.to_json())["language"] == "zh"
