"""A process that reads strangers' texts: texts as frames in, their citations as frames out; imports no server.

Started by `server.readers` as `python -m cbdgraph.server.reading <memory in MiB>`, with its end of a socket as
standard input. A text is answered in two steps: what it may cite comes back, and when it was told which of that the
graph describes, the answer as it is sent (JSON, a table, or the values of a page). It gives up memory beyond its
share and core dumps, goes behind everybody else, keeps no text, and ends with the socket; while it reads, an alarm
ends it if nobody does.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, BinaryIO, Final

from cbdgraph.errors import InvalidName, QueryError, QueryTooLarge
from cbdgraph.server.cited import (
    describe_resolution,
    format_json,
    format_table,
    read_page,
    read_text,
    resolve_written,
)
from cbdgraph.store.frames import LENGTHS, YIELDING, format_error, format_frame, parse_header

Finish = Callable[[Container[str] | None], str]  # what is known in, the answer out

_MIB: Final = 1024 * 1024
CANDIDATES: Final = "candidates"  # in place of a media type: a written citation is to be resolved
PAGE_CITATIONS: Final = 1000


def main(arguments: list[str]) -> int:
    """Answer one text after the other until the socket ends."""
    memory_mb = int(arguments[0])
    os.nice(YIELDING)
    read_text("decision X/2, paragraph 3")  # what is loaded when it is needed is loaded now, and in no text's time
    gc.freeze()
    _limit_memory(memory_mb)
    connection = socket.socket(fileno=os.dup(0))
    with connection.makefile("rb") as requests, connection.makefile("wb") as output:
        output.write(format_frame({"ready": True}))
        output.flush()
        while question := _read_frame(requests):
            _answer(question[0], question[1].decode(), memory_mb, requests, output)
            del question
    return 0


def _answer(header: dict[str, Any], text: str, memory_mb: int, requests: BinaryIO, output: BinaryIO) -> None:
    signal.alarm(math.ceil(header["seconds"]) + 2)
    # For when there is no memory to make it: an exception holds what took it all until it has been dealt with.
    reply = format_frame(format_error(QueryTooLarge("memory", memory_mb)))
    try:
        asked, finish = (_resolve if header["shown"] == CANDIDATES else _parse)(header, text)
        output.write(format_frame({"asks": True}, json.dumps(asked).encode()))
        output.flush()
        told = _read_frame(requests)
        if told is None:
            return
        known = None
        if told[0]["tells"]:
            known = {iri for iri, is_known in zip(asked, told[1], strict=True) if is_known}
        content = finish(known).encode()
        if len(content) > header["bytes"]:
            raise QueryTooLarge("bytes", header["bytes"])
        reply = format_frame({}, content)
    except InvalidName as error:
        reply = format_frame({"invalid": error.reason})
    except QueryError as error:
        reply = format_frame(format_error(error))
    except MemoryError:
        pass
    signal.alarm(0)
    output.write(reply)
    output.flush()


def _parse(header: dict[str, Any], text: str) -> tuple[list[str], Finish]:
    reading = read_text(text, header["lang"])
    if len(reading.citations) > header["rows"]:
        raise QueryTooLarge("rows", header["rows"])

    def finish(known: Container[str] | None) -> str:
        match header["shown"]:
            case "page":
                return json.dumps(read_page(reading, known, PAGE_CITATIONS))
            case "text/csv":
                return format_table(reading, known, ",")
            case "text/tab-separated-values":
                return format_table(reading, known, "\t")
            case _:
                return format_json(reading, known, header["release"])

    return reading.iris, finish


class _Asked:
    """A graph that describes nothing: so everything is asked for that may be asked for."""

    def __init__(self) -> None:
        self.iris: dict[str, None] = {}

    def __contains__(self, iri: object) -> bool:
        self.iris[str(iri)] = None
        return False


def _resolve(header: dict[str, Any], text: str) -> tuple[list[str], Finish]:
    asked = _Asked()
    resolve_written(text, header["lang"], asked)

    def finish(known: Container[str] | None) -> str:
        return json.dumps(describe_resolution(resolve_written(text, header["lang"], known), header["names"]))

    return list(asked.iris), finish


def _read_frame(requests: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    head = requests.read(LENGTHS.size)
    if len(head) < LENGTHS.size:
        return None
    header_size, body_size = LENGTHS.unpack(head)
    return parse_header(requests.read(header_size)), requests.read(body_size)


def _limit_memory(memory_mb: int) -> None:
    """At most `memory_mb` beyond what is loaded, where the system says how much that is."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + memory_mb * _MIB
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
