"""Turtle text in, triples in file order out, and back in the house format; must not lose or change a statement.

The house format: a comment at the top, `@base` and the prefixes that are used, one block per subject in the order in
which the file names them, predicates in one fixed order, objects in natural order, and no blank node. A literal
keeps its very characters: rdflib is told not to normalize ("007", "Z" in a time).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.exceptions import ParserError
from rdflib.namespace import RDF, XSD
from rdflib.plugins.parsers.notation3 import BadSyntax, RDFSink, SinkParser, sfloat
from rdflib.term import Node

from cbdgraph.errors import InvalidName, TurtleError
from cbdgraph.model import Iri
from cbdgraph.namespaces import BASE, PREFIXES, expand, rank_language

Triple = tuple[Node, Node, Node]

LINE_LENGTH: Final = 118

# What a thing is, where it stands, what it is called, what it says; then whatever is not named here, by name.
_FIRST: Final = """
    rdf:type rdfs:subClassOf rdfs:subPropertyOf
    cbd:parent cbd:inSection cbd:level cbd:partLabel cbd:locator
    cbd:meetingOf cbd:session cbd:adoptedAt cbd:preparedFor cbd:inSet cbd:underGoal cbd:adoptedIn cbd:number
    cbd:symbol cbd:citingPart cbd:usedIn cbd:usesTerm cbd:quote cbd:partQuote cbd:occurrences
    cbd:citedPart cbd:citedTarget cbd:role cbd:issue
    cbd:certainty cbd:reason
    cbd:quantityOf cbd:comparator cbd:value cbd:unit cbd:ofWhat cbd:deadline
    cbd:requestedIn cbd:action cbd:addressee
    cbd:outcomeOf cbd:outcomeKind
    cbd:definitionOf cbd:wording cbd:verbatim cbd:year
    dcterms:title cbd:title rdfs:label skos:prefLabel skos:altLabel skosxl:prefLabel skosxl:altLabel
    skosxl:literalForm cbd:labelOrigin skos:definition cbd:summary dcterms:description skos:scopeNote skos:example
    skos:notation skos:inScheme skos:topConceptOf
    cbd:respondsTo cbd:status cbd:carriedOutBy cbd:partner cbd:funder cbd:participant cbd:supports
    cbd:place cbd:startDate cbd:endDate
"""
# What it is linked to and where the statement comes from.
_LAST: Final = """
    skos:broader skos:related skos:exactMatch skos:closeMatch skos:relatedMatch rdfs:seeAlso cbd:webPage
    rdfs:comment skos:editorialNote
    dcterms:source cbd:sourcePlace cbd:basis rdfs:isDefinedBy
