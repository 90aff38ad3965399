"""Records as a file names things in, records with IRIs of ours out: ids, titles and names become what they stand for.

An entry that is not ours is taken as the term that has its preferred name, if exactly one has; otherwise a new slug
is proposed, from its English name. Looks things up, and changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from cbdgraph.errors import InvalidName
from cbdgraph.exchange.records import Fault, Record, Value, lengthen, shorten
from cbdgraph.ingest.known import fold
from cbdgraph.iris import mint, mint_slug
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE
from cbdgraph.terminology.terms import TERM, Term, Terminology

_STEPS: Final = {"preferred": "label", "alternative": "alt-label", "hidden": "hidden-label"}
_STATED: Final = (Iri(BASE + "basis/stated"),)
_ORIGINS: Final = {True: (Iri(BASE + "label-origin/source"),), False: (Iri(BASE + "label-origin/project"),)}
_RELATIONS: Final = ("broader", "related", "exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")


class Names:
    """Gives things their IRIs; collects what could not be named."""

    def __init__(self, terminology: Terminology, titles: Mapping[str, str], source: str = "") -> None:
        self._terminology, self._titles, self._source = terminology, titles, source
        self.faults: list[Fault] = []
        self.remarks: list[str] = []
        self._by_name: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._taken: set[str] = set()
        for term in terminology.terms.values():
            self._taken.add(term.iri)
            self._taken.update(label.iri for label in term.labels)
            self._taken.update(each.iri for each in term.definitions)
            for label in term.labels:
                if label.kind == "preferred":
                    self._by_name[label.language, fold(label.text)].add(term.iri)

    def resolve(self, records: Iterable[Record]) -> list[Record]:
        """The records with IRIs of ours, in their order, without labels that a term has already."""
        rows = list(records)
        labels: dict[str, list[Record]] = defaultdict(list)
        for record in rows:
            if record.kind == "label":
                labels[record.owner].append(record)
        self._taken.update(record.key for record in rows if record.is_named)
        keys: dict[str, str] = {}
        strangers: set[str] = set()
        for record in rows:
            if record.kind == "term":
                keys[record.key] = self._term(record, labels[record.key])
                if not _is_ours(record):
                    strangers.add(keys[record.key])
        found: list[Record] = []
        for record in rows:
            owner = keys.get(record.owner, record.owner)
            record = replace(record, owner=owner)
            match record.kind:
                case "term":
                    found += self._whole_term(record, keys)
                case "label":
                    found += self._label(record, is_strange=owner in strangers)
                case "definition":
                    known = record.key
                    record = self._definition(record)
                    keys[known] = record.key
                    found.append(record)
                case "feature":
                    found.append(self._feature(record, keys))
        return found

    def _term(self, record: Record, labels: list[Record]) -> str:
        """The IRI of a term."""
        if _is_ours(record):
            return record.key
        name = record.key.removeprefix("#")
        if TERM + name in self._terminology.terms:
            return TERM + name
        preferred = [label.texts("text")[0] for label in labels if _kind(label) == "preferred"]
        known = {iri for text in preferred for iri in self._by_name.get((text.language, fold(text.value)), ())}
        if len(known) == 1:
            iri = known.pop()
            self.remarks.append(f"{record.place}: {name} is taken as {shorten(iri)}, which has its name")
            return iri
        if known:
            several = ", ".join(sorted(map(shorten, known)))
            reason = f"{name} has the names of {several}; make its id that of the term that is meant"
            self.faults.append(Fault(record.place, reason))
            return TERM + "unknown"
        spelled = sorted(preferred, key=lambda text: text.language != "en")
        for words in (*(text.value for text in spelled), name):
            try:
                iri = self._free(TERM + mint_slug(words), "-")
            except InvalidName:
                continue
            self.remarks.append(f"{record.place}: {name} is new, as {shorten(iri)}")
            return iri
        self.faults.append(
            Fault(record.place, f"{name} has no name in Latin letters to make a slug of; give it an id")
        )
        return TERM + "unknown"

    def _whole_term(self, record: Record, keys: Mapping[str, str]) -> list[Record]:
        iri, fields = keys[record.key], dict(record.fields)
        for name in _RELATIONS:
            if name in fields:
                fields[name] = tuple(self._referred(value, keys) for value in fields[name])
        is_new = iri not in self._terminology.terms
        if "issue" in fields:
            fields["issue"] = tuple(self._issues(fields["issue"], record))
        if not _is_ours(record):
            if not is_new:
                return []  # what is said of it here is ours to say: only names and definitions come in
            outside = record.key.removeprefix("#")
            if outside.startswith(("http://", "https://")):
                fields["exactMatch"] = (*fields.get("exactMatch", ()), Iri(outside))
        return [self._sourced(replace(record, key=iri, fields=fields), is_new=is_new, is_needed=False)]

    def _referred(self, value: Value, keys: Mapping[str, str]) -> Value:
        return Iri(keys[value.value]) if value.value in keys else value

    def _issues(self, values: tuple[Value, ...], record: Record) -> Iterable[Iri]:
        for value in values:
            if isinstance(value, Iri):
                yield value
                continue
            iri = self._titles.get(fold(value.value), "")
            if iri.startswith(mint("issue/")):
                yield Iri(iri)
            else:
                self.remarks.append(
                    f"{record.place}: left out: the subject field {value.value!r} is no issue of ours"
                )

    def _label(self, record: Record, *, is_strange: bool) -> list[Record]:
        """A label with its IRI; none for a name that the term of another tool's entry has already."""
        term = self._terminology.terms.get(record.owner)
        text, kind = record.texts("text")[0], _kind(record)
        if not record.is_named or not record.key.startswith(BASE):
            for label in term.labels if term else ():
                if label.language == text.language and fold(label.text) == fold(text.value):
                    if is_strange or label.text != text.value or not label.iri:
                        return []
                    return [self._sourced(replace(record, key=label.iri), is_new=False, is_needed=False)]
            if is_strange and kind == "preferred" and term is not None and term.preferred(text.language):
                kind = "alternative"  # that it is preferred elsewhere is no reason to name it first here
                record = replace(record, fields={**record.fields, "kind": (Text(kind),)})
            language = text.language.lower() or "und"
            iri = self._free(f"{record.owner}/{_STEPS[kind]}/{language}", "/")
            record = self._sourced(replace(record, key=iri), is_new=True, is_needed=False)
            if not record.fields.get("origin"):
                origin = _ORIGINS[bool(record.fields.get("source"))]
                record = replace(record, fields={**record.fields, "origin": origin})
            return [record]
        is_new = not (term and any(label.iri == record.key for label in term.labels))
        return [self._sourced(record, is_new=is_new, is_needed=False)]

    def _definition(self, record: Record) -> Record:
        term = self._terminology.terms.get(record.owner)
        if record.is_named and record.key.startswith(BASE):
            is_new = not (term and any(each.iri == record.key for each in term.definitions))
            return self._sourced(record, is_new=is_new, is_needed=is_new)
        known = _same_wording(term, record)
        if known:
            return replace(record, key=known, fields={"wording": record.fields["wording"]})
        record = self._sourced(record, is_new=True, is_needed=True)
        sources = record.iris("source")
        slug = "unknown"
        if sources:
            path = sources[0].removeprefix(BASE).removeprefix("document/")
            slug = mint_slug(path) if any(c.isascii() and c.isalnum() for c in path) else "source"
        return replace(record, key=self._free(f"{record.owner}/definition/{slug}", "-"))

    def _feature(self, record: Record, keys: Mapping[str, str]) -> Record:
        owner = keys.get(record.owner, record.owner)
        key = record.key
        if not key.startswith(BASE) and record.iris("dimension"):
            key = f"{owner}/{shorten(record.iris('dimension')[0])}"
        return replace(record, key=key, owner=owner)

    def _sourced(self, record: Record, *, is_new: bool, is_needed: bool) -> Record:
        """With documents in place of titles; what is new and names no source has the one that was given."""
        fields = dict(record.fields)
        named = fields.get("source", ())
        found = tuple(filter(None, (self._document(value, record) for value in named)))
        if "source" in fields:
            fields["source"] = found
        if is_new and not named and self._source:
            fields["source"] = found = (Iri(self._source),)
        if is_needed and not found and not named:
            reason = "the definition names no source; name its document with --source document/<slug>"
            self.faults.append(Fault(record.place, reason))
        if is_new and found and not fields.get("basis"):
            fields["basis"] = _STATED
        return replace(record, fields=fields)

    def _document(self, value: Value, record: Record) -> Iri | None:
        if isinstance(value, Iri):
            return value
        iri = self._titles.get(fold(value.value), "")
        if not iri:
            try:
                iri = Iri(lengthen(value.value)).value
            except InvalidName:
                iri = ""
            iri = iri if iri in self._titles.values() else ""
        if not iri:
            reason = (
                f"nothing that is described is called {value.value[:100]!r}; describe the document in "
                "data/turtle/documents/sources.ttl with this cbd:title, or write the title as it is there"
            )
            self.faults.append(Fault(record.place, reason))
            return None
        return Iri(iri)

    def _free(self, iri: str, sign: str) -> str:
        """The IRI, or with the first number from 2 on that nobody has."""
        found, number = iri, 1
        while found in self._taken:
            number += 1
            found = f"{iri}{sign}{number}"
        self._taken.add(found)
        return found


def _is_ours(record: Record) -> bool:
    return record.is_named and record.key.startswith(TERM)


def _kind(label: Record) -> str:
    kinds = label.texts("kind")
    return kinds[0].value if kinds else "alternative"


def _same_wording(term: Term | None, record: Record) -> str:
    """The definition of the term that has these words already."""
    for each in term.definitions if term else ():
        for text in record.texts("wording"):
            if fold(each.wordings.get(text.language, "")) == fold(text.value):
                return each.iri
    return ""
