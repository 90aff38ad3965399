"""How often somebody may: a name in, seconds to wait out; keeps a bounded number of names, in memory only."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cbdgraph.settings import Settings

_MOST: Final = 10_000  # names; whoever was longest away is forgotten, and was full again
_FAILURES: Final = 10  # failed sign-ins of an address before it has to wait
_FAILURE_SECONDS: Final = 60.0  # after which it may try once more
_READS: Final = 20  # times as many reads as writes
_OF_ADDRESS: Final = 4  # times as many of an address as of a token: an office has one


class Bucket:
    """Holds `size` for each name, and gets `size` back in `seconds`; what is taken when it is empty is refused."""

    def __init__(self, size: float, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._size, self._rate, self._now = size, size / seconds, now
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def level(self, name: str) -> float:
        """How much is left."""
        level, when = self._levels.get(name, (self._size, 0.0))
        return min(self._size, level + (self._now() - when) * self._rate)

    def take(self, name: str) -> float:
        """Take one; gives 0.0, or the seconds until there is one again, in which case nothing was taken."""
        level = self.level(name)
        if level < 1:
            return (1 - level) / self._rate
        self._levels[name] = (level - 1, self._now())
        self._levels.move_to_end(name)
        if len(self._levels) > _MOST:
            self._levels.popitem(last=False)
        return 0.0


class Rates:
    """What the desk counts of each token and each address."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        writes = settings.desk_writes
        self.writes = Bucket(writes, 60, now)
        self.reads = Bucket(writes * _READS, 60, now)
        self.address = Bucket(writes * _OF_ADDRESS, 60, now)
        self.failures = Bucket(_FAILURES, _FAILURES * _FAILURE_SECONDS, now)

    def slowness(self, address: str) -> float:
        """Seconds that an address waits after one more failure: longer each time."""
        failed = _FAILURES - self.failures.level(address)
        return min(2.0, 0.1 * 2 ** max(failed - 1, 0))
