"""Split Gibbs: draw from the prior and from the data in turn, coupled ever more tightly."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.operators import measure
from lessons_lib.reconstruction.likelihood import GaussianLikelihood
from lessons_lib.reconstruction.posterior_samplers._parts import Move
from lessons_lib.samplers import ancestral, last
from lessons_lib.schedules import geometric
from lessons_lib.shapes import Score, check_count, check_number, unit_normal
from lessons_lib.solving import conjugate_gradients


def split_gibbs(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    *,
    generator: torch.Generator,
    num_inner: int = 10,
    finest: float = 0.01,
    num_cg: int = 100,
) -> Move:
    """Return one sweep at the coupling ``rho``, a Gibbs sampler of two images ``x`` and ``z``.

    Their joint density is ``p(z) p(y | x) N(x; z, rho^2 I)``. A draw of ``z`` given ``x`` is one
    of the posterior of *denoising*: the reverse diffusion from the level ``rho``, in ``num_inner``
    levels down to ``finest * rho`` and then to zero. A draw of ``x`` given ``z`` is normal, and is
    made by disturbing the data and solving. As ``rho`` goes to zero, ``x`` becomes a draw of the
    posterior; at every ``rho`` the density of ``z`` is the one for noise widened by
    ``rho^2 A A'``.
    """
    num_inner, num_cg = check_count(num_inner, "num_inner", least=2), check_count(num_cg, "num_cg")
    finest = check_number(finest, "finest")
    A, noise_std = likelihood.A, likelihood.noise_std

    def draw_clean(x: Tensor, rho: Tensor) -> Tensor:
        levels = geometric(float(rho), finest * float(rho), num_inner).to(x)
        levels = torch.cat([levels, levels.new_zeros(1)])
        return last(ancestral(prior_score, x, levels, generator=generator))

    def draw_fitted(z: Tensor, rho: Tensor) -> Tensor:
        disturbed = z + rho * unit_normal(z.shape, z, generator)
        missing = likelihood.y - measure(A, disturbed, noise_std, generator=generator)
        pull = A.adjoint(missing) / noise_std**2
        fit = conjugate_gradients(
            lambda v: v + rho**2 * A.adjoint(A(v)) / noise_std**2,
            pull,
            num_steps=num_cg,
            event_dims=len(A.in_shape),
        )
        return disturbed + rho**2 * fit

    def move(x: Tensor, rho: Tensor, _: Tensor | None = None) -> Tensor:
        return draw_fitted(draw_clean(x, rho), rho)

    return move
