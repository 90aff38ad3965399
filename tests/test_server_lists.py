"""The lists: whole over their pages, in natural order, the same in every format, with codes, counts and dates."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator

import httpx
import pyoxigraph
import pytest

from cbdgraph.iris import natural
from cbdgraph.namespaces import BASE, expand
from cbdgraph.server.listed import HYDRA, PAGE
from cbdgraph.server.lists import LISTS, _near
from cbdgraph.server.pages import CSP
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.cutting import ISSUE, make_log, publish_log
from tests.test_server_pages import HTML, check
from tests.test_server_running import MARKUP, facts, make_release, make_root, problem, running

NAMES = [each.name for each in LISTS]
_LINK = re.compile(r'<([^>]*)>; rel="(\w+)"')


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    """The service with the real data."""
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


def links_of(response: httpx.Response) -> dict[str, str]:
    return {relation: where for where, relation in _LINK.findall(response.headers["link"])}


def walk(service: httpx.Client, path: str) -> Iterator[httpx.Response]:
    """Every page of a list from the first, as a harvester goes from one to the next."""
    path = links_of(service.get(path))["first"]
    while path:
        response = service.get(path)
        assert response.status_code == 200, path
        yield response
        path = links_of(response).get("next", "")


def read_json(response: httpx.Response) -> list[str]:
    return [member["iri"] for member in response.json()["members"]]


def read_csv(response: httpx.Response) -> list[str]:
    return [row["resource"] for row in csv.DictReader(io.StringIO(response.text))]


def read_tsv(response: httpx.Response) -> list[str]:
    return [row["resource"] for row in csv.DictReader(io.StringIO(response.text), delimiter="\t")]


def read_graph(response: httpx.Response) -> list[str]:
    media_type = response.headers["content-type"].partition(";")[0]
    triples = pyoxigraph.parse(response.content, pyoxigraph.RdfFormat.from_media_type(media_type))
    return [str(t.object.value) for t in triples if t.predicate.value == f"{HYDRA}member"]


READERS: dict[str, Callable[[httpx.Response], list[str]]] = {
    "json": read_json,
    "csv": read_csv,
    "tsv": read_tsv,
    "ttl": read_graph,
    "jsonld": read_graph,
    "rdf": read_graph,
    "nt": read_graph,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_list_is_whole_in_every_format(service: httpx.Client, graph: Store, name: str) -> None:
    of = next(each for each in LISTS if each.name == name)
    pattern = f"?s a <{expand(of.class_)}>" if of.class_ else "?s ?p ?o"
    wanted = {row["s"].value for row in graph.select(f"SELECT DISTINCT ?s {{ {pattern} . FILTER(ISIRI(?s)) }}").rows}
    assert wanted
    first: list[str] = []
    for kind, read in READERS.items():
        pages = list(walk(service, f"/{name}/?format={kind}"))
        found = [iri for page in pages for iri in read(page)]
        if kind in {"json", "csv", "tsv"}:
            first = first or found
            assert found == first, "one order"
        assert len(found) == len(wanted)
        assert set(found) == wanted, kind
        assert len(pages) == -(-len(wanted) // PAGE)
    ours = [iri for iri in first if iri.startswith(BASE)]
    assert ours == sorted(ours, key=natural)
    assert first[: len(ours)] == ours


def test_two_comes_before_ten(service: httpx.Client) -> None:
    paths = [member["path"] for member in service.get("/decisions/").json()["members"]]
    assert paths.index("/decision/cop/2/10") < paths.index("/decision/cop/10/2") < paths.index("/decision/cop/10/17")
    targets = [member["path"] for member in service.get("/targets").json()["members"]]
    assert targets[:20] == [f"/target/aichi/{n}" for n in range(1, 21)]


def test_the_links_between_pages(service: httpx.Client) -> None:
    response = service.get("/resources/", params={"page": 3, "lang": "zh", "format": "csv"})
    links = links_of(response)
    last = int(re.findall(r"page=(\d+)", links["last"])[0])
    for relation, number in (("first", 1), ("prev", 2), ("next", 4)):
        assert links[relation] == f"/resources/?page={number}&format=csv&lang=zh"
    assert links_of(service.get(links["last"])).keys() == {"first", "prev", "last"}
    assert links_of(service.get("/resources.csv")).keys() == {"first", "next", "last"}
    document = service.get("/resources/?page=2").json()
    assert (document["page"], document["pages"]) == (2, last)
    assert document["links"] == links_of(service.get("/resources/?page=2"))
    assert len(document["members"]) == PAGE
    rest = document["total"] - (last - 1) * PAGE
    assert len(service.get(f"/resources/?page={last}").json()["members"]) == rest


def test_a_page_in_rdf_tells_its_place(service: httpx.Client) -> None:
    store = pyoxigraph.Store()
    end = service.get("/documents/").json()["pages"]
    assert end > 1
    store.load(service.get(f"/documents.ttl?page={end}").content, pyoxigraph.RdfFormat.TURTLE)
    lists, view = f"{BASE}documents/", f"{BASE}documents/?page={end}"
    rows = store.query(
        f"PREFIX hydra: <{HYDRA}> SELECT ?total ?previous ?last {{ <{lists}> a hydra:Collection ; "
        f"hydra:totalItems ?total ; hydra:view <{view}> . <{view}> a hydra:PartialCollectionView ; "
        "hydra:previous ?previous ; hydra:last ?last FILTER NOT EXISTS { "
        f"<{view}> hydra:next ?next }} }}"
    )
    assert isinstance(rows, pyoxigraph.QuerySolutions)
    ((total, previous, last),) = [[str(value.value) for value in row] for row in rows]
    assert int(total) == service.get("/documents/").json()["total"]
    assert (previous, last) == (f"{lists}?page={end - 1}", view)
    assert service.get(view.removeprefix(BASE.rstrip("/")), headers={"Accept": "text/turtle"}).status_code == 200


def test_names_are_in_the_language_that_is_asked_for(service: httpx.Client) -> None:
    for lang, said in (("zh", "第XI/16号决定"), ("ar", "المقرر 11/16"), ("en", "Decision XI/16")):
        for response in (
            service.get("/decisions/", params={"lang": lang}),
            service.get("/decisions/", headers={"Accept-Language": f"{lang};q=0.9, de"}),
        ):
            (member,) = [m for m in response.json()["members"] if m["path"] == "/decision/cop/11/16"]
            assert (member["label"], member["language"]) == (said, lang)
        assert said in service.get("/decisions/", params={"lang": lang, "format": "csv"}).text
    texts = service.get("/decisions.nt").text
    assert all(f'"{said}"@{lang}' in texts for lang, said in (("zh", "第XI/16号决定"), ("en", "Decision XI/16")))
    only = service.get("/decisions.nt?lang=ar").text
    assert '"المقرر 11/16"@ar' in only
    assert '"@en' not in only.replace('"Decisions"@en', "")
    assert service.get("/decisions.nt?lang=all").text == texts
    problem(service.get("/decisions?lang=xx"), "parameter")


def test_an_entry_has_codes_counts_and_dates(service: httpx.Client, graph: Store) -> None:
    (decision,) = [m for m in service.get("/decisions").json()["members"] if m["path"] == "/decision/cop/11/16"]
    assert {(c["code"], c["scheme"]) for c in decision["codes"]} == {
        ("CBD/COP/11/16", "cbd:TrackingCode"),
        ("UNEP/CBD/COP/DEC/XI/16", "cbd:DecisionSymbol"),
        ("XI/16", "cbd:symbol"),
    }
    rows = service.get("/query/citations-of-decision?decision=XI/16").json()["rows"]
    assert decision["citations"] == len({row["citation"] for row in rows}) > 0
    for path, name, count in (
        ("/issues", "citations", f"?x <{expand('cbd:issue')}> ?s"),
        ("/targets", "citations", f"?x <{expand('cbd:citedTarget')}> ?s"),
        ("/terms", "definitions", f"?x <{expand('cbd:definitionOf')}> ?s"),
        ("/meetings", "adopted", f"?x <{expand('cbd:adoptedAt')}> ?s"),
    ):
        asked = graph.select(f"SELECT ?s (COUNT(DISTINCT ?x) AS ?n) {{ {count} }} GROUP BY ?s").rows
        wanted = {row["s"].value: int(row["n"].value) for row in asked}
        members = service.get(path).json()["members"]
        assert sum(m[name] for m in members) > 0
        assert all(m[name] == wanted.get(m["iri"], 0) for m in members), path
    assert "citations" not in service.get("/resources").json()["members"][0]


def test_when_an_entry_changed_is_what_the_change_log_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    build = tmp_path_factory.mktemp("build")
    publish_log(build, make_log().until("0.2.0"))
    with running(root=ROOT, build=build, workers=1) as client:
        members = [m for page in walk(client, "/resources/?format=json") for m in page.json()["members"]]
        modified = {m["iri"]: m["modified"] for m in members}
        assert modified[ISSUE] == "2026-12-01T09:00:00Z"
        assert modified[f"{BASE}decision/cop/11/16"] == "2026-12-01T09:00:00Z"
        assert modified[f"{BASE}decision/cop/2/10"] not in {None, "2026-12-01T09:00:00Z"}
        lines = client.get("/issues.nt").text.splitlines()
        assert (
            f'<{ISSUE}> <{expand("dcterms:modified")}> "2026-12-01T09:00:00Z"^^<{expand("xsd:dateTime")}> .' in lines
        )
        # A list of an older release is that release's, on every page.
        now, before = client.get("/issues").json(), client.get("/release/0.1.0/issues").json()
        assert now["total"] == before["total"] + 1
        assert ISSUE not in [m["iri"] for m in before["members"]]
        older = list(walk(client, "/release/0.1.0/resources/?format=json"))
        assert all(response.headers["cbdgraph-release"] == "0.1.0" for response in older)
        assert ISSUE not in {m["iri"] for page in older for m in page.json()["members"]}
        page = client.get("/release/0.1.0/resources/?page=2", headers=HTML).text
        assert all(link.startswith("/release/0.1.0/") for link in re.findall(r'rel="next" href="([^"]*)"', page))
        assert '"next" href="/release/0.1.0/resources/?page=3' in page


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", ["en", "zh", "ar"])
def test_every_page_is_valid(service: httpx.Client, name: str, lang: str) -> None:
    response = service.get(f"/{name}/", params={"lang": lang}, headers=HTML)
    assert response.headers["content-security-policy"] == CSP
    assert response.headers["vary"] == "Accept, Accept-Language"
    page = check(response.text)
    document = service.get(f"/{name}", params={"lang": lang}).json()
    for member in document["members"]:
        assert member["path"] in page.links
    for link in {link for link in page.links if link.startswith(f"/{name}/?")}:
        assert service.get(link, headers=HTML).status_code == 200
    if lang == "ar" and name == "decisions":
        assert 'lang="ar" dir="rtl"' in response.text


@pytest.mark.parametrize("number", ["0", "-1", "01", "x", "", "1.0", "٢", "9" * 30, "1 ", "%00"])
def test_what_is_no_number_of_a_page(service: httpx.Client, number: str) -> None:
    problem(service.get(f"/issues/?page={number}"), "parameter")


def test_a_page_that_is_not_there(service: httpx.Client) -> None:
    document = problem(service.get("/issues/?page=2"), "not-found")
    assert service.get(document["suggestions"][0]).status_code == 200
    problem(service.get("/issues/?page=2", headers={"If-None-Match": "*"}), "not-found")
    problem(service.get("/issues.pdf"), "not-acceptable")
    problem(service.get("/issues", headers={"Accept": "image/png"}), "not-acceptable")
    check(service.get("/issues/?page=2", headers=HTML).text)


def test_a_list_may_be_kept(service: httpx.Client) -> None:
    for path in ("/terms/", "/terms.ttl", "/terms/?format=html"):
        got, head = service.get(path), service.head(path)
        assert head.headers["etag"] == got.headers["etag"]
        assert head.content == b""
        again = service.get(path, headers={"If-None-Match": got.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert service.get("/terms").content == service.get("/terms/").content


def test_own_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another's names are escaped, and a list of what there is not is empty."""
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        page = client.get("/issues", headers=HTML).text
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        check(page)
        assert client.get("/issues").json()["members"][0]["label"] == MARKUP
        empty = client.get("/terms").json()
        assert (empty["total"], empty["page"], empty["pages"], empty["members"]) == (0, 1, 1, [])
        check(client.get("/terms", headers=HTML).text)
        assert client.get("/resources").json()["total"] == len(
            {line.partition(">")[0] for lines in facts().values() for line in lines}
        )


def test_which_pages_a_page_names() -> None:
    assert _near(1, 1) == [1]
    assert _near(1, 25) == [1, 2, 3, 25]
    assert _near(25, 25) == [1, 23, 24, 25]
