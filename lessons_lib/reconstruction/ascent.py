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
    check_count,
    check_number,
    check_score_output,
    check_sigma,
    check_tensor,
)

RUNAWAY = 1e6
"""How many times its first size a state may grow before the ascent is called divergent."""


def map_ascent(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    x: Tensor,
    *,
    sigma: Sigma = 0.0,
    step: float | None = None,
    num_steps: int,
    accelerate: bool = False,
) -> Iterator[Tensor]:
    r"""Climb to the maximum a posteriori, ``x <- x + a (s(x, sigma) + A' (y - A x) / n^2)``.

    ``n`` is the ``noise_std`` of the likelihood. With ``sigma`` the prior is the smoothed one, as
    in the talk, and the likelihood stays as it is.

    Parameters
    ----------
    prior_score : Score
        An image score.
    likelihood : GaussianLikelihood
        Operator, data and noise.
    x : Tensor, shape ``(*, in_shape)``
        Starting images.
    sigma : float or Tensor, shape ``()`` or ``(*)``
        Noise level handed to the prior score.
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
    TypeError, ValueError
        If an argument is out of range, or ``sigma`` is 0 and no step is given.

    References
    ----------
    [Nesterov1983], restarted as in [ODonoghueCandes2015]. Chapter 06_map_langevin.
    """
    check_likelihood(likelihood)
    check_tensor(x, "x", last=tuple(likelihood.A.in_shape))
    smallest = float(check_sigma(sigma, x.double()).min())
    check_count(num_steps, "num_steps")
    step = (
        stable_step(likelihood, smallest, x.dtype) if step is None else check_number(step, "step")
    )
    return _climb(prior_score, likelihood, x, sigma, step, num_steps, accelerate)


def stable_step(likelihood: GaussianLikelihood, sigma: float, dtype: torch.dtype) -> float:
    """Inverse of the largest curvature of likelihood and smoothed prior."""
    if sigma == 0:
        raise ValueError("step must be given when sigma is 0: no bound on the curvature is known")
    size = squared_norm(likelihood.A, dtype=dtype)
    return 1 / (size / likelihood.noise_std**2 + 1 / sigma**2)


def _climb(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    x: Tensor,
    sigma: Sigma,
    step: float,
    num_steps: int,
    accelerate: bool,
) -> Iterator[Tensor]:
    dims = tuple(range(-len(likelihood.A.in_shape), 0))
    limit = RUNAWAY * float(x.abs().max() + likelihood.y.abs().max() + 1e-30)
    ahead, t = x, torch.ones_like(x.sum(dims, keepdim=True))
    for k in range(1, num_steps + 1):
        uphill = check_score_output(prior_score(ahead, sigma), x) + likelihood.score(ahead)
        before, x = x, (ahead + step * uphill).detach()
        _check_growth(x, limit, k, step)
        yield x
        if accelerate:
            falling = (uphill * (x - before)).sum(dims, keepdim=True) < 0
            t = torch.where(falling, torch.ones_like(t), t)
            after = (1 + (1 + 4 * t**2).sqrt()) / 2
            ahead, t = x + (t - 1) / after * (x - before), after
        else:
            ahead = x


def _check_growth(x: Tensor, limit: float, k: int, step: float) -> None:
    if not bool((x.abs() <= limit).all()):
        raise FloatingPointError(
            f"the ascent diverged at step {k}: reduce step, now {step:.3g}; a sum of patch scores "
            "bends as often as patches overlap"
        )
