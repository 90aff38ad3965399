"""The words of requests, figures and definitions, by language: a TOML file in, an immutable table out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from cbdgraph.errors import InvalidName
from cbdgraph.extraction.units import split

ACTIONS: Final = ("urges", "requests", "invites", "encourages", "calls-upon")
COMPARATORS: Final = ("at-least", "at-most", "equal-to", "about", "nearly")
UNITS: Final = ("percent", "hectare", "workshop", "person", "species", "us-dollar-per-year")

# What each list of words may be called; a key that is not here is a slip in the file.
_REQUEST_WORDS: Final = frozenset(
    {
        "asker",
        "asker_near",
        "opener",
        "adverb",
        "glue",
        "and",
        "including",
        "aside",
        "aside_to_comma",
        "aside_to_what",
        "what",
        "what_of_requests",
        "what_late",
        "what_if_infinitive",
        "before_infinitive",
        "noun",
        "stop",
        "after_opener",
    }
)
_QUANTITY_WORDS: Final = frozenset(
    {
        "dollar",
        "per_year",
        "half",
        "halved",
        "to_range",
        "of",
        "stop",
        "of_stop",
        "before_stop",
        "by_year",
        "year_after",
        "reset",
        "and",
        "glue",
    }
)
_DEFINITION_WORDS: Final = frozenset({"between", "between_quoted", "open", "open_quoted", "close", "stop", "article"})


@dataclass(frozen=True, slots=True)
class Word:
    """What a phrase means: its kind, its values (slugs, a factor) and whether the words leave a doubt."""

    kind: str
    values: tuple[str, ...] = ()
    doubtful: bool = False


# Phrases by their first unit, the longest first: the units of the phrase and what it means.
Phrases = Mapping[str, tuple[tuple[tuple[str, ...], Word], ...]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All words of a language and the few ways in which languages differ in building these sentences."""

    language: str
    groups: str
    decimals: str
    prefixes: str
    has_case: bool
    abbreviations: frozenset[str]
    known: frozenset[str]
    requests: Phrases
    quantities: Phrases
    definitions: Phrases
    asker_follows: bool
    after_needs_opener: bool
    uninflected: bool
    list_ends_bare: bool
    bare_infinitive: bool
    infinitives: tuple[str, ...]
    not_infinitives: frozenset[str]
    not_infinitive_endings: tuple[str, ...]
    not_after_what: frozenset[str]
    noun_before: frozenset[str]
    needs_link: Mapping[str, frozenset[str]]
    comparator_gap: int
    term_length: int
    has_articles: bool
    opens_alone: bool
    prepositions: frozenset[str]
    not_terms: frozenset[str]

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Lexicon:
        """A lexicon from the tables of its file; `InvalidName` for an action, unit or key of no meaning."""
        groups, decimals = table["groups"], table["decimals"]
        ways, requests = table["ways"], table["requests"]
        sections = {
            name: tuple(_words(table[name], allowed))
            for name, allowed in (
                ("requests", _REQUEST_WORDS),
                ("quantities", _QUANTITY_WORDS),
                ("definitions", _DEFINITION_WORDS),
            )
        }
        phrases = {name: _index(words, groups, decimals) for name, words in sections.items()}
        known = {unit for index in phrases.values() for row in index.values() for units, _ in row for unit in units}
        return cls(
            language=table["language"],
            groups=groups,
            decimals=decimals,
            prefixes=table["prefixes"],
            has_case=table["has_case"],
            abbreviations=frozenset(table["abbreviations"]),
            known=frozenset(known),
            requests=phrases["requests"],
            quantities=phrases["quantities"],
            definitions=phrases["definitions"],
            asker_follows=ways["asker_follows"],
            after_needs_opener=bool(requests.get("after_opener")),
            uninflected=ways["uninflected"],
            list_ends_bare=ways["list_ends_bare"],
            bare_infinitive=ways["bare_infinitive"],
            infinitives=tuple(ways["infinitives"]),
            not_infinitives=_keys(ways["not_infinitives"], groups, decimals),
            not_infinitive_endings=tuple(ways["not_infinitive_endings"]),
            not_after_what=_keys(ways["not_after_what"], groups, decimals),
            noun_before=_keys(ways["noun_before"], groups, decimals),
            needs_link=MappingProxyType(
                {action: _keys(words, groups, decimals) for action, words in requests.get("needs_link", {}).items()}
            ),
            comparator_gap=ways["comparator_gap"],
            term_length=ways["term_length"],
            has_articles=bool(table["definitions"]["article"]),
            opens_alone=ways["opens_alone"],
            prepositions=_keys(table["definitions"]["preposition"], groups, decimals),
            not_terms=_keys(table["definitions"]["not_term"], groups, decimals),
        )


