"""The index of results: every theorem, definition, algorithm and labelled equation, and where.

Names and labels are read off the pages, numbers and links are Sphinx's. Nobody types them, and
what is missing here is missing in the book.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sphinx.application import Sphinx
from written import BOOK, Written, prose, table

MARK = re.compile(
    r"""^\#{1,6}\ (?P<heading>[^\n]+)$
    | ^:{3,}\{prf:(?P<kind>\w+)\}\ *(?P<title>[^\n]*)\n(?P<options>(?::[^\n]*\n)*)
    | ^(?P<close>:{3,})\ *$
    | ^\$\$(?P<formula>(?:(?!\$\$).)*)\$\$(?:\ *\((?P<label>[\w-]+)\))?""",
    re.M | re.S | re.X,
)
LABEL = re.compile(r":label: *(\S+)")
WORDS = re.compile(r"[^\W_]+")


class Result(NamedTuple):
    """One numbered thing, as its page has it."""

    kind: str  # theorem, definition, ..., or equation
    label: str
    name: str  # of a box its title, of an equation the box or heading that it stands under
    formula: str = ""


class Results(Written):
    """``{results} theorem lemma`` is one table of these kinds, sorted by name.

    ``{results} equation`` goes through the book page by page instead.
    """

    required_arguments = 1
    final_argument_whitespace = True

    def text(self) -> str:
        """Write the tables."""
        kinds = self.arguments[0].split()
        paths = [*sorted(BOOK.glob("*.ipynb")), *sorted(BOOK.glob("*.md"))]
        results = {path.name: found(prose(path)) for path in paths}
        chosen = {page: [r for r in of if r.kind in kinds] for page, of in results.items()}
        if not any(chosen.values()):
            raise self.error(f"the index of results found no {' or '.join(kinds)}")
        if kinds == ["equation"]:
            return "\n".join(_equations(page, of) for page, of in chosen.items() if of)
        named = sorted(((r, page) for page, of in chosen.items() for r in of), key=sorting)
        rows = [
            (f"{{prf:ref}}`{r.name} <{r.label}>`", f"{{prf:ref}}`{r.label}`", f"[]({page})")
            for r, page in named
        ]
        return table([("name", "what it is", "page"), *rows], "results", 40, 20, 40)


def _equations(page: str, equations: list[Result]) -> str:
    rows = [(f"{{eq}}`{r.label}`  {r.name}", f"$$\n{r.formula}\n$$") for r in equations]
    return f"**[]({page})**\n\n" + table([("where", "formula"), *rows], "results", 40, 60)


def found(text: str) -> Iterator[Result]:
    """Yield the numbered boxes and the labelled equations of a page."""
    heading = box = ""
    for mark in MARK.finditer(text):
        if mark["heading"]:
            heading = mark["heading"]
        elif mark["kind"]:
            label = LABEL.search(mark["options"])
            box = mark["title"].replace("'", "’") if label else ""
            if label:
                yield Result(mark["kind"], label[1], box)
        elif mark["close"]:
            box = ""
        elif mark["label"]:
            yield Result("equation", mark["label"], box or heading, mark["formula"].strip())


def sorting(named: tuple[Result, str]) -> list[str]:
    """What a name is sorted by: its words, without articles and capitals."""
    words = WORDS.findall(named[0].name.casefold())
    return [word for word in words if word not in ("a", "an", "the")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("results", Results)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
