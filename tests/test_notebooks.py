"""Every notebook says what it does.

One that needs no service is committed with what it prints, and prints that. One that asks a service is committed
without outputs, since they name a release; it is run as a reader runs it, by a kernel, against a real service, and
ends with assertions of its own.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from cbdgraph.store.dumps import write_dumps
from cbdgraph.store.releases import Maker, Release
from tests.conftest import ROOT
from tests.cutting import make_log, publish_log
from tests.test_server_running import running

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
ENDPOINT = "CBDGRAPH_ENDPOINT"
ASKING = [path for path in NOTEBOOKS if ENDPOINT in path.read_text(encoding="utf-8")]
ALONE = [path for path in NOTEBOOKS if path not in ASKING]
# What a kernel says when it is started in this way, and not what a notebook does.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Sockets that a kernel's client leaves open are closed here, and not in the midst of another test."""
    yield
    gc.collect()


def test_there_are_some() -> None:
    assert [path.stem for path in ASKING] == ["harvester", "researcher"]
    assert ALONE


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


def read(source: str) -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.reads(source, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def run(path: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, source: str | None = None) -> str:
    """What the cells print, one after the other; pictures are counted as a word."""
    monkeypatch.setenv(ENDPOINT, f"{str(client.base_url).rstrip('/')}/sparql")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    notebook = read(source or path.read_text(encoding="utf-8"))
    kernel = AsyncKernelManager(kernel_name="python3", transport="ipc")  # no port is opened
    NotebookClient(notebook, km=kernel, timeout=120).execute()
    said = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data: dict[str, Any] = output.get("data", {})
            said.append("picture" if "image/png" in data else str(output.get("text") or data.get("text/plain", "")))
    return "\n".join(said)


@pytest.mark.parametrize("path", ASKING, ids=lambda path: path.name)
def test_it_is_committed_without_outputs(path: Path) -> None:
    notebook = read(path.read_text(encoding="utf-8"))
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert "assert" in cells[-1].source


def test_the_researcher(service: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(FOLDER / "researcher.ipynb", service, monkeypatch)
    assert "picture" in said
    assert "decision/cop/11/16" in said
    assert "all is as it should be" in said


def test_the_harvester(service: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(FOLDER / "harvester.ipynb", service, monkeypatch)
    assert f"release {service.get('/feed/').json()['releases'][-1]['release']}" in said


def add_dumps(folder: Path, graphs: Mapping[str, list[str]]) -> None:
    write_dumps(folder, graphs)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service whose last release withdraws a resource and gives another a new IRI."""
    maker = Maker(add=add_dumps)
    published = publish_log(tmp_path_factory.mktemp("three"), make_log(), older=2, maker=maker)
    with running(root=ROOT, build=published.path.parents[1], workers=1) as client:
        yield client


def test_the_harvester_where_something_was_withdrawn(three: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(FOLDER / "harvester.ipynb", three, monkeypatch)
    assert "2 withdrawn" in said
    assert "It was made for a test." in said
    assert "/term/land-that-is-degraded" in said


def test_a_harvester_that_forgets_withdrawals_is_found_out(
    three: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = FOLDER / "harvester.ipynb"
    source = path.read_text(encoding="utf-8")
    wrong = source.replace("copy.pop(resource, None)", "pass")
    assert wrong != source
    with pytest.raises(CellExecutionError, match="hash_of_copy"):
        run(path, three, monkeypatch, wrong)


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.name)
def test_each_cell_prints_what_is_committed(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)], "run it from the top"
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    names: dict[str, Any] = {}
    for cell in cells:
        said = StringIO()
        with redirect_stdout(said):
            exec(compile("".join(cell["source"]), f"{path.name}, cell {cell['execution_count']}", "exec"), names)
        assert all(output["output_type"] == "stream" for output in cell["outputs"])
        assert said.getvalue() == "".join("".join(output["text"]) for output in cell["outputs"])
