"""Walks that nothing corrects: Langevin dynamics in one density, and down a ladder of them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lessons_lib.samplers._parts import check_sigmas, diverged, fresh, watched
from lessons_lib.shapes import (
    Score,
    Sigma,
    as_sigma,
    check_count,
    check_number,
    check_tensor,
    checked,
    finite,
    unit_normal,
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

    References: [RobertsTweedie1996]; chapters 01_gaussian_score, 03_noise_conditional and
    06_map_langevin.

    Parameters
    ----------
    x : Tensor, shape ``(*, event)``
        Starting points, one for each chain.
    step : float
        Step ``a``, in the units of ``x`` squared.
    num_steps : int
        Number of steps, and of states yielded.
    temperature : float
        ``T``; 1 samples, 0 is gradient ascent.

    Yields
    ------
    Tensor
        The state after each step, like ``x``.
    """
    score, sigma = checked(score), as_sigma(sigma, check_tensor(x, "x"))
    step, num_steps = check_number(step, "step"), check_count(num_steps, "num_steps")
    temperature = check_number(temperature, "temperature", zero_allowed=True)
    generator = generator or fresh(x)

    @torch.no_grad()
    def walk(x: Tensor) -> Iterator[Tensor]:
        for k in range(1, num_steps + 1):
            x = _move(score, x, sigma, step, temperature, generator)
            if not finite(x):
                raise diverged(f"Langevin step {k}", f"reduce step, now {step:.3g}")
            yield x

    return watched(walk(x), num_steps, "Langevin", progress)


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

    References: [SongErmon2019], algorithm 1; chapter 03_noise_conditional.

    Parameters
    ----------
    x : Tensor, shape ``(*, event)``
        Starting points, drawn from (about) ``p_sigma`` at the first level: N(mean, sigmas[0]^2 I)
        where that is much wider than the data.
    sigmas : Tensor, shape ``(L,)``
        Decreasing positive levels.
    steps_per_level : int
        Langevin steps at each level.
    step_ratio : float
        The step in units of ``sigma^2``.

    Yields
    ------
    Tensor
        The state at the end of each level, ``L`` in all: pair them with ``zip(sigmas, states)``.
    """
    score, x = checked(score), check_tensor(x, "x")
    sigmas = check_sigmas(sigmas, x, smallest_may_be_zero=False)
    steps_per_level = check_count(steps_per_level, "steps_per_level")
    step_ratio = check_number(step_ratio, "step_ratio")
    generator = generator or fresh(x)

    @torch.no_grad()
    def walk(x: Tensor) -> Iterator[Tensor]:
        for sigma in sigmas:
            step = step_ratio * sigma**2
            for k in range(1, steps_per_level + 1):
                x = _move(score, x, sigma, step, 1.0, generator)
                if not finite(x):
                    raise diverged(f"sigma {sigma:.3g}, step {k}", "reduce step_ratio")
            yield x

    return watched(walk(x), len(sigmas), "annealed Langevin", progress)


def _move(
    score: Score,
    x: Tensor,
    sigma: Sigma,
    step: float | Tensor,
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """One step of Langevin dynamics."""
    s = score(x, sigma)
    noise = unit_normal(x.shape, x, generator)
    return x + step * s + (2 * step * temperature) ** 0.5 * noise
