"""Number pages, not headings: chapter 5, its second page 5.1, and no number on what is inside.

Sphinx counts a page below a chapter as one more of the chapter's headings, and would call it 5.15.
Figures, equations and theorems keep counting through the pages of a chapter.
"""

from __future__ import annotations

from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

Number = tuple[int, ...]


def renumber(numbers: dict[str, Number]) -> dict[str, Number]:
    """New number of each page: ``(5, 15)`` becomes ``(5, 1)`` if it is the first below ``(5,)``."""
    new = {}
    ordered = sorted(numbers.items(), key=lambda item: item[1])
    for _, pages in groupby(ordered, key=lambda item: item[1][:1]):
        for position, (name, number) in enumerate(pages):
            new[name] = (number[0], position) if position else number[:1]
    return new


def apply(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give the pages their new numbers, in titles and in every table of contents."""
    del app
    pages = {name: tuple(of[""]) for name, of in env.toc_secnumbers.items() if of.get("")}
    for name, number in renumber(pages).items():
        inside = env.toc_secnumbers[name]
        env.toc_secnumbers[name] = dict.fromkeys(inside, ()) | {"": number}
        env.titles[name]["secnumber"] = number
        for link in env.tocs[name].findall(nodes.reference):
            link["secnumber"] = () if link["anchorname"] else number
    return []


def setup(app: Sphinx) -> dict[str, bool]:
    """Run after Sphinx has numbered sections and figures."""
    app.connect("env-get-updated", apply, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
