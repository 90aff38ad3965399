"""/query: formats, parameters that are bound and never pasted, and lists."""

from __future__ import annotations

import time
from io import BytesIO
from urllib.parse import quote

import httpx
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cbdgraph.cli import main
from cbdgraph.server.named import plain
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_running import problem
from tests.test_server_running import service as service


def test_list(service: httpx.Client) -> None:
    queries = service.get("/query/").json()["queries"]
    assert [query["name"] for query in queries] == ["echo", "labels", "numbers"]
    labels = queries[1]
    assert labels["columns"] == ["label", "number"]
    assert [parameter["name"] for parameter in labels["parameters"]] == ["target", "lang"]
    assert service.get(labels["example"]).json()["rows"]
    page = service.get("/query/", headers={"Accept": "text/html"})
    assert "Labels of a target" in page.text


def test_shape(service: httpx.Client) -> None:
    response = service.get("/query/labels", params={"target": "aichi/15", "format": "json"})
    document = response.json()
    assert document["columns"] == ["label", "number"]
    assert document["rows"] == [{"label": "Target fifteen", "number": 15}, {"label": "\u76ee\u680715", "number": 15}]
    assert document["complete"] is True
    assert document["release"] == response.headers["cbdgraph-release"]
    for link in document["links"].values():
        assert service.get(link).status_code == 200


@pytest.mark.parametrize("value", ["aichi/15", "target/aichi/15", "https://w3id.org/cbdgraph/target/aichi/15"])
def test_forms_of_a_parameter(service: httpx.Client, value: str) -> None:
    assert len(service.get("/query/labels", params={"target": value, "lang": "zh"}).json()["rows"]) == 1
    assert len(service.get("/query/labels", params={"target": value, "lang": "all"}).json()["rows"]) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("csv", "label,number\r\nTarget fifteen,15\r\n"),
        ("tsv", '?label\t?number\n"Target fifteen"@en\t15\n'),
    ],
)
def test_text_formats(service: httpx.Client, name: str, expected: str) -> None:
    response = service.get("/query/labels", params={"target": "aichi/15", "lang": "en", "format": name})
    assert response.text == expected


def test_other_formats(service: httpx.Client) -> None:
    parameters = {"target": "aichi/15"}
    results = service.get("/query/labels", params=parameters, headers={"Accept": "application/sparql-results+json"})
    assert results.json()["head"]["vars"] == ["label", "number"]
    assert service.get("/query/labels", params={**parameters, "format": "xml"}).text.count("<result>") == 2
    page = service.get("/query/labels", params=parameters, headers={"Accept": "text/html"})
    assert "Target fifteen" in page.text
    form = service.get("/query/labels", headers={"Accept": "text/html"})
    assert 'value="aichi/15"' in form.text


def test_sheet(service: httpx.Client) -> None:
    response = service.get("/query/labels", params={"target": "aichi/15", "format": "xlsx"})
    assert "labels.xlsx" in response.headers["content-disposition"]
    rows = list(openpyxl.load_workbook(BytesIO(response.content)).active.values)
    assert rows == [("label", "number"), ("Target fifteen", 15), ("\u76ee\u680715", 15)]
    formula = service.get("/query/echo", params={"text": "=1+1\u0001", "format": "xlsx"})
    cell = openpyxl.load_workbook(BytesIO(formula.content)).active["A2"]
    assert (cell.value, cell.data_type) == ("=1+1 ", "s")


@pytest.mark.parametrize(
    ("path", "kind", "word"),
    [
        ("/query/labels", "parameter", "missing"),
        ("/query/labels?target=", "parameter", "empty"),
        ("/query/labels?target=aichi/15&colour=red", "parameter", "colour"),
        ("/query/labels?target=aichi/15&target=aichi/5", "parameter", "more than once"),
        ("/query/labels?target=aichi/15&lang=xx", "parameter", "lang"),
        ("/query/numbers?lang=xx", "parameter", "lang"),
        ("/query/numbers?lang=", "parameter", "lang"),
        ("/query/numbers?lang=en&lang=fr", "parameter", "more than once"),
        ("/query/labels?target=http://e/%3E%20%7D", "parameter", "target"),
        ("/query/lables?target=aichi/15", "unknown-query", "labels"),
        ("/query/labels?target=aichi/15&format=pdf", "not-acceptable", "pdf"),
        ("/query/..%2F..%2Fsecret", "not-found", ""),
    ],
)
def test_what_is_refused(service: httpx.Client, path: str, kind: str, word: str) -> None:
    assert word in problem(service.get(path), kind)["detail"]


@pytest.mark.parametrize(
    ("value", "near"),
    [
        ("aichi/155", ["aichi/15", "aichi/5"]),
        ("aichy/15", ["aichi/15", "aichi/5"]),
        ("target/aichi/99", ["aichi/5", "aichi/15"]),
        ("https://w3id.org/cbdgraph/target/aichi/15%5B", ["aichi/15"]),
        ("http://elsewhere.example/15", []),
    ],
)
@pytest.mark.parametrize("accept", ["", "text/csv"])
def test_a_resource_that_is_not_there_is_no_empty_answer(
    service: httpx.Client, value: str, near: list[str], accept: str
) -> None:
    response = service.get(f"/query/labels?target={value}", headers={"Accept": accept, "If-None-Match": "*"})
    document = problem(response, "unknown-resource")
    assert document["parameter"] == "target"
    assert document["suggestions"][: len(near)] == near
    for suggestion in document["suggestions"]:
        assert suggestion in document["detail"]
        assert service.get("/query/labels", params={"target": suggestion}).status_code == 200


