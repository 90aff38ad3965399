"""Checks on how concepts hang together that no query can make, for they follow relations as far as they go.

A vocabulary in, resources with what was found out. All take time in proportion to concepts and relations, but for
`find_redundant` and `find_clashes`, which walk up from concepts that have several broader ones, or related ones.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import expand
from cbdgraph.quality.checks import Check, Hit
from cbdgraph.quality.vocabulary import NARROWER, RELATED, Material, read_detail

_RELATED: Final = frozenset({RELATED, expand("skos:relatedMatch")})
# Each relation with the one that says the same from the other side.
_INVERSES: Final[Mapping[str, str]] = {
    expand(f"skos:{one}"): expand(f"skos:{other}")
    for one, other in (
        ("broader", "narrower"),
        ("narrower", "broader"),
        ("broaderTransitive", "narrowerTransitive"),
        ("narrowerTransitive", "broaderTransitive"),
        ("broadMatch", "narrowMatch"),
        ("narrowMatch", "broadMatch"),
        *((same, same) for same in ("related", "relatedMatch", "exactMatch", "closeMatch")),
    )
}


def _iris(names: Iterable[str]) -> tuple[Iri | Text, ...]:
    return tuple(read_detail({"type": "uri", "value": name}) for name in names)


def find_cycles(material: Material) -> Iterator[Hit]:
    """For each knot of concepts that are all above each other a shortest way around from its first concept."""
    above = material.vocabulary.above
    for knot in _knots(above):
        if len(knot) > 1:
            start = min(knot)
            yield start, _iris(_way_around(start, above, knot))


def _knots(steps: Mapping[str, tuple[str, ...]]) -> Iterator[set[str]]:
    """The strongly connected components (Tarjan 1972), without recursion, for a hierarchy may be deep."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    is_waiting: set[str] = set()
    for root in steps:
        if root in order:
            continue
        way = [(root, iter(steps[root]))]
        order[root] = lowest[root] = len(order)
        waiting.append(root)
        is_waiting.add(root)
        while way:
            here, following = way[-1]
            for there in following:
                if there not in order:
                    order[there] = lowest[there] = len(order)
                    waiting.append(there)
                    is_waiting.add(there)
                    way.append((there, iter(steps.get(there, ()))))
                    break
                if there in is_waiting:
                    lowest[here] = min(lowest[here], order[there])
            else:
                way.pop()
                if way:
                    before = way[-1][0]
                    lowest[before] = min(lowest[before], lowest[here])
                if lowest[here] == order[here]:
                    knot = set()
                    while here not in knot:
                        knot.add(waiting.pop())
                    is_waiting -= knot
                    yield knot


def _way_around(start: str, steps: Mapping[str, tuple[str, ...]], inside: set[str]) -> list[str]:
    """A shortest way from `start` back to it; both ends are named."""
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for there in steps.get(here, ()):
            if there == start:
                way = [start, here]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1] if len(way) > 1 else way
            if there in inside and there not in came_from:
                came_from[there] = here
                queue.append(there)
    return [start]


def _reach(start: str, steps: Mapping[str, tuple[str, ...]]) -> set[str]:
    """All that is above a concept, and itself only where it is in a cycle."""
    found: set[str] = set()
    stack = list(steps.get(start, ()))
    while stack:
        here = stack.pop()
        if here not in found:
            found.add(here)
            stack += steps.get(here, ())
    return found


def find_redundant(material: Material) -> Iterator[Hit]:
    """A concept with a broader one that is above another of its broader ones anyway."""
    broader = material.vocabulary.broader
    for concept, uppers in broader.items():
        if len(uppers) > 1:
            beyond: dict[str, set[str]] = {upper: _reach(upper, broader) for upper in uppers}
            # In a cycle everything is above everything, which is another fault.
            needless = [
                upper
                for upper in uppers
                if any(upper in beyond[other] and other not in beyond[upper] for other in uppers if other != upper)
            ]
            if needless:
                yield concept, _iris(needless)


def find_clashes(material: Material) -> Iterator[Hit]:
    """Concepts that are related to one that is above them (SKOS Reference, condition S27)."""
    vocabulary = material.vocabulary
    related: dict[str, set[str]] = defaultdict(set)
    for one, relation, other in vocabulary.relations:
        if relation in _RELATED and one != other:
            related[one].add(other)
            related[other].add(one)
    for concept, others in sorted(related.items()):
        if concept in vocabulary.above and (clashing := others & _reach(concept, vocabulary.above)):
            yield concept, _iris(sorted(clashing))


