"""What the samplers share: the end of a walk, its progress, its noise, and its ladder."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from lessons_lib.shapes import check_tensor


def last(states: Iterable[Tensor], *, keep_on_interrupt: bool = False) -> Tensor:
    """Run a sampler to its end and return the last of its ``states``.

    Parameters
    ----------
    states : iterable of Tensor
        What a sampler yields.
    keep_on_interrupt : bool
        When the user interrupts, warn and return the state reached, in place of the exception.
        (In a loop ``for x in states`` the variable ``x`` keeps it in any case.)
    """
    state, count = None, 0
    try:
        for count, state in enumerate(states, 1):  # noqa: B007  (only the last is wanted)
            pass
    except KeyboardInterrupt:
        if state is None or not keep_on_interrupt:
            raise
        told = f"interrupted after {count} states: returning the last of them"
        warnings.warn(told, RuntimeWarning, stacklevel=2)
    if state is None:
        raise ValueError("states must hold at least one state, got none")
    return state


def watched(states: Iterator[Tensor], total: int, name: str, progress: bool) -> Iterator[Tensor]:
    """Pass the states on, with a bar on stderr if ``progress``."""
    return _with_bar(states, total, name) if progress else states


def _with_bar(states: Iterator[Tensor], total: int, name: str) -> Iterator[Tensor]:
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=name, unit="state") as bar:
        for state in states:
            bar.update()
            yield state


def fresh(x: Tensor) -> torch.Generator:
    """Return the default source of noise: a generator with seed 0, on the device of ``x``."""
    return torch.Generator(device=x.device).manual_seed(0)


def diverged(where: str, advice: str) -> FloatingPointError:
    """Return what a walk raises that has left the numbers: where, and what to do."""
    return FloatingPointError(f"the state became non-finite at {where}: {advice}")


def check_sigmas(sigmas: Tensor, x: Tensor, *, smallest_may_be_zero: bool) -> Tensor:
    """Return the ladder like ``x``; refuse one that does not go down, or ends below zero."""
    check_tensor(sigmas, "sigmas")
    if sigmas.ndim != 1 or len(sigmas) < 2:
        raise ValueError(f"sigmas must have shape (L,) with L >= 2, got {tuple(sigmas.shape)}")
    if not bool((sigmas.diff() < 0).all()):
        raise ValueError(f"sigmas must decrease, got {sigmas.tolist()}")
    floor = float(sigmas[-1])
    if floor < 0 or (floor == 0 and not smallest_may_be_zero):
        wanted = "non-negative" if smallest_may_be_zero else "positive"
        raise ValueError(f"sigmas must be {wanted}, got a minimum of {floor:g}")
    return sigmas.to(x)
