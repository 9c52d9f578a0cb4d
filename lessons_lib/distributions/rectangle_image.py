"""What a noisy image says about the tilted rectangle in it: posterior mean and covariance.

Given its five geometric numbers an image is linear in its two normal levels, so these are
integrated in closed form. Only the five are sampled, by Metropolis chains.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.distributions.rectangle_model import Levels, RectangleModel, design
from lessons_lib.phantoms import draw_rectangles
from lessons_lib.shapes import check_count, check_number, check_tensor

EVERY = 5


@torch.no_grad()
def rectangle_posterior(
    x: Tensor,
    sigma: float,
    start: Tensor,
    *,
    num_steps: int = 150,
    num_chains: int = 200,
    background: Levels = (1.0, 0.1),
    foreground: Levels = (1.0, 0.03),
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Posterior mean and covariance of a clean image of the rectangle model.

    The score follows, ``s(x, sigma) = (mean - x) / sigma^2``, and so does its Jacobian,
    ``-sigma^2 grad s = I - cov / sigma^2``. The chains all begin at ``start`` and take random
    steps shaped like the posterior there; the first third is dropped. They explore one mode: start
    at the true parameters (which for simulated data are a draw of the posterior) or at a fit.

    References: [Fessler2023], chapter 04_tv_patch.

    Parameters
    ----------
    x : Tensor, shape ``(size, size)``
        Noisy image.
    sigma : float
        Standard deviation of its noise, positive.
    start : Tensor, shape ``(7,)``
        Parameters as in `phantoms.rectangle_parameters`, inside the prior.
    num_steps, num_chains : int
        Steps of each chain (at least 3), and number of chains (at least 2), which run as one batch.
    background, foreground : tuple of float
        Mean and standard deviation of the two levels.

    Returns
    -------
    mean : Tensor, shape ``(size, size)``
        Posterior mean, float64.
    cov : Tensor, shape ``(size * size, size * size)``
        Posterior covariance of the clean pixels, float64.
    """
    check_tensor(x, "x", last=(x.shape[-1], x.shape[-1]))
    check_tensor(start, "start", last=(7,))
    sigma, num_steps = check_number(sigma, "sigma"), check_count(num_steps, "num_steps", least=3)
    num_chains = check_count(num_chains, "num_chains", least=2)
    model = RectangleModel(x[None], sigma, (background, foreground), size=x.shape[-1])
    if not bool(model.inside(start[:5].double())):
        raise ValueError(f"start must be inside the prior, got {start.tolist()}")
    start, generator = start.double(), generator or torch.Generator().manual_seed(0)
    shape, q = _step_shape(model, start), start[:5].expand(1, num_chains, 5)
    now, images, spread = model.log_evidence(q), [], 0.0
    for step in range(num_steps):
        noise = torch.randn(num_chains, 5, generator=generator, dtype=torch.float64)
        trial = q + noise @ shape.T
        then = model.log_evidence(trial)
        moved = torch.rand(num_chains, generator=generator, dtype=torch.float64).log() < then - now
        q, now = q.where(~moved[..., None], trial), now.where(~moved, then)
        if step >= num_steps // 3 and (num_steps - 1 - step) % EVERY == 0:
            weights = design(f := model.fractions(q)[0])  # (num_chains, n, 2)
            _, mean, cov = (part[0] for part in model.levels(f[None]))
            images.append((weights @ mean[..., None])[..., 0])  # (num_chains, n)
            spread = spread + (weights @ cov @ weights.mT).mean(0)  # (n, n)
    every = torch.cat(images)
    return every.mean(0).reshape(model.size, -1), every.T.cov() + spread / len(images)


def _step_shape(model: RectangleModel, start: Tensor) -> Tensor:
    """Cholesky factor of the geometry's covariance in the linearised model."""

    def draw(p: Tensor) -> Tensor:
        return draw_rectangles(p, size=model.size)

    jacobian = torch.autograd.functional.jacobian(draw, start).flatten(0, 1)  # (n, 7)
    wide = torch.tensor([2.3, 2.3, 1.7, 1.7, 0.9], dtype=torch.float64) * model.size / 16
    prior = torch.diag(torch.cat([wide, model.std]) ** -2)
    cov = torch.linalg.inv(jacobian.T @ jacobian / model.sigma**2 + prior)
    return torch.linalg.cholesky(cov[:5, :5]) * 2.38 / math.sqrt(5)
