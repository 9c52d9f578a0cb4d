"""Claims on a page: a quiet line each, with what was measured and what was wanted.

A notebook prints ``✓ sentence: measured ≈ wanted within tolerance``, which a terminal can show. On
the page each such line becomes an entry of a list with a place of its own, and the statements at
the end of a cell that only assert or hand numbers to the text fold away, as hidden code does.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Iterator
from itertools import groupby

import claims
import doctree
from docutils import nodes
from sphinx.application import Sphinx

QUIET = {"claim", "quote", "glue", "note"}
FOLDED = {"hide-input", "hide-cell", "solution", "remove-input"}
DETAILS = '<details class="hide above-input asserting">'


def lines(made: list[claims.Made]) -> str:
    """The list."""
    rows = "".join(
        f'<li id="{one.anchor}"><span class="said">{html.escape(one.text)}'
        f'<a class="headerlink" href="#{one.anchor}" title="Link to this claim">#</a></span> '
        f"{claims.evidence(one.evidence)}</li>"
        for one in made
    )
    return f'<ul class="ledger" aria-label="Claims that hold">{rows}</ul>'


def write(app: Sphinx, document: nodes.document) -> None:
    """Turn what is printed into lists, and fold what made it."""
    taken: set[str] = set()
    for cell in doctree.cells(document):
        for block in list(cell.findall(nodes.literal_block)):
            if "stream" in block["classes"] and claims.LINE.search(block.astext()):
                block.replace_self(list(parts(block, taken)))
        if not FOLDED & {name.removeprefix("tag_") for name in cell["classes"]}:
            fold(cell)


def parts(block: nodes.literal_block, taken: set[str]) -> Iterator[nodes.Node]:
    """Claims as lists; what is printed between them stays."""
    rows = block.astext().strip("\n").splitlines()
    for claimed, group in groupby(rows, key=lambda row: bool(claims.LINE.match(row))):
        said = list(group)
        if claimed:
            yield nodes.raw("", lines(list(claims.claimed("\n".join(said), taken))), format="html")
        elif any(said):
            yield part(block, said)


def fold(cell: nodes.container) -> None:
    """Split the code of a cell before the statements that end it and show nothing new."""
    box = next((b for b in cell.findall(nodes.container) if "cell_input" in b["classes"]), None)
    if box is None or len(box) != 1 or (start := begins(box[0].astext())) is None:
        return
    rows = box[0].astext().splitlines()
    head, tail = (part(box[0], rows[a:b]) for a, b in ((0, start), (start, None)))
    what = "the check" if "claim(" in tail.astext() else "what the text quotes"
    summary = f'<span class="collapsed">Show {what}</span><span class="expanded">Hide {what}</span>'
    box.children = []
    box += [head] if head.astext() else []
    box += nodes.raw("", f"{DETAILS}<summary>{summary}</summary>", format="html")
    box += [tail, nodes.raw("", "</details>", format="html")]


def part(block: nodes.literal_block, rows: list[str]) -> nodes.literal_block:
    """Some rows of a block, in its language."""
    text = "\n".join(rows).strip("\n")
    made = nodes.literal_block(text, text)
    made.attributes |= {key: block[key] for key in ("language", "classes") if key in block}
    return made


def begins(code: str) -> int | None:
    """The row where the statements begin that end a cell and only assert or hand over."""
    try:
        body = ast.parse(code).body
    except SyntaxError:
        return None
    start = None
    for statement in reversed(body):
        called = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        name = getattr(statement.value.func, "id", "") if called else ""
        if name not in QUIET:
            break
        start = statement.lineno - 1
    rows = code.splitlines()
    while start and rows[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def setup(app: Sphinx) -> dict[str, bool]:
    """Rewrite each page after it was read, and after what looks at its code."""
    app.connect("doctree-read", write, priority=700)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
