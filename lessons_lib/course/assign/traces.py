"""Does any file of a student's edition hold a line of a solution?

The fingerprints of a solution are its lines of code and its sentences, reduced to letters, digits
and a few signs. Files are read as they are, as html without tags, and as JSON with its strings
joined. What a lesson or the library shows to everybody is no fingerprint.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lessons_lib
from lessons_lib.course.assign.editions import SECRET, student_edition
from lessons_lib.course.assign.source import Lab

if TYPE_CHECKING:
    from nbformat import NotebookNode

SHORTEST = 12
"""Characters, after the reduction, that a line needs to tell anything."""

_TAG = re.compile(r"<[^<>]*>")
_NOISE = re.compile(r"[^A-Za-z0-9+/=(),\[\]-]")
_SPLIT = re.compile(r"\$+[^$]*\$+|(?<=[.?!:])\s|`[^`]*`|\n\n")


def fingerprints(lab: Lab, book: Path) -> dict[str, set[str]]:
    """Lines and sentences of each task's solutions and notes that students do not have.

    By the name of the task; the lessons of ``book`` are public.
    """
    shown = _public(book) + _reduced(_text(student_edition(lab)))
    found: dict[str, set[str]] = {}
    for task in lab.tasks:
        cells = [cell for part in SECRET for cell in task.tagged(part)]
        pieces = {_reduced(piece) for cell in cells for piece in _pieces(cell)}
        found[task.name] = {p for p in pieces if _telling(p) and p not in shown}
    return found


def traces(folder: Path, labs: Sequence[Lab], book: Path) -> list[str]:
    """Return each place below ``folder`` with a fingerprint of one of ``labs`` from ``book``."""
    wanted = {
        (lab.stem, name, one)
        for lab in labs
        for name, prints in fingerprints(lab, book).items()
        for one in prints
    }
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        text = "\n".join(_reduced(reading) for reading in _readings(path))
        hits = sorted(one for one in wanted if one[2] in text)
        found += [f"{path.relative_to(folder)}: {' '.join(hit)}" for hit in hits]
    return found


def leave_none(folder: Path, labs: Sequence[Lab], book: Path) -> None:
    """Raise a RuntimeError if a file below ``folder`` shows a solution of one of ``labs``."""
    if found := traces(folder, labs, book):
        raise RuntimeError("a solution is in what was written: " + "; ".join(found[:5]))


def _telling(piece: str) -> bool:
    """Long enough, and more than to return a name."""
    return len(piece) >= SHORTEST and not re.fullmatch("return[A-Za-z0-9]*", piece)


@lru_cache(maxsize=4)
def _public(book: Path) -> str:
    """What anybody may read: lessons, pages with the scripts that draw them, and the library."""
    import nbformat

    lessons = [p for p in sorted(book.glob("*.ipynb")) if not p.stem.endswith("_lab")]
    texts = [_text(nbformat.read(path, as_version=4)) for path in lessons]
    texts += [
        p.read_text(encoding="utf-8") for p in sorted(book.glob("*.md")) if p.stem != "instructors"
    ]
    library = Path(lessons_lib.__file__).parent
    code = [*sorted(library.rglob("*.py")), *sorted((book / "_static").rglob("*.js"))]
    texts += [path.read_text(encoding="utf-8") for path in code]
    return "\n".join(_reduced(text) for text in texts)


def _text(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


def _pieces(cell: NotebookNode) -> Iterable[str]:
    """Lines of code; sentences between formulas and code, which a page sets in another way."""
    if cell.cell_type == "code":
        return cell.source.splitlines()
    return _SPLIT.split(_TAG.sub(" ", cell.source))


def _readings(path: Path) -> Iterator[str]:
    """A file's text, and what it says once decoded."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    yield text
    if path.suffix in {".html", ".js", ".txt", ".xml"}:
        yield html.unescape(_TAG.sub("", text))
    if path.suffix in {".ipynb", ".json"}:
        try:
            yield "\n".join(_strings(json.loads(text)))
        except ValueError:
            return


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _reduced(text: str) -> str:
    return _NOISE.sub("", text)
