"""Drawings have a design for the dark theme; pictures, fields and maps keep theirs.

A figure that is lines and marks on white may be turned round in lightness: the stylesheet does so
with the class ``drawing``, and keeps the hues, which have a meaning. Where grey values or colours
are data, as in a reconstruction, an error map or a shaded density, nothing may change them.
"""

from __future__ import annotations

import ast
from pathlib import Path

import doctree
import numpy as np
from docutils import nodes
from sphinx.application import Sphinx

DATA = {
    "imshow", "matshow", "pcolormesh", "contourf", "hexbin", "hist2d",
    "show_image", "show_error", "show_field",
}  # fmt: skip
"""Calls that draw data as colours."""

WHITE = 0.6
"""The share of a drawing that is paper."""


def draws_data(source: str) -> bool:
    """Whether a cell's code calls one of `DATA`."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return any(getattr(f, "attr", getattr(f, "id", "")) in DATA for f in calls)


def white_share(path: Path) -> float:
    """How much of a picture is white."""
    from PIL import Image

    with Image.open(path) as picture:
        return float((np.asarray(picture.convert("L")) > 250).mean())


def mark(app: Sphinx, document: nodes.document) -> None:
    """Give the class ``drawing`` to the pictures of cells that draw no data as colours."""
    for cell in doctree.cells(document):
        pictures = [p for p in cell.findall(nodes.image) if "cell_output" in _classes_above(p)]
        if pictures and not draws_data(doctree.source(cell)):
            for picture in pictures:
                if white_share(Path(app.srcdir) / picture["uri"].lstrip("/")) > WHITE:
                    picture["classes"].append("drawing")


def _classes_above(node: nodes.Node) -> set[str]:
    found: set[str] = set()
    while node := node.parent:
        found |= set(node.get("classes", ())) if isinstance(node, nodes.Element) else set()
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Mark each page after it was read."""
    app.connect("doctree-read", mark, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
