"""Asserted triples in, computed ones out: positions, labels, codes and links; pure, and never a matter of logic.

What follows from the ontology's axioms is in `reason`. Here is what this project makes up by fixed rules from what is
asserted, so its graphs are described as the project's own and not as a source's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rdflib import RDF, RDFS, Literal, URIRef
from rdflib.namespace import SKOS, XSD
from rdflib.term import Node

from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint_graph, official_page, parse_part, path_of, tracking_code
from cbdgraph.locators import LEVELS, Locator
from cbdgraph.namespaces import BASE, LANGUAGES, SHAPES, expand
from cbdgraph.rdf.turtle import Triple
from cbdgraph.rdf.uses import derive_uses
from cbdgraph.symbols import Symbol

POSITIONS: Final = mint_graph("derived/positions")
LABELS: Final = mint_graph("derived/labels")
CODES: Final = mint_graph("derived/codes")
PAGES: Final = mint_graph("derived/pages")
DEFINITIONS: Final = mint_graph("derived/definitions")
TERM_USES: Final = mint_graph("derived/term-uses")

# Name and meaning of each graph that is made here.
GRAPHS: Final[Mapping[str, tuple[str, str]]] = {
    POSITIONS: (
        "positions in reading order",
        "The rank of every known part of a text, computed from the locators of all its known parts.",
    ),
    LABELS: (
        "labels made by this project",
        "Names of decisions, recommendations, parts, citations and the like where no source gives a label: the "
        "symbol in the usual form of each language, and the place in words.",
    ),
    CODES: (
        "codes of decisions and their parts",
        "The document symbol and the code of the Secretariat's Decision-Tracking Tool, made by the rules that the "
        "Secretariat's papers and the source code of its site show; the code of a part was not looked up.",
    ),
    PAGES: (
        "official pages",
        "The address at which the Secretariat shows a decision or paragraph, made by the pattern of addresses that "
        "sources print; whether each of them answers was not tried.",
    ),
    DEFINITIONS: (
        "where shapes are defined",
        "The document of each shape, so that its IRI leads to it as that of an ontology term does.",
    ),
    TERM_USES: (
        "uses of terms",
        "Which texts use a term, found in those of their words that the graph holds as printed: titles, quotes, "
        "verbatim definitions, and names of issues and targets that a text gives. A text may use a term more often, "
        "and others may use it too; summaries of this project show no use.",
    ),
}

_PARENT: Final = URIRef(expand("cbd:parent"))
_LOCATOR: Final = URIRef(expand("cbd:locator"))
_TRACKING_CODE: Final = URIRef(expand("cbd:TrackingCode"))
_DECISION_SYMBOL: Final = URIRef(expand("cbd:DecisionSymbol"))
_POSITION: Final = URIRef(expand("cbd:position"))
_SYMBOL: Final = URIRef(expand("cbd:symbol"))
_SUMMARY: Final = URIRef(expand("cbd:summary"))
_LONGEST_NAME: Final = 200
_TITLES: Final = (URIRef(expand("cbd:title")), URIRef(expand("dcterms:title")))
_LABELS: Final = frozenset(
    URIRef(expand(name)) for name in ("rdfs:label", "skos:prefLabel", "skosxl:prefLabel", "skosxl:literalForm")
)
_QUANTITY: Final[dict[Node, str]] = {
    URIRef(expand(f"cbd:{name}")): name for name in ("comparator", "value", "unit", "ofWhat")
}

# "{}" is the symbol. Arabic texts write session and number in European digits, but keep the Latin codes of Protocols.
_DECISION: Final = {
    "en": "Decision {}",
    "fr": "Décision {}",
    "es": "Decisión {}",
    "ru": "Решение {}",
    "zh": "第{}号决定",
    "ar": "المقرر {}",
}
# Several bodies number their recommendations alike, so the body is named.
_RECOMMENDATION: Final = {
    "en": "{body} recommendation {}",
    "fr": "Recommandation {} ({body})",
    "es": "Recomendación {} ({body})",
    "ru": "Рекомендация {} ({body})",
    "zh": "第{}号建议（{body}）",
    "ar": "التوصية {} ({body})",
}
# What hangs on a part under a word and a number of its own: `…/para/5/citation/2`.
_THINGS: Final = {
    "citation": "citation",
    "output": "output",
    "request": "request",
    "result": "result",
}


def derive(triples: Iterable[Triple]) -> dict[str, list[Triple]]:
    """Everything that is computed from the asserted `triples`, by graph IRI."""
    asserted = list(triples)
    uses = list(derive_uses(asserted))
    facts = _Facts([*asserted, *uses])
    return {
        POSITIONS: list(_positions(facts)),
        LABELS: list(_labels(facts)),
        CODES: list(_codes(facts)),
        PAGES: list(_pages(facts)),
        DEFINITIONS: list(_definitions(facts)),
        TERM_USES: uses,
    }


class _Facts:
    """The few statements that matter here, by subject."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.parent: dict[Node, Node] = {}
        self.locator: dict[Node, Locator] = {}
        self.positioned: set[Node] = set()
        self.labelled: set[Node] = set()
        self.label: dict[Node, str] = {}
        self.quantity: dict[Node, dict[str, str]] = defaultdict(dict)
        self.symbol: dict[Node, str] = {}
        self.title: dict[Node, dict[str, str]] = defaultdict(dict)
        self.summary: dict[Node, str] = {}
        self.typed: dict[Node, None] = {}
        for subject, predicate, value in triples:
            if predicate == RDF.type:
                self.typed.setdefault(subject)
            elif predicate == _PARENT:
                self.parent.setdefault(subject, value)
            elif predicate == _LOCATOR:
                locator = _parse_locator(str(value))
                if locator:
                    self.locator[subject] = locator
            elif predicate == _POSITION:
                self.positioned.add(subject)
            elif predicate == _SYMBOL:
                self.symbol.setdefault(subject, str(value))
            elif predicate in _LABELS:
                self.labelled.add(subject)
                if isinstance(value, Literal) and value.language == "en":
                    self.label.setdefault(subject, str(value))
            elif predicate in _QUANTITY:
                self.quantity[subject].setdefault(_QUANTITY[predicate], str(value))
            elif predicate == _SUMMARY:
                self.summary.setdefault(subject, str(value).removesuffix("."))
            elif predicate in _TITLES and isinstance(value, Literal):
                self.title[subject].setdefault(value.language or "", str(value))

    def root(self, part: Node) -> Node:
        """The whole text that holds a part; a circle of parents, which shapes report, ends where it closes."""
        seen = {part}
        while part in self.parent and self.parent[part] not in seen:
            part = self.parent[part]
            seen.add(part)
        return part


