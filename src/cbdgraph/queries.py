"""Query files as data: header, parameters, text; and values bound into a query as RDF terms, never as text.

A file starts with `#+ key: value` lines (the convention of grlc, so other tools can read it too):

    #+ summary: Decisions filed under an issue
    #+ parameter issue: issue, required, forest-biodiversity; the issue, as IRI, path or slug
    #+ tags: researcher

A parameter line gives kind, `required` or `optional`, an example that has an answer, and what it means. In the text
the parameter stands once as `VALUES ?issue { UNDEF }`: the file runs as it is, for every value, and binding puts
one term in the place of UNDEF. That is in scope for filters, and works on any SPARQL engine.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from cbdgraph.errors import InvalidName, ParameterError, QuerySyntaxError, UnknownQuery
from cbdgraph.iris import mint, mint_part, parse_part, path_of
from cbdgraph.locators import Locator
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import LANGUAGES, PREFIXES, expand
from cbdgraph.symbols import Symbol

# Kinds of parameter that name a resource, and what stands before the short form in its path.
_RESOURCE_KINDS: Final = {
    "actor": "actor/",
    "citation": "",
    "decision": "",
    "definition": "term/",
    "document": "document/",
    "feature": "feature/",
    "issue": "issue/",
    "meeting": "meeting/",
    "set": "target/",
    "target": "target/",
    "term": "term/",
    "unit": "unit/",
}
KINDS: Final = frozenset({*_RESOURCE_KINDS, "language", "number", "text", "when"})

_HEADER: Final = re.compile(r"#\+\s*(?P<key>[a-z]+)(?:\s+(?P<name>[a-z]+))?\s*:\s*(?P<value>.*)\Z")
_PARAMETER: Final = re.compile(
    r"(?P<kind>[a-z]+),\s*(?P<need>required|optional),\s*(?P<example>[^;]+);\s*(?P<meaning>.+)\Z"
)
_SELECT: Final = re.compile(r"^SELECT\s+(?:DISTINCT\s+)?(?P<columns>.+?)\s*^WHERE\b", re.MULTILINE | re.DOTALL)
_COLUMN: Final = re.compile(r"\((?:[^()]|\([^()]*\))*\bAS\s+\?(?P<computed>\w+)\s*\)|\?(?P<plain>\w+)")
_RELEASE: Final = re.compile(r"(?P<number>[0-9]+\.[0-9]+\.[0-9]+)(?:-[0-9a-f]{12})?\Z")
_SECOND: Final = "%Y-%m-%dT%H:%M:%SZ"
_LARGEST_EXPONENT: Final = 30
LANG: Final = "lang"  # the one parameter that every query takes
_HOLE: Final = "VALUES ?{name} {{ UNDEF }}"
_ANY_HOLE: Final = re.compile(r"VALUES \?(\w+) \{ UNDEF \}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a named query; `kind` is one of `KINDS`."""

    name: str
    kind: str
    required: bool
    example: str
    meaning: str

    def term(self, value: str) -> Iri | Text:
        """The RDF term that a user's `value` stands for: full IRI, path under the base, or short form."""
        value = value.strip()
        if not value:
            raise ParameterError(self.name, f"it is empty; {self.meaning}, for example {self.example}")
        try:
            return self._term(value)
        except InvalidName as error:
            raise ParameterError(self.name, f"{error}; a right one is {self.example}") from error

    def short_form(self, iri: str) -> str:
        """The shortest value that stands for a resource's IRI here.

        >>> Parameter("target", "target", True, "aichi/15", "").short_form("https://w3id.org/cbdgraph/target/aichi/5")
        'aichi/5'
        """
        forms = [iri]
        with suppress(InvalidName):
            path = path_of(iri)
            forms = [path.removeprefix(_RESOURCE_KINDS[self.kind]), path, iri]
            symbol, locator = parse_part(iri)
            forms.insert(0, f"{symbol.short} {locator}".strip())
        for form in forms:
            with suppress(InvalidName, ParameterError):
                if self.term(form) == Iri(iri):
                    return form
        return iri

    def _term(self, value: str) -> Iri | Text:
        if self.kind in _RESOURCE_KINDS:
            return Iri(self._iri(value, _RESOURCE_KINDS[self.kind]))
        if self.kind == "language":
            return Text(_language(self.name, value))
        if self.kind == "when":
            return Text(self._time_or_release(value))
        if self.kind == "number":
            try:
                number = Decimal(value)
            except InvalidOperation:
                number = Decimal("NaN")
            # An exponent of nine digits is a number too, and would be written out as so many zeros.
            if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
                raise ParameterError(self.name, f"expected a number such as {self.example}, not {value!r}")
            return Text(f"{number:f}", datatype=Iri(expand("xsd:decimal")))
        return Text(value)

    def _time_or_release(self, value: str) -> str:
        if release := _RELEASE.match(value):
            return release["number"]
        with suppress(ValueError):
            if date.fromisoformat(value).isoformat() == value:
                return value
        with suppress(ValueError):
            if datetime.strptime(value, _SECOND).strftime(_SECOND) == value:
                return value
        raise ParameterError(
            self.name,
            f"expected a day such as {self.example}, a second such as 2026-12-01T09:00:00Z, or a release such as "
            f"0.1.0, not {value!r}",
        )

    def _iri(self, value: str, prefix: str) -> str:
        if value.startswith(("http://", "https://")):
            return value
        if self.kind in {"decision", "citation"}:
            if value.startswith(("decision/", "recommendation/")):
                return mint(value)
            head, _, tail = value.partition(" ")
            return mint_part(Symbol.parse(head), Locator.parse(tail))
        path = value.removeprefix("/")
        return mint(path if path.startswith(prefix) else prefix + path)


