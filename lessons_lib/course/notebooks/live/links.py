"""Links between the pages of the book, once a page is somewhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LINK = re.compile(
    r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)"
)


def linked(notebook: NotebookNode) -> set[str]:
    """The files to which the text of ``notebook`` links."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return {link[2] for source in cells for link in _LINK.finditer(source)}


def relinked(
    notebook: NotebookNode, book: Path, here: Collection[str], url: str = ""
) -> NotebookNode:
    """Change the links of ``notebook``, in place, so that each leads somewhere.

    The other parameters are those of `relink`: ``book``, ``here`` and ``url``.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, book, here, url)
    return notebook


def relink(text: str, book: Path, here: Collection[str], url: str = "") -> str:
    """Return Markdown in which each link leads somewhere.

    Parameters
    ----------
    text : str
        Of a lesson, a lab or a page.
    book : Path
        The folder of the sources, where the titles of pages are found for links without words.
    here : collection of str
        Names of the files beside the text; links to them stay.
    url : str
        Address of the rendered book, where other links lead; without it they become plain words.
    """

    def new(link: re.Match[str]) -> str:
        name, anchor = link[2], link[3] or ""
        words = link[1] or _title(book / name)  # a page fills an empty link in, an editor does not
        if name in here:
            return f"[{words}]({name}{anchor})"
        if url:
            page = re.sub(r"\.(ipynb|md)$", ".html", name)
            return f"[{words}]({url.rstrip('/')}/{page}{anchor})"
        return words

    return _LINK.sub(new, text)


def _title(path: Path) -> str:
    """The first heading of a page."""
    if not path.is_file():
        return path.stem
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    heading = re.search(r"^# +(.+?)\s*$", text, re.M)
    return heading[1] if heading else path.stem
