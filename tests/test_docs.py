"""What the documentation says: its queries answer, its links lead somewhere, its figures are those of the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cbdgraph import __all__ as public
from cbdgraph.settings import Settings
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCKS = [
    (page, block)
    for page in PAGES
    for block in re.findall(r"^```sparql\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if "SELECT" in block  # the header of a query file may be shown alone
]


@pytest.mark.parametrize(("page", "query"), BLOCKS, ids=[f"{page.name}-{n}" for n, (page, _) in enumerate(BLOCKS)])
def test_each_query_has_an_answer(graph: Store, page: Path, query: str) -> None:
    assert graph.answer(query, "text/csv", Limits()).rows > 0, page


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_each_link_to_a_file_leads_to_one(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
        assert (page.parent / target).exists(), target


def test_the_readme_counts_what_is_there(graph: Store) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    counts = graph.select(
        """PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>
        SELECT (COUNT(?citation) AS ?all) (COUNT(?reason) AS ?less)
        WHERE { ?citation cbd:citedPart ?part . OPTIONAL { ?citation cbd:reason ?reason } }"""
    ).rows[0]
    said = re.search(r"(\d+) of\s+the (\d+) citations are less than certain", readme)
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
    assert public == ["find_citations", "parse_citation", "resolve"]
