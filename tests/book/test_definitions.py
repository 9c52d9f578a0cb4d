"""Words of the glossary: lessons use them, pages carry their meaning, and a browser shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import browser as chromium
import definitions
import nbformat
import pytest
from conftest import ROOT
from docutils import nodes
from docutils.utils import new_document
from playwright.sync_api import Browser, Page
from rendered import read
from sphinx import addnodes

LESSONS = sorted(p for p in (ROOT / "book").glob("*.ipynb") if not p.stem.endswith("_lab"))
FEWEST = 6
ROLE = re.compile(r"\{term\}`(?:[^`<]*<([^`>]+)>|([^`<]+))`")


def terms(book: nbformat.NotebookNode) -> list[str]:
    """Words of the glossary that a lesson links to."""
    text = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    return [(target or word).casefold() for target, word in ROLE.findall(text)]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_explains_its_words_once_each(path: Path) -> None:
    found = terms(nbformat.read(path, as_version=4))
    assert len(found) >= FEWEST
    assert [word for word, times in Counter(found).items() if times > 1] == []


def reference(domain: str, text: str) -> addnodes.pending_xref:
    return addnodes.pending_xref("", nodes.inline("", text), refdomain=domain)


def glossary() -> nodes.document:
    words = [nodes.Text("See "), reference("std", "score"), nodes.Text(" of "), nodes.math("", "x")]
    words += [nodes.Text(" by "), reference("cite", "Key2000"), nodes.Text(". Chapter 1.")]
    item = nodes.definition_list_item(
        "",
        nodes.term("", "energy", ids=["term-energy"]),
        nodes.definition("", nodes.paragraph("", "", *words)),
    )
    document = new_document("glossary")
    document += nodes.definition_list("", item)
    return document


def test_a_definition_keeps_words_and_formulas_and_loses_links() -> None:
    ((anchor, (word, text)),) = definitions.meaning(glossary()).items()
    assert (anchor, word) == ("term-energy", "energy")
    assert text.astext() == "See score of x by. Chapter 1."
    assert list(text.findall(addnodes.pending_xref)) == []
    assert len(list(text.findall(nodes.math))) == 1
    assert "score" in glossary().astext(), "the glossary keeps its own"


def test_each_word_of_a_page_is_taken_once() -> None:
    document = new_document("page")
    for uri in ("g.html#term-b", "g.html#term-a", "g.html#term-b", "g.html#else", "g.html"):
        document += nodes.reference("", "x", refuri=uri)
    assert list(definitions.used(document)) == ["term-b", "term-a"]


def test_every_link_to_the_glossary_has_its_definition_on_the_page(pages: Path) -> None:
    for path in LESSONS:
        soup = read(pages / "book" / f"{path.stem}.html")
        links = soup.select("article a[href^='glossary.html#term-']")
        boxes = {box["id"] for box in soup.select(".meanings[hidden] > [role=tooltip]")}
        wanted = {link["href"].replace("glossary.html#term-", "definition-") for link in links}
        assert wanted == boxes
        assert soup.select(".meaning a, .meaning .problematic") == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.launched() as started:
        yield started


@pytest.fixture(scope="module")
def visit(browser: Browser, pages: Path) -> Iterator[chromium.Visit]:
    with chromium.served(pages) as server:
        with chromium.opened(browser, f"{server}/book/02_score_matching.html") as opened:
            opened.thin()
            yield opened


@pytest.fixture(scope="module")
def halted(browser: Browser, pages: Path) -> Iterator[chromium.Visit]:
    """The same page with a clock that a test moves by hand."""
    page = pages / "book" / "02_score_matching.html"
    with chromium.opened(browser, page.as_uri()) as opened:
        opened.halt()
        yield opened


def seen(page: Page) -> list[str]:
    return [box.get_attribute("id") for box in page.locator(".meaning:visible").all()]


LONG = 60_000  # milliseconds of the page's own clock


def test_the_pointer_shows_a_definition_that_stays_and_goes(halted: chromium.Visit) -> None:
    """Shown under the pointer, hoverable itself, gone with Escape and when the pointer leaves."""
    visit, page, link = halted, halted.page, halted.page.locator("a.defined").nth(4)
    name = link.get_attribute("aria-describedby")
    assert seen(page) == []
    link.hover()
    assert seen(page) == [], "a pointer that only passes shows nothing"
    visit.later(LONG)
    assert seen(page) == [name]
    page.locator(f"#{name}").hover()
    visit.later(LONG)
    assert seen(page) == [name], "it must stay while the pointer is on it"
    page.keyboard.press("Escape")
    assert seen(page) == []
    page.locator("article h1").hover()
    link.hover()
    visit.later(LONG)
    assert seen(page) == [name]
    page.locator("article h1").hover()
    visit.later(LONG)
    assert seen(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [chromium.DESKTOP, chromium.PHONE], ids=["desktop", "phone"])
def test_the_focus_shows_a_definition_that_fits(
    visit: chromium.Visit, window: dict[str, int], scheme: str
) -> None:
    visit.wear(scheme, window)
    links = visit.page.locator("a.defined")
    for i in range(0, links.count(), 4):
        links.nth(i).focus()
        (name,) = seen(visit.page)
        box = visit.page.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= window["width"]
        assert visit.overflow() == []
    assert visit.violations() == []
    assert visit.page.evaluate("document.activeElement.className") == "reference internal defined"
    visit.page.keyboard.press("Escape")
    assert seen(visit.page) == []
    visit.page.keyboard.press("Tab")
    assert visit.errors + visit.left == []
