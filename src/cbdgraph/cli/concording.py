"""`cbdgraph concordance`: parsed arguments in, an exit code out; lines to output, what was read to standard error."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cbdgraph.cli.commands import FAULTS, GOOD, find_root, path_of, say
from cbdgraph.errors import CbdGraphError, ParameterError

CONCORDANCE_FORMATS = ("text", "csv", "json")


def run_concordance(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cbdgraph.documents import read_document
    from cbdgraph.ingest.batch import check_files, find_files
    from cbdgraph.ingest.concordance import Line, count_terms, find_lines, format_csv, format_json, format_text
    from cbdgraph.ingest.known import read_terms
    from cbdgraph.terminology.finding import TermFinder
    from cbdgraph.terminology.terms import TERM

    named = [path_of(name) for name in args.paths]
    check_files(named)
    files: list[Path] = [file for path in named for file in (find_files(path)[0] if path.is_dir() else [path])]
    names = read_terms(find_root(args.root))
    slug = args.term.removeprefix(TERM).removeprefix("term/") if args.term else None
    if slug is not None and not any(name.term == TERM + slug for name in names):
        raise ParameterError("term", f"there is no term {slug!r}; `cbdgraph query terms-missing-language` lists some")
    finder = TermFinder(names)
    found: list[Line] = []
    failed = 0
    with tqdm(total=len(files), unit="file", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        for file in files:
            try:
                document = read_document(file)
            except CbdGraphError as error:
                failed += 1
                bar.write(f"cbdgraph: {error}", file=sys.stderr)
            else:
                lines = list(find_lines(document, finder, args.lang, slug))
                found += lines
                if args.format == "text" and lines:
                    bar.write((f"{file}\n" if len(files) > 1 else "") + format_text(lines), end="")
            bar.update()
    if args.format == "csv":
        sys.stdout.write(format_csv(found))
    elif args.format == "json":
        sys.stdout.write(format_json(found))
    terms = count_terms(found)
    bad = f"; {failed} of {len(files)} files could not be read" if failed else ""
    say(f"{len(found):,} use{_s(len(found))} of {len(terms):,} term{_s(len(terms))}{bad}")
    return FAULTS if failed else GOOD


def _s(count: int) -> str:
    return "" if count == 1 else "s"
