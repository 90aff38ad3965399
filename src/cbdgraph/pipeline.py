"""Settings in, a published release or a report of faults out; the one place where the build's steps meet. No clock
goes into what is built: the same files give the same bytes.

    hash -> read -> validate what is asserted -> infer, derive -> validate the whole -> write beside, switch

What stands at the top is light, so that a `serve` with nothing to build never loads rdflib or pySHACL.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cbdgraph.changelog import FOLDER as LOG
from cbdgraph.changelog import Log, read_log
from cbdgraph.errors import BuildError, DataFaults
from cbdgraph.history import describe_log
from cbdgraph.iris import mint, mint_graph
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import ABOUT, CATALOG, CHANGES, SHAPES, expand
from cbdgraph.quads import values_of
from cbdgraph.queries import Query, read_queries
from cbdgraph.rdf.catalog import RULES, TABLES, find_sources, hash_inputs, hash_makers
from cbdgraph.settings import Settings
from cbdgraph.store.releases import Maker, Release, build_lock, current_release, publish

if TYPE_CHECKING:
    from rdflib import Dataset
    from rdflib.term import Node

    from cbdgraph.rdf.reason import Inference, OntologyCheck
    from cbdgraph.rdf.turtle import Triple, TurtleFile
    from cbdgraph.reports import ValidationReport

Report = Callable[[str], None]
Show = Callable[["ValidationReport"], None]


def say_nothing(_: object) -> None:
    pass


_CHECKS: Final = Path("queries/checks")
_SHAPES: Final = Path("ontology/shapes")
_OF_THE_LOG: Final = {
    SHAPES + "VersionShape",
    SHAPES + "WithdrawalShape",
}  # their subjects are in no file, or need not be


@dataclass(frozen=True, slots=True)
class Built:
    """The release that is current after a build, and whether it was there already."""

    release: Release
    skipped: bool


def is_current(settings: Settings) -> bool:
    """Whether a release of exactly these inputs is built; takes milliseconds."""
    release = current_release(settings.build_path)
    return release is not None and release.manifest.input_hash == _hash(settings)


def build(
    settings: Settings,
    report: Report = say_nothing,
    *,
    force: bool = False,
    show: Show = say_nothing,
) -> Built:
    """Build what changed and make it the current release; nothing is done when no input changed, unless `force`.

    `report` is told each step with counts and seconds; `show` is given what validation found. `DataFaults` if that
    holds a violation, `TurtleError` or `BuildError` if a file cannot be used: what was served before still is.
    """
    inputs = _hash(settings)
    release = _unchanged(settings, inputs)
    if release is not None and not force:
        return Built(release, True)
    with build_lock(settings.build_path):
        # Another build may have done it while this one waited.
        release = _unchanged(settings, inputs)
        if release is not None and not force:
            return Built(release, True)
        return Built(_build(settings, inputs, report, show), False)


def _hash(settings: Settings) -> str:
    return hash_inputs(settings.root, settings.older_releases)


def _unchanged(settings: Settings, inputs: str) -> Release | None:
    release = current_release(settings.build_path)
    return release if release is not None and release.manifest.input_hash == inputs else None


def _build(settings: Settings, inputs: str, report: Report, show: Show) -> Release:
    graphs = make_graphs(settings, report, show)
    log = read_log(settings.root / LOG)
    _check_releases(graphs, log)
    if log.releases:
        graphs[CHANGES] = describe_log(log)
    with _step(report, "write") as done:
        release = publish(
            settings.build_path,
            graphs,
            input_hash=inputs,
            maker=_maker(settings),
            log=log,
            keep=settings.keep_releases,
            older=settings.older_releases,
        )
        manifest = release.manifest
        done(f"{manifest.counts.total:,} triples in {len(manifest.graphs)} graphs, release {manifest.release}")
    return release


def _check_releases(graphs: Mapping[str, list[str]], log: Log) -> None:
    """`BuildError` if the data name other releases than the log, or give one another day."""
    lines = [line for graph in graphs.values() for line in graph if line.startswith(f"<{mint('release/')}")]
    said = {}
    for line in lines:
        resource = line.split(" ", 1)[0][1:-1]
        for value in values_of([line], resource, expand("dcterms:issued")):
            said[resource] = value.value
    logged = {mint(f"release/{release.number}"): release.issued.partition("T")[0] for release in log.releases}
    if logged and said != logged:
        odd = sorted(said.items() ^ logged.items())[0]
        raise BuildError(
            f"data/turtle/releases.ttl and the change log differ over {odd[0]} ({odd[1]}); cut the release again, or "
            "put back what was there"
        )


def _maker(settings: Settings) -> Maker:
    from importlib.metadata import version  # takes as long to import as all else that tells whether to build

    from cbdgraph.store.dumps import write_dumps

    built_with = {name: version(name) for name in ("cbdgraph", "rdflib", "pyoxigraph")}
    tables = read_queries(settings.root / TABLES)

    def add(folder: Path, graphs: Mapping[str, list[str]]) -> None:
        write_dumps(folder, graphs, tables)

    return Maker(hash_makers(settings.root), built_with, add)


def make_graphs(settings: Settings, report: Report, show: Show) -> dict[str, list[str]]:
    """All graphs but that of the changes, as N-Triples lines; `DataFaults` if they are not good."""
    from cbdgraph.rdf.derive import derive
    from cbdgraph.rdf.turtle import format_ntriple
    from cbdgraph.store.canonical import normal_graphs

    project = read_project(settings.root, report)
    with _step(report, "validate") as done:
        found = _validate_asserted(project)
        done(f"{found.focus_nodes:,} resources against {len(found.rules):,} rules: {_tally(found)}")
    if not found.conforms:
        show(found)
        raise DataFaults(found.count("violation"))
    asserted = {graph: [format_ntriple(triple) for triple in file.triples] for graph, file in project.files.items()}
    own = {graph: lines for graph, lines in asserted.items() if graph not in ABOUT}
    with _step(report, "infer") as done:
        rules = read_queries(settings.root / RULES)
        inference = _infer(rules, own)
        done(f"{inference.count:,} triples by {len(rules)} rules in {inference.rounds} rounds")
    with _step(report, "derive") as done:
        derived = derive(triple for graph in own for triple in project.files[graph].triples)
        done(f"{sum(map(len, derived.values())):,} positions, labels, codes and links")
    with _step(report, "check") as done:
        whole = _validate_whole(project, inference, derived)
        found = _join(found, whole)
        done(f"the whole graph against {len(whole.rules):,} rules: {_tally(whole)}")
    show(found)
    if not found.conforms:
        raise DataFaults(found.count("violation"))
    graphs = dict(asserted)
    graphs.update((mint_graph(f"inferred/{name}"), list(lines)) for name, lines in inference.triples.items() if lines)
    graphs.update((graph, [format_ntriple(triple) for triple in made]) for graph, made in derived.items() if made)
    graphs[CATALOG] = [format_ntriple(triple) for triple in _catalog(project, rules, inference, derived)]
    return normal_graphs(graphs)


@dataclass(frozen=True, slots=True)
class Project:
    """The project's Turtle files by graph, and which of them state facts or hold shapes."""

    root: Path
    files: Mapping[str, TurtleFile]
    data: frozenset[str]
    shapes: frozenset[str]

    def dataset(self, graphs: frozenset[str]) -> Dataset:
        """Those of the files as named graphs."""
        from rdflib import Dataset, URIRef

        dataset = Dataset()
        for name in self.files:
            if name in graphs:
                graph = dataset.graph(URIRef(name))
                for triple in self.files[name].triples:
                    graph.add(triple)
        return dataset

    @property
    def terms(self) -> frozenset[str]:
        """The graphs of ontology and vocabularies."""
        return frozenset(self.files) - self.data - self.shapes


