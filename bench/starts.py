"""From the command to the first answer: seconds for each server, the machine otherwise idle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.graphs import ROOT, Graph
from bench.load import make_request
from bench.mix import Query
from bench.servers import SERVERS, Missing, Ours, free_port, run_server


class Made(Ours):
    """Ours as a person starts it."""

    def command(self, graph: Graph, /, port: int) -> list[str]:
        if graph.name != "real":
            return super().command(graph, port)
        return ["make", "--no-print-directory", "-C", str(ROOT), "serve", f"PORT={port}"]


def measure_starts(
    graph: Graph, names: Sequence[str], query: Query, times: int, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Seconds of each start, by the name of the server; of several starts the first is not counted."""
    found: dict[str, list[float]] = {}
    say("starts")
    for number in range(times + (times > 1)):
        for name in names:
            server = Made(SERVERS[name].name) if name == "ours" else SERVERS[name]
            request = make_request(server.path, query.text, query.accept)
            try:
                with run_server(server, graph, free_port(), request) as seconds:
                    if number or times == 1:
                        found.setdefault(name, []).append(seconds)
            except Missing as reason:
                say(f"  {reason}")
    return found
