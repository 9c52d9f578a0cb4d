"""Made-up students: they fill in a lab well, badly, or with something else in mind."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from lessons_lib.course.assign import Lab
from lessons_lib.course.assign.editions import filled


def solution(lab: Lab, name: str) -> str:
    """The code of the solution of one task, without its check."""
    (task,) = [task for task in lab.tasks if task.name == name]
    return task.solution


def perfect(lab: Lab, student: str = "") -> NotebookNode:
    return filled(lab, {task.name: task.solution for task in lab.tasks}, student)


def with_first_cell(notebook: NotebookNode, source: str) -> NotebookNode:
    """The same, and ``source`` runs after the setup."""
    place = next(k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(place + 1, new_code_cell(source))
    return notebook


def save(notebook: NotebookNode, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
