"""A terminology in, a part of it out: some terms, some languages; nothing of what is kept is changed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from cbdgraph.errors import ParameterError, UnknownResource
from cbdgraph.terminology.terms import TERM, Term, Terminology

_CODE: Final = re.compile(r"[a-z]{2,8}(?:-[A-Za-z0-9]{1,8})*\Z")
_MOST: Final = 20
_LONGEST: Final = 100  # characters of a slug that an error repeats


def select_terms(
    terminology: Terminology, slugs: Collection[str] | None = None, languages: Collection[str] | None = None
) -> Terminology:
    """The terms of these slugs with the names and wordings in these languages; None takes all.

    A definition without a wording in any of them is left out. Notes stay in the language in which they are written.
    `ParameterError` where no term has a name in these languages.
    """
    if slugs is None and languages is None:
        return terminology
    terms = {
        iri: term if languages is None else _in_languages(term, languages)
        for iri, term in terminology.terms.items()
        if slugs is None or term.slug in slugs
    }
    if languages is not None and not any(term.labels for term in terms.values()):
        raise ParameterError("lang", f"no term has a name in {', '.join(languages)}")
    return replace(terminology, terms=terms)


def _in_languages(term: Term, languages: Collection[str]) -> Term:
    definitions = (
        replace(each, wordings={code: words for code, words in each.wordings.items() if code in languages})
        for each in term.definitions
    )
    return replace(
        term,
        labels=tuple(label for label in term.labels if label.language in languages),
        definitions=tuple(each for each in definitions if each.wordings),
    )


def check_slugs(terminology: Terminology, slugs: Iterable[str]) -> None:
    """`UnknownResource` for the first slug that no term has, with those most like it."""
    for slug in slugs:
        if terminology.find(slug) is None:
            known = [term.slug for term in terminology.terms.values()]
            said = slug[:_LONGEST]
            raise UnknownResource("term", said, TERM + said, tuple(difflib.get_close_matches(said, known, 3)))


def read_languages(text: str) -> tuple[str, ...] | None:
    """Codes of languages from a list with commas, None for all of them; `ParameterError` for what is no code.

    >>> read_languages("fr,en"), read_languages("all")
    (('fr', 'en'), None)
    """
    codes = tuple(dict.fromkeys(code for code in text.replace(" ", "").split(",") if code))
    if not codes or codes == ("all",):
        return None
    wrong = next((code for code in codes if not _CODE.match(code) or code == "all"), "")
    if wrong or len(codes) > _MOST:
        raise ParameterError("lang", f"{wrong[:20] or text[:20]!r}: write codes with commas, such as fr,en, or all")
    return codes
