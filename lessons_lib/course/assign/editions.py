"""From one notebook, two: what a student gets, and the key.

The student's edition has every cell but solutions and notes for instructors, and none of the
outputs that depend on a solution. It carries its name, version and student in its metadata, and
once more in the setup cell for editors that drop metadata.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lessons_lib.course.assign.source import Lab

if TYPE_CHECKING:
    from nbformat import NotebookNode

SECRET = ("solution", "instructors")
"""Tags of the cells that no student gets."""

METADATA = "lessons_lab"
"""Name of the entry in a notebook's metadata with the lab, its version and the student."""

_MARK = "# {stem}, version {version} (leave this line as it is)"
_MARKED = re.compile(r"^# (\w+), version ([0-9a-f]{10}) \(", re.M)


def version(lab: Lab) -> str:
    """Ten hexadecimal digits that change when a task's code, name or check changes.

    A word put right in the text keeps the version, and with it what was handed out.
    """
    parts = [
        [task.name, task.answer, task.stars]
        + [c.source for part in ("given", "stub", "check") for c in task.tagged(part)]
        for task in lab.tasks
    ]
    written = json.dumps([lab.stem, parts]).encode()
    return hashlib.sha256(written).hexdigest()[:10]


def student_edition(lab: Lab, student: str = "") -> NotebookNode:
    """Return the notebook of ``lab`` that a ``student`` works in; the empty id is the book's.

    Outputs are those of the source, but for what shows a solution or another's constants.
    """
    notebook = copy.deepcopy(lab.notebook)
    notebook.cells = [cell for cell in notebook.cells if not _has(cell, SECRET)]
    for cell in notebook.cells:
        if _has(cell, ("reveal",)) or (student and _has(cell, ("given",))):
            cell.outputs, cell.execution_count = [], None
    notebook.metadata[METADATA] = {"lab": lab.stem, "version": version(lab), "student": student}
    _mark(notebook, lab, student)
    return _counted(notebook)


def filled(lab: Lab, answers: Mapping[str, str], student: str = "") -> NotebookNode:
    """The `student_edition` with ``answers``, by task, in place of their stubs."""
    notebook = student_edition(lab, student)
    for task in lab.tasks:
        (stub,) = task.tagged("stub")
        (cell,) = [cell for cell in notebook.cells if cell.source == stub.source]
        cell.source = answers.get(task.name, cell.source)
    return notebook


def key_edition(lab: Lab, student: str = "") -> NotebookNode:
    """Return the notebook of ``lab`` with solutions in place of stubs; its outputs are empty.

    The check follows the solution in a cell of its own, so that the key can be graded, too.
    """
    notebook = copy.deepcopy(lab.notebook)
    notebook.cells = list(_solved(notebook.cells))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.tags = [t for t in cell.metadata.get("tags", []) if t != "hide-cell"]
    _mark(notebook, lab, student)
    return notebook


def _solved(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    """Leave stubs out, and put each check behind its solution."""
    check = None
    for cell in cells:
        if _has(cell, ("check",)):
            check = cell
        elif cell.cell_type == "code" and _has(cell, ("solution",)):
            cell.source = cell.source.removesuffix(f"\n\n{check.source}")
            yield from (cell, check)
        elif not _has(cell, ("stub",)):
            yield cell


def marks(notebook: NotebookNode) -> tuple[str, str, str]:
    """Return lab, version and student as a notebook tells them; what it does not tell is empty.

    A student is told by the metadata only: what a cell enrols is known once it runs.
    """
    told = notebook.metadata.get(METADATA, {})
    told = told if isinstance(told, dict) else {}  # a student's file may hold anything
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    mark = _MARKED.search(code)
    lab = told.get("lab") or (mark[1] if mark else "")
    number = told.get("version") or (mark[2] if mark else "")
    return str(lab), str(number), str(told.get("student") or "")


def _has(cell: NotebookNode, wanted: tuple[str, ...]) -> bool:
    return not set(wanted).isdisjoint(cell.metadata.get("tags", ()))


def _mark(notebook: NotebookNode, lab: Lab, student: str) -> None:
    """Write lab, version and student into the first cell of code."""
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    lines = [_MARK.format(stem=lab.stem, version=version(lab))]
    if student:
        lines = ["from lessons_lib.course.checks import enrol", "", f"enrol({student!r})", *lines]
    setup.source = "\n".join([setup.source, "", *lines])


def _counted(notebook: NotebookNode) -> NotebookNode:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count if cell.execution_count else None
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    return notebook
