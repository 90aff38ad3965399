"""The commands as a person types them: what they print, where, and their exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from cbdgraph.cli import main

Run = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).resolve().parent.parent
BASE = "https://w3id.org/cbdgraph/"
HEAD = (
    f"@base <{BASE}> .\n@prefix cbd: <{BASE}ontology#> .\n@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n\n"
)
DATA = """<decision/cop/11/16> a cbd:Decision ;
    cbd:symbol "XI/16" .

<decision/cop/11/16/para/5> a cbd:Paragraph ;
    cbd:parent <decision/cop/11/16> ;
    cbd:level <level/para> ;
    cbd:locator "para/5" .
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with the real ontology, rules and named queries, built."""
    root = tmp_path_factory.mktemp("project")
    (root / "ontology" / "shapes").mkdir(parents=True)
    (root / "data" / "turtle" / "decisions").mkdir(parents=True)
    shutil.copytree(ROOT / "ontology" / "rules", root / "ontology" / "rules")
    shutil.copytree(ROOT / "queries" / "named", root / "queries" / "named")
    (root / "queries" / "checks").mkdir()
    shutil.copy(ROOT / "ontology" / "cbd.ttl", root / "ontology")
    (root / "ontology" / "shapes" / "decision.ttl").write_text(
        HEAD.replace("skos: <http://www.w3.org/2004/02/skos/core#>", "sh: <http://www.w3.org/ns/shacl#>")
        + "<shapes#D> a sh:NodeShape ; sh:targetClass cbd:Decision ; sh:property <shapes#D-symbol> .\n"
        + "<shapes#D-symbol> a sh:PropertyShape ; sh:path cbd:symbol ; sh:minCount 1 ;\n"
        + '    sh:message "Give a symbol." .\n',
        encoding="utf-8",
    )
    text = HEAD.replace("@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n", "") + DATA
    (root / "data" / "turtle" / "decisions" / "cop-11.ttl").write_text(text, encoding="utf-8")
    assert main(["--root", str(root), "build"]) == 0
    return root


@pytest.fixture
def run(project: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["--root", str(project), *arguments])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return call


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    commands = re.findall(r"^    ([a-z-]+)", text.partition("COMMAND\n")[2].partition("examples:")[0], re.MULTILINE)
    expected = ["build", "validate", "serve", "query", "sparql", "resolve", "fmt", "check-ontology"]
    assert [name for name in commands if name in expected] == expected
    for name in expected:
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert f"examples:\n  cbdgraph {name}" in capsys.readouterr().out.replace('echo "SELECT', "  cbdgraph sparql")


def test_help_loads_no_library() -> None:
    code = (
        "import sys\nfrom cbdgraph.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'rdflib', 'pyoxigraph', 'fastapi', 'pyshacl', 'lark'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_wrong_use_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["nonsense"], ["build", "--nonsense"], []):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2
    assert main(["--root", "/nowhere", "build"]) == 2
    assert "there is no folder ontology/" in capsys.readouterr().err


def test_build_says_when_nothing_changed(run: Run) -> None:
    code, out, err = run("build")
    assert (code, out) == (0, "")
    assert err.startswith("nothing changed since release ")
    code, _, err = run("build", "--force")
    assert code == 0
    assert re.search(r"^  infer +\d+ triples by \d rules in \d rounds  \d\.\d s$", err, re.MULTILINE)


def test_query_lists_and_runs(run: Run) -> None:
    code, out, _ = run("query")
    assert code == 0
    assert "decision-outline --decision VII/5\n    The known parts" in out
    code, out, err = run("query", "decision-outline", "--decision", "XI/16")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "part,parent,level,locator,position"
    assert out.splitlines()[1].startswith(f"{BASE}decision/cop/11/16/para/5,")
    for given in (["--decision=cop/11/16"], ["--param", "decision=XI/16"]):
        assert run("query", "decision-outline", *given, "--format", "csv")[1] == out
    document = json.loads(run("query", "decision-outline", "--decision", "XI/16", "--format", "json")[1])
    assert document["rows"][0]["locator"] == "para/5"


def test_a_workbook_goes_to_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.xlsx"
    code, _, _ = run("query", "decision-outline", "--decision", "XI/16", "--format", "xlsx", "--output", str(file))
    assert code == 0
    assert file.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["decision-outlin", "--decision", "XI/16"], "did you mean decision-outline"),
        (["decision-outline"], "it is missing"),
        (["decision-outline", "--decision", "what"], "a right one is"),
        (["decision-outline", "--nonsense", "x"], "it takes: decision"),
        (["decision-outline", "--decision"], "it has no value"),
        (["decision-outline", "--decision", "XI/16", "--decision", "X/2"], "more than once"),
    ],
)
def test_a_query_that_cannot_run_says_why(run: Run, arguments: list[str], words: str) -> None:
    code, out, err = run("query", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_sparql_from_file_and_standard_input(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "q.rq"
    file.write_text("SELECT ?n WHERE { <https://w3id.org/cbdgraph/decision/cop/11/16/para/5> a ?n } ORDER BY ?n")
    code, out, _ = run("sparql", str(file))
    assert code == 0
    assert out.splitlines() == ["n", *(f"{BASE}ontology#{name}" for name in ("Element", "Paragraph", "Text"))]
    monkeypatch.setattr("sys.stdin", StringIO("CONSTRUCT { ?s a ?t } WHERE { ?s a ?t } LIMIT 1"))
    code, out, _ = run("sparql", "-", "--format", "nt")
    assert code == 0
    assert out.endswith(" .\n")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT ?s WHERE {\n ?s ?p }", "line 2"),
        ("SELECT * WHERE { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }", "SERVICE"),
        ("DELETE WHERE { ?s ?p ?o }", "refused"),
    ],
)
def test_sparql_that_cannot_run_says_why(run: Run, tmp_path: Path, query: str, words: str) -> None:
    file = tmp_path / "q.rq"
    file.write_text(query)
    code, out, err = run("sparql", str(file))
    assert (code, out) == (2, "")
    assert words in err


def test_sparql_formats_must_fit(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "q.rq"
    file.write_text("ASK {}")
    code, _, err = run("sparql", str(file), "--format", "ttl")
    assert code == 2
    assert "choose one of csv" in err
    assert run("sparql", str(tmp_path / "none.rq"))[0] == 2


def test_resolve(run: Run) -> None:
    assert run("resolve", "XI/16 para 5")[:2] == (0, f"{BASE}decision/cop/11/16/para/5\n")
    code, out, err = run("resolve", "XI/16 para 99")
    assert code == 1
    assert out.startswith(f"{BASE}decision/cop/11/16\t")
    assert "not certain" in err
    assert run("resolve", "no citation at all")[0] == 1


def test_validate_reports_and_exits(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("validate")
    assert code == 0, out
    bad = tmp_path / "bad.ttl"
    bad.write_text(HEAD + "<decision/cop/11/99> a cbd:Decision .", encoding="utf-8")
    code, out, _ = run("validate", str(bad))
    assert code == 1
    assert "Give a symbol." in out
    assert "line 5" in out
    for form, start in {"json": "{", "sarif": "{", "turtle": "@prefix", "junit": "<?xml"}.items():
        code, out, _ = run("validate", str(bad), "--format", form)
        assert code == 1
        assert out.startswith(start), form
    bad.write_text("<a> <b>", encoding="utf-8")
    assert run("validate", str(bad))[0] == 1
    assert run("validate", str(tmp_path / "none.ttl"))[0] in {1, 2}


def test_fmt_checks_and_rewrites(run: Run, tmp_path: Path) -> None:
    assert run("fmt", "--check")[0] == 0
    file = tmp_path / "x.ttl"
    file.write_text(HEAD + "<b> a cbd:Decision . <a> a cbd:Decision .", encoding="utf-8")
    code, out, err = run("fmt", "--check", "--diff", str(file))
    assert code == 1
    assert "run: cbdgraph fmt" in err
    assert "+<b> a cbd:Decision ." in out
    assert run("fmt", str(file))[0] == 0
    assert run("fmt", "--check", str(file))[0] == 0
    file.write_text(HEAD + "<b> a cbd:Decision . # lost", encoding="utf-8")
    code, _, err = run("fmt", str(file))
    assert code == 1
    assert f"{file}:5: " in err
    assert run("fmt", str(tmp_path / "none.ttl"))[0] == 2


def test_check_ontology_says_when_it_is_skipped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    code, _, err = run("check-ontology")
    assert code == 0
    assert "skipped: there is no Java" in err


def test_an_unforeseen_error_is_one_line_and_debug_shows_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("cbdgraph.pipeline.build", fail)
    code, _, err = run("build")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "ZeroDivisionError: oops" in err
    assert "Traceback" in run("--debug", "build")[2]


def test_nothing_built_yet_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "queries" / "named", tmp_path / "queries" / "named")
    (tmp_path / "ontology").mkdir()
    assert main(["--root", str(tmp_path), "query", "decision-outline", "--decision", "XI/16"]) == 2
    assert "run: cbdgraph build" in capsys.readouterr().err


def _serve(*arguments: str) -> tuple[subprocess.Popen[str], str, list[str], float]:
    start = time.perf_counter()
    command = [sys.executable, "-m", "cbdgraph", *arguments, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ})
    lines: list[str] = []
    assert process.stderr is not None
    for text in process.stderr:
        lines.append(text.rstrip())
        if match := re.search(r"served at (http://\S+)/", text):
            return process, match[1], lines, time.perf_counter() - start
    raise AssertionError("\n".join(lines))


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.wait(10)
    assert process.stderr is not None
    process.stderr.close()


def test_serve_builds_what_changed_and_serves(project: Path) -> None:
    process, origin, lines, seconds = _serve("--root", str(project), "serve")
    try:
        assert not any("building" in text for text in lines)
        with urllib.request.urlopen(f"{origin}/query/decision-outline?decision=XI/16&format=csv") as answer:
            assert b"para/5" in answer.read()
    finally:
        _stop(process)
    assert seconds < 8  # under two on a quiet machine


def test_serve_serves_the_old_release_when_the_new_one_has_faults(project: Path) -> None:
    bad = project / "data" / "turtle" / "bad.ttl"
    bad.write_text(HEAD + "<decision/cop/11/99> a cbd:Decision .", encoding="utf-8")
    try:
        process, origin, lines, _ = _serve("--root", str(project), "serve")
        try:
            assert "building the graph" in lines
            assert any("the release before is served" in text for text in lines)
            assert any("Give a symbol." in text for text in lines)
            with urllib.request.urlopen(f"{origin}/health") as answer:
                assert answer.status == 200
        finally:
            _stop(process)
    finally:
        bad.unlink()


def test_serve_data_serves_files_as_they_are(project: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.nq"
    mine.write_text("<http://e/s> <http://e/p> <http://e/o> <http://e/g> .\n", encoding="utf-8")
    process, origin, _, _ = _serve("--root", str(project), "serve", "--data", str(mine))
    try:
        url = f"{origin}/sparql?query=SELECT%20%3Fg%20WHERE%20%7BGRAPH%20%3Fg%20%7B%3Fs%20%3Fp%20%3Fo%7D%7D"
        request = urllib.request.Request(url, headers={"Accept": "text/csv"})
        with urllib.request.urlopen(request) as answer:
            assert answer.read().decode().split() == ["g", "http://e/g"]
    finally:
        _stop(process)


def test_utf8_whatever_the_locale(project: Path) -> None:
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "cbdgraph", "--root", str(project)]
    done = subprocess.run([*command, "resolve", "第X/29号决定第13段"], env=env, capture_output=True, check=False)
    assert "第X/29号决定第13段" in done.stderr.decode("utf-8")
    asked = 'SELECT ("决定" AS ?x) {}'.encode()
    done = subprocess.run([*command, "sparql", "-"], env=env, input=asked, capture_output=True, check=False)
    assert "决定" in done.stdout.decode("utf-8"), done.stderr
    file = project / "决定.ttl"
    file.write_text('<a> <b> "决定" .\n', encoding="utf-8")
    done = subprocess.run(
        [*command, "fmt", "--check", "--diff", str(file)], env=env, capture_output=True, check=False
    )
    file.unlink()
    assert done.returncode == 1
    assert "决定.ttl" in done.stdout.decode("utf-8")


def test_serve_on_a_busy_port_says_so_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        assert main(["--root", str(project), "serve", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "another program listens there" in said


def test_output_that_cannot_be_written(project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = str(tmp_path / "none" / "x.csv")
    query = tmp_path / "q.rq"
    query.write_text("SELECT ?s { ?s ?p ?o } LIMIT 1")
    assert main(["--root", str(project), "sparql", str(query), "--output", output]) == 2
    assert capsys.readouterr().err == f"cbdgraph: {output}: it cannot be written: No such file or directory\n"


def test_validate_refuses_a_large_file(project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "large.ttl"
    file.write_text("# " + "x" * 2_000_000 + "\n")
    assert main(["--root", str(project), "validate", str(file)]) == 2
    assert "split it, or add --large" in capsys.readouterr().err
    assert main(["--root", str(project), "validate", "--large", str(file)]) == 0
    assert "checking 2.0 MB" in capsys.readouterr().err
