"""Approved wordings in, a difference against data/turtle out, ready for `git apply`; writes no file.

Only what a definition or a name says is changed: its wording or literal form in one language, or a name where a term
has none. All else of a record stays, and the files stay in the house format.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rdflib import Literal, URIRef
from rdflib.namespace import RDF

from cbdgraph.errors import TurtleError
from cbdgraph.namespaces import BASE, LANGUAGES, expand
from cbdgraph.rdf.catalog import find_sources
from cbdgraph.rdf.turtle import Triple, TurtleFile, format_turtle, read_turtle, rewrite

_WORDING: Final = URIRef(expand("cbd:wording"))
_FORM: Final = URIRef(expand("skosxl:literalForm"))
_PREFERRED: Final = URIRef(expand("skosxl:prefLabel"))
_ORIGIN: Final = URIRef(expand("cbd:labelOrigin"))
_VERBATIM: Final = URIRef(expand("cbd:verbatim"))
_OF_SOURCE: Final = URIRef(BASE + "label-origin/source")
_OF_PROJECT: Final = URIRef(BASE + "label-origin/project")
_CLASSES: Final = {
    URIRef(expand("cbd:Definition")): _WORDING,
    URIRef(expand("skosxl:Label")): _FORM,
    URIRef(expand("cbd:Term")): _PREFERRED,
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What `subject` should say in `language`; `says` tells a person who approved it, when."""

    subject: str
    language: str
    text: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A unified difference, "" for none; what it changes; and what is to be known before it is applied."""

    text: str
    changed: tuple[Suggestion, ...]
    notes: tuple[str, ...]


def make_difference(root: Path, suggestions: Iterable[Suggestion]) -> Difference:
    """The difference that the suggestions make to the files; what says so already, or has no record, is left out."""
    wanted = {(URIRef(each.subject), each.language): each for each in suggestions}
    left = dict(wanted)
    pieces: list[str] = []
    changed: list[Suggestion] = []
    notes: list[str] = []
    for source in find_sources(root):
        if not source.is_data:
            continue
        file = read_turtle(source.path, source.name)
        here = [key for key in wanted if key in left and _class_of(file, key[0]) is not None]
        if not here:
            continue
        triples = list(file.triples)
        for key in here:
            suggestion = left.pop(key)
            if note := _note(file, suggestion):
                notes.append(note)
            if _apply(triples, suggestion, _class_of(file, key[0])):
                changed.append(suggestion)
        if tuple(triples) != file.triples:
            before = source.path.read_text(encoding="utf-8")
            if rewrite(file) != before:
                raise TurtleError(source.name, "not in the house format; run first: cbdgraph fmt")
            after = format_turtle(triples, file.comment, source.name)
            pieces += difflib.unified_diff(
                before.splitlines(keepends=True),
                after.splitlines(keepends=True),
                f"a/{source.name}",
                f"b/{source.name}",
            )
    notes += [f"{each.subject} in {each.language}: no file of data/turtle describes it" for each in left.values()]
    head = [f"# {each.subject} in {each.language}: {each.says}\n" for each in changed]
    return Difference("".join((*head, *pieces)) if pieces else "", tuple(changed), tuple(notes))


def _class_of(file: TurtleFile, subject: URIRef) -> URIRef | None:
    """The property by which a subject of the file says what it says; None where it is not described there."""
    if subject not in file.lines:
        return None
    return next((_CLASSES[o] for s, p, o in file.triples if s == subject and p == RDF.type and o in _CLASSES), None)  # type: ignore[index]


def _apply(triples: list[Triple], suggestion: Suggestion, by: URIRef | None) -> bool:
    """Change the triples in place; whether that changed anything."""
    subject, text = URIRef(suggestion.subject), Literal(suggestion.text, lang=suggestion.language)
    if suggestion.language not in LANGUAGES or by is None:
        return False
    if by == _PREFERRED:
        return _add_name(triples, subject, text)
    own = [at for at, triple in enumerate(triples) if triple[0] == subject and triple[1] == by]
    for at in own:
        if getattr(triples[at][2], "language", None) == suggestion.language:
            is_new = triples[at][2] != text
            triples[at] = (subject, by, text)
            return is_new
    if by == _FORM:
        return False  # a name is in one language
    triples.insert((own or [_last(triples, subject)])[-1] + 1, (subject, by, text))
    return True


def _add_name(triples: list[Triple], term: URIRef, text: Literal) -> bool:
    """A preferred name of a term that has none in that language, behind its others."""
    label = URIRef(f"{term}/label/{text.language}")
    if any(triple[0] == label for triple in triples):
        return False
    names = [at for at, triple in enumerate(triples) if str(triple[0]).startswith(f"{term}/label/")]
    at = (names[-1] if names else _last(triples, term)) + 1
    record = ((label, RDF.type, URIRef(expand("skosxl:Label"))), (label, _FORM, text), (label, _ORIGIN, _OF_PROJECT))
    triples[at:at] = record
    own = [n for n, triple in enumerate(triples) if triple[0] == term and triple[1] == _PREFERRED]
    triples.insert((own[-1] if own else _last(triples, term)) + 1, (term, _PREFERRED, label))
    return True


def _last(triples: list[Triple], subject: URIRef) -> int:
    return max(at for at, triple in enumerate(triples) if triple[0] == subject)


def _note(file: TurtleFile, suggestion: Suggestion) -> str:
    """What a person has to look at before the wording of a source is changed."""
    said = defaultdict(set)
    for subject, predicate, value in file.triples:
        if str(subject) == suggestion.subject:
            said[predicate].add(str(value))
    where = f"{suggestion.subject} in {suggestion.language}"
    if "true" in said[_VERBATIM] and suggestion.language in {
        getattr(value, "language", None)
        for s, p, value in file.triples
        if str(s) == suggestion.subject and p == _WORDING
    }:
        return (
            f"{where}: the record says that this is the source's wording, word for word; compare it with the source"
        )
    if str(_OF_SOURCE) in said[_ORIGIN]:
        return f"{where}: the record says that this name stands in a source; does it stand there as it is now?"
    return ""
