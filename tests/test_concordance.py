"""Where terms are used: computed from the graph's own words, proposed from documents, and shown from any document."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from rdflib import Literal

from cbdgraph.cli import main
from cbdgraph.documents import read_document
from cbdgraph.documents.reading import read_bytes
from cbdgraph.ingest.concordance import AROUND, COLUMNS, find_lines, format_csv, format_text
from cbdgraph.ingest.known import Known, read_terms
from cbdgraph.ingest.propose import Proposer
from cbdgraph.ingest.reading import Reading, read_file
from cbdgraph.iris import mint
from cbdgraph.namespaces import BASE, ONTOLOGY, PREFIXES
from cbdgraph.queries import read_queries
from cbdgraph.rdf.derive import TERM_USES, derive
from cbdgraph.rdf.turtle import parse_turtle
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from cbdgraph.terminology.finding import Name, TermFinder
from tests.conftest import ROOT
from tests.test_finding import read_names

NOTE = ROOT.parent / "shared" / "sources" / "sbstta-17-ecosystem-restoration.zh.txt"
USES = "data/turtle/documents/sbstta-17-ecosystem-restoration/term-uses.ttl"
needs_note = pytest.mark.skipif(not NOTE.is_file(), reason="the source note is not here")
HEAD = f"@base <{BASE}> .\n" + "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
TERMS = """
<term/ecosystem-restoration> a cbd:Term ; skosxl:prefLabel <term/er/l/en> , <term/er/l/fr> .
<term/er/l/en> skosxl:literalForm "Ecosystem restoration"@en ; cbd:labelOrigin <label-origin/source> ;
    dcterms:source <document/list> .
