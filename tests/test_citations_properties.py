"""Any text in: spans must slice back to the quoted words, nothing may crash, and what was minted reads back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbdgraph import find_citations, format_citation, parse_citation, resolve
from cbdgraph.citations.lexicon import languages, load_lexicon
from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint, mint_part, parse_part
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


def _steps(*choices: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*choices).map(lambda parts: "/".join(part for part in parts if part))


_number = st.integers(1, 60).map(str)
_small = st.integers(1, 9).map(str)
_letter = st.sampled_from("abcde")
_holder = st.just("") | st.just("annex") | st.builds("annex/{}".format, _small)
_section = st.just("") | st.builds("section/{}".format, _letter | st.integers(1, 5).map(str))
_item = st.just("") | st.builds("item/{}".format, st.sampled_from("abcdefghjk"))
_theme = st.builds(
    "{}/{}".format, st.sampled_from(["objective", "principle", "activity", "programme-element", "table"]), _number
)
# Places in the ways in which decisions are built.
locators = st.one_of(
    st.just(""),
    _steps(st.builds("para/{}".format, _number), _item),
    _steps(st.builds("annex/{}".format, _small), _section, st.builds("para/{}".format, _number), _item),
    _steps(_holder.filter(bool), _section, _theme),
    st.just("preamble"),
    st.builds("section/{}/para/{}/item/{}".format, _letter, _number, _letter),
    st.builds("para/{}/item/{}/subitem/{}".format, _number, _letter, st.sampled_from(["i", "ii", "iv"])),
).map(Locator.parse)
adopted = symbols.filter(lambda s: s.body != "wgri" and s.session <= {"cop": 16, "sbstta": 28}.get(s.body, 5))
targets = st.one_of(
    st.builds("target/aichi/{}".format, st.integers(1, 20)),
    st.builds("goal/aichi/{}".format, st.sampled_from("abcde")),
    st.builds("target/{}/{}".format, st.sampled_from(["gspc-2002", "gspc-2010"]), st.integers(1, 16)),
    st.builds("objective/{}/{}".format, st.sampled_from(["gspc-2002", "gspc-2010"]), st.integers(1, 5)),
).map(mint) | st.builds("http://metadata.cbd.int/kmgbf/target_{}".format, st.integers(1, 23))
articles = st.builds(
    "document/{}/article/{}{}".format,
    st.sampled_from(["convention-on-biological-diversity", "cartagena-protocol", "nagoya-protocol"]),
    st.integers(1, 42),
    st.just("") | st.builds("/item/{}".format, _letter) | st.builds("/para/{}".format, st.integers(1, 9)),
).map(mint)


@pytest.mark.parametrize("language", languages())
@given(iri=st.builds(mint_part, adopted, locators) | targets | articles)
@settings(max_examples=400, deadline=None)
def test_what_is_formatted_reads_back(language: str, iri: str) -> None:
    text = format_citation(iri, language)
    found = parse_citation(text, language)
    assert [citation.iri for citation in found] == [iri], text
    assert [citation.iri for citation in find_citations(f"{text}.", language)] == [iri], text
    assert parse_citation(found[0].normal)[0].iri == iri, found[0].normal
