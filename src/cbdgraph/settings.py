"""The one table of settings: environment and overrides in, a frozen `Settings` out; must not start or open anything.

A setting is a field of `Settings`: its type, default and meaning stand here and nowhere else. The environment
variable is CBDGRAPH_ and the name in capitals. docs/settings.md lists them all, and a test compares.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Self, get_type_hints

from cbdgraph.errors import SettingsError

PREFIX: Final = "CBDGRAPH_"
_OF_CLIENTS: Final = frozenset({"CBDGRAPH_ENDPOINT"})  # which service a notebook asks; no setting of one
_EMAIL: Final = re.compile(r"[^\s@]+@(?:[^\s@.]+\.)+[^\s@.]+\Z")  # no closer look: who mistypes gets no letters
HEAD_BYTES: Final = 64 * 1024  # of a request line with all headers; the address alone has a limit of its own


class Limit(NamedTuple):
    """What a client may ask for: at most `value` in `unit`; what is beyond is answered with `status`."""

    name: str
    value: float
    unit: str
    status: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a setting means, in words, and its bounds, both allowed."""

    text: str
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; `Settings.read()` takes the environment, overrides win over it."""

    root: Annotated[Path, Meaning("folder that holds ontology/, data/ and queries/")] = Path()
    build: Annotated[Path, Meaning("folder for what is derived; a relative one is under root")] = Path("build")
    desk: Annotated[
        Path, Meaning("folder of the review desk, which holds desk.sqlite; a relative one is under root")
    ] = Path("desk")
    desk_writes: Annotated[
        int, Meaning("reviews that one token may record in a minute; one more is answered 429", low=1, high=100_000)
    ] = 60
    data: Annotated[
        tuple[Path, ...], Meaning("RDF files to serve in place of the built graph, separated by ':'")
    ] = ()
    host: Annotated[str, Meaning("address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meaning("port to listen on; 0 takes a free one", low=0, high=65535)] = 8000
    proxies: Annotated[
        str, Meaning("addresses of reverse proxies whose X-Forwarded-For and -Proto are believed, separated by ','")
    ] = ""
    workers: Annotated[int, Meaning("processes that run strangers' queries", low=1, high=64)] = 6
    queue: Annotated[int, Meaning("queries that may wait for a worker; one more is answered 503", low=0)] = 64
    per_client: Annotated[
        int, Meaning("queries that one address may have under way; one more is answered 429", low=1)
    ] = 16
    connections: Annotated[int, Meaning("connections at a time; one more is answered 503", low=1)] = 1000
    header_seconds: Annotated[
        float, Meaning("seconds in which the head of a request must arrive (408), or the next one begin", low=0.1)
    ] = 15.0
    memory_triples: Annotated[
        int, Meaning("triples up to which the workers share the graph in memory; a larger one stays on disk", low=0)
    ] = 5_000_000
    cache_mb: Annotated[
        int, Meaning("MiB of answers that are kept for those who ask the same; 0 keeps none", low=0)
    ] = 64
    query_seconds: Annotated[float, Meaning("seconds after which a query is ended (504)", low=0.05, high=3600)] = 20.0
    max_rows: Annotated[int, Meaning("rows or triples of one answer; more is an error (413), never a cut", low=1)] = (
        100_000
    )
    max_bytes: Annotated[int, Meaning("bytes of one answer; more is an error (413)", low=1024)] = 50 * 1024 * 1024
    max_query_bytes: Annotated[int, Meaning("bytes of a request's body (413) or query", low=1024)] = 256 * 1024
    max_text_bytes: Annotated[int, Meaning("bytes of a text to be read for citations (413)", low=1024)] = 256 * 1024
    max_url_bytes: Annotated[int, Meaning("bytes of a request's address (414)", low=512, high=60_000)] = 16 * 1024
    worker_memory_mb: Annotated[int, Meaning("MiB that one worker may take beyond the open store", low=64)] = 1024
    keep_releases: Annotated[int, Meaning("builds that stay on disk, besides those in use", low=1)] = 3
    older_releases: Annotated[
        int, Meaning("releases before the current one that can be asked for (?release=)", low=0, high=100)
    ] = 3
    admin_email: Annotated[str, Meaning("address of whoever runs the service, told to harvesters at /feed/oai")] = ""

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Settings from CBDGRAPH_… variables; overrides win, unless None. `SettingsError` says what is wrong."""
        environment = os.environ if environment is None else environment
        kinds = _kinds()
        values: dict[str, Any] = {}
        for variable, text in sorted(environment.items()):
            if not variable.startswith(PREFIX) or variable in _OF_CLIENTS:
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in kinds:
                raise SettingsError(variable, text, f"there is no such setting; there are: {', '.join(kinds)}")
            values[name] = _parse(variable, kinds[name], text)
        for name, value in overrides.items():
            if name not in kinds:
                raise SettingsError(name, str(value), f"there is no such setting; there are: {', '.join(kinds)}")
            if value is not None:
                values[name] = _parse(name, kinds[name], value) if isinstance(value, str) else value
        return cls(**values)

    def __post_init__(self) -> None:
        for name, meaning in _meanings().items():
            value = getattr(self, name)
            if isinstance(value, int | float) and not meaning.low <= value <= meaning.high:
                raise SettingsError(name, str(value), f"expected {meaning.low:g} to {meaning.high:g}")
        if self.admin_email and not _EMAIL.match(self.admin_email):
            raise SettingsError("admin_email", self.admin_email, "expected an address such as data@example.org")

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All that a client may run into, as the service tells it."""
        return (
            Limit("seconds", self.query_seconds, "seconds", 504, "seconds of one query"),
            Limit("rows", self.max_rows, "rows", 413, "rows or triples of one answer"),
            Limit("bytes", self.max_bytes, "bytes", 413, "bytes of one answer"),
            Limit("memory_mb", self.worker_memory_mb, "MiB", 413, "MiB of memory of one query"),
            Limit("query_bytes", self.max_query_bytes, "bytes", 413, "bytes of one query"),
            Limit("text_bytes", self.max_text_bytes, "bytes", 413, "bytes of one text at /parse"),
            Limit("url_bytes", self.max_url_bytes, "bytes", 414, "bytes of an address"),
            Limit("head_bytes", HEAD_BYTES, "bytes", 431, "bytes of the head of a request"),
            Limit(
                "head_seconds", self.header_seconds, "seconds", 408, "seconds until the head of a request is whole"
            ),
            Limit("per_client", self.per_client, "queries", 429, "queries under way from one address"),
            Limit("workers", self.workers, "queries", 503, "queries under way from all"),
            Limit("queue", self.queue, "queries", 503, "queries that wait"),
            Limit("connections", self.connections, "connections", 503, "connections at a time"),
        )

    def holds_in_memory(self, triples: int) -> bool:
        """Whether the workers share a graph of that size in memory; what stands in two graphs counts twice."""
        return triples <= self.memory_triples

    @property
    def build_path(self) -> Path:
        """The build folder, absolute or under `root`."""
        return self.root / self.build

    @property
    def desk_path(self) -> Path:
        """The file of the review desk."""
        return self.root / self.desk / "desk.sqlite"

    @property
    def queries_path(self) -> Path:
        """The folder of the named queries."""
        return self.root / "queries" / "named"

    @property
    def questions_path(self) -> Path:
        """The folder of the questions that the editor offers."""
        return self.root / "queries" / "questions"


def table() -> list[tuple[str, str, str, str]]:
    """Rows of name, variable, default, meaning, in the order of `Settings`."""
    meanings = _meanings()
    return [
        (setting.name, PREFIX + setting.name.upper(), _default(setting.default), meanings[setting.name].text)
        for setting in fields(Settings)
    ]


def _meanings() -> dict[str, Meaning]:
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()}


def _kinds() -> dict[str, str]:
    return {name: getattr(hint, "__name__", "") for name, hint in get_type_hints(Settings).items()}


def _default(value: Any) -> str:
    return "" if value == () else str(value)


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(Path(part) for part in text.split(os.pathsep) if part)


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "Path": Path,
    "tuple": _paths,
    "str": str,
    "int": int,
    "float": float,
}
_EXPECTED: Final = {"int": "a whole number", "float": "a number of seconds"}


def _parse(name: str, kind: str, text: str) -> Any:
    try:
        return _PARSERS[kind](text)
    except ValueError as error:
        raise SettingsError(name, text, f"expected {_EXPECTED[kind]}") from error
