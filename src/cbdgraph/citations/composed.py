"""A text in, the same with one sign for each letter out, and the way back to the offsets of the text; knows no words.

What a PDF gives as a letter and its accent, or as a form of a letter, becomes the letter; marks that say nothing here
(Arabic vowels, soft hyphens, directions) are left out. A text without any of these stays as it is and costs one look.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Final

from cbdgraph.model import Citation

# Arabic vowel marks, the stroke that lengthens a word, soft hyphens, marks of direction and joining.
_SILENT: Final = "\u064b-\u0652\u0670\u0640\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
# Letters with marks that combine with them, and the letter forms that some PDFs hold in place of letters.
_LOOSE: Final = re.compile(rf"[{_SILENT}]|[^\W\d_][\u0300-\u036f]+|[\ufb50-\ufdff\ufe70-\ufefc]")


@dataclass(frozen=True, slots=True)
class Composed:
    """A text with its offsets in the text that it comes from; `offsets` is empty where they are the same."""

    text: str
    offsets: tuple[int, ...] = ()

    def place(self, citation: Citation, source: str) -> Citation:
        """The citation with the offsets and the words of the source."""
        if not self.offsets:
            return citation
        start, end = self.offsets[citation.start], self.offsets[citation.end - 1]
        first, last = self.offsets[citation.part_start], self.offsets[citation.part_end - 1]
        # What stands behind the last letter and belongs to it goes with it.
        end, last = self._after(end, source), self._after(last, source)
        return replace(
            citation,
            start=start,
            end=end,
            quote=source[start:end],
            part_start=first,
            part_end=last,
            part_quote=source[first:last],
        )

    def _after(self, offset: int, source: str) -> int:
        end = offset + 1
        while end < len(source) and (unicodedata.combining(source[end]) or source[end] in "\u00ad\u0640"):
            end += 1
        return end


def compose(text: str) -> Composed:
    """The text with composed letters.

    >>> compose("de\u0301cision X/2").text
    'décision X/2'
    """
    if not _LOOSE.search(text):
        return Composed(text)
    pieces: list[str] = []
    offsets: list[int] = []
    done = 0
    for match in _LOOSE.finditer(text):
        pieces.append(text[done : match.start()])
        offsets += range(done, match.start())
        letters = re.sub(f"[{_SILENT}]", "", unicodedata.normalize("NFKC", match[0]))
        pieces.append(letters)
        offsets += [match.start()] * len(letters)
        done = match.end()
    pieces.append(text[done:])
    offsets += range(done, len(text))
    return Composed("".join(pieces), tuple(offsets))
