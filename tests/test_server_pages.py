"""Every page for people: well-formed HTML with a language, a title and labels; the editor; problems as pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from cbdgraph.server import pages
from tests.test_server_running import QUERIES, facts, make_release, make_root, problem, running

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
_VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})
_QUESTION = (
    "#+ summary: How many {tag} things?\n#+ tags: {tag}, harvester\nSELECT (COUNT(*) AS ?n)\nWHERE {{ ?s ?p ?o }}"
)
_BAD = "SELECT *\n{ ?a ?b }"


class Page(HTMLParser):
    """What a validator looks at: nesting, ids, labels, headings; raises AssertionError at the first fault."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: list[str] = []
        self.title = ""
        assert text.startswith("<!DOCTYPE html>")
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert len(values) == len(attrs), (tag, attrs)
        assert not any(name.startswith("on") or name == "style" for name in values), "the policy forbids it"
        if tag in {"ul", "ol"}:
            assert self.open[-1] != "p", "a paragraph ends before a list"
        if self.open and self.open[-1] in {"ul", "ol"}:
            assert tag == "li"
        self.tags.append((tag, values))
        if "id" in values:
            assert values["id"] not in self.ids, values["id"]
            self.ids.append(values["id"] or "")
        if tag in {"input", "select", "textarea"} and values.get("type") != "hidden":
            self.controls.append({**values, "in label": "yes" if "label" in self.open else None})
        if tag == "label" and values.get("for"):
            self.labels.add(values["for"] or "")
        if tag == "a":
            self.links.append(values.get("href") or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.title += data


def check(text: str) -> Page:
    page = Page(text)
    tags = [tag for tag, _ in page.tags]
    assert dict(page.tags)["html"]["lang"] == "en"
    assert page.title.strip().endswith("cbdgraph")
    assert tags.count("h1") == 1
    assert tags.count("main") == 1
    assert page.links[0] == "#main", "the first link skips to the content"
    assert "main" in page.ids
    scripts = [values.get("type") for tag, values in page.tags if tag == "script"]
    assert set(scripts) <= {"application/ld+json"}, "data may stand in a page, but no script"
    for control in page.controls:
        assert control.get("id") in page.labels or control["in label"], control
    for _, values in page.tags:
        for name in ("aria-describedby", "for"):
            assert values.get(name) in {None, *page.ids}, values
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    return page


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = make_root(tmp_path_factory.mktemp("root"), QUERIES)
    folder = root / "queries" / "questions"
    folder.mkdir()
    for tag in ("researcher", "terminologist"):
        (folder / f"how-many-{tag}.rq").write_text(_QUESTION.format(tag=tag), encoding="utf-8")
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/query", 200),
        ("/query/labels", 200),
        ("/query/labels?target=aichi/15", 200),
        ("/query/labels?target=aichi/99", 404),
        ("/query/nope", 404),
        ("/query/labels?target=", 400),
        ("/sparql", 200),
        ("/sparql?query=SELECT * { ?s ?p ?o }", 200),
        ("/sparql?query=DESCRIBE <https://w3id.org/cbdgraph/target/aichi/15>", 200),
        ("/sparql?query=ASK {}", 200),
        ("/sparql?query=ASK { ?a }", 400),
        ("/sparql?query=ASK { SERVICE <http://e/> {} }", 403),
        ("/target/aichi/15", 200),
        ("/issue/forest-biodiversity?lang=ar", 200),
        ("/graph/numbers", 200),
        ("/nothing/here", 404),
        ("/resolve?citation=XI/16 para 5", 200),
        ("/resolve?citation=nonsense", 404),
        ("/resolve", 400),
        ("/problem/syntax", 200),
    ],
)
def test_every_page_is_valid(service: httpx.Client, path: str, status: int) -> None:
    response = service.get(path, headers=HTML)
    if path.startswith("/graph/") and response.status_code == 404:
        pytest.skip("a graph that nobody describes has no statements of its own")
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == pages.CSP
    check(response.text)


