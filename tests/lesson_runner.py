"""Play a lesson inside the test process, fast and without drawing, and listen to its claims."""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from nbformat import NotebookNode
from torch import Tensor

from lessons_lib.course import checks
from lessons_lib.course.checks import Claim

LARGEST_ERROR_BOUND = 0.05
"""A claim that an error is small, or a value zero, says little with a tolerance above this."""


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
    claims have failed.
    """
    run = Run()
    scope: dict[str, Any] = {"__name__": "__main__", **names}
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    with _stage(folder, run):
        for number, source in enumerate(cells, 1):
            try:
                exec(compile(source, f"code cell {number}", "exec"), scope)
            except Exception as error:
                run.errors.append(f"code cell {number}: {type(error).__name__}: {error}")
            if len(run.failed()) >= enough:
                break
    return run


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


def weak(claim: Claim) -> str | None:
    """Why a claim would pass with a wrong measurement, or None if it has teeth.

    A claim of equality must fail with the measurement negated, and with it doubled. Where the exact
    answer is zero both are blind, so the tolerance itself must be small. A bound must fail for the
    negated measurement, or for one ten times larger or smaller, or bound a small error.
    """
    zero = bool((claim.expected.abs() < 1e-12).all())
    if claim.relation == "equals" and zero:
        small = claim.within <= LARGEST_ERROR_BOUND
        return None if small else f"zero within {claim.within:g} is loose"
    if claim.relation == "equals":
        wrong = {"negated": -claim.measured, "doubled": 2 * claim.measured}
        passes = [name for name, value in wrong.items() if _passes(claim, value)]
        return f"passes with the measurement {' and '.join(passes)}" if passes else None
    if claim.relation == "below" and not bool((claim.expected > LARGEST_ERROR_BOUND).any()):
        return None
    wrong = [-claim.measured, 10 * claim.measured, claim.measured / 10]
    if all(_passes(claim, value) for value in wrong):
        return "passes with the measurement negated, ten times larger and ten times smaller"
    return None


def _passes(claim: Claim, measured: Tensor) -> bool:
    return replace(claim, measured=measured).holds()