def find_clusters(material: Material) -> Iterator[Hit]:
    """In each scheme the groups of related concepts besides the largest, by the first concept of each."""
    vocabulary = material.vocabulary
    leaders = {concept: concept for concept in vocabulary.concepts}

    def lead(concept: str) -> str:
        while leaders[concept] != concept:
            leaders[concept] = leaders[leaders[concept]]
            concept = leaders[concept]
        return concept

    for one, _, other in vocabulary.inner:
        first, second = sorted((lead(one), lead(other)))
        leaders[second] = first
    related = vocabulary.related_schemes
    for scheme, concepts in vocabulary.members.items():
        if scheme in related:
            groups: dict[str, list[str]] = defaultdict(list)
            for concept in concepts:
                groups[lead(concept)].append(concept)
            # One alone is an orphan, which is a check of its own.
            clusters = sorted((group for group in groups.values() if len(group) > 1), key=lambda g: (-len(g), g[0]))
            for group in clusters[1:]:
                yield group[0], _iris(group[1:])


def find_orphans(material: Material) -> Iterator[Hit]:
    """Concepts without any relation or mapping, of schemes in which others have one."""
    vocabulary = material.vocabulary
    connected = {iri for one, _, other in vocabulary.relations if one != other for iri in (one, other)}
    related = vocabulary.related_schemes
    for concept, schemes in vocabulary.concepts.items():
        if concept not in connected and related & set(schemes or ("",)):
            yield concept, _iris(schemes)


def find_one_way(material: Material) -> Iterator[Hit]:
    """Relations that are said from one side only, where the scheme says others of the kind from both."""
    vocabulary = material.vocabulary
    said = set(vocabulary.relations)
    pairs = [
        (one, relation, other, (other, _INVERSES[relation], one) in said)
        for one, relation, other in vocabulary.relations
        if relation in _INVERSES and one != other and one in vocabulary.concepts and other in vocabulary.concepts
    ]
    both_ways = {
        (scheme, kind)
        for one, relation, _, is_returned in pairs
        if is_returned
        for scheme in vocabulary.concepts[one] or ("",)
        for kind in (relation, _INVERSES[relation])
    }
    found: dict[str, list[str]] = defaultdict(list)
    for one, relation, other, is_returned in pairs:
        schemes = vocabulary.concepts[one] or ("",)
        if not is_returned and any((scheme, relation) in both_ways for scheme in schemes):
            found[other].append(one)  # at whom it is missing
    for concept, others in sorted(found.items()):
        yield concept, _iris(sorted(set(others)))


CHECKS: Final = (
    Check(
        "orphan-concepts",
        "Orphan Concepts",
        "structural",
        "note",
        "related concepts",
        "A concept has no relation to any other, in a scheme that is no plain list.",
        "Say what it is broader, narrower or related to; leave it alone if it truly stands apart.",
        is_known=True,
        find=find_orphans,
    ),
    Check(
        "disconnected-concept-clusters",
        "Disconnected Concept Clusters",
        "structural",
        "note",
        "related concepts",
        "Concepts of a scheme are related to each other, and by no way to the largest group of the scheme.",
        "Relate one of the group to a concept outside of it, where the meaning allows that.",
        is_known=True,
        find=find_clusters,
    ),
    Check(
        "cyclic-hierarchical-relations",
        "Cyclic Hierarchical Relations",
        "structural",
        "error",
        "relations",
        "A way up the hierarchy leads back to the concept from which it started; the way is shown.",
        "Remove the skos:broader or skos:narrower that leads down instead of up.",
        is_known=True,
        find=find_cycles,
    ),
    Check(
        "hierarchical-redundancy",
        "Hierarchical Redundancy",
        "structural",
        "warning",
        "relations",
        "A broader concept is named that stands above another of the broader concepts anyway.",
        "Remove the direct relation, unless the way over the other one is what is wrong.",
        is_known=True,
        find=find_redundant,
    ),
    Check(
        "unidirectionally-related-concepts",
        "Unidirectionally Related Concepts",
        "structural",
        "note",
        "relations",
        "A relation is said from one side only, in a scheme that says others of its kind from both sides.",
        f"State the same from this side too ({NARROWER.rpartition('#')[2]} for broader), or nowhere from both sides.",
        is_known=True,
        find=find_one_way,
    ),
    Check(
        "relation-clashes",
        "Relation Clashes",
        "structural",
        "error",
        "relations",
        "A concept is related to one that stands above it, which SKOS excludes (condition S27).",
        "Keep one of the two: skos:related, or the way up by skos:broader.",
        is_known=True,
        find=find_clashes,
    ),
)
