"""Proposed records and the files of the record in; the files as they would be, their difference, and writing, out.

A record goes into its file beside what belongs to the same text, in the house format; what stands there stays word
for word, so that a difference only ever adds lines.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rdflib.term import Node

from cbdgraph.errors import InvalidName, MissingFile
from cbdgraph.ingest.records import Record
from cbdgraph.iris import parse_part
from cbdgraph.rdf.turtle import Triple, TurtleFile, format_turtle, rewrite

# The comment at the head of a new file, by the last part of its name.
_HEADS: Final = {
    "parts": "# {} and its parts, as `cbdgraph ingest` read them; no text is copied.",
    "citations": "# What {} cites, as `cbdgraph ingest` read it: exact words, what they name and how sure that is.",
    "cited": "# Documents, articles and meetings that {} names and that were not recorded before.",
    "requests": "# Who is asked to do what in {}, as `cbdgraph ingest` read it.",
    "definitions": "# Terms as {} defines them, in its own words.",
    "figures": "# Figures of targets that {} gives.",
    "term-uses": "# The terms that each part of {} uses, as `cbdgraph ingest` read it: forms and counts, no text.",
}
_SESSION: Final = "# {}, session {}: those that sources cite, and the parts of them that they name."


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file inside the checkout: its text before (empty for a new one) and after."""

    name: str
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as a unified difference."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{self.name}" if self.before else "/dev/null",
            f"b/{self.name}",
        )
        return "".join(lines)


def build_changes(files: Mapping[str, TurtleFile], records: Iterable[Record], root: Path) -> list[FileChange]:
    """The files with the records in them, those that change only, by name."""
    by_file: dict[str, list[Record]] = {}
    for record in records:
        by_file.setdefault(record.file, []).append(record)
    changes = []
    for name, added in sorted(by_file.items()):
        old = files.get(name)
        if old is None:
            triples = tuple(triple for record in _in_order(added) for triple in record.triples)
            changes.append(FileChange(name, "", format_turtle(triples, _comment(name, added), name)))
            continue
        before = (root / name).read_text(encoding="utf-8")
        merged = TurtleFile(old.path, old.comment, _merge(old.triples, added), {})
        after = rewrite(merged)
        changes.append(FileChange(name, before, after))
    return changes


def write_changes(changes: Iterable[FileChange], root: Path) -> None:
    """Write the files; `MissingFile` if a file is no longer what the change was made from, or cannot be written."""
    changes = list(changes)
    for change in changes:
        path = root / change.name
        now = path.read_text(encoding="utf-8") if path.is_file() else ""
        if now != change.before:
            raise MissingFile(change.name, "it was changed while the proposal was made; run the command again")
    # All beside their places first, so that a full disk changes nothing; then each takes its place in one step.
    parts: list[tuple[Path, Path]] = []
    try:
        for change in changes:
            path = root / change.name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            parts.append((part, path))
            part.write_text(change.after, encoding="utf-8", newline="")
        for part, path in parts:
            part.replace(path)
    except OSError as error:
        for part, _ in parts:
            part.unlink(missing_ok=True)
        raise MissingFile(change.name, f"it cannot be written: {error.strerror}") from error


def _merge(old: tuple[Triple, ...], added: list[Record]) -> tuple[Triple, ...]:
    """The triples with new records after the last resource of the same text that comes before them."""
    blocks: dict[Node, list[Triple]] = {}
    for triple in old:
        blocks.setdefault(triple[0], []).append(triple)
    order = list(blocks)
    keys = [_key(str(subject)) for subject in order]
    for record in added:
        key = _key(record.subject)
        place = len(order)
        if key is not None:
            same = [k for k, other in enumerate(keys) if other is not None and other <= key]
            first = [k for k, other in enumerate(keys) if other is not None and other > key]
            place = same[-1] + 1 if same else first[0] if first else len(order)
        subject = record.triples[0][0]
        order.insert(place, subject)
        keys.insert(place, key)
        blocks[subject] = list(record.triples)
    return tuple(triple for subject in order for triple in blocks[subject])


def _in_order(records: list[Record]) -> list[Record]:
    """Decisions and their parts by number and place; anything else as it was proposed."""
    keys = [_key(record.subject) for record in records]
    if any(key is None for key in keys):
        return records
    return [record for _, record in sorted(zip(keys, records, strict=True), key=lambda pair: pair[0] or ())]


def _key(iri: str) -> tuple[object, ...] | None:
    """Where a decision's part stands among others; a title or a request goes with what it belongs to."""
    while iri.count("/") > 6:
        try:
            symbol, locator = parse_part(iri)
        except InvalidName:
            iri = iri.rpartition("/")[0]
            continue
        return (symbol.body, symbol.session, symbol.number, locator.sort_key)
    return None


def _comment(name: str, added: list[Record]) -> str:
    folder, _, stem = name.removesuffix(".ttl").rpartition("/")
    if stem in _HEADS:
        return _HEADS[stem].format(folder.rpartition("/")[2])
    body, _, session = stem.rpartition("-")
    kind = folder.rpartition("/")[2].capitalize()
    return _SESSION.format(f"{kind} of {body.upper()}", session) if session.isdigit() and added else f"# {stem}"
