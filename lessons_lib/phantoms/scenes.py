"""Ten photographed scenes to test on, whole, none of them trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.phantoms.photographs import read_gray, reduced

_PLACES = {
    "camera": ("skimage.data", "camera.png"),
    "clock": ("skimage.data", "clock_motion.png"),
    "motorcycle": ("skimage.data", "motorcycle_left.png"),
    "moon": ("skimage.data", "moon.png"),
    "galaxies": ("skimage.data", "hubble_deep_field.jpg"),
    "retina": ("skimage.data", "retina.jpg"),
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "stairs": ("lessons_lib.phantoms", "pictures/stairs.png"),
    "palace": ("lessons_lib.phantoms", "pictures/palace.png"),
    "flower": ("lessons_lib.phantoms", "pictures/flower.png"),
}

SCENES = tuple(_PLACES)
"""Every photograph in the wheels that the course requires, but for those that models are trained
on; and three more that lie in ``phantoms/pictures``, with their terms."""


def scene(name: str, *, size: int = 256, dtype: torch.dtype = torch.float64) -> Tensor:
    """Load the middle square of a photographed scene, gray in [0, 1], reduced to ``size`` pixels.

    Its ``name`` is one of `SCENES`; no shipped model has seen any of them. Reduced, it has hardly
    any grain of its own. Chapter 06_reconstruction.
    """
    if name not in SCENES:
        raise ValueError(f"name must be one of {', '.join(SCENES)}; got {name!r}")
    gray = read_gray(*_PLACES[name])
    side = min(gray.shape)
    row, col = ((k - side) // 2 for k in gray.shape)
    square = gray[row : row + side, col : col + side]
    return torch.as_tensor(reduced(square, size), dtype=dtype)
