"""Answers about the ontology in; its terms, rules and vocabularies as values in reading order out. Asks nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.model import Iri
from cbdgraph.namespaces import ONTOLOGY, expand
from cbdgraph.queries import Query
from cbdgraph.server.docs.schemes import Scheme, read_schemes
from cbdgraph.server.docs.shapes import Rule, read_rules
from cbdgraph.server.docs.triples import Graph, Row
from cbdgraph.server.statements import Name, Names, Term, pick

_KINDS: Final = {
    expand("owl:Class"): "class",
    expand("owl:ObjectProperty"): "object property",
    expand("owl:DatatypeProperty"): "data property",
    expand("rdfs:Datatype"): "datatype",
}
_CHARACTERISTICS: Final = {
    expand("owl:FunctionalProperty"): "has at most one value",
    expand("owl:InverseFunctionalProperty"): "no two subjects share a value",
    expand("owl:TransitiveProperty"): "transitive",
    expand("owl:SymmetricProperty"): "symmetric",
    expand("owl:AsymmetricProperty"): "asymmetric",
    expand("owl:ReflexiveProperty"): "reflexive",
    expand("owl:IrreflexiveProperty"): "irreflexive",
}
_USED: Final = re.compile(r"\bcbd:([A-Za-z]\w*)")


@dataclass(frozen=True, slots=True)
class Answers:
    """The rows of each query of `vocabulary`, by its name there."""

    axioms: Sequence[Row]
    shapes: Sequence[Row]
    members: Sequence[Row]
    statements: Sequence[Row]
    values: Sequence[Row]
    subjects: Sequence[Row]
    objects: Sequence[Row]
    datatypes: Sequence[Row]
    concepts: Sequence[Row]
    schemes: Sequence[Row]
    uses: Sequence[Row]

    @property
    def examples(self) -> list[tuple[Iri, Iri]]:
        """A property and a subject that has it, for each property that is used."""
        pairs = (
            (Iri.find(row["term"]["value"]), Iri.find(row.get("example", {}).get("value", "")))
            for row in self.statements
        )
        return [(term, subject) for term, subject in pairs if term and subject]


@dataclass(frozen=True, slots=True)
class Use:
    """A class with how many statements have their subject, or value, in it."""

    iri: str
    count: int


@dataclass(frozen=True, slots=True)
class Example:
    """A member of a class; or a subject of a property, with a value. Names where there are any."""

    subject: str
    subject_name: Name | None
    value: Term | None = None
    value_name: Name | None = None


@dataclass(frozen=True, slots=True)
class Documented:
    """A term of the ontology; lists of IRIs are in order of name.

    `rules` are a term's own; those of the classes `inherited` hold too, and if it `is_record` those that are shared.
    `chains` are steps, each with whether it is walked backwards; `every` are the property and class that each member
    has; `count` is of members of a class, statements of a property, or values of a datatype.
    """

    iri: str
    kind: str
    label: Name
    definition: Name | None
    notes: tuple[Name, ...]
    is_deprecated: bool
    replaced_by: tuple[str, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]
    disjoint: tuple[str, ...]
    alike: tuple[tuple[str, str], ...]
    every: tuple[tuple[str, str], ...]
    domains: tuple[str, ...]
    ranges: tuple[str, ...]
    inverses: tuple[str, ...]
    chains: tuple[tuple[tuple[str, bool], ...], ...]
    characteristics: tuple[str, ...]
    count: int
    example: Example | None
    used_from: tuple[Use, ...]
    used_to: tuple[Use, ...]
    rules: tuple[Rule, ...]
    inherited: tuple[str, ...]
    is_record: bool
    queries: tuple[Query, ...]

    @property
    def local(self) -> str:
        """Its name in the namespace of the ontology, which is its anchor."""
        return self.iri.removeprefix(ONTOLOGY)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All of it.

    `shared` are rules for so many classes that they are not told with each; `others` those for classes that the
    ontology does not define, by class ("" for what has another sign than a class).
    """

    iri: str
    title: str
    description: str
    version: str
    licence: str
    notes: tuple[str, ...]
    terms: tuple[Documented, ...]
    schemes: tuple[Scheme, ...]
    shared: tuple[Rule, ...]
    others: tuple[tuple[str, tuple[Rule, ...]], ...]

    def of_kind(self, *kinds: str) -> list[Documented]:
        """Its terms of some kinds."""
        return [term for term in self.terms if term.kind in kinds]


