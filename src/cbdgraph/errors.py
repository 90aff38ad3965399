"""Every error that cbdgraph raises on purpose; nothing here is caught or printed.

    CbdGraphError
    ├── InvalidName            a symbol, label, locator or IRI that is not one of ours
    ├── MissingFile            a file that was named is not there, or cannot be read
    ├── DocumentError          a document whose text cannot be read: broken, encrypted, a scan, over a limit
    ├── TurtleError            a file that cannot be read, or would lose something when written
    ├── QueryError
    │   ├── UnknownQuery       no named query of that name
    │   ├── ParameterError     a named query's parameter is missing, unknown or unusable
    │   │   └── UnknownResource   it names a resource that the graph does not know
    │   ├── QuerySyntaxError   not SPARQL 1.1, with line and column
    │   ├── QueryRefused       well formed, and not allowed here (SERVICE, update, unknown graph)
    │   ├── QueryTimeout       over the time limit
    │   ├── QueryTooLarge      over the row, byte or memory limit
    │   └── IncompleteAnswer   an endpoint gave only a part of the answer
    ├── UnknownRelease         no release of that number can be asked here
    ├── EngineUnavailable      the store cannot be reached or opened, or every worker is busy
    │   └── ClientBusy         this client has as many queries under way as one client may have
    ├── EndpointError          a SPARQL endpoint answered with what cannot be used
    ├── DeskError              the review desk cannot be used: not there, not a desk, newer, full, read-only, broken
    │   ├── DeskRefused        a review, a name or a role that the desk does not take
    │   └── DeskConflict       a review is based on a version that is not the last one; nothing was recorded
    ├── SettingsError          a setting that cannot be used
    └── BuildError             the build stopped; the previous release still stands
        └── DataFaults         shapes or checks found faults of severity Violation

Exceptions carry data: callers format messages for people from the attributes.
"""

from __future__ import annotations

from typing import Any


class CbdGraphError(Exception):
    """Root of the tree; `str(error)` is one sentence a person can act on."""


class InvalidName(CbdGraphError, ValueError):
    """`text` is not a valid `kind` ("decision symbol", "locator" …); `reason` says why."""

    def __init__(self, kind: str, text: str, reason: str) -> None:
        super().__init__(f"not a {kind}: {text!r}: {reason}")
        self.kind, self.text, self.reason = kind, text, reason


class MissingFile(CbdGraphError):
    """The file `path` cannot be read; `reason` says why."""

    def __init__(self, path: str, reason: str = "there is no such file") -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


class DocumentError(CbdGraphError):
    """The document `path` cannot be read as text; `reason` says why, `advice` what to do (empty if nothing helps)."""

    def __init__(self, path: str, reason: str, advice: str = "") -> None:
        super().__init__(f"{path}: {reason}{'; ' if advice else ''}{advice}")
        self.path, self.reason, self.advice = path, reason, advice


class TurtleError(CbdGraphError):
    """`path` cannot be read as Turtle, or not be rewritten without loss; `line` counts from 1, 0 if unknown."""

    def __init__(self, path: str, reason: str, line: int = 0) -> None:
        place = f"{path}:{line}" if line else path
        super().__init__(f"{place}: {reason}")
        self.path, self.reason, self.line = path, reason, line


class QueryError(CbdGraphError):
    """Anything that keeps a query from being answered in full."""


class UnknownQuery(QueryError):
    """There is no named query `name`; `near` are the names most like it."""

    def __init__(self, name: str, near: tuple[str, ...] = ()) -> None:
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"there is no named query {name!r}{hint}")
        self.name, self.near = name, near


class ParameterError(QueryError):
    """Parameter `name` of a named query cannot be used; `reason` says what would be right."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"parameter {name!r}: {reason}")
        self.name, self.reason = name, reason


class UnknownResource(ParameterError):
    """Parameter `name` with `value` stands for `iri`, of which the graph knows nothing; `near` are right values."""

    def __init__(self, name: str, value: str, iri: str, near: tuple[str, ...] = ()) -> None:
        hint = f"; did you mean {', '.join(near[:-1])}{' or ' if near[1:] else ''}{near[-1]}?" if near else ""
        super().__init__(name, f"the graph knows no {name} {value!r} ({iri}){hint}")
        self.value, self.iri, self.near = value, iri, near


class QuerySyntaxError(QueryError):
    """The text is not SPARQL 1.1; `line` and `column` count from 1, 0 if unknown."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        place = f"line {line}, column {column}: " if line else ""
        super().__init__(f"{place}{reason}")
        self.reason, self.line, self.column = reason, line, column


