"""Two definitions in, dimension by dimension what they agree on and where they part; the feature scheme decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cbdgraph.terminology.terms import Definition, Dimension, Feature

Verdict = Literal["agree", "overlap", "differ", "one-silent", "both-silent", "not-examined"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two definitions answer in one dimension. A feature is None where the definition was not examined."""

    dimension: Dimension
    one: Feature | None
    other: Feature | None

    @property
    def verdict(self) -> Verdict:
        """Whether they agree in all answers, in some, or in none; silence is no answer."""
        if self.one is None or self.other is None:
            return "not-examined"
        if self.one.is_silent or self.other.is_silent:
            return "both-silent" if self.one.is_silent and self.other.is_silent else "one-silent"
        if self.one.values == self.other.values:
            return "agree"
        return "overlap" if self.one.values & self.other.values else "differ"


def compare(one: Definition, other: Definition, dimensions: Iterable[Dimension]) -> tuple[Comparison, ...]:
    """One comparison for each dimension in which at least one of the two was examined."""
    return tuple(
        Comparison(dimension, one.features.get(dimension.iri), other.features.get(dimension.iri))
        for dimension in dimensions
        if dimension.iri in one.features or dimension.iri in other.features
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the features matrix: a dimension, and per definition its feature or None."""

    dimension: Dimension
    features: tuple[Feature | None, ...]

    @property
    def is_disputed(self) -> bool:
        """Whether two definitions that answer have no answer in common."""
        answers = [each.values for each in self.features if each is not None and not each.is_silent]
        return any(not one & other for at, one in enumerate(answers) for other in answers[at + 1 :])


def matrix(definitions: Sequence[Definition], dimensions: Iterable[Dimension]) -> Iterator[Row]:
    """The features of several definitions side by side, without dimensions in which none was examined."""
    for dimension in dimensions:
        features = tuple(each.features.get(dimension.iri) for each in definitions)
        if any(features):
            yield Row(dimension, features)
