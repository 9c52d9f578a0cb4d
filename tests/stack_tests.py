"""Which tests prove the library's mathematics: those that import nothing of ours above it.

``pytest --stack`` runs them, and `make check` does. Nobody keeps a list: a test file, together with
the helpers that it imports, belongs here unless it imports a module of the course (`checks`,
`assign`, `bench` and the like), or what pages are made with.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import code_rules

TESTS = Path(__file__).parent

COURSE = set().union(*code_rules.ROWS[code_rules.LAYERS["checks"] :])
"""Modules of the row of `checks` and above it."""

PAGES = {path.stem for path in (TESTS.parent / "book").rglob("*.py")}
PAGES |= {"bs4", "docutils", "nbformat", "sphinx", "yaml"}
"""The book's own tools, and what they are made of."""


def of_the_stack(path: Path) -> bool:
    """Whether the test file at ``path`` and its helpers import the stack alone."""
    seen, todo = set(), [path]
    while todo:
        one = todo.pop()
        seen.add(one)
        for name in imports(ast.parse(one.read_text(encoding="utf-8"))):
            first, _, rest = name.partition(".")
            if first in PAGES or (first == "lessons_lib" and rest.split(".")[0] in COURSE):
                return False
            helper = TESTS / f"{first}.py"
            if helper.exists() and first != "conftest" and helper not in seen:
                todo.append(helper)
    return True


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all that is imported, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
