"""How large the steps are, and over how many of them the weights are averaged."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
}
"""Factor on the learning rate as the run goes from progress 0 to 1."""


def rate_factor(schedule: str, warmup: int, num_steps: int) -> Callable[[int], float]:
    """Factor on the learning rate after each number of steps: warm-up, then the schedule."""

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return SCHEDULES[schedule]((step - warmup) / max(num_steps - warmup, 1))

    return factor


def moving_average(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average that follows a ``model`` from its present weights on.

    ``average <- d average + (1 - d) weights`` with ``d = min(decay, k / (9 + k))`` at the k-th
    update, so that the early, poor weights are soon forgotten; with torch's own constant ``d`` they
    would weigh on runs as short as those of the lessons. Its memory is ``1 / (1 - decay)`` steps.
    """

    def follow(average: Tensor, weights: Tensor, k: Tensor) -> Tensor:
        d = min(decay, int(k) / (9 + int(k)))
        return average.lerp(weights, 1 - d)

    average = AveragedModel(model, avg_fn=follow)
    average.update_parameters(model)  # the first update is a copy, and counts as one
    return average
