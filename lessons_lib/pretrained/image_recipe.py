"""Networks on whole images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lessons_lib.networks import ImageScore, NormalizedImageScore, PatchEnergyScore, UNet
from lessons_lib.pretrained.pictures import SIZE, crops, training_pictures
from lessons_lib.pretrained.recipe import TrainedRecipe

TOLD = 32
"""How many functions of the noise level the blocks of a whole-image network are told."""


@dataclass(frozen=True, kw_only=True)
class ImageRecipe(TrainedRecipe):
    """How the score of whole images is trained by denoising, on crops of the pictures.

    ``hidden`` are the channels on each level of a U-Net; filters and hidden width of the experts.
    """

    kind: str = "unet"
    """``unet``, ``whole``, ``whole_normalized`` or ``experts``; see `build`."""
    patch_size: int | None = None
    """Side of the experts' patches in pixels."""
    data: str = "disks"
    pictures: tuple[str, ...] | int = 1000
    size: int = SIZE
    """Height and width of the drawn pictures in pixels."""
    crop: int = 64
    """Side of a crop in pixels."""
    sigmas: tuple[float, float] = (0.005, 0.5)
    num_levels: int = 2
    batch_size: int = 4
    mean: float = 0.13
    std: float = 0.28
    warmup: int = 100
    ema: float = 0.995
    balanced: bool = False
    """Whether a level weighs ``1 + sigma^2 / std^2``: what a score needs in order to generate."""

    @property
    def picture_sizes(self) -> tuple[int, ...]:
        """``(size,)``."""
        return (self.size,)

    @property
    def piece_shape(self) -> tuple[int, ...]:
        """``(crop, crop)``."""
        return self.crop, self.crop

    def pieces(self, pictures: Sequence[Tensor], num: int, generator: torch.Generator) -> Tensor:
        """Cut crops from ``pictures``, as many pixels as ``num`` patches of 49."""
        return crops(pictures, self.crop, -(-49 * num // self.crop**2), generator)

    def material(self, generator: torch.Generator) -> Sequence[Tensor]:
        """The pictures."""
        return training_pictures(self, generator=generator, size=self.size)

    def batch(self, material: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        """Crops of the pictures in ``material``."""
        return crops(material, self.crop, self.batch_size, generator)

    def weights(self, sigmas: Tensor) -> Tensor | None:
        """``1 + sigma^2 / std^2`` for each of ``sigmas``, if they are `balanced`."""
        return 1 + (sigmas / self.std).square() if self.balanced else None

    def build(self, generator: torch.Generator | None = None) -> nn.Module:
        """Make the untrained model on images ``(*, H, W)``.

        ====================  ==================================================================
        kind                  model
        ====================  ==================================================================
        ``unet``              `ImageScore` of a U-Net that sees as far as its convolutions reach
        ``whole``             `ImageScore` of a U-Net with attention, which sees the whole image,
                              and whose blocks are all told the noise level
        ``whole_normalized``  `NormalizedImageScore` of that: ignores brightness and contrast
        ``experts``           `PatchEnergyScore`
        ====================  ==================================================================
        """
        match self.kind:
            case "unet":
                return ImageScore(self._unet(generator), self.mean, self.std)
            case "whole":
                return ImageScore(self._unet(generator, whole=True), self.mean, self.std)
            case "whole_normalized":
                return NormalizedImageScore(self._unet(generator, whole=True))
            case "experts":
                sizes = self.patch_size, self.hidden
                return PatchEnergyScore(*sizes, self.mean, self.std, generator=generator)
        wanted = "unet, whole, whole_normalized or experts"
        raise ValueError(f"kind must be one of {wanted}; got {self.kind!r}")

    def _unet(self, generator: torch.Generator | None, *, whole: bool = False) -> nn.Module:
        net = UNet(self.hidden, told=TOLD if whole else 0, attention=whole, generator=generator)
        return net.to(memory_format=torch.channels_last)  # faster
