"""Sizes of the library, the lessons and the tests, for a person to look at: nothing is a limit.

    python book/_tools/shape.py            # and what changed since the last tag
    python book/_tools/shape.py v0.1.0     # or since another revision

A function's length is that of its code: its docstring, comments and blank lines do not count.
"""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

LONGEST = 5
"""How many of the longest are named."""

PARTS = ("lessons_lib", "lessons_lib/course", "book/_ext", "book/_tools", "tests")
"""Folders with a line of their own; a file counts for the innermost."""


class Thing(NamedTuple):
    """Something with a size."""

    size: int
    name: str


class Shape(NamedTuple):
    """What a part of the tree is made of."""

    files: list[Thing]  # lines of code
    lines: int
    told: int  # lines of docstrings
    functions: list[Thing]
    widest: list[Thing]  # characters of a line


def docstrings(tree: ast.AST) -> Iterator[int]:
    """Numbers of the lines of docstrings, and of the texts below constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            yield from range(node.lineno, node.end_lineno + 1)


def code(text: str, told: set[int]) -> set[int]:
    """Numbers of the lines that hold code."""
    lines = enumerate(text.splitlines(), 1)
    return {n for n, line in lines if n not in told and line.strip() and line.strip()[0] != "#"}


def shape(texts: dict[str, str]) -> Shape:
    """Measure the Python files of one part."""
    found = Shape([], sum(text.count("\n") for text in texts.values()), 0, [], [])
    told_lines = 0
    for name, text in texts.items():
        tree = ast.parse(text)
        told = {*docstrings(tree)}
        coded, told_lines = code(text, told), told_lines + len(told)
        found.files.append(Thing(len(coded), name))
        for n, line in enumerate(text.splitlines(), 1):
            found.widest.append(Thing(len(line), f"{name}:{n}"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = len(coded & {*range(node.lineno, node.end_lineno + 1)})
                found.functions.append(Thing(size, f"{name}:{node.lineno} {node.name}"))
    return found._replace(told=told_lines)


def lessons(texts: dict[str, str]) -> tuple[list[Thing], list[Thing], list[Thing]]:
    """Words of each page, lines of each code cell, characters of each of its lines."""
    pages, cells, lines = [], [], []
    for name, text in texts.items():
        words = 0
        for number, cell in enumerate(json.loads(text)["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                words += len(source.split())
            elif "hide-input" not in cell["metadata"].get("tags", []):
                seen = [line for line in source.splitlines() if line.strip()]
                cells.append(Thing(len(seen), f"{name} cell {number}"))
                lines += (Thing(len(line), f"{name} cell {number}") for line in seen)
        pages.append(Thing(words, name))
    return pages, cells, lines


def part(name: str) -> str:
    """The innermost of `PARTS` that holds a file."""
    return max((p for p in PARTS if name.startswith(f"{p}/")), key=len, default="")


def table(texts: dict[str, str]) -> dict[str, Shape]:
    """The shape of every part."""
    python = {name: text for name, text in texts.items() if name.endswith(".py")}
    return {p: shape({n: t for n, t in python.items() if part(n) == p}) for p in PARTS}


def totals(found: Shape) -> list[int]:
    """Files, lines, lines of docstrings, lines of code."""
    return [len(found.files), found.lines, found.told, sum(file.size for file in found.files)]


def row(name: str, now: Shape, before: Shape | None) -> str:
    """One line of the table, with what has come or gone."""
    old = totals(before) if before else totals(now)
    cells = "".join(
        f"{number:7,}" + (f" {number - was:+6,}" if before else "")
        for number, was in zip(totals(now), old, strict=True)
    )
    return f"{name:20}{cells}{middle(now.files):7.0f}{middle(now.functions):7.1f}"


def middle(things: list[Thing]) -> float:
    """Median size."""
    return median(thing.size for thing in things) if things else 0


def longest(things: Iterable[Thing]) -> str:
    """The few largest, one a line."""
    return "\n".join(f"  {size:6,}  {name}" for size, name in sorted(things)[: -LONGEST - 1 : -1])


def now() -> dict[str, str]:
    """The files that git keeps, as they lie here."""
    names = (
        git("ls-files", "-co", "--exclude-standard", "*.py", "book/*.ipynb").decode().split("\n")
    )
    return {n: Path(n).read_text("utf-8") for n in names if n and Path(n).is_file()}


def then(revision: str) -> dict[str, str]:
    """The same files in a revision."""
    with tarfile.TarFile(fileobj=io.BytesIO(git("archive", revision))) as archive:
        kept = [m for m in archive if m.isfile() and m.name.endswith((".py", ".ipynb"))]
        return {m.name: archive.extractfile(m).read().decode() for m in kept}


def git(*words: str) -> bytes:
    """What git answers."""
    return subprocess.run(["git", *words], check=True, capture_output=True).stdout


def last_tag() -> str | None:
    """The nearest tag before the present commit, if there is one."""
    tags = git("tag", "--merged", "HEAD", "--sort=creatordate").decode().split()
    return tags[-1] if tags else None


def main(words: list[str]) -> None:
    """Print it all."""
    since = words[0] if words else last_tag()
    here = now()
    there = then(since) if since else {}
    parts, old = table(here), table(there) if there else {}
    print(f"Since {since}." if since else "No tag to compare with.")
    width = 14 if old else 7
    heads = "".join(f"{head:>{width}}" for head in ("files", "lines", "told", "code"))
    print(f"{'':20}{heads}   file  function   (medians of lines of code)")
    print(*(row(name, found, old.get(name)) for name, found in parts.items()), sep="\n")
    for name, found in parts.items():
        print(f"\n{name}: longest functions, files, lines")
        print(longest(found.functions), longest(found.files), longest(found.widest), sep="\n\n")
    books = {n: t for n, t in here.items() if n.endswith(".ipynb")}
    for kind, keep in (("lessons", False), ("labs", True)):
        pages, cells, lines = lessons({n: t for n, t in books.items() if ("_lab." in n) == keep})
        medians = [middle(things) for things in (pages, cells, lines)]
        print(
            "\n{}: {:.0f} words a page, {:.1f} lines a visible cell, {:.0f} characters a line "
            "(medians); the largest of each".format(kind, *medians)
        )
        print(longest(pages), longest(cells), longest(lines), sep="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
