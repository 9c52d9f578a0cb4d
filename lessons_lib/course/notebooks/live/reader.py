"""`Reader`: one page of the book after another, in plain Markdown."""

from __future__ import annotations

import ast
import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.course.notebooks.live.blocks import unfolded
from lessons_lib.course.notebooks.live.citations import Citations
from lessons_lib.course.notebooks.live.targets import Target, targets, terms

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDED = {"hide-input", "hide-cell", "solution"}
"""Tags of the code that the page folds, and an editor then, too."""

_ROLE = re.compile(r"\{([a-z]+(?::[a-z]+)?)\}`([^`]+)`")
_EXPLICIT = re.compile(r"(.+?) *<(.+)>")
_LABEL = re.compile(r"^\([\w-]+\)=\n", re.M)
_EQUATION = re.compile(r"(?<=\n)\$\$ \(([\w-]+)\)")
_PRINTED = "application/papermill.record/text/plain"


class Reader:
    """Reads the book in the folder ``book``, beside which ``_toc.yml`` lies.

    Parameters
    ----------
    book : Path
        Folder of the sources, with ``references.bib``.
    """

    def __init__(self, book: Path) -> None:
        self.book = book
        self.targets, self.terms = targets(book), terms(book)
        self.citations = Citations(book / "references.bib")

    def notebook(self, notebook: NotebookNode, file: str) -> NotebookNode:
        """Return a copy of a lesson or lab as an editor shows it.

        Parameters
        ----------
        notebook : NotebookNode
            The lesson with its outputs, in which the numbers of its sentences are.
        file : str
            Its name in the book.

        Returns
        -------
        NotebookNode
            Captions have become cells below their figures. Links are those of the book.

        Raises
        ------
        ValueError
            If a sentence asks for a number, a place or a work that the book does not have.
        """
        from nbformat.v4 import new_markdown_cell

        live, numbers, cells = copy.deepcopy(notebook), glued(notebook), []
        for cell in live.cells:
            cells.append(cell)
            if cell.cell_type == "markdown":
                cell.source = self.text(cell.source, file, numbers)
            elif figure := cell.metadata.get("mystnb", {}).get("figure"):
                words = f"**{self.targets[figure['name']].words}** {figure['caption']}"
                caption = self.text(words, file, numbers)
                cells.append(new_markdown_cell(caption, id=f"{cell.id[:50]}-caption"))
            if cell.cell_type == "code" and FOLDED & set(cell.metadata.get("tags", ())):
                cell.metadata["jupyter"] = {"source_hidden": True}
        live.cells = cells
        return live

    def text(self, source: str, file: str, numbers: dict[str, str] | None = None) -> str:
        """Return Markdown without roles and blocks.

        Parameters
        ----------
        source : str
            Markdown of the book.
        file : str
            Name of the page that it stands on.
        numbers : dict of str to str, optional
            What the page has glued.

        Returns
        -------
        str
            The same in words that every editor shows.

        Raises
        ------
        ValueError
            If a number, a place or a work is not known.
        """

        def role(found: re.Match[str]) -> str:
            try:
                return self._role(found[1], found[2], file, numbers or {})
            except KeyError as error:
                raise ValueError(f"{file}: nothing is known of {error} in {found[0]}") from None

        text = unfolded(source, lambda label: self.targets[label].words)
        text = _EQUATION.sub(lambda m: f"\\tag{{{self.targets[m[1]].words[1:-1]}}}\n$$", text)
        return _ROLE.sub(role, _LABEL.sub("", text))

    def _role(self, role: str, content: str, file: str, numbers: dict[str, str]) -> str:
        if role == "glue:text":
            return numbers[content]
        if role == "cite":
            return self.citations.in_brackets(content)
        if role == "cite:t":
            return self.citations.in_text(content)
        explicit = _EXPLICIT.fullmatch(content)
        words, name = explicit.groups() if explicit else ("", content)
        if role == "term":
            place, words = self.terms[name.lower()], words or name
        elif role in ("ref", "numref", "eq", "prf:ref"):
            place = self.targets[name]
        else:
            raise KeyError(f"the role {role}")
        return _link(words or place.words, place, file)


def glued(notebook: NotebookNode) -> dict[str, str]:
    """What the cells of a lesson have glued, by name, as the page prints it."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name and _PRINTED in output.get("data", {}):
                text = output.data[_PRINTED]
                found[name] = ast.literal_eval(text) if text[:1] in "'\"" else text
    return found


def _link(words: str, place: Target, file: str) -> str:
    """A link to a place on another page, or to a heading; a place on this page is near enough."""
    if place.file == file and not place.heading:
        return words
    anchor = "#" + place.heading.replace(" ", "-") if place.heading else ""
    return f"[{words}]({place.file}{anchor})"
