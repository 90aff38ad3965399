"""Answers that are kept: the same question once, errors shared, nobody's leaving felt by others, memory bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbdgraph.errors import EngineUnavailable, QueryTimeout
from cbdgraph.store import Answer, Engine, Facts
from cbdgraph.store.cached import Cache, CachedEngine


class Slow:
    """An engine that takes its time, counts, and does what the query says."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ended = 0
        self.seconds = 0.02
        self.facts = Facts("slow")

    async def run_query(
        self,
        query: str,
        *,
        media_type: str,
        default_graphs: Sequence[str] | None = None,  # noqa: ARG002
        named_graphs: Sequence[str] | None = None,  # noqa: ARG002
        trusted: bool = False,  # noqa: ARG002
        repeatable: bool = True,  # noqa: ARG002
        client: str = "",
    ) -> Answer:
        self.asked.append(client)
        await asyncio.sleep(self.seconds)
        self.ended += 1
        if query == "timeout":
            raise QueryTimeout(1)
        if query == "busy":
            raise EngineUnavailable("busy", 1)
        return Answer(query.encode(), media_type, "solutions", 1)

    async def close(self) -> None:
        pass


def ask(engine: CachedEngine, query: str, **more: bool | str) -> asyncio.Task[Answer]:
    return asyncio.ensure_future(engine.run_query(query, media_type="text/csv", **more))  # type: ignore[arg-type]


def test_the_same_question_is_worked_out_once() -> None:
    async def main() -> None:
        slow = Slow()
        engine = CachedEngine(slow, 100_000)
        assert isinstance(engine, Engine)
        answers = await asyncio.gather(*(ask(engine, "q", client=str(n)) for n in range(5)))
        assert {answer.content for answer in answers} == {b"q"}
        await ask(engine, "q")
        assert slow.asked == ["0"]
        await asyncio.gather(ask(engine, "q", repeatable=False), ask(engine, "q", repeatable=False))
        await ask(engine, "q", trusted=True)
        await engine.run_query("q", media_type="text/tab-separated-values")
        await engine.run_query("q", media_type="text/csv", default_graphs=["g:"])
        await engine.run_query("q", media_type="text/csv", default_graphs=[])
        await engine.run_query("q", media_type="text/csv", named_graphs=["g:"])
        assert len(slow.asked) == 8

    asyncio.run(main())


def test_who_leaves_takes_nothing_from_those_who_wait() -> None:
    async def main() -> None:
        slow = Slow()
        engine = CachedEngine(slow, 100_000)
        first, second, third = (
            ask(engine, "q", client="a"),
            ask(engine, "q", client="b"),
            ask(engine, "q", client="c"),
        )
        await asyncio.sleep(0.005)
        first.cancel()
        await asyncio.sleep(0)
        third.cancel()
        assert (await second).content == b"q"
        assert (slow.asked, slow.ended) == (["a", "b"], 1)

    asyncio.run(main())


def test_nobody_waits_long_for_the_turn_of_somebody_else() -> None:
    async def main() -> None:
        slow = Slow()
        engine = CachedEngine(slow, 100_000)
        slow.seconds = 1.5
        first, same = ask(engine, "q", client="a"), ask(engine, "q", client="a")
        await asyncio.sleep(0)
        slow.seconds = 0.02
        assert (await ask(engine, "q", client="b")).content == b"q"
        assert not first.done()
        assert slow.asked == ["a", "b"]
        await asyncio.gather(first, same)
        assert slow.asked == ["a", "b"]

    asyncio.run(main())


def test_errors_of_the_query_are_shared_and_others_are_not() -> None:
    async def main() -> None:
        slow = Slow()
        engine = CachedEngine(slow, 100_000)
        outcomes = await asyncio.gather(*(ask(engine, "timeout") for _ in range(3)), return_exceptions=True)
        assert all(isinstance(outcome, QueryTimeout) for outcome in outcomes)
        assert len(slow.asked) == 1
        outcomes = await asyncio.gather(*(ask(engine, "busy") for _ in range(3)), return_exceptions=True)
        assert all(isinstance(outcome, EngineUnavailable) for outcome in outcomes)
        assert len(slow.asked) == 4
        with pytest.raises(QueryTimeout):  # and not kept
            await ask(engine, "timeout")
        assert len(slow.asked) == 5

    asyncio.run(main())


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3000)), max_size=60), st.integers(0, 20_000))
def test_a_cache_never_holds_more_than_it_may(puts: list[tuple[int, int]], limit: int) -> None:
    cache: Cache[int] = Cache(limit)
    for key, size in puts:
        cache.put(key, size, size)
        assert cache.size <= limit
        assert cache.get(key) in {None, size}
    assert (cache.size == 0) == (len(cache) == 0)


def test_what_was_used_last_stays() -> None:
    cache: Cache[str] = Cache(40_000)
    for number in range(100):
        cache.put(number, str(number), 1000)
        cache.get(0)
    assert cache.get(0) == "0"
    assert cache.get(1) is None
    assert cache.get(99) == "99"
