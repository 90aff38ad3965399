"""Many small queries for one answer: queries in, their rows or None out, all within one time; decides nothing.

Each is a stranger's query, made of pieces of one: it is looked at by the guard and runs in a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cbdgraph.errors import QueryError, QueryTimeout
from cbdgraph.server.answers import check_apart
from cbdgraph.server.live import Served
from cbdgraph.store import Answer
from cbdgraph.store.patterns import Source

Row = dict[str, dict[str, str]]

MOST_COUNTED: Final = 1000
_MOST: Final = 120  # queries for one answer
_JSON: Final = "application/sparql-results+json"


@dataclass(slots=True)
class Prober:
    """Asks within `seconds` from now; `unanswered` says in words why something was not found out, "" if all was."""

    served: Served
    source: Source
    default_graphs: Sequence[str] | None
    named_graphs: Sequence[str] | None
    seconds: float
    repeatable: bool = True
    client: str = ""
    unanswered: str = ""
    asked: int = 0
    dataset: str = ""
    _deadline: float = 0.0

    def __post_init__(self) -> None:
        parts = self.source.parts()
        self.dataset = parts.dataset if parts else ""
        self._deadline = asyncio.get_running_loop().time() + self.seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._deadline - asyncio.get_running_loop().time()

    def fresh(self, name: str) -> str:
        """A variable that the user's query does not have."""
        while f"?{name}" in self.source.text or f"${name}" in self.source.text:
            name += "_"
        return f"?{name}"

    async def ask(self, body: str) -> bool | None:
        """Whether a pattern in the words of the user's query has a solution in its dataset; None if not found out."""
        answer = await self._run(f"{self.source.prologue}\nASK {self.dataset}\n{{ {body} }}", ours=False)
        return None if answer is None else answer.boolean

    async def select(self, head: str, body: str, tail: str = "") -> list[Row] | None:
        """Rows of a SELECT over such a pattern."""
        query = f"{self.source.prologue}\n{head} {self.dataset}\n{{ {body} }} {tail}"
        return _rows(await self._run(query, ours=False))

    async def count(self, body: str) -> int | None:
        """How many solutions a pattern has, up to one more than `MOST_COUNTED`."""
        number, one = self.fresh("n"), self.fresh("one")
        inner = f"{{ SELECT (1 AS {one}) {{ {body} }} LIMIT {MOST_COUNTED + 1} }}"
        rows = await self.select(f"SELECT (COUNT(*) AS {number})", inner)
        return int(rows[0][number[1:]]["value"]) if rows else None

    async def look_up(self, query: str) -> list[Row] | None:
        """Rows of a query of ours with values bound, over all that is served, whatever dataset the user's has."""
        return _rows(await self._run(query, ours=True))

    async def is_there(self, pattern: str) -> bool | None:
        """Whether a pattern of ours has a solution in all that is served."""
        answer = await self._run(f"ASK {{ {pattern} }}", ours=True)
        return None if answer is None else answer.boolean

    async def _run(self, query: str, *, ours: bool) -> Answer | None:
        self.asked += 1
        if self.left <= 0 or self.asked > _MOST:
            self.unanswered = f"the time of {self.seconds:g} seconds for one query was over"
            return None
        try:
            async with asyncio.timeout(self.left):
                await check_apart(query, self.served.graphs)
                return await self.served.engine.run_query(
                    query,
                    media_type=_JSON,
                    default_graphs=None if ours else self.default_graphs,
                    named_graphs=None if ours else self.named_graphs,
                    repeatable=self.repeatable,
                    client=self.client,
                )
        except (TimeoutError, QueryTimeout):
            self.unanswered = f"the time of {self.seconds:g} seconds for one query was over"
        except QueryError as error:
            self.unanswered = f"a part of the query cannot be asked for alone: {error}"
        return None


def anywhere(pattern: str) -> str:
    """A pattern in the default graph or any named one: of a user's own files the default graph is not the union."""
    return f"{{ {pattern} }} UNION {{ GRAPH ?g {{ {pattern} }} }}"


def _rows(answer: Answer | None) -> list[Row] | None:
    return None if answer is None else answer.bindings
