"""Checks on names across concepts and languages: a vocabulary in, resources with what was found out."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from cbdgraph.model import Text
from cbdgraph.namespaces import rank_language
from cbdgraph.quality.checks import Check, Hit
from cbdgraph.quality.vocabulary import PREFERRED, Material, Vocabulary, read_detail

# Control, surrogate, private use, not assigned; and signs without a form, but for the two that scripts join by.
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")


def _languages(vocabulary: Vocabulary, concept: str) -> set[str]:
    """The languages of its preferred names; a text without a language has none."""
    return {text.language for kind, text in vocabulary.names.get(concept, ()) if kind == PREFERRED and text.language}


def find_incomplete(material: Material) -> Iterator[Hit]:
    """Concepts without a preferred name in a language in which another concept of the scheme has one."""
    vocabulary = material.vocabulary
    missing: dict[str, set[str]] = defaultdict(set)
    for concepts in vocabulary.members.values():
        spoken = {concept: _languages(vocabulary, concept) for concept in concepts}
        every = set().union(*spoken.values())
        for concept, languages in spoken.items():
            if languages:  # without any it is another fault
                missing[concept] |= every - languages
    for concept in sorted(missing):
        if missing[concept]:
            yield concept, tuple(Text(language) for language in sorted(missing[concept], key=rank_language))


def find_no_common(material: Material) -> Iterator[Hit]:
    """Schemes with several concepts, and no language in which all of them have a preferred name."""
    vocabulary = material.vocabulary
    for scheme, concepts in vocabulary.members.items():
        spoken = [_languages(vocabulary, concept) for concept in concepts]
        if scheme and len(spoken) > 1 and not set.intersection(*spoken):
            every = set().union(*spoken)
            yield scheme, tuple(Text(language) for language in sorted(every, key=rank_language))


def find_overlapping(material: Material) -> Iterator[Hit]:
    """Concepts of one scheme with the same name in the same language, however it is written in capitals."""
    vocabulary = material.vocabulary
    bearers: dict[tuple[str, str, str], dict[str, Text]] = defaultdict(dict)
    for scheme, concepts in vocabulary.members.items():
        for concept in concepts:
            for _, text in vocabulary.names.get(concept, ()):
                key = (scheme, text.language, " ".join(unicodedata.normalize("NFKC", text.value).casefold().split()))
                if key[2]:
                    bearers[key].setdefault(concept, text)
    found: dict[str, list[tuple[str, Text]]] = defaultdict(list)
    for sharing in bearers.values():
        if len(sharing) > 1:
            # Each points to the first of the others: to all would be the square of their number.
            first, second = sorted(sharing)[:2]
            for concept, text in sharing.items():
                found[concept].append((first if concept != first else second, text))
    for concept, overlaps in sorted(found.items()):
        pairs = sorted(set(overlaps), key=lambda pair: (rank_language(pair[1].language), pair[1].value, pair[0]))
        yield (
            concept,
            tuple(detail for other, text in pairs for detail in (text, read_detail({"type": "uri", "value": other}))),
        )


def find_unprintable(material: Material) -> Iterator[Hit]:
    """Concepts and schemes with a name that holds a sign that nobody sees, shown by its number."""
    for resource, names in sorted(material.vocabulary.names.items()):
        found = [
            Text(
                "".join(f"[U+{ord(sign):04X}]" if _is_unprintable(sign) else sign for sign in text.value),
                text.language,
            )
            for _, text in names
            if any(map(_is_unprintable, text.value))
        ]
        if found:
            yield resource, tuple(found)


def _is_unprintable(sign: str) -> bool:
    return unicodedata.category(sign) in _UNPRINTABLE and sign not in _JOINERS


CHECKS: Final = (
    Check(
        "incomplete-language-coverage",
        "Incomplete Language Coverage",
        "labelling",
        "warning",
        "concepts",
        "A concept has no preferred name in a language in which another concept of its scheme has one.",
        "Add a preferred name in each language named here, from a source, or your own and marked as such.",
        is_known=True,
        find=find_incomplete,
    ),
    Check(
        "no-common-languages",
        "No Common Languages",
        "labelling",
        "warning",
        "schemes",
        "There is no language in which all concepts of a scheme have a preferred name; those that occur are shown.",
        "Complete one language first; in none of them can the scheme be read as a whole.",
        is_known=True,
        find=find_no_common,
    ),
    Check(
        "overlapping-labels",
        "Overlapping Labels",
        "labelling",
        "warning",
        "names",
        "Another concept of the scheme has the same name in the same language, whatever the kind of either name.",
        "Join the two if they mean one thing; else make one name say what sets it apart.",
        is_known=True,
        find=find_overlapping,
    ),
    Check(
        "unprintable-characters-in-labels",
        "Unprintable Characters in Labels",
        "labelling",
        "error",
        "names",
        "A name holds a character that has no form of its own, such as a control character or a zero-width space.",
        "Write the name without the character shown by its number; joiners inside Arabic words are let through.",
        is_known=True,
        find=find_unprintable,
    ),
)