<term/er/l/fr> skosxl:literalForm "Restauration des écosystèmes"@fr .
<term/habitat> a cbd:Term ; skosxl:prefLabel <term/habitat/l/en> .
<term/habitat/l/en> skosxl:literalForm "Habitat"@en .
<document/list> a cbd:Document .
"""
Values = dict[str, set[str]]


def uses(turtle: str) -> dict[str, Values]:
    """What is derived from the terms above and some Turtle: by the IRI of the use, values by property."""
    found: dict[str, Values] = {}
    for subject, predicate, value in derive(parse_turtle(HEAD + TERMS + turtle).triples)[TERM_USES]:
        shown = f"{value}@{value.language}" if isinstance(value, Literal) and value.language else str(value)
        name = str(predicate).removeprefix(ONTOLOGY).rpartition("/")[2]
        found.setdefault(str(subject).removeprefix(BASE), {}).setdefault(name, set()).add(shown.removeprefix(BASE))
    return found


# --- from the graph


def test_a_title_shows_a_use_and_its_languages_count_once() -> None:
    turtle = """<decision/cop/11/16> a cbd:Decision ; cbd:titleLabel <decision/cop/11/16/title/en> ;
        cbd:title "Restauration des écosystèmes"@fr .
    <decision/cop/11/16/title/en> a skosxl:Label ;
        skosxl:literalForm "Ecosystem restoration, ecosystem restoration"@en ;
        cbd:labelOrigin <label-origin/source> ; dcterms:source <document/list> ."""
    assert uses(turtle) == {
        "decision/cop/11/16/term-use/ecosystem-restoration": {
            "22-rdf-syntax-ns#type": {"ontology#TermUse"},
            "usedIn": {"decision/cop/11/16"},
            "usesTerm": {"term/ecosystem-restoration"},
            "quote": {
                "Ecosystem restoration@en",
                "ecosystem restoration@en",
                "Restauration des écosystèmes@fr",
            },
            "occurrences": {"2"},
            "source": {"decision/cop/11/16"},
            "basis": {"basis/inferred"},
        }
    }


@pytest.mark.parametrize(
    "turtle",
    [
        '<document/d> a cbd:Document ; cbd:summary "About habitats."@en .',  # our words
        '<decision/cop/1/2> a cbd:Decision ; cbd:titleLabel <t> . <t> skosxl:literalForm "Habitat"@en ; '
        "cbd:labelOrigin <label-origin/project> .",
        '<term/habitat/definition/d> a cbd:Definition ; cbd:wording "A habitat."@en ; cbd:verbatim false ; '
        "dcterms:source <document/list> .",
        '<issue/i> a cbd:Issue ; skosxl:prefLabel <l> . <l> skosxl:literalForm "Habitats"@en ; '
        "cbd:labelOrigin <label-origin/source> ; dcterms:source <document/list>, <document/other> .",
        '<issue/i> a cbd:Issue ; cbd:title "Habitats"@en .',  # no text
        '<document/list> cbd:title "Habitats" .',  # in no known language
        '<document/list> cbd:title "Restoration of the church"@en .',
    ],
)
def test_what_shows_no_use(turtle: str) -> None:
    assert uses(turtle) == {}


@pytest.mark.parametrize(
    ("turtle", "part"),
    [
        (
            '<issue/i> a cbd:Issue ; skosxl:prefLabel <l> . <l> skosxl:literalForm "Habitats"@en ; '
            "cbd:labelOrigin <label-origin/source> ; dcterms:source <document/list> .",
            "document/list",
        ),
        (
            '<document/list/para/1> a cbd:Paragraph . <c> a cbd:Citation ; cbd:quote "its habitats"@en ; '
            "cbd:citingPart <document/list/para/1> .",
            "document/list/para/1",
        ),
        (
            '<term/x/definition/d> a cbd:Definition ; cbd:wording "A habitat."@en ; cbd:verbatim true ; '
            "dcterms:source <document/list> .",
            "document/list",
        ),
    ],
)
def test_words_of_a_text_show_a_use_in_it(turtle: str, part: str) -> None:
    assert set(uses(turtle)) == {f"{part}/term-use/habitat"}


def test_a_use_that_is_recorded_is_not_computed_again() -> None:
    title = '<document/list> cbd:title "Habitats"@en . '
    assert uses(title)
    assert not uses(title + "<document/list/term-use/habitat> a cbd:TermUse .")


def test_a_form_that_may_be_another_term_shows_no_use() -> None:
    other = '<term/home> a cbd:Term ; skosxl:altLabel <h> . <h> skosxl:literalForm "Habitat"@en . '
    both = other.replace("altLabel", "prefLabel") + '<document/list> cbd:title "Habitats"@en .'
    assert not uses(both)
    assert set(uses(other + '<document/list> cbd:title "Habitats"@en .')) == {"document/list/term-use/habitat"}


def test_the_real_graph_has_the_title_of_decision_xi_16(graph: Store) -> None:
    query = read_queries(ROOT / "queries" / "named")["uses-of-term"].bind({"term": "ecosystem-restoration"})
    rows = list(csv.DictReader(io.StringIO(graph.answer(query, "text/csv", Limits()).content.decode())))
    by_part = {row["part"].removeprefix(BASE): row for row in rows}
    decision = by_part["decision/cop/11/16"]
    assert (decision["form"], decision["occurrences"]) == ("Ecosystem restoration", "1")
    assert decision["basis"] == mint("basis/inferred")
    assert decision["text"] == decision["part"]
    assert by_part["document/sbstta-17-ecosystem-restoration/para/1"]["basis"] == mint("basis/stated")
    chinese = read_queries(ROOT / "queries" / "named")["uses-of-term"].bind(
        {"term": "ecosystem-restoration", "lang": "zh"}
    )
    languages = csv.DictReader(io.StringIO(graph.answer(chinese, "text/csv", Limits()).content.decode()))
    assert {row["language"] for row in languages} == {"zh"}


# --- from documents


@pytest.fixture(scope="module")
def recorded() -> Known:
    return Known.read(ROOT)


@pytest.fixture(scope="module")
def note(recorded: Known) -> Reading:
    return read_file(NOTE, None, TermFinder(recorded.terms))


@needs_note
def test_the_uses_of_the_note_are_those_of_the_record(note: Reading, recorded: Known) -> None:
    """After a change of Chinese names: remove the file and run `cbdgraph ingest --accept` on the note again."""
    without = Known.of({name: file for name, file in recorded.files.items() if name != USES})
    made = {
        triple
        for record in Proposer(without).propose(note).records
        if record.file == USES
        for triple in record.triples
    }
    assert made == set(recorded.files[USES].triples)


@needs_note
def test_every_restoration_of_the_note_is_counted(recorded: Known) -> None:
    """By another way: each 恢复 of the text is one of the term, of a longer name, or of a proper name."""
    text = NOTE.read_text(encoding="utf-8")
    counts = {str(subject).removeprefix(BASE).rpartition("/")[2]: 0 for subject, _, _ in recorded.files[USES].triples}
    for subject, predicate, value in recorded.files[USES].triples:
        if str(predicate) == ONTOLOGY + "occurrences":
            counts[str(subject).rpartition("/")[2]] += int(str(value))
    names = ("全球森林景观恢复伙伴关系", "森林和陆地景观恢复机制", "生态恢复协会")
    proper = sum(text.count(name) for name in names)
    assert counts["ecosystem-restoration"] + counts["habitat-restoration"] + proper == text.count("恢复")
    assert counts["habitat-restoration"] == text.count("生境恢复")
    assert counts["coral-bleaching"] == text.count("珊瑚白化")
    assert counts["rehabilitation"] == text.count("重建")


@needs_note
def test_no_text_of_the_note_is_recorded(recorded: Known) -> None:
    forms = {
        str(value) for _, predicate, value in recorded.files[USES].triples if str(predicate) == ONTOLOGY + "quote"
    }
    assert max(map(len, forms)) <= 12


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("ontology", "data", "queries"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_a_document_proposes_its_uses_once(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pond-note.txt"
    file.write_text(
        "A note on ponds\n\n1. Ecosystem restoration helps. The recovery of frogs is slow.\n\n"
        "2. Nobody knows. Ecosystem restoration, and ecosystem\nrestoration again.\n",
        encoding="utf-8",
    )
    command = ["--root", str(checkout), "ingest", "--accept", "--summary", str(file)]
    assert main(command) == 0
    assert "term uses" in capsys.readouterr().err
    known = Known.read(checkout)
    made = {iri.removeprefix(BASE) for iri, kind in known.kinds.items() if kind == "TermUse" and "pond-note" in iri}
    assert "document/pond-note/para/1/term-use/ecosystem-restoration" in made
    assert "document/pond-note/para/1/term-use/recovery" in made
    written = (checkout / "data/turtle/documents/pond-note/term-uses.ttl").read_text(encoding="utf-8")
    assert "frogs" not in written
    second = written.partition("<document/pond-note/para/2/term-use/ecosystem-restoration>")[2].partition("\n\n")[0]
    assert "cbd:occurrences 2" in second
    assert '"ecosystem restoration"@en' in second
    before = {path: path.read_bytes() for path in (checkout / "data").rglob("*.ttl")}
    assert main([*command, "--again"]) == 0
    assert {path: path.read_bytes() for path in (checkout / "data").rglob("*.ttl")} == before


def test_a_doubtful_form_is_reported_and_not_recorded(recorded: Known, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("1. The zorble of a pond, and its quibble.\n", encoding="utf-8")
    restoration, recovery = mint("term/ecosystem-restoration"), mint("term/recovery")
    finder = TermFinder(
        [
            Name(restoration, "Zorble", "en", True),
            Name(recovery, "Zorble", "en", True),
            Name(restoration, "Quibble", "en", True),
            Name(recovery, "Quibble", "en"),
        ]
    )
    proposal = Proposer(recorded).propose(read_file(file, "en", finder))
    states = {finding.words: (finding.certainty, finding.state) for finding in proposal.findings}
    assert states == {"zorble": ("ambiguous", "kept"), "quibble": ("probable", "new")}
    (use,) = [record for record in proposal.records if record.file.endswith("term-uses.ttl")]
    values = {str(value) for _, _, value in use.triples}
    assert mint("basis/inferred") in values
    assert "A form of it also names recovery." in values


# --- shown from any document


def test_a_line_has_its_place_and_the_words_around_it() -> None:
    text = f"1. {'x' * 60} the ecosystem\n   restoration {'y' * 60}.\n"
    (line,) = find_lines(read_bytes(text.encode(), "a.txt"), TermFinder(read_names()), "en")
    assert (line.locator, line.term, line.form) == ("para/1", "ecosystem-restoration", "ecosystem restoration")
    assert len(line.before) == len(line.after) == AROUND
    assert line.before.endswith("xx the ")


def test_what_is_shown_cannot_steer_a_terminal_or_a_spreadsheet() -> None:
    text = "=1+1 habitat \x1b[31m\u202e habitat\n"
    lines = list(find_lines(read_bytes(text.encode(), "a.txt"), TermFinder(read_names()), "en"))
    assert len(lines) == 2
    assert not {"\x1b", "\u202e"} & set(format_text(lines) + format_csv(lines))
    rows = list(csv.reader(io.StringIO(format_csv(lines))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[1][COLUMNS.index("before")] == "'=1+1 "


@pytest.mark.parametrize("name", ["example-decision.ar.docx", "example-note.fr.pdf", "example-note.ru.html"])
def test_every_format_has_a_concordance(name: str) -> None:
    document = read_document(ROOT / "tests" / "fixtures" / "documents" / name)
    lines = list(find_lines(document, TermFinder(read_terms(ROOT))))
    assert lines
    for line in lines:
        assert document.text[line.start :].startswith(line.form.split()[0])


def test_the_command_prints_and_saves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.pdf"
    good.write_text("1. Ecosystem restoration, and the recovery of frogs.\n", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "data").rglob("*")}
    root = ["--root", str(ROOT), "concordance"]
    assert main([*root, "--term", "ecosystem-restoration", str(good)]) == 0
    shown = capsys.readouterr()
    assert "⟦Ecosystem restoration⟧, and the recovery" in shown.out
    assert "1 use of 1 term" in shown.err
    assert main([*root, "--format", "json", str(good)]) == 0
    assert [row["term"] for row in json.loads(capsys.readouterr().out)] == ["ecosystem-restoration", "recovery"]
    bad.write_bytes(b"%PDF-1.7 broken")
    assert main([*root, "--format", "csv", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert str(bad) in shown.err
    assert len(shown.out.splitlines()) == 3
    assert main([*root, "--term", "no-such-term", str(good)]) == 2
    assert "no-such-term" in capsys.readouterr().err
    assert main([*root, str(tmp_path / "missing.txt")]) == 2
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "data").rglob("*")} == before
