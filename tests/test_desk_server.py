"""The desk over HTTP: who may do what, two at once, limits, exports; and that the graph knows nothing of it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph
import pytest

from cbdgraph.desk import Desk
from cbdgraph.namespaces import BASE, GRAPHS
from cbdgraph.store.releases import Release
from tests.conftest import ROOT
from tests.test_server_running import LABEL, TYPE, make_release, make_root, problem, running

TERM = f"{BASE}term/ecosystem-restoration"
DEFINITION = f"{TERM}/definition/ipbes-ldr"
PATH = "term/ecosystem-restoration/definition/ipbes-ldr"
LABEL_AR = f"{TERM}/label/ar"
XL = "http://www.w3.org/2008/05/skos-xl#"
CBD = f"{BASE}ontology#"
MARKUP = '<script>alert(1)</script> "&amp;'


def terms(wording: str = "What is done to help") -> list[str]:
    """A term with a definition in English, one in markup, and names in two languages."""
    source = f"{BASE}document/ipbes-ldr"
    other = f"{TERM}/definition/hostile"
    return [
        f"<{TERM}> <{TYPE}> <{CBD}Term> .",
        *(f"<{TERM}> <{XL}prefLabel> <{TERM}/label/{language}> ." for language in ("en", "ar")),
        f'<{TERM}/label/en> <{XL}literalForm> "Restoration"@en .',
        f'<{LABEL_AR}> <{XL}literalForm> "\u0627\u0633\u062a\u0639\u0627\u062f\u0629"@ar .',
        f"<{DEFINITION}> <{TYPE}> <{CBD}Definition> .",
        f"<{DEFINITION}> <{CBD}definitionOf> <{TERM}> .",
        f'<{DEFINITION}> <{CBD}wording> "{wording}"@en .',
        f"<{DEFINITION}> <http://purl.org/dc/terms/source> <{source}> .",
        f'<{source}> <{LABEL}> "A source"@en .',
        f"<{other}> <{TYPE}> <{CBD}Definition> .",
        f"<{other}> <{CBD}definitionOf> <{TERM}> .",
        f"<{other}> <{CBD}wording> {json.dumps(MARKUP)}@fr .",
    ]


def make_service_root(folder: Path) -> Path:
    """A project with one release of that term."""
    root = make_root(folder)
    make_release(root, {f"{GRAPHS}terms": terms()})
    return root


@contextmanager
def desk_at(root: Path, **settings: Any) -> Iterator[tuple[httpx.Client, Desk, dict[str, str]]]:
    """A service with a desk, and a token of each role."""
    desk = Desk.create(root / "desk" / "desk.sqlite")
    tokens = {role: desk.access.invite(f"The {role}", role)[1] for role in ("reader", "reviewer", "editor")}
    with running(**{"root": root, "workers": 1, "desk_writes": 10_000, **settings}) as client:
        yield client, desk, tokens
    desk.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[httpx.Client, Desk, dict[str, str]]]:
    with desk_at(make_service_root(tmp_path)) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def review(version: int | None = 0, state: str = "in-review", **others: Any) -> dict[str, Any]:
    made = {"subject": PATH, "language": "en", "state": state, "comment": "a comment", **others}
    return made if version is None else {**made, "version": version}


Service = tuple[httpx.Client, Desk, dict[str, str]]


def test_without_a_desk_there_is_a_clear_answer_and_a_page(tmp_path: Path) -> None:
    with running(root=make_service_root(tmp_path), workers=1) as client:
        for path in ("/desk/reviews?subject=term/x", "/desk/worklist", "/desk/history", "/desk/export.ttl"):
            assert "cbdgraph desk invite" in problem(client.get(path), "not-found")["detail"]
        problem(client.post("/desk/reviews", json=review()), "not-found")
        page = client.get("/desk/", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "There is no desk yet" in page.text
        assert not (tmp_path / "desk").exists(), "only the command makes one"


def test_nobody_reviews_what_is_older_or_a_users_own_files(service: Service, tmp_path: Path) -> None:
    client, _, tokens = service
    for path in ("/desk/worklist?release=0.1.0", "/release/0.1.0/desk/worklist"):
        answer = client.get(path, headers=bearer(tokens["editor"]))
        assert answer.status_code in {400, 404}, answer.text
        problem(answer, answer.json()["type"].rpartition("/")[2])
    (tmp_path / "a.ttl").write_text("<http://e/a> <http://e/p> 1 .", encoding="utf-8")
    own = make_root(tmp_path / "own", {})
    Desk.create(own / "desk" / "desk.sqlite").close()
    with running(root=own, data=(tmp_path / "a.ttl",), workers=1) as client:
        assert "own files" in problem(client.get("/desk/worklist"), "not-found")["detail"]


def test_a_desk_that_is_opened_later_is_found_and_a_backup_in_its_place_too(tmp_path: Path) -> None:
    root = make_service_root(tmp_path)
    path = root / "desk" / "desk.sqlite"
    with running(root=root, workers=1) as client:
        problem(client.get("/desk/worklist"), "not-found")
        desk = Desk.create(path)
        _, token = desk.access.invite("Ana", "editor")
        assert client.get("/desk/worklist", headers=bearer(token)).status_code == 200
        desk.file.backup(tmp_path / "copy.sqlite")
        assert client.post("/desk/reviews", json=review(), headers=bearer(token)).status_code == 201
        desk.close()
        for file in path.parent.iterdir():
            file.unlink()
        (tmp_path / "copy.sqlite").replace(path)
        assert client.get(f"/desk/reviews?subject={PATH}", headers=bearer(token)).json()["reviews"] == []
        path.unlink()
        path.write_bytes(b"not a desk" * 100)
        assert "SQLite" in problem(client.get("/desk/worklist", headers=bearer(token)), "unavailable")["detail"]
        assert client.get("/term/ecosystem-restoration").status_code == 200, "the graph is read as ever"


# Who may what.


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("x"), {"Authorization": "Bearer"}, {"Authorization": "Basic eDp5"}, {"Cookie": "cbdgraph-desk=x"}],
)
def test_strangers_learn_nothing(service: Service, headers: dict[str, str]) -> None:
    client, desk, _ = service
    details = set()
    for method, path in (
        ("GET", f"/desk/reviews?subject={PATH}"),
        ("GET", "/desk/worklist"),
        ("GET", "/desk/history"),
        ("GET", "/desk/export.csv"),
        ("GET", "/desk/review/0a"),
        ("POST", "/desk/reviews"),
        ("POST", "/desk/seen"),
    ):
        answer = client.request(method, path, headers=headers, json=review() if method == "POST" else None)
        details.add(problem(answer, "unauthorized")["detail"])
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert len(details) == 1, "the same for whatever is wrong with the token"
    assert desk.revision == 0


def test_roles(service: Service) -> None:
    client, desk, tokens = service
    codes = {}
    for role, token in tokens.items():
        for state in ("in-review", "approved", "superseded"):
            version = len(desk.history(DEFINITION, "en"))
            answer = client.post("/desk/reviews", json=review(version, state, comment=role), headers=bearer(token))
            codes[role, state] = answer.status_code
        codes[role, "read"] = client.get(f"/desk/reviews?subject={PATH}", headers=bearer(token)).status_code
        codes[role, "worklist"] = client.get("/desk/worklist", headers=bearer(token)).status_code
        codes[role, "export"] = client.get("/desk/export.ttl", headers=bearer(token)).status_code
    assert {key for key, code in codes.items() if code == 403} == {
        *(("reader", state) for state in ("in-review", "approved", "superseded", "export")),
        *(("reviewer", state) for state in ("approved", "superseded", "export")),
    }
    assert set(codes.values()) == {200, 201, 403}


def test_a_token_that_is_revoked_is_over_at_once(service: Service) -> None:
    client, desk, tokens = service
    assert client.get("/desk/worklist", headers=bearer(tokens["editor"])).status_code == 200
    desk.access.revoke("The editor")
    problem(client.get("/desk/worklist", headers=bearer(tokens["editor"])), "unauthorized")


# Reviews.


def test_a_review_and_its_history(service: Service) -> None:
    client, desk, tokens = service
    asked = f"/desk/reviews?subject={PATH}&lang=en"
    before = client.get(asked, headers=bearer(tokens["reviewer"]))
    assert before.headers["etag"] == '"v0"'
    assert before.json()["texts"]["en"]["text"] == "What is done to help"
    assert "A source" in before.json()["texts"]["en"]["about"]
    made = client.post(
        "/desk/reviews",
        json=review(None, suggestion="What is done to help it"),
        headers={**bearer(tokens["reviewer"]), "If-Match": before.headers["etag"]},
    )
    assert (made.status_code, made.headers["etag"]) == (201, '"v1"')
    entry = made.json()
    assert entry["release"] == client.get("/version").json()["release"]
    assert client.get(made.headers["location"], headers=bearer(tokens["reader"])).json() == entry
    after = client.get(asked, headers=bearer(tokens["reader"])).json()
    assert after["reviews"] == [entry]
    assert after["states"]["en"] == {
        "state": "in-review",
        "version": 1,
        "suggestion": "What is done to help it",
        "parallel": False,
    }
    assert desk.find_faults() == []


def test_two_at_once_both_are_told_and_nothing_is_lost(service: Service) -> None:
    client, desk, tokens = service
    first = client.post("/desk/reviews", json=review(0, comment="first"), headers=bearer(tokens["editor"]))
    late = review(0, "disputed", comment="late", suggestion="mine")
    answer = client.post("/desk/reviews", json=late, headers=bearer(tokens["reviewer"]))
    said = problem(answer, "conflict")
    assert said["theirs"] == first.json()
    assert said["yours"].items() <= {**late, "subject": DEFINITION}.items()
    assert (said["version"], answer.headers["etag"]) == (1, '"v1"')
    by_header = client.post(
        "/desk/reviews",
        json={name: value for name, value in late.items() if name != "version"},
        headers={**bearer(tokens["reviewer"]), "If-Match": '"v0"'},
    )
    assert problem(by_header, "precondition")["theirs"] == first.json()
    assert desk.revision == 1
    again = client.post("/desk/reviews", json={**late, "version": 1}, headers=bearer(tokens["reviewer"]))
    assert again.status_code == 201
    assert [entry.comment for entry in desk.history(DEFINITION, "en")] == ["first", "late"]


def test_many_at_once_one_wins_each_version(service: Service) -> None:
    client, desk, tokens = service
    answers: list[tuple[int, int, str]] = []

    def work(name: str, token: str) -> None:
        with httpx.Client(base_url=client.base_url, headers=bearer(token), timeout=30) as own:
            for version in range(10):
                answer = own.post("/desk/reviews", json=review(version, comment=f"{name} {version}"))
                answers.append((version, answer.status_code, name))
                while len(desk.history(DEFINITION, "en")) <= version:
                    time.sleep(0.005)

    threads = [
        threading.Thread(target=work, args=(str(n), tokens[role]))
        for n in range(3)
        for role in ("reviewer", "editor")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {code for _, code, _ in answers} <= {201, 409}
    assert sorted(version for version, code, _ in answers if code == 201) == list(range(10))
    assert len(desk.history(DEFINITION, "en")) == 10


def test_a_text_that_changed_since_it_was_looked_at(service: Service, tmp_path: Path) -> None:
    client, desk, tokens = service
    content = client.get(f"/desk/reviews?subject={PATH}", headers=bearer(tokens["editor"])).json()["texts"]["en"][
        "content"
    ]
    assert client.post(
        "/desk/reviews", json=review(0, "approved", content=content), headers=bearer(tokens["editor"])
    ).is_success
    client.post(
        "/desk/seen", json={"items": [{"subject": PATH, "language": "en"}]}, headers=bearer(tokens["reviewer"])
    )
    listed = "/desk/worklist?lang=en&filter="
    before = client.get(listed + "changed", headers=bearer(tokens["reviewer"])).json()
    assert before["counts"]["changed"] == 0
    new = make_release(tmp_path, {f"{GRAPHS}terms": terms("Another wording")}).manifest.release
    deadline = time.monotonic() + 15
    while client.get("/version").json()["release"] != new:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = problem(
        client.post("/desk/reviews", json=review(1, "approved", content=content), headers=bearer(tokens["editor"])),
        "conflict",
    )
    assert said["text"]["text"] == "Another wording"
    assert desk.revision == 1
    after = client.get(listed + "changed", headers=bearer(tokens["reviewer"])).json()
    assert [item["text"] for item in after["items"]] == ["Another wording"]
    assert desk.history(DEFINITION)[0].release != new


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (review(None), "version-required"),
        (review(-1), "bad-request"),
        (review(True), "bad-request"),
        (review("0"), "bad-request"),  # type: ignore[arg-type]
        (review(0, "agreed"), "bad-request"),
        (review(0, subject="term/none"), "bad-request"),
        (review(0, subject="http://example.org/"), "bad-request"),
        (review(0, subject="decision/cop/11/16"), "bad-request"),
        (review(0, language="de"), "bad-request"),
        (review(0, subject="term/ecosystem-restoration/label/ar", language="fr"), "bad-request"),
        (review(0, comment="x" * 4001), "bad-request"),
        (review(0, comment=7), "bad-request"),
        (review(0, comment="\x00"), "bad-request"),
        (review(0, colour="red"), "bad-request"),
        ([], "bad-request"),
        ("text", "bad-request"),
    ],
)
def test_what_is_no_review(service: Service, body: Any, kind: str) -> None:
    client, desk, tokens = service
    problem(client.post("/desk/reviews", json=body, headers=bearer(tokens["editor"])), kind)
    assert desk.revision == 0


def test_bodies_that_are_none(service: Service) -> None:
    client, desk, tokens = service
    headers = bearer(tokens["editor"])
    json_type = {**headers, "Content-Type": "application/json"}
    for content in (b"", b"{", b"\xff", b"[" * 100_000, b'{"subject": NaN'):
        problem(client.post("/desk/reviews", content=content, headers=json_type), "bad-request")
    problem(client.post("/desk/reviews", content=b"x" * 200_000, headers=json_type), "body-too-large")
    problem(client.post("/desk/reviews", data={"subject": PATH}, headers=headers), "media-type")
    for tag in ("*", "v1", 'W/"v1"', '"v1", "v2"'):
        problem(client.post("/desk/reviews", json=review(None), headers={**headers, "If-Match": tag}), "bad-request")
    problem(client.post("/desk/reviews", json=review(1), headers={**headers, "If-Match": '"v0"'}), "bad-request")
    problem(client.put("/desk/reviews", json=review(), headers=headers), "method")
    problem(client.request("DELETE", "/desk/reviews", headers=headers), "method")
    assert desk.revision == 0


def test_a_wording_in_a_language_that_has_none(service: Service) -> None:
    client, _, tokens = service
    made = client.post(
        "/desk/reviews", json=review(0, language="zh", suggestion="\u6062\u590d"), headers=bearer(tokens["reviewer"])
    )
    assert made.status_code == 201, made.text
    items = client.get("/desk/worklist?filter=all&lang=zh", headers=bearer(tokens["reviewer"])).json()["items"]
    assert (PATH, "\u6062\u590d") in {(item["subject"].removeprefix(BASE), item["suggestion"]) for item in items}


def test_the_worklist(service: Service) -> None:
    client, _, tokens = service
    headers = bearer(tokens["reviewer"])
    first = client.get("/desk/worklist", headers=headers).json()
    kinds = [item["kind"] for item in first["items"]]
    assert sorted(set(kinds)) == ["definition", "missing", "preferred", "term"]
    assert kinds.count("missing") == 4
    assert first["counts"] == {"unseen": 9, "changed": 0, "disputed": 0, "all": 9}
    items = [{"subject": item["subject"], "language": item["language"]} for item in first["items"]]
    assert client.post("/desk/seen", json={"items": items}, headers=headers).json() == {"seen": 9}
    client.post("/desk/reviews", json=review(0, "disputed"), headers=bearer(tokens["editor"]))
    after = client.get("/desk/worklist?filter=disputed", headers=headers).json()
    assert after["counts"] == {"unseen": 0, "changed": 1, "disputed": 1, "all": 9}
    assert [item["subject"] for item in after["items"]] == [DEFINITION]
    other = client.get("/desk/worklist", headers=bearer(tokens["reader"])).json()
    assert other["counts"]["unseen"] == 9, "what one has seen another has not"
    assert client.get("/desk/worklist?lang=ar&filter=all", headers=headers).json()["counts"]["all"] == 1
    for query in ("filter=x", "lang=de", "term=none", "page=0", "page=x"):
        problem(
            client.get(f"/desk/worklist?{query}", headers=headers),
            "parameter" if "lang" not in query else "bad-request",
        )
    problem(client.get("/desk/worklist?page=99", headers=headers), "not-found")
    bodies: list[dict[str, Any]] = [{}, {"items": 1}, {"items": [1]}, {"items": [{}] * 501}]
    for body in (*bodies, {"items": [{"subject": PATH, "language": "en", "version": 9}]}):
        problem(client.post("/desk/seen", json=body, headers=headers), "bad-request")


def test_exports(service: Service) -> None:
    client, desk, tokens = service
    headers = bearer(tokens["editor"])
    client.post("/desk/reviews", json=review(0, suggestion="new", comment="=cmd"), headers=headers)
    turtle = client.get("/desk/export.ttl", headers=headers)
    assert turtle.headers["content-type"].startswith("text/turtle")
    assert 'attachment; filename="reviews.ttl"' in turtle.headers["content-disposition"]
    linked = client.get("/desk/export.jsonld", headers=headers)
    sets = [
        {str(each.triple) for each in pyoxigraph.parse(answer.content, form)}
        for answer, form in ((turtle, pyoxigraph.RdfFormat.TURTLE), (linked, pyoxigraph.RdfFormat.JSON_LD))
    ]
    assert sets[0] == sets[1]
    assert len(sets[0]) > 15
    (row,) = csv.DictReader(io.StringIO(client.get("/desk/export.csv", headers=headers).text))
    assert (row["comment"], row["suggestion"]) == ("'=cmd", "new")
    assert client.get("/desk/export.json", headers=headers).json()["hash"] == desk.head.hash
    problem(client.get("/desk/export.pdf", headers=headers), "not-found")


# The public graph knows nothing of it.


def test_nothing_of_the_desk_is_kept_and_the_graph_stays_as_it_is(service: Service) -> None:
    client, _, tokens = service
    public = ["/term/ecosystem-restoration", f"/{PATH}.ttl", "/dataset.ttl", "/", "/sparql?query=ASK{}"]
    before = [client.get(path) for path in public]
    asked = f"/desk/reviews?subject={PATH}&lang=en"
    for role in ("editor", "reader"):
        answer = client.get(asked, headers=bearer(tokens[role]))
        assert answer.headers["cache-control"] == "no-store"
    problem(client.get(asked), "unauthorized")
    answer = client.get(asked, headers={**bearer(tokens["reader"]), "If-None-Match": answer.headers["etag"]})
    assert answer.status_code == 200
    client.post("/desk/reviews", json=review(0, "approved", suggestion="changed"), headers=bearer(tokens["editor"]))
    assert client.get(asked, headers=bearer(tokens["reader"])).headers["etag"] == '"v1"'
    for path, old in zip(public, before, strict=True):
        new = client.get(path)
        assert (new.content, new.headers.get("etag")) == (old.content, old.headers.get("etag")), path
        assert "set-cookie" not in new.headers
    assert "changed" not in client.get("/sparql?query=SELECT * { ?s ?p ?o }&format=csv").text


def test_no_answer_of_the_desk_is_in_the_cache(service: Service) -> None:
    client, _, tokens = service
    for path in (f"/desk/reviews?subject={PATH}&lang=en", "/desk/", "/desk/worklist", "/desk/export.csv"):
        for accept in ("*/*", "text/html"):
            client.get(path, headers={**bearer(tokens["editor"]), "Accept": accept})
    client.get("/term/ecosystem-restoration")
    kept = client.app.state.live.current.responses  # type: ignore[attr-defined]
    assert [key for key in kept._entries if b"/term/" in key], "what is public is kept"
    assert not [key for key in kept._entries if b"/desk" in key]


# Limits.


def test_who_fails_often_waits_and_a_right_token_always_passes(service: Service) -> None:
    client, _, tokens = service
    codes, times = [], []
    for number in range(12):
        start = time.monotonic()
        codes.append(client.get("/desk/worklist", headers=bearer(f"wrong {number}")))
        times.append(time.monotonic() - start)
    assert [answer.status_code for answer in codes] == [401] * 10 + [429] * 2
    assert int(codes[-1].headers["retry-after"]) >= 1
    assert times[0] < 0.6 < times[9], "each failure is answered later than the one before"
    assert client.get("/desk/worklist", headers=bearer(tokens["reader"])).status_code == 200
    problem(client.get("/desk/worklist"), "unauthorized")


def test_a_token_writes_only_so_often(tmp_path: Path) -> None:
    with desk_at(make_service_root(tmp_path), desk_writes=5) as (client, desk, tokens):
        codes = [
            client.post("/desk/reviews", json=review(n), headers=bearer(tokens["editor"])).status_code
            for n in range(7)
        ]
        assert codes == [201] * 5 + [429] * 2
        refused = client.post("/desk/reviews", json=review(5), headers=bearer(tokens["editor"]))
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        problem(refused, "too-many")
        other = client.post("/desk/reviews", json=review(5), headers=bearer(tokens["reviewer"]))
        assert other.status_code == 201, "another token has turns of its own"
        assert desk.revision == 6


def test_a_slow_writer_in_another_process_does_not_stop_readers(service: Service) -> None:
    client, desk, tokens = service
    with desk.file.writing():
        start = time.monotonic()
        assert client.get(f"/desk/reviews?subject={PATH}", headers=bearer(tokens["reader"])).status_code in {200, 503}
        assert client.get("/health").status_code == 200
        assert time.monotonic() - start < 15


def test_openapi_describes_the_desk(service: Service) -> None:
    client, _, _ = service
    paths = client.get("/openapi.json").json()["paths"]
    for path in (
        "/desk/reviews",
        "/desk/worklist",
        "/desk/seen",
        "/desk/export.{suffix}",
        "/desk/history",
        "/desk/review/{uid}",
    ):
        assert path in paths
    assert {"201", "409", "412"} <= paths["/desk/reviews"]["post"]["responses"].keys()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_commands_of_the_guide_run(release: Release, tmp_path: Path) -> None:
    """As a reader would type them, one after the other, with the real data."""
    guide = (ROOT / "docs" / "desk.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert sum(block.count("curl ") for block in blocks) >= 5
    desk = Desk.create(tmp_path / "desk" / "desk.sqlite")
    _, token = desk.access.invite("Ana", "editor")
    with running(root=ROOT, build=release.path.parents[1], desk=tmp_path / "desk", workers=1) as client:
        script = "".join(blocks).replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/"))
        environment = {**os.environ, "TOKEN": token}
        end = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("curl ", "curl -sS --fail-with-body ")],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert end.returncode == 0, end.stdout + end.stderr
    assert desk.revision >= 1
