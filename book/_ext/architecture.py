"""The picture of the library: its modules in the rows of ``pyproject.toml``, and what imports what.

Rows and arrows are read off the code while the page is made. An arrow leads from a module to one
that it imports; what follows from the rest is left out.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import grimp
from course_map import arrow, reduced, route
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
WIDTH, BOX, ROW = 760, (118, 32), 62


class Architecture(SphinxDirective):
    """``{architecture}``."""

    def run(self) -> list[nodes.Node]:
        """Draw the library as it is now."""
        self.env.note_reread()
        return [nodes.raw("", draw(rows(), imports(), pages()), format="html")]


def rows() -> list[list[str]]:
    """The layers of the stack, highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (stack,) = (c for c in settings["tool"]["importlinter"]["contracts"] if c["id"] == "stack")
    return [layer.split(" | ") for layer in stack["layers"]]


def imports() -> dict[str, set[str]]:
    """For each module of the library those that it imports."""
    graph = grimp.build_graph("lessons_lib", cache_dir=None)
    found = {name.split(".")[1]: set() for name in graph.modules if "." in name}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            if "." in module and "." in other:
                found[module.split(".")[1]].add(other.split(".")[1])
    return {name: others - {name} for name, others in found.items()}


def pages() -> dict[str, str]:
    """The page of each module."""
    texts = {p.stem: p.read_text(encoding="utf-8") for p in (ROOT / "book").glob("library_*.md")}
    found = {m: p for p, t in texts.items() for m in re.findall(r"lessons_lib\.(\w+)\n", t)}
    return {m: f"{p}.html#module-lessons_lib.{m}" for m, p in found.items()} | {
        "course": "library_course.html"
    }


def draw(layers: list[list[str]], graph: dict[str, set[str]], links: dict[str, str]) -> str:
    """Return the picture as svg: arrows first, so that boxes lie over them."""
    place = {
        name: (WIDTH * (i + 0.5) / len(layer), ROW * row + BOX[1] / 2 + 4)
        for row, layer in enumerate(layers)
        for i, name in enumerate(layer)
    }
    spots, few = list(place.values()), reduced(graph)
    arrows = (arrow(route(place[a], place[b], spots, BOX)) for a in few for b in sorted(few[a]))
    boxes = (box(name, *place[name], graph, links) for name in place)
    height = ROW * (len(layers) - 1) + BOX[1] + 8
    return (
        f'<div class="course-map modules"><svg viewBox="0 0 {WIDTH} {height}" role="group" '
        'aria-label="Modules of the library: an arrow leads to what a module imports.">'
        f'<g aria-hidden="true">{"".join(arrows)}</g>{"".join(boxes)}</svg></div>'
    )


def box(name: str, x: float, y: float, graph: dict[str, set[str]], links: dict[str, str]) -> str:
    """One module, which leads to its page and says what it imports."""
    said = f"imports {', '.join(sorted(graph[name]))}" if graph[name] else "imports none of these"
    return (
        f'<a href="{links[name]}"><title>{name} {said}</title><rect class="box" '
        f'x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}" width="{BOX[0]}" height="{BOX[1]}" '
        f'rx="7"/><text class="title" x="{x:.0f}" y="{y + 4.5:.0f}">{name}</text></a>'
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("architecture", Architecture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
