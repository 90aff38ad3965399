"""Locators: canonical strings, parents, and the order in which a reader meets parts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.errors import InvalidName
from cbdgraph.locators import LEVELS, UNLABELLED, Locator, Step

LABELS = st.from_regex(r"\A(?:[1-9][0-9]{0,2}(?:\.[1-9][0-9]?){0,2}|[a-z]|[ivx]{1,4})\Z")
STEPS = st.one_of(
    st.builds(Step, st.sampled_from(sorted(LEVELS)), LABELS),
    st.builds(Step, st.sampled_from(sorted(UNLABELLED))),
)
LOCATORS = st.builds(Locator, st.lists(STEPS, max_size=5).map(tuple))


@given(LOCATORS)
def test_reading_what_was_written_gives_the_locator_back(locator: Locator) -> None:
    assert Locator.parse(str(locator)) == locator


@given(st.lists(LOCATORS, max_size=12))
def test_any_parts_can_be_ordered_and_a_whole_stands_before_its_parts(locators: list[Locator]) -> None:
    ordered = sorted(locators, key=lambda locator: locator.sort_key)
    for locator in locators:
        if locator:
            assert locator.parent.sort_key < locator.sort_key
    assert all(one.sort_key <= next_.sort_key for one, next_ in pairwise(ordered))


def test_order_is_that_of_a_reader() -> None:
    locators = ["annex/2", "para/10", "para/2/item/b", "para/2", "annex/1/para/4", "para/2/item/a", "appendix/1"]
    ordered = sorted(map(Locator.parse, locators), key=lambda locator: locator.sort_key)
    assert [str(locator) for locator in ordered] == [
        "para/2",
        "para/2/item/a",
        "para/2/item/b",
        "para/10",
        "annex/1/para/4",
        "annex/2",
        "appendix/1",
    ]


def test_roman_sub_items_follow_their_value() -> None:
    steps = [Step("subitem", label) for label in ("ix", "iv", "i", "x", "v", "ii")]
    assert [step.label for step in sorted(steps, key=lambda step: step.sort_key)] == ["i", "ii", "iv", "v", "ix", "x"]


@pytest.mark.parametrize("text", ["para", "para/5/", "/para/5", "paragraph/5", "para/5/d", "para/V", "annex/II", "5"])
def test_what_is_no_locator_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        Locator.parse(text)
