"""The probability flow with a memory: one evaluation of the score a step, at any order."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Collection, Iterator, Sequence

import torch
from torch import Tensor

from lessons_lib.samplers._parts import check_sigmas, diverged, watched
from lessons_lib.shapes import Score, check_count, check_tensor, checked, finite, unrolled


def multistep(
    score: Score,
    x: Tensor,
    sigmas: Tensor,
    *,
    order: int = 2,
    differentiable: bool = False,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Solve the probability flow with one evaluation a step, from the last denoised images.

    In the time ``t = -log sigma`` the flow is ``dx / dt = D - x`` with Tweedie's denoiser ``D``,
    and a step of length ``h`` is exactly

        ``x <- exp(-h) x + integral from 0 to h of exp(u - h) D(t + u) du``.

    ``D`` is replaced by the polynomial through its last ``order`` values and the integral is done
    exactly. With the order 1 this is Euler's method in sigma (DDIM); with 2 and 3 it is
    DPM-Solver++ (2M, 3M), whose weights differ by terms beyond its order. The first steps have
    less to remember; with the order 3 the very first is done twice, the second time with the
    denoised image at its end, since one step of order 1 would cost the whole flow its order.

    References: [Lu2025], [HochbruckOstermann2010].

    Parameters
    ----------
    x : Tensor, shape ``(*, event)``
        Starting points, drawn from (about) ``p_sigma`` at the first level.
    sigmas : Tensor, shape ``(L,)``
        Decreasing levels. The last may be zero: the last step then is Tweedie's denoiser.
    order : int
        Number of denoised images in the polynomial, 1 to 3.
    differentiable : bool
        As for `probability_flow`.

    Yields
    ------
    Tensor
        The state at each level after the first, ``L - 1`` in all.
    """
    score, x = checked(score), check_tensor(x, "x")
    sigmas = check_sigmas(sigmas, x, smallest_may_be_zero=True)
    order = check_count(order, "order", most=3)

    def denoised(x: Tensor, sigma: Tensor) -> tuple[float, Tensor]:
        return _time(sigma), x + sigma**2 * score(x, sigma)

    def flow(x: Tensor) -> Iterator[Tensor]:
        known: deque[tuple[float, Tensor]] = deque(maxlen=order)
        for here, there in itertools.pairwise(sigmas):
            known.append(denoised(x, here))
            ahead = _advance(x, known, here, there)
            if order > 2 and len(known) == 1 and there > 0:
                ahead = _advance(x, [*known, denoised(ahead, there)], here, there)
            x = ahead
            if not finite(x):
                raise diverged(f"sigma {there:.3g}", "reduce the step, with more levels in sigmas")
            yield x

    return watched(unrolled(flow, differentiable)(x), len(sigmas) - 1, "multistep", progress)


def _time(sigma: Tensor) -> float:
    return -math.log(float(sigma))


def _advance(
    x: Tensor, known: Collection[tuple[float, Tensor]], here: Tensor, there: Tensor
) -> Tensor:
    """The exact step for the polynomial through the ``known`` denoised images."""
    times, images = zip(*known, strict=True)
    if there == 0:
        return images[-1]
    start, h = _time(here), _time(there) - _time(here)
    weights = _weights([t - start for t in times], h)
    return (there / here) * x + sum(w * d for w, d in zip(weights, images, strict=True))


def _weights(times: Sequence[float], h: float) -> list[float]:
    """Weights that integrate ``exp(u - h) q(u)`` from 0 to ``h`` for polynomials through ``times``.

    ``sum_i w_i times_i^j`` is the moment ``integral of exp(u - h) u^j``, for each power ``j``.
    """
    powers = torch.arange(len(times), dtype=torch.float64)
    nodes = torch.tensor(times, dtype=torch.float64) / h  # in steps: 0, -1, -2 on an even ladder
    moments = _moments(h, len(times)) * h
    return torch.linalg.solve(nodes ** powers[:, None], moments).tolist()


def _moments(h: float, num: int) -> Tensor:
    """``integral from 0 to 1 of exp(h (u - 1)) u^j du`` for ``j < num``, by Gauss's rule."""
    from numpy.polynomial.legendre import leggauss

    nodes, weights = (torch.from_numpy(part) for part in leggauss(24))
    u = (nodes + 1) / 2
    powers = torch.arange(num, dtype=torch.float64)[:, None]
    return (weights / 2 * (h * (u - 1)).exp() * u**powers).sum(-1)
