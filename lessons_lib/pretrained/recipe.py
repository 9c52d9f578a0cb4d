"""Everything that decides what a shipped model is: change a number, and it is another model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lessons_lib.phantoms import TRAIN_PHOTOGRAPHS

SIZE = 128
"""Height and width of the drawn pictures in pixels, if a recipe says nothing else."""


class Recipe:
    """What all recipes have in common: `kind`, the pictures, a range of noise and a seed."""

    kind: str
    data: str
    pictures: tuple[str, ...] | int
    sigmas: tuple[float, float]
    seed: int

    def as_json(self) -> dict[str, Any]:
        """Return the recipe as it is written to a file: plain numbers, strings and lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class PatchRecipe(Recipe):
    """How the score of patches is trained by denoising, from its seed to its last step."""

    patch_size: int
    """Side of a patch in pixels."""
    hidden: tuple[int, ...]
    """Widths of the hidden layers."""
    num_steps: int
    """Steps of Adam."""
    kind: str = "centred"
    """``centred``, ``preconditioned``, ``talk``, ``normalized`` or ``oriented``; see `build`."""
    data: str = "photographs"
    """``photographs``, ``disks`` or ``rectangles``."""
    pictures: tuple[str, ...] | int = TRAIN_PHOTOGRAPHS
    """Names for `phantoms.photograph`, none of them used for testing; or how many are drawn."""
    sizes: tuple[int, ...] | None = None
    """Heights and widths of the drawn pictures, equally many patches from each; else `SIZE`."""
    num_patches: int = 480_000
    """Patches cut at random places, equally many from each photograph."""
    edges: float | None = None
    """Share of patches with an edge in them, for drawn pictures; by default, as many as come."""
    sigmas: tuple[float, float] = (5 / 255, 100 / 255)
    """Smallest and largest noise level, for pixel values in [0, 1]."""
    num_levels: int = 4
    """Noise levels in each step, one in each equal part of the range of ``log sigma``."""
    batch_size: int = 128
    """Patches in each step; every one is seen at all the levels."""
    mean: float = 0.0
    """Mean of a pixel, for the preconditioning."""
    std: float = 0.12
    """Spread of a pixel about that mean, or of a centred kind about the mean of its patch."""
    learning_rate: float = 2e-3
    """Largest step size, after a warm-up and before a cosine decay to zero."""
    warmup: int = 200
    """Steps of warm-up."""
    ema: float = 0.999
    """Decay of the average of the weights, which is what is kept."""
    seed: int = 0
    """Of the weights, the pictures, the patches, the batches and the noise."""


@dataclass(frozen=True)
class ImageRecipe(Recipe):
    """How the score of whole images is trained by denoising, on crops of the pictures."""

    hidden: tuple[int, ...]
    """Channels on each level of a U-Net; filters and hidden width of the experts."""
    num_steps: int
    """Steps of Adam."""
    kind: str = "unet"
    """``unet`` or ``experts``; see `build`."""
    patch_size: int | None = None
    """Side of the experts' patches in pixels."""
    data: str = "disks"
    """``photographs``, ``disks`` or ``rectangles``."""
    pictures: tuple[str, ...] | int = 1000
    """Names for `phantoms.photograph`, none of them used for testing; or how many are drawn."""
    crop: int = 64
    """Side of a crop in pixels."""
    sigmas: tuple[float, float] = (0.005, 0.5)
    """Smallest and largest noise level, for pixel values in [0, 1]."""
    num_levels: int = 2
    """Noise levels in each step, one in each equal part of the range of ``log sigma``."""
    batch_size: int = 4
    """Crops in each step; every one is seen at all the levels."""
    mean: float = 0.13
    """Mean of a pixel, for the preconditioning."""
    std: float = 0.28
    """Standard deviation of a pixel."""
    learning_rate: float = 2e-3
    """Largest step size, after a warm-up and before a cosine decay to zero."""
    warmup: int = 100
    """Steps of warm-up."""
    ema: float = 0.995
    """Decay of the average of the weights, which is what is kept."""
    seed: int = 0
    """Of the weights, the pictures, the crops and the noise."""


@dataclass(frozen=True)
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
    """``mixture``; see `build`."""
    data: str = "photographs"
    """``photographs``, ``disks`` or ``rectangles``."""
    pictures: tuple[str, ...] | int = TRAIN_PHOTOGRAPHS
    """Names for `phantoms.photograph`, none of them used for testing; or how many are drawn."""
    num_patches: int = 100_000
    """Patches cut at random places, equally many from each photograph."""
    edges: float | None = None
    """Share of patches with an edge in them, for drawn pictures; by default, as many as come."""
    sigmas: tuple[float, float] = (5 / 255, 100 / 255)
    """Range of noise over which it is tested."""
    seed: int = 0
    """Of the pictures, the patches and the first responsibilities."""
