"""The page of a term: its portrait and the terminology in; names, definitions side by side, features, uses out.

What the graph says of any resource stands on it too, folded. RDF and JSON of a term are those of any resource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, cast
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import ParameterError
from cbdgraph.namespaces import BASE, LANGUAGES, expand
from cbdgraph.server import pages
from cbdgraph.server.addresses import address
from cbdgraph.server.answers import date_header, etag, not_modified, served_of
from cbdgraph.server.dumps import issued
from cbdgraph.server.examples import LANGUAGE_NAMES
from cbdgraph.server.links import link_resource, prefix_of
from cbdgraph.server.negotiate import HTML
from cbdgraph.server.portrait import Portrait
from cbdgraph.server.resource_page import gather
from cbdgraph.server.reviewed import Reviewed, find_reviewed
from cbdgraph.server.term_compare import (
    PATH as COMPARE,
)
from cbdgraph.server.term_compare import (
    Shown,
    compare_pair,
    find_definition,
    show_compared,
    title_of,
)
from cbdgraph.server.term_uses import Uses, find_uses
from cbdgraph.server.term_view import (
    ORDERS,
    By,
    find_states,
    group_cards,
    link,
    list_relations,
    list_tongues,
    list_wording_languages,
    make_cards,
    make_lines,
    make_tree,
    near_definitions,
)
from cbdgraph.server.terms import terminology_of
from cbdgraph.server.terms_page import list_exports
from cbdgraph.terminology.terms import TERM, Term, Terminology

CLASS: Final = expand("cbd:Term")
_FEATURES: Final = "features-of-term"  # the named query that tells the matrix as data
_WITH_FEATURE: Final = "definitions-with-feature"
_LONGEST: Final = 1000  # characters of what names two definitions


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a page is to be: the order of definitions, the language of wordings ("" for all), two to compare, a page of
    uses; `given` are the parameters that say so.
    """

    by: By = "date"
    wording: str = ""
    compare: tuple[str, ...] = ()
    uses: int = 1
    given: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, request: Request) -> Self:
        """What a request asks for; `ParameterError`."""
        query = request.query_params
        by, wording, uses = query.get("by") or "date", query.get("wording", ""), query.get("uses") or "1"
        named = ",".join(query.getlist("compare"))
        if by not in ORDERS:
            raise ParameterError("by", f"expected one of {', '.join(ORDERS)}, not {by[:20]!r}")
        if wording and wording not in LANGUAGES:
            raise ParameterError("wording", f"expected one of {', '.join(LANGUAGES)}, not {wording[:20]!r}")
        if not re.fullmatch(r"[1-9][0-9]{0,5}", uses):
            raise ParameterError("uses", f"expected a number from 1, not {uses[:20]!r}")
        pair = tuple(filter(None, (name.strip() for name in named.split(","))))
        if len(pair) not in {0, 2} or len(named) > _LONGEST:
            raise ParameterError("compare", "expected two definitions with a comma between: ipbes-ldr,unep-2021")
        values = {"by": by if by != "date" else "", "wording": wording, "compare": ",".join(pair)}
        given = tuple((name, value) for name, value in values.items() if value)
        return cls(cast(By, by), wording, pair, int(uses), given)


async def respond_term(request: Request, portrait: Portrait) -> Response:
    """The page of the term that a portrait is of."""
    served, prefix, iri, language = served_of(request), prefix_of(request), portrait.iri, portrait.language
    wanted = Wanted.read(request)
    terminology = await terminology_of(served)
    term = terminology.terms.get(iri) or Term(iri)
    pair = [find_definition(terminology, term, "compare", name) for name in wanted.compare]
    reviewed = await find_reviewed(request)
    vary = "Accept, Accept-Language"
    tag = etag(served, iri, HTML, language, wanted.given, wanted.uses, reviewed.stamp)
    # A review has another date than the release, and says so by the validator alone.
    dated = reviewed.headers if reviewed.may_change else date_header(issued(served))
    if known := not_modified(request, tag, vary, dated):
        return known
    compared = None
    if pair:
        found = await compare_pair(terminology, pair[0], pair[1], language)
        compared = show_compared(found, terminology, language, prefix)
    uses = await find_uses(served, iri, wanted.uses, language)
    values = {
        **gather(portrait, served.release, prefix, is_licensed=served.folder is not None),
        **_show(term, terminology, reviewed, wanted, language),
        **_lead(term, wanted, compared, uses, served.queries, prefix, language),
        "reviewed": reviewed,
        "exports": list_exports([iri]),
        # Work on a term is about what is current, and on our own data.
        "is_ours": served.folder is not None and not prefix and iri.startswith(TERM),
        "prefix": prefix,
        "at": lambda iri: prefix + address(iri).replace("#", "%23"),
    }
    headers = {"Vary": vary, "Link": link_resource(request, iri, HTML, portrait.classes), **dated}
    return pages.respond(pages.render("term_page.html", **values), tag, headers)


