"""Documents as they are read: the source note, the example of each format, what is refused and why."""

from __future__ import annotations

import contextlib
import io
import random
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.documents import Block, Document, read_bytes, read_document
from cbdgraph.errors import DocumentError, MissingFile
from tests.conftest import ROOT

FIXTURES = ROOT / "tests/fixtures/documents"
NOTE = ROOT.parent / "shared/sources/sbstta-17-ecosystem-restoration.zh.txt"
PARTS = ROOT / "data/turtle/documents/sbstta-17-ecosystem-restoration/parts.ttl"
EXAMPLES = sorted(FIXTURES.glob("example-*.*"))


def outline(document: Document) -> list[tuple[str, str, str]]:
    """Kind, locator and number of the blocks that have a place."""
    return [(block.kind, str(block.locator), block.number) for block in document.blocks if block.locator]


def at(document: Document, locator: str) -> Block:
    """The first block of a place."""
    return next(block for block in document.blocks if str(block.locator) == locator)


def read_text(text: str) -> Document:
    return read_bytes(text.encode(), "paper.txt")


@pytest.fixture(scope="module")
def note() -> Document:
    if not NOTE.is_file():
        pytest.skip("the source note is not here")
    return read_document(NOTE)


def test_the_note_has_the_parts_that_were_written_by_hand(note: Document) -> None:
    expected = set(re.findall(r'cbd:locator "([^"]+)"', PARTS.read_text(encoding="utf-8")))
    assert len(expected) == 90
    assert {str(block.locator) for block in note.blocks if block.locator} == expected


def test_the_note_has_the_sections_that_were_written_by_hand(note: Document) -> None:
    subjects = re.findall(r"\n<\S+/(para/\d+)> a (.*?)(?=\n\n)", PARTS.read_text(encoding="utf-8"), re.DOTALL)
    expected = {
        locator: found[1] if (found := re.search(r"cbd:inSection <\S+/(section/\w)>", words)) else ""
        for locator, words in subjects
    }
    assert {
        str(b.locator): str(b.section) for b in note.blocks if re.fullmatch(r"para/\d+", str(b.locator))
    } == expected


def test_the_note_keeps_its_title_rows_and_notes_apart(note: Document) -> None:
    assert (note.language_hint, note.encoding, note.warnings) == ("zh", "utf-8", ())
    title = re.search(r'cbd:title "([^"]+)"', PARTS.read_text(encoding="utf-8"))
    assert title
    assert note.title == title[1]
    cells = [block for block in note.blocks if block.kind == "cell"]
    assert [cell.column for cell in cells if cell.row == 3] == [2]
    assert all([cell.column for cell in cells if cell.row == row] == [1, 2] for row in range(24) if row != 3)
    assert "\n\n2.1" in next(cell.text for cell in cells if cell.row == 3)
    assert [block.number for block in note.blocks if block.kind == "footnote"] == ["*", "1", "2", "3"]


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_each_example_slices_back(path: Path) -> None:
    document = read_document(path)
    assert document.warnings == ()
    assert document.language_hint == path.name.split(".")[1]
    for block in document.blocks:
        assert document.text[block.start : block.end] == block.text.strip() != ""


def test_each_example_says_that_it_is_not_official() -> None:
    words = ("not an official text", "sans caractère officiel", "не официальный текст", "ليست نصا رسميا")
    for path in EXAMPLES:
        assert any(notice in read_document(path).text for notice in words), path


BODY = [
    ("paragraph", "para/{0}", "{0}{dot}"),
    ("list-item", "para/{0}/item/a", "{a}"),
    ("list-item", "para/{0}/item/b", "{b}"),
    ("list-item", "para/{0}/item/b/subitem/i", "{i}"),
    ("list-item", "para/{0}/item/b/subitem/ii", "{ii}"),
    ("list-item", "para/{0}/item/c", "{c}"),
]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("example-note.en.docx", {"0": 3, "dot": ".", "a": "(a)", "b": "(b)", "c": "(c)", "i": "(i)", "ii": "(ii)"}),
        ("example-note.fr.pdf", {"0": 2, "dot": ".", "a": "a)", "b": "b)", "c": "c)", "i": "i)", "ii": "ii)"}),
        ("example-note.ru.html", {"0": 2, "dot": ".", "a": "(a)", "b": "(b)", "c": "(c)", "i": "(i)", "ii": "(ii)"}),
        (
            "example-decision.ar.docx",
            {"0": 2, "dot": "-", "a": "(أ)", "b": "(ب)", "c": "(ج)", "i": "(1)", "ii": "(2)"},
        ),
    ],
)
def test_items_have_their_places_in_every_format(name: str, values: dict[str, object]) -> None:
    number = str(values["0"])
    filled = {**{key: str(value) for key, value in values.items()}}
    expected = [
        tuple(part.replace("{0}", number).format(**filled) if "{" in part else part for part in line) for line in BODY
    ]
    found = [line for line in outline(read_document(FIXTURES / name)) if line[1].startswith(f"para/{number}")]
    assert found == expected