def _parse_locator(text: str) -> Locator | None:
    """None for what is not a locator: shapes report it."""
    try:
        return Locator.parse(text)
    except InvalidName:
        return None


def _positions(facts: _Facts) -> Iterator[Triple]:
    parts: dict[Node, list[Node]] = defaultdict(list)
    for part in facts.locator:
        parts[facts.root(part)].append(part)
    for root in sorted(parts, key=str):
        # Two parts with one locator, which a check reports, still need one order.
        in_order = sorted(parts[root], key=lambda part: (facts.locator[part].sort_key, str(part)))
        for place, part in enumerate(in_order, 1):
            if part not in facts.positioned:
                yield part, _POSITION, Literal(str(place), datatype=XSD.integer, normalize=False)


def _parts_of_decisions(facts: _Facts) -> Iterator[tuple[Node, Symbol, Locator]]:
    for thing in sorted(facts.typed, key=str):
        try:
            symbol, locator = parse_part(str(thing))
        except InvalidName:
            continue
        if not locator or thing in facts.locator:
            yield thing, symbol, locator


def _codes(facts: _Facts) -> Iterator[Triple]:
    for thing, symbol, locator in _parts_of_decisions(facts):
        if code := tracking_code(symbol, locator):
            yield thing, SKOS.notation, Literal(code, datatype=_TRACKING_CODE)
        if not locator and symbol.document_symbol:
            yield thing, SKOS.notation, Literal(symbol.document_symbol, datatype=_DECISION_SYMBOL)


def _pages(facts: _Facts) -> Iterator[Triple]:
    for thing, symbol, locator in _parts_of_decisions(facts):
        if page := official_page(symbol, locator):
            yield thing, RDFS.seeAlso, URIRef(page)


def _definitions(facts: _Facts) -> Iterator[Triple]:
    document = URIRef(SHAPES.removesuffix("#"))
    shapes = [thing for thing in sorted(facts.typed, key=str) if str(thing).startswith(SHAPES)]
    if shapes:
        yield document, RDFS.label, Literal("cbdgraph shapes", lang="en")
    for shape in shapes:
        yield shape, RDFS.isDefinedBy, document


