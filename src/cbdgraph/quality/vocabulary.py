"""Rows of a few SELECTs in, the concepts of all schemes with their names and relations out; runs no query itself.

Besides skos:Concept the classes cbd:Term and cbd:Issue count as concepts, and names of SKOS-XL as names, so that data
which nothing was inferred of are read alike. Rows are the bindings of SPARQL JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, GRAPHS, MADE, expand
from cbdgraph.queries import prologue
from cbdgraph.terminology.reading import STATEMENTS, read_terminology
from cbdgraph.terminology.terms import Terminology

Row = Mapping[str, Mapping[str, str]]
Detail = Iri | Text

_PREFIXES: Final = prologue(("cbd", "dcterms", "rdfs", "skos", "skosxl"))
_CONCEPT: Final = "VALUES ?class { skos:Concept cbd:Term cbd:Issue }"


def _names(kinds: Iterable[str]) -> str:
    """A query for names; of preferred ones apart from the others, for an answer has a limit of rows."""
    plain = " ".join(f"skos:{kind}Label" for kind in kinds)
    records = "".join(
        f" UNION {{ ?resource skosxl:{kind}Label/skosxl:literalForm ?text . BIND (skos:{kind}Label AS ?kind) }}"
        for kind in kinds
    )
    return f"""{_PREFIXES}

SELECT DISTINCT ?resource ?kind ?text
WHERE {{
  VALUES ?class {{ skos:Concept skos:ConceptScheme cbd:Term cbd:Issue }}
  ?resource a ?class .
  {{ VALUES ?kind {{ {plain} }} ?resource ?kind ?text }}{records}
}}"""


# What is asked of the graph, by name; the answers go to `read_material` by the same names.
QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "terminology": STATEMENTS,
        "concepts": f"""{_PREFIXES}

SELECT DISTINCT ?concept ?scheme
WHERE {{
  {_CONCEPT}
  ?concept a ?class .
  OPTIONAL {{ ?concept skos:inScheme|skos:topConceptOf|^skos:hasTopConcept ?scheme }}
}}""",
        "schemes": f"""{_PREFIXES}

SELECT DISTINCT ?scheme
WHERE {{ {{ ?scheme a skos:ConceptScheme }} UNION {{ ?concept skos:inScheme ?scheme }} }}""",
        "preferred": _names(("pref",)),
        "others": _names(("alt", "hidden")),
        "relations": f"""{_PREFIXES}

SELECT DISTINCT ?one ?relation ?other
WHERE {{
  VALUES ?relation {{
    skos:broader skos:narrower skos:related skos:broaderTransitive skos:narrowerTransitive skos:semanticRelation
    skos:exactMatch skos:closeMatch skos:broadMatch skos:narrowMatch skos:relatedMatch skos:mappingRelation
  }}
  ?one ?relation ?other .
  FILTER (isIRI(?other))
}}""",
        "notations": f"""{_PREFIXES}

SELECT (COUNT(DISTINCT ?notation) AS ?count)
WHERE {{ {_CONCEPT} ?concept a ?class ; skos:notation ?notation }}""",
        "skos": f"""{_PREFIXES}

SELECT (COUNT(DISTINCT ?property) AS ?count)
WHERE {{ ?resource ?property ?value . FILTER (STRSTARTS(STR(?property), STR(skos:))) }}""",
        "places": f"""{_PREFIXES}

SELECT DISTINCT ?resource ?graph
WHERE {{
  VALUES ?class {{ skos:Concept skos:ConceptScheme cbd:Term cbd:Issue cbd:Definition }}
  GRAPH ?graph {{ ?resource a ?class }}
}}""",
    }
)

BROADER: Final = expand("skos:broader")
NARROWER: Final = expand("skos:narrower")
RELATED: Final = expand("skos:related")
PREFERRED: Final = expand("skos:prefLabel")
_UP: Final = {BROADER: False, NARROWER: True}  # whether the other one is the narrower
_FAR_UP: Final = {**_UP, expand("skos:broaderTransitive"): False, expand("skos:narrowerTransitive"): True}
_OWN: Final = frozenset({*_FAR_UP, RELATED, expand("skos:semanticRelation")})  # those that hold a scheme together
_FOLDERS: Final = {"ontology": "", "": "data/turtle/"}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Concepts with their schemes, names and relations.

    `names` has pairs of kind (skos:prefLabel …) and text, of concepts and schemes. `broader` leads to what is one
    step up, by skos:broader or the other way by skos:narrower; `above` by the transitive ones too. `files` are paths
    in the checkout, of those resources that stand in a file.
    """

    concepts: Mapping[str, tuple[str, ...]]
    schemes: tuple[str, ...]
    names: Mapping[str, tuple[tuple[str, Text], ...]]
    relations: tuple[tuple[str, str, str], ...]
    broader: Mapping[str, tuple[str, ...]]
    above: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> dict[str, list[str]]:
        """The concepts of each scheme; those of none stand under ""."""
        found: dict[str, list[str]] = {scheme: [] for scheme in self.schemes}
        for concept, schemes in self.concepts.items():
            for scheme in schemes or ("",):
                found.setdefault(scheme, []).append(concept)
        return {scheme: concepts for scheme, concepts in found.items() if scheme or concepts}

    @property
    def inner(self) -> Iterator[tuple[str, str, str]]:
        """Relations, other than mappings, between two concepts that are described here."""
        for one, relation, other in self.relations:
            if relation in _OWN and one != other and one in self.concepts and other in self.concepts:
                yield one, relation, other

    @property
    def related_schemes(self) -> frozenset[str]:
        """Schemes in which a concept is related to another: the others are plain lists, and mean to be."""
        return frozenset(
            scheme
            for one, _, other in self.inner
            for scheme in self.concepts[one] or ("",)
            if scheme in (self.concepts[other] or ("",))
        )

    def name(self, iri: str) -> Text | None:
        """The preferred name in English, else in any language."""
        found = [text for kind, text in self.names.get(iri, ()) if kind == PREFERRED]
        return next((text for text in found if text.language == "en"), found[0] if found else None)


