"""Random cases that several labs share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lessons_lib.distributions import GaussianMixture


def hills(rng: torch.Generator, n: int = 2) -> GaussianMixture:
    """Three round hills of different heights and widths, close to the origin of ``n`` dimensions.

    Parameters
    ----------
    rng : torch.Generator
        Source of the weights, means and widths.
    n : int
        Number of coordinates.

    Returns
    -------
    GaussianMixture
        In float64; variances between 0.3 and 1.3.
    """
    options: dict[str, Any] = {"generator": rng, "dtype": torch.float64}
    weights = 0.2 + torch.rand(3, **options)
    means = 3 * torch.rand(3, n, **options) - 1.5
    spread = 0.3 + torch.rand(3, **options)
    return GaussianMixture(weights / weights.sum(), means, spread)


def normals(rng: torch.Generator, *shape: int) -> Tensor:
    """Unit normals of ``shape`` in float64, drawn from ``rng``."""
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def uniforms(rng: torch.Generator, *shape: int) -> Tensor:
    """Numbers between 0 and 1 of ``shape`` in float64, drawn from ``rng``."""
    return torch.rand(shape, generator=rng, dtype=torch.float64)
