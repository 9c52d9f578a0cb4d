"""The objectives that add noise and regress on it: denoising, noise_conditional."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.losses._parts import prepare, sum_of_squares, unit_noise
from lessons_lib.shapes import Score, Sigma, check_sigma, check_tensor, checked


def denoising(
    score: Score,
    x: Tensor,
    sigma: Sigma,
    *,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
    event_dims: int = 1,
) -> Tensor:
    """Denoising score matching: regress on the noise that was added.

    ``J_DSM = 1/2 mean || score(x + sigma * noise, sigma) + noise / sigma ||^2``

    Here ``x`` are clean samples, ``sigma`` is positive, and no derivative in ``x`` is taken.

    References: [Vincent2011], chapter 02_score_matching.

    Parameters
    ----------
    noise : Tensor, shape ``x.shape`` or ``(M, *x.shape)``, optional
        Unit normal noise: one draw for each sample, or ``M`` of them to be averaged. Give it to let
        two losses share a draw; otherwise one draw for each sample is made.
    """
    x, sigma = prepare(x, sigma, event_dims, positive=True)
    noise = unit_noise(noise, x, x.shape, generator, most=1)
    return 0.5 * _denoising_error(checked(score), x, sigma, noise, event_dims).mean()


def noise_conditional(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    weights: Tensor | None = None,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
    event_dims: int = 1,
) -> Tensor:
    """Denoising at many noise levels, weighted by sigma^2 so that each has the same scale.

    ``J = 1/L sum_l w_l sigma_l^2 J_DSM(sigma_l)``

    All levels go through ``score`` in one call, on ``(L, *, n)`` with ``sigma`` of shape
    ``(L, 1, ...)``.

    References: [SongErmon2019], chapter 03_noise_conditional.

    Parameters
    ----------
    sigmas : Tensor, shape ``(L,)``
        Positive noise levels, in units of ``x``.
    weights : Tensor, shape ``(L,)``, optional
        Further factors ``w_l``; by default 1. With ``1 + sigma^2 / std^2``, the error of the
        network inside a preconditioned score counts alike at all levels [Karras2022].
    noise : Tensor, shape ``x.shape``, ``(M, *x.shape)`` or ``(L, M, *x.shape)``, optional
        Unit normal noise. The first two are shared by all levels, which makes this exactly the mean
        of ``sigma**2 * denoising(score, x, sigma, noise=noise)``; the last has its own draws for
        each level. Without it, every level draws its own, once for each sample.
    """
    x, _ = prepare(x, 0.0, event_dims)
    levels = check_tensor(sigmas, "sigmas", axes="L,").to(x)
    levels = check_sigma(levels, x, positive=True)
    noise = unit_noise(noise, x, (len(levels), *x.shape), generator, most=2, levels=len(levels))
    sigma = levels.reshape(-1, *(1,) * (noise.ndim - event_dims - 1))  # (L, 1, ...)
    error = _denoising_error(checked(score), x, sigma, noise, event_dims)  # (L, *) or (L, M, *)
    if weights is not None:
        error = check_tensor(weights, "weights", last=levels.shape).to(x).view_as(sigma) * error
    return 0.5 * (sigma**2 * error).mean()


def _denoising_error(
    score: Score, x: Tensor, sigma: Sigma, noise: Tensor, event_dims: int
) -> Tensor:
    level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    level = level[(..., *(None,) * event_dims)]  # (*) -> (*, 1, ...)
    s = score(x + level * noise, sigma)
    return sum_of_squares(s + noise / level, event_dims)
