"""The command `quality`: arguments in, the report on the built graph and an exit code out."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cbdgraph.cli.commands import FAULTS, GOOD, find_root
from cbdgraph.errors import EngineUnavailable
from cbdgraph.namespaces import BASE

if TYPE_CHECKING:
    from cbdgraph.quality.checks import Report
    from cbdgraph.store.embedded import Store

QUALITY_FORMATS: Final = ("text", "csv", "json", "sarif", "ttl")
FAIL_ON: Final = ("error", "warning", "never")
_BLOCK: Final = re.compile(r"<([^<>\s]+)>")


def run_quality(args: argparse.Namespace) -> int:
    from cbdgraph.quality import writing
    from cbdgraph.quality.registry import FOLDER, assess, choose, questions, read_accepted, read_checks
    from cbdgraph.settings import Settings
    from cbdgraph.store.convert import convert
    from cbdgraph.store.embedded import Store
    from cbdgraph.store.releases import current_release

    settings = Settings.read(root=find_root(args.root))
    folder = settings.root / FOLDER
    checks = choose(read_checks(folder), args.check)
    release = current_release(settings.build_path)
    if release is None:
        raise EngineUnavailable("nothing is built yet; run: cbdgraph build")
    answers = _ask(Store.open_read_only(release.store_path), questions(checks))
    report = add_lines(assess(checks, answers, read_accepted(folder)), settings.root)
    if args.format == "csv":
        content = writing.format_csv(report)
    elif args.format == "json":
        content = writing.format_json(report, release.manifest.release)
    elif args.format == "sarif":
        content = writing.format_report_sarif(report)
    elif args.format == "ttl":
        content = convert(writing.write_lines(report), "text/turtle", writing.WRITTEN_PREFIXES).decode()
    else:
        content = writing.format_text(report, **({"shown": sys.maxsize} if args.check else {}))
    sys.stdout.write(content)
    failing = {"error": ("error",), "warning": ("error", "warning")}.get(args.fail_on, ())
    return FAULTS if any(report.counts()[severity] for severity in failing) else GOOD


def _ask(store: Store, asked: Mapping[str, str]) -> dict[str, list[dict[str, dict[str, str]]]]:
    import math

    from cbdgraph.store import Limits

    # One's own machine and one's own data: only Ctrl-C ends it.
    limits = Limits(math.inf, sys.maxsize, sys.maxsize)
    form = "application/sparql-results+json"
    return {name: store.answer(query, form, limits).bindings for name, query in asked.items()}


def add_lines(report: Report, root: Path) -> Report:
    """The report with the line on which the block of each resource begins, where its file is there to read."""
    lines: dict[str, dict[str, int]] = {}
    for file in {finding.file for finding in report.findings if finding.file}:
        path = root / file
        lines[file] = _read_blocks(path) if path.is_file() else {}
    results = [
        replace(
            result,
            findings=tuple(
                replace(finding, line=lines.get(finding.file, {}).get(finding.resource, 0))
                for finding in result.findings
            ),
        )
        for result in report.results
    ]
    return replace(report, results=tuple(results))


def _read_blocks(path: Path) -> dict[str, int]:
    """The first line of each subject block of a file in the house format, by IRI."""
    found: dict[str, int] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if match := _BLOCK.match(line):
                name = match[1]
                found.setdefault(name if "://" in name else BASE + name, number)
    return found
