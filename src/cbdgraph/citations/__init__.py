"""Written citations in, values with spans and IRIs out; touches no RDF, no store and no files but its own tables.

`find_citations` reads running text, `parse_citation` a text that is one citation, `resolve` finds its one IRI or
ranks the candidates. See docs/citations.md for how to add a language.
"""

from __future__ import annotations

from cbdgraph.citations.find import find_citations
from cbdgraph.citations.parse import parse_citation
from cbdgraph.citations.resolution import Candidate, Resolution, resolve

__all__ = ["Candidate", "Resolution", "find_citations", "parse_citation", "resolve"]
