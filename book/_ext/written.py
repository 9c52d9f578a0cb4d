"""Directives that write Markdown out of the notebooks, to be read in their place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

BOOK = Path(__file__).resolve().parent.parent


class Written(SphinxDirective):
    """A page that holds one is made anew when a notebook changes."""

    def run(self) -> list[nodes.Node]:
        """Note on what the page depends, and make its parts."""
        for path in BOOK.glob("*.ipynb"):
            self.env.note_dependency(str(path))
        return self.made()

    def made(self) -> list[nodes.Node]:
        """Read what `text` has written."""
        return self.read(self.text())

    def text(self) -> str:
        """Return the Markdown."""
        raise NotImplementedError

    def read(self, markdown: str) -> list[nodes.Node]:
        """Parse Markdown as if it stood on the page."""
        box = nodes.container()
        lines = StringList(markdown.splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, box)
        return box.children


def prose(path: Path) -> str:
    """Return the text of a page; of a notebook its text cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def table(rows: Iterable[Sequence[object]], name: str, *widths: int) -> str:
    """Write a table whose first row is its head; a cell may hold paragraphs."""
    cells = ([str(cell).replace("\n", "\n    ") for cell in row] for row in rows)
    body = "\n".join("* - " + "\n  - ".join(row) for row in cells)
    share = " ".join(map(str, widths))
    return f"```{{list-table}}\n:header-rows: 1\n:class: {name}\n:widths: {share}\n\n{body}\n```\n"
