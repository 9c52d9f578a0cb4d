"""The untrained model behind a recipe."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from lessons_lib.networks import (
    CentredScore,
    ExpertsScore,
    ImageScore,
    NormalizedScore,
    OrientedScore,
    PreconditionedScore,
    ScaledScore,
    UNet,
    mlp,
)
from lessons_lib.pretrained.mixture import MixtureScore
from lessons_lib.pretrained.recipe import ImageRecipe, MixtureRecipe, PatchRecipe, Recipe

Build = Callable[[Recipe, torch.Generator | None], nn.Module]


def build(recipe: Recipe, *, generator: torch.Generator | None = None) -> nn.Module:
    """Make the untrained model of a recipe.

    ==================  ====================================================================
    kind                model
    ==================  ====================================================================
    ``centred``         `CentredScore` of a `PreconditionedScore`: ignores brightness
    ``preconditioned``  `PreconditionedScore`
    ``talk``            `ScaledScore`, blind: five leaky ReLU layers, the other hidden ones tanh
    ``normalized``      `NormalizedScore`: ignores brightness and contrast
    ``oriented``        `OrientedScore` of that: ignores the direction too
    ``mixture``         `MixtureScore`
    ``unet``            `ImageScore` of a `UNet`
    ``experts``         `ExpertsScore`
    ==================  ====================================================================

    Parameters
    ----------
    recipe : Recipe
        Gives the kind, the sizes and the preconditioning.
    generator : torch.Generator, optional
        Source of the initial weights.

    Returns
    -------
    nn.Module
        In float32; called as ``model(x, sigma)`` with a positive ``sigma``, on patches ``(*, n)``,
        or for the last two kinds on images ``(*, H, W)``.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    if recipe.kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {recipe.kind!r}")
    return KINDS[recipe.kind](recipe, generator)


def _preconditioned(recipe: PatchRecipe, generator: torch.Generator | None) -> PreconditionedScore:
    n = recipe.patch_size**2
    net = mlp((n + 1, *recipe.hidden, n), activation="silu", generator=generator)
    return PreconditionedScore(net, mean=recipe.mean, std=recipe.std)


def _centred(recipe: PatchRecipe, generator: torch.Generator | None) -> CentredScore:
    return CentredScore(_preconditioned(recipe, generator))


def _talk(recipe: PatchRecipe, generator: torch.Generator | None) -> ScaledScore:
    n, depth = recipe.patch_size**2, len(recipe.hidden)
    activation = ["leaky_relu"] * min(5, depth) + ["tanh"] * (depth - 5)
    return ScaledScore(mlp((n, *recipe.hidden, n), activation=activation, generator=generator))


def _normalized(recipe: PatchRecipe, generator: torch.Generator | None) -> NormalizedScore:
    n = recipe.patch_size**2
    net = mlp((n + 1, *recipe.hidden, n), activation="silu", generator=generator)
    return NormalizedScore(net)


def _oriented(recipe: PatchRecipe, generator: torch.Generator | None) -> OrientedScore:
    return OrientedScore(_normalized(recipe, generator), recipe.patch_size)


def _mixture(recipe: MixtureRecipe, generator: torch.Generator | None) -> MixtureScore:
    return MixtureScore(recipe.num_components, recipe.patch_size**2, centred=recipe.centred)


def _unet(recipe: ImageRecipe, generator: torch.Generator | None) -> ImageScore:
    net = UNet(recipe.hidden, generator=generator).to(memory_format=torch.channels_last)  # faster
    return ImageScore(net, recipe.mean, recipe.std)


def _experts(recipe: ImageRecipe, generator: torch.Generator | None) -> ExpertsScore:
    sizes = recipe.patch_size, recipe.hidden
    return ExpertsScore(*sizes, recipe.mean, recipe.std, generator=generator)


KINDS: dict[str, Build] = {
    "centred": _centred,
    "preconditioned": _preconditioned,
    "talk": _talk,
    "normalized": _normalized,
    "oriented": _oriented,
    "mixture": _mixture,
    "unet": _unet,
    "experts": _experts,
}
"""What makes each kind of model."""
