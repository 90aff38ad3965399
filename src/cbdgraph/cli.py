"""Command lines in, calls and exit codes out; holds no logic of its own, and prints what the others only return.

Exit codes: 0 good, 1 faults found or no certain result, 2 the tool could not do its work. Every command imports what
it needs when it runs, so that `--help` and a `serve` with nothing to build start at once.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import textwrap
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cbdgraph.errors import CbdGraphError, SettingsError

GOOD: Final = 0
FAULTS: Final = 1
FAILED: Final = 2


def find_root(given: str | None) -> Path:
    """The folder that holds `ontology/` and `data/`: as given, else CBDGRAPH_ROOT, else here, else the package's."""
    named = given or os.environ.get("CBDGRAPH_ROOT")
    if named:
        root = Path(named).resolve()
        if not (root / "ontology").is_dir():
            raise SettingsError("root", named, "there is no folder ontology/ in it")
        return root
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (root / "ontology").is_dir():
            return root
    raise SettingsError("root", str(Path.cwd()), "there is no folder ontology/ here; name the checkout with --root")


def _fmt(args: argparse.Namespace) -> int:
    from cbdgraph.errors import TurtleError
    from cbdgraph.rdf.catalog import find_sources
    from cbdgraph.rdf.turtle import read_turtle, rewrite

    root = find_root(args.root)
    if args.files:
        missing = [name for name in args.files if not Path(name).is_file()]
        if missing:
            raise SettingsError("FILE", missing[0], "there is no such file")
        # A file that the user names is to be formatted, whatever it is.
        files = [(Path(name), name, True) for name in args.files]
    else:
        files = [(source.path, source.name, source.is_formatted) for source in find_sources(root)]
    changed = faults = 0
    for path, name, wanted in files:
        try:
            file = read_turtle(path, name)
        except TurtleError as error:
            faults += 1
            _say(str(error))
            continue
        if not wanted:
            if args.verbose:
                _say(f"{name}: read, and left as it is (its blank nodes and comments have no place in this format)")
            continue
        try:
            text = rewrite(file)
        except TurtleError as error:
            faults += 1
            _say(str(error))
            continue
        before = path.read_text(encoding="utf-8")
        if text == before:
            continue
        changed += 1
        if not args.check:
            path.write_text(text, encoding="utf-8")
            _say(f"{name}: rewritten")
            continue
        _say(f"{name}: not in the house format; run: cbdgraph fmt")
        if args.diff:
            lines = difflib.unified_diff(
                before.splitlines(), text.splitlines(), name, f"{name} (formatted)", lineterm=""
            )
            print("\n".join(lines))
    if args.verbose or (changed and args.check):
        _say(f"{len(files)} files read, {changed} {'to change' if args.check else 'changed'}")
    return FAULTS if faults or (args.check and changed) else GOOD


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cbdgraph",
        description="The decisions and targets of the Convention on Biological Diversity as linked data.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=textwrap.dedent("""\
            Exit codes: 0 good; 1 faults found, or no certain result; 2 the tool could not do its work.
            The project is the folder given by --root, else CBDGRAPH_ROOT, else the current one if it holds ontology/.
            """),
    )
    parser.add_argument("--root", metavar="FOLDER", help="the folder that holds ontology/, data/ and queries/")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)

    def command(name: str, brief: str, description: str, examples: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=brief,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog="examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  "),
        )

    fmt = command(
        "fmt",
        "bring Turtle files into the house format",
        "Rewrites Turtle in the house format: one block per subject in file order, one predicate a line.\n"
        "Without FILE: data/turtle and ontology/vocabularies.ttl; the other files of ontology, which have\n"
        "blank nodes and comments, are only read.",
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
    fmt.set_defaults(run=_fmt)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code and never raises."""
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except CbdGraphError as error:
        if args.debug:
            traceback.print_exc()
        _say(f"cbdgraph: {error}")
        return FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (`head`) has gone: nothing left to say, and Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except Exception as error:
        if args.debug:
            traceback.print_exc()
        _say(f"cbdgraph: {type(error).__name__}: {error} (a fault of this tool; --debug shows where)")
        return FAILED
