"""The language of pages: a request in; the words of a page in that language, and addresses that keep it, out.

`?lang=` in the address says it, else Accept-Language, else it is English. At addresses where `lang` is about data (a
named query's rows, a text that is read) `?interface=` says it in its place. Words are looked up in the catalogs
locale/<language>.po, whose messages are the English words of templates and of `mark(…)`. What is for programs stays
English. See docs/interface.md.
"""

from __future__ import annotations

import gettext
import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus, urlencode

from starlette.types import Scope

from cbdgraph.namespaces import LANGUAGES
from cbdgraph.server.examples import LANGUAGE_NAMES
from cbdgraph.server.negotiate import choose_language

LOCALE: Final = Path(__file__).parent / "locale"
OWN: Final = "interface"  # the parameter where `lang` is about data
_OF_DATA: Final = ("/query/", "/parse", "/resolve", "/desk")
# Never pages: what has these words in its path or its format is for programs, and the same in every language.
_FILES: Final = re.compile(
    r"/(?:static|dump|health|version|openapi\.json|graph-store|prefixes\.|\.well-known|robots\.txt|sitemap)\b"
    r"|/feed/(?:atom|ldes|activity|oai)\b"
    r"|\.(?:ttl|jsonld|json|rdf|nt|nq|trig|csv|tsv|xlsx|xml|svg|gz|tbx|tmx|zip|txt|js|css|rq)$"
)
_LINK: Final = re.compile(r'(<a\b[^<>]*?\shref=")([^"#][^"]*)(?=")')
_FORM: Final = re.compile(r"(<form\b([^<>]*)>)(.*?)</form>", re.DOTALL)
_ACTION: Final = re.compile(r'\baction="([^"]*)"')
_HAS_FIELD: Final = re.compile(r'\bname="(?:lang|interface)"')


@dataclass(frozen=True, slots=True)
class Interface:
    """The language of this request's pages; `chosen` if the address says it; where the page is, with its query."""

    language: str = "en"
    chosen: bool = False
    path: str = "/"
    query: str = ""

    @property
    def direction(self) -> str:
        """For the attribute `dir`."""
        return "rtl" if self.language == "ar" else "ltr"

    @property
    def switch(self) -> list[tuple[str, str, str]]:
        """Every language with its own name and this page's address in it."""
        return [(code, LANGUAGE_NAMES[code], _with(self.path, self.query, code)) for code in LANGUAGES]


# Of this request; the envelope sets it.
INTERFACE: Final[ContextVar[Interface]] = ContextVar("INTERFACE", default=Interface())  # noqa: B039


def mark(message: str) -> str:
    """English words that `translate` will be asked for, so that they come into the catalogs."""
    return message


def read_interface(scope: Scope) -> tuple[Interface, Scope]:
    """The language that a request wants its pages in, and the request without the parameter that is only ours."""
    path, query = scope["path"], scope["query_string"]
    accepted = next((value for name, value in scope["headers"] if name == b"accept-language"), b"").decode("latin-1")
    explicit = ""
    if b"lang" in query or b"interface" in query or b"%" in query:
        explicit, query = _read_parameter(path, query)
        if query != scope["query_string"]:
            scope = {**scope, "query_string": query}
    language = explicit or choose_language(None, accepted)
    where = scope["raw_path"].decode("latin-1")
    return Interface(language, bool(explicit), where, query.decode("latin-1")), scope


def _read_parameter(path: str, query: bytes) -> tuple[str, bytes]:
    """The language that a query string names for pages, "" for none, and the query string without `interface`."""
    named: dict[str, str] = {}
    kept = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        decoded = unquote_plus(name.decode("latin-1"))
        if decoded in {"lang", OWN}:
            text = unquote_plus(value.decode("latin-1"), errors="replace")
            if text in LANGUAGES:
                named.setdefault(decoded, text)
        if decoded != OWN:
            kept.append(pair)
    explicit = named.get(OWN, "") or ("" if is_of_data(path) else named.get("lang", ""))
    return explicit, b"&".join(kept) if len(kept) != query.count(b"&") + 1 else query


def is_of_data(path: str) -> bool:
    """Whether `lang` at this address is about data and not about the page.

    >>> is_of_data("/query/definitions-of-term"), is_of_data("/terms/")
    (True, False)
    """
    return path.startswith(_OF_DATA) and path != "/query/"


