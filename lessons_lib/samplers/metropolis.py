"""The Metropolis-adjusted Langevin algorithm: the same walk, and every step has to be earned."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lessons_lib.samplers._parts import diverged, fresh, watched
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

Density = Callable[[Tensor, Sigma], Tensor]
"""``log_prob(x, sigma)`` is the logarithm of a density, one number for each chain."""


def mala(
    score: Score,
    log_prob: Density,
    x: Tensor,
    *,
    step: float,
    num_steps: int,
    sigma: Sigma = 0.0,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Langevin dynamics with a Metropolis test: no bias, whatever the step.

    A Langevin step ``y = x + a s(x, sigma) + sqrt(2 a) noise`` is only proposed. With ``q(y | x)``
    its normal density, the chain moves with probability

        ``min(1, p(y) q(x | y) / (p(x) q(y | x)))``

    and otherwise stays where it is. This makes every move as frequent as its reverse, so ``p``
    is invariant exactly. For N(m, v), once settled, a share ``(2 / pi) arctan((2 v / a)^(3/2))``
    of the moves is accepted. One that is refused leaves the chain exactly as it was, so the states
    themselves tell: see `lessons_lib.diagnostics.acceptance`.

    The step must shrink with the number of coordinates ``n``, like ``n^(-1/3)``, if the acceptance
    is to stay; about 0.57 is best for large ``n``. References: [RobertsTweedie1996],
    [RobertsRosenthal1998]; chapter 06_map_langevin.

    Parameters
    ----------
    score : Score
        It makes the proposals good; a wrong score makes the walk slow and leaves it exact.
    log_prob : callable
        ``log_prob(x, sigma)`` of shape ``(*)``, one value and hence one decision for each chain;
        a constant may be missing, and it may be minus infinity where nothing is allowed.
    x : Tensor, shape ``(*, event)``
        Starting points, one for each chain, where the density is positive: points ``(*, n)`` or
        images ``(*, H, W)``.
    step : float
        Step ``a``, in the units of ``x`` squared.
    num_steps : int
        Number of steps, and of states yielded.

    Yields
    ------
    Tensor
        The state after each step, like ``x``.
    """
    score, sigma = checked(score), as_sigma(sigma, check_tensor(x, "x"))
    step, num_steps = check_number(step, "step"), check_count(num_steps, "num_steps")
    log_prob, generator = _checked_density(log_prob), generator or fresh(x)
    advice = f"reduce step, now {step:.3g}"

    @torch.no_grad()
    def walk(x: Tensor) -> Iterator[Tensor]:
        log_p, s = log_prob(x, sigma), score(x, sigma)
        if bool((log_p == -torch.inf).any()):
            raise ValueError("x must start where log_prob is finite, got minus infinity")
        like = {"generator": generator, "dtype": x.dtype, "device": x.device}
        for k in range(1, num_steps + 1):
            y = x + step * s + (2 * step) ** 0.5 * unit_normal(x.shape, x, generator)
            if not finite(y):
                raise diverged(f"MALA step {k}", advice)
            log_p_y, s_y = log_prob(y, sigma), score(y, sigma)
            back = _log_proposal(x, y, s_y, step, log_p.ndim)
            forth = _log_proposal(y, x, s, step, log_p.ndim)
            log_odds = log_p_y + back - log_p - forth
            if not finite(log_odds):
                lost = log_odds.isnan() & (log_p_y != -torch.inf)  # where p(y) = 0 it is refused
                if bool(lost.any()):
                    raise FloatingPointError(f"the odds became NaN at MALA step {k}: {advice}")
            accept = torch.rand(log_p.shape, **like).log() < log_odds  # (*)
            event = accept.reshape(accept.shape + (1,) * (x.ndim - accept.ndim))  # (*, 1, ...)
            x, s, log_p = y.where(event, x), s_y.where(event, s), log_p_y.where(accept, log_p)
            yield x

    return watched(walk(x), num_steps, "MALA", progress)


def _checked_density(log_prob: Density) -> Density:
    """The same density, guaranteed to be one value for each chain."""

    def trusted(x: Tensor, sigma: Sigma) -> Tensor:
        log_p = log_prob(x, sigma)
        if not isinstance(log_p, Tensor):
            got = type(log_p).__name__
            raise TypeError(f"log_prob(x, sigma) must return a torch.Tensor, got {got}")
        if log_p.ndim >= x.ndim or log_p.shape != x.shape[: log_p.ndim]:
            raise ValueError(
                "log_prob(x, sigma) must return one value for each chain, the leading dimensions "
                f"of x {tuple(x.shape)}, got {tuple(log_p.shape)}"
            )
        return log_p

    return trusted


def _log_proposal(y: Tensor, x: Tensor, s: Tensor, step: float, batch_dims: int) -> Tensor:
    """``log q(y | x) = -||y - x - a s(x)||^2 / (4 a)`` without its constant, shape ``(*)``."""
    return -(y - x - step * s).square().flatten(batch_dims).sum(-1) / (4 * step)