@pytest.mark.parametrize(
    ("query", "value", "near"),
    [
        ("decisions-addressing-target", "--target=aichi/99", "aichi/9"),
        ("decisions-on-issue", "--issue=forrest-biodiversity", "forest-biodiversity"),
        ("decision-outline", "--decision=XI/99", "XI/"),
        ("citations-in-document", "--document=ecosystem-restoration", "sbstta-17-ecosystem-restoration"),
        ("quantified-targets", "--unit=percents", "percent"),
    ],
)
def test_the_command_says_the_same(
    release: Release,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    query: str,
    value: str,
    near: str,
) -> None:
    monkeypatch.setenv("CBDGRAPH_BUILD", str(release.path.parents[1]))
    assert main(["--root", str(ROOT), "query", query, value]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert near in said.err.partition("did you mean")[2]


@pytest.mark.parametrize("lang", ["en", "fr", "es", "ru", "zh", "ar", "all"])
def test_every_query_takes_a_language(service: httpx.Client, lang: str) -> None:
    plain_rows = service.get("/query/numbers").json()
    assert "lang" not in plain_rows
    document = service.get("/query/numbers", params={"lang": lang}).json()
    assert document["rows"] == plain_rows["rows"]
    assert document["lang"] == {"value": lang, "effect": "none"}
    own = service.get("/query/labels", params={"target": "aichi/15", "lang": lang}).json()
    assert own["lang"] == {"value": lang, "effect": "rows"}
    assert len(own["rows"]) == {"en": 1, "zh": 1, "all": 2}.get(lang, 0)
    for name in ("csv", "tsv", "xml", "sparql-json"):
        parameters = {"format": name}
        with_language = service.get("/query/numbers", params={**parameters, "lang": lang})
        assert with_language.content == service.get("/query/numbers", params=parameters).content
    form = service.get("/query/labels", params={"lang": lang}, headers={"Accept": "text/html"})
    assert form.status_code == 200


def test_the_list_says_what_every_query_takes(service: httpx.Client) -> None:
    common = {entry["name"]: entry for entry in service.get("/query/").json()["common"]}
    assert common["lang"]["values"] == ["en", "fr", "es", "ru", "zh", "ar", "all"]
    for name in common["format"]["values"]:
        assert service.get("/query/numbers", params={"format": name}).status_code == 200


def test_the_command_takes_a_language_too(
    release: Release, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CBDGRAPH_BUILD", str(release.path.parents[1]))
    assert main(["--root", str(ROOT), "query", "issues-by-meeting", "--lang", "fr"]) == 0
    with_language = capsys.readouterr().out
    assert main(["--root", str(ROOT), "query", "issues-by-meeting"]) == 0
    assert capsys.readouterr().out == with_language
    assert main(["--root", str(ROOT), "query", "issues-by-meeting", "--lang", "xx"]) == 2


def test_a_known_resource_without_rows_is_an_empty_answer(service: httpx.Client) -> None:
    assert service.get("/query/labels?target=aichi/5").json()["rows"] == []


_HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        '"} #',
        "'''",
        '"""',
        "> } ; DROP ALL",
        "\n}\nSERVICE <http://e/> {",
        "UNDEF }",
        "VALUES ?text { UNDEF }",
        "\\",
        '\\"',
        "\r",
    ]
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HOSTILE)
def test_values_are_bound_as_they_are(service: httpx.Client, text: str) -> None:
    response = service.get("/query/echo", params={"text": text})
    if response.status_code == 400:
        problem(response, "parameter")
        assert not text.strip() or "\0" in text
        return
    assert response.json()["rows"] == [{"said": text.strip()}]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HOSTILE)
def test_hostile_names_are_refused_in_order(service: httpx.Client, text: str) -> None:
    response = service.get("/query/labels", params={"target": f"https://w3id.org/cbdgraph/{text}"})
    if response.status_code == 200:
        assert response.json()["rows"] == []
    else:
        problem(response, "unknown-resource" if response.status_code == 404 else "parameter")
    response = service.get(f"/query/{quote(text, safe='')}")
    assert response.status_code in {200, 404}


def test_lone_surrogates_are_refused(service: httpx.Client) -> None:
    response = service.get("/query/echo?text=%ED%A0%80")
    assert response.status_code in {200, 400}  # the bytes are not UTF-8: replaced by U+FFFD, or refused
    assert "\ud800" not in response.text


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("integer", "15", 15),
        ("decimal", "150000000", 150_000_000),
        ("decimal", "0.5", 0.5),
        ("boolean", "true", True),
        ("integer", "many", "many"),
        ("date", "2010-10-29", "2010-10-29"),
    ],
)
def test_plain_values(kind: str, value: str, expected: object) -> None:
    term = {"type": "literal", "value": value, "datatype": f"http://www.w3.org/2001/XMLSchema#{kind}"}
    assert plain(term) == expected


def test_the_same_question_gives_the_same_workbook(service: httpx.Client) -> None:
    path = "/query/labels?target=aichi/15&format=xlsx"
    first = service.get(path).content
    time.sleep(2.1)  # a ZIP archive tells time in steps of two seconds
    assert service.get(path).content == first
