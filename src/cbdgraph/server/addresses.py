"""Addresses of this service: an IRI in, where it is described here out; knows no graph."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from cbdgraph.namespaces import BASE

# IRIs of the Secretariat that this graph describes: those of the targets of the Global Biodiversity Framework.
DESCRIBED: Final = "http://metadata.cbd.int/kmgbf/"


def address(iri: str) -> str:
    """The path under which this service describes an IRI; it never leads to another server.

    >>> address("https://w3id.org/cbdgraph/target/aichi/15"), address("http://metadata.cbd.int/kmgbf/target_3")
    ('/target/aichi/15', '/describe?iri=http%3A%2F%2Fmetadata.cbd.int%2Fkmgbf%2Ftarget_3')
    """
    if iri.startswith(BASE):
        return "/" + quote(iri.removeprefix(BASE).lstrip("/"), safe="/:%#")
    return "/describe?" + urlencode({"iri": iri})
