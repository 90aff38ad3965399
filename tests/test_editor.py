"""The query editor in a real browser: completion, faults where they are, answers, links that pin, keys, no others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from cbdgraph.store.releases import Release
from tests.browsing import CHROMIUM, Page, browser
from tests.bundling import NODE_MARKS, build_web
from tests.conftest import ROOT
from tests.test_server_running import running

pytestmark = [*NODE_MARKS, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")]

DECISIONS = """PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>
SELECT ?decision
WHERE { ?decision a cbd:Decision }
ORDER BY ?decision
LIMIT 5"""
COUNTED = "SELECT ?class (COUNT(*) AS ?records) { ?record a ?class } GROUP BY ?class ORDER BY DESC(?records) ?class"
_EDITOR = "document.querySelector('.CodeMirror').CodeMirror"


@pytest.fixture(scope="module")
def built(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with the real release and the bundles; the folder of the release itself has none."""
    build = tmp_path_factory.mktemp("with-web")
    (build / "releases").symlink_to(release.path.parent)
    (build / "current").symlink_to(Path("releases") / release.path.name)
    build_web(build)
    return build


@pytest.fixture(scope="module")
def service(built: Path) -> Iterator[httpx.Client]:
    with running(root=ROOT, build=built, workers=2) as client:
        yield client


@pytest.fixture(scope="module")
def origin(service: httpx.Client) -> str:
    return str(service.base_url).rstrip("/")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        size = {"width": 1300, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        page.call("Emulation.setDeviceMetricsOverride", **size)
        yield page


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    """The window; what it complained of, whom it asked and what failed in it is looked at after each test."""
    window.events.clear()
    yield window
    thrown = [each for each in window.events if each.get("method") == "Runtime.exceptionThrown"]
    assert not thrown, thrown
    assert not window.complaints


def await_(page: Page, script: str, seconds: float = 20) -> Any:
    """The value of a script, as soon as it is one."""
    deadline = time.monotonic() + seconds
    while not (value := page.run(script)):
        assert time.monotonic() < deadline, script
        time.sleep(0.05)
    return value


def open_editor(page: Page, address: str) -> None:
    page.go(address)
    await_(page, "document.documentElement.classList.contains('has-editor')")
    await_(page, "document.getElementById('editor').dataset.completes")


def ask(page: Page, query: str) -> None:
    page.run(f"{_EDITOR}.setValue({json.dumps(query)})")
    press(page, "Enter", modifiers=2)


def press(page: Page, key: str, modifiers: int = 0) -> None:
    codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowRight": 39, " ": 32}
    common = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": codes[key]}
    page.run(f"document.activeElement === document.body && {_EDITOR}.focus()")
    page.call("Input.dispatchKeyEvent", type="rawKeyDown", modifiers=modifiers, **common)
    page.call("Input.dispatchKeyEvent", type="keyUp", modifiers=modifiers, **common)


def write(page: Page, text: str) -> None:
    for letter in text:
        page.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=letter)
        time.sleep(0.03)


def rows(page: Page) -> list[list[str]]:
    await_(page, "document.querySelector('#answer-place[aria-busy=false] tbody tr') ? 1 : 0")
    found: list[list[str]] = page.run(
        "[...document.querySelectorAll('#answer-place tbody tr')].map(r => [...r.cells].map(c => c.innerText))"
    )
    return found


def counts(page: Page) -> list[list[str]]:
    """Rows of an IRI and a number, whether or not the names of the IRIs have come by then."""
    shown = rows(page)
    iris = page.run("[...document.querySelectorAll('#answer-place tbody a')].map(a => a.title)")
    return [[iri, row[-1]] for iri, row in zip(iris, shown, strict=True)]