@dataclass(frozen=True, slots=True)
class Material:
    """All that a check may look at."""

    vocabulary: Vocabulary
    terminology: Terminology

    def name(self, iri: str) -> Text:
        """What a resource is called; of a definition the term and the source; else its path."""
        for known in (iri, iri.partition("/definition/")[0]):
            found = self.vocabulary.name(known)
            if found is None and (known in self.terminology.terms or known in self.terminology.names):
                found = self.terminology.name(known, "en")
            if found is not None:
                return found if known == iri else Text(f"{found.value} ({iri.rpartition('/')[2]})", found.language)
        return Text(iri.removeprefix(BASE))


def read_material(answers: Mapping[str, Iterable[Row]]) -> Material:
    """What the answers to `QUESTIONS` describe."""
    return Material(_read_vocabulary(answers), read_terminology(answers["terminology"]))


def read_detail(binding: Mapping[str, str]) -> Detail:
    """A term of SPARQL JSON; what a stranger's data may hold and the core does not call an IRI is a text."""
    value = binding["value"]
    try:
        if binding["type"] == "uri":
            return Iri(value)
        return Text(value, binding.get("xml:lang", ""))
    except InvalidName:
        return Text(value.replace("\0", "\ufffd"))


def _read_vocabulary(answers: Mapping[str, Iterable[Row]]) -> Vocabulary:
    concepts: dict[str, list[str]] = defaultdict(list)
    for row in answers["concepts"]:
        if row["concept"]["type"] == "uri":
            concepts[row["concept"]["value"]] += [row["scheme"]["value"]] if "scheme" in row else []
    names: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for row in (*answers["preferred"], *answers["others"]):
        if row["text"]["type"] == "literal":
            said = (row["kind"]["value"], row["text"].get("xml:lang", ""), row["text"]["value"])
            names[row["resource"]["value"]].add(said)
    relations = sorted(
        (row["one"]["value"], row["relation"]["value"], row["other"]["value"])
        for row in answers["relations"]
        if row["one"]["type"] == "uri"
    )
    return Vocabulary(
        concepts={iri: tuple(sorted(set(concepts[iri]))) for iri in sorted(concepts)},
        schemes=tuple(sorted({row["scheme"]["value"] for row in answers["schemes"]})),
        names={iri: tuple((kind, _text(value, tag)) for kind, tag, value in sorted(names[iri])) for iri in names},
        relations=tuple(relations),
        broader=_steps(relations, _UP),
        above=_steps(relations, _FAR_UP),
        counts={name: _count(answers[name]) for name in ("notations", "skos")},
        files=_read_files(answers["places"]),
    )


def _text(value: str, language: str) -> Text:
    try:
        return Text(value, language)
    except InvalidName:
        return Text(value.replace("\0", "\ufffd"))


def _count(rows: Iterable[Row]) -> int:
    return sum(int(row["count"]["value"]) for row in rows)


def _steps(relations: Iterable[tuple[str, str, str]], kinds: Mapping[str, bool]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one, relation, other in relations:
        if relation in kinds and one != other:
            lower, upper = (other, one) if kinds[relation] else (one, other)
            found[lower].add(upper)
    return {lower: tuple(sorted(upper)) for lower, upper in sorted(found.items())}


def _read_files(rows: Iterable[Row]) -> dict[str, str]:
    """The file of each resource, by its named graph; what no file says has none."""
    found: dict[str, str] = {}
    for row in rows:
        graph = row["graph"]["value"]
        if graph.startswith(GRAPHS) and not graph.startswith(MADE):
            path = graph.removeprefix(GRAPHS)
            file = f"{_FOLDERS.get(path.partition('/')[0], 'data/turtle/')}{path}.ttl"
            resource = row["resource"]["value"]
            found[resource] = min(file, found.get(resource, file))
    return found
