"""The embedded store: files and N-Triples lines in, answers and plain values out; must not know about HTTP.

Besides `store.worker` the only module that imports pyoxigraph. A store is either in memory, a RocksDB directory being
built (`Store.build`), or one opened read-only. A built store holds every file as a named graph and, when asked for,
a default graph that is the union of them: so a plain pattern sees each triple once, without a switch at query time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import pyoxigraph as ox

from cbdgraph.errors import (
    EngineUnavailable,
    QueryError,
    QueryRefused,
    QueryTimeout,
    QueryTooLarge,
    TurtleError,
)
from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import BASE, PREFIXES
from cbdgraph.store import Answer, Limits, Table
from cbdgraph.store.written import check_xml, count_rows, tidy_prefixes

GENID: Final = BASE + ".well-known/genid/"  # blank nodes as IRIs, RDF 1.1 Concepts section 3.5
ENGINE: Final = f"Oxigraph {ox.__version__}"

_XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"
_RDF_FORMATS: Final = {
    "turtle": ox.RdfFormat.TURTLE,
    "ttl": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "nt": ox.RdfFormat.N_TRIPLES,
    "nquads": ox.RdfFormat.N_QUADS,
    "nq": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG,
    "rdf": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}
_RESULT_FORMATS: Final = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/csv": ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
_GRAPH_FORMATS: Final = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/n-quads": ox.RdfFormat.N_QUADS,
    "application/trig": ox.RdfFormat.TRIG,
}
_PREFIXED: Final = frozenset({ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG})
_TYPE: Final = PREFIXES["rdf"] + "type"
_IRI_IN_QUERY: Final = re.compile(r"<[^<>\s]*>")


def dump_path(store_path: Path) -> Path:
    """Where the N-Quads of a built store stand; the default graph's lines are triples."""
    return store_path.with_name(store_path.name + ".nq")


