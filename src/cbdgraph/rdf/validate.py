"""RDF graphs, shapes and checks in, a report of problems out; the only module that imports pySHACL. Changes no data.

Three kinds of rule: shapes (`ontology/shapes/*.ttl`, one subject at a time), checks (`queries/checks/*.rq`, across
subjects, any row is a fault) and terms (properties and classes that nobody declared).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyshacl
from rdflib import RDF, RDFS, SH, XSD, Dataset, Graph, Literal, URIRef
from rdflib.term import Node

from cbdgraph.errors import MissingFile, QuerySyntaxError, TurtleError
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.queries import Query
from cbdgraph.rdf.terms import CHECKS, check_terms, find_near
from cbdgraph.rdf.turtle import Triple, TurtleFile, read_turtle
from cbdgraph.reports import SEVERITIES, Problem, Severity, ValidationReport, format_term

__all__ = [
    "CHECKS",
    "Problem",
    "Severity",
    "ValidationReport",
    "read_shapes",
    "run_checks",
    "validate_files",
    "validate_graph",
]

Data = Graph | Dataset
# Triples in, and out a function that gives the rows of a SELECT by the names of its variables.
CheckEngine = Callable[[Iterable[Triple]], Callable[[str], Iterable[Mapping[str, Node]]]]

_SEVERITY: Final[dict[Node, Severity]] = {SH.Violation: "violation", SH.Warning: "warning", SH.Info: "info"}
_AIMS: Final = (SH.targetClass, SH.targetSubjectsOf, SH.targetObjectsOf)


def read_shapes(folder: Path) -> Graph:
    """All shapes of a folder in one graph; `TurtleError` with file and line where one cannot be read."""
    shapes = Graph(bind_namespaces="none")
    for path in sorted(folder.glob("*.ttl")):
        for triple in read_turtle(path).triples:
            shapes.add(triple)
    return shapes


def validate_graph(
    data: Data,
    shapes: Graph,
    *,
    context: Data | None = None,
    files: Mapping[str, TurtleFile] | None = None,
) -> ValidationReport:
    """Every subject of `data` against `shapes`.

    `context` (ontology, vocabularies, other data) tells the classes of what `data` refers to, and is not itself
    validated. `files` gives the files of the named graphs of `data` by their IRIs, for paths and lines in the report.
    """
    own, known = _union(data), _union(context)
    graph = _with_types(own, known)
    with _quiet("rdflib.term", "pyshacl-validate"):
        _, results, text = pyshacl.validate(graph, shacl_graph=_flat(shapes), inference="none", inplace=True)
    if not isinstance(results, Graph):
        # The shapes are at fault, not the data: nothing a report could tell.
        raise TurtleError("shapes", str(text))
    places = _Places(data, files or {})
    subjects = set(own.subjects())
    # What is only referred to stands in the graph with its classes alone, and is not on trial.
    found = [r for r in results.objects(None, SH.result) if results.value(r, SH.focusNode) in subjects]
    problems = [_from_result(results, result, shapes, places, (graph, known)) for result in found]
    problems += check_terms(own, known, shapes, places.find)
    aims = {shape for kind in _AIMS for shape in shapes.subjects(kind)}
    met = {shape: _targets(shapes, shape, graph) & subjects for shape in aims}
    return ValidationReport(
        problems=_in_order(problems),
        files=places.files,
        rules=tuple(
            sorted(str(shape) for kind in (SH.NodeShape, SH.PropertyShape) for shape in shapes[: RDF.type : kind])
        ),
        focus_nodes=len(set().union(*met.values())),
        unmet=tuple(sorted(str(shape) for shape, nodes in met.items() if not nodes)),
    )


def run_checks(
    data: Data,
    checks: Mapping[str, Query],
    *,
    context: Data | None = None,
    files: Mapping[str, TurtleFile] | None = None,
    engine: CheckEngine | None = None,
) -> tuple[Problem, ...]:
    """The rows of all `checks` over `data` and `context` together, as problems; only for subjects of `data`.

    Each check answers with `?subject` and `?detail`; its header gives summary, severity and remedy. `engine` runs
    them in place of rdflib, some hundred times faster with the embedded store; this layer does not import that.
    """
    own = _union(data)
    select = (engine or _rdflib_engine)(own + _union(context))
    subjects = set(own.subjects())
    places = _Places(data, files or {})
    problems = []
    for name, check in checks.items():
        severity = _check_severity(name, check)
        for row in select(check.text):
            subject, detail = row["subject"], row.get("detail")
            if subject in subjects:
                file, line = places.find(subject)
                problems.append(
                    Problem(
                        file=file,
                        line=line,
                        subject=_name(subject),
                        path="",
                        value=_n3(detail) if detail is not None else "",
                        message=f"{check.summary}: {_shown(detail)}" if detail is not None else check.summary,
                        remedy=check.fields["remedy"],
                        severity=severity,
                        rule=CHECKS + name,
                    )
                )
    return _in_order(problems)


def _rdflib_engine(triples: Iterable[Triple]) -> Callable[[str], Iterable[Mapping[str, Node]]]:
    graph = triples if isinstance(triples, Graph) else Graph()
    if graph is not triples:
        for triple in triples:
            graph.add(triple)
    return lambda query: (row.asdict() for row in graph.query(query))  # type: ignore[union-attr]


def validate_files(
    paths: Iterable[Path],
    shapes: Graph,
    *,
    context: Data,
    checks: Mapping[str, Query] | None = None,
    engine: CheckEngine | None = None,
) -> ValidationReport:
    """A user's own Turtle files against shapes and checks, with the project's graph as `context`.

    What a file gives a type, it describes: the context's own description of that subject is then set aside, so that
    a faulty copy is not completed by the original. What it gives no type, it adds to. Files that are not Turtle
    become problems with a line; `MissingFile` if one does not exist.
    """
    data = Dataset()
    files: dict[str, TurtleFile] = {}
    broken: list[Problem] = []
    for number, path in enumerate(paths, 1):
        if not path.is_file():
            raise MissingFile(str(path))
        try:
            file = _read(path)
        except TurtleError as error:
            broken.append(_from_syntax(error))
            continue
        graph = data.graph(URIRef(f"{GRAPHS}user/{number}"))
        files[str(graph.identifier)] = file
        for triple in file.triples:
            graph.add(triple)
    described = {subject for subject, _, _, _ in data.quads((None, RDF.type, None, None))}
    rest = Graph(bind_namespaces="none")
    for triple in _union(context):
        if triple[0] not in described:
            rest.add(triple)
    report = validate_graph(data, shapes, context=rest, files=files)
    faults = run_checks(data, checks or {}, context=rest, files=files, engine=engine)
    joined = report.joined([*broken, *faults], (CHECKS + name for name in checks or {}))
    # A user's file need not hold something of every class.
    return replace(joined, unmet=())


def _read(path: Path) -> TurtleFile:
    with _quiet("rdflib.term"):
        return read_turtle(path)


def _from_syntax(error: TurtleError) -> Problem:
    message, remedy = error.reason, ""
    if not message.startswith("not Turtle"):  # the parser's own words, which know no remedy
        message, _, remedy = message.rpartition("; ") if "; " in message else (message, "", "")
    usual = "Mend the Turtle at or just before this line: often a missing dot, semicolon, quote or prefix."
    return Problem(
        file=error.path,
        line=error.line,
        subject="",
        path="",
        value="",
        message=message,
        remedy=f"{remedy[0].upper()}{remedy[1:]}." if remedy else usual,
        severity="violation",
        rule=CHECKS + "syntax",
    )


class _Places:
    """Tells in which file a subject stands, and on which line."""

    def __init__(self, data: Data, files: Mapping[str, TurtleFile]) -> None:
        self._graphs: dict[Node, dict[str, None]] = defaultdict(dict)
        self._files = files
        if isinstance(data, Dataset):
            for subject, _, _, graph in data.quads((None, None, None, None)):
                self._graphs[subject].setdefault(str(graph or ""))
        else:
            only = str(data.identifier)
            self._graphs = defaultdict(lambda: {only: None})
        self.files = tuple(sorted(file.path for file in files.values()))

    def find(self, subject: Node) -> tuple[str, int]:
        """File and line of a subject's first block; the named graph where no file is known."""
        graphs = list(self._graphs[subject])
        for graph in graphs:
            file = self._files.get(graph)
            if file is not None:
                return file.path, file.lines.get(subject, 0)
        return (graphs[0] if graphs and graphs[0].startswith(BASE) else ""), 0


