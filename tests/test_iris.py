"""IRIs of the contract: minted from values, read back to the same values."""

from __future__ import annotations

import pytest
from hypothesis import given

from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint, mint_graph, mint_part, mint_slug, parse_part, path_of
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


def test_slugs_of_symbols_and_titles() -> None:
    assert mint_slug("UNEP/CBD/COP/11/INF/19") == "cop-11-inf-19"
    with pytest.raises(InvalidName):
        mint_slug("恢复")
