"""Everything that decides what a shipped model is: change a number, and it is another model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lessons_lib.phantoms import TRAIN_PHOTOGRAPHS


@dataclass(frozen=True)
class PatchRecipe:
    """How a patch score is trained on photographs, from its seed to its last step."""

    patch_size: int
    """Side of a patch in pixels."""
    hidden: tuple[int, ...]
    """Widths of the hidden layers."""
    num_steps: int
    """Steps of Adam."""
    photographs: tuple[str, ...] = TRAIN_PHOTOGRAPHS
    """Names for `phantoms.photograph`; none of them is used for testing."""
    patches_per_photograph: int = 60_000
    """Patches cut from each, at random places."""
    sigmas: tuple[float, float] = (5 / 255, 100 / 255)
    """Smallest and largest noise level, for pixel values in [0, 1]."""
    num_levels: int = 4
    """Noise levels in each step, one in each equal part of the range of ``log sigma``."""
    batch_size: int = 128
    """Patches in each step; every one is seen at all the levels."""
    std: float = 0.12
    """Spread of a pixel about the mean of its patch, for the preconditioning."""
    learning_rate: float = 2e-3
    """Largest step size, after a warm-up and before a cosine decay to zero."""
    warmup: int = 200
    """Steps of warm-up."""
    ema: float = 0.999
    """Decay of the average of the weights, which is what is kept."""
    seed: int = 0
    """Of the weights, the patches, the batches and the noise."""

    def as_json(self) -> dict[str, Any]:
        """Return the recipe as it is written to a file: plain numbers, strings and lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


RECIPES: dict[str, PatchRecipe] = {
    "photographs_7x7": PatchRecipe(patch_size=7, hidden=(320, 320, 320), num_steps=40_000),
    "photographs_5x5": PatchRecipe(patch_size=5, hidden=(96, 96), num_steps=3_000),
}
"""The shipped models by name."""