def _union(data: Data | None) -> Graph:
    """All triples in one plain graph, which is much faster to look things up in than a dataset."""
    if data is not None and not isinstance(data, Dataset):
        return data
    graph = Graph(bind_namespaces="none")
    for subject, predicate, value, _ in data.quads((None, None, None, None)) if data is not None else ():
        graph.add((subject, predicate, value))
    return graph


def _with_types(own: Graph, known: Graph) -> Graph:
    """`own` with what shapes need to know from `known`: the rest of its subjects, classes of what it refers to."""
    graph = Graph(bind_namespaces="none")
    for triple in own:
        graph.add(triple)
    for subject in set(own.subjects()):
        for triple in known.triples((subject, None, None)):
            graph.add(triple)
    for value in set(graph.objects()):
        for triple in known.triples((value, RDF.type, None)):
            graph.add(triple)
    for triple in known.triples((None, RDFS.subClassOf, None)):
        if isinstance(triple[2], URIRef):
            graph.add(triple)
    return graph


def _flat(shapes: Graph) -> Graph:
    """The same shapes with each property shape aiming by itself at what its node shape aims at.

    It means the same, and pySHACL then takes a property shape through all subjects at once, where through
    `sh:property` it starts anew for every subject: several times faster.
    """
    flat = Graph(bind_namespaces="none")
    for shape, predicate, value in shapes:
        if predicate != SH.property or (None, SH.node, shape) in shapes:
            flat.add((shape, predicate, value))
            continue
        for kind in _AIMS:
            for target in shapes.objects(shape, kind):
                flat.add((value, kind, target))
    return flat


