"""Reverse diffusion with a score of ``x`` given ``y``: exact, or one of three approximations."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.distributions import GaussianField
from lessons_lib.reconstruction.likelihood import GaussianLikelihood
from lessons_lib.reconstruction.posterior import posterior_score
from lessons_lib.reconstruction.posterior_samplers._parts import Move, tweedie
from lessons_lib.samplers.reverse import renoised
from lessons_lib.shapes import Score, check_count, check_number, check_share


def exact(
    prior: GaussianField,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    eta: float = 1.0,
    num_cg: int = 200,
) -> Move:
    """Return the step with the exact score given ``y``, which the prior must know.

    As the steps of the ladder go to zero, so does the distance of the result from the posterior.
    """
    if not hasattr(prior, "posterior_score"):
        kind = type(prior).__name__
        raise TypeError(f"prior_score must have posterior_score for this method, got {kind}")
    num_cg = check_count(num_cg, "num_cg")

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return prior.posterior_score(likelihood, x, sigma, num_cg=num_cg)

    return _reverse(score, check_share(eta, "eta"), generator)


def widened(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    eta: float = 1.0,
) -> Move:
    """Return the step with the likelihood of ``x`` itself, its noise widened by ``sigma``.

    ``A' (y - A x) / (noise_std^2 + sigma^2)``: as if ``y`` had been measured of the noisy image.
    """
    noise_std = likelihood.noise_std

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        share_of_y = noise_std**2 / (noise_std**2 + sigma**2)
        return prior_score(x, sigma) + share_of_y * likelihood.score(x)

    return _reverse(score, check_share(eta, "eta"), generator)


def pigdm(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    prior_std: float = 1.0,
    eta: float = 1.0,
    num_cg: int = 100,
) -> Move:
    """Return the step with ``x0`` given ``x`` normal around Tweedie's mean, of one variance.

    The variance is that of a white prior, ``1 / r^2 = 1 / prior_std^2 + 1 / sigma^2``.
    """
    score = posterior_score(prior_score, likelihood, prior_std=prior_std, num_cg=num_cg)
    return _reverse(score, check_share(eta, "eta"), generator)


def dps(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    weight: float = 1.0,
    prior_std: float = 1.0,
    eta: float = 1.0,
) -> Move:
    """Return the step that descends ``||y - A D(x)||`` after each step of the prior.

    The paper's rule, in its variance-preserving units: a step ``weight`` along the gradient of
    the squared norm, divided by the norm. ``prior_std`` is the standard deviation of a pixel,
    which the paper takes for one.
    """
    weight, eta = check_number(weight, "weight"), check_share(eta, "eta")
    variance = check_number(prior_std, "prior_std") ** 2
    dims = tuple(range(-len(likelihood.A.in_shape), 0))

    def move(x: Tensor, sigma: Tensor, tau: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            denoised = tweedie(prior_score, x, sigma)
        pull = likelihood.noise_std**2 * likelihood.score(denoised.detach())  # A' (y - A D)
        (pull,) = torch.autograd.grad(denoised, x, pull)
        denoised, x = denoised.detach(), x.detach()
        residual = likelihood.y - likelihood.A(denoised)
        size = residual.abs().square().flatten(x.ndim - len(dims)).sum(-1).sqrt()
        size = size.reshape(size.shape + (1,) * len(dims)).clamp(min=torch.finfo(x.dtype).tiny)
        units = ((1 + sigma**2 / variance) * (1 + tau**2 / variance)).sqrt() * variance**0.5
        ahead = renoised(denoised, x - denoised, sigma, tau, eta, generator)
        return ahead + 2 * weight * units * pull / size

    return move


def _reverse(score: Score, eta: float, generator: torch.Generator) -> Move:
    """A step of `samplers.ancestral`."""

    def move(x: Tensor, sigma: Tensor, tau: Tensor) -> Tensor:
        denoised = tweedie(score, x, sigma)
        return renoised(denoised, x - denoised, sigma, tau, eta, generator)

    return move