def read_project(root: Path, report: Report = say_nothing) -> Project:
    """Read all Turtle files of the checkout; `TurtleError` for the first that cannot be read."""
    from cbdgraph.rdf.catalog import read_sources

    with _step(report, "read") as done:
        sources = find_sources(root)
        if not any(source.is_data for source in sources):
            raise BuildError(f"there is no Turtle file in {root / 'data' / 'turtle'}")
        files = read_sources(sources)
        triples = sum(len(file.triples) for file in files.values())
        done(f"{triples:,} triples in {len(files)} files")
    return Project(
        root,
        files,
        frozenset(source.graph for source in sources if source.is_data),
        frozenset(source.graph for source in sources if source.is_shapes),
    )


def validate(settings: Settings, paths: list[Path], report: Report = say_nothing) -> ValidationReport:
    """What is wrong in a user's files, or without any in the project's own data, by shapes and checks."""
    from cbdgraph.rdf.derive import derive
    from cbdgraph.rdf.turtle import format_ntriple
    from cbdgraph.rdf.validate import read_shapes, validate_files

    project = read_project(settings.root, report)
    if paths:
        with _step(report, "validate") as done:
            shapes = read_shapes(settings.root / _SHAPES)
            checks = read_queries(settings.root / _CHECKS)
            context = project.dataset(project.data | project.terms)
            found = validate_files(paths, shapes, context=context, checks=checks, engine=_engine)
            done(f"{len(paths)} files: {_tally(found)}")
        return found
    with _step(report, "validate") as done:
        found = _validate_asserted(project)
        done(f"{found.focus_nodes:,} resources against {len(found.rules):,} rules: {_tally(found)}")
    with _step(report, "check") as done:
        own = {graph: file.triples for graph, file in project.files.items() if graph not in ABOUT}
        asserted = {graph: [format_ntriple(triple) for triple in triples] for graph, triples in own.items()}
        inference = _infer(read_queries(settings.root / RULES), asserted)
        derived = derive(triple for triples in own.values() for triple in triples)
        whole = _validate_whole(project, inference, derived)
        done(f"the whole graph against {len(whole.rules):,} rules: {_tally(whole)}")
    return _join(found, whole)


