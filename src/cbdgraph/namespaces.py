"""The base IRI and the one prefix map of the project; plain strings, no RDF library.

Turtle files, queries, shapes, the JSON-LD context and the service all take their prefixes from here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

BASE: Final = "https://w3id.org/cbdgraph/"
ONTOLOGY: Final = BASE + "ontology#"
SHAPES: Final = BASE + "shapes#"
GRAPHS: Final = BASE + "graph/"
# Graphs about the dataset, not of it: they stand in no dump, and the default graph does not hold them.
CHANGES: Final = GRAPHS + "changes"
WITHDRAWN: Final = GRAPHS + "withdrawn"
ABOUT: Final = frozenset({CHANGES, WITHDRAWN})
# Where the graphs begin that no file holds: conclusions, what is computed, and what describes the graphs.
CATALOG: Final = GRAPHS + "catalog"
MADE: Final = (GRAPHS + "inferred/", GRAPHS + "derived/", CATALOG)

# In the order in which files declare them: ours first, then standards by how often they occur.
PREFIXES: Final = MappingProxyType(
    {
        "cbd": ONTOLOGY,
        "cbdsh": SHAPES,
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "owl": "http://www.w3.org/2002/07/owl#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "skosxl": "http://www.w3.org/2008/05/skos-xl#",
        "dcterms": "http://purl.org/dc/terms/",
        "prov": "http://www.w3.org/ns/prov#",
        "org": "http://www.w3.org/ns/org#",
        "sh": "http://www.w3.org/ns/shacl#",
        "void": "http://rdfs.org/ns/void#",
        "sd": "http://www.w3.org/ns/sparql-service-description#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "schema": "http://schema.org/",
        "eli": "http://data.europa.eu/eli/ontology#",
        "vann": "http://purl.org/vocab/vann/",
    }
)

# The six languages of the United Nations, in the order in which the service lists them.
LANGUAGES: Final = ("en", "fr", "es", "ru", "zh", "ar")
RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


def rank_language(code: str) -> tuple[int, str]:
    """A key that sorts codes of languages: the six in their order, then all others by name.

    >>> sorted(["de", "zh", "fr", ""], key=rank_language)
    ['fr', 'zh', '', 'de']
    """
    return (LANGUAGES.index(code) if code in LANGUAGES else len(LANGUAGES), code)


def expand(name: str) -> str:
    """A prefixed name as a full IRI; `KeyError` for a prefix that is not in the map.

    >>> expand("cbd:Decision")
    'https://w3id.org/cbdgraph/ontology#Decision'
    """
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local
