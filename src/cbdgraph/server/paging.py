"""Pages of an answer that is too large for one: a SELECT in, the SELECT of a page out; must not run a query.

Nothing is cut here and no query is rewritten unseen: these are addresses that a client may follow. A page is offered
only where the tokens of the query leave no doubt where LIMIT and OFFSET belong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from cbdgraph.errors import ParameterError, QueryError
from cbdgraph.server.problems import Problem
from cbdgraph.store.guard import Token, check_query, decode, read_tokens

PAGE: Final = 10_000  # rows that are far from every limit for rows of usual length

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}\Z")
_LONGEST_LINK: Final = 4000  # bytes; the usual limit for all headers together is 8 KiB
_ADVICE: Final = (
    "Nothing was cut. `next` has the first {rows} rows; go on with OFFSET {rows}, until a page has fewer."
)
_UNORDERED: Final = (
    " The query has no ORDER BY at its end: add one over the columns that tell rows apart, or pages may overlap or"
    " leave rows out."
)


def read_number(text: str, name: str = "page") -> int:
    """The number of a page, from the parameter `name`; `ParameterError`.

    >>> read_number("12")
    12
    """
    if not _NUMBER.match(text):
        raise ParameterError(name, f"expected a number from 1, not {text[:20]!r}")
    return int(text)


def first_page(query: str, rows: int) -> str | None:
    """The query with a LIMIT; None if it is no SELECT, has a LIMIT, OFFSET or VALUES of its own, or is unclear.

    >>> first_page("SELECT * { ?a ?b ?c } # all", 10).splitlines()
    ['SELECT * { ?a ?b ?c } # all', 'LIMIT 10 OFFSET 0']
    """
    words = _read_modifiers(query)
    if words is None or any(word.text.upper() in {"LIMIT", "OFFSET"} for word in words):
        return None
    return f"{query}\nLIMIT {rows} OFFSET 0"


def next_page(query: str, rows: int) -> str | None:
    """Where a SELECT with a LIMIT of its own goes on after a page of `rows`; None at the end, or if it is unclear.

    >>> next_page("SELECT * { ?a ?b ?c } ORDER BY ?a LIMIT 10 OFFSET 20", 10)
    'SELECT * { ?a ?b ?c } ORDER BY ?a LIMIT 10 OFFSET 30'
    """
    words = _read_modifiers(query)
    if words is None:
        return None
    limit, offset = _number_after(words, "LIMIT"), _number_after(words, "OFFSET")
    if limit is None or rows == 0 or rows < int(limit.text):
        return None
    if offset is None and any(word.text.upper() == "OFFSET" for word in words):
        return None
    if offset is None:
        end = limit.start + len(limit.text)
        return f"{query[:end]} OFFSET {rows}{query[end:]}"
    start = int(offset.text) + rows
    return f"{query[: offset.start]}{start}{query[offset.start + len(offset.text) :]}"


def _is_ordered(query: str) -> bool:
    """Whether a SELECT says the order of its rows."""
    words = _read_modifiers(query) or ()
    return any(word.text.upper().startswith("ORDER") for word in words)


def make_address(query: str, others: Sequence[tuple[str, str]]) -> str:
    """Where a query is answered, with other parameters such as graphs and format."""
    return f"/sparql?{urlencode([('query', query), *others])}"


def offer_pages(problem: Problem, query: str, others: Sequence[tuple[str, str]], rows: int, longest: int) -> Problem:
    """The problem of an answer that is too large, with the address of a first page where there can be one.

    `rows` is the limit of an answer, `longest` that of an address.
    """
    if problem.kind != "too-large" or problem.extra.get("limit") not in {"rows", "bytes"}:
        return problem  # a query that takes too much memory takes it for each page
    if len(query) > longest:
        return problem
    page = min(PAGE, rows)
    paged = first_page(query, page)
    address = make_address(paged, others) if paged else ""
    if not address or len(address) > longest:
        return problem
    advice = _ADVICE.format(rows=page) + ("" if _is_ordered(query) else _UNORDERED)
    extra = {**problem.extra, "next": address, "pageRows": page, "advice": advice}
    return Problem(problem.kind, problem.detail, extra, {**problem.headers, **make_link(address)})


def link_next(query: str, rows: int, others: Sequence[tuple[str, str]], longest: int) -> dict[str, str]:
    """The header that leads from a full page to the next one; none where there is none."""
    if "limit" not in query.lower():
        return {}
    following = next_page(query, rows)
    address = make_address(following, others) if following else ""
    return make_link(address) if address and len(address) <= longest else {}


def make_link(address: str) -> dict[str, str]:
    """A header for the next page; none for an address that proxies on the way may find too long."""
    return {"Link": f'<{address}>; rel="next"'} if len(address) <= _LONGEST_LINK else {}


def _read_modifiers(query: str) -> list[Token] | None:
    """The words of a SELECT that stand outside all brackets; None where they could be read in another way."""
    if decode(query) != query:
        return None
    try:
        if check_query(query).form != "solutions":
            return None
        words = [token for token in read_tokens(query) if token.kind == "word" and not token.depth]
    except QueryError:
        return None
    for word in words:
        # The engine reads LIMIT5 as LIMIT 5; and what follows VALUES is the last of a query.
        text = word.text.upper()
        if "VALUES" in text or (text not in {"LIMIT", "OFFSET"} and ("LIMIT" in text or "OFFSET" in text)):
            return None
    return words


def _number_after(words: Sequence[Token], name: str) -> Token | None:
    for index, word in enumerate(words[:-1]):
        following = words[index + 1]
        if word.text.upper() == name and re.fullmatch(r"[0-9]{1,18}", following.text):
            return following
    return None