def _show(term: Term, terminology: Terminology, reviewed: Reviewed, wanted: Wanted, language: str) -> dict[str, Any]:
    """What is known of the term."""
    cards = make_cards(term, terminology, reviewed.states, language)
    spoken = list_wording_languages(term)
    return {
        "term": term,
        "tongues": list_tongues(term, terminology, reviewed.states, language),
        "states": find_states(reviewed.states, term.iri),
        "cards": {card.definition.iri: card for card in cards},
        "groups": group_cards(cards, wanted.by, wanted.wording),
        "wording_languages": [(code, LANGUAGE_NAMES.get(code, code)) for code in spoken],
        "titles": {each.iri: title_of(each) for each in term.definitions},
        "lines": make_lines(term.definitions, terminology.dimensions, language),
        "relations": list_relations(term, terminology, language),
        "tree": make_tree(term, terminology, language) if term.broader or term.narrower else (),
        "issues": [link(terminology, iri, language) for iri in term.issues],
        "sources": [link(terminology, iri, language) for iri in term.sources],
        "choices": [
            (
                each.name(language),
                [(f"{each.slug}/{one.slug}", title_of(one)) for one in definitions],
            )
            for each, definitions in near_definitions(term, terminology)
            if each.iri.startswith(TERM)
        ],
    }


def _lead(
    term: Term,
    wanted: Wanted,
    compared: Shown | None,
    uses: Uses | None,
    queries: Mapping[str, Any],
    prefix: str,
    language: str,
) -> dict[str, Any]:
    """Where links on the page lead, and what two definitions and the uses have on it."""
    start = prefix + address(term.iri).replace("#", "%23")
    joint = "?" if term.iri.startswith(BASE) else "&"

    def where(**changed: object) -> str:
        given = {**dict(wanted.given), "lang": language, **changed}
        return start + joint + urlencode({key: value for key, value in given.items() if value}, safe=",/")

    pair = wanted.compare or tuple(f"{term.slug}/{each.slug}" for each in term.definitions[:2])
    asked = {"one": wanted.compare[0], "other": wanted.compare[1], "term": term.slug} if wanted.compare else {}
    is_asked = term.iri.startswith(TERM)
    return {
        "wanted": wanted,
        "action": start + "#compare",
        "hidden": {**dict(wanted.given), "lang": language, "compare": ""},
        "pair": [name if "/" in name else f"{term.slug}/{name}" for name in pair],
        "compared": compared,
        "compared_as": [
            (label, f"{prefix}{COMPARE}?{urlencode({**asked, 'format': name})}")
            for name, label in (("json", "JSON"), ("csv", "CSV"))
        ],
        "orders": [(by, label, where(by="" if by == "date" else by)) for by, label in ORDERS.items()],
        "wordings": {code: where(wording=code) for code in ("", *LANGUAGES)},
        "kept": "".join(f"&{urlencode([each], safe=',/')}" for each in wanted.given),
        "features_query": f"{prefix}/query/{_FEATURES}?term={term.slug}" if is_asked and _FEATURES in queries else "",
        "with_feature": f"{prefix}/query/{_WITH_FEATURE}?format=html&feature=" if _WITH_FEATURE in queries else "",
        "uses": uses,
        "uses_turns": {label: where(uses=number) + "#uses" for label, number in (uses.turns if uses else {}).items()},
    }
