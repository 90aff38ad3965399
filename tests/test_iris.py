"""IRIs of the contract: minted from values, read back to the same values."""

from __future__ import annotations

import pytest
from hypothesis import given

from cbdgraph import parse_citation
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint, mint_graph, mint_part, mint_slug, parse_part, path_of, tracking_code
from cbdgraph.locators import Locator
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
