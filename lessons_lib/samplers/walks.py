"""Walks that nothing corrects: Langevin dynamics in one density, and down a ladder of them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lessons_lib.samplers._parts import check_finite, check_sigmas, fresh, last, watched
from lessons_lib.shapes import (
    Score,
    Sigma,
    as_sigma,
    check_count,
    check_number,
    check_tensor,
    checked,
    unrolled,
)


def langevin(
    score: Score,
    x: Tensor,
    *,
    step: float,
    num_steps: int,
    sigma: Sigma = 0.0,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Unadjusted Langevin dynamics, ``x <- x + a s(x, sigma) + sqrt(2 a T) noise``.

    The step ``a`` and the noise belong together: only ``sqrt(2 a T)`` leaves ``p^(1/T)`` invariant
    as ``a -> 0``. At a finite step there is a bias: for N(m, v) and T = 1 the stationary law is
    N(m, v / (1 - a / (2 v))), and for ``a >= 2 v`` there is none.

    Parameters
    ----------
    score : Score
        Called as ``score(x, sigma)``.
    x : Tensor, shape ``(*, event)``
        Starting points, one for each chain.
    step : float
        Step ``a``, in the units of ``x`` squared.
    num_steps : int
        Number of steps, and of states yielded.
    sigma : float or Tensor
        Noise level handed to the score.
    temperature : float
        ``T``; 1 samples, 0 is gradient ascent.
    generator : torch.Generator, optional
        Source of the noise; by default a fresh one with seed 0.
    progress : bool
        Show a tqdm bar on stderr.

    Yields
    ------
    Tensor
        The state after each step, like ``x``.

    Raises
    ------
    FloatingPointError
        When the state is no longer finite; names the step.
    TypeError, ValueError
        For an ``x`` that is not finite, a step that is not positive, a negative ``sigma`` or
        temperature, or a score of the wrong shape.

    Notes
    -----
    References: [RobertsTweedie1996]; chapters 01_gaussian_score, 03_noise_conditional and
    06_map_langevin.
    """
    check_tensor(x, "x")
    sigma, step = as_sigma(sigma, x), check_number(step, "step")
    num_steps = check_count(num_steps, "num_steps")
    temperature = check_number(temperature, "temperature", zero_allowed=True)
    noise_source = generator if generator is not None else fresh(x)
    walk = unrolled(_langevin, differentiable=False)
    states = walk(checked(score), x, step, num_steps, sigma, temperature, noise_source)
    return watched(states, num_steps, "Langevin", progress)


def _langevin(
    score: Score,
    x: Tensor,
    step: float | Tensor,
    num_steps: int,
    sigma: Sigma,
    temperature: float,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    noise_scale = (2 * step * temperature) ** 0.5
    for k in range(1, num_steps + 1):
        s = score(x, sigma)
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x + step * s + noise_scale * noise
        check_finite(x, f"Langevin step {k}: reduce step, now {float(step):.3g}")
        yield x


def annealed_langevin(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    steps_per_level: int,
    step_ratio: float = 0.1,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Langevin dynamics in ``p_sigma`` for each level in turn, from the widest to the narrowest.

    At the level ``sigma`` the step is ``a = step_ratio * sigma^2``. Since no direction of
    ``p_sigma`` is narrower than ``sigma``, one ratio below 1 is stable at every level. (Song and
    Ermon write ``a / 2`` for our step, so their ``epsilon / sigma_L^2`` is twice our ratio.)

    Parameters
    ----------
    score : Score
        Called as ``score(x, sigma)``, one level at a time.
    x : Tensor, shape ``(*, event)``
        Starting points, drawn from (about) ``p_sigma`` at the first level: N(mean, sigmas[0]^2 I)
        where that is much wider than the data.
    sigmas : Tensor, shape ``(L,)``
        Decreasing positive levels.
    steps_per_level : int
        Langevin steps at each level.
    step_ratio : float
        The step in units of ``sigma^2``.
    generator : torch.Generator, optional
        Source of the noise; by default a fresh one with seed 0.
    progress : bool
        Show a tqdm bar on stderr.

    Yields
    ------
    Tensor
        The state at the end of each level, ``L`` in all: pair them with ``zip(sigmas, states)``.

    Raises
    ------
    FloatingPointError
        When the state is no longer finite.
    ValueError
        If ``sigmas`` is not decreasing and positive, or an option is out of range.

    Notes
    -----
    References: [SongErmon2019], algorithm 1; chapter 03_noise_conditional.
    """
    check_tensor(x, "x")
    sigmas = check_sigmas(sigmas, x, smallest_may_be_zero=False)
    step_ratio = check_number(step_ratio, "step_ratio")
    count = check_count(steps_per_level, "steps_per_level")
    noise_source = generator if generator is not None else fresh(x)
    walk = unrolled(_annealed, differentiable=False)
    states = walk(checked(score), x, sigmas, count, step_ratio, noise_source)
    return watched(states, len(sigmas), "annealed Langevin", progress)


def _annealed(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    steps_per_level: int,
    step_ratio: float,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    for sigma in sigmas:
        step = step_ratio * sigma**2
        x = last(_langevin(score, x, step, steps_per_level, sigma, 1.0, generator))
        yield x
