"""The distributions that the generic tests run through, one line each, and points in their bulk."""

from __future__ import annotations

import pytest
import torch

from lessons_lib.distributions import Gamma, Gaussian, GaussianMixture, GeneralizedTV, Parzen

F64 = torch.float64


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensor(*values) -> torch.Tensor:
    return torch.tensor(values, dtype=F64)


COV = torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=F64)

MEANS = torch.tensor([[-1.0, 0.5], [1.5, -0.5]], dtype=F64)

COVS = torch.stack([COV, torch.tensor([[0.3, -0.1], [-0.1, 0.5]], dtype=F64)])

# name, object, dimension, a point in its bulk, its largest standard deviation, known at sigma = 0,
# proper (integrates to one over all coordinates)
DISTRIBUTIONS = [
    ("gaussian-1d", Gaussian(tensor(1.5), 0.49), 1, 1.0, 0.7, True, True),
    ("gaussian-2d", Gaussian(tensor(1.0, -1.0), COV), 2, 0.3, 1.3, True, True),
    ("mixture-1d", GaussianMixture(tensor(0.3, 0.7), tensor([-2.0], [1.0]), tensor(0.25, 0.5)),
     1, 0.4, 1.6, True, True),
    ("mixture-2d", GaussianMixture(tensor(0.4, 0.6), MEANS, COVS), 2, 0.3, 2.0, True, True),
    ("gamma-8", Gamma(8, 1), 1, 6.0, 3.0, True, True),
    ("gamma-0.7", Gamma(0.7, 2.0), 1, 0.6, 1.7, True, True),
    ("tv", GeneralizedTV(2.0), 2, 0.3, 1.0, True, False),
    ("tv-proper", GeneralizedTV(2.0, sum_std=2.0), 2, 0.3, 2.0, True, True),
    ("gtv-0.5", GeneralizedTV(1.5, 0.5, sum_std=2.0), 2, 0.3, 3.0, True, True),
    ("gtv-1.5", GeneralizedTV(1.5, 1.5), 2, 0.3, 1.0, True, False),
    ("parzen-1d", Parzen(torch.randn(50, 1, generator=rng(), dtype=F64)), 1, 0.4, 1.0, False, True),
    ("parzen-2d", Parzen(torch.randn(40, 2, generator=rng(), dtype=F64)), 2, 0.4, 1.0, False, True),
]  # fmt: skip

IDS = [row[0] for row in DISTRIBUTIONS]

each = pytest.mark.parametrize("row", DISTRIBUTIONS, ids=IDS)


def sigmas(row) -> list[float]:
    return [0.0, 0.3, 2.0] if row[5] else [0.3, 2.0]


def points(row, *batch: int, spread: float = 0.5, seed: int = 1) -> torch.Tensor:
    _, _, n, bulk, std, _, _ = row
    x = bulk + spread * std * torch.randn(*batch, n, generator=rng(seed), dtype=F64)
    return x.abs() + 0.05 if isinstance(row[1], Gamma) else x
