"""The tables of exercises: read off the labs, with the answers that the tests hand in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import doctree
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from lessons_lib.course.assign import Lab, Task, read_lab

BOOK = Path(__file__).resolve().parent.parent
MATRIX = BOOK / "_data" / "exercises.json"
HEAD = (
    "exercise",
    "asks to",
    "stars",
    "minutes",
    "right answers accepted",
    "wrong answers noticed",
)
WIDTHS = (30, 14, 6, 8, 10, 32)


class Exercises(SphinxDirective):
    """``{exercises}`` becomes a table for each lab, under a line that counts them."""

    def run(self) -> list[nodes.Node]:
        """Read the labs; the page is made anew when one of them or the matrix changes."""
        labs = [read_lab(path) for path in sorted(BOOK.glob("*_lab.ipynb"))]
        seen = {row["exercise"]: row for row in json.loads(MATRIX.read_text(encoding="utf-8"))}
        for path in [MATRIX, *BOOK.glob("*_lab.ipynb")]:
            self.env.note_dependency(str(path))
        made: list[nodes.Node] = [nodes.paragraph("", summary(labs, seen))]
        for lab in labs:
            title = lab.notebook.cells[0].source.splitlines()[0].removeprefix("# Lab: ")
            number = int(lab.stem[:2])
            heading = f"Lab of chapter {number}: {title}"
            made += [nodes.rubric("", heading, **{"heading-level": 3}), table(self.env, lab, seen)]
        return made


def summary(labs: list[Lab], seen: dict[str, dict]) -> str:
    """Count exercises, minutes and answers."""
    tasks = [task for lab in labs for task in lab.tasks]
    hours = sum(task.minutes for task in tasks) / 60
    right = sum(row["accepted"] for row in seen.values())
    wrong = sum(len(row["rejected"]) for row in seen.values())
    return (
        f"{len(tasks)} exercises in {len(labs)} labs, about {hours:.0f} hours of work. The tests "
        f"hand in {right} right answers, which are accepted, and {wrong} wrong ones, which are "
        f"refused with the hint that fits."
    )


def table(env: object, lab: Lab, seen: dict[str, dict]) -> nodes.table:
    """One row for each task."""
    uri = env.app.builder.get_relative_uri(env.docname, f"book/{lab.stem}")
    rows = [head(), *(row(task, uri, seen[task.name]) for task in lab.tasks)]
    return doctree.table(rows, WIDTHS, "exercises")


def head() -> Iterator[nodes.Node]:
    """Return the names of the columns."""
    return (nodes.paragraph("", word) for word in HEAD)


def row(task: Task, uri: str, seen: dict) -> Iterator[nodes.Node]:
    """Return the cells of one task; its title leads to the task."""
    anchor = nodes.make_id(f"{task.number}. {task.title}")
    link = nodes.reference("", task.title, refuri=f"{uri}#{anchor}", internal=True)
    yield nodes.paragraph("", f"{task.number}. ", link)
    kinds = Counter(seen["rejected"])
    noticed = ", ".join(f"{kind} ({n})" if n > 1 else kind for kind, n in kinds.items())
    words = (task.kind, task.stars, task.minutes, seen["accepted"], noticed)
    yield from (nodes.paragraph("", str(word)) for word in words)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("exercises", Exercises)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
