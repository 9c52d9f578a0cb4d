"""Slides of the lessons, for whoever teaches them: statements, equations and figures, one a slide.

    python book/_tools/slides.py _build/html _build/slides [02_score_matching ...]

They are taken from the built pages, so that numbers, formulas and figures are those of the book. A
lesson becomes one file of html: arrow keys or the space bar go on, the browser prints it as slides.
The pictures lie beside it under ``figures``, named like their labels, to take elsewhere.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag

SHOWN = "div.proof[id], div.math[id^=equation-], figure[id]"
AWAY = ".headerlink, details, script, .controls"
LEFT_OUT = {"setup", "reproducibility", "check-yourself", "from-scratch-to-library"}
STYLE = Path(__file__).with_suffix(".css")
PAGE = """<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="course.css">
<link rel="stylesheet" href="slides.css"></head><body class="bd-article bd-content"><main>
{slides}
</main><script>
addEventListener("keydown", event => {{
  const way = {{ArrowRight: 1, ArrowDown: 1, " ": 1, PageDown: 1, ArrowLeft: -1, ArrowUp: -1,
    PageUp: -1}}[event.key];
  if (!way) return;
  event.preventDefault();
  const at = Math.round(scrollY / innerHeight) + way;
  document.querySelectorAll(".slide")[at]?.scrollIntoView();
}});
</script></body></html>
"""


def deck(source: str, figures: Path) -> str:
    """The slides of a built page; its pictures are noted as lying in ``figures``."""
    article = BeautifulSoup(source, "lxml").find("article")
    title = said(article.find("h1"))
    made = [slide("", opening(article))]
    made += [slide(heading, inside(part, figures)) for heading, part in parts(article)]
    return PAGE.format(title=html.escape(title), slides="\n".join(made))


def opening(article: Tag) -> str:
    """The title, the promise and the objectives."""
    promise = article.select_one("h1 ~ p > strong")
    goals = article.select_one("#at-a-glance ul")
    title = html.escape(said(article.find("h1")))
    return f"<h1>{title}</h1><p>{bare(promise)}</p><ul>{bare(goals)}</ul>"


def parts(article: Tag) -> Iterator[tuple[str, Tag]]:
    """What is shown, each under the heading of its section; what is in a box comes with the box."""
    for part in article.select(SHOWN):
        section = part.find_parent("section", id=True)
        boxed = part.find_parent("div", class_="proof")
        folded = part.find_parent("details", class_="sd-dropdown")
        if not boxed and not folded and section["id"] not in LEFT_OUT:
            yield said(section.find(re.compile("^h[1-3]$"))), part


def inside(part: Tag, figures: Path) -> str:
    """Html of a statement, an equation or a figure."""
    if part.name != "figure":
        return f'<div class="{" ".join(part["class"])}">{bare(part)}</div>'
    picture, caption = part.find("img"), part.find("figcaption")
    source, words = picture["src"], html.escape(picture.get("alt", ""), quote=True)
    if not source.startswith("data:"):
        source = f"{figures.name}/{part['id']}{Path(source).suffix}"
    shown = f'<img src="{source}" alt="{words}">'
    return f"<figure>{shown}<figcaption>{bare(caption)}</figcaption></figure>"


def slide(heading: str, body: str) -> str:
    """One slide."""
    head = f"<h2>{html.escape(heading)}</h2>" if heading else ""
    return f'<section class="slide">{head}{body}</section>'


def bare(part: Tag | None) -> str:
    """Html without links, permalinks, ids and what folds."""
    if part is None:
        return ""
    for away in part.select(AWAY):
        away.decompose()
    for link in part.select("a"):
        link.unwrap()
    for place in part.find_all(id=True):
        del place["id"]
    return part.decode_contents()


def said(part: Tag) -> str:
    """Text on one line, without the mark of its permalink."""
    return " ".join(part.get_text().split()).rstrip("#")


def write(pages: Path, out: Path, name: str) -> Path:
    """Make the slides of a lesson, with everything that they show, in the folder ``out``."""
    page = pages / "book" / f"{name}.html"
    source = page.read_text(encoding="utf-8")
    figures = out / name
    figures.mkdir(parents=True, exist_ok=True)
    for figure in BeautifulSoup(source, "lxml").select("article figure[id]"):
        picture = figure.find("img", src=re.compile(r"^(?!data:)"))
        if picture:
            kind = Path(picture["src"]).suffix
            shutil.copy(page.parent / picture["src"], figures / f"{figure['id']}{kind}")
    shutil.copy(pages / "_static" / "course.css", out / "course.css")
    shutil.copytree(pages / "_static/vendor/fonts", out / "vendor/fonts", dirs_exist_ok=True)
    shutil.copy(STYLE, out / "slides.css")
    target = out / f"{name}.html"
    target.write_text(deck(source, figures), encoding="utf-8")
    return target


def main(arguments: list[str]) -> None:
    """Write the slides of the lessons that are named, or of all."""
    pages, out, *names = arguments
    lessons = sorted(p.stem for p in Path(pages, "book").glob("0*.html"))
    for name in names or [name for name in lessons if not name.endswith("_lab")]:
        print(write(Path(pages), Path(out), name))


if __name__ == "__main__":
    main(sys.argv[1:])
