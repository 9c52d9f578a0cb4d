"""Climb the posterior to its top."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lessons_lib.operators import squared_norm
from lessons_lib.reconstruction.likelihood import GaussianLikelihood, check_likelihood
from lessons_lib.shapes import (
    Score,
    Sigma,
    as_sigma,
    check_count,
    check_number,
    check_tensor,
    checked,
    expand_sigma,
    unrolled,
)

RUNAWAY = 1e6
"""How many times its first size an image may grow before the ascent is called divergent."""


def map_ascent(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    x: Tensor,
    *,
    sigma: Sigma = 0.0,
    step: float | None = None,
    num_steps: int,
    accelerate: bool = False,
    differentiable: bool = False,
) -> Iterator[Tensor]:
    r"""Climb to the maximum a posteriori, ``x <- x + a (s(x, sigma) + A' (y - A x) / n^2)``.

    ``n`` is the ``noise_std`` of the likelihood. With ``sigma`` the prior is the smoothed one, as
    in the talk, and the likelihood stays as it is. The climb starts at ``x``.

    Parameters
    ----------
    step : float, optional
        ``a``, in the units of ``x`` squared. By default ``1 / (||A||^2 / n^2 + 1 / sigma^2)``: no
        smoothed log density bends down by more than ``1 / sigma^2``, so this step is stable for
        every true score. A sum of patch scores may bend as often as patches overlap; then divide.
    num_steps : int
        Number of steps, and of states yielded.
    accelerate : bool
        Nesterov's momentum, dropped for an image whenever its motion points downhill. Needs about
        the root of the number of steps where the posterior is narrow in some directions only.

    Yields
    ------
    Tensor
        The image after each step. Stopping early leaves the last one usable.

    Raises
    ------
    FloatingPointError
        When the state is no longer finite, or has grown a millionfold; says what to reduce.
    ValueError
        Also if ``sigma`` is 0 and no step is given.

    References
    ----------
    [Nesterov1983], restarted as in [ODonoghueCandes2015]. Chapter 06_map_langevin.
    """
    check_likelihood(likelihood)
    check_tensor(x, "x", last=tuple(likelihood.A.in_shape))
    num_steps, sigma = check_count(num_steps, "num_steps"), as_sigma(sigma, x)
    step = stable_step(likelihood, sigma, x) if step is None else check_number(step, "step")
    prior_score = checked(prior_score, "prior_score")
    dims = tuple(range(-len(likelihood.A.in_shape), 0))

    def climb(x: Tensor) -> Iterator[Tensor]:
        ahead, t, limit = x, torch.ones_like(x.sum(dims, keepdim=True)), None
        for k in range(1, num_steps + 1):
            uphill = prior_score(ahead, sigma) + likelihood.score(ahead)
            before, x = x, ahead + step * uphill
            limit = _largest(before, x, dims) if limit is None else limit
            _check_growth(x, limit, k, step)
            yield x
            if accelerate:
                falling = (uphill * (x - before)).sum(dims, keepdim=True) < 0
                t = torch.where(falling, torch.ones_like(t), t)
                after = (1 + (1 + 4 * t**2).sqrt()) / 2
                ahead, t = x + (t - 1) / after * (x - before), after
            else:
                ahead = x

    return unrolled(climb, differentiable)(x)


def stable_step(likelihood: GaussianLikelihood, sigma: Sigma, x: Tensor) -> float | Tensor:
    """Inverse of the largest curvature of likelihood and smoothed prior, one for each image."""
    level = expand_sigma(sigma, x.double(), event_dims=len(likelihood.A.in_shape))
    if bool((level == 0).any()):
        raise ValueError("step must be given when sigma is 0: no bound on the curvature is known")
    size = squared_norm(likelihood.A, dtype=x.dtype)
    step = 1 / (size / likelihood.noise_std**2 + 1 / level**2)
    return step.to(x.dtype) if step.ndim else float(step)


def _largest(before: Tensor, x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """How large each image may become, from its size before and after the first step."""
    size = (before.abs() + x.abs()).detach().amax(dims, keepdim=True)
    return (RUNAWAY * size).clamp(max=torch.finfo(size.dtype).max)


def _check_growth(x: Tensor, limit: Tensor, k: int, step: float | Tensor) -> None:
    if not bool((x.abs() <= limit).all()):
        most = float(torch.as_tensor(step).max())
        raise FloatingPointError(
            f"the ascent diverged at step {k}: reduce step, now {most:.3g}; a sum of patch scores "
            "bends as often as patches overlap"
        )
