"""Checks on definitions and features beyond what a query can tell: a terminology in, resources with findings out."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from cbdgraph.model import Text
from cbdgraph.namespaces import rank_language
from cbdgraph.quality.checks import Check, Hit
from cbdgraph.quality.vocabulary import Detail, Material, read_detail
from cbdgraph.terminology.comparison import matrix
from cbdgraph.terminology.finding import TermFinder, names_of
from cbdgraph.terminology.terms import Definition, Term


def _iri(name: str) -> Detail:
    return read_detail({"type": "uri", "value": name})


def find_same_wording(material: Material) -> Iterator[Hit]:
    """Definitions of different terms that say the same in the same language, but for capitals, blanks and signs."""
    bearers: dict[tuple[str, str], list[Definition]] = defaultdict(list)
    for definition in material.terminology.definitions():
        for language, wording in definition.wordings.items():
            if key := _bare(wording):
                bearers[language, key].append(definition)
    found: dict[str, set[str]] = defaultdict(set)
    for same in bearers.values():
        if len({definition.term for definition in same}) > 1:
            same = sorted(same, key=lambda each: each.iri)
            for definition in same:
                # The first one of another term: to name all would be the square of their number.
                other = next(each for each in same if each.term != definition.term)
                found[definition.iri].add(other.iri)
    for iri, others in sorted(found.items()):
        yield iri, tuple(map(_iri, sorted(others)))


def _bare(wording: str) -> str:
    """What is compared: letters, marks and digits alone."""
    folded = unicodedata.normalize("NFKC", wording).casefold()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LMN")


def find_circular(material: Material) -> Iterator[Hit]:
    """Definitions whose wording uses a name of their own term, in whatever form the grammar gives it."""
    finder = TermFinder(names_of(material.terminology))
    for definition in material.terminology.definitions():
        quotes = {
            (language, mention.quote)
            for language, wording in definition.wordings.items()
            for mention in finder.find(wording, language)
            if definition.term in (mention.term, *mention.alternatives)
        }
        if quotes:
            ordered = sorted(quotes, key=lambda quote: (rank_language(quote[0]), quote[1]))
            yield definition.iri, tuple(Text(quote, language) for language, quote in ordered)


def find_uneven(material: Material) -> Iterator[Hit]:
    """Definitions that were not examined in a dimension in which another of the same term was."""
    for term in material.terminology.terms.values():
        every = {dimension for definition in term.definitions for dimension in definition.features}
        for definition in term.definitions:
            if definition.features and (missing := every - definition.features.keys()):
                yield definition.iri, tuple(map(_iri, sorted(missing)))


def find_contradictions(material: Material) -> Iterator[Hit]:
    """Terms with two definitions that answer one dimension and have no answer in common."""
    for term in material.terminology.terms.values():
        disputed = [
            row.dimension.iri for row in matrix(term.definitions, material.terminology.dimensions) if row.is_disputed
        ]
        if disputed:
            yield term.iri, tuple(map(_iri, disputed))


def find_unsourced(material: Material) -> Iterator[Hit]:
    """Terms with a language in which no name has a source; the preferred names of these languages are shown."""
    for term in material.terminology.terms.values():
        if own := [text for language in _unsourced(term) for text in _shown(term, language)]:
            yield term.iri, tuple(own)


def _unsourced(term: Term) -> list[str]:
    spoken = {label.language for label in term.labels}
    sourced = {label.language for label in term.labels if label.origin == "source" or label.sources}
    return sorted(spoken - sourced, key=rank_language)


def _shown(term: Term, language: str) -> list[Text]:
    preferred = term.preferred(language)
    names = [preferred] if preferred else [label for label in term.labels if label.language == language]
    return [Text(label.text, label.language) for label in names]


CHECKS: Final = (
    Check(
        "same-wording-under-two-terms",
        "Same Wording under Two Terms",
        "definitions",
        "warning",
        "definitions",
        "A definition of another term says the same in the same words.",
        "See in the source to which term it belongs; if to both, the terms may be one, or one an alternative name.",
        needs_source=True,
        find=find_same_wording,
    ),
    Check(
        "definition-uses-its-own-term",
        "Definition Uses Its Own Term",
        "definitions",
        "warning",
        "definitions",
        "The wording explains the term by the term itself; the words are shown as they stand.",
        "Say it in other words where the wording is ours; if it is verbatim, let a note tell that.",
        find=find_circular,
    ),
    Check(
        "definitions-examined-unevenly",
        "Definitions Examined Unevenly",
        "definitions",
        "warning",
        "definitions with features",
        "A definition was not examined in a dimension in which another definition of the term was.",
        "Add a feature for each dimension named here: its answer, or <feature/not-said> where the wording is silent.",
        find=find_uneven,
    ),
    Check(
        "definitions-that-contradict",
        "Definitions That Contradict",
        "definitions",
        "note",
        "terms with several definitions",
        "Two definitions answer a dimension and have no answer in common; no fault, but where sources part.",
        "Nothing to mend: compare the two on the page of the term, and say in the text which one is meant.",
        needs_source=True,
        find=find_contradictions,
    ),
    Check(
        "names-without-source",
        "Names without Source",
        "labelling",
        "note",
        "terms",
        "A term has names in a language, and all of them were proposed by this project; they are shown.",
        "Look for the name in a text of that language, and give the label its source; or have it reviewed.",
        needs_source=True,
        find=find_unsourced,
    ),
)
