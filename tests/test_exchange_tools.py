"""The TBX file in another tool: translate-toolkit opens it, changes a name, saves it, and the change is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbdgraph.exchange.formats import FORMATS
from cbdgraph.exchange.tbx_reading import read_tbx
from cbdgraph.ingest.terms import Vocabulary, propose_terms
from tests.conftest import ROOT

tbx = pytest.importorskip("translate.storage.tbx")
SLUG = "ecosystem-restoration"


def test_another_tool_opens_changes_and_saves_it(tmp_path: Path) -> None:
    vocabulary = Vocabulary.read(ROOT)
    file = tmp_path / "terms.tbx"
    file.write_bytes(FORMATS["tbx-2008"].write(vocabulary.terminology, None, ""))
    opened = tbx.tbxfile.parsefile(str(file))
    opened.setsourcelanguage("en")
    opened.settargetlanguage("fr")
    assert len(opened.units) == len(vocabulary.terminology.terms)
    for unit in opened.units:
        term = vocabulary.terminology.find(unit.getid().lstrip("_"))
        assert term is not None
        for language in ("fr", "ru", "zh", "ar"):
            names = [label.text for label in term.labels if label.language == language]
            assert [each.text for each in unit.get_target_terms(language)] == names
    unit = next(each for each in opened.units if each.getid() == SLUG)
    names = [each.text for each in unit.get_target_terms("fr")]
    unit.set_target_terms([names[0] + "!", *names[1:]], "fr")
    opened.savefile(str(file))
    proposal = propose_terms(read_tbx(file.read_bytes()), vocabulary, ROOT)
    assert proposal.faults == ()
    lines = [line for change in proposal.changes for line in change.diff.splitlines()]
    assert [line.strip() for line in lines if line.startswith("+ ")] == [
        f'+    skosxl:literalForm "{names[0]}!"@fr ;'
    ]