def check_ontology(settings: Settings, report: Report = say_nothing) -> OntologyCheck:
    """What an OWL reasoner says of the ontology with all data; see `rdf.reason.check_ontology`."""
    from cbdgraph.rdf.reason import check_ontology as ask_reasoner

    project = read_project(settings.root, report)
    graphs = project.terms | project.data
    with _step(report, "reason") as done:
        found = ask_reasoner(
            triple for name in project.files if name in graphs for triple in project.files[name].triples
        )
        done(found.skipped or "HermiT has looked at classes and individuals")
    return found


def _validate_asserted(project: Project) -> ValidationReport:
    """Shapes on what is asserted: nothing that is missing can be made up for by inference."""
    return _validate_shapes(project, project.dataset(project.data))


def _validate_whole(project: Project, inference: Inference, derived: Mapping[str, list[Triple]]) -> ValidationReport:
    """Shapes on everything, for what inference makes too much of; and the checks, which look across subjects."""
    from rdflib import URIRef

    from cbdgraph.rdf.validate import CHECKS, run_checks

    data = project.dataset(project.data - ABOUT)
    added = data.graph(URIRef(mint_graph("inferred")))
    for triple in _read_lines(line for lines in inference.triples.values() for line in lines):
        added.add(triple)
    for triples in derived.values():
        for triple in triples:
            added.add(triple)
    found = _validate_shapes(project, data)
    checks = read_queries(project.root / _CHECKS)
    context = project.dataset(project.terms)
    faults = run_checks(data, checks, context=context, files=project.files, engine=_engine)
    return replace(
        found, problems=(*found.problems, *faults), rules=(*found.rules, *(CHECKS + name for name in checks))
    )


def _validate_shapes(project: Project, data: Dataset) -> ValidationReport:
    from cbdgraph.rdf.validate import read_shapes, validate_graph

    shapes = read_shapes(project.root / _SHAPES)
    found = validate_graph(data, shapes, context=project.dataset(project.terms), files=project.files)
    return replace(found, unmet=tuple(shape for shape in found.unmet if shape not in _OF_THE_LOG))


def _join(first: ValidationReport, second: ValidationReport) -> ValidationReport:
    """Both reports as one, each problem once."""
    problems = sorted({*first.problems, *second.problems}, key=lambda problem: problem.sort_key)
    return replace(second, problems=tuple(problems))


def _engine(triples: Iterable[Triple]) -> Callable[[str], Iterable[Mapping[str, Node]]]:
    """The embedded store for the checks, which `rdf` must not import."""
    from rdflib import Literal, URIRef

    from cbdgraph.rdf.turtle import format_ntriple
    from cbdgraph.store.embedded import Store

    store = Store.memory()
    store.insert("", map(format_ntriple, triples))

    def node(term: Iri | Text) -> Node:
        if isinstance(term, Iri):
            return URIRef(term.value)
        datatype = URIRef(term.datatype.value) if term.datatype else None
        return Literal(term.value, lang=term.language or None, datatype=datatype, normalize=False)

    return lambda query: ({name: node(term) for name, term in row.items()} for row in store.select(query).rows)


def _read_lines(lines: Iterable[str]) -> Iterable[Triple]:
    from rdflib import Graph

    return Graph(bind_namespaces="none").parse(data="\n".join(lines), format="nt")


def _infer(rules: Mapping[str, Query], asserted: Mapping[str, list[str]]) -> Inference:
    from cbdgraph.rdf.reason import infer
    from cbdgraph.store.embedded import Store

    return infer(Store.memory(), rules, asserted)


def _catalog(
    project: Project, rules: Mapping[str, Query], inference: Inference, derived: Mapping[str, list[Triple]]
) -> list[Triple]:
    """What each named graph is: a file, the conclusions of a rule, or what this project computed."""
    from cbdgraph.rdf.describe import describe_derived, describe_file, describe_rule

    triples = []
    for graph, file in project.files.items():
        triples += describe_file(graph, file)
    for name, lines in inference.triples.items():
        if lines:
            triples += describe_rule(name, rules[name], len(lines))
    for graph, made in derived.items():
        if made:
            triples += describe_derived(graph, len(made))
    return triples


def _tally(found: ValidationReport) -> str:
    counts = [(found.count(severity), severity) for severity in ("violation", "warning", "info")]
    named = [
        f"{count} {severity}{'s' if count != 1 and severity != 'info' else ''}" for count, severity in counts if count
    ]
    return ", ".join(named) or "no faults"


@contextmanager
def _step(report: Report, name: str) -> Iterator[Callable[[str], None]]:
    """Tells when a step begins to matter to a waiting person: its name, its counts and how long it took."""
    start = time.perf_counter()
    said: list[str] = []
    yield said.append
    report(f"  {name:<9} {said[0] if said else ''}  {time.perf_counter() - start:.1f} s")
