"""`claim`: an assertion that says in words what it asserts and shows the evidence.

`claim` compares a measured value with an exact answer, prints one line for the reader, and raises
``AssertionError`` when the two disagree. The tests read every claim back, and see each one fail
when its measured value is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lessons_lib.console import say


@dataclass(frozen=True)
class Claim:
    """One checked statement: its words, the measurement, and the test it had to pass."""

    text: str
    measured: Tensor
    expected: Tensor
    relation: str  # "equals", "below" or "above"
    within: float

    def error(self) -> float:
        """Largest absolute difference between measured and expected."""
        return float((self.measured - self.expected).abs().max())

    def holds(self) -> bool:
        """Whether the measurement passes."""
        if not bool(torch.isfinite(self.measured).all()):
            return False
        if self.relation == "equals":
            return self.error() <= self.within
        gap = self.measured - self.expected
        return bool((gap < 0).all() if self.relation == "below" else (gap > 0).all())

    def evidence(self) -> str:
        """The measurement in the words that the reader sees."""
        if self.relation != "equals":
            worst = self.measured.max() if self.relation == "below" else self.measured.min()
            bound = self.expected.min() if self.relation == "below" else self.expected.max()
            sign = "<" if self.relation == "below" else ">"
            return f"{_clean(worst, bound):.3g} {sign} {float(bound):.3g}"
        count, margin = self.measured.numel(), _margin(self.within)
        if count > 1:
            return f"all {count} values {margin}"
        if self.within == 0 and self.holds() and float(self.expected).is_integer():
            return f"{int(self.measured)} = {int(self.expected)} exactly"
        measured = _clean(self.measured, self.within)
        sign = "≈" if self.within else "="
        return f"{measured:.4g} {sign} {_show(self.expected)} {margin}"


Listener = Callable[[Claim], None]
listeners: list[Listener] = []
"""Called with every claim that is made, before it is judged; the tests use this."""


def claim(
    text: str,
    measured: Tensor | float,
    *,
    equals: Tensor | float | None = None,
    within: float | None = None,
    below: Tensor | float | None = None,
    above: Tensor | float | None = None,
) -> None:
    """Check a statement against an exact answer, and print the verdict.

    Give exactly one of ``equals`` (with its absolute tolerance ``within``), ``below`` or ``above``.

    Parameters
    ----------
    text : str
        The claim, one sentence without a full stop, as it appears on the claims page.
    measured : Tensor or float
        What the computation gave.
    equals, below, above : Tensor or float
        The exact answer, or the bound, broadcastable against ``measured``.
    within : float
        Largest absolute difference accepted with ``equals``.

    Raises
    ------
    AssertionError
        If the claim does not hold.
    ValueError
        If there is no text, or the call does not say exactly one thing to compare with.
    """
    if not text.strip():
        raise ValueError("text must say in words what is claimed, got none")
    given = {"equals": equals, "below": below, "above": above}
    chosen = [name for name, value in given.items() if value is not None]
    if len(chosen) != 1 or (within is not None) != (chosen == ["equals"]):
        raise ValueError(f"claim needs equals= with within=, or below=, or above=; got {chosen}")
    relation = chosen[0]
    left, right = torch.broadcast_tensors(_tensor(measured), _tensor(given[relation]))
    made = Claim(text, left, right, relation, float(within or 0.0))
    for listener in listeners:
        listener(made)
    if not made.holds():
        raise AssertionError(
            f"{text}: measured {_show(left)}, wanted {relation} {_show(right)}"
            + (f" {_margin(made.within)}" if relation == "equals" else "")
        )
    say(f"✓ {text}: {made.evidence()}")


def _tensor(value: Tensor | float) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64).detach().cpu()


def _clean(value: Tensor, scale: Tensor | float) -> float:
    """The value, or zero if it is below a hundredth of ``scale``: rounding differs by machine."""
    number = float(value) + 0.0
    return 0.0 if abs(number) < abs(float(scale)) / 100 else number


def _margin(within: float) -> str:
    if within == 0:
        return "exactly"
    if within >= 1e-3:
        return f"within {within:.2g}"
    return f"within {within:.1e}".replace(".0e", "e").replace("e-0", "e-")


def _show(value: Tensor) -> str:
    if value.numel() != 1:
        return f"{tuple(value.shape)} values"
    return f"{float(value) + 0.0:.4g}"
