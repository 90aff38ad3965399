"""/feed/oai: what real harvesters get, whole or piece by piece, is the graph; and all is as the protocol wants it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sickle
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from oaipmh_scythe import Scythe
from oaipmh_scythe.exceptions import BadResumptionToken, NoRecordsMatch
from oaipmh_scythe.iterator import OAIResponseIterator
from rdflib import Graph
from rdflib.compare import isomorphic

from cbdgraph.changelog import Entry, Log, LoggedRelease, Withdrawal
from cbdgraph.errors import SettingsError
from cbdgraph.history import History, write_history
from cbdgraph.namespaces import BASE, ONTOLOGY, SHAPES, expand
from cbdgraph.server.feeds import oai
from cbdgraph.server.feeds.kinds import OTHER, kinds_of
from cbdgraph.server.feeds.markup import write
from cbdgraph.server.feeds.oai import NO_EMAIL, Repository
from cbdgraph.server.feeds.oai_tokens import BadToken, Selection, format_token, parse_token
from cbdgraph.server.feeds.rdfxml import UnwritableInXml, describe
from cbdgraph.settings import Settings
from cbdgraph.store.canonical import canonical_lines
from tests.cutting import DECISION, ISSUE, OLD_TERM, ROOT, make_log, publish_log
from tests.replaying import OAI, OaiCopy, each_once, harvest, keep_pages, read_pages, read_rdf
from tests.test_server_running import problem, running

NUMBERS = ("0.1.0", "0.2.0", "0.3.0")
DC = "{http://purl.org/dc/elements/1.1/}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Iterator[httpx.Client]:
    """The service with the last of the three releases."""
    build = tmp_path_factory.mktemp("build")
    publish_log(build, log, older=1)
    with running(root=ROOT, build=build, workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, log: Log) -> History:
    folder = tmp_path_factory.mktemp("history")
    write_history(folder, log, log.replay())
    return History.open(folder)


def switch(client: httpx.Client, build: Path, log: Log) -> str:
    """Publish the last release of a log and wait until it is served; the hash of its triples."""
    release = publish_log(build, log, older=0)
    deadline = time.monotonic() + 15
    while client.get("/version").json()["release"] != release.manifest.release:
        assert time.monotonic() < deadline, "the new release is not served"
        time.sleep(0.1)
    return release.manifest.triples_hash


def address(client: httpx.Client) -> str:
    return str(client.base_url.join("/feed/oai"))


def ask(client: httpx.Client, **asked: str) -> Any:
    """The response of the protocol, which must be well made."""
    names = {"from_": "from", "set_": "set"}
    response = client.get("/feed/oai", params={names.get(name, name): value for name, value in asked.items()})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    return check(response.content)


# --- What the schema of the protocol wants, in a table: the children of an element in their order, with how often


MANY = 10**6
CHILDREN: dict[str, list[tuple[str, int, int]]] = {
    "Identify": [
        ("repositoryName", 1, 1),
        ("baseURL", 1, 1),
        ("protocolVersion", 1, 1),
        ("adminEmail", 1, MANY),
        ("earliestDatestamp", 1, 1),
        ("deletedRecord", 1, 1),
        ("granularity", 1, 1),
        ("compression", 0, MANY),
        ("description", 0, MANY),
    ],
    "ListMetadataFormats": [("metadataFormat", 1, MANY)],
    "metadataFormat": [("metadataPrefix", 1, 1), ("schema", 1, 1), ("metadataNamespace", 1, 1)],
    "ListSets": [("set", 1, MANY), ("resumptionToken", 0, 1)],
    "set": [("setSpec", 1, 1), ("setName", 1, 1), ("setDescription", 0, MANY)],
    "GetRecord": [("record", 1, 1)],
    "ListRecords": [("record", 1, MANY), ("resumptionToken", 0, 1)],
    "ListIdentifiers": [("header", 1, MANY), ("resumptionToken", 0, 1)],
    "record": [("header", 1, 1), ("metadata", 0, 1), ("about", 0, MANY)],
    "header": [("identifier", 1, 1), ("datestamp", 1, 1), ("setSpec", 0, MANY)],
}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
SPEC = r"[\w\-.!~*'()]+(:[\w\-.!~*'()]+)*"
TEXTS = {
    "responseDate": TIME,
    "datestamp": TIME,
    "earliestDatestamp": TIME,
    "protocolVersion": r"2\.0",
    "adminEmail": r"\S+@(\S+\.)+\S+",
    "deletedRecord": "no|persistent|transient",
    "granularity": "YYYY-MM-DDThh:mm:ssZ",
    "setSpec": SPEC,
    "metadataPrefix": r"[\w\-.!~*'()]+",
    "identifier": r"\w+:\S+",
    "baseURL": r"http://\S+/feed/oai",
    "request": r"http://\S+/feed/oai",
}
CODES = {
    "cannotDisseminateFormat",
    "idDoesNotExist",
    "badArgument",
    "badVerb",
    "noMetadataFormats",
    "noRecordsMatch",
    "badResumptionToken",
    "noSetHierarchy",
}
ELEMENTS = {"title", "creator", "subject", "description", "publisher", "contributor", "date", "type", "format"}
ELEMENTS |= {"identifier", "source", "language", "relation", "coverage", "rights"}


def check(content: bytes) -> Any:
    """The root of a response, if it is as the schemas want it."""
    root: Any = etree.fromstring(content)
    assert root.tag == f"{OAI}OAI-PMH"
    children = [child.tag.removeprefix(OAI) for child in root]
    assert children[:2] == ["responseDate", "request"]
    assert set(children[2:]) == {"error"} or (len(children) == 3 and children[2] in CHILDREN)
    for element in root.iter(f"{OAI}*"):
        name = element.tag.removeprefix(OAI)
        assert re.fullmatch(TEXTS.get(name, ".*"), element.text or "", re.ASCII | re.DOTALL), (name, element.text)
        if name in CHILDREN:
            found = [child.tag.removeprefix(OAI) for child in element]
            for wanted, least, most in CHILDREN[name]:
                assert least <= found.count(wanted) <= most, (name, found)
            order = [wanted for wanted, _, _ in CHILDREN[name]]
            assert found == sorted(found, key=order.index)
        elif name in {"metadata", "description", "setDescription"}:
            assert len(element) == 1
            _check_other(element[0])
    codes = {error.get("code") for error in root.iter(f"{OAI}error")}
    assert codes <= CODES
    if codes & {"badVerb", "badArgument"}:
        assert not root[1].attrib, "what is wrong is not repeated"
    return root


def _check_other(element: Any) -> None:
    where = element.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation").split()
    assert where[0] == etree.QName(element).namespace
    if where[0] == "http://www.openarchives.org/OAI/2.0/oai_dc/":
        assert where[1] == "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
        for child in element:
            assert child.tag.removeprefix(DC) in ELEMENTS
            assert len(child) == 0
            assert set(child.attrib) <= {LANG}
    else:
        assert where[1] == "http://www.openarchives.org/OAI/2.0/rdf.xsd"
        assert element.tag.endswith("#}RDF")


def codes_of(root: Any) -> list[str]:
    return [error.get("code") for error in root.findall(f"{OAI}error")]


# --- Replay


@pytest.mark.slow
@pytest.mark.parametrize("size", [7, 100])
def test_what_is_harvested_is_the_dump_at_each_release(
    tmp_path: Path, log: Log, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oai, "PAGE", size)
    first = publish_log(tmp_path, log.until("0.1.0"), older=0)
    with running(root=ROOT, build=tmp_path, workers=1) as client:
        copy = OaiCopy()
        harvest(address(client), copy)
        assert copy.hash == first.manifest.triples_hash
        assert len(copy.seen) == log.releases[0].count("created")
        for release in log.releases[1:]:
            expected = switch(client, tmp_path, log.until(release.number))
            held = list(copy.seen)
            harvest(address(client), copy, from_=copy.last)
            assert copy.hash == expected
            # The last datestamp is included, so that the last release comes once more where it was not changed since.
            assert len(copy.seen) - len(held) >= len(release.entries)
            anew = OaiCopy()
            harvest(address(client), anew)
            assert anew.hash == expected
            assert each_once(anew.seen)


def test_a_page_of_one_record_is_enough(service: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, single = OaiCopy(), OaiCopy()
    harvest(address(service), whole, set_="shape:node")
    monkeypatch.setattr(oai, "PAGE", 1)
    harvest(address(service), single, set_="shape:node")
    assert single.seen == whole.seen
    assert single.hash == whole.hash
    assert len(single.seen) > 30


def test_what_is_withdrawn_comes_as_deleted_for_ever(service: httpx.Client) -> None:
    for prefix in ("rdf", "oai_dc"):
        record = ask(service, verb="GetRecord", metadataPrefix=prefix, identifier=ISSUE)[2][0]
        header = record.find(f"{OAI}header")
        assert header.get("status") == "deleted"
        assert header.findtext(f"{OAI}datestamp") == "2026-12-01T15:30:00Z"
        assert [found.text for found in header.findall(f"{OAI}setSpec")] == ["issue"]
        assert len(record) == 1
    with Scythe(address(service)) as client:
        headers = list(client.list_identifiers(metadata_prefix="rdf"))
    assert {header.identifier for header in headers if header.deleted} == {ISSUE, OLD_TERM}  # type: ignore[union-attr]
    asked = ask(service, verb="ListMetadataFormats", identifier=ISSUE)
    assert codes_of(asked) == ["noMetadataFormats"]


@pytest.mark.slow
def test_a_release_switched_amid_a_list_changes_nothing_of_it(tmp_path: Path, log: Log) -> None:
    first = publish_log(tmp_path, log.until("0.1.0"), older=0)
    with (
        running(root=ROOT, build=tmp_path, workers=1) as client,
        Scythe(address(client), iterator=OAIResponseIterator) as scythe,
    ):
        pages = scythe.list_records(metadata_prefix="rdf")
        copy, begun = OaiCopy(), [next(pages) for _ in range(3)]
        expected = [switch(client, tmp_path, log.until(number)) for number in NUMBERS[1:]]
        for page in (*begun, *pages):
            for record in page.xml.iter(f"{OAI}record"):
                copy.apply(record)
        assert copy.hash == first.manifest.triples_hash
        assert each_once(copy.seen)
        assert len(copy.seen) == log.releases[0].count("created")
        harvest(address(client), copy, from_=copy.last)
        assert copy.hash == expected[-1]


@pytest.mark.slow
def test_client_and_server_may_be_killed_amid_a_list(tmp_path: Path, log: Log) -> None:
    build, kept = tmp_path / "build", tmp_path / "kept"
    kept.mkdir()
    expected = publish_log(build, log.until("0.2.0"), older=0).manifest.triples_hash
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = f"http://127.0.0.1:{port}/feed/oai"
    server, client = _start_server(build, port), _start_client(where, kept)
    try:
        _await(lambda: len(list(kept.glob("*.xml"))) >= 4)
        client.kill()
        client.wait(10)
        amid = len(list(kept.glob("*.xml")))
        client = _start_client(where, kept)
        _await(lambda: len(list(kept.glob("*.xml"))) >= amid + 3)
        _kill(server)
        assert client.wait(30) != 0, "a client without a server ends with an error"
        publish_log(build, log, older=0)  # and what is served then is another release
        server = _start_server(build, port)
        keep_pages(where, kept)
    finally:
        client.kill()
        client.wait(10)
        _kill(server)
    copy = OaiCopy()
    read_pages(kept, copy)
    assert each_once(copy.seen)
    assert copy.hash == expected


def _start_server(build: Path, port: int) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path;"
        "from cbdgraph.server import run; from cbdgraph.settings import Settings;"
        "run(Settings(root=Path(sys.argv[1]), build=Path(sys.argv[2]), port=int(sys.argv[3]), workers=1))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT), str(build), str(port)],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _await(lambda: _answers(port))
    return process


def _start_client(where: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.replaying", where, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a server; what it started is in its session, and ends with it or is ended."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)


def _await(is_so: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


# --- Selection


def test_times_are_included_and_may_be_days(service: httpx.Client, log: Log) -> None:
    second, third = (release.issued for release in log.releases[1:])

    def count(**asked: str) -> int:
        copy = OaiCopy()
        try:
            harvest(address(service), copy, **asked)
        except NoRecordsMatch:
            return 0
        return len(copy.seen)

    whole, younger = count(), count(from_=third)
    assert whole == len({entry.resource for release in log.releases for entry in release.entries})
    assert younger == len(log.releases[2].entries)
    assert count(from_="2026-12-01") == count(from_=second) == count(from_="2026-12-01", until="2026-12-01")
    assert count(from_="2026-12-02") == count(from_="2026-12-01T15:30:01Z") == 0
    assert count(until="2026-11-30") == count(until="2026-12-01T08:59:59Z") < whole
    assert count(until=second) + younger == whole
    assert count(until="2020-01-01") == 0
    assert count(until="9999-12-31") == whole


def test_sets_hold_what_their_headers_say(service: httpx.Client) -> None:
    with Scythe(address(service)) as client:
        sets = [found.setSpec or "" for found in client.list_sets()]  # type: ignore[union-attr]
        headers: list[Any] = list(client.list_identifiers(metadata_prefix="oai_dc"))
        for wanted in sets:
            asked = [found.identifier for found in client.list_identifiers(set_=wanted)]  # type: ignore[union-attr]
            assert asked == [found.identifier for found in headers if wanted in found.setSpecs], wanted
            assert asked
    assert set(sets) == {name for header in headers for name in header.setSpecs}
    assert {"decision", "part", "issue", "target", "target:aichi", "term", "definition", "meeting"} <= set(sets)
    assert {name.partition(":")[0] for name in sets} <= set(sets)
    assert all(header.setSpecs for header in headers)


def test_almost_everything_is_of_some_kind(log: Log, history: History) -> None:
    others = [event.resource for event in history.living() if OTHER in kinds_of(event.classes)]
    assert len(others) <= 1, others
    a_class = f"<{expand('rdf:type')}> <{expand('owl:Class')}>"
    classes = {iri for iri, said in log.replay().items() if any(a_class in line for line in said)}
    # Every text is of a narrower class; the others are no resources of the graph, but of what is about it.
    told = {ONTOLOGY + name for name in ("Text", "Version", "Withdrawal")}
    without = {iri for iri in classes if iri.startswith(ONTOLOGY) and kinds_of([iri]) == (OTHER,)}
    assert without <= told


def test_dublin_core_says_what_the_graph_says(service: httpx.Client) -> None:
    client = sickle.Sickle(address(service), http_method="POST")
    record = client.GetRecord(identifier=DECISION, metadataPrefix="oai_dc")
    assert {"Decision XI/16", "Ecosystem restoration", "第XI/16号决定"} <= set(record.metadata["title"])
    assert record.metadata["identifier"] == [DECISION, "XI/16", "CBD/COP/11/16", "UNEP/CBD/COP/DEC/XI/16"]
    assert record.metadata["type"] == ["Decision", "Text"]
    assert f"{BASE}issue/ecosystem-restoration" in record.metadata["subject"]
    assert f"{BASE}meeting/cop/11" in record.metadata["relation"]
    assert {"en", "fr", "es", "ru", "zh", "ar"} == set(record.metadata["language"])
    assert record.metadata["rights"] == ["https://creativecommons.org/licenses/by/4.0/"]
    titles = {(found.get(LANG), found.text) for found in record.xml.iter(f"{DC}title")}
    assert ("fr", "Décision XI/16") in titles
    records = list(client.ListRecords(metadataPrefix="oai_dc"))
    assert each_once(found.header.identifier for found in records)
    assert sum(found.deleted for found in records) == 2
    for found in records:
        if not found.deleted:
            assert found.header.identifier in found.metadata["identifier"]


def test_identify_formats_and_sets(service: httpx.Client, log: Log) -> None:
    with Scythe(address(service)) as client:
        identify: Any = client.identify()
        formats: list[Any] = list(client.list_metadata_formats(identifier=DECISION))
    assert identify.baseURL == address(service)
    assert identify.earliestDatestamp == log.releases[0].issued
    assert identify.deletedRecord == "persistent"
    assert identify.adminEmail == NO_EMAIL
    assert [found.metadataPrefix for found in formats] == ["oai_dc", "rdf"]
    assert formats[1].metadataNamespace == "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    for verb in ("Identify", "ListSets", "ListMetadataFormats"):
        assert ask(service, verb=verb)[1].attrib == {"verb": verb}


def test_the_address_of_whoever_runs_it(tmp_path: Path, log: Log) -> None:
    with pytest.raises(SettingsError, match=r"data@example\.org"):
        Settings(admin_email="nobody")
    publish_log(tmp_path, log.until("0.1.0"), older=0)
    with running(root=ROOT, build=tmp_path, workers=1, admin_email="data@example.org") as client:
        assert ask(client, verb="Identify").findtext(f".//{OAI}adminEmail") == "data@example.org"


@pytest.mark.parametrize(
    "identifier", [DECISION, DECISION.replace(":", "%3A"), DECISION.replace("/", "%2F").replace(":", "%3A")]
)
def test_identifiers_may_be_encoded(service: httpx.Client, identifier: str) -> None:
    root = ask(service, verb="GetRecord", metadataPrefix="rdf", identifier=identifier)
    assert root.findtext(f".//{OAI}identifier") == DECISION


def test_an_older_release_is_a_repository_of_its_own(service: httpx.Client) -> None:
    for path in ("/release/0.2.0/feed/oai?", "/feed/oai?release=0.2.0&"):
        root = check(service.get(f"{path}verb=GetRecord&metadataPrefix=rdf&identifier={ISSUE}").content)
        assert root.find(f".//{OAI}metadata") is not None
    base = check(service.get("/release/0.2.0/feed/oai?verb=Identify").content).findtext(f".//{OAI}baseURL")
    assert base == f"{str(service.base_url).rstrip('/')}/release/0.2.0/feed/oai"


# --- Errors

BAD = [
    ("", "badVerb"),
    ("junk", "badVerb"),
    ("verb=junk", "badVerb"),
    ("verb=identify", "badVerb"),
    ("verb=Identify&verb=Identify", "badVerb"),
    ("verb=Identify&set=decision", "badArgument"),
    ("verb=Identify&%00=", "badArgument"),
    ("verb=Identify&%FF", "badArgument"),
    ("verb=GetRecord&metadataPrefix=oai_dc", "badArgument"),
    (f"verb=GetRecord&identifier={DECISION}", "badArgument"),
    (f"verb=GetRecord&identifier={DECISION}&identifier={DECISION}&metadataPrefix=rdf", "badArgument"),
    ('verb=GetRecord&identifier=invalid"id&metadataPrefix=oai_dc', "badArgument"),
    ("verb=GetRecord&identifier=%01&metadataPrefix=oai_dc", "badArgument"),
    ("verb=GetRecord&identifier=x:%EF%BF%BF&metadataPrefix=oai_dc", "badArgument"),
    ("verb=GetRecord&identifier=x:y' OR 1=1 --&metadataPrefix=oai_dc", "badArgument"),
    ("verb=GetRecord&identifier=&metadataPrefix=oai_dc", "badArgument"),
    ("verb=GetRecord&identifier=oai:example.org:1&metadataPrefix=oai_dc", "idDoesNotExist"),
    (f"verb=GetRecord&identifier={BASE}decision/cop/99/1&metadataPrefix=oai_dc", "idDoesNotExist"),
    ("verb=ListMetadataFormats&identifier=x:y", "idDoesNotExist"),
    (f"verb=GetRecord&identifier={DECISION}&metadataPrefix=marc", "cannotDisseminateFormat"),
    ("verb=ListRecords&metadataPrefix=marc", "cannotDisseminateFormat"),
    ("verb=ListRecords&metadataPrefix=%26amp;%3C!ENTITY", "badArgument"),
    ("verb=ListRecords&metadataPrefix=", "badArgument"),
    ("verb=ListRecords", "badArgument"),
    ("verb=ListIdentifiers&until=junk", "badArgument"),
    ("verb=ListIdentifiers&from=junk", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=junk", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&until=2026-02-30", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&until=2026-12-01T09:00:00", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&until=2026-12-01T24:00:00Z", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=0000-01-01", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=２０２６-12-01", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=2002-02-05&until=2002-02-06T05:35:00Z", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-12-02&until=2026-12-01", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&from=9999-12-31", "noRecordsMatch"),
    ("verb=ListRecords&metadataPrefix=oai_dc&until=0001-01-01", "noRecordsMatch"),
    ("verb=ListRecords&metadataPrefix=oai_dc&set=none", "noRecordsMatch"),
    ("verb=ListRecords&metadataPrefix=oai_dc&set=target::aichi", "badArgument"),
    ("verb=ListRecords&resumptionToken=junk", "badResumptionToken"),
    ("verb=ListRecords&resumptionToken=", "badResumptionToken"),
    (f"verb=ListRecords&resumptionToken={'A' * 8000}", "badResumptionToken"),
    ("verb=ListRecords&resumptionToken=%3C%26%22'", "badResumptionToken"),
    ("verb=ListRecords&resumptionToken=%C3%A9", "badResumptionToken"),
    ("verb=ListRecords&resumptionToken=%01", "badArgument"),
    ("verb=ListSets&resumptionToken=junk", "badResumptionToken"),
    ("verb=ListIdentifiers&resumptionToken=junk&until=2000-02-05", "badArgument"),
    ("verb=ListRecords&metadataPrefix=oai_dc&resumptionToken=junk&until=1990-01-10", "badArgument"),
]


@pytest.mark.parametrize(("query", "code"), BAD, ids=[query[:60] or "nothing" for query, _ in BAD])
def test_what_is_wrong_is_said_in_the_codes_of_the_protocol(service: httpx.Client, query: str, code: str) -> None:
    response = service.get(f"/feed/oai?{query}")
    assert response.status_code == 200
    root = check(response.content)
    assert set(codes_of(root)) == {code}
    if code not in {"badVerb", "badArgument"}:
        assert root[1].get("verb") == dict(httpx.QueryParams(query))["verb"]


def test_a_form_is_read_as_an_address(service: httpx.Client) -> None:
    form = {"verb": "GetRecord", "metadataPrefix": "rdf", "identifier": DECISION}
    by_form, by_address = service.post("/feed/oai", data=form), service.get("/feed/oai", params=form)
    assert by_form.content.split(b"</responseDate>")[1] == by_address.content.split(b"</responseDate>")[1]
    assert codes_of(check(service.post("/feed/oai?verb=Identify", data=form).content)) == ["badVerb"]
    problem(service.post("/feed/oai", content=b"{}", headers={"Content-Type": "application/json"}), "media-type")
    problem(service.post("/feed/oai", data={"verb": "x" * 20_000}), "body-too-large")
    problem(service.get("/feed/oai", params={"verb": "x" * 20_000}), "uri-too-long")


def test_files_have_no_log(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    with running(root=ROOT, data=(tmp_path / "a.ttl",), workers=1) as client:
        problem(client.get("/feed/oai?verb=Identify"), "not-found")


# --- Tokens

SELECTION = Selection("ListRecords", "rdf", "2026-12-01T00:00:00Z", "", "target:aichi", "0.2.0")


def test_a_token_comes_back_and_a_damaged_one_does_not(history: History) -> None:
    token = format_token(history, SELECTION, 100)
    assert parse_token(history, token) == (SELECTION, 100)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        for bad in (token[:place] + other + token[place + 1 :], token[:place], token[:place] + token[place + 1 :]):
            if bad != token:
                with pytest.raises(BadToken):
                    parse_token(history, bad)
    for bad in (token + "=", token + "A", f" {token}", token + "\n"):
        with pytest.raises(BadToken):
            parse_token(history, bad)


def test_a_token_is_of_one_log_and_one_request(history: History, log: Log, tmp_path: Path) -> None:
    token = format_token(history, SELECTION, 1)
    earlier = log.until("0.1.0")
    write_history(tmp_path, earlier, earlier.replay())
    with pytest.raises(BadToken, match="not known"):
        parse_token(History.open(tmp_path), token)
    other = Log((earlier.releases[0], LoggedRelease("0.2.0", log.releases[1].issued, "0" * 64, "0.1.0", ())))
    write_history(tmp_path, other, other.replay())
    with pytest.raises(BadToken, match="another log"):
        parse_token(History.open(tmp_path), token)
    repository = Repository(history, "http://e/feed/oai", NO_EMAIL, 10)
    behind = format_token(history, Selection("ListRecords", "rdf", "", "", "", "0.3.0"), 10**8)
    strange = format_token(history, Selection("ListRecords", "marc", "", "", "", "0.3.0"), 1)
    for verb, bad in (("ListIdentifiers", token), ("ListRecords", behind), ("ListRecords", strange)):
        root = repository.answer([("verb", verb), ("resumptionToken", bad)])
        assert [error.get("code") for error in root.findall("error")] == ["badResumptionToken"]


def test_a_token_tells_how_far_the_list_is(service: httpx.Client) -> None:
    with Scythe(address(service), iterator=OAIResponseIterator) as client:
        pages: list[Any] = list(client.list_identifiers(metadata_prefix="rdf"))
    told = 0
    for page in pages:
        token = page.xml.find(f".//{OAI}resumptionToken")
        assert token.get("cursor") == str(told)
        assert token.get("expirationDate") is None
        told += len(page.xml.findall(f".//{OAI}header"))
        assert bool(token.text) == (page is not pages[-1])
    assert token.get("completeListSize") == str(told)
    with Scythe(address(service)) as client, pytest.raises(BadResumptionToken):
        next(client.list_records(resumption_token=pages[0].xml.findtext(f".//{OAI}resumptionToken")))
    assert (
        ask(service, verb="ListIdentifiers", metadataPrefix="rdf", set_="body")[2].find(f"{OAI}resumptionToken")
        is None
    )


# --- RDF/XML

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8)
NAMES = st.from_regex(r"(x:|https://e/|https://e/é#)[a-z_é][a-z0-9.\-]{0,3}", fullmatch=True)


@st.composite
def lines(draw: st.DrawFn, text: st.SearchStrategy[str] = TEXT) -> list[str]:
    """Canonical N-Quads of one resource, with blank nodes."""
    nodes = st.sampled_from(["_:a", "_:b"])
    found = [f"<x:s> <x:p> {node} ." for node in ("_:a", "_:b")]
    for _ in range(draw(st.integers(0, 6))):
        subject = draw(st.one_of(st.just("<x:s>"), nodes))
        quoted = "".join(f"\\u{ord(c):04X}" if ord(c) < 0x10000 else f"\\U{ord(c):08X}" for c in draw(text))
        tail = draw(st.sampled_from(["", "@en", "@zh-Hans", "^^<x:type>"]))
        value = draw(st.one_of(st.just(f'"{quoted}"{tail}'), nodes, NAMES.map(lambda name: f"<{name}>")))
        found.append(f"{subject} <{draw(NAMES)}> {value} <x:g> .")
    return list(canonical_lines(found))


@settings(deadline=None, max_examples=150)
@given(lines())
def test_rdf_xml_says_exactly_what_is_said_or_nothing(content: list[str]) -> None:
    try:
        written = write(describe(content, "n"))
    except UnwritableInXml:
        return
    triples = [f"{line.rsplit(' ', 2)[0]} ." if line.endswith("<x:g> .") else line for line in content]
    assert canonical_lines(read_rdf(written)) == canonical_lines(triples)
    second, expected = Graph(), Graph()
    second.parse(data=written, format="xml")
    expected.parse(data="\n".join(triples), format="nt11")
    assert isomorphic(second, expected)


@settings(deadline=None)
@given(lines(XML_TEXT))
def test_all_that_xml_can_hold_is_written(content: list[str]) -> None:
    describe(content, "n")


@pytest.mark.parametrize(
    "line",
    [
        '<x:s> <x:p> "a\\u0001" .',
        '<x:s> <x:p> "a\\f" .',
        '<x:s> <x:p> "a\uffff" .',
        '<x:s> <https://e/1> "a" .',
        '<x:s> <https://e/> "a" .',
        '<x:s> <http://www.w3.org/1999/02/22-rdf-syntax-ns#li> "a" .',
        '<x:s> <http://www.w3.org/XML/1998/namespacelang> "a" .',
    ],
)
def test_what_xml_cannot_hold_is_in_another_format(tmp_path: Path, line: str) -> None:
    title = '<x:s> <http://www.w3.org/2000/01/rdf-schema#label> "A \\u0001 name" .'
    entries = (
        Entry("x:r", "created", ('<x:r> <x:p> "fine" <x:g> .',)),
        Entry("x:s", "created", tuple(each.replace(" .", " <x:g> .") for each in sorted((line, title)))),
        Entry("x:t", "withdrawn", (), Withdrawal("It was made for a test.")),
    )
    before = LoggedRelease("0.1.0", "2026-01-01T00:00:00Z", "0" * 64, "", (Entry("x:t", "created", ()),))
    log = Log((before, LoggedRelease("0.2.0", "2026-02-01T00:00:00Z", "1" * 64, "0.1.0", entries)))
    write_history(tmp_path, log, log.replay())
    repository = Repository(History.open(tmp_path), "http://e/feed/oai", NO_EMAIL, 1)

    def say(**asked: str) -> Any:
        root = repository.answer(list(asked.items()))
        root.insert(0, root.makeelement("responseDate", {}))
        root[0].text = "2026-01-01T00:00:00Z"
        return check(write(root))

    assert codes_of(say(verb="GetRecord", metadataPrefix="rdf", identifier="x:s")) == ["cannotDisseminateFormat"]
    dublin = say(verb="GetRecord", metadataPrefix="oai_dc", identifier="x:s")
    assert dublin.findtext(f".//{DC}title") == "A \ufffd name"
    formats = say(verb="ListMetadataFormats", identifier="x:s")
    assert [found.text for found in formats.iter(f"{OAI}metadataPrefix")] == ["oai_dc"]
    first = say(verb="ListIdentifiers", metadataPrefix="rdf")
    rest = say(verb="ListIdentifiers", resumptionToken=first.findtext(f".//{OAI}resumptionToken"))
    assert [found.text for root in (first, rest) for found in root.iter(f"{OAI}identifier")] == ["x:r", "x:t"]


def test_a_shape_has_its_blank_nodes(service: httpx.Client, log: Log) -> None:
    shape = SHAPES + "Concept-prefLabel"
    root = ask(service, verb="GetRecord", metadataPrefix="rdf", identifier=shape)
    content = [line.rsplit(" ", 2)[0] + " ." for line in log.replay()[shape]]
    assert any("_:" in line for line in content)
    assert canonical_lines(read_rdf(etree.tostring(root.find(f".//{OAI}metadata")[0]))) == canonical_lines(content)


# --- Hostile arguments

KEYS = st.sampled_from(["verb", "identifier", "metadataPrefix", "from", "until", "set", "resumptionToken", "é\0", ""])
VALUES = st.one_of(
    st.sampled_from(
        ["ListRecords", "GetRecord", "ListSets", "Identify", "rdf", "oai_dc", "2026-12-01", DECISION, "body"]
    ),
    TEXT,
)


@settings(deadline=None, max_examples=200)
@given(pairs=st.lists(st.tuples(KEYS, VALUES), max_size=5))
def test_any_arguments_are_answered_in_valid_xml(history: History, pairs: list[tuple[str, str]]) -> None:
    repository = Repository(history, "http://e/feed/oai", NO_EMAIL, 3)
    root = repository.answer(pairs)
    root.insert(0, root.makeelement("responseDate", {}))
    root[0].text = "2026-01-01T00:00:00Z"
    check(write(root))
