"""What a check is and what it found: plain values; a check is a query file or a function, and no one sees which.

The words for severities are those of SARIF; in RDF they are those of SHACL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cbdgraph.errors import QuerySyntaxError
from cbdgraph.model import Text
from cbdgraph.namespaces import BASE
from cbdgraph.quality.vocabulary import Detail, Material
from cbdgraph.queries import Query
from cbdgraph.terminology.terms import TERM

Severity = Literal["error", "warning", "note"]
Group = Literal["structural", "labelling", "documentation", "mapping", "definitions"]
Population = Literal[
    "concepts",
    "related concepts",
    "schemes",
    "schemes with relations",
    "names",
    "relations",
    "mappings",
    "notations",
    "properties of SKOS",
    "terms",
    "terms and issues",
    "definitions",
    "definitions with features",
    "terms with several definitions",
]

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
POPULATIONS: Final[tuple[Population, ...]] = get_args(Population)

QUALITY: Final = BASE + "quality"
# Where the checks that others know by name are described.
QSKOS: Final = "https://github.com/cmader/qSKOS/wiki/Quality-Issues"

Hit = tuple[str, tuple[Detail, ...]]  # the resource, and what about it


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `looks` is what it looks at; exactly one of `query` and `find` finds.

    `meaning` says what was found, `remedy` what to do, each in a sentence. `needs_source` is whether nobody could
    settle a finding without a source; `is_known` whether the name is that of qSKOS.
    """

    name: str
    title: str
    group: Group
    severity: Severity
    looks: Population
    meaning: str
    remedy: str
    needs_source: bool = False
    is_known: bool = False
    query: Query | None = None
    find: Callable[[Material], Iterable[Hit]] | None = None

    @property
    def iri(self) -> str:
        """Its IRI, which is the place of its findings on the page."""
        return f"{QUALITY}#{self.name}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource that a check found. `accepted` is why it is to stay so, "" where it is open.

    `file` is a path in the checkout, "" for what stands in no file; `line` counts from 1, 0 where it is not known.
    """

    check: Check
    resource: str
    label: Text
    details: tuple[Detail, ...] = ()
    file: str = ""
    line: int = 0
    accepted: str = ""

    @property
    def term(self) -> str:
        """The slug of the term that it is about, "" for other concepts."""
        return self.resource.removeprefix(TERM).partition("/")[0] if self.resource.startswith(TERM) else ""


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found among `looked_at` things."""

    check: Check
    looked_at: int
    findings: tuple[Finding, ...]

    @property
    def open(self) -> tuple[Finding, ...]:
        """Those that nobody has accepted."""
        return tuple(finding for finding in self.findings if not finding.accepted)

    @property
    def outcome(self) -> str:
        """In words how it ended, also where nothing was found or nothing was there to look at.

        >>> Result(Check("a", "A", "structural", "note", "schemes", "", ""), 0, ()).outcome
        'looked at nothing: there are no schemes'
        """
        if not self.looked_at and not self.findings:
            return f"looked at nothing: there are no {self.check.looks}"
        accepted = len(self.findings) - len(self.open)
        found = f"{len(self.open):,} open" if self.open else "nothing open" if accepted else "found nothing"
        said = f"{found}, {accepted:,} accepted" if accepted else found
        return f"{said}; looked at {self.looked_at:,} {self.check.looks}"


@dataclass(frozen=True, slots=True)
class Report:
    """The results of all checks that ran, in the order of the registry, and the names of what details point to."""

    results: tuple[Result, ...]
    names: Mapping[str, Text]

    @property
    def findings(self) -> Iterator[Finding]:
        """All findings, the accepted ones too."""
        for result in self.results:
            yield from result.findings

    def count(self, severity: Severity) -> int:
        """How many findings of that severity are open."""
        return sum(len(result.open) for result in self.results if result.check.severity == severity)

    def counts(self) -> dict[str, int]:
        """Open findings by severity, and those accepted."""
        counted = Counter("accepted" if each.accepted else each.check.severity for each in self.findings)
        return {name: counted[name] for name in (*SEVERITIES, "accepted")}


def make_check(query: Query) -> Check:
    """The check of a query file; `QuerySyntaxError` where its header lacks something or has an unknown word."""
    fields = query.fields
    for key, allowed in (
        ("title", ()),
        ("group", GROUPS),
        ("severity", SEVERITIES),
        ("looks", POPULATIONS),
        ("remedy", ()),
        ("source", ("yes", "no")),
    ):
        if not fields.get(key) or (allowed and fields[key] not in allowed):
            wanted = "|".join(allowed) or "…"
            raise QuerySyntaxError(f"{query.name}: a check of quality needs '#+ {key}: {wanted}'", 1, 1)
    return Check(
        name=query.name,
        title=fields["title"],
        group=next(group for group in GROUPS if group == fields["group"]),
        severity=next(severity for severity in SEVERITIES if severity == fields["severity"]),
        looks=next(looks for looks in POPULATIONS if looks == fields["looks"]),
        meaning=query.summary,
        remedy=fields["remedy"],
        needs_source=fields["source"] == "yes",
        is_known=fields.get("known", "") == "qSKOS",
        query=query,
    )
