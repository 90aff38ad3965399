"""/informea: as its partners' harvesters ask it, release after release; golden answers, real clients, refusals."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import httpx
import pyodata
import pytest
import requests
from odata import ODataService

from cbdgraph.changelog import Log, LoggedRelease, Withdrawal, compare, join_resources, split_resources
from cbdgraph.namespaces import BASE, LANGUAGES
from cbdgraph.server.informea import odata, options
from cbdgraph.server.informea.model import SETS
from cbdgraph.server.informea.options import KNOWN
from cbdgraph.server.informea.records import DELETED
from cbdgraph.store.canonical import canonical_lines, hash_lines
from tests import cutting
from tests.conftest import ROOT
from tests.test_server_running import facts, make_release, make_root, problem, running

FIXTURES: Final = Path(__file__).parent / "fixtures" / "informea"
XI_16: Final = cutting.DECISION
GONE: Final = BASE + "decision/cop/10/17"
INSTEAD: Final = BASE + "decision/cop/6/9"
WITHDRAWAL: Final = Withdrawal("It was taken for another.", (INSTEAD,))
JSON: Final = {"Accept": "application/json"}
ATOM: Final = "{http://www.w3.org/2005/Atom}"
DATA: Final = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
META: Final = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"

Entity = dict[str, Any]


def withdraw(log: Log) -> Log:
    """One more release, in which a decision is withdrawn."""
    before = log.replay()
    after = {name: lines for name, lines in before.items() if name != GONE}
    quads = canonical_lines(list(join_resources(after)))
    entries = compare(before, split_resources(quads, canonical_lines), {GONE: WITHDRAWAL})
    assert log.last is not None
    release = LoggedRelease("0.4.0", "2026-12-02T08:00:00Z", hash_lines(quads), log.last.number, entries)
    return Log((*log.releases, release))


@dataclass(frozen=True, slots=True)
class Releases:
    """A folder for builds, and the log of what is built there."""

    build: Path
    log: Log

    def publish(self, number: str) -> None:
        cutting.publish_log(self.build, self.log.until(number))


@pytest.fixture(scope="module")
def log() -> Log:
    return withdraw(cutting.make_log())


@pytest.fixture
def releases(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    monkeypatch.setitem(cutting.WITHDRAWALS, GONE, WITHDRAWAL)
    return Releases(tmp_path / "build", log)


def serve(build: Path, **settings: Any) -> Any:
    return running(root=ROOT, build=build, workers=1, **settings)


@pytest.fixture(scope="module")
def service(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The first release, which stays as it is."""
    build = tmp_path_factory.mktemp("build")
    cutting.publish_log(build, log.until("0.1.0"))
    with serve(build) as client:
        yield client


