"""Citations, extraction and readers side by side: MB/s, each beside a plain search for numbers in the same text.

The floor is one regular expression that finds "X/2" and "15/4" and nothing else: what any program must do at least.
Texts are made from the gold lists, once as they stand (every line has citations) and once with ten sentences without
any around each, as in a document.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.tables import format_table
from cbdgraph.citations import find_citations, languages
from cbdgraph.documents import read_document
from cbdgraph.extraction import find_definitions, find_quantities, find_requests
from cbdgraph.ingest.batch import Failure, read_files
from cbdgraph.ingest.known import Known
from cbdgraph.ingest.propose import Proposer

ROOT: Final = Path(__file__).resolve().parent.parent
LISTS: Final = ROOT / "tests" / "lists"
EXAMPLES: Final = ROOT / "tests" / "fixtures" / "documents"
ROUNDS: Final = 3
SIZE: Final = 1_000_000  # bytes of a text, about
DOCUMENTS: Final = 200

_FLOOR: Final = re.compile(r"\b(?:[IVX]{1,6}|[0-9]{1,2})/[0-9]{1,3}\b")
_BETWEEN: Final = {
    "en": "The meeting took note of the report and thanked those who had prepared it for their work in the region. ",
    "fr": "La réunion a pris note du rapport et remercié celles et ceux qui l’ont préparé pour leur travail. ",
    "es": "La reunión tomó nota del informe y agradeció a quienes lo prepararon el trabajo en la región. ",
    "ru": "Участники приняли доклад к сведению и поблагодарили тех, кто его подготовил, за работу в регионе. ",
    "zh": "会议注意到这份报告，感谢编写者在该区域开展的工作，并希望今后继续提供类似的信息。",
    "ar": "أحاط الاجتماع علما بالتقرير وشكر من أعدوه على عملهم في المنطقة. ",
}


def main() -> None:
    rows = []
    for language in languages():
        lines = _lines(language)
        for name, text in (("dense", _repeat("\n\n".join(lines))), ("document", _repeat(_thin(lines, language)))):
            rows.append([language, name, *_speeds(text, language)])
    heads = ["language", "text", "floor MB/s", "citations MB/s", "of the floor", "requests", "figures", "definitions"]
    print(format_table(heads, rows))
    print(format_table(["documents", "workers", "seconds", "documents/s", "MB/s"], _batches()))
    print(format_table(["format", "kB", "reads/s"], _formats()))


def _lines(language: str) -> list[str]:
    text = (LISTS / f"citations.{language}.tsv").read_text(encoding="utf-8")
    return [line.split("\t")[0].replace("\\n", "\n") for line in text.splitlines() if line and line[0] != "#"]


def _thin(lines: list[str], language: str) -> str:
    around = _BETWEEN[language] * 5
    return "\n\n".join(f"{around}{line}. {around}" for line in lines)


def _repeat(text: str) -> str:
    return "\n\n".join([text] * max(1, SIZE // len(text.encode())))


def _speeds(text: str, language: str) -> list[str]:
    size = len(text.encode()) / 1e6
    runs: list[Callable[[], object]] = [
        lambda: _FLOOR.findall(text),
        lambda: find_citations(text, language),
        lambda: find_requests(text, language),
        lambda: find_quantities(text, language),
        lambda: find_definitions(text, language),
    ]
    best = [min(_seconds(run) for _ in range(ROUNDS)) for run in runs]
    floor, citations, *others = [size / seconds for seconds in best]
    return [f"{floor:.0f}", f"{citations:.2f}", f"{citations / floor:.3f}x", *(f"{speed:.2f}" for speed in others)]


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _batches() -> list[list[str]]:
    """A folder of documents of about ten pages, read by one process and by one for each core, and proposed."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = []
        for number in range(DOCUMENTS):
            lines = _lines("en")
            body = [f"{n}. {_BETWEEN['en'] * 4}{lines[(n * 7 + number) % len(lines)]}." for n in range(1, 61)]
            paths.append(folder / f"note-{number:04}.txt")
            paths[-1].write_text("\n\n".join(body), encoding="utf-8")
        size = sum(path.stat().st_size for path in paths) / 1e6
        for workers in sorted({1, os.cpu_count() or 1}):
            start = time.perf_counter()
            readings = list(read_files(paths, folder / f"kept-{workers}", "en", workers))
            taken = time.perf_counter() - start
            speed = [f"{taken:.1f}", f"{DOCUMENTS / taken:.1f}", f"{size / taken:.2f}"]
            rows.append([f"{DOCUMENTS} of {size / DOCUMENTS * 1e3:.0f} kB", str(workers), *speed])
        start = time.perf_counter()
        proposer = Proposer(Known.read(ROOT))
        records = sum(len(proposer.propose(r).records) for r in readings if not isinstance(r, Failure))
        taken = time.perf_counter() - start
        rows.append([f"proposing {records:,} records", "1", f"{taken:.1f}", f"{DOCUMENTS / taken:.1f}", ""])
    return rows


def _formats() -> list[list[str]]:
    rows = []
    for path in sorted(EXAMPLES.glob("example-*")):
        seconds = min(_seconds(lambda path=path: read_document(path)) for _ in range(ROUNDS))  # type: ignore[misc]
        rows.append([path.name, f"{path.stat().st_size / 1e3:.0f}", f"{1 / seconds:.0f}"])
    return rows
