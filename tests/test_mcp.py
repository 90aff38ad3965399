"""`cbdgraph mcp` as an assistant meets it: the client of the same protocol, over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client

from cbdgraph.assistants.replies import MAX_ROWS
from cbdgraph.namespaces import BASE
from cbdgraph.queries import read_queries
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_running import facts, make_release, make_root, running
from tests.test_worker import gone

T = TypeVar("T")
TOOLS = ["describe", "list_queries", "resolve", "run_query", "search", "sparql"]
COMMAND = [sys.executable, "-m", "cbdgraph"]


class Assistant:
    """An assistant's side of one session."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def good(self, tool: str, **values: object) -> dict[str, Any]:
        """The answer of a tool, which must be one; as text it says the same."""
        result = await self.client.call_tool(tool, values)
        assert not result.is_error, result.content
        (text,) = result.content
        said: dict[str, Any] = json.loads(text.text)  # type: ignore[union-attr]
        assert said == result.structured_content
        assert said["release"]
        assert "complete" in said
        return said

    async def bad(self, tool: str, **values: object) -> str:
        """What a tool says is wrong."""
        result = await self.client.call_tool(tool, values)
        assert result.is_error, result.content
        (text,) = result.content
        said: str = text.text  # type: ignore[union-attr]
        assert "Traceback" not in said
        assert str(ROOT) not in said
        assert len(said) < 1500
        return said


def talk(arguments: list[str], work: Callable[[Assistant], Awaitable[T]], **environment: str) -> T:
    """Whatever `work` gives, in a session of its own with the command as an assistant starts it."""

    async def session() -> T:
        server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], *arguments], env=environment)
        async with Client(stdio_client(server)) as client:
            return await work(Assistant(client))

    return asyncio.run(session())


Session = Callable[[Callable[[Assistant], Awaitable[Any]]], Any]


@pytest.fixture(scope="module")
def service(release: Release) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=release.path.parents[1], workers=1) as client:
        yield client


@pytest.fixture(params=["here", "at an address"])
def session(request: pytest.FixtureRequest, service: httpx.Client, release: Release) -> Session:
    """Both ways to be served: from what is built, and from a service that runs."""
    if request.param == "here":
        build = str(release.path.parents[1])
        return lambda work: talk(["--root", str(ROOT), "mcp"], work, CBDGRAPH_BUILD=build)
    return lambda work: talk(["mcp", "--url", str(service.base_url)], work)


def test_what_is_offered(session: Session) -> None:
    async def work(assistant: Assistant) -> None:
        tools = (await assistant.client.list_tools()).tools
        assert sorted(tool.name for tool in tools) == TOOLS
        for tool in tools:
            assert tool.description
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is True
            assert tool.annotations.open_world_hint is False
        assert "never instructions" in (assistant.client.instructions or "")
        resources = (await assistant.client.list_resources()).resources
        assert sorted(str(resource.uri) for resource in resources) == ["cbdgraph://ontology", "cbdgraph://queries"]
        listed = await assistant.good("list_queries")
        names = sorted(query["name"] for query in listed["queries"])
        assert names == sorted(read_queries(ROOT / "queries" / "named"))
        texts = {}
        for uri in ("cbdgraph://queries", "cbdgraph://ontology"):
            (content,) = (await assistant.client.read_resource(uri)).contents
            texts[uri] = json.loads(content.text)  # type: ignore[union-attr]
        assert all("SELECT" in query["sparql"] for query in texts["cbdgraph://queries"]["queries"])
        terms = {term["term"]: term for term in texts["cbdgraph://ontology"]["terms"]}
        assert terms[f"{BASE}ontology#Decision"]["definition"]
        assert texts["cbdgraph://ontology"]["prefixes"]["cbd"] == f"{BASE}ontology#"
        with pytest.raises(MCPError):
            await assistant.client.read_resource("cbdgraph://../../etc/passwd")

    session(work)


def test_an_assistant_at_work(session: Session) -> None:
    async def work(assistant: Assistant) -> None:
        forests = await assistant.good(
            "run_query", name="decisions-on-issue", parameters={"issue": "forest-biodiversity"}
        )
        assert forests["total_rows"] == len(forests["rows"]) > 10
        assert forests["complete"] is True
        assert forests["columns"][0] == "decision"
        percent = await assistant.good(
            "run_query", name="quantified-targets", parameters={"unit": "percent", "minimum": 15}
        )
        assert all(row["value"] >= 15 for row in percent["rows"])

        sure = await assistant.good("resolve", citation="第XI/16号决定第5段(d)", lang="zh")
        assert sure["iri"] == f"{BASE}decision/cop/11/16/para/5/item/d"
        unsure = await assistant.good("resolve", citation="GSPC target 4")
        assert unsure["iri"] is None
        assert len(unsure["candidates"]) == 2

        decision = await assistant.good("describe", iri="decision/cop/11/16")
        assert decision["description"]["iri"] == f"{BASE}decision/cop/11/16"
        target = await assistant.good("describe", iri=f"{BASE}target/aichi/15", turtle=True)
        assert "aichi/15" in target["turtle"]
        framework = await assistant.good("describe", iri="http://metadata.cbd.int/kmgbf/target_3")
        assert framework["description"]["iri"].endswith("target_3")
        term = await assistant.good("describe", iri=f"{BASE}ontology#Decision")
        assert "Decision" in term["turtle"]

        rows = await assistant.good(
            "sparql",
            query=f"""PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
            SELECT ?l {{ <{BASE}target/aichi/15> skos:prefLabel ?l }} ORDER BY ?l""",
        )
        assert {row["l@lang"] for row in rows["rows"]} == {"en", "fr", "es", "ru", "zh", "ar"}
        assert (await assistant.good("sparql", query="ASK { ?s ?p ?o }"))["boolean"] is True
        triples = await assistant.good("sparql", query=f"DESCRIBE <{BASE}issue/forest-biodiversity>")
        assert "forest-biodiversity" in triples["turtle"]

    session(work)


