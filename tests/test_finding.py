"""A hand-checked list in, recall and precision of the finder out; spans, overlaps, doubtful forms, hostile texts."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.namespaces import LANGUAGES
from cbdgraph.terminology.finding import Mention, Name, TermFinder
from cbdgraph.terminology.stems import fold, name_keys, word_keys
from cbdgraph.terminology.uses import gather_uses

LISTS = Path(__file__).parent / "lists"
# What was measured on the list by language: recall and precision. A change may raise them and must not lower them.
MEASURED = {
    "en": (0.92, 0.86),
    "fr": (1.0, 0.95),
    "es": (0.95, 1.0),
    "ru": (1.0, 1.0),
    "zh": (1.0, 0.91),
    "ar": (0.95, 0.95),
}


def _rows(name: str) -> Iterator[list[str]]:
    for number, line in enumerate((LISTS / name).read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            row = line.replace("⏎", "\n" if name == "term-uses.tsv" else "⏎").split("\t")
            assert len(row) >= 3, f"{name}:{number}: expected columns between tabs"
            yield row


def read_names() -> tuple[Name, ...]:
    return tuple(Name(term, text, language, mark == "+") for term, language, text, mark in _rows("term-names.tsv"))


FINDER = TermFinder(read_names())


@pytest.mark.parametrize("language", LANGUAGES)
def test_hand_checked_list(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    hits = misses = extras = lines = 0
    wrong: list[str] = []
    for code, text, *columns in _rows("term-uses.tsv"):
        if code != language:
            continue
        lines += 1
        pairs = [] if columns == ["-"] else list(zip(columns[::2], columns[1::2], strict=True))
        found = Counter((mention.term, mention.quote) for mention in FINDER.find(text, language))
        wanted = Counter(pairs)
        hits += (found & wanted).total()
        misses += (wanted - found).total()
        extras += (found - wanted).total()
        if found != wanted:
            wrong.append(f"{text!r}\n    missing {dict(wanted - found)}\n    extra {dict(found - wanted)}")
    recall, precision = hits / (hits + misses), hits / (hits + extras)
    with capsys.disabled():
        sys.stdout.write(
            f"\nterm uses {language}: {lines} lines, {hits + misses} uses, "
            f"recall {recall:.3f}, precision {precision:.3f}\n"
        )
    assert recall >= MEASURED[language][0], "\n".join(wrong)
    assert precision >= MEASURED[language][1], "\n".join(wrong)
    assert lines >= 15


def test_spans_slice_back_and_do_not_overlap_in_every_line() -> None:
    for language, text, *_ in _rows("term-uses.tsv"):
        end = 0
        for mention in FINDER.find(text, language):
            assert text[mention.start : mention.end] == mention.quote
            assert mention.start >= end
            end = mention.end


@given(
    st.text(alphabet="recovy ostainRESTécsm的生态系统恢复\n-’'\u00ad\u0301والاستعادة\u064b.", max_size=200),
    st.sampled_from(LANGUAGES),
)
def test_any_text_gives_spans(text: str, language: str) -> None:
    end = 0
    for mention in FINDER.find(text, language):
        assert mention.quote == text[mention.start : mention.end] != ""
        assert mention.start >= end
        end = mention.end


@pytest.mark.parametrize(
    ("text", "language", "term"),
    [
        ("Ｅｃｏｓｙｓｔｅｍ restoration", "en", "ecosystem-restoration"),
        ("eco\u00adsystem resto\u00adration", "en", "ecosystem-restoration"),
        ("restauration des e\u0301cosyste\u0300mes", "fr", "ecosystem-restoration"),
        ("استـــعادة النظم الإيكولوجية", "ar", "ecosystem-restoration"),
        ("生态 系统 恢复", "zh", "ecosystem-restoration"),
        ("conﬁned ecosystem\u00a0restoration", "en", "ecosystem-restoration"),
    ],
)
def test_writing_makes_no_difference(text: str, language: str, term: str) -> None:
    assert [mention.term for mention in FINDER.find(text, language)] == [term]


@pytest.mark.parametrize(
    "text",
    ["ecosystem, restoration", "ecosystem.\n\nRestoration", "ecosystem – restoration", "ecosystem\trestoration"],
)
def test_a_stop_parts_the_words_of_a_name(text: str) -> None:
    assert [mention.term for mention in FINDER.find(text, "en")] == ["ecosystem", "restoration"]


def test_a_turned_name_must_end() -> None:
    found = FINDER.find("Restoration of ecosystem services; restoration of ecosystems; loss.", "en")
    assert [mention.term for mention in found] == ["restoration", "ecosystem-services", "ecosystem-restoration"]


def test_a_form_of_two_terms_says_so() -> None:
    names = [
        Name("urn:a", "恢复", "zh", True),
        Name("urn:b", "恢复", "zh"),
        Name("urn:c", "重建", "zh"),
        Name("urn:d", "重建", "zh"),
    ]
    sure, doubtful = TermFinder(names).find("恢复和重建", "zh")
    assert sure == Mention(0, 2, "恢复", "urn:a", "probable", ("urn:b",))
    assert doubtful == Mention(3, 5, "重建", "urn:c", "ambiguous", ("urn:d",))
    uses = gather_uses([sure, doubtful])
    assert [(use.term, use.count, use.certainty) for use in uses] == [
        ("urn:a", 1, "probable"),
        ("urn:c", 1, "ambiguous"),
    ]


def test_a_term_that_is_named_like_a_proper_name_is_found() -> None:
    finder = TermFinder([*read_names(), Name("urn:cbd", "Convention on Biological Diversity", "en", True)])
    assert [m.term for m in finder.find("The Convention on Biological Diversity.", "en")] == ["urn:cbd"]


def test_a_number_behind_it_makes_another_word() -> None:
    finder = TermFinder([Name("urn:i", "指标", "zh", True)])
    assert [m.start for m in finder.find("指标2.1和指标，任务指标", "zh")] == [6]


def test_names_of_no_words_and_unknown_languages_find_nothing() -> None:
    assert TermFinder([Name("urn:x", "(…)", "en"), Name("urn:y", "", "fr")]).find("x (…) y", "en") == ()
    assert FINDER.find("restoration", "de") == ()
    assert FINDER.find("", "en") == ()


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("conservation", "conservative", "en"),
        ("restoration", "restored", "en"),
        ("восстановление", "восстановлен", "ru"),
        ("sol", "sols", "ru"),
        ("creation", "recreation", "en"),
        ("basis", "base", "en"),
    ],
)
def test_other_words_share_no_key(one: str, other: str, language: str) -> None:
    assert not name_keys(one, language) & word_keys(other, language)


@pytest.mark.parametrize(
    ("name", "word", "language"),
    [
        ("species", "species", "en"),
        ("loss", "losses", "en"),
        ("organization", "organisations", "en"),
        ("littoral", "littoraux", "fr"),
        ("eau", "eaux", "fr"),
        ("paisaje", "paisajes", "es"),
        ("pez", "peces", "es"),
        ("внутренние", "внутренних", "ru"),
        ("участок", "участков", "ru"),
        ("устойчивость", "устойчивостью", "ru"),
        ("محمية", "المحميات", "ar"),
        ("تدهور", "تدهورًا", "ar"),
        ("النظم", "فللنظم", "ar"),
    ],
)
def test_inflected_forms_share_a_key(name: str, word: str, language: str) -> None:
    assert name_keys(name, language) & word_keys(word, language)


def test_folding_keeps_letters_of_their_own() -> None:
    assert fold("año", "es") != fold("ano", "es")
    assert fold("Ёлка", "ru") == "елка"


def test_a_long_text_takes_seconds_at_most() -> None:
    """Linear in the text: a megabyte of names, and one of what begins names and never ends them."""
    for unit, language in (
        ("ecosystem restoration and ", "en"),
        ("ecosystem ", "en"),
        ("生态系", "zh"),
        ("d'l'", "fr"),
    ):
        text = unit * (200_000 // len(unit))
        start = time.perf_counter()
        FINDER.find(text, language)
        assert time.perf_counter() - start < 10