"""
_PLACE: Final = {
    expand(name): (part, place)
    for part, names in ((0, _FIRST), (2, _LAST))
    for place, name in enumerate(names.split())
}

# Strings and IRIs are stepped over, so that a '#' or a bracket in them is not taken for Turtle's own.
_TOKENS: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|' + r"'''(?:[^'\\]|\\.|'(?!''))*'''|"
    r'"(?:[^"\\\n]|\\.)*"|' + r"'(?:[^'\\\n]|\\.)*'|"
    r"<[^<>\s]*>|\\.|(?P<comment>#[^\n]*)|(?P<blank>\[|\(|(?<![\w-])_:)",
    re.DOTALL,
)
_TOP: Final = re.compile(r"\s*(?:#[^\n]*(?:\n\s*|\Z))*")

# What rdflib's parser lets out, besides its own BadSyntax, on text that ends early or is no Turtle at all.
_PARSER_SLIPS: Final = (
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    ParserError,
    RecursionError,
    TypeError,
    ValueError,
)

_NATURAL: Final = re.compile(r"(\d+)")
_LOCAL: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\Z")
# A path that any resolver puts back together unchanged: no scheme, no empty or dotted step.
_RELATIVE: Final = re.compile(
    r"(?!\.{1,2}(?:/|\Z))[^\s<>\"{}|^`\\:/?#]+(?:/(?!\.{1,2}(?:/|\Z))[^\s<>\"{}|^`\\:/?#]+)*\Z"
)
_NO_IRI: Final = re.compile(r'[\x00-\x20<>"{}|^`\\\ud800-\udfff]')
# The usual way to write each; what is written otherwise (+7, 007) keeps its characters between quotes.
_BARE: Final = {
    XSD.integer: re.compile(r"(?:0|-?[1-9][0-9]*)\Z"),
    XSD.decimal: re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z"),
    XSD.boolean: re.compile(r"(?:true|false)\Z"),
}
_NO_TEXT: Final = re.compile(r"[\x00\ud800-\udfff]")
_NUMBER: Final = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?\Z")
_ESCAPE_OR_CR: Final = re.compile(r"(\\.)|\r", re.DOTALL)
_XML: Final = re.compile(r"\s*<(?:\?xml|!DOCTYPE|!--|rdf:RDF|html)", re.IGNORECASE)
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NT_TO_ESCAPE: Final = re.compile(r'["\\\n\r]')
_TO_ESCAPE: Final = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]')


@dataclass(frozen=True, slots=True)
class TurtleFile:
    """What a Turtle file holds: its comment at the top, its triples in order, and where things stand.

    `lines` gives the line (from 1) of the first statement about each subject. `late_comment` and `blank_node` are
    the lines of the first comment further down and of the first blank node, 0 when there is none.
    """

    path: str
    comment: str
    triples: tuple[Triple, ...]
    lines: dict[Node, int]
    late_comment: int = 0
    blank_node: int = 0


class _Recorder(Graph):
    """Takes what the parser says in the order in which it says it; keeps no index."""

    def __init__(self, path: str) -> None:
        super().__init__(bind_namespaces="none")
        self.prefix = re.sub(r"[^A-Za-z0-9]+", "-", path.removesuffix(".ttl")).strip("-")
        self.blank: dict[Node, BNode] = {}
        self.seen: dict[Triple, None] = {}
        self.lines: dict[Node, int] = {}
        self.line_now: Callable[[], int] = lambda: 0

    def add(self, triple: Any) -> _Recorder:
        if isinstance(triple[0], BNode) or isinstance(triple[2], BNode):
            triple = (self.named(triple[0]), triple[1], self.named(triple[2]))
        self.seen.setdefault(triple)
        if triple[0] not in self.lines:
            self.lines[triple[0]] = self.line_now()
        return self

    def named(self, node: Node) -> Node:
        """The parser's blank nodes have random labels; the same file must give the same triples every time."""
        if not isinstance(node, BNode):
            return node
        if node not in self.blank:
            self.blank[node] = BNode(f"{self.prefix}-b{len(self.blank) + 1}".lstrip("-"))
        return self.blank[node]


class _Sink(RDFSink):
    """Builds terms without changing a literal's characters; refuses those that RDF does not have."""

    def __init__(self, graph: _Recorder, path: str) -> None:
        super().__init__(graph)
        self._recorder, self._path = graph, path

    def newSymbol(self, *args: Any) -> URIRef:  # noqa: N802 (rdflib's name)
        try:
            Iri(str(args[0]))
        except InvalidName as error:
            remedy = "write the IRI without blanks and signs that IRIs cannot hold (%20 is a blank)"
            reason = f"not an IRI: {error.text!r}: {error.reason}; {remedy}"
            raise TurtleError(self._path, reason, self._recorder.line_now()) from error
        return URIRef(args[0])

    def newLiteral(self, s: str, dt: URIRef | None, lang: str | None) -> Literal:  # noqa: N802 (rdflib's name)
        if _NO_TEXT.search(s):
            reason = "a text holds a character that no text can hold, such as \\uD800; write the character itself"
            raise TurtleError(self._path, reason, self._recorder.line_now())
        if dt and dt != XSD.string:  # in RDF 1.1 a plain literal and an xsd:string are one term
            return Literal(s, datatype=dt, normalize=False)
        return Literal(s, lang=lang)


class _Parser(SinkParser):
    """Leaves a number as it is written; rdflib's own makes a value of it (1e3, 01, +7, .5)."""

    def nodeOrLiteral(self, argstr: str, i: int, res: Any) -> int:  # noqa: N802 (rdflib's name)
        before = len(res)
        j = super().nodeOrLiteral(argstr, i, res)
        if j < 0 or len(res) == before or isinstance(res[-1], bool | Node):
            return j
        number = _NUMBER.search(argstr[i:j])
        if number:
            kind = (
                XSD.double
                if isinstance(res[-1], sfloat)
                else XSD.integer
                if isinstance(res[-1], int)
                else XSD.decimal
            )
            res[-1] = Literal(number[0], datatype=kind, normalize=False)
        return j


