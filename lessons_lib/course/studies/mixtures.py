"""Fits of a three-component mixture on the line by every cost of chapter 2.

A mixture is a row ``theta`` of eight numbers: three means, three roots and two logits. Component
``k`` has the width ``least + root_k^2``, so the lower bound ``least`` is never crossed; the third
logit is zero. Data sets are rows too, ``(D, T)``, and all work is in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from lessons_lib.course.studies.minimisers import minimise
from lessons_lib.distributions import Parzen
from lessons_lib.shapes import check_tensor

METHODS = ("ML", "ESM", "ISM", "RSM", "DSM", "DSM told")
"""Maximum likelihood; explicit, implicit, regularised, denoising score matching; the last with a
model that is blurred by the same noise."""


WIDEST = 3.5
"""Largest width of a component at the start of a fit."""


class Density(Protocol):
    """What is needed of the truth: its log density and its score, both at ``(*, 1)``."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, ``(*, 1)`` to ``(*)``."""

    def score(self, x: Tensor) -> Tensor:
        """Score, ``(*, 1)`` to ``(*, 1)``."""


def mixture_terms(
    theta: Tensor, x: Tensor, *, least: float = 1.0, sigma: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Log density, score ``s`` and slope ``s'`` of mixtures, in closed form.

    With responsibilities ``r_k`` and pulls ``z_k = (mean_k - x) / width_k^2``:
    ``s = sum_k r_k z_k`` and ``s' = sum_k r_k (z_k^2 - 1 / width_k^2) - s^2``.

    Parameters
    ----------
    theta : Tensor, shape ``(*, 8)``
        Mixtures.
    x : Tensor, shape ``(*, N)`` or ``(N,)``
        Points.
    least : float
        Lower bound on the widths, in the units of ``x``.
    sigma : float
        Noise level by which the mixture is blurred.

    Returns
    -------
    tuple of Tensor
        Three of shape ``(*, N)``.
    """
    means, root, logits = theta.split([3, 3, 2], -1)
    width = ((least + root**2) ** 2 + sigma**2).sqrt()[..., None]  # (*, 3, 1)
    log_weights = torch.nn.functional.pad(logits, (0, 1)).log_softmax(-1)[..., None]
    precision = width**-2
    z = (means[..., None] - x[..., None, :]) * precision  # (*, 3, N)
    logs = (log_weights - (width * math.sqrt(2 * math.pi)).log()) - 0.5 * (z * width) ** 2
    log_p = logs.logsumexp(-2)  # (*, N)
    r = (logs - log_p[..., None, :]).exp()
    s = (r * z).sum(-2)
    return log_p, s, (r * (z**2 - precision)).sum(-2) - s**2


def mixture_cost(
    method: str, theta: Tensor, sets: Tensor, truth: Density, *, least: float = 1.0
) -> Tensor:
    """The cost of each mixture on its data set, ``(D,)``, as `fit_mixture_by` would lower it.

    ``theta`` are mixtures, ``(D, 8)``; ``method``, ``sets``, ``truth`` and ``least`` are as there.
    Denoising is at noise level 1 and averaged exactly over the noise; the constant between it and
    the explicit cost against the Parzen score is left out. RSM has weight 1/2, its counterpart.
    """
    return _average(method, theta, least, *_problem(method, sets, truth, least))


def fit_mixture_by(
    method: str,
    sets: Tensor,
    truth: Density,
    *,
    least: float = 1.0,
    num_starts: int = 12,
    seed: int = 0,
    begin: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The best of many fits for each data set.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    sets : Tensor, shape ``(D, T)``
        Data.
    truth : density
        Gives ESM its target; the other methods do not look at it.
    least : float
        Lower bound on the widths.
    num_starts : int
        Random starts for each data set: means at data, widths between ``least`` and 3.5.
    seed : int
        Seed of the starts.
    begin : Tensor, shape ``(D, S, 8)``, optional
        More starts.

    Returns
    -------
    tuple of Tensor
        Mixtures ``(D, 8)`` and their costs ``(D,)``.

    Raises
    ------
    TypeError, ValueError
        If ``method`` is unknown or ``sets`` is not a finite matrix.
    """
    problem = _problem(method, sets, truth, least)
    first = _random_starts(sets, num_starts, least, seed)
    first = first if begin is None else torch.cat([first, begin], 1)  # (D, S, 8)
    num_sets, num = first.shape[:2]
    rows = [v.repeat_interleave(num, 0) for v in problem]

    def cost(theta: Tensor, *data: Tensor) -> Tensor:
        return _average(method, theta, least, *data)

    theta, value = minimise(cost, first.flatten(0, 1), rows)
    value = value.reshape(num_sets, num)
    best = theta.reshape(num_sets, num, 8)[torch.arange(num_sets), value.argmin(1)]
    return best, value.amin(1)


def relax_bound(
    method: str, data: Tensor, truth: Density, bounds: Iterable[float], *, num_starts: int = 80
) -> Tensor:
    """The best cost on one data set, ``data`` of shape ``(T,)``, for each of decreasing ``bounds``.

    Each lower bound on the widths begins with ``num_starts`` new random starts, with two needles on
    every pair of the six most crowded data, and with the solution of the bound before it, which is
    still allowed; so the cost never rises. ``method`` and ``truth`` are those of `fit_mixture_by`.
    """
    best, last, costs = None, 0.0, []
    for least in bounds:
        begin = [_needles(data, least)]
        if best is not None:
            means, root, logits = best.split([3, 3, 2], -1)
            begin.append(torch.cat([means, (last + root**2 - least).sqrt(), logits], -1))
        options = {"least": least, "num_starts": num_starts, "begin": torch.cat(begin)[None]}
        (best, cost), last = fit_mixture_by(method, data[None], truth, **options), least
        costs.append(cost)
    return torch.cat(costs)


def mixture_divergences(
    theta: Tensor, truth: Density, x: Tensor, mass: Tensor, *, least: float = 1.0
) -> Tensor:
    """How far mixtures are from the truth, ``(*, 2)``: Kullback-Leibler and Fisher divergence.

    ``KL = E log(p / p_theta)`` and ``F = 1/2 E (s_theta - s)^2``, both under the ``truth``, for
    ``theta`` of shape ``(*, 8)``. ``x`` are nodes of a quadrature rule, ``mass`` is the probability
    under the truth that each stands for, both ``(N,)``, and ``least`` bounds the widths.
    """
    log_p, s, _ = mixture_terms(theta, x, least=least)
    gap = truth.log_prob(x[:, None]) - log_p
    error = 0.5 * (s - truth.score(x[:, None])[:, 0]) ** 2
    return torch.stack([gap @ mass, error @ mass], -1)


def compare_fits(
    sets: Tensor,
    truth: Density,
    *,
    methods: Sequence[str] = METHODS,
    least: float = 1.0,
    num_starts: int = 12,
) -> dict[str, Tensor]:
    """Fit every data set by every one of the ``methods``; by method, the mixtures ``(D, 8)``.

    ``sets``, ``truth``, ``least`` and ``num_starts`` are those of `fit_mixture_by`.
    """
    options = {"least": least, "num_starts": num_starts}
    return {method: fit_mixture_by(method, sets, truth, **options)[0] for method in methods}


def _problem(
    method: str, sets: Tensor, truth: Density, least: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Points, their masses and the score wanted there, each ``(D, N)``."""
    check_tensor(sets, "sets", min_dims=2)
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}")
    if not method.startswith("DSM"):
        target = truth.score(sets[..., None])[..., 0] if method == "ESM" else torch.zeros_like(sets)
        return sets, torch.full_like(sets, 1 / sets.shape[1]), target
    step = 0.3 if method == "DSM told" else min(0.3, least / 2)  # resolves the narrowest model
    ends = float(sets.min()) - 8, float(sets.max()) + 8
    x = torch.arange(*ends, step, dtype=sets.dtype)[:, None]
    blurred = [Parzen(row[:, None]) for row in sets]
    mass = torch.stack([step * q.log_prob(x, 1.0).exp() for q in blurred])
    return x.T.expand(len(sets), -1), mass, torch.stack([q.score(x, 1.0)[:, 0] for q in blurred])


def _average(
    method: str, theta: Tensor, least: float, x: Tensor, mass: Tensor, target: Tensor
) -> Tensor:
    blur = 1.0 if method == "DSM told" else 0.0
    log_p, s, slope = mixture_terms(theta, x, least=least, sigma=blur)
    if method == "ML":
        each = -log_p
    elif method in ("ISM", "RSM"):
        each = slope + 0.5 * s**2 + (0.5 * slope**2 if method == "RSM" else 0.0)
    else:
        each = 0.5 * (s - target) ** 2
    return (mass * each).sum(-1)


def _random_starts(sets: Tensor, num: int, least: float, seed: int) -> Tensor:
    """Means at data, log-uniform widths, random weights: ``(D, num, 8)``."""
    kind = {"generator": torch.Generator().manual_seed(seed), "dtype": sets.dtype}
    u, pick = torch.rand(2, len(sets), num, 3, **kind)
    means = sets.gather(1, (pick * sets.shape[1]).long().flatten(1)).reshape(pick.shape)
    root = (least * (WIDEST / least) ** u - least).sqrt()
    return torch.cat([means, root, 0.5 * torch.randn(len(sets), num, 2, **kind)], -1)


def _needles(data: Tensor, least: float, num: int = 6) -> Tensor:
    """Two narrow components on each pair of the most crowded data, one broad: ``(S, 8)``."""
    crowd = torch.exp(-0.5 * ((data[:, None] - data) / least) ** 2).sum(1)
    spots = data[crowd.argsort(descending=True, stable=True)[:num]]
    i, j = torch.triu_indices(num, num, 1)
    means = torch.stack([spots[i], spots[j], data.mean().expand(len(i))], -1)
    rest = data.new_tensor([0.3 * least**0.5, 0.3 * least**0.5, 1.5, -2.0, -2.0])
    return torch.cat([means, rest.expand(len(i), 5)], -1)
