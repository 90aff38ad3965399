"""Every notebook says what it does: its cells are run in one namespace, and print what is committed with them."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_there_are_some() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
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