class Store:
    """An RDF dataset that answers SPARQL; every method may be called from any thread."""

    __slots__ = ("_store",)

    def __init__(self, store: ox.Store) -> None:
        self._store = store

    @classmethod
    def memory(cls) -> Self:
        """An empty store in memory."""
        return cls(ox.Store())

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """A built store; `EngineUnavailable` if the directory is not one. Nothing may write to it meanwhile."""
        try:
            return cls(ox.Store.read_only(str(path)))
        except OSError as error:
            raise EngineUnavailable(f"no store can be opened at {path.name!r}") from error

    @classmethod
    def read_into_memory(cls, path: Path) -> Self:
        """A store in memory, out of the dump beside a built store; blank nodes keep their labels."""
        store = ox.Store()
        try:
            store.bulk_extend(ox.parse(path=str(path), format=ox.RdfFormat.N_QUADS))
        except (OSError, SyntaxError) as error:
            raise EngineUnavailable(f"no store can be read from {path.name!r}") from error
        return cls(store)

    @classmethod
    def build(
        cls,
        path: Path,
        files: Iterable[Path] = (),
        *,
        graphs: Mapping[str, Iterable[str]] | None = None,
        union_default: bool,
        apart: Collection[str] = (),
    ) -> dict[str, int]:
        """Write a RocksDB store into the fresh directory `path` and close it; gives the counts (see `counts`).

        Beside it, at `dump_path(path)`, stands all of it as N-Quads, for those who hold it in memory.

        `files` keep their graphs (Turtle goes to the default graph); `graphs` are N-Triples lines by graph IRI.
        With `union_default` the default graph becomes the union of the named graphs, but for those `apart`, besides
        what is in it already.
        `TurtleError` names the file that cannot be read.
        """
        if path.exists():
            raise EngineUnavailable(f"a store is only built into a fresh directory, and {path.name!r} exists")
        path.parent.mkdir(parents=True, exist_ok=True)
        store = cls(ox.Store(str(path)))
        from_files = tuple(files)
        for file in from_files:
            store._bulk_load_file(file)
        if graphs:
            store._bulk_load_graphs(graphs, united=graphs.keys() - set(apart) if union_default else ())
        if union_default and from_files:
            store.unite_default_graph()
        store._store.optimize()
        store._store.flush()
        store._store.dump(str(dump_path(path)), format=ox.RdfFormat.N_QUADS)
        return store.counts()

    def _bulk_load_file(self, file: Path) -> None:
        rdf_format = _RDF_FORMATS.get(file.suffix.removeprefix("."))
        if rdf_format is None:
            raise TurtleError(str(file), f"the ending must be one of {', '.join(_RDF_FORMATS)}")
        try:
            self._store.bulk_load(path=str(file), format=rdf_format, base_iri=file.resolve().as_uri())
        except (SyntaxError, ValueError) as error:
            raise TurtleError(str(file), str(error), getattr(error, "lineno", None) or 0) from error
        except OSError as error:
            raise TurtleError(str(file), error.strerror or str(error)) from error

    def _bulk_load_graphs(self, graphs: Mapping[str, Iterable[str]], *, united: Collection[str]) -> None:
        """All graphs at once, since every bulk load writes files of its own: four times faster for 75 graphs."""
        quads: list[str] = []
        places: list[str] = []
        default: dict[str, None] = {}
        for graph, lines in graphs.items():
            for line in lines:
                triple = line.strip()
                quads.append(f"{triple.removesuffix('.')} <{graph}> .")
                places.append(graph)
                if graph in united:
                    default.setdefault(triple)
        text = "\n".join((*quads, *default)) + "\n"
        try:
            self._store.bulk_load(text, format=ox.RdfFormat.N_QUADS)
        except SyntaxError as error:
            number = error.lineno or 0
            raise TurtleError(places[number - 1] if 0 < number <= len(places) else "graphs", str(error)) from error

    def unite_default_graph(self) -> None:
        """Put every triple of the named graphs into the default graph too."""
        default = ox.DefaultGraph()
        self._store.bulk_extend(
            ox.Quad(quad.subject, quad.predicate, quad.object, default)
            for quad in self._store
            if quad.graph_name != default
        )

    def load_text(self, text: str, syntax: str = "turtle", graph: str = "") -> None:
        """Add RDF text; `syntax` is turtle, ntriples, nquads or trig; `graph` an IRI, "" for the default graph.

        `TurtleError` if it cannot be read; `graph` must be "" for a format that names its graphs.
        """
        target = ox.NamedNode(graph) if graph else None
        try:
            self._store.load(text, format=_RDF_FORMATS[syntax], to_graph=target)
        except SyntaxError as error:
            raise TurtleError(graph or "text", str(error), error.lineno or 0) from error

    def insert(self, graph: str, ntriples: Iterable[str]) -> None:
        """Add N-Triples lines to a graph, "" for the default graph."""
        self.load_text("\n".join(line.rstrip("\n") for line in ntriples) + "\n", "ntriples", graph)

    def counts(self) -> dict[str, int]:
        """Triples per graph, in order of IRI; "" is the default graph and always there; unnamed ones are left out."""
        # The engine counts several times faster than a loop over what it gives.
        default = _results(_run(self._store, "SELECT (COUNT(*) AS ?triples) { ?s ?p ?o }", None, None))
        found = {"": sum(int(row["triples"].value) for row in default)}
        each = (
            "SELECT ?graph (COUNT(*) AS ?triples) { GRAPH ?graph { ?s ?p ?o } FILTER(isIRI(?graph)) } GROUP BY ?graph"
        )
        named = _results(_run(self._store, each, None, None))
        found.update(sorted((row["graph"].value, int(row["triples"].value)) for row in named))
        return found

    def dump(self) -> list[str]:
        """The whole dataset as sorted N-Quads lines; the default graph's are triples."""
        content = self._store.dump(format=ox.RdfFormat.N_QUADS) or b""
        return sorted(line.decode() for line in content.splitlines())

    def construct(self, query: str) -> list[str]:
        """The triples of a CONSTRUCT or DESCRIBE as sorted N-Triples lines, each once."""
        result = _run(self._store, query, None, None)
        if not isinstance(result, ox.QueryTriples):
            raise QueryError("expected a CONSTRUCT or DESCRIBE query")
        return sorted({f"{triple} ." for triple in _results(result)})

    def select(self, query: str) -> Table:
        """The solutions of a SELECT; blank nodes as IRIs under /.well-known/genid/."""
        result = _run(self._store, query, None, None)
        if not isinstance(result, ox.QuerySolutions):
            raise QueryError("expected a SELECT query")
        columns = tuple(variable.value for variable in result.variables)
        rows = []
        for solution in _results(result):
            values = {name: solution[name] for name in columns}
            rows.append({name: _plain(term) for name, term in values.items() if term is not None})
        return Table(columns, tuple(rows))

    def ask(self, query: str) -> bool:
        """The answer of an ASK."""
        result = _run(self._store, query, None, None)
        if not isinstance(result, ox.QueryBoolean):
            raise QueryError("expected an ASK query")
        return bool(result)

    def answer(
        self,
        query: str,
        media_type: str,
        limits: Limits,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
    ) -> Answer:
        """The whole answer in `media_type`, within `limits`, or `QueryTooLarge`, `QueryTimeout`, `QuerySyntaxError`.

        The time limit is looked at whenever a piece of the answer is written, so here it cannot end an aggregate or
        a sort; a worker process can, by dying. `QueryError` if the form of the query has no such media type.
        """
        deadline = time.monotonic() + limits.seconds
        result = _run(self._store, query, default_graphs, named_graphs)
        if isinstance(result, ox.QueryTriples):
            graph_format = _GRAPH_FORMATS.get(media_type)
            if graph_format is None:
                raise QueryError(f"a graph cannot be written as {media_type}")
            return _answer_graph(result, query, graph_format, media_type, limits, deadline)
        result_format = _RESULT_FORMATS.get(media_type)
        if result_format is None:
            raise QueryError(f"a table or boolean cannot be written as {media_type}")
        if isinstance(result, ox.QueryBoolean):
            if media_type == "text/tab-separated-values":
                # The engine writes CSV and TSV booleans without the line end that its tables have.
                return Answer(b"true\n" if result else b"false\n", media_type, "boolean", 1)
            return Answer(result.serialize(format=result_format) or b"", media_type, "boolean", 1)
        sink = _Sink(limits, deadline)
        _write(result, sink, result_format)
        if media_type == "application/sparql-results+xml":
            check_xml(sink.pieces)
        content = b"".join(sink.pieces)
        rows = count_rows(content, media_type)
        if rows > limits.rows:
            raise QueryTooLarge("rows", limits.rows)
        return Answer(content, media_type, "solutions", rows)


