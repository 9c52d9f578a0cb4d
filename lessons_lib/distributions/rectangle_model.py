"""How likely noisy pixels are for a given tilted rectangle, with its two levels integrated out.

Given the covered fractions ``f`` of the pixels the data are linear in the two levels,
``y = (1 - f) b + f r + sigma z``, and the levels are normal. So the evidence of a geometry and the
posterior of the levels are closed forms in a few sums over the pixels.
"""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor

from lessons_lib.phantoms import coverage, rectangle_parameters

Levels = tuple[float, float]
LEAST_SIDE = 1e-3


class LevelPosterior(NamedTuple):
    """What the data say about the two levels, for each geometry."""

    log_evidence: Tensor
    """Log density of the data given the geometry, shape ``(B, N)``."""
    mean: Tensor
    """Posterior means of background and foreground, shape ``(B, N, 2)``."""
    cov: Tensor
    """Their posterior covariance, shape ``(B, N, 2, 2)``."""


class RectangleModel:
    """Data in square windows ``(B, p, p)``, and the likelihood of geometries ``(B, N, 5)``.

    Parameters
    ----------
    x : Tensor, shape ``(B, p, p)``
        Noisy pixels.
    sigma : float
        Standard deviation of their noise.
    levels : tuple of tuple
        Mean and standard deviation of the background, then of the foreground.
    size : int
        Height and width of the image that the windows are part of.
    corner : Tensor, shape ``(B, 2)``, optional
        Row and column of the first pixel of each window; zero by default.
    mask : Tensor, shape ``(B, p, p)``, optional
        Which pixels hold data; all by default.
    """

    def __init__(
        self,
        x: Tensor,
        sigma: float,
        levels: tuple[Levels, Levels],
        *,
        size: int,
        corner: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> None:
        mask = torch.ones_like(x) if mask is None else mask
        corner = torch.zeros(len(x), 2) if corner is None else corner
        self.x, self.mask, self.corner = x.double().flatten(1), mask.double().flatten(1), corner
        self.sigma, self.size, self.width = sigma, size, x.shape[-1]
        self.mean, self.std = torch.tensor(levels, dtype=torch.float64).T

    def rows(self, which: Tensor) -> RectangleModel:
        """Return the model of some of the windows."""
        fewer = copy.copy(self)
        fewer.x, fewer.mask, fewer.corner = (t[which] for t in (self.x, self.mask, self.corner))
        return fewer

    def fractions(self, q: Tensor) -> Tensor:
        """Covered fractions of the pixels of each window, ``(B, N, 5) -> (B, N, p * p)``."""
        place = q[..., :2] - self.corner[:, None]
        sides = q[..., 2:4].clamp(min=LEAST_SIDE)  # a trial step may turn it inside out
        shifted = torch.cat([place, sides, q[..., 4:]], -1)
        return coverage(shifted, size=self.width).flatten(-2)

    def levels(self, f: Tensor) -> LevelPosterior:
        """Evidence of fractions ``(B, N, p * p)``, and the posterior of the levels given them."""
        m, known = self.mask, self.mask * (self.x - self.mean[0])  # without the mean background
        f_sum, ff, yf = ((g @ w[..., None])[..., 0] for g, w in ((f, m), (f * f, m), (f, known)))
        count, y_sum, yy = (s.sum(-1, keepdim=True) for s in (m, known, known * known))
        rise, var = self.mean[1] - self.mean[0], self.sigma**2
        residual = (yy - 2 * rise * yf + rise**2 * ff) / var
        pull_r = (yf - rise * ff) / var  # design' residual, foreground and background
        pull_b = (y_sum - rise * f_sum) / var - pull_r
        p_bb = self.std[0] ** -2 + (count - 2 * f_sum + ff) / var  # posterior precision
        p_rr, p_br = self.std[1] ** -2 + ff / var, (f_sum - ff) / var
        det = p_bb * p_rr - p_br**2
        cov = (
            torch.stack([p_rr, -p_br, -p_br, p_bb], -1).unflatten(-1, (2, 2)) / det[..., None, None]
        )
        shift = (cov @ torch.stack([pull_b, pull_r], -1)[..., None])[..., 0]
        explained = pull_b * shift[..., 0] + pull_r * shift[..., 1] - residual
        constant = count * math.log(2 * math.pi * var) / 2 + self.std.log().sum()
        return LevelPosterior((explained - det.log()) / 2 - constant, self.mean + shift, cov)

    def log_evidence(self, q: Tensor) -> Tensor:
        """Log density of the data given each geometry, ``(B, N)``; ``-inf`` outside the prior."""
        return self.levels(self.fractions(q)).log_evidence.where(self.inside(q), -math.inf)

    def inside(self, q: Tensor) -> Tensor:
        """Whether a geometry lies in the box that `rectangle_parameters` draws from."""
        low = self.size * torch.tensor([0.25, 0.25, 0.25, 0.25], dtype=torch.float64)
        high = self.size * torch.tensor([0.75, 0.75, 0.625, 0.625], dtype=torch.float64)
        return ((q[..., :4] >= low) & (q[..., :4] <= high)).all(-1)

    def prior(self, num: int, generator: torch.Generator) -> Tensor:
        """Draw geometries for every window, ``(B, num, 5)``."""
        if len(self.x) == 0:
            return torch.zeros(0, num, 5, dtype=torch.float64)
        q = rectangle_parameters(len(self.x) * num, size=self.size, generator=generator)
        return q[:, :5].reshape(-1, num, 5)


def design(f: Tensor) -> Tensor:
    """Weights of background and foreground in each pixel, ``(*, n) -> (*, n, 2)``."""
    return torch.stack([1 - f, f], -1)
