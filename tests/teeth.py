"""Whether a claim would notice a wrong measurement.

`weak` judges one claim. `listen` is what the proof of the notebooks runs in each kernel before the
first cell: it writes down the claims without teeth, and the plugin `stored_outputs` reads them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from lessons_lib.course import checks
from lessons_lib.course.checks import Claim

LARGEST_ERROR_BOUND = 0.05
"""A claim that an error is small, or a value zero, says little with a tolerance above this."""


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


def listen(record: str) -> None:
    """Create the file ``record``, and append a line for every claim from now on that is weak."""
    Path(record).touch()

    def note(claim: Claim) -> None:
        if reason := weak(claim):
            with Path(record).open("a", encoding="utf-8") as file:
                file.write(f"{claim.text}: {reason}\n")

    checks.listeners.append(note)
