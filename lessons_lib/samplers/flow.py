"""Down the ladder of noise without noise: the probability flow, by one-step methods."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from torch import Tensor

from lessons_lib.samplers._parts import check_sigmas, diverged, watched
from lessons_lib.shapes import Score, check_count, check_tensor, checked, finite, unrolled

Slope = Callable[[Tensor, Tensor], Tensor]
"""The right-hand side of the flow, ``dx / dsigma`` at a point and a level."""


def probability_flow(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    order: int = 2,
    differentiable: bool = False,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Solve ``dx / dsigma = -sigma s(x, sigma)`` down the ladder, by a Runge-Kutta method.

    If ``x`` is drawn from ``p_sigma`` at the first level, the solution has the law ``p_sigma`` at
    every later one, with no noise added. The error falls as the step in sigma to the power
    ``order``. For N(m, v) the solution keeps ``(x - m) / sqrt(v + sigma^2)`` constant.

    References: [Song2021], [Karras2022], algorithm 1, for the order 2; [Ralston1962] for the
    order 3; chapter 03_noise_conditional.

    Parameters
    ----------
    x : Tensor, shape ``(*, event)``
        Starting points, drawn from (about) ``p_sigma`` at the first level.
    sigmas : Tensor, shape ``(L,)``
        Decreasing levels. The last may be zero: that interval takes one Euler step, which is
        Tweedie's denoiser, and the score is never asked at zero.
    order : int
        1 is Euler's method, 2 Heun's, 3 Ralston's: so many evaluations of the score a step.
    differentiable : bool
        Keep the graph of all steps, so that gradients reach ``x`` and what the score is made of.
        Memory then grows with every step; without it nothing is kept.

    Yields
    ------
    Tensor
        The state at each level after the first, ``L - 1`` in all.
    """
    score, x = checked(score), check_tensor(x, "x")
    sigmas = check_sigmas(sigmas, x, smallest_may_be_zero=True)
    method = (_euler, _heun, _ralston)[check_count(order, "order", most=3) - 1]

    def slope(x: Tensor, sigma: Tensor) -> Tensor:
        return -sigma * score(x, sigma)

    def flow(x: Tensor) -> Iterator[Tensor]:
        for here, there in itertools.pairwise(sigmas):
            step = method if there > 0 else _euler
            x = step(slope, x, here, there - here)
            if not finite(x):
                raise diverged(f"sigma {there:.3g}", "reduce the step, with more levels in sigmas")
            yield x

    return watched(unrolled(flow, differentiable)(x), len(sigmas) - 1, "flow", progress)


def _euler(f: Slope, x: Tensor, sigma: Tensor, h: Tensor) -> Tensor:
    return x + h * f(x, sigma)


def _heun(f: Slope, x: Tensor, sigma: Tensor, h: Tensor) -> Tensor:
    first = f(x, sigma)
    second = f(x + h * first, sigma + h)
    return x + h * (first + second) / 2


def _ralston(f: Slope, x: Tensor, sigma: Tensor, h: Tensor) -> Tensor:
    first = f(x, sigma)
    second = f(x + h / 2 * first, sigma + h / 2)
    third = f(x + 3 * h / 4 * second, sigma + 3 * h / 4)
    return x + h * (2 * first + 3 * second + 4 * third) / 9
