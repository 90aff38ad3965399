"""Rows of SPARQL about one resource in; properties in words and reading order, with values and origins, out.

Runs no query and writes no HTML. What a rule concluded or this project computed stands in graphs of its own
(graph/inferred/<rule>, graph/derived/<what>): a statement that is in no other graph carries those as its origins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cbdgraph.iris import natural
from cbdgraph.namespaces import GRAPHS, PREFIXES, RIGHT_TO_LEFT, expand

Term = Mapping[str, str]
Names = Mapping[str, Mapping[str, str]]  # labels by IRI and language, "" for none

_MADE: Final = (GRAPHS + "inferred/", GRAPHS + "derived/")
NAMING: Final = tuple(expand(name) for name in ("skos:prefLabel", "rdfs:label", "dcterms:title"))

# Properties of others that our ontology gives no label, where their own name does not say it.
_WORDS: Final = {
    "rdf:type": "kind",
    "skos:prefLabel": "name",
    "skos:altLabel": "other name",
    "skos:notation": "identifier",
    "skosxl:prefLabel": "name as a record",
    "skosxl:altLabel": "other name as a record",
    "skosxl:literalForm": "written form",
}
# In reading order: what it is called, what it is, where it belongs, what it says; then all that is not named here;
# then who cites it, what it is like elsewhere, and where all this comes from.
_FIRST: Final = """
    rdfs:label skos:prefLabel skosxl:literalForm dcterms:title cbd:title skos:altLabel cbd:symbol skos:notation
    cbd:number rdf:type rdfs:subClassOf rdfs:subPropertyOf
    cbd:parent cbd:isPartOf cbd:inSection cbd:inSet cbd:underGoal cbd:adoptedAt cbd:adoptedIn cbd:meetingOf
    cbd:definitionOf cbd:quantityOf cbd:outcomeOf cbd:requestedIn cbd:citingPart skos:inScheme skos:broader
    cbd:level cbd:partLabel cbd:locator cbd:position
    cbd:summary cbd:wording cbd:quote cbd:partQuote skos:definition dcterms:description
    cbd:comparator cbd:value cbd:unit cbd:ofWhat cbd:deadline cbd:year cbd:startDate cbd:endDate cbd:place
    cbd:cites cbd:citedPart cbd:citedTarget cbd:addressesTarget cbd:onIssue cbd:issue
"""
_LAST: Final = """
    cbd:citedBy skos:related skos:exactMatch skos:closeMatch skos:relatedMatch cbd:certainty cbd:reason cbd:status
    cbd:webPage rdfs:seeAlso dcterms:source cbd:sourcePlace cbd:verbatim cbd:basis cbd:labelOrigin skos:editorialNote
    rdfs:comment prov:wasDerivedFrom prov:wasAssociatedWith rdfs:isDefinedBy
    cbd:titleLabel skosxl:prefLabel skosxl:altLabel
"""
_RANK: Final[Mapping[str, int]] = {
    **{expand(name): rank for rank, name in enumerate(_FIRST.split())},
    **{expand(name): 1000 + rank for rank, name in enumerate(_LAST.split())},
}
_MIDDLE: Final = 500


@dataclass(frozen=True, slots=True)
class Name:
    """What something is called, and in which language; `language` is "" where nobody said."""

    text: str
    language: str = ""

    @property
    def direction(self) -> str:
        """`rtl` for languages that are written so, else `auto`."""
        return direction(self.language)


@dataclass(frozen=True, slots=True)
class Origin:
    """A graph of conclusions: its IRI, `inferred` or `computed`, the name of the rule, and what that says."""

    graph: str
    how: str
    rule: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a property: a term of SPARQL JSON, its name if it has one, why it is believed if not stated.

    The name of a literal is that of its datatype: which scheme a code belongs to.
    """

    term: Term
    name: Name | None
    origins: tuple[Origin, ...]

    @property
    def anchor(self) -> str:
        """The fragment of a term of an ontology, so that its IRI leads to it."""
        return self.term["value"].partition("#")[2] if self.term["type"] == "uri" else ""


