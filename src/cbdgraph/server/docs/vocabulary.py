"""What the ontology says and how a release uses it: an engine in, everything to be said of each term out.

All of it is asked of the store, axioms, shapes, counts and examples alike, so that it cannot be out of step with the
data. Writes no HTML. What it takes to make sense of the answers is in `documented`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from cbdgraph.namespaces import ONTOLOGY
from cbdgraph.queries import prologue
from cbdgraph.server.docs.documented import Answers, Vocabulary, document, find_unnamed
from cbdgraph.server.docs.triples import Row
from cbdgraph.server.live import Served
from cbdgraph.server.names import find_names

_DEFINED: Final = f"?term rdfs:isDefinedBy <{ONTOLOGY.rstrip('#')}>"
_QUERIES: Final[dict[str, str]] = {
    # The axioms, with the lists and restrictions that hang on them.
    "axioms": f"""SELECT ?s ?p ?o WHERE {{
  {{ ?s rdfs:isDefinedBy <{ONTOLOGY.rstrip("#")}> ; ?p ?o }}
  UNION {{ BIND(<{ONTOLOGY.rstrip("#")}> AS ?s) ?s ?p ?o }}
  UNION {{
    VALUES ?p {{ rdf:first rdf:rest owl:inverseOf owl:onProperty owl:someValuesFrom owl:allValuesFrom owl:hasValue }}
    ?s ?p ?o
  }}
}}""",
    "shapes": """SELECT ?s ?p ?o WHERE {
  { VALUES ?kind { sh:PropertyShape sh:NodeShape } ?s a ?kind ; ?p ?o }
  UNION { ?shape sh:languageIn|sh:or|sh:in ?list . ?list rdf:rest* ?s . ?s ?p ?o }
}""",
    "members": f"""SELECT ?term (COUNT(DISTINCT ?s) AS ?count) (MIN(STR(?s)) AS ?example)
WHERE {{ {_DEFINED} ; a owl:Class . ?s a ?term . FILTER(ISIRI(?s)) }}
GROUP BY ?term""",
    "statements": f"""SELECT ?term (COUNT(*) AS ?count) (MIN(STR(?s)) AS ?example)
WHERE {{ {_DEFINED} . ?s ?term ?o }}
GROUP BY ?term""",
    "values": f"""SELECT ?term ?s ?o
WHERE {{ ?s skos:notation ?o . BIND(DATATYPE(?o) AS ?term) FILTER(STRSTARTS(STR(?term), "{ONTOLOGY}")) }}
ORDER BY ?term ?s ?o""",
    "subjects": f"""SELECT ?term ?class (COUNT(*) AS ?count)
WHERE {{ {_DEFINED} . ?s ?term ?o ; a ?class . FILTER(ISIRI(?class)) }}
GROUP BY ?term ?class""",
    "objects": f"""SELECT ?term ?class (COUNT(*) AS ?count)
WHERE {{ {_DEFINED} ; a owl:ObjectProperty . ?s ?term ?o . ?o a ?class . FILTER(ISIRI(?class)) }}
GROUP BY ?term ?class""",
    "datatypes": f"""SELECT ?term ?class (COUNT(*) AS ?count)
WHERE {{ {_DEFINED} ; a owl:DatatypeProperty . ?s ?term ?o . BIND(DATATYPE(?o) AS ?class) }}
GROUP BY ?term ?class""",
    "concepts": """SELECT ?concept ?scheme ?p ?o
WHERE {
  VALUES ?p { skos:notation skos:definition }
  ?concept skos:inScheme ?scheme .
  OPTIONAL { ?concept ?p ?o }
}""",
    "schemes": "SELECT ?s ?p ?o WHERE { ?s a skos:ConceptScheme ; ?p ?o }",
    "uses": """SELECT ?term (COUNT(*) AS ?count)
WHERE { ?term skos:inScheme ?scheme . ?s ?p ?term . FILTER(?p != skos:inScheme && ?p != skos:hasTopConcept) }
GROUP BY ?term""",
}
_EXAMPLES: Final = """SELECT ?term ?s ?o
WHERE { VALUES (?term ?s) { @PAIRS@ } ?s ?term ?o }
ORDER BY ?term ?o"""
_RESULTS: Final = "application/sparql-results+json"


async def load_vocabulary(served: Served, language: str) -> Vocabulary | None:
    """Everything about the ontology of a release, with names in `language`; None if the data hold no ontology."""
    head = prologue(("cbd", "rdf", "rdfs", "owl", "skos", "sh"))
    asked = await asyncio.gather(*(_select(served, f"{head}\n\n{query}") for query in _QUERIES.values()))
    answers = Answers(**dict(zip(_QUERIES, asked, strict=True)))
    if not answers.axioms:
        return None
    pairs = " ".join(f"({term} {subject})" for term, subject in answers.examples)
    examples = await _select(served, _EXAMPLES.replace("@PAIRS@", pairs)) if pairs else ()
    names = await find_names(served, find_unnamed(answers, examples))
    return await asyncio.to_thread(document, answers, examples, names, language, list(served.queries.values()))


async def _select(served: Served, query: str) -> Sequence[Row]:
    return (await served.engine.run_query(query, media_type=_RESULTS, trusted=True)).bindings
