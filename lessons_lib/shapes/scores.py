"""The `Score` type, and what every score must return."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lessons_lib.shapes.levels import Sigma

Score = Callable[[Tensor, Sigma], Tensor]
"""``score(x, sigma)`` is the gradient in ``x`` of ``log p_sigma(x)``, shaped like ``x``."""

Walk = Callable[..., Iterator[Tensor]]
"""A generator function that yields the states of an algorithm."""


def checked(score: Score, name: str = "score") -> Score:
    """Return the ``score`` that was given as ``name``, for an algorithm to trust.

    Its answers have the shape and dtype of ``x``, by `check_score_output`. Algorithms evaluate
    scores under `torch.no_grad`; one that is itself a derivative, by autograd, then finds no
    graph: it is asked once more with gradients, and its answer detached. What is returned can be
    pickled where the score can, as the grader does with a prior.
    """
    if not callable(score):
        raise TypeError(f"{name} must be callable, got {type(score).__name__}")
    if getattr(score, "func", None) is _answer:
        return score  # it has come through another door
    return functools.partial(_answer, score, name)


def _answer(score: Score, name: str, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
    try:
        s = score(x, sigma)
    except RuntimeError as error:
        if torch.is_grad_enabled() or "does not require grad" not in str(error):
            raise
        with torch.enable_grad():
            s = score(x, sigma).detach()
    return check_score_output(s, x, name)


def unrolled(walk: Walk, differentiable: bool) -> Walk:
    """Return the generator function ``walk``, keeping no graph unless it is ``differentiable``."""
    return walk if differentiable else torch.no_grad()(walk)


def check_score_output(s: Tensor, x: Tensor, name: str = "score") -> Tensor:
    """Return the answer ``s`` of the score ``name`` in the dtype of ``x``, if it has its shape.

    A score that computes in float64 leaves a float32 state in float32; a complex answer at a real
    ``x`` is refused.
    """
    if not isinstance(s, Tensor):
        raise TypeError(f"{name}(x, sigma) must return a torch.Tensor, got {type(s).__name__}")
    if s.shape != x.shape:
        raise ValueError(
            f"{name}(x, sigma) must return the shape of x, {tuple(x.shape)}, got {tuple(s.shape)}"
        )
    if s.dtype == x.dtype:
        return s
    if s.is_complex() and not x.is_complex():
        raise TypeError(f"{name}(x, sigma) must be real like x, got {s.dtype}")
    return s.to(x.dtype)