@pytest.fixture(scope="module")
def last(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The release in which a decision was withdrawn."""
    build = tmp_path_factory.mktemp("build")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(cutting.WITHDRAWALS, GONE, WITHDRAWAL)
        cutting.publish_log(build, log)
    with serve(build) as client:
        yield client


def await_release(client: httpx.Client, number: str) -> None:
    deadline = time.monotonic() + 20
    while client.get("/version").json()["release"] != number:
        assert time.monotonic() < deadline, "the release was not switched"
        time.sleep(0.05)


# Golden answers.

ASKED: Final = {
    "decision.v2.json": "v2/Decisions?$filter=number eq 'XI/16'&$inlinecount=allpages&$format=json",
    "decision.v3.json": "v3/Decisions?$filter=number eq 'XI/16'&$inlinecount=allpages&$format=json",
    "decision.v4.json": "v4/Decisions?$filter=number eq 'XI/16'&$count=true",
    "decision.v2.xml": "v2/Decisions?$filter=number eq 'XI/16'&$inlinecount=allpages&$format=atom",
    "decision.v3.xml": "v3/Decisions?$filter=number eq 'XI/16'&$inlinecount=allpages&$format=atom",
    "decisions.v4.json": "v4/Decisions?$orderby=id&$top=1000",
    "one.v2.json": "v2/Decisions('XI/16')?$format=json",
    "one.v3.xml": "v3/Decisions('XI/16')?$format=xml",
    "one.v4.json": "v4/Decisions('XI/16')",
    "chosen.v2.xml": "v2/Decisions?$select=id,title&$filter=number eq 'XI/16'",
    "keywords.v2.json": "v2/Decisions('XI/16')/keywords?$format=json",
    "keywords.v2.xml": "v2/Decisions('XI/16')/keywords?$format=xml",
    "keywords.v3.xml": "v3/Decisions('XI/16')/keywords?$format=xml",
    "keywords.v4.json": "v4/Decisions('XI/16')/keywords",
    "meetings.v4.json": "v4/Meetings?$orderby=id",
    "meeting.v3.json": "v3/Meetings('meeting/cop/11')?$format=json",
    "metadata.v2.xml": "v2/$metadata",
    "metadata.v3.xml": "v3/$metadata",
    "metadata.v4.xml": "v4/$metadata",
    "service.v2.json": "v2/?$format=json",
    "service.v2.xml": "v2",
    "service.v4.json": "v4",
}
WITHDRAWN: Final = {
    "withdrawn.v2.json": f"v2/Decisions?$filter=status eq '{DELETED}'&$format=json",
    "withdrawn.v3.xml": f"v3/Decisions?$filter=status eq '{DELETED}'",
    "withdrawn.v4.json": f"v4/Decisions?$filter=status eq '{DELETED}'",
}


def answer(client: httpx.Client, path: str) -> str:
    response = client.get(f"/informea/{path}")
    assert response.status_code == 200, response.text
    return response.text.replace(str(client.base_url).rstrip("/"), "http://localhost")


@pytest.mark.parametrize("name", ASKED)
def test_golden(service: httpx.Client, name: str) -> None:
    assert answer(service, ASKED[name]) == (FIXTURES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WITHDRAWN)
def test_golden_of_what_was_withdrawn(last: httpx.Client, name: str) -> None:
    assert answer(last, WITHDRAWN[name]) == (FIXTURES / name).read_text(encoding="utf-8")


def test_every_golden_file_is_asked_for() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == ASKED.keys() | WITHDRAWN.keys()


def select(client: httpx.Client, query: str) -> list[dict[str, str]]:
    response = client.get("/sparql", params={"query": query, "format": "json"})
    rows = response.json()["results"]["bindings"]
    return [{name: value["value"] for name, value in row.items()} for row in rows]


def test_the_records_say_what_the_graph_says(service: httpx.Client) -> None:
    records = {record["id"]: record for record in json.loads(answer(service, "v4/Decisions?$top=1000"))["value"]}
    prefixes = """PREFIX cbd: <https://w3id.org/cbdgraph/ontology#> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
        PREFIX skos: <http://www.w3.org/2004/02/skos/core#>"""
    rows = select(
        service,
        f"""{prefixes} SELECT ?id ?number ?meeting ?end ?title WHERE {{
        ?id a cbd:Decision ; cbd:symbol ?number ; cbd:adoptedAt ?meeting . ?meeting cbd:endDate ?end
        OPTIONAL {{ ?id cbd:title ?title }} }}""",
    )
    assert {row["id"] for row in rows} == records.keys()
    assert len(records) >= 60
    untitled = 0
    for row in rows:
        record = records[row["id"]]
        assert (record["number"], record["meetingId"]) == (row["number"], row["meeting"])
        assert record["published"] == row["end"] + "T00:00:00Z"
        assert (record["treaty"], record["type"]) == ("cbd", "decision")
        assert record["link"] == row["id"].replace(BASE + "decision", "https://www.cbd.int/decisions")
        # Of these the graph knows nothing, and nothing is made up.
        assert (record["status"], record["meetingUrl"], record["withdrawalReason"]) == (None, None, None)
        assert record["longTitle"] == record["summary"] == record["content"] == record["files"] == []
        if "title" in row:
            assert [title["value"] for title in record["title"]] == [row["title"]]
        else:
            untitled += 1
            assert [title["language"] for title in record["title"]] == list(LANGUAGES), "its name in all languages"
    assert untitled >= 1
    rows = select(
        service,
        f"""{prefixes} SELECT ?id ?issue ?code WHERE {{ ?id a cbd:Decision ; cbd:onIssue ?issue
        OPTIONAL {{ ?issue skos:notation ?code FILTER(DATATYPE(?code) = cbd:ClearingHouseIdentifier) }} }}""",
    )
    keywords = {(r["id"], word["namespace"], word["term"]) for r in records.values() for word in r["keywords"]}
    code = BASE + "ontology#ClearingHouseIdentifier"
    coded = {(row["id"], code, row["code"]) for row in rows if "code" in row}
    assert len(coded) >= 50
    # An issue without a code is told by its IRI.
    assert {(name, namespace + term) for name, namespace, term in keywords - coded} == {
        (row["id"], row["issue"]) for row in rows if "code" not in row
    }
    assert keywords >= coded


def test_a_record_without_any_statement_is_null(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    make_release(root, facts())
    with running(root=root, workers=1) as client:
        (record,) = client.get("/informea/v4/Decisions").json()["value"]
        told = {name: value for name, value in record.items() if value not in (None, [])}
        assert told == {"protocolVersion": 1, "id": XI_16, "type": "decision"}
        assert (
            client.get("/informea/Decisions", params={"$filter": "updated gt 1900-01-01"}).text.count("<entry>") == 0
        )
        assert client.get("/informea/Meetings/$count").text == "0"
        for shown in ("json", "atom"):
            assert client.get("/informea/Decisions", params={"$format": shown}).status_code == 200


def test_values_of_strangers_cannot_leave_their_place(tmp_path: Path) -> None:
    file = tmp_path / "own.ttl"
    file.write_text(
        f"""@prefix cbd: <{BASE}ontology#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        <{BASE}decision/cop/1/1> a cbd:Decision ; cbd:symbol "a\\u0001<b>\\"'&]]>" ; cbd:number "many" ;
          cbd:title "\\u202e<script>"@en, "untold" ;
          rdfs:seeAlso <javascript:alert(1)>, <https://elsewhere.example/> ;
          cbd:adoptedAt <http://e/it's> .
        <http://e/it's> a cbd:Meeting ; cbd:endDate "soon" ; cbd:place "A", "B" .
        [] a cbd:Decision .""",
        encoding="utf-8",
    )
    with running(root=tmp_path, data=(file,), workers=1) as client:
        (record,) = client.get("/informea/v4/Decisions").json()["value"]
        assert (record["number"], record["link"], record["displayOrder"]) == ("a\x01<b>\"'&]]>", None, None)
        assert {title["language"] for title in record["title"]} == {"en", "und"}
        for path in ("Decisions", "v3/Decisions", "Meetings", "v3/Meetings"):
            response = client.get(f"/informea/{path}")
            assert "<script" not in response.text
            assert "javascript" not in response.text
            root = ElementTree.fromstring(response.content)
            assert len(root.findall(f"{ATOM}entry")) == 1
        (meeting,) = client.get("/informea/v4/Meetings").json()["value"]
        assert (meeting["id"], meeting["end"], meeting["city"]) == ("http://e/it's", None, "A; B")
        address = client.get("/informea/Meetings", headers=JSON).json()["d"]["results"][0]["__metadata"]["uri"]
        assert "it%27%27s" in address
        assert record["updated"] is None, "these files tell of no release"


# Harvesters, each as its kind works.


def harvest_as_the_toolkit_does(client: httpx.Client, root: str = "/informea", size: int = 100) -> dict[str, Entity]:
    """Counts first, then asks for pages until one is empty, the last changed first."""
    total = int(client.get(f"{root}/Decisions/$count").text)
    found: dict[str, Entity] = {}
    skip = 0
    while True:
        options = f"$top={size}&$skip={skip}&$expand=title,files,content,summary&$orderby=updated%20desc,id"
        response = client.get(f"{root}/Decisions?{options}", headers=JSON)
        results = response.json()["d"]["results"]
        if not results:
            assert len(found) == total
            return found
        assert not found.keys() & {result["id"] for result in results}
        found |= {result["id"]: result for result in results}
        skip += size


def harvest_as_ecolex_does(client: httpx.Client, since: str, size: int = 20) -> list[Entity]:
    """Asks for what was updated since a day, the first changed first, with every list."""
    found: list[Entity] = []
    skip = 0
    while True:
        lists = "title,longTitle,keywords,content,files,summary"
        query = (
            f"$top={size}&$skip={skip}&$format=json&$expand={lists}"
            f"&$filter=updated gt datetime'{since}'&$orderby=updated asc"
        )
        response = client.get(f"/informea/Decisions?{quote(query, safe='$=&,')}", headers={"Accept": "*/*"})
        assert response.status_code == 200, response.text
        results = response.json()["d"]["results"]
        if not results:
            return found
        found += results
        skip += size


def harvest_pages(client: httpx.Client, path: str) -> list[Entity]:
    """Follows the links of version 4 from page to page."""
    found: list[Entity] = []
    while path:
        response = client.get(path)
        assert response.status_code == 200, response.text
        document = response.json()
        found += document["value"]
        path = document.get("@odata.nextLink", "")
    return found


def harvest_feed(client: httpx.Client, path: str) -> list[str]:
    """Follows the links of Atom from page to page."""
    found: list[str] = []
    while path:
        feed = ElementTree.fromstring(client.get(path, headers={"Accept": "application/atom+xml"}).content)
        for entry in feed.findall(f"{ATOM}entry"):
            value = entry.find(f"{ATOM}content/{META}properties/{DATA}id")
            assert value is not None
            found.append(value.text or "")
        path = next((link.get("href", "") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "next"), "")
    return found


@pytest.mark.parametrize("size", [7, 20, 100, 500])
def test_the_toolkits_harvester(service: httpx.Client, size: int) -> None:
    found = harvest_as_the_toolkit_does(service, size=size)
    assert found[XI_16]["title"]["results"][0]["value"] == "Ecosystem restoration"
    for record in found.values():
        assert {title["language"] for title in record["title"]["results"]} >= {"en"}
        assert re.fullmatch(r"/Date\([0-9]+\)/", record["updated"])
        assert record["treaty"] == "cbd"


def test_the_harvester_of_the_secretariats_feed(service: httpx.Client) -> None:
    found = harvest_as_the_toolkit_does(service, "/informea/v3")
    for record in found.values():
        for name in ("title", "longTitle", "summary", "content", "keywords", "files"):
            assert isinstance(record[name], list), "this kind takes nothing but plain arrays"
        assert "en" in {title["language"] for title in record["title"]}
    meetings = service.get("/informea/v3/Meetings?$top=100&$skip=0&$expand=title,description", headers=JSON).json()
    known = {meeting["id"] for meeting in meetings["d"]["results"]}
    assert {record["meetingId"] for record in found.values()} <= known
    assert found.keys() == harvest_as_the_toolkit_does(service).keys()


def test_ecolex(service: httpx.Client) -> None:
    found = harvest_as_ecolex_does(service, "2000-01-01T00:00:00")
    assert len(found) == len({record["id"] for record in found}) >= 60
    for record in found:
        taken = ("id", "link", "type", "status", "number", "treaty", "published", "updated", "meetingId")
        assert all(name in record for name in (*taken, "meetingTitle", "meetingUrl"))
        assert all(isinstance(record[name]["results"], list) for name in ("title", "keywords", "content", "files"))
        assert datetime.fromtimestamp(int(record["updated"][6:-5]), UTC).year >= 2026
    assert harvest_as_ecolex_does(service, "2099-01-01T00:00:00") == []


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_of_the_service(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(options, "PAGE", size)
    cutting.publish_log(tmp_path, log.until("0.1.0"))
    with serve(tmp_path) as client:
        whole = [record["id"] for record in client.get("/informea/v4/Decisions?$top=1000").json()["value"]]
        assert [record["id"] for record in harvest_pages(client, "/informea/v4/Decisions")] == whole
        assert harvest_feed(client, "/informea/Decisions") == whole
        assert harvest_feed(client, "/informea/v3/Decisions?$orderby=number desc&$filter=displayOrder gt 5")
        results, path = [], "/informea/decisions?$format=json&$select=id,number"
        while path:
            page = client.get(path).json()["d"]
            assert len(page["results"]) <= size
            results += page["results"]
            path = page.get("__next", "")
        assert [result["id"] for result in results] == whole
        assert all(result.keys() == {"__metadata", "id", "number"} for result in results)


def merge(kept: Mapping[str, Entity], changed: list[Entity]) -> dict[str, Entity]:
    return {**kept, **{record["id"]: record for record in changed}}


def newest(records: Mapping[str, Entity]) -> str:
    return max(str(record["updated"]) for record in records.values())


def test_what_changed_added_to_what_was_harvested_is_the_whole(releases: Releases) -> None:
    releases.publish("0.1.0")
    with serve(releases.build) as client:
        kept = merge({}, harvest_pages(client, "/informea/v4/Decisions"))
        assert len(kept) >= 60
        for number, expected in (("0.2.0", {XI_16}), ("0.3.0", {XI_16}), ("0.4.0", {GONE})):
            releases.publish(number)
            await_release(client, number)
            changed = harvest_pages(client, f"/informea/v4/Decisions?$filter=updated gt {newest(kept)}")
            assert {record["id"] for record in changed} >= expected
            if number != "0.3.0":
                assert {record["id"] for record in changed} == expected
            kept = merge(kept, changed)
            assert kept == merge({}, harvest_pages(client, "/informea/v4/Decisions")), number
        assert kept[GONE]["status"] == DELETED
        assert kept[GONE]["withdrawalReason"] == WITHDRAWAL.reason
        assert kept[GONE]["replacedBy"] == INSTEAD
        assert (kept[GONE]["number"], kept[GONE]["treaty"], kept[GONE]["link"]) == ("X/17", "cbd", None)
        assert kept[GONE]["title"], "it is told by the name that it had"
        assert kept[GONE]["updated"] == "2026-12-02T08:00:00Z"
        # Older releases answer as they did, and their links stay with them.
        older = client.get("/release/0.1.0/informea/v4/Decisions('X/17')").json()
        assert (older["status"], older["number"]) == (None, "X/17")
        page = client.get("/release/0.1.0/informea/Decisions?$top=1", headers=JSON).json()["d"]["results"]
        assert "/release/0.1.0/informea/Decisions('" in page[0]["__metadata"]["uri"]
        asked = client.get("/informea/v4/Decisions?release=0.2.0&$filter=number eq 'XI/16'").json()
        assert asked["value"][0]["title"][0]["value"] == "Restoring \\ ecosystems"


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_a_release_that_is_switched_amid_a_harvest_loses_nothing(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(options, "PAGE", size)
    releases.publish("0.1.0")
    with serve(releases.build) as client:
        found: list[Entity] = []
        path, pages = "/informea/v4/Decisions", 0
        while path:
            document = client.get(path).json()
            found += document["value"]
            path, pages = document.get("@odata.nextLink", ""), pages + 1
            if pages in {2, 4, 6}:
                number = f"0.{pages // 2 + 1}.0"
                releases.publish(number)
                await_release(client, number)
        assert merge({}, found) == merge({}, harvest_pages(client, "/informea/v4/Decisions"))
        assert 60 < len(found) < 200, "what changed comes again, and only that"


HARVESTER: Final = """
import json, pathlib, sys, time, urllib.request
state, path = pathlib.Path(sys.argv[1]), sys.argv[2]
kept = json.loads(state.read_text()) if state.exists() else {"next": path, "pages": []}
while kept["next"]:
    with urllib.request.urlopen(sys.argv[3] + kept["next"]) as response:
        page = json.load(response)
    following = page.get("@odata.nextLink", "")
    kept["pages"].append([record["id"] for record in page["value"]])
    kept["next"] = following and "/informea/" + following.split("/informea/")[1]
    part = state.with_suffix(".part")
    part.write_text(json.dumps(kept))
    part.replace(state)
    time.sleep(0.05)
"""


def test_a_harvest_that_is_killed_goes_on_where_it_was(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "PAGE", 3)
    cutting.publish_log(tmp_path, log.until("0.1.0"))
    state = tmp_path / "state.json"

    def start(client: httpx.Client) -> subprocess.Popen[bytes]:
        origin = str(client.base_url).rstrip("/")
        return subprocess.Popen([sys.executable, "-c", HARVESTER, str(state), "/informea/v4/Decisions", origin])

    with serve(tmp_path) as client:
        harvester = start(client)
        deadline = time.monotonic() + 30
        while not state.exists() or len(json.loads(state.read_text())["pages"]) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        harvester.send_signal(signal.SIGKILL)
        assert harvester.wait(20) == -signal.SIGKILL
    before = len(json.loads(state.read_text())["pages"])
    # Another process serves, at another port: a token means the same to it.
    with serve(tmp_path) as client:
        assert start(client).wait(60) == 0
        pages = json.loads(state.read_text())["pages"]
        keys = [key for page in pages for key in page]
        assert 4 <= before < len(pages)
        assert keys == [record["id"] for record in harvest_pages(client, "/informea/v4/Decisions")]


# Clients that others wrote.


def test_a_client_of_version_2(service: httpx.Client) -> None:
    client = pyodata.Client(f"{service.base_url}/informea/", requests.Session())
    decisions = client.entity_sets.Decisions
    found = decisions.get_entities().filter("number eq 'XI/16'").expand("title,keywords").count(inline=True).execute()
    assert found.total_count == 1
    (decision,) = found
    assert (decision.id, decision.treaty) == (XI_16, "cbd")
    assert decision.published == datetime(2012, 10, 19, tzinfo=UTC)
    assert [(title.language, title.value) for title in decision.title] == [("en", "Ecosystem restoration")]
    assert [keyword.term for keyword in decision.keywords] == ["CBD-SUBJECT-ECORES"]
    assert decisions.get_entity(XI_16).execute().number == "XI/16"
    titles = decisions.get_entity(XI_16).execute().nav("title").get_entities().execute()
    assert [title.value for title in titles] == ["Ecosystem restoration"]
    assert decisions.get_entities().count().execute() >= 60
    after = decisions.get_entities().filter("updated gt datetime'2026-01-01T00:00:00'").top(5).skip(2)
    assert len(after.order_by("updated desc,id").execute()) == 5
    meetings = client.entity_sets.Meetings.get_entities().filter("type eq 'cop'").expand("title").execute()
    assert "Hyderabad" in {meeting.city for meeting in meetings}


def test_a_client_of_version_2_reads_page_after_page(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "PAGE", 25)
    cutting.publish_log(tmp_path, log.until("0.1.0"))
    with serve(tmp_path) as service:
        decisions = pyodata.Client(f"{service.base_url}/informea/", requests.Session()).entity_sets.Decisions
        found, asked = [], decisions.get_entities().select("id,number")
        while asked is not None:
            page = asked.execute()
            found += [decision.id for decision in page]
            asked = decisions.get_entities().next_url(page.next_url) if page.next_url else None
        assert len(found) == len(set(found)) == int(service.get("/informea/Decisions/$count").text)


def test_a_client_of_version_4(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "PAGE", 25)
    cutting.publish_log(tmp_path, log.until("0.1.0"))
    with serve(tmp_path) as service:
        client = ODataService(f"{service.base_url}/informea/v4/", reflect_entities=True, quiet_progress=True)
        decision = client.entities["Decisions"]
        (found,) = client.query(decision).filter(decision.number == "XI/16")
        assert found.id == XI_16
        assert found.title == [{"language": "en", "value": "Ecosystem restoration"}]
        since = datetime(2026, 1, 1, tzinfo=UTC)
        asked = client.query(decision).filter(decision.updated > since).order_by(decision.updated.desc())
        keys = [each.id for each in asked]
        assert len(keys) == len(set(keys)) == int(service.get("/informea/Decisions/$count").text)
        assert client.query(decision).get(XI_16).number == "XI/16"


# How an answer is written.


@pytest.mark.parametrize(
    ("path", "headers", "media_type", "version"),
    [
        ("Decisions", {}, "application/atom+xml", "2.0"),
        ("Decisions", {"Accept": "*/*"}, "application/atom+xml", "2.0"),
        ("Decisions", {"Accept": "application/xml"}, "application/xml", "2.0"),
        ("Decisions", {"Accept": "application/json;q=0.5, application/xml;q=0.4"}, "application/json", "2.0"),
        ("Decisions", {"Accept": "application/json;q=0.4, application/xml;q=0.5"}, "application/xml", "2.0"),
        ("Decisions", {"Accept": "application/json;odata=verbose"}, "application/json", "2.0"),
        ("Decisions", {"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"}, "application/xml", "2.0"),
        ("Decisions", {**JSON, "MaxDataServiceVersion": "3.0"}, "application/json", "2.0"),
        ("Decisions?$format=json", {"Accept": "application/xml"}, "application/json", "2.0"),
        ("Decisions?$format=atom", JSON, "application/atom+xml", "2.0"),
        ("Decisions?$format=XML", {}, "application/xml", "2.0"),
        ("v3/Decisions", JSON, "application/json", "3.0"),
        ("v3/decisions", {}, "application/atom+xml", "3.0"),
        ("v3/Decisions", {**JSON, "OData-Version": "4.0"}, "application/json", "3.0"),
        ("v4/Decisions", {}, "application/json;odata.metadata=minimal", "4.0"),
        ("v4/Decisions", {"Accept": "*/*"}, "application/json;odata.metadata=minimal", "4.0"),
        ("Decisions", {**JSON, "OData-Version": "4.0"}, "application/json;odata.metadata=minimal", "4.0"),
        ("Decisions", {"OData-MaxVersion": "4.01"}, "application/json;odata.metadata=minimal", "4.0"),
        ("Decisions", {**JSON, "OData-MaxVersion": "3.0"}, "application/json", "2.0"),
        (
            "Decisions",
            {"Accept": "application/json;odata.metadata=full"},
            "application/json;odata.metadata=minimal",
            "4.0",
        ),
        (
            "Decisions?$format=application/json;odata.metadata=minimal",
            {},
            "application/json;odata.metadata=minimal",
            "4.0",
        ),
        ("", {}, "application/atomsvc+xml", "2.0"),
        ("", JSON, "application/json", "2.0"),
        ("$metadata", JSON, "application/xml", "2.0"),
        ("Decisions/$count", JSON, "text/plain; charset=utf-8", "2.0"),
        ("v4/Decisions/$count", {"Accept": "image/png"}, "text/plain; charset=utf-8", "4.0"),
    ],
)
def test_dialects(service: httpx.Client, path: str, headers: dict[str, str], media_type: str, version: str) -> None:
    for _ in range(2):  # the second may be one that was kept
        response = service.get(f"/informea/{path}", headers=headers)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == media_type
        assert response.headers.get("dataserviceversion", response.headers.get("odata-version")) == version
        assert "OData-MaxVersion" in response.headers["vary"]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("Decisions", "image/png"),
        ("v4/Decisions", "application/atom+xml"),
        ("v4/Decisions?$format=atom", ""),
        ("Decisions?$format=csv", ""),
        ("Decisions?format=ttl", ""),
    ],
)
def test_formats_that_there_are_not(service: httpx.Client, path: str, accept: str) -> None:
    problem(service.get(f"/informea/{path}", headers={"Accept": accept}), "not-acceptable")


def test_an_answer_is_kept_by_what_it_depends_on(service: httpx.Client) -> None:
    path = "/informea/Decisions?$top=2"
    first = service.get(path, headers=JSON)
    fourth = service.get(path, headers={**JSON, "OData-MaxVersion": "4.0"})
    assert "value" in fourth.json()
    assert "d" in service.get(path, headers=JSON).json()
    assert first.headers["etag"] != fourth.headers["etag"]
    tag = first.headers["etag"]
    for headers in ({}, {"Cache-Control": "no-cache"}):
        again = service.get(path, headers={**JSON, **headers, "If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    assert service.get(path, headers={"If-None-Match": tag}).status_code == 200, "another format"
    other = service.get(path, headers={**JSON, "If-None-Match": tag, "Host": "graph.example"})
    assert other.status_code == 200
    assert "http://graph.example/informea/Decisions(" in other.text
    head = service.head(path, headers=JSON)
    assert (head.headers["content-length"], head.content) == (first.headers["content-length"], b"")


@pytest.mark.parametrize(
    "key",
    [
        f"('{XI_16}')",
        f"('{quote(XI_16, safe='')}')",
        "('decision/cop/11/16')",
        "(decision/cop/11/16)",
        "('cop/11/16')",
        "('XI/16')",
        "(XI/16)",
        "(id='XI/16')",
        "('https:/w3id.org/cbdgraph/decision/cop/11/16')",
    ],
)
def test_keys(service: httpx.Client, key: str) -> None:
    for name in ("Decisions", "decisions", "v4/Decisions"):
        found = service.get(f"/informea/{name}{key}", headers=JSON).json()
        assert found.get("d", found)["id"] == XI_16


@pytest.mark.parametrize(
    "path",
    [
        "Decisions('none')",
        "Decisions(0066da14-412c-e411-855b-005056856044)",
        "Decisions(guid'0066da14-412c-e411-855b-005056856044')",
        "Decisions('')",
        "Decisions('meeting/cop/11')",
        "Decisions('XI/16' or '1' eq '1')",
        "Decisions('" + "x" * 3000 + "')",
        "Contacts",
        "Treaties('cbd')",
        "v5/Decisions",
        "v4/v4/Decisions",
        "Decisions(",
        "Decisions()",
        "Decisions%00",
        "%D9%A1",
    ],
)
def test_what_is_not_there(service: httpx.Client, path: str) -> None:
    document = problem(service.get(f"/informea/{path}", headers=JSON), "not-found")
    assert len(document["detail"]) < 300
    assert all(service.get(suggestion).status_code == 200 for suggestion in document["suggestions"])


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("Decisions?$apply=groupby((treaty))", "$apply"),
        ("Decisions?$search=forest", "$search"),
        ("Decisions?$compute=1", "$compute"),
        ("Decisions?$expand=title($select=value)", "title"),
        ("Decisions?$filter=substringof('XI',number)", "substringof"),
        ("Decisions?$filter=contains(number,'XI')", "contains"),
        ("Decisions?$filter=title/any(t:t/language eq 'en')", "title"),
        ("Decisions?$filter=displayOrder add 1 eq 2", "add"),
        ("Decisions?$orderby=tolower(number)", "tolower"),
        ("Decisions?$select=title/value", "title"),
        ("Decisions?$callback=f", "$callback"),
        ("$batch", "$batch"),
        ("$all", "$all"),
        ("$crossjoin(Decisions,Meetings)", "$crossjoin"),
        ("Decisions/$links/title", "$links"),
        ("Decisions('XI/16')/number", "number"),
        ("Decisions('XI/16')/$value", "$value"),
        ("Decisions('XI/16')/title/$count", "title"),
        ("DecisionTitle", "lists"),
    ],
)
def test_what_of_odata_is_not_spoken(service: httpx.Client, path: str, word: str) -> None:
    document = problem(service.get(f"/informea/{path}", headers=JSON), "not-implemented")
    assert word in document["detail"]
    assert document["parameter"]


@pytest.mark.parametrize(
    ("query", "option", "position"),
    [
        ("$filter=updated gt 'x'", "$filter", 12),
        ("$filter=(number eq 'x'", "$filter", 15),
        ("$filter=number eq 'x", "$filter", 11),
        ("$filter=colour eq 'x'", "$filter", 1),
        ("$filter=displayOrder eq %D9%A1", "$filter", 17),
        ('$filter=number eq "x" } UNION { ?s ?p ?o', "$filter", 11),
        ("$filter=" + "(" * 100 + "number", "$filter", 33),
        ("$filter=" + "x" * 5000, "$filter", None),
        ("$orderby=updated down", "$orderby", 9),
        ("$orderby=" + "number," * 20, "$orderby", None),
        ("$top=-1", "$top", None),
        ("$top=" + "9" * 4000, "$top", None),
        ("$skip=%EF%BC%95", "$skip", None),
        ("$top=1&$top=2", "$top", None),
        ("$skiptoken=bm90aGluZw", "$skiptoken", None),
        ("$count=perhaps", "$count", None),
        ("=5", "the query string", None),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    service: httpx.Client, query: str, option: str, position: int | None
) -> None:
    response = service.get(f"/informea/Decisions?{query}", headers=JSON)
    document = problem(response, "parameter")
    assert document["parameter"] == option
    assert document.get("position") == position
    assert len(response.text) < 2000


def test_a_browser_is_told_on_a_page(service: httpx.Client) -> None:
    headers = {"Accept": "text/html,*/*;q=0.8"}
    page = service.get('/informea/Decisions?$filter=number eq "<script>alert(1)</script>"', headers=headers)
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "<script" not in page.text
    page = service.get("/informea/Decisions?$search=<b>", headers=headers)
    assert (page.status_code, "<b>" in page.text) == (501, False)


def test_injection_is_a_text_like_any_other(service: httpx.Client) -> None:
    for text in ("XI/16' or 1 eq 1", "x' } ?s ?p ?o {", "'", "\\", "%27", "*", "XI/16\u0000", "X" * 500):
        quoted = "'" + text.replace("'", "''") + "'"
        response = service.get("/informea/v4/Decisions", params={"$filter": f"number eq {quoted}", "$count": "true"})
        assert response.status_code == 200, response.text
        assert (response.json()["@odata.count"], response.json()["value"]) == (0, [])
    problem(service.get("/informea/Decisions?$filter=%FF"), "bad-request")
    problem(service.get("/informea/Decisions?" + "&".join(["a=1"] * 300)), "bad-request")


def test_it_is_read_only(service: httpx.Client) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "MERGE"):
        response = service.request(method, "/informea/Decisions", content=b"{}")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS"
        problem(response, "method")


def test_links_lead_to_what_they_say(service: httpx.Client) -> None:
    feed = ElementTree.fromstring(service.get("/informea/Decisions?$top=3").content)
    base = feed.get("{http://www.w3.org/XML/1998/namespace}base", "")
    links = [
        link.get("href", "")
        for link in feed.iter(f"{ATOM}link")
        if link.get("rel") in {"self", "edit"} or "/related/" in link.get("rel", "")
    ]
    assert len(links) > 20
    for link in links:
        assert service.get(base + link).status_code == 200, link
    service_document = service.get("/informea/v4").json()
    for each in service_document["value"]:
        assert service.get(f"/informea/v4/{each['url']}").status_code == 200
    context = urlsplit(service.get("/informea/v4/Decisions?$top=1").json()["@odata.context"])
    assert service.get(context.path).status_code == 200


def test_metadata_describes_every_field(service: httpx.Client) -> None:
    for dialect in ("v2", "v3", "v4"):
        root = ElementTree.fromstring(service.get(f"/informea/{dialect}/$metadata").content)
        described: dict[str, set[str]] = {}
        for entity in (each for each in root.iter() if each.tag.endswith("}EntityType")):
            names = {
                each.get("Name", "") for each in entity if each.tag.endswith(("}Property", "}NavigationProperty"))
            }
            described[entity.get("Name", "")] = names
        for name in ("Decision", "Meeting"):
            document = service.get(f"/informea/{dialect}/{name}s?$top=1&$format=json").json()
            (record,) = document.get("value") or document["d"]["results"]
            assert record.keys() - {"__metadata"} == described[name], dialect


@contextmanager
def took_less_than(seconds: float) -> Iterator[None]:
    before = time.perf_counter()
    yield
    assert time.perf_counter() - before < seconds


def test_many_decisions(tmp_path: Path) -> None:
    file = tmp_path / "many.nt"
    kinds, kind = f"{BASE}ontology#", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    with file.open("w", encoding="utf-8") as target:
        for n in range(5000):
            decision = f"<{BASE}decision/cop/1/{n + 1}>"
            target.write(f'{decision} <{kind}> <{kinds}Decision> .\n{decision} <{kinds}symbol> "I/{n + 1}" .\n')
    with running(root=tmp_path, data=(file,), workers=1) as client:
        with took_less_than(20):
            records = harvest_pages(client, "/informea/v4/Decisions")
        assert len({record["id"] for record in records}) == len(records) == 5000
        assert len(client.get("/informea/v4/Decisions?$top=5000").json()["value"]) == 1000
        with took_less_than(5):
            client.get("/informea/v4/Decisions", params={"$filter": " or ".join(["number eq 'x'"] * 99)})


def test_the_documentation_names_what_there_is() -> None:
    text = (ROOT / "docs" / "informea.md").read_text(encoding="utf-8")
    for entities in SETS:
        head = f"| field of a {entities.entity.lower()} |"
        table = text.partition(head)[2].partition("\n\n")[0]
        named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)))
        assert sorted(named) == sorted(entities.fields), entities.name
    for option in KNOWN:
        assert f"`{option}" in text, option
    for words in (
        f"{odata.LONGEST:,} characters, {odata.MOST_TOKENS} words and {odata.DEEPEST} brackets",
        f"a page has {options.PAGE} records",
        f"up to {options.LARGEST_PAGE:,}",
    ):
        assert words in " ".join(text.split()), words
