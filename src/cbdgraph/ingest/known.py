"""The checkout's data in, what it already records out: the look-ups that a proposal needs. Reads, never writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from rdflib import RDF, Literal, URIRef
from rdflib.term import Node

from cbdgraph.namespaces import ONTOLOGY, expand
from cbdgraph.rdf.catalog import DATA, find_sources
from cbdgraph.rdf.turtle import TurtleFile, read_turtle
from cbdgraph.terminology.finding import Name

_LABELS: Final = tuple(map(expand, ("skosxl:prefLabel", "skosxl:altLabel", "skosxl:hiddenLabel")))
_LITERAL: Final = URIRef(expand("skosxl:literalForm"))
_CITING, _QUOTE, _PART, _CITED = (URIRef(ONTOLOGY + n) for n in ("citingPart", "quote", "partQuote", "citedPart"))
_TARGET: Final = URIRef(ONTOLOGY + "citedTarget")

# A citation by what it says and not by its number: where it stands, its words, and what it cites.
Key = tuple[str, str, str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Known:
    """What `data/turtle` records: files by their path inside the checkout, and look-ups over all of them.

    `kinds` gives the class of each resource, `names` the issues and terms of a language by label, `titles` the
    documents by theirs, `digests` the texts whose file was accepted before, `figures` the quantities
    of each target as comparator, value and unit, `requests` who is asked by which action: by part with nobody named,
    and by decision with all who are, `terms` all names of the vocabulary's terms.
    """

    files: Mapping[str, TurtleFile]
    kinds: Mapping[str, str]
    names: Mapping[tuple[str, str, str], str]
    titles: Mapping[str, str]
    digests: Mapping[str, str]
    citations: Mapping[Key, str]
    figures: Mapping[str, frozenset[tuple[str, str, str]]]
    numbers: Mapping[str, int]
    requests: frozenset[tuple[str, str, str]]
    terms: tuple[Name, ...]

    @classmethod
    def read(cls, root: Path) -> Self:
        """Read the data of a checkout; `TurtleError` for a file that is not Turtle."""
        sources = [source for source in find_sources(root) if source.is_data]
        return cls.of({source.name: read_turtle(source.path, source.name) for source in sources})

    @classmethod
    def of(cls, files: Mapping[str, TurtleFile]) -> Self:
        """The look-ups over files that were read."""
        subjects: dict[Node, dict[str, list[Node]]] = {}
        for file in files.values():
            for subject, predicate, value in file.triples:
                subjects.setdefault(subject, {}).setdefault(str(predicate), []).append(value)
        rdf_type = str(RDF.type)
        kinds = {
            str(subject): str(values[rdf_type][0]).removeprefix(ONTOLOGY)
            for subject, values in subjects.items()
            if rdf_type in values
        }
        names: dict[tuple[str, str, str], str] = {}
        titles: dict[str, str] = {}
        digests: dict[str, str] = {}
        citations: dict[Key, str] = {}
        figures: dict[str, set[tuple[str, str, str]]] = {}
        numbers: dict[str, int] = {}
        requests: set[tuple[str, str, str]] = set()
        terms: set[Name] = set()
        for subject, values in subjects.items():
            iri, kind = str(subject), kinds.get(str(subject), "")

            def one(name: str, values: dict[str, list[Node]] = values) -> str:
                return str(values.get(ONTOLOGY + name, [""])[0])

            if kind in {"Issue", "Term"}:
                for kind_of_name, label in ((name, each) for name in _LABELS for each in values.get(name, [])):
                    form = next(
                        (v for p, vs in subjects.get(label, {}).items() for v in vs if p == str(_LITERAL)), None
                    )
                    if isinstance(form, Literal):
                        names.setdefault((kind, form.language or "", fold(str(form))), iri)
                        if kind == "Term":
                            terms.add(Name(iri, str(form), form.language or "", kind_of_name == _LABELS[0]))
            if kind in {"Document", "Decision", "Recommendation"}:
                titles |= {fold(str(title)): iri for title in values.get(ONTOLOGY + "title", [])}
                digests |= {str(digest): iri for digest in values.get(ONTOLOGY + "contentDigest", [])}
            if kind in {"Citation", "TargetReference"}:
                cited = frozenset(str(v) for p in (_CITED, _TARGET) for v in values.get(str(p), []))
                citations[one("citingPart"), one("quote"), one("partQuote"), cited] = iri
            if kind == "QuantitativeElement":
                figure = (_last(one("comparator")), one("value"), _last(one("unit")))
                figures.setdefault(one("quantityOf"), set()).add(figure)
            if kind == "Request":
                asked, action = one("requestedIn"), _last(one("action"))
                who = " ".join(sorted(_last(str(each)) for each in values.get(ONTOLOGY + "addressee", [])))
                requests |= {(asked, action, ""), ("/".join(asked.split("/")[:8]), action, who)}
            holder, _, number = iri.rpartition("/")
            if number.isdigit():
                numbers[holder] = max(numbers.get(holder, 0), int(number))
        return cls(
            files=MappingProxyType(dict(files)),
            kinds=MappingProxyType(kinds),
            names=MappingProxyType(names),
            titles=MappingProxyType(titles),
            digests=MappingProxyType(digests),
            citations=MappingProxyType(citations),
            figures=MappingProxyType({iri: frozenset(rows) for iri, rows in figures.items()}),
            numbers=MappingProxyType(numbers),
            requests=frozenset(requests),
            terms=tuple(sorted(terms)),
        )

    def find_named(self, kind: str, words: str, language: str) -> str | None:
        """The issue or term of that name in a language, None if there is none."""
        return self.names.get((kind, language, fold(words)))


def read_terms(root: Path) -> tuple[Name, ...]:
    """The names of a checkout's terms, from the files of its vocabulary; `TurtleError` for one that is broken."""
    sources = [
        source
        for source in find_sources(root)
        if source.name.startswith((f"{DATA.as_posix()}/terms/", f"{DATA.as_posix()}/terms."))
    ]
    return Known.of({source.name: read_turtle(source.path, source.name) for source in sources}).terms


def fold(words: str) -> str:
    """The form in which names are compared: small letters, single blanks, no quotes around them."""
    return " ".join(words.split()).strip(" .:：《》“”\"'«»").lower()


def _last(iri: str) -> str:
    return iri.rpartition("/")[2]
