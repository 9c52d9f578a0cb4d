"""Read what was handed in, with suspicion, and say clearly what cannot be graded."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.assign.editions import METADATA, marks, version
from lessons_lib.assign.source import Lab, Task

if TYPE_CHECKING:
    from nbformat import NotebookNode

LARGEST = 20_000_000
"""Bytes of a notebook; pictures and all, a lab has a tenth of it."""

_CANVAS = re.compile(r"[^_]+_(?:late_)?(\d{3,})_\d{3,}(?:_|$)", re.I)
_MOODLE = re.compile(r"(.+)_\d+_assignsubmission_\w+")


class Refused(Exception):
    """The file is not graded, and the message says why."""


@dataclass(frozen=True)
class Submission:
    """One file, read: whose it is, of which lab, and its cells of code in order.

    ``enrolled`` is the id whose constants the notebook has, empty in an edition for all, and
    ``named`` is whom the file's name tells; the gradebook calls the author ``student``. ``checks``
    has, for each task's name, the place in ``cells`` of its check; a task whose check was edited
    or removed is absent.
    """

    path: Path
    lab: str
    student: str
    named: str
    enrolled: str
    cells: tuple[str, ...]
    checks: Mapping[str, int]


def find(folder: Path) -> Iterator[Path]:
    """Every file below ``folder`` that was handed in, hidden ones and checkpoints apart."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(p.startswith((".", "__MACOSX")) for p in parts)
        if path.is_file() and not path.is_symlink() and not hidden:
            yield path


def read_submission(path: Path, folder: Path, labs: Mapping[str, Lab]) -> Submission:
    """Read the file at ``path`` below ``folder``; its lab must be one of ``labs``.

    Raises
    ------
    Refused
        If it is empty, too large, no notebook, of no lab or of another version.
    """
    notebook = _notebook(path)
    stem, number, student = marks(notebook)
    if stem not in labs:
        told = f"it says {stem!r}" if stem else "it does not say which lab it is"
        raise Refused(f"not one of the labs that are graded: {told}")
    if number != (wanted := version(labs[stem])):
        raise Refused(
            f"another version of {stem}: {number or 'none is told'}, and {wanted} is graded; "
            "put the answers into the notebook that was handed out"
        )
    cells = tuple(c.source for c in notebook.cells if c.cell_type == "code")
    checks = {t.name: k for t in labs[stem].tasks for k in _places(cells, check_line(t))}
    named = name_from(path, folder, stem)
    return Submission(path, stem, student or named, named, student, cells, checks)


def check_line(task: Task) -> str:
    """The line of the check of ``task``."""
    return f"checks.{task.name}({task.answer})"


def name_from(path: Path, folder: Path, stem: str) -> str:
    """Whose file ``path`` below ``folder`` is: by its own name, or by that of the folder it is in.

    Names that Canvas and Moodle give to files are understood; ``stem`` is the lab's.
    """
    if match := _CANVAS.match(path.stem):
        return match[1]
    top = path.relative_to(folder).parts[0]
    if top != path.name:
        return match[1] if (match := _MOODLE.fullmatch(top)) else top
    return path.stem.replace(stem, "").strip(" _-.") or path.stem


def fingerprint(path: Path) -> str:
    """A hash of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _notebook(path: Path) -> NotebookNode:
    """Cells and metadata, and nothing else of what a file may hold; no schema is tried on it."""
    import nbformat

    size = path.stat().st_size
    if size == 0:
        raise Refused("the file is empty")
    if size > LARGEST:
        raise Refused(f"{size / 1e6:.0f} MB, at most {LARGEST / 1e6:.0f} are read")
    try:
        told = json.loads(path.read_bytes())
        cells = [_cell(cell) for cell in told["cells"]]
        metadata = {METADATA: told["metadata"].get(METADATA)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"not a notebook ({type(error).__name__})") from error
    return nbformat.from_dict({"cells": cells, "metadata": metadata})


def _cell(told: dict[str, Any]) -> dict[str, str]:
    source = told["source"]
    text = "".join(source) if isinstance(source, list) else source
    if not isinstance(text, str) or not isinstance(told["cell_type"], str):
        raise TypeError("a cell is text")
    return {"cell_type": told["cell_type"], "source": text}


def _places(cells: tuple[str, ...], line: str) -> list[int]:
    """Where the check stands as it was handed out; the last place counts."""
    return [k for k, source in enumerate(cells) if source.strip() == line][-1:]