def _labels(facts: _Facts) -> Iterator[Triple]:
    for thing in sorted(facts.typed, key=str):
        if thing in facts.labelled or not isinstance(thing, URIRef) or not thing.startswith(BASE):
            continue
        for language, text in _names(thing, facts).items():
            yield thing, RDFS.label, Literal(text, lang=language or "en")


def _names(thing: Node, facts: _Facts) -> dict[str, str]:
    """The names of a thing by language; empty for what has no name by any rule here."""
    symbol = _symbol_of(thing)
    if symbol:
        return name_symbol(symbol)
    if thing in facts.locator:
        return {"en": f"{_english_name(facts.root(thing), facts)}, {name_locator(facts.locator[thing])}"}
    if facts.title.get(thing):
        return facts.title[thing]
    if thing in facts.symbol:
        return {"en": facts.symbol[thing]}
    path = path_of(str(thing)) if str(thing).startswith(BASE) else ""
    head, _, number = path.rpartition("/")
    head, _, word = head.rpartition("/")
    if "value" in facts.quantity.get(thing, ()):
        return {"en": _name_quantity(facts.quantity[thing])}
    if word in _THINGS and number.isdecimal():
        return {"en": f"{_english_name(URIRef(BASE + head), facts)}, {_THINGS[word]} {number}"}
    if word == "term-use":
        return {"en": f"{_english_name(URIRef(BASE + head), facts)}, use of {number.replace('-', ' ')}"}
    if path.startswith("document/") and "/" not in path.removeprefix("document/"):
        # A source that names itself nowhere is best told by what this project says it is.
        summary = facts.summary.get(thing, "")
        return {"en": summary if 0 < len(summary) <= _LONGEST_NAME else path.removeprefix("document/")}
    return {}


def _english_name(thing: Node, facts: _Facts) -> str:
    """A short name to build others with: a label, what a text is cited by, or the slug of a document."""
    if thing in facts.label:
        return facts.label[thing]
    names = {} if facts.title.get(thing) else _names(thing, facts)
    if names:
        return names.get("en") or names.get("") or next(iter(names.values()))
    titles = facts.title.get(thing, {})
    return facts.symbol.get(thing) or titles.get("en") or str(thing).removeprefix(BASE).removeprefix("document/")


def _name_quantity(values: Mapping[str, str]) -> str:
    """What a figure says, from the words in the IRIs of its comparator and unit.

    >>> _name_quantity({"comparator": "…/comparator/at-least", "value": "8.0", "unit": "…/unit/workshop"})
    'at least 8 workshop'
    """
    comparator, unit = (values.get(key, "").rpartition("/")[2].replace("-", " ") for key in ("comparator", "unit"))
    number = values["value"].removesuffix(".0")
    figure = " ".join(word for word in (comparator.removeprefix("equal to"), number, unit) if word)
    return f"{figure}: {values['ofWhat']}" if "ofWhat" in values else figure


def _symbol_of(thing: Node) -> Symbol | None:
    """The symbol of a whole decision or recommendation, from its IRI."""
    path = str(thing).removeprefix(BASE)
    if not path.startswith(("decision/", "recommendation/")) or path.count("/") != 3:
        return None
    try:
        return Symbol.parse(path)
    except InvalidName:
        return None


def name_symbol(symbol: Symbol) -> dict[str, str]:
    """A decision or recommendation as the six languages name it.

    >>> names = name_symbol(Symbol("cop", 11, 16))
    >>> names["en"], names["zh"], names["fr"]
    ('Decision XI/16', '第XI/16号决定', 'Décision XI/16')
    """
    patterns = _DECISION if symbol.kind == "decision" else _RECOMMENDATION
    names = dict.fromkeys(LANGUAGES, symbol.short)
    if symbol.body not in {"cp-mop", "np-mop"}:
        names["ar"] = f"{symbol.session}/{symbol.number}"
    return {lang: patterns[lang].format(names[lang], body=symbol.body.upper()) for lang in LANGUAGES}


def name_locator(locator: Locator) -> str:
    """A place in English words.

    >>> name_locator(Locator.parse("annex/2/section/a/para/4/item/d")), name_locator(Locator.parse("annex/rationale"))
    ('annex 2, section A, paragraph 4, item d', 'annex, rationale')
    """
    words: Sequence[str] = [
        f"{LEVELS[step.level]} {step.label.upper() if step.level in {'section', 'part'} else step.label}".strip()
        for step in locator.steps
    ]
    return ", ".join(words)
