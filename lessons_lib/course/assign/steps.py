"""What a notebook does, step by step: code that is run, and checks where an answer is judged.

A check need not have a cell of its own: it is found among the statements of a cell, as Python
reads them, with a semicolon or a comment behind it or not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from lessons_lib.course.assign.source import Task


class Step(NamedTuple):
    """Code of the ``cell`` of that number, counted from 1, or the check of the ``task``."""

    cell: int
    source: str
    task: str = ""


def check_line(task: Task) -> str:
    """The line of the check of ``task``."""
    return f"checks.{task.name}({task.answer})"


def steps(cells: Sequence[str], tasks: Sequence[Task]) -> tuple[Step, ...]:
    """Return the steps of the ``cells`` of code; of a task, only the last check is judged."""
    wanted = {check_line(task): task.name for task in tasks}
    found = [step for number, cell in enumerate(cells, 1) for step in _split(number, cell, wanted)]
    last = {step.task: place for place, step in enumerate(found)}
    return tuple(s for k, s in enumerate(found) if not s.task or last[s.task] == k)


def _split(number: int, source: str, wanted: Mapping[str, str]) -> Iterator[Step]:
    """Code before, between and behind the checks; its lines keep their numbers."""
    start = 0
    for begin, end, task in _checks(source, wanted):
        yield from _code(number, source, start, begin)
        yield Step(number, source[begin:end], task)
        start = end
    yield from _code(number, source, start, len(source))


def _code(number: int, source: str, start: int, end: int) -> Iterator[Step]:
    piece = source[start:end]
    if piece.strip(" \t\n;"):
        above = "\n" * source.count("\n", 0, start)
        yield Step(number, above + (piece.lstrip(" \t;") if start else piece))


def _checks(source: str, wanted: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """Where the checks stand in the text, from and to, and of which tasks they are.

    A cell with a magic or with an error in its grammar is searched line by line.
    """
    try:
        tree = ast.parse(source)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        found = re.finditer(r"^(checks\.\w+\(\w+\))[ \t]*;?[ \t]*(?:#.*)?$", source, re.M)
        return [(*m.span(1), wanted[m[1]]) for m in found if m[1] in wanted]
    lines = source.split("\n")
    starts = [0, *accumulate(len(text) + 1 for text in lines)]

    def place(line: int, column: int) -> int:  # Python counts the bytes of a line
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    told = [(node, ast.unparse(node)) for node in tree.body if isinstance(node, ast.Expr)]
    return [
        (place(n.lineno, n.col_offset), place(n.end_lineno, n.end_col_offset), wanted[words])
        for n, words in told
        if words in wanted
    ]