def test_focus_is_visible() -> None:
    style = (Path(pages.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
    assert ":focus-visible { outline: 3px" in style
    assert ".skip:focus" in style


def test_the_editor_offers_prefixes_and_questions(service: httpx.Client) -> None:
    text = service.get("/sparql", headers=HTML).text
    query = unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", text, re.DOTALL)[0])
    assert query.startswith("PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>\n")
    assert service.get("/sparql", params={"query": query}).status_code == 200
    groups = ["For researchers", "For harvesters", "For terminologists", "Named queries, with a value to try"]
    assert re.findall(r"<h3>(.*?)</h3>", text) == groups
    links = re.findall(r'<li><a href="(/sparql\?query=[^"]*)">How many (\w+) things\?</a>', text)
    assert [tag for _, tag in links] == ["researcher", "researcher", "terminologist", "terminologist"]
    answer = service.get(links[0][0], headers=HTML).text
    check(answer)
    assert "# How many researcher things?" in answer
    assert "#+" not in answer
    assert answer.index("<textarea") < answer.index("1 row, complete")
    shared = {tag: link for link, tag in links}
    assert len(shared) == 2, "one question has one address"


def test_answers_are_linked_in_other_formats(service: httpx.Client) -> None:
    query = (
        "SELECT ?target { GRAPH ?g { ?target a <https://w3id.org/cbdgraph/ontology#AichiTarget> } } ORDER BY ?target"
    )
    graph = "https://w3id.org/cbdgraph/graph/targets"
    page = service.get("/sparql", params={"query": query, "named-graph-uri": graph}, headers=HTML).text
    assert '<a href="/target/aichi/15" title="https://w3id.org/cbdgraph/target/aichi/15">target/aichi/15</a>' in page
    assert f'<input type="hidden" name="named-graph-uri" value="{graph}">' in page
    links = {name: unescape(link) for link, name in re.findall(r'<a href="([^"]*)">(CSV|JSON)</a>', page)}
    assert service.get(links["CSV"]).text.count("aichi") == 2
    assert len(service.get(links["JSON"]).json()["results"]["bindings"]) == 2
    graph_page = service.get("/sparql", params={"query": "CONSTRUCT WHERE { ?s ?p ?o }"}, headers=HTML).text
    assert (
        "application/ld+json"
        in service.get(unescape(re.findall(r'<a href="([^"]*)">JSON-LD</a>', graph_page)[0])).headers["content-type"]
    )


def test_a_long_answer_is_shown_in_part_and_says_so(service: httpx.Client) -> None:
    query = "SELECT * { ?a ?b ?c . VALUES ?i { 1 2 3 4 5 } }"
    page = service.get("/sparql", params={"query": query}, headers=HTML).text
    assert "1,555 rows, complete" in page.replace(f"{5 * sum(map(len, facts().values())):,}", "1,555")
    assert "This page shows the first 1,000" in page
    assert page.count("<tr>") == 1001


def test_errors_stand_near_the_editor(service: httpx.Client) -> None:
    for response in (
        service.get("/sparql", params={"query": _BAD}, headers=HTML),
        service.get("/sparql", params={"query": _BAD, "format": "html"}),
        service.post("/sparql", data={"query": _BAD, "format": "html"}),
    ):
        assert response.status_code == 400
        page = response.text
        check(page)
        assert "line 2, column 3: &#39;?a&#39; cannot be read here" in page
        assert "<pre>{ ?a ?b }\n  ^</pre>" in page
        assert page.index('class="error"') < page.index("<textarea") < page.index("?a ?b }</textarea>")
    problem(service.get("/sparql", params={"query": _BAD, "format": "json"}, headers=HTML), "syntax")
    problem(service.get("/sparql", params={"query": _BAD}, headers={"Accept": "*/*"}), "syntax")
    escaped = service.get("/sparql", params={"query": "SELECT <script>"}, headers=HTML).text
    assert "<script" not in escaped


def test_problems_are_pages_for_browsers(service: httpx.Client) -> None:
    page = service.get("/query/labels?target=aichi/99&lang=en", headers=HTML).text
    link = unescape(re.findall(r'<li><a href="([^"]*)">aichi/5</a>', page)[0])
    assert link == "/query/labels?lang=en&target=aichi%2F5"
    assert service.get(link, headers=HTML).status_code == 200
    page = service.get("/target/aichi/155", headers=HTML).text
    assert '<a href="/target/aichi/15">/target/aichi/15</a>' in page
    for accept in ("", "*/*", "application/json", "text/turtle"):
        problem(service.get("/target/aichi/155", headers={"Accept": accept}), "not-found")
    problem(service.get("/target/aichi/155.ttl", headers={"Accept": "image/png"}), "not-found")
    problem(service.get("/query/labels?target=aichi/99&format=csv", headers=HTML), "unknown-resource")


ROUTES = [
    "/",
    "/health",
    "/version",
    "/target/aichi/15",
    *(f"/target/aichi/15.{suffix}" for suffix in ("ttl", "jsonld", "rdf", "nt", "json", "html")),
    "/target/aichi/15?format=html&lang=zh",
    "/graph/numbers",
    "/sparql",
    "/sparql?query=ASK {}",
    "/sparql?query=SELECT * { ?s ?p ?o }&format=html",
    "/query/",
    "/query/labels?target=aichi/15",
    *(f"/query/labels?target=aichi/15&format={name}" for name in ("csv", "tsv", "xlsx", "html", "sparql-json")),
    "/resolve?citation=XI/16",
    "/openapi.json",
    "/static/style.css",
    "/target/aichi/99",
]
# What is not the same for the same release: nothing that may be kept.
_UNKEPT = ("/health", "/version", "/resolve", "/openapi.json", "/static/", "/target/aichi/99")


@pytest.mark.parametrize("path", ROUTES)
def test_head_options_and_conditional_requests(service: httpx.Client, path: str) -> None:
    got, head = service.get(path), service.head(path)
    assert head.content == b""
    assert head.status_code == got.status_code
    for name in ("content-type", "content-length", "etag", "vary", "cache-control", "location"):
        assert head.headers.get(name) == got.headers.get(name), name
    options = service.options(path)
    assert options.status_code == 204
    assert {"GET", "HEAD", "OPTIONS"} <= set(options.headers["allow"].split(", "))
    assert ("etag" in got.headers) == (not path.startswith(_UNKEPT))
    if "etag" in got.headers:
        for request in (service.get, service.head):
            again = request(path, headers={"If-None-Match": got.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == got.headers["etag"]
            assert again.headers["vary"] == got.headers["vary"]
        assert service.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
