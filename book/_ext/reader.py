"""The line under the title of a notebook: how long it takes, how to run it, and the file itself."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from teaching import READ
from written import BOOK, prose

from lessons_lib.course.assign import read_lab


def line(stem: str, *, hosted: bool) -> str:
    """Html of the line; where the project has an address, the rocket at the head of the page."""
    path = BOOK / f"{stem}.ipynb"
    if stem.endswith("_lab"):
        time = f"{sum(task.minutes for task in read_lab(path).tasks)} minutes of exercises"
    else:
        time = f"{READ.search(prose(path))[1]} minutes to read"
    rocket = ", or press the rocket above" if hosted else ""
    return (
        f'<div class="reader"><span>{time}</span> <span>to run it: <code>make lab</code>, then '
        f"<code>{path.name}</code>{rocket}</span> "
        f'<a href="../_sources/book/{path.name}" download>download</a> '
        '<span class="progress-line" hidden></span></div>'
    )


def add(app: Sphinx, document: nodes.document, page: str) -> None:
    """Put the line below the title."""
    stem = page.rpartition("/")[2]
    titles = list(document.findall(nodes.title))
    if (BOOK / f"{stem}.ipynb").exists() and titles:
        hosted = bool(app.config.html_theme_options.get("repository_url"))
        section = titles[0].parent
        made = nodes.raw("", line(stem, hosted=hosted), format="html")
        section.insert(section.index(titles[0]) + 1, made)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
