"""The objectives that add noise and regress on it: denoising, noise_conditional."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.losses._parts import prepare, squared_norm, unit_noise
from lessons_lib.shapes import (
    Score,
    Sigma,
    check_score_output,
    check_sigma,
    check_tensor,
    expand_sigma,
)


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

    Parameters
    ----------
    score : callable
        The model, called as ``score(x, sigma)``; no derivative in ``x`` is taken.
    x : Tensor, shape ``(*, n)``
        Clean samples.
    sigma : float or Tensor, shape ``()`` or ``(*)``
        Positive noise level, in units of ``x``.
    noise : Tensor, shape ``x.shape`` or ``(M, *x.shape)``, optional
        Unit normal noise: one draw for each sample, or ``M`` of them to be averaged. Give it to let
        two losses share a draw; otherwise one draw for each sample is made.
    generator : torch.Generator, optional
        Source of the noise when ``noise`` is not given.
    event_dims : int
        1 for points and patches, 2 for images.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        As for `explicit`, and if ``sigma`` is zero or ``noise`` has another shape.

    References: [Vincent2011], chapter 02_score_matching
    """
    x, sigma = prepare(x, sigma, event_dims, positive=True)
    noise = unit_noise(noise, x, x.shape, generator, most=1)
    level = expand_sigma(sigma, x, event_dims=event_dims)
    return 0.5 * _denoising_error(score, x, sigma, level, noise, event_dims).mean()


def noise_conditional(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
    event_dims: int = 1,
) -> Tensor:
    """Denoising at many noise levels, weighted by sigma^2 so that each has the same scale.

    ``J = 1/L sum_l sigma_l^2 J_DSM(sigma_l)``

    All levels go through ``score`` in one call, on ``(L, *, n)`` with ``sigma`` of shape
    ``(L, 1, ...)``.

    Parameters
    ----------
    score : callable
        The model, called as ``score(x, sigma)``; no derivative in ``x`` is taken.
    x : Tensor, shape ``(*, n)``
        Clean samples.
    sigmas : Tensor, shape ``(L,)``
        Positive noise levels, in units of ``x``.
    noise : Tensor, shape ``x.shape``, ``(M, *x.shape)`` or ``(L, M, *x.shape)``, optional
        Unit normal noise. The first two are shared by all levels, which makes this exactly the mean
        of ``sigma**2 * denoising(score, x, sigma, noise=noise)``; the last has its own draws for
        each level. Without it, every level draws its own, once for each sample.
    generator : torch.Generator, optional
        Source of the noise when ``noise`` is not given.
    event_dims : int
        1 for points and patches, 2 for images.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    TypeError, ValueError
        As for `denoising`, and if ``sigmas`` is not a vector.

    References: [SongErmon2019], chapter 03_noise_conditional
    """
    x, _ = prepare(x, 0.0, event_dims)
    levels = check_tensor(sigmas, "sigmas").to(x)
    if levels.ndim != 1 or levels.numel() == 0:
        raise ValueError(f"sigmas must have shape (L,) with L >= 1, got {tuple(levels.shape)}")
    levels = check_sigma(levels, x, positive=True)
    noise = unit_noise(noise, x, (len(levels), *x.shape), generator, most=2, levels=len(levels))
    sigma = levels.reshape(-1, *(1,) * (noise.ndim - event_dims - 1))  # (L, 1, ...)
    level = sigma.reshape(sigma.shape + (1,) * event_dims)
    error = _denoising_error(score, x, sigma, level, noise, event_dims)  # (L, *) or (L, M, *)
    return 0.5 * (sigma**2 * error).mean()


def _denoising_error(
    score: Score, x: Tensor, sigma: Sigma, level: Tensor, noise: Tensor, event_dims: int
) -> Tensor:
    noisy = x + level * noise
    s = check_score_output(score(noisy, sigma), noisy)
    return squared_norm(s + noise / level, event_dims)