def parse_turtle(text: str, path: str = "") -> TurtleFile:
    """Read Turtle; `TurtleError` with the line where it is not. Relative IRIs without `@base` are under our base."""
    text = text.removeprefix("\ufeff")
    if _XML.match(text):
        raise TurtleError(path, "is XML and not Turtle; convert it, for RDF/XML with: rapper -o turtle FILE", 1)
    if "\r" in text:
        text = _TOKENS.sub(_keep_returns, text).replace("\r\n", "\n")
    graph = _Recorder(path)
    parser = _Parser(_Sink(graph, path), baseURI=BASE, turtle=True)
    graph.line_now = lambda: parser.lines + 1
    try:
        parser.loadBuf(text)
    except BadSyntax as error:
        # At the end of a file the parser has counted line ends that are not there.
        raise TurtleError(path, _reason(error), min(error.lines, text.count("\n")) + 1) from error
    except _PARSER_SLIPS as error:
        reason = str(error).split(" at ^")[0] or type(error).__name__
        raise TurtleError(path, f"not Turtle: {reason}", parser.lines + 1) from error
    top = _TOP.match(text)
    start = top.end() if top else 0
    late_comment = blank_node = 0
    for token in _TOKENS.finditer(text, start):
        if token["comment"] is not None and not late_comment:
            late_comment = text.count("\n", 0, token.start()) + 1
        elif token["blank"] is not None and not blank_node:
            blank_node = text.count("\n", 0, token.start()) + 1
    return TurtleFile(path, _comment(text[:start]), tuple(graph.seen), graph.lines, late_comment, blank_node)


