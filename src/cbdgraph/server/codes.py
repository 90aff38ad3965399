"""/codes, and /resolve with a code: identifiers of the Secretariat in, the resources they name out; makes none up.

A code is what the graph holds as one: `skos:notation`, by whose datatype one sees whose it is, and `cbd:symbol`. It
is found however it is spelled, and a code of the Decision-Tracking Tool by what it says, so that one need not know
which of its forms the graph has. The index is made once for a release.
"""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from cbdgraph.errors import InvalidName
from cbdgraph.iris import mint_part, natural
from cbdgraph.locators import Locator, Step
from cbdgraph.namespaces import BASE, ONTOLOGY, expand
from cbdgraph.queries import prologue
from cbdgraph.server import named, pages
from cbdgraph.server.addresses import DESCRIBED, address
from cbdgraph.server.answers import served_of
from cbdgraph.server.known import known_iris
from cbdgraph.server.live import Served
from cbdgraph.server.names import find_names
from cbdgraph.server.near import close
from cbdgraph.server.problems import Problem
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.statements import Names, pick, short
from cbdgraph.store import Answer
from cbdgraph.symbols import Symbol, format_roman, parse_roman

router = Router()

LONGEST: Final = 200  # characters of a code
_SUGGESTED: Final = 5
_SYMBOL: Final = expand("cbd:symbol")
_TRACKING_CODE: Final = expand("cbd:TrackingCode")
_CODES: Final = f"""{prologue(("cbd", "skos", "void"))}

SELECT ?resource ?property ?code
WHERE {{
  VALUES ?property {{ skos:notation cbd:symbol }}
  ?resource ?property ?code
  FILTER(ISIRI(?resource))
  FILTER NOT EXISTS {{ ?resource a void:Dataset }}
}}
ORDER BY ?code ?property ?resource"""
# The clearing-house has one list of identifiers for a set of which there are two editions with the same numbers.
_EDITIONS: Final = f"""{prologue(("cbd", "dcterms", "skos"))}

SELECT DISTINCT ?resource ?other
WHERE {{
  ?later dcterms:replaces ?earlier .
  ?resource cbd:inSet ?later ; cbd:number ?number ; a ?class ; skos:notation ?code .
  ?other cbd:inSet ?earlier ; cbd:number ?number ; a ?class .
  FILTER(?class != cbd:Target && DATATYPE(?code) = cbd:ClearingHouseIdentifier)
}}
ORDER BY ?resource ?other"""

_TRACKING: Final = re.compile(
    r"(?P<start>(?:cbd/)?cop/)?(?P<session>[0-9]{1,2}|[ivx]{1,6})/(?P<number>[0-9]{1,3})"
    r"(?:[./](?P<section>[a-z])?(?P<para>[0-9]{1,3})"
    r"(?:[./](?P<item>[0-9]{1,2}|[a-z])(?:[./](?P<subitem>[0-9]{1,2}|[ivx]{1,6}))?)?)?\Z"
)
# A symbol without DEC or REC is that of a document.
_ADOPTED: Final = re.compile(r".+/(?:DEC|REC)/|(?:(?:BS|CP|NP)-)?[0-9IVX]+/[0-9]+\Z", re.IGNORECASE)
# The Secretariat's site shows a decision at an address that holds its code in small letters.
_SITE: Final = re.compile(r"https?://(?:www\.)?cbd\.int/decisions/(?=cop/)")
_FRAMEWORK: Final = re.compile(r"(?:https?://metadata\.cbd\.int/kmgbf/|kmgbf:)(?P<name>[A-Za-z0-9_-]+)\Z")
_JOINT: Final = re.compile(r"(?P<start>cbd-subject-)(?P<one>[a-z]+)[+-](?P<other>[a-z]+)\Z")
_DASHES: Final = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")


@dataclass(frozen=True, slots=True)
class Code:
    """A code as the graph holds it; `datatype` is one of the ontology that says whose it is, or ""."""

    text: str
    predicate: str
    datatype: str
    iri: str

    @property
    def scheme(self) -> str:
        """What says most about it."""
        return self.datatype or self.predicate