def test_word_numbers_notes_tables_and_lists() -> None:
    document = read_document(FIXTURES / "example-note.en.docx")
    assert document.title == "RESTORATION OF PONDS: AN EXAMPLE"
    assert at(document, "para/2").text == "It cites decision X/2, annex, and decision VII/28."
    assert "not named" in at(document, "para/3").text, "deleted words are gone"
    assert [str(at(document, f"para/{n}").section) for n in (2, 4, 5)] == ["", "section/a", "section/b"]
    rows = [(b.row, b.column, str(b.locator)) for b in document.blocks if b.kind == "cell"]
    assert rows == [
        (0, 1, "annex/1"),
        (0, 2, "annex/1"),
        (1, 1, "annex/1/row/1"),
        (1, 2, "annex/1/row/1"),
        (2, 2, "annex/1/row/2"),
        (3, 1, "annex/1/row/3"),
        (3, 2, "annex/1/row/3"),
    ]
    assert at(document, "annex/2/para/2/item/2").kind == "bullet"
    assert at(document, "annex/2/para/1").number == "1.", "the list begins anew"
    assert at(document, "footnote/1").text == "See also decision XI/16, paragraph 5 (d)."
    assert [b.text for b in document.blocks if b.kind == "page-head"] == ["UNEP/CBD/EXAMPLE/1/2"]


def test_a_decision_in_arabic_has_a_preamble_and_runs_from_right_to_left() -> None:
    document = read_document(FIXTURES / "example-decision.ar.docx")
    preamble = [block for block in document.blocks if str(block.locator) == "preamble"]
    assert len(preamble) == 3
    assert "المقرر 12/26 والمقرر" in preamble[1].text
    assert all(block.rtl for block in document.blocks if block.kind != "page-head")
    assert str(at(document, "annex").locator) == "annex", "the only annex has no label"
    assert at(document, "annex/row/2").column == 1


def test_a_pdf_keeps_heads_and_notes_apart_and_joins_lines() -> None:
    document = read_document(FIXTURES / "example-note.fr.pdf")
    first = at(document, "para/1")
    assert "la décision X/2, annexe, et la décision VII/28" in first.text
    assert "sous-régionale" in first.text
    assert "\n" not in first.text
    assert [b.text for b in document.blocks if b.kind == "page-head"] == ["UNEP/CBD/EXAMPLE/1/2", "Page 1"]
    assert "mares avant 2020" in at(document, "para/4").text
    assert at(document, "footnote/2").page == 2
    assert at(document, "annex/1/row/1").text == "Eaux intérieures"
    assert str(at(document, "para/5").section) == "section/2"


def test_arabic_in_a_pdf_is_put_into_the_order_in_which_it_is_read() -> None:
    document = read_document(FIXTURES / "example-note.ar.pdf")
    assert at(document, "para/1").text == "يشير المقرر 12/26 إلى الفقرة 5 (د) من الوثيقة UNEP/CBD/COP/11/21."
    assert at(document, "para/2/item/b").text == "وليلا، وفقا للمقرر 9/4."
    assert at(document, "annex").text == "المرفق"


def test_html_runs_nothing_and_leaves_marks_of_notes_out() -> None:
    document = read_document(FIXTURES / "example-note.ru.html")
    assert at(document, "para/1").text.startswith(
        "В настоящей записке упоминается решение X/2 и решение XI/16, пункт"
    )
    assert "км²" in at(document, "para/2/item/b/subitem/i").text
    assert "never" not in document.text
    assert at(document, "footnote/1").text.startswith("См.")
    assert at(document, "annex/1/row/2").row == 2


RUSSIAN = "Конференция Сторон,\n\nссылаясь на решение XI/16, пункт 5 d),\n\n1. Поручает Исполнительному секретарю."
FRENCH = "1. Décision X/2, paragraphe 19 a), à préciser.\n\n2. Écosystèmes dégradés ; été."
CHINESE = "1. 第X/2号决定第5段。\n\n2. 请执行秘书编写关于生态系统恢复的报告。"


