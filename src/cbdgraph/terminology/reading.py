"""Rows of one SELECT in, a `Terminology` out; runs no query itself, so that any engine may.

`STATEMENTS` asks for all statements about terms, labels, definitions, features and the feature scheme, and for the
names of what these point to. Rows are the bindings of SPARQL JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from cbdgraph.iris import natural
from cbdgraph.model import Text
from cbdgraph.namespaces import BASE, expand, rank_language
from cbdgraph.queries import prologue
from cbdgraph.terminology.terms import (
    Definition,
    Dimension,
    Feature,
    Label,
    LabelKind,
    Term,
    Terminology,
    Value,
)

STATEMENTS: Final = (
    prologue(("cbd", "dcterms", "rdfs", "skos", "skosxl"))
    + """

SELECT DISTINCT ?subject ?property ?value
WHERE {
  {
    VALUES ?class { cbd:Term cbd:Definition cbd:Feature }
    ?subject a ?class ; ?property ?value .
  } UNION {
    ?term a cbd:Term ; skosxl:prefLabel|skosxl:altLabel|skosxl:hiddenLabel ?subject .
    ?subject ?property ?value .
  } UNION {
    ?subject skos:inScheme <https://w3id.org/cbdgraph/feature> ; ?property ?value .
  } UNION {
    VALUES ?class { cbd:Term cbd:Definition }
    ?holder a ?class ; dcterms:source|dcterms:subject|cbd:status ?subject .
    VALUES ?property { skos:prefLabel rdfs:label dcterms:title }
    ?subject ?property ?value .
  } UNION {
    ?term a cbd:Term ; skosxl:prefLabel|skosxl:altLabel|skosxl:hiddenLabel ?label .
    ?label dcterms:source ?subject .
    VALUES ?property { skos:prefLabel rdfs:label dcterms:title }
    ?subject ?property ?value .
  }
}"""
)

_TYPE: Final = expand("rdf:type")
_SCHEME: Final = BASE + "feature"
_KINDS: Final[Mapping[str, LabelKind]] = {"pref": "preferred", "alt": "alternative", "hidden": "hidden"}
_MATCHES: Final = tuple(expand(f"skos:{kind}Match") for kind in ("exact", "close", "broad", "narrow", "related"))

Row = Mapping[str, Mapping[str, str]]


class _Statements:
    """What is said of each subject: values by property, in a fixed order."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._values: dict[str, dict[str, list[Mapping[str, str]]]] = defaultdict(lambda: defaultdict(list))
        self.of_class: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            subject, name, value = row["subject"]["value"], row["property"]["value"], row["value"]
            self._values[subject][name].append(value)
            if name == _TYPE:
                self.of_class[value["value"]].add(subject)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def all(self, subject: str, name: str) -> list[Mapping[str, str]]:
        found = self._values.get(subject, {}).get(expand(name), [])
        return sorted(found, key=lambda value: (value["value"], value.get("xml:lang", "")))

    def iris(self, subject: str, name: str) -> tuple[str, ...]:
        return tuple(value["value"] for value in self.all(subject, name) if value["type"] == "uri")

    def texts(self, subject: str, name: str) -> tuple[Text, ...]:
        return tuple(
            Text(value["value"], value.get("xml:lang", ""))
            for value in self.all(subject, name)
            if value["type"] == "literal"
        )

    def one(self, subject: str, name: str) -> str:
        found = self.all(subject, name)
        return found[0]["value"] if found else ""

    def by_language(self, subject: str, name: str) -> dict[str, str]:
        return {text.language: text.value for text in reversed(self.texts(subject, name))}


def read_terminology(rows: Iterable[Row]) -> Terminology:
    """The terminology that the answer to `STATEMENTS` describes; what is not there is left empty."""
    said = _Statements(rows)
    features: dict[str, dict[str, Feature]] = defaultdict(dict)
    for iri in sorted(said.of_class[expand("cbd:Feature")]):
        feature = _feature(said, iri)
        features[said.one(iri, "cbd:featureOf")][feature.dimension] = feature
    definitions: dict[str, list[Definition]] = defaultdict(list)
    for iri in sorted(said.of_class[expand("cbd:Definition")]):
        definition = _definition(said, iri, features[iri])
        definitions[definition.term].append(definition)
    narrower: dict[str, set[str]] = defaultdict(set)
    for iri in said.of_class[expand("cbd:Term")]:
        narrower[iri].update(said.iris(iri, "skos:narrower"))
        for broader in said.iris(iri, "skos:broader"):
            narrower[broader].add(iri)
    terms = {
        iri: _term(
            said,
            iri,
            sorted(definitions[iri], key=lambda each: (each.year or "9999", natural(each.iri))),
            sorted(narrower[iri]),
        )
        for iri in sorted(said.of_class[expand("cbd:Term")], key=natural)
    }
    names = {
        iri: {
            **said.by_language(iri, "dcterms:title"),
            **said.by_language(iri, "rdfs:label"),
            **said.by_language(iri, "skos:prefLabel"),
        }
        for iri in said
    }
    return Terminology(terms, _dimensions(said), {iri: found for iri, found in names.items() if found})