def read_turtle(path: Path, shown_as: str = "") -> TurtleFile:
    """Read a Turtle file; `shown_as` is its name in errors and reports."""
    name = shown_as or str(path)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")  # not as text: the line ends in a literal are part of it
    except OSError as error:
        raise TurtleError(name, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TurtleError(name, f"is not UTF-8 at byte {error.start}; save the file as UTF-8", line) from error
    return parse_turtle(text, name)


def format_ntriple(triple: Triple) -> str:
    """A triple as one line of N-Triples, without the line end.

    >>> format_ntriple((URIRef("http://e/a"), URIRef("http://e/b"), Literal("x", lang="en")))
    '<http://e/a> <http://e/b> "x"@en .'
    """
    return f"{_nterm(triple[0])} {_nterm(triple[1])} {_nterm(triple[2])} ."


def _nterm(node: Node) -> str:
    if isinstance(node, URIRef):
        return f"<{node}>"
    if isinstance(node, Literal):
        quoted = '"' + _NT_TO_ESCAPE.sub(_escape, node) + '"'
        if node.language:
            return f"{quoted}@{node.language}"
        return quoted if node.datatype is None else f"{quoted}^^<{node.datatype}>"
    return f"_:{node}"


def rewrite(file: TurtleFile) -> str:
    """The file's text in the house format; `TurtleError` where that would lose a comment or meet a blank node."""
    if file.blank_node and any(isinstance(node, BNode) for triple in file.triples for node in triple):
        raise TurtleError(file.path, "blank nodes have no lasting name; give this resource an IRI", file.blank_node)
    if file.late_comment:
        reason = "only a comment at the top of the file is kept; say it with rdfs:comment or skos:editorialNote"
        raise TurtleError(file.path, reason, file.late_comment)
    return format_turtle(file.triples, file.comment, file.path)


def format_turtle(triples: Iterable[Triple], comment: str = "", path: str = "") -> str:
    """Triples as Turtle in the house format, subjects in order of first appearance.

    `comment` is put at the top as it is; its lines start with '#'. `TurtleError` for a blank node or a bad IRI.
    """
    blocks: dict[Node, dict[Node, dict[Node, None]]] = {}
    for subject, predicate, value in triples:
        blocks.setdefault(subject, {}).setdefault(predicate, {}).setdefault(value)
    writer = _Writer(path)
    body = [writer.block(subject, values) for subject, values in blocks.items()]
    head = "\n".join(writer.declarations())
    return "\n\n".join(part for part in (comment.strip("\n"), head, *body) if part) + "\n"


class _Writer:
    """Writes terms, and remembers which prefixes they needed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.used: set[str] = set()
        self.terms: dict[Node, str] = {}

    def declarations(self) -> list[str]:
        base = [f"@base <{BASE}> ."] if "" in self.used else []
        return base + [f"@prefix {name}: <{iri}> ." for name, iri in PREFIXES.items() if name in self.used]

    def block(self, subject: Node, values: dict[Node, dict[Node, None]]) -> str:
        lines = []
        for predicate in sorted(values, key=lambda p: _PLACE.get(str(p), (1, str(p)))):
            verb = "a" if predicate == RDF.type else self.term(predicate)
            objects = list(values[predicate])
            if len(objects) > 1:
                objects.sort(key=_order)
            written = list(dict.fromkeys(self.term(value) for value in objects))
            line = f"{verb} {', '.join(written)}"
            if len(written) > 1 and len(line) + 6 > LINE_LENGTH:
                line = f"{verb}\n        " + ",\n        ".join(written)
            lines.append(line)
        return f"{self.term(subject)} " + " ;\n    ".join(lines) + " ."

    def term(self, node: Node) -> str:
        written = self.terms.get(node)
        if written is None:
            written = self.terms[node] = self._term(node)
        return written

    def _term(self, node: Node) -> str:
        if isinstance(node, Literal):
            return self._literal(node)
        if isinstance(node, URIRef):
            return self._iri(str(node))
        raise TurtleError(self.path, "blank nodes have no lasting name; give every resource an IRI")

    def _iri(self, iri: str) -> str:
        for prefix, start in PREFIXES.items():
            if iri.startswith(start) and _LOCAL.match(iri, len(start)):
                self.used.add(prefix)
                return f"{prefix}:{iri[len(start) :]}"
        if _NO_IRI.search(iri):
            raise TurtleError(self.path, f"not an IRI: {iri!r}")
        if iri.startswith(BASE) and _RELATIVE.match(iri, len(BASE)):
            self.used.add("")
            return f"<{iri[len(BASE) :]}>"
        return f"<{iri}>"

    def _literal(self, literal: Literal) -> str:
        text, datatype = str(literal), literal.datatype
        bare = _BARE.get(datatype) if datatype else None
        if bare and bare.match(text):
            return text
        quoted = '"' + _TO_ESCAPE.sub(_escape, text) + '"'
        if literal.language:
            return f"{quoted}@{literal.language}"
        if datatype is None or datatype == XSD.string:
            return quoted
        return f"{quoted}^^{self._iri(str(datatype))}"


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}"


def _keep_returns(match: re.Match[str]) -> str:
    """A long literal's carriage returns as escapes, which no change of line ends outside of it touches."""
    token = match[0]
    return _ESCAPE_OR_CR.sub(lambda m: m[1] or "\\r", token) if token.startswith(('"""', "'''")) else token


def _order(node: Node) -> tuple[object, ...]:
    """Natural order: target/5 before target/11; names before texts; texts in the order of the six languages."""
    language = getattr(node, "language", None) or ""
    pieces = tuple((int(piece), "") if piece.isdecimal() else (0, piece) for piece in _NATURAL.split(str(node)))
    datatype = str(getattr(node, "datatype", None) or "")
    return (isinstance(node, Literal), *rank_language(language), pieces, str(node), datatype)


def _comment(top: str) -> str:
    """The comment lines at the top of a file, with single empty lines between paragraphs."""
    lines = [line.strip() for line in top.strip().splitlines()]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept)


def _reason(error: BadSyntax) -> str:
    """rdflib's words in one line: what it expected, and the text that it met."""
    text = error._str.decode("utf-8", "replace")
    # The offset counts characters of a text that rdflib keeps as bytes only for its own message.
    rest = text[error._i : error._i + 40].split("\n")[0]
    return f"not Turtle: {error._why.strip()}, at {rest!r}" if rest else f"not Turtle: {error._why.strip()}"
