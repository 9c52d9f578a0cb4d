"""Down the ladder of noise without noise: the probability flow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from torch import Tensor

from lessons_lib.samplers._parts import check_sigmas, diverged, watched
from lessons_lib.shapes import Score, check_tensor, checked, finite, unrolled


def probability_flow(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    differentiable: bool = False,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Solve ``dx / dsigma = -sigma s(x, sigma)`` down the ladder with Heun's method.

    If ``x`` is drawn from ``p_sigma`` at the first level, the solution has the law ``p_sigma`` at
    every later one, with no noise added. Heun's error falls as the square of the step in sigma.
    For N(m, v) the solution keeps ``(x - m) / sqrt(v + sigma^2)`` constant.

    References: [Song2021], [Karras2022], algorithm 1; chapter 03_noise_conditional.

    Parameters
    ----------
    x : Tensor, shape ``(*, event)``
        Starting points, drawn from (about) ``p_sigma`` at the first level.
    sigmas : Tensor, shape ``(L,)``
        Decreasing levels. The last may be zero: that interval takes one Euler step, which is
        Tweedie's denoiser, and the score is never asked at zero.
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

    def flow(x: Tensor) -> Iterator[Tensor]:
        for here, there in itertools.pairwise(sigmas):
            h = there - here  # negative: sigma goes down
            slope = -here * score(x, here)
            if there > 0:
                ahead = x + h * slope
                slope = (slope - there * score(ahead, there)) / 2
            x = x + h * slope
            if not finite(x):
                raise diverged(f"sigma {there:.3g}", "reduce the step, with more levels in sigmas")
            yield x

    return watched(unrolled(flow, differentiable)(x), len(sigmas) - 1, "flow", progress)
