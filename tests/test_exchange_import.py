"""Imports: bad files give place and reason and change nothing; files of other tools become proposals; edits."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cbdgraph.cli import main
from cbdgraph.exchange.formats import find_format
from cbdgraph.exchange.records import Fault, Reading
from cbdgraph.exchange.selection import select_terms
from cbdgraph.exchange.tables import COLUMNS, write_csv
from cbdgraph.exchange.tables_reading import read_csv, read_csv_archive
from cbdgraph.exchange.tbx_reading import read_tbx
from cbdgraph.exchange.workbook import read_workbook
from cbdgraph.ingest.terms import Proposal, Vocabulary, propose_terms
from cbdgraph.ingest.vocabulary import read_vocabulary
from tests.conftest import ROOT

SLUG = "ecosystem-restoration"
TBX = 'xmlns="urn:iso:std:iso:30042:ed-2" type="TBX-Basic" style="dca" xml:lang="en"'
DOCUMENT = "document/fao-2024-restoration-outcomes"


def tbx(entries: str, attributes: str = TBX, before: str = "") -> bytes:
    head = "<tbxHeader><fileDesc><sourceDesc><p>made</p></sourceDesc></fileDesc></tbxHeader>"
    start = f'<?xml version="1.0"?>\n{before}<tbx {attributes}>\n{head}\n<text><body>\n'
    return f"{start}{entries}\n</body></text></tbx>".encode()


def entry(name: str, inside: str = "", terms: str = "<termSec><term>thing</term></termSec>") -> str:
    return f'<conceptEntry id="{name}">{inside}<langSec xml:lang="en">{terms}</langSec></conceptEntry>'


@pytest.fixture(scope="module")
def real() -> Vocabulary:
    return Vocabulary.read(ROOT)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the real data, to be written to."""
    import shutil

    for folder in ("ontology", "data/turtle"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def said(faults: tuple[Fault, ...]) -> str:
    return "\n".join(map(str, faults))


BAD_TBX = {
    "not well-formed": (b"<tbx>\n<text>\n</tbx>", "line 3: not XML: mismatched tag"),
    "no XML": (b"id,text\n", "line 1: not XML"),
    "empty": (b"", "line 1: not XML: no element found"),
    "wrong root": (b"<html/>", "line 1: the root is <html>"),
    "another dialect": (tbx(entry("a"), TBX.replace("TBX-Basic", "TBX-Linguist")), "line 2: type='TBX-Linguist'"),
    "no style": (tbx(entry("a"), TBX.replace('style="dca"', "")), "line 2: style='' is none"),
    "unknown category": (
        tbx(entry("a", '<descrip type="meaning">x</descrip>')),
        "line 5: 'meaning' is no data category of <descrip>; known: context, definition, subjectField",
    ),
    "unknown element": (tbx(entry("a", "<meaning>x</meaning>")), "line 5: <meaning> has no place here"),
    "no language": (
        tbx('<conceptEntry id="a">\n<langSec><termSec><term>x</term></termSec></langSec></conceptEntry>'),
        "line 6: <langSec> has no xml:lang",
    ),
    "bad language": (
        tbx(
            '<conceptEntry id="a"><langSec xml:lang="e n"><termSec><term>x</term></termSec></langSec></conceptEntry>'
        ),
        "line 5: xml:lang='e n' is no language tag",
    ),
    "same id twice": (tbx(entry("a") + "\n" + entry("a")), "line 6: the id 'a' is taken already, at line 5"),
    "no term": (tbx(entry("a", "", "<termSec></termSec>")), "line 5: <termSec> needs one <term>"),
    "no name": (tbx('<conceptEntry id="a"></conceptEntry>'), "line 5: it has no <langSec>"),
    "no such status": (
        tbx(entry("a", "", '<termSec><term>x</term><termNote type="administrativeStatus">good</termNote></termSec>')),
        "line 5: 'good' is no administrativeStatus",
    ),
    "no such entry": (
        tbx(entry("a", '<ref type="crossReference" target="b">see</ref>')),
        "line 5: it refers to 'b', and no entry has this id",
    ),
    "bad year": (
        tbx(
            entry("a", '<descripGrp><descrip type="definition">x</descrip><note>cbd:year = MMXX</note></descripGrp>')
        ),
        "line 5: cbd:year: 'MMXX' is no year",
    ),
    "bad flag": (
        tbx(
            entry(
                "a", '<descripGrp><descrip type="definition">x</descrip><note>cbd:verbatim = yes</note></descripGrp>'
            )
        ),
        "line 5: cbd:verbatim: write true or false",
    ),
    "bad IRI": (tbx(entry("a", "<note>rdf:about = http://x y</note>")), "line 5: rdf:about is no IRI"),
    "two ways": (
        tbx(entry("a", "<note>cbd:sourcePlace = a</note><note>cbd:sourcePlace = b</note>")),
        "line 5: cbd:sourcePlace is said twice",
    ),
    "billion laughs": (
        b'<!DOCTYPE tbx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n<tbx>&b;</tbx>',
        "line 1: a document type or an entity is declared",
    ),
    "external entity": (
        b'<?xml version="1.0"?>\n<!DOCTYPE tbx [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<tbx>&x;</tbx>',
        "line 2: a document type or an entity is declared",
    ),
    "too deep": (b"<a>" * 100 + b"</a>" * 100, "elements stand more than 64 deep"),
    "wrong encoding": ("<tbx>é</tbx>".encode("latin-1"), "line 1: not XML: not well-formed (invalid token)"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><tbx/>', "line 1: "),
}


@pytest.mark.parametrize("name", BAD_TBX)
def test_a_bad_tbx_file_gives_line_and_reason(real: Vocabulary, name: str) -> None:
    content, expected = BAD_TBX[name]
    proposal = propose_terms(read_tbx(content), real, ROOT, f"https://w3id.org/cbdgraph/{DOCUMENT}")
    assert expected in said(proposal.faults)
    assert proposal.changes == ()
    assert "root:" not in said(proposal.faults)


def test_all_faults_are_told_at_once() -> None:
    bad = [entry("a", '<descrip type="x">1</descrip>'), entry("a"), entry("b", "<note>rdf:about = no iri</note>")]
    assert len(read_tbx(tbx("\n".join(bad))).faults) == 3


def row(name: str, **cells: str) -> list[str]:
    return [cells.get(column, "") for column in COLUMNS[name]]


def label(**cells: str) -> bytes:
    return write_csv(
        "labels", [row("labels", **{"term": SLUG, "language": "en", "kind": "hidden", "text": "x"} | cells)]
    )


def definition(**cells: str) -> bytes:
    base = {"term": SLUG, "definition": "made", "language": "en", "wording": "x", "source": DOCUMENT}
    return write_csv("definitions", [row("definitions", **base | cells)])


BAD_CSV = {
    "empty": (b"", "is empty"),
    "other columns": (b"a,b\n1,2\n", "line 1: the columns are those of no table"),
    "one column more": (label().replace(b",iri", b",iri,colour"), "line 1: 'colour' is no column of labels"),
    "one column twice": (label().replace(b",iri", b",note"), "line 1: the column 'note' is there twice"),
    "no text": (label(text=""), "line 2: text is empty"),
    "no such kind": (label(kind="best"), "line 2: kind is one of preferred, alternative, hidden"),
    "bad language": (label(language="e n"), "line 2: 'e n' is no language tag"),
    "no such term": (label(term="no-such-term"), "line 2: nothing describes term/no-such-term"),
    "no such source": (label(source="document/nowhere"), "line 2: source: nothing describes document/nowhere"),
    "no such origin": (label(origin="hearsay"), "line 2: origin: nothing describes label-origin/hearsay"),
    "bad year": (definition(year="last year"), "line 2: year: 'last year' is no year"),
    "bad flag": (definition(verbatim="perhaps"), "line 2: verbatim: write true or false"),
    "no such status": (definition(status="great"), "line 2: status: nothing describes definition-status/great"),
    "replaces nothing": (definition(replaces=f"{SLUG}/definition/none"), "line 2: replaces: nothing describes"),
    "no source": (definition(source=""), "line 2: the definition names no source"),
    "no IRI of ours": (definition(definition="Made Up"), "line 2: "),
    "another term's": (
        label(iri="term/rehabilitation/label/en"),
        "line 2: term/rehabilitation/label/en belongs to term/rehabilitation, not to term/ecosystem-restoration",
    ),
    "the same twice": (
        write_csv("terms", [row("terms", term=SLUG), row("terms", term=SLUG)]),
        "line 3: term/ecosystem-restoration is there already, at line 2",
    ),
    "rows that disagree": (
        definition(year="2001") + definition(language="fr", year="2002").split(b"\r\n", 1)[1],
        "line 3: year is not what it is at line 2",
    ),
    "a quote that is open": (b'term,kind,text\r\n"x,hidden,y\r\n', "line 2: not CSV"),
    "more cells than columns": (b"term,kind,text\r\nx,hidden,y,z\r\n", "line 2: there are more cells than columns"),
    "not UTF-8": (b"term,kind,text\r\nx,hidden,\xe9\r\n", "line 2: not UTF-8 at byte"),
    "UTF-16": ("term,kind,text\r\n".encode("utf-16"), "line 1: not UTF-8"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_table_gives_line_and_reason(real: Vocabulary, name: str) -> None:
    content, expected = BAD_CSV[name]
    proposal = propose_terms(read_csv(content), real, ROOT)
    assert expected in said(proposal.faults)
    assert proposal.changes == ()


def workbook(fill: Callable[[object], None], title: str = "labels") -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(["term", "language", "kind", "text", "note"])
    fill(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


def test_a_bad_cell_is_named() -> None:
    from datetime import datetime

    def fill(sheet: object) -> None:
        sheet.append([SLUG, "en", "hidden", "=1+1"])  # type: ignore[attr-defined]
        sheet.append([SLUG, "en", "hidden", datetime(2018, 1, 1)])  # type: ignore[attr-defined]
        sheet.append([SLUG, "en", "best", "x"])  # type: ignore[attr-defined]
        sheet.append([SLUG, "en", "hidden", 1.5])  # type: ignore[attr-defined]

    faults = said(read_workbook(workbook(fill)).faults)
    assert "labels!D2: a formula" in faults
    assert "labels!D3: a datetime" in faults
    assert "labels!C4: kind is one of" in faults
    assert "labels!D5: a float" in faults


def test_numbers_and_flags_of_a_spreadsheet_are_understood() -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "definitions"
    book.active.append(["term", "definition", "language", "wording", "year", "verbatim"])
    book.active.append([SLUG, "made", "en", "x", 2018, True])
    out = io.BytesIO()
    book.save(out)
    record = read_workbook(out.getvalue()).records[0]
    assert [record.texts(name)[0].value for name in ("year", "verbatim")] == ["2018", "true"]


BAD_ARCHIVES = {
    "no archive": (b"PK no", "the archive is broken"),
    "no workbook": (packed(a_txt=b"x"), "not a workbook"),
    "a sheet of another name": (workbook(lambda _: None, "Sheet1"), "sheet Sheet1: is none of terms"),
    "a bomb": (packed(xl__workbook_xml=b"0" * (70 * 2**20)), "over the limit"),
    "an entity": (packed(xl__workbook_xml=b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "line 1: a document type"),
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_a_bad_workbook_is_refused(name: str) -> None:
    content, expected = BAD_ARCHIVES[name]
    reading = read_workbook(content)
    assert expected in said(reading.faults)
    assert reading.records == ()


def test_a_bad_archive_of_tables_is_refused() -> None:
    assert "a.txt: is none of" in said(read_csv_archive(packed(a_txt=b"x")).faults)
    assert "over the limit" in said(read_csv_archive(packed(labels_csv=b"0" * (70 * 2**20))).faults)
    assert "labels.csv line 2: kind" in said(read_csv_archive(packed(labels_csv=label(kind="x"))).faults)


BAD_RDF = {
    "no Turtle": (b"<a> <b> .\n", "ttl", "line 1: not Turtle"),
    "no terms": (b"<http://a/> <http://b/> <http://c/> .", "ttl", "there is no skos:Concept"),
    "not UTF-8": (b"<http://a/> <http://b/> '\xe9' .", "ttl", "line 1: not UTF-8"),
    "no JSON": (b"{\n]", "jsonld", "line 2: not JSON"),
    "a context elsewhere": (b'{"@context": "http://127.0.0.1:9/c.jsonld", "@id": "http://a/"}', "jsonld", "fetched"),
    "no XML": (b"<rdf:RDF>", "rdf", "line 1: not XML"),
    "an entity": (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "rdf", "a document type"),
}


@pytest.mark.parametrize("name", BAD_RDF)
def test_bad_rdf_is_refused(name: str) -> None:
    content, ending, expected = BAD_RDF[name]
    assert expected in said(read_vocabulary(content, ending).faults)


def added(proposal: Proposal) -> list[str]:
    return [
        line[1:].strip()
        for change in proposal.changes
        for line in change.diff.splitlines()
        if line.startswith("+") and not line.startswith("+++")
    ]


def removed(proposal: Proposal) -> list[str]:
    return [
        line[1:].strip()
        for change in proposal.changes
        for line in change.diff.splitlines()
        if line.startswith("-") and not line.startswith("---")
    ]


FOREIGN = tbx(
    entry(
        "c1",
        '<descrip type="subjectField">General</descrip>',
        '<descripGrp><descrip type="definition">Words of\n\t\tthe source itself.</descrip>'
        '<admin type="source">Restoration, by a book that nobody described</admin></descripGrp>'
        '<termSec><term>ecosystem restoration</term><termNote type="partOfSpeech">noun</termNote></termSec>'
        "<termSec><term>restoration of ecosystems</term></termSec>",
    )
    + entry("c2", "", "<termSec><term>Peat Rewetting</term></termSec>")
)


def test_a_file_of_another_tool_becomes_a_proposal(real: Vocabulary) -> None:
    refused = propose_terms(read_tbx(FOREIGN), real, ROOT)
    assert "nothing that is described is called 'Restoration, by a book" in said(refused.faults)
    assert "data/turtle/documents/sources.ttl" in said(refused.faults)
    content = FOREIGN.replace(b'<admin type="source">Restoration, by a book that nobody described</admin>', b"")
    assert "names no source" in said(propose_terms(read_tbx(content), real, ROOT).faults)
    proposal = propose_terms(read_tbx(content), real, ROOT, f"https://w3id.org/cbdgraph/{DOCUMENT}")
    assert proposal.faults == ()
    lines = added(proposal)
    assert 'cbd:wording "Words of the source itself."@en ;' in lines
    assert "cbd:verbatim true ;" in lines
    assert "<term/peat-rewetting> a cbd:Term ;" in lines
    assert 'skosxl:literalForm "restoration of ecosystems"@en ;' in lines
    assert not any('ecosystem restoration"@en' in line for line in lines), "the name is there already"
    assert removed(proposal) == [] or all("alt-label" in line or "altLabel" in line for line in removed(proposal))
    names = [change.name for change in proposal.changes]
    assert {"data/turtle/definitions/imported.ttl", "data/turtle/terms/imported.ttl"} <= set(names)
    remarks = "\n".join(proposal.remarks)
    assert "c1 is taken as term/ecosystem-restoration" in remarks
    assert "c2 is new, as term/peat-rewetting" in remarks
    assert "1 × partOfSpeech" in remarks


def test_skos_of_another_scheme_becomes_terms_with_a_match(real: Vocabulary) -> None:
    content = b"""@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<http://other.example/1> a skos:Concept ; skos:prefLabel "Peat rewetting"@en, "Wiedervern\xc3\xa4ssung"@de ;
    skos:definition "Raising the water table."@en .
"""
    proposal = propose_terms(read_vocabulary(content, "ttl"), real, ROOT, f"https://w3id.org/cbdgraph/{DOCUMENT}")
    assert proposal.faults == ()
    lines = added(proposal)
    assert any("skos:exactMatch <http://other.example/1>" in line for line in lines)
    assert 'skosxl:literalForm "Wiedervernässung"@de ;' in lines
    assert "cbd:verbatim true ;" in lines


def edited(real: Vocabulary, name: str, old: str, new: str) -> Reading:
    form = find_format(name)
    assert form is not None
    text = form.write(select_terms(real.terminology, [SLUG], None), None, "").decode("utf-8")
    assert old in text
    content = text.replace(old, new).encode()
    return read_tbx(content) if name.startswith("tbx") else read_csv(content)


@pytest.mark.parametrize("name", ["tbx", "tbx-dct", "tbx-2008", "labels-csv"])
def test_an_edited_name_is_the_only_change(real: Vocabulary, name: str) -> None:
    proposal = propose_terms(edited(real, name, "Remise en état", "Remise en bon état"), real, ROOT)
    assert added(proposal) == ['skosxl:literalForm "Remise en bon état"@fr ;']
    assert removed(proposal) == ['skosxl:literalForm "Remise en état"@fr ;']


def test_a_cell_that_was_emptied_takes_the_statement_out_and_a_row_that_was_taken_out_nothing(
    real: Vocabulary,
) -> None:
    term = real.terminology.find(SLUG)
    assert term is not None
    which = next(each for each in term.definitions if each.year and each.place)
    form = find_format("definitions-csv")
    assert form is not None
    lines = form.write(select_terms(real.terminology, [SLUG], None), None, "").decode().split("\r\n")
    kept = [line for line in lines if line.startswith(("\ufeff", f"{SLUG},{which.slug},"))]
    assert propose_terms(read_csv("\r\n".join(kept).encode()), real, ROOT).changes == ()
    emptied = [line.replace(f",{which.year},", ",,") for line in kept]
    proposal = propose_terms(read_csv("\r\n".join(emptied).encode()), real, ROOT)
    assert removed(proposal) == [f'cbd:year "{which.year}"^^xsd:gYear ;']
    assert added(proposal) == []


def test_a_label_of_another_kind_moves(real: Vocabulary) -> None:
    reading = edited(real, "labels-csv", "fr,alternative,Remise en état", "fr,hidden,Remise en état")
    lines = added(propose_terms(reading, real, ROOT))
    assert any("skosxl:hiddenLabel" in line for line in lines)


def test_the_command_writes_only_when_told_and_what_it_writes_is_valid(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = checkout / "other.tbx"
    file.write_bytes(FOREIGN.replace(b"Restoration, by a book that nobody described", b""))
    before = {path: path.read_bytes() for path in (checkout / "data").rglob("*.ttl")}
    arguments = ["--root", str(checkout), "terms", "import", str(file), "--source", DOCUMENT]
    file.write_bytes(
        FOREIGN.replace(b'<admin type="source">Restoration, by a book that nobody described</admin>', b"")
    )
    assert main(arguments) == 0
    difference = capsys.readouterr().out
    assert "+++ b/data/turtle/definitions/imported.ttl" in difference
    assert {path: path.read_bytes() for path in (checkout / "data").rglob("*.ttl")} == before
    assert main([*arguments, "--accept"]) == 0
    capsys.readouterr()
    assert (checkout / "data/turtle/terms/imported.ttl").is_file()
    assert main(["--root", str(checkout), "fmt", "--check"]) == 0
    assert main(arguments) == 0
    assert capsys.readouterr().out == "", "the second time there is nothing to propose"
    # The difference is one that other tools apply.
    patched = checkout / "patched"
    for path, content in before.items():
        copy = patched / path.relative_to(checkout)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    subprocess.run(["git", "apply", "--unsafe-paths", "-p1", "-"], input=difference.encode(), cwd=patched, check=True)
    for path in (checkout / "data").rglob("*.ttl"):
        assert (patched / path.relative_to(checkout)).read_bytes() == path.read_bytes()


def test_a_file_with_a_fault_changes_nothing(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = checkout / "bad.csv"
    file.write_bytes(label(kind="best") + b"x,en,hidden,y,,,,,,\r\n")
    before = {path: path.read_bytes() for path in (checkout / "data").rglob("*") if path.is_file()}
    assert main(["--root", str(checkout), "terms", "import", str(file), "--accept"]) == 1
    told = capsys.readouterr().err
    assert f"{file}: line 2: kind is one of" in told
    assert "nothing was changed" in told
    assert {path: path.read_bytes() for path in (checkout / "data").rglob("*") if path.is_file()} == before


def test_the_command_says_what_it_cannot_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, expected in (
        (["import", str(tmp_path / "none.tbx")], "cannot be read"),
        (["import", __file__], "its format is not known by its ending"),
        (["export", "--format", "docx"], "choose one of"),
        (["export", "--format", "tbx", "--term", "ecosystem-restoratio"], "did you mean ecosystem-restoration"),
        (["export", "--format", "tbx", "--lang", "e_n"], "lang"),
        (["import", str(ROOT / "README.md"), "--format", "docx"], "choose one of"),
    ):
        assert main(["--root", str(ROOT), "terms", *arguments]) == 2, arguments
        assert expected in capsys.readouterr().err


def test_export_and_import_as_a_person_calls_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cbdgraph", "--root", str(ROOT), "terms"]
    file = tmp_path / "terms.xlsx"
    subprocess.run([*command, "export", "--format", "xlsx", "-o", str(file)], check=True)
    end = subprocess.run([*command, "import", str(file)], check=True, capture_output=True, text=True)
    assert end.stdout == ""
    assert "nothing that is not recorded already" in end.stderr
