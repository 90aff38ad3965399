"""`cbdgraph terms`: arguments in, an exit code out; files and differences to output, all else to standard error."""

from __future__ import annotations

import argparse
import sys

from cbdgraph.cli.commands import FAULTS, GOOD, find_root, path_of, say
from cbdgraph.errors import MissingFile, ParameterError, UnknownResource


def run_export(args: argparse.Namespace) -> int:
    """Write the terms that data/turtle records in the format of another tool."""
    from cbdgraph.exchange.formats import ALIASES, FORMATS, find_format
    from cbdgraph.exchange.selection import check_slugs, read_languages, select_terms
    from cbdgraph.ingest.terms import Vocabulary

    form = find_format(args.format)
    if form is None:
        raise ParameterError("format", f"choose one of {', '.join((*FORMATS, *ALIASES))}")
    if args.output is None and sys.stdout.isatty() and not form.media_type.startswith("text/"):
        raise ParameterError("format", f"{form.title} is for a file; name one with -o")
    languages = read_languages(args.lang)
    terminology = Vocabulary.read(find_root(args.root)).terminology
    slugs = [slug.removeprefix("term/") for slug in args.term] or None
    check_slugs(terminology, slugs or ())
    content = form.write(select_terms(terminology, slugs, languages), languages, "")
    if args.output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return GOOD
    try:
        path_of(args.output).write_bytes(content)
    except OSError as error:
        raise MissingFile(args.output, f"it cannot be written: {error.strerror}") from error
    return GOOD


def run_import(args: argparse.Namespace) -> int:
    """Propose what a file says about terms as a difference against data/turtle."""
    from cbdgraph.exchange.formats import ALIASES
    from cbdgraph.ingest.files import write_changes
    from cbdgraph.ingest.terms import Vocabulary, propose_terms
    from cbdgraph.ingest.vocabulary import READ_FORMATS, read_file
    from cbdgraph.iris import mint
    from cbdgraph.namespaces import BASE

    path = path_of(args.file)
    form = ALIASES.get(args.format, args.format).partition("-")[0]
    if form in {"skos", "skosxl"}:
        form = ""  # which of the formats of RDF the ending tells
    if form and form not in READ_FORMATS:
        raise ParameterError("format", f"choose one of {', '.join(READ_FORMATS)}")
    root = find_root(args.root)
    reading = read_file(path, form)
    vocabulary = Vocabulary.read(root)
    source = mint(args.source.removeprefix(BASE)) if args.source else ""
    if source and source not in vocabulary.subjects:
        raise UnknownResource("source", args.source, source)
    proposal = propose_terms(reading, vocabulary, root, source)
    for remark in proposal.remarks:
        say(remark)
    if proposal.faults:
        for fault in proposal.faults:
            say(f"{path}: {fault}")
        count = len(proposal.faults)
        say(f"{count} {'fault' if count == 1 else 'faults'}; nothing was changed")
        return FAULTS
    difference = "".join(change.diff for change in proposal.changes)
    if args.output is not None:
        try:
            path_of(args.output).write_text(difference, encoding="utf-8")
        except OSError as error:
            raise MissingFile(args.output, f"it cannot be written: {error.strerror}") from error
    elif not args.accept:
        sys.stdout.write(difference)
    if not proposal.changes:
        say("the file says nothing that is not recorded already")
    elif args.accept:
        write_changes(proposal.changes, root)
        for change in proposal.changes:
            say(f"{'changed' if change.before else 'written'}: {change.name}")
        say("now look at what was written, and run: cbdgraph validate")
    else:
        say(f"{len(proposal.changes)} files would change; --accept writes them")
    return GOOD
