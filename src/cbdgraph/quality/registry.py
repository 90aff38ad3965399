"""The folder of check queries in, all checks in their order out; and what was asked of the graph in, a report out.

A check is a file of `queries/quality/` or, where SPARQL cannot say it, a function of `structure`, `naming` or
`meaning`. Who runs queries takes `questions(checks)` and gives the rows to `assess` under the same names.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cbdgraph.errors import ParameterError, QuerySyntaxError
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, expand
from cbdgraph.quality import meaning, naming, structure
from cbdgraph.quality.checks import GROUPS, Check, Finding, Population, Report, Result, make_check
from cbdgraph.quality.vocabulary import QUESTIONS, Detail, Material, Row, read_detail, read_material
from cbdgraph.queries import read_queries

FOLDER: Final = Path("queries/quality")
ACCEPTED: Final = "accepted.tsv"  # beside the queries
_FUNCTIONS: Final = (*structure.CHECKS, *naming.CHECKS, *meaning.CHECKS)
_PREFIX: Final = "check:"  # of the names under which queries of checks are asked
_ISSUE: Final = BASE + "issue/"

# Check, what the path of a resource is or (with a star at its end) begins with, and why it is to stay so.
Accepted = tuple[str, str, str]


def read_checks(folder: Path) -> tuple[Check, ...]:
    """All checks by group and title; `QuerySyntaxError` for a file that is none, or named like another check."""
    checks = [*_FUNCTIONS, *map(make_check, read_queries(folder).values())]
    names = [check.name for check in checks]
    for name in names:
        if names.count(name) > 1:
            raise QuerySyntaxError(f"{name}: there are two checks of this name")
    return tuple(sorted(checks, key=lambda check: (GROUPS.index(check.group), check.title)))


def choose(checks: Sequence[Check], names: Iterable[str]) -> tuple[Check, ...]:
    """The checks of these names in their order, all for none; `ParameterError` with the names most like it."""
    known = {check.name for check in checks}
    wanted = set(names)
    for name in sorted(wanted - known):
        near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.4)
        raise ParameterError(
            "check",
            f"there is no check {name!r}; {'did you mean' if near else 'one is'} "
            f"{', '.join(near) or sorted(known)[0]}",
        )
    return tuple(check for check in checks if not wanted or check.name in wanted)


def read_accepted(folder: Path) -> tuple[Accepted, ...]:
    """The findings that are to stay, from the table beside the queries; none where there is no table."""
    path = folder / ACCEPTED
    rows: list[Accepted] = []
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#"):
            cells = [cell.strip() for cell in line.split("\t")]
            if len(cells) != 3 or not all(cells):
                raise QuerySyntaxError(f"{ACCEPTED}: expected check, resource and reason between tabs", number, 1)
            rows.append((cells[0], cells[1], cells[2]))
    return tuple(rows)


def questions(checks: Iterable[Check]) -> dict[str, str]:
    """The queries that these checks need, by the names under which `assess` expects their rows."""
    return {**QUESTIONS, **{_PREFIX + check.name: check.query.text for check in checks if check.query is not None}}


def assess(
    checks: Sequence[Check], answers: Mapping[str, Iterable[Row]], accepted: Sequence[Accepted] = ()
) -> Report:
    """What the checks find: per check in their order, per check by resource."""
    material = read_material(answers)
    counts = _count(material)
    results = []
    shown: set[str] = set()
    for check in checks:
        rows = answers.get(_PREFIX + check.name, ())
        hits = _gather(rows) if check.find is None else dict(check.find(material))
        findings = tuple(_finding(check, resource, hits[resource], material, accepted) for resource in sorted(hits))
        shown |= {each.value for finding in findings for each in finding.details if isinstance(each, Iri)}
        results.append(Result(check, counts[check.looks], findings))
    return Report(tuple(results), {iri: material.name(iri) for iri in sorted(shown)})


def _gather(rows: Iterable[Row]) -> dict[str, tuple[Detail, ...]]:
    """The rows of a query by subject: several rows of one are one finding with several details."""
    found: dict[str, dict[Detail, None]] = defaultdict(dict)
    for row in rows:
        details = found[row["subject"]["value"]]
        if "detail" in row:
            details[read_detail(row["detail"])] = None
    return {subject: tuple(sorted(details, key=str)) for subject, details in found.items()}


def _finding(
    check: Check, resource: str, details: tuple[Detail, ...], material: Material, accepted: Sequence[Accepted]
) -> Finding:
    path = resource.removeprefix(BASE)
    reason = next(
        (
            why
            for name, pattern, why in accepted
            if name == check.name and (path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern)
        ),
        "",
    )
    file = material.vocabulary.files.get(resource, "")
    return Finding(check, resource, material.name(resource), details, file, 0, reason)


def _count(material: Material) -> dict[Population, int]:
    """How many there are of what checks look at."""
    vocabulary, terminology = material.vocabulary, material.terminology
    related = vocabulary.related_schemes
    definitions = list(terminology.definitions())
    mapped = {expand(f"skos:{kind}Match") for kind in ("exact", "close", "broad", "narrow", "related")}
    mapped.add(expand("skos:mappingRelation"))
    mappings = sum(relation in mapped for _, relation, _ in vocabulary.relations)
    issues = sum(concept.startswith(_ISSUE) for concept in vocabulary.concepts)
    return {
        "concepts": len(vocabulary.concepts),
        "related concepts": sum(bool(related & set(s or ("",))) for s in vocabulary.concepts.values()),
        "schemes": len(vocabulary.schemes),
        "schemes with relations": len(related - {""}),
        "names": sum(map(len, vocabulary.names.values())),
        "relations": len(vocabulary.relations) - mappings,
        "mappings": mappings,
        "notations": vocabulary.counts.get("notations", 0),
        "properties of SKOS": vocabulary.counts.get("skos", 0),
        "terms": len(terminology.terms),
        "terms and issues": len(terminology.terms) + issues,
        "definitions": len(definitions),
        "definitions with features": sum(bool(definition.features) for definition in definitions),
        "terms with several definitions": sum(len(term.definitions) > 1 for term in terminology.terms.values()),
    }
