"""Parts of a file: a Range header and a size in, which bytes that are out (RFC 9110 section 14); sends nothing."""

from __future__ import annotations

import re
from typing import Final

_UNIT: Final = re.compile(r"bytes[ \t]*=", re.IGNORECASE)
_RANGE: Final = re.compile(r"([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18})")
_MOST: Final = 32  # ranges of one request; of more the whole file is sent, which costs less


def parse_ranges(header: str, size: int) -> list[tuple[int, int]] | None:
    """First and last byte of each range that the file has, in the order asked for; empty if it has none of them.

    None for what is to be passed over as if it were not there: another unit, what is no range, too many of them.

    >>> parse_ranges("bytes=0-4, -2, 50-", 10), parse_ranges("bytes=10-", 10), parse_ranges("lines=1-2", 10)
    ([(0, 4), (8, 9)], [], None)
    """
    unit = _UNIT.match(header)
    parts = [part.strip(" \t") for part in header[unit.end() :].split(",")] if unit else []
    parts = list(filter(None, parts))  # a list may have empty elements
    if not parts or len(parts) > _MOST:
        return None
    found = []
    for part in parts:
        match = _RANGE.fullmatch(part)
        if match is None:
            return None
        if match[3]:
            first, last = max(size - int(match[3]), 0), size - 1
        else:
            first, last = int(match[1]), int(match[2]) if match[2] else size - 1
            if match[2] and last < first:
                return None
        if first < size and not (match[3] and int(match[3]) == 0):
            found.append((first, min(last, size - 1)))
    return found
