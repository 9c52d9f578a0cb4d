"""Docstrings as pages: names in backticks become links, and references lead to the bibliography.

The library writes numpydoc with three habits of its own, which this turns into reStructuredText
before napoleon reads it: single backticks around any name, ``[AuthorYear]`` for a reference, and
``chapter 03_noise_conditional`` for the place where a thing is built.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from types import FunctionType, ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

BOOK = Path(__file__).resolve().parent.parent
LITERAL = re.compile(r"(``.+?``)")
ROLE_OR_NAME = re.compile(r"(:[\w:]+:)?`([^`]+)`")
KEY = re.compile(r"\[([A-Z][A-Za-z]+\d{4}[a-z]?)\](?!_)")
CHAPTER = re.compile(r"\b(\d\d_[a-z][a-z_]*[a-z])\b")
STARS = re.compile(r"(?<!\*)\*(?!\*)|\|")
TABLE = re.compile(r"^\s*=+(\s+=+)+\s*$")


def public(module: ModuleType) -> list[str]:
    """Names that a module offers: its ``__all__``, or what it defines without an underscore."""
    named = getattr(module, "__all__", None)
    return sorted(
        named
        or (
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
        )
    )


@cache
def modules() -> dict[str, ModuleType]:
    """Every module of the stack, then every module of the course, by its short name."""
    import lessons_lib.course

    rooms = (lessons_lib, lessons_lib.course)
    full = [
        f"{room.__name__}.{m.name}" for room in rooms for m in pkgutil.iter_modules(room.__path__)
    ]
    found = {name.rpartition(".")[2]: importlib.import_module(name) for name in full}
    return {name: module for name, module in found.items() if name != "course"}


@cache
def places() -> dict[str, object]:
    """Everything public by its dotted name; what two modules offer belongs to the first."""
    found: dict[str, object] = {}
    for module in modules().values():
        offered = {f"{module.__name__}.{name}": getattr(module, name) for name in public(module)}
        seen = {id(value) for value in found.values() if callable(value)}
        found |= {full: value for full, value in offered.items() if id(value) not in seen}
    return found


def objects() -> Iterator[str]:
    """Yield the dotted name of everything public, methods and properties of classes included."""
    yield from (module.__name__ for module in modules().values())
    for full, value in places().items():
        yield full
        if isinstance(value, type):
            inner = vars(value)
            yield from (f"{full}.{n}" for n in inner if not n.startswith("_") and _told(inner[n]))


def _told(value: object) -> bool:
    kinds = FunctionType | property | cached_property | classmethod | staticmethod
    return isinstance(value, kinds) and bool(value.__doc__)


@cache
def targets() -> dict[str, list[str]]:
    """Full names by each of their endings: ``last``, ``samplers.last``, and so on."""
    found: dict[str, list[str]] = {}
    for full in objects():
        parts = full.split(".")
        for start in range(len(parts)):
            found.setdefault(".".join(parts[start:]), []).append(full)
    return found


def resolve(name: str, near: str) -> str | None:
    """Full name that ``name`` means in the docstring of ``near``; None if nothing public."""
    found = targets().get(name.removesuffix("()"), [])
    shared = {full: _common(full, near) for full in found}
    best = [full for full in found if shared[full] == max(shared.values())]
    return min(best, key=len) if best else None


def _common(one: str, other: str) -> int:
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), 99)


def rewrite(line: str, near: str) -> str:
    """One line of a docstring as reStructuredText; what is between double backticks stays."""
    parts = LITERAL.split(line)
    return "".join(p if LITERAL.fullmatch(p) else _plain(p, near) for p in parts)


def _plain(text: str, near: str) -> str:
    def link(match: re.Match[str]) -> str:
        role, name = match.groups()
        if role:
            return match[0]
        full = resolve(name, near)
        return f":py:obj:`{name} <{full}>`" if full else f"``{name}``"

    pieces = re.split(r"((?::[\w:]+:)?`[^`]+`)", text)
    return "".join(
        ROLE_OR_NAME.sub(link, p) if ROLE_OR_NAME.fullmatch(p) else _words(p) for p in pieces
    )


def _words(text: str) -> str:
    text = STARS.sub(r"\\\g<0>", text)
    text = KEY.sub(r":cite:t:`\1`", text)
    return CHAPTER.sub(lambda m: _chapter(m[1]), text)


def _chapter(name: str) -> str:
    there = (BOOK / f"{name}.ipynb").exists()
    return f":doc:`{name} </book/{name}>`" if there else f"``{name}``"


def process(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Rewrite a docstring in place; the columns of a table are made as wide as they need."""
    del app, what, obj, options
    lines[:] = [part for line in lines for part in _heading(line)]
    borders = [i for i, line in enumerate(lines) if TABLE.match(line)]
    tables = [
        range(*pair) for pair in zip(borders[::3], [b + 1 for b in borders[2::3]], strict=True)
    ]
    for rows in reversed(tables):
        lines[rows.start : rows.stop] = table([lines[i] for i in rows], name)
    inside = {i for rows in tables for i in rows}
    lines[:] = [line if i in inside else rewrite(line, name) for i, line in enumerate(lines)]


