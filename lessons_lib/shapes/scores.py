"""The `Score` type, and what every score must return."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lessons_lib.shapes.levels import Sigma

Score = Callable[[Tensor, Sigma], Tensor]
"""``score(x, sigma)`` is the gradient in ``x`` of ``log p_sigma(x)``, shaped like ``x``."""


Walk = Callable[..., Iterator[Tensor]]
"""A generator function that yields the states of an algorithm."""


def checked(score: Score, name: str = "score") -> Score:
    """Return a score that is checked at every call, for an algorithm to trust; see below.

    Algorithms evaluate scores under `torch.no_grad`. A score that is itself a derivative, by
    autograd, then finds no graph: it is asked once more with gradients, and its answer detached.

    Parameters
    ----------
    score : Score
        Whatever the caller has given.
    name : str
        Its name in the caller's signature, used in the message.

    Returns
    -------
    Score
        The same values, guaranteed like ``x`` in shape and dtype by `check_score_output`.

    Raises
    ------
    TypeError
        If ``score`` is not callable.
    """
    if not callable(score):
        raise TypeError(f"{name} must be callable, got {type(score).__name__}")

    def trusted(x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        try:
            s = score(x, sigma)
        except RuntimeError as error:
            if torch.is_grad_enabled() or "does not require grad" not in str(error):
                raise
            with torch.enable_grad():
                s = score(x, sigma).detach()
        return check_score_output(s, x, name)

    return trusted


def unrolled(walk: Walk, differentiable: bool) -> Walk:
    """Return a generator of states that keeps no graph, unless the caller asks for one.

    Parameters
    ----------
    walk : callable
        The generator function.
    differentiable : bool
        Return it as it is, so that gradients run through all its states.

    Returns
    -------
    callable
        The generator function to call in its place.
    """
    return walk if differentiable else torch.no_grad()(walk)


def check_score_output(s: Tensor, x: Tensor, name: str = "score") -> Tensor:
    """Return ``s`` in the dtype of ``x`` if it has its shape, as every score must.

    ``name`` is who made it. A score that computes in float64 leaves a float32 state in float32.

    Raises
    ------
    TypeError
        If ``s`` is no tensor, or complex where ``x`` is real.
    ValueError
        If the shapes differ.
    """
    if not isinstance(s, Tensor):
        raise TypeError(f"{name}(x, sigma) must return a torch.Tensor, got {type(s).__name__}")
    if s.shape != x.shape:
        raise ValueError(
            f"{name}(x, sigma) must return the shape of x, {tuple(x.shape)}, got {tuple(s.shape)}"
        )
    if s.is_complex() and not x.is_complex():
        raise TypeError(f"{name}(x, sigma) must be real like x, got {s.dtype}")
    return s.to(x.dtype)