@dataclass(frozen=True, slots=True)
class Query:
    """A query file: its name, what its header says, the columns it answers with and its SPARQL text.

    `columns` are those of the answer: what is projected less the parameters that are only bound. `fields` is the
    whole header less the parameters, for keys that only some queries have (`severity`, `remedy` of checks).
    """

    name: str
    summary: str
    description: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    text: str
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, name: str, source: str) -> Self:
        """Read a query file's text; `QuerySyntaxError` where the header or a parameter is not in the form above."""
        fields: dict[str, str] = {}
        parameters: list[Parameter] = []
        lines = source.splitlines()
        for number, line in enumerate(lines, 1):
            if not line.startswith("#+"):
                break
            match = _HEADER.match(line)
            if match is None:
                raise QuerySyntaxError(f"{name}: expected '#+ key: value'", number, 1)
            if match["key"] == "parameter":
                parameters.append(_parse_parameter(name, number, match["name"] or "", match["value"]))
            else:
                fields[match["key"]] = match["value"].strip()
        if "summary" not in fields:
            raise QuerySyntaxError(f"{name}: the header has no '#+ summary: …' line", 1, 1)
        for parameter in parameters:
            if source.count(_HOLE.format(name=parameter.name)) != 1:
                hole = _HOLE.format(name=parameter.name)
                raise QuerySyntaxError(f"{name}: parameter {parameter.name!r} needs exactly one '{hole}'")
        projected = _SELECT.search(source)
        return cls(
            name=name,
            summary=fields["summary"],
            description=fields.get("description", ""),
            tags=tuple(tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip()),
            parameters=tuple(parameters),
            columns=tuple(c["computed"] or c["plain"] for c in _COLUMN.finditer(projected["columns"]))
            if projected
            else (),
            text=source,
            fields=MappingProxyType(fields),
        )

    def resources(self, values: Mapping[str, str]) -> dict[Parameter, Iri]:
        """The resources that given values name, by parameter; `ParameterError` for one that cannot be read."""
        named: dict[Parameter, Iri] = {}
        for parameter in self.parameters:
            if parameter.kind in _RESOURCE_KINDS and parameter.name in values:
                term = parameter.term(values[parameter.name])
                if isinstance(term, Iri):
                    named[parameter] = term
        return named

    def releases(self, values: Mapping[str, str]) -> dict[Parameter, str]:
        """The numbers of releases that given values name, by parameter; of a build between two that of the first."""
        asked = (parameter for parameter in self.parameters if parameter.kind == "when" and parameter.name in values)
        named = {parameter: _RELEASE.match(values[parameter.name].strip()) for parameter in asked}
        return {parameter: release["number"] for parameter, release in named.items() if release}

    def bind(self, values: Mapping[str, str]) -> str:
        """The SPARQL text with each given value bound as a term.

        `ParameterError` for an unknown, missing or unusable parameter. A value "all" of a language binds nothing.
        Every query takes `lang`, so that a client may send it always; one that does not filter by it has the same
        rows for each language.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name == LANG and name not in known:
                _language(name, values[name].strip())
            elif name not in known:
                expected = ", ".join(known) or "none"
                raise ParameterError(name, f"query {self.name!r} has no such parameter; it takes: {expected}")
        terms: dict[str, str] = {}
        for name, parameter in known.items():
            if name in values:
                term = parameter.term(values[name])
                if parameter.kind == "language" and term == Text("all"):
                    if parameter.required:
                        raise ParameterError(name, f"expected one language: {', '.join(LANGUAGES)}")
                else:
                    terms[name] = str(term)
            elif parameter.required:
                raise ParameterError(name, f"it is missing; {parameter.meaning}, for example {parameter.example}")
        # One pass, so that a value which reads like a hole of another parameter stays a value.
        return _ANY_HOLE.sub(lambda hole: hole[0].replace("UNDEF", terms.get(hole[1], "UNDEF")), self.text)


def _language(name: str, value: str) -> str:
    if value not in {*LANGUAGES, "all"}:
        raise ParameterError(name, f"expected one of {', '.join(LANGUAGES)} or all, not {value!r}")
    return value


def _parse_parameter(query: str, line: int, name: str, value: str) -> Parameter:
    match = _PARAMETER.match(value)
    if match is None or not name or match["kind"] not in KINDS:
        raise QuerySyntaxError(
            f"{query}: expected '#+ parameter name: kind, required|optional, example; meaning', kind one of "
            f"{', '.join(sorted(KINDS))}",
            line,
            1,
        )
    return Parameter(
        name, match["kind"], match["need"] == "required", match["example"].strip(), match["meaning"].strip()
    )


def read_queries(folder: Path) -> dict[str, Query]:
    """All query files of a folder by name, in order of name."""
    return {
        path.stem: Query.parse(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.rq"))
    }


def find_query(queries: Mapping[str, Query], name: str) -> Query:
    """The query of that name; `UnknownQuery` with the names most like it."""
    if name not in queries:
        raise UnknownQuery(name, tuple(difflib.get_close_matches(name, queries, n=3, cutoff=0.5)))
    return queries[name]


def prologue(prefixes: Iterable[str] = PREFIXES) -> str:
    """PREFIX declarations for the given prefixes, one a line.

    >>> print(prologue(["cbd"]))
    PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>
    """
    return "\n".join(f"PREFIX {prefix}: <{PREFIXES[prefix]}>" for prefix in prefixes)
