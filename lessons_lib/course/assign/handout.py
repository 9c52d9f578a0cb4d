"""Write the folders that are handed out: labs, the lessons they link to, and what runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.course.assign.editions import key_edition, student_edition
from lessons_lib.course.assign.source import Lab, read_lab
from lessons_lib.course.assign.startup import write_startup
from lessons_lib.course.assign.traces import leave_none
from lessons_lib.course.assign.words import check_id
from lessons_lib.course.notebooks.live import Reader, linked, relinked
from lessons_lib.files import write_whole

if TYPE_CHECKING:
    from nbformat import NotebookNode


def labs_in(book: Path, names: Sequence[str] = ()) -> list[Lab]:
    """Read the labs in the folder ``book``, or those whose stems begin with one of ``names``.

    Raises
    ------
    FileNotFoundError
        If there is none, or none of that name.
    """
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
    """Write the students' edition into ``target``, or one into a folder for each student.

    Beside the notebooks stand a README, the requirements and the library, so that a student needs
    nothing else but Python.

    Parameters
    ----------
    labs : sequence of Lab
        What is handed out.
    book : Path
        Folder of the sources, where the lessons are, inside the folder of the course.
    target : Path
        New or empty folder.
    students : sequence of str
        Ids; each gets constants and cases of its own. None: one edition for all.
    url : str
        Address of the rendered book; links to pages that are not handed out lead there, and
        without it they become plain words.

    Returns
    -------
    list of Path
        The notebooks written.

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
    """Write and execute the key of each lab into ``target``, with the constants of each student.

    The other parameters are those of ``write_student``: ``labs``, ``book`` and ``students``.
    """
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