def _words(section: Mapping[str, Any], allowed: frozenset[str]) -> Iterator[tuple[str, Word]]:
    """The phrases of one section, in the order of the file; a later one wins."""
    for key, value in section.items():
        match key:
            case "actions" | "after":
                for action, texts in value.items():
                    _check("action", action, ACTIONS)
                    yield from ((text, Word("after" if key == "after" else "verb", (action,))) for text in texts)
            case "doubtful_actions":
                for text, actions in value.items():
                    for action in actions:
                        _check("action", action, ACTIONS)
                    yield text, Word("verb", tuple(actions), doubtful=True)
            case "actors":
                for actor, texts in value.items():
                    yield from ((text, Word("actor", (actor,))) for text in texts)
            case "doubtful_actors":
                yield from ((text, Word("actor", tuple(actors), doubtful=True)) for text, actors in value.items())
            case "comparators" | "comparators_after" | "doubtful_comparators":
                for comparator, texts in value.items():
                    _check("comparator", comparator, COMPARATORS)
                    before = section["comparators"].get(comparator, ()) if key == "comparators_after" else ()
                    for text in texts:
                        after = "comparator_both" if text in before else "comparator_after"
                        kind = after if key == "comparators_after" else "comparator"
                        yield text, Word(kind, (comparator,), key == "doubtful_comparators")
            case "units" | "units_before":
                for unit, texts in value.items():
                    _check("unit", unit, UNITS)
                    kind = "unit_before" if key == "units_before" else "unit"
                    yield from ((text, Word(kind, (unit,))) for text in texts)
            case "factors" | "numerals":
                yield from ((text, Word(key[:-1], (str(number),))) for text, number in value.items())
            case "needs_link" | "preposition" | "not_term":
                continue
            case _:
                _check("lexicon key", key, tuple(sorted(allowed)))
                yield from ((text, Word(key)) for text in value)


def _check(kind: str, name: str, allowed: tuple[str, ...]) -> None:
    if name not in allowed:
        raise InvalidName(kind, name, f"expected one of {', '.join(allowed)}")


def _keys(texts: list[str], groups: str, decimals: str) -> frozenset[str]:
    return frozenset(" ".join(split(text, groups, decimals).keys) for text in texts)


def _index(words: tuple[tuple[str, Word], ...], groups: str, decimals: str) -> Phrases:
    units = {split(text, groups, decimals).keys: word for text, word in words}
    index: dict[str, list[tuple[tuple[str, ...], Word]]] = {}
    for keys in sorted(units, key=lambda keys: (-len(keys), keys)):
        index.setdefault(keys[0], []).append((keys, units[keys]))
    return MappingProxyType({first: tuple(row) for first, row in index.items()})


def languages() -> tuple[str, ...]:
    """The languages that have a lexicon.

    >>> languages()
    ('ar', 'en', 'es', 'fr', 'ru', 'zh')
    """
    folder = files(__package__).joinpath("lexicons")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def load_lexicon(language: str) -> Lexicon:
    """The lexicon of a language, read once; `InvalidName` for a language that has none."""
    if language not in languages():
        raise InvalidName("language of a text", language, f"there are lexicons for {', '.join(languages())}")
    text = files(__package__).joinpath("lexicons", f"{language}.toml").read_text(encoding="utf-8")
    return Lexicon.parse(tomllib.loads(text))
