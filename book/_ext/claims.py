"""The claims page: every line with a check mark in every lesson, collected while the book is built.

A lesson prints a claim only after it held, and the tests execute each lesson again and compare what
it prints with its code; so this page lists what was executed and nothing else. Nobody types it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import doctree
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from written import BOOK, Written

LINE = re.compile(r"^✓ (?P<text>.+): (?P<evidence>.+)$", re.M)


class Made(NamedTuple):
    """One claim as a lesson prints it, and where."""

    text: str
    evidence: str
    anchor: str


class Claims(Written):
    """``{claims}`` becomes one table for each lesson."""

    def made(self) -> list[nodes.Node]:
        """Read every lesson."""
        lessons = {path: list(found(path)) for path in sorted(BOOK.glob("*.ipynb"))}
        lessons = {path: claims for path, claims in lessons.items() if claims}
        if not lessons:
            raise ExtensionError("the claims page found no claim in any lesson")
        count = sum(map(len, lessons.values()))
        parts = self.read(f"In the order of the book: {count} from {len(lessons)} lessons.")
        for path, claims in lessons.items():
            parts += [*self.read(f"**[]({path.name})**"), table(path.stem, claims)]
        return parts


def found(path: Path) -> Iterator[Made]:
    """Claims in the outputs of a lesson."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        printed = ("".join(output.get("text", "")) for output in cell.get("outputs", []))
        yield from claimed("\n".join(printed))


def claimed(printed: str) -> Iterator[Made]:
    """Claims among the lines that a cell has printed; the first one names the place of all."""
    lines = list(LINE.finditer(printed))
    anchor = f"claim-{nodes.make_id(lines[0]['text'])}" if lines else ""
    yield from (Made(line["text"], line["evidence"], anchor) for line in lines)


def anchor(app: Sphinx, document: nodes.document) -> None:
    """Give each cell that prints claims an id to link to."""
    for cell in doctree.cells(document):
        blocks = (box for box in cell.findall(nodes.literal_block) if "stream" in box["classes"])
        made = next(claimed("\n".join(block.astext() for block in blocks)), None)
        if made:
            cell["ids"].append(made.anchor)


def table(stem: str, claims: list[Made]) -> nodes.table:
    """A line for each claim, which leads to its cell."""
    cells: list[tuple[nodes.Node, nodes.Node]] = [(nodes.Text("claim"), nodes.Text("measured"))]
    for one in claims:
        uri = f"{stem}.html#{one.anchor}"
        link = nodes.reference("", one.text, refuri=uri, internal=True)
        cells.append((link, nodes.Text(one.evidence)))
    head, *body = (
        nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in row))
        for row in cells
    )
    columns = [nodes.colspec(colwidth=68), nodes.colspec(colwidth=32)]
    group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=2)
    return nodes.table("", group, classes=["claims"], support_smartquotes=False)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("claims", Claims)
    app.connect("doctree-read", anchor)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