def _heading(line: str) -> list[str]:
    """``References: ...`` on one line is the section of that name."""
    match = re.fullmatch(r"References: (.+)", line)
    return ["References", "----------", match[1]] if match else [line]


def table(rows: list[str], near: str) -> list[str]:
    """Rewrite a simple table whose borders are rows of ``=`` signs."""
    starts = [match.start() for match in re.finditer(r"(?<!=)=", rows[0])]
    ends = [*starts[1:], None]
    body = [[row[a:b].strip() for a, b in zip(starts, ends, strict=True)] for row in rows]
    body = [[rewrite(cell, near) for cell in row] for row in body if set(row[0]) != {"="}]
    widths = [max(len(row[column]) for row in body) for column in range(len(starts))]
    head, *others = ("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) for r in body)
    border = "  ".join("=" * width for width in widths)
    return [border, head, border, *others, border]


class Api(SphinxDirective):
    """``.. api:: losses networks``: for each module its docstring, then everything it offers."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """One section for each module."""
        return [self.section(modules()[name]) for name in self.arguments[0].split()]

    def section(self, module: ModuleType) -> nodes.section:
        """Write the directives of autodoc, and let them read the docstrings."""
        name = module.__name__.rpartition(".")[2]
        box = nodes.section("", nodes.title("", "", nodes.literal("", name)), ids=[name])
        lines = [line for block in blocks(module) for line in block]
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), 0, box)
        return box


def blocks(module: ModuleType) -> Iterator[list[str]]:
    """Directives of autodoc for a module and its names; what another page has is linked."""
    yield [f".. automodule:: {module.__name__}", ""]
    for name in public(module):
        full = f"{module.__name__}.{name}"
        if full in places():
            yield entry(full, places()[full], module)
        else:
            yield [f"Also here: {_plain(f'`{name}`', module.__name__)}.", ""]


def entry(full: str, value: object, module: ModuleType) -> list[str]:
    """Write the directive for one name: a class, a function, or a constant with its comment."""
    if isinstance(value, type):
        return [f".. autoclass:: {full}", "   :members:", "   :special-members: __call__", ""]
    if callable(value):
        return [f".. autofunction:: {full}", ""]
    name = full.rpartition(".")[2]
    comment = [f"   {rewrite(line, full)}" for line in comments(module).get(name, [])]
    return [f".. py:data:: {name}", f"   :module: {module.__name__}", "", *comment, ""]


def comments(module: ModuleType) -> dict[str, list[str]]:
    """Docstrings below the constants of a module, or of the files of a package."""
    inner = pkgutil.iter_modules(getattr(module, "__path__", []))
    names = [module.__name__, *(f"{module.__name__}.{m.name}" for m in inner)]
    found: dict[str, list[str]] = {}
    for name in names:
        if not name.endswith("__main__"):
            documented = ModuleAnalyzer.for_module(name).find_attr_docs()
            found |= {key: text for (owner, key), text in documented.items() if not owner}
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before napoleon, which listens to the same event."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("api", Api)
    app.connect("autodoc-process-docstring", process, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
