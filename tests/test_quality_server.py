"""/quality and `cbdgraph quality`: the same report in every format, narrowed as asked; hostile data stay text."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph
import pytest
from rdflib import RDF, SH, Graph

from cbdgraph.namespaces import BASE
from cbdgraph.quality.registry import FOLDER, read_checks
from cbdgraph.server.pages import CSP
from cbdgraph.server.quality import PAGE, SARIF
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_pages import HTML, check
from tests.test_server_running import problem, running

NAMES = {each.name for each in read_checks(ROOT / FOLDER)}
HOSTILE = '<script>alert(1)</script> & "quoted" \u202e back'


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    """The service with the real data."""
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A user's own data with names that are markup, an IRI that is a script, and more findings than a page holds."""
    skos = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    name = HOSTILE.replace('"', '\\"')
    many = "".join(f'<http://example.org/{n}> a skos:Concept ; skos:altLabel "{n}"@en .\n' for n in range(PAGE + 50))
    odd = (
        f'<javascript:alert(1)> a skos:Concept ; skos:prefLabel "{name}"@en ; skos:related <javascript:alert(1)> .\n'
    )
    path = tmp_path_factory.mktemp("data") / "mine.ttl"
    path.write_text(skos + many + odd, encoding="utf-8")
    with running(root=ROOT, data=(path,), workers=1) as client:
        yield client


# --- formats


def test_every_format_tells_the_same_findings(service: httpx.Client) -> None:
    document = service.get("/quality.json").raise_for_status().json()
    found = {(each["check"], each["resource"]) for each in document["findings"]}
    assert {each["name"] for each in document["checks"]} == NAMES
    assert document["complete"] is True
    opened = {(each["check"], each["resource"]) for each in document["findings"] if not each["accepted"]}
    assert sum(document["counts"].values()) == len(document["findings"])
    rows = list(csv.DictReader(io.StringIO(service.get("/quality.csv").raise_for_status().text)))
    assert {(row["check"], row["resource"]) for row in rows} == found
    response = service.get("/quality.sarif").raise_for_status()
    assert response.headers["content-type"] == SARIF
    (run,) = response.json()["runs"]
    assert {
        (r["ruleId"], r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]) for r in run["results"]
    } == found
    graph = Graph().parse(data=service.get("/quality.nt").raise_for_status().text, format="nt")
    assert {
        (str(graph.value(result, SH.sourceShape)).rpartition("#")[2], str(graph.value(result, SH.focusNode)))
        for result in graph.subjects(RDF.type, SH.ValidationResult)
    } == opened
    statements = {str(statement) for statement in _parse(service, "nt")}
    assert len(statements) == len(graph)
    for suffix in ("ttl", "jsonld", "rdf"):
        assert {str(statement) for statement in _parse(service, suffix)} == statements, suffix


def _parse(service: httpx.Client, suffix: str) -> list[pyoxigraph.Triple]:
    content = service.get(f"/quality.{suffix}").raise_for_status().content
    form = pyoxigraph.RdfFormat.from_extension(suffix)
    return [quad.triple for quad in pyoxigraph.parse(content, format=form)]


def test_accept_and_format_and_suffix_choose_alike(service: httpx.Client) -> None:
    for name, media_type in (("sarif", SARIF), ("csv", "text/csv"), ("ttl", "text/turtle"), ("html", "text/html")):
        whole = service.get(f"/quality.{name}").raise_for_status()
        assert whole.headers["content-type"].partition(";")[0] == media_type
        assert service.get("/quality", params={"format": name}).content == whole.content
        assert service.get("/quality", headers={"Accept": media_type}).content == whole.content
        assert (
            service.get(
                "/quality", headers={"If-None-Match": whole.headers["etag"], "Accept": media_type}
            ).status_code
            == 304
        )
    assert service.get("/quality/", headers=HTML).status_code == 200
    assert problem(service.get("/quality.xlsx"), "not-acceptable")["type"]


