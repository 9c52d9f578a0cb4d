"""A lab as its notebook tells it: tasks in order, each a run of tagged cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.course.checks import Exercise, exercises

if TYPE_CHECKING:
    from nbformat import NotebookNode

KINDS = ("Predict", "Derive", "Implement", "Break", "Extend", "Find the bug")
"""What a task asks for, in the order in which a lab asks."""

PARTS = ("exercise", "given", "stub", "check", "hint", "solution", "reveal", "instructors")
"""The tags of a task's cells: exactly one of each in a cell.

The task begins with its ``exercise`` cell. ``given`` code never depends on the answer; the
``check`` is one line, ``checks.name(answer)``; a ``solution`` cell replaces the stub; a ``reveal``
shows something once there is an answer. The student's edition has no ``solution`` and no
``instructors`` cell, and shows no output of a ``reveal``.
"""

_TITLE = re.compile(r"^## (\d+)\. (.+)$", re.M)
_LINE = re.compile(
    rf"^\*\*({'|'.join(KINDS)})\*\* (★{{1,3}})☆* · about (\d+) minutes · \*(.+[.?!])\*$", re.M
)
_CHECK = re.compile(r"checks\.(\w+)\((\w+)\)")


@dataclass(frozen=True)
class Task:
    """One exercise of a lab as it stands in the notebook.

    ``name`` is that of its check, ``answer`` the variable or function that the student fills in,
    ``stars`` and ``minutes`` tell how hard and how long, and ``cells`` are all its cells.
    """

    number: int
    title: str
    kind: str
    stars: int
    minutes: int
    objective: str
    name: str
    answer: str
    cells: tuple[NotebookNode, ...]

    def tagged(self, part: str) -> list[NotebookNode]:
        """The cells whose tag is ``part``, one of `PARTS`."""
        return [cell for cell in self.cells if part in cell.metadata.get("tags", ())]

    @property
    def solution(self) -> str:
        """The code that solves it, without the check."""
        code = next(c.source for c in self.tagged("solution") if c.cell_type == "code")
        lines = [line for line in code.splitlines() if not line.startswith("checks.")]
        return "\n".join(lines).rstrip()


@dataclass(frozen=True)
class Lab:
    """A lab: the ``stem`` of its file, its ``notebook``, and its ``tasks`` in order."""

    stem: str
    notebook: NotebookNode
    tasks: tuple[Task, ...]

    @property
    def topic(self) -> str:
        """Name of its module among the checks: the stem without number and ``_lab``."""
        return self.stem[3:].removesuffix("_lab")

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """Its exercises by name."""
        return exercises(import_module(f"lessons_lib.course.checks.{self.topic}"))


def read_lab(path: Path) -> Lab:
    """Read the lab in the notebook at ``path``.

    Raises
    ------
    ValueError
        If a task lacks its title, its line of kind, stars, minutes and objective, or its check.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    runs: list[list[NotebookNode]] = []
    for cell in notebook.cells:
        found = set(cell.metadata.get("tags", ())) & set(PARTS)
        if "exercise" in found:
            runs.append([])
        if found and not runs:
            raise ValueError(f"{path.name}: a cell tagged {found} before the first exercise")
        if found:
            runs[-1].append(cell)
    return Lab(path.stem, notebook, tuple(_task(run, path.name) for run in runs))


def _task(cells: list[NotebookNode], where: str) -> Task:
    head = cells[0].source
    title, line = _TITLE.search(head), _LINE.search(head)
    checks = [_CHECK.fullmatch(cell.source) for cell in cells if "check" in cell.metadata.tags]
    if not title or not line or len(checks) != 1 or not checks[0]:
        raise ValueError(
            f"{where}: a task needs `## N. Title`, a line `**Kind** ★☆☆ · about N minutes · "
            f"*Objective.*` and one check `checks.name(answer)`; got {head[:80]!r}"
        )
    kind, stars, minutes, objective = line.groups()
    return Task(
        int(title[1]),
        title[2],
        kind,
        len(stars),
        int(minutes),
        objective,
        *checks[0].groups(),
        tuple(cells),
    )
