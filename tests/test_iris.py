"""IRIs of the contract: minted from values, read back to the same values."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cbdgraph import parse_citation
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint, mint_graph, mint_part, mint_slug, normalize_path, parse_part, path_of, tracking_code
from cbdgraph.locators import Locator
from cbdgraph.namespaces import BASE
from cbdgraph.store.embedded import Store
from cbdgraph.symbols import Symbol
from tests.test_locators import LOCATORS
from tests.test_symbols import SYMBOLS


@given(SYMBOLS, LOCATORS)
def test_parsing_a_minted_iri_gives_its_values_back(symbol: Symbol, locator: Locator) -> None:
    assert parse_part(mint_part(symbol, locator)) == (symbol, locator)


@pytest.mark.parametrize(
    ("iri", "expected"),
    [
        (mint_part(Symbol("cop", 11, 16)), "decision/cop/11/16"),
        (
            mint_part(Symbol("cop", 7, 5), Locator.parse("appendix/3/section/d/para/10")),
            "decision/cop/7/5/appendix/3/section/d/para/10",
        ),
        (mint_graph("decisions/cop-10"), "graph/decisions/cop-10"),
        (mint("target/aichi/15"), "target/aichi/15"),
    ],
)
def test_examples_of_the_contract(iri: str, expected: str) -> None:
    assert iri == "https://w3id.org/cbdgraph/" + expected
    assert path_of(iri) == expected


@pytest.mark.parametrize(
    "path", ["decision/cop/XI/16", "decision/cop/011/16", "decision/cop/11/16/para", "issue/forest-biodiversity"]
)
def test_unusual_spellings_are_not_our_iris(path: str) -> None:
    with pytest.raises(InvalidName):
        parse_part(mint(path))


@pytest.mark.parametrize("locator", ["", "para/5", "para/5/item/d", "section/b/para/3", "para/9/item/a/subitem/ix"])
def test_a_tracking_code_reads_back_to_its_part(locator: str) -> None:
    symbol, place = Symbol("cop", 11, 16), Locator.parse(locator)
    (read,) = parse_citation(tracking_code(symbol, place))
    assert read.iri == mint_part(symbol, place)


@pytest.mark.parametrize("locator", ["annex/1/para/2", "objective/1.2", "section/1/para/4", "para/5.6"])
def test_parts_beyond_the_tracking_tool_get_no_code(locator: str) -> None:
    assert tracking_code(Symbol("cop", 11, 16), Locator.parse(locator)) == ""


def test_slugs_of_symbols_and_titles() -> None:
    assert mint_slug("UNEP/CBD/COP/11/INF/19") == "cop-11-inf-19"
    with pytest.raises(InvalidName):
        mint_slug("恢复")


# Words that paths are made of, in all the ways in which people spell them, and what they type by mistake.
_SPELLED = """
decision DECISION recommendation cop COP cp Cp-Mop sbstta unep CBD dec XI xi 11 011 16 016 16. annex Annex II ii I i
section SECTION part V v C para Paragraph 5(d) 05 item (D) D subitem III meeting target aichi XV 16.05.04 16.B03.02.01
objective 01.02 release 0.1.0 .. . level sub-item Forest_Biodiversity Ｘ ⅪⅠ １６ é - -- a- 0 00 citation graph row
"""
WORDS = st.sampled_from(_SPELLED.split()) | st.text(max_size=6) | st.text("IVXivx0123456789./-_ ()", max_size=6)


@given(st.lists(WORDS, max_size=8).map("/".join))
def test_a_normal_path_is_its_own_normal_form(path: str) -> None:
    normal = normalize_path(path)
    assert normalize_path(normal) == normal


@given(SYMBOLS, LOCATORS)
def test_what_we_mint_is_normal(symbol: Symbol, locator: Locator) -> None:
    path = path_of(mint_part(symbol, locator))
    # The contract has Arabic numbers there, which a locator does not insist on.
    assume(not re.search(r"(?:annex|appendix|article|programme-element|section|part)/[ivx]+(?:/|$)", path))
    assert normalize_path(path) == path


@given(SYMBOLS, LOCATORS)
def test_codes_and_symbols_lead_to_what_they_name(symbol: Symbol, locator: Locator) -> None:
    for text, place in ((symbol.document_symbol, Locator()), (tracking_code(symbol, locator), locator)):
        if text:
            assert normalize_path(text) == path_of(mint_part(symbol, place))


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("decision/cop/XI/16", "decision/cop/11/16"),
        ("meeting/cop/XI", "meeting/cop/11"),
        ("decision/cop/011/016", "decision/cop/11/16"),
        ("Decision/COP/11/16", "decision/cop/11/16"),
        ("decision/cop/１１/１６", "decision/cop/11/16"),
        ("decision/cop/Ⅺ/16", "decision/cop/11/16"),
        ("decision／cop／11／16", "decision/cop/11/16"),
        ("term/e\u0301cosystem", "term/ecosystem"),
        ("term/écosystem", "term/ecosystem"),
        (" decision/cop/11/16 ", "decision/cop/11/16"),
        ("decision/cop/11/16.", "decision/cop/11/16"),
        ("/decision//cop///11/16", "decision/cop/11/16"),
        ("CBD/COP/11/16", "decision/cop/11/16"),
        ("CBD/COP/11/16.05.04", "decision/cop/11/16/para/5/item/d"),
        ("UNEP/CBD/COP/DEC/XI/16", "decision/cop/11/16"),
        ("cop/XI/16", "decision/cop/11/16"),
        ("decision/cop/11/16/para/5/item/D", "decision/cop/11/16/para/5/item/d"),
        ("decision/cop/6/5/annex/II/section/I/para/04", "decision/cop/6/5/annex/2/section/1/para/4"),
        ("decision/cop/8/19/section/B", "decision/cop/8/19/section/b"),
        ("decision/sbstta/17/1", "recommendation/sbstta/17/1"),
        ("target/aichi/015", "target/aichi/15"),
        ("target/Aichi/XV", "target/aichi/15"),
        ("goal/aichi/D", "goal/aichi/d"),
        ("issue/Forest Biodiversity", "issue/forest-biodiversity"),
        ("issue/forest\u2010biodi\u00advers\u200bity", "issue/forest-biodiversity"),
        # Nothing can be said of these.
        ("issue/森林", "issue/森林"),
        ("a/../b", "a/../b"),
        ("target/aichi/15\r\nSet-Cookie: a=b", "target/aichi/15\r\nSet-Cookie: a=b"),
        ("target/aichi/15<b>", "target/aichi/15<b>"),
        ("CBD/COP/11/16.00.99", "cbd/cop/11/16.00.99"),
        ("x" * 501, "x" * 501),
        ("", ""),
    ],
)
def test_spellings_and_their_normal_form(path: str, normal: str) -> None:
    assert normalize_path(path) == normal


def test_every_path_of_the_graph_is_normal(graph: Store) -> None:
    rows = graph.select("SELECT DISTINCT ?iri { ?iri ?property ?value FILTER(isIRI(?iri)) }").rows
    paths = [row["iri"].value.removeprefix(BASE) for row in rows if row["iri"].value.startswith(BASE)]
    assert len(paths) > 2000
    assert [path for path in paths if "#" not in path and normalize_path(path) != path] == []
