"""Fit a mixture of normals to data by expectation maximisation."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lessons_lib.distributions.mixture import GaussianMixture
from lessons_lib.shapes import check_count, check_number, check_tensor

MAX_ENTRIES = 2**21


def fit_mixture(
    data: Tensor,
    num_components: int,
    *,
    num_steps: int,
    floor: float,
    zero_mean: bool = False,
    generator: torch.Generator | None = None,
) -> Iterator[GaussianMixture]:
    """Fit a Gaussian mixture by expectation maximisation, yielding it after each step.

    E-step: ``r_tk = w_k p_k(x_t) / p(x_t)``. M-step: ``w_k``, ``mean_k`` and ``cov_k`` are the
    weighted count, mean and covariance of the data under ``r_tk``. No step lowers the likelihood
    (but for the floor). A fitted mixture has the exact score of its own density at every sigma.

    References: chapters 04_tv_patch and 05.

    Parameters
    ----------
    data : Tensor, shape ``(T, n)``
        Samples; the statistics are accumulated in blocks, in the dtype of the data.
    num_components, num_steps : int
        Number of normals ``K``, at most ``T``; and of steps, each of which yields a mixture.
    floor : float
        Variance added to the diagonal of every covariance, in squared units of the data. Without
        it the likelihood of data on a line or a point has no bound.
    zero_mean : bool
        Keep all means at zero.
    generator : torch.Generator, optional
        Chooses the first responsibilities.
    """
    data = check_tensor(data, "data", axes="T, n").detach()
    num_components = check_count(num_components, "num_components", most=len(data))
    num_steps, floor = check_count(num_steps, "num_steps"), check_number(floor, "floor")
    generator = generator or torch.Generator(device=data.device).manual_seed(0)

    def steps() -> Iterator[GaussianMixture]:
        mixture = _start(data, num_components, floor, zero_mean, generator)
        rows = max(1, MAX_ENTRIES // (num_components * data.shape[1]))
        for _ in range(num_steps):
            parts = [_statistics(mixture, some) for some in data.split(rows)]
            count, first, second = (sum(part) for part in zip(*parts, strict=True))
            mixture = _maximise(count, first, second, floor, zero_mean)
            yield mixture

    return steps()


def _start(
    data: Tensor, num_components: int, floor: float, zero_mean: bool, generator: torch.Generator
) -> GaussianMixture:
    """Means at random samples, the covariance of all at scales from wide to narrow."""
    k, n = num_components, data.shape[1]
    chosen = torch.randperm(len(data), generator=generator, device=data.device)[:k]
    means = torch.zeros_like(data[chosen]) if zero_mean else data[chosen]
    centred = data if zero_mean else data - data.mean(0)
    cov = centred.T @ centred / len(data) + floor * torch.eye(n).to(data)
    scale = torch.logspace(0, -2, k).to(data)
    weights = torch.full((k,), 1 / k).to(data)
    return GaussianMixture(weights, means, scale[:, None, None] * cov)


def _statistics(mixture: GaussianMixture, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Responsibility-weighted count ``(K,)``, sum ``(K, n)`` and sum of products ``(K, n, n)``."""
    r = mixture.responsibilities(x)  # (R, K)
    second = torch.stack([(x * r_k[:, None]).T @ x for r_k in r.T])
    return r.sum(0), r.T @ x, second


def _maximise(
    count: Tensor, first: Tensor, second: Tensor, floor: float, zero_mean: bool
) -> GaussianMixture:
    safe = count.clamp(min=1e-8)[:, None]  # a component that has lost its data stays harmless
    means = torch.zeros_like(first) if zero_mean else first / safe
    covs = second / safe[..., None] - means[:, :, None] * means[:, None, :]
    covs = (covs + covs.mT) / 2 + floor * torch.eye(first.shape[1]).to(first)
    return GaussianMixture(count / count.sum(), means, covs)
