"""Written citations in, values with spans and IRIs out; touches no RDF, no store and no files but its own tables.

`find_citations` reads running text, `parse_citation` a text that is one citation, `resolve` finds its one IRI or
ranks the candidates, `format_citation` writes one in any of the languages. docs/citations.md says how to add one.
"""

from __future__ import annotations

from cbdgraph.citations.find import find_citations
from cbdgraph.citations.forms import format_citation
from cbdgraph.citations.lexicon import guess_language, languages
from cbdgraph.citations.parse import parse_citation
from cbdgraph.citations.resolution import Candidate, Resolution, resolve

__all__ = [
    "Candidate",
    "Resolution",
    "find_citations",
    "format_citation",
    "guess_language",
    "languages",
    "parse_citation",
    "resolve",
]
