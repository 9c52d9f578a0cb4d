"""Mixtures of normals on patches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lessons_lib import training
from lessons_lib.distributions import fit_mixture
from lessons_lib.pretrained.mixture import MixtureScore
from lessons_lib.pretrained.pictures import SIZE, patches_of, training_patches
from lessons_lib.pretrained.recipe import Recipe, Records


@dataclass(frozen=True, kw_only=True)
class MixtureRecipe(Recipe):
    """How a mixture of normals is fitted to patches by expectation maximisation."""

    patch_size: int
    """Side of a patch in pixels."""
    num_components: int
    """Number of normals."""
    num_steps: int
    """Steps of expectation maximisation."""
    floor: float
    """Variance added to every covariance, in squared units of the pixels."""
    centred: bool = False
    """Whether the mean of each patch is taken away, and all normals have mean zero."""
    kind: str = "mixture"
    num_patches: int = 100_000
    """Patches cut at random places, equally many from each photograph."""
    edges: float | None = None
    """Share of patches with an edge in them, for drawn pictures; by default, as many as come."""
    sizes: tuple[int, ...] | None = None
    """Heights and widths of the pictures, as for `PatchRecipe`."""

    @property
    def picture_sizes(self) -> tuple[int, ...]:
        """Heights and widths of the pictures in pixels."""
        return self.sizes or (SIZE,)

    @property
    def piece_shape(self) -> tuple[int, ...]:
        """``(n,)``."""
        return (self.patch_size**2,)

    def pieces(self, pictures: Sequence[Tensor], num: int, generator: torch.Generator) -> Tensor:
        """Cut ``num`` patches from ``pictures``, ``(num, n)``."""
        return patches_of(self, pictures, num, generator)

    def build(self, generator: torch.Generator | None = None) -> MixtureScore:
        """Make the untrained model on patches ``(*, n)``."""
        return MixtureScore(self.num_components, *self.piece_shape, centred=self.centred)

    def records(self, model: MixtureScore, generator: torch.Generator, **options: Any) -> Records:
        """Fit the normals of ``model`` in float64, in a minute: no ``options`` are heeded.

        The loss is minus the log density of a few of the patches.
        """
        start = time.process_time()
        v = training_patches(self, generator=generator).double()
        if self.centred:
            v = v - v.mean(dim=-1, keepdim=True)
        sizes = dict(num_components=self.num_components, num_steps=self.num_steps)
        options = dict(floor=self.floor, zero_mean=self.centred, generator=generator)
        for k, mixture in enumerate(fit_mixture(v, **sizes, **options), start=1):
            model.follow(mixture)
            loss = -float(mixture.log_prob(v[:: max(1, len(v) // 4096)]).mean())
            yield training.Record(k, loss, time.process_time() - start)
