"""The commands `desk …`: arguments in, tokens, files and an exit code out; the first `invite` makes the desk."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cbdgraph.cli.commands import FAULTS, GOOD, find_root, path_of, say
from cbdgraph.errors import DeskError, MissingFile
from cbdgraph.settings import Settings

if TYPE_CHECKING:
    from cbdgraph.desk import Desk

EXPORT_FORMATS: Final = ("json", "csv", "ttl", "jsonld")
_ROLES: Final = ("reader", "reviewer", "editor")  # as the desk has them; not imported, so that --help is quick


def add_desk(parser: argparse.ArgumentParser) -> None:
    """The commands under `desk`."""
    actions = parser.add_subparsers(title="what to do", metavar="ACTION", dest="action", required=True)

    def action(run: Callable[[argparse.Namespace], int], name: str, brief: str, more: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=brief, description=textwrap.dedent(more).strip(), allow_abbrev=False)
        made.set_defaults(run=run)
        return made

    invite = action(
        run_invite,
        "invite",
        "let somebody in: prints a token, once",
        "Makes the desk if there is none, a reviewer of that name if there is none, and one more token. The token is "
        "printed to standard output and kept nowhere.",
    )
    invite.add_argument("name", metavar="NAME")
    invite.add_argument("--role", choices=_ROLES, help="reviewer if not given; who is known keeps the role")
    invite.add_argument("--days", type=int, default=180, help="how long the token is good for (180)")
    invite.add_argument("--label", default="", help="what the token is for, to know it again in the list")
    action(run_list, "list", "who may come in, and by which tokens", "Prints names, roles and tokens; never a token.")
    revoke = action(
        run_revoke,
        "revoke",
        "end a token, or somebody's access",
        "Ends all access of NAME, or one token with --token.",
    )
    revoke.add_argument("name", metavar="NAME")
    revoke.add_argument("--token", type=int, metavar="N", help="the number of a token in the list")
    role = action(run_role, "role", "give somebody another role", "The role counts from the next request on.")
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", choices=_ROLES)
    export = action(
        run_export,
        "export",
        "all reviews as a file",
        "Writes every entry, the oldest first: as Web Annotations with PROV (ttl, jsonld), as JSON or as CSV.",
    )
    export.add_argument("--format", choices=EXPORT_FORMATS, default="json", help="json if not given")
    export.add_argument("-o", "--output", metavar="FILE", help="write to a file")
    difference = action(
        run_difference,
        "difference",
        "approved wordings as a change to data/turtle",
        "Prints a unified difference of what editors approved: git apply takes it, and cbdgraph fmt has "
        "nothing to change in it. What the files say already is left out. Nothing is changed.",
    )
    difference.add_argument("-o", "--output", metavar="FILE", help="write to a file")
    action(
        run_verify,
        "verify",
        "whether every review is as it was recorded",
        "Checks the file and the chain of hashes. The last hash is printed: if it was kept elsewhere (each export in "
        "JSON has it), it shows also that nothing was cut off at the end.",
    )
    backup = action(run_backup, "backup", "copy the desk while it is used", "Copies one state of it into a new file.")
    backup.add_argument("file", metavar="FILE")
    merge = action(
        run_merge,
        "merge",
        "take in the reviews of another desk",
        "Appends the entries of another desk, in its order, behind those of this one. What is known already is left "
        "out; what both desks said without knowing of each other is marked and shows in the worklist as disputed.",
    )
    merge.add_argument("file", metavar="OTHER.sqlite")


def run_invite(args: argparse.Namespace) -> int:
    from cbdgraph.desk import Desk

    path = _path(args)
    is_new = not path.is_file()
    with closing(Desk.create(path)) as desk:
        reviewer, token = desk.access.invite(args.name, args.role, args.days, args.label)
    if is_new:
        say("a new desk was opened")
    say(f"{reviewer.name} may come in as {reviewer.role} for {args.days} days with this token, shown only now:")
    sys.stdout.write(f"{token}\n")
    return GOOD


def run_list(args: argparse.Namespace) -> int:
    with _open(args) as desk:
        reviewers = desk.access.reviewers()
    for reviewer, tokens in reviewers:
        ended = f", ended {reviewer.disabled}" if reviewer.disabled else ""
        sys.stdout.write(f"{reviewer.name}: {reviewer.role}{ended}\n")
        for token in tokens:
            state = f"revoked {token.revoked}" if token.revoked else f"until {token.expires}"
            used = f"last used {token.used}" if token.used else "never used"
            label = f" {token.label}" if token.label else ""
            sys.stdout.write(f"  token {token.id}{label}: {state}, {used}\n")
    return GOOD


def run_revoke(args: argparse.Namespace) -> int:
    with _open(args) as desk:
        ended = desk.access.revoke(args.name, args.token)
    say(f"{ended} token{'' if ended == 1 else 's'} ended")
    return GOOD


def run_role(args: argparse.Namespace) -> int:
    with _open(args) as desk:
        reviewer = desk.access.set_role(args.name, args.role)
    say(f"{reviewer.name} is {reviewer.role} now")
    return GOOD


def run_export(args: argparse.Namespace) -> int:
    from cbdgraph.desk.export import EXPORT_PREFIXES, write_csv, write_json, write_lines
    from cbdgraph.store.convert import convert

    with _open(args) as desk:
        if args.format == "csv":
            text = write_csv(desk.entries())
        elif args.format == "json":
            text = json.dumps(write_json(desk.head, desk.entries()), ensure_ascii=False, indent=1) + "\n"
        else:
            media_type = {"ttl": "text/turtle", "jsonld": "application/ld+json"}[args.format]
            text = convert(write_lines(desk.entries()), media_type, EXPORT_PREFIXES).decode()
    return _give(text, args.output)


def run_difference(args: argparse.Namespace) -> int:
    from cbdgraph.rdf.suggested import Suggestion, make_difference

    with _open(args) as desk:
        states = desk.states()
    suggestions = [
        Suggestion(
            subject,
            language,
            state.suggestion,
            f"approved by {state.reviewer}, {state.time}, version {state.version} at the desk",
        )
        for (subject, language), state in sorted(states.items())
        if state.state == "approved" and state.suggestion and not state.parallel
    ]
    made = make_difference(find_root(args.root), suggestions)
    for note in made.notes:
        say(f"note: {note}")
    count = len(made.changed)
    say(f"{count} approved wording{'' if count == 1 else 's'} to change, of {len(suggestions)}")
    return _give(made.text, args.output)


def run_verify(args: argparse.Namespace) -> int:
    with _open(args) as desk:
        faults, head = desk.find_faults(), desk.head
    for fault in faults:
        say(f"desk: {fault}")
    sys.stdout.write(f"desk {head.desk}: entries {head.entries}, last hash {head.hash or 'none'}\n")
    return FAULTS if faults else GOOD


def run_backup(args: argparse.Namespace) -> int:
    with _open(args) as desk:
        count = desk.file.backup(path_of(args.file))
    say(f"entries in the copy: {count}")
    return GOOD


def run_merge(args: argparse.Namespace) -> int:
    from cbdgraph.desk import Desk
    from cbdgraph.desk.merge import merge

    other = path_of(args.file)
    if not other.is_file():
        raise MissingFile(args.file)
    path = _path(args)
    if path.is_file() and other.samefile(path):
        raise DeskError("a desk cannot be merged with itself")
    with _open(args) as desk, closing(Desk.open(other)) as away:
        merged = merge(desk, away)
    for subject, language in merged.parallel:
        say(f"said twice at once: {subject} in {language}")
    say(f"{len(merged.added)} entries added, {merged.known} known already")
    return GOOD


def _path(args: argparse.Namespace) -> Path:
    return Settings.read(root=find_root(args.root)).desk_path


def _open(args: argparse.Namespace) -> closing[Desk]:
    from cbdgraph.desk import Desk

    return closing(Desk.open(_path(args)))


def _give(text: str, output: str | None) -> int:
    if output is None:
        sys.stdout.write(text)
        return GOOD
    try:
        path_of(output).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise MissingFile(output, f"it cannot be written: {error.strerror}") from error
    return GOOD