class QueryRefused(QueryError):
    """The query is well formed but asks for what this service never does; `feature` names it."""

    def __init__(self, feature: str, reason: str) -> None:
        super().__init__(f"{feature} is refused: {reason}")
        self.feature, self.reason = feature, reason


class QueryTimeout(QueryError):
    """The query ran longer than `seconds` and was ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the query was ended after {seconds:g} seconds, the time limit")
        self.seconds = seconds


class QueryTooLarge(QueryError):
    """The answer is over a limit: `limit` names it ("rows", "bytes", "memory"), `value` is its size."""

    def __init__(self, limit: str, value: int) -> None:
        unit = "MiB of memory" if limit == "memory" else limit
        super().__init__(f"the answer is over the limit of {value} {unit}; ask for less, or page with LIMIT/OFFSET")
        self.limit, self.value = limit, value


class IncompleteAnswer(QueryError):
    """`endpoint` gave only a part of the answer; `reason` says how that is known."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"the answer of {endpoint} is not complete: {reason}")
        self.endpoint, self.reason = endpoint, reason


class UnknownRelease(CbdGraphError):
    """There is no release `number`, or (`was_there`) it is too old to be asked; `known` are those that can be."""

    def __init__(self, number: str, known: tuple[str, ...], *, was_there: bool) -> None:
        what = "is in the change log, but not kept to be asked" if was_there else "is not known"
        shown = number if len(number) <= 40 else f"{number[:40]}…"
        super().__init__(f"release {shown} {what}; there are: {', '.join(known)}")
        self.number, self.known, self.was_there = number, known, was_there


class EngineUnavailable(CbdGraphError):
    """The store cannot answer now; `retry_after` is in seconds, 0 when trying again will not help."""

    def __init__(self, reason: str, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.retry_after = reason, retry_after


class ClientBusy(EngineUnavailable):
    """One client has `limit` queries under way, and asks for one more; `retry_after` is in seconds."""

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"this address has {limit} queries under way, as many as one may have", retry_after)
        self.limit = limit


class EndpointError(CbdGraphError):
    """The SPARQL endpoint `endpoint` answered with what cannot be used: `status` of HTTP, 0 if none, and `reason`."""

    def __init__(self, endpoint: str, status: int, reason: str) -> None:
        said = f" with status {status}" if status not in {0, 200} else ""
        super().__init__(f"{endpoint} cannot be used: it answered{said}{': ' if reason else ''}{reason}")
        self.endpoint, self.status, self.reason = endpoint, status, reason


class DeskError(CbdGraphError):
    """The desk cannot be used; `reason` says why and what to do, and names no path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeskRefused(DeskError):
    """What is to be recorded is not taken: `field` names what is wrong; not `allowed` where a role forbids it."""

    def __init__(self, field: str, reason: str, *, allowed: bool = True) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.allowed = field, allowed


class DeskConflict(DeskError):
    """A review is based on version `based_on`, but the last one is `version`; `entry` is that one, None for none."""

    def __init__(self, based_on: int, version: int, entry: Any = None) -> None:
        super().__init__(
            f"it is based on version {based_on}, and version {version} is the last; nothing was recorded"
        )
        self.based_on, self.version, self.entry = based_on, version, entry


class SettingsError(CbdGraphError):
    """Setting `name` has a value that cannot be used."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(f"setting {name}={value!r}: {reason}")
        self.name, self.value, self.reason = name, value, reason


class BuildError(CbdGraphError):
    """The build stopped; what was served before is untouched."""


class DataFaults(BuildError):
    """Validation found `count` faults that must be mended before the graph can be built."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the data; nothing was built")
        self.count = count
