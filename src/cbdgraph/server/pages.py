"""Home page, health, version and problem pages, and how HTML is made: values in, escaped HTML out; runs no query."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

import cbdgraph
from cbdgraph.namespaces import BASE
from cbdgraph.server import answers, problems
from cbdgraph.server.addresses import DESCRIBED, address
from cbdgraph.server.answers import etag, not_modified, served_of, settings_of
from cbdgraph.server.bundles import find_bundle
from cbdgraph.server.negotiate import FORMATS, HTML, JSON, NotAcceptable, choose, choose_either
from cbdgraph.server.problems import PROBLEMS, Problem
from cbdgraph.server.routes import Router, offer
from cbdgraph.server.statements import direction, short

if TYPE_CHECKING:
    from jinja2 import Environment

    from cbdgraph.server.live import Served

router = Router()

# Styles come from one file of our own; nothing else may be loaded, run or framed.
CSP: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# On a page that loads a bundle: that, and what its script asks of this service.
CSP_BUNDLE: Final = f"{CSP}; script-src 'self'; connect-src 'self'"
_FOLDER: Final = Path(__file__).parent
_STYLE: Final = (_FOLDER / "static" / "style.css").read_text(encoding="utf-8")
# In the address of the style sheet, so that a browser never shows new pages in an old style.
_STYLE_VERSION: Final = hashlib.sha256(_STYLE.encode()).hexdigest()[:8]


def local(iri: str) -> str:
    """The address of an IRI here, relative to this server; an IRI of others that is not ours to describe stays.

    >>> local("https://w3id.org/cbdgraph/target/aichi/15"), local("http://example.org/")
    ('/target/aichi/15', 'http://example.org/')
    """
    if iri.startswith(DESCRIBED):
        return address(iri)
    return "/" + iri.removeprefix(BASE) if iri.startswith(BASE) else iri


def brief(iri: str) -> str:
    """An IRI as a person reads it: prefixed, else its path under the base, else in full.

    >>> brief("https://w3id.org/cbdgraph/target/aichi/15"), brief("https://w3id.org/cbdgraph/ontology#Term")
    ('target/aichi/15', 'cbd:Term')
    """
    prefixed = short(iri)
    return prefixed if prefixed != iri else iri.removeprefix(BASE) or iri


def is_link(iri: str) -> bool:
    """Whether an IRI may stand in href: a script in a stranger's data must not."""
    return iri.startswith(("http://", "https://"))


@cache
def _templates() -> Environment:
    """The templates, which are loaded when the first page is asked for: a start does not wait for them."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(local=local, short=short, brief=brief, direction=direction)
    templates.tests["link"] = is_link
    templates.globals["bundle"] = find_bundle
    templates.globals["style_version"] = _STYLE_VERSION
    return templates


# The older release that this request asks, "" for the current one: every page says so, whoever makes it.
OLDER: Final[ContextVar[str]] = ContextVar("OLDER", default="")


def render(template: str, **values: Any) -> str:
    """A template of templates/ with values, all escaped."""
    return _templates().get_template(template).render(older=OLDER.get(), **values)


def respond(html: str, tag: str = "", headers: Mapping[str, str] | None = None, *, bundle: str = "") -> Response:
    """HTML with the strict content security policy; one that loads `bundle`, if that was built, may run it."""
    policy = CSP_BUNDLE if bundle and find_bundle(bundle) else CSP
    own = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", **(headers or {})}
    return answers.respond(html, HTML, tag, own)


def respond_json(value: Any, tag: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """JSON that a person can read too."""
    return answers.respond(json.dumps(value, ensure_ascii=False, indent=1).encode(), JSON, tag, headers)


def respond_problem(request: Request, problem: Problem) -> Response:
    """The problem document, or for a browser a page that says the same with links to what was suggested."""
    if not is_for_browser(request, (problems.MEDIA_TYPE, JSON, HTML)):
        return problems.respond(problem)
    kind, name = PROBLEMS[problem.kind], problem.extra.get("parameter")
    suggestions = []
    for value in problem.extra.get("suggestions", ()):
        other = request.url.include_query_params(**{name: value}).replace(scheme="", netloc="") if name else value
        suggestions.append((value, str(other)))
    page = render("error.html", problem=problem, kind=kind, suggestions=suggestions, base=BASE)
    response = respond(page, "", {**problem.headers, "Cache-Control": "no-store"})
    response.status_code = kind.status
    return response


def is_for_browser(request: Request, offer: tuple[str, ...], name: str | None = None) -> bool:
    """Whether HTML is what is liked best, by the format's `name` (else ?format=) or by Accept; never raises."""
    name = name or request.query_params.get("format")
    try:
        return (FORMATS.get(name.lower(), name) if name else choose(request.headers.get("accept", ""), offer)) == HTML
    except NotAcceptable:
        return False


