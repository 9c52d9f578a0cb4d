"""Networks on patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lessons_lib.networks import (
    CentredScore,
    NormalizedScore,
    OrientedScore,
    PreconditionedScore,
    ScaledScore,
    mlp,
)
from lessons_lib.pretrained.pictures import SIZE, patches_of, training_patches
from lessons_lib.pretrained.recipe import TrainedRecipe


@dataclass(frozen=True, kw_only=True)
class PatchRecipe(TrainedRecipe):
    """How the score of patches is trained by denoising."""

    patch_size: int
    """Side of a patch in pixels."""
    kind: str = "centred"
    """``centred``, ``preconditioned``, ``talk``, ``normalized`` or ``oriented``; see `build`."""
    sizes: tuple[int, ...] | None = None
    """Heights and widths of the pictures, equally many patches from each. By default, drawn ones
    have `SIZE`, and photographs their own; reduced, a photograph has this shorter side."""
    num_patches: int = 480_000
    """Patches cut at random places, equally many from each photograph."""
    edges: float | None = None
    """Share of patches with an edge in them, for drawn pictures; by default, as many as come."""
    num_levels: int = 4
    batch_size: int = 128
    mean: float = 0.0
    std: float = 0.12
    """Spread of a pixel about that mean, or of a centred kind about the mean of its patch."""
    warmup: int = 200
    ema: float = 0.999

    @property
    def picture_sizes(self) -> tuple[int, ...]:
        """Heights and widths of the drawn pictures in pixels."""
        return self.sizes or (SIZE,)

    @property
    def piece_shape(self) -> tuple[int, ...]:
        """``(n,)``."""
        return (self.patch_size**2,)

    def pieces(self, pictures: Sequence[Tensor], num: int, generator: torch.Generator) -> Tensor:
        """Cut ``num`` patches from ``pictures``, ``(num, n)``."""
        return patches_of(self, pictures, num, generator)

    def material(self, generator: torch.Generator) -> Tensor:
        """All patches, ``(N, n)``."""
        return training_patches(self, generator=generator)

    def batch(self, material: Tensor, generator: torch.Generator) -> Tensor:
        """Some of the patches in ``material`` as squares."""
        chosen = torch.randint(len(material), (self.batch_size,), generator=generator)
        return material[chosen].unflatten(-1, (self.patch_size, self.patch_size))

    def build(self, generator: torch.Generator | None = None) -> nn.Module:
        """Make the untrained model.

        ==================  ====================================================================
        kind                model, on patches ``(*, n)``
        ==================  ====================================================================
        ``preconditioned``  `PreconditionedScore`
        ``centred``         `CentredScore` of that: ignores brightness
        ``normalized``      `NormalizedScore`: ignores brightness and contrast
        ``oriented``        `OrientedScore` of that: ignores the direction too
        ``talk``            `ScaledScore`, blind: five leaky ReLU layers, the other hidden ones tanh
        ==================  ====================================================================
        """
        match self.kind:
            case "preconditioned":
                return self._preconditioned(generator)
            case "centred":
                return CentredScore(self._preconditioned(generator))
            case "normalized":
                return NormalizedScore(self._told_sigma(generator))
            case "oriented":
                return OrientedScore(NormalizedScore(self._told_sigma(generator)), self.patch_size)
            case "talk":
                return ScaledScore(self._blind(generator))
        wanted = "centred, preconditioned, talk, normalized or oriented"
        raise ValueError(f"kind must be one of {wanted}; got {self.kind!r}")

    def _preconditioned(self, generator: torch.Generator | None) -> PreconditionedScore:
        return PreconditionedScore(self._told_sigma(generator), mean=self.mean, std=self.std)

    def _told_sigma(self, generator: torch.Generator | None) -> nn.Module:
        (n,) = self.piece_shape
        return mlp((n + 1, *self.hidden, n), activation="silu", generator=generator)

    def _blind(self, generator: torch.Generator | None) -> nn.Module:
        (n,), depth = self.piece_shape, len(self.hidden)
        activation = ["leaky_relu"] * min(5, depth) + ["tanh"] * (depth - 5)
        return mlp((n, *self.hidden, n), activation=activation, generator=generator)
