"""/resolve, /parse and /describe: any language, candidates, and what they give for a text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from cbdgraph import find_citations, format_citation
from cbdgraph.citations.targets import KMGBF
from cbdgraph.namespaces import BASE, GRAPHS, LANGUAGES
from cbdgraph.server.addresses import DESCRIBED
from cbdgraph.server.cited import COLUMNS
from cbdgraph.server.examples import EXAMPLES, LANGUAGE_NAMES
from cbdgraph.server.marked import mark
from cbdgraph.server.reading import PAGE_CITATIONS
from tests.test_server_pages import HTML, check
from tests.test_server_running import LABEL, TYPE, facts, make_release, make_root, problem, running

PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
TARGET = f"{KMGBF}target_3"
TREATY = "document/convention-on-biological-diversity"
XSS = '<script>alert("1")</script> decision X/2 & decision XI/16, paragraph "<b>5</b>"'


def graphs() -> dict[str, list[str]]:
    kinds = f"{BASE}ontology#"
    paths = ["target/gspc-2002/4", "target/gspc-2010/4", TREATY, f"{TREATY}/article/8", "document/cop-11-inf-19"]
    paths += ["decision/cop/11/16/para/5/item/d", "decision/cop/10/2"]
    return {
        **facts(),
        f"{GRAPHS}cited": [
            f"<{TARGET}> <{TYPE}> <{kinds}KmgbfTarget> .",
            f'<{TARGET}> <{LABEL}> "Conserve 30%"@en .',
            *(f"<{BASE}{path}> <{TYPE}> <{kinds}Cited> ." for path in paths),
        ],
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, graphs())
    return root


@pytest.fixture(scope="module")
def service(root: Path) -> Iterator[httpx.Client]:
    with running(root=root, workers=1) as client:
        yield client


# /resolve and /describe


@pytest.mark.parametrize(
    ("citation", "lang", "location"),
    [
        ("decision XI/16, paragraph 5 (d)", "en", "/decision/cop/11/16/para/5/item/d"),
        ("décision XI/16, paragraphe 5 d)", "fr", "/decision/cop/11/16/para/5/item/d"),
        ("decisión XI/16, párrafo 5 d)", "es", "/decision/cop/11/16/para/5/item/d"),
        ("решение XI/16, пункт 5 d)", "ru", "/decision/cop/11/16/para/5/item/d"),
        ("第XI/16号决定第5段(d)", None, "/decision/cop/11/16/para/5/item/d"),
        ("الهدف 15 من أهداف أيشي", None, "/target/aichi/15"),
        ("objectif 15 d'Aichi", None, "/target/aichi/15"),
        ("爱知生物多样性目标15", "zh", "/target/aichi/15"),
        ("UNEP/CBD/COP/11/INF/19", None, "/document/cop-11-inf-19"),
        ("Article 8 of the Convention", None, f"/{TREATY}/article/8"),
        ("KMGBF target 3", None, f"/describe?{urlencode({'iri': TARGET})}"),
        (TARGET, None, f"/describe?{urlencode({'iri': TARGET})}"),
    ],
)
def test_what_is_certain_and_known_leads_there(
    service: httpx.Client, citation: str, lang: str | None, location: str
) -> None:
    values = {"citation": citation, **({"lang": lang} if lang else {})}
    response = service.get("/resolve", params=values)
    assert (response.status_code, response.headers.get("location")) == (303, location), response.text
    for accept in ("text/turtle", "text/html", "application/json"):
        assert service.get("/resolve", params=values, headers={"Accept": accept}).status_code == 303
        assert service.get(location, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    "citation",
    [
        "https://evil.example/",
        "//evil.example/",
        f"{BASE}/evil.example/",
        f"{BASE}//evil.example/decision/cop/11/16",
        "http://metadata.cbd.int.evil.example/kmgbf/target_3",
        f"{KMGBF}target_3@evil.example",
        f"{KMGBF}target_99",
        f"{KMGBF}nothing",
        f"{KMGBF}target_3\r\nX: y",
        "objective/gspc-2010/x",
        "decision/cop/11/16/../../../x",
    ],
)
def test_nobody_is_sent_to_another_server(service: httpx.Client, citation: str) -> None:
    response = service.get("/resolve", params={"citation": citation})
    assert response.status_code in {200, 404}
    assert "location" not in response.headers
    described = service.get("/describe", params={"iri": citation})
    assert described.status_code in {303, 400, 404}
    assert described.headers.get("location", "/x")[:2] not in {"//", "ht"}


def test_what_is_not_certain_has_candidates(service: httpx.Client) -> None:
    document = service.get("/resolve", params={"citation": "GSPC target 4"}).json()
    assert document["iri"] is None
    assert [each["path"] for each in document["candidates"]] == ["/target/gspc-2010/4", "/target/gspc-2002/4"]
    first = document["candidates"][0]
    assert first["iri"] == f"{BASE}target/gspc-2010/4"
    assert first["label"] == format_citation(first["iri"])
    assert (first["quote"], first["certainty"], first["locator"]) == ("GSPC target 4", "ambiguous", "")
    assert "edition" in first["reason"]
    (near,) = service.get("/resolve", params={"citation": "第XI/16号决定第99段"}).json()["candidates"]
    assert (near["path"], near["certainty"]) == ("/decision/cop/11/16", "probable")
    (around,) = service.get("/resolve", params={"citation": "Article 8 (j) of the Convention"}).json()["candidates"]
    assert (around["path"], around["locator"]) == (f"/{TREATY}/article/8", "article/8")
    assert "article/8/item/j is not in the graph" in around["reason"]
    unknown = problem(service.get("/resolve", params={"citation": "decision XII/1"}), "unresolved")
    assert "read as decision XII/1" in unknown["detail"]


def test_the_page_of_candidates(service: httpx.Client) -> None:
    written = "第XI/16号决定第99段"
    page = service.get("/resolve", params={"citation": written}, headers={**HTML, "Accept-Language": "zh"}).text
    check(page)
    assert '<bdi lang="zh">第XI/16号决定</bdi>' in page
    assert "<bdi>第99段</bdi>" in page
    assert '<span class="probable">probable</span>' in page
    assert f'value="{written}" dir="auto"' in page
    named = service.get("/resolve", params={"citation": written, "lang": "zh", "format": "html"}).text
    assert '<bdi lang="zh">第XI/16号决定</bdi>' in named
    arabic = service.get("/resolve", params={"citation": "المقرر 11/16"}, headers=HTML).text
    check(arabic)
    assert '<h1 dir="auto">المقرر 11/16</h1>' in arabic
    for citation in ('GSPC target 4 "><script>', "nonsense <script>alert(1)</script>", "XI/16 para 99 <b>"):
        response = service.get("/resolve", params={"citation": citation}, headers=HTML)
        assert "<script" not in response.text
        assert "<b>" not in response.text
        check(response.text)


def test_an_iri_of_others_is_described_here(service: httpx.Client) -> None:
    assert DESCRIBED == KMGBF
    page = service.get("/describe", params={"iri": TARGET}, headers=HTML).text
    check(page)
    assert "<h1" in page
    assert "Conserve 30%" in page
    link = unescape(page.partition('rel="alternate" type="text/turtle" href="')[2].partition('"')[0])
    turtle = service.get(link)
    assert turtle.headers["content-type"].startswith("text/turtle")
    assert "Conserve 30%" in turtle.text
    own = service.get("/describe", params={"iri": f"{BASE}target/aichi/15"})
    assert (own.status_code, own.headers["location"]) == (303, "/target/aichi/15")
    near = problem(service.get("/describe", params={"iri": f"{KMGBF}target_33"}), "not-found")
    assert near["suggestions"] == [f"/describe?{urlencode({'iri': TARGET})}"]
    for iri in ("", "x", "http://e/ <", "<script>"):
        problem(service.get("/describe", params={"iri": iri}), "parameter")
    assert service.head("/describe", params={"iri": TARGET}).headers["etag"] == turtle.headers["etag"]


# /parse


def ask(service: httpx.Client, text: str, **values: str) -> Any:
    response = service.post("/parse", params=values, content=text.encode(), headers=PLAIN)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_in_each_language(service: httpx.Client, language: str) -> None:
    text = EXAMPLES[language]
    document = ask(service, text)
    assert (document["language"], document["guessed"], document["complete"]) == (language, True, True)
    assert document["release"] == service.get("/version").json()["release"]
    assert ask(service, text, lang=language) == {**document, "guessed": False}
    expected = find_citations(text, language)
    assert len(expected) >= 6
    assert sum(document["counts"].values()) == len(document["citations"]) == len(expected)
    units = text.encode("utf-16-le")
    for row, citation in zip(document["citations"], expected, strict=True):
        assert tuple(row) == COLUMNS
        for name in ("start", "end", "quote", "part_start", "part_end", "part_quote", "decision", "locator", "iri"):
            assert row[name] == getattr(citation, name), name
        assert row["normal"] == citation.normal
        assert text[row["start"] : row["end"]] == row["quote"]
        assert text[row["part_start"] : row["part_end"]] == row["part_quote"]
        assert units[2 * row["start_utf16"] : 2 * row["end_utf16"]].decode("utf-16-le") == row["quote"]
    known = {row["iri"]: row["known"] for row in document["citations"]}
    assert known[f"{BASE}target/aichi/15"] is True
    assert known[f"{BASE}decision/cop/15/4"] is False


def test_signs_beyond_16_bits_and_line_ends_count(service: httpx.Client) -> None:
    text = "😀 decision X/2\r\n\r\n𝕏😀, decision XI/16"
    first, second = ask(service, text, lang="en")["citations"]
    assert (first["start"], first["start_utf16"]) == (2, 3)
    assert (second["end"], second["end_utf16"]) == (len(text), len(text) + 3)
    assert text[second["start"] : second["end"]] == second["quote"]


def test_every_way_to_send_a_text_gives_the_same(service: httpx.Client) -> None:
    text = "decision X/2 + decision XI/16 & 第XI/16号决定 100%"
    plain = ask(service, text, lang="en")
    ways = [
        service.post("/parse", json={"text": text, "lang": "en"}),
        service.post("/parse?lang=en", json={"text": text}),
        service.post("/parse", data={"text": text, "lang": "en"}),
        service.post("/parse?lang=en", data={"text": text, "lang": "en", "format": "json"}, headers=HTML),
        service.post("/parse/?lang=en&format=json", content=text.encode(), headers={**PLAIN, **HTML}),
        service.post("/parse?lang=en", content=text.encode(), headers={"Content-Type": 'Text/Plain;charset="UTF8"'}),
    ]
    for response in ways:
        assert response.json() == plain, response.text
        assert "etag" not in response.headers
        assert response.headers["cache-control"] == "no-store"
    assert ask(service, "")["citations"] == []
    assert service.post("/parse", data={"text": text, "lang": ""}).json()["guessed"] is True


def test_tables(service: httpx.Client) -> None:
    text = 'decision X/2,\nparagraph\t3; GSPC target 4 "=1"'
    rows = ask(service, text)["citations"]
    for name, media_type in (("csv", "text/csv"), ("tsv", "text/tab-separated-values")):
        response = service.post(f"/parse?format={name}", content=text.encode(), headers=PLAIN)
        assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
        assert response.headers["cbdgraph-complete"] == "true"
        accepted = service.post("/parse", content=text.encode(), headers={**PLAIN, "Accept": media_type})
        assert accepted.content == response.content
        if name == "csv":
            table = list(csv.DictReader(StringIO(response.text, newline="")))
        else:
            head, *lines = (line.split("\t") for line in response.text.removesuffix("\n").split("\n"))
            table = [dict(zip(head, line, strict=True)) for line in lines]
            assert "\\n" in table[0]["quote"]
        assert [row["iri"] for row in table] == [row["iri"] or "" for row in rows]
        assert table[-1]["alternatives"] == f"{BASE}target/gspc-2002/4"
        assert table[-1]["known"] == "true"
        assert {(row["language"], row["guessed"]) for row in table} == {("en", "true")}


def test_the_page_of_a_text(service: httpx.Client) -> None:
    form = service.get("/parse", headers=HTML)
    check(form.text)
    assert "<script" not in form.text
    assert service.get("/parse").json()["languages"] == list(LANGUAGES)
    for language, name in LANGUAGE_NAMES.items():
        assert f'value="{language}" lang="{language}"' in form.text
        assert name in form.text
        filled = service.get("/parse", params={"example": language}, headers=HTML).text
        assert EXAMPLES[language] in unescape(filled)
        response = service.post("/parse", data={"text": EXAMPLES[language], "lang": ""}, headers=HTML)
        page = check(response.text)
        marked = response.text.partition('<div class="marked" dir="auto"')[2].partition("</div>")[0].partition(">")[2]
        assert unescape(re.sub("<[^>]*>", "", marked)) == EXAMPLES[language]
        rows = ask(service, EXAMPLES[language])["citations"]
        links = [link for link in page.links if link.startswith("#citation-")]
        assert links == [f"#citation-{number}" for number in range(1, len(rows) + 1)]
        assert {link.removeprefix("#") for link in links} <= set(page.ids)
        named = [values for tag, values in page.tags if tag == "a" and values.get("aria-label")]
        assert all(values["title"] and values["class"] for values in named)
        for row in rows:
            assert not row["known"] or row["path"] in page.links
    assert "guessed" in response.text
    problem(service.get("/parse?example=xx"), "parameter")


def test_markup_in_a_text_stays_text(service: httpx.Client) -> None:
    for text in (XSS, XSS.replace("<b>", '" onmouseover="alert(1)'), "</textarea><script>alert(1)</script> X/2"):
        response = service.post("/parse", data={"text": text, "lang": "en"}, headers=HTML)
        assert response.status_code == 200
        check(response.text)
        assert "<script" not in response.text
        assert "<b>" not in response.text
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert text in unescape(response.text)


def test_a_page_shows_the_first_and_says_so(service: httpx.Client) -> None:
    text = "decision X/2. " * (PAGE_CITATIONS + 1)
    page = service.post("/parse", data={"text": text, "lang": "en"}, headers=HTML).text
    check(page)
    assert f"{PAGE_CITATIONS + 1:,} citations" in page
    assert f"This page shows the first {PAGE_CITATIONS:,}" in page
    assert page.count('<tr id="citation-') == PAGE_CITATIONS


def test_pieces_of_overlapping_mentions_are_the_text() -> None:
    text = "0123456789"
    spans = ((1, 6, 1, 3), (1, 6, 2, 6), (4, 8, 4, 5), (8, 9, 8, 9))
    names = ("start", "end", "part_start", "part_end")
    rows = [
        {**dict(zip(names, span, strict=True)), "certainty": kind, "reason": "r", "label": f"n{number}"}
        for number, (span, kind) in enumerate(
            zip(spans, ("certain", "probable", "unresolved", "certain"), strict=True), 1
        )
    ]
    pieces = mark(text, rows)
    assert "".join(part.text for piece in pieces for part in piece.parts) == text
    assert [part.numbers for piece in pieces for part in piece.parts if part.numbers] == [
        (1,),
        (1, 2),
        (2,),
        (2, 3),
        (2,),
        (4,),
    ]
    (shared,) = (part for piece in pieces for part in piece.parts if part.numbers == (2, 3))
    assert shared.certainty == "unresolved"


@pytest.mark.parametrize(
    ("content", "headers", "query", "kind"),
    [
        (b"X/2", {}, "", "media-type"),
        (b"X/2", {"Content-Type": "text/html"}, "", "media-type"),
        (b"X/2", {"Content-Type": "text/plain; charset=latin-1"}, "", "media-type"),
        (b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, "", "media-type"),
        (b"\xff", PLAIN, "", "bad-request"),
        (b"\xed\xa0\x80", PLAIN, "", "bad-request"),
        (b"{", {"Content-Type": "application/json"}, "", "bad-request"),
        (b"[" * 100_000, {"Content-Type": "application/json"}, "", "bad-request"),
        (b"1" * 10_000, {"Content-Type": "application/json"}, "", "bad-request"),
        (b'"X/2"', {"Content-Type": "application/json"}, "", "bad-request"),
        (b'{"lang": "en"}', {"Content-Type": "application/json"}, "", "bad-request"),
        (b'{"text": 5}', {"Content-Type": "application/json"}, "", "bad-request"),
        (b'{"text": "X/2", "language": "en"}', {"Content-Type": "application/json"}, "", "bad-request"),
        (b'{"text": "\\ud800 X/2"}', {"Content-Type": "application/json"}, "", "bad-request"),
        (b'{"text": "X/2", "lang": "en"}', {"Content-Type": "application/json"}, "?lang=fr", "bad-request"),
        (b"lang=en", {"Content-Type": "application/x-www-form-urlencoded"}, "", "bad-request"),
        (b"text=a&text=b", {"Content-Type": "application/x-www-form-urlencoded"}, "", "bad-request"),
        (b"X/2", PLAIN, "?lang=xx", "parameter"),
        (b"X/2", PLAIN, "?lang=all", "parameter"),
        (b"X/2", PLAIN, "?format=ttl", "not-acceptable"),
        (b"x" * (256 * 1024 + 1), PLAIN, "", "body-too-large"),
        (b"text=" + b"x" * (256 * 1024 + 1), {"Content-Type": "application/x-www-form-urlencoded"}, "", None),
        (b'{"text": "' + b"x" * (256 * 1024 + 1) + b'"}', {"Content-Type": "application/json"}, "", None),
        (b"text=" + b"x" * (1024 * 1024), {"Content-Type": "application/x-www-form-urlencoded"}, "", None),
    ],
)
def test_what_is_no_text_is_refused(
    service: httpx.Client, content: bytes, headers: dict[str, str], query: str, kind: str | None
) -> None:
    document = problem(service.post(f"/parse{query}", content=content, headers=headers), kind or "body-too-large")
    assert "query" not in document["detail"] + document["remedy"] or kind == "not-acceptable"
    page = service.post(f"/parse{query}", content=content, headers={**headers, **HTML})
    assert page.status_code == document["status"]
    if "format=" not in query:
        check(page.text)


def test_methods(service: httpx.Client) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        response = service.request(method, "/parse", content=b"x")
        problem(response, "method")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    preflight = service.options("/parse", headers={"Origin": "https://e", "Access-Control-Request-Method": "POST"})
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert service.head("/parse").headers["etag"] == service.get("/parse").headers["etag"]
    problem(service.post("/resolve", content=b"x"), "method")


def test_the_document_of_the_interface(service: httpx.Client) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    post = paths["/parse"]["post"]
    assert set(post["requestBody"]["content"]) == {
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
    }
    answer = post["responses"]["200"]
    assert set(answer["content"]) == {"application/json", "text/html", "text/csv", "text/tab-separated-values"}
    assert "code points" in answer["description"]
    described = answer["content"]["application/json"]["schema"]["properties"]
    document = ask(service, "decision X/2")
    assert set(described) == set(document)
    assert set(described["citations"]["items"]["properties"]) == set(COLUMNS)
    assert {"413", "415", "429", "503", "504"} <= set(post["responses"])
    assert {"/resolve", "/describe"} <= set(paths)
    assert service.get("/version").json()["limits"]["text_bytes"] == 256 * 1024
