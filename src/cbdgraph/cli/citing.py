"""`cbdgraph resolve` and `parse`: parsed arguments in, an exit code out; prints what /resolve and /parse answer."""

from __future__ import annotations

import argparse
import sys

from cbdgraph.cli.commands import FAULTS, GOOD, find_root, path_of, say
from cbdgraph.errors import InvalidName, MissingFile

PARSE_FORMATS = ("text", "json", "tsv")


def run_resolve(args: argparse.Namespace) -> int:
    import json

    from cbdgraph.server.cited import describe_resolution, resolve_written

    known, _ = _read_graph(args)
    try:
        found = resolve_written(args.citation, args.lang, known)
    except InvalidName as error:
        say(f"cbdgraph: {args.citation!r}: {error.reason}")
        return FAULTS
    document = describe_resolution(found, args.lang or "en")
    if args.json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    elif found.iri is not None:
        sys.stdout.write(f"{found.iri}\n")
    else:
        say(f"cbdgraph: {args.citation!r} is not certain: {found.reason}")
        for candidate in document["candidates"]:
            sys.stdout.write(f"{candidate['iri']}\t{candidate['certainty']}\t{candidate['reason']}\n")
    return FAULTS if found.iri is None else GOOD


def run_parse(args: argparse.Namespace) -> int:
    from cbdgraph.server.cited import format_json, format_lines, format_table, read_text

    try:
        # As bytes: who counts characters counts those of line ends too.
        content = sys.stdin.buffer.read() if args.file == "-" else path_of(args.file).read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) else "it is not UTF-8; for .docx and .pdf there is ingest"
        )
        raise MissingFile(args.file, f"it cannot be read: {reason}") from error
    known, release = _read_graph(args)
    reading = read_text(text, args.lang)
    if args.format == "json":
        sys.stdout.write(format_json(reading, known, release))
    elif args.format == "tsv":
        sys.stdout.write(format_table(reading, known, "\t"))
    else:
        sys.stdout.write(format_lines(reading, known))
        counts = ", ".join(f"{count} {certainty}" for certainty, count in reading.counts.items() if count)
        found = f"{len(reading.citations)} citations{f': {counts}' if counts else ''}"
        say(f"{found}; read as {reading.language}{' (guessed)' if reading.guessed else ''}")
    return GOOD


def _read_graph(args: argparse.Namespace) -> tuple[frozenset[str] | None, str | None]:
    """What the built graph describes, and its release; without one there is only the grammar to go by."""
    from cbdgraph.model import Iri
    from cbdgraph.settings import Settings
    from cbdgraph.store.embedded import Store
    from cbdgraph.store.releases import current_release

    release = current_release(Settings.read(root=find_root(args.root)).build_path)
    if release is None:
        return None, None
    table = Store.open_read_only(release.store_path).select("SELECT DISTINCT ?iri WHERE { ?iri a ?class }")
    known = frozenset(row["iri"].value for row in table.rows if isinstance(row["iri"], Iri))
    return known, release.manifest.release
