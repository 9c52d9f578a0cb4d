"""What is made of the pages when all are there: boxes under the pointer, and the search.

A built page has its numbers, its formulas and its links; both read it as a reader does. Each page
is parsed once.
"""

from __future__ import annotations

import re
from pathlib import Path

import finder
import meanings
from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

LONG = re.compile(
    r"(?<=base64,)[\w+/=]+|(?<=\"png\":\[)[^\]]*"
    r"|(?<=<pre>)<span></span>(?=<span class=\"(?:kn|k|n|c1|nb)\").*?(?=</pre>)",
    re.S,
)
"""Pictures and code: long, and nothing that is read here."""


def article(html: str) -> Tag:
    """The text of a page as a tree, without what an earlier build has added to it."""
    found = BeautifulSoup(LONG.sub("", meanings.bare(html)), "lxml").find("article")
    return found or BeautifulSoup("<article></article>", "lxml").article


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Read every page, then write what the scripts need."""
    if exception is not None or app.builder.format != "html":
        return
    folder, told, index = Path(app.outdir), meanings.Meanings(), finder.Index(app.env)
    for page in sorted(app.env.found_docs):
        text = article((folder / f"{page}.html").read_text(encoding="utf-8"))
        told.read(page, text)
        index.read(page, text)
    told.write(folder)
    index.write(folder)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after whatever else ends a build."""
    app.connect("html-page-context", finder.load)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