@pytest.mark.parametrize(
    ("text", "encoding", "guessed", "places"),
    [
        (RUSSIAN, "cp1251", True, ["preamble", "preamble", "para/1"]),
        (RUSSIAN, "koi8_r", True, ["preamble", "preamble", "para/1"]),
        (FRENCH, "latin-1", True, ["para/1", "para/2"]),
        (CHINESE, "gb18030", True, ["para/1", "para/2"]),
        (CHINESE, "utf-16", False, ["para/1", "para/2"]),
        (CHINESE, "utf-16-be", True, ["para/1", "para/2"]),
        (CHINESE, "utf-8-sig", False, ["para/1", "para/2"]),
    ],
)
def test_encodings(text: str, encoding: str, guessed: bool, places: list[str]) -> None:
    document = read_bytes(text.encode(encoding), "paper.txt")
    assert document.text == text
    assert document.encoding_guessed is guessed
    assert bool(document.warnings) is guessed
    assert [str(block.locator) for block in document.blocks] == places


def test_a_few_bad_bytes_do_not_change_the_encoding() -> None:
    document = read_bytes(CHINESE.encode().replace("段".encode(), b"\xe6\xae", 1), "paper.txt")
    assert (document.encoding, document.warnings) == ("utf-8", ("some characters could not be read",))
    assert "请执行秘书" in document.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. One.\n2. Two:\n(a) x\n(h) y\n(i) z", "para/1 para/2 para/2/item/a para/2/item/h para/2/item/i"),
        ("1. One:\n(a) x:\n(i) y\n(ii) z\n(b) w", "para/1 para/1/item/a para/1/item/a/subitem/i "
         "para/1/item/a/subitem/ii para/1/item/b"),
        ("1. 第一：\n（一） 甲\n（二） 乙", "para/1 para/1/item/i para/1/item/ii"),
        ("1. Раз:\nа) x\nб) y\nв) z", "para/1 para/1/item/a para/1/item/b para/1/item/c"),
        ("1. Раз:\nа) x\nb) y\nс) z", "para/1 para/1/item/a para/1/item/b para/1/item/c"),
        ("١- أولها:\n(أ) كذا\n(ب) كذا", "para/1 para/1/item/a para/1/item/b"),
        ("A. Title\n1. x.\nB. Other\n1. y.", "section/a section/a/para/1 section/b section/b/para/1"),
        ("A. Title\n1. x.\nB. Other\n2. y.", "section/a para/1 section/b para/2"),
        ("I. Title\nA. Sub\n1. x.\nII. Next\n2. y.", "section/1 section/1/section/a para/1 section/2 para/2"),
        ("一、标题\n1. 甲。\n二、标题\n2. 乙。", "section/1 para/1 section/2 para/2"),
        ("ألف - عنوان\n1- كذا.\nباء - عنوان\n2- كذا.", "section/a para/1 section/b para/2"),
        ("1. x.\n\nANNEX\n\nTITLE\n\n1. y.", "para/1 annex annex annex/para/1"),
        ("1. x.\n\nAnexo I\n\n1. y.", "para/1 annex/1 annex/1/para/1"),
        ("1. x.\n\nApéndice 3\n\n1. z.", "para/1 appendix/3 appendix/3/para/1"),
        ("1. x.\n\nالمرفق الثاني\n\n1- كذا.", "para/1 annex/2 annex/2/para/1"),
        ("1. x.\n\nПриложение II\n\n1. y.", "para/1 annex/2 annex/2/para/1"),
        ("1. x.\n\nGoal A: End\n\nTarget 5: Half.", "para/1 goal/a goal/a/target/5"),
        ("1. In 2013\n2013. was a year.\n2. y.", "para/1 para/2"),
        ("1. a.\n\n2. b:\n\n1. in.\n\n2. in.\n\n3. c.", "para/1 para/2 para/2/item/1 para/2/item/2 para/3"),
    ],
)  # fmt: skip
def test_forms(text: str, expected: str) -> None:
    found = [str(block.locator) for block in read_text(text).blocks]
    assert " ".join(found) == expected


def test_marks_inside_broken_lines_begin_nothing() -> None:
    line = "This sentence goes on for long enough to be broken where paragraph"
    rest = "of that decision is named, and as long as lines are here, in item\n(d), where it ends."
    text = "\n".join(f"{n}. {line}\n{n + 40}. {rest}" for n in range(1, 9))
    assert [str(block.locator) for block in read_text(text).blocks] == [f"para/{n}" for n in range(1, 9)]


