"""The workers and their parent: queries as frames in, answers as frames out; must not reach anything else.

Started by `store.pool` as `python -m cbdgraph.store.worker <store> memory|disk <memory in MiB>`, with its end of the
control socket as standard input. It leaves the network, reads the graph into memory once (or leaves it on disk, when
it is too large for that), and forks a worker whenever it is told to: in two milliseconds, sharing the graph. A worker
gives up memory beyond its share and core dumps. It has no time limit that it could be trusted with: the parent kills
it when told to, an alarm does if nobody tells, and none outlives the parent.

Only the parent knows which process ids are still its children's, so it is the one who kills and who changes their
priority; that of a worker that has ended may belong to a stranger.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import math
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

from cbdgraph.errors import EngineUnavailable, QueryError, QueryTooLarge
from cbdgraph.store.embedded import Store, dump_path
from cbdgraph.store.frames import CONTROL, LENGTHS, YIELDING, Order, format_error, format_frame, parse_question

# linux/sched.h and linux/prctl.h
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

_MIB: Final = 1024 * 1024
_DESCRIPTORS: Final = 65_536  # beyond any that is open when a worker begins


def main(arguments: list[str]) -> int:
    """Fork workers until the control socket ends."""
    store_path, in_memory, memory_mb = Path(arguments[0]), arguments[1] == "memory", int(arguments[2])
    control = socket.socket(fileno=os.dup(0))
    isolation = isolate()  # before a store starts threads, after which a user namespace is refused
    _say(control, isolation=isolation)
    try:
        store = Store.read_into_memory(dump_path(store_path)) if in_memory else None
        if store is None and not (store_path / "CURRENT").is_file():  # to open it would start threads
            raise EngineUnavailable(f"no store can be opened at {store_path.name!r}")
    except EngineUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    gc.collect()
    gc.freeze()  # what is shared with the workers is not written to by their garbage collectors
    _say(control, ready=True)
    children: set[int] = set()

    def reap(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                children.discard(ended[0])
                _say(control, ended=ended[0], code=os.waitstatus_to_exitcode(ended[1]))

    signal.signal(signal.SIGCHLD, reap)
    with contextlib.suppress(ConnectionError, KeyboardInterrupt):
        while order := _read_order(control):
            kind, pid, descriptors = order
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            if kind == Order.FORK:
                pid = os.fork()
                if pid == 0:
                    control.close()
                    _be_a_worker(store or store_path, memory_mb, *descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                children.add(pid)
                _say(control, forked=pid)
            elif pid in children and kind == Order.KILL:
                os.kill(pid, signal.SIGKILL)
            elif pid in children:
                # A service that was started as a nice one may not raise a worker, and need not lower it.
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, pid, max(YIELDING, os.getpriority(os.PRIO_PROCESS, pid)))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    return 0


def _say(control: socket.socket, **said: Any) -> None:
    with contextlib.suppress(ConnectionError):
        control.sendall(json.dumps(said).encode() + b"\n")


def _read_order(control: socket.socket) -> tuple[bytes, int, list[int]] | None:
    data, descriptors, _, _ = socket.recv_fds(control, CONTROL.size, 2)
    while data and len(data) < CONTROL.size:
        data += control.recv(CONTROL.size - len(data))
    if not data:
        return None
    kind, pid = CONTROL.unpack(data)
    return kind, pid, descriptors


def _be_a_worker(store: Store | Path, memory_mb: int, frames: int, errors: int) -> None:
    """The whole life of a worker; does not return."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        # Nothing that a library prints may get between the frames.
        for standard in (1, 2):
            os.dup2(errors, standard)
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        # Nor may it hold what its parent was started with: the control socket is there under other numbers too.
        os.closerange(3, frames)
        os.closerange(frames + 1, _DESCRIPTORS)
        _end_with_parent()
        with contextlib.suppress(OSError):  # when the machine runs out of memory, a worker goes first
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        if isinstance(store, Path):
            store = Store.open_read_only(store)
        memory = limit_memory(memory_mb)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(frames, "rb", closefd=False) as requests, os.fdopen(frames, "wb") as output:
            output.write(format_frame({"memory": memory}))
            output.flush()
            serve(store, memory_mb, requests, output)
        code = 0
    except (BrokenPipeError, ConnectionError, KeyboardInterrupt):
        pass
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(code)


def serve(store: Store, memory_mb: int, requests: BinaryIO, output: BinaryIO) -> None:
    """Answer one frame after the other."""
    while head := requests.read(LENGTHS.size):
        header_size, body_size = LENGTHS.unpack(head)
        media_type, default_graphs, named_graphs, limits = parse_question(requests.read(header_size))
        query = requests.read(body_size).decode()
        signal.alarm(math.ceil(limits.seconds) + 2)
        try:
            answer = store.answer(query, media_type, limits, default_graphs, named_graphs)
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
    libc = _end_with_parent()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        return {"network": "isolated (own network namespace)"}
    reason = os.strerror(ctypes.get_errno())
    return {"network": f"not isolated ({reason}); queries are still refused by what they say"}


def _end_with_parent() -> Any:
    """Ask Linux for an end with the process that started this one."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    if sys.platform.startswith("linux"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    return libc


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
