"""The claims that a lesson prints are those that its code makes: nobody types one."""

from __future__ import annotations

import ast
import re

from lesson_text import code_cells, printed_claims
from nbformat import NotebookNode


def executed(book: NotebookNode) -> list[str]:
    """Every call of ``claim`` has printed its words, and every claim that is printed has a call."""
    complaints = []
    for number, cell in enumerate(code_cells(book), 1):
        printed = [text for text, _ in printed_claims(cell)]
        complaints += (f"code cell {number}: {one}" for one in mismatches(cell.source, printed))
    return complaints


def mismatches(code: str, printed: list[str]) -> list[str]:
    """Calls of ``claim`` whose words were not printed, and printed words that no call has."""
    tree = ast.parse(code if "claim" in code else "")
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _named(n, "claim")]
    patterns = [_pattern(call.args[0]) if call.args else "" for call in calls]
    found = [f"a claim without words: {ast.unparse(c)[:80]}" for c in calls if not _words(c)]
    for call, pattern in zip(calls, patterns, strict=True):
        if not any(re.fullmatch(pattern, text) for text in printed):
            found.append(f"not executed: {ast.unparse(call)[:80]}")
    for text in printed:
        if not any(re.fullmatch(pattern, text) for pattern in patterns):
            found.append(f"no code of its cell claims: {text}")
    return found


def _named(call: ast.Call, name: str) -> bool:
    return getattr(call.func, "id", getattr(call.func, "attr", "")) == name


def _pattern(words: ast.expr) -> str:
    """What a claim may print: its words, with anything in place of what is computed."""
    if isinstance(words, ast.Constant):
        return re.escape(str(words.value))
    if isinstance(words, ast.JoinedStr):
        return "".join(_pattern(part) for part in words.values)
    return ".+"


def _words(call: ast.Call) -> bool:
    return bool(call.args) and _pattern(call.args[0]).strip() != ""
