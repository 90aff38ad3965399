"""The review desk: reviews of definitions and labels beside the graph, in one SQLite file; standard library only.

Knows no RDF library, no store and no server. `Desk` is what others use; `reviews` has the values.
"""

from __future__ import annotations

from cbdgraph.desk.access import Access, Guest, Token
from cbdgraph.desk.desk import FILE, Desk, Head
from cbdgraph.desk.reviews import (
    ROLES,
    STATES,
    TONGUES,
    WHOLE,
    Draft,
    Entry,
    Key,
    Reviewer,
    Seen,
    State,
)

__all__ = [
    "FILE",
    "ROLES",
    "STATES",
    "TONGUES",
    "WHOLE",
    "Access",
    "Desk",
    "Draft",
    "Entry",
    "Guest",
    "Head",
    "Key",
    "Reviewer",
    "Seen",
    "State",
    "Token",
]
