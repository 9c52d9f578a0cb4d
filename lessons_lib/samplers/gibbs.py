"""Gibbs's sampler: some of the coordinates are drawn anew, given all the others, in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from lessons_lib.samplers._parts import diverged, fresh, watched
from lessons_lib.shapes import check_count, check_number, check_tensor, finite

Conditional = Callable[[Tensor, float, torch.Generator], Tensor]
"""``draw(x, T, generator)`` returns ``x`` with some of its coordinates drawn from ``p^(1/T)``,
given the others."""


def gibbs(
    conditionals: Sequence[Conditional],
    x: Tensor,
    *,
    num_sweeps: int,
    temperatures: Tensor | float = 1.0,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Iterator[Tensor]:
    r"""Draw each group of coordinates from its law given the rest, one group after the other.

    If ``x`` has the law ``p``, it has it still after any of the draws, so ``p`` is invariant
    exactly: there is no step, and no bias. For a normal pair of correlation ``r``, drawn one
    after the other, each sweep multiplies the distance of the mean by ``r^2``.

    A falling sequence of temperatures is *simulated annealing*: the draws come from ``p^(1/T)``,
    which gathers at the largest ``p`` as ``T`` goes to zero. If it falls as slowly as a constant
    over the logarithm of the sweep, the state ends there with probability one.

    References: [GemanGeman1984]; chapter 05_patch_with_lines.

    Parameters
    ----------
    conditionals : sequence of callables
        ``draw(x, T, generator)``, each for its group of coordinates: for pixels with four
        neighbours the two colours of a chessboard are two groups. One may draw helpers first
        (lines, given the pixels) and the coordinates then; they need not stay in the state.
    x : Tensor, shape ``(*, event)``
        Starting points, one for each chain; labels as numbers of floating-point type.
    num_sweeps : int
        Number of sweeps through all groups, and of states yielded.
    temperatures : float or Tensor, shape ``(num_sweeps,)``
        ``T`` of each sweep, positive; 1 draws from ``p``.

    Yields
    ------
    Tensor
        The state after each sweep, like ``x``.
    """
    check_tensor(x, "x")
    num_sweeps = check_count(num_sweeps, "num_sweeps")
    schedule = _schedule(temperatures, num_sweeps)
    if not conditionals or not all(callable(draw) for draw in conditionals):
        raise TypeError(f"conditionals must be callables, at least one, got {conditionals!r}")
    generator = generator or fresh(x)

    @torch.no_grad()
    def walk(x: Tensor) -> Iterator[Tensor]:
        for k, T in enumerate(schedule, 1):
            for draw in conditionals:
                x = _like(draw(x, T, generator), x)
            if not finite(x):
                raise diverged(f"Gibbs sweep {k}", "reduce what the conditionals return")
            yield x

    return watched(walk(x), num_sweeps, "Gibbs", progress)


def _schedule(temperatures: Tensor | float, num_sweeps: int) -> list[float]:
    """One temperature for each sweep."""
    if not isinstance(temperatures, Tensor) or temperatures.ndim == 0:
        return [check_number(temperatures, "temperatures")] * num_sweeps
    check_tensor(temperatures, "temperatures")
    if temperatures.shape != (num_sweeps,) or not bool((temperatures > 0).all()):
        got = f"shape {tuple(temperatures.shape)}, from {temperatures.min():g} on"
        raise ValueError(f"temperatures must be {num_sweeps} positive numbers, got {got}")
    return temperatures.tolist()


def _like(drawn: Tensor, x: Tensor) -> Tensor:
    """What a conditional has drawn, if it is a state."""
    if not isinstance(drawn, Tensor):
        got = type(drawn).__name__
        raise TypeError(f"conditionals must return a torch.Tensor, got {got}")
    if drawn.shape != x.shape:
        got = tuple(drawn.shape)
        raise ValueError(f"conditionals must return the shape of x, {tuple(x.shape)}, got {got}")
    return drawn.to(x.dtype)
