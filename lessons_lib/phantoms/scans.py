"""Two real medical images that ship inside other packages, so that nothing is downloaded."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import check_count

HEAD_SIDE, HEAD_MAX = 256, 55040
"""Pixels on a side of the magnetic resonance image, and the largest value in its file."""


def head_mr(*, block: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Load a magnetic resonance slice through a head, from the side; it ships with matplotlib.

    The file holds magnitudes from 0 to 55040, which are divided by 55040. Averaged over blocks of
    so many pixels a side the image has the shape ``(256 / block, 256 / block)``, values in [0, 1].
    References: chapter 06_scans.
    """
    import numpy as np
    from matplotlib.cbook import get_sample_data

    block = check_count(block, "block")
    if HEAD_SIDE % block:
        raise ValueError(f"block must divide {HEAD_SIDE}, got {block}")
    with get_sample_data("s1045.ima.gz") as file:
        values = np.frombuffer(file.read(), dtype="<u2").astype(np.float64)
    image = torch.as_tensor(values).reshape(HEAD_SIDE, HEAD_SIDE) / HEAD_MAX
    blocks = image.unflatten(1, (-1, block)).unflatten(0, (-1, block))  # (H, b, W, b)
    return blocks.mean((1, 3)).to(dtype)


def spine_ct(*, dtype: torch.dtype = torch.float64) -> Tensor:
    """Load a computed tomography slice through a vertebra; it ships with pydicom.

    The file holds Hounsfield units ``HU = 1000 (mu / mu_water - 1)``. Returned is the attenuation
    relative to water, ``mu / mu_water = 1 + HU / 1000``: about 0.1 in the lungs, 1 in muscle, up to
    2.2 in bone. Its shape is ``(128, 128)``; a pixel is 0.66 mm wide. References: chapter 06_scans.
    """
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    file = dcmread(get_testdata_file("CT_small.dcm", download=False))
    values = torch.as_tensor(file.pixel_array.astype("float64"))
    hounsfield = values * float(file.RescaleSlope) + float(file.RescaleIntercept)
    return (1 + hounsfield / 1000).clamp(min=0).to(dtype)
