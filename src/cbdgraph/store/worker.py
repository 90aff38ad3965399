"""A worker process: queries as frames on stdin, answers as frames on stdout; must not reach anything else.

Started by `store.pool` as `python -m cbdgraph.store.worker <store> <memory in MiB>`. It leaves the network, opens the
store read-only, gives up memory beyond its share and core dumps, and says in its first frame what of that worked.
It has no time limit that it could be trusted with: the parent kills it, and an alarm does if the parent cannot.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

from cbdgraph.errors import QueryError, QueryTooLarge
from cbdgraph.store import Limits
from cbdgraph.store.embedded import Store
from cbdgraph.store.frames import LENGTHS, format_error, format_frame

# linux/sched.h and linux/prctl.h
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

_MIB: Final = 1024 * 1024


def main(arguments: list[str]) -> int:
    """Serve frames until stdin ends."""
    store_path, memory_mb = Path(arguments[0]), int(arguments[1])
    # Nothing that a library prints may get between the frames.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    isolation = isolate()  # before the store starts threads, after which a user namespace is refused
    store = Store.open_read_only(store_path)
    isolation["memory"] = limit_memory(memory_mb)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    output.write(format_frame({"isolation": isolation}))
    output.flush()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(store, memory_mb, os.fdopen(os.dup(0), "rb"), output)
    return 0


def serve(store: Store, memory_mb: int, requests: BinaryIO, output: BinaryIO) -> None:
    """Answer one frame after the other."""
    while head := requests.read(LENGTHS.size):
        header_size, body_size = LENGTHS.unpack(head)
        header: dict[str, Any] = json.loads(requests.read(header_size))
        query = requests.read(body_size).decode()
        limits = Limits(header["seconds"], header["rows"], header["bytes"])
        signal.alarm(math.ceil(limits.seconds) + 2)
        try:
            answer = store.answer(
                query, header["media_type"], limits, header["default_graphs"], header["named_graphs"]
            )
            reply = format_frame({"form": answer.form, "rows": answer.rows}, answer.content)
        except QueryError as error:
            reply = format_frame(format_error(error))
        except MemoryError:
            reply = format_frame(format_error(QueryTooLarge("memory", memory_mb)))
        signal.alarm(0)
        output.write(reply)
        output.flush()


def isolate() -> dict[str, str]:
    """Leave the network and die with the parent; says what worked. Elsewhere than on Linux only the guard stands."""
    if not sys.platform.startswith("linux"):
        return {"network": "not isolated (needs Linux); queries are still refused by what they say"}
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        return {"network": "isolated (own network namespace)"}
    reason = os.strerror(ctypes.get_errno())
    return {"network": f"not isolated ({reason}); queries are still refused by what they say"}


def limit_memory(memory_mb: int) -> str:
    """Allow `memory_mb` of address space beyond what the open store already takes."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        pages = 0
    limit = pages * resource.getpagesize() + memory_mb * _MIB
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (OSError, ValueError) as error:
        return f"not limited ({error})"
    return f"limited to {memory_mb} MiB beyond the store"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
