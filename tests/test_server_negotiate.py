"""Negotiation by itself: weights, wildcards, parameters, what is malformed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.server.negotiate import FORMATS, NotAcceptable, choose, choose_format, short_names

OFFER = ("application/json", "text/csv", "text/html")


# Kind of case, header, what is chosen; None where nothing will do.
CASES = [
    ("empty", "", "application/json"),
    ("empty", " , ,, ", "application/json"),
    ("star", "*/*", "application/json"),
    ("star with a weight", "*/*;q=0.1", "application/json"),
    ("star after a name", "*/*;q=0.1, text/html", "text/html"),
    ("star beside what is not offered", "image/png, */*;q=0.1", "application/json"),
    ("star of subtypes", "text/*", "text/csv"),
    ("star of subtypes", "image/*, text/*;q=0.1", "text/csv"),
    ("star of subtypes", "text/*;q=0.3, application/json;q=0.2", "text/csv"),
    ("a name wins over its star", "text/*, text/csv;q=0.1", "text/html"),
    ("a name wins over its star", "*/*;q=0.9, text/*;q=0.5, text/html;q=0.1, application/*;q=0.2", "text/csv"),
    ("excluded", "text/html;q=0.0, */*", "application/json"),
    ("excluded", "*/*, application/json;q=0", "text/csv"),
    ("excluded", "*/*, application/*;q=0, text/csv;q=0.000", "text/html"),
    ("excluded", "text/csv;q=0", None),
    ("excluded", "*/*;q=0", None),
    ("excluded", "text/*;q=0, application/json;q=0", None),
    ("excluded", "text/csv;q=0, text/*", "text/html"),
    ("not offered", "image/png", None),
    ("not offered", "image/*;q=0.5, font/woff", None),
    ("not offered", "text/csvx", None),
    ("order of weights", "text/csv;q=0.5, text/html;q=0.6", "text/html"),
    ("order of weights", "text/html;q=0.999, text/csv;q=1.000", "text/csv"),
    ("equal weights: the order of the offer", "text/html, text/csv", "text/csv"),
    ("equal weights: the order of the offer", "text/html;q=0.5, text/csv;q=0.5, image/png", "text/csv"),
    ("a parameter that the type has not", "text/html;level=1;q=0.4, text/csv;q=0.3", "text/html"),
    ("a parameter that the type has not", "text/csv;header=absent, text/csv;q=0.1, text/html;q=0.2", "text/html"),
    ("a parameter that the type has not", "text/csv;header=absent;q=0, text/csv", "text/csv"),
    (
        "the example of RFC 9110",
        "text/*;q=0.3, text/csv;q=0.2, text/csv;format=flowed, text/html;format=fixed;q=0.4, */*;q=0.1",
        "text/html",
    ),
    ("charset", "text/csv;charset=utf-8, text/html;q=0.5", "text/csv"),
    ("charset", "text/csv; charset=UTF-8; q=0.4, text/html;q=0.5", "text/html"),
    ("charset", "text/csv;charset=utf-8;q=0, text/*", "text/html"),
    ("charset", 'text/csv;charset="utf-8"', "text/csv"),
    ("charset", "text/csv;charset=iso-8859-1", "text/csv"),
    ("parameter of Accept", "text/csv;q=0.5;ext=1, text/html;q=0.4", "text/csv"),
    ("quoted signs", 'text/html;title="a,b;q=0", text/csv;q=0.9', "text/html"),
    ("twice the same", "text/csv;q=0.1, text/html;q=0.5, text/csv;q=0.9", "text/csv"),
    ("twice the same", "text/csv;q=0, text/csv", "text/csv"),
    ("capitals", "TEXT/HTML", "text/html"),
    ("capitals", "Text/Csv;Q=0.1, text/HTML;q=0.2", "text/html"),
    ("space", "text/csv ; q=0.5 , application/json;q=0.4", "text/csv"),
    ("space", "\ttext/csv\t;\tq=0.5,text/html ;q= 0.6", "text/html"),
    ("a weight of many digits", "text/csv;q=0.12345, text/html;q=0.12344", "text/csv"),
    ("a weight without its zero", "text/csv;q=.5, text/html;q=0.4", "text/csv"),
    # What is not well formed is passed over; where nothing is left, it is as if there were no header.
    ("malformed", "nonsense, text/csv", "text/csv"),
    ("malformed", "*/csv, text/html", "text/html"),
    ("malformed", "text/, /html, text/html", "text/html"),
    ("malformed", "text/csv;q=2, text/html;q=0.1", "text/html"),
    ("malformed", "text/csv;q=-1, text/html;q=0.1", "text/html"),
    ("malformed", "text/csv;q=, text/html;q=0.1", "text/html"),
    ("malformed", "text/csv;q=nan, text/html;q=0.1", "text/html"),
    ("malformed", "text/csv;q=1e0, text/html;q=0.1", "text/html"),
    ("nothing well formed", "garbage", "application/json"),
    ("nothing well formed", "text/csv;q=2", "application/json"),
    ("nothing well formed", "*/csv", "application/json"),
    ("nothing well formed", ";q=1", "application/json"),
    ("a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
]


@pytest.mark.parametrize(("kind", "accept", "expected"), CASES, ids=[f"{k}-{n}" for n, (k, _, _) in enumerate(CASES)])
def test_choice(kind: str, accept: str, expected: str | None) -> None:
    if expected is not None:
        assert choose(accept, OFFER) == expected, kind
        return
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