def test_a_mark_of_a_note_never_joins_a_number() -> None:
    page = '<p>1. Decision X/2<sup><a href="#fn3">3</a></sup> and X/2<sup>4</sup>.</p>'
    assert at(read_bytes(page.encode(), "a.html"), "para/1").text == "Decision X/2 and X/2⁴."
    assert at(read_text("1. Decision X/2³ and so on."), "para/1").text == "Decision X/2³ and so on."


def _docx(**parts: str) -> bytes:
    """A .docx of the parts given by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(f"word/{name}.xml", content)
    return buffer.getvalue()


ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><document><body><p>&b;</p></body></document>'
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><document><body><p>&a;</p></body></document>'


@pytest.mark.parametrize(
    ("content", "name", "reason", "advice"),
    [
        (b"", "a.txt", "empty", ""),
        (b"%PDF-1.4 nothing", "a.pdf", "broken", ""),
        (b"plain words", "a.docx", "not a .docx", "save it again"),
        (b"plain words", "a.pdf", "not a PDF", ""),
        (b"PK\x03\x04 cut off", "a.docx", "broken", "save it again"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.doc", "old binary format", "soffice"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            "encrypted",
            "password",
        ),
        (b"{\\rtf1 words}", "a.rtf", "RTF", "soffice"),
        (b"\x89PNG\r\n\x1a\n", "a.png", "image", "ocrmypdf"),
        (bytes(range(256)) * 8, "a.txt", "not text", "UTF-8"),
        (_docx(document="<document><body/>"), "a.docx", "not XML", "save it again"),
        (_docx(document=ENTITIES), "a.docx", "document type", ""),
        (_docx(document=OUTSIDE), "a.docx", "document type", ""),
        (_docx(document="<a>" * 3000 + "</a>" * 3000), "a.docx", "not XML", ""),
        (_docx(document="<a>" + " " * 30_000_000 + "</a>"), "a.docx", "unpacks to far more", ""),
        (_docx(other="<a/>"), "a.docx", "no text", ""),
        (b"\n".join(b"issue\tX/2" for _ in range(10_001)), "a.txt", "no locator has", "split it"),
        (b"<html><body>" + b"<div>" * 5000, "a.html", "nested", ""),
    ],
)
def test_refused(content: bytes, name: str, reason: str, advice: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read_bytes(content, name)
    assert reason in refused.value.reason
    assert advice in refused.value.advice
    assert refused.value.path == name


def test_scans_and_locked_files_are_refused_with_advice() -> None:
    with pytest.raises(DocumentError, match=r"scan.*ocrmypdf"):
        read_document(FIXTURES / "scan.pdf")
    with pytest.raises(DocumentError, match=r"encrypted.*without a password"):
        read_document(FIXTURES / "encrypted.pdf")
    with pytest.raises(MissingFile):
        read_document(FIXTURES / "no-such.txt")


def test_a_wrong_ending_is_told() -> None:
    content = (FIXTURES / "example-note.en.docx").read_bytes()
    document = read_bytes(content, "paper.pdf")
    assert document.media_type.endswith("wordprocessingml.document")
    assert document.warnings == ("the name ends in .pdf, the content is docx",)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_broken_files_never_crash(path: Path) -> None:
    content = path.read_bytes()
    chance = random.Random(7)
    for _ in range(25):
        broken = bytearray(content[: chance.randrange(len(content))] if chance.random() < 0.4 else content)
        for _ in range(chance.randrange(1, 30)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        with contextlib.suppress(DocumentError):
            assert read_bytes(bytes(broken), path.name).blocks


LINES = st.sampled_from(
    [
        "1. x.",
        "2. y:",
        "(a) z",
        "(i) w;",
        "A. Title",
        "Annex II",
        "附件一",
        "· b",
        "* \tn",
        "- - - - -",
        "\tissue",
        "\tX/2",
        "\fa",
        "Goal A.",
        "١- ن",
        "(أ) ن",
        "",
        "Words and words",
        "1 note",
        "\ufffd \tn",
        "a\tb",
        "c\tX/3",
        "5.1 q",
        "12. r",
        "Приложение",
        "ألف - ن",
        "b) x",
    ]
)


@given(st.lists(LINES, max_size=30), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_blocks_slice_back_and_stand_in_order(lines: list[str], end: str) -> None:
    text = end.join(lines)
    if not text.strip():
        return
    try:
        document = read_text(text)
    except DocumentError:
        return
    last = 0
    for block in document.blocks:
        assert document.text[block.start : block.end] == block.text
        assert last <= block.start < block.end
        last = block.end
