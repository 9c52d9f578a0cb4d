"""What each page costs: minutes to read, seconds to run, minutes of exercises."""

from __future__ import annotations

import json
import re
from pathlib import Path

import doctree
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from lessons_lib.course.assign import read_lab

BOOK = Path(__file__).resolve().parent.parent
HEAD = ("page", "minutes to read", "seconds to run", "minutes of exercises")
READ = re.compile(r"about (\d+) minutes? to read")


class Timings(SphinxDirective):
    """``{timings}`` becomes a table with a row for each lesson, and a sum."""

    def run(self) -> list[nodes.Node]:
        """Read every lesson, and the lab of its name if there is one."""
        paths = [path for path in sorted(BOOK.glob("*.ipynb")) if not path.stem.endswith("_lab")]
        for path in BOOK.glob("*.ipynb"):
            self.env.note_dependency(str(path))
        costs = [cost(path) for path in paths]
        totals = [str(sum(column)) for column in zip(*costs, strict=True)]
        rows = [
            (self.link(path.stem, json.loads(path.read_text(encoding="utf-8"))), *map(str, numbers))
            for path, numbers in zip(paths, costs, strict=True)
        ]
        return [table([HEAD, *rows, ("all", *totals)])]

    def link(self, stem: str, notebook: dict) -> nodes.reference:
        """Lead to the page by its title."""
        title = "".join(notebook["cells"][0]["source"]).splitlines()[0].removeprefix("# ")
        uri = self.env.app.builder.get_relative_uri(self.env.docname, f"book/{stem}")
        return nodes.reference("", title, refuri=uri, internal=True)


def cost(path: Path) -> tuple[int, int, int]:
    """Minutes to read, seconds to run as measured when the page was made, minutes of its lab."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    lab = path.with_name(f"{path.stem}_lab.ipynb")
    minutes = sum(task.minutes for task in read_lab(lab).tasks) if lab.exists() else 0
    return int(READ.search(text)[1]), wall_seconds(cells), minutes


def wall_seconds(cells: list[dict]) -> int:
    """Return the value that the last cell has glued."""
    for output in cells[-1]["outputs"]:
        if output.get("metadata", {}).get("scrapbook", {}).get("name") == "wall_seconds":
            return int("".join(output["data"]["application/papermill.record/text/plain"]))
    raise ValueError("the last cell of a lesson reports wall_seconds")


def table(rows: list[tuple[str | nodes.reference, ...]]) -> nodes.table:
    """Build a table whose first row is its head."""
    return doctree.table(([content(cell) for cell in row] for row in rows), (55, 15, 15, 15))


def content(cell: str | nodes.reference) -> nodes.paragraph:
    """What a cell of the table holds; what costs nothing shows a dash."""
    if isinstance(cell, str):
        return nodes.paragraph("", "–" if cell == "0" else cell)
    return nodes.paragraph("", "", cell)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("timings", Timings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
