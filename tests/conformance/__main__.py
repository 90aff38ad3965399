"""`python -m tests.conformance [--write]`: all W3C tests, a summary; 1 on a fault, 2 without the tests."""

from __future__ import annotations

import argparse
import os
import sys

from tests.conformance.findings import find, find_faults, read_excuses
from tests.conformance.report import DOCUMENT, format_report, summarise
from tests.conformance.suite import VARIABLE, NoSuite, open_suite


def main(arguments: list[str]) -> int:
    """Run everything; `--write` renews docs/conformance.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"renew docs/{DOCUMENT.name}")
    options = parser.parse_args(arguments)
    try:
        findings = find(open_suite())
    except NoSuite as error:
        sys.stderr.write(f"conformance: {error}\n")
        return 2
    excuses = read_excuses()
    for name, number, words in summarise(findings):
        sys.stdout.write(f"{name:22}{number:5}  {words}\n")
    kinds = ("protocol", "graph-store", "description", "service", "engine")
    # Another edition has other tests.
    faults = find_faults(findings, excuses, kinds=kinds, strict=VARIABLE not in os.environ)
    for fault in faults:
        sys.stdout.write(f"FAULT {fault}\n")
    excused = sum(len(findings.failed(kind)) for kind in kinds)
    sys.stdout.write(f"{len(faults)} faults; {excused} failures, each with a reason\n" if not faults else "")
    if options.write:
        DOCUMENT.write_text(format_report(findings, excuses), encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
