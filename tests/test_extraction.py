"""Gold lists per language in, recall and precision out; spans, hostile texts, and what the source note gives."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbdgraph.errors import InvalidName
from cbdgraph.extraction import (
    Definition,
    Quantity,
    Request,
    Span,
    find_definitions,
    find_quantities,
    find_requests,
    languages,
)
from cbdgraph.extraction.lexicon import ACTIONS, COMPARATORS, UNITS, load_lexicon
from cbdgraph.extraction.units import fold, split

LISTS = Path(__file__).parent / "lists"
ROOT = Path(__file__).parents[1]
NOTE = ROOT.parent / "shared" / "sources" / "sbstta-17-ecosystem-restoration.zh.txt"
Row = tuple[str, ...]


def _request_row(r: Request) -> Row:
    return r.action, ";".join([*r.addressees, *(f"?{words}" for words in r.unknown_addressees)]), r.certainty


def _quantity_row(q: Quantity) -> Row:
    doubt = "?" if q.reason else ""
    of_what = q.of_what.quote if q.of_what else "-"
    return q.comparator + doubt, str(q.value), q.unit, of_what, str(q.deadline or "-")


def _definition_row(d: Definition) -> Row:
    return d.term.quote, d.wording.quote, d.certainty


# Of each list: how many columns one find has, how many lines at least, and what is found in a text.
KINDS: dict[str, tuple[int, int, Callable[[str, str], list[Row]]]] = {
    "requests": (3, 25, lambda text, lang: [_request_row(r) for r in find_requests(text, lang)]),
    "quantities": (5, 15, lambda text, lang: [_quantity_row(q) for q in find_quantities(text, lang)]),
    "definitions": (3, 8, lambda text, lang: [_definition_row(d) for d in find_definitions(text, lang)]),
}
LANGUAGES = languages()


def _read_gold(kind: str, language: str) -> Iterator[tuple[str, list[Row]]]:
    path = LISTS / f"{kind}.{language}.tsv"
    width = KINDS[kind][0]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        text, *columns = line.split("\t")
        if columns == ["-"]:
            yield text, []
            continue
        assert columns, f"{path.name}:{number}: expected a text and what is found in it"
        assert len(columns) % width == 0, f"{path.name}:{number}: expected groups of {width} columns"
        yield text, [tuple(columns[at : at + width]) for at in range(0, len(columns), width)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_gold_list(kind: str, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, least, find = KINDS[kind]
    gold = list(_read_gold(kind, language))
    hits = misses = extras = 0
    wrong: list[str] = []
    for text, rows in gold:
        found, expected = Counter(find(text, language)), Counter(rows)
        hits += (found & expected).total()
        misses += (expected - found).total()
        extras += (found - expected).total()
        if found != expected:
            wrong.append(f"{text!r}\n    missing {expected - found}\n    extra {found - expected}")
    recall, precision = hits / (hits + misses), hits / (hits + extras)
    negatives = sum(not rows for _, rows in gold)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{kind} {language}: {len(gold)} lines, {negatives} without any, "
            f"recall {recall:.3f}, precision {precision:.3f}\n"
        )
    assert min(recall, precision) >= 0.99, "\n".join(wrong)
    assert len(gold) >= least
    assert negatives >= 2


@pytest.mark.parametrize(
    ("text", "language", "what"),
    [
        ("Urges Parties, and invites donors, to plant trees.", "en", ["plant trees", "plant trees"]),
        ("Requests the Executive Secretary to: (a) Ask; (b) Print, and invites Parties to read.", "en",
         ["(a) Ask; (b) Print", "read"]),
        ("(a) Requests the Executive Secretary to ask; (b) Invites Parties to answer.", "en", ["ask", "answer"]),
        ("Requests the Executive Secretary to invite Parties to read and to encourage donors to give.", "en",
         ["invite Parties to read and to encourage donors to give"]),
        ("Prie le Secrétaire exécutif de : a) lire; b) écrire.", "fr", ["a) lire; b) écrire"]),
        ("Pide al Secretario Ejecutivo que lea e invita a las Partes a que escriban.", "es", ["lea", "escriban"]),
        ("Просит Исполнительного секретаря читать и предлагает Сторонам писать.", "ru", ["читать", "писать"]),
        ("敦促缔约方并鼓励捐助方植树，以及报告。", "zh", ["植树，以及报告", "植树，以及报告"]),
        ("يحث الأطراف على القراءة، ويدعو الجهات المانحة إلى الكتابة.", "ar", ["القراءة", "الكتابة"]),
    ],
)  # fmt: skip
def test_what_is_asked(text: str, language: str, what: list[str]) -> None:
    assert [r.what.quote if r.what else "" for r in find_requests(text, language)] == what


def test_at_least_binds_to_its_own_figure_alone() -> None:
    first, second = find_quantities("At least 17 per cent of lakes and 10 per cent of reefs are safe.", "en")
    assert (first.comparator, first.certainty) == ("at-least", "certain")
    assert (second.comparator, second.certainty) == ("equal-to", "ambiguous")
    assert "At least" in second.reason


def test_unknown_language() -> None:
    for find in (find_requests, find_quantities, find_definitions):
        with pytest.raises(InvalidName, match="there are lexicons for"):
            find("Urges Parties to act.", "tlh")


# --- the tables of the record


def _literals(name: str) -> Iterator[tuple[str, str, str]]:
    """Actor, language and form of each label in the table of actors."""
    text = (ROOT / "data" / "turtle" / name).read_text(encoding="utf-8")
    pattern = r'^<actor/([a-z-]+)/(?:alt-)?label/[^>]*> a skosxl:Label ;\n\s+skosxl:literalForm "([^"]*)"@(\w+)'
    for actor, form, language in re.findall(pattern, text, re.MULTILINE):
        yield actor, language, form


def test_every_label_of_an_actor_is_known() -> None:
    labels = list(_literals("actors.ttl"))
    assert len(labels) > 80
    unknown = []
    for actor, language, form in labels:
        lexicon = load_lexicon(language)
        keys = split(form.replace("(s)", ""), lexicon.groups, lexicon.decimals).keys
        words = dict(lexicon.requests.get(keys[0], ()))
        if keys not in words or actor not in words[keys].values:
            unknown.append((actor, language, form))
    assert unknown == []


def test_lexicons_name_actors_of_the_record() -> None:
    actors = {actor for actor, _, _ in _literals("actors.ttl")}
    for language in LANGUAGES:
        for row in load_lexicon(language).requests.values():
            named = {value for _, word in row if word.kind == "actor" for value in word.values}
            assert named <= actors, (language, named - actors)


def test_schemes_are_those_of_the_vocabularies() -> None:
    text = (ROOT / "ontology" / "vocabularies.ttl").read_text(encoding="utf-8")
    for scheme, slugs in (("action", ACTIONS), ("comparator", COMPARATORS), ("unit", UNITS)):
        assert set(re.findall(rf"^<{scheme}/([a-z-]+)> a", text, re.MULTILINE)) == set(slugs)


# --- the source note, which is no part of the repository


@pytest.fixture(scope="module")
def note() -> dict[str, str]:
    """The numbered paragraphs and items of the note by how they begin."""
    if not NOTE.exists():
        pytest.skip("the source note is not beside this checkout")
    lines = NOTE.read_text(encoding="utf-8").splitlines()
    return {match[1]: line for line in reversed(lines) if (match := re.match(r"(\d+\.|\([a-c]\)) ", line))}


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("2.", [("urges", "parties"), ("encourages", "other-governments;relevant-organizations")]),
        ("3.", [("invites", "parties;other-governments;relevant-organizations"), ("requests", "executive-secretary"),
                ("calls-upon", "donors")]),
        ("24.", [("encourages", "parties"), ("urges", "donors"), ("encourages", "parties")]),
        *((f"{number}.", []) for number in (1, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23)),
        *((f"{number}.", []) for number in (25, 26, 27, 28)),
    ],
)  # fmt: skip
def test_requests_of_the_source_note(paragraph: str, expected: list[Row], note: dict[str, str]) -> None:
    found = find_requests(note[paragraph], "zh")
    assert [(r.action, ";".join(r.addressees)) for r in found] == expected
    assert not any(r.unknown_addressees for r in found)


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("1.", [("at-least", "15", "percent", "退化的生态系统", "2020")]),
        ("(b)", [("at-least", "50", "percent", "自然生境丧失的速度", "-"),
                 ("at-least", "17", "percent", "陆地和内陆水域", "-"),
                 ("equal-to?", "10", "percent", "沿海和海洋区域", "-"),
                 ("at-least", "15", "percent", "退化的生态系统", "-")]),
        ("11.", [("equal-to", "150000000", "hectare", "退化和毁林土地", "2020"),
                 ("nearly", "50000000", "hectare", "土地", "-")]),
    ],
)  # fmt: skip
def test_quantities_of_the_source_note(paragraph: str, expected: list[Row], note: dict[str, str]) -> None:
    assert KINDS["quantities"][2](note[paragraph], "zh") == expected


# --- any text

_PIECES = {
    language: sorted(
        {
            " ".join(phrase) if load_lexicon(language).has_case or language == "ar" else "".join(phrase)
            for index in (
                load_lexicon(language).requests,
                load_lexicon(language).quantities,
                load_lexicon(language).definitions,
            )
            for row in index.values()
            for phrase, _ in row
        }
    )
    for language in LANGUAGES
}
_SIGNS = sorted(
    {*'.,;:。，、；：؛،()"“”«»%$-\n', "\n\n", " ", "1,500", "5 000", "15", "2020", "(a)", "İ", "ß", "١٥", "ُ", "ـ"}
)


@st.composite
def _texts(draw: st.DrawFn) -> tuple[str, str]:
    language = draw(st.sampled_from(LANGUAGES))
    piece = st.sampled_from(_PIECES[language]) | st.sampled_from(_SIGNS) | st.text(max_size=4)
    joint = draw(st.sampled_from(["", " "]))
    return joint.join(draw(st.lists(piece, max_size=40))), language


def _spans(found: Request | Quantity | Definition) -> list[Span]:
    match found:
        case Request():
            spans = [found.verb, found.addressee, found.what]
        case Quantity():
            spans = [found.of_what]
        case Definition():
            spans = [found.term, found.mark, found.wording]
    return [span for span in spans if span is not None]


@given(_texts())
@settings(max_examples=800, deadline=None)
def test_spans_slice_back(drawn: tuple[str, str]) -> None:
    text, language = drawn
    for find in (find_requests, find_quantities, find_definitions):
        for found in find(text, language):
            assert text[found.start : found.end] == found.quote != ""
            assert bool(found.reason) == (found.certainty != "certain")
            for span in _spans(found):
                assert text[span.start : span.end] == span.quote != ""
                if not isinstance(found, Quantity):
                    assert found.start <= span.start < span.end <= found.end


@given(st.text())
@settings(deadline=None)
def test_folding_keeps_offsets(text: str) -> None:
    assert len(fold(text)) == len(text)


HOSTILE = {
    "en": ("Urges Parties, ", "Urges Parties to ", "Parties, ", "are invited ", "at least ", "15 per cent of ",
           "by 2020 ", '"', '"a" means ', "1 ", "1,000", "(a) ", "The Conference of the Parties requested ", "half ",
           "halved ", "US$ ", "US$ 1 ", "to ", "and ", ". ", "in collaboration with ", "\n ", "(", "means a "),
    "fr": ("Invite les Parties, ", "les ", "d'", "de ", "on entend par ", "on entend par « a ", "par "),
    "es": ("Pide al ", "a ", "Por a ", "se entiende ", "1.000 "),
    "ru": ("Просит ", "Стороны ", "под ", "понимается ", "до 2020 "),
    "zh": ("敦促", "缔约方", "缔约方、", "敦促缔约方并", "向", "提出呼吁", "至少", "15%", "5 000", "“", "“”是指",
           "的", "第", "缔约方提出呼吁"),
    "ar": ("و", "وو", "ويدعو ", "الأطراف ", "إلى ", "ُ", "يعني ", '"'),
}  # fmt: skip


def _calls(text: str, language: str) -> int:
    """How many functions run while `text` is read: work as a count, the same on any machine."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        find_requests(text, language)
        find_quantities(text, language)
        find_definitions(text, language)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_text_takes_linear_work(language: str) -> None:
    load_lexicon(language)
    for piece in HOSTILE[language]:
        small = _calls(piece * (4_000 // len(piece)), language)
        large = _calls(piece * (32_000 // len(piece)), language)
        assert large < 10 * small + 1_000, f"{piece!r}: {small} calls for 4 kB, {large} for 32 kB"


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["(", "9", "第", "1,000", "\n ", "敦促缔约方、", "15%"])
def test_a_long_text_ends(piece: str) -> None:
    text = piece * (250_000 // len(piece))
    for language in ("en", "zh"):
        for find in (find_requests, find_quantities, find_definitions):
            assert all(text[found.start : found.end] == found.quote for found in find(text, language))
