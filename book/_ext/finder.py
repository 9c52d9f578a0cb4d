"""What the search finds: every place of the book by its name, with its words as a reader sees them.

Sphinx's own search counts words on pages. Here the built pages are read once more, and each word of
the glossary, numbered result, heading, figure, claim, public name and reference becomes a line of
``_static/places.js``, without source; ``finder.js`` ranks the lines. A script opens from disk, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bs4 import Tag
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from spoken import spoken
from written import BOOK

SYNONYMS = BOOK / "_data" / "synonyms.json"
ASIDE = (
    "script, style, .headerlink, .meanings, .cell_input, .lesson-player, "
    "[class*=highlight-]:not(.highlight-text), "
    ".cell_output .stream, details.hide, .reader, .section-number, .eqno"
)
REPEATS = ("book/claims", "book/results")
"""Pages that say again what other pages say: they are found by their names only."""


class Place(NamedTuple):
    """One line of the index."""

    kind: str
    name: str
    anchor: str
    text: str


def places(article: Tag) -> list[Place]:
    """Every place of a page; it takes the page apart."""
    numbered = list(equations(article))
    for formula in article.select(".math"):
        formula.string = f" {spoken(formula)} " if formula.name == "div" else spoken(formula)
    for aside in article.select(ASIDE):
        aside.extract()
    return [*boxes(article), *numbered, *sections(article)]


def equations(article: Tag) -> Iterator[Place]:
    """Labelled equations, each by the box or the heading under which it stands."""
    for formula in article.select("div.math[id^=equation-]"):
        number = words(formula.select_one(".eqno")).rstrip("#") if formula.select(".eqno") else ""
        box = formula.find_parent("div", class_="proof")
        title = title_of(box) if box else words(formula.find_previous(re.compile("^h[1-6]$")))
        yield Place("equation", f"{title.rstrip('#')} {number}", formula["id"], spoken(formula))


def boxes(article: Tag) -> Iterator[Place]:
    """Words, results, figures, names and references; each leaves the page with its text."""
    for term in article.select("dl.glossary > dt[id]"):
        yield Place("word", words(term), term["id"], words(term.find_next_sibling("dd")))
    for glossary in article.select("dl.glossary"):
        glossary.extract()
    for box in article.select("div.proof[id]"):
        title = box.select_one(".admonition-title")
        yield Place("result", title_of(box), box["id"], words(title.find_next_sibling()))
        box.extract()
    for figure in article.select("figure[id]"):
        number = words(figure.select_one(".caption-number"))
        yield Place("figure", number, figure["id"], words(figure.select_one(".caption-text")))
        figure.extract()
    for entry in article.select("div.citation[id]"):
        text = words(entry.find("p"))
        yield Place("reference", text.partition(". ")[0], entry["id"], text)
        entry.extract()
    for name in article.select("dl.py > dt[id]"):
        first = name.find_next_sibling("dd").find("p")
        short = ".".join(name["id"].split(".")[-2:])
        yield Place("library", short, name["id"], words(first))
    for claim in article.select("ul.ledger > li"):
        said, evidence = claim.select_one(".said"), claim.select_one(".evidence")
        yield Place("claim", words(said), claim["id"], words(evidence))
    for done in article.select("ul.ledger"):
        done.extract()
    for names in article.select("dl.py"):
        names.extract()


def sections(article: Tag) -> Iterator[Place]:
    """Headings, each with what stands under it and under no other."""
    for section in reversed(article.select("section[id]")):
        heading = section.find(re.compile("^h[1-6]$"), recursive=False)
        if heading:
            kind = "page" if heading.name == "h1" else "heading"
            name = words(heading.extract())
            yield Place(kind, name, "" if kind == "page" else section["id"], words(section))
        section.extract()


def title_of(box: Tag) -> str:
    """``Tweedie's formula`` of *Theorem 1.4 (Tweedie's formula)*, and its number after it."""
    title = box.select_one(".admonition-title")
    number = words(title.select_one(".caption-number"))
    name = words(title).removeprefix(number).strip().removeprefix("(").removesuffix(")")
    return f"{name}: {number}" if name else number


def words(part: Tag | None) -> str:
    """Text on one line."""
    return " ".join(part.get_text().split()) if part else ""


class Index:
    """Lines of all pages."""

    def __init__(self, env: BuildEnvironment) -> None:
        self.env, self.pages, self.lines = env, [], []

    def read(self, page: str, article: Tag) -> None:
        """Take the places of a page."""
        title = self.env.titles[page]
        number = ".".join(map(str, title.get("secnumber") or ()))
        found = places(article)
        if page in REPEATS:
            found = [place._replace(text="") for place in found]
        self.lines += [[len(self.pages), *place] for place in found]
        self.pages.append([page, f"{number} {title.astext()}".strip()])

    def write(self, folder: Path) -> None:
        """Lay the index beside the scripts."""
        synonyms = json.loads(SYNONYMS.read_text(encoding="utf-8"))
        made = {"pages": self.pages, "places": self.lines, "synonyms": synonyms}
        script = f"const PLACES = {json.dumps(made, ensure_ascii=False)};\n"
        (folder / "_static" / "places.js").write_text(script, encoding="utf-8")


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Only the page of the search asks for the index."""
    if page == "search":
        app.add_js_file("places.js")
        app.add_js_file("finder.js")
