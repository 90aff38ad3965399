"""Exports: valid TBX, the same bytes again, nothing lost; and that importing what was exported changes nothing."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import rdflib
from hypothesis import HealthCheck, Phase, given, settings
from lxml import etree

from cbdgraph.exchange.formats import FORMATS, find_format
from cbdgraph.exchange.records import records_of
from cbdgraph.exchange.selection import select_terms
from cbdgraph.exchange.tables import COLUMNS
from cbdgraph.ingest.terms import Vocabulary, propose_terms
from cbdgraph.namespaces import BASE, LANGUAGES, expand
from cbdgraph.terminology.terms import Label, Term, Terminology
from tests.conftest import ROOT
from tests.made_terms import WHOLE, read_format, terminologies, write_checkout

SLUG = "ecosystem-restoration"
SCHEMAS = ROOT / "tests" / "fixtures" / "tbx"


@pytest.fixture(scope="module")
def real() -> Vocabulary:
    return Vocabulary.read(ROOT)


def write(vocabulary: Vocabulary | Terminology, name: str, languages: tuple[str, ...] | None = None) -> bytes:
    terminology = vocabulary.terminology if isinstance(vocabulary, Vocabulary) else vocabulary
    form = find_format(name)
    assert form is not None
    return form.write(terminology, languages, "")


def check_tbx(content: bytes, style: str) -> None:
    schema = etree.RelaxNG(etree.parse(SCHEMAS / f"tbx-basic-{style}.rng"))
    document = etree.ElementTree(etree.fromstring(content, etree.XMLParser(huge_tree=True)))
    assert schema.validate(document), schema.error_log
    ids = [element.get("id") for element in document.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    targets = {str(element.get("target")) for element in document.iter() if element.get("target")}
    assert {target for target in targets if not target.startswith("http")} <= set(ids)


@pytest.mark.parametrize("name", FORMATS)
def test_importing_what_was_exported_changes_nothing(real: Vocabulary, name: str) -> None:
    content = write(real, name)
    reading = read_format(name, content)
    proposal = propose_terms(reading, real, ROOT)
    assert reading.records
    assert not proposal.faults
    assert proposal.changes == ()


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_lost(real: Vocabulary, name: str) -> None:
    reading = read_format(name, write(real, name))
    said = {record.key: record for record in reading.records}
    for record in records_of(real.terminology):
        found = said.pop(record.key)
        assert found.owner == record.owner
        for field, values in record.fields.items():
            assert set(found.fields.get(field, ())) == set(values), (record.key, field)
    assert not said
    assert not reading.left_out


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("language", ["fr", "ar"])
def test_one_language_and_one_term_change_nothing_either(real: Vocabulary, name: str, language: str) -> None:
    chosen = select_terms(real.terminology, [SLUG], [language])
    content = write(chosen, name, (language,))
    proposal = propose_terms(read_format(name, content), real, ROOT)
    assert (proposal.faults, proposal.changes) == ((), ())


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_terms_are_the_same_bytes(real: Vocabulary, name: str) -> None:
    assert write(real, name) == write(real, name)


@pytest.mark.parametrize("style", ["dca", "dct"])
@pytest.mark.parametrize("languages", [None, ("fr",), ("en", "ar")])
def test_tbx_is_valid(real: Vocabulary, style: str, languages: tuple[str, ...] | None) -> None:
    name = "tbx" if style == "dca" else "tbx-dct"
    check_tbx(write(select_terms(real.terminology, None, languages), name), style)


def test_the_schemas_can_find_a_fault(real: Vocabulary) -> None:
    for name, style, good, bad in (
        ("tbx", "dca", b'type="administrativeStatus"', b'type="status"'),
        ("tbx", "dca", b"<langSec xml:lang", b"<langSec lang"),
        ("tbx-dct", "dct", b"basic:definition", b"basic:meaning"),
        ("tbx-dct", "dct", b"preferredTerm-admn-sts", b"preferred"),
    ):
        content = write(real, name)
        assert good in content
        with pytest.raises(AssertionError):
            check_tbx(content.replace(good, bad), style)


@given(terminologies())
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_any_terminology_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, made: Terminology) -> None:
    root = tmp_path_factory.mktemp("checkout")
    write_checkout(root, made)
    vocabulary = Vocabulary.read(root)
    assert vocabulary.terminology.terms.keys() == made.terms.keys()
    for name in WHOLE:
        content = write(vocabulary, name)
        if name in {"tbx", "tbx-dct"}:
            check_tbx(content, "dca" if name == "tbx" else "dct")
        reading = read_format(name, content)
        proposal = propose_terms(reading, vocabulary, root)
        assert proposal.faults == (), name
        assert proposal.changes == (), (name, [change.diff for change in proposal.changes])
        said = {record.key: record for record in reading.records}
        for record in records_of(vocabulary.terminology):
            for field, values in record.fields.items():
                kept = {(getattr(v, "language", ""), reading.settle(v.value)) for v in values}
                found = {
                    (getattr(v, "language", ""), reading.settle(v.value))
                    for v in said[record.key].fields.get(field, ())
                }
                assert found == kept, (name, record.key, field)


def test_what_would_be_a_formula_is_none() -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "'s-Hertogenbosch", "=cmd|' /C calc'!A0"]
    term = f"{BASE}term/x"
    labels = tuple(Label(f"{term}/label/en/{n}", text, "en", "hidden") for n, text in enumerate(texts, 1))
    made = Terminology({term: Term(term, labels)}, (), {})
    with zipfile.ZipFile(io.BytesIO(write(made, "csv"))) as archive:
        text = archive.read("labels.csv").decode("utf-8-sig")
    column = COLUMNS["labels"].index("text")
    cells = [row[column] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    for name in ("csv", "xlsx"):
        found = [record.texts("text")[0].value for record in read_format(name, write(made, name)).records[1:]]
        assert found == texts
    from openpyxl import load_workbook

    sheet = load_workbook(io.BytesIO(write(made, "xlsx")))["labels"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}


def test_a_workbook_for_arabic_is_set_from_right_to_left(real: Vocabulary) -> None:
    from openpyxl import load_workbook

    for languages, turned in ((("ar",), True), (("en", "ar"), False), (None, False)):
        content = write(select_terms(real.terminology, [SLUG], languages), "xlsx", languages)
        book = load_workbook(io.BytesIO(content))
        assert bool(book["labels"].sheet_view.rightToLeft) is turned
        arabic = [row for row in book["labels"].iter_rows(min_row=2) if row[1].value == "ar"]
        assert arabic
        assert all(row[3].alignment.readingOrder == 2 for row in arabic)
    assert load_workbook(io.BytesIO(write(real, "xlsx")))["labels"].freeze_panes == "B2"


@pytest.mark.parametrize("ending", ["ttl", "rdf", "jsonld", "nt"])
def test_plain_skos_shows_definitions_to_every_tool_and_says_whose_they_are(real: Vocabulary, ending: str) -> None:
    form = {"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld", "nt": "nt"}[ending]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib warns of itself
        graph = rdflib.Graph().parse(data=write(real, f"skos-{ending}"), format=form)
    term = rdflib.URIRef(f"{BASE}term/{SLUG}")
    values = list(graph.objects(term, rdflib.SKOS.definition))
    literals = {value for value in values if isinstance(value, rdflib.Literal)}
    resources = [value for value in values if isinstance(value, rdflib.URIRef)]
    assert len(resources) == len(real.terminology.terms[str(term)].definitions)
    assert {text for each in resources for text in graph.objects(each, rdflib.RDF.value)} == literals
    assert all(list(graph.objects(each, rdflib.DCTERMS.source)) for each in resources)
    names: set[Any] = {name.language for name in graph.objects(term, rdflib.SKOS.prefLabel)}  # type: ignore[attr-defined]
    assert names == set(LANGUAGES)
    assert not list(graph.objects(term, rdflib.URIRef(expand("skosxl:prefLabel"))))


def test_a_name_for_each_format_and_a_file_for_each_name() -> None:
    files = [form.file for form in FORMATS.values()]
    assert len(set(files)) == len(files)
    for name in ("tbx", "tbx-dca", "tbx-dct", "skos", "skosxl", "csv", "xlsx"):
        assert find_format(name) is not None
    assert find_format("docx") is None


def test_a_language_that_no_term_has_is_told(real: Vocabulary) -> None:
    from cbdgraph.errors import ParameterError

    with pytest.raises(ParameterError, match="no term has a name in de"):
        select_terms(real.terminology, None, ["de"])


def test_the_file_of_a_checkout_is_not_needed_to_write(tmp_path: Path) -> None:
    made = Terminology({}, (), {})
    assert b"ConceptScheme" in write(made, "skos")
    assert list(tmp_path.iterdir()) == []
