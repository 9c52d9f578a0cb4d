"""Reverse diffusion in which an image is fitted to ``y``: the denoised one, or the noisy one."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.reconstruction.likelihood import GaussianLikelihood
from lessons_lib.reconstruction.posterior_samplers._parts import Move, tweedie
from lessons_lib.samplers.reverse import renoised
from lessons_lib.shapes import Score, check_count, check_number, check_share, unit_normal
from lessons_lib.solving import conjugate_gradients


def diffpir(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    weight: float = 7.0,
    renewed: float = 0.3,
    num_cg: int = 100,
) -> Move:
    """Return the step that fits the denoised image to ``y`` and noises what comes out.

    ``z = argmin ||A z - y||^2 / noise_std^2 + weight ||z - D||^2 / sigma^2``, then
    ``x = z + tau (sqrt(1 - renewed) (x - z) / sigma + sqrt(renewed) noise)``.
    """
    weight, renewed = check_number(weight, "weight"), check_share(renewed, "renewed")
    num_cg = check_count(num_cg, "num_cg")

    def move(x: Tensor, sigma: Tensor, tau: Tensor) -> Tensor:
        loose = sigma / weight**0.5
        denoised = tweedie(prior_score, x, sigma)
        z = denoised + loose**2 * likelihood.score(denoised, loose, num_cg=num_cg)
        noise = unit_normal(x.shape, x, generator)
        return z + tau * ((1 - renewed) ** 0.5 * (x - z) / sigma + renewed**0.5 * noise)

    return move


def projection(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    weight: float = 1.0,
    eta: float = 1.0,
    num_cg: int = 100,
) -> Move:
    """Return the step that first fits the noisy image to data that are as noisy.

    ``x + weight A^+ (y + sigma A noise - A x)`` replaces ``x``, with the pseudo-inverse of ``A``:
    for ``A = P(Lambda) T`` with an orthogonal ``T`` it mixes measured coefficients with those of
    ``x``, and leaves the others. Then follows a step of the prior alone.
    """
    weight, eta = check_share(weight, "weight"), check_share(eta, "eta")
    num_cg, A = check_count(num_cg, "num_cg"), likelihood.A
    event_dims = len(A.in_shape)

    def move(x: Tensor, sigma: Tensor, tau: Tensor) -> Tensor:
        noise = unit_normal(x.shape, x, generator)
        missing = A.adjoint(likelihood.y - A(x - sigma * noise))
        fit = conjugate_gradients(
            lambda v: A.adjoint(A(v)), missing, num_steps=num_cg, event_dims=event_dims
        )
        x = x + weight * fit
        denoised = tweedie(prior_score, x, sigma)
        return renoised(denoised, x - denoised, sigma, tau, eta, generator)

    return move


def decomposed(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    num_fit: int = 5,
    eta: float = 0.85,
) -> Move:
    """Return the step that improves the denoised image by a few conjugate gradients.

    They start at ``D`` and solve ``A' A z = A' y``: few stay near ``D`` in the directions that
    ``y`` does not tell. The noise that is put back is the one that denoising took away.
    """
    num_fit, eta, A = check_count(num_fit, "num_fit"), check_share(eta, "eta"), likelihood.A

    def move(x: Tensor, sigma: Tensor, tau: Tensor) -> Tensor:
        denoised = tweedie(prior_score, x, sigma)
        z = conjugate_gradients(
            lambda v: A.adjoint(A(v)),
            A.adjoint(likelihood.y).expand_as(x),
            num_steps=num_fit,
            event_dims=len(A.in_shape),
            start=denoised,
        )
        return renoised(z, x - denoised, sigma, tau, eta, generator)

    return move
