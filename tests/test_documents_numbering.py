"""Automatic numbers of .docx as Word prints them."""

from __future__ import annotations

import io
import zipfile

import pytest

from cbdgraph.documents import read_bytes

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def level(at: int, form: str, text: str, extra: str = "", start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{extra}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def read_numbers(numbering: str, paragraphs: str, styles: str = "") -> list[str]:
    """The numbers of the paragraphs that have one."""
    relations = "".join(
        f'<Relationship Id="{kind}" Type="{R}/{kind}" Target="{kind}.xml"/>' for kind in ("numbering", "styles")
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document {W}><w:body>{paragraphs}</w:body></w:document>")
        archive.writestr("word/numbering.xml", f"<w:numbering {W}>{numbering}</w:numbering>")
        archive.writestr("word/styles.xml", f"<w:styles {W}>{styles}</w:styles>")
        archive.writestr("word/_rels/document.xml.rels", f"<Relationships>{relations}</Relationships>")
    document = read_bytes(buffer.getvalue(), "paper.docx")
    return [line.partition(" x")[0] for line in document.text.splitlines()]


def paragraph(number: int, at: int = 0) -> str:
    properties = f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>x</w:t></w:r></w:p>"


def lists(levels: str, overrides: str = "") -> str:
    return (
        f'<w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        f'<w:num w:numId="2"><w:abstractNumId w:val="0"/>{overrides}</w:num>'
    )


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("decimal", "9 10"),
        ("lowerLetter", "i j"),
        ("upperLetter", "I J"),
        ("lowerRoman", "ix x"),
        ("upperRoman", "IX X"),
        ("arabicAbjad", "ط ي"),
        ("arabicAlpha", "ذ ر"),
        ("chineseCounting", "九 十"),
        ("bullet", "• •"),
    ],
)
def test_forms_of_numbers(form: str, numbers: str) -> None:
    assert read_numbers(lists(level(0, form, "%1", start=9)), paragraph(1) * 2) == numbers.split()


def test_levels_begin_anew_below_and_name_those_above() -> None:
    levels = level(0, "decimal", "%1.") + level(1, "lowerLetter", "(%2)") + level(2, "decimal", "%1.%3")
    order = [0, 1, 1, 2, 0, 1, 2, 2]
    numbers = read_numbers(lists(levels), "".join(paragraph(1, at) for at in order))
    assert numbers == ["1.", "(a)", "(b)", "1.1", "2.", "(a)", "2.1", "2.2"]


def test_a_level_that_never_begins_anew() -> None:
    levels = level(0, "upperLetter", "%1.") + level(1, "decimal", "%2.", '<w:lvlRestart w:val="0"/>')
    numbers = read_numbers(lists(levels), "".join(paragraph(1, at) for at in (0, 1, 1, 0, 1)))
    assert numbers == ["A.", "1.", "2.", "B.", "3."]


def test_lists_of_one_kind_go_on_unless_they_have_a_start() -> None:
    levels = level(0, "decimal", "%1.")
    goes_on = read_numbers(lists(levels), paragraph(1) * 2 + paragraph(2) * 2)
    assert goes_on == ["1.", "2.", "3.", "4."]
    override = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
    anew = read_numbers(lists(levels, override), paragraph(1) * 2 + paragraph(2) * 2)
    assert anew == ["1.", "2.", "7.", "8."]


def test_a_style_gives_list_and_level() -> None:
    levels = level(0, "decimal", "%1.") + level(1, "lowerLetter", "(%2)", '<w:pStyle w:val="Item"/>')
    numbered = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    styles = (
        f'<w:style w:styleId="Base">{numbered}</w:style>'
        '<w:style w:styleId="Item"><w:basedOn w:val="Base"/></w:style>'
        '<w:style w:styleId="Loop"><w:basedOn w:val="Loop"/></w:style>'
    )
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>'
        for style in ("Base", "Item", "Item", "Loop")
    )
    assert read_numbers(lists(levels), body, styles) == ["1.", "(a)", "(b)", "x"]
