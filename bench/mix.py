"""Ten queries as readers ask them, with values from the graph; makes texts, runs nothing.

No text is given out twice: where the values of a template run out, a number in a comment makes the next one another
text. So no cache of answers or of plans, of whatever server, can help where it is not meant to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import gcd, prod
from pathlib import Path
from typing import Final

from cbdgraph.namespaces import LANGUAGES, PREFIXES

JSON: Final = "application/sparql-results+json"
NTRIPLES: Final = "application/n-triples"
ROOT: Final = Path(__file__).resolve().parent.parent

_HEAD: Final = "".join(f"PREFIX {name}: <{PREFIXES[name]}>\n" for name in ("cbd", "rdfs", "skos"))


@dataclass(frozen=True, slots=True)
class Template:
    """`text` with values as $name; `values` names the lists of `Values` that they come from."""

    name: str
    text: str
    values: tuple[str, ...]
    accept: str = JSON


@dataclass(frozen=True, slots=True)
class Query:
    """A text to send, of which template it is, and what it asks to be answered in."""

    template: str
    text: str
    accept: str


# What a file is searched for, so that there is always something to ask about.
_WANTED: Final = {
    "decision": "Decision",
    "issue": "Issue",
    "target": "Target",
    "term": "Term",
}
_WORDS: Final = ("restor", "forest", "conserv", "resilien", "marine", "agri", "wetland", "genetic", "island", "dry")

MIX: Final = (
    Template("decision", "SELECT ?property ?value WHERE { <$decision> ?property ?value }", ("decision",)),
    Template(
        "on-issue",
        """SELECT ?decision ?label ?part ?locator ?citation WHERE {
  ?citation cbd:issue <$issue> ; cbd:citedPart ?part ; cbd:citingPart ?citing ; cbd:position ?position .
  ?part cbd:isPartOf? ?decision .
  ?decision a cbd:Decision .
  OPTIONAL { ?citing cbd:position ?row }
  OPTIONAL { ?decision rdfs:label ?label . FILTER(LANG(?label) = "$lang") }
  OPTIONAL { ?part cbd:locator ?locator }
} ORDER BY ?row ?position ?citation ?decision""",
        ("issue", "lang"),
    ),
    Template(
        "citations",
        """SELECT ?citation ?citing ?label ?issue ?part ?quote WHERE {
  ?part cbd:isPartOf? <$decision> .
  ?citation cbd:citedPart ?part ; cbd:citingPart ?citing ; cbd:quote ?quote .
  OPTIONAL { ?citing rdfs:label ?label . FILTER(LANG(?label) = "$lang") }
  OPTIONAL { ?citation cbd:issue ?issue }
} ORDER BY ?citation""",
        ("decision", "lang"),
    ),
    Template(
        "addressing-target",
        """SELECT ?decision ?label ?symbol WHERE {
  ?decision cbd:addressesTarget <$target> ; a cbd:Decision ; cbd:symbol ?symbol ; rdfs:label ?label .
  FILTER(LANG(?label) = "$lang")
} ORDER BY ?symbol LIMIT 100""",
        ("target", "lang"),
    ),
    Template(
        "label-search",
        """SELECT ?thing ?label WHERE {
  ?thing skos:prefLabel ?label .
  FILTER(LANG(?label) = "$lang" && CONTAINS(LCASE(STR(?label)), "$word"))
} ORDER BY ?label ?thing LIMIT 50""",
        ("word", "lang"),
    ),
    Template(
        "issue-by-meeting",
        """SELECT ?issue ?meeting (COUNT(DISTINCT ?decision) AS ?decisions) (COUNT(DISTINCT ?citation) AS ?citations)
WHERE {
  ?citation cbd:issue ?issue ; cbd:citedPart ?part .
  ?part cbd:isPartOf? ?decision .
  ?decision cbd:adoptedAt ?meeting .
  ?meeting cbd:session ?session .
  FILTER(?session >= $session)
} GROUP BY ?issue ?meeting ?session ORDER BY ?issue ?session""",
        ("session",),
    ),
    Template(
        "outline",
        """SELECT ?part ?parent ?locator ?position WHERE {
  ?part cbd:parent+ <$decision> .
  ?part cbd:parent ?parent ; cbd:locator ?locator ; cbd:position ?position .
} ORDER BY ?position""",
        ("decision",),
    ),
    Template(
        "construct",
        """CONSTRUCT { <$target> ?property ?value . ?value skos:prefLabel ?name . ?by cbd:addressesTarget <$target> }
