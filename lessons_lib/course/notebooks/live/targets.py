"""What sentences refer to: figures, tables, equations, theorems and headings, with their numbers.

As in the page, each kind counts through a chapter and its second pages, in the order of the table
of contents, and what stands outside the numbered chapters counts without a chapter.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_PLACE = re.compile(
    r"^:{3,}\{prf:(?P<kind>(?!proof)\w+)\}.*\n(?::label: (?P<result>\S+))?"
    r"|^:{3,}\{table\}.*\n:name: (?P<table>\S+)"
    r"|^\$\$ \((?P<equation>[\w-]+)\)"
    r"|^\((?P<section>[\w-]+)\)=(?:\n#+ (?P<heading>.+))?",
    re.M,
)


GLOSSARY = "glossary.md"


class Target(NamedTuple):
    """A place in the book: what a sentence calls it, in which file it is, below which heading."""

    words: str
    file: str
    heading: str = ""


def pages(book: Path) -> list[Path]:
    """The pages of the ``book`` in the order of ``_toc.yml``, which lies beside its folder.

    Raises
    ------
    FileNotFoundError
        If it does not.
    """
    contents = book.parent / "_toc.yml"
    if not contents.is_file():
        raise FileNotFoundError(f"no {contents.resolve()}: that is not the folder of the course")
    listed = contents.read_text(encoding="utf-8")
    stems = re.findall(rf"(?:file|root): {book.name}/(\w+)", listed)
    files = [(book / f"{stem}{end}") for stem in stems for end in (".ipynb", ".md")]
    return [path for path in files if path.is_file()]


def targets(book: Path) -> dict[str, Target]:
    """Every label of the book, and what it names."""
    found: dict[str, Target] = {}
    count: Counter[tuple[str, str]] = Counter()
    for path in pages(book):
        chapter = path.stem[:2].lstrip("0") if path.stem[:2].isdigit() else ""
        for kind, label, heading in _places(path):
            count[chapter, kind] += 1
            number = ".".join(filter(None, (chapter, str(count[chapter, kind]))))
            words = f"({number})" if kind == "equation" else f"{kind} {number}"
            found[label] = Target(heading if kind == "section" else words, path.name, heading)
    return found


def _places(path: Path) -> Iterator[tuple[str, str, str]]:
    """Kind, label and heading of all that a page names, in its order."""
    for text, figure in _cells(path):
        if figure:
            yield "Fig.", figure["name"], ""
        for place in _PLACE.finditer(text):
            if place["kind"]:
                yield place["kind"].capitalize(), place["result"] or "", ""
            elif place["table"]:
                yield "Table", place["table"], ""
            elif place["equation"]:
                yield "equation", place["equation"], ""
            else:
                yield "section", place["section"], place["heading"] or ""


def _cells(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The Markdown of each cell, and the figure that it makes; a page of text is one cell."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield text, {}
        return
    for cell in json.loads(text)["cells"]:
        words = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        yield words, cell["metadata"].get("mystnb", {}).get("figure", {})


def terms(book: Path) -> dict[str, Target]:
    """The words of the glossary, in small letters."""
    text = (book / GLOSSARY).read_text(encoding="utf-8")
    (inside,) = re.findall(r"^`{3}\{glossary\}\n(.*?)^`{3}$", text, re.M | re.S)
    words = re.findall(r"^(\S.*)\n {2}", inside, re.M)
    return {word.lower(): Target(word, GLOSSARY, word) for word in words}
