"""Read what was handed in, with suspicion, and say clearly what cannot be graded."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.course.assign.editions import METADATA, marks, version
from lessons_lib.course.assign.roster import Person, Roster, names_of, readable
from lessons_lib.course.assign.source import Lab
from lessons_lib.course.assign.steps import Step, steps
from lessons_lib.course.assign.words import check_id, line

if TYPE_CHECKING:
    from nbformat import NotebookNode

LARGEST = 20_000_000
"""Bytes of a notebook; pictures and all, a lab has a tenth of it."""

ARCHIVES = {b"PK\x03\x04": "zip", b"Rar!": "rar", b"7z\xbc\xaf": "7z", b"\x1f\x8b": "gzip"}
"""How a packed file begins."""


_HIDDEN = (".", "__MACOSX")


class Refused(Exception):
    """The file is not graded, and the message says why; ``lab`` is what it says to be of."""

    def __init__(self, why: str, lab: str = "") -> None:
        super().__init__(why)
        self.lab = lab


@dataclass(frozen=True)
class Submission:
    """One file, read: whose it is, of which lab, and its steps in order.

    ``file`` is the path as it is shown. ``told`` is the id in the notebook's metadata, ``edition``
    the one by whose constants it is judged: that of the roster, else ``told``, and None if only
    running the notebook can tell. ``others`` are the ids of other people, whose edition this one
    must not be. ``digest`` is a hash of the content, and ``named`` says whether the name of the
    file tells whose it is, or only the notebook itself.
    """

    path: Path
    file: str
    lab: str
    student: str
    told: str
    edition: str | None
    steps: tuple[Step, ...]
    digest: str
    named: bool
    others: frozenset[str] = frozenset()

    @property
    def checks(self) -> set[str]:
        """Names of the tasks whose checks are there."""
        return {step.task for step in self.steps if step.task}


def find(folder: Path) -> Iterator[Path]:
    """All below ``folder`` that was handed in, hidden files and checkpoints apart.

    Links, pipes and folders that cannot be opened are there too, to be refused by name.
    """
    found, left = [], [folder]
    while left:
        top = left.pop()
        try:
            inside = [path for path in top.iterdir() if not path.name.startswith(_HIDDEN)]
            folders = {path for path in inside if path.is_dir() and not path.is_symlink()}
        except OSError:
            inside, folders = [top], set()
        found += [path for path in inside if path not in folders]
        left += folders
    yield from sorted(found)


def read_submission(
    path: Path, folder: Path, labs: Mapping[str, Lab], roster: Roster | None = None
) -> Submission:
    """Read the file at ``path`` below ``folder``; its lab must be one of ``labs``.

    With a ``roster``, it decides whose the file is, and by which edition it is judged.
    """
    data = _content(path)
    if not readable(path, folder):
        raise Refused("its name holds characters that are no text: rename it")
    notebook = _notebook(data)
    stem, told = _lab_and_student(notebook, labs)
    names = names_of(path, folder, labs)
    try:
        person = owner(names or tuple(filter(None, [told])), roster)
    except ValueError as error:
        raise Refused(f"whose it is cannot be told: {error}", stem) from error
    cells = [c.source for c in notebook.cells if c.cell_type == "code"]
    return Submission(
        path,
        shown(path, folder),
        stem,
        person.student,
        told,
        person.edition if roster else told or None,
        steps(cells, labs[stem].tasks),
        hashlib.sha256(data).hexdigest(),
        bool(names),
    )


def _lab_and_student(notebook: NotebookNode, labs: Mapping[str, Lab]) -> tuple[str, str]:
    """Which of the ``labs`` it says to be, in their version, and whose its metadata say it is."""
    stem, number, told = marks(notebook)
    if stem not in labs:
        said = f"it says {line(repr(stem), 80)}" if stem else "it does not say which lab it is"
        raise Refused(f"not one of the labs that are graded: {said}")
    if number != (wanted := version(labs[stem])):
        raise Refused(
            f"another version of {stem}: {line(number, 20) or 'none is told'}, and {wanted} is "
            "graded; put the answers into the notebook that was handed out",
            stem,
        )
    try:
        return stem, check_id(told) if told else ""
    except ValueError as error:
        raise Refused(f"its metadata name no student: {error}", stem) from error


def owner(names: tuple[str, ...], roster: Roster | None) -> Person:
    """Who is called by one of the ``names``, the best first."""
    if not names:
        raise ValueError("name the file, or its folder, after the student")
    return roster.find(names) if roster else Person(names[0], "")


def of_another(edition: str) -> str:
    """Why a notebook with the ``edition`` of somebody else is not graded."""
    return f"it is the edition of {edition!r}, who is somebody else in this class"


def shown(path: Path, folder: Path) -> str:
    """The place of ``path`` below ``folder``, fit to be printed."""
    return line(path.relative_to(folder).as_posix())


def _content(path: Path) -> bytes:
    """All bytes of a plain file; a pipe or a link is not followed, and nothing waits."""
    try:
        if not stat.S_ISREG(mode := path.lstat().st_mode):
            raise Refused(_no_file(mode))
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from error
    if not data:
        raise Refused("the file is empty")
    if len(data) > LARGEST:
        raise Refused(f"too large: at most {LARGEST / 1e6:.0f} MB are read")
    return data


def _no_file(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link, which is not followed: put the file itself there"
    if stat.S_ISDIR(mode):
        return "a folder that cannot be opened"
    return "neither a file nor a folder, such as a pipe: nothing is read from it"


def _notebook(data: bytes) -> NotebookNode:
    """Cells and metadata, and nothing else of what a file may hold; no schema is tried on it."""
    import nbformat

    for begin, kind in ARCHIVES.items():
        if data.startswith(begin):
            raise Refused(f"a {kind} archive: unpack it in its place first")
    try:
        told = json.loads(data)
        cells = [_cell(cell) for cell in told["cells"]]
        metadata = {METADATA: told["metadata"].get(METADATA)}
    except UnicodeDecodeError as error:
        raise Refused("not a notebook: its content is no text in UTF-8") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        raise Refused(f"not a notebook ({type(error).__name__})") from error
    return nbformat.from_dict({"cells": cells, "metadata": metadata})


def _cell(told: dict[str, Any]) -> dict[str, str]:
    source = told["source"]
    text = "".join(source) if isinstance(source, list) else source
    if not isinstance(text, str) or not isinstance(told["cell_type"], str):
        raise TypeError("a cell is text")
    return {"cell_type": told["cell_type"], "source": re.sub(r"\r\n?", "\n", text)}
