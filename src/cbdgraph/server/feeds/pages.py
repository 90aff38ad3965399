"""The change log cut into pages for the feeds: a history in, stable pages out; knows no format and no request.

A page never holds events of two releases, and a release is only ever followed by others: so a page that is there
holds the same events for ever. Within a release the pages count from 1, in the order of the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cbdgraph.history import Event, History, Past

# Events of a page. To change it changes pages that clients and caches keep for ever.
PAGE: Final = 250


@dataclass(frozen=True, slots=True)
class Page:
    """Some events of one release.

    `number` counts from 1 within the release, `index` from 1 over the whole log; `is_newest` is for the last page of
    the log, after which the next release adds another.
    """

    release: Past
    number: int
    index: int
    events: tuple[Event, ...]
    is_newest: bool

    @property
    def name(self) -> str:
        """The release and the number in it, as a path: `0.2.0/3`."""
        return f"{self.release.number}/{self.number}"


def cut_pages(history: History, size: int | None = None) -> tuple[Page, ...]:
    """All pages, the oldest first, of `size` events each (else `PAGE`), the last page of a release of fewer."""
    cut = list(_cut(history, PAGE if size is None else size))
    return tuple(
        Page(release, number, index, events, index == len(cut))
        for index, (release, number, events) in enumerate(cut, 1)
    )


def find_page(history: History, name: str, size: int | None = None) -> Page | None:
    """The page of that name, such as `0.2.0/3`; None if there is none."""
    return next((page for page in cut_pages(history, size) if page.name == name), None)


def _cut(history: History, size: int) -> Iterator[tuple[Past, int, tuple[Event, ...]]]:
    if size < 1:
        raise ValueError(f"a page of {size} events")
    start = 0
    for release in history.releases:
        end = start + release.events
        for number, first in enumerate(range(start, end, size), 1):
            yield release, number, history.events[first : min(first + size, end)]
        start = end
