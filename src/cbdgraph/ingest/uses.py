"""A term that a part of a text uses in, its `cbd:TermUse` out: the forms and how often, never the text."""

from __future__ import annotations

from cbdgraph.ingest.records import Block, sentence, text
from cbdgraph.terminology.terms import TERM
from cbdgraph.terminology.uses import Use


def build_use(use: Use, place: str, language: str) -> Block:
    """The record of a use at a place, whose IRI it goes by; inferred where a form names another term as well."""
    block = Block(f"{place}/term-use/{use.term.removeprefix(TERM)}", "TermUse")
    block.add("usedIn", place).add("usesTerm", use.term)
    for form in use.forms:
        block.add("quote", text(form, language))
    block.add("occurrences", use.count)
    if others := name_others(use):
        block.add("skos:editorialNote", sentence(others))
    return block.sourced([place], "stated" if use.certainty == "certain" else "inferred")


def name_others(use: Use) -> str:
    """What else the forms of a use name, in words; empty if nothing."""
    others = ", ".join(other.removeprefix(TERM).replace("-", " ") for other in use.alternatives)
    return f"a form of it also names {others}" if others else ""
