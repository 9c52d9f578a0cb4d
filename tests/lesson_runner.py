"""Play a lesson inside the test process, fast and without drawing, and listen to its claims."""

from __future__ import annotations

import contextlib
import io
import math
import os
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from nbformat import NotebookNode

from lessons_lib.course import checks
from lessons_lib.course.checks import Claim


@dataclass
class Run:
    """What was claimed, and the cells that raised an exception."""

    claims: list[Claim] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def failed(self) -> list[str]:
        """Texts of the claims that did not hold."""
        return [claim.text for claim in self.claims if not claim.holds()]


def play(notebook: NotebookNode, folder: Path, *, enough: float = math.inf, **names: Any) -> Run:
    """Execute the code cells in order in one namespace, which holds ``names`` at first.

    A claim that fails and a cell that raises are noted, and the lesson goes on until ``enough``
    claims have failed. What a cell that raises would have assigned is unknown from then on: no
    later claim takes an older value, or half of one, for it.
    """
    run = Run()
    scope: dict[str, Any] = {"__name__": "__main__", **names}
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    with _stage(folder, run):
        for number, source in enumerate(cells, 1):
            try:
                exec(compile(source, f"code cell {number}", "exec"), scope)
            except Exception as error:
                for name in _assigned(source):
                    scope.pop(name, None)
                run.errors.append(f"code cell {number}: {type(error).__name__}: {error}")
            if len(run.failed()) >= enough:
                break
    return run


def _assigned(source: str) -> list[str]:
    """The names that a cell gives a value, apart from what it imports."""
    names = symtable.symtable(source, "a cell", "exec").get_symbols()
    return [name.get_name() for name in names if name.is_assigned() and not name.is_imported()]


@contextlib.contextmanager
def _stage(folder: Path, run: Run) -> Iterator[None]:
    """Silence, a listener, no pictures, and the settings of torch and matplotlib put back after."""
    import IPython.display
    import matplotlib.pyplot as plt
    import myst_nb

    import lessons_lib.course.report
    import lessons_lib.course.widgets

    judge, dtype, before = checks.claim, torch.get_default_dtype(), os.getcwd()

    def lenient(*args: Any, **options: Any) -> None:
        with contextlib.suppress(AssertionError):
            judge(*args, **options)

    def nothing(*_: Any, **__: Any) -> None: ...

    stubs = [(myst_nb, "glue"), (IPython.display, "display"), (lessons_lib.course.report, "report")]
    stubs += [(lessons_lib.course.widgets, "frames")]
    checks.listeners.append(run.claims.append)
    try:
        with pytest.MonkeyPatch.context() as patch, plt.rc_context(), _silence():
            patch.setattr(checks, "claim", lenient)
            patch.setattr(plt, "show", lambda *_, **__: plt.close("all"))
            for place, name in stubs:
                patch.setattr(place, name, nothing)
            os.chdir(folder)
            yield
    finally:
        os.chdir(before)
        torch.set_default_dtype(dtype)
        checks.listeners.remove(run.claims.append)
        plt.close("all")


def _silence() -> contextlib.ExitStack:
    stack = contextlib.ExitStack()
    stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
    stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
    return stack
