"""Any text in: spans must slice back to the quoted words, nothing may crash, and what was minted reads back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbdgraph import find_citations, parse_citation, resolve
from cbdgraph.citations.lexicon import languages, load_lexicon
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint_part, parse_part
from cbdgraph.locators import Locator
from cbdgraph.symbols import BODIES, Symbol

_PIECES = sorted(
    {word for language in languages() for word in load_lexicon(language).words}
    | {
        "X/2",
        "XI/16",
        "15/4",
        "VIII/19 B",
        "第X/2号决定",
        "decision X/2",
        "UNEP/CBD/COP/11/INF/17",
        "CBD/COP/11/16.05.04",
    }
    | {"1", "14", "2.1", "6b", "B4", "(a)", "(ii)", "（一）", "二", "II", "B", "900", "99999", "(", ")", "（", "）"}
    | {",", "、", ";", "；", "。", ".", "-", "–", "－", "|", "\n", "\n\n", " ", "\t", "%", "of ", "word", "生境"}
)
texts = st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=40).map("".join) | st.text(max_size=200)
mentions = st.lists(st.sampled_from(_PIECES), max_size=20).map(lambda pieces: "第X/2号决定" + "".join(pieces))


@given(text=texts | mentions, language=st.sampled_from(languages()))
@settings(max_examples=600, deadline=None)
def test_spans_slice_back(text: str, language: str) -> None:
    for citation in find_citations(text, language):
        assert text[citation.start : citation.end] == citation.quote != ""
        assert text[citation.part_start : citation.part_end] == citation.part_quote != ""
        assert citation.start <= citation.part_start < citation.part_end <= citation.end
        assert bool(citation.reason) == (citation.certainty != "certain")
        assert str(Locator.parse(citation.locator)) == citation.locator
        if citation.decision is None:
            continue
        assert citation.iri is not None
        symbol, locator = parse_part(citation.iri)
        assert citation.decision == mint_part(symbol)
        assert citation.locator == str(locator)


@given(text=texts | mentions, language=st.sampled_from(languages()))
@settings(max_examples=300, deadline=None)
def test_mentions_do_not_overlap(text: str, language: str) -> None:
    spans = sorted({(citation.start, citation.end) for citation in find_citations(text, language)})
    for (_, end), (start, _) in pairwise(spans):
        assert end <= start


@given(text=texts, known=st.sets(st.just("https://w3id.org/cbdgraph/decision/cop/10/2")))
@settings(max_examples=300, deadline=None)
def test_typed_text_is_read_or_refused(text: str, known: set[str]) -> None:
    try:
        citations = parse_citation(text)
    except InvalidName:
        return
    assert citations
    resolution = resolve(text, known=known)
    assert resolution.iri is None or resolution.iri in known
    assert all(candidate.iri in known for candidate in resolution.candidates)
    assert resolution.iri or resolution.reason


symbols = st.builds(Symbol, st.sampled_from(sorted(BODIES)), st.integers(1, 17), st.integers(1, 50))


@given(symbol=symbols, paragraph=st.integers(1, 200), item=st.sampled_from(["", "a", "d", "k"]))
@settings(deadline=None)
def test_minted_iris_and_paths_read_back(symbol: Symbol, paragraph: int, item: str) -> None:
    locator = Locator.parse(f"para/{paragraph}" + (f"/item/{item}" if item else ""))
    iri = mint_part(symbol, locator)
    for text in (
        iri,
        iri.removeprefix("https://w3id.org/cbdgraph/"),
        f"{symbol.body}/{symbol.session}/{symbol.number}/{locator}",
    ):
        assert [citation.iri for citation in parse_citation(text)] == [iri]


@given(symbol=symbols.filter(lambda s: s.body == "cop"), paragraph=st.integers(1, 200), item=st.sampled_from("abcdk"))
@settings(deadline=None)
@pytest.mark.parametrize(
    ("pattern", "language"),
    [
        ("decision {short}, paragraph {para} ({item})", "en"),
        ("paragraph {para} ({item}) of decision {short}", "en"),
        ("第{short}号决定第{para}段({item})", "zh"),
        ("第 {short} 号决定,第{para} 段（{item}）", "zh"),
    ],
)
def test_usual_forms_read_back(pattern: str, language: str, symbol: Symbol, paragraph: int, item: str) -> None:
    text = pattern.format(short=symbol.short, para=paragraph, item=item)
    expected = mint_part(symbol, Locator.parse(f"para/{paragraph}/item/{item}"))
    assert [citation.iri for citation in find_citations(text, language)] == [expected]
    assert [citation.iri for citation in parse_citation(text)] == [expected]
