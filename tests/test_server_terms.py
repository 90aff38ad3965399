"""Terms for reviewers: filters of the list, the page of a term, two definitions compared; hostile names; the desk."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyoxigraph
import pytest

from cbdgraph.desk import FILE, Desk, Draft
from cbdgraph.model import Text
from cbdgraph.namespaces import BASE, LANGUAGES, expand
from cbdgraph.server.listed import HYDRA
from cbdgraph.server.pages import CSP
from cbdgraph.server.term_compare import VERDICTS
from cbdgraph.server.term_filter import GAPS, SORTS
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from cbdgraph.terminology.wordings import LONGEST, compare_wordings, find_words
from tests.conftest import ROOT
from tests.cutting import make_log, publish_log
from tests.test_server_lists import READERS, links_of, walk
from tests.test_server_pages import HTML, check
from tests.test_server_running import MARKUP, TYPE, make_release, make_root, problem, running

TERM = f"{BASE}term/ecosystem-restoration"
PATH = "/term/ecosystem-restoration"
LARGEST = 100 * 1024  # bytes of the page of a term
_TAGS = re.compile(r"<[^>]*>")


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    """The service with the real data, and no desk."""
    with running(root=ROOT, build=release.path.parents[1], desk=release.path / "no-desk", workers=1) as client:
        yield client


def slugs(service: httpx.Client, query: str) -> list[str]:
    """The terms of a list in JSON, over all its pages."""
    members = [m for page in walk(service, f"/terms/?format=json&{query}") for m in page.json()["members"]]
    return [member["iri"].removeprefix(f"{BASE}term/") for member in members]


def ask(graph: Store, body: str) -> set[str]:
    """The slugs of the terms of which a pattern holds."""
    prefixes = "".join(f"PREFIX {p}: <{expand(p + ':')}>\n" for p in ("cbd", "skos", "skosxl", "dcterms"))
    rows = graph.select(f"{prefixes} SELECT DISTINCT ?term {{ ?term a cbd:Term . {body} }}").rows
    return {row["term"].value.removeprefix(f"{BASE}term/") for row in rows}


# The list.


def test_each_filter_lets_through_what_the_graph_says(service: httpx.Client, graph: Store) -> None:
    name = "?term skosxl:prefLabel ?label . ?label skosxl:literalForm ?form FILTER(LANG(?form) = 'es')"
    origin = f"?label cbd:labelOrigin <{BASE}label-origin/source>"
    wording = "?d cbd:definitionOf ?term ; cbd:wording ?w FILTER(LANG(?w) = 'es')"
    expected = {
        "language=es": f"{{ {name} }}",
        "gaps=es&missing=name": f"FILTER NOT EXISTS {{ {name} }}",
        "gaps=es&missing=source": f"FILTER EXISTS {{ {name} }} FILTER NOT EXISTS {{ {name} {origin} }}",
        "gaps=es&missing=definition": f"FILTER NOT EXISTS {{ {wording} }}",
        "gaps=es": f"FILTER(NOT EXISTS {{ {name} {origin} }} || NOT EXISTS {{ {wording} }})",
        "": "",
    }
    for query, body in expected.items():
        assert set(slugs(service, query)) == ask(graph, body), query
    everything = set(slugs(service, ""))
    assert set(slugs(service, "gaps=es&missing=source")) != everything
    assert slugs(service, "q=&issue=&language=&gaps=&missing=&disputed=&sort=") == slugs(service, ""), "an empty form"


def test_terms_of_an_issue(service: httpx.Client, graph: Store) -> None:
    rows = graph.select(
        f"SELECT ?issue (COUNT(DISTINCT ?t) AS ?n) {{ ?t a <{expand('cbd:Term')}> ; "
        f"<{expand('dcterms:subject')}> ?issue }} GROUP BY ?issue ORDER BY DESC(?n)"
    ).rows
    if not rows:
        pytest.skip("no term names an issue yet")
    issue, count = rows[0]["issue"].value, int(rows[0]["n"].value)
    for said in (issue, issue.removeprefix(BASE), issue.removeprefix(f"{BASE}issue/")):
        assert len(slugs(service, f"issue={said}")) == count
    assert slugs(service, "issue=no-such-issue") == []


def test_a_word_is_found_in_any_language_whatever_its_accents(service: httpx.Client) -> None:
    for word in (
        "ecosystem restor",
        "RESTAURATION DES ECOSYSTEMES",
        "生态系统恢复",
        "восстановление экосистем",
        "الايكولوجيه",
    ):
        found = slugs(service, f"q={word}")
        if word != "الايكولوجيه":
            assert "ecosystem-restoration" in found, word
        assert len(found) < len(slugs(service, "")), word
    assert "ecosystem-restoration" in slugs(service, "q=استعادة النظم الايكولوجية"), "a hamza more or less"
    assert slugs(service, "q=no such word") == []
    assert slugs(service, "q=%25_*") == [], "what is a sign in a pattern is a sign here"


def test_disputed_features_are_those_that_no_answer_is_common_to(service: httpx.Client, graph: Store) -> None:
    found = slugs(service, "disputed=features")
    answers = (
        "?d cbd:definitionOf ?term . ?f cbd:featureOf ?d ; cbd:dimension ?q ; cbd:featureValue ?v . "
        "?e cbd:definitionOf ?term . ?g cbd:featureOf ?e ; cbd:dimension ?q ; cbd:featureValue ?w . "
        f"FILTER(?v != <{BASE}feature/not-said> && ?w != <{BASE}feature/not-said>) "
        "FILTER NOT EXISTS { ?f cbd:featureValue ?both . ?g cbd:featureValue ?both }"
    )
    assert set(found) == ask(graph, answers)
    assert "ecosystem-restoration" in found


def test_orders(service: httpx.Client) -> None:
    counts = [m["definitions"] for m in service.get("/terms/?sort=definitions").json()["members"]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]
    names = [m["label"] for m in service.get("/terms/?sort=name&lang=en").json()["members"]]
    assert names == sorted(names, key=str.casefold)
    assert sorted(slugs(service, "sort=gaps")) == sorted(slugs(service, ""))
    # RDF has one order, whatever a browser would like to read.
    ask_in = {"Accept-Language": "zh", "Accept": "text/turtle"}
    assert service.get("/terms/?sort=name", headers=ask_in).content == service.get("/terms.ttl?sort=name").content


@pytest.mark.parametrize("kind", list(READERS))
def test_each_format_is_filtered_alike(service: httpx.Client, kind: str) -> None:
    query = "gaps=ar&missing=source&sort=gaps"
    wanted = [f"{BASE}term/{slug}" for slug in slugs(service, query)]
    pages = list(walk(service, f"/terms/?format={kind}&{query}"))
    found = [iri for page in pages for iri in READERS[kind](page)]
    assert sorted(found) == sorted(wanted)
    if kind in {"json", "csv", "tsv"}:
        assert found == wanted


def test_a_filtered_list_in_rdf_is_a_collection_of_its_own(service: httpx.Client) -> None:
    store = pyoxigraph.Store()
    store.load(service.get("/terms.ttl?gaps=ar&missing=source").content, pyoxigraph.RdfFormat.TURTLE)
    (total,) = store.quads_for_pattern(None, pyoxigraph.NamedNode(f"{HYDRA}totalItems"), None)
    assert str(total.subject) == f"<{BASE}terms/?gaps=ar&missing=source>"
    document = service.get("/terms/?gaps=ar&missing=source").json()
    assert isinstance(total.object, pyoxigraph.Literal)
    assert total.object.value == str(document["total"])
    assert document["filters"] == {"gaps": "ar", "missing": "source"}
    assert "filters" not in service.get("/terms/").json()


def test_pages_keep_the_filter(service: httpx.Client) -> None:
    response = service.get("/terms/?language=en&sort=name&lang=fr&format=csv")
    for where in links_of(response).values():
        assert parse_qs(urlsplit(where).query).items() >= {"language": ["en"], "sort": ["name"]}.items()
    document = problem(service.get("/terms/?page=99&q=restoration"), "not-found")
    assert document["suggestions"] == ["/terms/?page=1&q=restoration"]
    page = service.get("/terms/?language=en&sort=name", headers=HTML).text
    for link in check(page).links:
        if link.startswith("/terms/?") and "page=" in link:
            assert "language=en" in link
            assert "sort=name" in link


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("gaps=de", "gaps"),
        ("gaps=fr&missing=all", "missing"),
        ("missing=name", "missing"),
        ("language=xx", "language"),
        ("disputed=1", "disputed"),
        ("sort=random", "sort"),
        ("q=" + "x" * 201, "q"),
        ("issue=a b<c>", "issue"),
    ],
)
def test_what_is_no_filter(service: httpx.Client, query: str, name: str) -> None:
    assert name in problem(service.get(f"/terms/?{query}"), "parameter")["detail"]
    check(service.get(f"/terms/?{query}", headers=HTML).text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_list_for_people(service: httpx.Client, lang: str) -> None:
    response = service.get("/terms/", params={"lang": lang}, headers=HTML)
    assert response.headers["content-security-policy"] == CSP
    page = check(response.text)
    assert len(response.content) < 160 * 1024
    heads = re.findall(r'<th scope="col"><span lang="(\w\w)" dir="(\w+)">', response.text)
    assert heads[0][0] == lang
    assert dict(heads) == {code: "rtl" if code == "ar" else "auto" for code in LANGUAGES}
    assert {control.get("name") for control in page.controls} >= {
        "q",
        "language",
        "gaps",
        "missing",
        "disputed",
        "sort",
    }
    rows = response.text.partition("<tbody>")[2].count("<tr>")
    assert rows == len(service.get("/terms/").json()["members"])


def test_a_gap_is_said_in_words(service: httpx.Client) -> None:
    missing = slugs(service, "gaps=ar&missing=source")
    page = service.get("/terms/?gaps=ar&missing=source&lang=ar", headers=HTML).text
    assert page.count('<small class="ours"') >= min(len(missing), 100)
    empty = service.get("/terms/?q=nothing is called that", headers=HTML).text
    check(empty)
    assert "No term is like that" in empty
    assert 'value="nothing is called that"' in empty


def test_openapi_tells_the_filters(service: httpx.Client) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    named = {each["name"] for each in paths["/terms"]["get"]["parameters"]}
    assert named >= {"q", "issue", "language", "gaps", "missing", "disputed", "sort", "page", "lang", "format"}
    assert "q" not in {each["name"] for each in paths["/issues"]["get"]["parameters"]}
    assert {each["name"] for each in paths["/terms/compare"]["get"]["parameters"]} >= {"term", "one", "other"}
    assert set(GAPS) == {"name", "source", "definition"}
    assert "path" in SORTS


# The page of a term.


def section(page: str, name: str) -> str:
    return page.partition(f'<h2 id="{name}"')[2].partition("<h2 ")[0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_of_a_term(service: httpx.Client, graph: Store, lang: str) -> None:
    response = service.get(PATH, params={"lang": lang}, headers=HTML)
    assert response.headers["content-security-policy"] == CSP
    assert response.headers["vary"] == "Accept, Accept-Language"
    assert len(response.content) <= LARGEST
    page = check(response.text)
    names = section(response.text, "names")
    for row in graph.select(
        f"SELECT ?form {{ <{TERM}> <{expand('skosxl:prefLabel')}>|<{expand('skosxl:altLabel')}> ?label . "
        f"?label <{expand('skosxl:literalForm')}> ?form }}"
    ).rows:
        form = row["form"]
        assert isinstance(form, Text)
        way = "rtl" if form.language == "ar" else "auto"
        assert re.search(f'lang="{form.language}" dir="{way}">{re.escape(form.value)}</bdi>', names), form
    assert "this project’s wording" in names
    assert "in use at" in names
    cards = section(response.text, "definitions")
    rows = graph.select(
        f"SELECT ?d ?w {{ ?d <{expand('cbd:definitionOf')}> <{TERM}> ; <{expand('cbd:wording')}> ?w }}"
    ).rows
    for row in rows:
        slug = row["d"].value.rpartition("/")[2]
        assert f'id="definition-{slug}"' in cards
        assert row["w"].value in unescape(cards)
        assert row["d"].value.removeprefix(BASE.rstrip("/")) in page.links
    # All that a resource has: formats, its data block, what is said of it, what points here.
    for needed in ('rel="canonical"', 'type="application/ld+json"', "In the graph", "What points here", "As <a"):
        assert needed in response.text, needed


def test_every_term_has_a_valid_page_that_is_not_large(service: httpx.Client, graph: Store) -> None:
    for slug in sorted(ask(graph, "")):
        response = service.get(f"/term/{slug}", headers=HTML)
        assert response.status_code == 200, slug
        assert len(response.content) <= LARGEST, slug
        check(response.text)


def test_data_formats_stay_as_they_are(service: httpx.Client) -> None:
    for query in ("", "?compare=none,nothing&by=never"):
        assert service.get(f"{PATH}{query}", headers={"Accept": "text/turtle"}).status_code == 200
        assert service.get(f"{PATH}.json{query}").json()["iri"] == TERM


def test_orders_of_definitions(service: httpx.Client) -> None:
    def shown(query: str) -> list[str]:
        text = service.get(f"{PATH}?{query}", headers=HTML).text
        check(text)
        return re.findall(r'<article class="card" id="definition-([^"]*)"', text)

    by_date, by_source, by_language = shown(""), shown("by=source"), shown("by=language")
    assert sorted(by_date) == sorted(by_source)
    assert by_date != by_source
    assert {slug.removesuffix("-en") for slug in by_language} >= set(by_date)
    text = service.get(PATH, headers=HTML).text
    years = re.findall(r'-title">[a-z0-9-]+ <small>(\d{4}|no year)<', text)
    assert years == sorted(years)
    assert shown("wording=en") == by_date
    assert shown("wording=ar") == [] or 'dir="rtl"' in service.get(f"{PATH}?wording=ar", headers=HTML).text


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("by=size", "parameter"),
        ("wording=xx", "parameter"),
        ("uses=0", "parameter"),
        ("uses=x", "parameter"),
        ("compare=ipbes-ldr", "parameter"),
        ("compare=a,b,c", "parameter"),
        ("compare=ipbes-ldr,none", "unknown-resource"),
        ("compare=<script>,ipbes-ldr", "unknown-resource"),
        ("compare=" + "x" * 2000 + ",y", "parameter"),
    ],
)
def test_what_a_page_cannot_show(service: httpx.Client, query: str, kind: str) -> None:
    response = service.get(f"{PATH}.html?{query}", headers={"Accept": "*/*"})
    page = service.get(f"{PATH}?{query}", headers=HTML)
    assert page.status_code == response.status_code == (404 if kind == "unknown-resource" else 400)
    check(page.text)
    assert "<script>," not in page.text


def test_the_features_matrix_says_what_the_graph_says(service: httpx.Client, graph: Store) -> None:
    page = service.get(PATH, headers=HTML).text
    matrix = section(page, "features").partition("<tbody>")[2]
    rows = graph.select(
        f"SELECT ?f ?v ?basis {{ ?d <{expand('cbd:definitionOf')}> <{TERM}> . ?f <{expand('cbd:featureOf')}> ?d ; "
        f"<{expand('cbd:featureValue')}> ?v ; <{expand('cbd:basis')}> ?basis }}"
    ).rows
    assert rows
    for row in rows:
        href = row["f"].value.removeprefix(BASE.rstrip("/"))
        cell = matrix.partition(f'href="{href}"')[2].partition("</td>")[0]
        if row["v"].value == f"{BASE}feature/not-said":
            assert "not said" in cell
        else:
            basis = row["basis"].value.rpartition("/")[2]
            assert f'class="answer-{basis}"' in cell
            assert ("<small>inferred</small>" in cell) == (basis == "inferred")
    assert matrix.count("they contradict") >= 1
    assert len(re.findall('<th scope="row">', matrix)) == matrix.count("<tr")
    csv_link = re.findall(r'href="(/query/features-of-term[^"]*format=csv)"', page)[0]
    assert len(list(csv.reader(io.StringIO(service.get(unescape(csv_link)).text)))) == len(rows) + 1


def test_the_page_of_a_definition_leads_to_its_place(service: httpx.Client) -> None:
    page = service.get(f"{PATH}/definition/ipbes-ldr", headers=HTML).text
    check(page)
    assert f'href="{PATH}#definition-ipbes-ldr"' in page
    assert f'href="{PATH}#features"' in page
    assert 'id="definition-ipbes-ldr"' in service.get(PATH, headers=HTML).text
    older = service.get(f"/release/0.2.0{PATH}/definition/ipbes-ldr", headers=HTML)
    assert older.status_code in {200, 404}


def test_relations_stand_as_a_tree(service: httpx.Client) -> None:
    page = service.get("/term/ecological-restoration", headers=HTML).text
    tree = page.partition('<div class="tree">')[2].partition("</div>")[0]
    assert tree.index(f'href="{PATH}"') < tree.index('aria-current="page"')


def test_uses_are_those_of_the_query(service: httpx.Client) -> None:
    listed = service.get("/query/uses-of-term?term=ecosystem-restoration")
    page = service.get(PATH, headers=HTML).text
    if listed.status_code == 404:
        assert 'id="uses"' not in page
        return
    rows = listed.json()["rows"]
    parts = {row["part"] for row in rows}
    shown: set[str] = set()
    number = 1
    while True:
        text = service.get(f"{PATH}?uses={number}", headers=HTML).text
        check(text)
        uses = section(text, "uses")
        shown |= set(re.findall(r'<li><a href="([^"]*)"', uses))
        if "Next" not in uses:
            break
        number += 1
    assert shown == {unescape(part.removeprefix(BASE.rstrip("/"))) for part in parts}
    for row in rows[:5]:
        assert f">{row['form']}</q>" in service.get(PATH, headers=HTML).text


# Two definitions, word by word.


def test_two_definitions_as_json(service: httpx.Client) -> None:
    response = service.get("/terms/compare?term=ecosystem-restoration&one=ipbes-ldr&other=unep-2021")
    document: dict[str, Any] = response.json()
    one, other = document["one"]["wording"], document["other"]["wording"]
    for side, text in (("one", one), ("other", other)):
        spans = [step[side] for step in document["difference"]["steps"]]
        assert "".join(span["text"] for span in spans) == text
        assert all(text[span["start"] : span["end"]] == span["text"] for span in spans)
    assert {step["operation"] for step in document["difference"]["steps"]} <= {"equal", "delete", "insert", "replace"}
    assert document["difference"]["complete"] is True
    assert document["language"] == "en"
    verdicts = {each["dimension"].rpartition("/")[2]: each["verdict"] for each in document["features"]}
    assert set(verdicts.values()) <= VERDICTS.keys()
    rows = service.get(
        "/query/compare-definitions?definition=ecosystem-restoration/definition/ipbes-ldr"
        "&other=ecosystem-restoration/definition/unep-2021"
    ).json()["rows"]
    assert {row["dimension"].rpartition("/")[2]: row["verdict"] for row in rows} == verdicts
    for name, where in document["links"].items():
        assert service.get(where).status_code == 200, name
    assert service.get(document["links"]["json"]).json()["difference"] == document["difference"]


def test_two_definitions_as_a_table(service: httpx.Client) -> None:
    given = {"term": "ecosystem-restoration", "one": "ipbes-ldr", "other": "unep-2021"}
    rows = list(csv.DictReader(io.StringIO(service.get("/terms/compare", params={**given, "format": "csv"}).text)))
    document = service.get("/terms/compare", params=given).json()
    assert [row["verdict"] for row in rows if row["kind"] == "feature"] == [
        f["verdict"] for f in document["features"]
    ]
    assert "".join(row["one"] for row in rows if row["kind"] == "words") == document["one"]["wording"]
    tsv = service.get("/terms/compare", params={**given, "format": "tsv"})
    assert tsv.headers["content-type"].startswith("text/tab-separated-values")


@pytest.mark.parametrize(
    "other", ["ecological-restoration/ser-2004", "term/ecological-restoration/definition/ser-2004"]
)
def test_definitions_of_two_terms_may_be_compared(service: httpx.Client, other: str) -> None:
    iri = f"{BASE}term/ecological-restoration/definition/ser-2004"
    for said in (other, iri):
        document = service.get("/terms/compare", params={"one": f"{TERM}/definition/ipbes-ldr", "other": said}).json()
        assert document["other"]["iri"] == iri
    page = service.get(PATH, params={"compare": f"ipbes-ldr,{other}"}, headers=HTML).text
    check(page)
    assert "ser-2004" in section(page, "compare")


def test_a_comparison_for_people(service: httpx.Client) -> None:
    paths = (
        "/terms/compare?term=ecosystem-restoration&one=ipbes-ldr&other=unep-2021",
        f"{PATH}?compare=ipbes-ldr,unep-2021",
        f"{PATH}?compare=ecosystem-restoration/ipbes-ldr&compare=ecosystem-restoration/unep-2021",
    )
    texts = []
    for path in paths:
        text = service.get(path, headers=HTML).text
        check(text)
        assert '<span class="unseen" lang="en" dir="ltr"> [only here: </span>' in text, "not by colour alone"
        texts.append(re.search('<div class="pair">.*?</div>', text, re.DOTALL))
    assert all(texts)
    assert len({found[0].replace("<h2>", "<h3>").replace("</h2>", "</h3>") for found in texts if found}) == 1
    same = service.get(f"{PATH}?compare=ipbes-ldr,ipbes-ldr", headers=HTML).text
    check(same)
    assert 'class="only"><span' not in same


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", "parameter"),
        ("term=ecosystem-restoration&one=ipbes-ldr", "parameter"),
        ("one=ipbes-ldr&other=unep-2021", "parameter"),
        ("term=nothing&one=a&other=b", "unknown-resource"),
        ("term=ecosystem-restoration&one=none&other=unep-2021", "unknown-resource"),
        ("term=ecosystem-restoration&one=ipbes-ldr&other=unep-2021&lang=xx", "parameter"),
        ("term=ecosystem-restoration&one=ipbes-ldr&other=unep-2021&format=pdf", "not-acceptable"),
        ("term=" + "x" * 5000 + "&one=a&other=b", "unknown-resource"),
    ],
)
def test_what_cannot_be_compared(service: httpx.Client, query: str, kind: str) -> None:
    problem(service.get(f"/terms/compare?{query}"), kind)
    if kind != "not-acceptable":
        check(service.get(f"/terms/compare?{query}", headers=HTML).text)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("协助退化的生态系统恢复的过程。", "使生态系统从退化状态中恢复的活动。", "生态系统"),
        ("عملية استعادة النظم الإيكولوجية المتدهورة", "نشاط استعادة النظم المتدهورة", "استعادة النظم"),
        ("procédé d’aide à l’éco-système", "procédé d’aide au milieu", "procédé d’aide"),
    ],
)
def test_words_of_each_script(one: str, other: str, shared: str) -> None:
    found = compare_wordings(one, other)
    assert shared in "|".join(step.one.text for step in found.steps if step.operation == "equal")
    assert "".join(step.one.text for step in found.steps) == one
    assert "".join(step.other.text for step in found.steps) == other


def test_words_are_bounded_in_time() -> None:
    worst = "a b " * 50_000
    started = time.monotonic()
    found = compare_wordings(worst, worst[2:])
    assert time.monotonic() - started < 5
    assert not found.is_complete
    assert len(list(find_words(worst[:1000]))) == 500
    assert found.steps[-1].one.end < LONGEST * 2 + 2


def test_a_marked_letter_is_the_same_however_it_is_written() -> None:
    assert compare_wordings("écosystème", "e\u0301cosyste\u0300me").shared == 1
    assert [word.text for word in find_words("مُتَدَهْوِر")] == ["مُتَدَهْوِر"], "signs over letters are inside a word"


# What is hostile, old or of others.


def hostile() -> dict[str, list[str]]:
    """A term of a user with names that are markup, two definitions alike in slug, a circle, a long text in Arabic."""
    term, kind = f"{BASE}term/x", f"{BASE}ontology#"
    one, other = f"{term}/definition/a", f"{BASE}term/y/definition/a"
    text = MARKUP.replace('"', '\\"')
    return {
        f"{BASE}graph/mine": [
            f"<{term}> <{TYPE}> <{kind}Term> .",
            f'<{term}> <{expand("skos:prefLabel")}> "{text}"@en .',
            f'<{term}> <{expand("skos:prefLabel")}> "\u0627\u0633\u062a\u0639\u0627\u062f\u0629"@ar .',
            f'<{term}> <{expand("skos:altLabel")}> "b\u202e</bdi><script>1</script>"@x-klingon .',
            f"<{term}> <{expand('skos:broader')}> <{term}/up> .",
            f"<{term}/up> <{expand('skos:broader')}> <{term}> .",
            f"<{term}/up> <{TYPE}> <{kind}Term> .",
            f"<{term}> <{expand('skos:related')}> <javascript:alert(1)> .",
            *(
                line
                for iri in (one, other)
                for line in (
                    f"<{iri}> <{TYPE}> <{kind}Definition> .",
                    f"<{iri}> <{kind}definitionOf> <{term}> .",
                    f'<{iri}> <{kind}wording> "{text} {"word " * 3000}"@en .',
                    f'<{iri}> <{kind}wording> "\u0627\u0633\u062a\u0639\u0627\u062f\u0629 {text} {len(iri)}"@ar .',
                    f"<{iri}> <{expand('dcterms:source')}> <javascript:alert(2)> .",
                )
            ),
            f"<http://example.org/term> <{TYPE}> <{kind}Term> .",
            f'<http://example.org/term> <{expand("skos:prefLabel")}> "of others"@en .',
        ]
    }


def test_hostile_names_are_text(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    make_release(root, hostile())
    with running(root=root, workers=1) as client:
        for path in (
            "/term/x",
            "/term/x?lang=ar",
            "/term/x?by=language",
            "/term/x?compare=a,a",
            "/term/x?compare=a,y/a&lang=ar",
            "/terms/compare?one=x/a&other=y/a&lang=ar",
            "/term/x?wording=ar",
            "/terms/",
            "/terms/?q=<script>",
            "/terms/?lang=ar&sort=name",
            "/describe?iri=http://example.org/term",
        ):
            response = client.get(path, headers=HTML)
            assert response.status_code == 200, (path, response.text[:500])
            check(response.text)
            assert "<script>alert" not in response.text, path
            assert "<script>1" not in response.text, path
            assert 'href="javascript:' not in response.text, path
        assert 'dir="rtl"' in client.get("/term/x?lang=ar", headers=HTML).text
        assert {m["iri"] for m in client.get("/terms/?sort=name").json()["members"]} == {
            m["iri"] for m in client.get("/terms/").json()["members"]
        }
        assert client.get("/terms/?q=script").json()["total"] == 1
        pair = client.get("/term/x?compare=a,a", headers=HTML).text
        assert "Only the beginning of so long a text is compared" in pair


def test_a_users_own_file(tmp_path: Path) -> None:
    """`serve --data` has no desk, no files of ours to download, and pages that may be kept."""
    file = tmp_path / "mine.ttl"
    file.write_text(
        f"""@prefix cbd: <{BASE}ontology#> . @prefix skos: <{expand("skos:")}> .
