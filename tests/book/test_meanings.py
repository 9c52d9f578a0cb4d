"""What links lead to: pages carry it, and a browser shows it under the pointer and at the focus."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import browser as chromium
import built
import meanings
import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from playwright.sync_api import Browser, Page
from rendered import read

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


PAGE = """<article><h1>Title</h1><section><h2>Part</h2><p>See
<a class="reference internal" href="other.html#thm">Theorem 1</a>,
<a class="reference internal" href="bibliography.html#id1">Key, 2000</a> and again
<a class="reference internal" href="other.html#thm">Theorem 1</a>, but not
<a class="reference internal" href="other.html#part">a part</a>.</p></section></article>"""
OTHER = """<article><h1>Other</h1><div class="proof theorem" id="thm"><p class="admonition-title">
<span class="caption-number">Theorem 1 </span> (Rule)</p><section>So is <a href="x">it</a>
<span id="place">here</span>.<details>Proof</details></section></div></article>"""
BOOKS = """<article><h1>Bibliography</h1><div class="citation" id="id1"><span
class="label">[1]</span><p>Key. A title.</p></div></article>"""


def written(folder: Path, **pages: str) -> str:
    """What becomes of a page beside others, built twice."""
    told = meanings.Meanings()
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
        told.read(name, built.article(html))
    told.write(folder)
    told.write(folder)
    return (folder / "page.html").read_text(encoding="utf-8")


def test_a_page_brings_what_it_points_at_once_and_without_links(tmp_path: Path) -> None:
    text = written(tmp_path, page=PAGE, other=OTHER, bibliography=BOOKS)
    boxes = BeautifulSoup(text, "lxml").select(".meanings[hidden] > [role=tooltip]")
    assert [box["data-for"] for box in boxes] == ["other.html#thm", "bibliography.html#id1"]
    said = [" ".join(box.get_text(" ").split()) for box in boxes]
    assert said == ["Theorem 1 (Rule) So is it here . Other", "Key. A title. Here: Part."]
    assert [box.select("a, [id]") for box in boxes] == [[], []]
    assert meanings.bare(text) == PAGE


def test_a_box_is_bounded(tmp_path: Path) -> None:
    long = OTHER.replace("So is", "So is <b>it</b> " * meanings.LARGEST)
    text = written(tmp_path, page=PAGE, other=long, bibliography=BOOKS)
    assert len(text) < len(PAGE) + 3000


def test_every_link_to_the_glossary_has_its_definition_on_the_page(pages: Path) -> None:
    for path in LESSONS:
        soup = read(pages / "book" / f"{path.stem}.html")
        links = {a["href"] for a in soup.select("article a[href^='glossary.html#term-']")}
        boxes = {box["data-for"] for box in soup.select(".meanings[hidden] > [role=tooltip]")}
        assert links and links <= boxes
        assert soup.select(".meaning a, .meaning .problematic") == []


def test_references_say_who_what_and_where_they_are_used(pages: Path) -> None:
    soup = read(pages / "book" / "02_score_matching.html")
    boxes = soup.select(".meaning[data-for^='bibliography.html#']")
    vincent = next(box for box in boxes if "Pascal Vincent" in box.get_text())
    assert "denoising autoencoders" in vincent.get_text()
    assert "Here: Trade it for noise" in vincent.select_one(".where").get_text()


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


KINDS = {
    "word": "a[href*='#term-']",
    "equation": "a.internal[href^='#equation-']",
    "theorem": "a[href^='#thm-']",
    "figure": "a.internal[href^='#fig-']",
    "reference": "a[href^='bibliography.html#']",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [chromium.DESKTOP, chromium.PHONE], ids=["desktop", "phone"])
def test_the_focus_shows_what_is_meant_and_it_fits(
    visit: chromium.Visit, window: dict[str, int], scheme: str
) -> None:
    visit.wear(scheme, window)
    for kind, links in KINDS.items():
        visit.page.locator(f"article {links}").first.focus()
        (name,) = seen(visit.page)
        box = visit.page.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0, kind
        assert box["x"] + box["width"] <= window["width"], kind
        assert visit.overflow() == []
        assert visit.violations() == [], kind
    visit.page.keyboard.press("Escape")
    assert seen(visit.page) == []
    visit.page.keyboard.press("Tab")
    assert visit.errors + visit.left == []


def test_the_first_tap_shows_and_the_second_follows(browser: Browser, pages: Path) -> None:
    page = pages / "book" / "02_score_matching.html"
    options = {"viewport": chromium.PHONE, "has_touch": True}
    with chromium.opened(browser, page.as_uri(), **options) as visit:
        link = visit.page.locator("article a.internal[href^='#equation-']").first
        link.tap()
        assert len(seen(visit.page)) == 1
        assert "#" not in visit.page.url
        visit.page.locator("article h1").tap()
        assert seen(visit.page) == []
        link.tap()
        link.tap()
        assert visit.page.url.endswith(link.get_attribute("href"))
