"""What the samplers of the posterior share."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from lessons_lib.shapes import Score, check_number

Move = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A step from one level to the next, ``move(x, sigma, tau)``."""


def tweedie(prior_score: Score, x: Tensor, sigma: Tensor) -> Tensor:
    """Return the mean of the clean image given ``x``, ``x + sigma^2 s(x, sigma)``."""
    return x + sigma**2 * prior_score(x, sigma)


def share(value: float, name: str) -> float:
    """Return the argument ``name`` if it is a number from 0 to 1."""
    number = check_number(value, name, zero_allowed=True)
    if number > 1:
        raise ValueError(f"{name} must be from 0 to 1, got {number:g}")
    return number
