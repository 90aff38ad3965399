"""The Engine protocol and its value types: SPARQL text in, one whole answer out; must not import an engine.

`Engine` is small so that the embedded store and a remote SPARQL 1.1 service fit it alike: one coroutine that
answers, plain facts about what is served, and an end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, runtime_checkable

from cbdgraph.model import Iri, Text

Form = Literal["solutions", "boolean", "triples"]

# Media types by form of result, in the order of preference when the client has none.
RESULT_TYPES: Final = (
    "application/sparql-results+json",
    "application/sparql-results+xml",
    "text/csv",
    "text/tab-separated-values",
)
GRAPH_TYPES: Final = (
    "text/turtle",
    "application/n-triples",
    "application/rdf+xml",
    "application/ld+json",
    "application/n-quads",
    "application/trig",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may cost: `seconds` of wall clock, `rows` (solutions or triples), `bytes` of content."""

    seconds: float = 20.0
    rows: int = 100_000
    bytes: int = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer: `content` in `media_type`; `rows` are solutions or triples, 1 for a boolean.

    `complete` is always True from the embedded store, which raises `QueryTooLarge` and never cuts; a remote engine
    that cuts says False here.
    """

    content: bytes
    media_type: str
    form: Form
    rows: int
    complete: bool = True

    @property
    def bindings(self) -> list[dict[str, dict[str, str]]]:
        """The solutions of an answer in SPARQL JSON, as that has them."""
        found: list[dict[str, dict[str, str]]] = json.loads(self.content)["results"]["bindings"]
        return found

    @property
    def boolean(self) -> bool:
        """The boolean of an answer in SPARQL JSON."""
        return bool(json.loads(self.content)["boolean"])


@dataclass(frozen=True, slots=True)
class Table:
    """The solutions of a SELECT as plain values; an unbound variable is absent from its row."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, Iri | Text], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an engine serves: triples per named graph, in the default graph, and how strangers' queries are held.

    `isolation` is in words a person can read, for /version.
    """

    engine: str
    graphs: Mapping[str, int] = field(default_factory=dict)
    default_triples: int = 0
    isolation: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Engine(Protocol):
    """Answers SPARQL queries; raises the errors under `QueryError` and `EngineUnavailable`, nothing else."""

    @property
    def facts(self) -> Facts:
        """What is served; cheap, never a query."""

    async def run_query(
        self,
        query: str,
        *,
        media_type: str,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        trusted: bool = False,
        repeatable: bool = True,
        client: str = "",
    ) -> Answer:
        """The whole answer in `media_type`.

        The graph lists are those of the protocol: when either is given they replace FROM and FROM NAMED. `trusted`
        means that the text is this project's own with values bound, so it may run without isolation; `repeatable`
        that it has one right answer, which may be kept. Queries of strangers take turns by `client`. A cancelled
        call stops the work.
        """

    async def close(self) -> None:
        """End every process and file that the engine holds."""