@dataclass(frozen=True, slots=True)
class Index:
    """The codes of a release by `key_of` and by what they name; `earlier` are those of the edition before."""

    by_key: Mapping[str, tuple[Code, ...]]
    by_iri: Mapping[str, tuple[Code, ...]]
    earlier: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code may mean: `certainty` and `reason` as with citations."""

    iri: str
    certainty: str = "certain"
    reason: str = ""


def key_of(text: str) -> str:
    """A code as one looks for it: in small letters, without the padding of its numbers, with the usual signs.

    >>> key_of("aichi_target 05"), key_of("UNEP/CBD/COP/11/INF/19"), key_of("CBD/COP/11/16.05.04")
    ('aichi-target-5', 'cbd/cop/11/inf/19', 'cbd/cop/11/16.5.4')
    """
    folded = unicodedata.normalize("NFKC", text).translate(_DASHES).casefold().strip()
    folded = re.sub(r"\s*/\s*", "/", folded)
    folded = re.sub(r"[\s_-]+", "-", folded)
    folded = re.sub(r"^(?:unep/)?c(?:bd|db)/", "cbd/", folded)  # Spanish papers print CDB
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", folded)


def parse_tracking(text: str) -> tuple[Symbol, Locator] | None:
    """What a code of the Decision-Tracking Tool names, in whichever of its forms; None for all else.

    Its parts stand after dots or slashes, padded or not, an item as a number or a letter; the start may be left out.

    >>> symbol, locator = parse_tracking("cop/11/16/5.d")
    >>> symbol.short, str(locator)
    ('XI/16', 'para/5/item/d')
    """
    match = _TRACKING.match(re.sub(r"\s+", "", text).lower())
    if match is None or not (match["start"] or match["para"]):
        return None
    try:
        steps = [
            *([Step("section", match["section"])] if match["section"] else ()),
            *([Step("para", str(int(match["para"])))] if match["para"] else ()),
            *([Step("item", _letter(match["item"]))] if match["item"] else ()),
            *([Step("subitem", _roman(match["subitem"]))] if match["subitem"] else ()),
        ]
        session = match["session"]
        symbol = Symbol("cop", int(session) if session.isdigit() else parse_roman(session), int(match["number"]))
    except InvalidName:
        return None
    return (symbol, Locator(tuple(steps))) if match["para"] is None or int(match["para"]) else None


def _letter(item: str) -> str:
    return chr(ord("a") + int(item) - 1) if item.isdigit() else item


def _roman(subitem: str) -> str:
    return format_roman(int(subitem) if subitem.isdigit() else parse_roman(subitem)).lower()


async def load_index(served: Served) -> Index:
    """The codes of a release; the answers of the engine are kept, and what is made of them with them."""
    codes, editions = await _select(served, _CODES), await _select(served, _EDITIONS)
    return await asyncio.to_thread(read_index, codes.content, editions.content)


@lru_cache(maxsize=4)  # releases that are asked for
def read_index(codes: bytes, editions: bytes) -> Index:
    """The index of two answers in SPARQL JSON."""
    by_key: dict[str, list[Code]] = {}
    by_iri: dict[str, list[Code]] = {}
    for row in _bindings(codes):
        literal = row["code"]
        datatype = literal.get("datatype", "")
        code = Code(
            literal["value"],
            row["property"]["value"],
            datatype if datatype.startswith(ONTOLOGY) else "",
            row["resource"]["value"],
        )
        by_key.setdefault(key_of(code.text), []).append(code)
        by_iri.setdefault(code.iri, []).append(code)
    return Index(
        {key: tuple(found) for key, found in by_key.items()},
        {iri: tuple(found) for iri, found in by_iri.items()},
        {row["resource"]["value"]: row["other"]["value"] for row in _bindings(editions)},
    )


def find_meanings(text: str, index: Index, known: Collection[str] | None) -> list[Meaning]:
    """Everything that a code names in this release, the likeliest first; `known` are its resources, None for all.

    One that is certain stands alone.
    """
    found: dict[str, Meaning] = {}
    for meaning in _meanings(text, index, known):
        found.setdefault(meaning.iri, meaning)
    if len(found) > 1:
        several = "the code names more than one resource"
        return [
            Meaning(meaning.iri, "ambiguous", several) if meaning.certainty == "certain" else meaning
            for meaning in found.values()
        ]
    return list(found.values())


def _meanings(text: str, index: Index, known: Collection[str] | None) -> Iterator[Meaning]:
    written = _SITE.sub("", text.strip())
    if (framework := _FRAMEWORK.match(written)) is not None:
        written = DESCRIBED + framework["name"]
    described = known if known is not None else frozenset()
    iri = written if written.startswith(("http:", "https:")) else BASE + written.strip("/")
    if iri in described:
        yield Meaning(iri)
    tracked = parse_tracking(written)
    decision = mint_part(*tracked) if tracked else ""
    for code in _closest(written, index.by_key.get(key_of(written), ())):
        if code.iri in index.earlier:
            yield Meaning(
                code.iri, "probable", "the identifier names no edition; the graph gives it to the later one"
            )
            yield Meaning(index.earlier[code.iri], "ambiguous", "it has the same number in the edition before")
        elif tracked and decision not in described and code.scheme == _SYMBOL:
            # CBD/COP/13/25 is a report, and would be decision XIII/25.
            other = f"decision {tracked[0].short}"
            yield Meaning(code.iri, "probable", f"it can also be the code of {other}, which is not described here")
        else:
            yield Meaning(code.iri)
    if decision in described:
        yield Meaning(decision)
    with suppress(InvalidName):
        if _ADOPTED.match(written) and (adopted := mint_part(Symbol.parse(written))) in described:
            yield Meaning(adopted)
    if (joint := _JOINT.match(key_of(written))) is not None:
        parts = [index.by_key.get(joint["start"] + name, ()) for name in (joint["one"], joint["other"])]
        for code in chain(*parts) if all(parts) else ():
            yield Meaning(code.iri, "ambiguous", "the identifier is that of two subjects together")


def _closest(written: str, codes: Sequence[Code]) -> Sequence[Code]:
    """Those spelled as it is written; else but for capitals; else all."""
    exact = [code for code in codes if code.text == written]
    return exact or [code for code in codes if code.text.casefold() == written.casefold()] or codes


def find_near_codes(text: str, index: Index) -> list[str]:
    """Codes of the graph that are most like one that it has not: of the same decision, else written alike."""
    tracked = parse_tracking(text)
    if tracked is not None:
        start = mint_part(tracked[0])
        own = [code for iri, codes in index.by_iri.items() if _holds(start, iri) for code in codes]
        texts = sorted((code.text for code in own if code.scheme == _TRACKING_CODE), key=natural)
        if texts:
            return list(dict.fromkeys((texts[0], *close(text.upper(), texts, _SUGGESTED))))[:_SUGGESTED]
    found = close(key_of(text), index.by_key, _SUGGESTED)
    return list(dict.fromkeys(index.by_key[key][0].text for key in found))


def _holds(whole: str, iri: str) -> bool:
    return iri == whole or iri.startswith(whole + "/")


async def resolve_code(request: Request, code: str, language: str) -> Response:
    """303 to the one resource that a code names, 200 with candidates where it may name several, else 404."""
    if not code.strip() or len(code) > LONGEST:
        raise Problem("bad-request", f"code is a text of 1 to {LONGEST} characters, such as CBD-SUBJECT-FOR")
    served = served_of(request)
    index, known = await load_index(served), await known_iris(served)
    meanings = find_meanings(code, index, known)
    if not meanings:
        near = await asyncio.to_thread(find_near_codes, code, index)
        extra = {"parameter": "code", "value": code, "suggestions": near}
        raise Problem("unknown-resource", f"no resource has the code {code!r}", extra)
    first = meanings[0]
    if len(meanings) == 1 and first.certainty == "certain":
        return Response(status_code=303, headers={"Location": address(first.iri), "Cache-Control": "no-store"})
    names = await find_names(served, (meaning.iri for meaning in meanings))
    found = {
        "code": code,
        "iri": None,
        "reason": first.reason,
        "candidates": [_describe(meaning, index, names, language) for meaning in meanings],
    }
    headers = {"Vary": "Accept, Accept-Language"}
    if pages.wants_html(request):
        return pages.respond(pages.render("code_candidates.html", found=found, language=language), "", headers)
    return pages.respond_json(found, "", headers)


def _describe(meaning: Meaning, index: Index, names: Names, language: str) -> dict[str, Any]:
    name = pick(names.get(meaning.iri, {}), language)
    return {
        "path": address(meaning.iri),
        "iri": meaning.iri,
        "label": name.text if name else short(meaning.iri),
        "language": name.language if name else "",
        "certainty": meaning.certainty,
        "reason": meaning.reason,
        "codes": [code.text for code in index.by_iri.get(meaning.iri, ())],
    }


@router.get("/codes", summary="Every code with what it names", responses=offer(named.OFFER))
async def get_codes(request: Request) -> Response:
    """All codes of the graph, as the named query `codes` has them; ?kind= for those of one scheme."""
    return await named.run_named(request, "codes")


@router.get("/codes.{suffix}", include_in_schema=False)
async def get_codes_as(request: Request, suffix: str) -> Response:
    """The same in the format of the suffix."""
    pairs = request.query_params.multi_items()
    if "format" not in request.query_params:
        pairs.append(("format", suffix))
    asked = urlencode(pairs).encode()
    return await named.run_named(Request({**request.scope, "query_string": asked}, request.receive), "codes")


async def _select(served: Served, query: str) -> Answer:
    return await served.engine.run_query(query, media_type="application/sparql-results+json", trusted=True)


def _bindings(content: bytes) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = json.loads(content)["results"]["bindings"]
    return found
