"""A checkout's folder in, the files that make up the graph out, with their named graphs and one hash; no clock.

The graph is `ontology/**/*.ttl` and `data/turtle/**/*.ttl`. Each file is a named graph of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cbdgraph.changelog import FOLDER as LOG
from cbdgraph.iris import mint_graph

if TYPE_CHECKING:
    from cbdgraph.rdf.turtle import Triple, TurtleFile

DATA: Final = Path("data/turtle")
ONTOLOGY: Final = Path("ontology")
RULES: Final = Path("ontology/rules")
TABLES: Final = Path("queries/tables")

# Whose version decides what a build makes of the same files.
_MAKERS: Final = ("cbdgraph", "rdflib", "pyoxigraph", "openpyxl")
# Modules of this package that no build runs, and those of the store that one does.
_UNBUILT: Final = ("__init__.py", "__main__.py", "settings.py")
_WRITERS: Final = ("embedded", "releases", "canonical", "dumps", "tables")


@dataclass(frozen=True, slots=True)
class Source:
    """One Turtle file: where it lies, its name inside the checkout, and the IRI of its named graph."""

    path: Path
    name: str
    graph: str

    @property
    def is_data(self) -> bool:
        """Whether it states facts, as opposed to terms, vocabularies and shapes."""
        return self.name.startswith(f"{DATA.as_posix()}/")

    @property
    def is_formatted(self) -> bool:
        """Whether `cbdgraph fmt` writes it: the others in ontology/ have blank nodes and comments of their own."""
        return self.is_data or self.name == "ontology/vocabularies.ttl"

    @property
    def is_shapes(self) -> bool:
        """Whether it holds shapes, which are checked against and not reasoned over."""
        return self.name.startswith("ontology/shapes/")


def graph_of(name: str) -> str:
    """The named graph of a file, from its path inside the checkout.

    >>> graph_of("data/turtle/decisions/cop-10.ttl"), graph_of("ontology/shapes/decision.ttl")
    ('https://w3id.org/cbdgraph/graph/decisions/cop-10', 'https://w3id.org/cbdgraph/graph/ontology/shapes/decision')
    """
    return mint_graph(name.removeprefix(f"{DATA.as_posix()}/").removesuffix(".ttl"))


def find_sources(root: Path) -> tuple[Source, ...]:
    """Every Turtle file of the checkout at `root`: ontology first, then data, each in order of name."""
    names = [
        path.relative_to(root).as_posix()
        for folder in (ONTOLOGY, DATA)
        for path in sorted((root / folder).rglob("*.ttl"))
        if not path.name.startswith(".")
    ]
    return tuple(Source(root / name, name, graph_of(name)) for name in names)


def read_sources(sources: Iterable[Source]) -> dict[str, TurtleFile]:
    """The files by the IRI of their graph, in the order given; `TurtleError` for the first that is not Turtle."""
    # Not at the top: an unchanged `serve` asks for the hash below, and must not wait for rdflib.
    from cbdgraph.rdf.turtle import read_turtle

    return {source.graph: read_turtle(source.path, source.name) for source in sources}


def quads(files: dict[str, TurtleFile]) -> Iterator[tuple[str, Triple]]:
    """Every triple of every file with its graph, in file order."""
    for graph, file in files.items():
        for triple in file.triples:
            yield graph, triple


def hash_inputs(root: Path, *others: object) -> str:
    """A hash of everything that a build depends on: what `hash_makers` looks at, Turtle files, rules, checks, the
    change log, and `others`.

    Reads file contents only, so that a fresh clone and a touched file count as unchanged; needs no RDF library.
    """
    folders = (
        (ONTOLOGY, "*.ttl"),
        (DATA, "*.ttl"),
        (RULES, "*.rq"),
        (Path("queries/checks"), "*.rq"),
        (LOG, "*.jsonl.gz"),
    )
    digest = hashlib.sha256(" ".join((hash_makers(root), *map(str, others))).encode())
    _add_files(
        digest, [(path.relative_to(root), path) for folder, form in folders for path in (root / folder).rglob(form)]
    )
    return digest.hexdigest()


def hash_makers(root: Path) -> str:
    """A hash of what decides what a build makes of the same data: this package, what it stands on, the tables."""
    digest = hashlib.sha256()
    for maker in _MAKERS:
        digest.update(f"{maker} {version(maker)}\n".encode())
    package = Path(__file__).resolve().parent.parent
    code = [path for path in package.glob("*.py") if path.name not in _UNBUILT]
    code += [
        *(package / "rdf").glob("*.py"),
        *(path for path in (package / "terminology").iterdir() if path.suffix in {".py", ".toml"}),
        *(path for path in (package / "store").glob("*.py") if path.stem in _WRITERS),
    ]
    files = [(path.relative_to(package.parent), path) for path in code]
    files += [(path.relative_to(root), path) for path in (root / TABLES).glob("*.rq")]
    _add_files(digest, files)
    return digest.hexdigest()


def _add_files(digest: hashlib._Hash, files: Iterable[tuple[Path, Path]]) -> None:
    for name, path in sorted((name.as_posix(), path) for name, path in files):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
