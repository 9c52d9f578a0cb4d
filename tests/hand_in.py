"""Made-up students: they fill in a lab well, badly, or with something else in mind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from lessons_lib.course.assign import Lab
from lessons_lib.course.assign.editions import student_edition


def solution(lab: Lab, name: str) -> str:
    """The code of the solution of one task, without its check."""
    (task,) = [task for task in lab.tasks if task.name == name]
    (cell,) = [cell for cell in task.tagged("solution") if cell.cell_type == "code"]
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("checks."))


def filled(lab: Lab, answers: Mapping[str, str], student: str = "") -> NotebookNode:
    """The student's edition with code in place of the stubs of these tasks."""
    notebook = student_edition(lab, student)
    for task in lab.tasks:
        (stub,) = task.tagged("stub")
        (cell,) = [cell for cell in notebook.cells if cell.source == stub.source]
        cell.source = answers.get(task.name, cell.source)
    return notebook


def perfect(lab: Lab, student: str = "") -> NotebookNode:
    return filled(lab, {task.name: solution(lab, task.name) for task in lab.tasks}, student)


def with_first_cell(notebook: NotebookNode, source: str) -> NotebookNode:
    """The same, and ``source`` runs after the setup."""
    place = next(k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(place + 1, new_code_cell(source))
    return notebook


def save(notebook: NotebookNode, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
