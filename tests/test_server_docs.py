"""The documentation: an anchor for each term, what the data say and no more, guides that lead on, the policy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pyoxigraph
import pytest
from rdflib import OWL, RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.namespace import SH

from cbdgraph.namespaces import BASE, GRAPHS, ONTOLOGY, PREFIXES, SHAPES, expand
from cbdgraph.server.docs.guides import LARGEST, name_of, read_guides, render, slug_of
from cbdgraph.server.docs.routes import PATTERNS
from cbdgraph.server.pages import CSP
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT, read_graph
from tests.test_server_pages import HTML, Page, check
from tests.test_server_running import make_release, make_root, problem, running

GUIDES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md"))


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    """The service with the real data."""
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def ontology() -> Graph:
    """The ontology as its file has it."""
    return read_graph(ROOT / "ontology" / "cbd.ttl")


@pytest.fixture(scope="module")
def page(service: httpx.Client) -> str:
    return service.get("/docs/ontology", headers=HTML).text


def section(page: str, anchor: str) -> str:
    """What a page says under an anchor, without markup and with single blanks."""
    start = page.index(f'<section id="{anchor}"')
    text = page[start : page.index("</section>", start)]
    text = re.sub(r"<[^>]*>", "", re.sub(r"</(?:td|dt|dd|p|h3)>", " ", text))
    return " ".join(unescape(text).split())


def terms(graph: Graph, *kinds: URIRef) -> set[str]:
    found = {str(s) for kind in kinds for s in graph.subjects(RDF.type, kind)}
    return {iri.removeprefix(ONTOLOGY) for iri in found if iri.startswith(ONTOLOGY)}


# The ontology.


@pytest.mark.parametrize("lang", ["en", "fr", "es", "ru", "zh", "ar", "all"])
def test_the_page_is_valid_in_each_language(service: httpx.Client, lang: str) -> None:
    response = service.get("/docs/ontology", params={"lang": lang}, headers=HTML)
    assert response.headers["content-security-policy"] == CSP
    assert response.headers["vary"] == "Accept, Accept-Language"
    found = check(response.text)
    assert "<style" not in response.text
    for link in found.links:
        if link.startswith("#"):
            assert link[1:] in found.ids, link
        else:
            assert not re.match(r"(?!https?://)[a-z]+:", link), link


def test_names_of_concepts_are_in_the_language_of_the_page(service: httpx.Client) -> None:
    names = {
        "zh": "生态系统恢复",
        "ar": "استعادة النظم الإيكولوجية",
        "ru": "Восстановление экосистем",
        "fr": "Restauration des écosystèmes",
    }
    for lang, said in names.items():
        text = service.get("/docs/ontology", params={"lang": lang}, headers=HTML).text
        assert said in section(text, "scheme-issue"), lang
        accepted = service.get("/docs/ontology", headers={**HTML, "Accept-Language": f"{lang}, en;q=0.5"}).text
        assert accepted == text


def test_every_term_has_its_own_name_as_anchor(page: str, ontology: Graph) -> None:
    found = Page(page)
    named = terms(ontology, OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, RDFS.Datatype)
    assert len(named) > 95
    assert named <= set(found.ids)
    sections = set(re.findall(r'<section id="([^"]*)" class="term">', page))
    assert {anchor for anchor in sections if not anchor.startswith("scheme-")} == named, "and no other"
    for name in named:
        assert f"<code>{ONTOLOGY}{name}</code>" in page
        assert f'href="#{name}" aria-label="Link to {name}"' in page


def test_every_term_is_told_as_it_is(page: str, ontology: Graph) -> None:
    for name in terms(ontology, OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, RDFS.Datatype):
        text = section(page, name)
        term = URIRef(ONTOLOGY + name)
        for said in (RDFS.label, SKOS.definition, RDFS.comment):
            for value in ontology.objects(term, said):
                assert " ".join(str(value).split()) in text, (name, said)
        for relation in (RDFS.domain, RDFS.range, RDFS.subPropertyOf, OWL.inverseOf):
            for other in ontology.objects(term, relation):
                if isinstance(other, URIRef) and other.startswith(ONTOLOGY):
                    assert str(ontology.value(other, RDFS.label)) in text, (name, relation)
    assert "a kind of text each has adopted at to meeting never also document, element, recommendation" in section(
        page, "Decision"
    )
    assert "other way round cites" in section(page, "citedBy")
    assert "follows from citing part backwards, then cited part" in section(page, "cites")
    assert "has at most one value, asymmetric, irreflexive" in section(page, "parent")
    assert "a kind of is part of" in section(page, "parent")
    assert "in section, parent" in section(page, "isPartOf")


def test_counts_are_those_of_the_release(page: str, graph: Store, ontology: Graph) -> None:
    for name in terms(ontology, OWL.Class):
        (row,) = graph.select(f"SELECT (COUNT(DISTINCT ?s) AS ?n) {{ ?s a <{ONTOLOGY}{name}> }}").rows
        count = int(row["n"].value)
        said = re.search(r"in this release (no|[\d,]+) member", section(page, name))
        assert said is not None, name
        assert (0 if said[1] == "no" else int(said[1].replace(",", ""))) == count, name
    for name in terms(ontology, OWL.ObjectProperty, OWL.DatatypeProperty):
        (row,) = graph.select(f"SELECT (COUNT(*) AS ?n) {{ ?s <{ONTOLOGY}{name}> ?o }}").rows
        said = re.search(r"in this release (no|[\d,]+) statement", section(page, name))
        assert said is not None, name
        assert (0 if said[1] == "no" else int(said[1].replace(",", ""))) == int(row["n"].value), name
    assert "61 statements, of decision 60, recommendation 1, to meeting 61" in section(page, "adoptedAt")
    assert "138 codes" in section(page, "TrackingCode")


def test_every_rule_is_there(page: str) -> None:
    shapes = read_graph(*sorted((ROOT / "ontology" / "shapes").glob("*.ttl")))
    text = " ".join(unescape(re.sub(r"<[^>]*>", "", page)).split())
    messages = 0
    for shape in sorted(map(str, shapes.subjects(RDF.type, SH.PropertyShape))):
        owner = next(shapes.subjects(SH.property, URIRef(shape)), None)
        message = shapes.value(URIRef(shape), SH.message)
        assert isinstance(message, Literal)
        assert " ".join(str(message).split()) in text, shape
        assert f'href="/shapes#{shape.removeprefix(SHAPES)}"' in page, shape
        for target in map(str, shapes.objects(owner, SH.targetClass)):
            if target.startswith(ONTOLOGY) and not shape.startswith(f"{SHAPES}Record-"):
                assert str(message)[:40] in section(page, target.removeprefix(ONTOLOGY)), (shape, target)
        messages += 1
    assert messages > 110
    number = section(page, "number")
    assert "decision exactly 1; of datatype xsd:integer; from 1 Give the number once" in number
    assert "to 20" in number, "that of an Aichi target"
    for name in ("Decision", "Citation", "TargetReference"):
        assert re.search(r"And the rules for (?:[a-z]+ and )?every record", section(page, name)), name
    assert "the rules for citation and every record" in section(page, "TargetReference")
    assert "every record" not in section(page, "Version"), "which is no record of the data"
    assert section(page, "Decision").count("Name the described document") == 0, "what holds for all is said once"


def test_examples_and_queries_lead_somewhere(service: httpx.Client, page: str, ontology: Graph) -> None:
    assert "example Decision X/17 → COP 10 (Nagoya, 2010)" in section(page, "adoptedAt")
    used = [name for name in terms(ontology, OWL.Class) if "no member" not in section(page, name)]
    assert len(used) > 25
    assert all(" example " in section(page, name) for name in used)
    assert "citations-of-decision" in section(page, "quote")
    assert "citations-of-decision" not in section(page, "wording")
    links = {link.partition("#")[0] for link in check(page).links if link.startswith("/")}
    assert len(links) > 200
    for link in links:
        if link.startswith("/sparql?"):
            continue
        assert service.get(unescape(link), headers=HTML).status_code in {200, 303}, link
    queries = [link for link in Page(page).links if link.startswith("/sparql?")]
    assert len(service.get(queries[0]).json()["results"]["bindings"]) > 0


def test_each_example_of_an_iri_is_described(service: httpx.Client, page: str) -> None:
    for _, pattern, example in PATTERNS:
        assert f"<code>{pattern}</code>".replace("<code>", "").replace("</code>", "") in unescape(page)
        assert service.get(f"/{example}", headers={"Accept": "text/turtle"}).status_code == 200, example


def test_a_browser_is_led_from_the_iri_to_its_documentation(service: httpx.Client) -> None:
    led = service.get("/ontology", headers=HTML)
    assert (led.status_code, led.headers["location"], led.headers["vary"]) == (303, "/docs/ontology", "Accept")
    for accept in ("", "text/turtle", "application/ld+json", "*/*"):
        response = service.get("/ontology", headers={"Accept": accept})
        assert response.status_code == 200
        assert "html" not in response.headers["content-type"]
    assert service.get("/ontology", headers={"Accept": "image/png"}).status_code == 406
    assert "What points here" in service.get("/ontology?format=html").text, "the page of the resource stays"
    back = service.get("/docs/ontology", headers={"Accept": "text/turtle"})
    assert (back.status_code, back.headers["location"]) == (303, "/ontology")


def test_the_drawing(service: httpx.Client, page: str, ontology: Graph) -> None:
    response = service.get("/docs/ontology.svg")
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["content-security-policy"] == CSP
    root = ElementTree.fromstring(response.text)
    svg = "{http://www.w3.org/2000/svg}"
    assert root.attrib["role"] == "img"
    assert [root.find(f"{svg}{name}").text for name in ("title", "desc")] != [None, None]  # type: ignore[union-attr]
    for element in root.iter():
        assert element.tag.removeprefix(svg) not in {"script", "style", "foreignObject", "image"}
        assert not any(name == "style" or name.startswith("on") for name in element.attrib)
    texts = [text.text for text in root.iter(f"{svg}text")]
    for name in terms(ontology, OWL.Class):
        assert str(ontology.value(URIRef(ONTOLOGY + name), RDFS.label)) in texts
    rows = re.findall(r"<tr>(.*?)</tr>", page[page.index('id="diagram-table"') :].partition("</table>")[0])[1:]
    circles, arrows = len(list(root.iter(f"{svg}circle"))), len(list(root.iter(f"{svg}path")))
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in rows]
    assert [len(cell) for cell in cells] == [3] * len(rows)
    assert sum(cell[1].count("<a ") for cell in cells) == circles, "the table says the same"
    assert sum(cell[2].count("<a ") for cell in cells) == arrows
    assert len(rows) > 35
    links = [link.attrib["href"] for link in root.iter(f"{svg}a")]
    anchors = set(Page(page).ids)
    assert all(link.startswith("/docs/ontology#") and link.partition("#")[2] in anchors for link in links)
    size = re.findall(r'<img src="[^"]*" width="(\d+)" height="(\d+)" alt="[^"]{20,}"', page)
    assert size == [(root.attrib["width"], root.attrib["height"])]


_HOSTILE = "</title><script>alert(1)</script>"


def _made() -> dict[str, list[str]]:
    """An ontology as nobody should write one: markup for names, a deprecated term, classes in a circle."""
    rdf, rdfs, owl = PREFIXES["rdf"], PREFIXES["rdfs"], PREFIXES["owl"]
    document = BASE + "ontology"

    def term(name: str, kind: str, label: str) -> list[str]:
        return [
            f"<{ONTOLOGY}{name}> <{rdf}type> <{owl}{kind}> .",
            f'<{ONTOLOGY}{name}> <{rdfs}label> "{label}"@en .',
            f"<{ONTOLOGY}{name}> <{rdfs}isDefinedBy> <{document}> .",
        ]

    return {
        f"{GRAPHS}ontology/cbd": [
            f"<{document}> <{rdf}type> <{owl}Ontology> .",
            f'<{document}> <{expand("dcterms:title")}> "{_HOSTILE}"@en .',
            f"<{document}> <{expand('dcterms:license')}> <javascript:alert(1)> .",
            *term("Old", "Class", _HOSTILE),
            f'<{ONTOLOGY}Old> <{owl}deprecated> "true"^^<{PREFIXES["xsd"]}boolean> .',
            f"<{ONTOLOGY}Old> <{expand('dcterms:isReplacedBy')}> <{ONTOLOGY}New> .",
            f'<{ONTOLOGY}Old> <{expand("skos:definition")}> "{_HOSTILE}"@ar .',
            *term("New", "Class", "new"),
            f"<{ONTOLOGY}Old> <{rdfs}subClassOf> <{ONTOLOGY}New> .",
            f"<{ONTOLOGY}New> <{rdfs}subClassOf> <{ONTOLOGY}Old> .",
            *term("joins", "ObjectProperty", _HOSTILE),
            f"<{ONTOLOGY}joins> <{rdfs}domain> <{ONTOLOGY}Old> .",
            f"<{ONTOLOGY}joins> <{rdfs}range> <http://example.org/Other> .",
            f"<{ONTOLOGY}joins> <{owl}propertyChainAxiom> _:list .",
            f"_:list <{rdf}first> <{ONTOLOGY}joins> .",
            f"_:list <{rdf}rest> _:list .",
        ]
    }


def test_another_ontology_is_escaped_and_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, _made())
    with running(root=root, workers=1) as client:
        page = client.get("/docs/ontology", headers=HTML).text
        assert "<script" not in page
        assert 'href="javascript:' not in page
        check(page)
        assert "Deprecated. Use new." in section(page, "Old")
        assert "follows from" in section(page, "joins")
        svg = client.get("/docs/ontology.svg").text
        assert "<script" not in svg
        labels = [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
        assert labels.count(_HOSTILE) == 2
        assert client.get("/docs/", headers=HTML).status_code == 200


def test_data_without_an_ontology(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, {f"{GRAPHS}a": [f"<{BASE}a> <{BASE}b> <{BASE}c> ."]})
    with running(root=root, workers=1) as client:
        problem(client.get("/docs/ontology"), "not-found")
        problem(client.get("/docs/ontology.svg", headers={"If-None-Match": "*"}), "not-found")
        index = client.get("/docs/", headers=HTML).text
        links = {link.partition("#")[0] for link in check(index).links if link.startswith("/")}
        assert "/docs/ontology" not in links
        assert all(client.get(link, headers=HTML).status_code in {200, 303} for link in links)
        assert client.get("/docs").json()["guides"] == []
        problem(client.get("/ontology", headers={"Accept": "text/turtle"}), "not-found")


# The guides.


def test_the_index_lists_every_guide(service: httpx.Client) -> None:
    response = service.get("/docs/", headers=HTML)
    page = check(response.text)
    assert response.headers["content-security-policy"] == CSP
    assert {f"/docs/{name_of(file)}" for file in GUIDES} <= set(page.links)
    assert {"/docs/ontology", "/openapi.json", "/prefixes?format=html"} <= set(page.links)
    listed = {guide["path"]: guide["title"] for guide in service.get("/docs").json()["guides"]}
    assert listed.keys() >= {f"/docs/{name_of(file)}" for file in GUIDES}
    assert listed["/docs/model"] == "The model, one concept at a time"
    for link in page.links:
        if link.startswith("/"):
            assert service.get(link, headers=HTML).status_code in {200, 303}, link


@pytest.mark.parametrize("file", GUIDES)
def test_every_guide_is_a_page_whose_links_lead_somewhere(service: httpx.Client, file: str) -> None:
    path = f"/docs/{name_of(file)}"
    response = service.get(path, headers=HTML)
    assert response.headers["content-security-policy"] == CSP
    page = check(response.text)
    for link in page.links:
        where, _, anchor = link.partition("#")
        if where.startswith(("http://", "https://")):
            continue
        assert where.startswith("/") or not where, (link, "leads out of the service")
        if where.startswith("/sparql?"):
            assert "complete" in service.get(where).text, link
        elif where and not where.startswith("/feed"):
            assert service.get(where, headers=HTML).status_code in {200, 303}, link
        if anchor:
            text = service.get(where or path, headers=HTML).text
            assert f'id="{anchor}"' in text, link
    source = service.get(path, headers={"Accept": "text/markdown"})
    assert source.headers["content-type"] == "text/markdown; charset=utf-8"
    assert source.text == (ROOT / file).read_text(encoding="utf-8")


def test_links_between_guides_are_kept(service: httpx.Client) -> None:
    assert 'href="/docs/explain#why-is-this-in-the-graph"' in service.get("/docs/inference", headers=HTML).text
    assert 'href="/docs/decisions/0002-inference"' in service.get("/docs/inference", headers=HTML).text
    assert 'href="/docs/sparql"' in service.get("/docs/readme", headers=HTML).text
    assert "Run this query" in service.get("/docs/model", headers=HTML).text


def _guide(folder: Path, text: str) -> str:
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "a.md").write_text(text, encoding="utf-8")
    guides = read_guides(folder)
    return render(guides["a"], guides).html


def test_a_guide_brings_nothing_but_text(tmp_path: Path) -> None:
    html = _guide(
        tmp_path,
        "# A\n\n<script>alert(1)</script> <b onclick=x>b</b>\n\n<div style='x'>\n\n![seen](http://e/x.png)\n\n"
        "[one](javascript:alert(1)) [two](data:text/html,x) [three](../../etc/passwd) [four](missing.md)"
        " [five](http://example.org/) [six](//e/x) [seven](file:///etc/passwd) [eight](a.md#b)"
        " [nine](http://127.0.0.1:8000/query/)\n\n"
        "| a | b |\n|---:|:---:|\n| 1 | 2 |\n\n"
        '```sparql\nSELECT * { ?s ?p "<b>" }\n```\n\n```sparql\n#+ header\n```\n\n'
        '~~~"><script>\nx\n~~~\n\n## main\n\n## main\n\n[ref]: javascript:x\n[ref]\n',
    )
    assert "<script" not in html
    assert "<b" not in html.replace("<br", "")
    assert not re.search(r"<[^>]*(?:style|onclick)=", html)
    assert "<img" not in html
    assert "seen" in html
    assert set(re.findall(r'href="([^"]*)"', html)) >= {"http://example.org/", "/docs/a#b", "/query/"}
    assert not re.search(r'href="(?:javascript|data|file|//|\.\.)', html)
    assert "missing" not in html
    assert re.findall(r'<h2 id="([^"]*)"', html) == ["main-1", "main-2"]
    assert '<td class="end">1</td>' in html
    assert '<th class="center" scope="col">b</th>' in html
    assert html.count("Run this query") == 1


def test_only_guides_are_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("# secret", encoding="utf-8")
    root = tmp_path / "root"
    (root / "docs" / "in").mkdir(parents=True)
    (root / "docs" / "in" / "b.md").write_text("# B", encoding="utf-8")
    (root / "docs" / "link.md").symlink_to(outside)
    (root / "docs" / "large.md").write_text("x" * (LARGEST + 1), encoding="utf-8")
    (root / "docs" / "broken.md").write_bytes(b"\xff\xfe")
    (root / "docs" / "not.txt").write_text("x", encoding="utf-8")
    (root / "README.md").write_text("# R", encoding="utf-8")
    assert read_guides(root).keys() == {"in/b", "readme"}
    assert read_guides(tmp_path) == {}


@pytest.mark.parametrize(
    "path",
    ["../pyproject", "..%2Fpyproject", "%2Fetc%2Fpasswd", "settings.md", "none", "%00", "decisions", "a" * 3000],
)
def test_what_is_no_guide_is_not_found(service: httpx.Client, path: str) -> None:
    response = service.get(f"/docs/{path}", headers=HTML)
    assert response.status_code == 404
    assert "hatchling" not in response.text
    check(response.text)


def test_anchors_are_those_of_code_hosts() -> None:
    assert slug_of("GET /sparql, and `POST`") == "get-sparql-and-post"
    assert slug_of("目标") == "目标"


# The prefixes.


def test_the_prefixes_in_every_form(service: httpx.Client) -> None:
    assert service.get("/prefixes").json() == dict(PREFIXES)
    context = service.get("/context.jsonld")
    assert context.headers["content-type"] == "application/ld+json"
    document = {**context.json(), "@id": "cbd:Paragraph", "rdfs:label": "x"}
    parsed = [str(quad.triple) for quad in pyoxigraph.parse(json.dumps(document), pyoxigraph.RdfFormat.JSON_LD)]
    assert parsed == [f'<{ONTOLOGY}Paragraph> <{RDFS.label}> "x"']
    for name in ("ttl", "nt", "rdf"):
        response = service.get(f"/prefixes.{name}")
        declared = pyoxigraph.Store()
        media_type = response.headers["content-type"].partition(";")[0]
        declared.load(response.content, pyoxigraph.RdfFormat.from_media_type(media_type))
        rows = declared.query(
            f"PREFIX sh: <{SH}> SELECT ?prefix ?namespace {{ <{BASE}prefixes> sh:declare "
            "[ sh:prefix ?prefix ; sh:namespace ?namespace ] }"
        )
        assert isinstance(rows, pyoxigraph.QuerySolutions)
        assert {row["prefix"].value: row["namespace"].value for row in rows} == dict(PREFIXES)
    assert service.get("/prefixes", headers={"Accept": "application/ld+json"}).json() == context.json()
    page = service.get("/prefixes", headers=HTML).text
    assert all(namespace in page for namespace in PREFIXES.values())
    check(page)
    problem(service.get("/prefixes.pdf"), "not-acceptable")


@pytest.mark.parametrize(
    "path", ["/docs", "/docs/ontology", "/docs/ontology.svg", "/docs/sparql", "/prefixes", "/context.jsonld"]
)
def test_what_is_read_may_be_kept(service: httpx.Client, path: str) -> None:
    got, head, slashed = service.get(path), service.head(path), service.get(path + "/")
    assert got.status_code == 200
    assert head.content == b""
    assert head.headers["etag"] == got.headers["etag"] == slashed.headers["etag"]
    assert slashed.content == got.content
    again = service.get(path, headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content, again.headers["vary"]) == (304, b"", got.headers["vary"])
    assert service.put(path).status_code == 405