@dataclass(frozen=True, slots=True)
class Group:
    """A property in words, with its values; `origins` are shared by all values; `count` is of all there are."""

    property: str
    words: str
    short: str
    values: tuple[Value, ...]
    origins: tuple[Origin, ...]
    count: int


def group_values(
    rows: Sequence[Mapping[str, Any]], names: Names, language: str, counts: Mapping[str, int] | None = None
) -> list[Group]:
    """Rows with `property`, `near` and `graphs` (IRIs with spaces between) as groups in reading order.

    Values are ordered by language of text (the page's first) and by number where they hold one.
    """
    by_property: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_property.setdefault(row["property"]["value"], []).append(row)
    groups = []
    for name in sorted(by_property, key=lambda name: (_RANK.get(name, _MIDDLE), words_of(name, names), name)):
        values = [
            Value(row["near"], _name(row["near"], names, language), _origins(row, names, language))
            for row in sorted(by_property[name], key=lambda row: _order(row["near"], language))
        ]
        first = values[0].origins
        shared = first if all(value.origins == first for value in values) else ()
        count = (counts or {}).get(name, len(values))
        groups.append(Group(name, words_of(name, names), short(name), tuple(values), shared, count))
    return groups


def words_of(iri: str, names: Names) -> str:
    """A property in words: its label, else its own name taken apart.

    >>> words_of("http://www.w3.org/2004/02/skos/core#editorialNote", {})
    'editorial note'
    """
    found = pick(names.get(iri, {}), "en")
    if found is not None:
        return found.text
    prefixed = short(iri)
    own = re.split(r"[#/:]", prefixed.rstrip("#/"))[-1]
    return _WORDS.get(prefixed) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", own).lower() or iri


def pick(labels: Mapping[str, str], language: str) -> Name | None:
    """The label in that language, else in English, else in none, else in the first there is."""
    for wanted in (language, "en", "", *sorted(labels)):
        if wanted in labels:
            return Name(labels[wanted], wanted)
    return None


def read_names(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Labels by IRI and language from rows with `node`, `naming` and `label`; a preferred label wins."""
    names: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: (NAMING.index(row["naming"]["value"]), row["label"]["value"])):
        labels = names.setdefault(row["node"]["value"], {})
        labels.setdefault(row["label"].get("xml:lang", ""), row["label"]["value"])
    return names


def short(iri: str) -> str:
    """An IRI as a prefixed name where the project has a prefix for it.

    >>> short("http://www.w3.org/2004/02/skos/core#prefLabel")
    'skos:prefLabel'
    """
    for prefix, namespace in PREFIXES.items():
        local = iri.removeprefix(namespace)
        if local != iri and local and "/" not in local and "#" not in local:
            return f"{prefix}:{local}"
    return iri


def direction(language: str) -> str:
    """How a text in that language runs: `rtl`, or `auto` for what its characters say."""
    return "rtl" if language.partition("-")[0].lower() in RIGHT_TO_LEFT else "auto"


def _name(term: Term, names: Names, language: str) -> Name | None:
    named = term["value"] if term["type"] == "uri" else term.get("datatype", "")
    return pick(names.get(named, {}), language)


def _origins(row: Mapping[str, Any], names: Names, language: str) -> tuple[Origin, ...]:
    graphs = sorted(row["graphs"]["value"].split(" ")) if row.get("graphs", {}).get("value") else []
    if not graphs or not all(graph.startswith(_MADE) for graph in graphs):
        return ()
    origins = []
    for graph in graphs:
        how, _, rule = graph.removeprefix(GRAPHS).partition("/")
        meaning = pick(names.get(graph, {}), language)
        said = meaning.text.removeprefix("inferred: ") if meaning else ""
        origins.append(Origin(graph, "inferred" if how == "inferred" else "computed", rule, said))
    return tuple(origins)


def _order(term: Term, language: str) -> tuple[int, str, list[tuple[bool, int, str]]]:
    spoken = term.get("xml:lang", "")
    rank = {"": 2, language: 0, "en": 1}.get(spoken, 2)
    return rank, spoken, natural(term["value"])
