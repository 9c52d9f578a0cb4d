"""Photographs inside the scikit-image wheel, split by scene into training and test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons_lib.shapes import check_count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


def photograph(name: str, *, size: int | None = None, dtype: torch.dtype = torch.float64) -> Tensor:
    """Load a bundled photograph as a gray image in [0, 1]; it is never downloaded.

    Its ``name`` is one of `TRAIN_PHOTOGRAPHS` or `TEST_PHOTOGRAPHS`, its shape ``(H, W)``, with
    ``size`` reduced until the shorter side has so many pixels. Colour becomes luminance,
    ``0.2125 R + 0.7154 G + 0.0721 B``. Chapter 00_tour.
    """
    if name not in TRAIN_PHOTOGRAPHS + TEST_PHOTOGRAPHS:
        known = ", ".join(TRAIN_PHOTOGRAPHS + TEST_PHOTOGRAPHS)
        raise ValueError(f"name must be one of {known}; got {name!r}")
    picture = read_gray("skimage.data", _FILES.get(name, f"{name}.png"))
    return torch.as_tensor(reduced(picture, size), dtype=dtype)


def read_gray(package: str, file: str) -> NDArray[np.float64]:
    """Read a picture that lies in a ``package``, ``(H, W)`` in [0, 1]."""
    from importlib.resources import as_file, files

    from skimage.color import rgb2gray
    from skimage.io import imread

    with as_file(files(package) / file) as path:
        picture = imread(path)
    return rgb2gray(picture) if picture.ndim == 3 else picture / 255  # (H, W, 3) -> (H, W)


def reduced(picture: NDArray[np.float64], size: int | None) -> NDArray[np.float64]:
    """Shrink a picture until its shorter side has ``size`` pixels, each an average of its place."""
    from skimage.transform import resize

    side = min(picture.shape)
    if size is None or check_count(size, "size", most=side) == side:
        return picture
    shape = [round(k * size / side) for k in picture.shape]
    return resize(picture, shape, anti_aliasing=True)
