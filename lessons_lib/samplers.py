"""Samplers: generators of states that need nothing but a score.

`langevin` walks in one density; `annealed_langevin` walks in a ladder of smoothed ones, from wide
to narrow; `probability_flow` follows the same ladder without any randomness after the start. Each
yields tensors like the starting point ``x``, whose leading dimensions are independent chains.
`last` takes the final state when the path is of no interest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from lessons_lib.shapes import (
    Score,
    Sigma,
    check_count,
    check_number,
    check_score_output,
    check_sigma,
    check_tensor,
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
    References: [RobertsTweedie1996]; chapters 01_gaussian_score and 03_noise_conditional.
    """
    check_tensor(x, "x")
    check_sigma(sigma, x)
    check_number(step, "step")
    check_count(num_steps, "num_steps")
    check_number(temperature, "temperature", zero_allowed=True)
    noise_source = generator if generator is not None else _fresh(x)
    return _langevin(score, x, step, num_steps, sigma, temperature, noise_source)


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
        s = check_score_output(score(x, sigma), x)
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = (x + step * s + noise_scale * noise).detach()
        _check_finite(x, f"Langevin step {k}: reduce step, now {float(step):.3g}")
        yield x


def annealed_langevin(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    steps_per_level: int,
    step_ratio: float = 0.1,
    generator: torch.Generator | None = None,
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
    _check_sigmas(sigmas, smallest_may_be_zero=False)
    check_number(step_ratio, "step_ratio")
    check_count(steps_per_level, "steps_per_level")
    noise_source = generator if generator is not None else _fresh(x)
    return _annealed(score, x, sigmas.to(x), steps_per_level, step_ratio, noise_source)


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


def probability_flow(score: Score, x: Tensor, sigmas: Tensor) -> Iterator[Tensor]:
    r"""Solve ``dx / dsigma = -sigma s(x, sigma)`` down the ladder with Heun's method.

    If ``x`` is drawn from ``p_sigma`` at the first level, the solution has the law ``p_sigma`` at
    every later one, with no noise added. Heun's error falls as the square of the step in sigma.
    For N(m, v) the solution keeps ``(x - m) / sqrt(v + sigma^2)`` constant.

    Parameters
    ----------
    score : Score
        Called twice for each interval.
    x : Tensor, shape ``(*, event)``
        Starting points, drawn from (about) ``p_sigma`` at the first level.
    sigmas : Tensor, shape ``(L,)``
        Decreasing levels. The last may be zero: that interval takes one Euler step, which is
        Tweedie's denoiser, and the score is never asked at zero.

    Yields
    ------
    Tensor
        The state at each level after the first, ``L - 1`` in all.

    Raises
    ------
    FloatingPointError
        When the state is no longer finite.
    ValueError
        If ``sigmas`` is not decreasing, or the score has the wrong shape.

    Notes
    -----
    References: [Song2021], [Karras2022], algorithm 1; chapter 03_noise_conditional.
    """
    check_tensor(x, "x")
    _check_sigmas(sigmas, smallest_may_be_zero=True)
    return _flow(score, x, sigmas.to(x))


def _flow(score: Score, x: Tensor, sigmas: Tensor) -> Iterator[Tensor]:
    for here, there in itertools.pairwise(sigmas):
        h = there - here  # negative: sigma goes down
        slope = -here * check_score_output(score(x, here), x)
        ahead = x + h * slope
        if there > 0:
            slope = (slope - there * check_score_output(score(ahead, there), x)) / 2
        x = (x + h * slope).detach()
        _check_finite(x, f"sigma {float(there):.3g}: reduce the step, with more levels in sigmas")
        yield x


def last(states: Iterable[Tensor]) -> Tensor:
    """Run a sampler to its end and return the last of its ``states``.

    Raises
    ------
    ValueError
        If there is no state.
    """
    state = None
    for state in states:  # noqa: B007  (only the last is wanted)
        pass
    if state is None:
        raise ValueError("states must hold at least one state, got none")
    return state


def _fresh(x: Tensor) -> torch.Generator:
    return torch.Generator(device=x.device).manual_seed(0)


def _check_finite(x: Tensor, where: str) -> None:
    if not bool(torch.isfinite(x).all()):
        raise FloatingPointError(f"the state became non-finite at {where}")


def _check_sigmas(sigmas: Tensor, *, smallest_may_be_zero: bool) -> None:
    check_tensor(sigmas, "sigmas")
    if sigmas.ndim != 1 or len(sigmas) < 2:
        raise ValueError(f"sigmas must have shape (L,) with L >= 2, got {tuple(sigmas.shape)}")
    if not bool((sigmas.diff() < 0).all()):
        raise ValueError(f"sigmas must decrease, got {sigmas.tolist()}")
    floor = float(sigmas[-1])
    if floor < 0 or (floor == 0 and not smallest_may_be_zero):
        wanted = "non-negative" if smallest_may_be_zero else "positive"
        raise ValueError(f"sigmas must be {wanted}, got a minimum of {floor:g}")