def test_pages_are_asked_for_and_never_silent(session: Session) -> None:
    async def work(assistant: Assistant) -> None:
        refused = await assistant.bad("run_query", name="codes")
        assert "nothing was cut" in refused
        assert "limit" in refused
        rows: list[dict[str, Any]] = []
        offset: int | None = 0
        while offset is not None:
            page = await assistant.good("run_query", name="codes", limit=150, offset=offset)
            rows += page["rows"]
            assert page.get("offset", 0) == offset
            offset = page.get("next_offset")
        assert len(rows) == page["total_rows"] > MAX_ROWS
        assert len({json.dumps(row, sort_keys=True) for row in rows}) == len(rows)
        beyond = await assistant.good("run_query", name="codes", limit=5, offset=100_000)
        assert (beyond["rows"], "next_offset" in beyond) == ([], False)

    session(work)


def test_hostile_and_mistaken_input(session: Session) -> None:
    with socket.socket() as listener:  # whoever follows SERVICE or LOAD would knock here
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        async def work(assistant: Assistant) -> None:
            bad = assistant.bad
            for query in (
                f"SELECT * {{ SERVICE <{address}> {{ ?s ?p ?o }} }}",
                f"SELECT * FROM <{address}> {{ ?s ?p ?o }}",
            ):
                assert "never does" in await bad("sparql", query=query)
            for update in (f"LOAD <{address}>", "DELETE WHERE { ?s ?p ?o }", "DROP ALL"):
                assert "read-only" in await bad("sparql", query=update)
            assert "line 2, column 1" in await bad("sparql", query="SELECT * {\n?s ?o }")
            assert "rows" in await bad("sparql", query="SELECT * { ?s ?p ?o }")
            assert "limit" in await bad("sparql", query="SELECT * { ?a ?b ?c . ?d ?e ?f }")
            assert "characters" in await bad("sparql", query="CONSTRUCT WHERE { ?s ?p ?o }")
            assert "characters" in await bad("sparql", query=f"SELECT ('{'x' * 50_000}' AS ?x) {{}}")
            await bad("sparql", query="x" * 200_000)
            await bad("sparql", query="")
            await bad("sparql")
            await bad("sparql", query="ASK {}\ud800".encode("utf-8", "replace").decode())
            for name in ("../health", "codes?format=csv", "codes/", "", "x" * 1000, 5, None, ["codes"], {"a": 1}):
                await bad("run_query", name=name)
            assert "did you mean forest-biodiversity" in await bad(
                "run_query", name="decisions-on-issue", parameters={"issue": "forrest-biodiversity"}
            )
            assert "missing" in await bad("run_query", name="decisions-on-issue")
            await bad("run_query", name="decisions-on-issue", parameters={"issue": '"> } ?s ?p ?o #'})
            await bad("run_query", name="codes", parameters={"format": "csv"})
            await bad("run_query", name="codes", parameters={"kind": {"a": "b"}})
            await bad("run_query", name="codes", parameters=["kind"])
            await bad("run_query", name="codes", limit=-1)
            await bad("run_query", name="codes", limit=MAX_ROWS + 1)
            await bad("run_query", name="codes", offset="many")
            assert "not understood" in await bad("resolve", citation="hello")
            await bad("resolve", citation="XI/16", lang="klingon")
            await bad("resolve", citation="9" * 1001)
            for iri in (
                "../../etc/passwd",
                "/../health",
                "file:///etc/passwd",
                "a b",
                "x:<y>",
                "",
                "nothing/here",
                "//x",
            ):
                await bad("describe", iri=iri)
            assert "Unknown tool" in await bad("drop_everything")

            # After all that it is as it was.
            assert (await assistant.good("sparql", query="ASK { ?s ?p ?o }"))["boolean"] is True

        session(work)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_search_is_that_of_the_service(service: httpx.Client, session: Session) -> None:
    has_search = service.get("/search", params={"q": "forest", "format": "json"}).status_code == 200

    async def work(assistant: Assistant) -> None:
        if has_search:
            assert "forest" in json.dumps(await assistant.good("search", text="forest", lang="en"))
        else:
            assert "no search" in await assistant.bad("search", text="forest")
        await assistant.bad("search", text="x" * 1000)
        await assistant.bad("search", text=["forest"])

    session(work)


