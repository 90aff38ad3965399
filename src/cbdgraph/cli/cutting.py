"""The command `release`: arguments in, a cut release and an exit code out."""

from __future__ import annotations

import argparse
import sys

from cbdgraph.cli.commands import GOOD, find_root, say, show_faults
from cbdgraph.errors import SettingsError
from cbdgraph.settings import Settings


def run_release(args: argparse.Namespace) -> int:
    from cbdgraph.changelog import parse_number
    from cbdgraph.releasing import Tag, cut_release, find_tag, parse_time

    settings = Settings.read(root=find_root(args.root))
    tag = None
    if not (args.number and args.date):
        tag = find_tag(settings.root)
        if tag is None or (args.number and args.number != tag.number):
            raise SettingsError(
                "tag",
                args.number or "",
                "the commit has no such release tag; make one (git tag -a v0.2.0), or give NUMBER and --date",
            )
    number = args.number or (tag.number if tag else "")
    parse_number(number)
    issued = parse_time(args.date) if args.date else (tag.issued if tag else "")
    cut = cut_release(settings, Tag(number, issued), say, withdraw=args.withdraw, dry=args.dry_run, show=show_faults)
    release = cut.release
    if args.list:
        for entry in release.entries:
            reason = entry.withdrawal.reason if entry.withdrawal else ""
            sys.stdout.write("\t".join(filter(None, (entry.change, entry.resource, reason))) + "\n")
    after = f" after {release.previous}" if release.previous else ""
    say(
        f"release {release.number} of {release.issued}{after}: {release.count('created'):,} created, "
        f"{release.count('changed'):,} changed, {release.count('withdrawn'):,} withdrawn; {release.data_hash}"
    )
    if cut.path is not None:
        say(f"commit {cut.path.relative_to(settings.root)} and data/turtle, and tag the commit v{release.number}")
    return GOOD
