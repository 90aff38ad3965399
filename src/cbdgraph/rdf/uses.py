"""Asserted triples in, uses of terms out: those that words show which the graph holds exactly as a text has them.

Such words are titles, quotes of citations, verbatim definitions, and names of issues and targets that one text gives.
This project's own summaries show nothing: that they use a term does not mean that the text does. Nor do the names of
terms themselves, whose source is stated with them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from rdflib import RDF, XSD, Literal, URIRef
from rdflib.term import Node

from cbdgraph.iris import mint
from cbdgraph.namespaces import expand
from cbdgraph.rdf.turtle import Triple
from cbdgraph.terminology.finding import Name, TermFinder
from cbdgraph.terminology.terms import TERM
from cbdgraph.terminology.uses import Use, gather_uses

_CITING, _QUOTE, _USED_IN, _USES, _OCCURRENCES, _BASIS = (
    URIRef(expand(f"cbd:{name}")) for name in ("citingPart", "quote", "usedIn", "usesTerm", "occurrences", "basis")
)
_USE: Final = URIRef(expand("cbd:TermUse"))
_WORDING, _VERBATIM, _ORIGIN = (URIRef(expand(f"cbd:{name}")) for name in ("wording", "verbatim", "labelOrigin"))
_SOURCE, _FORM = URIRef(expand("dcterms:source")), URIRef(expand("skosxl:literalForm"))
_TITLES: Final = (URIRef(expand("cbd:title")), URIRef(expand("dcterms:title")))
_LABELS: Final = tuple(
    URIRef(expand(name)) for name in ("skosxl:prefLabel", "skosxl:altLabel", "skosxl:hiddenLabel", "cbd:titleLabel")
)
_OF_A_SOURCE: Final = URIRef(mint("label-origin/source"))
_TEXTS: Final = frozenset(
    URIRef(expand(f"cbd:{name}"))
    for name in ("Document", "Decision", "Recommendation", "Element", "Paragraph", "Text")
)
_TERM: Final = URIRef(expand("cbd:Term"))

# A text, and words that stand in it.
Words = tuple[Node, Literal]


def derive_uses(triples: Iterable[Triple]) -> Iterator[Triple]:
    """A `cbd:TermUse` for each text and term, where none is asserted.

    A title in several languages is one text: what is counted is the language in which the term comes up most often.
    """
    facts = _Facts(triples)
    finder = TermFinder(facts.names())
    words: dict[Node, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for text, literal in facts.words():
        if text in facts.texts and literal.language:
            words[text][literal.language].setdefault(str(literal))
    for text in sorted(words, key=str):
        yield from _uses_of(text, words[text], finder, facts.recorded)


def _uses_of(
    text: Node, words: dict[str, dict[str, None]], finder: TermFinder, recorded: frozenset[Node]
) -> Iterator[Triple]:
    found: dict[str, dict[str, Use]] = defaultdict(dict)
    for language in sorted(words):
        mentions = [mention for each in words[language] for mention in finder.find(each, language)]
        for use in gather_uses(mentions):
            if use.certainty != "ambiguous":
                found[use.term][language] = use
    for term in sorted(found):
        node = URIRef(f"{text}/term-use/{term.removeprefix(TERM)}")
        if node in recorded or not term.startswith(TERM):
            continue
        yield node, RDF.type, _USE
        yield node, _USED_IN, text
        yield node, _USES, URIRef(term)
        for language, use in found[term].items():
            for form in use.forms:
                yield node, _QUOTE, Literal(form, lang=language)
        count = max(use.count for use in found[term].values())
        yield node, _OCCURRENCES, Literal(str(count), datatype=XSD.integer, normalize=False)
        yield node, _SOURCE, text
        yield node, _BASIS, URIRef(mint("basis/inferred"))


class _Facts:
    """The few statements that matter here."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.texts: set[Node] = set()
        self.terms: set[Node] = set()
        self.labels: dict[Node, tuple[Node, bool]] = {}
        self.titles: list[Words] = []
        self._literals: dict[Node, dict[Node, list[Literal]]] = defaultdict(lambda: defaultdict(list))
        self._links: dict[Node, dict[Node, list[Node]]] = defaultdict(lambda: defaultdict(list))
        recorded: set[Node] = set()
        for subject, predicate, value in triples:
            if predicate == RDF.type:
                if value in _TEXTS:
                    self.texts.add(subject)
                elif value == _TERM:
                    self.terms.add(subject)
                elif value == _USE:
                    recorded.add(subject)
            elif predicate in _TITLES and isinstance(value, Literal):
                self.titles.append((subject, value))
            elif predicate in _LABELS:
                self.labels[value] = (subject, predicate == _LABELS[0])
            elif predicate in (_QUOTE, _WORDING, _FORM, _VERBATIM) and isinstance(value, Literal):
                self._literals[subject][predicate].append(value)
            elif predicate in (_CITING, _SOURCE, _ORIGIN):
                self._links[subject][predicate].append(value)
        self.recorded = frozenset(recorded)

    def names(self) -> Iterator[Name]:
        """The names of all terms."""
        for label, (holder, preferred) in sorted(self.labels.items(), key=str):
            if holder in self.terms:
                for form in self._literals[label][_FORM]:
                    yield Name(str(holder), str(form), form.language or "", preferred)

    def words(self) -> Iterator[Words]:
        """Texts with words that stand in them; what has two sources may stand in either, and is left out."""
        yield from self.titles
        for subject, literals in self._literals.items():
            sources = self._links[subject][_SOURCE]
            if len(self._links[subject][_CITING]) == 1:
                for words in literals[_QUOTE]:
                    yield self._links[subject][_CITING][0], words
            if len(sources) == 1 and any(value.toPython() is True for value in literals[_VERBATIM]):
                for words in literals[_WORDING]:
                    yield sources[0], words
            if _OF_A_SOURCE in self._links[subject][_ORIGIN]:
                yield from self._label(subject, literals[_FORM], sources)

    def _label(self, label: Node, forms: list[Literal], sources: list[Node]) -> Iterator[Words]:
        """A title stands in the text that it is the title of, another name in the text that gives it."""
        holder = self.labels[label][0] if label in self.labels else None
        if holder in self.terms:
            return
        places = [holder] if holder in self.texts else sources if len(sources) == 1 else []
        for place in places:
            for form in forms:
                if place is not None:
                    yield place, form
