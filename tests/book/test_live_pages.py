"""The live edition reads like the page: the same paragraphs, with the same numbers and names."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from conftest import ROOT
from live_edition import edition
from markdown_it import MarkdownIt
from nbformat import NotebookNode

BOOK = ROOT / "book"
NAMES = sorted(path.name for path in BOOK.glob("[0-9]*.ipynb"))
NAMES += ["errata.md", "glossary.md", "notation.md", "projects.md", "trouble.md"]
SPOKEN = "p, li, td, th, dt, h1, h2, h3, legend, summary, label, .reply, figcaption, caption"
APART = ("ul", "ol", "p", "div", "table")
FORMULA = re.compile(r"\$\$.*?\$\$|(?<!\\)\$[^$]+?\$", re.S)
NUMBERED = re.compile(r"(Fig\.|Theorem|Proposition) (\d)\.(\d)")


@cache
def live() -> dict[str, NotebookNode]:
    return dict(edition(BOOK))


def said_by_the_page(name: str, pages: Path) -> set[str]:
    text = (pages / "book" / name).with_suffix(".html").read_text(encoding="utf-8")
    article = BeautifulSoup(text, "html.parser").select_one("article.bd-article")
    for gone in article.select(".headerlink, .section-number, script, style, .meanings"):
        gone.decompose()
    for formula in article.select(".math"):
        formula.replace_with("∎")
    return {plain(tag) for tag in article.select(SPOKEN)}


def said_by(sources: list[str]) -> set[str]:
    """Paragraphs of Markdown as an editor shows them; ∎ stands for a formula."""
    markdown = MarkdownIt("commonmark").enable("table")
    shown = [markdown.render(FORMULA.sub("∎", source)) for source in sources]
    tags = BeautifulSoup("".join(shown), "html.parser").select(SPOKEN)
    return {plain(tag) for tag in tags} - {"", "∎"}


def plain(tag: Tag) -> str:
    """The words of one paragraph, without those of lists and paragraphs inside it."""
    apart = () if "reply" in tag.get("class", ()) else APART
    parts = [part for part in tag.children if getattr(part, "name", "") not in apart]
    words = re.sub("[’‘]", "'", "".join(part.get_text() for part in parts))
    words = re.sub("[“”]", '"', words).replace("…", "...")
    return re.sub(r"\s+", "", words)


def sources(name: str) -> list[str]:
    return [cell.source for cell in live()[name].cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_the_page_says(name: str, pages: Path) -> None:
    said = said_by(sources(name))
    assert len(said) > 20
    assert sorted(said - said_by_the_page(name, pages)) == []


def test_a_wrong_number_is_seen(pages: Path) -> None:
    wrong = [NUMBERED.sub(r"\1 \2.9\3", source) for source in sources("05_patch_mrf.ipynb")]
    assert len(said_by(wrong) - said_by_the_page("05_patch_mrf.ipynb", pages)) > 10


def test_every_page_of_the_edition_is_compared() -> None:
    assert sorted(live()) == sorted(NAMES)
