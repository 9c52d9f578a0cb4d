"""The reverse diffusion in large steps: denoise, and put back the noise of the next level."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from lessons_lib.samplers._parts import check_sigmas, diverged, fresh, watched
from lessons_lib.shapes import Score, check_share, check_tensor, checked, finite, unit_normal


def ancestral(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    eta: float = 1.0,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Reverse diffusion, from each level ``sigma`` to the next one, ``tau``.

    With Tweedie's ``D = x + sigma^2 s(x, sigma)`` a step keeps part of the noise that is there and
    draws the rest,

        ``x <- D + sqrt(tau^2 - fresh^2) / sigma (x - D) + fresh z``,
        ``fresh = eta tau sqrt(1 - tau^2 / sigma^2)``.

    With ``eta = 1`` this is the law of the noisy image at ``tau``, given the one at ``sigma`` and
    ``D`` in place of the clean image: the sampler of DDPM. With 0 nothing is drawn: Euler's method
    for the probability flow (DDIM). As the steps go to zero every ``eta`` has the right law.

    References: [Ho2020], [SongMeng2021].

    Parameters
    ----------
    x : Tensor, shape ``(*, event)``
        Starting points, drawn from (about) ``p_sigma`` at the first level.
    sigmas : Tensor, shape ``(L,)``
        Decreasing levels. The last may be zero: that step ends at ``D``.
    eta : float
        Share of the noise that is drawn afresh, from 0 to 1.

    Yields
    ------
    Tensor
        The state at each level after the first, ``L - 1`` in all.
    """
    score, x = checked(score), check_tensor(x, "x")
    sigmas = check_sigmas(sigmas, x, smallest_may_be_zero=True)
    eta = check_share(eta, "eta")
    generator = generator or fresh(x)

    @torch.no_grad()
    def walk(x: Tensor) -> Iterator[Tensor]:
        for sigma, tau in itertools.pairwise(sigmas):
            denoised = x + sigma**2 * score(x, sigma)
            x = renoised(denoised, x - denoised, sigma, tau, eta, generator)
            if not finite(x):
                raise diverged(f"sigma {tau:.3g}", "reduce the step, with more levels in sigmas")
            yield x

    return watched(walk(x), len(sigmas) - 1, "ancestral", progress)


def renoised(
    image: Tensor,
    noise: Tensor,
    sigma: Tensor,
    tau: Tensor,
    eta: float,
    generator: torch.Generator,
) -> Tensor:
    """Bring a denoised ``image`` back to the level ``tau``: part old noise, part new.

    ``noise``, like the image, is what was taken away at the level ``sigma``.
    """
    drawn = eta * tau * (1 - tau**2 / sigma**2).sqrt()
    kept = (tau**2 - drawn**2).sqrt() / sigma
    return image + kept * noise + drawn * unit_normal(image.shape, image, generator)
