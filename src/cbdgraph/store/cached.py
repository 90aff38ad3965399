"""An engine that remembers: what was asked before is answered at once, what is being asked is worked out once.

Wraps any `Engine`. A graph that is served does not change, so an answer stays true until another release is opened,
which has an engine of its own. Least recently used answers go first when the memory for them is full.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from cbdgraph.errors import QueryError
from cbdgraph.store import Answer, Engine, Facts

V = TypeVar("V")

_OVERHEAD: Final = 512  # bytes that an entry takes besides its key and content, by measurement
_PATIENCE_SECONDS: Final = 0.5  # with the same question of another client
_LARGEST_SHARE: Final = 8  # of the cache: what is larger than an eighth of it is not kept


class Cache(Generic[V]):
    """The values used last, up to `limit` bytes."""

    __slots__ = ("_entries", "limit", "size")

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self._entries: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """The value of a key, which makes it the one used last."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep a value of about `size` bytes, if it is not too large a share."""
        size += _OVERHEAD
        if (old := self._entries.pop(key, None)) is not None:
            self.size -= old[1]
        if size > self.limit // _LARGEST_SHARE:
            return
        self._entries[key] = value, size
        self.size += size
        while self.size > self.limit:
            self.size -= self._entries.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Keep nothing of what is there."""
        self._entries.clear()
        self.size = 0

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """A query under way: who asked it, and what comes of it; None if others have to ask by themselves."""

    client: str
    outcome: asyncio.Future[Answer | QueryError | None]


class CachedEngine:
    """An `Engine` that keeps the answers of another, up to `limit` bytes."""

    def __init__(self, engine: Engine, limit: int) -> None:
        self.engine = engine
        self._answers: Cache[Answer] = Cache(limit)
        self._under_way: dict[Hashable, _Work] = {}

    @property
    def facts(self) -> Facts:
        """See `Engine.facts`."""
        return self.engine.facts

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
        """See `Engine.run_query`; a query that is not `repeatable` is worked out anew for everybody."""
        if not repeatable:
            return await self.engine.run_query(
                query,
                media_type=media_type,
                default_graphs=default_graphs,
                named_graphs=named_graphs,
                trusted=trusted,
                repeatable=False,
                client=client,
            )
        default = None if default_graphs is None else tuple(default_graphs)
        named = None if named_graphs is None else tuple(named_graphs)
        key = (query, media_type, default, named, trusted)
        while (answer := self._answers.get(key)) is None and (others := self._under_way.get(key)) is not None:
            # Somebody else's may wait long for its turn; this client's own turn may come sooner.
            patience = None if others.client == client else _PATIENCE_SECONDS
            if not (await asyncio.wait({others.outcome}, timeout=patience))[0]:
                break
            outcome = others.outcome.result()
            if isinstance(outcome, QueryError):
                raise outcome
            if outcome is not None:
                return outcome  # also when it is too large to be kept
        if answer is not None:
            return answer
        work = self._under_way[key] = _Work(client, asyncio.get_running_loop().create_future())
        outcome = None  # whoever waits then asks by themselves: this one was busy or is gone
        try:
            outcome = answer = await self.engine.run_query(
                query,
                media_type=media_type,
                default_graphs=default_graphs,
                named_graphs=named_graphs,
                trusted=trusted,
                client=client,
            )
        except QueryError as error:
            outcome = error
            raise
        finally:
            if self._under_way.get(key) is work:
                del self._under_way[key]
            work.outcome.set_result(outcome)
        self._answers.put(key, answer, len(answer.content) + len(query))
        return answer

    async def close(self) -> None:
        """Close the other engine."""
        await self.engine.close()
