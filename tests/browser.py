"""A headless Chromium for the tests: find it, open a page in it, write down what it complains of.

Whoever sets NEED_BROWSER=1, as `.ci/run` does, gets a failure where there is no Chromium; anyone
else gets a skip that says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from chromium import FLAGS, READY, find
from patience import FOR_EVER
from playwright.sync_api import Browser, Page, Request, sync_playwright

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
HERE_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
COLOURS = ("color-contrast", "link-in-text-block")  # rules of axe that a colour scheme can break

LOOK = """async rules => {
  const some = rules.length ? {runOnly: {type: "rule", values: rules}} : {};
  const found = await axe.run(document, {resultTypes: ["violations"], preload: false, ...some});
  return found.violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id} (${rule.impact}): ${node.target.join(" ")}`));
}"""

THIN = """() => {
  const seen = new Set(), formulas = [...document.querySelectorAll("math")];
  const boxes = formulas.map(formula => formula.getBoundingClientRect());
  formulas.forEach((formula, i) => {
    const {width, height} = boxes[i];
    Object.assign(formula.style, {width: `${width}px`, height: `${height}px`});
    formula.replaceChildren();
  });
  document.querySelectorAll(".highlight span").forEach(token => {
    if (seen.has(token.className)) token.replaceWith(...token.childNodes);
    else seen.add(token.className);
  });
  document.querySelectorAll("article dl.py").forEach((entry, i) => { if (i > 20) entry.remove(); });
}"""


def require() -> str:
    """Return its place, or skip; where NEED_BROWSER=1, fail."""
    place = find()
    if place is None and os.environ.get("NEED_BROWSER", "") not in ("", "0"):
        pytest.fail("NEED_BROWSER is set, and there is no Chromium: apt-get install chromium")
    if place is None:
        pytest.skip("no Chromium on this machine (NEED_BROWSER=1 would make this a failure)")
    return place


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the system's Chromium without a window."""
    place = require()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=place, args=[*FLAGS, HERE_ONLY])
        yield browser
        browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine only; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@dataclass
class Visit:
    """A page that is open, and what went wrong on it so far."""

    page: Page
    errors: list[str] = field(default_factory=list)  # of the console, and of scripts
    left: list[str] = field(default_factory=list)  # addresses outside the book that it asked for
    asked: list[str] = field(default_factory=list)  # addresses of the book, itself included

    def go(self, address: str) -> None:
        """Open another page in the same window, and forget the one before."""
        for heard in (self.errors, self.left, self.asked):
            heard.clear()
        self.page.goto(address)
        self.ready()

    def ready(self) -> None:
        """Wait until the fonts are there and the browser has drawn twice."""
        self.page.evaluate(READY)

    def wear(self, scheme: str, viewport: dict[str, int]) -> None:
        """Change the colour scheme and the window."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size(viewport)
        self.page.wait_for_function("width => innerWidth === width", arg=viewport["width"])
        self.ready()

    def halt(self) -> None:
        """Stop the clock of the page; `later` moves it on."""
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1)

    def later(self, milliseconds: int) -> None:
        """Let so much time of a halted page pass: all that waits for it happens, at once."""
        self.page.clock.run_for(milliseconds)

    def violations(self, *rules: str) -> list[str]:
        """Complaints of axe-core, of every severity; of all its rules, or of ``rules`` only."""
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(_axe())
        return self.page.evaluate(LOOK, rules)

    def thin(self) -> None:
        """Keep no formulas, one token of each kind, twenty docstrings: a quick second look."""
        self.page.request_gc()  # of the ranges that axe leaves, which slow each removal
        self.page.evaluate(THIN)

    def overflow(self) -> list[str]:
        """How far the page can be moved sideways, which it should not."""
        wide, window = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        return [f"{wide} pixels wide in a window of {window}"] if wide > window else []

    def nodes(self) -> int:
        """How many elements there are, formulas included: what takes a browser its time."""
        return self.page.evaluate("document.querySelectorAll('*').length")


@contextmanager
def opened(browser: Browser, address: str, **options: Any) -> Iterator[Visit]:
    """Open one address with a fresh profile; requests to anywhere else are noted, and fail."""
    settings = {"viewport": DESKTOP, "reduced_motion": "reduce", "color_scheme": "light"}
    context = browser.new_context(**(settings | options))
    context.set_default_timeout(1000 * FOR_EVER)
    visit = Visit(context.new_page())
    _listen(visit)
    visit.go(address)
    yield visit
    context.close()


def _listen(visit: Visit) -> None:
    def hear(request: Request) -> None:
        if request.url.startswith(("file://", "http://127.0.0.1:")):
            visit.asked.append(request.url)
        elif not request.url.startswith(("data:", "blob:")):
            visit.left.append(request.url)

    page = visit.page
    page.on("request", hear)
    page.on("pageerror", lambda error: visit.errors.append(f"script: {error}"))
    page.on("console", lambda m: visit.errors.append(m.text) if m.type == "error" else None)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8") + "\n;0"
