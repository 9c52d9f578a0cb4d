"""Photographs inside the scikit-image wheel, split by scene into training and test."""

from __future__ import annotations

import torch
from torch import Tensor

TRAIN_PHOTOGRAPHS = (
    "astronaut",
    "coffee",
    "chelsea",
    "coins",
    "rocket",
    "brick",
    "grass",
    "gravel",
)
"""Photographs that the shipped models are trained on."""

TEST_PHOTOGRAPHS = ("camera", "clock")
"""Photographs that no shipped model has seen."""

_FILES = {"clock": "clock_motion.png", "rocket": "rocket.jpg"}


def photograph(name: str, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Load a bundled photograph as a gray image in [0, 1]; it is never downloaded.

    Its ``name`` is one of `TRAIN_PHOTOGRAPHS` or `TEST_PHOTOGRAPHS`, its shape ``(H, W)``. Colour
    becomes luminance, ``0.2125 R + 0.7154 G + 0.0721 B``. Chapter 00_tour.
    """
    from importlib.resources import as_file, files

    from skimage.color import rgb2gray
    from skimage.io import imread

    if name not in TRAIN_PHOTOGRAPHS + TEST_PHOTOGRAPHS:
        known = ", ".join(TRAIN_PHOTOGRAPHS + TEST_PHOTOGRAPHS)
        raise ValueError(f"name must be one of {known}; got {name!r}")
    with as_file(files("skimage.data") / _FILES.get(name, f"{name}.png")) as path:
        picture = imread(path)
    gray = rgb2gray(picture) if picture.ndim == 3 else picture / 255  # (H, W, 3) -> (H, W)
    return torch.as_tensor(gray, dtype=dtype)
