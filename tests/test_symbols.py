"""Decision numbers as people write them, in and out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.errors import InvalidName
from cbdgraph.symbols import BODIES, Symbol, format_roman, parse_roman

SYMBOLS = st.builds(Symbol, st.sampled_from(sorted(BODIES)), st.integers(1, 39), st.integers(1, 99))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("XI/16", "decision/cop/11/16"),
        ("xi/16", "decision/cop/11/16"),
        ("11/16", "decision/cop/11/16"),
        ("011/016", "decision/cop/11/16"),
        ("UNEP/CBD/COP/DEC/XI/16", "decision/cop/11/16"),
        ("UNEP/CBD/COP/DEC/13/5", "decision/cop/13/5"),
        ("CBD/COP/DEC/15/4", "decision/cop/15/4"),
        ("cop/11/16", "decision/cop/11/16"),
        ("decision/cop/11/16", "decision/cop/11/16"),
        ("X/ 36", "decision/cop/10/36"),
        ("BS-IV/4", "decision/cp-mop/4/4"),
        ("CP-VIII/16", "decision/cp-mop/8/16"),
        ("NP-3/1", "decision/np-mop/3/1"),
        ("UNEP/CBD/NP/COP-MOP/DEC/1/12", "decision/np-mop/1/12"),
        ("sbstta/15/2", "recommendation/sbstta/15/2"),
    ],
)
def test_written_forms_of_one_number_are_one_symbol(text: str, path: str) -> None:
    assert Symbol.parse(text).path == path


@pytest.mark.parametrize("text", ["", "XI", "16", "XI/0", "IIII/4", "XI/16/3", "XL/1", "X1/19", "decision eleven"])
def test_what_is_no_number_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(InvalidName) as caught:
        Symbol.parse(text)
    assert caught.value.reason


@given(SYMBOLS)
def test_reading_what_was_written_gives_the_symbol_back(symbol: Symbol) -> None:
    assert Symbol.parse(symbol.path) == symbol
    assert Symbol.parse(symbol.short, symbol.body) == symbol


@given(st.integers(1, 39))
def test_roman_numerals_round_trip(number: int) -> None:
    assert parse_roman(format_roman(number)) == number


def test_sessions_are_roman_to_the_thirteenth() -> None:
    assert Symbol("cop", 13, 5).short == "XIII/5"
    assert Symbol("cop", 14, 5).short == "14/5"