def keep(address: str) -> str:
    """An address of a page of this site with the language, if this page's address says one; others as they are."""
    interface = INTERFACE.get()
    if not interface.chosen or not address.startswith(("/", "?")) or address.startswith("//"):
        return address
    path, sharp, fragment = address.partition("#")
    path, _, query = path.partition("?")
    if path and _FILES.search(path):
        return address
    names = [pair.partition("=")[0] for pair in query.replace("&amp;", "&").split("&")]
    if "format=" in query and "format=html" not in query:
        return address
    name = OWN if is_of_data(path or interface.path) else "lang"
    if name in names:
        return address
    amp = "&amp;" if "&amp;" in query else "&"
    said = f"{name}={interface.language}"
    return f"{path}?{query + amp if query else ''}{said}{sharp}{fragment}"


def keep_in_page(html: str) -> str:
    """A page all of whose links and forms keep the language, if its address says one.

    The HTML is ours, in which every attribute is quoted and all text escaped: so a pattern finds every link.
    """
    if not INTERFACE.get().chosen:
        return html
    html = _LINK.sub(lambda found: found[1] + keep(found[2]), html)
    return _FORM.sub(_keep_in_form, html)


def _keep_in_form(found: re.Match[str]) -> str:
    """A form: one that is sent by GET loses the query of its action, so that the language is a field of its own."""
    whole, opening, attributes, content = found[0], found[1], found[2], found[3]
    action = _ACTION.search(attributes)
    path = action[1] if action else INTERFACE.get().path
    if 'method="post"' in attributes.lower():
        return whole.replace(action[0], f'action="{keep(path)}"', 1) if action else whole
    of_data = is_of_data(path.partition("?")[0])
    if not path.startswith("/") or (not of_data and _HAS_FIELD.search(content)):
        return whole
    field = f'<input type="hidden" name="{OWN if of_data else "lang"}" value="{INTERFACE.get().language}">'
    return f"{opening}{field}{content}</form>"


def keep_in_redirect(location: str) -> str:
    """Where a browser is sent on to, in the language that it asked for."""
    return keep(location) if location.startswith("/") else location


def translate(message: str) -> str:
    """English words of the catalogs in the language of this request; what is in no catalog stays."""
    language = INTERFACE.get().language
    return message if language == "en" or not message else _catalog(language).gettext(message)


def translate_number(singular: str, plural: str, number: int) -> str:
    """The form of a message that belongs to a number."""
    language = INTERFACE.get().language
    if language == "en":
        return singular if number == 1 else plural
    return _catalog(language).ngettext(singular, plural, number)


def is_translated(message: str) -> bool:
    """Whether a message has words of its own in the language of this request."""
    return INTERFACE.get().language == "en" or translate(message) != message


def format_number(number: float) -> str:
    """A number as the language writes it; 1,234 · 1 234 · 1.234."""
    from babel.numbers import format_decimal

    return format_decimal(number, locale=_locale())


def format_day(when: date | datetime | str) -> str:
    """A date as the language writes it; what is no date stays."""
    from babel.dates import format_date

    if isinstance(when, str):
        try:
            when = date.fromisoformat(when[:10])
        except ValueError:
            return str(when)
    return format_date(when, "medium", locale=_locale())


@lru_cache(maxsize=len(LANGUAGES))
def _catalog(language: str) -> gettext.GNUTranslations:
    """The words of a language, read when they are first asked for."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (LOCALE / f"{language}.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _locale() -> str:
    language = INTERFACE.get().language
    return "en_GB" if language == "en" else language  # the day before the month, as the United Nations write it


def _with(path: str, query: str, language: str) -> str:
    """An address with another language in it, all else as it was."""
    name = OWN if is_of_data(path) else "lang"
    pairs = [pair for pair in query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in {name, OWN}]
    return f"{path}?{'&'.join([*pairs, urlencode({name: language})])}"


def localize_tag(tag: str, language: str) -> str:
    """The validator of a page in a language: no other language's page has it.

    >>> localize_tag('W/"abc"', "ar")
    'W/"abc.ar"'
    """
    return f'{tag[:-1]}.{language}"' if tag.endswith('"') else tag


def plain_tags(if_none_match: str, language: str) -> str:
    """The validators a client holds as handlers know them: those of pages in this language without its mark.

    Pages in other languages keep theirs, so that they are never taken for this one.

    >>> plain_tags('W/"abc.ar", W/"abc.fr"', "ar")
    'W/"abc", W/"abc.fr"'
    """
    return re.sub(rf'\.{language}"', '"', if_none_match)
