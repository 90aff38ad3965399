"""The three W3C tests of the service description: a client in, outcomes out.

What may stand in a description is told here from the vocabulary (SPARQL 1.1 Service Description, section 3): by
property the class of what has it and, where that is one of the vocabulary's, the class of its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import pyoxigraph as ox

from tests.conformance.protocol import Outcome

_SD: Final = "http://www.w3.org/ns/sparql-service-description#"
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_PROPERTIES: Final[Mapping[str, tuple[str, str]]] = {
    "endpoint": ("Service", ""),
    "feature": ("Service", ""),
    "supportedLanguage": ("Service", ""),
    "languageExtension": ("Service", ""),
    "propertyFeature": ("Service", ""),
    "extensionFunction": ("Service", ""),
    "extensionAggregate": ("Service", ""),
    "inputFormat": ("Service", ""),
    "resultFormat": ("Service", ""),
    "defaultEntailmentRegime": ("Service", ""),
    "defaultSupportedEntailmentProfile": ("Service", ""),
    "defaultDataset": ("Service", "Dataset"),
    "availableGraphs": ("Service", "GraphCollection"),
    "defaultGraph": ("Dataset", "Graph"),
    "namedGraph": ("GraphCollection", "NamedGraph"),
    "name": ("NamedGraph", ""),
    "graph": ("NamedGraph", "Graph"),
    "entailmentRegime": ("NamedGraph", ""),
    "supportedEntailmentProfile": ("NamedGraph", ""),
}
_NARROWER: Final = {"Dataset": "GraphCollection"}  # a dataset is a collection of graphs too
_VALUES: Final[Mapping[str, frozenset[str]]] = {
    "supportedLanguage": frozenset({"SPARQL10Query", "SPARQL11Query", "SPARQL11Update"}),
    "feature": frozenset(
        {"BasicFederatedQuery", "DereferencesURIs", "EmptyGraphs", "RequiresDataset", "UnionDefaultGraph"}
    ),
}
_ABOUT: Final = {
    "returns-rdf": "GET of the endpoint without a query gives RDF",
    "has-endpoint-triple": "the description names the address at which it was asked for as the endpoint",
    "conforms-to-schema": "terms, classes and values are those of the vocabulary",
}


def judge(client: httpx.Client) -> list[Outcome]:
    """The outcomes of the three tests."""
    plain = client.get("/sparql")
    answer = f"{plain.status_code} {plain.headers.get('content-type', '').partition(';')[0]}"
    faults = {
        "returns-rdf": _returns_rdf(client, plain),
        "has-endpoint-triple": _has_endpoint(plain, f"{client.base_url}".rstrip("/") + "/sparql"),
        "conforms-to-schema": "; ".join(find_faults(_triples(plain))),
    }
    return [
        Outcome(name, about, "fail" if faults[name] else "pass", faults[name] or answer)
        for name, about in _ABOUT.items()
    ]


def _returns_rdf(client: httpx.Client, plain: httpx.Response) -> str:
    expected = set(_triples(plain))
    for media_type in ("text/turtle", "application/n-triples"):
        found = client.get("/sparql", headers={"Accept": media_type})
        if found.status_code != 200 or not expected or set(_triples(found)) != expected:
            return f"{media_type}: {found.status_code}"
    return ""


def _has_endpoint(plain: httpx.Response, address: str) -> str:
    found = {triple.object.value for triple in _triples(plain) if triple.predicate.value == _SD + "endpoint"}
    return "" if found == {address} else f"the endpoints are {', '.join(sorted(found)) or 'none'}"


def _triples(response: httpx.Response) -> list[Any]:
    rdf_format = ox.RdfFormat.from_media_type(response.headers.get("content-type", ""))
    if rdf_format is None:
        return []
    return [quad.triple for quad in ox.parse(response.content, format=rdf_format)]


def find_faults(triples: list[Any]) -> list[str]:
    """What the vocabulary does not allow."""
    types: dict[Any, set[str]] = {}
    for triple in triples:
        if triple.predicate.value == _TYPE and triple.object.value.startswith(_SD):
            name = triple.object.value.removeprefix(_SD)
            types.setdefault(triple.subject, set()).update({name, _NARROWER.get(name, name)})
    faults = []
    services = [node for node, names in types.items() if "Service" in names]
    if len(services) != 1:
        faults.append(f"there are {len(services)} services")
    for triple in triples:
        name = triple.predicate.value.removeprefix(_SD)
        if name == triple.predicate.value:
            continue
        if name not in _PROPERTIES:
            faults.append(f"sd:{name} is no property of the vocabulary")
            continue
        subject, value = _PROPERTIES[name]
        if subject not in types.get(triple.subject, set()):
            faults.append(f"what has sd:{name} is no sd:{subject}")
        if value and value not in types.get(triple.object, set()):
            faults.append(f"the value of sd:{name} is no sd:{value}")
        if name in _VALUES and triple.object.value.removeprefix(_SD) not in _VALUES[name]:
            faults.append(f"{triple.object} is no value of sd:{name}")
    return sorted(set(faults))
