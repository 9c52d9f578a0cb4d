"""What the oracles of labs 4 and 5 need: a search without formulas, and a chain of pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.checks.cases import SinhGaussian

DOUBLE: dict[str, Any] = {"dtype": torch.float64}


def lowest(f: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, num: int) -> Tensor:
    """Where convex functions of one number are least between two bounds, by cutting off ends."""
    for _ in range(num):
        a, b = low + 4 / 9 * (high - low), low + 5 / 9 * (high - low)
        right = f(a) > f(b)
        low, high = torch.where(right, a, low), torch.where(right, high, b)
    return (low + high) / 2


def peak_of_two_pixels(y: Tensor, stds: Tensor, beta: float) -> Tensor:
    """The maximum of the posterior of two pixels under total variation, ``(N, 2)``."""
    low, high = y.amin(1) - 1, y.amax(1) + 1

    def energy(x1: Tensor, x2: Tensor) -> Tensor:
        misfit = ((x1 - y[:, 0]) / stds[0]) ** 2 + ((x2 - y[:, 1]) / stds[1]) ** 2
        return misfit / 2 + beta * (x2 - x1).abs()

    def second(x1: Tensor) -> Tensor:
        return lowest(lambda x2: energy(x1, x2), low, high, 45)

    x1 = lowest(lambda x1: energy(x1, second(x1)), low, high, 24)
    return torch.stack([x1, second(x1)], 1)


def chain(rho: float | Tensor, size: int) -> SinhGaussian:
    """``size`` neighbours of a stationary chain; ``z`` remembers its last value by ``rho``."""
    place = torch.arange(size, **DOUBLE)
    return SinhGaussian(rho ** (place[:, None] - place).abs())
