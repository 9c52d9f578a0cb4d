"""The claims page: every line with a check mark in every lesson, collected while the book is built.

A lesson prints a claim only after it held, and the tests execute each lesson again and compare what
it prints with its code; so this page lists what was executed and nothing else. Nobody types it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from written import BOOK, Written, prose

LINE = re.compile(r"^✓ (?P<text>.+): (?P<evidence>.+)$", re.M)
RELATION = re.compile(r"(?P<measured>\S+) (?P<sign>[≈=<>]) (?P<wanted>\S+)(?: (?P<margin>.+))?")
POWER = re.compile(r"(?<![\w.])([\d.]+)e([+-]?)0*(\d+)")
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
TITLE = re.compile(r"^# (.+)$", re.M)


class Made(NamedTuple):
    """One claim as a lesson prints it, and its place there."""

    text: str
    evidence: str
    anchor: str


class Claims(Written):
    """``{claims}`` becomes a section with a table for each lesson."""

    def made(self) -> list[nodes.Node]:
        """Read every lesson."""
        lessons = {path: list(found(path)) for path in sorted(BOOK.glob("*.ipynb"))}
        lessons = {path: claims for path, claims in lessons.items() if claims}
        if not lessons:
            raise ExtensionError("the claims page found no claim in any lesson")
        total = sum(map(len, lessons.values()))
        parts = self.read(f"In the order of the book: {total} from {len(lessons)} lessons.")
        return [*parts, *(self.lesson(path, claims) for path, claims in lessons.items())]

    def lesson(self, path: Path, claims: list[Made]) -> nodes.section:
        """The claims of a lesson under its title, which the contents list shows."""
        title = TITLE.search(prose(path))[1]
        section = nodes.section("", nodes.title("", title), ids=[f"claims-of-{path.stem}"])
        self.state.document.note_explicit_target(section)
        section += [*self.read(f"From [](<{path.name}>)."), table(path.stem, claims)]
        return section


def found(path: Path) -> Iterator[Made]:
    """Claims in the outputs of a lesson."""
    taken: set[str] = set()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        printed = ("".join(output.get("text", "")) for output in cell.get("outputs", []))
        yield from claimed("\n".join(printed), taken)


def claimed(printed: str, taken: set[str]) -> Iterator[Made]:
    """Claims among the lines that a cell has printed, each with a place that is not ``taken``."""
    for line in LINE.finditer(printed):
        name = first = f"claim-{nodes.make_id(line['text'])}"
        again = count(2)
        while name in taken:
            name = f"{first}-{next(again)}"
        taken.add(name)
        yield Made(line["text"], line["evidence"], name)


def table(stem: str, claims: list[Made]) -> nodes.table:
    """A line for each claim, which leads to its place."""
    cells: list[tuple[nodes.Node, nodes.Node]] = [(nodes.Text("claim"), nodes.Text("measured"))]
    for one in claims:
        uri = f"{stem}.html#{one.anchor}"
        link = nodes.reference("", one.text, refuri=uri, internal=True)
        cells.append((link, nodes.raw("", evidence(one.evidence), format="html")))
    head, *body = (
        nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in row))
        for row in cells
    )
    columns = [nodes.colspec(colwidth=68), nodes.colspec(colwidth=32)]
    group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=2)
    return nodes.table("", group, classes=["claims"], support_smartquotes=False)


def evidence(printed: str) -> str:
    """What was measured and wanted, as html in which no number breaks."""
    found = RELATION.fullmatch(printed)
    if not found:
        parts = map(number, re.split(r" (?=within|exactly)", printed))
        shown = " ".join(f"<span>{part}</span>" for part in parts)
        return f'<span class="evidence">{shown}</span>'
    margin = f" <span>{number(found['margin'])}</span>" if found["margin"] else ""
    sign = html.escape(found["sign"])
    return (
        f'<span class="evidence"><span class="measured">{number(found["measured"])}</span> '
        f"<span>{sign}&nbsp;{number(found['wanted'])}</span>{margin}</span>"
    )


def number(text: str) -> str:
    """Numbers with a minus sign, and with powers of ten for a reader."""
    return html.escape(re.sub(r"-(?=\d)", "−", POWER.sub(power, text)))


def power(match: re.Match[str]) -> str:
    """``3e-5`` as ``3·10⁻⁵``."""
    exponent = f"{match[2].replace('+', '')}{match[3]}".translate(RAISED)
    return f"{match[1]}·10{exponent}" if match[1] != "1" else f"10{exponent}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("claims", Claims)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
