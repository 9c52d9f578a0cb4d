"""The claims page: every line with a check mark in every lesson, collected while the book is built.

A lesson prints a claim only after it held, and the tests execute each lesson again and compare what
it prints with its code; so this page lists what was executed and nothing else. Nobody types it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import doctree
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

LINE = re.compile(r"^✓ (?P<text>.+): (?P<evidence>.+)$", re.M)


class Made(NamedTuple):
    """One claim as a lesson prints it, and where."""

    text: str
    evidence: str
    anchor: str


class ClaimTables(nodes.General, nodes.Element):
    """Stands for the tables until every page has been read."""


class Claims(Directive):
    """``{claims}`` is replaced by one table for each lesson."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark; `resolve` fills it."""
        return [ClaimTables()]


def found(document: nodes.document) -> Iterator[Made]:
    """Claims in the outputs of a lesson; each cell that prints some gets an id to link to."""
    for cell in doctree.cells(document):
        printed = "\n".join(o.astext() for o in cell.findall(nodes.literal_block) if _stream(o))
        lines = list(LINE.finditer(printed))
        if lines:
            anchor = f"claim-{nodes.make_id(lines[0]['text'])[:60]}"
            cell["ids"].append(anchor)
            yield from (Made(line["text"], line["evidence"], anchor) for line in lines)


def _stream(output: nodes.literal_block) -> bool:
    return "stream" in output["classes"]


def collect(app: Sphinx, document: nodes.document) -> None:
    """Remember the claims of the page that was just read."""
    _all(app.env)[app.env.docname] = list(found(document))


def purge(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """Forget a page that will be read again."""
    _all(env).pop(page, None)


def resolve(app: Sphinx, document: nodes.document, page: str) -> None:
    """Write the tables where the page asks for them."""
    marks = list(document.findall(ClaimTables))
    made = {name: claims for name, claims in sorted(_all(app.env).items()) if claims}
    if marks and not made:
        raise ExtensionError("the claims page found no claim in any lesson")
    for mark in marks:
        count = sum(map(len, made.values()))
        summary = f"In the order of the book: {count} from {len(made)} lessons."
        parts: list[nodes.Node] = [nodes.paragraph("", summary)]
        for name, claims in made.items():
            uri = app.builder.get_relative_uri(page, name)
            parts += _lesson(app.env.titles[name], uri, claims)
        mark.replace_self(parts)


def _lesson(title: nodes.title, uri: str, claims: list[Made]) -> list[nodes.Node]:
    number = ".".join(map(str, title.get("secnumber") or ()))
    heading = f"{number}  {title.astext()}".strip()
    rows = [(_link(c.text, f"{uri}#{c.anchor}"), nodes.paragraph("", c.evidence)) for c in claims]
    head = (nodes.paragraph("", "claim"), nodes.paragraph("", "measured"))
    return [
        nodes.rubric("", heading, **{"heading-level": 2}),
        _table([head, *rows]),
    ]


def _table(rows: list[tuple[nodes.Node, ...]]) -> nodes.table:
    head, *body = (nodes.row("", *(nodes.entry("", cell) for cell in row)) for row in rows)
    columns = [nodes.colspec(colwidth=68), nodes.colspec(colwidth=32)]
    group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=2)
    return nodes.table("", group, classes=["claims"])


def _link(text: str, uri: str) -> nodes.paragraph:
    link = nodes.reference("", text, refuri=uri, internal=True)
    return nodes.paragraph("", "", link)


def _all(env: BuildEnvironment) -> dict[str, list[Made]]:
    if not hasattr(env, "lesson_claims"):
        env.lesson_claims = {}
    return env.lesson_claims


def setup(app: Sphinx) -> dict[str, bool]:
    """Collect after reading, write when everything is read."""
    app.add_node(ClaimTables)
    app.add_directive("claims", Claims)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
