"""The desk in a browser: signing in, two reviewers at once, text that is never lost, and forms of other sites."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from cbdgraph.desk import Desk
from cbdgraph.store.releases import Release
from tests.browsing import CHROMIUM, browser
from tests.conftest import ROOT
from tests.test_desk_server import DEFINITION, MARKUP, Service, desk_at, make_service_root
from tests.test_server_running import problem, running

Visit = Callable[..., "Visitor"]
PAGE = "/desk/term/ecosystem-restoration"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with desk_at(make_service_root(tmp_path)) as found:
        yield found


@pytest.fixture
def visit(service: Service) -> Iterator[Visit]:
    """A visitor to the service, signed in where a token is given."""
    with ExitStack() as visitors:

        def come(token: str = "") -> Visitor:
            visitor = Visitor(service[0])
            visitors.callback(visitor.close)
            if token:
                assert visitor.sign_in(token).status_code == 200
            return visitor

        yield come


class Visitor(httpx.Client):
    """A browser as the server sees it: cookies, the origin of forms, and no scripts."""

    def __init__(self, service: httpx.Client) -> None:
        origin = str(service.base_url).rstrip("/")
        super().__init__(base_url=origin, headers={**HTML, "Origin": origin}, follow_redirects=True, timeout=30)

    def sign_in(self, token: str, way: str = "/desk/worklist") -> httpx.Response:
        return self.post("/desk/sign-in", data={"secret": token, "way": way})

    def fields(self, page: str, anchor: str) -> dict[str, str]:
        """The fields of the form in a section of a page, as they stand there."""
        section = page.partition(f'id="{anchor}"')[2].partition("</section>")[0]
        form = section.partition('action="/desk/record"')[2].partition("</form>")[0]
        return read_fields(form)


def read_fields(form: str) -> dict[str, str]:
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    checked = re.findall(r'name="state" value="([^"]*)" required checked', form)
    texts = re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL)
    fields = {**hidden, **dict(texts), "state": checked[0] if checked else ""}
    return {name: html.unescape(value) for name, value in fields.items()}


def again(page: str) -> dict[str, str]:
    """The fields of the form that came back."""
    return read_fields(page.partition('class="sides"')[2].partition("</form>")[0])


def test_a_reviewer_signs_in_works_and_signs_out(service: Service, visit: Visit) -> None:
    _, desk, tokens = service
    visitor = visit()
    first = visitor.get(PAGE)
    assert first.status_code == 401
    assert f'name="way" value="{PAGE}"' in first.text, "after signing in it goes on there"
    answer = visitor.post("/desk/sign-in", data={"secret": tokens["reviewer"], "way": PAGE}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    cookie = answer.headers["set-cookie"]
    for flag in ("HttpOnly", "SameSite=strict", "Path=/desk", "Max-Age="):
        assert flag.lower() in cookie.lower()
    assert "secure" not in cookie.lower(), "without https a browser would not send it back"
    assert tokens["reviewer"] not in cookie
    page = visitor.get(PAGE)
    assert page.status_code == 200
    assert "Signed in as" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "'none'" in page.headers["content-security-policy"]
    fields = visitor.fields(page.text, "definition-ipbes-ldr-en")
    assert (fields["version"], fields["state"]) == ("0", "")
    done = visitor.post("/desk/record", data={**fields, "state": "disputed", "comment": "too narrow"})
    assert str(done.url).endswith(f"{PAGE}#definition-ipbes-ldr-en")
    assert "too narrow" in done.text
    assert [entry.comment for entry in desk.history(DEFINITION)] == ["too narrow"]
    assert "too narrow" in visitor.get("/desk/history").text
    listed = visitor.get("/desk/worklist?filter=disputed")
    assert "(1)" in listed.text
    token = fields["token"]
    out = visitor.post("/desk/sign-out", data={"token": token}, follow_redirects=False)
    assert "max-age=0" in out.headers["set-cookie"].lower()
    assert visitor.get("/desk/worklist").status_code == 401


def test_behind_https_the_cookie_is_secure(service: Service, tmp_path: Path) -> None:
    _, _, tokens = service
    with running(root=tmp_path, workers=1, proxies="127.0.0.1") as proxied:
        headers = {"X-Forwarded-Proto": "https", "Host": "graph.example", "Origin": "https://graph.example"}
        answer = proxied.post("/desk/sign-in", data={"secret": tokens["reader"]}, headers=headers)
        assert "secure" in answer.headers["set-cookie"].lower()


def test_a_wrong_token_and_where_it_leads(service: Service, visit: Visit) -> None:
    _, _, tokens = service
    visitor = visit()
    wrong = visitor.sign_in("cbdgraph_wrong")
    assert wrong.status_code == 401
    assert "not known here" in wrong.text
    assert "cbdgraph_wrong" not in wrong.text
    for way in ("https://evil.example/", "//evil.example/desk/", "/desk/../sparql", "/desk/\r\nx: y", "javascript:1"):
        answer = visitor.post("/desk/sign-in", data={"secret": tokens["reader"], "way": way}, follow_redirects=False)
        assert answer.headers["location"] == "/desk/worklist"


def test_two_reviewers_at_once(service: Service, visit: Visit) -> None:
    _, desk, tokens = service
    ana, bo = visit(tokens["editor"]), visit(tokens["reviewer"])
    anchor = "definition-ipbes-ldr-en"
    forms = [visitor.fields(visitor.get(PAGE).text, anchor) for visitor in (ana, bo)]
    assert ana.post("/desk/record", data={**forms[0], "state": "approved", "comment": "good"}).status_code == 200
    mine = {**forms[1], "state": "disputed", "comment": MARKUP, "suggestion": "\u0646\u0635 mine"}
    conflict = bo.post("/desk/record", data=mine)
    assert conflict.status_code == 409
    assert "Theirs" in conflict.text
    assert "good" in conflict.text
    assert MARKUP not in conflict.text, "text is escaped"
    kept = again(conflict.text)
    assert (kept["comment"], kept["suggestion"], kept["state"]) == (MARKUP, "\u0646\u0635 mine", "disputed")
    assert kept["version"] == "1"
    assert len(desk.history(DEFINITION)) == 1, "nothing was recorded yet"
    # While the conflict is read, another review comes: it is shown too, and nothing is overwritten.
    third = ana.fields(ana.get(PAGE).text, anchor)
    ana.post("/desk/record", data={**third, "state": "in-review", "comment": "second thoughts"})
    once_more = bo.post("/desk/record", data=kept)
    assert once_more.status_code == 409
    assert "second thoughts" in once_more.text
    done = bo.post("/desk/record", data=again(once_more.text))
    assert done.status_code == 200
    assert [entry.comment for entry in desk.history(DEFINITION)] == ["good", "second thoughts", MARKUP]
    assert MARKUP not in bo.get(PAGE).text
    assert MARKUP not in bo.get("/desk/history").text
    assert desk.find_faults() == []


def test_a_review_is_not_lost_when_the_session_ends_or_something_is_wrong_with_it(
    service: Service, visit: Visit
) -> None:
    _, desk, tokens = service
    visitor = visit(tokens["reviewer"])
    fields = visitor.fields(visitor.get(PAGE).text, "definition-ipbes-ldr-en")
    visitor.cookies.clear()
    late = visitor.post("/desk/record", data={**fields, "state": "in-review", "comment": "long work"})
    assert late.status_code == 401
    assert again(late.text)["comment"] == "long work"
    visitor.sign_in(tokens["reviewer"])
    stale = visitor.post("/desk/record", data=again(late.text))
    assert stale.status_code == 403
    assert again(stale.text)["comment"] == "long work"
    assert desk.revision == 0
    refused = visitor.post("/desk/record", data={**again(stale.text), "comment": "", "state": "disputed"})
    assert refused.status_code == 400
    assert "say what is disputed" in refused.text
    too_high = visitor.post("/desk/record", data={**again(stale.text), "state": "approved"})
    assert too_high.status_code == 403
    assert visitor.post("/desk/record", data={**again(too_high.text), "state": "in-review"}).status_code == 200
    assert [entry.comment for entry in desk.history(DEFINITION)] == ["long work"]


def test_a_review_is_not_lost_when_there_are_too_many_or_the_text_has_gone(tmp_path: Path) -> None:
    with desk_at(make_service_root(tmp_path), desk_writes=1) as (client, desk, tokens), Visitor(client) as visitor:
        visitor.sign_in(tokens["reviewer"])
        fields = visitor.fields(visitor.get(PAGE).text, "definition-ipbes-ldr-en")
        mine = {**fields, "state": "in-review", "comment": "long work"}
        assert visitor.post("/desk/record", data=mine).status_code == 200
        late = visitor.post("/desk/record", data={**mine, "version": "1", "comment": "more work"})
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) >= 1
        assert again(late.text)["comment"] == "more work"
        gone = visitor.post("/desk/record", data={**mine, "subject": f"{DEFINITION}-gone"})
        assert gone.status_code == 400
        assert again(gone.text)["comment"] == "long work"
        assert "no such term, label or definition" in gone.text
        strange = visitor.post("/desk/record", data={**mine, "subject": "http://e/"}, headers={"Accept": "*/*"})
        problem(strange, "bad-request")
        assert desk.revision == 1


def test_forms_of_other_sites_do_nothing(service: Service, visit: Visit) -> None:
    _, desk, tokens = service
    visitor = visit(tokens["editor"])
    fields = {
        **visitor.fields(visitor.get(PAGE).text, "definition-ipbes-ldr-en"),
        "state": "approved",
        "comment": "x",
    }
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{service[0].base_url}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        for path in ("/desk/record", "/desk/mark", "/desk/sign-in", "/desk/sign-out"):
            answer = visitor.post(
                path, data={**fields, "secret": tokens["reader"]}, headers={**headers, "Accept": "*/*"}
            )
            problem(answer, "forbidden")
    without = visitor.post("/desk/record", data={**fields, "token": "0" * 64})
    assert without.status_code == 403
    for path in ("/desk/mark", "/desk/sign-out"):
        problem(visitor.post(path, data={"token": "\u00e9"}, headers={"Accept": "*/*"}), "forbidden")
    # A cookie alone records nothing over the API either.
    problem(visitor.post("/desk/reviews", json={}, headers={"Accept": "*/*"}), "unauthorized")
    problem(visitor.post("/desk/seen", json={}, headers={"Accept": "*/*"}), "unauthorized")
    assert desk.revision == 0
    assert visitor.get("/desk/worklist").status_code == 200, "nobody was signed out"


def test_the_page_of_a_term_for_each_role(service: Service, visit: Visit) -> None:
    _, _, tokens = service
    for role, forms in (("reader", 0), ("reviewer", 10), ("editor", 10)):
        page = visit(tokens[role]).get(PAGE).text
        assert page.count('action="/desk/record"') == forms
        assert ('value="approved"' in page) == (role == "editor")
        assert ("/desk/export.ttl" in page) == (role == "editor")
        assert re.search(r'<p class="said" lang="ar" dir="rtl">', page)
        assert "no preferred name yet" in page
        assert MARKUP not in page
        assert html.escape(MARKUP, quote=False).replace('"', "&#34;") in page
        assert not re.search(r"\sstyle=|\son\w+=|<script", page)
        for number in re.findall(r'for="([^"]+)"', page):
            assert f'id="{number}"' in page
        names = re.findall(r'id="([^"]+)"', page)
        assert len(names) == len(set(names))


def test_looked_at_is_what_was_shown(service: Service, visit: Visit) -> None:
    _, _, tokens = service
    visitor = visit(tokens["reviewer"])
    page = visitor.get(PAGE).text
    form = page.partition('action="/desk/mark"')[2].partition("</form>")[0]
    fields = read_fields(form)
    editor = visit(tokens["editor"])
    editor.post("/desk/record", data={**editor.fields(editor.get(PAGE).text, "label-ar-ar"), "state": "approved"})
    after = visitor.post("/desk/mark", data=fields)
    assert after.status_code == 200
    assert "changed since you looked (1)" in after.text, "what came after the page was loaded was not seen"
    assert "not looked at yet (0)" in after.text
    for items in ("x", f"{DEFINITION} en c", f"{DEFINITION} en c x", "a b c 1"):
        answer = visitor.post("/desk/mark", data={**fields, "items": items}, headers={"Accept": "*/*"})
        problem(answer, "bad-request")


def test_a_definition_in_a_language_that_has_none(service: Service, visit: Visit) -> None:
    _, desk, tokens = service
    visitor = visit(tokens["reviewer"])
    form = visitor.get(PAGE).text.partition('id="gaps"')[2].partition("</form>")[0]
    assert f'value="{DEFINITION} zh"' in form
    fields = {**read_fields(form), "target": f"{DEFINITION} zh", "suggestion": "\u6062\u590d"}
    assert visitor.post("/desk/record", data=fields).status_code == 200
    assert desk.history(DEFINITION, "zh")[0].suggestion == "\u6062\u590d"
    assert 'id="definition-ipbes-ldr-zh"' in visitor.get(PAGE).text


def test_pages_that_are_not_there(service: Service, visit: Visit) -> None:
    _, _, tokens = service
    visitor = visit(tokens["reader"])
    for path in (
        "/desk/term/none",
        "/desk/term/ecosystem-restoration%2Fdefinition%2Fx",
        "/desk/nothing",
        "/desk/history?page=7",
    ):
        assert visitor.get(path).status_code == 404, path


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")
def test_two_browsers_at_once(release: Release, tmp_path: Path) -> None:
    """Two people with the real data, with the mouse: one is faster, and neither loses a word."""
    desk = Desk.create(tmp_path / "desk" / "desk.sqlite")
    tokens = [desk.access.invite(name, role)[1] for name, role in (("Ana", "editor"), ("Bo", "reviewer"))]
    with (
        running(root=ROOT, build=release.path.parents[1], desk=tmp_path / "desk", workers=1) as client,
        browser(tmp_path / "ana") as ana,
        browser(tmp_path / "bo") as bo,
    ):
        for page, token in zip((ana, bo), tokens, strict=True):
            page.go(f"{client.base_url}{PAGE}".replace("//desk", "/desk"))
            page.fill("#secret", token)
            page.click("main form button")
            assert page.address.endswith(PAGE)
            assert not page.run("document.cookie"), "no script reads the session"
        section = "#" + str(ana.run("document.querySelector('section.matter').id"))
        for page, state, comment in ((ana, "approved", "Ana agrees"), (bo, "disputed", "Bo does not")):
            page.run(f"document.querySelector('{section} details.write').open = true")
            page.run(f"document.querySelector('{section} input[value={state}]').click()")
            page.fill(f"{section} textarea[name=comment]", comment)
        ana.click(f"{section} details.write button")
        assert ana.address.endswith(section)
        bo.click(f"{section} details.write button")
        assert "Somebody was faster" in bo.text("h1")
        assert "Ana agrees" in bo.text(".sides")
        assert bo.run("document.querySelector('textarea[name=comment]').value") == "Bo does not"
        bo.click(".sides form button")
        assert bo.address.endswith(section)
        assert "disputed" in bo.text(f"{section} h3")
        assert ana.complaints == bo.complaints == []
    assert [(entry.reviewer, entry.comment) for entry in desk.entries()] == [
        ("Ana", "Ana agrees"),
        ("Bo", "Bo does not"),
    ]
    assert desk.find_faults() == []
