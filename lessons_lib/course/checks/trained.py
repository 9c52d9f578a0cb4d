"""How a trained network is judged: by its distance from the exact limit, and from other limits.

A slip of the loss does not make a training noisy, it makes it converge to something else: to minus
the score, to half of it, to the score of another level. So a trial holds, beside the exact limit,
those of the likely slips, and the nearest one is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import ask, parts
from lessons_lib.course.checks.judges import Given, Judge

Slip = tuple[str, Tensor]
"""What to say to a slip, and what a training with it converges to, shaped like the limit."""


class Trial(NamedTuple):
    """One training that is asked for."""

    args: tuple[Any, ...]
    """What the answer gets: data, points, and a generator."""
    limit: Tensor
    """What the best training converges to; parts of an answer are stacked in the first place."""
    slips: Sequence[Slip]
    scale: Tensor | None = None
    """By what errors are divided; by default the root mean square of ``limit``."""
    veto: Callable[[Tensor], str | None] | None = None
    """Refuses an answer, however near the limit, or returns None."""
    remark: Callable[[Tensor], str | None] | None = None
    """Says more about an answer that is far from the limit and no clear slip, or returns None."""


def trained(case: Callable[[torch.Generator], Trial], *, within: float) -> Judge:
    """Judge a function that trains a network and returns what it says at given points.

    It is right if its relative error is at most ``within``, and if no slip has a limit nearer to
    it. Trivial competitors, such as a straight line, must be farther than ``within``.

    Parameters
    ----------
    case : callable
        ``case(generator)`` draws a `Trial`.
    within : float
        Largest root mean square of the error, over the ``scale`` of the trial.
    """

    def judge(answer: Any, generator: torch.Generator, given: Given) -> str | None:
        del given
        trial = case(generator)
        wanted = trial.limit
        every = parts(ask(answer, *trial.args))
        got = torch.stack([p.squeeze() for p in every]) if len(every) > 1 else every[0]
        if got.squeeze().shape != wanted.squeeze().shape:
            shapes = tuple(got.shape), tuple(wanted.shape)
            return f"Your result has the shape {shapes[0]}, and {shapes[1]} is wanted."
        got = got.reshape(wanted.shape)
        if not bool(torch.isfinite(got).all()):
            return "Your result holds values that are not finite (nan or inf)."
        if trial.veto and (seen := trial.veto(got)):
            return seen
        scale = wanted.square().mean().sqrt() if trial.scale is None else trial.scale
        far = relative_error(got, wanted, scale)
        nearest, hint = min((relative_error(got, s, scale), words) for words, s in trial.slips)
        if far <= within and far < nearest:
            return None
        if nearest > far / 2 and trial.remark and (seen := trial.remark(got)):
            return seen
        if nearest < far:
            return hint
        return (
            f"The error of what you learned is {far:.2f} of the exact answer, and {within:g} is "
            "wanted. Is the loss right, and does it fall? Then more steps, or larger ones."
        )

    return judge


def relative_error(got: Tensor, wanted: Tensor, scale: Tensor) -> float:
    """Root mean square of the difference over ``scale``."""
    return float(((got - wanted) / scale).square().mean().sqrt())


def straight(x: Tensor, y: Tensor) -> Tensor:
    """The best straight line, or plane, through values ``y`` at the points ``x``, ``(N, n)``."""
    features = torch.cat([torch.ones_like(x[:, :1]), x], 1)
    return features @ torch.linalg.lstsq(features, y).solution