def _targets(shapes: Graph, shape: Node, graph: Graph) -> set[Node]:
    """The subjects of `graph` that a node shape looks at."""
    found: set[Node] = set()
    for target in shapes.objects(shape, SH.targetClass):
        found |= _instances(graph, target)
    for target in shapes.objects(shape, SH.targetSubjectsOf):
        found.update(graph.subjects(target, None))
    for target in shapes.objects(shape, SH.targetObjectsOf):
        found.update(graph.objects(None, target))
    return found


def _instances(graph: Graph, name: Node | None) -> set[Node]:
    classes = graph.transitive_subjects(RDFS.subClassOf, name) if name is not None else ()
    return {subject for each in classes for subject in graph.subjects(RDF.type, each)}


def _from_result(results: Graph, result: Node, shapes: Graph, places: _Places, near: tuple[Graph, ...]) -> Problem:
    """A SHACL result as a problem: what is wrong from its component, the remedy from the shape's message."""
    shape = results.value(result, SH.sourceShape)
    subject = results.value(result, SH.focusNode)
    path, value = results.value(result, SH.resultPath), results.value(result, SH.value)
    component = str(results.value(result, SH.sourceConstraintComponent)).removeprefix(str(SH))
    assert subject is not None
    assert shape is not None
    file, line = places.find(subject)
    remedy = str(shapes.value(shape, SH.message) or "")
    if component == "ClassConstraintComponent" and value is not None:
        wanted = shapes.value(shape, SH["class"])
        remedy += find_near(str(value), (str(known) for graph in near for known in _instances(graph, wanted)))
    return Problem(
        file=file,
        line=line,
        subject=_name(subject),
        path=str(path) if isinstance(path, URIRef) else "",
        value=value.n3() if value is not None and value != subject else "",
        message=_wrong(component, path, value, shapes, shape),
        remedy=remedy,
        severity=_SEVERITY.get(results.value(result, SH.resultSeverity) or SH.Violation, "violation"),
        rule=str(shape),
        component=f"{SH}{component}",
    )


def _wrong(component: str, path: Node | None, value: Node | None, shapes: Graph, shape: Node) -> str:
    """What is wrong, in words; the remedy is the shape's own message."""
    name = format_term(str(path)) if isinstance(path, URIRef) else "its IRI"
    shown = _shown(value)

    def given(key: str) -> str:
        return ", ".join(_shown(v) for v in shapes.objects(shape, SH[key]))

    least = shapes.value(shape, SH.minCount)
    words = {
        "MinCount": f"has no {name}" if least is None or int(str(least)) < 2 else f"has fewer than {least} {name}",
        "MaxCount": f"has more than {given('maxCount')} {name}",
        "Datatype": f"{name} {shown} is not a right {given('datatype')}",
        "Class": f"{name} names {shown}, which is not described as {given('class')}",
        "NodeKind": f"{name} {shown} is not of the right kind ({given('nodeKind').removeprefix('sh:')})",
        "Pattern": f"{name} {shown} is not of the right form",
        "In": f"{name} {shown} is not one of the allowed values",
        "HasValue": f"{name} is not {given('hasValue')}",
        "LanguageIn": f"{name} {shown} is not in one of the allowed languages",
        "UniqueLang": f"{name} has two values in one language",
        "MinInclusive": f"{name} {shown} is below {given('minInclusive')}",
        "MinExclusive": f"{name} {shown} is not above {given('minExclusive')}",
        "MaxInclusive": f"{name} {shown} is above {given('maxInclusive')}",
        "MinLength": f"{name} {shown} is too short",
        "MaxLength": f"{name} {shown} is too long",
        "LessThan": f"{name} {shown} is not before {given('lessThan')}",
        "LessThanOrEquals": f"{name} {shown} is after {given('lessThanOrEquals')}",
        "Disjoint": f"{name} {shown} is also its {given('disjoint')}",
        "Not": f"{name} {shown} is not allowed here",
        "Or": f"{name} {shown} is none of the allowed kinds",
    }
    kind = component.removesuffix("ConstraintComponent")
    return words.get(kind, f"{name} {shown} fails {kind}".replace("  ", " "))


def _check_severity(name: str, check: Query) -> Severity:
    for severity in SEVERITIES:
        if check.fields.get("severity") == severity and check.fields.get("remedy"):
            return severity
    wanted = "|".join(SEVERITIES)
    raise QuerySyntaxError(f"{name}: a check needs '#+ severity: {wanted}' and '#+ remedy: …'", 1, 1)


def _name(node: Node) -> str:
    return str(node) if isinstance(node, URIRef) else _n3(node)


def _n3(node: Node) -> str:
    return node.n3() if hasattr(node, "n3") else str(node)


def _shown(node: Node | None) -> str:
    if isinstance(node, Literal) and node.datatype in {None, XSD.string} and not node.language:
        return format_term(str(node)) if node.startswith(BASE) else str(node)
    return format_term(_n3(node)) if node is not None else ""


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(problems), key=lambda problem: problem.sort_key))


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Keeps libraries from printing about values that the report tells better."""
    loggers = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    for logger, _ in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in loggers:
            logger.setLevel(level)