def find_unnamed(answers: Answers, examples: Iterable[Row]) -> set[str]:
    """The IRIs whose names are not among the axioms: concepts, schemes, and what stands in examples."""
    found = {row[name]["value"] for row in answers.concepts for name in ("concept", "scheme")}
    found |= {row["s"]["value"] for row in answers.schemes}
    found |= {row["s"]["value"] for row in {row["term"]["value"]: row for row in reversed(answers.values)}.values()}
    found |= {row["example"]["value"] for row in (*answers.members, *answers.statements) if "example" in row}
    found |= {row["o"]["value"] for row in examples if row["o"]["type"] == "uri"}
    return found


def document(
    answers: Answers, examples: Iterable[Row], names: Names, language: str, queries: Iterable[Query]
) -> Vocabulary:
    """Everything about the ontology, with names in `language` where there are any."""
    graph, ontology = Graph(answers.axioms), ONTOLOGY.rstrip("#")
    terms = _Terms(graph, answers, examples, names, language, queries)
    defined = sorted(
        (iri for iri in graph.triples if iri.startswith(ONTOLOGY)), key=lambda iri: (iri.casefold(), iri)
    )
    licence = graph.first(ontology, "dcterms:license")
    return Vocabulary(
        ontology,
        graph.first(ontology, "dcterms:title"),
        graph.first(ontology, "dcterms:description"),
        graph.first(ontology, "owl:versionInfo"),
        licence,
        tuple(note.text for note in graph.texts(ontology, "rdfs:comment")),
        tuple(terms.make(iri) for iri in defined),
        tuple(read_schemes(answers.schemes, answers.concepts, answers.uses, names, language)),
        tuple(rule for rule in terms.rules if rule.is_shared),
        tuple(_others(terms.rules)),
    )


