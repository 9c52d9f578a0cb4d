"""All pages of the built book as one html page, in reading order, ready for the printer.

Ids get the name of their page in front, so that links from page to page become links within. What
is folded is opened, code that only draws is left out, and a player shows its first frame.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag

from bs4 import BeautifulSoup, Tag

FIRST = "book/index.html"
GONE = (
    ".headerlink, script, button, .meanings, .reader, .letters, .asserting, .reveal > summary, "
    ".prev-next-area, .toctree-wrapper, .self-check input, "
    ".lesson-player .controls, .lesson-player .spoken, .tag_hide-input > details"
)
REFERS = ("for", "aria-labelledby", "aria-describedby", "aria-controls")
OUTSIDE = re.compile(r"(?:[a-z][a-z0-9+.-]*:|//)", re.I)


def read(path: Path) -> BeautifulSoup:
    """Parse one page."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def chain(site: Path, first: str = FIRST) -> Iterator[tuple[Path, BeautifulSoup]]:
    """Yield the pages of the book in the order of their links *next*."""
    path: Path | None = (site / first).resolve()
    while path:
        soup = read(path)
        yield path, soup
        onward = soup.select_one("a.right-next[href]")
        path = (path.parent / unquote(onward["href"])).resolve() if onward else None


def anchor(path: Path, inside: str = "") -> str:
    """Name of a place in the one page: of a page, or of an id in it."""
    return f"{path.stem}--{inside}" if inside else f"page-{path.stem}"


def article(path: Path, soup: BeautifulSoup, here: Path, known: set[Path]) -> Tag:
    """The text of one page, with ids, links and files as the one page in ``here`` needs them."""
    text = soup.select_one("article.bd-article")
    for tag in text.select(GONE):
        tag.decompose()
    for tag in text.find_all("details"):
        tag["open"] = ""
        if "hide" in tag.get("class", []):  # a cell of a lab that the page folds
            tag.summary.string = "Solution" if tag.find_parent(class_="tag_solution") else "Code"
    for tag in text.find_all(True):
        _rename(tag, path)
        _redirect(tag, path, here, known)
    text["id"] = anchor(path)
    text["class"] = [*text["class"], "printed", f"chapter-{path.stem}"]
    return text


def _rename(tag: Tag, path: Path) -> None:
    if tag.get("id"):
        tag["id"] = anchor(path, tag["id"])
    for name in REFERS:
        if tag.get(name):
            tag[name] = " ".join(anchor(path, one) for one in tag[name].split())


def _redirect(tag: Tag, path: Path, here: Path, known: set[Path]) -> None:
    for name in ("href", "src"):
        address = tag.get(name, "")
        if not address or OUTSIDE.match(address):
            continue
        where, inside = urldefrag(address)
        file = (path.parent / unquote(where)).resolve() if where else path
        if name == "src":
            tag[name] = os.path.relpath(file, here)
        elif file in known:
            tag[name] = "#" + anchor(file, inside)
        else:
            del tag[name]  # a picture's own file, the search: not in the book


def head(path: Path, soup: BeautifulSoup, here: Path) -> list[Tag]:
    """Stylesheets of a page, for the one page in ``here``."""
    kept = soup.select("link[rel=stylesheet]")
    for tag in kept:
        tag["href"] = os.path.relpath(path.parent / tag["href"].split("?")[0], here)
    return kept


def title(text: Tag) -> str:
    """Heading of a page, its number in front."""
    return " ".join(text.find("h1").get_text().split())


def gather(site: Path, here: Path, style: str) -> str:
    """Write the one page: a title page, the contents, and every page of the book."""
    pages = list(chain(site))
    known = {path for path, _ in pages}
    heads = head(*pages[0], here)
    cover = front(*pages[0], here)
    texts = [article(path, soup, here, known) for path, soup in pages]
    names = "".join(_running(text) for text in texts)
    return (
        '<!doctype html><html lang="en" data-theme="light" data-mode="light"><meta charset="utf-8">'
        f"<title>{title(texts[0])}</title>{''.join(map(str, heads))}<style>{style}{names}</style>"
        f'<body><main class="bd-content">{cover}{contents(texts)}{"".join(map(str, texts))}</main>'
    )


def front(path: Path, soup: BeautifulSoup, here: Path) -> str:
    """Title page, from the cover: logo, title, promise, picture."""
    text = soup.select_one("article.bd-article")
    hero, promise = text.select_one("img.hero"), text.select_one("h1 + p")
    logo, picture = (
        os.path.relpath(path.parent / source, here)
        for source in ("../_static/logo.svg", hero["src"])
    )
    name = text.find("h1").find(string=True)
    foot = soup.select_one(".footer-content, .bd-footer-content") or Tag(name="p")
    return (
        f'<section class="front"><img class="logo" src="{logo}" alt=""><p class="name">{name}</p>'
        f'<p class="promise">{promise.get_text()}</p><img src="{picture}" alt="{hero["alt"]}">'
        f'<p class="foot">{" ".join(foot.get_text(" ").split())}</p></section>'
    )


def contents(texts: list[Tag]) -> str:
    """List of the pages, with an empty place for each number."""
    rows = (
        f'<li><a href="#{text["id"]}">{title(text)}</a><span class="number"></span></li>'
        for text in texts[1:]
    )
    return f'<section class="contents"><h1>Contents</h1><ol>{"".join(rows)}</ol></section>'


def _running(text: Tag) -> str:
    """The title of a page at the head of its sheets."""
    name = f"chapter-{text['id'].removeprefix('page-')}".replace("_", "-")
    words = title(text).replace("\\", "").replace('"', '\\"')
    return (
        f'#{text["id"]} {{ page: {name} }} @page {name} {{ @top-left {{ content: "{words}" }} }}\n'
    )
