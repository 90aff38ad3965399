"""Pages of resources: groups in reading order, words, numbers, origins, what points here, languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cbdgraph.namespaces import BASE, GRAPHS, expand
from cbdgraph.server.negotiate import choose_language
from cbdgraph.server.statements import group_values, pick, read_names, short, words_of
from tests.test_server_running import make_release, make_root, running

HTML = {"Accept": "text/html"}
LABEL, PREFERRED, KIND = expand("rdfs:label"), expand("skos:prefLabel"), expand("rdf:type")


def _row(name: str, value: str, kind: str = "uri", graphs: str = "", **more: str) -> dict[str, Any]:
    return {
        "property": {"type": "uri", "value": expand(name)},
        "near": {"type": kind, "value": value, **more},
        "graphs": {"type": "literal", "value": graphs},
    }


def test_groups_stand_in_reading_order_and_values_by_number() -> None:
    rows = [
        _row("dcterms:source", f"{BASE}document/x"),
        *(_row("cbd:addressesTarget", f"{BASE}target/aichi/{number}") for number in (10, 2, 1)),
        _row("cbd:funder", f"{BASE}actor/japan"),
        _row("cbd:summary", "What it says", "literal"),
        _row("cbd:isPartOf", f"{BASE}decision/cop/11/16"),
        _row("cbd:citedBy", f"{BASE}document/y"),
        _row("rdf:type", f"{BASE}ontology#Decision"),
        _row("rdfs:label", "第5段", "literal", **{"xml:lang": "zh"}),
        _row("rdfs:label", "paragraph 5", "literal", **{"xml:lang": "en"}),
    ]
    groups = group_values(rows, {expand("cbd:isPartOf"): {"en": "is part of"}}, "zh")
    expected = ["label", "kind", "is part of", "summary", "addresses target", "funder", "cited by", "source"]
    assert [group.words for group in groups] == expected
    assert [value.term["value"].rpartition("/")[2] for value in groups[4].values] == ["1", "2", "10"]
    assert [value.term["xml:lang"] for value in groups[0].values] == ["zh", "en"], "the page's language stands first"
    assert group_values(rows, {}, "en", {expand("cbd:funder"): 7})[5].count == 7


def test_origins() -> None:
    rule, derived, stated = f"{GRAPHS}inferred/prp-trp", f"{GRAPHS}derived/labels", f"{GRAPHS}decisions/cop-11"
    names = {rule: {"en": "inferred: a part of a part is a part"}}
    rows = [_row("cbd:isPartOf", "x:1", graphs=rule), _row("cbd:isPartOf", "x:2", graphs=f"{stated} {rule}")]
    group = group_values(rows, names, "en")[0]
    assert group.origins == ()
    (origin,) = group.values[0].origins
    assert (origin.how, origin.rule, origin.meaning) == ("inferred", "prp-trp", "a part of a part is a part")
    assert group.values[1].origins == (), "what is stated anywhere is stated"
    shared = group_values([_row("rdfs:label", "x", "literal", graphs=derived)], {}, "en")[0]
    assert [(origin.how, origin.rule) for origin in shared.origins] == [("computed", "labels")]


def test_names() -> None:
    def label(naming: str, text: str, language: str) -> dict[str, Any]:
        return {
            "node": {"type": "uri", "value": "x:y"},
            "naming": {"type": "uri", "value": naming},
            "label": {"type": "literal", "value": text, "xml:lang": language},
        }

    names = read_names([label(LABEL, "plain", "en"), label(PREFERRED, "best", "en"), label(LABEL, "اسم", "ar")])
    assert names == {"x:y": {"en": "best", "ar": "اسم"}}
    arabic = pick(names["x:y"], "ar")
    assert arabic is not None
    assert (arabic.text, arabic.direction) == ("اسم", "rtl")
    assert pick(names["x:y"], "fr") == pick(names["x:y"], "en")
    assert pick({"ru": "имя"}, "fr") == pick({"ru": "имя"}, "ru")
    assert pick({}, "en") is None
    assert short(f"{BASE}ontology#number") == "cbd:number"
    assert short("http://example.org/") == "http://example.org/"
    for iri, words in (
        (expand("skosxl:prefLabel"), "name as a record"),
        (expand("cbd:citedPart"), "cited part"),
        ("http://example.org/someThing", "some thing"),
        ("http://example.org/", "example.org"),
        ("urn:x", "x"),
    ):
        assert words_of(iri, {}) == words


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "en"),
        ("de", "en"),
        ("fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("de, zh-Hans-CN;q=0.8, ru;q=0.4", "zh"),
        ("ar;q=0", "en"),
        ("es;q=x, *", "en"),
        (";,;;q=, ru", "ru"),
    ],
)
def test_languages(accept: str, expected: str) -> None:
    assert choose_language(None, accept) == expected
    assert choose_language("es", accept) == "es"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """An issue that 25 decisions are on, by inference; it has names in three languages, one of them Arabic."""
    issue, on = f"<{BASE}issue/forest-biodiversity>", f"<{expand('cbd:onIssue')}>"
    root = make_root(tmp_path_factory.mktemp("root"))
    graphs = {
        f"{GRAPHS}issues": [
            f"{issue} <{KIND}> <{BASE}ontology#Issue> .",
            *(
                f'{issue} <{PREFERRED}> "{name}"@{code} .'
                for code, name in (("en", "Forests"), ("fr", "Forêts"), ("ar", "الغابات"))
            ),
        ],
        f"{GRAPHS}ontology": [f'{on} <{LABEL}> "on issue"@en .'],
        f"{GRAPHS}inferred/prp-spo2": [f"<{BASE}decision/cop/5/{n}> {on} {issue} ." for n in range(1, 26)],
        f"{GRAPHS}decisions": [
            f"<{BASE}decision/cop/5/{n}> <{KIND}> <{BASE}ontology#Decision> ." for n in range(1, 26)
        ],
        f"{GRAPHS}catalog": [f'<{GRAPHS}inferred/prp-spo2> <{LABEL}> "inferred: a rule"@en .'],
    }
    make_release(root, graphs)
    with running(root=root, workers=1) as client:
        yield client


def test_what_points_here_is_counted_and_the_rest_is_a_query(service: httpx.Client) -> None:
    page = service.get("/issue/forest-biodiversity", headers=HTML).text
    incoming = page.partition('id="incoming"')[2]
    assert re.findall(r'href="/decision/cop/5/(\d+)"', incoming) == [str(n) for n in range(1, 11)]
    assert "and 15 more" in incoming
    assert 'title="cbd:onIssue">on issue</a> <small>25</small>' in incoming
    assert re.findall(r'href="/why\?[^"]*" title="a rule">inferred: prp-spo2</a>', incoming)
    link = re.search(r'href="(/sparql\?query=[^"]*)"', incoming)
    assert link is not None
    assert "SELECT ?resource ?label" in parse_qs(urlsplit(unescape(link[1])).query)["query"][0]
    rows = service.get(unescape(link[1]) + "&format=json").json()["results"]["bindings"]
    assert len(rows) == 25


def test_names_follow_the_reader(service: httpx.Client) -> None:
    def get(lang: str = "", accept: str = "") -> httpx.Response:
        parameters = {"format": "html", **({"lang": lang} if lang else {})}
        return service.get("/issue/forest-biodiversity", params=parameters, headers={"Accept-Language": accept})

    assert '<h1 lang="en" dir="auto">Forests</h1>' in get().text
    assert '<h1 lang="fr" dir="auto">Forêts</h1>' in get(accept="fr-FR, en;q=0.5").text
    assert '<h1 lang="ar" dir="rtl">الغابات</h1>' in get("ar", "fr").text
    assert '<bdi lang="ar" dir="rtl">الغابات</bdi>' in get().text
    assert '<h1 lang="en" dir="auto">Forests</h1>' in get("zh").text, "English where there is no Chinese name"
    assert len({get(lang).headers["etag"] for lang in ("en", "fr", "ar")}) == 3
    assert get().headers["vary"] == "Accept, Accept-Language"
    assert get("xx").status_code == 400
