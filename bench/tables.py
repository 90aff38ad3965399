"""Tables as Markdown, on the terminal and between two marks of a document; measures nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.graphs import ROOT

DOCUMENT: Final = ROOT / "docs" / "performance.md"


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are in line; the first column is words, the others are figures.

    >>> print(format_table(("server", "req/s"), [("ours", "12")]))
    | server | req/s |
    | ------ | ----: |
    | ours   |    12 |
    """
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        return " | ".join(
            ("| " + first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)))
        )

    rule = " | ".join(("| " + "-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])))
    return "\n".join(f"{each} |" for each in (line(head), rule, *map(line, rows)))


def milliseconds(seconds: float) -> str:
    """Three significant figures at most.

    >>> milliseconds(0.00123), milliseconds(1.5), milliseconds(float("nan"))
    ('1.23', '1,500', '–')
    """
    if math.isnan(seconds):
        return "–"
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def rate(value: float) -> str:
    """Requests in a second."""
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def ratio(value: float, other: float) -> str:
    """How many times `other` goes into `value`."""
    if not other or not value or math.isnan(value) or math.isnan(other):
        return "–"
    times = value / other
    return f"{times:.2f}x" if times < 10 else f"{times:,.0f}x"


def write_section(name: str, text: str, document: Path = DOCUMENT) -> None:
    """Put `text` in place of what stands between the marks of `name` in a document."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before = document.read_text(encoding="utf-8")
    if begin not in before or end not in before:
        raise SystemExit(f"{document.name} has no place for {name!r}")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    after = pattern.sub(lambda _: f"{begin}\n{text.strip()}\n{end}", before)
    document.write_text(after, encoding="utf-8")
