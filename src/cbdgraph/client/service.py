"""`Client`: the address of an endpoint in; tables, graphs and truths out, each whole and with its release."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from cbdgraph.client.asking import Asking, Reply
from cbdgraph.client.frames import read_results, read_table
from cbdgraph.client.texts import named_queries
from cbdgraph.errors import IncompleteAnswer, ParameterError, QueryError, UnknownResource
from cbdgraph.queries import Query, find_query

if TYPE_CHECKING:
    from rdflib import Graph

ENDPOINT: Final = "http://127.0.0.1:8000/sparql"
_MENTIONED: Final = "ASK {{ {{ {0} ?property ?value }} UNION {{ ?other ?property {0} }} }}"
_RDF: Final = {"application/n-triples": "nt", "text/turtle": "turtle", "application/rdf+xml": "xml"}


class Client:
    """Asks one SPARQL 1.1 endpoint that holds the graph: this project's service, or any other.

    `release` pins the answers to a release, where the service keeps it. `timeout` is the number of seconds for one
    answer, `max_bytes` its greatest size; an endpoint that is busy is asked again up to `retries` times, after as
    long as it says.

    What comes is all that there is: an answer that is cut or broken off, or that the endpoint refuses, is an
    exception of `cbdgraph.errors`. `attrs` of a table or graph say where it is from: `endpoint`, `query`, `release`,
    `data_hash` (None where the endpoint does not say), and `complete`: True where the endpoint says so, None where
    it says nothing. `attrs["kinds"]` of a table says what each column holds.
    """

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        *,
        release: str | None = None,
        timeout: float = 60.0,
        max_bytes: int = 256 * 1024 * 1024,
        retries: int = 3,
    ) -> None:
        self._asking = Asking(endpoint, release, timeout, max_bytes, retries)

    def __repr__(self) -> str:
        pinned = f", release={self._asking.release!r}" if self._asking.release else ""
        return f"Client({self._asking.endpoint!r}{pinned})"

    @property
    def endpoint(self) -> str:
        """The address that is asked."""
        return self._asking.endpoint

    def queries(self) -> pd.DataFrame:
        """The named queries: parameters with an example each, optional ones in brackets, columns, what it answers."""
        return pd.DataFrame(
            [
                {
                    "name": query.name,
                    "parameters": " ".join(
                        f"{p.name}={p.example}" if p.required else f"[{p.name}={p.example}]" for p in query.parameters
                    ),
                    "columns": " ".join(query.columns),
                    "summary": query.summary,
                }
                for query in named_queries().values()
            ]
        )

    def text(self, name: str, /, **values: object) -> str:
        """The SPARQL of a named query with values bound: what `named` sends."""
        return find_query(named_queries(), name).bind(_texts(values))

    def named(self, name: str, /, *, languages: bool = True, **values: object) -> pd.DataFrame:
        """The rows of a named query, as `select` gives them; a value of None is not given.

        A value is a full IRI, a path under the base or the usual short form, a number, a day or a time. One that
        names what the graph never mentions is `UnknownResource`, not an empty table.
        """
        query, given = find_query(named_queries(), name), _texts(values)
        frame = self._table(query.bind(given), languages, query.columns)
        if frame.empty:
            self._check_resources(query, given)
        frame.attrs |= {"name": name, "parameters": given}
        return frame

    def select(self, query: str, *, languages: bool = True) -> pd.DataFrame:
        """The rows of a SELECT.

        Columns have types: Int64, Float64, boolean, datetime64, and string for IRIs and texts. One that has texts in
        a language is followed by their tags, `label` by `label@lang`, unless `languages` is False.
        """
        return self._table(query, languages, None)

    def ask(self, query: str) -> bool:
        """The truth of an ASK."""
        document = read_results(self._asking.ask(query, "ASK").content)
        if "boolean" not in document:
            raise QueryError("this query gives a table; use select()")
        return bool(document["boolean"])

    def construct(self, query: str) -> Graph:
        """The triples of a CONSTRUCT or DESCRIBE, as a graph of rdflib with `attrs` as tables have them."""
        from rdflib import Graph  # takes a while, and few need it

        reply = self._asking.ask(query, "CONSTRUCT")
        if reply.media_type not in _RDF:
            raise QueryError(f"this query gives {reply.media_type}, no triples; use select() or ask()")
        graph = Graph(bind_namespaces="none")
        try:
            graph.parse(data=reply.content, format=_RDF[reply.media_type])
        except Exception as error:  # rdflib's parsers raise of many kinds
            raise QueryError(f"the triples of {self.endpoint} cannot be read: {type(error).__name__}") from error
        self._check_rows(reply, len(graph))
        graph.attrs = self._attributes(query, reply)  # type: ignore[attr-defined]
        return graph

    def _table(self, query: str, languages: bool, columns: tuple[str, ...] | None) -> pd.DataFrame:
        reply = self._asking.ask(query, "SELECT")
        frame, kinds = read_table(reply.content, languages=languages, columns=columns)
        self._check_rows(reply, len(frame))
        frame.attrs |= {**self._attributes(query, reply), "kinds": kinds}
        return frame

    def _attributes(self, query: str, reply: Reply) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "query": query,
            "release": reply.headers.get("cbdgraph-release"),
            "data_hash": reply.headers.get("cbdgraph-data"),
            "complete": reply.is_complete,
        }

    def _check_rows(self, reply: Reply, rows: int) -> None:
        if reply.most_rows is not None and rows >= reply.most_rows:
            raise IncompleteAnswer(
                self.endpoint, f"it gives {reply.most_rows} rows at most; page with LIMIT and OFFSET"
            )

    def _check_resources(self, query: Query, values: dict[str, str]) -> None:
        for parameter, iri in query.resources(values).items():
            if not self.ask(_MENTIONED.format(iri)):
                raise UnknownResource(parameter.name, values[parameter.name].strip(), iri.value)


def _texts(values: dict[str, object]) -> dict[str, str]:
    return {name: _text(name, value) for name, value in values.items() if value is not None}


def _text(name: str, value: object) -> str:
    """A value of Python as the text that a named query takes.

    >>> _text("since", date(2026, 1, 1)), _text("minimum", 15)
    ('2026-01-01', '15')
    """
    match value:
        case str():
            return str(value)  # also of rdflib's URIRef, which is one
        case bool():
            pass
        case int() | float() | Decimal():
            return str(value)
        case datetime():
            if value.tzinfo is None:
                raise ParameterError(name, "expected a time with its zone, such as datetime.now(UTC)")
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
    raise ParameterError(name, f"expected a text, a number, a day or a time, not {type(value).__name__}")
