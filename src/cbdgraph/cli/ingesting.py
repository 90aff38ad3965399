"""`cbdgraph ingest`: parsed arguments in, an exit code out; a summary to standard error, the difference to output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cbdgraph.cli.commands import FAULTS, GOOD, find_root, path_of, say
from cbdgraph.errors import ParameterError


def run_ingest(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cbdgraph.ingest.batch import Failure, check_files, find_files, read_files
    from cbdgraph.ingest.files import build_changes, write_changes
    from cbdgraph.ingest.known import Known
    from cbdgraph.ingest.propose import Proposer
    from cbdgraph.ingest.report import format_summary, format_total
    from cbdgraph.settings import Settings

    settings = Settings.read(root=find_root(args.root))
    root = settings.root
    named = [path_of(name) for name in args.paths]
    check_files(named)
    files: list[Path] = []
    for path in named:
        inside, others = find_files(path) if path.is_dir() else ([path], [])
        files += inside
        for other in others:
            say(f"left out: {other}: not one of .txt .html .docx .pdf")
    if (args.symbol or args.document) and len(files) != 1:
        raise ParameterError("symbol" if args.symbol else "document", "it names one document; give one file with it")
    known = Known.read(root)
    proposer = Proposer(known)
    proposals, failed = [], 0
    many, kept = len(files) > 1, settings.build_path / "ingest"
    with tqdm(total=len(files), unit="file", disable=not (many and sys.stderr.isatty()), file=sys.stderr) as bar:
        for result in read_files(files, kept, args.lang, args.workers, bar.update, known.terms):
            if isinstance(result, Failure):
                failed += 1
                bar.write(f"cbdgraph: {result.path}: {result.reason}", file=sys.stderr)
                continue
            proposal = proposer.propose(result, args.symbol or "", args.document or "", args.again)
            proposals.append(proposal)
            bar.write(format_summary(proposal, details=not many), file=sys.stderr, end="")
    changes = build_changes(known.files, (record for each in proposals for record in each.records), root)
    if many:
        sys.stderr.write(format_total(proposals, failed))
    if not args.summary and not args.accept:
        sys.stdout.write("".join(change.diff for change in changes))
    if args.accept:
        write_changes(changes, root)
        for change in changes:
            say(f"{'changed' if change.before else 'written'}: {change.name}")
        say("now look at what was written, sum up the requests in your own words, and run: cbdgraph validate")
    elif changes:
        say(f"{len(changes)} files would change; --accept writes them")
    else:
        say("nothing to propose")
    return FAULTS if failed else GOOD
