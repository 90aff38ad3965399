"""The named queries as they travel with the package: nothing in, each query by its name out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import cbdgraph
from cbdgraph.errors import MissingFile
from cbdgraph.queries import Query, read_queries


@cache
def named_queries() -> Mapping[str, Query]:
    """Those of the checkout that this is run from, else those of the wheel; `MissingFile` if there are none."""
    package = Path(cbdgraph.__file__).parent
    for folder in (package.parents[1] / "queries" / "named", package / "named"):
        if found := read_queries(folder):
            return MappingProxyType(found)
    raise MissingFile(str(package / "named"), "the package was installed without its queries")
