"""Half-quadratic splitting: denoise, fit the data, and trust the denoiser more each time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lessons_lib.reconstruction.likelihood import GaussianLikelihood, check_likelihood
from lessons_lib.schedules import geometric
from lessons_lib.shapes import (
    Score,
    check_count,
    check_number,
    check_tensor,
    checked,
    unrolled,
)


def half_quadratic(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    x: Tensor,
    sigmas: Tensor,
    *,
    num_inner: int = 1,
    num_cg: int = 100,
    differentiable: bool = False,
) -> Iterator[Tensor]:
    r"""Walk down a ladder of noise levels, with Tweedie's denoiser and one linear solve on each.

    For each ``sigma``

        ``z = x + sigma^2 s(x, sigma)``
        ``x = argmin_x ||A x - y||^2 / (2 noise_std^2) + ||x - z||^2 / (2 sigma^2)``,

    that is ``(A'A / noise_std^2 + I / sigma^2) x = A'y / noise_std^2 + z / sigma^2``. Both lines
    are one step ``sigma^2`` along a score, the prior's and the widened likelihood's. With a patch
    score inside `priors.AveragedPrior` this is the EPLL ladder; any denoiser makes it the
    plug-and-play scheme.

    Parameters
    ----------
    prior_score : Score
        An image score.
    likelihood : GaussianLikelihood
        Operator, data and noise.
    x : Tensor, shape ``(*, in_shape)``
        Starting images; the first thing done to them is denoising at ``sigmas[0]``.
    sigmas : Tensor, shape ``(L,)``
        Positive levels, usually decreasing; see `ladder`.
    num_inner : int
        Rounds on each level.
    num_cg : int
        Most steps of conjugate gradients in each solve.
    differentiable : bool
        Keep the graph of all steps, so that gradients reach ``x`` and what the score is made of.
        Memory then grows with every step; without it nothing is kept.

    Yields
    ------
    Tensor
        The image after each level, ``L`` in all; always the minimiser of the second line.

    Raises
    ------
    FloatingPointError
        When the state is no longer finite.
    TypeError, ValueError
        If an argument is out of range or of the wrong shape.

    References
    ----------
    [GemanYang1995], [ZoranWeiss2011], [Venkatakrishnan2013]. Chapters 06_map_langevin, 06_scans.
    """
    check_likelihood(likelihood)
    check_tensor(x, "x", last=tuple(likelihood.A.in_shape))
    check_tensor(sigmas, "sigmas")
    if sigmas.ndim != 1 or not bool((sigmas > 0).all()):
        raise ValueError(f"sigmas must be positive, of shape (L,), got {sigmas.tolist()}")
    counts = check_count(num_inner, "num_inner"), check_count(num_cg, "num_cg")
    descend, score = unrolled(_descend, differentiable), checked(prior_score, "prior_score")
    return descend(score, likelihood, x, sigmas.to(x), *counts)


def _descend(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    x: Tensor,
    sigmas: Tensor,
    num_inner: int,
    num_cg: int,
) -> Iterator[Tensor]:
    for sigma in sigmas:
        for _ in range(num_inner):
            z = x + sigma**2 * prior_score(x, sigma)
            if not bool(torch.isfinite(z).all()):
                raise FloatingPointError(
                    f"the denoised image is not finite at sigma {float(sigma):.3g}: "
                    "reduce the first of sigmas, or look at the score there"
                )
            x = z + sigma**2 * likelihood.score(z, sigma, num_cg=num_cg)
        yield x


def ladder(
    noise_std: float, num: int = 7, *, start: float | None = None, stop: float | None = None
) -> Tensor:
    r"""Noise levels for `half_quadratic`, ``sigma_k = noise_std / sqrt(weight_k)``.

    By default the weights run from 1 to 64, geometrically: 1, 2, 4, ... for seven levels. A
    measurement that leaves part of the image unseen makes errors far above its noise; start there.

    Parameters
    ----------
    noise_std : float
        Standard deviation of the measurement noise, in the units of the image.
    num : int
        Number of levels, at least 2.
    start : float, optional
        The largest level, ``noise_std`` by default: about the error of the first image.
    stop : float, optional
        The smallest level, ``noise_std / 8`` by default.

    Returns
    -------
    Tensor, shape ``(num,)``
        Decreasing, float64.

    Raises
    ------
    TypeError, ValueError
        If a level is not positive, or the ladder does not go down.

    References
    ----------
    [ZoranWeiss2011]. Chapter 06_map_langevin.
    """
    noise_std = check_number(noise_std, "noise_std")
    start = noise_std if start is None else start
    stop = noise_std / 8 if stop is None else stop
    return geometric(start, stop, num)
