"""What is handed to answers: random cases, and a density that the library does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lessons_lib.distributions import GaussianMixture

DOUBLE: dict[str, Any] = {"dtype": torch.float64}


def hills(rng: torch.Generator, n: int = 2) -> GaussianMixture:
    """Three round hills of different heights and widths, close to the origin of ``n`` dimensions.

    They are in float64, with variances between 0.3 and 1.3.
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


def between(rng: torch.Generator, low: float, high: float) -> float:
    """Draw a number between ``low`` and ``high``."""
    return low + (high - low) * float(uniforms(rng))


@dataclass(frozen=True)
class SinhGaussian:
    """Pieces of ``x = sinh(z)``, with normal ``z`` of mean 0, variance 1 and covariance ``cov``."""

    cov: Tensor

    def score(self, v: Any) -> Any:
        """The exact score of each piece, ``(*, n) -> (*, n)``; arrays are welcome."""
        if isinstance(v, np.ndarray):
            return self.score(torch.as_tensor(v)).numpy()
        if v.shape[-1] != len(self.cov):
            raise ValueError(f"windows of {len(self.cov)} are wanted, got {tuple(v.shape)}")
        stretch = (1 + v**2).sqrt()  # dx/dz
        return -torch.linalg.solve(self.cov, v.asinh().mT).mT / stretch - v / stretch**2
