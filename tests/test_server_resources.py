"""Dereferencing and /resolve: formats, JSON, validators, spellings, what is withdrawn, suggestions, escaping."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph
import pytest
import rdflib

from cbdgraph.changelog import Log
from cbdgraph.namespaces import BASE, GRAPHS, WITHDRAWN, expand
from cbdgraph.server.known import _near as known_near
from cbdgraph.server.nested import nest
from cbdgraph.server.unknown import split_suffix
from tests.cutting import DECISION, ISSUE, NEW_TERM, OLD_TERM, REASON, ROOT, make_log, publish_log
from tests.test_server_pages import check
from tests.test_server_running import LABEL, MARKUP, TYPE, facts, make_release, make_root, problem, running
from tests.test_server_running import service as service

TARGET = "/target/aichi/15"
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SHAPE = f"{BASE}shapes#Made-shape"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Three releases of the real data, in 2021: things are changed and withdrawn in them."""
    folder = tmp_path_factory.mktemp("three")
    log = Log(tuple(replace(each, issued=f"2021-0{n}-01T09:00:00Z") for n, each in enumerate(make_log().releases, 1)))
    publish_log(folder, log, older=1)
    with running(root=ROOT, build=folder, workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Blank nodes in depth and in a circle, a path that ends as a format does, text that would end a script."""
    root = make_root(tmp_path_factory.mktemp("root"))
    first, rest, nil = (f"<{expand(f'rdf:{name}')}>" for name in ("first", "rest", "nil"))
    deep = [f"_:d{n} <{expand('rdfs:member')}> _:d{n + 1} ." for n in range(30)]
    items = [line for n in range(40) for line in (f'_:l{n} {first} "{n}" .', f"_:l{n} {rest} _:l{n + 1} .")]
    lines = [
        f"<{SHAPE}> <{TYPE}> <http://www.w3.org/ns/shacl#NodeShape> .",
        f"<{SHAPE}> <http://www.w3.org/ns/shacl#in> _:l0 .",
        *items[:-1],
        f"_:l39 {rest} {nil} .",
        f"<{SHAPE}> <http://www.w3.org/ns/shacl#property> _:d0 .",
        *deep,
        '_:d30 <http://example.org/end> "the end" .',
        f"<{SHAPE}> <http://example.org/loop> _:c0 .",
        "_:c0 <http://example.org/loop> _:c1 .",
        "_:c1 <http://example.org/loop> _:c0 .",
        "<http://example.org/other> <http://example.org/has> _:o .",
        '_:o <http://example.org/is> "another\'s" .',
        f'<{BASE}file/notes.ttl> <{LABEL}> "a file"@en .',
        f'<{BASE}term/caf\u00e9> <{LABEL}> "</script><script>alert(1)</script><!-- \u2028 &amp;" .',
        f'<{BASE}term/lines> <{LABEL}> "a\u2028b\u0085c\\r\\nd"@en .',
        f"<{BASE}term/lines> <{TYPE}> <{BASE}ontology#Term> .",
    ]
    file = root / "odd.nt"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with running(root=root, data=(file,), workers=1) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        (TARGET, "", "text/turtle"),
        (TARGET, "*/*", "text/turtle"),
        (TARGET, "application/rdf+xml", "application/rdf+xml"),
        (TARGET, "application/ld+json, text/turtle;q=0.9", "application/ld+json"),
        (f"{TARGET}.nt", "text/html", "application/n-triples"),
        (f"{TARGET}.jsonld", "", "application/ld+json"),
        (f"{TARGET}.ttl", "", "text/turtle"),
        (f"{TARGET}.rdf", "", "application/rdf+xml"),
        (f"{TARGET}?format=nq", "", "application/n-quads"),
        (f"{TARGET}?format=trig", "", "application/trig"),
    ],
)
def test_formats(service: httpx.Client, path: str, accept: str, expected: str) -> None:
    response = service.get(path, headers={"Accept": accept})
    assert response.headers["content-type"].partition(";")[0] == expected
    assert response.headers["cbdgraph-complete"] == "true"
    assert response.headers["link"].startswith(f'<{BASE}target/aichi/15>; rel="canonical", ')
    statements = set(pyoxigraph.parse(response.content, pyoxigraph.RdfFormat.from_media_type(expected)))
    # Five of its own, and the label of the issue that it is about.
    assert len(statements) == 6
    assert any(MARKUP in str(getattr(s.object, "value", "")) for s in statements)


def test_json_is_for_scripts_and_json_ld_for_programs(service: httpx.Client) -> None:
    for path, accept in (
        (f"{TARGET}.json", ""),
        (TARGET, "application/json"),
        (f"{TARGET}?format=json", "image/png"),
    ):
        response = service.get(path, headers={"Accept": accept})
        assert response.headers["content-type"] == "application/json"
        document = response.json()
        assert document["iri"] == f"{BASE}target/aichi/15"
        assert document["path"] == TARGET
        assert document["label"] == "Target fifteen"
        assert document["labels"] == {"en": "Target fifteen", "zh": "目标15"}
        assert [each["name"] for each in document["types"]] == ["cbd:AichiTarget"]
        assert document["properties"]["cbd:number"] == [{"value": "15", "datatype": "xsd:integer"}]
        (about,) = document["properties"]["cbd:about"]
        assert about == {
            "iri": f"{BASE}issue/forest-biodiversity",
            "path": "/issue/forest-biodiversity",
            "label": MARKUP,
        }
        assert document["prefixes"]["cbd"] == f"{BASE}ontology#"
        assert document["complete"] is True
        assert document["release"] == response.headers["cbdgraph-release"]
        for media_type, where in document["links"].items():
            assert service.get(where).headers["content-type"].partition(";")[0] == media_type
    assert isinstance(service.get(TARGET, headers={"Accept": "application/ld+json"}).json(), list)
    chinese = service.get(f"{TARGET}.json?lang=zh").json()
    assert (chinese["label"], chinese["language"]) == ("目标15", "zh")
    pointed = service.get("/issue/forest-biodiversity.json").json()["incoming"]
    assert [(each["property"], each["count"]) for each in pointed] == [("cbd:about", 1)]
    (value,) = service.get(pointed[0]["href"]).json()["values"]
    assert value["path"] == TARGET


def test_json_of_real_data_says_what_is_inferred_and_where_it_belongs(three: httpx.Client) -> None:
    document = three.get("/decision/cop/11/16/para/5/item/d.json").json()
    assert [each["label"] for each in document["within"]] == [
        "Conference of the Parties",
        "COP 11 (Hyderabad, 2012)",
        "Decision XI/16",
        "Decision XI/16, paragraph 5",
    ]
    kinds = {each["name"]: each for each in document["properties"]["rdf:type"]}
    assert "inferred" not in kinds["cbd:Element"]
    assert kinds["cbd:Text"]["inferred"] == ["cax-sco"]
    assert document["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert document["modified"].endswith("Z")


def test_page_is_escaped(service: httpx.Client) -> None:
    page = service.get("/issue/forest-biodiversity", headers={"Accept": "text/html,*/*;q=0.1"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    check(page.text)
    assert page.text.count("<script") == 1, "the data block, and nothing of what it quotes"
    assert "&lt;script&gt;" in page.text
    assert 'href="javascript:' not in page.text
    assert ">Target fifteen</bdi></a>" in page.text, "what points here has its label"
    assert service.get(f"{TARGET}.html").status_code == 200


def _data_block(page: str) -> str:
    block: str
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return block


def test_nothing_ends_the_data_block(odd: httpx.Client) -> None:
    page = odd.get("/term/caf%C3%A9", headers=HTML).text
    check(page)
    block = _data_block(page)
    assert not set("<>&\u2028") & set(block)
    (name,) = json.loads(block)["mainEntity"]["name"]
    assert name == "</script><script>alert(1)</script><!-- \u2028 &amp;"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not here")
def test_a_browser_takes_the_data_block_for_data(three: httpx.Client, tmp_path: Path) -> None:
    """The policy lets no script run, and there is none that it would have to stop."""
    base = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    command = [*base, "--enable-logging=stderr", "--dump-dom", f"{three.base_url}/decision/cop/11/16"]
    end = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert '"@type": "WebPage"' in end.stdout
    assert "Content Security Policy" not in end.stderr
    assert "CONSOLE" not in end.stderr


def test_the_data_block_is_json_ld_that_speaks_of_the_page_and_of_the_thing(three: httpx.Client) -> None:
    block = _data_block(three.get("/decision/cop/11/16", headers=HTML).text)
    statements = pyoxigraph.parse(block.encode(), pyoxigraph.RdfFormat.JSON_LD)
    graph = rdflib.Graph().parse(data="".join(f"{each.triple} .\n" for each in statements), format="nt")
    schema = rdflib.Namespace("http://schema.org/")
    thing = rdflib.URIRef(DECISION)
    (page,) = graph.subjects(schema.mainEntity, thing)
    licence = rdflib.URIRef("https://creativecommons.org/licenses/by/4.0/")
    assert list(graph.subject_objects(schema.license)) == [(page, licence)], (
        "the decision itself is not ours to license"
    )
    assert (thing, rdflib.RDF.type, schema.CreativeWork) in graph
    assert (thing, schema.isPartOf, rdflib.URIRef(f"{BASE}meeting/cop/11")) in graph
    assert rdflib.Literal("第XI/16号决定", lang="zh") in set(graph.objects(thing, schema.name))
    names = {str(graph.value(item, schema.name)) for item in graph.subjects(rdflib.RDF.type, schema.ListItem)}
    assert names == {"Conference of the Parties", "COP 11 (Hyderabad, 2012)", "Decision XI/16"}


def test_a_page_says_where_it_belongs_who_cites_it_and_for_what(three: httpx.Client) -> None:
    page = three.get("/decision/cop/6/22", headers=HTML).text
    check(page)
    way = page.partition('<nav class="way"')[2].partition("</nav>")[0]
    assert re.findall(r'href="([^"]*)"', way) == ["/body/cop", "/meeting/cop/6"]
    table = page.partition('id="citations"')[2].partition("</table>")[0]
    assert '<a href="/document/sbstta-17-ecosystem-restoration/annex/1/row/7"' in table
    assert ">Forest Biodiversity</bdi>" in table
    assert '<q lang="zh" dir="auto">' in table
    assert ">certain</a>" in table
    for heading in ("Codes and official pages", "Where this comes from", "What points here"):
        assert f">{heading}" in page
    codes = page.partition('id="elsewhere"')[2].partition("<h2")[0]
    assert "decision tracking code</bdi>" in codes
    assert 'href="https://www.cbd.int/decisions/cop/6/22"' in codes
    issue = three.get("/issue/forest-biodiversity?lang=ar", headers=HTML).text
    check(issue)
    assert "Cited for this issue" in issue
    assert '<h1 lang="ar" dir="rtl">' in issue
    target = three.get("/target/aichi/15", headers=HTML).text
    assert re.findall(r'href="([^"]*)"', target.partition('class="way"')[2].partition("</nav>")[0]) == [
        "/target/aichi",
        "/goal/aichi/d",
    ]
    assert 'href="/docs/ontology"' in three.get("/ontology?format=html").text
    assert 'href="/docs/ontology"' in three.get("/shapes", headers=HTML).text


def test_a_named_graph_is_its_content(service: httpx.Client) -> None:
    response = service.get("/graph/numbers.nt")
    assert response.text.count("\n") == len(facts()[f"{GRAPHS}numbers"])
    document = service.get("/graph/numbers.json").json()
    assert document["graph"]["triples"] == len(facts()[f"{GRAPHS}numbers"])
    assert service.get(document["graph"]["content"]).text.count("\n") == document["graph"]["triples"]


def test_blank_nodes_are_told_however_deep(odd: httpx.Client) -> None:
    path = "/shapes%23Made-shape"
    for name in ("ttl", "nt", "rdf", "jsonld", "nq", "trig"):
        response = odd.get(f"{path}?format={name}")
        media_type = response.headers["content-type"].partition(";")[0]
        statements = list(pyoxigraph.parse(response.content, pyoxigraph.RdfFormat.from_media_type(media_type)))
        # A class, three with blank nodes; 40 items, 30 steps down and the end, two in a circle.
        assert len(statements) == 4 + 80 + 31 + 2, name
        assert not any("another" in str(statement) for statement in statements), "what hangs elsewhere stays there"
    properties = odd.get(f"{path}?format=json").json()["properties"]
    (items,) = properties["sh:in"]
    assert [item["value"] for item in items["list"]] == [str(n) for n in range(40)]
    (deep,) = properties["sh:property"]
    for _ in range(19):
        (deep,) = deep["properties"]["rdfs:member"]
    assert deep["properties"]["rdfs:member"][0]["blank"], "deeper than anybody nests it is told by its label"
    ((circle),) = properties["http://example.org/loop"]
    assert "blank" in circle["properties"]["http://example.org/loop"][0]["properties"]["http://example.org/loop"][0]


def test_what_is_no_list_is_nested_as_it_is() -> None:
    first, rest = expand("rdf:first"), expand("rdf:rest")
    lines = [
        "<x:s> <x:p> _:a .",
        f'_:a <{first}> "1" .',
        f'_:a <{first}> "2" .',
        f"_:a <{rest}> <{expand('rdf:nil')}> .",
    ]
    (nested,) = nest(lines, "x:s")["x:p"]
    assert [value["value"] for value in nested["properties"]["rdf:first"]] == ["1", "2"]
    circle = ["<x:s> <x:p> _:a .", f'_:a <{first}> "1" .', f"_:a <{rest}> _:a ."]
    assert nest(circle, "x:s")["x:p"][0]["properties"]["rdf:rest"] == [{"blank": "a"}]


def test_text_with_odd_ends_of_lines_stays_whole(odd: httpx.Client) -> None:
    for name in ("ttl", "nt", "rdf", "jsonld"):
        response = odd.get(f"/term/lines.{name}")
        media_type = response.headers["content-type"].partition(";")[0]
        found = pyoxigraph.parse(response.content, pyoxigraph.RdfFormat.from_media_type(media_type))
        texts = [statement.object.value for statement in found if statement.predicate.value == LABEL]
        assert texts == ["a\u2028b\u0085c\r\nd"], name


def test_a_path_may_end_as_a_format_does(odd: httpx.Client) -> None:
    response = odd.get("/file/notes.ttl", headers={"Accept": "application/n-triples"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/n-triples")
    assert odd.get("/file/notes.ttl.json").json()["label"] == "a file"
    assert split_suffix(".ttl") == (".ttl", "")


# --- validators


def _is_unchanged(client: httpx.Client, path: str, accept: str, **headers: str) -> bool:
    response = client.get(path, headers={"Accept": accept, **{k.replace("_", "-"): v for k, v in headers.items()}})
    assert response.status_code in {200, 304}
    assert bool(response.content) == (response.status_code == 200)
    return response.status_code == 304


@pytest.mark.parametrize("accept", ["text/turtle", "application/ld+json", "application/json", "text/html"])
def test_dates_and_tags(three: httpx.Client, accept: str) -> None:
    """The first answers are worked out, those after are kept; a date with a query string is worked out again."""
    path, never = "/body/cop", iter(range(100))
    first = three.get(path, headers={"Accept": accept})
    date, tag = first.headers["last-modified"], first.headers["etag"]
    when = parsedate_to_datetime(date)
    earlier = format_datetime(when.replace(year=when.year - 1), usegmt=True)
    later = format_datetime(when.replace(year=when.year + 1), usegmt=True)
    for kept in (True, False):

        def ask(kept: bool = kept, **headers: str) -> bool:
            where = path if kept else f"{path}?n={next(never)}"
            return _is_unchanged(three, where, accept, **headers)

        assert ask(if_modified_since=date)
        assert ask(if_modified_since=later)
        assert ask(if_modified_since=when.strftime("%A, %d-%b-%y %H:%M:%S GMT")), "the form of RFC 850"
        assert ask(if_modified_since=when.strftime("%a %b %e %H:%M:%S %Y")), "the form of C"
        assert not ask(if_modified_since=earlier)
        assert not ask(if_modified_since="yesterday")
        assert not ask(if_modified_since="")
        # RFC 9110 section 13.2.2: where there are tags, the date says nothing.
        assert ask(if_none_match=tag, if_modified_since=earlier)
        assert not ask(if_none_match='"other"', if_modified_since=later)
        assert ask(if_none_match="*")
    held = three.get(path, headers={"Accept": accept, "If-Modified-Since": date})
    fresh = three.get(f"{path}?n={next(never)}", headers={"Accept": accept, "If-Modified-Since": date})
    for name in ("etag", "last-modified", "vary", "cache-control"):
        assert held.headers[name] == fresh.headers[name] == first.headers[name]
    for response in (held, fresh):
        assert not {"link", "content-type", "content-length"} & response.headers.keys()
    head = three.head(path, headers={"Accept": accept})
    assert (head.status_code, head.content, head.headers["last-modified"]) == (200, b"", date)
    assert head.headers["content-length"] == str(len(first.content))


def test_a_date_that_is_sent_twice_says_nothing(three: httpx.Client) -> None:
    for path in ("/body/cop", "/body/cop?twice"):
        date = three.get(path).headers["last-modified"]
        twice = [("If-Modified-Since", date), ("If-Modified-Since", date)]
        assert three.get(path, headers=twice).status_code == 200


def test_rdf_is_dated_by_the_change_log_and_pages_by_the_release(three: httpx.Client) -> None:
    changed, unchanged = "/decision/cop/11/16", "/body/cop"
    dates = {path: parsedate_to_datetime(three.get(path).headers["last-modified"]) for path in (changed, unchanged)}
    assert dates[unchanged] < dates[changed]
    page = three.get(unchanged, headers=HTML).headers["last-modified"]
    assert parsedate_to_datetime(page) == dates[changed], "what points here may have changed with any release"


def test_what_nobody_dated_has_no_date(service: httpx.Client) -> None:
    for accept in ("text/turtle", "text/html"):
        response = service.get(
            TARGET, headers={"Accept": accept, "If-Modified-Since": "Sun, 22 Nov 2099 10:00:00 GMT"}
        )
        assert response.status_code == 200
        assert "last-modified" not in response.headers


# --- what is not there, or not under this address


@pytest.mark.parametrize(
    "path", ["/target/aichi/155", "/target/aichy/15", "/nothing", "/a b<c>", "/%00", "/%22%7D", "/%7F"]
)
def test_unknown_paths_get_suggestions(service: httpx.Client, path: str) -> None:
    document = problem(service.get(path), "not-found")
    if path.startswith("/target"):
        assert TARGET in document["suggestions"]
        assert all(service.get(suggestion).status_code == 200 for suggestion in document["suggestions"])


def test_not_acceptable_says_where_each_format_is(service: httpx.Client) -> None:
    response = service.get(TARGET, headers={"Accept": "image/png"})
    document = problem(response, "not-acceptable")
    assert "text/turtle" in document["offered"]
    assert len(document["alternates"]) == 8
    for each in document["alternates"]:
        assert service.get(each["path"]).headers["content-type"].partition(";")[0] == each["type"]
        assert f'<{each["path"]}>; rel="alternate"; type="{each["type"]}"' in response.headers["link"]


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/decision/cop/XI/16", "/decision/cop/11/16"),
        ("/decision/cop/XI/16.ttl", "/decision/cop/11/16.ttl"),
        ("/decision/cop/XI/16.TTL?lang=fr", "/decision/cop/11/16.ttl?lang=fr"),
        ("/DECISION/cop/011/16", "/decision/cop/11/16"),
        ("/decision//cop/11/16", "/decision/cop/11/16"),
        ("/decision/cop/11/16.", "/decision/cop/11/16"),
        ("/%20decision/cop/11/16%20", "/decision/cop/11/16"),
        ("/decision/cop/%EF%BC%91%EF%BC%91/16", "/decision/cop/11/16"),
        ("/CBD/COP/11/16", "/decision/cop/11/16"),
        ("/target/%61ichi/15", "/target/aichi/15"),
        ("/target/aichi%2f15?format=nt", "/target/aichi/15?format=nt"),
        ("/issue/Forest_Biodiversity?incoming=cbd:about", "/issue/forest-biodiversity?incoming=cbd:about"),
    ],
)
def test_other_spellings_lead_to_the_iri(service: httpx.Client, path: str, where: str) -> None:
    """Written as it is: clients tidy what they send."""
    for method in ("GET", "HEAD"):
        answer = _speak(service, f"{method} {path} HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 301 ")
        assert f"\r\nlocation: {where}\r\n".encode() in answer.lower()
    assert service.get(where).status_code == 200, "it leads there at once"


def _speak(client: httpx.Client, line: str) -> bytes:
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10) as connection:
        connection.sendall(f"{line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/DECISION/cop/11/16",
        "/%2F%2Fevil.example/decision/cop/XI/16",
        "/\\evil.example/decision/cop/XI/16",
        "/http://evil.example/decision/cop/XI/16",
        "/decision/cop/XI/16%0d%0aLocation:%20http://evil.example",
        "/decision/cop/XI/16?%0d%0aLocation:%20http://evil.example",
        "//decision/cop/XI/16?next=//evil.example",
        '/decision/cop/XI/16?a="<b>\\',
    ],
)
def test_no_spelling_leads_elsewhere(service: httpx.Client, path: str) -> None:
    answer = _speak(service, f"GET {path} HTTP/1.1")
    head = answer.partition(b"\r\n\r\n")[0]
    locations = re.findall(rb"(?mi)^location: ([^\r\n]*)", head)
    assert len(locations) <= 1
    for location in locations:
        assert location.startswith(b"/decision/cop/11/16")
        assert not location.startswith(b"//")
        assert re.fullmatch(rb"[!-~]+", location)
        assert not re.search(rb'[<>"\\]', location)


def test_what_is_known_is_not_redirected(odd: httpx.Client) -> None:
    assert odd.get("/term/caf%C3%A9").status_code == 200
    assert odd.get("/term/CAF%C3%89").status_code == 404, "no normal form of it is known"


@pytest.mark.parametrize("accept", ["text/turtle", "application/json", "image/png", ""])
def test_what_is_withdrawn_is_gone(three: httpx.Client, accept: str) -> None:
    for suffix in ("", ".ttl", ".json"):
        document = problem(three.get(f"/issue/made-for-a-test{suffix}", headers={"Accept": accept}), "gone")
        assert (document["iri"], document["reason"], document["replacements"]) == (ISSUE, REASON, [])
    response = three.get("/term/degraded-land", headers={"Accept": accept})
    document = problem(response, "gone")
    (replacement,) = document["replacements"]
    assert replacement == {"iri": NEW_TERM, "path": "/term/land-that-is-degraded"}
    assert f'<{NEW_TERM}>; rel="successor-version"' in response.headers["link"]
    assert three.get(replacement["path"]).status_code == 200
    assert document["earlier"]["release"] == "0.2.0"
    was = three.get(document["earlier"]["path"], headers={"Accept": "application/n-triples"})
    assert f"<{OLD_TERM}> " in was.text
    assert three.head("/term/degraded-land", headers={"Accept": accept}).status_code == 410


def test_what_is_withdrawn_has_a_page_and_other_spellings_lead_to_it(three: httpx.Client) -> None:
    page = three.get("/term/degraded-land", headers=HTML)
    assert page.status_code == 410
    check(page.text)
    assert "It got another IRI." in page.text
    assert '<a href="/term/land-that-is-degraded">' in page.text
    assert '<a href="/release/0.2.0/term/degraded-land">' in page.text
    answer = three.get("/term/Degraded_Land.ttl")
    assert (answer.status_code, answer.headers["location"]) == (301, "/term/degraded-land.ttl")
    older = three.get("/release/0.2.0/term/Degraded_Land.ttl?lang=fr")
    assert (older.status_code, older.headers["location"]) == (301, "/release/0.2.0/term/degraded-land.ttl?lang=fr")
    assert three.get("/term/never-there").status_code == 404


def test_a_withdrawal_may_have_several_replacements_and_reasons_are_escaped(tmp_path: Path) -> None:
    old, root = f"{BASE}term/old", make_root(tmp_path)
    lines = [
        f"<{old}> <{TYPE}> <{BASE}ontology#Withdrawal> .",
        f'<{old}> <{BASE}ontology#withdrawalReason> "<b>split</b>"@en .',
        f'<{old}> <{BASE}ontology#withdrawalReason> "divisé"@fr .',
        *(f"<{old}> <{expand('dcterms:isReplacedBy')}> <{BASE}term/new-{n}> ." for n in (1, 2)),
    ]
    make_release(root, {**facts(), WITHDRAWN: lines})
    with running(root=root, workers=1) as client:
        response = client.get("/term/old")
        document: dict[str, Any] = problem(response, "gone")
        assert document["reason"] == "<b>split</b>"
        assert [each["path"] for each in document["replacements"]] == ["/term/new-1", "/term/new-2"]
        assert response.headers["link"].count('rel="successor-version"') == 2
        page = client.get("/term/old", headers=HTML)
        assert "&lt;b&gt;split" in page.text
        assert "<b>" not in page.text


def test_resolve(service: httpx.Client) -> None:
    for citation in ("XI/16", "UNEP/CBD/COP/DEC/XI/16"):
        response = service.get("/resolve", params={"citation": citation})
        assert (response.status_code, response.headers["location"]) == (303, "/decision/cop/11/16")
    document = service.get("/resolve", params={"citation": "XI/16 para 5"}).json()
    assert document["iri"] is None
    assert "/decision/cop/11/16" in [candidate["path"] for candidate in document["candidates"]]
    page = service.get("/resolve", params={"citation": "XI/16 para 5", "format": "html"})
    assert "/decision/cop/11/16" in page.text
    problem(service.get("/resolve", params={"citation": "nonsense <b>"}), "unresolved")
    problem(service.get("/resolve"), "bad-request")
    problem(service.get("/resolve", params={"citation": "x" * 2000}), "bad-request")
    problem(service.get("/resolve", params={"citation": "XI/16", "lang": "xx"}), "parameter")


def test_a_path_of_thousands_of_folders_is_answered_at_once() -> None:
    known = {f"{BASE}decision/cop/{n}/{m}" for n in range(1, 17) for m in range(1, 40)}
    assert len(known_near(f"{BASE}{'a/' * 7000}b", known)) <= 5
    assert known_near(f"{BASE}decision/cop/11/99", known)
