"""The network behind a recipe: a preconditioned patch score that ignores brightness."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lessons_lib.networks import PreconditionedScore, mlp
from lessons_lib.pretrained.recipe import PatchRecipe
from lessons_lib.shapes import Sigma


class CentredScore(nn.Module):
    """A patch score that is the same at every brightness, ``s(v) = P f(P v)``.

    ``P`` subtracts the mean of the patch. If a potential does not change when a constant is added
    to the patch, ``V(v + c) = V(v)``, then its gradient does not change either, and its entries
    sum to zero. This wrapper gives any score both properties, exactly.

    Parameters
    ----------
    score : nn.Module
        Any score ``f(v, sigma)`` on patches ``(*, n)``.

    Notes
    -----
    Contrast is another matter: `CentredScore` does nothing about it. Chapters 00_tour and 7.
    """

    def __init__(self, score: nn.Module) -> None:
        super().__init__()
        self.score = score

    def forward(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at patches ``(*, n)``."""
        s = self.score(v - v.mean(dim=-1, keepdim=True), sigma)
        return s - s.mean(dim=-1, keepdim=True)


def build(recipe: PatchRecipe, *, generator: torch.Generator | None = None) -> CentredScore:
    """Make the untrained model of a recipe.

    Parameters
    ----------
    recipe : PatchRecipe
        Gives the sizes and the preconditioning.
    generator : torch.Generator, optional
        Source of the initial weights.

    Returns
    -------
    CentredScore
        In float32; called as ``model(v, sigma)`` with a positive ``sigma``.
    """
    n = recipe.patch_size**2
    net = mlp((n + 1, *recipe.hidden, n), activation="silu", generator=generator)
    return CentredScore(PreconditionedScore(net, mean=0.0, std=recipe.std))
