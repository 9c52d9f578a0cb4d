"""Judges of answers that draw: many samples, and margins that no right answer will ever miss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import ask, parts
from lessons_lib.course.checks.cases import normals
from lessons_lib.course.checks.judges import Given
from lessons_lib.diagnostics import ranks, uniformity
from lessons_lib.distributions import Gaussian


def between(rng: torch.Generator, low: float, high: float) -> float:
    """Draw a number between ``low`` and ``high``."""
    return low + (high - low) * float(torch.rand((), generator=rng))


def _rank_complaint(places: Tensor) -> str | None:
    """What the ranks of 19 samples look like."""
    if uniformity(places, 19) > 1e-9:
        return None
    low, high = (float((side < 5).double().mean()) for side in (places, 19 - places))
    if abs(low - high) > 0.05:
        return "Caught: the histogram of the ranks has a slope. Your samples are biased."
    if low + high > 0.5:
        return "Caught: the ranks pile up at both ends. Your samples lie too close together."
    return "Caught: the ranks pile up in the middle. Your samples lie too far apart."


def fools_ranks(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """Whether a sampler has flat ranks although its samples are far from the truth."""
    del given
    mean, std = between(rng, -1.0, 1.0), between(rng, 0.8, 1.2)
    n = std * between(rng, 0.6, 1.0)
    truth = mean + std * normals(rng, 20_000)
    y = truth + n * normals(rng, 20_000)
    (x,) = parts(ask(answer, y, mean, std, n, 19, rng))
    x = x.squeeze().T if x.squeeze().shape == (len(y), 19) else x.squeeze()
    if x.shape != (19, len(y)):
        return f"19 samples for each of {len(y)} data are wanted, and yours have {tuple(x.shape)}."
    if not bool(torch.isfinite(x).all()):
        return "Your samples hold values that are not finite (nan or inf)."
    if float(x.std(dim=1).max()) < 1e-6:
        return "The same 19 numbers for all data: each datum needs draws of its own."
    if complaint := _rank_complaint(ranks(x, truth)):
        return complaint
    honest = 2 * std**2 * n**2 / (std**2 + n**2)
    if float((x - truth).square().mean()) < 1.3 * honest:
        return "Flat ranks, and nothing to be ashamed of: your samples are as close as honest ones."
    return None


SPREADS = {
    1 / 12: "These are still the values of the code as found.",
    1 / 3: "Numbers between -1 and 1 have the variance 1/3. Unit variance is wanted.",
    1 / 2: "Noise of sqrt(step) is temperature one half. Langevin wants sqrt(2 step).",
    12.0: "The variance of rand is 1/12, so its standard deviation is one over the root of 12.",
}
"""What to say to a variance that is this many times the right one."""

NO_ROOT = "Noise of step * z is far too weak. Langevin wants sqrt(2 step) * z."


def _walk_complaint(ends: Tensor, pace: float, std: float, num_steps: int) -> str | None:
    """Compare with the law of a walk that starts in the mean 0, ``pace`` is step / variance."""
    kept = (1 - pace) ** num_steps
    law = std**2 * (1 - kept**2) / (1 - pace / 2)
    if float(ends.std()) < 1e-3 * std:
        return "All chains end in the same place. Each chain needs noise of its own."
    error = 6 * math.sqrt(max(law, float(ends.var())) / len(ends))
    if abs(float(ends.mean()) - std * (1 - kept) / math.sqrt(2 * pace)) < error:
        return "The mean of rand is 1/2, and it adds up: the chain drifts to v / sqrt(2 step)."
    if abs(float(ends.mean())) > error:
        return f"The chains settle around {float(ends.mean()):.2f} and not around the mean, 0."
    times = float(ends.var()) / law
    if abs(times - 1) < 0.06:
        return None
    for ratio, hint in {**SPREADS, pace * std**2 / 2: NO_ROOT}.items():
        if abs(times / ratio - 1) < 0.06:
            return hint
    return f"The variance of the chains is {times:.3g} times what it should be."


def settles(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """Whether many Langevin chains in a normal density have the law that they must have."""
    del given
    std, pace, num_steps = between(rng, 0.5, 1.2), between(rng, 0.04, 0.06), 50
    target = Gaussian(torch.zeros(1, dtype=torch.float64), std**2)
    x = torch.zeros(20_000, 1, dtype=torch.float64)
    (ends,) = parts(ask(answer, target.score, x, pace * std**2, num_steps, rng))
    if ends.squeeze().shape != (len(x),):
        return f"Your function returns the shape {tuple(ends.shape)}, and x has {tuple(x.shape)}."
    if not bool(torch.isfinite(ends).all()):
        return "Your chains hold values that are not finite (nan or inf)."
    return _walk_complaint(ends.flatten(), pace, std, num_steps)
