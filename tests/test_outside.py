"""Nothing is fetched and nothing is handed on: files that name others, and what a worker holds."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from cbdgraph.errors import TurtleError
from cbdgraph.store.embedded import Store
from tests.test_clients import pool_of
from tests.test_server_running import facts, make_release, make_root, running

SECRET = "told by a file"


def find_outside(port: int, secret: Path) -> dict[str, str]:
    """Files that ask for what is not in them, by name; no reader may follow."""
    address = f"http://127.0.0.1:{port}/outside"
    entity = f'<!DOCTYPE r [<!ENTITY e SYSTEM "{{}}">]><rdf:RDF xmlns:rdf="{RDF}" xmlns:x="http://x/">'
    entity += '<rdf:Description rdf:about="http://x/a"><x:p>&e;</x:p></rdf:Description></rdf:RDF>'
    return {
        "context.jsonld": json.dumps({"@context": address, "@id": "http://x/a", "name": "x"}),
        "imported.jsonld": json.dumps({"@context": {"@version": 1.1, "@import": address}, "@id": "http://x/a"}),
        "fetched.rdf": entity.format(address),
        "read.rdf": entity.format(secret.as_uri()),
        "doctype.rdf": f'<!DOCTYPE r SYSTEM "{address}"><rdf:RDF xmlns:rdf="{RDF}"/>',
        "imports.ttl": f"<http://x/a> <http://www.w3.org/2002/07/owl#imports> <{address}> .",
        "base.ttl": f"@base <{address}> . @prefix : <{address}#> . <> :p :x .",
    }


RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def test_files_of_a_user_fetch_and_read_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        for name, text in find_outside(listener.getsockname()[1], secret).items():
            file = tmp_path / name
            file.write_text(text, encoding="utf-8")
            store = tmp_path / f"{name}-store"
            if name in {"imports.ttl", "base.ttl", "doctype.rdf"}:  # they say it of themselves, and ask for nothing
                Store.build(store, (file,), union_default=False)
            else:
                with pytest.raises(TurtleError) as caught:
                    Store.build(store, (file,), union_default=False)
                assert SECRET not in str(caught.value)
            with pytest.raises(BlockingIOError):
                listener.accept()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are read where Linux says them")
@pytest.mark.parametrize("memory_triples", [5_000_000, 0], ids=["memory", "disk"])
def test_a_worker_holds_nothing_of_the_service(tmp_path: Path, memory_triples: int) -> None:
    """One socket, which is its own; no file but of the store, and that only where it is read from disk."""
    root = make_root(tmp_path)
    make_release(root, facts())
    with running(root=root, workers=2, memory_triples=memory_triples) as client:
        assert client.get("/sparql?query=ASK{}").status_code == 200
        for pid in pool_of(client).process_ids:
            sockets = 0
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                target = str(descriptor.readlink())
                if stat.S_ISSOCK(descriptor.stat().st_mode):
                    sockets += 1
                elif target.startswith("/") and target != os.devnull:
                    assert memory_triples == 0, target
                    assert "/store/" in f"{target}/", target
            assert sockets == 1
            assert Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii").strip() == "1000"
            limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
            core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
            assert core.split()[4:6] == ["0", "0"]
