"""Command lines in, calls and exit codes out; holds no logic of its own: `commands` has a function for each command.

Exit codes: 0 good, 1 faults found or no certain result, 2 the tool could not do its work. Every command imports what
it needs when it runs, so that `--help` and a `serve` with nothing to build start at once.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import textwrap
import traceback
from collections.abc import Callable, Sequence

from cbdgraph.cli import commands
from cbdgraph.cli.assisting import run_mcp
from cbdgraph.cli.checking import FAIL_ON, QUALITY_FORMATS, run_quality
from cbdgraph.cli.citing import PARSE_FORMATS, run_parse, run_resolve
from cbdgraph.cli.commands import FAILED, FAULTS, GOOD, say
from cbdgraph.cli.concording import CONCORDANCE_FORMATS, run_concordance
from cbdgraph.cli.cutting import run_release
from cbdgraph.cli.desking import add_desk, run_list
from cbdgraph.cli.ingesting import run_ingest
from cbdgraph.cli.terming import run_export, run_import
from cbdgraph.errors import CbdGraphError, DataFaults, ParameterError, TurtleError
from cbdgraph.namespaces import LANGUAGES

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cbdgraph",
        description="The decisions and targets of the Convention on Biological Diversity as linked data.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=textwrap.dedent("""\
            examples:
              cbdgraph serve                            # build what changed, then http://127.0.0.1:8000
              cbdgraph query targets-in-set --set aichi
              cbdgraph resolve "XI/16 para 5(d)"
              cbdgraph parse my-text.txt                # all its citations
              cbdgraph validate my-data.ttl
              cbdgraph COMMAND --help                   # more examples

            Exit codes: 0 good; 1 faults found, or no certain result; 2 the tool could not do its work.
            The project is the folder given by --root, else CBDGRAPH_ROOT, else the current one if it holds ontology/.
            """),
    )
    parser.add_argument("--root", metavar="FOLDER", help="the folder that holds ontology/, data/ and queries/")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)

    def command(
        run: Callable[[argparse.Namespace], int], name: str, brief: str, more: str, examples: str
    ) -> argparse.ArgumentParser:
        made = subparsers.add_parser(
            name,
            help=brief,
            description=textwrap.dedent(more).strip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog="examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  "),
            allow_abbrev=False,
        )
        made.set_defaults(run=run)
        return made

    build = command(
        commands.run_build,
        "build",
        "read, validate, infer and store the graph",
        """
        Makes a release of the graph under build/ from ontology/ and data/turtle/, and switches to it in one step.
        Nothing is done when no input changed. A build that fails or is killed leaves the release before it.
        """,
        """
        cbdgraph build
        cbdgraph build --force      # although nothing changed
        """,
    )
    build.add_argument("--force", action="store_true", help="build although nothing changed")

    release = command(
        run_release,
        "release",
        "cut a release: add it to the change log, and build it",
        """
        Compares what is built of the files now with the release before, resource by resource, and adds what was
        created, changed and withdrawn to the change log in data/releases, which is only ever added to. Commit what
        it writes. Number and time are those of the tag of the commit (v0.2.0), or are given; no clock is read.
        Nothing may go silently: of each IRI that is gone data/turtle/withdrawn.ttl must say why.
        """,
        """
        git tag -a v0.2.0 -m 0.2.0 && cbdgraph release
        cbdgraph release 0.2.0 --date 2026-11-25T10:00:00Z
        cbdgraph release 0.2.0 --date 2026-11-25 --dry-run --list   # what would change; writes nothing
        """,
    )
    release.add_argument("number", nargs="?", metavar="NUMBER", help="such as 0.2.0; that of the tag if not given")
    release.add_argument("--date", metavar="TIME", help="a day or a time with its zone; that of the tag if not given")
    release.add_argument("--dry-run", action="store_true", help="say what would be released, and write nothing")
    release.add_argument("--list", action="store_true", help="print each change: what, IRI, and reason, between tabs")
    release.add_argument(
        "--withdraw", metavar="REASON", default="", help="why everything is gone of which no file tells yet"
    )

    validate = command(
        commands.run_validate,
        "validate",
        "check Turtle files against shapes and checks",
        """
        Checks your Turtle files, or without FILE the project's own data. Each fault comes with its file and line,
        what is wrong, and what to do. Your files may refer to everything that the project describes.
        """,
        """
        cbdgraph validate                                   # the project's data
        cbdgraph validate my-decisions.ttl
        cbdgraph validate --format sarif my.ttl > my.sarif  # for code review tools; junit for build servers
        """,
    )
    validate.add_argument("files", nargs="*", metavar="FILE")
    validate.add_argument(
        "--format", choices=commands.REPORT_FORMATS, default="text", help="how to print the report (text)"
    )

    validate.add_argument(
        "--large",
        action="store_true",
        help=f"also check files of over {commands.LARGE_FILE // 10**6} MB, for minutes",
    )

    quality = command(
        run_quality,
        "quality",
        "check the vocabulary: concepts, names, definitions",
        """
        Reports on the quality of all vocabularies of the built graph: the checks of qSKOS by their names, and others
        on definitions and features. Each finding comes with its file and line and with what to do. What is to stay
        as it is stands, with the reason, in queries/quality/accepted.tsv.
        """,
        """
        cbdgraph quality
        cbdgraph quality --check overlapping-labels --check definition-without-place
        cbdgraph quality --format sarif --fail-on never > quality.sarif   # for code review tools
        """,
    )
    quality.add_argument("--format", choices=QUALITY_FORMATS, default="text", help="text if not given")
    quality.add_argument(
        "--fail-on", choices=FAIL_ON, default="error", help="exit with 1 if one such, or a worse one, is open (error)"
    )
    quality.add_argument(
        "--check", action="append", default=[], metavar="NAME", help="only this check; may be given more than once"
    )

    serve = command(
        commands.run_serve,
        "serve",
        "build what changed and serve it",
        """
        Serves the graph as pages and data, with a SPARQL endpoint and the named queries. With --data it serves
        your own RDF files, as they are, in place of the built graph.
        """,
        """
        cbdgraph serve
        cbdgraph serve --host 0.0.0.0 --port 8080
        cbdgraph serve --data mine.ttl other.nq
        """,
    )
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (8000)")
    serve.add_argument(
        "--data", nargs="+", metavar="FILE", default=[], help="Turtle, TriG, N-Triples or N-Quads files"
    )

    query = command(
        commands.run_query,
        "query",
        "run a named query",
        """
        Runs one of queries/named/ on the built graph, as /query/NAME of the service does. Without NAME it lists
        them with their parameters. A parameter is an option of its own name; IRIs, paths and short forms will do.
        Every query takes --lang; where a query has no such parameter of its own, the rows are the same for each.
        """,
        """
        cbdgraph query
        cbdgraph query decisions-on-issue --issue forest-biodiversity
        cbdgraph query decision-outline --decision VII/5 --format xlsx --output outline.xlsx
        """,
    )
    query.add_argument("name", nargs="?", metavar="NAME")
    query.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="another way to give one")
    query.add_argument(
        "--format",
        default="csv",
        choices=commands.QUERY_FORMATS,
        help="csv if not given",
    )
    query.add_argument("--output", metavar="FILE", help="write to a file")

    sparql = command(
        commands.run_sparql,
        "sparql",
        "run a SPARQL query from a file",
        """
        Runs a SPARQL 1.1 query on the built graph, without limits. The default graph holds everything; each file,
        each rule's conclusions and all that was computed are named graphs too.
        """,
        """
        cbdgraph sparql my-query.rq
        echo "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g" | cbdgraph sparql -
        cbdgraph sparql --format ttl queries/my-construct.rq
        """,
    )
    sparql.add_argument("file", metavar="FILE", help="a query, or - for standard input")
    sparql.add_argument(
        "--format",
        choices=[*commands.TABLE_FORMATS, *commands.GRAPH_FORMATS],
        help="csv for tables, ttl for graphs if not given",
    )
    sparql.add_argument("--output", metavar="FILE", help="write to a file")

    resolve = command(
        run_resolve,
        "resolve",
        "the IRI of a written citation",
        """
        Prints the IRI that a citation means. When that is not certain it prints the candidates, best first, with
        what speaks for or against each, and exits with 1.
        """,
        """
        cbdgraph resolve "XI/16 para 5(d)"
        cbdgraph resolve "第XI/16号决定第5段(d)"
        cbdgraph resolve --json "GSPC target 4"       # the candidates as /resolve gives them
        """,
    )
    resolve.add_argument("citation", metavar="CITATION")
    resolve.add_argument("--lang", choices=LANGUAGES, help="the language it is written in; guessed if not given")
    resolve.add_argument("--json", action="store_true", help="print the candidates as JSON")

    parse = command(
        run_parse,
        "parse",
        "all citations of a text",
        """
        Finds every decision, recommendation, document, target and article that a text in one of the six UN languages
        cites, with the part and how sure that is, as /parse of the service does. Places count characters. As text,
        a line has the place, certainty, words, IRI and what there is to say about it, between tabs.
        """,
        """
        cbdgraph parse my-text.txt
        cbdgraph parse --lang fr --format tsv texte.txt > citations.tsv
        echo "décision X/2, paragraphes 3 et 5" | cbdgraph parse --format json -
        """,
    )
    parse.add_argument("file", metavar="FILE", help="a text in UTF-8, or - for standard input")
    parse.add_argument("--lang", choices=LANGUAGES, help="language of the text; guessed if not given")
    parse.add_argument("--format", choices=PARSE_FORMATS, default="text", help="text if not given")

    ingest = command(
        run_ingest,
        "ingest",
        "propose records from a document",
        """
        Reads a document (.txt, .html, .docx, .pdf) in any of the six UN languages, or all in a folder, and proposes
        what is not recorded yet: its parts, citations, targets, requests, definitions and figures. It prints a
        summary, then the difference against data/turtle, and changes nothing without --accept. What is recorded
        stays as it is. A folder is read by several processes; a run that was stopped goes on where it was.
        """,
        """
        cbdgraph ingest note.docx
        cbdgraph ingest --symbol UNEP/CBD/SBSTTA/17/8 --lang fr note.pdf
        cbdgraph ingest --summary my-folder/          # no difference
        cbdgraph ingest --accept note.docx && cbdgraph validate
        """,
    )
    ingest.add_argument("paths", nargs="+", metavar="FILE|FOLDER")
    ingest.add_argument("--lang", choices=LANGUAGES, help="language of the text; guessed if not given")
    ingest.add_argument("--symbol", help="symbol of the document, such as UNEP/CBD/SBSTTA/17/8 or CBD/COP/DEC/15/4")
    ingest.add_argument("--document", metavar="SLUG", help="name of a document without a symbol, document/<slug>")
    ingest.add_argument("--accept", action="store_true", help="write the proposal into data/turtle")
    ingest.add_argument("--again", action="store_true", help="look once more at a file that was accepted before")
    ingest.add_argument("--summary", action="store_true", help="print no difference")
    ingest.add_argument("--workers", type=int, default=0, help="processes that read a folder (one for each core)")

    add_desk(
        command(
            run_list,  # each of its own commands sets another
            "desk",
            "reviews of definitions and names: who may, export, backup",
            """
            Looks after the review desk, one SQLite file beside the graph: desk/desk.sqlite under the project's
            folder, or in the folder that CBDGRAPH_DESK names. Reviewers work in a browser, at /desk/ of the service.
            """,
            """
            cbdgraph desk invite "Ana María" --role editor     # the first one makes the desk
            cbdgraph desk list
            cbdgraph desk export --format ttl -o reviews.ttl
            cbdgraph desk difference -o approved.diff && git apply approved.diff
            cbdgraph desk backup desk-2026-11-25.sqlite && cbdgraph desk verify
            """,
        )
    )

    concordance = command(
        run_concordance,
        "concordance",
        "each use of a term in a document, with the words around it",
        """
        Finds the terms of the vocabulary in documents (.txt, .html, .docx, .pdf) or all in a folder, in any of the
        six UN languages and in the forms in which they are inflected, and prints each with its place and the words
        around it. A ? behind a term says that the form may name another term too. Nothing is saved.
        """,
        """
        cbdgraph concordance note.docx
        cbdgraph concordance --term ecosystem-restoration my-folder/
        cbdgraph concordance --lang fr --format csv note.pdf > uses.csv
        """,
    )
    concordance.add_argument("paths", nargs="+", metavar="FILE|FOLDER")
    concordance.add_argument("--term", metavar="SLUG", help="only this term, term/<slug>; all if not given")
    concordance.add_argument("--lang", choices=LANGUAGES, help="language of the text; guessed if not given")
    concordance.add_argument("--format", choices=CONCORDANCE_FORMATS, default="text", help="text if not given")

    _add_terms(subparsers)

    mcp = command(
        run_mcp,
        "mcp",
        "serve the graph to an assistant, over standard input and output",
        """
        A server of the Model Context Protocol: the named queries, citations, search, descriptions and read-only
        SPARQL as tools, under the limits of the service. An assistant starts this command itself; docs/assistants.md
        says how to tell it. Without --url it answers from what is built here, and opens no port.
        """,
        """
        cbdgraph mcp
        cbdgraph mcp --url http://127.0.0.1:8000    # ask a service that runs
        """,
    )
    mcp.add_argument("--url", metavar="ADDRESS", help="the address of a service that runs; nothing is opened here")

    fmt = command(
        commands.run_fmt,
        "fmt",
        "bring Turtle files into the house format",
        """
        Rewrites Turtle in the house format: one block per subject in file order, one predicate a line.
        Without FILE: data/turtle and ontology/vocabularies.ttl; the other files of ontology, which have
        blank nodes and comments, are only read.
        """,
        """
        cbdgraph fmt                          # rewrite what differs
        cbdgraph fmt --check                  # exit 1 if anything would change; writes nothing
        cbdgraph fmt --check --diff FILE.ttl  # show what would change
        """,
    )
    fmt.add_argument("files", nargs="*", metavar="FILE")
    fmt.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a file is not in the house format"
    )
    fmt.add_argument("--diff", action="store_true", help="with --check, print the difference")
    fmt.add_argument("--verbose", action="store_true", help="also name the files that are left as they are")

    command(
        commands.run_check_ontology,
        "check-ontology",
        "ask an OWL reasoner whether ontology and data can be true",
        """
        HermiT looks for contradictions in ontology and data, and for classes that can have no member. It needs Java
        and owlready2; without either the check is skipped, and says so.
        """,
        "cbdgraph check-ontology",
    )
    return parser


def _add_terms(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`terms export` and `terms import`."""
    terms = subparsers.add_parser(
        "terms",
        help="terminology to and from the formats of other tools",
        description="Terms, names and definitions as TBX-Basic, SKOS, SKOS-XL, CSV and XLSX, out and in again.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  cbdgraph terms export --format xlsx -o terms.xlsx\n  cbdgraph terms import terms.xlsx",
    )
    actions = terms.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    export = actions.add_parser(
        "export",
        help="write the terms of data/turtle for another tool",
        description=textwrap.dedent("""\
            Writes the terms that data/turtle records, all or some, in all languages or some. Formats: tbx (TBX-Basic,
            style DCA), tbx-dct, skos, skosxl (as Turtle; skos-rdf, skos-jsonld, skos-nt …), xlsx, csv (an archive
            of four tables), terms-csv, labels-csv, definitions-csv, features-csv. See docs/exchange.md."""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  cbdgraph terms export --format tbx -o terms.tbx\n"
        "  cbdgraph terms export --format labels-csv --lang fr,en --term ecosystem-restoration rehabilitation",
        allow_abbrev=False,
    )
    export.set_defaults(run=run_export)
    export.add_argument("--format", required=True, metavar="NAME", help="see above")
    export.add_argument("--lang", default="all", metavar="CODES", help="languages, such as fr,en (all)")
    export.add_argument("--term", nargs="+", default=[], metavar="SLUG", help="only these terms")
    export.add_argument("-o", "--output", metavar="FILE", help="write to a file")
    importing = actions.add_parser(
        "import",
        help="propose what a file of another tool says about terms",
        description=textwrap.dedent("""\
            Reads TBX-Basic, SKOS, SKOS-XL, CSV or XLSX, compares it with data/turtle, and prints the difference.
            Nothing is written without --accept, and nothing at all where the file has a fault; each fault comes with
            its line, row or cell. What a file does not name stays as it is. See docs/exchange.md."""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  cbdgraph terms import terms.xlsx\n"
        "  cbdgraph terms import glossary.tbx --source document/ser-standards-2019 -o proposal.diff\n"
        "  cbdgraph terms import terms.xlsx --accept && cbdgraph validate",
        allow_abbrev=False,
    )
    importing.set_defaults(run=run_import)
    importing.add_argument("file", metavar="FILE")
    importing.add_argument(
        "--format",
        default="",
        metavar="NAME",
        help="tbx, csv, xlsx, ttl, nt, rdf, jsonld; else by the ending",
    )
    importing.add_argument(
        "--source", metavar="DOCUMENT", help="the document from which all comes that names no source: document/<slug>"
    )
    importing.add_argument("--accept", action="store_true", help="write the proposal into data/turtle")
    importing.add_argument("-o", "--output", metavar="FILE", help="write the difference to a file")


def _read_values(args: argparse.Namespace, others: list[str]) -> dict[str, str]:
    """The parameters of a named query from `--name value`, `--name=value` and `--param name=value`."""
    values: dict[str, str] = {}
    words = [*others, *(f"--{pair}" for pair in args.param)]
    while words:
        word = words.pop(0)
        name, sign, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise ParameterError(word, "expected --name value")
        if not sign:
            if not words or words[0].startswith("--"):
                raise ParameterError(name, f"it has no value; write --{name} VALUE")
            value = words.pop(0)
        if name in values:
            raise ParameterError(name, "it is given more than once")
        values[name] = value
    return values


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code and never raises."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # UTF-8 whatever the locale; what came in as broken bytes goes out as it came.
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    if arguments is None:
        arguments = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]
    parser = _parser()
    args, others = parser.parse_known_args(arguments)
    if others and args.command != "query":
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    # rdflib logs a traceback for every ill-typed literal; the shapes report them, with file and line.
    logging.getLogger("rdflib.term").setLevel(logging.ERROR)
    try:
        if args.command == "query":
            args.values = _read_values(args, others)
        return int(args.run(args))
    except CbdGraphError as error:
        if args.debug:
            traceback.print_exc()
        say(f"cbdgraph: {error}")
        return FAULTS if isinstance(error, DataFaults | TurtleError) else FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (`head`) has gone: nothing left to say, and Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except Exception as error:
        if args.debug:
            traceback.print_exc()
        say(f"cbdgraph: {type(error).__name__}: {error} (a fault of this tool; --debug shows where)")
        return FAILED