WHERE {
  { <$target> ?property ?value . OPTIONAL { ?value skos:prefLabel ?name FILTER(LANG(?name) = "$lang") } }
  UNION { ?by cbd:addressesTarget <$target> }
}""",
        ("target", "lang"),
        NTRIPLES,
    ),
    Template(
        "missing-language",
        """SELECT ?term ?label WHERE {
  ?term a cbd:$kind .
  OPTIONAL { ?term skos:prefLabel ?label . FILTER(LANG(?label) = "en") }
  FILTER NOT EXISTS { ?term skos:prefLabel ?other . FILTER(LANG(?other) = "$lang") }
} ORDER BY ?term""",
        ("kind", "lang"),
    ),
    Template(
        "ask",
        """ASK {
  <$decision> cbd:addressesTarget ?target . ?target skos:prefLabel ?label .
  FILTER(LANG(?label) = "$lang" && CONTAINS(LCASE(STR(?label)), "$word"))
}""",
        ("decision", "word", "lang"),
    ),
)

AGGREGATES: Final = (
    Template("issues by meeting", "", ()),  # the text of the operation that the service offers
    Template(
        "citations by issue",
        """SELECT ?issue ?certainty (COUNT(?citation) AS ?citations) WHERE {
  ?citation cbd:issue ?issue ; cbd:certainty ?certainty
} GROUP BY ?issue ?certainty ORDER BY DESC(?citations) ?issue ?certainty""",
        (),
    ),
    Template(
        "decisions by target",
        """SELECT ?target (COUNT(DISTINCT ?decision) AS ?decisions) WHERE {
  ?decision a cbd:Decision ; cbd:addressesTarget ?target
} GROUP BY ?target ORDER BY DESC(?decisions) ?target""",
        (),
    ),
    Template(
        "labels by language",
        """SELECT ?language (COUNT(?label) AS ?labels) WHERE {
  ?thing skos:prefLabel|rdfs:label ?label BIND(LANG(?label) AS ?language)
} GROUP BY ?language ORDER BY ?language""",
        (),
    ),
    Template(
        "records by class",
        "SELECT ?class (COUNT(?thing) AS ?things) WHERE { ?thing a ?class } GROUP BY ?class ORDER BY ?class",
        (),
    ),
    Template(
        "texts never cited",
        """SELECT (COUNT(?part) AS ?parts) WHERE {
  ?part a cbd:Paragraph . FILTER NOT EXISTS { ?citation cbd:citedPart ?part }
}""",
        (),
    ),
)

Values = Mapping[str, Sequence[str]]


def read_values(file: Path) -> Values:
    """What the queries ask about, from a file of N-Triples: its decisions, issues, targets and terms."""
    kinds = {f"<{PREFIXES['cbd']}{kind}>": name for name, kind in _WANTED.items()}
    found: dict[str, set[str]] = {name: set() for name in _WANTED}
    pattern = re.compile(rf"<([^>]*)> <{re.escape(PREFIXES['rdf'])}type> (<[^>]*>) \.")
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            match = pattern.match(line)
            if match and match[2] in kinds:
                found[kinds[match[2]]].add(match[1])
    values = {name: sorted(each) for name, each in found.items()}
    return {
        **values,
        "lang": LANGUAGES,
        "word": _WORDS,
        "session": [str(number) for number in range(1, 16)],
        "kind": ("Term", "Issue"),
    }


def make_queries(values: Values, templates: Sequence[Template] = MIX, *, start: int = 0) -> Iterator[Query]:
    """Queries without end, one of each template in turn, no text twice; `start` begins another such series."""
    choices = [_choose(template, values) for template in templates]
    for number in count(start):
        for template, each in zip(templates, choices, strict=True):
            text, used_up = each[number % len(each)], number // len(each)
            yield Query(template.name, f"{text}\n# {used_up}" if used_up else text, template.accept)


def make_aggregates() -> list[Template]:
    """The aggregates with their texts."""
    named = (ROOT / "queries" / "named" / "issues-by-meeting.rq").read_text(encoding="utf-8")
    texts = (_HEAD + each.text if each.text else named for each in AGGREGATES)
    return [Template(each.name, text, each.values, each.accept) for each, text in zip(AGGREGATES, texts, strict=True)]


def _choose(template: Template, values: Values) -> list[str]:
    """All texts of a template, neighbours far from each other; where there are very many, some thousands of them."""
    lists = [values[name] for name in template.values]
    size = prod(map(len, lists))
    step = next(number for number in count(round(size * 0.618) or 1) if gcd(number, size) == 1)
    texts = []
    for index in range(min(size, 5000)):
        place, chosen = index * step % size, {}
        for name, each in zip(template.values, lists, strict=True):
            place, chosen[name] = place // len(each), each[place % len(each)]
        texts.append(_fill(template, chosen))
    return texts


def _fill(template: Template, chosen: Mapping[str, str]) -> str:
    return _HEAD + re.sub(r"\$(\w+)", lambda match: chosen[match[1]], template.text)
