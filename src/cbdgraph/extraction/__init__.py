"""One paragraph of text in; who is asked to do what, figures and definitions out, each with spans; touches no RDF.

`find_requests`, `find_quantities` and `find_definitions` read running text in one of the six languages of the United
Nations. What they find is a proposal that a person looks at. See docs/extraction.md for how to add a form.
"""

from __future__ import annotations

from cbdgraph.extraction.definitions import Definition, find_definitions
from cbdgraph.extraction.lexicon import languages
from cbdgraph.extraction.marks import Span
from cbdgraph.extraction.quantities import Quantity, find_quantities
from cbdgraph.extraction.requests import Request, find_requests

__all__ = [
    "Definition",
    "Quantity",
    "Request",
    "Span",
    "find_definitions",
    "find_quantities",
    "find_requests",
    "languages",
]
