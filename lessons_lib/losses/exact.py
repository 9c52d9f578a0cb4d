"""The objectives without added noise: explicit, implicit, regularized, sliced."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.losses._parts import (
    differentiable_score,
    inner,
    prepare,
    random_directions,
    slope,
    sum_of_squares,
)
from lessons_lib.shapes import Score, Sigma, check_count, check_number, checked


def explicit(
    score: Score, target: Score, x: Tensor, sigma: Sigma = 0.0, *, event_dims: int = 1
) -> Tensor:
    """Explicit score matching: half the Fisher divergence to a score that is known.

    ``J_ESM = 1/2 mean ||score(x, sigma) - target(x, sigma)||^2``

    References: [Hyvarinen2005], chapter 02_score_matching.
    """
    score, target = checked(score), checked(target, "target")
    x, sigma = prepare(x, sigma, event_dims)
    difference = score(x, sigma) - target(x, sigma)
    return 0.5 * sum_of_squares(difference, event_dims).mean()


def implicit(score: Score, x: Tensor, sigma: Sigma = 0.0, *, event_dims: int = 1) -> Tensor:
    """Implicit score matching: the same minimiser from samples alone, with the exact trace.

    ``J_ISM = mean[ tr grad s(x) + 1/2 ||s(x)||^2 ]``, negative for a good model.

    The trace takes one backward pass for each coordinate, for the whole batch at once.

    References: [Hyvarinen2005], chapter 02_score_matching.
    """
    x, s = differentiable_score(checked(score), *prepare(x, sigma, event_dims))
    diagonal = _diagonal(s, x, event_dims)  # (*, n): d_i s_i
    return (diagonal.sum(-1) + 0.5 * sum_of_squares(s, event_dims)).mean()


def regularized(
    score: Score, x: Tensor, sigma: Sigma = 0.0, *, weight: float, event_dims: int = 1
) -> Tensor:
    """Implicit score matching with a penalty on the slopes of the score.

    ``J_RSM = J_ISM + weight * mean sum_i (d_i s_i)^2``

    The penalty stands for noise on the data. With noise of variance ``tau^2`` on ``x``, expanding
    `implicit` to first order in ``tau^2`` adds ``tau^2/2 ||grad s||_F^2``, and a remainder
    ``tau^2/2 E[(s - s_data)' Laplacian s]`` that vanishes where the model is right. Keeping the
    diagonal of ``grad s`` gives the penalty, with ``weight = tau^2 / 2``, in squared units of
    ``x``; zero gives `implicit`.

    References: [KingmaLeCun2010], chapter 02_score_matching.
    """
    weight = check_number(weight, "weight", zero_allowed=True)
    x, s = differentiable_score(checked(score), *prepare(x, sigma, event_dims))
    diagonal = _diagonal(s, x, event_dims)  # (*, n): d_i s_i
    each = diagonal.sum(-1) + 0.5 * sum_of_squares(s, event_dims) + weight * (diagonal**2).sum(-1)
    return each.mean()


def sliced(
    score: Score,
    x: Tensor,
    sigma: Sigma = 0.0,
    *,
    num_slices: int = 1,
    probe: str = "rademacher",
    generator: torch.Generator | None = None,
    event_dims: int = 1,
) -> Tensor:
    """Sliced score matching: `implicit` with the trace estimated along random directions.

    ``J_SSM = mean[ 1/K sum_k v_k' (grad s) v_k + 1/2 ||s||^2 ]``,  ``E[v v'] = I``

    This is the variance-reduced form: its second term needs no direction, so that the expectation
    over ``v`` is exactly `implicit` for both probes. Signs have the smaller variance, and none at
    all where ``grad s`` is diagonal. The cost is ``num_slices`` backward passes, whatever ``n``.

    References: [SongGarg2020], chapter 02_score_matching.

    Parameters
    ----------
    num_slices : int
        Directions ``K`` drawn for each member of the batch.
    probe : {"rademacher", "gaussian"}
        Law of the coordinates of ``v``: fair signs, or unit normal.
    """
    num_slices = check_count(num_slices, "num_slices")
    x, sigma = prepare(x, sigma, event_dims)
    v = random_directions(probe, (num_slices, *x.shape), x, generator)  # (K, *, n)
    x, s = differentiable_score(checked(score), x, sigma)
    curvature = sum(inner(slope(s, x, v_k), v_k, event_dims) for v_k in v) / num_slices
    return (curvature + 0.5 * sum_of_squares(s, event_dims)).mean()


def _diagonal(s: Tensor, x: Tensor, event_dims: int) -> Tensor:
    """``d_i s_i`` for every coordinate, ``(*, n)`` with a flat event; one pass each."""
    event = x.shape[x.ndim - event_dims :]
    units = torch.eye(event.numel(), dtype=x.dtype, device=x.device)
    rows = (slope(s, x, unit.reshape(event).expand_as(x)) for unit in units)  # n of (*, event)
    return torch.stack([row.flatten(-event_dims)[..., i] for i, row in enumerate(rows)], -1)