def test_ctrl_enter_asks_and_the_answer_stands_in_a_table(page: Page, origin: str, service: httpx.Client) -> None:
    open_editor(page, f"{origin}/sparql")
    page.run(f"{_EDITOR}.focus()")
    ask(page, DECISIONS)
    links = [
        row["decision"]["value"]
        for row in service.get("/sparql", params={"query": DECISIONS, "format": "json"}).json()["results"]["bindings"]
    ]
    assert len(rows(page)) == len(links) == 5
    shown = page.run(
        "[...document.querySelectorAll('#answer-place tbody a')].map(a => [a.getAttribute('href'), a.title])"
    )
    assert shown == [[iri.removeprefix("https://w3id.org/cbdgraph"), iri] for iri in links]
    # What a decision is called comes after.
    await_(page, "[...document.querySelectorAll('#answer-place tbody a')].every(a => /^Decision /.test(a.innerText))")
    assert "LIMIT" in page.text(".counted"), "it may not be all, and says so"
    assert service.get("/version").json()["release"] in page.text(".status")
    assert parse_qs(urlsplit(page.address).query)["query"] == [DECISIONS]


def test_a_class_and_its_prefix_are_completed(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    page.run(f"{_EDITOR}.setValue('SELECT * WHERE {{\\n  ?x a \\n}}'); {_EDITOR}.focus(); {_EDITOR}.setCursor(1, 7)")
    write(page, "cbd:Dec")
    offered = await_(page, "[...document.querySelectorAll('.CodeMirror-hint')].map(e => e.innerText).join('|')")
    assert offered.startswith("cbd:Decision")
    press(page, "Enter")
    text = await_(page, f"{_EDITOR}.getValue().includes('cbd:Decision') && {_EDITOR}.getValue()")
    assert text == "PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>\nSELECT * WHERE {\n  ?x a cbd:Decision\n}"


def test_properties_of_the_classes_named_come_first(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    start = "PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>\nSELECT * WHERE {\n  ?x a cbd:Citation ;\n    \n}"
    page.run(f"{_EDITOR}.setValue({json.dumps(start)}); {_EDITOR}.focus(); {_EDITOR}.setCursor(3, 4)")
    write(page, "cbd:")
    hints = "[...document.querySelectorAll('.CodeMirror-hint')].map(e => e.innerText.split(/\\s/)[0])"
    await_(page, f"{hints}.length > 3")
    offered = page.run(hints)
    own = {"cbd:citedPart", "cbd:citingPart", "cbd:issue", "cbd:partQuote", "cbd:quote"}
    assert len(own & set(offered[:16])) >= 3, offered
    press(page, "Escape")


def test_a_fault_is_marked_where_it_is_while_typing(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    page.run(f"{_EDITOR}.setValue('SELECT *\\nWHERE {{\\n  ?a ?b\\n}}')")
    await_(page, "document.querySelector('.notice').innerText.startsWith('Line 4, column 1')")
    marked = f"[...Array({_EDITOR}.lineCount()).keys()].filter(n => {_EDITOR}.lineInfo(n).gutterMarkers)"
    assert page.run(marked) == [3]
    assert page.run(f"{_EDITOR}.getInputField().getAttribute('aria-invalid')") == "true"
    page.run(f"{_EDITOR}.setValue('SELECT *\\nWHERE {{\\n  ?a ?b ?c\\n}}')")
    await_(page, "document.querySelector('.notice').innerText === '' && 1")
    assert page.run(marked) == []


def test_a_fault_that_only_the_service_finds_is_marked_too(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    ask(page, "SELECT ?a\nWHERE { ?a ?b ?c .\n  FILTER(?undeclared:x) }\n")
    await_(page, "document.querySelector('#answer-place .error') && 1")
    ask(page, "SELECT *\nWHERE { ?a no:such ?c }")
    await_(page, "/no:/.test(document.querySelector('#answer-place .error')?.innerText)")
    assert page.run("document.querySelectorAll('.fault.service').length") == 1
    page.run("document.querySelector('#answer-place .error button').click()")
    assert page.run(f"[{_EDITOR}.hasFocus(), {_EDITOR}.getCursor().line]") == [True, 1]


def test_a_link_pins_the_release_and_gives_the_same_answer(
    page: Page, origin: str, service: httpx.Client, release: Release
) -> None:
    open_editor(page, f"{origin}/sparql?{urlencode({'query': COUNTED})}")
    before = counts(page)
    page.run("[...document.querySelectorAll('.buttons button')].find(b => b.hasAttribute('aria-expanded')).click()")
    addresses = page.run("[...document.querySelectorAll('.share input')].map(i => i.value)")
    pinned = addresses[0]
    assert f"release={release.manifest.release}" in pinned
    assert "release=" not in addresses[-1]
    open_editor(page, pinned)
    assert counts(page) == before
    assert service.get(pinned, headers={"Accept": "text/csv"}).status_code == 200


def test_an_older_release_is_asked_and_named(page: Page, origin: str, service: httpx.Client) -> None:
    older = service.get("/version").json()["older_releases"]
    assert older, "the real data have been released before"
    open_editor(page, f"{origin}/sparql?{urlencode({'query': COUNTED, 'release': older[-1]})}")
    rows(page)
    await_(page, f"document.querySelector('.status').innerText.endsWith({json.dumps(older[-1])}) && 1")
    assert older[-1] in page.text(".as-of")
    current = page.run("document.querySelector('.as-of a').href")
    assert "release" not in parse_qs(urlsplit(current).query)
    downloads = page.run("[...document.querySelectorAll('.downloads a')].map(a => a.href)")
    assert all(f"release={older[-1]}" in each for each in downloads)
    page.run("[...document.querySelectorAll('#answer-place tbody a')][0].click()")


def test_an_empty_answer_says_why(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    ask(page, "PREFIX cbd: <https://w3id.org/cbdgraph/ontology#>\nSELECT * { ?decision a cbd:Decison }")
    why = await_(page, "document.querySelector('.why')?.innerText")
    assert "cbd:Decision" in why
    assert page.run("document.querySelectorAll('.fault.service').length") == 1


def test_counts_are_a_chart_and_raw_text(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql?{urlencode({'query': COUNTED})}")
    table = rows(page)
    page.run("document.getElementById('view-0').focus()")
    press(page, "ArrowRight")
    assert page.run("document.activeElement.innerText") == "Chart"
    bars = page.run("[...document.querySelectorAll('.bars li')].map(b => b.querySelector('.bar-value').innerText)")
    assert bars == [row[1] if "," in row[1] else f"{int(row[1]):,}" for row in table][: len(bars)]
    widths = page.run("[...document.querySelectorAll('.bar-length')].map(b => b.getBoundingClientRect().width)")
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 100
    press(page, "ArrowRight")
    assert page.run("JSON.parse(document.querySelector('#view pre').innerText).head.vars") == ["class", "records"]


def test_other_forms_of_answers(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    ask(page, "ASK { ?a ?b ?c }")
    assert await_(page, "document.querySelector('.answer')?.innerText") == "yes"
    ask(page, "DESCRIBE <https://w3id.org/cbdgraph/target/aichi/15>")
    await_(page, "/cbd:/.test(document.querySelector('#view pre')?.innerText)")
    assert "Turtle" in page.text(".downloads")


def test_an_answer_over_a_limit_offers_its_first_page(built: Path, page: Page) -> None:
    with running(root=ROOT, build=built, workers=1, max_rows=1000) as client:
        open_editor(page, f"{str(client.base_url).rstrip('/')}/sparql")
        ask(page, "SELECT * { ?a ?b ?c }")
        said = await_(page, "document.querySelector('#answer-place .error')?.innerText")
        assert "1,000" in said
        page.run("[...document.querySelectorAll('#answer-place .error button')].at(-1).click()")
        assert len(rows(page)) == 100
        assert page.text(".rows > p").endswith("100 of 1,000 rows are shown")


def test_nobody_is_caught_in_the_editor(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    page.run(f"{_EDITOR}.focus()")
    press(page, "Tab")
    assert page.run(f"!{_EDITOR}.hasFocus() && document.activeElement !== document.body")
    page.run(f"{_EDITOR}.focus()")
    press(page, "Escape")
    assert page.run("document.activeElement.innerText") == "Run"
    assert page.run(f"{_EDITOR}.getInputField().getAttribute('aria-label')"), "it has a name"


def test_a_plain_field_does_the_same(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    page.run("document.querySelector('.buttons [aria-pressed]').click()")
    assert page.run("document.activeElement.id") == "query"
    page.run(f"document.activeElement.value = {json.dumps(DECISIONS)}")
    press(page, "Enter", modifiers=2)
    assert len(rows(page)) == 5


def test_questions_are_found_and_asked(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    every = page.run("document.querySelectorAll('#examples li').length")
    page.run(
        "const f = document.getElementById('find-example'); f.value = 'aichi 15'; f.dispatchEvent(new Event('input'))"
    )
    left = page.run("document.querySelectorAll('#examples li:not([hidden])').length")
    assert 0 < left < every
    page.run("document.querySelector('#examples li:not([hidden]) a').click()")
    assert rows(page)
    assert "aichi/15" in page.run(f"{_EDITOR}.getValue()").lower()


def test_going_back_finds_the_query_before(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    ask(page, DECISIONS)
    rows(page)
    ask(page, COUNTED)
    await_(page, "document.querySelector('#answer-place[aria-busy=false] th')?.innerText === 'class'")
    page.run("history.back()")
    await_(page, "document.querySelector('#answer-place[aria-busy=false] th')?.innerText === 'decision'")
    assert page.run(f"{_EDITOR}.getValue()") == DECISIONS


def test_texts_of_an_answer_stay_texts(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    bad = "<img src=x onerror=alert(1)>"
    ask(page, f'SELECT ("{bad}" AS ?text) ("{bad}"@ar AS ?said) (IRI("javascript:alert(1)") AS ?iri) {{}}')
    assert [cell.split("\n")[0] for cell in rows(page)[0]] == [bad, f"{bad} ar", "javascript:alert(1)"]
    assert page.run("document.querySelectorAll('#answer-place img, #answer-place tbody a').length") == 0
    assert page.run("document.querySelector('#answer-place bdi[lang=ar]').dir") == "rtl"


def test_a_long_query_is_asked_by_post(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql")
    ask(page, f"# {'x' * 20_000}\n{DECISIONS}")
    assert len(rows(page)) == 5
    assert page.run("document.querySelectorAll('.downloads form').length") == 4


def test_it_asks_nobody_else_and_keeps_nothing(page: Page, origin: str) -> None:
    open_editor(page, f"{origin}/sparql?{urlencode({'query': COUNTED})}")
    rows(page)
    write_at = f"{_EDITOR}.focus(); {_EDITOR}.setValue('SELECT * {{ ?x a  }}'); {_EDITOR}.setCursor(0, 16)"
    page.run(write_at)
    write(page, "foaf:Per")
    time.sleep(1)
    asked = [
        event["params"]["request"]["url"]
        for event in page.events
        if event.get("method") == "Network.requestWillBeSent"
    ]
    assert len(asked) > 4
    assert {f"{part.scheme}://{part.netloc}" for part in map(urlsplit, asked)} == {origin}
    assert page.run("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_without_scripts_the_form_answers(page: Page, origin: str) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.call("Page.navigate", url=f"{origin}/sparql?{urlencode({'query': DECISIONS})}")
        time.sleep(1.5)
        html = page.call("DOM.getDocument", depth=1)["root"]
        text = page.call("DOM.getOuterHTML", nodeId=html["nodeId"])["outerHTML"]
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "<textarea" in text
    assert text.count('href="/decision/cop/') >= 5
    assert "has-editor" not in text


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
def test_axe_finds_nothing(page: Page, origin: str, axe: str, theme: str, width: int) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    try:
        open_editor(page, f"{origin}/sparql?{urlencode({'query': COUNTED})}")
        rows(page)
        for view in ("view-0", "view-1", "view-2"):
            page.run(f"document.getElementById('{view}').click()")
            assert _violations(page, axe) == []
        page.run(f"{_EDITOR}.setValue('SELECT *')")
        press(page, "Enter", modifiers=2)
        await_(page, "document.querySelector('#answer-place .error') && 1")
        page.run("document.querySelector('.buttons [aria-expanded]').click()")
        assert _violations(page, axe) == []
        assert page.run("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    finally:
        size["width"] = 1300
        page.call("Emulation.setDeviceMetricsOverride", **size)
        page.call("Emulation.setEmulatedMedia", features=[])


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, which is a package of development in web/."""
    found = next((ROOT / "build" / "npm").glob("*/node_modules/axe-core/axe.min.js"), None)
    assert found is not None, "it is in the lock file"
    return found.read_text(encoding="utf-8")


def _violations(page: Page, axe: str) -> list[Any]:
    page.run(f"window.axe || (() => {{ {axe} }})(); 1")
    found: list[Any] = page.run(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        ".then(r => r.violations.map(v => [v.id, v.help, v.nodes.slice(0, 4).map(n => n.html.slice(0, 200))]))"
    )
    return found
