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
    squared_norm,
)
from lessons_lib.shapes import Score, Sigma, check_count, check_number, check_score_output


def explicit(
    score: Score, target: Score, x: Tensor, sigma: Sigma = 0.0, *, event_dims: int = 1
) -> Tensor:
    """Explicit score matching: half the Fisher divergence to a score that is known.

    ``J_ESM = 1/2 mean ||score(x, sigma) - target(x, sigma)||^2``

    Parameters
    ----------
    score, target : callable
        The model and the truth, both called as ``score(x, sigma)``.
    x : Tensor, shape ``(*, n)``
        Samples of the density smoothed by ``sigma``.
    sigma : float or Tensor, shape ``()`` or ``(*)``
        Noise level handed to both scores, in units of ``x``.
    event_dims : int
        1 for points and patches, 2 for images.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not a finite floating-point tensor or holds no point, ``sigma`` is negative or
        does not fit, ``event_dims`` is neither 1 nor 2, or a score changes the shape.

    References: [Hyvarinen2005], chapter 02_score_matching
    """
    x, sigma = prepare(x, sigma, event_dims)
    s = check_score_output(score(x, sigma), x)
    t = check_score_output(target(x, sigma), x, "target")
    return 0.5 * squared_norm(s - t, event_dims).mean()


def implicit(score: Score, x: Tensor, sigma: Sigma = 0.0, *, event_dims: int = 1) -> Tensor:
    """Implicit score matching: the same minimiser from samples alone, with the exact trace.

    ``J_ISM = mean[ tr grad s(x) + 1/2 ||s(x)||^2 ]``

    The trace takes one backward pass for each coordinate, for the whole batch at once.

    Parameters
    ----------
    score : callable
        The model, called as ``score(x, sigma)``; differentiable in ``x``.
    x : Tensor, shape ``(*, n)``
        Samples of the density smoothed by ``sigma``.
    sigma : float or Tensor, shape ``()`` or ``(*)``
        Noise level handed to ``score``, in units of ``x``.
    event_dims : int
        1 for points and patches, 2 for images.

    Returns
    -------
    Tensor
        A scalar; negative for a good model.

    Raises
    ------
    TypeError, ValueError
        As for `explicit`.

    References: [Hyvarinen2005], chapter 02_score_matching
    """
    x, s = differentiable_score(score, *prepare(x, sigma, event_dims))
    diagonal = _diagonal(s, x, event_dims)  # (*, n): d_i s_i
    return (diagonal.sum(-1) + 0.5 * squared_norm(s, event_dims)).mean()


def regularized(
    score: Score, x: Tensor, sigma: Sigma = 0.0, *, weight: float, event_dims: int = 1
) -> Tensor:
    """Implicit score matching with a penalty on the slopes of the score.

    ``J_RSM = J_ISM + weight * mean sum_i (d_i s_i)^2``

    The penalty stands for noise on the data. With noise of variance ``tau^2`` on ``x``, expanding
    `implicit` to first order in ``tau^2`` adds ``tau^2/2 ||grad s||_F^2``, and a remainder
    ``tau^2/2 E[(s - s_data)' Laplacian s]`` that vanishes where the model is right. Keeping the
    diagonal of ``grad s`` gives the penalty, with ``weight = tau^2 / 2``.

    Parameters
    ----------
    score : callable
        The model, called as ``score(x, sigma)``; differentiable in ``x``.
    x : Tensor, shape ``(*, n)``
        Samples of the density smoothed by ``sigma``.
    sigma : float or Tensor, shape ``()`` or ``(*)``
        Noise level handed to ``score``, in units of ``x``.
    weight : float
        Weight of the penalty, in squared units of ``x``; zero gives `implicit`.
    event_dims : int
        1 for points and patches, 2 for images.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        As for `explicit`, and if ``weight`` is negative or not finite.

    References: [KingmaLeCun2010], chapter 02_score_matching
    """
    weight = check_number(weight, "weight", zero_allowed=True)
    x, s = differentiable_score(score, *prepare(x, sigma, event_dims))
    diagonal = _diagonal(s, x, event_dims)  # (*, n): d_i s_i
    each = diagonal.sum(-1) + 0.5 * squared_norm(s, event_dims) + weight * (diagonal**2).sum(-1)
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

    Parameters
    ----------
    score : callable
        The model, called as ``score(x, sigma)``; differentiable in ``x``.
    x : Tensor, shape ``(*, n)``
        Samples of the density smoothed by ``sigma``.
    sigma : float or Tensor, shape ``()`` or ``(*)``
        Noise level handed to ``score``, in units of ``x``.
    num_slices : int
        Directions drawn for each member of the batch.
    probe : {"rademacher", "gaussian"}
        Law of the coordinates of ``v``: fair signs, or unit normal.
    generator : torch.Generator, optional
        Source of the directions.
    event_dims : int
        1 for points and patches, 2 for images.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        As for `explicit`, and if ``num_slices`` is not a positive integer or ``probe`` is unknown.

    References: [SongGarg2020], chapter 02_score_matching
    """
    num_slices = check_count(num_slices, "num_slices")
    x, sigma = prepare(x, sigma, event_dims)
    v = random_directions(probe, (num_slices, *x.shape), x, generator)  # (K, *, n)
    x, s = differentiable_score(score, x, sigma)
    curvature = sum(inner(slope(s, x, v_k), v_k, event_dims) for v_k in v) / num_slices
    return (curvature + 0.5 * squared_norm(s, event_dims)).mean()


def _diagonal(s: Tensor, x: Tensor, event_dims: int) -> Tensor:
    """``d_i s_i`` for every coordinate, ``(*, n)`` with a flat event; one pass each."""
    event = x.shape[x.ndim - event_dims :]
    units = torch.eye(event.numel(), dtype=x.dtype, device=x.device)
    rows = (slope(s, x, unit.reshape(event).expand_as(x)) for unit in units)  # n of (*, event)
    return torch.stack([row.flatten(-event_dims)[..., i] for i, row in enumerate(rows)], -1)
