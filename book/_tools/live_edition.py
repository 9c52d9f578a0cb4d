"""A folder of the live edition that may be worked in: written again, and no edit is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.course.notebooks.live import Reader, pages, relink, relinked
from lessons_lib.files import write_whole

if TYPE_CHECKING:
    from nbformat import NotebookNode

BESIDE = ("glossary.md", "errata.md", "projects.md", "notation.md", "trouble.md")
"""Pages of text that stand beside the notebooks: they link to them, or somebody may need them."""

WRITTEN = ".written.json"
"""In the folder: the hash of each file as it was written last."""


def edition(book: Path, url: str = "") -> Iterator[tuple[str, NotebookNode]]:
    """Yield name and content of each notebook and page of the live edition.

    Parameters
    ----------
    book : Path
        Folder of the sources.
    url : str
        Address of the rendered book, for links to its other pages.

    Yields
    ------
    tuple of str and NotebookNode
        A page of text is a notebook of one cell, and its name ends with ``.md``.
    """
    import nbformat

    reader = Reader(book)
    lessons = [path.name for path in pages(book) if path.suffix == ".ipynb"]
    here = {*lessons, *BESIDE}
    for name in lessons:
        notebook = nbformat.read(book / name, as_version=4)
        yield name, relinked(reader.notebook(notebook, name), book, here, url)
    for name in BESIDE:
        text = reader.text((book / name).read_text(encoding="utf-8"), name)
        yield name, _page(relink(text, book, here, url))


def write(book: Path, folder: Path, url: str = "") -> list[str]:
    """Write the live edition of ``book`` into ``folder``, and leave alone what was edited there.

    Parameters
    ----------
    book : Path
        Folder of the sources.
    folder : Path
        New, or written before. Files of other names are not touched.
    url : str
        Address of the rendered book, for links to its other pages.

    Returns
    -------
    list of str
        What the reader should know: an edited file stays, and where its new edition is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / WRITTEN
    before = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    told: list[str] = []
    for name, content in edition(book, url):
        _keep(folder, name, content, before, told)
    write_whole(record, json.dumps(before, indent=1))
    return told


def untouched(folder: Path) -> Iterator[NotebookNode]:
    """Yield the notebooks in ``folder`` whose cells are as they were written."""
    before = json.loads((folder / WRITTEN).read_text(encoding="utf-8"))
    for name, wanted in before.items():
        path = folder / name
        notebook = _read(path) if path.suffix == ".ipynb" and path.is_file() else None
        if notebook and _hash(notebook) == wanted:
            yield notebook


def _keep(
    folder: Path, name: str, content: NotebookNode, before: dict[str, str], told: list[str]
) -> None:
    """Write one file, unless somebody has edited the one that is there."""
    path, wanted = folder / name, _hash(content)
    there = _hash(_read(path)) if path.is_file() else None
    if there in (None, before.get(name)) and there != wanted:
        save(content, path)
    elif there != wanted and before.get(name) != wanted:
        fresh = f"{path.stem}.new{path.suffix}"
        told.append(f"{path} has edits of yours and stays; its new edition is {fresh}")
        _keep(folder, fresh, content, before, told)
    before[name] = wanted


def _hash(content: NotebookNode | None) -> str:
    """Of what an author writes; to run a notebook is no edit."""
    cells = content.cells if content else ()
    parts = [[cell.cell_type, cell.source] for cell in cells]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _page(text: str) -> NotebookNode:
    from nbformat.v4 import new_markdown_cell, new_notebook

    return new_notebook(cells=[new_markdown_cell(text)])


def _read(path: Path) -> NotebookNode | None:
    """What is in a file; None if nobody can tell, and then it counts as edited."""
    import nbformat

    try:
        if path.suffix == ".md":
            return _page(path.read_text(encoding="utf-8"))
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError):
        return None


def save(content: NotebookNode, path: Path) -> None:
    """Write ``content``, a notebook of the live edition, to ``path``; a page of text as text."""
    import nbformat

    text = content.cells[0].source if path.suffix == ".md" else nbformat.writes(content) + "\n"
    write_whole(path, text)