def _last(iri: str) -> str:
    return iri.rpartition("/")[2]


def _feature(said: _Statements, iri: str) -> Feature:
    return Feature(
        iri,
        said.one(iri, "cbd:dimension"),
        frozenset(said.iris(iri, "cbd:featureValue")),
        _last(said.one(iri, "cbd:basis")),
        said.texts(iri, "skos:editorialNote"),
    )


def _definition(said: _Statements, iri: str, features: Mapping[str, Feature]) -> Definition:
    verbatim = said.one(iri, "cbd:verbatim")
    return Definition(
        iri=iri,
        term=said.one(iri, "cbd:definitionOf"),
        wordings=said.by_language(iri, "cbd:wording"),
        verbatim=verbatim in {"true", "1"} if verbatim else None,
        year=said.one(iri, "cbd:year"),
        sources=said.iris(iri, "dcterms:source"),
        place=said.one(iri, "cbd:sourcePlace"),
        language=said.one(iri, "dcterms:language"),
        status=_last(said.one(iri, "cbd:status")),
        basis=_last(said.one(iri, "cbd:basis")),
        replaces=said.iris(iri, "dcterms:replaces"),
        notes=said.texts(iri, "skos:editorialNote"),
        features=dict(features),
    )


def _term(said: _Statements, iri: str, definitions: Sequence[Definition], narrower: Sequence[str]) -> Term:
    return Term(
        iri=iri,
        labels=_labels(said, iri),
        definitions=tuple(definitions),
        broader=said.iris(iri, "skos:broader"),
        narrower=tuple(narrower),
        related=said.iris(iri, "skos:related"),
        matches=tuple((name, value["value"]) for name in _MATCHES for value in said.all(iri, _short(name))),
        issues=said.iris(iri, "dcterms:subject"),
        sources=said.iris(iri, "dcterms:source"),
        place=said.one(iri, "cbd:sourcePlace"),
        basis=_last(said.one(iri, "cbd:basis")),
        scope_notes=said.texts(iri, "skos:scopeNote"),
        notes=said.texts(iri, "skos:editorialNote"),
    )


def _short(name: str) -> str:
    return "skos:" + name.rpartition("#")[2]


def _labels(said: _Statements, iri: str) -> tuple[Label, ...]:
    """Names that are records; and those that are literals only, as a user's own data may have them."""
    found, spelled = [], set()
    for short, kind in _KINDS.items():
        for label in said.iris(iri, f"skosxl:{short}Label"):
            for text in said.texts(label, "skosxl:literalForm"):
                spelled.add((text.value, text.language))
                found.append(
                    Label(
                        label,
                        text.value,
                        text.language,
                        kind,
                        _last(said.one(label, "cbd:labelOrigin")),
                        said.iris(label, "dcterms:source"),
                        said.one(label, "cbd:sourcePlace"),
                        _last(said.one(label, "cbd:basis")),
                        said.texts(label, "skos:editorialNote"),
                    )
                )
        for text in said.texts(iri, f"skos:{short}Label"):
            if (text.value, text.language) not in spelled:
                found.append(Label("", text.value, text.language, kind))
    return tuple(sorted(found, key=_order))


def _order(label: Label) -> tuple[object, ...]:
    """By language in the order of the United Nations' list, preferred names first."""
    kind = list(_KINDS.values()).index(label.kind)
    return *rank_language(label.language), kind, natural(label.iri), label.text


def _dimensions(said: _Statements) -> tuple[Dimension, ...]:
    """The questions of the feature scheme that its data give, in the order in which they stand in the IRIs' names."""
    answers: dict[str, list[Value]] = defaultdict(list)
    for iri in sorted(said):
        for broader in said.iris(iri, "skos:broader"):
            if _SCHEME in said.iris(iri, "skos:inScheme"):
                answers[broader].append(_value(said, iri))
    return tuple(
        Dimension(each.iri, each.names, each.meanings, tuple(answers[each.iri]))
        for each in (_value(said, iri) for iri in sorted(answers))
    )


def _value(said: _Statements, iri: str) -> Value:
    return Value(iri, said.by_language(iri, "skos:prefLabel"), said.by_language(iri, "skos:definition"))
