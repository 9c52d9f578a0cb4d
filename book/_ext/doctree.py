"""What several extensions read from a page: its cells of code."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes


def cells(document: nodes.document) -> Iterator[nodes.container]:
    """Every code cell of a page."""
    boxes = document.findall(nodes.container)
    return (box for box in boxes if "cell" in box["classes"])


def source(cell: nodes.container) -> str:
    """Return the code of a cell."""
    inputs = (box for box in cell.findall(nodes.container) if "cell_input" in box["classes"])
    return "\n".join(block.astext() for box in inputs for block in box.findall(nodes.literal_block))