class _Sink:
    """A binary file for the engine to write to, which stops it at the byte and time limits."""

    __slots__ = ("deadline", "limits", "pieces", "size")

    def __init__(self, limits: Limits, deadline: float) -> None:
        self.limits, self.deadline = limits, deadline
        self.pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> int:
        self.size += len(piece)
        if self.size > self.limits.bytes:
            raise QueryTooLarge("bytes", self.limits.bytes)
        if time.monotonic() > self.deadline:
            raise QueryTimeout(self.limits.seconds)
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass


def _answer_graph(
    result: ox.QueryTriples,
    query: str,
    graph_format: ox.RdfFormat,
    media_type: str,
    limits: Limits,
    deadline: float,
) -> Answer:
    triples: set[ox.Triple] = set()
    names: dict[str, ox.BlankNode] = {}
    for triple in _results(result):
        triples.add(_rename_blank_nodes(triple, names))
        if len(triples) > limits.rows:
            raise QueryTooLarge("rows", limits.rows)
        if not len(triples) % 256 and time.monotonic() > deadline:
            raise QueryTimeout(limits.seconds)
    # Sorted, so that the same question gives the same bytes and a subject's statements stand together; what the
    # query asks for by its IRI stands first.
    places: dict[str, int] = {}
    for match in _IRI_IN_QUERY.finditer(query):
        places.setdefault(match[0], match.start())

    def place(triple: ox.Triple) -> tuple[int, str, bool, str, str]:
        subject, predicate = str(triple.subject), triple.predicate.value
        rank = places.get(subject, len(query))
        return rank, subject.removesuffix(">"), predicate != _TYPE, predicate, str(triple.object).removesuffix(">")

    ordered = sorted(triples, key=place)
    sink = _Sink(limits, deadline)
    if graph_format.supports_datasets:
        quads = [ox.Quad(triple.subject, triple.predicate, triple.object) for triple in ordered]
        _serialize(quads, sink, graph_format)
    else:
        _serialize(ordered, sink, graph_format)
    content = b"".join(sink.pieces)
    if graph_format in _PREFIXED:
        content = tidy_prefixes(content)
    return Answer(content, media_type, "triples", len(ordered))


