"""The tables for teachers: what each page costs, and what the exercises are."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mdit_py_plugins.anchors.index import slugify
from sphinx.application import Sphinx
from written import BOOK, Written, prose, table

from lessons_lib.course.assign import Lab, Task, read_lab

MATRIX = BOOK / "_data" / "exercises.json"
EXERCISES = (
    "exercise",
    "asks to",
    "stars",
    "minutes",
    "right answers accepted",
    "wrong answers noticed",
)
COSTS = ("page", "minutes to read", "seconds to run", "minutes of exercises")
READ = re.compile(r"about (\d+) minutes? to read")


class Exercises(Written):
    """``{exercises}`` becomes a table for each lab, under a line that counts them."""

    def text(self) -> str:
        """Read the labs, and the answers that the tests hand in."""
        self.env.note_dependency(str(MATRIX))
        labs = [read_lab(path) for path in sorted(BOOK.glob("*_lab.ipynb"))]
        seen = {row["exercise"]: row for row in json.loads(MATRIX.read_text(encoding="utf-8"))}
        return "\n\n".join([summary(labs, seen), *(exercises(lab, seen) for lab in labs)])


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


def exercises(lab: Lab, seen: dict[str, dict]) -> str:
    """A line for each task; its title leads to the task."""
    title = lab.notebook.cells[0].source.splitlines()[0].removeprefix("# Lab: ")
    rows = (row(task, lab.stem, seen[task.name]) for task in lab.tasks)
    heading = f"**Lab of chapter {int(lab.stem[:2])}: {title}**\n\n"
    return heading + table([EXERCISES, *rows], "exercises", 30, 14, 6, 8, 10, 32)


def row(task: Task, stem: str, seen: dict) -> Iterator[object]:
    """Return the cells of one task."""
    anchor = slugify(f"{task.number}. {task.title}")
    yield f"{task.number}\\. [{task.title}]({stem}.ipynb#{anchor})"
    kinds = Counter(seen["rejected"])
    noticed = ", ".join(f"{kind} ({n})" if n > 1 else kind for kind, n in kinds.items())
    yield from (task.kind, task.stars, task.minutes, seen["accepted"], noticed)


class Timings(Written):
    """``{timings}`` becomes a table with a row for each lesson, and a sum."""

    def text(self) -> str:
        """Read every lesson, and the lab of its name if there is one."""
        paths = [path for path in sorted(BOOK.glob("*.ipynb")) if not path.stem.endswith("_lab")]
        costs = [cost(path) for path in paths]
        rows = [(f"[]({p.name})", *numbers) for p, numbers in zip(paths, costs, strict=True)]
        totals = ("all", *map(sum, zip(*costs, strict=True)))
        lines = ([cell or "–" for cell in line] for line in [*rows, totals])
        return table([COSTS, *lines], "costs", 55, 15, 15, 15)


def cost(path: Path) -> tuple[int, int, int]:
    """Minutes to read, seconds to run as measured when the page was made, minutes of its lab."""
    lab = path.with_name(f"{path.stem}_lab.ipynb")
    minutes = sum(task.minutes for task in read_lab(lab).tasks) if lab.exists() else 0
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return int(READ.search(prose(path))[1]), wall_seconds(cells), minutes


def wall_seconds(cells: list[dict]) -> int:
    """Return the value that the last cell has glued."""
    for output in cells[-1]["outputs"]:
        if output.get("metadata", {}).get("scrapbook", {}).get("name") == "wall_seconds":
            return int("".join(output["data"]["application/papermill.record/text/plain"]))
    raise ValueError("the last cell of a lesson reports wall_seconds")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("exercises", Exercises)
    app.add_directive("timings", Timings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