def wants_html(request: Request, offer: tuple[str, ...] = (JSON, HTML)) -> bool:
    """Whether this is for a browser; `NotAcceptable` if nothing of the offer will do."""
    return choose_either(request.query_params.get("format"), request.headers.get("accept", ""), offer) == HTML


def addresses(origin: str) -> list[str]:
    """Lines for the terminal: what there is to try."""
    return [
        f"cbdgraph is served at {origin}/",
        f"  {origin}/query/targets-in-set?set=aichi&format=csv",
        f"  {origin}/resolve?citation=XI/16",
        f"  {origin}/sparql",
        f"  {origin}/version",
    ]


@router.get("/", summary="Home page", responses=offer((JSON, HTML)))
async def home(request: Request) -> Response:
    """What there is: addresses, counts, examples; HTML for browsers, else JSON."""
    served = served_of(request)
    html = wants_html(request)
    tag = etag(served, "home", html, *served.queries)
    if known := not_modified(request, tag):
        return known
    links = {
        "sparql": "/sparql",
        "data": "/dataset",
        **({"dumps": "/dump/"} if served.folder and (served.folder / "dump").is_dir() else {}),
        "graphs": "/graph-store?default",
        "queries": "/query/",
        "resolve": "/resolve?citation=XI/16",
        "parse": "/parse",
        "version": "/version",
        "openapi": "/openapi.json",
    }
    counts = _counts(request)
    if html:
        return respond(render("home.html", served=served, counts=counts, links=links, base=BASE), tag)
    return respond_json({"title": "cbdgraph", "release": served.release, "counts": counts, "links": links}, tag)


@router.get("/health", summary="Whether the service lives")
async def health(_: Request) -> Response:
    """Answers at once, whatever the workers do."""
    return respond_json({"status": "ok"})


@router.get("/version", summary="Release, counts, versions, limits, isolation")
async def show_version(request: Request) -> Response:
    """What is served and by what, and how strangers' queries are held."""
    served, settings = served_of(request), settings_of(request)
    facts = served.engine.facts
    return respond_json(
        {
            "release": served.release,
            "data_hash": f"sha256:{served.data_hash}",
            **_past(served),
            "counts": _counts(request),
            "graphs": dict(sorted(facts.graphs.items())),
            "versions": {"cbdgraph": cbdgraph.__version__, "engine": facts.engine, **served.built_with},
            "limits": {limit.name: limit.value for limit in settings.limits},
            "isolation": dict(facts.isolation),
        }
    )


@router.get("/problem/{kind}", summary="What a problem type means", include_in_schema=False)
async def show_problem(request: Request, kind: str) -> Response:
    """The page of a problem type."""
    if kind not in PROBLEMS:
        raise Problem("not-found", f"there is no problem type {kind!r}", {"suggestions": sorted(PROBLEMS)})
    problem = PROBLEMS[kind]
    if wants_html(request):
        return respond(render("problem.html", kind=kind, problem=problem))
    return respond_json({"type": f"{BASE}problem/{kind}", "title": problem.title, "status": problem.status})


@router.get("/static/style.css", include_in_schema=False)
async def style(_: Request) -> Response:
    """The one style sheet."""
    return answers.respond(_STYLE, "text/css", "", {"Cache-Control": "public, max-age=86400"})


def _past(served: Served) -> dict[str, Any]:
    """What the change log says of the release; nothing of a user's own files."""
    if served.history is None:
        return {}
    return {
        "triples_hash": f"sha256:{served.triples_hash}",
        "issued": served.issued or None,
        "changed_since_release": len(served.history.pending),
        "releases": [past.number for past in served.history.releases],
        "older_releases": list(served.older),
    }


def _counts(request: Request) -> dict[str, int]:
    counts = served_of(request).counts
    return {"asserted": counts.asserted, "inferred": counts.inferred, "total": counts.total}
