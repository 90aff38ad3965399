"""Expressions of OData: the text of $filter or $orderby in, a tree that can be asked of a record out; knows no graph.

A subset: comparisons of plain fields and literals, `and`, `or`, `not` and brackets, with literals as versions 2 and 3
write them (`datetime'2026-11-22T00:00:00'`) and as version 4 does (`2026-11-22T00:00:00Z`). What OData has besides is
`Unsupported`, what no OData has is `Malformed`; both tell the place. Nothing of the text reaches a query.

Sources: [MS-ODATA] 2.2.2 (literals) and 2.2.3.6.1 (options); OData 4.01 Part 2, section 5.1.1 (expressions).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

Kind = Literal["string", "integer", "number", "time", "list"]
Value = str | int | float | datetime | None
Record = Mapping[str, Any]  # a `Value` for each plain field, and lists

LONGEST: Final = 2000  # characters of an expression
DEEPEST: Final = 32  # brackets and negations in each other
MOST_TOKENS: Final = 400
MOST_ORDERS: Final = 8

_TOKEN: Final = re.compile(
    r"[ \t]*(?:"
    r"(?P<time>datetime(?:offset)?'[^']*')"
    r"|(?P<typed>[A-Za-z]+'[^']*')"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[0-9A-Za-z:.+-]*)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?[LlMmDdFf]?)"
    r"|(?P<name>[$A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<mark>[(),/:])"
    r")",
    re.ASCII,
)
_TIME: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<clock>[0-9]{2}:[0-9]{2})(?P<seconds>:[0-9]{2})?(?P<fraction>\.[0-9]{1,12})?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_OTHER_OPERATORS: Final = frozenset({"add", "sub", "mul", "div", "divby", "mod", "has", "in"})
_CONSTANTS: Final = frozenset({"true", "false", "INF", "NaN"})
_MOST_DIGITS: Final = 18


class ODataError(ValueError):
    """An option that cannot be used: its name, why, and the character (from 1) where that shows, 0 for nowhere."""

    def __init__(self, option: str, reason: str, position: int = 0) -> None:
        super().__init__(f"{option}: {reason}" + (f", at character {position}" if position else ""))
        self.option, self.reason, self.position = option, reason, position


class Malformed(ODataError):
    """No OData, or not of these fields."""


class Unsupported(ODataError):
    """OData, of a kind that this service does not speak."""


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; `kind` is None for null."""

    value: Value
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`."""

    operator: str
    left: Field | Constant
    right: Field | Constant


@dataclass(frozen=True, slots=True)
class Negation:
    """`not part`."""

    part: Expression


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` where `needs_all`, else `or`."""

    needs_all: bool
    parts: tuple[Expression, ...]


Expression = Comparison | Negation | Junction


@dataclass(frozen=True, slots=True)
class Order:
    """A field to sort by."""

    name: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse_filter(text: str, fields: Mapping[str, Kind], option: str = "$filter") -> Expression:
    """The condition that a $filter states.

    >>> parse_filter("number eq 'XI/16'", {"number": "string"})
    Comparison(operator='eq', left=Field(name='number', kind='string'), right=Constant(value='XI/16', kind='string'))
    """
    return _Parser(option, _read_tokens(option, text), fields).read_whole()


def parse_order(text: str, fields: Mapping[str, Kind], option: str = "$orderby") -> tuple[Order, ...]:
    """The fields that an $orderby names.

    >>> parse_order("updated desc,id", {"updated": "time", "id": "string"})
    (Order(name='updated', is_descending=True), Order(name='id', is_descending=False))
    """
    return _Parser(option, _read_tokens(option, text), fields).read_orders()


def parse_time(text: str) -> datetime:
    """A date or time as OData writes it, in UTC; without a zone it is UTC already. `ValueError` for anything else.

    >>> parse_time("2026-11-22T10:00:00+02:00").isoformat(), parse_time("2026-11-22").isoformat()
    ('2026-11-22T08:00:00+00:00', '2026-11-22T00:00:00+00:00')
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("expected a time such as 2026-11-22T00:00:00Z")
    clock = (match["clock"] or "00:00") + (match["seconds"] or ":00")
    zone = (match["zone"] or "Z").replace("Z", "+00:00")
    fraction = (match["fraction"] or ".0")[:7]
    try:
        return datetime.fromisoformat(f"{match['day']}T{clock}{fraction:0<7}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("there is no such time") from error


def matches(expression: Expression, record: Record) -> bool:
    """Whether a record meets a condition; nothing is greater or less than null."""
    match expression:
        case Comparison():
            left, right = _value(expression.left, record), _value(expression.right, record)
            if (left is None or right is None) and expression.operator not in {"eq", "ne"}:
                return False
            return _COMPARE[expression.operator](left, right)
        case Negation():
            return not matches(expression.part, record)
        case Junction():
            results = (matches(part, record) for part in expression.parts)
            return all(results) if expression.needs_all else any(results)


def sort(records: Sequence[Record], orders: Sequence[Order], key: str) -> list[Record]:
    """The records in order, null before all else; those that are alike by `key`, so that there is one order only.

    >>> records = [{"id": 3, "n": 1}, {"id": 2, "n": None}, {"id": 1, "n": 1}]
    >>> [record["id"] for record in sort(records, [Order("n", is_descending=True)], "id")]
    [1, 3, 2]
    """
    found = sorted(records, key=lambda record: record[key])
    for order in reversed(orders):
        found.sort(key=lambda record: rank(record[order.name]), reverse=order.is_descending)
    return found


def rank(value: Value) -> tuple[bool, Any]:
    """A key that sorts null before all else."""
    return value is not None, value


def follows(record: Record, orders: Sequence[Order], key: str, after: Sequence[Value]) -> bool:
    """Whether a record stands behind the one whose sorted fields and key have the values `after`."""
    for order, value in zip((*orders, Order(key)), after, strict=True):
        own = record[order.name]
        if own != value:
            return (rank(own) > rank(value)) != order.is_descending
    return False


def _value(operand: Field | Constant, record: Record) -> Value:
    if isinstance(operand, Constant):
        return operand.value
    value: Value = record[operand.name]
    return value


def _read_tokens(option: str, text: str) -> list[_Token]:
    if len(text) > LONGEST:
        raise Malformed(option, f"it has over {LONGEST} characters")
    return list(_scan(option, text))


def _scan(option: str, text: str) -> Iterator[_Token]:
    start = count = 0
    end = len(text.rstrip(" \t"))
    while start < end:
        match = _TOKEN.match(text, start)
        if match is None or match.end() > end:
            position = start + len(text[start:]) - len(text[start:].lstrip(" \t"))
            what = "a text that does not end" if text[position] == "'" else f"{text[position]!r}"
            raise Malformed(option, f"{what} cannot be read", position + 1)
        count += 1
        if count > MOST_TOKENS:
            raise Malformed(option, f"it has over {MOST_TOKENS} words", match.start() + 1)
        kind = match.lastgroup or ""
        yield _Token(kind, match[kind], match.start(kind) + 1)
        start = match.end()


class _Parser:
    """Recursive descent, no deeper than `DEEPEST`."""

    def __init__(self, option: str, tokens: list[_Token], fields: Mapping[str, Kind]) -> None:
        self._option, self._tokens, self._fields = option, tokens, fields
        self._next = self._depth = 0
        last = tokens[-1] if tokens else _Token("", "", 0)
        self._end = _Token("end", "", last.position + len(last.text))

    def read_whole(self) -> Expression:
        found = self._read_junction("or")
        if (token := self._peek()).kind != "end":
            self._fail(token, "expected and, or, or the end")
        return found

    def read_orders(self) -> tuple[Order, ...]:
        orders: list[Order] = []
        while True:
            name = self._read_field(self._take())
            direction = self._take() if self._peek().text in {"asc", "desc"} else None
            orders.append(Order(name.name, direction is not None and direction.text == "desc"))
            if len(orders) > MOST_ORDERS:
                raise Malformed(self._option, f"it names over {MOST_ORDERS} fields")
            if (token := self._take()).kind == "end":
                return tuple(orders)
            if token.text != ",":
                self._fail(token, "expected asc, desc, a comma or the end")

    def _read_junction(self, word: str) -> Expression:
        parts = [self._read_part(word)]
        while self._peek().text == word and self._peek().kind == "name":
            self._take()
            parts.append(self._read_part(word))
        return parts[0] if len(parts) == 1 else Junction(word == "and", tuple(parts))

    def _read_part(self, word: str) -> Expression:
        return self._read_junction("and") if word == "or" else self._read_unary()

    def _read_unary(self) -> Expression:
        token = self._peek()
        if not (token.text == "(" or (token.kind == "name" and token.text == "not")):
            return self._read_comparison()
        self._take()
        self._depth += 1
        if self._depth > DEEPEST:
            raise Malformed(self._option, f"it goes over {DEEPEST} brackets deep", token.position)
        if token.text == "not":
            found: Expression = Negation(self._read_unary())
        else:
            found = self._read_junction("or")
            if (closing := self._take()).text != ")":
                self._fail(closing, "expected a closing bracket")
        self._depth -= 1
        return found

    def _read_comparison(self) -> Expression:
        left = self._read_operand()
        token = self._take()
        if token.text in _OTHER_OPERATORS and token.kind == "name":
            raise Unsupported(self._option, f"the operator {token.text} is not spoken here", token.position)
        if token.text not in _COMPARE or token.kind != "name":
            self._fail(token, f"expected one of {', '.join(_COMPARE)}")
        place = self._peek().position
        right = self._read_operand()
        if None not in {left.kind, right.kind} and _family(left.kind) != _family(right.kind):
            advice = "; write a time as datetime'2026-11-22T00:00:00' or 2026-11-22T00:00:00Z"
            kinds = f"a {_family(left.kind)} cannot be compared with a {_family(right.kind)}"
            raise Malformed(self._option, kinds + advice * ("time" in {left.kind, right.kind}), place)
        return Comparison(token.text, left, right)

    def _read_operand(self) -> Field | Constant:
        token = self._take()
        match token.kind:
            case "string":
                return Constant(token.text[1:-1].replace("''", "'"), "string")
            case "time" | "stamp":
                text = token.text.partition("'")[2][:-1] if token.kind == "time" else token.text
                try:
                    return Constant(parse_time(text), "time")
                except ValueError as error:
                    raise Malformed(self._option, f"{error}, not {token.text!r}", token.position) from error
            case "number":
                return self._read_number(token)
            case "typed":
                name = token.text.partition("'")[0]
                raise Unsupported(self._option, f"literals of type {name} are not spoken here", token.position)
            case "name" if token.text == "null":
                return Constant(None, None)
            case "name" if token.text in _CONSTANTS:
                raise Unsupported(self._option, f"{token.text} is not spoken here: no field has it", token.position)
        return self._read_field(token)

    def _read_number(self, token: _Token) -> Constant:
        digits = token.text.rstrip("LlMmDdFf")
        if len(digits) > _MOST_DIGITS:
            raise Malformed(self._option, f"a number has over {_MOST_DIGITS} digits", token.position)
        return Constant(float(digits), "number") if "." in digits else Constant(int(digits), "integer")

    def _read_field(self, token: _Token) -> Field:
        if token.kind != "name":
            self._fail(token, "expected a field")
        following = self._peek()
        if following.text == "(":
            raise Unsupported(self._option, f"the function {token.text} is not spoken here", token.position)
        if following.text in {"/", ":"}:
            raise Unsupported(self._option, f"paths into {token.text} are not spoken here", token.position)
        if token.text.startswith("$"):
            raise Unsupported(self._option, f"{token.text} is not spoken here", token.position)
        kind = self._fields.get(token.text)
        if kind is None:
            known = ", ".join(name for name, kind in self._fields.items() if kind != "list")
            raise Malformed(self._option, f"there is no field {token.text!r}; there are {known}", token.position)
        if kind == "list":
            reason = f"{token.text} is a list, which can be neither compared nor sorted here"
            raise Unsupported(self._option, reason, token.position)
        return Field(token.text, kind)

    def _peek(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _fail(self, token: _Token, expected: str) -> None:
        found = "it ends" if token.kind == "end" else f"found {token.text[:40]!r}"
        raise Malformed(self._option, f"{expected}, and {found}", token.position)


def _family(kind: Kind | None) -> str:
    return "number" if kind == "integer" else str(kind)
