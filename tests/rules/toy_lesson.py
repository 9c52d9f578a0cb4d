"""A small lesson, made in memory, in which every rule of `lesson_rules` holds."""

from __future__ import annotations

import nbformat
from lesson_rules import minutes_to_read
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

SENTENCE = "A sentence of ten words tells why the code matters here. "
TITLE = "# A toy\n\n**This page shows that the rules of a lesson can hold.**"
GLANCE = """## At a glance

- Derive the first thing
- Prove the second thing
- Use the third thing, whose value is {glue:text}`value`

*Needs:* nothing.

*Time:* about MINUTES minutes to read, {glue:text}`wall_seconds` seconds to run.
"""
IDEA = """**Predict before you run.** What will {numref}`fig-99-one` and {numref}`fig-99-hero` show?

$$ s(x) = -x $$ (eq-99-score)
"""


def text(source: str) -> NotebookNode:
    return new_markdown_cell(source)


def code(source: str, *outputs: NotebookNode, **metadata: object) -> NotebookNode:
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def said(words_: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=words_)


def glued(name: str, value: str) -> NotebookNode:
    data = {"application/papermill.record/text/plain": value}
    return new_output("display_data", data=data, metadata={"scrapbook": {"name": name}})


def figure(name: str) -> NotebookNode:
    picture = new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "<F>"})
    mystnb = {
        "figure": {"name": name, "caption": "The message of the picture in a sentence."},
        "image": {"alt": "A line that falls from left to right."},
    }
    return code("plt.plot([1, 0])\nplt.show()", picture, tags=["hide-input"], mystnb=mystnb)


def claimed(number: int) -> NotebookNode:
    words_ = f"claim number {number} says something"
    said_ = said(f"✓ {words_}: 1 ≈ 1 within 1e-9\n")
    return code(f"x{number} = {number}\nclaim('{words_}', 1, equals=1, within=1e-9)", said_)


def lesson() -> NotebookNode:
    """The whole toy: 23 code cells, 12 claims, two figures, one interactive figure."""
    player = new_output("display_data", data={"text/html": "<figure></figure>"})
    cells = [
        text(TITLE),
        figure("fig-99-hero"),
        text(GLANCE),
        text("## Setup"),
        code("import torch"),
        text("## A question\n\n" + SENTENCE * 10),
        text("## The first idea\n\n" + IDEA),
        *[claimed(k) for k in range(8)],
        figure("fig-99-one"),
        code("glue('value', '1.5')", glued("value", "1.5")),
        text("## The second idea\n\n" + IDEA + SENTENCE * 30),
        *[claimed(k) for k in range(8, 12)],
        text("## From scratch to library"),
        *[code(f"z{k} = {k}") for k in range(4)],
        text("## Try it"),
        code("frames()", player),
        text("## What can go wrong"),
        text("## Summary\n\n### Check yourself\n\n:::{self-check}\n:::"),
        text("## Where this comes from"),
        text("## Reproducibility"),
        code("report()", glued("wall_seconds", "3"), tags=["nbval-ignore-output"]),
    ]
    book = new_notebook(cells=cells)
    for count, cell in enumerate((c for c in book.cells if c.cell_type == "code"), 1):
        cell.execution_count = count
    minutes = round(minutes_to_read(book))
    book.cells[2].source = GLANCE.replace("MINUTES", str(minutes))
    return nbformat.from_dict(book)
