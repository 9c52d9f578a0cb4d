"""Write the folders that are handed out: labs, the lessons they link to, and what runs them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.course.assign.editions import key_edition, student_edition
from lessons_lib.course.assign.source import Lab, read_lab
from lessons_lib.course.assign.traces import leave_none
from lessons_lib.course.assign.words import check_id
from lessons_lib.course.notebooks.live import Reader, linked, pins, relinked
from lessons_lib.files import write_whole

if TYPE_CHECKING:
    from nbformat import NotebookNode

README = """\
# {title}

{whose}You need Python 3.11 or newer and, the first time, the internet: about a gigabyte.
Open a terminal in this folder and type two commands. On Linux and macOS:

    python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt
    .venv/bin/python -m jupyterlab {first}

On Windows:

    py -m venv .venv; .venv\\Scripts\\python -m pip install -r requirements.txt
    .venv\\Scripts\\python -m jupyterlab {first}

Your browser shows the lab. Run its cells from the top with Shift+Enter. Put each answer where the
three dots are; the cell below checks it as often as you like. In Visual Studio Code, open this
folder instead of the second command, and choose `.venv` as the kernel.

{labs}

Save the notebook and hand in that one file, under the name that it has. Leave the checks and the
line with the version as they are.
"""


def labs_in(book: Path, names: Sequence[str] = ()) -> list[Lab]:
    """Read the labs in the folder ``book``, or those whose stems begin with one of ``names``."""
    paths = sorted(book.glob("*_lab.ipynb"))
    wanted = [p for p in paths if not names or p.stem.startswith(tuple(names))]
    absent = [name for name in names if not any(p.stem.startswith(name) for p in paths)]
    if not wanted or absent:
        there = ", ".join(p.stem for p in paths) or "none"
        raise FileNotFoundError(f"no lab {' '.join(absent)} in {book}; there: {there}")
    return [read_lab(path) for path in wanted]


def write_student(
    labs: Sequence[Lab], book: Path, target: Path, *, students: Sequence[str] = (), url: str = ""
) -> list[Path]:
    """Write the students' edition into ``target``, or one into a folder for each of ``students``.

    Beside the notebooks stand a README, the requirements and the library, so that a student needs
    nothing else but Python. The lessons of ``book`` that the labs link to come along; links to
    other pages lead to ``url``, the rendered book, and without it become plain words. Returns the
    paths of the notebooks.

    Raises
    ------
    ValueError
        If ``target`` is not empty, or an id is doubled or no word.
    RuntimeError
        If a trace of a solution is found in what was written.
    """
    students = _checked(students)
    make_empty(target)
    reader, written = Reader(book), []
    for student in students or [""]:
        folder = target / student
        here = _copy_lessons(labs, reader, folder, url)
        for lab in labs:
            path = folder / f"{lab.stem}.ipynb"
            notebook = reader.notebook(student_edition(lab, student), path.name)
            _write(relinked(notebook, book, here, url), path)
            written.append(path)
    leave_none(target, labs, book)
    titles = [(f"{lab.stem}.ipynb", _title(lab)) for lab in labs]
    for student in students or [""]:
        write_startup(target / student, titles, book.parent, student)
    return written


def write_solutions(
    labs: Sequence[Lab], book: Path, target: Path, *, students: Sequence[str] = ()
) -> list[Path]:
    """Write and execute the key of each lab into ``target``, with the constants of each student."""
    from lessons_lib.course.notebooks import execute

    students = _checked(students)
    make_empty(target)
    reader, written = Reader(book), []
    for student in students or [""]:
        (target / student).mkdir(exist_ok=True)
        for lab in labs:
            path = target / student / f"{lab.stem}.ipynb"
            notebook = execute(key_edition(lab, student), folder=book)
            notebook = reader.notebook(notebook, path.name)
            _write(relinked(notebook, book, {one.stem + ".ipynb" for one in labs}), path)
            written.append(path)
    return written


def _checked(students: Sequence[str]) -> list[str]:
    """The ids in their one form; they must differ on systems too that do not tell A from a."""
    ids = [check_id(student) for student in students]
    count = Counter(one.casefold() for one in ids)
    if doubled := sorted({one for one in ids if count[one.casefold()] > 1}):
        raise ValueError(f"student ids must differ; more than once: {', '.join(doubled)}")
    return ids


def make_empty(target: Path) -> None:
    """Make ``target`` a folder that is there and empty, or raise a ValueError."""
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise ValueError(f"the folder must be empty; there are files in {target}")


def _copy_lessons(labs: Sequence[Lab], reader: Reader, folder: Path, url: str) -> set[str]:
    """Copy the lessons that the labs link to, as an editor shows them.

    Returns the names of all notebooks that will be in the folder.
    """
    import nbformat

    folder.mkdir(exist_ok=True)
    book, links = reader.book, {link for lab in labs for link in linked(lab.notebook)}
    lessons = {n for n in links if n.endswith(".ipynb") and (book / n).is_file()}
    lessons = {name for name in lessons if not name.endswith("_lab.ipynb")}
    here = lessons | {f"{lab.stem}.ipynb" for lab in labs}
    for name in sorted(lessons):
        notebook = reader.notebook(nbformat.read(book / name, as_version=4), name)
        _write(relinked(notebook, book, here, url), folder / name)
    return here


def _title(lab: Lab) -> str:
    return lab.notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def _write(notebook: NotebookNode, path: Path) -> None:
    import nbformat

    write_whole(path, nbformat.writes(notebook) + "\n")


def write_startup(folder: Path, labs: Sequence[tuple[str, str]], root: Path, student: str) -> None:
    """Write ``README.md``, ``requirements.txt`` and a wheel of the library into ``folder``.

    ``labs`` are file names and titles, ``root`` is the folder of the course, and the edition is
    that of ``student``, or for all.
    """
    name, wheel = library(root)
    write_whole(folder / name, wheel)
    lab = [line for line in _lines(root / "requirements-lab.txt") if "==" in line]
    lines = [*pins(root), *lab, f"./{name}[notebooks]"]
    write_whole(folder / "requirements.txt", "\n".join(lines) + "\n")
    text = README.format(
        title="Your lab" if len(labs) == 1 else "Your labs",
        whose=f"This is the edition of {student}: its constants are yours.\n\n" if student else "",
        first=labs[0][0],
        labs="\n".join(f"- [{title}]({file})" for file, title in labs),
    )
    write_whole(folder / "README.md", text)


@lru_cache(maxsize=4)
def library(root: Path) -> tuple[str, bytes]:
    """Name and content of a wheel of the library, built from the course in ``root``."""
    if not (root / "pyproject.toml").is_file():
        raise FileNotFoundError(f"no pyproject.toml in {root.resolve()}, the folder of the course")
    if find_spec("hatchling") is None:
        raise RuntimeError("hatchling builds the library; `make book` installs it")
    with tempfile.TemporaryDirectory() as name:
        words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", name]
        done = subprocess.run(words, cwd=root, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise RuntimeError(f"the library cannot be built: {done.stderr.strip()[-300:]}")
        (wheel,) = Path(name).iterdir()
        return wheel.name, wheel.read_bytes()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
