"""A prior from outside the library, entered in the denoising table by its address."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import torch
from torch import Tensor

from lessons_lib.course.studies.denoisers import Prior, down_the_ladder, one_step
from lessons_lib.course.studies.methods import GUEST, Method
from lessons_lib.shapes import Score, Sigma


def find_prior(address: str) -> Score:
    """Import a score by its ``address``: a module and a name in it, such as ``my_prior:score``.

    It is called as ``score(x, sigma)`` on images ``(*, H, W)``, and returns the same shape.
    """
    module, _, name = address.partition(":")
    if not module or not name:
        raise ValueError(
            f"a prior is given as MODULE:NAME, such as my_prior:score, got {address!r}"
        )
    try:
        score = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"there is no prior {address}: {error}") from error
    if not callable(score):
        raise ValueError(f"{address} must be a function score(x, sigma), got {score!r}")
    return score


def guest_methods(priors: Mapping[str, Score]) -> list[Method]:
    """Return two rows for each of the ``priors``, one step of Tweedie and the ladder, by its name.

    They are the ones that the shipped priors have, with the same levels. Scores are asked with
    float32 images and may use autograd inside.
    """
    rows = []
    for name, score in priors.items():
        prior = _received(name, score)
        rows.append(Method(f"{name}, one step", GUEST, one_step(prior)))
        rows.append(Method(f"{name}, ladder", GUEST, down_the_ladder(prior)))
    return rows


def _received(name: str, score: Score) -> Prior:
    """The same score for each shape, with a clear complaint where it is none."""

    @torch.enable_grad()
    def checked(x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        s = score(x, sigma)
        if not isinstance(s, Tensor) or s.shape != x.shape:
            got = tuple(s.shape) if isinstance(s, Tensor) else type(s).__name__
            raise ValueError(f"{name} must return the shape of x, {tuple(x.shape)}, got {got}")
        if not bool(torch.isfinite(s).all()):
            raise ValueError(f"{name} has values that are not finite at sigma = {sigma}")
        return s.detach().to(x)

    return lambda shape: checked
