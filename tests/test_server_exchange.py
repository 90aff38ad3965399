"""/terms/export/: every file as the command writes it, validators, one language, some terms, limits, bad names."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import httpx
import pytest

from cbdgraph.exchange.formats import FILES, FORMATS
from cbdgraph.ingest.terms import Vocabulary, propose_terms
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.made_terms import read_format
from tests.test_exchange import SLUG, check_tbx
from tests.test_server_running import problem, running
from tests.test_server_running import service as service


@pytest.fixture(scope="module")
def real(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.read(ROOT)


def test_the_list_leads_to_every_file(real: httpx.Client) -> None:
    files = real.get("/terms/export").json()["files"]
    assert {file["name"] for file in files} == set(FILES)
    for file in files:
        response = real.get(file["address"])
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == file["media_type"]
        assert response.headers["content-disposition"] == f'attachment; filename="{file["name"]}"'
        assert response.content


@pytest.mark.parametrize("name", FORMATS)
def test_what_the_service_gives_changes_nothing_when_it_is_imported(
    real: httpx.Client, vocabulary: Vocabulary, name: str
) -> None:
    content = real.get(f"/terms/export/{FORMATS[name].file}").content
    proposal = propose_terms(read_format(name, content), vocabulary, ROOT)
    assert (proposal.faults, proposal.changes) == ((), ())


def test_a_file_has_a_validator_and_head(real: httpx.Client) -> None:
    for path in ("/terms/export/terms.tbx", "/terms/export/terms.xlsx?lang=fr", "/terms/export"):
        response = real.get(path)
        tag = response.headers["etag"]
        assert real.get(path, headers={"If-None-Match": tag}).status_code == 304
        head = real.head(path)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
        assert int(head.headers["content-length"]) == len(response.content)
        assert real.get(path).content == response.content
    tags = {
        real.get(f"/terms/export/terms.tbx{query}").headers["etag"] for query in ("", "?lang=fr", f"?term={SLUG}")
    }
    assert len(tags) == 3


@pytest.mark.parametrize(("name", "style"), [("terms.tbx", "dca"), ("terms-dct.tbx", "dct")])
@pytest.mark.parametrize("query", ["", "?lang=ar", f"?term={SLUG},rehabilitation&lang=en,fr"])
def test_tbx_is_valid(real: httpx.Client, name: str, style: str, query: str) -> None:
    response = real.get(f"/terms/export/{name}{query}")
    assert response.status_code == 200, response.text
    check_tbx(response.content, style)


def test_one_language_and_some_terms(real: httpx.Client) -> None:
    response = real.get("/terms/export/tables.zip", params={"lang": "fr", "term": SLUG})
    assert 'filename="ecosystem-restoration-tables-fr.zip"' in response.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        rows = archive.read("labels.csv").decode("utf-8-sig").splitlines()[1:]
        assert rows
        assert all(row.startswith(f"{SLUG},fr,") for row in rows)
    whole = f"https://w3id.org/cbdgraph/term/{SLUG}"
    assert real.get("/terms/export/terms.csv", params={"term": whole}).text.count("\n") == 2
    twice = real.get("/terms/export/terms.csv", params=[("term", SLUG), ("term", "rehabilitation")])
    assert twice.text.count("\n") == 3


def test_bad_requests_are_told_what_is_right(real: httpx.Client) -> None:
    assert "/terms/export/terms.tbx" in problem(real.get("/terms/export/term.tbx"), "not-found")["suggestions"]
    problem(real.get("/terms/export/../../etc/passwd".replace("..", "%2e%2e")), "not-found")
    wrong = problem(real.get("/terms/export/terms.tbx?term=ecosystem-restoratio"), "unknown-resource")
    assert SLUG in wrong["suggestions"]
    assert problem(real.get("/terms/export/terms.tbx?lang=e_n"), "parameter")["parameter"] == "lang"
    assert problem(real.get("/terms/export/terms.tbx?lang=de"), "parameter")["parameter"] == "lang"
    many = ",".join(f"term-{number}" for number in range(300))
    assert problem(real.get(f"/terms/export/terms.tbx?term={many}"), "parameter")["parameter"] == "term"
    problem(real.get("/terms/export/terms.tbx", params={"term": "<script>"}), "unknown-resource")


def test_more_than_the_limit_is_refused_and_never_cut(real: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cbdgraph.server.exchange.MOST", 130)
    told = problem(real.get("/terms/export/terms-2008.tbx?lang=es"), "too-large")
    assert told["complete"] is False
    assert real.get(f"/terms/export/terms-2008.tbx?term={SLUG}&lang=fr").status_code == 200


def test_a_service_without_terms_gives_empty_files(service: httpx.Client) -> None:
    response = service.get("/terms/export/skos.ttl")
    assert response.status_code == 200
    assert "ConceptScheme" in response.text
