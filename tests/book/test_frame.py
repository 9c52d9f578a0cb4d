"""The reader's frame: a line under titles, what the browser remembers, the button, the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import browser as chromium
import pytest
from conftest import ROOT
from playwright.sync_api import Browser
from rendered import read

NOTEBOOKS = sorted(p.stem for p in (ROOT / "book").glob("*.ipynb"))
LESSON = "05_patch_trained_experts"
KEPT = "JSON.parse(localStorage.getItem('score-matching-patch-by-patch'))"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_under_each_title_stands_how_to_read_and_run_it(pages: Path, name: str) -> None:
    line = read(pages / "book" / f"{name}.html").select_one("h1 + .reader")
    words = " ".join(line.get_text().split())
    assert "minutes" in words and f"make lab, then {name}.ipynb" in words
    assert line.a["href"] == f"../_sources/book/{name}.ipynb"


def test_the_glossary_has_letters_and_its_chapters_are_links(pages: Path) -> None:
    page = read(pages / "book" / "glossary.html")
    letters = [link.get_text() for link in page.select("nav.letters a")]
    assert letters == sorted(letters) and len(letters) > 15
    assert page.select_one("#term-curl + dd a")["href"] == "01_gaussian_score.html"


def test_the_claims_have_sections_in_the_contents_list(pages: Path) -> None:
    page = read(pages / "book" / "claims.html")
    assert len(page.select(".bd-toc-nav a, .page-toc a")) > 10


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.launched() as started:
        yield started


def test_the_browser_remembers_and_forgets(browser: Browser, pages: Path) -> None:
    address = (pages / "book" / f"{LESSON}.html").as_uri()
    with chromium.opened(browser, address) as visit:
        page, line = visit.page, visit.page.locator(".reader .progress-line")
        assert not line.is_visible()
        answer = page.locator(".self-check input").nth(1)
        answer.check()
        assert "1 of" in line.text_content() and "this browser only" in line.text_content()
        page.locator("article section > h2").last.scroll_into_view_if_needed()
        page.wait_for_function(f"{KEPT}.read['{LESSON}']")
        visit.go(address)
        page.wait_for_function("document.querySelectorAll('.self-check input')[1].checked")
        assert line.text_content().startswith("✓ read, 1 of")
        assert page.locator(".bd-sidebar-primary a.been").count() == 1
        line.get_by_role("button").click()
        assert page.evaluate(KEPT) is None
        assert not line.is_visible() and not answer.is_checked()
        assert visit.errors + visit.left == []


def test_the_button_of_the_colours_says_its_state(browser: Browser, pages: Path) -> None:
    with chromium.opened(browser, (pages / "book" / "claims.html").as_uri()) as visit:
        button = visit.page.locator(".theme-switch-button").first
        said = []
        for _ in range(3):
            said.append(button.get_attribute("aria-label"))
            button.click()
        assert said[0] == "Colours: as the system has them, now light"
        assert sorted(said[1:]) == ["Colours: dark", "Colours: light"]


CHOOSE = """() => {
  const texts = [...document.querySelectorAll("article section p")];
  const text = texts.find(p => p.firstChild?.length > 60);
  getSelection().setBaseAndExtent(text.firstChild, 5, text.firstChild, 15);
  return text.textContent;
}"""


def test_a_sentence_is_reported_only_where_there_is_an_address(
    browser: Browser, pages: Path
) -> None:
    with chromium.opened(browser, (pages / "book" / "errata.html").as_uri()) as visit:
        assert visit.page.locator("a.report").count() == 0
        visit.page.evaluate(
            "document.head.insertAdjacentHTML('beforeend', '<meta name=course-repository "
            "content=https://github.com/someone/course>')"
        )
        visit.page.evaluate("document.dispatchEvent(new Event('DOMContentLoaded'))")
        text = visit.page.evaluate(CHOOSE)
        link = visit.page.locator("a.report")
        link.wait_for()
        address = link.evaluate("link => decodeURIComponent(link.href.replaceAll('+', ' '))")
        assert address.startswith("https://github.com/someone/course/issues/new?title=Errata")
        assert "Page: book/errata.html#" in address
        assert f"> {text[:20]}" in address
