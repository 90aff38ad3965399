"""A real browser for tests: Chromium without a window, told what to do through its pipe; needs no driver program."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = shutil.which("chromium")
_FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run")


class Page:
    """A window of a browser. What is awaited comes within some seconds, or the test fails."""

    def __init__(self, say: Any, listen: Any) -> None:
        self._say, self._listen, self._number, self._session = say, listen, 0, ""
        self._rest = b""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and what it gives."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._say, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._listen, 1 << 20)
            assert piece, "the browser has gone"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript: of the test, not of the page, whose policy allows none."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def go(self, address: str) -> None:
        """Load a page, and wait until it is there."""
        self.run("window.isOld = true")
        self.call("Page.navigate", url=address)
        self.wait()

    def click(self, selector: str) -> None:
        """Click, and wait for the page that this leads to."""
        self.run("window.isOld = true")
        self.run(f"document.querySelector({json.dumps(selector)}).click()")
        self.wait()

    def wait(self) -> None:
        """Until another page is whole."""
        deadline = time.monotonic() + 20
        while True:
            try:
                if self.run("!window.isOld && document.readyState == 'complete'"):
                    return
            except AssertionError:  # between two pages
                pass
            assert time.monotonic() < deadline, "the page does not come"
            time.sleep(0.05)

    def fill(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")

    def text(self, selector: str = "main") -> str:
        """What a person reads there."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self.run("location.href"))

    def shoot(self, path: Path, width: int = 1100, height: int = 1400) -> None:
        """A picture of the page."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    @property
    def complaints(self) -> list[str]:
        """What the browser found wrong with pages: policies that were broken, scripts that failed."""
        self.run("1")
        return [
            event["params"]["entry"]["text"]
            for event in self.events
            if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["source"] != "network"
        ]


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A browser with a profile of its own."""
    assert CHROMIUM is not None
    theirs_in, say = os.pipe()
    listen, theirs_out = os.pipe()
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    # The browser wants its commands on descriptor 3, and answers on 4.
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Page(say, listen)
    finally:
        os.close(say)
        os.close(listen)
        process.terminate()
        process.wait(20)
