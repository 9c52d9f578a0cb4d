"""What several extensions read from a page or write into one: cells of code, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from docutils import nodes


def cells(document: nodes.document) -> Iterator[nodes.container]:
    """Every code cell of a page."""
    boxes = document.findall(nodes.container)
    return (box for box in boxes if "cell" in box["classes"])


def source(cell: nodes.container) -> str:
    """Return the code of a cell."""
    inputs = (box for box in cell.findall(nodes.container) if "cell_input" in box["classes"])
    return "\n".join(block.astext() for box in inputs for block in box.findall(nodes.literal_block))


def table(
    rows: Iterable[Iterable[nodes.Node]], widths: Sequence[int], *classes: str
) -> nodes.table:
    """Build a table of columns with these relative ``widths``; the first row is its head."""
    head, *body = (nodes.row("", *(nodes.entry("", cell) for cell in row)) for row in rows)
    columns = [nodes.colspec(colwidth=width) for width in widths]
    parts = [*columns, nodes.thead("", head), nodes.tbody("", *body)]
    return nodes.table("", nodes.tgroup("", *parts, cols=len(widths)), classes=list(classes))
