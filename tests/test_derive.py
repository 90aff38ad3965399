"""What is computed: positions in reading order, and labels where no source gives one."""

from __future__ import annotations

from rdflib import RDFS, Literal, URIRef

from cbdgraph.locators import Locator
from cbdgraph.namespaces import BASE, PREFIXES, expand
from cbdgraph.rdf.derive import CODES, GRAPHS, LABELS, PAGES, POSITIONS, derive, name_locator, name_symbol
from cbdgraph.rdf.turtle import parse_turtle
from cbdgraph.symbols import Symbol

PREFIX_LINES = f"@base <{BASE}> .\n" + "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
POSITION = URIRef(expand("cbd:position"))


def positions(turtle: str) -> dict[str, int]:
    made = derive(parse_turtle(PREFIX_LINES + turtle).triples)[POSITIONS]
    assert all(predicate == POSITION for _, predicate, _ in made)
    return {str(part).removeprefix(BASE): int(str(place)) for part, _, place in made}


def labels(turtle: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for thing, predicate, label in derive(parse_turtle(PREFIX_LINES + turtle).triples)[LABELS]:
        assert predicate == RDFS.label
        assert isinstance(label, Literal)
        found.setdefault(str(thing).removeprefix(BASE), {})[label.language or ""] = str(label)
    return found


def part(root: str, locator: str) -> str:
    parent = str(Locator.parse(locator).parent)
    holder = f"{root}/{parent}" if parent else root
    return f'<{root}/{locator}> a cbd:Element ; cbd:parent <{holder}> ; cbd:locator "{locator}" .\n'


def test_parts_stand_in_reading_order_whatever_their_order_in_the_file() -> None:
    order = ["para/2", "para/2/item/b", "para/2/item/c", "para/10", "annex/1", "annex/1/para/1", "annex/2"]
    turtle = "".join(part("decision/cop/7/5", locator) for locator in reversed(order))
    assert positions(turtle) == {f"decision/cop/7/5/{locator}": place for place, locator in enumerate(order, 1)}


def test_every_text_counts_for_itself() -> None:
    found = positions(
        part("decision/cop/7/5", "para/9") + part("document/n", "para/1") + part("document/n", "para/2")
    )
    assert found == {"decision/cop/7/5/para/9": 1, "document/n/para/1": 1, "document/n/para/2": 2}


def test_a_position_that_is_asserted_stays_and_a_bad_locator_gets_none() -> None:
    turtle = part("document/n", "para/1") + "<document/n/para/1> cbd:position 7 ." + part("document/n", "para/2")
    turtle += '<document/n/x> a cbd:Element ; cbd:parent <document/n> ; cbd:locator "chapter/1" .'
    assert positions(turtle) == {"document/n/para/2": 2}


def test_a_circle_of_parents_does_not_hang() -> None:
    turtle = '<a> cbd:parent <b> ; cbd:locator "para/1" . <b> cbd:parent <a> ; cbd:locator "para/2" .'
    assert set(positions(turtle)) == {"a", "b"}


def test_decisions_are_named_in_six_languages() -> None:
    assert labels("<decision/cop/11/16> a cbd:Decision .") == {
        "decision/cop/11/16": {
            "en": "Decision XI/16",
            "fr": "Décision XI/16",
            "es": "Decisión XI/16",
            "ru": "Решение XI/16",
            "zh": "第XI/16号决定",
            "ar": "المقرر 11/16",
        }
    }


def test_protocols_keep_their_codes_in_arabic_and_late_sessions_are_arabic_everywhere() -> None:
    assert name_symbol(Symbol("cp-mop", 8, 16))["ar"] == "المقرر CP-VIII/16"
    assert name_symbol(Symbol("cop", 15, 4))["fr"] == "Décision 15/4"
    assert name_symbol(Symbol("sbstta", 15, 2))["en"] == "SBSTTA recommendation XV/2"
    assert name_symbol(Symbol("sbstta", 15, 2))["ar"] == "التوصية 15/2 (SBSTTA)"


def test_parts_citations_and_figures_are_named_in_english() -> None:
    turtle = part("decision/cop/11/16", "para/5") + part("decision/cop/11/16", "para/5/item/d")
    turtle += "<decision/cop/11/16/para/5/item/d/citation/2> a cbd:Citation ."
    turtle += '<activity/a> rdfs:label "Study"@en . <activity/a/result/1> a cbd:Outcome .'
    turtle += "<activity/a/quantity/1> a cbd:QuantitativeElement ; cbd:comparator <comparator/at-least> ; "
    turtle += 'cbd:value 15.0 ; cbd:unit <unit/percent> ; cbd:ofWhat "degraded ecosystems"@en .'
    found = labels(turtle)
    assert found["decision/cop/11/16/para/5/item/d"] == {"en": "Decision XI/16, paragraph 5, item d"}
    assert found["decision/cop/11/16/para/5/item/d/citation/2"] == {
        "en": "Decision XI/16, paragraph 5, item d, citation 2"
    }
    assert found["activity/a/result/1"] == {"en": "Study, result 1"}
    assert found["activity/a/quantity/1"] == {"en": "at least 15 percent: degraded ecosystems"}


def test_documents_are_named_by_title_else_symbol_else_slug() -> None:
    turtle = '<document/a> a cbd:Document ; cbd:title "题"@zh, "Title"@en ; cbd:symbol "CBD/A" .'
    turtle += '<document/b> a cbd:Document ; cbd:symbol "CBD/B" . <document/c-d> a cbd:Document .'
    turtle += part("document/a", "footnote/3") + part("document/b", "para/1") + part("document/c-d", "para/2")
    found = labels(turtle)
    assert found["document/a"] == {"zh": "题", "en": "Title"}
    assert found["document/b"] == {"en": "CBD/B"}
    assert found["document/c-d"] == {"en": "c-d"}
    assert found["document/a/footnote/3"] == {"en": "CBD/A, footnote 3"}
    assert found["document/b/para/1"] == {"en": "CBD/B, paragraph 1"}
    assert found["document/c-d/para/2"] == {"en": "c-d, paragraph 2"}


def test_a_document_without_title_or_symbol_is_named_by_a_short_summary() -> None:
    short, long = "A page of the site.", "A page. " * 60
    turtle = f'<document/a> a cbd:Document ; cbd:summary "{short}"@en .'
    turtle += f'<document/b> a cbd:Document ; cbd:summary "{long}"@en .'
    assert labels(turtle) == {"document/a": {"en": "A page of the site"}, "document/b": {"en": "b"}}


def test_decisions_get_their_codes_and_page_and_other_texts_none() -> None:
    made = derive(
        parse_turtle(
            PREFIX_LINES
            + "<decision/cop/11/16> a cbd:Decision . <recommendation/sbstta/15/2> a cbd:Recommendation ."
            + part("decision/cop/11/16", "para/5/item/d")
            + part("decision/cop/11/16", "annex/1/para/2")
        ).triples
    )
    codes = {(str(thing).removeprefix(BASE), str(code)) for thing, _, code in made[CODES]}
    assert codes == {
        ("decision/cop/11/16", "UNEP/CBD/COP/DEC/XI/16"),
        ("decision/cop/11/16", "CBD/COP/11/16"),
        ("decision/cop/11/16/para/5/item/d", "CBD/COP/11/16.05.04"),
    }
    assert {str(page) for _, _, page in made[PAGES]} == {
        "https://www.cbd.int/decisions/cop/11/16",
        "https://www.cbd.int/decisions/cop/11/16/5.d",
    }


def test_what_has_a_label_gets_none_and_what_is_not_ours_neither() -> None:
    turtle = '<decision/cop/1/1> a cbd:Decision ; rdfs:label "Own"@en . <issue/x> a cbd:Issue ; skos:prefLabel "X" .'
    turtle += (
        "<target/y> a cbd:Target ; skosxl:prefLabel <target/y/label/en> . <http://example.org/z> a cbd:Document ."
    )
    turtle += '<target/y/label/en> a skosxl:Label ; skosxl:literalForm "Y"@en .'
    assert labels(turtle) == {}


def test_places_in_words() -> None:
    assert name_locator(Locator.parse("appendix/3/section/d/para/10")) == "appendix 3, section D, paragraph 10"


def test_the_same_input_gives_the_same_triples_and_all_graphs_are_described() -> None:
    triples = parse_turtle(PREFIX_LINES + part("decision/cop/7/5", "para/9") + part("document/n", "para/1")).triples
    assert derive(triples) == derive(reversed(triples))
    assert set(derive(triples)) == set(GRAPHS)
