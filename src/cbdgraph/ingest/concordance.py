"""A document and a finder of terms in, each use of a term with the words around it out; saves nothing.

`format_text`, `format_csv` and `format_json` write the lines down. What is shown is the document's own text, so it
goes to whoever holds the document and never into the record.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final

from cbdgraph.citations import guess_language
from cbdgraph.documents import Block, Document
from cbdgraph.terminology.finding import Mention, TermFinder
from cbdgraph.terminology.terms import TERM
from cbdgraph.terminology.uses import form_of

AROUND: Final = 40  # characters that are shown on each side
_SILENT: Final = frozenset({"page-head"})


@dataclass(frozen=True, slots=True)
class Line:
    """A use of a term: where it stands, and the words before and behind it in the same paragraph or cell.

    `locator` is empty in the head of a document, `page` 0 where there are none. `start` counts characters of the text
    that was read. `alternatives` are other terms that the form may name; terms go by their slugs.
    """

    document: str
    locator: str
    page: int
    term: str
    form: str
    language: str
    certainty: str
    alternatives: str
    start: int
    before: str
    after: str


COLUMNS: Final = tuple(field.name for field in fields(Line))


def find_lines(
    document: Document, finder: TermFinder, language: str | None = None, term: str | None = None
) -> Iterator[Line]:
    """The uses of all terms, or of one by its slug, in the text's order; the language is guessed if not given."""
    named = language or guess_language(document.text)
    for block in document.blocks:
        if block.kind in _SILENT:
            continue
        for mention in finder.find(block.text, named):
            if term is None or TERM + term in (mention.term, *mention.alternatives):
                yield _line(document, block, mention, named)


def _line(document: Document, block: Block, mention: Mention, language: str) -> Line:
    before = block.text[max(0, mention.start - AROUND) : mention.start]
    return Line(
        document=document.path,
        locator=str(block.locator),
        page=block.page,
        term=mention.term.removeprefix(TERM),
        form=form_of(mention.quote),
        language=language,
        certainty=mention.certainty,
        alternatives=" ".join(other.removeprefix(TERM) for other in mention.alternatives),
        start=block.start + mention.start,
        before=_one_line(before),
        after=_one_line(block.text[mention.end : mention.end + AROUND]),
    )


def _one_line(text: str) -> str:
    """Without line ends, tabs and signs that steer a terminal or turn its direction around."""
    return "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or sign.isprintable())


def format_text(lines: Sequence[Line]) -> str:
    """Each use on a line: place, term, and the form between ⟦ and ⟧ among its words."""
    width = max((len(line.locator or "head") for line in lines), default=0)
    slug = max((len(line.term) for line in lines), default=0)
    return "".join(
        f"{line.locator or 'head':<{width}}  {line.term:<{slug}}{'?' if line.alternatives else ' '}  "
        f"{line.before:>{AROUND}}⟦{line.form}⟧{line.after}\n"
        for line in lines
    )


def format_csv(lines: Iterable[Line], head: bool = True) -> str:
    """A table with a head, for a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if head:
        writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in asdict(line).values()] for line in lines)
    return out.getvalue()


def _cell(value: str | int) -> str | int:
    """A text that a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def format_json(lines: Iterable[Line]) -> str:
    """A list of objects, one for each use."""
    return json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=1) + "\n"


def count_terms(lines: Iterable[Line]) -> Counter[str]:
    """How often each term comes up."""
    return Counter(line.term for line in lines)
