"""The normal density, whose score is minus the whitened distance to the mean."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.distributions._covariance import SmoothedCovariance
from lessons_lib.distributions._parts import as_covariance
from lessons_lib.shapes import Sigma, check_count, check_tensor, expand_sigma, unit_normal


class Gaussian:
    """Normal density N(mean, cov) and all its smoothed versions N(mean, cov + sigma^2 I).

    Its score is ``-(cov + sigma^2 I)^-1 (x - mean)``: it points back to the mean.

    References: chapter 01_gaussian_score.

    Parameters
    ----------
    mean : Tensor, shape ``(n,)``
        Mean, in the units of ``x``.
    cov : float or Tensor, shape ``(n, n)``
        Covariance matrix in squared units of ``x``; a number (or a tensor of shape ``()``) is
        that variance times the identity.
    """

    def __init__(self, mean: Tensor, cov: float | Tensor) -> None:
        (n,) = check_tensor(mean, "mean", axes="n,").shape
        cov = as_covariance(cov, n, mean, "cov")
        if cov.shape != (n, n):
            raise ValueError(f"cov must be a number or ({n}, {n}), got {tuple(cov.shape)}")
        self.mean, self.cov = mean, cov
        self._smoothed = SmoothedCovariance(cov, "cov")

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density of N(mean, cov + sigma^2 I), shape ``(*)``."""
        d, solved, logdet = self._whiten(x, sigma)
        n = d.shape[-1]
        return -0.5 * ((d * solved).sum(-1) + logdet + n * math.log(2 * math.pi))

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``-(cov + sigma^2 I)^-1 (x - mean)``, shape ``(*, n)``."""
        return -self._whiten(x, sigma)[1]

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` independent points, shape ``(num, n)``."""
        num = check_count(num, "num")
        with torch.no_grad():
            noise = unit_normal((num, *self.mean.shape), self.mean, generator)
            return self.mean + self._smoothed.colour(noise)  # (num, n)

    def _whiten(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor, Tensor]:
        check_tensor(x, "x", last=tuple(self.mean.shape))
        variance = expand_sigma(sigma, x) ** 2
        d = x - self.mean.to(x)
        return d, *self._smoothed.solve(d, variance)
