"""The chain of a desk: entries in order in, hashes and what is broken out; reads no file.

Each entry holds the SHA-256 of itself and of the hash before it. Whoever changes, removes or inserts an entry has to
make all that follow anew; the last hash, kept elsewhere (it stands in every export), tells even that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace
from typing import Final

from cbdgraph.desk.reviews import Entry

_UNHASHED: Final = 1  # the number in this file, at the start; and the hash itself, at the end


def hash_entry(entry: Entry) -> str:
    """The hash of all that an entry says, with the one before."""
    said = astuple(entry)[_UNHASHED:-1]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def seal(entry: Entry) -> Entry:
    """The entry with its hash."""
    return replace(entry, hash=hash_entry(entry))


def find_breaks(entries: Iterable[Entry]) -> Iterator[str]:
    """What is wrong with the chain, in words, one for each entry that does not follow."""
    before, versions = "", dict[tuple[str, str], int]()
    for entry in entries:
        where = f"entry {entry.id} ({entry.subject} {entry.language} version {entry.version})"
        if entry.hash != hash_entry(entry):
            yield f"{where} is not what was recorded"
        if entry.previous != before:
            yield f"{where} does not follow the entry before it"
        if entry.version != versions.get(entry.key, 0) + 1:
            yield f"{where} does not follow version {versions.get(entry.key, 0)}"
        before, versions[entry.key] = entry.hash, entry.version