CROSS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


def test_a_query_that_takes_too_long_is_ended_and_holds_up_nothing(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    (root / "ontology").mkdir()
    make_release(root, facts())

    async def work(assistant: Assistant) -> None:
        slow = asyncio.create_task(assistant.bad("sparql", query=CROSS))
        await asyncio.sleep(0.3)
        started = time.monotonic()
        assert (await assistant.good("run_query", name="numbers", limit=1))["total_rows"] == 300
        assert time.monotonic() - started < 2
        assert "time limit" in await slow

    talk(["--root", str(root), "mcp"], work, CBDGRAPH_QUERY_SECONDS="3", CBDGRAPH_WORKERS="2")


def start(arguments: list[str], build: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "CBDGRAPH_BUILD": str(build)},
    )


def children(process: int) -> set[int]:
    """The processes that a process has started, and those that these have."""
    found: set[int] = set()
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            found |= {child, *children(child)}
    return found


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()


def send(process: subprocess.Popen[bytes], message: dict[str, Any] | bytes) -> None:
    assert process.stdin is not None
    process.stdin.write((message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n")
    process.stdin.flush()


def read(process: subprocess.Popen[bytes], number: int) -> dict[str, Any]:
    """The answer to a request, where every line before it must be a message of the protocol."""
    assert process.stdout is not None
    while True:
        message: dict[str, Any] = json.loads(process.stdout.readline())
        assert message["jsonrpc"] == "2.0"
        if message.get("id") == number:
            return message


HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a test", "version": "1"},
    },
}


def call(number: int, tool: str, **values: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": values}}


def test_standard_output_holds_nothing_but_the_protocol(release: Release) -> None:
    process = start(["--root", str(ROOT), "mcp"], release.path.parents[1])
    try:
        send(process, HELLO)
        assert read(process, 1)["result"]["serverInfo"]["name"] == "cbdgraph"
        send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        for rubbish in (b"rubbish", b"\xff\xfe", b"[]", b"{}", b'{"jsonrpc": "2.0", "id": 9, "method": "no/such"}'):
            send(process, rubbish)
        send(process, call(2, "sparql", query="SELECT * { SERVICE <x:> { ?s ?p ?o } }"))
        assert read(process, 2)["result"]["isError"] is True
        send(process, call(3, "resolve", citation="XI/16"))  # starts processes of its own
        assert f"{BASE}decision/cop/11/16" in json.dumps(read(process, 3)["result"])
        workers = children(process.pid)
        assert workers
        assert process.stdin is not None
        process.stdin.close()  # as an assistant leaves
        assert process.wait(20) == 0
        assert process.stdout is not None
        for line in process.stdout.read().splitlines():
            assert json.loads(line)["jsonrpc"] == "2.0"
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        assert all(gone(worker) for worker in workers)
    finally:
        end(process)


def test_workers_end_when_it_is_killed(release: Release) -> None:
    process = start(["--root", str(ROOT), "mcp"], release.path.parents[1])
    try:
        send(process, HELLO)
        read(process, 1)
        send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        send(process, call(2, "sparql", query="ASK { ?s ?p ?o }"))
        read(process, 2)
        workers = children(process.pid)
        assert workers
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert all(gone(worker) for worker in workers)
    finally:
        end(process)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mcp", "--url", "ftp://x/"], "http://127.0.0.1:8000"),
        (["mcp", "--url", "http://"], "http://127.0.0.1:8000"),
        (["mcp", "--url", "http://x/?a=b"], "http://127.0.0.1:8000"),
    ],
)
def test_what_cannot_be_served_says_why(arguments: list[str], words: str) -> None:
    end = subprocess.run([*COMMAND, *arguments], input=b"", capture_output=True, check=False, timeout=60)
    assert end.returncode == 2
    assert end.stdout == b""
    assert words in end.stderr.decode()
    assert b"Traceback" not in end.stderr


def test_nothing_built(tmp_path: Path) -> None:
    (tmp_path / "ontology").mkdir()
    command = [*COMMAND, "--root", str(tmp_path), "mcp"]
    end = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=60)
    assert (end.returncode, end.stdout) == (2, b"")
    assert "run: cbdgraph build" in end.stderr.decode()


def test_a_service_that_is_not_there_or_not_ours(service: httpx.Client) -> None:
    async def nobody(assistant: Assistant) -> None:
        assert "cannot be reached" in await assistant.bad("list_queries")
        with pytest.raises(MCPError, match="cannot be reached"):
            await assistant.client.read_resource("cbdgraph://queries")

    talk(["mcp", "--url", "http://127.0.0.1:9"], nobody)

    async def other(assistant: Assistant) -> None:
        await assistant.bad("list_queries")

    talk(["mcp", "--url", f"{service.base_url}docs"], other)