def _others(rules: Iterable[Rule]) -> Iterator[tuple[str, tuple[Rule, ...]]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        for class_ in rule.classes or ("",):
            if not class_.startswith(ONTOLOGY):
                found.setdefault(class_, []).append(rule)
    yield from ((class_, tuple(found[class_])) for class_ in sorted(found))


class _Terms:
    """Makes the documentation of one term after the other."""

    def __init__(
        self,
        graph: Graph,
        answers: Answers,
        examples: Iterable[Row],
        names: Names,
        language: str,
        queries: Iterable[Query],
    ) -> None:
        self.graph, self.names, self.language = graph, names, language
        self.rules = list(read_rules(answers.shapes))
        counted = (*answers.members, *answers.statements)
        self.counts = {row["term"]["value"]: int(row["count"]["value"]) for row in counted if "term" in row}
        self.members = {row["term"]["value"]: row["example"]["value"] for row in answers.members if "example" in row}
        for row in answers.values:
            self.counts[row["term"]["value"]] = self.counts.get(row["term"]["value"], 0) + 1
        self.examples: dict[str, Row] = {}
        for row in (*examples, *answers.values):
            self.examples.setdefault(row["term"]["value"], row)
        self.below: dict[str, set[str]] = {}
        for iri in graph.triples:
            for name in ("rdfs:subClassOf", "rdfs:subPropertyOf"):
                for above in graph.iris(iri, name):
                    self.below.setdefault(above, set()).add(iri)
        self.inverses, self.disjoint = self._both_ways("owl:inverseOf"), self._both_ways("owl:disjointWith")
        self.origins, self.targets = self._uses(answers.subjects), self._uses((*answers.objects, *answers.datatypes))
        self.queries: dict[str, list[Query]] = {}
        for query in queries:
            for local in sorted(set(_USED.findall(query.text))):
                self.queries.setdefault(ONTOLOGY + local, []).append(query)

    def make(self, iri: str) -> Documented:
        """All about a term."""
        graph, kind = self.graph, self._kind(iri)
        is_class = kind == "class"
        over = sorted(up for up in self.below if is_class and iri in _descendants(up, self.below))
        restrictions = graph.nodes(iri, "rdfs:subClassOf")
        above = graph.iris(iri, "rdfs:subClassOf" if is_class else "rdfs:subPropertyOf")
        return Documented(
            iri=iri,
            kind=kind,
            label=graph.text(iri, "rdfs:label", self.language) or Name(iri.removeprefix(ONTOLOGY)),
            definition=graph.text(iri, "skos:definition", self.language),
            notes=(*graph.texts(iri, "rdfs:comment"), *graph.texts(iri, "skos:scopeNote")),
            is_deprecated=graph.first(iri, "owl:deprecated") in {"true", "1"},
            replaced_by=graph.iris(iri, "dcterms:isReplacedBy"),
            above=above,
            below=tuple(sorted(self.below.get(iri, ()))),
            disjoint=tuple(sorted(self.disjoint.get(iri, ()))),
            alike=tuple(
                (words, other)
                for name, words in (
                    ("owl:equivalentClass", "the same as"),
                    ("owl:equivalentProperty", "the same as"),
                    ("skos:exactMatch", "matches"),
                    ("skos:closeMatch", "close to"),
                )
                for other in graph.iris(iri, name)
            ),
            every=tuple(
                (graph.first(node, "owl:onProperty"), graph.first(node, "owl:someValuesFrom"))
                for node in restrictions
            ),
            domains=graph.iris(iri, "rdfs:domain"),
            ranges=graph.iris(iri, "rdfs:range"),
            inverses=tuple(sorted(self.inverses.get(iri, ()))),
            chains=tuple(sorted(map(self._chain, graph.nodes(iri, "owl:propertyChainAxiom")))),
            characteristics=tuple(w for t, w in _CHARACTERISTICS.items() if t in graph.iris(iri, "rdf:type")),
            count=self.counts.get(iri, 0),
            example=self._example(iri),
            used_from=self.origins.get(iri, ()),
            used_to=self.targets.get(iri, ()),
            rules=tuple(rule for rule in self.rules if (self._is_own(rule, iri) if is_class else iri == rule.path)),
            inherited=tuple(up for up in over if any(self._is_own(rule, up) for rule in self.rules)),
            is_record=is_class and any(rule.is_shared and {iri, *over} & {*rule.classes} for rule in self.rules),
            queries=tuple(self.queries.get(iri, ())),
        )

    @staticmethod
    def _is_own(rule: Rule, class_: str) -> bool:
        return class_ in rule.classes and not rule.is_shared

    def _both_ways(self, name: str) -> dict[str, set[str]]:
        """What a relation joins that says the same in both directions."""
        found: dict[str, set[str]] = {}
        for iri in self.graph.triples:
            for other in self.graph.iris(iri, name):
                found.setdefault(iri, set()).add(other)
                found.setdefault(other, set()).add(iri)
        return found

    def _kind(self, iri: str) -> str:
        types = self.graph.iris(iri, "rdf:type")
        return next((kind for type_, kind in _KINDS.items() if type_ in types), "term")

    def _chain(self, node: str) -> tuple[tuple[str, bool], ...]:
        steps = []
        for step in self.graph.members(node):
            backwards = step["type"] == "bnode"
            steps.append(
                (self.graph.first(step["value"], "owl:inverseOf") if backwards else step["value"], backwards)
            )
        return tuple(steps)

    def _name(self, term: Term) -> Name | None:
        return pick(self.names.get(term["value"], {}), self.language) if term["type"] == "uri" else None

    def _example(self, iri: str) -> Example | None:
        if (member := self.members.get(iri)) is not None:
            return Example(member, pick(self.names.get(member, {}), self.language))
        if (row := self.examples.get(iri)) is not None:
            return Example(row["s"]["value"], self._name(row["s"]), row["o"], self._name(row["o"]))
        return None

    def _uses(self, rows: Iterable[Row]) -> dict[str, tuple[Use, ...]]:
        """By property the classes that tell most: a class not beside those below it if these are all of it."""
        counts: dict[str, dict[str, int]] = {}
        for row in rows:
            if "class" in row:
                counts.setdefault(row["term"]["value"], {})[row["class"]["value"]] = int(row["count"]["value"])
        return {
            iri: tuple(Use(name, found[name]) for name in sorted(find_telling(found, self.below)))
            for iri, found in counts.items()
        }


def find_telling(counts: Mapping[str, int], below: Mapping[str, Iterable[str]]) -> set[str]:
    """The classes that tell most of these: those below a class if they are all of it, else the class.

    >>> sorted(find_telling({"text": 3, "decision": 2, "paper": 1}, {"text": ["decision", "paper"]}))
    ['decision', 'paper']
    >>> sorted(find_telling({"text": 3, "decision": 2}, {"text": ["decision", "paper"]}))
    ['text']
    """
    under = {name: _descendants(name, below) & counts.keys() for name in counts}

    def tell(names: Iterable[str]) -> Iterator[str]:
        names = set(names)
        for name in names - set().union(*(under[other] for other in names)):
            nearest = under[name] - set().union(*(under[other] for other in under[name]))
            if nearest and sum(counts[other] for other in nearest) >= counts[name]:
                yield from tell(nearest)
            else:
                yield name

    return set(tell(counts))


def _descendants(name: str, below: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    rest = [name]
    while rest:
        for other in below.get(rest.pop(), ()):
            if other not in found and other != name:
                found.add(other)
                rest.append(other)
    return found
