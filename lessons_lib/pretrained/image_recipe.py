"""Networks on whole images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lessons_lib.networks import ImageScore, PatchEnergyScore, UNet
from lessons_lib.pretrained.pictures import crops, training_pictures
from lessons_lib.pretrained.recipe import TrainedRecipe


@dataclass(frozen=True, kw_only=True)
class ImageRecipe(TrainedRecipe):
    """How the score of whole images is trained by denoising, on crops of the pictures.

    ``hidden`` are the channels on each level of a U-Net; filters and hidden width of the experts.
    """

    kind: str = "unet"
    """``unet`` or ``experts``; see `build`."""
    patch_size: int | None = None
    """Side of the experts' patches in pixels."""
    data: str = "disks"
    pictures: tuple[str, ...] | int = 1000
    crop: int = 64
    """Side of a crop in pixels."""
    sigmas: tuple[float, float] = (0.005, 0.5)
    num_levels: int = 2
    batch_size: int = 4
    mean: float = 0.13
    std: float = 0.28
    warmup: int = 100
    ema: float = 0.995

    @property
    def piece_shape(self) -> tuple[int, ...]:
        """``(crop, crop)``."""
        return self.crop, self.crop

    def pieces(self, pictures: Sequence[Tensor], num: int, generator: torch.Generator) -> Tensor:
        """Cut crops from ``pictures``, as many pixels as ``num`` patches of 49."""
        return crops(pictures, self.crop, -(-49 * num // self.crop**2), generator)

    def material(self, generator: torch.Generator) -> Sequence[Tensor]:
        """The pictures."""
        return training_pictures(self, generator=generator)

    def batch(self, material: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        """Crops of the pictures in ``material``."""
        return crops(material, self.crop, self.batch_size, generator)

    def build(self, generator: torch.Generator | None = None) -> nn.Module:
        """Make the untrained model on images ``(*, H, W)``: `ImageScore`, or `PatchEnergyScore`."""
        match self.kind:
            case "unet":
                net = UNet(self.hidden, generator=generator)
                net = net.to(memory_format=torch.channels_last)  # faster
                return ImageScore(net, self.mean, self.std)
            case "experts":
                sizes = self.patch_size, self.hidden
                return PatchEnergyScore(*sizes, self.mean, self.std, generator=generator)
        raise ValueError(f"kind must be one of unet or experts; got {self.kind!r}")
