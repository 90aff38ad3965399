"""The limits within which documents are read; numbers only. A document over one is refused, never read in part."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 64 * 2**20
"""Size of the file."""

MAX_PAGES: Final = 3000
"""Pages of a PDF."""

MAX_BLOCKS: Final = 500_000
"""Paragraphs, cells and notes of a document."""

MAX_MEMBERS: Final = 10_000
"""Files inside a .docx."""

MAX_MEMBER_BYTES: Final = 96 * 2**20
"""One file inside a .docx, or one compressed stream of a PDF, unpacked."""

MAX_RATIO: Final = 400
"""How many times a file inside a .docx may grow when it is unpacked, beyond the first megabyte."""

MAX_DEPTH: Final = 1000
"""Elements inside elements of HTML; in .docx the XML parser allows 256."""

MAX_GLYPHS: Final = 400_000
"""Characters on one page of a PDF."""

SAMPLE_BYTES: Final = 2**16
"""How much of a text is looked at to guess its encoding."""
