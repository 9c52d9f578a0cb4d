"""A lab as the master notebook of an otter-grader assignment, for Gradescope and other servers.

``otter assign`` makes of it the students' notebook and an autograder. Public tests are the checks
of the notebook; hidden ones are the same checks on other cases, and carry the points. There a
submission runs in one process with its tests: our own `grade` is the one with walls.
"""

from __future__ import annotations

import copy
import json
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import lessons_lib
from lessons_lib.course.assign.editions import version
from lessons_lib.course.assign.grading import ROUNDS
from lessons_lib.course.assign.handout import make_empty
from lessons_lib.course.assign.source import Lab, Task
from lessons_lib.course.notebooks.live import Reader, relinked
from lessons_lib.files import write_whole

if TYPE_CHECKING:
    from nbformat import NotebookNode

PYTORCH = "--extra-index-url https://download.pytorch.org/whl/cpu"
NOT_NEEDED = ("__pycache__", "assign", "studies", "notebooks")
"""Parts of the library that no lab imports."""

RIGHT = "✓ correct\n"


def write_otter(labs: Sequence[Lab], root: Path, target: Path, *, seed: int) -> list[Path]:
    """Write a folder for each lab into ``target``: master notebook, library and requirements.

    ``root`` is the folder with ``pyproject.toml``, whose dependencies the autograder installs, and
    ``seed`` that of the hidden cases. Returns the master notebooks, for ``otter assign``.
    """
    import nbformat

    make_empty(target)
    reader = Reader(root / "book")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = []
    for lab in labs:
        folder = target / lab.stem
        folder.mkdir()
        lines = [PYTORCH, *project["dependencies"]]
        write_whole(folder / "requirements.txt", "\n".join(lines) + "\n")
        library, ignored = Path(lessons_lib.__file__).parent, shutil.ignore_patterns(*NOT_NEEDED)
        shutil.copytree(library, folder / "lessons_lib", ignore=ignored)
        path = folder / f"{lab.stem}.ipynb"
        notebook = reader.notebook(master(lab, seed=seed), path.name)
        write_whole(path, nbformat.writes(relinked(notebook, reader.book, ())) + "\n")
        written.append(path)
    return written


def master(lab: Lab, *, seed: int) -> NotebookNode:
    """Return the master notebook of ``lab``, with hidden cases of ``seed``."""
    notebook = copy.deepcopy(lab.notebook)
    begun = {task.cells[0].id: task for task in lab.tasks}
    own = {cell.id for task in lab.tasks for cell in task.cells}
    cells = [_raw("ASSIGNMENT CONFIG", **_settings(lab))]
    for cell in notebook.cells:
        if task := begun.get(cell.id):
            cells += _question(task, seed)
        elif cell.id not in own and "report()" not in cell.source:
            cells.append(_emptied(cell))
    notebook.cells = cells
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return notebook


def _settings(lab: Lab) -> dict[str, object]:
    return {
        "name": f"{lab.stem}-{version(lab)}",
        "requirements": "requirements.txt",
        "files": ["lessons_lib"],
        "export_cell": {"pdf": False},
        "python_version": "3.12",
        "generate": {"show_stdout": True},
    }


def _question(task: Task, seed: int) -> list[NotebookNode]:
    """The cells of a task: text and shipped code, answer, tests, and what comes after."""
    before = [c for part in ("exercise", "given") for c in task.tagged(part)]
    after = [_emptied(c) for c in task.cells if c in task.tagged("hint") + task.tagged("reveal")]
    (stub,) = task.tagged("stub")
    hidden = f"print(checks.{task.name}.verdict({task.answer}, seed={seed}, rounds={ROUNDS}))"
    return [
        _raw("BEGIN QUESTION", name=task.name, points=[0, task.stars]),
        *(_emptied(cell) for cell in before),
        _raw("BEGIN SOLUTION"),
        _code(_with_prompt(stub.source, task.solution)),
        _raw("END SOLUTION"),
        _raw("BEGIN TESTS"),
        _test(f"checks.{task.name}({task.answer})", hidden=False),
        _test(hidden, hidden=True),
        _raw("END TESTS"),
        _raw("END QUESTION"),
        *after,
    ]


def _with_prompt(stub: str, solution: str) -> str:
    lines = ['r""" # BEGIN PROMPT', stub, '""" # END PROMPT']
    return "\n".join([*lines, "# BEGIN SOLUTION NO PROMPT", solution, "# END SOLUTION"])


def _test(line: str, *, hidden: bool) -> NotebookNode:
    """A test that passes if its line prints what a correct answer makes it print."""
    from nbformat.v4 import new_output

    head = ['""" # BEGIN TEST CONFIG', f"hidden: {str(hidden).lower()}", '""" # END TEST CONFIG']
    cell = _code("\n".join([*head, line]))
    cell.outputs = [new_output("stream", name="stdout", text=RIGHT)]
    return cell


def _raw(head: str, **settings: object) -> NotebookNode:
    """A cell that otter reads; its values are JSON, which YAML reads too."""
    from nbformat.v4 import new_raw_cell

    lines = [f"{name}: {json.dumps(value)}" for name, value in settings.items()]
    return new_raw_cell("\n".join([f"# {head}", *lines]))


def _code(source: str) -> NotebookNode:
    from nbformat.v4 import new_code_cell

    return new_code_cell(source)


def _is_code(cell: NotebookNode) -> bool:
    return cell.cell_type == "code"


def _emptied(cell: NotebookNode) -> NotebookNode:
    cell = copy.deepcopy(cell)
    if _is_code(cell):
        cell.outputs, cell.execution_count = [], None
    return cell
