"""A graph's properties and classes in, those that nobody declared or that stand on the wrong class out.

What `sh:closed` would do shape by shape, with the name that was probably meant. Changes no data.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rdflib import DCTERMS, ORG, OWL, PROV, RDF, RDFS, SH, SKOS, Graph, URIRef
from rdflib.term import Node

from cbdgraph.namespaces import BASE, ONTOLOGY, PREFIXES
from cbdgraph.reports import Problem, format_term

CHECKS: Final = BASE + "checks#"
# Gives file and line of a subject.
Find = Callable[[Node], tuple[str, int]]

_SKOSXL: Final = PREFIXES["skosxl"]
_SKOSXL_NAMES: Final = ("Label", "literalForm", "prefLabel", "altLabel", "hiddenLabel", "labelRelation")
# Vocabularies whose every name rdflib knows, so that a misspelt one can be told.
_KNOWN: Final = {str(namespace): namespace for namespace in (DCTERMS, ORG, OWL, PROV, RDF, RDFS, SKOS)}


def check_terms(own: Graph, known: Graph, shapes: Graph, find: Find) -> Iterator[Problem]:
    """Properties and classes that nobody declared, and our properties on subjects whose class has no use for them."""
    declared = {str(subject) for graph in (own, known) for subject in graph.subjects(RDF.type) if _is_term(subject)}
    if not declared:
        return
    fitting: dict[Node, set[Node]] = defaultdict(set)
    for shape in shapes.subjects(RDF.type, SH.NodeShape):
        paths = {path for each in shapes.objects(shape, SH.property) for path in shapes.objects(each, SH.path)}
        for target in shapes.objects(shape, SH.targetClass):
            fitting[target] |= paths
    shaped = set().union(*fitting.values())
    for subject in sorted(set(own.subjects()), key=str):
        types = {above for t in own.objects(subject, RDF.type) for above in _classes_above(known, own, t)}
        usable = set().union(*(fitting[t] for t in types & fitting.keys()))
        for predicate, value in own.predicate_objects(subject):
            term = value if predicate == RDF.type else predicate
            problem = None
            if _is_unknown(term, declared):
                what = "class" if predicate == RDF.type else "property"
                problem = (
                    f"{format_term(str(term))} is not a {what} that is known",
                    find_near(str(term), declared),
                    what,
                )
            elif usable and predicate in shaped and predicate not in usable and str(predicate).startswith(ONTOLOGY):
                names = ", ".join(sorted(format_term(str(t)) for t in own.objects(subject, RDF.type)))
                wrong = f"{format_term(str(predicate))} is not a property of {names}"
                problem = (wrong, find_near(str(predicate), map(str, usable)), "misplaced")
            if problem:
                file, line = find(subject)
                remedies = {
                    "class": "Use a class of ontology/cbd.ttl.",
                    "property": "Use a property of ontology/cbd.ttl, or one of a vocabulary it names.",
                    "misplaced": "Remove it, or move it to the subject that it is about.",
                }
                yield Problem(
                    file=file,
                    line=line,
                    subject=str(subject) if isinstance(subject, URIRef) else subject.n3(),
                    path=str(predicate),
                    value=value.n3(),
                    message=problem[0],
                    remedy=remedies[problem[2]] + problem[1],
                    severity="warning" if problem[2] == "misplaced" else "violation",
                    rule=CHECKS + ("misplaced-property" if problem[2] == "misplaced" else f"unknown-{problem[2]}"),
                )


def _is_term(subject: Node) -> bool:
    return isinstance(subject, URIRef) and ("#" in subject or not subject.startswith(BASE))


def _is_unknown(term: Node, declared: set[str]) -> bool:
    name = str(term)
    if name in declared:
        return False
    if name.startswith(ONTOLOGY):
        return True
    if name.startswith(_SKOSXL):
        return name.removeprefix(_SKOSXL) not in _SKOSXL_NAMES
    return any(name.startswith(start) and URIRef(name) not in names for start, names in _KNOWN.items())


def _classes_above(known: Graph, own: Graph, name: Node) -> set[Node]:
    above = (each for graph in (known, own) for each in graph.transitive_objects(name, RDFS.subClassOf))
    return {each for each in above if each is not None}


def find_near(name: str, names: Iterable[str]) -> str:
    """A hint at the names most like a wrong one; names with other numbers are other names, not slips."""
    start = next((start for start in (ONTOLOGY, BASE) if name.startswith(start)), "")
    digits = re.findall(r"[0-9]+", name)
    known = {
        each.removeprefix(start)
        for each in names
        if each.startswith(start) and each != name and re.findall(r"[0-9]+", each) == digits
    }
    near = difflib.get_close_matches(name.removeprefix(start), sorted(known), n=2, cutoff=0.8)
    return f" Did you mean {' or '.join(format_term(start + each) for each in near)}?" if near else ""
