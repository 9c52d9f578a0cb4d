"""Prior and likelihood in one score."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.reconstruction.likelihood import GaussianLikelihood, check_likelihood
from lessons_lib.shapes import (
    Score,
    Sigma,
    check_count,
    check_number,
    check_sigma,
    checked,
    expand_sigma,
)


def posterior_score(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    prior_std: float | None = None,
    num_cg: int = 100,
) -> Score:
    r"""Score of the posterior, ``grad log p(x | y) = s(x, sigma) + grad log p(y | x, sigma)``.

    At ``sigma = 0`` this is exact. Above, ``x`` is the truth ``x0`` plus noise, and what ``y`` says
    of it is an integral over all truths that could lie behind,
    ``p(y | x, sigma) = E[ N(y; A x0, noise_std^2 I) | x ]``, for which a choice must be made:

    - by default ``x0`` given ``x`` is taken as ``N(x, sigma^2 I)``, so that
      ``y ~ N(A x, noise_std^2 I + sigma^2 A A')``. Exact for a flat prior, hence nearly so where
      ``sigma`` is small against the spread of the prior; too narrow a view of ``y`` elsewhere. At
      every level it is the score of a density, ``p_sigma(x)`` times that normal, which becomes the
      posterior as ``sigma -> 0``; and it is nowhere steeper than the prior alone may be,
      ``1 / sigma^2``, so that one step ratio is stable in every level of an annealed sampler.
    - with ``prior_std`` it is taken as ``N(D(x), r^2 I)``, where Tweedie's denoiser gives
      ``D(x) = x + sigma^2 s(x, sigma)`` and ``1 / r^2 = 1 / prior_std^2 + 1 / sigma^2``. Exact for
      white Gaussian priors ``N(m, prior_std^2 I)`` and every ``A``; for others the mean of ``x0``
      is right and its covariance is not. The gradient runs through ``D``: the score must be
      differentiable, and each call costs a backward pass.

    For a correlated Gaussian prior neither is exact at ``sigma > 0``.

    Parameters
    ----------
    prior_std : float, optional
        Standard deviation of a pixel, in the units of ``x``; chooses the second form.
    num_cg : int
        Most steps of conjugate gradients, see `GaussianLikelihood.score`.

    References
    ----------
    [Jalal2021] widen the noise by a number; [SongVahdat2023] have the second form. Chapter
    06_posterior.
    """
    prior_score = checked(prior_score, "prior_score")
    check_likelihood(likelihood)
    prior_std = None if prior_std is None else check_number(prior_std, "prior_std")
    num_cg = check_count(num_cg, "num_cg")

    def widened(x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        pull = likelihood.score(x, sigma, num_cg=num_cg)
        return prior_score(x, sigma) + pull

    def through_denoiser(x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        variance = expand_sigma(sigma, x, event_dims=len(likelihood.A.in_shape)) ** 2
        level = check_sigma(sigma, x)
        r = level * prior_std / (prior_std**2 + level**2) ** 0.5
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            s = prior_score(x, sigma)
            denoised = x + variance * s
        pull = likelihood.score(denoised.detach(), r, num_cg=num_cg)
        (pull,) = torch.autograd.grad(denoised, x, pull)
        return s.detach() + pull

    return widened if prior_std is None else through_denoiser