<{BASE}term/pond> a cbd:Term, skos:Concept ; skos:prefLabel "pond"@en, "mare"@fr ; skos:narrower <{BASE}term/pool> .
<{BASE}term/pool> a skos:Concept ; skos:prefLabel "pool"@en .
[] a cbd:Term ; skos:prefLabel "without a name"@en .
<{BASE}term/pond/definition/mine> a cbd:Definition ; cbd:definitionOf <{BASE}term/pond> ; cbd:wording "water"@en .""",
        encoding="utf-8",
    )
    with running(root=ROOT, data=(file,), workers=1) as client:
        page = client.get("/term/pond", headers=HTML)
        check(page.text)
        assert "max-age" in page.headers["cache-control"]
        for absent in ("/desk/", "/terms/export", 'id="features"', 'id="uses"', 'id="compare"'):
            assert absent not in page.text, absent
        assert 'id="definition-mine"' in page.text
        assert client.get("/terms/?language=fr").json()["total"] == 1
        check(client.get("/term/pool", headers=HTML).text)


def test_an_older_release_has_what_it_had(tmp_path_factory: pytest.TempPathFactory) -> None:
    build = tmp_path_factory.mktemp("build")
    publish_log(build, make_log().until("0.2.0"))
    with running(root=ROOT, build=build, workers=1) as client:
        page = client.get(f"/release/0.1.0{PATH}", headers=HTML)
        check(page.text)
        assert "This is what release 0.1.0 said" in page.text
        assert "/desk/" not in page.text
        assert f'href="/release/0.1.0{PATH}' in page.text
        assert "max-age" in page.headers["cache-control"], "nobody reviews it any more"
        listed = client.get("/release/0.1.0/terms/?q=restoration", headers=HTML)
        check(listed.text)
        assert 'action="/release/0.1.0/terms/"' in listed.text
        compared = client.get(f"/release/0.1.0{PATH}?compare=ipbes-ldr,unep-2021", headers=HTML)
        assert compared.status_code == 200
        check(compared.text)


# Reviews.


def test_pages_change_with_the_desk_and_are_not_kept_beyond_it(release: Release, tmp_path: Path) -> None:
    with running(root=ROOT, build=release.path.parents[1], desk=tmp_path, workers=1) as client:
        disputed = "/terms/?disputed=review&format=json"
        pages = (PATH + "?format=html", "/terms/?format=html", disputed)
        before = {path: client.get(path) for path in pages}
        assert client.get(disputed).json()["total"] == 0
        assert "/desk/" not in before[PATH + "?format=html"].text, "nobody opened one"
        for path, response in before.items():
            assert response.headers["cache-control"] == "no-cache", path
            again = client.get(path, headers={"If-None-Match": response.headers["etag"]})
            assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
        desk = Desk.create(tmp_path / FILE)
        reviewer, _ = desk.access.invite("Ana", "reviewer")
        draft = Draft(f"{TERM}/definition/ipbes-ldr", "en", "disputed", "It says more.", "", 0, "0.2.0", "")
        desk.record(draft, reviewer)
        for path, response in before.items():
            after = client.get(path, headers={"If-None-Match": response.headers["etag"]})
            assert after.status_code == 200, path
            assert after.headers["etag"] != response.headers["etag"]
        assert [m["path"] for m in client.get(disputed).json()["members"]] == [PATH]
        page = client.get(PATH, headers=HTML).text
        check(page)
        card = page.partition('id="definition-ipbes-ldr"')[2].partition("</article>")[0]
        assert '<span class="mark state-disputed">disputed</span>' in card
        assert f'href="/desk{PATH}"' in page
        assert "It says more." not in page, "a comment is for the desk"
        listed = client.get("/terms/?disputed=review", headers=HTML).text
        check(listed)
        assert '<span class="mark state-disputed">disputed</span>' in listed
        # What shows no review is kept as ever.
        assert "max-age" in client.get("/terms.csv").headers["cache-control"]
        assert "max-age" in client.get(f"{PATH}.json").headers["cache-control"]
        desk.close()


# A real browser.


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not here")
@pytest.mark.parametrize("path", [f"{PATH}?compare=ipbes-ldr,unep-2021&lang=ar", "/terms/?lang=zh"])
def test_a_browser_shows_it_without_a_script_on_a_small_screen(
    service: httpx.Client, tmp_path: Path, path: str
) -> None:
    base = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    address = f"{service.base_url}{path}"
    shot = tmp_path / "page.png"
    command = [*base, "--enable-logging=stderr", "--window-size=360,800", f"--screenshot={shot}", address]
    end = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "Content Security Policy" not in end.stderr
    assert "CONSOLE" not in end.stderr
    assert shot.stat().st_size > 10_000
    paper = tmp_path / "page.pdf"
    subprocess.run([*base, f"--print-to-pdf={paper}", address], capture_output=True, check=True, timeout=120)
    assert paper.read_bytes().startswith(b"%PDF")