def test_what_is_asked_for_narrows_every_format(service: httpx.Client) -> None:
    document = service.get("/quality?format=json").json()
    term = next(each["term"] for each in document["findings"] if each["term"])
    narrowed = service.get("/quality", params={"format": "json", "term": term}).json()
    assert narrowed["findings"] == [each for each in document["findings"] if each["term"] == term]
    assert {each["name"] for each in narrowed["checks"]} == NAMES
    notes = service.get("/quality?format=json&severity=note").json()
    assert {each["severity"] for each in notes["checks"]} == {"note"}
    one = service.get("/quality?format=json&check=broken-links").json()
    assert [each["name"] for each in one["checks"]] == ["broken-links"]
    rows = csv.DictReader(io.StringIO(service.get("/quality", params={"format": "csv", "term": term}).text))
    assert {row["term"] for row in rows} == {term}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("check=overlaping-labels", "did you mean overlapping-labels"),
        ("severity=bad", "expected one of error, warning, note"),
        ("term=ecosystem-restoratoin", "did you mean ecosystem-restoration"),
        ("check=broken-links&page=0", "expected a number from 1"),
    ],
)
def test_what_there_is_not_is_told(service: httpx.Client, query: str, said: str) -> None:
    response = service.get(f"/quality?{query}", headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert said in problem(response, "parameter")["detail"]


# --- the page


def test_the_page_leads_from_each_check_to_its_findings_and_to_the_terms(service: httpx.Client) -> None:
    response = service.get("/quality", headers=HTML)
    assert response.headers["content-security-policy"] == CSP
    check(response.text)
    for name in NAMES:
        assert f'id="{name}"' in response.text, name
    assert "What to do:" in response.text
    document = service.get("/quality?format=json").json()
    term = next(each for each in document["findings"] if each["resource"].startswith(f"{BASE}term/"))
    one = service.get("/quality", headers=HTML, params={"term": term["term"]}).raise_for_status()
    assert f'href="/{term["resource"].removeprefix(BASE)}"' in one.text
    assert service.get(f"/{term['resource'].removeprefix(BASE)}", headers=HTML).status_code == 200


def test_markup_in_names_stays_text_and_a_script_is_no_link(hostile: httpx.Client) -> None:
    response = hostile.get("/quality", headers=HTML, params={"check": "reflexive-relations"}).raise_for_status()
    check(response.text)
    assert "<script" not in response.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in response.text
    assert 'href="javascript' not in response.text
    (finding,) = hostile.get("/quality?format=json&check=reflexive-relations").json()["findings"]
    assert finding["label"] == HOSTILE
    unprintable = hostile.get("/quality?format=json&check=unprintable-characters-in-labels").json()["findings"]
    assert "[U+202E]" in unprintable[0]["details"][0]["text"]
    assert hostile.get("/quality.ttl").status_code == 200


def test_many_findings_stand_on_pages_that_lead_to_each_other(hostile: httpx.Client) -> None:
    total = PAGE + 50
    short = hostile.get("/quality", headers=HTML).raise_for_status()
    assert f"all {total}</a>" in short.text
    first = hostile.get("/quality?check=missing-labels", headers=HTML).raise_for_status()
    second = hostile.get("/quality?check=missing-labels&page=2", headers=HTML).raise_for_status()
    assert "page=2" in first.text
    assert "page=1" in second.text
    shown = [f'title="http://example.org/{n}"' for n in range(total)]
    assert sum(each in first.text for each in shown) == PAGE
    assert sum(each in second.text for each in shown) == 50
    assert hostile.get("/quality?check=missing-labels&page=3", headers=HTML).status_code == 404
    assert len(hostile.get("/quality?check=missing-labels&format=json").json()["findings"]) == total


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not here")
def test_the_page_is_drawn_in_a_browser(service: httpx.Client, tmp_path: Path) -> None:
    url = f"{str(service.base_url).rstrip('/')}/quality.html?severity=warning"
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--dump-dom",
        url,
    ]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "Quality of the vocabulary" in shown
    assert '<option selected="">warning</option>' in shown


# --- the command


def run(*words: str, root: Path = ROOT, build: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", **({"CBDGRAPH_BUILD": str(build)} if build else {})}
    command = [sys.executable, "-m", "cbdgraph", "--root", str(root), "quality", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def test_the_command_prints_each_format_and_tells_lines(release: Release) -> None:
    build = release.path.parents[1]
    text = run("--fail-on", "never", build=build)
    assert (text.returncode, text.stderr) == (0, "")
    assert "Open: 0 errors" in text.stdout
    document = json.loads(run("--format", "json", build=build).stdout)
    assert document["findings"]
    for finding in document["findings"]:
        line = (ROOT / finding["file"]).read_text(encoding="utf-8").splitlines()[finding["line"] - 1]
        assert line.startswith(f"<{finding['resource'].removeprefix(BASE)}>")
    (run_,) = json.loads(run("--format", "sarif", build=build).stdout)["runs"]
    assert run_["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] > 0
    assert Graph().parse(data=run("--format", "ttl", build=build).stdout, format="turtle")
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv", "--check", "orphan-concepts", build=build).stdout)))
    assert {row["check"] for row in rows} <= {"orphan-concepts"}


def test_the_command_ends_with_what_was_asked_to_fail_on(release: Release) -> None:
    build = release.path.parents[1]
    # Our own data have no error; this many names without a source there will be for long.
    assert run(build=build).returncode == 0
    document = json.loads(run("--format", "json", build=build).stdout)
    expected = 1 if document["counts"]["warning"] else 0
    assert run("--fail-on", "warning", build=build).returncode == expected
    assert run("--check", "names-without-source", "--fail-on", "warning", build=build).returncode == 0
    wrong = run("--check", "none-such", build=build)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "there is no check 'none-such'" in wrong.stderr


def test_the_command_without_a_build_says_what_to_do(tmp_path: Path) -> None:
    ended = run(build=tmp_path / "nothing")
    assert ended.returncode == 2
    assert "cbdgraph build" in ended.stderr
