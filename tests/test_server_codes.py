"""/codes and /resolve?code=: every spelling of a code, candidates where there are several, what is near if none."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cbdgraph.iris import parse_part, tracking_code
from cbdgraph.namespaces import BASE, expand
from cbdgraph.server.codes import Index, find_meanings, find_near_codes, key_of, parse_tracking, read_index
from cbdgraph.server.pages import CSP
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_pages import HTML, check
from tests.test_server_running import facts, make_release, make_root, problem, running

KMGBF = "/describe?iri=http%3A%2F%2Fmetadata.cbd.int%2Fkmgbf%2F"
ITEM = "/decision/cop/11/16/para/5/item/d"


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    """The service with the real data."""
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


def look_up(service: httpx.Client, code: str, **more: str) -> httpx.Response:
    return service.get("/resolve", params={"code": code, **more})


def codes_of(graph: Store, datatype: str) -> dict[str, str]:
    """The codes of a datatype with what they name, by a query of its own."""
    query = (
        f"SELECT ?code ?resource {{ ?resource <{expand('skos:notation')}> ?code . "
        f"FILTER(DATATYPE(?code) = <{expand(datatype)}>) }}"
    )
    return {row["code"].value: row["resource"].value for row in graph.select(query).rows}


@pytest.fixture(scope="module")
def index(graph: Store) -> Index:
    """The index of the real data, made without a service."""

    def ask(query: str) -> bytes:
        from cbdgraph.store import Limits

        return graph.answer(query, "application/sparql-results+json", Limits()).content

    from cbdgraph.server import codes

    return read_index(ask(codes._CODES), ask(codes._EDITIONS))


@pytest.mark.parametrize(
    ("code", "location"),
    [
        ("CBD-SUBJECT-FOR", "/issue/forest-biodiversity"),
        ("cbd_subject for", "/issue/forest-biodiversity"),
        ("AICHI-TARGET-15", "/target/aichi/15"),
        ("aichi-target-5", "/target/aichi/5"),
        ("AICHI‑TARGET‑05", "/target/aichi/5"),  # with hyphens that do not break
        ("ＡＩＣＨＩ－ＴＡＲＧＥＴ－０５", "/target/aichi/5"),
        ("GBF-TARGET-02", f"{KMGBF}target_2"),
        ("7399", f"{KMGBF}target_2"),
        ("GBF-GOAL-A", f"{KMGBF}goal_A"),
        ("http://metadata.cbd.int/kmgbf/target_2", f"{KMGBF}target_2"),
        ("https://metadata.cbd.int/kmgbf/target_2", f"{KMGBF}target_2"),
        ("kmgbf:goal_A", f"{KMGBF}goal_A"),
        ("CBD/COP/11/16", "/decision/cop/11/16"),
        ("CBD/COP/11/16.05.04", ITEM),
        ("CBD/COP/11/16/05.04", ITEM),
        ("cbd/cop/11/16.05.04", ITEM),
        ("COP/11/16.05.04", ITEM),
        ("11/16.05.04", ITEM),
        ("CBD/COP/11/16.5.4", ITEM),
        ("CBD/COP/11/16.05.d", ITEM),
        ("cop/11/16/5/d", ITEM),
        ("CBD/COP/XI/16.05.04", ITEM),
        (" CBD / COP / 11 / 16.05.04 ", ITEM),
        ("https://www.cbd.int/decisions/cop/11/16/5.d", ITEM),
        ("CBD/COP/08/19.B03", "/decision/cop/8/19/section/b/para/3"),
        ("UNEP/CBD/COP/DEC/XI/16", "/decision/cop/11/16"),
        ("CBD/COP/DEC/11/16", "/decision/cop/11/16"),
        ("XI/16", "/decision/cop/11/16"),
        ("XV/2", "/recommendation/sbstta/15/2"),
        ("UNEP/CBD/COP/11/INF/19", "/document/cop-11-inf-19"),
        ("cbd/cop/11/inf/19", "/document/cop-11-inf-19"),
        # A document of a meeting, and a decision of the same numbers.
        ("UNEP/CBD/COP/11/21", "/document/cop-11-21"),
        ("CBD/COP/11/21", "/decision/cop/11/21"),
        ("FAO", "/actor/fao"),
        ("A", "/goal/aichi/a"),
        ("a", "/objective/gspc-2002/1"),
        (f"{BASE}target/aichi/15", "/target/aichi/15"),
        ("target/aichi/15", "/target/aichi/15"),
    ],
)
def test_a_code_leads_to_what_it_names(service: httpx.Client, code: str, location: str) -> None:
    response = look_up(service, code)
    assert (response.status_code, response.headers.get("location")) == (303, location)
    assert service.get(location).status_code == 200


def test_every_code_of_the_secretariat_leads_to_its_resource(graph: Store, index: Index) -> None:
    known = {row["s"].value for row in graph.select("SELECT DISTINCT ?s { ?s a ?c . FILTER(ISIRI(?s)) }").rows}
    for datatype, least in (("ClearingHouseIdentifier", 86), ("DecisionSymbol", 60), ("ThesaurusNumber", 27)):
        found = codes_of(graph, f"cbd:{datatype}")
        assert len(found) >= least
        for code, iri in found.items():
            for text in (code, code.lower()):
                assert find_meanings(text, index, known)[0].iri == iri, text


def test_every_spelling_of_a_tracking_code_is_the_same(graph: Store, index: Index) -> None:
    known = {row["s"].value for row in graph.select("SELECT DISTINCT ?s { ?s a ?c . FILTER(ISIRI(?s)) }").rows}
    codes = codes_of(graph, "cbd:TrackingCode")
    assert len(codes) > 130
    for code, iri in codes.items():
        symbol, locator = parse_part(iri)
        assert parse_tracking(code) == (symbol, locator)
        assert tracking_code(symbol, locator) == code, "the way there and back"
        head, *places = code.split(".")
        lettered = [chr(96 + int(place)) if number == 1 else place for number, place in enumerate(places)]
        spellings = {
            code,
            code.lower(),
            code.removeprefix("CBD/"),
            ".".join((head, *lettered)),
            "/".join((head, ".".join(places))) if places else head,
            "/".join((head, *places)),
            key_of(code),
        }
        for text in spellings:
            (meaning,) = find_meanings(text, index, known)
            assert (meaning.iri, meaning.certainty) == (iri, "certain"), text


def test_what_a_code_may_name_is_told_with_the_reason(service: httpx.Client) -> None:
    document = look_up(service, "GSPC-TARGET-08").json()
    assert document["iri"] is None
    assert [(c["path"], c["certainty"]) for c in document["candidates"]] == [
        ("/target/gspc-2010/8", "probable"),
        ("/target/gspc-2002/8", "ambiguous"),
    ]
    assert [c["codes"] for c in document["candidates"]] == [["GSPC-TARGET-08"], []]
    assert "edition" in document["reason"]

    joint = look_up(service, "CBD-SUBJECT-ECOA+ECORES")
    raw = service.get("/resolve?code=CBD-SUBJECT-ECOA+ECORES")  # a plus that became a blank
    for response in (joint, raw):
        assert [c["path"] for c in response.json()["candidates"]] == [
            "/issue/ecosystem-approach",
            "/issue/ecosystem-restoration",
        ]
    (report,) = look_up(service, "CBD/COP/13/25").json()["candidates"]
    assert (report["path"], report["certainty"]) == ("/document/cop-13-25", "probable")
    assert "XIII/25" in report["reason"]
    page = look_up(service, "GSPC-TARGET-08", format="html", lang="ar")
    assert page.headers["content-security-policy"] == CSP
    links = check(page.text).links
    assert {"/target/gspc-2010/8", "/target/gspc-2002/8"} <= set(links)
    assert 'lang="ar" dir="rtl"' in page.text or '<bdi lang="ar"' in page.text
    assert page.headers["vary"] == "Accept, Accept-Language"


@pytest.mark.parametrize(
    ("code", "near"),
    [
        ("CBD-SUBJECT-FORR", "CBD-SUBJECT-FOR"),
        ("AICHI-TARGET-21", "AICHI-TARGET-20"),
        ("CBD/COP/11/16.05.99", "CBD/COP/11/16.05.09"),
        ("UNEP/CBD/COP/11/INF/99", "UNEP/CBD/COP/11/INF/19"),
    ],
)
def test_an_unknown_code_gets_those_most_like_it(service: httpx.Client, code: str, near: str) -> None:
    document = problem(look_up(service, code), "unknown-resource")
    assert near in document["suggestions"]
    assert document["parameter"] == "code"
    for suggestion in document["suggestions"]:
        assert look_up(service, suggestion).status_code in {200, 303}
    page = service.get("/resolve", params={"code": code}, headers=HTML)
    assert page.status_code == 404
    assert any("code=" in link for link in check(page.text).links)


@pytest.mark.parametrize(
    "code", ["nonsense <b>", "\x00", "%", "CBD/COP/00/16.00", "CBD/COP/99/999.Z999.zz", "٣", "http://", "+", '"', "-"]
)
def test_what_is_no_code_is_not_found(service: httpx.Client, code: str) -> None:
    problem(look_up(service, code), "unknown-resource")
    page = service.get("/resolve", params={"code": code}, headers=HTML)
    assert "<b>" not in page.text
    check(page.text)


def test_one_of_citation_and_code_is_given(service: httpx.Client) -> None:
    problem(service.get("/resolve"), "bad-request")
    problem(service.get("/resolve", params={"code": "FAO", "citation": "XI/16"}), "bad-request")
    problem(look_up(service, ""), "bad-request")
    problem(look_up(service, "  "), "bad-request")
    problem(look_up(service, "x" * 201), "bad-request")
    problem(look_up(service, "FAO", lang="xx"), "parameter")
    assert service.get("/resolve", params={"citation": "XI/16"}).headers["location"] == "/decision/cop/11/16"


def test_the_table_of_codes_is_whole_and_sorted(service: httpx.Client, graph: Store) -> None:
    rows = list(csv.reader(io.StringIO(service.get("/codes.csv").text)))
    assert rows[0] == ["code", "scheme", "resource"]
    codes = rows[1:]
    assert codes == sorted(codes)
    assert all(all(row) for row in codes), "each has its scheme"
    asked = graph.select(
        f"SELECT ?code ?resource {{ VALUES ?p {{ <{expand('skos:notation')}> <{expand('cbd:symbol')}> }} "
        f"?resource ?p ?code . FILTER NOT EXISTS {{ ?resource a <{expand('void:Dataset')}> }} }}"
    ).rows
    assert sorted((row["code"].value, row["resource"].value) for row in asked) == sorted((c, r) for c, _, r in codes)
    assert len(codes) > 490
    assert service.get("/codes/?format=csv").text == service.get("/query/codes?format=csv").text
    kinds = service.get("/codes", params={"kind": "ClearingHouseIdentifier"}).json()["rows"]
    assert {row["scheme"] for row in kinds} == {expand("cbd:ClearingHouseIdentifier")}
    assert len(kinds) == sum(scheme.endswith("#ClearingHouseIdentifier") for _, scheme, _ in codes)
    for name in ("json", "tsv", "html", "xlsx"):
        assert service.get(f"/codes.{name}").status_code == 200
    assert service.get("/codes.csv?format=json").json()["rows"]
    problem(service.get("/codes.pdf"), "not-acceptable")
    problem(service.get("/codes.csv?kind=a&kind=b"), "parameter")
    problem(service.get("/codes?nope=1"), "parameter")
    page = service.get("/codes", headers=HTML)
    assert "AICHI-TARGET-15" in page.text
    check(page.text)


@pytest.mark.parametrize("code", ["GBF-TARGET-02", "CBD/COP/11/16.05.04", "CBD-SUBJECT-FOR"])
def test_a_resource_shows_its_codes(service: httpx.Client, code: str) -> None:
    location = look_up(service, code).headers["location"]
    assert f">{code}</bdi>" in service.get(location, headers=HTML).text
    assert code in service.get(location, headers={"Accept": "application/json"}).text


def test_every_target_of_a_last_edition_has_its_code(graph: Store) -> None:
    """What the check `without-code` holds, by count: the Aichi, plant and Kunming-Montreal targets, and the goals."""
    codes = codes_of(graph, "cbd:ClearingHouseIdentifier")
    for start, count in (("AICHI-TARGET-", 20), ("GSPC-TARGET-", 16), ("GBF-TARGET-", 23), ("GBF-GOAL-", 4)):
        own = {code: iri for code, iri in codes.items() if code.startswith(start)}
        assert len(own) == len(set(own.values())) == count, start
        for code, iri in own.items():
            if start != "GBF-GOAL-":
                assert int(code.rpartition("-")[2]) == int(iri.replace("_", "/").rpartition("/")[2])
    numbers = codes_of(graph, "cbd:ThesaurusNumber")
    assert numbers == {
        **{str(7394 + n): f"http://metadata.cbd.int/kmgbf/goal_{letter}" for n, letter in enumerate("ABCD")},
        **{str(7397 + n): f"http://metadata.cbd.int/kmgbf/target_{n}" for n in range(1, 24)},
    }


@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200) | st.text("cbdop/.-_ 0123456789ivxABZ+٣", max_size=60))
def test_any_text_is_read_at_once(index: Index, text: str) -> None:
    known = frozenset(index.by_iri)
    start = time.perf_counter()
    for meaning in find_meanings(text, index, known):
        assert meaning.iri in known
        assert meaning.certainty == "certain" or meaning.reason
    assert len(find_near_codes(text, index)) <= 5
    assert time.perf_counter() - start < 1


def test_own_data_without_codes(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = make_root(tmp_path_factory.mktemp("root"))
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        assert look_up(client, "CBD/COP/11/16").headers["location"] == "/decision/cop/11/16", "known without a code"
        problem(look_up(client, "AICHI-TARGET-15"), "unknown-resource")
        problem(client.get("/codes"), "unknown-query")


def test_a_code_given_to_two_things_is_ambiguous() -> None:
    def row(resource: str, code: str) -> dict[str, dict[str, str]]:
        return {
            "resource": {"type": "uri", "value": BASE + resource},
            "property": {"type": "uri", "value": expand("skos:notation")},
            "code": {"type": "literal", "value": code},
        }

    rows = [row("issue/a", "X-1"), row("issue/b", "X-01"), row("issue/c", "Y")]
    none = json.dumps({"results": {"bindings": []}}).encode()
    index = read_index(json.dumps({"results": {"bindings": rows}}).encode(), none)
    assert [m.iri for m in find_meanings("X-1", index, None)] == [f"{BASE}issue/a"], "as it is spelled"
    both = find_meanings("x-001", index, None)
    assert [(m.iri.removeprefix(BASE), m.certainty) for m in both] == [
        ("issue/a", "ambiguous"),
        ("issue/b", "ambiguous"),
    ]
    assert find_meanings("Z", index, None) == []
