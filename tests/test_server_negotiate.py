"""Negotiation by itself: weights, wildcards, parameters, what is malformed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.server.negotiate import FORMATS, NotAcceptable, choose, choose_format, short_names

OFFER = ("application/json", "text/csv", "text/html")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/*, text/csv;q=0.1", "text/html"),
        ("text/*;q=0.3, application/json;q=0.2", "text/csv"),
        ("*/*;q=0.1, text/html", "text/html"),
        ("text/html;q=0.0, */*", "application/json"),
        ("TEXT/HTML", "text/html"),
        ("text/html;level=1;q=0.4, text/csv;q=0.3", "text/html"),
        ('text/html;title="a,b;q=0", text/csv;q=0.9', "text/html"),
        ("text/csv ; q=0.5 , application/json;q=0.4", "text/csv"),
        ("nonsense, text/csv", "text/csv"),
        ("text/csv;q=2, text/html;q=0.1", "text/html"),
        ("*/csv, text/html", "text/html"),
    ],
)
def test_choice(accept: str, expected: str) -> None:
    assert choose(accept, OFFER) == expected


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "*/*;q=0"])
def test_nothing_fits(accept: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        choose(accept, OFFER)
    assert caught.value.offer == OFFER


def test_formats() -> None:
    assert choose_format("CSV", OFFER) == "text/csv"
    assert choose_format("text/csv; charset=utf-8", OFFER) == "text/csv"
    assert short_names(OFFER) == ["html", "json", "csv"]
    with pytest.raises(NotAcceptable):
        choose_format("ttl", OFFER)
    assert all("/" in media_type for media_type in FORMATS.values())


@given(st.text(max_size=60))
def test_any_header_has_an_answer(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert choose(accept, OFFER) in OFFER