def _rename_blank_nodes(triple: ox.Triple, names: dict[str, ox.BlankNode]) -> ox.Triple:
    """A triple whose blank nodes are numbered as they come: the engine has new names for them each time."""

    def rename(term: Any) -> Any:
        if isinstance(term, ox.BlankNode):
            return names.setdefault(term.value, ox.BlankNode(f"b{len(names)}"))
        return _rename_blank_nodes(term, names) if isinstance(term, ox.Triple) else term

    ends = rename(triple.subject), rename(triple.object)
    return triple if ends == (triple.subject, triple.object) else ox.Triple(ends[0], triple.predicate, ends[1])


def _serialize(statements: list[Any], sink: _Sink, graph_format: ox.RdfFormat) -> None:
    prefixes = dict(PREFIXES) if graph_format in _PREFIXED else None
    try:
        ox.serialize(statements, sink, format=graph_format, prefixes=prefixes)  # type: ignore[arg-type]
    except (RuntimeError, OSError, ValueError) as error:
        raise _evaluation_error(error) from error
    if graph_format == ox.RdfFormat.RDF_XML:
        check_xml(sink.pieces, {statement.predicate.value for statement in statements})


def _write(result: ox.QuerySolutions, sink: _Sink, result_format: ox.QueryResultsFormat) -> None:
    try:
        result.serialize(sink, format=result_format)  # type: ignore[arg-type]
    except (RuntimeError, OSError, ValueError) as error:
        raise _evaluation_error(error) from error


def _results(result: Any) -> Iterable[Any]:
    try:
        yield from result
    except (RuntimeError, OSError, ValueError) as error:
        raise _evaluation_error(error) from error


def _run(
    store: ox.Store, query: str, default_graphs: Sequence[str] | None, named_graphs: Sequence[str] | None
) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
    chosen: dict[str, Any] = {}
    if default_graphs is not None or named_graphs is not None:
        chosen["default_graph"] = [ox.NamedNode(graph) for graph in default_graphs or ()]
        chosen["named_graphs"] = [ox.NamedNode(graph) for graph in named_graphs or ()]
    try:
        return store.query(query, base_iri=BASE, **chosen)
    except SyntaxError as error:
        from cbdgraph.store.explain import explain_syntax  # its patterns take as long to compile as a store to open

        raise explain_syntax(query, str(error)) from error
    except (RuntimeError, OSError, ValueError) as error:
        raise _evaluation_error(error) from error


def _evaluation_error(error: Exception) -> QueryError:
    if isinstance(error, QueryError):
        return error
    message = str(error)
    if "custom function" in message:
        return QueryRefused("an extension function", message)
    return QueryError(f"the query cannot be evaluated: {message.splitlines()[0] if message else 'no reason given'}")


def _plain(term: Any) -> Iri | Text:
    if isinstance(term, ox.NamedNode):
        return Iri(term.value)
    if isinstance(term, ox.BlankNode):
        return Iri(GENID + term.value)
    if isinstance(term, ox.Literal):
        if term.language:
            return Text(term.value, language=term.language)
        return Text(term.value, datatype=None if term.datatype.value == _XSD_STRING else Iri(term.datatype.value))
    raise QueryError("a triple term cannot be given as a plain value")
