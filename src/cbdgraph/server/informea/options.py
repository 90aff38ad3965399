"""The query options of OData: names and values in, what is asked for out, and the page of records that it gives.

A page ends with a token that names its last record by what it is sorted by, not by a count: records that are added or
changed while somebody reads page after page move nobody else's place.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from cbdgraph.server.informea.odata import (
    Expression,
    Kind,
    Malformed,
    ODataError,
    Order,
    Record,
    Unsupported,
    Value,
    follows,
    matches,
    parse_filter,
    parse_order,
    parse_time,
    sort,
)

PAGE: Final = 100  # records, for those who name no $top
LARGEST_PAGE: Final = 1000
KNOWN: Final = (
    "$filter",
    "$orderby",
    "$top",
    "$skip",
    "$skiptoken",
    "$count",
    "$inlinecount",
    "$select",
    "$expand",
    "$format",
)
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,4000}", re.ASCII)
_YES_OR_NO: Final = {"$count": {"true": True, "false": False}, "$inlinecount": {"allpages": True, "none": False}}


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a set; `after` are the sorted values of the last record that the client has."""

    where: Expression | None = None
    orders: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    wants_count: bool = False
    names: tuple[str, ...] = ()  # of the fields to show; none for all
    shown: str = ""  # the format
    after: tuple[Value, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, how many there are in all, and the token of the next page."""

    records: tuple[Record, ...]
    total: int
    token: str = ""


def parse_options(
    pairs: Iterable[tuple[str, str]], fields: Mapping[str, Kind], order: Sequence[Order], key: str
) -> Options:
    """What these names and values ask; `order` is that of a client who names none. Raises `ODataError`.

    A name may stand without its dollar sign (OData 4.01 Part 2, section 5); names of others are passed over.

    >>> parse_options([("$top", "5"), ("count", "true"), ("other", "")], {}, (), "id")
    Options(where=None, orders=(), top=5, skip=0, wants_count=True, names=(), shown='', after=None)
    """
    values = _read_names(pairs)
    expand = values.get("$expand", "")
    for name in _read_list("$expand", expand, fields):
        if fields[name] != "list":
            raise Malformed("$expand", f"{name} is no list; each record has it already")
    orders = parse_order(values["$orderby"], fields) if "$orderby" in values else tuple(order)
    token = values.get("$skiptoken")
    answers = [_read_answer(name, values[name]) for name in _YES_OR_NO if name in values]
    return Options(
        where=parse_filter(values["$filter"], fields) if "$filter" in values else None,
        orders=orders,
        top=_read_number("$top", values["$top"]) if "$top" in values else None,
        skip=_read_number("$skip", values["$skip"]) if "$skip" in values else 0,
        wants_count=any(answers),
        names=_read_list("$select", values.get("$select", ""), fields),
        shown=values.get("$format", ""),
        after=None if token is None else _read_token(token, orders, fields, key),
    )


def select(records: Iterable[Record], options: Options, key: str) -> Page:
    """The page of these records that is asked for."""
    found = [record for record in records if options.where is None or matches(options.where, record)]
    total = len(found)
    found = sort(found, options.orders, key)
    if options.after is not None:
        found = [record for record in found if follows(record, options.orders, key, options.after)]
    found = found[options.skip :]
    wanted = len(found) if options.top is None else min(options.top, len(found))
    size = min(wanted, PAGE if options.top is None else LARGEST_PAGE)
    shown = tuple(found[:size])
    is_last = not shown or size == wanted
    return Page(shown, total, "" if is_last else _make_token(shown[-1], options.orders, key))


def next_query(pairs: Iterable[tuple[str, str]], options: Options, page: Page) -> str:
    """The query string of the page that follows; empty after the last one."""
    if not page.token:
        return ""
    own = {"skip", "skiptoken", "top"}
    kept = [(name, value) for name, value in pairs if name.removeprefix("$") not in own]
    if options.top is not None:
        kept.append(("$top", str(options.top - len(page.records))))
    return urlencode([*kept, ("$skiptoken", page.token)], quote_via=quote, safe="$',:()")


def _read_names(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for given, value in pairs:
        name = given if given.startswith(("$", "@")) else f"${given}"
        if not given:
            raise Malformed("the query string", "a value has no name; does a shell take $top for a variable?")
        if name not in KNOWN:
            if given.startswith(("$", "@")):
                raise Unsupported(given[:40], f"this option is not spoken here; there are {', '.join(KNOWN)}")
            continue
        if name in values:
            raise Malformed(name, "it is given more than once")
        values[name] = value
    return values


def _read_number(option: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Malformed(option, f"expected a number of at most nine digits, not {text[:40]!r}")
    return int(text)


def _read_answer(option: str, text: str) -> bool:
    answers = _YES_OR_NO[option]
    if text not in answers:
        raise Malformed(option, f"expected {' or '.join(answers)}, not {text[:40]!r}")
    return answers[text]


def _read_list(option: str, text: str, fields: Mapping[str, Kind]) -> tuple[str, ...]:
    """Names of fields between commas; none for a star or nothing."""
    if len(text) > 1000:
        raise Malformed(option, "it has over 1000 characters")
    names = [name.strip() for name in text.split(",")] if text.strip() not in {"", "*"} else []
    for name in names:
        if _NAME.fullmatch(name) is None:
            if re.search(r"[()/$*]", name):
                raise Unsupported(option, f"only names of fields are spoken here, not {name[:40]!r}")
            raise Malformed(option, f"{name[:40]!r} is no name of a field")
        if name not in fields:
            raise Malformed(option, f"there is no field {name[:40]!r}; there are {', '.join(fields)}")
    return tuple(dict.fromkeys(names))


def _make_token(record: Record, orders: Sequence[Order], key: str) -> str:
    values = [_write(record[name]) for name in (*(order.name for order in orders), key)]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _read_token(text: str, orders: Sequence[Order], fields: Mapping[str, Kind], key: str) -> tuple[Value, ...]:
    wrong = Malformed("$skiptoken", "it is none that this service gives with this $orderby; begin again without it")
    if not _TOKEN.fullmatch(text):
        raise wrong
    kinds = [fields[name] for name in (*(order.name for order in orders), key)]
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list):
            raise wrong
        return tuple(_read(value, kind) for value, kind in zip(values, kinds, strict=True))
    except ODataError:
        raise
    except (ValueError, RecursionError) as error:
        raise wrong from error


def _write(value: Value) -> str | int | float | None:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(value: Any, kind: Kind) -> Value:
    """A value of a token; `ValueError` if it is none of that kind."""
    if value is None:
        return None
    if kind in {"string", "time"} and isinstance(value, str):
        return value if kind == "string" else parse_time(value)
    if kind in {"integer", "number"} and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f"{value!r} is no {kind}")
