"""The score of a smoothed image once a measurement is known, where the prior is Gaussian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from lessons_lib.shapes import Score, Sigma, expand_sigma
from lessons_lib.solving import conjugate_gradients


class Measured(Protocol):
    """What is asked of a `reconstruction.GaussianLikelihood`."""

    A: object
    noise_std: float

    def score(self, x: Tensor) -> Tensor:
        """Return ``A' (y - A x) / noise_std^2``."""
        ...


def conditional_score(
    prior_score: Score,
    likelihood: Measured,
    x: Tensor,
    sigma: Sigma,
    *,
    root: Callable[[Tensor, Tensor], Tensor],
    num_cg: int,
) -> Tensor:
    """Score of ``x = x0 + sigma z`` given ``y``, for a normal ``x0``.

    Given ``x``, the clean image is normal with the mean ``D = x + sigma^2 s(x, sigma)`` and a
    covariance ``R R`` that does not depend on ``x``. The measurement moves that mean by
    ``(R^-2 + M)^-1 A' (y - A D) / noise_std^2`` with ``M = A' A / noise_std^2``, which is solved
    for as ``R (I + R M R)^-1 R``; Tweedie's formula turns it into a score.

    Parameters
    ----------
    root : callable
        ``root(v, variance)`` applies ``R`` at the noise variance ``sigma^2``, of shape ``()`` or
        ``(*, 1, 1)``.
    """
    variance = expand_sigma(sigma, x, event_dims=2) ** 2
    s = prior_score(x, sigma)
    pull = likelihood.score(x + variance * s)
    if not bool((variance > 0).any()):
        return s + pull

    def precision(w: Tensor) -> Tensor:
        v = root(w, variance)
        return w + root(likelihood.A.adjoint(likelihood.A(v)), variance) / likelihood.noise_std**2

    moved = conjugate_gradients(precision, root(pull, variance), num_steps=num_cg, event_dims=2)
    return s + torch.where(variance > 0, root(moved, variance) / variance, pull)
