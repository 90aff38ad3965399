"""The start of the parent of the workers: a store in, a process that begins to read it out; loads nothing else.

It takes longest of all that a start of the service does, so it is the first thing done, and what the service itself
needs is loaded meanwhile.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Launched:
    """The parent of the workers as it was started, for a store; nobody has listened to it yet."""

    store_path: Path
    in_memory: bool
    memory_mb: int
    process: subprocess.Popen[bytes]
    control: socket.socket

    def fits(self, store_path: Path, *, in_memory: bool, memory_mb: int) -> bool:
        """Whether it is the one that would be started for this."""
        return (self.store_path, self.in_memory, self.memory_mb) == (store_path, in_memory, memory_mb)

    def abandon(self) -> None:
        """End it: nobody will listen."""
        self.control.close()
        self.process.kill()
        self.process.communicate()


def launch(store_path: Path, *, in_memory: bool, memory_mb: int) -> Launched:
    """Start the parent of the workers, which begins to read the graph. It ends with the thread that calls this."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "cbdgraph.store.worker",
                str(store_path),
                "memory" if in_memory else "disk",
                str(memory_mb),
            ],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # One heap per thread would take 64 MiB of address space each.
            env={**os.environ, "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C is for the server, which ends its workers itself
        )
    return Launched(store_path, in_memory, memory_mb, process, ours)
