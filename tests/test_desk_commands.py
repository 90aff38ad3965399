"""`cbdgraph desk …`: from an invitation to a change in data/turtle that git takes and the house format likes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cbdgraph.cli import main
from cbdgraph.desk import Desk, Draft
from cbdgraph.namespaces import BASE
from tests.conftest import ROOT

TERM = f"{BASE}term/habitat"
DATA = """@base <https://w3id.org/cbdgraph/> .
@prefix cbd: <https://w3id.org/cbdgraph/ontology#> .
@prefix skosxl: <http://www.w3.org/2008/05/skos-xl#> .

<term/habitat> a cbd:Term ;
    skosxl:prefLabel <term/habitat/label/en> .

<term/habitat/label/en> a skosxl:Label ;
    skosxl:literalForm "Habitat"@en ;
    cbd:labelOrigin <label-origin/source> .

<term/habitat/definition/cbd> a cbd:Definition ;
    cbd:definitionOf <term/habitat> ;
    cbd:wording "the place where something lives"@en ;
    cbd:verbatim false .
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ontology").mkdir()
    folder = tmp_path / "data" / "turtle" / "terms"
    folder.mkdir(parents=True)
    (folder / "h.ttl").write_text(DATA, encoding="utf-8")
    return tmp_path


def run(root: Path, *words: str) -> int:
    return main(["--root", str(root), "desk", *words])


def approve(desk: Desk, subject: str, language: str, text: str, state: str = "approved") -> None:
    reviewer = desk.access.reviewers()[0][0]
    version = len(desk.history(subject, language))
    desk.record(Draft(subject, language, state, "because", text, version, "0.2.0", "c"), reviewer)


def test_invite_list_role_revoke(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "list") == 2
    assert "cbdgraph desk invite" in capsys.readouterr().err
    assert run(root, "invite", "Ana", "--role", "editor", "--label", "laptop") == 0
    said = capsys.readouterr()
    token = said.out.strip()
    assert token.startswith("cbdgraph_")
    assert token not in said.err
    assert run(root, "list") == 0
    listed = capsys.readouterr().out
    assert "Ana: editor" in listed
    assert "token 1 laptop: until" in listed
    assert token not in listed
    desk = Desk.open(root / "desk" / "desk.sqlite")
    assert desk.access.admit(token)
    assert run(root, "role", "ana", "reader") == 0
    assert run(root, "invite", "Ana", "--role", "editor") == 2
    assert run(root, "revoke", "Ana", "--token", "7") == 2
    assert run(root, "revoke", "Ana") == 0
    assert desk.access.admit(token) is None
    assert run(root, "invite", "x" * 100) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_the_difference_is_taken_by_git_and_the_format_stays(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(root, "invite", "Ana", "--role", "editor")
    desk = Desk.open(root / "desk" / "desk.sqlite")
    definition = f"{TERM}/definition/cbd"
    approve(desk, definition, "en", 'where something "lives"\nor could live')
    approve(desk, definition, "ar", "\u0627\u0644\u0645\u0643\u0627\u0646")
    approve(desk, f"{TERM}/label/en", "en", "Habitats")
    approve(desk, TERM, "fr", "Habitat")
    approve(desk, TERM, "mul", "no text of its own")
    approve(desk, definition, "fr", "not approved", state="proposed")
    approve(desk, f"{BASE}term/gone/label/en", "en", "Gone")
    capsys.readouterr()
    assert run(root, "difference", "-o", str(root / "a.diff")) == 0
    said = capsys.readouterr().err
    assert "4 approved wordings to change, of 6" in said
    assert "term/gone/label/en" in said
    assert "does it stand there as it is now?" in said
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "apply", "a.diff"], cwd=root, check=True)
    assert main(["--root", str(root), "fmt", "--check", "--diff"]) == 0
    text = (root / "data" / "turtle" / "terms" / "h.ttl").read_text(encoding="utf-8")
    for line in (
        'cbd:wording "where something \\"lives\\"\\nor could live"@en, "\u0627\u0644\u0645\u0643\u0627\u0646"@ar ;',
        'skosxl:literalForm "Habitats"@en',
        'skosxl:literalForm "Habitat"@fr',
        "skosxl:prefLabel <term/habitat/label/en>, <term/habitat/label/fr>",
        "cbd:labelOrigin <label-origin/project>",
    ):
        assert line in text
    capsys.readouterr()
    assert run(root, "difference") == 0
    assert capsys.readouterr().out == "", "what the files say already is left out"


def test_what_two_desks_said_at_once_is_in_no_difference(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(root, "invite", "Ana", "--role", "editor")
    path = root / "desk" / "desk.sqlite"
    assert run(root, "backup", str(root / "away.sqlite")) == 0
    for file, text in ((path, "here"), (root / "away.sqlite", "away")):
        approve(Desk.open(file), f"{TERM}/definition/cbd", "en", text)
    assert run(root, "merge", str(root / "away.sqlite")) == 0
    assert "said twice at once" in capsys.readouterr().err
    run(root, "difference")
    assert capsys.readouterr().out == ""
    assert run(root, "merge", str(path)) == 2
    assert run(root, "merge", str(root / "none.sqlite")) == 2


def test_export_verify_backup(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(root, "invite", "Ana", "--role", "editor")
    desk = Desk.open(root / "desk" / "desk.sqlite")
    approve(desk, f"{TERM}/label/en", "en", "")
    capsys.readouterr()
    assert run(root, "export") == 0
    assert json.loads(capsys.readouterr().out)["hash"] == desk.head.hash
    for form, sign in (("ttl", "oa:Annotation"), ("jsonld", "hasTarget"), ("csv", "uid,subject")):
        target = root / f"out.{form}"
        assert run(root, "export", "--format", form, "-o", str(target)) == 0
        assert sign in target.read_text(encoding="utf-8")
    assert run(root, "export", "-o", str(root / "none" / "x")) == 2
    assert run(root, "verify") == 0
    assert desk.head.hash in capsys.readouterr().out
    assert run(root, "backup", str(root / "copy.sqlite")) == 0
    assert run(root, "backup", str(root / "copy.sqlite")) == 2


def test_the_real_files_take_a_change(tmp_path: Path) -> None:
    """On a copy of the project's own terms: exactly the lines that were approved change."""
    from cbdgraph.rdf.suggested import Suggestion, make_difference

    for folder in ("ontology", "data/turtle"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    label = f"{BASE}term/ecosystem-restoration/label/fr"
    made = make_difference(tmp_path, [Suggestion(label, "fr", "Un autre nom", "by Ana")])
    changed = [
        line for line in made.text.splitlines() if line.startswith(("+", "-")) and line[:3] not in {"+++", "---"}
    ]
    assert [line[0] for line in changed] == ["-", "+"]
    assert '"Un autre nom"@fr' in changed[1]
    assert [each.subject for each in made.changed] == [label]
