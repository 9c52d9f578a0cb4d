"""Play a lab as a student would, with or without its solutions, and catch the answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conftest import ROOT
from lesson_runner import play
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from lessons_lib.course.assign import Lab
from lessons_lib.course.checks import enrol

CATCH = "answers[{name!r}] = {answer}"


@dataclass
class Played:
    """The exceptions that left a cell, and the answer to each exercise by its name."""

    errors: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)


def answered(lab: Lab, student: str = "", *, solved: bool) -> Played:
    """Run all code cells; ``solved=False`` leaves the solutions out."""
    caught: dict[str, Any] = {}
    cells = [new_code_cell(f"from lessons_lib.course.checks import enrol\nenrol({student!r})")]
    last = {id(task.cells[-1]): task for task in lab.tasks}
    for cell in lab.notebook.cells:
        if cell.cell_type == "code" and (solved or not _is_solution(cell)):
            cells.append(cell)
        if task := last.get(id(cell)):
            cells.append(new_code_cell(CATCH.format(name=task.name, answer=task.answer)))
    try:
        run = play(new_notebook(cells=cells), ROOT / "book", answers=caught)
    finally:
        enrol("")
    return Played(run.errors, caught)


def _is_solution(cell: NotebookNode) -> bool:
    return "solution" in cell.metadata.get("tags", ())
