"""What the samplers of the posterior share."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from lessons_lib.shapes import Score

Move = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A step from one level to the next, ``move(x, sigma, tau)``."""


def tweedie(prior_score: Score, x: Tensor, sigma: Tensor) -> Tensor:
    """Return the mean of the clean image given ``x``, ``x + sigma^2 s(x, sigma)``."""
    return x + sigma**2 * prior_score(x, sigma)
