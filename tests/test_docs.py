"""What the documentation says: its queries and requests answer, its links lead somewhere, its figures are right."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cbdgraph import __all__ as public
from cbdgraph.server.negotiate import FORMATS, GRAPH_ALIASES, RESULT_ALIASES
from cbdgraph.server.problems import PROBLEMS
from cbdgraph.settings import Settings
from cbdgraph.store import GRAPH_TYPES, RESULT_TYPES, Limits
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_running import running

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCKS = [
    (page, block)
    for page in PAGES
    for block in re.findall(r"^```sparql\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if "SELECT" in block  # the header of a query file may be shown alone
]
SERVER = "http://127.0.0.1:8000"


def _read_requests(page: Path) -> list[tuple[str, list[str]]]:
    """The curl commands of a page as words, each with the comment above it."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        comment = command = ""
        for line in block.splitlines():
            if not command and line.startswith("#"):
                comment = line
            elif command or line.startswith("curl "):
                command += line + "\n"
                if line.endswith("\\"):
                    continue
                try:
                    found.append((comment, shlex.split(command.replace("\\\n", ""))))
                except ValueError:
                    continue  # a quote goes on in the next line
                command = ""
    return found


REQUESTS = [(page.name, comment, words) for page in PAGES for comment, words in _read_requests(page)]


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    """The service as the pages suppose it, with the real data."""
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
@pytest.mark.parametrize(("name", "comment", "words"), REQUESTS, ids=[f"{r[0]}-{n}" for n, r in enumerate(REQUESTS)])
def test_each_request_is_answered(
    service: httpx.Client, tmp_path: Path, name: str, comment: str, words: list[str]
) -> None:
    command = [word.replace(SERVER, str(service.base_url).rstrip("/")) for word in words]
    assert command != words, f"{name}: expected {SERVER}"
    told = re.search(r"status (\d{3})", comment)
    end = subprocess.run(
        [*(word for word in command if word != "-O"), "-sS", "-o", str(tmp_path / "body"), "-w", "%{http_code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    if told is None:
        assert end.stdout in {"200", "303"}, (tmp_path / "body").read_text(encoding="utf-8")
    else:
        assert end.stdout == told[1]
    assert end.stdout == "303" or (tmp_path / "body").stat().st_size > 5


def test_the_page_of_sparql_names_every_format_and_every_problem() -> None:
    text = (ROOT / "docs" / "sparql.md").read_text(encoding="utf-8")
    assert sum(page == "sparql.md" for page, _, _ in REQUESTS) >= 10
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", text, re.MULTILINE))
    assert rows == {name: str(kind.status) for name, kind in PROBLEMS.items()}
    for name in {*FORMATS} - {"xlsx", "rdf+xml", "json-ld"}:
        assert f"`{name}`" in text, name
    unusual = {"application/turtle", "text/rdf+n3", "application/n3"}
    for name in {*RESULT_TYPES, *GRAPH_TYPES, *RESULT_ALIASES, *GRAPH_ALIASES} - unusual:
        assert f"`{name}`" in text, name
    limits = Settings()
    for words in (
        f"{limits.query_seconds:g} seconds for a query",
        f"{limits.max_rows:,} rows",
        f"{limits.max_bytes // 2**20} MiB for an answer",
        f"{limits.max_query_bytes // 2**10} KiB for a query",
        f"{limits.max_url_bytes // 2**10} KiB for an address",
    ):
        assert words in " ".join(text.split()), words


@pytest.mark.parametrize(("page", "query"), BLOCKS, ids=[f"{page.name}-{n}" for n, (page, _) in enumerate(BLOCKS)])
def test_each_query_has_an_answer(graph: Store, page: Path, query: str) -> None:
    assert graph.answer(query, "text/csv", Limits()).rows > 0, page


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_each_link_to_a_file_leads_to_one(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
        assert (page.parent / target).exists(), target


def test_each_promise_of_the_threat_model_is_held_by_a_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = text.partition("\n## Promises")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 25
    for row in rows:
        who, surface, *_, held = row
        assert len(row) == 5, row
        assert who in {"anybody", "authors of data", "operator"}
        assert "test_" in held, surface
        source = ""
        for file, name in re.findall(r"`(?:(test_\w+\.py)(?:::)?)?(test_\w+)?`", held):
            if file:
                source = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert not name or f"def {name}(" in source, f"{surface}: {name}"


def test_the_readme_counts_what_is_there(graph: Store) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    counts = graph.select(
        """PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>
        SELECT (COUNT(?citation) AS ?all) (COUNT(?reason) AS ?less)
        WHERE { ?citation cbd:citedPart ?part . OPTIONAL { ?citation cbd:reason ?reason } }"""
    ).rows[0]
    said = re.search(r"(\d+)\s+of\s+the\s+(\d+)\s+citations\s+are\s+less\s+than\s+certain", readme)
    assert said is not None
    assert said.groups() == (getattr(counts["less"], "value", ""), getattr(counts["all"], "value", ""))
    limits = Settings()
    assert f"run {limits.query_seconds:g} seconds" in readme
    assert f"{limits.max_rows:,} rows" in readme


def test_the_version_is_told_once_and_the_same_everywhere() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    for file in ("ontology/cbd.ttl", "data/turtle/releases.ttl"):
        assert f'"{version[1]}"' in (ROOT / file).read_text(encoding="utf-8"), file
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_what_is_public() -> None:
    assert public == ["find_citations", "format_citation", "parse_citation", "resolve"]
