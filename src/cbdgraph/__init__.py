"""cbdgraph: the decisions and targets of the Convention on Biological Diversity as linked data.

`find_citations`, `parse_citation`, `resolve` and `format_citation` are the public functions; they load on first use,
so that a worker process that only needs a core module starts without the grammar.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbdgraph.citations import find_citations, format_citation, parse_citation, resolve

__all__ = ["find_citations", "format_citation", "parse_citation", "resolve"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("cbdgraph.citations"), name)
    if name == "__version__":
        from importlib.metadata import version  # takes longer to import than a worker to start

        return version("cbdgraph")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
